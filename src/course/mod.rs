//! The order of the lessons, and what a lesson is run on.

use std::io;
use std::path::Path;

use crate::narrate::Narrator;

/// A lesson, as the course knows it.
pub struct Lesson {
    /// From 1 on: the N of `lessons/N_slug`, `tests/lesson_N.rs` and `workbook run N`.
    pub number: u8,
    /// The rest of the folder's name.
    pub slug: &'static str,
    /// Its title.
    pub title: &'static str,
    /// What the lesson finds out.
    pub question: &'static str,
    /// Runs the demonstration on the file at the path.
    pub demonstrate: fn(&mut Narrator, &Path) -> io::Result<()>,
}

/// All lessons, in the order in which they build on each other.
pub const LESSONS: &[Lesson] = &[
    Lesson {
        number: 1,
        slug: "traditional_io",
        title: "Traditional I/O",
        question: "What does it cost to change a file without mmap, and what is left of it if we die halfway?",
        demonstrate: crate::lesson_1::demonstrate,
    },
    Lesson {
        number: 2,
        slug: "mmap_munmap",
        title: "mmap and munmap",
        question: "What is a file that is memory, and how long is it?",
        demonstrate: crate::lesson_2::demonstrate,
    },
];

/// The file that a demonstration is run on when the learner gives none.
pub const SAMPLE: &str = "\
The page cache is where a file's bytes are while somebody uses them.
read(2) copies them out of it, write(2) copies them into it,
and mmap(2) lets you look at them where they are.
";
