//! Lesson 1: traditional I/O.

mod common;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, IoSlice, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use common::{cases, contents, contents_and_range, file_with, open, transcript};
use mmap_workbook::lesson_1::*;
use mmap_workbook::lesson_2::{Mapping, Sharing};
use mmap_workbook::lesson_4::{Reader, Writer};
use mmap_workbook::narrate::Narrator;
use mmap_workbook::observe::{in_page_cache, page_size, page_size_u64};
use mmap_workbook::process::{Child, DEADLINE, Ended, OnSmallDisk, Peer, on_a_small_disk};
use mmap_workbook::text::Language;
use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, Flock, FlockArg, fallocate};
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::ProtFlags;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction, signal};
use nix::sys::statfs::{
    BTRFS_SUPER_MAGIC, EXT4_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC, TMPFS_MAGIC, XFS_SUPER_MAGIC, fstatfs,
};
use proptest::prelude::*;

/// A simulated file whose calls are short and interrupted as a script says; after the script they move all bytes.
struct Scripted {
    bytes: RefCell<Vec<u8>>,
    script: RefCell<VecDeque<Answer>>,
}

#[derive(Debug, Clone)]
enum Answer {
    Interrupted,
    AtMost(usize),
}

impl Scripted {
    fn new(bytes: &[u8], script: &[Answer]) -> Scripted {
        Scripted { bytes: RefCell::new(bytes.to_vec()), script: RefCell::new(script.iter().cloned().collect()) }
    }

    /// How many of `length` bytes the next call moves.
    fn allowed(&self, length: usize) -> Result<usize, Errno> {
        match self.script.borrow_mut().pop_front() {
            Some(Answer::Interrupted) => Err(Errno::EINTR),
            Some(Answer::AtMost(most)) => Ok(length.min(most)),
            None => Ok(length),
        }
    }
}

impl Calls for Scripted {
    fn pread(&self, into: &mut [u8], offset: u64) -> Result<usize, Errno> {
        let bytes = self.bytes.borrow();
        let rest = &bytes[bytes.len().min(index(offset))..];
        let length = self.allowed(into.len().min(rest.len()))?;
        into[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }

    fn pwrite(&self, from: &[u8], offset: u64) -> Result<usize, Errno> {
        let length = self.allowed(from.len())?;
        let after = overwritten(&self.bytes.borrow(), index(offset), &from[..length]);
        self.bytes.replace(after);
        Ok(length)
    }

    fn ftruncate(&self, size: u64) -> Result<(), Errno> {
        self.allowed(0)?;
        self.bytes.borrow_mut().resize(index(size), 0);
        Ok(())
    }

    fn fsync(&self) -> Result<(), Errno> {
        self.allowed(0).map(drop)
    }

    fn size(&self) -> Result<u64, Errno> {
        Ok(self.bytes.borrow().len() as u64)
    }
}

/// The same file for std's loops.
impl FileExt for Scripted {
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        Ok(self.pread(into, offset)?)
    }

    fn write_at(&self, from: &[u8], offset: u64) -> io::Result<usize> {
        Ok(self.pwrite(from, offset)?)
    }
}

fn index(at: u64) -> usize {
    at.try_into().expect("these files are small")
}

/// The same file, read or written from its start by [`Read`] and [`Write`]: what `fs::read` and `fs::write` loop over.
struct Stream<'a>(&'a Scripted, u64);

impl Read for Stream<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.0.pread(into, self.1)?;
        self.1 += length as u64;
        Ok(length)
    }
}

impl Write for Stream<'_> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        let length = self.0.pwrite(from, self.1)?;
        self.1 += length as u64;
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The reference: `news` written over `bytes` at `at`, with zeros where a gap would be.
fn overwritten(bytes: &[u8], at: usize, news: &[u8]) -> Vec<u8> {
    let mut after = bytes.to_vec();
    if !news.is_empty() {
        after.resize(after.len().max(at + news.len()), 0);
        after[at..at + news.len()].copy_from_slice(news);
    }
    after
}

/// The reference: the edit on a Vec.
fn edited(bytes: &[u8], edit: &Edit) -> Vec<u8> {
    let (at, end) = (index(edit.at), index(edit.at + edit.remove));
    [&bytes[..at], &edit.insert, &bytes[end..]].concat()
}

/// Interruptions and short transfers, some of them of one byte.
fn script() -> impl Strategy<Value = Vec<Answer>> {
    let answer =
        prop_oneof![Just(Answer::Interrupted), Just(Answer::AtMost(1)), (1..2 * CHUNK).prop_map(Answer::AtMost)];
    prop::collection::vec(answer, 0..24)
}

/// Contents of up to three chunks, and an edit at any place inside them that grows or shrinks the file or keeps its
/// size.
fn contents_and_edit() -> impl Strategy<Value = (Vec<u8>, Edit)> {
    let near = |chunks: usize| chunks * CHUNK - 2..chunks * CHUNK + 3;
    let length = prop_oneof![0..64_usize, near(1), near(2), 0..3 * CHUNK];
    length.prop_flat_map(|length| {
        let insert = prop_oneof![0..64_usize, 0..=CHUNK + 1, Just(usize::MAX)]; // MAX: as many as are removed
        (0..=length, 0..251_usize, insert).prop_flat_map(move |(at, first, insert)| {
            (0..=length - at).prop_map(move |remove| {
                let bytes = (0..251).cycle().skip(first).take(length).collect();
                let insert = vec![255; if insert == usize::MAX { remove } else { insert }];
                (bytes, Edit { at: at as u64, remove: remove as u64, insert })
            })
        })
    })
}

proptest! {
    #![proptest_config(cases(32))]

    #[test]
    fn an_edit_of_a_file_is_the_same_edit_of_a_vec((bytes, edit) in contents_and_edit()) {
        let after = edited(&bytes, &edit);
        for way in [edit_through_memory, edit_in_place] {
            let (_directory, path) = file_with(&bytes);
            way(&open(&path), &edit)?;
            prop_assert!(fs::read(&path)? == after);
        }
        let (_directory, path) = file_with(&bytes);
        edit_with_std(&path, &edit)?;
        prop_assert!(fs::read(&path)? == after);
    }

    #[test]
    fn short_transfers_and_interruptions_change_nothing_but_the_number_of_calls(
        (bytes, edit) in contents_and_edit(), script in script()
    ) {
        let after = edited(&bytes, &edit);
        for way in [edit_through_memory, edit_in_place] {
            let (smooth, rough) = (Scripted::new(&bytes, &[]), Scripted::new(&bytes, &script));
            let (expected, account) = (way(&smooth, &edit)?, way(&rough, &edit)?);
            prop_assert!(smooth.bytes.take() == after);
            prop_assert!(rough.bytes.take() == after);
            prop_assert_eq!((account.bytes_in, account.bytes_out), (expected.bytes_in, expected.bytes_out));
            prop_assert!(account.calls >= expected.calls);
        }
    }

    #[test]
    fn the_account_says_what_is_copied((bytes, edit) in contents_and_edit()) {
        let (size, new_size) = (bytes.len() as u64, edited(&bytes, &edit).len() as u64);
        let account = edit_through_memory(&Scripted::new(&bytes, &[]), &edit)?;
        let writes = u64::from(new_size > 0);
        let calls = size / CHUNK as u64 + u64::from(!size.is_multiple_of(CHUNK as u64)) + 1 + writes;
        let truncates = u64::from(new_size < size);
        prop_assert_eq!(account, Account { bytes_in: size, bytes_out: new_size, calls: calls + truncates });

        let (inserted, tail) = (edit.insert.len() as u64, size - edit.at - edit.remove);
        let moved = if inserted == edit.remove { 0 } else { tail };
        let calls = 1 + 2 * moved.div_ceil(CHUNK as u64) + u64::from(inserted > 0) + truncates;
        let account = edit_in_place(&Scripted::new(&bytes, &[]), &edit)?;
        prop_assert_eq!(account, Account { bytes_in: moved, bytes_out: moved + inserted, calls });
    }

    #[test]
    fn a_patch_changes_its_range_and_no_other_byte((bytes, at, length) in contents_and_range(), script in script()) {
        let news: Vec<u8> = bytes[at..at + length].iter().map(|byte| !byte).collect();
        let after = overwritten(&bytes, at, &news);
        let (_directory, path) = file_with(&bytes);
        let account = patch(&open(&path), at as u64, &news)?;
        prop_assert_eq!(account, Account { bytes_in: 0, bytes_out: length as u64, calls: 1 });
        prop_assert!(fs::read(&path)? == after);
        let (_directory, path) = file_with(&bytes);
        patch_with_std(&open(&path), at as u64, &news)?;
        prop_assert!(fs::read(&path)? == after);
        let rough = Scripted::new(&bytes, &script);
        patch(&rough, at as u64, &news)?;
        prop_assert!(rough.bytes.take() == after);
    }

    #[test]
    fn a_patch_past_the_end_leaves_zeros_between(bytes in contents(), gap in 0..9000_usize, news in any::<[u8; 5]>()) {
        let (_directory, path) = file_with(&bytes);
        let at = bytes.len() + gap;
        patch(&open(&path), at as u64, &news)?;
        prop_assert!(fs::read(&path)? == overwritten(&bytes, at, &news));
    }

    #[test]
    fn the_loops_of_std_absorb_the_same(bytes in contents(), script in script()) {
        let rough = Scripted::new(b"", &script);
        patch_with_std(&rough, 0, &bytes)?;
        prop_assert!(rough.bytes.take() == bytes);
        let mut seen = vec![0; bytes.len()];
        Scripted::new(&bytes, &script).read_exact_at(&mut seen, 0)?;
        prop_assert!(seen == bytes);
        let rough = Scripted::new(b"", &script);
        Stream(&rough, 0).write_all(&bytes)?;
        prop_assert!(rough.bytes.take() == bytes);
        let mut seen = Vec::new();
        Stream(&Scripted::new(&bytes, &script), 0).read_to_end(&mut seen)?;
        prop_assert!(seen == bytes);
    }

    #[test]
    fn a_replaced_file_has_the_new_bytes_and_keeps_its_mode(old in contents(), new in contents(), mode in 0..0o10000_u32) {
        let (directory, path) = file_with(&old);
        let mut reader = open(&path);
        fs::set_permissions(&path, Permissions::from_mode(mode))?;
        let before = fs::metadata(&path)?;
        let account = replace(&path, &new)?;
        prop_assert_eq!(account, Account { bytes_in: 0, bytes_out: new.len() as u64, calls: 3 });
        let after = fs::metadata(&path)?;
        prop_assert_eq!(after.mode(), before.mode());
        prop_assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()));
        prop_assert_ne!(after.ino(), before.ino());
        let mut seen = Vec::new();
        reader.read_to_end(&mut seen)?;
        prop_assert!(seen == old, "a process that has it open keeps the old bytes");
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        prop_assert!(fs::read(&path)? == new);
        prop_assert_eq!(names(directory.path()), ["file"]);
    }
}

proptest! {
    #![proptest_config(cases(12))]

    #[test]
    fn a_process_killed_at_any_moment_of_a_replace_leaves_the_old_file_or_the_new(changes in 0..6_usize, reads in 0..40_usize) {
        let (old, new) = (vec![b'o'; 40_000], vec![b'n'; 30_000]);
        let (directory, path) = file_with(&old);
        fs::set_permissions(&path, Permissions::from_mode(0o640))?;
        let (child, peer) = Child::fork(|peer| {
            peer.give_turn()?;
            loop {
                replace(&path, &new)?;
                replace(&path, &old)?;
            }
        })?;
        peer.await_turn()?;
        let start = Instant::now();
        let (mut last, mut seen_changes, mut seen_reads) = (old.clone(), 0, 0);
        while seen_changes < changes || seen_reads < reads {
            prop_assert!(start.elapsed() < DEADLINE && !readable(&peer, 0), "the child is at work");
            let seen = fs::read(&path)?;
            prop_assert!(seen == old || seen == new, "a reader saw {} bytes of a mixture", seen.len());
            seen_changes += usize::from(seen != last);
            seen_reads += 1;
            last = seen;
        }
        prop_assert_eq!(child.kill()?, Ended::Killed(Signal::SIGKILL));
        let after = fs::read(&path)?;
        prop_assert!(after == old || after == new, "left: {} bytes of a mixture", after.len());
        prop_assert_eq!(fs::metadata(&path)?.mode() & 0o7777, 0o640);
        // At most one temporary file is left, and its name tells that it is one.
        let left = leftovers(directory.path())?;
        prop_assert!(left.len() <= 1);
        prop_assert_eq!(names(directory.path()).len(), 1 + left.len());
    }
}

const STEPS: [Step; 5] = [Step::Made, Step::Written, Step::Synced, Step::Renamed, Step::Durable];

#[test]
fn a_kill_before_the_rename_leaves_the_old_file_and_a_kill_after_it_the_new() {
    for step in STEPS {
        let (directory, path) = file_with(b"old");
        let ended = replace_killed_after(step, &path, b"the new").expect("a child");
        assert_eq!(ended, Ended::Killed(Signal::SIGKILL), "{step:?}");
        let renamed = step >= Step::Renamed;
        assert_eq!(fs::read(&path).expect("the file"), if renamed { &b"the new"[..] } else { b"old" }, "{step:?}");
        let left = leftovers(directory.path()).expect("the directory");
        assert_eq!(left.len(), usize::from(!renamed), "{step:?}");
        assert_eq!(names(directory.path()).len(), 1 + left.len(), "{step:?}");
        for left in left {
            let written: &[u8] = if step == Step::Made { b"" } else { b"the new" };
            assert_eq!(fs::read(&left).expect("the temporary file"), written, "{step:?}");
            assert!(left.file_name().is_some_and(|name| name.to_string_lossy().starts_with(TEMPORARY)));
        }
        replace(&path, b"the next").expect("a leftover is not in the way");
        assert_eq!(fs::read(&path).expect("the file"), b"the next");
    }
}

#[test]
fn the_steps_come_in_their_order_and_an_error_at_one_leaves_no_file() {
    let (_directory, path) = file_with(b"old");
    let mut steps = Vec::new();
    let note = |step| {
        steps.push(step);
        Ok(())
    };
    replace_step_by_step(&path, b"new", note).expect("replaced");
    assert_eq!(steps, STEPS);

    for failing in STEPS {
        let (directory, path) = file_with(b"old");
        let fail = |step| if step == failing { Err(ErrorKind::Other.into()) } else { Ok(()) };
        assert_eq!(replace_step_by_step(&path, b"new", fail).expect_err("failed").kind(), ErrorKind::Other);
        let expected: &[u8] = if failing >= Step::Renamed { b"new" } else { b"old" };
        assert_eq!(fs::read(&path).expect("the file"), expected, "{failing:?}");
        assert_eq!(names(directory.path()), ["file"], "{failing:?}");
    }
}

#[test]
fn until_it_has_the_mode_of_the_old_file_the_temporary_one_is_its_owners_alone() {
    let (directory, path) = file_with(b"old");
    fs::set_permissions(&path, Permissions::from_mode(0o666)).expect("a mode");
    let mut modes = Vec::new();
    let note = |_| {
        let left = leftovers(directory.path())?;
        modes.extend(left.iter().map(|path| fs::metadata(path).expect("it is there").mode() & 0o7777));
        Ok(())
    };
    replace_step_by_step(&path, b"new", note).expect("replaced");
    assert_eq!(modes, [0o600, 0o666, 0o666]);
}

#[test]
fn a_rewrite_killed_halfway_leaves_half_of_the_new_bytes() {
    let (directory, path) = file_with(b"the old bytes");
    let ended = rewrite_killed_halfway(&path, b"NEW BYTES!").expect("a child");
    assert_eq!(ended, Ended::Killed(Signal::SIGKILL));
    assert_eq!(fs::read(&path).expect("the file"), b"NEW B");
    assert_eq!(names(directory.path()), ["file"]);
}

#[test]
fn a_rewrite_that_is_left_alone_writes_everything_into_the_same_inode() {
    let (_directory, path) = file_with(b"the old bytes");
    let inode = fs::metadata(&path).expect("the file").ino();
    let account = rewrite(&path, b"new bytes", || Ok(())).expect("written");
    assert_eq!(account, Account { bytes_in: 0, bytes_out: 9, calls: 2 });
    assert_eq!(fs::read(&path).expect("the file"), b"new bytes");
    fs::write(&path, b"std does so too").expect("written");
    assert_eq!(fs::metadata(&path).expect("the file").ino(), inode);
}

#[test]
fn a_single_read_of_std_returns_the_interruption() {
    extern "C" fn on_signal(_: i32) {}
    let (pipe, _other_end) = nix::unistd::pipe().expect("a pipe");
    let mut pipe = File::from(pipe);
    let (child, peer) = Child::fork(|peer| {
        // Without SA_RESTART, with which the kernel would restart the call.
        let action = SigAction::new(SigHandler::Handler(on_signal), SaFlags::empty(), SigSet::empty());
        // SAFETY: the handler does nothing.
        unsafe { sigaction(Signal::SIGUSR1, &action) }?;
        peer.give_turn()?;
        let answer = pipe.read(&mut [0]).expect_err("interrupted");
        // SAFETY: no handler of ours is set, the signal is ignored.
        unsafe { signal(Signal::SIGUSR1, SigHandler::SigIgn) }?;
        peer.send(format!("{:?}", answer.kind()).as_bytes())
    })
    .expect("a child");
    peer.await_turn().expect("the handler is there");
    // It can't be seen that the child waits in the call. A signal that comes too early does nothing, so send several.
    let start = Instant::now();
    while !readable(&peer, 1) {
        assert!(start.elapsed() < DEADLINE, "the read is interrupted");
        child.signal(Signal::SIGUSR1).expect("signalled");
    }
    assert_eq!(peer.receive().expect("an answer"), b"Interrupted");
    child.wait().and_then(Ended::success).expect("the child ends well");
}

/// Linux, for a file on a disk or in memory: only a signal that kills gets through.
#[test]
fn a_signal_with_a_handler_interrupts_no_call_on_a_file() {
    static SEEN: AtomicUsize = AtomicUsize::new(0);
    extern "C" fn on_signal(_: i32) {
        SEEN.fetch_add(1, Ordering::Relaxed);
    }
    let file = tempfile::tempfile().expect("a file");
    let (child, _peer) = Child::fork(|_| {
        // Without SA_RESTART, with which the kernel would restart the call.
        let action = SigAction::new(SigHandler::Handler(on_signal), SaFlags::empty(), SigSet::empty());
        // SAFETY: the handler increments an atomic and does nothing else.
        unsafe { sigaction(Signal::SIGALRM, &action) }?;
        let often = nix::libc::timeval { tv_sec: 0, tv_usec: 100 };
        let timer = nix::libc::itimerval { it_interval: often, it_value: often };
        // SAFETY: the call reads `timer`, and writes nothing.
        Errno::result(unsafe { nix::libc::setitimer(nix::libc::ITIMER_REAL, &timer, std::ptr::null_mut()) })?;
        let (start, mut bytes) = (Instant::now(), vec![b'x'; 4 << 20]);
        while SEEN.load(Ordering::Relaxed) < 100 {
            assert!(start.elapsed() < DEADLINE, "the signals arrive");
            assert_eq!(file.pwrite(&bytes, 0), Ok(bytes.len()));
            assert_eq!(file.pread(&mut bytes, 0), Ok(bytes.len()));
            assert_eq!((file.fsync(), file.ftruncate(0)), (Ok(()), Ok(())));
        }
        Ok(())
    })
    .expect("a child");
    child.wait().and_then(Ended::success).expect("the child ends well");
}

#[test]
fn where_the_kernel_takes_only_half_a_plain_write_ruins_the_file_and_a_replace_does_not() {
    let (directory, path) = file_with(b"the old bytes");
    // At a size limit the kernel writes what fits, a short count, and refuses the rest with EFBIG: no simulated file
    // needed.
    let at_a_limit = |work: &dyn Fn() -> io::Error| {
        let (child, peer) = Child::fork(|peer| {
            // SAFETY: no handler of ours is set, the signal is ignored.
            unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) }?;
            setrlimit(Resource::RLIMIT_FSIZE, 8, 8)?;
            assert_eq!(
                tempfile::tempfile()?.write_at(b"123456789", 0)?,
                8,
                "a single call of std returns the short count"
            );
            peer.send(&work().raw_os_error().unwrap_or(0).to_ne_bytes())
        })
        .expect("a child");
        let errno = peer.receive().expect("an errno");
        child.wait().and_then(Ended::success).expect("the child ends well");
        Errno::from_raw(i32::from_ne_bytes(errno.try_into().expect("four bytes")))
    };
    assert_eq!(at_a_limit(&|| replace(&path, b"THE NEW BYTES").expect_err("too long")), Errno::EFBIG);
    assert_eq!(fs::read(&path).expect("the file"), b"the old bytes");
    assert_eq!(names(directory.path()), ["file"]);
    assert_eq!(at_a_limit(&|| fs::write(&path, b"THE NEW BYTES").expect_err("too long")), Errno::EFBIG);
    assert_eq!(fs::read(&path).expect("the file"), b"THE NEW ");
    assert_eq!(at_a_limit(&|| patch(&open(&path), 4, b"patched").expect_err("too long")), Errno::EFBIG);
    assert_eq!(fs::read(&path).expect("the file"), b"THE patc");
}

#[test]
fn the_kernel_moves_less_than_2_gib_at_a_time_and_the_loop_the_rest() {
    let Ok(length) = usize::try_from(3_u64 << 30) else { return eprintln!("skipped: 3 GiB need 64-bit addresses") };
    let file = File::from(memfd_create("3 GiB", MFdFlags::empty()).expect("a file in memory"));
    file.set_len(length as u64).expect("a size");
    // SAFETY: no process writes to the file, which has no name. Its pages are never accessed: /dev/null does not read
    // them.
    let source = unsafe { memmap2::Mmap::map(&file) }.expect("mapped");
    let null = File::options().write(true).open("/dev/null").expect("/dev/null");
    let most = i32::MAX as usize / page_size() * page_size();
    assert_eq!(null.pwrite(&source[..most], 0), Ok(most));
    assert_eq!(null.pwrite(&source[..most + 1], 0), Ok(most));
    let account = patch(&null, 0, &source).expect("written");
    assert_eq!(account, Account { bytes_in: 0, bytes_out: length as u64, calls: 2 });
    // The same limit where the bytes are copied: 2 GiB of the file, all into the same 2 MiB.
    let mut buffer = vec![0_u8; 2 << 20];
    let part = nix::libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    let parts = [part; 1024];
    // SAFETY: each part is the buffer, which nothing else uses; any bytes are valid in it.
    let read = unsafe { nix::libc::preadv(file.as_raw_fd(), parts.as_ptr(), 1024, 0) };
    assert_eq!(Errno::result(read), Ok(most.cast_signed()));
}

#[test]
fn a_pipe_takes_a_whole_write_and_gives_short_reads() {
    let whole = vec![b'x'; 1 << 20];
    let (mut reader, mut writer) = io::pipe().expect("a pipe");
    let forked = Child::fork(|_| {
        assert_eq!(writer.write(&whole)?, whole.len(), "it waits for the reader until all is written");
        Ok(())
    });
    let (child, _peer) = forked.expect("a child");
    drop(writer);
    let (mut got, mut short, mut buffer) = (0, 0, vec![0; 1 << 20]);
    loop {
        let read = reader.read(&mut buffer).expect("read");
        if read == 0 {
            break;
        }
        got += read;
        short += usize::from(read < buffer.len());
    }
    child.wait().and_then(Ended::success).expect("the child ends well");
    assert_eq!(got, whole.len());
    assert!(short > 1, "no more than its capacity at a time");
}

#[test]
fn two_errors_of_write_come_with_a_signal_that_kills() {
    let killed_by = |what: &dyn Fn() -> io::Result<()>| {
        let (child, _peer) = Child::fork(|_| {
            for number in [Signal::SIGXFSZ, Signal::SIGPIPE] {
                // SAFETY: no handler of ours is set, the signal gets its default action.
                unsafe { signal(number, SigHandler::SigDfl) }?;
            }
            what()
        })
        .expect("a child");
        child.wait().expect("waited")
    };
    let beyond_the_limit = killed_by(&|| {
        setrlimit(Resource::RLIMIT_FSIZE, 16, 16)?;
        let file = tempfile::tempfile()?;
        assert_eq!(file.write_at(b"0123456789", 10)?, 6, "no signal where some bytes fit");
        file.write_at(b"6", 16).map(drop)
    });
    let without_a_reader = killed_by(&|| {
        let (reader, mut writer) = io::pipe()?;
        drop(reader);
        writer.write(b"x").map(drop)
    });
    let without_a_peer = killed_by(&|| {
        let (peer, mut socket) = UnixStream::pair()?;
        drop(peer);
        // A plain write(2): std may ask for no signal (MSG_NOSIGNAL).
        nix::unistd::write(&mut socket, b"x")?;
        Ok(())
    });
    assert_eq!(beyond_the_limit, Ended::Killed(Signal::SIGXFSZ));
    assert_eq!(without_a_reader, Ended::Killed(Signal::SIGPIPE));
    assert_eq!(without_a_peer, Ended::Killed(Signal::SIGPIPE));
}

#[test]
fn on_a_full_disk_the_bytes_that_fit_are_written_and_the_next_call_says_why() {
    let body = |disk: &Path, _: &Peer| {
        let (file, other) = (tempfile::tempfile_in(disk)?, tempfile::tempfile_in(disk)?);
        let length = page_size() - 6;
        file.write_all_at(&vec![b'x'; length], 0)?;
        let filled = (0..).try_for_each(|page| other.pwrite(b"x", page * page_size_u64()).map(drop));
        assert_eq!(filled, Err(Errno::ENOSPC));
        assert_eq!(file.pwrite(b"0123456789", length as u64), Ok(6));
        assert_eq!(file.pwrite(b"6789", page_size_u64()), Err(Errno::ENOSPC));
        Ok(())
    };
    match on_a_small_disk(8 * page_size_u64(), body, |_| Ok(())).expect("a child") {
        OnSmallDisk::Skipped(reason) => eprintln!("skipped: {reason}"),
        OnSmallDisk::Ran(ended) => assert_eq!(ended, Ended::Exited(0)),
    }
}

/// Runs a program; what it says when it fails.
fn run(program: &str, arguments: &[&str], last: &[&Path]) -> Result<(), String> {
    let run = Command::new(program).args(arguments).args(last).output();
    let run = run.map_err(|error| format!("{program}: {error}"))?;
    let said = String::from_utf8_lossy(&run.stderr);
    if run.status.success() { Ok(()) } else { Err(format!("{program}: {}: {said}", run.status)) }
}

/// An ext4 on a loop device, whose bytes are in the file `image` of `disk`; or why there is none here. Both go with the
/// mount namespace.
fn ext4_on(disk: &Path, size: u64, options: &[&str]) -> Result<PathBuf, String> {
    if std::env::var_os("LABORATORY").is_none() || !nix::unistd::geteuid().is_root() {
        return Err("ext4 on a loop device needs LABORATORY=1, and root".to_owned());
    }
    let (image, mounted) = (disk.join("image"), disk.join("ext4"));
    let made = File::create_new(&image).and_then(|file| file.set_len(size)).and_then(|()| fs::create_dir(&mounted));
    made.map_err(|error| error.to_string())?;
    run("mkfs.ext4", &[&["-q"], options].concat(), &[&image])?;
    run("mount", &["-o", "loop"], &[&image, &mounted])?;
    Ok(mounted)
}

/// On ext4, whose disk can't take all that it promised: its bytes are in a file with holes, on a small tmpfs.
#[test]
fn a_failed_fsync_is_reported_once_and_what_is_read_is_not_on_the_disk() {
    let on_ext4 = |mounted: &Path, below: &Path| {
        let file = tempfile::tempfile_in(mounted)?;
        // Now the disk has room for about 5 MiB.
        fs::write(below.join("other"), vec![b'x'; 7 << 20])?;
        file.write_all_at(&vec![b'x'; 8 << 20], 0)?;
        let (first, second) = (file.fsync(), file.fsync());
        assert!(matches!(first, Err(Errno::EIO | Errno::ENOSPC)), "{first:?}");
        assert_eq!(second, Ok(()));
        let bytes = || {
            let mut bytes = vec![0; 8 << 20];
            file.read_exact_at(&mut bytes, 0).map(|()| bytes)
        };
        assert!(bytes()?.iter().all(|&byte| byte == b'x'), "the page cache has them");
        nix::fcntl::posix_fadvise(&file, 0, 0, nix::fcntl::PosixFadviseAdvice::POSIX_FADV_DONTNEED)?;
        assert!(bytes()?.contains(&0), "the disk doesn't");
        io::Result::Ok(())
    };
    on_a_disk_that_says(12 << 20, |disk, peer| match ext4_on(disk, 64 << 20, &["-O", "^has_journal"]) {
        Ok(mounted) => on_ext4(&mounted, disk).and_then(|()| peer.send(b"on ext4")),
        Err(reason) => peer.send(format!("skipped: {reason}").as_bytes()),
    });
}

/// Runs `body` on a small disk, and prints the one thing that it sends.
fn on_a_disk_that_says(size: u64, body: impl FnOnce(&Path, &Peer) -> io::Result<()>) {
    let mut said = Vec::new();
    let ran = on_a_small_disk(size, body, |peer| peer.receive().map(|bytes| said = bytes));
    match ran.expect("a child") {
        OnSmallDisk::Skipped(reason) => eprintln!("skipped: {reason}"),
        OnSmallDisk::Ran(ended) => {
            assert_eq!(ended, Ended::Exited(0));
            eprintln!("{}", String::from_utf8_lossy(&said));
        }
    }
}

/// ext4 in its mode `data=writeback`, on a disk that had other bytes before. The power cut is a copy of the disk, made
/// while the file's new bytes are in the page cache and its new size is in the journal.
#[test]
fn a_size_that_is_kept_without_its_bytes_may_show_what_the_disk_had_before() {
    const LENGTH: usize = 1 << 20;
    let left = |disk: &Path, mode: &str| -> Result<Vec<u8>, String> {
        let [image, copy, mounted] = ["image", "copy", "ext4"].map(|name| disk.join(name));
        run("mount", &["-o", &format!("loop,nodelalloc,dioread_lock,data={mode}")], &[&image, &mounted])?;
        let path = mounted.join(mode);
        let cut = || -> io::Result<()> {
            fs::write(&path, vec![b'N'; LENGTH])?;
            // The journal is one for all files.
            File::create_new(mounted.join("other"))?.sync_all()?;
            fs::copy(&image, &copy)?;
            fs::remove_file(mounted.join("other"))
        };
        cut().map_err(|error| error.to_string())?;
        run("umount", &[], &[&mounted])?;
        run("mount", &["-o", "loop"], &[&copy, &mounted])?;
        let left = fs::read(path).map_err(|error| error.to_string())?;
        run("umount", &[], &[&mounted])?;
        Ok(left)
    };
    let secrets = |disk: &Path| -> Result<(), String> {
        let mounted = ext4_on(disk, 16 << 20, &[])?;
        let path = mounted.join("secret");
        let written = fs::write(&path, vec![b'S'; 32 << 20]);
        let full = written.is_err_and(|error| error.kind() == ErrorKind::StorageFull);
        // What umount(8) writes is on the disk, even if the file is without a name by then.
        let removed = File::open(&path).and_then(|file| file.sync_all()).and_then(|()| fs::remove_file(&path));
        removed.map_err(|error| error.to_string())?;
        run("umount", &[], &[&mounted])?;
        if full { Ok(()) } else { Err("the disk is not full".to_owned()) }
    };
    on_a_disk_that_says(40 << 20, |disk, peer| {
        if let Err(reason) = secrets(disk) {
            return peer.send(format!("skipped: {reason}").as_bytes());
        }
        let ordered = left(disk, "ordered").map_err(io::Error::other)?;
        assert_eq!((ordered.len(), ordered.contains(&b'S')), (LENGTH, false), "first the bytes, then the size");
        let lost = left(disk, "writeback").map_err(io::Error::other)?;
        assert_eq!(lost.len(), LENGTH);
        peer.send(if lost.contains(&b'S') {
            b"what the disk had before"
        } else if lost.iter().all(|&byte| byte == b'N') {
            b"skipped: the kernel has written the bytes already"
        } else {
            b"skipped: the blocks had no bytes before"
        })
    });
}

/// Lesson 4's channel gets its name when it is complete, but without an fsync(2) before. The power cut is as above.
#[test]
fn after_a_power_cut_a_name_may_lead_to_a_file_without_its_bytes() {
    let found = |disk: &Path, mounted: &Path| -> Result<ErrorKind, String> {
        let (path, copy) = (mounted.join("channel"), disk.join("copy"));
        let cut = || -> io::Result<()> {
            let mut writer = Writer::open(&path)?;
            writer.publish("complete")?;
            // The name is on the disk then.
            File::open(mounted)?.sync_all()?;
            fs::copy(disk.join("image"), &copy).map(drop)
        };
        cut().map_err(|error| error.to_string())?;
        run("umount", &[], &[mounted])?;
        run("mount", &["-o", "loop"], &[&copy, mounted])?;
        let opened = Reader::open(&path).map(drop);
        run("umount", &[], &[mounted])?;
        opened.map_or_else(|error| Ok(error.kind()), |()| Err("the kernel has written the bytes already".to_owned()))
    };
    on_a_disk_that_says(40 << 20, |disk, peer| {
        match ext4_on(disk, 16 << 20, &[]).and_then(|mounted| found(disk, &mounted)) {
            Err(reason) => peer.send(format!("skipped: {reason}").as_bytes()),
            Ok(kind) => {
                assert_eq!(kind, ErrorKind::InvalidData, "all zeros: not a channel");
                peer.send(b"not a channel")
            }
        }
    });
}

#[test]
fn between_lseek_and_write_another_write_may_come() {
    let (_directory, path) = file_with(b"abc");
    let mut file = open(&path);
    let mut copy = file.try_clone().expect("dup");
    file.seek(SeekFrom::Start(0)).expect("lseek");
    copy.seek(SeekFrom::Start(2)).expect("lseek");
    file.write_all(b"C").expect("written");
    assert_eq!(fs::read(&path).expect("the file"), b"abC", "two descriptors of one open file have one offset");
    let mut other = open(&path);
    file.seek(SeekFrom::End(0)).expect("lseek");
    other.seek(SeekFrom::End(0)).expect("lseek");
    file.write_all(b"1").expect("written");
    other.write_all(b"2").expect("written");
    assert_eq!(fs::read(&path).expect("the file"), b"abC2", "the end was the same for both");
    for digit in [b"3", b"4"] {
        File::options().append(true).open(&path).and_then(|mut file| file.write_all(digit)).expect("written");
    }
    assert_eq!(fs::read(&path).expect("the file"), b"abC234");
}

#[test]
fn a_truncation_empties_the_open_file_and_moves_no_offset() {
    let (_directory, path) = file_with(b"");
    let [mut keeps, mut appends] = [false, true]
        .map(|append| File::options().read(true).write(true).append(append).open(&path).expect("the file"));
    keeps.write_all(b"four").expect("written");
    appends.write_all(b"more").expect("written");
    fs::write(&path, b"").expect("truncated");
    assert_eq!(keeps.pread(&mut [0], 0), Ok(0), "it is empty for those who have it open");
    appends.write_all(b"a").expect("written");
    assert_eq!(fs::read(&path).expect("the file"), b"a", "O_APPEND finds the new end");
    keeps.write_all(b"k").expect("written");
    assert_eq!(fs::read(&path).expect("the file"), b"a\0\0\0k");
}

/// A default ACL as the kernel takes it: version 2, then for owner, group and others a tag, permissions and no id.
#[test]
fn with_a_default_acl_the_directory_and_not_the_umask_takes_permissions_away() {
    let everybody_may_read = [(1_u16, 7_u16), (4, 4), (0x20, 4)];
    let mut acl = 2_u32.to_le_bytes().to_vec();
    for (tag, permissions) in everybody_may_read {
        acl.extend([tag.to_le_bytes(), permissions.to_le_bytes()].concat());
        acl.extend(u32::MAX.to_le_bytes());
    }
    let directory = tempfile::tempdir().expect("a directory");
    let name = std::ffi::CString::new(directory.path().as_os_str().as_encoded_bytes()).expect("no NUL");
    let attribute = c"system.posix_acl_default";
    let (child, peer) = Child::fork(|peer| {
        nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o077));
        let mode_of = |file: &str| {
            let file = File::options().write(true).create_new(true).mode(0o666).open(directory.path().join(file))?;
            let mode = || file.metadata().map(|metadata| metadata.mode() & 0o777);
            let created = mode()?;
            file.set_permissions(Permissions::from_mode(0o666))?;
            io::Result::Ok(format!("{created:o} {:o}", mode()?))
        };
        let before = mode_of("before")?;
        // SAFETY: both strings end with a NUL, and all bytes of the value are its own.
        let set = unsafe { nix::libc::setxattr(name.as_ptr(), attribute.as_ptr(), acl.as_ptr().cast(), acl.len(), 0) };
        let after = match Errno::result(set) {
            Err(errno) => format!("skipped: no ACLs here: {errno}"),
            Ok(_) => mode_of("after")?,
        };
        peer.send(format!("{before}, {after}").as_bytes())
    })
    .expect("a child");
    let answer = String::from_utf8(peer.receive().expect("an answer")).expect("text");
    child.wait().and_then(Ended::success).expect("the child ends well");
    let after = answer.strip_prefix("600 666, ").expect("the umask takes bits away, and none from fchmod(2)");
    match after.strip_prefix("skipped: ") {
        Some(_) => eprintln!("{after}"),
        None => assert_eq!(after, "644 666"),
    }
}

/// Linux, ext4 and xfs: whole blocks can be inserted. Other file systems refuse those as well.
#[test]
fn no_call_inserts_a_single_byte() {
    let (_directory, path) = file_with(&[b'x'; CHUNK]);
    let insert = |length| fallocate(open(&path), FallocateFlags::FALLOC_FL_INSERT_RANGE, 0, length);
    assert!(matches!(insert(1), Err(Errno::EINVAL | Errno::EOPNOTSUPP)));
    match insert((CHUNK as u64).cast_signed()) {
        Ok(()) => assert_eq!(fs::metadata(&path).expect("the file").len(), 2 * CHUNK as u64),
        Err(errno) => assert_eq!(errno, Errno::EOPNOTSUPP),
    }
}

#[test]
fn a_process_is_killed_within_a_call_and_its_bytes_so_far_stay() {
    let file = tempfile::tempfile().expect("a file");
    let (part, whole) = (vec![b'x'; 1 << 20], 256_u64 << 20);
    let start = Instant::now();
    // The call may be done before the signal arrives: then once more.
    while file.metadata().expect("metadata").len().is_multiple_of(whole) {
        assert!(start.elapsed() < DEADLINE, "each of the calls came to its end");
        file.set_len(0).expect("empty");
        let (child, _peer) = Child::fork(|_| {
            nix::sys::uio::pwritev(&file, &vec![IoSlice::new(&part); 256], 0)?;
            Ok(())
        })
        .expect("a child");
        while file.metadata().expect("metadata").len() == 0 {
            assert!(start.elapsed() < DEADLINE, "the call has begun");
        }
        child.kill().expect("killed");
    }
    let mut last = [0];
    file.read_exact_at(&mut last, file.metadata().expect("metadata").len() - 1).expect("read");
    assert_eq!(last, [b'x']);
}

#[test]
fn the_page_cache_has_the_pages_that_were_used_and_not_the_whole_file() {
    let (_directory, path) = file_with(b"");
    let file = open(&path);
    let length = 2000 * page_size();
    file.write_all_at(&vec![b'x'; page_size()], 0).expect("written");
    file.set_len(length as u64).expect("a size");
    file.pread(&mut [0], length as u64 / 2).expect("read");
    let mapping = Mapping::of_file(&file, 0, length, ProtFlags::PROT_READ, Sharing::Shared).expect("mapped");
    let cached = in_page_cache(mapping.range()).expect("mincore");
    assert!(cached[0], "a page that was written");
    // Some around the one that was read, as many as the kernel reads ahead; none where it is a hole of tmpfs.
    let pages = cached.iter().filter(|&&there| there).count();
    assert!(pages < 1000, "{pages} of 2000 pages");
}

#[test]
fn a_write_of_nothing_is_an_error_and_the_end_of_the_file_is_none() {
    let full = Scripted::new(b"", &[Answer::AtMost(2), Answer::AtMost(0)]);
    assert_eq!(patch(&full, 0, b"abc").expect_err("full").kind(), ErrorKind::WriteZero);
    assert_eq!(full.bytes.take(), b"ab");
    let mut account = Account::default();
    let mut seen = [0; 5];
    assert_eq!(read_at(&Scripted::new(b"abc", &[]), &mut seen, 1, &mut account).expect("read"), 2);
    assert_eq!(&seen, b"bc\0\0\0");
    assert_eq!(account, Account { bytes_in: 2, bytes_out: 0, calls: 2 });
    // std makes an error of the end: its read_exact_at promises all of the bytes.
    let kind = Scripted::new(b"abc", &[]).read_exact_at(&mut seen, 1).expect_err("short").kind();
    assert_eq!(kind, ErrorKind::UnexpectedEof);
}

#[test]
fn other_errors_are_returned() {
    let (_directory, path) = file_with(b"abc");
    let only_read = File::open(&path).expect("the file");
    let mut account = Account::default();
    assert_eq!(errno(patch(&only_read, 0, b"x")), Some(Errno::EBADF));
    assert_eq!(errno(patch(&only_read, 0, b"")), None);
    let only_write = File::options().write(true).open(&path).expect("the file");
    assert_eq!(errno(read_at(&only_write, &mut [0], 0, &mut account)), Some(Errno::EBADF));
    assert_eq!(account, Account { bytes_in: 0, bytes_out: 0, calls: 1 });
    let file = open(&path);
    assert_eq!(errno(patch(&file, 1 << 63, b"x")), Some(Errno::EOVERFLOW));
    assert_eq!(errno(read_at(&file, &mut [0], u64::MAX, &mut account)), Some(Errno::EOVERFLOW));
    assert_eq!(file.ftruncate(1 << 63), Err(Errno::EOVERFLOW));
    let (pipe, _other_end) = nix::unistd::pipe().expect("a pipe");
    assert_eq!(File::from(pipe).fsync(), Err(Errno::EINVAL));
    assert_eq!(fs::read(&path).expect("the file"), b"abc");
}

#[test]
fn an_edit_outside_the_file_is_refused_and_changes_nothing() {
    for (at, remove) in [(4, 0), (3, 1), (0, 4), (u64::MAX, 1), (1, u64::MAX)] {
        let (_directory, path) = file_with(b"abc");
        let edit = Edit { at, remove, insert: b"x".to_vec() };
        let file = open(&path);
        for answer in [
            edit_through_memory(&file, &edit).map(drop),
            edit_in_place(&file, &edit).map(drop),
            edit_with_std(&path, &edit),
        ] {
            assert_eq!(answer.expect_err("refused").kind(), ErrorKind::InvalidInput, "{at}+{remove}");
        }
        assert_eq!(fs::read(&path).expect("the file"), b"abc");
    }
}

/// A file that is truncated right after its size was asked for.
struct Shrinking(Scripted);

impl Calls for Shrinking {
    fn pread(&self, into: &mut [u8], offset: u64) -> Result<usize, Errno> {
        self.0.pread(into, offset)
    }

    fn pwrite(&self, from: &[u8], offset: u64) -> Result<usize, Errno> {
        self.0.pwrite(from, offset)
    }

    fn ftruncate(&self, size: u64) -> Result<(), Errno> {
        self.0.ftruncate(size)
    }

    fn fsync(&self) -> Result<(), Errno> {
        self.0.fsync()
    }

    fn size(&self) -> Result<u64, Errno> {
        self.0.size().map(|size| size + 1)
    }
}

#[test]
fn a_file_that_shrinks_under_an_edit_in_place_is_noticed() {
    let file = Shrinking(Scripted::new(b"abc", &[]));
    let edit = Edit { at: 1, remove: 0, insert: b"x".to_vec() };
    assert_eq!(edit_in_place(&file, &edit).expect_err("noticed").kind(), ErrorKind::UnexpectedEof);
    assert_eq!(file.0.bytes.take(), b"abc");
}

#[test]
fn the_kernel_counts_what_we_count() {
    let (_directory, path) = file_with(&[b'x'; 3 * CHUNK]);
    // In a child, which has one thread: the kernel counts for the whole process.
    let (child, peer) = Child::fork(|peer| {
        let file = open(&path);
        let edit = Edit { at: 0, remove: 1, insert: b"y".to_vec() };
        let (ours, kernels) = counted_by_the_kernel(|| edit_through_memory(&file, &edit))?;
        let (patched, of_patch) = counted_by_the_kernel(|| patch(&file, 7, b"z"))?;
        let verdict = match (kernels, of_patch) {
            (Ok(kernels), Ok(of_patch)) if (kernels, of_patch) == (ours, patched) => "same".to_owned(),
            (Err(error), _) => format!("skipped: {error}"),
            other => format!("{ours:?} and {patched:?}, but the kernel says {other:?}"),
        };
        peer.send(verdict.as_bytes())
    })
    .expect("a child");
    let verdict = String::from_utf8(peer.receive().expect("a verdict")).expect("text");
    child.wait().and_then(Ended::success).expect("the child ends well");
    match verdict.strip_prefix("skipped: ") {
        Some(_) => eprintln!("{verdict}"),
        None => assert_eq!(verdict, "same"),
    }
}

#[test]
fn the_kernel_counts_what_it_copies_without_us() {
    let (directory, path) = file_with(&[b'x'; CHUNK]);
    let (from, to) = (open(&path), tempfile::tempfile_in(&directory).expect("a file"));
    let (child, peer) = Child::fork(|peer| {
        let (copied, kernels) = counted_by_the_kernel(|| {
            let none = std::ptr::null_mut();
            // SAFETY: the call has no pointer into memory.
            let copied = unsafe { nix::libc::copy_file_range(from.as_raw_fd(), none, to.as_raw_fd(), none, CHUNK, 0) };
            Ok(Errno::result(copied)?)
        })?;
        let answer = match kernels {
            Ok(Account { bytes_in, bytes_out, calls }) => format!("{copied} {bytes_in} {bytes_out} {calls}"),
            Err(error) => format!("skipped: {error}"),
        };
        peer.send(answer.as_bytes())
    })
    .expect("a child");
    let answer = String::from_utf8(peer.receive().expect("an answer")).expect("text");
    child.wait().and_then(Ended::success).expect("the child ends well");
    match answer.strip_prefix("skipped: ") {
        Some(_) => eprintln!("{answer}"),
        None => {
            // overlayfs passes the call on to the file system of its layer, and both count it.
            let system = fstatfs(&from).expect("its file system").filesystem_type();
            let times = if system == OVERLAYFS_SUPER_MAGIC { 2 } else { 1 };
            assert_eq!(answer, format!("{CHUNK} {0} {0} {1}", times * CHUNK, times * 2));
        }
    }
}

#[test]
fn a_patch_at_5_gib_reads_nothing_and_needs_no_memory() {
    let file = tempfile::tempfile().expect("a file");
    let (at, size) = (5 << 30, (5 << 30) + 100);
    file.set_len(size).expect("a size");
    let (child, peer) = Child::fork(|peer| {
        // RLIMIT_DATA and not RLIMIT_AS: malloc has addresses in store, but has to make them writable to use them.
        let status = procfs::process::Process::myself().and_then(|p| p.status()).map_err(io::Error::other)?;
        let limit = status.vmdata.unwrap_or(0) * 1024 + (2 << 20);
        setrlimit(Resource::RLIMIT_DATA, limit, limit)?;
        let (account, kernels) = counted_by_the_kernel(|| patch(&file, at, b"news"))?;
        assert_eq!(account, Account { bytes_in: 0, bytes_out: 4, calls: 1 });
        let counted = match kernels {
            Ok(kernels) => format!("{}", kernels == account),
            Err(error) => format!("skipped: {error}"),
        };
        // Remove the last byte but one: only a chunk of the tail moves, and its buffer is all the memory.
        let shrunk = edit_in_place(&file, &Edit { at: size - 2, remove: 1, insert: vec![] })?;
        assert_eq!((shrunk.bytes_in, shrunk.bytes_out), (1, 1));
        // The limit works: the whole file does not fit in it.
        let edit = Edit { at, remove: 4, insert: b"NEWS".to_vec() };
        assert_eq!(edit_through_memory(&file, &edit).expect_err("too large").kind(), ErrorKind::OutOfMemory);
        peer.send(counted.as_bytes())
    })
    .expect("a child");
    let answer = peer.receive();
    child.wait().and_then(Ended::success).expect("the child ends well");
    let answer = String::from_utf8(answer.expect("an answer")).expect("text");
    match answer.strip_prefix("skipped: ") {
        Some(_) => eprintln!("{answer}"),
        None => assert_eq!(answer, "true", "the kernel counts the same"),
    }
    let metadata = file.metadata().expect("metadata");
    assert_eq!(metadata.len(), size - 1);
    assert!(metadata.blocks() * 512 < 64 << 20, "still sparse: {} blocks of 512 bytes", metadata.blocks());
    let mut around = [0xff; 12];
    file.read_exact_at(&mut around, at - 4).expect("read");
    assert_eq!(&around, b"\0\0\0\0news\0\0\0\0");
}

#[test]
fn an_appending_descriptor_writes_at_the_end_whatever_the_offset() {
    let (_directory, path) = file_with(b"abc");
    let file = File::options().append(true).open(&path).expect("the file");
    patch(&file, 0, b"X").expect("written");
    assert_eq!(fs::read(&path).expect("the file"), b"abcX");
}

/// On the file system of the temporary directory, and on tmpfs, which takes O_DIRECT since Linux 6.6.
#[test]
fn o_direct_wants_aligned_buffers_where_it_is_not_ignored() {
    let three = |directory: &Path| {
        let mut options = File::options();
        let file = options.read(true).write(true).create_new(true).custom_flags(nix::libc::O_DIRECT);
        file.open(directory.join("direct")).map(|file| (file.pwrite(b"abc", 0), file))
    };
    let directory = tempfile::tempdir().expect("a temporary directory");
    match three(directory.path()) {
        Ok((written, file)) => {
            let system = fstatfs(&file).expect("its file system").filesystem_type();
            if [EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC].contains(&system) {
                assert_eq!(written, Err(Errno::EINVAL));
                let bytes = vec![b'x'; 3 * page_size()];
                let aligned = bytes.as_ptr().align_offset(page_size());
                let from = |at: usize| file.pwrite(&bytes[at..at + page_size()], 0);
                assert_eq!((from(aligned + 1), from(aligned)), (Err(Errno::EINVAL), Ok(page_size())));
                let mapping = Mapping::of_file(&file, 0, 1, ProtFlags::PROT_READ, Sharing::Shared).expect("mapped");
                assert_eq!(in_page_cache(mapping.range()).expect("mincore"), [false], "past the page cache");
            } else {
                assert!(matches!(written, Err(Errno::EINVAL) | Ok(3)), "{written:?}");
            }
        }
        Err(error) => eprintln!("skipped: no O_DIRECT here: {error}"),
    }
    let body = |disk: &Path, peer: &Peer| match three(disk) {
        Ok((written, file)) => {
            assert_eq!(written, Ok(3));
            let mapping = Mapping::of_file(&file, 0, 3, ProtFlags::PROT_READ, Sharing::Shared)?;
            assert_eq!(in_page_cache(mapping.range())?, [true]);
            peer.send(b"through the page cache")
        }
        Err(error) => peer.send(format!("skipped: no O_DIRECT on tmpfs: {error}").as_bytes()),
    };
    let listen = |peer: &Peer| {
        eprintln!("{}", String::from_utf8_lossy(&peer.receive()?));
        Ok(())
    };
    match on_a_small_disk(8 * page_size_u64(), body, listen).expect("a child") {
        OnSmallDisk::Skipped(reason) => eprintln!("skipped: {reason}"),
        OnSmallDisk::Ran(ended) => assert_eq!(ended, Ended::Exited(0)),
    }
}

#[test]
fn a_symbolic_link_stays_a_link_and_its_target_is_replaced() {
    let (directory, _) = file_with(b"another file");
    let elsewhere = tempfile::tempdir_in(directory.path()).expect("a directory");
    let (target, link, second) =
        (elsewhere.path().join("target"), directory.path().join("link"), directory.path().join("second"));
    fs::write(&target, b"old").expect("a file");
    let relative = Path::new(elsewhere.path().file_name().expect("a name")).join("target");
    symlink(&relative, &link).expect("a link");
    symlink("link", &second).expect("a link to a link");
    // The temporary file has to be beside the target: another directory may be on another file system.
    let mut beside = 0;
    replace_step_by_step(&second, b"new", |_| {
        beside = beside.max(leftovers(elsewhere.path())?.len());
        Ok(())
    })
    .expect("replaced");
    assert_eq!(beside, 1);
    assert_eq!(fs::read_link(&link).expect("a link"), relative);
    assert_eq!(fs::read_link(&second).expect("a link"), Path::new("link"));
    assert_eq!(fs::read(&target).expect("the target"), b"new");
    assert_eq!(names(elsewhere.path()), ["target"]);

    // The bare call replaces the link.
    let other = directory.path().join("file");
    fs::rename(&other, &link).expect("renamed");
    assert!(fs::symlink_metadata(&link).expect("it is there").is_file());
    assert_eq!(fs::read(&target).expect("the target"), b"new");
}

#[test]
fn what_is_no_file_is_refused_and_nothing_is_left() {
    let (directory, path) = file_with(b"a file");
    let inside = |name| directory.path().join(name);
    fs::create_dir(inside("directory")).expect("a directory");
    symlink("nowhere", inside("dangling")).expect("a link");
    nix::unistd::mkfifo(&inside("fifo"), nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    let before = names(directory.path());
    for (path, kind) in [
        (inside("missing"), ErrorKind::NotFound),
        (inside("dangling"), ErrorKind::NotFound),
        (inside("directory"), ErrorKind::InvalidInput),
        (inside("fifo"), ErrorKind::InvalidInput),
        ("/".into(), ErrorKind::InvalidInput),
        (path.join("below"), ErrorKind::NotADirectory),
    ] {
        assert_eq!(replace(&path, b"new").expect_err("refused").kind(), kind, "{path:?}");
    }
    assert_eq!(names(directory.path()), before);
    assert!(names(&inside("directory")).is_empty());
    assert_eq!(fs::read(&path).expect("the file"), b"a file");
}

#[test]
fn the_longest_name_has_room_for_a_replace() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("n".repeat(255));
    fs::write(&path, b"old").expect("a file");
    replace(&path, b"new").expect("replaced");
    assert_eq!(fs::read(&path).expect("the file"), b"new");
}

#[test]
fn another_hard_link_keeps_the_old_bytes() {
    let (directory, path) = file_with(b"old");
    let other = directory.path().join("other");
    fs::hard_link(&path, &other).expect("a link");
    replace(&path, b"new").expect("replaced");
    assert_eq!(fs::read(&other).expect("the old file"), b"old");
    assert_eq!(fs::metadata(&path).expect("the new file").nlink(), 1);
}

#[test]
fn an_extended_attribute_is_not_kept() {
    let (_directory, path) = file_with(b"old");
    let name = std::ffi::CString::new(path.as_os_str().as_encoded_bytes()).expect("no NUL");
    let attribute = c"user.note";
    // SAFETY: both strings end with a NUL, and one byte of the value is read.
    let set = unsafe { nix::libc::setxattr(name.as_ptr(), attribute.as_ptr(), b"x".as_ptr().cast(), 1, 0) };
    if let Err(errno) = Errno::result(set) {
        return eprintln!("skipped: no extended attributes here: {errno}");
    }
    // SAFETY: both strings end with a NUL; with a size of 0 nothing is written.
    let get = || unsafe { nix::libc::getxattr(name.as_ptr(), attribute.as_ptr(), std::ptr::null_mut(), 0) };
    assert_eq!(Errno::result(get()), Ok(1));
    replace(&path, b"new").expect("replaced");
    assert_eq!(Errno::result(get()), Err(Errno::ENODATA));
}

#[test]
fn the_owner_is_kept_or_nothing_is_changed() {
    if !nix::unistd::geteuid().is_root() {
        return eprintln!("skipped: needs root, for a file that belongs to another user");
    }
    let (directory, path) = file_with(b"old");
    let owner = (Some(65534), Some(65533));
    if let Err(error) = std::os::unix::fs::chown(&path, owner.0, owner.1) {
        return eprintln!("skipped: no permission to chown a file: {error}");
    }
    fs::set_permissions(&path, Permissions::from_mode(0o4750)).expect("a mode");
    replace(&path, b"new").expect("replaced");
    let metadata = fs::metadata(&path).expect("the file");
    assert_eq!((metadata.uid(), metadata.gid(), metadata.mode() & 0o7777), (65534, 65533, 0o4750));

    // Another user with write permission on the directory may rename there, but can't create a file of that owner.
    fs::set_permissions(directory.path(), Permissions::from_mode(0o777)).expect("a mode");
    let (child, peer) = Child::fork(|peer| {
        nix::unistd::setgroups(&[])?;
        nix::unistd::setgid(65532.into())?;
        nix::unistd::setuid(65532.into())?;
        let error = replace(&path, b"newer").expect_err("refused");
        peer.send(&error.raw_os_error().unwrap_or(0).to_ne_bytes())
    })
    .expect("a child");
    let answer = peer.receive();
    child.wait().and_then(Ended::success).expect("the child ends well");
    assert_eq!(answer.expect("an errno"), (Errno::EPERM as i32).to_ne_bytes());
    fs::set_permissions(directory.path(), Permissions::from_mode(0o700)).expect("a mode");
    assert_eq!(fs::read(&path).expect("the file"), b"new");
    assert_eq!(names(directory.path()), ["file"]);
}

#[test]
fn a_replace_needs_write_permission_on_the_directory_and_none_on_the_file() {
    if nix::unistd::geteuid().is_root() {
        return eprintln!("skipped: root may write everywhere");
    }
    let (directory, path) = file_with(b"old");
    fs::set_permissions(&path, Permissions::from_mode(0o444)).expect("a mode");
    replace(&path, b"new").expect("replaced");
    assert_eq!(fs::read(&path).expect("the file"), b"new");
    fs::set_permissions(directory.path(), Permissions::from_mode(0o500)).expect("a mode");
    let refused = replace(&path, b"newer").expect_err("refused");
    fs::set_permissions(directory.path(), Permissions::from_mode(0o700)).expect("a mode");
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
    assert_eq!(fs::read(&path).expect("the file"), b"new");
    assert_eq!(names(directory.path()), ["file"]);
}

#[test]
fn linkat_gives_a_nameless_file_no_name_that_exists() {
    use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, open};
    let (directory, path) = file_with(b"old");
    let nameless = match open(directory.path(), OFlag::O_TMPFILE | OFlag::O_WRONLY, nix::sys::stat::Mode::S_IRUSR) {
        Ok(file) => file,
        Err(errno) => return eprintln!("skipped: no O_TMPFILE here: {errno}"),
    };
    let link = |to: &Path| {
        let from = format!("/proc/self/fd/{}", nameless.as_raw_fd());
        nix::unistd::linkat(AT_FDCWD, from.as_str(), AT_FDCWD, to, AtFlags::AT_SYMLINK_FOLLOW)
    };
    assert_eq!(link(&path), Err(Errno::EEXIST));
    assert_eq!(fs::read(&path).expect("the file"), b"old");
    assert_eq!(link(&directory.path().join("new name")), Ok(()));
}

#[test]
fn leftovers_are_temporary_files_and_no_others() {
    let (directory, _) = file_with(b"a file");
    for name in [".replacing-abc", ".replacing", "replacing-abc", "x.replacing-abc"] {
        fs::write(directory.path().join(name), b"").expect("a file");
    }
    assert_eq!(leftovers(directory.path()).expect("listed"), [directory.path().join(".replacing-abc")]);
    assert!(leftovers(&directory.path().join("missing")).is_err());
}

#[test]
fn a_lock_stays_with_the_old_file_and_a_directory_is_not_replaced() {
    let lock = |path: &Path| Flock::lock(File::open(path).expect("open"), FlockArg::LockExclusive).expect("a lock");
    let (directory, path) = file_with(b"7");
    let locked = lock(&path);
    assert!(is_locked(&path).expect("asked"));
    replace(&path, b"8").expect("replaced");
    assert!(!is_locked(&path).expect("asked"), "the name is that of a file that is not locked");
    assert_eq!(locked.metadata().expect("the old file").nlink(), 0);
    assert!(!is_locked(directory.path()).expect("asked"));
    let locked = lock(directory.path());
    replace(&path, b"9").expect("a lock is advice only");
    assert!(is_locked(directory.path()).expect("asked"));
    drop(locked);
    assert!(!is_locked(directory.path()).expect("asked"));
    assert!(is_locked(&directory.path().join("missing")).is_err());
}

#[test]
fn the_kernel_releases_the_lock_of_a_killed_process() {
    let (directory, _) = file_with(b"7");
    let (child, peer) = Child::fork(|peer| {
        let _locked = Flock::lock(File::open(&directory)?, FlockArg::LockExclusive).map_err(|(_, errno)| errno)?;
        peer.give_turn()?;
        peer.await_turn() // which never comes
    })
    .expect("a child");
    peer.await_turn().expect("it has the lock");
    assert!(is_locked(directory.path()).expect("asked"));
    child.kill().expect("killed");
    assert!(!is_locked(directory.path()).expect("asked"));
}

#[test]
fn ftruncate_reserves_nothing_and_zeros_do() {
    let file = File::from(memfd_create("zeros", MFdFlags::empty()).expect("a file in memory"));
    let blocks = || file.metadata().expect("metadata").blocks();
    write_at(&file, &[b'x'; CHUNK], 0, &mut Account::default()).expect("written");
    let before = blocks();
    let size = 2 * CHUNK as u64;
    file.ftruncate(size).expect("longer");
    assert_eq!(blocks(), before, "a hole has no blocks");
    write_at(&file, &[0; CHUNK], CHUNK as u64, &mut Account::default()).expect("written");
    assert!(blocks() >= before + CHUNK as u64 / 512, "zeros that were written have");
    file.ftruncate(CHUNK as u64).expect("shorter");
    assert_eq!(blocks(), before, "and give them back");

    // The same on a disk, where no block is there from the beginning.
    let file = tempfile::tempfile().expect("a file");
    let system = fstatfs(&file).expect("its file system").filesystem_type();
    let has_holes = [BTRFS_SUPER_MAGIC, EXT4_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC, TMPFS_MAGIC, XFS_SUPER_MAGIC];
    if !has_holes.contains(&system) {
        return eprintln!("skipped: temporary files are on another file system");
    }
    let blocks = || file.metadata().expect("metadata").blocks();
    file.ftruncate(size).expect("longer");
    assert_eq!(blocks(), 0, "a hole has no blocks");
    write_at(&file, &[0; CHUNK], 0, &mut Account::default()).expect("written");
    file.fsync().expect("on the disk");
    assert!(blocks() >= CHUNK as u64 / 512, "zeros that were written have");
}

#[test]
fn a_power_cut_keeps_any_of_the_bytes_and_an_fsync_orders_them() {
    let left = |disk: &str, writes: &[(usize, &str)]| {
        let writes: Vec<_> = writes.iter().map(|(at, bytes)| (*at, bytes.as_bytes())).collect();
        let left = after_a_power_cut(disk.as_bytes(), &writes);
        left.into_iter().map(|file| String::from_utf8(file).expect("text")).collect::<Vec<_>>()
    };
    assert_eq!(left("o0", &[(0, "n"), (1, "1")]), ["n0", "n1", "o0", "o1"]);
    assert_eq!(left("n0", &[(1, "1")]), ["n0", "n1"], "after an fsync(2) of n, o1 is impossible");
    assert_eq!(left("a", &[(0, "b"), (0, "c")]), ["a", "b", "c"]);
    assert_eq!(left("ab", &[]), ["ab"]);
    assert_eq!(left("old", &[(0, "new")]).len(), 8, "half of a write, too");
}

/// The names in a directory, sorted.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("the directory");
    let mut names: Vec<_> = entries.map(|e| e.expect("an entry").file_name().into_string().expect("text")).collect();
    names.sort();
    names
}

/// Whether a message arrives within `milliseconds`, or the process at the other end ends.
fn readable(peer: &Peer, milliseconds: u8) -> bool {
    poll(&mut [PollFd::new(peer.as_fd(), PollFlags::POLLIN)], milliseconds).expect("polled") > 0
}

fn errno<T>(answer: io::Result<T>) -> Option<Errno> {
    answer.err().map(|error| Errno::from_raw(error.raw_os_error().expect("an error with an errno")))
}

#[test]
fn the_demonstration_shows_what_the_lesson_says() {
    for language in Language::ALL {
        insta::assert_snapshot!(format!("demonstration_{}", language.code()), transcript(1, language));
    }
}

#[test]
fn the_demonstration_runs_on_one_byte_and_on_a_large_sparse_file() {
    for size in [1, 2, 16 << 20, 5 << 30] {
        let (directory, path) = file_with(b"");
        open(&path).set_len(size).expect("a size");
        let mut text = Vec::new();
        demonstrate(&mut Narrator::live(&mut text, directory.path(), Language::English), &path).expect("it runs");
        let text = String::from_utf8(text).expect("text");
        assert_eq!(text.contains("skipped: the file has"), size > 16 << 20, "{text}");
        assert_eq!(names(directory.path()), ["file"]);
    }
}
