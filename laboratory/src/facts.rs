//! What programs find different on another file system: short scenarios, each with the outcomes that are known, and
//! where each was seen. A stage is asked, never judged by its name: another outcome there is its kernel's.

use std::cmp::Ordering;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::time::{Duration, Instant, SystemTime};

use memmap2::{MmapOptions, MmapRaw};
use mmap_workbook::fault::Cause;
use mmap_workbook::observe::{page_size, page_size_u64, smaps_of};
use mmap_workbook::process::{DEADLINE, Ended, end_of};
use mmap_workbook::text::Text;
use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, PosixFadviseAdvice, fallocate, posix_fadvise, posix_fallocate};
use nix::libc;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::{MmapAdvise, MsFlags};
use nix::sys::statvfs::statvfs;
use nix::unistd::{linkat, syncfs};

use crate::Kind;
use crate::hold::{BEFORE, OLD};
use crate::stage::Stage;

/// A short scenario, and what is known of it.
pub struct Fact {
    /// A name for programs.
    pub name: &'static str,
    /// What is done, and what is asked.
    pub scenario: Text,
    /// The outcomes that are known.
    pub outcomes: &'static [Known],
    observe: fn(&mut Stage) -> io::Result<&'static str>,
}

/// An outcome, in words, and where it was seen.
pub struct Known {
    /// A name for programs.
    pub name: &'static str,
    /// The words.
    pub words: Text,
    on: &'static [Kind],
}

impl Fact {
    /// Plays the scenario on a stage.
    ///
    /// # Errors
    /// If something fails that has to go well, or the outcome is none of those that are known.
    pub fn on(&self, stage: &mut Stage) -> io::Result<&'static Known> {
        settle(stage)?;
        let name = (self.observe)(stage)?;
        self.outcomes
            .iter()
            .find(|known| known.name == name)
            .ok_or_else(|| io::Error::other(format!("{}: the outcome is {name}", self.name)))
    }

    /// The outcome that was seen on this file system, on the kernel that [`KERNEL`] names.
    pub fn seen_on(&self, kind: Kind) -> Option<&'static Known> {
        self.outcomes.iter().find(|known| known.on.contains(&kind))
    }

    /// The fact of this name.
    pub fn named(name: &str) -> Option<&'static Fact> {
        FACTS.iter().find(|fact| fact.name == name)
    }
}

/// The kernel that the outcomes were seen on.
pub const KERNEL: &str = "6.18";

const fn known(name: &'static str, words: Text, on: &'static [Kind]) -> Known {
    Known { name, words, on }
}

/// Where shared mappings are refused, a scenario that needs one has no outcome.
pub const NO_MAPPING: Known = known("no mapping", Text::fixed("—", "—"), &[Kind::FuseDirect]);

use Kind::{Btrfs, Ext4, Ext4Small, Fuse, FuseDirect, OverlayExt4, OverlayTmpfs, Tmpfs, Xfs};

/// All of them.
pub static FACTS: &[Fact] = &[
    Fact {
        name: "shared",
        scenario: Text::fixed("a shared mapping", "共享映射"),
        outcomes: &[
            known(
                "mapped",
                Text::fixed("ok", "成功"),
                &[Ext4, Ext4Small, Xfs, Btrfs, Tmpfs, OverlayExt4, OverlayTmpfs, Fuse],
            ),
            known("ENODEV", Text::fixed("ENODEV", "ENODEV"), &[FuseDirect]),
        ],
        observe: |stage| {
            let file = new_file(stage, "shared")?;
            // A private mapping is allowed everywhere.
            Map::private(&file)?.load(0);
            Ok(if Map::shared(&file)?.is_some() { "mapped" } else { "ENODEV" })
        },
    },
    Fact {
        name: "private-follows",
        scenario: Text::fixed(
            "load from a private mapping, store to another of its pages, `pwrite(2)`: is it seen there?",
            "从私有映射读，写它的另一页，再 `pwrite(2)`：映射里看得到吗？",
        ),
        outcomes: &[
            known("yes", Text::fixed("yes", "看得到"), &Kind::ALL),
            known("no", Text::fixed("no", "看不到"), &[]),
        ],
        observe: |stage| {
            let file = new_file(stage, "private-follows")?;
            let second = page_size();
            file.set_len(2 * page_size_u64())?;
            let map = Map::private(&file)?;
            let before = [map.load(0), map.load(second)];
            // The copy is of this page alone.
            map.store(second, b'P');
            file.write_all_at(b"W", 0)?;
            file.write_all_at(b"W", page_size_u64())?;
            Ok(match (before, [map.load(0), map.load(second)]) {
                ([0, 0], [b'W', b'P']) => "yes",
                ([0, 0], [0, b'P']) => "no",
                _ => "other bytes",
            })
        },
    },
    Fact {
        name: "short-buffer",
        scenario: Text::fixed(
            "`write(2)` from a buffer of which only the first byte can be accessed",
            "`write(2)`，缓冲区只有第一个字节能访问",
        ),
        outcomes: &[
            known(
                "what fits",
                Text::fixed("1", "1"),
                &[Ext4, Ext4Small, Xfs, Tmpfs, OverlayExt4, OverlayTmpfs, Fuse, FuseDirect],
            ),
            known("EFAULT", Text::fixed("EFAULT", "EFAULT"), &[Btrfs]),
        ],
        observe: |stage| {
            let file = new_file(stage, "short-buffer")?;
            // The second page of the buffer doesn't exist.
            let one_byte = Map::two_pages_of(1)?;
            let buffer = one_byte.0.as_ptr().wrapping_add(page_size() - 1);
            // SAFETY: write(2) reads the buffer in the kernel, which answers EFAULT where there is no memory.
            let written = Errno::result(unsafe { libc::write(file.as_raw_fd(), buffer.cast(), 100) });
            match written {
                Ok(1) => Ok("what fits"),
                Err(Errno::EFAULT) => Ok("EFAULT"),
                other => Err(io::Error::other(format!("write(2): {other:?}"))),
            }
        },
    },
    Fact {
        name: "past-the-end",
        scenario: Text::fixed(
            "store past the end, unmap; the file grows: what is there?",
            "写到文件末尾之后，解除映射，文件变长：那里是什么？",
        ),
        outcomes: &[
            known("zeros", Text::fixed("zeros", "零"), &[Ext4, Ext4Small, Xfs, Btrfs, OverlayExt4, Fuse]),
            known("kept", Text::fixed("the store", "写入的内容"), &[Tmpfs, OverlayTmpfs]),
            NO_MAPPING,
        ],
        observe: |stage| {
            let file = new_file(stage, "past-the-end")?;
            file.set_len(10)?;
            let Some(map) = Map::shared(&file)? else { return Ok(NO_MAPPING.name) };
            map.store(20, b'S');
            drop((map, file));
            let file = File::options().read(true).write(true).open(stage.path.join("past-the-end"))?;
            file.set_len(30)?;
            let mut byte = [1];
            file.read_exact_at(&mut byte, 20)?;
            Ok(match byte {
                [0] => "zeros",
                [b'S'] => "kept",
                _ => "another byte",
            })
        },
    },
    Fact {
        name: "past-the-end-mapped",
        scenario: Text::fixed("the same, but it stays mapped: what is there?", "同上，但不解除映射：那里是什么？"),
        outcomes: &[
            known("zeros", Text::fixed("zeros", "零"), &[Ext4, Ext4Small, Xfs, Btrfs, OverlayExt4]),
            known("kept", Text::fixed("the store", "写入的内容"), &[Tmpfs, OverlayTmpfs, Fuse]),
            NO_MAPPING,
        ],
        observe: |stage| {
            let file = new_file(stage, "past-the-end-mapped")?;
            file.set_len(10)?;
            let Some(map) = Map::shared(&file)? else { return Ok(NO_MAPPING.name) };
            map.store(20, b'S');
            file.set_len(30)?;
            let mut byte = [1];
            file.read_exact_at(&mut byte, 20)?;
            Ok(match (byte, map.load(20)) {
                ([0], 0) => "zeros",
                ([b'S'], b'S') => "kept",
                _ => "other bytes",
            })
        },
    },
    Fact {
        name: "past-the-end-msync",
        scenario: Text::fixed(
            "store past the end, `msync(2)`: what does the mapping show?",
            "写到文件末尾之后，`msync(2)`：映射显示什么？",
        ),
        outcomes: &[
            known("zero", Text::fixed("zeros", "零"), &[Ext4, Ext4Small, Xfs, Btrfs, OverlayExt4, Fuse]),
            known("kept", Text::fixed("the store", "写入的内容"), &[Tmpfs, OverlayTmpfs]),
            NO_MAPPING,
        ],
        observe: |stage| {
            let file = new_file(stage, "past-the-end-msync")?;
            file.set_len(10)?;
            let Some(map) = Map::shared(&file)? else { return Ok(NO_MAPPING.name) };
            map.store(0, b'F');
            map.store(20, b'S');
            map.sync(MsFlags::MS_SYNC)?;
            Ok(if map.load(20) == 0 { "zero" } else { "kept" })
        },
    },
    Fact {
        name: "mtime-first-store",
        scenario: Text::fixed("store: does mtime move?", "写：mtime 变吗？"),
        outcomes: &[
            known(
                "moves",
                Text::fixed("yes", "变"),
                &[Ext4, Ext4Small, Xfs, Btrfs, Tmpfs, OverlayExt4, OverlayTmpfs, Fuse],
            ),
            known("stays", Text::fixed("no", "不变"), &[]),
            NO_MAPPING,
        ],
        observe: |stage| {
            let file = new_file(stage, "mtime-first-store")?;
            let Some(map) = Map::shared(&file)? else { return Ok(NO_MAPPING.name) };
            let moved = moves_mtime(&file, || {
                map.store(0, b'S');
                Ok(())
            })?;
            Ok(if moved { "moves" } else { "stays" })
        },
    },
    Fact {
        name: "mtime-after-load",
        scenario: Text::fixed(
            "load, store, `msync(2)`, unmap: does mtime move?",
            "先读后写，`msync(2)`，解除映射：mtime 变吗？",
        ),
        outcomes: &[
            known("moves", Text::fixed("yes", "变"), &[Ext4, Ext4Small, Xfs, Btrfs, OverlayExt4, Fuse]),
            known("stays", Text::fixed("no", "不变"), &[Tmpfs, OverlayTmpfs]),
            NO_MAPPING,
        ],
        observe: |stage| {
            let file = new_file(stage, "mtime-after-load")?;
            let Some(map) = Map::shared(&file)? else { return Ok(NO_MAPPING.name) };
            let moved = moves_mtime(&file, || {
                map.load(0);
                map.store(0, b'S');
                map.sync(MsFlags::MS_SYNC)?;
                drop(map);
                Ok(())
            })?;
            Ok(if moved { "moves" } else { "stays" })
        },
    },
    Fact {
        name: "mtime-after-sync",
        scenario: Text::fixed(
            "store, `msync(2)`, store: does mtime move again?",
            "写，`msync(2)`，再写：mtime 又变吗？",
        ),
        outcomes: &[
            known("moves", Text::fixed("yes", "变"), &[Ext4, Ext4Small, Xfs, Btrfs, OverlayExt4, Fuse]),
            known("stays", Text::fixed("no", "不变"), &[Tmpfs, OverlayTmpfs]),
            NO_MAPPING,
        ],
        observe: |stage| {
            let file = new_file(stage, "mtime-after-sync")?;
            let Some(map) = Map::shared(&file)? else { return Ok(NO_MAPPING.name) };
            map.store(0, b'S');
            map.sync(MsFlags::MS_SYNC)?;
            let moved = moves_mtime(&file, || {
                map.store(0, b'T');
                Ok(())
            })?;
            Ok(if moved { "moves" } else { "stays" })
        },
    },
    Fact {
        name: "dirty",
        scenario: Text::fixed(
            "a page dirty in smaps after: store, `MS_ASYNC`, `MS_SYNC`",
            "smaps 里的页是否为脏：写、`MS_ASYNC`、`MS_SYNC` 之后",
        ),
        outcomes: &[
            known(
                "until MS_SYNC",
                Text::fixed("yes, yes, no", "是，是，否"),
                &[Ext4, Ext4Small, Xfs, Btrfs, OverlayExt4, Fuse],
            ),
            known("always", Text::fixed("yes, yes, yes", "是，是，是"), &[Tmpfs, OverlayTmpfs]),
            NO_MAPPING,
        ],
        observe: |stage| {
            let file = new_file(stage, "dirty")?;
            let Some(map) = Map::shared(&file)? else { return Ok(NO_MAPPING.name) };
            map.store(0, b'S');
            let stored = map.is_dirty()?;
            map.sync(MsFlags::MS_ASYNC)?;
            let started = map.is_dirty()?;
            map.sync(MsFlags::MS_SYNC)?;
            Ok(match (stored, started, map.is_dirty()?) {
                (true, true, false) => "until MS_SYNC",
                (true, true, true) => "always",
                _ => "not dirty after a store",
            })
        },
    },
    Fact {
        name: "copy-up",
        scenario: Text::fixed(
            "`r` is open read-only and mapped; `w`, opened later, writes: what do `pread(2)` of `r` and its mapping show?",
            "`r` 只读打开并已映射，之后打开的 `w` 写入：`pread(2)` `r` 和 `r` 的映射各看到什么？",
        ),
        outcomes: &[
            known(
                "both new",
                Text::fixed("new, new", "新，新"),
                &[Ext4, Ext4Small, Xfs, Btrfs, Tmpfs, Fuse, FuseDirect],
            ),
            known("mapping old", Text::fixed("new, old", "新，旧"), &[OverlayExt4, OverlayTmpfs]),
            known("both old", Text::fixed("old, old", "旧，旧"), &[]),
        ],
        observe: |stage| {
            let path = stage.path.join(BEFORE[0]);
            fs::metadata(&path)?;
            let r = File::open(&path)?;
            let map = Map::read_only(&r)?;
            let before = map.load(0);
            let w = File::options().read(true).write(true).open(&path)?;
            w.write_all_at(b"N", 0)?;
            let mut read = [0];
            r.read_exact_at(&mut read, 0)?;
            // Whoever opens the file now sees the new bytes, by read(2) and by a mapping.
            let again = File::open(&path)?;
            let opened_anew = Map::read_only(&again)?.load(0);
            // Neither dropping its pages nor mapping it anew leads r's mapping to the other file.
            map.advise(MmapAdvise::MADV_DONTNEED)?;
            let loaded = map.load(0);
            if Map::read_only(&r)?.load(0) != loaded {
                return Ok("another mapping shows another byte");
            }
            // The scenario can be played again.
            w.write_all_at(&[OLD], 0)?;
            Ok(match (before, loaded, read, opened_anew) {
                (OLD, b'N', [b'N'], b'N') => "both new",
                (OLD, OLD, [b'N'], b'N') => "mapping old",
                (OLD, OLD, [OLD], b'N') => "both old",
                _ => "other bytes",
            })
        },
    },
    Fact {
        name: "truncated",
        scenario: Text::fixed(
            "the same, and `w` truncates to 0: load from the mapping of `r`",
            "同上，`w` 截断到 0：从 `r` 的映射读",
        ),
        outcomes: &[
            known("SIGBUS", Text::fixed("SIGBUS", "SIGBUS"), &[Ext4, Ext4Small, Xfs, Btrfs, Tmpfs, Fuse, FuseDirect]),
            known("old", Text::fixed("the old bytes", "旧的内容"), &[OverlayExt4, OverlayTmpfs]),
        ],
        observe: |stage| {
            let path = stage.path.join(BEFORE[1]);
            let r = File::open(&path)?;
            let map = Map::read_only(&r)?;
            let before = map.load(0);
            File::options().write(true).open(&path)?.set_len(0)?;
            Ok(match (before, map.loads(0)?) {
                (OLD, false) => "SIGBUS",
                (OLD, true) => {
                    if map.load(0) == OLD {
                        "old"
                    } else {
                        "another byte"
                    }
                }
                _ => "another byte before",
            })
        },
    },
    Fact {
        name: "full",
        scenario: Text::fixed(
            "the disk is full: store to a hole, `msync(2)`, `msync(2)`",
            "磁盘已满：写空洞，`msync(2)`，再 `msync(2)`",
        ),
        outcomes: &[
            known(
                "at the store",
                Text::fixed("SIGBUS", "SIGBUS"),
                &[Ext4, Ext4Small, Xfs, Btrfs, Tmpfs, OverlayExt4, OverlayTmpfs],
            ),
            known("once at msync", Text::fixed("ok, ENOSPC, ok", "成功，ENOSPC，成功"), &[Fuse]),
            known("each msync", Text::fixed("ok, ENOSPC, ENOSPC", "成功，ENOSPC，ENOSPC"), &[]),
            known("never", Text::fixed("ok, ok, ok", "成功，成功，成功"), &[]),
            NO_MAPPING,
        ],
        observe: |stage| {
            let file = new_file(stage, "full")?;
            file.set_len(PAGES as u64 * page_size_u64())?;
            let Some(map) = Map::shared(&file)? else { return Ok(NO_MAPPING.name) };
            let filler = stage.path.join("filler");
            fill(&File::create_new(&filler)?)?;
            let every_page = || (0..PAGES).for_each(|page| map.store(page * page_size(), b'S'));
            let ended = end_of(every_page)?;
            let twice = [map.sync(MsFlags::MS_SYNC), map.sync(MsFlags::MS_SYNC)];
            let full = |result: &io::Result<()>| {
                result.as_ref().is_err_and(|error| error.raw_os_error() == Some(Errno::ENOSPC as i32))
            };
            let outcome = match (ended.cause(), &ended, twice.each_ref().map(full)) {
                (Some(Cause::NoPage), ..) => "at the store",
                (None, Ended::Exited(0), [true, false]) => "once at msync",
                (None, Ended::Exited(0), [true, true]) => "each msync",
                (None, Ended::Exited(0), [false, false]) => "never",
                _ => "another end",
            };
            drop(map);
            if outcome == "once at msync" {
                // The second success means nothing: the file has holes where bytes were stored.
                posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED)?;
                let mut bytes = vec![b'S'; PAGES * page_size()];
                file.read_exact_at(&mut bytes, 0)?;
                if !bytes.contains(&0) {
                    return Ok("all is there after ENOSPC");
                }
            }
            drop(file);
            fs::remove_file(stage.path.join("full"))?;
            fs::remove_file(filler)?;
            Ok(outcome)
        },
    },
    Fact {
        name: "reserved",
        scenario: Text::fixed(
            "`posix_fallocate(3)`, then the disk is full: store, `msync(2)`, store again",
            "`posix_fallocate(3)` 之后磁盘才满：写，`msync(2)`，再写",
        ),
        outcomes: &[
            known(
                "both",
                Text::fixed("ok, ok, ok", "成功，成功，成功"),
                &[Ext4, Ext4Small, Xfs, Tmpfs, OverlayExt4, OverlayTmpfs, Fuse],
            ),
            known("the first", Text::fixed("ok, ok, SIGBUS", "成功，成功，SIGBUS"), &[Btrfs]),
            known("none", Text::fixed("SIGBUS", "SIGBUS"), &[]),
            NO_MAPPING,
        ],
        observe: |stage| {
            let file = new_file(stage, "reserved")?;
            let length = PAGES * page_size();
            posix_fallocate(&file, 0, length.try_into().map_err(io::Error::other)?)?;
            let Some(map) = Map::shared(&file)? else { return Ok(NO_MAPPING.name) };
            let filler = stage.path.join("filler");
            fill(&File::create_new(&filler)?)?;
            let store = |byte| end_of(|| (0..PAGES).for_each(|page| map.store(page * page_size(), byte)));
            let first = store(b'1')?;
            map.sync(MsFlags::MS_SYNC)?;
            let second = store(b'2')?;
            let outcome = match (first.cause(), &first, second.cause(), &second) {
                (None, Ended::Exited(0), None, Ended::Exited(0)) => "both",
                (None, Ended::Exited(0), Some(Cause::NoPage), _) => "the first",
                (Some(Cause::NoPage), ..) => "none",
                _ => "another end",
            };
            drop((map, file));
            fs::remove_file(stage.path.join("reserved"))?;
            fs::remove_file(filler)?;
            Ok(outcome)
        },
    },
    Fact {
        name: "failed-reservation",
        scenario: Text::fixed(
            "`posix_fallocate(3)` of more than is free: `ENOSPC`, and the file's length?",
            "`posix_fallocate(3)` 超过剩余的空间：返回 `ENOSPC`，文件长度呢？",
        ),
        outcomes: &[
            known("longer", Text::fixed("longer", "变长了"), &[Ext4, Ext4Small, OverlayExt4]),
            known("as before", Text::fixed("as before", "不变"), &[Xfs, Btrfs, Tmpfs, OverlayTmpfs, Fuse, FuseDirect]),
        ],
        observe: |stage| {
            let file = new_file(stage, "failed-reservation")?;
            let before = file.metadata()?.len();
            let answer = posix_fallocate(&file, 0, 1 << 30);
            let outcome = match (answer, file.metadata()?.len().cmp(&before)) {
                (Err(Errno::ENOSPC), Ordering::Greater) => "longer",
                (Err(Errno::ENOSPC), Ordering::Equal) => "as before",
                _ => "another end",
            };
            drop(file);
            fs::remove_file(stage.path.join("failed-reservation"))?;
            Ok(outcome)
        },
    },
    Fact {
        name: "hole-space",
        scenario: Text::fixed(
            "`write(2)` of 8 MiB, a hole of 6 MiB in the middle: is their space free?",
            "`write(2)` 写 8 MiB，在中间打 6 MiB 的洞：空间释放了吗？",
        ),
        outcomes: &[
            known(
                "free",
                Text::fixed("yes", "是"),
                &[Ext4, Ext4Small, Xfs, Tmpfs, OverlayExt4, OverlayTmpfs, Fuse, FuseDirect],
            ),
            known("taken", Text::fixed("no", "否"), &[Btrfs]),
        ],
        observe: |stage| {
            let file = new_file(stage, "hole-space")?;
            const MIB: i64 = 1 << 20;
            file.write_all_at(&vec![b'x'; 8 << 20], 0)?;
            let free = || -> io::Result<u64> {
                syncfs(&file)?;
                let all = statvfs(&stage.path)?;
                Ok(all.blocks_free() * all.fragment_size())
            };
            let before = free()?;
            let hole = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
            fallocate(&file, hole, MIB, 6 * MIB)?;
            let outcome = if free()?.saturating_sub(before) > 5 << 20 { "free" } else { "taken" };
            drop(file);
            fs::remove_file(stage.path.join("hole-space"))?;
            Ok(outcome)
        },
    },
    Fact {
        name: "large-write",
        scenario: Text::fixed(
            "1 MiB of the disk is free: `pwrite(2)` of 8 MiB",
            "磁盘只剩 1 MiB：`pwrite(2)` 写 8 MiB",
        ),
        outcomes: &[
            known(
                "a part",
                Text::fixed("a part, no error", "写入一部分，不报错"),
                &[Btrfs, Tmpfs, OverlayTmpfs, FuseDirect],
            ),
            known(
                "nothing",
                Text::fixed("ENOSPC, nothing", "ENOSPC，什么也没写"),
                &[Ext4, Ext4Small, Xfs, OverlayExt4],
            ),
            known("all", Text::fixed("all, and ENOSPC at `fsync(2)`", "全部写入，`fsync(2)` 才报 ENOSPC"), &[Fuse]),
        ],
        observe: |stage| {
            let file = new_file(stage, "large-write")?;
            file.set_len(0)?;
            let at = stage.path.join("filler");
            let filler = File::create_new(&at)?;
            fill(&filler)?;
            filler.set_len(filler.metadata()?.len() - (1 << 20))?;
            filler.sync_all()?;
            let large = vec![b'x'; 8 << 20];
            let (written, empty) = (file.write_at(&large, 0), file.metadata()?.len() == 0);
            let is_full = |error: &io::Error| error.raw_os_error() == Some(Errno::ENOSPC as i32);
            let outcome = match (&written, empty, &file.sync_all()) {
                (Ok(written), false, Err(error)) if *written == large.len() && is_full(error) => "all",
                (Ok(written), false, Ok(())) if *written < large.len() => "a part",
                (Err(error), true, Ok(())) if is_full(error) => "nothing",
                _ => "another end",
            };
            drop((file, filler));
            fs::remove_file(stage.path.join("large-write"))?;
            fs::remove_file(at)?;
            Ok(outcome)
        },
    },
    Fact {
        name: "overwrite",
        scenario: Text::fixed(
            "the disk is full: `pwrite(2)` over 4 MiB that are there; the same after cp(1) has cloned the file (`FICLONE`)",
            "磁盘已满：`pwrite(2)` 覆盖已有的 4 MiB；文件被 cp(1) 克隆（`FICLONE`）之后再来一次",
        ),
        outcomes: &[
            known(
                "all",
                Text::fixed("all; no clones there", "全部写入；不能克隆"),
                &[Ext4, Ext4Small, Tmpfs, OverlayExt4, OverlayTmpfs, Fuse, FuseDirect],
            ),
            known("none of a clone", Text::fixed("all; ENOSPC", "全部写入；ENOSPC"), &[Xfs]),
            known("a part", Text::fixed("a part; a part", "写入一部分；写入一部分"), &[Btrfs]),
        ],
        observe: |stage| {
            const LENGTH: usize = 4 << 20;
            let [path, copy, filler] = ["overwrite", "clone", "filler"].map(|name| stage.path.join(name));
            let on_a_full_disk = |clones: bool| -> io::Result<Option<io::Result<usize>>> {
                let file = new_file(stage, "overwrite")?;
                file.write_all_at(&vec![b'x'; LENGTH], 0)?;
                file.sync_all()?;
                if clones {
                    // SAFETY: the request takes a descriptor.
                    let done =
                        unsafe { libc::ioctl(File::create(&copy)?.as_raw_fd(), libc::FICLONE, file.as_raw_fd()) };
                    match Errno::result(done) {
                        Ok(_) => File::open(&copy)?.sync_all()?,
                        Err(Errno::EOPNOTSUPP | Errno::ENOTTY | Errno::ENOSYS) => return Ok(None),
                        Err(errno) => return Err(errno.into()),
                    }
                }
                fill(&File::create(&filler)?)?;
                let written = file.write_at(&vec![b'y'; LENGTH], 0);
                // An error that comes later counts as well.
                let written = written.and_then(|written| file.sync_all().map(|()| written));
                fs::remove_file(&filler)?;
                Ok(Some(written))
            };
            let (plain, cloned) = (on_a_full_disk(false)?, on_a_full_disk(true)?);
            fs::remove_file(path)?;
            fs::remove_file(copy)?;
            let is_full = |error: &io::Error| error.raw_os_error() == Some(Errno::ENOSPC as i32);
            Ok(match (plain, cloned) {
                (Some(Ok(LENGTH)), None) => "all",
                (Some(Ok(LENGTH)), Some(Err(error))) if is_full(&error) => "none of a clone",
                (Some(Ok(..LENGTH)), Some(Ok(..LENGTH))) => "a part",
                _ => "another end",
            })
        },
    },
    Fact {
        name: "cold-page",
        scenario: Text::fixed(
            "load the first page; the file is removed (FUSE: at the server); load the last page",
            "读第一页，文件被删除（FUSE：在服务器上），读最后一页",
        ),
        outcomes: &[
            known(
                "there",
                Text::fixed("its bytes", "文件的内容"),
                &[Ext4, Ext4Small, Xfs, Btrfs, Tmpfs, OverlayExt4, OverlayTmpfs],
            ),
            known("SIGBUS", Text::fixed("SIGBUS", "SIGBUS"), &[Fuse, FuseDirect]),
        ],
        observe: |stage| {
            let file = new_file(stage, "cold-page")?;
            let last = 1023 * page_size();
            file.set_len(1024 * page_size_u64())?;
            file.write_all_at(&[OLD], 0)?;
            file.write_all_at(&[OLD], last as u64)?;
            file.sync_all()?;
            // Neither from the page cache nor by reading ahead.
            posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED)?;
            let map = Map::read_only(&file)?;
            map.advise(MmapAdvise::MADV_RANDOM)?;
            let first = map.load(0);
            if matches!(stage.kind, Fuse | FuseDirect) {
                stage.vanish("cold-page")?;
            } else {
                fs::remove_file(stage.path.join("cold-page"))?;
            }
            let read = file.read_exact_at(&mut [0], (last - page_size()) as u64);
            let stale = read.is_err_and(|error| error.raw_os_error() == Some(Errno::ESTALE as i32));
            Ok(match (first, map.loads(0)?, map.loads(last)?, stale) {
                (OLD, true, true, false) => "there",
                (OLD, true, false, true) => "SIGBUS",
                _ => "another end",
            })
        },
    },
    Fact {
        name: "mapping-lock",
        scenario: Text::fixed(
            "`flock(2)`, map the file, close the descriptor: is the lock still there?",
            "`flock(2)`，映射文件，关闭描述符：锁还在吗？",
        ),
        outcomes: &[
            known("kept", Text::fixed("yes", "在"), &[Ext4, Ext4Small, Xfs, Btrfs, Tmpfs, Fuse, FuseDirect]),
            known("released", Text::fixed("no", "不在"), &[OverlayExt4, OverlayTmpfs]),
        ],
        observe: |stage| {
            // SAFETY: flock(2) takes two numbers.
            let lock =
                |file: &File| Errno::result(unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) });
            let file = new_file(stage, "mapping-lock")?;
            let another = File::open(stage.path.join("mapping-lock"))?;
            lock(&file)?;
            let map = Map::private(&file)?;
            let locked = lock(&another);
            drop(file);
            let closed = lock(&another);
            drop(map);
            Ok(match (locked, closed, lock(&another)) {
                (Err(Errno::EAGAIN), Err(Errno::EAGAIN), Ok(_)) => "kept",
                (Err(Errno::EAGAIN), Ok(_), Ok(_)) => "released",
                _ => "another end",
            })
        },
    },
    Fact {
        name: "second-name",
        scenario: Text::fixed("`linkat(2)`: a second name", "`linkat(2)`：第二个名字"),
        outcomes: &[
            known(
                "linked",
                Text::fixed("ok", "成功"),
                &[Ext4, Ext4Small, Xfs, Btrfs, Tmpfs, OverlayExt4, OverlayTmpfs, Fuse],
            ),
            known("EPERM", Text::fixed("EPERM", "EPERM"), &[FuseDirect]),
        ],
        observe: |stage| {
            new_file(stage, "first-name")?;
            let directory = File::open(&stage.path)?;
            match linkat(&directory, "first-name", &directory, "second-name", nix::fcntl::AtFlags::empty()) {
                Ok(()) => fs::remove_file(stage.path.join("second-name")).map(|()| "linked"),
                Err(Errno::EPERM) => Ok("EPERM"),
                Err(errno) => Err(errno.into()),
            }
        },
    },
    Fact {
        name: "long-name",
        scenario: Text::fixed("a file whose name has 256 bytes", "文件名长 256 字节"),
        outcomes: &[
            known(
                "too long",
                Text::fixed("ENAMETOOLONG", "ENAMETOOLONG"),
                &[Ext4, Ext4Small, Xfs, Btrfs, Tmpfs, OverlayExt4, OverlayTmpfs],
            ),
            known("made", Text::fixed("ok", "成功"), &[Fuse, FuseDirect]),
        ],
        observe: |stage| {
            let path = stage.path.join("n".repeat(256));
            match File::create_new(&path) {
                Ok(_) => fs::remove_file(path).map(|()| "made"),
                Err(error) if error.raw_os_error() == Some(Errno::ENAMETOOLONG as i32) => Ok("too long"),
                Err(error) => Err(error),
            }
        },
    },
    Fact {
        name: "zeroed-range",
        scenario: Text::fixed(
            "`FALLOC_FL_ZERO_RANGE`, `FALLOC_FL_COLLAPSE_RANGE`; a private copy of the page that follows a collapsed one?",
            "`FALLOC_FL_ZERO_RANGE`、`FALLOC_FL_COLLAPSE_RANGE`；紧跟在被去掉的页之后的那一页，私有副本还在吗？",
        ),
        outcomes: &[
            known("dropped", Text::fixed("ok, ok, it is lost", "成功，成功，丢失"), &[Ext4, Ext4Small, OverlayExt4]),
            known("kept", Text::fixed("ok, ok, it stays", "成功，成功，还在"), &[Xfs]),
            known("zeroed", Text::fixed("ok, EOPNOTSUPP", "成功，EOPNOTSUPP"), &[Btrfs, Fuse, FuseDirect]),
            known("neither", Text::fixed("EOPNOTSUPP, EOPNOTSUPP", "EOPNOTSUPP，EOPNOTSUPP"), &[Tmpfs, OverlayTmpfs]),
        ],
        observe: |stage| {
            let mut file = new_file(stage, "zeroed-range")?;
            (0..3).try_for_each(|_| file.write_all(&vec![b'f'; page_size()]))?;
            let page = i64::try_from(page_size()).map_err(io::Error::other)?;
            let map = Map::private(&file)?;
            map.store(page_size(), b'P');
            let allocate = |flags| match fallocate(&file, flags, 0, page) {
                Ok(()) => Ok::<_, io::Error>(true),
                Err(Errno::EOPNOTSUPP) => Ok(false),
                Err(error) => Err(error.into()),
            };
            let zeroed = allocate(FallocateFlags::FALLOC_FL_ZERO_RANGE)?;
            let collapsed = allocate(FallocateFlags::FALLOC_FL_COLLAPSE_RANGE)?;
            Ok(match (zeroed, collapsed, map.load(page_size())) {
                (true, true, b'P') => "kept",
                (true, true, _) => "dropped",
                (true, false, _) => "zeroed",
                (false, false, _) => "neither",
                (false, true, _) => "collapsed",
            })
        },
    },
    Fact {
        name: "no-name",
        scenario: Text::fixed("`O_TMPFILE`", "`O_TMPFILE`"),
        outcomes: &[
            known(
                "opened",
                Text::fixed("ok", "成功"),
                &[Ext4, Ext4Small, Xfs, Btrfs, Tmpfs, OverlayExt4, OverlayTmpfs],
            ),
            known("EOPNOTSUPP", Text::fixed("EOPNOTSUPP", "EOPNOTSUPP"), &[Fuse, FuseDirect]),
        ],
        observe: |stage| {
            let opened = File::options().read(true).write(true).custom_flags(libc::O_TMPFILE).open(&stage.path);
            match opened {
                Ok(_) => Ok("opened"),
                Err(error) if error.raw_os_error() == Some(Errno::EOPNOTSUPP as i32) => Ok("EOPNOTSUPP"),
                Err(error) => Err(error),
            }
        },
    },
];

/// More than `fill` leaves room for on btrfs, where fallocate(2) asks for room for the file system's own notes as well.
const PAGES: usize = 4096;

/// A new file of one page of zeros, in place of one that an earlier round left.
fn new_file(stage: &Stage, name: &str) -> io::Result<File> {
    let path = stage.path.join(name);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = File::options().read(true).write(true).create_new(true).open(path)?;
    file.write_all(&vec![0; page_size()])?;
    Ok(file)
}

/// Whether mtime is another after `what`. It is set to a time long ago first, so that no clock is too coarse.
fn moves_mtime(file: &File, what: impl FnOnce() -> io::Result<()>) -> io::Result<bool> {
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 29);
    file.set_modified(long_ago)?;
    what()?;
    Ok(file.metadata()?.modified()? != long_ago)
}

/// Waits until an earlier scenario is over for the file system: a server learns only some time after close(2) that the
/// space of a file is free.
fn settle(stage: &Stage) -> io::Result<()> {
    const ENOUGH: u64 = 10 << 20;
    // It reports, once, that the disk was full.
    let _ = syncfs(File::open(&stage.path)?);
    let limit = Instant::now() + DEADLINE;
    loop {
        let all = statvfs(&stage.path)?;
        if all.blocks_free() * all.fragment_size() > ENOUGH {
            return Ok(());
        }
        if Instant::now() > limit {
            return Err(io::Error::other("an earlier scenario leaves no room"));
        }
        std::thread::yield_now();
    }
}

/// Takes all the room that is left.
fn fill(file: &File) -> io::Result<()> {
    let (mut at, mut length) = (0, 1 << 30);
    while length >= 1024 {
        match fallocate(file.as_fd(), FallocateFlags::empty(), at, length) {
            Ok(()) => at += length,
            Err(Errno::ENOSPC) => length /= 2,
            Err(errno) => return Err(errno.into()),
        }
    }
    file.sync_all()
}

/// A mapping, accessed byte by byte.
struct Map(MmapRaw);

impl Map {
    /// A shared mapping of the whole file; None where the file system allows none.
    fn shared(file: &File) -> io::Result<Option<Map>> {
        match MmapOptions::new().map_raw(file) {
            Err(error) if error.raw_os_error() == Some(Errno::ENODEV as i32) => Ok(None),
            other => other.map(|map| Some(Map(map))),
        }
    }

    /// A private mapping that may be stored to.
    fn private(file: &File) -> io::Result<Map> {
        // SAFETY: it becomes a MmapRaw at once, so no reference to its bytes exists when somebody else changes them.
        let map = unsafe { MmapOptions::new().map_copy(file) }?;
        Ok(Map(map.into()))
    }

    /// A mapping to load from: private, which is allowed everywhere, and follows the file as long as nothing is stored.
    fn read_only(file: &File) -> io::Result<Map> {
        // SAFETY: as in `private`.
        let map = unsafe { MmapOptions::new().map_copy_read_only(file) }?;
        Ok(Map(map.into()))
    }

    /// Two pages of a file in memory that has only the first `pages` of them.
    fn two_pages_of(pages: usize) -> io::Result<Map> {
        let memory = File::from(memfd_create("buffer", MFdFlags::MFD_CLOEXEC)?);
        memory.set_len(pages as u64 * page_size_u64())?;
        MmapOptions::new().len(2 * page_size()).map_raw(&memory).map(Map)
    }

    fn load(&self, at: usize) -> u8 {
        assert!(at < self.0.len().next_multiple_of(page_size()));
        // SAFETY: the byte is in the last page of the mapping or before, as was just checked; if the file has no such page, the process dies.
        unsafe { self.0.as_ptr().wrapping_add(at).read_volatile() }
    }

    fn store(&self, at: usize, byte: u8) {
        assert!(at < self.0.len().next_multiple_of(page_size()));
        // SAFETY: as in `load`; nobody stores to a mapping that is `read_only`.
        unsafe { self.0.as_mut_ptr().wrapping_add(at).write_volatile(byte) }
    }

    /// Whether a load gives a byte, and not SIGBUS.
    fn loads(&self, at: usize) -> io::Result<bool> {
        let ended = end_of(|| _ = self.load(at))?;
        match (ended.cause(), &ended) {
            (Some(Cause::NoPage), _) => Ok(false),
            (None, Ended::Exited(0)) => Ok(true),
            _ => Err(io::Error::other(format!("a load: {}", ended.in_words().en))),
        }
    }

    fn sync(&self, flags: MsFlags) -> io::Result<()> {
        // SAFETY: msync(2) changes no byte of a mapping without MS_INVALIDATE.
        Errno::result(unsafe { libc::msync(self.0.as_mut_ptr().cast(), self.0.len(), flags.bits()) })?;
        Ok(())
    }

    fn advise(&self, advice: MmapAdvise) -> io::Result<()> {
        // SAFETY: MADV_RANDOM and MADV_DONTNEED, the advice that is given here, change no byte of a mapping to load from.
        Errno::result(unsafe { libc::madvise(self.0.as_mut_ptr().cast(), self.0.len(), advice as i32) })?;
        Ok(())
    }

    fn is_dirty(&self) -> io::Result<bool> {
        let start = self.0.as_ptr().addr();
        let areas = smaps_of(start..start + 1)?;
        let area = areas.first().ok_or_else(|| io::Error::other("not in /proc/self/smaps"))?;
        Ok(area.kib("Private_Dirty")? + area.kib("Shared_Dirty")? > 0)
    }
}
