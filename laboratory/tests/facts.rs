//! What differs between file systems: each fact, on all of them that can be had here.

mod common;

use std::sync::{Mutex, PoisonError};

use common::{asked_for, stages};
use laboratory::Kind;
use laboratory::facts::{FACTS, Fact, KERNEL};
use laboratory::stage::Stage;
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

macro_rules! tests {
    ($($test:ident $name:literal)*) => {
        $(#[test]
        fn $test() {
            on_each_stage($name);
        })*

        #[test]
        fn each_fact_has_a_test_and_one_outcome_for_each_file_system() {
            let tested = [$($name),*];
            let names: Vec<_> = FACTS.iter().map(|fact| fact.name).collect();
            assert_eq!(tested.as_slice(), names);
            for fact in FACTS {
                for kind in Kind::ALL {
                    assert!(fact.seen_on(kind).is_some(), "{}: nothing for {}", fact.name, kind.name());
                }
            }
        }
    };
}

tests! {
    a_shared_mapping "shared"
    a_private_mapping_follows_the_file "private-follows"
    bytes_past_the_end_when_the_file_grows "past-the-end"
    bytes_past_the_end_at_msync "past-the-end-msync"
    mtime_at_the_first_store "mtime-first-store"
    mtime_of_a_store_after_a_load "mtime-after-load"
    mtime_of_a_store_after_msync "mtime-after-sync"
    a_page_is_dirty_until "dirty"
    a_mapping_of_the_lower_file_after_copy_up "copy-up"
    a_mapping_of_the_lower_file_after_a_truncation "truncated"
    a_full_disk "full"
    a_file_that_vanishes "cold-page"
    a_second_name "second-name"
    a_file_without_a_name "no-name"
}
