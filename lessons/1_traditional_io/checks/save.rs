//! Checks [`save`] and [`load`] on a simulated file whose process may be killed and whose machine may lose power.

use super::*;

/// A part of what was written since the last fsync(2). It may get to the disk or not.
#[derive(Debug, Clone, Copy)]
enum Part {
    Byte(usize, u8),
    /// What a write past the end makes the size: it may be kept, and the bytes lost.
    Grown(usize),
    Size(usize),
}

/// A file as processes see it, and as the disk has it.
#[derive(Clone, Default)]
struct Disk {
    seen: RefCell<Vec<u8>>,
    synced: RefCell<Vec<u8>>,
    /// What was written since, in order, and by which of all writes.
    pending: RefCell<Vec<(u32, Part)>>,
    /// How many calls there are until the process is killed.
    calls_left: Cell<Option<usize>>,
    /// How many calls of fsync(2) there are until one fails.
    syncs_left: Cell<Option<usize>>,
    /// What a failed fsync(2) dropped: it may have got to the disk, and will not be written any more.
    given_up: RefCell<Vec<(u32, Part)>>,
    script: RefCell<VecDeque<Turn>>,
    /// Whether every second call is interrupted, and whether the next one is.
    interrupts: bool,
    interrupted: Cell<bool>,
    failing: Failing,
    /// How often something was written, and where this process has last begun to.
    writes: Cell<u32>,
    wrote_at: Cell<usize>,
    /// The calls of this process, the one before which it is killed included.
    made: RefCell<Vec<&'static str>>,
    /// Whether it has been killed.
    gone: Cell<bool>,
    /// The call after an fsync(2) that failed.
    after_failure: Cell<Option<&'static str>>,
    sync_failed: Cell<bool>,
}

/// The largest file that is allowed.
const LARGEST: usize = 16 * KIB;

impl Disk {
    /// The machine after a power cut: the process sees what is on the disk.
    fn after_power_cut(bytes: &[u8]) -> Disk {
        Disk { seen: RefCell::new(bytes.to_vec()), synced: RefCell::new(bytes.to_vec()), ..Disk::default() }
    }

    /// The same machine, with a process that will be killed before its `n`-th call.
    fn killed_before(&self, n: usize) -> Disk {
        let disk = self.clone();
        disk.calls_left.set(Some(n));
        disk.made.take();
        disk.gone.set(false);
        disk
    }

    /// The moment at which the process was killed.
    fn moment(&self) -> Text {
        let made = self.made.borrow();
        let Some(name) = made.last() else { return text!("before its first call", "在它的第一次调用之前") };
        let n = made.iter().filter(|other| *other == name).count();
        text!("just before call {n} of {name}", "在第 {n} 次 {name} 之前")
    }

    /// The same machine, with a new process.
    fn revived(&self) -> Disk {
        let disk = self.clone();
        disk.calls_left.set(None);
        disk
    }

    fn was_killed(&self) -> bool {
        self.calls_left.get() == Some(0)
    }

    /// Whether all that it did since the call before is a read: it leaves the same machine as if it were killed earlier.
    fn has_only_read(&self) -> bool {
        matches!(self.made.borrow().as_slice(), [.., "pread(2)", _])
    }

    /// A call of a killed process has no effect, and what it returns does not matter.
    fn call(&self, name: &'static str, length: usize) -> Result<usize, Errno> {
        match self.calls_left.get() {
            Some(0) => {
                self.killed_at(name);
                return Err(Errno::EIO);
            }
            Some(left) => {
                self.made.borrow_mut().push(name);
                self.calls_left.set(Some(left - 1));
            }
            None => {}
        }
        self.failing.call(name)?;
        if self.sync_failed.get() && self.after_failure.get().is_none() {
            self.after_failure.set(Some(name));
        }
        if self.interrupts && self.interrupted.replace(!self.interrupted.get()) {
            return Err(Errno::EINTR);
        }
        match self.script.borrow_mut().pop_front() {
            Some(Turn::Interrupted) => Err(Errno::EINTR),
            Some(Turn::AtMost(most)) => Ok(length.min(most)),
            None => Ok(length),
        }
    }

    /// Only the first call of a killed process is the one before which it was killed.
    fn killed_at(&self, name: &'static str) {
        if !self.gone.replace(true) {
            self.made.borrow_mut().push(name);
        }
    }

    /// What was written, and is not on the disk for sure.
    fn unsure(&self) -> Vec<(u32, Part)> {
        self.given_up.borrow().iter().chain(self.pending.borrow().iter()).copied().collect()
    }

    /// What the disk holds if it has kept these of the parts.
    fn with_kept(&self, parts: &[(u32, Part)], kept: impl Fn(usize) -> bool) -> Vec<u8> {
        let mut bytes = self.synced.borrow().clone();
        for (n, (_, part)) in parts.iter().enumerate() {
            if kept(n) {
                apply(&mut bytes, *part);
            }
        }
        bytes
    }

    /// What the disk may hold after a power cut now: not every subset of the parts, but those up to and from each part,
    /// those with and without a single part, every second part, and some at random.
    fn left_by_power_cut(&self, most: usize) -> BTreeSet<Vec<u8>> {
        let parts = self.unsure();
        let count = parts.len();
        let mut left = BTreeSet::new();
        let mut keep = |kept: &dyn Fn(usize) -> bool| {
            left.insert(self.with_kept(&parts, kept));
        };
        keep(&|_| true);
        keep(&|_| false);
        keep(&|n| !matches!(parts[n].1, Part::Byte(..)));
        keep(&|n| n % 2 == 0);
        keep(&|n| n % 2 == 1);
        for seed in 1..9_usize {
            keep(&|n| (n + 1).wrapping_mul(2_654_435_761).wrapping_mul(seed * seed + 1) >> 13 & 1 == 0);
        }
        let step = count.div_ceil(most).max(1);
        for cut in (0..count).step_by(step).chain([count.saturating_sub(1)]) {
            keep(&|n| n < cut);
            keep(&|n| n > cut);
            keep(&|n| n == cut);
            keep(&|n| n != cut);
        }
        left
    }

    /// What a power cut would leave on a disk that is kinder than disks are.
    fn left_on(&self, kinder: Kinder) -> Vec<Vec<u8>> {
        let parts = self.unsure();
        match kinder {
            Kinder::InOrder => (0..=parts.len()).map(|cut| self.with_kept(&parts, |n| n < cut)).collect(),
            Kinder::Whole => {
                let mut writes: Vec<_> = parts.iter().map(|(write, _)| *write).collect();
                writes.dedup();
                let place = |n: usize| writes.iter().position(|write| *write == parts[n].0).unwrap_or(0);
                let subsets = 0..1_u32 << writes.len().min(6);
                subsets.map(|kept| self.with_kept(&parts, |n| kept >> place(n).min(5) & 1 == 1)).collect()
            }
        }
    }
}

/// What a disk would have to do for an answer that needs it.
#[derive(Debug, Clone, Copy)]
enum Kinder {
    /// It keeps what was written first.
    InOrder,
    /// It keeps all bytes of a write, or none.
    Whole,
}

fn apply(bytes: &mut Vec<u8>, part: Part) {
    match part {
        Part::Byte(at, byte) => {
            if bytes.len() <= at {
                bytes.resize(at + 1, 0);
            }
            bytes[at] = byte;
        }
        Part::Grown(size) => bytes.resize(size.max(bytes.len()), 0),
        Part::Size(size) => bytes.resize(size, 0),
    }
}

impl Calls for Disk {
    fn pread(&self, into: &mut [u8], offset: u64) -> Result<usize, Errno> {
        let bytes = self.seen.borrow();
        let rest = &bytes[bytes.len().min(index(offset))..];
        let length = self.call("pread(2)", into.len().min(rest.len()))?;
        into[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }

    fn pwrite(&self, from: &[u8], offset: u64) -> Result<usize, Errno> {
        let at = index(offset);
        if at.checked_add(from.len()).is_none_or(|end| end > LARGEST) {
            return Err(Errno::EFBIG);
        }
        let length = self.call("pwrite(2)", from.len())?;
        self.wrote_at.set(at);
        self.writes.set(self.writes.get() + 1);
        if at + length > self.seen.borrow().len() {
            self.pending.borrow_mut().push((self.writes.get(), Part::Grown(at + length)));
        }
        for (n, byte) in from[..length].iter().enumerate() {
            apply(&mut self.seen.borrow_mut(), Part::Byte(at + n, *byte));
            self.pending.borrow_mut().push((self.writes.get(), Part::Byte(at + n, *byte)));
        }
        Ok(length)
    }

    fn ftruncate(&self, size: u64) -> Result<(), Errno> {
        let size = index(size);
        if size > LARGEST {
            return Err(Errno::EFBIG);
        }
        self.call("ftruncate(2)", 0)?;
        self.writes.set(self.writes.get() + 1);
        apply(&mut self.seen.borrow_mut(), Part::Size(size));
        self.pending.borrow_mut().push((self.writes.get(), Part::Size(size)));
        Ok(())
    }

    fn fsync(&self) -> Result<(), Errno> {
        self.call("fsync(2)", 0)?;
        let pending = self.pending.take();
        match self.syncs_left.get() {
            Some(0) => {
                self.syncs_left.set(None);
                self.sync_failed.set(true);
                self.given_up.borrow_mut().extend(pending);
                return Err(Errno::EIO);
            }
            left => self.syncs_left.set(left.map(|left| left - 1)),
        }
        for (_, part) in pending {
            apply(&mut self.synced.borrow_mut(), part);
        }
        Ok(())
    }

    fn size(&self) -> Result<u64, Errno> {
        self.failing.call("size()")?;
        Ok(wide(self.seen.borrow().len()))
    }
}

/// Two records of which mixtures have equal sums, exclusive ors, and sums of sums: in each group of four bytes one is larger
/// by 1 and its neighbour smaller, and then the other way round.
const ALIKE: [u8; 2] = [18, 19];

/// The `n`-th record. No two have a byte in common but those that are [`ALIKE`].
fn record(n: u8) -> Record {
    if n == ALIKE[0] {
        return [0x40; 32];
    }
    if n == ALIKE[1] {
        return std::array::from_fn(|at| [0x41, 0x3f, 0x3f, 0x41][at % 4]);
    }
    std::array::from_fn(|at| u8::try_from(at).unwrap_or(0).wrapping_mul(5).wrapping_add(n.wrapping_mul(37)) ^ 0x5a)
}

/// What load returned, in terms of the records that were saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Found {
    Nothing,
    Number(u8),
    /// No record that was ever saved.
    Mixture,
    /// The same, of zeros: what a file has where its new size was kept and the bytes were lost.
    Zeros,
    /// It has written to the file.
    Changed,
    Failed(String),
}

fn found(disk: &Disk) -> Found {
    let writes = disk.writes.get();
    let found = found_in(disk);
    if disk.writes.get() > writes { Found::Changed } else { found }
}

/// [`found`] in any file.
fn found_in(file: &dyn Calls) -> Found {
    match crate::exercise::load(file) {
        Ok(None) => Found::Nothing,
        Ok(Some(got)) if got == Record::default() => Found::Zeros,
        Ok(Some(got)) => (1..20).find(|&n| record(n) == got).map_or(Found::Mixture, Found::Number),
        Err(error) => Found::Failed(kind(error)),
    }
}

/// A failure, as the child reports it.
#[derive(Debug, Serialize, Deserialize)]
struct Story {
    allowed: Vec<Found>,
    found: Found,
    /// What happened before.
    en: String,
    zh: String,
    /// Whether a process had been killed without a power cut.
    killed: bool,
    /// Whether save returned an error.
    saving: bool,
    /// Whether an fsync(2) that had failed was called again.
    asked_again: bool,
}

fn one_of(found: Found, allowed: &[Found], given: impl FnOnce() -> Text) -> Result<(), Story> {
    if allowed.contains(&found) {
        return Ok(());
    }
    let Text { en, zh } = given();
    Err(Story {
        allowed: allowed.to_vec(),
        found,
        en: en.into(),
        zh: zh.into(),
        killed: false,
        saving: false,
        asked_again: false,
    })
}

/// Whether load finds what was saved as long as nothing goes wrong: [`load_gives_the_last_record_that_was_saved`] checks
/// that.
fn works() -> Result<bool, Failure> {
    let works = ask(|| {
        let disk = Disk::default();
        found(&disk) == Found::Nothing
            && (1..9).all(|n| super::save(&disk, &record(n)).is_ok() && found(&disk) == Found::Number(n))
    });
    let judged = works.and_then(|works| {
        ensure(works, || {
            Failure::new(
                text!("load returns the record that was saved last", "load 返回最后保存的记录"),
                text!("it does not, as long as nothing goes wrong", "一切正常时也没有做到"),
            )
        })
    });
    knows_the_basics(judged)
}

/// Whether a power cut in one of the first saves, or after it, does no harm: two other checks say so.
fn survives() -> Result<bool, Failure> {
    let survives = ask(|| {
        for count in 0..4 {
            let (disk, old) = with_records(count)?;
            killed_everywhere(&disk, 9, |disk, ended| {
                let allowed = if ended { vec![Found::Number(9)] } else { vec![old.clone(), Found::Number(9)] };
                disk.left_by_power_cut(64)
                    .iter()
                    .try_for_each(|bytes| one_of(found(&Disk::after_power_cut(bytes)), &allowed, || text!("", "")))
            })?;
        }
        Ok::<(), Story>(())
    });
    knows_the_basics(survives.and_then(|told| told.map_err(Story::failure)))
}

fn save_failed(error: io::Error, given: impl FnOnce() -> Text) -> Result<(), Story> {
    one_of(Found::Failed(kind(error)), &[], given).map_err(|story| Story { saving: true, ..story })
}

fn in_words(found: &Found) -> Text {
    match found {
        Found::Nothing => text!("no record", "“没有记录”"),
        Found::Number(n) => text!("record {n}", "第 {n} 条记录"),
        Found::Zeros => text!("a record of zeros, which was never saved", "一条全 0 的、从未保存过的记录"),
        Found::Mixture => text!("a record that was never saved", "一条从未保存过的记录"),
        Found::Changed => text!("a changed file", "改过的文件"),
        Found::Failed(error) => text!("the error {error}", "错误 {error}"),
    }
}

impl Story {
    fn failure(self) -> Failure {
        let happened = in_words(&self.found);
        let mut allowed: Vec<_> = self.allowed.iter().map(in_words).collect();
        allowed.sort_unstable_by(|a, b| a.en.cmp(&b.en));
        allowed.dedup();
        let en: Vec<_> = allowed.iter().map(|words| words.en.as_ref()).collect();
        let zh: Vec<_> = allowed.iter().map(|words| words.zh.as_ref()).collect();
        let (en, zh) = (en.join(" or "), zh.join("或"));
        let failure = if self.found == Found::Changed {
            let failure = Failure::new(
                text!("load does not change the file", "load 不修改文件"),
                text!("it does", "文件被修改了"),
            );
            failure.breaks(
                "power",
                text!(
                    "What load writes may be lost in a power cut as well, or in part: it only reads.",
                    "load 写的内容，断电时同样可能丢失，或只剩一部分：它只读。"
                ),
            )
        } else if self.saving {
            let happened = Text::new(format!("it returned {}", happened.en), format!("得到的是{}", happened.zh));
            Failure::new(text!("save succeeds", "save 成功"), happened)
        } else {
            let happened = Text::new(format!("it finds {}", happened.en), format!("得到的是{}", happened.zh));
            Failure::new(Text::new(format!("load finds {en}"), format!("load 得到{zh}")), happened)
        };
        failure.given(Text::new(self.en, self.zh))
    }

    /// The failure, and the misconception that it shows, unless something else is wrong.
    fn shows(self, misconception: &Misconception) -> Failure {
        let other = self.saving || matches!(self.found, Found::Changed | Found::Failed(_));
        if other { self.failure() } else { self.failure().shows(misconception) }
    }
}

/// A machine on which `count` records were saved, one after the other, and the number of the last one. All of it is on
/// the disk: another check tests whether save has seen to that.
fn with_records(count: u16) -> Result<(Disk, Found), Story> {
    let disk = Disk::default();
    let mut last = Found::Nothing;
    for n in (1..=7).cycle().take(count.into()) {
        saved(&disk, n)?;
        disk.pending.take();
        last = Found::Number(n);
    }
    let disk = Disk::after_power_cut(&disk.seen.borrow());
    Ok((disk, last))
}

/// The machines before those saves that do something that none before did, and how many came before: a log begins again, a
/// number gets to its limits. The first few saves are not among them.
fn before_unusual_saves() -> Result<Vec<(u16, Disk)>, Story> {
    let mut disk = Disk::default();
    let (mut known, mut unusual) = (BTreeSet::new(), Vec::new());
    let (mut last_at, mut rose) = (0, 0_usize);
    // As many as have a place of their own in the file.
    for (count, n) in (0..512).zip((1..=7).cycle()) {
        let before = disk.clone();
        let watched = disk.killed_before(usize::MAX);
        saved(&watched, n)?;
        let at = watched.wrote_at.get();
        // Where it writes: in one place, in several in turn, or one after the other, and then the first again.
        let falls = at < last_at && rose > 3;
        rose = if at > last_at { rose + 1 } else { 0 };
        last_at = at;
        let shorter = watched.seen.borrow().len() < before.seen.borrow().len();
        // A log that is read from its beginning takes more reads each time.
        let mut made = watched.made.take();
        made.retain(|name| *name != "pread(2)");
        let is_new = known.insert((made, falls, shorter));
        if is_new && count > 3 && unusual.len() < 4 {
            let at_rest = Disk::after_power_cut(&before.seen.borrow());
            unusual.push((count, at_rest));
        }
        disk = watched.revived();
        disk.pending.take();
    }
    Ok(unusual)
}

/// Cuts the power in a save after which a weak checksum takes a mixture for a record.
fn mixtures_with_equal_sums() -> Result<(), Story> {
    let [old, new] = ALIKE;
    for count in 2..5 {
        let disk = Disk::default();
        (0..count).try_for_each(|_| saved(&disk, old))?;
        killed_everywhere(&disk, new, |disk, ended| {
            let parts = disk.unsure();
            let given = || {
                let Text { en, zh } = if ended { text!("after that save", "在那之后") } else { disk.moment() };
                text!(
                    "record {old}, of 32 equal bytes, saved {count} times; then record {new}, whose bytes differ from \
                     them by 1; a power cut {en}",
                    "先把第 {old} 条记录（32 个相同的字节）保存 {count} 次，再保存第 {new} 条（每个字节与之相差 1）；断电发生{zh}"
                )
            };
            for (start, length) in (0..parts.len()).flat_map(|start| [(start, 2), (start, 4), (start, 8)]) {
                let lost = start..start + length;
                for all_but_these in [true, false] {
                    let bytes = disk.with_kept(&parts, |n| lost.contains(&n) != all_but_these);
                    let allowed = [Found::Number(old), Found::Number(new)];
                    one_of(found(&Disk::after_power_cut(&bytes)), &allowed, given)?;
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Cuts the power when most is unsure, and tries each mixture of 17 of the bytes: a checksum of two bytes takes one of
/// 65,536 for a record. Where each load reads much, it ends before that, so that it takes no long time.
fn many_mixtures() -> Result<(), Story> {
    let (disk, old) = with_records(2)?;
    let mut moments = Vec::new();
    killed_everywhere(&disk, 9, |disk, _| {
        moments.push(disk.clone());
        Ok(())
    })?;
    let Some(cut) = moments.iter().max_by_key(|disk| disk.unsure().len()) else { return Ok(()) };
    let (before, after) = (cut.synced.borrow().clone(), cut.seen.borrow().clone());
    let differ: Vec<_> = (0..after.len()).filter(|&at| before.get(at) != Some(&after[at])).collect();
    let some: Vec<_> = differ.iter().skip(differ.len().saturating_sub(17) / 2).take(17).collect();
    let file = Plain { bytes: RefCell::new(after.clone()), ..Plain::default() };
    let known = [2, 9].map(record);
    // From one mixture to the next a single byte changes (a Gray code).
    for step in 1..1_u32 << some.len() {
        let at = *some[index(step.trailing_zeros().into())];
        let kept = file.bytes.borrow()[at] == after[at];
        file.bytes.borrow_mut()[at] = if kept { before.get(at).copied().unwrap_or_default() } else { after[at] };
        if !crate::exercise::load(&file).is_ok_and(|found| found.is_some_and(|found| known.contains(&found))) {
            return one_of(found_in(&file), &[old, Found::Number(9)], || cut_in_words(2, cut, false));
        }
        if file.is_worn() {
            break;
        }
    }
    Ok(())
}

/// Cuts the power, or kills the process, in a save that does something that none before did, and in the next one.
fn unusual_saves() -> Result<(), Story> {
    for (count, disk) in before_unusual_saves()? {
        let old = found(&disk);
        killed_everywhere(&disk, 9, |cut, ended| {
            let given = || cut_in_words(count, cut, ended);
            let allowed = if ended { vec![Found::Number(9)] } else { vec![old.clone(), Found::Number(9)] };
            for bytes in cut.left_by_power_cut(16) {
                one_of(found(&Disk::after_power_cut(&bytes)), &allowed, given)?;
            }
            Ok(())
        })?;
        // A killed one, and then another.
        killed_everywhere(&disk, 9, |cut, _| {
            killed_everywhere(&cut.revived(), 8, |third, ended| {
                let given = || {
                    let Text { en, zh } = cut.moment();
                    text!(
                        "{count} saved before; the process is killed {en} in the save of record 9; then record 8 is \
                         saved, and there is a power cut",
                        "先保存 {count} 条记录；保存第 9 条时，{zh}进程被杀死；然后保存第 8 条，其间或之后断电"
                    )
                };
                let mut allowed = vec![Found::Number(8)];
                if !ended {
                    allowed.extend([old.clone(), Found::Number(9)]);
                }
                for bytes in third.left_by_power_cut(2) {
                    one_of(found(&Disk::after_power_cut(&bytes)), &allowed, given)?;
                }
                Ok(())
            })
        })?;
    }
    Ok(())
}

/// A file to which nothing happens, for very many saves or loads.
#[derive(Default)]
struct Plain {
    bytes: RefCell<Vec<u8>>,
    /// How many bytes were read from it, and with how many calls.
    read: Cell<(usize, usize)>,
}

impl Plain {
    /// Whether so much was read that more would take long.
    fn is_worn(&self) -> bool {
        let (bytes, calls) = self.read.get();
        bytes > 24 << 20 || calls > 600_000
    }
}

impl Calls for Plain {
    fn pread(&self, into: &mut [u8], offset: u64) -> Result<usize, Errno> {
        let all = self.bytes.borrow();
        let rest = &all[all.len().min(index(offset))..];
        let length = into.len().min(rest.len());
        into[..length].copy_from_slice(&rest[..length]);
        let (bytes, calls) = self.read.get();
        self.read.set((bytes + length, calls + 1));
        Ok(length)
    }

    fn pwrite(&self, from: &[u8], offset: u64) -> Result<usize, Errno> {
        let (mut bytes, at) = (self.bytes.borrow_mut(), index(offset));
        let end = at.checked_add(from.len()).filter(|end| *end <= LARGEST).ok_or(Errno::EFBIG)?;
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[at..end].copy_from_slice(from);
        Ok(from.len())
    }

    fn ftruncate(&self, size: u64) -> Result<(), Errno> {
        self.bytes.borrow_mut().resize(index(size).min(LARGEST), 0);
        Ok(())
    }

    fn fsync(&self) -> Result<(), Errno> {
        Ok(())
    }

    fn size(&self) -> Result<u64, Errno> {
        Ok(wide(self.bytes.borrow().len()))
    }
}

/// Saves as often as a number of two bytes can count. Where each save reads much, it ends before that, so that it takes
/// no long time.
fn numbers_of_two_bytes() -> Result<(), Story> {
    let file = Plain::default();
    let limits = [1 << 15, 1 << 16].map(|limit| limit - 2..limit + 8);
    let records: Vec<_> = (1..8).map(|n| (n, record(n))).collect();
    for (count, (n, record)) in (1..65_550).zip(records.iter().cycle()) {
        let given = || text!("{count} records, one after the other", "一条接一条，保存了 {count} 条记录");
        super::save(&file, record).or_else(|error| save_failed(error, given))?;
        if limits.iter().any(|limit| limit.contains(&count)) {
            one_of(found_in(&file), &[Found::Number(*n)], given)?;
        }
        if file.is_worn() {
            break;
        }
    }
    Ok(())
}

/// Saves a record without a fault.
fn saved(disk: &Disk, n: u8) -> Result<(), Story> {
    let given = || text!("record {n} is saved, without any fault", "保存第 {n} 条记录，一切正常");
    match super::save(disk, &record(n)) {
        Ok(()) => Ok(()),
        Err(error) => save_failed(error, given),
    }
}

/// Saves a record, and kills the process before each of its calls in turn; `look` gets what it leaves, but not the same
/// again where it only reads. The last time it is not killed, and `look` gets true.
fn killed_everywhere(
    disk: &Disk,
    number: u8,
    mut look: impl FnMut(&Disk, bool) -> Result<(), Story>,
) -> Result<(), Story> {
    for n in 0.. {
        let disk = disk.killed_before(n);
        let answer = super::save(&disk, &record(number));
        let ended = !disk.was_killed();
        if ended && let Err(error) = answer {
            let given = || text!("a record is saved, without any fault", "保存一条记录，一切正常");
            return save_failed(error, given);
        }
        if ended {
            return look(&disk, true);
        }
        if !disk.has_only_read() {
            look(&disk, false)?;
        }
    }
    Ok(())
}

fn rule() -> Text {
    text!(
        "fsync(2): only after it has returned is the data on the disk. Until then any part of it may be there, in any \
         order, or none.",
        "fsync(2)：它返回之后，数据才算落盘。在那之前写入的内容，可能以任意顺序落盘，可能只有一部分，也可能完全没有。"
    )
}

#[test]
fn load_gives_the_last_record_that_was_saved() {
    let rule = text!(
        "read(2), write(2), fsync(2): a short count is no error, and EINTR means that nothing was done.",
        "read(2)、write(2)、fsync(2)：传输不足不是错误；EINTR 表示什么都没做。"
    );
    check("loops", rule, || {
        let many = ask(|| -> Result<(), Story> {
            let disk = Disk::default();
            // More than fit in a file of 16 KiB, if each took a place of its own.
            for n in (1..8).cycle().take(1_000) {
                saved(&disk, n)?;
                one_of(found(&disk), &[Found::Number(n)], || text!("one record after the other", "一条接一条地保存"))?;
            }
            Ok(())
        })?;
        many.map_err(of_the_file)?;
        ask(numbers_of_two_bytes)?.map_err(of_the_file)?;
        // Nothing but the file goes from one process to the next.
        let (disk, last) =
            ask(|| with_records(5).map(|(disk, last)| (disk.seen.take(), last)))?.map_err(of_the_file)?;
        let another = ask(|| -> Result<(), Story> {
            let given = || {
                text!(
                    "5 records are saved by one process, and record 9 by another",
                    "一个进程保存 5 条记录，另一个进程保存第 9 条"
                )
            };
            let disk = Disk::after_power_cut(&disk);
            one_of(found(&disk), &[last], given)?;
            saved(&disk, 9)?;
            one_of(found(&disk), &[Found::Number(9)], given)
        })?;
        another.map_err(of_the_file)?;
        // Records are any 32 bytes.
        let any = [[0; 32], [0xff; 32], [b'\n'; 32], std::array::from_fn(|at| u8::from(at == 31))];
        for (n, record) in any.iter().enumerate() {
            let as_saved = ask(|| {
                let disk = Disk::default();
                let before = crate::exercise::load(&disk).is_ok_and(|found| found.is_none());
                let other = self::record(u8::try_from(n).unwrap_or(0) + 1);
                let saved = super::save(&disk, &other).and_then(|()| super::save(&disk, record));
                before && saved.is_ok() && crate::exercise::load(&disk).is_ok_and(|found| found == Some(*record))
            })?;
            let bytes = shown(record);
            ensure(as_saved, || {
                let failure = Failure::new(
                    text!("load finds what was saved", "load 得到保存的内容"),
                    text!("it does not", "不是"),
                );
                let given = text!("a record, and then the record {bytes}", "先保存一条，再保存 {bytes}");
                whatever_the_file_says(failure.given(given))
            })?;
        }
        for_all(
            (0..6_u8, script()),
            |(count, script)| {
                let how = describe_script(script);
                Text::new(format!("{count} records saved; {}", how.en), format!("保存 {count} 条记录，{}", how.zh))
            },
            |(count, script)| {
                let told = ask(|| -> Result<(), Story> {
                    let disk = Disk::default();
                    disk.script.replace(script.iter().copied().collect());
                    let allowed = |n| if n == 0 { Found::Nothing } else { Found::Number(n) };
                    for n in 0..=*count {
                        if n > 0 {
                            saved(&disk, n)?;
                        }
                        let given = || text!("after {n} records", "保存 {n} 条记录之后");
                        one_of(found(&disk), &[allowed(n)], given)?;
                    }
                    // The file begins empty, and load alone changes nothing.
                    saved(&disk, 7)?;
                    one_of(found(&disk), &[Found::Number(7)], || text!("one more record", "再保存一条记录"))
                })?;
                told.map_err(|story| {
                    let interrupted = story.found == Found::Failed("EINTR".to_owned());
                    let shown = if interrupted { &belief::EINTR_IS_AN_ERROR } else { &belief::SHORT_IS_THE_END };
                    let mut failure = story.failure().shows(shown);
                    failure.given = None; // for_all's is better
                    if script.is_empty() {
                        failure.misconception = None;
                    }
                    failure
                })
            },
        )?;
        // Each call in turn is interrupted many times.
        for n in 0.. {
            let every = ask(|| -> Result<bool, Story> {
                let given = || text!("one call is interrupted 1000 times", "其中一次调用被打断一千次");
                let disk = Disk::default();
                saved(&disk, 1)?;
                let turns = std::iter::repeat_n(Turn::AtMost(usize::MAX), n);
                disk.script.replace(turns.chain(std::iter::repeat_n(Turn::Interrupted, 1000)).collect());
                super::save(&disk, &record(2)).or_else(|error| save_failed(error, given))?;
                one_of(found(&disk), &[Found::Number(2)], given)?;
                Ok(disk.script.borrow().is_empty())
            })?;
            match every {
                Ok(true) => {}
                Ok(false) => break,
                Err(story) => return Err(story.failure()),
            }
        }
        Ok(())
    });
}

#[test]
fn survives_a_power_cut_at_every_moment() {
    check("power", rule(), || {
        if !works()? {
            return Ok(());
        }
        let cut = |counts: &[u16], most: usize| -> Result<(), Story> {
            for &count in counts {
                let (disk, old) = with_records(count)?;
                killed_everywhere(&disk, 9, |disk, ended| {
                    for bytes in disk.left_by_power_cut(most) {
                        let given = || cut_in_words(count, disk, ended);
                        one_of(found(&Disk::after_power_cut(&bytes)), &[old.clone(), Found::Number(9)], given)?;
                    }
                    Ok(())
                })?;
            }
            Ok(())
        };
        let told = ask(|| cut(&[0, 1, 2, 3], 64))?;
        let Err(story) = told else {
            // A number of saves that is kept in a byte, or in several, gets to its limits, too.
            let told = ask(|| cut(&[126, 127, 128, 254, 255, 256, 257], 8))?;
            let told = told.and(ask(mixtures_with_equal_sums)?).and(ask(many_mixtures)?);
            return told.and(ask(unusual_saves)?).map_err(Story::failure);
        };
        // Zeros in a file that was empty alone are taken for a record, and nothing else is wrong.
        if story.found == Found::Zeros && ask(|| cut(&[1, 2, 3], 64))?.is_ok() {
            return Err(story.failure());
        }
        // The misconception is what the disk would have to do. Who sees through most torn records knows better.
        let knows = story.found == Found::Mixture && mixtures_are_rare();
        Err(match [Kinder::InOrder, Kinder::Whole].into_iter().find(|&kinder| !knows && survives_on(kinder)) {
            Some(Kinder::InOrder) => story.shows(&belief::WRITES_ARRIVE_IN_ORDER),
            Some(Kinder::Whole) => story.shows(&belief::A_SMALL_WRITE_IS_WHOLE),
            None => story.failure(),
        })
    });
}

/// Calls `look` with each moment of a save of record 9 after a few others, and the number of the one before.
fn first_saves(mut look: impl FnMut(&Disk, &Found) -> Result<(), Story>) -> Result<(), Story> {
    for count in 0..4 {
        let (disk, old) = with_records(count)?;
        killed_everywhere(&disk, 9, |disk, _| look(disk, &old))?;
    }
    Ok(())
}

/// Whether all goes well on a kinder disk.
fn survives_on(kinder: Kinder) -> bool {
    let survives = ask(|| {
        first_saves(|disk, old| {
            disk.left_on(kinder).iter().try_for_each(|bytes| {
                let found = found(&Disk::after_power_cut(bytes));
                one_of(found, &[old.clone(), Found::Number(9)], || text!("", ""))
            })
        })
    });
    survives.is_ok_and(|told| told.is_ok())
}

/// Whether load finds out most of the torn records.
fn mixtures_are_rare() -> bool {
    let rare = ask(|| {
        let (mut mixtures, mut all) = (0, 0);
        let told = first_saves(|disk, _| {
            for bytes in disk.left_by_power_cut(64) {
                all += 1;
                mixtures += usize::from(found(&Disk::after_power_cut(&bytes)) == Found::Mixture);
            }
            Ok(())
        });
        told.is_ok() && mixtures * 16 < all
    });
    rare.unwrap_or(false)
}

fn cut_in_words(count: u16, disk: &Disk, ended: bool) -> Text {
    if ended {
        return text!(
            "after {count} saves, one more, of record 9; a power cut after save has returned",
            "先保存 {count} 次，再保存第 9 条记录；save 返回后断电"
        );
    }
    let Text { en, zh } = disk.moment();
    text!(
        "after {count} saves, one more, of record 9; a power cut {en} in that save",
        "先保存 {count} 次，再保存第 9 条记录；断电发生{zh}"
    )
}

#[test]
fn is_on_the_disk_once_it_is_ok() {
    check("power", rule(), || {
        if !works()? {
            return Ok(());
        }
        let told = ask(|| -> Result<(), Story> {
            for count in 0..4 {
                let disk = Disk::default();
                for n in (1..=7).take(count.into()) {
                    saved(&disk, n)?;
                }
                saved(&disk, 9)?;
                for bytes in disk.left_by_power_cut(64) {
                    let given = || cut_in_words(count, &disk, true);
                    one_of(found(&Disk::after_power_cut(&bytes)), &[Found::Number(9)], given)?;
                }
            }
            Ok(())
        })?;
        told.map_err(|story| story.shows(&belief::WRITTEN_IS_ON_THE_DISK))
    });
}

#[test]
fn goes_on_after_a_kill_or_a_power_cut() {
    let rule = text!(
        "What a killed process has written is read from the page cache, whether it is on the disk or not. Only a new \
         fsync(2) makes sure that it is.",
        "别的进程写过的内容，会从页缓存读回来，不管它是否落盘。只有自己再调用一次 fsync(2)，才能确定。"
    );
    check("power", rule, || {
        if !works()? || !survives()? {
            return Ok(());
        }
        let told = ask(|| -> Result<(), Story> {
            for count in 0..3 {
                let (disk, old) = with_records(count)?;
                killed_everywhere(&disk, 8, |first, _| {
                    let mut machines: Vec<_> =
                        first.left_by_power_cut(3).iter().map(|bytes| (Disk::after_power_cut(bytes), true)).collect();
                    machines.push((first.revived(), false));
                    // The second save may be of the same record, which an interrupted one has not made safe.
                    for ((second, cut), again) in machines.iter().flat_map(|machine| [(machine, 9), (machine, 8)]) {
                        let given = || {
                            let Text { en, zh } = first.moment();
                            let (how_en, how_zh) = if *cut {
                                ("a power cut", "断电")
                            } else {
                                ("the process is killed", "进程被杀死")
                            };
                            text!(
                                "{count} saved before; {how_en} {en} in the save of record 8; then record {again} is \
                                 saved, and there is a power cut",
                                "先保存 {count} 条记录；保存第 8 条时，{zh}{how_zh}；然后保存第 {again} 条，其间或之后断电"
                            )
                        };
                        let before = found(second);
                        one_of(before.clone(), &[old.clone(), Found::Number(8)], given)?;
                        // The interrupted record may appear later, though load has not found it: bytes of the new one
                        // can complete it.
                        let mut allowed = vec![Found::Number(again), before, Found::Number(8)];
                        if !cut {
                            allowed.push(old.clone());
                        }
                        killed_everywhere(second, again, |third, ended| {
                            let new = [Found::Number(again)];
                            let allowed = if ended { &new } else { allowed.as_slice() };
                            for bytes in third.left_by_power_cut(6) {
                                one_of(found(&Disk::after_power_cut(&bytes)), allowed, given)?;
                            }
                            Ok(())
                        })
                        .map_err(|story| Story { killed: !cut, ..story })?;
                    }
                    Ok(())
                })?;
            }
            chain_of_kills()
        })?;
        // Each has its own deadline.
        let told = match told {
            Ok(()) => ask(|| many_killed(false))?,
            told => told,
        };
        let told = match told {
            Ok(()) => ask(|| many_killed(true))?,
            told => told,
        };
        told.map_err(|story| match story.killed {
            true => story.shows(&belief::WHAT_IS_READ_IS_ON_THE_DISK),
            false => story.failure(),
        })
    });
}

/// A failure of saves and loads to which nothing happens.
fn whatever_the_file_says(failure: Failure) -> Failure {
    failure.breaks(
        "power",
        text!(
            "All that load goes by is in the file: after any number of saves, by any process, of records of any bytes.",
            "load 所依据的一切都在文件里：不管保存过多少次、由哪个进程保存、记录里是什么字节。"
        ),
    )
}

fn of_the_file(story: Story) -> Failure {
    whatever_the_file_says(story.failure())
}

/// Says in which function a call failed.
fn in_function(mut failure: Failure, name: &str) -> Failure {
    if let Some(Text { en, zh }) = failure.given.take() {
        failure.given = Some(Text::new(format!("in {name}, {en}"), format!("在 {name} 中，{zh}")));
    }
    failure
}

/// Kills two saves one after the other, and cuts the power in a third one.
fn chain_of_kills() -> Result<(), Story> {
    let (disk, old) = with_records(2)?;
    killed_everywhere(&disk, 8, |first, ended| {
        let old = if ended { Found::Number(8) } else { old.clone() };
        killed_everywhere(&first.revived(), 9, |second, ended| {
            let allowed = if ended {
                vec![Found::Number(9), Found::Number(10)]
            } else {
                vec![old.clone(), Found::Number(8), Found::Number(9), Found::Number(10)]
            };
            let given = || {
                let (one, two) = (first.moment(), second.moment());
                Text::new(
                    format!(
                        "2 saved before; the process is killed {} in the save of record 8, the next one {} in the save \
                         of record 9; then record 10 is saved, and there is a power cut",
                        one.en, two.en
                    ),
                    format!(
                        "先保存 2 条记录；保存第 8 条时，{}进程被杀死；下一个进程保存第 9 条时，{}被杀死；然后保存第 10 条，其间或之后断电",
                        one.zh, two.zh
                    ),
                )
            };
            killed_everywhere(&second.revived(), 10, |third, ended| {
                let new = [Found::Number(10)];
                let allowed = if ended { &new } else { allowed.as_slice() };
                for bytes in third.left_by_power_cut(2) {
                    one_of(found(&Disk::after_power_cut(&bytes)), allowed, given)?;
                }
                Ok(())
            })
            .map_err(|story| Story { killed: true, ..story })
        })
    })
}

/// Kills several saves, each before the same call, and cuts the power in the next one.
fn many_killed(interrupts: bool) -> Result<(), Story> {
    // More than there are places for records, in most layouts.
    let kills = if interrupts { 3 } else { 18 };
    let (mut disk, old) = with_records(2)?;
    (disk.interrupts, disk.interrupted) = (interrupts, Cell::new(interrupts));
    for call in 0.. {
        let mut last = disk.clone();
        for number in (3..=7).cycle().take(kills) {
            let killed = last.killed_before(call);
            let answer = super::save(&killed, &record(number));
            if !killed.was_killed() {
                return answer
                    .or_else(|error| save_failed(error, || text!("saves that are interrupted", "保存时调用被打断")));
            }
            last = killed.revived();
            if last.pending.borrow().is_empty() {
                break; // nothing was written before this call
            }
        }
        let moment = last.moment();
        let mut allowed: Vec<_> = (3..=7).chain([9]).map(Found::Number).collect();
        allowed.push(old.clone());
        let given = || {
            let (en, zh) = match interrupts {
                true => ("; every second call is interrupted (EINTR)", "；每隔一次调用就被打断一次（EINTR）"),
                false => Default::default(),
            };
            Text::new(
                format!(
                    "2 saved before; {kills} processes are killed, each {} in a save; then record 9 is saved, and there is \
                     a power cut{en}",
                    moment.en
                ),
                format!(
                    "先保存 2 条记录；{kills} 个进程在保存时被杀死，都是{}；然后保存第 9 条，其间或之后断电{zh}",
                    moment.zh
                ),
            )
        };
        killed_everywhere(&last, 9, |cut, ended| {
            let new = [Found::Number(9)];
            let allowed = if ended { &new } else { allowed.as_slice() };
            for bytes in cut.left_by_power_cut(2) {
                one_of(found(&Disk::after_power_cut(&bytes)), allowed, given)?;
            }
            Ok(())
        })
        .map_err(|story| Story { killed: !interrupts, ..story })?;
    }
    Ok(())
}

#[test]
fn returns_the_error_of_a_call() {
    check("loops", errno_rule(), || {
        if !works()? {
            return Ok(());
        }
        let disk = ask(|| with_records(2).map(|(disk, _)| disk.seen.take()))?.map_err(Story::failure)?;
        let start = || Disk::after_power_cut(&disk);
        each_error_is_returned(&ERRORS, |failing| {
            let disk = Disk { failing, ..start() };
            let answer = super::save(&disk, &record(9)).map_err(kind);
            (disk.failing, answer)
        })
        .map_err(|failure| in_function(failure, "save"))?;
        each_error_is_returned(&ERRORS, |failing| {
            let disk = Disk { failing, ..start() };
            let answer = crate::exercise::load(&disk).map(drop).map_err(kind);
            (disk.failing, answer)
        })
        .map_err(|failure| in_function(failure, "load"))?;
        if !survives()? {
            return Ok(());
        }
        // What a save leaves that has failed, but not in fsync(2).
        let told = ask(|| -> Result<(), Story> {
            for n in 0.. {
                let disk = start();
                disk.failing.after.set(Some((n, Errno::ENOSPC)));
                let _ = super::save(&disk, &record(9));
                let Some((nth, name)) = disk.failing.failed() else { break };
                if name == "fsync(2)" {
                    continue;
                }
                let given = || {
                    text!(
                        "2 saved before; call {nth} of {name} in the save of record 9 fails with ENOSPC",
                        "先保存 2 条记录；保存第 9 条时第 {nth} 次 {name} 以 ENOSPC 失败"
                    )
                };
                one_of(found(&disk), &[Found::Number(2), Found::Number(9)], given)?;
                for bytes in disk.left_by_power_cut(16) {
                    one_of(found(&Disk::after_power_cut(&bytes)), &[Found::Number(2), Found::Number(9)], given)?;
                }
                saved(&disk, 8)?;
                for bytes in disk.left_by_power_cut(16) {
                    one_of(found(&Disk::after_power_cut(&bytes)), &[Found::Number(8)], given)?;
                }
            }
            Ok(())
        })?;
        told.map_err(|story| {
            let rule = text!(
                "A save that fails has perhaps written a part: it counts as interrupted, and what it leaves in the page \
                 cache is not on the disk before an fsync(2).",
                "失败的 save 可能写了一部分：它算作被打断，它留在页缓存里的内容，要等 fsync(2) 才落盘。"
            );
            story.failure().breaks("power", rule)
        })
    });
}

#[test]
fn returns_the_error_of_fsync() {
    check("power", fsync_rule(), || {
        if !works()? {
            return Ok(());
        }
        let survives = survives()?;
        let told = ask(|| -> Result<Option<usize>, Story> {
            let (disk, old) = with_records(2)?;
            for n in 0.. {
                let disk = disk.clone();
                disk.syncs_left.set(Some(n));
                let answer = super::save(&disk, &record(9));
                if disk.syncs_left.get().is_some() {
                    return Ok(Some(n));
                }
                let call = n + 1;
                let given = || {
                    text!(
                        "fsync(2) number {call} of a save fails with EIO, then a power cut",
                        "一次 save 中第 {call} 次 fsync(2) 以 EIO 失败，随后断电"
                    )
                };
                let answer = answer.map_err(kind);
                if answer != Err("EIO".to_owned()) {
                    // Reported as the error that it should have returned.
                    let again = disk.after_failure.get() == Some("fsync(2)");
                    let returned = answer.map_or_else(Found::Failed, |()| Found::Number(9));
                    return one_of(returned, &[Found::Failed("EIO".to_owned())], given)
                        .map_err(|story| Story { asked_again: again, ..story })
                        .map(|()| None);
                }
                if !survives {
                    continue; // another check says so
                }
                for bytes in disk.left_by_power_cut(64) {
                    one_of(found(&Disk::after_power_cut(&bytes)), &[old.clone(), Found::Number(9)], given)?;
                }
            }
            Ok(None)
        })?;
        let syncs = told.map_err(|story| {
            let Text { en, zh } = Text::new(story.en.clone(), story.zh.clone());
            if story.allowed == [Found::Failed("EIO".to_owned())] {
                let happened = match &story.found {
                    Found::Failed(error) => text!("it returned the error {error}", "返回了错误 {error}"),
                    _ => text!("it returned Ok", "返回了 Ok"),
                };
                let failure = Failure::new(text!("save returns EIO", "save 返回 EIO"), happened).given(Text { en, zh });
                return if story.asked_again { failure.shows(&belief::FSYNC_CAN_BE_ASKED_AGAIN) } else { failure };
            }
            story.failure()
        })?;
        ensure(syncs != Some(0), || {
            Failure::new(text!("fsync(2) is called", "调用了 fsync(2)"), text!("it never was", "从未调用"))
                .shows(&belief::WRITTEN_IS_ON_THE_DISK)
        })
    });
}
