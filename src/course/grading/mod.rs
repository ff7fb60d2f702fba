//! Grades an exercise: builds it, runs each of its checks as a process of its own, and says how each ended.
//!
//! The learner's code may do anything, so an exit status alone is not trusted. A check has passed when its process
//! exited with status 0, libtest's summary counts one passed test, and the check's own report says the same. Each check
//! has a process group of its own and a deadline, and leaves no process.

mod build;
mod calls;
pub(super) mod leftovers;
mod runner;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Duration;

use nix::sys::resource::Resource;

use super::safety::{UNSAFE, unsafe_blocks};
use super::{Checks, Course, Lesson};
use crate::error::{named, other};
use crate::grade::{Failure, Report, Verdict, deadline};
use crate::process::allow;
use crate::text;
use crate::text::Text;

use calls::calls;

pub use build::build;
pub(crate) use build::{Ran, build_limit, cargo, cause, is_in_the_source, run, run_while, too_slow};
pub(crate) use runner::command_after;
pub use runner::{Apart, Binary, Check, TEMPORARY};

/// What is being done.
#[derive(Debug, Clone, Copy)]
pub enum Doing<'a> {
    /// The exercise is compiled, for this long so far.
    Compiling(Duration),
    /// The check with this name is run.
    Checking(&'a str),
}

/// An exercise's checks with their verdicts, or why there are none.
#[derive(Debug)]
pub enum Grade {
    /// The compiler's errors.
    DoesNotCompile(String),
    /// The checks with their verdicts.
    Checked {
        /// The id of the texts that were graded.
        of: u64,
        /// In the order of their files.
        checks: Vec<Checked>,
        /// The functions that are right now and were not when the exercise was checked before.
        newly_right: Vec<String>,
    },
}

impl Grade {
    /// The checks with their verdicts; none when it does not compile.
    pub fn checks(&self) -> &[Checked] {
        if let Grade::Checked { checks, .. } = self { checks } else { &[] }
    }

    /// Whether every check of a core function passed that can be done on this machine.
    pub fn is_solved(&self) -> bool {
        let mut core = self.checks().iter().filter(|check| !check.is_further);
        core.clone().any(Checked::has_passed) && !core.any(Checked::has_failed)
    }

    /// Whether it is solved, and its further functions are right, too.
    pub fn is_complete(&self) -> bool {
        self.is_solved() && !self.checks().iter().any(Checked::has_failed)
    }

    /// The checks that can't be done on this machine.
    pub fn skipped(&self) -> Vec<&Checked> {
        self.checks().iter().filter(|check| check.verdict() == Verdict::Skipped).collect()
    }

    /// Has each check failed that says it can't be done here, but these: with the solution the others could be done, and the
    /// process that says so may be one that runs the learner's code.
    pub(crate) fn fail_skipped_but(&mut self, these: &BTreeSet<String>) {
        let Grade::Checked { checks, .. } = self else { return };
        for check in
            checks.iter_mut().filter(|check| check.verdict() == Verdict::Skipped && !these.contains(&check.id()))
        {
            let said = check.report.failure.take().map_or_else(|| text!("", ""), |failure| failure.happened);
            let Text { en, zh } = said;
            check.report.failure = Some(Failure::new(
                text!(
                    "the check can be done on this machine, as it can with the solution",
                    "这项检查在本机可以进行，参考答案就是这样"
                ),
                text!("it said that it can't: {en}", "它却说不能进行：{zh}"),
            ));
        }
    }

    /// The function to go on with: one of the core that is wrong, or else one that is still to do, then `unsafe`, then a
    /// further one. None when all are right.
    pub fn next(&self) -> Option<&str> {
        let unfinished = self.functions().into_iter().filter(|(_, checks)| !is_right(checks));
        let rank = |(name, checks): &(&str, Vec<&Checked>)| {
            (checks[0].is_further, *name == UNSAFE, !checks.iter().any(|check| check.is_wrong()))
        };
        unfinished.min_by_key(rank).map(|(name, _)| name)
    }

    /// The functions, in order, each with its checks.
    pub fn functions(&self) -> Vec<(&str, Vec<&Checked>)> {
        let mut functions: Vec<(&str, Vec<&Checked>)> = Vec::new();
        for check in self.checks() {
            match functions.last_mut() {
                Some((function, of_it)) if *function == check.function => of_it.push(check),
                _ => functions.push((&check.function, vec![check])),
            }
        }
        functions
    }
}

/// A check and how it ended.
#[derive(Debug)]
pub struct Checked {
    /// The function that it grades.
    pub function: String,
    /// Whether that is a further function, without which the exercise is solved.
    pub is_further: bool,
    /// What it checks.
    pub name: String,
    /// What it says.
    pub report: Report,
    /// A function that this one calls, and that is wrong: perhaps this check fails only for that.
    pub see_first: Option<String>,
    /// What it printed.
    pub output: String,
    /// How long it took.
    pub took: Duration,
}

impl Checked {
    /// Its name among those of an exercise.
    pub(crate) fn id(&self) -> String {
        format!("{}::{}", self.function, self.name)
    }

    /// Whether the answer is right.
    pub fn has_passed(&self) -> bool {
        self.report.failure.is_none()
    }

    /// Whether it says that the answer is not right. One that can't be done says neither.
    pub fn has_failed(&self) -> bool {
        !matches!(self.verdict(), Verdict::Passed | Verdict::Skipped)
    }

    /// Whether it has failed for something else than a `todo!()`.
    pub fn is_wrong(&self) -> bool {
        self.has_failed() && self.verdict() != Verdict::Todo
    }

    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        self.report.failure.as_ref().map_or(Verdict::Passed, |failure| failure.verdict)
    }
}

/// Whether none of a function's checks says that it is not right.
pub(super) fn is_right(checks: &[&Checked]) -> bool {
    !checks.iter().any(|check| check.has_failed())
}

/// More than the largest file of any check: they are sparse.
const LARGEST_FILE: u64 = 16 << 30;
/// More descriptors than cargo, rustc, the linker or a check has open at once.
const DESCRIPTORS: u64 = 256;

/// How often an exercise is built anew because its text has changed meanwhile, or another program has built another one.
const TRIES: usize = 5;

/// Builds the lesson's exercise and runs its checks. `doing` is called once a second while it is built, and before each check.
///
/// # Errors
/// As [`build()`]; when a check can't be started, or a file of the course is missing; when the text changes again and
/// again while it is built; when the limits are too low for the checks.
pub fn grade(course: &Course, lesson: &Lesson, mut doing: impl FnMut(Doing)) -> io::Result<Grade> {
    allow(Resource::RLIMIT_FSIZE, "-f", &text!("bytes in a file", "字节的文件"), LARGEST_FILE)?;
    allow(Resource::RLIMIT_NOFILE, "-n", &text!("descriptors", "个描述符"), DESCRIPTORS)?;
    let exercise = course.exercise(lesson);
    for _ in 0..TRIES {
        let texts = exercise.texts()?;
        let of = texts.id();
        let built = build(course, &exercise.target(), Some(of), &mut |time| doing(Doing::Compiling(time)))?;
        if exercise.texts()?.id() != of {
            continue;
        }
        let binary = match built {
            Ok(binary) => Binary::open(&binary)?,
            Err(diagnostics) => return Ok(Grade::DoesNotCompile(diagnostics)),
        };
        let checks = checks_of(lesson, &texts.checks);
        if checks.is_empty() {
            let directory = exercise.directory().join("checks");
            return Err(named(directory.display(), &other(text!("there are no checks", "没有检查"))));
        }
        let mut checks = match binary.texts()? {
            Ok(texts) if texts == Some(of) => {
                binary.run(&checks, deadline(), |check| doing(Doing::Checking(&check.name)))?
            }
            // Two checkouts may share a target directory.
            Ok(_) => continue,
            Err(failure) => checks.into_iter().map(|check| check.not_run(&failure)).collect(),
        };
        add_what_the_text_says(&mut checks, &texts.exercise);
        return Ok(Grade::Checked { of, checks, newly_right: Vec::new() });
    }
    let changes = other(text!("it changes while it is built", "编译期间它一直在变"));
    Err(named(exercise.path().display(), &changes))
}

/// The checks of a lesson's exercise, to be run.
pub(crate) fn checks_of(lesson: &Lesson, checks: &Checks) -> Vec<Check> {
    let checks = checks.names().map(|(function, name)| Check {
        is_further: lesson.is_further(function),
        function: function.to_owned(),
        name: name.to_owned(),
        answer: None,
    });
    checks.collect()
}

/// Where a check has judged no further, since the function does not do what is easiest, and no check of the function says
/// so, the one that knows it does: an answer may be right for one check and wrong for all others.
fn judge_what_was_left(checks: &mut [Checked]) {
    let wrong: BTreeSet<_> = checks.iter().filter(|one| one.has_failed()).map(|one| one.function.clone()).collect();
    for check in checks.iter_mut().filter(|check| check.has_passed() && !wrong.contains(&check.function)) {
        check.report.failure = check.report.left.take().map(|failure| *failure);
    }
}

/// Adds to the checks of a learner's text what that itself says: which function to see first, and whether each unsafe block
/// is explained.
pub(crate) fn add_what_the_text_says(checks: &mut Vec<Checked>, text: &str) {
    judge_what_was_left(checks);
    refer_to_callees(checks, text);
    checks.extend(safety_of(text));
}

/// The name of the check of the text itself.
pub(super) const SAFETY_CHECK: &str = "each_block_says_why_it_is_sound";

/// The number of unsafe blocks without a comment that are named.
const SHOWN: usize = 10;

/// Refers from each check that fails to the first function that is wrong, too, among those that its function calls.
fn refer_to_callees(checks: &mut [Checked], text: &str) {
    let wrong: Vec<_> = checks.iter().filter(|check| check.has_failed()).map(|check| check.function.clone()).collect();
    let calls = calls(text);
    let mut called: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for name in &wrong {
        called.entry(name).or_insert_with(|| calls.by(name));
    }
    for check in checks.iter_mut().filter(|check| check.has_failed()) {
        let called = called.get(&*check.function);
        let is_called =
            |name: &&String| **name != check.function && called.is_some_and(|called| called.contains(&***name));
        check.see_first = wrong.iter().find(is_called).cloned();
    }
}

/// Checks the text itself: each unsafe block must say why it is sound. None when there is no unsafe block.
fn safety_of(text: &str) -> Option<Checked> {
    let blocks = unsafe_blocks(text);
    if blocks.is_empty() {
        return None;
    }
    let lines: Vec<_> = blocks.iter().filter(|(_, explained)| !explained).map(|(line, _)| line.to_string()).collect();
    let failure = (!lines.is_empty()).then(|| {
        let shown = &lines[..lines.len().min(SHOWN)];
        let (en, zh, all) = (shown.join(", "), shown.join("、"), lines.len());
        let (and_more, of_all) = match all - shown.len() {
            0 => (String::new(), String::new()),
            more => (format!(", and {more} more"), format!("等 {all} 处")),
        };
        Failure::new(
            text!(
                "a comment `// SAFETY: ...` of a few words before each unsafe block",
                "每个 unsafe 块之前都有一条 `// SAFETY: ……` 注释，写成一句话"
            ),
            Text::new(
                format!("there is none before the block in line {en}{and_more}, or one of fewer than three words"),
                format!("第 {zh} 行{of_all}的块前面没有，或者不到六个字"),
            ),
        )
    });
    let rule = text!(
        "An unsafe block makes a promise that the compiler can't check. The comment justifies it: why the pointer is \
         valid, for how long, and what else accesses that memory (clippy: undocumented_unsafe_blocks).",
        "unsafe 块承担了一项编译器无法检查的保证。注释要写明它是什么：指针为什么有效、有效多久、还有谁会访问这块内存\
         （clippy：undocumented_unsafe_blocks）。"
    );
    let report = Report { section: "2:access".to_owned(), rule, failure, left: None, told: None };
    Some(Checked {
        function: UNSAFE.to_owned(),
        is_further: false,
        name: SAFETY_CHECK.to_owned(),
        report,
        see_first: None,
        output: String::new(),
        took: Duration::ZERO,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::{Checked, Grade, judge_what_was_left};
    use crate::grade::{Failure, Report};
    use crate::text;

    fn checked(function: &str, failure: Option<Failure>, left: Option<Failure>) -> Checked {
        Checked {
            function: function.to_owned(),
            is_further: false,
            name: "is_right".to_owned(),
            report: Report {
                section: String::new(),
                rule: text!("", ""),
                failure,
                left: left.map(Box::new),
                told: None,
            },
            see_first: None,
            output: String::new(),
            took: Duration::ZERO,
        }
    }

    #[test]
    fn what_no_check_says_is_said_by_the_one_that_left_it_to_another() {
        let wrong = || Some(Failure::new(text!("one", ""), text!("two", "")));
        let mut checks = [checked("f", None, wrong()), checked("g", None, wrong()), checked("g", wrong(), None)];
        judge_what_was_left(&mut checks);
        assert_eq!(checks.each_ref().map(Checked::has_failed), [true, false, true]);
    }

    #[test]
    fn a_check_that_can_be_done_with_the_solution_is_not_skipped() {
        let skipped = || Some(Failure::skipped(text!("no", ""), text!("", "")));
        let checks = vec![checked("f", skipped(), None), checked("g", skipped(), None)];
        let mut grade = Grade::Checked { of: 0, checks, newly_right: Vec::new() };
        grade.fail_skipped_but(&BTreeSet::from(["f::is_right".to_owned()]));
        assert_eq!(grade.checks().iter().map(Checked::has_failed).collect::<Vec<_>>(), [false, true]);
    }
}
