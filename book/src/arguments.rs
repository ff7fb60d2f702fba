//! The arguments of the program `book`.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// The book of the mmap workbook, in English and in Chinese.
///
/// Without a command, it serves the book on this machine, and rebuilds it when a source changes.
#[derive(Parser)]
#[command(name = "book")]
pub struct Arguments {
    /// The port to serve on
    #[arg(long, default_value_t = 3000)]
    pub port: u16,
    /// How many seconds a client may take for a request; its connection lives for twice as many
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub patience: u64,
    /// Open the book in the browser
    #[arg(long)]
    pub open: bool,
    /// What to do instead of serving the book
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What the program is asked to do.
#[derive(Subcommand)]
pub enum Command {
    /// Write the book as static files, which work from any directory
    Build {
        /// The directory to write to
        #[arg(long, default_value = "target/book")]
        to: PathBuf,
    },
    /// Write the hash of each English page into its translations
    Stamp,
    /// Write book/drill.toml anew: the questions of the drill, found among random ones
    Drill,
    /// Draw what `cargo run -- run 7 --format json` has measured
    Plot {
        /// The file with the figures
        figures: PathBuf,
        /// The file to write, an SVG
        to: PathBuf,
        /// Draw it for a page of the book: in both languages, with the colours left to the theme
        #[arg(long)]
        for_book: bool,
    },
    /// Replace the directives for a stock mdBook, which runs this when it builds book/en or book/zh
    Preprocess {
        /// A question before that
        #[command(subcommand)]
        request: Option<Request>,
    },
}

/// What mdBook asks a preprocessor before it runs it.
#[derive(Subcommand)]
pub enum Request {
    /// Succeed if the preprocessor supports this renderer
    Supports {
        /// The name of the renderer
        renderer: String,
    },
}
