//! Lesson 5: names and inodes, files without a name, what refers to a file.

use std::fmt::Debug;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;

use nix::fcntl::SealFlag;

use super::vocabulary::{a_program_has, die, dup2, in_a_child, link, names, read, umask};
use crate::lesson_2::{Mapping, READ_WRITE, Sharing};
use crate::lesson_5::{lend_to_cat, memory_file, o_tmpfile, receive_file, remove_pages, seal, send_file};

pub(super) fn one_link_less() -> io::Result<impl Debug> {
    let file = File::create("f")?;
    fs::hard_link("f", "g")?;
    fs::remove_file("f")?; // unlink(2)
    Ok(file.metadata()?.nlink()) // st_nlink
}

pub(super) fn no_link_left() -> io::Result<impl Debug> {
    fs::write("f", "abc")?;
    let file = File::open("f")?;
    fs::remove_file("f")?; // unlink(2)
    Ok((file.metadata()?.nlink(), read(&file, 3)?))
}

pub(super) fn the_name_is_taken_again() -> io::Result<impl Debug> {
    fs::write("f", "old")?;
    let file = File::open("f")?;
    fs::remove_file("f")?; // unlink(2)
    fs::write("f", "new")?;
    Ok((read(&file, 3)?, fs::read_to_string("f")?))
}

pub(super) fn mapped_without_a_name() -> io::Result<impl Debug> {
    fs::write("f", "abc")?;
    let file = File::options().read(true).write(true).open("f")?;
    let mapping = Mapping::of_file(&file, 0, 3, READ_WRITE, Sharing::Shared)?;
    fs::remove_file("f")?; // unlink(2)
    drop(file); // close(2)
    Ok(char::from(mapping.load(0)))
}

pub(super) fn never_named() -> io::Result<impl Debug> {
    let file = o_tmpfile(Path::new("."))?;
    Ok((file.metadata()?.nlink(), names()?.len()))
}

pub(super) fn in_no_directory() -> io::Result<impl Debug> {
    let file = memory_file("scratch")?; // memfd_create(2)
    Ok(file.metadata()?.nlink())
}

pub(super) fn named_at_last() -> io::Result<impl Debug> {
    let mut file = o_tmpfile(Path::new("."))?;
    file.write_all(b"abc")?;
    link(&file, "g")?; // linkat(2)
    fs::read_to_string("g")
}

pub(super) fn never_again() -> io::Result<impl Debug> {
    let mut file = File::create("f")?;
    file.write_all(b"abc")?;
    fs::remove_file("f")?; // unlink(2)
    link(&file, "g")?; // linkat(2)
    fs::read_to_string("g")
}

pub(super) fn left_behind() -> io::Result<impl Debug> {
    in_a_child(|| {
        let _nameless = o_tmpfile(Path::new("."))?;
        let _removed_when_dropped = tempfile::NamedTempFile::new_in(".")?;
        die() // SIGKILL
    })?;
    Ok(names()?.len())
}

pub(super) fn a_size_without_blocks() -> io::Result<impl Debug> {
    let file = memory_file("zeros")?;
    file.set_len(1 << 20)?; // ftruncate(2)
    let metadata = file.metadata()?;
    Ok((metadata.len(), metadata.blocks())) // blocks of 512 bytes
}

pub(super) fn the_number_is_used_again() -> io::Result<impl Debug> {
    fs::write("f", "old")?;
    fs::write("g", "new")?;
    let file = File::open("f")?;
    let number = file.as_raw_fd();
    drop(file); // close(2)
    let _another = File::open("g")?;
    fs::read_to_string(format!("/proc/self/fd/{number}"))
}

pub(super) fn sent() -> io::Result<impl Debug> {
    fs::write("f", "abcdef")?;
    let file = File::open("f")?;
    let (here, there) = UnixStream::pair()?;
    send_file(&here, &file)?;
    read(&receive_file(&there)?, 2)?;
    read(&file, 2)
}

pub(super) fn opened_again() -> io::Result<impl Debug> {
    fs::write("f", "abcdef")?;
    let file = File::open("f")?;
    fs::remove_file("f")?; // unlink(2)
    read(&file, 2)?;
    let again = File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
    read(&again, 2)
}

pub(super) fn written_zeros() -> io::Result<impl Debug> {
    let mut file = memory_file("zeros")?;
    file.write_all(&[0; 1 << 20])?;
    let metadata = file.metadata()?;
    Ok((metadata.len(), metadata.blocks())) // blocks of 512 bytes
}

pub(super) fn a_hole_under_a_mapping() -> io::Result<impl Debug> {
    let mut file = memory_file("holes")?;
    file.write_all(b"x")?; // 120
    let mapping = Mapping::of_file(&file, 0, 1, READ_WRITE, Sharing::Shared)?;
    remove_pages(&mapping, 0, 1)?; // punches a hole: the first page
    Ok((mapping.load(0), file.metadata()?.len()))
}

pub(super) fn a_mask() -> io::Result<impl Debug> {
    umask(0o027);
    // open(2) with mode 666
    let file = File::options().write(true).create_new(true).mode(0o666).open("f")?;
    Ok(format!("{:o}", file.metadata()?.mode() & 0o777))
}

pub(super) fn lent() -> io::Result<impl Debug> {
    fs::write("f", "abcdef")?;
    let file = File::open("f")?;
    read(&file, 2)?;
    lend_to_cat(&file)?;
    read(&file, 2)
}

pub(super) fn not_inherited() -> io::Result<impl Debug> {
    let file = File::create("f")?; // open(2) with O_CLOEXEC, as always in Rust
    a_program_has(file.as_raw_fd())
}

pub(super) fn onto_another_number() -> io::Result<impl Debug> {
    let file = File::create("f")?; // it has FD_CLOEXEC
    let other = File::open("f")?; // it has, too
    dup2(&file, other.as_raw_fd())?; // dup2(2)
    a_program_has(other.as_raw_fd())
}

pub(super) fn onto_itself() -> io::Result<impl Debug> {
    let file = File::create("f")?; // it has FD_CLOEXEC
    dup2(&file, file.as_raw_fd())?; // dup2(2)
    a_program_has(file.as_raw_fd())
}

pub(super) fn sealed_while_mapped() -> io::Result<impl Debug> {
    let file = memory_file("sealed")?;
    file.set_len(1)?;
    let _mapping = Mapping::of_file(&file, 0, 1, READ_WRITE, Sharing::Shared)?;
    Ok(seal(&file, SealFlag::F_SEAL_WRITE)?)
}

pub(super) fn sealed_while_mapped_private() -> io::Result<impl Debug> {
    let file = memory_file("sealed")?;
    file.set_len(1)?;
    let mapping = Mapping::of_file(&file, 0, 1, READ_WRITE, Sharing::Private)?;
    seal(&file, SealFlag::F_SEAL_WRITE)?;
    mapping.store(0, b'x'); // 120
    let mut byte = [0];
    file.read_at(&mut byte, 0)?; // pread(2)
    Ok((mapping.load(0), byte))
}
