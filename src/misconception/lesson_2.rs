//! Lesson 2: mmap and munmap.

use super::Misconception;

misconceptions! {
    ANY_OFFSET = "any-offset",
        ("A mapping may begin at any byte of a file.",
         "映射可以从文件的任意字节开始。"),
        ("mmap(2) maps pages: an offset that is not a multiple of the page size is EINVAL. Map from the page boundary \
          before it, and skip.",
         "mmap(2) 以页为单位：偏移量不是页大小的整数倍，就返回 EINVAL。应从前一个页边界开始映射，再跳过多出来的字节。");
    INT_HOLDS_A_SIZE = "int-holds-a-size",
        ("An int, or 32 bits, is enough for the size of a file or an offset in it.",
         "用 int（或 32 位）就能存下文件大小和文件内的偏移量。"),
        ("A file's size and offsets have 64 bits (off_t). A cast that is too narrow gives no error: from 2 GiB on the \
          number is negative, or another one.",
         "文件大小和偏移量都是 64 位的（off_t）。过窄的强制转换不会报错：从 2 GiB 起，得到的就是负数或别的数。");
    READ_IS_AS_GOOD = "read-is-as-good",
        ("It makes no difference whether a function maps a file or reads it into a buffer.",
         "函数是映射文件，还是把文件读进缓冲区，没有区别。"),
        ("read(2) copies the bytes out of the page cache, as they are at that moment; a mapping is the page cache \
          itself, takes no memory of its own, and shows what other processes store.",
         "read(2) 把字节从页缓存复制出来，得到的是某一时刻的副本；映射就是页缓存本身，不另占内存，别的进程写入的内容也看得到。");
    MAP_IT_ALL = "map-it-all",
        ("A mapping costs nothing: to look at some bytes, map the whole file, or everything between them.",
         "想看几个字节，就把整个文件（或者它们之间的一切）都映射进来，反正映射不花代价。"),
        ("A mapping takes addresses and, once accessed, page tables. A file may be larger than both allow. Map only \
          the pages that you need.",
         "映射要占地址空间，访问之后还要占页表。文件可能比这两者都大。只映射需要的页。");
    CLOSE_UNMAPS = "close-unmaps",
        ("A mapping ends when its file is closed, or when the function returns.",
         "关闭文件，或者函数返回，映射就结束了。"),
        ("A mapping holds its own reference to the file, and lives until its addresses are unmapped (munmap(2)) or given \
          to another mapping, or until execve(2) or the end of the process.",
         "映射自己持有对文件的引用，一直存在到它的地址被解除（munmap(2)）或者被另一个映射占去，或者到 execve(2)、进程结束为止。");
    WRITING_IS_FREE = "writing-is-free",
        ("PROT_WRITE does no harm to a mapping that is only read.",
         "只读的时候，多要一个 PROT_WRITE 也无妨。"),
        ("A shared mapping with PROT_WRITE needs a file that is open for writing; otherwise mmap(2) fails with EACCES. \
          Ask only for the access that you need.",
         "文件以只读方式打开时，带 PROT_WRITE 的共享映射会得到 EACCES。需要怎样访问，就只要怎样的保护属性。");
    REST_IS_FILE = "rest-is-file",
        ("Everything that is mapped of a file's last page is part of the file.",
         "文件最后一页映射出来的内容全都属于文件。"),
        ("A whole page is mapped, and the file may end inside it: past the file's last byte the mapping shows zeros, or \
          what was stored there, which is no part of the file.",
         "页是完整的，文件却不是：最后一个字节之后，映射里读到的是零，或者有人写在那里的内容，都不属于文件。");
    MAPPED_IS_THERE = "mapped-is-there",
        ("After mmap(2) has succeeded, every byte of the mapping exists.",
         "mmap(2) 成功了，要求的每个字节就都在那里。"),
        ("mmap(2) does not check the file's size: it maps pages past the end of the file, and accessing one raises \
          SIGBUS.",
         "mmap(2) 不看文件大小：文件末尾之后的页照样能映射，一访问就引发 SIGBUS。");
    NULL_IS_FAILURE = "null-is-failure",
        ("mmap(2) returns NULL when it fails.",
         "mmap(2) 失败时返回 NULL。"),
        ("It returns MAP_FAILED, which is (void *) -1. A comparison with NULL is never true, and the access that follows \
          is to address -1.",
         "它返回的是 MAP_FAILED，即 (void *) -1。与 NULL 比较永远不成立，接下来访问的就是地址 -1。");
    PRIVATE_REACHES_THE_FILE = "private-reaches-the-file",
        ("A store to a mapping reaches the file, private or not.",
         "不管是不是私有映射，写进映射的内容都会进入文件。"),
        ("The first store to a page of a private mapping makes a copy of that page, which only this mapping has. The \
          file does not change.",
         "第一次写私有映射的某一页时，内核会复制这一页，副本只属于这个映射。文件不会改变。");
    FIXED_FINDS_ROOM = "fixed-finds-room",
        ("MAP_FIXED fails if something is mapped at these addresses already.",
         "如果那些地址上已经有映射，MAP_FIXED 会失败。"),
        ("MAP_FIXED silently discards what is mapped there: a heap, a stack, a library. Reserve the addresses first, \
          or use MAP_FIXED_NOREPLACE.",
         "MAP_FIXED 会悄悄替换掉那里已有的映射，哪怕那是堆、栈或某个库。应先预留地址，或者用 MAP_FIXED_NOREPLACE。");
    MUNMAP_TAKES_ALL = "munmap-takes-all",
        ("The parts of a mapping that are not in use are unmapped automatically.",
         "用不到的那部分映射会自己消失。"),
        ("munmap(2) unmaps exactly the pages that it is given, at the ends of a mapping or in its middle. All others \
          stay mapped.",
         "munmap(2) 要它解除哪些页，就只解除哪些页，可以是两端，也可以是中间。没提到的部分会一直占着地址。");
}
