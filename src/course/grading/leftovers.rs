//! Files that the learner's code has left in /dev/shm: memory, until somebody removes them. The temporary directory of a
//! check is emptied; this one belongs to all programs.

use std::collections::BTreeSet;
use std::fs::{self, DirEntry};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use nix::unistd::Uid;

use crate::kernel::STAGE;

/// The files of this user that are in /dev/shm, without the stages of scenarios that `torture` plays there meanwhile.
fn files() -> BTreeSet<PathBuf> {
    let me = Uid::effective().as_raw();
    let entries = fs::read_dir("/dev/shm").into_iter().flatten().flatten();
    let is_stage = |entry: &DirEntry| entry.file_name().as_encoded_bytes().starts_with(STAGE.as_bytes());
    let mine = entries.filter(|entry| {
        entry.metadata().is_ok_and(|metadata| metadata.uid() == me && !(metadata.is_dir() && is_stage(entry)))
    });
    mine.map(|entry| entry.path()).collect()
}

/// Runs `body` and returns what it returns, with the files that are new then.
pub(in crate::course) fn with_new_files<T>(body: impl FnOnce() -> T) -> (T, Vec<PathBuf>) {
    let before = files();
    let done = body();
    (done, files().difference(&before).cloned().collect())
}
