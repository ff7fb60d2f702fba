//! `workbook watch`: grades what was saved, and takes one key for everything else.

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::OnceLock;

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::sys::termios::{LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr};

use super::feedback::Terminal;
use super::grading::{Grade, grade};
use super::progress::Progress;
use super::{Course, DemoInput, LESSONS, Lesson, listed};
use crate::text;
use crate::text::Text;

/// How often, in milliseconds, the file is looked at where the kernel tells of no change (a network's file system).
const LOOK_AGAIN: u16 = 1_000;

/// What the learner asks for.
#[derive(Clone, Copy)]
enum Key {
    Check,
    Next,
    Hint,
    Demonstration,
    List,
    Solution,
    Reset,
    Quit,
}

impl Key {
    fn of(byte: u8) -> Option<Key> {
        Some(match byte {
            b'c' => Key::Check,
            b'n' => Key::Next,
            b'h' => Key::Hint,
            b'd' => Key::Demonstration,
            b'l' => Key::List,
            b's' => Key::Solution,
            b'r' => Key::Reset,
            b'q' | 4 => Key::Quit, // 4: Ctrl-D
            _ => return None,
        })
    }
}

/// Watches the exercise of `lesson` (the next unsolved one, unless given) until the learner quits.
///
/// On a terminal a key works at once. Elsewhere what is read from standard input are lines, of which the first letter counts,
/// and what is printed are plain lines.
///
/// # Errors
/// When the output can't be written, or the course's files can't be read.
pub fn watch(course: &Course, lesson: Option<&'static Lesson>, terminal: &mut Terminal) -> io::Result<()> {
    let mut progress = Progress::of(course);
    let mut lesson = match lesson {
        Some(lesson) => lesson,
        None => progress.next(course)?.unwrap_or(&LESSONS[0]),
    };
    let mut input = Input::new()?;
    let mut was_reset = None;
    loop {
        let exercise = course.exercise(lesson);
        let saves = Saves::of(exercise.directory())?;
        let text = exercise.text()?;
        terminal.clear()?;
        if let Some(said) = was_reset.take() {
            terminal.say(&said)?;
        }
        let graded = graded(course, lesson, &mut progress, terminal)?;
        terminal.grade(course, lesson, &graded)?;
        loop {
            terminal.keys()?;
            match input.key_or_change(&saves, || Ok(exercise.text().ok().is_some_and(|now| now != text)))? {
                None | Some(Key::Check) => break,
                Some(Key::Quit) => return Ok(()),
                Some(Key::Next) => {
                    lesson = next(course, &progress, lesson)?;
                    break;
                }
                Some(Key::Hint) => hint(course, &mut progress, lesson, None, None, terminal)?,
                Some(Key::Demonstration) => super::run(lesson, &DemoInput::Sample, terminal.out())?,
                Some(Key::List) => terminal.list(course, &progress)?,
                Some(Key::Solution) => solution(course, lesson, &graded, terminal)?,
                Some(Key::Reset) => {
                    was_reset = Some(reset(course, lesson)?);
                    break;
                }
            }
        }
    }
}

/// Grades an exercise, says meanwhile what is going on, and notes what came of it.
///
/// # Errors
/// As [`grade`]; when the progress can't be written.
pub fn graded(course: &Course, lesson: &Lesson, progress: &mut Progress, terminal: &Terminal) -> io::Result<Grade> {
    terminal.compiling();
    let graded = grade(course, lesson, |check| terminal.checking(check));
    terminal.checked();
    let graded = graded?;
    progress.note(course, lesson, &graded)?;
    Ok(graded)
}

/// The next lesson that is to be solved, after this one and then from the beginning.
fn next(course: &Course, progress: &Progress, lesson: &'static Lesson) -> io::Result<&'static Lesson> {
    let later = listed().filter(|other| other.number > lesson.number);
    for other in later.chain(listed()) {
        if progress.standing(course, other)? != super::progress::Status::Solved && other.number != lesson.number {
            return Ok(other);
        }
    }
    Ok(lesson)
}

/// Shows the next hint to a function, the first one that isn't right unless it is given; or the one of that level.
///
/// # Errors
/// When there are no hints to that function; when the output can't be written.
pub fn hint(
    course: &Course,
    progress: &mut Progress,
    lesson: &Lesson,
    function: Option<&str>,
    level: Option<usize>,
    terminal: &mut Terminal,
) -> io::Result<()> {
    let hints = course.exercise(lesson).hints(terminal.language())?;
    let n = lesson.number;
    let known = progress.next_function(lesson).filter(|known| hints.iter().any(|(function, _)| function == known));
    let function =
        function.or(known).or(hints.first().map(|(function, _)| function.as_str())).unwrap_or_default().to_owned();
    let Some((_, levels)) = hints.iter().find(|(name, _)| *name == function) else {
        let names: Vec<_> = hints.iter().map(|(name, _)| name.as_str()).collect();
        return Err(io::Error::other(format!(
            "lesson {n} has hints to {}, and none to {function:?}",
            names.join(", ")
        )));
    };
    let of = levels.len();
    let level = match level {
        Some(level @ 1..) if level <= of => level - 1,
        Some(level) => {
            return Err(io::Error::other(format!("the hints to {function} have levels 1 to {of}, not {level}")));
        }
        None => progress.next_hint(lesson, &function, of - 1)?,
    };
    let nth = level + 1;
    terminal.heading(&text!("{function}, hint {nth} of {of}", "{function}，提示 {nth}/{of}"))?;
    terminal.text(&levels[level])?;
    if nth < of {
        terminal.say(&text!("Ask again for the next one.", "再次请求即可看下一条。"))?;
    }
    Ok(())
}

/// Shows the reference answer to a solved exercise.
///
/// # Errors
/// When the output can't be written, or the answer can't be read.
pub fn solution(course: &Course, lesson: &Lesson, graded: &Grade, terminal: &mut Terminal) -> io::Result<()> {
    let n = lesson.number;
    if graded.is_solved() {
        return terminal.source(&course.exercise(lesson).solution()?);
    }
    terminal.say(&text!(
        "Lesson {n} is not solved yet. The solution is shown then; now with: cargo run -- solution {n} --force",
        "第 {n} 课还没有完成，完成后才会显示参考答案；现在就要看：cargo run -- solution {n} --force"
    ))
}

/// Puts the stub back, and what there is to say then: where the learner's text is.
///
/// # Errors
/// When the files can't be written.
pub fn reset(course: &Course, lesson: &Lesson) -> io::Result<Text> {
    let n = lesson.number;
    Ok(match course.exercise(lesson).reset()? {
        None => text!("Lesson {n} is as it was at the beginning.", "第 {n} 课是最初的样子。"),
        Some(backup) => {
            let backup = backup.strip_prefix(course.root()).unwrap_or(&backup).display();
            text!(
                "Lesson {n} is as it was at the beginning. Your text is in {backup}",
                "第 {n} 课已恢复原样。你写的内容保存在 {backup}"
            )
        }
    })
}

/// Tells of files that were saved in a directory: written in place, or written elsewhere and renamed.
struct Saves(Inotify);

impl Saves {
    fn of(directory: &Path) -> io::Result<Saves> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        inotify.add_watch(directory, AddWatchFlags::IN_CLOSE_WRITE | AddWatchFlags::IN_MOVED_TO)?;
        Ok(Saves(inotify))
    }

    /// Forgets what it has told of.
    fn forget(&self) {
        while self.0.read_events().is_ok() {}
    }
}

/// Where keys come from.
struct Input {
    /// Letters come one by one, as they are typed.
    terminal: Option<Letters>,
    at_end: bool,
}

impl Input {
    fn new() -> io::Result<Input> {
        let terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
        Ok(Input { terminal: terminal.then(Letters::take).transpose()?, at_end: false })
    }

    /// Waits for a key, or until `changed`: then None.
    fn key_or_change(&mut self, saves: &Saves, changed: impl Fn() -> io::Result<bool>) -> io::Result<Option<Key>> {
        let stdin = io::stdin();
        loop {
            if changed()? {
                return Ok(None);
            }
            let mut waited_for = vec![PollFd::new(saves.0.as_fd(), PollFlags::POLLIN)];
            if !self.at_end {
                waited_for.push(PollFd::new(stdin.as_fd(), PollFlags::POLLIN));
            }
            match poll(&mut waited_for, PollTimeout::from(LOOK_AGAIN)) {
                Err(Errno::EINTR) => continue,
                polled => polled?,
            };
            let typed = waited_for.get(1).is_some_and(|stdin| stdin.any() == Some(true));
            saves.forget();
            if typed && let Some(key) = self.key()? {
                return Ok(Some(key));
            }
        }
    }

    /// The next key of the input, which has something to read.
    fn key(&mut self) -> io::Result<Option<Key>> {
        // Past std's buffer: what it has read already, poll(2) would not see.
        let mut first = None;
        loop {
            let mut byte = [0];
            match nix::unistd::read(io::stdin().as_fd(), &mut byte) {
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
                Ok(0) => {
                    self.at_end = true;
                    return Ok(first);
                }
                Ok(_) if self.terminal.is_some() => return Ok(Key::of(byte[0])),
                Ok(_) if byte[0] == b'\n' => return Ok(first),
                Ok(_) => first = first.or(Key::of(byte[0])),
            }
        }
    }
}

/// The terminal as it was before letters came one by one.
static BEFORE: OnceLock<libc::termios> = OnceLock::new();

/// A terminal whose letters come one by one and aren't echoed, until this is dropped or the program is ended by a signal.
struct Letters;

impl Letters {
    fn take() -> io::Result<Letters> {
        let before = tcgetattr(io::stdin())?;
        BEFORE.get_or_init(|| before.clone().into());
        let action = SigAction::new(SigHandler::Handler(give_back_and_die), SaFlags::SA_RESETHAND, SigSet::empty());
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT] {
            // SAFETY: the handler does only what is async-signal-safe: it loads a value that is set for ever, and calls
            // tcsetattr(3) and raise(3).
            unsafe { sigaction(signal, &action) }?;
        }
        let mut letters: Termios = before;
        letters.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO);
        // Stopped by Ctrl-Z, it would leave the shell such a terminal.
        letters.control_chars[SpecialCharacterIndices::VSUSP as usize] = libc::_POSIX_VDISABLE;
        tcsetattr(io::stdin(), SetArg::TCSANOW, &letters)?;
        Ok(Letters)
    }
}

impl Drop for Letters {
    fn drop(&mut self) {
        give_back();
    }
}

fn give_back() {
    if let Some(before) = BEFORE.get() {
        // SAFETY: tcsetattr(3) reads the termios, which lives for ever.
        unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, before) };
    }
}

extern "C" fn give_back_and_die(signal: i32) {
    give_back();
    // The action is the default one again.
    // SAFETY: raise(3) is async-signal-safe.
    unsafe { libc::raise(signal) };
}
