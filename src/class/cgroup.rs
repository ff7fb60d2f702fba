//! The memory and the processes of all that runs in a sandbox at the same time, limited together (cgroups(7)): the only
//! limit that counts shared memory, too. And each such group gets the same share of the processors, however many processes
//! it has. Whoever may not make a control group does without.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::id;

use nix::fcntl::{Flock, FlockArg};

/// The most bytes of memory, that of temporary files included: several times what the compiler needs.
const MEMORY: u64 = 3 << 30;
/// The most processes and threads.
const PROCESSES: u32 = 256;

/// Where control groups are.
const MOUNTED: &str = "/sys/fs/cgroup";
/// What the names of ours begin with.
const PREFIX: &str = "workbook-";

/// A control group in each hierarchy that is needed. Dropping it removes them; no process is in them then.
#[derive(Debug)]
pub(super) struct Cgroup {
    /// Each is locked: a process id says nothing to those in another namespace.
    directories: Vec<(PathBuf, Flock<File>)>,
}

impl Cgroup {
    /// One for the programs that run in this place, one after another; None where none can be made.
    pub(super) fn new(place: usize) -> Option<Cgroup> {
        let mut group = Cgroup { directories: Vec::new() };
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        let own_in = |controller: &str| {
            let mut lines = own.lines().filter_map(|line| line.splitn(3, ':').collect::<Vec<_>>().try_into().ok());
            let path =
                lines.find(|[_, controllers, _]: &[&str; 3]| controllers.split(',').any(|one| one == controller));
            path.map(|[_, _, path]| path.trim_start_matches('/').to_owned())
        };
        let (memory, processes) = (MEMORY.to_string(), PROCESSES.to_string());
        let name = format!("{PREFIX}{}-{place}", id());
        let mounted = Path::new(MOUNTED);
        if mounted.join("cgroup.controllers").exists() {
            // Version 2: a group with processes in it has no groups that are limited, so ours is beside it.
            let own = mounted.join(own_in("")?);
            let beside = own.parent().filter(|parent| parent.starts_with(mounted)).unwrap_or(mounted);
            let limits = [("memory.max", &*memory), ("memory.swap.max", "0"), ("pids.max", &processes)];
            group.make(beside, &name, &limits).ok()?;
        } else {
            let limits = [("memory", "memory.limit_in_bytes", &memory), ("pids", "pids.max", &processes)];
            for (controller, limit, most) in limits {
                let own = mounted.join(controller).join(own_in(controller)?);
                group.make(&own, &name, &[(limit, most)]).ok()?;
            }
            // Where there is none, the memory and the processes are limited all the same.
            if let Some(own) = own_in("cpu") {
                let _ = group.make(&mounted.join("cpu").join(own), &name, &[]);
            }
        }
        Some(group)
    }

    fn make(&mut self, parent: &Path, name: &str, limits: &[(&str, &str)]) -> io::Result<()> {
        remove_abandoned(parent);
        let directory = parent.join(name);
        fs::create_dir(&directory)?;
        self.directories.push((directory.clone(), lock(&directory)?));
        for (file, limit) in limits {
            // A kernel without swap has no limit of it.
            if directory.join(file).exists() {
                fs::write(directory.join(file), limit)?;
            }
        }
        Ok(())
    }

    /// What stands before a command that is to run in it, with whatever it starts.
    pub(super) fn before(&self) -> Vec<&str> {
        let directories = self.directories.iter().filter_map(|(directory, _)| directory.to_str());
        ["/bin/sh", "-c", ENTER, "sh"].into_iter().chain(directories).chain(["--"]).collect()
    }
}

/// Enters each group, and runs what comes after `--`.
const ENTER: &str = r#"while [ "$1" != -- ]; do echo 0 > "$1/cgroup.procs" || exit 125; shift; done; shift; exec "$@""#;

impl Drop for Cgroup {
    fn drop(&mut self) {
        for (directory, _) in &self.directories {
            // The next one who makes any removes what is left.
            let _ = fs::remove_dir(directory);
        }
    }
}

/// Removes the groups of programs that were killed.
fn remove_abandoned(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) && lock(&entry.path()).is_ok() {
            let _ = fs::remove_dir(entry.path());
        }
    }
}

fn lock(directory: &Path) -> io::Result<Flock<File>> {
    Flock::lock(File::open(directory)?, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| errno.into())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{Cgroup, MOUNTED};

    #[test]
    fn each_has_its_own_share_of_the_processors() {
        let Some(group) = Cgroup::new(99) else {
            eprintln!("skipped: no control group can be made here");
            return;
        };
        let mounted = Path::new(MOUNTED);
        // Version 2 has one directory for all controllers, and shares out the processors where it has that one.
        if !mounted.join("cpu").exists() {
            eprintln!("skipped: the processors are not shared out by control groups of version 1 here");
            return;
        }
        let shares =
            group.before().into_iter().filter_map(|path| fs::read_to_string(Path::new(path).join("cpu.shares")).ok());
        assert_eq!(shares.collect::<Vec<_>>(), ["1024\n"]);
    }
}
