//! The laboratory's program: holds stages, and shows what differs between them.

use std::io::{self, Read};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use laboratory::Kind;
use laboratory::hold::hold;
use laboratory::stage::{Setup, Stage};

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
    /// Mount a file system where only this process sees it: what `stage` and the tests start
    #[command(hide = true)]
    Hold {
        /// The file system
        kind: Kind,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Stage { kind } => stage(kind),
        Command::Hold { kind } => hold(kind),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
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
