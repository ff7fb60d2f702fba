//! The model's disk against the crash states of [`mmap_workbook::crash`]: after the same history both allow the same.

mod common;

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use common::cases;
use mmap_workbook::crash::Disk;
use mmap_workbook::model::{Basis, Model, Rule};
use mmap_workbook::scenario::{Byte, Outcome, Scenario};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

/// Small, so that a file has several pages and the states stay few.
const PAGE_SIZE: u32 = 4;
const PAGE: usize = PAGE_SIZE as usize;

/// What is done, to one of the files that were made: by its number, modulo how many there are.
#[derive(Debug, Clone)]
enum Done {
    Create(usize, String),
    Rename(usize, usize),
    Unlink(usize),
    /// A store that ends within the file.
    Store(usize, usize, String),
    Write(usize, usize, String),
    Truncate(usize, usize),
    /// msync(2) of a page, in one way or the other.
    Msync(usize, usize, &'static str),
    Fsync(usize, &'static str),
    FsyncDirectory,
    /// A mapping is removed, and made again.
    Unmap(usize),
    /// A descriptor is closed, and the file opened again.
    Reopen(usize),
}

const NAMES: [&str; 3] = ["f", "g", "h"];

fn done() -> impl Strategy<Value = Done> {
    let (name, file, at, bytes) = (0..NAMES.len(), 0..4_usize, 0..3 * PAGE, "[a-d]{1,3}");
    prop_oneof![
        4 => (name.clone(), "[a-d]{1,6}").prop_map(|(name, bytes)| Done::Create(name, bytes)),
        4 => (name.clone(), name.clone()).prop_map(|(from, to)| Done::Rename(from, to)),
        1 => name.prop_map(Done::Unlink),
        6 => (file.clone(), at.clone(), bytes).prop_map(|(file, at, bytes)| Done::Store(file, at, bytes)),
        2 => (file.clone(), at.clone(), bytes).prop_map(|(file, at, bytes)| Done::Write(file, at, bytes)),
        2 => (file.clone(), at.clone()).prop_map(|(file, size)| Done::Truncate(file, size)),
        3 => (file.clone(), 0..3_usize, prop::sample::select(vec!["", "async ", "invalidate "]))
            .prop_map(|(file, page, how)| Done::Msync(file, page, how)),
        3 => (file.clone(), prop::sample::select(vec!["", " data"])).prop_map(|(file, how)| Done::Fsync(file, how)),
        3 => Just(Done::FsyncDirectory),
        1 => file.clone().prop_map(Done::Unmap),
        1 => file.prop_map(Done::Reopen),
    ]
}

/// What a cut may leave of a name: what the crash states have, and what the model says. None where there is no such name.
type AfterACut = (BTreeSet<Option<Vec<u8>>>, Vec<Option<Vec<Byte>>>);

/// The same history on both.
struct Both {
    model: Model,
    disk: Disk,
    /// The length of each file.
    files: Vec<usize>,
    names: [Option<usize>; 3],
    lines: String,
}

impl Both {
    fn new(model: Model) -> Both {
        Both { model, disk: Disk::new(PAGE), files: Vec::new(), names: [None; 3], lines: String::new() }
    }

    fn step(&mut self, line: &str) -> Outcome {
        self.lines += &format!("{line}\n");
        let line = Scenario::parse(line).unwrap_or_else(|problem| panic!("{line}: {problem}")).0.remove(0);
        self.model.step(line.process, &line.operation).0
    }

    fn map(&mut self, file: usize) {
        assert_eq!(self.step(&format!("A map m{file} d{file} shared rw 0 5p")), Outcome::Done);
    }

    fn perform(&mut self, done: &Done) {
        let of = |file: &usize| file.checked_rem(self.files.len());
        match done {
            Done::Create(name, bytes) if self.names[*name].is_none() => {
                let number = self.files.len();
                self.names[*name] = Some(number);
                let name = NAMES[*name];
                let file = self.disk.create(name);
                self.disk.write(file, 0, bytes.as_bytes());
                self.files.push(bytes.len());
                self.step(&format!("A create {name} \"{bytes}\""));
                self.step(&format!("A open d{number} {name} rw"));
                self.map(number);
            }
            Done::Rename(from, to) if self.names[*from].is_some() && from != to => {
                self.names[*to] = self.names[*from].take();
                self.disk.rename(NAMES[*from], NAMES[*to]);
                self.step(&format!("A rename {} {}", NAMES[*from], NAMES[*to]));
            }
            Done::Unlink(name) if self.names[*name].take().is_some() => {
                self.disk.unlink(NAMES[*name]);
                self.step(&format!("A unlink {}", NAMES[*name]));
            }
            Done::Store(file, at, bytes) => {
                let Some(file) = of(file).filter(|file| at + bytes.len() <= self.files[*file]) else { return };
                self.disk.write(file, *at, bytes.as_bytes());
                self.step(&format!("A store m{file} {at} \"{bytes}\""));
            }
            Done::Write(file, at, bytes) => {
                let Some(file) = of(file) else { return };
                self.files[file] = self.files[file].max(at + bytes.len());
                self.disk.write(file, *at, bytes.as_bytes());
                self.step(&format!("A write d{file} {at} \"{bytes}\""));
            }
            Done::Truncate(file, size) => {
                let Some(file) = of(file) else { return };
                self.files[file] = *size;
                self.disk.truncate(file, *size);
                self.step(&format!("A truncate d{file} {size}"));
            }
            Done::Msync(file, page, how) => {
                let Some(file) = of(file) else { return };
                if *how != "async " {
                    self.disk.sync_range(file, page * PAGE..(page + 1) * PAGE);
                }
                self.step(&format!("A sync m{file} {how}{page}p 1p"));
            }
            Done::Fsync(file, how) => {
                let Some(file) = of(file) else { return };
                self.disk.sync(file);
                self.step(&format!("A fsync d{file}{how}"));
            }
            Done::FsyncDirectory => {
                self.disk.sync_directory();
                self.step("A fsync_dir");
            }
            Done::Unmap(file) => {
                let Some(file) = of(file) else { return };
                self.step(&format!("A unmap m{file}"));
                self.map(file);
            }
            Done::Reopen(file) => {
                let Some(file) = of(file) else { return };
                self.step(&format!("A reopen x d{file} rw"));
                self.step(&format!("A close d{file}"));
                self.step(&format!("A reopen d{file} x rw"));
                self.step("A close x");
            }
            _ => {}
        }
    }

    /// What a cut may leave of each name; None where that is too much.
    fn after_a_cut(&self) -> Option<[AfterACut; 3]> {
        let mut states = NAMES.map(|_| BTreeSet::new());
        let looked = self.disk.crash_states(20_000, |state| {
            for (found, name) in states.iter_mut().zip(NAMES) {
                found.insert(state.files.get(name).cloned());
            }
            ControlFlow::Continue(())
        });
        let mut after = Both::new(self.model.clone());
        if !looked.at_all || after.step("A cut") == Outcome::NotApplicable {
            return None;
        }
        let mut said = states.map(|found| (found, Vec::new()));
        for ((_, said), name) in said.iter_mut().zip(NAMES) {
            let each = |outcome: Outcome| if let Outcome::OneOf(several) = outcome { several } else { vec![outcome] };
            let mut here = Both::new(after.model.clone());
            for opened in each(here.step(&format!("A open x {name} ro"))) {
                let read = if opened == Outcome::Done { each(here.step("A read x 0 99")) } else { Vec::new() };
                said.extend((opened != Outcome::Done).then_some(None));
                said.extend(read.into_iter().map(|outcome| match outcome {
                    Outcome::Bytes(bytes) => Some(bytes),
                    other => panic!("{other}"),
                }));
            }
        }
        Some(said)
    }

    /// What one of the two allows and the other doesn't; None if nothing.
    fn difference(&self) -> Option<String> {
        for (name, (found, said)) in NAMES.into_iter().zip(self.after_a_cut()?) {
            let fits = |bytes: &[Byte], found: &[u8]| {
                bytes.len() == found.len() && bytes.iter().zip(found).all(|(byte, found)| byte.allows(*found))
            };
            for one in &found {
                let is_said = said.iter().any(|said| match (said, one) {
                    (Some(bytes), Some(one)) => fits(bytes, one),
                    (said, one) => said.is_none() && one.is_none(),
                });
                if !is_said {
                    return Some(format!("{name} may be {one:?}, the model says {said:?}"));
                }
            }
            for one in &said {
                let Some(bytes) = one else {
                    if !found.contains(&None) {
                        return Some(format!("{name} can't be missing"));
                    }
                    continue;
                };
                let alike: Vec<_> = found.iter().flatten().filter(|found| found.len() == bytes.len()).collect();
                if alike.is_empty() {
                    return Some(format!("{name} can't have {} bytes", bytes.len()));
                }
                for (at, byte) in bytes.iter().enumerate() {
                    let there: BTreeSet<u8> = alike.iter().map(|found| found[at]).collect();
                    let is_there = match byte {
                        Byte::Is(one) => there.contains(one),
                        Byte::Either(one, other) => there.contains(one) && there.contains(other),
                        Byte::Any => there.len() > 2,
                    };
                    if !is_there {
                        return Some(format!("byte {at} of {name} can't be {byte:?}, only {there:?}"));
                    }
                }
            }
        }
        None
    }
}

fn history() -> impl Strategy<Value = Vec<Done>> {
    prop::collection::vec(done(), 1..14)
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn a_cut_leaves_in_the_model_what_the_crash_states_are(history in history()) {
        let mut both = Both::new(Model::new(PAGE_SIZE));
        for done in &history {
            both.perform(done);
            let difference = both.difference();
            prop_assert!(difference.is_none(), "{}\n{}", both.lines, difference.unwrap_or_default());
        }
    }
}

/// Denies each rule that only a power cut shows.
#[test]
fn a_disk_with_any_rule_denied_is_caught() {
    let mut left: Vec<Rule> =
        Rule::ALL.iter().copied().filter(|rule| rule.needs_a_cut() && rule.basis() != Basis::Varies).collect();
    // The crash states have no errors.
    left.retain(|rule| ![Rule::FailedPagesCountAsWritten, Rule::ErrorsAreToldOnce].contains(rule));
    assert!(left.len() >= 8);
    let mut runner = TestRunner::deterministic();
    let (mut compared, mut all) = (0, 0);
    for _ in 0..2000 {
        let history = history().new_tree(&mut runner).expect("a history").current();
        let mut both = Both::new(Model::new(PAGE_SIZE));
        history.iter().for_each(|done| both.perform(done));
        (compared, all) = (compared + usize::from(both.after_a_cut().is_some()), all + 1);
        left.retain(|rule| {
            let mut both = Both::new(Model::denying(PAGE_SIZE, *rule));
            history.iter().for_each(|done| both.perform(done));
            both.difference().is_none()
        });
        if left.is_empty() && all >= 100 {
            break;
        }
    }
    assert!(left.is_empty(), "not caught: {left:?}");
    assert!(compared * 10 > all * 9, "only {compared} of {all} histories have few enough disks");
}
