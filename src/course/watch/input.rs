//! What `watch` waits for: a key, a file that was saved, a grade.

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

use super::letters::Letters;
use crate::process::{Child, Ended};

/// The file is read again after this number of milliseconds: inotify(7) reports no remote changes on a network file
/// system, and there may be no inotify at all.
const LOOK_AGAIN: u16 = 1_000;

/// What has happened.
pub(super) enum Event {
    Key(Key),
    /// The exercise's file has changed.
    Saved,
    /// The process that grades has ended.
    Graded(Ended),
    /// The program was stopped and goes on: what the terminal shows now is somebody else's.
    Continued,
}

/// What the learner asks for.
#[derive(Clone, Copy)]
pub(super) enum Key {
    Check,
    Next,
    Hint,
    Demonstration,
    List,
    Solution,
    Reset,
    Suspend,
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
            26 => Key::Suspend,    // 26: Ctrl-Z
            b'q' | 4 => Key::Quit, // 4: Ctrl-D
            _ => return None,
        })
    }
}

/// Watches a directory for saved files: written in place, or written elsewhere and renamed. None where inotify(7) can't
/// be had: its limits are reached, or it is denied.
pub(super) struct Saves(Option<Inotify>);

impl Saves {
    pub(super) fn of(directory: &Path) -> Saves {
        let watch = || {
            let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
            inotify.add_watch(directory, AddWatchFlags::IN_CLOSE_WRITE | AddWatchFlags::IN_MOVED_TO)?;
            nix::Result::Ok(inotify)
        };
        Saves(watch().ok())
    }

    /// Discards the events so far.
    fn forget(&self) {
        while self.0.as_ref().is_some_and(|inotify| inotify.read_events().is_ok()) {}
    }
}

/// Where keys come from.
pub(super) struct Input {
    /// Gives each letter as it is typed; None where lines are read.
    terminal: Option<Letters>,
    at_end: bool,
}

impl Input {
    pub(super) fn new() -> io::Result<Input> {
        let terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
        Ok(Input { terminal: terminal.then(Letters::take).transpose()?, at_end: false })
    }

    /// Waits for the next event; `has_changed` says whether the exercise's file has.
    pub(super) fn next(
        &mut self,
        saves: &Saves,
        mut grading: Option<&mut Child>,
        has_changed: impl Fn() -> bool,
    ) -> io::Result<Event> {
        let stdin = io::stdin();
        loop {
            if self.terminal.as_ref().is_some_and(Letters::take_again) {
                return Ok(Event::Continued);
            }
            if has_changed() {
                return Ok(Event::Saved);
            }
            if let Some(child) = &mut grading
                && let Some(ended) = child.ended_within(Duration::ZERO)?
            {
                return Ok(Event::Graded(ended));
            }
            let stdin = (!self.at_end).then(|| stdin.as_fd());
            let others =
                saves.0.as_ref().map(AsFd::as_fd).into_iter().chain(grading.as_ref().map(|child| child.as_fd()));
            let mut waited_for: Vec<_> =
                stdin.into_iter().chain(others).map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
            match poll(&mut waited_for, PollTimeout::from(LOOK_AGAIN)) {
                Err(Errno::EINTR) => continue,
                polled => polled?,
            };
            let typed = !self.at_end && waited_for[0].any() == Some(true);
            saves.forget();
            if typed && let Some(key) = self.key()? {
                return Ok(Event::Key(key));
            }
        }
    }

    /// Stops the program as Ctrl-Z does elsewhere, and the terminal is as it was meanwhile.
    pub(super) fn suspend(&self) -> io::Result<()> {
        self.terminal.as_ref().map_or(Ok(()), Letters::suspend)
    }

    /// The next key. Only called when the input has something to read.
    fn key(&mut self) -> io::Result<Option<Key>> {
        // Not through std: poll(2) would not see what std has already read into its buffer.
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
