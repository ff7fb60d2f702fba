//! The order of the lessons, and how a demonstration is run.

mod demo_input;
mod exercise;
pub mod feedback;
pub mod grading;
pub mod progress;
mod safety;
pub mod watch;

use std::io;
use std::path::Path;

use crate::narrate::Narrator;
use crate::text::Language;

pub use demo_input::{DemoInput, run};
pub use exercise::{Checks, Course, Exercise};

/// A lesson, as the course knows it.
pub struct Lesson {
    /// From 1 on: the N of `lessons/N_slug`, `tests/lesson_N.rs` and `workbook run N`.
    pub number: u8,
    /// The rest of the directory's name.
    pub slug: &'static str,
    /// Its title.
    pub title: &'static str,
    /// What the lesson finds out.
    pub question: &'static str,
    /// The title and the question in Chinese.
    pub zh: (&'static str, &'static str),
    /// Runs the demonstration on the file at the path.
    pub demonstrate: fn(&mut Narrator, &Path) -> io::Result<()>,
    /// Why it is never run on the learner's own file, only on a copy; None where it keeps the file's size and inode, so that
    /// every byte can be put back.
    pub copy_only: Option<&'static str>,
}

impl Lesson {
    /// Its title in this language.
    pub fn title_in(&self, language: Language) -> &'static str {
        if language == Language::Chinese { self.zh.0 } else { self.title }
    }

    /// What it finds out, in this language.
    pub fn question_in(&self, language: Language) -> &'static str {
        if language == Language::Chinese { self.zh.1 } else { self.question }
    }
}

/// All lessons, in the order in which they build on each other.
pub const LESSONS: &[Lesson] = &[
    Lesson {
        number: 1,
        slug: "traditional_io",
        title: "Traditional I/O",
        question: "What does a change cost without mmap, and what is left if we die halfway?",
        zh: ("传统 I/O", "不用 mmap，改动一个文件要付出什么代价？如果中途死掉，又会留下什么？"),
        demonstrate: crate::lesson_1::demonstrate,
        copy_only: Some("its last part replaces the file by another inode"),
    },
    Lesson {
        number: 2,
        slug: "mmap_munmap",
        title: "mmap and munmap",
        question: "A file that is memory: where is it, and for how long?",
        zh: ("mmap 与 munmap", "把文件当作内存来用：它在哪里，能用多久？"),
        demonstrate: crate::lesson_2::demonstrate,
        copy_only: None,
    },
    Lesson {
        number: 3,
        slug: "shared_vs_private",
        title: "Shared against private",
        question: "Who sees a change, and when is a page copied?",
        zh: ("共享与私有", "一处修改谁能看见，页在什么时候被复制？"),
        demonstrate: crate::lesson_3::demonstrate,
        copy_only: None,
    },
    Lesson {
        number: 4,
        slug: "cross_process_ipc",
        title: "Processes that talk through a mapped file",
        question: "How does no reader ever see half a message, even when the writer dies?",
        zh: ("通过映射文件通信的进程", "怎样让读者永远不会读到半条消息，哪怕写者中途死掉？"),
        demonstrate: crate::lesson_4::demonstrate,
        copy_only: Some("it makes a file of its own"),
    },
    Lesson {
        number: 5,
        slug: "unlinked_temp_files",
        title: "Unlinked temporary files",
        question: "Who can reach a file without a name, and when does its space come back?",
        zh: ("没有名字的临时文件", "没有名字的文件谁能访问，它的空间什么时候归还？"),
        demonstrate: crate::lesson_5::demonstrate,
        copy_only: Some("it works on files without a name"),
    },
    Lesson {
        number: 6,
        slug: "bus_error",
        title: "The bus error",
        question: "Which touch of a mapping kills, and how does one live with it?",
        zh: ("总线错误", "对映射的哪些访问会让进程丧命，又该怎样与之共处？"),
        demonstrate: crate::lesson_6::demonstrate,
        copy_only: Some("it truncates the file"),
    },
];

/// The lesson of that number.
pub fn lesson(number: u8) -> Option<&'static Lesson> {
    LESSONS.iter().find(|lesson| lesson.number == number)
}

/// The file that a demonstration is run on when the learner gives none.
pub const SAMPLE: &str = "\
The page cache is where a file's bytes are while somebody uses them.
read(2) copies them out of it, write(2) copies them into it,
and mmap(2) lets you look at them where they are.
";
