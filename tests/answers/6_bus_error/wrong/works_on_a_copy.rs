//! Copies the file, lets the body work on the copy, and writes it back if the file still has the same size.
//!
//! fails: survive::returns_the_result_or_the_first_missing_page failed
//! fails: survive::leaves_every_other_sigbus_to_the_action_from_before failed
//! fails: survive::leaves_the_process_as_it_was failed
//! fails: survive::lets_only_one_run_at_a_time failed
//! fails: survive::notices_a_page_that_was_gone_for_a_moment failed size-afterwards-tells-all

use std::fs::File;
use std::os::unix::fs::FileExt;

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use nix::errno::Errno;

pub use crate::solution::{Missed, parts, put, sum_of, zeros_over};

/// Memory of one's own can't be truncated.
///
/// # Errors
/// [`Missed`].
pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
    let call = |error: std::io::Error| Missed::Call(Errno::from_raw(error.raw_os_error().unwrap_or(0)));
    let size = || file.metadata().map_err(call).map(|metadata| usize::try_from(metadata.len()).unwrap_or(usize::MAX));
    let before = size()?;
    let mapping = Mapping::anonymous(length, READ_WRITE, Sharing::Private).map_err(Missed::Call)?;
    let mut bytes = vec![0; before.min(length)];
    file.read_exact_at(&mut bytes, 0).map_err(call)?;
    mapping.write(0, &bytes);
    let answer = body(&mapping);
    if size()? != before {
        return Err(Missed::Page(0));
    }
    mapping.read(0, &mut bytes);
    file.write_all_at(&bytes, 0).map_err(call)?;
    Ok(answer)
}

#[cfg(test)]
#[path = "../../../../lessons/6_bus_error/checks/mod.rs"]
mod checks;
