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
    WRITING_BACK_IS_HARMLESS = "writing-back-is-harmless",
        ("To write back a page that is as it was changes nothing.",
         "把没有变化的页写回去，什么也不会改变。"),
        ("It fills holes, moves bytes, changes the file's times, and overwrites what others write to that page meanwhile.",
         "它会填上空洞、搬动字节、改变文件的时间，还会覆盖别人在此期间写入那一页的内容。");
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


    // ---- Lesson 6: the bus error ----

}
