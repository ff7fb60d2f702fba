//! The commands of the course, as a learner uses them, on a copy of the course that a learner works in.

mod common;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use common::{answers_of, exercise_of};
use mmap_workbook::course::{Course, HANDOUT, LESSONS, listed};
use mmap_workbook::grade::{On, refuse};
use mmap_workbook::process::{Child, DEADLINE, Ended, Pipes};
use mmap_workbook::text::{Language, hash};
use mmap_workbook::trace::JSON_FORMAT;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::libc;
use nix::poll::{PollFd, PollFlags, poll};
use nix::pty::{OpenptyResult, openpty};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SigHandler, Signal, kill, killpg, signal};
use nix::sys::stat::Mode;
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::unistd::{Pid, mkfifo};
use serde_json::Value;

/// The lesson whose exercise the learner here works on.
const LESSON: u8 = 2;

/// A copy of the course, in the same place each time, so that cargo need not build all of it again.
///
/// It shares our build directory (cargo 1.91 and later; others ignore the variable), so the dependencies of both are
/// built once. It has another package name and no program, so no artifact of one replaces one of the other.
struct Copy {
    root: PathBuf,
}

impl Copy {
    /// The copy with nothing done yet.
    fn fresh() -> Copy {
        let copy = Copy { root: Path::new(env!("CARGO_TARGET_TMPDIR")).join("course") };
        let _ = fs::remove_dir_all(copy.root.join("target"));
        let course = Path::new(env!("CARGO_MANIFEST_DIR"));
        for name in ["Cargo.lock", ".cargo", "src", "lessons", "tests", "book/en", "book/zh"] {
            mirror(&course.join(name), &copy.root.join(name));
        }
        let manifest = fs::read_to_string(course.join("Cargo.toml")).expect("the manifest");
        let manifest: String = manifest.lines().map(|line| Copy::line_of_manifest(line).to_owned() + "\n").collect();
        write(&copy.root.join("Cargo.toml"), &manifest);
        for lesson in LESSONS {
            let exercise = Course::at(&copy.root).exercise(lesson);
            write(&exercise.path(), &exercise_of(lesson.number).stub(Language::English).expect("a stub"));
        }
        copy
    }

    fn line_of_manifest(ours: &str) -> &str {
        match ours {
            "name = \"mmap-workbook\"" => "name = \"copy-of-mmap-workbook\"\nautobins = false",
            "default-run = \"workbook\"" => "",
            "[[bin]]" => "[lib]",
            "name = \"workbook\"" => "name = \"mmap_workbook\"",
            "path = \"src/main.rs\"" => "path = \"src/lib.rs\"",
            members if members.starts_with("members = ") => "members = []",
            ours => ours,
        }
    }

    /// Saves the learner's text.
    fn save(&self, text: &str) {
        write(&self.exercise(), text);
    }

    fn exercise(&self) -> PathBuf {
        Course::at(&self.root).exercise(&LESSONS[usize::from(LESSON) - 1]).path()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_workbook"));
        command.args(arguments).env("CARGO_MANIFEST_DIR", &self.root).env("WORKBOOK_LANG", "en");
        let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
        command.env("CARGO_TARGET_DIR", temporary.join("course-target"));
        command.env("CARGO_BUILD_BUILD_DIR", temporary.parent().expect("the build directory"));
        command.env("WORKBOOK_DEADLINE", "5").stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        finish(&mut self.command(arguments))
    }

    /// Starts the program on a terminal of its own.
    fn on_a_terminal(&self, arguments: &[&str]) -> (Child, OpenptyResult) {
        let pty = openpty(None, None).expect("a terminal");
        let mut command = self.command(arguments);
        let descriptor = || Stdio::from(pty.slave.try_clone().expect("a descriptor"));
        command.stdin(descriptor()).stdout(descriptor()).stderr(Stdio::null());
        let (child, _) = Child::spawn(&mut command).expect("it starts");
        (child, pty)
    }

    /// The verdicts of `check --format json`, by check.
    fn verdicts(&self) -> Vec<(String, String)> {
        let run = self.run(&["check", "2", "--format", "json"]);
        let object: Value = serde_json::from_str(&run.out).unwrap_or_else(|e| panic!("{e}: {}{}", run.out, run.err));
        assert_eq!((&object["format"], &object["lesson"]), (&JSON_FORMAT.into(), &LESSON.into()));
        let checks = object["checks"].as_array().expect("checks");
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        checks.iter().map(|check| (text(&check["name"]), text(&check["verdict"]))).collect()
    }
}

/// Makes `to` a copy of `from`. A file that is the same already keeps its times; one that is gone from `from` is
/// removed.
fn mirror(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).expect("a directory");
        let names =
            |directory| fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").file_name());
        for name in names(to).filter(|name| !from.join(name).exists()) {
            let path = to.join(name);
            if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.expect("it goes");
        }
        for name in names(from) {
            mirror(&from.join(&name), &to.join(&name));
        }
    } else {
        write(to, &fs::read_to_string(from).expect("a text"));
    }
}

fn write(path: &Path, text: &str) {
    // What another test has put there instead of a file.
    match fs::symlink_metadata(path) {
        Ok(it) if it.is_dir() => fs::remove_dir(path).expect("an empty directory"),
        Ok(it) if !it.is_file() => fs::remove_file(path).expect("a file"),
        _ => {}
    }
    if fs::read_to_string(path).ok().as_deref() != Some(text) {
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(path, text).expect("a file");
    }
}

struct Run {
    ended: Ended,
    out: String,
    err: String,
}

fn finish(command: &mut Command) -> Run {
    let (out, err) = (tempfile::tempfile().expect("a file"), tempfile::tempfile().expect("a file"));
    let copy = |file: &fs::File| file.try_clone().expect("a descriptor");
    let (child, _) = Child::spawn(command.stdout(copy(&out)).stderr(copy(&err))).expect("it starts");
    // The first one builds what the course depends on.
    let ended = child.wait_within(Duration::from_secs(600)).expect("it ends");
    let text = |mut file: fs::File| {
        let mut text = String::new();
        std::io::Seek::rewind(&mut file).expect("a file");
        file.read_to_string(&mut text).expect("text");
        text
    };
    Run { ended, out: text(out), err: text(err) }
}

/// A package whose features differ between the two is built twice, and so is all that depends on it.
#[test]
fn cargo_run_and_cargo_test_share_what_they_build() {
    let packages = |arguments: &[&str]| -> BTreeSet<String> {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args(["tree", "--offline", "--prefix=none", "--format={p}: {f}"]);
        let tree = finish(cargo.args(arguments));
        assert_eq!(tree.ended, Ended::Exited(0), "{}", tree.err);
        tree.out.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect()
    };
    let (run, test) = (packages(&["-e=normal,build"]), packages(&["-e=all", "--workspace"]));
    let twice: Vec<_> = run.difference(&test).collect();
    assert!(run.len() > 30 && twice.is_empty(), "built twice, ask for the same features in Cargo.toml: {twice:?}");
}

/// The reference answer as a learner would have it.
fn solved() -> String {
    fs::read_to_string(answers_of(LESSON).join("solution.rs")).expect("a solution")
}

/// The stub, with this as the body of its first function.
fn with_first_body(body: &str) -> String {
    let stub = exercise_of(LESSON).stub(Language::English).expect("a stub");
    let todo = "todo!(\"map the page with this byte and load it\")";
    assert!(stub.contains(todo));
    stub.replace(todo, body)
}

fn assert_refused(run: &Run, words: &[&str]) {
    assert_eq!(run.ended, Ended::Exited(1), "{}{}", run.out, run.err);
    assert_eq!(run.err.lines().count(), 1, "one line: {}", run.err);
    for word in words {
        assert!(run.err.contains(word), "{word}: {}", run.err);
    }
}

#[test]
fn what_is_still_to_do_is_said_for_a_reader_and_for_programs() {
    let copy = Copy::fresh();
    let run = copy.run(&["check", "2"]);
    assert_eq!(run.ended, Ended::Exited(1), "{}", run.err);
    assert!(run.out.contains("byte_at   still to do"), "{}", run.out);
    assert!(run.out.contains("map the page with this byte and load it"), "{}", run.out);
    assert!(run.out.contains("0 of 3 are right. Next: byte_at."), "{}", run.out);
    assert!(copy.verdicts().len() >= 12 && copy.verdicts().iter().all(|(_, verdict)| verdict == "todo"));
    // A grade goes by its own number of random values, not by proptest's setting.
    let run = finish(copy.command(&["check", "2", "--format", "json"]).env("PROPTEST_CASES", "0"));
    assert_eq!(run.out.matches("\"verdict\":\"todo\"").count(), copy.verdicts().len(), "{}", run.out);
    let run = copy.run(&["check", "2", "--format", "junit"]);
    let document = roxmltree::Document::parse(&run.out).expect("XML");
    let suite = document.descendants().find(|node| node.has_tag_name("testsuite")).expect("a suite");
    let cases = suite.children().filter(|node| node.has_tag_name("testcase"));
    let failures = cases.clone().filter(|case| case.children().any(|node| node.has_tag_name("failure"))).count();
    assert_eq!(Some(cases.count().to_string().as_str()), suite.attribute("tests"));
    assert_eq!(Some(failures.to_string().as_str()), suite.attribute("failures"));
    let run = finish(copy.command(&["check", "2"]).env("WORKBOOK_LANG", "zh"));
    assert!(run.out.contains("尚未完成") && run.out.contains("第 2 课：mmap 与 munmap"), "{}", run.out);
}

#[test]
#[cfg_attr(feature = "handout", ignore = "the solution is with the teacher")]
fn a_solved_exercise_is_known_and_never_only_believed() {
    let copy = Copy::fresh();
    assert_refused(&copy.run(&["hint", "2", "no_such_function"]), &["no_such_function", "byte_at"]);
    let run = copy.run(&["solution", "2"]);
    assert_eq!(run.ended, Ended::Exited(1), "{}", run.err);
    assert!(run.out.contains("not solved yet") && !run.out.contains("pub fn byte_at"), "{}", run.out);
    assert!(copy.run(&["solution", "2", "--force"]).out.contains("pub fn byte_at"));

    copy.save(&solved());
    assert!(copy.run(&[]).out.contains("mmap and munmap   to be checked"));
    let run = copy.run(&["check", "2"]);
    assert_eq!(run.ended, Ended::Exited(0), "{}{}", run.out, run.err);
    assert!(run.out.contains("Lesson 2 is complete:"), "{}", run.out);
    assert!(run.out.contains("cargo run -- solution 2"), "{}", run.out);
    assert!(run.out.contains("unsafe   1/1"), "each block says why: {}", run.out);
    // A function that has become right is praised, once.
    assert!(run.out.contains("Well done: byte_at, "), "{}", run.out);
    write(&copy.root.join(HANDOUT), "");
    let run = copy.run(&["check", "2"]);
    assert!(!run.out.contains("Well done"), "{}", run.out);
    assert!(!run.out.contains("cargo run -- solution"), "a handout has none: {}", run.out);
    fs::remove_file(copy.root.join(HANDOUT)).expect("a file");
    assert!(copy.run(&[]).out.contains("mmap and munmap   complete"));
    // The next one that isn't solved.
    assert!(copy.run(&["check"]).out.contains("Lesson 1:"));
    let run = copy.run(&["solution", "2"]);
    assert!(run.ended == Ended::Exited(0) && run.out.contains("pub fn byte_at"), "{}{}", run.out, run.err);

    let progress = copy.root.join("target/workbook/exercise_2.json");
    let known = fs::read_to_string(&progress).expect("progress");
    for broken in ["", "{", "[]", "{\"lessons\": 7}"] {
        fs::write(&progress, broken).expect("a file");
        assert!(copy.run(&[]).out.contains("mmap and munmap   to be checked"), "{broken}");
    }
    fs::write(&progress, known).expect("a file");
    assert!(copy.run(&[]).out.contains("mmap and munmap   complete"));
    // What was solved is another text now.
    copy.save(&with_first_body("Ok(None)"));
    assert!(copy.run(&[]).out.contains("mmap and munmap   to be checked"));
    assert_eq!(copy.run(&["solution", "2"]).ended, Ended::Exited(1));
}

/// cargo goes by the times of files, and `mv`, `cp -p` and `tar x` bring old ones.
#[test]
#[cfg_attr(feature = "handout", ignore = "the solution is with the teacher")]
fn a_verdict_is_about_the_text_that_is_there_however_old_it_is() {
    let copy = Copy::fresh();
    let save_an_old_file = |text: &str| {
        fs::write(copy.exercise(), text).expect("a file");
        let file = fs::File::options().write(true).open(copy.exercise()).expect("the file");
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000)).expect("its time");
    };
    let verdict = |word: &str| assert!(copy.verdicts().iter().all(|(_, verdict)| verdict == word), "{word}");
    verdict("todo");
    save_an_old_file(&solved());
    verdict("passed");
    save_an_old_file(&exercise_of(LESSON).stub(Language::English).expect("a stub"));
    verdict("todo");
    save_an_old_file("not Rust");
    assert!(copy.run(&["check", "2"]).out.contains("does not compile"));
    // The checks' text counts, too.
    copy.save(&solved());
    verdict("passed");
    let checks = copy.exercise().with_file_name("checks/swap.rs");
    let text = fs::read_to_string(&checks).expect("checks");
    write(
        &checks,
        &(text + "\n#[test]\nfn another() {\n    check(\"window\", text!(\"A.\", \"甲。\"), || Ok(()));\n}\n"),
    );
    fs::File::options().write(true).open(&checks).expect("it").set_modified(SystemTime::UNIX_EPOCH).expect("its time");
    assert!(copy.verdicts().contains(&("another".to_owned(), "passed".to_owned())), "{:?}", copy.verdicts());
}

/// A function in .init_array runs before main, and so before any test.
#[test]
fn code_that_runs_before_the_tests_is_ended_like_any_other() {
    let copy = Copy::fresh();
    let before_main = |body: &str| {
        let stub = exercise_of(LESSON).stub(Language::English).expect("a stub");
        copy.save(&format!(
            "{stub}\nextern \"C\" fn before_main() {{\n    {body}\n}}\n#[used]\n#[unsafe(link_section = \
             \".init_array\")]\nstatic BEFORE_MAIN: extern \"C\" fn() = before_main;\n"
        ));
    };
    for (body, word) in [
        ("loop { std::thread::park() }", "timed_out"),
        ("std::process::exit(0)", "exited"),
        ("std::process::abort()", "killed"),
    ] {
        before_main(body);
        let mut command = copy.command(&["check", "2", "--format", "json"]);
        let run = finish(command.env("WORKBOOK_DEADLINE", "1"));
        let object: Value = serde_json::from_str(&run.out).unwrap_or_else(|e| panic!("{e}: {}{}", run.out, run.err));
        let checks = object["checks"].as_array().expect("checks");
        assert!(checks.len() >= 9 && checks.iter().all(|check| check["verdict"] == word), "{body}: {}", run.out);
        // None is begun, so there is one limit, and not one for each check.
        assert!(checks.iter().all(|check| check["seconds"] == 0.0), "{body}: {}", run.out);
    }
}

#[test]
fn the_checks_are_all_there_whatever_the_file_says() {
    let copy = Copy::fresh();
    let wanted = copy.verdicts();
    let stub = exercise_of(LESSON).stub(Language::English).expect("a stub");
    for more in [
        "mod checks {\n    #[test]\n    fn mine() {}\n}\n",
        "extern crate self as mmap_workbook;\n",
        "#[macro_export]\nmacro_rules! text {\n    () => {};\n}\n#[macro_export]\nmacro_rules! check {\n    () => {};\n}\n",
        "#[test]\nfn texts() {}\n",
    ] {
        copy.save(&(stub.clone() + more));
        assert_eq!(copy.verdicts(), wanted, "{more}");
    }
    copy.save(&("#![no_main]\n".to_owned() + &stub));
    assert_eq!(copy.verdicts(), wanted, "#![no_main]");
    copy.save("");
    let run = copy.run(&["check", "2"]);
    assert!(run.ended == Ended::Exited(1) && run.out.contains("does not compile"), "{}", run.out);
}

#[test]
#[cfg_attr(feature = "handout", ignore = "the solution is with the teacher")]
fn what_cant_be_checked_here_is_neither_right_nor_wrong() {
    let copy = Copy::fresh();
    let without_ptrace = |arguments: &[&str]| {
        let mut command = copy.command(arguments);
        // SAFETY: `refuse` makes two raw calls, allocates nothing and takes no lock.
        unsafe { command.pre_exec(|| refuse(&[libc::SYS_ptrace], On::Everything, Errno::EPERM)) };
        finish(&mut command)
    };
    copy.save(&solved());
    let run = without_ptrace(&["check", "2"]);
    assert_eq!(run.ended, Ended::Exited(0), "{}{}", run.out, run.err);
    for part in
        ["could not be checked here", "EPERM", "--cap-add=SYS_PTRACE", "solved as far as this machine can tell: "]
    {
        assert!(run.out.contains(part), "{part}: {}", run.out);
    }
    assert_eq!(run.out.matches("--cap-add=SYS_PTRACE").count(), 1, "said once: {}", run.out);
    let run = without_ptrace(&["check", "2", "--format", "json"]);
    let object: Value = serde_json::from_str(&run.out).expect("JSON");
    let checks = object["checks"].as_array().expect("checks");
    let skipped = checks.iter().filter(|check| check["verdict"] == "skipped").count();
    assert!(skipped > 0 && object["skipped"] == skipped && object["solved"] == true, "{}", run.out);
    let run = without_ptrace(&["check", "2", "--format", "junit"]);
    let document = roxmltree::Document::parse(&run.out).expect("XML");
    let suite = document.descendants().find(|node| node.has_tag_name("testsuite")).expect("a suite");
    assert_eq!(suite.attribute("skipped"), Some(skipped.to_string().as_str()), "{}", run.out);
    assert_eq!(suite.attribute("failures"), Some("0"), "{}", run.out);
    let reasons = document.descendants().filter(|node| node.has_tag_name("skipped"));
    assert_eq!(
        reasons.filter(|reason| reason.attribute("message").is_some_and(|why| why.contains("EPERM"))).count(),
        skipped
    );
    // What is wrong is wrong there, too.
    copy.save(&with_first_body("Ok(None)"));
    assert_eq!(without_ptrace(&["check", "2"]).ended, Ended::Exited(1));
}

#[test]
fn a_failed_check_says_what_why_and_where_to_read() {
    let copy = Copy::fresh();
    copy.save(&with_first_body(
        "println!(\"looking at {offset}\");\n    Ok((offset < file.metadata()?.len()).then_some(0))",
    ));
    let run = copy.run(&["check", "2"]);
    let parts = [
        "expected",
        "happened",
        "with      ",
        "a file of ",
        "rule ",
        "read ",
        "from `ANCHOR: window` on",
        ".html#window while",
        "looking at ",
    ];
    for part in parts.into_iter().chain(["\"A window that starts anywhere\""]) {
        assert!(run.out.contains(part), "{part}: {}", run.out);
    }
    let run = finish(copy.command(&["check", "2"]).env("WORKBOOK_LANG", "zh"));
    for part in ["预期", "实际", "反例", "规则", "阅读", "“从任意字节开始的窗口”一节", "字节的文件", "程序输出"]
    {
        assert!(run.out.contains(part), "{part}: {}", run.out);
    }
}

#[test]
fn a_function_that_calls_a_wrong_one_waits_for_it() {
    let copy = Copy::fresh();
    let count = "todo!(\"slide a window over the range and count the newlines in it\")";
    let text = with_first_body("Ok(Some(0))");
    assert!(text.contains(count));
    copy.save(&text.replace(count, "Ok(u64::from(byte_at(file, 0)? == Some(b'x')))"));
    let run = copy.run(&["check", "2"]);
    let line = run.out.lines().find(|line| line.contains("count_lines   ")).unwrap_or_default();
    assert!(line.ends_with("   see byte_at first, which this function calls"), "{}", run.out);
    let run = copy.run(&["check", "2", "--format", "json"]);
    let object: Value = serde_json::from_str(&run.out).expect("JSON");
    for check in object["checks"].as_array().expect("checks") {
        let wanted = if check["function"] == "count_lines" && check["verdict"] != "passed" {
            "byte_at".into()
        } else {
            Value::Null
        };
        assert_eq!(check["see_first"], wanted, "{check}");
    }
}

#[test]
fn what_does_not_compile_is_the_compilers_to_explain() {
    let copy = Copy::fresh();
    copy.save(&with_first_body("Ok(Some(offset))"));
    let run = copy.run(&["check", "2"]);
    assert_eq!(run.ended, Ended::Exited(1), "{}", run.err);
    assert!(run.out.contains("mismatched types") && run.out.contains("exercise.rs"), "{}", run.out);
    assert!(run.out.contains("It does not compile yet."), "{}", run.out);
    assert!(!run.out.contains("unused variable"), "warnings wait: {}", run.out);
    let object: Value = serde_json::from_str(&copy.run(&["check", "2", "--format", "json"]).out).expect("JSON");
    assert!(
        object["compiler_errors"]
            .as_str()
            .is_some_and(|text| text.contains("mismatched types") && !text.contains('\x1b'))
    );
    let run = copy.run(&["check", "2", "--format", "junit"]);
    let document = roxmltree::Document::parse(&run.out).expect("XML");
    assert!(document.descendants().any(|node| node.has_tag_name("error")));
}

#[test]
fn what_cargo_can_not_do_is_no_fault_of_the_learner() {
    let copy = Copy::fresh();
    let manifest = fs::read_to_string(copy.root.join("Cargo.toml")).expect("a manifest");
    let other = manifest.replace("exercise_2", "exercise_of_another_name");
    for (manifest, cause) in [(other.as_str(), "no test target named `exercise_2`"), ("[package", "Cargo.toml:1:")] {
        write(&copy.root.join("Cargo.toml"), manifest);
        for format in ["text", "json", "junit"] {
            let run = copy.run(&["check", "2", "--format", format]);
            assert_refused(&run, &["cargo can't build exercise_2", cause]);
            assert_eq!(run.out.contains("cargo can't build exercise_2"), format != "text", "{}", run.out);
        }
    }
    write(&copy.root.join("Cargo.toml"), &manifest);
    // Nothing has been downloaded, and there is no network.
    let home = tempfile::tempdir().expect("a directory");
    let run = finish(copy.command(&["check", "2"]).env("CARGO_HOME", home.path()).env("CARGO_NET_OFFLINE", "true"));
    assert_refused(&run, &["cargo can't build exercise_2", "`cargo fetch`"]);
    // Errors of the compiler, each with the crate that it is in.
    let at = |file| format!(r#"[{{"file_name":"{file}","line_start":3}}]"#);
    for (target, message, spans, wanted) in [
        ("mmap_workbook", "mismatched types", at("src/lib.rs"), "src/lib.rs:3: mismatched types"),
        ("exercise_2", "failed to write x: No space left on device", "[]".to_owned(), "No space left on device"),
        ("exercise_2", "linking with `cc` failed", "[]".to_owned(), ""),
        ("libc", "can't find crate for `std`", at("libc.rs"), "rustup target add"),
        ("exercise_2", "mismatched types", at("exercise.rs"), ""),
    ] {
        let cargo = copy.root.join("cargo");
        let diagnostic = format!(r#"{{"level":"error","message":"{message}","spans":{spans},"rendered":"{message}"}}"#);
        let line = format!(r#"{{"target":{{"name":"{target}"}},"message":{diagnostic}}}"#);
        fs::write(&cargo, format!("#!/bin/sh\ncat <<'END'\n{line}\nEND\nexit 101\n")).expect("a file");
        fs::set_permissions(&cargo, PermissionsExt::from_mode(0o755)).expect("a mode");
        let run = finish(copy.command(&["check", "2"]).env("CARGO", &cargo));
        match wanted {
            "" => assert!(run.out.contains("It does not compile yet.") && run.out.contains(message), "{}", run.err),
            wanted => assert_refused(&run, &[wanted]),
        }
    }
}

#[test]
fn limits_that_are_too_low_for_the_checks_are_said() {
    let copy = Copy::fresh();
    let temporary = tempfile::tempdir().expect("a directory");
    let with = |resource, limit| {
        let mut command = copy.command(&["check", "2"]);
        command.env("TMPDIR", temporary.path()).stdout(Stdio::null()).stderr(Stdio::piped());
        // SAFETY: setrlimit(2) is one call, and allocates nothing.
        unsafe { command.pre_exec(move || Ok(setrlimit(resource, limit, limit)?)) };
        let (child, pipes) = Child::spawn(&mut command).expect("it starts");
        let mut err = String::new();
        pipes.stderr.expect("a pipe").read_to_string(&mut err).expect("text");
        Run { ended: child.wait().expect("it ends"), out: String::new(), err }
    };
    for (resource, limit, says) in [
        (Resource::RLIMIT_FSIZE, 1 << 20, "`ulimit -f` allows 1048576 bytes in a file"),
        (Resource::RLIMIT_FSIZE, 0, "`ulimit -f` allows 0 bytes in a file"),
        (Resource::RLIMIT_NOFILE, 64, "`ulimit -n` allows 64 descriptors"),
        (Resource::RLIMIT_NOFILE, 8, "`ulimit -n` allows 8 descriptors"),
        (Resource::RLIMIT_NOFILE, 5, "Too many open files"),
    ] {
        assert_refused(&with(resource, limit), &[says]);
        assert_eq!(fs::read_dir(&temporary).expect("it").count(), 0, "{says}: a directory is left");
    }
}

#[test]
fn a_build_that_does_not_end_is_ended() {
    let copy = Copy::fresh();
    let (cargo, seconds) = (copy.root.join("cargo"), "98765.6543");
    fs::write(&cargo, format!("#!/bin/sh\nsleep {seconds} &\nwait\n")).expect("a file");
    fs::set_permissions(&cargo, PermissionsExt::from_mode(0o755)).expect("a mode");
    let run = finish(copy.command(&["check", "2"]).env("CARGO", &cargo).env("WORKBOOK_BUILD_DEADLINE", "1"));
    assert_refused(&run, &["cargo has not built exercise_2 within 1 seconds", "WORKBOOK_BUILD_DEADLINE=2 allows more"]);
    assert!(processes_of(&["sleep", seconds]).is_empty(), "what it has started has ended");
    for seconds in ["0", "x", "18446744073709551615"] {
        let run = finish(copy.command(&["check", "2"]).env("WORKBOOK_BUILD_DEADLINE", seconds));
        assert_refused(&run, &[&format!("WORKBOOK_BUILD_DEADLINE={seconds}: not a number of seconds")]);
    }
}

#[test]
fn warnings_that_are_forbidden_leave_an_unfinished_exercise_gradable() {
    let copy = Copy::fresh();
    let stub = exercise_of(LESSON).stub(Language::English).expect("a stub");
    copy.save(&format!("#![deny(warnings)]\n{stub}"));
    let run = copy.run(&["check", "2"]);
    assert!(run.out.contains("0 of 3 are right"), "{}{}", run.out, run.err);
    // What the compiler forbids by itself is an error as ever.
    copy.save(&with_first_body("let byte: u8 = 256;\n    Ok(Some(byte))"));
    let run = copy.run(&["check", "2"]);
    assert!(run.out.contains("does not compile") && run.out.contains("out of range"), "{}{}", run.out, run.err);
}

#[test]
fn a_file_that_can_not_be_graded_does_not_keep_the_others_from_it() {
    let copy = Copy::fresh();
    let path = |lesson: usize| Course::at(&copy.root).exercise(&LESSONS[lesson - 1]).path();
    // One that was graded and is gone.
    fs::remove_file(path(1)).expect("a file");
    write(&copy.root.join("target/workbook/exercise_1.json"), r#"{"of":1,"solved":false,"functions":[]}"#);
    fs::write(path(3), "<<<<<<< ours\n=======\n>>>>>>> theirs\n").expect("a file");
    fs::write(path(4), [0xff]).expect("a file");
    for lesson in [5, 6] {
        fs::remove_file(path(lesson)).expect("a file");
    }
    mkfifo(&path(5), Mode::S_IRWXU).expect("a FIFO");
    fs::create_dir(path(6)).expect("a directory");
    let causes = ["No such file", "", "a merge conflict", "not UTF-8", "not a regular file", "not a regular file"];

    let run = copy.run(&["check", "--all", "--format", "json"]);
    let objects = run.out.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    for (object, cause) in objects.clone().zip(causes) {
        let problem = object["problem"].as_str().unwrap_or_default();
        assert!(problem.contains(cause) && problem.is_empty() == cause.is_empty(), "{object}");
        assert_eq!(object["checks"].as_array().expect("checks").is_empty(), !cause.is_empty(), "{object}");
    }
    let lessons = listed().count();
    assert_eq!((objects.count(), run.err.lines().count(), run.ended), (lessons, 5, Ended::Exited(1)), "{}", run.err);

    let run = copy.run(&["check", "--all", "--format", "junit"]);
    let document = roxmltree::Document::parse(&run.out).expect("XML");
    let suites: Vec<_> = document.descendants().filter(|node| node.has_tag_name("testsuite")).collect();
    assert_eq!(suites.len(), lessons);
    for (suite, cause) in suites.iter().zip(causes) {
        let error = suite.descendants().find(|node| node.has_tag_name("error")).and_then(|error| error.text());
        assert!(error.unwrap_or_default().contains(cause), "{}", run.out);
        assert_eq!(suite.attribute("errors"), Some(if cause.is_empty() { "0" } else { "1" }), "{}", run.out);
        assert!(suite.attribute("time").is_some_and(|time| !time.starts_with('-')), "{}", run.out);
    }
}

#[test]
fn a_grade_that_can_not_be_kept_is_shown() {
    let copy = Copy::fresh();
    write(&copy.root.join("target/workbook"), "a file where the directory should be");
    let run = copy.run(&["check", "2"]);
    assert_refused(&run, &["this grade is not kept", "target/workbook/exercise_2.json"]);
    assert!(run.out.contains("0 of 3 are right"), "{}", run.out);
    let run = copy.run(&["hint", "2"]);
    assert!(run.ended == Ended::Exited(0) && run.out.contains("hint 1 of"), "{}", run.out);
    assert!(run.err.contains("not kept") && run.err.lines().count() == 1, "{}", run.err);
}

#[test]
fn programs_that_run_at_once_keep_each_others_progress() {
    let copy = Copy::fresh();
    let functions = ["byte_at", "count_lines", "swap", "map_aligned"];
    for _ in 0..10 {
        let _ = fs::remove_dir_all(copy.root.join("target/workbook"));
        for n in 1..4 {
            let start = |function: &&'static str| {
                let mut command = copy.command(&["hint", "2", function]);
                let (child, pipes) = Child::spawn(command.stdout(Stdio::piped())).expect("it starts");
                (child, pipes.stdout.expect("a pipe"), *function)
            };
            for (child, mut stdout, function) in functions.iter().map(start).collect::<Vec<_>>() {
                let mut out = String::new();
                stdout.read_to_string(&mut out).expect("text");
                assert!(out.contains(&format!("{function}, hint {n} of")), "{out}");
                assert_eq!(child.wait().expect("it ends"), Ended::Exited(0));
            }
        }
    }
}

#[test]
fn no_terminal_obeys_what_the_learners_code_says() {
    let copy = Copy::fresh();
    let evil = r"\u{1b}[2J\u{9b}2J\u{202e}\r\u{7}";
    for body in ["panic!", "todo!", "compile_error!"].map(|name| format!("{name}(\"evil {evil}\")")) {
        copy.save(&with_first_body(&body));
        for format in ["text", "json", "junit"] {
            let run = copy.run(&["check", "2", "--format", format]);
            assert!(run.out.contains("evil"), "{body}: {}", run.out);
            let obeyed = ['\u{1b}', '\u{9b}', '\u{202e}', '\r', '\u{7}'];
            assert!(!run.out.contains(obeyed) && !run.err.contains(obeyed), "{body}: {:?}", run.out);
        }
        let run = finish(copy.command(&["check", "2"]).env("CLICOLOR_FORCE", "1"));
        let after_escapes: Vec<_> = run.out.split('\u{1b}').skip(1).collect();
        let is_style = |rest: &&str| {
            rest.starts_with('[') && rest[1..].trim_start_matches(|c| matches!(c, '0'..='9' | ';')).starts_with('m')
        };
        assert!(after_escapes.len() > 1 && after_escapes.iter().all(is_style), "{body}: {:?}", run.out);
    }
}

#[test]
fn an_answer_that_floods_or_takes_all_memory_or_leaves_a_thread_panicking_is_told_apart() {
    let copy = Copy::fresh();
    let right = "let at = |n: u64| usize::try_from(n).expect(\"64 bits\");
    if offset >= file.metadata()?.len() { return Ok(None); }
    let page = mmap_workbook::observe::page_size_u64();
    let mapping = mmap_workbook::lesson_2::Mapping::of_file(file, offset - offset % page, at(offset % page) + 1,
        nix::sys::mman::ProtFlags::PROT_READ, mmap_workbook::lesson_2::Sharing::Shared)?;
    let byte = mapping.load(at(offset % page));";
    let first = |verdicts: &[(String, String)]| {
        let verdict = verdicts.iter().find(|(name, _)| name == "is_the_files_byte_or_none").expect("the check");
        verdict.1.clone()
    };
    let flood = "for _ in 0..2_000 { println!(\"{}\", \"x\".repeat(100)); }";
    copy.save(&with_first_body(&format!("{right}\n    {flood}\n    Ok(Some(byte))")));
    assert_eq!(first(&copy.verdicts()), "passed", "megabytes of output are read");
    let thread = "let _ = std::thread::spawn(|| panic!(\"in a thread\")).join();";
    copy.save(&with_first_body(&format!("{right}\n    {thread}\n    Ok(Some(byte))")));
    assert_eq!(first(&copy.verdicts()), "passed", "a thread's panic ends that thread");
    let thread = "std::thread::spawn(|| panic!(\"in a thread\")).join().expect(\"the thread\");";
    copy.save(&with_first_body(&format!("{right}\n    {thread}\n    Ok(Some(byte))")));
    assert_eq!(first(&copy.verdicts()), "panicked");
    let all = "let mut all = Vec::new();\n    loop { all.push(vec![byte; 64 << 20]); }";
    copy.save(&with_first_body(&format!("{right}\n    {all}")));
    assert_eq!(first(&copy.verdicts()), "out_of_memory", "in a child that is asked");
    // And in one that is traced, where the basics are right.
    copy.save(&with_first_body(&format!("{right}\n    if offset <= 8 * page {{ return Ok(Some(byte)); }}\n    {all}")));
    let verdicts = copy.verdicts();
    let traced = verdicts.iter().find(|(name, _)| name == "maps_one_page_and_unmaps_it").expect("the check");
    assert_eq!(traced.1, "out_of_memory", "{verdicts:?}");
}

#[test]
#[cfg_attr(feature = "handout", ignore = "the solution is with the teacher")]
fn a_text_is_graded_however_its_lines_end() {
    let copy = Copy::fresh();
    copy.save(&format!("\u{feff}{}", solved()).replace('\n', "\r\n"));
    let run = copy.run(&["check", "2"]);
    assert_eq!(run.ended, Ended::Exited(0), "{}{}", run.out, run.err);
    assert!(run.out.contains("unsafe   1/1"), "{}", run.out);
}

#[test]
fn files_that_are_left_are_removed_or_named() {
    let copy = Copy::fresh();
    let name = format!("workbook-test-{}", std::process::id());
    let shared = Path::new("/dev/shm").join(&name);
    copy.save(&with_first_body(&format!(
        "let left = std::env::temp_dir().join(\"left\");\n    \
         if !left.exists() {{\n        std::fs::write(left, vec![1; 100 << 20])?;\n    }}\n    \
         std::fs::write(\"/dev/shm/{name}\", \"left\")?;\n    \
         use std::os::unix::fs::FileExt;\n    let mut byte = [0];\n    \
         Ok((file.read_at(&mut byte, offset.min(1 << 62))? == 1).then_some(byte[0]))"
    )));
    let run = copy.run(&["check", "2"]);
    let removed = fs::remove_file(&shared);
    assert!(run.out.contains("100 MiB are left in $TMPDIR"), "{}{}", run.out, run.err);
    if Path::new("/dev/shm").is_dir() {
        removed.expect("the file in /dev/shm");
        assert!(run.err.contains(&name), "{}", run.err);
    }
}

#[test]
#[cfg_attr(feature = "handout", ignore = "the solution is with the teacher")]
fn what_the_compiler_only_warns_of_is_let_through() {
    let copy = Copy::fresh();
    copy.save(&(solved() + "\npub fn without_a_word_on_it() -> Result<(), ()> {\n    fs::remove_file(\"\");\n    Ok(())\n}\nuse std::fs;\n"));
    let run = copy.run(&["check", "2"]);
    assert_eq!(run.ended, Ended::Exited(0), "{}{}", run.out, run.err);
}

#[test]
#[cfg_attr(feature = "handout", ignore = "the solution is with the teacher")]
fn an_unsafe_block_has_to_say_why_it_is_sound() {
    let copy = Copy::fresh();
    copy.save(&solved().replace("// SAFETY:", "// It is fine:"));
    let run = copy.run(&["check", "2"]);
    assert_eq!(run.ended, Ended::Exited(1));
    assert!(run.out.contains("unsafe   0/1") && run.out.contains("SAFETY"), "{}", run.out);
    assert!(
        run.out.contains("3 of 3 of the core are right. What is left of it: a SAFETY comment"),
        "it is no function: {}",
        run.out
    );
    assert!(copy.run(&[]).out.contains("3 of 3, but for `unsafe`"));
    // Its hints, not those of a function that is right.
    let run = copy.run(&["hint", "2"]);
    assert!(run.out.contains("unsafe, hint 1 of 3"), "{}", run.out);
    let code = copy.run(&["hint", "2", "unsafe", "--level", "3"]).out;
    assert!(code.contains("\n    // function; the page") && code.contains("\n    let byte = unsafe"), "{code}");
}

#[test]
fn the_hints_come_one_after_the_other() {
    let copy = Copy::fresh();
    let hints = exercise_of(LESSON).hints(mmap_workbook::text::Language::English).expect("hints");
    let (function, levels) = &hints[0];
    let of = levels.len();
    for n in (1..=of).chain([of]) {
        let run = copy.run(&["hint", "2"]);
        assert!(run.out.contains(&format!("{function}, hint {n} of {of}")), "{}", run.out);
        assert_eq!(run.out.contains("That was the last hint for byte_at."), n == of, "{}", run.out);
    }
    assert!(copy.run(&["hint", "2", "swap", "--level", "1"]).out.contains("swap, hint 1 of"));
    assert_refused(&copy.run(&["hint", "2", "--level", "9"]), &["9", "byte_at"]);
    let run = finish(copy.command(&["hint", "2", "--level", "1"]).env("WORKBOOK_LANG", "zh"));
    assert!(run.out.contains("byte_at，提示 1/4") && run.out.contains('？'), "{}", run.out);
    let missing = copy.root.join("lessons/2_mmap_munmap/hints.en.md");
    fs::remove_file(&missing).expect("a file");
    assert_refused(&copy.run(&["hint", "2"]), &["hints.en.md", "No such file"]);
}

#[test]
fn reset_brings_the_stub_back_and_keeps_the_learners_text() {
    let copy = Copy::fresh();
    let stub = exercise_of(LESSON).stub(Language::English).expect("a stub");
    assert!(copy.run(&["reset", "2"]).out.contains("Exercise 2 has its original text.\n"));
    let directory = copy.exercise().parent().expect("a directory").to_owned();
    for n in 1..3 {
        let mine = with_first_body(&format!("Ok(Some({n}))"));
        copy.save(&mine);
        let run = copy.run(&["reset", "2"]);
        assert_eq!(run.ended, Ended::Exited(0), "{}", run.err);
        let backup = format!("exercise.rs.~{n}~");
        assert!(run.out.contains(&backup), "{}", run.out);
        assert_eq!(fs::read_to_string(directory.join(backup)).expect("a backup"), mine);
        assert_eq!(fs::read_to_string(copy.exercise()).expect("the stub"), stub);
    }
    // Bytes that are not UTF-8 are kept as well.
    fs::write(copy.exercise(), [0xff, 0xfe]).expect("a file");
    assert_eq!(copy.run(&["reset", "2"]).ended, Ended::Exited(0));
    assert_eq!(fs::read(directory.join("exercise.rs.~3~")).expect("a backup"), [0xff, 0xfe]);
    // A missing file is restored.
    fs::remove_file(copy.exercise()).expect("a file");
    assert_eq!(copy.run(&["reset", "2"]).ended, Ended::Exited(0));
    assert_eq!(fs::read_to_string(copy.exercise()).expect("the stub"), stub);
}

#[test]
fn an_exercise_is_begun_in_the_learners_language_and_what_the_learner_has_written_stays() {
    let copy = Copy::fresh();
    let answers = copy.root.join("tests/answers/2_mmap_munmap");
    let (english, chinese) = (exercise_of(LESSON).stub(Language::English).expect("a stub"), "// 第 2 课\n");
    write(&answers.join("stub.zh.rs"), chinese);
    let in_chinese = || finish(copy.command(&[]).env("WORKBOOK_LANG", "zh"));
    let text = || fs::read_to_string(copy.exercise()).expect("the exercise");
    fs::remove_file(copy.exercise()).expect("a file");
    let run = in_chinese();
    assert!(run.ended == Ended::Exited(0) && run.out.contains("mmap 与 munmap   未开始"), "{}{}", run.out, run.err);
    assert_eq!(text(), chinese);
    // It goes with the language, and a stub of an older version is replaced as well.
    assert!(copy.run(&[]).out.contains("mmap and munmap   to do"));
    assert_eq!(text(), english);
    let old = "// what it was a year ago\n";
    let versions = fs::read_to_string(answers.join("stub.versions")).expect("the versions");
    write(&answers.join("stub.versions"), &format!("{} zh of {}\n{versions}", hash(old), hash(&english)));
    copy.save(old);
    assert!(copy.run(&[]).out.contains("mmap and munmap   to do"));
    assert_eq!(text(), english);
    assert!(!copy.exercise().with_extension("rs.~1~").exists(), "nobody needs a backup of a stub");
    // One character of the learner's own is enough.
    copy.save(&format!("{english}/"));
    in_chinese();
    assert_eq!(text(), format!("{english}/"));
}

#[test]
#[cfg_attr(feature = "handout", ignore = "the solution is with the teacher")]
fn an_exercise_is_solved_without_its_further_functions_and_complete_with_them() {
    let copy = Copy::fresh();
    let body = "todo!(\"reserve more addresses than needed, map the file at an aligned one among them, and unmap the others\")";
    let stub = exercise_of(LESSON).stub(Language::English).expect("a stub");
    assert!(stub.contains(body));
    let further = ["pub fn map_aligned", "fn map_aligned"].iter().find_map(|from| {
        let (core, rest) = solved().split_once(from).map(|(core, rest)| (core.to_owned(), rest.to_owned()))?;
        Some(
            core + from
                + &rest.replacen(
                    ") -> io::Result<usize> {",
                    &format!(") -> io::Result<usize> {{\n    if true {{ {body} }}"),
                    1,
                ),
        )
    });
    copy.save(&further.expect("the function"));
    let run = copy.run(&["check", "2"]);
    assert_eq!(run.ended, Ended::Exited(0), "{}{}", run.out, run.err);
    assert!(
        run.out.contains("Lesson 2 is solved. Further functions: 0 of 1 are right. Go on with map_aligned"),
        "{}",
        run.out
    );
    assert!(run.out.contains("map_aligned   still to do   further"), "{}", run.out);
    assert!(copy.run(&[]).out.contains("mmap and munmap   solved; further functions: 0 of 1"));
    let json = |copy: &Copy| -> Value {
        serde_json::from_str(&copy.run(&["check", "2", "--format", "json"]).out).expect("an object")
    };
    let object = json(&copy);
    assert_eq!((&object["solved"], &object["complete"]), (&true.into(), &false.into()));
    let further = |check: &&Value| check["further"] == true;
    let checks = object["checks"].as_array().expect("checks");
    assert!(checks.iter().filter(further).all(|check| check["function"] == "map_aligned"));
    assert!(checks.iter().any(|check| further(&check)));
    copy.save(&solved());
    assert_eq!(json(&copy)["complete"], true);
    // As long as the core isn't right, there is no more about a further function than what fails.
    let stub = exercise_of(LESSON).stub(Language::English).expect("a stub");
    copy.save(&stub.replace(body, "Ok(0)"));
    let run = copy.run(&["check", "2"]);
    assert_eq!(run.out.matches("(Details once byte_at is right.)").count(), 1, "{}", run.out);
    assert!(run.out.contains("✗"), "{}", run.out);
    // What has been begun comes before what is still to do, and a hint is for it.
    let second = stub.match_indices("    todo!(").nth(1).expect("a second function").0;
    let end = second + stub[second..].find('\n').expect("a line");
    copy.save(&[&stub[..second], "    Ok(0)", &stub[end..]].concat());
    let run = copy.run(&["check", "2"]);
    assert!(run.out.contains("Next: count_lines.") && run.out.contains("expected"), "{}", run.out);
    assert!(copy.run(&["hint", "2"]).out.contains("count_lines, hint 1"));
}

/// Reads from the program until this has come.
fn read_until(from: &mut (impl Read + AsFd), wanted: &str, so_far: &mut String) {
    let mut chunk = [0; 4 * 1024];
    while !so_far.contains(wanted) {
        let ready = poll(&mut [PollFd::new(from.as_fd(), PollFlags::POLLIN)], 60_000_u16).expect("it is watched");
        assert!(ready > 0, "{wanted} has not come for a minute: {so_far}");
        let length = from.read(&mut chunk).unwrap_or_else(|error| panic!("{wanted}: {error}: {so_far}"));
        assert!(length > 0, "{wanted} has not come: {so_far}");
        so_far.push_str(&String::from_utf8_lossy(&chunk[..length]));
    }
}

#[test]
#[cfg_attr(feature = "handout", ignore = "the solution is with the teacher")]
fn watch_grades_what_is_saved_in_plain_lines_where_there_is_no_terminal() {
    let copy = Copy::fresh();
    let mut command = copy.command(&["watch", "2"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let (child, Pipes { stdin, stdout, .. }) = Child::spawn(&mut command).expect("it starts");
    let (mut stdin, mut stdout, mut seen) = (stdin.expect("a pipe"), stdout.expect("a pipe"), String::new());
    read_until(&mut stdout, "0 of 3 are right", &mut seen);
    read_until(&mut stdout, "q quit", &mut seen);
    seen.clear();
    copy.save(&with_first_body("Ok(Some(offset))"));
    read_until(&mut stdout, "It does not compile yet.", &mut seen);
    seen.clear();
    // As many editors save: to another file, which is then renamed.
    let new = copy.exercise().with_extension("new");
    fs::write(&new, solved()).expect("a file");
    fs::rename(new, copy.exercise()).expect("renamed");
    read_until(&mut stdout, "Lesson 2 is complete:", &mut seen);
    for (key, wanted) in [
        ("hint\n", "Every function of lesson 2 is right."),
        ("l\n", "mmap and munmap   complete"),
        ("s\n", "pub fn byte_at"),
    ] {
        seen.clear();
        stdin.write_all(key.as_bytes()).expect("a key");
        read_until(&mut stdout, wanted, &mut seen);
        read_until(&mut stdout, "q quit", &mut seen);
        assert!(!seen.contains('\x1b'), "plain lines: {seen:?}");
    }
    for (key, wanted) in
        [("r\n", "exercise.rs.~1~"), ("n\n", "Lesson 3:"), ("d\n", "Lesson 3: Shared versus private\nWho")]
    {
        seen.clear();
        stdin.write_all(key.as_bytes()).expect("a key");
        read_until(&mut stdout, wanted, &mut seen);
        read_until(&mut stdout, "q quit", &mut seen);
    }
    stdin.write_all(b"q\n").expect("a key");
    assert_eq!(child.wait().expect("it ends"), Ended::Exited(0));
}

/// Waits until this holds.
#[track_caller]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}: not within {DEADLINE:?}");
        std::thread::yield_now();
    }
}

#[test]
#[cfg_attr(feature = "handout", ignore = "the solution is with the teacher")]
fn watch_hears_keys_and_saves_while_it_grades() {
    let copy = Copy::fresh();
    let seconds = "98765.5432";
    let mut command = copy.command(&["watch", "2"]);
    // Far longer than this test may take.
    command.env("WORKBOOK_DEADLINE", "3600");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    copy.save(&with_a_daemon(seconds));
    let (child, Pipes { stdin, stdout, .. }) = Child::spawn(&mut command).expect("it starts");
    let (mut stdin, mut stdout, mut seen) = (stdin.expect("a pipe"), stdout.expect("a pipe"), String::new());
    let begins = || until("the answer's process", || !processes_of(&["sleep", seconds]).is_empty());
    begins();
    stdin.write_all(b"h\n").expect("a key");
    read_until(&mut stdout, "byte_at, hint 1 of", &mut seen);
    read_until(&mut stdout, "q quit", &mut seen);
    assert!(processes_of(&["sleep", seconds]).is_empty(), "what was graded has ended");
    stdin.write_all(b"c\n").expect("a key");
    begins();
    copy.save(&solved());
    read_until(&mut stdout, "Lesson 2 is complete:", &mut seen);
    assert!(processes_of(&["sleep", seconds]).is_empty(), "what was graded has ended");
    copy.save(&with_a_daemon(seconds));
    begins();
    stdin.write_all(b"q\n").expect("a key");
    assert_eq!(child.wait().expect("it ends"), Ended::Exited(0));
    assert!(processes_of(&["sleep", seconds]).is_empty(), "what was graded has ended");
}

#[test]
#[cfg_attr(feature = "handout", ignore = "the solution is with the teacher")]
fn watch_goes_on_where_nobody_tells_it_of_a_save() {
    let copy = Copy::fresh();
    let mut command = copy.command(&["watch", "2"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    // SAFETY: it makes system calls only, and allocates nothing.
    unsafe { command.pre_exec(|| refuse(&[libc::SYS_inotify_init1], On::Everything, Errno::EMFILE)) };
    let (child, Pipes { stdin, stdout, .. }) = Child::spawn(&mut command).expect("it starts");
    let (mut stdin, mut stdout, mut seen) = (stdin.expect("a pipe"), stdout.expect("a pipe"), String::new());
    read_until(&mut stdout, "q quit", &mut seen);
    copy.save(&solved());
    read_until(&mut stdout, "Lesson 2 is complete:", &mut seen);
    stdin.write_all(b"q\n").expect("a key");
    assert_eq!(child.wait().expect("it ends"), Ended::Exited(0));
}

#[test]
fn watch_says_what_is_wrong_with_the_file_and_goes_on() {
    let copy = Copy::fresh();
    // One that was graded and is gone.
    write(&copy.root.join("target/workbook/exercise_2.json"), r#"{"of":1,"solved":false,"functions":[]}"#);
    fs::remove_file(copy.exercise()).expect("a file");
    let mut command = copy.command(&["watch", "2"]);
    let (mut both, output) = std::io::pipe().expect("a pipe");
    command.stdin(Stdio::piped()).stdout(output.try_clone().expect("a descriptor")).stderr(output);
    let (child, Pipes { stdin, .. }) = Child::spawn(&mut command).expect("it starts");
    drop(command);
    let (mut stdin, mut seen) = (stdin.expect("a pipe"), String::new());
    read_until(&mut both, "No such file", &mut seen);
    read_until(&mut both, "q quit", &mut seen);
    copy.save("<<<<<<< ours\n=======\n>>>>>>> theirs\n");
    read_until(&mut both, "exercise.rs:1: a merge conflict", &mut seen);
    copy.save(&exercise_of(LESSON).stub(Language::English).expect("a stub"));
    read_until(&mut both, "0 of 3 are right", &mut seen);
    stdin.write_all(b"q\n").expect("a key");
    assert_eq!(child.wait().expect("it ends"), Ended::Exited(0));
}

#[test]
fn a_deadline_that_is_none_is_said() {
    let copy = Copy::fresh();
    for seconds in ["0", "-1", "3601", "18446744073709551615", "ten", ""] {
        for command in [["check", "2"], ["watch", "2"], ["solution", "2"]] {
            let run = finish(copy.command(&command).env("WORKBOOK_DEADLINE", seconds));
            assert_refused(&run, &[&format!("WORKBOOK_DEADLINE={seconds}: not a number of seconds from 1 to 3600")]);
        }
    }
}

/// The state of a process: the letter in proc_pid_stat(5).
fn state_of(pid: Pid) -> Option<char> {
    fs::read_to_string(format!("/proc/{pid}/stat")).ok()?.rsplit_once(") ")?.1.chars().next()
}

#[test]
fn ctrl_z_stops_watch_and_gives_the_terminal_back_until_it_goes_on() {
    let copy = Copy::fresh();
    let (child, pty) = copy.on_a_terminal(&["watch", "2"]);
    let (mut terminal, mut seen) = (fs::File::from(pty.master.try_clone().expect("a descriptor")), String::new());
    read_until(&mut terminal, " quit", &mut seen);
    for _ in 0..2 {
        terminal.write_all(b"\x1a").expect("a key");
        until("it stops", || state_of(child.pid()) == Some('T'));
        assert!(echoes(&pty.slave), "the terminal is the shell's");
        seen.clear();
        child.signal(Signal::SIGCONT).expect("it is there");
        read_until(&mut terminal, " quit", &mut seen);
        assert!(seen.contains("0 of 3 are right") && !echoes(&pty.slave), "{seen}");
    }
    terminal.write_all(b"q").expect("a key");
    assert_eq!(child.wait().expect("it ends"), Ended::Exited(0));
}

/// The processes whose first arguments are these.
fn processes_of(arguments: &[&str]) -> Vec<Pid> {
    let wanted: Vec<u8> = arguments.iter().flat_map(|argument| argument.bytes().chain([0])).collect();
    let entries = fs::read_dir("/proc").expect("/proc").filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let pids = entries.filter_map(|name| name.parse().ok());
    pids.filter(|pid| fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line == wanted))
        .map(Pid::from_raw)
        .collect()
}

/// Whether a process was started with its temporary files in this directory, or below it.
fn is_a_place_of_temporary_files(directory: &Path) -> bool {
    let variable = format!("TMPDIR={}", directory.to_str().expect("UTF-8")).into_bytes();
    let has = |environment: Vec<u8>| environment.split(|byte| *byte == 0).any(|one| one.starts_with(&variable));
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    processes.filter_map(|process| fs::read(process.path().join("environ")).ok()).any(has)
}

/// The children of a process that has one thread.
fn children_of(pid: Pid) -> Vec<Pid> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    children.split_whitespace().map(|pid| Pid::from_raw(pid.parse().expect("a number"))).collect()
}

/// An answer that starts a process in a session of its own and without its environment, and then waits for it for ever.
fn with_a_daemon(seconds: &str) -> String {
    with_first_body(&format!(
        "use std::os::unix::process::CommandExt;
        let mut command = std::process::Command::new(\"sleep\");
        command.arg(\"{seconds}\").env_clear();
        // SAFETY: setsid(2) is one call.
        unsafe {{ command.pre_exec(|| Ok(nix::unistd::setsid().map(drop)?)) }};
        let waited = command.spawn()?.wait()?;
        panic!(\"{{waited}}\")"
    ))
}

#[test]
fn a_check_that_is_ended_leaves_no_process_and_no_file() {
    let copy = Copy::fresh();
    // A number of its own: another run of this test may be there.
    let seconds = &format!("98765.{}", std::process::id());
    copy.save(&with_a_daemon(seconds));
    let temporary = tempfile::tempdir().expect("a directory");
    let is_clean =
        || processes_of(&["sleep", seconds]).is_empty() && fs::read_dir(&temporary).expect("it").count() == 0;
    let start = || {
        let mut command = copy.command(&["check", "2"]);
        command.env("TMPDIR", temporary.path()).stdout(Stdio::null()).stderr(Stdio::null());
        let (check, _) = Child::spawn(&mut command).expect("it starts");
        until("the answer's process", || !processes_of(&["sleep", seconds]).is_empty());
        check
    };
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT] {
        // Whoever started these tests in the background or with nohup(1) had it ignored.
        // SAFETY: the default action runs no code.
        unsafe { nix::sys::signal::signal(signal, SigHandler::SigDfl) }.expect("a signal that can have an action");
        let check = start();
        check.signal(signal).expect("it is there");
        assert_eq!(check.wait().expect("it ends"), Ended::Killed(signal));
        assert!(is_clean(), "{signal}");
    }
    // The program, its guardian, what the guardian runs.
    let check = start();
    let (program, guardian) = (check.pid(), children_of(check.pid())[0]);
    kill(program, Signal::SIGKILL).expect("it is there");
    // Not through the handle: that kills the whole group.
    until("what the guardian does then", is_clean);
    assert_eq!(check.wait().expect("it ends"), Ended::Killed(Signal::SIGKILL));
    // Whoever is init here reaps it.
    until("the guardian's end", || {
        fs::read_to_string(format!("/proc/{guardian}/stat")).map_or(true, |stat| stat.contains(") Z "))
    });

    let check = start();
    kill(children_of(check.pid())[0], Signal::SIGKILL).expect("it is there");
    assert_eq!(check.wait().expect("it ends"), Ended::Exited(1));
    assert!(is_clean(), "the guardian was killed");

    let check = start();
    kill(children_of(children_of(check.pid())[0])[0], Signal::SIGKILL).expect("it is there");
    assert_eq!(check.wait().expect("it ends"), Ended::Exited(1));
    assert!(is_clean(), "what the guardian runs was killed");

    // Both: what is left is removed the next time.
    let check = start();
    killpg(check.pid(), Signal::SIGKILL).expect("they are there");
    assert_eq!(check.wait().expect("it ends"), Ended::Killed(Signal::SIGKILL));
    let left: Vec<_> = fs::read_dir(&temporary).expect("it").map(|entry| entry.expect("an entry").path()).collect();
    assert_eq!(left.len(), 1);
    // What they had started dies with them, but not at once, and may still write there; it has the variable. One that was about
    // to become a sleep has it, too, until it is one.
    until("the end of what they had started", || {
        let are_over = !is_a_place_of_temporary_files(temporary.path());
        let sleeping = processes_of(&["sleep", seconds]);
        for pid in &sleeping {
            // It may be gone meanwhile.
            let _ = kill(*pid, Signal::SIGKILL);
        }
        are_over && sleeping.is_empty()
    });
    // They hold its lock until they have ended, and nobody here waits for them.
    let lock = || Flock::lock(File::open(&left[0]).expect("it"), FlockArg::LockExclusiveNonblock);
    until("the end of those that were killed", || lock().is_ok());
    copy.save("");
    finish(copy.command(&["check", "2"]).env("TMPDIR", temporary.path()));
    let processes = processes_of(&["sleep", seconds]);
    assert!(is_clean(), "the next check removes what is left: {processes:?}, {left:?}");
}

#[test]
fn a_check_can_go_on_when_its_terminal_has_gone() {
    let copy = Copy::fresh();
    let mut command = copy.command(&["check", "2"]);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let as_nohup_does = || {
        // SAFETY: an ignored signal runs no code.
        unsafe { signal(Signal::SIGHUP, SigHandler::SigIgn) }?;
        Ok(())
    };
    // SAFETY: the closure makes one call, which is async-signal-safe.
    unsafe { command.pre_exec(as_nohup_does) };
    let (check, pipes) = Child::spawn(&mut command).expect("it starts");
    until("the guardian", || !children_of(check.pid()).is_empty());
    check.signal(Signal::SIGHUP).expect("it is there");
    let mut out = String::new();
    pipes.stdout.expect("a pipe").read_to_string(&mut out).expect("text");
    assert!(out.contains("0 of 3 are right"), "nohup(1): {out}");
    assert_eq!(check.wait().expect("it ends"), Ended::Exited(1));
}

/// Whether the terminal echoes what is typed.
fn echoes(terminal: &OwnedFd) -> bool {
    tcgetattr(terminal.as_fd()).expect("a terminal").local_flags.contains(LocalFlags::ECHO | LocalFlags::ICANON)
}

#[test]
fn watch_takes_single_keys_on_a_terminal_and_leaves_it_as_it_was() {
    let copy = Copy::fresh();
    for end in [None, Some(Signal::SIGINT), Some(Signal::SIGTERM)] {
        let (child, pty) = copy.on_a_terminal(&["watch", "2"]);
        let mut terminal = fs::File::from(pty.master.try_clone().expect("a descriptor"));
        let mut seen = String::new();
        read_until(&mut terminal, " quit", &mut seen);
        assert!(!echoes(&pty.slave), "keys are taken one by one");
        seen.clear();
        terminal.write_all(b"h").expect("a key");
        read_until(&mut terminal, "byte_at, hint", &mut seen);
        match end {
            None => terminal.write_all(b"q").expect("a key"),
            Some(signal) => child.signal(signal).expect("it is there"),
        }
        let ended = child.wait().expect("it ends");
        assert_eq!(ended, end.map_or(Ended::Exited(0), Ended::Killed));
        assert!(echoes(&pty.slave), "the terminal is as it was: {end:?}");
    }
}

/// A learner who asks for nothing sees what to do next, and each key works at once; nothing is graded unasked.
#[test]
fn without_arguments_a_terminal_gets_the_lessons_and_the_keys() {
    let copy = Copy::fresh();
    let (child, pty) = copy.on_a_terminal(&[]);
    let mut terminal = fs::File::from(pty.master.try_clone().expect("a descriptor"));
    let mut seen = String::new();
    read_until(&mut terminal, " quit", &mut seen);
    assert!(seen.contains("The mmap workbook") && seen.contains("Next: lesson 1"), "{seen}");
    assert!(!seen.contains("still to do"), "{seen}");
    terminal.write_all(b"h").expect("a key");
    read_until(&mut terminal, ", hint 1 of", &mut seen);
    terminal.write_all(b"q").expect("a key");
    assert_eq!(child.wait().expect("it ends"), Ended::Exited(0));
    assert!(!seen.contains("still to do") && echoes(&pty.slave), "{seen}");
}

/// A grade in Chinese has nothing in English but what the learner's code and the compiler say, and programs know each
/// check by the same name in any language.
#[test]
fn a_grade_is_in_the_learners_language_and_its_checks_have_one_id() {
    let copy = Copy::fresh();
    copy.save(&with_first_body("let _ = offset;\n    Ok(Some(0))"));
    let in_language = |language, arguments: &[&str]| finish(copy.command(arguments).env("WORKBOOK_LANG", language));
    let run = in_language("zh", &["check", "2"]);
    // What is still to do says the learner's own file.
    let said: String = run.out.lines().filter(|line| !line.contains("todo")).map(|line| format!("{line}\n")).collect();
    assert_eq!(common::english(&(said + &run.err)), [""; 0], "{}", run.out);
    let checks = |language| {
        let run = in_language(language, &["check", "2", "--format", "json"]);
        let object: Value = serde_json::from_str(&run.out).unwrap_or_else(|e| panic!("{e}: {}{}", run.out, run.err));
        let checks = object["checks"].as_array().expect("checks").clone();
        checks
            .into_iter()
            .map(|check| (check["function"].clone(), check["name"].clone(), check["verdict"].clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(checks("zh"), checks("en"));
}
