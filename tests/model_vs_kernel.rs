//! The model held against the kernel.

use mmap_workbook::model::Model;
use mmap_workbook::observe::page_size;
use mmap_workbook::scenario::random::{self, Files};
use mmap_workbook::scenario::{Kernel, World};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

fn check(files: Files, kernel: &mut Kernel, cases: u32, lines: usize) -> u64 {
    let page = u32::try_from(page_size()).expect("a page size");
    let (count, kernel) = (std::cell::Cell::new(0), std::cell::RefCell::new(kernel));
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let result = TestRunner::new(config).run(&random::scenario(files, lines), |scenario| {
        let predicted = Model::new(page).play(&scenario).expect("the model always can");
        let happened = kernel.borrow_mut().play(&scenario).expect("the kernel can");
        count.set(count.get() + scenario.0.len() as u64);
        for ((line, predicted), happened) in scenario.0.iter().zip(predicted).zip(happened) {
            prop_assert!(predicted.allows(&happened), "{line}\n model {predicted}\nkernel {happened}\n{scenario}");
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{}", error.to_string().chars().take(3000).collect::<String>());
    }
    count.get()
}

#[test]
fn random_scenarios() {
    let mut kernel = Kernel::new().expect("a kernel");
    let start = std::time::Instant::now();
    let count = check(Files::All, &mut kernel, 300, 200);
    println!("{count} in {:?}", start.elapsed());
}
