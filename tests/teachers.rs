//! The page of the book for teachers: its commands, in their order, take a class from the handout to its grades.
//!
//! It takes minutes and needs bubblewrap, so a bare `cargo test` leaves it out: `cargo test --test teachers`.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::exercise_of;
use mmap_workbook::class::{Line, Sandbox, Standing};
use mmap_workbook::text::Language;

/// The fastest lesson to grade.
const LESSON: u8 = 2;
const PLACE: &str = "lessons/2_mmap_munmap/exercise.rs";

/// Runs a program, which has to succeed.
fn done(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().expect("it runs");
    let [out, err] = [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(status.success(), "{command:?}: {out}{err}");
    out
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
    fs::write(path, text).expect("a file");
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn lines_in(directory: &Path) -> Vec<Line> {
    let text = read(&directory.join("results.jsonl"));
    text.lines().map(|line| serde_json::from_str(line).expect("a line")).collect()
}

/// Whether answers can be graded here; prints why if they can't.
fn has_sandbox() -> bool {
    Sandbox::find(1).inspect_err(|error| eprintln!("skipped: {error}")).is_ok()
}

/// An answer that is refused at its line `n`: that takes no time.
fn refused_at(n: usize) -> String {
    "\n".repeat(n - 1) + "#[unsafe(no_mangle)] pub fn f() {}\n"
}

/// The fields of a line of results, and of its checks.
fn fields(results: &str) -> BTreeSet<String> {
    let mut fields = BTreeSet::new();
    for line in results.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let checks = line["checks"].as_array().expect("checks");
        for object in checks.iter().chain([&line]) {
            fields.extend(object.as_object().expect("an object").keys().cloned());
        }
    }
    fields
}

/// The fields that the page names.
fn named_fields(page: &str) -> BTreeSet<String> {
    let rows = page.split("| `format` |").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("a table");
    rows.split('`').skip(1).step_by(2).map(str::to_owned).chain(["format".into()]).collect()
}

fn page(language: Language) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("book").join(language.code()).join("teachers.md")
}

/// Each block of commands on the page.
fn blocks() -> Vec<String> {
    let page = read(&page(Language::English));
    page.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default().to_owned()).collect()
}

/// In place of `cargo run --`: the program, on the course of the directory in which it is called. Only grading, which builds
/// it, is done on the whole course.
const CARGO: &str = "#!/bin/sh
shift 2
case $1 in
grade) ;;
*) export CARGO_MANIFEST_DIR=\"$PWD\" ;;
esac
exec \"$WORKBOOK\" \"$@\"
";

#[test]
#[cfg_attr(feature = "handout", ignore = "grading a class needs the solutions, which are with the teacher")]
fn the_commands_of_the_page_take_a_class_from_the_handout_to_its_grades() {
    if !has_sandbox() {
        return;
    }
    let (place, root) = (tempfile::tempdir().expect("a directory"), Path::new(env!("CARGO_MANIFEST_DIR")));
    let at = |name: &str| place.path().join(name);
    write(&at("bin/cargo"), CARGO);
    fs::set_permissions(at("bin/cargo"), Permissions::from_mode(0o755)).expect("a program");
    let (hosted, class) = (at("hosted"), format!("{}/class.git", at("hosted").display()));
    let path = format!("{}:{}", at("bin").display(), std::env::var("PATH").expect("a path"));
    let sh = |directory: &str, script: &str| {
        let mut sh = Command::new("sh");
        sh.current_dir(at(directory)).env("PATH", &path).env("HOME", &hosted).env("WORKBOOK_LANG", "en");
        sh.env("WORKBOOK", env!("CARGO_BIN_EXE_workbook"));
        sh.env("CARGO_MANIFEST_DIR", root).env("GIT_CONFIG_NOSYSTEM", "1");
        for who in ["AUTHOR", "COMMITTER"] {
            sh.env(format!("GIT_{who}_NAME"), "A").env(format!("GIT_{who}_EMAIL"), "a@example.org");
        }
        done(sh.args(["-e", "-c", &script.replace("ADDRESS", &class)]))
    };
    // As much of a course as what isn't graded looks at, in a repository from which it gets newer.
    fs::create_dir_all(&hosted).expect("a directory");
    for name in ["Cargo.toml", "README.md", ".gitignore", "lessons/2_mmap_munmap/lesson.rs"] {
        write(&hosted.join("course").join(name), &read(&root.join(name)));
    }
    for name in ["stub.en.rs", "stub.zh.rs", "stub.versions", "solution.rs"] {
        let name = format!("tests/answers/2_mmap_munmap/{name}");
        write(&hosted.join("course").join(&name), &read(&root.join(&name)));
    }
    sh("hosted/course", "git init --quiet --initial-branch main; git add --all; git commit --quiet --message Course");
    sh("hosted", "git clone --quiet course ../course; git init --quiet --bare --initial-branch main class.git");
    let cloning = blocks().into_iter().find(|block| block.contains("git clone")).expect("commands that clone");
    let mut blocks = blocks().into_iter();
    let mut next = |directory: &str, begins: &str| {
        let block = blocks.next().unwrap_or_default();
        assert!(block.starts_with(begins), "the page has another block here: {block}");
        sh(directory, &block)
    };

    next("course", "cargo run -- handout ");
    let exercise = exercise_of(LESSON);
    let answers = [("ada", exercise.solution().expect("a solution")), ("ben", refused_at(5))];
    for (student, answer) in &answers {
        sh("hosted", &format!("git clone --quiet --bare class.git {student}.git; git clone --quiet {student}.git"));
        write(&hosted.join(student).join(PLACE), answer);
    }
    let push = blocks_that_students_run(&mut next);
    sh("hosted/ben", &push);
    assert!(hosted.join("ada.tar").exists());
    write(&hosted.join("course/lessons/2_mmap_munmap/lesson.rs"), "//! It is newer now.\n");
    sh("hosted/course", "git commit --quiet --all --message Newer");
    next("course", "git pull\n");
    next("hosted/ada", "git pull ");
    assert_eq!(read(&hosted.join("ada/lessons/2_mmap_munmap/lesson.rs")), "//! It is newer now.\n");

    let listed = answers.each_ref().map(|(student, _)| format!("{student} {}/{student}.git\n", hosted.display()));
    // Its last line need not end.
    write(&at("students.txt"), listed.concat().trim_end());
    next("course", "mkdir -p ../submissions");
    // What was uploaded with settings of git's, and an address that would be an option: each starts a program of the student's.
    let program = format!("touch {}; false", at("STARTED").display());
    sh("submissions", &format!("git init --quiet eve; git -C eve config core.fsmonitor '{program}'"));
    write(&at("addresses"), &format!("ada --upload-pack={program}\n"));
    let again = sh("course", &cloning.replace("students.txt", "addresses"));
    assert_eq!(again, "", "who is there is not cloned again");
    fs::rename(at("submissions/ada"), at("ada")).expect("a clone");
    assert_eq!(sh("course", &cloning.replace("students.txt", "addresses")), "ada: not cloned\n");
    fs::rename(at("ada"), at("submissions/ada")).expect("a clone");
    // Who adds all files to git adds one that is not begun, too.
    write(&at("submissions/eve").join(PLACE), &exercise.stub(Language::English).expect("a stub"));
    // A student who has begun anew, and one whose repository is gone.
    sh("hosted/ben", "git commit --quiet --amend --message Anew; git push --quiet --force");
    let listed = read(&at("students.txt"));
    write(&at("students.txt"), &format!("{listed}\ngone {}/gone.git", hosted.display()));
    assert_eq!(next("course", "exercises="), "gone: not fetched\n");
    // Of a repository nothing is written but the exercises: all of it may be more than the disk has room for.
    assert_eq!(sh("submissions", "cd ada; find . -path ./.git -prune -o -type f -print"), format!("./{PLACE}\n"));
    let anew = sh("hosted/ben", "git rev-parse HEAD");
    assert_eq!(sh("submissions/ben", "git rev-parse HEAD"), anew);
    next("course", "cargo run -- grade ");
    let standings = |directory: &str| {
        lines_in(&at(directory)).into_iter().map(|line| (line.student, line.standing)).collect::<BTreeMap<_, _>>()
    };
    let wanted = [("ada", Standing::Complete), ("ben", Standing::Refused), ("eve", Standing::Missing)];
    let wanted = wanted.map(|(who, how)| (who.to_owned(), how));
    assert_eq!(standings("grades"), wanted.clone().into());

    for language in Language::ALL {
        assert_eq!(named_fields(&read(&page(language))), fields(&read(&at("grades/results.jsonl"))), "{language:?}");
    }
    // Once more: what has changed is graded, and no other.
    write(&at("submissions/ben").join(PLACE), &refused_at(7));
    let said = sh("course", "cargo run -- grade ../submissions --to ../grades");
    assert!(said.contains("1/1 ben") && said.contains("Graded 1 submissions"), "{said}");
    assert_eq!(read(&at("grades/results.jsonl")).lines().count(), 4);

    // Other points are those of what has a grade already, too.
    write(&at("points"), "2 byte_at 3\n");
    let row = |options: &str| {
        let said = sh("course", &format!("cargo run -- grade ../submissions --to ../grades {options}"));
        assert!(said.contains("Graded 0 submissions"), "{said}");
        let csv = read(&at("grades/results.csv"));
        let row = csv.lines().find(|row| row.starts_with("ada,2,complete,")).expect("her row");
        row.split(',').skip(3).take(2).collect::<Vec<_>>().join(" of ")
    };
    let said = sh("course", "cargo run -- grade ../submissions --to ../grades --points ../points");
    assert!(said.contains("3 grades have other points now, of: ada, ben, eve\n"), "{said}");
    assert_eq!(row("--points ../points"), "6 of 6");
    assert_eq!(row(""), "4 of 4");

    // What everybody has taken away is missing, and not as it was.
    let answers = ["ada", "ben"].map(|student| at("submissions").join(student).join(PLACE));
    let texts = answers.each_ref().map(|path| read(path));
    answers.iter().for_each(|path| fs::remove_file(path).expect("an answer"));
    let said = sh("course", "cargo run -- grade ../submissions --to ../grades");
    assert!(said.contains("ada, exercise 2: not handed in") && said.contains("Graded 2 submissions"), "{said}");
    for (path, text) in answers.iter().zip(texts) {
        // With the ends of lines that an editor has made.
        write(path, &text.replace('\n', "\r\n"));
    }
    write(&at("submissions/eve").join(PLACE), &exercise.stub(Language::English).expect("a stub").replace('\n', "\r\n"));
    let said = sh("course", "cargo run -- grade ../submissions --to ../grades");
    assert!(said.contains("Graded 2 submissions"), "{said}");

    // Meanwhile a student has gone on.
    sh("hosted/ben", "git commit --quiet --allow-empty --message More; git push --quiet");
    assert_eq!(next("course", "while read -r name address || [ \"$name\" ]; do\n"), "gone: not published\n");
    assert!(!at("STARTED").exists());
    assert!(next("hosted/ada", "git fetch ").starts_with("Exercise 2: complete"));
    assert!(sh("hosted", "git -C ben.git show grades:GRADES.txt").contains("line 7"));
    assert_eq!(sh("hosted", "git -C ben.git ls-tree --name-only grades"), "GRADES.txt\n");
    next("course", "rm -rf ../feedback");
    let packed = fs::read(at("feedback.zip")).expect("a file");
    assert!(packed.starts_with(b"PK"));
    for student in ["ada", "ben", "eve"] {
        let name = format!("{student}/GRADES.txt");
        assert!(packed.windows(name.len()).any(|bytes| bytes == name.as_bytes()), "{name}");
        let text = read(&at("grades/students").join(format!("{student}.txt")));
        assert_eq!(read(&at("feedback").join(&name)), text);
    }

    // The page has the first of four parts; all four together are the class.
    next("course", "cargo run -- grade ../submissions --to ../parts --shard 1/4");
    for part in ["2/4", "3/4", "4/4"] {
        sh("course", &format!("cargo run -- grade ../submissions --to ../parts --shard {part}"));
    }
    fs::remove_dir_all(at("grades")).expect("a directory");
    next("course", "cargo run -- merge ");
    assert_eq!(standings("grades"), wanted.into());
}

/// The two blocks for students: ada commits and packs. What commits is returned.
fn blocks_that_students_run(next: &mut impl FnMut(&str, &str) -> String) -> String {
    next("hosted/ada", "git add --force ");
    next("hosted/ada", "cargo run -- pack ../ada.tar");
    blocks().swap_remove(1)
}
