//! Writes what a maintainer of the workbook would otherwise copy by hand.
//!
//! `cargo run -p dev -- new-lesson 7 cost "What it costs"` writes the skeleton of a draft lesson: files from
//! `template/`, and an entry in each list. The skeleton compiles, is graded and passes the tests, so that a lesson can
//! land in steps. `cargo run -p dev -- class 20 DIR` writes a class to try the grading with.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use dev::{class, new_lesson, stamp};
use mmap_workbook::course::{Course, lesson, listed};

/// Writes what a maintainer of the workbook would otherwise copy by hand.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write the skeleton of a draft lesson
    NewLesson {
        /// The number of the lesson: one more than the last one's
        number: u8,
        /// Its name in files and directories: lower-case letters, digits and underscores
        slug: String,
        /// Its title; the slug unless given
        title: Option<String>,
    },
    /// Note today's stub of each exercise, so that later versions of the course know it
    Stamp,
    /// Write a class to try the grading with: answers right and wrong, the same ones each time
    Class {
        /// The number of students
        students: u64,
        /// The directory for it, which is new
        to: PathBuf,
        /// The lessons whose exercises are answered; all if not given
        #[arg(long, value_name = "N", value_delimiter = ',')]
        lessons: Vec<u8>,
    },
}

fn main() -> ExitCode {
    // The checkout that cargo runs it in, or else the one that it was built in.
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let root = Path::new(&package).parent().map(Path::to_path_buf).unwrap_or_default();
    let done = match Arguments::parse().command {
        Command::NewLesson { number, slug, title } => {
            let title = title.unwrap_or_else(|| slug.replace('_', " "));
            new_lesson(&root, number, &slug, &title)
                .and_then(|changed| print(&changed, "Next: \"A lesson\" in CONTRIBUTING.md"))
        }
        Command::Stamp => stamp(&root).and_then(|changed| print(&changed, "The stubs are known.")),
        Command::Class { students, to, lessons } => {
            let lessons = match lessons.is_empty() {
                true => listed().collect(),
                false => lessons.into_iter().filter_map(lesson).collect::<Vec<_>>(),
            };
            class(&Course::at(&root), &lessons, students, &to)
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("dev: {error}");
            ExitCode::FAILURE
        }
    }
}

fn print(changed: &[String], then: &str) -> io::Result<()> {
    use io::Write;
    let mut out = io::stdout().lock();
    changed.iter().try_for_each(|path| writeln!(out, "{path}"))?;
    writeln!(out, "\n{then}")
}
