//! The real thing: an ext4 on a loop device, and what is left on it when the power is cut.
//!
//! What the device has at a moment is in its image, so a copy of the image is the disk after a cut at that moment: the copy is
//! mounted, ext4 recovers from its journal, and the files are read. That needs root, a loop device and mkfs.ext4(8).
//!
//! A loop device has no cache that a cut would empty, and does at once what it is told. What is found here is one of the crash
//! states; that another one is never found shows nothing.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::errno::Errno;
use nix::sys::mman::{MmapAdvise, MsFlags};
use nix::unistd::geteuid;
use serde::{Deserialize, Serialize};

use super::flush;
use crate::crash::{Disk, FileNumber};
use crate::lesson_2::{Mapping, READ_WRITE, Sharing};
use crate::lesson_7::{advise, sectors_written};
use crate::observe::page_size;
use crate::process::{OnSmallDisk, Peer, on_a_small_disk};
use crate::text::Text;

/// The files after a cut: the bytes of each name.
pub type Files = BTreeMap<String, Vec<u8>>;

// ANCHOR: real_disk
/// A mounted disk, and what it may hold after a cut ([`Disk`]). Whatever is done is done to both.
pub struct RealDisk {
    place: PathBuf,
    may_hold: Disk,
    files: BTreeMap<String, Open>,
}

struct Open {
    number: FileNumber,
    file: File,
    mapping: Option<Mapping>,
}

impl RealDisk {
    /// A disk without files, whose image is in this directory.
    ///
    /// # Errors
    /// What this machine has not, or doesn't allow.
    pub fn mount(place: &Path) -> io::Result<RealDisk> {
        File::create(place.join("image"))?.set_len(16 << 20)?;
        run("mkfs.ext4", &["-q"], &[&place.join("image")])?;
        let disk = RealDisk { place: place.into(), may_hold: Disk::new(page_size()), files: BTreeMap::new() };
        fs::create_dir_all(disk.directory())?;
        run("mount", &["-o", "loop"], &[&place.join("image"), &disk.directory()])?;
        File::open(disk.directory())?.sync_all()?;
        Ok(disk)
    }

    /// Where it is mounted.
    pub fn directory(&self) -> PathBuf {
        self.place.join("mounted")
    }

    /// What it may hold after a cut now.
    pub fn may_hold(&self) -> &Disk {
        &self.may_hold
    }

    // ANCHOR: cut
    /// What is left if the power is cut now. The disk itself goes on.
    ///
    /// # Errors
    /// Those of the calls.
    // ANCHOR: cut_fn
    pub fn cut(&self) -> io::Result<Files> {
        let (image, copy, at) = (self.place.join("image"), self.place.join("copy"), self.place.join("left"));
        let directory = File::open(self.directory())?;
        loop {
            let before = sectors_written(&directory)?;
            fs::copy(&image, &copy)?;
            // Had the kernel written meanwhile, it would be the disk of no moment.
            if sectors_written(&directory)? == before {
                break;
            }
        }
        fs::create_dir_all(&at)?;
        run("mount", &["-o", "loop"], &[&copy, &at])?;
        let left = files_in(&at);
        run("umount", &[], &[&at])?;
        left
    }
    // ANCHOR_END: cut_fn
    // ANCHOR_END: cut

    /// Unmounts it.
    ///
    /// # Errors
    /// Those of umount(8).
    pub fn unmount(mut self) -> io::Result<()> {
        self.files.clear();
        run("umount", &[], &[&self.directory()])
    }
}
// ANCHOR_END: real_disk

/// The files in a directory, with their bytes.
fn files_in(directory: &Path) -> io::Result<Files> {
    let mut files = Files::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            files.insert(entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path())?);
        }
    }
    Ok(files)
}

fn run(program: &str, arguments: &[&str], last: &[&Path]) -> io::Result<()> {
    let run = Command::new(program).args(arguments).args(last).output();
    let run = run.map_err(|error| io::Error::new(error.kind(), format!("{program}: {error}")))?;
    let said = || io::Error::other(format!("{program}: {}: {}", run.status, String::from_utf8_lossy(&run.stderr)));
    run.status.success().then_some(()).ok_or_else(said)
}

/// What is done, by the calls and in the list of what may be left.
impl RealDisk {
    fn open(&mut self, name: &str) -> io::Result<&mut Open> {
        self.files.get_mut(name).ok_or_else(|| Errno::ENOENT.into())
    }

    /// The names of the files that are open.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// The size of a file.
    ///
    /// # Errors
    /// ENOENT, and that of fstat(2).
    pub fn size(&mut self, name: &str) -> io::Result<usize> {
        usize::try_from(self.open(name)?.file.metadata()?.len()).map_err(io::Error::other)
    }

    /// A new file without bytes.
    ///
    /// # Errors
    /// Those of open(2), as the others have those of their calls, and ENOENT for a file that isn't open.
    pub fn create(&mut self, name: &str) -> io::Result<()> {
        let file = File::options().read(true).write(true).create_new(true).open(self.directory().join(name))?;
        self.files.insert(name.to_owned(), Open { number: self.may_hold.create(name), file, mapping: None });
        Ok(())
    }

    /// rename(2).
    ///
    /// # Errors
    /// Those of the call.
    pub fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.directory().join(from), self.directory().join(to))?;
        self.may_hold.rename(from, to);
        let file = self.files.remove(from).ok_or(Errno::ENOENT)?;
        self.files.insert(to.to_owned(), file);
        Ok(())
    }

    /// pwrite(2).
    ///
    /// # Errors
    /// Those of the call.
    pub fn write(&mut self, name: &str, at: usize, bytes: &[u8]) -> io::Result<()> {
        let open = self.open(name)?;
        open.file.write_all_at(bytes, at as u64)?;
        let number = open.number;
        self.may_hold.write(number, at, bytes);
        Ok(())
    }

    /// ftruncate(2).
    ///
    /// # Errors
    /// Those of the call.
    pub fn truncate(&mut self, name: &str, size: usize) -> io::Result<()> {
        let open = self.open(name)?;
        open.file.set_len(size as u64)?;
        let number = open.number;
        self.may_hold.truncate(number, size);
        Ok(())
    }

    /// A shared mapping of the whole file, as long as it is now.
    ///
    /// # Errors
    /// Those of mmap(2).
    pub fn mapping(&mut self, name: &str) -> io::Result<&Mapping> {
        let size = self.size(name)?;
        let open = self.open(name)?;
        let kept = open.mapping.take().filter(|mapping| mapping.length() == size);
        let mapping = match kept {
            Some(mapping) => mapping,
            None => Mapping::of_file(&open.file, 0, size, READ_WRITE, Sharing::Shared)?,
        };
        Ok(open.mapping.insert(mapping))
    }

    /// Stores to the mapping of the file, at a place inside it.
    ///
    /// # Errors
    /// Those of mmap(2).
    pub fn store(&mut self, name: &str, at: usize, bytes: &[u8]) -> io::Result<()> {
        self.mapping(name)?.write(at, bytes);
        let number = self.open(name)?.number;
        self.may_hold.write(number, at, bytes);
        Ok(())
    }

    /// msync(2) of the page at this offset.
    ///
    /// # Errors
    /// Those of the call.
    pub fn msync(&mut self, name: &str, at: usize, flags: MsFlags) -> io::Result<()> {
        flush(self.mapping(name)?, at..at + 1, flags)?;
        let number = self.open(name)?.number;
        if flags.contains(MsFlags::MS_SYNC) {
            self.may_hold.sync_range(number, at..at + 1);
        }
        Ok(())
    }

    /// munmap(2) and close(2).
    ///
    /// # Errors
    /// ENOENT.
    pub fn close(&mut self, name: &str) -> io::Result<()> {
        self.files.remove(name).map(drop).ok_or_else(|| Errno::ENOENT.into())
    }

    /// fsync(2).
    ///
    /// # Errors
    /// Those of the call.
    pub fn fsync(&mut self, name: &str) -> io::Result<()> {
        self.open(name)?.file.sync_all()?;
        self.synced(name)
    }

    /// fdatasync(2): what is needed to read the bytes, the size with it.
    ///
    /// # Errors
    /// Those of the call.
    pub fn fdatasync(&mut self, name: &str) -> io::Result<()> {
        self.open(name)?.file.sync_data()?;
        self.synced(name)
    }

    fn synced(&mut self, name: &str) -> io::Result<()> {
        let number = self.open(name)?.number;
        self.may_hold.sync(number);
        Ok(())
    }

    /// fsync(2) of the directory.
    ///
    /// # Errors
    /// Those of the call.
    pub fn fsync_directory(&mut self) -> io::Result<()> {
        File::open(self.directory())?.sync_all()?;
        self.may_hold.sync_directory();
        Ok(())
    }
}

// ANCHOR: before_the_cut
/// What is done before the cut.
pub struct Before {
    /// What it is called.
    pub name: Text,
    act: fn(&mut RealDisk) -> io::Result<()>,
}

/// Each begins with a file f of one page, which begins with "old" and is on the disk.
pub const BEFORE: [Before; 14] = [
    Before { name: Text::fixed("a store", "写内存"), act: |disk| disk.store("f", 0, NEW) },
    Before {
        name: Text::fixed("a store, msync MS_ASYNC", "写内存，msync MS_ASYNC"),
        act: |disk| {
            disk.store("f", 0, NEW)?;
            disk.msync("f", 0, MsFlags::MS_ASYNC)
        },
    },
    Before {
        name: Text::fixed("a store, munmap, close", "写内存，munmap，close"),
        act: |disk| {
            disk.store("f", 0, NEW)?;
            disk.close("f")
        },
    },
    Before {
        name: Text::fixed("a store, MADV_DONTNEED", "写内存，MADV_DONTNEED"),
        act: |disk| {
            disk.store("f", 0, NEW)?;
            Ok(advise(disk.mapping("f")?, MmapAdvise::MADV_DONTNEED)?)
        },
    },
    Before {
        name: Text::fixed("a store, MADV_PAGEOUT", "写内存，MADV_PAGEOUT"),
        act: |disk| {
            disk.store("f", 0, NEW)?;
            Ok(advise(disk.mapping("f")?, MmapAdvise::MADV_PAGEOUT)?)
        },
    },
    Before { name: Text::fixed("pwrite", "pwrite"), act: |disk| disk.write("f", 0, NEW) },
    Before {
        name: Text::fixed("a store, msync MS_SYNC", "写内存，msync MS_SYNC"),
        act: |disk| {
            disk.store("f", 0, NEW)?;
            disk.msync("f", 0, MsFlags::MS_SYNC)
        },
    },
    Before {
        name: Text::fixed("a store, fdatasync", "写内存，fdatasync"),
        act: |disk| {
            disk.store("f", 0, NEW)?;
            disk.fdatasync("f")
        },
    },
    Before {
        name: Text::fixed("a store, fsync", "写内存，fsync"),
        act: |disk| {
            disk.store("f", 0, NEW)?;
            disk.fsync("f")
        },
    },
    Before {
        name: Text::fixed("ftruncate, store to page 1", "ftruncate，写第 1 页"),
        act: |disk| {
            disk.truncate("f", 2 * page_size())?;
            disk.store("f", page_size(), NEW)
        },
    },
    Before {
        name: Text::fixed("the same, fdatasync", "同上，再 fdatasync"),
        act: |disk| {
            disk.truncate("f", 2 * page_size())?;
            disk.store("f", page_size(), NEW)?;
            disk.fdatasync("f")
        },
    },
    Before {
        name: Text::fixed("new file g, rename to f", "新文件 g，改名为 f"),
        act: |disk| {
            write_g(disk)?;
            disk.rename("g", "f")
        },
    },
    Before {
        name: Text::fixed("g, fsync, rename to f", "g，fsync，改名为 f"),
        act: |disk| {
            write_g(disk)?;
            disk.fsync("g")?;
            disk.rename("g", "f")
        },
    },
    Before {
        name: Text::fixed("the same, directory fsync", "同上，再对目录 fsync"),
        act: |disk| {
            write_g(disk)?;
            disk.fsync("g")?;
            disk.rename("g", "f")?;
            disk.fsync_directory()
        },
    },
];

const OLD: &[u8] = b"old";
const NEW: &[u8] = b"new";

fn write_g(disk: &mut RealDisk) -> io::Result<()> {
    disk.create("g")?;
    disk.write("g", 0, NEW)
}
// ANCHOR_END: before_the_cut

/// What a cut has left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// The names, with the first three bytes of each page.
    pub found: String,
    /// Whether nothing else could have been left.
    pub certain: bool,
    /// Whether it is one of the crash states.
    pub listed: bool,
}

/// What is left after each of [`BEFORE`]; why not, where this machine has no such disk.
///
/// # Errors
/// Those of the calls.
pub fn after_each() -> io::Result<Result<Vec<Left>, String>> {
    let mut left = Vec::new();
    let ran = on_a_real_disk(
        |place, peer| {
            let cut = BEFORE.iter().map(|before| after(before, place)).collect::<io::Result<Vec<_>>>()?;
            peer.send(&serde_json::to_vec(&cut)?)
        },
        |peer| {
            left = serde_json::from_slice(&peer.receive()?)?;
            Ok(())
        },
    )?;
    Ok(ran.map(|()| left))
}

fn after(before: &Before, place: &Path) -> io::Result<Left> {
    let mut disk = RealDisk::mount(place)?;
    disk.create("f")?;
    let mut page = OLD.to_vec();
    page.resize(page_size(), 0);
    disk.write("f", 0, &page)?;
    disk.fsync("f")?;
    disk.fsync_directory()?;
    (before.act)(&mut disk)?;
    let files = disk.cut()?;
    let states = disk.may_hold.crash_states(2, |_| std::ops::ControlFlow::Continue(()));
    let left =
        Left { found: in_words(&files), certain: states.states == 1, listed: disk.may_hold.may_be(&files).is_ok() };
    disk.unmount()?;
    Ok(left)
}

fn in_words(files: &Files) -> String {
    let word = |page: &[u8]| match page {
        [0, ..] => "zeros".to_owned(),
        page => format!("{:?}", String::from_utf8_lossy(&page[..page.len().min(3)])),
    };
    let words = |(name, bytes): (&String, &Vec<u8>)| {
        let pages: Vec<_> = bytes.chunks(page_size()).map(word).collect();
        format!("{name}: {}", if pages.is_empty() { "-".to_owned() } else { pages.join(" ") })
    };
    files.iter().map(words).collect::<Vec<_>>().join(", ")
}

/// Runs `body` in a child that may mount a [`RealDisk`] in the directory that it gets, and `listen` meanwhile, as
/// [`on_a_small_disk`] does; why not, where this machine allows no such disk.
///
/// # Errors
/// Those of [`on_a_small_disk`], and how the child ended if not well.
pub fn on_a_real_disk(
    body: impl FnOnce(&Path, &Peer) -> io::Result<()>,
    listen: impl FnOnce(&Peer) -> io::Result<()>,
) -> io::Result<Result<(), String>> {
    if !geteuid().is_root() {
        return Ok(Err("a loop device needs root".to_owned()));
    }
    let mut reason = None;
    let ran = on_a_small_disk(
        64 << 20,
        |place, peer| {
            // Whether one can be had is found out by having one.
            if let Err(error) = RealDisk::mount(place).and_then(RealDisk::unmount) {
                return peer.send(error.to_string().trim_end().as_bytes());
            }
            peer.give_turn()?;
            body(place, peer)
        },
        |peer| match peer.receive()?.as_slice() {
            b"." => listen(peer),
            why => {
                reason = Some(String::from_utf8_lossy(why).into_owned());
                Ok(())
            }
        },
    )?;
    match (ran, reason) {
        (OnSmallDisk::Skipped(reason), _) => Ok(Err(reason)),
        (OnSmallDisk::Ran(ended), reason) => {
            ended.success()?;
            Ok(reason.map_or(Ok(()), Err))
        }
    }
}
