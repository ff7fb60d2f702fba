//! What an access to memory finds: a page of the file, a private copy, or death.

use super::*;

/// What an access does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Touch {
    /// Loads from a page.
    Load,
    /// Stores to it.
    Store,
    /// Executes it.
    Fetch,
}

impl Model {
    /// How many bytes from this offset in a mapping follow the same rules: up to the end of the page, of the file, or
    /// of the requested length.
    pub(super) fn alike(&mut self, process: Pid, name: Name, at: u64, end: u64) -> Result<usize, Outcome> {
        let page_size = u64::from(self.page_size);
        let number = at / page_size;
        let mapping = self.mapping(process, name)?;
        let (slot, length) = (mapping.slots.get(index(number)).and_then(Option::as_ref), mapping.length);
        let file_end = slot
            .and_then(|slot| slot.file)
            .and_then(|(file, page)| (self.files[&file].size + number * page_size).checked_sub(page * page_size));
        let edges = [(number + 1) * page_size, length, file_end.unwrap_or(0)];
        let next = edges.into_iter().filter(|edge| *edge > at).fold(end, u64::min);
        Ok(index(next - at))
    }

    /// What an access reaches: the number of the page in the mapping, and the offset in the page. Or the process dies.
    pub(super) fn access(
        &mut self,
        process: Pid,
        name: Name,
        at: u64,
        touch: Touch,
    ) -> Result<(usize, usize), Outcome> {
        let (number, place) = self.split(at);
        let mapping = self.mapping(process, name)?;
        let length = mapping.length;
        let slot = mapping.slots.get(number).and_then(Option::as_ref);
        let Some((area, file, guarded)) = slot.map(|slot| (slot.area, slot.file, slot.guarded)) else {
            self.dies(Rule::NothingIsMapped, Cause::NotMapped, at)?;
            return Ok((number, place));
        };
        let (has_copy, size_then) = slot.map_or((false, 0), |slot| (slot.copy.is_some(), slot.size_then));
        let allowed = match (area.protection, touch) {
            (Protection::Write, Touch::Load) => self.applies(Rule::WritableImpliesReadable),
            (protection, Touch::Load) => reads(protection),
            (protection, Touch::Store) => writes(protection),
            (protection, Touch::Fetch) => protection == Protection::ReadExecute && self.applies(Rule::MappedCodeRuns),
        };
        let (size, page_start) =
            file.map_or((u64::MAX, 0), |(file, page)| (self.files[&file].size, self.start_of(page)));
        let is_there = has_copy || page_start < size;
        if touch == Touch::Fetch && !allowed && (guarded || !is_there) {
            // Some processors look for the page first, and then whether it can be executed.
            return Err(Outcome::NotApplicable);
        }
        if !allowed
            && (is_there || self.applies(Rule::ProtectionIsCheckedFirst))
            && self.applies(Rule::ProtectionIsEnforced)
        {
            return Err(self.death(Cause::NotAllowed, at));
        }
        if guarded {
            self.dies(Rule::GuardPagesFault, Cause::NotMapped, at)?;
        }
        if at >= length && !self.applies(Rule::WholePagesAreMapped) {
            return Err(self.death(Cause::NotMapped, at));
        }
        if !is_there {
            // A call of the kernel goes on, and may have got entries of pages around.
            self.note_fault(process, name, None);
            self.dies(Rule::NoPagePastTheEnd, Cause::NoPage, at)?;
        } else if file.is_some() && !has_copy {
            let grown = page_start >= size_then && !self.applies(Rule::GrowingAddsPages);
            if grown || page_start + place as u64 >= size && !self.applies(Rule::LastPageIsWhole) {
                return Err(self.death(Cause::NoPage, at));
            }
            if !area.shared && touch == Touch::Load && !self.applies(Rule::LoadingCopiesNothing) {
                self.copy_page(process, name, number);
            }
        }
        self.note_touch(process, name, number, touch);
        Ok((number, place))
    }

    /// Calls the code at a place. What other bytes than [`CODE`] do can't be known.
    pub(super) fn call(&mut self, process: Pid, name: Name, at: Amount) -> Result<Outcome, Outcome> {
        let at = self.size(at)?;
        let (_, place) = self.access(process, name, at, Touch::Fetch)?;
        if place + CODE.len() > index(u64::from(self.page_size)) {
            return Err(Outcome::NotApplicable);
        }
        let mut bytes = Vec::new();
        self.load_all(process, name, at..at + CODE.len() as u64, &mut bytes)?;
        self.because(Rule::MappedCodeRuns);
        let is_code = bytes.iter().zip(CODE).all(|(byte, code)| *byte == Byte::Is(*code));
        if is_code { Ok(Outcome::Count(CODE_RETURNS.into())) } else { Err(Outcome::NotApplicable) }
    }

    /// Loads these bytes, which may be of several pages; those before a fault are in `bytes`.
    pub(super) fn load_all(
        &mut self,
        process: Pid,
        name: Name,
        mut places: core::ops::Range<u64>,
        bytes: &mut Vec<Byte>,
    ) -> Result<(), Outcome> {
        while !places.is_empty() {
            let count = self.alike(process, name, places.start, places.end)?;
            self.load(process, name, places.start, count, bytes)?;
            places.start += count as u64;
        }
        Ok(())
    }

    /// Stores these bytes, to several pages perhaps; `done` counts them up to a fault.
    pub(super) fn store_all(
        &mut self,
        process: Pid,
        name: Name,
        place: u64,
        bytes: &[u8],
        done: &mut usize,
    ) -> Result<(), Outcome> {
        while let rest @ [_, ..] = &bytes[*done..] {
            let at = place + *done as u64;
            let count = self.alike(process, name, at, at + rest.len() as u64)?;
            self.store(process, name, at, &rest[..count])?;
            *done += count;
        }
        Ok(())
    }

    pub(super) fn load(
        &mut self,
        process: Pid,
        name: Name,
        at: u64,
        count: usize,
        bytes: &mut Vec<Byte>,
    ) -> Result<(), Outcome> {
        let (number, place) = self.access(process, name, at, Touch::Load)?;
        self.note_inheritance(process, name, number);
        let places = place..place + count;
        let slot = self.mapping(process, name)?.slots.get(number).and_then(Option::as_ref);
        let (file, copy) = slot.map_or((None, None), |slot| (slot.file, slot.copy.clone()));
        let Some((file, page)) = file else {
            if let Some(copy) = copy {
                self.because(Rule::PrivateStoresStayPrivate);
                if copy.bytes(places.clone()).iter().any(|byte| !matches!(byte, Byte::Is(_))) {
                    self.because(Rule::FreedPagesVary);
                }
                bytes.extend_from_slice(copy.bytes(places));
            } else {
                let fresh = if self.applies(Rule::NewMemoryIsZeros) { 0 } else { b'?' };
                if self.slot(process, name, number).is_some_and(|slot| slot.inherited && slot.area.wiped_at_fork) {
                    self.because(Rule::WipeonforkGivesZeros);
                }
                bytes.resize(bytes.len() + places.len(), Byte::Is(fresh));
            }
            return Ok(());
        };
        let from = self.start_of(page) + place as u64;
        let in_file = self.get(file, from, from + count as u64);
        let Some(copy) = copy else {
            self.because(Rule::MappingsShowTheFile);
            bytes.extend(in_file);
            return Ok(());
        };
        self.because(Rule::StoringCopiesThePage);
        // If the rule is denied only the stored bytes are copied; the others are the file's.
        let found = |(own, others): (&Byte, Byte)| if *own == Byte::Any { others } else { *own };
        bytes.extend(copy.bytes(places).iter().zip(in_file).map(found));
        Ok(())
    }

    pub(super) fn store(&mut self, process: Pid, name: Name, at: u64, bytes: &[u8]) -> Result<(), Outcome> {
        let (number, place) = self.access(process, name, at, Touch::Store)?;
        self.note_inheritance(process, name, number);
        let slot = self.mapping(process, name)?.slots.get(number).and_then(Option::as_ref);
        let Some((file, shared)) = slot.map(|slot| (slot.file, slot.area.shared)) else {
            return Ok(()); // the denied rule lets the store succeed, and nothing is mapped to take it
        };
        let reaches_the_file = match shared {
            true => self.applies(Rule::SharedStoresChangeTheFile),
            false => !self.applies(Rule::PrivateStoresStayPrivate),
        };
        if let Some((file, page)) = file.filter(|_| reaches_the_file) {
            let at = self.start_of(page) + place as u64;
            self.store_into_file(process, file, at, bytes);
        } else {
            self.copy_page(process, name, number);
        }
        let shares_private_memory = self.denied == Some(Rule::ForkSeparatesPrivateMappings);
        // Taken out, or its bytes would be copied once more.
        let copy = self.slot(process, name, number).and_then(|slot| slot.copy.take());
        let Some(mut copy) = copy else { return Ok(()) };
        let before = copy.number();
        copy.put(place, bytes);
        if shares_private_memory {
            let mappings = self.processes.values_mut().flat_map(|process| process.mappings.values_mut());
            let copies =
                mappings.flat_map(|mapping| mapping.slots.iter_mut().flatten()).filter_map(|slot| slot.copy.as_mut());
            copies.filter(|copy| copy.number() == before).for_each(|other| *other = copy.clone());
        } else if self.has_others_copy(process, before) {
            copy = self.copies.copy_of(copy);
        }
        if let Some(slot) = self.slot(process, name, number) {
            slot.copy = Some(copy);
        }
        Ok(())
    }

    /// Whether another process has this copy, too, since fork(2).
    fn has_others_copy(&self, process: Pid, number: u32) -> bool {
        let others = self.processes.iter().filter(|(other, _)| **other != process);
        let mut slots = others.flat_map(|(_, other)| other.mappings.values().flat_map(|mapping| &mapping.slots));
        slots.any(|slot| slot.as_ref().and_then(|slot| slot.copy.as_ref()).is_some_and(|copy| copy.number() == number))
    }

    pub(super) fn store_into_file(&mut self, process: Pid, file: FileId, at: u64, bytes: &[u8]) {
        self.process(process).has_stored = true;
        if matches!(self.denied, Some(Rule::StoresOutliveTheirProcess | Rule::UnmapLeavesTheCache)) {
            let before = self.get(file, at, at + bytes.len() as u64);
            self.unsynced.extend((at..).zip(before).map(|(at, before)| (process, file, at, before)));
        }
        self.put(file, at, bytes);
        if self.is_past_the_end(file, at) {
            if self.applies(Rule::StoresDoNotExtendTheFile) {
                if !self.keeps_stores(file) {
                    // The kernel may zero it whenever it writes the page to the disk.
                    (at..).zip(bytes).for_each(|(at, byte)| self.set(file, at, Byte::Is(*byte).or_zero()));
                }
            } else {
                self.set_size(file, at + bytes.len() as u64);
            }
        }
    }

    fn note_inheritance(&mut self, process: Pid, name: Name, number: usize) {
        let slot = self.slot(process, name, number).filter(|slot| slot.inherited);
        if let Some(shared) = slot.map(|slot| slot.area.shared) {
            self.because(if shared { Rule::ForkSharesSharedMappings } else { Rule::ForkSeparatesPrivateMappings });
        }
    }

    /// Makes the copy that a private mapping gets at its first store to a page: of the whole page, as the file has it
    /// now.
    pub(super) fn copy_page(&mut self, process: Pid, name: Name, number: usize) {
        let slot = self.slot(process, name, number).filter(|slot| slot.copy.is_none());
        let Some(file) = slot.map(|slot| slot.file) else { return };
        let copy = match file {
            Some((file, page)) if self.applies(Rule::StoringCopiesThePage) => self.cached(file, page),
            Some(_) => Page::all(self.page_size, Byte::Any),
            None => Page::zeros(self.page_size),
        };
        let copy = self.copies.copy_of(copy);
        if let Some(slot) = self.slot(process, name, number) {
            slot.copy = Some(copy);
        }
    }

    pub(super) fn slot(&mut self, process: Pid, name: Name, number: usize) -> Option<&mut PageEntry> {
        self.process(process).mappings.get_mut(&name)?.slots.get_mut(number)?.as_mut()
    }

    /// The process dies by this rule, unless the rule is denied.
    pub(super) fn dies(&mut self, rule: Rule, cause: Cause, at: u64) -> Result<(), Outcome> {
        if self.applies(rule) {
            self.why = Some(rule);
            return Err(self.death(cause, at));
        }
        Ok(())
    }

    pub(super) fn death(&self, cause: Cause, at: u64) -> Outcome {
        Outcome::Died(cause, Amount::of(at, self.page_size))
    }
}
