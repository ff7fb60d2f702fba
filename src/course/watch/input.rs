//! What `watch` waits for: a key, or a file that was saved.

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::path::Path;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

use super::letters::Letters;

/// The file is read again after this number of milliseconds, since inotify(7) reports no remote changes on a network
/// file system.
const LOOK_AGAIN: u16 = 1_000;

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

/// Watches a directory for saved files: written in place, or written elsewhere and renamed.
pub(super) struct Saves(Inotify);

impl Saves {
    pub(super) fn of(directory: &Path) -> io::Result<Saves> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        inotify.add_watch(directory, AddWatchFlags::IN_CLOSE_WRITE | AddWatchFlags::IN_MOVED_TO)?;
        Ok(Saves(inotify))
    }

    /// Discards the events so far.
    fn forget(&self) {
        while self.0.read_events().is_ok() {}
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

    /// Waits for a key. None when `changed` says that the file has changed.
    pub(super) fn key_or_change(
        &mut self,
        saves: &Saves,
        changed: impl Fn() -> io::Result<bool>,
    ) -> io::Result<Option<Key>> {
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
