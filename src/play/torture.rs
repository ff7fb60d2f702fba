//! Plays random scenarios for as long as one likes, on every file system at hand.

use std::cell::RefCell;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use super::random::{self, Dice};
use super::{Place, Stage, first_divergence};
use crate::model::{Model, Rule};
use crate::scenario::Scenario;
use crate::text;
use crate::text::Text;
use crate::ui::Terminal;

/// The most lines that are drawn for a scenario. Longer ones take long to shrink.
const LINES: usize = 200;

/// What comparing the model with the kernel found.
#[derive(Debug)]
pub enum Comparison {
    /// No divergence in this number of operations.
    Same(u64),
    /// A shrunk scenario in which they diverge, and the number of operations before it in which they did not.
    Diverges(Box<Scenario>, u64),
}

/// Plays random scenarios on the kernel and on the model, perhaps without a rule, until `operations` are done, and now and
/// then tells `progress` how many are.
///
/// # Errors
/// Those of playing them, and those of `progress`.
pub fn torture(
    stage: Stage,
    denied: Option<Rule>,
    operations: u64,
    seed: u64,
    mut progress: impl FnMut(u64) -> io::Result<()>,
) -> io::Result<Comparison> {
    let model = Model::on(&stage.setting);
    let model = denied.map_or(model.clone(), |rule| model.without(rule));
    let stage = RefCell::new(stage);
    let compare = |scenario: &Scenario| first_divergence(scenario, &model, &mut stage.borrow_mut());
    let diverges = |scenario: &Scenario| {
        super::check(scenario, &mut stage.borrow_mut()).is_ok() && compare(scenario).is_ok_and(|line| line.is_some())
    };
    let (mut dice, mut done, mut told) = (Dice::new(seed), 0, Instant::now());
    while done < operations {
        let mut scenario = stage.borrow().scenario(LINES, &mut dice);
        if let Some(line) = compare(&scenario)? {
            scenario.0.truncate(line + 1);
            return Ok(Comparison::Diverges(Box::new(random::shrunk(scenario, diverges)), done));
        }
        done += scenario.0.len() as u64;
        if told.elapsed() > Duration::from_millis(200) {
            progress(done)?;
            told = Instant::now();
        }
    }
    progress(done)?;
    Ok(Comparison::Same(done))
}

/// Compares in each place, and prints a line for each; a progress bar on standard error, if that is a
/// terminal. Returns true if there was no divergence.
///
/// # Errors
/// As [`torture`], and those of writing.
pub fn run(
    terminal: &mut Terminal,
    places: &[Place],
    denied: Option<Rule>,
    operations: u64,
    seed: u64,
) -> io::Result<bool> {
    let (bar, language) = (io::stderr().is_terminal(), terminal.language());
    let mut same = true;
    for place in places {
        let start = Instant::now();
        let stage = place.stage()?;
        stage.differences.iter().try_for_each(|difference| terminal.say(difference))?;
        let comparison = torture(stage, denied, operations, seed, |done| {
            if !bar {
                return Ok(());
            }
            let parts = usize::try_from(done.min(operations) * 30 / operations.max(1)).unwrap_or(30);
            let rate = per_second(done, start.elapsed());
            let (hashes, dashes) = ("#".repeat(parts), "-".repeat(30 - parts));
            let text = text!(
                "[{hashes}{dashes}] {done} of {operations}, {rate}/s",
                "[{hashes}{dashes}] {done}/{operations}，每秒 {rate} 次"
            );
            let mut stderr = io::stderr();
            write!(stderr, "\r{:9} {} ", place.name.in_language(language), text.in_language(language))?;
            stderr.flush()
        })?;
        if bar {
            eprint!("\r\x1b[K");
        }
        let Text { en, zh } = &place.name;
        match comparison {
            Comparison::Same(done) => {
                let (rate, seconds) = (per_second(done, start.elapsed()), start.elapsed().as_secs());
                terminal.say(&text!(
                    "{en}: {done} operations, no divergence (seed {seed}, {seconds} s, {rate} a second)",
                    "{zh}：{done} 次操作，没有分歧（种子 {seed}，{seconds} 秒，每秒 {rate} 次）"
                ))?;
            }
            Comparison::Diverges(scenario, done) => {
                same = false;
                terminal.say(&text!(
                    "{en}: a divergence after {done} operations (seed {seed}); for `workbook play`:",
                    "{zh}：{done} 次操作之后出现分歧（种子 {seed}）；可用 `workbook play` 重放："
                ))?;
                writeln!(terminal.out(), "\n{scenario}")?;
                let mut stage = place.stage()?;
                let rows = super::both(&scenario, &mut stage)?;
                super::print(terminal.out(), &rows, &stage, false, language)?;
            }
        }
        terminal.out().flush()?;
    }
    Ok(same)
}

fn per_second(done: u64, elapsed: Duration) -> u64 {
    done * 1000 / u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1)
}
