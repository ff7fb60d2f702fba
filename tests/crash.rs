//! The crash states against a real disk: an ext4 on a loop device, of which a copy at any moment is what a power cut leaves.
//!
//! It needs root, and LABORATORY=1. HISTORIES=500 tries as many as that.

mod common;

use std::io;
use std::path::Path;

use mmap_workbook::lesson_8::real::{RealDisk, on_a_real_disk};
use mmap_workbook::observe::page_size;
use nix::sys::mman::MsFlags;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

/// The most pages of a file.
const PAGES: usize = 4;

/// What is done, to one of the files that are there.
#[derive(Debug, Clone)]
enum Done {
    /// A new file gets one of these names.
    Create(usize),
    Rename(usize, usize),
    /// A byte is stored to a mapping of the file.
    Store(usize, usize, u8),
    /// pwrite(2) of some bytes, which may cross pages and make the file longer.
    Write(usize, usize, usize, u8),
    Truncate(usize, usize),
    /// msync(2) of a page.
    Msync(usize, usize),
    Fsync(usize),
    FsyncDirectory,
    /// The power is cut: what is on the disk then is one of the crash states.
    Cut,
}

const NAMES: [&str; 3] = ["a", "b", "c"];

fn done() -> impl Strategy<Value = Done> {
    let (name, page, at) = (0..NAMES.len(), 0..PAGES, 0..PAGES * page_size());
    prop_oneof![
        1 => name.clone().prop_map(Done::Create),
        2 => (name.clone(), name.clone()).prop_map(|(from, to)| Done::Rename(from, to)),
        4 => (name.clone(), at.clone(), any::<u8>()).prop_map(|(file, at, byte)| Done::Store(file, at, byte)),
        3 => (name.clone(), at.clone(), 1..page_size(), any::<u8>())
            .prop_map(|(file, at, length, byte)| Done::Write(file, at, length, byte)),
        1 => (name.clone(), at).prop_map(|(file, size)| Done::Truncate(file, size)),
        2 => (name.clone(), page).prop_map(|(file, page)| Done::Msync(file, page)),
        1 => name.prop_map(Done::Fsync),
        1 => Just(Done::FsyncDirectory),
        3 => Just(Done::Cut),
    ]
}

/// Does it; true where it is a cut.
fn happen(disk: &mut RealDisk, done: &Done) -> io::Result<bool> {
    let has = |disk: &RealDisk, name: usize| disk.names().any(|there| there == NAMES[name]);
    match *done {
        Done::Cut => return Ok(true),
        Done::FsyncDirectory => disk.fsync_directory()?,
        // Who has the name keeps it.
        Done::Create(name) if !has(disk, name) => disk.create(NAMES[name])?,
        Done::Rename(from, to) if from != to && has(disk, from) => disk.rename(NAMES[from], NAMES[to])?,
        Done::Create(_) | Done::Rename(..) => {}
        Done::Store(name, ..)
        | Done::Write(name, ..)
        | Done::Truncate(name, _)
        | Done::Msync(name, _)
        | Done::Fsync(name)
            if !has(disk, name) => {}
        Done::Store(name, at, byte) if at < disk.size(NAMES[name])? => disk.store(NAMES[name], at, &[byte])?,
        Done::Write(name, at, length, byte) => disk.write(NAMES[name], at, &vec![byte; length])?,
        Done::Truncate(name, size) => disk.truncate(NAMES[name], size)?,
        Done::Msync(name, page) if page * page_size() < disk.size(NAMES[name])? => {
            disk.msync(NAMES[name], page * page_size(), MsFlags::MS_SYNC)?;
        }
        Done::Fsync(name) => disk.fsync(NAMES[name])?,
        Done::Store(..) | Done::Msync(..) => {}
    }
    Ok(false)
}

/// Tries this history, and returns the number of cuts, and that of those after which something was missing.
fn tried(history: &[Done], place: &Path) -> io::Result<(usize, usize)> {
    let mut disk = RealDisk::mount(place)?;
    let (mut cuts, mut with_losses) = (0, 0);
    for (n, done) in history.iter().enumerate() {
        if happen(&mut disk, done)? {
            let found = disk.cut()?;
            cuts += 1;
            with_losses += usize::from(found != disk.may_hold().cached());
            if let Err(unit) = disk.may_hold().may_be(&found) {
                return Err(io::Error::other(format!("{unit:?} after {:?}", &history[..n])));
            }
        }
    }
    disk.unmount()?;
    Ok((cuts, with_losses))
}

#[test]
fn what_a_real_disk_holds_after_a_cut_is_one_of_the_states() {
    if std::env::var_os("LABORATORY").is_none() {
        return eprintln!("skipped: ext4 on a loop device needs LABORATORY=1, and root");
    }
    let histories = std::env::var("HISTORIES").map_or(10, |n| n.parse().expect("a number"));
    let strategy = prop::collection::vec(done(), 30);
    let mut runner = TestRunner::deterministic();
    let all: Vec<Vec<Done>> =
        (0..histories).map(|_| strategy.new_tree(&mut runner).expect("a history").current()).collect();
    let (mut cuts, mut losses) = (0, 0);
    let ran = on_a_real_disk(
        |place, peer| {
            for history in &all {
                let (cuts, losses) = tried(history, place)?;
                peer.send(&[cuts, losses].map(|n| u8::try_from(n).unwrap_or(u8::MAX)))?;
            }
            Ok(())
        },
        |peer| {
            // Each of them within the deadline of a message.
            for _ in &all {
                let [more, lost] = peer.receive()?.try_into().map_err(|_| io::ErrorKind::InvalidData)?;
                (cuts, losses) = (cuts + usize::from(more), losses + usize::from(lost));
            }
            Ok(())
        },
    );
    match ran.expect("a child that ends well") {
        Err(reason) => eprintln!("skipped: {reason}"),
        Ok(()) => {
            eprintln!("{cuts} cuts in {} histories; after {losses} of them something was lost", all.len());
            assert!(losses > 0, "a cut that loses nothing shows nothing");
        }
    }
}
