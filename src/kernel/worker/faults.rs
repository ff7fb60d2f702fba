//! A worker's fault is the outcome of its line: the handler records it and tells the supervisor before the process
//! dies.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicUsize, Ordering};

use nix::libc;

use crate::kernel::record::Record;
use crate::kernel::sockets::{Answer, TurnEnd};
use crate::process::{Fault, ReportFault, report_faults};

// What the handler needs: it gets no argument of ours.
static RECORD: AtomicPtr<Record> = AtomicPtr::new(ptr::null_mut());
static SOCKET: AtomicI32 = AtomicI32::new(-1);
static NEXT: AtomicUsize = AtomicUsize::new(0);
static START: AtomicUsize = AtomicUsize::new(0);

/// From now on this process's faults go to `record`, which must be there until the process ends.
pub(super) fn report_to(record: &Record) -> io::Result<()> {
    RECORD.store(ptr::from_ref(record).cast_mut(), Ordering::Relaxed);
    report_faults::<FatalFault>()
}

/// The supervisor hears of a fault on this socket.
pub(super) fn answer_on(socket: BorrowedFd<'_>) {
    SOCKET.store(socket.as_raw_fd(), Ordering::Relaxed);
}

/// If the next access faults, the answer to the supervisor names this as the first line that has not been done.
pub(super) fn answer_with(next: usize) {
    NEXT.store(next, Ordering::Relaxed);
}

/// A fault's place is counted from this address: the start of the mapping that is about to be accessed.
pub(super) fn count_from(start: usize) {
    START.store(start, Ordering::Relaxed);
}

struct FatalFault;

// SAFETY: `report` copies into the record's memory and calls write(2), which is async-signal-safe.
unsafe impl ReportFault for FatalFault {
    fn report(fault: &Fault) {
        // SAFETY: the pointer was made from a reference that lives until the process ends.
        let record = unsafe { RECORD.load(Ordering::Relaxed).as_ref() };
        if let Some(record) = record {
            record.died(fault, START.load(Ordering::Relaxed));
        }
        let answer = Answer { next: NEXT.load(Ordering::Relaxed), end: TurnEnd::Dies(fault.signal) }.to_bytes();
        // SAFETY: write(2) is async-signal-safe, and the array is readable for its length.
        unsafe { libc::write(SOCKET.load(Ordering::Relaxed), answer.as_ptr().cast(), answer.len()) };
    }
}
