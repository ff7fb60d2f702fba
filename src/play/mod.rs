//! Plays scenarios on the model and on the kernel, side by side.

mod print;
pub mod random;
mod stage;
pub mod torture;
mod trace;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::error::{named, told};
use crate::model::{Elsewhere, Limit, Model, Posix, Rule, Setting};
use crate::observe;
use crate::scenario::{Amount, Backend, Line, Name, Operation, Outcome, Pid, Role, Scenario};
use crate::text;
use crate::text::Text;

pub use print::{elsewhere, explained, json, on_file_systems, print};
pub use stage::{Place, Stage};

/// What a line gives, on the model and on the kernel.
#[derive(Debug, Clone)]
pub struct Row {
    /// The line, with what it claims.
    pub line: Line,
    /// What the model gives.
    pub model: Outcome,
    /// The rule that explains it.
    pub rule: Rule,
    /// What POSIX allows: the outcome of the model, or several, of which that is the first.
    pub posix: Outcome,
    /// What the model gives on other file systems, where it isn't the same.
    pub file_systems: Vec<(Text, Outcome)>,
    /// What the kernel gave.
    pub kernel: Outcome,
    /// Whether a process that the line needs died on the kernel only, in an earlier line: this one follows from that.
    pub follows: bool,
}

impl Row {
    /// What else POSIX allows: on another system the line may give one of these.
    pub fn elsewhere(&self) -> &[Outcome] {
        self.posix.others_than(&self.model)
    }

    /// Whether the kernel gave what the model says, and what the line claims, or a line before it accounts for that.
    pub fn agrees(&self) -> bool {
        let claimed = || self.line.outcome.as_ref().is_none_or(|claim| claim.allows(&self.kernel));
        self.follows || self.model.allows(&self.kernel) && claimed()
    }
}

/// The page size of this machine, in bytes.
///
/// # Errors
/// When it does not fit into 32 bits. Never fails in practice.
pub fn page_size() -> io::Result<u32> {
    observe::page_size().try_into().map_err(io::Error::other)
}

/// The most bytes of a scenario's text.
const LONGEST: u64 = 16 << 20;

/// Reads a scenario from a file, or from standard input where the path is `-`.
///
/// # Errors
/// Those of reading it; `InvalidData`, with line and column, if it is not a scenario.
pub fn read(path: &Path) -> io::Result<Scenario> {
    let name = path.display();
    let unfit = |why: Text| named(&name, &told(io::ErrorKind::InvalidData, why));
    let mut text = String::new();
    let source: Box<dyn Read> = match path.as_os_str() == "-" {
        true => Box::new(io::stdin()),
        false => Box::new(File::open(path).map_err(|error| named(&name, &error))?),
    };
    source.take(LONGEST + 1).read_to_string(&mut text).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => unfit(text!("not UTF-8", "不是 UTF-8 文本")),
        _ => named(&name, &error),
    })?;
    if text.len() as u64 > LONGEST {
        return Err(unfit(text!("longer than {LONGEST} bytes", "超过 {LONGEST} 字节")));
    }
    let scenario = Scenario::parse(&text).map_err(|problem| unfit(problem.in_words()))?;
    match scenario.0.is_empty() {
        true => Err(unfit(text!("the scenario has no lines", "脚本里一行也没有"))),
        false => Ok(scenario),
    }
}

/// The most bytes that the lines of a scenario copy, all in all: it takes little time, and fits into memory.
const MOST_BYTES: u64 = 32 << 20;

/// Whether each line of a scenario is applicable, and the scenario stays within the limits of the model. Where a line
/// leaves its outcome open, the lines after it depend on what this kernel does there: it plays the scenario then.
///
/// # Errors
/// `InvalidInput`, with the first line that isn't or doesn't, and why. Else those of playing it.
pub fn check(scenario: &Scenario, stage: &mut Stage) -> io::Result<()> {
    let (page_size, mut happened) = (stage.setting.page_size, Vec::new());
    let (mut model, mut all_copied) = (Model::on(&stage.setting), 0);
    let mut ends = BTreeMap::new();
    for (index, line) in scenario.0.iter().enumerate() {
        let (number, process, mut operation) = (line.number, line.process, line.operation.clone());
        let unfit = unfit(&model, &ends, process, &mut operation);
        let outcome = match happened.get(index) {
            Some(happened) => model.step_as(process, &operation, happened).0,
            None => model.step(process, &operation).0,
        };
        if matches!(outcome, Outcome::OneOf(_)) && happened.is_empty() {
            happened = stage.play(scenario)?;
            model = Model::on(&stage.setting);
            for (line, happened) in scenario.0.iter().zip(&happened).take(index + 1) {
                model.step_as(line.process, &line.operation, happened);
            }
        }
        all_copied += operation.roles().iter().map(|role| copied(role, page_size)).sum::<u64>();
        match (&line.operation, &outcome) {
            (Operation::Kill(victim), Outcome::Done) => {
                ends.insert(*victim, text!("line {number} killed {victim}", "第 {number} 行杀死了 {victim}"));
            }
            (Operation::Exit, Outcome::Done) => {
                ends.insert(process, text!("{process} exited in line {number}", "{process} 在第 {number} 行退出了"));
            }
            (_, Outcome::Died(cause, _)) => {
                let died =
                    text!("{process} died of {cause} in line {number}", "{process} 在第 {number} 行死于 {cause}");
                ends.insert(process, died);
            }
            _ => {}
        }
        let out_of_bounds = operation.amounts().into_iter().find(|amount| amount.at(page_size).is_none());
        let out_of_bounds = out_of_bounds.or_else(|| line.outcome.as_ref()?.at(page_size).err());
        let problem = match (out_of_bounds, model.passed()) {
            (Some(amount), _) if i64::from(amount.pages) * i64::from(page_size) + i64::from(amount.bytes) < 0 => {
                text!("{amount} is negative: a page has {page_size} bytes", "{amount} 是负数：一页有 {page_size} 字节")
            }
            (Some(amount), _) => {
                let most = Amount::MOST_PAGES;
                text!("{amount} is more than {most} pages", "{amount} 超过 {most} 页")
            }
            (None, Some(limit)) => passed(limit, process),
            _ if all_copied > MOST_BYTES => {
                text!(
                    "the lines up to here copy more than {MOST_BYTES} bytes",
                    "到这一行为止，复制的字节超过 {MOST_BYTES} 个"
                )
            }
            _ if outcome == Outcome::NotApplicable => unfit.unwrap_or_else(|| unknown(&operation)),
            _ => continue,
        };
        let Text { en, zh } = problem;
        let text =
            text!("line {number}, `{process} {operation}`: {en}", "第 {number} 行 `{process} {operation}`：{zh}");
        return Err(told(io::ErrorKind::InvalidInput, text));
    }
    Ok(())
}

/// Why the model can't say what a line gives, though each name in it fits.
fn unknown(operation: &Operation) -> Text {
    match operation {
        Operation::Call(..) => text!(
            "what it does isn't known: only `code` can be called, all of it in one page",
            "结果无法预知：只能调用 `code`，而且要整个在一页之内"
        ),
        Operation::Move(..) => text!(
            "what it does isn't known: a mapping moves to another place, and over something else only in one area",
            "结果无法预知：映射只能移到别处；若那里已有映射，它自己必须只是一个区域"
        ),
        Operation::ReadInto(..) | Operation::WriteFrom(..) => text!(
            "what it does isn't known: the buffer shows the file itself, its bytes are left open, or kernels differ in \
             what they check first",
            "结果无法预知：缓冲区映射的就是这个文件，或者其中的字节不确定，或者不同内核检查的先后不同"
        ),
        Operation::MapAt(..) => text!(
            "what it does isn't known: where a seal or the file system may refuse it, some kernels unmap first",
            "结果无法预知：密封或文件系统可能拒绝，而有的内核会先解除原有的映射"
        ),
        _ => text!("what it does isn't known: file systems differ", "结果无法预知：文件系统各不相同"),
    }
}

/// That a line asks for more than the model holds.
fn passed(limit: Limit, process: Pid) -> Text {
    let (pages, files, names) = (Model::MOST_PAGES, Model::MOST_FILES, Model::MOST_NAMES);
    match limit {
        Limit::Files => text!("there are more than {files} files", "文件超过 {files} 个"),
        Limit::Pages => text!("all files together have more than {pages} pages", "所有文件合计超过 {pages} 页"),
        Limit::Descriptors => {
            text!("{process} has more than {names} descriptors", "{process} 的描述符超过 {names} 个")
        }
        Limit::Mappings => text!(
            "{process} has more than {names} mappings, with those that it has unmapped",
            "{process} 的映射超过 {names} 个（包括已经解除的）"
        ),
        Limit::MappedPages => text!("{process} maps more than {pages} pages", "{process} 映射的页超过 {pages} 个"),
    }
}

fn copied(role: &Role, page_size: u32) -> u64 {
    if let Role::Copied(amount) = role { amount.at(page_size).unwrap_or(0) } else { 0 }
}

/// Which process or name of a line does not exist, or exists already. A file that does not exist is no mistake: the
/// line gives an errno. `ends` says how the processes ended that have.
fn unfit(model: &Model, ends: &BTreeMap<Pid, Text>, process: Pid, operation: &mut Operation) -> Option<Text> {
    let no_process = |process: Pid| {
        let never = || text!("no line has forked {process}", "没有哪一行派生出 {process}");
        ends.get(&process).cloned().unwrap_or_else(never)
    };
    let has = |kind: &Text, name: Name| {
        let Text { en, zh } = kind;
        text!("{process} already has a {en} `{name}`", "{process} 已经有{zh} `{name}`")
    };
    let has_no = |kind: &Text, name: Name| {
        let Text { en, zh } = kind;
        text!("{process} has no {en} `{name}`", "{process} 没有{zh} `{name}`")
    };
    let (a_descriptor, a_mapping) = (text!("descriptor", "描述符"), text!("mapping", "映射"));
    let descriptor = |name: Name| model.descriptors(process).any(|other| other == name);
    let mapping = |name: Name| model.mappings(process).any(|other| other == name);
    if !model.has(process) {
        return Some(no_process(process));
    }
    operation.roles().into_iter().find_map(|role| match role {
        Role::Descriptor(name) => (!descriptor(*name)).then(|| has_no(&a_descriptor, *name)),
        Role::NewDescriptor(name) => descriptor(*name).then(|| has(&a_descriptor, *name)),
        // One that is unmapped may be used: a use after munmap(2) is an outcome.
        Role::Mapping(name) if model.unmapped(process).any(|other| other == *name) => None,
        Role::Mapping(name) => (!mapping(*name)).then(|| has_no(&a_mapping, *name)),
        Role::NewMapping(name) => mapping(*name).then(|| has(&a_mapping, *name)),
        Role::NewProcess(child) => {
            model.has(*child).then(|| text!("there is already a process {child}", "已经有进程 {child}"))
        }
        Role::OtherProcess(other) if *other == process => {
            Some(text!("a process can't kill itself; use `exit`", "进程不能杀死自己，请用 `exit`"))
        }
        Role::OtherProcess(other) => (!model.has(*other)).then(|| no_process(*other)),
        Role::File(_)
        | Role::NewFile(_)
        | Role::AnyName(_)
        | Role::AnyMapping(_)
        | Role::Copied(_)
        | Role::Amount(_) => None,
    })
}

/// Plays a scenario on the model and on the kernel.
///
/// # Errors
/// As [`check`].
pub fn both(scenario: &Scenario, stage: &mut Stage) -> io::Result<Vec<Row>> {
    check(scenario, stage)?;
    let happened = stage.play(scenario)?;
    Ok(rows(scenario, &stage.setting, happened))
}

/// What each line gives on the model, beside what happened on a kernel.
pub fn rows(scenario: &Scenario, setting: &Setting, happened: Vec<Outcome>) -> Vec<Row> {
    let page_size = setting.page_size;
    let (mut model, mut posix, mut elsewhere) = (Model::on(setting), Posix::on(setting), Elsewhere::than(setting));
    let (mut rows, mut gone) = (Vec::new(), BTreeSet::new());
    for (line, kernel) in scenario.0.iter().zip(happened) {
        let (outcome, rule) = model.step_as(line.process, &line.operation, &kernel);
        let posix = posix.step_as(line.process, &line.operation, &kernel);
        let file_systems = elsewhere.step_as(line.process, &line.operation, &kernel, &outcome);
        let mut line = line.clone();
        line.outcome = line.outcome.map(|claim| claim.at(page_size).unwrap_or(claim));
        let follows = match line.operation {
            Operation::Kill(victim) => gone.contains(&victim) || gone.contains(&line.process),
            _ => gone.contains(&line.process),
        };
        match line.operation {
            // A process that the kernel hasn't forked is as if it had died.
            Operation::Fork(child) if follows => {
                gone.insert(child);
            }
            _ if matches!(kernel, Outcome::Died(..)) && !matches!(outcome, Outcome::Died(..)) => {
                gone.insert(line.process);
            }
            _ => {}
        }
        rows.push(Row { line, model: outcome, rule, posix, file_systems, kernel, follows });
    }
    rows
}

/// The index of the first line for which the kernel gives what the model doesn't allow; None if there is none. The
/// model has done nothing yet.
///
/// # Errors
/// Those of playing it.
pub fn first_divergence(scenario: &Scenario, model: &Model, stage: &mut Stage) -> io::Result<Option<usize>> {
    let mut model = model.clone();
    let happened = stage.play(scenario)?;
    Ok(scenario.0.iter().zip(&happened).position(|(line, happened)| {
        let (predicted, _) = model.step_as(line.process, &line.operation, happened);
        !predicted.allows(happened)
    }))
}
