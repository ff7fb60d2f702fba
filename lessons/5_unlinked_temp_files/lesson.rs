//! # Lesson 5: Unlinked temporary files
//!
//! A file needs no name to be mapped. Which processes can reach a file without one, and when does its space come back?
//!
//! A name is an entry in a directory that points to an inode; the bytes belong to the inode. unlink(2) removes the
//! name. The inode stays as long as something refers to it: a name, an open descriptor, a mapping. So a scratch file is
//! best unlinked before it is used and not, as in the study notes, when it is no longer needed: a process that dies in
//! between leaves it in the directory.
//!
//! The lesson makes such files in three ways ([`o_tmpfile`], [`create_and_unlink`], [`memory_file`]), lets two
//! processes talk through one that no directory lists, by fork and by passing the descriptor, and shows what is left
//! when a process is killed. Around that it asks what a file needs while it is used: space for its length
//! ([`length_and_space`]), a mapping that covers what it grew by ([`longer_than_its_file`]), permissions ([`modes`]),
//! and for receivers that don't trust the sender, seals ([`sealed_with`]).
//!
//! | way | made for |
//! |---|---|
//! | [`o_tmpfile`] | scratch data on a disk: there is never a name, and linkat(2) can give it one when it is finished |
//! | [`create_and_unlink`] | file systems without O_TMPFILE, and systems that are not Linux: it is all POSIX |
//! | [`memory_file`] | data that may live in memory and swap: no directory is needed, and it can be sealed ([`seal`]) |

use std::fs::{self, File};
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::ptr::NonNull;

use nix::cmsg_space;
use nix::errno::Errno;
use nix::fcntl::{
    AT_FDCWD, AtFlags, FallocateFlags, FcntlArg, OFlag, SealFlag, fallocate, fcntl, open, posix_fallocate,
};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::{MmapAdvise, madvise};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, UnixAddr, recvmsg, sendmsg};
use nix::sys::stat::{Mode, fchmod, umask};
use nix::sys::statvfs::statvfs;
use nix::unistd::{linkat, unlink};

use crate::lesson_2::{Mapping, READ_WRITE, Sharing};
use crate::narrate::{Narrator, answer};
use crate::observe::{hex, maps_of, page_size, page_size_u64};
use crate::process::{Child, DEADLINE, Ended, OnSmallDisk, Peer, on_a_small_disk};
use crate::text;

// ANCHOR: three_ways
/// A file in `directory`'s file system that never has a name (open(2), O_TMPFILE; Linux).
///
/// # Errors
/// EOPNOTSUPP when the file system does not support it; EISDIR from a kernel that does not know O_TMPFILE (before
/// 3.11); otherwise those of open(2).
// ANCHOR: o_tmpfile
pub fn o_tmpfile(directory: &Path) -> Result<File, Errno> {
    let flags = OFlag::O_TMPFILE | OFlag::O_RDWR | OFlag::O_CLOEXEC;
    Ok(open(directory, flags, Mode::S_IRUSR | Mode::S_IWUSR)?.into())
}
// ANCHOR_END: o_tmpfile

/// A file in `directory` whose name is removed as soon as it exists. This is POSIX, but between the two calls the file
/// has a name.
///
/// # Errors
/// Those of open(2) and unlink(2).
pub fn create_and_unlink(directory: &Path) -> io::Result<File> {
    create_and_then_unlink(directory, || Ok(()))
}

/// Like [`create_and_unlink`], and calls `between` while the name exists. A process that is killed then leaves it.
///
/// # Errors
/// Those of [`create_and_unlink`] and of `between`; the name is removed even then.
// ANCHOR: create_unlink
pub fn create_and_then_unlink(directory: &Path, between: impl FnOnce() -> io::Result<()>) -> io::Result<File> {
    // O_EXCL: a name that exists is refused and not opened, even if it is a symbolic link that was laid as a trap.
    let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_RDWR | OFlag::O_CLOEXEC;
    for n in 0..u32::MAX {
        let name = directory.join(format!(".scratch-{}-{n}", std::process::id()));
        match open(&name, flags, Mode::S_IRUSR | Mode::S_IWUSR) {
            Ok(file) => {
                let between = between();
                unlink(&name)?;
                return between.map(|()| file.into());
            }
            Err(Errno::EEXIST) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Err(Errno::EEXIST.into())
}
// ANCHOR_END: create_unlink

/// A file that lives in memory (memfd_create(2), Linux). `name` appears only in /proc: no directory lists it.
///
/// # Errors
/// Those of memfd_create(2).
// ANCHOR: memory_file
pub fn memory_file(name: &str) -> Result<File, Errno> {
    Ok(memfd_create(name, MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?.into())
}
// ANCHOR_END: memory_file

/// A scratch file without a name in `directory`'s file system: with O_TMPFILE where that is supported, otherwise
/// created and unlinked.
///
/// [`tempfile::tempfile_in`] does just this, with unpredictable names; the rest of the workbook uses it.
///
/// # Errors
/// Those of [`create_and_unlink`].
pub fn scratch(directory: &Path) -> io::Result<File> {
    or_unlinked(o_tmpfile(directory), directory)
}

/// The file in `first`, or one of [`create_and_unlink`] when `first` says that O_TMPFILE is not supported.
///
/// # Errors
/// Any other error of `first`; those of [`create_and_unlink`].
pub fn or_unlinked(first: Result<File, Errno>, directory: &Path) -> io::Result<File> {
    match first {
        Err(Errno::EOPNOTSUPP | Errno::EISDIR) => create_and_unlink(directory),
        first => Ok(first?),
    }
}

/// Gives the file a size with the space for it, and maps all of it. With a size alone, a store on a full disk may be
/// SIGBUS.
///
/// # Errors
/// ENOSPC and the others of posix_fallocate(3); those of mmap(2).
// ANCHOR: size_and_map
pub fn size_and_map(file: &File, length: usize) -> io::Result<Mapping> {
    posix_fallocate(file, 0, length.try_into().map_err(|_| Errno::EOVERFLOW)?)?;
    Ok(Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared)?)
}
// ANCHOR_END: size_and_map
// ANCHOR_END: three_ways

// ANCHOR: holes
/// How long a file is, and how much space it takes, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Its length (st_size).
    pub length: u64,
    /// The space of its blocks (st_blocks).
    pub space: u64,
}

impl Extent {
    /// Asks fstat(2).
    ///
    /// # Errors
    /// Those of fstat(2).
    pub fn of(file: &File) -> io::Result<Extent> {
        let metadata = file.metadata()?;
        // st_blocks counts in units of 512 bytes on every file system (inode(7)).
        Ok(Extent { length: metadata.len(), space: metadata.blocks() * 512 })
    }
}

/// A memory file of eight pages: with a length only, after one page of zeros was written to it, with all its space
/// reserved, and after four of its pages were given back.
///
/// # Errors
/// Those of the calls.
pub fn length_and_space() -> io::Result<[Extent; 4]> {
    let page = page_size();
    let file = memory_file("scratch")?;
    // ANCHOR: four_steps
    file.set_len(8 * page_size_u64())?;
    let a_length = Extent::of(&file)?;
    file.write_all_at(&vec![0; page], 0)?;
    let zeros_written = Extent::of(&file)?;
    let mapping = size_and_map(&file, 8 * page)?;
    let reserved = Extent::of(&file)?;
    remove_pages(&mapping, 2, 4)?;
    let given_back = Extent::of(&file)?;
    // ANCHOR_END: four_steps
    Ok([a_length, zeros_written, reserved, given_back])
}

/// Makes a hole of `count` pages of the file, from page `first` of a shared mapping on: they are zeros then in every
/// mapping that has no private copy of them, and take no space.
///
/// # Errors
/// Those of madvise(2): EOPNOTSUPP when the file system has no holes; EACCES when the mapping is not shared, or
/// can't be made writable; EINVAL when it has fewer pages.
// ANCHOR: remove_pages
pub fn remove_pages(mapping: &Mapping, first: usize, count: usize) -> Result<(), Errno> {
    let pages = first * page_size()..(first + count) * page_size();
    if pages.end > mapping.range().len() {
        return Err(Errno::EINVAL);
    }
    let start = std::ptr::with_exposed_provenance_mut(mapping.address() + pages.start);
    let start = NonNull::new(start).ok_or(Errno::EINVAL)?;
    // SAFETY: these pages are the mapping's, which stays as it is. Only its bytes change, and those may change at any
    // time, as other processes may store to them.
    unsafe { madvise(start, pages.len(), MmapAdvise::MADV_REMOVE) }
}
// ANCHOR_END: remove_pages

/// Reserves the space of the file's first `length` bytes, and leaves its length as it is.
///
/// # Errors
/// Those of fallocate(2): EINVAL for a length of 0; ENOSPC; EOPNOTSUPP when the file system can't reserve.
// ANCHOR: reserve
pub fn reserve(file: &File, length: i64) -> Result<(), Errno> {
    fallocate(file, FallocateFlags::FALLOC_FL_KEEP_SIZE, 0, length)
}
// ANCHOR_END: reserve
// ANCHOR_END: holes

// ANCHOR: growing
/// What became of a store past the end of a file, through a mapping that is longer than the file.
#[derive(Debug, PartialEq, Eq)]
pub struct Longer {
    /// How the process ended that stored while the file was shorter.
    pub before: Ended,
    /// The byte in the file after the file grew and the store was made once more.
    pub after: u8,
}

/// Maps two pages of a file that has one page, and stores to the second: in a child, which dies of it, and once more
/// when the file has grown.
///
/// # Errors
/// Those of the file, the mapping and the child.
pub fn longer_than_its_file(file: &File) -> io::Result<Longer> {
    let page = page_size();
    // ANCHOR: longer
    file.set_len(page_size_u64())?;
    let mapping = Mapping::of_file(file, 0, 2 * page, READ_WRITE, Sharing::Shared)?;
    let store = || {
        mapping.store(page, b'x');
        Ok(())
    };
    let (child, _peer) = Child::fork(|_| store())?;
    let before = child.wait()?;
    file.set_len(2 * page_size_u64())?;
    store()?;
    // ANCHOR_END: longer
    let mut after = [0];
    file.read_exact_at(&mut after, page_size_u64())?;
    Ok(Longer { before, after: after[0] })
}
// ANCHOR_END: growing

// ANCHOR: naming
/// The mode of a new file in `directory`: as open(2) makes it when it is asked for `mode` under the umask `mask`, and
/// after fchmod(2).
///
/// # Errors
/// Those of the file and the child.
pub fn modes(directory: &Path, mask: u32, mode: u32) -> io::Result<[u32; 2]> {
    // The umask is the whole process's, with all its threads. So it is changed in a child.
    let (child, peer) = Child::fork(|peer| {
        let path = directory.join("named");
        let tell = |file: &File| peer.send(&(file.metadata()?.mode() & 0o7777).to_ne_bytes());
        // ANCHOR: modes
        umask(Mode::from_bits_truncate(mask));
        let file = File::options().write(true).create_new(true).mode(mode).open(&path)?;
        tell(&file)?;
        fchmod(&file, Mode::from_bits_truncate(mode))?;
        tell(&file)?;
        // ANCHOR_END: modes
        fs::remove_file(&path)
    })?;
    let mut seen = [0; 2];
    for mode in &mut seen {
        *mode = u32::from_ne_bytes(peer.receive()?.try_into().map_err(|_| io::ErrorKind::InvalidData)?);
    }
    child.wait()?.success()?;
    Ok(seen)
}

/// Gives a file another name: a hard link. Where `first` is a symbolic link, that one gets it, for nothing is followed.
///
/// # Errors
/// Those of linkat(2): EEXIST when `second` exists; EXDEV in another file system.
// ANCHOR: second_name
pub fn second_name(first: &Path, second: &Path) -> Result<(), Errno> {
    linkat(AT_FDCWD, first, AT_FDCWD, second, AtFlags::empty())
}
// ANCHOR_END: second_name
// ANCHOR_END: naming

// ANCHOR: talk
/// What two processes said to each other through a file, and what was seen of the file meanwhile.
#[derive(Debug, PartialEq, Eq)]
pub struct Talk {
    /// st_nlink (fstat(2)): how many names the file had while they talked.
    pub names: u64,
    /// The name of the mapping in the parent's /proc/self/maps.
    pub mapped_here: String,
    /// The name of the mapping in the child's /proc/self/maps.
    pub mapped_there: String,
    /// The bytes that the parent stored, as the child loaded them.
    pub heard_there: Vec<u8>,
    /// The byte that the child stored, as the parent loaded it.
    pub heard_here: u8,
}

/// The child's answer.
const ANSWER: u8 = b'C';

/// A talk between relatives: the child inherits the mapping, and needs neither a name nor a descriptor.
///
/// # Errors
/// Those of the mapping and the child.
pub fn talk_with_a_child(file: File, words: &[u8]) -> io::Result<Talk> {
    let mapping = size_and_map(&file, words.len() + 1)?;
    let (child, peer) = Child::fork(|peer| answer_through(&mapping, words.len(), peer))?;
    let talk = say(&file, &mapping, words, &peer)?;
    child.wait()?.success()?;
    Ok(talk)
}

/// A talk between strangers: the other process is older than the file, has inherited nothing of it, and receives a
/// descriptor over a Unix socket.
///
/// # Errors
/// Those of the file, the socket, the mapping and the other process.
// ANCHOR: stranger
pub fn talk_with_a_stranger(make: impl FnOnce() -> io::Result<File>, words: &[u8]) -> io::Result<Talk> {
    let (ours, theirs) = UnixStream::pair()?;
    theirs.set_read_timeout(Some(DEADLINE))?;
    let (stranger, peer) = Child::fork(|peer| {
        let mapping = size_and_map(&receive_file(&theirs)?, words.len() + 1)?;
        answer_through(&mapping, words.len(), peer)
    })?;
    let file = make()?;
    send_file(&ours, &file)?;
    let mapping = size_and_map(&file, words.len() + 1)?;
    let talk = say(&file, &mapping, words, &peer)?;
    stranger.wait()?.success()?;
    Ok(talk)
}
// ANCHOR_END: stranger

fn say(file: &File, mapping: &Mapping, words: &[u8], peer: &Peer) -> io::Result<Talk> {
    mapping.write(0, words);
    peer.give_turn()?;
    let heard_there = peer.receive()?;
    let mapped_there = String::from_utf8_lossy(&peer.receive()?).into_owned();
    // The other process still has it mapped: it waits for its next turn.
    let talk = Talk {
        names: file.metadata()?.nlink(),
        mapped_here: mapped_name(mapping)?,
        mapped_there,
        heard_there,
        heard_here: mapping.load(words.len()),
    };
    peer.give_turn()?;
    Ok(talk)
}

fn answer_through(mapping: &Mapping, length: usize, peer: &Peer) -> io::Result<()> {
    peer.await_turn()?;
    let mut heard = vec![0; length];
    mapping.read(0, &mut heard);
    mapping.store(length, ANSWER);
    peer.send(&heard)?;
    peer.send(mapped_name(mapping)?.as_bytes())?;
    peer.await_turn()
}

fn mapped_name(mapping: &Mapping) -> io::Result<String> {
    let areas = maps_of(mapping.range())?;
    areas.first().map(|area| area.name()).ok_or_else(|| io::ErrorKind::NotFound.into())
}
// ANCHOR_END: talk

// ANCHOR: descriptor
/// Sends a descriptor of `file` over a Unix socket (unix(7), SCM_RIGHTS). What arrives is a new descriptor of the same
/// open file description: its offset and its mode are shared, as after dup(2).
///
/// # Errors
/// Those of sendmsg(2); EPIPE when the other end is gone.
// ANCHOR: send_file
pub fn send_file(socket: &UnixStream, file: &File) -> io::Result<()> {
    let descriptors = [file.as_raw_fd()];
    let rights = [ControlMessage::ScmRights(&descriptors)];
    // On a stream socket descriptors travel with data, and it must be at least one byte.
    sendmsg::<UnixAddr>(socket.as_raw_fd(), &[IoSlice::new(b"f")], &rights, MsgFlags::MSG_NOSIGNAL, None)?;
    Ok(())
}
// ANCHOR_END: send_file

/// Waits for a descriptor to arrive over a Unix socket.
///
/// # Errors
/// EAGAIN when the socket has a timeout that passes; `UnexpectedEof` when the other end is closed; `InvalidData` when the
/// message carries no descriptor, or more than one (all are closed then); otherwise those of recvmsg(2).
// ANCHOR: receive_file
pub fn receive_file(socket: &UnixStream) -> io::Result<File> {
    let mut byte = [0];
    let mut data = [IoSliceMut::new(&mut byte)];
    // Room for as many as one message can carry (SCM_MAX_FD): if it were cut short, we would not learn of descriptors
    // that are in our table already, and they would stay open.
    let mut space = cmsg_space!([RawFd; 253]);
    // MSG_CMSG_CLOEXEC: a program that another thread starts at this moment must not inherit it.
    let message = recvmsg::<UnixAddr>(socket.as_raw_fd(), &mut data, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC)?;
    let mut files = Vec::new();
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(descriptors) = control {
            // SAFETY: the kernel has just put these descriptors into our table, for us to own.
            files.extend(descriptors.into_iter().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }));
        }
    }
    if message.bytes == 0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the other end is closed"));
    }
    match (files.pop(), files.is_empty()) {
        (Some(file), true) => Ok(file.into()),
        (Some(_), false) => {
            Err(io::Error::new(io::ErrorKind::InvalidData, "the message carries more than one descriptor"))
        }
        (None, _) => Err(io::Error::new(io::ErrorKind::InvalidData, "the message carries no descriptor")),
    }
}
// ANCHOR_END: receive_file
// ANCHOR_END: descriptor

// ANCHOR: exec
/// Lends `file` to cat(1) as its standard input, and returns what cat prints: the bytes from the offset on.
///
/// # Errors
/// Those of starting a program.
// ANCHOR: lend
pub fn lend_to_cat(file: &File) -> io::Result<Vec<u8>> {
    Ok(Command::new("cat").stdin(file.try_clone()?).output()?.stdout)
}
// ANCHOR_END: lend

/// Lets each program that `command` starts have at most `most` open files. This process keeps its own limit.
// ANCHOR: limit
pub fn limit_files(command: &mut Command, most: u64) {
    let in_the_child = move || {
        setrlimit(Resource::RLIMIT_NOFILE, most, most).map_err(|errno| io::Error::from_raw_os_error(errno as i32))
    };
    // SAFETY: the closure makes one system call. It allocates nothing, not even for an error, and takes no lock.
    unsafe { command.pre_exec(in_the_child) };
}
// ANCHOR_END: limit
// ANCHOR_END: exec

// ANCHOR: seals
/// Adds seals to a memory file: promises of the kernel about the file, for every process that has it, that no process
/// can take back.
///
/// # Errors
/// Those of fcntl(2): EBUSY for F_SEAL_WRITE while a shared mapping of the file exists that is writable or may become
/// so; EPERM when F_SEAL_SEAL is set, or the descriptor isn't open for writing; EINVAL for another file than a memory
/// file, but EPERM on a tmpfs, whose files have F_SEAL_SEAL from the beginning.
// ANCHOR: seal
pub fn seal(file: &File, seals: SealFlag) -> Result<(), Errno> {
    fcntl(file, FcntlArg::F_ADD_SEALS(seals)).map(drop)
}
// ANCHOR_END: seal

/// The seals of a file. A newer kernel may have some that nix doesn't know; they stay in the set.
///
/// # Errors
/// Those of fcntl(2): EINVAL for a file that can't be sealed.
// ANCHOR: seals_of
pub fn seals_of(file: &File) -> Result<SealFlag, Errno> {
    Ok(SealFlag::from_bits_retain(fcntl(file, FcntlArg::F_GET_SEALS)?))
}
// ANCHOR_END: seals_of

/// What the kernel says about a memory file that has one seal.
#[derive(Debug, PartialEq, Eq)]
pub struct Sealed {
    /// To making it shorter.
    pub shrink: Result<(), Errno>,
    /// To making it longer.
    pub grow: Result<(), Errno>,
    /// To write(2).
    pub write: Result<(), Errno>,
    /// To a new mapping, shared and writable.
    pub map: Result<(), Errno>,
    /// To the seal itself, when the file is mapped so already.
    pub while_mapped: Result<(), Errno>,
}

/// Seals a memory file, and tries what the seal may forbid.
///
/// # Errors
/// Those of the files and the mapping.
pub fn sealed_with(seal_it_with: SealFlag) -> io::Result<Sealed> {
    let page = page_size_u64();
    let new = || -> io::Result<File> {
        let file = memory_file("scratch")?;
        file.set_len(page)?;
        Ok(file)
    };
    let errno = |error: io::Error| Errno::from_raw(error.raw_os_error().unwrap_or_default());
    let map = |file: &File| Mapping::of_file(file, 0, page_size(), READ_WRITE, Sharing::Shared);
    // A file for each: an attempt that succeeds changes it.
    let attempt = |make: &dyn Fn(&File) -> Result<(), Errno>| -> io::Result<Result<(), Errno>> {
        let file = new()?;
        seal(&file, seal_it_with)?;
        Ok(make(&file))
    };
    let mapped = new()?;
    let _mapping = map(&mapped)?;
    Ok(Sealed {
        shrink: attempt(&|file| file.set_len(page - 1).map_err(errno))?,
        grow: attempt(&|file| file.set_len(page + 1).map_err(errno))?,
        write: attempt(&|file| file.write_all_at(b"x", 0).map_err(errno))?,
        map: attempt(&|file| map(file).map(drop))?,
        while_mapped: seal(&mapped, seal_it_with),
    })
}
// ANCHOR_END: seals

// ANCHOR: space
/// The free bytes of a small disk (statvfs(3)), step by step.
#[derive(Debug, PartialEq, Eq)]
pub struct FreeSpace {
    /// At the beginning.
    pub empty: u64,
    /// With a mapped file of [`FreeSpace::FILE`] bytes.
    pub filled: u64,
    /// After its name was removed and its last descriptor closed; two processes have it mapped.
    pub nameless: u64,
    /// After one of the two has unmapped it.
    pub one_unmapped: u64,
    /// After the other has unmapped it, too.
    pub both_unmapped: u64,
}

impl FreeSpace {
    /// The size of the file.
    pub const FILE: usize = 1 << 20;
}

/// Watches the space of a file that loses its name first, then its descriptor, then its mappings, one by one.
///
/// The inner `Err` says why no small disk can be mounted on this machine.
///
/// # Errors
/// Those of the file, the mappings and the children.
pub fn space_comes_back() -> io::Result<Result<FreeSpace, String>> {
    let body = |disk: &Path, peer: &Peer| {
        let free = || statvfs(disk).map(|disk| disk.blocks_free() * disk.fragment_size());
        let tell_free = || peer.send(&free()?.to_ne_bytes());
        // ANCHOR: watch_space
        tell_free()?;
        let path = disk.join("file");
        let file = File::options().read(true).write(true).create_new(true).open(&path)?;
        let mapping = size_and_map(&file, FreeSpace::FILE)?;
        tell_free()?;
        fs::remove_file(&path)?;
        drop(file);
        // All that this child inherits of the file is the mapping, which ends when it ends.
        let (other, others_peer) = Child::fork(|peer| peer.await_turn())?;
        tell_free()?;
        mapping.unmap()?;
        tell_free()?;
        others_peer.give_turn()?;
        other.wait()?.success()?;
        tell_free()
        // ANCHOR_END: watch_space
    };
    let mut seen = Vec::new();
    let ran = on_a_small_disk(4 * FreeSpace::FILE as u64, body, |peer| {
        for _ in 0..5 {
            seen.push(u64::from_ne_bytes(peer.receive()?.try_into().map_err(|_| io::ErrorKind::InvalidData)?));
        }
        Ok(())
    })?;
    Ok(match ran {
        OnSmallDisk::Skipped(reason) => Err(reason),
        OnSmallDisk::Ran(ended) => {
            ended.success()?;
            Ok(FreeSpace {
                empty: seen[0],
                filled: seen[1],
                nameless: seen[2],
                one_unmapped: seen[3],
                both_unmapped: seen[4],
            })
        }
    })
}
// ANCHOR_END: space

// ANCHOR: killed
/// A moment at which a process that has a scratch file is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// It uses a file of [`o_tmpfile`].
    WithTmpfile,
    /// It is in [`create_and_unlink`], between the two calls.
    BetweenCreateAndUnlink,
    /// It uses a file of [`create_and_unlink`].
    Unlinked,
    /// It uses a file of [`memory_file`].
    WithMemoryFile,
    /// It uses a file that it means to unlink when it is done: the study notes' way.
    BeforeUnlinkWhenDone,
}

/// Kills a child with SIGKILL at that moment, and returns the number of files that it left in `directory`, which was
/// empty.
///
/// # Errors
/// Those of the file and the child; EOPNOTSUPP when the moment needs O_TMPFILE and the file system does not support it.
pub fn killed(directory: &Path, moment: Moment) -> io::Result<usize> {
    let (child, peer) = Child::fork(|peer| {
        let now = || {
            peer.give_turn()?;
            peer.await_turn() // which never comes: this is the moment
        };
        let hold = |file: File| {
            let _mapping = size_and_map(&file, 1)?;
            now()
        };
        // ANCHOR: moments
        match moment {
            Moment::WithTmpfile => hold(o_tmpfile(directory)?),
            Moment::BetweenCreateAndUnlink => create_and_then_unlink(directory, now).map(drop),
            Moment::Unlinked => hold(create_and_unlink(directory)?),
            Moment::WithMemoryFile => hold(memory_file("scratch")?),
            Moment::BeforeUnlinkWhenDone => {
                let path = directory.join("named");
                hold(File::options().read(true).write(true).create_new(true).open(&path)?)?;
                fs::remove_file(&path)
            }
        }
        // ANCHOR_END: moments
    })?;
    peer.await_turn()?;
    child.kill()?;
    Ok(fs::read_dir(directory)?.count())
}
// ANCHOR_END: killed

/// Demonstrates files without a name: three ways to make one, two processes that talk through one, when its space comes
/// back, and what is left when a process is killed.
///
/// It reads the first bytes of the file at `path`, which are what the processes tell each other.
///
/// # Errors
/// Those of the functions above, and of the output.
pub fn demonstrate(out: &mut Narrator, path: &Path) -> io::Result<()> {
    let directory = out.directory();
    let file = File::open(path)?;
    let mut words = vec![0; usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX).min(12)];
    file.read_exact_at(&mut words, 0)?;

    out.part(text!("Three files without a name", "三个没有名字的文件"))?;
    let in_the_directory = text!("in the directory", "目录里的文件");
    out.evidence(in_the_directory.clone(), names(&directory)?)?;
    for (way, file) in [
        (text!("O_TMPFILE, else unlinked", "O_TMPFILE，不支持则 unlink"), scratch(&directory)?),
        (text!("created and unlinked", "创建后 unlink"), create_and_unlink(&directory)?),
        (text!("memfd_create(2)", "memfd_create(2)"), memory_file("scratch")?),
    ] {
        let mapping = size_and_map(&file, 1)?;
        let number = file.metadata()?.nlink();
        out.evidence(way, text!("{number} names (st_nlink)", "{number} 个名字（st_nlink）"))?;
        let name = mapped_name(&mapping)?;
        let kept = name.rsplit_once(' ').map_or(name.as_str(), |(_, deleted)| deleted);
        let kind = text!("name that it had, or its inode", "曾经的名字，或 inode 号");
        let shown = format!("{} {kept}", out.varying(kind, name.trim_end_matches(" (deleted)")));
        out.evidence(text!("  its name in maps", "  在 maps 中的名字"), shown)?;
    }
    out.evidence(in_the_directory, names(&directory)?)?;
    out.shows(text!(
        "st_nlink is 0 and maps says (deleted): only a descriptor or a mapping leads to them.",
        "st_nlink 为 0，maps 标着 (deleted)：只能通过描述符或映射访问它们。"
    ))?;

    out.part(text!("A length is not space", "长度不等于空间"))?;
    for (step, extent) in [
        text!("a length alone", "只设定长度"),
        text!("a page of zeros written", "写入一页零"),
        text!("all of it reserved", "预留全部空间"),
        text!("four pages given back", "释放四页"),
    ]
    .into_iter()
    .zip(length_and_space()?)
    {
        let (length, space) = (extent.length / page_size_u64(), extent.space / page_size_u64());
        out.evidence(step, text!("{length} pages long, space for {space}", "长 {length} 页，空间 {space} 页"))?;
    }
    out.shows(text!(
        "zeros that are written take space, a hole takes none, and both read as zeros.",
        "写入的零占空间，空洞不占空间，读出来都是零。"
    ))?;

    out.part(text!("A mapping that is longer than its file", "比文件长的映射"))?;
    let longer = longer_than_its_file(&scratch(&directory)?)?;
    let how = match longer.before.cause() {
        Some(cause) => text!("the process died of {cause}", "进程死于 {cause}"),
        None => text!("{}", "{}", longer.before),
    };
    out.evidence(text!("a store past the end", "写到文件末尾之后"), how)?;
    let byte = char::from(longer.after);
    out.evidence(
        text!("when the file has grown", "文件变长之后再写"),
        text!("the file has {byte:?} there", "那里的字节是 {byte:?}"),
    )?;
    out.shows(text!("only the size at the moment of the access counts.", "起决定作用的，只是访问那一刻的文件大小。"))?;

    out.part(text!("Two processes talk through one", "两个进程借没有名字的文件通信"))?;
    for (with, talk) in [
        (
            text!("a child, which inherits the mapping", "子进程：继承了映射"),
            talk_with_a_child(scratch(&directory)?, &words)?,
        ),
        (
            text!("a stranger, which receives a descriptor", "没有亲缘关系的进程：收到一个描述符"),
            talk_with_a_stranger(|| scratch(&directory), &words)?,
        ),
    ] {
        out.tell(with)?;
        out.evidence(text!("it loaded", "它读到"), hex(&talk.heard_there))?;
        out.evidence(
            text!("its answer, loaded here", "它的回答，在这边读到"),
            format!("{:?}", char::from(talk.heard_here)),
        )?;
        out.evidence(text!("names of the file meanwhile", "这时文件的名字数"), talk.names)?;
    }
    out.shows(text!(
        "no name is needed to share a file: a mapping can be inherited, a descriptor sent.",
        "共享文件不需要名字：映射可以继承，描述符可以传递。"
    ))?;

    out.part(text!("What each seal forbids", "每种密封禁止什么"))?;
    for (name, seal) in [
        ("F_SEAL_SHRINK", SealFlag::F_SEAL_SHRINK),
        ("F_SEAL_GROW", SealFlag::F_SEAL_GROW),
        ("F_SEAL_WRITE", SealFlag::F_SEAL_WRITE),
        ("F_SEAL_FUTURE_WRITE", SealFlag::F_SEAL_FUTURE_WRITE),
    ] {
        let Sealed { shrink, grow, write, map, while_mapped } = sealed_with(seal)?;
        let [shrink, grow, write, map, mapped] = [shrink, grow, write, map, while_mapped].map(|said| answer(&said));
        out.evidence(
            name,
            text!(
                "shrink {shrink}, grow {grow}, write {write}, map {map}; sealed while mapped: {mapped}",
                "变短 {shrink}，变长 {grow}，write {write}，映射 {map}；已有映射时添加：{mapped}"
            ),
        )?;
    }
    out.shows(text!(
        "each seal forbids one kind of change, and F_SEAL_FUTURE_WRITE leaves the writable mappings that exist.",
        "每种密封只禁止一类改动；F_SEAL_FUTURE_WRITE 不管已有的可写映射。"
    ))?;

    out.part(text!("When the space comes back", "空间什么时候释放"))?;
    match space_comes_back()? {
        Err(reason) => out.evidence(text!("skipped", "跳过"), reason)?,
        Ok(space) => {
            for (moment, free) in [
                (text!("at first", "起初"), space.empty),
                (text!("a file of 1 MiB, mapped", "1 MiB 的文件，已映射"), space.filled),
                (text!("unlinked, and closed", "unlink 并关闭之后"), space.nameless),
                (text!("unmapped here", "这边解除映射之后"), space.one_unmapped),
                (text!("unmapped there", "那边也解除映射之后"), space.both_unmapped),
            ] {
                let free = free / 1024;
                out.evidence(moment, text!("{free} KiB are free on the disk", "磁盘剩余 {free} KiB"))?;
            }
        }
    }
    out.shows(text!(
        "the space comes back with the last reference, and a mapping is one.",
        "最后一个引用消失，空间才释放；映射也是引用。"
    ))?;

    out.part(text!(
        "Killed with SIGKILL: how many files are left in the directory",
        "被 SIGKILL 杀死：目录里留下几个文件"
    ))?;
    let scratch = tempfile::tempdir_in(&directory)?;
    for (label, moment) in [
        (text!("O_TMPFILE, else unlinked", "O_TMPFILE，不支持则 unlink"), Moment::WithTmpfile),
        (text!("with a memfd", "memfd"), Moment::WithMemoryFile),
        (text!("created and unlinked", "创建后 unlink"), Moment::Unlinked),
        (text!("between create and unlink", "在创建与 unlink 之间"), Moment::BetweenCreateAndUnlink),
        (text!("before \"unlink when done\"", "用完再 unlink，还没用完"), Moment::BeforeUnlinkWhenDone),
    ] {
        let directory = tempfile::tempdir_in(scratch.path())?;
        let left = match killed(directory.path(), moment) {
            // This file system has no O_TMPFILE.
            Err(error) if error.raw_os_error() == Some(Errno::EOPNOTSUPP as i32) => {
                killed(directory.path(), Moment::Unlinked)?
            }
            left => left?,
        };
        out.evidence(label, left)?;
    }
    out.shows(text!(
        "a file without a name can't be left behind, and one of O_TMPFILE never has a name.",
        "没有名字的文件不会被留下，而 O_TMPFILE 的文件从来没有名字。"
    ))
}

/// The names in a directory.
fn names(directory: &Path) -> io::Result<String> {
    let mut names = fs::read_dir(directory)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names.join(" "))
}
