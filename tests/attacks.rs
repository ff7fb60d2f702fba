//! Attacks on the grading of a class, each a submission in tests/attacks/: what becomes of it, and that nothing else is
//! touched.
//!
//! A file there begins with a sentence, and a line that says what is to come of it: `refused: WORDS` (the reason has these
//! words), `does not compile: WORDS` (the errors have them), `does not compile` or `unsolved`. Where it defines only some of
//! the exercise's functions, the others are those of the stub; `beside the solution` those of the solution, all of which it
//! finds in its module `rest`. `times N: TEXT` puts the text N times in the place of `@`. What it prints or panics with begins
//! with SUCCEEDED where it reached what it should not.
//!
//! It takes minutes and needs bubblewrap, so a bare `cargo test` leaves it out: `cargo test --test attacks`. With
//! WORKBOOK_ATTACK=one,another it tries these alone.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use common::exercise_of;
use mmap_workbook::class::{Line, Standing};
use mmap_workbook::text::{Language, hash};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

/// The lesson whose exercise is attacked: the fastest to grade.
const LESSON: u8 = 2;

struct Attack {
    name: String,
    source: String,
    standing: Standing,
    /// What the reason has in it.
    because: String,
}

impl Attack {
    fn read(path: &Path) -> Attack {
        let name = path.file_stem().expect("a name").to_str().expect("UTF-8").to_owned();
        let text = fs::read_to_string(path).expect("an attack");
        let header: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("//! ")).collect();
        let (standing, because) = match header.get(1).map(|line| line.split_once(": ").unwrap_or((line, ""))) {
            Some(("refused", words)) => (Standing::Refused, words),
            Some(("does not compile", words)) => (Standing::DoesNotCompile, words),
            Some(("unsolved", "")) => (Standing::Unsolved, ""),
            other => panic!("{name}: {other:?} is not what may come of it"),
        };
        let repeated = header.get(2).and_then(|line| line.strip_prefix("times ")?.split_once(": "));
        let code = text.lines().filter(|line| !line.starts_with("//!")).collect::<Vec<_>>().join("\n");
        let code = match repeated {
            Some((n, what)) => code.replace('@', &what.repeat(n.parse().expect("a number"))),
            None => code,
        };
        let source = match header.get(2) {
            Some(&"beside the solution") => beside_the_solution(&code),
            _ => with_the_rest(&code),
        };
        Attack { source, name, standing, because: because.to_owned() }
    }
}

/// The code with those functions of the stub that it lacks.
fn with_the_rest(code: &str) -> String {
    let stub = exercise_of(LESSON).stub(Language::English).expect("a stub");
    let uses = stub.lines().filter(|line| line.starts_with("use ")).collect::<Vec<_>>().join("\n");
    let functions = stub.split("\npub fn ").skip(1).filter_map(|rest| {
        let name = rest.split('(').next()?;
        let signature = rest.split(" {\n").next()?;
        (!code.contains(&format!("fn {name}("))).then(|| format!("pub fn {signature} {{ todo!() }}"))
    });
    let functions = functions.collect::<Vec<_>>().join("\n");
    format!("{code}\npub use rest::*;\nmod rest {{\n#![allow(unused)]\n{uses}\n{functions}\n}}\n")
}

/// The code with the solution, of which it has the functions that it lacks.
fn beside_the_solution(code: &str) -> String {
    let solution = exercise_of(LESSON).solution().expect("a solution");
    let solution = solution.lines().filter(|line| !line.starts_with("//!")).collect::<Vec<_>>().join("\n");
    format!("{code}\npub use rest::*;\nmod rest {{\n#![allow(unused)]\n{solution}\n}}\n")
}

/// The processes that were started with a path in this directory for temporary files, what is in it, and what is in the
/// places that all programs share.
fn leftovers(temporary: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for process in fs::read_dir("/proc").expect("/proc").flatten() {
        let command = fs::read(process.path().join("cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        if command.contains(temporary.to_str().expect("UTF-8")) {
            found.push(command);
        }
    }
    for directory in [Path::new("/dev/shm"), temporary] {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if directory == temporary || name.contains("attack") {
                found.push(format!("{}/{name}", directory.display()));
            }
        }
    }
    // The first line names the columns.
    found.extend(fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default().lines().skip(1).map(str::to_owned));
    found
}

/// The texts of all regular files below a directory.
fn contents(directory: &Path) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        let kind = entry.file_type().expect("a kind");
        if kind.is_dir() {
            all.extend(contents(&path));
        } else if kind.is_file() {
            all.insert(path.display().to_string(), fs::read_to_string(&path).unwrap_or_default());
        }
    }
    all
}

#[test]
#[cfg_attr(feature = "handout", ignore = "grading a class needs the solutions, which are with the teacher")]
fn each_attack_is_refused_contained_or_told_apart_and_touches_nothing_else() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let chosen = std::env::var("WORKBOOK_ATTACK").ok();
    let is_chosen = |name: &str| chosen.as_ref().is_none_or(|chosen| chosen.split(',').any(|one| one == name));
    let mut attacks = Vec::new();
    for entry in fs::read_dir(root.join("tests/attacks")).expect("attacks") {
        let attack = Attack::read(&entry.expect("an entry").path());
        if is_chosen(&attack.name) {
            attacks.push(attack);
        }
    }
    assert!(!attacks.is_empty(), "no attack has such a name");
    let place = tempfile::tempdir().expect("a directory");
    let [class, to, home, temporary] = ["class", "grades", "home", "tmp"].map(|name| place.path().join(name));
    fs::create_dir_all(&home).expect("a directory");
    fs::create_dir_all(&temporary).expect("a directory");
    let secret = format!("SECRET {}", hash("what only the teacher knows"));
    fs::write(home.join("secret"), &secret).expect("a file");
    let submit = |student: &str, text: &str| {
        fs::create_dir_all(class.join(student)).expect("a directory");
        fs::write(class.join(student).join("exercise_2.rs"), text).expect("a file");
    };
    for attack in &attacks {
        submit(&attack.name, &attack.source);
    }
    // By their files: nothing of these is a text.
    for student in ["a fifo", "a link", "a linked directory"] {
        fs::create_dir_all(class.join(student)).expect("a directory");
    }
    mkfifo(&class.join("a fifo/exercise_2.rs"), Mode::S_IRWXU).expect("a FIFO");
    symlink(home.join("secret"), class.join("a link/exercise_2.rs")).expect("a link");
    symlink(&home, class.join("a linked directory/lessons")).expect("a link");
    // By its name, a line of another student's.
    fs::create_dir_all(class.join("a name of two lines")).expect("a directory");
    fs::write(class.join("a name of two lines/x\n0 right, exercise 2: refused.tar"), "no archive").expect("a file");
    // By a name in an archive, which is longer than a path may be.
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    let mut archive = tar::Builder::new(fs::File::create(class.join("a name without end.tar")).expect("a file"));
    archive.append_link(&mut header, "x".repeat(2 << 20) + "/exercise_2.rs", "solution.rs").expect("an entry");
    archive.finish().expect("an archive");
    // Settings of cargo's, which nobody reads.
    submit("settings beside it", &(exercise_of(LESSON).stub(Language::English).expect("a stub") + "// begun\n"));
    fs::create_dir_all(class.join("settings beside it/.cargo")).expect("a directory");
    fs::write(class.join("settings beside it/.cargo/config.toml"), "[build]\nrustc-wrapper = \"/bin/false\"\n")
        .expect("a file");
    // Before, among and after all others.
    for student in ["0 right", "m right", "z right"] {
        submit(student, &exercise_of(LESSON).solution().expect("a solution"));
    }
    // The program's caller has left it open, and has it inherited.
    let open = fs::File::options().append(true).open(home.join("secret")).expect("a file");
    fcntl(&open, FcntlArg::F_SETFD(FdFlag::empty())).expect("a descriptor");
    let before = [contents(&class), contents(&root.join("lessons")), contents(&home)];
    let there = leftovers(&temporary);
    let graded = Command::new(env!("CARGO_BIN_EXE_workbook"))
        .args(["grade", "--lessons", "2", "--to"])
        .args([&to, &class])
        .env("HOME", &home)
        .env("TMPDIR", &temporary)
        .env("SECRET", &secret)
        .env("WORKBOOK_LANG", "en")
        // What waits without end waits until then.
        .env("WORKBOOK_DEADLINE", "4")
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&graded.stdout) + String::from_utf8_lossy(&graded.stderr);
    assert!(graded.status.success(), "{said}");
    let results = fs::read_to_string(to.join("results.jsonl")).expect("results");
    let lines: Vec<Line> = results.lines().map(|line| serde_json::from_str(line).expect("a line")).collect();
    let of = |student: &str| lines.iter().find(|line| line.student == student).expect("a line of each student");
    for line in &lines {
        println!("{}: {:?} after {:.1} s", line.student, line.standing, line.seconds);
    }
    let mut wrong = Vec::new();
    let mut expect = |student: &str, standing: Standing, because: &str| {
        let line = of(student);
        let why = line.reason.as_deref().or(line.compiler_errors.as_deref()).unwrap_or_default();
        if line.standing != standing || !why.contains(because) {
            wrong.push(format!("{student}: {standing:?} {because}: {line:?}"));
        }
    };
    for Attack { name, standing, because, .. } in &attacks {
        expect(name, *standing, because);
    }
    expect("a fifo", Standing::Refused, "not a regular file");
    expect("a link", Standing::Refused, "symbolic link");
    expect("a linked directory", Standing::Missing, "");
    expect("a name of two lines", Standing::Refused, "x\\n0 right");
    // Longer than any path that can be opened.
    expect("a name without end", Standing::Missing, "");
    expect("settings beside it", Standing::Unsolved, "");
    for student in ["0 right", "m right", "z right"] {
        expect(student, Standing::Complete, "");
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), attacks.len(), wrong.join("\n\n"));
    for (file, text) in contents(&to).into_iter().chain([("the output".to_owned(), said.to_string())]) {
        for never in ["SUCCEEDED", &secret, "root:x:0", "\u{1b}", "\u{202e}", "<script"] {
            let text = if never == "<script" && !file.ends_with(".html") { "" } else { &text };
            let line = text.lines().find(|line| line.contains(never));
            assert_eq!(line, None, "{file} has {never:?}");
        }
    }
    for check in lines.iter().flat_map(|line| &line.checks) {
        let length = check.message.as_ref().map_or(0, String::len);
        assert!(length <= 16 << 10, "{} of {}: {length} bytes", check.name, check.function);
    }
    for file in fs::read_dir(to.join("students")).expect("texts").flatten() {
        assert!(file.metadata().expect("a size").len() < 1 << 20, "{}", file.path().display());
    }
    let after = [contents(&class), contents(&root.join("lessons")), contents(&home)];
    assert!(before == after, "a submission, the course or a file of the teacher's has changed");
    assert_eq!(leftovers(&temporary), there, "something is left");
}
