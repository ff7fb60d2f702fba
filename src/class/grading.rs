//! Grades one answer: looks at its text, compiles it, looks at the binary, runs the checks.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::forbidden::forbidden;
use super::places::in_places;
use super::points::Points;
use super::results::{FORMAT, Line, Standing};
use super::sandbox::{Room, Sandbox, Shown};
use super::shape::Shape;
use super::submissions::{Handed, Unread, names};
use super::workshop::{Compiled, SOURCE, Workshop};
use crate::course::feedback::CheckLine;
use crate::course::grading::{Apart, Binary, Checked, Grade, add_what_the_text_says, checks_of};
use crate::course::{Checks, Course, Lesson};
use crate::error::{in_words, other};
use crate::grade::deadline;
use crate::text;
use crate::text::{Language, Text, hash};
use crate::ui::{harmless, visible};

/// The most bytes of the compiler's errors that are kept: a text may have its own errors in it, and each as long as itself.
const ERRORS: usize = 64 << 10;
/// The most bytes of a reason that are kept: a name in an archive may be as long as the archive.
const REASON: usize = 1 << 10;
/// The most bytes of what a student is told of a check: an answer may return as much as it likes, and all of it is shown.
const MESSAGE: usize = 16 << 10;
/// The most bytes of a check's temporary files.
const TEMPORARY: u64 = 256 << 20;

/// What grades answers to some lessons' exercises, as often as asked, also at the same time in several threads.
#[derive(Debug)]
pub struct Grader<'a> {
    course: &'a Course,
    sandbox: &'a Sandbox,
    points: &'a Points,
    language: Language,
    workshop: Workshop,
    exercises: BTreeMap<u8, Known>,
    directory: PathBuf,
}

/// What is known of an exercise.
#[derive(Debug)]
struct Known {
    checks: Checks,
    /// None before the grading is tried out.
    tried: Option<Tried>,
}

/// What the trial of an exercise's grading has shown.
#[derive(Debug)]
struct Tried {
    /// The stub's binary.
    stub: Shape,
    /// The checks that can't be done on this machine, even with the solution.
    skipped: BTreeSet<String>,
}

/// What came of an answer.
enum Graded {
    Refused(Text),
    Grade(Grade),
}

impl<'a> Grader<'a> {
    /// Builds what is needed, in `directory`, which is empty.
    ///
    /// # Errors
    /// When the course can't be built: one line.
    pub fn prepare(
        course: &'a Course,
        lessons: &[&Lesson],
        sandbox: &'a Sandbox,
        points: &'a Points,
        language: Language,
        directory: &Path,
        waiting: &mut dyn FnMut(Duration),
    ) -> io::Result<Grader<'a>> {
        let place = directory.join("course");
        fs::create_dir_all(&place)?;
        let workshop = Workshop::prepare(course, lessons, &place, waiting)?;
        let mut exercises = BTreeMap::new();
        for lesson in lessons {
            exercises.insert(lesson.number, Known { checks: course.exercise(lesson).checks()?, tried: None });
        }
        Ok(Grader { course, sandbox, points, language, workshop, exercises, directory: directory.to_owned() })
    }

    /// The hash of what decides a verdict.
    pub fn version(&self) -> &str {
        &self.workshop.course
    }

    /// Tries whether the grading can be relied on here: the solution of each exercise is solved, its stub is not, and a
    /// program that would report by itself is refused, by its text and by its binary. `at_once` are tried at the same time,
    /// and `trying` is called with the number of those that have been.
    ///
    /// # Errors
    /// What is not as it should be: one line.
    pub fn try_out(&mut self, lessons: &[&Lesson], at_once: usize, mut trying: impl FnMut(usize)) -> io::Result<()> {
        let (grader, mut all) = (&*self, Vec::new());
        trying(0);
        in_places(
            at_once,
            lessons,
            |place, lesson, to| to.send(grader.tried(lesson, place).map(|tried| (lesson.number, tried))),
            |tried| {
                all.push(tried?);
                trying(all.len());
                Ok(())
            },
        )?;
        for (n, tried) in all {
            if let Some(known) = self.exercises.get_mut(&n) {
                known.tried = Some(tried);
            }
        }
        Ok(())
    }

    /// Tries the grading of one exercise.
    fn tried(&self, lesson: &Lesson, place: usize) -> io::Result<Tried> {
        let (n, exercise) = (lesson.number, self.course.exercise(lesson));
        let failed = |Text { en, zh }: Text| {
            other(text!("the grading of exercise {n} does not work here: {en}", "练习 {n} 的批改在这里不可靠：{zh}"))
        };
        let until = Instant::now() + TRIES_WITHIN;
        let job = Job::new(&self.directory, place)?;
        let stub = exercise.stub(Language::English)?;
        let compiled = |text: &str| match self.workshop.compile(self.sandbox, place, lesson, text, job.path(), until)? {
            Compiled::Binary(binary) => Ok(binary),
            Compiled::Errors(errors) => {
                let errors = visible(&errors);
                let first = errors.lines().next().unwrap_or_default();
                Err(failed(text!("the stub does not compile: {first}", "骨架文件无法编译：{first}")))
            }
        };
        let binary = compiled(&stub)?;
        let shape = Shape::of(&binary)?;
        self.workshop.keep(lesson, job.path())?;
        let grade = self.checked(&binary, job.path(), lesson, &stub, place, until)?;
        if Standing::of(&grade) != Standing::Unsolved || grade.checks().iter().any(Checked::has_passed) {
            return Err(failed(text!("the stub passes a check", "骨架文件通过了某项检查")));
        }
        let forged = stub + FORGED;
        if forbidden(&forged).is_none() || Shape::of(&compiled(&forged)?)?.beyond(&shape).is_none() {
            return Err(failed(text!("a forged report is not refused", "伪造的结果没有被拒绝")));
        }
        let binary = compiled(&exercise.solution()?)?;
        if let Some(Text { en, zh }) = Shape::of(&binary)?.beyond(&shape) {
            return Err(failed(text!("the solution is refused: {en}", "参考答案被拒绝：{zh}")));
        }
        let grade = self.checked(&binary, job.path(), lesson, &exercise.solution()?, place, until)?;
        if let Some(check) = grade.checks().iter().find(|check| check.has_failed()) {
            let nothing = text!("", "");
            let happened = check.report.failure.as_ref().map_or(&nothing, |failure| &failure.happened);
            let (name, Text { en, zh }) = (&check.name, happened);
            return Err(failed(text!("its solution fails {name}: {en}", "参考答案没有通过 {name}：{zh}")));
        }
        Ok(Tried { stub: shape, skipped: grade.skipped().into_iter().map(Checked::id).collect() })
    }

    /// The grade of an answer as a line of the results. Nothing is left of it when this returns. `place` is none that is in
    /// use, and `until` is when it has to end.
    pub fn line(&self, student: &str, lesson: &Lesson, handed: Option<Handed>, place: usize, until: Instant) -> Line {
        let began = Instant::now();
        let known = self.exercises.get(&lesson.number);
        let functions = known.into_iter().flat_map(|known| known.checks.functions.iter().map(|(name, _)| &**name));
        let mut line = Line {
            format: FORMAT,
            student: student.to_owned(),
            lesson: lesson.number,
            standing: Standing::Missing,
            points: 0,
            of: self.points.at_most(lesson, functions),
            skipped: 0,
            reason: None,
            compiler_errors: None,
            checks: Vec::new(),
            seconds: 0.0,
            text: text_id(handed.as_ref()),
            course: self.version().to_owned(),
            compiler: self.workshop.compiler.clone(),
            sandbox: self.sandbox.is_one(),
        };
        // In one line, also where a file's name has several.
        let reason =
            |why: &Text| Some(harmless(beginning(why.in_language(self.language), REASON)).replace('\n', "\\n"));
        match handed {
            None => {
                let [one, other_one] = names(lesson);
                line.reason = reason(&text!(
                    "there is no {one}, no {other_one} and no archive with one of them, or it is as it was handed out",
                    "没有 {one}，没有 {other_one}，也没有包含它们之一的归档文件；或者有，但和发下去时一样"
                ));
            }
            // What was handed in is no text.
            Some(Err(Unread::Refused(why))) => (line.standing, line.reason) = (Standing::Refused, reason(&why)),
            Some(Err(Unread::Problem(why))) => (line.standing, line.reason) = (Standing::Problem, reason(&why)),
            Some(Ok(text)) => match self.grade(lesson, &text, place, until) {
                Err(error) => (line.standing, line.reason) = (Standing::Problem, reason(&in_words(&error))),
                Ok(Graded::Refused(why)) => (line.standing, line.reason) = (Standing::Refused, reason(&why)),
                Ok(Graded::Grade(grade)) => {
                    line.standing = Standing::of(&grade);
                    line.skipped = grade.skipped().len();
                    if let Grade::DoesNotCompile(errors) = &grade {
                        line.compiler_errors = Some(beginning(&harmless(&visible(errors)), ERRORS).to_owned());
                    }
                    let checks = grade.checks().iter();
                    line.checks =
                        checks.map(|check| CheckLine::of(self.course, lesson, check, self.language)).collect();
                    for message in line.checks.iter_mut().filter_map(|check| check.message.as_mut()) {
                        message.truncate(beginning(message, MESSAGE).len());
                    }
                    line.points = self.points.of(lesson, &line.checks);
                }
            },
        }
        line.seconds = began.elapsed().as_secs_f64();
        line
    }

    fn grade(&self, lesson: &Lesson, text: &str, place: usize, until: Instant) -> io::Result<Graded> {
        if let Some((line, Text { en, zh })) = forbidden(text) {
            return Ok(Graded::Refused(text!("line {line}: {en}", "第 {line} 行：{zh}")));
        }
        let job = Job::new(&self.directory, place)?;
        let binary = match self.workshop.compile(self.sandbox, place, lesson, text, job.path(), until)? {
            Compiled::Binary(binary) => binary,
            Compiled::Errors(errors) => return Ok(Graded::Grade(Grade::DoesNotCompile(errors))),
        };
        let tried = self.exercises.get(&lesson.number).and_then(|known| known.tried.as_ref());
        let tried = tried.ok_or_else(|| other(text!("the grading was not tried out", "批改还没有试运行")))?;
        if let Some(why) = Shape::of(&binary)?.beyond(&tried.stub) {
            return Ok(Graded::Refused(why));
        }
        let mut grade = self.checked(&binary, job.path(), lesson, text, place, until)?;
        grade.fail_skipped_but(&tried.skipped);
        Ok(Graded::Grade(grade))
    }

    /// Runs the checks.
    fn checked(
        &self,
        binary: &Path,
        job: &Path,
        lesson: &Lesson,
        text: &str,
        place: usize,
        until: Instant,
    ) -> io::Result<Grade> {
        let Some(known) = self.exercises.get(&lesson.number) else {
            return Err(other(text!("this exercise was not prepared", "这个练习没有准备好")));
        };
        let root = job.join(SOURCE);
        // A todo!() is known by the source.
        let read = &[binary, &root].map(Shown::same);
        let empty = job.join("disk");
        fs::create_dir_all(&empty)?;
        let disk = lesson.needs_a_disk.then_some(&*empty);
        let room = Room { read, write: None, addresses: None, file: None, temporary: TEMPORARY, disk, place };
        let apart = Apart { sandbox: self.sandbox.before(&room), root: root.clone(), until };
        let mut checks = Binary::apart(binary, apart).run(&checks_of(lesson, &known.checks), deadline(), |_| ())?;
        add_what_the_text_says(&mut checks, text);
        Ok(Grade::Checked { of: 0, checks, newly_right: Vec::new() })
    }
}

/// The directory of an answer that is graded. Dropping it removes it.
struct Job(PathBuf);

impl Job {
    fn new(directory: &Path, place: usize) -> io::Result<Job> {
        let path = directory.join(format!("job-{place}"));
        // A compiler that is killed may write until the last moment, and so leave a file where all were removed.
        fs::remove_dir_all(&path).or_else(|error| match error.kind() {
            ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })?;
        fs::create_dir(&path)?;
        Ok(Job(path))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        // Where that fails, the next one in this place tries again.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// At most this number of bytes of a text, in whole characters.
fn beginning(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rfind(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

/// The id of what was handed in.
pub(super) fn text_id(handed: Option<&Handed>) -> Option<String> {
    handed.map(|handed| match handed {
        Ok(text) => hash(text),
        Err(Unread::Refused(why) | Unread::Problem(why)) => hash(&why.en),
    })
}

/// How long the trial of an exercise may take.
const TRIES_WITHIN: Duration = Duration::from_secs(600);

/// Code that would run before the checks.
const FORGED: &str = "
#[used]
#[unsafe(link_section = \".init_array\")]
static BEFORE_MAIN: extern \"C\" fn() = before_main;
extern \"C\" fn before_main() {}
";

#[cfg(test)]
mod tests {
    use std::fs;

    use super::Job;

    #[test]
    fn what_is_left_of_an_answer_is_not_there_for_the_next_one() {
        let directory = tempfile::tempdir().expect("a directory");
        let job = Job::new(directory.path(), 0).expect("a directory");
        fs::write(job.path().join("left"), "").expect("a file");
        std::mem::forget(job);
        let next = Job::new(directory.path(), 0).expect("a directory");
        assert_eq!(fs::read_dir(next.path()).expect("a directory").count(), 0);
    }
}
