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
//! when a process is killed.
//!
//! | way | made for |
//! |---|---|
//! | [`o_tmpfile`] | scratch data on a disk: there is never a name, and linkat(2) can give it one when it is finished |
//! | [`create_and_unlink`] | file systems without O_TMPFILE, and systems that are not Linux: it is all POSIX |
//! | [`memory_file`] | data that may live in memory and swap: no directory is needed, and it can be sealed (lesson 6) |

use std::fs::{self, File};
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::Path;

use nix::cmsg_space;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, posix_fallocate};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, UnixAddr, recvmsg, sendmsg};
use nix::sys::stat::Mode;
use nix::sys::statvfs::statvfs;
use nix::unistd::unlink;

use crate::lesson_2::{Mapping, READ_WRITE, Sharing};
use crate::narrate::Narrator;
use crate::observe::{hex, maps_of};
use crate::process::{Child, DEADLINE, OnSmallDisk, Peer, on_a_small_disk};

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

/// Gives the file a size, reserves its blocks (lesson 6 says why), and maps all of it.
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
/// EAGAIN when the socket has a timeout that passes; `UnexpectedEof` when the other end is gone; `InvalidData` when the
/// message carries no descriptor, or more than one (all are closed then); otherwise those of recvmsg(2).
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
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the process at the other end is gone"));
    }
    match (files.pop(), files.is_empty()) {
        (Some(file), true) => Ok(file.into()),
        (Some(_), false) => {
            Err(io::Error::new(io::ErrorKind::InvalidData, "the message carries more than one descriptor"))
        }
        (None, _) => Err(io::Error::new(io::ErrorKind::InvalidData, "the message carries no descriptor")),
    }
}
// ANCHOR_END: descriptor

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

    out.part("Three files without a name")?;
    out.evidence("the directory", names(&directory)?)?;
    let three =
        [("O_TMPFILE, or unlinked", scratch(&directory)?), ("created and unlinked", create_and_unlink(&directory)?)];
    for (way, file) in three.into_iter().chain([("memfd_create(2)", memory_file("scratch")?)]) {
        let mapping = size_and_map(&file, 1)?;
        out.evidence(way, format!("names: {}", file.metadata()?.nlink()))?;
        let name = mapped_name(&mapping)?;
        let kept = name.rsplit_once(' ').map_or(name.as_str(), |(_, deleted)| deleted);
        let shown =
            format!("{} {kept}", out.varying("name that it had, or its inode", name.trim_end_matches(" (deleted)")));
        out.evidence("  mapped as", shown)?;
    }
    out.evidence("the directory", names(&directory)?)?;
    out.shows("st_nlink is 0 and maps says (deleted): only a descriptor or a mapping leads to them.")?;

    out.part("Two processes talk through one")?;
    let talks = [
        ("a child, which inherits the mapping", talk_with_a_child(scratch(&directory)?, &words)?),
        ("a stranger, which receives a descriptor", talk_with_a_stranger(|| scratch(&directory), &words)?),
    ];
    for (with, talk) in talks {
        out.tell(with)?;
        out.evidence("it heard", hex(&talk.heard_there))?;
        out.evidence("it answered", format!("{:?}", char::from(talk.heard_here)))?;
        out.evidence("names meanwhile", talk.names)?;
    }
    out.shows("no name is needed to share a file: a mapping can be inherited, a descriptor sent.")?;

    out.part("When the space comes back")?;
    match space_comes_back()? {
        Err(reason) => out.evidence("skipped", reason)?,
        Ok(space) => {
            for (moment, free) in [
                ("free at first", space.empty),
                ("a file of 1 MiB, mapped", space.filled),
                ("unlinked, and closed", space.nameless),
                ("unmapped here", space.one_unmapped),
                ("unmapped there", space.both_unmapped),
            ] {
                out.evidence(moment, format!("{} KiB", free / 1024))?;
            }
        }
    }
    out.shows("the space comes back with the last reference, and a mapping is one.")?;

    out.part("Killed with SIGKILL: how many files are left in the directory")?;
    let scratch = tempfile::tempdir_in(&directory)?;
    for (label, moment) in [
        ("with a memfd", Moment::WithMemoryFile),
        ("created and unlinked", Moment::Unlinked),
        ("between create and unlink", Moment::BetweenCreateAndUnlink),
        ("before \"unlink when done\"", Moment::BeforeUnlinkWhenDone),
    ] {
        let directory = tempfile::tempdir_in(scratch.path())?;
        out.evidence(label, killed(directory.path(), moment)?)?;
    }
    out.shows("a file without a name can't be left behind, and one of O_TMPFILE never has a name.")
}

/// The names in a directory.
fn names(directory: &Path) -> io::Result<String> {
    let mut names = fs::read_dir(directory)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names.join(" "))
}
