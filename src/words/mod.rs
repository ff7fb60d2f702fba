//! The atomic words of a mapping. They are std's, until a check plays them.
//!
//! A processor shows only a part of what the memory model of Rust allows: on x86-64 no load finds an old value after a
//! newer one, whatever the orderings say. So a check can play the words in a [`machine`], where a load finds any value
//! that the orderings allow.

pub mod machine;

use std::sync::atomic::{self, Ordering};

/// Eight bytes that several processes share, as one word: [`atomic::AtomicU64`], with the same methods.
#[repr(transparent)]
#[derive(Debug)]
pub struct AtomicU64(atomic::AtomicU64);

/// [`atomic::fence`], for the words of a mapping.
#[inline]
pub fn fence(order: Ordering) {
    if machine::is_on() { machine::fence(order) } else { atomic::fence(order) }
}

/// The methods that change a word in one step, and what each makes of the old value.
macro_rules! updates {
    ($($method:ident($old:ident, $value:ident): $new:expr;)*) => {$(
        #[doc = concat!("[`atomic::AtomicU64::", stringify!($method), "`].")]
        #[inline]
        pub fn $method(&self, $value: u64, order: Ordering) -> u64 {
            if !machine::is_on() {
                return self.0.$method($value, order);
            }
            let (Ok(old) | Err(old)) = machine::update(&self.0, order, order, |$old| Some($new));
            old
        }
    )*};
}

impl AtomicU64 {
    /// The word at this address.
    ///
    /// # Safety
    /// As [`atomic::AtomicU64::from_ptr`].
    pub(crate) unsafe fn from_ptr<'a>(word: *mut u64) -> &'a AtomicU64 {
        // SAFETY: the caller's promise; the two types have the same representation.
        unsafe { &*word.cast::<AtomicU64>() }
    }

    /// [`atomic::AtomicU64::load`].
    #[inline]
    pub fn load(&self, order: Ordering) -> u64 {
        if machine::is_on() { machine::load(&self.0, order) } else { self.0.load(order) }
    }

    /// [`atomic::AtomicU64::store`].
    #[inline]
    pub fn store(&self, value: u64, order: Ordering) {
        if machine::is_on() { machine::store(&self.0, value, order) } else { self.0.store(value, order) }
    }

    updates! {
        swap(_old, value): value;
        fetch_add(old, value): old.wrapping_add(value);
        fetch_sub(old, value): old.wrapping_sub(value);
        fetch_and(old, value): old & value;
        fetch_nand(old, value): !(old & value);
        fetch_or(old, value): old | value;
        fetch_xor(old, value): old ^ value;
        fetch_max(old, value): old.max(value);
        fetch_min(old, value): old.min(value);
    }

    /// [`atomic::AtomicU64::compare_exchange`].
    ///
    /// # Errors
    /// The value found, when it is not `current`.
    #[inline]
    pub fn compare_exchange(&self, current: u64, new: u64, success: Ordering, failure: Ordering) -> Result<u64, u64> {
        if !machine::is_on() {
            return self.0.compare_exchange(current, new, success, failure);
        }
        machine::update(&self.0, success, failure, |old| (old == current).then_some(new))
    }

    /// [`atomic::AtomicU64::compare_exchange_weak`].
    ///
    /// # Errors
    /// The value found, when it is not `current`, and sometimes even when it is.
    #[inline]
    pub fn compare_exchange_weak(
        &self,
        current: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        if !machine::is_on() {
            return self.0.compare_exchange_weak(current, new, success, failure);
        }
        machine::exchange_weakly(&self.0, current, new, success, failure)
    }

    /// [`atomic::AtomicU64::fetch_update`].
    ///
    /// # Errors
    /// The value found, when `next` gives None for it.
    #[inline]
    pub fn fetch_update(
        &self,
        success: Ordering,
        failure: Ordering,
        next: impl FnMut(u64) -> Option<u64>,
    ) -> Result<u64, u64> {
        if !machine::is_on() {
            return self.0.fetch_update(success, failure, next);
        }
        machine::update(&self.0, success, failure, next)
    }

    fn address(&self) -> usize {
        self.0.as_ptr().addr()
    }
}
