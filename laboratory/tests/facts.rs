//! What differs between file systems: each fact, on all of them that can be had here.

mod common;

use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use common::{asked_for, stages};
use laboratory::facts::{FACTS, Fact, KERNEL};
use laboratory::stage::Stage;
use laboratory::{Kind, table};
use mmap_workbook::text::Language;
use nix::sys::utsname::uname;

/// The stages are set up once. They outlive the tests, and end with this process.
static STAGES: Mutex<Vec<Stage>> = Mutex::new(Vec::new());

/// Plays a fact's scenario on each stage: it has to have an outcome that is known. What differs from the table is this
/// kernel's, and only printed, unless it is the kernel that the table is of.
fn on_each_stage(name: &str) {
    if !asked_for(&Kind::ALL) {
        return;
    }
    let mut all = STAGES.lock().unwrap_or_else(PoisonError::into_inner);
    if all.is_empty() {
        *all = stages(&Kind::ALL);
    }
    let fact = Fact::named(name).expect("a fact of this name");
    let kernel = uname().expect("uname(2)").release().to_string_lossy().into_owned();
    let mut different = Vec::new();
    for stage in all.iter_mut() {
        let outcome = fact.on(stage).unwrap_or_else(|error| panic!("{name}, {}: {error}", stage.kind.name()));
        let expected = fact.seen_on(stage.kind).expect("an outcome for each file system");
        if outcome.name != expected.name {
            let (kind, outcome, expected) = (stage.kind.name(), outcome.name, expected.name);
            different.push(format!("{name}, {kind}: {outcome} on Linux {kernel}, {expected} on Linux {KERNEL}"));
        }
    }
    different.iter().for_each(|line| eprintln!("{line}"));
    assert!(different.is_empty() || !kernel.starts_with(&format!("{KERNEL}.")), "{different:#?}");
}

#[test]
fn a_shared_mapping() {
    on_each_stage("shared");
}

#[test]
fn a_private_mapping_follows_the_file() {
    on_each_stage("private-follows");
}

#[test]
fn a_buffer_whose_end_cannot_be_accessed() {
    on_each_stage("short-buffer");
}

#[test]
fn bytes_past_the_end_when_the_file_grows() {
    on_each_stage("past-the-end");
}

#[test]
fn bytes_past_the_end_when_the_file_grows_while_mapped() {
    on_each_stage("past-the-end-mapped");
}

#[test]
fn bytes_past_the_end_at_msync() {
    on_each_stage("past-the-end-msync");
}

#[test]
fn mtime_at_the_first_store() {
    on_each_stage("mtime-first-store");
}

#[test]
fn mtime_of_a_store_after_a_load() {
    on_each_stage("mtime-after-load");
}

#[test]
fn mtime_of_a_store_after_msync() {
    on_each_stage("mtime-after-sync");
}

#[test]
fn a_page_is_dirty_until() {
    on_each_stage("dirty");
}

#[test]
fn a_mapping_of_the_lower_file_after_copy_up() {
    on_each_stage("copy-up");
}

#[test]
fn a_mapping_of_the_lower_file_after_a_truncation() {
    on_each_stage("truncated");
}

#[test]
fn a_full_disk() {
    on_each_stage("full");
}

#[test]
fn what_is_reserved_on_a_full_disk() {
    on_each_stage("reserved");
}

#[test]
fn the_length_after_a_failed_reservation() {
    on_each_stage("failed-reservation");
}

#[test]
fn the_space_of_a_hole() {
    on_each_stage("hole-space");
}

#[test]
fn a_large_write_to_a_nearly_full_disk() {
    on_each_stage("large-write");
}

#[test]
fn an_overwrite_on_a_full_disk() {
    on_each_stage("overwrite");
}

#[test]
fn a_file_that_vanishes() {
    on_each_stage("cold-page");
}

#[test]
fn a_lock_that_only_a_mapping_keeps() {
    on_each_stage("mapping-lock");
}

#[test]
fn a_second_name() {
    on_each_stage("second-name");
}

#[test]
fn a_name_of_256_bytes() {
    on_each_stage("long-name");
}

#[test]
fn a_zeroed_and_a_collapsed_range() {
    on_each_stage("zeroed-range");
}

#[test]
fn a_file_without_a_name() {
    on_each_stage("no-name");
}

/// What the page of the book shows is the table that these tests compare with the kernel.
#[test]
fn the_book_has_the_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for language in Language::ALL {
        let file = root.join(table::file(language));
        let shown = fs::read_to_string(&file).unwrap_or_default();
        if std::env::var_os("INSTA_UPDATE").is_some_and(|value| value == "always") {
            fs::write(&file, table::seen(language)).expect("a file");
            continue;
        }
        assert_eq!(shown, table::seen(language), "{}: INSTA_UPDATE=always writes it", file.display());
    }
}

#[test]
fn each_fact_has_a_test_and_one_outcome_for_each_file_system() {
    let here = include_str!("facts.rs");
    for fact in FACTS {
        assert!(here.contains(&format!("    on_each_stage(\"{}\");", fact.name)), "{} has no test", fact.name);
        for kind in Kind::ALL {
            assert!(fact.seen_on(kind).is_some(), "{}: nothing for {}", fact.name, kind.name());
        }
    }
}
