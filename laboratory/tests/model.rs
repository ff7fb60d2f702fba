//! The model against the kernel, on each file system that can be had here.

mod common;

use common::{asked_for, stages};
use laboratory::Kind;
use mmap_workbook::play::Place;
use mmap_workbook::play::torture::{Comparison, torture};

/// `cargo run --release -p laboratory -- torture --ops N` plays more of them.
#[test]
fn random_scenarios_give_what_the_model_says() {
    let kinds = Kind::modelled();
    if !asked_for(&kinds) {
        return;
    }
    for stage in stages(&kinds) {
        let place = Place::of_directory(&stage.path).expect("statfs(2)");
        let asked = place.stage().expect("a kernel");
        for difference in &asked.differences {
            eprintln!("{}: {}", stage.kind.name(), difference.en);
        }
        match torture(asked, None, 2000, 1, |_| Ok(())).expect("a kernel") {
            Comparison::Same(done) => assert!(done >= 2000),
            Comparison::Diverges(scenario, _) => panic!("on {}:\n{scenario}", stage.kind.name()),
        }
    }
}
