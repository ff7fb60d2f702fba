//! The site on this machine.

use std::io;

use crate::sources::Sources;

/// Serves the book on 127.0.0.1.
///
/// # Errors
/// When the port is in use.
pub fn serve(_sources: &Sources, _port: u16, _open: bool) -> io::Result<()> {
    Err(io::Error::other("not yet"))
}
