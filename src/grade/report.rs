//! What a check says when it is over: to the learner as text, to the program that graded it as JSON.

use std::fs::File;
use std::io::Write;
use std::os::fd::{FromRawFd, RawFd};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use serde::{Deserialize, Serialize};

use super::{Failure, Verdict};
use crate::misconception::Misconception;
use crate::text;
use crate::text::{Language, Text};

/// The name of the environment variable with the number of the descriptor that a check writes its report to. The program
/// that grades leaves it open for this process alone.
pub const REPORT_VARIABLE: &str = "WORKBOOK_REPORT";

/// Where the program that grades this check expects its report; None when nobody does. Programs that the learner's code
/// starts don't get it.
pub(super) fn destination() -> Option<File> {
    let descriptor: RawFd = std::env::var(REPORT_VARIABLE).ok()?.parse().ok()?;
    // SAFETY: the program that grades has opened it for this process, which takes it here and nowhere else.
    let file = unsafe { File::from_raw_fd(descriptor) };
    fcntl(&file, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).ok()?;
    Some(file)
}

/// What a check says when it is over.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// Which section to read.
    pub section: String,
    /// The rule that the check is about.
    pub rule: Text,
    /// Why it failed; None when it passed.
    pub failure: Option<Failure>,
    /// What it has found wrong and left to another check to say ([`left_to_another`](super::fixtures::left_to_another)).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub left: Option<Box<Failure>>,
    /// What it tells of a right answer ([`tell`](super::fixtures::tell)).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub told: Option<Text>,
}

impl Report {
    /// Writes the report for the program that grades the check; false when it can't be written.
    pub(super) fn write(&self, mut to: File) -> bool {
        // The program that reads it knows that a check without a report has not passed.
        serde_json::to_vec(self).is_ok_and(|json| to.write_all(&json).is_ok())
    }

    /// The parts of a failed check with their names, in the order in which they are read. `lesson` is the number of the
    /// lesson whose check it is, where that is known, and `heading` gives that of a section of a lesson's chapter.
    pub fn parts(&self, lesson: Option<u8>, heading: impl Fn(u8, &str) -> Option<Text>) -> Vec<(Text, Text)> {
        let Some(failure) = &self.failure else { return Vec::new() };
        if failure.verdict == Verdict::Skipped {
            return vec![
                (text!("because", "原因"), failure.happened.clone()),
                (text!("what to do", "怎么办"), failure.expected.clone()),
            ];
        }
        let mut parts = vec![
            (text!("expected", "预期"), failure.expected.clone()),
            (text!("happened", "实际"), failure.happened.clone()),
        ];
        parts.extend(failure.given.clone().map(|given| (text!("with", "反例"), given)));
        let misconception = failure.misconception.as_deref().and_then(Misconception::of_slug);
        if let Some(misconception) = misconception {
            let (belief, against, slug) = (&misconception.belief, &misconception.against, misconception.slug);
            parts.push((
                text!("looks like", "可能误解"),
                Text::new(
                    format!("\"{}\" ({slug}) {}", belief.en, against.en),
                    format!("“{}”（{slug}）{}", belief.zh, against.zh),
                ),
            ));
        }
        if self.section.is_empty() {
            return parts; // the check's process ended before it reported
        }
        parts.push((text!("rule", "规则"), self.rule.clone()));
        let (lesson, section) = self.place(lesson);
        let read = match lesson.map(|n| (n, heading(n, section))) {
            Some((n, Some(Text { en, zh }))) => Text::new(
                format!("chapter {n} of the book, \"{en}\"; lesson {n}'s lesson.rs, from `ANCHOR: {section}` on"),
                format!("书的第 {n} 章，“{zh}”一节；第 {n} 课的 lesson.rs，从 `ANCHOR: {section}` 起"),
            ),
            Some((n, None)) => text!(
                "chapter {n} of the book, #{section}; lesson {n}'s lesson.rs, from `ANCHOR: {section}` on",
                "书的第 {n} 章 #{section}；第 {n} 课的 lesson.rs，从 `ANCHOR: {section}` 起"
            ),
            None => text!(
                "this lesson's chapter of the book, #{section}; its lesson.rs, from `ANCHOR: {section}` on",
                "书中本课的一章 #{section}；本课的 lesson.rs，从 `ANCHOR: {section}` 起"
            ),
        };
        parts.push((text!("read", "阅读"), read));
        parts
    }

    /// The lesson whose section is to be read, where that is known, and the section's id. `lesson` is that of the check.
    pub fn place(&self, lesson: Option<u8>) -> (Option<u8>, &str) {
        match self.section.split_once(':') {
            Some((other, section)) => (other.parse().ok(), section),
            None => (lesson, &self.section),
        }
    }

    /// The parts as lines of text.
    pub fn in_language(
        &self,
        language: Language,
        lesson: Option<u8>,
        heading: impl Fn(u8, &str) -> Option<Text>,
    ) -> String {
        let parts = self.parts(lesson, heading);
        let lines = parts.iter().map(|(name, words)| {
            let words = words.in_language(language).replace('\n', "\n    ");
            format!("  {}: {words}\n", name.in_language(language))
        });
        lines.collect()
    }
}
