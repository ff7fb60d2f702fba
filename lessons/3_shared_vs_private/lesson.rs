//! # Lesson 3: Shared against private
//!
//! Two mappings of one file look alike until somebody stores to them. Who sees the store, and when is a page copied?
//!
//! A MAP_SHARED mapping is the page cache itself: a store changes the page of the file, and whoever looks at that page sees
//! it. A MAP_PRIVATE mapping is the page cache too, until the first store to a page: then the kernel copies the page, and
//! from there on this mapping has a page of its own. So a private mapping is no snapshot of the file. It is one page by
//! page, each from its first store on.
//!
//! The lesson asks the kernel for all of it: [`observe_matrix`] makes every change and looks from everywhere;
//! [`private_of_read_only`] stores to a file that may only be read; [`copy_on_write`] catches the kernel copying.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use memmap2::{MmapMut, MmapOptions};
use nix::errno::Errno;

use crate::lesson_2::{Mapping, READ_WRITE, Sharing};
use crate::narrate::{Narrator, answer};
use crate::observe::{hex, maps_of, minor_faults, page_size, page_size_u64, smaps_of};
use crate::process::{Child, Line};

// ANCHOR: changes_and_views
/// A way to change a byte of a file, or of a mapping of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A store through a MAP_SHARED mapping.
    StoreShared,
    /// A store through a MAP_PRIVATE mapping.
    StorePrivate,
    /// write(2).
    Write,
}

/// A place to look at the byte from, once it has been changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// The mapping that the store went through.
    SameMapping,
    /// Another shared mapping.
    OtherShared,
    /// A private mapping of which nobody has touched this page yet.
    PrivateUntouched,
    /// A private mapping through which the byte was loaded before the change.
    PrivateRead,
    /// A private mapping through which another byte of the page was stored to before the change.
    PrivateWritten,
    /// read(2).
    Read,
    /// A child, forked before the change, through its inheritance of the mapping that the store goes through. For write(2),
    /// which goes through none: of a shared one.
    Child,
    /// The other way round: the child makes the change, and the parent looks through that mapping.
    Parent,
}

impl Change {
    /// All changes, in the order of the table's rows.
    pub const ALL: [Change; 3] = [Change::StoreShared, Change::StorePrivate, Change::Write];
}

impl View {
    /// All views, in the order of the table's columns.
    pub const ALL: [View; 8] = [
        View::SameMapping,
        View::OtherShared,
        View::PrivateUntouched,
        View::PrivateRead,
        View::PrivateWritten,
        View::Read,
        View::Child,
        View::Parent,
    ];
}

/// Whether POSIX (mmap(), fork()) says what a view shows after a change. What it leaves open, Linux does as observed, on
/// every local file system; a portable program does not count on it.
///
/// Open are two things. Whether a private mapping shows what happens to the file after the mapping was made ("It is
/// unspecified ..."). And mappings beside read(2) and write(2): the application "must ensure correct synchronization",
/// which msync(2) is for. Linux has one page cache for both, and needs none.
pub fn specified(change: Change, view: View) -> bool {
    let changes_the_file = change != Change::StorePrivate;
    match view {
        View::PrivateUntouched | View::PrivateRead | View::PrivateWritten => !changes_the_file,
        View::Read => change != Change::StoreShared,
        View::SameMapping | View::OtherShared | View::Child | View::Parent => change != Change::Write,
    }
}
// ANCHOR_END: changes_and_views

// ANCHOR: matrix
/// The byte before the change, and after it.
const OLD: u8 = b'o';
const NEW: u8 = b'n';

/// Makes the change to a new file in `folder`, and looks: true when the view shows it. None where there is nothing to look
/// through: write(2) goes through no mapping.
///
/// No msync(2) is called anywhere: it is about the disk, not about who sees what.
///
/// # Errors
/// Those of the file, the mappings and the child; `InvalidData` when the view shows neither the old byte nor the new.
pub fn observe(folder: &Path, change: Change, view: View) -> io::Result<Option<bool>> {
    let file = tempfile::tempfile_in(folder)?;
    file.write_all_at(&[OLD; 2], 0)?;
    let map = |sharing| Mapping::of_file(&file, 0, 2, READ_WRITE, sharing);
    // What the change is made through.
    let through = map(if change == Change::StorePrivate { Sharing::Private } else { Sharing::Shared })?;
    let make_the_change = || match change {
        Change::StoreShared | Change::StorePrivate => {
            through.store(0, NEW);
            Ok(())
        }
        Change::Write => file.write_all_at(&[NEW], 0),
    };
    let after_the_change = |view: Mapping| {
        make_the_change()?;
        Ok::<u8, io::Error>(view.load(0))
    };
    let byte = match view {
        View::SameMapping if change == Change::Write => return Ok(None),
        View::SameMapping => {
            make_the_change()?;
            through.load(0)
        }
        View::OtherShared => after_the_change(map(Sharing::Shared)?)?,
        View::PrivateUntouched => after_the_change(map(Sharing::Private)?)?,
        View::PrivateRead => {
            let private = map(Sharing::Private)?;
            private.load(0);
            after_the_change(private)?
        }
        View::PrivateWritten => {
            let private = map(Sharing::Private)?;
            private.store(1, OLD); // The same value: it is the store that counts, not what it changes.
            after_the_change(private)?
        }
        View::Read => {
            make_the_change()?;
            let mut byte = [0];
            file.read_exact_at(&mut byte, 0)?;
            byte[0]
        }
        View::Child => {
            let (child, line) = Child::fork(|line| {
                line.await_turn()?;
                line.send(&[through.load(0)])
            })?;
            make_the_change()?;
            line.give_turn()?;
            let byte = line.receive()?[0];
            child.wait()?.success()?;
            byte
        }
        View::Parent => {
            let (child, line) = Child::fork(|line: &Line| {
                make_the_change()?;
                line.give_turn()
            })?;
            line.await_turn()?;
            let byte = through.load(0);
            child.wait()?.success()?;
            byte
        }
    };
    match byte {
        OLD => Ok(Some(false)),
        NEW => Ok(Some(true)),
        other => Err(io::Error::new(io::ErrorKind::InvalidData, format!("neither old nor new: {other}"))),
    }
}

/// What each view showed after each change: a row a [`Change`], a column a [`View`].
#[derive(Debug, PartialEq, Eq)]
pub struct Matrix([[Option<bool>; View::ALL.len()]; Change::ALL.len()]);

/// Asks the kernel for the whole matrix, each cell with a file, mappings and a child of its own.
///
/// # Errors
/// As [`observe`].
pub fn observe_matrix(folder: &Path) -> io::Result<Matrix> {
    let mut matrix = Matrix([[None; View::ALL.len()]; Change::ALL.len()]);
    for (row, change) in matrix.0.iter_mut().zip(Change::ALL) {
        for (cell, view) in row.iter_mut().zip(View::ALL) {
            *cell = observe(folder, change, view)?;
        }
    }
    Ok(matrix)
}

/// The matrix as a table, with a star where POSIX leaves the cell open.
impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "               same     other    private  private  private")?;
        writeln!(f, "seen from:     mapping  shared   untouch. read     written  read(2)  child    parent")?;
        for (row, change) in self.0.iter().zip(Change::ALL) {
            let mut line = match change {
                Change::StoreShared => "store shared ",
                Change::StorePrivate => "store private",
                Change::Write => "write(2)     ",
            }
            .to_owned();
            for (cell, view) in row.iter().zip(View::ALL) {
                let star = if specified(change, view) || cell.is_none() { "" } else { "*" };
                let seen = cell.map_or("-", |seen| if seen { "new" } else { "old" });
                line += &format!("  {:<7}", format!("{seen}{star}"));
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        write!(f, "* what Linux does; POSIX leaves it open")
    }
}
// ANCHOR_END: matrix

// ANCHOR: read_only
/// Stores `byte` at the start of a file that was opened for reading only, through a private mapping, and gives back what
/// the mapping and what the file show then.
///
/// The store needs no leave to write: it goes into a copy. A shared mapping of such a file with PROT_WRITE is refused.
///
/// # Errors
/// mmap(2): EINVAL, ENODEV, ENOMEM; and those of pread(2).
pub fn private_of_read_only(file: &File, byte: u8) -> io::Result<(u8, u8)> {
    let private = Mapping::of_file(file, 0, 1, READ_WRITE, Sharing::Private)?;
    private.store(0, byte);
    let mut in_file = [0];
    file.read_exact_at(&mut in_file, 0)?;
    Ok((private.load(0), in_file[0]))
}

/// [`private_of_read_only`] with memmap2, where the kind is in the method's name: `map_copy` is MAP_PRIVATE, `map_mut` is
/// MAP_SHARED. Its slice can be stored to like any other; that the untouched pages go on following the file is what makes
/// `map_copy` unsafe all the same.
///
/// # Errors
/// As [`private_of_read_only`].
///
/// # Safety
/// While it runs nobody changes or truncates the file.
pub unsafe fn private_of_read_only_with_memmap2(file: &File, byte: u8) -> io::Result<(u8, u8)> {
    // SAFETY: the caller's promise.
    let mut private: MmapMut = unsafe { MmapOptions::new().len(1).map_copy(file) }?;
    private[0] = byte;
    let mut in_file = [0];
    file.read_exact_at(&mut in_file, 0)?;
    Ok((private[0], in_file[0]))
}

/// What mmap(2) answers when the first page of `file` is asked for shared and writable.
///
/// # Errors
/// EACCES when the file was not opened for reading and writing.
pub fn shared_of(file: &File) -> Result<(), Errno> {
    Mapping::of_file(file, 0, 1, READ_WRITE, Sharing::Shared).map(drop)
}
// ANCHOR_END: read_only

// ANCHOR: copy_on_write
/// A private mapping of two pages after a step, as the kernel accounts for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// The address of the first page.
    pub address: usize,
    /// smaps, `Anonymous`: the KiB of the mapping that belong to no file. These are the copies.
    pub anonymous_kib: u64,
    /// getrusage(2), `ru_minflt`: the faults that the step took.
    pub faults: i64,
    /// The first byte of each page, as the mapping shows it.
    pub bytes: [u8; 2],
}

/// The same mapping after four steps.
#[derive(Debug)]
pub struct CopyOnWrite {
    /// Both pages are loaded from.
    pub loaded: Account,
    /// `1` is stored to the first page.
    pub stored: Account,
    /// `2` is stored there.
    pub stored_again: Account,
    /// `w` is written to both pages of the file.
    pub file_written: Account,
}

/// Catches the kernel copying: maps two pages of a new file in `folder` private, and takes an account after a load, a
/// store, another store, and a write(2) to the file behind them.
///
/// The first store to a page is a fault: the kernel copies the page, puts the copy at the same address and lets the store
/// happen again. The second one finds the copy. After the write(2) the copied page shows what it had; the other one, which
/// was only loaded from, shows what was written (on Linux: POSIX leaves that open).
///
/// # Errors
/// Those of the file, the mapping and /proc/self/smaps.
pub fn copy_on_write(folder: &Path) -> io::Result<CopyOnWrite> {
    let (first, second) = (0, page_size());
    let file = tempfile::tempfile_in(folder)?;
    file.write_all_at(&vec![b'f'; 2 * page_size()], 0)?;
    let mapping = Mapping::of_file(&file, 0, 2 * page_size(), READ_WRITE, Sharing::Private)?;
    let account_of = |step: &dyn Fn() -> io::Result<()>| -> io::Result<Account> {
        let before = minor_faults()?;
        step()?;
        let faults = minor_faults()? - before;
        let bytes = [mapping.load(first), mapping.load(second)];
        let anonymous_kib =
            smaps_of(mapping.range())?.iter().map(|area| area.kib("Anonymous")).sum::<io::Result<_>>()?;
        Ok(Account { address: mapping.address(), anonymous_kib, faults, bytes })
    };
    let store = |byte| {
        mapping.store(first, byte);
        Ok(())
    };
    Ok(CopyOnWrite {
        loaded: account_of(&|| {
            mapping.load(first);
            mapping.load(second);
            Ok(())
        })?,
        stored: account_of(&|| store(b'1'))?,
        stored_again: account_of(&|| store(b'2'))?,
        file_written: account_of(&|| {
            file.write_all_at(b"w", 0)?;
            file.write_all_at(b"w", page_size_u64())
        })?,
    })
}
// ANCHOR_END: copy_on_write

/// Demonstrates who sees a change: on the first page of the file at `path`, then in the whole matrix, then inside the kernel.
///
/// It changes the first byte of the file.
///
/// # Errors
/// Those of the functions above, and of the output.
pub fn demonstrate(out: &mut Narrator, path: &Path) -> io::Result<()> {
    let folder = out.folder();
    let file = File::options().read(true).write(true).open(path)?;
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX).min(page_size());
    let map = |sharing| Mapping::of_file(&file, 0, length, READ_WRITE, sharing);

    out.part("Two mappings of one file")?;
    let (shared, private) = (map(Sharing::Shared)?, map(Sharing::Private)?);
    out.maps(&maps_of(shared.range())?)?;
    out.maps(&maps_of(private.range())?)?;
    let show = |out: &mut Narrator| {
        let mut bytes = vec![0; length.min(12)];
        shared.read(0, &mut bytes);
        out.evidence("the shared one", hex(&bytes))?;
        private.read(0, &mut bytes);
        out.evidence("the private one", hex(&bytes))?;
        file.read_exact_at(&mut bytes, 0)?;
        out.evidence("pread(2) of the file", hex(&bytes))
    };
    show(out)?;
    out.shows("the last letter of rw-s and rw-p is the whole difference so far.")?;
    out.tell("a store of '!' through the shared one, and no msync(2)")?;
    shared.store(0, b'!');
    show(out)?;
    out.shows("everybody sees it, the private mapping too: it is no snapshot (on Linux; POSIX leaves it open).")?;
    out.tell("a store of '?' through the private one, then of '#' through the shared one")?;
    private.store(0, b'?');
    shared.store(0, b'#');
    show(out)?;
    out.shows("nobody else sees '?', and this page of the private mapping no longer follows the file.")?;

    out.part("Who sees a change")?;
    out.tell(observe_matrix(&folder)?)?;
    out.shows("a shared store is a change to the file; a private one is seen by its own mapping alone.")?;

    out.part("A file that may only be read")?;
    let scratch = folder.join("read-only");
    std::fs::write(&scratch, "A")?;
    let read_only = File::open(&scratch)?;
    std::fs::remove_file(&scratch)?;
    out.evidence("MAP_SHARED, PROT_WRITE", answer(&shared_of(&read_only)))?;
    let (in_mapping, in_file) = private_of_read_only(&read_only, b'B')?;
    out.evidence("MAP_PRIVATE, PROT_WRITE", "ok")?;
    out.evidence("the mapping, the file", format!("{:?}, {:?}", char::from(in_mapping), char::from(in_file)))?;
    out.shows("a private store needs no leave to write: it never reaches the file.")?;

    out.part("Copy on write, as the kernel accounts for it")?;
    let seen = copy_on_write(&folder)?;
    for (step, account) in [
        ("two pages loaded from", seen.loaded),
        ("a store to the first", seen.stored),
        ("another store to it", seen.stored_again),
        ("write(2) to both", seen.file_written),
    ] {
        let [first, second] = account.bytes.map(char::from);
        let address = out.varying("address", format!("{:x}", account.address));
        let faults = out.varying("faults", account.faults);
        let anonymous = out.varying("size", format!("{} kB", account.anonymous_kib));
        let text = format!("at {address}: {first:?} {second:?}, Anonymous: {anonymous}, faults: {faults}");
        out.evidence(step, text)?;
    }
    out.shows("one fault, one page copied, the address unchanged; the other page still follows the file.")
}
