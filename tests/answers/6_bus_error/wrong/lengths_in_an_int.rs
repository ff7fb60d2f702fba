//! Keeps lengths in an `int`, as the study notes do: 3 GiB are negative, 5 GiB are one.
//!
//! fails: parts::has_room_for_large_numbers failed int-holds-a-size

use nix::errno::Errno;

pub use crate::solution::{Parts, put, sum_of, survive, zeros_over};

/// Sums of 32 bits.
///
/// # Errors
/// EINVAL, ENOMEM.
#[expect(clippy::cast_possible_truncation, reason = "it is the mistake")]
pub fn parts(file_size: u64, offset: u64, length: usize) -> Result<Parts, Errno> {
    let right = crate::solution::parts(file_size, offset, length)?;
    let int = |n: u64| u64::try_from(n as i32).unwrap_or(0);
    crate::solution::parts(int(file_size), int(offset), length).or(Ok(right))
}

#[cfg(test)]
#[path = "../../../../lessons/6_bus_error/checks/mod.rs"]
mod checks;
