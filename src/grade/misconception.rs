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
        ("It undoes what others have written there since they were read, it dirties pages, and it costs time. Write what changes.",
         "这会抹掉读出之后别人写进去的内容，弄脏本来干净的页，还浪费时间。只写改变了的部分。");
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
    A_HOLE_IS_ROOM = "a-hole-is-room",
        ("A file that has the size has the room: once ftruncate(2) or one byte at the end has succeeded, writes can't fail.",
         "文件有了大小就有了空间：只要 ftruncate(2) 或在末尾写一个字节成功，后面的写入就不会失败。"),
        ("What was not written is a hole, and takes no room on the disk. Each write into it may be ENOSPC, in its middle too.",
         "没写过的部分是空洞，不占磁盘空间。往里写的每一次都可能得到 ENOSPC，也可能写到一半才得到。");
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
    HINT_IS_AN_ORDER = "hint-is-an-order",
        ("mmap(2) maps at the address that it is given.",
         "mmap(2) 会映射到给它的地址上。"),
        ("Without MAP_FIXED the address is a hint. Where it isn't free, or for no reason, the kernel picks another one, and that is \
          no error.",
         "没有 MAP_FIXED 时，地址只是提示。那里被占用时，甚至不需要理由，内核就会另选一处，而且不算错误。");
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

    PRIVATE_IS_A_SNAPSHOT = "private-is-a-snapshot",
        ("A private mapping is a snapshot of the file, taken when it is mapped.",
         "私有映射是文件在映射那一刻的快照。"),
        ("A page that this mapping has not stored to is still the file's page, and shows what others write there; only the \
          first store makes a copy of that one page.",
         "没有被该映射写过的页，仍然就是文件的那一页，别人写入的内容照样看得到；只有第一次写入才会复制，而且只复制那一页。");


    // ---- Lesson 4: processes that talk through a mapped file ----


    // ---- Lesson 5: unlinked temporary files ----


    // ---- Lesson 6: the bus error ----

}
