//! The disk that is a process: what it is asked, and what becomes of what it refuses.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::lesson_8::disk::{Asked, Disk, FILE, OLD, PAGES, SPARE, on_a_disk};
use mmap_workbook::lesson_8::errors::{BYTES, Safe, refused, written_again, written_or_said};
use mmap_workbook::lesson_8::flush;
use mmap_workbook::lesson_8::promises::{Answer, Call, NEW, STORED, asked_by, dirty_after};
use mmap_workbook::observe::page_size;
use mmap_workbook::process::{Child, DEADLINE};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::mman::MsFlags;
use nix::sys::statfs::{BTRFS_SUPER_MAGIC, EXT4_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC, XFS_SUPER_MAGIC, fstatfs};

use crate::common::{file_with, open};

/// What was seen; None, and the reason is printed, where this machine has no such disk.
fn seen<T>(ran: io::Result<Result<T, String>>) -> Option<T> {
    ran.expect("the disk works").map_err(|reason| eprintln!("skipped: {reason}")).ok()
}

fn is_sync(asked: &Asked) -> bool {
    [Asked::Fsync, Asked::Fdatasync].contains(asked)
}

#[test]
fn only_a_call_that_promises_something_asks_to_make_it_safe() {
    let Some(logs) = seen(asked_by(&Call::ALL)) else { return };
    for (call, log) in Call::ALL.into_iter().zip(logs) {
        let sync = log.iter().position(is_sync);
        match call {
            // What is asked, and when, is the kernel's business: one page may bring others with it.
            Call::MsyncOther => {}
            Call::Msync | Call::Fdatasync | Call::Fsync => {
                let before = &log[..sync.unwrap_or_else(|| panic!("{call:?}: {log:?}"))];
                for page in STORED {
                    let at = (page * page_size()) as u64;
                    let holds = |asked: &Asked| matches!(asked, Asked::Write { at: from, length } if (*from..from + length).contains(&at));
                    assert!(before.iter().any(holds), "{call:?}: {log:?}");
                }
                assert_eq!(log.contains(&Asked::Fsync), call == Call::Fsync, "{call:?}: {log:?}");
            }
            _ => assert_eq!(sync, None, "{call:?}: {log:?}"),
        }
    }
}

/// Now and then the kernel may write back just then; so one of some tries is enough.
#[test]
fn nothing_is_asked_where_nothing_was_promised() {
    let calls = [Call::Nothing, Call::MsyncAsync, Call::MsyncInvalidate];
    for call in calls {
        let Some(logs) = seen(asked_by(&[call; 5])) else { return };
        assert!(logs.contains(&Vec::new()), "{call:?}: {logs:?}");
    }
}

#[test]
fn a_page_is_dirty_until_a_promise_is_kept() {
    let (_directory, path) = file_with(&vec![OLD; PAGES * page_size()]);
    let file = open(&path);
    // On tmpfs a page is always dirty; FUSE, NFS and others write in close(2).
    let disks = [BTRFS_SUPER_MAGIC, EXT4_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC, XFS_SUPER_MAGIC];
    let kind = fstatfs(&file).expect("the file system").filesystem_type();
    if !disks.contains(&kind) {
        return eprintln!("skipped: {kind:?} may write at other times, or never");
    }
    for call in Call::ALL {
        let dirty = || dirty_after(call, &file).expect("a number");
        match call {
            Call::Msync | Call::Fdatasync | Call::Fsync | Call::SyncFileRange => assert_eq!(dirty(), 0, "{call:?}"),
            Call::MsyncOther => {}
            // The kernel may have written just then, but not each time.
            _ => assert!((0..5).any(|_| dirty() > 0), "{call:?}"),
        }
    }
}

#[test]
fn an_error_is_told_once_for_each_descriptor_and_the_bytes_are_lost() {
    for errno in [Errno::EIO, Errno::ENOSPC] {
        for calls in [
            [Call::Msync, Call::Msync],
            [Call::Msync, Call::Fsync],
            [Call::Fdatasync, Call::Fsync],
            [Call::Fsync, Call::Msync],
        ] {
            let Some(seen) = seen(refused(errno, &calls)) else { return };
            let once = [errno.into(), Answer::OK];
            assert_eq!(seen.answers, once, "{calls:?}");
            assert_eq!(seen.opened_before, once, "{calls:?}");
            assert_eq!([seen.loaded, seen.on_disk], [NEW, OLD], "{calls:?}");
            // It may not be evicted, but then it is new.
            assert!([None, Some(OLD)].contains(&seen.loaded_again), "{calls:?}: {seen:?}");
        }
    }
}

#[test]
fn munmap_tells_of_no_error_and_a_descriptor_is_told_later() {
    for errno in [Errno::EIO, Errno::ENOSPC] {
        let Some(seen) = seen(refused(errno, &[Call::Munmap, Call::Close])) else { return };
        assert_eq!(seen.answers[0], Answer::OK);
        // Not every kernel's close(2) is told.
        assert!([Answer::OK, errno.into()].contains(&seen.answers[1]), "{seen:?}");
        assert_eq!(seen.opened_before, [errno.into(), Answer::OK]);
        assert_eq!(seen.on_disk, OLD);
    }
}

#[test]
fn msync_until_it_succeeds_loses_the_bytes() {
    for errno in [Errno::EIO, Errno::ENOSPC] {
        let Some(written) = seen(written_again(errno)) else { return };
        assert_eq!(written.returned, Ok(1));
        assert_eq!(written.file, [OLD; BYTES.len()]);
    }
}

#[test]
fn bytes_are_safe_where_write_or_say_says_and_nowhere_if_it_says_so() {
    for errno in [Errno::EIO, Errno::ENOSPC] {
        let on = |refusing| seen(written_or_said(errno, refusing));
        let Some(there) = on(&[]) else { return };
        assert_eq!((there.returned, &there.file[..]), (Ok(Safe::There), BYTES));
        let other = on(&[FILE]).expect("a disk");
        assert_eq!((other.returned, &other.spare[..]), (Ok(Safe::Elsewhere(errno.into())), BYTES));
        let nowhere = on(&[FILE, SPARE]).expect("a disk");
        assert_eq!(nowhere.returned, Err(errno.into()));
        assert_ne!(nowhere.spare, BYTES);
        // Nothing is written elsewhere as long as all is well.
        let spare = on(&[SPARE]).expect("a disk");
        assert_eq!((spare.returned, spare.spare), (Ok(Safe::There), Vec::new()));
    }
}

#[test]
fn the_disk_has_two_files_like_any_other() {
    seen(on_a_disk(|disk| {
        let (file, spare) = (disk.path(FILE), disk.path(SPARE));
        assert_eq!(fs::read(&file)?, vec![OLD; PAGES * page_size()]);
        assert_eq!(fs::read(&spare)?, b"");
        assert_eq!(File::open(disk.path("other")).expect_err("no such file").kind(), io::ErrorKind::NotFound);

        let mut spare = File::options().read(true).write(true).open(&spare)?;
        let bytes: Vec<u8> = (0..251).cycle().take(300 * page_size() + 7).collect();
        spare.write_all(&bytes)?;
        spare.sync_all()?;
        assert_eq!(disk.bytes(SPARE, 1000)?, bytes[..1000]);
        spare.set_len(5)?;
        assert_eq!(disk.bytes(SPARE, 1000)?, bytes[..5]);
        assert!(disk.take_log()?.contains(&Asked::Resize(5)));
        assert_eq!(disk.take_log()?, []);
        assert_eq!(fs::read(disk.path(SPARE))?, bytes[..5]);

        // What is written to one of them is not in the other; only one of them refuses.
        disk.refuse(SPARE, Some(Errno::ENOSPC))?;
        spare.write_all_at(b"spare", 0)?;
        assert_eq!(spare.sync_all().expect_err("refused").raw_os_error(), Some(Errno::ENOSPC as i32));
        let file = File::options().write(true).open(&file)?;
        file.write_all_at(b"file", 2)?;
        file.sync_all()?;
        assert_eq!(disk.bytes(FILE, 7)?, b"oofileo");
        assert_eq!(disk.bytes(SPARE, 7)?, bytes[..5]);
        disk.refuse(SPARE, None)?;
        spare.write_all_at(b"spare", 0)?;
        spare.sync_all()?;
        assert_eq!(disk.bytes(SPARE, 7)?, b"spare");
        Ok(())
    }));
}

/// A mapping of the disk's file, with a store to it that the disk doesn't have.
fn stored(disk: &Disk) -> io::Result<Mapping> {
    let file = File::options().read(true).write(true).open(disk.path(FILE))?;
    let mapping = Mapping::of_file(&file, 0, 1, READ_WRITE, Sharing::Shared)?;
    mapping.store(0, NEW);
    Ok(mapping)
}

#[test]
fn nobody_waits_for_a_disk_that_is_gone() {
    seen(on_a_disk(|disk| {
        let mapping = stored(disk)?;
        disk.pull_out()?;
        assert!(flush(&mapping, 0..1, MsFlags::MS_SYNC).is_err());
        assert!(File::open(disk.path(SPARE)).is_err());
        assert!(disk.take_log().is_err());
        Ok(())
    }));
}

#[test]
fn what_goes_wrong_on_a_disk_is_told() {
    let failed = on_a_disk(|disk| {
        let _mapping = stored(disk)?;
        Err::<(), _>(io::Error::other("as it was meant to"))
    });
    match failed {
        Ok(Err(reason)) => eprintln!("skipped: {reason}"),
        failed => assert!(failed.expect_err("an error").to_string().contains("as it was meant to")),
    }
}

#[test]
fn a_kill_leaves_no_process_of_a_disk() {
    // Each process that is forked has a copy of the writing end.
    let (reader, writer) = io::pipe().expect("a pipe");
    let (child, peer) = Child::fork(|peer| {
        let ran = on_a_disk(|disk| {
            let _mapping = stored(disk)?;
            peer.send(b"stored")?;
            peer.receive().map(drop)
        })?;
        ran.or_else(|reason| peer.send(reason.as_bytes()))
    })
    .expect("a child");
    let said = peer.receive().expect("a message");
    if said == b"stored" {
        child.kill().expect("its end");
    } else {
        eprintln!("skipped: {}", String::from_utf8_lossy(&said));
    }
    drop(writer);
    let deadline = PollTimeout::try_from(DEADLINE).expect("it is short");
    let mut ends = [PollFd::new(reader.as_fd(), PollFlags::empty())];
    assert_eq!(poll(&mut ends, deadline), Ok(1), "a process is left");
}
