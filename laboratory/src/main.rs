//! The laboratory's program: holds stages, and shows what differs between them.

use std::io::{self, Read};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use laboratory::hold::hold;
use laboratory::stage::{Setup, Stage};
use laboratory::{Kind, table};
use mmap_workbook::play::{Place, torture};
use mmap_workbook::text::Language;
use mmap_workbook::ui::Terminal;

/// Real file systems, to see what differs between them.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Set up a file system, print its directory, and keep it until standard input ends
    Stage {
        /// The file system
        kind: Kind,
    },
    /// Play the facts on each file system, and print the table
    Table,
    /// Play random scenarios on the model and on each file system
    Torture {
        /// The file systems; without any, all that do what the model says
        kinds: Vec<Kind>,
        /// Stop after this number of operations on each
        #[arg(long, value_name = "N", default_value = "100000")]
        ops: u64,
        /// The seed of the random scenarios; the same N plays the same scenarios
        #[arg(long, value_name = "N", default_value = "1")]
        seed: u64,
    },
    /// Mount a file system where only this process sees it: what `stage` and the tests start
    #[command(hide = true)]
    Hold {
        /// The file system
        kind: Kind,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Stage { kind } => stage(kind).map(|()| true),
        Command::Table => print_table().map(|()| true),
        Command::Torture { kinds, ops, seed } => {
            torture_on(&if kinds.is_empty() { Kind::modelled() } else { kinds }, ops, seed)
        }
        Command::Hold { kind } => hold(kind).map(|()| true),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("laboratory: {error}");
            ExitCode::FAILURE
        }
    }
}

fn stage(kind: Kind) -> io::Result<()> {
    match Stage::set_up(&std::env::current_exe()?, kind)? {
        Setup::Missing(_, reason) => Err(io::Error::other(reason)),
        Setup::Ready(stage) => {
            println!("{}", stage.path.display());
            io::stdin().read_to_end(&mut Vec::new()).map(drop)
        }
    }
}

/// False when the model and a kernel differ.
fn torture_on(kinds: &[Kind], operations: u64, seed: u64) -> io::Result<bool> {
    let (mut out, mut same) = (io::stdout(), true);
    for kind in kinds {
        match Stage::set_up(&std::env::current_exe()?, *kind)? {
            Setup::Missing(kind, reason) => println!("{}: skipped: {reason}", kind.name()),
            Setup::Ready(stage) => {
                print!("{}: ", kind.name());
                let place = Place::of_directory(&stage.path)?;
                let mut terminal = Terminal::new(&mut out, Language::of_environment(), usize::MAX);
                same &= torture::run(&mut terminal, &[place], None, operations, seed)?;
            }
        }
    }
    Ok(same)
}

fn print_table() -> io::Result<()> {
    let (mut kind_now, mut stage) = (None, None);
    let table = table::table(Language::of_environment(), |fact, kind| {
        if kind_now != Some(kind) {
            kind_now = Some(kind);
            // The one before ends first.
            stage = None;
            match Stage::set_up(&std::env::current_exe()?, kind)? {
                Setup::Missing(kind, reason) => eprintln!("{}: skipped: {reason}", kind.name()),
                Setup::Ready(ready) => stage = Some(ready),
            }
        }
        stage.as_mut().map(|stage| fact.on(stage)).transpose()
    })?;
    print!("{table}");
    Ok(())
}
