//! # Lesson 3: Shared versus private
//!
//! A shared mapping is the file's own pages: a store changes the file for every process. A private mapping begins as
//! the very same pages; the first store to one of them makes a copy of that page, which only this mapping has. So who
//! sees a change?
//!
//! The lesson builds: a matrix of who sees what ([`observe_matrix`]), each of its cells tried on the kernel, with a
//! mark where POSIX does not promise what Linux does; what may be mapped of a file opened for reading
//! ([`opened_for_reading`]); the moment of the copy, as the kernel counts it ([`copy_on_write`]); which page is a copy, and
//! how it is dropped ([`drop_the_copy`]); and two wrong beliefs: that a private mapping is a snapshot
//! ([`half_a_snapshot`]), and that a shared store is seen only after msync(2) ([`store_and_flush_with_memmap2`]).

use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use memmap2::MmapOptions;
use nix::errno::Errno;
use nix::sys::mman::{MmapAdvise, madvise};
use unicode_width::UnicodeWidthStr;

use crate::lesson_2::{Mapping, READ_WRITE, Sharing};
use crate::narrate::{Narrator, Words, answer};
use crate::observe::{Area, minor_faults, page_size, page_size_u64, smaps_of};
use crate::process::Child;
use crate::text;
use crate::text::{Language, Text};

// ANCHOR: cells
/// A way to change a byte of a file, or of a mapping of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A store through a shared mapping.
    StoreShared,
    /// A store through a private mapping.
    StorePrivate,
    /// write(2).
    Write,
}

/// Where the byte is looked at after the change. All mappings are older than the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Viewpoint {
    /// The mapping through which the change was made. For write(2) there is none.
    SameMapping,
    /// Another shared mapping.
    OtherShared,
    /// Another private mapping, whose page was not accessed before.
    PrivateUntouched,
    /// Another private mapping, whose page was loaded from before the change.
    PrivateRead,
    /// Another private mapping, whose page was stored to before the change, at another byte.
    PrivateWritten,
    /// read(2).
    Read,
    /// A forked child, through a mapping of this kind that it inherited; the parent makes the change after fork(2). A
    /// store through a mapping of the same kind is a store through this very mapping.
    ///
    /// (A child forked after a private store begins with its parent's copies; from then on they go separate ways.)
    ForkedChild(Sharing),
    /// The same with the roles exchanged: the child makes the change, and the parent looks.
    Parent(Sharing),
}

impl Change {
    /// All of them: the columns of the matrix.
    pub const ALL: [Change; 3] = [Change::StoreShared, Change::StorePrivate, Change::Write];
}

impl Viewpoint {
    /// All of them: the rows of the matrix.
    pub const ALL: [Viewpoint; 10] = [
        Viewpoint::SameMapping,
        Viewpoint::OtherShared,
        Viewpoint::PrivateUntouched,
        Viewpoint::PrivateRead,
        Viewpoint::PrivateWritten,
        Viewpoint::Read,
        Viewpoint::ForkedChild(Sharing::Shared),
        Viewpoint::ForkedChild(Sharing::Private),
        Viewpoint::Parent(Sharing::Shared),
        Viewpoint::Parent(Sharing::Private),
    ];
}

/// Who promises what a cell of the matrix says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// POSIX does.
    Posix,
    /// POSIX requires the application to synchronise its mappings with read(2) and write(2). On Linux both use the page
    /// cache, and there is nothing to synchronise (overlayfs aside, after it has copied a file: lesson 2).
    Synchronise,
    /// No standard: POSIX leaves it unspecified. The cell says what Linux does.
    Unspecified,
}

/// What POSIX (mmap, fork, write) promises of a change and a viewpoint.
// ANCHOR: rules
pub fn promise(change: Change, viewpoint: Viewpoint) -> Promise {
    match (change, viewpoint) {
        // mmap: a store through a private mapping does not change the object. fork: no other process sees it.
        (Change::StorePrivate, _) | (_, Viewpoint::SameMapping) => Promise::Posix,
        // mmap: whether a private mapping shows later changes of the object is unspecified, even for a page that was
        // stored to before, which Linux has copied and so cannot show.
        (_, Viewpoint::PrivateUntouched | Viewpoint::PrivateRead | Viewpoint::PrivateWritten) => Promise::Unspecified,
        (_, Viewpoint::ForkedChild(Sharing::Private) | Viewpoint::Parent(Sharing::Private)) => Promise::Unspecified,
        // mmap: a store through a shared mapping changes the object. write: a later read(2) returns what was written.
        (Change::StoreShared, Viewpoint::OtherShared | Viewpoint::ForkedChild(_) | Viewpoint::Parent(_)) => {
            Promise::Posix
        }
        (Change::Write, Viewpoint::Read) => Promise::Posix,
        // One process uses a mapping, the other a call (mmap, application usage).
        (Change::StoreShared, Viewpoint::Read) => Promise::Synchronise,
        (Change::Write, Viewpoint::OtherShared | Viewpoint::ForkedChild(_) | Viewpoint::Parent(_)) => {
            Promise::Synchronise
        }
    }
}
// ANCHOR_END: rules
// ANCHOR_END: cells

// ANCHOR: observe
const OLD: u8 = b'o';
const NEW: u8 = b'N';

/// A file of two bytes, and the mappings through which it is changed. Byte 0 is the one that changes.
struct Scene {
    file: File,
    shared: Mapping,
    private: Mapping,
}

impl Scene {
    // ANCHOR: scene
    fn new(directory: &Path) -> io::Result<Scene> {
        let file = tempfile::tempfile_in(directory)?;
        file.write_all_at(&[OLD; 2], 0)?;
        let shared = Mapping::of_file(&file, 0, 2, READ_WRITE, Sharing::Shared)?;
        let private = Mapping::of_file(&file, 0, 2, READ_WRITE, Sharing::Private)?;
        Ok(Scene { file, shared, private })
    }
    // ANCHOR_END: scene

    fn mapping(&self, sharing: Sharing) -> &Mapping {
        match sharing {
            Sharing::Shared => &self.shared,
            Sharing::Private => &self.private,
        }
    }

    fn make(&self, change: Change) -> io::Result<()> {
        match change {
            Change::StoreShared => self.shared.store(0, NEW),
            Change::StorePrivate => self.private.store(0, NEW),
            Change::Write => self.file.write_all_at(&[NEW], 0)?,
        }
        Ok(())
    }

    /// What another mapping of this process shows after the change; it is mapped and prepared before.
    fn seen_through_another(&self, sharing: Sharing, prepare: fn(&Mapping), change: Change) -> io::Result<u8> {
        let other = Mapping::of_file(&self.file, 0, 2, READ_WRITE, sharing)?;
        prepare(&other);
        self.make(change)?;
        Ok(other.load(0))
    }
}

/// Makes the change on a new file in `directory`, and returns whether it is seen: None if the viewpoint does not exist
/// for this change.
///
/// # Errors
/// Those of the file, the mappings and the child.
pub fn is_seen(directory: &Path, change: Change, viewpoint: Viewpoint) -> io::Result<Option<bool>> {
    let scene = Scene::new(directory)?;
    let byte = match viewpoint {
        Viewpoint::SameMapping => {
            let mapping = match change {
                Change::StoreShared => &scene.shared,
                Change::StorePrivate => &scene.private,
                Change::Write => return Ok(None),
            };
            scene.make(change).map(|()| mapping.load(0))
        }
        Viewpoint::OtherShared => scene.seen_through_another(Sharing::Shared, |_| {}, change),
        Viewpoint::PrivateUntouched => scene.seen_through_another(Sharing::Private, |_| {}, change),
        Viewpoint::PrivateRead => scene.seen_through_another(Sharing::Private, |other| _ = other.load(0), change),
        Viewpoint::PrivateWritten => scene.seen_through_another(Sharing::Private, |other| other.store(1, NEW), change),
        // ANCHOR: child_looks
        Viewpoint::ForkedChild(sharing) => {
            let (child, peer) = Child::fork(|peer| {
                peer.await_turn()?;
                peer.send(&[scene.mapping(sharing).load(0)])
            })?;
            scene.make(change)?;
            peer.give_turn()?;
            let answer = peer.receive()?;
            child.wait()?.success().map(|()| answer[0])
        }
        Viewpoint::Parent(sharing) => {
            let (child, _peer) = Child::fork(|_| scene.make(change))?;
            child.wait()?.success().map(|()| scene.mapping(sharing).load(0))
        }
        // ANCHOR_END: child_looks
        Viewpoint::Read => scene.make(change).and_then(|()| first_byte(&scene.file)),
    }?;
    Ok(Some(byte == NEW))
}

/// The file's first byte, as pread(2) returns it.
fn first_byte(file: &File) -> io::Result<u8> {
    let mut byte = [0];
    file.read_exact_at(&mut byte, 0)?;
    Ok(byte[0])
}
// ANCHOR_END: observe

// ANCHOR: matrix
/// Who sees a change: for each viewpoint what was seen of each change, in the order of [`Change::ALL`].
#[derive(Debug)]
pub struct Matrix(Vec<(Viewpoint, Vec<Option<Cell>>)>);

/// Whether a change is seen from a viewpoint, and who promises that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// The new byte is seen.
    pub seen: bool,
    /// Who promises it.
    pub promise: Promise,
}

/// Fills the whole matrix by asking the kernel, each cell with a file, mappings and processes of its own; the files are
/// in `directory`.
///
/// # Errors
/// As [`is_seen`].
pub fn observe_matrix(directory: &Path) -> io::Result<Matrix> {
    let cell = |change, viewpoint| -> io::Result<Option<Cell>> {
        Ok(is_seen(directory, change, viewpoint)?.map(|seen| Cell { seen, promise: promise(change, viewpoint) }))
    };
    let row = |viewpoint| {
        Ok((viewpoint, Change::ALL.map(|change| cell(change, viewpoint)).into_iter().collect::<io::Result<_>>()?))
    };
    Viewpoint::ALL.into_iter().map(row).collect::<io::Result<_>>().map(Matrix)
}

/// A table, with a legend for its marks.
impl Words for Matrix {
    fn words(&self, language: Language) -> Cow<'_, str> {
        let padded = |text: &Text, columns: usize| {
            let text = text.in_language(language);
            format!("{text}{}", " ".repeat(columns.saturating_sub(text.width())))
        };
        let line = |first: &Text, cells: &mut dyn Iterator<Item = Text>| {
            let line = cells.fold(padded(first, 40), |line, cell| line + &padded(&cell, 14));
            line.trim_end().to_owned() + "\n"
        };
        let heading = line(&Text::fixed("", ""), &mut Change::ALL.into_iter().map(Change::words));
        let lines = self.0.iter().map(|(viewpoint, cells)| {
            let cell = |cell: &Option<Cell>| cell.map_or(Text::fixed("-", "-"), Cell::words);
            line(&viewpoint.words(), &mut cells.iter().map(cell))
        });
        let legend = text!(
            "-  write(2) goes through no mapping.\n\
             *  POSIX leaves it unspecified; this is what Linux does.\n\
             +  POSIX requires synchronisation between mappings and read(2), write(2); Linux does not.",
            "-  write(2) 不经过映射。\n\
             *  POSIX 未作规定，这里是 Linux 的行为。\n\
             +  按 POSIX，映射与 read(2)、write(2) 之间需要同步；Linux 不需要。"
        );
        (heading + &lines.collect::<String>() + legend.in_language(language)).into()
    }
}

impl Cell {
    fn words(self) -> Text {
        let mark = match self.promise {
            Promise::Posix => "",
            Promise::Synchronise => " +",
            Promise::Unspecified => " *",
        };
        if self.seen { text!("seen{mark}", "看得见{mark}") } else { text!("no{mark}", "看不见{mark}") }
    }
}

impl Change {
    fn words(self) -> Text {
        match self {
            Change::StoreShared => Text::fixed("store shared", "写共享映射"),
            Change::StorePrivate => Text::fixed("store private", "写私有映射"),
            Change::Write => Text::fixed("write(2)", "write(2)"),
        }
    }
}

impl Viewpoint {
    fn words(self) -> Text {
        match self {
            Viewpoint::SameMapping => Text::fixed("the same mapping", "同一个映射"),
            Viewpoint::OtherShared => Text::fixed("another shared mapping", "另一个共享映射"),
            Viewpoint::PrivateUntouched => {
                Text::fixed("another private mapping, not accessed", "另一个私有映射，没有访问过")
            }
            Viewpoint::PrivateRead => Text::fixed("another private mapping, loaded before", "另一个私有映射，事先读过"),
            Viewpoint::PrivateWritten => {
                Text::fixed("another private mapping, stored before", "另一个私有映射，事先写过")
            }
            Viewpoint::Read => Text::fixed("read(2)", "read(2)"),
            Viewpoint::ForkedChild(Sharing::Shared) => Text::fixed("a forked child, shared", "子进程，共享映射"),
            Viewpoint::ForkedChild(Sharing::Private) => {
                Text::fixed("a forked child, private, not accessed", "子进程，私有映射，没有访问过")
            }
            Viewpoint::Parent(Sharing::Shared) => Text::fixed("the parent, shared", "父进程，共享映射"),
            Viewpoint::Parent(Sharing::Private) => {
                Text::fixed("the parent, private, not accessed", "父进程，私有映射，没有访问过")
            }
        }
    }
}
// ANCHOR_END: matrix

// ANCHOR: read_only
/// Results of mapping a file that was opened for reading only with PROT_WRITE.
#[derive(Debug, PartialEq, Eq)]
pub struct OpenedForReading {
    /// What mmap(2) returns for MAP_SHARED.
    pub shared: Result<(), Errno>,
    /// The file's first byte.
    pub before: u8,
    /// The same byte in a private mapping, after it was inverted there.
    pub mapped: u8,
    /// The file's first byte after that, as pread(2) gives it.
    pub in_file: u8,
}

/// Maps the file at `path`, opened O_RDONLY, with PROT_WRITE: shared, which is refused, and private, which is not.
///
/// POSIX, mmap: PROT_WRITE needs a descriptor open for writing unless the mapping is private. A store to a private
/// mapping changes a copy, which needs no permission on the file.
///
/// # Errors
/// Those of open(2), read(2) and of the private mapping; that of the shared one is in the result.
// ANCHOR: for_reading
pub fn opened_for_reading(path: &Path) -> io::Result<OpenedForReading> {
    let file = File::open(path)?;
    let shared = Mapping::of_file(&file, 0, 1, READ_WRITE, Sharing::Shared).map(drop);
    let private = Mapping::of_file(&file, 0, 1, READ_WRITE, Sharing::Private)?;
    let before = first_byte(&file)?;
    private.store(0, !before);
    Ok(OpenedForReading { shared, before, mapped: private.load(0), in_file: first_byte(&file)? })
}
// ANCHOR_END: for_reading
// ANCHOR_END: read_only

// ANCHOR: copy_on_write
/// What the kernel shows of a private mapping after an access to its first byte.
#[derive(Debug)]
pub struct AfterAccess {
    /// How many minor faults the access took (ru_minflt of getrusage(2)).
    pub faults: i64,
    /// The mapping's entry in /proc/self/smaps.
    pub area: Area,
    /// The mapping's first byte.
    pub byte: u8,
}

impl AfterAccess {
    /// A field of smaps, in pages.
    ///
    /// # Errors
    /// `NotFound` when this kernel has no such field.
    pub fn pages(&self, field: &str) -> io::Result<u64> {
        Ok(self.area.kib(field)? * 1024 / page_size_u64())
    }
}

/// Three accesses to the same byte of a private mapping, and the file's byte after them.
#[derive(Debug)]
pub struct CopyOnWrite {
    /// After a load: the page is the file's.
    pub loaded: AfterAccess,
    /// After a store, which faults: the page is a copy, at the same address.
    pub stored: AfterAccess,
    /// After a second store, which goes to the copy.
    pub stored_again: AfterAccess,
    /// The file's first byte, as pread(2) returns it.
    pub in_file: u8,
}

/// Maps `length` bytes of `file` private, loads the first byte, and stores to it twice: first its inverse, then its old
/// value with the lowest bit flipped.
///
/// The field of smaps to look at is `Anonymous`: pages of this mapping that belong to no file. `Private_Dirty` may also
/// count the file's own page, if it is not on the disk yet and no other mapping shows it.
///
/// # Errors
/// Those of the mapping, of /proc and of read(2).
// ANCHOR: three_touches
pub fn copy_on_write(file: &File, length: usize) -> io::Result<CopyOnWrite> {
    let mapping = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Private)?;
    let after = |access: &dyn Fn()| -> io::Result<AfterAccess> {
        // Only the access is between the two counts: reading smaps takes faults of its own.
        let before = minor_faults()?;
        access();
        let faults = minor_faults()? - before;
        let area = smaps_of(mapping.range())?.pop().ok_or(io::ErrorKind::NotFound)?;
        Ok(AfterAccess { faults, area, byte: mapping.load(0) })
    };
    let byte = first_byte(file)?;
    Ok(CopyOnWrite {
        loaded: after(&|| _ = mapping.load(0))?,
        stored: after(&|| mapping.store(0, !byte))?,
        stored_again: after(&|| mapping.store(0, byte ^ 1))?,
        in_file: first_byte(file)?,
    })
}
// ANCHOR_END: three_touches
// ANCHOR_END: copy_on_write

// ANCHOR: snapshot
/// A private mapping is no snapshot of the file. Three pages, filled with `A`, `B` and `C`, are mapped private. The
/// first is loaded from, the second is stored to at its last byte, the third is not accessed. Then write(2) puts `a`,
/// `b` and `c` at their starts. What does the mapping show there?
///
/// On Linux `a`, `B`, `c`: a page follows the file until the first store copies it, and the copy is of the whole page.
/// POSIX leaves all three unspecified. A program that needs the bytes to stay as they are copies them with read(2).
///
/// # Errors
/// Those of the file in `directory` and of the mapping.
// ANCHOR: half
pub fn half_a_snapshot(directory: &Path) -> io::Result<[u8; 3]> {
    let page = page_size();
    let file = tempfile::tempfile_in(directory)?;
    file.write_all_at(&b"ABC".map(|byte| vec![byte; page]).concat(), 0)?;
    let mapping = Mapping::of_file(&file, 0, 3 * page, READ_WRITE, Sharing::Private)?;
    mapping.load(0);
    mapping.store(2 * page - 1, b'x');
    for (n, byte) in (0..).zip(*b"abc") {
        file.write_all_at(&[byte], n * page_size_u64())?;
    }
    Ok([0, page, 2 * page].map(|at| mapping.load(at)))
}
// ANCHOR_END: half
// ANCHOR_END: snapshot

// ANCHOR: pagemap
/// What /proc/self/pagemap has for one page of a private mapping, and the byte that the mapping shows in the end.
#[derive(Debug, PartialEq, Eq)]
pub struct CopyDropped {
    /// After mmap(2).
    pub mapped: u64,
    /// After a load: the file's page.
    pub loaded: u64,
    /// After a store: a copy.
    pub stored: u64,
    /// After madvise(2) with MADV_DONTNEED: nothing, as after mmap(2).
    pub dropped: u64,
    /// After another load: the file's page.
    pub loaded_again: u64,
    /// What this load returned.
    pub byte: u8,
}

/// Maps the first byte of `file` private, loads it, stores its inverse, drops the copy, and loads it again.
///
/// The bits to look at are 63 (present), 62 (swapped out) and 61 (a page of a file or of shared memory).
///
/// # Errors
/// Those of the mapping, of /proc and of madvise(2).
// ANCHOR: drop_the_copy
pub fn drop_the_copy(file: &File) -> io::Result<CopyDropped> {
    let mapping = Mapping::of_file(file, 0, 1, READ_WRITE, Sharing::Private)?;
    let pagemap = File::open("/proc/self/pagemap")?;
    let number = u64::try_from(mapping.address() / page_size()).map_err(io::Error::other)?;
    let entry = || -> io::Result<u64> {
        let mut entry = [0; 8];
        pagemap.read_exact_at(&mut entry, number * 8)?;
        Ok(u64::from_ne_bytes(entry))
    };
    let mapped = entry()?;
    let byte = mapping.load(0);
    let loaded = entry()?;
    mapping.store(0, !byte);
    let stored = entry()?;
    // SAFETY: the page is this mapping's own, and no reference to its bytes exists.
    unsafe { madvise(mapping.pointer_to(0), page_size(), MmapAdvise::MADV_DONTNEED) }?;
    let dropped = entry()?;
    let byte = mapping.load(0);
    Ok(CopyDropped { mapped, loaded, stored, dropped, loaded_again: entry()?, byte })
}
// ANCHOR_END: drop_the_copy
// ANCHOR_END: pagemap

// ANCHOR: memmap2
/// The file's first byte before and after a flush, as pread(2) returns it.
#[derive(Debug, PartialEq, Eq)]
pub struct Flushed {
    /// After the store, before the flush.
    pub before: u8,
    /// After the flush.
    pub after: u8,
}

/// Stores `byte` at the start of `file` through a map of memmap2, and flushes the map.
///
/// The crate calls MAP_SHARED `map_mut` and MAP_PRIVATE `map_copy`. It handles the pointers and the unmapping, but both
/// return an `MmapMut`, so the type does not say which one it is: `flush` (msync(2)) exists for either, and for a
/// private map it does nothing and returns `Ok`.
///
/// Flushing does not make a shared store visible: it is visible at once. msync(2) is about the disk, and what is there
/// after a crash of the machine.
///
/// # Errors
/// EACCES for a shared map of a file that isn't open for writing as well; otherwise those of mmap(2), msync(2) and
/// read(2).
///
/// # Safety
/// The file has a first byte, and meanwhile no other code, in this process or another, changes it or truncates the
/// file: the map is a `&mut [u8]`. A private map needs the same promise, as its bytes follow the file until they are
/// copied.
// ANCHOR: flush
pub unsafe fn store_and_flush_with_memmap2(file: &File, sharing: Sharing, byte: u8) -> io::Result<Flushed> {
    let mut options = MmapOptions::new();
    options.len(1);
    let mut map = match sharing {
        // SAFETY: the caller's promise.
        Sharing::Shared => unsafe { options.map_mut(file) },
        // SAFETY: the caller's promise.
        Sharing::Private => unsafe { options.map_copy(file) },
    }?;
    map[0] = byte;
    let before = first_byte(file)?;
    map.flush()?;
    Ok(Flushed { before, after: first_byte(file)? })
}
// ANCHOR_END: flush
// ANCHOR_END: memmap2

/// Demonstrates the matrix, a file opened for reading, the copy and its end, and two beliefs about mappings.
///
/// It changes the first byte of the file at `path`, and accesses no page of it but the first.
///
/// # Errors
/// Those of the functions above, and of the output.
pub fn demonstrate(out: &mut Narrator, path: &Path) -> io::Result<()> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let directory = out.directory();

    out.part(text!("Who sees a change?", "一处改动谁能看见？"))?;
    out.tell(text!(
        "for each cell: a new file, mapped shared and private; one change; one look",
        "每一格：新建一个文件，建立共享映射和私有映射；改动一次，查看一次"
    ))?;
    out.tell(observe_matrix(&directory)?)?;
    out.shows(text!(
        "a shared store is a change of the file, like write(2); a private one is seen by no other process.",
        "写共享映射就是改动文件，与 write(2) 一样；写私有映射，别的进程都看不见。"
    ))?;

    let in_file = || text!("pread(2) of the file", "用 pread(2) 读文件");
    let it_was = || text!("it was", "原来是");
    out.part(text!("A file opened for reading only", "以只读方式打开的文件"))?;
    out.tell(text!(
        "open(O_RDONLY), then mmap with PROT_READ|PROT_WRITE",
        "先 open(O_RDONLY)，再用 PROT_READ|PROT_WRITE 调用 mmap"
    ))?;
    let opened = opened_for_reading(path)?;
    out.evidence("MAP_SHARED", answer(&opened.shared))?;
    out.evidence("MAP_PRIVATE", "ok")?;
    out.tell(text!("invert the first byte of the private one", "把私有映射的第一个字节取反"))?;
    out.evidence(it_was(), bits(opened.before))?;
    out.evidence(text!("in the mapping now", "映射里现在是"), bits(opened.mapped))?;
    out.evidence(in_file(), bits(opened.in_file))?;
    out.shows(text!(
        "a private mapping never changes the file, so it needs no permission to write.",
        "私有映射从不改动文件，所以不需要写权限。"
    ))?;

    out.part(text!("Copy on write, as it happens", "写时复制的经过"))?;
    let copied = copy_on_write(&file, 1)?;
    out.tell(text!("a private mapping of the first page; a load", "为第一页建立私有映射，读一次"))?;
    tell_of_access(out, &copied.loaded)?;
    out.tell(text!("a store", "写一次"))?;
    tell_of_access(out, &copied.stored)?;
    out.tell(text!("a second store to the same page", "对同一页再写一次"))?;
    tell_of_access(out, &copied.stored_again)?;
    let same = copied.loaded.area.range() == copied.stored.area.range();
    let same = if same { text!("the same as before", "和之前相同") } else { text!("others", "变了") };
    out.evidence(text!("the addresses", "地址"), same)?;
    out.shows(text!(
        "the first store faults: the kernel replaces the file's page by a copy, which belongs to no file.\n\
         (Private_Dirty may also count the file's own page, while that is not on the disk yet.)",
        "第一次写入触发缺页：内核用副本取代文件的页，副本不属于任何文件。\n\
         （文件自己的页还没有写到磁盘时，也可能计入 Private_Dirty。）"
    ))?;

    out.part(text!("Which page is a copy?", "哪一页是副本？"))?;
    out.tell(text!(
        "a private mapping of the first page: bits 63, 62 and 61 of its entry in /proc/self/pagemap",
        "为第一页建立私有映射，看它在 /proc/self/pagemap 中那一项的第 63、62、61 位"
    ))?;
    let copy = drop_the_copy(&file)?;
    out.evidence(text!("after mmap(2)", "mmap(2) 之后"), top_bits(copy.mapped))?;
    out.evidence(text!("after a load", "读一次之后"), top_bits(copy.loaded))?;
    out.evidence(text!("after a store", "写一次之后"), top_bits(copy.stored))?;
    out.evidence(text!("after MADV_DONTNEED", "MADV_DONTNEED 之后"), top_bits(copy.dropped))?;
    out.evidence(text!("after another load", "再读一次之后"), top_bits(copy.loaded_again))?;
    out.evidence(text!("in the mapping now", "映射里现在是"), bits(copy.byte))?;
    out.evidence(in_file(), bits(first_byte(&file)?))?;
    out.shows(text!(
        "a copy belongs to no file. MADV_DONTNEED drops it, and the next access brings the file's page.",
        "副本不属于任何文件。MADV_DONTNEED 丢弃副本，下次访问得到的是文件的页。"
    ))?;

    out.part(text!("Two beliefs", "两种误解"))?;
    out.tell(text!(
        "\"A private mapping is a snapshot of the file.\" Pages of 'A', 'B', 'C'; then write(2) of 'a', 'b', 'c'",
        "“私有映射是文件的快照。”三页分别是 'A'、'B'、'C'，然后用 write(2) 写 'a'、'b'、'c'"
    ))?;
    let [read, written, untouched] = half_a_snapshot(&directory)?.map(char::from);
    out.evidence(text!("the page loaded before", "事先读过的页"), format!("{read:?}"))?;
    out.evidence(text!("the page stored to before", "事先写过的页"), format!("{written:?}"))?;
    out.evidence(text!("the page not accessed", "没有访问过的页"), format!("{untouched:?}"))?;
    out.shows(text!(
        "each page follows the file until the first store to it (on Linux; POSIX leaves it unspecified).",
        "每一页都随文件变化，直到第一次写这一页（这是 Linux 的行为，POSIX 未作规定）。"
    ))?;
    out.tell(text!(
        "\"A shared store is seen after msync(2).\" Invert the first byte with memmap2; pread(2), flush, pread(2)",
        "“写共享映射，要等 msync(2) 之后才看得见。”用 memmap2 把第一个字节取反，再 pread(2)、flush、pread(2)"
    ))?;
    let was = first_byte(&file)?;
    let new = !was;
    out.evidence(it_was(), bits(was))?;
    out.evidence(text!("what is stored", "写入的是"), bits(new))?;
    // SAFETY: it has a first byte, and no other process changes it: nothing here can enforce that, see lesson 2.
    let private = unsafe { store_and_flush_with_memmap2(&file, Sharing::Private, new) }?;
    out.evidence(text!("map_copy, before flush", "map_copy，flush 之前"), bits(private.before))?;
    out.evidence(text!("map_copy, after flush", "map_copy，flush 之后"), bits(private.after))?;
    // SAFETY: as above.
    let shared = unsafe { store_and_flush_with_memmap2(&file, Sharing::Shared, new) }?;
    out.evidence(text!("map_mut, before flush", "map_mut，flush 之前"), bits(shared.before))?;
    out.evidence(text!("map_mut, after flush", "map_mut，flush 之后"), bits(shared.after))?;
    out.shows(text!(
        "a shared store is seen at once, a private one never; msync is about the disk.",
        "写共享映射，马上就看得见；写私有映射，始终看不见。msync 管的是磁盘。"
    ))
}

fn bits(byte: u8) -> String {
    format!("{byte:08b}")
}

/// Bits 63, 62 and 61 of a page's entry in pagemap.
fn top_bits(entry: u64) -> Text {
    let [present, swapped, of_a_file] = [63, 62, 61].map(|n| entry >> n & 1);
    text!(
        "present {present}, swapped out {swapped}, of a file {of_a_file}",
        "在内存里 {present}，已换出 {swapped}，属于文件 {of_a_file}"
    )
}

fn tell_of_access(out: &mut Narrator, state: &AfterAccess) -> io::Result<()> {
    let (resident, anonymous) = (state.pages("Rss")?, state.pages("Anonymous")?);
    let dirty = out.varying(text!("pages", "页数"), state.pages("Private_Dirty")?);
    out.maps(std::slice::from_ref(&state.area))?;
    out.evidence(
        text!("smaps, in pages", "smaps（以页计）"),
        text!(
            "Rss {resident}, Private_Dirty {dirty}, Anonymous {anonymous}",
            "Rss {resident}，Private_Dirty {dirty}，Anonymous {anonymous}"
        ),
    )?;
    out.evidence(
        text!("minor faults of this access", "这次访问的次缺页"),
        out.varying(text!("count", "次数"), state.faults),
    )
}
