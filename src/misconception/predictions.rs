//! The misconceptions that only predictions show (crate::predict).

use super::Misconception;

misconceptions! {
    A_MAPPING_FOLLOWS_ITS_NAME = "a-mapping-follows-its-name",
        ("A mapping, or a descriptor, refers to whatever file has the name now.",
         "映射（或描述符）跟着名字走：名字现在指向哪个文件，它就是哪个文件。"),
        ("Both refer to the inode that the name led to when the file was opened. After rename(2) the old file is still \
          mapped, and the new one is not visible.",
         "两者绑定的都是打开时名字指向的 inode。rename(2) 之后，映射着的仍是旧文件，新文件的内容一点也看不到。");
    UNLINK_TAKES_THE_BYTES = "unlink-takes-the-bytes",
        ("unlink(2) deletes the file, and a process that has it open or mapped loses it.",
         "unlink(2) 会删除文件，打开或映射着它的进程就什么都没有了。"),
        ("It removes a name. The inode and its bytes stay until the last name, descriptor and mapping are gone.",
         "它去掉的只是一个名字。直到最后一个名字、描述符和映射都消失，inode 和内容才会释放。");
    TRUNC_MAKES_A_NEW_FILE = "trunc-makes-a-new-file",
        ("Opening a file with O_TRUNC begins a new file; a process that has the old one mapped keeps it.",
         "用 O_TRUNC 打开会新建一个文件，映射着旧文件的进程不受影响。"),
        ("It is the same inode, truncated to length 0: its pages disappear from every mapping. For a new file, write to \
          another name, then call rename(2).",
         "还是同一个 inode，长度被截成 0：它的页从所有映射中消失。要新文件，就写到另一个名字，再用 rename(2)。");
    A_COPY_IS_SAFE = "a-copy-is-safe",
        ("What I have stored to a private mapping is mine, whatever happens to the file.",
         "写进私有映射的内容归我所有，文件怎么变都与我无关。"),
        ("Truncation also removes the copies of the pages that it cuts off, and they stay gone when the file grows again.",
         "截断会把被截掉的页的副本一起拿走：副本没了，文件再变长也不会回来。");
    THE_SIZE_WHEN_MAPPED_IS_THE_LIMIT = "the-size-when-mapped-is-the-limit",
        ("A mapping is accessible up to where the file ended when it was mapped.",
         "映射能访问到哪里，取决于映射那一刻文件有多长。"),
        ("A page is looked up when it is accessed: if the file has grown, its new pages are there, up to the end of the mapping.",
         "访问的那一刻才去找页：文件变长了，页就有了，只要还在映射的地址范围之内。");
    STORING_NEEDS_NO_READING = "storing-needs-no-reading",
        ("To store to a mapping, a descriptor that is open for writing is enough.",
         "只往映射里写，描述符能写就够了。"),
        ("mmap(2) needs a descriptor that is open for reading as well, since a page is read in before it is changed. Otherwise \
          it fails with EACCES.",
         "描述符还必须可读，因为页要先读进来才能改；否则 mmap(2) 返回 EACCES。");
    PRIVATE_NEEDS_WRITE_ACCESS = "private-needs-write-access",
        ("To store to a private mapping, the descriptor must be open for writing.",
         "要写私有映射，描述符必须可写。"),
        ("No store to it reaches the file, so a descriptor that is open for reading is enough.",
         "写进去的内容不会进入文件，所以描述符可读就够了。");
    A_MAPPING_MUST_FIT = "a-mapping-must-fit",
        ("A mapping cannot be longer than its file, and an empty file cannot be mapped.",
         "映射不能比文件长，空文件不能映射。"),
        ("mmap(2) ignores the size of the file; only its own length argument must not be 0. A missing page is noticed when it \
          is accessed.",
         "mmap(2) 不看文件大小，只看自己的长度参数，而它不能为 0。缺了什么，要到访问时才知道。");
    MAPPING_TAKES_A_SNAPSHOT = "mapping-takes-a-snapshot",
        ("A private mapping has the file's bytes as they were when it was mapped.",
         "私有映射里是映射那一刻文件的内容。"),
        ("mmap(2) alone copies nothing. A page that the mapping has not stored to is the file's page, with what others have \
          written since.",
         "只用 mmap(2)，什么也不会复制。映射没有写过的页就是文件的页，之后别人写入的内容都看得到。");
    UNMAP_TAKES_THE_MAPPING = "unmap-takes-the-mapping",
        ("munmap(2) removes a whole mapping: everything that one mmap(2) made.",
         "munmap(2) 解除的是整个映射，也就是一次 mmap(2) 建立的全部。"),
        ("It removes pages, and the rest of the mapping stays: one part, or two with a hole between them.",
         "它解除的是页，其余部分还在：可能剩下一段，也可能剩下中间有洞的两段。");
    UNMAPPING_SAVES = "unmapping-saves",
        ("The changes in a private mapping get into the file when it is unmapped.",
         "私有映射的改动在解除映射时会写进文件。"),
        ("The changes are discarded. Only a shared mapping changes the file, and it does so at the store, not at \
          munmap(2).",
         "改动会被丢弃。只有共享映射会改文件，而且是在写的那一刻，不是在 munmap(2) 时。");
    UNMAPPING_EMPTIES_THE_CACHE = "unmapping-empties-the-cache",
        ("munmap(2) frees the file's pages: what was stored to them without msync(2) is lost.",
         "munmap(2) 会释放文件的页：没有 msync(2) 的写入就丢了。"),
        ("It removes the addresses. The pages are the file's: they stay in the page cache, with what was stored to them, and \
          others see it.",
         "它去掉的是地址。页是文件的，写入的内容还在页缓存里，别人照样看得到。");
    THE_OLD_ADDRESS_STAYS = "the-old-address-stays",
        ("After mremap(2) has moved a mapping, its old addresses still work.",
         "mremap(2) 移动映射之后，旧地址还能用。"),
        ("Nothing is mapped there then: each pointer into the old place has to be computed anew from what mremap(2) returned.",
         "那里已经什么也没有映射：指向旧地址的指针，都要按 mremap(2) 返回的地址重新计算。");
    A_STORE_LEAVES_NO_TIME = "a-store-leaves-no-time",
        ("Only write(2) and the like change a file's modification time; a store to a mapping does not.",
         "只有 write(2) 之类的调用才改变文件的修改时间，写映射不会。"),
        ("POSIX has the time marked between the store and the next msync(2). A disk marks it at the first store to a page; tmpfs \
          only where the page had not been accessed.",
         "POSIX 规定，在写之后、下一次 msync(2) 之前要更新它。磁盘文件系统在一页第一次被写时更新；tmpfs 则只有那一页此前没访问过才更新。");
    LOCKING_CHANGES_NOTHING = "locking-changes-nothing",
        ("mlock(2) only keeps pages in memory: a program sees the same with it and without.",
         "mlock(2) 只是让页留在内存里：用不用它，程序看到的都一样。"),
        ("It brings each page in as a store would: a private mapping that may be stored to has a copy from then on, and no longer \
          follows the file.",
         "它像写一样把每一页取进来：可写的私有映射从此有了副本，不再跟着文件变。");
    RESERVING_KEEPS_THE_LENGTH = "reserving-keeps-the-length",
        ("fallocate(2) reserves space on the disk; the file's length stays.",
         "fallocate(2) 只是预留磁盘空间，文件长度不变。"),
        ("Without FALLOC_FL_KEEP_SIZE the file becomes as long as the range reaches: pages that were missing are there.",
         "不带 FALLOC_FL_KEEP_SIZE 时，范围到哪里，文件就变长到哪里：原来没有的页也有了。");
    REMAPPING_LENGTHENS_THE_FILE = "remapping-lengthens-the-file",
        ("mremap(2) makes the mapping longer, and the file with it.",
         "mremap(2) 会把映射变长，文件也随之变长。"),
        ("It changes only how many addresses there are. The file grows by ftruncate(2), write(2) or fallocate(2); until then an \
          access there is SIGBUS.",
         "它改变的只是地址有多少。文件要靠 ftruncate(2)、write(2) 或 fallocate(2) 变长；在那之前，访问那里会收到 SIGBUS。");
    MPROTECT_ALLOWS_ANYTHING = "mprotect-allows-anything",
        ("mprotect(2) can make any mapping writable.",
         "mprotect(2) 可以把任何映射改成可写。"),
        ("A shared mapping of a file that was opened read-only can never be stored to: EACCES. The descriptor set the limit.",
         "文件只读打开，它的共享映射就永远不能写：EACCES。上限由当初的描述符决定。");
    MSYNC_WRITES_COPIES = "msync-writes-copies",
        ("msync(2) writes the changes of a private mapping into the file.",
         "msync(2) 会把私有映射的改动写进文件。"),
        ("A private copy does not belong to the file; msync(2) succeeds and writes nothing to it.",
         "私有副本不属于文件；msync(2) 会成功返回，但什么也不会写进文件。");
    MSYNC_REFRESHES = "msync-refreshes",
        ("msync(2) brings a mapping up to date with the file.",
         "msync(2) 会让映射与文件重新一致。"),
        ("Either a page is the file's page, and there is nothing to update, or it is a copy, and stays one. msync(2) only \
          waits for the disk.",
         "一页要么就是文件的页，那就没有什么可更新的；要么是副本，那就一直是副本。msync(2) 等的只是磁盘。");
    DONTNEED_IS_A_HINT = "dontneed-is-a-hint",
        ("MADV_DONTNEED is only advice: a program sees the same with it and without.",
         "MADV_DONTNEED 只是建议：用不用它，程序看到的都一样。"),
        ("On Linux it acts at once: private copies are dropped, and the next load finds the file's page, or zeros.",
         "在 Linux 上它立刻生效：私有副本被丢掉，下次读到的是文件的页，或者零。");
    A_STORE_WAITS_FOR_MSYNC = "a-store-waits-for-msync",
        ("Other processes and read(2) see a store to a shared mapping only after msync(2) or munmap(2).",
         "写共享映射，要等 msync(2) 或 munmap(2) 之后别人和 read(2) 才看得到。"),
        ("It changes the page in the page cache, which is the page that all others see, at once. msync(2) is about the disk.",
         "写的就是页缓存里的那一页，别人看到的也是这一页，立刻可见。msync(2) 管的是磁盘。");
    STORES_DIE_WITH_THEIR_PROCESS = "stores-die-with-their-process",
        ("If a process is killed before msync(2), its stores to a shared mapping are lost.",
         "进程没调用 msync(2) 就被杀死，写进共享映射的内容就丢了。"),
        ("The page cache belongs to the kernel, not to the process: only a crash, a power failure or an error at write-back \
          loses it.",
         "页缓存属于内核，不属于进程：只有整机崩溃、断电或写回出错才会丢。");
    ONLY_THE_BYTE_IS_COPIED = "only-the-byte-is-copied",
        ("After a store to a private mapping, the bytes beside it still follow the file.",
         "写了私有映射之后，旁边的字节仍然跟着文件变。"),
        ("The whole page is copied. All its bytes stay as they were at that moment.",
         "复制的是整页。这一页的所有字节都停在那一刻。");
    FORK_COPIES_EVERYTHING = "fork-copies-everything",
        ("After fork(2), parent and child share nothing: each has its own copy of all memory.",
         "fork(2) 之后父子进程毫无共享：所有内存各有一份。"),
        ("The memory of a shared mapping is the same in both, with or without a file.",
         "共享映射的内存，不管背后有没有文件，父子进程用的都是同一份。");
    FORK_SHARES_MEMORY = "fork-shares-memory",
        ("Parent and child share their memory until one of them calls execve(2).",
         "在调用 execve(2) 之前，父子进程共享内存。"),
        ("They share a page only until one of them stores to it: that one gets a copy, and the other does not see the store.",
         "只在没人写的时候才共享页：谁写，谁就得到副本，另一方看不到。");
}
