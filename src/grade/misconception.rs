//! The misconceptions about memory mapping that the course knows, each with a sentence against it.
//!
//! Their slugs are stable: checks name them in feedback, wrong answers demand them, hints refer to them.

use super::Words;

/// Something about files and memory that people believe and that isn't so.
#[derive(Debug, PartialEq, Eq)]
pub struct Misconception {
    /// Its name for ever, in kebab case.
    pub slug: &'static str,
    belief: (&'static str, &'static str),
    against: (&'static str, &'static str),
}

impl Misconception {
    /// The belief, in a sentence.
    pub fn belief(&self) -> Words {
        words(self.belief)
    }

    /// The sentence against it.
    pub fn against(&self) -> Words {
        words(self.against)
    }

    /// The misconception of that slug.
    pub fn of_slug(slug: &str) -> Option<&'static Misconception> {
        ALL.iter().find(|misconception| misconception.slug == slug).copied()
    }
}

fn words((en, zh): (&str, &str)) -> Words {
    Words { en: en.to_owned(), zh: zh.to_owned() }
}

macro_rules! misconceptions {
    ($($name:ident = $slug:literal, $belief:expr, $against:expr;)*) => {
        $(
            #[doc = $slug]
            pub const $name: Misconception = Misconception { slug: $slug, belief: $belief, against: $against };
        )*
        /// All of them.
        pub const ALL: &[&Misconception] = &[$(&$name),*];
    };
}

misconceptions! {
    // ---- Lesson 1: traditional I/O ----

    SHORT_IS_THE_END = "short-is-the-end",
        ("A read or a write moves as many bytes as it was asked for, and fewer mean that the file has ended.",
         "读写总会传输所要求的字节数；传少了就说明到了文件末尾。"),
        ("Fewer bytes than asked for are allowed at any time. Only 0 is the end of a file. Go on with the rest, in a loop.",
         "任何时候都可能传得比要求的少，只有返回 0 才是文件末尾。要在循环里接着传剩下的。");
    EINTR_IS_AN_ERROR = "eintr-is-an-error",
        ("A call that returns EINTR has failed.",
         "系统调用返回 EINTR 就是失败了。"),
        ("A signal came before anything was done. Make the call again.",
         "那只是在做任何事之前来了一个信号，再调用一次即可。");
    A_PIECE_IS_A_UNIT = "a-piece-is-a-unit",
        ("What is looked for in a file lies within one of the pieces in which it is read.",
         "要找的内容总会完整地落在读进来的某一块里。"),
        ("The edges of the pieces are the program's own and fall anywhere, also into the middle of what is looked for. Carry the \
          end of each piece over to the next.",
         "块的边界是程序自己定的，可能落在任何地方，包括要找的内容中间。每一块的末尾要带到下一块去。");
    A_FILE_FITS_IN_MEMORY = "a-file-fits-in-memory",
        ("A file, or a list of places in it, can be kept in memory.",
         "整个文件，或者文件中位置的列表，总能放进内存。"),
        ("A file may be larger than all memory. Let it pass through a buffer of a fixed size, and keep nothing that grows with it.",
         "文件可能比整个内存还大。应让它流过一个固定大小的缓冲区，不要保留随文件增长的东西。");
    WRITING_BACK_IS_HARMLESS = "writing-back-is-harmless",
        ("To write bytes back as they were does no harm.",
         "把原来的字节原样写回去，没有什么害处。"),
        ("It undoes what others have written there since they were read, fills holes, dirties pages, and costs time. Write what \
          changes.",
         "这会抹掉读出之后别人写进去的内容，填上空洞，弄脏本来干净的页，还浪费时间。只写改变了的部分。");
    A_CALL_COSTS_NOTHING = "a-call-costs-nothing",
        ("It makes no difference whether bytes are moved one by one or many at a time.",
         "字节一个一个地传，还是一批一批地传，没有区别。"),
        ("Each system call has its price, whatever it moves. Move some ten thousand bytes with each.",
         "每次系统调用都有固定开销，与传多少无关。每次应当传几万字节。");
    ANY_ORDER_MOVES = "any-order-moves",
        ("Bytes can be moved within a file in any order.",
         "在文件内部挪动字节，先挪哪些都行。"),
        ("Where source and target overlap, a byte that is written too early takes the place of one that was not read yet. Towards \
          the end of the file the last bytes move first.",
         "源和目标重叠时，写得太早会覆盖还没读出来的字节。往文件末尾方向挪，要从最后的字节开始。");
    REWRITING_IS_ONE_STEP = "rewriting-is-one-step",
        ("A small file that is written anew has the old bytes or the new ones.",
         "重写一个小文件，别人看到的不是旧内容就是新内容。"),
        ("Opening with O_TRUNC and writing are two calls: between them the file is empty, and each write shows at once. Write \
          another file and rename(2) it.",
         "用 O_TRUNC 打开和写入是两次调用，中间文件是空的，而且每次写入都立刻可见。应写到另一个文件，再用 rename(2) 改名。");
    A_NEW_FILE_HAS_THE_OLD_MODE = "a-new-file-has-the-old-mode",
        ("A file that takes another one's name takes its mode as well.",
         "新文件顶替了旧文件的名字，也就有了它的权限。"),
        ("The mode belongs to the inode, not to the name. A new file has the mode that it was made with.",
         "权限属于 inode，不属于名字。新文件的权限是创建时给的。");
    NO_ANSWER_IS_NOTHING_THERE = "no-answer-is-nothing-there",
        ("A file that can't be opened isn't there.",
         "打不开的文件就是不存在。"),
        ("Only ENOENT says that. After EACCES, EMFILE or EIO the file may be there with all that is in it, and who begins anew \
          takes its place.",
         "只有 ENOENT 才表示不存在。遇到 EACCES、EMFILE、EIO 时，文件和内容可能都好好的，从头再来就会把它覆盖掉。");
    THE_DEAD_CLEAN_UP = "the-dead-clean-up",
        ("What a destructor removes is gone when the process has ended.",
         "析构函数会删除的东西，进程结束后就不在了。"),
        ("SIGKILL runs no destructor, no handler, no atexit. Whoever comes next must find the remains and remove them.",
         "SIGKILL 之下，析构函数、信号处理函数、atexit 都不会运行。残留要由后来者找到并清除。");
    RENAME_WRITES_THE_FILE = "rename-writes-the-file",
        ("When rename(2) has succeeded the new file is on the disk.",
         "rename(2) 成功，新文件就已经落盘。"),
        ("rename(2) changes a name. The bytes may get to the disk long after it: fsync(2) the file before.",
         "rename(2) 改的只是名字，内容可能很久以后才落盘。改名之前要先对文件调用 fsync(2)。");
    FSYNC_WRITES_THE_NAME = "fsync-writes-the-name",
        ("fsync(2) of a file keeps its name, too.",
         "对文件调用 fsync(2)，它的名字也就保住了。"),
        ("The name is in the folder, which is a file of its own: open it and fsync(2) it.",
         "名字存在文件夹里，而文件夹是另一个文件：要打开它，再调用 fsync(2)。");
    RENAME_IS_A_LOCK = "rename-is-a-lock",
        ("Since rename(2) is atomic, nothing gets lost when two processes do it at a time.",
         "rename(2) 是原子的，所以两个进程同时做也不会丢失什么。"),
        ("Only the replacing is one step. Both have read the same number before, and the later one takes the other's change away.",
         "只有替换是一步完成的。两个进程之前读到的是同一个数，后改名的会盖掉先改名的。");
    A_LOCK_IS_ON_THE_NAME = "a-lock-is-on-the-name",
        ("A lock on a file keeps others from whatever has the file's name.",
         "锁住一个文件，别人就动不了叫这个名字的文件。"),
        ("flock(2) locks the open file, not the name. After rename(2) another file has the name, and its lock is free.",
         "flock(2) 锁的是打开的文件，不是名字。rename(2) 之后，叫这个名字的是另一个文件，它没有被锁住。");
    WHAT_WAS_READ_STILL_HOLDS = "what-was-read-still-holds",
        ("What was read before the lock was there, or is written after it is gone, is under the lock.",
         "拿到锁之前读出的值、放开锁之后写入的值，也受锁保护。"),
        ("A lock protects what happens while it is held: read, change, and write, all of it, inside.",
         "锁只保护持有期间发生的事：读出、修改、写入都必须在持锁期间完成。");
    A_SMALL_WRITE_IS_WHOLE = "a-small-write-is-whole",
        ("A small write gets to the disk as a whole or not at all.",
         "一次小的写入，要么整个落盘，要么完全没有。"),
        ("Nothing promises that. Never write over the only good copy: write beside it, and let a single byte or a checksum decide.",
         "没有谁保证这一点。不要覆盖唯一的好副本：写在别处，再由一个字节或校验和来决定哪份有效。");
    WRITES_ARRIVE_IN_ORDER = "writes-arrive-in-order",
        ("What was written first gets to the disk first.",
         "先写的先落盘。"),
        ("The kernel and the disk write in an order of their own. Only an fsync(2) between two writes makes the first one first.",
         "内核和磁盘按自己的顺序写。只有在两次写入之间调用 fsync(2)，才能保证前一次先落盘。");
    WRITTEN_IS_ON_THE_DISK = "written-is-on-the-disk",
        ("What write(2) has taken is on the disk.",
         "write(2) 收下的数据就已经在磁盘上了。"),
        ("It is in the page cache, and survives the process, but no power cut. fsync(2) waits for the disk.",
         "它只是进了页缓存，进程死了还在，断电就没了。要等它落盘，得用 fsync(2)。");
    WHAT_IS_READ_IS_ON_THE_DISK = "what-is-read-is-on-the-disk",
        ("What is read from a file is what a power cut would leave.",
         "从文件里读到的，就是断电之后会留下的。"),
        ("A read shows the page cache, with what somebody wrote who died before the fsync(2). Call fsync(2) before building on it.",
         "读到的是页缓存，其中可能有别人写了、却没等到 fsync(2) 就死掉的内容。要在它的基础上继续，先调用 fsync(2)。");
    FSYNC_CAN_BE_ASKED_AGAIN = "fsync-can-be-asked-again",
        ("When fsync(2) fails one asks again, until it succeeds.",
         "fsync(2) 失败了就再试，直到成功为止。"),
        ("The error is reported once, and the pages count as clean then: the next fsync(2) succeeds, and the bytes are lost. Pass \
          the error on.",
         "错误只报告一次，之后这些页就算干净了：下一次 fsync(2) 会成功，数据却丢了。应把错误传给调用者。");


    // ---- Lesson 2: mmap and munmap ----

    ANY_OFFSET = "any-offset",
        ("A mapping may begin at any byte of a file.",
         "映射可以从文件的任意字节开始。"),
        ("mmap(2) maps pages: an offset that is no multiple of the page size is EINVAL. Map from the edge before, and skip.",
         "mmap(2) 以页为单位：偏移量不是页大小的整数倍就是 EINVAL。应从前一个页边界开始映射，再跳过多出来的字节。");
    INT_HOLDS_A_SIZE = "int-holds-a-size",
        ("An int, or 32 bits, is enough for the size of a file or a place in it.",
         "用 int（或 32 位）就能存下文件大小和文件内的位置。"),
        ("A file's size and offsets are 64-bit numbers (off_t). A cast that is too narrow says nothing: from 2 GiB on the number \
          is negative or another one.",
         "文件大小和偏移都是 64 位的（off_t）。过窄的强制转换不会报错：从 2 GiB 起，得到的就是负数或别的数。");
    READ_IS_AS_GOOD = "read-is-as-good",
        ("Whether a function maps a file or reads it into a buffer makes no difference.",
         "函数是映射文件，还是把文件读进缓冲区，没有区别。"),
        ("read(2) copies the bytes out of the page cache, and a copy has a moment at which it was made; a mapping is the page \
          cache itself, takes no memory of its own, and shows what others store.",
         "read(2) 把字节从页缓存复制出来，得到的是某一时刻的副本；映射就是页缓存本身，不另占内存，别人写入的内容也看得到。");
    MAP_IT_ALL = "map-it-all",
        ("To look at some bytes one maps the whole file, or all that lies between them: a mapping costs nothing.",
         "想看几个字节，就把整个文件（或者它们之间的一切）都映射进来，反正映射不花代价。"),
        ("A mapping takes addresses and, once touched, page tables. A file may be larger than both. Map the pages that are needed.",
         "映射要占地址空间，访问之后还要占页表。文件可能比这两者都大。只映射需要的页。");
    CLOSE_UNMAPS = "close-unmaps",
        ("A mapping ends when its file is closed, or when the function returns.",
         "关闭文件，或者函数返回，映射就结束了。"),
        ("A mapping keeps its own reference to the file, and lives until munmap(2), execve(2) or the end of the process.",
         "映射自己持有对文件的引用，一直存在到 munmap(2)、execve(2) 或进程结束。");
    WRITING_IS_FREE = "writing-is-free",
        ("Asking for PROT_WRITE does no harm where one only reads.",
         "只读的时候，多要一个 PROT_WRITE 也无妨。"),
        ("A shared mapping with PROT_WRITE of a file that is open for reading only is EACCES. Ask for what is needed.",
         "文件以只读方式打开时，带 PROT_WRITE 的共享映射会得到 EACCES。需要什么权限就要什么权限。");
    REST_IS_FILE = "rest-is-file",
        ("What is mapped of a file's last page is all part of the file.",
         "文件最后一页映射出来的内容全都属于文件。"),
        ("The page is whole and the file is not: behind its last byte the mapping shows zeros, takes stores, and none of it gets \
          into the file.",
         "页是完整的，文件却不是：最后一个字节之后，映射里读到的是零，写入也会被接受，但都不会进入文件。");
    MAPPED_IS_THERE = "mapped-is-there",
        ("Where mmap(2) has succeeded, every byte that was asked for is there.",
         "mmap(2) 成功了，要求的每个字节就都在那里。"),
        ("mmap(2) looks at no size: pages behind the end of the file are mapped, and the touch of one is SIGBUS.",
         "mmap(2) 不看文件大小：文件末尾之后的页照样能映射，一访问就是 SIGBUS。");
    PRIVATE_REACHES_THE_FILE = "private-reaches-the-file",
        ("A store to a mapping gets into the file, private or not.",
         "不管是不是私有映射，写进映射的内容都会进入文件。"),
        ("The first store to a page of a private mapping makes a copy of that page, which only this mapping has. The file does not \
          change.",
         "第一次写私有映射的某一页时，内核会复制这一页，副本只属于这个映射。文件不会改变。");
    FIXED_FINDS_ROOM = "fixed-finds-room",
        ("MAP_FIXED fails when something is mapped at these addresses already.",
         "如果那些地址上已经有映射，MAP_FIXED 会失败。"),
        ("MAP_FIXED discards what is mapped there, without a word: a heap, a stack, a library. Reserve the addresses first, or use \
          MAP_FIXED_NOREPLACE.",
         "MAP_FIXED 会不声不响地丢弃那里已有的映射，哪怕那是堆、栈或某个库。应先预留地址，或者用 MAP_FIXED_NOREPLACE。");
    MUNMAP_TAKES_ALL = "munmap-takes-all",
        ("What is mapped beside the part that one uses goes away by itself.",
         "用不到的那部分映射会自己消失。"),
        ("A mapping goes away page by page, as munmap(2) is told: its ends, its middle, and nothing else. What is left stays taken.",
         "munmap(2) 要它解除哪些页，就只解除哪些页，可以是两端，也可以是中间。没提到的部分会一直占着地址。");


    // ---- Lesson 3: shared against private ----

    LOADING_COPIES = "loading-copies",
        ("A private mapping is a snapshot of the file: each of its pages is a copy, at the latest when it was loaded from.",
         "私有映射是文件的快照：它的每一页都是副本，至少读过之后就是了。"),
        ("Only the first store to a page makes a copy, of that page. Every other page is still the file's page, and shows what \
          others write there.",
         "只有第一次写某一页时才会复制，而且只复制那一页。其余的页仍然就是文件的页，别人写入的内容照样看得到。");
    EQUAL_BYTES_ARE_THE_PAGE = "equal-bytes-are-the-page",
        ("A page of a private mapping that has the same bytes as the file is the file's page.",
         "私有映射里的某一页，只要字节与文件相同，就是文件的那一页。"),
        ("The store makes the copy, whatever is stored. Once it is there, a page follows the file no more until the copy is let go of.",
         "造成复制的是写这个动作，与写入什么值无关。有了副本，这一页就不再跟着文件变，直到副本被放掉为止。");
    STATUS_HOLDS_A_NUMBER = "status-holds-a-number",
        ("A child's exit status can carry its answer.",
         "子进程可以用退出状态带回答案。"),
        ("Of an exit status 8 bits arrive, and 0 comes from whoever calls exit(0). An answer goes through a pipe, a socket or \
          shared memory.",
         "退出状态只能传回 8 位，而且任何人调用 exit(0) 都会得到 0。答案要通过管道、套接字或共享内存传递。");


    // ---- Lesson 4: processes that talk through a mapped file ----

    LOAD_AND_STORE_IS_ONE_STEP = "load-and-store-is-one-step",
        ("Where memory is shared, `n = n + 1` raises it by one, whoever else does it.",
         "在共享内存里，不管还有谁在做，`n = n + 1` 总是加一。"),
        ("It is a load and a store, and what others store in between is lost. It takes an atomic read-modify-write: fetch_add or \
          compare_exchange.",
         "这是一次读加一次写，别人夹在中间写入的内容会丢失。需要原子的读-改-写：fetch_add 或 compare_exchange。");
    OVERSHOOT_IS_REPAIRED = "overshoot-is-repaired",
        ("A counter that has gone too far can be set back, and nobody will notice.",
         "计数器加过头了，再减回来就行，没人会注意到。"),
        ("Between the two steps everybody sees the wrong number, and whoever dies there leaves it for ever. Compare and swap goes too far \
          for nobody.",
         "在这两步之间，谁都能看到错误的数；要是恰好死在那里，错误就永远留下了。用比较并交换，就从不会超过。");
    CREATED_IS_COMPLETE = "created-is-complete",
        ("Whoever opens a file finds it as its creator will have made it.",
         "打开一个文件，看到的就是创建者做好之后的样子。"),
        ("From open(2) with O_CREAT on the file is there, empty, for everybody, and stays so when its creator dies. Make it whole under \
          another name, or without one, and link it then.",
         "带 O_CREAT 的 open(2) 一返回，所有人就都能看到这个空文件；创建者若此时死去，它就一直是空的。应先用别的名字（或不用名字）做完整，再链接到正式的名字上。");
    RENAME_KEEPS_THE_FIRST = "rename-keeps-the-first",
        ("When two processes rename their file to the same name, the second one fails.",
         "两个进程把各自的文件改成同一个名字时，后一个会失败。"),
        ("rename(2) replaces what is there, and who has mapped it is left with a file without a name. link(2), or renameat2(2) with \
          RENAME_NOREPLACE, fails.",
         "rename(2) 会替换已有的文件，先前映射了它的进程手里就只剩一个没有名字的文件。会失败的是 link(2)，或带 RENAME_NOREPLACE 的 renameat2(2)。");
    A_PID_IS_A_PROCESS = "a-pid-is-a-process",
        ("A process id that is written down somewhere says who is there.",
         "记在某处的进程号就能说明谁还在。"),
        ("It stays written down when the process is killed, and the kernel gives the number to another one. A lock that the kernel \
          ends with the process says who is there.",
         "进程被杀死后，记下的进程号还在那里，内核还会把这个号给别的进程。要知道谁还在，应该用随进程结束由内核释放的锁。");
    FLOCK_IS_THE_PROCESSES = "flock-is-the-processes",
        ("A lock of flock(2) belongs to the process that took it.",
         "flock(2) 的锁属于加锁的进程。"),
        ("It belongs to the open file, which a forked child has as well: the child keeps the lock when its parent is dead.",
         "它属于打开的文件，而派生出的子进程同样持有这个打开的文件：父进程死后，锁仍由子进程保持。");
    COPIES_ARE_ATOMIC = "copies-are-atomic",
        ("A value of several words is stored, or loaded, in one go.",
         "由几个字组成的值可以一次写入或读出。"),
        ("Each aligned word is; between two of them another process may run, or the writer may die, and half is old and half is new.",
         "只有单个对齐的字是这样；两个字之间，别的进程可能运行，写者也可能死掉，结果就是一半旧、一半新。");
    OTHERS_GO_ON = "others-go-on",
        ("Another process that has begun will finish in a moment: one may wait for it.",
         "别的进程既然开始了，马上就会做完：等一下就好。"),
        ("It may be stopped for as long as the scheduler likes, or dead. Who waits for it waits for ever.",
         "调度器想让它停多久它就停多久，它也可能已经死了。等它的人会永远等下去。");
    READERS_MAY_WRITE = "readers-may-write",
        ("A reader may leave a mark in the memory that it reads.",
         "读者可以在它读的内存里留个记号。"),
        ("It may have no permission to: where the mapping is PROT_READ the store is SIGSEGV. And a reader that dies leaves its mark.",
         "它可能没有这个权限：PROT_READ 的映射一写就是 SIGSEGV。而且读者若死了，记号会一直留着。");


    // ---- Lesson 5: unlinked temporary files ----

    TRUNCATION_ONLY_FREES = "truncation-only-frees",
        ("Whoever wants a file's space back truncates it: that frees the blocks and harms nobody.",
         "想收回文件的空间，截断就行：只是释放磁盘块，对别人没有影响。"),
        ("Truncation takes the pages from under every mapping, and the next touch of one is SIGBUS; a hole \
          (fallocate(2), FALLOC_FL_PUNCH_HOLE) frees the blocks and leaves the length, and zeros to be read.",
         "截断会抽走所有映射背后的页，下一次访问就是 SIGBUS；打洞（fallocate(2) 的 FALLOC_FL_PUNCH_HOLE）只释放磁盘块，文件长度不变，读到的是零。");

    ZEROS_ARE_A_HOLE = "zeros-are-a-hole",
        ("A range of a file that is all zeros takes no space.",
         "文件中全是零的范围不占空间。"),
        ("Zeros that were written have blocks like any other bytes; a hole is where no block is allocated, and \
          reading it gives zeros.",
         "写进去的零和别的字节一样要占磁盘块；空洞是没有分配块的地方，只是读出来为零。");

    DONTNEED_FREES_THE_FILE = "dontneed-frees-the-file",
        ("madvise(MADV_DONTNEED) gives the memory and the space behind a shared mapping back.",
         "madvise(MADV_DONTNEED) 能释放共享映射背后的内存和空间。"),
        ("It takes the pages out of this process's page tables; in a shared file mapping the file keeps every byte. \
          MADV_REMOVE, which is fallocate(2)'s hole by another name, frees them.",
         "它只是把页从本进程的页表中摘掉；对共享文件映射而言，文件一个字节也不会少。真正释放的是 MADV_REMOVE，也就是换了个名字的 fallocate(2) 打洞。");

    A_HOLE_IS_OF_WHOLE_PAGES = "a-hole-is-of-whole-pages",
        ("Only whole pages can be punched out of a file, so the range has to be rounded.",
         "只能整页地打洞，所以范围要先取整到页边界。"),
        ("fallocate(2) takes any offset and length: it frees the whole blocks inside and sets the rest of the range \
          to zero. To round outward destroys the neighbours' bytes, to round inward leaves the ends as they were.",
         "fallocate(2) 接受任意的偏移和长度：范围内的整块释放，其余部分清零。向外取整会毁掉相邻的字节，向内取整则两端的内容原样留下。");

    AN_ERROR_UNDOES = "an-error-undoes",
        ("A call that fails has undone what came before it.",
         "调用失败了，之前做过的事也就作废了。"),
        ("The kernel undoes nothing but that one call. Whoever makes two puts the one that can be taken back first, \
          and takes it back.",
         "内核至多撤销失败的那一个调用。要做两步，就把能撤回的那一步放在前面，并在失败时亲手撤回。");

    A_MAPPING_GROWS_WITH_ITS_FILE = "a-mapping-grows-with-its-file",
        ("When a file grows, its mapping grows with it.",
         "文件变长，它的映射也会跟着变长。"),
        ("A mapping has the length that mmap(2) was given; what the file has beyond it needs another mmap(2), or \
          mremap(2).",
         "映射的长度在 mmap(2) 时就定下了；文件多出来的部分，要再次 mmap(2) 或者用 mremap(2) 才看得到。");

    A_COPY_IS_STILL_SHARED = "a-copy-is-still-shared",
        ("It is all the same to the others whether a shared file is grown or replaced by a longer copy.",
         "共享的文件是就地增长，还是换成一个更长的副本，对别的进程没有区别。"),
        ("A mapping belongs to an inode, not to a name or to its contents: those who have the old file mapped see \
          nothing of what is stored to another one.",
         "映射绑定的是 inode，而不是名字或内容：映射着旧文件的进程，看不到写入新文件的任何东西。");

    ANY_FILE_CAN_BE_NAMED = "any-file-can-be-named",
        ("A file without a name can be given one, as long as there is a descriptor.",
         "只要还有描述符，没有名字的文件都可以再给它一个名字。"),
        ("linkat(2) says ENOENT when the link count is 0, but for a file of O_TMPFILE without O_EXCL. One that was \
          unlinked, or that was opened with both, stays nameless.",
         "链接数为 0 时 linkat(2) 返回 ENOENT，只有用 O_TMPFILE（且不带 O_EXCL）打开的文件例外。被 unlink 过的文件，以及同时带这两个标志打开的文件，再也得不到名字。");

    A_PROC_LINK_IS_THE_FILE = "a-proc-link-is-the-file",
        ("To link /proc/self/fd/N is to link the file that it leads to.",
         "给 /proc/self/fd/N 建硬链接，就是给它指向的文件建链接。"),
        ("link(2) does not follow a symbolic link: it would link the entry of /proc itself, in another file system \
          (EXDEV). linkat(2) follows it with AT_SYMLINK_FOLLOW.",
         "link(2) 不跟随符号链接：它要链接的是 /proc 里的那个目录项，而那在另一个文件系统中（EXDEV）。linkat(2) 加上 AT_SYMLINK_FOLLOW 才会跟随。");

    AN_ODD_NAME_IS_NONE = "an-odd-name-is-none",
        ("A name that nobody can guess is as good as none.",
         "名字只要没人猜得到，就等于没有名字。"),
        ("Whoever lists the folder finds it, and a process that is killed leaves it there for ever; O_TMPFILE gives \
          the file none.",
         "列一下目录就能看到它，而且进程被杀死后它会一直留在那里；O_TMPFILE 的文件才真正没有名字。");

    A_MOMENT_IS_NO_TIME = "a-moment-is-no-time",
        ("Between two calls that follow each other nothing happens.",
         "紧挨着的两个调用之间不会发生任何事。"),
        ("SIGKILL, a crash and other processes come at any moment. What must not be seen half done is made ready \
          where nobody sees it, and appears by one call.",
         "SIGKILL、崩溃和别的进程随时可能插进来。不该被人看到半成品的东西，要在没人看得到的地方准备好，再用一个调用让它出现。");

    OPEN_SETS_THE_MODE = "open-sets-the-mode",
        ("A new file has the mode that open(2) was given.",
         "新文件的权限就是传给 open(2) 的 mode。"),
        ("The umask takes bits off it; fchmod(2) sets exactly what it is given.",
         "umask 会从中去掉一些位；fchmod(2) 给什么就是什么。");

    A_NAME_IS_DURABLE = "a-name-is-durable",
        ("When linkat(2) or rename(2) has returned, the file is on the disk.",
         "linkat(2) 或 rename(2) 一返回，文件就已经落盘了。"),
        ("Both change memory first. The bytes need fsync(2) of the file, and before the name; the name needs \
          fsync(2) of the folder.",
         "两者都先只改内存。数据要在得到名字之前对文件 fsync(2)；名字则要对目录 fsync(2)。");

    DUP2_ALWAYS_CLEARS_CLOEXEC = "dup2-always-clears-cloexec",
        ("dup2(2) leaves a descriptor that the next program inherits.",
         "dup2(2) 之后的描述符，下一个程序一定会继承。"),
        ("When both numbers are the same it does nothing, and FD_CLOEXEC stays as it was.",
         "两个编号相同时，dup2(2) 什么也不做，FD_CLOEXEC 保持原样。");

    A_NUMBER_IS_THE_FILE = "a-number-is-the-file",
        ("Whoever remembers a descriptor's number has the file.",
         "记住了文件描述符的编号，就等于拿着那个文件。"),
        ("The number is a place in this process's table. Once it is closed, the next open(2) puts another file \
          there; a descriptor of one's own (dup(2)) keeps the file.",
         "编号只是本进程描述符表里的一个位置。关闭之后，下一次 open(2) 就会把别的文件放进去；要留住文件，得有自己的描述符（dup(2)）。");

    TO_OPEN_AGAIN_IS_TO_DUP = "to-open-again-is-to-dup",
        ("To open /proc/self/fd/N gives another descriptor of the same open file.",
         "打开 /proc/self/fd/N，得到的是同一个打开文件的另一个描述符。"),
        ("It opens the file anew, with an offset and flags of its own; dup(2), fork(2) and SCM_RIGHTS share them.",
         "那是重新打开一次，有自己的偏移量和标志；dup(2)、fork(2) 和 SCM_RIGHTS 才共享它们。");

    EACH_DESCRIPTOR_HAS_ITS_OFFSET = "each-descriptor-has-its-offset",
        ("A descriptor that was received has an offset of its own.",
         "收到的描述符有自己独立的偏移量。"),
        ("SCM_RIGHTS passes the open file, as dup(2) does: an lseek(2) here moves the sender's offset as well. \
          fstat(2) and pread(2) leave it alone.",
         "SCM_RIGHTS 传递的是打开文件本身，和 dup(2) 一样：这边 lseek(2)，发送方的偏移也跟着动。fstat(2) 和 pread(2) 不影响它。");

    CLOEXEC_IS_OF_ONE_PROGRAM = "cloexec-is-of-one-program",
        ("To clear FD_CLOEXEC here lends the file to the program that is meant.",
         "在本进程中清除 FD_CLOEXEC，就只会把文件传给想传的那个程序。"),
        ("The flag belongs to the descriptor, and whichever program is executed next inherits it, on any thread; \
          cleared in the child, between fork and exec, it concerns that program alone.",
         "这个标志属于描述符，接下来执行的任何程序都会继承它，不管是哪个线程启动的；在子进程里、fork 与 exec 之间清除，才只影响那一个程序。");

    ANY_SEAL_WILL_DO = "any-seal-will-do",
        ("A sealed file can be trusted.",
         "密封过的文件就可以信任。"),
        ("Each seal forbids one thing: without F_SEAL_SHRINK the file can be truncated (SIGBUS), without \
          F_SEAL_WRITE its bytes change while they are read.",
         "每种密封只禁止一件事：没有 F_SEAL_SHRINK，文件可能被截断（SIGBUS）；没有 F_SEAL_WRITE，内容可能在读的时候被改。");

    FUTURE_WRITE_IS_WRITE = "future-write-is-write",
        ("F_SEAL_FUTURE_WRITE keeps the bytes from being changed.",
         "F_SEAL_FUTURE_WRITE 能保证内容不再被改。"),
        ("It forbids write(2) and new writable mappings; those that exist already go on storing. F_SEAL_WRITE is \
          refused with EBUSY while there is one.",
         "它禁止 write(2) 和新建可写映射，但已经存在的可写映射照样能写。F_SEAL_WRITE 则在还有可写映射时返回 EBUSY。");

    A_LENGTH_STAYS = "a-length-stays",
        ("A length that has been asked for is the file's length from then on.",
         "查过一次长度，之后文件就是这个长度。"),
        ("Anybody with a descriptor may truncate the file right after; only what the kernel promises (F_SEAL_SHRINK) \
          stays true, and what is asked for after that.",
         "任何持有描述符的人都可能紧接着截断文件；只有内核保证了的（F_SEAL_SHRINK）、以及在此之后才查到的，才一直成立。");


    // ---- Lesson 6: the bus error ----

    BUS_ERROR_BEHIND_THE_LAST_BYTE = "bus-error-behind-the-last-byte",
        ("A touch right behind the file's last byte is a bus error.",
         "访问文件最后一个字节之后的地址就会触发总线错误。"),
        ("Pages are all that counts: the rest of the file's last page is there, shows zeros, and takes stores that \
          never get into the file; SIGBUS begins at the next page.",
         "内核只看页：文件最后一页的剩余部分是存在的，读出来是零，写也能成功，只是不会进入文件；从下一页开始才是 SIGBUS。");

    MAPPING_ENDS_AT_ITS_LENGTH = "mapping-ends-at-its-length",
        ("A mapping is exactly as long as the length given to mmap(2).",
         "映射的长度恰好就是传给 mmap(2) 的长度。"),
        ("mmap(2) maps whole pages: the addresses behind the length, up to the page's end, are mapped like the others.",
         "mmap(2) 以整页为单位建立映射：长度之后直到页尾的地址同样被映射。");

    REST_OF_THE_PAGE_IS_ZERO = "rest-of-the-page-is-always-zero",
        ("What a mapping shows behind the file's end is always zero.",
         "映射中文件末尾之后的部分读出来总是零。"),
        ("It is zero when the page comes into the page cache; then any process that maps the page may store there, \
          and the others see it. Only the file's size says where its bytes end.",
         "只有页刚进入页缓存时它才是零；此后任何映射了这一页的进程都可以往那里写，别的进程也看得到。文件的字节到哪里为止，只有文件大小说了算。");

    SIZE_TELLS_WHAT_IS_THERE = "size-tells-what-is-there",
        ("A file's size says how many bytes there are to read or to map.",
         "文件大小说明了有多少字节可读、可映射。"),
        ("Files of /proc have size 0 and contents all the same; files of /sys have a size and neither that many \
          bytes nor pages to map. What there is, read(2) says when it returns 0.",
         "/proc 里的文件大小为 0 却有内容；/sys 里的文件有大小，却既没有那么多字节，也没有可映射的页。到底有多少，要读到 read(2) 返回 0 才知道。");

    SIZE_RESERVES_ROOM = "size-reserves-room",
        ("A file that has been given its size has its place on the disk.",
         "文件设好大小，磁盘空间也就占好了。"),
        ("ftruncate(2), or a byte written at the end, makes holes. What goes into a hole needs a block: on a full disk write(2) says \
          ENOSPC, and a store to a mapping kills with SIGBUS. posix_fallocate(3) reserves the blocks, or says ENOSPC.",
         "ftruncate(2) 或在末尾写一个字节，得到的只是空洞。往空洞里放内容需要分配块：磁盘满时 write(2) 返回 ENOSPC，写映射则直接死于 SIGBUS。posix_fallocate(3) 才会预留块，不够时返回 ENOSPC。");

    ADDRESS_IS_AN_ORDER = "address-is-an-order",
        ("mmap(2) maps at the address that it is given.",
         "给了地址，mmap(2) 就会映射在那个地址上。"),
        ("Without MAP_FIXED the address is a hint: where something is mapped already, the kernel takes another \
          place and says so only in the address that it returns.",
         "不带 MAP_FIXED 时，地址只是提示：那里已有映射，内核就另选地方，而且只在返回的地址里告诉你。");

    SIZE_COUNTS_WHEN_MAPPED = "size-counts-when-mapped",
        ("What the file had when it was mapped stays there for the mapping.",
         "映射时文件里有的内容，之后对这个映射一直都在。"),
        ("The kernel looks for the page when it is touched; whoever truncates the file takes its pages out of every \
          mapping, those that have been touched before too.",
         "内核在访问的那一刻才去找页；谁截断了文件，谁就把这些页从所有映射中拿走了，之前访问过的也不例外。");

    SIZE_AFTERWARDS_TELLS = "size-afterwards-tells-all",
        ("If the file has its size afterwards, all of its pages were there meanwhile.",
         "事后文件大小还在，说明期间它的页一直都在。"),
        ("Between two looks at the size the file may have been cut and grown back. Only the fault itself tells that \
          a page was missing.",
         "两次查看大小之间，文件可能被截断又恢复。页曾经不在，只有访问落空那一刻的信号知道。");

    SIGBUS_CAN_BE_IGNORED = "sigbus-can-be-ignored",
        ("A process that ignores or blocks SIGBUS survives a bus error.",
         "忽略或阻塞 SIGBUS，进程就能挺过总线错误。"),
        ("The touch can't go on, so the kernel kills the process all the same. Only a handler that puts a page \
          there, in a thread that does not block the signal, lets it go on.",
         "这次访问无法继续，内核照样杀死进程。只有处理函数在那里补上一页，并且线程没有阻塞该信号，才能继续。");

    HANDLER_IS_FOR_ONE_MAPPING = "handler-is-for-one-mapping",
        ("A handler for SIGBUS hears of the faults of my mapping.",
         "SIGBUS 处理函数只会被我这个映射上的访问触发。"),
        ("An action belongs to the whole process: the handler gets every SIGBUS of every thread, sent ones too. It \
          has to look at si_code and si_addr, and to leave what isn't its own to the action from before.",
         "信号的处置方式属于整个进程：任何线程的任何 SIGBUS 都会到这里，别人发来的也一样。处理函数必须查看 si_code 和 si_addr，不属于自己的交还给先前的处置方式。");

    FAULT_CAN_BE_CAUGHT = "fault-can-be-caught",
        ("The code around a touch can catch its bus error, as a panic or an error.",
         "访问内存时的总线错误可以像 panic 或错误返回值那样，被外围代码捕获。"),
        ("A load or a store has no way to fail: it returns nothing and unwinds nothing. The kernel sends a signal, \
          and without a handler the process ends there.",
         "读写内存没有“失败”这一说：既不返回错误，也不展开栈。内核发送信号，没有处理函数，进程就此结束。");

    OPEN_NEVER_WAITS = "open-never-waits",
        ("open(2) comes back at once.",
         "open(2) 会立刻返回。"),
        ("open(2) of a FIFO waits until somebody opens the other end, unless O_NONBLOCK is given. Ask what kind of \
          file it is when it is open: before that somebody may put another one there.",
         "打开 FIFO 会一直等到有人打开另一端，除非带 O_NONBLOCK。文件是什么类型，要在打开之后用 fstat(2) 问：在那之前，路径上的文件可能被人换掉。");

    ADDRESSES_WAIT_FOR_ME = "addresses-wait-for-me",
        ("Addresses that I unmap are free until I map something there.",
         "我解除映射的地址会一直空着，等我再去映射。"),
        ("Between munmap(2) and mmap(2) another thread's allocation may get them, and MAP_FIXED then replaces its \
          memory. MAP_FIXED over the old mapping does both in one call.",
         "munmap(2) 与 mmap(2) 之间，别的线程的内存分配可能占走这些地址，随后的 MAP_FIXED 就会替换掉它的内存。直接在旧映射上用 MAP_FIXED，一次调用就同时完成两件事。");

    HANDLER_IS_LIKE_ANY_FUNCTION = "handler-is-like-any-function",
        ("A signal handler is a function like any other.",
         "信号处理函数和普通函数没什么两样。"),
        ("It interrupts any instruction, in the middle of an allocation or under a lock perhaps: it may only do \
          what is async-signal-safe (signal-safety(7)). Nothing can unwind out of it: a panic there aborts the \
          process.",
         "它可能打断任何一条指令，也许正在分配内存，也许正持有锁：其中只能做异步信号安全的事（signal-safety(7)）。panic 也无法从中展开出去，只会让进程异常终止。");

    WHAT_FOLLOWS_ALWAYS_RUNS = "what-follows-always-runs",
        ("What stands after a call runs after the call.",
         "写在调用之后的代码，调用结束后就一定会执行。"),
        ("A panic in the call passes it by. What has to be put back belongs into a destructor.",
         "调用里发生 panic，后面的代码就被跳过。需要恢复的东西，应当放进析构函数（Drop）里。");

    // ---- What only predictions show (crate::predict) ----

    A_MAPPING_FOLLOWS_ITS_NAME = "a-mapping-follows-its-name",
        ("A mapping, or a descriptor, is of whatever file has the name now.",
         "映射（或描述符）跟着名字走：名字现在指向哪个文件，它就是哪个文件。"),
        ("Both are of the inode that the name led to when it was opened. After rename(2) the old file is mapped still, and \
          nothing of the new one is seen.",
         "两者绑定的都是打开时名字指向的 inode。rename(2) 之后，映射着的仍是旧文件，新文件的内容一点也看不到。");
    UNLINK_TAKES_THE_BYTES = "unlink-takes-the-bytes",
        ("unlink(2) deletes the file, and what has it open or mapped has nothing left.",
         "unlink(2) 会删除文件，打开或映射着它的就什么都没有了。"),
        ("It takes a name away. The inode and its bytes stay until the last name, descriptor and mapping are gone.",
         "它去掉的只是一个名字。直到最后一个名字、描述符和映射都消失，inode 和内容才会释放。");
    TRUNC_MAKES_A_NEW_FILE = "trunc-makes-a-new-file",
        ("To open a file with O_TRUNC begins a new one; whoever has the old one mapped keeps it.",
         "用 O_TRUNC 打开会新建一个文件，映射着旧文件的人不受影响。"),
        ("It is the same inode, cut to length 0: all of its pages go from every mapping. A new file takes another name, \
          and then rename(2).",
         "还是同一个 inode，长度被截成 0：它的页从所有映射中消失。要新文件，就写到另一个名字，再用 rename(2)。");
    A_COPY_IS_SAFE = "a-copy-is-safe",
        ("What I have stored to a private mapping is mine, whatever happens to the file.",
         "写进私有映射的内容归我所有，文件怎么变都与我无关。"),
        ("A truncation takes the copies of the lost pages as well: they are gone, and stay gone when the file grows back.",
         "截断会把被截掉的页的副本一起拿走：副本没了，文件再变长也不会回来。");
    THE_SIZE_WHEN_MAPPED_IS_THE_LIMIT = "the-size-when-mapped-is-the-limit",
        ("A mapping reaches as far as the file did when it was mapped.",
         "映射能访问到哪里，取决于映射那一刻文件有多长。"),
        ("The page is looked for when it is touched: a file that has grown has it, as far as the mapping's addresses go.",
         "访问的那一刻才去找页：文件变长了，页就有了，只要还在映射的地址范围之内。");
    STORING_NEEDS_NO_READING = "storing-needs-no-reading",
        ("To store to a mapping a descriptor that is open for writing is enough.",
         "只往映射里写，描述符能写就够了。"),
        ("mmap(2) wants O_RDWR for that: a page has to be read in before it can be changed, and O_WRONLY is EACCES.",
         "mmap(2) 要求 O_RDWR：页要先读进来才能改，O_WRONLY 会得到 EACCES。");
    PRIVATE_NEEDS_WRITE_ACCESS = "private-needs-write-access",
        ("A private mapping that is stored to needs a descriptor that is open for writing.",
         "要写私有映射，描述符必须可写。"),
        ("Nothing that is stored there reaches the file, so O_RDONLY is enough.",
         "写进去的内容不会进入文件，所以 O_RDONLY 就够了。");
    A_MAPPING_MUST_FIT = "a-mapping-must-fit",
        ("A mapping cannot be longer than its file, and an empty file cannot be mapped.",
         "映射不能比文件长，空文件不能映射。"),
        ("mmap(2) does not look at the size, only at its own length argument, which must not be 0. What is missing is noticed \
          when it is touched.",
         "mmap(2) 不看文件大小，只看自己的长度参数，而它不能为 0。缺了什么，要到访问时才知道。");
    MAPPING_TAKES_A_SNAPSHOT = "mapping-takes-a-snapshot",
        ("A private mapping has the file's bytes as they were when it was mapped.",
         "私有映射里是映射那一刻文件的内容。"),
        ("mmap(2) copies nothing. A page that the mapping has not stored to is the file's page, with what others have \
          written since.",
         "mmap(2) 不复制任何东西。映射没有写过的页就是文件的页，之后别人写入的内容都看得到。");
    UNMAP_TAKES_THE_MAPPING = "unmap-takes-the-mapping",
        ("munmap(2) takes away a mapping: all that one mmap(2) has made.",
         "munmap(2) 解除的是整个映射，也就是一次 mmap(2) 建立的全部。"),
        ("It takes away pages, and the rest of the mapping stays: a part, two parts with a hole between them.",
         "它解除的是页，其余部分还在：可能剩下一段，也可能剩下中间有洞的两段。");
    UNMAPPING_SAVES = "unmapping-saves",
        ("What a private mapping has changed gets into the file when it is unmapped.",
         "私有映射的改动在解除映射时会写进文件。"),
        ("It is discarded. Only a shared mapping changes the file, and that at the store, not at munmap(2).",
         "改动会被丢弃。只有共享映射会改文件，而且是在写的那一刻，不是在 munmap(2) 时。");
    MPROTECT_ALLOWS_ANYTHING = "mprotect-allows-anything",
        ("mprotect(2) can make any mapping writable.",
         "mprotect(2) 可以把任何映射改成可写。"),
        ("A shared mapping of a file that was opened for reading stays without stores: EACCES. The descriptor set the limit.",
         "文件只读打开，它的共享映射就永远不能写：EACCES。上限由当初的描述符决定。");
    MSYNC_WRITES_COPIES = "msync-writes-copies",
        ("msync(2) writes the changes of a private mapping into the file.",
         "msync(2) 会把私有映射的改动写进文件。"),
        ("There is nothing of a private copy that belongs to the file; msync(2) succeeds and writes none of it.",
         "私有副本不属于文件；msync(2) 会成功返回，但什么也不会写进文件。");
    MSYNC_REFRESHES = "msync-refreshes",
        ("msync(2) brings a mapping up to date with the file.",
         "msync(2) 会让映射与文件重新一致。"),
        ("A page is the file's page, and then there is nothing to bring, or it is a copy, and that it stays. msync(2) only \
          waits for the disk.",
         "一页要么就是文件的页，那就没有什么可更新的；要么是副本，那就一直是副本。msync(2) 等的只是磁盘。");
    DONTNEED_IS_A_HINT = "dontneed-is-a-hint",
        ("MADV_DONTNEED is advice: what a program sees is the same with it and without.",
         "MADV_DONTNEED 只是建议：用不用它，程序看到的都一样。"),
        ("On Linux it acts at once: private copies are dropped, and the next load finds the file's page, or zeros.",
         "在 Linux 上它立刻生效：私有副本被丢掉，下次读到的是文件的页，或者零。");
    A_STORE_WAITS_FOR_MSYNC = "a-store-waits-for-msync",
        ("A store to a shared mapping is seen by others, and by read(2), after msync(2) or munmap(2).",
         "写共享映射，要等 msync(2) 或 munmap(2) 之后别人和 read(2) 才看得到。"),
        ("It changes the page in the page cache, which is the one that all others see, at once. msync(2) is about the disk.",
         "写的就是页缓存里的那一页，别人看到的也是这一页，立刻可见。msync(2) 管的是磁盘。");
    STORES_DIE_WITH_THEIR_PROCESS = "stores-die-with-their-process",
        ("What a process has stored to a shared mapping is lost when it is killed before msync(2).",
         "进程没调用 msync(2) 就被杀死，写进共享映射的内容就丢了。"),
        ("The page cache is the kernel's, not the process's: only a crash of the machine loses it.",
         "页缓存属于内核，不属于进程：只有整机崩溃或断电才会丢。");
    ONLY_THE_BYTE_IS_COPIED = "only-the-byte-is-copied",
        ("After a store to a private mapping the bytes beside it still follow the file.",
         "写了私有映射之后，旁边的字节仍然跟着文件变。"),
        ("The whole page is copied. All of its bytes stay as they were at that moment.",
         "复制的是整页。这一页的所有字节都停在那一刻。");
    FORK_COPIES_EVERYTHING = "fork-copies-everything",
        ("After fork(2) parent and child have nothing in common: each has its own copy of all memory.",
         "fork(2) 之后父子进程毫无共享：所有内存各有一份。"),
        ("What is mapped with MAP_SHARED is the same memory in both, with or without a file.",
         "用 MAP_SHARED 映射的内存，不管有没有文件，父子进程用的是同一份。");
    FORK_SHARES_MEMORY = "fork-shares-memory",
        ("Parent and child share their memory until one of them calls execve(2).",
         "在调用 execve(2) 之前，父子进程共享内存。"),
        ("They share pages only until one of them stores there: then it gets a copy, and the other sees nothing of it.",
         "只在没人写的时候才共享页：谁写，谁就得到副本，另一方看不到。");
}
