//! Compares the model with the kernel: on random scenarios, and with each rule denied in turn.
//!
//! The tests take a few seconds; `cargo run --release -- torture` goes on for as long as one likes.

mod common;

use std::cell::RefCell;
use std::collections::BTreeMap;

use mmap_workbook::kernel::Kernel;
use mmap_workbook::model::{Basis, Model, Rule};
use mmap_workbook::play::random::Dice;
use mmap_workbook::play::torture::{self, Comparison, FileSystem};
use mmap_workbook::play::{self, page_size};
use mmap_workbook::scenario::{Backend, Outcome, Scenario};
use mmap_workbook::text::Language;
use mmap_workbook::ui::Terminal;

fn parsed(text: &str) -> Scenario {
    Scenario::parse(text).unwrap_or_else(|problem| panic!("{problem}"))
}

/// 8,000 operations on each file system; a divergence is shown as a scenario for `workbook play`.
#[test]
fn the_kernel_does_what_the_model_says() {
    let page = page_size().expect("a page");
    for file_system in FileSystem::at_hand().expect("file systems") {
        let seed = std::env::var("PROPTEST_RNG_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| u64::from(std::process::id()));
        match torture::torture(&file_system, &Model::new(page), 8_000, seed, |_| Ok(())).expect("the kernel can") {
            Comparison::Same(count) => assert!(count >= 8_000),
            Comparison::Diverges(scenario, _) => {
                let rows = play::both(&scenario, &mut file_system.kernel().expect("a kernel")).expect("both can");
                let mut table = Vec::new();
                play::print(&mut table, &rows, false, mmap_workbook::text::Language::English).expect("printed");
                panic!("{}, seed {seed}:\n{scenario}\n{}", file_system.name.en, String::from_utf8_lossy(&table));
            }
        }
    }
}

/// Denies each rule, except those that leave the outcome open: no random scenario has them.
#[test]
fn a_model_with_any_rule_denied_is_caught() {
    let (page, budget) = (page_size().expect("a page"), 100_000);
    let mut left: Vec<Rule> = Rule::ALL.iter().copied().filter(|rule| rule.basis() != Basis::Varies).collect();
    let mut caught = BTreeMap::new();
    let file_systems = FileSystem::at_hand().expect("file systems");
    let (first, memory) = (&file_systems[0], &file_systems[file_systems.len() - 1]);
    let (mut kernel, mut dice, mut done) = (first.kernel().expect("a kernel"), Dice::new(1), 0);
    for file_system in [first, memory].into_iter().cycle() {
        if left.is_empty() || done > budget {
            break;
        }
        let scenario = file_system.scenario(200, &mut dice);
        let happened = kernel.play(&scenario).expect("the kernel can");
        left.retain(|rule| {
            let Ok(predicted) = Model::denying(page, *rule).play(&scenario);
            let place = predicted.iter().zip(&happened).position(|(predicted, happened)| !predicted.allows(happened));
            place.is_none_or(|place| caught.insert(*rule, done + place + 1).is_some())
        });
        done += scenario.0.len();
    }
    let mut counts: Vec<_> = caught.iter().map(|(rule, count)| (*count, *rule)).collect();
    counts.sort_unstable();
    println!("operations until each was caught: {counts:?}");
    assert!(
        left.is_empty(),
        "not caught in {done} operations: {left:?}: the model has to ask `applies` and to do something else where the \
         rule is denied, and src/play/random.rs has to draw lines in which that shows"
    );
    assert!(caught.len() >= 50 && counts.last().is_some_and(|(count, _)| *count <= budget));
}

/// Where the model leaves an outcome open, the kernel gives one of those that it allows.
#[test]
fn what_is_left_open_is_one_of_what_it_says() {
    let mut kernel = Kernel::new().expect("a kernel");
    for text in [
        "A create f 10\nA open d f rw\nA map m d shared rw 0 1p\nA store m 20 \"x\"\nA truncate d 30\nA read d 20 1",
        "A create f 10\nA open d f rw\nA seal d write",
        "A memfd d 10\nA seal d grow\nA write d 5 \"1234567890\"",
        "A memfd d 10\nA seal d write\nA map m d shared r 0 1p",
    ] {
        let scenario = parsed(text);
        let rows = play::both(&scenario, &mut kernel).expect("both can");
        let last = rows.last().expect("a line");
        assert!(last.model.is_open() && last.rule.basis() == Basis::Varies, "{text}: {}", last.model);
        assert!(rows.iter().all(play::Row::agrees), "{text}: model {}, kernel {}", last.model, last.kernel);
    }
}

#[test]
fn every_outcome_has_its_reason() {
    let page = page_size().expect("a page");
    let seen = RefCell::new(std::collections::BTreeSet::new());
    let mut dice = Dice::new(2);
    for file_system in FileSystem::at_hand().expect("file systems") {
        for _ in 0..60 {
            let scenario = file_system.scenario(200, &mut dice);
            let mut model = Model::new(page);
            for line in &scenario.0 {
                let (outcome, rule) = model.step(line.process, &line.operation);
                let named = rule != Rule::NotApplicable;
                assert!(named, "{line}: {outcome}, and no rule: call `applies` or `because`\n{scenario}");
                let is_told = !outcome.is_open() || rule.basis() == Basis::Varies;
                assert!(is_told, "{line}: {outcome} is left open, by {rule:?}, which leaves nothing open\n{scenario}");
                seen.borrow_mut().insert(rule);
            }
        }
    }
    // Some rules never explain an outcome by themselves, and some need scenarios that aren't drawn.
    let never: Vec<_> = Rule::ALL.iter().filter(|rule| !seen.borrow().contains(rule)).collect();
    assert!(never.len() <= 12, "rules that never explain anything: {never:?}");
}

/// A divergence shrinks to something that a person can read: here of a model in which close(2) unmaps.
#[test]
fn a_divergence_shrinks_to_a_few_lines() {
    let wrong = Model::denying(page_size().expect("a page"), Rule::MappingsOutliveDescriptors);
    let file_system = &FileSystem::at_hand().expect("file systems")[..1];
    let mut out = Vec::new();
    assert!(
        !torture::run(&mut Terminal::new(&mut out, Language::English, usize::MAX), file_system, &wrong, 10_000, 3)
            .expect("the kernel can"),
        "a divergence is a failure"
    );
    let text = String::from_utf8(out).expect("text");
    let mut parts = text.split("\n\n");
    let (head, found) = (parts.next().expect("a head"), parts.next().expect("a scenario"));
    assert!(head.starts_with(&*file_system[0].name.en) && head.ends_with(" (seed 3); for `workbook play`:"), "{head}");
    assert!((4..=5).contains(&parsed(found).0.len()) && found.contains(" close "), "{found}");
}

#[test]
fn the_kernel_reports_what_it_cannot_play() {
    let mut kernel = Kernel::new().expect("a kernel");
    let scenario = parsed("B exit\nA load m 0 1\nA close d\nA kill A\nA fork A\nA exit\nA exit");
    let outcomes = kernel.play(&scenario).expect("the kernel can");
    let expected = [0, 1, 2, 3, 4, 6].map(|n| (n, Outcome::NotApplicable));
    assert!(expected.iter().all(|(n, outcome)| outcomes[*n] == *outcome), "{outcomes:?}");
    assert_eq!(outcomes[5], Outcome::Done);
    let Ok(predicted) = Model::new(page_size().expect("a page")).play(&scenario);
    assert_eq!(predicted, outcomes);
}

#[test]
fn no_file_and_no_process_remains() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut kernel = Kernel::in_dir(directory.path()).expect("a kernel");
    let scenario = parsed("A create f \"abc\"\nA rename f g\nA create f 1p\nA fork B\nB fork C\nA exit");
    kernel.play(&scenario).expect("the kernel can");
    let inside = std::fs::read_dir(directory.path()).expect("read").next().expect("its directory").expect("an entry");
    assert_eq!(std::fs::read_dir(inside.path()).expect("read").count(), 0, "files of a scenario that is over");
    drop(kernel);
    assert_eq!(std::fs::read_dir(directory.path()).expect("read").count(), 0);
    assert!(!mmap_workbook::process::has_children().expect("asked"));
}
