//! The list of lessons, how a demonstration is run, and how an exercise is graded.

pub mod commands;
mod demo_input;
mod exercise;
pub mod feedback;
pub mod grading;
mod lessons;
pub mod progress;
mod safety;
mod tokens;
mod watch;

pub use demo_input::{DemoInput, run};
pub use exercise::{CheckNames, Checks, Course, Exercise, HANDOUT, Texts, replace, versions};
pub use lessons::{LESSONS, Lesson, lesson, listed};
pub use safety::UNSAFE;
pub use tokens::tokens;
pub use watch::{start, watch};

/// The file that a demonstration is run on when the learner gives none.
pub const SAMPLE: &str = "\
The page cache is where a file's bytes are while somebody uses them.
read(2) copies them out of it, write(2) copies them into it,
and mmap(2) lets you look at them where they are.
";
