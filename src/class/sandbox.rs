//! The sandbox in which the compiler and the checks run: bubblewrap (bwrap(1)), with limits set by prlimit(1).
//!
//! A program in it is alone: it has its own processes, its own network with a loopback and nothing else, its own System V objects
//! and host name, and a file system that is made for it: the system's programs, what it is given to read or to write, an
//! empty /tmp and /dev/shm of limited size. When it ends, or the program that has started it, all of that is gone.
//!
//! /tmp is in memory. Where it has to be on a disk and root may make one, it is an ext4 file system of its own, in an image
//! that is in memory: mounted where nobody else sees it (unshare(1)), it is gone with the last process that does.
//!
//! Root is exempt from the limit on processes. So for root the program runs as another user, by setpriv(1); as one that no
//! other sandbox on this machine has, since the limit counts all processes of a user.

use std::env::{split_paths, var_os};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read};
use std::ops::Range;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit};
use nix::unistd::geteuid;

use super::cgroup::Cgroup;
use crate::course::grading::{Ran, TEMPORARY, command_after, run};
use crate::error::{named, other};
use crate::process::{Ended, keep_descriptors};
use crate::text;

/// How long a sandbox may take to begin.
const BEGINS_WITHIN: Duration = Duration::from_secs(20);
/// The ids of the users that programs run as, where root starts them: one for each that may run at the same time. They are
/// nobody's on Debian and those that follow its policy.
const USERS: Range<u32> = 65_000..65_534;
/// The id that a program has in the sandbox, where an ordinary user starts it.
const USER: u32 = 1000;

/// How programs are kept apart from this machine.
#[derive(Debug)]
pub struct Sandbox(Option<Tools>);

#[derive(Debug)]
struct Tools {
    /// Those of the places, where they can be had.
    groups: Vec<Option<Cgroup>>,
    bwrap: PathBuf,
    prlimit: PathBuf,
    /// Where root starts it.
    setpriv: Option<PathBuf>,
    /// What makes a disk, where that works.
    disk: Option<Disk>,
    /// Where root starts it: the user for each place, and what claims it for as long as this lives.
    users: Vec<(u32, UnixDatagram)>,
}

#[derive(Debug)]
struct Disk {
    unshare: PathBuf,
    mkfs: PathBuf,
}

/// What a program in the sandbox gets.
#[derive(Debug)]
pub(super) struct Room<'a> {
    /// What it may read.
    pub(super) read: &'a [Shown<'a>],
    /// The directory that it may write to, beside those for temporary files.
    pub(super) write: Option<Shown<'a>>,
    /// The most bytes of addresses of each process (RLIMIT_AS); None where addresses are reserved that take no memory.
    pub(super) addresses: Option<u64>,
    /// The most bytes of a file (RLIMIT_FSIZE); None where sparse files are made that take no space.
    pub(super) file: Option<u64>,
    /// The most bytes of temporary files.
    pub(super) temporary: u64,
    /// Where temporary files have to be on a disk, if one can be made: an empty directory, which stays empty.
    pub(super) disk: Option<&'a Path>,
    /// Which of the programs that run at the same time it is, from 0 on.
    pub(super) place: usize,
}

/// A file or a directory: its path, and the one that it has in the sandbox.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a>(pub(super) &'a Path, pub(super) &'a Path);

impl<'a> Shown<'a> {
    /// Under the same path.
    pub(super) fn same(path: &'a Path) -> Shown<'a> {
        Shown(path, path)
    }
}

/// Mounts a disk below `$1`, of `$2` bytes, for the user `$3`, made by `$4`, and runs the rest.
const MOUNT: &str = r#"mount -t tmpfs -o "size=$2,mode=0700" tmpfs "$1" && truncate -s "$2" "$1/image" &&
"$4" -q -T default -O ^has_journal -E "root_owner=$3:$3" "$1/image" && mkdir "$1/disk" &&
mount -o loop,nosuid,nodev "$1/image" "$1/disk" && rmdir "$1/disk/lost+found" || exit 125
shift 4; exec "$@""#;
/// Where it is then.
const DISK: &str = "disk";
/// The most processes and threads.
const PROCESSES: u32 = 128;
/// The most descriptors of a process. The files that all processes of a machine may have open are limited, too
/// (/proc/sys/fs/file-max, proc_sys_fs(5)): no program is to have all of those.
const DESCRIPTORS: u64 = 1024;
/// The most bytes in /dev/shm.
const SHARED: u64 = 64 << 20;

impl Sandbox {
    /// No sandbox: programs run as this user, with all that this user may do.
    pub fn none() -> Sandbox {
        Sandbox(None)
    }

    /// The sandbox that this machine has, for this number of programs at the same time. It is tried.
    ///
    /// # Errors
    /// When there is none: the error says what is missing, or what the machine refuses.
    pub fn find(at_once: usize) -> io::Result<Sandbox> {
        keep_descriptors()?;
        let (bwrap, prlimit) = (program("bwrap", "bubblewrap")?, program("prlimit", "util-linux")?);
        let (setpriv, users) = match geteuid().is_root() {
            true => (Some(program("setpriv", "util-linux")?), claim(at_once)?),
            false => (None, Vec::new()),
        };
        let groups = (0..at_once).map(Cgroup::new).collect();
        let mut tools = Tools { groups, bwrap, prlimit, setpriv, disk: None, users };
        let Ran { ended, mut err, .. } = tools.tried(None)?;
        if ended == Some(Ended::Exited(0)) {
            tools.disk = tools.find_disk();
            return Ok(Sandbox(Some(tools)));
        }
        let mut said = String::new();
        err.read_to_string(&mut said)?;
        let said = said.lines().next().unwrap_or("it does not say why").to_owned();
        Err(other(text!(
            "the sandbox can't be had here: {said}. Containers often forbid it, and Ubuntu does so for ordinary users \
             (sysctl kernel.apparmor_restrict_unprivileged_userns=0 allows it)",
            "这里无法建立沙箱：{said}。容器里常常不允许；Ubuntu 默认也不允许普通用户\
             （sysctl kernel.apparmor_restrict_unprivileged_userns=0 可以放开）"
        )))
    }

    /// Whether there is one.
    pub fn is_one(&self) -> bool {
        self.0.is_some()
    }

    /// The user that a program in this place runs as, where that isn't the one who starts it: what it is to read or write
    /// has to be allowed to that user.
    pub(super) fn user(&self, place: usize) -> Option<u32> {
        self.0.as_ref()?.users.get(place).map(|(id, _)| *id)
    }

    /// A program in the sandbox, without any of this process's environment.
    pub(super) fn command(&self, room: &Room, program: &Path) -> Command {
        let mut command = command_after(&self.before(room), program);
        command.env("HOME", TEMPORARY).env("LC_ALL", "C.UTF-8");
        command
    }

    /// What stands before a command that is to run in the sandbox; nothing where there is none.
    pub(super) fn before(&self, room: &Room) -> Vec<OsString> {
        self.0.as_ref().map(|tools| tools.before(room)).unwrap_or_default()
    }
}

impl Tools {
    /// What makes a disk here; None where nothing does.
    fn find_disk(&mut self) -> Option<Disk> {
        self.setpriv.as_ref()?;
        let [unshare, mkfs] = [program("unshare", "util-linux"), program("mkfs.ext4", "e2fsprogs")];
        self.disk = Some(Disk { unshare: unshare.ok()?, mkfs: mkfs.ok()? });
        let empty = tempfile::tempdir().ok()?;
        let ended = self.tried(Some(empty.path())).ok()?.ended;
        self.disk.take().filter(|_| ended == Some(Ended::Exited(0)))
    }

    /// Runs a program that does nothing.
    fn tried(&self, disk: Option<&Path>) -> io::Result<Ran> {
        let room = Room { read: &[], write: None, addresses: None, file: None, temporary: 4 << 20, disk, place: 0 };
        run(command_after(&self.before(&room), Path::new("/usr/bin/true")), BEGINS_WITHIN, &mut |_| ())
    }

    fn before(&self, room: &Room) -> Vec<OsString> {
        let Tools { groups, bwrap, prlimit, setpriv, disk, users } = self;
        let user = users.get(room.place).map_or(USER, |(id, _)| *id).to_string();
        let disk = disk.as_ref().zip(room.disk);
        let group = groups.get(room.place).and_then(Option::as_ref);
        let mut line: Vec<OsString> =
            group.map(Cgroup::before).unwrap_or_default().into_iter().map(OsString::from).collect();
        let mut add = |words: &[&dyn AsRef<OsStr>]| line.extend(words.iter().map(|word| word.as_ref().to_owned()));
        if let Some((Disk { unshare, mkfs }, directory)) = disk {
            add(&[unshare, &"--mount", &"/bin/sh", &"-c", &MOUNT, &"sh"]);
            add(&[&directory, &room.temporary.to_string(), &user, mkfs]);
        }
        add(&[bwrap, &"--die-with-parent", &"--new-session"]);
        add(&[&"--unshare-ipc", &"--unshare-pid", &"--unshare-net", &"--unshare-uts", &"--unshare-cgroup-try"]);
        add(&[&"--hostname", &"sandbox"]);
        match setpriv {
            // What setpriv needs, and gives up.
            Some(_) => add(&[&"--cap-add", &"CAP_SETUID", &"--cap-add", &"CAP_SETGID", &"--cap-add", &"CAP_SETPCAP"]),
            None => add(&[&"--unshare-user", &"--uid", &user, &"--gid", &user]),
        }
        add(&[&"--ro-bind", &"/usr", &"/usr"]);
        for directory in ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"] {
            match fs::read_link(directory) {
                Ok(target) => add(&[&"--symlink", &target, &directory]),
                Err(_) => add(&[&"--ro-bind-try", &directory, &directory]),
            }
        }
        // cc is a link to /etc/alternatives.
        add(&[&"--perms", &"0755", &"--dir", &"/etc"]);
        for file in ["/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d"] {
            add(&[&"--ro-bind-try", &file, &file]);
        }
        add(&[&"--proc", &"/proc", &"--dev", &"/dev"]);
        if let Some((_, directory)) = disk {
            add(&[&"--bind", &directory.join(DISK), &"/tmp"]);
        }
        let in_memory = [("/tmp", room.temporary), ("/dev/shm", SHARED)];
        for (directory, size) in in_memory.iter().skip(usize::from(disk.is_some())) {
            add(&[&"--size", &size.to_string(), &"--perms", &"1777", &"--tmpfs", directory]);
        }
        // bwrap would make them for the user alone who starts it. The root directory and /tmp are there.
        let given = room.read.iter().chain(&room.write);
        let mut above: Vec<&Path> = given.flat_map(|Shown(_, path)| path.ancestors().skip(1)).collect();
        above.sort();
        above.dedup();
        for directory in above.into_iter().filter(|path| ![Path::new("/"), Path::new("/tmp")].contains(path)) {
            add(&[&"--perms", &"0755", &"--dir", &directory]);
        }
        for Shown(path, there) in room.read {
            add(&[&"--ro-bind", path, there]);
        }
        if let Some(Shown(path, there)) = &room.write {
            add(&[&"--bind", path, there]);
        }
        add(&[&"--chdir", &TEMPORARY, &"--"]);
        if let Some(setpriv) = setpriv {
            add(&[setpriv, &"--reuid", &user, &"--regid", &user, &"--clear-groups", &"--inh-caps=-all"]);
            add(&[&"--bounding-set=-all", &"--no-new-privs"]);
        }
        // Whoever may have fewer can't give more.
        let descriptors = getrlimit(Resource::RLIMIT_NOFILE).map_or(DESCRIPTORS, |(_, most)| most.min(DESCRIPTORS));
        add(&[prlimit, &format!("--nproc={PROCESSES}"), &format!("--nofile={descriptors}")]);
        for (option, most) in [("--as", room.addresses), ("--fsize", room.file)] {
            if let Some(most) = most {
                add(&[&format!("{option}={most}")]);
            }
        }
        add(&[&"--"]);
        line
    }
}

/// This number of users that no other program on this machine has claimed. Their claims are addresses in the abstract namespace
/// (unix(7)): one process has an address, and when that ends, however it does, the address is free.
fn claim(at_once: usize) -> io::Result<Vec<(u32, UnixDatagram)>> {
    let claimed = |id| {
        let address = SocketAddr::from_abstract_name(format!("mmap-workbook-user-{id}")).ok()?;
        Some((id, UnixDatagram::bind_addr(&address).ok()?))
    };
    let users: Vec<_> = USERS.filter_map(claimed).take(at_once).collect();
    match users.len() == at_once {
        true => Ok(users),
        false => Err(other(text!(
            "other runs of this program have all user ids that the sandbox may use; --jobs asks for fewer",
            "沙箱可用的用户 ID 都被本程序的其他运行占用了；可用 --jobs 减少所需的数量"
        ))),
    }
}

/// The path of a program, which is in this package of Debian's.
fn program(name: &str, package: &str) -> io::Result<PathBuf> {
    let is_program = |path: &PathBuf| {
        path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    };
    let directories = var_os("PATH").unwrap_or_default();
    let found = split_paths(&directories).map(|directory| directory.join(name)).find(is_program);
    found.ok_or_else(|| {
        named(
            name,
            &other(text!(
                "the sandbox needs this program; on Debian and Ubuntu: apt install {package}",
                "沙箱需要这个程序；在 Debian 和 Ubuntu 上：apt install {package}"
            )),
        )
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::io::Read;
    use std::path::Path;
    use std::time::Duration;

    use super::{Room, Sandbox, claim};
    use crate::course::grading::run;

    #[test]
    fn no_two_sandboxes_have_a_user_in_common() {
        let (one, other) = (claim(3).expect("users"), claim(3).expect("users"));
        let ids: BTreeSet<u32> = one.iter().chain(&other).map(|(id, _)| *id).collect();
        assert_eq!(ids.len(), 6, "{one:?} {other:?}");
        assert!(claim(600).is_err(), "there are not that many");
        let first = one[0].0;
        drop(one);
        assert!(claim(400).expect("users").iter().any(|(id, _)| *id == first), "{first} is free again");
    }
    #[test]
    fn temporary_files_are_on_a_disk_of_their_own_that_is_gone_afterwards() {
        let sandbox = match Sandbox::find(1) {
            Ok(sandbox) if sandbox.0.as_ref().is_some_and(|tools| tools.disk.is_some()) => sandbox,
            unfound => return eprintln!("skipped: no disk can be made in a sandbox here: {unfound:?}"),
        };
        let (empty, mounts) = (tempfile::tempdir().expect("a directory"), || fs::read_to_string("/proc/mounts"));
        let before = mounts().expect("a list");
        for (disk, expected) in [(Some(empty.path()), "ext2/ext3\n"), (None, "tmpfs\n")] {
            let room = Room { read: &[], write: None, addresses: None, file: None, temporary: 8 << 20, disk, place: 0 };
            let mut command = sandbox.command(&room, Path::new("/bin/sh"));
            // It may be written to, and not without end.
            command.args([
                "-c",
                "stat -f -c %T /tmp; ls -A /tmp; ! head -c 9M /dev/zero > /tmp/file && test -s /tmp/file",
            ]);
            let mut ran = run(command, Duration::from_secs(60), &mut |_| ()).expect("it runs");
            let mut out = String::new();
            ran.out.read_to_string(&mut out).expect("a text");
            assert_eq!((ran.ended, &*out), (Some(crate::process::Ended::Exited(0)), expected));
        }
        assert_eq!(mounts().expect("a list"), before);
        assert_eq!(fs::read_dir(empty.path()).expect("a directory").count(), 0);
    }
}
