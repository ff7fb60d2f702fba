//! Answers to `scan`, right and wrong.

use std::fs::File;
use std::io;

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::lesson_7::advise;
use mmap_workbook::observe::page_size;
use nix::errno::Errno;
use nix::sys::mman::{MmapAdvise, ProtFlags};

fn mapped(file: &File, at: u64, length: usize) -> Result<Mapping, Errno> {
    Mapping::of_file(file, at, length, ProtFlags::PROT_READ, Sharing::Shared)
}

/// A window of the right length.
fn window(limit: usize) -> usize {
    (limit - limit % page_size()).max(page_size())
}

/// The right loop, with windows of any length, and any way to map one.
fn by_windows(
    file: &File,
    most: usize,
    map: impl Fn(u64, usize) -> io::Result<Mapping>,
    mut visit: impl FnMut(&Mapping) -> io::Result<()>,
) -> io::Result<()> {
    let size = file.metadata()?.len();
    let mut at = 0;
    while at < size {
        let length = (size - at).min(most as u64);
        visit(&map(at, length as usize)?)?;
        at += length;
    }
    Ok(())
}

/// Maps all of the file, and advises that it is read in order.
///
/// fails: scan::a_file_may_have_more_than_4_gib failed
/// fails: scan::an_empty_file_is_not_visited failed
/// fails: scan::an_error_of_visit_ends_it failed
/// fails: scan::maps_no_more_than_the_limit failed read-pages-leave
mod advises_sequential {
    use super::*;

    pub fn scan(file: &File, _: usize, mut visit: impl FnMut(&Mapping) -> io::Result<()>) -> io::Result<()> {
        let mapping = mapped(file, 0, file.metadata()?.len() as usize)?;
        advise(&mapping, MmapAdvise::MADV_SEQUENTIAL)?;
        visit(&mapping)
    }
}

/// Keeps each mapping until the end.
///
/// fails: scan::maps_no_more_than_the_limit failed read-pages-leave
mod keeps_them_all {
    use super::*;

    pub fn scan(file: &File, limit: usize, mut visit: impl FnMut(&Mapping) -> io::Result<()>) -> io::Result<()> {
        let size = file.metadata()?.len();
        let (mut all, mut at) = (Vec::new(), 0);
        while at < size {
            let length = (size - at).min(window(limit) as u64);
            all.push(mapped(file, at, length as usize)?);
            visit(&all[all.len() - 1])?;
            at += length;
        }
        Ok(())
    }
}

/// Assigns the next mapping to the variable that has the one before.
///
/// fails: scan::maps_no_more_than_the_limit failed
mod assigns_the_next {
    use super::*;

    pub fn scan(file: &File, limit: usize, mut visit: impl FnMut(&Mapping) -> io::Result<()>) -> io::Result<()> {
        let size = file.metadata()?.len();
        let window = window(limit) as u64;
        if size == 0 {
            return Ok(());
        }
        let (mut at, mut mapping) = (0, mapped(file, 0, size.min(window) as usize)?);
        loop {
            visit(&mapping)?;
            at += mapping.length() as u64;
            if at == size {
                return Ok(());
            }
            mapping = mapped(file, at, (size - at).min(window) as usize)?;
        }
    }
}

/// Never unmaps what it has shown.
///
/// fails: scan::maps_no_more_than_the_limit failed
/// fails: scan::nothing_stays_mapped_or_open failed
/// fails: scan::an_error_of_mmap_is_told failed
mod forgets_them {
    use super::*;

    pub fn scan(file: &File, limit: usize, mut visit: impl FnMut(&Mapping) -> io::Result<()>) -> io::Result<()> {
        by_windows(
            file,
            window(limit),
            |at, length| Ok(mapped(file, at, length)?),
            |mapping| {
                let (visited, next) = (visit(mapping), mapped(file, 0, 1)?);
                // What unmaps it is gone.
                std::mem::forget(next);
                visited
            },
        )
    }
}

/// Unmaps only what `visit` has taken without an error.
///
/// fails: scan::nothing_stays_mapped_or_open failed
mod unmaps_after_success {
    use super::*;

    pub fn scan(file: &File, limit: usize, mut visit: impl FnMut(&Mapping) -> io::Result<()>) -> io::Result<()> {
        let size = file.metadata()?.len();
        let mut at = 0;
        while at < size {
            let length = (size - at).min(window(limit) as u64);
            let mapping = std::mem::ManuallyDrop::new(mapped(file, at, length as usize)?);
            visit(&mapping)?;
            std::mem::ManuallyDrop::into_inner(mapping).unmap()?;
            at += length;
        }
        Ok(())
    }
}

/// Rounds the limit up.
///
/// fails: scan::an_empty_file_is_not_visited panicked
/// fails: scan::shows_each_byte_once_and_in_order panicked
mod rounds_up {
    use super::*;

    pub fn scan(file: &File, limit: usize, visit: impl FnMut(&Mapping) -> io::Result<()>) -> io::Result<()> {
        let most = limit.max(1).next_multiple_of(page_size());
        by_windows(file, most, |at, length| Ok(mapped(file, at, length)?), visit)
    }
}

/// Rounds the limit up, and no number overflows.
///
/// fails: scan::a_file_may_have_more_than_4_gib failed
/// fails: scan::maps_no_more_than_the_limit failed
mod rounds_up_carefully {
    use super::*;

    pub fn scan(file: &File, limit: usize, visit: impl FnMut(&Mapping) -> io::Result<()>) -> io::Result<()> {
        let most = limit.max(1).checked_next_multiple_of(page_size()).unwrap_or(window(limit));
        by_windows(file, most, |at, length| Ok(mapped(file, at, length)?), visit)
    }
}

/// Takes the limit as it is.
///
/// fails: scan::shows_each_byte_once_and_in_order failed
mod rounds_nothing {
    use super::*;

    pub fn scan(file: &File, limit: usize, visit: impl FnMut(&Mapping) -> io::Result<()>) -> io::Result<()> {
        by_windows(file, limit.max(page_size()), |at, length| Ok(mapped(file, at, length)?), visit)
    }
}

/// Maps no page where the limit is less than one.
///
/// fails: scan::shows_each_byte_once_and_in_order failed
mod less_than_a_page {
    use super::*;

    pub fn scan(file: &File, limit: usize, visit: impl FnMut(&Mapping) -> io::Result<()>) -> io::Result<()> {
        by_windows(file, limit - limit % page_size(), |at, length| Ok(mapped(file, at, length)?), visit)
    }
}

/// Maps whole pages at the end, too.
///
/// fails: scan::shows_each_byte_once_and_in_order failed
mod whole_pages_at_the_end {
    use super::*;

    pub fn scan(file: &File, limit: usize, visit: impl FnMut(&Mapping) -> io::Result<()>) -> io::Result<()> {
        let map = |at, length: usize| Ok(mapped(file, at, length.next_multiple_of(page_size()))?);
        by_windows(file, window(limit), map, visit)
    }
}

/// Maps a window of the same length at the end, too.
///
/// fails: scan::shows_each_byte_once_and_in_order failed
mod each_window_has_the_same_length {
    use super::*;

    pub fn scan(file: &File, limit: usize, visit: impl FnMut(&Mapping) -> io::Result<()>) -> io::Result<()> {
        let most = window(limit).min(1 << 40);
        by_windows(file, most, |at, _| Ok(mapped(file, at, most)?), visit)
    }
}

/// Asks whether the file is at its end after the visit.
///
/// fails: scan::an_empty_file_is_not_visited failed
mod looks_for_the_end_too_late {
    use super::*;

    pub fn scan(file: &File, limit: usize, mut visit: impl FnMut(&Mapping) -> io::Result<()>) -> io::Result<()> {
        let (mut at, size) = (0, file.metadata()?.len());
        loop {
            let length = (size - at).min(window(limit) as u64);
            visit(&mapped(file, at, length as usize)?)?;
            at += length;
            if at == size {
                return Ok(());
            }
        }
    }
}

/// Counts the windows as one more than fit.
///
/// fails: scan::shows_each_byte_once_and_in_order failed
/// fails: scan::an_empty_file_is_not_visited failed
mod one_window_more {
    use super::*;

    pub fn scan(file: &File, limit: usize, mut visit: impl FnMut(&Mapping) -> io::Result<()>) -> io::Result<()> {
        let (window, size) = (window(limit) as u64, file.metadata()?.len());
        for n in 0..=size / window {
            let at = n * window;
            visit(&mapped(file, at, (size - at).min(window) as usize)?)?;
        }
        Ok(())
    }
}

/// Shows whole windows only.
///
/// fails: scan::shows_each_byte_once_and_in_order failed
mod leaves_out_the_rest {
    use super::*;

    pub fn scan(file: &File, limit: usize, mut visit: impl FnMut(&Mapping) -> io::Result<()>) -> io::Result<()> {
        let (window, size) = (window(limit) as u64, file.metadata()?.len());
        for n in 0..size / window {
            visit(&mapped(file, n * window, window as usize)?)?;
        }
        Ok(())
    }
}

/// Goes on after an error.
///
/// fails: scan::an_error_of_visit_ends_it failed
mod goes_on_after_an_error {
    use super::*;

    pub fn scan(file: &File, limit: usize, mut visit: impl FnMut(&Mapping) -> io::Result<()>) -> io::Result<()> {
        let mut first = Ok(());
        by_windows(
            file,
            window(limit),
            |at, length| Ok(mapped(file, at, length)?),
            |mapping| {
                let visited = visit(mapping);
                if first.is_ok() {
                    first = visited;
                }
                Ok(())
            },
        )?;
        first
    }
}

/// Takes an error for the wish to end.
///
/// fails: scan::an_error_of_visit_ends_it failed
mod an_error_is_an_end {
    use super::*;

    pub fn scan(file: &File, limit: usize, mut visit: impl FnMut(&Mapping) -> io::Result<()>) -> io::Result<()> {
        let mut stopped = false;
        let scanned = by_windows(
            file,
            window(limit),
            |at, length| Ok(mapped(file, at, length)?),
            |mapping| visit(mapping).inspect_err(|_| stopped = true),
        );
        if stopped { Ok(()) } else { scanned }
    }
}

/// Ends without an error where it can't map.
///
/// fails: scan::an_error_of_mmap_is_told failed
mod hides_a_refusal {
    use super::*;

    pub fn scan(file: &File, limit: usize, mut visit: impl FnMut(&Mapping) -> io::Result<()>) -> io::Result<()> {
        let size = file.metadata()?.len();
        let mut at = 0;
        while at < size {
            let length = (size - at).min(window(limit) as u64);
            let Ok(mapping) = mapped(file, at, length as usize) else { break };
            visit(&mapping)?;
            at += length;
        }
        Ok(())
    }
}

/// Maps for writing, too.
///
/// fails: scan::to_read_is_enough failed
mod for_writing_too {
    use super::*;

    pub fn scan(file: &File, limit: usize, visit: impl FnMut(&Mapping) -> io::Result<()>) -> io::Result<()> {
        let map = |at, length| Ok(Mapping::of_file(file, at, length, READ_WRITE, Sharing::Shared)?);
        by_windows(file, window(limit), map, visit)
    }
}

/// Counts in 32 bits.
///
/// fails: scan::a_file_may_have_more_than_4_gib failed
mod counts_in_32_bits {
    use super::*;

    pub fn scan(file: &File, limit: usize, mut visit: impl FnMut(&Mapping) -> io::Result<()>) -> io::Result<()> {
        let size = file.metadata()?.len() as u32;
        let window = window(limit).min(u32::MAX as usize) as u32;
        let mut at = 0_u32;
        while at < size {
            let length = (size - at).min(window);
            visit(&mapped(file, at.into(), length as usize)?)?;
            at += length;
        }
        Ok(())
    }
}

/// A page at a time, whatever the limit is.
///
/// fails: scan::each_mapping_is_as_long_as_it_may_be failed
mod page_by_page {
    use super::*;

    pub fn scan(file: &File, _: usize, visit: impl FnMut(&Mapping) -> io::Result<()>) -> io::Result<()> {
        by_windows(file, page_size(), |at, length| Ok(mapped(file, at, length)?), visit)
    }
}

/// No mapping is longer than 1 GiB.
///
/// fails: scan::each_mapping_is_as_long_as_it_may_be failed
mod at_most_a_gibibyte {
    use super::*;

    pub fn scan(file: &File, limit: usize, visit: impl FnMut(&Mapping) -> io::Result<()>) -> io::Result<()> {
        by_windows(file, window(limit).min(1 << 30), |at, length| Ok(mapped(file, at, length)?), visit)
    }
}

/// Returns an error of the same kind as that of `visit`, with other words.
///
/// fails: scan::an_error_of_visit_ends_it failed
mod says_it_in_other_words {
    use super::*;

    pub fn scan(file: &File, limit: usize, mut visit: impl FnMut(&Mapping) -> io::Result<()>) -> io::Result<()> {
        let visit =
            |mapping: &Mapping| visit(mapping).map_err(|error| io::Error::new(error.kind(), format!("visit: {error}")));
        by_windows(file, window(limit), |at, length| Ok(mapped(file, at, length)?), visit)
    }
}

/// Copies the bytes to memory that no file has.
///
/// fails: scan::shows_each_byte_once_and_in_order failed
mod copies {
    use std::os::unix::fs::FileExt;

    use super::*;

    pub fn scan(file: &File, limit: usize, visit: impl FnMut(&Mapping) -> io::Result<()>) -> io::Result<()> {
        let map = |at, length| {
            let mut bytes = vec![0; length];
            file.read_exact_at(&mut bytes, at)?;
            let mapping = Mapping::anonymous(length, READ_WRITE, Sharing::Private)?;
            mapping.write(0, &bytes);
            Ok(mapping)
        };
        by_windows(file, window(limit), map, visit)
    }
}

/// Private mappings, which nobody stores to.
///
/// passes
mod private {
    use super::*;

    pub fn scan(file: &File, limit: usize, visit: impl FnMut(&Mapping) -> io::Result<()>) -> io::Result<()> {
        let map = |at, length| Ok(Mapping::of_file(file, at, length, ProtFlags::PROT_READ, Sharing::Private)?);
        by_windows(file, window(limit), map, visit)
    }
}

/// Pays for each window in advance, where the kernel can.
///
/// passes
mod populates {
    use super::*;

    pub fn scan(file: &File, limit: usize, visit: impl FnMut(&Mapping) -> io::Result<()>) -> io::Result<()> {
        let map = |at, length| {
            let mapping = mapped(file, at, length)?;
            if length < 1 << 20 {
                let _ = advise(&mapping, MmapAdvise::MADV_POPULATE_READ);
            }
            Ok(mapping)
        };
        by_windows(file, window(limit), map, visit)
    }
}

/// Counts windows, and unmaps each by hand.
///
/// passes
mod counts_windows {
    use super::*;

    pub fn scan(file: &File, limit: usize, mut visit: impl FnMut(&Mapping) -> io::Result<()>) -> io::Result<()> {
        let (window, size) = (window(limit) as u64, file.metadata()?.len());
        (0..size.div_ceil(window)).try_for_each(|n| {
            let mapping = mapped(file, n * window, (size - n * window).min(window) as usize)?;
            let visited = visit(&mapping);
            mapping.unmap()?;
            visited
        })
    }
}

/// Shows the rest after the whole windows, and has forgotten that `visit` may fail there, too.
///
/// fails: scan::an_error_of_visit_ends_it failed
mod forgets_the_last_error {
    use super::*;

    pub fn scan(file: &File, limit: usize, mut visit: impl FnMut(&Mapping) -> io::Result<()>) -> io::Result<()> {
        let (window, size) = (window(limit) as u64, file.metadata()?.len());
        for n in 0..size / window {
            visit(&mapped(file, n * window, window as usize)?)?;
        }
        if size % window > 0 {
            let _ = visit(&mapped(file, size - size % window, (size % window) as usize)?);
        }
        Ok(())
    }
}

/// Takes `visit` for a system call that was interrupted.
///
/// fails: scan::an_error_of_visit_ends_it failed
mod visits_again {
    use super::*;

    pub fn scan(file: &File, limit: usize, mut visit: impl FnMut(&Mapping) -> io::Result<()>) -> io::Result<()> {
        crate::solution::scan(file, limit, |mapping| {
            loop {
                match visit(mapping) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    answer => return answer,
                }
            }
        })
    }
}

one_of! {
    pub fn scan(file: &File, limit: usize, visit: impl FnMut(&Mapping) -> io::Result<()>) -> io::Result<()>;
    advises_sequential keeps_them_all assigns_the_next forgets_them unmaps_after_success rounds_up rounds_up_carefully
    rounds_nothing less_than_a_page whole_pages_at_the_end each_window_has_the_same_length looks_for_the_end_too_late
    one_window_more leaves_out_the_rest goes_on_after_an_error an_error_is_an_end hides_a_refusal for_writing_too
    counts_in_32_bits page_by_page at_most_a_gibibyte says_it_in_other_words copies private populates counts_windows
    forgets_the_last_error visits_again
}
