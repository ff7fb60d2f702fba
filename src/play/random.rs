//! Random scenarios: several processes, files and mappings, with sizes near page boundaries.

use crate::model::{Model, Setting};
use crate::scenario::{
    Access, Advice, Amount, Bytes, Contents, Extent, Flag, Line, Name, Operation, Outcome, Pid, Placing, Protection,
    Range, Request, Role, Scenario, Seal, Sharing, Source, Syncing,
};

/// Which files a random scenario has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Files {
    /// Files with names, files in memory, and anonymous memory.
    All,
    /// Files in memory and anonymous memory: no file system but the kernel's own.
    InMemory,
}

/// A scenario of up to `lines` lines for this setting. Lines that are not applicable are left out, and so are lines whose outcome is
/// left open: the rest could not be predicted. [`shrunk`] makes it shorter.
pub fn scenario(files: Files, setting: &Setting, lines: usize, dice: &mut Dice) -> Scenario {
    let lines = lines / 2 + dice.below(lines - lines / 2 + 1);
    let model = Model::on(&Setting { page_size: PAGE_SIZE, ..*setting });
    applicable(model, &(0..lines).map(|_| draft(files, dice)).collect::<Vec<_>>())
}

/// Random numbers: the same seed gives the same ones.
#[derive(Debug, Clone)]
pub struct Dice(fastrand::Rng);

impl Dice {
    /// Dice that are thrown the same way with the same seed.
    pub fn new(seed: u64) -> Dice {
        Dice(fastrand::Rng::with_seed(seed))
    }

    /// A number from 0 up to this one, without it.
    pub fn below(&mut self, end: usize) -> usize {
        self.0.usize(..end.max(1))
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// One of these, each as often as its weight says.
    fn weighted<T: Copy>(&mut self, all: &[(usize, T)]) -> T {
        let mut at = self.below(all.iter().map(|(weight, _)| weight).sum());
        let found = all.iter().find(|(weight, _)| {
            let is_here = at < *weight;
            at = at.saturating_sub(*weight);
            is_here
        });
        found.expect("`at` is below the sum of the weights").1
    }

    fn name(&mut self, letters: &[&str]) -> Name {
        Name::new(self.one_of(letters)).expect("a name")
    }

    fn amount(&mut self, amounts: &[(u32, i32)]) -> Amount {
        let (pages, bytes) = self.one_of(amounts);
        Amount { pages, bytes }
    }

    fn size(&mut self) -> Amount {
        let small: &[_] = &[(1, 0), (2, 0), (0, 1), (0, 10), (1, 1), (2, -1), (2, 1), (3, 0), (3, -7), (0, 0)];
        let sizes = self.weighted(&[(60, small), (1, &[(65, 0), (70, 1), (129, -1)])]);
        self.amount(sizes)
    }

    fn place(&mut self) -> Amount {
        self.amount(&[
            (0, 0),
            (1, 0),
            (0, 1),
            (1, -1),
            (1, 1),
            (2, 0),
            (2, -1),
            (0, 9),
            (0, 10),
            (2, 1),
            (3, 0),
            (3, -7),
        ])
    }

    fn length(&mut self) -> Amount {
        let of_few_bytes: &[_] = &[(0, 1), (0, 2), (0, 3), (0, 17)];
        let lengths = self.weighted(&[(8, of_few_bytes), (1, &[(1, 0), (0, 0), (1, 3)])]);
        self.amount(lengths)
    }

    fn map_offset(&mut self) -> Amount {
        let aligned: &[_] = &[(0, 0), (0, 0), (1, 0), (2, 0)];
        let offsets = self.weighted(&[(20, aligned), (1, &[(0, 1), (1, 7)])]);
        self.amount(offsets)
    }

    /// A part of a mapping, or all of it.
    fn part(&mut self) -> Option<Range> {
        (self.below(2) == 0).then(|| Range { place: self.map_offset(), length: self.size() })
    }

    fn letter(&mut self) -> char {
        char::from(b"abcdefghijklmnopqrstuvwxyz"[self.below(26)])
    }

    fn bytes(&mut self) -> Bytes {
        match self.below(10) {
            0 => Bytes::Fill(self.letter(), self.size()),
            1 => Bytes::Code,
            _ => Bytes::Text((0..=self.below(3)).map(|_| self.letter()).collect()),
        }
    }

    fn protection(&mut self) -> Protection {
        use Protection::{None, Read, ReadExecute, ReadWrite, Write};
        self.weighted(&[(12, ReadWrite), (6, Read), (2, Write), (2, None), (3, ReadExecute)])
    }

    fn access(&mut self) -> Access {
        self.weighted(&[(6, Access::ReadWrite), (2, Access::ReadOnly), (1, Access::WriteOnly)])
    }

    fn advice(&mut self) -> Advice {
        use Advice::{
            DoFork, DontFork, DontNeed, Free, GuardInstall, GuardRemove, KeepOnFork, PopulateRead, PopulateWrite,
            Remove, WillNeed, WipeOnFork,
        };
        self.weighted(&[
            (10, DontNeed),
            (8, PopulateWrite),
            (2, PopulateRead),
            (2, WillNeed),
            (2, Free),
            (3, Remove),
            (2, DontFork),
            (2, DoFork),
            (3, WipeOnFork),
            (1, KeepOnFork),
            (2, GuardInstall),
            (3, GuardRemove),
        ])
    }

    fn process(&mut self, letters: &[(usize, char)]) -> Pid {
        Pid::new(self.weighted(letters)).expect("a process")
    }

    fn request(&mut self) -> Request {
        let source = match self.below(6) {
            0 => Source::Anonymous,
            _ => Source::File(self.name(DESCRIPTORS), self.map_offset()),
        };
        let (sharing, protection) = (self.one_of(Sharing::ALL), self.protection());
        Request { source, sharing, protection, length: self.size(), populate: self.below(6) == 0 }
    }
}

/// A scenario for which `holds` is still true, with as few lines as possible, and with simple numbers. proptest would
/// shrink worse, and by thousands of tries: which lines it leaves out changes what the others become.
pub fn shrunk(scenario: Scenario, holds: impl Fn(&Scenario) -> bool) -> Scenario {
    let mut scenario = without_idle_lines(scenario, &holds);
    while let Some(simpler) =
        (0..scenario.0.len()).find_map(|line| without_fork_or_move(&scenario, line).filter(&holds))
    {
        scenario = without_idle_lines(simpler, &holds);
    }
    for line in 0..scenario.0.len() {
        for (number, amount) in scenario.0[line].operation.amounts().into_iter().enumerate() {
            let simple = [(0, 0), (0, 1), (1, 0)].map(|(pages, bytes)| Amount { pages, bytes });
            let with = |simple| {
                let mut scenario = scenario.clone();
                *scenario.0[line].operation.amounts_mut()[number] = simple;
                scenario
            };
            let mut simpler = simple.into_iter().take_while(|simple| *simple != amount).map(with);
            scenario = simpler.find(&holds).unwrap_or(scenario);
        }
    }
    (1..).zip(&mut scenario.0).for_each(|(number, line)| line.number = number);
    scenario
}

/// The scenario without this line, if it is a fork(2): what the child does, the parent does. Or if it moves a mapping: the
/// mapping keeps its name.
fn without_fork_or_move(scenario: &Scenario, line: usize) -> Option<Scenario> {
    let Line { process, operation, .. } = scenario.0[line].clone();
    let mut simpler = scenario.clone();
    simpler.0.remove(line);
    for line in &mut simpler.0[line..] {
        match operation {
            Operation::Fork(child) if line.process == child => line.process = process,
            Operation::Fork(_) => {}
            Operation::Move(old, new) => {
                for role in line.operation.roles() {
                    if let Role::Mapping(name) | Role::AnyMapping(name) = role
                        && *name == new
                    {
                        *name = old;
                    }
                }
            }
            _ => return None,
        }
    }
    Some(simpler)
}

/// The scenario without the lines that it does not need for `holds` to be true: many at once as long as that works,
/// then one by one, and at last in pairs, such as one that maps and one that unmaps.
pub fn without_idle_lines(mut scenario: Scenario, holds: impl Fn(&Scenario) -> bool) -> Scenario {
    let without = |scenario: &Scenario, lines: &[usize]| {
        let left = (0..).zip(&scenario.0).filter(|(n, _)| !lines.contains(n)).map(|(_, line)| line.clone());
        Some(Scenario(left.collect())).filter(&holds)
    };
    let mut many = scenario.0.len() / 2;
    while many > 0 {
        for start in (0..scenario.0.len()).step_by(many).rev() {
            let lines: Vec<usize> = (start..start + many).collect();
            scenario = without(&scenario, &lines).unwrap_or(scenario);
        }
        many /= 2;
    }
    loop {
        let pairs = (0..scenario.0.len()).rev().flat_map(|one| (0..=one).map(move |other| [one, other]));
        let Some(shorter) = pairs.take(MOST_PAIRS).find_map(|pair| without(&scenario, &pair)) else { return scenario };
        scenario = shorter;
    }
}

/// The most pairs that are tried: all of them if the scenario is short.
const MOST_PAIRS: usize = 1000;

/// A line, and whether it may stay if it ends its process: with too many such lines, no process lives to run the
/// others.
#[derive(Debug, Clone)]
struct Draft {
    process: Pid,
    operation: Operation,
    /// 0 to 99; lower is riskier.
    caution: usize,
}

/// The page size by which lines are chosen: the same on every machine, so that a seed gives the same scenarios.
const PAGE_SIZE: u32 = 1 << 12;

fn applicable(mut model: Model, drafts: &[Draft]) -> Scenario {
    let mut lines = Vec::new();
    for draft in drafts {
        let Some((process, mut operation)) = at_hand(&model, draft) else { continue };
        let (mut after, mut outcome) = tried(&model, process, &operation);
        let ends = matches!(outcome, Outcome::Died(..)) || operation == Operation::Exit;
        // The last process mostly goes on: without it the scenario is over.
        let may_end = draft.caution < if model.processes().nth(1).is_some() { 10 } else { 1 };
        if ends && !may_end {
            let (Operation::Load(_, at, _) | Operation::Store(_, at, _)) = &mut operation else { continue };
            *at = Amount { pages: 0, bytes: 0 };
            (after, outcome) = tried(&model, process, &operation);
        }
        // Where the model leaves a line open, it can't know how the kernel goes on.
        if !matches!(outcome, Outcome::NotApplicable | Outcome::OneOf(_)) && (may_end || after.has(process)) {
            lines.push(Line { number: 0, process, operation, outcome: None, asked: false });
            model = after;
        }
    }
    Scenario(lines)
}

/// The model after a line, and the outcome of the line.
fn tried(model: &Model, process: Pid, operation: &Operation) -> (Model, Outcome) {
    let mut model = model.clone();
    let (outcome, _) = model.step(process, operation);
    (model, outcome)
}

/// The draft with names that exist where the line needs some, and with new names where it makes something; None if
/// there are none.
fn at_hand(model: &Model, draft: &Draft) -> Option<(Pid, Operation)> {
    fn instead<T: PartialEq + Copy>(there: impl Iterator<Item = T> + Clone, wanted: T) -> Option<T> {
        there.clone().find(|other| *other == wanted).or_else(|| there.clone().next())
    }
    let process = instead(model.processes(), draft.process)?;
    let mut operation = draft.operation.clone();
    if let Operation::Load(name, ..) | Operation::Store(name, ..) = operation
        && model.mappings(process).next().is_none()
    {
        // There is no mapping to load from or to store to yet.
        let file = model.descriptors(process).next().map(|file| Source::File(file, Amount { pages: 0, bytes: 0 }));
        let request = Request {
            source: file.unwrap_or(Source::Anonymous),
            sharing: if draft.caution < 50 { Sharing::Shared } else { Sharing::Private },
            protection: Protection::ReadWrite,
            length: Amount { pages: 2, bytes: 0 },
            populate: false,
        };
        operation = Operation::Map(name, request);
    }
    for role in operation.roles() {
        match role {
            Role::File(name) => *name = instead(model.files(), *name)?,
            Role::Descriptor(name) => *name = instead(model.descriptors(process), *name)?,
            Role::NewDescriptor(name) => *name = new_one(model.descriptors(process), *name, DESCRIPTORS)?,
            Role::Mapping(name) => {
                // Now and then one that is unmapped: most accesses to it end the process.
                let unmapped = (draft.caution < 10).then(|| model.unmapped(process)).into_iter().flatten();
                *name = instead(model.mappings(process).chain(unmapped), *name)?;
            }
            Role::NewMapping(name) => *name = new_one(model.mappings(process), *name, MAPPINGS)?,
            Role::AnyMapping(_) => {}
            Role::NewProcess(child) => {
                *child = ['B', 'C', 'D', 'E'].into_iter().filter_map(Pid::new).find(|letter| !model.has(*letter))?;
            }
            // One in three may find that its name is taken.
            Role::NewFile(name) if draft.caution >= 33 => *name = new_one(model.files(), *name, FILES)?,
            Role::NewFile(_) | Role::AnyName(_) | Role::OtherProcess(_) | Role::Copied(_) | Role::Amount(_) => {}
        }
    }
    Some((process, operation))
}

/// A name that is not in use yet: `wanted`, or another.
fn new_one(there: impl Iterator<Item = Name> + Clone, wanted: Name, letters: &[&str]) -> Option<Name> {
    let free = |name: &Name| !there.clone().any(|other| other == *name);
    Some(wanted).filter(free).or_else(|| letters.iter().filter_map(|letter| Name::new(letter)).find(free))
}

const FILES: &[&str] = &["f", "g"];
const DESCRIPTORS: &[&str] = &["d", "e"];
const MAPPINGS: &[&str] = &["m", "n", "o", "p"];

fn draft(files: Files, dice: &mut Dice) -> Draft {
    let process = dice.process(&[(10, 'A'), (6, 'B'), (4, 'C'), (2, 'D'), (1, 'E')]);
    let on_files = match files {
        Files::All => dice.weighted(&[(1, ON_NAMES), (2, ON_DESCRIPTORS)]),
        Files::InMemory => ON_DESCRIPTORS,
    };
    let operations = dice.weighted(&[(30, on_files), (60, ON_MEMORY), (3, ON_PROCESSES)]);
    let operation = dice.weighted(operations)(dice);
    Draft { process, operation, caution: dice.below(100) }
}

/// How often an operation is drawn, and how.
type Drawn = (usize, fn(&mut Dice) -> Operation);

const ON_NAMES: &[Drawn] = &[
    (3, |dice| {
        let contents = match dice.below(2) {
            0 => Contents::Zeros(dice.size()),
            _ => Contents::Bytes(dice.bytes()),
        };
        Operation::Create(dice.name(FILES), contents)
    }),
    (6, |dice| {
        let access = dice.access();
        let flag = (dice.below(6) == 0).then(|| dice.one_of(Flag::ALL));
        Operation::Open(dice.name(DESCRIPTORS), dice.name(FILES), access, flag)
    }),
    (1, |dice| Operation::Rename(dice.name(FILES), dice.name(FILES))),
    (1, |dice| Operation::Unlink(dice.name(FILES))),
    (1, |_| Operation::FsyncDirectory),
];

const ON_DESCRIPTORS: &[Drawn] = &[
    (2, |dice| Operation::Memfd(dice.name(DESCRIPTORS), dice.size())),
    (1, |dice| Operation::Close(dice.name(DESCRIPTORS))),
    (2, |dice| Operation::Reopen(dice.name(DESCRIPTORS), dice.name(DESCRIPTORS), dice.access())),
    (6, |dice| Operation::Read(dice.name(DESCRIPTORS), dice.place(), dice.length())),
    (8, |dice| Operation::Write(dice.name(DESCRIPTORS), dice.place(), dice.bytes())),
    (3, |dice| {
        let (descriptor, mapping) = (dice.name(DESCRIPTORS), dice.name(MAPPINGS));
        Operation::ReadInto(descriptor, dice.place(), mapping, dice.place(), dice.length())
    }),
    (3, |dice| {
        let (descriptor, mapping) = (dice.name(DESCRIPTORS), dice.name(MAPPINGS));
        Operation::WriteFrom(descriptor, dice.place(), mapping, dice.place(), dice.length())
    }),
    (1, |dice| Operation::Fsync(dice.name(DESCRIPTORS), (dice.below(2) == 0).then_some(Extent::Data))),
    (6, |dice| Operation::Truncate(dice.name(DESCRIPTORS), dice.size())),
    (3, |dice| {
        let length = if dice.below(2) == 0 { dice.length() } else { dice.size() };
        Operation::Punch(dice.name(DESCRIPTORS), dice.place(), length)
    }),
    (1, |dice| Operation::Reserve(dice.name(DESCRIPTORS), dice.place(), dice.size())),
    (2, |dice| Operation::Zero(dice.name(DESCRIPTORS), dice.place(), dice.size())),
    (2, |dice| Operation::Collapse(dice.name(DESCRIPTORS), dice.map_offset(), dice.size())),
    (3, |dice| Operation::Mtime(dice.name(DESCRIPTORS))),
    (1, |dice| Operation::Seals(dice.name(DESCRIPTORS))),
    (2, |dice| Operation::Seal(dice.name(DESCRIPTORS), dice.one_of(Seal::ALL))),
];

const ON_MEMORY: &[Drawn] = &[
    (10, |dice| Operation::Map(dice.name(MAPPINGS), dice.request())),
    (16, |dice| Operation::Load(dice.name(MAPPINGS), dice.place(), dice.length())),
    (20, |dice| Operation::Store(dice.name(MAPPINGS), dice.place(), dice.bytes())),
    (4, |dice| {
        let placing = (dice.below(4) == 0).then_some(Placing::NoReplace);
        Operation::MapAt(dice.name(MAPPINGS), dice.map_offset(), dice.request(), placing)
    }),
    (2, |dice| Operation::Store(dice.name(MAPPINGS), Amount { pages: 0, bytes: 0 }, Bytes::Code)),
    (2, |dice| Operation::Call(dice.name(MAPPINGS), Amount { pages: 0, bytes: 0 })),
    (4, |dice| Operation::Unmap(dice.name(MAPPINGS), dice.part())),
    (2, |dice| Operation::Remap(dice.name(MAPPINGS), dice.size())),
    (2, |dice| Operation::Move(dice.name(MAPPINGS), dice.name(MAPPINGS))),
    (1, |dice| Operation::Duplicate(dice.name(MAPPINGS), dice.name(MAPPINGS))),
    (7, |dice| Operation::Lock(dice.name(MAPPINGS), dice.part())),
    (2, |dice| Operation::Unlock(dice.name(MAPPINGS), dice.part())),
    (2, |dice| Operation::Resident(dice.name(MAPPINGS), dice.part())),
    (3, |dice| Operation::Protect(dice.name(MAPPINGS), dice.protection(), dice.part())),
    (12, |dice| Operation::Advise(dice.name(MAPPINGS), dice.advice(), dice.part())),
    (2, |dice| {
        let how = dice.one_of(&[Syncing::Sync, Syncing::Async, Syncing::Invalidate]);
        Operation::Sync(dice.name(MAPPINGS), how, dice.part())
    }),
];

const ON_PROCESSES: &[Drawn] = &[
    (4, |dice| Operation::Fork(dice.process(&[(1, 'B'), (1, 'C')]))),
    (3, |_| Operation::Exit),
    (1, |dice| Operation::Kill(dice.process(&[(2, 'A'), (2, 'B'), (2, 'C'), (1, 'D'), (1, 'E')]))),
];
