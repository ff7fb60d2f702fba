//! A workbook on memory mapping under Linux: lessons that ask the kernel.
//!
//! # Layout
//! Arrows point one way: lessons use `process`, `observe` and `narrate`; `course` uses the lessons; nothing uses `course`.

pub mod course;
pub mod narrate;
pub mod observe;
pub mod process;

#[path = "../lessons/1_traditional_io/lesson.rs"]
pub mod lesson_1;
#[path = "../lessons/2_mmap_munmap/lesson.rs"]
pub mod lesson_2;
#[path = "../lessons/3_shared_vs_private/lesson.rs"]
pub mod lesson_3;
#[path = "../lessons/5_unlinked_temp_files/lesson.rs"]
pub mod lesson_5;
#[path = "../lessons/6_bus_error/lesson.rs"]
pub mod lesson_6;
