//! Compares the model with the kernel: on random scenarios, and with each rule denied in turn.
//!
//! The tests take a few seconds; `cargo run --release -- torture` goes on for as long as one likes.

mod common;

use std::cell::RefCell;
use std::collections::BTreeMap;

use mmap_workbook::kernel::Kernel;
use mmap_workbook::model::{Basis, Collapsing, FileSystem, Guards, Marking, Model, PastTheEnd, Rule, Setting};
use mmap_workbook::play::random::Dice;
use mmap_workbook::play::torture::{self, Comparison};
use mmap_workbook::play::{self, Place, Stage, page_size};
use mmap_workbook::scenario::{Backend, Outcome, Scenario};
use mmap_workbook::text::Language;
use mmap_workbook::ui::Terminal;

fn parsed(text: &str) -> Scenario {
    Scenario::parse(text).unwrap_or_else(|problem| panic!("{problem}"))
}

/// 8,000 operations on each file system; a divergence is shown as a scenario for `workbook play`.
#[test]
fn the_kernel_does_what_the_model_says() {
    for place in Place::at_hand().expect("places") {
        let seed = std::env::var("PROPTEST_RNG_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| u64::from(std::process::id()));
        match torture::torture(place.stage().expect("a stage"), None, 8_000, seed, |_| Ok(())).expect("the kernel can")
        {
            Comparison::Same(count) => assert!(count >= 8_000),
            Comparison::Diverges(scenario, _) => {
                let mut stage = place.stage().expect("a stage");
                let rows = play::both(&scenario, &mut stage).expect("both can");
                let mut table = Vec::new();
                play::print(&mut table, &rows, &stage, false, Language::English).expect("printed");
                panic!("{}, seed {seed}:\n{scenario}\n{}", place.name.en, String::from_utf8_lossy(&table));
            }
        }
    }
}

/// Denies each rule, except those that leave the outcome open, and those that only a power cut shows: no random scenario has
/// them. `model::a_disk_with_any_rule_denied_is_caught` has the latter.
#[test]
fn a_model_with_any_rule_denied_is_caught() {
    let budget = 200_000;
    let mut left: Vec<Rule> =
        Rule::ALL.iter().copied().filter(|rule| rule.basis() != Basis::Varies && !rule.needs_a_cut()).collect();
    let mut caught = BTreeMap::new();
    let places = Place::at_hand().expect("places");
    let mut stages: Vec<_> = places.iter().map(|place| place.stage().expect("a stage")).collect();
    if stages.iter().all(|stage| stage.setting.named.collapsing == Collapsing::Refused) {
        // It is refused before anybody looks at the numbers.
        left.retain(|rule| *rule != Rule::CollapsingTakesWholeBlocks);
    }
    let (mut dice, mut done) = (Dice::new(1), 0);
    for number in (0..stages.len()).cycle() {
        let stage = &mut stages[number];
        if left.is_empty() || done > budget {
            break;
        }
        let scenario = stage.scenario(200, &mut dice);
        let happened = stage.play(&scenario).expect("the kernel can");
        left.retain(|rule| {
            let Ok(predicted) = Model::on(&stage.setting).without(*rule).play(&scenario);
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

/// What random scenarios may not come to in a few thousand operations: each line that claims its outcome gives it, in the
/// model and on the kernel.
#[test]
fn operations_do_what_they_claim() {
    let mut stage = Stage::new().expect("a stage");
    let Setting { named, memory, guards, .. } = stage.setting;
    let begin = "A create f 'f'*2p\nA open d f rw\nA map m d private rw 0 2p\nA map n anon private rw 2p\n";
    let everywhere = [
        "A advise m populate_write 0 1p\nA write d 0 \"w\"\nA write d 1p \"w\"\nA load m 0 1 => \"f\"\nA load m 1p 1 => \"w\"",
        "A map o d private rw 0 1p populate\nA write d 0 \"w\"\nA load o 0 1 => \"f\"\nA load m 0 1 => \"w\"",
        "A truncate d 1p\nA advise m populate_read => EFAULT\nA protect m r\nA advise m populate_write => EINVAL",
        "A unmap m 1p 1p\nA advise m populate_read => ENOMEM\nA advise m willneed => ENOMEM\nA sync m 0 1p => ok",
        "A protect m r 1p 1p\nA store m 0 \"x\" => ok\nA store m 1p \"x\" => SIGSEGV/SEGV_ACCERR at 1p",
        "A store m 0 \"x\"\nA store m 1p \"y\"\nA advise m dontneed 1p 1p\nA load m 0 1 => \"x\"\nA load m 1p 1 => \"f\"",
        "A read_into d 0 n 2p-2 9 => 2\nA load n 2p-2 2 => \"ff\"\nA read_into d 0 n 2p 1 => EFAULT",
        "A store n 0 \"ab\"\nA write_from d 5 n 0 2 => 2\nA read d 5 2 => \"ab\"\nA write_from d 0 n 2p 1 => EFAULT",
        "A remap m 3p => ok\nA load m 2p-1 1 => \"f\"\nA load m 2p 1 => SIGBUS/BUS_ADRERR at 2p",
        "A store m 0 \"x\"\nA remap m 1p => ok\nA load m 0 1 => \"x\"\nA load m 1p 1 => SIGSEGV/SEGV_MAPERR at 1p",
        "A protect m r 1p 1p\nA remap m 3p => EFAULT\nA remap m 0 => EINVAL",
        "A open e f wo append\nA write e 0 \"z\" => 1\nA read d 0 1 => \"f\"\nA read d 2p 1 => \"z\"",
        "A memfd e 1\nA reopen h e ro\nA write h 0 \"x\" => EBADF\nA seal h seal => EPERM\nA seal e seal\nA seal e grow => EPERM",
        "A store m 0 \"x\"\nA move m k => ok\nA load k 0 2 => \"xf\"\nA load m 0 1 => SIGSEGV/SEGV_MAPERR at 0",
        "A store m 0 \"x\"\nA remap n 3p\nA move m n => ok\nA load n 0 2 => \"xf\"\nA load n 2p 1 => 0*1",
        "A duplicate m k => EINVAL\nA unmap m 0 1p\nA move m k => EFAULT",
        "A map_at n 1p d private r 0 1p => ok\nA load n 0 1 => 0*1\nA load n 1p 1 => \"f\"",
        "A map_at n 1p d private r 0 1p noreplace => EEXIST\nA map_at n 2p d private r 0 1p noreplace => ok\nA load n 2p 1 => \"f\"",
        "A map_at n 1 anon private r 1p => EINVAL\nA map_at n 0 anon private r 0 => EINVAL",
        "A lock m 0 1p\nA write d 0 \"w\"\nA write d 1p \"w\"\nA load m 0 1 => \"f\"\nA load m 1p 1 => \"w\"",
        "A lock m 0 1p => ok\nA resident m 0 1 => 1*1\nA advise m dontneed => EINVAL\nA sync m invalidate => EBUSY\nA unlock m\nA advise m dontneed => ok",
        "A lock n 0 1p\nA fork B\nB advise n dontneed => ok\nA remap n 3p => EFAULT",
        "A truncate d 1p\nA lock m => ENOMEM\nA unmap n 1p 1p\nA lock n => ENOMEM\nA resident n => ENOMEM\nA resident n 1 1 => EINVAL",
        "A protect m r\nA lock m 0 1p\nA write d 0 \"v\"\nA protect m rw\nA write d 0 \"w\"\nA load m 0 1 => \"v\"",
        "A resident n => 0*2\nA sync m async => ok",
        "A store n 0 \"s\"\nA advise n free => ok\nA store n 0 \"t\"\nA load n 0 1 => \"t\"\nA advise m free => EINVAL",
        "A advise m remove => EACCES\nA advise n remove => EINVAL\nA advise n dontneed 1 1p => EINVAL",
        "A store n 0 \"s\"\nA store n 1p \"t\"\nA advise n wipeonfork 0 1p\nA fork B\nB load n 0 1 => 0*1\nB load n 1p 1 => \"t\"\nA load n 0 1 => \"s\"",
        "A advise n dontfork 0 1p\nA fork B\nB load n 1p 1 => 0*1\nB load n 0 1 => SIGSEGV/SEGV_MAPERR at 0",
        "A store n 0 code\nA advise m wipeonfork => EINVAL\nA call n 0 => SIGSEGV/SEGV_ACCERR at 0",
        "A store n 0 code\nA protect n rx\nA call n 0 => 7\nA store n 0 \"x\" => SIGSEGV/SEGV_ACCERR at 0",
        "A mtime d => unmoved\nA load m 0 1\nA store m 0 \"x\"\nA mtime d => unmoved\nA write d 0 \"w\"\nA mtime d => moved\nA mtime d => unmoved",
        "A reserve d 1p 2p => ok\nA read d 3p-1 9 => 0*1\nA reserve d 0 0 => EINVAL\nA load m 1p 1 => \"f\"",
        "A memfd e 1\nA seals e => unsealed\nA seal e grow\nA seal e write\nA seals e => sealed grow write",
    ];
    let shared = [
        "A map k d shared rw 0 2p\nA duplicate k j => ok\nA store j 0 \"z\"\nA load k 0 1 => \"z\"\nA read d 0 1 => \"z\"",
        "A map k d shared rw 0 2p\nA advise k remove 0 1p => ok\nA read d 0 1 => 0*1\nA read d 1p 1 => \"f\"",
    ];
    let marking = ["A map k d shared rw 0 2p\nA store k 0 \"x\"\nA mtime d => moved"];
    let zeroes = [
        "A zero d 1 1p+1 => ok\nA read d 0 2 => \"f\" 0*1\nA read d 1p+2 1 => \"f\"\nA zero d 2p 1p => ok\nA read d 2p 9 => 0*9",
    ];
    let collapsing = [
        "A write d 1p \"second\"\nA collapse d 0 1p => ok\nA read d 0 6 => \"second\"\nA collapse d 0 1p => EINVAL\nA collapse d 1 1p => EINVAL",
    ];
    let begin_collapse = "A store m 0 \"x\"\nA store m 1p \"y\"\nA write d 2p \"t\"\nA collapse d 1p 1p\nA load m 0 1 => \"x\"\nA load m 1p 1 => ";
    let [dropped, kept] = ["\"t\"", "\"y\""].map(|byte| format!("{begin_collapse}{byte}"));
    let (dropping, keeping) = ([dropped.as_str()], [kept.as_str()]);
    let guarding = [
        "A store n 0 \"s\"\nA advise n guard_install 0 1p\nA load n 1p 1 => 0*1\nA advise n populate_read => EFAULT\nA advise n guard_remove\nA load n 0 1 => 0*1\nA advise n guard_install\nA load n 1p 1 => SIGSEGV/SEGV_MAPERR at 1p",
        "A advise n guard_install 0 1p\nA advise n wipeonfork\nA fork B\nB load n 0 1 => 0*1\nA load n 0 1 => SIGSEGV/SEGV_MAPERR at 0",
    ];
    let each_page = ["A map k d shared rw 0 2p\nA load k 0 1\nA store k 0 \"x\"\nA mtime d => moved"];
    let in_memory = "A memfd e 2p\nA map k e shared rw 0 2p\nA ";
    let touched = format!("{in_memory}load k 0 1\nA store k 0 \"x\"\nA mtime e => unmoved");
    let stored = format!("{in_memory}store k 0 \"x\"\nA mtime e => moved\nA store k 1 \"x\"\nA mtime e => unmoved");
    let first_touch = [touched.as_str(), stored.as_str()];
    let more: [(bool, &[&str]); 9] = [
        (named.shared_mappings, &shared),
        (named.shared_mappings && named.marking != Marking::Open, &marking),
        (named.zeroes, &zeroes),
        (named.collapsing != Collapsing::Refused, &collapsing),
        (named.shared_mappings && named.marking == Marking::EachPage, &each_page),
        (memory.marking == Marking::FirstTouch, &first_touch),
        (named.collapsing == Collapsing::DropsCopies, &dropping),
        (named.collapsing == Collapsing::KeepsCopies, &keeping),
        (guards != Guards::None, &guarding),
    ];
    for text in everywhere.iter().chain(more.iter().filter(|(holds, _)| *holds).flat_map(|(_, texts)| *texts)) {
        let rows = play::both(&parsed(&format!("{begin}{text}")), &mut stage).expect("both can");
        for row in &rows {
            assert!(row.agrees(), "{text}: model {}, kernel {:?}", row.step.model, row.kernel);
            let claim =
                row.step.line.outcome.as_ref().map(|claim| claim.at(stage.setting.page_size).expect("in bounds"));
            let is_sure = claim.as_ref().is_none_or(|claim| claim.is_open() || !row.step.model.is_open());
            assert!(is_sure, "{text}: {} is left open: {}", row.step.line, row.step.model);
            let kernel = row.kernel.as_ref().expect("it has played");
            assert!(claim.is_none_or(|claim| claim.allows(kernel)), "{}: {kernel}", row.step.line);
        }
    }
}

/// Where the model leaves an outcome open, the kernel gives one of those that it allows.
#[test]
fn what_is_left_open_is_one_of_what_it_says() {
    let mut stage = Stage::new().expect("a stage");
    // In memory nothing is written to a disk, and nothing is left open.
    let is_kept = stage.setting.named.past_the_end == PastTheEnd::Kept;
    let past_the_end = "A create f 10\nA open d f rw\nA map m d shared rw 0 1p\nA store m 20 \"x\"\nA load m 20 1";
    let shared_mappings = stage.setting.named.shared_mappings;
    for text in (!is_kept && shared_mappings).then_some(past_the_end).into_iter().chain([
        "A memfd d 10\nA seal d grow\nA write d 5 \"1234567890\"",
        "A memfd d 1p+5\nA seal d grow\nA write d 0 'x'*2p",
        "A memfd d 10\nA seal d write\nA map m d shared r 0 1p",
        "A create f \"o\"\nA open d f rw\nA map n anon private rw 1p\nA read_into d 1 n 1p 1",
        "A create f 0\nA open d f rw\nA map n anon private rw 1p\nA write_from d 0 n 1p-1 2",
        "A map n anon private rw 2p\nA protect n r 0 1p\nA protect n rw 0 1p\nA remap n 3p",
        "A map n anon private rw 2p\nA protect n r 0 1p\nA move n o",
        "A map n anon private rw 2p\nA store n 0 \"x\"\nA advise n free\nA load n 0 1",
        "A map n anon private rw 2p\nA load n 0 1\nA resident n",
        "A create f 1\nA open d f rw\nA reserve d 0 1\nA mtime d",
    ]) {
        let scenario = parsed(text);
        let rows = play::both(&scenario, &mut stage).expect("both can");
        let last = rows.last().expect("a line");
        assert!(last.step.model.is_open() && last.step.rule.basis() == Basis::Varies, "{text}: {}", last.step.model);
        assert!(rows.iter().all(play::Row::agrees), "{text}: model {}, kernel {:?}", last.step.model, last.kernel);
    }
}

/// The stage finds out what its kernel does: what the model says follows from that, and not from the name.
#[test]
fn what_is_stored_past_the_end_becomes_what_the_stage_found_out() {
    for place in Place::at_hand().expect("places") {
        let mut stage = place.stage().expect("a stage");
        for (begin, FileSystem { past_the_end, shared_mappings, .. }) in
            [("A create f 10\nA open d f rw\n", stage.setting.named), ("A memfd d 10\n", stage.setting.memory)]
        {
            if !shared_mappings {
                continue;
            }
            for grow in ["A truncate d 30", "A write d 29 \"w\"", "A unmap m\nA truncate d 1p+1"] {
                let text = format!("{begin}A map m d shared rw 0 1p\nA store m 20 \"SECRET\"\n{grow}\nA read d 20 6");
                let rows = play::both(&parsed(&text), &mut stage).expect("both can");
                let kernel = rows.last().and_then(|row| row.kernel.as_ref()).expect("a line").to_string();
                match past_the_end {
                    PastTheEnd::Kept => assert_eq!(kernel, "\"SECRET\"", "{}: {text}", place.name.en),
                    PastTheEnd::Zeroed => assert_eq!(kernel, "0*6", "{}: {text}", place.name.en),
                    PastTheEnd::Open => {}
                }
                assert!(rows.iter().all(play::Row::agrees), "{}: {text}", place.name.en);
            }
        }
    }
}

/// A model of another file system is contradicted: what a stage finds out matters.
#[test]
fn a_stage_that_is_taken_for_another_is_caught() {
    let mut stage = Stage::new().expect("a stage");
    let Setting { named, .. } = stage.setting;
    let past_the_end = match named.past_the_end {
        PastTheEnd::Kept => PastTheEnd::Zeroed,
        PastTheEnd::Zeroed | PastTheEnd::Open => PastTheEnd::Kept,
    };
    let refuses_seals_with = if named.refuses_seals_with == "EINVAL" { "EPERM" } else { "EINVAL" };
    for wrong in [
        FileSystem { past_the_end, ..named },
        FileSystem { shared_mappings: !named.shared_mappings, ..named },
        FileSystem { refuses_seals_with, ..named },
    ] {
        let (model, mut dice) = (Model::on(&Setting { named: wrong, ..stage.setting }), Dice::new(1));
        let caught = (0..500).any(|_| {
            let scenario = stage.scenario(200, &mut dice);
            play::first_divergence(&scenario, &model, &mut stage).expect("the kernel can").is_some()
        });
        assert!(caught, "{wrong:?} in place of {named:?}");
    }
}

/// The name of a mapping that is unmapped stays known until another mapping takes it. No other is where it was.
#[test]
fn a_mapping_can_be_used_after_it_was_unmapped() {
    let text = "A map m anon private rw 2p\nA map n anon shared rw 1p\nA unmap m => ok\nA unmap m => ok\n\
                A protect m r => ENOMEM\nA advise m dontneed => ENOMEM\nA sync m => ENOMEM\n\
                A map o anon private rw 1p\nA fork B\nB load m 0 1 => SIGSEGV/SEGV_MAPERR at 0\nA fork B\n\
                B store m 1p-1 \"x\" => SIGSEGV/SEGV_MAPERR at 1p-1\nA map m anon private rw 1p => ok\nA load m 0 1 => 0*1";
    let scenario = parsed(text);
    let rows = play::both(&scenario, &mut Stage::new().expect("a stage")).expect("both can");
    for row in &rows {
        assert!(row.agrees(), "{}: model {}, kernel {:?}", row.step.line, row.step.model, row.kernel);
    }
    let mut model = Model::new(page_size().expect("a page"));
    scenario.0[..3].iter().for_each(|line| drop(model.step(line.process, &line.operation)));
    assert_eq!(model.state().processes[0].mappings.len(), 1, "the trace shows only what is mapped");
}

#[test]
fn every_outcome_has_its_reason() {
    let seen = RefCell::new(std::collections::BTreeSet::new());
    let mut dice = Dice::new(2);
    for place in Place::at_hand().expect("places") {
        let stage = place.stage().expect("a stage");
        for _ in 0..100 {
            let scenario = stage.scenario(200, &mut dice);
            let mut model = Model::on(&stage.setting);
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
    let never: Vec<_> = Rule::ALL.iter().filter(|rule| !seen.borrow().contains(rule) && !rule.needs_a_cut()).collect();
    assert!(never.len() <= 16, "rules that never explain anything: {never:?}");
}

/// A divergence shrinks to something that a person can read: here of a model in which close(2) unmaps.
#[test]
fn a_divergence_shrinks_to_a_few_lines() {
    let wrong = Some(Rule::MappingsOutliveDescriptors);
    let place = &Place::at_hand().expect("places")[..1];
    let mut out = Vec::new();
    assert!(
        !torture::run(&mut Terminal::new(&mut out, Language::English, usize::MAX), place, wrong, 10_000, 1)
            .expect("the kernel can"),
        "a divergence is a failure"
    );
    let text = String::from_utf8(out).expect("text");
    let mut parts = text.split("\n\n");
    let (head, found) = (parts.next().expect("a head"), parts.next().expect("a scenario"));
    assert!(head.starts_with(&*place[0].name.en) && head.ends_with(" (seed 1); for `workbook play`:"), "{head}");
    assert!((4..=6).contains(&parsed(found).0.len()) && found.contains(" close "), "{found}");
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
