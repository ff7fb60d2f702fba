//! The model against the kernel, on each file system that can be had here.

mod common;

use common::{asked_for, stages};
use laboratory::Kind;
use mmap_workbook::model::Model;
use mmap_workbook::play::page_size;
use mmap_workbook::play::torture::{Comparison, FileSystem, torture};

/// `cargo run --release -p laboratory -- torture --ops N` plays more of them.
#[test]
fn random_scenarios_give_what_the_model_says() {
    // The model knows of no file system without shared mappings.
    let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| *kind != Kind::FuseDirect).collect();
    if !asked_for(&kinds) {
        return;
    }
    let model = Model::new(page_size().expect("a page size"));
    for stage in stages(&kinds) {
        let file_system = FileSystem::of_directory(&stage.path).expect("statfs(2)");
        match torture(&file_system, &model, 2000, 1, |_| Ok(())).expect("a kernel") {
            Comparison::Same(done) => assert!(done >= 2000),
            Comparison::Diverges(scenario, _) => panic!("on {}:\n{scenario}", stage.kind.name()),
        }
    }
}
