//! A workbook on memory mapping under Linux: lessons that ask the kernel.
//!
//! # Layout
//! - [`lesson_1`]: traditional I/O: what read(2) and write(2) copy, and a file that is replaced whole
//! - [`lesson_2`]: mmap and munmap: a file as a range of addresses
//! - [`lesson_3`]: shared against private: who sees a change, and when a page is copied
//! - [`lesson_4`]: processes that talk through a mapped file
//! - [`lesson_5`]: unlinked temporary files: what has no name, and when its space comes back
//! - [`lesson_6`]: the bus error: which accesses are fatal, and the ways out
//! - [`error`]: errors with words of the workbook's own, in each language
//! - [`fault`]: why an access to memory raised a signal: the causes and their names
//! - [`process`]: children: forked, talked with in turns, waited for with a deadline
//! - [`observe`]: what the kernel says about a process's memory
//! - [`narrate`]: prints what a demonstration says
//! - [`grade`]: what the exercises' checks are written with
//! - [`mod@text`]: a text in each language of the workbook
//! - [`ui`]: what the program shows: in which language, in lines that fit, and where it goes
//! - [`scenario`]: a small language for what processes do with files and mappings: written, printed and played
//! - [`model`]: the rules of mmap as a program without a system call: what each line of a scenario gives, and why
//! - [`misconception`]: wrong beliefs, and models that hold them
//! - [`trace`]: what each line of a scenario gives, why, and what it changes, as data
//! - [`kernel`]: the kernel as a place to play a scenario: one process for each letter
//! - [`play`]: scenarios on the model and on the kernel, side by side, and at random for as long as one likes
//! - [`predict`]: questions about scenarios and programs, and the misconceptions behind wrong answers
//! - [`words`]: the atomic words of a mapping, and a machine in which checks play them
//! - [`course`]: the list of lessons, what a demonstration is run on, and the commands of the exercises
//! - [`class`]: the course for a class: handed out without its answers, updated, graded in a sandbox
//! - [`arguments`]: the arguments of the program
//!
//! Modules use each other in one direction: the table in CONTRIBUTING.md says which uses which, and a test checks it.
//! `fault`, `misconception`, `model`, `scenario`, `text` and `trace` need no standard library: they compile for any target,
//! and the simulator in the book is made of them.

#![cfg_attr(not(unix), no_std)]

extern crate alloc;

#[cfg(unix)]
pub mod arguments;
#[cfg(unix)]
pub mod class;
#[cfg(unix)]
pub mod course;
#[cfg(unix)]
pub mod crash;
#[cfg(unix)]
pub mod error;
pub mod fault;
#[cfg(unix)]
pub mod grade;
#[cfg(unix)]
pub mod kernel;
pub mod misconception;
pub mod model;
#[cfg(unix)]
pub mod narrate;
#[cfg(unix)]
pub mod observe;
#[cfg(unix)]
pub mod play;
#[cfg(unix)]
pub mod predict;
#[cfg(unix)]
pub mod process;
pub mod scenario;
pub mod text;
pub mod trace;
#[cfg(unix)]
pub mod ui;
#[cfg(unix)]
pub mod words;

#[cfg(unix)]
#[path = "../lessons/1_traditional_io/lesson.rs"]
pub mod lesson_1;
#[cfg(unix)]
#[path = "../lessons/2_mmap_munmap/lesson.rs"]
pub mod lesson_2;
#[cfg(unix)]
#[path = "../lessons/3_shared_vs_private/lesson.rs"]
pub mod lesson_3;
#[cfg(unix)]
#[path = "../lessons/4_cross_process_ipc/lesson.rs"]
pub mod lesson_4;
#[cfg(unix)]
#[path = "../lessons/5_unlinked_temp_files/lesson.rs"]
pub mod lesson_5;
#[cfg(unix)]
#[path = "../lessons/6_bus_error/lesson.rs"]
pub mod lesson_6;
#[cfg(unix)]
#[path = "../lessons/7_cost/lesson.rs"]
pub mod lesson_7;
#[cfg(unix)]
#[path = "../lessons/8_durability/lesson.rs"]
pub mod lesson_8;
