//! How many operations a second the model performs, and the kernel: `cargo bench --bench model`.

use std::hint::black_box;
use std::time::Instant;

use mmap_workbook::model::Model;
use mmap_workbook::play::Place;
use mmap_workbook::play::random::Dice;
use mmap_workbook::scenario::{Backend, Scenario};

fn main() {
    for place in Place::at_hand().expect("places") {
        let (mut stage, mut dice) = (place.stage().expect("a stage"), Dice::new(1));
        let scenarios: Vec<Scenario> = (0..200).map(|_| stage.scenario(1000, &mut dice)).collect();
        let lines: usize = scenarios.iter().map(|scenario| scenario.0.len()).sum();
        let rate = |seconds: f64, times: u32| {
            let lines = u32::try_from(lines).expect("few enough");
            (f64::from(lines * times) / seconds).round()
        };
        let start = Instant::now();
        for scenario in scenarios.iter().cycle().take(10 * scenarios.len()) {
            let _ = black_box(Model::on(&stage.setting).play(scenario));
        }
        let model = rate(start.elapsed().as_secs_f64(), 10);
        let start = Instant::now();
        for scenario in &scenarios {
            black_box(stage.play(scenario).expect("the kernel can"));
        }
        let kernel = rate(start.elapsed().as_secs_f64(), 1);
        println!("{:9} {lines} operations: model {model}/s, kernel {kernel}/s", place.name.en);
    }
}
