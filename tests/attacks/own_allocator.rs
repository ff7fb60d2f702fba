//! An allocator of its own, which the check's process would call.
//! refused: global_allocator
#[global_allocator]
static ALLOCATOR: std::alloc::System = std::alloc::System;
