//! The limits on what a process may use.

use std::io;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Allows this process and those that it starts at least so much of a resource. `option` is that of the shell's `ulimit`.
///
/// # Errors
/// When it may not have so much (getrlimit(2)): one line names the limit.
pub fn allow(resource: Resource, option: &str, of_what: &str, least: u64) -> io::Result<()> {
    let (now, most) = getrlimit(resource)?;
    if now >= least {
        return Ok(());
    }
    if most < least {
        let text = format!("`ulimit {option}` allows {most} {of_what}; {least} may be needed");
        return Err(io::Error::other(text));
    }
    Ok(setrlimit(resource, least, most)?)
}
