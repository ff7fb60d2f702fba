//! Says when a source has changed.

use std::io;
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

use crate::sources::Sources;

/// How long, in milliseconds, it has to be quiet after a change: an editor makes several of one save.
const QUIET: u16 = 50;

/// Watches the directories that the book is made of.
pub struct Watch(Inotify);

impl Watch {
    pub fn of(sources: &Sources) -> io::Result<Watch> {
        let watch = Watch(Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?);
        watch.watch_all(sources)?;
        Ok(watch)
    }

    /// Watches all directories, also those that are new.
    fn watch_all(&self, sources: &Sources) -> io::Result<()> {
        let book = [
            "en",
            "zh",
            "figures",
            "questions",
            "programs",
            "programs/notes",
            "scenarios",
            "tests/snapshots",
            "theme",
            "theme/css",
            "theme/simulator",
            "theme/site",
        ];
        let mut directories: Vec<_> = book.iter().map(|directory| format!("book/{directory}")).collect();
        directories.extend(["book", "lessons", "tests", "tests/snapshots"].map(str::to_owned));
        directories.extend(sources.names("lessons").into_iter().map(|lesson| format!("lessons/{lesson}")));
        // Nobody writes to a link that is made: IN_CREATE is all that is said of it.
        let changes = AddWatchFlags::IN_CLOSE_WRITE
            | AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_MOVED_TO
            | AddWatchFlags::IN_MOVED_FROM
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_ONLYDIR;
        for directory in directories {
            match self.0.add_watch(&sources.root().join(&directory), changes) {
                Ok(_) | Err(Errno::ENOENT | Errno::ENOTDIR) => {}
                Err(errno) => return Err(io::Error::other(format!("{directory} can't be watched: {errno}"))),
            }
        }
        Ok(())
    }

    /// Waits until something has changed, and it is quiet again.
    pub fn wait(&self, sources: &Sources) -> io::Result<()> {
        let mut changed = false;
        loop {
            let limit = if changed { PollTimeout::from(QUIET) } else { PollTimeout::NONE };
            match poll(&mut [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)], limit) {
                Ok(0) => return self.watch_all(sources),
                Ok(_) | Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
            while let Ok(events) = self.0.read_events() {
                changed |= events.iter().any(|event| {
                    let name = event.name.as_deref().map(std::ffi::OsStr::to_string_lossy).unwrap_or_default();
                    // What editors and insta put beside a file for a moment.
                    !name.starts_with('.') && !name.ends_with(['~', '#']) && !name.ends_with(".new")
                });
            }
        }
    }
}
