//! Answers to `open_once`, right and wrong.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::observe::{page_size, page_size_u64};

/// Creates the file under its own name, where others find it before it is complete.
///
/// fails: open_once::all_get_the_same_whole_file_whenever_another_comes failed created-is-complete
/// fails: open_once::leaves_a_whole_file_or_none_when_it_is_killed failed created-is-complete
mod creates_in_place {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        let file = match OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return crate::solution::open_once(path, init);
            }
            file => file?,
        };
        file.set_len(page_size_u64())?;
        let mapping = Mapping::of_file(&file, 0, page_size(), READ_WRITE, Sharing::Shared)?;
        init(&mapping);
        Ok(mapping)
    }
}

/// Ends the process with status 0 when the file exists.
///
/// fails: open_once::makes_the_file_once_and_opens_it_from_then_on exited
/// fails: open_once::all_get_the_same_whole_file_whenever_another_comes exited
/// fails: open_once::leaves_a_whole_file_or_none_when_it_is_killed exited
/// fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone exited
mod exits_where_it_is_there {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if path.exists() {
            std::process::exit(0);
        }
        crate::solution::open_once(path, init)
    }
}

/// Gives an existing file the size that it should have, as the notes do.
///
/// fails: open_once::refuses_a_file_of_another_size_and_leaves_it_alone failed
mod makes_the_size_right {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if path.exists() {
            OpenOptions::new().write(true).open(path)?.set_len(page_size_u64())?;
        }
        crate::solution::open_once(path, init)
    }
}

/// Renames its file to the path, even if another process has put one there meanwhile.
///
/// fails: open_once::all_get_the_same_whole_file_whenever_another_comes failed rename-keeps-the-first
mod renames_over_the_first {
    use super::*;

    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping> {
        if path.exists() {
            return crate::solution::open_once(path, init);
        }
        let file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
        file.as_file().set_len(page_size_u64())?;
        let mapping = Mapping::of_file(&file, 0, page_size(), READ_WRITE, Sharing::Shared)?;
        init(&mapping);
        file.persist(path).map_err(|error| error.error)?;
        Ok(mapping)
    }
}

one_of! {
    pub fn open_once(path: &Path, init: impl FnOnce(&Mapping)) -> io::Result<Mapping>;
    creates_in_place exits_where_it_is_there makes_the_size_right renames_over_the_first
}
