//! Makes the file longer when an access found no page.
//!
//! fails: survive::returns_the_result_or_the_first_missing_page failed
//! fails: survive::leaves_the_process_as_it_was failed

use std::fs::File;
use std::os::fd::AsRawFd;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicUsize, Ordering};

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::observe::page_size;
use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};

pub use crate::solution::{Missed, parts, put, sum_of, zeros_over};

/// The start of the mapping, for the handler.
static START: AtomicUsize = AtomicUsize::new(0);
/// How long it is, in whole pages.
static LENGTH: AtomicUsize = AtomicUsize::new(0);
/// The number of the missing page plus 1; 0 for none.
static MISSED: AtomicUsize = AtomicUsize::new(0);
/// Whether one is running.
static BUSY: AtomicBool = AtomicBool::new(false);
/// The action from before.
static BEFORE: AtomicPtr<libc::sigaction> = AtomicPtr::new(null_mut());
/// The file to make longer.
static FILE: AtomicI32 = AtomicI32::new(-1);

/// Makes the file longer.
extern "C" fn on_bus_error(signal: i32, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel passes a siginfo that is valid until the handler returns.
    let info = unsafe { &*info };
    // SAFETY: the kernel fills in si_addr.
    let address = unsafe { info.si_addr() }.addr();
    let start = START.load(Ordering::Relaxed);
    if info.si_code != libc::BUS_ADRERR || !(start..start + LENGTH.load(Ordering::Relaxed)).contains(&address) {
        pass_on(signal, info);
        return;
    }
    let page = address.wrapping_sub(start) / page_size();
    let _ = MISSED.compare_exchange(0, page + 1, Ordering::Relaxed, Ordering::Relaxed);
    let length = libc::off_t::try_from((page + 1) * page_size()).unwrap_or(0);
    // SAFETY: ftruncate(2) is async-signal-safe and accesses no memory of ours.
    unsafe { libc::ftruncate(FILE.load(Ordering::Relaxed), length) };
}

/// Every other SIGBUS meets the action from before.
fn pass_on(signal: i32, info: &libc::siginfo_t) {
    // SAFETY: set before the handler was, and never freed.
    unsafe { libc::sigaction(signal, BEFORE.load(Ordering::Relaxed), null_mut()) };
    if info.si_code <= 0 {
        // SAFETY: raise(3) accesses no memory of ours.
        unsafe { libc::raise(signal) };
    }
}

/// What is restored at the end, even in a panic.
struct Handler(SigSet);

impl Drop for Handler {
    fn drop(&mut self) {
        // SAFETY: the action was in force before.
        unsafe { libc::sigaction(libc::SIGBUS, BEFORE.load(Ordering::Relaxed), null_mut()) };
        let _ = self.0.thread_set_mask();
        BUSY.store(false, Ordering::Relaxed);
    }
}

/// A missing page exists again when the file is longer.
///
/// # Errors
/// [`Missed`].
pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
    if BUSY.load(Ordering::Relaxed) {
        return Err(Missed::Call(Errno::EBUSY));
    }
    let mapping = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared).map_err(Missed::Call)?;
    BUSY.store(true, Ordering::Relaxed);
    START.store(mapping.address(), Ordering::Relaxed);
    LENGTH.store(mapping.range().len(), Ordering::Relaxed);
    MISSED.store(0, Ordering::Relaxed);
    FILE.store(file.as_raw_fd(), Ordering::Relaxed);
    // SAFETY: a sigaction of zeros is SIG_DFL without flags.
    let before = Box::leak(Box::new(unsafe { std::mem::zeroed::<libc::sigaction>() }));
    // SAFETY: as above.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = on_bus_error as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO;
    BEFORE.store(before, Ordering::Relaxed);
    // SAFETY: both are valid for the call.
    unsafe { libc::sigaction(libc::SIGBUS, &raw const action, BEFORE.load(Ordering::Relaxed)) };
    let mask = SigSet::from(Signal::SIGBUS).thread_swap_mask(SigmaskHow::SIG_UNBLOCK).map_err(Missed::Call)?;
    let handler = Handler(mask);
    let answer = body(&mapping);
    drop(handler);
    match MISSED.load(Ordering::Relaxed) {
        0 => Ok(answer),
        page => Err(Missed::Page(page - 1)),
    }
}

#[cfg(test)]
#[path = "../../../../lessons/6_bus_error/checks/mod.rs"]
mod checks;
