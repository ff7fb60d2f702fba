//! Lesson 1: offsets, short transfers, names.

use std::fmt::Debug;
use std::fs::{self, File};
use std::io::{self, Write, pipe};
use std::os::unix::fs::FileExt;

use super::vocabulary::{alarm_every_10_ms, die, in_a_child, number_in, read, try_flock};
use crate::lesson_1::after_a_power_cut;

pub(super) fn one_offset() -> io::Result<impl Debug> {
    fs::write("f", "abcdef")?;
    let file = File::open("f")?;
    read(&file, 2)?;
    read(&file, 2)
}

pub(super) fn two_opens() -> io::Result<impl Debug> {
    fs::write("f", "abcdef")?;
    let (one, other) = (File::open("f")?, File::open("f")?);
    read(&one, 2)?;
    read(&other, 2)
}

pub(super) fn a_duplicate() -> io::Result<impl Debug> {
    fs::write("f", "abcdef")?;
    let file = File::open("f")?;
    let duplicate = file.try_clone()?; // dup(2)
    read(&file, 2)?;
    read(&duplicate, 2)
}

pub(super) fn pread_has_its_own_offset() -> io::Result<impl Debug> {
    fs::write("f", "abcdef")?;
    let file = File::open("f")?;
    file.read_at(&mut [0; 2], 4)?; // pread(2)
    read(&file, 2)
}

pub(super) fn to_the_end() -> io::Result<impl Debug> {
    fs::write("f", "abc")?;
    let file = File::open("f")?;
    Ok((read(&file, 8)?, read(&file, 8)?))
}

pub(super) fn renamed_over() -> io::Result<impl Debug> {
    fs::write("f", "old")?;
    let file = File::open("f")?;
    fs::write("g", "new")?;
    fs::rename("g", "f")?;
    Ok((read(&file, 3)?, fs::read_to_string("f")?))
}

pub(super) fn emptied_by_name() -> io::Result<impl Debug> {
    fs::write("f", "old")?;
    let file = File::open("f")?;
    File::create("f")?; // open(2) with O_TRUNC
    read(&file, 3)
}

pub(super) fn a_short_read() -> io::Result<impl Debug> {
    let (reader, mut writer) = pipe()?;
    writer.write_all(b"abc")?;
    read(&reader, 8)
}

pub(super) fn appending() -> io::Result<impl Debug> {
    fs::write("f", "ab")?;
    let log = File::options().append(true).open("f")?; // O_APPEND
    log.write_at(b"X", 0)?; // pwrite(2)
    fs::read_to_string("f")
}

pub(super) fn two_writers() -> io::Result<impl Debug> {
    let mut one = File::create("f")?;
    let mut other = File::options().write(true).open("f")?;
    one.write_all(b"aaaa")?;
    other.write_all(b"bb")?;
    fs::read_to_string("f")
}

pub(super) fn emptied_by_another() -> io::Result<impl Debug> {
    let mut file = File::create("f")?;
    file.write_all(b"abcd")?;
    File::create("f")?; // open(2) with O_TRUNC
    file.write_all(b"e")?;
    Ok(fs::metadata("f")?.len())
}

pub(super) fn a_child_reads_on() -> io::Result<impl Debug> {
    fs::write("f", "abcdef")?;
    let file = File::open("f")?;
    in_a_child(|| read(&file, 2))?;
    read(&file, 2)
}

pub(super) fn another_hard_link() -> io::Result<impl Debug> {
    fs::write("f", "old")?;
    fs::hard_link("f", "other")?;
    fs::write("g", "new")?;
    fs::rename("g", "f")?;
    Ok((fs::read_to_string("f")?, fs::read_to_string("other")?))
}

pub(super) fn killed_halfway() -> io::Result<impl Debug> {
    fs::write("f", "old")?;
    in_a_child(|| {
        let mut file = File::create("f")?; // open(2) with O_TRUNC
        file.write_all(b"ne")?;
        die()?; // SIGKILL
        file.write_all(b"w")
    })?;
    fs::read_to_string("f")
}

pub(super) fn interrupted() -> io::Result<impl Debug> {
    let (reader, _writer) = pipe()?; // nothing is written
    alarm_every_10_ms()?; // SIGALRM has a handler without SA_RESTART
    read(&reader, 1)
}

pub(super) fn both_add_one() -> io::Result<impl Debug> {
    fs::write("f", "7")?;
    let n = number_in("f")?;
    in_a_child(|| {
        fs::write("theirs", (number_in("f")? + 1).to_string())?;
        fs::rename("theirs", "f")
    })?;
    fs::write("ours", (n + 1).to_string())?;
    fs::rename("ours", "f")?;
    number_in("f")
}

pub(super) fn locked_and_replaced() -> io::Result<impl Debug> {
    let file = File::create("f")?;
    try_flock(&file)?; // flock(2)
    fs::write("g", "new")?;
    fs::rename("g", "f")?;
    in_a_child(|| try_flock(&File::open("f")?))
}

pub(super) fn a_power_cut() -> io::Result<impl Debug> {
    let disk = b"--"; // the file's bytes on the disk
    let writes: &[(usize, &[u8])] = &[(0, b"ab")]; // pwrite(2), no fsync(2)
    let left = after_a_power_cut(disk, writes); // all that may be left
    Ok(left.len()) // how many different files
}
