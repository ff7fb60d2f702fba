//! The system calls and the accesses of a worker: what each operation of the language does on the kernel.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::ptr;

use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, FcntlArg, OFlag, SealFlag, fallocate, fcntl, open, openat, renameat};
use nix::libc;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::stat::{Mode, fstat, futimens};
use nix::sys::time::TimeSpec;
use nix::sys::uio::{pread, pwrite};
use nix::unistd::{UnlinkatFlags, fdatasync, fsync, ftruncate, unlinkat};

use super::{Worker, faults};
use crate::error;
use crate::observe::maps_of;
use crate::scenario::{
    Access, Advice, Amount, Bytes, CODE, CODE_RETURNS, Contents, Extent, Flag, Name, Operation, Placing, Protection,
    Range, Request, Seal, Sharing, Source, Syncing,
};
use crate::text;
use crate::text::Text;

/// Why a line was not done.
pub(super) enum NotDone {
    /// The kernel refused it.
    Errno(Errno),
    /// There is no such name, or it is taken, or the number is out of bounds.
    NotApplicable,
}

impl From<Errno> for NotDone {
    fn from(errno: Errno) -> NotDone {
        NotDone::Errno(errno)
    }
}

/// A mapping, and the slot that it is in: a range of addresses that it has to itself.
#[derive(Clone, Copy)]
pub(super) struct Mapped {
    /// The number of the slot, from 0 on.
    number: usize,
    /// The first address of the slot and of the mapping.
    start: usize,
    /// The length of the mapping in bytes, as mmap(2) was asked for it.
    length: usize,
    /// Whether all of it has been unmapped at once. It keeps its slot until another mapping has the name.
    gone: bool,
}

/// The size of a slot. No number of a scenario reaches from one slot to the next: beyond a mapping nothing is mapped.
const PAGES_OF_A_SLOT: usize = 4 * Amount::MOST_PAGES as usize;

/// The number of slots that addresses are found for.
const SLOTS: usize = 256;

impl Worker<'_> {
    /// Does a line and records its outcome, unless it is not done.
    pub(super) fn perform(&mut self, operation: &Operation) -> Result<(), NotDone> {
        match operation {
            Operation::Create(name, contents) => self.create(*name, contents)?,
            Operation::Memfd(name, size) => {
                let size = self.offset(*size)?;
                self.free(*name)?;
                let fd = memfd_create(name.as_str(), MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?;
                ftruncate(&fd, size)?;
                put_mtime_back(&fd)?;
                self.descriptors.insert(*name, fd);
            }
            Operation::Open(descriptor, name, access, flag) => {
                self.free(*descriptor)?;
                let access = access_of(*access);
                let flag = match flag {
                    Some(Flag::Truncate) => OFlag::O_TRUNC,
                    Some(Flag::Append) => OFlag::O_APPEND,
                    None => OFlag::empty(),
                };
                let fd = openat(self.directory, name.as_str(), access | flag | OFlag::O_CLOEXEC, Mode::empty())?;
                self.descriptors.insert(*descriptor, fd);
            }
            Operation::Reopen(descriptor, of, access) => {
                let path = format!("/proc/self/fd/{}", self.descriptor(*of)?.as_raw_fd());
                self.free(*descriptor)?;
                let fd = open(path.as_str(), access_of(*access) | OFlag::O_CLOEXEC, Mode::empty())?;
                self.descriptors.insert(*descriptor, fd);
            }
            Operation::Close(name) => drop(self.descriptors.remove(name).ok_or(NotDone::NotApplicable)?),
            Operation::Read(name, at, length) => {
                let (fd, at) = (self.descriptor(*name)?, self.offset(*at)?);
                let mut bytes = vec![0; self.size(*length)?];
                let count = pread(fd, &mut bytes, at)?;
                self.record.bytes(&bytes[..count]);
                return Ok(());
            }
            Operation::Write(name, at, bytes) => {
                let (fd, at) = (self.descriptor(*name)?, self.offset(*at)?);
                let count = pwrite(fd, &self.bytes(bytes)?, at)?;
                self.record.count(count);
                return Ok(());
            }
            Operation::ReadInto(descriptor, offset, mapping, place, length) => {
                let (fd, offset) = (self.descriptor(*descriptor)?.as_raw_fd(), self.offset(*offset)?);
                let (start, length) = (self.slot(*mapping)?.start + self.size(*place)?, self.size(*length)?);
                // SAFETY: no Rust object lives in a slot; where it can't be written to, the kernel says so.
                let read = unsafe { libc::pread(fd, ptr::with_exposed_provenance_mut(start), length, offset) };
                self.record.count(Errno::result(read)?.unsigned_abs());
                return Ok(());
            }
            Operation::WriteFrom(descriptor, offset, mapping, place, length) => {
                let (fd, offset) = (self.descriptor(*descriptor)?.as_raw_fd(), self.offset(*offset)?);
                let (start, length) = (self.slot(*mapping)?.start + self.size(*place)?, self.size(*length)?);
                // SAFETY: the kernel reads the bytes, if it can, and says so if it can't.
                let written = unsafe { libc::pwrite(fd, ptr::with_exposed_provenance(start), length, offset) };
                self.record.count(Errno::result(written)?.unsigned_abs());
                return Ok(());
            }
            Operation::Truncate(name, size) => ftruncate(self.descriptor(*name)?, self.offset(*size)?)?,
            Operation::Punch(name, at, length) => {
                let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
                self.allocate(*name, flags, *at, *length)?;
            }
            Operation::Reserve(name, at, length) => self.allocate(*name, FallocateFlags::empty(), *at, *length)?,
            Operation::Zero(name, at, length) => {
                self.allocate(*name, FallocateFlags::FALLOC_FL_ZERO_RANGE, *at, *length)?;
            }
            Operation::Collapse(name, at, length) => {
                self.allocate(*name, FallocateFlags::FALLOC_FL_COLLAPSE_RANGE, *at, *length)?;
            }
            Operation::Mtime(name) => {
                let fd = self.descriptor(*name)?;
                let stat = fstat(fd)?;
                put_mtime_back(fd)?;
                self.record.moved((stat.st_mtime, stat.st_mtime_nsec) != (0, 0));
                return Ok(());
            }
            Operation::Fsync(name, None) => fsync(self.descriptor(*name)?)?,
            Operation::Fsync(name, Some(Extent::Data)) => fdatasync(self.descriptor(*name)?)?,
            Operation::FsyncDirectory => fsync(self.directory)?,
            Operation::Rename(from, to) => renameat(self.directory, from.as_str(), self.directory, to.as_str())?,
            Operation::Unlink(name) => unlinkat(self.directory, name.as_str(), UnlinkatFlags::NoRemoveDir)?,
            Operation::Seal(name, seal) => {
                fcntl(self.descriptor(*name)?, FcntlArg::F_ADD_SEALS(flag_of_seal(*seal)))?;
            }
            Operation::Seals(name) => {
                let flags = SealFlag::from_bits_truncate(fcntl(self.descriptor(*name)?, FcntlArg::F_GET_SEALS)?);
                self.record.sealed(Seal::ALL.iter().map(|seal| flags.contains(flag_of_seal(*seal))));
                return Ok(());
            }
            Operation::MapAt(name, at, request, placing) => self.map_at(*name, *at, request, *placing)?,
            Operation::Map(name, request) => self.map(*name, request)?,
            Operation::Load(name, at, length) => {
                let (start, length) = (self.address(*name, *at)?, self.size(*length)?);
                let mut bytes = vec![0; length];
                for (n, byte) in bytes.iter_mut().enumerate() {
                    // SAFETY: no Rust object lives in a slot. The load may fault, and the process dies of it, which is
                    // what the scenario asks for.
                    *byte = unsafe { ptr::with_exposed_provenance::<u8>(start + n).read_volatile() };
                }
                self.record.bytes(&bytes);
                return Ok(());
            }
            Operation::Store(name, at, bytes) => {
                let (start, bytes) = (self.address(*name, *at)?, self.bytes(bytes)?);
                for (n, byte) in bytes.iter().enumerate() {
                    // SAFETY: as for the load.
                    unsafe { ptr::with_exposed_provenance_mut::<u8>(start + n).write_volatile(*byte) };
                }
            }
            Operation::Call(name, at) => {
                let start = self.address(*name, *at)?;
                let crosses = start / self.page != (start + CODE.len() - 1) / self.page;
                let other = bytes_at(start).is_some_and(|bytes| bytes != CODE || crosses);
                if other && is_executable(start) {
                    return Err(NotDone::NotApplicable);
                }
                let code = ptr::with_exposed_provenance::<()>(start);
                // SAFETY: these bytes are a function's that returns a number, or they can't be executed, and the process
                // dies of it.
                let returned = unsafe { std::mem::transmute::<*const (), extern "C" fn() -> u32>(code) }();
                self.record.count(if returned == CODE_RETURNS { CODE_RETURNS as usize } else { usize::MAX });
                return Ok(());
            }
            Operation::Unmap(name, part) => {
                let (start, length) = self.part(*name, *part)?;
                // SAFETY: the range lies within the slot of this mapping, where no Rust object lives.
                Errno::result(unsafe { libc::munmap(ptr::with_exposed_provenance_mut(start), length) })?;
                if part.is_none() {
                    self.mappings.entry(*name).and_modify(|slot| slot.gone = true);
                }
            }
            Operation::Remap(name, length) => {
                let (start, before) = self.part(*name, None)?;
                let length = self.size(*length)?;
                // SAFETY: the slot of this mapping has room for it, and no Rust object lives there.
                let at = unsafe { libc::mremap(ptr::with_exposed_provenance_mut(start), before, length, 0) };
                if at == libc::MAP_FAILED {
                    return Err(Errno::last().into());
                }
                self.mappings.entry(*name).and_modify(|slot| slot.length = length);
            }
            Operation::Move(name, to) => {
                if name == to {
                    return Err(NotDone::NotApplicable);
                }
                let (start, length) = self.part(*name, None)?;
                let from = self.slot(*name)?;
                let there = self.mappings.get(to).copied();
                let number = there.map_or_else(|| self.free_slot(), |slot| slot.number);
                let target = self.base + number * PAGES_OF_A_SLOT * self.page;
                self.remap(start, length, length, target)?;
                let length = there.filter(|slot| !slot.gone).map_or(from.length, |slot| slot.length.max(from.length));
                self.mappings.insert(*to, Mapped { number, start: target, length, gone: false });
                self.mappings.entry(*name).and_modify(|slot| slot.gone = true);
            }
            Operation::Duplicate(name, to) => {
                let (start, length) = self.part(*name, None)?;
                if self.mappings.get(to).is_some_and(|slot| !slot.gone) || name == to {
                    return Err(NotDone::NotApplicable);
                }
                let number = self.free_slot();
                let target = self.base + number * PAGES_OF_A_SLOT * self.page;
                self.remap(start, 0, length, target)?;
                let length = self.slot(*name)?.length;
                self.mappings.insert(*to, Mapped { number, start: target, length, gone: false });
            }
            Operation::Protect(name, protection, part) => {
                let (start, length) = self.part(*name, *part)?;
                // SAFETY: as for munmap(2).
                let result =
                    unsafe { libc::mprotect(ptr::with_exposed_provenance_mut(start), length, flags_of(*protection)) };
                Errno::result(result)?;
            }
            Operation::Advise(name, advice, part) => {
                let (start, length) = self.part(*name, *part)?;
                let advice = match advice {
                    Advice::DontNeed => libc::MADV_DONTNEED,
                    Advice::WillNeed => libc::MADV_WILLNEED,
                    Advice::PopulateRead => libc::MADV_POPULATE_READ,
                    Advice::PopulateWrite => libc::MADV_POPULATE_WRITE,
                    Advice::Free => libc::MADV_FREE,
                    Advice::Remove => libc::MADV_REMOVE,
                    Advice::DontFork => libc::MADV_DONTFORK,
                    Advice::DoFork => libc::MADV_DOFORK,
                    Advice::WipeOnFork => libc::MADV_WIPEONFORK,
                    Advice::KeepOnFork => libc::MADV_KEEPONFORK,
                    Advice::GuardInstall => MADV_GUARD_INSTALL,
                    Advice::GuardRemove => MADV_GUARD_REMOVE,
                };
                // SAFETY: as for munmap(2).
                let result = unsafe { libc::madvise(ptr::with_exposed_provenance_mut(start), length, advice) };
                Errno::result(result)?;
            }
            Operation::Lock(name, part) => {
                let (start, length) = self.part(*name, *part)?;
                // SAFETY: mlock(2) changes no bytes.
                Errno::result(unsafe { libc::mlock(ptr::with_exposed_provenance(start), length) })?;
            }
            Operation::Unlock(name, part) => {
                let (start, length) = self.part(*name, *part)?;
                // SAFETY: munlock(2) changes no bytes.
                Errno::result(unsafe { libc::munlock(ptr::with_exposed_provenance(start), length) })?;
            }
            Operation::Resident(name, part) => {
                let (start, length) = self.part(*name, *part)?;
                let mut pages = vec![0; length.div_ceil(self.page)];
                // SAFETY: `pages` has a byte for each page of the range.
                let result =
                    unsafe { libc::mincore(ptr::with_exposed_provenance_mut(start), length, pages.as_mut_ptr()) };
                Errno::result(result)?;
                // The other bits are reserved.
                pages.iter_mut().for_each(|page| *page &= 1);
                self.record.bytes(&pages);
                return Ok(());
            }
            Operation::Sync(name, how, part) => {
                let (start, length) = self.part(*name, *part)?;
                let flags = match how {
                    Syncing::Sync => libc::MS_SYNC,
                    Syncing::Async => libc::MS_ASYNC,
                    Syncing::Invalidate => libc::MS_SYNC | libc::MS_INVALIDATE,
                };
                // SAFETY: msync(2) changes no memory.
                let result = unsafe { libc::msync(ptr::with_exposed_provenance_mut(start), length, flags) };
                Errno::result(result)?;
            }
            // The supervisor's, or done with the turn.
            Operation::Fork(_) | Operation::Exit | Operation::Kill(_) => return Err(NotDone::NotApplicable),
            // Nobody cuts the power of the machine that plays, and its disk does what it does.
            Operation::Cut | Operation::Fail(_) => return Err(NotDone::NotApplicable),
        }
        self.record.done();
        Ok(())
    }

    fn create(&self, name: Name, contents: &Contents) -> Result<(), NotDone> {
        let (size, bytes) = match contents {
            Contents::Zeros(size) => (self.offset(*size)?, Vec::new()),
            Contents::Bytes(bytes) => (0, self.bytes(bytes)?),
        };
        let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_RDWR | OFlag::O_CLOEXEC;
        let fd = openat(self.directory, name.as_str(), flags, Mode::S_IRUSR | Mode::S_IWUSR)?;
        if size > 0 {
            ftruncate(&fd, size)?;
        }
        if !bytes.is_empty() && pwrite(&fd, &bytes, 0)? != bytes.len() {
            return Err(NotDone::Errno(Errno::EIO));
        }
        put_mtime_back(&fd)?;
        Ok(())
    }

    fn allocate(&self, name: Name, flags: FallocateFlags, at: Amount, length: Amount) -> Result<(), NotDone> {
        Ok(fallocate(self.descriptor(name)?, flags, self.offset(at)?, self.offset(length)?)?)
    }

    fn map(&mut self, name: Name, request: &Request) -> Result<(), NotDone> {
        if self.mappings.get(&name).is_some_and(|slot| !slot.gone) {
            return Err(NotDone::NotApplicable);
        }
        let number = self.free_slot();
        let start = self.base + number * PAGES_OF_A_SLOT * self.page;
        let length = self.mmap(start, request, libc::MAP_FIXED_NOREPLACE)?;
        self.mappings.insert(name, Mapped { number, start, length, gone: false });
        Ok(())
    }

    fn map_at(&mut self, name: Name, at: Amount, request: &Request, placing: Option<Placing>) -> Result<(), NotDone> {
        let (slot, at) = (self.slot(name)?, self.size(at)?);
        let placing = match placing {
            Some(Placing::NoReplace) => libc::MAP_FIXED_NOREPLACE,
            None => libc::MAP_FIXED,
        };
        let length = slot.length.max(at + self.mmap(slot.start + at, request, placing)?);
        self.mappings.insert(name, Mapped { length, gone: false, ..slot });
        Ok(())
    }

    /// The length that it was asked for.
    fn mmap(&self, start: usize, request: &Request, placing: i32) -> Result<usize, NotDone> {
        let length = self.size(request.length)?;
        let sharing = match request.sharing {
            Sharing::Shared => libc::MAP_SHARED,
            Sharing::Private => libc::MAP_PRIVATE,
        };
        let (fd, offset, anonymous): (RawFd, _, _) = match request.source {
            Source::File(descriptor, offset) => (self.descriptor(descriptor)?.as_raw_fd(), self.offset(offset)?, 0),
            Source::Anonymous => (-1, 0, libc::MAP_ANONYMOUS),
        };
        let populate = if request.populate { libc::MAP_POPULATE } else { 0 };
        let flags = sharing | anonymous | populate | placing;
        let address = ptr::with_exposed_provenance_mut(start);
        // SAFETY: what it may replace is in the slot of a mapping, where no Rust object lives.
        let mapped = unsafe { libc::mmap(address, length, flags_of(request.protection), flags, fd, offset) };
        if mapped == libc::MAP_FAILED { Err(Errno::last().into()) } else { Ok(length) }
    }

    /// mremap(2) to a slot.
    fn remap(&self, start: usize, before: usize, length: usize, target: usize) -> Result<(), NotDone> {
        let (from, to) =
            (ptr::with_exposed_provenance_mut(start), ptr::with_exposed_provenance_mut::<libc::c_void>(target));
        let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
        // SAFETY: no Rust object lives in either slot.
        let at = unsafe { libc::mremap(from, before, length, flags, to) };
        if at == libc::MAP_FAILED { Err(Errno::last().into()) } else { Ok(()) }
    }

    fn free_slot(&self) -> usize {
        (0..).find(|n| self.mappings.values().all(|slot| slot.number != *n)).unwrap_or_default()
    }

    fn slot(&self, name: Name) -> Result<Mapped, NotDone> {
        self.mappings.get(&name).copied().ok_or(NotDone::NotApplicable)
    }

    /// The address and the length of a mapping, or of a part.
    fn part(&self, name: Name, part: Option<Range>) -> Result<(usize, usize), NotDone> {
        let slot = self.slot(name)?;
        Ok(match part {
            None => (slot.start, slot.length.next_multiple_of(self.page)),
            Some(Range { place: at, length }) => (slot.start + self.size(at)?, self.size(length)?),
        })
    }

    /// The address of an access; a fault is counted from the mapping's start.
    fn address(&self, name: Name, at: Amount) -> Result<usize, NotDone> {
        let start = self.slot(name)?.start;
        faults::count_from(start);
        Ok(start + self.size(at)?)
    }

    fn descriptor(&self, name: Name) -> Result<&OwnedFd, NotDone> {
        self.descriptors.get(&name).ok_or(NotDone::NotApplicable)
    }

    fn free(&self, name: Name) -> Result<(), NotDone> {
        if self.descriptors.contains_key(&name) { Err(NotDone::NotApplicable) } else { Ok(()) }
    }

    fn size(&self, amount: Amount) -> Result<usize, NotDone> {
        let bytes = u32::try_from(self.page).ok().and_then(|page| amount.at(page));
        bytes.and_then(|bytes| usize::try_from(bytes).ok()).ok_or(NotDone::NotApplicable)
    }

    fn offset(&self, amount: Amount) -> Result<libc::off_t, NotDone> {
        libc::off_t::try_from(self.size(amount)?).map_err(|_| NotDone::NotApplicable)
    }

    fn bytes(&self, bytes: &Bytes) -> Result<Vec<u8>, NotDone> {
        Ok(match bytes {
            Bytes::Text(text) => text.clone().into_bytes(),
            Bytes::Fill(letter, amount) => vec![u8::try_from(*letter).unwrap_or(b'?'); self.size(*amount)?],
            Bytes::Code => CODE.to_vec(),
        })
    }
}

fn access_of(access: Access) -> OFlag {
    match access {
        Access::ReadOnly => OFlag::O_RDONLY,
        Access::WriteOnly => OFlag::O_WRONLY,
        Access::ReadWrite => OFlag::O_RDWR,
    }
}

fn flags_of(protection: Protection) -> i32 {
    match protection {
        Protection::None => libc::PROT_NONE,
        Protection::Read => libc::PROT_READ,
        Protection::Write => libc::PROT_WRITE,
        Protection::ReadWrite => libc::PROT_READ | libc::PROT_WRITE,
        Protection::ReadExecute => libc::PROT_READ | libc::PROT_EXEC,
    }
}

/// As many bytes as [`CODE`] has, or fewer if the rest can't be read; None if nothing can be read there.
fn bytes_at(start: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; CODE.len()];
    let local = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    let remote = libc::iovec { iov_base: ptr::with_exposed_provenance_mut(start), iov_len: bytes.len() };
    let this = nix::unistd::getpid().as_raw();
    // SAFETY: it writes to `bytes` only, and says so where the other bytes can't be read.
    let read = unsafe { libc::process_vm_readv(this, &raw const local, 1, &raw const remote, 1, 0) };
    bytes.truncate(usize::try_from(read).ok()?);
    Some(bytes)
}

/// Whether there is a page that can be executed.
fn is_executable(start: usize) -> bool {
    let areas = maps_of(start..start + 1).unwrap_or_default();
    areas.iter().any(|area| area.permissions().contains('x'))
}

fn flag_of_seal(seal: Seal) -> SealFlag {
    match seal {
        Seal::Shrink => SealFlag::F_SEAL_SHRINK,
        Seal::Grow => SealFlag::F_SEAL_GROW,
        Seal::Write => SealFlag::F_SEAL_WRITE,
        Seal::FutureWrite => SealFlag::F_SEAL_FUTURE_WRITE,
        Seal::Seal => SealFlag::F_SEAL_SEAL,
    }
}

/// Sets the modification time to 0: it has moved when it is another one. Two changes soon after each other may have the
/// same time.
fn put_mtime_back(fd: &OwnedFd) -> Result<(), NotDone> {
    Ok(futimens(fd, &TimeSpec::UTIME_OMIT, &TimeSpec::new(0, 0))?)
}

// linux/mman.h
const MADV_GUARD_INSTALL: i32 = 102;
const MADV_GUARD_REMOVE: i32 = 103;

/// Finds addresses for all slots where nothing is mapped. It looks for twice as many and takes the lower half: the
/// kernel places other mappings from the top down, so these addresses stay free.
pub(super) fn addresses_for_slots(page: usize) -> io::Result<usize> {
    let length = SLOTS * PAGES_OF_A_SLOT * page;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: without MAP_FIXED a new mapping replaces nothing.
    let found = unsafe { libc::mmap(ptr::null_mut(), 2 * length, libc::PROT_NONE, flags, -1, 0) };
    if found == libc::MAP_FAILED {
        let (bytes, error) = (2 * length, io::Error::from(Errno::last()));
        let Text { en, zh } = error::in_words(&error);
        let text = text!(
            "no {bytes} bytes of addresses for a scenario's mappings (does `ulimit -v` allow them?): {en}",
            "没有 {bytes} 字节的地址空间来放脚本的映射（请看 `ulimit -v`）：{zh}"
        );
        return Err(error::told(error.kind(), text));
    }
    // SAFETY: it was mapped just above, and holds nothing.
    Errno::result(unsafe { libc::munmap(found, 2 * length) })?;
    Ok(found.expose_provenance())
}
