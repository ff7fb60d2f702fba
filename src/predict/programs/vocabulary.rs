//! The functions that programs call for what takes more than a line, and how an answer is written.

use std::collections::BTreeSet;
use std::fmt::{self, Debug};
use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::os::unix::fs::FileExt;
use std::process::Command;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, FcntlArg, fcntl};
use nix::libc::{self, c_int, c_short};
use nix::sys::mman::MmapAdvise;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, raise, sigaction, signal};
use nix::sys::stat::Mode;
use nix::unistd::linkat;

use crate::crash::{Disk, FileNumber};
use crate::lesson_2::{Mapping, READ_WRITE, Sharing};
use crate::lesson_5::memory_file;
use crate::lesson_7::figures::pages_in;
use crate::lesson_7::{AccessKind, Faults, advise, cached_pages, faults_of, touch};
use crate::observe::page_size;
use crate::process::{Child, Ended, Peer};
use crate::text;
use crate::text::Text;
use crate::words::AtomicU64;
use crate::words::machine::Play;

/// What a program, or a child of it, gives: it prints as it is.
pub(super) struct Answer(String);

impl Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A value as it is, an error as the name of its errno.
pub(super) fn answer_of(result: io::Result<String>) -> io::Result<String> {
    match result {
        Ok(value) if value == "()" => Ok("ok".to_owned()),
        Ok(value) => Ok(value),
        Err(error) => match error.raw_os_error() {
            Some(errno) => Ok(format!("{:?}", Errno::from_raw(errno))),
            None => Err(error),
        },
    }
}

/// What a child has sent, or the signal that it died of.
pub(super) fn answer_of_child(child: Child, peer: &Peer, limit: Duration) -> io::Result<String> {
    match child.wait_within(limit)? {
        Ended::Exited(0) => String::from_utf8(peer.receive()?).map_err(io::Error::other),
        Ended::Faulted(fault, _) => Ok(fault.signal.as_str().to_owned()),
        Ended::Killed(signal) => Ok(signal.as_str().to_owned()),
        other => Err(io::Error::other(other.to_string())),
    }
}

/// An answer as the learner reads it.
pub fn said(answer: &str) -> Text {
    if answer == "waits" {
        return Text::fixed("it waits, and does not return", "一直等待，不返回");
    }
    if let Some((one, other)) = answer.split_once(" | ") {
        return text!("{one} or {other}", "{one} 或 {other}");
    }
    Text::new(answer.to_owned(), answer.to_owned())
}

/// What the words of this code mean, those that are not std's: each with its explanation.
pub fn words_in(code: &str) -> impl Iterator<Item = (&'static str, &'static Text)> {
    let code: String = code.lines().map(|line| line.split("//").next().unwrap_or_default().to_owned() + "\n").collect();
    WORDS.iter().filter(move |(word, _)| is_called(&code, word)).map(|(word, text)| (*word, text))
}

/// Whether this function is called by its name alone: not a method, and not another one whose name ends like it.
fn is_called(code: &str, word: &str) -> bool {
    let mut calls = code.match_indices(word).filter(|(at, _)| code[at + word.len()..].starts_with('('));
    calls.any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || "_.:".contains(c)))
}

static WORDS: &[(&str, Text)] = &[
    (
        "read",
        Text::fixed("one read(2) of at most this number of bytes, as text", "一次 read(2)，最多读这么多字节，得到文本"),
    ),
    (
        "pipe",
        Text::fixed("a pipe: what is written to one end is read from the other", "管道：从一端写入，从另一端读出"),
    ),
    (
        "in_a_child",
        Text::fixed(
            "a child process runs this; gives, at its end, what it returned, or the name of the signal that killed it, such as SIGKILL",
            "由一个子进程运行这段代码；它结束之后，给出它的返回值；死于信号的，给出信号名，例如 SIGKILL",
        ),
    ),
    ("die", Text::fixed("the process sends itself SIGKILL", "进程给自己发送 SIGKILL")),
    (
        "alarm_every_10_ms",
        Text::fixed(
            "from now on the process gets SIGALRM every 10 ms; its handler, set without SA_RESTART, does nothing",
            "从现在起，进程每 10 毫秒收到一次 SIGALRM；处理函数不带 SA_RESTART，什么也不做",
        ),
    ),
    (
        "shared_words",
        Text::fixed(
            "two machine words in a page that parent and child share, with these values",
            "父子进程共享的一页里的两个机器字，初值如此",
        ),
    ),
    (
        "values_that_a_reader_may_find",
        Text::fixed(
            "all values that the orderings allow, on any processor, when writer and reader run at the same time",
            "写者和读者同时运行时，内存序允许读到的所有值，不限于某种处理器",
        ),
    ),
    (
        "try_flock",
        Text::fixed("flock(2), exclusive; EAGAIN if it would have to wait", "flock(2) 独占锁；若要等待，则返回 EAGAIN"),
    ),
    (
        "try_fcntl_lock",
        Text::fixed(
            "a write lock by fcntl(2) with F_SETLK; EAGAIN if another holds one",
            "用 fcntl(2) 的 F_SETLK 加写锁；别人持有时返回 EAGAIN",
        ),
    ),
    (
        "try_ofd_lock",
        Text::fixed(
            "a write lock by fcntl(2) with F_OFD_SETLK; EAGAIN if another holds one",
            "用 fcntl(2) 的 F_OFD_SETLK 加写锁；别人持有时返回 EAGAIN",
        ),
    ),
    (
        "futex_wake",
        Text::fixed(
            "wakes all that sleep on the word, and returns their number",
            "唤醒睡在这个字上的所有进程，返回唤醒的个数",
        ),
    ),
    ("futex_wait", Text::fixed("sleeps on the word while it has this value", "只要这个字还是这个值，就睡在它上面")),
    ("number_in", Text::fixed("the number that the file of this name has in it", "这个名字的文件里写着的数")),
    (
        "after_a_power_cut",
        Text::fixed("all that may be left of the file after a power cut", "断电之后，文件可能成为的所有样子"),
    ),
    (
        "disk_with",
        Text::fixed(
            "a disk with a file f that has these bytes; what is done to it now is in the page cache until it is synced",
            "磁盘上有文件 f，内容如此；此后对它做的改动，同步之前都在页缓存里",
        ),
    ),
    (
        "contents_after_a_power_cut",
        Text::fixed("all that may be left of f after a power cut", "断电之后，f 可能成为的所有样子"),
    ),
    (
        "dup2",
        Text::fixed(
            "makes this number a descriptor of the file, by dup2(2)",
            "用 dup2(2) 让这个编号成为该文件的描述符",
        ),
    ),
    (
        "a_program_has",
        Text::fixed(
            "whether a program that is started now finds an open descriptor of this number",
            "现在启动的程序里，这个编号的描述符是否打开着",
        ),
    ),
    ("umask", Text::fixed("sets the umask of the process", "设置进程的 umask")),
    ("seal", Text::fixed("adds this seal, by fcntl(2)", "用 fcntl(2) 加上这种密封")),
    (
        "remove_pages",
        Text::fixed(
            "punches a hole into the file: the first page, the number of pages",
            "在文件里打洞：从第几页（由 0 数起）开始，共几页",
        ),
    ),
    ("lend_to_cat", Text::fixed("starts cat, with the file as its standard input", "启动 cat，以这个文件作标准输入")),
    ("link", Text::fixed("gives the open file this name, by linkat(2)", "用 linkat(2) 给打开的文件这个名字")),
    ("names", Text::fixed("the names in the directory of the program", "程序所在目录里的名字")),
    ("o_tmpfile", Text::fixed("opens a file with O_TMPFILE in this directory", "在这个目录里用 O_TMPFILE 打开文件")),
    ("memory_file", Text::fixed("a file of memfd_create(2), empty", "memfd_create(2) 创建的空文件")),
    ("send_file", Text::fixed("sends the descriptor through the socket", "通过套接字发送描述符")),
    ("receive_file", Text::fixed("the descriptor that arrives", "收到的描述符")),
    ("of_file", Text::fixed("mmap(2): the offset, the length, ...", "mmap(2)：偏移量、长度等等")),
    ("load", Text::fixed("loads from the memory", "读内存")),
    (
        "file_of_pages",
        Text::fixed(
            "a file of memfd_create(2) with this number of pages, written",
            "memfd_create(2) 创建的文件，已写好这么多页",
        ),
    ),
    (
        "faults_of_loads",
        Text::fixed(
            "loads a byte of each page, in order; the number of page faults that this takes",
            "按顺序每页读一个字节，给出缺页的次数",
        ),
    ),
    (
        "faults_of_stores",
        Text::fixed(
            "stores a byte to each page, in order; the number of page faults that this takes",
            "按顺序每页写一个字节，给出缺页的次数",
        ),
    ),
    ("will_need", Text::fixed("madvise(2) for the whole mapping", "对整个映射调用 madvise(2)")),
    ("resident", Text::fixed("the mapping's Rss, in pages", "这个映射的 Rss，以页计")),
    ("cached", Text::fixed("the number of the file's pages in the page cache", "文件有几页在页缓存里")),
    ("populated", Text::fixed("mmap(2): the length, ...", "mmap(2)：长度等等")),
    (
        "split_and_merged",
        Text::fixed(
            "the number of lines in /proc/self/maps for a mapping of this number of pages: at first, after PROT_READ for every other page, after PROT_READ | PROT_WRITE for these again",
            "这么多页的一个映射，在 /proc/self/maps 里占几行：起初，每隔一页改为 PROT_READ 之后，再改回 PROT_READ | PROT_WRITE 之后",
        ),
    ),
    ("ignore_sigbus", Text::fixed("the process ignores SIGBUS", "进程忽略 SIGBUS")),
    (
        "read_into",
        Text::fixed(
            "one read(2) of a byte of another file, with the mapping as its buffer",
            "用映射作缓冲区，从另一个文件 read(2) 一个字节",
        ),
    ),
];

pub(super) fn read<R>(from: &R, most: usize) -> io::Result<String>
where
    for<'r> &'r R: Read,
{
    let (mut from, mut into) = (from, vec![0; most]);
    let count = (&mut from).read(&mut into)?;
    into.truncate(count);
    String::from_utf8(into).map_err(io::Error::other)
}

pub(super) fn in_a_child<T: Debug>(body: impl FnOnce() -> io::Result<T>) -> io::Result<Answer> {
    let (child, peer) = Child::fork(|peer| {
        let value = body().map(|value| format!("{value:?}"));
        peer.send(answer_of(value)?.as_bytes())
    })?;
    answer_of_child(child, &peer, super::LIMIT).map(Answer)
}

pub(super) fn die() -> io::Result<()> {
    Ok(raise(Signal::SIGKILL)?)
}

extern "C" fn does_nothing(_: c_int) {}

pub(super) fn alarm_every_10_ms() -> io::Result<()> {
    let action = SigAction::new(SigHandler::Handler(does_nothing), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler does nothing, so it may interrupt anything.
    unsafe { sigaction(Signal::SIGALRM, &action) }?;
    let every = libc::timeval { tv_sec: 0, tv_usec: 10_000 };
    let timer = libc::itimerval { it_interval: every, it_value: every };
    // SAFETY: the first pointer is valid for the call; null is allowed for the second.
    Errno::result(unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()) })?;
    Ok(())
}

pub(super) fn shared_words(values: [u64; 2]) -> io::Result<[&'static AtomicU64; 2]> {
    // The process that runs a program ends with it.
    let page: &'static Mapping = Box::leak(Box::new(Mapping::anonymous(page_size(), READ_WRITE, Sharing::Shared)?));
    let words = [page.long_word(0), page.long_word(8)];
    for (word, value) in words.iter().zip(values) {
        word.store(value, std::sync::atomic::Ordering::Relaxed);
    }
    Ok(words)
}

/// What readers find for whom `reader` returns something, whichever moment they begin at.
pub(super) fn values_that_a_reader_may_find(writer: impl Fn(), reader: impl Fn() -> Option<u64>) -> io::Result<Answer> {
    let mut play = Play::begin();
    play.write(None, writer);
    let mut found = std::collections::BTreeSet::new();
    let explored = play.read(0, 1_000, reader, |value, _| {
        found.extend(value);
        Ok::<(), io::Error>(())
    })?;
    if !explored.all {
        return Err(io::Error::other("not every order was tried"));
    }
    let found: Vec<_> = found.iter().map(u64::to_string).collect();
    Ok(Answer(found.join(" | ")))
}

pub(super) fn try_flock(file: &File) -> io::Result<()> {
    // SAFETY: flock(2) takes no pointer; the descriptor is open.
    Errno::result(unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) })?;
    Ok(())
}

fn write_lock() -> libc::flock {
    let number = |number: c_int| c_short::try_from(number).expect("a small number");
    let (l_type, l_whence) = (number(libc::F_WRLCK), number(libc::SEEK_SET));
    libc::flock { l_type, l_whence, l_start: 0, l_len: 0, l_pid: 0 }
}

pub(super) fn try_fcntl_lock(file: &File) -> io::Result<()> {
    fcntl(file, FcntlArg::F_SETLK(&write_lock()))?;
    Ok(())
}

pub(super) fn try_ofd_lock(file: &File) -> io::Result<()> {
    fcntl(file, FcntlArg::F_OFD_SETLK(&write_lock()))?;
    Ok(())
}

/// The four bytes of the word that change: futex(2) knows no longer words.
fn half_of(word: &AtomicU64) -> *const u32 {
    std::ptr::from_ref(word).cast::<u32>().wrapping_add(usize::from(cfg!(target_endian = "big")))
}

pub(super) fn futex_wake(word: &AtomicU64) -> io::Result<u64> {
    // SAFETY: FUTEX_WAKE uses the pointer as an address only.
    let woken = unsafe { libc::syscall(libc::SYS_futex, half_of(word), libc::FUTEX_WAKE, i32::MAX) };
    Errno::result(woken)?.try_into().map_err(io::Error::other)
}

pub(super) fn futex_wait(word: &AtomicU64, heard: u64) -> io::Result<()> {
    let heard = u32::try_from(heard).map_err(io::Error::other)?;
    let no_limit = std::ptr::null::<libc::timespec>();
    // SAFETY: the pointer is valid, and the kernel reads it atomically; null means no limit.
    Errno::result(unsafe { libc::syscall(libc::SYS_futex, half_of(word), libc::FUTEX_WAIT, heard, no_limit) })?;
    Ok(())
}

pub(super) fn link(file: &File, name: &str) -> io::Result<()> {
    let open = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(linkat(AT_FDCWD, open.as_str(), AT_FDCWD, name, AtFlags::AT_SYMLINK_FOLLOW)?)
}

pub(super) fn names() -> io::Result<Vec<String>> {
    fs::read_dir(".")?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

pub(super) fn number_in(name: &str) -> io::Result<u32> {
    fs::read_to_string(name)?.parse().map_err(io::Error::other)
}

pub(super) fn umask(mask: libc::mode_t) {
    nix::sys::stat::umask(Mode::from_bits_truncate(mask));
}

pub(super) fn dup2(file: &File, number: RawFd) -> io::Result<()> {
    // SAFETY: dup2(2) takes no pointer. The program that owns the number only asks for it after this, and closes it.
    Errno::result(unsafe { libc::dup2(file.as_raw_fd(), number) })?;
    Ok(())
}

pub(super) fn a_program_has(number: RawFd) -> io::Result<bool> {
    let asks = format!("test -e /proc/self/fd/{number}");
    Ok(Command::new("sh").args(["-c", &asks]).status()?.success())
}

pub(super) fn file_of_pages(pages: usize) -> io::Result<File> {
    let file = memory_file("pages")?;
    file.write_all_at(&vec![b'p'; pages * page_size()], 0)?;
    Ok(file)
}

pub(super) fn faults_of_loads(mapping: &Mapping) -> io::Result<i64> {
    faults_of_accesses(mapping, AccessKind::Load)
}

pub(super) fn faults_of_stores(mapping: &Mapping) -> io::Result<i64> {
    faults_of_accesses(mapping, AccessKind::Store)
}

fn faults_of_accesses(mapping: &Mapping, access: AccessKind) -> io::Result<i64> {
    let pages: Vec<usize> = (0..mapping.length().div_ceil(page_size())).collect();
    let count = |mapping: &Mapping, pages: &[usize]| {
        faults_of(|| {
            touch(mapping, pages, access);
            Ok(())
        })
    };
    // The code takes faults, too, in a child where it has not run yet.
    count(&Mapping::anonymous(1, READ_WRITE, Sharing::Private)?, &[0])?;
    let Faults { minor, major } = count(mapping, &pages)?;
    Ok(minor + major)
}

pub(super) fn will_need(mapping: &Mapping) -> io::Result<()> {
    Ok(advise(mapping, MmapAdvise::MADV_WILLNEED)?)
}

pub(super) fn resident(mapping: &Mapping) -> io::Result<usize> {
    pages_in(mapping, "Rss")
}

pub(super) fn cached(file: &File) -> io::Result<usize> {
    Ok(cached_pages(file)?.into_iter().filter(|is_cached| *is_cached).count())
}

pub(super) fn ignore_sigbus() -> io::Result<()> {
    // SAFETY: ignoring a signal installs no handler.
    unsafe { signal(Signal::SIGBUS, SigHandler::SigIgn) }?;
    Ok(())
}

pub(super) fn read_into(mapping: &Mapping) -> io::Result<()> {
    fs::write("another", "x")?;
    let another = File::open("another")?;
    let there = std::ptr::with_exposed_provenance_mut(mapping.address());
    // SAFETY: the buffer is in the mapping, to which nothing in this process refers.
    Errno::result(unsafe { libc::read(another.as_fd().as_raw_fd(), there, 1) })?;
    Ok(())
}

/// A disk with a file f that has these bytes, in pages of one byte.
pub(super) fn disk_with(bytes: &str) -> (Disk, FileNumber) {
    let mut disk = Disk::new(1);
    let file = disk.create("f");
    disk.write(file, 0, bytes.as_bytes());
    disk.sync(file);
    disk.sync_directory();
    (disk, file)
}

/// What f may have after a power cut; None where it isn't there.
pub(super) fn contents_after_a_power_cut(disk: &Disk) -> BTreeSet<Option<Vec<u8>>> {
    let mut left = BTreeSet::new();
    disk.crash_states(usize::MAX, |state| {
        left.insert(state.files.get("f").cloned());
        ControlFlow::Continue(())
    });
    left
}
