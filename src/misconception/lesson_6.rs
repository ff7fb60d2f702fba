//! Lesson 6: the bus error.

use super::Misconception;

misconceptions! {
    BUS_ERROR_AFTER_THE_LAST_BYTE = "bus-error-after-the-last-byte",
        ("An access right after the file's last byte is a bus error.",
         "访问文件最后一个字节之后的地址就会触发总线错误。"),
        ("Only pages count: the rest of the file's last page exists and shows zeros, and stores to it succeed without \
          changing the file. SIGBUS begins at the next page.",
         "内核只看页：文件最后一页的剩余部分是存在的，读出来是零，写也能成功，只是文件并不因此改变；从下一页开始才是 SIGBUS。");

    MAPPING_ENDS_AT_ITS_LENGTH = "mapping-ends-at-its-length",
        ("A mapping is exactly as long as the length given to mmap(2).",
         "映射的长度恰好就是传给 mmap(2) 的长度。"),
        ("mmap(2) maps whole pages: the addresses past the length, up to the end of the page, are mapped like the \
          others.",
         "mmap(2) 以整页为单位建立映射：长度之后直到页尾的地址同样被映射。");

    REST_OF_THE_PAGE_IS_ALWAYS_ZERO = "rest-of-the-page-is-always-zero",
        ("What a mapping shows past the end of the file is always zero.",
         "映射中文件末尾之后的部分读出来总是零。"),
        ("It is zero when the page comes into the page cache. After that, any process that maps the page may store \
          there, and the others see it. Only the file's size says where its bytes end.",
         "只有页刚进入页缓存时它才是零；此后任何映射了这一页的进程都可以往那里写，别的进程也看得到。文件的字节到哪里为止，只有文件大小说了算。");

    SIZE_TELLS_WHAT_IS_THERE = "size-tells-what-is-there",
        ("A file's size says how many bytes there are to read or to map.",
         "文件大小说明了有多少字节可读、可映射。"),
        ("Most files in /proc have size 0 and yet have contents; most in /sys have a size, but neither that many \
          bytes nor pages to map. Only a read(2) that returns 0 says where a file ends.",
         "/proc 里的文件大多显示大小为 0，却有内容；/sys 里的文件大多有大小，却既没有那么多字节，也没有可映射的页。到底有多少，要读到 read(2) 返回 0 才知道。");

    SIZE_RESERVES_ROOM = "size-reserves-room",
        ("Once a file has its size, its disk space is reserved.",
         "文件设好大小，磁盘空间也就占好了。"),
        ("ftruncate(2) makes a hole, which has no blocks on the disk; a byte written at the end gives only itself a \
          block. Whatever is put there later needs one, and on a full disk there is none (ENOSPC). Reserve \
          its blocks first, with posix_fallocate(3), or fill the new part with zeros, if the file system overwrites in \
          place (btrfs doesn't).",
         "ftruncate(2) 得到的只是空洞，磁盘上没有对应的块；在末尾写一个字节，也只有那个字节有块。以后往里放内容才要分配块，磁盘满时就分配不到\
          （ENOSPC）。应当先用 posix_fallocate(3) 预留块；文件系统若是就地改写的（btrfs 不是），也可以先用零把新的部分填满。");

    ADDRESS_IS_AN_ORDER = "address-is-an-order",
        ("mmap(2) always maps at the address that it is given.",
         "给了地址，mmap(2) 就会映射在那个地址上。"),
        ("Without MAP_FIXED the address is a hint: if something is mapped there already, the kernel takes another \
          address and says so only in its return value.",
         "不带 MAP_FIXED 时，地址只是提示：那里已有映射，内核就另选地方，而且只在返回的地址里告诉你。");

    SIZE_COUNTS_WHEN_MAPPED = "size-counts-when-mapped",
        ("The bytes that a file had when it was mapped stay in the mapping.",
         "映射时文件里有的内容，之后对这个映射一直都在。"),
        ("The kernel looks a page up when it is accessed. Truncation removes the file's pages from every mapping, even \
          pages that were accessed before.",
         "内核在访问的那一刻才去找页；截断文件会把这些页从所有映射中拿走，之前访问过的也不例外。");

    SIZE_AFTERWARDS_TELLS_ALL = "size-afterwards-tells-all",
        ("If the file has its old size afterwards, no page was missing in between.",
         "事后文件大小还在，说明期间它的页一直都在。"),
        ("Between two checks of the size the file may have been truncated and have grown again. Only the fault itself \
          shows that a page was missing.",
         "两次查看大小之间，文件可能被截断又恢复。页曾经不在，只有访问落空时的那个信号能说明。");

    SIGBUS_CAN_BE_IGNORED = "sigbus-can-be-ignored",
        ("A process that ignores or blocks SIGBUS survives a bus error.",
         "忽略或阻塞 SIGBUS，进程就能挺过总线错误。"),
        ("The access can't complete, so the kernel kills the process anyway. Only where a handler \
          is set, and the thread does not block the signal, is the access repeated, and it completes once a page is there.",
         "这次访问无法继续，内核照样杀死进程。只有设了处理函数，线程又没有阻塞该信号，访问才会重新执行；那里一旦有了页，就能完成。");

    HANDLER_IS_FOR_ONE_MAPPING = "handler-is-for-one-mapping",
        ("A handler for SIGBUS gets only the faults of my mapping.",
         "SIGBUS 处理函数只会被我这个映射上的访问触发。"),
        ("An action belongs to the whole process: the handler gets every SIGBUS of every thread, sent ones too. It has \
          to check si_code and si_addr, and leave every other SIGBUS to the previous action.",
         "信号的处置方式属于整个进程：任何线程的任何 SIGBUS 都会到这里，别的进程发来的也一样。处理函数必须查看 si_code 和 si_addr，不属于自己的交还给先前的处置方式。");

    FAULT_CAN_BE_CAUGHT = "fault-can-be-caught",
        ("The code around an access can catch its bus error, as it catches a panic or an error.",
         "访问内存时的总线错误可以像 panic 或错误返回值那样，被外围代码捕获。"),
        ("A load or a store has no way to report a failure: it returns no error and does not unwind. The kernel sends \
          a signal, and without a handler the process ends there.",
         "读写内存没有“失败”这一说：既不返回错误，也不展开栈。内核发送信号，没有处理函数，进程就此结束。");

    OPEN_NEVER_WAITS = "open-never-waits",
        ("open(2) returns at once.",
         "open(2) 会立刻返回。"),
        ("open(2) of a FIFO waits until a process opens the other end, unless O_NONBLOCK is given. Check the type of \
          the file after open(2), with fstat(2): before that, another process may put another file there.",
         "打开 FIFO 会一直等到有进程打开另一端，除非带 O_NONBLOCK。文件是什么类型，要在打开之后用 fstat(2) 问：在那之前，路径上的文件可能被别的进程换掉。");

    ADDRESSES_WAIT_FOR_ME = "addresses-wait-for-me",
        ("Addresses that I unmap stay free until I map something there.",
         "我解除映射的地址会一直空着，等我再去映射。"),
        ("Between munmap(2) and mmap(2) another thread's allocation may get them, and MAP_FIXED then replaces that \
          memory. MAP_FIXED over the old mapping does both in one call.",
         "munmap(2) 与 mmap(2) 之间，别的线程的内存分配可能占走这些地址，随后的 MAP_FIXED 就会替换掉它的内存。直接在旧映射上用 MAP_FIXED，一次调用就同时完成两件事。");

    HANDLER_IS_LIKE_ANY_FUNCTION = "handler-is-like-any-function",
        ("A signal handler is a function like any other.",
         "信号处理函数和普通函数没什么两样。"),
        ("It may interrupt any instruction, perhaps in the middle of an allocation or while a lock is held: it may \
          only do what is async-signal-safe (signal-safety(7)). A panic can't unwind out of it, and aborts the \
          process.",
         "它可能打断任何一条指令，也许正在分配内存，也许正持有锁：其中只能做异步信号安全的事（signal-safety(7)）。panic 也无法从中展开出去，只会让进程异常终止。");

    WHAT_FOLLOWS_ALWAYS_RUNS = "what-follows-always-runs",
        ("Code that follows a call always runs once the call has ended.",
         "写在调用之后的代码，调用结束后就一定会执行。"),
        ("A panic in the call skips it. Code that restores something belongs in a destructor.",
         "调用里发生 panic，后面的代码就被跳过。需要恢复的东西，应当放进析构函数（Drop）里。");
}
