//! What the disk has of the files, and what a power cut leaves of them.
//!
//! Nobody knows when the kernel writes what has changed, and in which order. So of each byte the model keeps what the disk
//! may have: what it was at the last sync, and what it has been since. The same goes for the size of a file, and for what a
//! name leads to. A sync makes one of these certain again, and a power cut leaves any of them, each by itself, as in
//! [`crate::crash`]: there the histories of checks are played, page by page, and here a scenario, byte by byte.
//!
//! A file that is created is not on the disk yet: neither its name, which is a change of the directory, nor its bytes.
//!
//! After a cut the bytes that may be the one or the other are left open ([`Byte::Either`]). Names and sizes decide what a call
//! gives, so there is a model for each combination of them: all of them go on, and a line gives what it gives in any of them,
//! except in those where it is not applicable.

use core::mem::take;

use super::*;

/// What may be on the disk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Disk {
    /// Those that had a name once, while anything refers to them here or on the disk.
    files: BTreeMap<FileId, OnDisk>,
    /// Which files each name may lead to, the newest last; None where there may be no such name.
    names: BTreeMap<Name, Vec<Option<FileId>>>,
    /// For a denied rule, under which stores arrive in their order: the pages that were changed, the last one last.
    order: Vec<(FileId, u64)>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct OnDisk {
    /// In their order.
    sizes: Vec<u64>,
    /// A page that is not here is zeros.
    pages: BTreeMap<u64, Page>,
    /// Whether the next write fails, and whether it has begun to.
    refuses: bool,
    has_refused: bool,
    /// The pages that could not be written: they count as written until they change again.
    lost: Vec<u64>,
    /// Who has yet to be told of the error.
    untold: Vec<Description>,
}

/// An open file description, by its number: open(2) makes one, and fork(2) shares it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Description(u32);

impl Description {
    pub(super) fn next(&mut self) -> Description {
        self.0 += 1;
        *self
    }
}

/// The numbers are no part of what a model is, as those of the private copies: a file that was closed and opened again is what
/// it was.
impl PartialEq for Description {
    fn eq(&self, _: &Description) -> bool {
        true
    }
}

impl Eq for Description {}

impl core::hash::Hash for Description {
    fn hash<H: core::hash::Hasher>(&self, _: &mut H) {}
}

impl Model {
    /// A name leads to this file from now on, or to none. Returns where it has led.
    pub(super) fn set_name(&mut self, name: Name, file: Option<FileId>) -> Option<FileId> {
        if self.named.on_disk {
            let may_lead = self.disk.names.entry(name).or_insert_with(|| vec![None]);
            may_lead.retain(|other| *other != file);
            may_lead.push(file);
            if let Some(file) = file {
                self.disk.files.entry(file).or_insert_with(|| OnDisk { sizes: vec![0], ..OnDisk::default() });
            }
        }
        match file {
            Some(file) => self.names.insert(name, file),
            None => self.names.remove(&name),
        }
    }

    /// A file has this size from now on. One that grows becomes longer as its pages arrive, one after the other.
    pub(super) fn set_size(&mut self, file: FileId, size: u64) {
        let (page_size, before) = (u64::from(self.page_size), self.files[&file].size);
        self.file(file).size = size;
        let Some(on_disk) = self.disk.files.get_mut(&file) else { return };
        let ends = (before / page_size + 1..).map(|n| n * page_size).take_while(|end| *end < size);
        on_disk.sizes.extend(ends.chain([size]));
        in_order(&mut on_disk.sizes);
        // What comes to be a part of the file, or is cut off: zeros.
        self.note_change(file, before.min(size), before.max(size).next_multiple_of(page_size));
    }

    /// The bytes of a file have changed, up to the end of this range: the disk may have the new ones from now on.
    pub(super) fn note_change(&mut self, file: FileId, from: u64, to: u64) {
        let (page_size, denied) = (self.page_size, self.denied);
        let chunks = self.chunks(from, to);
        let (Some(on_disk), Some(File { size, pages, .. })) = (self.disk.files.get_mut(&file), self.files.get(&file))
        else {
            return;
        };
        for (number, places) in chunks {
            let own = index(size.saturating_sub(number * u64::from(page_size))).clamp(places.start, places.end);
            let cached = pages.get(&number);
            if cached.is_none() && !on_disk.pages.contains_key(&number) {
                continue;
            }
            if denied == Some(Rule::StoresArriveInAnyOrder) {
                self.disk.order.retain(|changed| *changed != (file, number));
                self.disk.order.push((file, number));
            }
            if denied == Some(Rule::UnsyncedMayBeThere) {
                continue;
            }
            on_disk.lost.retain(|lost| *lost != number);
            let page = on_disk.pages.entry(number).or_insert_with(|| Page::zeros(page_size));
            match cached {
                Some(cached) => page.may_be(places.start..own, cached),
                None => page.may_be_zeros(places.start..own),
            }
            page.may_be_zeros(own..places.end);
        }
    }

    pub(super) fn fsync(&mut self, process: Pid, name: Name) -> Result<Outcome, Outcome> {
        let Open { file, description, .. } = self.opened(process, name)?;
        if self.applies(Rule::FsyncWritesTheFile) {
            self.write_file(file);
            self.tell_an_error(file, description)?;
        }
        if self.denied == Some(Rule::FsyncOfAFileWritesNoName) {
            let own = self.names.iter().filter(|(_, leads)| **leads == file);
            self.disk.names.extend(own.map(|(name, file)| (*name, vec![Some(*file)])));
        }
        Ok(Outcome::Done)
    }

    /// The disk refuses the next write of the file.
    pub(super) fn fail(&mut self, process: Pid, name: Name) -> Result<Outcome, Outcome> {
        let Open { file, .. } = self.opened(process, name)?;
        self.because(Rule::FailedPagesCountAsWritten);
        self.disk.files.get_mut(&file).into_iter().for_each(|on_disk| on_disk.refuses = true);
        Ok(Outcome::Done)
    }

    /// Each that had the file open or mapped when a write has failed is told so, at its next sync.
    pub(super) fn tell_an_error(&mut self, file: FileId, to: Description) -> Result<(), Outcome> {
        let Some(on_disk) = self.disk.files.get_mut(&file) else { return Ok(()) };
        on_disk.refuses &= !core::mem::take(&mut on_disk.has_refused);
        if on_disk.untold.iter().all(|other| other.0 != to.0) {
            return Ok(());
        }
        if self.denied != Some(Rule::ErrorsAreToldOnce) {
            on_disk.untold.retain(|other| other.0 != to.0);
        }
        Err(self.refuse(Rule::ErrorsAreToldOnce, "EIO"))
    }

    /// Those that have the file open or mapped have yet to be told of an error.
    fn note_an_error(&mut self, file: FileId) {
        let open = self.processes.values().flat_map(|process| process.descriptors.values());
        let open = open.filter(|open| open.file == file).map(|open| open.description);
        let mapped = self.pages_of(file).map(|(slot, _)| slot.description);
        let untold = open.chain(mapped).collect();
        if let Some(on_disk) = self.disk.files.get_mut(&file) {
            on_disk.untold = untold;
        }
    }

    pub(super) fn fsync_directory(&mut self) -> Outcome {
        if self.applies(Rule::FsyncOfTheDirectoryWritesNames) {
            self.write_names();
        }
        Outcome::Done
    }

    fn write_names(&mut self) {
        let leads = self.names.iter().filter(|(_, file)| self.disk.files.contains_key(file));
        self.disk.names = leads.map(|(name, file)| (*name, vec![Some(*file)])).collect();
        let mut files = take(&mut self.disk.files);
        files.retain(|file, _| self.files.contains_key(file) && self.is_held(*file));
        self.disk.files = files;
    }

    /// All bytes of a file and its size are on the disk.
    pub(super) fn write_file(&mut self, file: FileId) {
        let Some(File { size, .. }) = self.files.get(&file) else { return };
        let (size, past) = (*size, size.div_ceil(u64::from(self.page_size)));
        if !self.write_pages(file, 0..past) {
            return;
        }
        if let Some(on_disk) = self.disk.files.get_mut(&file) {
            on_disk.sizes = vec![size];
            on_disk.pages.split_off(&past);
        }
    }

    /// These pages of a file are on the disk, and as much of its size as they need. False if the disk has refused them.
    pub(super) fn write_pages(&mut self, file: FileId, numbers: core::ops::Range<u64>) -> bool {
        let mut written = vec![(file, numbers)];
        if self.denied == Some(Rule::StoresArriveInAnyOrder) {
            // With the rule denied, all that was changed before them.
            let is_synced = |(other, number): &(FileId, u64)| written[0].0 == *other && written[0].1.contains(number);
            let first = self.disk.order.iter().rposition(is_synced).map_or(0, |last| last + 1);
            let rest = self.disk.order.split_off(first);
            let before = core::mem::replace(&mut self.disk.order, rest);
            written.extend(before.into_iter().map(|(file, number)| (file, number..number + 1)));
        }
        written.into_iter().all(|(file, numbers)| {
            let is_written = self.write_pages_of(file, numbers);
            if !is_written {
                self.note_an_error(file);
            }
            is_written
        })
    }

    fn write_pages_of(&mut self, file: FileId, numbers: core::ops::Range<u64>) -> bool {
        let retries = self.denied == Some(Rule::FailedPagesCountAsWritten);
        let page_size = u64::from(self.page_size);
        let (Some(on_disk), Some(File { size, pages, .. })) = (self.disk.files.get_mut(&file), self.files.get(&file))
        else {
            return true;
        };
        let (mut needed, mut is_written) = (0, true);
        for number in numbers.start..numbers.end.min(size.div_ceil(page_size)) {
            let (cached, there) = (pages.get(&number), on_disk.pages.get(&number));
            if cached.is_none() && there.is_none() {
                continue;
            }
            let mut page = cached.cloned().unwrap_or_else(|| Page::zeros(self.page_size));
            let own = index((size - number * page_size).min(page_size));
            page.fill(own..page.len(), Byte::Is(0));
            // A page that has not changed is not written.
            if there == Some(&page) || on_disk.lost.contains(&number) && !retries {
                continue;
            }
            if on_disk.refuses {
                on_disk.lost.push(number);
                on_disk.has_refused = true;
                is_written = false;
                continue;
            }
            on_disk.pages.insert(number, page);
            needed = number * page_size + own as u64;
        }
        on_disk.sizes.retain(|size| *size >= needed);
        is_written
    }

    /// Each of what the disk may have goes on as a model of its own. The first is the one to which the newest of all has come.
    pub(super) fn cut(&mut self) -> Result<Outcome, Outcome> {
        if !self.applies(Rule::CutsLeaveTheDisk) {
            let files: Vec<FileId> = self.disk.files.keys().copied().collect();
            files.into_iter().for_each(|file| self.write_file(file));
            self.write_names();
        }
        let mut disks = vec![(BTreeMap::new(), Vec::new())];
        for (name, may_lead) in &self.disk.names {
            disks = each_with(disks, |disk| {
                let with = |file: Option<FileId>| {
                    let (mut names, sizes) = disk.clone();
                    names.extend(file.map(|file| (*name, file)));
                    (names, sizes)
                };
                may_lead.iter().rev().copied().map(with).collect()
            });
        }
        for (file, OnDisk { sizes: may_be, .. }) in &self.disk.files {
            let newest = self.files.get(file).map(|file| file.size);
            let older = may_be.iter().rev().copied().filter(|size| Some(*size) != newest);
            let may_be: Vec<u64> = newest.into_iter().chain(older).collect();
            disks = each_with(disks, |disk| {
                let with = |size: u64| {
                    let (names, mut sizes) = disk.clone();
                    sizes.push((*file, size));
                    (names, sizes)
                };
                let is_named = disk.0.values().any(|named| named == file);
                if is_named { may_be.iter().copied().map(with).collect() } else { vec![disk.clone()] }
            });
        }
        self.room(Limit::Disks, disks.len() <= Model::MOST_DISKS)?;
        let mut left = disks.into_iter().map(|(names, sizes)| self.left_by_a_cut(names, &sizes));
        if let Some(first) = left.next() {
            let others = left.collect();
            *self = Model { others, ..first };
        }
        Ok(Outcome::Done)
    }

    /// The model in which the disk has these names and sizes.
    fn left_by_a_cut(&self, names: BTreeMap<Name, FileId>, sizes: &[(FileId, u64)]) -> Model {
        let page_size = u64::from(self.page_size);
        let (mut files, mut disk) = (BTreeMap::new(), Disk::default());
        disk.names = names.iter().map(|(name, file)| (*name, vec![Some(*file)])).collect();
        for (id, size) in sizes {
            let mut pages = self.disk.files[id].pages.clone();
            pages.split_off(&size.div_ceil(page_size));
            disk.files.insert(*id, OnDisk { sizes: vec![*size], pages: pages.clone(), ..OnDisk::default() });
            let own = index(size % page_size);
            if let Some(last) = pages.get_mut(&(size / page_size)) {
                // What was written past this end may be there, or zeros.
                last.may_be_zeros(own..last.len());
            }
            files.insert(*id, File { size: *size, pages, mtime: Mtime::Perhaps, ..File::default() });
        }
        Model {
            processes: BTreeMap::from([(Pid::FIRST, Process::default())]),
            files,
            names,
            disk,
            was_cut: true,
            others: Vec::new(),
            unsynced: Vec::new(),
            ..self.clone()
        }
    }

    /// What all of the models know of the disk.
    pub(super) fn disk_state(&self) -> DiskState {
        let models = || core::iter::once(self).chain(&self.others);
        let (mut names, mut files) = (BTreeMap::<Name, Vec<_>>::new(), BTreeMap::<FileId, OnDisk>::new());
        for name in models().flat_map(|model| model.disk.names.keys()) {
            let mut may_lead: Vec<_> =
                models().flat_map(|model| model.disk.names.get(name).cloned().unwrap_or(vec![None])).collect();
            in_order(&mut may_lead);
            names.insert(*name, may_lead);
        }
        for (file, on_disk) in models().flat_map(|model| &model.disk.files) {
            let known = files.entry(*file).or_insert_with(|| on_disk.clone());
            known.sizes.extend(&on_disk.sizes);
            in_order(&mut known.sizes);
            for (number, page) in &on_disk.pages {
                let all = known.pages.entry(*number).or_insert_with(|| page.clone());
                all.may_be(0..page.len(), page);
            }
        }
        let page_size = u64::from(self.page_size);
        let files = files.into_iter().map(|(file, OnDisk { sizes, pages, .. })| {
            let past = sizes.last().map_or(0, |size| size.div_ceil(page_size));
            let page = |number| pages.get(&number).map(|page| page.bytes(0..page.len()).to_vec());
            FileOnDisk { number: file + 1, sizes, pages: (0..past).map(page).collect() }
        });
        // The newest first is how they are told everywhere.
        let leads = |(name, may_lead): (Name, Vec<Option<FileId>>)| {
            let may_lead: Vec<_> = may_lead.into_iter().rev().map(|file| file.map(|file| file + 1)).collect();
            (may_lead != [None]).then_some((name, may_lead))
        };
        DiskState {
            names: names.into_iter().filter_map(leads).collect(),
            files: files.collect(),
            disks: models().count(),
        }
    }

    /// Performs a line in each of the models that a power cut has left.
    pub(super) fn step_all(&mut self, process: Pid, operation: &Operation) -> (Outcome, Rule) {
        let (happened, others) = (self.happened.take(), take(&mut self.others));
        let mut steps = Vec::new();
        for mut model in core::iter::once(self.clone()).chain(others) {
            let before = model.clone();
            model.happened.clone_from(&happened);
            let (outcome, rule) = model.step_alone(process, operation);
            self.passed = self.passed.or(model.passed);
            steps.push((outcome, rule, model, before));
        }
        if steps.iter().all(|(outcome, ..)| *outcome == Outcome::NotApplicable) {
            self.others = steps.into_iter().skip(1).map(|(.., before)| before).collect();
            return (Outcome::NotApplicable, Rule::NotApplicable);
        }
        // Where the line is not applicable, the scenario can't go on.
        steps.retain(|(outcome, ..)| *outcome != Outcome::NotApplicable);
        if let Some(happened) = &happened
            && steps.iter().any(|(outcome, ..)| outcome.allows(happened))
        {
            steps.retain(|(outcome, ..)| outcome.allows(happened));
        }
        let mut outcomes = Vec::new();
        for (outcome, ..) in &steps {
            let several = if let Outcome::OneOf(several) = outcome { several } else { core::slice::from_ref(outcome) };
            several.iter().for_each(|one| outcomes.extend((!outcomes.contains(one)).then(|| one.clone())));
        }
        let rule = if outcomes.len() > 1 { Rule::UnsyncedVaries } else { steps[0].1 };
        let mut models: Vec<Model> = Vec::new();
        for (.., mut model, _) in steps {
            let more = take(&mut model.others);
            models.push(model);
            models.extend(more);
        }
        if models.len() > Model::MOST_DISKS {
            self.passed = Some(Limit::Disks);
            return (Outcome::NotApplicable, Rule::NotApplicable);
        }
        let others = models.split_off(1);
        let passed = self.passed;
        models.into_iter().for_each(|first| *self = Model { others: others.clone(), passed, ..first });
        (if outcomes.len() > 1 { Outcome::OneOf(outcomes) } else { outcomes.remove(0) }, rule)
    }
}

/// What each of these becomes, and no more than are too many.
fn each_with<T>(all: Vec<T>, becomes: impl Fn(&T) -> Vec<T>) -> Vec<T> {
    all.iter().flat_map(becomes).take(Model::MOST_DISKS + 1).collect()
}

fn in_order<T: Ord>(all: &mut Vec<T>) {
    all.sort_unstable();
    all.dedup();
}
