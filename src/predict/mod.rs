//! Predict and find out: a scenario, a question about its last line, the kernel's answer, and the rule behind it.

pub mod belief;
pub mod search;
mod words;

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, BufRead, Write};

use proptest::strategy::{Just, Strategy, ValueTree};

use crate::course::{LESSONS, Lesson};
use crate::grade::{Language, Words, wrap};
use crate::model::{Model, Posix, Rule};
use crate::play::random::{self, Files};
use crate::play::{elsewhere, page, sentence, torture::runner};
use crate::say;
use crate::scenario::{Line, Operation, Outcome, Scenario, World};
use belief::{BELIEFS, Belief};

pub use words::in_words;

/// A scenario whose last line is asked for.
#[derive(Debug, Clone)]
pub struct Question {
    /// The lines; the last one's outcome is the question.
    pub scenario: Scenario,
    /// What one may answer, in the order in which it is shown: what the rules give, and what somebody would expect who
    /// has one of them wrong.
    pub options: Vec<Outcome>,
}

impl Question {
    /// The question about this scenario; None where nobody who has a rule wrong would expect anything else.
    fn about(scenario: Scenario, page: u32) -> Option<Question> {
        let truth = belief::last_outcome(Model::new(page), &scenario)?;
        if truth.is_open() || truth == Outcome::Meaningless {
            return None;
        }
        let mut options = vec![truth];
        for prediction in BELIEFS.iter().filter_map(|belief| belief.prediction(&scenario, page)) {
            let plain = !prediction.is_open() && prediction != Outcome::Meaningless;
            if plain && !options.contains(&prediction) {
                options.push(prediction);
            }
        }
        // In an order that says nothing.
        options.sort_by_key(ToString::to_string);
        (options.len() > 1).then_some(Question { scenario, options })
    }

    /// The rules that decide it: those that somebody must have wrong who expects anything else.
    fn rules(&self, happened: &Outcome, page: u32) -> Vec<Rule> {
        let others = self.options.iter().filter(|option| *option != happened);
        others.flat_map(|option| self.misconceptions(option, page)).map(|belief| belief.denies).take(3).collect()
    }

    /// What POSIX allows as well.
    fn elsewhere(&self, happened: &Outcome, page: u32) -> Option<Words> {
        let Ok(mut outcomes) = Posix::new(page).play(&self.scenario);
        let Some(Outcome::OneOf(mut outcomes)) = outcomes.pop() else { return None };
        outcomes.retain(|outcome| outcome != happened);
        elsewhere(&outcomes)
    }

    fn slugs(&self, answer: &Outcome, page: u32) -> Vec<&'static str> {
        self.misconceptions(answer, page).iter().map(|belief| belief.misconception.slug).collect()
    }

    /// What somebody would expect who has this wrong.
    fn misconceptions(&self, answer: &Outcome, page: u32) -> Vec<&'static Belief> {
        let expects = |belief: &&Belief| belief.prediction(&self.scenario, page).as_ref() == Some(answer);
        BELIEFS.iter().filter(expects).collect()
    }
}

/// The questions of a lesson: for each thing that is easily got wrong in it, a shortest scenario that shows it.
///
/// # Errors
/// None on any machine that is known.
pub fn of_lesson(lesson: &Lesson) -> io::Result<Vec<Question>> {
    let page = page()?;
    let mut questions: Vec<Question> = Vec::new();
    for belief in BELIEFS.iter().filter(|belief| belief.lesson == lesson.number) {
        let question = Question::about(belief.shown_wrong_by(), page);
        let new = |question: &Question| questions.iter().all(|other| other.scenario != question.scenario);
        questions.extend(question.filter(new));
    }
    Ok(questions)
}

/// How much there is to keep in mind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level(u8);

impl Level {
    /// From 1 (a few lines, one process) to 3.
    pub fn new(number: u8) -> Option<Level> {
        (1..=3).contains(&number).then_some(Level(number))
    }

    /// Whether it has as many lines and processes as it should.
    fn fits(self, scenario: &Scenario) -> bool {
        let (forks, lines) = (forks(scenario), scenario.0.len());
        match self.0 {
            1 => !forks && (3..=6).contains(&lines),
            2 => (5..=9).contains(&lines),
            _ => forks && (7..=14).contains(&lines),
        }
    }

    /// Whether it may fit when some of its lines are left out.
    fn may_fit(self, scenario: &Scenario) -> bool {
        self.0 < 3 || forks(scenario)
    }
}

fn forks(scenario: &Scenario) -> bool {
    scenario.0.iter().any(|line| matches!(line.operation, Operation::Fork(_)))
}

/// The size of a page while a question is looked for: the fewer bytes there are to copy, the sooner it is found. The numbers of
/// bytes in random scenarios are smaller, so that a scenario means the same with any page.
const SMALL_PAGE: u32 = 64;

/// Questions without end, the same with the same seed.
pub fn series(seed: u64, level: Level, page: u32) -> impl Iterator<Item = Question> {
    let mut runner = runner(seed);
    let scenarios = random::scenario(Files::All, 60);
    // What was asked for lately: the same rules again would bore.
    let mut lately = VecDeque::new();
    std::iter::from_fn(move || {
        loop {
            let scenario = scenarios.new_tree(&mut runner).ok()?.current().0;
            // Any of its lines may be the one to ask for, and one try is enough: a long scenario has no more of them than others.
            let lines: Vec<usize> = (2..scenario.len()).collect();
            let lines = Just(lines).prop_shuffle().new_tree(&mut runner).ok()?.current();
            let asked_for = |line: usize| Question::about(Scenario(scenario[..=line].to_vec()), SMALL_PAGE);
            let Some(question) = lines.into_iter().find_map(asked_for) else { continue };
            if !level.may_fit(&question.scenario) || !is_short(&question) {
                continue;
            }
            // What has nothing to do with it is left out.
            let scenario = shortened(question, SMALL_PAGE).scenario;
            let Some(question) = Question::about(scenario, page).filter(is_short) else { continue };
            let at_stake: Vec<_> = question.options.iter().map(|option| question.slugs(option, page)).collect();
            if level.fits(&question.scenario) && !lately.contains(&at_stake) {
                lately.push_front(at_stake);
                lately.truncate(6);
                return Some(question);
            }
        }
    })
}

/// Whether the options can be taken in at a glance.
fn is_short(question: &Question) -> bool {
    question.options.len() <= 5 && question.options.iter().all(|option| option.to_string().len() <= 40)
}

/// The same question without the lines that make no difference to it.
fn shortened(question: Question, page: u32) -> Question {
    let asked = question.scenario.0.last().cloned();
    let scenario = random::without_idle_lines(question.scenario, |shorter| {
        // The quick look first: what it takes to hear everybody's opinion is not needed for most of them.
        let Ok(outcomes) = Model::new(page).play(shorter);
        shorter.0.last() == asked.as_ref()
            && !outcomes.contains(&Outcome::Meaningless)
            && outcomes.last().is_some_and(|outcome| question.options.contains(outcome))
            && Question::about(shorter.clone(), page).is_some_and(|other| other.options == question.options)
    });
    Question { scenario, options: question.options }
}

/// Asks question after question, lets the kernel answer (the model never does), and sums up at the end.
///
/// # Errors
/// Those of reading and writing, and as [`crate::kernel::Kernel`].
pub fn sit(
    questions: impl Iterator<Item = Question>,
    kernel: &mut dyn World<Error = io::Error>,
    input: &mut dyn BufRead,
    out: &mut dyn Write,
    language: Language,
) -> io::Result<()> {
    let page = page()?;
    let words = |words: Words| words.in_language(language).to_owned();
    let (mut asked, mut right) = (0, 0);
    let mut shown: BTreeMap<&str, (usize, &Belief)> = BTreeMap::new();
    for question in questions {
        ask(&question, out, language)?;
        let Some(answer) = answer(&question, input, out, language)? else { break };
        asked += 1;
        let happened = kernel.play(&question.scenario)?;
        let Some(happened) = happened.last() else { break };
        if *answer == *happened {
            right += 1;
            writeln!(out, "{}", words(say!("Yes: {happened}.", "对：{happened}。")))?;
        } else {
            writeln!(out, "{}", words(say!("No. The kernel gives: {happened}", "不对。内核给出：{happened}")))?;
        }
        if belief::last_outcome(Model::new(page), &question.scenario).is_some_and(|model| !model.allows(happened)) {
            // Nobody knows why then, and the kernel is right all the same.
            let text =
                say!("(The model is wrong here. Please report this scenario.)", "（这里模型错了，请报告这个脚本。）");
            writeln!(out, "{}\n", words(text))?;
            continue;
        }
        for rule in question.rules(happened, page) {
            tell(out, sentence(rule, language))?;
        }
        if let Some(text) = question.elsewhere(happened, page) {
            tell(out, &words(text))?;
        }
        if answer != happened {
            for belief in question.misconceptions(answer, page) {
                let misconception = belief.misconception;
                let (believed, against) = (misconception.belief(), misconception.against());
                let text = say!(
                    "That fits a misconception, [{}]: {}\nIn fact: {}",
                    "这个答案符合一种误解 [{}]：{}\n事实：{}",
                    misconception.slug,
                    if language == Language::English { &believed.en } else { &believed.zh },
                    if language == Language::English { &against.en } else { &against.zh },
                );
                writeln!(out)?;
                tell(out, &words(text))?;
                shown.entry(misconception.slug).or_insert((0, belief)).0 += 1;
            }
        }
        writeln!(out)?;
    }
    sum_up(asked, right, &shown, out, language)
}

/// What is to be read goes in lines that are easily read.
fn tell(out: &mut dyn Write, text: &str) -> io::Result<()> {
    wrap(text, 100).iter().try_for_each(|line| writeln!(out, "{line}"))
}

fn ask(question: &Question, out: &mut dyn Write, language: Language) -> io::Result<()> {
    let words = |words: Words| words.in_language(language).to_owned();
    let (last, before) = question.scenario.0.split_last().ok_or(io::ErrorKind::InvalidInput)?;
    before.iter().try_for_each(|line| writeln!(out, "  {} {}", line.process, line.operation))?;
    let Line { process, operation, .. } = last;
    writeln!(out, "  {process} {operation}  => ?\n")?;
    for (letter, option) in ('a'..).zip(&question.options) {
        writeln!(out, "  {letter}) {option}")?;
    }
    let text = say!(
        "What does the last line give? (a letter; ? says the lines in words; q ends)",
        "最后一行给出什么？（输入字母；? 用文字解释每一行；q 结束）"
    );
    write!(out, "\n{} ", words(text))?;
    out.flush()
}

/// The option that is chosen; None at the end.
fn answer<'q>(
    question: &'q Question,
    input: &mut dyn BufRead,
    out: &mut dyn Write,
    language: Language,
) -> io::Result<Option<&'q Outcome>> {
    loop {
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 || line.trim() == "q" {
            writeln!(out)?;
            return Ok(None);
        }
        if line.trim() == "?" {
            writeln!(out)?;
            for line in &question.scenario.0 {
                writeln!(
                    out,
                    "  {:<30} {}",
                    format!("{} {}", line.process, line.operation),
                    in_words(line).in_language(language)
                )?;
            }
            let text = say!(
                "1p is a page, 2p+1 two pages and a byte; 0*3 are three zero bytes.",
                "1p 是一页，2p+1 是两页零一个字节；0*3 是三个零字节。"
            );
            write!(out, "\n  {}\n\n? ", text.in_language(language))?;
            out.flush()?;
            continue;
        }
        let mut options = ('a'..).zip(&question.options);
        match options.find(|(letter, option)| line.trim() == letter.to_string() || line.trim() == option.to_string()) {
            Some((_, option)) => return Ok(Some(option)),
            None => {
                let text = say!("One of the letters, please:", "请输入上面的一个字母：");
                write!(out, "{} ", text.in_language(language))?;
                out.flush()?;
            }
        }
    }
}

fn sum_up(
    asked: usize,
    right: usize,
    shown: &BTreeMap<&str, (usize, &Belief)>,
    out: &mut dyn Write,
    language: Language,
) -> io::Result<()> {
    let words = |words: Words| words.in_language(language).to_owned();
    writeln!(out, "{}", words(say!("{right} of {asked} predicted.", "{asked} 题中猜对 {right} 题。")))?;
    if !shown.is_empty() {
        writeln!(out, "{}", words(say!("What showed, and what to read:", "暴露出的误解，以及该读什么：")))?;
    }
    for (times, belief) in shown.values() {
        let lesson = LESSONS.iter().find(|lesson| lesson.number == belief.lesson).ok_or(io::ErrorKind::NotFound)?;
        let (slug, number, believed) = (belief.misconception.slug, lesson.number, belief.misconception.belief());
        let folder = if language == Language::English { "en" } else { "zh" };
        let believed = if language == Language::English { believed.en } else { believed.zh };
        writeln!(out, "  {times} x [{slug}] {believed}")?;
        writeln!(out, "      book/{folder}/{number}_{}.md", lesson.slug)?;
    }
    Ok(())
}
