//! Lesson 4: processes that talk through a mapped file.

mod common;

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::{self, Relaxed};
use std::sync::atomic::{AtomicPtr, AtomicU32};
use std::time::{Duration, Instant};

use common::{cases, file_with, open, transcript};
use mmap_workbook::grade::{Failure, Verdict, before_each_call, drop_privileges, killed_before_call};
use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::lesson_4::*;
use mmap_workbook::lesson_5::{receive_file, send_file};
use mmap_workbook::observe::{maps_of_process, page_size};
use mmap_workbook::process::{Child, DEADLINE, Ended, Peer, adopt_orphans, end_of};
use mmap_workbook::text::Language;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc::{F_RDLCK, F_UNLCK, F_WRLCK};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, kill, sigaction, signal};
use nix::sys::stat::Mode;
use nix::sys::statfs::{OVERLAYFS_SUPER_MAGIC, fstatfs};
use nix::sys::wait::{Id, WaitPidFlag, waitid, waitpid};
use nix::unistd::{ForkResult, Pid, fork, mkfifo, pipe2, setpgid};
use proptest::prelude::*;
use tempfile::TempDir;

fn new_channel() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("channel");
    (directory, path)
}

fn text(reader: &Reader) -> Option<String> {
    reader.read().expect("read").map(|message| message.text())
}

/// A writer in a child that publishes these texts, gives the turn, and then waits for its own.
fn writer_in_child(path: &Path, texts: &[&str]) -> (Child, Peer) {
    let (child, peer) = Child::fork(|peer| {
        let mut writer = Writer::open(path)?;
        for text in texts {
            writer.publish(text)?;
        }
        peer.give_turn()?;
        peer.await_turn()
    })
    .expect("a child");
    peer.await_turn().expect("its turn");
    (child, peer)
}

proptest! {
    #![proptest_config(cases(32))]

    #[test]
    fn each_message_arrives_as_it_was_sent(texts in prop::collection::vec("\\PC{0,13}", 1..8)) {
        let (_directory, path) = new_channel();
        let mut writer = Writer::open(&path)?;
        let reader = Reader::open(&path)?;
        prop_assert_eq!(reader.read()?, None);
        for (number, text) in (0..).zip(texts.iter().filter(|text| text.len() <= CAPACITY)) {
            prop_assert_eq!(writer.publish(text)?, number);
            let message = reader.read()?.expect("a message");
            prop_assert_eq!((message.number(), &message.text()), (number, text));
            prop_assert_eq!(last_message_with_memmap2(&path)?, ReadAttempt::Whole(message));
        }
    }

    #[test]
    fn a_file_of_any_bytes_is_refused_or_read_and_never_changed(
        bytes in prop::collection::vec(any::<u8>(), 0..2 * SIZE),
        header in 0..5_usize,
    ) {
        let (_directory, path) = new_channel();
        drop(Writer::open(&path)?);
        let genuine = fs::read(&path)?;
        let (_directory, path) = file_with(&bytes);
        // The first fields of a channel, then random bytes.
        let end = (header * 8).min(bytes.len());
        open(&path).write_all_at(&genuine[..end], 0)?;
        let before = fs::read(&path)?;
        match Reader::open(&path) {
            Ok(reader) => {
                prop_assert!(bytes.len() >= SIZE && header >= 2);
                // Whatever it says: the call returns.
                let _ = reader.try_read(|| ())?;
                let _ = (reader.state()?, reader.read_naively(|| ()), reader.bell(), reader.writer());
            }
            Err(error) => {
                prop_assert!(error.to_string().starts_with(&format!("{path:?}: ")), "{}", error);
                prop_assert!(Writer::open(&path).is_err());
            }
        }
        prop_assert_eq!(fs::read(&path)?, before);
    }
}

proptest! {
    #![proptest_config(cases(12))]

    #[test]
    fn a_writer_killed_at_any_moment_leaves_a_whole_message_and_a_channel_to_go_on_with(reads in 0..3000_u32) {
        let (_directory, path) = new_channel();
        let (child, peer) = Child::fork(|peer| {
            let mut writer = Writer::open(&path)?;
            peer.give_turn()?;
            for letter in ["a", "b", "c"].iter().cycle() {
                writer.publish(&letter.repeat(CAPACITY))?;
            }
            Ok(())
        })?;
        peer.await_turn()?;
        let reader = Reader::open(&path)?;
        for _ in 0..reads {
            reader.read()?;
        }
        prop_assert_eq!(reader.state()?, WriterState::Writing);
        prop_assert_eq!(child.kill()?, Ended::Killed(Signal::SIGKILL));
        prop_assert_eq!(reader.state()?, WriterState::Died);
        let last = reader.read()?;
        if let Some(message) = last {
            let letter = ["a", "b", "c"][(message.number() % 3) as usize];
            prop_assert_eq!(message.text(), letter.repeat(CAPACITY));
        }
        let mut writer = Writer::open(&path)?;
        let next = last.map_or(0, |message| message.number() + 1);
        for number in next..next + 2 * SLOTS as u64 {
            prop_assert_eq!(writer.publish("next")?, number);
            prop_assert_eq!(text(&reader), Some("next".to_owned()));
        }
    }
}

#[test]
fn a_million_reads_under_a_writer_at_full_speed_none_torn_none_going_back() {
    let directory = tempfile::tempdir().expect("a directory");
    let tally = tally(directory.path(), false, 1_000_000).expect("counted");
    assert!(tally.reads >= 1_000_000 && tally.changes > 0, "{tally:?}");
    assert_eq!((tally.torn, tally.back), (0, 0));
    assert_eq!(fs::read_dir(directory.path()).expect("the directory").count(), 0);
}

#[test]
fn a_tally_tells_whole_torn_new_and_old_messages_apart() {
    let (_directory, path) = new_channel();
    let mut writer = Writer::open(&path).expect("a writer");
    let reader = Reader::open(&path).expect("a reader");
    let [a, b] = ["A", "B"].map(|letter| letter.repeat(CAPACITY));
    writer.publish_naively(&a, || ()).expect("published");
    let first = reader.read_naively(|| ()).expect("read");
    let torn = reader.read_naively(|| writer.publish_naively(&b, || ()).expect("published")).expect("read");
    let second = reader.read_naively(|| ()).expect("read");
    let mut tally = Tally::default();
    let mut count = |message| {
        tally.add(message);
        (tally.reads, tally.torn, tally.back, tally.changes)
    };
    assert_eq!(count(&first), (1, 0, 0, 0));
    assert_eq!(count(&torn), (2, 1, 0, 0));
    assert_eq!(count(&second), (3, 1, 0, 1));
    assert_eq!(count(&second), (4, 1, 0, 1));
    assert_eq!(count(&first), (5, 1, 1, 2));
    assert_eq!(count(&torn), (6, 2, 1, 2));
    assert_eq!(count(&second), (7, 2, 1, 3));
    assert_eq!(count(&first), (8, 2, 2, 4));
}

#[test]
fn the_naive_tally_counts_the_same_reads() {
    let directory = tempfile::tempdir().expect("a directory");
    let tally = tally(directory.path(), true, 1000).expect("counted");
    // How many of them are torn depends on chance.
    assert!(tally.reads >= 1000 && tally.changes > 0 && tally.torn <= tally.reads, "{tally:?}");
}

#[test]
fn a_pipe_is_a_stream_that_ends_when_its_last_writing_end_is_closed() {
    let (mut read, mut write) = io::pipe().expect("a pipe");
    for text in ["hello", "0"] {
        write.write_all(text.as_bytes()).expect("written");
    }
    let mut bytes = [0; 100];
    assert_eq!(read.read(&mut bytes).expect("read"), 6, "where a message ends is not said");
    // A child has the writing end, too.
    let (child, peer) = Child::fork(|peer| {
        peer.await_turn()?;
        (&write).write_all(b"1")
    })
    .expect("a child");
    drop(write);
    let mut fds = [PollFd::new(read.as_fd(), PollFlags::POLLIN)];
    assert_eq!(poll(&mut fds, PollTimeout::ZERO), Ok(0), "neither bytes nor the end");
    peer.give_turn().expect("its turn");
    child.wait().and_then(|ended| ended.success()).expect("it ends well");
    assert_eq!([1, 0].map(|_| read.read(&mut bytes).expect("read")), [1, 0], "then the end");
    let (packets, write) = pipe2(OFlag::O_DIRECT | OFlag::O_CLOEXEC).expect("a pipe of packets");
    let (mut packets, mut write) = (File::from(packets), File::from(write));
    for text in ["hello", "0"] {
        write.write_all(text.as_bytes()).expect("written");
    }
    assert_eq!([1, 0].map(|_| packets.read(&mut bytes).expect("read")), [5, 1], "with O_DIRECT it is said");
}

#[test]
fn an_increment_between_a_load_and_a_store_is_lost_and_an_atomic_one_is_not() {
    for (atomic, expected) in [(false, 1), (true, 2)] {
        let page = Mapping::anonymous(8, READ_WRITE, Sharing::Shared).expect("a mapping");
        let count = page.long_word(0);
        let (child, peer) = Child::fork(|peer| {
            let seen = count.load(Relaxed);
            peer.give_turn()?;
            peer.await_turn()?;
            if atomic {
                count.fetch_add(1, Relaxed);
            } else {
                count.store(seen + 1, Relaxed);
            }
            Ok(())
        })
        .expect("a child");
        peer.await_turn().expect("its turn is over");
        count.fetch_add(1, Relaxed);
        peer.give_turn().expect("it is there");
        child.wait().and_then(|ended| ended.success()).expect("it ends well");
        assert_eq!(count.load(Relaxed), expected);
    }
}

#[test]
fn what_others_change_between_a_load_and_its_exchange_is_not_lost() {
    for times in 0..4 {
        let page = Mapping::anonymous(8, READ_WRITE, Sharing::Shared).expect("a mapping");
        let number = page.long_word(0);
        number.store(5, Relaxed);
        let mut left = times;
        let before = multiply(&page, 0, 3, || {
            if left > 0 {
                let other = Child::fork(|_| Ok(_ = number.fetch_add(1, Relaxed))).expect("a child");
                other.0.wait().and_then(|ended| ended.success()).expect("it ends well");
                left -= 1;
            }
        });
        assert_eq!((before, number.load(Relaxed)), (5 + times, 3 * (5 + times)));
    }
}

/// Whether a process that opens the file itself gets the lock now.
fn is_free(lock: Lock, path: &Path) -> bool {
    let (child, peer) =
        Child::fork(|peer| peer.send(if lock.take(&open(path))? { b"free" } else { b"taken" })).expect("a child");
    let said = hear(&peer);
    child.wait().and_then(|ended| ended.success()).expect("it ends well");
    said == "free"
}

#[test]
fn a_lock_belongs_to_the_process_or_to_the_open_file_description() {
    for (lock, of_process) in [(Lock::Flock, false), (Lock::OfDescription, false), (Lock::OfProcess, true)] {
        let (_directory, path) = file_with(b"locked");
        assert!(is_free(lock, &path));
        // A child takes it and is killed, while its parent still has the descriptor that the child inherited.
        let file = open(&path);
        let (child, peer) = Child::fork(|peer| {
            assert!(lock.take(&file)?);
            peer.give_turn()?;
            peer.await_turn()
        })
        .expect("a child");
        peer.await_turn().expect("its turn");
        assert!(!is_free(lock, &path), "{lock:?}: the child has it");
        assert_eq!(lock.take(&file), Ok(!of_process), "{lock:?}: does its parent have it, too?");
        child.kill().expect("killed");
        assert_eq!(is_free(lock, &path), of_process, "{lock:?}: the child is dead, and the descriptor open");
        // Another descriptor of the same file asks for it, and is closed.
        assert_eq!(lock.take(&file), Ok(true));
        assert!(!is_free(lock, &path), "{lock:?}: this process has it");
        let another = open(&path);
        assert_eq!(lock.take(&another), Ok(of_process), "{lock:?}: is it given to its owner again?");
        drop(another);
        assert_eq!(is_free(lock, &path), of_process, "{lock:?}: another descriptor was closed");
        drop(file);
        assert!(is_free(lock, &path), "{lock:?}: the last descriptor was closed");
    }
}

#[test]
fn a_mapping_keeps_the_lock_of_an_open_file_description() {
    let its_file_system = fstatfs(tempfile::tempfile().expect("a file")).expect("fstatfs(2)").filesystem_type();
    if its_file_system == OVERLAYFS_SUPER_MAGIC {
        return eprintln!("skipped: on overlayfs a mapping keeps the file of a layer, and not the one that is locked");
    }
    for (lock, of_process) in [(Lock::Flock, false), (Lock::OfDescription, false), (Lock::OfProcess, true)] {
        let (_directory, path) = file_with(b"locked");
        let file = open(&path);
        let mapping = Mapping::of_file(&file, 0, 6, READ_WRITE, Sharing::Shared).expect("a mapping");
        let (child, peer) = Child::fork(|peer| {
            assert!(lock.take(&file)?);
            peer.give_turn()?;
            peer.await_turn()
        })
        .expect("a child");
        peer.await_turn().expect("its turn");
        drop(file);
        assert!(!is_free(lock, &path), "{lock:?}: the child has it");
        child.kill().expect("killed");
        assert_eq!(is_free(lock, &path), of_process, "{lock:?}: the child is dead, and the file mapped");
        drop(mapping);
        assert!(is_free(lock, &path), "{lock:?}: nobody has the open file any more");
    }
}

#[test]
fn a_lock_stays_with_a_descriptor_that_was_sent_even_on_its_way() {
    for lock in [Lock::Flock, Lock::OfDescription] {
        let (_directory, path) = file_with(b"locked");
        let (ours, theirs) = UnixStream::pair().expect("sockets");
        let (child, peer) = Child::fork(|peer| {
            let file = open(&path);
            assert!(lock.take(&file)?);
            send_file(&theirs, &file)?;
            peer.give_turn()?;
            peer.await_turn()
        })
        .expect("a child");
        peer.await_turn().expect("its turn");
        child.kill().expect("killed");
        assert!(!is_free(lock, &path), "{lock:?}: no process has the descriptor, and the socket has it");
        let received = receive_file(&ours).expect("received");
        assert!(!is_free(lock, &path), "{lock:?}: this process has it, which is no child of the one that took it");
        drop(received);
        assert!(is_free(lock, &path), "{lock:?}: nobody has it");
    }
}

#[test]
fn proc_locks_names_the_process_that_took_a_lock_of_flock() {
    let (_directory, path) = file_with(b"locked");
    let file = open(&path);
    let named = |pid: i32| {
        let locks = fs::read_to_string("/proc/locks").expect("/proc/locks");
        let (pid, inode) = (pid.to_string(), format!(":{}", file.metadata().expect("the file").ino()));
        locks
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .any(|fields| fields[1..].starts_with(&["FLOCK", "ADVISORY", "WRITE", &pid]) && fields[5].ends_with(&inode))
    };
    let (child, peer) = Child::fork(|peer| {
        assert!(Lock::Flock.take(&file)?);
        peer.give_turn()?;
        peer.await_turn()
    })
    .expect("a child");
    peer.await_turn().expect("its turn");
    assert!(named(child.pid().as_raw()));
    let pid = child.pid().as_raw();
    child.kill().expect("killed");
    assert!(named(pid), "also when it is dead, for this process has the lock, too");
}

/// What F_GETLK writes into a struct that asks for a lock of this kind: `l_type` and `l_pid`.
fn in_the_way(file: &File, kind: i32) -> (i32, i32) {
    let kind = kind.try_into().expect("a small number");
    let mut lock = nix::libc::flock { l_type: kind, l_whence: 0, l_start: 0, l_len: 0, l_pid: 0 };
    fcntl(file, FcntlArg::F_GETLK(&mut lock)).expect("asked");
    (lock.l_type.into(), lock.l_pid)
}

#[test]
fn f_unlck_says_that_no_lock_is_in_the_way_and_not_that_there_is_none() {
    let (_directory, path) = file_with(b"locked");
    let file = open(&path);
    let (child, _peer) = read_lock_in_child(&path);
    assert_eq!(in_the_way(&file, F_RDLCK).0, F_UNLCK, "another process has a read lock");
    assert_eq!(in_the_way(&file, F_WRLCK), (F_RDLCK, child.pid().as_raw()));
    child.kill().expect("killed");
    assert_eq!(Lock::OfProcess.take(&file), Ok(true));
    assert_eq!(in_the_way(&file, F_WRLCK).0, F_UNLCK, "this process has a write lock");
    let (_directory, path) = file_with(b"locked");
    let (file, another) = (open(&path), open(&path));
    assert_eq!(Lock::OfDescription.take(&file), Ok(true));
    assert_eq!(in_the_way(&another, F_RDLCK), (F_WRLCK, -1), "no process owns an OFD lock");
}

#[test]
fn the_owner_of_a_lock_has_no_id_in_another_pid_namespace() {
    let (_directory, path) = file_with(b"locked");
    let file = open(&path);
    assert_eq!(Lock::OfProcess.take(&file), Ok(true));
    let (child, peer) = Child::fork(|peer| {
        let user = if nix::unistd::geteuid().is_root() { CloneFlags::empty() } else { CloneFlags::CLONE_NEWUSER };
        if let Err(errno) = unshare(user | CloneFlags::CLONE_NEWPID) {
            return peer.send(format!("skipped: needs a PID namespace of its own: {errno}").as_bytes());
        }
        // The next child is the first process of the namespace.
        // SAFETY: this process has no other thread; the child ends by _exit(2).
        match unsafe { fork() }? {
            ForkResult::Child => {
                let _ = peer.send(format!("{:?}", in_the_way(&file, F_WRLCK)).as_bytes());
                // SAFETY: _exit(2) runs no code of this program.
                unsafe { nix::libc::_exit(0) }
            }
            ForkResult::Parent { child } => Ok(_ = waitpid(child, None)?),
        }
    })
    .expect("a child");
    let said = hear(&peer);
    child.wait().and_then(|ended| ended.success()).expect("it ends well");
    match said.strip_prefix("skipped") {
        Some(_) => eprintln!("{said}"),
        None => assert_eq!(said, format!("{:?}", (F_WRLCK, 0)), "a lock is in the way, of process 0"),
    }
}

/// Takes a read lock for as long as the child lives, through a descriptor that can't write.
fn read_lock_in_child(path: &Path) -> (Child, Peer) {
    let (child, peer) = Child::fork(|peer| {
        let file = File::open(path)?;
        let mut lock = nix::libc::flock { l_type: 0, l_whence: 0, l_start: 0, l_len: 0, l_pid: 0 };
        lock.l_type = nix::libc::F_RDLCK.try_into().expect("a small number");
        fcntl(&file, FcntlArg::F_SETLK(&lock))?;
        lock.l_type = nix::libc::F_WRLCK.try_into().expect("a small number");
        assert_eq!(fcntl(&file, FcntlArg::F_SETLK(&lock)), Err(Errno::EBADF));
        peer.give_turn()?;
        peer.await_turn()
    })
    .expect("a child");
    peer.await_turn().expect("a read lock");
    (child, peer)
}

#[test]
fn a_read_lock_is_not_taken_for_a_writer_and_keeps_out_the_next_one() {
    let (_directory, path) = new_channel();
    writer_in_child(&path, &["last"]).0.kill().expect("killed");
    let reader = Reader::open(&path).expect("a reader");
    let (locked, _peer) = read_lock_in_child(&path);
    assert_eq!(reader.state().expect("asked"), WriterState::Died);
    let before = fs::read(&path).expect("the file");
    let error = Writer::open(&path).expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::ResourceBusy);
    let text = "no writer is at work, but a process that reads has a lock on the file";
    assert_eq!(error.to_string(), format!("{path:?}: {text}"));
    assert_eq!(fs::read(&path).expect("the file"), before);
    locked.kill().expect("killed");
    assert_eq!(Writer::open(&path).expect("free again").publish("next").expect("published"), 1);
}

#[test]
fn a_writer_that_has_forked_is_dead_when_it_is_killed_and_its_child_is_no_writer() {
    adopt_orphans().expect("set");
    let (_directory, path) = new_channel();
    let (writer, peer) = Child::fork(|peer| {
        let mut writer = Writer::open(&path)?;
        writer.publish("last")?;
        // SAFETY: this process has no other thread; the child ends by _exit(2).
        match unsafe { fork() }? {
            ForkResult::Child => {
                let refused = [writer.publish("the child's").err(), Writer::open(&path).err()];
                let refused = refused.map(|error| error.map(|error| error.kind()));
                let _ = peer.send(format!("{refused:?}").as_bytes());
                let _ = peer.await_turn(); // which never comes: the descriptor and the mapping stay
                // SAFETY: _exit(2) runs no code of this program.
                unsafe { nix::libc::_exit(0) }
            }
            ForkResult::Parent { child } => {
                // Out of the process group that is killed with its parent.
                setpgid(child, child)?;
                peer.send(child.to_string().as_bytes())?;
            }
        }
        peer.await_turn()
    })
    .expect("a child");
    let mut said = [hear(&peer), hear(&peer)];
    said.sort();
    let [child, refused] = said;
    let child = Pid::from_raw(child.parse().expect("a process id"));
    assert_eq!(refused, "[Some(PermissionDenied), Some(ResourceBusy)]");
    let reader = Reader::open(&path).expect("a reader");
    assert_eq!(reader.state().expect("asked"), WriterState::Writing);
    writer.kill().expect("killed");
    let maps = maps_of_process(child).expect("the child lives");
    assert!(maps.iter().any(|area| Path::new(&area.name()) == path), "it has the page");
    assert_eq!((reader.state().expect("asked"), text(&reader).as_deref()), (WriterState::Died, Some("last")));
    assert_eq!(Writer::open(&path).expect("free").publish("next").expect("published"), 1);
    // It became a child of ours when its parent died.
    kill(child, Signal::SIGKILL).expect("killed");
    waitpid(child, None).expect("reaped");
}

#[test]
fn a_childs_copy_of_a_writer_does_not_end_its_session() {
    let (_directory, path) = new_channel();
    let mut writer = Some(Writer::open(&path).expect("a writer"));
    let (child, _peer) = Child::fork(|_| Ok(_ = writer.take())).expect("a child");
    child.wait().expect("waited").success().expect("a good end");
    let reader = Reader::open(&path).expect("a reader");
    assert_eq!(reader.state().expect("asked"), WriterState::Writing);
}

#[test]
fn what_the_lesson_closes_in_a_writers_process_does_not_release_its_lock() {
    let ((_one, path), (_other, other)) = (new_channel(), new_channel());
    let is_taken = |path: &Path| {
        let (child, peer) = Child::fork(|peer| peer.send(if Writer::open(path).is_ok() { b"free" } else { b"taken" }))
            .expect("a child");
        let said = hear(&peer);
        child.wait().and_then(|ended| ended.success()).expect("it ends well");
        said == "taken"
    };
    let before = Writer::open(&path).and_then(|writer| Reader::open(&path).map(|reader| (writer, reader)));
    drop(before.expect("opened")); // the writer first: its reader's descriptor may be closed
    let (writer, another) = (Writer::open(&path).expect("a writer"), Writer::open(&other).expect("another"));
    let closed = fs::read_dir("/proc/self/fd").expect("descriptors").count();
    drop(Reader::open(&path).expect("a reader"));
    last_message_with_memmap2(&path).expect("an attempt");
    assert_eq!(Writer::open(&path).expect_err("refused").kind(), ErrorKind::ResourceBusy);
    assert!(is_taken(&path) && is_taken(&other));
    drop(writer);
    assert!(!is_taken(&path) && is_taken(&other));
    drop(another);
    assert!(!is_taken(&other));
    assert_eq!(fs::read_dir("/proc/self/fd").expect("descriptors").count(), closed - 2);
}

#[test]
fn what_others_close_in_a_writers_process_releases_its_lock() {
    let (_directory, path) = new_channel();
    let _writer = Writer::open(&path).expect("a writer");
    let reader = Reader::open(&path).expect("a reader");
    drop(File::open(&path).expect("opened"));
    assert_eq!(reader.state().expect("asked"), WriterState::Died);
}

#[test]
fn the_two_kinds_of_fcntl_exclude_each_other_and_flock_is_apart() {
    let kinds = [Lock::Flock, Lock::OfDescription, Lock::OfProcess];
    for (held, asked) in kinds.into_iter().flat_map(|held| kinds.map(|asked| (held, asked))) {
        let (_directory, path) = file_with(b"locked");
        let file = open(&path);
        assert_eq!(held.take(&file), Ok(true));
        let apart = (held == Lock::Flock) != (asked == Lock::Flock);
        assert_eq!(is_free(asked, &path), apart, "another process asks for {asked:?} while {held:?} is held");
    }
}

#[test]
fn halfway_the_notes_way_is_torn_and_the_sequence_lock_shows_the_message_before() {
    let directory = tempfile::tempdir().expect("a directory");
    let [a, b] = ["A", "B"].map(|letter| letter.repeat(CAPACITY));
    assert_eq!(read_halfway(directory.path(), true).expect("read"), [[&b[..16], &a[16..]].concat(), b.clone()]);
    assert_eq!(read_halfway(directory.path(), false).expect("read"), [a, b]);
    assert_eq!(fs::read_dir(directory.path()).expect("the directory").count(), 0);
}

#[test]
fn a_reader_that_is_overtaken_halfway_throws_away_what_it_has() {
    let (_directory, path) = new_channel();
    let mut writer = Writer::open(&path).expect("a writer");
    let reader = Reader::open(&path).expect("a reader");
    assert_eq!(reader.try_read(|| ()).expect("an attempt"), ReadAttempt::Nothing);
    writer.publish(&"0".repeat(CAPACITY)).expect("published");
    // The next message goes to the other slot: what is being read stays whole.
    let ReadAttempt::Whole(message) = reader.try_read(|| _ = writer.publish("1")).expect("an attempt") else {
        panic!("overtaken")
    };
    assert_eq!((message.number(), message.text()), (0, "0".repeat(CAPACITY)));
    // The message after the next goes to this slot.
    let attempt = reader.try_read(|| {
        writer.publish("other slot").expect("published");
        writer.publish("this slot").expect("published");
    });
    assert_eq!(attempt.expect("an attempt"), ReadAttempt::Overtaken);
    // The notes' way takes one half of each.
    writer.publish_naively(&"x".repeat(CAPACITY), || ()).expect("published");
    let torn = reader.read_naively(|| writer.publish_naively(&"y".repeat(CAPACITY), || ()).expect("published"));
    assert_eq!(torn.expect("read").text(), "x".repeat(16) + &"y".repeat(CAPACITY - 16));
}

#[test]
fn a_reader_that_is_overtaken_by_half_a_message_throws_away_what_it_has() {
    let (_directory, path) = new_channel();
    let (child, peer) = Child::fork(|peer| {
        let mut writer = Writer::open(&path)?;
        writer.publish(&"0".repeat(CAPACITY))?;
        peer.give_turn()?;
        peer.await_turn()?;
        writer.publish("1")?;
        writer.publish_pausing(&"2".repeat(CAPACITY), || {
            peer.give_turn().expect("a turn");
            peer.await_turn().expect("a turn");
        })?;
        peer.give_turn()?;
        peer.await_turn()
    })
    .expect("a child");
    peer.await_turn().expect("its turn");
    let reader = Reader::open(&path).expect("a reader");
    let attempt = reader.try_read(|| {
        peer.give_turn().expect("a turn");
        peer.await_turn().expect("a turn");
    });
    assert_eq!(attempt.expect("an attempt"), ReadAttempt::Overtaken);
    assert_eq!(text(&reader).as_deref(), Some("1"));
    peer.give_turn().expect("a turn");
    peer.await_turn().expect("a turn");
    assert_eq!(text(&reader), Some("2".repeat(CAPACITY)));
    peer.give_turn().expect("a turn");
    child.wait().expect("waited").success().expect("it finished");
}

#[test]
fn while_a_message_is_half_written_the_one_before_is_read() {
    let (_directory, path) = new_channel();
    let mut writer = Writer::open(&path).expect("a writer");
    let reader = Reader::open(&path).expect("a reader");
    writer.publish_pausing("0", || assert_eq!(text(&reader), None)).expect("published");
    for (before, next) in [("0", "1"), ("1", "2"), ("2", "3")] {
        let halfway = || assert_eq!(text(&reader).as_deref(), Some(before));
        writer.publish_pausing(next, halfway).expect("published");
        assert_eq!(text(&reader).as_deref(), Some(next));
    }
}

#[test]
fn a_writer_killed_halfway_leaves_the_last_whole_message() {
    let directory = tempfile::tempdir().expect("a directory");
    assert_eq!(
        killed_halfway(directory.path()).expect("a child"),
        KilledWriter {
            before: (WriterState::Writing, Some(ErrorKind::ResourceBusy)),
            ended: Ended::Killed(Signal::SIGKILL),
            after: (WriterState::Died, Some("whole".into())),
            next: (1, Some("of the next writer".into())),
        }
    );
    assert_eq!(fs::read_dir(directory.path()).expect("the directory").count(), 0);
}

#[test]
fn a_killed_writer_keeps_its_id_for_its_parent_but_not_its_lock() {
    let (_directory, path) = new_channel();
    let (writer, _peer) = writer_in_child(&path, &[]);
    let (pid, reader) = (writer.pid(), Reader::open(&path).expect("a reader"));
    writer.signal(Signal::SIGKILL).expect("sent");
    waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT).expect("it has ended");
    assert_eq!(kill(pid, None), Ok(()), "its parent has not waited for it");
    assert_eq!(reader.state().expect("asked"), WriterState::Died);
    assert_eq!(writer.wait().expect("waited"), Ended::Killed(Signal::SIGKILL));
    assert_eq!(kill(pid, None), Err(Errno::ESRCH));
}

#[test]
fn a_dead_writers_id_may_be_another_processs() {
    let (_directory, path) = new_channel();
    let (writer, _peer) = writer_in_child(&path, &[]);
    let pid = writer.pid();
    writer.kill().expect("killed");
    let ids = [pid.as_raw()];
    // SAFETY: all zeros are valid: no flag, no pointer.
    let mut arguments: nix::libc::clone_args = unsafe { std::mem::zeroed() };
    arguments.exit_signal = Signal::SIGCHLD as u64;
    (arguments.set_tid, arguments.set_tid_size) = (ids.as_ptr() as u64, 1);
    let size = size_of_val(&arguments);
    // SAFETY: without CLONE_VM clone3(2) is fork(2), and the new process makes system calls only.
    let again = Errno::result(unsafe { nix::libc::syscall(nix::libc::SYS_clone3, &raw const arguments, size) });
    match again {
        Err(errno) => {
            return eprintln!("skipped: needs the right to choose a process id (clone3(2), set_tid): {errno}");
        }
        Ok(0) => loop {
            let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL);
            nix::unistd::pause();
        },
        Ok(id) => assert_eq!(id, i64::from(pid.as_raw())),
    }
    let reader = Reader::open(&path).expect("a reader");
    let (alive, state) = (kill(pid, None), reader.state());
    kill(pid, Signal::SIGKILL).expect("killed");
    waitpid(pid, None).expect("reaped");
    assert_eq!((alive, state.expect("asked")), (Ok(()), WriterState::Died));
}

/// A mutex of POSIX at the start of a page: for several processes, and robust.
fn robust_mutex(page: &Mapping) -> *mut nix::libc::pthread_mutex_t {
    use nix::libc::*;
    let mutex = std::ptr::with_exposed_provenance_mut(page.address());
    let mut attributes = std::mem::MaybeUninit::uninit();
    let attributes = attributes.as_mut_ptr();
    // SAFETY: the pointer is valid for a write.
    let mut failed = unsafe { pthread_mutexattr_init(attributes) };
    // SAFETY: the attributes are initialised.
    failed += unsafe { pthread_mutexattr_setpshared(attributes, PTHREAD_PROCESS_SHARED) };
    // SAFETY: as above.
    failed += unsafe { pthread_mutexattr_setrobust(attributes, PTHREAD_MUTEX_ROBUST) };
    // SAFETY: as above; the page is mapped, aligned, and larger than a mutex.
    failed += unsafe { pthread_mutex_init(mutex, attributes) };
    assert_eq!(failed, 0);
    mutex
}

#[test]
fn a_robust_mutex_tells_of_an_owner_who_died_with_it_mapped() {
    for (unmaps, expected) in [(false, Errno::EOWNERDEAD), (true, Errno::EBUSY)] {
        let (_directory, path) = file_with(&vec![0; page_size()]);
        let page = Mapping::of_file(open(&path), 0, page_size(), READ_WRITE, Sharing::Shared).expect("a mapping");
        let mutex = robust_mutex(&page);
        let (child, peer) = Child::fork(|peer| {
            // SAFETY: the mutex is initialised, and mapped.
            assert_eq!(unsafe { nix::libc::pthread_mutex_lock(mutex) }, 0);
            if unmaps {
                // SAFETY: this process accesses the page no more.
                Errno::result(unsafe { nix::libc::munmap(mutex.cast(), page_size()) })?;
            }
            peer.give_turn()?;
            peer.await_turn()
        })
        .expect("a child");
        peer.await_turn().expect("its turn");
        // SAFETY: as above.
        let try_lock = || Errno::from_raw(unsafe { nix::libc::pthread_mutex_trylock(mutex) });
        assert_eq!(try_lock(), Errno::EBUSY, "its owner lives");
        child.kill().expect("killed");
        assert_eq!(try_lock(), expected, "its owner is dead; it had unmapped the page: {unmaps}");
    }
}

#[test]
fn a_new_channel_gets_its_name_when_it_is_complete_whenever_its_writer_is_killed() {
    let may = |failure: Failure| match failure.verdict {
        Verdict::Skipped => eprintln!("skipped: {}", failure.happened.en),
        _ => panic!("{failure:?}"),
    };
    let act = |path: PathBuf| {
        std::mem::forget(Writer::open(&path).map_err(|error| error.to_string())?);
        _ = nix::unistd::getppid(); // a call before which the process stands still: it has returned
        Ok(())
    };
    let (directory, path) = new_channel();
    let names = |directory: &Path| -> Vec<String> {
        let entries = fs::read_dir(directory).expect("the directory");
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect()
    };
    let (mut reserved, mut named) = (false, false);
    let calls = before_each_call(
        || Ok(path.clone()),
        act,
        |_, call| {
            let file_is_mapped = call.number == nix::libc::SYS_mmap && call.arguments[4] <= i32::MAX as u64;
            if file_is_mapped && let [name] = &names(directory.path())[..] {
                assert_ne!(name, "channel");
                let metadata = fs::metadata(directory.path().join(name)).expect("the file");
                assert!(metadata.blocks() * 512 >= SIZE as u64, "{} blocks before the first store", metadata.blocks());
                reserved = true;
            }
            named = path.exists();
            if named {
                let state = Reader::open(&path).and_then(|reader| reader.state()).expect("a complete channel");
                assert_eq!(state, WriterState::Writing);
            }
            Ok(())
        },
    );
    if let Err(failure) = calls {
        return may(failure);
    }
    assert!(reserved && named);
    let mut left = 0;
    for n in 0.. {
        let (directory, path) = new_channel();
        if killed_before_call(n, || Ok(path.clone()), act).expect("traced").is_none() {
            break;
        }
        left += names(directory.path()).iter().filter(|name| name.starts_with(".channel-")).count();
        if path.exists() {
            let state = Reader::open(&path).and_then(|reader| reader.state()).expect("a complete channel");
            assert_eq!(state, WriterState::Died);
        }
        Writer::open(&path).expect("the next writer");
    }
    assert!(left > 0, "an unfinished file stays when its writer is killed");
}

#[test]
fn a_process_that_a_signal_kills_leaves_its_unfinished_file_and_one_that_panics_does_not() {
    let left_after = |end: &dyn Fn()| {
        let directory = tempfile::tempdir().expect("a directory");
        let ended = end_of(|| {
            let _file = tempfile::Builder::new().prefix(".channel-").tempfile_in(directory.path()).expect("a file");
            end();
        });
        (ended.expect("a child"), fs::read_dir(directory.path()).expect("the directory").count())
    };
    for deadly in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGKILL] {
        let killed = || {
            // SAFETY: no handler of ours.
            _ = unsafe { signal(deadly, SigHandler::SigDfl) };
            nix::sys::signal::raise(deadly).expect("sent");
        };
        assert_eq!(left_after(&killed), (Ended::Killed(deadly), 1));
    }
    let (ended, left) = left_after(&|| panic!("on purpose"));
    assert!(matches!(ended, Ended::Panicked(_)) && left == 0, "{ended}: {left}");
}

#[test]
fn a_new_channel_is_private_reserved_and_leaves_nothing_beside_it() {
    let (directory, path) = new_channel();
    let _writer = Writer::open(&path).expect("a writer");
    let metadata = fs::metadata(&path).expect("the file");
    assert_eq!(metadata.mode() & 0o7777, 0o600);
    assert_eq!(metadata.len(), SIZE as u64);
    let bytes = fs::read(&path).expect("the file");
    let word = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    assert_eq!(&bytes[..8], MAGIC.to_ne_bytes());
    assert_eq!((word(8), word(12) as usize, word(16)), (VERSION, SIZE, std::process::id()));
    assert!(metadata.blocks() * 512 >= metadata.len(), "{} blocks", metadata.blocks());
    let names: Vec<_> =
        fs::read_dir(directory.path()).expect("the directory").map(|e| e.expect("an entry").path()).collect();
    assert_eq!(names, [path]);
}

#[test]
fn a_byte_at_the_end_of_a_large_file_brings_few_of_its_blocks() {
    let (_directory, path) = file_with(b"");
    let (file, size) = (open(&path), 64 << 20);
    file.write_all_at(&[0], size - 1).expect("written");
    let metadata = file.metadata().expect("the file");
    assert!(metadata.len() == size && metadata.blocks() * 512 < size / 2, "{} blocks", metadata.blocks());
}

#[test]
fn a_full_disk_is_an_error_when_the_channel_is_made() {
    use nix::mount::{MsFlags, mount};
    let (directory, path) = new_channel();
    let (child, peer) = Child::fork(|peer| {
        // A mount that only the child sees, and that ends with it.
        let none = None::<&str>;
        let small = format!("size={}", 2 * page_size());
        let mounted = nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS)
            .and_then(|()| mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none))
            .and_then(|()| {
                mount(Some("tmpfs"), directory.path(), Some("tmpfs"), MsFlags::empty(), Some(small.as_str()))
            });
        if let Err(errno) = mounted {
            return peer.send(format!("skipped: needs a small tmpfs of its own: {errno}").as_bytes());
        }
        let full = fs::write(directory.path().join("filler"), vec![1; 2 * page_size()]);
        let error = Writer::open(&path).expect_err("no room");
        assert_eq!(error.kind(), ErrorKind::StorageFull, "{full:?} {error}");
        assert!(error.to_string().starts_with(&format!("{path:?}: No space left on device")), "{error}");
        assert_eq!(fs::read_dir(directory.path())?.count(), 1);
        peer.send(b"refused")
    })
    .expect("a child");
    eprintln!("{}", hear(&peer));
    child.wait().expect("waited").success().expect("a clear error");
}

#[test]
fn a_second_writer_is_refused_and_told_by_whom() {
    let (_directory, path) = new_channel();
    let (child, peer) = writer_in_child(&path, &["mine"]);
    let before = fs::read(&path).expect("the file");
    let error = Writer::open(&path).expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::ResourceBusy);
    assert_eq!(error.to_string(), format!("{path:?}: a writer (pid {}) is at work already", child.pid()));
    assert_eq!(fs::read(&path).expect("the file"), before);
    peer.give_turn().expect("its turn");
    child.wait().expect("waited").success().expect("it finished");
    let reader = Reader::open(&path).expect("a reader");
    assert_eq!((reader.state().expect("asked"), text(&reader).as_deref()), (WriterState::Finished, Some("mine")));
    assert_eq!(Writer::open(&path).expect("free again").publish("next").expect("published"), 1);
}

#[test]
fn each_session_is_told_from_the_one_before() {
    let (_directory, path) = new_channel();
    for _ in 0..3 {
        let writer = Writer::open(&path).expect("a writer");
        let reader = Reader::open(&path).expect("a reader");
        assert_eq!(reader.state().expect("asked"), WriterState::Writing);
        assert_eq!(reader.writer(), std::process::id());
        drop(writer);
        assert_eq!(reader.state().expect("asked"), WriterState::Finished);
        writer_in_child(&path, &[]).0.kill().expect("killed");
        assert_eq!(reader.state().expect("asked"), WriterState::Died);
    }
}

#[test]
fn a_reader_needs_no_permission_to_write_and_cannot_write() {
    let (_directory, path) = new_channel();
    let mut writer = Writer::open(&path).expect("a writer");
    writer.publish("read only").expect("published");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).expect("chmod");
    let (child, peer) = Child::fork(|peer| {
        drop_privileges()?; // root may write to every file
        assert_eq!(File::options().write(true).open(&path).expect_err("refused").kind(), ErrorKind::PermissionDenied);
        let reader = Reader::open(&path)?;
        assert_eq!(text(&reader).as_deref(), Some("read only"));
        let heard = reader.bell();
        peer.give_turn()?;
        while reader.bell() == heard {
            reader.sleep(heard, Duration::from_secs(3600))?;
        }
        Ok(())
    })
    .expect("a child");
    peer.await_turn().expect("its turn");
    until_asleep(&child);
    writer.ring();
    child.wait().expect("woken").success().expect("it slept and read");
    let reader = Reader::open(&path).expect("a reader");
    let maps = maps_of_process(nix::unistd::getpid()).expect("maps");
    let permissions: Vec<_> = maps.iter().filter(|a| Path::new(&a.name()) == path).map(|a| a.permissions()).collect();
    assert!(permissions.len() == 2 && permissions.contains(&"r--s".into()), "{permissions:?}");
    drop((reader, writer));
    let maps = maps_of_process(nix::unistd::getpid()).expect("maps");
    assert!(maps.iter().all(|area| Path::new(&area.name()) != path));
}

#[test]
fn a_file_that_is_no_channel_is_refused_by_name_and_cause_and_unchanged() {
    let (_directory, path) = new_channel();
    drop(Writer::open(&path).expect("a writer"));
    let genuine = fs::read(&path).expect("the file");
    let changed = |at: usize| {
        let mut bytes = genuine.clone();
        bytes[at] ^= 0x40;
        bytes
    };
    for (bytes, kind, cause) in [
        (vec![], ErrorKind::UnexpectedEof, "too short for a channel: 0 bytes".to_owned()),
        (genuine[..SIZE - 1].into(), ErrorKind::UnexpectedEof, format!("too short for a channel: {} bytes", SIZE - 1)),
        (changed(0), ErrorKind::InvalidData, "not a channel".into()),
        (changed(8), ErrorKind::Unsupported, "a channel of version".into()),
        (changed(12), ErrorKind::Unsupported, "a channel with a layout".into()),
    ] {
        fs::write(&path, &bytes).expect("written");
        let errors = [
            Reader::open(&path).expect_err("refused"),
            Writer::open(&path).expect_err("refused"),
            said(|out| read_hellos(out, &path, &AT_ONCE)).1.expect_err("refused"),
            said(|out| write_hellos(out, &path, &AT_ONCE)).1.expect_err("refused"),
        ];
        for error in errors {
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.to_string().starts_with(&format!("{path:?}: {cause}")), "{error}");
        }
        assert!(last_message_with_memmap2(&path).is_err_and(|error| error.kind() == kind));
        assert_eq!(fs::read(&path).expect("the file"), bytes);
    }
}

#[test]
fn a_directory_a_fifo_and_a_directory_that_is_missing_are_refused_at_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let fifo = directory.path().join("fifo");
    mkfifo(&fifo, Mode::S_IRWXU).expect("a FIFO");
    let missing = directory.path().join("missing/channel");
    let dangling = directory.path().join("dangling");
    std::os::unix::fs::symlink("nowhere", &dangling).expect("a link");
    for path in [directory.path(), &fifo, &missing, &dangling] {
        let written = said(|out| write_hellos(out, path, &AT_ONCE)).1.expect_err("refused");
        assert!(written.to_string().starts_with(&format!("{path:?}: ")), "{written}");
    }
    for path in [directory.path(), &fifo, &missing] {
        let read = said(|out| read_hellos(out, path, &AT_ONCE)).1.expect_err("refused");
        assert!(read.to_string().starts_with(&format!("{path:?}: ")), "{read}");
    }
    assert_eq!(fs::read_dir(directory.path()).expect("the directory").count(), 2);
}

#[test]
fn a_text_that_is_too_long_is_refused_and_the_last_message_stays() {
    let (_directory, path) = new_channel();
    let mut writer = Writer::open(&path).expect("a writer");
    let reader = Reader::open(&path).expect("a reader");
    let most = "m".repeat(CAPACITY);
    writer.publish(&most).expect("published");
    for refused in [writer.publish(&"m".repeat(CAPACITY + 1)).map(drop), writer.publish_naively(&"m".repeat(99), || ())]
    {
        assert_eq!(refused.expect_err("refused").kind(), ErrorKind::InvalidInput);
    }
    assert_eq!(text(&reader), Some(most));
}

#[test]
fn of_writers_that_come_at_once_one_gets_the_channel_and_the_others_are_refused() {
    let start = Mapping::anonymous(4, READ_WRITE, Sharing::Shared).expect("mapped");
    for round in 1..=20 {
        let (_directory, path) = new_channel();
        let writer = || {
            let body = |peer: &Peer| {
                peer.give_turn()?;
                let deadline = Instant::now() + DEADLINE;
                // The file does not exist when they check: all of them create one.
                while start.word(0).load(Ordering::Acquire) < round {
                    if Instant::now() > deadline {
                        return Err(ErrorKind::TimedOut.into());
                    }
                }
                let opened = Writer::open(&path);
                peer.send(
                    opened.as_ref().map_or_else(|error| format!("{:?}", error.kind()), |_| "ok".into()).as_bytes(),
                )?;
                peer.await_turn() // and keeps what it has until then
            };
            Child::fork(body).expect("a child")
        };
        let writers = [writer(), writer(), writer()];
        writers.iter().for_each(|(_, peer)| peer.await_turn().expect("its turn"));
        start.word(0).store(round, Ordering::Release);
        let mut answers: Vec<String> = writers.iter().map(|(_, peer)| hear(peer)).collect();
        answers.sort();
        assert_eq!(answers, ["ResourceBusy", "ResourceBusy", "ok"]);
        for (child, peer) in writers {
            peer.give_turn().expect("its turn");
            child.wait().expect("waited").success().expect("a good end");
        }
        assert_eq!(fs::read_dir(path.parent().expect("a directory")).expect("the directory").count(), 1);
    }
}

/// The offsets of the fields in the file: they are part of the format, which another build must be able to read.
const PUBLISHED: u64 = 32;
const FIRST_SEQUENCE: u64 = 48;
const FIRST_LENGTH: u64 = 64;

#[test]
fn a_length_beyond_the_message_is_an_error_and_not_a_read_past_it() {
    let (_directory, path) = new_channel();
    Writer::open(&path).expect("a writer").publish("x").expect("published");
    let reader = Reader::open(&path).expect("a reader");
    for length in [CAPACITY as u64 + 1, u64::MAX] {
        open(&path).write_all_at(&length.to_ne_bytes(), FIRST_LENGTH).expect("written");
        assert_eq!(reader.read().expect_err("refused").kind(), ErrorKind::InvalidData);
        assert_eq!(reader.read_naively(|| ()).expect_err("refused").kind(), ErrorKind::InvalidData);
    }
    open(&path).write_all_at(&(CAPACITY as u64).to_ne_bytes(), FIRST_LENGTH).expect("written");
    assert_eq!(text(&reader).expect("a message").len(), CAPACITY);
}

#[test]
fn a_channel_with_impossible_numbers_is_an_error_and_not_a_hang() {
    let (_directory, path) = new_channel();
    Writer::open(&path).expect("a writer").publish("x").expect("published");
    let reader = Reader::open(&path).expect("a reader");
    let good = fs::read(&path).expect("the file");
    for (at, value) in [(FIRST_SEQUENCE, 1_u64), (PUBLISHED, 2), (PUBLISHED, 3), (PUBLISHED, u64::MAX)] {
        let file = open(&path);
        file.write_all_at(&value.to_ne_bytes(), at).expect("written");
        assert_eq!(reader.read().expect_err("refused").kind(), ErrorKind::TimedOut, "{at}: {value}");
        file.write_all_at(&good, 0).expect("written");
        assert_eq!(text(&reader).as_deref(), Some("x"));
    }
}

/// Waits until a process sleeps in the kernel.
fn until_asleep(child: &Child) {
    let state = || procfs::process::Process::new(child.pid().as_raw()).and_then(|p| p.stat()).expect("stat").state;
    let deadline = Instant::now() + DEADLINE;
    while state() != 'S' {
        assert!(Instant::now() < deadline, "it does not go to sleep");
        std::thread::yield_now();
    }
}

#[test]
fn a_ring_wakes_every_sleeper_in_other_processes() {
    let (_directory, path) = new_channel();
    let writer = Writer::open(&path).expect("a writer");
    let sleeper = || {
        let (child, peer) = Child::fork(|peer| {
            let reader = Reader::open(&path)?;
            let heard = reader.bell();
            peer.give_turn()?;
            while reader.bell() == heard {
                // Far longer than the deadline of the tests: only a ring ends it in time.
                reader.sleep(heard, Duration::from_secs(3600))?;
            }
            Ok(())
        })
        .expect("a child");
        peer.await_turn().expect("its turn");
        until_asleep(&child);
        child
    };
    let sleepers = [sleeper(), sleeper()];
    writer.ring();
    for child in sleepers {
        child.wait().expect("woken").success().expect("it read");
    }
}

#[test]
fn a_ring_between_the_look_and_the_call_is_not_missed() {
    let (_directory, path) = new_channel();
    let writer = Writer::open(&path).expect("a writer");
    let (child, _peer) = Child::fork(|_| {
        let reader = Reader::open(&path)?;
        let heard = reader.bell();
        writer.ring();
        reader.sleep(heard, Duration::from_secs(3600))
    })
    .expect("a child");
    child.wait().expect("it does not sleep").success().expect("a good end");
}

#[test]
fn a_wake_up_that_finds_nobody_asleep_is_not_kept() {
    use nix::libc::{FUTEX_WAIT, FUTEX_WAKE, SYS_futex, syscall, timespec};
    let page = Mapping::anonymous(4, READ_WRITE, Sharing::Shared).expect("a mapping");
    let word = page.word(0).as_ptr();
    let wait = |value: u32| {
        // SAFETY: the word is mapped; a null pointer is no limit.
        Errno::result(unsafe { syscall(SYS_futex, word, FUTEX_WAIT, value, std::ptr::null::<timespec>()) })
    };
    // SAFETY: the call uses the pointer as an address only.
    let wake = || unsafe { syscall(SYS_futex, word, FUTEX_WAKE, i32::MAX) };
    assert_eq!((wait(1), wake()), (Err(Errno::EAGAIN), 0), "the word is 0, and nobody sleeps");
    let (child, peer) = Child::fork(|peer| {
        peer.give_turn()?;
        Ok(_ = wait(0)?)
    })
    .expect("a child");
    peer.await_turn().expect("its turn");
    until_asleep(&child);
    assert_eq!(wake(), 1);
    child.wait().and_then(|ended| ended.success()).expect("it ends well");
}

/// The page's word 0 is slept on, word 1 counts the signals that were handled.
static HANDLED: AtomicPtr<AtomicU32> = AtomicPtr::new(std::ptr::null_mut());

extern "C" fn count_signal(_: i32) {
    // SAFETY: it points to a word of a mapping that lives until the child ends.
    unsafe { &*HANDLED.load(Relaxed) }.fetch_add(1, Ordering::SeqCst);
}

#[test]
fn a_signal_ends_a_sleep_unless_its_handler_restarts_it_and_there_is_no_limit() {
    use nix::libc::{FUTEX_WAIT, FUTEX_WAKE, SYS_futex, syscall, timespec};
    let an_hour = timespec { tv_sec: 3600, tv_nsec: 0 };
    for (restart, limit, ends) in
        [(false, None, true), (false, Some(&an_hour), true), (true, Some(&an_hour), true), (true, None, false)]
    {
        let page = Mapping::anonymous(8, READ_WRITE, Sharing::Shared).expect("a mapping");
        let word = page.word(0).as_ptr();
        HANDLED.store(std::ptr::from_ref(page.word(4)).cast_mut(), Relaxed);
        let (child, peer) = Child::fork(|peer| {
            let flags = if restart { SaFlags::SA_RESTART } else { SaFlags::empty() };
            let action = SigAction::new(SigHandler::Handler(count_signal), flags, SigSet::empty());
            // SAFETY: the handler only increments an atomic.
            unsafe { sigaction(Signal::SIGUSR1, &action) }?;
            peer.give_turn()?;
            let limit = limit.map_or(std::ptr::null(), std::ptr::from_ref);
            // SAFETY: the word is mapped; the limit is null or lives until the call returns.
            let answer = Errno::result(unsafe { syscall(SYS_futex, word, FUTEX_WAIT, 0, limit) });
            peer.send(format!("{answer:?}").as_bytes())
        })
        .expect("a child");
        peer.await_turn().expect("its turn");
        until_asleep(&child);
        child.signal(Signal::SIGUSR1).expect("sent");
        let deadline = Instant::now() + DEADLINE;
        while page.word(4).load(Ordering::SeqCst) == 0 {
            assert!(Instant::now() < deadline, "the handler does not run");
            std::thread::yield_now();
        }
        if !ends {
            until_asleep(&child);
            // SAFETY: the call uses the pointer as an address only.
            assert_eq!(unsafe { syscall(SYS_futex, word, FUTEX_WAKE, i32::MAX) }, 1, "it went back to sleep");
        }
        assert_eq!(hear(&peer), if ends { "Err(EINTR)" } else { "Ok(0)" }, "restart {restart}, limit {limit:?}");
        child.wait().and_then(|ended| ended.success()).expect("it ends well");
    }
}

#[test]
fn a_private_futex_is_woken_by_no_other_process_not_even_at_the_same_address() {
    use nix::libc::{FUTEX_PRIVATE_FLAG, FUTEX_WAIT, FUTEX_WAKE, SYS_futex, syscall, timespec};
    let page = Mapping::anonymous(4, READ_WRITE, Sharing::Shared).expect("a mapping");
    let word = page.word(0).as_ptr();
    for (sleeps, wakes, woken) in
        [(0, 0, 1), (FUTEX_PRIVATE_FLAG, FUTEX_PRIVATE_FLAG, 0), (FUTEX_PRIVATE_FLAG, 0, 0), (0, FUTEX_PRIVATE_FLAG, 0)]
    {
        let (child, peer) = Child::fork(|peer| {
            peer.give_turn()?;
            // SAFETY: the word is mapped, at the address that it has in the parent; a null pointer is no limit.
            unsafe { syscall(SYS_futex, word, FUTEX_WAIT | sleeps, 0, std::ptr::null::<timespec>()) };
            Ok(())
        })
        .expect("a child");
        peer.await_turn().expect("its turn");
        until_asleep(&child);
        // SAFETY: the call uses the pointer as an address only.
        assert_eq!(unsafe { syscall(SYS_futex, word, FUTEX_WAKE | wakes, i32::MAX) }, woken, "{sleeps} {wakes}");
        child.kill().expect("killed");
    }
}

#[test]
fn a_sleep_ends_at_its_limit_and_notices_a_truncated_file() {
    let (_directory, path) = new_channel();
    let _writer = Writer::open(&path).expect("a writer");
    let reader = Reader::open(&path).expect("a reader");
    reader.sleep(reader.bell(), Duration::from_millis(1)).expect("nothing happened");
    let heard = reader.bell();
    // Not to 0: its page stays, and no access to it raises SIGBUS.
    open(&path).set_len(SIZE as u64 - 1).expect("truncated");
    let error = reader.sleep(heard, Duration::from_millis(1)).expect_err("too short");
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
}

const AT_ONCE: Pace = Pace { period: Duration::ZERO, count: Some(3), language: Language::English };
const FOR_EVER: Pace = Pace { period: Duration::from_secs(3600), count: None, language: Language::English };

/// What a program prints, and how it ends.
fn said(program: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> (String, io::Result<()>) {
    let mut out = Vec::new();
    let result = program(&mut out);
    (String::from_utf8(out).expect("text"), result)
}

fn messages(said: &str) -> Vec<&str> {
    said.lines().filter(|line| !line.starts_with("-- ")).collect()
}

/// Sends each line that a program prints to its parent.
struct Told<'a>(&'a Peer, Vec<u8>);

impl Write for Told<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.1.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.send(&std::mem::take(&mut self.1))
    }
}

/// A program in a child, which sends each line that it prints.
fn program(run: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> (Child, Peer) {
    Child::fork(|peer| run(&mut Told(peer, Vec::new()))).expect("a child")
}

fn hear(peer: &Peer) -> String {
    String::from_utf8(peer.receive().expect("a line")).expect("text").trim_end().to_owned()
}

#[test]
fn the_writer_counts_its_hellos_and_the_reader_that_came_first_hears_the_last() {
    let (_directory, path) = new_channel();
    let (child, peer) = program(|out| read_hellos(out, &path, &FOR_EVER));
    assert_eq!(hear(&peer), format!("-- waiting for {path:?}"));
    let (text, result) = said(|out| write_hellos(out, &path, &AT_ONCE));
    result.expect("written");
    assert_eq!(messages(&text), ["hello0", "hello1", "hello2"]);
    assert!(text.starts_with("-- maps: ") && text.contains(" rw-s "), "{text}");
    let end = format!("\n-- 3 messages; munmap: its line of /proc/self/maps is gone; {path:?} stays\n");
    assert!(text.ends_with(&end), "{text}");
    // The reader may open it while the writer is at work or after it has finished, and says which. In both cases it
    // hears a new writer's messages.
    assert!(hear(&peer).contains(" r--s "));
    drop((child, peer));
    let reader = Reader::open(&path).expect("a reader");
    let last = reader.read().expect("read").expect("a message");
    assert_eq!((last.number(), last.text()), (2, "hello2".into()));
    assert_eq!(reader.state().expect("asked"), WriterState::Finished);
    // The next writer begins with hello0 and continues the numbers.
    assert_eq!(messages(&said(|out| write_hellos(out, &path, &AT_ONCE)).0), ["hello0", "hello1", "hello2"]);
    assert_eq!(reader.read().expect("read").expect("a message").number(), 5);
}

#[test]
fn a_bare_name_is_in_the_current_directory() {
    let directory = tempfile::tempdir().expect("a directory");
    let here = |run: fn(&mut dyn Write, &Path, &Pace) -> io::Result<()>| {
        program(|out| {
            std::env::set_current_dir(directory.path())?;
            run(out, Path::new("channel"), &Pace { count: Some(1), ..FOR_EVER })
        })
    };
    let (reader, peer) = here(read_hellos);
    assert_eq!(hear(&peer), "-- waiting for \"channel\"");
    let (writer, _line) = here(write_hellos);
    writer.wait().expect("waited").success().expect("written");
    assert!(hear(&peer).starts_with("-- maps: "));
    assert!(directory.path().join("channel").exists());
    reader.kill().expect("killed");
}

#[test]
fn a_reader_follows_its_writer_to_the_end() {
    let (_directory, path) = new_channel();
    let mut writer = Writer::open(&path).expect("a writer");
    writer.publish("before").expect("published");
    let (child, peer) = program(|out| read_hellos(out, &path, &FOR_EVER));
    assert!(hear(&peer).starts_with("-- maps: "));
    assert_eq!(hear(&peer), "before");
    for text in ["one", "two"] {
        writer.publish(text).expect("published");
        writer.ring();
        assert_eq!(hear(&peer), text);
    }
    // Without a ring the message is found as well, a moment later.
    writer.publish("three").expect("published");
    assert_eq!(hear(&peer), "three");
    drop(writer);
    let end = "-- the writer has finished; 4 messages; munmap: its line of /proc/self/maps is gone";
    assert_eq!(hear(&peer), end);
    child.wait().expect("waited").success().expect("a good end");
}

#[test]
fn a_reader_ends_with_its_count() {
    let (_directory, path) = new_channel();
    let mut writer = Writer::open(&path).expect("a writer");
    writer.publish("only").expect("published");
    let (text, result) = said(|out| read_hellos(out, &path, &Pace { count: Some(1), ..FOR_EVER }));
    result.expect("read");
    assert_eq!(messages(&text), ["only"]);
    assert!(
        text.ends_with("-- that was the last one asked for; 1 messages; munmap: its line of /proc/self/maps is gone\n")
    );
    for program in [read_hellos, write_hellos] {
        let (_directory, other) = new_channel();
        drop(Writer::open(&other).expect("a writer"));
        let (text, result) = said(|out| program(out, &other, &Pace { count: Some(0), ..FOR_EVER }));
        result.expect("nothing to do");
        assert!(messages(&text).is_empty(), "{text}");
    }
}

#[test]
fn a_reader_whose_writer_dies_says_so_with_the_last_message() {
    let (_directory, path) = new_channel();
    let (writer, _turns) = writer_in_child(&path, &["first", "last"]);
    let (pid, (reader, peer)) = (writer.pid(), program(|out| read_hellos(out, &path, &FOR_EVER)));
    assert!(hear(&peer).starts_with("-- maps: "));
    assert_eq!(hear(&peer), "last");
    writer.kill().expect("killed");
    let text = format!("{path:?}: the writer (pid {pid}) died; its last whole message is \"last\"");
    assert_eq!(reader.wait().expect("waited"), Ended::Failed(text));
}

#[test]
fn a_reader_waits_for_the_next_writer_when_the_last_one_is_gone() {
    for dies in [true, false] {
        let (_directory, path) = new_channel();
        let (child, turns) = writer_in_child(&path, &["old"]);
        let pid = child.pid();
        if dies {
            child.kill().expect("killed");
        } else {
            turns.give_turn().expect("its turn");
            child.wait().expect("waited").success().expect("it finished");
        }
        let (child, peer) = program(|out| read_hellos(out, &path, &FOR_EVER));
        assert!(hear(&peer).starts_with("-- maps: "));
        let gone =
            format!("-- the writer (pid {pid}) is gone; its last whole message is \"old\"; waiting for the next");
        assert_eq!(hear(&peer), gone);
        // An old message is not printed: the reader looks for a message before it looks for a signal.
        child.signal(Signal::SIGINT).expect("sent");
        assert!(hear(&peer).starts_with("-- stopped; 0 messages; "));
        child.wait().expect("waited").success().expect("a good end");
        let (child, peer) = program(|out| read_hellos(out, &path, &FOR_EVER));
        assert!(hear(&peer).starts_with("-- maps: "));
        assert_eq!(hear(&peer), gone);
        let mut writer = Writer::open(&path).expect("a writer");
        writer.publish("new").expect("published");
        writer.ring();
        assert_eq!(hear(&peer), "new");
        drop(writer);
        assert!(hear(&peer).starts_with("-- the writer has finished; 1 messages; "));
        child.wait().expect("waited").success().expect("a good end");
    }
}

#[test]
fn an_earlier_writers_message_is_not_news() {
    let (_directory, path) = new_channel();
    Writer::open(&path).expect("a writer").publish("old").expect("published");
    let mut writer = Writer::open(&path).expect("a writer");
    let read_and_stop = || {
        let (child, peer) = program(|out| read_hellos(out, &path, &FOR_EVER));
        assert!(hear(&peer).starts_with("-- maps: "));
        // The reader looks for a message before it looks for a signal.
        child.signal(Signal::SIGINT).expect("sent");
        let said = hear(&peer);
        child.wait().expect("waited").success().expect("a good end");
        said
    };
    assert!(read_and_stop().starts_with("-- stopped; 0 messages; "));
    writer.publish("new").expect("published");
    assert_eq!(read_and_stop(), "new");
}

#[test]
fn a_reader_that_waits_finds_a_new_file_of_the_name() {
    let (_directory, path) = new_channel();
    drop(Writer::open(&path).expect("a writer"));
    let (child, peer) = program(|out| read_hellos(out, &path, &FOR_EVER));
    assert!(hear(&peer).starts_with("-- maps: "));
    let gone = format!("-- the writer (pid {}) is gone; it wrote no message; waiting for the next", std::process::id());
    assert_eq!(hear(&peer), gone);
    fs::remove_file(&path).expect("removed");
    assert!(hear(&peer).ends_with("leads to another file now"));
    assert_eq!(hear(&peer), format!("-- waiting for {path:?}"));
    // A file of another name wakes it, but is not the one that it waits for.
    File::create(path.with_extension("other")).expect("a file");
    let mut writer = Writer::open(&path).expect("a writer");
    writer.publish("here").expect("published");
    assert!(hear(&peer).starts_with("-- maps: "));
    assert_eq!(hear(&peer), "here");
    drop(writer);
    assert!(hear(&peer).starts_with("-- the writer has finished; 1 messages; "));
    child.wait().expect("waited").success().expect("a good end");
}

#[test]
fn a_reader_does_not_wait_in_a_directory_that_goes_away() {
    for goes in [
        |directory: &Path| fs::remove_dir(directory),
        |directory: &Path| fs::rename(directory, directory.with_extension("moved")),
    ] {
        let outer = tempfile::tempdir().expect("a directory");
        let directory = outer.path().join("directory");
        fs::create_dir(&directory).expect("a directory");
        let (child, peer) = program(|out| read_hellos(out, &directory.join("channel"), &FOR_EVER));
        assert!(hear(&peer).starts_with("-- waiting for "));
        until_asleep(&child);
        goes(&directory).expect("gone");
        let Ended::Failed(text) = child.wait().expect("waited") else { panic!("a clear error") };
        assert!(text.starts_with(&format!("{directory:?}: No such file or directory")), "{text}");
    }
}

#[test]
fn a_signal_ends_the_writer_cleanly() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let (_directory, path) = new_channel();
        let (child, peer) = program(|out| write_hellos(out, &path, &FOR_EVER));
        assert!(hear(&peer).starts_with("-- maps: "));
        assert_eq!(hear(&peer), "hello0");
        let reader = Reader::open(&path).expect("a reader");
        assert_eq!(reader.state().expect("asked"), WriterState::Writing);
        child.signal(signal).expect("sent");
        let end = format!("-- 1 messages; munmap: its line of /proc/self/maps is gone; {path:?} stays");
        assert_eq!(hear(&peer), end);
        child.wait().expect("waited").success().expect("a good end");
        assert_eq!(reader.state().expect("asked"), WriterState::Finished);
        assert_eq!(text(&reader).as_deref(), Some("hello0"));
    }
}

#[test]
fn a_signal_ends_the_reader_cleanly() {
    let (_directory, path) = new_channel();
    let (child, peer) = program(|out| read_hellos(out, &path, &FOR_EVER));
    assert!(hear(&peer).starts_with("-- waiting for "));
    child.signal(Signal::SIGINT).expect("sent");
    assert_eq!(hear(&peer), "-- stopped while waiting");
    child.wait().expect("waited").success().expect("a good end");
    let _writer = Writer::open(&path).expect("a writer");
    let (child, peer) = program(|out| read_hellos(out, &path, &FOR_EVER));
    assert!(hear(&peer).starts_with("-- maps: "));
    child.signal(Signal::SIGINT).expect("sent");
    assert_eq!(hear(&peer), "-- stopped; 0 messages; munmap: its line of /proc/self/maps is gone");
    child.wait().expect("waited").success().expect("a good end");
}

#[test]
fn the_programs_restore_the_signal_mask() {
    let (_directory, path) = new_channel();
    let (child, _line) = Child::fork(|_| {
        write_hellos(&mut io::sink(), &path, &AT_ONCE)?;
        nix::sys::signal::raise(Signal::SIGTERM)?;
        Ok(())
    })
    .expect("a child");
    assert_eq!(child.wait().expect("waited"), Ended::Killed(Signal::SIGTERM));
}

/// An output that raises two signals for each line.
struct Raising;

impl Write for Raising {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        nix::sys::signal::raise(Signal::SIGINT)?;
        Ok(nix::sys::signal::raise(Signal::SIGTERM)?)
    }
}

#[test]
fn a_second_signal_is_part_of_the_first() {
    let (_directory, path) = new_channel();
    for program in [write_hellos, read_hellos] {
        let (child, _line) = Child::fork(|_| program(&mut Raising, &path, &FOR_EVER)).expect("a child");
        child.wait().expect("waited").success().expect("a good end");
    }
}

#[test]
fn an_output_that_fails_ends_the_writer_and_frees_the_channel() {
    let (_directory, path) = new_channel();
    let full = File::options().write(true).open("/dev/full").expect("/dev/full");
    let error = write_hellos(&mut &full, &path, &FOR_EVER).expect_err("no space");
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    assert_eq!(Reader::open(&path).expect("a reader").state().expect("asked"), WriterState::Finished);
    assert_eq!(read_hellos(&mut &full, &path, &FOR_EVER).expect_err("no space").kind(), ErrorKind::StorageFull);
}

#[test]
fn the_programs_speak_chinese() {
    let (_directory, path) = new_channel();
    let chinese = |count| Pace { count: Some(count), language: Language::Chinese, ..AT_ONCE };
    let lines = |(said, result): (String, io::Result<()>)| {
        result.expect("it ends well");
        said.lines().filter(|line| !line.contains(" 00000000 ")).map(str::to_owned).collect::<Vec<_>>()
    };
    let gone = "munmap：它在 /proc/self/maps 里的那一行没有了";
    let written = lines(said(|out| write_hellos(out, &path, &chinese(2))));
    assert_eq!(written, ["hello0".to_owned(), "hello1".to_owned(), format!("-- 2 条消息；{gone}；{path:?} 保留")]);
    let pid = std::process::id();
    let read = lines(said(|out| read_hellos(out, &path, &chinese(0))));
    let left = format!("-- 写者（pid {pid}）已经不在；它最后一条完整的消息是 \"hello1\"；等待下一个写者");
    assert_eq!(read, [left, format!("-- 要求的条数已满；0 条消息；{gone}")]);
    let _writer = Writer::open(&path).expect("a writer");
    let error = said(|out| write_hellos(out, &path, &chinese(1))).1.expect_err("refused");
    assert_eq!(mmap_workbook::error::in_words(&error).zh, format!("{path:?}: 已有写者（pid {pid}）在工作"));
}

#[test]
fn the_demonstration_shows_what_the_lesson_says() {
    for language in Language::ALL {
        insta::assert_snapshot!(format!("demonstration_{}", language.code()), transcript(4, language));
    }
}
