//! Which pages of a mapping are stored to, equal bytes too: after an msync(2) that has failed, only these are written by a later one.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::{io, ptr};

use nix::errno::Errno;
use nix::libc;
use nix::sys::mman::ProtFlags;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

use crate::lesson_2::READ_WRITE;
use crate::observe::page_size;

/// The most pages of a mapping.
const MOST: usize = 64;

/// Where the mapping begins, and the page size.
static START: AtomicUsize = AtomicUsize::new(0);
static PAGE: AtomicUsize = AtomicUsize::new(1);
/// For each page whether it was stored to.
static STORED: [AtomicBool; MOST] = [const { AtomicBool::new(false) }; MOST];

/// From now on the first store of this process to each of these pages is noted, of the mapping that begins at this address. A
/// process does this for one mapping.
///
/// # Errors
/// Those of sigaction(2) and mprotect(2); ENOMEM for more pages than can be noted.
///
/// # Safety
/// The mapping is one for reading and writing, has these pages, and outlives all stores to it.
pub unsafe fn note_stores(mapping: usize, pages: Range<usize>) -> io::Result<()> {
    if pages.end > MOST {
        return Err(Errno::ENOMEM.into());
    }
    START.store(mapping, Ordering::Relaxed);
    PAGE.store(page_size(), Ordering::Relaxed);
    STORED[pages.clone()].iter().for_each(|stored| stored.store(false, Ordering::Relaxed));
    let flags = SaFlags::SA_SIGINFO | SaFlags::SA_ONSTACK;
    let action = SigAction::new(SigHandler::SigAction(note), flags, SigSet::empty());
    // SAFETY: the handler reads atomics and makes system calls, and nothing else.
    unsafe { sigaction(Signal::SIGSEGV, &action) }?;
    let first = ptr::with_exposed_provenance_mut(mapping + pages.start * page_size());
    // SAFETY: pages of the mapping, as the caller has promised. A store to them is a SIGSEGV, whose handler allows it.
    Errno::result(unsafe { libc::mprotect(first, pages.len() * page_size(), ProtFlags::PROT_READ.bits()) })?;
    Ok(())
}

/// Whether this page was stored to since its stores are noted.
pub fn is_stored_to(page: usize) -> bool {
    STORED.get(page).is_some_and(|stored| stored.load(Ordering::Relaxed))
}

/// Notes the first store to a page, and lets it and all others be made.
extern "C" fn note(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    let (start, page) = (START.load(Ordering::Relaxed), PAGE.load(Ordering::Relaxed));
    // SAFETY: with SA_SIGINFO the kernel passes a siginfo that lives until the handler returns.
    let info = unsafe { &*info };
    // SAFETY: that of a SIGSEGV has an address.
    let address = unsafe { info.si_addr() }.addr();
    let number = address.wrapping_sub(start) / page;
    match STORED.get(number) {
        Some(stored) if !stored.swap(true, Ordering::Relaxed) => {
            let page_of_it = ptr::with_exposed_provenance_mut(start + number * page);
            // SAFETY: a page of the mapping, which is for reading and writing.
            unsafe { libc::mprotect(page_of_it, page, READ_WRITE.bits()) };
        }
        // Another fault, which ends the process when the access is made again.
        _ => {
            // SAFETY: signal(2) may be called in a handler.
            unsafe { libc::signal(libc::SIGSEGV, libc::SIG_DFL) };
        }
    }
}
