//! What the learner can ask for on the command line and in `watch`: a grade, a hint, the solution, a reset.

use std::io;
use std::time::Duration;

use super::grading::leftovers::with_new_files;
use super::grading::{Doing, Grade, grade};
use super::progress::Progress;
use super::safety;
use super::{Course, Lesson};
use crate::error::{in_words, other};
use crate::text;
use crate::text::{Language, Text};
use crate::ui::{Terminal, complain};

/// Grades an exercise, shows what is being done meanwhile, and stores the result as progress.
///
/// # Errors
/// As [`grade`]. That the result can't be stored is only said.
pub fn graded(course: &Course, lesson: &Lesson, terminal: &Terminal) -> io::Result<Grade> {
    terminal.compiling(Duration::ZERO);
    let names = course.exercise(lesson).check_names();
    let doing = |doing: Doing| match doing {
        Doing::Compiling(time) => terminal.compiling(time),
        Doing::Checking(check) => terminal.checking(&names.in_words(check)),
    };
    let (graded, left) = with_new_files(|| grade(course, lesson, doing));
    terminal.idle();
    let mut graded = graded?;
    let was_right = Progress::of(course).right_functions(lesson);
    let are_right = graded.functions().into_iter().filter(|(_, checks)| checks.iter().all(|check| check.has_passed()));
    let new = are_right.map(|(function, _)| function.to_owned()).filter(|function| !was_right.contains(function));
    let new = new.collect();
    if let Grade::Checked { newly_right, .. } = &mut graded {
        *newly_right = new;
    }
    for path in left {
        let path = path.display();
        complain(&text!(
            "{path} is new: did your code leave it there? It takes memory until it is removed",
            "多出了 {path}：是你的代码留下的吗？不删除它，就一直占着内存"
        ));
    }
    if let Err(error) = Progress::of(course).note(lesson, &graded) {
        let Text { en, zh } = in_words(&error);
        complain(&text!("this grade is not kept: {en}", "这次的批改结果没有保存：{zh}"));
    }
    Ok(graded)
}

/// Shows a hint for `function`, or else for the first function that isn't right: the one of `level`, or else the next
/// one.
///
/// # Errors
/// When there are no hints for that function, or none of that level; when the output can't be written.
pub fn hint(
    course: &Course,
    lesson: &Lesson,
    function: Option<&str>,
    level: Option<usize>,
    terminal: &mut Terminal,
) -> io::Result<()> {
    let progress = Progress::of(course);
    let mut hints = course.exercise(lesson).hints(terminal.language())?;
    hints.push(safety::hint(terminal.language()));
    let n = lesson.number;
    let known = progress.next_function(lesson).filter(|known| hints.iter().any(|(function, _)| function == known));
    // Everything is right: the text itself is the last to be checked.
    if function.is_none() && known.is_none() && progress.knows(lesson) {
        let example = hints.first().map_or("", |(function, _)| function.as_str());
        return terminal.say(&text!(
            "Every function of lesson {n} is right. A hint for one of them: cargo run -- hint {n} {example}",
            "第 {n} 课的每个函数都对了。想看某个函数的提示，就写上它的名字：cargo run -- hint {n} {example}"
        ));
    }
    let function = function
        .or(known.as_deref())
        .or(hints.first().map(|(function, _)| function.as_str()))
        .unwrap_or_default()
        .to_owned();
    let Some((_, levels)) = hints.iter().find(|(name, _)| *name == function) else {
        let names: Vec<_> = hints.iter().map(|(name, _)| name.as_str()).collect();
        let (en, zh) = (names.join(", "), names.join("、"));
        return Err(other(text!(
            "lesson {n} has hints for {en}, and none for {function:?}",
            "第 {n} 课有提示的函数是 {zh}，没有 {function:?} 的提示"
        )));
    };
    let of = levels.len();
    let asked_for = level;
    let level = match asked_for {
        Some(level @ 1..) if level <= of => level - 1,
        Some(level) => {
            return Err(other(text!(
                "the hints for {function} have levels 1 to {of}, not {level}",
                "{function} 的提示有 1 到 {of} 级，没有第 {level} 级"
            )));
        }
        // After the last it is the last again.
        None => progress.hints(lesson, &function).min(of - 1),
    };
    let nth = level + 1;
    if asked_for.is_none()
        && let Err(error) = progress.note_hints(lesson, &function, nth)
    {
        let Text { en, zh } = in_words(&error);
        complain(&text!("that this hint was shown is not kept: {en}", "没能记下这条提示已经看过：{zh}"));
    }
    terminal.heading(&text!("{function}, hint {nth} of {of}", "{function}，提示 {nth}/{of}"))?;
    terminal.text(&levels[level])?;
    terminal.say(&match nth < of {
        true => text!("Run the command again for the next hint.", "再运行一次，看下一条。"),
        false => text!("That was the last hint for {function}.", "{function} 的提示到此为止。"),
    })
}

/// Shows the reference answer to an exercise, if it `is_solved`. False when it isn't shown, and why is said instead.
///
/// # Errors
/// When the output can't be written, or the answer can't be read.
pub fn solution(course: &Course, lesson: &Lesson, is_solved: bool, terminal: &mut Terminal) -> io::Result<bool> {
    let n = lesson.number;
    if course.is_handout() {
        let text = text!(
            "The solution of lesson {n} is with your teacher: this course is a handout without answers.",
            "第 {n} 课的参考答案在老师那里：这份课程是学生版，不含答案。"
        );
        return terminal.say(&text).map(|()| false);
    }
    if is_solved {
        return terminal.source(&course.exercise(lesson).solution()?).map(|()| true);
    }
    let text = text!(
        "Lesson {n} is not solved yet. To see the solution anyway: cargo run -- solution {n} --force",
        "第 {n} 课还没有完成，完成后才会显示参考答案；现在就要看：cargo run -- solution {n} --force"
    );
    terminal.say(&text).map(|()| false)
}

/// Restores the stub, in this language. Returns what to tell the learner: where the backup of the learner's text is.
///
/// # Errors
/// When the files can't be written.
pub fn reset(course: &Course, lesson: &Lesson, language: Language) -> io::Result<Text> {
    let n = lesson.number;
    Ok(match course.exercise(lesson).reset(language)? {
        None => text!("Exercise {n} has its original text.", "第 {n} 课是最初的样子。"),
        Some(backup) => {
            let backup = backup.strip_prefix(course.root()).unwrap_or(&backup).display();
            text!(
                "Exercise {n} has its original text again. Yours is saved in {backup}",
                "第 {n} 课已恢复原样。你写的内容保存在 {backup}"
            )
        }
    })
}
