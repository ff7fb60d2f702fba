//! A class: what is handed in and how it is found, the results and what is made of them. The grading itself is tried in
//! tests/attacks.rs, which needs bubblewrap.

mod common;

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::slice;

use mmap_workbook::class::{Points, Unread, merge, pack, submissions};
use mmap_workbook::course::{Course, Lesson, lesson};
use mmap_workbook::process::Child;
use mmap_workbook::text::Language;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use tempfile::{TempDir, tempdir};

fn lessons() -> [&'static Lesson; 2] {
    [lesson(1).expect("lesson 1"), lesson(2).expect("lesson 2")]
}

/// A directory with these files.
fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = tempdir().expect("a directory");
    for (path, text) in files {
        let path = directory.path().join(path);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(path, text).expect("a file");
    }
    directory
}

/// What each student has handed in for the exercises 1 and 2: the text, `-` for nothing, or why not.
fn handed(class: &Path) -> Vec<(String, String, String)> {
    let all = submissions(&[class.to_owned()]).expect("submissions");
    let texts = all.iter().map(|one| {
        let texts = one.texts(&lessons());
        let [first, second] = [&texts[0], &texts[1]].map(|text| match text {
            None => "-".to_owned(),
            Some(Ok(text)) => text.clone(),
            Some(Err(Unread::Refused(why))) => format!("error: {}", why.en),
            Some(Err(Unread::Problem(why))) => format!("problem: {}", why.en),
        });
        (one.student.clone(), first, second)
    });
    texts.collect()
}

#[test]
fn a_student_hands_in_files_or_the_course_or_an_archive() {
    // The archive that `pack` makes of a course in which exercise 2 is begun.
    let course = directory(&[
        ("lessons/1_traditional_io/exercise.rs", "the stub"),
        ("tests/answers/1_traditional_io/stub.en.rs", "the stub"),
        ("lessons/2_mmap_munmap/exercise.rs", "two, packed"),
        ("tests/answers/2_mmap_munmap/stub.en.rs", "the stub"),
    ]);
    let packed = course.path().join("dora.tar");
    assert_eq!(pack(&Course::at(course.path()), &packed).expect("an archive"), [2]);
    assert!(pack(&Course::at(course.path()), &packed).is_err(), "one that is there is not replaced");
    symlink("elsewhere.tar", course.path().join("link.tar")).expect("a link");
    assert!(pack(&Course::at(course.path()), &course.path().join("link.tar")).is_err(), "a link leads nowhere");
    assert!(!course.path().join("elsewhere.tar").exists());
    let class = directory(&[
        ("ann/exercise_1.rs", "one"),
        ("ann/exercise_2.rs", "two"),
        ("bob/lessons/2_mmap_munmap/exercise.rs", "two, in the course"),
        ("bob/README.md", "whatever"),
        ("chen/notes.txt", "nothing of it"),
        ("both/exercise_2.rs", "one"),
        ("both/lessons/2_mmap_munmap/exercise.rs", "another"),
        (".git/HEAD", "what a tool keeps"),
    ]);
    fs::copy(&packed, class.path().join("dora.tar")).expect("a copy");
    fs::create_dir(class.path().join("emil")).expect("a directory");
    fs::copy(&packed, class.path().join("emil/whatever.tar")).expect("a copy");
    fs::write(class.path().join("fay.tar"), "no archive").expect("a file");
    let handed = handed(class.path());
    let of = |name: &str| {
        let (_, first, second) = handed.iter().find(|(student, ..)| student == name).expect("a student");
        [&**first, &**second]
    };
    assert_eq!(handed.len(), 7, "{handed:?}");
    assert_eq!(of("ann"), ["one", "two"]);
    assert_eq!(of("bob"), ["-", "two, in the course"]);
    assert_eq!(of("chen"), ["-", "-"]);
    assert_eq!(of("dora"), ["-", "two, packed"]);
    assert_eq!(of("emil"), ["-", "two, packed"]);
    assert!(of("both")[1].contains("which one counts?"), "{handed:?}");
    assert!(of("fay")[1].contains("fay.tar"), "{handed:?}");
}

/// Runs it in a child that has this limit.
fn limited(resource: Resource, most: u64, body: impl FnOnce()) {
    let (child, _peer) = Child::fork(|_| {
        // SAFETY: no handler is installed. Without this a write past the limit kills.
        unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) }?;
        setrlimit(resource, most, most)?;
        body();
        Ok(())
    })
    .expect("a child");
    child.wait().expect("it ends").success().expect("it passes");
}

#[test]
fn what_this_machine_can_not_read_is_not_refused() {
    let class = directory(&[("ada/exercise_1.rs", "one")]);
    let ada = &submissions(&[class.path().to_owned()]).expect("submissions")[0];
    limited(Resource::RLIMIT_NOFILE, 3, || {
        let texts = ada.texts(&lessons());
        assert!(matches!(texts[0], Some(Err(Unread::Problem(_)))), "{texts:?}");
    });
}

#[test]
fn of_an_archive_that_can_not_be_written_nothing_is_left() {
    let course = directory(&[
        ("lessons/1_traditional_io/exercise.rs", "one"),
        ("tests/answers/1_traditional_io/stub.en.rs", "the stub"),
    ]);
    let to = course.path().join("ada.tar");
    limited(Resource::RLIMIT_FSIZE, 100, || {
        let error = pack(&Course::at(course.path()), &to).expect_err("it is larger").to_string();
        assert!(error.contains("ada.tar") && !to.exists(), "{error}");
    });
    assert_eq!(pack(&Course::at(course.path()), &to).expect("an archive"), [1]);
}

#[test]
fn a_submission_reaches_no_file_outside_it() {
    let class = directory(&[("secret", ""), ("class/ann/x", ""), ("class/bob/x", "")]);
    fs::write(class.path().join("secret"), "the teacher's").expect("a file");
    symlink(class.path().join("secret"), class.path().join("class/ann/exercise_1.rs")).expect("a link");
    let mut archive = tar::Builder::new(fs::File::create(class.path().join("class/bob/bob.tar")).expect("a file"));
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    let secret = class.path().join("secret");
    archive.append_link(&mut header, "exercise_1.rs", &secret).expect("an entry");
    archive.finish().expect("an archive");
    let handed = handed(&class.path().join("class"));
    assert!(handed[0].1.contains("symbolic link"), "{handed:?}");
    assert!(handed[1].1.contains("not a regular file"), "{handed:?}");
}

#[test]
fn what_is_no_text_is_refused_unread() {
    let class =
        directory(&[("ann/exercise_1.rs", ""), ("bob/exercise_1.rs/x", ""), ("chen/lessons", ""), ("dora/x", "")]);
    let path = |name: &str| class.path().join(name);
    // A terabyte in which nothing is, a link to itself, and what begins with its encoding.
    fs::File::create(path("ann/exercise_2.rs")).and_then(|file| file.set_len(1 << 40)).expect("a sparse file");
    symlink("exercise_2.rs", path("bob/exercise_2.rs")).expect("a link");
    fs::write(path("chen/exercise_2.rs"), b"\xff\xfef\0n\0").expect("a file");
    let _socket = UnixListener::bind(path("dora/exercise_1.rs")).expect("a socket");
    mkfifo(&path("dora/exercise_2.rs"), Mode::S_IRWXU).expect("a FIFO");
    let handed = handed(class.path());
    let wanted = [
        ["", "exercise_2.rs: it is larger than 1 MiB"],
        ["exercise_1.rs: it is not a regular file", "exercise_2.rs: a symbolic link is not followed"],
        ["-", "exercise_2.rs: it is not UTF-8"],
        ["exercise_1.rs: ", "exercise_2.rs: it is not a regular file"],
    ];
    for ((student, first, second), [one, two]) in handed.iter().zip(wanted) {
        assert!(first.contains(one) && second.contains(two), "{student}: {first}, {second}");
        // A student is told of this, and not where the teacher keeps it.
        assert!(![first, second].iter().any(|why| why.contains(path("").to_str().expect("UTF-8"))), "{first} {second}");
    }
}

/// An archive with these entries, its end left out.
fn archive(entries: &[(&str, tar::EntryType, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, kind, text) in entries {
        let mut header = tar::Header::new_gnu();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_link_name("/etc/passwd").expect("a name");
        header.set_size(text.len().try_into().expect("a length"));
        header.set_cksum();
        bytes.extend(header.as_bytes());
        bytes.extend(*text);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes
}

#[test]
fn an_archive_is_read_only_for_its_texts() {
    use tar::EntryType as Kind;

    let class = directory(&[("x", "")]);
    let path = |name: &str| class.path().join("class").join(name);
    fs::create_dir_all(path("files and an archive")).expect("a directory");
    let text = |name| archive(&[(name, Kind::Regular, b"text")]);
    let mut endless = text("exercise_1.rs");
    endless[124..136].copy_from_slice(b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xfe\0");
    // Its size, and that of the block that follows, are together 2^64.
    let mut sparse = tar::Header::new_gnu();
    sparse.set_entry_type(Kind::GNUSparse);
    sparse.set_size(u64::MAX - 1023);
    sparse.as_gnu_mut().expect("a header of GNU's").isextended = [1];
    sparse.set_cksum();
    let overflowing = [&sparse.as_bytes()[..], &[0; 512]].concat();
    let pax = |record: &[u8]| archive(&[("p", Kind::XHeader, record), ("x", Kind::Regular, b"text")]);
    let kilobytes = "./".repeat(3000) + "exercise_1.rs";
    let kilobytes = [("././@LongLink", Kind::GNULongName, kilobytes.as_bytes()), ("x", Kind::Regular, b"text")];
    let cases: &[(&str, Vec<u8>, &str)] = &[
        ("above", text("../../exercise_1.rs"), "text"),
        ("absolute", text("/exercise_1.rs"), "text"),
        ("in a directory", text("./ann/lessons/1_traditional_io/exercise.rs"), "text"),
        ("deeper", text("a/b/exercise_1.rs"), "-"),
        ("named by pax", pax(b"22 path=exercise_1.rs\n"), "text"),
        ("named by kilobytes", archive(&kilobytes), "-"),
        ("a hard link", archive(&[("exercise_1.rs", Kind::Link, b"")]), "not a regular file"),
        ("a device", archive(&[("exercise_1.rs", Kind::Char, b"")]), "not a regular file"),
        ("a FIFO", archive(&[("exercise_1.rs", Kind::Fifo, b"")]), "not a regular file"),
        ("a directory", archive(&[("exercise_1.rs", Kind::Directory, b"")]), "not a regular file"),
        (
            "a linked directory",
            archive(&[
                ("lessons", Kind::Symlink, b""),
                ("lessons/1_traditional_io/exercise.rs", Kind::Regular, b"text"),
            ]),
            "text",
        ),
        ("twice", [text("exercise_1.rs"), text("exercise_1.rs")].concat(), "which one counts?"),
        ("two megabytes", archive(&[("exercise_1.rs", Kind::Regular, &vec![b' '; 2 << 20])]), "larger than 1 MiB"),
        ("cut off", text("exercise_1.rs")[..514].to_vec(), "cut off.tar: "),
        ("endless", endless, "endless.tar: "),
        ("overflowing", overflowing, "overflowing.tar: "),
        ("compressed", b"\x1f\x8b\x08\0rest".to_vec(), "compressed.tar: "),
        ("empty", Vec::new(), "-"),
        ("files and an archive/old", text("exercise_1.rs"), ""),
    ];
    for (student, bytes, _) in cases {
        fs::write(path(&format!("{student}.tar")), bytes).expect("an archive");
    }
    // What is in the archive is older, or somebody else's.
    fs::write(path("files and an archive/exercise_2.rs"), "newer").expect("a file");
    // A name of all these bytes, which would be read whole.
    fs::write(path("long name.tar"), archive(&[("././@LongLink", Kind::GNULongName, b"x")])).expect("an archive");
    let long = fs::File::options().write(true).open(path("long name.tar")).expect("an archive");
    long.set_len(1 << 40).expect("a sparse file");
    symlink(path("above.tar"), path("a link.tar")).expect("a link");
    mkfifo(&path("no archive.tar"), Mode::S_IRWXU).expect("a FIFO");
    let more =
        [("long name", "larger than 64 MiB"), ("a link", "not a regular file"), ("no archive", "not a regular file")];
    let wanted = cases.iter().map(|(student, _, wanted)| (*student, *wanted)).chain(more);
    let handed = handed(&path(""));
    for (student, wanted) in wanted.filter(|(student, _)| !student.contains('/')) {
        let (_, first, _) = handed.iter().find(|(name, ..)| name == student).expect("a student");
        assert!(first.contains(wanted), "{student}: {first}");
    }
    let both = handed.iter().find(|(name, ..)| name == "files and an archive").expect("a student");
    assert_eq!((&*both.1, &*both.2), ("-", "newer"));
    assert_eq!(fs::read_dir(class.path()).expect("a directory").count(), 2, "nothing was unpacked");
}

fn workbook(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_workbook"));
    command.args(arguments).env("WORKBOOK_LANG", "en").output().expect("it runs")
}

/// It is refused with one line that has these words in it.
fn assert_refused(arguments: &[&str], words: &[&str]) {
    let output = workbook(arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.lines().count() == 1, "{arguments:?}: {said}");
    for word in words {
        assert!(said.contains(word), "{arguments:?}: {word} is named: {said}");
    }
}

#[test]
#[cfg_attr(feature = "handout", ignore = "grading a class needs the solutions, which are with the teacher")]
fn what_can_not_be_graded_is_named_in_one_line() {
    let class = directory(&[
        ("empty/.keep", ""),
        ("one/ann/exercise_1.rs", ""),
        ("two/ann.tar", ""),
        ("file/readme.txt", ""),
        ("points", "2 byte_at 3\n2 no_such_function 1\n"),
        ("grades/results.jsonl", "{\"student\": 1}\n"),
    ]);
    let path = |name: &str| class.path().join(name).display().to_string();
    let (to, points) = (path("to"), path("points"));
    let grade = |more: &[&str], words: &[&str]| assert_refused(&[&["grade", "--to", &to], more].concat(), words);
    grade(&[&path("nowhere")], &["nowhere"]);
    grade(&[&path("empty")], &["no submission"]);
    grade(&[&path("one"), &path("two")], &["ann", "same student"]);
    grade(&[&path("file")], &["readme.txt", ".tar"]);
    grade(&[&path("one"), "--points", &points], &["points:2", "no function no_such_function; it has byte_at, "]);
    assert_refused(&["grade", &path("one"), "--to", &path("one/grades")], &["one/grades", "among the submissions"]);
    assert_refused(&["grade", &path("one"), "--to", &path("one/../one")], &["among the submissions"]);
    assert!(!Path::new(&path("one/grades")).exists());
    for name in ["of two\nlines", "\u{1b}[31m", &"long".repeat(63)] {
        fs::create_dir_all(class.path().join("names").join(name)).expect("a directory");
        grade(&[&path("names")], &["name"]);
        fs::remove_dir(class.path().join("names").join(name)).expect("a directory");
    }
    assert_refused(&["grade", "--to", &path("grades"), &path("one")], &["results.jsonl:1", "not a result"]);
    assert_refused(&["merge", "--to", &to, &path("grades")], &["results.jsonl:1", "not a result"]);
    assert_refused(&["merge", "--to", &to, &path("points")], &["points:1"]);
}

/// A line of results.
fn line(student: &str, lesson: u8, standing: &str, points: u32) -> String {
    let failed = standing == "unsolved";
    let check = serde_json::json!({
        "function": "byte_at", "further": false, "name": "returns_each_byte", "verdict": if failed { "failed" } else { "passed" },
        "signal": null, "message": failed.then_some("it is <wrong> & \"so\""),
        "misconception": failed.then_some("close-unmaps"), "see_first": null, "seconds": 0.25,
    });
    let line = serde_json::json!({
        "format": 1, "student": student, "lesson": lesson, "standing": standing, "points": points, "of": 4, "skipped": 0,
        "reason": (standing == "refused").then_some("line 1: `asm` is not allowed"), "compiler_errors": null,
        "checks": if standing == "refused" { vec![] } else { vec![check] }, "seconds": 1.5, "text": "00", "course": "11",
        "compiler": "1.88.0", "sandbox": true,
    });
    format!("{line}\n")
}

#[test]
fn results_of_several_machines_are_put_together() {
    let parts = directory(&[
        ("1/results-1-of-2.jsonl", &(line("ann", 2, "unsolved", 0) + &line("=evil,\"", 2, "refused", 0))),
        // A later grade counts, but not one that is none, and not a line that is still being written.
        (
            "2/results-2-of-2.jsonl",
            &(line("ann", 2, "complete", 4)
                + &line("ann", 2, "problem", 0)
                + &line("bob", 2, "unsolved", 1)
                + &line("cat", 2, "unsolved", 0).replace("\"failed\"", "\"todo\"")
                + "{\"format\":1,\"student\":\"bo"),
        ),
    ]);
    let to = parts.path().join("all");
    let from = ["1", "2"].map(|name| parts.path().join(name));
    assert_eq!(merge(&from, &to, Language::English).expect("results"), (4, 4));
    let read = |name: &str| fs::read_to_string(to.join(name)).expect("a file");
    let csv = read("results.csv");
    let rows: Vec<&str> = csv.lines().collect();
    assert_eq!(rows[0].split(',').next(), Some("student"));
    assert!(rows[1].starts_with("\"'=evil,\"\"\",2,refused,0,4,"), "a formula is a text, in quotation marks: {csv}");
    assert!(rows[2].starts_with("ann,2,complete,4,4,1,0,0,"), "{csv}");
    assert!(rows[3].starts_with("bob,2,unsolved,1,4,0,1,0,"), "{csv}");
    let page = read("index.html");
    assert!(page.contains("=evil,&quot;") && page.contains("What is believed"), "{page}");
    assert!(page.contains("<a href=\"students/%3Devil%2C%22.txt\">=evil,"), "{page}");
    let junit = read("junit.xml");
    let junit = roxmltree::Document::parse(&junit).expect("XML");
    let failures = junit.descendants().filter(|node| node.has_tag_name("failure")).map(|node| node.text());
    assert_eq!(failures.collect::<Vec<_>>(), [Some("it is <wrong> & \"so\""); 2]);
    assert!(read("students/bob.txt").contains("it is <wrong>"));
    assert!(read("students/cat.txt").contains("\nbyte_at: still to do\n"), "{}", read("students/cat.txt"));
    assert!(!read("students/cat.txt").contains("wrong"), "what is to do has no feedback");
    // Merged again with itself it stays the same.
    let again = parts.path().join("again");
    assert_eq!(merge(&[to.clone(), from[0].clone()], &again, Language::English).expect("results").1, 4);
    // Into the directory of the parts, and once more when one of them has a newer grade.
    let (part, merged) = (from[0].join("results-1-of-2.jsonl"), from[0].join("results.jsonl"));
    assert_eq!(merge(&from[..1], &from[0], Language::English).expect("results").1, 2);
    let newer = fs::read_to_string(&part).expect("a file") + &line("ann", 2, "solved", 3);
    fs::write(&part, newer).expect("a file");
    assert_eq!(merge(&from[..1], &from[0], Language::English).expect("results").1, 2);
    assert!(fs::read_to_string(merged).expect("a file").contains("\"points\":3"));
    // Of parts of different wholes the one that was written last counts, whatever they are called.
    let older = fs::File::options().append(true).open(from[1].join("results-2-of-2.jsonl")).expect("a file");
    older.set_modified(std::time::UNIX_EPOCH).expect("a time");
    let (parts, last) = ([from[1].clone(), part], to.join("last"));
    merge(&parts, &last, Language::English).expect("results");
    let csv = fs::read_to_string(last.join("results.csv")).expect("a file");
    assert!(csv.contains("\nann,2,solved,3,"), "{csv}");
}

#[test]
#[cfg_attr(feature = "handout", ignore = "grading a class needs the solutions, which are with the teacher")]
fn a_forged_line_of_results_does_nothing() {
    let place = directory(&[]);
    let (part, to) = (place.path().join("part.jsonl"), place.path().join("grades"));
    let merged = |text: &str| {
        fs::write(&part, text).expect("a file");
        merge(slice::from_ref(&part), &to, Language::English)
    };
    for student in ["../../outside", "/tmp/outside", "..", "", "of two\nlines", "nul\0"] {
        let error = merged(&line(student, 2, "unsolved", 0)).expect_err(student).to_string();
        assert!(error.contains("part.jsonl:1: that is no name"), "{error}");
    }
    let error = merged("{\"format\":2,\"people\":[]}\n").expect_err("a newer version").to_string();
    assert!(error.contains("format 2, not 1"), "{error}");
    assert!(merged(&"[".repeat(1 << 20)).is_err() && merged("{}").is_err());
    // Numbers that no grading gives.
    let many = line("ann", 1, "complete", u32::MAX) + &line("ann", 2, "complete", u32::MAX);
    merged(&many.replace("\"skipped\":0", "\"skipped\":9")).expect("results");
    let page = fs::read_to_string(to.join("index.html")).expect("a page");
    assert!(page.contains(&format!("<td>{}/8", 2 * u64::from(u32::MAX))), "{page}");
    // Formulas for a spreadsheet that has another character between fields, or takes a wide one for it.
    merged(&(line("a;=1", 2, "unsolved", 0) + &line("＝1", 2, "unsolved", 0))).expect("results");
    let csv = fs::read_to_string(to.join("results.csv")).expect("a table");
    assert!(csv.contains("\n\"a;=1\",2,") && csv.contains("\n'＝1,2,"), "{csv}");
    // In a directory that others may write to.
    let parts =
        directory(&[("one.jsonl", &line("ann", 2, "unsolved", 0)), ("two.jsonl/x", ""), ("index.html", "mine")]);
    mkfifo(&parts.path().join("three.jsonl"), Mode::S_IRWXU).expect("a FIFO");
    fs::remove_file(to.join("index.html")).expect("a file");
    symlink(parts.path().join("index.html"), to.join("index.html")).expect("a link");
    assert_eq!(merge(&[parts.path().to_owned()], &to, Language::English).expect("results"), (1, 1));
    assert_eq!(fs::read_to_string(parts.path().join("index.html")).expect("a file"), "mine");
    // Where another program adds grades, none is lost.
    let results = fs::File::open(to.join("results.jsonl")).expect("a file");
    let _locked = Flock::lock(results, FlockArg::LockExclusiveNonblock).expect("a lock");
    let error = merged(&line("ann", 2, "unsolved", 0)).expect_err("it is locked").to_string();
    assert!(error.contains("another program"), "{error}");
    let (class, to) = (directory(&[("ann/exercise_1.rs", "")]), to.display().to_string());
    assert_refused(&["grade", "--to", &to, &class.path().display().to_string()], &["another program"]);
}

#[test]
fn each_function_is_worth_what_the_table_says() {
    let course = Course::at(env!("CARGO_MANIFEST_DIR"));
    let table = directory(&[
        ("points", "# a comment\n2 byte_at 3 # and another\n\n2 unsafe 2\n"),
        ("bad", "9 byte_at 3\n"),
        ("slip", "2 byteat 3\n"),
    ]);
    assert!(Points::of_file(&table.path().join("points"), &course).is_ok());
    let error = Points::of_file(&table.path().join("bad"), &course).expect_err("no such lesson");
    assert!(error.to_string().contains("bad:1"), "{error}");
    let error = Points::of_file(&table.path().join("slip"), &course).expect_err("no such function").to_string();
    assert!(error.contains("slip:1: exercise 2 has no function byteat; it has byte_at, "), "{error}");
    assert!(Points::of_file(&PathBuf::from("/nowhere"), &course).is_err());
}
