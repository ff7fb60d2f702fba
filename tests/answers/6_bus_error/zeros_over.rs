use std::fs::File;
use std::io::Write;
use std::num::NonZeroUsize;
use std::ptr::{self, NonNull, with_exposed_provenance_mut};
use std::sync::atomic::{AtomicUsize, Ordering};

use mmap_workbook::lesson_2::READ_WRITE;
use mmap_workbook::observe::page_size;
use nix::errno::Errno;
use nix::libc::{self, MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, PROT_READ, PROT_WRITE, c_int, c_void};
use nix::sys::mman::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap};

const RW: c_int = libc::PROT_READ | libc::PROT_WRITE;

const ZEROS: c_int = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;

/// The first address of the page that contains `address`.
fn page_of(address: usize) -> usize {
    address - address % page_size()
}

/// mmap(2) of memory without a file, at exactly what it is given.
///
/// # Safety
/// As for `zeros_over`.
unsafe fn map(start: usize, length: usize, protection: c_int, flags: c_int) -> Result<usize, Errno> {
    let start = std::ptr::with_exposed_provenance_mut(start);
    // SAFETY: the caller's promise.
    let mapped = unsafe { libc::mmap(start, length, protection, flags, -1, 0) };
    if mapped == libc::MAP_FAILED { Err(Errno::last()) } else { Ok(mapped.expose_provenance()) }
}

/// The start of the page that contains `address`.
fn page_of_again(address: usize) -> *mut c_void {
    ptr::with_exposed_provenance_mut(address - address % page_size())
}

/// mmap(2) of anonymous memory, with its errno.
unsafe fn map_again(start: *mut c_void, length: usize, protection: i32, flags: i32) -> Result<*mut c_void, Errno> {
    // SAFETY: the caller of zeros_over gives up the page at `start`.
    let answer = unsafe { libc::mmap(start, length, protection, flags, -1, 0) };
    if answer == libc::MAP_FAILED { Err(Errno::last()) } else { Ok(answer) }
}

/// The first byte of the page.
fn start_of(address: usize) -> *mut c_void {
    with_exposed_provenance_mut(address - address % page_size())
}

/// One mmap(2) of anonymous memory.
///
/// # Safety
/// With MAP_FIXED, nothing refers to the range.
unsafe fn anonymous(start: *mut c_void, length: usize, protection: c_int, flags: c_int) -> Result<(), Errno> {
    // SAFETY: the caller's promise.
    let mapped = unsafe { libc::mmap(start, length, protection, flags | libc::MAP_ANONYMOUS, -1, 0) };
    if mapped == libc::MAP_FAILED { Err(Errno::last()) } else { Ok(()) }
}

const LOADS_AND_STORES: c_int = libc::PROT_READ | libc::PROT_WRITE;

const PRIVATE_FIXED: c_int = libc::MAP_PRIVATE | libc::MAP_FIXED;

/// Rounds a length up to two pages: the next page is replaced as well.
///
/// fails: zeros_over::replaces_the_page_and_no_other failed
mod covers_the_next_page_too {
    use super::*;

    /// A length of one page and a byte, to be sure.
    ///
    /// # Errors
    /// That of mmap(2).
    ///
    /// # Safety
    /// As the right one.
    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let start = NonZeroUsize::new(address - address % page_size());
        let length = NonZeroUsize::new(page_size() + 1).ok_or(Errno::EINVAL)?;
        // SAFETY: the caller's promise.
        unsafe { mmap_anonymous(start, length, READ_WRITE, MapFlags::MAP_PRIVATE | MapFlags::MAP_FIXED) }.map(drop)
    }
}

/// Does not round the address down to a page boundary.
///
/// fails: zeros_over::helps_where_the_file_has_no_page failed
/// fails: zeros_over::replaces_the_page_and_no_other failed
mod gives_the_address_as_it_is {
    use super::*;

    /// The address that faulted is the one to map at.
    ///
    /// # Errors
    /// That of mmap(2).
    ///
    /// # Safety
    /// As the right one.
    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let start = NonZeroUsize::new(address);
        let length = NonZeroUsize::new(page_size()).ok_or(Errno::EINVAL)?;
        // SAFETY: the caller's promise.
        unsafe { mmap_anonymous(start, length, READ_WRITE, MapFlags::MAP_PRIVATE | MapFlags::MAP_FIXED) }.map(drop)
    }
}

/// Prints a message, in a function that a signal handler calls.
///
/// fails: zeros_over::is_one_call_of_mmap failed
mod prints_in_the_handler {
    use super::*;

    /// A message helps to find out what happened.
    ///
    /// # Errors
    /// That of mmap(2).
    ///
    /// # Safety
    /// As the right one.
    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        // To /dev/null, so that it disturbs no output.
        if let Ok(mut log) = File::options().write(true).open("/dev/null") {
            let _ = writeln!(log, "no page at {address:#x}");
        }
        // SAFETY: the caller's promise.
        unsafe { crate::solution::zeros_over(address) }
    }
}

/// Stores zeros to the page: that changes the file, or kills where there is no page.
///
/// fails: zeros_over::helps_where_the_file_has_no_page killed
/// fails: zeros_over::is_one_call_of_mmap failed
/// fails: zeros_over::replaces_the_page_and_no_other failed
mod stores_zeros_there {
    use super::*;

    /// memset(3) makes zeros.
    ///
    /// # Errors
    /// None.
    ///
    /// # Safety
    /// As the right one.
    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let page = std::ptr::with_exposed_provenance_mut::<u8>(address - address % page_size());
        // SAFETY: the caller's promise.
        unsafe { page.write_bytes(0, page_size()) };
        Ok(())
    }
}

/// Passes the address to mmap(2) without MAP_FIXED: the zeros are mapped somewhere else.
///
/// fails: zeros_over::helps_where_the_file_has_no_page killed
/// fails: zeros_over::replaces_the_page_and_no_other failed address-is-an-order
mod takes_a_hint_for_an_order {
    use super::*;

    /// The address says where.
    ///
    /// # Errors
    /// That of mmap(2).
    ///
    /// # Safety
    /// As the right one.
    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let start = NonZeroUsize::new(address - address % page_size());
        let length = NonZeroUsize::new(page_size()).ok_or(Errno::EINVAL)?;
        // SAFETY: the caller's promise.
        unsafe { mmap_anonymous(start, length, READ_WRITE, MapFlags::MAP_PRIVATE) }.map(drop)
    }
}

/// Unmaps the page and then maps another: for a moment the addresses are free.
///
/// fails: zeros_over::is_one_call_of_mmap failed addresses-wait-for-me
mod unmaps_first {
    use super::*;

    /// Room first.
    ///
    /// # Errors
    /// That of mmap(2).
    ///
    /// # Safety
    /// As the right one.
    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let there = std::ptr::with_exposed_provenance_mut(address - address % page_size());
        let there = NonNull::new(there).ok_or(Errno::EINVAL)?;
        // SAFETY: the caller's promise.
        unsafe { munmap(there, page_size()) }?;
        let start = NonZeroUsize::new(address - address % page_size());
        let length = NonZeroUsize::new(page_size()).ok_or(Errno::EINVAL)?;
        // SAFETY: the caller's promise.
        unsafe { mmap_anonymous(start, length, READ_WRITE, MapFlags::MAP_PRIVATE | MapFlags::MAP_FIXED) }.map(drop)
    }
}

/// The bare call with MAP_FIXED.
///
/// passes
mod bare_mmap {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        // SAFETY: the caller's promise.
        unsafe { map(page_of(address), page_size(), RW, ZEROS) }.map(drop)
    }
}

/// Makes the system call without libc's wrapper, and rounds with a mask.
///
/// passes
mod bare_syscall {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let (page, no_file, offset) = (page_size(), -1_i64, 0_i64);
        let start = address & !(page - 1);
        // SAFETY: the caller's promise, and the arguments are those of mmap(2).
        let result = unsafe { libc::syscall(libc::SYS_mmap, start, page, RW, ZEROS, no_file, offset) };
        Errno::result(result).map(drop)
    }
}

/// Has nix make the call, with a length of one byte, which the kernel rounds up to the page.
///
/// passes
mod a_byte_of_a_page {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        let flags = MapFlags::MAP_PRIVATE | MapFlags::MAP_FIXED;
        // SAFETY: the caller's promise.
        unsafe { mmap_anonymous(NonZeroUsize::new(page_of(address)), NonZeroUsize::MIN, protection, flags) }.map(drop)
    }
}

/// Has the page made at once, and not at the next access.
///
/// passes
mod populated {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let flags = ZEROS | libc::MAP_POPULATE | libc::MAP_NORESERVE;
        // SAFETY: the caller's promise.
        unsafe { map(page_of(address), page_size(), RW, flags) }.map(drop)
    }
}

/// Gives the address as a mere hint, and the kernel puts the zeros elsewhere.
///
/// breaks: "Replaces the page that contains `address`, whatever is mapped there"
/// fails: zeros_over::helps_where_the_file_has_no_page killed
/// fails: zeros_over::replaces_the_page_and_no_other failed address-is-an-order
mod a_hint {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: without MAP_FIXED no memory in use is replaced.
        unsafe { map(page_of(address), page_size(), RW, flags) }.map(drop)
    }
}

/// Uses the flag that man pages recommend as the safer MAP_FIXED, which refuses what is mapped.
///
/// breaks: "Replaces the page that contains `address`, whatever is mapped there"
/// fails: zeros_over::helps_where_the_file_has_no_page failed
/// fails: zeros_over::is_one_call_of_mmap failed
/// fails: zeros_over::replaces_the_page_and_no_other failed
mod no_replace {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        // SAFETY: MAP_FIXED_NOREPLACE replaces nothing.
        unsafe { map(page_of(address), page_size(), RW, ZEROS | libc::MAP_FIXED_NOREPLACE) }.map(drop)
    }
}

/// Unmaps first, so that another thread can take the addresses.
///
/// breaks: "The call makes exactly one system call, mmap(2): no other thread can take the addresses in between."
/// fails: zeros_over::is_one_call_of_mmap failed addresses-wait-for-me
mod unmaps_first_2 {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let start = std::ptr::with_exposed_provenance_mut(page_of(address));
        // SAFETY: the caller's promise.
        Errno::result(unsafe { libc::munmap(start, page_size()) })?;
        // SAFETY: as above.
        unsafe { map(page_of(address), page_size(), RW, ZEROS) }.map(drop)
    }
}

/// Maps the zeros elsewhere and moves them there: the swap is atomic, but there are two calls.
///
/// breaks: "The call makes exactly one system call, mmap(2): no other thread can take the addresses in between."
/// fails: zeros_over::is_one_call_of_mmap failed
mod moves_zeros_there {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: without MAP_FIXED no memory in use is replaced.
        let zeros = unsafe { map(0, page_size(), RW, flags) }?;
        let zeros = std::ptr::with_exposed_provenance_mut::<c_void>(zeros);
        let start = std::ptr::with_exposed_provenance_mut::<c_void>(page_of(address));
        let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
        // SAFETY: the caller's promise, and nothing refers to the new page.
        let moved = unsafe { libc::mremap(zeros, page_size(), page_size(), flags, start) };
        if moved == libc::MAP_FAILED { Err(Errno::last()) } else { Ok(()) }
    }
}

/// Passes the address as it is; the kernel refuses all but the first byte of a page.
///
/// breaks: "Replaces the page that contains `address`, whatever is mapped there"
/// fails: zeros_over::helps_where_the_file_has_no_page failed
/// fails: zeros_over::replaces_the_page_and_no_other failed
mod does_not_round {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        // SAFETY: the caller's promise.
        unsafe { map(address, page_size(), RW, ZEROS) }.map(drop)
    }
}

/// Rounds up, to the next page.
///
/// breaks: "The neighbouring pages do not change."
/// fails: zeros_over::helps_where_the_file_has_no_page killed
/// fails: zeros_over::replaces_the_page_and_no_other failed
mod rounds_up {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        // SAFETY: the caller's promise, if `address` is the first of a page.
        unsafe { map(address.next_multiple_of(page_size()), page_size(), RW, ZEROS) }.map(drop)
    }
}

/// Adds the offset in the page to the length, so that the page after it goes as well.
///
/// breaks: "The neighbouring pages do not change."
/// fails: zeros_over::replaces_the_page_and_no_other failed
mod one_page_from_the_address {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let length = address % page_size() + page_size();
        // SAFETY: the caller's promise, if `address` is the first of a page.
        unsafe { map(page_of(address), length, RW, ZEROS) }.map(drop)
    }
}

/// Rounds down to a multiple of two pages, with a mask that is one bit too long.
///
/// breaks: "The neighbouring pages do not change."
/// fails: zeros_over::replaces_the_page_and_no_other failed
mod starts_two_pages_early {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let start = address & !(2 * page_size() - 1);
        // SAFETY: the caller's promise, if the page before it belongs to the caller, too.
        unsafe { map(start, page_of(address) - start + page_size(), RW, ZEROS) }.map(drop)
    }
}

/// Maps shared memory without a file: a child of fork(2) sees what its parent stores.
///
/// breaks: "with a private page of zeros for reading and writing"
/// fails: zeros_over::helps_where_the_file_has_no_page failed
mod shared_zeros {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
        // SAFETY: the caller's promise.
        unsafe { map(page_of(address), page_size(), RW, flags) }.map(drop)
    }
}

/// Maps zeros for reading only, as nobody should store there.
///
/// breaks: "with a private page of zeros for reading and writing"
/// fails: zeros_over::helps_where_the_file_has_no_page failed
/// fails: zeros_over::replaces_the_page_and_no_other killed
mod read_only_zeros {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        // SAFETY: the caller's promise.
        unsafe { map(page_of(address), page_size(), libc::PROT_READ, ZEROS) }.map(drop)
    }
}

/// Allows everything, and so makes the page executable.
///
/// breaks: "with a private page of zeros for reading and writing"
/// fails: zeros_over::helps_where_the_file_has_no_page failed
mod executable_zeros {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        // SAFETY: the caller's promise.
        unsafe { map(page_of(address), page_size(), RW | libc::PROT_EXEC, ZEROS) }.map(drop)
    }
}

/// Throws the page away with MADV_DONTNEED, which shows zeros only for memory without a file.
///
/// breaks: "Replaces the page that contains `address`, whatever is mapped there, with a private page of zeros"
/// fails: zeros_over::helps_where_the_file_has_no_page killed
/// fails: zeros_over::is_one_call_of_mmap failed
/// fails: zeros_over::replaces_the_page_and_no_other failed
mod dont_need {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let start = std::ptr::with_exposed_provenance_mut(page_of(address));
        // SAFETY: the caller's promise.
        Errno::result(unsafe { libc::madvise(start, page_size(), libc::MADV_DONTNEED) }).map(drop)
    }
}

/// Zeroes the page with stores, which go to the file.
///
/// breaks: "The file that was mapped there does not change."
/// fails: zeros_over::helps_where_the_file_has_no_page killed
/// fails: zeros_over::is_one_call_of_mmap failed
/// fails: zeros_over::replaces_the_page_and_no_other failed
mod stores_zeros {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let start = std::ptr::with_exposed_provenance_mut::<u8>(page_of(address));
        // SAFETY: the caller's promise, as long as the page exists and may be written.
        unsafe { std::ptr::write_bytes(start, 0, page_size()) };
        Ok(())
    }
}

/// Maps /dev/zero, as one did before MAP_ANONYMOUS: it opens a file, in a handler, and needs a free descriptor.
///
/// breaks: "The call makes exactly one system call, mmap(2)"
/// fails: zeros_over::is_one_call_of_mmap failed
mod dev_zero {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let zero = std::fs::File::options().read(true).write(true).open("/dev/zero");
        let zero = zero.map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(0)))?;
        let page = NonZeroUsize::new(page_size()).ok_or(Errno::EINVAL)?;
        let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        let flags = MapFlags::MAP_PRIVATE | MapFlags::MAP_FIXED;
        // SAFETY: the caller's promise.
        unsafe { mmap(NonZeroUsize::new(page_of(address)), page, protection, flags, zero, 0) }.map(drop)
    }
}

/// Asks with mincore(2) whether something is mapped there, to be safe.
///
/// breaks: "The call makes exactly one system call, mmap(2)"
/// fails: zeros_over::is_one_call_of_mmap failed
mod asks_mincore {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let start = std::ptr::with_exposed_provenance_mut(page_of(address));
        let mut resident = 0;
        // SAFETY: mincore(2) writes one byte for one page.
        Errno::result(unsafe { libc::mincore(start, page_size(), &mut resident) })?;
        // SAFETY: the caller's promise.
        unsafe { map(page_of(address), page_size(), RW, ZEROS) }.map(drop)
    }
}

/// Says on the standard error what it does; a handler may not do that, and it is another system call.
///
/// breaks: "The call makes exactly one system call, mmap(2)"
/// fails: zeros_over::is_one_call_of_mmap failed
mod says_so {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        eprintln!("no page at {address:#x}: zeros from now on");
        // SAFETY: the caller's promise.
        unsafe { map(page_of(address), page_size(), RW, ZEROS) }.map(drop)
    }
}

/// Looks for NULL, which mmap(2) never returns for an error.
///
/// breaks: "Those of mmap(2), unchanged."
/// fails: zeros_over::returns_the_errors_of_mmap failed
mod looks_for_null {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let start = std::ptr::with_exposed_provenance_mut(page_of(address));
        // SAFETY: the caller's promise.
        let mapped = unsafe { libc::mmap(start, page_size(), RW, ZEROS, -1, 0) };
        if mapped.is_null() { Err(Errno::last()) } else { Ok(()) }
    }
}

/// Makes every failure an ENOMEM, the only one that it can think of.
///
/// breaks: "Those of mmap(2), unchanged."
/// fails: zeros_over::returns_the_errors_of_mmap failed
mod always_enomem {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        // SAFETY: the caller's promise.
        unsafe { map(page_of(address), page_size(), RW, ZEROS) }.map(drop).or(Err(Errno::ENOMEM))
    }
}

/// Maps one page with MAP_FIXED over the old one, through nix.
///
/// passes
mod fixed_with_nix {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let start = NonZeroUsize::new(address - address % page_size()).ok_or(Errno::EINVAL)?;
        let length = NonZeroUsize::new(page_size()).ok_or(Errno::EINVAL)?;
        let flags = MapFlags::MAP_PRIVATE | MapFlags::MAP_FIXED;
        // SAFETY: the caller's promise.
        unsafe { mmap_anonymous(Some(start), length, ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, flags) }.map(drop)
    }
}

/// Asks for a length of 1, which is a page, and rounds the address with a mask.
///
/// passes
mod length_of_one {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let start = ptr::with_exposed_provenance_mut(address & page_size().wrapping_neg());
        // SAFETY: the caller's promise.
        unsafe { map_again(start, 1, PROT_WRITE | PROT_READ, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS) }.map(drop)
    }
}

/// Makes the call through syscall(2), and reserves no swap space.
///
/// passes
mod bare_syscall_2 {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | libc::MAP_NORESERVE;
        let (start, none, from) = (page_of_again(address), -1isize, 0usize);
        let (protection, flags) = ((PROT_READ | PROT_WRITE) as usize, flags as usize);
        // SAFETY: the caller's promise.
        Errno::result(unsafe { libc::syscall(libc::SYS_mmap, start, page_size(), protection, flags, none, from) })?;
        Ok(())
    }
}

/// Unmaps the page first, and leaves a hole for a moment.
///
/// breaks: "The call makes exactly one system call, mmap(2): no other thread can take the addresses in between."
/// fails: zeros_over::is_one_call_of_mmap failed addresses-wait-for-me
mod unmaps_first_3 {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        // SAFETY: the caller's promise.
        Errno::result(unsafe { libc::munmap(page_of_again(address), page_size()) })?;
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
        // SAFETY: as above.
        unsafe { map_again(page_of_again(address), page_size(), PROT_READ | PROT_WRITE, flags) }.map(drop)
    }
}

/// Passes the address as a hint only, so the kernel maps the zeros elsewhere.
///
/// breaks: "Replaces the page that contains `address`, whatever is mapped there, with a private page of zeros"
/// fails: zeros_over::helps_where_the_file_has_no_page killed
/// fails: zeros_over::replaces_the_page_and_no_other failed address-is-an-order
mod only_a_hint {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        // SAFETY: the caller's promise.
        unsafe { map_again(page_of_again(address), page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS) }
            .map(drop)
    }
}

/// Uses the careful variant of MAP_FIXED, which fails with EEXIST where something is mapped.
///
/// breaks: "Replaces the page that contains `address`, whatever is mapped there"
/// fails: zeros_over::helps_where_the_file_has_no_page failed
/// fails: zeros_over::is_one_call_of_mmap failed
/// fails: zeros_over::replaces_the_page_and_no_other failed
mod fixed_noreplace {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE;
        // SAFETY: the caller's promise.
        unsafe { map_again(page_of_again(address), page_size(), PROT_READ | PROT_WRITE, flags) }.map(drop)
    }
}

/// Passes the address as it is, which works only for the first byte of a page.
///
/// breaks: "Replaces the page that contains `address`"
/// fails: zeros_over::helps_where_the_file_has_no_page failed
/// fails: zeros_over::replaces_the_page_and_no_other failed
mod unaligned_address {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let start = ptr::with_exposed_provenance_mut(address);
        // SAFETY: the caller's promise.
        unsafe { map_again(start, page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED) }
            .map(drop)
    }
}

/// Maps shared zeros, which a child shares after fork(2).
///
/// breaks: "with a private page of zeros for reading and writing"
/// fails: zeros_over::helps_where_the_file_has_no_page failed
mod shared_zeros_2 {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let flags = libc::MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED;
        // SAFETY: the caller's promise.
        unsafe { map_again(page_of_again(address), page_size(), PROT_READ | PROT_WRITE, flags) }.map(drop)
    }
}

/// Maps zeros that can only be read.
///
/// breaks: "with a private page of zeros for reading and writing"
/// fails: zeros_over::helps_where_the_file_has_no_page failed
/// fails: zeros_over::replaces_the_page_and_no_other killed
mod read_only_zeros_2 {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        // SAFETY: the caller's promise.
        unsafe { map_again(page_of_again(address), page_size(), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED) }
            .map(drop)
    }
}

/// Allows the execution of the page as well, to be on the safe side.
///
/// breaks: "with a private page of zeros for reading and writing"
/// fails: zeros_over::helps_where_the_file_has_no_page failed
mod executable_zeros_2 {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let (all, flags) = (PROT_READ | PROT_WRITE | libc::PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
        // SAFETY: the caller's promise.
        unsafe { map_again(page_of_again(address), page_size(), all, flags) }.map(drop)
    }
}

/// Maps up to one page past the address, which the kernel rounds up to two pages inside a page.
///
/// breaks: "The neighbouring pages do not change."
/// fails: zeros_over::replaces_the_page_and_no_other failed
mod a_page_from_the_address_on {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let length = address % page_size() + page_size();
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
        // SAFETY: the caller's promise.
        unsafe { map_again(page_of_again(address), length, PROT_READ | PROT_WRITE, flags) }.map(drop)
    }
}

/// Rounds to the nearest page boundary instead of down.
///
/// breaks: "The neighbouring pages do not change."
/// fails: zeros_over::replaces_the_page_and_no_other failed
mod nearest_page {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let start = page_of_again(address + page_size() / 2);
        // SAFETY: the caller's promise.
        unsafe { map_again(start, page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED) }
            .map(drop)
    }
}

/// Compares the result with NULL, which mmap(2) never returns.
///
/// breaks: "Those of mmap(2), unchanged."
/// fails: zeros_over::returns_the_errors_of_mmap failed
mod failure_is_null {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
        // SAFETY: the caller's promise.
        let answer = unsafe { libc::mmap(page_of_again(address), page_size(), PROT_READ | PROT_WRITE, flags, -1, 0) };
        if answer.is_null() { Err(Errno::last()) } else { Ok(()) }
    }
}

/// Takes ENOMEM for the only error; with mlockall(2) it is EAGAIN.
///
/// breaks: "Those of mmap(2), unchanged."
/// fails: zeros_over::returns_the_errors_of_mmap failed
mod always_no_memory {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
        // SAFETY: the caller's promise.
        unsafe { map_again(page_of_again(address), page_size(), PROT_READ | PROT_WRITE, flags) }
            .map(drop)
            .map_err(|_| Errno::ENOMEM)
    }
}

/// Tries once more when there is no memory.
///
/// breaks: "The call makes exactly one system call, mmap(2)"
/// fails: zeros_over::is_one_call_of_mmap failed
mod tries_twice {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        // SAFETY: the caller's promise.
        let attempt = || unsafe {
            let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
            map_again(page_of_again(address), page_size(), PROT_READ | PROT_WRITE, flags)
        };
        attempt().or_else(|_| attempt()).map(drop)
    }
}

/// Fills the page with zeros instead of replacing it.
///
/// breaks: "The file that was mapped there does not change."
/// fails: zeros_over::helps_where_the_file_has_no_page killed
/// fails: zeros_over::is_one_call_of_mmap failed
/// fails: zeros_over::replaces_the_page_and_no_other failed
mod fills_with_zeros {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        // SAFETY: the caller's promise.
        unsafe { ptr::write_bytes(page_of_again(address).cast::<u8>(), 0, page_size()) };
        Ok(())
    }
}

/// Drops the page with madvise(2): the next access brings the file's page back.
///
/// breaks: "Later stores to the page do not reach that file."
/// fails: zeros_over::helps_where_the_file_has_no_page killed
/// fails: zeros_over::is_one_call_of_mmap failed
/// fails: zeros_over::replaces_the_page_and_no_other failed
mod advises {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        // SAFETY: the caller's promise.
        Errno::result(unsafe { libc::madvise(page_of_again(address), page_size(), libc::MADV_DONTNEED) }).map(drop)
    }
}

/// Maps a page elsewhere and moves it there with mremap(2).
///
/// breaks: "The call makes exactly one system call, mmap(2)"
/// fails: zeros_over::is_one_call_of_mmap failed
mod moves_a_page_there {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let (size, flags) = (page_size(), libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED);
        // SAFETY: a new page, for which the kernel picks the address.
        let new = unsafe { map_again(ptr::null_mut(), size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS) }?;
        // SAFETY: the caller's promise.
        let moved = unsafe { libc::mremap(new, size, size, flags, page_of_again(address)) };
        if moved == libc::MAP_FAILED { Err(Errno::last()) } else { Ok(()) }
    }
}

/// Opens /dev/zero for it, as old books do.
///
/// breaks: "The call makes exactly one system call, mmap(2)"
/// fails: zeros_over::is_one_call_of_mmap failed
mod dev_zero_2 {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        // SAFETY: a C string, and flags without O_CREAT.
        let zero = Errno::result(unsafe { libc::open(c"/dev/zero".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) })?;
        let (protection, flags) = (PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED);
        // SAFETY: the caller's promise.
        let answer = unsafe { libc::mmap(page_of_again(address), page_size(), protection, flags, zero, 0) };
        let result = if answer == libc::MAP_FAILED { Err(Errno::last()) } else { Ok(()) };
        // SAFETY: our own descriptor.
        unsafe { libc::close(zero) };
        result
    }
}

/// One mmap(2) with MAP_FIXED.
///
/// passes
mod fixed {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        // SAFETY: nothing refers to the page, as the caller promises.
        unsafe { anonymous(start_of(address), page_size(), LOADS_AND_STORES, PRIVATE_FIXED) }
    }
}

/// Makes the call by its number where the processor has one such call, and asks for a length of one byte.
///
/// passes
mod one_byte_is_a_page {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let flags = PRIVATE_FIXED | libc::MAP_ANONYMOUS;
        // SAFETY: nothing refers to the page, as the caller promises.
        let mapped =
            unsafe { libc::syscall(libc::SYS_mmap, start_of(address), 1usize, LOADS_AND_STORES, flags, -1, 0usize) };
        Errno::result(mapped).map(drop)
    }
}

/// Makes the page executable, too, because nobody knows what was there.
///
/// breaks: "with a private page of zeros for reading and writing"
/// fails: zeros_over::helps_where_the_file_has_no_page failed
mod executable {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        // SAFETY: nothing refers to the page, as the caller promises.
        unsafe { anonymous(start_of(address), page_size(), LOADS_AND_STORES | libc::PROT_EXEC, PRIVATE_FIXED) }
    }
}

/// Tries once more, with less to account for, when the first call fails.
///
/// breaks: "The call makes exactly one system call, mmap(2), even if that fails."
/// fails: zeros_over::is_one_call_of_mmap failed
mod tries_again {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        // SAFETY: nothing refers to the page, as the caller promises.
        unsafe { anonymous(start_of(address), page_size(), LOADS_AND_STORES, PRIVATE_FIXED) }.or_else(|_| {
            // SAFETY: as above.
            unsafe { anonymous(start_of(address), page_size(), LOADS_AND_STORES, PRIVATE_FIXED | libc::MAP_NORESERVE) }
        })
    }
}

/// Tells about a failure on standard error.
///
/// breaks: "The call makes exactly one system call, mmap(2), even if that fails."
/// fails: zeros_over::is_one_call_of_mmap failed
mod tells_of_failure {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        // SAFETY: nothing refers to the page, as the caller promises.
        let answer = unsafe { anonymous(start_of(address), page_size(), LOADS_AND_STORES, PRIVATE_FIXED) };
        if let Err(errno) = answer {
            eprintln!("no page of zeros at {address:#x}: {errno}");
        }
        answer
    }
}

/// Compares with NULL, so that a failed call is a success.
///
/// breaks: "Those of mmap(2), unchanged."
/// fails: zeros_over::returns_the_errors_of_mmap failed
mod compares_with_null {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let flags = PRIVATE_FIXED | libc::MAP_ANONYMOUS;
        // SAFETY: nothing refers to the page, as the caller promises.
        let mapped = unsafe { libc::mmap(start_of(address), page_size(), LOADS_AND_STORES, flags, -1, 0) };
        if mapped.is_null() { Err(Errno::last()) } else { Ok(()) }
    }
}

/// Remembers the page that it replaced last, and does nothing if it is the same.
///
/// breaks: "Replaces the page that contains `address`, whatever is mapped there"
/// fails: zeros_over::helps_where_the_file_has_no_page failed
mod remembers_the_last {
    use super::*;

    static LAST: AtomicUsize = AtomicUsize::new(0);

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let start = start_of(address);
        if LAST.load(Ordering::Relaxed) == start.addr() {
            return Ok(());
        }
        // SAFETY: the caller's promise.
        unsafe { anonymous(start, page_size(), LOADS_AND_STORES, PRIVATE_FIXED) }?;
        LAST.store(start.addr(), Ordering::Relaxed);
        Ok(())
    }
}

/// Rounds down with a mask of 32 bits, which cuts off the upper half of the address.
///
/// breaks: "Replaces the page that contains `address`"
/// fails: zeros_over::helps_where_the_file_has_no_page killed
/// fails: zeros_over::replaces_the_page_and_no_other failed
mod address_in_32_bits {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let mask = !(page_size() as u32 - 1);
        let start = with_exposed_provenance_mut(address & mask as usize);
        // SAFETY: wrong: this is another address.
        unsafe { anonymous(start, page_size(), LOADS_AND_STORES, PRIVATE_FIXED) }
    }
}

/// Follows the last hint, line by line.
///
/// passes
mod zeros_over_as_the_hint_says {
    use super::*;

    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno> {
        let start = NonZeroUsize::new(address - address % page_size());
        let length = NonZeroUsize::new(page_size()).ok_or(Errno::EINVAL)?;
        let flags = MapFlags::MAP_FIXED | MapFlags::MAP_PRIVATE;
        // SAFETY: the page is the caller's to replace, and nothing refers to it.
        unsafe { mmap_anonymous(start, length, READ_WRITE, flags) }.map(drop)
    }
}

one_of! {
    pub unsafe fn zeros_over(address: usize) -> Result<(), Errno>;
    covers_the_next_page_too gives_the_address_as_it_is prints_in_the_handler stores_zeros_there
    takes_a_hint_for_an_order unmaps_first bare_mmap bare_syscall a_byte_of_a_page populated a_hint no_replace
    unmaps_first_2 moves_zeros_there does_not_round rounds_up one_page_from_the_address starts_two_pages_early
    shared_zeros read_only_zeros executable_zeros dont_need stores_zeros dev_zero asks_mincore says_so looks_for_null
    always_enomem fixed_with_nix length_of_one bare_syscall_2 unmaps_first_3 only_a_hint fixed_noreplace
    unaligned_address shared_zeros_2 read_only_zeros_2 executable_zeros_2 a_page_from_the_address_on nearest_page
    failure_is_null always_no_memory tries_twice fills_with_zeros advises moves_a_page_there dev_zero_2 fixed
    one_byte_is_a_page executable tries_again tells_of_failure compares_with_null remembers_the_last address_in_32_bits
    zeros_over_as_the_hint_says
}
