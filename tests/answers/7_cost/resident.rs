//! Answers to `resident`, right and wrong.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use mmap_workbook::lesson_2::Mapping;
use mmap_workbook::lesson_7::Place;
use mmap_workbook::observe::{in_page_cache, page_size};

fn entries(mapping: &Mapping) -> io::Result<Vec<u64>> {
    let range = mapping.range();
    let mut bytes = vec![0; range.len() / page_size() * 8];
    File::open("/proc/self/pagemap")?.read_exact_at(&mut bytes, (range.start / page_size() * 8) as u64)?;
    Ok(bytes.chunks_exact(8).map(|entry| u64::from_ne_bytes(entry.try_into().expect("8 bytes"))).collect())
}

/// Asks the page cache only.
///
/// fails: resident::says_where_each_page_is failed cached-is-mapped
mod asks_mincore_only {
    use super::*;

    pub fn resident(mapping: &Mapping) -> io::Result<Vec<Place>> {
        let cached = in_page_cache(mapping.range())?;
        Ok(cached.into_iter().map(|cached| if cached { Place::Mapped } else { Place::Absent }).collect())
    }
}

/// Asks the page table only.
///
/// fails: resident::says_where_each_page_is failed
mod asks_the_page_table_only {
    use super::*;

    pub fn resident(mapping: &Mapping) -> io::Result<Vec<Place>> {
        let place = |entry: u64| match entry >> 61 {
            0b101 => Place::Mapped,
            0b100 | 0b010 => Place::Copied,
            _ => Place::Absent,
        };
        Ok(entries(mapping)?.into_iter().map(place).collect())
    }
}

/// Loads the pages to see whether that takes a fault.
///
/// fails: resident::says_where_each_page_is failed
mod loads_them {
    use super::*;

    pub fn resident(mapping: &Mapping) -> io::Result<Vec<Place>> {
        for at in (0..mapping.length()).step_by(page_size()) {
            let _ = mapping.load(at);
        }
        crate::solution::resident(mapping)
    }
}

/// Takes each page that is present for the file's.
///
/// fails: resident::says_where_each_page_is failed
mod has_no_copies {
    use super::*;

    pub fn resident(mapping: &Mapping) -> io::Result<Vec<Place>> {
        let places = crate::solution::resident(mapping)?.into_iter();
        Ok(places.map(|place| if place == Place::Copied { Place::Mapped } else { place }).collect())
    }
}

/// Looks for the entries from the start of the file on.
///
/// fails: resident::says_where_each_page_is failed
mod counts_from_the_mapping {
    use super::*;

    pub fn resident(mapping: &Mapping) -> io::Result<Vec<Place>> {
        let pages = mapping.range().len() / page_size();
        let mut bytes = vec![0; pages * 8];
        File::open("/proc/self/pagemap")?.read_exact_at(&mut bytes, 0)?;
        let present = bytes.chunks_exact(8).map(|entry| entry[7] & 0x80 != 0);
        let cached = in_page_cache(mapping.range())?;
        let place = |(present, cached)| match (present, cached) {
            (true, _) => Place::Mapped,
            (false, true) => Place::Cached,
            (false, false) => Place::Absent,
        };
        Ok(present.zip(cached).map(place).collect())
    }
}

/// Says that nothing is in memory when it can't ask.
///
/// fails: resident::an_error_of_proc_is_told failed
mod hides_an_error {
    use super::*;

    pub fn resident(mapping: &Mapping) -> io::Result<Vec<Place>> {
        let none = |_| Ok(vec![Place::Absent; mapping.range().len() / page_size()]);
        crate::solution::resident(mapping).or_else(none)
    }
}

/// Never closes pagemap.
///
/// fails: resident::nothing_stays_mapped_or_open failed
mod keeps_pagemap_open {
    use super::*;

    pub fn resident(mapping: &Mapping) -> io::Result<Vec<Place>> {
        std::mem::forget(File::open("/proc/self/pagemap")?);
        crate::solution::resident(mapping)
    }
}

/// Closes pagemap only where mincore(2) has succeeded.
///
/// fails: resident::nothing_stays_mapped_or_open failed
mod closes_after_success {
    use super::*;

    pub fn resident(mapping: &Mapping) -> io::Result<Vec<Place>> {
        let pagemap = std::mem::ManuallyDrop::new(File::open("/proc/self/pagemap")?);
        let places = crate::solution::resident(mapping)?;
        drop(std::mem::ManuallyDrop::into_inner(pagemap));
        Ok(places)
    }
}

/// Asks mincore(2) about a length of 32 bits; what follows isn't cached.
///
/// fails: resident::a_long_mapping_has_many_pages failed
mod cuts_the_length_to_32_bits {
    use super::*;

    pub fn resident(mapping: &Mapping) -> io::Result<Vec<Place>> {
        let mut places = crate::solution::resident(mapping)?;
        let asked = (mapping.range().len() as u32 as usize) / page_size();
        for place in places.iter_mut().skip(asked) {
            if *place == Place::Cached {
                *place = Place::Absent;
            }
        }
        Ok(places)
    }
}

/// Rounds the length down to whole pages.
///
/// fails: resident::says_where_each_page_is failed
mod rounds_the_length_down {
    use super::*;

    pub fn resident(mapping: &Mapping) -> io::Result<Vec<Place>> {
        let mut places = crate::solution::resident(mapping)?;
        places.truncate(mapping.length() / page_size());
        Ok(places)
    }
}

/// Reads the entries one by one.
///
/// passes
mod one_by_one {
    use super::*;

    pub fn resident(mapping: &Mapping) -> io::Result<Vec<Place>> {
        let cached = in_page_cache(mapping.range())?;
        let entries = entries(mapping)?;
        let mut places = Vec::new();
        for page in 0..cached.len() {
            places.push(match entries[page] >> 61 {
                0b101 => Place::Mapped,
                0b100 | 0b010 => Place::Copied,
                _ if cached[page] => Place::Cached,
                _ => Place::Absent,
            });
        }
        Ok(places)
    }
}

/// Takes what mincore(2) has not said for an answer.
///
/// fails: resident::an_error_of_proc_is_told failed
mod takes_silence_for_an_answer {
    use super::*;

    pub fn resident(mapping: &Mapping) -> io::Result<Vec<Place>> {
        let pages = mapping.range().len() / page_size();
        let cached = in_page_cache(mapping.range()).unwrap_or_else(|_| vec![false; pages]);
        let entries = entries(mapping)?;
        let place = |(entry, is_cached): (u64, bool)| match (entry >> 61, is_cached) {
            (0b101, _) => Place::Mapped,
            (0b100 | 0b010 | 0b110, _) => Place::Copied,
            (_, true) => Place::Cached,
            (_, false) => Place::Absent,
        };
        Ok(entries.into_iter().zip(cached).map(place).collect())
    }
}

one_of! {
    pub fn resident(mapping: &Mapping) -> io::Result<Vec<Place>>;
    asks_mincore_only asks_the_page_table_only loads_them has_no_copies counts_from_the_mapping hides_an_error
    keeps_pagemap_open closes_after_success cuts_the_length_to_32_bits rounds_the_length_down one_by_one
    takes_silence_for_an_answer
}
