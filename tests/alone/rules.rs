//! The language of scenarios and the model by themselves. If this compiles, they make no system call, need no crate but
//! `alloc`, and have no unsafe block.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

#[path = "../../src/fault.rs"]
pub mod fault;
#[path = "../../src/model/mod.rs"]
pub mod model;
#[path = "../../src/scenario/mod.rs"]
pub mod scenario;
#[path = "../../src/text.rs"]
pub mod text;
