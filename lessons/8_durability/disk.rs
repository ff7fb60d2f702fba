//! A disk that is a process: it keeps a log of what the kernel asks of it, and may refuse to write.
//!
//! What reaches a disk can't be seen from a program. So here the disk is a program, too: a FUSE server, of which the kernel asks
//! through /dev/fuse what it would ask of a file system on a disk. [`on_a_disk`] mounts it where nobody else sees it, which
//! takes no privilege, and runs a function there. Look at `Server::answer`: a file system of two
//! files has no more to say.
//!
//! The protocol is that of `linux/fuse.h`, version 7.31: requests and answers are integers in the machine's byte order.
//!
//! It is a disk that is slow to get its bytes: FUSE_WRITEBACK_CACHE leaves them in the page cache until the kernel writes
//! back, as for ext4. In one thing it is unlike ext4: munmap(2), close(2) and the end of a process write, too
//! (`fuse_vma_close`, `fuse_flush`). So it is a witness of msync(2), fdatasync(2), fsync(2) and of errors, and of nothing else.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::libc;
use nix::mount::{MsFlags, mount};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::unistd::{Gid, Uid};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::observe::page_size;
use crate::process::{Child, DEADLINE, Peer, own_mounts};

/// The disk's file of four pages, which are full of this byte.
pub const FILE: &str = "file";
/// An empty file.
pub const SPARE: &str = "spare";
/// The pages of the file.
pub const PAGES: usize = 4;
/// What is in the file at the beginning.
pub const OLD: u8 = b'o';

// ANCHOR: asked
/// What the kernel asks of a disk, as far as it is of interest here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Asked {
    /// To write bytes of the page cache.
    Write {
        /// The offset of the first.
        at: u64,
        /// How many.
        length: u64,
    },
    /// To make safe what was written: data, and all that belongs to it.
    Fsync,
    /// The same, but only the metadata without which the data can't be read.
    Fdatasync,
    /// A descriptor is closed.
    Flush,
    /// To change the file's size.
    Resize(u64),
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Asked::Write { at, length } => write!(f, "WRITE {at}+{length}"),
            Asked::Fsync => f.write_str("FSYNC"),
            Asked::Fdatasync => f.write_str("FSYNC (data)"),
            Asked::Flush => f.write_str("FUSE_FLUSH"),
            Asked::Resize(size) => write!(f, "SETATTR size {size}"),
        }
    }
}
// ANCHOR_END: asked

// ANCHOR: on_a_disk
/// Runs `body` in a process of its own, on a disk that is another process, and returns what it returns (up to 64 KiB as JSON).
///
/// The inner `Err` says why there can be no such disk on this machine: /dev/fuse may be root's, or user namespaces forbidden.
///
/// Whoever dies first, nothing stays: the process dies with its parent, and the disk with the process. When the disk ends, its
/// descriptor of /dev/fuse is closed, and the kernel ends what still waits for an answer (ECONNABORTED). The mount is in a
/// namespace of the two, over the directory of temporary files, so that not even a directory is left.
///
/// # Errors
/// Those of fork(2), of `body`, and of the disk.
pub fn on_a_disk<T: Serialize + DeserializeOwned>(
    body: impl FnOnce(&Disk) -> io::Result<T>,
) -> io::Result<Result<T, String>> {
    let (child, peer) = Child::fork(|peer| {
        let returned = match Disk::mount()? {
            Ok(disk) => Ok(body(&disk)?),
            Err(reason) => Err(reason),
        };
        peer.send(&serde_json::to_vec(&returned)?)
    })?;
    let returned = peer.receive();
    // How it ended says why it returned nothing.
    child.wait()?.success()?;
    Ok(serde_json::from_slice(&returned?)?)
}
// ANCHOR_END: on_a_disk

/// A mounted disk. The process that has it must not be the one that serves it, which would wait for itself.
#[derive(Debug)]
pub struct Disk {
    at: PathBuf,
    control: Peer,
    /// It ends when this is dropped.
    server: Child,
}

/// What the disk is told, or asked, past the kernel.
#[derive(Debug, Serialize, Deserialize)]
enum Order {
    TakeLog,
    Refuse { file: String, errno: i32 },
    Bytes { file: String, length: usize },
}

impl Disk {
    /// In a child of a process that has no more than one thread.
    fn mount() -> io::Result<Result<Disk, String>> {
        if let Err(reason) = own_mounts() {
            return Ok(Err(reason));
        }
        let at = std::env::temp_dir();
        let (server, control) = Child::fork(|peer| match open_and_mount(&at) {
            Err(reason) => peer.send(reason.as_bytes()),
            Ok(device) => {
                peer.give_turn()?;
                Server::new(device).serve(peer)
            }
        })?;
        let first = control.receive()?;
        if first != b"." {
            return Ok(Err(String::from_utf8_lossy(&first).into_owned()));
        }
        Ok(Ok(Disk { at, control, server }))
    }

    /// Where one of its files is: [`FILE`] or [`SPARE`].
    pub fn path(&self, file: &str) -> PathBuf {
        self.at.join(file)
    }

    /// What was asked of the disk since this was last called.
    ///
    /// # Errors
    /// When the disk is gone, as for all of these.
    pub fn take_log(&self) -> io::Result<Vec<Asked>> {
        self.ask(&Order::TakeLog)
    }

    /// From now on the disk refuses each write to this file, with EIO or ENOSPC for instance; or None any more.
    ///
    /// # Errors
    /// When the disk is gone.
    pub fn refuse(&self, file: &str, errno: Option<Errno>) -> io::Result<()> {
        self.ask(&Order::Refuse { file: file.to_owned(), errno: errno.map_or(0, |errno| errno as i32) })
    }

    /// The first bytes of a file that are on the disk, whatever the page cache has.
    ///
    /// # Errors
    /// When the disk is gone.
    pub fn bytes(&self, file: &str, length: usize) -> io::Result<Vec<u8>> {
        self.ask(&Order::Bytes { file: file.to_owned(), length })
    }

    /// Takes the disk away: from now on all that would ask it fails (ENOTCONN, ECONNABORTED), a fault kills (SIGBUS).
    ///
    /// # Errors
    /// Those of kill(2).
    pub fn pull_out(&self) -> io::Result<()> {
        self.server.signal(Signal::SIGKILL)
    }

    fn ask<T: DeserializeOwned>(&self, order: &Order) -> io::Result<T> {
        self.control.send(&serde_json::to_vec(order)?)?;
        Ok(serde_json::from_slice(&self.control.receive()?)?)
    }
}

// ANCHOR: mount
/// Opens the kernel's end of a new file system, and mounts it. An ordinary user may, in a user namespace (Linux 4.18).
// ANCHOR: mount_fn
fn open_and_mount(at: &Path) -> Result<File, String> {
    let device = File::options().read(true).write(true).custom_flags(libc::O_NONBLOCK).open("/dev/fuse");
    let device = device.map_err(|error| format!("/dev/fuse: {error}"))?;
    let (fd, uid, gid) = (device.as_raw_fd(), Uid::effective(), Gid::effective());
    let options = format!("fd={fd},rootmode=40000,user_id={uid},group_id={gid}");
    mount(Some("disk"), at, Some("fuse"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV, Some(options.as_str()))
        .map_err(|errno| format!("mount(2), fuse: {errno}"))?;
    Ok(device)
}
// ANCHOR_END: mount_fn
// ANCHOR_END: mount

/// The disk's side.
struct Server {
    device: File,
    files: [Stored; 2],
    log: Vec<Asked>,
}

/// A file, as it is on the disk.
struct Stored {
    name: &'static str,
    bytes: Vec<u8>,
    /// What each write is refused with.
    refused: Option<Errno>,
}

// ANCHOR: serve
impl Server {
    fn new(device: File) -> Server {
        let stored = |name, bytes| Stored { name, bytes, refused: None };
        Server {
            device,
            files: [stored(FILE, vec![OLD; PAGES * page_size()]), stored(SPARE, Vec::new())],
            log: Vec::new(),
        }
    }

    /// Answers one request after the other, until the file system or the process that uses it is gone.
    fn serve(mut self, control: &Peer) -> io::Result<()> {
        let mut buffer = vec![0; REQUEST + WRITE + LONGEST + page_size()];
        let deadline = PollTimeout::try_from(DEADLINE).map_err(io::Error::other)?;
        loop {
            let mut ready = [&self.device.as_fd(), &control.as_fd()].map(|fd| PollFd::new(*fd, PollFlags::POLLIN));
            if poll(&mut ready, deadline)? == 0 {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let [requested, told] = ready.map(|ready| ready.any() == Some(true));
            if requested {
                let length = match self.device.read(&mut buffer) {
                    // The process that asked was killed, and its request taken back.
                    Err(error) if [Errno::ENOENT, Errno::EAGAIN].contains(&errno_of(&error)) => continue,
                    // It was unmounted.
                    Err(error) if errno_of(&error) == Errno::ENODEV => return Ok(()),
                    length => length?,
                };
                self.reply(&Request(&buffer[..length]))?;
            }
            if told {
                let order = match control.receive() {
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
                    order => serde_json::from_slice(&order?)?,
                };
                control.send(&self.obey(order)?)?;
            }
        }
    }

    fn obey(&mut self, order: Order) -> io::Result<Vec<u8>> {
        let index = |name: String| {
            let index = self.files.iter().position(|file| file.name == name);
            index.ok_or(io::Error::from(io::ErrorKind::NotFound))
        };
        Ok(match order {
            Order::TakeLog => serde_json::to_vec(&std::mem::take(&mut self.log))?,
            Order::Refuse { file, errno } => {
                let index = index(file)?;
                self.files[index].refused = (errno != 0).then(|| Errno::from_raw(errno));
                serde_json::to_vec(&())?
            }
            Order::Bytes { file, length } => {
                let bytes = &self.files[index(file)?].bytes;
                serde_json::to_vec(&bytes[..length.min(bytes.len())])?
            }
        })
    }

    /// An answer is its length, an errno, and the number of the request; then what was asked for.
    fn reply(&mut self, request: &Request) -> io::Result<()> {
        // FUSE_FORGET, FUSE_INTERRUPT and FUSE_BATCH_FORGET get no answer.
        if [2, 36, 42].contains(&request.operation()) {
            return Ok(());
        }
        let (errno, body) = match self.answer(request) {
            Ok(body) => (0, body.0),
            Err(errno) => (-(errno as i32), Vec::new()),
        };
        let length = u32::try_from(16 + body.len()).map_err(io::Error::other)?;
        let mut answer = Body::default().ints([length]).0;
        answer.extend(errno.to_ne_bytes());
        answer.extend(Body::default().longs([request.long(8)]).0);
        answer.extend(body);
        match self.device.write_all(&answer) {
            // The process that asked is gone.
            Err(error) if errno_of(&error) == Errno::ENOENT => Ok(()),
            written => written,
        }
    }
}
// ANCHOR_END: serve

fn errno_of(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw)
}

/// The length of what comes before a request's own part, and of what comes before the bytes of a write.
const REQUEST: usize = 40;
const WRITE: usize = 40;
/// The longest write that a request carries.
const LONGEST: usize = 1 << 17;
/// The number of the root directory. Those of the files follow.
const ROOT: u64 = 1;
/// How long the kernel may believe what it was told, in seconds. Nobody else changes these files.
const FOR_GOOD: u64 = 1 << 30;

// ANCHOR: answer
impl Server {
    /// Answers a request. What is not known here is answered with ENOSYS, and the kernel does without.
    fn answer(&mut self, request: &Request) -> Result<Body, Errno> {
        let number = |at| usize::try_from(request.long(at)).map_err(|_| Errno::EFBIG);
        let node = request.long(16);
        let body = Body::default();
        match request.operation() {
            // FUSE_LOOKUP: a name
            1 => {
                let name = request.own().split(|byte| *byte == 0).next().unwrap_or_default();
                let file = self.files.iter().position(|file| file.name.as_bytes() == name).ok_or(Errno::ENOENT)?;
                let node = ROOT + 1 + file as u64;
                Ok(body.longs([node, 0, FOR_GOOD, FOR_GOOD]).ints([0, 0]).attributes(node, self.size_of(node)))
            }
            // FUSE_GETATTR
            3 => Ok(body.longs([FOR_GOOD]).ints([0, 0]).attributes(node, self.size_of(node))),
            // FUSE_SETATTR: bit 3 says that the size is set, and not the times only
            4 => {
                if request.int(REQUEST) & 1 << 3 != 0 {
                    self.log.push(Asked::Resize(request.long(REQUEST + 16)));
                    let size = number(REQUEST + 16)?;
                    self.file(node)?.bytes.resize(size, 0);
                }
                Ok(body.longs([FOR_GOOD]).ints([0, 0]).attributes(node, self.size_of(node)))
            }
            // FUSE_OPEN: what is in the page cache stays there (FOPEN_KEEP_CACHE)
            14 => Ok(body.longs([0]).ints([1 << 1, 0])),
            // FUSE_READ
            15 => {
                let (from, length) = (number(REQUEST + 8)?, request.int(REQUEST + 16) as usize);
                let bytes = &self.file(node)?.bytes;
                let range = from.min(bytes.len())..from.saturating_add(length).min(bytes.len());
                Ok(Body(bytes[range].to_vec()))
            }
            // FUSE_WRITE
            16 => {
                let (from, length) = (number(REQUEST + 8)?, request.int(REQUEST + 16));
                self.log.push(Asked::Write { at: from as u64, length: length.into() });
                let file = self.file(node)?;
                if let Some(errno) = file.refused {
                    return Err(errno);
                }
                let bytes = request.own().get(WRITE..).ok_or(Errno::EINVAL)?;
                let end = from.checked_add(bytes.len()).ok_or(Errno::EFBIG)?;
                file.bytes.resize(end.max(file.bytes.len()), 0);
                file.bytes[from..end].copy_from_slice(bytes);
                Ok(body.ints([length, 0]))
            }
            // FUSE_RELEASE: the last descriptor of an open file is closed
            18 => Ok(body),
            // FUSE_FSYNC: bit 0 says that data is enough
            20 => {
                let data = request.int(REQUEST + 8) & 1 != 0;
                self.log.push(if data { Asked::Fdatasync } else { Asked::Fsync });
                Ok(body)
            }
            // FUSE_FLUSH
            25 => {
                self.log.push(Asked::Flush);
                Ok(body)
            }
            // FUSE_INIT: of what the kernel offers, FUSE_BIG_WRITES, FUSE_WRITEBACK_CACHE and FUSE_MAX_PAGES
            26 => {
                let flags = request.int(REQUEST + 12) & (1 << 5 | 1 << 16 | 1 << 22);
                let pages = u32::try_from(LONGEST.div_ceil(page_size())).unwrap_or(1);
                let longest = u32::try_from(LONGEST).map_err(|_| Errno::EFBIG)?;
                let body = body.ints([7, 31, request.int(REQUEST + 8), flags, 0, longest, 1]);
                // max_pages and map_alignment have two bytes each.
                let mut body = body.ints([if cfg!(target_endian = "big") { pages << 16 } else { pages }]);
                body.0.resize(64, 0);
                Ok(body)
            }
            _ => Err(Errno::ENOSYS),
        }
    }

    fn file(&mut self, node: u64) -> Result<&mut Stored, Errno> {
        let index = node.checked_sub(ROOT + 1).and_then(|index| usize::try_from(index).ok());
        index.and_then(|index| self.files.get_mut(index)).ok_or(Errno::ENOENT)
    }

    fn size_of(&mut self, node: u64) -> u64 {
        self.file(node).map_or(0, |file| file.bytes.len() as u64)
    }
}
// ANCHOR_END: answer

/// A request: its length, the operation, its number, the node, the caller; from [`REQUEST`] on the operation's own part.
struct Request<'a>(&'a [u8]);

impl<'a> Request<'a> {
    fn operation(&self) -> u32 {
        self.int(4)
    }

    fn own(&self) -> &'a [u8] {
        self.0.get(REQUEST..).unwrap_or_default()
    }

    /// The number at this offset; 0 where the request is too short.
    fn int(&self, at: usize) -> u32 {
        self.0.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u32::from_ne_bytes(*bytes))
    }

    fn long(&self, at: usize) -> u64 {
        self.0.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u64::from_ne_bytes(*bytes))
    }
}

/// The own part of an answer.
#[derive(Default)]
struct Body(Vec<u8>);

impl Body {
    fn ints<const N: usize>(mut self, numbers: [u32; N]) -> Body {
        self.0.extend(numbers.into_iter().flat_map(u32::to_ne_bytes));
        self
    }

    fn longs<const N: usize>(mut self, numbers: [u64; N]) -> Body {
        self.0.extend(numbers.into_iter().flat_map(u64::to_ne_bytes));
        self
    }

    /// fuse_attr: number, size, blocks, three times; their nanoseconds, mode, links, owner, group, device, block size.
    fn attributes(self, node: u64, size: u64) -> Body {
        let mode = if node == ROOT { 0o40_755 } else { 0o100_644 };
        let page = u32::try_from(page_size()).unwrap_or_default();
        self.longs([node, size, size.div_ceil(512), 0, 0, 0]).ints([
            0,
            0,
            0,
            mode,
            1,
            Uid::effective().as_raw(),
            Gid::effective().as_raw(),
            0,
            page,
            0,
        ])
    }
}
