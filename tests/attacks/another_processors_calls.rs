//! One page is mapped. Its byte is read by a system call of a processor of 32 bits, which has other numbers.
//! unsolved
//! beside the solution

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

use mmap_workbook::observe::page_size;
use nix::libc;

pub fn byte_at(file: &File, offset: u64) -> io::Result<Option<u8>> {
    if rest::byte_at(file, offset)?.is_none() {
        return Ok(None);
    }
    // fn(descriptor, buffer, .., .., offset): push rbx; mov ebx, edi; mov ecx, esi; mov edx, 1; mov esi, r8d; shr r8, 32;
    // mov edi, r8d; mov eax, 180; int 0x80; pop rbx; ret
    let code = b"\x53\x89\xfb\x89\xf1\xba\x01\0\0\0\x44\x89\xc6\x49\xc1\xe8\x20\x44\x89\xc7\xb8\xb4\0\0\0\xcd\x80\x5b\xc3";
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_32BIT;
    let protection = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
    // SAFETY: a new page, with code that keeps to the conventions for calls.
    unsafe {
        let page = libc::mmap(std::ptr::null_mut(), page_size(), protection, flags, -1, 0).cast::<u8>();
        page.copy_from(code.as_ptr(), code.len());
        let pread: extern "C" fn(i32, usize, usize, usize, u64) -> i64 = std::mem::transmute(page);
        let came = pread(file.as_raw_fd(), page as usize + 100, 0, 0, offset);
        let byte = *page.add(100);
        libc::munmap(page.cast(), page_size());
        if came == 1 { Ok(Some(byte)) } else { Err(io::ErrorKind::Other.into()) }
    }
}
