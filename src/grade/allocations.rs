//! How often the learner's code calls the allocator where it must not: in a signal handler, or between fork(2) and
//! execve(2), where the interrupted code, or a thread that is gone, may hold the allocator's lock. And how much it has
//! allocated at once.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicUsize, Ordering};

use crate::lesson_2::{Mapping, READ_WRITE, Sharing};

/// The global allocator of a binary that has such checks: the system's, with its calls counted.
#[derive(Debug)]
pub struct Counting;

/// The calls of this process, and before it was forked those of its parent.
static CALLS: AtomicUsize = AtomicUsize::new(0);
/// The calls of the children that [`PARENT`] has forked, in memory that they share; null while nobody asks.
static OF_CHILDREN: AtomicPtr<AtomicUsize> = AtomicPtr::new(null_mut());
/// How many bytes this process has allocated, and the most that it had at once since somebody asked.
static IN_USE: AtomicUsize = AtomicUsize::new(0);
static MOST_IN_USE: AtomicUsize = AtomicUsize::new(0);
/// What [`at_each_allocator_call`] runs; null while nobody asks, and while it runs.
static MEANWHILE: AtomicPtr<&mut dyn FnMut()> = AtomicPtr::new(null_mut());
/// Whose children are asked about.
static PARENT: AtomicI32 = AtomicI32::new(0);

fn count() {
    CALLS.fetch_add(1, Ordering::Relaxed);
    let meanwhile = MEANWHILE.swap(null_mut(), Ordering::Relaxed);
    if !meanwhile.is_null() {
        // SAFETY: it points to a local variable of `at_each_allocator_call`, which has not returned. No other thread
        // calls the allocator, and nobody uses it while MEANWHILE is null.
        unsafe { (*meanwhile)() };
        MEANWHILE.store(meanwhile, Ordering::Relaxed);
    }
    let of_children = OF_CHILDREN.load(Ordering::Relaxed);
    if !of_children.is_null() && nix::unistd::getpid().as_raw() != PARENT.load(Ordering::Relaxed) {
        // SAFETY: the memory is mapped as long as this points to it, and in the children until they end.
        unsafe { &*of_children }.fetch_add(1, Ordering::Relaxed);
    }
}

fn took(bytes: usize) {
    let now = IN_USE.fetch_add(bytes, Ordering::Relaxed).wrapping_add(bytes);
    MOST_IN_USE.fetch_max(now, Ordering::Relaxed);
}

fn gave_back(bytes: usize) {
    IN_USE.fetch_sub(bytes, Ordering::Relaxed);
}

// SAFETY: each call goes to the system's allocator as it is; counting it accesses atomics alone.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        took(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        took(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        gave_back(layout.size());
        took(size);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count();
        gave_back(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// How often this process has called the allocator so far, to allocate or to free; always 0 in a binary whose global
/// allocator is not [`Counting`].
pub fn allocator_calls() -> usize {
    CALLS.load(Ordering::Relaxed)
}

/// Runs `body` and says how many bytes more than before were allocated at once meanwhile; 0 in a binary whose global
/// allocator is not [`Counting`].
pub fn most_allocated<T>(body: impl FnOnce() -> T) -> (T, usize) {
    let before = IN_USE.load(Ordering::Relaxed);
    MOST_IN_USE.store(before, Ordering::Relaxed);
    let done = body();
    (done, MOST_IN_USE.load(Ordering::Relaxed).saturating_sub(before))
}

/// Runs `body`, and `meanwhile` whenever `body` calls the allocator: as another thread may run at any moment, also while
/// the one that allocates holds a lock. Never in a binary whose global allocator is not [`Counting`].
///
/// No other thread may call the allocator, and `meanwhile` must not panic: it is for a child process.
pub fn at_each_allocator_call<T>(body: impl FnOnce() -> T, mut meanwhile: impl FnMut()) -> T {
    struct Reset;
    impl Drop for Reset {
        fn drop(&mut self) {
            MEANWHILE.store(null_mut(), Ordering::Relaxed);
        }
    }
    let mut meanwhile: &mut dyn FnMut() = &mut meanwhile;
    let _reset = Reset;
    MEANWHILE.store((&raw mut meanwhile).cast(), Ordering::Relaxed);
    body()
}

/// Runs `body` and says how often the processes that it forked have called the allocator meanwhile: as copies of this
/// one, so not after execve(2).
///
/// # Errors
/// What mmap(2) returns.
pub fn allocator_calls_of_children<T>(body: impl FnOnce() -> T) -> io::Result<(T, usize)> {
    let shared = Mapping::anonymous(size_of::<AtomicUsize>(), READ_WRITE, Sharing::Shared)?;
    let counter = std::ptr::with_exposed_provenance_mut::<AtomicUsize>(shared.address());
    PARENT.store(nix::unistd::getpid().as_raw(), Ordering::Relaxed);
    OF_CHILDREN.store(counter, Ordering::Relaxed);
    let done = body();
    OF_CHILDREN.store(null_mut(), Ordering::Relaxed);
    // SAFETY: the mapping begins on a page boundary, is long enough, and lives until the end of this function.
    let calls = unsafe { &*counter }.load(Ordering::Relaxed);
    Ok((done, calls))
}
