//! What the functions of the exercises are worth.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use super::results::Line;
use crate::course::feedback::CheckLine;
use crate::course::{Course, Lesson, UNSAFE, listed};
use crate::error::{named, other};
use crate::grade::Verdict;
use crate::text;

/// Points for functions. Each is worth one point, and the explanation of unsafe blocks none, unless the teacher's table says
/// otherwise.
#[derive(Debug, Default)]
pub struct Points(BTreeMap<(u8, String), u32>);

fn no_line() -> io::Error {
    other(text!(
        "not a lesson's number, one of its functions and the points, as in `2 byte_at 3`",
        "应当是课的编号、该课的一个函数和分数，例如 `2 byte_at 3`"
    ))
}

impl Points {
    /// The teacher's table: a line for each function whose points are others, with the lesson's number, the function and its
    /// points, as in `2 byte_at 3`. `unsafe` stands for the check that each unsafe block is explained. What follows a `#` is
    /// a comment.
    ///
    /// # Errors
    /// When the file can't be read, or a line is something else: one line that names it.
    pub fn of_file(path: &Path, course: &Course) -> io::Result<Points> {
        let text = fs::read_to_string(path).map_err(|error| named(path.display(), &error))?;
        let mut points = BTreeMap::new();
        for (n, line) in (1..).zip(text.lines()) {
            let words: Vec<&str> = line.split('#').next().unwrap_or_default().split_whitespace().collect();
            if words.is_empty() {
                continue;
            }
            let line = match words[..] {
                [lesson, function, worth] => Points::line(lesson, function, worth, course),
                _ => Err(no_line()),
            };
            let (key, worth) = line.map_err(|error| named(format!("{}:{n}", path.display()), &error))?;
            points.insert(key, worth);
        }
        Ok(Points(points))
    }

    fn line(lesson: &str, function: &str, worth: &str, course: &Course) -> io::Result<((u8, String), u32)> {
        let lesson = listed().find(|one| lesson.parse() == Ok(one.number)).ok_or_else(no_line)?;
        let worth = worth.parse().map_err(|_| no_line())?;
        let checks = course.exercise(lesson).checks()?;
        let functions: Vec<_> = checks.functions.iter().map(|(name, _)| &**name).chain([UNSAFE]).collect();
        if !functions.contains(&function) {
            let (n, functions) = (lesson.number, functions.join(", "));
            return Err(other(text!(
                "exercise {n} has no function {function}; it has {functions}",
                "练习 {n} 没有函数 {function}；它有 {functions}"
            )));
        }
        Ok(((lesson.number, function.to_owned()), worth))
    }

    /// What a function is worth.
    fn worth(&self, lesson: &Lesson, function: &str) -> u32 {
        let usually = u32::from(function != UNSAFE);
        self.0.get(&(lesson.number, function.to_owned())).copied().unwrap_or(usually)
    }

    /// The points for these checks of an answer. One that can't be done here counts for nobody and against nobody.
    pub(super) fn of(&self, lesson: &Lesson, checks: &[CheckLine]) -> u32 {
        let has_failed = |check: &CheckLine| !matches!(check.verdict, Verdict::Passed | Verdict::Skipped);
        let functions: BTreeSet<&str> = checks.iter().map(|check| &*check.function).collect();
        let wrong: BTreeSet<&str> =
            checks.iter().filter(|check| has_failed(check)).map(|check| &*check.function).collect();
        let mut right: Vec<&str> = functions.difference(&wrong).copied().collect();
        // Without an unsafe block there is nothing to explain.
        if !right.is_empty() && !functions.contains(UNSAFE) {
            right.push(UNSAFE);
        }
        self.sum(lesson, right.into_iter())
    }

    /// Those of these lines of results that have other points, with these.
    ///
    /// # Errors
    /// When a lesson's checks can't be read.
    pub(super) fn again<'a>(&self, lines: impl Iterator<Item = &'a Line>, course: &Course) -> io::Result<Vec<Line>> {
        // The checks are read once for each lesson, and not for each line.
        let mut at_most = BTreeMap::new();
        for lesson in listed() {
            let checks = course.exercise(lesson).checks()?;
            let of = self.at_most(lesson, checks.functions.iter().map(|(name, _)| &**name));
            at_most.insert(lesson.number, (lesson, of));
        }
        let changed = lines.filter_map(|line| {
            let (lesson, of) = *at_most.get(&line.lesson)?;
            let points = self.of(lesson, &line.checks);
            ((line.points, line.of) != (points, of)).then(|| Line { points, of, ..line.clone() })
        });
        Ok(changed.collect())
    }

    /// The points for an answer in which all of these functions are right.
    pub(super) fn at_most<'a>(&self, lesson: &Lesson, functions: impl Iterator<Item = &'a str>) -> u32 {
        self.sum(lesson, functions.chain([UNSAFE]))
    }

    fn sum<'a>(&self, lesson: &Lesson, functions: impl Iterator<Item = &'a str>) -> u32 {
        functions.map(|function| self.worth(lesson, function)).fold(0, u32::saturating_add)
    }
}
