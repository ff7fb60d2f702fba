//! `workbook watch`: grades an exercise each time it is saved; single keys do everything else.

mod input;
mod letters;

use std::io;

use super::commands::{graded, hint, reset, solution};
use super::progress::{Progress, Status};
use super::{Course, DemoInput, LESSONS, Lesson, listed};
use crate::ui::Terminal;
use input::{Input, Key, Saves};

/// Watches the exercise of `lesson`, or else the next unsolved one, until the learner quits.
///
/// On a terminal, a key works at once. Elsewhere standard input is read in lines, of which only the first letter
/// counts, and the output is plain lines.
///
/// # Errors
/// When the output can't be written, or the course's files can't be read.
pub fn watch(course: &Course, lesson: Option<&'static Lesson>, terminal: &mut Terminal) -> io::Result<()> {
    let progress = Progress::of(course);
    let mut lesson = match lesson {
        Some(lesson) => lesson,
        None => progress.next(course)?.unwrap_or(&LESSONS[0]),
    };
    let mut input = Input::new()?;
    let mut was_reset = None;
    loop {
        let exercise = course.exercise(lesson);
        let saves = Saves::of(exercise.directory())?;
        let text = exercise.text()?;
        terminal.clear()?;
        if let Some(said) = was_reset.take() {
            terminal.say(&said)?;
        }
        let graded = graded(course, lesson, terminal)?;
        terminal.grade(course, lesson, &graded)?;
        loop {
            terminal.keys()?;
            match input.key_or_change(&saves, || Ok(exercise.text().ok().is_some_and(|now| now != text)))? {
                None | Some(Key::Check) => break,
                Some(Key::Quit) => return Ok(()),
                Some(Key::Next) => {
                    lesson = next(course, &progress, lesson)?;
                    break;
                }
                Some(Key::Hint) => hint(course, lesson, None, None, terminal)?,
                Some(Key::Demonstration) => super::run(lesson, &DemoInput::Sample, terminal.out())?,
                Some(Key::List) => terminal.list(course, &progress)?,
                Some(Key::Solution) => solution(course, lesson, graded.is_solved(), terminal)?,
                Some(Key::Reset) => {
                    was_reset = Some(reset(course, lesson)?);
                    break;
                }
            }
        }
    }
}

/// The next unsolved lesson: first those after this one, then from the beginning.
fn next(course: &Course, progress: &Progress, lesson: &'static Lesson) -> io::Result<&'static Lesson> {
    let later = listed().filter(|other| other.number > lesson.number);
    for other in later.chain(listed()) {
        if progress.status(course, other)? != Status::Solved && other.number != lesson.number {
            return Ok(other);
        }
    }
    Ok(lesson)
}
