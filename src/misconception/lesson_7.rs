//! Lesson 7: What it costs.

use super::Misconception;

misconceptions! {
    CACHED_IS_MAPPED = "cached-is-mapped",
        ("A page in the page cache can be accessed without a fault.",
         "页已经在页缓存里，访问它就不会缺页。"),
        ("Each process has a page table of its own: the first access to a cached page takes a minor fault, which makes \
          the entry.",
         "每个进程有自己的页表：第一次访问缓存里的页，会发生次缺页（一次），页表项才建立起来。");

    ADVICE_MAPS = "advice-maps",
        ("After madvise(2) with MADV_WILLNEED the pages can be accessed without a fault.",
         "用 MADV_WILLNEED 调用 madvise(2) 之后，访问这些页就不会缺页。"),
        ("MADV_WILLNEED starts reading the pages into the page cache and returns. It makes no page-table entry.",
         "MADV_WILLNEED 只是开始把页读入页缓存，随即返回；它不建立页表项。");

    READ_PAGES_LEAVE = "read-pages-leave",
        ("Pages of a mapping that were read and are needed no more leave the process's memory by themselves.",
         "映射中的页读过之后不再需要，就会自动离开进程的内存。"),
        ("They stay resident while they are mapped and memory isn't short, with MADV_SEQUENTIAL, too. munmap(2) or \
          MADV_DONTNEED takes them away.",
         "只要还映射着，内存又不紧张，它们就一直在页表里，用了 MADV_SEQUENTIAL 也一样。要用 munmap(2) 或 MADV_DONTNEED 才会移走。");

    FAULT_READS_ITS_PAGE = "fault-reads-its-page",
        ("A fault reads from the disk the page that is accessed, or at most what is mapped.",
         "缺页只从磁盘读入所访问的那一页，最多也只读映射了的部分。"),
        ("It reads what is around the page, too, in the mapping or not: as much as the read-ahead of the disk. MADV_RANDOM turns \
          that off.",
         "内核会顺带读入前后的页，不管有没有映射，多少取决于磁盘的预读量。MADV_RANDOM 可以关掉它。");

    MAPPING_IS_FASTER = "mapping-is-faster",
        ("mmap(2) is faster than read(2), since it copies nothing.",
         "mmap(2) 不复制数据，所以比 read(2) 快。"),
        ("It pays by faults instead, and for mmap(2) and munmap(2). Which one is faster depends on the machine, the size and the \
          pages in memory: measure.",
         "它付的是缺页，以及 mmap(2) 和 munmap(2)。哪种快，取决于机器、大小和页在不在内存里：要测量。");
}
