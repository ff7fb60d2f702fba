//! The crash states against a real disk: an ext4 on a loop device, of which a copy at any moment is what a power cut leaves.
//!
//! It needs root, and LABORATORY=1. HISTORIES=500 tries as many as that.

mod common;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use mmap_workbook::crash::{Disk, FileNumber};
use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::lesson_8::flush;
use mmap_workbook::observe::page_size;
use mmap_workbook::process::{Ended, OnSmallDisk, on_a_small_disk};
use nix::sys::mman::MsFlags;
use nix::sys::stat::{major, minor};
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

fn run(program: &str, arguments: &[&str], last: &[&Path]) -> io::Result<()> {
    let run = Command::new(program).args(arguments).args(last).output()?;
    let said = || io::Error::other(format!("{program}: {}: {}", run.status, String::from_utf8_lossy(&run.stderr)));
    run.status.success().then_some(()).ok_or_else(said)
}

/// The real disk, and what it may hold.
struct Both {
    mounted: PathBuf,
    image: PathBuf,
    disk: Disk,
    /// The files that have a name, with their numbers.
    files: BTreeMap<usize, (FileNumber, File)>,
}

impl Both {
    fn new(place: &Path) -> io::Result<Both> {
        let (mounted, image) = (place.join("mounted"), place.join("image"));
        File::create(&image)?.set_len(16 << 20)?;
        fs::create_dir_all(&mounted)?;
        run("mkfs.ext4", &["-q"], &[&image])?;
        run("mount", &["-o", "loop"], &[&image, &mounted])?;
        File::open(&mounted)?.sync_all()?;
        Ok(Both { mounted, image, disk: Disk::new(page_size()), files: BTreeMap::new() })
    }

    /// Does it; true where it is a cut.
    fn happen(&mut self, done: &Done) -> io::Result<bool> {
        let path = |name: usize| self.mounted.join(NAMES[name]);
        match *done {
            Done::Create(name) => {
                let new = File::options().read(true).write(true).create_new(true).open(path(name));
                match new {
                    // Who has the name keeps it.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                    new => {
                        let file = new?;
                        self.files.insert(name, (self.disk.create(NAMES[name]), file));
                    }
                }
            }
            Done::Rename(from, to) if from != to && self.files.contains_key(&from) => {
                fs::rename(path(from), path(to))?;
                self.disk.rename(NAMES[from], NAMES[to]);
                let file = self.files.remove(&from).expect("it is there");
                self.files.insert(to, file);
            }
            Done::FsyncDirectory => {
                File::open(&self.mounted)?.sync_all()?;
                self.disk.sync_directory();
            }
            Done::Cut => return Ok(true),
            Done::Rename(..) => {}
            Done::Store(name, ..)
            | Done::Write(name, ..)
            | Done::Truncate(name, _)
            | Done::Msync(name, _)
            | Done::Fsync(name) => {
                let Some((number, file)) = self.files.get(&name) else { return Ok(false) };
                let size = usize::try_from(file.metadata()?.len()).expect("it is small");
                let mapping = || Mapping::of_file(file, 0, size, READ_WRITE, Sharing::Shared);
                match *done {
                    Done::Store(_, at, byte) if at < size => {
                        mapping()?.store(at, byte);
                        self.disk.write(*number, at, &[byte]);
                    }
                    Done::Write(_, at, length, byte) => {
                        file.write_all_at(&vec![byte; length], at as u64)?;
                        self.disk.write(*number, at, &vec![byte; length]);
                    }
                    Done::Truncate(_, size) => {
                        file.set_len(size as u64)?;
                        self.disk.truncate(*number, size);
                    }
                    Done::Msync(_, page) if page * page_size() < size => {
                        let range = page * page_size()..page * page_size() + 1;
                        flush(&mapping()?, range.clone(), MsFlags::MS_SYNC)?;
                        self.disk.sync_range(*number, range);
                    }
                    Done::Fsync(_) => {
                        file.sync_all()?;
                        self.disk.sync(*number);
                    }
                    _ => {}
                }
            }
        }
        Ok(false)
    }

    /// The number of writes that the loop device has had.
    fn writes(&self) -> io::Result<String> {
        let device = self.mounted.metadata()?.dev();
        let stat = fs::read_to_string(format!("/sys/dev/block/{}:{}/stat", major(device), minor(device)))?;
        Ok(stat.split_whitespace().skip(4).take(3).collect::<Vec<_>>().join(" "))
    }

    /// What is found after a cut now.
    fn found(&self, place: &Path) -> io::Result<BTreeMap<String, Vec<u8>>> {
        let (copy, at) = (place.join("copy"), place.join("found"));
        loop {
            let before = self.writes()?;
            fs::copy(&self.image, &copy)?;
            if self.writes()? == before {
                break;
            }
        }
        fs::create_dir_all(&at)?;
        run("mount", &["-o", "loop"], &[&copy, &at])?;
        let read = |name: &str| match fs::read(at.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            bytes => bytes.map(|bytes| Some((name.to_owned(), bytes))),
        };
        let found = NAMES.into_iter().filter_map(|name| read(name).transpose()).collect();
        run("umount", &[], &[&at])?;
        found
    }
}

/// Tries this history, and returns the number of cuts, and that of those after which something was missing.
fn tried(history: &[Done], place: &Path) -> io::Result<(usize, usize)> {
    let mut both = Both::new(place)?;
    let (mut cuts, mut with_losses) = (0, 0);
    for (n, done) in history.iter().enumerate() {
        if both.happen(done)? {
            let found = both.found(place)?;
            cuts += 1;
            with_losses += usize::from(found != both.disk.cached());
            if let Err(unit) = both.disk.may_be(&found) {
                return Err(io::Error::other(format!("{unit:?} after {:?}", &history[..n])));
            }
        }
    }
    both.files.clear();
    run("umount", &[], &[&both.mounted])?;
    Ok((cuts, with_losses))
}

#[test]
fn what_a_real_disk_holds_after_a_cut_is_one_of_the_states() {
    if std::env::var_os("LABORATORY").is_none() || !nix::unistd::geteuid().is_root() {
        return eprintln!("skipped: ext4 on a loop device needs LABORATORY=1, and root");
    }
    let histories = std::env::var("HISTORIES").map_or(10, |n| n.parse().expect("a number"));
    let strategy = prop::collection::vec(done(), 30);
    let mut runner = TestRunner::deterministic();
    let all: Vec<Vec<Done>> =
        (0..histories).map(|_| strategy.new_tree(&mut runner).expect("a history").current()).collect();
    let (mut cuts, mut losses) = (0, 0);
    let ran = on_a_small_disk(
        80 << 20,
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
    match ran {
        Ok(OnSmallDisk::Skipped(reason)) => eprintln!("skipped: {reason}"),
        ran => {
            assert!(matches!(ran, Ok(OnSmallDisk::Ran(Ended::Exited(0)))), "{ran:?}");
            eprintln!("{cuts} cuts in {} histories; after {losses} of them something was lost", all.len());
            assert!(losses > 0, "a cut that loses nothing shows nothing");
        }
    }
}
