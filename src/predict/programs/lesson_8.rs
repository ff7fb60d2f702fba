//! The programs of lesson 8. No power is cut: they count what may be left.

use std::fmt::Debug;
use std::io;

use super::vocabulary::{contents_after_a_power_cut, disk_with};

pub(super) fn two_stores() -> io::Result<impl Debug> {
    let (mut disk, file) = disk_with("ab"); // pages of one byte
    disk.write(file, 0, b"1"); // a store
    disk.write(file, 1, b"2"); // a later one
    Ok(contents_after_a_power_cut(&disk).len())
}

pub(super) fn the_first_is_synced() -> io::Result<impl Debug> {
    let (mut disk, file) = disk_with("ab"); // pages of one byte
    disk.write(file, 0, b"1"); // a store
    disk.sync(file); // fsync(2)
    disk.write(file, 1, b"2"); // a later one
    Ok(contents_after_a_power_cut(&disk).len())
}

pub(super) fn the_other_page() -> io::Result<impl Debug> {
    let (mut disk, file) = disk_with("ab"); // pages of one byte
    disk.write(file, 0, b"1"); // a store
    disk.write(file, 1, b"2"); // a later one
    disk.sync_range(file, 1..2); // msync(2) with MS_SYNC
    Ok(contents_after_a_power_cut(&disk).len())
}

pub(super) fn three_stores_to_a_page() -> io::Result<impl Debug> {
    let (mut disk, file) = disk_with("a"); // pages of one byte
    for byte in [b"1", b"2", b"3"] {
        disk.write(file, 0, byte); // a store
    }
    Ok(contents_after_a_power_cut(&disk).len())
}

pub(super) fn grown_and_stored() -> io::Result<impl Debug> {
    let (mut disk, file) = disk_with("a"); // pages of one byte
    disk.truncate(file, 2); // ftruncate(2)
    disk.write(file, 1, b"x"); // a store
    Ok(contents_after_a_power_cut(&disk).len())
}

pub(super) fn synced_and_renamed() -> io::Result<impl Debug> {
    let (mut disk, _) = disk_with("old");
    let new = disk.create("new"); // open(2) with O_CREAT
    disk.write(new, 0, b"new");
    disk.sync(new); // fsync(2)
    disk.rename("new", "f");
    Ok(contents_after_a_power_cut(&disk).len())
}

pub(super) fn renamed_unsynced() -> io::Result<impl Debug> {
    let (mut disk, _) = disk_with("a"); // pages of one byte
    let new = disk.create("new"); // open(2) with O_CREAT
    disk.write(new, 0, b"b");
    disk.rename("new", "f");
    disk.sync_directory(); // fsync(2)
    Ok(contents_after_a_power_cut(&disk).len())
}
