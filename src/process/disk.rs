//! A small disk, to find out what happens when it is full.

use std::fmt::Display;
use std::fs;
use std::io;
use std::path::Path;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{Gid, Uid};

use super::{Child, Ended, Peer};

/// The result of [`on_a_small_disk`].
#[derive(Debug)]
pub enum OnSmallDisk {
    /// The body ran in a child, which ended like this.
    Ran(Ended),
    /// This machine allows no mount: the reason.
    Skipped(String),
}

/// Runs `body` in a forked child, with the path of a tmpfs of `size` bytes; `listen` has the other end of its [`Peer`]
/// meanwhile.
///
/// The child mounts the tmpfs after [`own_mounts`]: the mount ends with the child, however it ends.
///
/// # Errors
/// Those of [`Child::fork`], [`Child::wait`] and `listen`.
pub fn on_a_small_disk(
    size: u64,
    body: impl FnOnce(&Path, &Peer) -> io::Result<()>,
    listen: impl FnOnce(&Peer) -> io::Result<()>,
) -> io::Result<OnSmallDisk> {
    let directory = tempfile::tempdir()?;
    let (child, peer) = Child::fork(|peer| {
        if let Err(reason) = mount_tmpfs(directory.path(), size) {
            return peer.send(reason.as_bytes());
        }
        peer.give_turn()?;
        body(directory.path(), peer)
    })?;
    let heard = peer.receive().and_then(|first| match first.as_slice() {
        b"." => listen(&peer).map(|()| None),
        reason => Ok(Some(String::from_utf8_lossy(reason).into_owned())),
    });
    // A body that still waits for a turn sees that none will come.
    drop(peer);
    let ended = child.wait()?;
    match heard {
        Ok(None) => Ok(OnSmallDisk::Ran(ended)),
        Ok(Some(reason)) => ended.success().map(|()| OnSmallDisk::Skipped(reason)),
        // How it ended says why it said nothing.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => ended.success().and(Err(error)),
        Err(error) => Err(error),
    }
}

/// From now on what this process mounts is seen by it and its children alone, and goes with them: a mount namespace of
/// its own (unshare(2) CLONE_NEWNS), and for an ordinary user a user namespace as well.
///
/// # Errors
/// What the machine refused, with the error.
pub fn own_mounts() -> Result<(), String> {
    let (uid, gid) = (Uid::effective(), Gid::effective());
    if uid.is_root() {
        unshare(CloneFlags::CLONE_NEWNS).map_err(may_not("unshare(2), CLONE_NEWNS"))?;
    } else {
        let both = CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS;
        unshare(both).map_err(may_not("unshare(2), CLONE_NEWUSER | CLONE_NEWNS"))?;
        // Both ids stay the same in the new namespace. setgroups must be denied before gid_map is written:
        // user_namespaces(7).
        let write = |file: &str, text: String| fs::write(format!("/proc/self/{file}"), text);
        write("setgroups", "deny".to_owned()).map_err(may_not("/proc/self/setgroups"))?;
        write("uid_map", format!("{uid} {uid} 1")).map_err(may_not("/proc/self/uid_map"))?;
        write("gid_map", format!("{gid} {gid} 1")).map_err(may_not("/proc/self/gid_map"))?;
    }
    let none: Option<&str> = None;
    // The mounts of other namespaces stay as they are.
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).map_err(may_not("mount(2), MS_PRIVATE"))
}

/// Mounts a tmpfs that only this process and its children see.
fn mount_tmpfs(directory: &Path, size: u64) -> Result<(), String> {
    own_mounts()?;
    let options = format!("size={size},mode=0700");
    mount(Some("tmpfs"), directory, Some("tmpfs"), MsFlags::MS_NOSUID, Some(options.as_str()))
        .map_err(may_not("mount(2), tmpfs"))
}

/// The reason names what was asked for and its errno, in no language.
fn may_not<E: Display>(what: &str) -> impl Fn(E) -> String {
    move |error| format!("{what}: {error}")
}
