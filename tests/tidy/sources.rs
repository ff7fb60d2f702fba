//! Rules for every source, and for the files that go with one.

use super::{Findings, files, names, read};

#[test]
fn nothing_assumes_a_page_size_or_sleeps() {
    let mut wrong = Findings::default();
    let sleep = ["thread::", "sleep"].concat();
    let page = ["40", "96"].concat();
    for path in files(&["lessons", "src", "tests"], &[".rs"]) {
        for (n, line) in (1..).zip(read(&path).lines()) {
            let code = line.split("//").next().unwrap_or_default();
            let place = format!("{}:{n}", path.display());
            wrong.unless(!code.contains(&page), &place, "a page size is written down", "ask observe::page_size()");
            wrong.unless(!code.contains(&sleep), &place, "it sleeps", "wait for an event: a Peer, a pidfd, poll(2)");
        }
    }
    wrong.report();
}

/// What a check leaves out and only prints counts as passed.
#[test]
fn a_check_prints_nothing() {
    let mut wrong = Findings::default();
    for path in files(&["lessons"], &[".rs"]).into_iter().filter(|path| path.iter().any(|part| part == "checks")) {
        for (n, line) in (1..).zip(read(&path).lines()) {
            let place = format!("{}:{n}", path.display());
            let repair = "what it can't do on this machine is `Err(Failure::skipped(...))`";
            wrong.unless(!line.contains("println!"), &place, "a check prints", repair);
        }
    }
    wrong.report();
}

#[test]
fn each_snapshot_belongs_to_a_test() {
    let mut wrong = Findings::default();
    for name in names("tests/snapshots") {
        let place = format!("tests/snapshots/{name}");
        match name.strip_suffix(".snap").and_then(|name| name.split_once("__")) {
            None => wrong.add(place, "it is no accepted snapshot", "accept it (`mv X.snap.new X.snap`) or remove it"),
            Some((file, test)) => {
                let tests = read(format!("tests/{file}.rs"));
                // One for each language, by the name that the test gives it.
                let named = test.strip_prefix("demonstration_").is_some_and(|code| ["en", "zh"].contains(&code))
                    && tests.contains("format!(\"demonstration_{}\", language.code())");
                let there = named || tests.contains(&format!("fn {test}()"));
                let test = format!("tests/{file}.rs has no test {test}");
                wrong.unless(there, place, test, "name it after its test, or remove it");
            }
        }
    }
    wrong.report();
}

/// Code without the standard library and without unsafe blocks makes no system call. So cargo compiles the two like
/// that, as an example, whenever it compiles the tests; this checks that it still does.
#[test]
fn the_model_and_the_language_are_compiled_by_themselves() {
    let mut wrong = Findings::default();
    let place = "tests/alone/rules.rs";
    let alone = read(place);
    let mut has = |line: &str| {
        let there = alone.lines().any(|other| other == line);
        wrong.unless(there, place, format!("the line `{line}` is missing"), "add it");
    };
    has("#![no_std]");
    has("#![forbid(unsafe_code)]");
    for module in ["model", "scenario"] {
        has(&format!("#[path = \"../../src/{module}/mod.rs\"]"));
        has(&format!("pub mod {module};"));
    }
    wrong.unless(!alone.contains("extern crate std"), place, "it uses the standard library", "use core and alloc");
    let example = "path = \"tests/alone/rules.rs\"\ncrate-type = [\"lib\"]\n";
    let there = read("Cargo.toml").contains(example);
    wrong.unless(there, "Cargo.toml", "the example `rules` is missing", format!("an [[example]] with {example:?}"));
    wrong.report();
}
