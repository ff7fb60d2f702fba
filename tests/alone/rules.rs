//! The language of scenarios, the model and what the simulator tells of them by themselves. If this compiles, they make no
//! system call, need no standard library, and have no unsafe block.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

#[path = "../../src/fault.rs"]
pub mod fault;
#[path = "../../src/misconception/mod.rs"]
pub mod misconception;
#[path = "../../src/model/mod.rs"]
pub mod model;
#[path = "../../src/scenario/mod.rs"]
pub mod scenario;
#[path = "../../src/text.rs"]
pub mod text;
#[path = "../../src/trace/mod.rs"]
pub mod trace;
