//! # Lesson 4: Processes that talk through a mapped file
//!
//! Two processes that map the same file shared have the same page of memory. What one stores, the other loads: no call
//! into the kernel, no copy. But mmap(2) gives no more than the page. When may the other side read? How does it know
//! that a message is whole, that there is a new one, that its partner is still alive? The two programs have to settle
//! that.
//!
//! The study notes' writer and reader settle none of it. Here they are [`write_hellos`] and [`read_hellos`], on a
//! [`Channel`], which follows the notes' own advice, "design it as a struct". What the notes do, and what is done here
//! instead:
//!
//! | in the notes | here |
//! |---|---|
//! | seek and write one byte, to give the file its size | posix_fallocate(3): disk blocks are reserved, too |
//! | mode 0777 | 0600: a process that may write to the file may truncate it, and the next access to the page kills |
//! | the file exists before it has its size | it gets its name when it is complete |
//! | sprintf into the page, printf from it | a sequence lock: a reader gets a whole message or none |
//! | printf until a NUL comes | a length, checked against the capacity |
//! | the reader opens O_RDWR | O_RDONLY and PROT_READ |
//! | sleep(1), then look for something new | futex(2): sleep until the writer rings |
//! | two writers write over each other | a lock, which the kernel releases when the writer dies |
//! | `while (1)`, and munmap never reached | a signal ends the loop, and the mapping is removed |
//!
//! ## Why there is no `&[u8]` here
//! A `&[u8]` promises the compiler that its bytes do not change while it lives, a `&mut [u8]` that nothing else even
//! reads them. The compiler uses such promises: it may load a length once to check it, and once more to copy. When
//! another process stores to the page, the promise is broken. That is undefined behaviour in Rust, whether or not
//! something goes wrong today, and a volatile read through the reference does not help: the reference itself is the
//! broken promise. An atomic makes no such promise; each load gives a value that was there at some moment. So a channel
//! is a struct of atomics, and memmap2's type for it is [`memmap2::MmapRaw`], which hands out a pointer. `Mmap` and
//! `MmapMut` are slices, and creating them is `unsafe` for this very reason.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::ops::Deref;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::Ordering::{Relaxed, Release};
use std::sync::atomic::{self, AtomicU32, AtomicU64, fence};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use memmap2::{MmapOptions, MmapRaw};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl, posix_fallocate};
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll, ppoll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::sys::mman::ProtFlags;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::time::TimeSpec;

use crate::error::{in_words, kind_in_words, named, other, told};
use crate::lesson_2::{Mapping, READ_WRITE, Sharing};
use crate::narrate::Narrator;
use crate::observe::{Area, maps_of, maps_of_process};
use crate::process::{Child, DEADLINE, Ended};
use crate::text;
use crate::text::{Language, Text};

// ANCHOR: channel
/// The maximum length of a message's text, in bytes.
pub const CAPACITY: usize = 40;

/// The first word of a channel file. It is a number and not text: a machine with the other byte order reads a different
/// number, and refuses the file.
pub const MAGIC: u64 = u64::from_be_bytes(*b"mmapchan");

/// Incremented whenever the meaning of a field changes.
pub const VERSION: u32 = 1;

/// A message stays whole in one slot while the next one is written to the other.
pub const SLOTS: usize = 2;

/// The number of machine words in a message: its number, the length of its text, the text.
const WORDS: usize = 2 + CAPACITY / 8;

/// The file, as a struct. Each process maps it at a different address, so it contains no pointers.
///
/// `repr(C)` fixes the order of the fields: both programs must agree on it, and they may be built years apart.
// ANCHOR: fields
#[repr(C)]
#[derive(Debug)]
pub struct Channel {
    magic: AtomicU64,
    version: AtomicU32,
    /// The size of this struct: a build with more slots or longer texts has a different one.
    layout: AtomicU32,
    /// The process id of the writer, or of the last one.
    writer: AtomicU32,
    /// The number of rings so far. Readers sleep on it.
    bell: AtomicU32,
    /// Odd while a writer has the channel, even after it has finished. A writer that dies leaves it odd.
    session: AtomicU64,
    /// The number of messages so far: the last one is in slot `(published - 1) % SLOTS`.
    published: AtomicU64,
    /// The number of this writer's first message. Earlier messages are from other writers.
    first: AtomicU64,
    slots: [Slot; SLOTS],
}

#[repr(C)]
#[derive(Debug)]
struct Slot {
    /// The sequence lock: odd while the words are being written.
    sequence: AtomicU64,
    words: [AtomicU64; WORDS],
}
// ANCHOR_END: fields

/// The size of a channel file in bytes.
pub const SIZE: usize = size_of::<Channel>();

impl Channel {
    /// The channel at the start of a mapping.
    fn of(mapping: &Mapping) -> &Channel {
        assert!(mapping.length() >= SIZE, "a mapping of {} bytes is too short for a channel", mapping.length());
        let start = std::ptr::with_exposed_provenance(mapping.address());
        // SAFETY: mapped for as long as `mapping` is borrowed, page-aligned, and any bytes are a valid Channel. All its
        // fields are atomics, so other processes may change them meanwhile.
        unsafe { &*start }
    }

    /// Fills in the header of a new file, which is all zeros.
    fn initialize(&self) {
        self.magic.store(MAGIC, Relaxed);
        self.version.store(VERSION, Relaxed);
        self.layout.store(layout(), Relaxed);
    }

    /// Checks that this is a channel, with a version and a layout that this program knows.
    fn check(&self) -> io::Result<()> {
        let (magic, version, size) = (self.magic.load(Relaxed), self.version.load(Relaxed), self.layout.load(Relaxed));
        let (kind, text) = if magic != MAGIC {
            let text =
                text!("not a channel: it does not begin with a channel's magic number", "不是通道：开头不是通道的魔数");
            (ErrorKind::InvalidData, text)
        } else if version != VERSION {
            let text = text!(
                "a channel of version {version}; this program knows version {VERSION}",
                "通道的版本是 {version}，而本程序只认识版本 {VERSION}"
            );
            (ErrorKind::Unsupported, text)
        } else if size != layout() {
            let text = text!(
                "a channel with a layout of {size} bytes; this program's has {SIZE}",
                "通道的布局有 {size} 字节，而本程序的是 {SIZE} 字节"
            );
            (ErrorKind::Unsupported, text)
        } else {
            return Ok(());
        };
        Err(told(kind, text))
    }
}

fn layout() -> u32 {
    u32::try_from(SIZE).expect("a channel is small")
}

/// A message of a channel: a number, which is one more than that of the message before, and a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message([u64; WORDS]);

impl Message {
    fn new(number: u64, text: &str) -> io::Result<Message> {
        if text.len() > CAPACITY {
            let length = text.len();
            let text = text!(
                "the text has {length} bytes, and a message has room for {CAPACITY}",
                "文本有 {length} 字节，而一条消息最多放 {CAPACITY} 字节"
            );
            return Err(told(ErrorKind::InvalidInput, text));
        }
        let mut words = [0; WORDS];
        words[0] = number;
        words[1] = text.len().try_into().map_err(io::Error::other)?;
        for (word, bytes) in words[2..].iter_mut().zip(text.as_bytes().chunks(8)) {
            let mut eight = [0; 8];
            eight[..bytes.len()].copy_from_slice(bytes);
            *word = u64::from_ne_bytes(eight);
        }
        Ok(Message(words))
    }

    /// The length comes from a file that any program may have written: it is checked, not trusted.
    fn checked(self) -> io::Result<Message> {
        if usize::try_from(self.0[1]).is_ok_and(|length| length <= CAPACITY) {
            return Ok(self);
        }
        let length = self.0[1];
        let text = text!(
            "a message claims to have {length} bytes of text, and there is room for {CAPACITY}",
            "一条消息自称有 {length} 字节的文本，而最多只放得下 {CAPACITY} 字节"
        );
        Err(told(ErrorKind::InvalidData, text))
    }

    /// 0 for the first message of a channel.
    pub fn number(&self) -> u64 {
        self.0[0]
    }

    /// The text. Whatever is not UTF-8 in it is replaced.
    pub fn text(&self) -> String {
        let length = usize::try_from(self.0[1]).unwrap_or(CAPACITY);
        let bytes: Vec<u8> = self.0[2..].iter().flat_map(|word| word.to_ne_bytes()).take(length).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
// ANCHOR_END: channel

// ANCHOR: naive
/// Half of a message: the number, the length and a part of the text.
const HALF: usize = WORDS / 2 + 1;

impl Slot {
    /// Stores the words one after the other. Each store is whole, but all of them together are not: a reader may load
    /// halfway.
    // ANCHOR: naive_slot
    fn store(&self, message: &Message, halfway: impl FnOnce()) {
        let store = |n: usize| self.words[n].store(message.0[n], Relaxed);
        (0..HALF).for_each(store);
        halfway();
        (HALF..WORDS).for_each(store);
    }

    /// Loads the words one after the other. The writer may store halfway.
    fn load(&self, halfway: impl FnOnce()) -> Message {
        let mut words = [0; WORDS];
        let mut load = |n: usize| words[n] = self.words[n].load(Relaxed);
        (0..HALF).for_each(&mut load);
        halfway();
        (HALF..WORDS).for_each(load);
        Message(words)
    }
    // ANCHOR_END: naive_slot
}

impl Channel {
    /// The notes' way: the message simply overwrites the one before.
    fn publish_naively(&self, text: &str, halfway: impl FnOnce()) -> io::Result<()> {
        let number = self.published.load(Relaxed);
        self.slots[0].store(&Message::new(number, text)?, halfway);
        self.published.store(number.wrapping_add(1), Relaxed);
        Ok(())
    }

    /// The notes' way: the words are simply loaded.
    fn read_naively(&self, halfway: impl FnOnce()) -> io::Result<Message> {
        self.slots[0].load(halfway).checked()
    }
}
// ANCHOR_END: naive

// ANCHOR: exchange
/// Multiplies a number that other processes change at the same time, and returns what it was before. There is no
/// `fetch_mul`, but with compare and swap any change is made in one step. `halfway` is called between a load and the
/// exchange.
///
/// # Example
/// ```
/// use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
/// use mmap_workbook::lesson_4::multiply;
///
/// let page = Mapping::anonymous(8, READ_WRITE, Sharing::Shared)?;
/// page.write(0, &5_u64.to_ne_bytes());
/// assert_eq!(multiply(&page, 0, 3, || ()), 5);
/// assert_eq!(multiply(&page, 0, 3, || ()), 15);
/// # Ok::<(), nix::errno::Errno>(())
/// ```
// ANCHOR: multiply
pub fn multiply(page: &Mapping, at: usize, factor: u64, mut halfway: impl FnMut()) -> u64 {
    let number = page.long_word(at);
    let mut seen = number.load(Relaxed);
    loop {
        halfway();
        // Stores the product only if the number is still `seen`. Otherwise it stores nothing and says what it is now.
        match number.compare_exchange(seen, seen.wrapping_mul(factor), Relaxed, Relaxed) {
            Ok(before) => return before,
            Err(now) => seen = now,
        }
    }
}
// ANCHOR_END: multiply
// ANCHOR_END: exchange

// ANCHOR: sequence_lock
/// The result of one attempt to read.
#[derive(Debug, PartialEq, Eq)]
pub enum ReadAttempt {
    /// No message was ever published.
    Nothing,
    /// The last message.
    Whole(Message),
    /// The writer has reached this slot again meanwhile: the words may be torn, and are discarded.
    Overtaken,
}

impl Channel {
    /// Writes a message to the slot that no reader is directed to, and then directs the readers there.
    ///
    /// A writer that dies anywhere in here leaves `published`, and so the last whole message, unchanged.
    // ANCHOR: publish
    fn publish(&self, text: &str, halfway: impl FnOnce()) -> io::Result<u64> {
        let number = self.published.load(Relaxed); // Only the writer stores to it: this process.
        let message = Message::new(number, text)?;
        let slot = self.slot(number);
        // `| 1` and not `+ 1`: a writer that died in here has left it odd.
        let odd = slot.sequence.load(Relaxed) | 1;
        slot.sequence.store(odd, Relaxed);
        // A reader that loads one of the words stored after this fence, and then, past an Acquire fence, the sequence,
        // finds the odd number or a later one. A Release store would not be enough: it lets later stores move up.
        fence(Release);
        slot.store(&message, halfway);
        // Release: a reader that loads the even number with Acquire finds all the words.
        slot.sequence.store(odd.wrapping_add(1), Release);
        // Release: a reader that loads this with Acquire finds the slot's even number.
        self.published.store(number.wrapping_add(1), Release);
        Ok(number)
    }
    // ANCHOR_END: publish

    /// Reads the last message, and checks that its slot was not written to meanwhile.
    // ANCHOR: look
    fn try_read(&self, halfway: impl FnOnce()) -> io::Result<ReadAttempt> {
        let Some(number) = acquire(&self.published).checked_sub(1) else { return Ok(ReadAttempt::Nothing) };
        let slot = self.slot(number);
        let before = acquire(&slot.sequence);
        let message = slot.load(halfway);
        // If one of the words came from a newer message, the load after this fence sees that message's odd number, or a
        // later one.
        fence(atomic::Ordering::Acquire);
        let after = slot.sequence.load(Relaxed);
        // The number is compared as well: the slot may hold a newer message, whole, than `published` said. If that were
        // returned, the next read could go back by one.
        if before != after || before % 2 == 1 || message.number() != number {
            return Ok(ReadAttempt::Overtaken);
        }
        Ok(ReadAttempt::Whole(message.checked()?))
    }
    // ANCHOR_END: look

    fn slot(&self, number: u64) -> &Slot {
        let slots = u64::try_from(SLOTS).expect("a few");
        &self.slots[usize::try_from(number % slots).expect("less than SLOTS")]
    }
}

/// An Acquire load: if it gives what a Release store has stored, the loads after it find all that was stored before.
///
/// In two steps, because a reader's mapping is read-only: there, Rust promises only that Relaxed loads work
/// (std::sync::atomic, "Atomic accesses to read-only memory").
fn acquire(word: &AtomicU64) -> u64 {
    let value = word.load(Relaxed);
    fence(atomic::Ordering::Acquire);
    value
}
// ANCHOR_END: sequence_lock

// ANCHOR: bell
/// Sleeps until the bell is no longer at `heard`, or `limit` has passed. A spurious wake-up is possible.
///
/// The kernel compares and puts the process to sleep in one step, so a ring between our load of the bell and the call
/// is not missed. FUTEX_PRIVATE_FLAG is absent because the other side is another process: the kernel then finds the
/// sleepers by the file and the offset in it, not by the address. It works on a read-only mapping, too. futex(2) is
/// specific to Linux; POSIX has nothing like it for a reader that may not write.
// ANCHOR: sleep_on
fn sleep_on(bell: &AtomicU32, heard: u32, limit: Duration) -> Result<(), Errno> {
    let limit = TimeSpec::from(limit);
    let (address, limit) = (bell.as_ptr(), std::ptr::from_ref(limit.as_ref()));
    // SAFETY: both pointers are valid for the call; the kernel reads one atomically and the other is ours alone.
    let answer = Errno::result(unsafe { libc::syscall(libc::SYS_futex, address, libc::FUTEX_WAIT, heard, limit) });
    match answer {
        Ok(_) | Err(Errno::EAGAIN | Errno::ETIMEDOUT | Errno::EINTR) => Ok(()),
        Err(errno) => Err(errno),
    }
}
// ANCHOR_END: sleep_on

/// Adds 1 to the bell, and wakes every process that sleeps on it.
// ANCHOR: ring
pub fn ring(bell: &AtomicU32) {
    bell.fetch_add(1, Release);
    // SAFETY: the pointer is valid for the call, and FUTEX_WAKE uses it as an address only. If no process sleeps there,
    // that is no error.
    unsafe { libc::syscall(libc::SYS_futex, bell.as_ptr(), libc::FUTEX_WAKE, i32::MAX) };
}
// ANCHOR_END: ring
// ANCHOR_END: bell

// ANCHOR: lock
/// A lock on the whole file, as fcntl(2) takes it: F_WRLCK excludes every other lock, F_RDLCK only those of F_WRLCK.
fn whole_file(kind: libc::c_int) -> libc::flock {
    let l_type = kind.try_into().expect("a small number");
    let l_whence = libc::SEEK_SET.try_into().expect("a small number");
    libc::flock { l_type, l_whence, l_start: 0, l_len: 0, l_pid: 0 }
}

/// The locks that the kernel releases when their owner is gone. All are advisory: they stop only those who ask for one,
/// too. flock(2) and fcntl(2) don't know of each other's locks, and the two kinds of fcntl(2) exclude each other. They
/// differ in who the owner is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// flock(2): the open file description has it, and so every process that has inherited the descriptor or a mapping
    /// (on overlayfs the descriptor only).
    Flock,
    /// F_OFD_SETLK, from Linux, in POSIX since 2024: the open file description has it, too.
    OfDescription,
    /// F_SETLK, the oldest one: the process has it, and loses it when it closes any descriptor of the file.
    OfProcess,
}

impl Lock {
    /// Takes the lock on the whole file, and never waits: false when another owner has it.
    ///
    /// # Errors
    /// Those of flock(2) and fcntl(2).
    // ANCHOR: take_lock
    pub fn take(self, file: &File) -> Result<bool, Errno> {
        let taken = match self {
            // SAFETY: flock(2) takes two numbers.
            Lock::Flock => Errno::result(unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) }),
            Lock::OfDescription => fcntl(file, FcntlArg::F_OFD_SETLK(&whole_file(libc::F_WRLCK))),
            Lock::OfProcess => fcntl(file, FcntlArg::F_SETLK(&whole_file(libc::F_WRLCK))),
        };
        match taken {
            Ok(_) => Ok(true),
            Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
            Err(errno) => Err(errno),
        }
    }
    // ANCHOR_END: take_lock
}

/// A lock that excludes one of this kind, whoever has it, this process too. It takes none itself, so any descriptor will
/// do.
fn lock_against(kind: libc::c_int, file: &File) -> Result<Option<libc::flock>, Errno> {
    let mut lock = whole_file(kind);
    fcntl(file, FcntlArg::F_OFD_GETLK(&mut lock))?;
    Ok((i32::from(lock.l_type) != libc::F_UNLCK).then_some(lock))
}

/// The writer's lock. A process that may only read can take a read lock, which says nothing: F_RDLCK is not excluded by
/// it, but by a write lock, for which a descriptor has to be open for writing.
// ANCHOR: writers_lock
fn writers_lock(file: &File) -> Result<Option<libc::flock>, Errno> {
    lock_against(libc::F_RDLCK, file)
}
// ANCHOR_END: writers_lock

/// The writers of this process.
struct Writers {
    number: usize,
    /// Descriptors that are closed when there is no writer any more.
    to_close: Vec<File>,
}

static WRITERS: Mutex<Writers> = Mutex::new(Writers { number: 0, to_close: Vec::new() });

fn writers() -> MutexGuard<'static, Writers> {
    WRITERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A descriptor of a channel file. A process loses its lock of F_SETLK when it closes *any* descriptor of the file, so
/// none is closed while the process has a writer: neither that of a reader nor that of a second writer, who is refused.
#[derive(Debug)]
struct ChannelFile(Option<File>);

impl Deref for ChannelFile {
    type Target = File;

    fn deref(&self) -> &File {
        self.0.as_ref().expect("there until it is dropped")
    }
}

impl Drop for ChannelFile {
    fn drop(&mut self) {
        let mut writers = writers();
        writers.to_close.extend(self.0.take());
        if writers.number == 0 {
            writers.to_close.clear();
        }
    }
}
// ANCHOR_END: lock

// ANCHOR: writer
/// The one process that writes to a channel. Dropping it tells the readers that it has finished, and unmaps the
/// channel.
///
/// # Example
/// ```
/// use mmap_workbook::lesson_4::{Reader, Writer};
///
/// let directory = tempfile::tempdir()?;
/// let path = directory.path().join("channel");
/// let mut writer = Writer::open(&path)?;
/// let reader = Reader::open(&path)?; // in another process, most of the time
/// writer.publish("hello")?;
/// let message = reader.read()?.expect("a message");
/// assert_eq!((message.number(), message.text().as_str()), (0, "hello"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Writer {
    // Dropped in this order: a process that gets the lock knows that the writer before it stores nothing any more. The
    // kernel keeps to the same order when a process dies.
    mapping: Mapping,
    _locked: Locked,
    /// The process that has the lock. A child that it forks has this struct, too, and the page, but not the lock.
    pid: u32,
}

/// The lock that makes this process the writer.
#[derive(Debug)]
struct Locked(ChannelFile);

impl Drop for Locked {
    fn drop(&mut self) {
        // Its descriptor may stay open for the sake of another channel.
        let _ = fcntl(&*self.0, FcntlArg::F_SETLK(&whole_file(libc::F_UNLCK)));
        writers().number -= 1;
    }
}

impl Writer {
    /// Creates the channel file, or goes on with an existing one that has no writer.
    ///
    /// A new file gets its name only when it is complete and locked: no reader sees it half made. Its blocks are
    /// reserved, so a full disk is an error here and not a SIGBUS at a later store. (On btrfs it still may be one, for
    /// there a page gets a new block each time that it is written back.)
    ///
    /// # Errors
    /// `ResourceBusy` when another writer is at work, or a reader has a lock on the file; ENOSPC; those of
    /// [`Reader::open`] for an existing file that is not a channel, which does not change; otherwise those of open(2),
    /// mmap(2) and renameat2(2). Each names the file.
    pub fn open(path: &Path) -> io::Result<Writer> {
        let writer = match open_file(path, true) {
            Err(error) if error.kind() == ErrorKind::NotFound => Writer::create(path),
            file => file.and_then(Writer::take_over),
        };
        writer.map_err(|error| about(path, error))
    }

    // ANCHOR: create
    fn create(path: &Path) -> io::Result<Writer> {
        // tempfile's files have mode 0600, and are removed when anything here fails.
        let file = tempfile::Builder::new().prefix(".channel-").tempfile_in(directory_of(path))?;
        posix_fallocate(&file, 0, libc::off_t::try_from(SIZE).map_err(io::Error::other)?)?;
        let mapping = Mapping::of_file(&file, 0, SIZE, READ_WRITE, Sharing::Shared)?;
        Channel::of(&mapping).initialize();
        let (file, name) = file.into_parts();
        let writer = Writer::lock(mapping, ChannelFile(Some(file)))?;
        match name.persist_noclobber(path) {
            Ok(()) => Ok(writer),
            // Another process has just created one.
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {
                open_file(path, true).and_then(Writer::take_over)
            }
            Err(error) => Err(error.error),
        }
    }
    // ANCHOR_END: create

    fn take_over(file: ChannelFile) -> io::Result<Writer> {
        let mapping = Mapping::of_file(&*file, 0, SIZE, READ_WRITE, Sharing::Shared)?;
        Channel::of(&mapping).check()?;
        Writer::lock(mapping, file)
    }

    /// Only the process that has the lock stores to the channel. Until then not one byte changes.
    fn lock(mapping: Mapping, file: ChannelFile) -> io::Result<Writer> {
        // One thread at a time: to the kernel, all threads of a process are the same owner.
        let mut writers = writers();
        loop {
            // Asked first, for a process would be given a lock that it has already.
            let writers_lock = writers_lock(&file)?;
            if writers_lock.is_none() && Lock::OfProcess.take(&file)? {
                break;
            }
            let Some(lock) = writers_lock.or(lock_against(libc::F_WRLCK, &file)?) else { continue };
            let text = if i32::from(lock.l_type) == libc::F_WRLCK {
                let pid = lock.l_pid;
                text!("a writer (pid {pid}) is at work already", "已有写者（pid {pid}）在工作")
            } else {
                text!(
                    "no writer is at work, but a process that reads has a lock on the file",
                    "没有写者在工作，但有读文件的进程给它加了锁"
                )
            };
            return Err(told(ErrorKind::ResourceBusy, text));
        }
        writers.number += 1;
        let (locked, pid) = (Locked(file), std::process::id());
        let channel = Channel::of(&mapping);
        channel.writer.store(pid, Relaxed);
        channel.first.store(channel.published.load(Relaxed), Relaxed);
        // The next odd number: 1 more than an even one, 2 more than that of a writer that died.
        channel.session.store(channel.session.load(Relaxed).wrapping_add(1) | 1, Release);
        ring(&channel.bell);
        Ok(Writer { mapping, _locked: locked, pid })
    }

    /// The channel, for the process that has the lock.
    fn channel(&self) -> io::Result<&Channel> {
        if std::process::id() == self.pid {
            return Ok(Channel::of(&self.mapping));
        }
        let pid = self.pid;
        let text = text!(
            "the writer is the process that forked this one (pid {pid})",
            "写者是派生出本进程的那个进程（pid {pid}）"
        );
        Err(told(ErrorKind::PermissionDenied, text))
    }

    /// Publishes a message of at most [`CAPACITY`] bytes and returns its number. Readers that sleep go on sleeping
    /// until [`Writer::ring`] wakes them.
    ///
    /// # Errors
    /// `InvalidInput` when the text is too long; `PermissionDenied` in a forked child, which is not the writer.
    pub fn publish(&mut self, text: &str) -> io::Result<u64> {
        self.publish_pausing(text, || ())
    }

    /// Like [`Writer::publish`], and calls `halfway` when half of the message is written.
    ///
    /// # Errors
    /// As [`Writer::publish`].
    pub fn publish_pausing(&mut self, text: &str, halfway: impl FnOnce()) -> io::Result<u64> {
        self.channel()?.publish(text, halfway)
    }

    /// Overwrites the message before, as the study notes' program does, and calls `halfway` in the middle.
    ///
    /// # Errors
    /// As [`Writer::publish`].
    pub fn publish_naively(&mut self, text: &str, halfway: impl FnOnce()) -> io::Result<()> {
        self.channel()?.publish_naively(text, halfway)
    }

    /// Wakes the readers that sleep in [`Reader::sleep`]. It is a system call, so a fast writer need not make it for
    /// each message.
    pub fn ring(&self) {
        ring(&Channel::of(&self.mapping).bell);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Ok(channel) = self.channel() {
            channel.session.store(channel.session.load(Relaxed).wrapping_add(1), Release);
            ring(&channel.bell);
        }
    }
}
// ANCHOR_END: writer

// ANCHOR: reader
/// A process that reads from a channel. There may be any number of them, and none can change the channel.
///
/// # Example
/// ```
/// use mmap_workbook::lesson_4::{Reader, Writer, WriterState};
///
/// let directory = tempfile::tempdir()?;
/// let path = directory.path().join("channel");
/// let writer = Writer::open(&path)?;
/// let reader = Reader::open(&path)?;
/// assert_eq!(reader.read()?, None);
/// assert_eq!(reader.state()?, WriterState::Writing);
/// drop(writer);
/// assert_eq!(reader.state()?, WriterState::Finished);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Reader {
    mapping: Mapping,
    file: ChannelFile,
}

/// What has become of the writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriterState {
    /// A writer has the channel.
    Writing,
    /// The last writer has finished.
    Finished,
    /// The last writer died before it finished, by SIGKILL for example: its lock is gone, and `session` is still odd.
    Died,
}

/// How often a reader tries again when it is overtaken. A writer that overtakes it this often is too fast for it; a
/// channel whose sequence stays odd was not written by [`Writer`].
const ATTEMPTS: u32 = 10_000;

impl Reader {
    /// Opens a channel for reading.
    ///
    /// # Errors
    /// `InvalidInput` when it is not a regular file; `UnexpectedEof` when it is too short; `InvalidData` for a wrong
    /// magic number; `Unsupported` for another version or layout; otherwise those of open(2) and mmap(2). Each names
    /// the file.
    pub fn open(path: &Path) -> io::Result<Reader> {
        Reader::new(path).map_err(|error| about(path, error))
    }

    fn new(path: &Path) -> io::Result<Reader> {
        let file = open_file(path, false)?;
        let mapping = Mapping::of_file(&*file, 0, SIZE, ProtFlags::PROT_READ, Sharing::Shared)?;
        Channel::of(&mapping).check()?;
        Ok(Reader { mapping, file })
    }

    /// The last message, or None when there was none yet. It waits for no other process; one that overtakes it makes it
    /// look again, but not for ever.
    ///
    /// # Errors
    /// `TimedOut` when the writer overtakes the reader again and again; `InvalidData` for an impossible length.
    pub fn read(&self) -> io::Result<Option<Message>> {
        for _ in 0..ATTEMPTS {
            match self.try_read(|| ())? {
                ReadAttempt::Nothing => return Ok(None),
                ReadAttempt::Whole(message) => return Ok(Some(message)),
                ReadAttempt::Overtaken => std::hint::spin_loop(),
            }
        }
        let text = text!(
            "no whole message in {ATTEMPTS} attempts: the writer is too fast, or does not keep to the protocol",
            "试了 {ATTEMPTS} 次也没有读到完整的消息：写者太快，或者没有遵守协议"
        );
        Err(told(ErrorKind::TimedOut, text))
    }

    /// Tries to read once, and calls `halfway` when half of the message is read.
    ///
    /// # Errors
    /// `InvalidData` for an impossible length.
    pub fn try_read(&self, halfway: impl FnOnce()) -> io::Result<ReadAttempt> {
        Channel::of(&self.mapping).try_read(halfway)
    }

    /// Reads as the study notes' program does, and calls `halfway` in the middle: the message may be torn.
    ///
    /// # Errors
    /// `InvalidData` for an impossible length.
    pub fn read_naively(&self, halfway: impl FnOnce()) -> io::Result<Message> {
        Channel::of(&self.mapping).read_naively(halfway)
    }

    /// What has become of the writer.
    ///
    /// # Errors
    /// Those of fcntl(2).
    // ANCHOR: state
    pub fn state(&self) -> io::Result<WriterState> {
        let session = &Channel::of(&self.mapping).session;
        loop {
            let before = acquire(session);
            if before.is_multiple_of(2) {
                return Ok(WriterState::Finished);
            }
            if writers_lock(&self.file)?.is_some() {
                return Ok(WriterState::Writing);
            }
            // Loaded again: between the two checks the writer may have finished, and another one have begun.
            if acquire(session) == before {
                return Ok(WriterState::Died);
            }
        }
    }
    // ANCHOR_END: state

    /// The process id of the writer, or of the last one.
    pub fn writer(&self) -> u32 {
        Channel::of(&self.mapping).writer.load(Relaxed)
    }

    /// How often the bell has rung. Ask for it before reading, and pass it to [`Reader::sleep`] afterwards.
    pub fn bell(&self) -> u32 {
        let bell = Channel::of(&self.mapping).bell.load(Relaxed);
        fence(atomic::Ordering::Acquire);
        bell
    }

    /// Sleeps until the bell has rung more often than `heard`, or `limit` has passed. A spurious wake-up is possible.
    ///
    /// # Errors
    /// `UnexpectedEof` when the file has become too short: an access would raise SIGBUS. Between this check and the
    /// next access a process may still truncate it; lesson 6 is about that. Otherwise those of futex(2).
    pub fn sleep(&self, heard: u32, limit: Duration) -> io::Result<()> {
        sleep_on(&Channel::of(&self.mapping).bell, heard, limit)?;
        check_size(&self.file)
    }

    /// Whether `path` still leads to this channel, and not to a new file of that name.
    fn is_at(&self, path: &Path) -> io::Result<bool> {
        let ours = self.file.metadata()?;
        Ok(std::fs::metadata(path).is_ok_and(|theirs| (theirs.dev(), theirs.ino()) == (ours.dev(), ours.ino())))
    }
}

/// One attempt to read the last message of a channel, with memmap2. [`MmapRaw`] takes care of the call, the length and
/// munmap(2). Creating one is safe, since it promises nothing about the bytes; following its pointer is our
/// responsibility.
///
/// # Errors
/// Those of [`Reader::open`]; `InvalidData` for an impossible length.
// ANCHOR: with_memmap2
pub fn last_message_with_memmap2(path: &Path) -> io::Result<ReadAttempt> {
    let map: MmapRaw = MmapOptions::new().len(SIZE).map_raw_read_only(&*open_file(path, false)?)?;
    // SAFETY: SIZE bytes are mapped for as long as `map` lives, page-aligned, and any bytes are a valid Channel. All
    // its fields are atomics, so other processes may change them meanwhile.
    let channel: &Channel = unsafe { &*map.as_ptr().cast() };
    channel.check()?;
    channel.try_read(|| ())
}
// ANCHOR_END: with_memmap2

/// Opens a file that may be a channel.
fn open_file(path: &Path, write: bool) -> io::Result<ChannelFile> {
    // O_NONBLOCK: opening a FIFO would wait for its other end.
    let file = OpenOptions::new().read(true).write(write).custom_flags(libc::O_NONBLOCK).open(path)?;
    let file = ChannelFile(Some(file));
    if !file.metadata()?.is_file() {
        return Err(told(ErrorKind::InvalidInput, text!("not a regular file", "不是普通文件")));
    }
    check_size(&file)?;
    Ok(file)
}

fn check_size(file: &File) -> io::Result<()> {
    let size = file.metadata()?.len();
    if usize::try_from(size).is_ok_and(|size| size < SIZE) {
        let text = text!(
            "too short for a channel: {size} bytes, and a channel has {SIZE}",
            "太短，不是通道：只有 {size} 字节，而通道有 {SIZE} 字节"
        );
        return Err(told(ErrorKind::UnexpectedEof, text));
    }
    Ok(())
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn about(path: &Path, error: io::Error) -> io::Error {
    named(format!("{path:?}"), &error)
}
// ANCHOR_END: reader

// ANCHOR: programs
/// How often the writer publishes, when either program ends, and in which language it says so.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// The time from one message to the next.
    pub period: Duration,
    /// The number of messages after which the program ends. None: only a signal ends it.
    pub count: Option<u64>,
    /// The language of what it says beside the messages.
    pub language: Language,
}

/// The signals that ask a program to end. They are blocked, and read from a descriptor where the program checks for
/// them.
struct StopSignals {
    asked: SignalFd,
    before: SigSet,
}

impl StopSignals {
    fn block() -> io::Result<StopSignals> {
        let signals: SigSet = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().collect();
        let asked = SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        Ok(StopSignals { asked, before: signals.thread_swap_mask(SigmaskHow::SIG_BLOCK)? })
    }

    /// Waits for a signal, and takes it; false when `limit` has passed first.
    fn arrives_within(&self, limit: Duration) -> io::Result<bool> {
        // ppoll(2) counts nanoseconds; for poll(2), in milliseconds, 0.3 ms would become 0. A century counts as for
        // ever.
        let limit = TimeSpec::from(limit.min(Duration::from_secs(100 * 365 * 86_400)));
        match ppoll(&mut [PollFd::new(self.asked.as_fd(), PollFlags::POLLIN)], Some(limit), None) {
            Ok(_) | Err(Errno::EINTR) => Ok(self.asked.read_signal()?.is_some()),
            Err(errno) => Err(errno.into()),
        }
    }
}

impl Drop for StopSignals {
    fn drop(&mut self) {
        // A second Ctrl-C means the same as the first: it is taken as well, before the signals are unblocked.
        while let Ok(Some(_)) = self.asked.read_signal() {}
        let _ = self.before.thread_set_mask();
    }
}

/// The notes' writer: publishes `hello0`, `hello1`, ... through the channel at `path` and prints each.
///
/// It ends after `pace.count` messages, or on SIGINT, SIGTERM or SIGHUP. The file stays, for later readers and for the
/// next writer, which goes on with the messages' numbers and begins with `hello0` again.
///
/// # Errors
/// Those of [`Writer::open`] and of the output.
pub fn write_hellos(out: &mut dyn Write, path: &Path, pace: &Pace) -> io::Result<()> {
    let stop = StopSignals::block()?;
    let mut say = |line: &Text| say(out, line.in_language(pace.language));
    let mut writer = Writer::open(path)?;
    let area = area_of(&writer.mapping)?;
    say(&text!("-- maps: {area}", "-- maps：{area}"))?;
    let mut written = 0;
    while pace.count != Some(written) {
        let text = format!("hello{written}");
        writer.publish(&text)?;
        writer.ring();
        say(&Text::new(text.clone(), text))?;
        written += 1;
        if pace.count != Some(written) && stop.arrives_within(pace.period)? {
            break;
        }
    }
    drop(writer);
    let Text { en, zh } = munmapped(&area)?;
    say(&text!("-- {written} messages; {en}; {path:?} stays", "-- {written} 条消息；{zh}；{path:?} 保留"))
}

/// The notes' reader: prints each message that it finds in the channel at `path`.
///
/// It waits until the file exists, and for the next writer when the last one is gone. It ends when its writer finishes,
/// after `pace.count` messages, or on SIGINT, SIGTERM or SIGHUP. The channel holds the last message and is not a queue:
/// a reader that is slower than the writer misses messages.
///
/// # Errors
/// `ConnectionAborted` when its writer dies; those of [`Reader::open`], of [`Reader::read`] and of the output.
pub fn read_hellos(out: &mut dyn Write, path: &Path, pace: &Pace) -> io::Result<()> {
    let stop = StopSignals::block()?;
    let mut read = 0;
    loop {
        let Some(reader) = wait_for_channel(out, path, pace.language, &stop)? else {
            let stopped = text!("-- stopped while waiting", "-- 等待时被要求结束");
            return say(out, stopped.in_language(pace.language));
        };
        let area = area_of(&reader.mapping)?;
        say(out, text!("-- maps: {area}", "-- maps：{area}").in_language(pace.language))?;
        let end = follow(out, path, &reader, pace, &stop, &mut read);
        drop(reader);
        let (end, Text { en, zh }) = (end?, munmapped(&area)?);
        match end {
            FollowEnd::Replaced => {
                let line = text!("-- {en}; {path:?} leads to another file now", "-- {zh}；{path:?} 现在指向另一个文件");
                say(out, line.in_language(pace.language))?;
            }
            FollowEnd::Because(why) => {
                let line = Text::new(
                    format!("-- {}; {read} messages; {en}", why.en),
                    format!("-- {}；{read} 条消息；{zh}", why.zh),
                );
                return say(out, line.in_language(pace.language));
            }
        }
    }
}

/// The longest time that a reader sleeps before it checks whether its writer is alive, and whether it was asked to
/// stop.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Opens the channel as soon as it exists. None when asked to stop first.
fn wait_for_channel(
    out: &mut dyn Write,
    path: &Path,
    language: Language,
    stop: &StopSignals,
) -> io::Result<Option<Reader>> {
    if let Some(reader) = unless_missing(Reader::open(path))? {
        return Ok(Some(reader));
    }
    let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
    let (directory, appears) = (directory_of(path), AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO);
    let goes = AddWatchFlags::IN_DELETE_SELF | AddWatchFlags::IN_MOVE_SELF;
    inotify.add_watch(directory, appears | goes).map_err(|errno| about(path, errno.into()))?;
    say(out, text!("-- waiting for {path:?}", "-- 等待 {path:?} 出现").in_language(language))?;
    loop {
        // Checked with the watch in place: a file that appears between this check and the wait ends the wait.
        if let Some(reader) = unless_missing(Reader::open(path))? {
            return Ok(Some(reader));
        }
        std::fs::metadata(directory).map_err(|error| about(directory, error))?;
        let mut fds = [inotify.as_fd(), stop.asked.as_fd()].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        match poll(&mut fds, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        if stop.arrives_within(Duration::ZERO)? {
            return Ok(None);
        }
        // It does not matter which file appeared: check again.
        while inotify.read_events().is_ok() {}
    }
}

fn unless_missing<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        result => result.map(Some),
    }
}

/// Why a reader stops following a channel.
enum FollowEnd {
    /// The path leads to another file now.
    Replaced,
    /// The program is to end, for this reason.
    Because(Text),
}

/// Prints the messages of the channel, and counts them in `read`.
fn follow(
    out: &mut dyn Write,
    path: &Path,
    reader: &Reader,
    pace: &Pace,
    stop: &StopSignals,
    read: &mut u64,
) -> io::Result<FollowEnd> {
    let message = || reader.read().map_err(|error| about(path, error));
    let last = |message: Option<Message>| match message {
        Some(message) => {
            let message = message.text();
            text!("its last whole message is {message:?}", "它最后一条完整的消息是 {message:?}")
        }
        None => text!("it wrote no message", "它没有写过消息"),
    };
    // Read before the state: if there is no writer by then, this message is old.
    let left = message()?;
    let mut waiting = reader.state()? != WriterState::Writing;
    let mut news_from = Channel::of(&reader.mapping).first.load(Relaxed);
    if waiting {
        let (pid, Text { en, zh }) = (reader.writer(), last(left));
        let line = text!(
            "-- the writer (pid {pid}) is gone; {en}; waiting for the next",
            "-- 写者（pid {pid}）已经不在；{zh}；等待下一个写者"
        );
        say(out, line.in_language(pace.language))?;
        news_from = left.map_or(0, |message| message.number() + 1);
    }
    while pace.count != Some(*read) {
        // In this order: a message, a ring or a writer's end that comes after its check is found in the next round.
        let heard = reader.bell();
        let state = reader.state()?;
        let news = message()?.filter(|message| message.number() >= news_from);
        if let Some(message) = news {
            say(out, message.text())?;
            news_from = message.number() + 1;
            *read += 1;
            waiting = false;
        }
        if stop.arrives_within(Duration::ZERO)? {
            return Ok(FollowEnd::Because(text!("stopped", "被要求结束")));
        }
        match state {
            // There may be more messages, and another writer by now.
            _ if news.is_some() => continue,
            WriterState::Writing => waiting = false,
            WriterState::Finished | WriterState::Died if waiting => {
                if !reader.is_at(path)? {
                    return Ok(FollowEnd::Replaced);
                }
            }
            WriterState::Finished => return Ok(FollowEnd::Because(text!("the writer has finished", "写者已结束"))),
            WriterState::Died => {
                let (pid, Text { en, zh }) = (reader.writer(), last(message()?));
                let text = text!("the writer (pid {pid}) died; {en}", "写者（pid {pid}）死了；{zh}");
                return Err(about(path, told(ErrorKind::ConnectionAborted, text)));
            }
        }
        reader.sleep(heard, POLL_INTERVAL).map_err(|error| about(path, error))?;
    }
    Ok(FollowEnd::Because(text!("that was the last one asked for", "要求的条数已满")))
}

/// Prints a line and flushes it: a reader at the other end of a pipe is waiting for it.
fn say(out: &mut dyn Write, line: impl std::fmt::Display) -> io::Result<()> {
    writeln!(out, "{line}")?;
    out.flush()
}

fn area_of(mapping: &Mapping) -> io::Result<Area> {
    maps_of(mapping.range())?.pop().ok_or_else(|| {
        other(text!("/proc/self/maps has no line for the mapping", "/proc/self/maps 里没有这个映射的行"))
    })
}

/// Checks after munmap(2) whether a line that was there before is gone.
fn munmapped(area: &Area) -> io::Result<Text> {
    let left = maps_of(area.range())?.iter().any(|other| other.name() == area.name());
    Ok(if left {
        text!("the mapping is still there", "映射还在")
    } else {
        text!("munmap: its line of /proc/self/maps is gone", "munmap：它在 /proc/self/maps 里的那一行没有了")
    })
}
// ANCHOR_END: programs

// ANCHOR: halfway
/// What a reader gets while a writer in another process is halfway through its second message, and after it has
/// finished.
///
/// The first message is forty times `A`, the second forty times `B`, written the notes' way or with the sequence lock.
///
/// # Errors
/// Those of the channel, which is created in `directory` and removed, and of the child.
pub fn read_halfway(directory: &Path, naively: bool) -> io::Result<[String; 2]> {
    let path = directory.join("halfway");
    let (child, peer) = Child::fork(|peer| {
        let mut writer = Writer::open(&path)?;
        let [first, second] = ["A", "B"].map(|letter| letter.repeat(CAPACITY));
        let mut turns = Ok(());
        let halfway = || turns = peer.give_turn().and_then(|()| peer.await_turn());
        if naively {
            writer.publish_naively(&first, || ())?;
            writer.publish_naively(&second, halfway)?;
        } else {
            writer.publish(&first)?;
            writer.publish_pausing(&second, halfway)?;
        }
        turns?;
        peer.give_turn()?;
        peer.await_turn()
    })?;
    peer.await_turn()?;
    let reader = Reader::open(&path)?;
    std::fs::remove_file(&path)?;
    let read = || -> io::Result<String> {
        let message = if naively { reader.read_naively(|| ())? } else { reader.read()?.ok_or(ErrorKind::NotFound)? };
        Ok(message.text())
    };
    let halfway = read()?;
    peer.give_turn()?;
    peer.await_turn()?;
    let after = read()?;
    peer.give_turn()?;
    child.wait()?.success()?;
    Ok([halfway, after])
}

/// What a channel shows when its writer is killed halfway through a message.
#[derive(Debug, PartialEq, Eq)]
pub struct KilledWriter {
    /// While the writer lives: its state, and the error that a second writer gets.
    pub before: (WriterState, Option<ErrorKind>),
    /// How the writer ended.
    pub ended: Ended,
    /// When it is gone: its state, and the text of the last message.
    pub after: (WriterState, Option<String>),
    /// The number of the next writer's first message, and its text as a reader gets it.
    pub next: (u64, Option<String>),
}

/// Kills a writer with SIGKILL when its second message is half written, and goes on with another writer.
///
/// # Errors
/// Those of the channel, which is created in `directory` and removed, and of the child.
pub fn killed_halfway(directory: &Path) -> io::Result<KilledWriter> {
    let path = directory.join("killed");
    let (child, peer) = Child::fork(|peer| {
        let mut writer = Writer::open(&path)?;
        writer.publish("whole")?;
        let mut turns = Ok(());
        writer.publish_pausing("never whole", || {
            turns = peer.give_turn().and_then(|()| peer.await_turn()); // which never comes
        })?;
        turns
    })?;
    peer.await_turn()?;
    let reader = Reader::open(&path)?;
    let text = || reader.read().map(|last| last.map(|message| message.text()));
    let before = (reader.state()?, Writer::open(&path).err().map(|error| error.kind()));
    let ended = child.kill()?;
    let after = (reader.state()?, text()?);
    let mut writer = Writer::open(&path)?;
    std::fs::remove_file(&path)?;
    let next = (writer.publish("of the next writer")?, text()?);
    Ok(KilledWriter { before, ended, after, next })
}
// ANCHOR_END: halfway

// ANCHOR: tally
/// What a reader counted while a writer was writing at full speed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Messages that were read.
    pub reads: u64,
    /// Reads that gave the beginning of one message and the end of another.
    pub torn: u64,
    /// Reads that gave a lower number than the read before.
    pub back: u64,
    /// Reads that gave another message than the read before.
    pub changes: u64,
    /// The number of the last message that was read.
    last: u64,
}

impl Tally {
    /// Counts a message. The text of message N is forty times the letter that N decides: with any other text it is
    /// torn.
    pub fn add(&mut self, message: &Message) {
        let letter = b'A' + u8::try_from(message.number() % 26).expect("less than 26");
        let whole = [u64::from_ne_bytes([letter; 8]); CAPACITY / 8];
        self.reads += 1;
        self.torn += u64::from(message.0[2..] != whole);
        self.back += u64::from(message.number() < self.last);
        self.changes += u64::from(message.number() != self.last);
        self.last = message.number();
    }
}

/// Reads at least `reads` messages, among them two different ones, while a child writes as fast as it can, in the
/// notes' way or with the sequence lock.
///
/// The text of message N is forty times the letter that N decides: with any other text it is torn.
///
/// # Errors
/// Those of the channel, which is created in `directory` and removed, and of the child.
pub fn tally(directory: &Path, naively: bool, reads: u64) -> io::Result<Tally> {
    let path = directory.join("full-speed");
    let texts: Vec<String> = ('A'..='Z').map(|letter| letter.to_string().repeat(CAPACITY)).collect();
    let (child, peer) = Child::fork(|peer| {
        let mut writer = Writer::open(&path)?;
        for (n, text) in texts.iter().cycle().enumerate() {
            if naively {
                writer.publish_naively(text, || ())?
            } else {
                writer.publish(text).map(drop)?
            }
            if n == 0 {
                peer.give_turn()?;
            }
        }
        Ok(())
    })?;
    peer.await_turn()?;
    let reader = Reader::open(&path)?;
    std::fs::remove_file(&path)?;
    let given_up = Instant::now() + DEADLINE;
    let mut tally = Tally::default();
    while tally.reads < reads || tally.changes == 0 {
        let message = if naively { reader.read_naively(|| ())? } else { reader.read()?.ok_or(ErrorKind::NotFound)? };
        tally.add(&message);
        if tally.reads.is_multiple_of(1 << 20) && Instant::now() > given_up {
            return Err(told(
                ErrorKind::TimedOut,
                text!("the writer at full speed wrote nothing", "全速运行的写者什么也没有写"),
            ));
        }
    }
    child.kill()?;
    Ok(tally)
}
// ANCHOR_END: tally

/// Demonstrates two processes on one page: a message that arrives, a message that is torn, a writer that dies.
///
/// It creates a channel file beside the file at `path`, and tries to open the file itself as a channel.
///
/// # Errors
/// Those of the functions above, and of the output.
pub fn demonstrate(out: &mut Narrator, path: &Path) -> io::Result<()> {
    let directory = out.directory();
    let channel = directory.join("channel");

    out.part(text!("Two processes, one page", "两个进程，同一页"))?;
    out.tell(text!(
        "a child creates the channel file and maps it; we open it for reading",
        "子进程创建通道文件并映射它；我们打开它来读"
    ))?;
    let (child, peer) = Child::fork(|peer| {
        let mut writer = Writer::open(&channel)?;
        for text in ["hello0", "hello1"] {
            peer.give_turn()?;
            peer.await_turn()?;
            writer.publish(text)?;
        }
        peer.give_turn()?;
        peer.await_turn()
    })?;
    peer.await_turn()?;
    // One page more here: otherwise the two processes, alike since the fork, might get the same address.
    let _page = Mapping::anonymous(1, READ_WRITE, Sharing::Private)?;
    let reader = Reader::open(&channel)?;
    let size = std::fs::metadata(&channel)?;
    let (mode, length) = (size.mode() & 0o7777, size.len());
    let reserved = out.varying(text!("bytes", "字节数"), size.blocks() * 512);
    out.evidence(
        text!("the file", "文件"),
        text!(
            "{length} bytes, mode {mode:04o}, {reserved} bytes of disk reserved",
            "{length} 字节，权限 {mode:04o}，磁盘上预留 {reserved} 字节"
        ),
    )?;
    let areas = maps_of_process(child.pid())?;
    let areas: Vec<_> = areas.into_iter().filter(|area| Path::new(&area.name()) == channel).collect();
    out.maps(&areas)?;
    out.maps(&maps_of(reader.mapping.range())?)?;
    out.shows(text!(
        "the same file in the maps of both processes: the child may write, we may only read.",
        "两个进程的 maps 里是同一个文件：子进程可写，我们只能读。"
    ))?;
    out.evidence(
        text!("a second writer", "第二个写者"),
        refusal(out, Writer::open(&channel).map(drop), reader.writer()),
    )?;
    out.evidence(
        text!("a reader of your file", "把你的文件当作通道"),
        refusal(out, Reader::open(path).map(drop), reader.writer()),
    )?;
    out.tell(text!(
        "the child gets its turn, twice; no system call carries the message",
        "轮到子进程，前后两次；没有系统调用传递消息"
    ))?;
    for _ in 0..2 {
        peer.give_turn()?;
        peer.await_turn()?;
        let message = reader.read()?.ok_or(ErrorKind::NotFound)?;
        let (number, text) = (message.number(), message.text());
        out.evidence(text!("read", "读到"), text!("message {number}: {text:?}", "消息 {number}：{text:?}"))?;
    }
    out.evidence(text!("the writer", "写者"), state(reader.state()?))?;
    peer.give_turn()?;
    child.wait()?.success()?;
    out.evidence(text!("when the child has ended", "子进程结束之后"), state(reader.state()?))?;
    std::fs::remove_file(&channel)?;

    out.part(text!("Half a message", "半条消息"))?;
    out.tell(text!(
        "AAAA... is published, and a child has written half of BBBB... when we read",
        "已发布 AAAA...；子进程把 BBBB... 写到一半时，我们来读"
    ))?;
    let (notes, lock) = (|| text!("the notes' way", "笔记的做法"), || text!("with the sequence lock", "用顺序锁"));
    for (naively, way) in [(true, notes()), (false, lock())] {
        let [halfway, after] = read_halfway(&directory, naively)?;
        out.evidence(way, halfway)?;
        out.evidence(text!("when it has finished", "写完之后"), after)?;
    }
    out.tell(text!(
        "without turns: a child writes as fast as it can, and we read 50000 times",
        "不再轮流：子进程全速写入，我们读 50000 次"
    ))?;
    let torn = |torn: String| text!("{torn} of the messages read were torn", "读到的消息中有 {torn} 条是撕裂的");
    let count = out.varying(text!("count", "次数"), tally(&directory, true, 50_000)?.torn);
    out.evidence(notes(), torn(count))?;
    out.evidence(lock(), torn(tally(&directory, false, 50_000)?.torn.to_string()))?;
    out.shows(text!(
        "each word was stored whole; only the sequence number tells which words belong together.",
        "每个机器字都是完整的；哪些字属于同一条消息，只有序号知道。"
    ))?;

    out.part(text!("The writer is killed halfway", "写者写到一半被杀死"))?;
    let killed = killed_halfway(&directory)?;
    out.evidence(text!("while it lives", "它活着时"), state(killed.before.0))?;
    let refused = killed.before.1.map_or(text!("ok", "ok"), |kind| {
        let Text { en, zh } = kind_in_words(kind);
        text!("refused: {en}", "被拒绝：{zh}")
    });
    out.evidence(text!("a second writer", "第二个写者"), refused)?;
    out.evidence(text!("the child was", "子进程"), killed.ended.in_words())?;
    out.evidence(text!("afterwards", "之后"), state(killed.after.0))?;
    out.evidence(text!("the last message", "最后一条消息"), format!("{:?}", killed.after.1.unwrap_or_default()))?;
    let (number, text) = (killed.next.0, killed.next.1.unwrap_or_default());
    out.evidence(
        text!("the next writer's", "下一个写者的"),
        text!("message {number}: {text:?}", "消息 {number}：{text:?}"),
    )?;
    out.shows(text!(
        "the kernel released its lock, and the last whole message is still there; the next writer goes on from it.",
        "内核释放了它的锁，最后一条完整的消息还在；下一个写者从这里接着写。"
    ))
}

/// A writer's state, in words that are in the chapter.
fn state(state: WriterState) -> Text {
    match state {
        WriterState::Writing => text!("Writing: at work", "Writing：正在工作"),
        WriterState::Finished => text!("Finished", "Finished：已结束"),
        WriterState::Died => {
            text!("Died: the page says at work, and nobody has the lock", "Died：页里说正在工作，却没有进程持有锁")
        }
    }
}

/// Why a channel was not opened; the writer's process id is marked as varying.
fn refusal(out: &Narrator, opened: io::Result<()>, writer: u32) -> Text {
    let Err(error) = opened else { return text!("ok", "ok") };
    let pid = out.varying("pid", writer);
    let Text { en, zh } = in_words(&error);
    let marked = |text: &str| text.replace(&format!("pid {writer}"), &format!("pid {pid}"));
    Text::new(marked(&en), marked(&zh))
}
