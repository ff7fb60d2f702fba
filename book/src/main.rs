//! `cargo run -p book`: the book in both languages on this machine, or as a site of static files.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use book::sources::{Mistake, Sources};
use book::{serve, site, stamp};
use clap::{Parser, Subcommand};

/// The book of the mmap workbook, in English and in Chinese.
///
/// Without a command: serves it on this machine, and builds it again when a source changes.
#[derive(Parser)]
#[command(name = "book")]
struct Arguments {
    /// The port to serve on
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Opens the book in the browser
    #[arg(long)]
    open: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Writes the book as static files, which work from any directory
    Build {
        /// The directory to write to
        #[arg(long, default_value = "target/book")]
        to: PathBuf,
    },
    /// Writes into each Chinese page the hash of the English one that it was written from
    Stamp,
    /// What a stock mdBook asks for each time that it builds book/en or book/zh
    Preprocess {
        #[command(subcommand)]
        question: Option<Question>,
    },
}

#[derive(Subcommand)]
enum Question {
    /// Whether pages are made for this renderer
    Supports {
        /// Its name
        renderer: String,
    },
}

fn main() -> ExitCode {
    let Arguments { port, open, command } = Arguments::parse();
    let sources = Sources::of_program();
    let done = match command {
        None => serve::serve(&sources, port, open).map_err(|error| vec![error.to_string()]),
        Some(Command::Build { to }) => site::build(&sources, &to).map_err(lines).map(|()| {
            println!("{}", to.join("index.html").display());
        }),
        Some(Command::Stamp) => stamp::stamp(&sources).map_err(|mistake| lines(vec![mistake])).map(|changed| {
            changed.iter().for_each(|file| println!("{file}"));
        }),
        Some(Command::Preprocess { question: Some(Question::Supports { .. }) }) => Ok(()),
        Some(Command::Preprocess { question: None }) => preprocess(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(lines) => {
            lines.iter().for_each(|line| eprintln!("{line}"));
            ExitCode::FAILURE
        }
    }
}

fn lines(mistakes: Vec<Mistake>) -> Vec<String> {
    mistakes.iter().map(Mistake::to_string).collect()
}

/// mdBook's protocol: the book comes from standard input, and goes to standard output.
fn preprocess() -> Result<(), Vec<String>> {
    let one = |text: String| vec![text];
    let (context, mut book) =
        mdbook_preprocessor::parse_input(io::stdin()).map_err(|error| one(format!("{error:#}")))?;
    let language = site::language_of(&context.root)
        .ok_or_else(|| one(format!("{} is neither book/en nor book/zh", context.root.display())))?;
    let root = context.root.parent().and_then(|book| book.parent()).unwrap_or(&context.root);
    let mistakes = site::preprocess(&Sources::at(root), language, &mut book);
    if mistakes.is_empty() {
        serde_json::to_writer(io::stdout(), &book).map_err(|error| one(error.to_string()))
    } else {
        Err(lines(mistakes))
    }
}
