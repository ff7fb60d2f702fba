//! A small disk, for finding out what happens when it is full.

use std::fmt::Display;
use std::fs;
use std::io;
use std::path::Path;

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{Gid, Uid};

use super::{Child, Ended, Peer};

/// What came of a body that was to run on a small disk.
#[derive(Debug)]
pub enum OnSmallDisk {
    /// It ran in a child, which ended like this.
    Ran(Ended),
    /// This machine lets us mount nothing: the reason.
    Skipped(String),
}

/// Runs `body` in a forked child that sees, in a directory of its own, a tmpfs of `size` bytes; `listen` has the other end of
/// its [`Peer`] meanwhile.
///
/// The child mounts it in a mount namespace of its own (unshare(2) CLONE_NEWNS), for which an ordinary user needs a user
/// namespace as well. Both go with the child, however it ends, and the mount with them.
///
/// # Errors
/// As [`Child::fork`] and [`Child::wait`], and those of `listen`.
pub fn on_a_small_disk(
    size: u64,
    body: impl FnOnce(&Path, &Peer) -> io::Result<()>,
    listen: impl FnOnce(&Peer) -> io::Result<()>,
) -> io::Result<OnSmallDisk> {
    let directory = tempfile::tempdir()?;
    let (child, line) = Child::fork(|line| {
        if let Err(reason) = mount_tmpfs(directory.path(), size) {
            return line.send(reason.as_bytes());
        }
        line.give_turn()?;
        body(directory.path(), line)
    })?;
    let first = line.receive()?;
    if first != b"." {
        child.wait()?.success()?;
        return Ok(OnSmallDisk::Skipped(String::from_utf8_lossy(&first).into_owned()));
    }
    listen(&line)?;
    // A body that still waits for a turn finds that nobody will give it one.
    drop(line);
    Ok(OnSmallDisk::Ran(child.wait()?))
}

/// Mounts a tmpfs where only this process and its children see it.
fn mount_tmpfs(directory: &Path, size: u64) -> Result<(), String> {
    fn may_not<E: Display>(what: &str) -> impl Fn(E) -> String {
        move |error| format!("{what}: {error}")
    }
    let (uid, gid) = (Uid::effective(), Gid::effective());
    if uid.is_root() {
        unshare(CloneFlags::CLONE_NEWNS).map_err(may_not("no mount namespace"))?;
    } else {
        let both = CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS;
        unshare(both).map_err(may_not("no user namespace, and not root"))?;
        // In the new namespace we stay who we are; user_namespaces(7) wants setgroups refused before gid_map is written.
        let write = |file: &str, text: String| fs::write(format!("/proc/self/{file}"), text);
        write("setgroups", "deny".to_owned()).map_err(may_not("setgroups"))?;
        write("uid_map", format!("{uid} {uid} 1")).map_err(may_not("uid_map"))?;
        write("gid_map", format!("{gid} {gid} 1")).map_err(may_not("gid_map"))?;
    }
    let none: Option<&str> = None;
    // Nothing of what follows reaches the mounts of anybody else.
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(none, "/", none, private, none).map_err(may_not("no private mounts"))?;
    let options = format!("size={size},mode=0700");
    let mounted: Result<(), Errno> =
        mount(Some("tmpfs"), directory, Some("tmpfs"), MsFlags::MS_NOSUID, Some(options.as_str()));
    mounted.map_err(may_not("no tmpfs"))
}
