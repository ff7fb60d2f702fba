//! The list of lessons. All that concerns every lesson goes through this list, or a test compares it with the list.

use std::io;
use std::path::Path;

use crate::narrate::Narrator;
use crate::text::Text;

/// A lesson, as the course knows it.
pub struct Lesson {
    /// From 1 on: the N of `lessons/N_slug`, `tests/lesson_N.rs` and `workbook run N`.
    pub number: u8,
    /// The rest of the directory's name.
    pub slug: &'static str,
    /// Its title.
    pub title: Text,
    /// What the lesson finds out.
    pub question: Text,
    /// Runs the demonstration on the file at the path.
    pub demonstrate: fn(&mut Narrator, &Path) -> io::Result<()>,
    /// Why the demonstration runs only on a copy of the learner's file; None if it keeps the file's size and inode, so
    /// that every byte can be restored.
    pub copy_only: Option<Text>,
    /// The functions of its exercise that take longer: the exercise is solved without them. They come after the others.
    pub further: &'static [&'static str],
    /// Whether what its checks look at is only on a disk: files that leave memory.
    pub needs_a_disk: bool,
    /// Whether it is still being written. A draft is listed nowhere and need not be complete, but can be named by its
    /// number.
    pub draft: bool,
}

impl Lesson {
    /// The name of its directories and of its page in the book: `2_mmap_munmap`.
    pub fn directory(&self) -> String {
        format!("{}_{}", self.number, self.slug)
    }

    /// Whether the exercise is solved without this function.
    pub fn is_further(&self, function: &str) -> bool {
        self.further.contains(&function)
    }
}

/// All lessons, drafts too, in the order in which they build on each other.
pub static LESSONS: &[Lesson] = &[
    Lesson {
        number: 1,
        slug: "traditional_io",
        title: Text::fixed("Traditional I/O", "传统 I/O"),
        question: Text::fixed(
            "What does a change cost without mmap, and what is left if the process dies halfway?",
            "不用 mmap，改动一个文件要付出什么代价？如果进程中途死掉，又会留下什么？",
        ),
        demonstrate: crate::lesson_1::demonstrate,
        copy_only: Some(Text::fixed(
            "its last part replaces the file with another inode",
            "它的最后一部分会用另一个 inode 替换文件",
        )),
        further: &["increment", "to_crlf", "save", "load"],
        needs_a_disk: false,
        draft: false,
    },
    Lesson {
        number: 2,
        slug: "mmap_munmap",
        title: Text::fixed("mmap and munmap", "mmap 与 munmap"),
        question: Text::fixed(
            "A file that is memory: where is it, and for how long?",
            "把文件当作内存来用：它在哪里，能用多久？",
        ),
        demonstrate: crate::lesson_2::demonstrate,
        copy_only: None,
        further: &["map_aligned"],
        needs_a_disk: false,
        draft: false,
    },
    Lesson {
        number: 3,
        slug: "shared_vs_private",
        title: Text::fixed("Shared versus private", "共享与私有"),
        question: Text::fixed(
            "Who sees a change, and when is a page copied?",
            "一处改动谁能看见，页在什么时候被复制？",
        ),
        demonstrate: crate::lesson_3::demonstrate,
        copy_only: None,
        further: &["what_if"],
        needs_a_disk: false,
        draft: false,
    },
    Lesson {
        number: 4,
        slug: "cross_process_ipc",
        title: Text::fixed("Processes that talk through a mapped file", "通过映射文件通信的进程"),
        question: Text::fixed(
            "How do you make sure that no reader ever sees half a message, even when the writer dies?",
            "怎样让读者永远不会读到半条消息，哪怕写者中途死掉？",
        ),
        demonstrate: crate::lesson_4::demonstrate,
        copy_only: Some(Text::fixed("it makes a file of its own", "它使用自己建立的文件")),
        further: &["open_once", "publish", "latest"],
        needs_a_disk: false,
        draft: false,
    },
    Lesson {
        number: 5,
        slug: "unlinked_temp_files",
        title: Text::fixed("Unlinked temporary files", "没有名字的临时文件"),
        question: Text::fixed(
            "Who can reach a file without a name, and when does its space come back?",
            "没有名字的文件谁能访问，它的空间什么时候归还？",
        ),
        demonstrate: crate::lesson_5::demonstrate,
        copy_only: Some(Text::fixed("it works on files without a name", "它使用的文件没有名字")),
        further: &["hand_down", "receive_sealed"],
        needs_a_disk: false,
        draft: false,
    },
    Lesson {
        number: 6,
        slug: "bus_error",
        title: Text::fixed("The bus error", "总线错误"),
        question: Text::fixed(
            "Which accesses to a mapping are fatal, and how can a program survive them?",
            "对映射的哪些访问是致命的，程序又怎样才能挺过去？",
        ),
        demonstrate: crate::lesson_6::demonstrate,
        copy_only: Some(Text::fixed("it truncates the file", "它会截断文件")),
        further: &["zeros_over", "survive"],
        needs_a_disk: false,
        draft: false,
    },
    Lesson {
        number: 7,
        slug: "cost",
        title: Text::fixed("What it costs", "开销"),
        question: Text::fixed(
            "What does a mapping cost, when is it paid, and when is it faster than read(2)?",
            "映射的开销在哪里，什么时候付，什么时候比 read(2) 快？",
        ),
        demonstrate: crate::lesson_7::demonstrate,
        copy_only: None,
        further: &["choose"],
        needs_a_disk: true,
        draft: false,
    },
    Lesson {
        number: 8,
        slug: "durability",
        title: Text::fixed("What survives", "持久化"),
        question: Text::fixed(
            "What is left when the process dies, and what when the power is cut?",
            "进程死了，留下什么；断电了，又留下什么？",
        ),
        demonstrate: crate::lesson_8::demonstrate,
        copy_only: None,
        further: &["transaction", "pages", "checkpoint"],
        needs_a_disk: false,
        draft: false,
    },
];

/// The lesson of that number; it may be a draft.
pub fn lesson(number: u8) -> Option<&'static Lesson> {
    LESSONS.iter().find(|lesson| lesson.number == number)
}

/// The complete lessons: the course offers them, and the README and the book must have them.
pub fn listed() -> impl Iterator<Item = &'static Lesson> {
    LESSONS.iter().filter(|lesson| !lesson.draft)
}
