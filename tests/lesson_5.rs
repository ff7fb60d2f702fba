//! Lesson 5: Unlinked temporary files.

mod common;

use std::fs::{self, File};
use std::io::{self, IoSlice, IoSliceMut, Read, Seek, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;

use common::{cases, file_with, has_small_disks, transcript};
use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::lesson_5::*;
use mmap_workbook::observe::{maps_of, page_size, page_size_u64};
use mmap_workbook::process::{Cause, Child, DEADLINE, Ended, OnSmallDisk, end_of, on_a_small_disk};
use mmap_workbook::text::Language;
use nix::cmsg_space;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, FallocateFlags, FcntlArg, FdFlag, OFlag, SealFlag, fallocate, fcntl, open};
use nix::libc;
use nix::mount::{MsFlags, mount};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal;
use nix::sys::socket::{ControlMessage, MsgFlags, UnixAddr, recvmsg, sendmsg};
use nix::sys::stat::{Mode, fchmod};
use nix::unistd::{Gid, Uid, dup, fchown, linkat, setgid, setgroups, setuid};
use proptest::prelude::*;
use tempfile::tempdir;

fn count(directory: &Path) -> usize {
    fs::read_dir(directory).expect("the directory").count()
}

/// Whether this file system supports O_TMPFILE; prints a line if it does not.
fn has_o_tmpfile(directory: &Path) -> bool {
    match o_tmpfile(directory) {
        Err(Errno::EOPNOTSUPP) => {
            eprintln!("skipped: the file system of {} does not support O_TMPFILE", directory.display());
            false
        }
        file => file.is_ok_and(|_| true) || panic!("O_TMPFILE is refused"),
    }
}

fn assert_nameless(file: &File, directory: &Path) {
    let metadata = file.metadata().expect("the file");
    assert_eq!(metadata.nlink(), 0);
    assert_eq!(count(directory), 0);
    file.write_all_at(b"kept", 0).expect("it can be written");
    let mut bytes = [0; 4];
    file.read_exact_at(&mut bytes, 0).expect("it can be read");
    assert_eq!(&bytes, b"kept");
    let flags = fcntl(file, FcntlArg::F_GETFD).expect("its flags");
    assert!(
        FdFlag::from_bits_retain(flags).contains(FdFlag::FD_CLOEXEC),
        "programs that this process starts do not inherit it"
    );
}

#[test]
fn each_way_makes_a_private_file_without_a_name() {
    let directory = tempdir().expect("a directory");
    let path = directory.path();
    let mut files = vec![create_and_unlink(path).expect("a file"), scratch(path).expect("a file")];
    if has_o_tmpfile(path) {
        files.push(o_tmpfile(path).expect("a file"));
    }
    for file in &files {
        assert_nameless(file, path);
        assert_eq!(
            file.metadata().expect("the file").mode() & 0o777,
            0o600,
            "even with a name, no other user could open it"
        );
    }
    assert_nameless(&tempfile::tempfile_in(path).expect("a file"), path);
    assert_nameless(&memory_file("scratch").expect("a file"), path);
}

#[test]
fn without_o_tmpfile_a_scratch_file_is_created_and_unlinked() {
    let directory = tempdir().expect("a directory");
    for errno in [Errno::EOPNOTSUPP, Errno::EISDIR] {
        assert_nameless(&or_unlinked(Err(errno), directory.path()).expect("a file"), directory.path());
    }
    for errno in [Errno::ENOENT, Errno::EACCES, Errno::ENOSPC, Errno::EMFILE] {
        let error = or_unlinked(Err(errno), directory.path()).expect_err("passed on");
        assert_eq!(error.raw_os_error(), Some(errno as i32));
    }
    let missing = directory.path().join("missing");
    assert_eq!(scratch(&missing).expect_err("no directory").kind(), io::ErrorKind::NotFound);
    assert_eq!(create_and_unlink(&missing).expect_err("no directory").kind(), io::ErrorKind::NotFound);
}

#[test]
fn a_name_that_is_taken_is_left_alone() {
    let directory = tempdir().expect("a directory");
    let name = directory.path().join(format!(".scratch-{}-0", std::process::id()));
    let target = directory.path().join("target");
    std::os::unix::fs::symlink(&target, &name).expect("a link");
    let file = create_and_unlink(directory.path()).expect("a file");
    file.write_all_at(b"mine", 0).expect("written");
    assert!(!target.exists(), "the link is not followed");
    assert!(name.is_symlink(), "and not removed");
    fs::write(&target, "theirs").expect("a file");
    let without_o_excl = File::options().write(true).create(true).truncate(false).open(&name).expect("a file");
    without_o_excl.write_all_at(b"mine", 0).expect("written");
    assert_eq!(fs::read(&target).expect("the file"), b"miners", "without O_EXCL it is written over");
}

#[test]
fn without_o_tmpfile_open_says_eopnotsupp_or_eisdir() {
    // What is left of the flag for a kernel that does not know its other bit.
    let known = OFlag::O_DIRECTORY | OFlag::O_RDWR | OFlag::O_CLOEXEC;
    assert!(OFlag::O_TMPFILE.contains(OFlag::O_DIRECTORY));
    let directory = tempdir().expect("a directory");
    assert_eq!(open(directory.path(), known, Mode::empty()).err(), Some(Errno::EISDIR));
    match o_tmpfile(Path::new("/proc")) {
        Err(Errno::EACCES) => eprintln!("skipped: in /proc, which has no O_TMPFILE, only root may create a file"),
        file => assert_eq!(file.err(), Some(Errno::EOPNOTSUPP)),
    }
}

#[test]
fn o_tmpfile_needs_a_directory_that_may_be_written_to() {
    let directory = tempdir().expect("a directory");
    let mode = |mode| fs::set_permissions(directory.path(), fs::Permissions::from_mode(mode)).expect("a mode");
    mode(0o555);
    let ended = end_of(|| {
        if Uid::effective().is_root() {
            setuid(Uid::from_raw(65_534)).expect("nobody, who may not write everywhere");
        }
        assert_eq!(o_tmpfile(directory.path()).map(drop), Err(Errno::EACCES));
    });
    mode(0o755);
    assert_eq!(ended.expect("a child"), Ended::Exited(0));
}

#[test]
fn of_files_without_a_name_only_that_of_o_tmpfile_can_get_one() {
    let directory = tempdir().expect("a directory");
    let path = directory.path();
    let link = |file: &File| {
        let from = format!("/proc/self/fd/{}", file.as_raw_fd());
        linkat(AT_FDCWD, from.as_str(), AT_FDCWD, &path.join("name"), AtFlags::AT_SYMLINK_FOLLOW)
    };
    assert_eq!(link(&create_and_unlink(path).expect("a file")), Err(Errno::ENOENT));
    assert_eq!(link(&memory_file("scratch").expect("a file")), Err(Errno::EXDEV));
    if has_o_tmpfile(path) {
        let flags = OFlag::O_TMPFILE | OFlag::O_EXCL | OFlag::O_RDWR | OFlag::O_CLOEXEC;
        let exclusive = open(path, flags, Mode::S_IRUSR).expect("a file").into();
        assert_eq!(link(&exclusive), Err(Errno::ENOENT), "O_EXCL forbids it");
        let file = o_tmpfile(path).expect("a file");
        let not_followed = second_name(format!("/proc/self/fd/{}", file.as_raw_fd()).as_ref(), &path.join("name"));
        assert_eq!(not_followed, Err(Errno::EXDEV), "the link is in /proc");
        assert_eq!((link(&file), link(&file)), (Ok(()), Err(Errno::EEXIST)));
    }
}

#[test]
fn a_descriptor_on_its_way_keeps_its_file() {
    let (ours, theirs) = UnixStream::pair().expect("a socket");
    let file = tempfile::tempfile().expect("a file");
    file.write_all_at(b"kept", 0).expect("written");
    send_file(&ours, &file).expect("sent");
    drop(file);
    assert_eq!(io::read_to_string(receive_file(&theirs).expect("received")).expect("read"), "kept");
}

#[test]
fn a_bind_mount_keeps_its_file() {
    let mut said = Vec::new();
    let ran = on_a_small_disk(
        1 << 20,
        |disk, peer| {
            let [name, mounted] = ["name", "mounted"].map(|name| disk.join(name));
            fs::write(&name, "kept")?;
            fs::write(&mounted, "")?;
            let none: Option<&str> = None;
            mount(Some(&name), &mounted, none, MsFlags::MS_BIND, none)?;
            fs::remove_file(&name)?;
            peer.send(&fs::read(&mounted)?)
        },
        |peer| {
            said = peer.receive()?;
            Ok(())
        },
    );
    match ran.expect("a child") {
        OnSmallDisk::Skipped(reason) => eprintln!("skipped: {reason}"),
        OnSmallDisk::Ran(ended) => assert_eq!((ended, said.as_slice()), (Ended::Exited(0), &b"kept"[..])),
    }
}

#[test]
fn a_name_in_another_mount_of_the_same_file_system_is_exdev() {
    let ran = on_a_small_disk(
        1 << 20,
        |disk, _| {
            let [here, there] = ["here", "there"].map(|name| disk.join(name));
            fs::create_dir(&here)?;
            fs::create_dir(&there)?;
            let none: Option<&str> = None;
            mount(Some(&here), &there, none, MsFlags::MS_BIND, none)?;
            fs::write(here.join("file"), "")?;
            assert!(there.join("file").exists(), "it is the same directory");
            let to = |directory: &Path| second_name(&here.join("file"), &directory.join("second"));
            assert_eq!((to(&there), to(&here)), (Err(Errno::EXDEV), Ok(())));
            let renamed = fs::rename(here.join("file"), there.join("renamed")).expect_err("refused");
            assert_eq!(renamed.raw_os_error(), Some(Errno::EXDEV as i32));
            Ok(())
        },
        |_| Ok(()),
    );
    match ran.expect("a child") {
        OnSmallDisk::Skipped(reason) => eprintln!("skipped: {reason}"),
        OnSmallDisk::Ran(ended) => assert_eq!(ended, Ended::Exited(0)),
    }
}

#[test]
fn a_process_of_the_same_user_opens_it_through_proc() {
    let (child, peer) = Child::fork(|peer| {
        let path = String::from_utf8(peer.receive()?).map_err(io::Error::other)?;
        peer.send(&fs::read(path)?)
    })
    .expect("a child");
    // The child is older than the file: it has inherited nothing of it.
    let file = tempfile::tempfile().expect("a file");
    file.write_all_at(b"taken", 0).expect("written");
    peer.send(format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd()).as_bytes()).expect("sent");
    assert_eq!(peer.receive().expect("its bytes"), b"taken");
    assert_eq!(child.wait().expect("it ends"), Ended::Exited(0));
}

#[test]
fn a_process_that_may_trace_another_duplicates_its_descriptor() {
    let parent = nix::unistd::getpid().as_raw();
    let (child, peer) = Child::fork(|peer| {
        let number = i32::from_ne_bytes(peer.receive()?.try_into().map_err(|_| io::ErrorKind::InvalidData)?);
        // SAFETY: both calls take numbers only.
        let pidfd = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, parent, 0) });
        // SAFETY: as above.
        let taken = pidfd.and_then(|of| Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_getfd, of, number, 0) }));
        let said = taken.map_err(io::Error::from).and_then(|taken| fs::read(format!("/proc/self/fd/{taken}")));
        peer.send(&said.unwrap_or_else(|error| format!("skipped: pidfd_getfd(2): {error}").into_bytes()))
    })
    .expect("a child");
    // The child is older than the file: it has inherited nothing of it.
    let file = tempfile::tempfile().expect("a file");
    file.write_all_at(b"taken", 0).expect("written");
    peer.send(&file.as_raw_fd().to_ne_bytes()).expect("sent");
    match String::from_utf8(peer.receive().expect("an answer")).expect("text").as_str() {
        "taken" => (),
        skipped if skipped.starts_with("skipped") => eprintln!("{skipped}"),
        other => panic!("{other}"),
    }
    assert_eq!(child.wait().expect("it ends"), Ended::Exited(0));
}

#[test]
fn a_process_that_may_not_be_traced_is_not_opened_through_proc() {
    let file = tempfile::tempfile().expect("a file");
    let ended = end_of(|| {
        if Uid::effective().is_root() {
            setuid(Uid::from_raw(65_534)).expect("nobody, who may not trace everybody");
        }
        let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
        // Asked by another process of the same user. Opening the link asks for the mode as well, so this only reads it.
        let asked = || {
            let ask = || std::process::exit(fs::read_link(&path).err().and_then(|e| e.raw_os_error()).unwrap_or(0));
            end_of(ask).expect("a child")
        };
        prctl::set_dumpable(true).expect("as it was");
        assert_eq!(asked(), Ended::Exited(0));
        prctl::set_dumpable(false).expect("untraceable");
        assert_eq!(asked(), Ended::Exited(Errno::EACCES as i32));
    });
    assert_eq!(ended.expect("a child"), Ended::Exited(0));
}

#[test]
fn maps_shows_the_name_that_a_file_was_opened_by_or_its_inode_or_that_of_memfd_create() {
    let directory = tempdir().expect("a directory");
    let name = |file: &File| {
        let mapping = size_and_map(file, 1).expect("mapped");
        maps_of(mapping.range()).expect("maps")[0].name()
    };
    assert_eq!(name(&memory_file("scratch").expect("a file")), "/memfd:scratch (deleted)");
    let unlinked = name(&create_and_unlink(directory.path()).expect("a file"));
    assert!(unlinked.contains("/.scratch-") && unlinked.ends_with(" (deleted)"), "{unlinked}");
    if has_o_tmpfile(directory.path()) {
        let file = o_tmpfile(directory.path()).expect("a file");
        let nameless = name(&file);
        assert!(nameless.ends_with(&format!("/#{} (deleted)", file.metadata().expect("the file").ino())), "{nameless}");
        let from = format!("/proc/self/fd/{}", file.as_raw_fd());
        let to = directory.path().join("name");
        linkat(AT_FDCWD, from.as_str(), AT_FDCWD, &to, AtFlags::AT_SYMLINK_FOLLOW).expect("a name");
        assert_eq!(
            (name(&file), file.metadata().expect("the file").nlink()),
            (nameless, 1),
            "though it has a name now"
        );
    }
}

#[test]
fn the_name_is_there_between_the_two_calls_and_gone_after_them() {
    let directory = tempdir().expect("a directory");
    let mut between = 0;
    let see = || {
        between = count(directory.path());
        Ok(())
    };
    assert_nameless(&create_and_then_unlink(directory.path(), see).expect("a file"), directory.path());
    assert_eq!(between, 1);
    let fail = || Err(io::ErrorKind::Other.into());
    create_and_then_unlink(directory.path(), fail).expect_err("passed on");
    assert_eq!(count(directory.path()), 0, "the name is removed even then");
}

#[test]
fn a_second_name_is_of_the_same_file_and_no_link_is_followed() {
    let directory = tempdir().expect("a directory");
    let [first, second, link, linked] = ["first", "second", "link", "linked"].map(|name| directory.path().join(name));
    fs::write(&first, "bytes").expect("a file");
    second_name(&first, &second).expect("a name");
    let [one, two] = [&first, &second].map(|path| path.metadata().expect("a file"));
    assert_eq!((one.ino(), two.nlink()), (two.ino(), 2));
    assert_eq!(second_name(&first, &second), Err(Errno::EEXIST));
    assert_eq!(second_name(&first, directory.path()), Err(Errno::EEXIST), "a directory");
    std::os::unix::fs::symlink("nothing", &link).expect("a link");
    assert_eq!(second_name(&first, &link), Err(Errno::EEXIST), "a link to nothing");
    second_name(&link, &linked).expect("a name");
    assert!(linked.is_symlink());
}

#[test]
fn space_can_be_reserved_without_a_length() {
    let file = memory_file("scratch").expect("a file");
    file.write_all_at(b"x", 0).expect("written");
    reserve(&file, 100_000).expect("reserved");
    let extent = Extent::of(&file).expect("the file");
    assert!(extent.length == 1 && extent.space >= 100_000, "{extent:?}");
    assert_eq!(reserve(&file, 0), Err(Errno::EINVAL));
}

#[test]
fn fallocate_punches_bytes_even_past_the_end_and_needs_both_flags() {
    let (punch, keep) = (FallocateFlags::FALLOC_FL_PUNCH_HOLE, FallocateFlags::FALLOC_FL_KEEP_SIZE);
    for file in [memory_file("scratch").expect("a file"), tempfile::tempfile().expect("a file")] {
        file.write_all_at(b"0123456789", 0).expect("written");
        let ask = |flags, start, length| fallocate(&file, flags, start, length);
        assert_eq!(ask(punch, 0, 1), Err(Errno::EOPNOTSUPP));
        if ask(punch | keep, 3, 4) == Err(Errno::EOPNOTSUPP) {
            continue; // as its file system has no holes
        }
        assert_eq!((ask(punch | keep, 3, 0), ask(punch | keep, 100, 50)), (Err(Errno::EINVAL), Ok(())));
        let mut bytes = Vec::new();
        (&file).rewind().and_then(|()| (&file).read_to_end(&mut bytes)).expect("read");
        assert_eq!(bytes, b"012\0\0\0\x00789");
        if seal(&file, SealFlag::F_SEAL_WRITE).is_ok() {
            assert_eq!(ask(punch | keep, 0, 1), Err(Errno::EPERM));
        }
    }
}

#[test]
fn a_file_gets_its_size_reserved() {
    let directory = tempdir().expect("a directory");
    let file = scratch(directory.path()).expect("a file");
    let mapping = size_and_map(&file, 100_000).expect("mapped");
    let metadata = file.metadata().expect("the file");
    assert_eq!((mapping.length(), metadata.len()), (100_000, 100_000));
    assert!(metadata.blocks() * 512 >= 100_000);
    mapping.store(99_999, b'!');
    let mut byte = [0];
    file.read_exact_at(&mut byte, 99_999).expect("read");
    assert_eq!(&byte, b"!");
    assert_eq!(size_and_map(&file, 0).err().and_then(|e| e.raw_os_error()), Some(Errno::EINVAL as i32));
}

#[test]
fn a_length_a_page_of_zeros_and_reserved_pages_take_different_space() {
    let extents = length_and_space().expect("a memory file");
    let pages = extents.map(|extent| (extent.length / page_size_u64(), extent.space / page_size_u64()));
    assert_eq!(pages, [(8, 0), (8, 1), (8, 8), (8, 4)]);
}

#[test]
fn pages_that_are_given_back_are_zeros_and_private_copies_stay() {
    let page = page_size();
    let file = memory_file("scratch").expect("a file");
    let ours = size_and_map(&file, 4 * page).expect("mapped");
    let others = Mapping::of_file(&file, 0, 4 * page, READ_WRITE, Sharing::Shared).expect("mapped");
    let private = Mapping::of_file(&file, 0, 4 * page, READ_WRITE, Sharing::Private).expect("mapped");
    ours.write(0, &vec![b'x'; 4 * page]);
    private.store(page, b'p');
    remove_pages(&ours, 1, 2).expect("a hole");
    assert_eq!([page, page + 1, 2 * page].map(|at| private.load(at)), [b'p', b'x', 0], "one page was a copy");
    let bytes = |at, length| {
        let mut bytes = vec![0; length];
        others.read(at, &mut bytes);
        bytes
    };
    assert_eq!(bytes(0, page), vec![b'x'; page]);
    assert_eq!(bytes(page, 2 * page), vec![0; 2 * page]);
    assert_eq!(bytes(3 * page, page), vec![b'x'; page]);
    assert_eq!(file.metadata().expect("the file").len(), 4 * page_size_u64());
    assert_eq!(remove_pages(&ours, 3, 2), Err(Errno::EINVAL));
    let copy = Mapping::of_file(&file, 0, page, READ_WRITE, Sharing::Private).expect("mapped");
    assert_eq!(remove_pages(&copy, 0, 1), Err(Errno::EACCES), "it would be a hole in a file that it must not change");
}

#[test]
fn a_mapping_that_is_longer_than_its_file_shows_what_the_file_grows_by() {
    let file = tempfile::tempfile().expect("a file");
    let longer = longer_than_its_file(&file).expect("a child");
    assert_eq!(longer.before.cause(), Some(Cause::NoPage), "{}", longer.before);
    assert_eq!(longer.after, b'x');
}

#[test]
fn the_umask_takes_bits_from_the_mode_of_open_and_none_from_that_of_fchmod() {
    let directory = tempdir().expect("a directory");
    for (mask, mode, opened) in [(0o022, 0o666, 0o644), (0o077, 0o640, 0o600), (0, 0o640, 0o640)] {
        assert_eq!(modes(directory.path(), mask, mode).expect("a child"), [opened, mode], "{mask:o}");
    }
    assert_eq!(count(directory.path()), 0);
}

#[test]
fn fchmod_leaves_out_setgid_for_a_group_of_others() {
    if !Uid::effective().is_root() {
        return eprintln!("skipped: needs root, for a file of another group");
    }
    let file = tempfile::tempfile().expect("a file");
    let (nobody, others) = (Uid::from_raw(65_534), Gid::from_raw(12_345));
    fchown(&file, Some(nobody), Some(others)).expect("given away");
    let ended = end_of(|| {
        setgroups(&[]).expect("no further groups");
        setgid(Gid::from_raw(65_534)).expect("nobody's group");
        setuid(nobody).expect("nobody");
        fchmod(&file, Mode::from_bits_truncate(0o7777)).expect("no error");
        assert_eq!(file.metadata().expect("the file").mode() & 0o7777, 0o5777);
    });
    assert_eq!(ended.expect("a child"), Ended::Exited(0));
}

#[test]
fn a_program_reads_the_file_that_is_lent_to_it_and_moves_its_offset() {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(b"0123456789").expect("written");
    file.seek(io::SeekFrom::Start(7)).expect("moved");
    assert_eq!(lend_to_cat(&file).expect("cat(1)"), b"789");
    assert_eq!(file.stream_position().expect("its offset"), 10);
}

#[test]
fn each_program_gets_a_descriptor_without_the_flag_and_none_one_with_it() {
    let file = tempfile::tempfile().expect("a file");
    (&file).write_all(b"lent").expect("written");
    let without = dup(&file).expect("a duplicate");
    let found_by_a_program = |number: RawFd| {
        let program = move || Command::new("cat").arg(format!("/proc/self/fd/{number}")).output().expect("cat(1)");
        [program(), std::thread::spawn(program).join().expect("a thread")].map(|output| output.stdout)
    };
    assert_eq!(found_by_a_program(without.as_raw_fd()), [b"lent", b"lent"], "whichever thread starts it");
    assert_eq!(found_by_a_program(file.as_raw_fd()), [b"", b""]);
}

#[test]
fn a_limit_that_is_set_before_exec_is_of_that_program_alone() {
    let here = getrlimit(Resource::RLIMIT_NOFILE).expect("the limit");
    let limited = |most| {
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -n"]);
        limit_files(&mut command, most);
        command.output()
    };
    assert_eq!(limited(20).expect("sh(1)").stdout, b"20\n");
    // More than the kernel permits to anybody.
    assert_eq!(limited(u64::MAX).expect_err("refused").raw_os_error(), Some(Errno::EPERM as i32));
    assert_eq!(getrlimit(Resource::RLIMIT_NOFILE).expect("the limit"), here);
    let mut command = Command::new("true");
    // SAFETY: the closure makes a value, and neither allocates nor takes a lock.
    unsafe { command.pre_exec(|| Err(io::ErrorKind::NotFound.into())) };
    let error = command.status().expect_err("not executed");
    assert_eq!(error.raw_os_error(), Some(Errno::EINVAL as i32), "only an errno comes through");
}

#[test]
fn a_lock_of_another_thread_stays_locked_in_the_child() {
    static LOCK: Mutex<()> = Mutex::new(());
    let ((locked, is_locked), (done, is_done)) = (channel(), channel());
    let answer = std::thread::scope(|scope| {
        scope.spawn(move || {
            let _guard = LOCK.lock().expect("the lock");
            locked.send(()).expect("told");
            is_done.recv_timeout(DEADLINE)
        });
        is_locked.recv_timeout(DEADLINE).expect("locked");
        let mut command = Command::new("true");
        let try_it = || match LOCK.try_lock() {
            Ok(_) => Ok(()),
            Err(_) => Err(io::Error::from_raw_os_error(Errno::EDEADLK as i32)),
        };
        // SAFETY: the closure looks at an atomic, and neither allocates nor waits.
        unsafe { command.pre_exec(try_it) };
        let answer = command.status();
        done.send(()).expect("told");
        answer
    });
    assert_eq!(answer.expect_err("locked").raw_os_error(), Some(Errno::EDEADLK as i32));
    assert!(LOCK.try_lock().is_ok(), "here it is free again");
}

#[test]
fn a_duplicate_from_a_number_on_is_emfile_where_none_is_free_and_einval_from_the_limit_on() {
    let ended = end_of(|| {
        setrlimit(Resource::RLIMIT_NOFILE, 50, 50).expect("a lower limit");
        let from = |number| fcntl(io::stdin(), FcntlArg::F_DUPFD_CLOEXEC(number));
        assert_eq!([49, 49, 50].map(from), [Ok(49), Err(Errno::EMFILE), Err(Errno::EINVAL)]);
    });
    assert_eq!(ended.expect("a child"), Ended::Exited(0));
}

#[test]
fn each_seal_forbids_one_thing() {
    let free = Sealed { shrink: Ok(()), grow: Ok(()), write: Ok(()), map: Ok(()), while_mapped: Ok(()) };
    let no = Err(Errno::EPERM);
    for (seal, expected) in [
        (SealFlag::F_SEAL_SHRINK, Sealed { shrink: no, ..free }),
        (SealFlag::F_SEAL_GROW, Sealed { grow: no, ..free }),
        (SealFlag::F_SEAL_WRITE, Sealed { write: no, map: no, while_mapped: Err(Errno::EBUSY), ..free }),
        (SealFlag::F_SEAL_FUTURE_WRITE, Sealed { write: no, map: no, ..free }),
    ] {
        assert_eq!(sealed_with(seal).expect("memory files"), expected, "{seal:?}");
    }
}

#[test]
fn under_f_seal_write_alone_a_truncation_still_makes_zeros() {
    let file = memory_file("scratch").expect("a file");
    file.write_all_at(b"bytes", 0).expect("written");
    seal(&file, SealFlag::F_SEAL_WRITE).expect("sealed");
    file.set_len(0).expect("shorter");
    file.set_len(5).expect("longer");
    let mut bytes = [b'?'; 5];
    file.read_exact_at(&mut bytes, 0).expect("read");
    assert_eq!(bytes, [0; 5]);
}

#[test]
fn a_seal_stays_and_the_last_one_forbids_others() {
    let file = memory_file("scratch").expect("a file");
    seal(&file, SealFlag::F_SEAL_GROW).expect("sealed");
    seal(&file, SealFlag::F_SEAL_SEAL).expect("sealed");
    assert_eq!(seal(&file, SealFlag::F_SEAL_SHRINK), Err(Errno::EPERM));
    let again = File::options().write(true).open(format!("/proc/self/fd/{}", file.as_raw_fd())).expect("the file");
    assert_eq!(again.set_len(1).expect_err("sealed").raw_os_error(), Some(Errno::EPERM as i32), "the file is sealed");
    let named = tempfile::tempfile().expect("a file");
    assert_eq!(seals_of(&file), Ok(SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SEAL));
    // A file of a tmpfs has seals, of which the kernel has set the last.
    let expected = match seals_of(&named) {
        Ok(seals) => {
            assert_eq!(seals, SealFlag::F_SEAL_SEAL);
            Errno::EPERM
        }
        Err(errno) => errno,
    };
    assert!([Errno::EPERM, Errno::EINVAL].contains(&expected), "{expected}");
    assert_eq!(seal(&named, SealFlag::F_SEAL_SHRINK), Err(expected), "no memory file");
}

#[test]
fn what_f_get_seals_says_of_other_files() {
    let without = File::from(memfd_create("scratch", MFdFlags::MFD_CLOEXEC).expect("a file"));
    assert_eq!(
        (seals_of(&without), seal(&without, SealFlag::F_SEAL_GROW)),
        (Ok(SealFlag::F_SEAL_SEAL), Err(Errno::EPERM))
    );
    let place = open(format!("/proc/self/fd/{}", without.as_raw_fd()).as_str(), OFlag::O_PATH, Mode::empty());
    assert_eq!(seals_of(&place.expect("a place").into()), Err(Errno::EBADF));
    let (reader, _writer) = io::pipe().expect("a pipe");
    assert_eq!(seals_of(&File::from(std::os::fd::OwnedFd::from(reader))), Err(Errno::EINVAL));
}

fn assert_talked(talk: &Talk, words: &[u8]) {
    assert_eq!(talk.names, 0);
    assert_eq!((talk.heard_there.as_slice(), talk.heard_here), (words, b'C'));
    for mapped in [&talk.mapped_here, &talk.mapped_there] {
        assert!(mapped.ends_with(" (deleted)"), "{mapped}");
    }
    assert_eq!(talk.mapped_here, talk.mapped_there, "it is the same file");
}

#[test]
fn relatives_and_strangers_talk_through_a_file_without_a_name() {
    let directory = tempdir().expect("a directory");
    let path = directory.path();
    let ways: [&dyn Fn() -> io::Result<File>; 3] =
        [&|| scratch(path), &|| create_and_unlink(path), &|| Ok(memory_file("scratch")?)];
    for make in ways {
        for words in [&b"x"[..], b"some words", &vec![0xff; 2 * page_size()]] {
            assert_talked(&talk_with_a_child(make().expect("a file"), words).expect("a talk"), words);
            assert_talked(&talk_with_a_stranger(make, words).expect("a talk"), words);
        }
    }
    assert_eq!(count(path), 0);
}

/// How many descriptors this process has.
fn descriptors() -> usize {
    count(Path::new("/proc/self/fd"))
}

#[test]
fn a_descriptor_that_was_sent_is_another_one_of_the_same_open_file() {
    let (_directory, path) = file_with(b"0123456789");
    let mut sent = File::open(path).expect("the file");
    let (ours, theirs) = UnixStream::pair().expect("a socket");
    send_file(&ours, &sent).expect("sent");
    let mut received = receive_file(&theirs).expect("received");
    assert_ne!(sent.as_raw_fd(), received.as_raw_fd());
    let flags = fcntl(received.as_fd(), FcntlArg::F_GETFD).expect("its flags");
    assert!(FdFlag::from_bits_retain(flags).contains(FdFlag::FD_CLOEXEC));
    sent.seek(io::SeekFrom::Start(7)).expect("moved");
    let mut rest = String::new();
    received.read_to_string(&mut rest).expect("read");
    assert_eq!(rest, "789", "the offset is shared");
    received.write_all(b"x").expect_err("and so is the mode");
    let again = File::open(format!("/proc/self/fd/{}", received.as_raw_fd())).expect("opened again");
    assert_eq!(io::read_to_string(again).expect("read"), "0123456789", "this one has an offset of its own");
}

#[test]
fn a_message_without_exactly_one_descriptor_is_refused_and_none_is_kept() {
    let file = tempfile::tempfile().expect("a file");
    let before = descriptors();
    for count in [0, 2, 3, 10] {
        let (mut ours, theirs) = UnixStream::pair().expect("a socket");
        let fds = vec![file.as_raw_fd(); count];
        if count == 0 {
            ours.write_all(b"f").expect("sent");
        } else {
            let rights = [ControlMessage::ScmRights(&fds)];
            let data = [IoSlice::new(b"f")];
            sendmsg::<UnixAddr>(ours.as_raw_fd(), &data, &rights, MsgFlags::empty(), None).expect("sent");
        }
        assert_eq!(receive_file(&theirs).expect_err("refused").kind(), io::ErrorKind::InvalidData, "{count}");
    }
    let (ours, theirs) = UnixStream::pair().expect("a socket");
    drop(ours);
    assert_eq!(receive_file(&theirs).expect_err("the other end is gone").kind(), io::ErrorKind::UnexpectedEof);
    assert_eq!(send_file(&theirs, &file).expect_err("the other end is gone").raw_os_error(), Some(Errno::EPIPE as i32));
    drop(theirs);
    assert_eq!(descriptors(), before);
    let (ours, theirs) = UnixStream::pair().expect("a socket");
    ours.shutdown(Shutdown::Write).expect("shut down");
    assert_eq!(receive_file(&theirs).expect_err("no more comes").kind(), io::ErrorKind::UnexpectedEof, "ours is open");
}

#[test]
fn descriptors_for_which_there_is_no_room_are_closed() {
    let file = tempfile::tempfile().expect("a file");
    let (ours, theirs) = UnixStream::pair().expect("a socket");
    let fds = [file.as_raw_fd(); 10];
    let rights = [ControlMessage::ScmRights(&fds)];
    sendmsg::<UnixAddr>(ours.as_raw_fd(), &[IoSlice::new(b"f")], &rights, MsgFlags::empty(), None).expect("sent");
    // In a child, which keeps those that it gets.
    let ended = end_of(|| {
        let before = descriptors();
        let mut byte = [0];
        let (mut data, mut space) = ([IoSliceMut::new(&mut byte)], cmsg_space!([RawFd; 4]));
        let message = recvmsg::<UnixAddr>(theirs.as_raw_fd(), &mut data, Some(&mut space), MsgFlags::empty());
        assert!(message.expect("received").flags.contains(MsgFlags::MSG_CTRUNC), "it was cut short");
        assert_eq!(descriptors() - before, 4);
    });
    assert_eq!(ended.expect("a child"), Ended::Exited(0));
}

#[test]
fn the_space_comes_back_at_the_last_unmap_and_not_before() {
    match space_comes_back().expect("children") {
        Err(reason) => eprintln!("skipped: {reason}"),
        Ok(space) => {
            let filled = space.empty - FreeSpace::FILE as u64;
            let expected = FreeSpace {
                empty: space.empty,
                filled,
                nameless: filled,
                one_unmapped: filled,
                both_unmapped: space.empty,
            };
            assert_eq!(space, expected);
        }
    }
}

#[test]
fn a_killed_process_leaves_a_name_only_where_there_was_one() {
    for (moment, left) in [
        (Moment::WithTmpfile, 0),
        (Moment::WithMemoryFile, 0),
        (Moment::Unlinked, 0),
        (Moment::BetweenCreateAndUnlink, 1),
        (Moment::BeforeUnlinkWhenDone, 1),
    ] {
        let directory = tempdir().expect("a directory");
        if moment == Moment::WithTmpfile && !has_o_tmpfile(directory.path()) {
            continue;
        }
        assert_eq!(killed(directory.path(), moment).expect("a child"), left, "{moment:?}");
    }
}

proptest! {
    #![proptest_config(cases(16))]

    #[test]
    fn sigkill_at_any_moment_leaves_nothing_of_a_file_that_never_had_a_name(made in 1..20_u32, spins in 0..2000_u32) {
        let directory = tempdir()?;
        let never_named = if has_o_tmpfile(directory.path()) { o_tmpfile } else { |_: &Path| memory_file("scratch") };
        let counter = Mapping::anonymous(4, READ_WRITE, Sharing::Shared).map_err(io::Error::from)?;
        let (child, peer) = Child::fork(|peer| {
            peer.give_turn()?;
            loop {
                let mapping = size_and_map(&never_named(directory.path())?, 1)?;
                mapping.store(0, b'x');
                counter.word(0).fetch_add(1, Ordering::Relaxed);
            }
        })?;
        peer.await_turn()?;
        let deadline = std::time::Instant::now() + mmap_workbook::process::DEADLINE;
        while counter.word(0).load(Ordering::Relaxed) < made {
            prop_assert!(std::time::Instant::now() < deadline, "the child makes no files");
            std::thread::yield_now();
        }
        // At a random moment while it makes the next one.
        (0..spins).for_each(|_| std::hint::spin_loop());
        prop_assert_eq!(child.kill()?, Ended::Killed(Signal::SIGKILL));
        prop_assert_eq!(count(directory.path()), 0);
    }
}

#[test]
fn the_demonstration_shows_what_the_lesson_says() {
    for language in Language::ALL {
        let transcript = transcript(5, language);
        if has_small_disks() {
            insta::assert_snapshot!(format!("demonstration_{}", language.code()), transcript);
        }
    }
}
