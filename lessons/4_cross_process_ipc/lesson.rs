//! # Lesson 4: Processes that talk through a mapped file
//!
//! Two processes that map the same file shared have the same page of memory. What one stores, the other loads: no call
//! into the kernel, no copy. But mmap(2) gives no more than the page. When may the other side look? How does it know
//! that a message is whole, that there is a new one, that its partner still lives? That is for the two programs to
//! settle.
//!
//! The study notes' writer and reader settle none of it. They come here as [`write_hellos`] and [`read_hellos`], on a
//! [`Channel`]: the notes' own advice, "design it as a struct", taken at its word. What is theirs and what is put
//! right:
//!
//! | in the notes | here |
//! |---|---|
//! | seek and write one byte, to give the file its size | posix_fallocate(3): the disk's blocks are reserved as well |
//! | mode 0777 | 0600: who may write to the file may also truncate it, and kill those who map it |
//! | the file is there before its size is | it gets its name when it is complete |
//! | sprintf into the page, printf from it | a sequence lock: a reader gets a whole message or none |
//! | printf until a NUL comes | a length, checked against the room that there is |
//! | the reader opens O_RDWR | O_RDONLY and PROT_READ |
//! | sleep(1), and look whether there is something new | futex(2): sleep until the writer rings |
//! | two writers write over each other | a lock, which the kernel takes away from a writer that dies |
//! | `while (1)`, and munmap never reached | a signal ends the loop, and the mapping is removed |
//!
//! ## Why there is no `&[u8]` here
//! A `&[u8]` promises the compiler that nobody changes the bytes while it lives, a `&mut [u8]` that nobody else even looks
//! at them. The compiler uses such promises: it may load a length once to check it, and once more to copy. With another
//! process storing to the page the promise is broken, and that is undefined behaviour in Rust, whether or not something
//! goes wrong today. A volatile read through it does not mend that: the broken promise is the reference itself. An
//! atomic promises nothing of the kind; each load gives what is there at some moment. So a channel is a struct of
//! atomics, and the safe crate's type for it is [`memmap2::MmapRaw`], which hands out a pointer. `Mmap` and `MmapMut`
//! are slices, and their making is `unsafe` for this very reason.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::Ordering::{Relaxed, Release};
use std::sync::atomic::{self, AtomicU32, AtomicU64, fence};
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

use crate::lesson_2::{Mapping, READ_WRITE, Sharing};
use crate::narrate::Narrator;
use crate::observe::{Area, maps_of, maps_of_process};
use crate::process::{Child, DEADLINE, Ended};

// ANCHOR: channel
/// The most bytes that a message's text has.
pub const CAPACITY: usize = 40;

/// What a channel file begins with. It is a number and not a text: a machine with the other byte order reads another
/// one, and refuses the file.
pub const MAGIC: u64 = u64::from_be_bytes(*b"mmapchan");

/// Raised whenever the meaning of a field changes.
pub const VERSION: u32 = 1;

/// A message is whole in one slot while the next one is written into the other.
pub const SLOTS: usize = 2;

/// A message in words: its number, the length of its text, the text.
const WORDS: usize = 2 + CAPACITY / 8;

/// The file, as a struct. Each process has it at another address, so nothing in it is a pointer.
///
/// `repr(C)` fixes the order of the fields: both programs must agree on it, and they may be built years apart.
// ANCHOR: fields
#[repr(C)]
#[derive(Debug)]
pub struct Channel {
    magic: AtomicU64,
    version: AtomicU32,
    /// The size of this struct: a build with more slots or longer texts has another.
    layout: AtomicU32,
    /// The process id of the writer, or of the last one.
    writer: AtomicU32,
    /// Counts the rings. Readers sleep on it.
    bell: AtomicU32,
    /// Odd while a writer is at work, even once it has finished. One that dies leaves it odd.
    session: AtomicU64,
    /// How many messages there were: the last one is in slot `(published - 1) % SLOTS`.
    published: AtomicU64,
    /// The number of the writer's first message: those before it are other writers'.
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
        assert!(mapping.length() >= SIZE, "a mapping of {} bytes is no channel", mapping.length());
        let start = std::ptr::with_exposed_provenance(mapping.address());
        // SAFETY: mapped for as long as the borrow of `mapping`, aligned to a page, and any bytes are a valid Channel.
        // All its fields are atomics, so other processes may change them meanwhile.
        unsafe { &*start }
    }

    /// Fills in the header of a new file, which is all zeros.
    fn begin(&self) {
        self.magic.store(MAGIC, Relaxed);
        self.version.store(VERSION, Relaxed);
        self.layout.store(layout(), Relaxed);
    }

    /// Looks whether this is a channel, and one that this program knows.
    fn check(&self) -> io::Result<()> {
        let (magic, version, size) = (self.magic.load(Relaxed), self.version.load(Relaxed), self.layout.load(Relaxed));
        let (kind, text) = if magic != MAGIC {
            (ErrorKind::InvalidData, "not a channel: it does not begin with a channel's magic number".to_owned())
        } else if version != VERSION {
            (ErrorKind::Unsupported, format!("a channel of version {version}; this program knows version {VERSION}"))
        } else if size != layout() {
            (ErrorKind::Unsupported, format!("a channel with a layout of {size} bytes; this program's has {SIZE}"))
        } else {
            return Ok(());
        };
        Err(io::Error::new(kind, text))
    }
}

fn layout() -> u32 {
    u32::try_from(SIZE).expect("a channel is small")
}

/// What goes through a channel: a number, one more than that of the message before, and a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message([u64; WORDS]);

impl Message {
    fn new(number: u64, text: &str) -> io::Result<Message> {
        if text.len() > CAPACITY {
            let text = format!("the text has {} bytes, and a message has room for {CAPACITY}", text.len());
            return Err(io::Error::new(ErrorKind::InvalidInput, text));
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

    /// The length came out of a file that anybody may have written: it is checked, not trusted.
    fn checked(self) -> io::Result<Message> {
        if usize::try_from(self.0[1]).is_ok_and(|length| length <= CAPACITY) {
            return Ok(self);
        }
        let text = format!("a message claims to have {} bytes of text, and there is room for {CAPACITY}", self.0[1]);
        Err(io::Error::new(ErrorKind::InvalidData, text))
    }

    /// 0 for the first message of a channel.
    pub fn number(&self) -> u64 {
        self.0[0]
    }

    /// The text; what is not UTF-8 in it is replaced.
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
    /// Stores the words one after the other. Each is whole, and all of them together are not: a reader may look
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
    /// The notes' way: the message is simply written over the one before.
    fn publish_naively(&self, text: &str, halfway: impl FnOnce()) -> io::Result<()> {
        let number = self.published.load(Relaxed);
        self.slots[0].store(&Message::new(number, text)?, halfway);
        self.published.store(number.wrapping_add(1), Relaxed);
        Ok(())
    }

    /// The notes' way: what is there is simply read.
    fn read_naively(&self, halfway: impl FnOnce()) -> io::Result<Message> {
        self.slots[0].load(halfway).checked()
    }
}
// ANCHOR_END: naive

// ANCHOR: sequence_lock
/// What a reader found when it looked once.
#[derive(Debug, PartialEq, Eq)]
pub enum Look {
    /// No message was ever published.
    Nothing,
    /// The last message.
    Whole(Message),
    /// The writer has come round to this slot again: what was read may be torn, and is thrown away.
    Overtaken,
}

impl Channel {
    /// Writes a message into the slot that nobody is sent to, and then sends the readers there.
    ///
    /// A writer that dies anywhere in here leaves `published`, and so the last whole message, as it was.
    // ANCHOR: publish
    fn publish(&self, text: &str, halfway: impl FnOnce()) -> io::Result<u64> {
        let number = self.published.load(Relaxed); // Only the writer stores to it, and that is us.
        let message = Message::new(number, text)?;
        let slot = self.slot(number);
        // `| 1` and not `+ 1`: a writer that died in here has left it odd already.
        let odd = slot.sequence.load(Relaxed) | 1;
        slot.sequence.store(odd, Relaxed);
        // Whoever sees one of the stores after this fence sees the odd number before it. A Release store would not
        // do: it keeps earlier stores from moving down, not later ones from moving up.
        fence(Release);
        slot.store(&message, halfway);
        // Release: whoever sees the even number sees all the words.
        slot.sequence.store(odd.wrapping_add(1), Release);
        // Release: whoever is sent to the slot sees its even number.
        self.published.store(number.wrapping_add(1), Release);
        Ok(number)
    }
    // ANCHOR_END: publish

    /// Reads the last message, and looks whether it stayed the last one meanwhile.
    // ANCHOR: look
    fn look(&self, halfway: impl FnOnce()) -> io::Result<Look> {
        let Some(number) = acquire(&self.published).checked_sub(1) else { return Ok(Look::Nothing) };
        let slot = self.slot(number);
        let before = acquire(&slot.sequence);
        let message = slot.load(halfway);
        // If one of the words came from a newer message, the load after this fence sees that message's odd number, or a
        // later one.
        fence(atomic::Ordering::Acquire);
        let after = slot.sequence.load(Relaxed);
        // The number is compared as well: the slot may hold a newer message, whole, while `published` is older. To take
        // it would be to go back by one with the next look.
        if before != after || before % 2 == 1 || message.number() != number {
            return Ok(Look::Overtaken);
        }
        Ok(Look::Whole(message.checked()?))
    }
    // ANCHOR_END: look

    fn slot(&self, number: u64) -> &Slot {
        let slots = u64::try_from(SLOTS).expect("a few");
        &self.slots[usize::try_from(number % slots).expect("less than SLOTS")]
    }
}

/// An Acquire load: what the writer stored before its Release store is seen by the loads that come after this one.
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
/// Sleeps until the bell is no longer at `heard`, or `limit` is over, or somebody wakes us for nothing.
///
/// The kernel compares and goes to sleep in one step: a ring between our look at the bell and the call is not slept
/// through. Without FUTEX_PRIVATE_FLAG, as the other side is another process: the kernel then goes by the file and the
/// offset in it, not by the address. It works on a read-only mapping, too. futex(2) is Linux's; POSIX has no such thing
/// for a reader that may not write.
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

/// Wakes all who sleep on the bell.
fn ring(bell: &AtomicU32) {
    bell.fetch_add(1, Release);
    // SAFETY: the pointer is valid for the call, and with FUTEX_WAKE the kernel only takes it for an address. Nobody
    // there to be woken is no error.
    unsafe { libc::syscall(libc::SYS_futex, bell.as_ptr(), libc::FUTEX_WAKE, i32::MAX) };
}
// ANCHOR_END: bell

// ANCHOR: lock
/// A write lock on the whole file, as fcntl(2) takes it.
fn write_lock() -> libc::flock {
    let l_type = libc::F_WRLCK.try_into().expect("a small number");
    let l_whence = libc::SEEK_SET.try_into().expect("a small number");
    libc::flock { l_type, l_whence, l_start: 0, l_len: 0, l_pid: 0 }
}

/// Takes the lock; false when somebody else has it.
///
/// F_OFD_SETLK makes it the open file description's: it goes when that is closed, and a process that dies, of whatever,
/// closes all it has. (The older F_SETLK would be lost as soon as this process closes any descriptor of the file.) It
/// is Linux's, and POSIX's since 2024. Like all such locks it holds back only those who ask.
// ANCHOR: take_lock
fn take_lock(file: &File) -> Result<bool, Errno> {
    match fcntl(file, FcntlArg::F_OFD_SETLK(&write_lock())) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(errno) => Err(errno),
    }
}
// ANCHOR_END: take_lock

/// Whether somebody else has the lock. Nothing is taken, so a descriptor that is open for reading will do.
fn is_locked(file: &File) -> Result<bool, Errno> {
    let mut lock = write_lock();
    fcntl(file, FcntlArg::F_OFD_GETLK(&mut lock))?;
    Ok(i32::from(lock.l_type) != libc::F_UNLCK)
}
// ANCHOR_END: lock

// ANCHOR: writer
/// The one process that writes to a channel. Dropping it says to the readers that it has finished, and unmaps.
#[derive(Debug)]
pub struct Writer {
    // Dropped in this order: whoever gets the lock knows that nobody has the page mapped for writing any more. The
    // kernel keeps to the same order when a process dies.
    mapping: Mapping,
    /// Kept open for the lock on it.
    _locked: File,
}

impl Writer {
    /// Creates the channel file, or goes on with one that is there and has no writer.
    ///
    /// A new file gets its name only when it is complete and locked: no reader sees it half made. Its blocks are reserved,
    /// so that a full disk is an error here and not a SIGBUS at some store later.
    ///
    /// # Errors
    /// `ResourceBusy` when a writer is at work; ENOSPC; for a file that is there and no channel: as [`Reader::open`],
    /// and it is left as it was; else those of open(2), mmap(2) and renameat2(2). Each names the file.
    pub fn open(path: &Path) -> io::Result<Writer> {
        let writer = match open_file(path, true) {
            Err(error) if error.kind() == ErrorKind::NotFound => Writer::create(path),
            file => file.and_then(Writer::take_over),
        };
        writer.map_err(|error| named(path, error))
    }

    // ANCHOR: create
    fn create(path: &Path) -> io::Result<Writer> {
        // tempfile's files have mode 0600, and are removed when anything here fails.
        let file = tempfile::Builder::new().prefix(".channel-").tempfile_in(directory_of(path))?;
        posix_fallocate(&file, 0, libc::off_t::try_from(SIZE).map_err(io::Error::other)?)?;
        let mapping = Mapping::of_file(&file, 0, SIZE, READ_WRITE, Sharing::Shared)?;
        Channel::of(&mapping).begin();
        let writer = Writer::lock(mapping, file.as_file().try_clone()?)?;
        match file.persist_noclobber(path) {
            Ok(_) => Ok(writer),
            // Somebody else has made one in this moment.
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {
                open_file(path, true).and_then(Writer::take_over)
            }
            Err(error) => Err(error.error),
        }
    }
    // ANCHOR_END: create

    fn take_over(file: File) -> io::Result<Writer> {
        let mapping = Mapping::of_file(&file, 0, SIZE, READ_WRITE, Sharing::Shared)?;
        Channel::of(&mapping).check()?;
        Writer::lock(mapping, file)
    }

    /// With the lock, it is this process that may store to the channel. Before, not one byte is changed.
    fn lock(mapping: Mapping, file: File) -> io::Result<Writer> {
        let channel = Channel::of(&mapping);
        if !take_lock(&file)? {
            let text = format!("a writer (pid {}) is at work already", channel.writer.load(Relaxed));
            return Err(io::Error::new(ErrorKind::ResourceBusy, text));
        }
        channel.writer.store(std::process::id(), Relaxed);
        channel.first.store(channel.published.load(Relaxed), Relaxed);
        // The next odd number: from an even one by 1, from that of a writer that died by 2.
        channel.session.store(channel.session.load(Relaxed).wrapping_add(1) | 1, Release);
        ring(&channel.bell);
        Ok(Writer { mapping, _locked: file })
    }

    /// Publishes a message of at most [`CAPACITY`] bytes and returns its number. Readers that sleep go on sleeping
    /// until [`Writer::ring`].
    ///
    /// # Errors
    /// `InvalidInput` when the text is too long.
    pub fn publish(&mut self, text: &str) -> io::Result<u64> {
        self.publish_pausing(text, || ())
    }

    /// [`Writer::publish`] with something that happens when half of the message is written.
    ///
    /// # Errors
    /// As [`Writer::publish`].
    pub fn publish_pausing(&mut self, text: &str, halfway: impl FnOnce()) -> io::Result<u64> {
        Channel::of(&self.mapping).publish(text, halfway)
    }

    /// Writes a message over the one before, as the study notes' program does, with something that happens halfway.
    ///
    /// # Errors
    /// As [`Writer::publish`].
    pub fn publish_naively(&mut self, text: &str, halfway: impl FnOnce()) -> io::Result<()> {
        Channel::of(&self.mapping).publish_naively(text, halfway)
    }

    /// Wakes the readers that sleep in [`Reader::sleep`]. A system call, so a writer in a hurry does it now and then.
    pub fn ring(&self) {
        ring(&Channel::of(&self.mapping).bell);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let channel = Channel::of(&self.mapping);
        channel.session.store(channel.session.load(Relaxed).wrapping_add(1), Release);
        ring(&channel.bell);
    }
}
// ANCHOR_END: writer

// ANCHOR: reader
/// A process that reads from a channel: any number of them, none of which can change it.
#[derive(Debug)]
pub struct Reader {
    mapping: Mapping,
    file: File,
}

/// What has become of the writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A writer has the channel.
    Writing,
    /// The last writer has finished.
    Finished,
    /// The last writer ended without a word, by SIGKILL for example: its lock is gone, and the channel says "at work".
    Died,
}

/// How often a reader looks again when it is overtaken. A writer that overtakes it this often is too fast for it; a
/// channel whose sequence stays odd was not written by [`Writer`].
const LOOKS: u32 = 10_000;

impl Reader {
    /// Opens a channel for reading.
    ///
    /// # Errors
    /// `InvalidInput` for what is no regular file; `UnexpectedEof` for a file that is too short; `InvalidData` for a
    /// wrong magic; `Unsupported` for another version or layout; else those of open(2) and mmap(2). Each names the
    /// file.
    pub fn open(path: &Path) -> io::Result<Reader> {
        Reader::new(path).map_err(|error| named(path, error))
    }

    fn new(path: &Path) -> io::Result<Reader> {
        let file = open_file(path, false)?;
        let mapping = Mapping::of_file(&file, 0, SIZE, ProtFlags::PROT_READ, Sharing::Shared)?;
        Channel::of(&mapping).check()?;
        Ok(Reader { mapping, file })
    }

    /// The last message, or None when there was none yet. It waits for nobody, least of all for a writer that has died.
    ///
    /// # Errors
    /// `TimedOut` when the writer overtakes the reader again and again; `InvalidData` for a length that cannot be.
    pub fn read(&self) -> io::Result<Option<Message>> {
        for _ in 0..LOOKS {
            match self.look(|| ())? {
                Look::Nothing => return Ok(None),
                Look::Whole(message) => return Ok(Some(message)),
                Look::Overtaken => std::hint::spin_loop(),
            }
        }
        let text =
            format!("no whole message in {LOOKS} looks: the writer is too fast, or it was no writer of channels");
        Err(io::Error::new(ErrorKind::TimedOut, text))
    }

    /// Looks once, with something that happens when half of the message is read.
    ///
    /// # Errors
    /// `InvalidData` for a length that cannot be.
    pub fn look(&self, halfway: impl FnOnce()) -> io::Result<Look> {
        Channel::of(&self.mapping).look(halfway)
    }

    /// Reads as the study notes' program does, with something that happens halfway: what it returns may be torn.
    ///
    /// # Errors
    /// `InvalidData` for a length that cannot be.
    pub fn read_naively(&self, halfway: impl FnOnce()) -> io::Result<Message> {
        Channel::of(&self.mapping).read_naively(halfway)
    }

    /// What has become of the writer.
    ///
    /// # Errors
    /// Those of fcntl(2).
    // ANCHOR: state
    pub fn state(&self) -> io::Result<State> {
        let session = &Channel::of(&self.mapping).session;
        loop {
            let before = acquire(session);
            if before.is_multiple_of(2) {
                return Ok(State::Finished);
            }
            if is_locked(&self.file)? {
                return Ok(State::Writing);
            }
            // Looked at again: the writer may have finished, and another one come, between the two questions.
            if acquire(session) == before {
                return Ok(State::Died);
            }
        }
    }
    // ANCHOR_END: state

    /// The process id of the writer, or of the last one.
    pub fn writer(&self) -> u32 {
        Channel::of(&self.mapping).writer.load(Relaxed)
    }

    /// How often the bell has rung. To be asked before one looks at what there is, and given to [`Reader::sleep`]
    /// after.
    pub fn bell(&self) -> u32 {
        let bell = Channel::of(&self.mapping).bell.load(Relaxed);
        fence(atomic::Ordering::Acquire);
        bell
    }

    /// Sleeps until the bell has rung more often than `heard`, or `limit` is over; a wake for nothing is possible.
    ///
    /// # Errors
    /// `UnexpectedEof` when the file has become too short. A touch of it would be SIGBUS then, and between this look
    /// and the next touch somebody may truncate it still: lesson 6 is about that. Else those of futex(2).
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

/// The last message of a channel, read with memmap2. [`MmapRaw`] takes the call, the length and munmap(2) off our
/// hands, and its making is safe, since it promises nothing of the bytes. To follow its pointer is ours to answer for.
///
/// # Errors
/// As [`Reader::open`] and [`Reader::read`]; `ResourceBusy` when the writer was faster.
// ANCHOR: with_memmap2
pub fn last_message_with_memmap2(path: &Path) -> io::Result<Look> {
    let map: MmapRaw = MmapOptions::new().len(SIZE).map_raw_read_only(&open_file(path, false)?)?;
    // SAFETY: SIZE bytes are mapped for as long as `map` lives, aligned to a page, and any bytes are a valid Channel.
    // All its fields are atomics, so other processes may change them meanwhile.
    let channel: &Channel = unsafe { &*map.as_ptr().cast() };
    channel.check()?;
    channel.look(|| ())
}
// ANCHOR_END: with_memmap2

/// Opens what may be a channel.
fn open_file(path: &Path, write: bool) -> io::Result<File> {
    // O_NONBLOCK: opening a FIFO would wait for its other end.
    let file = OpenOptions::new().read(true).write(write).custom_flags(libc::O_NONBLOCK).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "not a regular file"));
    }
    check_size(&file)?;
    Ok(file)
}

fn check_size(file: &File) -> io::Result<()> {
    let size = file.metadata()?.len();
    if usize::try_from(size).is_ok_and(|size| size < SIZE) {
        let text = format!("too short for a channel: {size} bytes, and a channel has {SIZE}");
        return Err(io::Error::new(ErrorKind::UnexpectedEof, text));
    }
    Ok(())
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn named(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{path:?}: {error}"))
}
// ANCHOR_END: reader

// ANCHOR: programs
/// How often the writer writes, and when either program ends.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// From one message to the next.
    pub period: Duration,
    /// Ends after so many messages; None: only a signal ends it.
    pub count: Option<u64>,
}

/// The signals that ask a program to end, held back, so that they are found where they are looked for and nowhere else.
struct Stop {
    asked: SignalFd,
    before: SigSet,
}

impl Stop {
    fn hold_signals() -> io::Result<Stop> {
        let signals: SigSet = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().collect();
        let asked = SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        Ok(Stop { asked, before: signals.thread_swap_mask(SigmaskHow::SIG_BLOCK)? })
    }

    /// Waits until a signal comes, and takes it; false when `limit` is over first.
    fn within(&self, limit: Duration) -> io::Result<bool> {
        // ppoll(2) and not poll(2): it counts nanoseconds, where 0.3 ms would become 0. A century is for ever here.
        let limit = TimeSpec::from(limit.min(Duration::from_secs(100 * 365 * 86_400)));
        match ppoll(&mut [PollFd::new(self.asked.as_fd(), PollFlags::POLLIN)], Some(limit), None) {
            Ok(_) | Err(Errno::EINTR) => Ok(self.asked.read_signal()?.is_some()),
            Err(errno) => Err(errno.into()),
        }
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        // A second Ctrl-C was meant as the first one: taken as well, before the signals act again.
        while let Ok(Some(_)) = self.asked.read_signal() {}
        let _ = self.before.thread_set_mask();
    }
}

/// The notes' writer: publishes `hello0`, `hello1`, ... through the channel at `path` and prints each.
///
/// It ends with `pace.count`, or by SIGINT, SIGTERM or SIGHUP. The file stays, for readers that come later and for the
/// next writer, which goes on with the messages' numbers, and begins with `hello0` again.
///
/// # Errors
/// As [`Writer::open`], and those of the output.
pub fn write_hellos(out: &mut dyn Write, path: &Path, pace: &Pace) -> io::Result<()> {
    let stop = Stop::hold_signals()?;
    let mut writer = Writer::open(path)?;
    let area = area_of(&writer.mapping)?;
    say(out, format!("-- maps: {area}"))?;
    let mut written = 0;
    while pace.count != Some(written) {
        let text = format!("hello{written}");
        writer.publish(&text)?;
        writer.ring();
        say(out, text)?;
        written += 1;
        if pace.count != Some(written) && stop.within(pace.period)? {
            break;
        }
    }
    drop(writer);
    say(out, format!("-- {written} messages; {}; {path:?} stays", munmapped(&area)?))
}

/// The notes' reader: prints each message that it finds in the channel at `path`.
///
/// It waits for the file to be made, and for a writer when the last one is gone. It ends when its writer finishes, with
/// `pace.count`, or by SIGINT, SIGTERM or SIGHUP. The channel holds the last message and is no queue: of a writer that
/// is faster than the reader's terminal, messages are missed.
///
/// # Errors
/// `ConnectionAborted` when its writer dies; as [`Reader::open`] and [`Reader::read`]; those of the output.
pub fn read_hellos(out: &mut dyn Write, path: &Path, pace: &Pace) -> io::Result<()> {
    let stop = Stop::hold_signals()?;
    let mut read = 0;
    loop {
        let Some(reader) = wait_for_channel(out, path, &stop)? else { return say(out, "-- stopped while waiting") };
        let area = area_of(&reader.mapping)?;
        say(out, format!("-- maps: {area}"))?;
        let end = follow(out, path, &reader, pace, &stop, &mut read);
        drop(reader);
        match end? {
            End::Replaced => say(out, format!("-- {}; {path:?} leads to another file now", munmapped(&area)?))?,
            End::Because(why) => return say(out, format!("-- {why}; {read} messages; {}", munmapped(&area)?)),
        }
    }
}

/// How long a reader sleeps at most before it looks whether its writer lives, and whether it was asked to stop.
const LOOK_UP: Duration = Duration::from_millis(50);

/// Opens the channel as soon as it is there. None when asked to stop before.
fn wait_for_channel(out: &mut dyn Write, path: &Path, stop: &Stop) -> io::Result<Option<Reader>> {
    if let Some(reader) = unless_missing(Reader::open(path))? {
        return Ok(Some(reader));
    }
    let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
    let (directory, appears) = (directory_of(path), AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO);
    let goes = AddWatchFlags::IN_DELETE_SELF | AddWatchFlags::IN_MOVE_SELF;
    inotify.add_watch(directory, appears | goes).map_err(|errno| named(path, errno.into()))?;
    say(out, format!("-- waiting for {path:?}"))?;
    loop {
        // Looked at with the watch in place: a file that comes between this look and the wait ends the wait.
        if let Some(reader) = unless_missing(Reader::open(path))? {
            return Ok(Some(reader));
        }
        std::fs::metadata(directory).map_err(|error| named(directory, error))?;
        let mut fds = [inotify.as_fd(), stop.asked.as_fd()].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        match poll(&mut fds, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        if stop.within(Duration::ZERO)? {
            return Ok(None);
        }
        // Which file came is no matter: it is time to look again.
        while inotify.read_events().is_ok() {}
    }
}

fn unless_missing<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        result => result.map(Some),
    }
}

/// Why a reader is at its end with a channel.
enum End {
    /// The path leads to another file now.
    Replaced,
    /// It is at its end altogether.
    Because(&'static str),
}

/// Prints what comes through the channel, and counts it in `read`.
fn follow(
    out: &mut dyn Write,
    path: &Path,
    reader: &Reader,
    pace: &Pace,
    stop: &Stop,
    read: &mut u64,
) -> io::Result<End> {
    let message = || reader.read().map_err(|error| named(path, error));
    let last = |message: Option<Message>| match message {
        Some(message) => format!("its last whole message is {:?}", message.text()),
        None => "it wrote no message".to_owned(),
    };
    // Looked at before the state: if there is no writer by then, this is old.
    let left = message()?;
    let mut waiting = reader.state()? != State::Writing;
    let mut news_from = Channel::of(&reader.mapping).first.load(Relaxed);
    if waiting {
        say(out, format!("-- the writer (pid {}) is gone; {}; waiting for the next", reader.writer(), last(left)))?;
        news_from = left.map_or(0, |message| message.number() + 1);
    }
    while pace.count != Some(*read) {
        // In this order: a message, a ring, the writer's end that come after our look are found the next time round.
        let heard = reader.bell();
        let state = reader.state()?;
        let news = message()?.filter(|message| message.number() >= news_from);
        if let Some(message) = news {
            say(out, message.text())?;
            news_from = message.number() + 1;
            *read += 1;
            waiting = false;
        }
        if stop.within(Duration::ZERO)? {
            return Ok(End::Because("stopped"));
        }
        match state {
            // There may be more, and the writer another one by now.
            _ if news.is_some() => continue,
            State::Writing => waiting = false,
            State::Finished | State::Died if waiting => {
                if !reader.is_at(path)? {
                    return Ok(End::Replaced);
                }
            }
            State::Finished => return Ok(End::Because("the writer has finished")),
            State::Died => {
                let text = format!("the writer (pid {}) died; {}", reader.writer(), last(message()?));
                return Err(named(path, io::Error::new(ErrorKind::ConnectionAborted, text)));
            }
        }
        reader.sleep(heard, LOOK_UP).map_err(|error| named(path, error))?;
    }
    Ok(End::Because("that was the last one asked for"))
}

/// Prints a line at once: whoever is at the other end of a pipe is waiting for it.
fn say(out: &mut dyn Write, line: impl std::fmt::Display) -> io::Result<()> {
    writeln!(out, "{line}")?;
    out.flush()
}

fn area_of(mapping: &Mapping) -> io::Result<Area> {
    maps_of(mapping.range())?.pop().ok_or_else(|| io::Error::other("/proc/self/maps has no line for the mapping"))
}

/// Looks for a line that was there before munmap(2).
fn munmapped(area: &Area) -> io::Result<&'static str> {
    let left = maps_of(area.range())?.iter().any(|line| line.name() == area.name());
    Ok(if left { "the mapping is still there" } else { "munmap: its line of /proc/self/maps is gone" })
}
// ANCHOR_END: programs

// ANCHOR: halfway
/// What a reader gets while a writer in another process is halfway through its second message, and when that is
/// through.
///
/// The first message is forty times `A`, the second forty times `B`, written the notes' way or with the sequence lock.
///
/// # Errors
/// Those of the channel, which is made in `directory` and removed, and of the child.
pub fn read_halfway(directory: &Path, naively: bool) -> io::Result<[String; 2]> {
    let path = directory.join("halfway");
    let (child, line) = Child::fork(|line| {
        let mut writer = Writer::open(&path)?;
        let [first, second] = ["A", "B"].map(|letter| letter.repeat(CAPACITY));
        let mut turns = Ok(());
        let halfway = || turns = line.give_turn().and_then(|()| line.await_turn());
        if naively {
            writer.publish_naively(&first, || ())?;
            writer.publish_naively(&second, halfway)?;
        } else {
            writer.publish(&first)?;
            writer.publish_pausing(&second, halfway)?;
        }
        turns?;
        line.give_turn()?;
        line.await_turn()
    })?;
    line.await_turn()?;
    let reader = Reader::open(&path)?;
    std::fs::remove_file(&path)?;
    let read = || -> io::Result<String> {
        let message = if naively { reader.read_naively(|| ())? } else { reader.read()?.ok_or(ErrorKind::NotFound)? };
        Ok(message.text())
    };
    let halfway = read()?;
    line.give_turn()?;
    line.await_turn()?;
    let after = read()?;
    line.give_turn()?;
    child.wait()?.success()?;
    Ok([halfway, after])
}

/// What a channel shows of a writer that is killed halfway through a message.
#[derive(Debug, PartialEq, Eq)]
pub struct Death {
    /// While it lives: the writer, and whether a second one is refused.
    pub before: (State, Option<ErrorKind>),
    /// How it ended.
    pub ended: Ended,
    /// Once it is gone: the writer, and the text of the last message.
    pub after: (State, Option<String>),
    /// The number of the next writer's first message, and its text as a reader gets it.
    pub next: (u64, Option<String>),
}

/// Kills a writer with SIGKILL when its second message is half written, and lets another one go on.
///
/// # Errors
/// Those of the channel, which is made in `directory` and removed, and of the child.
pub fn killed_halfway(directory: &Path) -> io::Result<Death> {
    let path = directory.join("killed");
    let (child, line) = Child::fork(|line| {
        let mut writer = Writer::open(&path)?;
        writer.publish("whole")?;
        let mut turns = Ok(());
        writer.publish_pausing("never whole", || {
            turns = line.give_turn().and_then(|()| line.await_turn()); // which never comes
        })?;
        turns
    })?;
    line.await_turn()?;
    let reader = Reader::open(&path)?;
    let text = || reader.read().map(|last| last.map(|message| message.text()));
    let before = (reader.state()?, Writer::open(&path).err().map(|error| error.kind()));
    let ended = child.kill()?;
    let after = (reader.state()?, text()?);
    let mut writer = Writer::open(&path)?;
    std::fs::remove_file(&path)?;
    let next = (writer.publish("of the next writer")?, text()?);
    Ok(Death { before, ended, after, next })
}
// ANCHOR_END: halfway

// ANCHOR: tally
/// What a reader counted under a writer at full speed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Messages that were read.
    pub reads: u64,
    /// Those that began with one message and went on with another.
    pub torn: u64,
    /// Those with a lower number than one before.
    pub back: u64,
    /// How often the message was another one than that before.
    pub changes: u64,
    /// The number of the message before.
    last: u64,
}

impl Tally {
    /// Counts a message. The text of message N is forty times one letter, which N decides: two letters, or a wrong one, and
    /// it is torn.
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

/// Reads at least `reads` messages, and two different ones, while a child writes as fast as it can; either the notes'
/// way or with the sequence lock.
///
/// The text of message N is forty times one letter, which N decides: two letters, or a wrong one, and it is torn.
///
/// # Errors
/// Those of the channel, which is made in `directory` and removed, and of the child.
pub fn tally(directory: &Path, naively: bool, reads: u64) -> io::Result<Tally> {
    let path = directory.join("full-speed");
    let texts: Vec<String> = ('A'..='Z').map(|letter| letter.to_string().repeat(CAPACITY)).collect();
    let (child, line) = Child::fork(|line| {
        let mut writer = Writer::open(&path)?;
        for (n, text) in texts.iter().cycle().enumerate() {
            if naively {
                writer.publish_naively(text, || ())?
            } else {
                writer.publish(text).map(drop)?
            }
            if n == 0 {
                line.give_turn()?;
            }
        }
        Ok(())
    })?;
    line.await_turn()?;
    let reader = Reader::open(&path)?;
    std::fs::remove_file(&path)?;
    let given_up = Instant::now() + DEADLINE;
    let mut tally = Tally::default();
    while tally.reads < reads || tally.changes == 0 {
        let message = if naively { reader.read_naively(|| ())? } else { reader.read()?.ok_or(ErrorKind::NotFound)? };
        tally.add(&message);
        if tally.reads.is_multiple_of(1 << 20) && Instant::now() > given_up {
            return Err(io::Error::new(ErrorKind::TimedOut, "the writer at full speed wrote nothing"));
        }
    }
    child.kill()?;
    Ok(tally)
}
// ANCHOR_END: tally

/// Demonstrates two processes on one page: the message that goes across, the one that is torn, the writer that dies.
///
/// It makes a channel file beside the file at `path`, and only tries to open that one.
///
/// # Errors
/// Those of the functions above, and of the output.
pub fn demonstrate(out: &mut Narrator, path: &Path) -> io::Result<()> {
    let directory = out.directory();
    let channel = directory.join("channel");

    out.part("Two processes, one page")?;
    out.tell("a child makes the channel file and maps it; we open it for reading")?;
    let (child, line) = Child::fork(|line| {
        let mut writer = Writer::open(&channel)?;
        for text in ["hello0", "hello1"] {
            line.give_turn()?;
            line.await_turn()?;
            writer.publish(text)?;
        }
        line.give_turn()?;
        line.await_turn()
    })?;
    line.await_turn()?;
    // A page of our own in between: or both of us, forked as alike as we are, might get the same address.
    let _page = Mapping::anonymous(1, READ_WRITE, Sharing::Private)?;
    let reader = Reader::open(&channel)?;
    let size = std::fs::metadata(&channel)?;
    let (mode, reserved) = (size.mode() & 0o7777, out.varying("bytes", size.blocks() * 512));
    out.evidence("the file", format!("{} bytes, mode {mode:04o}, {reserved} bytes reserved", size.len()))?;
    let areas = maps_of_process(child.pid())?;
    let areas: Vec<_> = areas.into_iter().filter(|area| Path::new(&area.name()) == channel).collect();
    out.maps(&areas)?;
    out.maps(&maps_of(reader.mapping.range())?)?;
    out.shows("the same file in the maps of both processes: the child may write, we may only read.")?;
    out.evidence("a second writer", refusal(out, Writer::open(&channel).map(drop), reader.writer()))?;
    out.evidence("a reader of your file", refusal(out, Reader::open(path).map(drop), reader.writer()))?;
    out.tell("the child gets its turn, twice; no system call carries the message")?;
    for _ in 0..2 {
        line.give_turn()?;
        line.await_turn()?;
        let message = reader.read()?.ok_or(ErrorKind::NotFound)?;
        out.evidence("read", format!("message {}: {:?}", message.number(), message.text()))?;
    }
    out.evidence("the writer", format!("{:?}", reader.state()?))?;
    line.give_turn()?;
    child.wait()?.success()?;
    out.evidence("when the child has ended", format!("{:?}", reader.state()?))?;
    std::fs::remove_file(&channel)?;

    out.part("Half a message")?;
    out.tell("AAAA... is there, and a child has written half of BBBB... when we read")?;
    let [halfway, after] = read_halfway(&directory, true)?;
    out.evidence("the notes' way", halfway)?;
    out.evidence("when it is through", after)?;
    let [halfway, after] = read_halfway(&directory, false)?;
    out.evidence("with the sequence lock", halfway)?;
    out.evidence("when it is through", after)?;
    out.tell("the same by chance: a child writes as fast as it can, and we read 50000 times")?;
    let torn = tally(&directory, true, 50_000)?.torn;
    out.evidence("the notes' way", format!("{} torn", out.varying("count", torn)))?;
    out.evidence("with the sequence lock", format!("{} torn", tally(&directory, false, 50_000)?.torn))?;
    out.shows("each word was stored in one piece; only the sequence tells which words belong together.")?;

    out.part("The writer is killed halfway")?;
    let death = killed_halfway(&directory)?;
    out.evidence("while it lives", format!("{:?}", death.before.0))?;
    out.evidence("a second writer", death.before.1.map_or("ok".to_owned(), |kind| format!("refused: {kind}")))?;
    out.evidence("the child was", death.ended)?;
    out.evidence("afterwards", format!("{:?}", death.after.0))?;
    out.evidence("the last message", format!("{:?}", death.after.1.unwrap_or_default()))?;
    let (number, text) = (death.next.0, death.next.1.unwrap_or_default());
    out.evidence("the next writer's", format!("message {number}: {text:?}"))?;
    out.shows("its lock went with it, the last whole message did not; the next writer goes on from there.")
}

/// Why a channel was not opened, with the writer's process id as something that varies.
fn refusal(out: &Narrator, opened: io::Result<()>, writer: u32) -> String {
    let text = opened.err().map_or("ok".to_owned(), |error| error.to_string());
    text.replace(&format!("pid {writer}"), &format!("pid {}", out.varying("pid", writer)))
}
