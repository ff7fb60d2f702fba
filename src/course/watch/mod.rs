//! `workbook watch`: grades an exercise each time it is saved; single keys do everything else.

mod input;
mod letters;

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;

use super::commands::{hint, reset, solution};
use super::progress::{Progress, Status};
use super::{Course, DemoInput, Exercise, LESSONS, Lesson, listed};
use crate::process::{Child, Ended};
use crate::ui::Terminal;
use input::{Event, Input, Key, Saves};

/// How long a grading that is told to end may take for it.
const ENDS_WITHIN: Duration = Duration::from_secs(30);

/// Watches the exercise of `lesson`, or else the next unsolved one, until the learner quits. This program must be
/// `workbook`: it grades in another process that runs it.
///
/// On a terminal, a key works at once. Elsewhere standard input is read in lines, of which only the first letter
/// counts, and the output is plain lines.
///
/// # Errors
/// When the output can't be written, or the course's files can't be read.
pub fn watch(course: &Course, lesson: Option<&'static Lesson>, terminal: &mut Terminal) -> io::Result<()> {
    watch_from(false, course, lesson, terminal)
}

/// The same for a learner who has asked for nothing yet: it begins with the list of the lessons and what to do next, and
/// grades once something is saved or asked for.
///
/// # Errors
/// As [`watch`].
pub fn start(course: &Course, terminal: &mut Terminal) -> io::Result<()> {
    watch_from(true, course, None, terminal)
}

fn watch_from(
    mut start: bool,
    course: &Course,
    lesson: Option<&'static Lesson>,
    terminal: &mut Terminal,
) -> io::Result<()> {
    let progress = Progress::of(course);
    let mut lesson = match lesson {
        Some(lesson) => lesson,
        None => progress.next(course)?.unwrap_or(&LESSONS[0]),
    };
    let mut input = Input::new()?;
    let (mut was_reset, mut wants_solution) = (None, false);
    loop {
        let exercise = course.exercise(lesson);
        let saves = Saves::of(exercise.directory());
        let seen = text_or_problem(&exercise);
        let has_changed = || text_or_problem(&exercise).is_some_and(|now| seen.as_ref() != Some(&now));
        terminal.clear()?;
        if let Some(said) = was_reset.take() {
            terminal.say(&said)?;
        }
        let at_start = std::mem::take(&mut start);
        let mut grading = if at_start { None } else { Some(start_grading(course, lesson)?) };
        if at_start {
            terminal.list(course, &progress)?;
            terminal.keys()?;
        }
        let mut is_solved = None;
        loop {
            let event = input.next(&saves, grading.as_mut(), has_changed)?;
            // Only these wait for the grade.
            if !matches!(event, Event::Graded(_) | Event::Key(Key::Solution)) {
                end_grading(&mut grading, terminal)?;
            }
            match event {
                Event::Graded(ended) => {
                    grading = None;
                    is_solved = Some(ended == Ended::Exited(0));
                }
                Event::Saved | Event::Continued | Event::Key(Key::Check) => break,
                Event::Key(Key::Suspend) => {
                    input.suspend()?;
                    break;
                }
                Event::Key(Key::Quit) => return Ok(()),
                Event::Key(Key::Next) => {
                    // The start page has named it.
                    if !at_start {
                        lesson = next(course, &progress, lesson)?;
                    }
                    break;
                }
                Event::Key(Key::Hint) => hint(course, lesson, None, None, terminal)?,
                Event::Key(Key::Demonstration) => {
                    let language = terminal.language();
                    super::run(lesson, &DemoInput::Sample, terminal.out(), language)?;
                }
                Event::Key(Key::List) => terminal.list(course, &progress)?,
                Event::Key(Key::Solution) => wants_solution = true,
                Event::Key(Key::Reset) => {
                    was_reset = Some(reset(course, lesson, terminal.language())?);
                    break;
                }
            }
            if wants_solution && grading.is_none() {
                let Some(is_solved) = is_solved else { break };
                solution(course, lesson, is_solved, terminal)?;
                wants_solution = false;
            }
            if grading.is_none() {
                terminal.keys()?;
            }
        }
    }
}

/// The learner's text, or why there is none; None while there is no file, as between the two steps of some editors.
fn text_or_problem(exercise: &Exercise) -> Option<Result<String, String>> {
    match exercise.text() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        text => Some(text.map_err(|error| error.to_string())),
    }
}

/// Starts a process that grades the exercise and prints the grade. It can be ended at any moment.
fn start_grading(course: &Course, lesson: &Lesson) -> io::Result<Child> {
    // This program, even if cargo has replaced its file meanwhile.
    let mut command = Command::new("/proc/self/exe");
    command.arg0("workbook").args(["check", &lesson.number.to_string()]);
    command.env("CARGO_MANIFEST_DIR", course.root()).stdin(Stdio::null());
    Ok(Child::spawn(&mut command)?.0)
}

/// Ends a grading that is not over, with all that it has started.
fn end_grading(grading: &mut Option<Child>, terminal: &Terminal) -> io::Result<()> {
    if let Some(child) = grading.take() {
        child.signal(Signal::SIGTERM)?;
        child.wait_within(ENDS_WITHIN)?;
        terminal.idle();
    }
    Ok(())
}

/// The next unsolved lesson: first those after this one, then from the beginning.
fn next(course: &Course, progress: &Progress, lesson: &'static Lesson) -> io::Result<&'static Lesson> {
    let later = listed().filter(|other| other.number > lesson.number);
    for other in later.chain(listed()) {
        let is_solved = matches!(progress.status(course, other)?, Status::Solved { .. });
        if !is_solved && other.number != lesson.number {
            return Ok(other);
        }
    }
    Ok(lesson)
}
