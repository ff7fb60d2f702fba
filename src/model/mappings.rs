//! How a mapping is made, changed and removed.

use super::*;

impl Model {
    pub(super) fn map(&mut self, process: Pid, name: Name, request: &Request) -> Result<Outcome, Outcome> {
        let length = self.size(request.length)?;
        if self.process(process).mappings.get(&name).is_some_and(|mapping| !mapping.gone) {
            return Err(Outcome::NotApplicable);
        }
        self.room_for_mapping(process, name)?;
        self.room_for_pages(process, 0, index(length.div_ceil(u64::from(self.page_size))))?;
        self.check_numbers(process, request)?;
        let slots = self.new_pages(process, request)?;
        let count = slots.len();
        let mapping = Region { length, gone: false, parted: false, touched: false, slots };
        self.process(process).mappings.insert(name, mapping);
        if request.populate {
            self.touch_pages(process, name, 0..count, Rule::PopulatingTouchesEachPage);
        }
        Ok(Outcome::Done)
    }

    pub(super) fn map_at(
        &mut self,
        process: Pid,
        name: Name,
        place: Amount,
        request: &Request,
        placing: Option<Placing>,
    ) -> Result<Outcome, Outcome> {
        let (at, length, page_size) = (self.size(place)?, self.size(request.length)?, u64::from(self.page_size));
        let (first, count) = (index(at / page_size), index(length.div_ceil(page_size)));
        let mapping = self.mapping(process, name)?;
        let all = mapping.slots.len();
        let replaces = mapping.slots.iter().skip(first).take(count).any(Option::is_some);
        self.room_for_pages(process, 0, (first + count).saturating_sub(all))?;
        self.check_numbers(process, request)?;
        if at % page_size != 0 && self.applies(Rule::PartsArePageAligned) {
            return Err(self.refuse(Rule::PartsArePageAligned, "EINVAL"));
        }
        if replaces {
            let noreplace = placing == Some(Placing::NoReplace);
            let rule = if noreplace { Rule::NoreplaceRefuses } else { Rule::FixedReplaces };
            if noreplace == self.applies(rule) {
                return Err(self.refuse(rule, "EEXIST"));
            }
            if let Source::File(descriptor, _) = request.source {
                // Some kernels unmap what is there first, and then find out that the file can't be mapped.
                let Open { file, .. } = self.opened(process, descriptor)?;
                if self.has_seals(file) || !self.file_system(file).shared_mappings {
                    return Err(Outcome::NotApplicable);
                }
            }
        }
        let slots = self.new_pages(process, request)?;
        self.because(Rule::FixedReplaces);
        let mapping = self.mapping(process, name)?;
        mapping.put(first, at, Region { length, gone: false, parted: true, touched: false, slots });
        if request.populate {
            self.touch_pages(process, name, first..first + count, Rule::PopulatingTouchesEachPage);
        }
        Ok(Outcome::Done)
    }

    /// Whether there is room for a mapping of this name, which it may have already.
    pub(super) fn room_for_mapping(&mut self, process: Pid, name: Name) -> Result<(), Outcome> {
        let others = self.process(process).mappings.keys().filter(|other| **other != name).count();
        self.room(Limit::Mappings, others < Model::MOST_NAMES)
    }

    /// Whether there is room for pages of a process in place of some others.
    pub(super) fn room_for_pages(&mut self, process: Pid, before: usize, after: usize) -> Result<(), Outcome> {
        let mapped: usize = self.process(process).mappings.values().map(Region::pages).sum();
        self.room(Limit::MappedPages, (mapped - before.min(mapped) + after) as u64 <= Model::MOST_PAGES)
    }

    /// Refuses the numbers that mmap(2) refuses for any file.
    fn check_numbers(&mut self, process: Pid, request: &Request) -> Result<(), Outcome> {
        if let Source::File(descriptor, offset) = request.source {
            self.opened(process, descriptor)?;
            if self.size(offset)? % u64::from(self.page_size) != 0 && self.applies(Rule::OffsetsArePageAligned) {
                return Err(self.refuse(Rule::OffsetsArePageAligned, "EINVAL"));
            }
        }
        if self.size(request.length)? == 0 && self.applies(Rule::MappingsHaveALength) {
            return Err(self.refuse(Rule::MappingsHaveALength, "EINVAL"));
        }
        Ok(())
    }

    /// The pages of a new mapping.
    fn new_pages(&mut self, process: Pid, request: &Request) -> Result<Vec<Option<PageEntry>>, Outcome> {
        let Request { protection, .. } = *request;
        let shared = request.sharing == Sharing::Shared;
        let (length, page_size) = (self.size(request.length)?, u64::from(self.page_size));
        let (file, may_write, may_execute) = match request.source {
            Source::File(descriptor, offset) => {
                self.because(Rule::MappingCopiesNothing);
                let (open, offset) = (self.opened(process, descriptor)?, self.size(offset)?);
                let (may_write, may_execute) = self.may_map(open, shared, protection)?;
                if offset + length > self.files[&open.file].size && !self.applies(Rule::MappingIgnoresTheFileSize) {
                    return Err(self.refuse(Rule::MappingIgnoresTheFileSize, "EINVAL"));
                }
                (Some((open.file, offset / page_size)), may_write, may_execute)
            }
            Source::Anonymous => {
                self.because(Rule::NewMemoryIsZeros);
                // Memory that parent and child share is a file without a name, in the kernel and here.
                let file = match shared {
                    true => Some(self.new_file(length.next_multiple_of(page_size), None)?),
                    false => None,
                };
                file.into_iter().for_each(|file| self.file(file).anonymous = true);
                (file.map(|file| (file, 0)), true, true)
            }
        };
        let area = Area {
            protection,
            shared,
            may_write,
            may_execute,
            locked: false,
            left_at_fork: false,
            wiped_at_fork: false,
        };
        let description = match request.source {
            Source::File(descriptor, _) => self.opened(process, descriptor)?.description,
            Source::Anonymous => Description::default(),
        };
        let size_then = file.map_or(0, |(file, _)| self.files[&file].size);
        let mut slots = Vec::new();
        for number in 0..length.div_ceil(page_size) {
            let file = file.map(|(file, first)| (file, first + number));
            let snapshot = file.filter(|(file, page)| {
                let rule = if shared { Rule::MappingsShowTheFile } else { Rule::MappingCopiesNothing };
                !self.is_past_the_end(*file, page * page_size) && self.denied == Some(rule)
            });
            let copy = snapshot.map(|(file, page)| self.copied(file, page));
            slots.push(Some(PageEntry {
                area,
                file,
                copy,
                guarded: false,
                table: TableEntry::Absent,
                pinned: false,
                size_then,
                inherited: false,
                description,
            }));
        }
        Ok(slots)
    }

    /// Refuses a mapping that the descriptor's access, the file system or a seal forbids; else whether it can ever be
    /// stored to, and executed.
    fn may_map(&mut self, open: Open, shared: bool, protection: Protection) -> Result<(bool, bool), Outcome> {
        if open.access == Access::WriteOnly && self.applies(Rule::MappingNeedsReadAccess) {
            return Err(self.refuse(Rule::MappingNeedsReadAccess, "EACCES"));
        }
        let for_writing = open.access != Access::ReadOnly;
        let may_execute = self.file_system(open.file).executable;
        let refuses = shared && writes(protection) && !for_writing;
        if protection == Protection::ReadExecute
            && !refuses
            && may_execute == (self.denied == Some(Rule::NoexecForbidsCode))
        {
            return Err(self.refuse(Rule::NoexecForbidsCode, "EPERM"));
        }
        if !shared {
            if !for_writing && writes(protection) && !self.applies(Rule::PrivateWritingNeedsNoWriteAccess) {
                return Err(self.refuse(Rule::PrivateWritingNeedsNoWriteAccess, "EACCES"));
            }
            return Ok((true, may_execute));
        }
        if writes(protection) && !for_writing && self.applies(Rule::SharedWritingNeedsWriteAccess) {
            return Err(self.refuse(Rule::SharedWritingNeedsWriteAccess, "EACCES"));
        }
        let possible = self.file_system(open.file).shared_mappings;
        if possible != self.applies(Rule::FileSystemsMayRefuseSharing) {
            return Err(self.refuse(Rule::FileSystemsMayRefuseSharing, "ENODEV"));
        }
        let sealed = self.is_sealed(open.file, &[Seal::Write, Seal::FutureWrite]);
        if sealed && writes(protection) && self.applies(Rule::SealWriteForbidsMapping) {
            return Err(self.refuse(Rule::SealWriteForbidsMapping, "EPERM"));
        }
        if self.is_sealed(open.file, &[Seal::Write]) && !writes(protection) {
            let refused = self.refuse(Rule::SealedMappingsNeedLinux67, "EPERM");
            let outcomes = [refused.clone(), Outcome::Done];
            if self.leave_open(Rule::SealedMappingsNeedLinux67, outcomes) != Some(Outcome::Done) {
                return Err(refused);
            }
        }
        Ok((for_writing && !sealed || writes(protection), may_execute))
    }

    /// The first page of a mapping, or of a part of it, and the number of pages, which may go past the mapping's end.
    pub(super) fn pages(&mut self, process: Pid, name: Name, part: Option<Range>) -> Result<(usize, usize), Outcome> {
        let page_size = u64::from(self.page_size);
        let all = self.mapping(process, name)?.slots.len();
        let Some(Range { place, length }) = part else { return Ok((0, all)) };
        let (at, length) = (self.size(place)?, self.size(length)?);
        if at % page_size != 0 && self.applies(Rule::PartsArePageAligned) {
            return Err(self.refuse(Rule::PartsArePageAligned, "EINVAL"));
        }
        let (first, past) = (at / page_size, (at + length).div_ceil(page_size));
        let whole = |pages: u64| usize::try_from(pages).unwrap_or(all);
        Ok((whole(first), if length == 0 { 0 } else { whole(past - first) }))
    }

    /// Of these pages of a mapping, how many come before the first that is not mapped; None if all are mapped.
    pub(super) fn hole(
        &mut self,
        process: Pid,
        name: Name,
        (first, count): (usize, usize),
    ) -> Result<Option<usize>, Outcome> {
        let slots = &self.mapping(process, name)?.slots;
        Ok((first..first + count).position(|number| slots.get(number).is_none_or(Option::is_none)))
    }

    pub(super) fn unmap(&mut self, process: Pid, name: Name, part: Option<Range>) -> Result<Outcome, Outcome> {
        let all = self.mapping(process, name)?.slots.len();
        let (first, count) = self.pages(process, name, part)?;
        if count == 0 && self.applies(Rule::MappingsHaveALength) {
            return Err(self.refuse(Rule::MappingsHaveALength, "EINVAL"));
        }
        let (first, count) = match self.applies(Rule::UnmapRemovesTheGivenPages) {
            true => (first, count),
            false => (0, all),
        };
        let mapping = self.mapping(process, name)?;
        let gone: Vec<_> = mapping.slots.iter_mut().skip(first).take(count).filter_map(Option::take).collect();
        mapping.gone |= part.is_none();
        for slot in gone {
            if let Some((file, number)) = slot.file.filter(|_| slot.area.shared)
                && self.denied == Some(Rule::UnmappingPromisesNothing)
            {
                self.write_pages(file, number..number + 1);
            }
            if let Some((file, number)) = slot.file.filter(|_| slot.area.shared)
                && !self.applies(Rule::UnmapLeavesTheCache)
            {
                let page = self.start_of(number)..self.start_of(number + 1);
                self.lose_stores(process, |stored_to, at| stored_to == file && page.contains(&at));
            }
            let (Some((file, number)), Some(copy)) = (slot.file, slot.copy) else { continue };
            if slot.area.shared || !self.applies(Rule::UnmapDiscardsCopies) {
                self.put_page(file, number, copy);
            }
        }
        Ok(Outcome::Done)
    }

    pub(super) fn protect(
        &mut self,
        process: Pid,
        name: Name,
        protection: Protection,
        part: Option<Range>,
    ) -> Result<Outcome, Outcome> {
        let (first, count) = self.pages(process, name, part)?;
        let hole = self.hole(process, name, (first, count))?;
        let stops = hole.is_none() || self.applies(Rule::ProtectStopsAtAHole);
        self.note_part(process, name, part);
        for number in first..first + if stops { hole.unwrap_or(count) } else { 0 } {
            let Some(area) = self.slot(process, name, number).map(|slot| slot.area) else { break };
            if writes(protection) && !area.may_write && self.applies(Rule::ProtectIsLimited) {
                return Err(self.refuse(Rule::ProtectIsLimited, "EACCES"));
            }
            if protection == Protection::ReadExecute && area.may_execute != self.applies(Rule::NoexecForbidsCode) {
                return Err(self.refuse(Rule::NoexecForbidsCode, "EACCES"));
            }
            self.change_areas(process, name, (number, 1), |area| area.protection = protection);
            if let Some(slot) = self.slot(process, name, number) {
                slot.table = TableEntry::Unknown;
            }
            if area.locked && !area.shared && writes(protection) && !writes(area.protection) {
                self.touch_pages(process, name, number..number + 1, Rule::LockingTouchesEachPage);
            }
        }
        match hole {
            Some(_) => Err(self.refuse(Rule::ProtectStopsAtAHole, "ENOMEM")),
            None => {
                self.because(Rule::ProtectIsLimited);
                Ok(Outcome::Done)
            }
        }
    }

    /// The kernel may have several areas for a mapping of which a part is changed.
    pub(super) fn note_part(&mut self, process: Pid, name: Name, part: Option<Range>) {
        let mapping = self.process(process).mappings.get_mut(&name);
        mapping.into_iter().for_each(|mapping| mapping.parted |= part.is_some());
    }

    /// Changes the areas of these pages of a mapping, which are mapped.
    pub(super) fn change_areas(
        &mut self,
        process: Pid,
        name: Name,
        (first, count): (usize, usize),
        change: impl Fn(&mut Area),
    ) {
        let Some(mapping) = self.process(process).mappings.get_mut(&name) else { return };
        mapping.slots.iter_mut().skip(first).take(count).flatten().for_each(|slot| change(&mut slot.area));
    }

    pub(super) fn sync(
        &mut self,
        process: Pid,
        name: Name,
        how: Syncing,
        part: Option<Range>,
    ) -> Result<Outcome, Outcome> {
        let (first, count) = self.pages(process, name, part)?;
        let hole = self.hole(process, name, (first, count))?;
        let locked = |slot: &PageEntry| slot.area.locked;
        if how == Syncing::Invalidate
            && self.mapping(process, name)?.slots.iter().skip(first).take(count).flatten().any(locked)
            && self.applies(Rule::LockedPagesStay)
        {
            return Err(self.refuse(Rule::LockedPagesStay, "EBUSY"));
        }
        if hole.is_some() && self.applies(Rule::SyncNeedsMappedPages) {
            return Err(self.refuse(Rule::SyncNeedsMappedPages, "ENOMEM"));
        }
        self.because(Rule::SyncChangesNothingVisible);
        let mut through = Vec::new();
        for number in first..first + count {
            let Some(slot) = self.slot(process, name, number) else { continue };
            let (Some((file, page)), shared, copy) = (slot.file, slot.area.shared, slot.copy.clone()) else { continue };
            let saves = match (shared, &copy) {
                (true, _) => self.denied == Some(Rule::SharedStoresChangeTheFile),
                (false, None) => false,
                (false, Some(_)) => !self.applies(Rule::SyncIgnoresCopies),
            };
            if let Some(copy) = copy.filter(|_| saves) {
                self.put_page(file, page, copy);
            }
            if saves && shared || !self.applies(Rule::SyncChangesNothingVisible) {
                self.slot(process, name, number).into_iter().for_each(|slot| slot.copy = None);
            }
            let writes = match how {
                Syncing::Sync | Syncing::Invalidate => self.denied != Some(Rule::SyncWritesItsPages),
                Syncing::Async => self.denied == Some(Rule::AsyncPromisesNothing),
            };
            if shared && writes {
                self.write_pages(file, page..page + 1);
                let description = self.slot(process, name, number).map(|slot| slot.description);
                through.extend(description.map(|description| (file, description)));
            }
            let synced = self.start_of(page)..self.start_of(page + 1);
            self.unsynced.retain(|(_, stored_to, at, _)| *stored_to != file || !synced.contains(at));
        }
        for (file, description) in through {
            self.tell_an_error(file, description)?;
        }
        Ok(Outcome::Done)
    }
}

impl Region {
    /// The number of its pages, with those that are not mapped any more.
    fn pages(&self) -> usize {
        if self.gone { 0 } else { self.slots.len() }
    }

    /// Puts the pages of another one in the place of these from `first` on, which is `start` bytes from here.
    pub(super) fn put(&mut self, first: usize, start: u64, other: Region) {
        let past = first + other.slots.len();
        if self.slots.len() < past {
            self.slots.resize(past, None);
        }
        let table = |slot: &mut PageEntry| slot.table = TableEntry::Unknown;
        for (here, page) in self.slots[first..].iter_mut().zip(other.slots) {
            *here = page;
            here.iter_mut().filter(|_| self.touched).for_each(table);
        }
        (self.parted, self.gone) = (true, false);
        self.touched |= other.touched;
        self.length = self.length.max(start + other.length);
    }
}
