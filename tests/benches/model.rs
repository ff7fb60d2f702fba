//! How many operations a second the model performs, and the kernel: `cargo bench --bench model`.

use std::hint::black_box;
use std::time::Instant;

use mmap_workbook::model::Model;
use mmap_workbook::play::page_size;
use mmap_workbook::play::random::Dice;
use mmap_workbook::play::torture::FileSystem;
use mmap_workbook::scenario::{Backend, Scenario};

fn main() {
    let page_size = page_size().expect("a page");
    for file_system in FileSystem::at_hand().expect("file systems") {
        let mut dice = Dice::new(1);
        let scenarios: Vec<Scenario> = (0..200).map(|_| file_system.scenario(1000, &mut dice)).collect();
        let lines: usize = scenarios.iter().map(|scenario| scenario.0.len()).sum();
        let rate = |seconds: f64, times: u32| {
            let lines = u32::try_from(lines).expect("few enough");
            (f64::from(lines * times) / seconds).round()
        };
        let start = Instant::now();
        for scenario in scenarios.iter().cycle().take(10 * scenarios.len()) {
            let _ = black_box(Model::new(page_size).play(scenario));
        }
        let model = rate(start.elapsed().as_secs_f64(), 10);
        let mut kernel = file_system.kernel().expect("a kernel");
        let start = Instant::now();
        for scenario in &scenarios {
            black_box(kernel.play(scenario).expect("the kernel can"));
        }
        let kernel = rate(start.elapsed().as_secs_f64(), 1);
        println!("{:9} {lines} operations: model {model}/s, kernel {kernel}/s", file_system.name.en);
    }
}
