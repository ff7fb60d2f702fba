//! The grammar, once: the types of the language, and how each is read and printed.
//!
//! A line is made of parts, each a [`Part`], which reads and prints itself. The keywords and the operations are tables;
//! their types are made from these.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::{Amount, Bytes, Contents, Line, Name, Outcome, Pid, Range, Request, Scenario, Source, Syncing};
use crate::text;
use crate::text::Text;

/// Why a text is not a scenario, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
    /// What is wrong there.
    pub text: Text,
}

impl Problem {
    /// The place and what is wrong there.
    pub fn in_words(&self) -> Text {
        let Problem { line, column, text: Text { en, zh } } = self;
        text!("line {line}, column {column}: {en}", "第 {line} 行第 {column} 列：{zh}")
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_words().en)
    }
}

impl core::error::Error for Problem {}

/// A part of a line, which reads and prints itself.
pub(super) trait Part: Sized {
    /// Reads it from the next words.
    fn read(words: &mut Words<'_>) -> Result<Self, Problem>;

    /// Prints it, as it is read.
    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;

    /// Whether it is printed at all.
    fn is_said(&self) -> bool {
        true
    }
}

/// What a part of an operation refers to, or what number of bytes it is. Code that makes or checks scenarios goes by
/// the roles, so that it can't forget an operation. The table of the operations gives them, after `as`.
///
/// ```
/// # use mmap_workbook::scenario::{Role, Scenario};
/// let mut line = Scenario::parse("A open d f rw")?.0.remove(0);
/// assert!(matches!(line.operation.roles()[..], [Role::NewDescriptor(_), Role::File(_)]));
/// # Ok::<(), mmap_workbook::scenario::Problem>(())
/// ```
#[derive(Debug)]
pub enum Role<'o> {
    /// The name of a file that exists.
    File(&'o mut Name),
    /// The name of a file that does not exist yet.
    NewFile(&'o mut Name),
    /// A name in the directory, whether it is a file's or not.
    AnyName(&'o mut Name),
    /// A descriptor that the process has.
    Descriptor(&'o mut Name),
    /// A descriptor that the process does not have yet.
    NewDescriptor(&'o mut Name),
    /// A mapping that the process has.
    Mapping(&'o mut Name),
    /// A mapping that the process does not have yet.
    NewMapping(&'o mut Name),
    /// A mapping, whether the process has it or not.
    AnyMapping(&'o mut Name),
    /// A process other than the one of the line.
    OtherProcess(&'o mut Pid),
    /// A process that does not exist yet.
    NewProcess(&'o mut Pid),
    /// The number of bytes that are copied.
    Copied(&'o mut Amount),
    /// Any other number of bytes.
    Amount(&'o mut Amount),
}

/// A part of an operation that says its roles by itself, or has none. A name and a process have one only by the table.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` in the table of the operations needs a role: write `{Self} as Mapping`, say"
)]
trait Roles {
    fn roles<'o>(&'o mut self, _all: &mut Vec<Role<'o>>) {}
}

/// Words with commas between them, joined only when an error is printed.
struct List(&'static [&'static str]);

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(n, word)| write!(f, "{}{word}", if n > 0 { ", " } else { "" }))
    }
}

// ---- The tables ----

/// Makes a type of keywords: what an error calls one of them in each language, then each with its word.
macro_rules! keywords {
    ($(#[$of_type:meta])* $Type:ident: $what:literal, $what_zh:literal; $($(#[$of_word:meta])* $Word:ident $word:literal)*) => {
        $(#[$of_type])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $Type {
            $($(#[$of_word])* $Word,)*
        }

        impl $Type {
            /// All of them.
            pub const ALL: &[$Type] = &[$($Type::$Word),*];

            fn as_str(self) -> &'static str {
                match self { $($Type::$Word => $word,)* }
            }
        }

        impl Part for $Type {
            fn read(words: &mut Words<'_>) -> Result<$Type, Problem> {
                let all = List(&[$($word),*]);
                let what = Text::new(format!("{} ({all})", $what), format!("{}（{all}）", $what_zh));
                words.word(what, |word| {
                    $Type::ALL.iter().copied().find(|keyword| keyword.as_str() == word)
                })
            }

            fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Roles for $Type {}

        impl fmt::Display for $Type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.print(f)
            }
        }
    };
}

keywords! {
    /// How a file is opened.
    Access: "an access mode", "打开方式";
    /// O_RDONLY
    ReadOnly "ro"
    /// O_WRONLY
    WriteOnly "wo"
    /// O_RDWR
    ReadWrite "rw"
}

keywords! {
    /// A flag of open(2).
    Flag: "the end of the line, or a flag", "行尾或标志";
    /// O_TRUNC
    Truncate "trunc"
    /// O_APPEND
    Append "append"
}

keywords! {
    /// Whether a mapping's stores are shared or private.
    Sharing: "a type of mapping", "映射的类型";
    /// MAP_SHARED
    Shared "shared"
    /// MAP_PRIVATE
    Private "private"
}

keywords! {
    /// Which accesses a mapping allows.
    Protection: "a protection", "保护权限";
    /// PROT_NONE
    None "none"
    /// PROT_READ
    Read "r"
    /// PROT_WRITE
    Write "w"
    /// PROT_READ | PROT_WRITE
    ReadWrite "rw"
    /// PROT_READ | PROT_EXEC
    ReadExecute "rx"
}

keywords! {
    /// A flag of mmap(2) at a place that is given.
    Placing: "the end of the line, or a flag at the end", "行尾或最后的标志";
    /// MAP_FIXED_NOREPLACE in place of MAP_FIXED (Linux 4.17)
    NoReplace "noreplace"
}

keywords! {
    /// The advice of madvise(2).
    Advice: "an advice", "建议";
    /// MADV_DONTNEED
    DontNeed "dontneed"
    /// MADV_WILLNEED
    WillNeed "willneed"
    /// MADV_POPULATE_READ (Linux 5.14)
    PopulateRead "populate_read"
    /// MADV_POPULATE_WRITE (Linux 5.14)
    PopulateWrite "populate_write"
    /// MADV_FREE
    Free "free"
    /// MADV_REMOVE
    Remove "remove"
    /// MADV_DONTFORK
    DontFork "dontfork"
    /// MADV_DOFORK
    DoFork "dofork"
    /// MADV_WIPEONFORK
    WipeOnFork "wipeonfork"
    /// MADV_KEEPONFORK
    KeepOnFork "keeponfork"
    /// MADV_GUARD_INSTALL (Linux 6.13; for files 6.15)
    GuardInstall "guard_install"
    /// MADV_GUARD_REMOVE
    GuardRemove "guard_remove"
}

keywords! {
    /// How much of a file is synced, if not all of it.
    Extent: "the end of the line, or how much", "行尾或同步的范围";
    /// fdatasync(2): what is needed to read the bytes, and no times.
    Data "data"
}

keywords! {
    /// A seal on a file in memory (fcntl(2), F_ADD_SEALS).
    Seal: "a seal", "密封";
    /// F_SEAL_SHRINK
    Shrink "shrink"
    /// F_SEAL_GROW
    Grow "grow"
    /// F_SEAL_WRITE
    Write "write"
    /// F_SEAL_FUTURE_WRITE
    FutureWrite "future_write"
    /// F_SEAL_SEAL
    Seal "seal"
}

/// Makes the type of the operations, with what reads and prints it: each operation has its verb, and the parts that
/// follow it. `as` says what a part refers to ([`Role`]).
macro_rules! operations {
    ($($(#[$doc:meta])* $Operation:ident $verb:literal $(($($part:ident: $Part:ty $(as $Role:ident)?),*))?;)*) => {
        /// What a process does in a line.
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum Operation {
            $(
                $(#[$doc])*
                #[doc = concat!("\n\n`", $verb, $($(" ", stringify!($part),)*)? "`")]
                $Operation $(($($Part),*))?,
            )*
        }

        impl Operation {
            /// The verb of each operation.
            pub const VERBS: &[&str] = &[$($verb),*];

            /// The parts that follow each of [`Operation::VERBS`]: the name and the type of each.
            pub const PARTS: &[&[(&str, &str)]] = &[$(&[$($((stringify!($part), stringify!($Part))),*)?]),*];

            /// What its parts refer to.
            pub fn roles(&mut self) -> Vec<Role<'_>> {
                let mut all = Vec::new();
                match self {
                    $(Operation::$Operation $(($($part),*))? => {
                        $($(operations!(@role all $part $($Role)?);)*)?
                    })*
                }
                all
            }
        }

        impl Part for Operation {
            fn read(words: &mut Words<'_>) -> Result<Operation, Problem> {
                words.skip_spaces();
                let start = *words;
                match words.word(text!("an operation", "操作"), Some)? {
                    $($verb => Ok(Operation::$Operation $(($(words.part::<$Part>(stringify!($part))?),*))?),)*
                    other => Err(start.wrong(match nearest(other) {
                        Some(verb) => text!("unknown operation {other:?}; did you mean `{verb}`?", "没有 {other:?} 这种操作，是不是 `{verb}`？"),
                        None => {
                            let all = List(Operation::VERBS);
                            text!("unknown operation {other:?} (known: {all})", "没有 {other:?} 这种操作，可用的有 `{all}`")
                        }
                    })),
                }
            }

            fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Operation::$Operation $(($($part),*))? => {
                        f.write_str($verb)?;
                        $($(if $part.is_said() {
                            f.write_str(" ")?;
                            $part.print(f)?;
                        })*)?
                        Ok(())
                    })*
                }
            }
        }
    };
    (@role $all:ident $part:ident) => { Roles::roles($part, &mut $all) };
    (@role $all:ident $part:ident $Role:ident) => { $all.push(Role::$Role($part)) };
}

operations! {
    /// open(2) with O_CREAT and O_EXCL, ftruncate(2) or write(2), close(2): a file of this name with these bytes.
    Create "create" (file: Name as NewFile, contents: Contents);
    /// memfd_create(2) with this size: a descriptor, and no name.
    Memfd "memfd" (descriptor: Name as NewDescriptor, size: Amount);
    /// open(2)
    Open "open" (descriptor: Name as NewDescriptor, file: Name as File, access: Access, flag: Option<Flag>);
    /// open(2) of /proc/self/fd/N: the file of a descriptor, opened anew.
    Reopen "reopen" (descriptor: Name as NewDescriptor, of: Name as Descriptor, access: Access);
    /// close(2)
    Close "close" (descriptor: Name as Descriptor);
    /// pread(2): at most `length` bytes from an offset in the file.
    Read "read" (descriptor: Name as Descriptor, offset: Amount, length: Amount as Copied);
    /// pwrite(2)
    Write "write" (descriptor: Name as Descriptor, offset: Amount, bytes: Bytes);
    /// pread(2) into a mapping: at most `length` bytes, from an offset in the file to a place in the mapping.
    ReadInto "read_into" (descriptor: Name as Descriptor, offset: Amount, mapping: Name as Mapping, place: Amount, length: Amount as Copied);
    /// pwrite(2) from a mapping: `length` bytes, to an offset in the file from a place in the mapping.
    WriteFrom "write_from" (descriptor: Name as Descriptor, offset: Amount, mapping: Name as Mapping, place: Amount, length: Amount as Copied);
    /// ftruncate(2)
    Truncate "truncate" (descriptor: Name as Descriptor, size: Amount);
    /// fallocate(2) with FALLOC_FL_PUNCH_HOLE
    Punch "punch" (descriptor: Name as Descriptor, offset: Amount, length: Amount);
    /// fallocate(2) without a flag: room for the range, and the file grows where it ends past the end.
    Reserve "reserve" (descriptor: Name as Descriptor, offset: Amount, length: Amount);
    /// fallocate(2) with FALLOC_FL_ZERO_RANGE
    Zero "zero" (descriptor: Name as Descriptor, offset: Amount, length: Amount);
    /// fallocate(2) with FALLOC_FL_COLLAPSE_RANGE
    Collapse "collapse" (descriptor: Name as Descriptor, offset: Amount, length: Amount);
    /// fstat(2): whether st_mtime has moved since the last time, or since the file was made. It is put back (futimens(2)).
    Mtime "mtime" (descriptor: Name as Descriptor);
    /// rename(2): the first name takes the place of the second.
    Rename "rename" (from: Name as File, to: Name as AnyName);
    /// unlink(2)
    Unlink "unlink" (file: Name as AnyName);
    /// fsync(2) of a file, or fdatasync(2).
    Fsync "fsync" (descriptor: Name as Descriptor, extent: Option<Extent>);
    /// fsync(2) of the directory: of the names.
    FsyncDirectory "fsync_dir";
    /// fcntl(2), F_ADD_SEALS
    Seal "seal" (descriptor: Name as Descriptor, seal: Seal);
    /// fcntl(2), F_GET_SEALS
    Seals "seals" (descriptor: Name as Descriptor);
    /// mmap(2) with MAP_FIXED: at a place in the addresses of a mapping, or right after it.
    MapAt "map_at" (mapping: Name as Mapping, place: Amount, request: Request, placing: Option<Placing>);
    /// mmap(2)
    Map "map" (mapping: Name as NewMapping, request: Request);
    /// Loads `length` bytes from a place in a mapping, one after the other.
    Load "load" (mapping: Name as Mapping, place: Amount, length: Amount as Copied);
    /// Stores bytes to a mapping, from a place in it, one after the other.
    Store "store" (mapping: Name as Mapping, place: Amount, bytes: Bytes);
    /// Calls the code at a place in a mapping: a function that returns a number.
    Call "call" (mapping: Name as Mapping, place: Amount);
    /// munmap(2) of a whole mapping, or of a part.
    Unmap "unmap" (mapping: Name as Mapping, range: Option<Range>);
    /// mremap(2): from now on the mapping has this length, at the address that it has.
    Remap "remap" (mapping: Name as Mapping, length: Amount);
    /// mremap(2) with MREMAP_FIXED: to addresses of its own, or to those of another mapping. The first name is unmapped then.
    Move "move" (mapping: Name as Mapping, to: Name as AnyMapping);
    /// mremap(2) with an old length of 0: another mapping of the same pages.
    Duplicate "duplicate" (mapping: Name as Mapping, to: Name as NewMapping);
    /// mprotect(2) of a whole mapping, or of a part.
    Protect "protect" (mapping: Name as Mapping, protection: Protection, range: Option<Range>);
    /// madvise(2) of a whole mapping, or of a part.
    Advise "advise" (mapping: Name as Mapping, advice: Advice, range: Option<Range>);
    /// mlock(2) of a whole mapping, or of a part.
    Lock "lock" (mapping: Name as Mapping, range: Option<Range>);
    /// munlock(2) of a whole mapping, or of a part.
    Unlock "unlock" (mapping: Name as Mapping, range: Option<Range>);
    /// mincore(2) of a whole mapping, or of a part: a byte for each page, 1 if it is in memory.
    Resident "resident" (mapping: Name as Mapping, range: Option<Range>);
    /// msync(2) of a whole mapping, or of a part.
    Sync "sync" (mapping: Name as Mapping, how: Syncing, range: Option<Range>);
    /// fork(2): the child gets this letter.
    Fork "fork" (child: Pid as NewProcess);
    /// _exit(2)
    Exit "exit";
    /// Kills another process with SIGKILL.
    Kill "kill" (process: Pid as OtherProcess);
    /// The disk refuses the next write of the file, once: an error of write-back.
    Fail "fail" (descriptor: Name as Descriptor);
    /// The power is cut, and comes back: no process is left but a new A, and of the files what the disk has of them.
    Cut "cut";
}

impl Operation {
    /// The numbers of bytes in it.
    pub fn amounts(&self) -> Vec<Amount> {
        self.clone().amounts_mut().into_iter().map(|amount| *amount).collect()
    }

    /// The numbers of bytes in it, to be changed.
    pub fn amounts_mut(&mut self) -> Vec<&mut Amount> {
        let amount = |role| match role {
            Role::Copied(amount) | Role::Amount(amount) => Some(amount),
            _ => None,
        };
        self.roles().into_iter().filter_map(amount).collect()
    }
}

// ---- The parts that are not keywords ----

impl Part for Pid {
    fn read(words: &mut Words<'_>) -> Result<Pid, Problem> {
        words.word(text!("a process (a capital letter)", "进程（一个大写字母）"), |word| {
            let mut letters = word.chars();
            letters.next().filter(|_| letters.next().is_none()).and_then(Pid::new)
        })
    }

    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Part for Name {
    fn read(words: &mut Words<'_>) -> Result<Name, Problem> {
        let name = text!(
            "a name (a lower-case letter, then up to seven lower-case letters or digits; not `anon`)",
            "名字（小写字母开头，后面最多七个小写字母或数字；不能是 `anon`）"
        );
        words.word(name, Name::new)
    }

    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `10`, `1p`, `2p-1`, `1p+10`. `0p` is `0`.
impl Part for Amount {
    fn read(words: &mut Words<'_>) -> Result<Amount, Problem> {
        words.word(text!("a number of bytes (10, 1p, 2p-1)", "字节数（10、1p、2p-1）"), amount)
    }

    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.pages, self.bytes) {
            (0, bytes) => write!(f, "{bytes}"),
            (pages, 0) => write!(f, "{pages}p"),
            (pages, bytes) => write!(f, "{pages}p{bytes:+}"),
        }
    }
}

impl Roles for Amount {
    fn roles<'o>(&'o mut self, all: &mut Vec<Role<'o>>) {
        all.push(Role::Amount(self));
    }
}

pub(super) fn amount(word: &str) -> Option<Amount> {
    let bytes = |text: &str| plain_number(text).and_then(|bytes| i32::try_from(bytes).ok());
    let Some((pages, rest)) = word.split_once('p') else {
        return bytes(word).map(|bytes| Amount { pages: 0, bytes });
    };
    let pages = plain_number(pages)?;
    let bytes = match (rest.strip_prefix('+'), rest.strip_prefix('-')) {
        (Some(more), _) => bytes(more).filter(|more| *more > 0)?,
        (_, Some(less)) => -bytes(less).filter(|less| *less > 0 && pages > 0)?,
        _ => rest.is_empty().then_some(0)?,
    };
    Some(Amount { pages, bytes })
}

/// MS_SYNC, which is not said, or another way.
impl Part for Syncing {
    fn read(words: &mut Words<'_>) -> Result<Syncing, Problem> {
        let how = match words.next() {
            "async" => Syncing::Async,
            "invalidate" => Syncing::Invalidate,
            _ => return Ok(Syncing::Sync),
        };
        words.word(text!("`async`", "`async`"), Some).map(|_| how)
    }

    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Syncing::Sync => "",
            Syncing::Async => "async",
            Syncing::Invalidate => "invalidate",
        })
    }

    fn is_said(&self) -> bool {
        *self != Syncing::Sync
    }
}

impl Roles for Syncing {}

/// `"text"`, `'x'*1p`, or `code`.
impl Part for Bytes {
    fn read(words: &mut Words<'_>) -> Result<Bytes, Problem> {
        if words.is_next('"') {
            return words.quoted().map(Bytes::Text);
        }
        words.word(text!("bytes (\"abc\", 'x'*1p or code)", "字节内容（\"abc\"、'x'*1p 或 code）"), |word| {
            if word == "code" {
                return Some(Bytes::Code);
            }
            let mut letters = word.strip_prefix('\'')?.chars();
            let letter = letters.next().filter(|letter| is_printable(*letter))?;
            Some(Bytes::Fill(letter, amount(letters.as_str().strip_prefix("'*")?)?))
        })
    }

    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bytes::Text(text) => write!(f, "\"{text}\""),
            Bytes::Fill(letter, amount) => write!(f, "'{letter}'*{amount}"),
            Bytes::Code => f.write_str("code"),
        }
    }
}

/// Its bytes are copied: to a file, or into a mapping.
impl Roles for Bytes {
    fn roles<'o>(&'o mut self, all: &mut Vec<Role<'o>>) {
        match self {
            Bytes::Text(_) | Bytes::Code => {}
            Bytes::Fill(_, amount) => all.push(Role::Copied(amount)),
        }
    }
}

/// A size, or bytes.
impl Part for Contents {
    fn read(words: &mut Words<'_>) -> Result<Contents, Problem> {
        match words.is_next('"') || words.is_next('\'') || words.next() == "code" {
            true => Bytes::read(words).map(Contents::Bytes),
            false => Amount::read(words).map(Contents::Zeros),
        }
    }

    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Contents::Zeros(size) => size.print(f),
            Contents::Bytes(bytes) => bytes.print(f),
        }
    }
}

impl Roles for Contents {
    fn roles<'o>(&'o mut self, all: &mut Vec<Role<'o>>) {
        match self {
            Contents::Zeros(size) => size.roles(all),
            Contents::Bytes(bytes) => bytes.roles(all),
        }
    }
}

/// `d shared rw 0 2p`: a descriptor's file, from an offset; `anon private r 1p`: anonymous memory, without an offset. Then
/// perhaps `populate`.
impl Part for Request {
    fn read(words: &mut Words<'_>) -> Result<Request, Problem> {
        let descriptor = words.word(text!("a descriptor, or `anon`", "描述符，或者 `anon`"), |word| match word {
            "anon" => Some(None),
            _ => Name::new(word).map(Some),
        })?;
        let (sharing, protection) = (words.part("sharing")?, words.part("protection")?);
        let source = match descriptor {
            Some(descriptor) => Source::File(descriptor, words.part("offset")?),
            None => Source::Anonymous,
        };
        let length = words.part("length")?;
        if descriptor.is_none() && amount(words.next()).is_some() {
            return Err(
                words.wrong(text!("anonymous memory has no offset, only a length", "匿名内存没有偏移量，只有长度"))
            );
        }
        let populate = words.next() == "populate";
        if populate {
            words.word(text!("`populate`", "`populate`"), Some)?;
        }
        Ok(Request { source, sharing, protection, length, populate })
    }

    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Request { source, sharing, protection, length, populate } = self;
        match source {
            Source::File(descriptor, offset) => write!(f, "{descriptor} {sharing} {protection} {offset} {length}"),
            Source::Anonymous => write!(f, "anon {sharing} {protection} {length}"),
        }?;
        if *populate { f.write_str(" populate") } else { Ok(()) }
    }
}

impl Roles for Request {
    fn roles<'o>(&'o mut self, all: &mut Vec<Role<'o>>) {
        if let Source::File(descriptor, offset) = &mut self.source {
            all.push(Role::Descriptor(descriptor));
            offset.roles(all);
        }
        self.length.roles(all);
    }
}

impl Part for Range {
    fn read(words: &mut Words<'_>) -> Result<Range, Problem> {
        Ok(Range { place: words.part("place")?, length: words.part("length")? })
    }

    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.place, self.length)
    }
}

impl Roles for Range {
    fn roles<'o>(&'o mut self, all: &mut Vec<Role<'o>>) {
        self.place.roles(all);
        self.length.roles(all);
    }
}

/// A part that may be left out, at the end of an operation.
impl<P: Part> Part for Option<P> {
    fn read(words: &mut Words<'_>) -> Result<Option<P>, Problem> {
        if words.is_at_end() || words.next() == "=>" { Ok(None) } else { P::read(words).map(Some) }
    }

    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().map_or(Ok(()), |part| part.print(f))
    }

    fn is_said(&self) -> bool {
        self.is_some()
    }
}

impl<P: Roles> Roles for Option<P> {
    fn roles<'o>(&'o mut self, all: &mut Vec<Role<'o>>) {
        self.iter_mut().for_each(|part| part.roles(all));
    }
}

/// The process, the operation, and perhaps `=>` and the claimed outcome, or `?` in its place.
impl Part for Line {
    fn read(words: &mut Words<'_>) -> Result<Line, Problem> {
        let (number, process, operation) = (words.number, Part::read(words)?, Part::read(words)?);
        let mut line = Line { number, process, operation, outcome: None, asked: false };
        if !words.is_at_end() {
            words.word(text!("the end of the line, or `=>`", "行尾或 `=>`"), |word| (word == "=>").then_some(()))?;
            line.asked = words.next() == "?";
            match line.asked {
                true => words.word(text!("`?`", "`?`"), |word| (word == "?").then_some(()))?,
                false => line.outcome = Some(Outcome::read(words)?),
            }
        }
        Ok(line)
    }

    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.process, self.operation)?;
        if self.asked {
            write!(f, " => ?")?;
        }
        self.outcome.iter().try_for_each(|outcome| write!(f, " => {outcome}"))
    }
}

macro_rules! displays {
    ($($Type:ty),*) => {
        $(impl fmt::Display for $Type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.print(f)
            }
        })*
    };
}

displays!(Pid, Name, Amount, Bytes, Operation, Line, Outcome);

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl Scenario {
    /// The most lines that a scenario may have.
    pub const MOST_LINES: usize = 100_000;

    /// Reads a scenario.
    ///
    /// # Errors
    /// The first problem, with its place.
    pub fn parse(text: &str) -> Result<Scenario, Problem> {
        let (scenario, problem) = Scenario::parse_beginning(text);
        problem.map_or(Ok(scenario), Err)
    }

    /// The lines before the first problem, and that.
    pub fn parse_beginning(text: &str) -> (Scenario, Option<Problem>) {
        let mut lines = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            match Scenario::parse_line(number, line) {
                Ok(line) => lines.extend(line),
                Err(problem) => return (Scenario(lines), Some(problem)),
            }
        }
        (Scenario(lines), None)
    }

    /// None for a line without an operation.
    fn parse_line(number: usize, text: &str) -> Result<Option<Line>, Problem> {
        let mut words = Words { number, rest: text, column: 1, part: "" };
        if number > Scenario::MOST_LINES {
            let most = Scenario::MOST_LINES;
            return Err(words.wrong(text!("more than {most} lines", "超过 {most} 行")));
        }
        let line = if words.is_at_end() { None } else { Some(Line::read(&mut words)?) };
        match words.is_at_end() {
            true => Ok(line),
            false => Err(words.wrong(text!("the line must end here", "这一行应当在此结束"))),
        }
    }
}

/// The verb that is meant by a word that is none, such as `opne` or `munmap`, if there is one that is much like it.
fn nearest(word: &str) -> Option<&'static str> {
    // No longer word is one slip away from a verb, and this takes as much time as the word is long.
    const LONGEST: usize = 20;
    let all = Operation::VERBS.iter().filter(|_| word.len() <= LONGEST);
    let (slips, verb) = all.map(|verb| (slips(word.as_bytes(), verb.as_bytes()), *verb)).min()?;
    (2 * slips < verb.len()).then_some(verb)
}

/// How many slips make one word of another: a letter that is missing, too much, another one, or two that are swapped.
fn slips(one: &[u8], other: &[u8]) -> usize {
    let mut rows = alloc::vec![(0..=other.len()).collect::<Vec<_>>()];
    for i in 1..=one.len() {
        let mut row = alloc::vec![i];
        for j in 1..=other.len() {
            let changed = rows[i - 1][j - 1] + usize::from(one[i - 1] != other[j - 1]);
            let is_swapped = i > 1 && j > 1 && one[i - 2..i] == [other[j - 1], other[j - 2]];
            let swapped = if is_swapped { rows[i - 2][j - 2] + 1 } else { changed };
            row.push(changed.min(swapped).min(rows[i - 1][j] + 1).min(row[j - 1] + 1));
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

// ---- Words ----

/// The words of a line, one after the other.
#[derive(Clone, Copy)]
pub(super) struct Words<'a> {
    number: usize,
    rest: &'a str,
    column: usize,
    /// The name of the part that is being read, for an error; empty if it has none.
    part: &'static str,
}

impl<'a> Words<'a> {
    fn skip_spaces(&mut self) {
        let (spaces, rest) = self.rest.split_at(self.rest.len() - self.rest.trim_start().len());
        self.column += spaces.chars().count();
        self.rest = rest;
    }

    /// The next word, which is not consumed; empty at the end.
    pub(super) fn next(&mut self) -> &'a str {
        self.skip_spaces();
        self.rest.split(|c: char| c.is_whitespace() || c == '#').next().unwrap_or_default()
    }

    /// Whether nothing is left but, perhaps, a comment.
    pub(super) fn is_at_end(&mut self) -> bool {
        self.is_next('#') || self.rest.is_empty()
    }

    pub(super) fn is_next(&mut self, letter: char) -> bool {
        self.skip_spaces();
        self.rest.starts_with(letter)
    }

    pub(super) fn wrong(&self, text: Text) -> Problem {
        let (part, Text { en, zh }) = (self.part, &text);
        let text = if part.is_empty() { text } else { text!("{part}: {en}", "`{part}`：{zh}") };
        Problem { line: self.number, column: self.column, text }
    }

    /// The next part; an error says its name.
    fn part<P: Part>(&mut self, name: &'static str) -> Result<P, Problem> {
        self.part = name;
        let part = P::read(self)?;
        self.part = "";
        Ok(part)
    }

    /// The next word, as `read` understands it; else an error that says what was expected.
    pub(super) fn word<T>(&mut self, expected: Text, read: impl FnOnce(&'a str) -> Option<T>) -> Result<T, Problem> {
        let Text { en, zh } = expected;
        if self.is_at_end() {
            return Err(self.wrong(text!("expected {en}, found the end of the line", "这里应当是{zh}，行却结束了")));
        }
        let word = self.next();
        let wrong = || text!("expected {en}, found {word:?}", "这里应当是{zh}，而不是 {word:?}");
        let value = read(word).ok_or_else(|| self.wrong(wrong()))?;
        self.column += word.chars().count();
        self.rest = &self.rest[word.len()..];
        Ok(value)
    }

    /// A text between quotation marks.
    pub(super) fn quoted(&mut self) -> Result<String, Problem> {
        let text = self.rest.strip_prefix('"').and_then(|rest| rest.split_once('"'));
        let (text, rest) =
            text.ok_or_else(|| self.wrong(text!("the text has no closing quotation mark", "字符串缺少后一个引号")))?;
        if text.is_empty() || text.len() > 16 || !text.chars().all(|letter| letter == ' ' || is_printable(letter)) {
            return Err(self.wrong(text!(
                "a text has 1 to 16 printable ASCII characters, none of them ' # \\ or |",
                "字符串有 1 到 16 个可打印的 ASCII 字符，其中不能有 '、#、\\ 和 |"
            )));
        }
        self.column += text.len() + 2;
        self.rest = rest;
        Ok(text.to_owned())
    }
}

/// The characters of a fill: without those that end it, or begin a comment. A text may have blanks, too.
pub(super) fn is_printable(letter: char) -> bool {
    letter.is_ascii_graphic() && !matches!(letter, '"' | '\'' | '#' | '\\' | '|')
}

/// A number without a sign and without leading zeros.
pub(super) fn plain_number(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}
