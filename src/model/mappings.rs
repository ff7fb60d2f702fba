//! How a mapping is made, changed and removed.

use super::*;

impl Model {
    pub(super) fn map(&mut self, process: Pid, name: Name, request: &Request) -> Result<Outcome, Outcome> {
        let Request { protection, .. } = *request;
        let shared = request.sharing == Sharing::Shared;
        let (length, page_size) = (self.size(request.length)?, u64::from(self.page_size));
        let mappings = &self.process(process).mappings;
        if mappings.get(&name).is_some_and(|mapping| !mapping.gone) {
            return Err(Outcome::NotApplicable);
        }
        let mapped: usize = mappings.values().filter(|mapping| !mapping.gone).map(|mapping| mapping.slots.len()).sum();
        let few = mappings.keys().filter(|other| **other != name).count() < Model::MOST_NAMES;
        self.room(Limit::Mappings, few)?;
        self.room(Limit::MappedPages, mapped as u64 + length.div_ceil(page_size) <= Model::MOST_PAGES)?;
        let opened = match request.source {
            Source::File(descriptor, offset) => Some((self.opened(process, descriptor)?, self.size(offset)?)),
            Source::Anonymous => None,
        };
        if opened.is_some_and(|(_, offset)| offset % page_size != 0) && self.applies(Rule::OffsetsArePageAligned) {
            return Err(self.refuse(Rule::OffsetsArePageAligned, "EINVAL"));
        }
        if length == 0 && self.applies(Rule::MappingsHaveALength) {
            return Err(self.refuse(Rule::MappingsHaveALength, "EINVAL"));
        }
        self.because(if opened.is_some() { Rule::MappingCopiesNothing } else { Rule::NewMemoryIsZeros });
        let (file, may_write) = match opened {
            Some((open, offset)) => {
                let may_write = self.may_map(open, shared, protection)?;
                if offset + length > self.files[&open.file].size && !self.applies(Rule::MappingIgnoresTheFileSize) {
                    return Err(self.refuse(Rule::MappingIgnoresTheFileSize, "EINVAL"));
                }
                (Some((open.file, offset / page_size)), may_write)
            }
            // Memory that parent and child share is a file without a name, in the kernel and here.
            None if shared => (Some((self.new_file(length.next_multiple_of(page_size), None)?, 0)), true),
            None => (None, true),
        };
        let mut slots = Vec::new();
        for number in 0..length.div_ceil(page_size) {
            let snapshot = file.filter(|(file, first)| {
                let there = (first + number) * page_size < self.files[file].size;
                let rule = if shared { Rule::MappingsShowTheFile } else { Rule::MappingCopiesNothing };
                there && self.denied == Some(rule)
            });
            let copy = snapshot.map(|(file, first)| self.cached(file, first + number));
            slots.push(Some(PageEntry { protection, copy }));
        }
        let size_then = file.map_or(0, |(file, _)| self.files[&file].size);
        let mapping =
            Region { file, shared, may_write, length, size_then, inherited: false, gone: false, parted: false, slots };
        self.process(process).mappings.insert(name, mapping);
        if request.populate && !shared && writes(protection) {
            for number in 0..usize::try_from(length.div_ceil(page_size)).unwrap_or(usize::MAX) {
                // Where it can't go on, nobody is told.
                let at = number as u64 * page_size;
                if self.access(process, name, at, true).is_err() || !self.applies(Rule::PopulatingTouchesEachPage) {
                    break;
                }
                self.copy_page(process, name, number);
            }
        }
        Ok(Outcome::Done)
    }

    /// Refuses a mapping that the descriptor's access or a seal forbids; else whether it can ever be stored to.
    pub(super) fn may_map(&mut self, open: Open, shared: bool, protection: Protection) -> Result<bool, Outcome> {
        if open.access == Access::WriteOnly && self.applies(Rule::MappingNeedsReadAccess) {
            return Err(self.refuse(Rule::MappingNeedsReadAccess, "EACCES"));
        }
        let for_writing = open.access != Access::ReadOnly;
        if !shared {
            if !for_writing && writes(protection) && !self.applies(Rule::PrivateWritingNeedsNoWriteAccess) {
                return Err(self.refuse(Rule::PrivateWritingNeedsNoWriteAccess, "EACCES"));
            }
            return Ok(true);
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
        Ok(for_writing && !sealed || writes(protection))
    }

    /// The first page of a mapping, or of a part of it, and the number of pages, which may go past the mapping's end.
    fn pages(&mut self, process: Pid, name: Name, part: Option<Range>) -> Result<(usize, usize), Outcome> {
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
    fn hole(&mut self, process: Pid, name: Name, (first, count): (usize, usize)) -> Result<Option<usize>, Outcome> {
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
        let (file, shared) = (mapping.file, mapping.shared);
        let gone = mapping.slots.iter_mut().skip(first).take(count).map(Option::take).collect::<Vec<_>>();
        if part.is_none() {
            (mapping.gone, mapping.file) = (true, None);
        }
        let copies = (first as u64..).zip(gone).filter_map(|(n, slot)| slot?.copy.map(|copy| (n, copy)));
        for (number, copy) in copies.collect::<Vec<_>>() {
            let saved = shared || !self.applies(Rule::UnmapDiscardsCopies);
            if let Some((file, start)) = file.filter(|_| saved) {
                self.put_page(file, start + number, copy);
            }
        }
        Ok(Outcome::Done)
    }

    pub(super) fn remap(&mut self, process: Pid, name: Name, length: Amount) -> Result<Outcome, Outcome> {
        let (length, page_size) = (self.size(length)?, u64::from(self.page_size));
        let all = self.processes.get(&process).into_iter().flat_map(|process| process.mappings.values());
        let mapped: usize = all.map(|mapping| mapping.slots.len()).sum();
        let mapping = self.mapping(process, name)?;
        let (file, parted, before) = (mapping.file, mapping.parted, mapping.slots.len());
        let count = usize::try_from(length.div_ceil(page_size)).map_err(|_| Outcome::NotApplicable)?;
        let same = |slot: &Option<PageEntry>, other: &Option<PageEntry>| {
            slot.as_ref().map(|slot| slot.protection) == other.as_ref().map(|slot| slot.protection)
        };
        let in_one = mapping.slots.windows(2).all(|pair| same(&pair[0], &pair[1]));
        let first = mapping.slots.first().and_then(|slot| slot.as_ref()).map(|slot| slot.protection);
        self.room(Limit::MappedPages, (mapped - before + count) as u64 <= Model::MOST_PAGES)?;
        if length == 0 && self.applies(Rule::MappingsHaveALength) {
            return Err(self.refuse(Rule::MappingsHaveALength, "EINVAL"));
        }
        let Some(protection) = first else { return Err(self.refuse(Rule::RemapNeedsOneArea, "EFAULT")) };
        if count > before {
            if !in_one && self.applies(Rule::RemapNeedsOneArea) {
                return Err(self.refuse(Rule::RemapNeedsOneArea, "EFAULT"));
            }
            if in_one && parted {
                let refused = self.refuse(Rule::PartsMayBecomeOneArea, "EFAULT");
                let outcomes = [refused.clone(), Outcome::Done];
                if self.leave_open(Rule::PartsMayBecomeOneArea, outcomes) != Some(Outcome::Done) {
                    return Err(refused);
                }
            }
        }
        if self.applies(Rule::RemapChangesTheLength) {
            let mapping = self.mapping(process, name)?;
            mapping.slots.resize(count, Some(PageEntry { protection, copy: None }));
            mapping.length = length;
        }
        if let Some((file, start)) = file
            && !self.applies(Rule::RemapChangesNoFile)
        {
            let size = self.files[&file].size.max(start * page_size + length);
            self.file(file).size = size;
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
        let may_write = self.mapping(process, name)?.may_write;
        if count > 0 && hole != Some(0) && writes(protection) && !may_write && self.applies(Rule::ProtectIsLimited) {
            return Err(self.refuse(Rule::ProtectIsLimited, "EACCES"));
        }
        let changed = match hole {
            Some(_) if !self.applies(Rule::ProtectStopsAtAHole) => 0,
            Some(hole) => hole,
            None => count,
        };
        let mapping = self.mapping(process, name)?;
        mapping.parted |= changed > 0 && changed < mapping.slots.len();
        mapping.slots.iter_mut().skip(first).take(changed).flatten().for_each(|slot| slot.protection = protection);
        match hole {
            Some(_) => Err(self.refuse(Rule::ProtectStopsAtAHole, "ENOMEM")),
            None => {
                self.because(Rule::ProtectIsLimited);
                Ok(Outcome::Done)
            }
        }
    }

    pub(super) fn dont_need(&mut self, process: Pid, name: Name, part: Option<Range>) -> Result<Outcome, Outcome> {
        let (first, count) = self.pages(process, name, part)?;
        let hole = self.hole(process, name, (first, count))?;
        let mapping = self.mapping(process, name)?;
        let (file, shared) = (mapping.file, mapping.shared);
        let reached = match hole {
            Some(hole) if !self.applies(Rule::AdviceSkipsHoles) => hole,
            _ => count,
        };
        if shared {
            if !self.applies(Rule::DontneedKeepsTheFile)
                && let Some((file, start)) = file
            {
                let start = start + first as u64;
                (start..start + reached as u64).for_each(|number| drop(self.file(file).pages.remove(&number)));
            }
        } else if self.applies(Rule::DontneedDropsCopies) {
            let slots = &mut self.mapping(process, name)?.slots;
            slots.iter_mut().skip(first).take(reached).flatten().for_each(|slot| slot.copy = None);
        }
        match hole {
            Some(_) => Err(self.refuse(Rule::AdviceSkipsHoles, "ENOMEM")),
            None => Ok(Outcome::Done),
        }
    }

    pub(super) fn will_need(&mut self, process: Pid, name: Name, part: Option<Range>) -> Result<Outcome, Outcome> {
        let (first, count) = self.pages(process, name, part)?;
        if !self.applies(Rule::WillneedChangesNothing) && !self.mapping(process, name)?.shared {
            (first..first + count).for_each(|number| self.copy_page(process, name, number));
        }
        match self.hole(process, name, (first, count))? {
            Some(_) => Err(self.refuse(Rule::AdviceSkipsHoles, "ENOMEM")),
            None => Ok(Outcome::Done),
        }
    }

    /// Accesses each page, in the order of their addresses, up to the first that can't be accessed.
    pub(super) fn populate(
        &mut self,
        process: Pid,
        name: Name,
        part: Option<Range>,
        store: bool,
    ) -> Result<Outcome, Outcome> {
        let (first, count) = self.pages(process, name, part)?;
        self.because(Rule::PopulatingTouchesEachPage);
        let mut outcome = Ok(Outcome::Done);
        for number in first..first + count {
            let at = number as u64 * u64::from(self.page_size);
            let mapping = self.mapping(process, name)?;
            let (shared, slot) = (mapping.shared, mapping.slots.get(number).and_then(Option::as_ref));
            let Some(protection) = slot.map(|slot| slot.protection) else {
                let stops = self.applies(Rule::PopulatingStopsAtAHole);
                outcome = Err(self.refuse(Rule::PopulatingStopsAtAHole, "ENOMEM"));
                if stops {
                    break;
                }
                continue;
            };
            // Unlike a load, it does not take a page that can be stored to for one that can be loaded from.
            let allowed = if store { writes(protection) } else { reads(protection) };
            if !allowed && self.applies(Rule::PopulatingNeedsTheProtection) {
                return Err(self.refuse(Rule::PopulatingNeedsTheProtection, "EINVAL"));
            }
            if self.access(process, name, at, store).is_err() && self.applies(Rule::PopulatingKillsNobody) {
                return Err(self.refuse(Rule::PopulatingKillsNobody, "EFAULT"));
            }
            if store && !shared && self.applies(Rule::PopulatingTouchesEachPage) {
                self.copy_page(process, name, number);
            }
        }
        outcome
    }

    pub(super) fn sync(&mut self, process: Pid, name: Name, part: Option<Range>) -> Result<Outcome, Outcome> {
        let (first, count) = self.pages(process, name, part)?;
        let hole = self.hole(process, name, (first, count))?;
        if hole.is_some() && self.applies(Rule::SyncNeedsMappedPages) {
            return Err(self.refuse(Rule::SyncNeedsMappedPages, "ENOMEM"));
        }
        let mapping = self.mapping(process, name)?;
        let (file, shared) = (mapping.file, mapping.shared);
        let Some((file, start)) = file else {
            self.because(Rule::SyncChangesNothingVisible);
            return Ok(Outcome::Done);
        };
        let slots = (start..).zip(&self.mapping(process, name)?.slots).skip(first).take(count);
        let copies: Vec<_> = slots.filter_map(|(n, slot)| Some((n, slot.as_ref()?.copy.clone()?))).collect();
        let saves = match (shared, copies.is_empty()) {
            (true, _) => self.denied == Some(Rule::SharedStoresChangeTheFile),
            (false, true) => false,
            (false, false) => !self.applies(Rule::SyncIgnoresCopies),
        };
        if saves {
            copies.into_iter().for_each(|(number, copy)| self.put_page(file, number, copy));
        }
        let refreshes = !self.applies(Rule::SyncChangesNothingVisible) || saves && shared;
        if refreshes {
            let slots = self.mapping(process, name)?.slots.iter_mut().skip(first).take(count);
            slots.flatten().for_each(|slot| slot.copy = None);
        }
        let page_size = u64::from(self.page_size);
        let synced = (start + first as u64) * page_size..(start + (first + count) as u64) * page_size;
        self.unsynced.retain(|(_, stored_to, at, _)| *stored_to != file || !synced.contains(at));
        Ok(Outcome::Done)
    }
}
