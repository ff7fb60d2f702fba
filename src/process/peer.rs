//! The socket pair between a parent and its child.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{self, AddressFamily, MsgFlags, Shutdown, SockFlag, SockType, socketpair, sockopt};
use nix::sys::time::TimeVal;

use super::DEADLINE;
use crate::error::told;
use crate::text;

/// The longest message that a [`Peer`] carries, in bytes.
const LONGEST: usize = 64 * 1024;

/// One end of a socket pair between two processes. Messages stay apart, and a wait for one ends in one of three ways:
/// the message comes, the other process has ended or closed its end, or the [`DEADLINE`] passes.
#[derive(Debug)]
pub struct Peer(OwnedFd);

impl Peer {
    pub(super) fn pair() -> io::Result<(Peer, Peer)> {
        // SOCK_SEQPACKET is as reliable as a pipe, and keeps messages apart (unix(7)).
        let (a, b) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?;
        let deadline = TimeVal::new(DEADLINE.as_secs().try_into().map_err(io::Error::other)?, 0);
        for end in [&a, &b] {
            socket::setsockopt(end, sockopt::ReceiveTimeout, &deadline)?;
            socket::setsockopt(end, sockopt::SendTimeout, &deadline)?;
        }
        Ok((Peer(a), Peer(b)))
    }

    /// Sends a message of 1 to 65536 bytes.
    ///
    /// # Errors
    /// `InvalidInput` for another length; EPIPE when the other end is gone; EAGAIN when [`DEADLINE`] passes.
    pub fn send(&self, message: &[u8]) -> io::Result<()> {
        if message.is_empty() || message.len() > LONGEST {
            // An empty message looks like the end: recv(2) returns 0 for both.
            let length = message.len();
            let text = text!(
                "a message has 1 to {LONGEST} bytes, not {length}",
                "一条消息是 1 到 {LONGEST} 字节，不能是 {length} 字节"
            );
            return Err(told(io::ErrorKind::InvalidInput, text));
        }
        // MSG_NOSIGNAL: where the other process is gone, the call fails with EPIPE and raises no SIGPIPE.
        socket::send(self.0.as_raw_fd(), message, MsgFlags::MSG_NOSIGNAL)?;
        Ok(())
    }

    /// Waits for the next message.
    ///
    /// # Errors
    /// `UnexpectedEof` when the other end is gone and nothing is left to read; `TimedOut` when [`DEADLINE`] passes.
    pub fn receive(&self) -> io::Result<Vec<u8>> {
        let mut message = vec![0; LONGEST];
        loop {
            match socket::recv(self.0.as_raw_fd(), &mut message, MsgFlags::empty()) {
                Ok(0) => {
                    let text = text!("the process at the other end is gone", "另一端的进程已经不在");
                    return Err(told(io::ErrorKind::UnexpectedEof, text));
                }
                Ok(length) => {
                    message.truncate(length);
                    return Ok(message);
                }
                Err(nix::errno::Errno::EINTR) => {}
                Err(nix::errno::Errno::EAGAIN) => {
                    let text = text!(
                        "the process at the other end sent nothing for {DEADLINE:?}",
                        "另一端的进程 {DEADLINE:?} 没有发来任何消息"
                    );
                    return Err(told(io::ErrorKind::TimedOut, text));
                }
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// Gives the other process its turn.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub fn give_turn(&self) -> io::Result<()> {
        self.send(b".")
    }

    /// Waits until the other process gives the turn.
    ///
    /// # Errors
    /// As [`Peer::receive`]; `InvalidData` when another message comes.
    pub fn await_turn(&self) -> io::Result<()> {
        match self.receive()?.as_slice() {
            b"." => Ok(()),
            other => {
                let text = text!("expected a turn, got {other:?}", "等的是轮到自己的消息，来的却是 {other:?}");
                Err(told(io::ErrorKind::InvalidData, text))
            }
        }
    }

    /// Whether the other end is gone, though what it has sent may be left to read. It doesn't wait.
    ///
    /// # Errors
    /// Those of poll(2).
    pub fn is_left_alone(&self) -> io::Result<bool> {
        // The end of the other side is told unasked (POLLHUP).
        Ok(poll(&mut [PollFd::new(self.as_fd(), PollFlags::empty())], PollTimeout::ZERO)? != 0)
    }

    /// Ends the talk: the other process sees that no turn will come, even where a third one has a copy of this end.
    ///
    /// # Errors
    /// Those of shutdown(2).
    pub fn hang_up(&self) -> io::Result<()> {
        Ok(socket::shutdown(self.0.as_raw_fd(), Shutdown::Both)?)
    }
}

impl AsFd for Peer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
