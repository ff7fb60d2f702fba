//! The rules, one by one: each outcome of the model names the one that gave it.

/// Who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// POSIX.1-2024: it holds on every such system.
    Posix,
    /// Linux, where POSIX says that it is unspecified, or allows several things: [`super::Posix`] says which.
    Unspecified,
    /// Linux, for what POSIX doesn't have: its man pages, or its behaviour for as long as anybody remembers.
    Linux,
    /// Nobody: kernels, file systems or moments differ, and the model leaves it open.
    Nobody,
}

impl Basis {
    /// In English.
    pub fn en(self) -> &'static str {
        match self {
            Basis::Posix => "POSIX",
            Basis::Unspecified => "Linux; POSIX leaves it unspecified",
            Basis::Linux => "Linux",
            Basis::Nobody => "left open",
        }
    }

    /// In Chinese.
    pub fn zh(self) -> &'static str {
        match self {
            Basis::Posix => "POSIX",
            Basis::Unspecified => "Linux；POSIX 未作规定",
            Basis::Linux => "Linux",
            Basis::Nobody => "没有定论",
        }
    }
}

/// Makes the rules from their table. The order of the table matters: several rules may have a part in one outcome (a load past the
/// end of the file's last byte shows the file, and finds the rest of its page), and the last of them in the table is the one that
/// explains it (`Model::because` compares them). So a rule that says less often, or more exactly, why comes after the more
/// general ones. tests/model.rs shows which reasons change when a rule is moved.
macro_rules! rules {
    ($($name:ident: $standing:ident, $en:literal, $zh:literal;)*) => {
        /// A rule about files and memory. They are ordered: where several have a part in an outcome, the greatest explains it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $(#[doc = $en] $name,)*
        }

        impl Rule {
            /// All of them, in their order.
            pub const ALL: &[Rule] = &[$(Rule::$name),*];

            /// The rule in a sentence, in English.
            pub fn en(self) -> &'static str {
                match self { $(Rule::$name => $en,)* }
            }

            /// The rule in a sentence, in Chinese.
            pub fn zh(self) -> &'static str {
                match self { $(Rule::$name => $zh,)* }
            }

            /// Who says so.
            pub fn standing(self) -> Basis {
                match self { $(Rule::$name => Basis::$standing,)* }
            }
        }
    };
}

rules! {
    // ---- Files, their names and their descriptors ----

    NamesAreUnique: Posix,
        "O_CREAT with O_EXCL makes a file of a name that nobody has; else it is EEXIST.",
        "O_CREAT 加 O_EXCL 只在名字没人用时才创建文件，否则是 EEXIST。";
    NamesLeadToFiles: Posix,
        "A call that is given a name needs a file of this name; else it is ENOENT.",
        "按名字操作，就得有叫这个名字的文件，否则是 ENOENT。";
    RenameReplacesTheName: Posix,
        "rename(2) changes what a name leads to; whoever has the old file open or mapped keeps the old file.",
        "rename(2) 改的是名字指向哪个文件；已经打开或映射了旧文件的，手里仍是旧文件。";
    UnlinkTakesTheName: Posix,
        "unlink(2) takes a name away; the file lives on while somebody has it open or mapped.",
        "unlink(2) 去掉的只是名字；只要还有人打开或映射着，文件就还在。";
    TruncatingOpenKeepsTheFile: Posix,
        "O_TRUNC empties the file that is there: the same file, for all who have it open or mapped.",
        "O_TRUNC 清空的是原来那个文件：对所有打开或映射着它的人来说，还是同一个文件。";
    TruncatingOpenNeedsNoWriting: Unspecified,
        "O_TRUNC empties a file that is opened for reading only, too.",
        "即使以只读方式打开，O_TRUNC 也会清空文件。";
    DescriptorsReadWhatTheyMay: Posix,
        "read(2) needs a descriptor that is open for reading; else it is EBADF.",
        "read(2) 要求描述符以可读方式打开，否则是 EBADF。";
    DescriptorsWriteWhatTheyMay: Posix,
        "write(2) and fallocate(2) need a descriptor that is open for writing; else it is EBADF.",
        "write(2) 和 fallocate(2) 要求描述符以可写方式打开，否则是 EBADF。";
    TruncatingNeedsWriting: Unspecified,
        "ftruncate(2) needs a descriptor that is open for writing; else it is EINVAL (POSIX allows EBADF as well).",
        "ftruncate(2) 要求描述符以可写方式打开，否则是 EINVAL（POSIX 也允许 EBADF）。";
    ReadsEndWithTheFile: Posix,
        "A read takes the bytes that the file has, up to its end.",
        "读到的是文件里有的字节，到文件末尾为止。";
    WritesLengthenTheFile: Posix,
        "What is written behind a file's end makes it longer; a gap reads as zeros.",
        "写到文件末尾之后，文件随之变长；中间的空隙读出来是零。";
    PunchingMakesZeros: Linux,
        "A hole that is punched reads as zeros; the file's size stays.",
        "打出的空洞读出来是零，文件大小不变。";
    PunchedLengthIsPositive: Linux,
        "fallocate(2) of no bytes is EINVAL.",
        "fallocate(2) 的长度为 0 是 EINVAL。";

    // ---- Sizes ----

    TruncationZeroesTheRest: Posix,
        "What a truncation cuts off is gone: a file that grows again has zeros there.",
        "截断掉的内容就没了：文件再变长，那里读出来是零。";
    TruncationTakesPages: Posix,
        "A file that is cut takes its pages out of every mapping, those that were touched before too.",
        "文件被截短，被截掉的页就从所有映射中消失，之前访问过的也不例外。";
    TruncationTakesCopies: Unspecified,
        "A file that is cut takes the private copies of its lost pages with it.",
        "文件被截短，被截掉的页的私有副本也一起丢失。";
    GrowingBringsPages: Unspecified,
        "A page is looked for when it is touched: a file that has grown since has it.",
        "访问的那一刻才去找页：文件若在映射之后变长了，页就有了。";
    PunchingLeavesCopies: Linux,
        "A hole in the file leaves private copies as they are.",
        "在文件上打洞，不影响私有副本。";

    // ---- Seals ----

    SealsAreForMemory: Nobody,
        "Only a file in memory takes seals; others refuse, by an errno that depends on the file system.",
        "只有内存文件可以密封；别的文件会拒绝，返回哪个 errno 要看文件系统。";
    SealShrinkForbidsShrinking: Linux,
        "F_SEAL_SHRINK forbids to make the file shorter: EPERM.",
        "F_SEAL_SHRINK 禁止把文件变短：EPERM。";
    SealGrowForbidsGrowing: Linux,
        "F_SEAL_GROW forbids to make the file longer: EPERM.",
        "F_SEAL_GROW 禁止把文件变长：EPERM。";
    SealGrowMayStopHalfWay: Nobody,
        "A write(2) over the end of a file under F_SEAL_GROW may do the part before the end, or nothing.",
        "在 F_SEAL_GROW 之下，跨过文件末尾的 write(2) 可能写进末尾之前的部分，也可能什么都不写。";
    SealWriteForbidsWriting: Linux,
        "F_SEAL_WRITE and F_SEAL_FUTURE_WRITE forbid write(2) and holes: EPERM.",
        "F_SEAL_WRITE 和 F_SEAL_FUTURE_WRITE 禁止 write(2) 和打洞：EPERM。";
    SealWriteForbidsMapping: Linux,
        "Under F_SEAL_WRITE or F_SEAL_FUTURE_WRITE no writable shared mapping can be made: EPERM.",
        "有 F_SEAL_WRITE 或 F_SEAL_FUTURE_WRITE 时，不能再建立可写的共享映射：EPERM。";
    SealedMappingsAreNew: Nobody,
        "Linux 6.7 lets a write-sealed file be mapped shared for reading; older kernels say EPERM.",
        "Linux 6.7 起，有写密封的文件可以只读地共享映射；更早的内核返回 EPERM。";
    SealWriteWaits: Linux,
        "F_SEAL_WRITE is refused with EBUSY while a shared mapping exists that may be written to.",
        "只要还有可能被写的共享映射，F_SEAL_WRITE 就返回 EBUSY。";
    FutureWriteLeavesMappings: Linux,
        "F_SEAL_FUTURE_WRITE leaves the mappings that exist: they go on storing.",
        "F_SEAL_FUTURE_WRITE 不影响已有的映射：它们照样可以写。";
    EachSealForbidsOneThing: Linux,
        "Each seal forbids one thing and leaves the others allowed.",
        "每种密封只禁止一件事，其余的仍然允许。";

    // ---- How a mapping is made and goes ----

    MappingsHaveALength: Posix,
        "mmap(2) and munmap(2) of length 0 are EINVAL.",
        "长度为 0 的 mmap(2) 和 munmap(2) 都是 EINVAL。";
    OffsetsAreOfWholePages: Unspecified,
        "An offset in a file that is no multiple of the page size is EINVAL for mmap(2).",
        "文件偏移量不是页大小的整数倍，mmap(2) 返回 EINVAL。";
    MappingCopiesNothing: Unspecified,
        "mmap(2) copies nothing: a mapping, private or not, shows the file as it is when it is touched.",
        "mmap(2) 不复制任何东西：不管私有还是共享，映射展示的都是访问那一刻的文件。";
    MappingNeedsReading: Posix,
        "mmap(2) needs a descriptor that is open for reading, whatever the mapping is for: EACCES.",
        "不论映射用来做什么，mmap(2) 都要求描述符可读，否则是 EACCES。";
    SharedWritingNeedsWriting: Posix,
        "A shared mapping with PROT_WRITE needs a descriptor that is open for writing as well: EACCES.",
        "带 PROT_WRITE 的共享映射还要求描述符可写，否则是 EACCES。";
    PrivateWritingNeedsNothing: Posix,
        "A private mapping may be stored to though the file is open for reading only: nothing gets there.",
        "文件只读打开，私有映射也可以写：反正什么也不会进入文件。";
    SizeIsNotLookedAt: Posix,
        "mmap(2) does not look at the file's size: a mapping may be longer than the file, and the file empty.",
        "mmap(2) 不看文件大小：映射可以比文件长，文件也可以是空的。";
    MappingsOutliveDescriptors: Posix,
        "A mapping keeps the file by itself: its descriptor may be closed.",
        "映射自己持有对文件的引用：描述符关掉也没关系。";
    UnmapTakesThesePages: Posix,
        "munmap(2) takes away the pages that it names, and no others.",
        "munmap(2) 说哪些页，就解除哪些页，别的不动。";
    UnmapIsAligned: Unspecified,
        "The address that munmap(2) is given is a page's first: else it is EINVAL.",
        "munmap(2) 的地址必须是页的起点，否则是 EINVAL。";
    UnmapDiscardsCopies: Posix,
        "munmap(2) discards the private copies: they never get into the file.",
        "munmap(2) 会丢弃私有副本：它们不会进入文件。";
    ProtectIsLimited: Posix,
        "mprotect(2) allows no more than the descriptor did when it was mapped: EACCES.",
        "mprotect(2) 能给的权限不超过映射时描述符所允许的：EACCES。";
    ProtectStopsAtAHole: Unspecified,
        "mprotect(2) changes the pages up to the first that is not mapped, and gives ENOMEM there.",
        "mprotect(2) 逐页修改，遇到第一个没有映射的页就返回 ENOMEM，之前的已经改了。";
    SyncNeedsEveryPage: Posix,
        "msync(2) over a page that is not mapped is ENOMEM.",
        "msync(2) 的范围里有没映射的页，就是 ENOMEM。";
    SyncChangesNothingSeen: Posix,
        "msync(2) waits for the disk; what mappings and read(2) show is the same before and after.",
        "msync(2) 等的是磁盘；映射和 read(2) 看到的内容，前后没有区别。";
    SyncLeavesCopies: Posix,
        "msync(2) writes no private copy into the file.",
        "msync(2) 不会把私有副本写进文件。";
    AdviceReachesAllButHoles: Linux,
        "madvise(2) does the pages that are mapped, and gives ENOMEM when one is not.",
        "madvise(2) 处理所有映射着的页；若有一页没映射，返回 ENOMEM。";
    DontneedDropsCopies: Linux,
        "MADV_DONTNEED drops private copies: the next touch finds the file's page, or zeros.",
        "MADV_DONTNEED 会丢掉私有副本：下次访问看到的是文件的页，或者零。";
    DontneedLeavesTheFile: Linux,
        "MADV_DONTNEED leaves the file as it is: a shared page is there again at the next touch.",
        "MADV_DONTNEED 不动文件：共享的页下次访问时还是原样。";

    // ---- Processes ----

    ForkInheritsMappings: Posix,
        "A child has its parent's descriptors and mappings, at the same addresses.",
        "子进程有父进程的描述符和映射，地址也相同。";

    // ---- What a touch finds ----

    TouchFindsTheFile: Posix,
        "A mapping shows the pages of the file: what read(2) gives, it gives.",
        "映射展示的就是文件的页：read(2) 读到什么，它就是什么。";
    FreshMemoryIsZeros: Posix,
        "Anonymous memory that nobody has stored to is zeros.",
        "没人写过的匿名内存是零。";
    WholePagesAreMapped: Posix,
        "Whole pages are mapped: a mapping goes on to the end of its last page.",
        "映射以整页为单位：一直到最后一页的页尾都有效。";
    LoadingCopiesNothing: Unspecified,
        "Only a store copies: a page of a private mapping that was only loaded from is still the file's, and changes with it.",
        "只有写才会复制：私有映射中只读过的页仍然是文件的页，跟着文件变。";
    RestOfThePageIsThere: Posix,
        "The file's last page is there to its end: behind the last byte a touch finds zeros, or what somebody stored.",
        "文件的最后一页整页都在：最后一个字节之后读到的是零，或别人写在那里的内容。";
    RestOfThePageIsLeftOpen: Nobody,
        "A store behind the file's last byte is seen until the page is written to disk, or for good: file systems differ.",
        "写在文件最后一个字节之后的内容，可能到该页写回磁盘为止，也可能一直看得到：文件系统各不相同。";
    RestStaysOutOfTheFile: Posix,
        "A store behind the file's last byte never gets into the file, nor makes it longer.",
        "写在文件最后一个字节之后的内容不会进入文件，也不会让文件变长。";
    SharedStoresAreTheFile: Posix,
        "A store to a shared mapping changes the file's page: all mappings and read(2) have it at once.",
        "写共享映射，改的就是文件的页：所有映射和 read(2) 立刻看到。";
    StoresOutliveTheirProcess: Posix,
        "A shared store is in the page cache: it is there though the process is killed, without an msync(2).",
        "写进共享映射的内容在页缓存里：不调用 msync(2)，进程被杀死，内容也还在。";
    PrivateStoresStayPrivate: Posix,
        "A store to a private mapping is seen by this mapping alone; the file does not change.",
        "写私有映射，只有这个映射自己看得到，文件不变。";
    StoringCopiesThePage: Unspecified,
        "The first store to a page of a private mapping copies the whole page: from then on it follows the file no more.",
        "第一次写私有映射的某一页，会复制整页：从此这一页不再跟着文件变。";
    ForkSharesSharedMappings: Posix,
        "Parent and child share what is mapped shared: a store of either is seen by both.",
        "父子进程共享 MAP_SHARED 的映射：谁写，双方都看得到。";
    ForkPartsPrivateMappings: Posix,
        "After fork(2) a store to private memory is seen by its own process alone.",
        "fork(2) 之后，写私有内存只有写的进程自己看得到。";
    StoringAllowsLoading: Unspecified,
        "What may be stored to may be loaded from: hardly a processor has pages for PROT_WRITE alone.",
        "能写的页就能读：几乎没有处理器支持只写（只有 PROT_WRITE）的页。";
    NoPageBehindTheEnd: Posix,
        "A page that begins at the file's end or behind it isn't there: a touch of it is SIGBUS.",
        "从文件末尾或更后面开始的页不存在：一访问就是 SIGBUS。";
    ProtectionForbids: Posix,
        "What the protection forbids is SIGSEGV with SEGV_ACCERR.",
        "保护属性不允许的访问，是 SIGSEGV（SEGV_ACCERR）。";
    ProtectionComesFirst: Unspecified,
        "The protection is looked at before the file: a forbidden touch behind its end is SIGSEGV, not SIGBUS.",
        "先查保护属性，再看文件：在文件末尾之后做不允许的访问，是 SIGSEGV 而不是 SIGBUS。";
    NothingIsMappedThere: Posix,
        "Where nothing is mapped a touch is SIGSEGV with SEGV_MAPERR.",
        "没有映射的地方，一访问就是 SIGSEGV（SEGV_MAPERR）。";
    NobodyIsThere: Nobody,
        "There is no such process or name, the name is taken, or the number is too large: the line means nothing.",
        "没有这个进程或名字，或者名字已被占用，或者数太大：这一行没有意义。";
}
