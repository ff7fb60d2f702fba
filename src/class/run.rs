//! A class is graded: each submission that has no grade yet, as many at once as asked.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::mpsc::{SendError, Sender};
use std::time::{Duration, Instant};

use super::grading::{Grader, text_id};
use super::pages;
use super::places::in_places;
use super::points::Points;
use super::results::{Line, RESULTS, Results, Standing};
use super::sandbox::Sandbox;
use super::submissions::{Handed, Submission, Unread, submissions};
use crate::course::{Course, Lesson, listed};
use crate::error::{Told, named, other};
use crate::text;
use crate::text::{Text, hash};
use crate::ui::{Terminal, harmless};

/// One of the parts that a class is divided into, for several machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// From 1 on.
    number: usize,
    of: usize,
}

impl Shard {
    /// Whether a student is in this part. It goes by the name alone: a student who comes late moves nobody else.
    fn has(self, student: &str) -> bool {
        let hash = u64::from_str_radix(&hash(student), 16).unwrap_or_default();
        u64::try_from(self.of).map_or(0, |of| hash % of) == u64::try_from(self.number - 1).unwrap_or_default()
    }
}

impl FromStr for Shard {
    type Err = Told;

    fn from_str(text: &str) -> Result<Shard, Told> {
        let numbers = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        numbers
            .filter(|(number, of)| (1..=*of).contains(number))
            .map(|(number, of)| Shard { number, of })
            .ok_or_else(|| Told(text!("not a part of a whole, as 1/4 is", "应当是几分之几，例如 1/4")))
    }
}

/// What is to be graded, and how.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// The directories with the submissions.
    pub directories: &'a [PathBuf],
    /// The lessons whose exercises are graded; of none, those whose exercise somebody in the class has handed in.
    pub lessons: &'a [&'static Lesson],
    /// Where the results go.
    pub to: &'a Path,
    /// The number of submissions that are graded at the same time; 1 without a sandbox.
    pub at_once: usize,
    /// The part of them that is graded, if not all.
    pub shard: Option<Shard>,
    /// How long a submission may take, with all its exercises.
    pub limit: Duration,
    /// What functions are worth.
    pub points: &'a Points,
    /// Whether there is to be a sandbox.
    pub sandbox: bool,
}

/// Grades what was handed in and writes the results. What has a grade is not graded again.
///
/// # Errors
/// When the submissions can't be read, the results can't be written, or the grading doesn't work here: one line.
pub fn grade(course: &Course, wanted: &Wanted, terminal: &mut Terminal) -> io::Result<()> {
    if course.is_handout() {
        return Err(other(text!(
            "this course is a handout, which has no solutions: grade from the teacher's course",
            "这是学生版课程，没有参考答案：请用教师版课程来批改"
        )));
    }
    let mut found = submissions(wanted.directories)?;
    if found.is_empty() {
        return Err(other(text!("there is no submission", "没有任何提交")));
    }
    // Of the whole class, so that each part of it grades the same.
    let mut lessons = match wanted.lessons {
        [] => handed_in_by_anybody(&found, course),
        lessons => lessons.to_vec(),
    };
    if let Some(shard) = wanted.shard {
        found.retain(|one| shard.has(&one.student));
    }
    let in_to = |error: io::Error| named(wanted.to.display(), &error);
    if is_in_one_of(wanted.to, wanted.directories).map_err(in_to)? {
        return Err(in_to(other(text!("the results would be among the submissions", "批改结果会混在提交里"))));
    }
    fs::create_dir_all(wanted.to).map_err(in_to)?;
    let name = match wanted.shard {
        None => RESULTS.to_owned(),
        Some(Shard { number, of }) => format!("results-{number}-of-{of}.jsonl"),
    };
    let mut results = Results::open(&wanted.to.join(name))?;
    if wanted.lessons.is_empty() {
        // Whoever takes an answer away again has none, also where that was the only one.
        let had = |lesson: &&Lesson| {
            results.lines().any(|line| line.lesson == lesson.number && line.standing != Standing::Missing)
        };
        lessons.extend(listed().filter(had));
        lessons.sort_by_key(|lesson| lesson.number);
        lessons.dedup_by_key(|lesson| lesson.number);
        if lessons.is_empty() {
            lessons = listed().collect();
        }
    }
    let wanted = &Wanted { lessons: &lessons, ..*wanted };
    let sandbox = if wanted.sandbox { Sandbox::find(wanted.at_once)? } else { Sandbox::none() };
    let directory = tempfile::tempdir()?;
    let language = terminal.language();
    let mut grader = {
        let mut waiting = |time| terminal.compiling(time);
        Grader::prepare(course, wanted.lessons, &sandbox, wanted.points, language, directory.path(), &mut waiting)?
    };
    // What functions are worth may have changed since.
    let others = wanted.points.again(results.lines(), course)?;
    if !others.is_empty() {
        let (n, names) = (others.len(), others.iter().map(|line| harmless(&line.student)).collect::<BTreeSet<_>>());
        let names = names.into_iter().collect::<Vec<_>>().join(", ");
        terminal.say(&text!("{n} grades have other points now, of: {names}", "有 {n} 个成绩的分数变了：{names}"))?;
    }
    for line in others {
        results.add(line)?;
    }
    let todo: Vec<Task> =
        found.into_iter().filter_map(|one| Task::of(one, course, &results, &grader, wanted)).collect();
    let is_handed_in = |lesson: &&Lesson| todo.iter().any(|task| task.handed_in.contains(&lesson.number));
    let to_try: Vec<&Lesson> = wanted.lessons.iter().copied().filter(is_handed_in).collect();
    let tries = to_try.len();
    grader.try_out(&to_try, wanted.at_once, |n| {
        terminal.busy(&text!("trying out the grading: {n} of {tries} exercises ...", "正在试批：{n}/{tries} 个练习……"));
    })?;
    terminal.idle();
    let (all, mut done, began) = (todo.len(), 0, Instant::now());
    in_places(
        wanted.at_once,
        todo,
        |place, task, to| task.grade(course, wanted, &grader, place, to),
        |message| {
            match message {
                Message::Graded(line) => {
                    say(&line, done + 1, all, terminal)?;
                    results.add(*line)?;
                }
                Message::Ended => done += 1,
            }
            Ok(())
        },
    )?;
    if wanted.shard.is_none() {
        pages::write_all(wanted.to, &results.lines().collect::<Vec<_>>(), language)?;
    }
    let (seconds, to) = (began.elapsed().as_secs(), wanted.to.display());
    terminal.say(&text!(
        "Graded {done} submissions in {seconds} s; the results are in {to}",
        "批改了 {done} 份提交，用时 {seconds} 秒；结果在 {to}"
    ))
}

/// What was handed in for these lessons' exercises. One that nobody has begun is none: a student who adds all files to git
/// adds those, too.
fn handed_in(submission: &Submission, lessons: &[&'static Lesson], course: &Course) -> Vec<Option<Handed>> {
    let is_begun = |(handed, lesson): (Option<Handed>, &&Lesson)| {
        handed.filter(|handed| match handed {
            Ok(text) => !course.exercise(lesson).is_stub(text).unwrap_or(false),
            Err(_) => true,
        })
    };
    let texts = caught(|| submission.texts(lessons))
        .unwrap_or_else(|why| lessons.iter().map(|_| Some(Err(Unread::Problem(why.clone())))).collect());
    texts.into_iter().zip(lessons).map(is_begun).collect()
}

/// What this returns, or the words of its panic: a fault of ours that somebody's answer finds is a problem of that answer, and
/// not the end of the others' grading.
fn caught<T>(what: impl FnOnce() -> T) -> Result<T, Text> {
    catch_unwind(AssertUnwindSafe(what)).map_err(|panic| {
        let words = panic.downcast_ref::<String>().map(String::as_str);
        let words = words.or_else(|| panic.downcast_ref().copied()).unwrap_or_default();
        text!("a fault of this program: {words}", "本程序出错：{words}")
    })
}

/// The lessons for whose exercise there is anything to grade.
fn handed_in_by_anybody(found: &[Submission], course: &Course) -> Vec<&'static Lesson> {
    let all: Vec<&Lesson> = listed().collect();
    let mut by_anybody = BTreeSet::new();
    for submission in found {
        let handed = handed_in(submission, &all, course);
        // What can't be read as a whole, such as half an archive, begins no exercise for the class.
        if handed.iter().all(|handed| matches!(handed, Some(Err(_)))) {
            continue;
        }
        let handed = handed.into_iter().zip(&all).filter(|(handed, _)| handed.is_some());
        by_anybody.extend(handed.map(|(_, lesson)| lesson.number));
    }
    all.into_iter().filter(|lesson| by_anybody.contains(&lesson.number)).collect()
}

/// Whether a path, of what may not be there yet, leads into one of these directories.
fn is_in_one_of(path: &Path, directories: &[PathBuf]) -> io::Result<bool> {
    let path = std::path::absolute(path)?;
    let there = path.ancestors().find_map(|path| path.canonicalize().ok()).unwrap_or_default();
    Ok(directories.iter().filter_map(|directory| directory.canonicalize().ok()).any(|one| there.starts_with(one)))
}

enum Message {
    /// An exercise of a submission.
    Graded(Box<Line>),
    /// All exercises of it.
    Ended,
}

/// A submission, and which of its exercises have no grade yet.
struct Task {
    submission: Submission,
    lessons: Vec<&'static Lesson>,
    /// The numbers of those for which there is something to grade.
    handed_in: BTreeSet<u8>,
}

impl Task {
    /// None when there is nothing to do.
    fn of(
        submission: Submission,
        course: &Course,
        results: &Results,
        grader: &Grader,
        wanted: &Wanted,
    ) -> Option<Task> {
        let texts = handed_in(&submission, wanted.lessons, course);
        let mut task = Task { submission, lessons: Vec::new(), handed_in: BTreeSet::new() };
        for (lesson, handed) in wanted.lessons.iter().zip(texts) {
            let id = text_id(handed.as_ref());
            if !results.has(&task.submission.student, lesson.number, id.as_deref(), grader.version()) {
                task.lessons.push(lesson);
                task.handed_in.extend(handed.map(|_| lesson.number));
            }
        }
        (!task.lessons.is_empty()).then_some(task)
    }

    fn grade(
        &self,
        course: &Course,
        wanted: &Wanted,
        grader: &Grader,
        place: usize,
        to: &Sender<Message>,
    ) -> Result<(), SendError<Message>> {
        let until = Instant::now() + wanted.limit;
        for (lesson, handed) in self.lessons.iter().zip(handed_in(&self.submission, &self.lessons, course)) {
            let student = &self.submission.student;
            let line = caught(|| grader.line(student, lesson, handed, place, until))
                .unwrap_or_else(|why| grader.line(student, lesson, Some(Err(Unread::Problem(why))), place, until));
            to.send(Message::Graded(Box::new(line)))?;
        }
        to.send(Message::Ended)
    }
}

fn say(line: &Line, n: usize, all: usize, terminal: &mut Terminal) -> io::Result<()> {
    let (student, lesson, points, of) = (harmless(&line.student), line.lesson, line.points, line.of);
    let standing = pages::standing_in_words(line.standing);
    let Text { en, zh } = standing;
    // What is missing says so already.
    let why = line.reason.as_ref().filter(|_| line.standing != Standing::Missing);
    let why = why.map_or(String::new(), |reason| format!(" ({reason})"));
    terminal.say(&text!(
        "{n}/{all} {student}, exercise {lesson}: {en}, {points} of {of} points{why}",
        "{n}/{all} {student}，练习 {lesson}：{zh}，{points}/{of} 分{why}"
    ))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Shard, caught, handed_in_by_anybody};
    use crate::class::submissions::submissions;
    use crate::course::Course;

    #[test]
    fn an_archive_that_can_not_be_read_begins_no_exercise_for_the_class() {
        let (class, course) = (tempfile::tempdir().expect("a directory"), Course::at(env!("CARGO_MANIFEST_DIR")));
        let lessons = || {
            let found = submissions(&[class.path().to_owned()]).expect("submissions");
            handed_in_by_anybody(&found, &course).iter().map(|lesson| lesson.number).collect::<Vec<_>>()
        };
        fs::write(class.path().join("ann.tar"), "half an archive").expect("a file");
        assert!(lessons().is_empty());
        fs::create_dir(class.path().join("bob")).expect("a directory");
        fs::write(class.path().join("bob/exercise_2.rs"), "begun").expect("a file");
        // What is wrong with one answer is said of that.
        fs::write(class.path().join("bob/exercise_3.rs"), b"\xff").expect("a file");
        assert_eq!(lessons(), [2, 3]);
    }

    #[test]
    fn a_panic_is_the_problem_of_one_answer() {
        assert_eq!(caught(|| 1), Ok(1));
        let of = |what: fn()| caught(what).expect_err("a panic").en;
        assert_eq!(of(|| panic!("an answer")), "a fault of this program: an answer");
        assert!(of(|| _ = Vec::<u8>::new().remove(0)).contains("index (is 0)"));
    }

    #[test]
    fn each_student_is_in_one_part_and_no_part_has_most_of_them() {
        let parts: Vec<Shard> = ["1/4", "2/4", "3/4", "4/4"].map(|part| part.parse().expect("a part")).to_vec();
        let mut counts = [0; 4];
        for n in 0..1000 {
            let name = format!("student {n}");
            let of: Vec<usize> = (0..4).filter(|part| parts[*part].has(&name)).collect();
            assert_eq!(of.len(), 1, "{name}");
            counts[of[0]] += 1;
        }
        assert!(counts.iter().all(|count| (150..350).contains(count)), "{counts:?}");
        for no_part in ["0/4", "5/4", "1/0", "1", "a/b", "1/4/2"] {
            assert!(no_part.parse::<Shard>().is_err(), "{no_part}");
        }
    }
}
