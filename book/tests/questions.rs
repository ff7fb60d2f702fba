//! The questions, examples and assertions that are scenarios: the kernel gives what they say.

use book::assertions;
use book::evidence::PAGE_SIZE;
use book::question::of_page;
use book::sources::Sources;
use mmap_workbook::course::listed;
use mmap_workbook::kernel::Kernel;
use mmap_workbook::model::Setting;
use mmap_workbook::play::{Source, Stage, both};
use mmap_workbook::scenario::{Backend, Scenario};
use mmap_workbook::trace::Tracer;

#[test]
fn the_kernel_gives_the_key_of_each_question_that_is_a_scenario() {
    let (sources, mut kernel, mut count) = (Sources::of_program(), Kernel::new().expect("a kernel"), 0);
    for lesson in listed() {
        for question in of_page(&sources, &lesson.directory()).unwrap_or_else(|mistake| panic!("{mistake}")) {
            let letters = ["`A`", "`B`", "`C`", "`D`"];
            let unclear =
                question.options.iter().find(|option| letters.iter().any(|it| option.text.en.starts_with(it)));
            assert!(unclear.is_none(), "{}: an option reads \"A. B\": use other bytes", question.id);
            let Some(scenario) = question.as_scenario().expect("a scenario") else { continue };
            let happened = kernel.play(&scenario).expect("the kernel can").pop().expect("a line").to_string();
            for option in &question.options {
                let Some(gives) = &option.gives else { continue };
                assert_eq!(*gives == happened, option.right, "{}: the kernel gives {happened}", question.id);
            }
            count += 1;
        }
    }
    assert!(count >= 15, "only {count} of the questions are scenarios");
}

/// The pages show what the model gives. Here the kernel gives the same.
#[test]
fn the_kernel_does_what_the_pages_show() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut stage = Stage::new().expect("a stage");
    for entry in std::fs::read_dir(directory).expect("scenarios") {
        let path = entry.expect("an entry").path();
        let source = Source::read(&path).expect("it can be read");
        let rows = both(source.scenario().expect("a scenario"), &mut stage).expect("both can");
        for row in rows {
            // After a power cut there is no kernel, and much is left open.
            let is_plain = row.kernel.is_none() || !row.step.model.is_open();
            assert!(row.agrees() && is_plain, "{}: {}", path.display(), row.step.line);
        }
    }
}

/// What the simulator asks can be answered wrongly, and each wrong answer is what a misconception expects.
#[test]
fn each_line_that_asks_has_wrong_answers_that_are_beliefs() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut asked = 0;
    for entry in std::fs::read_dir(directory).expect("scenarios") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("a text");
        let mut tracer = Tracer::on(&Setting::new(PAGE_SIZE));
        for line in Scenario::parse(&text).expect("a scenario").0 {
            let step = tracer.step(&line, None);
            let wrong: Vec<_> = step.options.iter().filter(|(outcome, _)| *outcome != step.model).collect();
            let beliefs = wrong.iter().all(|(_, denials)| !denials.is_empty());
            assert!(!line.asked || !wrong.is_empty() && beliefs, "{}: {line}", path.display());
            asked += usize::from(line.asked);
        }
    }
    assert!(asked > 10);
}

#[test]
fn the_kernel_shows_each_assertion_that_has_a_scenario() {
    let mut stage = Stage::new().expect("a stage");
    let all = assertions::assertions(&Sources::of_program()).unwrap_or_else(|mistake| panic!("{mistake}"));
    for assertion in &all {
        let Some(text) = &assertion.scenario else { continue };
        let scenario = assertions::claimed(text).unwrap_or_else(|what| panic!("{}: {what}", assertion.of));
        for row in both(&scenario, &mut stage).expect("both can") {
            assert!(row.agrees(), "{}: {}: the kernel gives {:?}", assertion.of, row.step.line, row.kernel);
        }
    }
    // The Open POSIX Test Suite has 32 assertions of mmap and 10 of munmap. Each of them is here once.
    for (of, count) in [("mmap", 32), ("munmap", 10)] {
        let numbers: Vec<_> = all.iter().filter_map(|a| a.of.strip_prefix(of)?.strip_prefix(' ')).collect();
        assert_eq!(numbers, (1..=count).map(|n| n.to_string()).collect::<Vec<_>>(), "{of}");
    }
    let [scenarios, tests, open] = assertions::counts(&all);
    assert_eq!(scenarios + tests + open, all.len(), "each is shown in one way, or says why not");
}
