//! The arguments of the program `workbook`, apart from it so that the book's commands can be checked against them.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::course::{self, LESSONS, Lesson};
use crate::scenario::TOUR;

/// What mmap(2) does under Linux, answered by the kernel.
#[derive(Parser)]
#[command(version, arg_required_else_help = false)]
pub struct Arguments {
    /// What to do; without it, list the lessons.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What the program is asked to do.
#[derive(Subcommand)]
pub enum Command {
    /// Run a lesson's demonstration, or one of lesson 4's two programs
    Run(Run),
    /// Grade an exercise: the next one that isn't solved, unless its number is given
    Check(Check),
    /// Grade an exercise each time it is saved
    Watch {
        /// The number of the lesson
        #[arg(value_parser = lesson)]
        lesson: Option<&'static Lesson>,
    },
    /// Show the next hint to an exercise
    Hint(Hint),
    /// Show the solution of an exercise that is solved
    Solution {
        /// The number of the lesson
        #[arg(value_parser = lesson)]
        lesson: &'static Lesson,
        /// Show it though the exercise isn't solved
        #[arg(long)]
        force: bool,
    },
    /// Run a scenario on the model and on the kernel, side by side
    Play(Play),
    /// Predict what a line of a scenario gives, and let the kernel answer
    Predict(Predict),
    /// Hold the model against the kernel, with random scenarios
    Torture(Torture),
    /// Bring back an exercise as it was at the beginning; what you wrote is kept in a backup
    Reset {
        /// The number of the lesson
        #[arg(value_parser = lesson)]
        lesson: &'static Lesson,
    },
}

/// The arguments of `check`.
#[derive(Args)]
pub struct Check {
    /// The number of the lesson
    #[arg(value_parser = lesson)]
    pub lesson: Option<&'static Lesson>,
    /// Grade all exercises
    #[arg(long, conflicts_with = "lesson")]
    pub all: bool,
    /// For a reader, one JSON object per exercise, or JUnit's XML
    #[arg(long, default_value = "text")]
    pub format: Format,
}

/// What a report is written as.
#[derive(Clone, Copy, ValueEnum)]
#[expect(missing_docs, reason = "the help of `--format` says what they are")]
pub enum Format {
    Text,
    Json,
    Junit,
}

/// The tour is the whole language on one screen.
#[derive(Args)]
#[command(after_help = TOUR)]
pub struct Play {
    /// The file with the scenario, or `-`
    pub file: PathBuf,
    /// Show what there is after each line: the page cache, the mappings, which page is whose copy; and the rule
    #[arg(long)]
    pub trace: bool,
    /// For a reader, or one JSON object
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    pub format: String,
    /// Play it on the file system of this directory, in a temporary directory there
    #[arg(long, value_name = "DIR")]
    pub on: Option<PathBuf>,
}

/// The arguments of `predict`.
#[derive(Args)]
pub struct Predict {
    /// The lesson whose questions are asked: all of them in a row, unless given
    #[arg(value_parser = lesson, conflicts_with = "seed")]
    pub lesson: Option<&'static Lesson>,
    /// Ask questions made at random, without end; the same ones again with the same number
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// How much there is to keep in mind, from 1 to 3
    #[arg(long, value_name = "N", default_value = "1", requires = "seed", value_parser = clap::value_parser!(u8).range(1..=3))]
    pub level: u8,
}

/// The arguments of `torture`.
#[derive(Args)]
pub struct Torture {
    /// Stop after so many operations on each file system
    #[arg(long, value_name = "N", default_value = "1000000")]
    pub ops: u64,
    /// Other scenarios, and the same ones again with the same number; at random unless given
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Only on the file system of this directory; else on all at hand
    #[arg(long, value_name = "DIR")]
    pub on: Option<PathBuf>,
}

/// The arguments of `hint`.
#[derive(Args)]
pub struct Hint {
    /// The number of the lesson; the next one that isn't solved, unless given
    #[arg(value_parser = lesson)]
    pub lesson: Option<&'static Lesson>,
    /// The function that it is for; the first one that isn't right, unless given
    pub function: Option<String>,
    /// Show this level, from 1 (a question) on
    #[arg(long, value_name = "N")]
    pub level: Option<usize>,
}

fn lesson(number: &str) -> Result<&'static Lesson, String> {
    let lesson = number.parse().ok().and_then(course::lesson);
    lesson.ok_or_else(|| format!("the lessons are 1 to {}", LESSONS.len()))
}

/// The arguments of `run`.
#[derive(Args)]
pub struct Run {
    /// The number of the lesson
    #[arg(value_parser = lesson)]
    pub lesson: &'static Lesson,
    /// Lesson 4 only: the program to run instead of the demonstration
    #[arg(requires = "channel")]
    pub program: Option<Program>,
    /// The file through which lesson 4's programs talk
    pub channel: Option<PathBuf>,
    /// Run the demonstration on a copy of this file
    #[arg(long, value_name = "PATH", conflicts_with = "program")]
    pub file: Option<PathBuf>,
    /// Run it on the file itself; what it changes is put back
    #[arg(long, requires = "file")]
    pub in_place: bool,
    /// Seconds between two messages of lesson 4's writer
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "1", requires = "program")]
    pub period: Duration,
    /// Lesson 4's programs end after this many messages
    #[arg(long, value_name = "N", requires = "program")]
    pub count: Option<u64>,
}

/// One of lesson 4's two programs.
#[derive(Clone, Copy, ValueEnum)]
pub enum Program {
    /// Writes hello0, hello1, ... into the channel
    Writer,
    /// Prints what comes through the channel
    Reader,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map_err(|_| "not a number of seconds")?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}
