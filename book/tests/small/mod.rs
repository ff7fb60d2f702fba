//! A small book that keeps all of the rules, so that a test can break one of them.

#![allow(dead_code, reason = "each test uses some of it")]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};

use book::sources::Sources;
use book::stamp;
use mmap_workbook::process::DEADLINE;
use mmap_workbook::text::Language;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tempfile::TempDir;

/// A workbook with one chapter.
pub struct Small {
    /// Its checkout.
    pub directory: TempDir,
}

impl Small {
    pub fn new() -> Small {
        let small = Small { directory: tempfile::tempdir().expect("a directory") };
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        for (name, text) in FILES {
            small.write(name, text);
        }
        for language in Language::ALL {
            let config = format!("{}/book.toml", language.code());
            small.write(&format!("book/{config}"), &fs::read_to_string(package.join(config)).expect("book.toml"));
        }
        copy(&package.join("theme"), &small.directory.path().join("book/theme"));
        small.stamp();
        small
    }

    /// The checkout, for the program.
    pub fn sources(&self) -> Sources {
        Sources::at(self.directory.path())
    }

    /// Writes a file.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.directory.path().join(name);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(path, text).expect("a file");
    }

    /// As `cargo run -p book -- stamp`.
    pub fn stamp(&self) {
        stamp::stamp(&self.sources()).expect("stamped");
    }
}

/// The program `book`, with a small book as its checkout.
pub fn program(small: &Small, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_book"));
    command.env("CARGO_MANIFEST_DIR", small.directory.path().join("book")).current_dir(small.directory.path());
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A line that the program prints.
pub fn line(from: &mut BufReader<impl Read + AsFd>) -> String {
    if from.buffer().is_empty() {
        let pipe = PollFd::new(from.get_ref().as_fd(), PollFlags::POLLIN);
        let limit = PollTimeout::try_from(DEADLINE).expect("a limit");
        assert_eq!(poll(&mut [pipe], limit), Ok(1), "a line in time");
    }
    let mut line = String::new();
    from.read_line(&mut line).expect("a line");
    line.trim_end().to_owned()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).expect("a copy");
        }
    }
}

/// A question with this id, and what its three options have besides their texts.
macro_rules! question {
    ($id:literal, $($more:literal),*) => {
        concat!(
            "[[question]]\nid = \"", $id, "\"\nheld = \"lesson_1::it_holds\"\nask.en = \"What?\"\nask.zh = \"什么？\"\n",
            $("[[question.option]]\n", $more, "\ntext.en = \"This\"\ntext.zh = \"这个\"\nwhy.en = \"So.\"\nwhy.zh = \"如此。\"\n",)*
        )
    };
}

const FILES: &[(&str, &str)] = &[
    (
        "lessons/1_one/lesson.rs",
        "// ANCHOR: map\n    fn map() {} // at once\n// ANCHOR_END: map\n// ANCHOR: empty\n\n// ANCHOR_END: empty\n",
    ),
    ("book/zh/comments.toml", "[[comment]]\nen = \"at once\"\nzh = \"立刻\"\n"),
    ("book/search.toml", "[[section]]\nat = \"1_one#window\"\nwords.en = \"pane\"\nwords.zh = \"玻璃\"\n"),
    ("lessons/1_one/checks/a.rs", "fn a() {\n    check(\"window\", || {});\n}\n"),
    ("tests/lesson_1.rs", "#[test]\nfn it_holds() {}\n\nfn not_a_test() {}\n"),
    (
        "tests/snapshots/lesson_1__demonstration_en.snap",
        "---\nsource: x\n---\n\nFirst thing\n  a: 1\n\nSecond thing\n  b: 2\n",
    ),
    (
        "tests/snapshots/lesson_1__demonstration_zh.snap",
        "---\nsource: x\n---\n\nFirst thing\n  a: 1\n\nSecond thing\n  b: 2\n",
    ),
    ("book/tests/snapshots/programs__one.snap", "---\nsource: x\n---\nhello\n"),
    ("book/programs/one.c", "int main(void) { return 0; }\n"),
    (
        "book/figures/map.svg",
        "<svg viewBox=\"0 0 340 20\" role=\"img\">\n<title>[[A map|映射]]</title>\n<desc>[[One.|一个。]]</desc>\n\
         <rect class=\"page\" x=\"0\" y=\"0\" width=\"9\" height=\"9\"/>\n</svg>\n",
    ),
    ("book/en/SUMMARY.md", "# Book\n\n[Start](index.md)\n\n- [1. One](1_one.md)\n- [Model](model.md)\n"),
    ("book/zh/SUMMARY.md", "# 书\n\n[开始](index.md)\n\n- [1. 一](1_one.md)\n- [模型](model.md)\n"),
    ("book/en/index.md", "# Start {#top}\n\nGo to [one](1_one.md#window).\n\n```sh\ncargo run\n```\n"),
    ("book/zh/index.md", "<!-- en: 0 -->\n# 开始 {#top}\n\n请看[第一章](1_one.md#window)。\n\n```sh\ncargo run\n```\n"),
    (
        "book/en/1_one.md",
        "# 1. One {#top}\n\n## Predict {#predict}\n\nWhat?\n\n{{#figure map}}\n\n## Window {#window}\n\n```rust,ignore\n\
         {{#include ../../lessons/1_one/lesson.rs:map}}\n```\n\nIt is so{{#held lesson_1::it_holds}}.\n\n## Kernel {#kernel}\n\n\
         {{#transcript 1 Second}}\n\n{{#output one}}\n\n## Wrong {#wrong}\n\n{{#belief close-unmaps}}\n\n## Differs {#differs}\n\n\
         ## Answer {#answer}\n\n## Check {#questions}\n\n{{#questions}}\n\n## Exercise {#exercise}\n",
    ),
    (
        "book/zh/1_one.md",
        "<!-- en: 0 -->\n# 1. 一 {#top}\n\n## 预测 {#predict}\n\n什么？\n\n{{#figure map}}\n\n## 窗口 {#window}\n\n```rust,ignore\n\
         {{#include ../../lessons/1_one/lesson.rs:map}}\n```\n\n如此{{#held lesson_1::it_holds}}。\n\n## 内核 {#kernel}\n\n\
         {{#transcript 1 Second}}\n\n{{#output one}}\n\n## 错误 {#wrong}\n\n{{#belief close-unmaps}}\n\n## 差别 {#differs}\n\n\
         ## 解答 {#answer}\n\n## 自测 {#questions}\n\n{{#questions}}\n\n## 练习 {#exercise}\n",
    ),
    ("book/en/model.md", "# Model {#top}\n\n## It {#close-unmaps}\n"),
    ("book/zh/model.md", "<!-- en: 0 -->\n# 模型 {#top}\n\n## 它 {#close-unmaps}\n"),
    ("book/questions/1_one.toml", QUESTIONS),
];

/// Five questions, and a prediction.
pub const QUESTIONS: &str = concat!(
    question!("one", "right = true", "", ""),
    question!("two", "", "right = true", ""),
    question!("three", "", "", "right = true"),
    question!("four", "", "right = true", ""),
    question!("five", "right = true", "", ""),
    "[[prediction]]\nprogram = \"one\"\nline = \"hel\"\n",
    "[[prediction]]\nask.en = \"Does it?\"\nask.zh = \"会吗？\"\nanswer.en = \"yes\"\nanswer.zh = \"会\"\nheld = \"lesson_1::it_holds\"\n\
     options = [{ en = \"yes\", zh = \"会\" }, { en = \"no\", zh = \"不会\" }]\n",
);
