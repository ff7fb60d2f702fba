//! What the exercises' checks are written with: every way in which an answer may go wrong is told apart.

mod common;

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, IntoRawFd};
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use mmap_workbook::grade::fixtures::{Difference, difference, no_difference, refused, same_bytes};
use mmap_workbook::grade::{
    self, FORKS, Failure, FileCall, FileId, Follow, History, Interruptions, On, SharedPage, Step, Story, Verdict,
    Walker, after_each_instruction, ask, ask_interrupted, ask_refused, ask_refused_once, ask_with_memory, calls_of,
    check, drop_privileges, ensure, for_all, for_each, killed_before_call, kind, moved, no_refusals, refuse, start,
    watch,
};
use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::observe::page_size;
use mmap_workbook::process::{self, Cause, Child, Ended};
use mmap_workbook::text;
use mmap_workbook::text::Text;
use nix::errno::Errno;
use nix::libc;
use nix::sys::mman::{MsFlags, ProtFlags, msync};
use nix::sys::signal::SigSet;
use nix::unistd::{ForkResult, Pid, fork, setsid};

fn verdict_of(body: impl FnOnce()) -> Verdict {
    ask(body).expect_err("no answer").verdict
}

/// A shared mapping, for what processes tell each other.
fn shared() -> Mapping {
    Mapping::anonymous(page_size(), READ_WRITE, Sharing::Shared).expect("a mapping")
}

#[test]
fn an_answer_comes_back() {
    assert_eq!(ask(|| (1, "two".to_owned(), vec![3_u8; 100_000])).ok(), Some((1, "two".to_owned(), vec![3; 100_000])));
    assert_eq!(ask(|| Err::<(), _>("no".to_owned())).ok(), Some(Err("no".to_owned())));
}

#[test]
fn system_calls_are_interrupted_before_they_are_made() {
    let file = tempfile::tempfile().expect("a file");
    let often = Interruptions { in_a_row: 2, in_all: 5 };
    let seen = ask_interrupted(&[libc::SYS_fsync, libc::SYS_openat], often, || {
        // A directory is opened at once.
        let opened = fs::read_dir("/").is_ok();
        (opened, (0..9).map(|_| nix::unistd::fsync(&file).is_ok()).collect::<Vec<_>>())
    });
    let seen = seen.expect("seccomp(2)");
    let (no, yes) = (false, true);
    assert_eq!(seen.answer, (true, vec![no, no, yes, no, no, yes, no, yes, yes]));
    assert_eq!(seen.made, [libc::SYS_openat, libc::SYS_fsync, libc::SYS_fsync, libc::SYS_fsync, libc::SYS_fsync]);
    assert_eq!(seen.last, Some(libc::SYS_fsync));
}

#[test]
fn what_an_answer_does_instead_is_told_apart() {
    assert_eq!(verdict_of(|| todo!("count the lines")), Verdict::Todo);
    assert_eq!(verdict_of(|| panic!("too bad")), Verdict::Panicked);
    assert_eq!(verdict_of(|| std::process::exit(0)), Verdict::Exited);
    assert_eq!(verdict_of(|| std::process::abort()), Verdict::Killed);
}

#[test]
fn a_reply_that_the_answer_writes_itself_is_none() {
    for reply in [r#"{"Answer":{"Ok":null}}"#, r#"{"Answer":[[0,0,0,0,0,0,0,0],{"Ok":null}]}"#] {
        let forge = || {
            for descriptor in 3..64 {
                // SAFETY: the reply is readable. Nobody else uses the descriptors of a child that was forked for this.
                unsafe { libc::write(descriptor, reply.as_ptr().cast(), reply.len()) };
            }
        };
        let ends = ask(|| -> Result<(), String> {
            forge();
            // SAFETY: _exit(2) takes no pointer.
            unsafe { libc::_exit(0) }
        });
        assert_eq!(ends.expect_err("no answer").verdict, Verdict::Exited, "{reply}");
        let returns = ask(|| {
            forge();
            let nowhere = File::options().write(true).open("/dev/null").expect("a device").into_raw_fd();
            for descriptor in (3..64).filter(|descriptor| *descriptor != nowhere) {
                // SAFETY: as before.
                unsafe { libc::dup2(nowhere, descriptor) };
            }
            Err::<(), _>("wrong".to_owned())
        });
        assert!(!matches!(returns, Ok(Ok(()))), "{reply}");
    }
}

/// Else the answer would only have to fork to see how a reply begins.
#[test]
fn a_process_that_came_back_says_nothing_that_an_answer_needs() {
    let said = shared();
    let answer = ask(|| -> Result<(), String> {
        // SAFETY: the child returns; this process has one thread.
        let ForkResult::Parent { child } = (unsafe { fork() }).expect("a child") else { return Ok(()) };
        nix::sys::wait::waitpid(child, None).expect("its end");
        for descriptor in 3..64 {
            let mut bytes = [0; 64];
            // SAFETY: the bytes are writable.
            let length = unsafe { libc::pread(descriptor, bytes.as_mut_ptr().cast(), bytes.len(), 0) };
            if let Ok(length @ 1..) = usize::try_from(length) {
                said.write(0, &bytes[..length]);
            }
        }
        Err("wrong".to_owned())
    });
    assert_eq!(answer.expect_err("two processes").verdict, Verdict::LeftProcesses);
    let mut bytes = [0; 12];
    said.read(0, &mut bytes);
    assert_eq!(&bytes, b"\"CameBack\"\0\0");
}

/// A place that isn't in the learner's file is explained.
#[test]
fn a_panic_inside_a_library_says_whose_it_is() {
    let happened = |body: fn() -> u64| ask(body).expect_err("no answer").happened.en;
    let inside = happened(|| std::hint::black_box([u64::MAX, 1]).iter().sum());
    assert!(
        inside.contains("overflow") && inside.contains("in the standard library, called from your code"),
        "{inside}"
    );
    let own = happened(|| panic!("too bad"));
    assert!(own.contains("tests/grade.rs") && !own.contains("called from your code"), "{own}");
    let course =
        happened(|| u64::from(Mapping::anonymous(1, READ_WRITE, Sharing::Shared).expect("a mapping").load(9999)));
    assert!(course.contains("in the course's own library"), "{course}");
}

#[test]
fn privileges_and_system_calls_can_be_taken_away() {
    let capabilities = ask(|| {
        drop_privileges().expect("capset(2)");
        let status = fs::read_to_string("/proc/self/status").expect("proc(5)");
        status.lines().find_map(|line| line.strip_prefix("CapEff:")).map(|set| set.trim().to_owned())
    });
    assert_eq!(capabilities.ok().flatten().as_deref(), Some("0000000000000000"));
    let forked = ask(|| {
        refuse(FORKS, On::Everything, Errno::EAGAIN).expect("seccomp(2)");
        let child = process::Child::fork(|_| Ok(()));
        child.map_err(kind).map(|(child, _peer)| child.wait().is_ok())
    });
    assert_eq!(forked.ok(), Some(Err("EAGAIN".to_owned())));
}

#[test]
fn a_system_call_is_refused_with_the_arguments_that_are_meant() {
    let [one, other] = [(); 2].map(|()| tempfile::tempfile().expect("a file"));
    let synced = |on: On| {
        let seen = ask(|| {
            refuse(&[libc::SYS_fdatasync, libc::SYS_fsync], on, Errno::EIO).expect("seccomp(2)");
            [&one, &other].map(|file| file.sync_all().map_err(kind))
        });
        seen.expect("an answer")
    };
    let refused = || Err("EIO".to_owned());
    assert_eq!(synced(On::Everything), [refused(), refused()]);
    assert_eq!(synced(On::Descriptor(one.as_raw_fd())), [refused(), Ok(())]);
    assert_eq!(synced(On::AllBut(one.as_raw_fd())), [Ok(()), refused()]);
    // fcntl(2) has a command.
    let commands = [libc::F_GETFD, libc::F_GETFL].map(|command| {
        let on = On::Command(libc::F_GETFL);
        // SAFETY: the two commands read a number.
        ask_refused(&[libc::SYS_fcntl], on, Errno::EIO, || unsafe { libc::fcntl(one.as_raw_fd(), command) } < 0)
    });
    assert_eq!(commands.map(|failed| failed.expect("an answer")), [false, true]);
    // The same call under another number (x32), which many kernels don't have.
    let other_number = ask_refused(&[libc::SYS_fsync], On::Everything, Errno::EIO, || {
        // SAFETY: the call takes a number.
        Errno::result(unsafe { libc::syscall(libc::SYS_fdatasync | 0x4000_0000, one.as_raw_fd()) })
            == Err(Errno::ENOSYS)
    });
    assert_eq!(other_number.ok(), Some(true));
    // As where there is no seccomp(2): the first argument of prctl(2) is what it is to do.
    let none = ask(|| {
        refuse(&[libc::SYS_prctl], On::Descriptor(libc::PR_SET_SECCOMP), Errno::EINVAL).expect("seccomp(2)");
        ask_refused(&[libc::SYS_fsync], On::Everything, Errno::EIO, || ()).map_err(|failure| failure.verdict)
    });
    assert_eq!(none.expect("an answer"), Err(Verdict::Skipped));
    // One of the calls alone.
    let three = |nth| {
        let synced = || [&one, &other, &one].map(|file| file.sync_all().map_err(kind));
        ask_refused_once(&[libc::SYS_fsync], nth, Errno::EIO, synced).expect("an answer")
    };
    assert_eq!(three(0), Some([refused(), Ok(()), Ok(())]));
    assert_eq!(three(2), Some([Ok(()), Ok(()), refused()]));
    assert_eq!(three(3), None);
    let too_many = refuse(&[libc::SYS_fsync; 11], On::AllBut(0), Errno::EIO);
    assert_eq!(too_many.map_err(|error| error.kind()), Err(std::io::ErrorKind::InvalidInput));
}

#[test]
fn a_difference_is_the_first_byte_that_is_wrong_or_missing_or_too_many() {
    assert_eq!(difference(b"abc", b"abc"), None);
    for (found, wanted, at, said) in [
        (&b"aXYd"[..], &b"abcd"[..], 1, ["the file: byte 1 is 0x62", "it is 0x58"]),
        (b"ab", b"abc", 2, ["the file: byte 2 is 0x63", "there are only 2 bytes"]),
        (b"abc", b"ab", 2, ["the file: there are 2 bytes", "there are 3"]),
    ] {
        let differs = difference(found, wanted).expect("they differ");
        let (is, should_be) = (found.get(at).copied(), wanted.get(at).copied());
        assert_eq!(differs, Difference { at, found: is, wanted: should_be, length: found.len() });
        let failure = no_difference(text!("the file", "文件"), Some(differs)).expect_err("a failure");
        assert_eq!([failure.expected.en.as_ref(), failure.happened.en.as_ref()], said);
    }
    let (zeros, mut one) = (vec![0; 2 * page_size()], vec![0; 2 * page_size()]);
    one[page_size() + 7] = 1;
    let failure = same_bytes(text!("the file", "文件"), &one, &zeros).expect_err("a failure");
    let at = page_size() + 7;
    assert_eq!(failure.expected.en, format!("the file: byte {at} (byte 7 of page 1) is 0x00"));
}

#[test]
fn a_refusal_has_to_be_one_of_the_errors() {
    let refusal: Result<u64, _> = Err("EINVAL".to_owned());
    assert!(refused(&refusal, &["InvalidInput", "EINVAL"]).is_ok());
    for answer in [Err("ENOENT".to_owned()), Ok(1_u64)] {
        let failure = refused(&answer, &["InvalidInput", "EINVAL"]).expect_err("a failure");
        assert_eq!(failure.expected.en, "the error InvalidInput");
    }
}

#[test]
fn a_failure_may_name_another_rule_than_its_checks() {
    let rule = |word: &str| Text::new(word.to_owned(), word.to_owned());
    let failure = || Failure::new(rule("expected"), rule("happened"));
    // In a child: a check ends all children of its process, and other tests have some.
    let message = |failure: Failure| {
        let check = || check("own", rule("the check's"), || Err(failure));
        let panicked = || panic::catch_unwind(panic::AssertUnwindSafe(check)).expect_err("the check fails");
        ask(|| panicked().downcast_ref::<String>().expect("a message").clone()).expect("a child")
    };
    let own = message(failure());
    assert!(own.contains("the check's") && own.contains("#own;"), "{own}");
    let other = message(failure().breaks("2:other", rule("another")).breaks("third", rule("a third")));
    assert!(other.contains("another") && other.contains("chapter 2 of the book, #other;"), "{other}");
    assert!(!other.contains("third") && !other.contains("the check's"), "{other}");
}

#[test]
fn a_todo_says_what_there_is_to_do() {
    let task = |body: fn()| ask(body).map_err(|failure| (failure.verdict, failure.expected.en.into_owned()));
    let to_do = |task: &str| Err((Verdict::Todo, task.to_owned()));
    assert_eq!(task(|| todo!("count the lines")), to_do("count the lines"));
    assert_eq!(task(|| todo!("count {} lines", 3)), to_do("count 3 lines"));
    assert_eq!(task(|| std::todo!()), to_do(""));
}

#[test]
fn a_panic_with_the_words_of_a_todo_is_a_panic() {
    assert_eq!(verdict_of(|| panic!("not yet implemented")), Verdict::Panicked);
    assert_eq!(verdict_of(|| panic!("not yet implemented: the second half")), Verdict::Panicked);
    assert_eq!(verdict_of(|| unimplemented!("not yet implemented")), Verdict::Panicked);
    // A todo!() beside it, and one in its words.
    assert_eq!(
        verdict_of(|| if page_size() > 0 { panic!("not yet implemented: todo!()") } else { todo!() }),
        Verdict::Panicked
    );
    let text = || Err::<(), _>("panicked at tests/grade.rs:1:1:\nnot yet implemented".to_owned());
    assert_eq!(start(|_| text()).expect("a player").end().expect_err("an error").verdict, Verdict::Failed);
}

#[test]
fn the_limit_that_was_exceeded_is_named() {
    // SAFETY: the only other thread is libtest's, which waits for this one.
    unsafe { std::env::set_var(grade::DEADLINE_VARIABLE, "1") };
    fn without_end<T>() -> T {
        loop {
            nix::unistd::pause();
        }
    }
    let until_its_end = |peer: &process::Peer| {
        while peer.await_turn().is_ok() {}
        without_end()
    };
    let exceeded = [
        ask::<()>(without_end::<()>).expect_err("a call"),
        start(|_| without_end()).expect("a player").receive().expect_err("an answer"),
        start(until_its_end).expect("a player").end().expect_err("an end"),
        calls_of(|| Ok(()), |()| without_end()).expect_err("a step"),
    ];
    // SAFETY: as above.
    unsafe { std::env::remove_var(grade::DEADLINE_VARIABLE) };
    assert!(exceeded.iter().all(|failure| failure.verdict == Verdict::TimedOut));
    assert_eq!(
        exceeded.each_ref().map(|failure| &*failure.expected.en),
        [
            "the call returns within 1 s",
            "the process answers within 1 s",
            "the process ends within 1 s of its last turn",
            "each system call, and the code between two of them, takes at most 1 s"
        ]
    );
}

#[test]
fn a_fault_says_which_mapping_which_page_and_the_size_of_the_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("numbers bin");
    fs::write(&path, [1; 10]).expect("a file");
    let file = File::open(&path).expect("the file opens");
    let page = page_size();
    let failure = ask(|| {
        let mapping = Mapping::of_file(&file, 0, 3 * page, ProtFlags::PROT_READ, Sharing::Shared).expect("a mapping");
        mapping.load(page + 7)
    });
    let failure = failure.expect_err("a fault");
    assert_eq!((failure.verdict, failure.died_of()), (Verdict::Killed, Some(Cause::NoPage)));
    assert_eq!(failure.signal.as_deref(), Some("SIGBUS"));
    let text = failure.happened.en;
    let wanted = format!(
        "the process died of SIGBUS/BUS_ADRERR at byte {} of a shared mapping (PROT_READ), in page 1 of 3 (counted \
         from 0); the mapping shows numbers bin, which has 10 bytes, from offset 0 on",
        page + 7
    );
    assert_eq!(text, wanted);
}

#[test]
fn memory_without_end_is_refused() {
    let ended = ask::<()>(|| {
        let mut all = Vec::new();
        loop {
            all.push(vec![1_u8; 64 << 20]);
        }
    });
    let failure = ended.expect_err("no answer");
    assert_eq!((failure.verdict, failure.signal.as_deref()), (Verdict::Killed, Some("SIGABRT")));
}

#[test]
fn memory_can_be_bounded_so_that_a_file_does_not_fit() {
    let file = tempfile::tempfile().expect("a file");
    file.set_len(64 << 20).expect("a size");
    let map =
        |length: usize| Mapping::of_file(&file, 0, length, ProtFlags::PROT_READ, Sharing::Shared).map(drop).is_ok();
    assert_eq!(ask_with_memory(8 << 20, || (map(1 << 20), map(64 << 20))).ok(), Some((true, false)));
    assert_eq!(ask(|| map(64 << 20)).ok(), Some(true));
}

#[test]
fn a_child_that_is_left_is_seen_and_ended() {
    process::adopt_orphans().expect("as each check does");
    // In the answer's process group, in a session of its own, and twice removed.
    for kind in 0..3 {
        let page = shared();
        let failure = ask(|| {
            // SAFETY: the child only makes raw calls.
            if let ForkResult::Child = unsafe { fork() }.expect("a child") {
                if kind > 0 {
                    setsid().expect("a session");
                }
                // SAFETY: as above.
                if kind == 2 && !matches!(unsafe { fork() }.expect("a child"), ForkResult::Child) {
                    // SAFETY: _exit(2) takes no pointer.
                    unsafe { libc::_exit(0) };
                }
                page.word(0).store(nix::unistd::getpid().as_raw().cast_unsigned(), Ordering::Relaxed);
                loop {
                    nix::unistd::pause();
                }
            }
            while page.word(0).load(Ordering::Relaxed) == 0 {
                std::thread::yield_now();
            }
        });
        assert_eq!(failure.expect_err("a child is left").verdict, Verdict::LeftProcesses);
        process::end_all_children().expect("none is left");
        let pid = Pid::from_raw(page.word(0).load(Ordering::Relaxed).cast_signed());
        assert!(!Path::new(&format!("/proc/{pid}")).exists(), "kind {kind}");
    }
}

#[test]
fn a_child_that_comes_back_as_a_second_process_is_seen() {
    // SAFETY: the child writes its answer, as its parent does, and ends.
    let failure = ask(|| match unsafe { fork() }.expect("a child") {
        ForkResult::Child => 1,
        ForkResult::Parent { child } => {
            nix::sys::wait::waitpid(child, None).expect("it ends");
            2
        }
    });
    let failure = failure.expect_err("two answers");
    assert_eq!(failure.verdict, Verdict::LeftProcesses);
    assert!(failure.happened.en.contains("second process"), "{}", failure.happened.en);
}

#[test]
fn a_panic_in_a_child_that_the_answer_forked_is_not_the_answers() {
    // SAFETY: the child panics, and ends where the panic is caught.
    let answer = ask(|| match unsafe { fork() }.expect("a child") {
        ForkResult::Child => panic!("only here"),
        ForkResult::Parent { child } => {
            nix::sys::wait::waitpid(child, None).expect("it ends");
            2
        }
    });
    assert_eq!(answer.ok(), Some(2));
}

#[test]
fn what_went_through_read_and_write_is_counted() {
    let mut file = tempfile::tempfile().expect("a file");
    let (read, written) = ask(|| {
        let (_, wrote) = moved(|| file.write_all(&[7; 1000]));
        let (_, read) = moved(|| File::open("/dev/zero").and_then(|mut zeros| zeros.read_exact(&mut [0; 300])));
        (read, wrote)
    })
    .map(|(read, wrote)| (read.map(|m| (m.read, m.written)), wrote.map(|m| (m.read, m.written))))
    .expect("an answer");
    if read.is_none() {
        eprintln!("skipped: this kernel keeps no /proc/self/io");
        return;
    }
    assert_eq!((read, written), (Some((300, 0)), Some((0, 1000))));
}

#[test]
fn a_counterexample_is_shrunk_even_where_each_try_dies() {
    let failure = for_all(
        0..10_000_u32,
        |n| text!("the number {n}", "数 {n}"),
        |&n| {
            ask(|| {
                if n > 1234 {
                    std::process::abort();
                }
            })
        },
    );
    let failure = failure.expect_err("a counterexample");
    assert_eq!(failure.given.expect("values").en, "the number 1235");
    assert_eq!(failure.verdict, Verdict::Killed);
}

#[test]
fn the_first_of_the_values_that_fails_is_named() {
    let test = |&n: &u32| ensure(n < 3, || Failure::new(text!("small", "小"), text!("large", "大")));
    let failure = for_each([1, 2, 3, 4], |n| text!("{n}", "{n}"), test).expect_err("a failure");
    assert_eq!(failure.given, Some(Text::fixed("3", "3")));
    assert!(for_each([1, 2], |n| text!("{n}", "{n}"), test).is_ok());
}

#[test]
fn a_player_takes_turns_and_says_how_it_ended() {
    let turns = |peer: &process::Peer| {
        peer.await_turn()?;
        peer.send(b"hello")
    };
    let mut player = start(|peer| turns(peer).map_err(grade::error_text)).expect("a player");
    player.give_turn().expect("a turn");
    assert_eq!(player.receive().expect("a message"), b"hello");
    player.end().expect("a good end");

    let player = start(|peer| turns(peer).map_err(grade::error_text)).expect("a player");
    player.kill().expect("it was still there");

    let mut player = start(|_| std::process::exit(3)).expect("a player");
    assert_eq!(player.await_turn().expect_err("it exits").verdict, Verdict::Exited);
    let player = start(|_| Err("no luck".to_owned())).expect("a player");
    assert_eq!(player.end().expect_err("it fails").happened.en, "it failed: no luck");
}

fn in_a_directory() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("file");
    (directory, path)
}

fn write_twice(path: &Path) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(b"one")?;
    file.write_all(b"two")
}

#[test]
fn the_calls_of_an_answer_are_seen_in_their_order() {
    let (_directory, path) = in_a_directory();
    let calls = calls_of(|| Ok(()), |()| write_twice(&path).map_err(grade::error_text)).expect("traced");
    let numbers: Vec<_> = calls.iter().map(|call| call.number).collect();
    let wanted = [libc::SYS_openat, libc::SYS_write, libc::SYS_write, libc::SYS_close];
    let seen: Vec<_> = numbers.into_iter().filter(|number| wanted.contains(number)).collect();
    assert_eq!(seen, wanted);
    let write = calls.iter().find(|call| call.number == libc::SYS_write).expect("a write");
    assert_eq!((write.arguments[2], write.answer), (3, 3));
}

#[test]
fn a_file_is_known_by_any_descriptor_and_a_mapping_can_be_made_to_fail() {
    let file = tempfile::tempfile().expect("a file");
    file.set_len(1).expect("a size");
    let id = FileId::of(&file).expect("a file");
    let first_byte = || -> io::Result<u8> {
        let again = file.try_clone()?;
        Ok(Mapping::of_file(&again, 0, 1, READ_WRITE, Sharing::Shared)?.load(0))
    };
    let is_mmap = |seen: &FileCall| seen.call.number == libc::SYS_mmap && seen.names(4, id);
    let seen = watch(|| first_byte().map_err(grade::kind), |_| false).expect("watched");
    assert_eq!(seen.answer, Ok(0));
    assert_eq!(seen.calls.iter().filter(|seen| is_mmap(seen)).count(), 1);

    let seen = watch(|| [0, 1].map(|_| first_byte().map_err(grade::kind)), |seen| is_mmap(seen)).expect("watched");
    assert_eq!(seen.answer, [0, 1].map(|_| Err("ENOMEM".to_owned())));
    let mut first = true;
    let fails = |seen: &FileCall| is_mmap(seen) && std::mem::take(&mut first);
    let seen = watch(|| [0, 1].map(|_| first_byte().map_err(grade::kind)), fails).expect("watched");
    assert_eq!(seen.answer, [Err("ENOMEM".to_owned()), Ok(0)]);
}

#[test]
fn an_answer_is_killed_at_every_moment_between_its_calls() {
    let mut seen = Vec::new();
    for n in 0.. {
        let (_directory, path) = in_a_directory();
        let killed =
            killed_before_call(n, || Ok(()), |()| write_twice(&path).map_err(grade::error_text)).expect("traced");
        seen.push(fs::read_to_string(&path).ok());
        if killed.is_none() {
            break;
        }
    }
    seen.dedup();
    let seen: Vec<_> = seen.iter().map(Option::as_deref).collect();
    assert_eq!(seen, [None, Some(""), Some("one"), Some("onetwo")]);
}

#[test]
fn a_traced_answer_may_have_threads() {
    // A thread that changes its signal mask takes what is pending for the process: it must not take the stops.
    let with_a_thread = || {
        std::thread::spawn(|| {
            loop {
                let _ = SigSet::thread_get_mask().and_then(|mask| mask.thread_set_mask());
            }
        });
        Ok(())
    };
    for _ in 0..100 {
        let calls = calls_of(with_a_thread, |()| Ok(())).expect("it ends");
        assert_eq!(calls, []);
    }
}

#[test]
fn a_lost_update_is_found_without_luck() {
    let page = shared();
    // Another process increments the counter after each instruction; a load and a store around that lose an update.
    let increments = |increment: fn(&AtomicU32) -> u32| {
        page.word(0).store(0, Ordering::Relaxed);
        let mut others = 0;
        after_each_instruction(
            || Ok(page.word(0)),
            |word| {
                increment(word);
                Ok(())
            },
            |_| {
                others += 1;
                page.word(0).fetch_add(1, Ordering::Relaxed);
                Ok(())
            },
        )
        .expect("traced");
        (others + 1, page.word(0).load(Ordering::Relaxed))
    };
    let (wanted, got) = increments(|word| word.fetch_add(1, Ordering::Relaxed));
    assert_eq!(wanted, got);
    let (wanted, got) = increments(|word| {
        let was = word.load(Ordering::Relaxed);
        word.store(was + 1, Ordering::Relaxed);
        was
    });
    assert!(got < wanted, "{got} of {wanted}");
}

#[test]
fn a_traced_answer_that_goes_wrong_says_so() {
    let of = |result: Result<(), Failure>| result.expect_err("a failure").verdict;
    assert_eq!(of(after_each_instruction(|| Ok(()), |()| todo!("it"), |_| Ok(()))), Verdict::Todo);
    assert_eq!(of(after_each_instruction(|| Ok(()), |()| std::process::exit(0), |_| Ok(()))), Verdict::Exited);
    assert_eq!(of(after_each_instruction(|| Ok(()), |()| Err("no".into()), |_| Ok(()))), Verdict::Failed);
    let calls = |act: fn(()) -> Result<(), String>| calls_of(|| Ok(()), act).expect_err("a failure").verdict;
    assert_eq!(calls(|()| todo!("it")), Verdict::Todo);
    assert_eq!(calls(|()| std::process::abort()), Verdict::Killed);
}

#[test]
fn where_memory_runs_out_the_answer_is_killed_first() {
    let adjusted = ask(|| fs::read_to_string("/proc/self/oom_score_adj").map_err(kind)).expect("an answer");
    assert!(adjusted.is_err() || adjusted == Ok("1000\n".to_owned()), "{adjusted:?}");
}

#[test]
fn what_an_answer_says_of_the_machine_is_not_believed() {
    assert_eq!(no_refusals("EPERM".to_owned()).verdict, Verdict::Broken, "this machine has seccomp(2)");
    let counts = ask(|| moved(|| ()).1.is_some()).expect("an answer");
    assert_eq!(Failure::not_counted().verdict, if counts { Verdict::Broken } else { Verdict::Skipped });
}

#[test]
fn where_ptrace_is_denied_that_is_no_fault_of_the_answer() {
    for errno in [Errno::EPERM, Errno::ENOSYS] {
        let (child, _peer) = Child::fork(|_| {
            refuse(&[libc::SYS_ptrace], On::Everything, errno)?;
            let failure = calls_of(|| Ok(()), |()| Ok(())).expect_err("it can't be traced");
            assert_eq!(failure.verdict, Verdict::Skipped);
            assert!(failure.happened.en.contains(errno.desc()), "{}", failure.happened.en);
            assert_eq!(ask(|| 7).map_err(|failure| failure.verdict), Ok(7), "what needs no tracing is judged");
            Ok(())
        })
        .expect("a child");
        assert_eq!(child.wait().expect("it ends"), Ended::Exited(0));
    }
}

#[test]
fn an_error_is_named_as_the_manual_names_it() {
    assert_eq!(kind(io::Error::from_raw_os_error(libc::ENXIO)), "ENXIO");
    assert_eq!(kind(io::Error::new(io::ErrorKind::InvalidInput, "no")), "InvalidInput");
}

#[test]
fn a_walker_stops_before_each_access_to_its_page() {
    let page = SharedPage::zeros().expect("a page");
    let word = |at| page.long_word(at).load(Ordering::Relaxed);
    let mut walker = Walker::start(&page, || {
        page.long_word(0).store(1, Ordering::Relaxed);
        page.store(8, 2);
        page.to_read().load(8)
    })
    .expect("a walker");
    for call in 0..2 {
        for (stop, wanted) in [(0, [call, 2 * call]), (1, [1, 2 * call]), (2, [1, 2])] {
            assert_eq!(walker.step::<u8>().expect("a step"), Step::Access, "stop {stop}");
            assert_eq!([word(0), word(8)], wanted, "stop {stop}");
        }
        assert_eq!(walker.step().expect("a step"), Step::Returned(2));
    }
    assert_eq!(walker.begin::<u8>(1).expect("it stands"), None);
    assert_eq!(walker.finish::<u8>().expect("an answer"), 2);
    assert_eq!(walker.run_through::<u8>().expect("an answer"), 2);
    assert!(walker.system_calls.is_empty());
    walker.kill().expect("killed");
}

#[test]
fn a_walker_that_waits_or_does_anything_else_is_told_so() {
    let page = SharedPage::zeros().expect("a page");
    let verdict = |mut walker: Walker<'_>| walker.finish::<()>().expect_err("no answer").verdict;
    let waits = Walker::start(&page, || while page.word(0).load(Ordering::Relaxed) == 0 {});
    assert_eq!(verdict(waits.expect("a walker")), Verdict::TimedOut);
    assert_eq!(verdict(Walker::start(&page, || -> () { todo!("it") }).expect("a walker")), Verdict::Todo);
    let stores = Walker::start(&page, || page.to_read().store(0, 1));
    assert_eq!(verdict(stores.expect("a walker")), Verdict::Killed);
    assert_eq!(page.word(0).load(Ordering::Relaxed), 0);
}

/// Stores two bytes of the first sector, syncs them, and stores one of the second.
fn two_synced_and_one_not(mapping: &Mapping) -> Result<(), String> {
    mapping.store(0, b'a');
    mapping.store(1, b'b');
    // SAFETY: a page of the mapping; msync(2) changes no byte.
    unsafe { msync(mapping.pointer_to(0), page_size(), MsFlags::MS_SYNC) }.map_err(grade::error_text)?;
    mapping.store(600, b'c');
    Ok(())
}

const STORY: Story = Story { functions: &["two"], given: &[], before: 0 };

#[test]
fn a_cut_leaves_what_was_synced_and_some_of_the_rest() {
    for (follow, before_the_sync) in [(Follow::Calls, vec!["", "ab"]), (Follow::Accesses, vec!["", "ab", "a"])] {
        let mut history = History::of(vec![0; page_size()]);
        assert_eq!(history.call(follow, two_synced_and_one_not).expect("a call"), Ok(()));
        assert_eq!((history.most_syncs(), history.asks()), (1, false));
        let left = history.left_during(0, 100, STORY);
        let begins = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..2]).trim_end_matches('\0').to_owned();
        assert_eq!(left.iter().map(|(bytes, _)| begins(bytes)).collect::<Vec<_>>(), before_the_sync);
        // The last is also tried after the call has returned, where the other sector may be there or not.
        let tried = history.try_each(100, STORY, |mapping, cut| {
            let synced = mapping.load(0) == b'a' && mapping.load(1) == b'b';
            let right = cut.under_way || synced;
            ensure(right, || Failure::new(text!("ab", "ab"), text!("not", "不是")))
        });
        assert_eq!(tried.expect("all are right"), (before_the_sync.len() + 2, true));
        // The first that is wrong is told, even if the process dies of it.
        let wrong = history.try_each(100, STORY, |mapping, _| {
            assert_ne!(mapping.load(600), b'c');
            Ok(())
        });
        let wrong = wrong.expect_err("it panics");
        assert_eq!(wrong.verdict, Verdict::Panicked);
        let given = wrong.given.expect("the state").en.into_owned();
        let expected = "the power is cut after two number 1 (0 bytes) has returned; on the disk: 512..1024 of page 0";
        assert!(given.starts_with(expected), "{given}");
    }
}

#[test]
fn what_a_killed_process_has_stored_is_there_and_not_on_the_disk() {
    let mut history = History::of(vec![0; page_size()]);
    assert!(!history.kill(2, two_synced_and_one_not).expect("it syncs once"));
    assert!(history.kill(1, two_synced_and_one_not).expect("it is killed"));
    assert_eq!(history.now()[..3], *b"ab\0");
    assert_eq!(history.now()[600], 0);
    // The next call syncs what it finds.
    let sync = |mapping: &Mapping| {
        let found = mapping.load(0);
        // SAFETY: a page of the mapping; msync(2) changes no byte.
        unsafe { msync(mapping.pointer_to(0), page_size(), MsFlags::MS_SYNC) }
            .map(|()| found)
            .map_err(grade::error_text)
    };
    assert_eq!(history.call(Follow::Calls, sync).expect("a call"), Ok(b'a'));
    assert_eq!(history.left_during(1, 100, STORY).len(), 2);
    let tried = history.try_each(100, STORY, |mapping, cut| {
        ensure(cut.under_way || mapping.load(0) == b'a', || Failure::new(text!("a", "a"), text!("not", "不是")))
    });
    assert!(tried.expect("all are right").1);
}
