//! The programs of lesson 7.

use std::fmt::Debug;
use std::io;

use super::vocabulary::{cached, faults_of_loads, faults_of_stores, file_of_pages, resident, will_need};
use crate::lesson_2::{Mapping, READ_WRITE, Sharing};
use crate::lesson_7::split_and_merged;
use crate::observe::page_size;

pub(super) fn once_and_again() -> io::Result<impl Debug> {
    let file = file_of_pages(1)?;
    let mapping = Mapping::of_file(&file, 0, page_size(), READ_WRITE, Sharing::Shared)?;
    Ok((faults_of_loads(&mapping)?, faults_of_loads(&mapping)?))
}

pub(super) fn private_stores() -> io::Result<impl Debug> {
    let file = file_of_pages(8)?; // all in the page cache
    let mapping = Mapping::of_file(&file, 0, 8 * page_size(), READ_WRITE, Sharing::Private)?;
    faults_of_stores(&mapping)
}

pub(super) fn paid_in_advance() -> io::Result<impl Debug> {
    let file = file_of_pages(8)?;
    // mmap(2) with MAP_POPULATE
    let mapping = Mapping::populated(&file, 8 * page_size(), READ_WRITE, Sharing::Shared)?;
    faults_of_loads(&mapping)
}

pub(super) fn only_advised() -> io::Result<impl Debug> {
    let file = file_of_pages(1)?;
    let mapping = Mapping::of_file(&file, 0, page_size(), READ_WRITE, Sharing::Shared)?;
    will_need(&mapping)?; // MADV_WILLNEED
    faults_of_loads(&mapping)
}

pub(super) fn three_of_many() -> io::Result<impl Debug> {
    let file = file_of_pages(0)?;
    file.set_len(1 << 30)?; // ftruncate(2): 1 GiB, all of it holes
    let mapping = Mapping::of_file(&file, 0, 1 << 30, READ_WRITE, Sharing::Shared)?;
    for at in [0, 1 << 28, 1 << 29] {
        mapping.store(at, b'x');
    }
    resident(&mapping)
}

pub(super) fn twice_resident() -> io::Result<impl Debug> {
    let file = file_of_pages(4)?;
    let map = || Mapping::of_file(&file, 0, 4 * page_size(), READ_WRITE, Sharing::Shared);
    let (one, other) = (map()?, map()?);
    faults_of_loads(&one)?;
    faults_of_loads(&other)?;
    Ok((resident(&one)? + resident(&other)?, cached(&file)?))
}

pub(super) fn still_in_the_cache() -> io::Result<impl Debug> {
    let file = file_of_pages(4)?;
    let mapping = Mapping::of_file(&file, 0, 4 * page_size(), READ_WRITE, Sharing::Shared)?;
    faults_of_loads(&mapping)?;
    mapping.unmap()?; // munmap(2)
    cached(&file)
}

pub(super) fn every_other_page() -> io::Result<impl Debug> {
    // mprotect(2) of every other page, and back
    split_and_merged(8)
}
