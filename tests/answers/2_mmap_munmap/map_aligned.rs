use std::alloc::{self, Layout};
use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::os::fd::{AsRawFd, IntoRawFd};
use std::os::unix::fs::FileExt;
use std::ptr::{self, NonNull, null_mut, with_exposed_provenance_mut};
use std::sync::atomic::{AtomicUsize, Ordering};

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing, load_at};
use mmap_workbook::observe::{page_size, whole_pages};
use nix::errno::Errno;
use nix::libc::{self, c_int, c_void};
use nix::sys::mman::{MRemapFlags, MapFlags, ProtFlags, mmap, mmap_anonymous, mremap, munmap};

/// EINVAL for numbers that the contract refuses.
fn refuse(length: usize, alignment: usize) -> io::Result<()> {
    let aligned = alignment.is_power_of_two() && alignment >= page_size();
    if length == 0 || !aligned { Err(Errno::EINVAL.into()) } else { Ok(()) }
}

/// The length in whole pages; ENOMEM when that doesn't fit in a `usize`.
fn pages_of(length: usize) -> io::Result<usize> {
    Ok(length.checked_next_multiple_of(page_size()).ok_or(Errno::ENOMEM)?)
}

/// Addresses with room for `pages` bytes at a multiple of `alignment`. PROT_NONE needs no memory.
fn reserve(pages: usize, alignment: usize) -> io::Result<Mapping> {
    let room = pages.checked_add(alignment).ok_or(Errno::ENOMEM)?;
    Ok(Mapping::anonymous(room, ProtFlags::PROT_NONE, Sharing::Private)?)
}

/// Maps the file over addresses that are the caller's.
fn map_over(file: &File, address: usize, length: usize, protection: ProtFlags, sharing: MapFlags) -> io::Result<usize> {
    let place = NonZeroUsize::new(address);
    let bytes = NonZeroUsize::new(length).ok_or(Errno::EINVAL)?;
    // SAFETY: every caller has reserved these addresses, or believes so.
    unsafe { mmap(place, bytes, protection, sharing | MapFlags::MAP_FIXED, file, 0) }?;
    Ok(address)
}

/// Maps the file anywhere.
fn map_anywhere(file: &File, length: usize) -> io::Result<Mapping> {
    Ok(Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared)?)
}

/// Unmaps a range that is the caller's. An empty one is not given to munmap(2), which would refuse it.
fn unmap(start: usize, end: usize) -> io::Result<()> {
    if start == end {
        return Ok(());
    }
    let address = NonNull::new(start as *mut c_void).ok_or(Errno::EINVAL)?;
    // SAFETY: every caller has mapped this range, or believes so.
    Ok(unsafe { munmap(address, end - start) }?)
}

/// Unmaps what lies around `pages` bytes at `address`.
fn trim(reserved: Mapping, address: usize, pages: usize) -> io::Result<()> {
    let range = reserved.range();
    std::mem::forget(reserved);
    unmap(range.start, address)?;
    unmap(address + pages, range.end)
}

/// The right answer, for those that go wrong before or after it.
fn map_rightly(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
    refuse(length, alignment)?;
    let pages = pages_of(length)?;
    let reserved = reserve(pages, alignment)?;
    let address = reserved.address().next_multiple_of(alignment);
    map_over(file, address, length, READ_WRITE, MapFlags::MAP_SHARED)?;
    trim(reserved, address, pages)?;
    Ok(address)
}

const RW: c_int = libc::PROT_READ | libc::PROT_WRITE;

const SHARED_FIXED: c_int = libc::MAP_SHARED | libc::MAP_FIXED;

/// The errors of the arguments, or `length` in whole pages.
fn check(length: usize, alignment: usize) -> io::Result<usize> {
    if length == 0 || !alignment.is_power_of_two() || alignment < page_size() {
        return Err(Errno::EINVAL.into());
    }
    Ok(length.checked_next_multiple_of(page_size()).ok_or(Errno::ENOMEM)?)
}

/// Reserves addresses without memory.
fn reserve_again(length: usize) -> io::Result<usize> {
    let place = Mapping::anonymous(length, ProtFlags::PROT_NONE, Sharing::Private)?;
    let start = place.address();
    std::mem::forget(place);
    Ok(start)
}

/// Enough addresses for `pages` bytes at a multiple of `alignment`: where they begin, and how many there are.
fn reserve_for(pages: usize, alignment: usize) -> io::Result<(usize, usize)> {
    let total = pages.checked_add(alignment - page_size()).ok_or(Errno::ENOMEM)?;
    Ok((reserve_again(total)?, total))
}

/// mmap(2) of the beginning of the file.
///
/// # Safety
/// With MAP_FIXED, what is mapped at `at` is replaced.
unsafe fn map_at(file: &File, at: usize, length: usize, protection: c_int, flags: c_int) -> io::Result<usize> {
    let at = ptr::with_exposed_provenance_mut(at);
    // SAFETY: the caller's promise.
    let start = unsafe { libc::mmap(at, length, protection, flags, file.as_raw_fd(), 0) };
    if start == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(start.expose_provenance()) }
}

/// munmap(2) of the addresses from `start` to `end`, if there are any.
///
/// # Safety
/// What is mapped there is no longer used.
unsafe fn unmap_again(start: usize, end: usize) -> io::Result<()> {
    // SAFETY: the caller's promise.
    if start < end && unsafe { libc::munmap(ptr::with_exposed_provenance_mut(start), end - start) } == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Maps the file into a reservation and unmaps what is left on both sides; after an error, all.
///
/// # Safety
/// The addresses are this call's own reservation.
#[expect(clippy::multiple_unsafe_ops_per_block, reason = "one block for all calls, as learners write it")]
unsafe fn place_into(file: &File, base: usize, total: usize, at: usize, pages: usize) -> io::Result<usize> {
    // SAFETY: all inside the reservation.
    unsafe {
        if let Err(error) = map_at(file, at, pages, RW, SHARED_FIXED).and_then(|_| unmap_again(base, at)) {
            let _ = unmap_again(base, base + total);
            return Err(error);
        }
        if let Err(error) = unmap_again(at + pages, base + total) {
            let _ = unmap_again(at, base + total);
            return Err(error);
        }
    }
    Ok(at)
}

/// Reserves addresses without memory.
fn reserve_addresses(length: usize) -> io::Result<usize> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: without an address the kernel picks a free range.
    let start = unsafe { libc::mmap(null_mut(), length, libc::PROT_NONE, flags, -1, 0) };
    if start == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(start.expose_provenance()) }
}

/// Maps the file with these flags, at this address if they contain MAP_FIXED.
fn map(file: &File, at: usize, length: usize, flags: i32) -> io::Result<usize> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: with MAP_FIXED the range is the caller's own; without, the kernel picks a free one.
    let start = unsafe { libc::mmap(with_exposed_provenance_mut(at), length, protection, flags, file.as_raw_fd(), 0) };
    if start == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(start.expose_provenance()) }
}

/// Unmaps a range of ours, which may be empty.
fn give_back(from: usize, to: usize) -> io::Result<()> {
    if from < to {
        // SAFETY: the caller's own range, to which nothing refers.
        Errno::result(unsafe { libc::munmap(with_exposed_provenance_mut(from), to - from) })?;
    }
    Ok(())
}

/// The right answer with flags for the mapping besides MAP_FIXED. `length` is in whole pages.
fn reserve_and_map(file: &File, length: usize, alignment: usize, flags: i32) -> io::Result<usize> {
    let room = length.checked_add(alignment - page_size()).ok_or(Errno::ENOMEM)?;
    let reserved = reserve_addresses(room)?;
    let start = reserved.next_multiple_of(alignment);
    if let Err(error) = map(file, start, length, flags | libc::MAP_FIXED) {
        give_back(reserved, reserved + room)?;
        return Err(error);
    }
    give_back(start + length, reserved + room).inspect_err(|_| _ = give_back(reserved, reserved + room))?;
    give_back(reserved, start).inspect_err(|_| _ = give_back(reserved, start + length))?;
    Ok(start)
}

/// Picks an aligned address that looks free, and forces it with MAP_FIXED.
///
/// fails: map_aligned::leaves_its_neighbours_alone failed
/// fails: map_aligned::maps_nothing_when_it_fails failed
/// fails: map_aligned::replaces_only_what_is_its_own failed
/// fails: map_aligned::takes_no_other_address failed
mod fixed_at_a_free_looking_address {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let free = crate::solution::map_aligned(file, length, alignment)?;
        let (at, length) = (NonZeroUsize::new(free), NonZeroUsize::new(length).ok_or(io::ErrorKind::InvalidInput)?);
        let address =
            std::ptr::NonNull::new(std::ptr::with_exposed_provenance_mut(free)).ok_or(io::ErrorKind::InvalidInput)?;
        // SAFETY: mapped just now, and nothing refers to it.
        unsafe { nix::sys::mman::munmap(address, length.get()) }?;
        // SAFETY: none. Another thread may have been given these addresses meanwhile.
        let start = unsafe { mmap(at, length, READ_WRITE, MapFlags::MAP_SHARED | MapFlags::MAP_FIXED, file, 0) }?;
        Ok(start.as_ptr().expose_provenance())
    }
}

/// Aborts instead of returning an error.
///
/// fails: map_aligned::leaves_the_file_alone killed
/// fails: map_aligned::refuses_what_cannot_be_mapped killed
mod gives_up_by_abort {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        if length == 0 || length.checked_add(alignment).is_none() {
            std::process::abort();
        }
        crate::solution::map_aligned(file, length, alignment)
    }
}

/// Never unmaps the addresses that it does not need.
///
/// fails: map_aligned::leaves_its_neighbours_alone failed
/// fails: map_aligned::takes_no_other_address failed
mod keeps_the_rest {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let more = NonZeroUsize::new(page_size()).ok_or(io::ErrorKind::InvalidInput)?;
        let address = crate::solution::map_aligned(file, length, alignment)?;
        // SAFETY: without an address hint the kernel picks a free range, so no memory in use is replaced.
        unsafe { nix::sys::mman::mmap_anonymous(None, more, READ_WRITE, MapFlags::MAP_PRIVATE) }?;
        Ok(address)
    }
}

/// Takes the reservation for given back when the function returns, and unmaps nothing of it.
///
/// breaks: "Afterwards exactly the pages of this mapping are mapped in addition to those before."
/// fails: map_aligned::each_call_finds_a_place failed
/// fails: map_aligned::leaves_its_neighbours_alone failed munmap-takes-all
/// fails: map_aligned::maps_nothing_when_it_fails failed
/// fails: map_aligned::takes_no_other_address failed munmap-takes-all
mod leaves_the_reservation {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        refuse(length, alignment)?;
        let reserved = std::mem::ManuallyDrop::new(reserve(pages_of(length)?, alignment)?);
        let address = reserved.address().next_multiple_of(alignment);
        map_over(file, address, length, READ_WRITE, MapFlags::MAP_SHARED)
    }
}

/// Passes an aligned address as a hint, and assumes that the kernel follows it.
///
/// may fail: map_aligned::can_be_called_by_several_threads failed
/// fails: map_aligned::each_call_finds_a_place failed
/// fails: map_aligned::is_aligned_and_shows_the_file failed address-is-an-order
mod trusts_the_hint {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let right = crate::solution::map_aligned(file, length, alignment)?;
        let start = NonNull::new(std::ptr::with_exposed_provenance_mut(right)).ok_or(io::ErrorKind::InvalidData)?;
        // SAFETY: the range is the one that was mapped just now, and nothing refers to it.
        unsafe { munmap(start, length) }?;
        let hint = NonZeroUsize::new(alignment.max(1 << 20));
        let length = NonZeroUsize::new(length).ok_or(io::ErrorKind::InvalidInput)?;
        // SAFETY: a hint replaces nothing.
        let start = unsafe { mmap(hint, length, READ_WRITE, MapFlags::MAP_SHARED, file, 0) }?;
        Ok(start.as_ptr().expose_provenance())
    }
}

/// Reserves enough with PROT_NONE, maps the file over the aligned part, and unmaps the rest.
///
/// passes
mod reserves_maps_and_trims {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        refuse(length, alignment)?;
        let pages = pages_of(length)?;
        let reserved = reserve(pages, alignment)?;
        let address = reserved.address().next_multiple_of(alignment);
        map_over(file, address, length, READ_WRITE, MapFlags::MAP_SHARED)?; // on an error, `reserved` is dropped
        trim(reserved, address, pages)?;
        Ok(address)
    }
}

/// Reserves by a saturated length, which the kernel refuses with ENOMEM, trims first, and maps the file last.
///
/// passes
mod trims_before_it_maps {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        refuse(length, alignment)?;
        let room = NonZeroUsize::MIN.saturating_add(length.saturating_add(alignment));
        let flags = MapFlags::MAP_PRIVATE | MapFlags::MAP_NORESERVE;
        // SAFETY: without an address hint the kernel picks a free range.
        let start = unsafe { mmap_anonymous(None, room, ProtFlags::PROT_NONE, flags) }?.as_ptr() as usize;
        let address = start.next_multiple_of(alignment);
        let end = address + whole_pages(length);
        unmap(start, address)?;
        unmap(end, start + whole_pages(room.get()))?;
        map_over(file, address, length, READ_WRITE, MapFlags::MAP_SHARED).inspect_err(|_| _ = unmap(address, end))
    }
}

/// Finds a place by a reservation, gives it back, and takes it with MAP_FIXED_NOREPLACE; if another was faster, again.
///
/// passes
mod noreplace_and_again {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        refuse(length, alignment)?;
        let pages = pages_of(length)?;
        let bytes = NonZeroUsize::new(length).ok_or(Errno::EINVAL)?;
        let flags = MapFlags::MAP_SHARED | MapFlags::MAP_FIXED_NOREPLACE;
        loop {
            let reserved = reserve(pages, alignment)?;
            let address = reserved.address().next_multiple_of(alignment);
            reserved.unmap()?;
            // SAFETY: MAP_FIXED_NOREPLACE replaces nothing.
            match unsafe { mmap(NonZeroUsize::new(address), bytes, READ_WRITE, flags, file, 0) } {
                Ok(start) if start.as_ptr() as usize == address => return Ok(address),
                Ok(elsewhere) => unmap(elsewhere.as_ptr() as usize, elsewhere.as_ptr() as usize + pages)?,
                Err(Errno::EEXIST) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

/// Maps with MAP_POPULATE, so the kernel makes the pages present at once.
///
/// breaks: "none is populated or locked (MAP_POPULATE, MAP_LOCKED)"
/// fails: map_aligned::leaves_the_file_alone failed
/// fails: map_aligned::replaces_only_what_is_its_own failed
mod populates {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        refuse(length, alignment)?;
        let pages = pages_of(length)?;
        let reserved = reserve(pages, alignment)?;
        let address = reserved.address().next_multiple_of(alignment);
        map_over(file, address, length, READ_WRITE, MapFlags::MAP_SHARED | MapFlags::MAP_POPULATE)?;
        trim(reserved, address, pages)?;
        Ok(address)
    }
}

/// Asks mmap(2) for one aligned address after the other as a hint, until it grants one.
///
/// passes
mod hint_after_hint {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        refuse(length, alignment)?;
        let bytes = NonZeroUsize::new(length).ok_or(Errno::EINVAL)?;
        let mut hint = (1_usize << 47).saturating_sub(alignment) & !(alignment - 1);
        loop {
            let flags = MapFlags::MAP_SHARED;
            // SAFETY: without MAP_FIXED the address is only a hint.
            let start = unsafe { mmap(NonZeroUsize::new(hint), bytes, READ_WRITE, flags, file, 0) }?.as_ptr() as usize;
            if start.is_multiple_of(alignment) {
                return Ok(start);
            }
            unmap(start, start + whole_pages(length))?;
            hint = hint.checked_sub(alignment).filter(|&hint| hint > 0).ok_or(Errno::ENOMEM)?;
        }
    }
}

/// Lets mmap(2) pick the address, which is aligned only by chance.
///
/// breaks: "at an address that is a multiple of `alignment`"
/// fails: map_aligned::each_call_finds_a_place failed
/// fails: map_aligned::is_aligned_and_shows_the_file failed
/// fails: map_aligned::refuses_what_cannot_be_mapped failed
mod wherever_mmap_likes {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        refuse(length, alignment)?;
        let mapping = map_anywhere(file, length)?;
        let address = mapping.address();
        std::mem::forget(mapping);
        Ok(address)
    }
}

/// Maps once to get an address, rounds it up, and gives that as a hint, which the kernel ignores when it is taken.
///
/// breaks: "at an address that is a multiple of `alignment`"
/// fails: map_aligned::each_call_finds_a_place failed
/// fails: map_aligned::is_aligned_and_shows_the_file failed address-is-an-order
/// fails: map_aligned::refuses_what_cannot_be_mapped failed
mod trusts_one_hint {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        refuse(length, alignment)?;
        let first = map_anywhere(file, length)?;
        let hint = first.address().checked_next_multiple_of(alignment).ok_or(Errno::ENOMEM)?;
        first.unmap()?;
        let bytes = NonZeroUsize::new(length).ok_or(Errno::EINVAL)?;
        // SAFETY: without MAP_FIXED the address is only a hint.
        let start = unsafe { mmap(NonZeroUsize::new(hint), bytes, READ_WRITE, MapFlags::MAP_SHARED, file, 0) }?;
        Ok(start.as_ptr() as usize)
    }
}

/// Unmaps the reservation and then maps with MAP_FIXED where it was: another thread may be there by now.
///
/// breaks: "munmap(2), mremap(2) and MAP_FIXED are used only on pages that this call has mapped, and has not unmapped since."
/// fails: map_aligned::leaves_its_neighbours_alone failed
/// fails: map_aligned::maps_nothing_when_it_fails failed
/// fails: map_aligned::replaces_only_what_is_its_own failed
/// fails: map_aligned::takes_no_other_address failed
mod gives_back_and_takes_again {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        refuse(length, alignment)?;
        let reserved = reserve(pages_of(length)?, alignment)?;
        let address = reserved.address().next_multiple_of(alignment);
        reserved.unmap()?;
        map_over(file, address, length, READ_WRITE, MapFlags::MAP_SHARED)
    }
}

/// Hands out addresses from a counter in a static, which begins where "nothing ever is".
///
/// breaks: "munmap(2), mremap(2) and MAP_FIXED are used only on pages that this call has mapped, and has not unmapped since."
/// fails: map_aligned::each_call_finds_a_place failed
/// fails: map_aligned::leaves_its_neighbours_alone failed fixed-finds-room
/// fails: map_aligned::maps_nothing_when_it_fails failed fixed-finds-room
/// fails: map_aligned::refuses_what_cannot_be_mapped failed fixed-finds-room
/// fails: map_aligned::replaces_only_what_is_its_own failed fixed-finds-room
/// fails: map_aligned::takes_no_other_address failed fixed-finds-room
mod own_counter_of_addresses {
    use super::*;

    static NEXT: AtomicUsize = AtomicUsize::new(0x1000_0000_0000);

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        refuse(length, alignment)?;
        let room = pages_of(length)?.checked_add(alignment).ok_or(Errno::ENOMEM)?;
        let address = NEXT.fetch_add(room, Ordering::Relaxed).next_multiple_of(alignment);
        map_over(file, address, length, READ_WRITE, MapFlags::MAP_SHARED)
    }
}

/// Unmaps what lies before the mapping, and leaves the rest of the reservation after it.
///
/// breaks: "Afterwards exactly the pages of this mapping are mapped in addition to those before."
/// fails: map_aligned::each_call_finds_a_place failed
/// fails: map_aligned::leaves_its_neighbours_alone failed
/// fails: map_aligned::takes_no_other_address failed
mod tail_stays {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        refuse(length, alignment)?;
        let reserved = reserve(pages_of(length)?, alignment)?;
        let address = reserved.address().next_multiple_of(alignment);
        map_over(file, address, length, READ_WRITE, MapFlags::MAP_SHARED)?;
        unmap(reserved.address(), address)?;
        std::mem::forget(reserved);
        Ok(address)
    }
}

/// Unmaps what lies after the mapping, and leaves the reservation before it, "as a guard".
///
/// breaks: "Afterwards exactly the pages of this mapping are mapped in addition to those before."
/// fails: map_aligned::each_call_finds_a_place failed
/// fails: map_aligned::leaves_its_neighbours_alone failed
/// fails: map_aligned::takes_no_other_address failed
mod head_stays {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        refuse(length, alignment)?;
        let pages = pages_of(length)?;
        let reserved = reserve(pages, alignment)?;
        let address = reserved.address().next_multiple_of(alignment);
        map_over(file, address, length, READ_WRITE, MapFlags::MAP_SHARED)?;
        unmap(address + pages, reserved.range().end)?;
        std::mem::forget(reserved);
        Ok(address)
    }
}

/// Begins the tail at the last byte and not at the next page: munmap(2) refuses that, and nobody looks.
///
/// breaks: "Afterwards exactly the pages of this mapping are mapped in addition to those before."
/// fails: map_aligned::each_call_finds_a_place failed
/// fails: map_aligned::takes_no_other_address failed
mod tail_begins_in_a_page {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        refuse(length, alignment)?;
        let reserved = reserve(pages_of(length)?, alignment)?;
        let address = reserved.address().next_multiple_of(alignment);
        map_over(file, address, length, READ_WRITE, MapFlags::MAP_SHARED)?;
        let _ = unmap(reserved.address(), address);
        let _ = unmap(address + length, reserved.range().end);
        std::mem::forget(reserved);
        Ok(address)
    }
}

/// Rounds the length up to the alignment, and so maps up to 2 MiB where a page was asked for.
///
/// breaks: "Afterwards exactly the pages of this mapping are mapped in addition to those before."
/// fails: map_aligned::each_call_finds_a_place failed
/// fails: map_aligned::leaves_its_neighbours_alone failed
/// fails: map_aligned::refuses_what_cannot_be_mapped failed
/// fails: map_aligned::takes_no_other_address failed
mod length_rounded_to_alignment {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        refuse(length, alignment)?;
        let rounded = length.checked_next_multiple_of(alignment).ok_or(Errno::ENOMEM)?;
        map_rightly(file, rounded, alignment)
    }
}

/// Reserves twice the alignment, whatever the length is: a longer mapping is forced over the neighbours.
///
/// breaks: "munmap(2), mremap(2) and MAP_FIXED are used only on pages that this call has mapped, and has not unmapped since."
/// fails: map_aligned::refuses_what_cannot_be_mapped failed
/// fails: map_aligned::replaces_only_what_is_its_own failed fixed-finds-room
/// fails: map_aligned::takes_no_other_address failed fixed-finds-room
mod room_for_twice_the_alignment {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        refuse(length, alignment)?;
        let pages = pages_of(length)?;
        let reserved = reserve(alignment, alignment)?;
        let address = reserved.address().next_multiple_of(alignment);
        map_over(file, address, length, READ_WRITE, MapFlags::MAP_SHARED)?;
        unmap(reserved.address(), address)?;
        if address + pages < reserved.range().end {
            unmap(address + pages, reserved.range().end)?;
        }
        std::mem::forget(reserved);
        Ok(address)
    }
}

/// Maps too much of the file itself and trims that: at the aligned address the file does not begin.
///
/// breaks: "Maps the first `length` bytes of `file`, shared, for reading and writing"
/// fails: map_aligned::each_call_finds_a_place killed
/// fails: map_aligned::is_aligned_and_shows_the_file failed
mod trims_the_file_mapping {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        refuse(length, alignment)?;
        let pages = pages_of(length)?;
        let mapping = map_anywhere(file, pages.checked_add(alignment).ok_or(Errno::ENOMEM)?)?;
        let address = mapping.address().next_multiple_of(alignment);
        trim(mapping, address, pages)?;
        Ok(address)
    }
}

/// Fails without unmapping the reservation when the file can't be mapped.
///
/// breaks: "After an error, nothing is mapped in addition."
/// fails: map_aligned::maps_nothing_when_it_fails failed
mod reservation_leaks_on_error {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        refuse(length, alignment)?;
        let pages = pages_of(length)?;
        let range = {
            let reserved = std::mem::ManuallyDrop::new(reserve(pages, alignment)?);
            reserved.range()
        };
        let address = range.start.next_multiple_of(alignment);
        map_over(file, address, length, READ_WRITE, MapFlags::MAP_SHARED)?;
        unmap(range.start, address)?;
        unmap(address + pages, range.end)?;
        Ok(address)
    }
}

/// Maps privately, so a store stays in this process.
///
/// breaks: "The mapping shows the file, and a store to it reaches the file."
/// fails: map_aligned::is_aligned_and_shows_the_file failed private-reaches-the-file
/// fails: map_aligned::leaves_its_neighbours_alone failed
/// fails: map_aligned::maps_nothing_when_it_fails failed
/// fails: map_aligned::takes_no_other_address failed
mod private_mapping {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        refuse(length, alignment)?;
        let pages = pages_of(length)?;
        let reserved = reserve(pages, alignment)?;
        let address = reserved.address().next_multiple_of(alignment);
        map_over(file, address, length, READ_WRITE, MapFlags::MAP_PRIVATE)?;
        trim(reserved, address, pages)?;
        Ok(address)
    }
}

/// Makes aligned anonymous memory and reads the file into it.
///
/// breaks: "No system call copies bytes of the file"
/// fails: map_aligned::each_call_finds_a_place failed
/// fails: map_aligned::is_aligned_and_shows_the_file failed private-reaches-the-file
/// fails: map_aligned::leaves_its_neighbours_alone failed
/// fails: map_aligned::maps_nothing_when_it_fails failed
/// fails: map_aligned::replaces_only_what_is_its_own failed read-is-as-good
/// fails: map_aligned::takes_no_other_address failed
mod reads_into_anonymous_memory {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        refuse(length, alignment)?;
        let pages = pages_of(length)?;
        let room = pages.checked_add(alignment).ok_or(Errno::ENOMEM)?;
        let memory = Mapping::anonymous(room, READ_WRITE, Sharing::Private)?;
        let address = memory.address().next_multiple_of(alignment);
        let mut page = vec![0; page_size()];
        let mut at = 0;
        while at < length {
            let part = (length - at).min(page.len());
            match file.read_at(&mut page[..part], at as u64)? {
                0 => break,
                read => memory.write(address - memory.address() + at, &page[..read]),
            }
            at += part;
        }
        trim(memory, address, pages)?;
        Ok(address)
    }
}

/// Falls back to a mapping for reading when the file is not open for writing.
///
/// breaks: "Those of the system calls, unchanged: EACCES when `file` is open for reading only."
/// fails: map_aligned::maps_nothing_when_it_fails failed
mod read_only_if_need_be {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        refuse(length, alignment)?;
        let pages = pages_of(length)?;
        let reserved = reserve(pages, alignment)?;
        let address = reserved.address().next_multiple_of(alignment);
        map_over(file, address, length, READ_WRITE, MapFlags::MAP_SHARED)
            .or_else(|_| map_over(file, address, length, ProtFlags::PROT_READ, MapFlags::MAP_SHARED))?;
        trim(reserved, address, pages)?;
        Ok(address)
    }
}

/// Extends the file to `length`, "so that no access raises SIGBUS".
///
/// breaks: "The call changes neither the bytes nor the size of the file."
/// fails: map_aligned::leaves_the_file_alone failed
/// fails: map_aligned::refuses_what_cannot_be_mapped failed
mod extends_the_file {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        refuse(length, alignment)?;
        if file.metadata()?.len() < length as u64 {
            file.set_len(length as u64)?;
        }
        map_rightly(file, length, alignment)
    }
}

/// Loads a byte of each page to fault it in, which raises SIGBUS past the end of the file.
///
/// breaks: "The call accesses no page"
/// fails: map_aligned::each_call_finds_a_place killed
/// fails: map_aligned::leaves_its_neighbours_alone killed mapped-is-there
/// fails: map_aligned::leaves_the_file_alone killed mapped-is-there
/// fails: map_aligned::refuses_what_cannot_be_mapped killed
/// fails: map_aligned::replaces_only_what_is_its_own killed mapped-is-there
/// fails: map_aligned::takes_no_other_address killed mapped-is-there
mod touches_each_page {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let address = map_rightly(file, length, alignment)?;
        for at in (address..address + length).step_by(page_size()) {
            // SAFETY: the byte is in the mapping; whether it is in the file was not considered.
            unsafe { (at as *const u8).read_volatile() };
        }
        Ok(address)
    }
}

/// Maps no more than the file has, and fails with EINVAL on an empty one.
///
/// breaks: "`length` may be larger than the file."
/// fails: map_aligned::leaves_its_neighbours_alone failed
/// fails: map_aligned::leaves_the_file_alone failed
/// fails: map_aligned::refuses_what_cannot_be_mapped failed
/// fails: map_aligned::takes_no_other_address failed
mod clips_to_the_file {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let size = file.metadata()?.len() as usize;
        map_rightly(file, length.min(size), alignment)
    }
}

/// Maps a page when nothing is asked for.
///
/// breaks: "`InvalidInput` or EINVAL when `length` is 0."
/// fails: map_aligned::refuses_what_cannot_be_mapped failed
mod no_length_is_a_page {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        map_rightly(file, length.max(1), alignment)
    }
}

/// Takes any multiple of a page for an alignment.
///
/// breaks: "`InvalidInput` or EINVAL when `alignment` is not a power of two, or is smaller than a page."
/// fails: map_aligned::refuses_what_cannot_be_mapped failed
mod any_multiple_of_a_page {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        if length == 0 || alignment == 0 || !alignment.is_multiple_of(page_size()) {
            return Err(Errno::EINVAL.into());
        }
        let pages = pages_of(length)?;
        let reserved = reserve(pages, alignment)?;
        let address = reserved.address().next_multiple_of(alignment);
        map_over(file, address, length, READ_WRITE, MapFlags::MAP_SHARED)?;
        trim(reserved, address, pages)?;
        Ok(address)
    }
}

/// Tests for a power of two with `a & (a - 1)`, which takes 0 for one, too.
///
/// breaks: "`InvalidInput` or EINVAL when `alignment` is not a power of two, or is smaller than a page."
/// fails: map_aligned::refuses_what_cannot_be_mapped failed
mod zero_is_a_power_of_two {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let too_small = alignment != 0 && alignment < page_size();
        if alignment & alignment.wrapping_sub(1) != 0 || too_small || length == 0 {
            return Err(Errno::EINVAL.into());
        }
        map_rightly(file, length, alignment.max(page_size()))
    }
}

/// Gives a page of alignment to those who ask for less, since a page is a multiple of it.
///
/// breaks: "`InvalidInput` or EINVAL when `alignment` is not a power of two, or is smaller than a page."
/// fails: map_aligned::refuses_what_cannot_be_mapped failed
mod less_than_a_page_is_a_page {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        if !alignment.is_power_of_two() {
            return Err(Errno::EINVAL.into());
        }
        map_rightly(file, length, alignment.max(page_size()))
    }
}

/// Refuses an alignment of just one page.
///
/// breaks: "`InvalidInput` or EINVAL when `alignment` is not a power of two, or is smaller than a page."
/// fails: map_aligned::is_aligned_and_shows_the_file failed
/// fails: map_aligned::leaves_the_file_alone failed
/// fails: map_aligned::refuses_what_cannot_be_mapped failed
/// fails: map_aligned::replaces_only_what_is_its_own failed
/// fails: map_aligned::takes_no_other_address failed
mod a_page_is_too_small {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        if alignment <= page_size() {
            return Err(Errno::EINVAL.into());
        }
        map_rightly(file, length, alignment)
    }
}

/// Adds length and alignment without a check: a panic, or in release EINVAL when the sum wraps to 0.
///
/// breaks: "ENOMEM when no such range of addresses is free, even if its length does not fit in a `usize`."
/// fails: map_aligned::refuses_what_cannot_be_mapped panicked
mod sum_overflows {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        refuse(length, alignment)?;
        let reserved = Mapping::anonymous(length + alignment, ProtFlags::PROT_NONE, Sharing::Private)?;
        let address = reserved.address().next_multiple_of(alignment);
        map_over(file, address, length, READ_WRITE, MapFlags::MAP_SHARED)?;
        trim(reserved, address, whole_pages(length))?;
        Ok(address)
    }
}

/// Reports a length that can't be rounded up or reserved as bad input.
///
/// breaks: "ENOMEM when no such range of addresses is free, even if its length does not fit in a `usize`."
/// fails: map_aligned::refuses_what_cannot_be_mapped failed
mod too_long_is_einval {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        refuse(length, alignment)?;
        let pages = length.checked_next_multiple_of(page_size()).ok_or(Errno::EINVAL)?;
        pages.checked_add(alignment).ok_or(Errno::EINVAL)?;
        map_rightly(file, length, alignment)
    }
}

/// Reserves memory and not only addresses: for a large mapping there is not enough, though the file would need none.
///
/// breaks: "Aligning takes addresses, but no memory: `alignment` may be many GiB."
/// fails: map_aligned::each_call_finds_a_place failed
/// fails: map_aligned::is_aligned_and_shows_the_file failed
/// fails: map_aligned::takes_no_other_address failed
mod reserves_memory {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        refuse(length, alignment)?;
        let pages = pages_of(length)?;
        let room = pages.checked_add(alignment).ok_or(Errno::ENOMEM)?;
        let reserved = Mapping::anonymous(room, READ_WRITE, Sharing::Private)?;
        let address = reserved.address().next_multiple_of(alignment);
        map_over(file, address, length, READ_WRITE, MapFlags::MAP_SHARED)?;
        trim(reserved, address, pages)?;
        Ok(address)
    }
}

/// Computes with the alignment in 32 bits: 4 GiB and more become 0.
///
/// breaks: "at an address that is a multiple of `alignment`"
/// fails: map_aligned::is_aligned_and_shows_the_file failed
/// fails: map_aligned::refuses_what_cannot_be_mapped failed
mod alignment_in_32_bits {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        refuse(length, alignment)?;
        let alignment = (alignment as u32 as usize).max(page_size());
        map_rightly(file, length, alignment)
    }
}

/// Maps again and again, each time a little elsewhere, and gives up after 1000 times.
///
/// breaks: "ENOMEM when no such range of addresses is free, even if its length does not fit in a `usize`."
/// may fail: map_aligned::leaves_its_neighbours_alone failed
/// fails: map_aligned::each_call_finds_a_place failed
/// fails: map_aligned::is_aligned_and_shows_the_file failed
/// fails: map_aligned::refuses_what_cannot_be_mapped failed
mod tries_a_thousand_times {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        refuse(length, alignment)?;
        let mut tried = Vec::new();
        for _ in 0..1000 {
            let mapping = map_anywhere(file, length)?;
            if mapping.address().is_multiple_of(alignment) {
                let address = mapping.address();
                std::mem::forget(mapping);
                return Ok(address);
            }
            tried.push(mapping);
        }
        Err(Errno::ENOMEM.into())
    }
}

/// Leaves the mapping inside the reservation, whose owner unmaps all of it when the call returns.
///
/// breaks: "The caller unmaps it."
/// fails: map_aligned::each_call_finds_a_place killed
/// fails: map_aligned::is_aligned_and_shows_the_file killed
/// fails: map_aligned::leaves_its_neighbours_alone failed
/// fails: map_aligned::takes_no_other_address failed
mod map_dies_with_the_call {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        refuse(length, alignment)?;
        let pages = pages_of(length)?;
        let reserved = reserve(pages, alignment)?;
        let address = reserved.address().next_multiple_of(alignment);
        map_over(file, address, length, READ_WRITE, MapFlags::MAP_SHARED)?;
        Ok(address) // `reserved` goes out of scope here
    }
}

/// Asks for huge pages because of the alignment, which a file outside hugetlbfs does not have.
///
/// breaks: "Maps the first `length` bytes of `file`, shared, for reading and writing"
/// fails: map_aligned::each_call_finds_a_place failed
/// fails: map_aligned::is_aligned_and_shows_the_file failed
/// fails: map_aligned::refuses_what_cannot_be_mapped failed
/// fails: map_aligned::replaces_only_what_is_its_own failed
/// fails: map_aligned::takes_no_other_address failed
mod asks_for_huge_pages {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        refuse(length, alignment)?;
        let pages = pages_of(length)?;
        let huge = if alignment >= 0x20_0000 { MapFlags::MAP_HUGETLB } else { MapFlags::empty() };
        let reserved = reserve(pages, alignment)?;
        let address = reserved.address().next_multiple_of(alignment);
        map_over(file, address, length, READ_WRITE, MapFlags::MAP_SHARED | huge)?;
        trim(reserved, address, pages)?;
        Ok(address)
    }
}

/// Reserves, maps with MAP_FIXED inside, unmaps both ends.
///
/// passes
mod reserves_and_trims {
    #![expect(clippy::multiple_unsafe_ops_per_block, reason = "one block for all calls, as learners write it")]
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let pages = check(length, alignment)?;
        let (base, total) = reserve_for(pages, alignment)?;
        let at = base.next_multiple_of(alignment);
        // SAFETY: the reservation of this call.
        unsafe {
            if let Err(error) = map_at(file, at, length, RW, SHARED_FIXED) {
                let _ = unmap_again(base, base + total);
                return Err(error);
            }
            if let Err(error) = unmap_again(base, at) {
                let _ = unmap_again(base, base + total);
                return Err(error);
            }
            if let Err(error) = unmap_again(at + pages, base + total) {
                let _ = unmap_again(at, base + total);
                return Err(error);
            }
        }
        Ok(at)
    }
}

/// Maps one page of the file anywhere, and moves and lengthens that with mremap(2) into a reservation.
///
/// passes
mod moves_it_with_mremap {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        refuse(length, alignment)?;
        let pages = pages_of(length)?;
        let mapping = map_anywhere(file, 1)?;
        let reserved = reserve(pages, alignment)?;
        let address = reserved.address().next_multiple_of(alignment);
        let flags = MRemapFlags::MREMAP_MAYMOVE | MRemapFlags::MREMAP_FIXED;
        let old = NonNull::new(mapping.address() as *mut c_void).ok_or(Errno::EFAULT)?;
        let new = NonZeroUsize::new(address);
        let new = new.and_then(|new| NonNull::new(new.get() as *mut c_void));
        // SAFETY: both ranges are this call's, and nothing refers to bytes in them.
        unsafe { mremap(old, page_size(), pages, flags, new) }?;
        std::mem::forget(mapping); // its addresses are free now
        trim(reserved, address, pages)?;
        Ok(address)
    }
}

/// Reserves the addresses with a private PROT_NONE mapping of the file, from which it keeps only the aligned place.
///
/// passes
mod reserves_with_the_file {
    #![expect(clippy::multiple_unsafe_ops_per_block, reason = "one block for all calls, as learners write it")]
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let pages = check(length, alignment)?;
        let total = pages.checked_add(alignment).ok_or(Errno::ENOMEM)?;
        // SAFETY: without a fixed address nothing is replaced; then it is the reservation of this call.
        unsafe {
            let base = map_at(file, 0, total, libc::PROT_NONE, libc::MAP_PRIVATE)?;
            let at = (base + total - pages) & !(alignment - 1);
            place_into(file, base, total, at, pages)
        }
    }
}

/// Gives its reservation back, asks for a place there with MAP_FIXED_NOREPLACE, and again if another was faster.
///
/// passes
mod noreplace_and_again_2 {
    #![expect(clippy::multiple_unsafe_ops_per_block, reason = "one block for all calls, as learners write it")]
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let pages = check(length, alignment)?;
        loop {
            let (base, total) = reserve_for(pages, alignment)?;
            // SAFETY: the reservation of this call, which nobody uses; the mapping replaces nothing.
            let mapped = unsafe {
                if let Err(error) = unmap_again(base, base + total) {
                    let _ = unmap_again(base, base + total);
                    return Err(error);
                }
                let at = base.next_multiple_of(alignment);
                map_at(file, at, length, RW, libc::MAP_SHARED | libc::MAP_FIXED_NOREPLACE)
            };
            match mapped {
                Err(error) if error.raw_os_error() == Some(libc::EEXIST) => continue,
                mapped => return mapped,
            }
        }
    }
}

/// Keeps the first mapping if it happens to be aligned; otherwise takes the highest place in a reservation.
///
/// passes
mod highest_place {
    #![expect(clippy::multiple_unsafe_ops_per_block, reason = "one block for all calls, as learners write it")]
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let pages = check(length, alignment)?;
        let first = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared)?;
        if first.address() % alignment == 0 {
            let at = first.address();
            std::mem::forget(first);
            return Ok(at);
        }
        drop(first);
        let total = pages.checked_add(alignment).ok_or(Errno::ENOMEM)?;
        let base = reserve_again(total)?;
        let at = (base + alignment) & !(alignment - 1);
        // SAFETY: the reservation of this call.
        unsafe {
            if let Err(error) = map_at(file, at, pages, RW, libc::MAP_SHARED_VALIDATE | libc::MAP_FIXED) {
                let _ = unmap_again(base, base + total);
                return Err(error);
            }
            if let Err(error) = unmap_again(at + pages, base + total) {
                let _ = unmap_again(base, base + total);
                return Err(error);
            }
            if let Err(error) = unmap_again(base, at) {
                let _ = unmap_again(base, at + pages);
                return Err(error);
            }
        }
        Ok(at)
    }
}

/// Maps the file itself over more addresses than needed and cuts the ends off: what remains is a later part of it.
///
/// breaks: "The mapping shows the file, and a store to it reaches the file."
/// may fail: map_aligned::can_be_called_by_several_threads broken
/// fails: map_aligned::is_aligned_and_shows_the_file killed
mod trims_an_oversized_file_mapping {
    #![expect(clippy::multiple_unsafe_ops_per_block, reason = "one block for all calls, as learners write it")]
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let pages = check(length, alignment)?;
        let total = pages.checked_add(alignment - page_size()).ok_or(Errno::ENOMEM)?;
        // SAFETY: without a fixed address nothing is replaced; then the ends of its own mapping are unmapped.
        unsafe {
            let base = map_at(file, 0, total, RW, libc::MAP_SHARED)?;
            let at = base.next_multiple_of(alignment);
            unmap_again(base, at)?;
            unmap_again(at + pages, base + total)?;
            Ok(at)
        }
    }
}

/// Gives an aligned address as a hint and believes that the kernel follows it.
///
/// breaks: "at an address that is a multiple of `alignment`"
/// may fail: map_aligned::can_be_called_by_several_threads failed
/// fails: map_aligned::each_call_finds_a_place failed
/// fails: map_aligned::is_aligned_and_shows_the_file failed address-is-an-order
/// fails: map_aligned::refuses_what_cannot_be_mapped failed
mod believes_in_the_hint {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let pages = check(length, alignment)?;
        let probe = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared)?;
        let hint = probe.address() & !(alignment - 1);
        // SAFETY: a hint replaces nothing.
        unsafe { map_at(file, hint, pages, RW, libc::MAP_SHARED) }
    }
}

/// Unmaps its reservation before it maps there with MAP_FIXED, over whatever another thread has mapped meanwhile.
///
/// breaks: "MAP_FIXED are used only on pages that this call has mapped, and has not unmapped since."
/// fails: map_aligned::leaves_its_neighbours_alone failed
/// fails: map_aligned::maps_nothing_when_it_fails failed
/// fails: map_aligned::replaces_only_what_is_its_own failed
/// fails: map_aligned::takes_no_other_address failed
mod fixed_after_munmap {
    #![expect(clippy::multiple_unsafe_ops_per_block, reason = "one block for all calls, as learners write it")]
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let pages = check(length, alignment)?;
        let (base, total) = reserve_for(pages, alignment)?;
        // SAFETY: the reservation is this call's, as long as no other thread maps anything.
        unsafe {
            unmap_again(base, base + total)?;
            map_at(file, base.next_multiple_of(alignment), length, RW, SHARED_FIXED)
        }
    }
}

/// Keeps the pages on both sides as guard pages.
///
/// breaks: "Afterwards exactly the pages of this mapping are mapped in addition to those before."
/// fails: map_aligned::each_call_finds_a_place failed
/// fails: map_aligned::leaves_its_neighbours_alone failed
/// fails: map_aligned::takes_no_other_address failed
mod keeps_guard_pages {
    #![expect(clippy::multiple_unsafe_ops_per_block, reason = "one block for all calls, as learners write it")]
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let pages = check(length, alignment)?;
        let (base, total) = reserve_for(pages, alignment)?;
        let at = base.next_multiple_of(alignment);
        // SAFETY: the reservation of this call.
        unsafe {
            if let Err(error) = map_at(file, at, length, RW, SHARED_FIXED) {
                let _ = unmap_again(base, base + total);
                return Err(error);
            }
            unmap_again(base, base.max(at.saturating_sub(page_size())))?;
            unmap_again(at + pages + page_size(), base + total)?;
        }
        Ok(at)
    }
}

/// Unmaps the tail from the last byte on: munmap(2) refuses that address, and nobody looks at the answer.
///
/// breaks: "Afterwards exactly the pages of this mapping are mapped in addition to those before."
/// fails: map_aligned::each_call_finds_a_place failed
/// fails: map_aligned::takes_no_other_address failed
mod tail_from_the_last_byte {
    #![expect(clippy::multiple_unsafe_ops_per_block, reason = "one block for all calls, as learners write it")]
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let pages = check(length, alignment)?;
        let (base, total) = reserve_for(pages, alignment)?;
        let at = base.next_multiple_of(alignment);
        // SAFETY: the reservation of this call.
        unsafe {
            if let Err(error) = map_at(file, at, length, RW, SHARED_FIXED) {
                let _ = unmap_again(base, base + total);
                return Err(error);
            }
            let _ = unmap_again(base, at);
            let _ = unmap_again(at + length, base + total);
        }
        Ok(at)
    }
}

/// Forgets the reservation when the file can't be mapped into it.
///
/// breaks: "After an error, nothing is mapped in addition."
/// fails: map_aligned::maps_nothing_when_it_fails failed
mod reservation_stays_after_an_error {
    #![expect(clippy::multiple_unsafe_ops_per_block, reason = "one block for all calls, as learners write it")]
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let pages = check(length, alignment)?;
        let (base, total) = reserve_for(pages, alignment)?;
        let at = base.next_multiple_of(alignment);
        // SAFETY: the reservation of this call.
        unsafe {
            map_at(file, at, length, RW, SHARED_FIXED)?;
            unmap_again(base, at)?;
            unmap_again(at + pages, base + total)?;
        }
        Ok(at)
    }
}

/// Reserves readable and writable memory, which the kernel must be able to promise.
///
/// breaks: "Aligning takes addresses, but no memory: `alignment` may be many GiB."
/// fails: map_aligned::each_call_finds_a_place failed
/// fails: map_aligned::is_aligned_and_shows_the_file failed
/// fails: map_aligned::takes_no_other_address failed
mod reserves_memory_2 {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let pages = check(length, alignment)?;
        let total = pages.checked_add(alignment - page_size()).ok_or(Errno::ENOMEM)?;
        let place = Mapping::anonymous(total, READ_WRITE, Sharing::Private)?;
        let base = place.address();
        std::mem::forget(place);
        // SAFETY: the reservation of this call.
        unsafe { place_into(file, base, total, base.next_multiple_of(alignment), pages) }
    }
}

/// Has the pages fetched at once.
///
/// breaks: "The call accesses no page, and none is populated or locked (MAP_POPULATE, MAP_LOCKED)."
/// fails: map_aligned::leaves_the_file_alone failed
/// fails: map_aligned::replaces_only_what_is_its_own failed
mod populates_2 {
    #![expect(clippy::multiple_unsafe_ops_per_block, reason = "one block for all calls, as learners write it")]
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let pages = check(length, alignment)?;
        let (base, total) = reserve_for(pages, alignment)?;
        let at = base.next_multiple_of(alignment);
        // SAFETY: the reservation of this call.
        unsafe {
            if let Err(error) = map_at(file, at, length, RW, SHARED_FIXED | libc::MAP_POPULATE) {
                let _ = unmap_again(base, base + total);
                return Err(error);
            }
            unmap_again(base, at)?;
            unmap_again(at + pages, base + total)?;
        }
        Ok(at)
    }
}

/// Loads the first byte to be sure that the mapping works, if the file is not empty.
///
/// breaks: "The call accesses no page, and none is populated or locked (MAP_POPULATE, MAP_LOCKED)."
/// fails: map_aligned::leaves_the_file_alone failed
/// fails: map_aligned::maps_nothing_when_it_fails failed
mod tries_the_first_byte {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let pages = check(length, alignment)?;
        let (base, total) = reserve_for(pages, alignment)?;
        // SAFETY: the reservation of this call.
        let at = unsafe { place_into(file, base, total, base.next_multiple_of(alignment), pages) }?;
        if file.metadata()?.len() > 0 {
            // SAFETY: the file has a byte here.
            unsafe { load_at(at) };
        }
        Ok(at)
    }
}

/// Accepts every multiple of the page size as an alignment.
///
/// breaks: "`InvalidInput` or EINVAL when `alignment` is not a power of two, or is smaller than a page."
/// fails: map_aligned::refuses_what_cannot_be_mapped failed
mod any_multiple_of_a_page_2 {
    #![expect(clippy::manual_is_multiple_of, reason = "written out, as learners do")]
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        if alignment == 0 || alignment % page_size() != 0 {
            return Err(Errno::EINVAL.into());
        }
        let pages = check(length, page_size())?;
        let (base, total) = reserve_for(pages, alignment)?;
        let at = base.checked_next_multiple_of(alignment).ok_or(Errno::ENOMEM)?;
        // SAFETY: the reservation of this call.
        unsafe { place_into(file, base, total, at, pages) }
    }
}

/// Takes a small power of two for a page: every mapping is aligned to it.
///
/// breaks: "`InvalidInput` or EINVAL when `alignment` is not a power of two, or is smaller than a page."
/// fails: map_aligned::refuses_what_cannot_be_mapped failed
mod small_alignment_is_a_page {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let alignment = if alignment.is_power_of_two() { alignment.max(page_size()) } else { alignment };
        let pages = check(length, alignment)?;
        let (base, total) = reserve_for(pages, alignment)?;
        // SAFETY: the reservation of this call.
        unsafe { place_into(file, base, total, base.next_multiple_of(alignment), pages) }
    }
}

/// Maps a page for a length of 0.
///
/// breaks: "`InvalidInput` or EINVAL when `length` is 0."
/// fails: map_aligned::refuses_what_cannot_be_mapped failed
mod at_least_a_page {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let pages = check(length.max(1), alignment)?;
        let (base, total) = reserve_for(pages, alignment)?;
        // SAFETY: the reservation of this call.
        unsafe { place_into(file, base, total, base.next_multiple_of(alignment), pages) }
    }
}

/// Asserts what it needs instead of returning an error.
///
/// breaks: "`InvalidInput` or EINVAL when `alignment` is not a power of two, or is smaller than a page."
/// fails: map_aligned::leaves_the_file_alone panicked
/// fails: map_aligned::refuses_what_cannot_be_mapped panicked
mod asserts_the_alignment {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        assert!(alignment.is_power_of_two(), "{alignment} is not a power of two");
        let pages = check(length, alignment)?;
        let (base, total) = reserve_for(pages, alignment)?;
        // SAFETY: the reservation of this call.
        unsafe { place_into(file, base, total, base.next_multiple_of(alignment), pages) }
    }
}

/// Says EINVAL for a length that overflows with the alignment.
///
/// breaks: "ENOMEM when no such range of addresses is free, even if its length does not fit in a `usize`."
/// fails: map_aligned::refuses_what_cannot_be_mapped failed
mod overflow_is_invalid {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        if length.checked_add(alignment).is_none() {
            return Err(Errno::EINVAL.into());
        }
        let pages = check(length, alignment)?;
        let (base, total) = reserve_for(pages, alignment)?;
        // SAFETY: the reservation of this call.
        unsafe { place_into(file, base, total, base.next_multiple_of(alignment), pages) }
    }
}

/// Rounds the length up without a check and panics near usize::MAX.
///
/// breaks: "ENOMEM when no such range of addresses is free, even if its length does not fit in a `usize`."
/// fails: map_aligned::refuses_what_cannot_be_mapped panicked
mod rounding_overflows_2 {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        check(1, alignment)?;
        if length == 0 {
            return Err(Errno::EINVAL.into());
        }
        let pages = mmap_workbook::observe::whole_pages(length);
        let (base, total) = reserve_for(pages, alignment)?;
        // SAFETY: the reservation of this call.
        unsafe { place_into(file, base, total, base.next_multiple_of(alignment), pages) }
    }
}

/// Keeps the alignment in a u32, so that one of 4 GiB or more is forgotten.
///
/// breaks: "at an address that is a multiple of `alignment`"
/// fails: map_aligned::is_aligned_and_shows_the_file failed
/// fails: map_aligned::refuses_what_cannot_be_mapped failed
mod alignment_in_32_bits_2 {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        check(length, alignment)?;
        let alignment = (alignment as u32).max(page_size() as u32) as usize;
        let pages = check(length, alignment)?;
        let (base, total) = reserve_for(pages, alignment)?;
        // SAFETY: the reservation of this call.
        unsafe { place_into(file, base, total, base.next_multiple_of(alignment), pages) }
    }
}

/// Makes the file as long as the mapping, so that no access raises SIGBUS.
///
/// breaks: "The call changes neither the bytes nor the size of the file."
/// fails: map_aligned::leaves_the_file_alone failed
/// fails: map_aligned::maps_nothing_when_it_fails failed
mod extends_the_file_to_the_mapping {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let pages = check(length, alignment)?;
        let (base, total) = reserve_for(pages, alignment)?;
        // SAFETY: the reservation of this call.
        let at = unsafe { place_into(file, base, total, base.next_multiple_of(alignment), pages) }?;
        if file.metadata()?.len() < length as u64 {
            file.set_len(length as u64)?;
        }
        Ok(at)
    }
}

/// Maps no more than the file has.
///
/// breaks: "`length` may be larger than the file."
/// fails: map_aligned::leaves_its_neighbours_alone failed
/// fails: map_aligned::refuses_what_cannot_be_mapped failed
/// fails: map_aligned::takes_no_other_address failed
mod not_past_the_end {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        check(length, alignment)?;
        let size = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
        let pages = check(length.min(size.max(1)), alignment)?;
        let (base, total) = reserve_for(pages, alignment)?;
        // SAFETY: the reservation of this call.
        unsafe { place_into(file, base, total, base.next_multiple_of(alignment), pages) }
    }
}

/// Maps for reading when the file is open for reading only.
///
/// breaks: "Those of the system calls, unchanged: EACCES when `file` is open for reading only."
/// fails: map_aligned::maps_nothing_when_it_fails failed
mod falls_back_on_reading {
    #![expect(clippy::multiple_unsafe_ops_per_block, reason = "one block for all calls, as learners write it")]
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let pages = check(length, alignment)?;
        let (base, total) = reserve_for(pages, alignment)?;
        let at = base.next_multiple_of(alignment);
        // SAFETY: the reservation of this call.
        unsafe {
            let mapped = map_at(file, at, length, RW, SHARED_FIXED)
                .or_else(|_| map_at(file, at, length, libc::PROT_READ, SHARED_FIXED));
            if let Err(error) = mapped {
                let _ = unmap_again(base, base + total);
                return Err(error);
            }
            unmap_again(base, at)?;
            unmap_again(at + pages, base + total)?;
        }
        Ok(at)
    }
}

/// Adds up modulo 2^64: when length and alignment are 2^63, the reservation has no bytes, and that is EINVAL.
///
/// breaks: "ENOMEM when no such range of addresses is free, even if its length does not fit in a `usize`."
/// fails: map_aligned::refuses_what_cannot_be_mapped failed
mod reservation_wraps_around {
    #![expect(clippy::multiple_unsafe_ops_per_block, reason = "one block for all calls, as learners write it")]
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let pages = check(length, alignment)?;
        let total = pages.wrapping_add(alignment);
        let base = reserve_again(total)?;
        let at = base.checked_next_multiple_of(alignment).ok_or(Errno::ENOMEM)?;
        // SAFETY: the reservation of this call, if the sum did not wrap around.
        unsafe {
            if let Err(error) = map_at(file, at, length, RW, SHARED_FIXED) {
                let _ = unmap_again(base, base + total);
                return Err(error);
            }
            unmap_again(base, at)?;
            unmap_again(at + pages, base + total)?;
        }
        Ok(at)
    }
}

/// Tries 64 places one after the other from a fixed address on, and then says ENOMEM.
///
/// breaks: "ENOMEM is allowed when no `length + alignment` bytes, in whole pages, are free, though fewer would do."
/// fails: map_aligned::each_call_finds_a_place failed
mod gives_up_after_64_places {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let pages = check(length, alignment)?;
        let first = 0x1000_0000_0000_usize.next_multiple_of(alignment);
        for n in 0..64 {
            let Some(at) = alignment.checked_mul(n).and_then(|more| first.checked_add(more)) else { break };
            // SAFETY: replaces nothing.
            match unsafe { map_at(file, at, pages, RW, libc::MAP_SHARED | libc::MAP_FIXED_NOREPLACE) } {
                Err(error) if error.raw_os_error() == Some(libc::EEXIST) => {}
                mapped => return mapped,
            }
        }
        Err(Errno::ENOMEM.into())
    }
}

/// Takes the next place of a static counter, and EEXIST for its answer when something is mapped there.
///
/// breaks: "The answer depends on the arguments and on the file as it is now, not on earlier calls."
/// fails: map_aligned::each_call_finds_a_place failed
/// fails: map_aligned::is_aligned_and_shows_the_file failed
mod next_place_of_a_static {
    use super::*;

    static NEXT: AtomicUsize = AtomicUsize::new(0x1000_0000_0000);

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let pages = check(length, alignment)?;
        let end = pages.checked_add(alignment).ok_or(Errno::ENOMEM)?;
        let at = NEXT.fetch_add(end, Ordering::Relaxed).checked_next_multiple_of(alignment).ok_or(Errno::ENOMEM)?;
        // SAFETY: replaces nothing.
        unsafe { map_at(file, at, pages, RW, libc::MAP_SHARED | libc::MAP_FIXED_NOREPLACE) }
    }
}

/// Has the allocator find an aligned place and maps over it, so the memory is never given back.
///
/// breaks: "Afterwards exactly the pages of this mapping are mapped in addition to those before."
/// fails: map_aligned::each_call_finds_a_place failed
/// fails: map_aligned::is_aligned_and_shows_the_file failed
/// fails: map_aligned::leaves_its_neighbours_alone failed fixed-finds-room
/// fails: map_aligned::replaces_only_what_is_its_own failed fixed-finds-room
/// fails: map_aligned::takes_no_other_address failed fixed-finds-room
mod over_allocated_memory {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let pages = check(length, alignment)?;
        let layout = Layout::from_size_align(pages, alignment).map_err(|_| Errno::ENOMEM)?;
        // SAFETY: the layout has a size.
        let memory = unsafe { alloc::alloc(layout) };
        if memory.is_null() {
            return Err(Errno::ENOMEM.into());
        }
        // SAFETY: replaces whole pages of the allocation, which nobody uses.
        unsafe { map_at(file, memory.expose_provenance(), length, RW, SHARED_FIXED) }
            // SAFETY: allocated above, with the same layout, and not mapped over.
            .inspect_err(|_| unsafe { alloc::dealloc(memory, layout) })
    }
}

/// Maps for execution, too, which a file on a file system mounted noexec refuses.
///
/// breaks: "Maps the first `length` bytes of `file`, shared, for reading and writing"
/// fails: map_aligned::leaves_its_neighbours_alone failed
/// fails: map_aligned::takes_no_other_address failed
mod executable {
    #![expect(clippy::multiple_unsafe_ops_per_block, reason = "one block for all calls, as learners write it")]
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let pages = check(length, alignment)?;
        let (base, total) = reserve_for(pages, alignment)?;
        let at = base.next_multiple_of(alignment);
        // SAFETY: the reservation of this call.
        unsafe {
            if let Err(error) = map_at(file, at, length, RW | libc::PROT_EXEC, SHARED_FIXED) {
                let _ = unmap_again(base, base + total);
                return Err(error);
            }
            unmap_again(base, at)?;
            unmap_again(at + pages, base + total)?;
        }
        Ok(at)
    }
}

/// Maps copy-on-write.
///
/// breaks: "The mapping shows the file, and a store to it reaches the file."
/// fails: map_aligned::is_aligned_and_shows_the_file failed private-reaches-the-file
/// fails: map_aligned::leaves_its_neighbours_alone failed
/// fails: map_aligned::maps_nothing_when_it_fails failed
/// fails: map_aligned::takes_no_other_address failed
mod private {
    #![expect(clippy::multiple_unsafe_ops_per_block, reason = "one block for all calls, as learners write it")]
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let pages = check(length, alignment)?;
        let (base, total) = reserve_for(pages, alignment)?;
        let at = base.next_multiple_of(alignment);
        // SAFETY: the reservation of this call.
        unsafe {
            if let Err(error) = map_at(file, at, length, RW, libc::MAP_PRIVATE | libc::MAP_FIXED) {
                let _ = unmap_again(base, base + total);
                return Err(error);
            }
            unmap_again(base, at)?;
            unmap_again(at + pages, base + total)?;
        }
        Ok(at)
    }
}

/// Is content with any address when there are not enough for the alignment.
///
/// breaks: "ENOMEM when no such range of addresses is free"
/// fails: map_aligned::refuses_what_cannot_be_mapped failed
mod any_address_is_better_than_none {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let pages = check(length, alignment)?;
        match reserve_for(pages, alignment) {
            // SAFETY: the reservation of this call.
            Ok((base, total)) => unsafe { place_into(file, base, total, base.next_multiple_of(alignment), pages) },
            // SAFETY: replaces nothing.
            Err(_) => unsafe { map_at(file, 0, length, RW, libc::MAP_SHARED) },
        }
    }
}

/// Keeps a duplicate of the descriptor open for as long as the mapping may live.
///
/// breaks: "and no other descriptor is left open."
/// fails: map_aligned::leaves_the_file_alone failed
/// fails: map_aligned::maps_nothing_when_it_fails failed
mod descriptor_for_the_mapping {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let pages = check(length, alignment)?;
        let (base, total) = reserve_for(pages, alignment)?;
        let own = file.try_clone()?;
        // SAFETY: the reservation of this call.
        let at = unsafe { place_into(&own, base, total, base.next_multiple_of(alignment), pages) }?;
        let _ = own.into_raw_fd();
        Ok(at)
    }
}

/// Says ENOMEM for whatever mmap(2) says.
///
/// breaks: "Those of the system calls, unchanged: EACCES when `file` is open for reading only."
/// fails: map_aligned::maps_nothing_when_it_fails failed
mod every_error_is_enomem {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let pages = check(length, alignment)?;
        let (base, total) = reserve_for(pages, alignment)?;
        // SAFETY: the reservation of this call.
        unsafe { place_into(file, base, total, base.next_multiple_of(alignment), pages) }
            .map_err(|_| Errno::ENOMEM.into())
    }
}

/// Reserves, maps the file into the middle and unmaps both ends.
///
/// passes
mod reserve_then_trim {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        reserve_and_map(file, check(length, alignment)?, alignment, libc::MAP_SHARED)
    }
}

/// Unmaps both ends of the reservation first, and replaces what is left of it with the file through a duplicate.
///
/// passes
mod trims_before_it_maps_2 {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let length = check(length, alignment)?;
        let room = length.checked_add(alignment).ok_or(Errno::ENOMEM)?;
        let file = file.try_clone()?;
        let reserved = reserve_addresses(room)?;
        let start = reserved.next_multiple_of(alignment);
        give_back(start + length, reserved + room).inspect_err(|_| _ = give_back(reserved, reserved + room))?;
        give_back(reserved, start).inspect_err(|_| _ = give_back(reserved, start + length))?;
        map(&file, start, length, libc::MAP_SHARED | libc::MAP_FIXED).inspect_err(|_| {
            _ = give_back(start, start + length);
        })
    }
}

/// Keeps the first mapping if the kernel happened to align it, and reserves addresses only otherwise.
///
/// passes
mod perhaps_it_is_aligned {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let length = check(length, alignment)?;
        let start = map(file, 0, length, libc::MAP_SHARED)?;
        if start.is_multiple_of(alignment) {
            return Ok(start);
        }
        give_back(start, start + length)?;
        reserve_and_map(file, length, alignment, libc::MAP_SHARED)
    }
}

/// Takes every power of two, and raises a small one to a page.
///
/// breaks: "`InvalidInput` or EINVAL when `alignment` is not a power of two, or is smaller than a page"
/// fails: map_aligned::refuses_what_cannot_be_mapped failed
mod raises_small_alignments {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        if !alignment.is_power_of_two() {
            return Err(Errno::EINVAL.into());
        }
        let alignment = alignment.max(page_size());
        reserve_and_map(file, check(length, alignment)?, alignment, libc::MAP_SHARED)
    }
}

/// Unmaps the tail from an address that is no page boundary, and ignores that munmap(2) refuses it.
///
/// breaks: "Afterwards exactly the pages of this mapping are mapped in addition to those before"
/// fails: map_aligned::each_call_finds_a_place failed
/// fails: map_aligned::takes_no_other_address failed
mod tail_from_the_last_byte_2 {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        check(length, alignment)?;
        let room = length.checked_add(alignment).ok_or(Errno::ENOMEM)?;
        let reserved = reserve_addresses(room)?;
        let start = reserved.next_multiple_of(alignment);
        if let Err(error) = map(file, start, length, libc::MAP_SHARED | libc::MAP_FIXED) {
            give_back(reserved, reserved + room)?;
            return Err(error);
        }
        _ = give_back(reserved, start);
        _ = give_back(start + length, reserved + room);
        Ok(start)
    }
}

/// Leaves with `?` when the file can't be mapped, and the reservation stays.
///
/// breaks: "After an error, nothing is mapped in addition"
/// fails: map_aligned::maps_nothing_when_it_fails failed
mod leaks_the_reservation {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let length = check(length, alignment)?;
        let room = length.checked_add(alignment).ok_or(Errno::ENOMEM)?;
        let reserved = reserve_addresses(room)?;
        let start = reserved.next_multiple_of(alignment);
        map(file, start, length, libc::MAP_SHARED | libc::MAP_FIXED)?;
        give_back(reserved, start)?;
        give_back(start + length, reserved + room)?;
        Ok(start)
    }
}

/// Unmaps the reservation before it maps the file there with MAP_FIXED; meanwhile another thread may get the addresses.
///
/// breaks: "MAP_FIXED are used only on pages that this call has mapped, and has not unmapped since"
/// fails: map_aligned::leaves_its_neighbours_alone failed
/// fails: map_aligned::maps_nothing_when_it_fails failed
/// fails: map_aligned::replaces_only_what_is_its_own failed
/// fails: map_aligned::takes_no_other_address failed
mod gives_the_addresses_back_first {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let length = check(length, alignment)?;
        let room = length.checked_add(alignment).ok_or(Errno::ENOMEM)?;
        let reserved = reserve_addresses(room)?;
        give_back(reserved, reserved + room)?;
        map(file, reserved.next_multiple_of(alignment), length, libc::MAP_SHARED | libc::MAP_FIXED)
    }
}

/// Hints at aligned addresses below the first one that the kernel chose, and gives up after sixteen.
///
/// breaks: "ENOMEM when no such range of addresses is free, even if its length does not fit in a `usize`"
/// may fail: map_aligned::can_be_called_by_several_threads failed
/// fails: map_aligned::each_call_finds_a_place failed
/// fails: map_aligned::is_aligned_and_shows_the_file failed
mod sixteen_hints {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let length = check(length, alignment)?;
        let mut start = map(file, 0, length, libc::MAP_SHARED)?;
        for _ in 0..16 {
            if start.is_multiple_of(alignment) {
                return Ok(start);
            }
            let hint = start - start % alignment;
            give_back(start, start + length)?;
            start = map(file, hint, length, libc::MAP_SHARED)?;
        }
        give_back(start, start + length)?;
        Err(Errno::ENOMEM.into())
    }
}

/// Populates the mapping, so that the caller takes no faults.
///
/// breaks: "The call accesses no page, and none is populated or locked (MAP_POPULATE, MAP_LOCKED)"
/// fails: map_aligned::leaves_the_file_alone failed
/// fails: map_aligned::replaces_only_what_is_its_own failed
mod prefaults {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let length = check(length, alignment)?;
        let start = reserve_and_map(file, length, alignment, libc::MAP_SHARED)?;
        // SAFETY: the mapping is ours, and this changes no byte of it; an error (past the file's end) does no harm.
        unsafe { libc::madvise(with_exposed_provenance_mut(start), length, libc::MADV_POPULATE_READ) };
        Ok(start)
    }
}

/// Loads the first byte and stores it again, to be sure that the mapping works, if the file has one.
///
/// breaks: "The call accesses no page, and none is populated or locked (MAP_POPULATE, MAP_LOCKED)"
/// fails: map_aligned::leaves_the_file_alone failed
/// fails: map_aligned::maps_nothing_when_it_fails failed
mod tries_the_first_byte_2 {
    #![expect(clippy::multiple_unsafe_ops_per_block, reason = "one block for all calls, as learners write it")]
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let start = reserve_and_map(file, check(length, alignment)?, alignment, libc::MAP_SHARED)?;
        if file.metadata()?.len() > 0 {
            let byte = with_exposed_provenance_mut::<u8>(start);
            // SAFETY: the mapping is ours, and the file has this page.
            unsafe { byte.write_volatile(byte.read_volatile()) };
        }
        Ok(start)
    }
}

/// Lengthens a file that is shorter than the mapping, so that no access raises SIGBUS.
///
/// breaks: "The call changes neither the bytes nor the size of the file"
/// fails: map_aligned::leaves_the_file_alone failed
/// fails: map_aligned::maps_nothing_when_it_fails failed
mod lengthens_a_short_file {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let pages = check(length, alignment)?;
        let start = reserve_and_map(file, pages, alignment, libc::MAP_SHARED)?;
        if file.metadata()?.len() < length as u64 {
            file.set_len(length as u64).inspect_err(|_| _ = give_back(start, start + pages))?;
        }
        Ok(start)
    }
}

/// Maps the file privately when a shared mapping is refused, and stores no longer reach it.
///
/// breaks: "Those of the system calls, unchanged: EACCES when `file` is open for reading only"
/// fails: map_aligned::maps_nothing_when_it_fails failed
mod private_if_it_must_be {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let length = check(length, alignment)?;
        match reserve_and_map(file, length, alignment, libc::MAP_SHARED) {
            Err(error) if error.raw_os_error() == Some(libc::EACCES) => {
                reserve_and_map(file, length, alignment, libc::MAP_PRIVATE)
            }
            result => result,
        }
    }
}

/// Calls a length that overflows when it is rounded or added an invalid argument.
///
/// breaks: "ENOMEM when no such range of addresses is free, even if its length does not fit in a `usize`"
/// fails: map_aligned::refuses_what_cannot_be_mapped failed
mod overflow_is_invalid_2 {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        if length.checked_add(alignment).and_then(|sum| sum.checked_add(page_size())).is_none() {
            return Err(Errno::EINVAL.into());
        }
        reserve_and_map(file, check(length, alignment)?, alignment, libc::MAP_SHARED)
    }
}

/// Unmaps the part before the mapping even if it is empty, and returns munmap(2)'s EINVAL although all went well.
///
/// breaks: "Maps the first `length` bytes of `file`, shared, for reading and writing"
/// fails: map_aligned::each_call_finds_a_place failed
/// fails: map_aligned::is_aligned_and_shows_the_file failed
/// fails: map_aligned::leaves_its_neighbours_alone failed
/// fails: map_aligned::leaves_the_file_alone failed
/// fails: map_aligned::refuses_what_cannot_be_mapped failed
/// fails: map_aligned::takes_no_other_address failed
mod unmaps_an_empty_head {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let length = check(length, alignment)?;
        let room = length.checked_add(alignment).ok_or(Errno::ENOMEM)?;
        let reserved = reserve_addresses(room)?;
        let start = reserved.next_multiple_of(alignment);
        if let Err(error) = map(file, start, length, libc::MAP_SHARED | libc::MAP_FIXED) {
            give_back(reserved, reserved + room)?;
            return Err(error);
        }
        // SAFETY: the reservation before the mapping is ours.
        Errno::result(unsafe { libc::munmap(with_exposed_provenance_mut(reserved), start - reserved) })?;
        give_back(start + length, reserved + room)?;
        Ok(start)
    }
}

/// Rounds the length up to the alignment, and maps more pages than were asked for.
///
/// breaks: "Afterwards exactly the pages of this mapping are mapped in addition to those before"
/// fails: map_aligned::each_call_finds_a_place failed
/// fails: map_aligned::leaves_its_neighbours_alone failed
/// fails: map_aligned::refuses_what_cannot_be_mapped failed
/// fails: map_aligned::takes_no_other_address failed
mod length_in_alignments {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        check(length, alignment)?;
        let length = length.checked_next_multiple_of(alignment).ok_or(Errno::ENOMEM)?;
        reserve_and_map(file, length, alignment, libc::MAP_SHARED)
    }
}

/// Maps no more than the file has.
///
/// breaks: "`length` may be larger than the file"
/// fails: map_aligned::leaves_its_neighbours_alone failed
/// fails: map_aligned::refuses_what_cannot_be_mapped failed
/// fails: map_aligned::takes_no_other_address failed
mod as_long_as_the_file {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        check(length, alignment)?;
        let size = file.metadata()?.len().max(1);
        let length = whole_pages(length.min(usize::try_from(size).unwrap_or(usize::MAX - page_size())));
        reserve_and_map(file, length, alignment, libc::MAP_SHARED)
    }
}

/// Leaves a page of the reservation as a guard after the mapping.
///
/// breaks: "Afterwards exactly the pages of this mapping are mapped in addition to those before"
/// fails: map_aligned::each_call_finds_a_place failed
/// fails: map_aligned::leaves_its_neighbours_alone failed
/// fails: map_aligned::takes_no_other_address failed
mod guard_page_after_it {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let length = check(length, alignment)?;
        let room = length.checked_add(alignment).ok_or(Errno::ENOMEM)?;
        let reserved = reserve_addresses(room)?;
        let start = reserved.next_multiple_of(alignment);
        if let Err(error) = map(file, start, length, libc::MAP_SHARED | libc::MAP_FIXED) {
            give_back(reserved, reserved + room)?;
            return Err(error);
        }
        give_back(reserved, start)?;
        give_back(start + length + page_size(), reserved + room)?;
        Ok(start)
    }
}

/// Reserves a page too little: enough for each distance from an aligned address but the longest.
///
/// breaks: "munmap(2), mremap(2) and MAP_FIXED are used only on pages that this call has mapped"
/// fails: map_aligned::each_call_finds_a_place failed
/// fails: map_aligned::leaves_its_neighbours_alone failed fixed-finds-room
/// fails: map_aligned::maps_nothing_when_it_fails failed fixed-finds-room
/// fails: map_aligned::replaces_only_what_is_its_own failed fixed-finds-room
/// fails: map_aligned::takes_no_other_address failed fixed-finds-room
/// may fail: map_aligned::can_be_called_by_several_threads failed
mod reserves_a_page_too_little {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let length = check(length, alignment)?;
        let spare = alignment.saturating_sub(2 * page_size());
        let reserved = reserve_addresses(length.checked_add(spare).ok_or(Errno::ENOMEM)?)?;
        let end = reserved + length + spare;
        let start = reserved.next_multiple_of(alignment);
        map(file, start, length, libc::MAP_SHARED | libc::MAP_FIXED).inspect_err(|_| _ = give_back(reserved, end))?;
        give_back(reserved, start)?;
        give_back(start + length, end)?;
        Ok(start)
    }
}

/// Reserves the larger of the two numbers, not their sum.
///
/// breaks: "munmap(2), mremap(2) and MAP_FIXED are used only on pages that this call has mapped"
/// fails: map_aligned::leaves_its_neighbours_alone failed fixed-finds-room
/// fails: map_aligned::replaces_only_what_is_its_own failed fixed-finds-room
/// fails: map_aligned::takes_no_other_address failed fixed-finds-room
mod reserves_the_larger {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let length = check(length, alignment)?;
        let room = length.max(alignment);
        let reserved = reserve_addresses(room)?;
        let start = reserved.next_multiple_of(alignment);
        map(file, start, length, libc::MAP_SHARED | libc::MAP_FIXED)
            .inspect_err(|_| _ = give_back(reserved, reserved + room))?;
        give_back(reserved, start)?;
        give_back(start + length, reserved + room)?;
        Ok(start)
    }
}

/// Goes on to the next multiple of the alignment even from one, where the reservation has no room for it.
///
/// breaks: "munmap(2), mremap(2) and MAP_FIXED are used only on pages that this call has mapped"
/// fails: map_aligned::each_call_finds_a_place failed
/// fails: map_aligned::leaves_its_neighbours_alone failed fixed-finds-room
/// fails: map_aligned::maps_nothing_when_it_fails failed fixed-finds-room
/// fails: map_aligned::replaces_only_what_is_its_own failed fixed-finds-room
/// fails: map_aligned::takes_no_other_address failed fixed-finds-room
/// may fail: map_aligned::can_be_called_by_several_threads failed
mod overshoots_when_aligned_already {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let length = check(length, alignment)?;
        let room = length.checked_add(alignment - page_size()).ok_or(Errno::ENOMEM)?;
        let reserved = reserve_addresses(room)?;
        let start = (reserved / alignment + 1) * alignment;
        map(file, start, length, libc::MAP_SHARED | libc::MAP_FIXED)
            .inspect_err(|_| _ = give_back(reserved, reserved + room))?;
        give_back(reserved, start)?;
        give_back(start + length, reserved + room)?;
        Ok(start)
    }
}

/// Maps the file anywhere and then, if it must, with MAP_FIXED at the aligned address below, which nobody has reserved.
///
/// breaks: "munmap(2), mremap(2) and MAP_FIXED are used only on pages that this call has mapped"
/// fails: map_aligned::each_call_finds_a_place failed
/// fails: map_aligned::leaves_its_neighbours_alone failed fixed-finds-room
/// fails: map_aligned::maps_nothing_when_it_fails failed fixed-finds-room
/// fails: map_aligned::refuses_what_cannot_be_mapped failed
/// fails: map_aligned::replaces_only_what_is_its_own failed fixed-finds-room
/// fails: map_aligned::takes_no_other_address failed fixed-finds-room
mod moves_below_its_mapping {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let length = check(length, alignment)?;
        let start = map(file, 0, length, libc::MAP_SHARED)?;
        if start.is_multiple_of(alignment) {
            return Ok(start);
        }
        give_back(start, start + length)?;
        map(file, start - start % alignment, length, libc::MAP_SHARED | libc::MAP_FIXED)
    }
}

/// Leaves a page before the mapping, where there is only one.
///
/// breaks: "Afterwards exactly the pages of this mapping are mapped in addition to those before"
/// fails: map_aligned::leaves_its_neighbours_alone failed
mod forgets_a_head_of_one_page {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let length = check(length, alignment)?;
        let room = length.checked_add(alignment - page_size()).ok_or(Errno::ENOMEM)?;
        let reserved = reserve_addresses(room)?;
        let start = reserved.next_multiple_of(alignment);
        map(file, start, length, libc::MAP_SHARED | libc::MAP_FIXED)
            .inspect_err(|_| _ = give_back(reserved, reserved + room))?;
        if start - reserved > page_size() {
            give_back(reserved, start)?;
        }
        give_back(start + length, reserved + room)?;
        Ok(start)
    }
}

/// Unmaps what is past the mapping even if it is empty, and returns munmap(2)'s EINVAL although all went well.
///
/// breaks: "Maps the first `length` bytes of `file` ... and returns that address"
/// fails: map_aligned::each_call_finds_a_place failed
/// fails: map_aligned::is_aligned_and_shows_the_file failed
/// fails: map_aligned::leaves_its_neighbours_alone failed
/// fails: map_aligned::leaves_the_file_alone failed
/// fails: map_aligned::refuses_what_cannot_be_mapped failed
/// fails: map_aligned::takes_no_other_address failed
mod unmaps_an_empty_tail {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let length = check(length, alignment)?;
        let room = length.checked_add(alignment).ok_or(Errno::ENOMEM)? - page_size();
        let reserved = reserve_addresses(room)?;
        let start = reserved.next_multiple_of(alignment);
        map(file, start, length, libc::MAP_SHARED | libc::MAP_FIXED)
            .inspect_err(|_| _ = give_back(reserved, reserved + room))?;
        give_back(reserved, start)?;
        let tail = reserved + room - (start + length);
        // SAFETY: the reservation past the mapping is ours.
        Errno::result(unsafe { libc::munmap(with_exposed_provenance_mut(start + length), tail) })?;
        Ok(start)
    }
}

/// Takes the length in 32 bits.
///
/// breaks: "Maps the first `length` bytes of `file`"
/// fails: map_aligned::takes_no_other_address failed
mod length_below_4_gib {
    #![expect(clippy::cast_possible_truncation, reason = "it is for 64 bits, and casts as learners do")]
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let length = check(length, alignment)?;
        let low = if length < 1 << 40 { (length as u32) as usize } else { length };
        reserve_and_map(file, low.max(page_size()), alignment, libc::MAP_SHARED)
    }
}

/// Duplicates the descriptor, and leaves the duplicate open after an error.
///
/// breaks: "The descriptor of `file` stays open, and no other descriptor is left open."
/// fails: map_aligned::leaves_the_file_alone failed
/// fails: map_aligned::maps_nothing_when_it_fails failed
mod leaves_a_duplicate_after_an_error {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let duplicate = std::mem::ManuallyDrop::new(file.try_clone()?);
        let length = check(length, alignment)?;
        let start = reserve_and_map(&duplicate, length, alignment, libc::MAP_SHARED)?;
        drop(std::mem::ManuallyDrop::into_inner(duplicate));
        Ok(start)
    }
}

/// Unmaps what is before the mapping, if anything, and forgets what is after it.
///
/// breaks: "Afterwards exactly the pages of this mapping are mapped in addition to those before."
/// fails: map_aligned::each_call_finds_a_place failed
/// fails: map_aligned::leaves_its_neighbours_alone failed
/// fails: map_aligned::takes_no_other_address failed
mod keeps_what_is_after_it {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let pages = check(length, alignment)?;
        let (start, total) = reserve_for(pages, alignment)?;
        let at = start.next_multiple_of(alignment);
        if let Err(error) = map(file, at, length, SHARED_FIXED) {
            give_back(start, start + total)?;
            return Err(error);
        }
        give_back(start, at)?;
        Ok(at)
    }
}

/// Unmaps the reservation and gives the aligned address only as a hint, whose refusal it does not notice.
///
/// breaks: "at an address that is a multiple of `alignment`"
/// may fail: map_aligned::can_be_called_by_several_threads failed
/// fails: map_aligned::is_aligned_and_shows_the_file failed
mod hint_after_a_reservation {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let pages = check(length, alignment)?;
        let (start, total) = reserve_for(pages, alignment)?;
        give_back(start, start + total)?;
        map(file, start.next_multiple_of(alignment), length, libc::MAP_SHARED)
    }
}

/// Maps with MAP_FIXED_NOREPLACE once, and returns EEXIST when another thread was faster, though other addresses are free.
///
/// breaks: "After EEXIST (MAP_FIXED_NOREPLACE) a call tries other addresses: to be too late is no answer."
/// may fail: map_aligned::can_be_called_by_several_threads failed
/// fails: map_aligned::is_aligned_and_shows_the_file failed
mod noreplace_once {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let pages = check(length, alignment)?;
        let (start, total) = reserve_for(pages, alignment)?;
        give_back(start, start + total)?;
        map(file, start.next_multiple_of(alignment), pages, libc::MAP_SHARED | libc::MAP_FIXED_NOREPLACE)
    }
}

/// Takes addresses from a static counter that never goes back, so that there are none left some day.
///
/// breaks: "The answer depends on the arguments and on the file as it is now, not on earlier calls."
/// fails: map_aligned::each_call_finds_a_place failed
mod addresses_never_come_back {
    use super::*;

    static NEXT: AtomicUsize = AtomicUsize::new(0x1000_0000_0000);

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let pages = check(length, alignment)?;
        let room = pages.checked_add(alignment).ok_or(Errno::ENOMEM)?;
        for _ in 0..16 {
            let at = NEXT.fetch_add(room, Ordering::Relaxed).next_multiple_of(alignment);
            match map(file, at, pages, libc::MAP_SHARED | libc::MAP_FIXED_NOREPLACE) {
                Err(error) if error.raw_os_error() == Some(libc::EEXIST) => {}
                mapped => return mapped,
            }
        }
        Err(Errno::ENOMEM.into())
    }
}

/// Maps the file over memory from the allocator, which hands out aligned blocks.
///
/// breaks: "munmap(2), mremap(2) and MAP_FIXED are used only on pages that this call has mapped"
/// fails: map_aligned::each_call_finds_a_place failed
/// fails: map_aligned::is_aligned_and_shows_the_file failed
/// fails: map_aligned::leaves_its_neighbours_alone failed fixed-finds-room
/// fails: map_aligned::replaces_only_what_is_its_own failed fixed-finds-room
/// fails: map_aligned::takes_no_other_address failed fixed-finds-room
mod over_the_heap {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let pages = check(length, alignment)?;
        let layout = Layout::from_size_align(pages, alignment).map_err(|_| Errno::ENOMEM)?;
        // SAFETY: the size is not 0.
        let block = unsafe { alloc::alloc(layout) };
        if block.is_null() {
            return Err(Errno::ENOMEM.into());
        }
        map(file, block.expose_provenance(), pages, SHARED_FIXED).inspect_err(|_| {
            // SAFETY: allocated above with this layout.
            unsafe { alloc::dealloc(block, layout) }
        })
    }
}

/// Trims the reservation to its last aligned place before it maps the file there, through a duplicate of the descriptor.
///
/// passes
mod trims_to_the_last_place {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let pages = check(length, alignment)?;
        let clone = file.try_clone()?;
        let (start, total) = reserve_for(pages, alignment)?;
        let at = (start + total - pages) / alignment * alignment;
        give_back(start, at)?;
        give_back(at + pages, start + total)?;
        map(&clone, at, pages, SHARED_FIXED).inspect_err(|_| _ = give_back(at, at + pages))
    }
}

/// Reserves before it looks at the alignment, and keeps the reservation when that is none.
///
/// breaks: "After an error, nothing is mapped in addition."
/// fails: map_aligned::refuses_what_cannot_be_mapped failed
mod reserves_before_it_looks {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let Some(room) = length.checked_add(alignment) else {
            return check(length, alignment).and(Err(Errno::ENOMEM.into()));
        };
        let start = reserve_addresses(room)?;
        let pages = check(length, alignment)?;
        give_back(start, start + room)?;
        reserve_and_map(file, pages, alignment, libc::MAP_SHARED)
    }
}

/// Keeps the addresses that it has reserved in a static variable.
///
/// breaks: "But several threads may make calls at the same time."
/// fails: map_aligned::can_be_called_by_several_threads failed
mod reservation_in_a_static {
    use super::*;

    static RESERVED: AtomicUsize = AtomicUsize::new(0);

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let pages = check(length, alignment)?;
        let (start, total) = reserve_for(pages, alignment)?;
        RESERVED.store(start, Ordering::Relaxed);
        let place = || RESERVED.load(Ordering::Relaxed).next_multiple_of(alignment);
        map(file, place(), pages, SHARED_FIXED).inspect_err(|_| _ = give_back(start, start + total))?;
        give_back(RESERVED.load(Ordering::Relaxed), place())?;
        give_back(place() + pages, RESERVED.load(Ordering::Relaxed) + total)?;
        Ok(place())
    }
}

/// Duplicates the descriptor when the addresses are reserved already, and leaves them reserved when it can't.
///
/// breaks: "When a system call fails, its error is returned unchanged, and nothing is mapped in addition."
/// fails: map_aligned::maps_nothing_when_it_fails failed
mod reserves_before_it_duplicates {
    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        let pages = check(length, alignment)?;
        let (start, total) = reserve_for(pages, alignment)?;
        let clone = file.try_clone()?;
        let at = start.next_multiple_of(alignment);
        map(&clone, at, pages, SHARED_FIXED).inspect_err(|_| _ = give_back(start, start + total))?;
        give_back(start, at)?;
        give_back(at + pages, start + total)?;
        Ok(at)
    }
}

/// Follows the last hint, line by line.
///
/// passes
mod map_aligned_as_the_hint_says {
    use std::ops::Range;

    use super::*;

    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize> {
        if length == 0 || !alignment.is_power_of_two() || alignment < page_size() {
            return Err(Errno::EINVAL.into());
        }
        let length = length.checked_next_multiple_of(page_size()).ok_or(Errno::ENOMEM)?;
        let reserved = length.checked_add(alignment - page_size()).ok_or(Errno::ENOMEM)?;
        // SAFETY: without an address the kernel chooses a free range: nothing is replaced.
        let start = unsafe { mmap_anonymous(None, nonzero(reserved)?, ProtFlags::PROT_NONE, MapFlags::MAP_PRIVATE) }?;
        let start = start.as_ptr().expose_provenance();
        let place = start.next_multiple_of(alignment);
        let (at, flags) = (NonZeroUsize::new(place), MapFlags::MAP_SHARED | MapFlags::MAP_FIXED);
        // SAFETY: the pages are those of the reservation, to which nothing refers.
        let mapped = unsafe { mmap(at, nonzero(length)?, READ_WRITE, flags, file, 0) };
        if let Err(errno) = mapped {
            unmap(start..start + reserved)?;
            return Err(errno.into());
        }
        unmap(start..place)?;
        unmap(place + length..start + reserved)?;
        Ok(place)
    }

    fn nonzero(length: usize) -> io::Result<NonZeroUsize> {
        Ok(NonZeroUsize::new(length).ok_or(Errno::EINVAL)?)
    }

    fn unmap(range: Range<usize>) -> io::Result<()> {
        if range.is_empty() {
            return Ok(());
        }
        let start = NonNull::new(with_exposed_provenance_mut(range.start)).ok_or(Errno::EINVAL)?;
        // SAFETY: the range is a part of the reservation, to which nothing refers.
        Ok(unsafe { munmap(start, range.len()) }?)
    }
}

one_of! {
    pub fn map_aligned(file: &File, length: usize, alignment: usize) -> io::Result<usize>;
    fixed_at_a_free_looking_address gives_up_by_abort keeps_the_rest leaves_the_reservation trusts_the_hint
    reserves_maps_and_trims trims_before_it_maps noreplace_and_again populates hint_after_hint wherever_mmap_likes
    trusts_one_hint gives_back_and_takes_again own_counter_of_addresses tail_stays head_stays tail_begins_in_a_page
    length_rounded_to_alignment room_for_twice_the_alignment trims_the_file_mapping reservation_leaks_on_error
    private_mapping reads_into_anonymous_memory read_only_if_need_be extends_the_file touches_each_page
    clips_to_the_file no_length_is_a_page any_multiple_of_a_page zero_is_a_power_of_two less_than_a_page_is_a_page
    a_page_is_too_small sum_overflows too_long_is_einval reserves_memory alignment_in_32_bits tries_a_thousand_times
    map_dies_with_the_call asks_for_huge_pages reserves_and_trims moves_it_with_mremap reserves_with_the_file
    noreplace_and_again_2 highest_place trims_an_oversized_file_mapping believes_in_the_hint fixed_after_munmap
    keeps_guard_pages tail_from_the_last_byte reservation_stays_after_an_error reserves_memory_2 populates_2
    tries_the_first_byte any_multiple_of_a_page_2 small_alignment_is_a_page at_least_a_page asserts_the_alignment
    overflow_is_invalid rounding_overflows_2 alignment_in_32_bits_2 extends_the_file_to_the_mapping not_past_the_end
    falls_back_on_reading reservation_wraps_around gives_up_after_64_places next_place_of_a_static over_allocated_memory
    executable private any_address_is_better_than_none descriptor_for_the_mapping every_error_is_enomem
    reserve_then_trim trims_before_it_maps_2 perhaps_it_is_aligned raises_small_alignments tail_from_the_last_byte_2
    leaks_the_reservation gives_the_addresses_back_first sixteen_hints prefaults tries_the_first_byte_2
    lengthens_a_short_file private_if_it_must_be overflow_is_invalid_2 unmaps_an_empty_head length_in_alignments
    as_long_as_the_file guard_page_after_it reserves_a_page_too_little reserves_the_larger
    overshoots_when_aligned_already moves_below_its_mapping forgets_a_head_of_one_page unmaps_an_empty_tail
    length_below_4_gib leaves_a_duplicate_after_an_error keeps_what_is_after_it hint_after_a_reservation noreplace_once
    addresses_never_come_back over_the_heap trims_to_the_last_place reserves_before_it_looks reservation_in_a_static
    reserves_before_it_duplicates map_aligned_as_the_hint_says
}
