//! The program `workbook`, run as a learner runs it.

mod common;

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};

use mmap_workbook::course::{LESSONS, listed};
use mmap_workbook::lesson_7::figures::{Figures, Subject};
use mmap_workbook::process::{Child, Ended, OnSmallDisk, Peer, on_a_small_disk};
use mmap_workbook::text::Language;
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::signal::{SigHandler, Signal};
use nix::sys::stat::Mode;
use nix::unistd::{Uid, mkfifo};
use tempfile::tempdir;

/// The program with these arguments, and nothing in its environment that changes what it prints.
fn workbook(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_workbook"));
    command.args(arguments).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").env("WORKBOOK_LANG", "en");
    command
}

/// A run of the program that has ended.
struct Run {
    ended: Ended,
    out: String,
    err: String,
}

/// Runs it to its end. Its output goes to files: a pipe that is not read would block it.
fn run(command: &mut Command) -> Run {
    let out = tempfile::tempfile().expect("a file");
    command.stdout(out.try_clone().expect("a descriptor"));
    let run = run_as_it_is(command);
    Run { out: text(out), ..run }
}

/// The same with the standard output that the command already has.
fn run_as_it_is(command: &mut Command) -> Run {
    let err = tempfile::tempfile().expect("a file");
    let (child, _) = Child::spawn(command.stderr(err.try_clone().expect("a descriptor"))).expect("the program starts");
    Run { ended: child.wait().expect("it ends"), out: String::new(), err: text(err) }
}

fn text(mut file: File) -> String {
    use std::io::{Seek, SeekFrom};
    let mut text = String::new();
    file.seek(SeekFrom::Start(0)).expect("a file");
    file.read_to_string(&mut text).expect("text");
    text
}

/// The run failed with one line that names `name` and the `cause`.
fn assert_refused(run: &Run, name: &str, cause: &str) {
    assert_eq!(run.ended, Ended::Exited(1), "{}", run.err);
    assert_eq!(run.err.lines().count(), 1, "one line: {}", run.err);
    assert!(run.err.starts_with("workbook: "), "{}", run.err);
    assert!(run.err.contains(name), "{name} is named: {}", run.err);
    assert!(run.err.contains(cause), "the cause is said, {cause}: {}", run.err);
}

fn str(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn with_no_argument_it_lists_the_lessons_and_what_to_do_next() {
    let run = run(&mut workbook(&[]));
    assert_eq!(run.ended, Ended::Exited(0), "{}", run.err);
    for lesson in listed() {
        let title = lesson.title.in_language(Language::English);
        assert!(run.out.contains(&format!(" {}  {title}", lesson.number)), "{}", run.out);
    }
    assert!(run.out.contains("cargo run -- run 1"), "{}", run.out);
    assert_eq!(run.err, "");
}

#[test]
fn each_demonstration_runs_plain_when_it_is_not_a_terminal() {
    for lesson in LESSONS {
        let run = run(&mut workbook(&["run", &lesson.number.to_string()]));
        assert_eq!(run.ended, Ended::Exited(0), "lesson {}: {}", lesson.number, run.err);
        let title = lesson.title.in_language(Language::English);
        assert!(run.out.starts_with(&format!("Lesson {}: {title}", lesson.number)), "{}", run.out);
        assert!(!run.out.contains('\x1b'), "lesson {}: no escape sequence", lesson.number);
        assert_eq!(run.err, "", "lesson {}", lesson.number);
    }
}

#[test]
fn a_terminal_gets_colours_unless_no_color_is_set() {
    for (no_color, coloured) in [(None, true), (Some("1"), false)] {
        let terminal = nix::pty::openpty(None, None).expect("a terminal");
        let mut command = workbook(&[]);
        command.env("TERM", "xterm").stdin(Stdio::null()).stdout(terminal.slave).stderr(Stdio::null());
        command.envs(no_color.map(|value| ("NO_COLOR", value)));
        let (child, _) = Child::spawn(&mut command).expect("the program starts");
        drop(command); // with our copy of the terminal's other side
        assert_eq!(child.wait().expect("it ends"), Ended::Exited(0));
        let mut shown = Vec::new();
        // A terminal whose other side is closed ends with EIO.
        let _ = File::from(terminal.master).read_to_end(&mut shown);
        let shown = String::from_utf8(shown).expect("text");
        assert!(shown.contains("The mmap workbook"), "{shown}");
        assert_eq!(shown.contains('\x1b'), coloured, "NO_COLOR={no_color:?}: {shown}");
    }
}

#[test]
fn each_demonstration_runs_on_a_copy_of_any_file_and_leaves_nothing_behind() {
    let (directory, temporary) = (tempdir().expect("a directory"), tempdir().expect("a directory"));
    let contents: [&[u8]; 4] = [b"x", b"1234", "\u{6620}\u{5c04}\n".as_bytes(), &[0xff; 20_000]];
    for lesson in LESSONS {
        for content in contents {
            let path = directory.path().join("mine");
            std::fs::write(&path, content).expect("a file");
            let mut command = workbook(&["run", &lesson.number.to_string(), "--file", str(&path)]);
            let run = run(command.env("TMPDIR", temporary.path()));
            let length = content.len();
            if lesson.number == 2 && length < 4 {
                assert_refused(&run, "mine", "has 1 bytes");
            } else {
                assert_eq!(run.ended, Ended::Exited(0), "lesson {}, {length} bytes: {}", lesson.number, run.err);
            }
            assert_eq!(std::fs::read(&path).expect("the file"), content, "lesson {}", lesson.number);
            assert_eq!(std::fs::read_dir(&temporary).expect("the directory").count(), 0, "lesson {}", lesson.number);
        }
    }
}

#[test]
fn a_sparse_file_is_copied_with_its_holes() {
    let body = |disk: &Path, _: &Peer| {
        let path = disk.join("mine");
        let file = File::create(&path)?;
        file.set_len((1 << 30) + 4)?;
        for at in [0, 3 << 28, 1 << 30] {
            file.write_all_at(b"data", at)?;
        }
        for mode in [&[][..], &["--in-place"]] {
            let run = run(workbook(&["run", "2", "--file", str(&path)]).args(mode).env("TMPDIR", disk));
            assert_eq!((run.ended, run.err.as_str()), (Ended::Exited(0), ""));
            assert!(run.out.contains("|4321........|") && run.out.contains("|data........|"), "{}", run.out);
        }
        for at in [0, 3 << 28, 1 << 30] {
            let mut data = [0; 4];
            File::open(&path)?.read_exact_at(&mut data, at)?;
            assert_eq!(&data, b"data");
        }
        Ok(())
    };
    match on_a_small_disk(4 << 20, body, |_| Ok(())).expect("a child") {
        OnSmallDisk::Skipped(reason) => eprintln!("skipped: {reason}"),
        OnSmallDisk::Ran(ended) => assert_eq!(ended, Ended::Exited(0)),
    }
}

#[test]
fn in_place_every_byte_and_the_times_are_put_back() {
    let directory = tempdir().expect("a directory");
    let path = directory.path().join("mine");
    for lesson in LESSONS {
        std::fs::write(&path, "a file of one's own").expect("a file");
        let then = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
        File::options().write(true).open(&path).expect("the file").set_modified(then).expect("a time");
        let run = run(&mut workbook(&["run", &lesson.number.to_string(), "--file", str(&path), "--in-place"]));
        match &lesson.copy_only {
            None => assert_eq!(run.ended, Ended::Exited(0), "lesson {}: {}", lesson.number, run.err),
            Some(reason) => assert_refused(&run, "mine", &reason.en),
        }
        assert_eq!(
            std::fs::read_to_string(&path).expect("the file"),
            "a file of one's own",
            "lesson {}",
            lesson.number
        );
        assert_eq!(path.metadata().expect("the file").modified().expect("a time"), then, "lesson {}", lesson.number);
        assert_eq!(std::fs::read_dir(&directory).expect("the directory").count(), 1, "lesson {}", lesson.number);
    }
    assert!(LESSONS.iter().any(|lesson| lesson.copy_only.is_none()));
}

#[test]
fn in_place_the_demonstration_works_on_the_file_itself() {
    let directory = tempdir().expect("a directory");
    let path = directory.path().join("mine");
    std::fs::write(&path, "a file of one's own").expect("a file");
    let run = run(&mut workbook(&["run", "2", "--file", str(&path), "--in-place"]));
    assert!(run.out.contains("|a file of on|"), "{}", run.out);
    assert!(run.out.contains(str(&path)), "its own line in maps: {}", run.out);
}

#[test]
fn a_file_that_will_not_do_gets_one_line_with_its_name_and_the_cause() {
    let directory = tempdir().expect("a directory");
    let at = |name: &str| directory.path().join(name);
    std::fs::write(at("empty"), "").expect("a file");
    std::fs::create_dir(at("directory")).expect("a directory");
    mkfifo(&at("fifo"), Mode::S_IRUSR | Mode::S_IWUSR).expect("a FIFO");
    std::os::unix::fs::symlink("nowhere", at("dangling")).expect("a link");
    for (name, cause) in [
        ("missing", "No such file or directory"),
        ("two\nlines", "No such file or directory"),
        ("dangling", "No such file or directory"),
        ("directory", "a directory"),
        ("empty", "empty"),
        ("fifo", "a FIFO"),
    ] {
        for mode in [&["--file"][..], &["--in-place", "--file"]] {
            let run = run(workbook(&["run", "2"]).args(mode).arg(at(name)));
            assert_refused(&run, &format!("{name:?}")[1..name.len()], cause);
        }
    }
    let device = run(&mut workbook(&["run", "2", "--file", "/dev/null"]));
    assert_refused(&device, "/dev/null", "not a regular file");
    let name = std::ffi::OsStr::from_bytes(b"not-\xff-text");
    std::fs::write(directory.path().join(name), "text").expect("a file");
    let not_text = run(workbook(&["run", "2", "--file"]).arg(directory.path().join(name)));
    assert_refused(&not_text, r"not-\xFF-text", "not UTF-8");
}

#[test]
fn a_file_that_may_not_be_read_or_written_is_refused() {
    let directory = tempdir().expect("a directory");
    std::fs::set_permissions(&directory, PermissionsExt::from_mode(0o755)).expect("a mode");
    let path = directory.path().join("mine");
    std::fs::write(&path, "text").expect("a file");
    for (mode, in_place) in [(0o000, &[][..]), (0o444, &["--in-place"])] {
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("a mode");
        let mut command = workbook(&["run", "2", "--file", str(&path)]);
        command.args(in_place);
        if Uid::effective().is_root() {
            // Root is refused nothing, so the program runs as another user.
            command.uid(65534).env("TMPDIR", "/tmp");
            if let Err(error) = Child::spawn(workbook(&["--version"]).uid(65534).stdout(Stdio::null())) {
                eprintln!("skipped: the program can't be started as an ordinary user: {error}");
                return;
            }
        }
        assert_refused(&run(&mut command), "mine", "Permission denied");
    }
}

#[test]
fn an_output_that_takes_nothing_gets_one_line() {
    let full = File::options().write(true).open("/dev/full").expect("/dev/full");
    let (reader, unread) = std::io::pipe().expect("a pipe");
    drop(reader);
    for arguments in [&[][..], &["run", "2"]] {
        let mut command = workbook(arguments);
        command.stdout(full.try_clone().expect("a descriptor"));
        assert_refused(&run_as_it_is(&mut command), "standard output", "No space left on device");
        let mut command = workbook(arguments);
        command.stdout(unread.try_clone().expect("a descriptor"));
        let run = run_as_it_is(&mut command);
        assert_eq!((run.ended, run.err.as_str()), (Ended::Exited(1), ""), "`| head` is no error to tell");
        let mut command = workbook(arguments);
        // SAFETY: close(2) of a number; in the child nothing has been printed yet, and std's streams have no state
        // there.
        unsafe { command.pre_exec(|| Ok(nix::unistd::close(1)?)) };
        assert_refused(&run_as_it_is(&mut command), "standard output", "closed");
    }
}

#[test]
fn arguments_that_make_no_sense_are_refused_with_their_name() {
    for (arguments, named) in [
        (&["run", "0"][..], "0"),
        (&["run", "99"], "99"),
        (&["run", "two"], "two"),
        (&["run", "2", "--in-place"], "--file"),
        (&["run", "4", "writer"], "<CHANNEL>"),
        (&["run", "4", "talker", "FILE"], "talker"),
        (&["run", "4", "writer", "FILE", "--period", "-1"], "-1"),
        (&["run", "4", "--count", "1"], "PROGRAM"),
        (&["walk"], "walk"),
    ] {
        let run = run(&mut workbook(arguments));
        assert_eq!(run.ended, Ended::Exited(2), "{arguments:?}: {}", run.err);
        assert!(run.err.contains(named), "{arguments:?}: {}", run.err);
        assert_eq!(run.out, "");
    }
}

#[test]
fn what_lesson_7_measures_is_one_line_of_json_and_no_other_lesson_measures() {
    let measured = run(&mut workbook(&["run", "7", "--format", "json"]));
    assert_eq!(measured.ended, Ended::Exited(0), "{}", measured.err);
    assert_eq!(measured.out.lines().count(), 1);
    let figures: Figures = serde_json::from_str(&measured.out).expect("figures");
    assert!(
        figures
            .comparisons
            .iter()
            .any(|comparison| comparison.subject == Subject::Scan { bytes: 256 << 20, cold: false })
    );
    let refused = run(&mut workbook(&["run", "6", "--format", "json"]));
    assert_eq!((refused.ended, &*refused.out), (Ended::Exited(1), ""));
    assert!(refused.err.contains("lesson 6 measures nothing; lesson 7 does"), "{}", refused.err);
}

#[test]
fn a_disk_too_full_for_the_copy_gets_one_line() {
    let directory = tempdir().expect("a directory");
    let path = directory.path().join("mine");
    std::fs::write(&path, vec![b'x'; 2 << 20]).expect("a file");
    let body = |disk: &Path, _: &Peer| {
        let run = run(workbook(&["run", "2", "--file", str(&path)]).env("TMPDIR", disk));
        assert_refused(&run, "mine", "No space left on device");
        assert_eq!(std::fs::read_dir(disk)?.count(), 0, "nothing is left behind");
        Ok(())
    };
    match on_a_small_disk(1 << 20, body, |_| Ok(())).expect("a child") {
        OnSmallDisk::Skipped(reason) => eprintln!("skipped: {reason}"),
        OnSmallDisk::Ran(ended) => assert_eq!(ended, Ended::Exited(0)),
    }
    assert_eq!(std::fs::metadata(&path).expect("the file").len(), 2 << 20);
    let nowhere = run(workbook(&["run", "2"]).env("TMPDIR", "/no/such/directory"));
    assert_refused(&nowhere, "/no/such/directory", "No such file or directory");
}

/// One of lesson 4's programs, started, with its standard output as lines.
fn start(program: &str, channel: &Path, more: &[&str]) -> (Child, std::io::Lines<BufReader<ChildStdout>>) {
    let mut command = workbook(&["run", "4", program, str(channel)]);
    command.args(more).stdout(Stdio::piped()).stderr(Stdio::null());
    let (child, pipes) = Child::spawn(&mut command).expect("the program starts");
    (child, BufReader::new(pipes.stdout.expect("a pipe")).lines())
}

/// The next line that is a message. The other lines are about the file and the mapping.
fn next_message(lines: &mut std::io::Lines<BufReader<ChildStdout>>) -> Option<String> {
    lines.map(|line| line.expect("text")).find(|line| !line.starts_with("--"))
}

#[test]
fn writer_and_reader_talk_whichever_is_started_first() {
    for reader_first in [true, false] {
        let directory = tempdir().expect("a directory");
        let channel = directory.path().join("channel");
        let reader = |more: &[&str]| start("reader", &channel, more);
        let (mut first_reader, mut lines) = (None, None);
        if reader_first {
            let (child, mut out) = reader(&["--count", "3"]);
            assert!(out.next().expect("a line").expect("text").contains("waiting"));
            (first_reader, lines) = (Some(child), Some(out));
        }
        let (writer, mut written) = start("writer", &channel, &["--period", "0.01"]);
        assert_eq!(next_message(&mut written).as_deref(), Some("hello0"));
        let (child, mut lines) = match (first_reader, lines) {
            (Some(child), Some(lines)) => (child, lines),
            _ => reader(&["--count", "3"]),
        };
        let mut last = None;
        for _ in 0..3 {
            let message = next_message(&mut lines).expect("a message");
            let number: u32 = message.strip_prefix("hello").and_then(|n| n.parse().ok()).expect("hello and a number");
            assert!(last.is_none_or(|last| last < number), "{message} after {last:?}");
            last = Some(number);
        }
        assert_eq!(child.wait().expect("it ends"), Ended::Exited(0));
        let second = run(&mut workbook(&["run", "4", "writer", str(&channel)]));
        assert_refused(&second, "channel", &format!("pid {}", writer.pid()));
        writer.signal(Signal::SIGINT).expect("sent");
        assert!(written.any(|line| line.expect("text").contains("munmap")), "its mapping is removed");
        assert_eq!(writer.wait().expect("it ends"), Ended::Exited(0));
    }
}

#[test]
fn a_signal_ends_a_reader_that_waits_and_a_reader_whose_writer_is_killed_says_so() {
    let directory = tempdir().expect("a directory");
    let channel = directory.path().join("channel");
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let (reader, mut lines) = start("reader", &channel, &[]);
        assert!(lines.next().expect("a line").expect("text").contains("waiting"));
        reader.signal(signal).expect("sent");
        assert_eq!(reader.wait().expect("it ends"), Ended::Exited(0), "{signal}");
    }
    let (writer, _written) = start("writer", &channel, &["--period", "3600"]);
    let err = tempfile::tempfile().expect("a file");
    let mut command = workbook(&["run", "4", "reader", str(&channel)]);
    command.stdout(Stdio::piped()).stderr(err.try_clone().expect("a descriptor"));
    let (reader, pipes) = Child::spawn(&mut command).expect("the program starts");
    let mut lines = BufReader::new(pipes.stdout.expect("a pipe")).lines();
    assert_eq!(next_message(&mut lines).as_deref(), Some("hello0"));
    let pid = writer.pid();
    writer.kill().expect("it ends");
    let run = Run { ended: reader.wait().expect("it ends"), out: String::new(), err: text(err) };
    assert_refused(&run, "channel", &format!("the writer (pid {pid}) died"));
}

#[test]
fn lesson_4s_programs_leave_a_file_that_is_no_channel_as_it_was() {
    let directory = tempdir().expect("a directory");
    let at = |name: &str| directory.path().join(name);
    std::fs::write(at("mine"), "a file of one's own, longer than any channel's header. ".repeat(100)).expect("a file");
    std::fs::write(at("short"), "short").expect("a file");
    std::fs::write(at("empty"), "").expect("a file");
    std::fs::create_dir(at("directory")).expect("a directory");
    mkfifo(&at("fifo"), Mode::S_IRUSR | Mode::S_IWUSR).expect("a FIFO");
    for (name, cause) in [
        ("mine", "not a channel"),
        ("short", "too short"),
        ("empty", "too short"),
        ("fifo", "not a regular file"),
        ("no/directory", "No such file or directory"),
    ] {
        for program in ["writer", "reader"] {
            let before = std::fs::read(at(if name == "fifo" { "mine" } else { name })).ok();
            assert_refused(&run(&mut workbook(&["run", "4", program, str(&at(name))])), name, cause);
            assert_eq!(std::fs::read(at(if name == "fifo" { "mine" } else { name })).ok(), before);
        }
    }
    let directory = |program| run(&mut workbook(&["run", "4", program, str(&at("directory"))]));
    assert_refused(&directory("reader"), "directory", "not a regular file");
    assert_refused(&directory("writer"), "directory", "Is a directory");
    let other_lesson = run(&mut workbook(&["run", "2", "writer", str(&at("mine"))]));
    assert_refused(&other_lesson, "lesson 2", "has no programs");
}

#[test]
fn a_demonstration_that_is_stopped_halfway_puts_the_file_back() {
    let directory = tempdir().expect("a directory");
    let path = directory.path().join("mine");
    std::fs::write(&path, "a file of one's own").expect("a file");
    // Whoever started these tests in the background had it ignored, and a program inherits that.
    // SAFETY: the default action runs no code.
    unsafe { nix::sys::signal::signal(Signal::SIGINT, SigHandler::SigDfl) }.expect("a signal that can have an action");
    for ctrl_c in [true, false] {
        // A pipe that is full holds it up: with this much room, after its store to the file and before its end.
        let (reader, mut writer) = std::io::pipe().expect("a pipe");
        let size = fcntl(&reader, FcntlArg::F_SETPIPE_SZ(1)).expect("the smallest pipe");
        writer.write_all(&vec![b'.'; size.cast_unsigned() as usize - 1300]).expect("filled");
        let err = tempfile::tempfile().expect("a file");
        let mut command = workbook(&["run", "2", "--file", str(&path), "--in-place"]);
        command.stdout(writer).stderr(err.try_clone().expect("a descriptor"));
        let (program, _) = Child::spawn(&mut command).expect("the program starts");
        drop(command);
        let deadline = std::time::Instant::now() + mmap_workbook::process::DEADLINE;
        while std::fs::read(&path).expect("the file") == b"a file of one's own" {
            assert!(std::time::Instant::now() < deadline, "the demonstration does not store to the file");
            std::thread::yield_now();
        }
        if ctrl_c {
            program.signal(Signal::SIGINT).expect("sent");
        }
        drop(reader); // Writing the next line fails.
        let run = Run { ended: program.wait().expect("it ends"), out: String::new(), err: text(err) };
        if ctrl_c {
            assert_eq!(run.ended, Ended::Killed(Signal::SIGINT));
        } else {
            assert_eq!((run.ended, run.err.as_str()), (Ended::Exited(1), ""), "nobody reads on: no error to tell");
        }
        assert_eq!(std::fs::read_to_string(&path).expect("the file"), "a file of one's own");
    }
}
