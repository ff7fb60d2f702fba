//! A sitting: question after question, the kernel's answers, and a summary.

use std::collections::BTreeMap;
use std::io::{self, BufRead, IsTerminal, Read};

use anstyle::Style;

use super::programs::{self, Program};
use super::{Question, ScenarioQuestion};
use crate::course::Course;
use crate::error::told;
use crate::misconception::Misconception;
use crate::misconception::denial;
use crate::model::Model;
use crate::scenario::{Backend, in_words};
use crate::text;
use crate::text::Text;
use crate::ui::{BAD, BOLD, GOOD, NAME, Terminal, harmless};

/// Asks question after question, lets the kernel answer (the model only after a power cut), and sums up at the end.
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
    let mut shown: BTreeMap<&str, (usize, &Misconception, (u8, &str))> = BTreeMap::new();
    let mut introduced = [false; 2];
    for question in questions {
        let number = asked + 1;
        terminal.heading(&match of {
            Some(all) => text!("Question {number} of {all}", "第 {number} 题，共 {all} 题"),
            None => text!("Question {number}", "第 {number} 题"),
        })?;
        let kind = usize::from(matches!(question, Question::Program(_)));
        if !std::mem::replace(&mut introduced[kind], true) {
            introduce(&question, terminal)?;
        }
        let Some(answer) = ask(&question, input, terminal)? else { break };
        asked += 1;
        let happened = question.happens(kernel)?;
        let is_right = answer == happened;
        right += usize::from(is_right);
        say_what_happened(&question, &happened, is_right, terminal)?;
        let explained = match &question {
            Question::Scenario(question) => explain(question, &happened, terminal)?,
            Question::Program(program) => explain_program(program, &happened, terminal)?,
        };
        if explained && !is_right {
            for (misconception, place) in question.expected_by(&answer) {
                name(misconception, terminal)?;
                shown.entry(misconception.slug).or_insert((0, misconception, place)).0 += 1;
            }
        }
    }
    sum_up(asked, right, &shown, terminal)
}

/// How to read the questions of this kind.
fn introduce(question: &Question, terminal: &mut Terminal) -> io::Result<()> {
    terminal.say(&match question {
        Question::Scenario(_) => text!(
            "A question is a sequence of operations, one a line. 1p is one page; the outcome 0*3 is three zero bytes.",
            "题目是一串操作，每行一个。1p 是一页；结果里的 0*3 是三个零字节。"
        ),
        Question::Program(_) => text!(
            "A question is a program, which runs in an empty directory. An error is given by its name, and () as ok.",
            "题目是一段程序，在一个空目录里运行。出错时，结果是错误的名字；结果为 () 时写成 ok。"
        ),
    })?;
    writeln!(terminal.out())
}

fn say_what_happened(question: &Question, happened: &str, is_right: bool, terminal: &mut Terminal) -> io::Result<()> {
    let by = match question {
        // Another processor, another disk may do what this one doesn't.
        Question::Program(program) if program.asks_what_is_allowed() => Text::fixed("The answer is", "答案是"),
        Question::Scenario(question) if question.scenario.is_for_the_model() => {
            Text::fixed("No kernel can be asked. The model gives", "这里没有内核可问，模型给出")
        }
        _ => Text::fixed("The kernel gives", "内核给出"),
    };
    let happened = said(question, happened);
    terminal.say(&match is_right {
        true => text!("{GOOD}Yes.{GOOD:#} {by} {happened}.", "{GOOD}对。{GOOD:#}{by} {happened}。"; by, happened),
        false => text!("{BAD}No.{BAD:#} {by} {happened}.", "{BAD}不对。{BAD:#}{by} {happened}。"; by, happened),
    })
}

/// An answer as the learner reads it.
fn said(question: &Question, answer: &str) -> Text {
    match question {
        Question::Scenario(question) => {
            let outcome = question.options.iter().find(|option| option.to_string() == answer);
            outcome.map_or_else(|| Text::new(answer.to_owned(), answer.to_owned()), ScenarioQuestion::said)
        }
        Question::Program(_) => programs::said(answer),
    }
}

/// Says why a program gives that; false where it is not what Linux gives elsewhere.
fn explain_program(program: &Program, happened: &str, terminal: &mut Terminal) -> io::Result<bool> {
    if happened != program.gives {
        let gives = programs::said(program.gives);
        terminal.say(&text!(
            "(Elsewhere it is {gives}. If it isn't the file system of the temporary directory, please report this program.)",
            "（在别处结果是 {gives}。如果不是临时目录所在文件系统的缘故，请报告这段程序。）";
            gives
        ))?;
        return Ok(false);
    }
    terminal.hang("", Style::new(), program.why.in_language(terminal.language()))?;
    say_what_to_read(program.lesson, program.heading, terminal)?;
    Ok(true)
}

/// The heading of chapter `n` with this id, as the reader sees it.
fn heading(n: u8, id: &str) -> Text {
    Course::of_program().heading(n, id).unwrap_or_else(|| Text::new(id.to_owned(), id.to_owned()))
}

fn say_what_to_read(n: u8, id: &'static str, terminal: &mut Terminal) -> io::Result<()> {
    let heading = heading(n, id);
    terminal
        .say(&text!("Read: chapter {n} of the book, \"{heading}\"", "阅读：书的第 {n} 章，“{heading}”一节"; heading))
}

/// Says why it happened; false where the model gets it wrong.
fn explain(question: &ScenarioQuestion, happened: &str, terminal: &mut Terminal) -> io::Result<bool> {
    let setting = &question.setting;
    let outcome = question.options.iter().find(|option| option.to_string() == happened);
    let model = denial::last_outcome(Model::on(setting), &question.scenario);
    let Some(happened) = outcome.filter(|outcome| model.is_some_and(|model| model.allows(outcome))) else {
        // The kernel is right, always.
        terminal.say(&text!(
            "(The model is wrong here. Please report this scenario.)",
            "（这里模型错了，请报告这个脚本。）"
        ))?;
        return Ok(false);
    };
    question.deaths().try_for_each(|text| terminal.say(&text))?;
    for rule in question.rules(happened) {
        terminal.hang("", Style::new(), rule.sentence().in_language(terminal.language()))?;
    }
    question.elsewhere(happened).try_for_each(|text| terminal.say(&text))?;
    if let Some((lesson, id)) = question.heading(happened) {
        say_what_to_read(lesson, id, terminal)?;
    }
    Ok(true)
}

/// Names the misconception that makes this prediction.
fn name(misconception: &Misconception, terminal: &mut Terminal) -> io::Result<()> {
    let slug = misconception.slug;
    let (believed, against) = (misconception.belief.clone(), misconception.against.clone());
    terminal.say(&text!(
        "\nYour prediction fits a misconception, {NAME}[{slug}]{NAME:#}: {believed}\nIn fact: {against}",
        "\n这个答案符合一种误解 {NAME}[{slug}]{NAME:#}：{believed}\n事实：{against}";
        believed, against
    ))
}

/// Shows a question, and reads the option that is chosen; None at the end of the input.
fn ask(question: &Question, input: &mut dyn BufRead, terminal: &mut Terminal) -> io::Result<Option<String>> {
    let language = terminal.language();
    let lines: Vec<String> = match question {
        Question::Scenario(question) => {
            question.scenario.0.iter().map(|line| format!("{} {}", line.process, line.operation)).collect()
        }
        Question::Program(program) => program.code_in(language).lines().map(str::to_owned).collect(),
    };
    let (last, before) = lines.split_last().ok_or(io::ErrorKind::InvalidInput)?;
    for line in before {
        writeln!(terminal.out(), "  {line}")?;
    }
    let (last, comment) =
        last.split_once(" // ").map_or((&**last, String::new()), |(last, comment)| (last, format!(" // {comment}")));
    writeln!(terminal.out(), "  {BOLD}{last}  => ?{BOLD:#}{comment}\n")?;
    let options = question.options();
    for (letter, option) in ('a'..).zip(&options) {
        writeln!(terminal.out(), "  {BOLD}{letter}{BOLD:#}) {}", said(question, option).in_language(language))?;
    }
    let mut prompt = match question {
        Question::Scenario(_) => text!(
            "\nWhat does the last line give? (a letter; ? explains the lines; q quits)",
            "\n最后一行的结果是什么？（输入字母；? 用文字解释每一行；q 结束）"
        ),
        Question::Program(_) => text!(
            "\nWhat does the last line give? (a letter; ? explains the functions; q quits)",
            "\n最后一行的结果是什么？（输入字母；? 解释用到的函数；q 结束）"
        ),
    };
    loop {
        write!(terminal.out(), "{} ", prompt.in_language(language))?;
        terminal.out().flush()?;
        let line = line_of(input)?;
        // A terminal echoes the answer with its line's end; from a pipe nothing is seen of it.
        if !io::stdin().is_terminal() && !line.is_empty() {
            writeln!(terminal.out(), "{}", harmless(line.trim()))?;
        }
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
        let mut letters = ('a'..).zip(&options);
        if let Some((_, option)) = letters.find(|(letter, option)| line == letter.to_string() || line == **option) {
            return Ok(Some(option.clone()));
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
        let text = text!(
            "standard input: a line of {LONGEST} bytes and more is no answer",
            "标准输入：一行超过 {LONGEST} 字节，不能当作回答"
        );
        return Err(told(io::ErrorKind::InvalidData, text));
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

fn say_in_words(question: &Question, terminal: &mut Terminal) -> io::Result<()> {
    let question = match question {
        Question::Scenario(question) => question,
        Question::Program(program) => return say_what_functions_do(program, terminal),
    };
    for line in &question.scenario.0 {
        writeln!(terminal.out(), "\n  {BOLD}{} {}{BOLD:#}", line.process, line.operation)?;
        let text = in_words(line);
        terminal.hang("    ", Style::new(), text.in_language(terminal.language()))?;
    }
    Ok(())
}

fn say_what_functions_do(program: &Program, terminal: &mut Terminal) -> io::Result<()> {
    let code = program.code();
    let mut words = programs::words_in(&code).peekable();
    if words.peek().is_none() {
        return terminal.say(&text!("\nEach function is the standard library's.", "\n用到的都是标准库的函数。"));
    }
    for (function, text) in words {
        writeln!(terminal.out(), "\n  {BOLD}{function}{BOLD:#}")?;
        terminal.hang("    ", Style::new(), text.in_language(terminal.language()))?;
    }
    Ok(())
}

fn sum_up(
    asked: usize,
    right: usize,
    shown: &BTreeMap<&str, (usize, &Misconception, (u8, &str))>,
    terminal: &mut Terminal,
) -> io::Result<()> {
    if asked == 0 {
        return Ok(());
    }
    terminal.say(&text!(
        "\n{BOLD}{right} of {asked} predicted.{BOLD:#}",
        "\n{BOLD}{asked} 题中猜对 {right} 题。{BOLD:#}"
    ))?;
    if !shown.is_empty() {
        terminal.say(&text!("Your misconceptions, and what to read:", "你的误解，以及该读什么："))?;
    }
    let language = terminal.language();
    for (times, misconception, (n, id)) in shown.values() {
        let (slug, believed) = (misconception.slug, &misconception.belief);
        let text = format!("{NAME}[{slug}]{NAME:#} {}", believed.in_language(language));
        let times = text!("  {times} x ", "  {times} 次 ");
        terminal.hang(times.in_language(language), Style::new(), &text)?;
        let heading = heading(*n, id);
        terminal.say(&text!(
            "      chapter {n} of the book, \"{heading}\"", "      书的第 {n} 章，“{heading}”一节"; heading
        ))?;
    }
    Ok(())
}
