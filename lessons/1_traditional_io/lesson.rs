//! # Lesson 1: Traditional I/O
//!
//! What does it cost to change a file without mmap, and what is left of the file if the process dies halfway?
//!
//! What is read or written of a file is in the kernel's page cache. read(2) copies it from there into a buffer of ours,
//! write(2) copies it back. So changing a file through memory copies every byte twice, not only the one that changes.
//! The lesson builds: the loops that move bytes ([`read_at`], [`write_at`]) and keep an [`Account`]; an [`Edit`]
//! through memory, and in place; [`patch`], which moves only the bytes that change; and [`replace`], of which a reader
//! sees the old bytes or the new ones, and never a mixture.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt, fchown};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::uio;
use nix::unistd;

use crate::narrate::Narrator;
use crate::observe::hex;
use crate::process::{Child, Ended};
use crate::text;
use crate::text::Text;

// ANCHOR: calls
/// The system calls of this lesson, one call a method. The tests replace [`File`] by a file whose answers they script.
///
/// POSIX lets a signal interrupt all but the last (EINTR), and lets a transfer move fewer bytes than it was asked for.
/// On Linux a FUSE server may reply with EINTR; for a file on a disk or on NFS only signals that kill get through. A
/// transfer is short at the end of a file, on a full disk, at a size limit (setrlimit(2) RLIMIT_FSIZE), and whenever it
/// is for more than 2 GiB less a page.
pub trait Calls {
    /// Copies up to `into.len()` bytes of the file, from byte `offset` on, and returns how many: 0 at the file's end.
    ///
    /// # Errors
    /// Those of pread(2). EOVERFLOW when `offset` does not fit in an `off_t`.
    fn pread(&self, into: &mut [u8], offset: u64) -> Result<usize, Errno>;

    /// Copies up to `bytes.len()` bytes into the file, from byte `offset` on, and returns how many.
    ///
    /// # Errors
    /// Those of pwrite(2). EOVERFLOW when `offset` does not fit in an `off_t`.
    fn pwrite(&self, bytes: &[u8], offset: u64) -> Result<usize, Errno>;

    /// Truncates the file to `size` bytes, or extends it with zeros.
    ///
    /// # Errors
    /// Those of ftruncate(2). EOVERFLOW when `size` does not fit in an `off_t`.
    fn ftruncate(&self, size: u64) -> Result<(), Errno>;

    /// Waits until what was written is on the disk.
    ///
    /// # Errors
    /// Those of fsync(2).
    fn fsync(&self) -> Result<(), Errno>;

    /// The size of the file in bytes.
    ///
    /// # Errors
    /// Those of fstat(2).
    fn size(&self) -> Result<u64, Errno>;
}

impl Calls for File {
    // ANCHOR: pread_pwrite
    fn pread(&self, into: &mut [u8], offset: u64) -> Result<usize, Errno> {
        // off_t is signed: `as` would turn a large offset into a negative one.
        uio::pread(self, into, offset.try_into().map_err(|_| Errno::EOVERFLOW)?)
    }

    fn pwrite(&self, bytes: &[u8], offset: u64) -> Result<usize, Errno> {
        uio::pwrite(self, bytes, offset.try_into().map_err(|_| Errno::EOVERFLOW)?)
    }
    // ANCHOR_END: pread_pwrite

    fn ftruncate(&self, size: u64) -> Result<(), Errno> {
        unistd::ftruncate(self, size.try_into().map_err(|_| Errno::EOVERFLOW)?)
    }

    fn fsync(&self) -> Result<(), Errno> {
        unistd::fsync(self)
    }

    fn size(&self) -> Result<u64, Errno> {
        u64::try_from(nix::sys::stat::fstat(self)?.st_size).map_err(|_| Errno::EOVERFLOW)
    }
}
// ANCHOR_END: calls

// ANCHOR: loops
/// What an operation cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Account {
    /// Bytes copied from the page cache into our memory.
    pub bytes_in: u64,
    /// Bytes copied from our memory into the page cache.
    pub bytes_out: u64,
    /// [`Calls`] made, interrupted ones included.
    pub calls: u64,
}

impl Account {
    fn words(&self) -> Text {
        let Account { bytes_in, bytes_out, calls } = self;
        text!(
            "bytes read: {bytes_in}, written: {bytes_out}, system calls: {calls}",
            "读入 {bytes_in} 字节，写出 {bytes_out} 字节，系统调用 {calls} 次"
        )
    }
}

/// Makes a call, and repeats it while a signal interrupts it: EINTR means that nothing was done.
// ANCHOR: until_answered
fn until_answered<T>(account: &mut Account, mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        account.calls += 1;
        match call() {
            Err(Errno::EINTR) => {}
            answer => return answer,
        }
    }
}
// ANCHOR_END: until_answered

/// Fills `into` with the file's bytes from `offset` on and returns how many there were: fewer only at the file's end.
///
/// # Errors
/// Those of pread(2), except EINTR, which is retried.
// ANCHOR: read_loop
pub fn read_at(file: &dyn Calls, into: &mut [u8], offset: u64, account: &mut Account) -> io::Result<usize> {
    let mut done = 0;
    while done < into.len() {
        let read = until_answered(account, || file.pread(&mut into[done..], offset + bytes(done)))?;
        if read == 0 {
            break; // Only 0 is the end of the file: after a short read the next call may bring more.
        }
        done += read;
        account.bytes_in += bytes(read);
    }
    Ok(done)
}
// ANCHOR_END: read_loop

/// Writes all of `from` into the file, from byte `offset` on.
///
/// # Errors
/// Those of pwrite(2), except EINTR, which is retried; `WriteZero` when the file takes no more bytes and gives no
/// reason. The bytes before that have been written.
// ANCHOR: write_loop
pub fn write_at(file: &dyn Calls, from: &[u8], offset: u64, account: &mut Account) -> io::Result<()> {
    let mut done = 0;
    while done < from.len() {
        let written = until_answered(account, || file.pwrite(&from[done..], offset + bytes(done)))?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into()); // Retrying could go on for ever.
        }
        done += written;
        account.bytes_out += bytes(written);
    }
    Ok(())
}
// ANCHOR_END: write_loop

/// A count of bytes in memory, for arithmetic with file offsets, which have 64 bits everywhere.
fn bytes(count: usize) -> u64 {
    count.try_into().expect("no machine has addresses of more than 64 bits")
}
// ANCHOR_END: loops

// ANCHOR: kernels_account
/// Does `work`, and asks the kernel what it cost: /proc/self/io counts what this process moves with read(2), write(2)
/// and similar calls (proc_pid_io(5): rchar, wchar, syscr + syscw). Linux only; other threads are counted as well.
///
/// # Errors
/// Those of `work`. The inner result is an error on a kernel that is built without this count.
pub fn counted_by_the_kernel<T>(work: impl FnOnce() -> io::Result<T>) -> io::Result<(T, io::Result<Account>)> {
    let before = io_so_far();
    let done = work()?;
    let account = io_so_far().and_then(|(after, _)| {
        let (before, own) = before?;
        Ok(Account {
            bytes_in: after.bytes_in - before.bytes_in - own,
            bytes_out: after.bytes_out - before.bytes_out,
            calls: after.calls - before.calls - 1, // the one that read the first count
        })
    });
    Ok((done, account))
}

// ANCHOR: number
/// The kernel's count, and the length of its text: the next count includes the bytes of this read. Its numbers are text,
/// and what is no number is `InvalidData`.
// ANCHOR: count_of_io
fn io_so_far() -> io::Result<(Account, u64)> {
    let mut buffer = [0; 1024];
    let length = File::open("/proc/self/io")?.read(&mut buffer)?;
    let text = String::from_utf8_lossy(&buffer[..length]);
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.and_then(|number| number.parse::<u64>().ok()).ok_or(io::Error::from(io::ErrorKind::InvalidData))
    };
    let calls = field("syscr")? + field("syscw")?;
    Ok((Account { bytes_in: field("rchar")?, bytes_out: field("wchar")?, calls }, bytes(length)))
}
// ANCHOR_END: count_of_io
// ANCHOR_END: number
// ANCHOR_END: kernels_account

// ANCHOR: through_memory
/// A change to a file: where it is, how many bytes it removes, and what it inserts in their place. The file grows or
/// shrinks by the difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The first byte that changes.
    pub at: u64,
    /// How many bytes are removed.
    pub remove: u64,
    /// The bytes that are inserted.
    pub insert: Vec<u8>,
}

impl Edit {
    /// Where the removed bytes end, in a file of `size` bytes.
    fn end_within(&self, size: u64) -> io::Result<u64> {
        self.at.checked_add(self.remove).filter(|&end| end <= size).ok_or_else(|| {
            let text = format!("{} bytes from {} on are not inside the file's {size} bytes", self.remove, self.at);
            io::Error::new(io::ErrorKind::InvalidInput, text)
        })
    }
}

// ANCHOR: across_two_chunks
/// How many bytes the functions of this lesson move at a time: a call costs about as much for one byte as for thousands.
///
/// A chunk ends anywhere, even inside a word. Who looks for something carries over to the next chunk what can't be
/// decided at the end of this one.
pub const CHUNK: usize = 64 * 1024;
// ANCHOR_END: across_two_chunks

/// The study notes' way: reads the whole file into memory, changes it there, and stores it back.
///
/// # Errors
/// `InvalidInput` when the edit is not inside the file; `OutOfMemory` when the file is too large for memory; otherwise
/// those of [`read_at`], [`write_at`] and ftruncate(2). An error, or SIGKILL, while it stores back leaves half of the
/// change.
// ANCHOR: notes_way
pub fn edit_through_memory(file: &dyn Calls, edit: &Edit) -> io::Result<Account> {
    let mut account = Account::default();
    let mut buffer = read_to_end(file, &mut account)?;
    let size = bytes(buffer.len());
    let end = edit.end_within(size)?;
    let index = |at: u64| usize::try_from(at).expect("inside the buffer");
    buffer.splice(index(edit.at)..index(end), edit.insert.iter().copied());
    write_at(file, &buffer, 0, &mut account)?;
    let new_size = bytes(buffer.len());
    if new_size < size {
        until_answered(&mut account, || file.ftruncate(new_size))?;
    }
    Ok(account)
}
// ANCHOR_END: notes_way

/// The whole file. It ends where a read returns nothing: the size may change while we read.
fn read_to_end(file: &dyn Calls, account: &mut Account) -> io::Result<Vec<u8>> {
    let mut buffer = Vec::new();
    loop {
        let end = buffer.len();
        buffer.try_reserve(CHUNK)?; // returns an error, where `resize` alone would abort the process
        buffer.resize(end + CHUNK, 0);
        let read = read_at(file, &mut buffer[end..], bytes(end), account)?;
        buffer.truncate(end + read);
        if read < CHUNK {
            return Ok(buffer);
        }
    }
}

/// [`edit_through_memory`] with std: [`fs::read`] and [`fs::write`] absorb EINTR and short transfers as our loops do.
///
/// What they don't do is keep the file whole: `fs::write` truncates it (O_TRUNC) before it writes the first byte.
///
/// # Errors
/// As [`edit_through_memory`].
// ANCHOR: with_std
pub fn edit_with_std(path: &Path, edit: &Edit) -> io::Result<()> {
    let old = fs::read(path)?;
    let end = edit.end_within(bytes(old.len()))?;
    let index = |at: u64| usize::try_from(at).expect("inside the buffer");
    fs::write(path, [&old[..index(edit.at)], &edit.insert, &old[index(end)..]].concat())
}
// ANCHOR_END: with_std
// ANCHOR_END: through_memory

// ANCHOR: in_place
/// Changes the bytes from `at` on and no others. It reads nothing, and needs no memory for the rest of the file.
///
/// The kernel works in pages: to change a part of one that is not in the page cache, it may have to read the page from
/// the disk first. A range past the file's end makes the file grow; the bytes between read as zeros (a hole). A file
/// opened with O_APPEND gets the bytes at its end, whatever `at` is: Linux does so, against POSIX (pwrite(2), BUGS).
///
/// # Errors
/// As [`write_at`].
// ANCHOR: patch
pub fn patch(file: &dyn Calls, at: u64, news: &[u8]) -> io::Result<Account> {
    let mut account = Account::default();
    write_at(file, news, at, &mut account)?;
    Ok(account)
}
// ANCHOR_END: patch

/// [`patch`] with std: `write_all_at` is the same loop. std's `write_at` and `read_at` are the bare calls: they return
/// short counts, and EINTR as [`io::ErrorKind::Interrupted`].
///
/// # Errors
/// As [`patch`].
pub fn patch_with_std(file: &impl FileExt, at: u64, news: &[u8]) -> io::Result<()> {
    file.write_all_at(news, at)
}

// ANCHOR: room
/// Makes the edit with the memory of a single chunk. An edit that keeps the size is a [`patch`]. Otherwise every byte
/// after it has to move: no call inserts a single byte into a file. (Linux has fallocate(2) FALLOC_FL_INSERT_RANGE, for
/// whole blocks, on some file systems.)
///
/// # Errors
/// `InvalidInput` when the edit is not inside the file; `UnexpectedEof` when another process truncates it meanwhile;
/// otherwise as [`edit_through_memory`]. An error leaves half of the change here, too: a file that grows may run out of
/// space halfway, since the room at its end isn't made first.
pub fn edit_in_place(file: &dyn Calls, edit: &Edit) -> io::Result<Account> {
    let mut account = Account::default();
    let size = until_answered(&mut account, || file.size())?;
    let from = edit.end_within(size)?;
    let to = edit.at + bytes(edit.insert.len());
    if from != to {
        move_tail(file, from, to, size - from, &mut account)?;
    }
    write_at(file, &edit.insert, edit.at, &mut account)?;
    if to < from {
        until_answered(&mut account, || file.ftruncate(size - (from - to)))?;
    }
    Ok(account)
}
// ANCHOR_END: room

/// Moves the `length` bytes at `from` to `to`; the two ranges may overlap.
// ANCHOR: move_tail
fn move_tail(file: &dyn Calls, from: u64, to: u64, length: u64, account: &mut Account) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    let chunks = length.div_ceil(bytes(CHUNK));
    for n in 0..chunks {
        // Towards the end the last chunk goes first, so that no chunk is overwritten before it is read.
        let skip = if to > from { chunks - 1 - n } else { n } * bytes(CHUNK);
        let chunk = usize::try_from(length - skip).map_or(CHUNK, |left| left.min(CHUNK));
        if read_at(file, &mut buffer[..chunk], from + skip, account)? < chunk {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "another process has truncated the file"));
        }
        write_at(file, &buffer[..chunk], to + skip, account)?;
    }
    Ok(())
}
// ANCHOR_END: move_tail
// ANCHOR_END: in_place

// ANCHOR: replace
/// How far [`replace`] has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The temporary file exists, and is empty.
    Made,
    /// It has all bytes, and the owner and the mode of the old file.
    Written,
    /// It is on the disk: fsync(2) of the file.
    Synced,
    /// It has the name. From now on a process that opens the file gets the new one.
    Renamed,
    /// The name is on the disk: fsync(2) of the directory.
    Durable,
}

/// How the name of a temporary file begins. It is not made from the file's own name, which may be as long as a name can
/// be.
pub const TEMPORARY: &str = ".replacing-";

/// Replaces the contents of the file at `path`. A process that opens it gets the old bytes or the new ones, never a
/// mixture; a process that has the old file open keeps the old bytes.
///
/// The new bytes go into a temporary file in the same directory (rename(2) does not cross file systems), and rename(2)
/// replaces the old file by it in one step (POSIX). The two calls of fsync(2) are for a crash of the machine: without
/// the first, the name could end up at a file whose bytes never reached the disk; without the second, the old file
/// could be back. If only this process can be killed, neither is needed.
///
/// - Owner, group and mode are kept. Hard links, extended attributes and ACLs are not: it is a new inode.
/// - A symbolic link is followed and stays a link; the file that it leads to is replaced. (rename(2) itself would
///   replace the link.)
/// - It needs write permission on the directory. The mode of the file does not matter: the file isn't written to.
/// - If two processes replace it at the same time, the later one wins; neither sees the other's change.
/// - A process that is killed before the rename leaves its temporary file: [`leftovers`] finds it. A file without a
///   name (O_TMPFILE) would leave nothing, but linkat(2), which names it, fails if the name exists.
///
/// # Errors
/// `NotFound` for a missing file and for a link that leads nowhere; `InvalidInput` for anything but a regular file;
/// EPERM when the owner or the group can't be kept; otherwise those of the calls. Then nothing has changed and no
/// temporary file is left, unless the last fsync(2) failed: then the file is new, and a crash may bring back the old
/// one.
pub fn replace(path: &Path, contents: &[u8]) -> io::Result<Account> {
    replace_step_by_step(path, contents, |_| Ok(()))
}

/// [`replace`], which calls `reached` after each step. An error from it is like one of the step itself.
///
/// # Errors
/// As [`replace`], and those of `reached`.
pub fn replace_step_by_step(
    path: &Path,
    contents: &[u8],
    mut reached: impl FnMut(Step) -> io::Result<()>,
) -> io::Result<Account> {
    let mut account = Account::default();
    let path = path.canonicalize()?;
    let old = path.metadata()?;
    let parent = path.parent().filter(|_| old.is_file());
    let parent = parent.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"))?;
    // Opened now: after the rename an error of this call would come too late.
    let directory = File::open(parent)?;

    // ANCHOR: six_steps
    // Its mode is 0600, so that nobody whom the old mode shuts out can read it. Dropping it unlinks it.
    let temporary = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(parent)?;
    reached(Step::Made)?;
    let file = temporary.as_file();
    write_at(file, contents, 0, &mut account)?;
    // The owner first: chown(2) clears the set-user-ID bit of the mode.
    fchown(file, Some(old.uid()), Some(old.gid()))?;
    file.set_permissions(old.permissions())?;
    reached(Step::Written)?;
    until_answered(&mut account, || file.fsync())?;
    reached(Step::Synced)?;
    temporary.persist(&path).map_err(|error| error.error)?; // rename(2)
    reached(Step::Renamed)?;
    until_answered(&mut account, || directory.fsync())?;
    reached(Step::Durable)?;
    // ANCHOR_END: six_steps
    Ok(account)
}

/// The temporary files in `directory` of processes that were killed while they replaced a file. Those of processes that
/// are just replacing one are among them.
///
/// # Errors
/// Those of reading the directory.
pub fn leftovers(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut left = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(TEMPORARY.as_bytes()) {
            left.push(entry.path());
        }
    }
    Ok(left)
}
// ANCHOR_END: replace

// ANCHOR: killed
/// Replaces the contents the plain way: truncates the file and writes the new bytes, as `fs::write` and a shell's `>`
/// do. It calls `halfway` when half of them are written.
///
/// # Errors
/// Those of open(2), of [`write_at`] and of `halfway`. Then the old bytes are gone, and the new ones are incomplete.
// ANCHOR: rewrite
pub fn rewrite(path: &Path, contents: &[u8], halfway: impl FnOnce() -> io::Result<()>) -> io::Result<Account> {
    let mut account = Account::default();
    let file = OpenOptions::new().write(true).truncate(true).open(path)?;
    let (first, rest) = contents.split_at(contents.len() / 2);
    write_at(&file, first, 0, &mut account)?;
    halfway()?;
    write_at(&file, rest, bytes(first.len()), &mut account)?;
    Ok(account)
}
// ANCHOR_END: rewrite

/// Forks a child that [rewrites](rewrite) the file, and kills it halfway.
///
/// # Errors
/// Those of the child.
pub fn rewrite_killed_halfway(path: &Path, contents: &[u8]) -> io::Result<Ended> {
    let (child, peer) = Child::fork(|peer| {
        rewrite(path, contents, || {
            peer.give_turn()?;
            peer.await_turn() // which never comes
        })
        .map(drop)
    })?;
    peer.await_turn()?;
    child.kill()
}

/// Forks a child that [replaces](replace) the file, and kills it after `step`.
///
/// # Errors
/// Those of the child.
pub fn replace_killed_after(step: Step, path: &Path, contents: &[u8]) -> io::Result<Ended> {
    let (child, peer) = Child::fork(|peer| {
        replace_step_by_step(path, contents, |reached| {
            if reached == step {
                peer.give_turn()?;
                peer.await_turn()?; // which never comes
            }
            Ok(())
        })
        .map(drop)
    })?;
    peer.await_turn()?;
    child.kill()
}
// ANCHOR_END: killed

// ANCHOR: turns
/// Whether a process has locked the file or the directory at `path` with flock(2).
///
/// # Errors
/// Those of open(2) and flock(2).
// ANCHOR: is_locked
pub fn is_locked(path: &Path) -> io::Result<bool> {
    match Flock::lock(File::open(path)?, FlockArg::LockExclusiveNonblock) {
        Ok(_lock) => Ok(false), // Dropped here, it closes the file, and with that releases the lock.
        Err((_, Errno::EWOULDBLOCK)) => Ok(true),
        Err((_, errno)) => Err(errno.into()),
    }
}
// ANCHOR_END: is_locked
// ANCHOR_END: turns

// ANCHOR: power
/// All that a power cut may leave of a file that has the bytes `disk` on the disk and was written to since, each time
/// at an offset inside it. Each byte is kept or lost by itself, whichever was written first.
// ANCHOR: after_a_power_cut
pub fn after_a_power_cut(disk: &[u8], writes: &[(usize, &[u8])]) -> BTreeSet<Vec<u8>> {
    let mut left = BTreeSet::from([disk.to_vec()]);
    for (offset, bytes) in writes {
        for (at, &byte) in (*offset..).zip(*bytes) {
            let mut kept: Vec<_> = left.iter().cloned().collect();
            kept.iter_mut().for_each(|file| file[at] = byte);
            left.extend(kept);
        }
    }
    left
}
// ANCHOR_END: after_a_power_cut
// ANCHOR_END: power

/// The largest file that the demonstration reads into memory, in bytes.
const LARGEST_IN_MEMORY: u64 = 16 << 20;

/// Demonstrates changing a file through memory and in place, and replacing it, with an account of each and a kill
/// halfway.
///
/// It changes the file at `path`, which contains one line of text afterwards.
///
/// # Errors
/// Those of the functions above, and of the output.
pub fn demonstrate(out: &mut Narrator, path: &Path) -> io::Result<()> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let directory = out.directory();
    let size = file.metadata()?.len();
    let start = || -> io::Result<String> {
        let mut seen = [0; 12];
        let length = read_at(&file, &mut seen, 0, &mut Account::default())?;
        Ok(hex(&seen[..length]))
    };
    let at_most = |text: &'static str| &text.as_bytes()[..usize::try_from(size).map_or(4, |size| size.min(4))];
    let (before, after) = (|| text!("before", "之前"), || text!("after", "之后"));

    out.part(text!("Through memory: read it all, change it, store it all back", "经过内存：全部读入，改好，全部写回"))?;
    if size <= LARGEST_IN_MEMORY {
        let insert = at_most("COPY").to_vec();
        let edit = Edit { at: 0, remove: bytes(insert.len()), insert };
        let first = edit.remove;
        out.tell(text!("change the first {first} of {size} bytes", "文件有 {size} 字节，修改前 {first} 字节"))?;
        out.evidence(before(), start()?)?;
        let (account, counted) = counted_by_the_kernel(|| edit_through_memory(&file, &edit))?;
        out.evidence(after(), start()?)?;
        accounts(out, account, counted)?;
        out.shows(text!(
            "every byte was copied twice, page cache to buffer to page cache; one more call found the end.",
            "每个字节都复制了两次：从页缓存到缓冲区，再到页缓存；另有一次调用发现已到末尾。"
        ))?;
    } else {
        out.tell(text!(
            "skipped: the file has {size} bytes, and this needs as much memory",
            "跳过：文件有 {size} 字节，这样做需要同样多的内存"
        ))?;
    }

    out.part(text!("In place: only the bytes that change", "就地修改：只写变了的字节"))?;
    let news = at_most("PART");
    out.tell(format!("pwrite(fd, {:?}, {}, 0)", String::from_utf8_lossy(news), news.len()))?;
    let (account, counted) = counted_by_the_kernel(|| patch(&file, 0, news))?;
    out.evidence(after(), start()?)?;
    accounts(out, account, counted)?;
    out.shows(text!(
        "nothing is read, and the rest of the file is not accessed, however large it is.",
        "什么也不用读；文件其余部分再大，也不会访问。"
    ))?;
    out.tell(text!("insert one byte before the last one", "在最后一个字节之前插入一个字节"))?;
    let account = edit_in_place(&file, &Edit { at: size - 1, remove: 0, insert: b"+".to_vec() })?;
    out.evidence(ours(), account.words())?;
    out.shows(text!(
        "no call inserts a single byte into a file: the bytes after it are moved, here one.\n\
         The calls: ask for the size, read the byte and write it further on, write the new one.",
        "没有哪个调用能插入一个字节：后面的字节都要移动，这里是一个。\n\
         各次调用：查询大小，读出那个字节，把它写到后面，写入新的字节。"
    ))?;

    out.part(text!("Killed halfway", "中途被杀死"))?;
    let second = directory.join("second");
    let (old, new) = (b"old old old\n", b"new new new\n");
    let contents = || -> io::Result<String> { Ok(hex(&fs::read(&second)?)) };
    out.tell(text!(
        "a child truncates a second file, writes half of the new bytes, and is killed",
        "子进程把第二个文件截断，写入一半新内容，然后被杀死"
    ))?;
    fs::write(&second, old)?;
    out.evidence(before(), contents()?)?;
    out.evidence(text!("the child was", "子进程"), rewrite_killed_halfway(&second, new)?.in_words())?;
    out.evidence(after(), contents()?)?;
    out.shows(text!(
        "half of the new bytes, none of the old: the page cache keeps what a killed process wrote.",
        "新内容只有一半，旧内容荡然无存：进程被杀死，它写过的内容仍留在页缓存里。"
    ))?;
    for (when, step) in [(text!("before", "之前"), Step::Synced), (text!("after", "之后"), Step::Renamed)] {
        let Text { en, zh } = when;
        out.tell(text!(
            "a child replaces it with a temporary file, and is killed {en} rename(2)",
            "子进程用临时文件替换它，在 rename(2) {zh}被杀死"
        ))?;
        fs::write(&second, old)?;
        replace_killed_after(step, &second, new)?;
        out.evidence(after(), contents()?)?;
        let left = leftovers(&directory)?;
        out.evidence(text!("temporary files left", "留下的临时文件数"), left.len())?;
        left.iter().try_for_each(fs::remove_file)?;
    }
    fs::remove_file(&second)?;
    out.shows(text!(
        "the old bytes or the new ones; a kill before the rename leaves the temporary file, too.",
        "不是旧内容就是新内容；如果死在改名之前，还会留下临时文件。"
    ))?;

    out.part(text!("Replaced by rename(2)", "用 rename(2) 替换"))?;
    let inode = |out: &Narrator, file: &fs::Metadata| {
        let (inode, mode) = (out.varying("inode", file.ino()), file.mode() & 0o7777);
        text!("{inode} with mode {mode:o}", "{inode}，权限 {mode:o}")
    };
    out.tell(text!("set the mode to 640, keep the file open, replace it", "把权限设为 640，让文件保持打开，替换它"))?;
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o640))?;
    let (old, old_start) = (file.metadata()?, start()?);
    let account = replace(path, b"a new file with an old name\n")?;
    let new = fs::metadata(path)?;
    out.evidence(text!("inode before", "之前的 inode"), inode(out, &old))?;
    out.evidence(text!("inode after", "之后的 inode"), inode(out, &new))?;
    out.evidence(text!("the same inode", "是同一个 inode"), yes(old.ino() == new.ino()))?;
    out.evidence(ours(), account.words())?;
    out.evidence(text!("read(2) by the path", "按路径 read(2)"), hex(&fs::read(path)?[..12]))?;
    out.evidence(text!("the old descriptor", "用旧的描述符"), start()?)?;
    out.evidence(text!("... is the same as before", "……与之前相同"), yes(start()? == old_start))?;
    out.shows(text!(
        "the name is another file's now; a process that had the old one open still has it.\n\
         The calls: write, fsync(2) of the file, fsync(2) of the directory; rename(2) and others are not counted.",
        "这个名字现在属于另一个文件；之前打开旧文件的进程仍持有旧文件。\n\
         各次调用：写入，对文件 fsync(2)，对目录 fsync(2)；rename(2) 等没有计入。"
    ))?;

    out.part(text!("Taking turns", "轮流来"))?;
    let locked = Flock::lock(File::open(path)?, FlockArg::LockExclusive).map_err(|(_, errno)| errno)?;
    out.tell(text!("lock the file, then replace it", "锁住文件，然后替换它"))?;
    out.evidence(text!("the name is locked", "这个名字被锁住"), yes(is_locked(path)?))?;
    replace(path, b"the name of a new file\n")?;
    out.evidence(text!("... after the replace", "……替换之后"), yes(is_locked(path)?))?;
    drop(locked);
    let locked = Flock::lock(File::open(&directory)?, FlockArg::LockExclusive).map_err(|(_, errno)| errno)?;
    out.tell(text!("lock the directory, then replace the file", "锁住目录，然后替换文件"))?;
    replace(path, b"another new file\n")?;
    out.evidence(text!("the directory is locked", "目录被锁住"), yes(is_locked(&directory)?))?;
    drop(locked);
    out.shows(text!(
        "flock(2) locks an inode: the lock stays with the old one, which has lost its name.",
        "flock(2) 锁住的是 inode：锁留在旧的 inode 上，而它已经没有名字。"
    ))?;

    out.part(text!("A power cut", "断电"))?;
    let marked = |left: &BTreeSet<Vec<u8>>| left.iter().filter(|file| file[4] == b'1' && file[..3] != *b"new").count();
    for (told, disk, writes) in [
        (
            text!(
                "\"old 0\" is on the disk; write \"new\", and at once the mark 1 at offset 4",
                "磁盘上是 \"old 0\"；写入 \"new\"，紧接着在偏移量 4 处写入标记 1"
            ),
            b"old 0",
            &[(0, b"new".as_slice()), (4, b"1")][..],
        ),
        (
            text!(
                "\"old 0\" is on the disk; write \"new\", and after an fsync(2) the mark 1 at offset 4",
                "磁盘上是 \"old 0\"；写入 \"new\"，fsync(2) 之后再在偏移量 4 处写入标记 1"
            ),
            b"new 0",
            &[(4, b"1".as_slice())],
        ),
    ] {
        out.tell(told)?;
        let left = after_a_power_cut(disk, writes);
        out.evidence(text!("files that may be left", "断电后文件有几种可能"), left.len())?;
        out.evidence(text!("... with mark 1, not new", "……有标记 1 却不是 new"), marked(&left))?;
    }
    out.shows(text!(
        "without an fsync(2) between them, the mark may reach the disk before what it stands for.",
        "两次写入之间没有 fsync(2)，标记就可能先于它所说的内容落盘。"
    ))?;

    out.part(text!("The question", "留下的问题"))?;
    out.tell(text!(
        "read(2) and write(2) copy between the page cache and a buffer of ours. Why copy, when the page cache\n\
         is in memory already? In lesson 2 the kernel shows it to us where it is.",
        "read(2) 和 write(2) 在页缓存与我们的缓冲区之间复制。页缓存本来就在内存里，为什么还要复制？\n\
         第 2 课里，内核会让我们直接看到它。"
    ))
}

fn yes(holds: bool) -> Text {
    if holds { Text::fixed("yes", "是") } else { Text::fixed("no", "否") }
}

/// The lesson's own count.
fn ours() -> Text {
    Text::fixed("our account", "我们记的账")
}

fn accounts(out: &mut Narrator, account: Account, kernels: io::Result<Account>) -> io::Result<()> {
    out.evidence(ours(), account.words())?;
    match kernels {
        Ok(account) => out.evidence("/proc/self/io", account.words()),
        Err(error) => out.evidence("/proc/self/io", text!("skipped: {error}", "跳过：{error}")),
    }
}
