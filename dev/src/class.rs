//! A class of which nobody is a student: submissions to try the grading with, as many as asked.

use std::fs;
use std::io;
use std::path::Path;

use mmap_workbook::course::{Course, Lesson};
use mmap_workbook::play::random::Dice;
use mmap_workbook::text::Language;

/// What one may write in place of what, by a slip or by a wrong belief.
const SLIPS: &[(&str, &str)] = &[
    (" + ", " - "),
    (" - ", " + "),
    (" += ", " -= "),
    (" * ", " + "),
    (" % ", " / "),
    (" < ", " <= "),
    (" <= ", " < "),
    (" > ", " >= "),
    (" >= ", " > "),
    (" == ", " != "),
    (" != ", " == "),
    (" && ", " || "),
    (" || ", " && "),
    ("if !", "if "),
    ("true", "false"),
    ("false", "true"),
    ("(0", "(1"),
    (" 0", " 1"),
    (" 1", " 0"),
    (".min(", ".max("),
    (".max(", ".min("),
    ("Shared", "Private"),
    ("MAP_SHARED", "MAP_PRIVATE"),
    ("READ_WRITE", "ProtFlags::PROT_READ"),
    ("EINVAL", "EIO"),
    ("return ", "let _ = "),
    ("?;", ".ok();"),
    (";\n", "; loop {}\n"),
];

/// Writes the directories of `students` students to `to`, which is new, each with answers to these lessons' exercises. Of
/// every eight, one has the solution, one the stub, and one a file that was cut off; the others' solutions have one to three
/// slips. The same number of students is the same class each time.
///
/// # Errors
/// When `to` is there, an answer can't be read, or a file can't be written.
pub fn class(course: &Course, lessons: &[&Lesson], students: u64, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    let mut answers = Vec::new();
    for lesson in lessons {
        let exercise = course.exercise(lesson);
        answers.push((lesson.number, exercise.solution()?, exercise.stub(Language::English)?));
    }
    for n in 0..students {
        let directory = to.join(format!("student-{n:05}"));
        fs::create_dir(&directory)?;
        for (lesson, solution, stub) in &answers {
            let answer = match n % 8 {
                0 => solution.clone(),
                1 => stub.clone(),
                2 => solution.chars().take(solution.chars().count() / 2).collect(),
                slips => with_slips(solution, slips % 3 + 1, &mut Dice::new(n << 8 | u64::from(*lesson))),
            };
            fs::write(directory.join(format!("exercise_{lesson}.rs")), answer)?;
        }
    }
    Ok(())
}

/// A solution with slips in its code, at places that the dice choose.
fn with_slips(solution: &str, slips: u64, dice: &mut Dice) -> String {
    let mut lines: Vec<String> = solution.split_inclusive('\n').map(str::to_owned).collect();
    // What every line has, `;`, would else be most of them.
    let kinds: Vec<_> = SLIPS.iter().filter(|(from, _)| solution.contains(from)).collect();
    for _ in 0..slips {
        let (from, to) = kinds[dice.below(kinds.len())];
        let is_code = |line: &str| !line.trim_start().starts_with("//") && !line.starts_with("use ");
        let places: Vec<usize> = (0..lines.len()).filter(|&n| is_code(&lines[n]) && lines[n].contains(from)).collect();
        if !places.is_empty() {
            let line = &mut lines[places[dice.below(places.len())]];
            *line = line.replacen(from, to, 1);
        }
    }
    lines.concat()
}
