//! The page of symptoms: each of its commands runs, and what it says of the kernel that no other test shows.

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::num::NonZero;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};

use book::check::SYMPTOMS;
use book::page::{self, CodeBlock};
use book::sources::{ORIGINAL, Sources};
use mmap_workbook::process::{Child, Ended, end_of};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::sys::mman::{MapFlags, MsFlags, ProtFlags, mmap, msync, munmap};
use nix::sys::signal::Signal;
use tempfile::NamedTempFile;

const PAGE: usize = 4096;

/// Runs a command line: how it ended, and its output.
fn shell(line: &str) -> (Ended, String) {
    let mut command = Command::new("sh");
    command.args(["-c", line]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let (child, pipes) = Child::spawn(&mut command).expect("sh");
    let mut out = String::new();
    pipes.stdout.expect("a pipe").read_to_string(&mut out).expect("text");
    (child.wait().expect("an end"), out)
}

/// Maps the first `length` bytes of a file; the mapping ends with the process.
fn map(file: &File, length: usize, prot: ProtFlags, flags: MapFlags) -> *mut u8 {
    let length = NonZero::new(length).expect("a length");
    // SAFETY: without MAP_FIXED nothing that is mapped already is replaced.
    unsafe { mmap(None, length, prot, flags, file, 0) }.expect("a mapping").as_ptr().cast()
}

/// This process maps a file and another one that is removed, and has a lock: all commands find something in it.
#[test]
fn each_command_of_the_page_runs_and_prints_something() {
    let sources = Sources::of_program();
    let text = sources.read(&sources.page(ORIGINAL, SYMPTOMS)).expect("the page");
    let (kept, removed) = (NamedTempFile::new().expect("a file"), tempfile::tempfile().expect("a file"));
    for file in [kept.as_file(), &removed] {
        file.write_all_at(b"bytes", 0).expect("a write");
        map(file, PAGE, ProtFlags::PROT_READ, MapFlags::MAP_SHARED);
    }
    let _lock = Flock::lock(removed, FlockArg::LockExclusive).expect("a lock");
    let lines = page::lines(&text);
    let blocks = CodeBlock::all(&lines);
    let commands: Vec<&str> = blocks.iter().flat_map(|block| block.code.iter().map(|line| line.text)).collect();
    assert!(commands.len() > 30, "{commands:?}");
    let mut wrong = Vec::new();
    for command in commands.into_iter().filter(|command| !command.starts_with("cargo ")) {
        let line = command.replace("PID", &process::id().to_string()).replace("FILE", &kept.path().to_string_lossy());
        // What a machine may lack: cgroups, a disk, a directory for shared memory, programs of util-linux and procps.
        let needs = ["/sys/fs/cgroup", "/sys/block", "/dev/shm"].into_iter().find(|path| command.contains(path));
        let program = command.split(' ').next().unwrap_or_default();
        let lacks = needs.is_some_and(|path| fs::read_dir(path).is_ok_and(|mut there| there.next().is_none()))
            || needs.is_some_and(|path| !Path::new(path).exists())
            || ["ps", "findmnt"].contains(&program) && shell(&format!("command -v {program}")).1.is_empty();
        let (ended, out) = shell(&line);
        // grep and ls complain of processes of others, and of what has gone since the shell listed it: a process, or a
        // descriptor of another test.
        let complains = command.contains('*') && !out.is_empty();
        if (ended != Ended::Exited(0) && !complains || out.trim().is_empty()) && !lacks {
            wrong.push(format!("{line}: {ended:?}, {out:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_shell_adds_128_to_the_signal() {
    for (signal, status) in [("BUS", Signal::SIGBUS), ("SEGV", Signal::SIGSEGV), ("KILL", Signal::SIGKILL)] {
        // The inner shell dies of the signal, the outer one says so.
        let (_, out) = shell(&format!("ulimit -c 0; sh -c 'kill -{signal} $$'; echo $?"));
        assert_eq!(out.trim(), (128 + status as i32).to_string(), "{signal}");
    }
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    assert_eq!(shell("kill -l 135").1.trim(), "BUS");
}

#[test]
fn only_what_is_executed_is_busy_and_not_what_is_mapped() {
    let directory = tempfile::tempdir().expect("a directory");
    let program = directory.path().join("program");
    fs::copy("/bin/cat", &program).expect("a copy");
    let open = || OpenOptions::new().write(true).open(&program);
    let file = File::open(&program).expect("a file");
    let executable = ProtFlags::PROT_READ | ProtFlags::PROT_EXEC;
    map(&file, PAGE, executable, MapFlags::MAP_PRIVATE);
    drop(open().expect("a mapping keeps no writer out"));

    let start = || {
        let mut command = Command::new(&program);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        Child::spawn(&mut command)
    };
    // execve(2) has succeeded when spawn returns, and it goes on reading.
    let (child, _pipes) = start().expect("a program");
    assert_eq!(open().expect_err("it is being executed").raw_os_error(), Some(Errno::ETXTBSY as i32));
    assert_eq!(child.kill().expect("an end"), Ended::Killed(Signal::SIGKILL));
    let writer = open().expect("nobody executes it now");
    assert_eq!(start().expect_err("it is open for writing").raw_os_error(), Some(Errno::ETXTBSY as i32));
    drop(writer);
}

#[test]
fn a_store_is_no_event_for_inotify() {
    let file = NamedTempFile::new().expect("a file");
    file.as_file().write_all_at(&[b'a'; PAGE], 0).expect("a write");
    let map = map(file.as_file(), PAGE, ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, MapFlags::MAP_SHARED);
    let watch = Inotify::init(InitFlags::IN_NONBLOCK).expect("inotify");
    watch.add_watch(file.path(), AddWatchFlags::IN_ALL_EVENTS).expect("a watch");
    // SAFETY: the page is mapped for stores, and no other thread knows of it.
    unsafe { map.write_volatile(b'b') };
    let address = std::ptr::NonNull::new(map.cast()).expect("an address");
    // SAFETY: the range is the mapping, which nobody uses afterwards.
    unsafe { msync(address, PAGE, MsFlags::MS_SYNC) }.expect("msync");
    // SAFETY: as above.
    unsafe { munmap(address, PAGE) }.expect("munmap");
    assert_eq!(watch.read_events().expect_err("no event"), Errno::EAGAIN);
    file.as_file().write_all_at(b"c", 0).expect("a write");
    let events = watch.read_events().expect("an event");
    assert!(events.iter().any(|event| event.mask == AddWatchFlags::IN_MODIFY), "{events:?}");
}

/// A cgroup of its own with a limit of memory; it is removed when this is dropped.
struct Limited(PathBuf);

impl Limited {
    fn to(bytes: u64) -> Result<Limited, String> {
        let places = [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")];
        let mut refused = Vec::new();
        for (place, limit) in places {
            let group = Limited(Path::new(place).join(format!("mmap-workbook-{}", process::id())));
            let made = fs::create_dir(&group.0).and_then(|()| fs::write(group.0.join(limit), bytes.to_string()));
            // Swap would take the copies. Without swap the file need not be there.
            let _ = fs::write(group.0.join("memory.swap.max"), "0");
            let _ = fs::write(group.0.join("memory.memsw.limit_in_bytes"), bytes.to_string());
            match made {
                Ok(()) => return Ok(group),
                Err(error) => refused.push(format!("{place}: {error}")),
            }
        }
        Err(refused.join(", "))
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

#[test]
fn a_limit_kills_for_copies_and_not_for_the_pages_of_a_file() {
    const LIMIT: usize = 32 << 20;
    let group = match Limited::to(LIMIT as u64) {
        Ok(group) => group,
        Err(why) => return eprintln!("skipped: no cgroup with a limit can be made: {why}"),
    };
    // Pages of a tmpfs can't be dropped: the file has to be on a disk.
    let file = tempfile::tempfile_in(env!("CARGO_TARGET_TMPDIR")).expect("a file");
    let kind = nix::sys::statfs::fstatfs(&file).expect("statfs").filesystem_type();
    if kind == nix::sys::statfs::TMPFS_MAGIC {
        return eprintln!("skipped: the target directory is on a tmpfs");
    }
    let length = 3 * LIMIT;
    for at in (0..length).step_by(1 << 20) {
        file.write_all_at(&[b'a'; 1 << 20], at as u64).expect("a write");
    }
    let touch = |prot: ProtFlags, flags: MapFlags| {
        let ended = end_of(|| {
            fs::write(group.0.join("cgroup.procs"), process::id().to_string()).expect("a member of the group");
            let map = map(&file, length, prot, flags);
            for at in (0..length).step_by(PAGE) {
                // SAFETY: the byte is in the mapping, and nobody else uses that.
                let byte = unsafe { map.add(at) };
                match prot.contains(ProtFlags::PROT_WRITE) {
                    // SAFETY: as above; the mapping allows stores.
                    true => unsafe { byte.write_volatile(b'b') },
                    // SAFETY: as above.
                    false => _ = unsafe { byte.read_volatile() },
                }
            }
        });
        ended.expect("an end")
    };
    let both = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
    assert_eq!(touch(ProtFlags::PROT_READ, MapFlags::MAP_SHARED), Ended::Exited(0));
    assert_eq!(touch(ProtFlags::PROT_READ, MapFlags::MAP_PRIVATE), Ended::Exited(0));
    assert_eq!(touch(both, MapFlags::MAP_SHARED), Ended::Exited(0));
    assert_eq!(touch(both, MapFlags::MAP_PRIVATE), Ended::Killed(Signal::SIGKILL));
}
