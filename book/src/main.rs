//! `cargo run -p book`: serves the book on this machine, or writes it as a site of static files.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use book::arguments::{Arguments, Command, Request};
use book::sources::{Mistake, Sources};
use book::{drill, plot, serve, site, stamp};
use clap::Parser;
use mmap_workbook::text::Language;

fn main() -> ExitCode {
    let Arguments { port, patience, open, command } = Arguments::parse();
    let sources = Sources::of_program();
    let done = match command {
        None => {
            serve::serve(&sources, port, Duration::from_secs(patience), open).map_err(|error| vec![error.to_string()])
        }
        Some(Command::Build { to }) => site::build(&sources, &to).map_err(lines).map(|()| {
            println!("{}", to.join("index.html").display());
        }),
        Some(Command::Stamp) => stamp::stamp(&sources).map_err(|mistake| lines(vec![mistake])).map(|changed| {
            changed.iter().for_each(|file| println!("{file}"));
        }),
        Some(Command::Drill) => drill::write(&sources).map_err(|mistake| lines(vec![mistake])),
        Some(Command::Plot { figures, to, for_book }) => {
            let language = if for_book { None } else { Some(Language::of_environment()) };
            plot::write(&figures, &to, language).map_err(|mistake| vec![mistake])
        }
        Some(Command::Preprocess { request: Some(Request::Supports { .. }) }) => Ok(()),
        Some(Command::Preprocess { request: None }) => preprocess(),
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

/// Speaks mdBook's protocol: reads the book from standard input, and writes it to standard output.
fn preprocess() -> Result<(), Vec<String>> {
    let one = |text: String| vec![text];
    let (context, mut book) =
        mdbook_preprocessor::parse_input(io::stdin()).map_err(|error| one(format!("{error:#}")))?;
    let language = site::language_of(&context.root).ok_or_else(|| {
        one(format!("{} is not the directory of a language, such as book/en", context.root.display()))
    })?;
    let root = context.root.parent().and_then(|book| book.parent()).unwrap_or(&context.root);
    let address = context.config.get(site::READ).map_err(|error| one(format!("{error:#}")))?;
    let mistakes = site::preprocess(&Sources::at(root).readable_at(address), language, &mut book);
    if mistakes.is_empty() {
        serde_json::to_writer(io::stdout(), &book).map_err(|error| one(error.to_string()))
    } else {
        Err(lines(mistakes))
    }
}
