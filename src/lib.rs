//! A workbook on memory mapping under Linux: lessons that ask the kernel.
//!
//! # Layout
//! - [`lesson_1`]: traditional I/O: what read(2) and write(2) copy, and a file that is replaced whole
//! - [`lesson_2`]: mmap and munmap: a file as a range of addresses
//! - [`lesson_3`]: shared against private: who sees a change, and when a page is copied
//! - [`lesson_4`]: processes that talk through a mapped file
//! - [`lesson_5`]: unlinked temporary files: what has no name, and when its space comes back
//! - [`lesson_6`]: the bus error: which touch kills, and the ways out
//! - [`process`]: children: forked, talked with in turns, waited for with a deadline
//! - [`observe`]: what the kernel says of a process's memory
//! - [`narrate`]: what a demonstration prints through
//! - [`grade`]: what the exercises' checks are written with
//! - [`course`]: the order of the lessons, what a demonstration is run on, and the commands of the exercises
//!
//! Arrows point one way: the lessons use `process`, `observe` and `narrate`, and the lessons before them; `course` uses the
//! lessons; nothing uses `course` but the program.

pub mod course;
pub mod grade;
pub mod model;
pub mod narrate;
pub mod observe;
pub mod process;
pub mod scenario;

#[path = "../lessons/1_traditional_io/lesson.rs"]
pub mod lesson_1;
#[path = "../lessons/2_mmap_munmap/lesson.rs"]
pub mod lesson_2;
#[path = "../lessons/3_shared_vs_private/lesson.rs"]
pub mod lesson_3;
#[path = "../lessons/4_cross_process_ipc/lesson.rs"]
pub mod lesson_4;
#[path = "../lessons/5_unlinked_temp_files/lesson.rs"]
pub mod lesson_5;
#[path = "../lessons/6_bus_error/lesson.rs"]
pub mod lesson_6;
