use std::cell::{Cell, UnsafeCell};
use std::fs::File;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, IntoRawFd};
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::{self, null, null_mut, with_exposed_provenance_mut};
use std::sync::atomic::Ordering::{self, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU32, AtomicUsize};
use std::sync::{Mutex, Once};

use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::lesson_6::{GuardError, Guarded};
use mmap_workbook::observe::page_size;
use nix::errno::Errno;
use nix::libc::{self, c_int, c_void, siginfo_t};
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, raise, signal};
use nix::unistd::{ForkResult, fork, getpid, gettid};

use crate::solution::{self, Missed, zeros_over};

const NONE: usize = usize::MAX;

static RUNNING: AtomicBool = AtomicBool::new(false);

static START: AtomicUsize = AtomicUsize::new(0);

static END: AtomicUsize = AtomicUsize::new(0);

static MISSED: AtomicUsize = AtomicUsize::new(NONE);

/// The address of one bit a page: set when the page has been replaced, or is about to be.
static REPLACED: AtomicUsize = AtomicUsize::new(0);

static PREVIOUS: Previous = Previous(UnsafeCell::new(None));

struct Previous(UnsafeCell<Option<libc::sigaction>>);

// SAFETY: only the holder of RUNNING writes it, before the handler is there that reads it.
unsafe impl Sync for Previous {}

type Action = extern "C" fn(c_int, *mut siginfo_t, *mut c_void);

/// One `survive` at a time.
struct Running;

impl Running {
    fn new() -> Result<Running, Missed> {
        if RUNNING.swap(true, Ordering::AcqRel) {
            return Err(Missed::Call(Errno::EBUSY));
        }
        MISSED.store(NONE, Ordering::Relaxed);
        START.store(0, Ordering::Relaxed);
        END.store(0, Ordering::Relaxed);
        Ok(Running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.store(false, Ordering::Release);
    }
}

/// The mapping, and the bits of its pages.
struct Target {
    mapping: Mapping,
    _replaced: Mapping,
}

impl Target {
    fn new(file: &File, length: usize) -> Result<Target, Missed> {
        Target::of(Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared).map_err(Missed::Call)?)
    }

    fn of(mapping: Mapping) -> Result<Target, Missed> {
        let bytes = (mapping.range().len() / page_size()).div_ceil(32) * 4;
        let replaced = Mapping::anonymous(bytes, READ_WRITE, Sharing::Private).map_err(Missed::Call)?;
        REPLACED.store(replaced.address(), Ordering::Relaxed);
        START.store(mapping.range().start, Ordering::Relaxed);
        END.store(mapping.range().end, Ordering::Relaxed);
        Ok(Target { mapping, _replaced: replaced })
    }
}

/// The action for SIGBUS, until it is dropped.
struct Installed(libc::sigaction);

impl Installed {
    fn new(action: Action, flags: c_int) -> Result<Installed, Missed> {
        Installed::address(action as usize, flags | libc::SA_SIGINFO).map_err(Missed::Call)
    }

    fn address(action: usize, flags: c_int) -> Result<Installed, Errno> {
        let previous = previous_action()?;
        // SAFETY: our handler is not installed yet, so nobody reads it.
        unsafe { *PREVIOUS.0.get() = Some(previous) };
        // SAFETY: all zeros is a valid sigaction.
        let mut new: libc::sigaction = unsafe { std::mem::zeroed() };
        (new.sa_sigaction, new.sa_flags) = (action, flags);
        // SAFETY: the handler is async-signal-safe.
        Errno::result(unsafe { libc::sigaction(libc::SIGBUS, &new, std::ptr::null_mut()) })?;
        Ok(Installed(previous))
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        // SAFETY: this action was in force before.
        unsafe { libc::sigaction(libc::SIGBUS, &self.0, std::ptr::null_mut()) };
    }
}

fn previous_action() -> Result<libc::sigaction, Errno> {
    // SAFETY: all zeros is a valid sigaction.
    let mut previous = unsafe { std::mem::zeroed() };
    // SAFETY: only asks for the action.
    Errno::result(unsafe { libc::sigaction(libc::SIGBUS, std::ptr::null(), &mut previous) })?;
    Ok(previous)
}

/// SIGBUS unblocked in this thread, until it is dropped.
struct Unblocked(SigSet);

impl Unblocked {
    fn new() -> Result<Unblocked, Missed> {
        SigSet::from(Signal::SIGBUS).thread_swap_mask(SigmaskHow::SIG_UNBLOCK).map(Unblocked).map_err(Missed::Call)
    }
}

impl Drop for Unblocked {
    fn drop(&mut self) {
        let _ = self.0.thread_set_mask();
    }
}

fn code(info: *mut siginfo_t) -> c_int {
    // SAFETY: the kernel passes a valid siginfo_t.
    unsafe { (*info).si_code }
}

fn address(info: *mut siginfo_t) -> usize {
    // SAFETY: the kernel passes a valid siginfo_t.
    let info = unsafe { &*info };
    // SAFETY: as such, of a signal that has an address.
    unsafe { info.si_addr() }.expose_provenance()
}

fn mapped(address: usize) -> bool {
    (START.load(Ordering::Relaxed)..END.load(Ordering::Relaxed)).contains(&address)
}

/// Where in the mapping an access has found no page; None if the signal is another one.
fn missed_at(info: *mut siginfo_t) -> Option<usize> {
    (code(info) > 0 && mapped(address(info))).then(|| address(info))
}

fn page_number(address: usize) -> usize {
    (address - START.load(Ordering::Relaxed)) / page_size()
}

/// The first page counts.
fn note(address: usize) {
    let _ = MISSED.compare_exchange(NONE, page_number(address), Ordering::Relaxed, Ordering::Relaxed);
}

/// Whether this is the first fault of the page. A second thread just tries its access again.
fn is_first(address: usize) -> bool {
    let page = page_number(address);
    let word = std::ptr::with_exposed_provenance_mut::<u32>(REPLACED.load(Ordering::Relaxed) + page / 32 * 4);
    // SAFETY: a word of the bits, which live as long as the handler.
    let word = unsafe { AtomicU32::from_ptr(word) };
    let bit = 1 << (page % 32);
    word.fetch_or(bit, Ordering::Relaxed) & bit == 0
}

fn replace(address: usize) -> Result<(), Errno> {
    if is_first(address) {
        // SAFETY: a page of our mapping, of which there are no references to plain bytes.
        unsafe { solution::zeros_over(address) }
    } else {
        Ok(())
    }
}

/// Puts the previous action back.
fn put_back() {
    // SAFETY: it was set before the handler was installed.
    if let Some(previous) = unsafe { &*PREVIOUS.0.get() } {
        // SAFETY: this action was in force before.
        unsafe { libc::sigaction(libc::SIGBUS, previous, std::ptr::null_mut()) };
    }
}

/// Lets the previous action have the signal: a fault comes again by itself, a signal that was sent is sent again.
fn pass_on(info: *mut siginfo_t) {
    put_back();
    if code(info) <= 0 {
        let (process, thread) = (getpid().as_raw(), gettid().as_raw());
        // SAFETY: the same siginfo to this very thread; it arrives when the handler returns.
        unsafe { libc::syscall(libc::SYS_rt_tgsigqueueinfo, process, thread, libc::SIGBUS, info) };
    }
}

extern "C" fn on_sigbus(_: c_int, info: *mut siginfo_t, _: *mut c_void) {
    let errno = Errno::last_raw();
    match missed_at(info) {
        Some(address) => {
            note(address);
            if replace(address).is_err() {
                pass_on(info);
            }
        }
        None => pass_on(info),
    }
    Errno::set_raw(errno);
}

fn outcome<T>(value: T) -> Result<T, Missed> {
    match MISSED.load(Ordering::Relaxed) {
        NONE => Ok(value),
        page => Err(Missed::Page(page)),
    }
}

/// All of it, with the handler and the mapping that are given.
fn run<T>(target: Mapping, action: Action, running: Running, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
    let (value, missed) = {
        let _running = running;
        let target = Target::of(target)?;
        let _action = Installed::new(action, libc::SA_ONSTACK)?;
        let _mask = Unblocked::new()?;
        (body(&target.mapping), outcome(()))
    };
    missed.map(|()| value)
}

fn with_action<T>(file: &File, length: usize, action: Action, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
    let running = Running::new()?;
    let mapping = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared).map_err(Missed::Call)?;
    run(mapping, action, running, body)
}

/// BUS_ADRERR, which libc doesn't have for every machine.
const NO_PAGE: c_int = 2;

type Handler = unsafe extern "C" fn(c_int, *mut siginfo_t, *mut c_void);

static BEFORE: Before = Before(UnsafeCell::new(MaybeUninit::uninit()));

/// The action from before, written before the handler is set and only read after that.
struct Before(UnsafeCell<MaybeUninit<libc::sigaction>>);

// SAFETY: the only writer is the running `survive`, while its handler isn't set.
unsafe impl Sync for Before {}

impl Before {
    fn get(&self) -> *mut libc::sigaction {
        self.0.get().cast()
    }
}

/// The right to run; given back when dropped.
struct Turn;

impl Turn {
    fn take() -> Result<Turn, Missed> {
        if RUNNING.swap(true, SeqCst) { Err(Missed::Call(Errno::EBUSY)) } else { Ok(Turn) }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        RUNNING.store(false, SeqCst);
    }
}

fn map(file: &File, length: usize) -> Result<Mapping, Missed> {
    Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared).map_err(Missed::Call)
}

/// Changes the thread's mask for SIGBUS and returns the mask from before.
fn mask_bus(how: c_int) -> Result<libc::sigset_t, Errno> {
    let (mut bus, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
    // SAFETY: sigemptyset initializes `bus`, and pthread_sigmask `before`.
    unsafe {
        libc::sigemptyset(bus.as_mut_ptr());
        libc::sigaddset(bus.as_mut_ptr(), libc::SIGBUS);
        match libc::pthread_sigmask(how, bus.as_ptr(), before.as_mut_ptr()) {
            0 => Ok(before.assume_init()),
            errno => Err(Errno::from_raw(errno)),
        }
    }
}

fn set_mask(mask: &libc::sigset_t) {
    // SAFETY: an initialized mask.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, mask, ptr::null_mut()) };
}

fn set_action(handler: usize, flags: c_int) -> Result<(), Errno> {
    // SAFETY: all zeros are a valid sigaction, and the handlers here do only what a handler may, if right.
    unsafe {
        let mut action: libc::sigaction = MaybeUninit::zeroed().assume_init();
        action.sa_sigaction = handler;
        action.sa_flags = flags;
        libc::sigemptyset(&mut action.sa_mask);
        Errno::result(libc::sigaction(libc::SIGBUS, &action, ptr::null_mut())).map(drop)
    }
}

const FLAGS: c_int = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;

/// Prepares the statics for a mapping and keeps the action from before.
fn prepare(start: usize, end: usize) -> Result<(), Missed> {
    MISSED.store(NONE, SeqCst);
    START.store(start, SeqCst);
    END.store(end, SeqCst);
    // SAFETY: the handler isn't set, so nothing else uses BEFORE.
    Errno::result(unsafe { libc::sigaction(libc::SIGBUS, ptr::null(), BEFORE.get()) }).map_err(Missed::Call)?;
    Ok(())
}

/// The action and the mask from before, set again when dropped.
struct Handling(libc::sigset_t);

impl Handling {
    fn of(mapping: &Mapping, handler: Handler, flags: c_int) -> Result<Handling, Missed> {
        prepare(mapping.range().start, mapping.range().end)?;
        Handling::start(handler, flags)
    }

    fn start(handler: Handler, flags: c_int) -> Result<Handling, Missed> {
        set_action(handler as usize, flags).map_err(Missed::Call)?;
        match mask_bus(libc::SIG_UNBLOCK) {
            Ok(mask) => Ok(Handling(mask)),
            Err(errno) => {
                action_from_before();
                Err(Missed::Call(errno))
            }
        }
    }
}

impl Drop for Handling {
    fn drop(&mut self) {
        set_mask(&self.0);
        action_from_before();
    }
}

fn action_from_before() {
    // SAFETY: BEFORE holds what sigaction(2) said.
    unsafe { libc::sigaction(libc::SIGBUS, BEFORE.get(), ptr::null_mut()) };
}

fn outcome_again<T>(result: T) -> Result<T, Missed> {
    match MISSED.load(SeqCst) {
        NONE => Ok(result),
        page => Err(Missed::Page(page)),
    }
}

/// The address of an access that found no page, and whether it is in the mapping.
unsafe fn missing(info: *const siginfo_t) -> Option<usize> {
    // SAFETY: the kernel passes a siginfo to a handler with SA_SIGINFO.
    let (code, address) = unsafe { ((*info).si_code, (*info).si_addr().addr()) };
    (code == NO_PAGE && (START.load(SeqCst)..END.load(SeqCst)).contains(&address)).then_some(address)
}

fn page_of(address: usize) -> usize {
    (address - START.load(SeqCst)) / page_size()
}

fn record_first(address: usize) {
    let _ = MISSED.compare_exchange(NONE, page_of(address), SeqCst, SeqCst);
}

/// Leaves the signal to the action from before: an access meets it when it is repeated, a signal that was sent is sent
/// again.
unsafe fn pass_on_again(info: *const siginfo_t) {
    action_from_before();
    // SAFETY: a siginfo from the kernel; raise(3) is async-signal-safe.
    unsafe {
        if (*info).si_code <= 0 {
            libc::raise(libc::SIGBUS);
        }
    }
}

/// A right handler.
unsafe extern "C" fn handle(_: c_int, info: *mut siginfo_t, _: *mut c_void) {
    let errno = Errno::last();
    // SAFETY: a siginfo from the kernel; the page is in the mapping, to which there are no references.
    unsafe {
        match missing(info) {
            Some(address) => {
                record_first(address);
                if zeros_over(address).is_err() {
                    pass_on_again(info);
                }
            }
            None => pass_on_again(info),
        }
    }
    errno.set();
}

/// What most answers do around their own handler.
fn survive_with<T>(
    file: &File,
    length: usize,
    handler: Handler,
    flags: c_int,
    body: impl FnOnce(&Mapping) -> T,
) -> Result<T, Missed> {
    let _turn = Turn::take()?;
    let mapping = map(file, length)?;
    let handling = Handling::of(&mapping, handler, flags)?;
    let result = body(&mapping);
    drop(handling);
    drop(mapping);
    outcome_again(result)
}

static OLD: Old = Old(UnsafeCell::new(MaybeUninit::uninit()));

/// The action for SIGBUS from before.
struct Old(UnsafeCell<MaybeUninit<libc::sigaction>>);

// SAFETY: it is written only by the one `survive` that has the claim, before its handler is there.
unsafe impl Sync for Old {}

type OnSignal = extern "C" fn(c_int, *mut siginfo_t, *mut c_void);

/// The right to be the only `survive`.
struct Claim;

impl Claim {
    fn new() -> Result<Claim, Missed> {
        match RUNNING.compare_exchange(false, true, SeqCst, SeqCst) {
            Ok(_) => Ok(Claim),
            Err(_) => Err(Missed::Call(Errno::EBUSY)),
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        RUNNING.store(false, SeqCst);
    }
}

/// Maps the file, and tells the handler where.
fn watched(file: &File, length: usize) -> Result<Mapping, Missed> {
    let mapping = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared).map_err(Missed::Call)?;
    watch(&mapping);
    MISSED.store(NONE, SeqCst);
    Ok(mapping)
}

fn watch(mapping: &Mapping) {
    START.store(mapping.range().start, SeqCst);
    END.store(mapping.range().end, SeqCst);
}

/// A handler that is there until it is dropped.
struct Set;

impl Set {
    fn new(handler: OnSignal, flags: c_int) -> Result<Set, Missed> {
        // SAFETY: it only asks; the place is ours to write.
        Errno::result(unsafe { libc::sigaction(libc::SIGBUS, null(), OLD.0.get().cast()) }).map_err(Missed::Call)?;
        // SAFETY: all its fields are numbers, a set of signals or an Option, for which zero is a value.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART | flags;
        // SAFETY: the handler keeps to async-signal-safe calls, as far as it is right.
        Errno::result(unsafe { libc::sigaction(libc::SIGBUS, &raw const action, null_mut()) }).map_err(Missed::Call)?;
        Ok(Set)
    }
}

impl Drop for Set {
    fn drop(&mut self) {
        restore();
    }
}

fn restore() {
    // SAFETY: OLD has been filled before there was a handler.
    unsafe { libc::sigaction(libc::SIGBUS, OLD.0.get().cast(), null_mut()) };
}

/// The mask of the thread from before, which it gets back.
struct OldMask(SigSet);

impl OldMask {
    fn unblock() -> Result<OldMask, Missed> {
        SigSet::from(Signal::SIGBUS).thread_swap_mask(SigmaskHow::SIG_UNBLOCK).map(OldMask).map_err(Missed::Call)
    }
}

impl Drop for OldMask {
    fn drop(&mut self) {
        let _ = self.0.thread_set_mask();
    }
}

/// The si_code and the address.
fn read_info(info: *mut siginfo_t) -> (c_int, usize) {
    // SAFETY: the kernel gives the handler a valid one.
    let code = unsafe { (*info).si_code };
    // SAFETY: as above.
    (code, unsafe { (*info).si_addr() }.expose_provenance())
}

fn is_ours(code: c_int, address: usize) -> bool {
    code == libc::BUS_ADRERR && (START.load(SeqCst)..END.load(SeqCst)).contains(&address)
}

fn page_missed(address: usize) -> usize {
    (address - START.load(SeqCst)) / page_size()
}

fn record_page(address: usize) {
    let _ = MISSED.compare_exchange(NONE, page_missed(address), SeqCst, SeqCst);
}

/// Maps zeros over `length` bytes from the page of `address` on; false if that fails.
fn zeros(address: usize, length: usize, sharing: c_int) -> bool {
    let start = with_exposed_provenance_mut(address - address % page_size());
    let flags = libc::MAP_FIXED | libc::MAP_ANONYMOUS | sharing;
    // SAFETY: in the mapping of `survive`, to which there are no references but atomic ones.
    unsafe { libc::mmap(start, length, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) != libc::MAP_FAILED }
}

/// Leaves a SIGBUS to the action from before: an access is repeated, one that was sent is sent again.
fn forward(code: c_int) {
    restore();
    if !(libc::BUS_ADRALN..=libc::BUS_MCEERR_AR).contains(&code) {
        // SAFETY: raise is async-signal-safe.
        unsafe { libc::raise(libc::SIGBUS) };
    }
}

/// The right handler.
extern "C" fn on_bus(_: c_int, info: *mut siginfo_t, _: *mut c_void) {
    let errno = Errno::last_raw();
    let (code, address) = read_info(info);
    if is_ours(code, address) {
        record_page(address);
        if !zeros(address, page_size(), libc::MAP_PRIVATE) {
            forward(code);
        }
    } else {
        forward(code);
    }
    Errno::set_raw(errno);
}

fn of_record<T>(value: T) -> Result<T, Missed> {
    match MISSED.load(SeqCst) {
        NONE => Ok(value),
        page => Err(Missed::Page(page)),
    }
}

/// The right one, but for the handler and its flags.
fn survive_by<T>(
    handler: OnSignal,
    flags: c_int,
    file: &File,
    length: usize,
    body: impl FnOnce(&Mapping) -> T,
) -> Result<T, Missed> {
    let _claim = Claim::new()?;
    let mapping = watched(file, length)?;
    let _installed = Set::new(handler, flags)?;
    let _mask = OldMask::unblock()?;
    of_record(body(&mapping))
}

/// Takes a bus error for a panic, and catches that.
///
/// fails: survive::returns_the_result_or_the_first_missing_page killed fault-can-be-caught
/// fails: survive::says_why_it_cannot_map failed
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

/// Keeps its guard in `_`: the handler is undone before the body runs.
///
/// breaks: "An access that finds no page does not kill the process"
/// fails: survive::returns_the_result_or_the_first_missing_page killed
mod undone_at_once {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let _claim = Claim::new()?;
        let mapping = watched(file, length)?;
        let _ = Set::new(on_bus, 0)?;
        let _mask = OldMask::unblock()?;
        of_record(body(&mapping))
    }
}

/// Maps zeros over the whole mapping at the first missing page.
///
/// fails: survive::lets_only_one_run_at_a_time failed
/// fails: survive::notices_a_page_that_was_gone_for_a_moment failed
/// fails: survive::returns_the_result_or_the_first_missing_page failed
/// fails: survive::says_why_it_cannot_map failed
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
/// fails: survive::says_why_it_cannot_map failed
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
/// fails: survive::returns_the_result_or_the_first_missing_page killed
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
/// fails: survive::says_why_it_cannot_map failed
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
/// fails: survive::counts_a_store_for_which_the_disk_has_no_space failed
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
/// fails: survive::counts_a_store_for_which_the_disk_has_no_space killed
/// fails: survive::leaves_every_other_sigbus_to_the_action_from_before failed
/// fails: survive::leaves_the_process_as_it_was failed
/// fails: survive::lets_only_one_run_at_a_time failed
/// fails: survive::notices_a_page_that_was_gone_for_a_moment killed size-counts-when-mapped
/// fails: survive::returns_the_result_or_the_first_missing_page failed
/// fails: survive::says_why_it_cannot_map failed
/// fails: survive::serves_every_thread_that_the_body_starts failed
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

/// Records each missing page over the one before.
///
/// fails: survive::leaves_the_process_as_it_was failed
/// fails: survive::lets_only_one_run_at_a_time failed
/// fails: survive::notices_a_page_that_was_gone_for_a_moment failed
/// fails: survive::returns_the_result_or_the_first_missing_page failed
/// fails: survive::says_why_it_cannot_map failed
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
        if unsafe { zeros_over(address) }.is_err() {
            pass_on(signal, info);
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
/// fails: survive::says_why_it_cannot_map failed
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
/// fails: survive::lets_only_one_run_at_a_time killed
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
/// fails: survive::lets_only_one_run_at_a_time failed
/// fails: survive::says_why_it_cannot_map failed
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
/// fails: survive::says_why_it_cannot_map left_processes
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
/// fails: survive::says_why_it_cannot_map failed
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

/// Guards undo each step when they are dropped, after a panic as well.
///
/// passes
mod guards {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        with_action(file, length, on_sigbus, body)
    }
}

/// Catches the panic, cleans up by hand, and lets it go on; and installs the handler before there is a mapping.
///
/// passes
mod catches_and_resumes {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let running = Running::new()?;
        let mask = Unblocked::new()?;
        let action = Installed::new(on_sigbus, libc::SA_NODEFER | libc::SA_RESTART)?;
        let target = Target::new(file, length)?;
        let result = catch_unwind(AssertUnwindSafe(|| body(&target.mapping)));
        let missed = outcome(());
        drop(action);
        drop(mask);
        drop(target);
        drop(running);
        let value = result.unwrap_or_else(|panic| resume_unwind(panic));
        missed.map(|()| value)
    }
}

/// Calls a simple previous handler directly, and stays installed; other actions get the signal the usual way.
///
/// passes
mod calls_a_simple_handler {
    use super::*;

    extern "C" fn chaining(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
        if missed_at(info).is_some() {
            return on_sigbus(signal, info, context);
        }
        // SAFETY: it was set before the handler was installed.
        let Some(previous) = (unsafe { *PREVIOUS.0.get() }) else { return };
        // SAFETY: the set is one that the kernel has filled in.
        let mask = unsafe { SigSet::from_sigset_t_unchecked(previous.sa_mask) };
        let simple = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART | 0x0400_0000;
        if [libc::SIG_DFL, libc::SIG_IGN].contains(&previous.sa_sigaction)
            || previous.sa_flags & !simple != 0
            || mask.iter().next().is_some()
        {
            return pass_on(info);
        }
        if previous.sa_flags & libc::SA_SIGINFO != 0 {
            // SAFETY: with SA_SIGINFO the action is a function of this type.
            let call: Action = unsafe { std::mem::transmute(previous.sa_sigaction) };
            call(signal, info, context);
        } else {
            // SAFETY: without SA_SIGINFO the action is a function of this type.
            let call: extern "C" fn(c_int) = unsafe { std::mem::transmute(previous.sa_sigaction) };
            call(signal);
        }
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        with_action(file, length, chaining, body)
    }
}

/// Maps through a duplicate that it closes before the body runs, and asks for the length first.
///
/// passes
mod through_a_duplicate {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let running = Running::new()?;
        let mapping = {
            let copy =
                file.try_clone().map_err(|error| Missed::Call(Errno::from_raw(error.raw_os_error().unwrap())))?;
            Mapping::of_file(copy, 0, length, READ_WRITE, Sharing::Shared).map_err(Missed::Call)?
        };
        run(mapping, on_sigbus, running, body)
    }
}

/// Sends the signal again with raise(3), so that the previous handler does not learn who has sent it.
///
/// passes
mod raises_again {
    use super::*;

    extern "C" fn raising(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
        if code(info) > 0 {
            return on_sigbus(signal, info, context);
        }
        put_back();
        let _ = raise(Signal::SIGBUS);
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        with_action(file, length, raising, body)
    }
}

/// Replaces a page once for each thread that misses it: a store of the first thread is lost to the second's fresh page.
///
/// passes
mod replaces_a_page_twice {
    use super::*;

    extern "C" fn every_time(_: c_int, info: *mut siginfo_t, _: *mut c_void) {
        let Some(address) = missed_at(info) else { return pass_on(info) };
        note(address);
        // SAFETY: a page of our mapping, of which there are no references to plain bytes.
        if unsafe { solution::zeros_over(address) }.is_err() {
            pass_on(info);
        }
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        with_action(file, length, every_time, body)
    }
}

/// Checks the length before it checks whether another one is running.
///
/// breaks: "`Missed::Call` with EBUSY when another `survive` is running, in whatever thread, whatever `length` is."
/// fails: survive::lets_only_one_run_at_a_time failed
mod einval_before_ebusy {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        if length == 0 {
            return Err(Missed::Call(Errno::EINVAL));
        }
        guards::survive(file, length, body)
    }
}

/// Leaves the signal mask as it is; where SIGBUS is blocked the kernel kills.
///
/// breaks: "It works in a thread that has SIGBUS blocked, by unblocking it alone: a pending one is delivered."
/// fails: survive::returns_the_result_or_the_first_missing_page killed
mod stays_blocked {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let _running = Running::new()?;
        let target = Target::new(file, length)?;
        let _action = Installed::new(on_sigbus, libc::SA_ONSTACK)?;
        let value = body(&target.mapping);
        outcome(value)
    }
}

/// Unblocks SIGBUS and leaves it so.
///
/// breaks: "Afterwards the action for SIGBUS and the signal mask of the thread are those from before."
/// fails: survive::leaves_the_process_as_it_was failed
mod leaves_it_unblocked {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let _running = Running::new()?;
        let target = Target::new(file, length)?;
        let _action = Installed::new(on_sigbus, libc::SA_ONSTACK)?;
        SigSet::from(Signal::SIGBUS).thread_unblock().map_err(Missed::Call)?;
        let value = body(&target.mapping);
        outcome(value)
    }
}

/// Blocks SIGBUS afterwards, whether it was blocked before or not.
///
/// breaks: "Afterwards the action for SIGBUS and the signal mask of the thread are those from before."
/// fails: survive::leaves_the_process_as_it_was failed
/// fails: survive::lets_only_one_run_at_a_time killed
mod blocks_afterwards {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let result = guards::survive(file, length, body);
        let _ = SigSet::from(Signal::SIGBUS).thread_block();
        result
    }
}

/// Restores the mask only after a body that returns: a panic leaves SIGBUS unblocked.
///
/// breaks: "All of this holds after an error, and after a panic of `body`, too."
/// fails: survive::leaves_the_process_as_it_was failed what-follows-always-runs
mod mask_after_a_panic {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let _running = Running::new()?;
        let target = Target::new(file, length)?;
        let _action = Installed::new(on_sigbus, libc::SA_ONSTACK)?;
        let mask = std::mem::ManuallyDrop::new(Unblocked::new()?);
        let value = body(&target.mapping);
        drop(std::mem::ManuallyDrop::into_inner(mask));
        outcome(value)
    }
}

/// Cleans up in the last lines, which a panic never reaches.
///
/// breaks: "A panic of `body` reaches the caller, whatever page was missed, and the next `survive` works."
/// fails: survive::leaves_the_process_as_it_was failed what-follows-always-runs
mod no_thought_of_panics {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let running = std::mem::ManuallyDrop::new(Running::new()?);
        let target = Target::new(file, length).inspect_err(|_| RUNNING.store(false, Ordering::Release))?;
        let action = std::mem::ManuallyDrop::new(Installed::new(on_sigbus, libc::SA_ONSTACK)?);
        let _mask = Unblocked::new()?;
        let value = body(&target.mapping);
        drop(std::mem::ManuallyDrop::into_inner(action));
        let result = outcome(value);
        drop(std::mem::ManuallyDrop::into_inner(running));
        result
    }
}

/// Turns a panic into an error.
///
/// breaks: "A panic of `body` reaches the caller, whatever page was missed, and the next `survive` works."
/// fails: survive::leaves_the_process_as_it_was failed
mod swallows_the_panic {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let caught = |mapping: &Mapping| catch_unwind(AssertUnwindSafe(|| body(mapping)));
        guards::survive(file, length, caught)?.map_err(|_| Missed::Call(Errno::ECANCELED))
    }
}

/// Catches a panic to clean up, and then returns the missing page rather than to go on with the panic.
///
/// breaks: "A panic of `body` reaches the caller, whatever page was missed, and the next `survive` works."
/// fails: survive::leaves_the_process_as_it_was failed
mod a_missing_page_hides_the_panic {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let caught = |mapping: &Mapping| catch_unwind(AssertUnwindSafe(|| body(mapping)));
        Ok(guards::survive(file, length, caught)?.unwrap_or_else(|panic| resume_unwind(panic)))
    }
}

/// Takes each SIGBUS with an address for its own, and maps zeros into other people's mappings.
///
/// breaks: "Any other SIGBUS, sent by a process or caused by another mapping, meets the action set before."
/// fails: survive::leaves_every_other_sigbus_to_the_action_from_before failed handler-is-for-one-mapping
mod zeros_everywhere {
    use super::*;

    extern "C" fn greedy(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
        if code(info) > 0 && !mapped(address(info)) {
            // SAFETY: none: the page may be anybody's.
            let _ = unsafe { solution::zeros_over(address(info)) };
        } else {
            on_sigbus(signal, info, context);
        }
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        with_action(file, length, greedy, body)
    }
}

/// Puts the previous action back and returns, and waits in vain for a signal that was sent to come again.
///
/// breaks: "Any other SIGBUS, sent by a process or caused by another mapping, meets the action set before."
/// fails: survive::leaves_every_other_sigbus_to_the_action_from_before failed
mod forgets_a_sent_signal {
    use super::*;

    extern "C" fn forgetful(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
        if missed_at(info).is_some() { on_sigbus(signal, info, context) } else { put_back() }
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        with_action(file, length, forgetful, body)
    }
}

/// Does not look at si_code: a signal sent with an address inside the mapping counts as a missing page.
///
/// breaks: "Any other SIGBUS, sent by a process or caused by another mapping, meets the action set before."
/// fails: survive::leaves_every_other_sigbus_to_the_action_from_before failed handler-is-for-one-mapping
mod believes_a_forged_address {
    use super::*;

    extern "C" fn gullible(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
        if !mapped(address(info)) {
            return on_sigbus(signal, info, context);
        }
        note(address(info));
        let _ = replace(address(info));
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        with_action(file, length, gullible, body)
    }
}

/// Gives every other SIGBUS the default action, although there was a handler.
///
/// breaks: "Any other SIGBUS, sent by a process or caused by another mapping, meets the action set before."
/// fails: survive::leaves_every_other_sigbus_to_the_action_from_before killed
mod kills_by_default {
    use super::*;

    extern "C" fn deadly(handled: c_int, info: *mut siginfo_t, context: *mut c_void) {
        if missed_at(info).is_some() {
            return on_sigbus(handled, info, context);
        }
        // SAFETY: no handler of ours runs then.
        let _ = unsafe { signal(Signal::SIGBUS, SigHandler::SigDfl) };
        let _ = raise(Signal::SIGBUS);
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        with_action(file, length, deadly, body)
    }
}

/// Ends the process itself for every other SIGBUS: the parent sees an exit status, or another signal.
///
/// breaks: "With the default action, such a SIGBUS kills the process."
/// fails: survive::leaves_every_other_sigbus_to_the_action_from_before exited
mod exits_instead {
    use super::*;

    extern "C" fn exiting(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
        if missed_at(info).is_some() {
            return on_sigbus(signal, info, context);
        }
        // SAFETY: _exit(2) is async-signal-safe.
        unsafe { libc::_exit(128 + libc::SIGBUS) };
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        with_action(file, length, exiting, body)
    }
}

/// Calls the previous action as a function, and where that is SIG_DFL (the address 0) does nothing at all.
///
/// breaks: "With the default action, such a SIGBUS kills the process."
/// fails: survive::leaves_every_other_sigbus_to_the_action_from_before timed_out
mod calls_sig_dfl {
    use super::*;

    extern "C" fn blind(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
        if missed_at(info).is_some() {
            return on_sigbus(signal, info, context);
        }
        // SAFETY: it was set before the handler was installed.
        let previous = unsafe { *PREVIOUS.0.get() }.map_or(0, |previous| previous.sa_sigaction);
        // SAFETY: none, if the previous action was no function.
        let call: Option<Action> = unsafe { std::mem::transmute(previous) };
        if let Some(call) = call {
            call(signal, info, context);
        }
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        with_action(file, length, blind, body)
    }
}

/// Sets the default action afterwards instead of the one from before.
///
/// breaks: "Afterwards the action for SIGBUS and the signal mask of the thread are those from before."
/// fails: survive::leaves_the_process_as_it_was failed
/// fails: survive::lets_only_one_run_at_a_time killed
mod default_afterwards {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let result = guards::survive(file, length, body);
        if !matches!(result, Err(Missed::Call(Errno::EBUSY))) {
            // SAFETY: no handler of ours runs then.
            let _ = unsafe { signal(Signal::SIGBUS, SigHandler::SigDfl) };
        }
        result
    }
}

/// Installs the handler once for the whole process, and leaves it there.
///
/// breaks: "Afterwards the action for SIGBUS and the signal mask of the thread are those from before."
/// fails: survive::leaves_the_process_as_it_was exited
/// fails: survive::says_why_it_cannot_map failed
mod installs_once {
    use super::*;

    static ONCE: Once = Once::new();

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let _running = Running::new()?;
        let target = Target::new(file, length)?;
        ONCE.call_once(|| std::mem::forget(Installed::new(on_sigbus, libc::SA_ONSTACK)));
        let _mask = Unblocked::new()?;
        let value = body(&target.mapping);
        outcome(value)
    }
}

/// Restores the handler of a previous action but neither its flags nor its mask, as signal(2) does.
///
/// breaks: "Afterwards the action for SIGBUS and the signal mask of the thread are those from before."
/// fails: survive::leaves_the_process_as_it_was failed
mod restores_only_the_handler {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let before = previous_action().map_err(Missed::Call)?;
        let result = guards::survive(file, length, body);
        if !RUNNING.load(Ordering::Relaxed) {
            // SAFETY: this handler was in force before.
            unsafe { libc::signal(libc::SIGBUS, before.sa_sigaction) };
        }
        result
    }
}

/// Asks for SA_RESETHAND, so that the second missing page kills.
///
/// breaks: "An access that finds no page does not kill the process"
/// fails: survive::leaves_every_other_sigbus_to_the_action_from_before killed
/// fails: survive::leaves_the_process_as_it_was killed
/// fails: survive::lets_only_one_run_at_a_time killed
/// fails: survive::neither_locks_nor_allocates_in_the_handler killed
/// fails: survive::notices_a_page_that_was_gone_for_a_moment killed
/// fails: survive::returns_the_result_or_the_first_missing_page killed
mod once_only {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let _running = Running::new()?;
        let target = Target::new(file, length)?;
        let _action = Installed::new(on_sigbus, libc::SA_RESETHAND)?;
        let _mask = Unblocked::new()?;
        let value = body(&target.mapping);
        outcome(value)
    }
}

/// Serves only faults of the thread that called it; a thread that the body has started dies, and all with it.
///
/// breaks: "An access that finds no page does not kill the process"
/// fails: survive::neither_locks_nor_allocates_in_the_handler killed
/// fails: survive::serves_every_thread_that_the_body_starts killed
mod one_thread_only {
    use super::*;

    static THREAD: AtomicI32 = AtomicI32::new(0);

    extern "C" fn in_one_thread(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
        // SAFETY: gettid(2) has no conditions.
        if unsafe { libc::gettid() } == THREAD.load(Ordering::Relaxed) {
            on_sigbus(signal, info, context);
        } else {
            pass_on(info);
        }
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        if !RUNNING.load(Ordering::Relaxed) {
            // SAFETY: gettid(2) has no conditions.
            THREAD.store(unsafe { libc::gettid() }, Ordering::Relaxed);
        }
        with_action(file, length, in_one_thread, body)
    }
}

/// Records each page and so returns the last one.
///
/// breaks: "`Missed::Page` has the page that the first such access, in order of time, did not find."
/// fails: survive::leaves_the_process_as_it_was failed
/// fails: survive::lets_only_one_run_at_a_time failed
/// fails: survive::notices_a_page_that_was_gone_for_a_moment failed
/// fails: survive::returns_the_result_or_the_first_missing_page failed
mod the_last_page_counts {
    use super::*;

    extern "C" fn last(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
        on_sigbus(signal, info, context);
        if let Some(address) = missed_at(info) {
            MISSED.store(page_number(address), Ordering::Relaxed);
        }
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        with_action(file, length, last, body)
    }
}

/// Returns the lowest of the missing pages, and not the first in time.
///
/// breaks: "`Missed::Page` has the page that the first such access, in order of time, did not find."
/// fails: survive::leaves_the_process_as_it_was failed
/// fails: survive::notices_a_page_that_was_gone_for_a_moment failed
/// fails: survive::returns_the_result_or_the_first_missing_page failed
mod the_lowest_page_counts {
    use super::*;

    extern "C" fn lowest(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
        on_sigbus(signal, info, context);
        if let Some(address) = missed_at(info) {
            MISSED.fetch_min(page_number(address), Ordering::Relaxed);
        }
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        with_action(file, length, lowest, body)
    }
}

/// Takes 0 for "no page is missing", which page 0 is as well.
///
/// breaks: "An access found no page: the number of that page in the mapping, from 0 on."
/// fails: survive::leaves_every_other_sigbus_to_the_action_from_before failed
/// fails: survive::notices_a_page_that_was_gone_for_a_moment failed
/// fails: survive::returns_the_result_or_the_first_missing_page failed
mod page_zero_is_no_page {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let mut kept = None;
        match guards::survive(file, length, |mapping| kept = Some(body(mapping))) {
            Ok(()) | Err(Missed::Page(0)) => Ok(kept.expect("the body has run")),
            Err(missed) => Err(missed),
        }
    }
}

/// Counts the pages from 1.
///
/// breaks: "An access found no page: the number of that page in the mapping, from 0 on."
/// fails: survive::returns_the_result_or_the_first_missing_page failed
mod counts_from_one {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        guards::survive(file, length, body).map_err(|missed| match missed {
            Missed::Page(page) => Missed::Page(page + 1),
            call => call,
        })
    }
}

/// Never forgets the missing page of an earlier call.
///
/// breaks: "If every access finds its page, the result is that of `body`, whatever the file's size."
/// fails: survive::lets_only_one_run_at_a_time failed
mod remembers_the_last_call {
    use super::*;

    static EVER: AtomicUsize = AtomicUsize::new(NONE);

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let result = guards::survive(file, length, body);
        if let Err(Missed::Page(page)) = result {
            let _ = EVER.compare_exchange(NONE, page, Ordering::Relaxed, Ordering::Relaxed);
        }
        match (result, EVER.load(Ordering::Relaxed)) {
            (Err(Missed::Call(errno)), _) => Err(Missed::Call(errno)),
            (result, NONE) => result,
            (_, page) => Err(Missed::Page(page)),
        }
    }
}

/// Refuses from the start a file that is shorter than the mapping, and does not run the body.
///
/// breaks: "If every access finds its page, the result is that of `body`, whatever the file's size."
/// fails: survive::leaves_every_other_sigbus_to_the_action_from_before failed
/// fails: survive::leaves_the_process_as_it_was failed
/// fails: survive::lets_only_one_run_at_a_time failed
/// fails: survive::notices_a_page_that_was_gone_for_a_moment failed
/// fails: survive::returns_the_result_or_the_first_missing_page failed
/// fails: survive::says_why_it_cannot_map failed
/// fails: survive::serves_every_thread_that_the_body_starts failed
mod looks_at_the_size_before {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let size = file.metadata().map_or(0, |metadata| usize::try_from(metadata.len()).unwrap_or(0));
        let pages = size.div_ceil(page_size());
        if !RUNNING.load(Ordering::Relaxed) && length > pages * page_size() {
            return Err(Missed::Page(pages));
        }
        guards::survive(file, length, body)
    }
}

/// Looks at the file's size after the body to find out whether something was missing.
///
/// breaks: "A page missing at the moment of an access counts, even if it is there before and after."
/// fails: survive::counts_a_store_for_which_the_disk_has_no_space failed
/// fails: survive::notices_a_page_that_was_gone_for_a_moment failed size-afterwards-tells-all
mod looks_at_the_size_after {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let mut kept = None;
        let result = guards::survive(file, length, |mapping| kept = Some(body(mapping)));
        if let Err(Missed::Page(page)) = result {
            let size = file.metadata().map_or(0, |metadata| usize::try_from(metadata.len()).unwrap_or(0));
            if size > page * page_size() {
                return Ok(kept.expect("the body has run"));
            }
        }
        result.map(|()| kept.expect("the body has run"))
    }
}

/// Reports the first page past the end of the file as it is after the fault, not the page that was accessed.
///
/// breaks: "`Missed::Page` has the page that the first such access, in order of time, did not find."
/// fails: survive::leaves_the_process_as_it_was failed
/// fails: survive::lets_only_one_run_at_a_time failed
/// fails: survive::returns_the_result_or_the_first_missing_page failed
mod the_first_page_past_the_end {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        guards::survive(file, length, body).map_err(|missed| match missed {
            Missed::Page(page) => {
                let size = file.metadata().map_or(0, |metadata| usize::try_from(metadata.len()).unwrap_or(0));
                Missed::Page(page.min(size.div_ceil(page_size())))
            }
            call => call,
        })
    }
}

/// Tries every page before the body runs, which then runs without a handler; a file truncated meanwhile kills.
///
/// breaks: "An access that finds no page does not kill the process"
/// fails: survive::counts_a_store_for_which_the_disk_has_no_space failed
/// fails: survive::leaves_the_process_as_it_was failed
/// fails: survive::lets_only_one_run_at_a_time failed
/// fails: survive::notices_a_page_that_was_gone_for_a_moment killed size-counts-when-mapped
/// fails: survive::returns_the_result_or_the_first_missing_page failed
/// fails: survive::says_why_it_cannot_map failed
mod tries_the_pages_first {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let _running = Running::new()?;
        let mapping = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared).map_err(Missed::Call)?;
        let copy = file.try_clone().map_err(|_| Missed::Call(Errno::EMFILE))?;
        let guarded = Guarded::new(copy, 0, length).map_err(Missed::Call)?;
        for at in (0..length).step_by(page_size()) {
            match guarded.read(at, &mut [0]) {
                Ok(()) => {}
                Err(GuardError::NoPage { page, .. }) => {
                    note(START.load(Ordering::Relaxed) + page * page_size());
                    // SAFETY: a page of our mapping, of which there are no references to plain bytes.
                    unsafe { solution::zeros_over(mapping.address() + at) }.map_err(Missed::Call)?;
                }
                Err(_) => return Err(Missed::Call(Errno::EIO)),
            }
        }
        let value = body(&mapping);
        outcome(value)
    }
}

/// Has the handler give the file the page that it lacks: the access succeeds, and the file has grown.
///
/// breaks: "`body` can load from a page of zeros and store to it, but its stores never reach the file."
/// fails: survive::counts_a_store_for_which_the_disk_has_no_space timed_out
/// fails: survive::leaves_the_process_as_it_was failed
/// fails: survive::lets_only_one_run_at_a_time failed
/// fails: survive::notices_a_page_that_was_gone_for_a_moment failed
/// fails: survive::returns_the_result_or_the_first_missing_page failed
mod grows_the_file_in_the_handler {
    use super::*;

    static FILE: AtomicI32 = AtomicI32::new(-1);

    extern "C" fn growing(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
        let Some(address) = missed_at(info) else { return on_sigbus(signal, info, context) };
        note(address);
        let size = (page_number(address) + 1) * page_size();
        // SAFETY: the descriptor is the caller's, and open while the body runs.
        unsafe { libc::ftruncate(FILE.load(Ordering::Relaxed), size.cast_signed() as i64) };
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        if !RUNNING.load(Ordering::Relaxed) {
            FILE.store(file.as_raw_fd(), Ordering::Relaxed);
        }
        with_action(file, length, growing, body)
    }
}

/// Maps the file privately, for safety.
///
/// breaks: "Every other page stays the file's: loads see what others write, and stores reach the file."
/// fails: survive::returns_the_result_or_the_first_missing_page failed
/// fails: survive::says_why_it_cannot_map failed
mod maps_privately {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let running = Running::new()?;
        let mapping = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Private).map_err(Missed::Call)?;
        run(mapping, on_sigbus, running, body)
    }
}

/// Replaces the rest of the mapping, too, as all pages after a missing one are missing, it thinks.
///
/// breaks: "Every other page stays the file's: loads see what others write, and stores reach the file."
/// fails: survive::notices_a_page_that_was_gone_for_a_moment failed
mod zeros_to_the_end {
    use super::*;

    extern "C" fn to_the_end(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
        let Some(address) = missed_at(info) else { return on_sigbus(signal, info, context) };
        note(address);
        for page in (address..END.load(Ordering::Relaxed)).step_by(page_size()) {
            let _ = replace(page);
        }
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        with_action(file, length, to_the_end, body)
    }
}

/// Replaces the whole mapping at the first missing page.
///
/// breaks: "Every other page stays the file's: loads see what others write, and stores reach the file."
/// fails: survive::notices_a_page_that_was_gone_for_a_moment failed
/// fails: survive::returns_the_result_or_the_first_missing_page failed
mod zeros_all_over {
    use super::*;

    extern "C" fn all_over(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
        let Some(address) = missed_at(info) else { return on_sigbus(signal, info, context) };
        note(address);
        for page in (START.load(Ordering::Relaxed)..END.load(Ordering::Relaxed)).step_by(page_size()) {
            let _ = replace(page);
        }
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        with_action(file, length, all_over, body)
    }
}

/// Maps zeros for reading only: a load survives, a store meets SIGSEGV.
///
/// breaks: "`body` can load from a page of zeros and store to it"
/// fails: survive::counts_a_store_for_which_the_disk_has_no_space killed
/// fails: survive::notices_a_page_that_was_gone_for_a_moment killed
/// fails: survive::returns_the_result_or_the_first_missing_page killed
mod only_loads_survive {
    use super::*;

    extern "C" fn for_reading(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
        on_sigbus(signal, info, context);
        if let Some(address) = missed_at(info) {
            let start = std::ptr::with_exposed_provenance_mut(address - address % page_size());
            // SAFETY: the page of zeros from just now.
            unsafe { libc::mprotect(start, page_size(), libc::PROT_READ) };
        }
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        with_action(file, length, for_reading, body)
    }
}

/// Compares the address with the length that was asked for; the rest of the last page belongs to nobody.
///
/// breaks: "An access that finds no page does not kill the process"
/// fails: survive::returns_the_result_or_the_first_missing_page killed
mod ends_at_the_length {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        guards::survive(file, length, |mapping| {
            END.store(mapping.address() + length, Ordering::Relaxed);
            body(mapping)
        })
    }
}

/// Starts its guard before it knows whether another one is running; a nested call disarms the outer one.
///
/// breaks: "One `survive` runs at a time: a nested one does not run its `body`, and the outer one continues."
/// fails: survive::lets_only_one_run_at_a_time timed_out
mod nested_disarms_the_outer {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let busy = RUNNING.swap(true, Ordering::AcqRel);
        let running = Running;
        if busy {
            return Err(Missed::Call(Errno::EBUSY));
        }
        MISSED.store(NONE, Ordering::Relaxed);
        let mapping = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared).map_err(Missed::Call)?;
        run(mapping, on_sigbus, running, body)
    }
}

/// Takes a lock without waiting, and calls a lock that a panic has poisoned busy for ever.
///
/// breaks: "A panic of `body` reaches the caller, whatever page was missed, and the next `survive` works."
/// fails: survive::leaves_the_process_as_it_was failed what-follows-always-runs
mod poisoned_by_a_panic {
    use super::*;

    static TURN: Mutex<()> = Mutex::new(());

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let Ok(_turn) = TURN.try_lock() else { return Err(Missed::Call(Errno::EBUSY)) };
        guards::survive(file, length, body)
    }
}

/// Notices only a nested call of the same thread; two threads overwrite each other's mapping.
///
/// breaks: "`Missed::Call` with EBUSY when another `survive` is running, in whatever thread, whatever `length` is."
/// fails: survive::lets_only_one_run_at_a_time timed_out
mod busy_in_this_thread {
    use super::*;

    thread_local! {
        static HERE: Cell<bool> = const { Cell::new(false) };
    }

    struct Here;

    impl Drop for Here {
        fn drop(&mut self) {
            HERE.set(false);
        }
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        if HERE.replace(true) {
            return Err(Missed::Call(Errno::EBUSY));
        }
        let _here = Here;
        MISSED.store(NONE, Ordering::Relaxed);
        let target = Target::new(file, length)?;
        let _action = Installed::new(on_sigbus, libc::SA_ONSTACK)?;
        let _mask = Unblocked::new()?;
        let value = body(&target.mapping);
        outcome(value)
    }
}

/// Lets a nested call run its body, with the mapping of its own, under the outer one's handler.
///
/// breaks: "One `survive` runs at a time: a nested one does not run its `body`, and the outer one continues."
/// fails: survive::lets_only_one_run_at_a_time failed
mod nested_runs_unprotected {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        if RUNNING.load(Ordering::Relaxed) {
            let mapping = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared).map_err(Missed::Call)?;
            body(&mapping);
            return Err(Missed::Call(Errno::EBUSY));
        }
        guards::survive(file, length, body)
    }
}

/// Says EAGAIN, try again, where the contract says EBUSY.
///
/// breaks: "`Missed::Call` with EBUSY when another `survive` is running, in whatever thread, whatever `length` is."
/// fails: survive::lets_only_one_run_at_a_time failed
mod try_again {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        guards::survive(file, length, body).map_err(|missed| match missed {
            Missed::Call(Errno::EBUSY) => Missed::Call(Errno::EAGAIN),
            other => other,
        })
    }
}

/// Returns early when mmap(2) fails, and is busy ever after.
///
/// breaks: "`Missed::Call` with EBUSY when another `survive` is running, in whatever thread, whatever `length` is."
/// fails: survive::leaves_the_process_as_it_was failed
/// fails: survive::says_why_it_cannot_map failed
mod busy_after_an_error {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let running = std::mem::ManuallyDrop::new(Running::new()?);
        let mapping = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared).map_err(Missed::Call)?;
        run(mapping, on_sigbus, std::mem::ManuallyDrop::into_inner(running), body)
    }
}

/// Rounds the length before the kernel has seen it, so that a huge length overflows instead of being ENOMEM.
///
/// breaks: "`Missed::Call` with the errno of any other call that fails before `body` runs."
/// fails: survive::lets_only_one_run_at_a_time failed
/// fails: survive::says_why_it_cannot_map panicked
mod rounds_before_it_maps {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let pages = mmap_workbook::observe::whole_pages(length) / page_size();
        if pages == 0 {
            return Err(Missed::Call(Errno::EINVAL));
        }
        guards::survive(file, length, body)
    }
}

/// Gives an empty mapping the length of one page.
///
/// breaks: "`Missed::Call` with EINVAL when `length` is 0."
/// fails: survive::leaves_the_process_as_it_was failed
mod at_least_one_byte {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        guards::survive(file, length.max(1), body)
    }
}

/// Does not say why mmap(2) failed: it is always a lack of memory.
///
/// breaks: "`Missed::Call` with the errno of any other call that fails before `body` runs."
/// fails: survive::says_why_it_cannot_map failed
mod always_enomem_for_mmap {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        guards::survive(file, length, body).map_err(|missed| match missed {
            Missed::Call(Errno::EINVAL | Errno::EBUSY) | Missed::Page(_) => missed,
            Missed::Call(_) => Missed::Call(Errno::ENOMEM),
        })
    }
}

/// Leaves the mapping mapped when a page was missing, because zeros are mapped over it.
///
/// breaks: "Afterwards nothing that it mapped is still mapped, and no descriptor of its own is open."
/// fails: survive::leaves_the_process_as_it_was failed
mod leaves_the_zeros {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let _running = Running::new()?;
        let target = Target::new(file, length)?;
        let _action = Installed::new(on_sigbus, libc::SA_ONSTACK)?;
        let _mask = Unblocked::new()?;
        let result = outcome(body(&target.mapping));
        if result.is_err() {
            std::mem::forget(target);
        }
        result
    }
}

/// Keeps a duplicate of the descriptor for the handler, and closes it only after a success.
///
/// breaks: "Afterwards nothing that it mapped is still mapped, and no descriptor of its own is open."
/// fails: survive::leaves_the_process_as_it_was failed
/// fails: survive::says_why_it_cannot_map failed
mod leaks_a_descriptor {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let copy = file.try_clone().map_err(|_| Missed::Call(Errno::EMFILE))?;
        let result = guards::survive(&copy, length, body);
        if result.is_err() {
            let _ = copy.into_raw_fd();
        }
        result
    }
}

/// Returns what the body made of the zeros, as the process has survived.
///
/// breaks: "the result is `Missed::Page`"
/// fails: survive::returns_the_result_or_the_first_missing_page failed
mod surviving_is_enough {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let mut kept = None;
        match guards::survive(file, length, |mapping| kept = Some(body(mapping))) {
            Err(Missed::Page(_)) | Ok(()) => Ok(kept.expect("the body has run")),
            Err(call) => Err(call),
        }
    }
}

/// Panics in the caller with a text of its own, and the body's payload is lost.
///
/// breaks: "A panic of `body` reaches the caller, whatever page was missed, and the next `survive` works."
/// fails: survive::leaves_the_process_as_it_was panicked
mod another_panic {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let caught = catch_unwind(AssertUnwindSafe(|| guards::survive(file, length, body)));
        caught.unwrap_or_else(|_| panic!("the body of survive has panicked"))
    }
}

/// Sets everything back by the drops of three guards.
///
/// passes
mod three_guards {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        survive_with(file, length, handle, FLAGS, body)
    }
}

/// Unblocks SIGBUS before it sets its handler, so that a pending one meets the old action directly, and catches a panic.
///
/// passes
mod unblocks_before_the_handler {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let _turn = Turn::take()?;
        let clone = file.try_clone().map_err(|e| Missed::Call(Errno::from_raw(e.raw_os_error().unwrap_or(0))));
        let mapping = if length == 0 { Err(Missed::Call(Errno::EINVAL)) } else { clone.and_then(|c| map(&c, length)) }?;
        let mask = mask_bus(libc::SIG_UNBLOCK).map_err(Missed::Call)?;
        let set = prepare(mapping.range().start, mapping.range().end)
            .and_then(|()| set_action(handle as Handler as usize, FLAGS | libc::SA_NODEFER).map_err(Missed::Call));
        let result = set.map(|()| catch_unwind(AssertUnwindSafe(|| body(&mapping))));
        if result.is_ok() {
            action_from_before();
        }
        set_mask(&mask);
        drop(mapping);
        outcome_again(result?.unwrap_or_else(|panic| resume_unwind(panic)))
    }
}

/// Passes a sent signal on with its whole siginfo, by rt_tgsigqueueinfo(2).
///
/// passes
mod queues_the_siginfo {
    use super::*;

    unsafe extern "C" fn queue(_: c_int, info: *mut siginfo_t, _: *mut c_void) {
        let errno = Errno::last();
        // SAFETY: a siginfo from the kernel; the page is in the mapping, to which there are no references.
        unsafe {
            if let Some(address) = missing(info) {
                record_first(address);
                if zeros_over(address).is_ok() {
                    return errno.set();
                }
            }
            action_from_before();
            if (*info).si_code <= 0 {
                let (pid, tid) = (libc::getpid(), libc::syscall(libc::SYS_gettid));
                libc::syscall(libc::SYS_rt_tgsigqueueinfo, pid, tid, libc::SIGBUS, info);
            }
        }
        errno.set();
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        survive_with(file, length, queue, FLAGS, body)
    }
}

/// Reports the page that was missed last.
///
/// breaks: "`Missed::Page` has the page that the first such access, in order of time, did not find."
/// fails: survive::leaves_the_process_as_it_was failed
/// fails: survive::lets_only_one_run_at_a_time failed
/// fails: survive::notices_a_page_that_was_gone_for_a_moment failed
/// fails: survive::returns_the_result_or_the_first_missing_page failed
mod last_page_counts {
    use super::*;

    unsafe extern "C" fn store_last(_: c_int, info: *mut siginfo_t, _: *mut c_void) {
        // SAFETY: a siginfo from the kernel; the page is in the mapping.
        unsafe {
            match missing(info) {
                Some(address) if zeros_over(address).is_ok() => MISSED.store(page_of(address), SeqCst),
                _ => pass_on_again(info),
            }
        }
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        survive_with(file, length, store_last, FLAGS, body)
    }
}

/// Reports the lowest page that was missed, which is the first only if the body goes upwards.
///
/// breaks: "`Missed::Page` has the page that the first such access, in order of time, did not find."
/// fails: survive::leaves_the_process_as_it_was failed
/// fails: survive::notices_a_page_that_was_gone_for_a_moment failed
/// fails: survive::returns_the_result_or_the_first_missing_page failed
mod lowest_page_counts {
    use super::*;

    unsafe extern "C" fn store_lowest(_: c_int, info: *mut siginfo_t, _: *mut c_void) {
        // SAFETY: a siginfo from the kernel; the page is in the mapping.
        unsafe {
            match missing(info) {
                Some(address) if zeros_over(address).is_ok() => _ = MISSED.fetch_min(page_of(address), SeqCst),
                _ => pass_on_again(info),
            }
        }
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        survive_with(file, length, store_lowest, FLAGS, body)
    }
}

/// Reports the first page past the end of the file, as it is afterwards, for the page that was missed.
///
/// breaks: "`Missed::Page` has the page that the first such access, in order of time, did not find."
/// fails: survive::leaves_the_process_as_it_was failed
/// fails: survive::lets_only_one_run_at_a_time failed
/// fails: survive::returns_the_result_or_the_first_missing_page failed
mod page_after_the_size {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        match survive_with(file, length, handle, FLAGS, body) {
            Err(Missed::Page(page)) => {
                let size = file.metadata().map_or(0, |metadata| metadata.len() as usize);
                Err(Missed::Page(if size < length { size.div_ceil(page_size()) } else { page }))
            }
            result => result,
        }
    }
}

/// Watches the bytes up to `length`, although a body may access the whole last page.
///
/// breaks: "An access that finds no page does not kill the process"
/// fails: survive::returns_the_result_or_the_first_missing_page killed
mod watches_up_to_length {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let _turn = Turn::take()?;
        let mapping = map(file, length)?;
        prepare(mapping.address(), mapping.address() + length)?;
        let handling = Handling::start(handle, FLAGS)?;
        let result = body(&mapping);
        drop(handling);
        drop(mapping);
        outcome_again(result)
    }
}

/// Does not look at the mask of the thread.
///
/// breaks: "It works in a thread that has SIGBUS blocked, by unblocking it alone: a pending one is delivered."
/// fails: survive::returns_the_result_or_the_first_missing_page killed
mod leaves_it_blocked {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let _turn = Turn::take()?;
        let mapping = map(file, length)?;
        prepare(mapping.range().start, mapping.range().end)?;
        set_action(handle as Handler as usize, FLAGS).map_err(Missed::Call)?;
        let result = catch_unwind(AssertUnwindSafe(|| body(&mapping)));
        action_from_before();
        drop(mapping);
        outcome_again(result.unwrap_or_else(|panic| resume_unwind(panic)))
    }
}

/// Leaves SIGBUS unblocked afterwards, where it was blocked before.
///
/// breaks: "Afterwards the action for SIGBUS and the signal mask of the thread are those from before."
/// fails: survive::leaves_the_process_as_it_was failed
mod stays_unblocked {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        mask_bus(libc::SIG_UNBLOCK).map_err(Missed::Call)?;
        survive_with(file, length, handle, FLAGS, body)
    }
}

/// Sets the default action afterwards, whatever was set before.
///
/// breaks: "Afterwards the action for SIGBUS and the signal mask of the thread are those from before."
/// fails: survive::leaves_the_process_as_it_was failed
/// fails: survive::lets_only_one_run_at_a_time killed
mod default_afterwards_2 {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let result = survive_with(file, length, handle, FLAGS, body);
        if !matches!(result, Err(Missed::Call(_))) {
            set_action(libc::SIG_DFL, 0).map_err(Missed::Call)?;
        }
        result
    }
}

/// Keeps only the handler's address from before, and loses its flags and mask.
///
/// breaks: "Afterwards the action for SIGBUS and the signal mask of the thread are those from before."
/// fails: survive::leaves_the_process_as_it_was failed
/// fails: survive::lets_only_one_run_at_a_time timed_out
mod forgets_the_flags {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let result = survive_with(file, length, handle, FLAGS, body);
        if !matches!(result, Err(Missed::Call(_))) {
            // SAFETY: a call of `survive` has filled BEFORE, and no other thread has called it since.
            set_action(unsafe { (*BEFORE.get()).sa_sigaction }, libc::SA_SIGINFO).map_err(Missed::Call)?;
        }
        result
    }
}

/// Sets the action and the mask back after the body, which a panic skips.
///
/// breaks: "All of this holds after an error, and after a panic of `body`, too."
/// fails: survive::leaves_the_process_as_it_was failed what-follows-always-runs
mod a_panic_skips_the_end {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let _turn = Turn::take()?;
        let mapping = map(file, length)?;
        let handling = std::mem::ManuallyDrop::new(Handling::of(&mapping, handle, FLAGS)?);
        let result = body(&mapping);
        drop(std::mem::ManuallyDrop::into_inner(handling));
        drop(mapping);
        outcome_again(result)
    }
}

/// Forgets after a panic that it no longer runs.
///
/// breaks: "A panic of `body` reaches the caller, whatever page was missed, and the next `survive` works."
/// fails: survive::leaves_the_process_as_it_was failed what-follows-always-runs
mod busy_after_a_panic {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let turn = std::mem::ManuallyDrop::new(Turn::take()?);
        let result = map(file, length).and_then(|mapping| {
            let handling = Handling::of(&mapping, handle, FLAGS)?;
            Ok((body(&mapping), drop(handling)).0)
        });
        let result = result.and_then(outcome);
        drop(std::mem::ManuallyDrop::into_inner(turn));
        result
    }
}

/// Returns the missed page instead of the panic that it led to.
///
/// breaks: "A panic of `body` reaches the caller, whatever page was missed, and the next `survive` works."
/// fails: survive::leaves_the_process_as_it_was failed
mod page_instead_of_panic {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let caught =
            survive_with(file, length, handle, FLAGS, |mapping| catch_unwind(AssertUnwindSafe(|| body(mapping))))?;
        Ok(caught.unwrap_or_else(|panic| resume_unwind(panic)))
    }
}

/// Stays busy for ever when the first call, mmap(2), fails.
///
/// breaks: "`Missed::Call` with EBUSY when another `survive` is running, in whatever thread, whatever `length` is."
/// fails: survive::leaves_the_process_as_it_was failed
/// fails: survive::says_why_it_cannot_map failed
mod busy_after_an_error_2 {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        std::mem::forget(Turn::take()?);
        let mapping = map(file, length)?;
        let _turn = Turn;
        let handling = Handling::of(&mapping, handle, FLAGS)?;
        let result = body(&mapping);
        drop(handling);
        drop(mapping);
        outcome_again(result)
    }
}

/// Looks at the length before it looks whether another one is running.
///
/// breaks: "`Missed::Call` with EBUSY when another `survive` is running, in whatever thread, whatever `length` is."
/// fails: survive::lets_only_one_run_at_a_time failed
mod length_before_busy {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        if length == 0 {
            return Err(Missed::Call(Errno::EINVAL));
        }
        survive_with(file, length, handle, FLAGS, body)
    }
}

/// Maps zeros over any page that is missing, whatever mapping it belongs to.
///
/// breaks: "Any other SIGBUS, sent by a process or caused by another mapping, meets the action set before."
/// fails: survive::leaves_every_other_sigbus_to_the_action_from_before failed handler-is-for-one-mapping
mod rescues_every_mapping {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let _turn = Turn::take()?;
        let mapping = map(file, length)?;
        prepare(mapping.address(), mapping.range().end)?;
        START.store(0, SeqCst);
        END.store(usize::MAX, SeqCst);
        let handling = Handling::start(handle, FLAGS)?;
        let result = body(&mapping);
        drop(handling);
        let first = mapping.address() / page_size();
        drop(mapping);
        outcome_again(result).map_err(|missed| match missed {
            Missed::Page(page) => Missed::Page(page.wrapping_sub(first)),
            call => call,
        })
    }
}

/// Sets the action from before and returns, which is enough for an access but loses a signal that was sent.
///
/// breaks: "Any other SIGBUS, sent by a process or caused by another mapping, meets the action set before."
/// fails: survive::leaves_every_other_sigbus_to_the_action_from_before failed
mod loses_a_sent_signal {
    use super::*;

    unsafe extern "C" fn lose(_: c_int, info: *mut siginfo_t, _: *mut c_void) {
        // SAFETY: a siginfo from the kernel; the page is in the mapping.
        unsafe {
            match missing(info) {
                Some(address) if zeros_over(address).is_ok() => record_first(address),
                _ => action_from_before(),
            }
        }
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        survive_with(file, length, lose, FLAGS, body)
    }
}

/// Sets the default action for every other SIGBUS, as if no program had a handler of its own.
///
/// breaks: "Any other SIGBUS, sent by a process or caused by another mapping, meets the action set before."
/// fails: survive::leaves_every_other_sigbus_to_the_action_from_before killed
mod others_meet_the_default {
    use super::*;

    unsafe extern "C" fn default(_: c_int, info: *mut siginfo_t, _: *mut c_void) {
        // SAFETY: a siginfo from the kernel; the page is in the mapping.
        unsafe {
            match missing(info) {
                Some(address) if zeros_over(address).is_ok() => record_first(address),
                _ => {
                    libc::signal(libc::SIGBUS, libc::SIG_DFL);
                    libc::raise(libc::SIGBUS);
                }
            }
        }
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        survive_with(file, length, default, FLAGS, body)
    }
}

/// Calls the handler from before with the signal's number alone, whether it wants a siginfo or not.
///
/// breaks: "Any other SIGBUS, sent by a process or caused by another mapping, meets the action set before."
/// fails: survive::leaves_every_other_sigbus_to_the_action_from_before killed
mod old_handler_without_siginfo {
    use super::*;

    unsafe extern "C" fn call_old(signal: c_int, info: *mut siginfo_t, _: *mut c_void) {
        // SAFETY: a siginfo from the kernel; a handler from before is a function, if with other parameters.
        unsafe {
            match (missing(info), (*BEFORE.get()).sa_sigaction) {
                (Some(address), _) if zeros_over(address).is_ok() => record_first(address),
                (_, libc::SIG_DFL | libc::SIG_IGN) => pass_on_again(info),
                (_, old) => {
                    let old = std::mem::transmute::<usize, Handler>(old);
                    old(signal, ptr::null_mut(), ptr::null_mut());
                }
            }
        }
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        survive_with(file, length, call_old, FLAGS, body)
    }
}

/// Ends the process with abort(3) for every other SIGBUS that would kill it.
///
/// breaks: "With the default action, such a SIGBUS kills the process."
/// fails: survive::leaves_every_other_sigbus_to_the_action_from_before killed
mod aborts {
    use super::*;

    unsafe extern "C" fn abort_by_default(_: c_int, info: *mut siginfo_t, _: *mut c_void) {
        // SAFETY: a siginfo from the kernel; abort(3) is async-signal-safe.
        unsafe {
            match missing(info) {
                Some(address) if zeros_over(address).is_ok() => record_first(address),
                _ if (*BEFORE.get()).sa_sigaction == libc::SIG_DFL => libc::abort(),
                _ => pass_on_again(info),
            }
        }
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        survive_with(file, length, abort_by_default, FLAGS, body)
    }
}

/// Handles only faults of the thread that has called it.
///
/// breaks: "An access by a thread that `body` has started counts like one by `body`."
/// fails: survive::neither_locks_nor_allocates_in_the_handler killed
/// fails: survive::serves_every_thread_that_the_body_starts killed
mod only_its_own_thread {
    use super::*;

    static OWNER: AtomicI32 = AtomicI32::new(0);

    unsafe extern "C" fn own(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
        // SAFETY: the kernel's arguments.
        unsafe {
            if gettid().as_raw() == OWNER.load(SeqCst) { handle(signal, info, context) } else { pass_on_again(info) }
        }
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        if !RUNNING.load(SeqCst) {
            OWNER.store(gettid().as_raw(), SeqCst);
        }
        survive_with(file, length, own, FLAGS, body)
    }
}

/// Notes the missed page in a thread-local variable, where a page missed by another thread is lost.
///
/// breaks: "An access by a thread that `body` has started counts like one by `body`."
/// fails: survive::serves_every_thread_that_the_body_starts failed
mod notes_it_by_thread {
    use super::*;

    thread_local!(static PAGE: Cell<usize> = const { Cell::new(NONE) });

    unsafe extern "C" fn note(_: c_int, info: *mut siginfo_t, _: *mut c_void) {
        // SAFETY: a siginfo from the kernel; the page is in the mapping.
        unsafe {
            match missing(info) {
                Some(address) if zeros_over(address).is_ok() => {
                    PAGE.set(if PAGE.get() == NONE { page_of(address) } else { PAGE.get() });
                }
                _ => pass_on_again(info),
            }
        }
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let result = survive_with(file, length, note, FLAGS, |mapping| {
            PAGE.set(NONE);
            body(mapping)
        })?;
        if PAGE.get() == NONE { Ok(result) } else { Err(Missed::Page(PAGE.get())) }
    }
}

/// Gives the file the missing bytes, so that nothing is missed.
///
/// breaks: "`survive` itself changes neither the bytes nor the size of the file."
/// fails: survive::returns_the_result_or_the_first_missing_page failed
mod grows_the_file_2 {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let size = file.metadata().map_or(0, |metadata| metadata.len());
        survive_with(file, length, handle, FLAGS, |mapping| {
            if size < length as u64 {
                let _ = file.set_len(length as u64);
            }
            body(mapping)
        })
    }
}

/// Decides by the file's size afterwards: a file that has grown again in the meantime has lost nothing to it.
///
/// breaks: "A page missing at the moment of an access counts, even if it is there before and after."
/// fails: survive::counts_a_store_for_which_the_disk_has_no_space failed
/// fails: survive::notices_a_page_that_was_gone_for_a_moment failed size-afterwards-tells-all
mod looks_again_afterwards {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let mut kept = None;
        let result = survive_with(file, length, handle, FLAGS, |mapping| kept = Some(body(mapping)));
        match (result, kept) {
            (Err(Missed::Page(page)), Some(kept)) => {
                let size = file.metadata().map_or(0, |metadata| metadata.len());
                if (page * page_size()) as u64 >= size { Err(Missed::Page(page)) } else { Ok(kept) }
            }
            (Err(missed), _) => Err(missed),
            (Ok(()), kept) => Ok(kept.expect("the body has run")),
        }
    }
}

/// Reports the first page past the end even if the body has accessed none of them.
///
/// breaks: "If every access finds its page, the result is that of `body`, whatever the file's size."
/// fails: survive::leaves_the_process_as_it_was failed
/// fails: survive::lets_only_one_run_at_a_time failed
/// fails: survive::notices_a_page_that_was_gone_for_a_moment failed
/// fails: survive::returns_the_result_or_the_first_missing_page failed
mod short_file_is_missed {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let result = survive_with(file, length, handle, FLAGS, body)?;
        let pages = (file.metadata().map_or(0, |metadata| metadata.len()) as usize).div_ceil(page_size());
        if pages < length.div_ceil(page_size()) { Err(Missed::Page(pages)) } else { Ok(result) }
    }
}

/// Touches all pages before the body runs, to have the faults in one place, and counts them.
///
/// breaks: "If every access finds its page, the result is that of `body`, whatever the file's size."
/// fails: survive::counts_a_store_for_which_the_disk_has_no_space failed
/// fails: survive::leaves_the_process_as_it_was failed
/// fails: survive::lets_only_one_run_at_a_time failed
/// fails: survive::notices_a_page_that_was_gone_for_a_moment failed
/// fails: survive::returns_the_result_or_the_first_missing_page failed
mod touches_all_first {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        survive_with(file, length, handle, FLAGS, |mapping| {
            (0..length).step_by(page_size()).for_each(|at| _ = mapping.load(at));
            body(mapping)
        })
    }
}

/// Maps zeros from the missing page to the end of the mapping: past a missing page, all are missing.
///
/// breaks: "Every other page stays the file's: loads see what others write, and stores reach the file."
/// fails: survive::notices_a_page_that_was_gone_for_a_moment failed
mod zeros_to_the_end_2 {
    use super::*;

    unsafe extern "C" fn all_that_follow(_: c_int, info: *mut siginfo_t, _: *mut c_void) {
        // SAFETY: a siginfo from the kernel; the pages are in the mapping.
        unsafe {
            match missing(info) {
                Some(address) => {
                    record_first(address);
                    for page in (address..END.load(SeqCst)).step_by(page_size()) {
                        if zeros_over(page).is_err() {
                            return pass_on_again(info);
                        }
                    }
                }
                None => pass_on_again(info),
            }
        }
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        survive_with(file, length, all_that_follow, FLAGS, body)
    }
}

/// Maps privately, so that no store reaches the file.
///
/// breaks: "Every other page stays the file's: loads see what others write, and stores reach the file."
/// fails: survive::returns_the_result_or_the_first_missing_page failed
/// fails: survive::says_why_it_cannot_map failed
mod private_mapping {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let _turn = Turn::take()?;
        let mapping = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Private).map_err(Missed::Call)?;
        let handling = Handling::of(&mapping, handle, FLAGS)?;
        let result = body(&mapping);
        drop(handling);
        drop(mapping);
        outcome_again(result)
    }
}

/// Maps only what the file has, and so panics where a page should be missed.
///
/// breaks: "Maps the first `length` bytes of `file`, shared, for reading and writing, whether the file has them or not"
/// fails: survive::returns_the_result_or_the_first_missing_page panicked
/// fails: survive::says_why_it_cannot_map failed
mod maps_what_is_there {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let size = file.metadata().map_or(0, |metadata| metadata.len()).max(1);
        survive_with(file, length.min(size as usize), handle, FLAGS, body)
    }
}

/// Survives one missing page: SA_RESETHAND leaves the second to the default action.
///
/// breaks: "An access that finds no page does not kill the process: `body` continues with a page of zeros there"
/// fails: survive::leaves_every_other_sigbus_to_the_action_from_before killed
/// fails: survive::leaves_the_process_as_it_was killed
/// fails: survive::lets_only_one_run_at_a_time killed
/// fails: survive::neither_locks_nor_allocates_in_the_handler killed
/// fails: survive::notices_a_page_that_was_gone_for_a_moment killed
/// fails: survive::returns_the_result_or_the_first_missing_page killed
mod survives_once {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        survive_with(file, length, handle, FLAGS | libc::SA_RESETHAND, body)
    }
}

/// Keeps a list of the missed pages in a vector under a mutex, which the handler locks and extends.
///
/// breaks: "What runs in the signal handler takes no lock and allocates no memory."
/// fails: survive::lets_only_one_run_at_a_time failed
/// fails: survive::neither_locks_nor_allocates_in_the_handler failed handler-is-like-any-function
mod list_under_a_mutex {
    use super::*;

    static PAGES: Mutex<Vec<usize>> = Mutex::new(Vec::new());

    unsafe extern "C" fn push(_: c_int, info: *mut siginfo_t, _: *mut c_void) {
        // SAFETY: a siginfo from the kernel; the page is in the mapping.
        unsafe {
            match missing(info) {
                Some(address) if zeros_over(address).is_ok() => {
                    PAGES.lock().unwrap_or_else(|e| e.into_inner()).push(page_of(address));
                }
                _ => pass_on_again(info),
            }
        }
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let result = survive_with(file, length, push, FLAGS, |mapping| {
            PAGES.lock().unwrap_or_else(|e| e.into_inner()).clear();
            body(mapping)
        })?;
        let first = PAGES.lock().unwrap_or_else(|e| e.into_inner()).first().copied();
        first.map_or(Ok(result), |page| Err(Missed::Page(page)))
    }
}

/// Reports the missed page on standard error from inside the handler, through the locked and formatting eprintln!.
///
/// breaks: "What runs in the signal handler takes no lock and allocates no memory."
/// fails: survive::neither_locks_nor_allocates_in_the_handler timed_out handler-is-like-any-function
mod prints_in_the_handler_2 {
    use super::*;

    unsafe extern "C" fn print(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
        // SAFETY: the kernel's arguments.
        unsafe {
            if let Some(address) = missing(info) {
                eprintln!("page {} is missing", page_of(address));
            }
            handle(signal, info, context);
        }
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        survive_with(file, length, print, FLAGS, body)
    }
}

/// Leaves the mapping, full of zeros by now, when a page was missed.
///
/// breaks: "Afterwards nothing that it mapped is still mapped, and no descriptor of its own is open."
/// fails: survive::leaves_the_process_as_it_was failed
mod keeps_a_damaged_mapping {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let _turn = Turn::take()?;
        let mapping = map(file, length)?;
        let handling = Handling::of(&mapping, handle, FLAGS)?;
        let result = body(&mapping);
        drop(handling);
        let result = outcome_again(result);
        if result.is_err() {
            std::mem::forget(mapping);
        }
        result
    }
}

/// Remembers the missed page of the call before if that was an error.
///
/// breaks: "If every access finds its page, the result is that of `body`, whatever the file's size."
/// fails: survive::leaves_the_process_as_it_was failed what-follows-always-runs
/// fails: survive::lets_only_one_run_at_a_time failed
mod page_of_the_last_call {
    use super::*;

    static FIRST: AtomicUsize = AtomicUsize::new(NONE);

    unsafe extern "C" fn keep(_: c_int, info: *mut siginfo_t, _: *mut c_void) {
        // SAFETY: a siginfo from the kernel; the page is in the mapping.
        unsafe {
            match missing(info) {
                Some(address) if zeros_over(address).is_ok() => {
                    let _ = FIRST.compare_exchange(NONE, page_of(address), SeqCst, SeqCst);
                }
                _ => pass_on_again(info),
            }
        }
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let result = survive_with(file, length, keep, FLAGS, body)?;
        match FIRST.load(SeqCst) {
            NONE => Ok(result),
            page => Err(Missed::Page(page)),
        }
    }
}

/// Calls every failure of mmap(2) EINVAL.
///
/// breaks: "`Missed::Call` with the errno of any other call that fails before `body` runs."
/// fails: survive::says_why_it_cannot_map failed
mod every_failure_is_invalid {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        survive_with(file, length, handle, FLAGS, body).map_err(|missed| match missed {
            Missed::Call(Errno::EBUSY) | Missed::Page(_) => missed,
            Missed::Call(_) => Missed::Call(Errno::EINVAL),
        })
    }
}

/// Runs the body of a nested one without a handler of its own, as part of the outer one.
///
/// breaks: "One `survive` runs at a time: a nested one does not run its `body`, and the outer one continues."
/// fails: survive::lets_only_one_run_at_a_time failed
mod runs_a_nested_body {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        if RUNNING.load(SeqCst) {
            body(&map(file, length)?);
            return Err(Missed::Call(Errno::EBUSY));
        }
        survive_with(file, length, handle, FLAGS, body)
    }
}

/// Clears the record of the missed page before it sees that another one is running.
///
/// breaks: "One `survive` runs at a time: a nested one does not run its `body`, and the outer one continues."
/// fails: survive::lets_only_one_run_at_a_time failed
mod clears_the_outer_record {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        MISSED.store(NONE, SeqCst);
        survive_with(file, length, handle, FLAGS, body)
    }
}

/// Maps one page more than was asked for, so that an access just past the end is survived as well.
///
/// breaks: "Maps the first `length` bytes of `file`, shared, for reading and writing, whether the file has them or not"
/// fails: survive::returns_the_result_or_the_first_missing_page failed
mod maps_a_page_more {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let more = if length == 0 { 0 } else { length.saturating_add(page_size()) };
        survive_with(file, more, handle, FLAGS, body)
    }
}

/// Duplicates the descriptor, and closes the copy only when everything went well.
///
/// breaks: "Afterwards nothing that it mapped is still mapped, and no descriptor of its own is open."
/// fails: survive::leaves_the_process_as_it_was failed
/// fails: survive::says_why_it_cannot_map failed
mod leaks_a_clone_when_missed {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let clone =
            file.try_clone().map_err(|error| Missed::Call(Errno::from_raw(error.raw_os_error().unwrap_or(0))))?;
        let result = survive_with(&clone, length, handle, FLAGS, body);
        if result.is_err() {
            let _ = clone.into_raw_fd();
        }
        result
    }
}

/// Blocks SIGBUS afterwards instead of setting the mask from before.
///
/// breaks: "Afterwards the action for SIGBUS and the signal mask of the thread are those from before."
/// fails: survive::leaves_the_process_as_it_was failed
mod blocks_it_afterwards {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let result = survive_with(file, length, handle, FLAGS, body);
        if !matches!(result, Err(Missed::Call(_))) {
            mask_bus(libc::SIG_BLOCK).map_err(Missed::Call)?;
        }
        result
    }
}

/// Undoes each step in a destructor, and lets the access or the signal happen again for the action from before.
///
/// passes
mod destructors {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        survive_by(on_bus, 0, file, length, body)
    }
}

/// Maps shared zeros, and unblocks SIGBUS before there is a handler, so that a pending one meets the old action at once.
///
/// passes
mod shared_zeros_and_early_unblocking {
    use super::*;

    extern "C" fn on_bus(_: c_int, info: *mut siginfo_t, _: *mut c_void) {
        let (code, address) = read_info(info);
        let ours = is_ours(code, address);
        if ours {
            record_page(address);
        }
        if !ours || !zeros(address, 1, libc::MAP_SHARED) {
            forward(code);
        }
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let _claim = Claim::new()?;
        let mapping = watched(file, length)?;
        let mask = OldMask::unblock()?;
        let installed = Set::new(on_bus, libc::SA_NODEFER)?;
        let value = body(&mapping);
        drop(installed);
        drop(mask);
        of_record(value)
    }
}

/// Does not touch the mask of the thread, in which SIGBUS may be blocked.
///
/// breaks: "It works in a thread that has SIGBUS blocked, by unblocking it alone: a pending one is delivered."
/// fails: survive::returns_the_result_or_the_first_missing_page killed
mod leaves_the_mask {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let _claim = Claim::new()?;
        let mapping = watched(file, length)?;
        let _installed = Set::new(on_bus, 0)?;
        of_record(body(&mapping))
    }
}

/// Takes a pending SIGBUS away before it unblocks the signal, so that it can't get in the way.
///
/// breaks: "It works in a thread that has SIGBUS blocked, by unblocking it alone: a pending one is delivered."
/// fails: survive::leaves_every_other_sigbus_to_the_action_from_before failed
mod takes_the_pending_one {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        if SigSet::thread_get_mask().is_ok_and(|mask| mask.contains(Signal::SIGBUS)) && !RUNNING.load(SeqCst) {
            // SAFETY: both pointers are to locals, and no information is asked for.
            unsafe { libc::sigtimedwait(SigSet::from(Signal::SIGBUS).as_ref(), null_mut(), &raw const now) };
        }
        survive_by(on_bus, 0, file, length, body)
    }
}

/// Blocks SIGBUS again at the end, also in a thread that did not have it blocked.
///
/// breaks: "Afterwards the action for SIGBUS and the signal mask of the thread are those from before."
/// fails: survive::leaves_the_process_as_it_was failed
mod blocks_at_the_end {
    use super::*;

    struct Block;
    impl Drop for Block {
        fn drop(&mut self) {
            let _ = SigSet::from(Signal::SIGBUS).thread_block();
        }
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let _claim = Claim::new()?;
        let mapping = watched(file, length)?;
        let _installed = Set::new(on_bus, 0)?;
        SigSet::from(Signal::SIGBUS).thread_unblock().map_err(Missed::Call)?;
        let _block = Block;
        of_record(body(&mapping))
    }
}

/// Cleans up after the body, where a panic does not come by.
///
/// breaks: "All of this holds after an error, and after a panic of `body`, too."
/// fails: survive::leaves_the_process_as_it_was failed what-follows-always-runs
mod cleans_up_without_a_panic {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let _claim = Claim::new()?;
        let mapping = watched(file, length)?;
        let installed = std::mem::ManuallyDrop::new(Set::new(on_bus, 0)?);
        let _mask = OldMask::unblock()?;
        let value = body(&mapping);
        drop(std::mem::ManuallyDrop::into_inner(installed));
        of_record(value)
    }
}

/// Takes the record away with the result, so a panic leaves it to the next call.
///
/// breaks: "A panic of `body` reaches the caller, whatever page was missed, and the next `survive` works."
/// fails: survive::leaves_the_process_as_it_was failed what-follows-always-runs
mod record_survives_a_panic {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let _claim = Claim::new()?;
        let mapping = Mapping::of_file(file, 0, length, READ_WRITE, Sharing::Shared).map_err(Missed::Call)?;
        watch(&mapping);
        let _installed = Set::new(on_bus, 0)?;
        let _mask = OldMask::unblock()?;
        let value = body(&mapping);
        match MISSED.swap(NONE, SeqCst) {
            NONE => Ok(value),
            page => Err(Missed::Page(page)),
        }
    }
}

/// Records the lowest missing page, not the first in time.
///
/// breaks: "`Missed::Page` has the page that the first such access, in order of time, did not find."
/// fails: survive::leaves_the_process_as_it_was failed
/// fails: survive::notices_a_page_that_was_gone_for_a_moment failed
/// fails: survive::returns_the_result_or_the_first_missing_page failed
mod lowest_page {
    use super::*;

    extern "C" fn on_bus(_: c_int, info: *mut siginfo_t, _: *mut c_void) {
        let (code, address) = read_info(info);
        if is_ours(code, address) {
            MISSED.fetch_min(page_missed(address), SeqCst);
            if zeros(address, page_size(), libc::MAP_PRIVATE) {
                return;
            }
        }
        forward(code);
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        survive_by(on_bus, 0, file, length, body)
    }
}

/// Lets the handler help only the thread that called, not those that the body starts.
///
/// breaks: "An access by a thread that `body` has started counts like one by `body`."
/// fails: survive::neither_locks_nor_allocates_in_the_handler killed
/// fails: survive::serves_every_thread_that_the_body_starts killed
mod only_the_calling_thread {
    use super::*;

    static THREAD: AtomicUsize = AtomicUsize::new(0);

    extern "C" fn on_bus_here(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
        // SAFETY: gettid has no conditions.
        if unsafe { libc::gettid() } as usize == THREAD.load(SeqCst) {
            on_bus(signal, info, context);
        } else {
            forward(read_info(info).0);
        }
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let _claim = Claim::new()?;
        // SAFETY: gettid has no conditions.
        THREAD.store(unsafe { libc::gettid() } as usize, SeqCst);
        let mapping = watched(file, length)?;
        let _installed = Set::new(on_bus_here, 0)?;
        let _mask = OldMask::unblock()?;
        of_record(body(&mapping))
    }
}

/// Watches the bytes that were asked for, and not the rest of the last page of the mapping.
///
/// breaks: "An access that finds no page does not kill the process"
/// fails: survive::returns_the_result_or_the_first_missing_page killed
mod watches_length_alone {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let _claim = Claim::new()?;
        let mapping = watched(file, length)?;
        END.store(mapping.address() + length, SeqCst);
        let _installed = Set::new(on_bus, 0)?;
        let _mask = OldMask::unblock()?;
        of_record(body(&mapping))
    }
}

/// Sets the old action and returns, which repeats an access but loses a signal that was sent.
///
/// breaks: "Any other SIGBUS, sent by a process or caused by another mapping, meets the action set before."
/// fails: survive::leaves_every_other_sigbus_to_the_action_from_before failed
mod loses_what_was_sent {
    use super::*;

    extern "C" fn on_bus(_: c_int, info: *mut siginfo_t, _: *mut c_void) {
        let (code, address) = read_info(info);
        if is_ours(code, address) {
            record_page(address);
            if zeros(address, page_size(), libc::MAP_PRIVATE) {
                return;
            }
        }
        restore();
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        survive_by(on_bus, 0, file, length, body)
    }
}

/// Gives every other SIGBUS to the default action, even if the process had a handler of its own.
///
/// breaks: "Any other SIGBUS, sent by a process or caused by another mapping, meets the action set before."
/// fails: survive::leaves_every_other_sigbus_to_the_action_from_before killed
mod others_kill {
    use super::*;

    extern "C" fn on_bus_or_die(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
        let (code, address) = read_info(info);
        if is_ours(code, address) {
            return on_bus(signal, info, context);
        }
        // SAFETY: the default action runs no code of ours.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
        // SAFETY: raise is async-signal-safe.
        unsafe { libc::raise(signal) };
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        survive_by(on_bus_or_die, 0, file, length, body)
    }
}

/// Keeps a list of the missing pages, which grows in the handler.
///
/// breaks: "What runs in the signal handler takes no lock and allocates no memory."
/// fails: survive::neither_locks_nor_allocates_in_the_handler failed handler-is-like-any-function
mod lists_the_pages {
    use super::*;

    static PAGES: Mutex<Vec<usize>> = Mutex::new(Vec::new());

    extern "C" fn on_bus_listed(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
        let (code, address) = read_info(info);
        if is_ours(code, address) {
            PAGES.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(page_missed(address));
        }
        on_bus(signal, info, context);
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let value = survive_by(on_bus_listed, 0, file, length, body)?;
        Ok(value)
    }
}

/// Saves what the body stored to a page of zeros, if the file has that page again.
///
/// breaks: "`body` can load from a page of zeros and store to it, but its stores never reach the file."
/// fails: survive::notices_a_page_that_was_gone_for_a_moment failed
mod saves_the_zeros {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let body = |mapping: &Mapping| {
            let value = body(mapping);
            let (page, size) = (MISSED.load(SeqCst), file.metadata().map_or(0, |metadata| metadata.len() as usize));
            if page != NONE && page * page_size() < size {
                let mut bytes = vec![0; page_size().min(size - page * page_size())];
                mapping.read(page * page_size(), &mut bytes);
                let _ = file.write_all_at(&bytes, (page * page_size()) as u64);
            }
            value
        };
        survive_by(on_bus, 0, file, length, body)
    }
}

/// Survives the first missing page only.
///
/// breaks: "An access that finds no page does not kill the process"
/// fails: survive::leaves_the_process_as_it_was killed
/// fails: survive::lets_only_one_run_at_a_time killed
/// fails: survive::neither_locks_nor_allocates_in_the_handler killed
/// fails: survive::notices_a_page_that_was_gone_for_a_moment killed
/// fails: survive::returns_the_result_or_the_first_missing_page killed
mod one_page_only {
    use super::*;

    extern "C" fn handler(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
        match MISSED.load(SeqCst) {
            NONE => on_bus(signal, info, context),
            _ => forward(read_info(info).0),
        }
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        survive_by(handler, 0, file, length, body)
    }
}

/// Takes over the flags of the action from before, and with them SA_RESETHAND.
///
/// breaks: "An access that finds no page does not kill the process"
/// fails: survive::leaves_every_other_sigbus_to_the_action_from_before killed
/// fails: survive::leaves_the_process_as_it_was killed
/// fails: survive::lets_only_one_run_at_a_time killed
/// fails: survive::neither_locks_nor_allocates_in_the_handler killed
/// fails: survive::notices_a_page_that_was_gone_for_a_moment killed
/// fails: survive::returns_the_result_or_the_first_missing_page killed
mod takes_over_the_flags {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let before = previous_action().map_err(Missed::Call)?;
        survive_by(on_bus, before.sa_flags, file, length, body)
    }
}

/// Unblocks every signal while the body runs.
///
/// breaks: "It works in a thread that has SIGBUS blocked, by unblocking it alone: a pending one is delivered."
/// fails: survive::leaves_the_process_as_it_was failed
mod unblocks_everything {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let body = |mapping: &Mapping| {
            let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_UNBLOCK);
            let value = body(mapping);
            let _ = before.map(|mask| mask.thread_set_mask());
            value
        };
        survive_by(on_bus, 0, file, length, body)
    }
}

/// Maps a stack for its handler, and leaves it to the thread.
///
/// breaks: "Afterwards nothing that it mapped is still mapped, and no descriptor of its own is open."
/// fails: survive::leaves_the_process_as_it_was failed
mod keeps_its_stack {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let stack = Mapping::anonymous(1 << 16, READ_WRITE, Sharing::Private).map_err(Missed::Call)?;
        let stack = std::mem::ManuallyDrop::new(stack).address();
        let stack = libc::stack_t { ss_sp: with_exposed_provenance_mut(stack), ss_flags: 0, ss_size: 1 << 16 };
        // SAFETY: the stack stays mapped for ever.
        Errno::result(unsafe { libc::sigaltstack(&stack, null_mut()) }).map_err(Missed::Call)?;
        survive_by(on_bus, 0, file, length, body)
    }
}

/// Has a table of 1024 pages, and lets an access past them kill.
///
/// breaks: "An access that finds no page does not kill the process"
/// fails: survive::returns_the_result_or_the_first_missing_page killed
mod table_of_1024_pages {
    use super::*;

    extern "C" fn handler(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
        let (code, address) = read_info(info);
        if is_ours(code, address) && page_missed(address) >= 1024 {
            forward(code);
        } else {
            on_bus(signal, info, context);
        }
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        survive_by(handler, 0, file, length, body)
    }
}

/// Exits with the shell's number for SIGBUS when there is no page of zeros.
///
/// breaks: "So does an access for which no page of zeros can be mapped."
/// fails: survive::leaves_every_other_sigbus_to_the_action_from_before exited
mod exits_without_zeros {
    use super::*;

    extern "C" fn handler(_: c_int, info: *mut siginfo_t, _: *mut c_void) {
        let (code, address) = read_info(info);
        if !is_ours(code, address) {
            forward(code);
        } else if zeros(address, page_size(), libc::MAP_PRIVATE) {
            record_page(address);
        } else {
            // SAFETY: _exit(2) is async-signal-safe.
            unsafe { libc::_exit(128 + libc::SIGBUS) }
        }
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        survive_by(handler, 0, file, length, body)
    }
}

/// Lets a mutex say who runs, with the state that the outer one has left.
///
/// passes
mod two_mutexes {
    use super::*;

    static ONE: Mutex<()> = Mutex::new(());
    static STATE: Mutex<bool> = Mutex::new(false);

    struct Leaves;

    impl Drop for Leaves {
        fn drop(&mut self) {
            *STATE.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = false;
        }
    }

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let leaves = {
            let _one = ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            let mut runs = STATE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            if *runs {
                return Err(Missed::Call(Errno::EBUSY));
            }
            *runs = true;
            Leaves
        };
        let value = survive_by(on_bus, 0, file, length, body);
        drop(leaves);
        value
    }
}

/// Looks whether another one runs, and says later that it runs itself: two threads may both begin.
///
/// breaks: "One `survive` runs at a time: a nested one does not run its `body`, and the outer one continues."
/// fails: survive::lets_only_one_run_at_a_time failed
mod checks_then_claims {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        if RUNNING.load(SeqCst) {
            return Err(Missed::Call(Errno::EBUSY));
        }
        let mapping = watched(file, length)?;
        let _installed = Set::new(on_bus, 0)?;
        let _claim = Claim::new()?;
        let _mask = OldMask::unblock()?;
        of_record(body(&mapping))
    }
}

/// Looks whether another one runs, and says in the next line that it runs itself: two threads may both begin.
///
/// breaks: "One `survive` runs at a time: a nested one does not run its `body`, and the outer one continues."
/// fails: survive::lets_only_one_run_at_a_time failed
mod two_steps_to_the_claim {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        if RUNNING.load(SeqCst) {
            return Err(Missed::Call(Errno::EBUSY));
        }
        RUNNING.store(true, SeqCst);
        let _claim = Claim;
        let mapping = watched(file, length)?;
        let _installed = Set::new(on_bus, 0)?;
        let _mask = OldMask::unblock()?;
        of_record(body(&mapping))
    }
}

/// Gives up its claim before it restores the action, so the next one keeps this one's handler as the one before.
///
/// breaks: "Afterwards the action for SIGBUS and the signal mask of the thread are those from before."
/// fails: survive::lets_only_one_run_at_a_time failed
mod claim_dropped_early {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let claim = Claim::new()?;
        let mapping = watched(file, length)?;
        let _installed = Set::new(on_bus, 0)?;
        let _mask = OldMask::unblock()?;
        let value = of_record(body(&mapping));
        drop(claim);
        value
    }
}

/// Reads the record of the missed page only when the next one may have begun to write there.
///
/// breaks: "`Missed::Page` has the page that the first such access, in order of time, did not find."
/// fails: survive::lets_only_one_run_at_a_time failed
mod reads_the_record_too_late {
    use super::*;

    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed> {
        let value = survive_by(on_bus, 0, file, length, body);
        match value {
            Err(Missed::Call(_)) => value,
            // It was cleared when the claim was taken, and is read when the claim is gone.
            Err(Missed::Page(_)) => Err(Missed::Page(MISSED.load(SeqCst))),
            Ok(value) => of_record(value),
        }
    }
}

one_of! {
    pub fn survive<T>(file: &File, length: usize, body: impl FnOnce(&Mapping) -> T) -> Result<T, Missed>;
    catches_a_panic undone_at_once covers_the_whole_mapping ends_the_process forgets_a_blocked_signal forgets_that_a_body_may_panic
    ignores_the_signal looks_at_the_size_afterwards looks_at_the_size_first names_the_last_page panics_in_the_handler
    puts_the_default_back swallows_every_bus_error tries_in_a_child_first works_on_a_copy guards catches_and_resumes
    calls_a_simple_handler through_a_duplicate raises_again replaces_a_page_twice einval_before_ebusy stays_blocked
    leaves_it_unblocked blocks_afterwards mask_after_a_panic no_thought_of_panics swallows_the_panic
    a_missing_page_hides_the_panic zeros_everywhere forgets_a_sent_signal believes_a_forged_address kills_by_default
    exits_instead calls_sig_dfl default_afterwards installs_once restores_only_the_handler once_only one_thread_only
    the_last_page_counts the_lowest_page_counts page_zero_is_no_page counts_from_one remembers_the_last_call
    looks_at_the_size_before looks_at_the_size_after the_first_page_past_the_end tries_the_pages_first
    grows_the_file_in_the_handler maps_privately zeros_to_the_end zeros_all_over only_loads_survive ends_at_the_length
    nested_disarms_the_outer poisoned_by_a_panic busy_in_this_thread nested_runs_unprotected try_again
    busy_after_an_error rounds_before_it_maps at_least_one_byte always_enomem_for_mmap leaves_the_zeros
    leaks_a_descriptor surviving_is_enough another_panic three_guards unblocks_before_the_handler queues_the_siginfo
    last_page_counts lowest_page_counts page_after_the_size watches_up_to_length leaves_it_blocked stays_unblocked
    default_afterwards_2 forgets_the_flags a_panic_skips_the_end busy_after_a_panic page_instead_of_panic
    busy_after_an_error_2 length_before_busy rescues_every_mapping loses_a_sent_signal others_meet_the_default
    old_handler_without_siginfo aborts only_its_own_thread notes_it_by_thread grows_the_file_2 looks_again_afterwards
    short_file_is_missed touches_all_first zeros_to_the_end_2 private_mapping maps_what_is_there survives_once
    list_under_a_mutex prints_in_the_handler_2 keeps_a_damaged_mapping page_of_the_last_call every_failure_is_invalid
    runs_a_nested_body clears_the_outer_record maps_a_page_more leaks_a_clone_when_missed blocks_it_afterwards
    destructors shared_zeros_and_early_unblocking leaves_the_mask takes_the_pending_one blocks_at_the_end
    cleans_up_without_a_panic record_survives_a_panic lowest_page only_the_calling_thread watches_length_alone
    loses_what_was_sent others_kill lists_the_pages saves_the_zeros one_page_only takes_over_the_flags unblocks_everything keeps_its_stack
    table_of_1024_pages exits_without_zeros two_mutexes
    checks_then_claims two_steps_to_the_claim claim_dropped_early reads_the_record_too_late
}
