//! # Lesson 3: Shared versus private
//!
//! A shared mapping is the file's own pages: a store changes the file for everybody. A private mapping begins as the
//! very same pages; the first store to one of them makes a copy of that page, which only this mapping has. So who sees
//! a change?
//!
//! The lesson builds: a matrix of who sees what ([`observe_matrix`]), each cell of it tried on the kernel, with a mark
//! where POSIX doesn't promise what Linux does; what may be mapped of a file opened for reading
//! ([`opened_for_reading`]); the moment of the copy, as the kernel counts it ([`copy_on_write`]); and two beliefs that
//! are wrong: that a private mapping is a snapshot ([`half_a_snapshot`]), and that a shared store needs msync(2) to be
//! seen ([`store_and_flush_with_memmap2`]).

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use memmap2::MmapOptions;
use nix::errno::Errno;

use crate::lesson_2::{Mapping, READ_WRITE, Sharing};
use crate::narrate::{Narrator, answer};
use crate::observe::{Area, minor_faults, page_size, page_size_u64, smaps_of};
use crate::process::Child;

// ANCHOR: cells
/// A way to change a byte of a file, or of what is mapped of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A store through a shared mapping.
    StoreShared,
    /// A store through a private mapping.
    StorePrivate,
    /// write(2).
    Write,
}

/// From where one looks whether the change is seen. All mappings are older than the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// The mapping through which the change was made. For write(2) there is none.
    SameMapping,
    /// Another shared mapping.
    OtherShared,
    /// Another private mapping, whose page nobody has touched.
    PrivateUntouched,
    /// Another private mapping, whose page was read before the change.
    PrivateRead,
    /// Another private mapping, in whose page a different byte was stored before the change.
    PrivateWritten,
    /// read(2).
    Read,
    /// The parent makes the change, and a child forked before looks through a mapping of this kind that it inherited.
    /// Where the change is a store through a mapping of the same kind, it is this very mapping.
    ///
    /// (A child forked after a private store begins with its parent's copies; from then on they go separate ways.)
    ForkedChild(Sharing),
    /// The same with the roles exchanged: the child makes the change, the parent looks.
    Parent(Sharing),
}

impl Change {
    /// All of them: the columns of the matrix.
    pub const ALL: [Change; 3] = [Change::StoreShared, Change::StorePrivate, Change::Write];
}

impl View {
    /// All of them: the rows of the matrix.
    pub const ALL: [View; 10] = [
        View::SameMapping,
        View::OtherShared,
        View::PrivateUntouched,
        View::PrivateRead,
        View::PrivateWritten,
        View::Read,
        View::ForkedChild(Sharing::Shared),
        View::ForkedChild(Sharing::Private),
        View::Parent(Sharing::Shared),
        View::Parent(Sharing::Private),
    ];
}

/// Who promises what a cell of the matrix says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// POSIX does.
    Posix,
    /// POSIX has the application synchronise its mappings with read(2) and write(2). On Linux both use the page cache,
    /// and there is nothing to synchronise.
    Synchronise,
    /// Nobody: POSIX calls it unspecified. The cell says what Linux does.
    Unspecified,
}

/// What POSIX (mmap, fork, write) says of a change and a view.
// ANCHOR: rules
pub fn rule(change: Change, view: View) -> Rule {
    match (change, view) {
        // mmap: a store through a private mapping doesn't change the object. fork: no other process sees it.
        (Change::StorePrivate, _) | (_, View::SameMapping) => Rule::Posix,
        // mmap: whether a private mapping shows what is done to the object later is unspecified. No exception is made
        // for a page that was written before, though Linux, which has copied that page, cannot show it.
        (_, View::PrivateUntouched | View::PrivateRead | View::PrivateWritten) => Rule::Unspecified,
        (_, View::ForkedChild(Sharing::Private) | View::Parent(Sharing::Private)) => Rule::Unspecified,
        // mmap: a store through a shared mapping changes the object. write: a later read(2) returns what was written.
        (Change::StoreShared, View::OtherShared | View::ForkedChild(_) | View::Parent(_)) => Rule::Posix,
        (Change::Write, View::Read) => Rule::Posix,
        // One side uses a mapping, the other a call (mmap, application usage).
        (Change::StoreShared, View::Read) => Rule::Synchronise,
        (Change::Write, View::OtherShared | View::ForkedChild(_) | View::Parent(_)) => Rule::Synchronise,
    }
}
// ANCHOR_END: rules
// ANCHOR_END: cells

// ANCHOR: observe
const OLD: u8 = b'o';
const NEW: u8 = b'N';

/// A file of two bytes, and the mappings through which it is changed. The byte at 0 is the one that changes.
struct Scene {
    file: File,
    shared: Mapping,
    private: Mapping,
}

// ANCHOR: scene
impl Scene {
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

    /// What another mapping of this process shows: it is made, prepared, and looked through after the change.
    fn seen_through_another(&self, sharing: Sharing, prepare: fn(&Mapping), change: Change) -> io::Result<u8> {
        let other = Mapping::of_file(&self.file, 0, 2, READ_WRITE, sharing)?;
        prepare(&other);
        self.make(change)?;
        Ok(other.load(0))
    }
}

/// Makes the change on a new file in `directory`, and says whether it is seen: None where the change leaves no such view.
///
/// # Errors
/// Those of the file, the mappings and the child.
pub fn is_seen(directory: &Path, change: Change, view: View) -> io::Result<Option<bool>> {
    let scene = Scene::new(directory)?;
    let byte = match view {
        View::SameMapping => {
            let mapping = match change {
                Change::StoreShared => &scene.shared,
                Change::StorePrivate => &scene.private,
                Change::Write => return Ok(None),
            };
            scene.make(change).map(|()| mapping.load(0))
        }
        View::OtherShared => scene.seen_through_another(Sharing::Shared, |_| {}, change),
        View::PrivateUntouched => scene.seen_through_another(Sharing::Private, |_| {}, change),
        View::PrivateRead => scene.seen_through_another(Sharing::Private, |other| _ = other.load(0), change),
        View::PrivateWritten => scene.seen_through_another(Sharing::Private, |other| other.store(1, NEW), change),
        View::Read => scene.make(change).and_then(|()| first_byte(&scene.file)),
        // ANCHOR: child_looks
        View::ForkedChild(sharing) => {
            let (child, line) = Child::fork(|line| {
                line.await_turn()?;
                line.send(&[scene.mapping(sharing).load(0)])
            })?;
            scene.make(change)?;
            line.give_turn()?;
            let answer = line.receive()?;
            child.wait()?.success().map(|()| answer[0])
        }
        View::Parent(sharing) => {
            let (child, _line) = Child::fork(|_| scene.make(change))?;
            child.wait()?.success().map(|()| scene.mapping(sharing).load(0))
        } // ANCHOR_END: child_looks
    }?;
    Ok(Some(byte == NEW))
}

/// The file's first byte, as pread(2) gives it.
fn first_byte(file: &File) -> io::Result<u8> {
    let mut byte = [0];
    file.read_exact_at(&mut byte, 0)?;
    Ok(byte[0])
}
// ANCHOR_END: observe

// ANCHOR: matrix
/// Who sees a change: for each view what was seen of each change, in the order of [`Change::ALL`].
#[derive(Debug)]
pub struct Matrix(Vec<(View, Vec<Option<Cell>>)>);

/// What a view showed of a change, and who promises it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// The view shows the new byte.
    pub seen: bool,
    /// Who promises it.
    pub rule: Rule,
}

/// Fills the whole matrix by asking the kernel, each cell with a file, mappings and processes of its own in `directory`.
///
/// # Errors
/// As [`is_seen`].
pub fn observe_matrix(directory: &Path) -> io::Result<Matrix> {
    let cell = |change, view| -> io::Result<Option<Cell>> {
        Ok(is_seen(directory, change, view)?.map(|seen| Cell { seen, rule: rule(change, view) }))
    };
    let row = |view| Ok((view, Change::ALL.map(|change| cell(change, view)).into_iter().collect::<io::Result<_>>()?));
    View::ALL.into_iter().map(row).collect::<io::Result<_>>().map(Matrix)
}

/// A table, with a legend for its marks.
impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [shared, private, write] = Change::ALL;
        writeln!(f, "{:<31}{shared:<16}{private:<16}{write}", "")?;
        for (view, cells) in &self.0 {
            let cells: String =
                cells.iter().map(|c| format!("{:<16}", c.map_or("-".into(), |c| c.to_string()))).collect();
            writeln!(f, "{view:<31}{}", cells.trim_end())?;
        }
        writeln!(f, "*  POSIX leaves it unspecified; this is what Linux does.")?;
        write!(f, "+  POSIX has the application synchronise mappings with read(2) and write(2); Linux needs nothing.")
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.rule {
            Rule::Posix => "",
            Rule::Synchronise => " +",
            Rule::Unspecified => " *",
        };
        write!(f, "{}{mark}", if self.seen { "seen" } else { "no" })
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Change::StoreShared => "store shared",
            Change::StorePrivate => "store private",
            Change::Write => "write(2)",
        })
    }
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            View::SameMapping => "the same mapping",
            View::OtherShared => "another shared mapping",
            View::PrivateUntouched => "a private one, untouched",
            View::PrivateRead => "a private one, read before",
            View::PrivateWritten => "a private one, written before",
            View::Read => "read(2)",
            View::ForkedChild(Sharing::Shared) => "a forked child, shared",
            View::ForkedChild(Sharing::Private) => "a forked child, private",
            View::Parent(Sharing::Shared) => "the parent, shared",
            View::Parent(Sharing::Private) => "the parent, private",
        })
    }
}
// ANCHOR_END: matrix

// ANCHOR: read_only
/// What came of mapping a file for stores that was opened for reading only.
#[derive(Debug, PartialEq, Eq)]
pub struct OpenedForReading {
    /// mmap(2)'s answer to MAP_SHARED and PROT_WRITE.
    pub shared: Result<(), Errno>,
    /// The file's first byte.
    pub before: u8,
    /// The same byte seen through a private mapping in which it was inverted.
    pub mapped: u8,
    /// The file's first byte after that, as pread(2) gives it.
    pub in_file: u8,
}

/// Maps the file at `path`, opened O_RDONLY, with PROT_WRITE: shared, which is refused, and private, which is not.
///
/// POSIX, mmap: PROT_WRITE needs a descriptor open for writing unless the mapping is private. A store to that one
/// changes a copy, for which nobody's permission is needed.
///
/// # Errors
/// Those of open(2), read(2) and of the private mapping; the answer to the shared one is in the result.
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
/// What the kernel shows of a private mapping after a touch of its first byte.
#[derive(Debug)]
pub struct Touched {
    /// How many minor faults the touch took, by the process's count (getrusage(2)).
    pub faults: i64,
    /// The mapping's entry in /proc/self/smaps.
    pub area: Area,
    /// The mapping's first byte.
    pub byte: u8,
}

impl Touched {
    /// How many pages the field of smaps counts.
    ///
    /// # Errors
    /// `NotFound` when this kernel has no such field.
    pub fn pages(&self, field: &str) -> io::Result<u64> {
        Ok(self.area.kib(field)? * 1024 / page_size_u64())
    }
}

/// Three touches of the same byte of a private mapping, and what the file has there in the end.
#[derive(Debug)]
pub struct CopyOnWrite {
    /// After a load: the page is the file's.
    pub loaded: Touched,
    /// After a store, which faults: the page is a copy, at the same address.
    pub stored: Touched,
    /// After a second store, which finds the copy.
    pub stored_again: Touched,
    /// The file's first byte, as pread(2) gives it.
    pub in_file: u8,
}

/// Maps `length` bytes of `file` private, loads the first byte, and stores to it twice: first its inverse, then what it
/// was with the lowest bit flipped.
///
/// The field of smaps to look at is `Anonymous`: pages of this mapping that belong to no file. `Private_Dirty` may also
/// count the file's own page, when it is not yet on the disk and no other mapping has it.
///
/// # Errors
/// Those of the mapping, of /proc and of read(2).
// ANCHOR: three_touches
pub fn copy_on_write(file: &File, length: usize) -> io::Result<CopyOnWrite> {
    let mapping = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Private)?;
    let after = |touch: &dyn Fn()| -> io::Result<Touched> {
        // Nothing but the touch between the two counts: reading smaps takes faults of its own.
        let before = minor_faults()?;
        touch();
        let faults = minor_faults()? - before;
        let area = smaps_of(mapping.range())?.pop().ok_or(io::ErrorKind::NotFound)?;
        Ok(Touched { faults, area, byte: mapping.load(0) })
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
/// first is read, the second gets a store to its last byte, the third is left alone. Then write(2) puts `a`, `b` and
/// `c` at their starts. What does the mapping show there?
///
/// On Linux `a`, `B`, `c`: a page follows the file until the first store copies it, and the copy is of the whole page.
/// POSIX leaves all three unspecified. Who wants the bytes to stay as they are copies them: read(2).
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

// ANCHOR: memmap2
/// The file's first byte around a flush, as pread(2) gives it.
#[derive(Debug, PartialEq, Eq)]
pub struct Flushed {
    /// After the store, before the flush.
    pub before: u8,
    /// After the flush.
    pub after: u8,
}

/// Stores `byte` at the start of `file` through a map of memmap2's, and flushes that.
///
/// The crate calls MAP_SHARED `map_mut` and MAP_PRIVATE `map_copy`. It takes the pointers and the unmapping off our
/// hands, but both give an `MmapMut`, so nothing in the type says which one it is: `flush` (msync(2)) is there for
/// either, and for a private map it does nothing and answers `Ok`.
///
/// And flushing is not what makes a shared store visible: that it is at once. msync(2) is about the disk, and what is
/// there after a crash of the machine.
///
/// # Errors
/// EACCES for a shared map of a file that isn't open for writing, too; else those of mmap(2), msync(2) and read(2).
///
/// # Safety
/// The file has a first byte, and meanwhile nobody else, in this process or another, changes it or truncates the file:
/// the map is a `&mut [u8]`. A private map needs the same promise, as its bytes follow the file until they are copied.
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

/// Demonstrates the matrix, a file opened for reading, the moment of the copy, and what people believe of both kinds.
///
/// It changes the first byte of the file at `path`, and touches no page of it but the first.
///
/// # Errors
/// Those of the functions above, and of the output.
pub fn demonstrate(out: &mut Narrator, path: &Path) -> io::Result<()> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let directory = out.directory();

    out.part("Who sees a change?")?;
    out.tell("for each cell: a new file, mapped shared and private; one change; one look")?;
    out.tell(observe_matrix(&directory)?)?;
    out.shows("a shared store is a change of the file, like write(2); a private one is nobody else's business.")?;

    out.part("A file opened for reading only")?;
    out.tell("open(O_RDONLY), then mmap with PROT_READ|PROT_WRITE")?;
    let opened = opened_for_reading(path)?;
    out.evidence("MAP_SHARED", answer(&opened.shared))?;
    out.evidence("MAP_PRIVATE", "ok")?;
    out.tell("the private one: the first byte is inverted")?;
    out.evidence("it was", bits(opened.before))?;
    out.evidence("in the mapping now", bits(opened.mapped))?;
    out.evidence("pread(2) of the file", bits(opened.in_file))?;
    out.shows("a private mapping never writes to the file, so it needs no permission to.")?;

    out.part("Copy on write, as it happens")?;
    let copied = copy_on_write(&file, 1)?;
    out.tell("a private mapping of the first page; a load")?;
    tell_of_touch(out, &copied.loaded)?;
    out.tell("a store")?;
    tell_of_touch(out, &copied.stored)?;
    out.tell("a second store to the same page")?;
    tell_of_touch(out, &copied.stored_again)?;
    let same = copied.loaded.area.range() == copied.stored.area.range();
    out.evidence("the addresses", if same { "the same as before" } else { "others" })?;
    out.shows(
        "the first store faults: the kernel puts a copy, a page of no file, where the file's page was.\n\
         (Private_Dirty may also count the file's own page, while that is not on the disk yet.)",
    )?;

    out.part("Two beliefs")?;
    out.tell(
        "\"A private mapping is a snapshot of the file.\" Pages of 'A', 'B', 'C'; then write(2) of 'a', 'b', 'c'",
    )?;
    let [read, written, untouched] = half_a_snapshot(&directory)?.map(char::from);
    out.evidence("the page read before", format!("{read:?}"))?;
    out.evidence("the page stored to before", format!("{written:?}"))?;
    out.evidence("the untouched page", format!("{untouched:?}"))?;
    out.shows("it follows the file, page by page, until the first store to the page (on Linux; POSIX doesn't say).")?;
    out.tell(
        "\"A shared store is seen after msync(2).\" Invert the first byte with memmap2; pread(2), flush, pread(2)",
    )?;
    let was = first_byte(&file)?;
    let new = !was;
    out.evidence("it was", bits(was))?;
    out.evidence("what is stored", bits(new))?;
    // SAFETY: it has a first byte, and nobody else is at work on it: nothing here can enforce that, see lesson 2.
    let private = unsafe { store_and_flush_with_memmap2(&file, Sharing::Private, new) }?;
    out.evidence("map_copy, before flush", bits(private.before))?;
    out.evidence("map_copy, after flush", bits(private.after))?;
    // SAFETY: as above.
    let shared = unsafe { store_and_flush_with_memmap2(&file, Sharing::Shared, new) }?;
    out.evidence("map_mut, before flush", bits(shared.before))?;
    out.evidence("map_mut, after flush", bits(shared.after))?;
    out.shows("a shared store is seen at once, a private one never; msync is about the disk.")
}

fn bits(byte: u8) -> String {
    format!("{byte:08b}")
}

fn tell_of_touch(out: &mut Narrator, touched: &Touched) -> io::Result<()> {
    let (resident, anonymous) = (touched.pages("Rss")?, touched.pages("Anonymous")?);
    let dirty = out.varying("pages", touched.pages("Private_Dirty")?);
    out.maps(std::slice::from_ref(&touched.area))?;
    out.evidence("smaps, in pages", format!("Rss {resident}, Private_Dirty {dirty}, Anonymous {anonymous}"))?;
    out.evidence("minor faults", out.varying("count", touched.faults))
}
