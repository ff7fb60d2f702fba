//! The shortest scenario that shows a misconception wrong, found by trying all of them.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::model::{Model, Rule};
use crate::scenario::{Line, Outcome, Scenario};

/// The lines that scenarios are made of: one of each kind that could matter, with numbers around one page.
const ALPHABET: &str = "
A create f \"a\"
A create g \"b\"
A open d f rw
A open d f ro
A open d f wo
A open e f rw trunc
A memfd d 1p
A close d
A write d 0 \"w\"
A truncate d 0
A truncate d 2p
A reserve d 0 2p
A rename g f
A unlink f
A seal d shrink
A seal d future_write
A map m d shared rw 0 1p
A map m d private rw 0 1p
A map m d shared r 0 1p
A map m d private rw 0 2p
A map m d shared rw 0 1
A map m d shared rw 1 1p
A map m anon private rw 1p
A map m anon shared rw 1p
A load m 0 1
A load m 1 1
A store m 0 \"x\"
A store m 1 \"y\"
A map_at m 0 anon private rw 1p
A move m n
A remap m 2p
A unmap m
A unmap m 0 1p
A protect m rw
A advise m dontneed
A sync m
A read d 0 2
A fork B
B store m 0 \"x\"
B load m 0 1
A kill B
A load m 1p 1
A lock m
A mtime d
";

/// Small, so that pages are copied fast; the scenarios count in pages, and mean pages of any size.
const PAGE_SIZE: u32 = 4;

/// The shortest scenario, of at most `most` lines, whose last line tells the model from the model that denies `rule`.
/// Of several the first, in the order of the lines that scenarios are made of.
pub fn shortest(rule: Rule, most: usize) -> Option<Scenario> {
    let alphabet = Scenario::parse(ALPHABET).ok()?.0;
    let mut reached = vec![(Model::new(PAGE_SIZE), Model::denying(PAGE_SIZE, rule), Vec::new())];
    let mut seen = HashSet::new();
    for _ in 0..most {
        // Nothing is kept before all are tried: for most searches this is the last round, and the longest by far.
        for (truth, denial, lines) in &reached {
            let mut next = continuations(truth, &alphabet);
            let tells_apart = next.find(|(_, line, _, is)| {
                let believed = denial.clone().step(line.process, &line.operation).0;
                !is.is_open() && !believed.is_open() && believed != Outcome::NotApplicable && *is != believed
            });
            if let Some((_, last, ..)) = tells_apart {
                let lines = lines.iter().map(|number: &usize| &alphabet[*number]);
                return Some(Scenario(lines.chain([last]).cloned().collect()));
            }
        }
        let mut next = Vec::new();
        for (truth, denial, lines) in &reached {
            for (number, line, truth, _) in continuations(truth, &alphabet) {
                let mut denial = denial.clone();
                denial.step(line.process, &line.operation);
                if seen.insert(hash(&(&truth, &denial))) {
                    next.push((truth, denial, lines.iter().copied().chain([number]).collect()));
                }
            }
        }
        reached = next;
    }
    None
}

/// The lines with which a scenario may go on: the number of each, the model after it, and its outcome.
fn continuations<'l>(
    model: &'l Model,
    alphabet: &'l [Line],
) -> impl Iterator<Item = (usize, &'l Line, Model, Outcome)> {
    let mut after = model.clone();
    (0..).zip(alphabet).filter_map(move |(number, line)| {
        let outcome = after.step(line.process, &line.operation).0;
        // A line that is not applicable changes nothing.
        let played = (outcome != Outcome::NotApplicable).then(|| core::mem::replace(&mut after, model.clone()))?;
        (!matches!(outcome, Outcome::OneOf(_))).then_some((number, line, played, outcome))
    })
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
