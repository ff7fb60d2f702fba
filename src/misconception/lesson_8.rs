//! Lesson 8: What survives.

use super::Misconception;

misconceptions! {
    MUNMAP_SAVES = "munmap-saves",
        ("munmap(2) writes what was stored in a shared mapping to the disk.",
         "munmap(2) 会把写进共享映射的内容写到磁盘上。"),
        ("It removes addresses, and promises nothing about the disk: the pages stay in the page cache, and a power cut may lose \
          them. msync(2) with MS_SYNC waits until they are written.",
         "它去掉的只是地址，对磁盘不作任何保证：页还在页缓存里，断电就可能丢失。要等到写完，得用 MS_SYNC 调用 msync(2)。");

    CLOSE_SAVES = "close-saves",
        ("When close(2) has returned, the file is on the disk.",
         "close(2) 返回时，文件已经在磁盘上。"),
        ("close(2) drops a descriptor, and so does the end of a process. What was written is in the page cache until the kernel \
          writes it back; fsync(2) waits for that.",
         "close(2) 放掉的只是描述符，进程结束也一样。写入的内容在页缓存里，等内核写回；要等它写完，得用 fsync(2)。");

    ASYNC_WRITES = "async-writes",
        ("msync(2) with MS_ASYNC gets the pages written to the disk; it just doesn't wait.",
         "带 MS_ASYNC 的 msync(2) 也会让页写到磁盘上，只是不等待。"),
        ("On Linux it writes nothing, now or later. Only with MS_SYNC does msync(2) write the pages, and wait until they are on \
          the disk.",
         "在 Linux 上它什么也不写，当时不写，之后也不写。只有带 MS_SYNC 的 msync(2) 才写这些页，并等到它们已在磁盘上。");

    STORES_ARRIVE_IN_ORDER = "stores-arrive-in-order",
        ("Stores reach the disk in the order in which they were made: where a later one has arrived, the earlier ones have, \
          too.",
         "写入按先后顺序到达磁盘：后写的到了，先写的一定也到了。"),
        ("The kernel writes pages back in any order. Two stores arrive in theirs only where a sync of the first has returned \
          before the second was made.",
         "内核写回各页的先后不定。只有第一次写入同步完毕之后才进行第二次写入，两者才按顺序到达。");

    MSYNC_LEAVES_THE_OTHERS = "msync-leaves-the-others",
        ("What nobody has synced is not on the disk yet: msync(2) of one page writes that page and leaves the others.",
         "没有同步过的内容还不在磁盘上：对一页调用 msync(2)，写的就是这一页，别的页不动。"),
        ("The kernel writes pages back when it likes, and neighbours of a page along with it. A store that was not synced may \
          be lost, and may be there.",
         "内核随时可能写回任何一页，写一页时也可能连带写相邻的页。没有同步过的写入，可能丢失，也可能已经在磁盘上。");

    FSYNC_KEEPS_THE_NAME = "fsync-keeps-the-name",
        ("fsync(2) of a file that was created or renamed also keeps its name.",
         "对新建或改名的文件调用 fsync(2)，名字也就保住了。"),
        ("The name is an entry of the directory, and needs fsync(2) of the directory. Without it the name may be missing after a \
          power cut, or lead to the old file.",
         "名字是目录里的一项，要对目录调用 fsync(2)。否则断电之后，这个名字可能不存在，或者仍指向旧文件。");

    THE_ERROR_STAYS = "the-error-stays",
        ("After an error, fsync(2) keeps failing until the data is on the disk: so one may call it until it returns 0.",
         "出错之后，数据没有写到磁盘上，fsync(2) 就一直返回错误，所以反复调用到成功为止就行了。"),
        ("The error is reported once for each open file description. The next fsync(2) returns 0, and the pages are not on the \
          disk: keep a copy of the data, and write it elsewhere.",
         "对每个打开文件描述，错误只报告一次。再调用 fsync(2) 返回 0，而那些页并不在磁盘上：数据要另有副本，写到别处去。");
}
