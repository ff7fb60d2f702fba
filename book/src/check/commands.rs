//! A test runs each command that the reader is told to run.

use mmap_workbook::course::Lesson;

use super::pages::PageSource;
use crate::evidence::Test;
use crate::page::LineKind;
use crate::sources::{Mistake, Sources};

/// The commands that the book may tell the reader to run, and for each of them a test that runs it. `N` is the number
/// of a lesson, `PATH` any path, `FUNCTION` a name.
pub const COMMANDS: &[(&str, &str)] = &[
    ("cargo run", "program::with_no_argument_it_lists_the_lessons_and_what_to_do_next"),
    ("cargo run -- run N", "program::each_demonstration_runs_plain_when_it_is_not_a_terminal"),
    (
        "cargo run -- run N --file PATH",
        "program::each_demonstration_runs_on_a_copy_of_any_file_and_leaves_nothing_behind",
    ),
    ("cargo run -- run N --file PATH --in-place", "program::in_place_every_byte_and_the_times_are_put_back"),
    ("cargo run -- run 4 writer PATH", "program::writer_and_reader_talk_whichever_is_started_first"),
    ("cargo run -- run 4 reader PATH", "program::writer_and_reader_talk_whichever_is_started_first"),
    (
        "cargo run -- run N --format json > PATH",
        "program::what_lesson_7_measures_is_one_line_of_json_and_no_other_lesson_measures",
    ),
    ("cargo run -- check", "course::a_solved_exercise_is_known_and_never_only_believed"),
    ("cargo run -- check N", "course::what_is_still_to_do_is_said_for_a_reader_and_for_programs"),
    ("cargo run -- hint N", "course::the_hints_come_one_after_the_other"),
    ("cargo run -- hint N FUNCTION", "course::the_hints_come_one_after_the_other"),
    ("cargo run -- solution N", "course::a_solved_exercise_is_known_and_never_only_believed"),
    ("cargo run -- solution N --force", "course::a_solved_exercise_is_known_and_never_only_believed"),
    ("cargo run -- reset N", "course::reset_brings_the_stub_back_and_keeps_the_learners_text"),
    ("cargo run -- watch", "course::watch_grades_what_is_saved_in_plain_lines_where_there_is_no_terminal"),
    ("cargo run -- watch N", "course::watch_grades_what_is_saved_in_plain_lines_where_there_is_no_terminal"),
    ("cargo run -- predict N", "play::predictions_are_asked_for_and_answered"),
    ("cargo run -- predict --seed 7 --level 2", "play::predictions_are_asked_for_and_answered"),
    ("cargo run -- play --help", "play::the_tour_can_be_played_and_is_in_the_help"),
    ("cargo run -- play PATH", "play::a_scenario_is_played_side_by_side"),
    ("cargo run -- play PATH --trace", "play::a_trace_draws_whose_copy_a_page_is"),
    ("cargo run --release -- torture --ops 10000000", "play::torture_says_what_it_has_done"),
    ("cargo run -- handout PATH", CLASS),
    ("cargo run -- update", CLASS),
    ("cargo run -- update PATH", CLASS),
    ("cargo run -- pack PATH", CLASS),
    ("cargo run -- grade PATH --to PATH", CLASS),
    ("cargo run -- grade PATH --to PATH --shard 1/4", CLASS),
    ("cargo run -- merge PATH --to PATH", CLASS),
    ("cargo run -p dev -- class 30 PATH --lessons N", "made_up_class::the_command_writes_as_many_students_as_asked"),
    ("cargo test --workspace", "tidy::ci_runs_the_test_command_of_the_readme"),
    ("cargo test --test lesson_N", "tidy::ci_runs_the_test_command_of_the_readme"),
    ("cargo run -p laboratory -- stage PATH", "stages::nothing_is_left_after_kill_9"),
    ("cargo run -p book", "serves::the_book_is_served_and_built_again_when_a_source_changes"),
    ("cargo run -p book -- --open", "serves::the_browser_is_opened_at_the_address"),
    ("cargo run -p book -- plot PATH PATH", "plot::the_figure_of_the_chapter_is_what_the_command_draws"),
    ("cargo run -p book -- build", "serves::the_site_is_written_to_a_directory"),
    ("cargo run -p book -- build --to PATH", "serves::the_site_is_written_to_a_directory"),
];

/// What runs all commands of the page for teachers.
const CLASS: &str = "teachers::the_commands_of_the_page_take_a_class_from_the_handout_to_its_grades";

/// The page with commands for the reader's own machine: `tests/symptoms.rs` runs all that it has.
pub const SYMPTOMS: &str = "symptoms";

/// The page whose commands [`CLASS`] runs, cargo's or not.
const TEACHERS: &str = "teachers";

pub fn check(sources: &Sources, lessons: &[Lesson], page: &PageSource, mistakes: &mut Vec<Mistake>) {
    for line in page.lines() {
        let commands = match line.kind {
            LineKind::Code("sh") if [SYMPTOMS, TEACHERS].contains(&&*page.name) && !line.text.starts_with("cargo ") => {
                continue;
            }
            LineKind::Code("sh") => vec![line.text],
            LineKind::Text => in_prose(line.text),
            _ => continue,
        };
        for command in commands {
            let command = command.split(" #").next().unwrap_or_default().trim();
            if !command.is_empty() && !is_run_by_a_test(sources, lessons, command) {
                mistakes.push(page.mistake(
                    line.number,
                    format!("no test runs `{command}`: COMMANDS in book/src/check/commands.rs has those that are"),
                ));
            }
        }
    }
}

/// The commands in a line of prose.
fn in_prose(line: &str) -> Vec<&str> {
    line.split('`').skip(1).step_by(2).filter(|code| code.starts_with("cargo ")).collect()
}

/// Whether a command is one of [`COMMANDS`], or runs a test that exists.
fn is_run_by_a_test(sources: &Sources, lessons: &[Lesson], command: &str) -> bool {
    let words: Vec<_> = command.split_whitespace().collect();
    if COMMANDS.iter().any(|(pattern, _)| is_of_pattern(lessons, &words, pattern)) {
        return true;
    }
    let exists = |file: String| sources.read(&file).is_ok();
    match words.as_slice() {
        ["cargo", "test", "--test", file, name] | ["cargo", "test", "-p", "book", "--test", file, name] => {
            Test::named(sources, &format!("{file}::{name}")).is_ok_and(|test| test.command == command)
        }
        ["cargo", "test", "--test", file] => exists(format!("tests/{file}.rs")),
        ["cargo", "test", "-p", "book", "--test", file] => exists(format!("book/tests/{file}.rs")),
        _ => false,
    }
}

fn is_of_pattern(lessons: &[Lesson], words: &[&str], pattern: &str) -> bool {
    let is_lesson = |word: &str| word == "N" || lessons.iter().any(|lesson| lesson.number.to_string() == word);
    let pattern: Vec<_> = pattern.split(' ').collect();
    let fits = |word: &str, pattern: &str| match pattern {
        "N" => is_lesson(word),
        "lesson_N" => word.strip_prefix("lesson_").is_some_and(is_lesson),
        "PATH" | "FUNCTION" => !word.starts_with('-'),
        pattern => word == pattern,
    };
    words.len() == pattern.len() && words.iter().zip(pattern).all(|(word, pattern)| fits(word, pattern))
}

#[cfg(test)]
mod tests {
    use mmap_workbook::course::LESSONS;

    use super::*;

    #[test]
    fn a_command_is_known_by_its_pattern() {
        let sources = Sources::of_program();
        let known = [
            "cargo run",
            "cargo run -- run 3",
            "cargo run -- check N",
            "cargo run -- run 2 --file notes.txt",
            "cargo test --test lesson_6",
            "cargo test --test tidy",
        ];
        for command in known {
            assert!(is_run_by_a_test(&sources, LESSONS, command), "{command}");
        }
        let unknown = [
            "cargo run -- run 42",
            "cargo run -- run 0",
            "cargo run -- run 02",
            "cargo run -- runs",
            "cargo test --test lesson_42",
            "cargo test --test lesson_2 no_such_test",
            "cargo bench",
            "ls",
        ];
        for command in unknown {
            assert!(!is_run_by_a_test(&sources, LESSONS, command), "{command}");
        }
    }
}
