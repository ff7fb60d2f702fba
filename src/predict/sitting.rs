//! A sitting: question after question, the kernel's answers, and what they have shown in the end.

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use anstyle::Style;

use super::Question;
use super::belief::{self, Belief};
use super::words::in_words;
use crate::course::LESSONS;
use crate::course::feedback::{BAD, BOLD, GOOD, NAME, Page};
use crate::grade::{Language, Words};
use crate::model::Model;
use crate::play::{self, sentence};
use crate::say;
use crate::scenario::{Outcome, World};

/// Asks question after question, lets the kernel answer (the model never does), and sums up at the end.
///
/// # Errors
/// Those of reading and writing, and as [`crate::kernel::Kernel`].
pub fn sit(
    questions: impl Iterator<Item = Question>,
    kernel: &mut dyn World<Error = io::Error>,
    input: &mut dyn BufRead,
    page: &mut Page,
) -> io::Result<()> {
    // None where there is no end of them.
    let of = questions.size_hint().1;
    let (mut asked, mut right) = (0, 0);
    let mut shown: BTreeMap<&str, (usize, &Belief)> = BTreeMap::new();
    page.say(&say!(
        "Each question is a history, one operation a line. 1p is a page; an outcome of 0*3 is three zero bytes.",
        "每道题是一段历史，每行一个操作。1p 是一页；结果里的 0*3 是三个零字节。"
    ))?;
    for question in questions {
        let number = asked + 1;
        page.heading(&match of {
            Some(all) => say!("Question {number} of {all}", "第 {number} 题，共 {all} 题"),
            None => say!("Question {number}", "第 {number} 题"),
        })?;
        let Some(answer) = ask(&question, input, page)? else { break };
        asked += 1;
        let happened = kernel.play(&question.scenario)?;
        let Some(happened) = happened.last() else { break };
        let is_right = answer == happened;
        right += usize::from(is_right);
        page.say(&match is_right {
            true => say!("{GOOD}Yes.{GOOD:#} The kernel gives {happened}.", "{GOOD}对。{GOOD:#}内核给出 {happened}。"),
            false => say!("{BAD}No.{BAD:#} The kernel gives {happened}.", "{BAD}不对。{BAD:#}内核给出 {happened}。"),
        })?;
        if explain(&question, happened, page)? && !is_right {
            for belief in question.misconceptions(answer, play::page()?) {
                name(belief, page)?;
                shown.entry(belief.misconception.slug).or_insert((0, belief)).0 += 1;
            }
        }
    }
    sum_up(asked, right, &shown, page)
}

/// Why it has happened; false where the model doesn't know.
fn explain(question: &Question, happened: &Outcome, page: &mut Page) -> io::Result<bool> {
    let size = play::page()?;
    if belief::last_outcome(Model::new(size), &question.scenario).is_none_or(|model| !model.allows(happened)) {
        // The kernel is right all the same.
        page.say(&say!(
            "(The model is wrong here. Please report this scenario.)",
            "（这里模型错了，请报告这个脚本。）"
        ))?;
        return Ok(false);
    }
    for rule in question.rules(happened, size) {
        page.hang("", Style::new(), sentence(rule, page.language()))?;
    }
    question.elsewhere(happened, size).map_or(Ok(()), |text| page.say(&text))?;
    Ok(true)
}

/// The misconception that would have made this prediction.
fn name(belief: &Belief, page: &mut Page) -> io::Result<()> {
    let slug = belief.misconception.slug;
    let (believed, against) = (belief.misconception.belief(), belief.misconception.against());
    page.say(&Words {
        en: format!("\nThat fits a misconception, {NAME}[{slug}]{NAME:#}: {}\nIn fact: {}", believed.en, against.en),
        zh: format!("\n这个答案符合一种误解 {NAME}[{slug}]{NAME:#}：{}\n事实：{}", believed.zh, against.zh),
    })
}

/// Shows a question, and reads which option is chosen; None at the end.
fn ask<'q>(question: &'q Question, input: &mut dyn BufRead, page: &mut Page) -> io::Result<Option<&'q Outcome>> {
    let language = page.language();
    let (last, before) = question.scenario.0.split_last().ok_or(io::ErrorKind::InvalidInput)?;
    for line in before {
        writeln!(page.out(), "  {} {}", line.process, line.operation)?;
    }
    writeln!(page.out(), "  {BOLD}{} {}  => ?{BOLD:#}\n", last.process, last.operation)?;
    for (letter, option) in ('a'..).zip(&question.options) {
        writeln!(page.out(), "  {BOLD}{letter}{BOLD:#}) {option}")?;
    }
    let mut prompt = say!(
        "\nWhat does the last line give? (a letter; ? says the lines in words; q ends)",
        "\n最后一行给出什么？（输入字母；? 用文字解释每一行；q 结束）"
    );
    loop {
        write!(page.out(), "{} ", prompt.in_language(language))?;
        page.out().flush()?;
        let mut line = String::new();
        let is_over = input.read_line(&mut line)? == 0;
        let line = line.trim();
        if is_over || line == "q" {
            writeln!(page.out())?;
            return Ok(None);
        }
        if line == "?" {
            say_in_words(question, page)?;
            prompt = say!("\nWhat does the last line give?", "\n最后一行给出什么？");
            continue;
        }
        let mut options = ('a'..).zip(&question.options);
        if let Some((_, option)) =
            options.find(|(letter, option)| line == letter.to_string() || line == option.to_string())
        {
            return Ok(Some(option));
        }
        prompt = say!("One of the letters, please:", "请输入上面的一个字母：");
    }
}

fn say_in_words(question: &Question, page: &mut Page) -> io::Result<()> {
    for line in &question.scenario.0 {
        writeln!(page.out(), "\n  {BOLD}{} {}{BOLD:#}", line.process, line.operation)?;
        let text = in_words(line);
        page.hang("    ", Style::new(), text.in_language(page.language()))?;
    }
    Ok(())
}

fn sum_up(asked: usize, right: usize, shown: &BTreeMap<&str, (usize, &Belief)>, page: &mut Page) -> io::Result<()> {
    page.say(&say!("\n{BOLD}{right} of {asked} predicted.{BOLD:#}", "\n{BOLD}{asked} 题中猜对 {right} 题。{BOLD:#}"))?;
    if !shown.is_empty() {
        page.say(&say!("What showed, and what to read:", "暴露出的误解，以及该读什么："))?;
    }
    let folder = if page.language() == Language::English { "en" } else { "zh" };
    for (times, belief) in shown.values() {
        let lesson = LESSONS.iter().find(|lesson| lesson.number == belief.lesson).ok_or(io::ErrorKind::NotFound)?;
        let (slug, believed) = (belief.misconception.slug, belief.misconception.belief());
        let text = format!("{NAME}[{slug}]{NAME:#} {}", believed.in_language(page.language()));
        page.hang(&format!("  {times} x "), Style::new(), &text)?;
        writeln!(page.out(), "      book/{folder}/{}_{}.md", lesson.number, lesson.slug)?;
    }
    Ok(())
}
