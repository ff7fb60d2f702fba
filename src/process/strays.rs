//! Descendants that were left running: found, killed and reaped.

use std::fs;
use std::io;
use std::time::Instant;

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::{Pid, getpid};
use procfs::process::all_processes;

use super::{DEADLINE, kill_and_reap};
use crate::error::told;
use crate::text;

/// From now on a descendant whose parent ends becomes a child of this process instead of init's
/// (PR_SET_CHILD_SUBREAPER, prctl(2)). So it is found, even in a session or process group of its own.
///
/// # Errors
/// The error of prctl(2).
pub fn adopt_orphans() -> io::Result<()> {
    Ok(prctl::set_child_subreaper(true)?)
}

/// Whether this process has a child, running or not yet waited for.
///
/// # Errors
/// The error of waitid(2).
pub fn has_children() -> io::Result<bool> {
    match waitid(Id::All, WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT) {
        Ok(_) => Ok(true),
        Err(Errno::ECHILD) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// Kills and reaps every child of this process, also those that become its children meanwhile, and returns their
/// number. After [`adopt_orphans`] no descendant is left then.
///
/// # Errors
/// When /proc cannot be read; `TimedOut` when one of them can't be killed, or when they fork faster than they are killed.
pub fn end_all_children() -> io::Result<usize> {
    end_children_except(&[])
}

/// [`end_all_children`], but not these, nor their descendants.
///
/// # Errors
/// As [`end_all_children`].
pub fn end_children_except(these: &[Pid]) -> io::Result<usize> {
    let (mut ended, deadline) = (0, Instant::now() + DEADLINE);
    // The children of one that is killed become ours: repeat until there are none.
    while has_children()? {
        if Instant::now() > deadline {
            let text = text!("processes that are killed leave new ones", "杀死的进程不断留下新的进程");
            return Err(told(io::ErrorKind::TimedOut, text));
        }
        let strays: Vec<_> = children()?.into_iter().filter(|child| !these.contains(child)).collect();
        if strays.is_empty() && !these.is_empty() {
            break;
        }
        for stray in strays {
            kill_and_reap(stray)?;
            ended += 1;
        }
    }
    Ok(ended)
}

fn children() -> io::Result<Vec<Pid>> {
    let mut found = Vec::new();
    for thread in fs::read_dir("/proc/self/task")? {
        match fs::read_to_string(thread?.path().join("children")) {
            Ok(pids) => found.extend(pids.split_whitespace().filter_map(|pid| pid.parse().ok()).map(Pid::from_raw)),
            // This kernel has no CONFIG_PROC_CHILDREN: look at all processes.
            Err(_) => return children_among_all(),
        }
    }
    Ok(found)
}

fn children_among_all() -> io::Result<Vec<Pid>> {
    let me = getpid().as_raw();
    let stats = all_processes().map_err(io::Error::other)?.filter_map(|process| process.ok()?.stat().ok());
    Ok(stats.filter(|stat| stat.ppid == me).map(|stat| Pid::from_raw(stat.pid)).collect())
}
