//! `workbook update`: merges what is new in the exercises into what the learner has written; and brings a handout to a newer
//! one.
//!
//! git leaves a learner's exercise.rs alone, and so it keeps the contract that it was begun with. The stub that it was begun
//! from is found anew each time: the one most like it, among those of the course and of git's history. Nothing has to be
//! remembered, and it makes no difference whether git ignores the file or tracks it, or how the course became newer.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::git::{git, history, run};
use super::handout::{SUMS, files, hash_of, text_of};
use crate::course::{Course, Exercise, LESSONS, Lesson, replace};
use crate::error::{named, other};
use crate::text;
use crate::text::{Language, Text};

/// What an update has done.
#[derive(Debug)]
pub struct Updated {
    /// What to tell the learner, a paragraph each.
    pub done: Vec<Text>,
    /// The conflicts that are left, with file and line.
    pub conflicts: Vec<Text>,
}

/// Merges what is new in the exercises into the learner's files. With `newer`, a handout, it first takes what is new from
/// there, and then brings the other files; those that the learner has changed keep a backup.
///
/// # Errors
/// One line. Where something can't be read, or an exercise has a conflict still, nothing has been changed.
pub fn update(course: &Course, newer: Option<&Path>, language: Language) -> io::Result<Updated> {
    let root = course.root();
    let in_course = |path: &Path| path.strip_prefix(root).unwrap_or(path).display().to_string();
    let changes = newer.map(|newer| Changes::between(course, &Course::at(newer))).transpose()?;
    let theirs = newer.map_or(course.clone(), Course::at);
    let mut merges = Vec::new();
    for lesson in LESSONS {
        let exercise = course.exercise(lesson);
        if let Some(text) = merged(course, &exercise, &theirs, lesson)? {
            merges.push((lesson, exercise.path(), text));
        }
    }
    let (mut done, mut conflicts) = (Vec::new(), Vec::new());
    for (Lesson { number, .. }, path, text) in merges {
        // If the name is a symbolic link, the file that it leads to.
        let file = path.canonicalize().map_err(|error| named(path.display(), &error))?;
        let permissions = file.metadata().map_err(|error| named(path.display(), &error))?.permissions();
        let backup = in_course(&replace(&file, text.as_bytes(), permissions)?);
        done.push(text!(
            "Exercise {number}: what is new in its contracts is in your file now. The file as it was is saved in {backup}",
            "第 {number} 课：约定中的新内容已经合并到你的文件里。合并之前的文件保存在 {backup}"
        ));
        let place = in_course(&path);
        let marks = (1..).zip(text.lines()).filter(|(_, line)| line.starts_with("<<<<<<< "));
        conflicts.extend(marks.map(|(line, _)| {
            text!(
                "{place}:{line}: a merge conflict: yours comes first, then the new text; put them together, and delete the \
                 lines that mark it",
                "{place}:{line}：有合并冲突：先是你写的，后是新的内容；把两边合到一起，再删掉标记冲突的那几行"
            )
        }));
    }
    if done.is_empty() {
        done.push(Text::fixed("Your exercises have nothing to merge.", "你的练习没有需要合并的内容。"));
    }
    if let Some(changes) = changes {
        done.extend(changes.apply(root)?);
    }
    course.begin(language);
    Ok(Updated { done, conflicts })
}

/// The learner's text with what is new in the exercise; None where there is no text, only a stub, or nothing new.
fn merged(course: &Course, exercise: &Exercise, newer: &Course, lesson: &Lesson) -> io::Result<Option<String>> {
    let ours = match exercise.path().exists() {
        true => exercise.text()?,
        false => return Ok(None),
    };
    // The program replaces a stub by the new one anyway.
    if exercise.is_stub(&ours)? {
        return Ok(None);
    }
    let Some((language, base)) = origin(course, lesson, &ours)? else { return Ok(None) };
    let theirs = match newer.exercise(lesson).stub(language) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        stub => stub?,
    };
    let merged = three_way(&ours, &base, &with_todos_of(&base, &theirs, &ours))?;
    Ok(Some(merged).filter(|merged| *merged != ours))
}

/// The stub that the learner's text was begun from, with its language: the one most like it, the newest of several. None
/// where it was written anew.
fn origin(course: &Course, lesson: &Lesson, ours: &str) -> io::Result<Option<(Language, String)>> {
    let (exercise, mut stubs) = (course.exercise(lesson), Vec::new());
    for language in Language::ALL {
        stubs.push((language, exercise.stub(language)?));
    }
    for (path, text) in history(course.root(), &format!("tests/answers/{}_*/stub.*.rs", lesson.number))? {
        let language = Language::ALL.into_iter().find(|language| path.ends_with(&format!(".{}.rs", language.code())));
        stubs.extend(language.map(|language| (language, text)));
    }
    let like = stubs.into_iter().filter_map(|stub| Some((difference(&stub.1, ours)?, stub)));
    Ok(like.min_by_key(|(difference, _)| *difference).map(|(_, stub)| stub))
}

/// The number of lines that either a stub or a text has and the other lacks. None where the text has less than half of the
/// stub's contracts.
fn difference(stub: &str, text: &str) -> Option<u64> {
    let mut counts = BTreeMap::<&str, i64>::new();
    text.lines().for_each(|line| *counts.entry(line).or_default() -= 1);
    let (kept, gone): (Vec<_>, Vec<_>) =
        stub.lines().filter(|line| line.starts_with("//")).partition(|line| counts.contains_key(line));
    stub.lines().for_each(|line| *counts.entry(line).or_default() += 1);
    (kept.len() >= gone.len()).then(|| counts.values().map(|count| count.unsigned_abs()).sum())
}

/// The exercises in which the learner's file has something of a contract that is no longer so, by their numbers. Where that
/// can't be found out, nothing is known of it.
pub fn outdated(course: &Course) -> Vec<u8> {
    let is_outdated = |lesson: &Lesson| -> io::Result<bool> {
        let exercise = course.exercise(lesson);
        let ours = exercise.text()?;
        let lines: BTreeSet<_> = ours.lines().collect();
        for language in Language::ALL {
            // Most often all is there, and git need not be asked.
            if exercise.stub(language)?.lines().all(|line| is_todo(line) || lines.contains(line)) {
                return Ok(false);
            }
        }
        let Some((language, base)) = origin(course, lesson, &ours)? else { return Ok(false) };
        let today = exercise.stub(language)?;
        let today: BTreeSet<_> = today.lines().collect();
        Ok(base.lines().any(|line| !is_todo(line) && lines.contains(line) && !today.contains(line)))
    };
    LESSONS.iter().filter(|lesson| is_outdated(lesson).unwrap_or(false)).map(|lesson| lesson.number).collect()
}

fn is_todo(line: &str) -> bool {
    line.trim_start().starts_with("todo!(")
}

/// The stub `theirs`, where each `todo!` that the learner has replaced says what it says in `base`: that it says something
/// else now would be a conflict with the learner's code.
fn with_todos_of(base: &str, theirs: &str, ours: &str) -> String {
    // Each line, with the function that it is in.
    fn lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
        text.lines().scan("", |function, line| {
            if let Some((before, after)) = line.split_once("fn ")
                && !before.contains("//")
            {
                *function = after.split(['(', '<']).next().unwrap_or_default();
            }
            Some((*function, line))
        })
    }
    let kept: BTreeSet<_> = ours.lines().collect();
    let replaced: BTreeMap<_, _> = lines(base).filter(|(_, line)| is_todo(line) && !kept.contains(line)).collect();
    let lines = lines(theirs).map(|(function, line)| match replaced.get(function) {
        Some(old) if is_todo(line) => *old,
        _ => line,
    });
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// What git makes of `ours` and `theirs`, which were both made from `base`; where it can't, with the lines that mark a
/// conflict.
fn three_way(ours: &str, base: &str, theirs: &str) -> io::Result<String> {
    let directory = tempfile::tempdir()?;
    let with_ends_of_ours =
        |text: &str| if ours.contains("\r\n") { text.replace('\n', "\r\n") } else { text.to_owned() };
    for (name, text) in
        [("ours", ours.to_owned()), ("base", with_ends_of_ours(base)), ("theirs", with_ends_of_ours(theirs))]
    {
        fs::write(directory.path().join(name), text)?;
    }
    let labels = ["-L", "yours", "-L", "the stub that it was begun from", "-L", "the new stub"];
    let files = ["ours", "base", "theirs"];
    let arguments = [&["-c", "merge.conflictStyle=merge", "merge-file", "-p"][..], &labels, &files].concat();
    let merged = run(directory.path(), &arguments)?;
    match merged.status.code() {
        // The number of conflicts.
        Some(0..128) => String::from_utf8(merged.stdout).map_err(io::Error::other),
        _ => git(directory.path(), &arguments).and(Err(ErrorKind::Other.into())),
    }
}

/// What is to be done to a handout so that it becomes a newer one.
struct Changes {
    /// The files of the newer one that are to be written, and whether the learner's version of each is to be kept.
    write: Vec<(PathBuf, Vec<u8>, Permissions, bool)>,
    /// The files that are no longer there.
    remove: Vec<PathBuf>,
    /// What [`SUMS`] says then.
    sums: BTreeMap<PathBuf, String>,
}

impl Changes {
    fn between(course: &Course, newer: &Course) -> io::Result<Changes> {
        let (root, from) = (course.root(), newer.root());
        if !course.is_handout() {
            let root = root.display();
            return Err(other(text!(
                "{root}: it is no handout: `git pull` brings a newer course",
                "{root}：不是学生版课程：更新课程用 `git pull`"
            )));
        }
        if !newer.is_handout() {
            let from = from.display();
            return Err(other(text!("{from}: it is no handout", "{from}：不是学生版课程")));
        }
        let read = |path: &Path| match fs::read(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            read => read.map(Some).map_err(|error| named(path.display(), &error)),
        };
        let known = read(&root.join(SUMS))?.unwrap_or_default();
        let known = String::from_utf8_lossy(&known);
        let mut known: BTreeMap<_, _> =
            known.lines().filter_map(|line| line.split_once(' ')).map(|(hash, path)| (Path::new(path), hash)).collect();
        let mut changes = Changes { write: Vec::new(), remove: Vec::new(), sums: BTreeMap::new() };
        for path in files(from)? {
            let place = from.join(&path);
            let bytes = fs::read(&place).map_err(|error| named(place.display(), &error))?;
            let permissions = place.metadata().map_err(|error| named(place.display(), &error))?.permissions();
            let (hash, ours) = (hash_of(&bytes), read(&root.join(&path))?);
            let was = known.remove(path.as_path());
            if path != Path::new(SUMS) {
                changes.sums.insert(path.clone(), hash.clone());
            }
            match ours.map(|ours| hash_of(&ours)) {
                _ if path == Path::new(SUMS) => {}
                Some(ours) if ours == hash => {}
                // Changed by the learner only.
                Some(_) if was == Some(&hash) => {}
                ours => changes.write.push((path, bytes, permissions, ours.is_some() && ours.as_deref() != was)),
            }
        }
        for (path, was) in known {
            if read(&root.join(path))?.is_some_and(|ours| hash_of(&ours) == was) {
                changes.remove.push(path.to_owned());
            }
        }
        Ok(changes)
    }

    /// Does it. If it is interrupted, the next update does the rest.
    fn apply(self, root: &Path) -> io::Result<Vec<Text>> {
        let (written, removed) = (self.write.len(), self.remove.len());
        let mut done = vec![text!(
            "New or changed files: {written}. Files that are no longer there: {removed}.",
            "新增或有改动的文件：{written} 个；去掉的文件：{removed} 个。"
        )];
        for (path, bytes, permissions, keep) in self.write {
            let place = root.join(&path);
            if keep {
                let backup = replace(&place, &bytes, permissions)?;
                let (path, backup) = (path.display(), backup.strip_prefix(root).unwrap_or(&backup).display());
                done.push(text!(
                    "{path}: you had changed it. Your version is saved in {backup}",
                    "{path}：你改过这个文件。你的版本保存在 {backup}"
                ));
            } else {
                put(&place, &bytes, permissions).map_err(|error| named(place.display(), &error))?;
            }
        }
        for path in self.remove.iter().map(|path| root.join(path)) {
            fs::remove_file(&path).map_err(|error| named(path.display(), &error))?;
            // Only a directory with nothing in it goes.
            let _ = path.parent().map(fs::remove_dir);
        }
        let place = root.join(SUMS);
        put(&place, text_of(&self.sums).as_bytes(), Permissions::from_mode(0o644))
            .map_err(|error| named(place.display(), &error))?;
        Ok(done)
    }
}

/// Writes the file, whole or not at all.
fn put(path: &Path, bytes: &[u8], permissions: Permissions) -> io::Result<()> {
    let directory = path.parent().ok_or(ErrorKind::NotFound)?;
    fs::create_dir_all(directory)?;
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().set_permissions(permissions)?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::{difference, three_way, with_todos_of};

    #[test]
    fn a_todo_that_was_replaced_has_its_old_words_and_another_one_the_new() {
        let base = "/// A fn f(\npub fn f() {\n    todo!(\"one\")\n}\n\nfn g<T>() {\n    todo!(\"one\")\n}\n";
        let ours = base
            .replacen("    todo!(\"one\")", "    1", 2)
            .replace("fn g<T>() {\n    1", "fn g<T>() {\n    todo!(\"g\")");
        let theirs = "pub fn f() {\n    todo!(\"two\")\n}\n\nfn g<T>() {\n    todo!(\"two\")\n}\n\nfn h() {\n    todo!(\"h\")\n}\n";
        let wanted = theirs.replace("\"two\"", "\"one\"");
        assert_eq!(with_todos_of(base, theirs, &ours), wanted);
        assert_eq!(with_todos_of(base, theirs, base), theirs, "nothing was replaced");
    }

    #[test]
    fn what_a_stub_or_a_text_lacks_is_counted_unless_most_contracts_are_gone() {
        assert_eq!(difference("a\nb\nb\n", "b\nc\r\n"), Some(3));
        assert_eq!(difference("// a\r\nb\n", "// a\nb"), Some(0));
        assert_eq!(difference("// a\n/// b\nc\n", "// a\nc\n"), Some(1));
        assert_eq!(difference("// a\n/// b\n// c\nd\n", "// a\nd\n"), None);
    }

    #[test]
    fn a_merge_keeps_the_ends_of_the_learners_lines_and_marks_a_conflict() {
        let base = "a\nb\nc\nd\n";
        let merged = |ours: &str, theirs: &str| three_way(ours, base, theirs).expect("git");
        assert_eq!(merged("a\r\nb\r\nc\r\nmine\r\n", "new\nb\nc\nd\n"), "new\r\nb\r\nc\r\nmine\r\n");
        let conflict = merged("a\nmine\nc\nd\n", "a\nnew\nc\nd\n");
        assert_eq!(conflict, "a\n<<<<<<< yours\nmine\n=======\nnew\n>>>>>>> the new stub\nc\nd\n");
    }
}
