//! What a disk may hold after a power cut: the crash states of a history of changes and syncs.
//!
//! A change is in the page cache at once. When it reaches the disk, and whether before or after another one, is the kernel's
//! affair, unless a sync has waited for it (fsync(2), fdatasync(2), msync(2) with MS_SYNC). So after a cut
//!
//! - each *unit* of a file's bytes (a page, or a sector of 512 bytes) is as at the last sync that covered it, or as at any
//!   moment since;
//! - so is the size of the file, and one that grows may have arrived in part. Bytes past the size are not there; those that
//!   nobody has written are zeros;
//! - so is each name in the directory. Only the sync of a directory (fsync(2) on it) covers names, and not that of the file.
//!
//! All of these are independent of each other. That is what POSIX leaves open, and more than most file systems do: a journal
//! keeps some of it in order. A program whose recovery copes with every crash state survives a cut on all of them.

use std::collections::{BTreeMap, HashMap};
use std::ops::{ControlFlow, Range};

/// A file, by the number that [`Disk::create`] gave it.
pub type FileNumber = usize;
/// The number of a change or a sync, from 0 on, in the order in which they were made.
pub type Step = usize;

/// A directory of files: what the page cache has of them, and what the disk may have.
#[derive(Debug, Clone)]
pub struct Disk {
    unit: usize,
    step: Step,
    files: Vec<Contents>,
    names: BTreeMap<String, Held<Option<FileNumber>>>,
}

#[derive(Debug, Clone)]
struct Contents {
    bytes: Vec<u8>,
    units: Vec<Held<Vec<u8>>>,
    size: Held<usize>,
}

/// What may be on the disk of one of those that reach it as a whole: first what the last sync has left there, then each of what
/// it has been since, with the step that made it.
#[derive(Debug, Clone)]
struct Held<T>(Vec<(Step, T)>);

impl<T: PartialEq> Held<T> {
    fn now(&self) -> Option<&T> {
        self.0.last().map(|(_, now)| now)
    }

    fn change(&mut self, step: Step, to: T) {
        if self.now() != Some(&to) {
            self.0.push((step, to));
        }
    }

    fn steps(&self) -> Vec<Step> {
        self.0.iter().map(|(step, _)| *step).collect()
    }

    fn sync(&mut self) {
        self.0.drain(..self.0.len() - 1);
    }

    /// Those that differ from what the last sync has left, each once.
    fn since(&self) -> Vec<usize> {
        let is_new = |&n: &usize| self.0[..n].iter().all(|(_, before)| *before != self.0[n].1);
        (1..self.0.len()).filter(is_new).collect()
    }
}

/// Which of those that reach the disk as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Unit {
    /// These bytes of a file.
    Bytes(FileNumber, Range<usize>),
    /// A file's size.
    Size(FileNumber),
    /// A name in the directory.
    Name(String),
}

/// What the disk holds after a cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The bytes of each file that has a name.
    pub files: BTreeMap<String, Vec<u8>>,
    /// What differs from the last sync, and the step whose result is there.
    pub arrived: Vec<(Unit, Step)>,
    /// What the page cache had and the disk has not, and the step whose result is missing.
    pub missing: Vec<(Unit, Step)>,
}

/// How many crash states were looked at, and whether these were all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looked {
    /// Their number.
    pub states: usize,
    /// Whether there are no others.
    pub at_all: bool,
}

impl Disk {
    /// An empty directory. Bytes reach the disk in units of this size, at multiples of it.
    pub fn new(unit: usize) -> Disk {
        Disk { unit, step: 0, files: Vec::new(), names: BTreeMap::new() }
    }

    fn next(&mut self) -> Step {
        self.step += 1;
        self.step - 1
    }

    /// The number of changes and syncs so far, which is that of the next.
    pub fn steps(&self) -> Step {
        self.step
    }

    /// A new file without bytes, under this name (open(2) with O_CREAT). What had the name loses it.
    pub fn create(&mut self, name: &str) -> FileNumber {
        let step = self.next();
        let file = self.files.len();
        self.files.push(Contents { bytes: Vec::new(), units: Vec::new(), size: Held(vec![(step, 0)]) });
        self.name(step, name, Some(file));
        file
    }

    /// Gives a file's name to another file, or to none (unlink(2)).
    fn name(&mut self, step: Step, name: &str, file: Option<FileNumber>) {
        self.names.entry(name.to_owned()).or_insert_with(|| Held(vec![(step, None)])).change(step, file);
    }

    /// rename(2): the file has the other name from now on, and what had that one loses it.
    pub fn rename(&mut self, from: &str, to: &str) {
        let step = self.next();
        let file = self.names.get(from).and_then(|held| held.now().copied().flatten());
        self.name(step, to, file);
        self.name(step, from, None);
    }

    /// unlink(2).
    pub fn unlink(&mut self, name: &str) {
        let step = self.next();
        self.name(step, name, None);
    }

    /// Bytes are changed, by a store or by pwrite(2): the file grows if they end past its size.
    pub fn write(&mut self, file: FileNumber, at: usize, bytes: &[u8]) {
        let step = self.next();
        let end = at + bytes.len();
        if end > self.files[file].bytes.len() {
            self.resize(step, file, end);
        }
        self.files[file].bytes[at..end].copy_from_slice(bytes);
        self.take_note(step, file, at..end);
    }

    /// ftruncate(2).
    pub fn truncate(&mut self, file: FileNumber, size: usize) {
        let step = self.next();
        self.resize(step, file, size);
    }

    fn resize(&mut self, step: Step, file: FileNumber, size: usize) {
        let contents = &mut self.files[file];
        let before = contents.bytes.len();
        contents.bytes.resize(size, 0);
        // A file becomes longer as its bytes arrive, one unit after the other.
        let ends = (before / self.unit + 1..).map(|n| n * self.unit).take_while(|end| *end < size);
        ends.chain([size]).for_each(|size| contents.size.change(step, size));
        // What a shorter file has lost may be zeros already while the size is still the old one, and is when it grows again.
        self.take_note(step, file, before.min(size)..before.max(size));
    }

    /// Notes what the units of these bytes hold now.
    fn take_note(&mut self, step: Step, file: FileNumber, bytes: Range<usize>) {
        let (unit, contents) = (self.unit, &mut self.files[file]);
        for n in bytes.start / unit..bytes.end.div_ceil(unit) {
            while contents.units.len() <= n {
                contents.units.push(Held(vec![(step, vec![0; unit])]));
            }
            let end = contents.bytes.len().clamp(n * unit, (n + 1) * unit);
            let mut now = contents.bytes.get(n * unit..end).unwrap_or_default().to_vec();
            now.resize(unit, 0);
            contents.units[n].change(step, now);
        }
    }

    /// fsync(2) or fdatasync(2) of a file: its bytes and its size are on the disk.
    pub fn sync(&mut self, file: FileNumber) {
        self.next();
        let contents = &mut self.files[file];
        contents.units.iter_mut().for_each(Held::sync);
        contents.size.sync();
    }

    /// msync(2) with MS_SYNC of a range: the bytes of its units are on the disk, and as much of the file's size as they need.
    pub fn sync_range(&mut self, file: FileNumber, range: Range<usize>) {
        self.next();
        let (unit, contents) = (self.unit, &mut self.files[file]);
        // Past the end there is no page to write.
        let end = range.end.min(contents.bytes.len());
        let covers = |n: usize| n * unit < end && range.start < (n + 1) * unit;
        let mut needed = 0;
        for (n, held) in contents.units.iter_mut().enumerate().filter(|(n, _)| covers(*n)) {
            // A hole needs no size.
            if held.0.len() > 1 {
                needed = contents.bytes.len().min((n + 1) * unit);
            }
            held.sync();
        }
        contents.size.0.retain(|(_, size)| *size >= needed);
    }

    /// fsync(2) of the directory: its names are on the disk.
    pub fn sync_directory(&mut self) {
        self.next();
        self.names.values_mut().for_each(Held::sync);
    }

    /// What the page cache has, which is what every process sees.
    pub fn cached(&self) -> BTreeMap<String, Vec<u8>> {
        let named = self.names.iter().filter_map(|(name, held)| Some((name, held.now().copied().flatten()?)));
        named.map(|(name, file)| (name.clone(), self.files[file].bytes.clone())).collect()
    }

    /// Looks at what the disk may hold after a cut now, until `look` breaks off: first at the states in which next to nothing or
    /// next to all has arrived, which are the easiest to understand. At most `most` of them.
    pub fn crash_states(&self, most: usize, mut look: impl FnMut(&State) -> ControlFlow<()>) -> Looked {
        let open = self.open();
        let mut looked = Looked { states: 0, at_all: true };
        // 0, all, 1, all but one, and so on.
        let counts = (0..=open.len()).map(|n| if n % 2 == 0 { n / 2 } else { open.len() - n / 2 });
        for arrived in counts {
            let ended = each_choice(&open, arrived, &mut Vec::new(), &mut |chosen| {
                if looked.states == most {
                    return ControlFlow::Break(());
                }
                looked.states += 1;
                look(&self.state(&open, chosen))
            });
            if ended.is_break() {
                looked.at_all = false;
                break;
            }
        }
        looked
    }

    /// Whether these files, found after a cut now, are one of the crash states. It takes no time, however many these are.
    ///
    /// # Errors
    /// What can't be there: the unit, of the first name for which there is one.
    pub fn may_be(&self, found: &BTreeMap<String, Vec<u8>>) -> Result<(), Unit> {
        for name in self.names.keys().chain(found.keys()) {
            let held = self.names.get(name).map_or(&[][..], |held| &held.0);
            let files = held.iter().map(|(_, file)| *file).chain(held.is_empty().then_some(None));
            let mut wrong = None;
            let fits = |file: Option<FileNumber>| match (file, found.get(name)) {
                (Some(file), Some(bytes)) => self.may_hold(file, bytes).map_err(|unit| wrong = Some(unit)).is_ok(),
                (file, bytes) => file.is_none() && bytes.is_none(),
            };
            if !files.into_iter().any(fits) {
                return Err(wrong.unwrap_or_else(|| Unit::Name(name.clone())));
            }
        }
        Ok(())
    }

    fn may_hold(&self, file: FileNumber, bytes: &[u8]) -> Result<(), Unit> {
        let Contents { units, size, .. } = &self.files[file];
        if !size.0.iter().any(|(_, size)| *size == bytes.len()) {
            return Err(Unit::Size(file));
        }
        for (n, found) in bytes.chunks(self.unit).enumerate() {
            let zeros = vec![0; self.unit];
            let mut held = units.get(n).into_iter().flat_map(|held| &held.0).map(|(_, held)| held);
            let fits = |held: &Vec<u8>| held[..found.len()] == *found;
            if !(held.any(fits) || n >= units.len() && fits(&zeros)) {
                return Err(Unit::Bytes(file, n * self.unit..(n + 1) * self.unit));
            }
        }
        Ok(())
    }

    /// The units of which the disk may hold more than one thing.
    fn open(&self) -> Vec<Open> {
        let mut open = Vec::new();
        let mut add = |unit: Unit, since: Vec<usize>| {
            if !since.is_empty() {
                open.push(Open { unit, since });
            }
        };
        for (name, held) in &self.names {
            add(Unit::Name(name.clone()), held.since());
        }
        for (file, contents) in self.files.iter().enumerate() {
            add(Unit::Size(file), contents.size.since());
            for (n, held) in contents.units.iter().enumerate() {
                add(Unit::Bytes(file, n * self.unit..(n + 1) * self.unit), held.since());
            }
        }
        open
    }

    /// The state in which of each of these units that is there which was chosen, or what the last sync has left.
    fn state(&self, open: &[Open], chosen: &[Option<usize>]) -> State {
        let chosen: HashMap<&Unit, Option<usize>> =
            open.iter().map(|open| &open.unit).zip(chosen.iter().copied()).collect();
        let (mut arrived, mut missing) = (Vec::new(), Vec::new());
        let mut pick = |unit: Unit, steps: Vec<Step>| -> usize {
            let at = chosen.get(&unit).copied().flatten().unwrap_or(0);
            if at > 0 {
                arrived.push((unit.clone(), steps[at]));
            }
            missing.extend(steps[at + 1..].iter().map(|step| (unit.clone(), *step)));
            at
        };
        let mut files = BTreeMap::new();
        let mut named = Vec::new();
        for (name, held) in &self.names {
            if let Some(file) = held.0[pick(Unit::Name(name.clone()), held.steps())].1 {
                named.push((name.clone(), file));
            }
        }
        for (file, contents) in self.files.iter().enumerate() {
            let size = contents.size.0[pick(Unit::Size(file), contents.size.steps())].1;
            let mut bytes = Vec::with_capacity(size);
            for (n, held) in contents.units.iter().enumerate() {
                let range = n * self.unit..(n + 1) * self.unit;
                bytes.extend_from_slice(&held.0[pick(Unit::Bytes(file, range), held.steps())].1);
            }
            bytes.resize(size, 0);
            for (name, _) in named.iter().filter(|(_, number)| *number == file) {
                files.insert(name.clone(), bytes.clone());
            }
        }
        State { files, arrived, missing }
    }
}

/// A unit, and those of what it has been since the last sync that differ from what that has left.
#[derive(Debug)]
struct Open {
    unit: Unit,
    since: Vec<usize>,
}

/// Calls `look` with each choice in which `newer` of the units hold something newer than the last sync has left.
fn each_choice(
    open: &[Open],
    newer: usize,
    chosen: &mut Vec<Option<usize>>,
    look: &mut impl FnMut(&[Option<usize>]) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let Some(Open { since, .. }) = open.get(chosen.len()) else { return look(chosen) };
    let left = open.len() - chosen.len();
    let older = (newer < left).then_some(None);
    let newest_first = since.iter().rev().filter(|_| newer > 0).map(|at| Some(*at));
    for choice in older.into_iter().chain(newest_first) {
        chosen.push(choice);
        each_choice(open, newer - usize::from(choice.is_some()), chosen, look)?;
        chosen.pop();
    }
    ControlFlow::Continue(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// All states, and that these are all.
    fn states(disk: &Disk) -> Vec<State> {
        let mut states = Vec::new();
        let looked = disk.crash_states(10_000, |state| {
            states.push(state.clone());
            ControlFlow::Continue(())
        });
        assert_eq!(looked, Looked { states: states.len(), at_all: true });
        states
    }

    /// What the file of this name may be, or that it may be missing.
    fn contents(disk: &Disk, name: &str) -> Vec<Option<String>> {
        let text = |state: &State| state.files.get(name).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let mut contents: Vec<_> = states(disk).iter().map(text).collect();
        contents.sort();
        contents.dedup();
        contents
    }

    fn some(texts: &[&str]) -> Vec<Option<String>> {
        texts.iter().map(|text| Some((*text).to_owned())).collect()
    }

    /// A file of these bytes, which are on the disk, in units of four bytes.
    fn with(bytes: &str) -> (Disk, FileNumber) {
        let mut disk = Disk::new(4);
        let file = disk.create("f");
        disk.write(file, 0, bytes.as_bytes());
        disk.sync(file);
        disk.sync_directory();
        assert_eq!(contents(&disk, "f"), some(&[bytes]));
        (disk, file)
    }

    #[test]
    fn each_unit_is_as_at_the_last_sync_or_any_moment_since() {
        let (mut disk, file) = with("aaaabbbb");
        disk.write(file, 3, b"12");
        assert_eq!(contents(&disk, "f"), some(&["aaa12bbb", "aaa1bbbb", "aaaa2bbb", "aaaabbbb"]));
        // Between two changes of one unit there is a third state.
        let (mut disk, file) = with("aaaa");
        disk.write(file, 0, b"1");
        disk.write(file, 1, b"2");
        disk.write(file, 0, b"a");
        assert_eq!(contents(&disk, "f"), some(&["12aa", "1aaa", "a2aa", "aaaa"]));
        assert_eq!(states(&disk).len(), 4);
    }

    #[test]
    fn what_was_synced_has_arrived_and_nothing_else() {
        let (mut disk, file) = with("aaaabbbb");
        disk.write(file, 0, b"1111");
        disk.write(file, 4, b"2222");
        let mut one = disk.clone();
        one.sync_range(file, 5..6);
        assert_eq!(contents(&one, "f"), some(&["11112222", "aaaa2222"]));
        disk.sync(file);
        assert_eq!(contents(&disk, "f"), some(&["11112222"]));
    }

    #[test]
    fn a_size_and_the_bytes_arrive_apart() {
        let (mut disk, file) = with("aaaa");
        disk.write(file, 4, b"bb");
        assert_eq!(contents(&disk, "f"), some(&["aaaa", "aaaa\0\0", "aaaabb"]));
        // One that grows by several units may have grown by some.
        disk.truncate(file, 14);
        assert_eq!(
            contents(&disk, "f").iter().flatten().map(String::len).collect::<BTreeSet<_>>(),
            [4, 6, 8, 12, 14].into()
        );
        disk.sync_range(file, 5..6);
        assert_eq!(contents(&disk, "f").iter().flatten().map(String::len).collect::<BTreeSet<_>>(), [8, 12, 14].into());
        disk.sync(file);
        assert_eq!(contents(&disk, "f"), some(&["aaaabb\0\0\0\0\0\0\0\0"]));
        // What a shorter file has lost is zero when it grows again.
        let (mut disk, file) = with("aaaa");
        disk.truncate(file, 2);
        assert_eq!(contents(&disk, "f"), some(&["aa", "aa\0\0", "aaaa"]));
        disk.truncate(file, 3);
        assert_eq!(contents(&disk, "f"), some(&["aa", "aa\0", "aa\0\0", "aaa", "aaaa"]));
        disk.sync(file);
        assert_eq!(contents(&disk, "f"), some(&["aa\0"]));
        // So it is where a whole unit was cut off.
        let (mut disk, file) = with("aaaabbbb");
        disk.truncate(file, 1);
        assert_eq!(contents(&disk, "f"), some(&["a", "a\0\0\0\0\0\0\0", "a\0\0\0bbbb", "aaaa\0\0\0\0", "aaaabbbb"]));
        disk.sync_range(file, 4..8);
        assert_eq!(contents(&disk, "f").len(), 5);
        disk.sync(file);
        disk.truncate(file, 8);
        disk.sync(file);
        assert_eq!(contents(&disk, "f"), some(&["a\0\0\0\0\0\0\0"]));
    }

    #[test]
    fn a_name_is_on_the_disk_when_the_directory_is() {
        let mut disk = Disk::new(4);
        let file = disk.create("f");
        disk.write(file, 0, b"new");
        disk.sync(file);
        assert_eq!(contents(&disk, "f"), [vec![None], some(&["new"])].concat());
        disk.sync_directory();
        assert_eq!(contents(&disk, "f"), some(&["new"]));
    }

    #[test]
    fn a_rename_may_come_before_what_is_in_the_file() {
        let (mut disk, _) = with("old!");
        let file = disk.create("g");
        disk.write(file, 0, b"new!");
        let mut synced = disk.clone();
        disk.rename("g", "f");
        assert_eq!(contents(&disk, "f"), some(&["", "\0\0\0\0", "new!", "old!"]));
        synced.sync(file);
        synced.rename("g", "f");
        assert_eq!(contents(&synced, "f"), some(&["new!", "old!"]));
        synced.sync_directory();
        assert_eq!(contents(&synced, "f"), some(&["new!"]));
        assert_eq!(states(&synced)[0].files, synced.cached());
    }

    #[test]
    fn what_is_listed_may_be_found_and_nothing_else() {
        let (mut disk, _) = with("aaaabbbb");
        let file = disk.create("g");
        disk.write(file, 2, b"new!");
        disk.rename("g", "f");
        for state in states(&disk) {
            assert_eq!(disk.may_be(&state.files), Ok(()), "{state:?}");
        }
        let found = |bytes: &str| BTreeMap::from([("f".to_owned(), bytes.as_bytes().to_vec())]);
        assert_eq!(disk.may_be(&found("aaaabbbb")), Ok(()));
        assert_eq!(disk.may_be(&found("\0\0nee!")), Err(Unit::Bytes(file, 4..8)));
        assert_eq!(disk.may_be(&found("\0\0new")), Err(Unit::Size(file)));
        assert_eq!(disk.may_be(&BTreeMap::new()), Err(Unit::Name("f".to_owned())));
        let other = BTreeMap::from([("f".to_owned(), b"aaaabbbb".to_vec()), ("h".to_owned(), Vec::new())]);
        assert_eq!(disk.may_be(&other), Err(Unit::Name("h".to_owned())));
    }

    #[test]
    fn the_states_in_which_little_has_arrived_or_little_is_missing_come_first() {
        let (mut disk, file) = with("aaaabbbbcccc");
        for at in [0, 4, 8] {
            disk.write(file, at, b"1");
        }
        let counts: Vec<_> = states(&disk).iter().map(|state| (state.arrived.len(), state.missing.len())).collect();
        assert_eq!(counts, [(0, 3), (3, 0), (1, 2), (1, 2), (1, 2), (2, 1), (2, 1), (2, 1)]);
        let mut seen = 0;
        let looked = disk.crash_states(5, |_| {
            seen += 1;
            ControlFlow::Continue(())
        });
        assert_eq!((looked, seen), (Looked { states: 5, at_all: false }, 5));
    }
}
