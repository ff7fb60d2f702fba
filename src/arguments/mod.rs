//! The arguments of the program `workbook`, apart from it so that the book's commands can be checked against them.

mod chinese;

use std::io::Write;
use std::path::PathBuf;
use std::process::exit;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::class::Shard;
use crate::course::{self, LESSONS, Lesson};
use crate::error::Told;
use crate::scenario::TOUR;
use crate::text;
use crate::text::Language;

/// What mmap(2) does under Linux, answered by the kernel.
#[derive(Parser)]
#[command(version, arg_required_else_help = false)]
pub struct Arguments {
    /// What to do; without it, list the lessons.
    #[command(subcommand)]
    pub command: Option<Command>,
}

impl Arguments {
    /// Those that the program was started with. Where they are wrong or ask for help, it says so and the program ends.
    pub fn of_program() -> Arguments {
        Arguments::try_parse().unwrap_or_else(|error| {
            // If it can't be written, nothing is left to do.
            let _ = match Language::of_environment() {
                Language::English => error.print(),
                Language::Chinese if error.use_stderr() => {
                    write!(anstream::stderr(), "{}", chinese::complaint(&error))
                }
                Language::Chinese => {
                    write!(anstream::stdout(), "{}", chinese::exchanged(&error.render().ansi().to_string()))
                }
            };
            exit(error.exit_code())
        })
    }
}

/// What the program is asked to do.
#[derive(Subcommand)]
pub enum Command {
    /// Run a lesson's demonstration, or one of lesson 4's two programs
    Run(Run),
    /// Grade the exercise of a lesson; the next unsolved one if no lesson is given
    Check(Check),
    /// Grade an exercise each time it is saved
    Watch {
        /// The number of the lesson
        #[arg(value_parser = lesson)]
        lesson: Option<&'static Lesson>,
    },
    /// Show the next hint for an exercise
    Hint(Hint),
    /// Show the solution of a solved exercise
    Solution {
        /// The number of the lesson
        #[arg(value_parser = lesson)]
        lesson: &'static Lesson,
        /// Show it even if the exercise isn't solved
        #[arg(long)]
        force: bool,
    },
    /// Run a scenario on the model and on the kernel, side by side
    Play(Play),
    /// Predict what the last line of a scenario or a program gives, then see the kernel's answer
    Predict(Predict),
    /// Compare the model with the kernel on random scenarios
    Torture(Torture),
    /// Write the course without its solutions and other answers to a new directory, for a class
    Handout {
        /// The directory, new or empty
        directory: PathBuf,
    },
    /// Merge what is new in the exercises into your files; a backup keeps what you wrote
    Update {
        /// A newer handout, whose other files are brought as well
        directory: Option<PathBuf>,
    },
    /// Restore an exercise's original text; a backup keeps what you wrote
    Reset {
        /// The number of the lesson
        #[arg(value_parser = lesson)]
        lesson: &'static Lesson,
    },
    /// Put your answers in an archive, to hand them in
    Pack {
        /// The archive; by convention your name and `.tar`
        #[arg(value_name = "FILE")]
        to: PathBuf,
    },
    /// Grade a class: other people's answers, each in a sandbox
    Grade(Grade),
    /// Put the results of several `grade` together
    Merge {
        /// Directories with results, or files of results
        #[arg(required = true)]
        from: Vec<PathBuf>,
        /// The directory for all results
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
}

/// The arguments of `grade`.
#[derive(Args)]
pub struct Grade {
    /// Directories in which each student has a directory or an archive (.tar)
    #[arg(required = true)]
    pub directories: Vec<PathBuf>,
    /// The directory for the results; what is graded there is not graded again
    #[arg(long, value_name = "DIR", default_value = "grades")]
    pub to: PathBuf,
    /// The lessons whose exercises are graded; if not given, those for which anybody has handed in something
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = lesson)]
    pub lessons: Vec<&'static Lesson>,
    /// The number of submissions graded at the same time; one for each core if not given
    #[arg(long, value_name = "N", value_parser = jobs)]
    pub jobs: Option<usize>,
    /// Grade only part I of N, for example on one of N machines
    #[arg(long, value_name = "I/N")]
    pub shard: Option<Shard>,
    /// Seconds that a submission may take with all its exercises, the compiler included
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "900")]
    pub deadline: Duration,
    /// A table of points: lines such as `2 byte_at 3`; each function is worth 1 point if not given
    #[arg(long, value_name = "FILE")]
    pub points: Option<PathBuf>,
    /// Run the answers as yourself, one after another, without a sandbox: they can do all that you can
    #[arg(long, conflicts_with = "jobs")]
    pub no_sandbox: bool,
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
    /// Plain text, one JSON object per exercise, or JUnit XML
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

/// The tour is the whole language, group by group.
#[derive(Args)]
#[command(after_help = TOUR)]
pub struct Play {
    /// The file with the scenario, or `-` for standard input
    pub file: PathBuf,
    /// Show the state after each line (the page cache, the mappings, the private copies), and the rule that applied
    #[arg(long)]
    pub trace: bool,
    /// Plain text, or one JSON object
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    pub format: String,
    /// Run the scenario in a temporary directory under DIR, to use DIR's file system
    #[arg(long, value_name = "DIR")]
    pub on: Option<PathBuf>,
}

/// The arguments of `predict`.
#[derive(Args)]
pub struct Predict {
    /// The lesson that the questions are about; all lessons, one after another, if not given
    #[arg(value_parser = lesson, conflicts_with = "seed")]
    pub lesson: Option<&'static Lesson>,
    /// Ask random questions without end; the same N asks the same questions
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Difficulty, from 1 to 3
    #[arg(long, value_name = "N", default_value = "1", requires = "seed", value_parser = level)]
    pub level: u8,
}

/// The arguments of `torture`.
#[derive(Args)]
pub struct Torture {
    /// Stop after this number of operations on each file system
    #[arg(long, value_name = "N", default_value = "1000000")]
    pub ops: u64,
    /// The seed of the random scenarios; the same N plays the same scenarios
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Use only DIR's file system instead of all that are available
    #[arg(long, value_name = "DIR")]
    pub on: Option<PathBuf>,
}

/// The arguments of `hint`.
#[derive(Args)]
pub struct Hint {
    /// The number of the lesson; the next unsolved one if not given
    #[arg(value_parser = lesson)]
    pub lesson: Option<&'static Lesson>,
    /// The function to get a hint for; the first one that isn't right if not given
    pub function: Option<String>,
    /// Show the hint of this level; level 1 is a question
    #[arg(long, value_name = "N")]
    pub level: Option<usize>,
}

fn lesson(number: &str) -> Result<&'static Lesson, Told> {
    let (lesson, all) = (number.parse().ok().and_then(course::lesson), LESSONS.len());
    lesson.ok_or_else(|| Told(text!("the lessons are 1 to {all}", "有第 1 到第 {all} 课")))
}

/// More than that no machine needs, and each has a user's id of its own where root grades.
const MOST_JOBS: usize = 500;

fn jobs(number: &str) -> Result<usize, Told> {
    let jobs = number.parse().ok().filter(|jobs| (1..=MOST_JOBS).contains(jobs));
    jobs.ok_or_else(|| Told(text!("a number from 1 to {MOST_JOBS} is asked for", "应当是 1 到 {MOST_JOBS} 之间的数")))
}

fn level(number: &str) -> Result<u8, Told> {
    let level = number.parse().ok().filter(|level| (1..=3).contains(level));
    level.ok_or_else(|| Told(text!("the levels are 1 to 3", "难度是 1 到 3")))
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
    /// Run the demonstration on the file itself, and restore the file afterwards
    #[arg(long, requires = "file")]
    pub in_place: bool,
    /// Seconds between two messages of lesson 4's writer
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "1", requires = "program")]
    pub period: Duration,
    /// The number of messages after which lesson 4's program ends
    #[arg(long, value_name = "N", requires = "program")]
    pub count: Option<u64>,
    /// Plain text, or what lesson 7 measures as one JSON object
    #[arg(long, default_value = "text", value_parser = ["text", "json"], conflicts_with_all = ["program", "file"])]
    pub format: String,
}

/// One of lesson 4's two programs.
#[derive(Clone, Copy, ValueEnum)]
pub enum Program {
    /// Writes hello0, hello1, ... into the channel
    Writer,
    /// Prints each message that it reads from the channel
    Reader,
}

fn seconds(text: &str) -> Result<Duration, Told> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or_else(|| Told(text!("not a number of seconds", "应当是秒数")))
}
