//! The rules, one by one: each outcome of the model names the one that gave it.

use crate::text::Text;

/// What a rule rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// POSIX.1-2024: it holds on every such system.
    Posix,
    /// Linux, where POSIX says that it is unspecified, or allows several things: [`super::Posix`] says which.
    Unspecified,
    /// Linux, for what POSIX doesn't have: its man pages, or its long-standing behaviour.
    Linux,
    /// Linux, where file systems differ: [`super::FileSystem`] says how, and [`super::Elsewhere`] what that changes.
    FileSystem,
    /// Nothing: kernels or moments differ, and the model leaves the outcome open.
    Varies,
}

impl Basis {
    /// In a few words.
    pub fn in_words(self) -> &'static Text {
        static POSIX: Text = Text::fixed("POSIX", "POSIX");
        static UNSPECIFIED: Text = Text::fixed("Linux; POSIX leaves it unspecified", "Linux；POSIX 未作规定");
        static LINUX: Text = Text::fixed("Linux", "Linux");
        static FILE_SYSTEM: Text = Text::fixed("Linux; depends on the file system", "Linux；取决于文件系统");
        static VARIES: Text = Text::fixed("varies; the model leaves it open", "因系统而异，模型不作断定");
        match self {
            Basis::Posix => &POSIX,
            Basis::Unspecified => &UNSPECIFIED,
            Basis::Linux => &LINUX,
            Basis::FileSystem => &FILE_SYSTEM,
            Basis::Varies => &VARIES,
        }
    }
}

/// Makes the rules from their table: of each its name, its basis, and its sentence in each language.
///
/// The order of the table matters. Several rules may have a part in one outcome: a load just past a file's last byte
/// shows the file's page, and it works because the last page is whole. The last of them in the table explains the
/// outcome (`Model::because` compares them), so a special rule comes after the general one. tests/model.rs shows which
/// lines get another reason when a rule is moved.
macro_rules! rules {
    ($($name:ident: $basis:ident, $english:literal $(, $other:literal)*;)*) => {
        /// A rule about files and memory. They are ordered: where several have a part in an outcome, the greatest
        /// explains it.
        ///
        /// ```
        /// # use mmap_workbook::model::{Basis, Rule};
        /// let rule = Rule::NoPagePastTheEnd;
        /// assert_eq!(rule.basis(), Basis::Posix);
        /// assert!(rule.sentence().en.ends_with("accessing it raises SIGBUS."));
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $(#[doc = $english] $name,)*
        }

        impl Rule {
            /// All of them, in their order.
            pub const ALL: &[Rule] = &[$(Rule::$name),*];

            /// The rule in a sentence.
            pub fn sentence(self) -> &'static Text {
                match self {
                    $(Rule::$name => {
                        static SENTENCE: Text = Text::fixed($english $(, $other)*);
                        &SENTENCE
                    })*
                }
            }

            /// Whether only a power cut shows it: no kernel plays that.
            pub fn needs_a_cut(self) -> bool {
                (Rule::FsyncWritesTheFile..=Rule::UnsyncedVaries).contains(&self)
            }

            /// What it rests on.
            pub fn basis(self) -> Basis {
                match self { $(Rule::$name => Basis::$basis,)* }
            }
        }
    };
}

rules! {
    // ---- Files, their names and their descriptors ----

    NamesAreUnique: Posix,
        "open(2) with O_CREAT and O_EXCL creates a file only under a name that is not in use; otherwise it fails with \
         EEXIST.",
        "O_CREAT 加 O_EXCL 只在名字没人用时才创建文件，否则返回 EEXIST。";
    NamesLeadToFiles: Posix,
        "A call that takes a name needs a file of that name; otherwise it fails with ENOENT.",
        "按名字操作，就得有叫这个名字的文件，否则返回 ENOENT。";
    RenameReplacesTheName: Posix,
        "rename(2) changes which file a name leads to; a process that has the old file open or mapped keeps the old file.",
        "rename(2) 改的是名字指向哪个文件；已经打开或映射了旧文件的进程，用的仍是旧文件。";
    UnlinkRemovesTheName: Posix,
        "unlink(2) removes a name; the file stays while a process has it open or mapped.",
        "unlink(2) 去掉的只是名字；只要还有进程打开或映射着，文件就还在。";
    TruncatingOpenKeepsTheFile: Posix,
        "O_TRUNC empties the existing file: it stays the same file for every process that has it open or mapped.",
        "O_TRUNC 清空的是原来那个文件：对所有打开或映射着它的进程来说，还是同一个文件。";
    TruncatingOpenNeedsNoWriteAccess: Unspecified,
        "O_TRUNC empties a file even if it is opened read-only.",
        "即使以只读方式打开，O_TRUNC 也会清空文件。";
    ReopeningIsOpening: Linux,
        "open(2) of /proc/self/fd/N opens the file anew, with an access of its own, even if the file has no name.",
        "用 open(2) 打开 /proc/self/fd/N，是把那个文件重新打开一次，打开方式另算；没有名字的文件也行。";
    ReadingNeedsReadAccess: Posix,
        "read(2) needs a descriptor that is open for reading; otherwise it fails with EBADF.",
        "read(2) 要求描述符以可读方式打开，否则返回 EBADF。";
    WritingNeedsWriteAccess: Posix,
        "write(2) needs a descriptor that is open for writing, and so does Linux's fallocate(2); otherwise they fail with EBADF.",
        "write(2) 要求描述符以可写方式打开，Linux 的 fallocate(2) 也一样，否则返回 EBADF。";
    TruncatingNeedsWriteAccess: Unspecified,
        "ftruncate(2) needs a descriptor that is open for writing; otherwise it fails with EINVAL (POSIX allows EBADF \
         as well).",
        "ftruncate(2) 要求描述符以可写方式打开，否则返回 EINVAL（POSIX 也允许 EBADF）。";
    ReadsStopAtTheEnd: Posix,
        "read(2) returns the bytes that the file has, up to its end.",
        "read(2) 返回文件里有的字节，到文件末尾为止。";
    WritesExtendTheFile: Posix,
        "write(2) past the end of a file extends the file; a gap that nothing was stored to reads as zeros.",
        "写到文件末尾之后，文件随之变长；中间的空隙如果从未写过，读出来是零。";
    AppendingIgnoresTheOffset: Linux,
        "With O_APPEND, pwrite(2) appends, whatever its offset; POSIX asks it to write there (pwrite(2), BUGS).",
        "带 O_APPEND 打开时，pwrite(2) 不管偏移量，总是追加到末尾；POSIX 要求写到偏移量处（pwrite(2) 的 BUGS 一节）。";
    ReadingLeavesMtime: Posix,
        "read(2), loads, and stores to private mappings leave st_mtime as it is.",
        "read(2)、读映射、写私有映射，都不改变 st_mtime。";
    ChangesMarkMtime: Posix,
        "write(2) and ftruncate(2) mark st_mtime.",
        "write(2) 和 ftruncate(2) 会更新 st_mtime。";
    StoresMarkMtime: FileSystem,
        "A store to a shared mapping marks st_mtime: on a disk the first one to each page; on tmpfs only one to a page that this \
         mapping has not accessed.",
        "写共享映射会更新 st_mtime：磁盘文件系统上是每一页的第一次写；tmpfs 上只有那一页从未通过这个映射访问过才算。";
    MtimeVaries: Varies,
        "Whether st_mtime moves differs for fallocate(2), for calls that fail, and for stores: where the page table entry allows \
         a store already, nobody is told of it.",
        "fallocate(2)、失败的调用和写映射是否更新 st_mtime，各不相同：页表项已经允许写时，没人知道写过。";
    HolesReadAsZeros: Linux,
        "A punched hole reads as zeros; the size of the file stays the same.",
        "打出的空洞读出来是零，文件大小不变。";
    ReservingExtendsTheFile: Linux,
        "fallocate(2) makes room for a range: its bytes stay, and the file grows where the range ends past its end.",
        "fallocate(2) 为一段范围预留空间：里面的字节不变；范围超出文件末尾，文件就变长。";
    ZeroingZeroes: FileSystem,
        "FALLOC_FL_ZERO_RANGE makes a range zeros, and the file grows where the range ends past its end; tmpfs refuses it with \
         EOPNOTSUPP.",
        "FALLOC_FL_ZERO_RANGE 把一段范围变成零，超出文件末尾时文件变长；tmpfs 不支持，返回 EOPNOTSUPP。";
    CollapsingTakesWholeBlocks: Linux,
        "FALLOC_FL_COLLAPSE_RANGE takes whole blocks that end before the file's end; otherwise it fails with EINVAL.",
        "FALLOC_FL_COLLAPSE_RANGE 只能去掉整块，而且必须在文件末尾之前结束，否则返回 EINVAL。";
    CollapsingMovesTheRest: FileSystem,
        "FALLOC_FL_COLLAPSE_RANGE takes a range out of the file, and what follows moves forward; ext4 and xfs do that, btrfs \
         and tmpfs refuse it with EOPNOTSUPP.",
        "FALLOC_FL_COLLAPSE_RANGE 把一段范围从文件中去掉，后面的内容前移；ext4 和 xfs 支持，btrfs 和 tmpfs 返回 EOPNOTSUPP。";
    HolesHaveALength: Linux,
        "fallocate(2) with a length of 0 fails with EINVAL.",
        "fallocate(2) 的长度为 0 时返回 EINVAL。";

    // ---- Sizes ----

    TruncationZeroesTheRest: Posix,
        "Truncation discards everything past the new end: if the file grows again, zeros are there.",
        "截断之后，新末尾后面的内容全部丢弃：文件再变长，那里读出来是零。";
    TruncationRemovesPages: Posix,
        "Truncation removes the pages that it cuts off from every mapping, even pages that were accessed before.",
        "文件被截短，被截掉的页就从所有映射中消失，之前访问过的也不例外。";
    TruncationRemovesCopies: Unspecified,
        "Truncation also removes the private copies of the pages that it cuts off.",
        "文件被截短，被截掉的页的私有副本也一起丢失。";
    GrowingAddsPages: Unspecified,
        "A page is looked up when it is accessed: if the file has grown since it was mapped, its new pages are there.",
        "访问的那一刻才去找页：文件若在映射之后变长了，页就有了。";
    GrowingUncoversStores: FileSystem,
        "When a file grows, what was stored past its old end becomes zeros on ext4, xfs and btrfs, as POSIX wants; on \
         tmpfs and in a memfd it becomes part of the file.",
        "文件变长时，之前写在末尾之后的内容，在 ext4、xfs 和 btrfs 上变成零（POSIX 的要求）；在 tmpfs 和 memfd 上则成为文件的内容。";
    HolesLeaveCopies: Linux,
        "A hole in the file leaves private copies as they are.",
        "在文件上打洞，不影响私有副本。";

    // ---- Seals ----

    OnlyMemoryFilesTakeSeals: FileSystem,
        "Only a file from memfd_create(2) can be sealed. Others refuse: with EPERM on tmpfs or if the descriptor is \
         read-only, otherwise with EINVAL.",
        "只有 memfd_create(2) 创建的文件可以密封。别的文件一律拒绝：在 tmpfs 上，或者描述符只读时，返回 EPERM，其余情况返回 EINVAL。";
    SealingNeedsWriteAccess: Linux,
        "Only a descriptor that is open for writing can add seals: EPERM otherwise.",
        "只有可写的描述符才能加密封，否则返回 EPERM。";
    SealShrinkForbidsShrinking: Linux,
        "F_SEAL_SHRINK forbids making the file shorter: EPERM.",
        "F_SEAL_SHRINK 禁止把文件变短，否则返回 EPERM。";
    SealGrowForbidsGrowing: Linux,
        "F_SEAL_GROW forbids making the file longer: EPERM.",
        "F_SEAL_GROW 禁止把文件变长，否则返回 EPERM。";
    SealGrowMayAllowAPart: Varies,
        "Under F_SEAL_GROW, write(2) across the end of the file may write up to the end, up to the beginning of the \
         last page, or nothing.",
        "在 F_SEAL_GROW 之下，跨过文件末尾的 write(2) 可能写到末尾，可能只写到最后一页的起点，也可能什么都不写。";
    SealWriteForbidsWriting: Linux,
        "F_SEAL_WRITE and F_SEAL_FUTURE_WRITE forbid write(2) and holes: EPERM.",
        "F_SEAL_WRITE 和 F_SEAL_FUTURE_WRITE 禁止 write(2) 和打洞，否则返回 EPERM。";
    SealWriteForbidsMapping: Linux,
        "Under F_SEAL_WRITE or F_SEAL_FUTURE_WRITE, mmap(2) makes no writable shared mapping: EPERM.",
        "有 F_SEAL_WRITE 或 F_SEAL_FUTURE_WRITE 时，不能再建立可写的共享映射，否则返回 EPERM。";
    SealedMappingsNeedLinux67: Varies,
        "Since Linux 6.7 a write-sealed file can be mapped shared and read-only; on older kernels mmap(2) fails with \
         EPERM.",
        "Linux 6.7 起，有写密封的文件可以只读地共享映射；更早的内核返回 EPERM。";
    SealWriteNeedsNoWritableMapping: Linux,
        "F_SEAL_WRITE is refused with EBUSY while a shared mapping exists that may be written to.",
        "只要还有可能被写的共享映射，F_SEAL_WRITE 就返回 EBUSY。";
    SealSealForbidsSeals: Linux,
        "F_SEAL_SEAL forbids any further seal: EPERM.",
        "F_SEAL_SEAL 禁止再加任何密封，否则返回 EPERM。";
    SealsAreOfMemoryFiles: FileSystem,
        "F_GET_SEALS is for files in memory: a file of tmpfs has F_SEAL_SEAL from the beginning, and on a disk it is EINVAL.",
        "F_GET_SEALS 只用于内存中的文件：tmpfs 上的文件一开始就有 F_SEAL_SEAL；磁盘上的文件返回 EINVAL。";
    EachSealForbidsOneThing: Linux,
        "Each seal forbids one kind of change and allows the others.",
        "每种密封只禁止一类改动，其余的仍然允许。";
    FutureWriteKeepsMappings: Linux,
        "F_SEAL_FUTURE_WRITE leaves existing mappings alone: they can still be stored to.",
        "F_SEAL_FUTURE_WRITE 不影响已有的映射：它们照样可以写。";

    // ---- What is on the disk ----

    FsyncWritesTheFile: Posix,
        "fsync(2) and fdatasync(2) return when the bytes of the file and its size are on the disk.",
        "fsync(2) 和 fdatasync(2) 返回时，文件的内容和大小已经在磁盘上。";
    FsyncOfTheDirectoryWritesNames: Linux,
        "fsync(2) of a directory returns when the names in it are on the disk.",
        "对目录的 fsync(2) 返回时，其中的名字已经在磁盘上。";
    FsyncOfAFileWritesNoName: Linux,
        "fsync(2) of a file need not write its name: a file that was created or renamed needs fsync(2) of the directory, too.",
        "对文件的 fsync(2) 不保证写入它的名字：新建或改名之后，还要对目录调用 fsync(2)。";
    SyncWritesItsPages: Posix,
        "msync(2) with MS_SYNC returns when its pages are on the disk, and as much of the file's size as they need.",
        "带 MS_SYNC 的 msync(2) 返回时，所指定的页已经在磁盘上，文件的大小也够得到这些页。";
    AsyncPromisesNothing: Linux,
        "msync(2) with MS_ASYNC returns at once; on Linux it writes nothing, and the pages are written whenever they would be \
         without it.",
        "带 MS_ASYNC 的 msync(2) 立即返回；在 Linux 上它什么也不写，页何时写回，与没有调用它时一样。";
    UnmappingPromisesNothing: Posix,
        "munmap(2) promises nothing about the disk: what was stored is in the page cache.",
        "munmap(2) 对磁盘不作任何保证：写入的内容在页缓存里。";
    ClosingPromisesNothing: Posix,
        "close(2) promises nothing about the disk, and neither does the end of a process.",
        "close(2) 对磁盘不作任何保证，进程结束也一样。";
    StoresArriveInAnyOrder: Posix,
        "Stores reach the disk in any order: an earlier one may be missing where a later one has arrived.",
        "写入到达磁盘的先后不定：后写的到了，先写的可能还没到。";
    UnsyncedMayBeThere: Posix,
        "What was not synced may be on the disk all the same: the kernel writes pages back when it likes.",
        "没有同步过的内容也可能已经在磁盘上：内核随时会写回。";
    FailedPagesCountAsWritten: Linux,
        "When the disk refuses a page, the page counts as written all the same: a later sync returns 0 and does not write it.",
        "磁盘拒绝写入一页之后，这一页仍算已经写过：之后的同步返回 0，却不会再写它。";
    ErrorsAreToldOnce: Linux,
        "An error of write-back is told once for each open file description: its next fsync(2) or msync(2) fails with EIO, and \
         the one after that returns 0.",
        "写回的错误，对每个打开文件描述只报告一次：下一次 fsync(2) 或 msync(2) 返回 EIO，再下一次返回 0。";
    CutsLeaveTheDisk: FileSystem,
        "A power cut ends all processes and takes the page cache: a file is what the disk has of it. On tmpfs no file is left.",
        "断电时所有进程都结束，页缓存也没了：文件只剩磁盘上的内容。在 tmpfs 上，一个文件也不剩。";
    UnsyncedVaries: Varies,
        "After a power cut each page, size and name is as it was at the last sync, or at any moment since.",
        "断电之后，每一页、每个大小、每个名字都可能停在上次同步时的样子，也可能是此后任何一刻的样子。";

    // ---- How a mapping is made and removed ----

    MappingsHaveALength: Posix,
        "mmap(2), munmap(2) and mremap(2) with a length of 0 fail with EINVAL.",
        "mmap(2)、munmap(2) 和 mremap(2) 的长度为 0 时返回 EINVAL。";
    OffsetsArePageAligned: Unspecified,
        "mmap(2) fails with EINVAL if the offset in the file is not a multiple of the page size.",
        "文件偏移量不是页大小的整数倍，mmap(2) 返回 EINVAL。";
    FileSystemsMayRefuseSharing: FileSystem,
        "A file system can refuse shared mappings with ENODEV: FUSE does when its server asks for direct I/O. Private \
         mappings still work.",
        "文件系统可以拒绝共享映射，返回 ENODEV：服务程序要求直接 I/O 的 FUSE 就是这样。私有映射仍然可用。";
    MappingCopiesNothing: Unspecified,
        "mmap(2) copies nothing: a mapping, shared or private, shows the file as it is when it is accessed.",
        "mmap(2) 不复制任何东西：不管私有还是共享，映射显示的都是访问那一刻的文件。";
    MappingNeedsReadAccess: Posix,
        "mmap(2) needs a descriptor that is open for reading, whatever the protection; otherwise it fails with EACCES.",
        "不论映射用来做什么，mmap(2) 都要求描述符可读，否则返回 EACCES。";
    SharedWritingNeedsWriteAccess: Posix,
        "A shared mapping with PROT_WRITE also needs a descriptor that is open for writing; otherwise mmap(2) fails \
         with EACCES.",
        "带 PROT_WRITE 的共享映射还要求描述符可写，否则返回 EACCES。";
    PrivateWritingNeedsNoWriteAccess: Posix,
        "A private mapping can be stored to even if the file is open read-only: no store reaches the file.",
        "文件只读打开，私有映射也可以写：反正什么也不会进入文件。";
    MappingIgnoresTheFileSize: Posix,
        "mmap(2) ignores the size of the file: the mapping may be longer than the file, and the file may be empty.",
        "mmap(2) 不看文件大小：映射可以比文件长，文件也可以是空的。";
    MappingsOutliveDescriptors: Posix,
        "A mapping holds its own reference to the file: its descriptor can be closed.",
        "映射自己持有对文件的引用：描述符关掉也没关系。";
    UnmapRemovesTheGivenPages: Posix,
        "munmap(2) unmaps the pages that it is given, and no others.",
        "munmap(2) 指定哪些页，就解除哪些页，别的不动。";
    PartsArePageAligned: Unspecified,
        "munmap(2), mprotect(2), madvise(2), msync(2), mincore(2) and MAP_FIXED need a page-aligned address; otherwise they \
         fail with EINVAL.",
        "munmap(2)、mprotect(2)、madvise(2)、msync(2)、mincore(2) 和 MAP_FIXED 的地址必须是页的起点，否则返回 EINVAL。";
    UnmapLeavesTheCache: Posix,
        "munmap(2) leaves the file as it is, with what was stored to it through the mapping, msync(2) or not.",
        "munmap(2) 不动文件：通过映射写进去的内容还在，有没有 msync(2) 都一样。";
    FixedReplaces: Posix,
        "MAP_FIXED maps at the address that it is given, and replaces what is mapped there.",
        "MAP_FIXED 就映射在给定的地址上，那里原有的映射会被替换。";
    NoreplaceRefuses: Linux,
        "MAP_FIXED_NOREPLACE fails with EEXIST where anything is mapped in the range.",
        "范围里只要有东西映射着，MAP_FIXED_NOREPLACE 就返回 EEXIST。";
    NoexecForbidsCode: FileSystem,
        "Where the file system is mounted with noexec, PROT_EXEC is refused: EPERM from mmap(2), EACCES from mprotect(2).",
        "文件系统若以 noexec 挂载，就不能有 PROT_EXEC：mmap(2) 返回 EPERM，mprotect(2) 返回 EACCES。";
    UnmapDiscardsCopies: Posix,
        "munmap(2) discards private copies: they never reach the file.",
        "munmap(2) 会丢弃私有副本：它们不会进入文件。";
    RemapChangesTheLength: Linux,
        "mremap(2) makes a mapping longer or shorter; the pages that stay are what they were, private copies, too.",
        "mremap(2) 把映射变长或变短；留下来的页还是原来的页，私有副本也在。";
    RemapNeedsOneArea: Linux,
        "mremap(2) needs a mapped first page, and lengthens one area only: where a page is not mapped, or the kernel has \
         several areas, it fails with EFAULT.",
        "mremap(2) 要求第一页已映射，而且只能延长一个区域：中间有没映射的页，或者已分成几个区域，就返回 EFAULT。";
    PartsMayBecomeOneArea: Varies,
        "Where a part was mapped or changed by itself, the kernel may keep several areas even where all are alike again: mremap(2) fails with EFAULT \
         then.",
        "有一部分是单独映射或单独改过的，那么即使又都一样了，内核也可能仍分成几个区域：这时 mremap(2) 返回 EFAULT。";
    MovingSeveralAreas: Varies,
        "mremap(2) of a mapping of which a part was changed may find several areas: before Linux 6.17 it can't move them, and fails \
         with EFAULT.",
        "改过其中一部分的映射可能已分成几个区域：Linux 6.17 之前，mremap(2) 不能一起移动，返回 EFAULT。";
    MovingUnmapsTheOldPlace: Linux,
        "mremap(2) moves the pages, private copies, too; at the old addresses nothing is mapped then.",
        "mremap(2) 移动的是页，私有副本也跟着走；旧地址上从此什么也没有。";
    MovingReplaces: Linux,
        "mremap(2) with MREMAP_FIXED replaces what is mapped at the new addresses.",
        "带 MREMAP_FIXED 的 mremap(2) 会替换新地址上原有的映射。";
    DuplicatingNeedsSharing: Linux,
        "mremap(2) with an old length of 0 makes one more mapping of the file, from the first page on; for a private mapping it \
         fails with EINVAL.",
        "旧长度为 0 的 mremap(2) 会从第一页起给文件再建一个映射；私有映射则返回 EINVAL。";
    RemapChangesNoFile: Linux,
        "mremap(2) does not change the file: pages past the file's end are still missing.",
        "mremap(2) 不改变文件：文件末尾之后的页仍然不存在。";
    LockingTouchesEachPage: Linux,
        "mlock(2) takes each page that has a byte of the range, and touches it: a private mapping that can be stored to has \
         copies of them from then on.",
        "范围里只要有一个字节，mlock(2) 就锁住那一整页，并访问它：可写的私有映射从此有了这些页的副本。";
    LockingIsLimited: Linux,
        "A process may lock as much as RLIMIT_MEMLOCK allows, unless it is privileged: beyond that mlock(2) fails with ENOMEM, \
         with a limit of 0 EPERM, and mremap(2) of a locked mapping with EAGAIN.",
        "没有特权的进程能锁住多少，由 RLIMIT_MEMLOCK 限定：超出时 mlock(2) 返回 ENOMEM（限额为 0 时返回 EPERM），对锁住的映射 mremap(2) 返回 EAGAIN。";
    LockingNeedsEachPage: Posix,
        "mlock(2) and munlock(2) fail with ENOMEM where a page is not mapped. On Linux mlock(2) also does where it can't touch a \
         page (past the file's end, a guard page, PROT_NONE); the pages count as locked all the same.",
        "范围里有没映射的页，mlock(2) 和 munlock(2) 返回 ENOMEM。在 Linux 上，有哪一页访问不了（文件末尾之后、保护页、PROT_NONE），mlock(2) 也是如此，但这些页照样算锁住。";
    LockedPagesStay: Linux,
        "Locked pages stay: MADV_DONTNEED, MADV_FREE, MADV_REMOVE and MADV_GUARD_INSTALL fail with EINVAL, MS_INVALIDATE with EBUSY.",
        "锁住的页不能丢：MADV_DONTNEED、MADV_FREE、MADV_REMOVE 和 MADV_GUARD_INSTALL 返回 EINVAL，MS_INVALIDATE 返回 EBUSY。";
    ResidencyNeedsMappedPages: Linux,
        "mincore(2) over a page that is not mapped fails with ENOMEM.",
        "mincore(2) 的范围里有没映射的页，就返回 ENOMEM。";
    MappingTakesNoMemory: Linux,
        "A new mapping of private anonymous memory has no page in memory until it is accessed.",
        "新的私有匿名映射，访问之前在内存里一页也没有。";
    LockedPagesAreResident: Posix,
        "A locked page is in memory.",
        "锁住的页在内存里。";
    ResidencyVaries: Varies,
        "Whether a page is in memory that mlock(2) has not brought in is up to the kernel.",
        "不是由 mlock(2) 取进来的页，在不在内存里由内核决定。";
    ProtectIsLimited: Posix,
        "mprotect(2) cannot grant more access than the descriptor and the file's seals allowed at mmap(2): EACCES.",
        "mprotect(2) 给出的保护属性，不能超出映射时描述符的打开方式和文件的密封所允许的，否则返回 EACCES。";
    ProtectStopsAtAHole: Unspecified,
        "mprotect(2) changes page after page up to the first that is not mapped, and fails with ENOMEM there.",
        "mprotect(2) 逐页修改，遇到第一个没有映射的页就返回 ENOMEM，之前的已经改了。";
    SyncNeedsMappedPages: Posix,
        "msync(2) over a page that is not mapped fails with ENOMEM.",
        "msync(2) 的范围里有没映射的页，就返回 ENOMEM。";
    SyncChangesNothingVisible: Posix,
        "msync(2) is about the disk; mappings and read(2) show the same bytes before and after.",
        "msync(2) 管的是磁盘；映射和 read(2) 看到的内容，前后没有区别。";
    SyncIgnoresCopies: Posix,
        "msync(2) does not write private copies to the file.",
        "msync(2) 不会把私有副本写进文件。";
    AdviceSkipsHoles: Linux,
        "madvise(2) applies to every page that is mapped, and fails with ENOMEM if one is not.",
        "madvise(2) 处理所有映射着的页；若有一页没映射，返回 ENOMEM。";
    AnonymousMemoryOnly: Linux,
        "MADV_FREE and MADV_WIPEONFORK are for private anonymous memory; for other mappings they fail with EINVAL.",
        "MADV_FREE 和 MADV_WIPEONFORK 只用于私有匿名内存，别的映射返回 EINVAL。";
    RemovingNeedsWritableSharing: Linux,
        "MADV_REMOVE needs a shared mapping that may be stored to (EACCES), and not private anonymous memory (EINVAL).",
        "MADV_REMOVE 要求可写的共享映射，否则返回 EACCES；私有匿名内存返回 EINVAL。";
    RemovingPunches: Linux,
        "MADV_REMOVE punches a hole into the file: its bytes are zeros then.",
        "MADV_REMOVE 在文件上打洞：那里的字节变成零。";
    GuardsNeedNewKernels: Linux,
        "MADV_GUARD_INSTALL needs Linux 6.13, or 6.15 for a file; older kernels fail with EINVAL.",
        "MADV_GUARD_INSTALL 需要 Linux 6.13，文件映射需要 6.15；更早的内核返回 EINVAL。";
    WillneedChangesNothing: Linux,
        "MADV_WILLNEED may read pages ahead; nobody sees a difference but in time.",
        "MADV_WILLNEED 可能会预读；除了快慢，看不出任何区别。";
    PopulatingStopsAtAHole: Linux,
        "MADV_POPULATE_READ and MADV_POPULATE_WRITE go page after page up to the first that is not mapped, and fail with ENOMEM \
         there.",
        "MADV_POPULATE_READ 和 MADV_POPULATE_WRITE 逐页进行，遇到第一个没有映射的页就返回 ENOMEM。";
    PopulatingNeedsTheProtection: Linux,
        "MADV_POPULATE_READ needs PROT_READ, and MADV_POPULATE_WRITE needs PROT_WRITE; otherwise they fail with EINVAL.",
        "MADV_POPULATE_READ 要有 PROT_READ，MADV_POPULATE_WRITE 要有 PROT_WRITE，否则返回 EINVAL。";
    PopulatingKillsNobody: Linux,
        "Where the file has no page, and at a guard page, MADV_POPULATE_READ and MADV_POPULATE_WRITE fail with EFAULT; the process lives.",
        "文件没有那一页，或者遇到保护页时，MADV_POPULATE_READ 和 MADV_POPULATE_WRITE 返回 EFAULT，进程不会死。";
    PopulatingTouchesEachPage: Linux,
        "MADV_POPULATE_READ loads from each page (Linux 5.14). MADV_POPULATE_WRITE, and MAP_POPULATE with MAP_PRIVATE and \
         PROT_WRITE, touch each as a store does: the private mapping has copies of them from then on.",
        "MADV_POPULATE_READ 把每一页读一遍（Linux 5.14 起）。MADV_POPULATE_WRITE，以及可写私有映射的 MAP_POPULATE，则像写一样访问每一页：私有映射的这些页从此都是副本。";
    DontneedDropsCopies: Linux,
        "MADV_DONTNEED drops private copies: the next access finds the file's page, or zeros.",
        "MADV_DONTNEED 会丢弃私有副本：下次访问看到的是文件的页，或者零。";
    DontneedKeepsTheFile: Linux,
        "MADV_DONTNEED leaves the file alone, also the nameless one that a shared anonymous mapping shows: the next access to \
         a shared page finds it as it was.",
        "MADV_DONTNEED 不动文件（共享匿名映射映射的也是文件，只是没有名字）：共享的页下次访问时还是原样。";

    // ---- Processes ----

    EndingClosesAndUnmaps: Posix,
        "A process that ends closes its descriptors and unmaps its mappings; its private copies are gone.",
        "进程结束时，描述符全部关闭，映射全部解除，私有副本也随之消失。";
    LocksAreNotInherited: Posix,
        "A child does not inherit memory locks.",
        "子进程不继承内存锁。";
    DontforkLeavesPagesOut: Linux,
        "MADV_DONTFORK leaves pages out of the children: nothing is mapped there.",
        "MADV_DONTFORK 的页不给子进程：那里什么也没有映射。";
    ForkInheritsMappings: Posix,
        "A child has its parent's descriptors and mappings, at the same addresses.",
        "子进程有父进程的描述符和映射，地址也相同。";

    // ---- What an access finds ----

    MappingsShowTheFile: Posix,
        "A mapping shows the pages of the file; on Linux read(2) returns the same bytes, without any msync(2).",
        "映射显示的就是文件的页；在 Linux 上，不调用 msync(2)，read(2) 读到的也是同样的字节。";
    NewMemoryIsZeros: Posix,
        "Anonymous memory is zeros until it is stored to.",
        "没人写过的匿名内存是零。";
    WholePagesAreMapped: Posix,
        "Whole pages are mapped: a mapping extends to the end of its last page.",
        "映射以整页为单位：一直到最后一页的页尾都有效。";
    LoadingCopiesNothing: Unspecified,
        "Only a store copies: a page of a private mapping that was only loaded from is still the file's, and changes with it.",
        "只有写才会复制：私有映射中只读过的页仍然是文件的页，跟着文件变。";
    LastPageIsWhole: Posix,
        "The file's last page exists as a whole: past the last byte of the file are zeros, or what a process has stored there.",
        "文件的最后一页整页都在：最后一个字节之后读到的是零，或有人（包括自己）写在那里的内容。";
    BytesPastTheEndVary: Varies,
        "What is stored past the file's last byte stays visible to mappings; a file system on a disk zeroes it whenever it \
         writes the page there.",
        "写在文件最后一个字节之后的内容，映射一直看得到；磁盘文件系统会在写回这一页时把它清零，时机不定。";
    SharedStoresChangeTheFile: Posix,
        "A store to a shared mapping changes the file's page: every mapping shows it, and read(2), too, at once on Linux; \
         POSIX asks for msync(2) before read(2).",
        "写共享映射，改的就是文件的页：所有映射都看到，read(2) 也读到，在 Linux 上立刻如此；POSIX 要求 read(2) 之前先 msync(2)。";
    StoresOutliveTheirProcess: Posix,
        "A shared store is in the page cache: it stays when the process is killed, even without msync(2).",
        "写进共享映射的内容在页缓存里：不调用 msync(2)，进程被杀死，内容也还在。";
    PrivateStoresStayPrivate: Posix,
        "A store to a private mapping is visible through that mapping only; the file does not change.",
        "写私有映射，只有这个映射自己看得到，文件不变。";
    StoringCopiesThePage: Unspecified,
        "The first store to a page of a private mapping copies the whole page, which then no longer follows the file.",
        "第一次写私有映射的某一页，会复制整页：从此这一页不再跟着文件变。";
    ForkSharesSharedMappings: Posix,
        "Parent and child share a mapping made with MAP_SHARED: both see a store of either.",
        "父子进程共享 MAP_SHARED 的映射：谁写，双方都看得到。";
    ForkSeparatesPrivateMappings: Posix,
        "After fork(2), a store to private memory is visible only to the process that made it.",
        "fork(2) 之后，写私有内存只有写的进程自己看得到。";
    WipeonforkGivesZeros: Linux,
        "With MADV_WIPEONFORK a child has zeros where its parent has its data, and no guard pages there.",
        "有 MADV_WIPEONFORK 时，父进程有数据的地方，子进程看到的是零，那里也没有保护页。";
    StoresDoNotExtendTheFile: Posix,
        "A store past the file's last byte does not extend the file, and read(2) does not return it.",
        "写在文件最后一个字节之后，文件不会变长，read(2) 也读不到写的内容。";
    WritableImpliesReadable: Unspecified,
        "A page that can be stored to can be loaded from: hardly any processor supports write-only pages.",
        "能写的页就能读：几乎没有处理器支持只写（只有 PROT_WRITE）的页。";
    MappedCodeRuns: Posix,
        "Bytes that are mapped with PROT_EXEC can be called as code, whoever stored them.",
        "带 PROT_EXEC 的映射里的字节，不管是谁写的，都可以当代码调用。";
    FreedPagesVary: Varies,
        "After MADV_FREE a page has its bytes or zeros, as the kernel likes, until the next store to it.",
        "MADV_FREE 之后，页的内容可能还在，也可能是零，由内核决定；再写一次才算数。";
    NoPagePastTheEnd: Posix,
        "A page that starts at or past the end of the file does not exist; accessing it raises SIGBUS.",
        "从文件末尾或更后面开始的页不存在：一访问就收到 SIGBUS。";
    ProtectionIsEnforced: Posix,
        "An access that the protection forbids raises SIGSEGV with SEGV_ACCERR.",
        "保护属性不允许的访问会收到 SIGSEGV（SEGV_ACCERR）。";
    ProtectionIsCheckedFirst: Unspecified,
        "The protection is checked before the file: a forbidden access past the file's end raises SIGSEGV, not SIGBUS.",
        "先查保护属性，再看文件：在文件末尾之后做不允许的访问，收到的是 SIGSEGV 而不是 SIGBUS。";
    GuardPagesFault: Linux,
        "MADV_GUARD_INSTALL makes guard pages and drops their contents: each access raises SIGSEGV, until MADV_GUARD_REMOVE.",
        "MADV_GUARD_INSTALL 把页变成保护页，内容丢弃：一访问就收到 SIGSEGV，直到 MADV_GUARD_REMOVE。";
    NothingIsMapped: Posix,
        "An access to an address that is not mapped raises SIGSEGV with SEGV_MAPERR.",
        "没有映射的地方，一访问就收到 SIGSEGV（SEGV_MAPERR）。";
    EarlierLinesVary: Varies,
        "An earlier line left open what it wrote, and so what is there is open.",
        "前面某一行写了什么没有断定，所以这里的内容也无法断定。";
    ShortBuffersVary: Varies,
        "Where only the beginning of the buffer can be accessed, write(2) of a file writes that or fails with EFAULT: file \
         systems differ.",
        "缓冲区只有开头部分能访问时，写文件的 write(2) 可能写进这一部分，也可能返回 EFAULT：文件系统各不相同。";
    EndOrBufferComesFirst: Varies,
        "read(2) at the end of a file, with a buffer that can't be accessed, returns 0 or fails with EFAULT: kernels differ.",
        "在文件末尾 read(2)，缓冲区又访问不了，可能返回 0，也可能返回 EFAULT：内核版本不同，结果不同。";
    CallsReportBadBuffers: Linux,
        "A system call with a buffer that can't be accessed fails with EFAULT; the process lives.",
        "系统调用的缓冲区访问不了，调用就返回 EFAULT，进程不会死。";
    CallsReturnWhatFitted: Linux,
        "Where only the beginning of the buffer can be accessed, read(2) of a file returns how many bytes it has copied.",
        "缓冲区只有开头部分能访问时，读文件的 read(2) 返回已经复制的字节数。";
    NotApplicable: Varies,
        "The process or name does not exist, the name is in use already, or a number is too large: the line is not applicable.",
        "没有这个进程或名字，或者名字已被占用，或者数太大：这一行在这里不适用。";
}
