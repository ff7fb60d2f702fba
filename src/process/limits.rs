//! The limits on what a process may use.

use std::io;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::error;
use crate::text;
use crate::text::Text;

/// Allows this process and those that it starts at least so much of a resource. `option` is that of the shell's `ulimit`.
///
/// # Errors
/// When it may not have so much (getrlimit(2)): one line names the limit.
pub fn allow(resource: Resource, option: &str, of_what: &Text, least: u64) -> io::Result<()> {
    let (now, most) = getrlimit(resource)?;
    if now >= least {
        return Ok(());
    }
    if most < least {
        let Text { en, zh } = of_what;
        return Err(error::other(text!(
            "`ulimit {option}` allows {most} {en}; {least} may be needed",
            "`ulimit {option}` 只允许 {most} {zh}，可能需要 {least}"
        )));
    }
    Ok(setrlimit(resource, least, most)?)
}
