//! What the learner reads: grades, hints, the list of lessons; and what machines read: JSON and JUnit's XML.

use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use serde_json::json;
use unicode_width::UnicodeWidthStr;

use super::grading::{Checked, Grade};
use super::progress::{Progress, Status};
use super::{Course, Lesson, listed};
use crate::grade::Verdict;
use crate::text;
use crate::text::{Language, Text};
use crate::ui::{visible, wrap};

pub(crate) const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
pub(crate) const NAME: Style = AnsiColor::Cyan.on_default();

/// How many lines of what the learner printed are shown with a failed check.
const SHOWN: usize = 10;

/// Writes for a reader: in a language, and in lines that fit.
pub struct Terminal<'a> {
    out: &'a mut dyn Write,
    language: Language,
    width: usize,
}

impl<'a> Terminal<'a> {
    /// Writes to `out`, in lines of at most `width` columns.
    pub fn new(out: &'a mut dyn Write, language: Language, width: usize) -> Terminal<'a> {
        Terminal { out, language, width }
    }

    /// In which language.
    pub fn language(&self) -> Language {
        self.language
    }

    /// Where a demonstration prints.
    pub fn out(&mut self) -> &mut dyn Write {
        self.out
    }

    /// A paragraph.
    ///
    /// # Errors
    /// When it can't be written: so for each method here.
    pub fn say(&mut self, words: &Text) -> io::Result<()> {
        self.hang("", Style::new(), words.in_language(self.language))
    }

    /// A heading.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn heading(&mut self, words: &Text) -> io::Result<()> {
        writeln!(self.out, "\n{BOLD}{}{BOLD:#}\n", words.in_language(self.language))
    }

    /// A text of Markdown: paragraphs fit the page, and what is indented or fenced stays as it is.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn text(&mut self, text: &str) -> io::Result<()> {
        let mut code = false;
        for paragraph in text.split("\n\n") {
            let fences = paragraph.matches("```").count();
            if code || fences > 0 || paragraph.starts_with("    ") {
                writeln!(self.out, "{paragraph}\n")?;
                code ^= fences % 2 == 1;
            } else {
                let separator = if self.language == Language::Chinese { "" } else { " " };
                self.hang("", Style::new(), &paragraph.replace('\n', separator))?;
                writeln!(self.out)?;
            }
        }
        Ok(())
    }

    /// A program's source.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn source(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }

    /// Makes room for the next grade, on a terminal.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn clear(&mut self) -> io::Result<()> {
        if io::stdout().is_terminal() {
            write!(self.out, "\x1b[2J\x1b[H")?
        } else {
            writeln!(self.out)?
        }
        self.out.flush()
    }

    /// Which key does what.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn keys(&mut self) -> io::Result<()> {
        let keys = [
            ("n", text!("next", "下一课")),
            ("h", text!("hint", "提示")),
            ("d", text!("demonstration", "演示")),
            ("l", text!("list", "课程列表")),
            ("s", text!("solution", "参考答案")),
            ("r", text!("reset", "重置")),
            ("c", text!("check again", "重新检查")),
            ("q", text!("quit", "退出")),
        ];
        let keys = keys.iter().map(|(key, what)| format!("{BOLD}{key}{BOLD:#} {}", what.in_language(self.language)));
        let keys: Vec<_> = keys.collect();
        self.say(&text!("\nWaiting for you to save. {}", "\n保存后自动检查。{}", keys.join("  ")))?;
        self.out.flush()
    }

    /// Says that the compiler runs just now, where somebody watches.
    pub(super) fn compiling(&self) {
        self.busy(&text!("compiling", "正在编译"));
    }

    /// Says which check runs just now, where somebody watches.
    pub(super) fn checking(&self, check: &str) {
        let name = check.replace('_', " ");
        self.busy(&text!("checking: {name}", "正在检查：{name}"));
    }

    fn busy(&self, with: &Text) {
        if io::stderr().is_terminal() {
            eprint!("\r\x1b[K{}", with.in_language(self.language));
        }
    }

    /// Takes that away again.
    pub(super) fn checked(&self) {
        if io::stderr().is_terminal() {
            eprint!("\r\x1b[K");
        }
    }

    /// A paragraph after `first`, which its further lines are indented by.
    pub(crate) fn hang(&mut self, first: &str, style: Style, text: &str) -> io::Result<()> {
        let indent = first.width();
        let mut before = first.to_owned();
        for line in wrap(text, self.width.saturating_sub(indent).max(20)) {
            writeln!(self.out, "{style}{before}{style:#}{line}")?;
            before = " ".repeat(indent);
        }
        Ok(())
    }

    /// The lessons, how far each exercise is, and what is next.
    ///
    /// # Errors
    /// When it can't be written, or a file of the course is missing.
    pub fn list(&mut self, course: &Course, progress: &Progress) -> io::Result<()> {
        self.say(&text!(
            "{BOLD}The mmap workbook{BOLD:#}: what mmap(2) does under Linux, answered by the kernel.\n",
            "{BOLD}mmap 练习册{BOLD:#}：mmap(2) 在 Linux 上究竟做了什么，由内核来回答。\n"
        ))?;
        let next = progress.next(course)?;
        for lesson in listed() {
            let (mark, standing) = standing_in_words(&progress.standing(course, lesson)?);
            let arrow = if next.is_some_and(|next| next.number == lesson.number) { ">" } else { " " };
            let [title, question] = [&lesson.title, &lesson.question].map(|text| text.in_language(self.language));
            let standing = standing.in_language(self.language);
            writeln!(self.out, "{arrow} {}  {BOLD}{title}{BOLD:#}   {mark}{standing}{mark:#}", lesson.number)?;
            self.hang("     ", Style::new(), question)?;
        }
        writeln!(self.out)?;
        self.what_next(course, next)
    }

    /// What to do next.
    fn what_next(&mut self, course: &Course, next: Option<&Lesson>) -> io::Result<()> {
        let Some(lesson) = next else {
            return self.say(&text!(
                "{GOOD}Every exercise is solved.{GOOD:#} Compare: cargo run -- solution N",
                "{GOOD}所有练习都已完成。{GOOD:#}可以对照参考答案：cargo run -- solution N"
            ));
        };
        let n = lesson.number;
        let heading = text!("{BOLD}Next: lesson {n}{BOLD:#}", "{BOLD}接下来：第 {n} 课{BOLD:#}");
        self.say(&heading)?;
        let exercise = course.exercise(lesson).path();
        let exercise = exercise.strip_prefix(course.root()).unwrap_or(&exercise).display().to_string();
        let source = exercise.replace("exercise.rs", "lesson.rs");
        let steps = [
            (format!("cargo run -- run {n}"), text!("see it happen on this kernel", "看它在本机内核上如何发生")),
            ("cargo run -p book".to_owned(), text!("read its chapter", "读这一章")),
            (source, text!("read how it is done", "读一读是怎么做的")),
            (format!("cargo test --test lesson_{n}"), text!("hold it against its properties", "用性质测试来检验它")),
            (format!("cargo run -- predict {n}"), text!("say what the kernel will do", "先说出内核会怎么做")),
            (exercise, text!("do the exercise", "动手做练习")),
            (
                format!("cargo run -- check {n}"),
                text!("grade it; or leave `cargo run -- watch` open", "批改练习；也可以一直开着 `cargo run -- watch`"),
            ),
        ];
        let widest = steps.iter().map(|(what, _)| what.width()).max().unwrap_or_default();
        for (what, why) in steps {
            writeln!(self.out, "  {what:<widest$}   {}", why.in_language(self.language))?;
        }
        Ok(())
    }

    /// A grade: each function with its checks, and of the first that isn't right all that there is to say.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn grade(&mut self, course: &Course, lesson: &Lesson, grade: &Grade) -> io::Result<()> {
        let exercise = course.exercise(lesson).path();
        let path = exercise.strip_prefix(course.root()).unwrap_or(&exercise).display();
        let (n, title) = (lesson.number, lesson.title.in_language(self.language));
        self.say(&text!("{BOLD}Lesson {n}: {title}{BOLD:#}   {path}", "{BOLD}第 {n} 课：{title}{BOLD:#}   {path}"))?;
        if let Grade::DoesNotCompile(diagnostics) = grade {
            writeln!(self.out, "\n{}\n", diagnostics.trim_end())?;
            return self.say(&text!(
                "{BAD}It does not compile yet.{BAD:#} The compiler says above why.",
                "{BAD}还不能通过编译。{BAD:#}原因见上面编译器的输出。"
            ));
        }
        let functions = grade.functions();
        let unfinished = functions.iter().position(|(_, checks)| checks.iter().any(|check| !check.has_passed()));
        for (nth, (function, checks)) in functions.iter().enumerate() {
            self.function(lesson, function, checks, unfinished == Some(nth))?;
        }
        let right = functions.iter().filter(|(_, checks)| checks.iter().all(|check| check.has_passed())).count();
        let of = functions.len();
        writeln!(self.out)?;
        match unfinished.map(|nth| functions[nth].0) {
            None => self.say(&text!(
                "{GOOD}Lesson {n} is solved.{GOOD:#} Compare: cargo run -- solution {n}",
                "{GOOD}第 {n} 课已完成。{GOOD:#}可以对照参考答案：cargo run -- solution {n}"
            )),
            Some(function) => self.say(&text!(
                "{right} of {of} are right. Next: {function}. A hint: cargo run -- hint {n}",
                "{of} 项中有 {right} 项正确。下一项：{function}。需要提示：cargo run -- hint {n}"
            )),
        }
    }

    fn function(&mut self, lesson: &Lesson, name: &str, checks: &[&Checked], in_full: bool) -> io::Result<()> {
        let right = checks.iter().filter(|check| check.has_passed()).count();
        let all = checks.len();
        let to_do = checks.iter().all(|check| check.verdict() == Verdict::Todo);
        let (style, state) = match (right == all, to_do) {
            (true, _) => (GOOD, text!("{right}/{all}", "{right}/{all}")),
            (_, true) => (DIM, verdict_in_words(Verdict::Todo)),
            _ => (BAD, text!("{right}/{all}", "{right}/{all}")),
        };
        writeln!(self.out, "\n  {BOLD}{name}{BOLD:#}   {style}{}{style:#}", state.in_language(self.language))?;
        if to_do {
            // Every check says the same.
            let task = checks.iter().find_map(|check| check.report.failure.as_ref()).filter(|_| in_full);
            let task = task.map(|failure| failure.expected.in_language(self.language).to_owned());
            return task.map_or(Ok(()), |task| self.hang("    ", Style::new(), &task));
        }
        for check in checks {
            let (style, mark) = if check.has_passed() { (GOOD, "✓") } else { (BAD, "✗") };
            let verdict = match check.verdict() {
                Verdict::Passed | Verdict::Failed => String::new(),
                other => format!("   {}", verdict_in_words(other).in_language(self.language)),
            };
            writeln!(self.out, "    {style}{mark}{style:#} {}{BAD}{verdict}{BAD:#}", check.name.replace('_', " "))?;
            if in_full && !matches!(check.verdict(), Verdict::Passed | Verdict::Todo) {
                self.failure(lesson, check)?;
            }
        }
        Ok(())
    }

    fn failure(&mut self, lesson: &Lesson, check: &Checked) -> io::Result<()> {
        let parts = check.report.parts(Some(lesson.number));
        let names = parts.iter().map(|(name, _)| name.in_language(self.language).width());
        let widest = names.max().unwrap_or_default();
        for (name, words) in &parts {
            let name = name.in_language(self.language);
            let padding = " ".repeat(widest - name.width());
            self.hang(&format!("        {name}{padding}  "), NAME, words.in_language(self.language))?;
        }
        if !check.output.is_empty() {
            self.say(&text!("        {NAME}it printed{NAME:#}", "        {NAME}程序输出{NAME:#}"))?;
            let lines: Vec<_> = check.output.lines().collect();
            for line in &lines[lines.len().saturating_sub(SHOWN)..] {
                writeln!(self.out, "          {DIM}|{DIM:#} {}", printable(line))?;
            }
        }
        writeln!(self.out)
    }
}

/// A line as a terminal can show it: what would move the cursor or change the colours is left out.
fn printable(line: &str) -> String {
    line.chars().filter(|c| !c.is_control() || *c == '\t').take(200).collect()
}

fn standing_in_words(standing: &Status) -> (Style, Text) {
    match standing {
        Status::New => (DIM, text!("to do", "未开始")),
        Status::Unchecked => (AnsiColor::Yellow.on_default(), text!("to be checked", "待检查")),
        Status::Begun { right, of } => (AnsiColor::Yellow.on_default(), text!("{right} of {of}", "{right}/{of}")),
        Status::Solved => (GOOD, text!("solved", "已完成")),
    }
}

fn verdict_in_words(verdict: Verdict) -> Text {
    match verdict {
        Verdict::Passed => text!("right", "正确"),
        Verdict::Todo => text!("still to do", "尚未完成"),
        Verdict::Failed => text!("wrong", "错误"),
        Verdict::Panicked => text!("panicked", "发生 panic"),
        Verdict::Exited => text!("ended the process", "提前结束了进程"),
        Verdict::Killed => text!("killed by a signal", "被信号杀死"),
        Verdict::TimedOut => text!("did not end", "未能结束"),
        Verdict::OutOfMemory => text!("out of memory", "内存超限"),
        Verdict::LeftProcesses => text!("left a process behind", "留下了进程"),
        Verdict::Broken => text!("could not be checked", "无法检查"),
    }
}

/// A grade as one JSON object on one line.
///
/// # Errors
/// When it can't be written.
pub fn json(out: &mut dyn Write, lesson: &Lesson, grade: &Grade, language: Language) -> io::Result<()> {
    let checks = if let Grade::Checked(checks) = grade { checks.as_slice() } else { &[] };
    let checks: Vec<_> = checks
        .iter()
        .map(|check| {
            let failure = check.report.failure.as_ref();
            json!({
                "function": check.function,
                "name": check.name,
                "verdict": check.verdict(),
                "signal": failure.and_then(|failure| failure.signal.as_deref()),
                "message": failure.map(|_| message(lesson, check, language)),
                "misconception": failure.and_then(|failure| failure.misconception.as_deref()),
                "seconds": check.took.as_secs_f64(),
            })
        })
        .collect();
    let compiler = if let Grade::DoesNotCompile(diagnostics) = grade { Some(visible(diagnostics)) } else { None };
    let object = json!({
        "exercise": lesson.number,
        "solved": grade.is_solved(),
        "compiler": compiler,
        "checks": checks,
    });
    writeln!(out, "{object}")
}

/// Grades as JUnit's XML, which CI systems show: a test suite for each exercise.
///
/// # Errors
/// When it can't be written.
pub fn junit(out: &mut dyn Write, grades: &[(&Lesson, Grade)], language: Language) -> io::Result<()> {
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(out, "<testsuites>")?;
    for (lesson, grade) in grades {
        let name = format!("exercise_{}", lesson.number);
        let checks = if let Grade::Checked(checks) = grade { checks.as_slice() } else { &[] };
        let failures = checks.iter().filter(|check| !check.has_passed()).count();
        let errors = usize::from(matches!(grade, Grade::DoesNotCompile(_)));
        let (tests, time) = (checks.len() + errors, checks.iter().map(|check| check.took.as_secs_f64()).sum::<f64>());
        writeln!(
            out,
            r#"  <testsuite name="{name}" tests="{tests}" failures="{failures}" errors="{errors}" time="{time:.3}">"#
        )?;
        if let Grade::DoesNotCompile(diagnostics) = grade {
            let text = escape(&visible(diagnostics));
            writeln!(out, r#"    <testcase classname="{name}" name="compiles" time="0">"#)?;
            writeln!(out, r#"      <error type="does_not_compile">{text}</error>"#)?;
            writeln!(out, "    </testcase>")?;
        }
        for check in checks {
            let (function, test, time) = (escape(&check.function), escape(&check.name), check.took.as_secs_f64());
            write!(out, r#"    <testcase classname="{name}.{function}" name="{test}" time="{time:.3}""#)?;
            if check.has_passed() {
                writeln!(out, "/>")?;
                continue;
            }
            let verdict = serde_json::to_value(check.verdict())?;
            let verdict = verdict.as_str().unwrap_or_default();
            writeln!(
                out,
                ">\n      <failure type=\"{verdict}\">{}</failure>",
                escape(&message(lesson, check, language))
            )?;
            writeln!(out, "    </testcase>")?;
        }
        writeln!(out, "  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

fn message(lesson: &Lesson, check: &Checked, language: Language) -> String {
    check.report.in_language(language, Some(lesson.number))
}

/// The text as XML's character data: markup escaped, and characters that XML 1.0 has no room for replaced.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' | '\r' => escaped.push(c),
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escape;
    use crate::ui::wrap;

    #[test]
    fn lines_end_where_the_language_allows_it() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("one\n\ntwo", 7), ["one", "", "two"]);
        assert_eq!(wrap("私有映射是文件的快照。", 8), ["私有映射", "是文件的", "快照。"]);
        assert_eq!(wrap("unbreakable", 4), ["unbreakable"]);
        assert_eq!(wrap("\u{1b}[1mone\u{1b}[0m two", 7), ["\u{1b}[1mone\u{1b}[0m two"]);
    }

    #[test]
    fn xml_keeps_every_text() {
        assert_eq!(escape("a<b> & \"c\"\u{1}\n"), "a&lt;b&gt; &amp; &quot;c&quot;\u{fffd}\n");
    }
}
