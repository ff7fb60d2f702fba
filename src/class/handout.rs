//! `workbook handout`: the course without its solutions and other answers, which a class works in.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::git::{git, is_in_repository};
use crate::course::{Course, HANDOUT};
use crate::error::{named, other, told};
use crate::text;
use crate::text::{Text, hash};

/// The file of a handout with the hash of each other file of it, a line `HASH PATH` each: [`update`](super::update) tells
/// by them what a learner has changed.
pub(super) const SUMS: &str = "HANDOUT.sums";

/// What a handout has none of, by how its path begins, and what it is.
const LEFT_OUT: &[(&str, Text)] = &[
    (
        "tests/answers/",
        Text::fixed(
            "the solutions, and other answers, right and wrong; the stubs are there",
            "参考答案，以及其他各种正确和错误的答案；练习的初始文件保留",
        ),
    ),
    (
        "tests/solution_",
        Text::fixed("the tests that grade the solutions as yours are graded", "用批改你的那些检查来批改参考答案的测试"),
    ),
    (
        "tests/grading.rs",
        Text::fixed("the test that each answer gets the right feedback", "检查每个答案都得到应有反馈的测试"),
    ),
    (
        "dev/tests/new_lesson.rs",
        Text::fixed("the test that a new lesson can be begun, answers included", "检查能否新建一课（包括答案）的测试"),
    ),
    (
        ".ci/run",
        Text::fixed("the script that tests the whole course, answers included", "测试整个课程（包括答案）的脚本"),
    ),
    (".ci/mutants", Text::fixed("the script that mutates the solutions", "对参考答案做变异测试的脚本")),
    (
        ".ci/classroom/try",
        Text::fixed("the script that tries its other files with solutions", "用参考答案试运行其余文件的脚本"),
    ),
    (
        ".ci/shards",
        Text::fixed(
            "the script that grades answers made of the solutions, on several machines",
            "把由参考答案变来的作业分到几台机器上批改的脚本",
        ),
    ),
    (
        ".ci/load",
        Text::fixed("the script that measures how fast such answers are graded", "测量批改这些作业有多快的脚本"),
    ),
    (".ci/handout", Text::fixed("the script that tests a handout", "测试学生版的脚本")),
    (".github/workflows/", Text::fixed("the workflows that run them", "运行这些脚本的工作流")),
];

/// Whether a handout lacks the file with this path.
pub fn is_left_out(path: &str) -> bool {
    left_out(path).is_some()
}

/// The row of [`LEFT_OUT`] that a file falls under.
fn left_out(path: &str) -> Option<usize> {
    let is_stub = path.starts_with("tests/answers/") && path.contains("/stub.");
    LEFT_OUT.iter().position(|(beginning, _)| path.starts_with(beginning) && !is_stub)
}

/// Writes the course without its answers to `to`, a directory that is new or empty; all of it, or nothing. What the
/// learner of this course, the teacher, has written in an exercise stays here, and so does git's history, which has the
/// answers. Returns what to tell the teacher.
///
/// # Errors
/// One line: the course is a handout itself; `to` has something in it, or can't be written to; git can't be run, or a file
/// that it tracks can't be read.
pub fn handout(course: &Course, to: &Path) -> io::Result<Text> {
    let root = course.root();
    if course.is_handout() {
        let root = root.display();
        return Err(other(text!(
            "{root}: it is a handout; one is made from the whole course",
            "{root}：这已经是学生版；要生成学生版，得用完整的课程"
        )));
    }
    match fs::read_dir(to).map(|mut entries| entries.next().is_none()) {
        Ok(true) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Ok(false) => {
            let to = to.display();
            return Err(told(ErrorKind::AlreadyExists, text!("{to}: it is not empty", "{to}：目录不是空的")));
        }
        Err(error) => return Err(named(to.display(), &error)),
    }
    let parent = match to.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let temporary = tempfile::Builder::new().prefix(".handout-").tempdir_in(parent);
    // Not tempfile's own words, in which the name is a random one.
    let temporary = temporary.map_err(|error| named(parent.display(), &error.kind().into()))?;
    let new = temporary.path().join("course");
    let (mut left, mut sums) = ([0; LEFT_OUT.len()], BTreeMap::new());
    let mut write = |path: &str, bytes: &[u8]| {
        let to = new.join(path);
        sums.insert(PathBuf::from(path), hash_of(bytes));
        fs::create_dir_all(to.parent().unwrap_or(&new)).and_then(|()| fs::write(&to, bytes))
    };
    for path in files(root)? {
        let from = root.join(&path);
        let read = || -> io::Result<(&str, Vec<u8>, fs::Permissions)> {
            let path = path.to_str().ok_or_else(|| other(text!("its name is not UTF-8", "文件名不是 UTF-8")))?;
            let metadata = fs::symlink_metadata(&from)?;
            match metadata.is_file() {
                true => Ok((path, fs::read(&from)?, metadata.permissions())),
                false => Err(other(text!("it is not a regular file", "不是普通文件"))),
            }
        };
        let (path, bytes, permissions) = match read() {
            // git tracks it still.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            read => read.map_err(|error| named(from.display(), &error))?,
        };
        if let Some(row) = left_out(path) {
            left[row] += 1;
            continue;
        }
        let bytes = match path {
            "Cargo.toml" | "dev/Cargo.toml" => manifest(&String::from_utf8_lossy(&bytes)).into_bytes(),
            "README.md" | "README.zh-CN.md" => readme(path, &String::from_utf8_lossy(&bytes)).into_bytes(),
            _ => bytes,
        };
        let written = write(path, &bytes).and_then(|()| fs::set_permissions(new.join(path), permissions));
        written.map_err(|error| named(to.join(path).display(), &error))?;
    }
    let written = write(HANDOUT, about(&version(root), &left).as_bytes());
    let written = written.and_then(|()| fs::write(new.join(SUMS), text_of(&sums))).and_then(|()| fs::rename(&new, to));
    written.map_err(|error| named(to.display(), &error))?;
    let to = to.display();
    Ok(text!(
        "{to} has the course without its answers, and without git's history, which has them as well. {HANDOUT} there says \
         what is left out.",
        "{to} 里是不含答案的课程，也不含 git 的历史（历史里有答案）。去掉了什么，见其中的 {HANDOUT}。"
    ))
}

/// The files of the course at `root`, as paths from there, in order: those that git tracks, or outside of a repository those
/// that it wouldn't ignore; without those that a learner writes.
pub(super) fn files(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut listed = Vec::new();
    if is_in_repository(root) {
        listed = git(root, &["ls-files", "-z"])?;
    }
    // A copy of the course in somebody's other repository isn't tracked there.
    if listed.is_empty() {
        let repository = tempfile::tempdir()?;
        let directory = format!("--git-dir={}", repository.path().display());
        git(root, &["init", "--quiet", "--bare", &repository.path().display().to_string()])?;
        listed = git(root, &[&directory, "--work-tree=.", "ls-files", "-z", "--others", "--exclude-standard"])?;
    }
    let names = listed.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    let mut files: Vec<_> = names.map(|name| PathBuf::from(OsStr::from_bytes(name))).collect();
    // A teacher has some as well, with answers in them.
    files.retain(|path| !(path.starts_with("lessons") && path.to_string_lossy().contains("/exercise.rs")));
    files.sort();
    // In the middle of a merge, git lists each side of a file.
    files.dedup();
    Ok(files)
}

/// The version of the course at `root`, as git describes it; empty where git doesn't know.
fn version(root: &Path) -> String {
    let described = git(root, &["describe", "--always", "--dirty"]);
    String::from_utf8_lossy(&described.unwrap_or_default()).trim().to_owned()
}

/// The text of [`SUMS`].
pub(super) fn text_of(sums: &BTreeMap<PathBuf, String>) -> String {
    sums.iter().map(|(path, hash)| format!("{hash} {}\n", path.display())).collect()
}

/// The hash of any bytes: that of the text whose characters have these numbers.
pub(super) fn hash_of(bytes: &[u8]) -> String {
    hash(&bytes.iter().copied().map(char::from).collect::<String>())
}

/// A Cargo.toml without the targets that are left out, and with the feature `handout` on: under it, a test that needs an
/// answer is shown as ignored.
fn manifest(text: &str) -> String {
    let is_left_out = |paragraph: &&str| {
        let value = |key: &str| {
            let value = paragraph.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \""));
            value.and_then(|rest| rest.strip_suffix('"'))
        };
        let path = value("path").map(str::to_owned);
        let path = path.or_else(|| value("name").map(|name| format!("tests/{name}.rs")));
        paragraph.contains("[[test]]") && path.is_some_and(|path| is_left_out(&path))
    };
    let kept: Vec<_> = text.split("\n\n").filter(|paragraph| !is_left_out(paragraph)).collect();
    kept.join("\n\n").replace("\nhandout = []\n", "\nhandout = []\ndefault = [\"handout\"]\n")
}

/// A README that says at its beginning that it is a handout's.
fn readme(name: &str, text: &str) -> String {
    let says = match name {
        "README.md" => {
            "This is a handout: the course without its answers. [HANDOUT.md](HANDOUT.md) says what is left out."
        }
        _ => "这是课程的学生版，不含答案。去掉了什么，见 [HANDOUT.md](HANDOUT.md)。",
    };
    let (title, rest) = text.split_once('\n').unwrap_or((text, ""));
    format!("{title}\n\n{says}\n{rest}")
}

/// The text of HANDOUT.md, for a course of this version, with the number of files that fell under each row of [`LEFT_OUT`].
fn about(version: &str, left: &[usize; LEFT_OUT.len()]) -> String {
    let rows = LEFT_OUT.iter().zip(left).filter(|(_, count)| **count > 0);
    let [mut en, mut zh] = [String::new(), String::new()];
    for ((beginning, what), count) in rows {
        let star = if beginning.ends_with(['/', '_']) { "*" } else { "" };
        let _ = writeln!(en, "- `{beginning}{star}` ({count}): {}", what.en);
        let _ = writeln!(zh, "- `{beginning}{star}`（{count} 个文件）：{}", what.zh);
    }
    let [of, of_zh] = match version {
        "" => [String::new(), String::new()],
        version => [format!(" of version {version}"), format!("，版本 {version}")],
    };
    format!(
        "# A handout\n\n\
         This is the course{of} without its answers, written by `workbook handout`. Left out are, with the number of files:\n\n\
         {en}\n\
         `cargo test --workspace` shows each test that needs an answer as ignored. There is no history of the course either.\n\n\
         # 学生版\n\n\
         这是不含答案的课程{of_zh}，由 `workbook handout` 生成。去掉了：\n\n\
         {zh}\n\
         需要答案的测试，`cargo test --workspace` 会一一列为 ignored（已忽略）。这里也没有课程的历史。\n"
    )
}

#[cfg(test)]
mod tests {
    use super::{is_left_out, manifest};

    #[test]
    fn a_stub_is_no_answer() {
        for path in
            ["tests/answers/2_x/stub.en.rs", "tests/answers/2_x/stub.versions", "tests/lesson_2.rs", "src/lib.rs"]
        {
            assert!(!is_left_out(path), "{path}");
        }
        for path in
            ["tests/answers/2_x/solution.rs", "tests/answers/one_of.rs", "tests/solution_2.rs", "tests/grading.rs"]
        {
            assert!(is_left_out(path), "{path}");
        }
    }

    #[test]
    fn a_target_whose_file_is_left_out_goes_with_its_comment() {
        let text = "[features]\n# Why.\nhandout = []\n\n[[test]]\nname = \"exercise_1\"\npath = \"lessons/1_x/graded.rs\"\n\n\
                    # The answers.\n[[test]]\nname = \"answers_1\"\npath = \"tests/answers/1_x/answers.rs\"\n\n\
                    # It takes minutes.\n[[test]]\nname = \"grading\"\ntest = false\n\n[dependencies]\n";
        let wanted = "[features]\n# Why.\nhandout = []\ndefault = [\"handout\"]\n\n[[test]]\nname = \"exercise_1\"\n\
                      path = \"lessons/1_x/graded.rs\"\n\n[dependencies]\n";
        assert_eq!(manifest(text), wanted);
    }
}
