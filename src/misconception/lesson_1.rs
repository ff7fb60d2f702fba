//! Lesson 1: traditional I/O.

use super::Misconception;

misconceptions! {
    SHORT_IS_THE_END = "short-is-the-end",
        ("A read or a write transfers all the bytes that it was asked for; a short count means the end of the file.",
         "读写总会传输所要求的字节数；传输不足就说明到了文件末尾。"),
        ("A short count is allowed at any time. Only 0 means the end of a file. Transfer the rest in a loop.",
         "任何时候都可能传输不足，只有返回 0 才是文件末尾。要在循环里接着传剩下的。");
    EINTR_IS_AN_ERROR = "eintr-is-an-error",
        ("A call that returns EINTR has failed.",
         "系统调用返回 EINTR 就是失败了。"),
        ("A signal interrupted it before it had done anything. Retry the call.",
         "那只是在做任何事之前来了一个信号，再调用一次即可。");
    A_CHUNK_IS_A_UNIT = "a-chunk-is-a-unit",
        ("An occurrence always lies inside one of the chunks in which the file is read.",
         "要找的内容总会完整地落在读进来的某一块里。"),
        ("Chunk boundaries fall anywhere, even in the middle of an occurrence. Carry the end of each chunk over to the \
          next.",
         "块的边界是程序自己定的，可能落在任何地方，包括要找的内容中间。每一块的末尾要带到下一块去。");
    A_FILE_FITS_IN_MEMORY = "a-file-fits-in-memory",
        ("A file, or a list of places in it, always fits in memory.",
         "整个文件，或者文件中位置的列表，总能放进内存。"),
        ("A file may be larger than memory. Process it through a buffer of a fixed size, and keep nothing that grows \
          with the file.",
         "文件可能比整个内存还大。应让它流过一个固定大小的缓冲区，不要保留随文件增长的东西。");
    WRITING_BACK_IS_HARMLESS = "writing-back-is-harmless",
        ("Writing bytes back unchanged does no harm.",
         "把原来的字节原样写回去，没有什么害处。"),
        ("It overwrites what other processes have written there since, fills holes, dirties pages, and costs time. \
          Write only what changes.",
         "这会抹掉读出之后别人写进去的内容，填上空洞，弄脏本来干净的页，还浪费时间。只写改变了的部分。");
    A_CALL_COSTS_NOTHING = "a-call-costs-nothing",
        ("It makes no difference whether bytes are moved one by one or many at a time.",
         "字节一个一个地传，还是一批一批地传，没有区别。"),
        ("Each system call has a fixed cost, about that of copying a few thousand bytes. Transfer 16 KiB or more with each.",
         "每次系统调用都有固定开销，大约抵得上复制几千字节。每次应当传 16 KiB 以上。");
    ANY_ORDER_MOVES = "any-order-moves",
        ("Bytes can be moved inside a file in any order.",
         "在文件内部移动字节，先移哪些都行。"),
        ("Where source and target overlap, a byte that is written too early overwrites one that has not been read \
          yet. Towards the end of the file the last bytes move first.",
         "源和目标重叠时，写得太早会覆盖还没读出来的字节。往文件末尾方向移动，要从最后的字节开始。");
    REWRITING_IS_ONE_STEP = "rewriting-is-one-step",
        ("While a small file is rewritten, other processes see either the old bytes or the new ones.",
         "重写一个小文件，别人看到的不是旧内容就是新内容。"),
        ("Opening with O_TRUNC and writing are two calls: between them the file is empty, and each write is visible \
          at once. Write another file, then rename(2) it over the old one.",
         "用 O_TRUNC 打开和写入是两次调用，中间文件是空的，而且每次写入都立刻可见。应写到另一个文件，再用 rename(2) 改名。");
    A_NEW_FILE_HAS_THE_OLD_MODE = "a-new-file-has-the-old-mode",
        ("A file that takes the name of another file takes that file's mode as well.",
         "新文件顶替了旧文件的名字，也就有了它的权限。"),
        ("The mode belongs to the inode, not to the name. A new file has the mode with which it was created.",
         "权限属于 inode，不属于名字。新文件的权限是创建时给的。");
    NO_ANSWER_IS_NOTHING_THERE = "no-answer-is-nothing-there",
        ("A file that can't be opened does not exist.",
         "打不开的文件就是不存在。"),
        ("Take only ENOENT for that. After EACCES, EMFILE or EIO the file may exist with all its contents, and a program \
          that starts from scratch overwrites it.",
         "只有 ENOENT 才能当作不存在。遇到 EACCES、EMFILE、EIO 时，文件和内容可能都好好的，从头再来就会把它覆盖掉。");
    THE_DEAD_CLEAN_UP = "the-dead-clean-up",
        ("What a process would have cleaned up is cleaned up even when it is killed.",
         "进程即使被杀死，退出前该做的清理也会照样做完。"),
        ("SIGKILL runs no destructor, no handler, no atexit(3). The next process has to find what is left and remove \
          it.",
         "被 SIGKILL 杀死的进程，析构函数、信号处理函数、atexit(3) 一概不执行。留下的东西要由后来的进程找到并清除。");
    RENAME_WRITES_THE_FILE = "rename-writes-the-file",
        ("After rename(2) has succeeded, the new file is on the disk.",
         "rename(2) 成功，新文件就已经落盘。"),
        ("rename(2) changes a name. The bytes may reach the disk long after that: call fsync(2) on the file first.",
         "rename(2) 改的只是名字，内容可能很久以后才落盘。改名之前要先对文件调用 fsync(2)。");
    FSYNC_WRITES_THE_NAME = "fsync-writes-the-name",
        ("fsync(2) of a file writes its name to the disk, too.",
         "对文件调用 fsync(2)，它的名字也就保住了。"),
        ("The name is in the directory, which is a file of its own: open it, and call fsync(2) on it.",
         "名字存在目录里，而目录是另一个文件：要打开它，再调用 fsync(2)。");
    RENAME_IS_A_LOCK = "rename-is-a-lock",
        ("rename(2) is atomic, so nothing is lost when two processes do it at the same time.",
         "rename(2) 是原子的，所以两个进程同时做也不会丢失什么。"),
        ("Only the replacement is one step. Both processes have read the same number before it, and the later rename \
          overwrites the earlier change.",
         "只有替换是一步完成的。两个进程之前读到的是同一个数，后改名的会盖掉先改名的。");
    A_LOCK_IS_ON_THE_NAME = "a-lock-is-on-the-name",
        ("A lock on a file protects the file's name.",
         "锁住一个文件，别的进程就动不了叫这个名字的文件。"),
        ("flock(2) locks the inode, not the name. After rename(2) the name refers to another file, which is not \
          locked.",
         "flock(2) 锁住的是 inode，不是名字。rename(2) 之后，叫这个名字的是另一个文件，它没有被锁住。");
    WHAT_WAS_READ_STILL_HOLDS = "what-was-read-still-holds",
        ("A lock also protects what was read before it was taken and what is written after it was released.",
         "拿到锁之前读出的值、释放锁之后写入的值，也受锁保护。"),
        ("A lock protects only what happens while it is held: read, change and write under the lock.",
         "锁只保护持有期间发生的事：读出、修改、写入都必须在持锁期间完成。");
    A_SMALL_WRITE_IS_WHOLE = "a-small-write-is-whole",
        ("A small write reaches the disk as a whole or not at all.",
         "一次小的写入，要么整个落盘，要么完全没有。"),
        ("Linux does not promise that; POSIX.1-2024 asks it of a single block. Never overwrite the only good copy: write elsewhere, \
          and let a single byte or a checksum say which copy is valid.",
         "Linux 不保证这一点，POSIX.1-2024 也只要求单个块如此。不要覆盖唯一的好副本：写在别处，再由一个字节或校验和来决定哪份有效。");
    WRITES_ARRIVE_IN_ORDER = "writes-arrive-in-order",
        ("What was written first reaches the disk first.",
         "先写的先落盘。"),
        ("The kernel and the disk write in an order of their own. Only an fsync(2) between two writes orders them.",
         "内核和磁盘按自己的顺序写。只有在两次写入之间调用 fsync(2)，才能保证前一次先落盘。");
    WRITTEN_IS_ON_THE_DISK = "written-is-on-the-disk",
        ("What write(2) has written is on the disk.",
         "write(2) 收下的数据就已经在磁盘上了。"),
        ("It is in the page cache: it survives the process, but not a power cut. fsync(2) waits for the disk.",
         "它只是进了页缓存：进程被杀死它还在，断电就没了。要等它落盘，得用 fsync(2)。");
    WHAT_IS_READ_IS_ON_THE_DISK = "what-is-read-is-on-the-disk",
        ("What is read from a file is what a power cut would leave.",
         "从文件里读到的，就是断电之后会留下的。"),
        ("A read returns what is in the page cache, even what was written by a process that was killed before its \
          fsync(2). Call fsync(2) before you rely on it.",
         "读到的是页缓存，其中可能有别的进程写了、却没等到 fsync(2) 就被杀死的内容。要在它的基础上继续，先调用 fsync(2)。");
    FSYNC_CAN_BE_ASKED_AGAIN = "fsync-can-be-asked-again",
        ("If fsync(2) fails, it can be retried until it succeeds.",
         "fsync(2) 失败了就再试，直到成功为止。"),
        ("The error is reported once; then the pages are marked clean, so the next fsync(2) succeeds, and the bytes \
          are lost. Return the error.",
         "错误只报告一次，之后这些页就算干净了：下一次 fsync(2) 会成功，数据却丢了。应把错误传给调用者。");
}
