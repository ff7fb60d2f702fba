//! What `process` promises: every end is told apart, every wait ends, nothing is left.

mod common;

use std::fs::{self, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use mmap_workbook::grade::{On, refuse};
use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::observe::page_size;
use mmap_workbook::process::{Cause, Child, Ended, Fault, OnSmallDisk, Peer, end_of, guarded, on_a_small_disk};
use nix::errno::Errno;
use nix::libc;
use nix::sys::mman::ProtFlags;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{Signal, kill, raise};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{Pid, Uid, pause, setuid};

fn end(body: impl FnOnce(&Peer) -> io::Result<()>) -> Ended {
    let (child, _peer) = Child::fork(body).expect("a child");
    child.wait().expect("it ends")
}

#[test]
fn each_way_to_end_is_told_apart() {
    assert_eq!(end(|_| Ok(())), Ended::Exited(0));
    assert_eq!(end(|_| Err(io::Error::other("no luck"))), Ended::Failed("no luck".to_owned()));
    let Ended::Panicked(panic) = end(|_| panic!("not {}", "this")) else { panic!("a panic is told from an error") };
    assert_eq!((panic.message.as_str(), panic.file.as_str()), ("not this", "tests/process.rs"));
    let line = include_str!("process.rs").lines().nth(panic.line as usize - 1).expect("the line");
    assert!(line[panic.column as usize - 1..].starts_with("panic!(\"not {}\""), "{panic}");
    // SAFETY: _exit(2) only ends the child.
    assert_eq!(end(|_| unsafe { nix::libc::_exit(3) }), Ended::Exited(3));
    assert_eq!(end(|_| Ok(raise(Signal::SIGTERM)?)), Ended::Killed(Signal::SIGTERM));
    assert_eq!(end(|_| std::process::abort()), Ended::Killed(Signal::SIGABRT));
}

#[test]
fn the_last_report_of_the_child_itself_counts() {
    let ended = end(|_| {
        assert!(std::panic::catch_unwind(|| panic!("caught")).is_err());
        Err(io::Error::other("returned"))
    });
    assert_eq!(ended, Ended::Failed("returned".to_owned()));
    // The grandchild inherits the child's panic hook; its report must not be taken for the child's.
    let ended = end(|_| {
        // SAFETY: the child has one thread, and the grandchild ends when its panic is caught.
        if let nix::unistd::ForkResult::Parent { child } = unsafe { nix::unistd::fork() }? {
            waitpid(child, None)?;
            // SAFETY: _exit(2) only ends the child.
            unsafe { nix::libc::_exit(101) };
        }
        panic!("in the grandchild")
    });
    assert_eq!(ended, Ended::Exited(101));
}

#[test]
fn a_fault_is_reported_with_its_cause_and_its_address() {
    let forbidden = Mapping::anonymous(page_size(), ProtFlags::PROT_NONE, Sharing::Private).expect("mapped");
    let ended = end_of(|| _ = forbidden.load(7)).expect("a child");
    let fault = ended.fault().unwrap_or_else(|| panic!("{ended}"));
    assert_eq!((fault.cause(), fault.offset_from(forbidden.address())), (Some(Cause::NotAllowed), 7));
    assert_eq!(fault.offset_from(forbidden.address() + 8), -1);
    assert_eq!(ended.to_string(), "killed by SIGSEGV/SEGV_ACCERR");
    // The same signals, sent by a process, kill and are no fault.
    for signal in [Signal::SIGSEGV, Signal::SIGBUS] {
        assert_eq!(end(|_| Ok(raise(signal)?)), Ended::Killed(signal));
    }
}

#[test]
fn a_cause_is_known_by_its_signal_and_code_and_by_its_name() {
    for cause in Cause::ALL {
        assert_eq!(Cause::named(&cause.to_string()), Some(cause));
    }
    assert_eq!(Cause::of("SIGBUS", nix::libc::BUS_ADRERR), Some(Cause::NoPage));
    assert_eq!(Cause::of("SIGBUS", nix::libc::BUS_ADRALN), None);
    assert_eq!((Cause::named("SIGBUS"), Cause::named("SIGBUS/SEGV_MAPERR")), (None, None));
    // ILL_ILLOPN, which the libc crate leaves out.
    let other = Fault { signal: Signal::SIGILL, code: 2, address: 0 };
    assert_eq!((other.cause(), other.to_string()), (None, "SIGILL/code 2".to_owned()));
}

#[test]
fn a_peer_carries_messages_whole_and_in_order() {
    let (child, peer) = Child::fork(|peer| {
        peer.await_turn()?;
        while let Ok(message) = peer.receive() {
            peer.send(&message)?;
        }
        Ok(())
    })
    .expect("a child");
    peer.give_turn().expect("sent");
    let messages = [&b"a"[..], b"bc", &[0; 65536]];
    for message in messages {
        peer.send(message).expect("sent");
    }
    for message in messages {
        assert!(peer.receive().expect("received") == message);
    }
    assert_eq!(peer.send(b"").expect_err("refused").kind(), io::ErrorKind::InvalidInput);
    assert_eq!(peer.send(&[0; 65537]).expect_err("refused").kind(), io::ErrorKind::InvalidInput);
    peer.send(b"x").expect("sent");
    assert_eq!(peer.await_turn().expect_err("no turn").kind(), io::ErrorKind::InvalidData);
    drop(peer);
    assert_eq!(child.wait().expect("it ends"), Ended::Exited(0));
}

#[test]
fn a_peer_whose_other_end_is_gone_ends() {
    let (child, peer) = Child::fork(|_| Ok(())).expect("a child");
    assert_eq!(peer.receive().expect_err("the child is gone").kind(), io::ErrorKind::UnexpectedEof);
    assert_eq!(child.wait().expect("it ends"), Ended::Exited(0));
    assert_eq!(peer.give_turn().expect_err("the child is gone").raw_os_error(), Some(Errno::EPIPE as i32));
}

#[test]
fn a_wait_that_takes_too_long_ends_and_the_child_with_it() {
    let (child, _peer) = Child::fork(|peer| peer.await_turn()).expect("a child");
    let pid = child.pid();
    let error = child.wait_within(Duration::from_millis(1)).expect_err("it waits for a turn");
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert!(error.to_string().contains(&pid.to_string()), "{error}");
    assert_eq!(kill(pid, None), Err(Errno::ESRCH), "it is killed and reaped");
}

#[test]
fn a_dropped_child_is_killed_and_reaped_with_what_it_forked() {
    let (mut held, held_open) = io::pipe().expect("a pipe");
    let (child, peer) = Child::fork(|peer| {
        // SAFETY: the child has one thread, and the grandchild only waits to be killed.
        if let nix::unistd::ForkResult::Child = unsafe { nix::unistd::fork() }? {
            loop {
                pause();
            }
        }
        peer.give_turn()?;
        peer.await_turn()
    })
    .expect("a child");
    drop(held_open);
    peer.await_turn().expect("the grandchild is there");
    let pid = child.pid();
    drop(child);
    assert_eq!(waitpid(pid, Some(WaitPidFlag::WNOHANG)), Err(Errno::ECHILD), "it is reaped");
    // The last writers were the child and the grandchild: the end of the pipe comes when both are gone.
    assert_eq!(held.read(&mut [0]).expect("the end"), 0);
}

#[test]
fn a_child_is_waited_for_where_there_is_no_pidfd() {
    for errno in [Errno::ENOSYS, Errno::EPERM] {
        let ended = end(|_| {
            refuse(&[libc::SYS_pidfd_open], On::Everything, errno)?;
            assert_eq!(end(|_| Ok(raise(Signal::SIGTERM)?)), Ended::Killed(Signal::SIGTERM));
            let (child, peer) = Child::fork(|peer| peer.await_turn())?;
            let pid = child.pid();
            let error = child.wait_within(Duration::from_millis(5)).expect_err("it waits for a turn");
            assert_eq!((error.kind(), kill(pid, None)), (io::ErrorKind::TimedOut, Err(Errno::ESRCH)));
            drop(peer);
            let (mut child, peer) = Child::fork(|peer| peer.await_turn())?;
            assert_eq!(child.ended_within(Duration::ZERO)?, None);
            peer.give_turn()?;
            assert_eq!(child.ended_within(mmap_workbook::process::DEADLINE)?, Some(Ended::Exited(0)));
            Ok(())
        });
        assert_eq!(ended, Ended::Exited(0), "{errno}");
    }
}

#[test]
fn a_child_that_cant_be_killed_is_not_waited_for_without_end() {
    if !Uid::effective().is_root() {
        return eprintln!("skipped: needs root, for a process of another user");
    }
    let ended = end(|_| {
        let (child, peer) = Child::fork(|peer| peer.await_turn())?;
        setuid(Uid::from_raw(65534))?; // from now on the child is another user's
        let (began, pid) = (Instant::now(), child.pid());
        drop(child);
        assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
        assert_eq!(kill(pid, None), Err(Errno::EPERM), "it is there");
        peer.give_turn()?;
        // The child has its deadline, too.
        waitpid(pid, None)?;
        Ok(())
    });
    assert_eq!(ended, Ended::Exited(0));
}

#[test]
fn no_child_leaves_a_core_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let ended = end(|_| {
        std::env::set_current_dir(&directory)?;
        let (_, most) = getrlimit(Resource::RLIMIT_CORE)?;
        setrlimit(Resource::RLIMIT_CORE, most, most)?;
        assert_eq!(end(|_| std::process::abort()), Ended::Killed(Signal::SIGABRT));
        let (child, _pipes) = Child::spawn(Command::new("sh").args(["-c", "kill -SEGV $$"]))?;
        assert_eq!(child.wait()?, Ended::Killed(Signal::SIGSEGV));
        Ok(())
    });
    assert_eq!(ended, Ended::Exited(0));
    assert_eq!(std::fs::read_dir(&directory).expect("a directory").count(), 0);
}

#[test]
fn a_signal_reaches_the_child_and_a_kill_says_how_it_ended() {
    let (child, peer) = Child::fork(|peer| peer.await_turn()).expect("a child");
    assert_eq!(child.kill().expect("it ends"), Ended::Killed(Signal::SIGKILL));
    drop(peer);
    let (child, _peer) = Child::fork(|peer| peer.await_turn()).expect("a child");
    // A signal that neither nohup(1) nor a shell ignores for a background process.
    child.signal(Signal::SIGUSR1).expect("sent");
    assert_eq!(child.wait().expect("it ends"), Ended::Killed(Signal::SIGUSR1));
}

#[test]
fn a_child_dies_with_its_parent() {
    let (mut held, held_open) = io::pipe().expect("a pipe");
    let (child, peer) = Child::fork(|peer| {
        let (grandchild, _peer) = Child::fork(|peer| peer.await_turn())?;
        peer.send(&grandchild.pid().as_raw().to_ne_bytes())?;
        peer.await_turn()
    })
    .expect("a child");
    drop(held_open);
    let pid = i32::from_ne_bytes(peer.receive().expect("a pid").try_into().expect("4 bytes"));
    assert_eq!(kill(Pid::from_raw(pid), None), Ok(()), "the grandchild is there, in a group of its own");
    child.kill().expect("it ends");
    assert_eq!(held.read(&mut [0]).expect("the end"), 0, "the grandchild is gone too");
}

#[test]
fn nothing_is_forked_while_other_threads_run() {
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || stopped.recv());
    let error = Child::fork(|_| Ok(())).expect_err("refused");
    assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    assert!(error.to_string().contains("RUST_TEST_THREADS=1"), "{error}");
    drop(stop);
    thread.join().expect("joined").expect_err("nothing was sent");
    assert_eq!(end(|_| Ok(())), Ended::Exited(0));
}

#[test]
fn the_tests_run_one_at_a_time_however_they_are_started() {
    let start = |more: &[&str]| {
        let mut tests = Command::new(std::env::current_exe().expect("this program"));
        tests.args(["each_way_to_end", "a_peer_carries", "success_is"]).args(more);
        tests.env("RUST_TEST_THREADS", "8").current_dir("/").output().expect("it starts")
    };
    for more in [&[][..], &["--test-threads=1"], &["--test-threads", "1"]] {
        let ran = start(more);
        assert!(ran.status.success() && String::from_utf8_lossy(&ran.stdout).contains("3 passed"), "{ran:?}");
    }
    for more in [&["--test-threads=8"][..], &["--test-threads", "8"]] {
        let refused = start(more);
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(
            !refused.status.success() && said.contains("--test-threads") && said.lines().count() == 1,
            "{refused:?}"
        );
    }
}

#[test]
fn a_program_is_started_in_a_group_of_its_own_and_its_end_is_known() {
    let (child, pipes) = Child::spawn(
        std::process::Command::new("sh")
            .args(["-c", "echo said; exec >&-; echo complained >&2; read line; exit 7"])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null()),
    )
    .expect("started");
    assert_eq!(nix::unistd::getpgid(Some(child.pid())), Ok(child.pid()));
    let mut said = String::new();
    pipes.stdout.expect("a pipe").read_to_string(&mut said).expect("text");
    assert_eq!(said, "said\n");
    drop(pipes.stdin);
    assert_eq!(child.wait().expect("it ends"), Ended::Exited(7));
    assert!(Child::spawn(&mut std::process::Command::new("/nowhere/to/be/found")).is_err());
}

#[test]
fn success_is_the_status_0_and_nothing_else() {
    assert!(Ended::Exited(0).success().is_ok());
    for ended in [Ended::Exited(1), Ended::Failed("x".to_owned()), Ended::Killed(Signal::SIGKILL)] {
        let text = ended.to_string();
        assert!(ended.success().expect_err("an error").to_string().contains(&text), "{text}");
    }
    let mapping = Mapping::anonymous(1, READ_WRITE, Sharing::Private).expect("mapped");
    assert_eq!(end_of(|| mapping.store(0, 1)).expect("a child"), Ended::Exited(0));
    assert_eq!(mapping.load(0), 0, "a private store of the child's stays in the child");
}

#[test]
fn a_small_disk_is_small_and_goes_with_its_child() {
    let mounts = || std::fs::read_to_string("/proc/self/mounts").expect("mounts");
    let before = mounts();
    let mut said = Vec::new();
    let body = |directory: &std::path::Path, peer: &Peer| {
        let full = std::fs::write(directory.join("file"), vec![1; 2 << 20]).expect_err("2 MiB on a disk of 1 MiB");
        peer.send(&full.raw_os_error().unwrap_or(0).to_ne_bytes())?;
        peer.send(directory.as_os_str().as_encoded_bytes())?;
        peer.await_turn()?;
        Err(io::Error::other("as told"))
    };
    let listen = |peer: &Peer| {
        said = vec![peer.receive()?, peer.receive()?];
        peer.give_turn()
    };
    match on_a_small_disk(1 << 20, body, listen).expect("a child") {
        OnSmallDisk::Skipped(reason) => eprintln!("skipped: {reason}"),
        OnSmallDisk::Ran(ended) => {
            assert_eq!(ended, Ended::Failed("as told".to_owned()));
            assert_eq!(said[0], (Errno::ENOSPC as i32).to_ne_bytes());
            assert!(!std::path::Path::new(std::str::from_utf8(&said[1]).expect("UTF-8")).exists());
        }
    }
    assert_eq!(mounts(), before);
}

#[test]
fn guarded_work_leaves_no_file_that_its_user_can_remove() {
    let place = tempfile::tempdir().expect("a directory");
    fs::set_permissions(&place, Permissions::from_mode(0o777)).expect("a mode");
    let body = |_: &Peer| {
        // Root may enter every directory.
        if Uid::effective().is_root() {
            setuid(Uid::from_raw(65534))?;
        }
        // SAFETY: this process has only this thread.
        unsafe { std::env::set_var("TMPDIR", place.path()) };
        let status = guarded(|| {
            let closed = std::env::temp_dir().join("closed");
            assert_ne!(std::env::temp_dir(), place.path(), "it has a directory of its own");
            fs::create_dir_all(closed.join("in it")).expect("a directory");
            fs::set_permissions(&closed, Permissions::from_mode(0o000)).expect("a mode");
            7
        })?;
        if status == 7 { Ok(()) } else { Err(io::Error::other(format!("{status} instead of 7"))) }
    };
    assert_eq!(end(body), Ended::Exited(0));
    assert_eq!(fs::read_dir(&place).expect("the directory").count(), 0);
}
