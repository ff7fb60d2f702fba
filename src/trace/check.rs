//! Which line of a scenario can't be played, and why.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;

use crate::model::{Limit, Model, Rule, Setting};
use crate::scenario::{Amount, Line, Name, Operation, Outcome, Pid, Role};
use crate::text;
use crate::text::Text;

/// The most bytes that the lines of a scenario copy, all in all: it takes little time, and fits into memory.
const MOST_BYTES: u64 = 32 << 20;

/// Plays a scenario on the model line by line, up to the first one that isn't applicable or passes a limit.
#[derive(Debug)]
pub struct Checker {
    model: Model,
    page_size: u32,
    all_copied: u64,
    ends: BTreeMap<Pid, Text>,
}

impl Checker {
    /// Before the first line.
    pub fn on(setting: &Setting) -> Checker {
        Checker { model: Model::on(setting), page_size: setting.page_size, all_copied: 0, ends: BTreeMap::new() }
    }

    /// What the next line gives. Where the model leaves it open, it goes on from what `happened`, if that is given.
    ///
    /// # Errors
    /// Why the line can't be played.
    pub fn step(&mut self, line: &Line, happened: Option<&Outcome>) -> Result<(Outcome, Rule), Text> {
        let (page_size, number, process, mut operation) =
            (self.page_size, line.number, line.process, line.operation.clone());
        let before: Vec<Pid> = self.model.processes().collect();
        let unfit = unfit(&self.model, &self.ends, process, &mut operation);
        let (outcome, rule) = match happened {
            Some(happened) => self.model.step_as(process, &operation, happened),
            None => self.model.step(process, &operation),
        };
        self.all_copied += operation.roles().iter().map(|role| copied(role, page_size)).sum::<u64>();
        match (&line.operation, &outcome) {
            (Operation::Kill(victim), Outcome::Done) => {
                self.ends.insert(*victim, text!("line {number} killed {victim}", "第 {number} 行杀死了 {victim}"));
            }
            (Operation::Cut, Outcome::Done) => {
                let cut = || text!("line {number} cut the power", "第 {number} 行断了电");
                self.ends.extend(before.into_iter().map(|process| (process, cut())));
            }
            (Operation::Exit, Outcome::Done) => {
                self.ends
                    .insert(process, text!("{process} exited in line {number}", "{process} 在第 {number} 行退出了"));
            }
            (_, Outcome::Died(cause, _)) => {
                let died =
                    text!("{process} died of {cause} in line {number}", "{process} 在第 {number} 行死于 {cause}");
                self.ends.insert(process, died);
            }
            _ => {}
        }
        let out_of_bounds = operation.amounts().into_iter().find(|amount| amount.at(page_size).is_none());
        let out_of_bounds = out_of_bounds.or_else(|| line.outcome.as_ref()?.at(page_size).err());
        Err(match (out_of_bounds, self.model.passed()) {
            (Some(amount), _) if i64::from(amount.pages) * i64::from(page_size) + i64::from(amount.bytes) < 0 => {
                text!("{amount} is negative: a page has {page_size} bytes", "{amount} 是负数：一页有 {page_size} 字节")
            }
            (Some(amount), _) => {
                let most = Amount::MOST_PAGES;
                text!("{amount} is more than {most} pages", "{amount} 超过 {most} 页")
            }
            (None, Some(limit)) => passed(limit, process),
            _ if self.all_copied > MOST_BYTES => {
                text!(
                    "the lines up to here copy more than {MOST_BYTES} bytes",
                    "到这一行为止，复制的字节超过 {MOST_BYTES} 个"
                )
            }
            _ if outcome == Outcome::NotApplicable => unfit.unwrap_or_else(|| unknown(&operation)),
            _ => return Ok((outcome, rule)),
        })
    }
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
        Limit::Disks => {
            let most = Model::MOST_DISKS;
            text!(
                "after this power cut there may be more than {most} different disks",
                "这次断电之后，磁盘可能的样子超过 {most} 种"
            )
        }
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
