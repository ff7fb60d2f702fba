//! The program `workbook`: reads its arguments and calls the library.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use mmap_workbook::course::{self, LESSONS, Subject};
use mmap_workbook::lesson_4::{self, Pace};

use nix::libc;

/// What mmap(2) does under Linux, answered by the kernel.
#[derive(Parser)]
#[command(version, arg_required_else_help = false)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Run a lesson's demonstration, or one of lesson 4's two programs
    Run(Run),
}

#[derive(Args)]
struct Run {
    /// The number of the lesson
    #[arg(value_parser = clap::value_parser!(u8).range(1..=6))]
    lesson: u8,
    /// Lesson 4 only: the program to run instead of the demonstration
    #[arg(requires = "channel")]
    program: Option<Program>,
    /// The file through which lesson 4's programs talk
    channel: Option<PathBuf>,
    /// Run the demonstration on a copy of this file
    #[arg(long, value_name = "PATH", conflicts_with = "program")]
    file: Option<PathBuf>,
    /// Run it on the file itself; what it changes is put back
    #[arg(long, requires = "file")]
    in_place: bool,
    /// Seconds between two messages of lesson 4's writer
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "1", requires = "program")]
    period: Duration,
    /// Lesson 4's programs end after this many messages
    #[arg(long, value_name = "N", requires = "program")]
    count: Option<u64>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Program {
    /// Writes hello0, hello1, ... into the channel
    Writer,
    /// Prints what comes through the channel
    Reader,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map_err(|_| "not a number of seconds")?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to do where not even this can be written.
            let _ = writeln!(anstream::stderr(), "workbook: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> io::Result<()> {
    let mut out = StandardOutput::new()?;
    match arguments.command {
        None => list(&mut out)?,
        Some(Command::Run(run)) => run_lesson(run, &mut out)?,
    }
    out.flush()
}

fn run_lesson(run: Run, out: &mut impl Write) -> io::Result<()> {
    if let (Some(program), Some(channel)) = (run.program, run.channel) {
        if run.lesson != 4 {
            return Err(io::Error::other(format!("lesson {} has no programs; lesson 4 has two", run.lesson)));
        }
        let pace = Pace { period: run.period, count: run.count };
        return match program {
            Program::Writer => lesson_4::write_hellos(out, &channel, &pace),
            Program::Reader => lesson_4::read_hellos(out, &channel, &pace),
        };
    }
    let lesson = course::lesson(run.lesson).ok_or_else(|| io::Error::other("no such lesson"))?;
    let subject = match (run.file, run.in_place) {
        (None, _) => Subject::Sample,
        (Some(path), false) => Subject::CopyOf(path),
        (Some(path), true) => Subject::InPlace(path),
    };
    course::run(lesson, &subject, out)
}

fn list(out: &mut impl Write) -> io::Result<()> {
    let bold = anstyle::Style::new().bold();
    writeln!(out, "{bold}The mmap workbook{bold:#}: what mmap(2) does under Linux, answered by the kernel.\n")?;
    for lesson in LESSONS {
        writeln!(out, "  {}  {bold}{}{bold:#}\n     {}", lesson.number, lesson.title, lesson.question)?;
    }
    let first = &LESSONS[0];
    let (number, slug) = (first.number, first.slug);
    writeln!(out, "\n{bold}Begin with lesson {number}{bold:#}")?;
    let mut next = |what: String, why: &str| writeln!(out, "  {what:<42}   {why}");
    next(format!("cargo run -- run {number}"), "see it happen on this kernel")?;
    next(format!("cargo run -- run {number} --file FILE"), "the same on a copy of a file of yours")?;
    next(format!("lessons/{number}_{slug}/lesson.rs"), "read how it is done")?;
    next(format!("cargo test --test lesson_{number}"), "hold it against its properties")?;
    Ok(())
}

/// Standard output: coloured on a terminal, plain elsewhere or with NO_COLOR. Its errors say whose they are.
struct StandardOutput(anstream::AutoStream<io::Stdout>);

impl StandardOutput {
    fn new() -> io::Result<StandardOutput> {
        if CLOSED.load(Ordering::Relaxed) {
            return Err(StandardOutput::error(&"it is closed"));
        }
        Ok(StandardOutput(anstream::AutoStream::auto(io::stdout())))
    }

    fn error(cause: &dyn Display) -> io::Error {
        io::Error::other(format!("standard output: {cause}"))
    }
}

impl Write for StandardOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(|error| StandardOutput::error(&error))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(|error| StandardOutput::error(&error))
    }
}

/// Whether standard output was closed when the program began. By the time of `main`, Rust's runtime has put /dev/null in
/// its place, and all that is printed would be lost without a word.
static CLOSED: AtomicBool = AtomicBool::new(false);

// SAFETY: .init_array holds pointers to functions that the C library calls before `main`; `look` only asks the kernel
// for a descriptor's flags and stores to an atomic, neither of which needs Rust's runtime.
#[used]
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = look;

extern "C" fn look() {
    // SAFETY: fcntl(2) with F_GETFD takes no pointer.
    let open = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) } != -1;
    CLOSED.store(!open, Ordering::Relaxed);
}
