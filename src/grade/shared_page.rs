//! Processes that share a page, each stopped before each of its accesses to the page: every interleaving can be tried.
//!
//! The page is a file in memory. While a [`Walker`] runs, the file is empty, so its next access to a mapping of it is a
//! SIGBUS. There it stands still, and the page has its bytes again: for other processes, and for the one instruction
//! that the walker makes in its next step. So the walker stops some dozen times in a call, not after each of thousands
//! of instructions, and nothing here depends on the processor.

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;

use nix::errno::Errno;
use nix::libc;
use nix::sched::{CpuSet, sched_getcpu, sched_setaffinity};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::ProtFlags;
use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getpid};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::failure::{Failure, Limit};
use super::fixtures::contents;
use super::seal::Seal;
use super::trace::{Call, Stop, Traced, no_single_steps, stop};
use crate::lesson_2::{Mapping, READ_WRITE, Sharing};
use crate::observe::page_size;

/// The most accesses to the page in a call: far more than a small function makes. A call that waits in a loop reaches
/// it soon.
const MOST: u64 = 10_000;

/// A page that this process and its children share, or several. It is its mapping for reading and writing.
#[derive(Debug)]
pub struct SharedPage {
    file: File,
    mapping: Mapping,
    to_read: Mapping,
}

impl SharedPage {
    /// A page of zeros.
    ///
    /// # Errors
    /// Those of memfd_create(2), ftruncate(2) and mmap(2).
    pub fn zeros() -> io::Result<SharedPage> {
        SharedPage::with(&vec![0; page_size()])
    }

    /// Pages of these bytes.
    ///
    /// # Errors
    /// Those of memfd_create(2), pwrite(2) and mmap(2).
    pub fn with(bytes: &[u8]) -> io::Result<SharedPage> {
        let file = File::from(memfd_create("page", MFdFlags::MFD_CLOEXEC)?);
        file.write_all_at(bytes, 0)?;
        let map = |protection| Mapping::of_file(file.as_fd(), 0, bytes.len(), protection, Sharing::Shared);
        let (mapping, to_read) = (map(READ_WRITE)?, map(ProtFlags::PROT_READ)?);
        Ok(SharedPage { file, mapping, to_read })
    }

    /// The page mapped for reading only.
    pub fn to_read(&self) -> &Mapping {
        &self.to_read
    }

    /// The file in memory that the page is.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// From now on an access to the page is a SIGBUS. Returns its bytes.
    fn take_away(&self) -> io::Result<Vec<u8>> {
        let bytes = contents(&self.file)?;
        self.file.set_len(0)?;
        Ok(bytes)
    }

    fn give_back(&self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, 0)
    }
}

impl Deref for SharedPage {
    type Target = Mapping;

    fn deref(&self) -> &Mapping {
        &self.mapping
    }
}

/// From now on this thread, and the processes that it forks, run on one processor: they take turns, and to wake another
/// processor for each of thousands of turns takes several times as long. Where that may not be, it takes long.
fn stay_on_this_processor() {
    let mut this = CpuSet::new();
    let _ = sched_getcpu().and_then(|cpu| this.set(cpu)).and_then(|()| sched_setaffinity(Pid::from_raw(0), &this));
}

/// What a step of a [`Walker`] came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<A> {
    /// It stands before its next access.
    Access,
    /// The call has returned this.
    Returned(A),
}

/// What looks at a process at the entry or at the exit of a system call.
type Look<'a> = Box<dyn FnMut(&Call) -> Result<(), Failure> + 'a>;

/// The learner's code as a process that stops before each access to a page. Dropping it kills it.
pub struct Walker<'a> {
    traced: Traced,
    page: &'a SharedPage,
    reply: File,
    seal: Seal,
    /// The accesses of this call so far, with the one before which it stands.
    accesses: u64,
    /// The calls of msync(2) that it makes before it is stopped at accesses.
    syncs_before: usize,
    /// The system calls, by their number, that all its calls have made so far.
    pub system_calls: Vec<i64>,
    before_call: Look<'a>,
    after_call: Look<'a>,
}

impl<'a> Walker<'a> {
    /// Starts a process that makes one `call` after the other.
    ///
    /// # Errors
    /// Those of fork(2) and ptrace(2).
    pub fn start<A: Serialize>(page: &'a SharedPage, mut call: impl FnMut() -> A) -> Result<Walker<'a>, Failure> {
        let (reply, seal) = (tempfile::tempfile()?, Seal::new()?);
        stay_on_this_processor();
        let calls = |me| -> io::Result<()> {
            stop(me)?;
            loop {
                let answer = call();
                // The end of the call, then that of the reply.
                stop(me)?;
                reply.set_len(0)?;
                reply.write_all_at(&seal.to_bytes(&answer)?, 0)?;
                stop(me)?;
            }
        };
        let mut traced = Traced::start(|| Ok(getpid()), calls, |ended| ended)?;
        traced.begin_again()?;
        let no_look = || Box::new(|_: &Call| Ok(()));
        let (before_call, after_call) = (no_look(), no_look());
        let (accesses, syncs_before, system_calls) = (0, 0, Vec::new());
        Ok(Walker { traced, page, reply, seal, accesses, syncs_before, system_calls, before_call, after_call })
    }

    /// It runs at full speed until it has called msync(2) this often.
    pub fn run_through_syncs(&mut self, syncs: usize) {
        self.syncs_before = syncs;
    }

    /// From now on `look` is called before each of its system calls, while it stands still at its entry. Its error is
    /// that of the step.
    pub fn before_each_call(&mut self, look: impl FnMut(&Call) -> Result<(), Failure> + 'a) {
        self.before_call = Box::new(look);
    }

    /// The same at the exit of each, where its answer is known.
    pub fn after_each_call(&mut self, look: impl FnMut(&Call) -> Result<(), Failure> + 'a) {
        self.after_call = Box::new(look);
    }

    /// Its process id.
    pub fn pid(&self) -> Pid {
        self.traced.child.pid()
    }

    /// Lets it make the access before which it stands, or begin its next call, and run up to the next access.
    ///
    /// # Errors
    /// Whatever it does instead; that the call makes more than 10,000 accesses.
    pub fn step<A: DeserializeOwned>(&mut self) -> Result<Step<A>, Failure> {
        if self.accesses > MOST {
            return Err(Failure::timed_out(Limit::Accesses(MOST)));
        }
        let mut signal = None;
        if self.accesses > 0 {
            match ptrace::step(self.traced.child.pid(), None) {
                Err(Errno::EIO) => return Err(no_single_steps()),
                stepped => stepped?,
            }
            signal = match self.traced.next_stop()? {
                Stop::Signal(Signal::SIGTRAP) | Stop::Call => None,
                Stop::Signal(other) => Some(other),
            };
        }
        let mut bytes = if self.syncs_before == 0 { Some(self.page.take_away()?) } else { None };
        let ran = self.run(signal, &mut bytes);
        if let Some(bytes) = bytes {
            self.page.give_back(&bytes)?;
        }
        if ran? {
            return Ok(Step::Returned(self.answer()?));
        }
        self.accesses += 1;
        Ok(Step::Access)
    }

    /// Lets it make the rest of its call, or a whole one.
    ///
    /// # Errors
    /// As [`Walker::step`].
    pub fn finish<A: DeserializeOwned>(&mut self) -> Result<A, Failure> {
        loop {
            if let Step::Returned(answer) = self.step()? {
                return Ok(answer);
            }
        }
    }

    /// [`Walker::finish`] at full speed, without a stop. A call that waits in a loop reaches the deadline only.
    ///
    /// # Errors
    /// As [`Walker::step`].
    pub fn run_through<A: DeserializeOwned>(&mut self) -> Result<A, Failure> {
        // The page stays, so there is no stop but at the end.
        self.run(None, &mut None)?;
        self.answer()
    }

    /// Lets it begin a call and make `accesses` accesses. Returns the answer if the call needs no more.
    ///
    /// # Errors
    /// As [`Walker::step`].
    pub fn begin<A: DeserializeOwned>(&mut self, accesses: u64) -> Result<Option<A>, Failure> {
        for _ in 0..=accesses {
            if let Step::Returned(answer) = self.step()? {
                return Ok(Some(answer));
            }
        }
        Ok(None)
    }

    /// Kills it where it stands.
    ///
    /// # Errors
    /// Those of kill(2) and waitid(2).
    pub fn kill(self) -> Result<(), Failure> {
        self.traced.child.kill()?;
        Ok(())
    }

    /// Runs up to the next access, which is false, or to the end of the call. `bytes` are those of a page that was taken
    /// away.
    fn run(&mut self, mut signal: Option<Signal>, bytes: &mut Option<Vec<u8>>) -> Result<bool, Failure> {
        loop {
            ptrace::syscall(self.traced.child.pid(), signal.take())?;
            match self.traced.next_stop()? {
                Stop::Call => {
                    let call = self.traced.call_at_entry()?;
                    if self.traced.is_end(&call)? {
                        self.traced.finish(call)?;
                        ptrace::syscall(self.traced.child.pid(), None)?;
                        self.traced.next_stop()?; // the SIGSTOP, which never reaches it
                        return Ok(true);
                    }
                    self.system_calls.push(call.number);
                    // The kernel, too, may access the page.
                    if let Some(bytes) = bytes {
                        self.page.give_back(bytes)?;
                    }
                    let is_sync = call.number == libc::SYS_msync;
                    let finished = (self.before_call)(&call)
                        .and_then(|()| self.traced.finish(call))
                        .and_then(|call| (self.after_call)(&call));
                    if let Some(bytes) = bytes {
                        *bytes = self.page.take_away()?;
                    } else if is_sync && self.syncs_before > 0 {
                        self.syncs_before -= 1;
                        *bytes = if self.syncs_before == 0 { Some(self.page.take_away()?) } else { None };
                    }
                    finished?;
                }
                Stop::Signal(Signal::SIGBUS) if bytes.is_some() && self.is_past_an_end()? => return Ok(false),
                Stop::Signal(other) => signal = Some(other),
            }
        }
    }

    /// Whether the signal is that of an access past the end of a file: while the page is taken away, that is one to the
    /// page, wherever it is mapped. One to another file raises the signal again in the next step, when the page is there.
    fn is_past_an_end(&self) -> Result<bool, Failure> {
        let info = ptrace::getsiginfo(self.traced.child.pid())?;
        Ok(info.si_code == libc::BUS_ADRERR)
    }

    /// The call has returned: what it returned.
    fn answer<A: DeserializeOwned>(&mut self) -> Result<A, Failure> {
        self.accesses = 0;
        ptrace::cont(self.traced.child.pid(), None)?;
        match self.traced.next_stop()? {
            Stop::Signal(Signal::SIGSTOP) => {}
            _ => return Err(io::Error::other("a walker did not stop where it should").into()),
        }
        Ok(self.seal.of_bytes(&contents(&self.reply)?)?)
    }
}
