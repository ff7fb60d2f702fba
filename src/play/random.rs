//! Random scenarios: several processes, files and mappings, with sizes near page boundaries.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::model::Model;
use crate::scenario::{
    Access, Advice, Amount, Bytes, Contents, Flag, Line, Name, Operation, Outcome, Pid, Protection, Range, Request,
    Role, Scenario, Seal, Sharing, Source,
};

/// Which files a random scenario has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Files {
    /// Files with names, files in memory, and anonymous memory.
    All,
    /// Files in memory and anonymous memory: no file system but the kernel's own.
    InMemory,
}

/// Scenarios of up to `lines` lines. Lines that are not applicable are left out, and so are lines whose outcome is left open: the
/// rest could not be predicted. They shrink to fewer lines, and to smaller numbers.
pub fn scenario(files: Files, lines: usize) -> impl Strategy<Value = Scenario> {
    vec(line(files), lines / 2..=lines).prop_map(|lines| applicable(&lines))
}

/// The scenario without the lines that it needs not for `holds` to be true: many at once as long as that works, then one by one, and
/// at last in pairs, such as one that maps and one that unmaps. proptest shrinks worse: what it draws for a line depends on the
/// lines before.
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

/// A line, and whether it may stay if it ends its process: with too many such lines, no process lives to run the others.
#[derive(Debug, Clone)]
struct Draft {
    process: Pid,
    operation: Operation,
    /// 0 to 99; lower is riskier.
    caution: u8,
}

/// The page size by which lines are chosen: the same on every machine, so that a seed gives the same scenarios.
const PAGE_SIZE: u32 = 1 << 12;

fn applicable(drafts: &[Draft]) -> Scenario {
    let mut model = Model::new(PAGE_SIZE);
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
        // The model can't follow what the kernel makes of a line that it leaves open.
        if !matches!(outcome, Outcome::NotApplicable | Outcome::OneOf(_)) && (may_end || after.has(process)) {
            lines.push(Line { process, operation, outcome: None });
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

/// The draft with names that exist where the line needs some, and with new names where it makes something; None if there are none.
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
        };
        operation = Operation::Map(name, request);
    }
    for role in operation.roles() {
        match role {
            Role::File(name) => *name = instead(model.files(), *name)?,
            Role::Descriptor(name) => *name = instead(model.descriptors(process), *name)?,
            Role::NewDescriptor(name) => *name = new_one(model.descriptors(process), *name, DESCRIPTORS)?,
            Role::Mapping(name) => *name = instead(model.mappings(process), *name)?,
            Role::NewMapping(name) => *name = new_one(model.mappings(process), *name, MAPPINGS)?,
            Role::NewProcess(child) => {
                *child = ['B', 'C'].into_iter().filter_map(Pid::new).find(|letter| !model.has(*letter))?;
            }
            // One in three may find that its name is taken.
            Role::NewFile(name) if draft.caution >= 33 => *name = new_one(model.files(), *name, FILES)?,
            Role::NewFile(_) | Role::AnyName(_) | Role::OtherProcess(_) | Role::Copied(_) => {}
        }
    }
    Some((process, operation))
}

/// A name that is not in use yet: `wanted`, or another.
fn new_one(there: impl Iterator<Item = Name> + Clone, wanted: Name, letters: &str) -> Option<Name> {
    let free = |name: &Name| !there.clone().any(|other| other == *name);
    Some(wanted).filter(free).or_else(|| letters.split("").filter_map(Name::new).find(free))
}

const FILES: &str = "fg";
const DESCRIPTORS: &str = "de";
const MAPPINGS: &str = "mno";

fn line(files: Files) -> impl Strategy<Value = Draft> {
    let process = prop_oneof![5 => Just('A'), 3 => Just('B'), 2 => Just('C')].prop_filter_map("a letter", Pid::new);
    let caution = 0..100_u8;
    (process, operation(files), caution).prop_map(|(process, operation, caution)| Draft { process, operation, caution })
}

fn operation(files: Files) -> BoxedStrategy<Operation> {
    let contents = prop_oneof![size().prop_map(Contents::Zeros), bytes().prop_map(Contents::Bytes)];
    let access = prop_oneof![6 => Just(Access::ReadWrite), 2 => Just(Access::ReadOnly), 1 => Just(Access::WriteOnly)];
    let source = prop_oneof![
        5 => (name(DESCRIPTORS), map_offset()).prop_map(|(name, at)| Source::File(name, at)),
        1 => Just(Source::Anonymous),
    ];
    let sharing = select(Sharing::ALL);
    let range = prop::option::of((map_offset(), size()).prop_map(|(place, length)| Range { place, length }));
    let by_name = prop_oneof![
        3 => (name(FILES), contents).prop_map(|(f, c)| Operation::Create(f, c)),
        6 => (name(DESCRIPTORS), name(FILES), access, prop::option::weighted(0.1, select(Flag::ALL)))
            .prop_map(|(d, f, a, flag)| Operation::Open(d, f, a, flag)),
        1 => (name(FILES), name(FILES)).prop_map(|(f, g)| Operation::Rename(f, g)),
        1 => name(FILES).prop_map(Operation::Unlink),
    ];
    let by_descriptor = prop_oneof![
        2 => (name(DESCRIPTORS), size()).prop_map(|(d, s)| Operation::Memfd(d, s)),
        1 => name(DESCRIPTORS).prop_map(Operation::Close),
        6 => (name(DESCRIPTORS), place(), length()).prop_map(|(d, a, l)| Operation::Read(d, a, l)),
        8 => (name(DESCRIPTORS), place(), bytes()).prop_map(|(d, a, b)| Operation::Write(d, a, b)),
        6 => (name(DESCRIPTORS), size()).prop_map(|(d, s)| Operation::Truncate(d, s)),
        3 => (name(DESCRIPTORS), place(), prop_oneof![length(), size()]).prop_map(|(d, a, l)| Operation::Punch(d, a, l)),
        1 => (name(DESCRIPTORS), select(Seal::ALL)).prop_map(|(d, s)| Operation::Seal(d, s)),
    ];
    let on_files = match files {
        Files::All => prop_oneof![1 => by_name, 2 => by_descriptor].boxed(),
        Files::InMemory => by_descriptor.boxed(),
    };
    let on_memory = prop_oneof![
        10 => (name(MAPPINGS), (source, sharing, protection(), size()).prop_map(request))
            .prop_map(|(m, request)| Operation::Map(m, request)),
        16 => (name(MAPPINGS), place(), length()).prop_map(|(m, a, l)| Operation::Load(m, a, l)),
        20 => (name(MAPPINGS), place(), bytes()).prop_map(|(m, a, b)| Operation::Store(m, a, b)),
        4 => (name(MAPPINGS), range).prop_map(|(m, range)| Operation::Unmap(m, range)),
        3 => (name(MAPPINGS), protection()).prop_map(|(m, p)| Operation::Protect(m, p)),
        3 => (name(MAPPINGS), select(Advice::ALL)).prop_map(|(m, advice)| Operation::Advise(m, advice)),
        1 => name(MAPPINGS).prop_map(Operation::Sync),
    ];
    let on_processes = prop_oneof![
        4 => select(vec!['B', 'C']).prop_filter_map("a letter", Pid::new).prop_map(Operation::Fork),
        3 => Just(Operation::Exit),
        1 => select(vec!['B', 'C', 'A']).prop_filter_map("a letter", Pid::new).prop_map(Operation::Kill),
    ];
    prop_oneof![30 => on_files, 60 => on_memory, 3 => on_processes].boxed()
}

fn request((source, sharing, protection, length): (Source, Sharing, Protection, Amount)) -> Request {
    Request { source, sharing, protection, length }
}

fn name(letters: &'static str) -> impl Strategy<Value = Name> {
    select(letters.split("").filter_map(Name::new).collect::<Vec<_>>())
}

fn amounts(amounts: &[(u32, i32)]) -> impl Strategy<Value = Amount> + use<> {
    select(amounts.iter().map(|(pages, bytes)| Amount { pages: *pages, bytes: *bytes }).collect::<Vec<_>>())
}

fn size() -> impl Strategy<Value = Amount> {
    amounts(&[(1, 0), (2, 0), (0, 1), (0, 10), (1, 1), (2, -1), (2, 1), (3, 0), (3, -7), (0, 0)])
}

fn place() -> impl Strategy<Value = Amount> {
    amounts(&[(0, 0), (1, 0), (0, 1), (1, -1), (1, 1), (2, 0), (2, -1), (0, 9), (0, 10), (2, 1), (3, 0), (3, -7)])
}

fn length() -> impl Strategy<Value = Amount> {
    prop_oneof![8 => amounts(&[(0, 1), (0, 2), (0, 3), (0, 17)]), 1 => amounts(&[(1, 0), (0, 0), (1, 3)])]
}

fn map_offset() -> impl Strategy<Value = Amount> {
    prop_oneof![20 => amounts(&[(0, 0), (0, 0), (1, 0), (2, 0)]), 1 => amounts(&[(0, 1), (1, 7)])]
}

fn bytes() -> impl Strategy<Value = Bytes> {
    let fill = (prop::char::range('a', 'z'), size()).prop_map(|(letter, amount)| Bytes::Fill(letter, amount));
    prop_oneof![9 => "[a-z]{1,3}".prop_map(Bytes::Text), 1 => fill]
}

fn protection() -> impl Strategy<Value = Protection> {
    use Protection::{None, Read, ReadWrite, Write};
    prop_oneof![6 => Just(ReadWrite), 3 => Just(Read), 1 => Just(Write), 1 => Just(None)]
}
