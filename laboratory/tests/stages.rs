//! The stages: each is the file system that it says it is, and nothing is left of it.

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use common::{asked_for, program, stages};
use laboratory::Kind;
use laboratory::loops::IMAGE;
use mmap_workbook::process::{Child, DEADLINE};

/// The last mount that a process sees at a directory: its file system, and what is mounted.
fn mount_of(process: &str, directory: &Path) -> (String, String) {
    let text = fs::read_to_string(format!("/proc/{process}/mountinfo")).expect("a list of mounts");
    let directory = directory.to_str().expect("UTF-8");
    let line = text.lines().rfind(|line| line.split(' ').nth(4) == Some(directory)).expect("a mount");
    let (_, after) = line.split_once(" - ").expect("proc_pid_mountinfo(5)");
    let mut words = after.split(' ').map(str::to_owned);
    (words.next().expect("a type"), words.next().expect("a source"))
}

/// A path as the holder sees it: the holder, and the path after `/proc/PID/root`.
fn seen_by_the_holder(path: &Path) -> (String, PathBuf) {
    let mut parts = path.components().skip(2);
    let holder = parts.next().expect("a process").as_os_str().to_str().expect("a number").to_owned();
    (holder, Path::new("/").join(parts.skip(1).collect::<PathBuf>()))
}

/// The image that a loop device shows, if it shows one.
fn image_of(device: &Path) -> Option<String> {
    let name = device.file_name().expect("a device").to_str().expect("UTF-8");
    fs::read_to_string(format!("/sys/block/{name}/loop/backing_file")).ok()
}

/// Waits for what the kernel does while a process ends.
fn comes_true(what: &str, is_true: impl Fn() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is_true() {
        assert!(Instant::now() < deadline, "{what}: not within {DEADLINE:?}");
        std::thread::yield_now();
    }
}

#[test]
fn each_stage_is_what_it_says() {
    if !asked_for(&Kind::ALL) {
        return;
    }
    for stage in stages(&Kind::ALL) {
        let (_, directory) = seen_by_the_holder(&stage.path);
        let expected = match stage.kind {
            Kind::Ext4 | Kind::Ext4Small => "ext4",
            Kind::Xfs => "xfs",
            Kind::Btrfs => "btrfs",
            Kind::Tmpfs => "tmpfs",
            Kind::OverlayExt4 | Kind::OverlayTmpfs => "overlay",
            Kind::Fuse | Kind::FuseDirect => "fuse",
        };
        let holder = stage.holder.pid().to_string();
        assert_eq!(mount_of(&holder, &directory).0, expected, "{}", stage.kind.name());
        let mounts = fs::read_to_string("/proc/self/mountinfo").expect("a list of mounts");
        assert!(!mounts.contains(&*directory.to_string_lossy()), "{}: others see it: {mounts}", stage.kind.name());
    }
}

#[test]
fn nothing_is_left_after_kill_9() {
    let kinds = [Kind::Ext4, Kind::OverlayExt4, Kind::OverlayTmpfs, Kind::Fuse];
    if !asked_for(&kinds) {
        return;
    }
    for stage in stages(&kinds) {
        let kind = stage.kind.name();
        drop(stage);
        // Of the owner, in the one round; of the holder, in the other.
        for kills_the_owner in [true, false] {
            let mut command = Command::new(program());
            command.args(["stage", &kind]).stdin(Stdio::piped()).stdout(Stdio::piped());
            let (owner, pipes) = Child::spawn(&mut command).expect("an owner");
            let mut line = String::new();
            BufReader::new(pipes.stdout.expect("a pipe")).read_line(&mut line).expect("a path");
            let (holder, directory) = seen_by_the_holder(Path::new(line.trim_end()));
            let (_, source) = mount_of(&holder, &directory);
            let image = format!("{IMAGE}-{holder} (deleted)\n");
            if kind == "ext4" {
                assert_eq!(image_of(Path::new(&source)).as_ref(), Some(&image));
            }
            let shows_it = |entry: fs::DirEntry| image_of(&entry.path()).as_ref() == Some(&image);
            let is_shown = || fs::read_dir("/sys/block").expect("devices").any(|e| e.is_ok_and(shows_it));
            assert_eq!(is_shown(), kind.ends_with("ext4"), "{kind}");
            if kills_the_owner {
                owner.kill().expect("it dies");
            } else {
                let pid = nix::unistd::Pid::from_raw(holder.parse().expect("a number"));
                nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).expect("it is there");
                drop(owner);
            }
            // What has ended, and perhaps waits to be reaped, has no program.
            comes_true("the holder ends", || fs::read_link(format!("/proc/{holder}/exe")).is_err());
            comes_true("the loop device is free", || !is_shown());
        }
    }
}
