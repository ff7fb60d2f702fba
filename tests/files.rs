//! The files of an exercise: what can be wrong with them, and that a reset never loses the learner's text.

mod common;

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mmap_workbook::course::{Course, Exercise, LESSONS};
use mmap_workbook::grade::{Call, before_each_call, killed_before_call};
use mmap_workbook::process::{Child, Ended, Peer};
use mmap_workbook::text::Language;
use nix::errno::Errno;
use nix::libc;
#[cfg(target_arch = "x86_64")]
use nix::sys::ptrace;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};
use tempfile::TempDir;

const STUB: &str = "// the stub\n";
const MINE: &str = "// hours of work\n";
const LATER: &str = "// an hour more\n";

/// As much of a course as a reset looks at.
struct Bare {
    directory: TempDir,
    exercise: Exercise,
}

impl Bare {
    /// A course in which the learner has written this.
    fn with(text: impl AsRef<[u8]>) -> Bare {
        let directory = tempfile::tempdir().expect("a directory");
        let exercise = Course::at(directory.path()).exercise(&LESSONS[0]);
        let answers = directory.path().join("tests/answers/1_traditional_io");
        fs::create_dir_all(&answers).expect("a directory");
        fs::create_dir_all(exercise.directory()).expect("a directory");
        fs::write(answers.join("stub.en.rs"), STUB).expect("a file");
        fs::write(exercise.path(), text).expect("a file");
        Bare { directory, exercise }
    }

    fn reset(&self) -> Result<(), String> {
        self.exercise.reset(Language::English).map(drop).map_err(|error| error.to_string())
    }

    /// The files in the directory of exercise.rs, with what is in each.
    fn files(&self) -> Vec<(String, String)> {
        let entries = fs::read_dir(self.exercise.directory()).expect("the directory").map(|entry| {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, fs::read_to_string(path).expect("a text"))
        });
        let mut files: Vec<_> = entries.collect();
        files.sort();
        files
    }

    /// Whether somebody who looks for it finds this text: in exercise.rs or in a backup.
    fn has(&self, text: &str) -> bool {
        self.files().iter().any(|(name, found)| name.starts_with("exercise.rs") && found == text)
    }
}

#[track_caller]
fn assert_is_reset(bare: &Bare, mine: &str) {
    let wanted = [("exercise.rs", STUB), ("exercise.rs.~1~", mine)].map(|(name, text)| (name.into(), text.into()));
    assert_eq!(bare.files(), wanted);
}

#[test]
fn reset_loses_nothing_wherever_it_is_killed() {
    for n in 0.. {
        let bare = Bare::with(MINE);
        let killed =
            killed_before_call(n, || Ok(()), |()| bare.reset()).unwrap_or_else(|failure| panic!("{failure:?}"));
        assert!(bare.has(MINE), "killed before call {n}: {:?}", bare.files());
        assert!([MINE, STUB].contains(&bare.exercise.text().expect("it is always there, and whole").as_str()));
        if killed.is_none() {
            assert!(n > 10, "{n} calls");
            return assert_is_reset(&bare, MINE);
        }
    }
}

/// Without it, the names may be the old ones after a power cut.
#[test]
fn reset_syncs_the_directory_after_the_names_have_changed() {
    let bare = Bare::with(MINE);
    let calls =
        before_each_call(|| Ok(()), |()| bare.reset(), |_, _| Ok(())).unwrap_or_else(|failure| panic!("{failure:?}"));
    let last = |number| calls.iter().rposition(|call| call.number == number).expect("it is called");
    assert!(last(libc::SYS_fsync) > last(libc::SYS_renameat2), "{calls:?}");
}

#[test]
fn what_is_saved_during_a_reset_is_not_lost() {
    let in_place: fn(&Bare) -> io::Result<()> = |bare| fs::write(bare.exercise.path(), LATER);
    let by_rename: fn(&Bare) -> io::Result<()> = |bare| {
        let new = bare.directory.path().join("saved by an editor");
        fs::write(&new, LATER)?;
        fs::rename(new, bare.exercise.path())
    };
    for save in [in_place, by_rename] {
        let mut before_call = 0;
        loop {
            let bare = Bare::with(MINE);
            let save = |n, _: &_| if n == before_call { Ok(save(&bare)?) } else { Ok(()) };
            let calls = before_each_call(|| Ok(()), |()| bare.reset(), save);
            let calls = calls.unwrap_or_else(|failure| panic!("{failure:?}")).len();
            if before_call >= calls {
                assert!(calls > 10, "{calls} calls");
                break;
            }
            assert!(bare.has(LATER), "saved before call {before_call}: {:?}", bare.files());
            before_call += 1;
        }
    }
}

/// Resets while the kernel refuses the calls for which `refused` gives an error; returns the number of calls.
#[cfg(target_arch = "x86_64")]
fn reset_refusing(bare: &Bare, refused: impl Fn(usize, i64) -> Option<Errno>) -> usize {
    let pid = bare.directory.path().join("pid");
    let prepare = || fs::write(&pid, std::process::id().to_string());
    let refuse = |n, call: &Call| {
        let is_of_memory = [libc::SYS_brk, libc::SYS_mmap, libc::SYS_munmap, libc::SYS_mremap].contains(&call.number);
        let Some(errno) = refused(n, call.number).filter(|_| !is_of_memory) else { return Ok(()) };
        let text = fs::read_to_string(&pid)?;
        let pid = Pid::from_raw(text.parse().map_err(io::Error::other)?);
        let mut registers = ptrace::getregs(pid).map_err(io::Error::from)?;
        // No call has this number, so the kernel makes none and leaves the result as it is.
        registers.orig_rax = u64::MAX;
        registers.rax = i64::from(-(errno as i32)).cast_unsigned();
        Ok(ptrace::setregs(pid, registers).map_err(io::Error::from)?)
    };
    let reset = |()| {
        let _ = bare.reset();
        Ok(())
    };
    before_each_call(prepare, reset, refuse).unwrap_or_else(|failure| panic!("{failure:?}")).len()
}

/// The text is there, and a reset that fails leaves no backup that isn't one.
#[cfg(target_arch = "x86_64")]
#[test]
fn reset_loses_nothing_whichever_call_fails() {
    for errno in [Errno::EIO, Errno::ENOSYS] {
        // Where a file system can't exchange two names, there are other calls that can fail.
        for exchanges in [true, false] {
            let cannot = |number| (!exchanges && number == libc::SYS_renameat2).then_some(Errno::EINVAL);
            let mut failing = 0;
            loop {
                let (bare, last) = (Bare::with(MINE), std::cell::Cell::new(0));
                let refused = |n, number| {
                    if n == failing {
                        last.set(number)
                    }
                    cannot(number).or((n == failing).then_some(errno))
                };
                let calls = reset_refusing(&bare, refused);
                if failing >= calls {
                    assert!(calls > 10, "{calls} calls");
                    break;
                }
                let place = format!("{errno} for call {failing} ({}): {:?}", last.get(), bare.files());
                assert!(bare.has(MINE), "{place}");
                let backups = bare.files().len() - 1;
                let is_reset = bare.exercise.text().is_ok_and(|text| text == STUB);
                assert!(backups == usize::from(is_reset) || last.get() == libc::SYS_unlink, "{place}");
                failing += 1;
            }
        }
    }
}

#[test]
fn reset_loses_nothing_whenever_it_is_killed() {
    let (mut reset, mut untouched) = (0, 0);
    for n in 0..400 {
        let bare = Bare::with(MINE);
        let body = |peer: &Peer| {
            peer.give_turn()?;
            bare.reset().map_err(io::Error::other)
        };
        let (child, peer) = Child::fork(body).expect("a child");
        peer.await_turn().expect("it begins");
        let began = Instant::now();
        while began.elapsed() < Duration::from_micros(n * 4) {}
        child.kill().expect("it ends");
        assert!(bare.has(MINE), "{:?}", bare.files());
        if bare.exercise.text().expect("a text") == STUB { reset += 1 } else { untouched += 1 }
    }
    eprintln!("{reset} were reset, {untouched} were not");
}

#[test]
fn a_reset_that_the_limits_forbid_says_so_and_leaves_everything_as_it_was() {
    let bare = Bare::with(MINE);
    let mut command = Command::new(env!("CARGO_BIN_EXE_workbook"));
    command.args(["reset", "1"]).env("CARGO_MANIFEST_DIR", bare.directory.path());
    command.stderr(Stdio::piped()); // no file: the limit holds for all of them
    // SAFETY: setrlimit(2) is one call, and allocates nothing.
    unsafe { command.pre_exec(|| Ok(setrlimit(Resource::RLIMIT_FSIZE, 3, 3)?)) };
    let (child, pipes) = Child::spawn(&mut command).expect("it starts");
    let mut said = String::new();
    pipes.stderr.expect("a pipe").read_to_string(&mut said).expect("text");
    assert!(said.ends_with("exercise.rs: File too large (os error 27)\n") && said.lines().count() == 1, "{said}");
    assert_eq!(child.wait().expect("it ends"), Ended::Exited(1));
    assert_eq!(bare.files(), [("exercise.rs".to_owned(), MINE.to_owned())]);
}

#[test]
fn a_missing_file_comes_back_whole() {
    let bare = Bare::with(MINE);
    fs::remove_file(bare.exercise.path()).expect("a file");
    bare.reset().expect("a reset");
    assert_eq!(bare.files(), [("exercise.rs".to_owned(), STUB.to_owned())]);
    let mode = fs::metadata(bare.exercise.path()).expect("it is there").permissions().mode();
    File::create(bare.directory.path().join("usual")).expect("a file");
    assert_eq!(mode, fs::metadata(bare.directory.path().join("usual")).expect("a file").permissions().mode());
}

/// What the exercise's text is refused with.
#[track_caller]
fn assert_refused(bare: &Bare, cause: &str) {
    let said = bare.exercise.text().expect_err(cause).to_string();
    assert!(said.contains("exercise.rs") && said.contains(cause) && said.lines().count() == 1, "{said}");
}

#[test]
fn a_file_that_is_no_text_of_rust_is_said_as_such_in_one_line() {
    assert_refused(&Bare::with([b'/', b'/', b'\n', 0xff, b'\n']), "line 2 is not UTF-8");
    assert_refused(&Bare::with(vec![b'\n'; 60_000_000]), "larger than 4 MiB");
    let conflict = "fn f() {\n<<<<<<< HEAD\n    1\n=======\n    2\n>>>>>>> theirs\n}\n";
    assert_refused(&Bare::with(conflict), "exercise.rs:2: a merge conflict");
    // A shift that a line begins with is none.
    Bare::with("let x = 1\n<<<<<<< 2;\n").exercise.text().expect("no end of a conflict");
    let bare = Bare::with("");
    let path = bare.exercise.path();
    let make: [&dyn Fn(&PathBuf); 4] = [
        &|path| mkfifo(path, Mode::S_IRWXU).expect("a FIFO"),
        &|path| fs::create_dir(path).expect("a directory"),
        &|path| std::os::unix::fs::symlink("/dev/zero", path).expect("a link"),
        &|path| drop(UnixListener::bind(path).expect("a socket")),
    ];
    for (make, cause) in make.into_iter().zip(["regular file", "regular file", "regular file", "No such device"]) {
        if path.is_dir() { fs::remove_dir(&path) } else { fs::remove_file(&path) }.expect("it goes");
        make(&path);
        assert_refused(&bare, cause);
        let said = bare.exercise.reset(Language::English).expect_err(cause).to_string();
        assert!(said.contains(cause), "{said}");
        assert_eq!(fs::read_dir(bare.exercise.directory()).expect("the directory").count(), 1, "it is as it was");
    }
}

#[test]
fn line_ends_and_a_byte_order_mark_change_no_hint_and_no_check() {
    let bare = Bare::with("");
    let write = |name: &str, text: &str| fs::write(bare.exercise.directory().join(name), text).expect("a file");
    fs::create_dir(bare.exercise.directory().join("checks")).expect("a directory");
    for mark in ["", "\u{feff}"] {
        for end in ["\n", "\r\n"] {
            let with = |text: &str| format!("{mark}{text}").replace('\n', end);
            write("hints.en.md", &with("# one\n\nWhy?\n\n---\n\nSo.\n"));
            let hints = bare.exercise.hints(Language::English).expect("hints");
            assert_eq!(hints, [("one".to_owned(), vec!["Why?".to_owned(), "So.".to_owned()])], "{mark:?} {end:?}");
            write("checks/mod.rs", &with("mod one;\n"));
            write("checks/one.rs", &with("#[test]\nfn is_right() {}\n"));
            let checks = bare.exercise.checks().expect("checks");
            assert_eq!(checks.names().collect::<Vec<_>>(), [("one", "is_right")], "{mark:?} {end:?}");
        }
    }
}
