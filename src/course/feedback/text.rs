//! The list of lessons and grades as text, and what to do next.

use std::io;
use std::time::Duration;

use anstyle::Style;
use unicode_width::UnicodeWidthStr;

use crate::course::grading::{Checked, Grade, is_right};
use crate::course::progress::{Progress, Status};
use crate::course::safety::UNSAFE;
use crate::course::{self, CheckNames, Course, Lesson, listed};
use crate::grade::Verdict;
use crate::text;
use crate::text::{Language, Text};
use crate::ui::{BAD, BOLD, DIM, GOOD, NAME, Terminal, WARNING, harmless, harmless_in_colour};

/// The number of lines of the learner's output that are shown with a failed check.
const SHOWN: usize = 10;

impl Terminal<'_> {
    /// What each key of `watch` does.
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
        let language = self.language();
        let keys = keys.iter().map(|(key, what)| format!("{BOLD}{key}{BOLD:#} {}", what.in_language(language)));
        let keys = keys.collect::<Vec<_>>().join("  ");
        self.say(&text!("\nWaiting for you to save. {keys}", "\n保存后自动检查。{keys}"))?;
        self.out().flush()
    }

    /// Says that the compiler is running, and for how long.
    pub(crate) fn compiling(&self, time: Duration) {
        self.busy(&match time.as_secs() {
            0 => text!("compiling", "正在编译"),
            seconds => text!("compiling, {seconds} s", "正在编译，已 {seconds} 秒"),
        });
    }

    /// Says which check is running.
    pub(in crate::course) fn checking(&self, check: &Text) {
        let Text { en, zh } = check;
        self.busy(&text!("checking: {en}", "正在检查：{zh}"));
    }

    /// The lessons, the status of each exercise, and what to do next.
    ///
    /// # Errors
    /// When it can't be written, or a file of the course is missing.
    pub fn list(&mut self, course: &Course, progress: &Progress) -> io::Result<()> {
        self.say(&text!(
            "{BOLD}The mmap workbook{BOLD:#}: what mmap(2) does under Linux, answered by the kernel.\n",
            "{BOLD}mmap 练习册{BOLD:#}：mmap(2) 在 Linux 上究竟做了什么，由内核来回答。\n"
        ))?;
        let (language, next) = (self.language(), progress.next(course)?);
        for lesson in listed() {
            let status = progress.status(course, lesson)?;
            let problem = match &status {
                Status::Bad(problem) => Some(harmless(problem.in_language(language))),
                _ => None,
            };
            let (style, status) = status_in_words(&status);
            let arrow = if next.is_some_and(|next| next.number == lesson.number) { ">" } else { " " };
            let [title, question] = [&lesson.title, &lesson.question].map(|text| text.in_language(language));
            let status = status.in_language(language);
            writeln!(self.out(), "{arrow} {}  {BOLD}{title}{BOLD:#}   {style}{status}{style:#}", lesson.number)?;
            self.hang("     ", Style::new(), problem.as_deref().unwrap_or(question))?;
        }
        writeln!(self.out())?;
        self.what_next(course, next)
    }

    /// What to do next.
    fn what_next(&mut self, course: &Course, next: Option<&Lesson>) -> io::Result<()> {
        let Some(lesson) = next else {
            let compare = text!(" Compare: cargo run -- solution N", "可以对照参考答案：cargo run -- solution N");
            let compare = of_solution(course, compare);
            return self.say(&text!(
                "{GOOD}Every exercise is solved.{GOOD:#}{compare}",
                "{GOOD}所有练习都已完成。{GOOD:#}{compare}";
                compare
            ));
        };
        let n = lesson.number;
        let heading = text!("{BOLD}Next: lesson {n}{BOLD:#}", "{BOLD}接下来：第 {n} 课{BOLD:#}");
        self.say(&heading)?;
        let exercise = course.exercise(lesson).path();
        let exercise = exercise.strip_prefix(course.root()).unwrap_or(&exercise).display().to_string();
        let source = exercise.replace("exercise.rs", "lesson.rs");
        let language = self.language();
        let chapter = format!("book/{}/{}.md", language.code(), lesson.directory());
        let steps = [
            (
                "cargo run -p book".to_owned(),
                text!(
                    "the book: answer the question at the beginning of chapter {n} ({chapter})",
                    "打开书，先回答第 {n} 章开头的问题（源文件：{chapter}）"
                ),
            ),
            (format!("cargo run -- run {n}"), text!("see it happen on this kernel", "看它在本机内核上如何发生")),
            (
                source,
                text!(
                    "read the chapter, and how it is done",
                    "读完这一章，再读代码（注释是英文；书里引用的部分有中文注释）"
                ),
            ),
            (format!("cargo test --test lesson_{n}"), text!("run its tests, and read them", "运行它的测试，并读一读")),
            (format!("cargo run -- predict {n}"), text!("predict what the kernel will do", "预测内核会怎么做")),
            (exercise, text!("do the exercise", "动手做练习")),
            (
                format!("cargo run -- check {n}"),
                text!("grade it; or leave `cargo run -- watch` open", "批改练习；也可以一直开着 `cargo run -- watch`"),
            ),
        ];
        let widest = steps.iter().map(|(what, _)| what.width()).max().unwrap_or_default();
        for (what, why) in steps {
            self.hang(&format!("  {what:<widest$}   "), Style::new(), why.in_language(language))?;
        }
        Ok(())
    }

    /// A grade: each function with its checks, and all that there is to say about the first function that isn't right.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn grade(&mut self, course: &Course, lesson: &Lesson, grade: &Grade) -> io::Result<()> {
        let exercise = course.exercise(lesson).path();
        let path = exercise.strip_prefix(course.root()).unwrap_or(&exercise).display();
        let (n, title) = (lesson.number, lesson.title.in_language(self.language()));
        self.say(&text!("{BOLD}Lesson {n}: {title}{BOLD:#}   {path}", "{BOLD}第 {n} 课：{title}{BOLD:#}   {path}"))?;
        if let Grade::DoesNotCompile(diagnostics) = grade {
            writeln!(self.out(), "\n{}\n", harmless_in_colour(diagnostics.trim_end()))?;
            return self.say(&text!(
                "{BAD}It does not compile yet.{BAD:#} The compiler's message above says why.",
                "{BAD}还不能通过编译。{BAD:#}原因见上面编译器的输出。"
            ));
        }
        let (functions, names) = (grade.functions(), course.exercise(lesson).check_names());
        let next = grade.next();
        for (function, checks) in &functions {
            let in_full = next == Some(function);
            self.function(course, lesson, &names, function, checks, in_full)?;
            if !in_full && checks.iter().any(|check| check.is_wrong()) {
                self.say(&match next.map(harmless) {
                    Some(next) if next != UNSAFE => {
                        text!("    (Details once {next} is right.)", "    （{next} 改对之后，才显示详情。）")
                    }
                    _ => text!(
                        "    (Details once each `unsafe` block has its SAFETY comment.)",
                        "    （每个 unsafe 块都写好 SAFETY 注释之后，才显示详情。）"
                    ),
                })?;
            }
        }
        // `unsafe` is no function: the number of all would grow with the first block.
        let counted = |further: bool| {
            functions.iter().filter(move |(name, checks)| checks[0].is_further == further && *name != UNSAFE)
        };
        let right = |further| counted(further).filter(|(_, checks)| is_right(checks)).count();
        let (right, of, further_right, further) =
            (right(false), counted(false).count(), right(true), counted(true).count());
        writeln!(self.out())?;
        let skipped = self.skipped(course, lesson, &grade.skipped())?;
        self.praise(grade)?;
        let compare = text!(" Compare: cargo run -- solution {n}", "可以对照参考答案：cargo run -- solution {n}");
        let compare = of_solution(course, compare);
        let has_all = text!(
            " The solution has all of them: cargo run -- solution {n}",
            "参考答案里各项都有：cargo run -- solution {n}"
        );
        let has_all = of_solution(course, has_all);
        match next.map(harmless) {
            Some(function) if grade.is_solved() => self.say(&text!(
                "{GOOD}Lesson {n} is solved.{GOOD:#} Further functions: {further_right} of {further} are right. Go on with \
                 {function}, or with the next lesson.{has_all}",
                "{GOOD}第 {n} 课已完成。{GOOD:#}选做的 {further} 个函数中 {further_right} 个正确。可以继续做 {function}，也可以进入下一课。\
                 {has_all}";
                has_all
            )),
            None if !grade.is_solved() => self.say(&text!(
                "None of its checks can be done on this machine.",
                "它的检查在本机上一项也做不了。"
            )),
            None if skipped > 0 => self.say(&text!(
                "{GOOD}Lesson {n} is solved{GOOD:#} as far as this machine can tell: {skipped} of its checks could not be \
                 done.{compare}",
                "就本机所能检查的部分，{GOOD}第 {n} 课已完成{GOOD:#}：有 {skipped} 项检查做不了。{compare}";
                compare
            )),
            None if further > 0 => self.say(&text!(
                "{GOOD}Lesson {n} is complete:{GOOD:#} its further functions are right, too.{compare}",
                "{GOOD}第 {n} 课全部完成，{GOOD:#}选做的也都对了。{compare}";
                compare
            )),
            None => self.say(&text!(
                "{GOOD}Lesson {n} is solved.{GOOD:#}{compare}",
                "{GOOD}第 {n} 课已完成。{GOOD:#}{compare}";
                compare
            )),
            Some(function) if function == UNSAFE => self.say(&text!(
                "{right} of {of} of the core are right. What is left of it: a SAFETY comment for each `unsafe` block. A hint: cargo run \
                 -- hint {n}",
                "{of} 个函数中 {right} 个正确，只差 unsafe 的说明：每个 unsafe 块都要有 SAFETY 注释。需要提示：cargo run -- hint {n}"
            )),
            Some(function) => self.say(&text!(
                "{right} of {of} are right. Next: {function}. A hint: cargo run -- hint {n}",
                "{of} 个函数中 {right} 个正确。接下来：{function}。需要提示：cargo run -- hint {n}"
            )),
        }
    }

    /// A word for each function that has become right.
    fn praise(&mut self, grade: &Grade) -> io::Result<()> {
        let Grade::Checked { newly_right, .. } = grade else { return Ok(()) };
        let names: Vec<_> = newly_right.iter().filter(|name| *name != UNSAFE).map(|name| harmless(name)).collect();
        let (en, zh) = (names.join(", "), names.join("、"));
        match names.len() {
            0 => Ok(()),
            1 => self.say(&text!(
                "{GOOD}Well done: {en} is right.{GOOD:#} No check could make it fail.",
                "{GOOD}做得好：{zh} 写对了，{GOOD:#}所有检查都通过了。"
            )),
            _ => self.say(&text!(
                "{GOOD}Well done: {en} are right.{GOOD:#} No check could make them fail.",
                "{GOOD}做得好：{zh} 都写对了，{GOOD:#}所有检查都通过了。"
            )),
        }
    }

    /// Why checks can't be done on this machine, and what to do: once for each reason. Returns their number.
    fn skipped(&mut self, course: &Course, lesson: &Lesson, checks: &[&Checked]) -> io::Result<usize> {
        let mut said = Vec::new();
        for check in checks {
            let why = check.report.failure.as_ref().map(|failure| &failure.happened.en);
            if !said.contains(&why) {
                said.push(why);
                self.say(&text!("  {WARNING}Not checked here{WARNING:#}", "  {WARNING}本机无法检查{WARNING:#}"))?;
                self.failure(course, lesson, check)?;
                writeln!(self.out())?;
            }
        }
        Ok(checks.len())
    }

    fn function(
        &mut self,
        course: &Course,
        lesson: &Lesson,
        names: &CheckNames,
        name: &str,
        checks: &[&Checked],
        in_full: bool,
    ) -> io::Result<()> {
        let right = checks.iter().filter(|check| check.has_passed()).count();
        let all = checks.len();
        let to_do = checks.iter().all(|check| check.verdict() == Verdict::Todo);
        let (style, state) = match (right == all, to_do) {
            (true, _) => (GOOD, text!("{right}/{all}", "{right}/{all}")),
            (_, true) => (DIM, verdict_in_words(Verdict::Todo)),
            _ => (if is_right(checks) { WARNING } else { BAD }, text!("{right}/{all}", "{right}/{all}")),
        };
        let further = match checks[0].is_further {
            true => text!("   further", "   选做"),
            false => text!("", ""),
        };
        let further = further.in_language(self.language());
        let (name, state) = (harmless(name), state.in_language(self.language()));
        let first = checks.iter().find_map(|check| see_first(check));
        let first = first.map_or(String::new(), |first| format!("   {}", first.in_language(self.language())));
        writeln!(self.out(), "\n  {BOLD}{name}{BOLD:#}   {style}{state}{style:#}{DIM}{further}{DIM:#}{first}")?;
        if to_do {
            // All checks of a function that is still to do say the same.
            let task = checks.iter().find_map(|check| check.report.failure.as_ref()).filter(|_| in_full);
            let task = task.map(|failure| harmless(failure.expected.in_language(self.language())));
            return task.map_or(Ok(()), |task| self.hang("    ", Style::new(), &task));
        }
        let mut after_details = false;
        for check in checks {
            if after_details {
                writeln!(self.out())?;
            }
            let (style, mark) = match check.verdict() {
                Verdict::Passed => (GOOD, "✓"),
                Verdict::Skipped => (WARNING, "-"),
                _ => (BAD, "✗"),
            };
            let verdict = match check.verdict() {
                Verdict::Passed | Verdict::Failed => String::new(),
                other => format!("   {}", verdict_in_words(other).in_language(self.language())),
            };
            let name = names.in_words(&check.name);
            let name = harmless(name.in_language(self.language()));
            let told = check.report.told.as_ref().filter(|_| check.has_passed());
            let told = told.map(|told| format!("   {}", harmless(told.in_language(self.language()))));
            let told = told.unwrap_or_default();
            writeln!(self.out(), "    {style}{mark}{style:#} {name}{style}{verdict}{style:#}{DIM}{told}{DIM:#}")?;
            after_details = in_full && check.is_wrong();
            if after_details {
                self.failure(course, lesson, check)?;
            }
        }
        Ok(())
    }

    fn failure(&mut self, course: &Course, lesson: &Lesson, check: &Checked) -> io::Result<()> {
        let (n, section) = check.report.place(Some(lesson.number));
        let heading = n.and_then(|n| course.heading(n, section));
        let mut parts = check.report.parts(Some(lesson.number), |_, _| heading.clone());
        if heading.is_some() && check.verdict() != Verdict::Skipped {
            parts.extend(link(n, section).map(|link| (text!("link", "链接"), link)));
        }
        let names = parts.iter().map(|(name, _)| name.in_language(self.language()).width());
        let widest = names.max().unwrap_or_default();
        for (name, words) in &parts {
            let name = name.in_language(self.language());
            let padding = " ".repeat(widest - name.width());
            self.hang(&format!("        {name}{padding}  "), NAME, &harmless(words.in_language(self.language())))?;
        }
        if !check.output.is_empty() {
            self.say(&text!("        {NAME}it printed{NAME:#}", "        {NAME}程序输出{NAME:#}"))?;
            let lines: Vec<_> = check.output.lines().collect();
            for line in &lines[lines.len().saturating_sub(SHOWN)..] {
                let line: String = line.chars().take(200).collect();
                writeln!(self.out(), "          {DIM}|{DIM:#} {}", harmless(&line))?;
            }
        }
        Ok(())
    }
}

/// Where `cargo run -p book` shows this section of lesson `n`'s chapter; None if there is no such lesson.
fn link(n: Option<u8>, section: &str) -> Option<Text> {
    let page = format!("{}.html#{section}", course::lesson(n?)?.directory());
    Some(text!(
        "http://127.0.0.1:3000/en/{page} while `cargo run -p book` runs",
        "http://127.0.0.1:3000/zh/{page}（先运行 `cargo run -p book`）"
    ))
}

/// The feedback of a failed check, in several lines.
pub(super) fn message(course: &Course, lesson: &Lesson, check: &Checked, language: Language) -> String {
    let first = see_first(check).map_or(String::new(), |text| format!("  {}\n", text.in_language(language)));
    let heading = |number, id: &str| course.heading(number, id);
    first + &harmless(&check.report.in_language(language, Some(lesson.number), heading))
}

/// That another function has to be right first, if so.
fn see_first(check: &Checked) -> Option<Text> {
    let function = harmless(check.see_first.as_deref()?);
    Some(text!("see {function} first, which this function calls", "先看 {function}：这个函数调用了它"))
}

/// What is said of a solution; nothing in a handout, which has none.
fn of_solution(course: &Course, text: Text) -> Text {
    if course.is_handout() { Text::fixed("", "") } else { text }
}

fn status_in_words(status: &Status) -> (Style, Text) {
    match status {
        Status::Bad(_) => (BAD, text!("can't be checked", "无法检查")),
        Status::New => (DIM, text!("to do", "未开始")),
        Status::Unchecked => (WARNING, text!("to be checked", "待检查")),
        Status::Begun { right, of } if right == of => {
            (WARNING, text!("{right} of {of}, but for `unsafe`", "{right}/{of}，只差 unsafe 的说明"))
        }
        Status::Begun { right, of } => (WARNING, text!("{right} of {of}", "{right}/{of}")),
        Status::Solved { of: 0, .. } => (GOOD, text!("solved", "已完成")),
        Status::Solved { right, of } if right == of => (GOOD, text!("complete", "全部完成")),
        Status::Solved { right, of } => {
            (GOOD, text!("solved; further functions: {right} of {of}", "已完成；选做：{right}/{of}"))
        }
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
        Verdict::TimedOut => text!("timed out", "超时"),
        Verdict::OutOfMemory => text!("out of memory", "内存超限"),
        Verdict::LeftProcesses => text!("left a process running", "留下了进程"),
        Verdict::Broken => text!("the check itself failed", "检查本身出错"),
        Verdict::Skipped => text!("could not be checked here", "本机无法检查"),
    }
}
