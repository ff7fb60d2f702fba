//! Answers to `survive`, right and wrong.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicUsize, Ordering};

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::observe::page_size;
use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::unistd::{ForkResult, fork};

use crate::solution::{Missed, zeros_over};

/// Takes a bus error for a panic, and catches that.
///
/// fails: survive::returns_the_result_or_the_first_missing_page killed fault-can-be-caught
/// fails: survive::leaves_every_other_sigbus_to_the_action_from_before killed
/// fails: survive::leaves_the_process_as_it_was killed fault-can-be-caught
/// fails: survive::lets_only_one_run_at_a_time killed fault-can-be-caught
/// fails: survive::notices_a_page_that_was_gone_for_a_moment killed size-counts-when-mapped
mod catches_a_panic {
    use super::*;

    /// Whatever goes wrong in the body is caught.
    ///
    /// # Errors
    /// [`Missed`].
    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let mapping = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared).map_err(Missed::Call)?;
        catch_unwind(AssertUnwindSafe(|| body(&mapping))).map_err(|_| Missed::Page(0))
    }
}

/// Maps zeros over the whole mapping at the first missing page.
///
/// fails: survive::returns_the_result_or_the_first_missing_page failed
mod covers_the_whole_mapping {
    use super::*;

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

    /// Covers everything.
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
        for page in (start..start + LENGTH.load(Ordering::Relaxed)).step_by(page_size()) {
            // SAFETY: a page of the mapping, to which there are atomics only.
            let _ = unsafe { zeros_over(page) };
        }
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

    /// One page is gone, so the file is worth nothing.
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
}

/// Ends the process in the handler, with status 0.
///
/// fails: survive::returns_the_result_or_the_first_missing_page exited
/// fails: survive::leaves_every_other_sigbus_to_the_action_from_before exited
/// fails: survive::leaves_the_process_as_it_was exited
/// fails: survive::lets_only_one_run_at_a_time exited
/// fails: survive::notices_a_page_that_was_gone_for_a_moment exited
mod ends_the_process {
    use super::*;

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

    /// An end without a core dump.
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
        // SAFETY: _exit(2) is async-signal-safe.
        unsafe { libc::_exit(0) };
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

    /// A clean end instead of a signal.
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
}

/// Sets a handler, and leaves SIGBUS blocked where it is.
///
/// fails: survive::returns_the_result_or_the_first_missing_page killed sigbus-can-be-ignored
mod forgets_a_blocked_signal {
    use super::*;

    /// A handler is all it takes.
    ///
    /// # Errors
    /// [`Missed`].
    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let mask = SigSet::thread_get_mask().map_err(Missed::Call)?;
        crate::solution::survive(file, length, |mapping| {
            // As if it had not been unblocked.
            let _ = mask.thread_set_mask();
            body(mapping)
        })
    }
}

/// Restores the action in a line after the call of the body, which a panic skips.
///
/// fails: survive::leaves_the_process_as_it_was failed what-follows-always-runs
mod forgets_that_a_body_may_panic {
    use super::*;

    /// What comes after the body is done after the body.
    ///
    /// # Errors
    /// [`Missed`].
    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let mut panic = None;
        let outcome = crate::solution::survive(file, length, |mapping| {
            catch_unwind(AssertUnwindSafe(|| body(mapping))).map_err(|payload| panic = Some(payload)).ok()
        });
        if let Some(panic) = panic {
            // Here the panic would have left the function, with everything still set.
            // SAFETY: no handler of ours runs.
            unsafe { libc::signal(libc::SIGBUS, libc::SIG_DFL) };
            resume_unwind(panic);
        }
        outcome.map(|answer| answer.expect("no panic"))
    }
}

/// Ignores SIGBUS while the body runs.
///
/// fails: survive::returns_the_result_or_the_first_missing_page killed sigbus-can-be-ignored
/// fails: survive::leaves_every_other_sigbus_to_the_action_from_before killed
/// fails: survive::leaves_the_process_as_it_was killed sigbus-can-be-ignored
/// fails: survive::lets_only_one_run_at_a_time killed sigbus-can-be-ignored
/// fails: survive::notices_a_page_that_was_gone_for_a_moment killed
mod ignores_the_signal {
    use super::*;

    /// What is ignored can't kill.
    ///
    /// # Errors
    /// [`Missed`].
    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let mapping = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared).map_err(Missed::Call)?;
        // SAFETY: no handler of ours runs.
        let before = unsafe { libc::signal(libc::SIGBUS, libc::SIG_IGN) };
        let answer = body(&mapping);
        // SAFETY: the action was in force before.
        unsafe { libc::signal(libc::SIGBUS, before) };
        Ok(answer)
    }
}

/// Has a handler, but decides by the file's size after the body has returned.
///
/// fails: survive::notices_a_page_that_was_gone_for_a_moment failed size-afterwards-tells-all
mod looks_at_the_size_afterwards {
    use super::*;

    /// If the file is long enough afterwards, no page was missed.
    ///
    /// # Errors
    /// [`Missed`].
    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let mut answer = None;
        let outcome = crate::solution::survive(file, length, |mapping| answer = Some(body(mapping)));
        let size = file.metadata().map_or(0, |metadata| usize::try_from(metadata.len()).unwrap_or(0));
        match (outcome, answer) {
            (Err(Missed::Page(_)), Some(answer)) if size >= length => Ok(answer),
            (Err(missed), _) => Err(missed),
            (Ok(()), Some(answer)) => Ok(answer),
            (Ok(()), None) => Err(Missed::Page(0)),
        }
    }
}

/// Checks the size before it maps, and then trusts it.
///
/// fails: survive::returns_the_result_or_the_first_missing_page failed
/// fails: survive::leaves_every_other_sigbus_to_the_action_from_before failed
/// fails: survive::leaves_the_process_as_it_was failed
/// fails: survive::lets_only_one_run_at_a_time failed
/// fails: survive::notices_a_page_that_was_gone_for_a_moment killed size-counts-when-mapped
mod looks_at_the_size_first {
    use super::*;

    /// Where the file is long enough, nothing can happen.
    ///
    /// # Errors
    /// [`Missed`].
    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let size = file.metadata().map_or(0, |metadata| usize::try_from(metadata.len()).unwrap_or(usize::MAX));
        let mapping = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared).map_err(Missed::Call)?;
        let in_pages = size.next_multiple_of(page_size());
        if in_pages < mapping.range().len() {
            return Err(Missed::Page(in_pages / page_size()));
        }
        Ok(body(&mapping))
    }
}

/// Makes the file longer when an access found no page.
///
/// fails: survive::returns_the_result_or_the_first_missing_page failed
/// fails: survive::leaves_the_process_as_it_was failed
mod makes_the_file_longer {
    use super::*;

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
}

/// Records each missing page over the one before.
///
/// fails: survive::returns_the_result_or_the_first_missing_page failed
/// fails: survive::leaves_the_process_as_it_was failed
/// fails: survive::notices_a_page_that_was_gone_for_a_moment failed
mod names_the_last_page {
    use super::*;

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

    /// Keeps the page.
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
        MISSED.store(page + 1, Ordering::Relaxed);
        // SAFETY: the page that faulted, to which there are atomics only.
        let _ = unsafe { zeros_over(address) };
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

    /// The handler knows the page.
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
}

/// Panics in the handler, in the hope that it unwinds through the access.
///
/// fails: survive::returns_the_result_or_the_first_missing_page killed handler-is-like-any-function
/// fails: survive::leaves_every_other_sigbus_to_the_action_from_before killed
/// fails: survive::leaves_the_process_as_it_was killed handler-is-like-any-function
/// fails: survive::lets_only_one_run_at_a_time killed handler-is-like-any-function
/// fails: survive::notices_a_page_that_was_gone_for_a_moment killed
mod panics_in_the_handler {
    use super::*;

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

    /// Turns the signal into a panic.
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
        panic!("no page {page}");
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

    /// The caller can catch the panic.
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
}

/// Sets SIG_DFL afterwards, whatever the action was before.
///
/// fails: survive::leaves_the_process_as_it_was failed
mod puts_the_default_back {
    use super::*;

    /// SIG_DFL is what every process has.
    ///
    /// # Errors
    /// [`Missed`].
    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let outcome = crate::solution::survive(file, length, body);
        if outcome.is_ok() || matches!(outcome, Err(Missed::Page(_))) {
            // SAFETY: no handler of ours runs.
            unsafe { libc::signal(libc::SIGBUS, libc::SIG_DFL) };
        }
        outcome
    }
}

/// Maps zeros wherever a bus error comes from, even in another mapping.
///
/// fails: survive::leaves_every_other_sigbus_to_the_action_from_before failed handler-is-for-one-mapping
mod swallows_every_bus_error {
    use super::*;

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

    /// Helps in every case.
    extern "C" fn on_bus_error(_: i32, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
        // SAFETY: the kernel passes a siginfo that is valid until the handler returns.
        let info = unsafe { &*info };
        // SAFETY: the kernel fills in si_addr.
        let address = unsafe { info.si_addr() }.addr();
        let start = START.load(Ordering::Relaxed);
        let page = address.wrapping_sub(start) / page_size();
        let _ = MISSED.compare_exchange(0, page + 1, Ordering::Relaxed, Ordering::Relaxed);
        // SAFETY: the page that faulted, to which there are atomics only.
        let _ = unsafe { zeros_over(address) };
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

    /// A handler, and all is well.
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
}

/// Forks a child that tries each page first, and does not wait for it.
///
/// fails: survive::returns_the_result_or_the_first_missing_page left_processes
/// fails: survive::leaves_every_other_sigbus_to_the_action_from_before left_processes
/// fails: survive::leaves_the_process_as_it_was left_processes
/// fails: survive::lets_only_one_run_at_a_time left_processes
/// fails: survive::notices_a_page_that_was_gone_for_a_moment left_processes
mod tries_in_a_child_first {
    use super::*;

    /// The child may die, and this process knows.
    ///
    /// # Errors
    /// [`Missed`].
    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let mapping = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared).map_err(Missed::Call)?;
        // SAFETY: the child only loads, and leaves by _exit(2).
        if let Ok(ForkResult::Child) = unsafe { fork() } {
            // It dies of the signal, as every child would that has no handler.
            // SAFETY: no handler of ours runs.
            unsafe { libc::signal(libc::SIGBUS, libc::SIG_DFL) };
            (0..length).step_by(page_size()).for_each(|at| _ = mapping.load(at));
            // SAFETY: ends the child.
            unsafe { libc::_exit(0) };
        }
        drop(mapping);
        crate::solution::survive(file, length, body)
    }
}

/// Copies the file, lets the body work on the copy, and writes it back if the file still has the same size.
///
/// fails: survive::returns_the_result_or_the_first_missing_page failed
/// fails: survive::leaves_every_other_sigbus_to_the_action_from_before failed
/// fails: survive::leaves_the_process_as_it_was failed
/// fails: survive::lets_only_one_run_at_a_time failed
/// fails: survive::notices_a_page_that_was_gone_for_a_moment failed size-afterwards-tells-all
mod works_on_a_copy {
    use super::*;

    /// Memory of one's own can't be truncated.
    ///
    /// # Errors
    /// [`Missed`].
    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let call = |error: std::io::Error| Missed::Call(Errno::from_raw(error.raw_os_error().unwrap_or(0)));
        let size =
            || file.metadata().map_err(call).map(|metadata| usize::try_from(metadata.len()).unwrap_or(usize::MAX));
        let before = size()?;
        let mapping = Mapping::anonymous(length, READ_WRITE, Sharing::Private).map_err(Missed::Call)?;
        let mut bytes = vec![0; before.min(length)];
        file.read_exact_at(&mut bytes, 0).map_err(call)?;
        mapping.write(0, &bytes);
        let answer = body(&mapping);
        if size()? != before {
            return Err(Missed::Page(0));
        }
        mapping.read(0, &mut bytes);
        file.write_all_at(&bytes, 0).map_err(call)?;
        Ok(answer)
    }
}

one_of! {
    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed>;
    catches_a_panic covers_the_whole_mapping ends_the_process forgets_a_blocked_signal forgets_that_a_body_may_panic
    ignores_the_signal looks_at_the_size_afterwards looks_at_the_size_first makes_the_file_longer names_the_last_page
    panics_in_the_handler puts_the_default_back swallows_every_bus_error tries_in_a_child_first works_on_a_copy
}
