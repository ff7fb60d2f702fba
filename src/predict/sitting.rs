//! A sitting: question after question, the kernel's answers, and a summary.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read};

use anstyle::Style;

use super::Question;
use super::denial::{self, Denial};
use super::words::in_words;
use crate::course;
use crate::model::Model;
use crate::play;
use crate::scenario::{Backend, Outcome};
use crate::text;
use crate::ui::{BAD, BOLD, GOOD, NAME, Terminal};

/// Asks question after question, lets the kernel answer (never the model), and sums up at the end.
///
/// # Errors
/// Those of reading and writing, and as [`crate::kernel::Kernel`].
pub fn sit(
    questions: impl Iterator<Item = Question>,
    kernel: &mut dyn Backend<Error = io::Error>,
    input: &mut dyn BufRead,
    terminal: &mut Terminal,
) -> io::Result<()> {
    // None if the series has no end.
    let of = questions.size_hint().1;
    let (mut asked, mut right) = (0, 0);
    let mut shown: BTreeMap<&str, (usize, &Denial)> = BTreeMap::new();
    terminal.say(&text!(
        "Each question is a sequence of operations, one a line. 1p is one page; the outcome 0*3 is three zero bytes.",
        "每道题是一串操作，每行一个。1p 是一页；结果里的 0*3 是三个零字节。"
    ))?;
    for question in questions {
        let number = asked + 1;
        terminal.heading(&match of {
            Some(all) => text!("Question {number} of {all}", "第 {number} 题，共 {all} 题"),
            None => text!("Question {number}", "第 {number} 题"),
        })?;
        let Some(answer) = ask(&question, input, terminal)? else { break };
        asked += 1;
        let happened = kernel.play(&question.scenario)?;
        let Some(happened) = happened.last() else { break };
        let is_right = answer == happened;
        right += usize::from(is_right);
        terminal.say(&match is_right {
            true => text!("{GOOD}Yes.{GOOD:#} The kernel gives {happened}.", "{GOOD}对。{GOOD:#}内核给出 {happened}。"),
            false => text!("{BAD}No.{BAD:#} The kernel gives {happened}.", "{BAD}不对。{BAD:#}内核给出 {happened}。"),
        })?;
        if explain(&question, happened, terminal)? && !is_right {
            for denial in question.denials(answer, play::page_size()?) {
                name(denial, terminal)?;
                shown.entry(denial.misconception.slug).or_insert((0, denial)).0 += 1;
            }
        }
    }
    sum_up(asked, right, &shown, terminal)
}

/// Says why it happened; false where the model gets it wrong.
fn explain(question: &Question, happened: &Outcome, terminal: &mut Terminal) -> io::Result<bool> {
    let size = play::page_size()?;
    if denial::last_outcome(Model::new(size), &question.scenario).is_none_or(|model| !model.allows(happened)) {
        // The kernel is right, always.
        terminal.say(&text!(
            "(The model is wrong here. Please report this scenario.)",
            "（这里模型错了，请报告这个脚本。）"
        ))?;
        return Ok(false);
    }
    for rule in question.rules(happened, size) {
        terminal.hang("", Style::new(), rule.sentence().in_language(terminal.language()))?;
    }
    question.elsewhere(happened, size).map_or(Ok(()), |text| terminal.say(&text))?;
    Ok(true)
}

/// Names the misconception that makes this prediction.
fn name(denial: &Denial, terminal: &mut Terminal) -> io::Result<()> {
    let slug = denial.misconception.slug;
    let (believed, against) = (denial.misconception.belief.clone(), denial.misconception.against.clone());
    terminal.say(&text!(
        "\nYour prediction fits a misconception, {NAME}[{slug}]{NAME:#}: {believed}\nIn fact: {against}",
        "\n这个答案符合一种误解 {NAME}[{slug}]{NAME:#}：{believed}\n事实：{against}";
        believed, against
    ))
}

/// Shows a question, and reads the option that is chosen; None at the end of the input.
fn ask<'q>(
    question: &'q Question,
    input: &mut dyn BufRead,
    terminal: &mut Terminal,
) -> io::Result<Option<&'q Outcome>> {
    let language = terminal.language();
    let (last, before) = question.scenario.0.split_last().ok_or(io::ErrorKind::InvalidInput)?;
    for line in before {
        writeln!(terminal.out(), "  {} {}", line.process, line.operation)?;
    }
    writeln!(terminal.out(), "  {BOLD}{} {}  => ?{BOLD:#}\n", last.process, last.operation)?;
    for (letter, option) in ('a'..).zip(&question.options) {
        writeln!(terminal.out(), "  {BOLD}{letter}{BOLD:#}) {option}")?;
    }
    let mut prompt = text!(
        "\nWhat does the last line give? (a letter; ? explains the lines; q quits)",
        "\n最后一行的结果是什么？（输入字母；? 用文字解释每一行；q 结束）"
    );
    loop {
        write!(terminal.out(), "{} ", prompt.in_language(language))?;
        terminal.out().flush()?;
        let line = line_of(input)?;
        let is_over = line.is_empty();
        let line = line.trim();
        if is_over || line == "q" {
            writeln!(terminal.out())?;
            return Ok(None);
        }
        if line == "?" {
            say_in_words(question, terminal)?;
            prompt = text!("\nWhat does the last line give?", "\n最后一行的结果是什么？");
            continue;
        }
        let mut options = ('a'..).zip(&question.options);
        if let Some((_, option)) =
            options.find(|(letter, option)| line == letter.to_string() || line == option.to_string())
        {
            return Ok(Some(option));
        }
        prompt = text!("One of the letters, please:", "请输入上面的一个字母：");
    }
}

/// The longest answer in bytes.
const LONGEST: u64 = 1024;

/// The next line of the input, empty at its end. What is not UTF-8 is no answer either.
fn line_of(input: &mut dyn BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    input.take(LONGEST).read_until(b'\n', &mut line)?;
    if line.len() as u64 == LONGEST {
        let text = format!("standard input: a line of {LONGEST} bytes and more is no answer");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

fn say_in_words(question: &Question, terminal: &mut Terminal) -> io::Result<()> {
    for line in &question.scenario.0 {
        writeln!(terminal.out(), "\n  {BOLD}{} {}{BOLD:#}", line.process, line.operation)?;
        let text = in_words(line);
        terminal.hang("    ", Style::new(), text.in_language(terminal.language()))?;
    }
    Ok(())
}

fn sum_up(
    asked: usize,
    right: usize,
    shown: &BTreeMap<&str, (usize, &Denial)>,
    terminal: &mut Terminal,
) -> io::Result<()> {
    terminal.say(&text!(
        "\n{BOLD}{right} of {asked} predicted.{BOLD:#}",
        "\n{BOLD}{asked} 题中猜对 {right} 题。{BOLD:#}"
    ))?;
    if !shown.is_empty() {
        terminal.say(&text!("Your misconceptions, and what to read:", "你的误解，以及该读什么："))?;
    }
    let language = terminal.language();
    for (times, denial) in shown.values() {
        let lesson = course::lesson(denial.lesson).ok_or(io::ErrorKind::NotFound)?;
        let (slug, believed) = (denial.misconception.slug, &denial.misconception.belief);
        let text = format!("{NAME}[{slug}]{NAME:#} {}", believed.in_language(language));
        terminal.hang(&format!("  {times} x "), Style::new(), &text)?;
        writeln!(terminal.out(), "      book/{}/{}.md", language.code(), lesson.directory())?;
    }
    Ok(())
}
