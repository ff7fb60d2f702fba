//! What the page calls. A text is a pointer to its length, four bytes in little endian, and its UTF-8.

use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;

use super::{SOURCES, simulate};

#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

#[panic_handler]
fn panicked(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// The request, which the page writes, and the answer, which it reads.
struct Buffers(RefCell<(Vec<u8>, Vec<u8>)>);

// SAFETY: this WebAssembly has one thread.
unsafe impl Sync for Buffers {}

static BUFFERS: Buffers = Buffers(RefCell::new((Vec::new(), Vec::new())));

/// Where the page writes a request of this length, in bytes; valid until the next [`simulate`].
#[unsafe(no_mangle)]
extern "C" fn allocate(length: usize) -> *mut u8 {
    let (request, _) = &mut *BUFFERS.0.borrow_mut();
    *request = alloc::vec![0; length];
    request.as_mut_ptr()
}

/// Answers the request that was written to where [`allocate`] said; valid until the next call.
#[unsafe(export_name = "simulate")]
extern "C" fn answer() -> *const u8 {
    let (request, answer) = &mut *BUFFERS.0.borrow_mut();
    let request = String::from_utf8(core::mem::take(request)).unwrap_or_default();
    *answer = with_length(&simulate(&request));
    answer.as_ptr()
}

/// The hash of the sources that this was built from; valid until the next call.
#[unsafe(no_mangle)]
extern "C" fn sources() -> *const u8 {
    let (_, answer) = &mut *BUFFERS.0.borrow_mut();
    *answer = with_length(SOURCES);
    answer.as_ptr()
}

fn with_length(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap_or_default();
    [&length.to_le_bytes(), text.as_bytes()].concat()
}
