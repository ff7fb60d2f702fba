//! A FUSE server: the kernel asks through /dev/fuse what becomes of each call on a file, and gets an answer.
//!
//! The protocol is that of `linux/fuse.h`, version 7.31: requests and answers are structs of integers in the machine's
//! byte order. An operation that is not implemented is answered with ENOSYS, and the kernel does without.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::unistd::{Gid, Uid};

use crate::memory::{BLOCK, Content, Memory, Node, now};

/// What a server does unlike a disk.
#[derive(Debug, Clone, Copy, Default)]
pub struct Switches {
    /// Files are opened for direct I/O (FOPEN_DIRECT_IO): read(2) and write(2) ask the server, past the page cache.
    pub direct: bool,
    /// There are no hard links.
    pub one_name: bool,
}

/// The room of a server, in blocks.
const ROOM: u64 = 8192;

/// How long the kernel may believe what it was told. Nobody else changes these files.
const FOR_GOOD: u64 = 1 << 30;

/// The longest write that a request carries.
const LONGEST: u32 = 1 << 20;

/// The size of the header of a request, and of an answer.
const REQUEST: usize = 40;
const ANSWER: usize = 16;

/// A mounted server, which answers until the process ends.
pub struct Server {
    memory: Arc<Mutex<Memory>>,
}

impl Server {
    /// Mounts a server at this directory.
    ///
    /// # Errors
    /// What is missing.
    pub fn mount(at: &Path, switches: Switches) -> Result<Server, String> {
        let device = OpenOptions::new().read(true).write(true).open("/dev/fuse");
        let device = device.map_err(|error| format!("/dev/fuse: {error}"))?;
        let (uid, gid) = (Uid::effective(), Gid::effective());
        let options = format!(
            "fd={},rootmode=40000,user_id={uid},group_id={gid},default_permissions,allow_other",
            device.as_raw_fd()
        );
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
        mount(Some("laboratory"), at, Some("fuse"), flags, Some(options.as_str()))
            .map_err(|errno| format!("mount(2), fuse: {errno}"))?;
        let memory = Arc::new(Mutex::new(Memory::new(ROOM, uid.as_raw(), gid.as_raw())));
        let served = Arc::clone(&memory);
        std::thread::spawn(move || {
            if let Err(error) = serve(&device, &served, switches) {
                eprintln!("laboratory: /dev/fuse: {error}");
            }
        });
        Ok(Server { memory })
    }

    /// The file with this name in the root directory vanishes: each request for it is answered with ESTALE.
    ///
    /// # Errors
    /// ENOENT if there is none.
    pub fn vanish(&self, name: &str) -> Result<(), Errno> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).vanish(name.as_bytes())
    }
}

/// Answers one request after the other, until the file system is unmounted.
fn serve(mut device: &File, memory: &Mutex<Memory>, switches: Switches) -> io::Result<()> {
    let mut buffer = vec![0; REQUEST + 64 + LONGEST as usize];
    loop {
        let length = match device.read(&mut buffer) {
            Ok(length) => length,
            Err(error) if error.raw_os_error() == Some(Errno::ENODEV as i32) => return Ok(()),
            // A request that was taken back.
            Err(error) if [Errno::ENOENT, Errno::EINTR].iter().any(|e| error.raw_os_error() == Some(*e as i32)) => {
                continue;
            }
            Err(error) => return Err(error),
        };
        let request = Request::new(&buffer[..length]);
        let answer = answer(&mut memory.lock().unwrap_or_else(PoisonError::into_inner), &request, switches);
        let Some(answer) = answer else { continue };
        let (error, body) = match answer {
            Ok(body) => (0, body.0),
            Err(errno) => (-(errno as i32), Vec::new()),
        };
        let whole = u32::try_from(ANSWER + body.len()).map_err(io::Error::other)?;
        let mut bytes = Body::default().int(whole).0;
        bytes.extend(error.to_ne_bytes());
        bytes.extend(request.unique.to_ne_bytes());
        bytes.extend(body);
        match device.write_all(&bytes) {
            // Whoever asked is gone.
            Err(error) if error.raw_os_error() == Some(Errno::ENOENT as i32) => {}
            other => other?,
        }
    }
}

/// A request: its header, and the operation's own part.
struct Request<'a> {
    operation: u32,
    unique: u64,
    node: u64,
    /// The caller, who owns what it makes.
    owner: (u32, u32),
    body: &'a [u8],
}

impl<'a> Request<'a> {
    fn new(bytes: &'a [u8]) -> Request<'a> {
        let header = Request { operation: 0, unique: 0, node: 0, owner: (0, 0), body: bytes };
        Request {
            operation: header.int(4),
            unique: header.long(8),
            node: header.long(16),
            owner: (header.int(24), header.int(28)),
            body: bytes.get(REQUEST..).unwrap_or_default(),
        }
    }

    /// The 32-bit number at this offset of the body; 0 where it has none.
    fn int(&self, at: usize) -> u32 {
        self.body.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u32::from_ne_bytes(*bytes))
    }

    fn long(&self, at: usize) -> u64 {
        self.body.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u64::from_ne_bytes(*bytes))
    }

    /// The names that begin at this offset; each ends with a NUL.
    fn names(&self, at: usize) -> impl Iterator<Item = &'a [u8]> {
        self.body.get(at..).unwrap_or_default().split(|byte| *byte == 0)
    }

    fn name(&self, at: usize) -> &'a [u8] {
        self.names(at).next().unwrap_or_default()
    }
}

/// The body of an answer.
#[derive(Default)]
struct Body(Vec<u8>);

impl Body {
    fn int(mut self, number: u32) -> Body {
        self.0.extend(number.to_ne_bytes());
        self
    }

    fn long(mut self, number: u64) -> Body {
        self.0.extend(number.to_ne_bytes());
        self
    }

    fn ints<const N: usize>(self, numbers: [u32; N]) -> Body {
        numbers.into_iter().fold(self, Body::int)
    }

    fn longs<const N: usize>(self, numbers: [u64; N]) -> Body {
        numbers.into_iter().fold(self, Body::long)
    }

    /// fuse_attr
    fn attributes(self, number: u64, node: &Node) -> Body {
        let (size, blocks, device) = match &node.content {
            Content::File(size, blocks) => (*size, blocks.len() as u64, 0),
            Content::Link(to) => (to.len() as u64, 0, 0),
            Content::Directory(_) => (0, 0, 0),
            Content::Special(device) => (0, 0, *device),
        };
        let [atime, mtime, ctime] = node.times;
        self.longs([number, size, blocks * BLOCK / 512, atime.0, mtime.0, ctime.0])
            .ints([atime.1, mtime.1, ctime.1, node.mode, node.links, node.uid, node.gid, device])
            .ints([u32::try_from(BLOCK).unwrap_or(0), 0])
    }

    /// fuse_entry_out
    fn entry(self, number: u64, node: &Node) -> Body {
        self.longs([number, 0, FOR_GOOD, FOR_GOOD]).ints([0, 0]).attributes(number, node)
    }

    /// fuse_open_out. What the kernel has cached stays valid (FOPEN_KEEP_CACHE), unless it is to cache nothing.
    fn opened(self, switches: Switches) -> Body {
        self.long(0).ints([if switches.direct { 1 } else { 2 }, 0])
    }
}

/// The answer to a request; None if there is none to give.
fn answer(memory: &mut Memory, request: &Request, switches: Switches) -> Option<Result<Body, Errno>> {
    match request.operation {
        // FORGET, INTERRUPT, BATCH_FORGET
        2 => memory.forget(request.node, request.long(0)),
        36 => {}
        42 => {
            for index in 0..usize::try_from(request.int(0)).unwrap_or(0) {
                memory.forget(request.long(8 + 16 * index), request.long(16 + 16 * index));
            }
        }
        _ => return Some(result(memory, request, switches)),
    }
    None
}

fn result(memory: &mut Memory, request: &Request, switches: Switches) -> Result<Body, Errno> {
    let (number, body) = (request.node, Body::default());
    let range = |at: usize, length: u64| (request.long(at), request.long(at).saturating_add(length));
    match request.operation {
        // LOOKUP
        1 => {
            let found = memory.look_up(number, request.name(0))?;
            Ok(body.entry(found, memory.node(found)?))
        }
        // GETATTR
        3 => attributes(memory, number),
        // SETATTR
        4 => {
            set_attributes(memory, request)?;
            attributes(memory, number)
        }
        // READLINK
        5 => match &memory.node(number)?.content {
            Content::Link(to) => Ok(Body(to.clone())),
            _ => Err(Errno::EINVAL),
        },
        // SYMLINK: the name, then where it leads
        6 => {
            let mut names = request.names(0);
            let (name, to) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
            make(memory, request, name, 0o120_777, Content::Link(to.to_owned()))
        }
        // MKNOD, MKDIR, CREATE
        8 => {
            let (mode, device) = (request.int(0), request.int(4));
            let regular = mode & 0o170_000 == 0o100_000;
            let content = if regular { Content::File(0, Default::default()) } else { Content::Special(device) };
            make(memory, request, request.name(16), mode, content)
        }
        9 => {
            let mode = 0o40_000 | request.int(0);
            make(memory, request, request.name(8), mode, Content::Directory(Default::default()))
        }
        35 => {
            let (mode, content) = (request.int(4), Content::File(0, Default::default()));
            Ok(make(memory, request, request.name(16), mode, content)?.opened(switches))
        }
        // UNLINK, RMDIR
        10 | 11 => memory.unlink(number, request.name(0)).map(|()| body),
        // RENAME, RENAME2: without RENAME_EXCHANGE
        12 => rename(memory, request, 8, 0).map(|()| body),
        45 => rename(memory, request, 16, request.int(8)).map(|()| body),
        // LINK
        13 if switches.one_name => Err(Errno::EPERM),
        13 => {
            let linked = request.long(0);
            memory.link(linked, number, request.name(8))?;
            Ok(body.entry(linked, memory.node(linked)?))
        }
        // OPEN, OPENDIR
        14 => memory.node(number).map(|_| body.opened(switches)),
        27 => memory.names(number).map(|_| body.longs([0, 0])),
        // READ, WRITE
        15 => memory.read(number, request.long(8), request.int(16).into()).map(Body),
        16 => {
            let length = request.int(16);
            let bytes = request.body.get(40..).unwrap_or_default();
            let bytes = bytes.get(..length as usize).ok_or(Errno::EINVAL)?;
            memory.write(number, request.long(8), bytes)?;
            Ok(body.ints([length, 0]))
        }
        // STATFS
        17 => {
            let ([room, taken], block) = (memory.room, u32::try_from(BLOCK).unwrap_or(0));
            Ok(body.longs([room, room - taken, room - taken, 1 << 20, 1 << 20]).ints([block, 255, block]).ints([0; 7]))
        }
        // RELEASE, FSYNC, FLUSH, RELEASEDIR, FSYNCDIR, DESTROY
        18 | 20 | 25 | 29 | 30 | 38 => Ok(body),
        // INIT: of what the kernel offers, FUSE_ASYNC_READ, FUSE_BIG_WRITES, FUSE_WRITEBACK_CACHE and FUSE_MAX_PAGES
        26 => {
            let flags = request.int(12) & (1 | 1 << 5 | 1 << 16 | 1 << 22);
            let mut answer = body.ints([7, 31, request.int(8), flags, 0, LONGEST, 1]);
            let pages = u16::try_from(u64::from(LONGEST) / BLOCK).unwrap_or(u16::MAX);
            answer.0.extend(pages.to_ne_bytes());
            answer.0.resize(64, 0);
            Ok(answer)
        }
        // READDIR
        28 => {
            let (from, most) = (request.long(8), request.int(16) as usize);
            let mut entries = Body::default();
            let names: Vec<_> = memory.names(number)?.iter().map(|(name, n)| (name.clone(), *n)).collect();
            for ((name, found), next) in names.into_iter().zip(1..).skip_while(|(_, next)| *next <= from) {
                let kind = memory.node(found).map_or(0, |node| node.mode >> 12);
                let length = name.len();
                if entries.0.len() + (24 + length).next_multiple_of(8) > most {
                    break;
                }
                entries = entries.longs([found, next]).ints([u32::try_from(length).unwrap_or(0), kind]);
                entries.0.extend(name);
                entries.0.resize(entries.0.len().next_multiple_of(8), 0);
            }
            Ok(entries)
        }
        // FALLOCATE: FALLOC_FL_KEEP_SIZE is 1, PUNCH_HOLE 2, ZERO_RANGE 16
        43 => {
            let ((at, end), mode) = (range(8, request.long(16)), request.int(24));
            match mode {
                0 | 1 => memory.reserve(number, at, end)?,
                3 => memory.punch(number, at, end)?,
                16 | 17 => memory.punch(number, at, end).and_then(|()| memory.reserve(number, at, end))?,
                _ => return Err(Errno::EOPNOTSUPP),
            }
            let longer = matches!(&memory.node(number)?.content, Content::File(size, _) if *size < end);
            if mode & 1 == 0 && longer {
                memory.resize(number, end)?;
            }
            Ok(body)
        }
        _ => Err(Errno::ENOSYS),
    }
}

/// fuse_attr_out
fn attributes(memory: &mut Memory, number: u64) -> Result<Body, Errno> {
    Ok(Body::default().long(FOR_GOOD).ints([0, 0]).attributes(number, memory.node(number)?))
}

fn make(memory: &mut Memory, request: &Request, name: &[u8], mode: u32, content: Content) -> Result<Body, Errno> {
    let made = memory.make(request.node, name, mode, request.owner, content)?;
    Ok(Body::default().entry(made, memory.node(made)?))
}

fn rename(memory: &mut Memory, request: &Request, names: usize, flags: u32) -> Result<(), Errno> {
    let mut both = request.names(names);
    let (from, to) = (both.next().unwrap_or_default(), both.next().unwrap_or_default());
    // RENAME_NOREPLACE
    if flags & !1 != 0 {
        return Err(Errno::EINVAL);
    }
    memory.rename((request.node, from), (request.long(0), to), flags == 0)
}

/// fuse_setattr_in: which of the attributes are set is a bit of its first number.
fn set_attributes(memory: &mut Memory, request: &Request) -> Result<(), Errno> {
    let set = |bit: u32| request.int(0) & (1 << bit) != 0;
    if set(3) {
        memory.resize(request.node, request.long(16))?;
    }
    let node = memory.node(request.node)?;
    node.times[2] = now();
    if set(0) {
        node.mode = request.int(68);
    }
    if set(1) {
        node.uid = request.int(76);
    }
    if set(2) {
        node.gid = request.int(80);
    }
    // atime, mtime and ctime; then whether one of the first two is this moment.
    for (index, (bit, is_now)) in [(4, 7), (5, 8), (10, 31)].into_iter().enumerate() {
        if set(bit) {
            node.times[index] = (request.long(32 + 8 * index), request.int(56 + 4 * index));
        }
        if set(is_now) {
            node.times[index] = now();
        }
    }
    Ok(())
}
