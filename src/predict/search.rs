//! The shortest scenario that shows a misconception wrong, found by trying all of them.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::model::{FileSystem, Model, Rule, Setting};
use crate::scenario::{Line, Operation, Outcome, Scenario};

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

/// Where nothing but a power cut tells the model from the misconception: what is on the disk before the search begins.
const ON_THE_DISK: &str = "
A create f 'a'*2p
A open d f rw
A fsync d
A fsync_dir
A map m d shared rw 0 2p
";

/// The lines with which such a scenario goes on.
const DISK_ALPHABET: &str = "
A open d f rw
A open e g rw
A create g \"b\"
A close d
A store m 0 \"x\"
A store m 1p \"y\"
A fsync d
A sync m
A sync m 1p 1p
A sync m async
A fsync e
A fsync_dir
A fail d
A unmap m
A cut
A read d 0 1
A read d 1p 1
";

/// Small, so that pages are copied fast; the scenarios count in pages, and mean pages of any size.
const PAGE_SIZE: u32 = 4;

/// The shortest scenario, of at most `most` lines, whose last line tells the model from the model that denies `rule`.
/// Of several the first, in the order of the lines that scenarios are made of. Where only a power cut tells them apart, it
/// begins with a file that is on the disk, and these lines don't count.
pub fn shortest(rule: Rule, most: usize) -> Option<Scenario> {
    let (begin, alphabet) = if rule.needs_a_cut() { (ON_THE_DISK, DISK_ALPHABET) } else { ("", ALPHABET) };
    let (begin, alphabet) = (Scenario::parse(begin).ok()?, Scenario::parse(alphabet).ok()?.0);
    // An error would betray other beliefs, too, but not so that a reader sees how.
    let fails = |line: &Line| matches!(line.operation, Operation::Fail(_));
    let alphabet: Vec<_> =
        alphabet.into_iter().filter(|line| rule == Rule::ErrorsAreToldOnce || !fails(line)).collect();
    // What else would be on the disk makes no difference, and many more models.
    let named = FileSystem { on_disk: rule.needs_a_cut(), ..FileSystem::DISK };
    let here = Model::on(&Setting { named, ..Setting::new(PAGE_SIZE) });
    let [truth, denial] = [here.clone(), here.without(rule)].map(|mut model| {
        begin.0.iter().for_each(|line| drop(model.step(line.process, &line.operation)));
        model
    });
    let mut reached = vec![(truth, denial, Vec::new())];
    let mut seen = HashSet::new();
    for _ in 0..most {
        // Nothing is kept before all are tried: for most searches this is the last round, and the longest by far.
        for (truth, denial, lines) in &reached {
            let mut next = continuations(truth, &alphabet);
            let tells_apart = next.find(|(_, line, _, is)| {
                let believed = denial.clone().step(line.process, &line.operation).0;
                (!is.is_open() || rule.needs_a_cut())
                    && !believed.is_open()
                    && believed != Outcome::NotApplicable
                    && *is != believed
            });
            if let Some((_, last, ..)) = tells_apart {
                let lines = lines.iter().map(|number: &usize| &alphabet[*number]);
                return Some(Scenario(begin.0.iter().chain(lines).chain([last]).cloned().collect()));
            }
        }
        let mut next = Vec::new();
        for (truth, denial, lines) in &reached {
            for (number, line, truth, is) in continuations(truth, &alphabet) {
                if matches!(is, Outcome::OneOf(_)) {
                    continue;
                }
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
        Some((number, line, played, outcome))
    })
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
