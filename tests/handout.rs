//! A course that is handed out has no answers, and learners keep what they wrote when it becomes newer.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::Findings;
use mmap_workbook::course::{Course, Exercise, HANDOUT, LESSONS, Lesson, listed, versions};
use mmap_workbook::text::Language;
use tempfile::TempDir;

const STUB: &str = "\
/// The number of bytes.
///
/// - It is at most 9.
pub fn length() -> u64 {
    todo!(\"count\")
}

/// The first byte.
pub fn first(file: &File) -> u8 {
    todo!(\"read it\")
}
";
/// What a later version of the course has.
const NEWER: &str = "\
/// The number of bytes.
///
/// - It is at most 8.
pub fn length() -> u64 {
    todo!(\"count them\")
}

/// The first byte.
pub fn first(file: &File) -> u8 {
    todo!(\"read one byte\")
}

/// The last byte.
pub fn last(file: &File) -> u8 {
    todo!(\"read it\")
}
";
const BODY: &str = "    // An hour of work.\n    7";

/// The stub with the learner's function.
fn learners(stub: &str) -> String {
    let todo = stub.lines().find(|line| line.contains("todo!")).expect("something to do");
    stub.replacen(todo, BODY, 1)
}

/// As much of a course as the commands look at, with an exercise.
struct Bare {
    directory: TempDir,
}

impl Bare {
    fn new() -> Bare {
        let course = Bare { directory: tempfile::tempdir().expect("a directory") };
        course.write("Cargo.toml", "[features]\nhandout = []\n");
        course.write("README.md", "# A course\n\nWhat it is about.\n");
        course.write(".gitignore", "/target\n*~\n/lessons/*/exercise.rs\n");
        course.write("lessons/1_traditional_io/lesson.rs", "//! A lesson\n");
        course.write("tests/answers/1_traditional_io/solution.rs", "the solution\n");
        course.has_stub(STUB);
        course
    }

    fn root(&self) -> &Path {
        self.directory.path()
    }

    fn write(&self, path: &str, text: &str) {
        write(self.root(), path, text);
    }

    /// Gives the course this stub, as a maintainer does.
    fn has_stub(&self, stub: &str) {
        let (directory, chinese) = ("tests/answers/1_traditional_io", stub.replace("The", "中文"));
        let known = fs::read_to_string(self.root().join(directory).join("stub.versions")).unwrap_or_default();
        self.write(&format!("{directory}/stub.en.rs"), stub);
        self.write(&format!("{directory}/stub.zh.rs"), &chinese);
        let versions = versions(stub, Some(&chinese)).join("\n");
        self.write(&format!("{directory}/stub.versions"), &format!("{known}{versions}\n"));
    }

    /// The course with a repository of its own.
    fn tracked() -> Bare {
        let course = Bare::new();
        git(course.root(), &["init", "--quiet", "--initial-branch=main"]);
        course.commit();
        course
    }

    fn commit(&self) {
        commit(self.root(), &["."]);
    }

    /// A handout made of the course.
    fn handout(&self) -> TempDir {
        let directory = tempfile::tempdir().expect("a directory");
        let Run { status, err, .. } = workbook(self.root(), &["handout", text_of(directory.path())]);
        assert_eq!((status, err.as_str()), (0, ""));
        directory
    }
}

fn text_of(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
    fs::write(path, text).expect("a file");
}

fn read(root: &Path, path: &str) -> String {
    fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The learner's file in the course at `root`.
fn exercise(root: &Path) -> Exercise {
    Course::at(root).exercise(&LESSONS[0])
}

fn git(directory: &Path, arguments: &[&str]) {
    let mut git = Command::new("git");
    git.current_dir(directory).args(["-c", "user.name=A", "-c", "user.email=a@example.org"]).args(arguments);
    let Output { status, stderr, .. } = git.output().expect("git");
    assert!(status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&stderr));
}

fn commit(root: &Path, paths: &[&str]) {
    git(root, &[&["add", "--force"], paths].concat());
    git(root, &["commit", "--quiet", "--message=A change"]);
}

struct Run {
    status: i32,
    out: String,
    err: String,
}

/// Runs the program on the course at `root`.
fn workbook(root: &Path, arguments: &[&str]) -> Run {
    run(Command::new(env!("CARGO_BIN_EXE_workbook")).env("WORKBOOK_LANG", "en").args(arguments), root)
}

fn run(command: &mut Command, root: &Path) -> Run {
    let Output { status, stdout, stderr } = command.env("CARGO_MANIFEST_DIR", root).output().expect("it runs");
    let [out, err] = [stdout, stderr].map(|bytes| String::from_utf8(bytes).expect("text"));
    Run { status: status.code().expect("an exit"), out, err }
}

#[track_caller]
fn assert_refused(run: &Run, words: &[&str]) {
    assert_eq!((run.status, run.err.lines().count()), (1, 1), "{}{}", run.out, run.err);
    for word in words {
        assert!(run.err.contains(word), "{word}: {}", run.err);
    }
}

/// The files below a directory, each with what is in it. Those of git are left out.
fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(root: &Path, directory: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(directory).expect("a directory") {
            let path: PathBuf = entry.expect("an entry").path();
            let name = text_of(path.strip_prefix(root).expect("below it")).to_owned();
            match path.is_dir() {
                true if name == ".git" => {}
                true => walk(root, &path, found),
                false => drop(found.insert(name, fs::read(&path).expect("a file"))),
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(root, root, &mut found);
    found
}

/// The lines of code in a text that say something, without their white space: no brace, no `return Ok(());`.
fn lines_of_code(text: &str) -> Vec<String> {
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.map(|line| line.split_whitespace().collect()).filter(|line: &String| line.len() > 14).collect()
}

/// Three lines of a solution's function that stand together nowhere else are an answer; one or two that do are in lessons,
/// which show how such things are done.
#[test]
#[cfg_attr(feature = "handout", ignore = "the solutions are with the teacher")]
fn a_handout_has_no_answer_in_it_and_is_a_course() {
    let (course, parent) = (Path::new(env!("CARGO_MANIFEST_DIR")), tempfile::tempdir().expect("a directory"));
    let directory = parent.path().join("course");
    let run = workbook(course, &["handout", text_of(&directory)]);
    assert_eq!((run.status, run.err.as_str()), (0, ""));
    let files = files(&directory);
    let texts: BTreeMap<_, _> =
        files.iter().filter_map(|(path, bytes)| Some((path, lines_of_code(str::from_utf8(bytes).ok()?)))).collect();
    assert!(texts.len() > 300, "{} texts", texts.len());
    let mut wrong = Findings::default();
    for lesson in listed().map(Lesson::directory) {
        let own: BTreeSet<_> = ["en.rs", "zh.rs"].map(|end| format!("tests/answers/{lesson}/stub.{end}")).into();
        let taught = [format!("lessons/{lesson}/lesson.rs"), format!("lessons/{lesson}/hints.en.md")];
        let known: BTreeSet<_> =
            own.iter().chain(&taught).flat_map(|path| texts[path].iter().map(String::as_str)).collect();
        let solution = read(course, &format!("tests/answers/{lesson}/solution.rs"));
        let in_functions = solution.lines().filter(|line| line.starts_with("    ")).collect::<Vec<_>>().join("\n");
        let lines = lines_of_code(&in_functions);
        let answers: BTreeSet<_> =
            lines.windows(3).filter(|three| three.iter().any(|line| !known.contains(line.as_str()))).collect();
        assert!(answers.len() > 10, "{lesson}: {} places in its solution", answers.len());
        for (path, lines) in &texts {
            for three in lines.windows(3).filter(|three| answers.contains(three)) {
                wrong.add(path, format!("it has this of lesson {lesson}'s solution: {three:?}"), "leave it out");
            }
        }
    }
    wrong.report();
    // What it says that it lacks it lacks; each is there where it was made.
    let named = String::from_utf8_lossy(&files[HANDOUT]).into_owned();
    let rows: Vec<_> = named.lines().filter_map(|line| line.strip_prefix("- `")?.split('`').next()).collect();
    assert!(rows.len() > 10, "in either language: {named}");
    for beginning in rows.iter().map(|row| row.trim_end_matches('*')) {
        let left = files.keys().filter(|path| path.starts_with(beginning) && !path.contains("/stub."));
        assert_eq!(left.count(), 0, "{beginning}");
        assert!(course.join(beginning).exists() || beginning == "tests/solution_", "{beginning}");
    }
    assert!(!directory.join(".git").exists(), "the history has the answers");
    let mode = |root: &Path| fs::metadata(root.join("book/simulator/build")).expect("a script").permissions().mode();
    assert_eq!(mode(&directory), mode(course));
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(&directory).args(["metadata", "--offline", "--locked", "--format-version=1", "--no-deps"]);
    let Output { status, stdout, stderr } = cargo.output().expect("cargo");
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    let targets = String::from_utf8_lossy(&stdout).into_owned();
    assert!(
        targets.contains("\"exercise_1\"") && !targets.contains("\"answers_1\"") && !targets.contains("\"grading\"")
    );
    assert!(targets.contains("\"default\":[\"handout\"]"), "its tests of answers are ignored");
}

#[test]
fn a_handout_has_what_git_tracks_but_nothing_that_the_teacher_has_written_in_an_exercise() {
    let course = Bare::tracked();
    course.write("lessons/1_traditional_io/exercise.rs", "the teacher's answer\n");
    course.commit();
    for name in ["lessons/1_traditional_io/exercise.rs.~1~", "target/workbook/x", "marks.txt"] {
        course.write(name, "the teacher's\n");
    }
    fs::remove_file(course.root().join("README.md")).expect("a file that git still tracks");
    course.write("lessons/1_traditional_io/lesson.rs", "//! Changed, and not committed\n");
    let handout = course.handout();
    let stubs =
        ["stub.en.rs", "stub.versions", "stub.zh.rs"].map(|name| format!("tests/answers/1_traditional_io/{name}"));
    let others = [".gitignore", "Cargo.toml", "HANDOUT.md", "HANDOUT.sums", "lessons/1_traditional_io/lesson.rs"];
    let wanted: BTreeSet<_> = others.map(str::to_owned).into_iter().chain(stubs).collect();
    assert_eq!(files(handout.path()).into_keys().collect::<BTreeSet<_>>(), wanted);
    assert_eq!(read(handout.path(), "lessons/1_traditional_io/lesson.rs"), "//! Changed, and not committed\n");
    // Without git all that isn't ignored is the course's; also in a directory of somebody's other repository.
    fs::remove_dir_all(course.root().join(".git")).expect("a repository");
    let wanted: BTreeSet<_> = wanted.into_iter().chain(["marks.txt".to_owned()]).collect();
    assert_eq!(files(course.handout().path()).into_keys().collect::<BTreeSet<_>>(), wanted);
    let other = tempfile::tempdir().expect("a directory");
    git(other.path(), &["init", "--quiet"]);
    let inside = other.path().join("course");
    fs::rename(course.root(), &inside).expect("moved");
    let to = other.path().join("handout");
    assert_eq!(workbook(&inside, &["handout", text_of(&to)]).status, 0);
    assert_eq!(files(&to).into_keys().collect::<BTreeSet<_>>(), wanted);
}

#[test]
fn what_cannot_be_handed_out_is_said_in_one_line_and_nothing_is_written() {
    let (course, elsewhere) = (Bare::tracked(), tempfile::tempdir().expect("a directory"));
    let at = |name: &str| text_of(&elsewhere.path().join(name)).to_owned();
    write(elsewhere.path(), "full/mine", "mine\n");
    assert_refused(&workbook(course.root(), &["handout", &at("full")]), &["full: it is not empty"]);
    assert_refused(&workbook(course.root(), &["handout", &at("full/mine")]), &["mine: Not a directory"]);
    assert_refused(&workbook(course.root(), &["handout", &at("no/such")]), &["no: ", "not found"]);
    let handout = course.handout();
    assert_refused(&workbook(handout.path(), &["handout", &at("new")]), &["it is a handout"]);
    let mut without_git = Command::new(env!("CARGO_BIN_EXE_workbook"));
    without_git.env("WORKBOOK_LANG", "en").env("PATH", "").args(["handout", &at("new")]);
    assert_refused(&run(&mut without_git, course.root()), &["git: No such file"]);
    std::os::unix::fs::symlink("README.md", course.root().join("link")).expect("a link");
    course.commit();
    assert_refused(&workbook(course.root(), &["handout", &at("new")]), &["link: it is not a regular file"]);
    assert_eq!(files(elsewhere.path()).into_keys().collect::<Vec<_>>(), ["full/mine"]);
    assert_eq!(fs::read_dir(elsewhere.path()).expect("a directory").count(), 1);
}

#[test]
fn in_a_handout_the_solution_is_with_the_teacher() {
    let handout = Bare::new().handout();
    for arguments in [&["solution", "1"][..], &["solution", "1", "--force"]] {
        let run = workbook(handout.path(), arguments);
        assert_eq!((run.status, run.err.as_str()), (1, ""));
        assert!(run.out.contains("The solution of lesson 1 is with your teacher"), "{}", run.out);
    }
    let mut chinese = Command::new(env!("CARGO_BIN_EXE_workbook"));
    let said = run(chinese.env("WORKBOOK_LANG", "zh").args(["solution", "1"]), handout.path()).out;
    assert!(said.contains("第 1 课的参考答案在老师那里"), "{said}");
}

/// What the learner's file is after an update: the function that was written, and all that is new.
#[track_caller]
fn assert_is_merged(root: &Path, stub: &str) {
    let text = exercise(root).text().expect("a text");
    let contract = text.contains("It is at most 8.") && !text.contains("It is at most 9.");
    assert!(contract && text.contains(BODY), "{text}");
    assert!(text.contains("todo!(\"read one byte\")") && text.contains("pub fn last("), "{text}");
    assert_eq!(text.lines().count(), learners(stub).lines().count(), "{text}");
}

/// The learner's course is a clone; git ignores exercise.rs or, in a fork, tracks it.
#[test]
fn after_a_pull_what_is_new_in_an_exercise_comes_to_what_the_learner_wrote() {
    let chinese = |stub: &str| stub.replace("The", "中文");
    for (tracks, depth, language) in [
        (false, "2147483647", None),
        (true, "2147483647", None),
        (false, "1", None),
        (false, "1", Some(Language::Chinese)),
    ] {
        let [old, new] = [STUB, NEWER].map(|stub| if language.is_some() { chinese(stub) } else { stub.to_owned() });
        let (upstream, parent) = (Bare::tracked(), tempfile::tempdir().expect("a directory"));
        // A version before the one that the learner begins with.
        upstream.has_stub("/// Another exercise.\n");
        upstream.commit();
        upstream.has_stub(STUB);
        upstream.commit();
        let from = format!("file://{}", text_of(upstream.root()));
        git(parent.path(), &["clone", "--quiet", "--depth", depth, &from, "mine"]);
        let mine = parent.path().join("mine");
        let before = learners(&old);
        write(&mine, "lessons/1_traditional_io/exercise.rs", &before);
        if tracks {
            commit(&mine, &["lessons/1_traditional_io/exercise.rs"]);
        }
        let run = workbook(&mine, &["update"]);
        assert!(run.status == 0 && run.out.contains("nothing to merge"), "{}{}", run.out, run.err);
        upstream.has_stub(NEWER);
        upstream.commit();
        git(&mine, &["pull", "--quiet", "--no-rebase", "--no-edit"]);
        assert_eq!(exercise(&mine).text().expect("a text"), before, "git leaves it alone");
        let run = workbook(&mine, &["hint", "1"]);
        assert!(run.err.contains("exercise 1 has a newer contract than your file"), "{}", run.err);
        let run = workbook(&mine, &["update"]);
        assert_eq!((run.status, run.err.as_str()), (0, ""));
        assert!(run.out.contains("Exercise 1: what is new") && run.out.contains("exercise.rs.~1~"), "{}", run.out);
        assert_is_merged(&mine, &new);
        assert_eq!(read(&mine, "lessons/1_traditional_io/exercise.rs.~1~"), before);
        // Once is enough.
        let run = workbook(&mine, &["hint", "1"]);
        assert!(!run.err.contains("newer contract"), "{}", run.err);
        let run = workbook(&mine, &["update"]);
        assert!(run.status == 0 && run.out.contains("nothing to merge"), "{}{}", run.out, run.err);
    }
}

/// What the learner has written anew, or without the contracts, was begun from no stub: there is nothing to merge.
#[test]
fn a_file_that_is_no_longer_like_any_stub_is_left_alone() {
    let course = Bare::tracked();
    course.has_stub(NEWER);
    course.commit();
    let without_contracts: String =
        learners(STUB).lines().filter(|line| !line.starts_with("///")).map(|line| format!("{line}\n")).collect();
    for mine in ["pub fn length() -> u64 {\n    7\n}\n", &without_contracts] {
        course.write("lessons/1_traditional_io/exercise.rs", mine);
        assert!(!workbook(course.root(), &["hint", "1"]).err.contains("newer contract"), "{mine}");
        let run = workbook(course.root(), &["update"]);
        assert!(run.status == 0 && run.out.contains("nothing to merge"), "{}{}", run.out, run.err);
        assert_eq!(read(course.root(), "lessons/1_traditional_io/exercise.rs"), mine);
    }
}

/// A line that the file lacks may be new, or one that the learner deleted and doesn't want to hear of each time.
#[test]
fn what_is_only_new_in_a_contract_comes_when_it_is_asked_for() {
    let course = Bare::tracked();
    course.write("lessons/1_traditional_io/exercise.rs", &learners(STUB));
    course.has_stub(&STUB.replace("/// - It is", "/// - It is even.\n/// - It is"));
    course.commit();
    assert_eq!(workbook(course.root(), &["hint", "1"]).err.matches("newer contract").count(), 0);
    assert_eq!(workbook(course.root(), &["update"]).status, 0);
    assert!(exercise(course.root()).text().expect("a text").contains("/// - It is even.\n"));
    course.write("lessons/1_traditional_io/exercise.rs", &learners(STUB).replace("/// - It is at most 9.\n", ""));
    course.has_stub(NEWER);
    course.commit();
    assert_eq!(workbook(course.root(), &["hint", "1"]).err.matches("newer contract").count(), 0);
}

#[test]
fn what_cannot_be_merged_is_marked_and_named_with_its_line() {
    let course = Bare::tracked();
    course.write("lessons/1_traditional_io/exercise.rs", &learners(STUB));
    let signature = STUB.replace("length() -> u64", "length() -> usize").replace("The first", "The very first");
    course.has_stub(&signature);
    course.commit();
    let run = workbook(course.root(), &["update"]);
    assert!(run.out.contains("exercise.rs.~1~"), "{}", run.out);
    assert_refused(&run, &["lessons/1_traditional_io/exercise.rs:4: a merge conflict"]);
    let text = read(course.root(), "lessons/1_traditional_io/exercise.rs");
    assert!(text.contains(BODY) && text.contains("length() -> usize") && text.contains("The very first"), "{text}");
    // As long as it is there, nothing more is merged.
    let run = workbook(course.root(), &["update"]);
    assert_refused(&run, &["lessons/1_traditional_io/exercise.rs:4: a merge conflict"]);
    assert_eq!(read(course.root(), "lessons/1_traditional_io/exercise.rs"), text);
    assert!(!course.root().join("lessons/1_traditional_io/exercise.rs.~2~").exists());
}

#[test]
fn a_handout_becomes_a_newer_one_and_keeps_what_the_learner_changed() {
    let course = Bare::new();
    for name in
        ["src/same.rs", "src/theirs.rs", "src/mine.rs", "src/both.rs", "src/old/gone.rs", "src/gone_but_mine.rs"]
    {
        course.write(name, "one\n");
    }
    let learner = course.handout();
    let root = learner.path();
    write(root, "lessons/1_traditional_io/exercise.rs", &learners(STUB));
    for name in ["src/mine.rs", "src/both.rs", "src/gone_but_mine.rs", "src/own.rs", "target/x"] {
        write(root, name, "mine\n");
    }
    course.has_stub(NEWER);
    for name in ["src/theirs.rs", "src/both.rs", "src/new/new.rs"] {
        course.write(name, "two\n");
    }
    for name in ["src/old/gone.rs", "src/gone_but_mine.rs"] {
        fs::remove_file(course.root().join(name)).expect("a file");
    }
    let newer = course.handout();
    let before = files(root).into_iter().map(|(path, bytes)| (path, String::from_utf8(bytes).expect("text")));
    let before: BTreeMap<_, _> = before.collect();
    // A teacher may add to it.
    write(newer.path(), "dates.md", "Monday\n");
    let run = workbook(root, &["update", text_of(newer.path())]);
    assert_eq!((run.status, run.err.as_str()), (0, ""));
    assert!(run.out.contains("src/both.rs: you had changed it") && run.out.contains("src/both.rs.~1~"), "{}", run.out);
    assert_is_merged(root, NEWER);
    let mut wanted = files(newer.path());
    let mine = ["src/mine.rs", "src/both.rs.~1~", "src/gone_but_mine.rs", "src/own.rs", "target/x"];
    wanted.extend(mine.map(|name| (name.to_owned(), b"mine\n".to_vec())));
    let mut found = files(root);
    found.retain(|path, _| !path.contains("exercise.rs"));
    // The sums have what the teacher added.
    let sums = [&mut found, &mut wanted].map(|files| files.remove("HANDOUT.sums").expect("sums").len());
    assert!(sums[0] > sums[1], "{sums:?}");
    assert_eq!(found, wanted);
    assert!(!root.join("src/old").exists(), "no directory is left with nothing in it");
    let run = workbook(root, &["update", text_of(newer.path())]);
    assert!(
        run.out.contains("nothing to merge")
            && run.out.contains("New or changed files: 0. Files that are no longer there: 0."),
        "{}",
        run.out
    );
    // As it is when an update was interrupted before its end.
    let after = files(root);
    for name in ["tests/answers/1_traditional_io/stub.en.rs", "HANDOUT.sums"] {
        write(root, name, &before[name]);
    }
    fs::remove_file(root.join("src/new/new.rs")).expect("a file");
    let run = workbook(root, &["update", text_of(newer.path())]);
    assert!(run.status == 0 && run.out.contains("nothing to merge"), "{}{}", run.out, run.err);
    assert_eq!(files(root), after);
    // An exercise that the learner hasn't begun is the new one at once.
    fs::remove_file(exercise(root).path()).expect("a file");
    workbook(root, &["reset", "1"]);
    course.has_stub(&NEWER.replace("It is at most 8.", "It is at most 7."));
    let newer = course.handout();
    workbook(root, &["update", text_of(newer.path())]);
    assert!(exercise(root).text().expect("a text").contains("It is at most 7."));
    assert_eq!(read(root, "HANDOUT.sums"), read(newer.path(), "HANDOUT.sums"));
    assert!(!root.join("lessons/1_traditional_io/exercise.rs.~2~").exists(), "nobody needs a backup of a stub");
}

#[test]
fn what_cannot_be_updated_is_said_in_one_line_and_nothing_is_changed() {
    let course = Bare::new();
    let (learner, newer) = (course.handout(), course.handout());
    write(newer.path(), "new.md", "new\n");
    let refused = |root: &Path, directory: &Path, words: &[&str]| {
        let before = files(root);
        assert_refused(&workbook(root, &["update", text_of(directory)]), words);
        assert_eq!(files(root), before);
    };
    refused(course.root(), newer.path(), &["it is no handout: `git pull`"]);
    refused(learner.path(), course.root(), &["it is no handout"]);
    refused(learner.path(), &learner.path().join("no/such"), &["no/such: it is no handout"]);
    write(learner.path(), "lessons/1_traditional_io/exercise.rs", "<<<<<<< a\n=======\n>>>>>>> b\n");
    refused(learner.path(), newer.path(), &["exercise.rs:1: a merge conflict"]);
    write(learner.path(), "lessons/1_traditional_io/exercise.rs", &learners(STUB));
    write(learner.path(), "new.md/mine", "mine\n");
    refused(learner.path(), newer.path(), &["new.md: Is a directory"]);
}
