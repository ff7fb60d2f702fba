//! What a touch of memory finds: a page of the file, a private copy, or death.

use super::*;

impl Model {
    /// How many bytes from a place in a mapping on are alike: those up to the end of the page, of the file, of the length
    /// that was asked for.
    pub(super) fn alike(&mut self, process: Pid, name: Name, at: u64, end: u64) -> Result<usize, Refused> {
        let page = u64::from(self.page);
        let mapping = self.mapping(process, name)?;
        let (file, length) = (mapping.file, mapping.length);
        let file_end = file.and_then(|(file, first)| self.files[&file].size.checked_sub(first * page));
        let edges = [(at / page + 1) * page, length, file_end.unwrap_or(0)];
        let next = edges.into_iter().filter(|edge| *edge > at).fold(end, u64::min);
        Ok(usize::try_from(next - at).unwrap_or(usize::MAX))
    }

    /// Where a touch ends up: the number of the page in the mapping, and the place in the page. Or the process dies.
    pub(super) fn touch(&mut self, process: Pid, name: Name, at: u64, store: bool) -> Result<(usize, usize), Refused> {
        let page = u64::from(self.page);
        let (number, place) = self.split(at);
        let mapping = self.mapping(process, name)?;
        let (length, size_then, shared, file) = (mapping.length, mapping.size_then, mapping.shared, mapping.file);
        let slot = mapping.slots.get(number).and_then(Option::as_ref);
        let Some((protection, has_copy)) = slot.map(|slot| (slot.protection, slot.copy.is_some())) else {
            self.dies(Rule::NothingIsMappedThere, Cause::NotMapped, at)?;
            return Ok((number, place));
        };
        let allowed = match protection {
            Protection::None => false,
            Protection::Read => !store,
            Protection::Write => store || self.applies(Rule::StoringAllowsLoading),
            Protection::ReadWrite => true,
        };
        let (size, start) = file.map_or((u64::MAX, 0), |(file, first)| (self.files[&file].size, first * page));
        let page_start = start + number as u64 * page;
        let is_there = has_copy || page_start < size;
        if !allowed && (is_there || self.applies(Rule::ProtectionComesFirst)) && self.applies(Rule::ProtectionForbids) {
            return Err(self.death(Cause::NotAllowed, at));
        }
        if at >= length && !self.applies(Rule::WholePagesAreMapped) {
            return Err(self.death(Cause::NotMapped, at));
        }
        if !is_there {
            self.dies(Rule::NoPageBehindTheEnd, Cause::NoPage, at)?;
        } else if file.is_some() && !has_copy {
            let grown = page_start >= size_then && !self.applies(Rule::GrowingBringsPages);
            if grown || start + at >= size && !self.applies(Rule::RestOfThePageIsThere) {
                return Err(self.death(Cause::NoPage, at));
            }
            if !shared && !store && !self.applies(Rule::LoadingCopiesNothing) {
                self.copy_page(process, name, number);
            }
        }
        Ok((number, place))
    }

    pub(super) fn load(
        &mut self,
        process: Pid,
        name: Name,
        at: u64,
        count: usize,
        bytes: &mut Vec<Byte>,
    ) -> Result<(), Refused> {
        let (number, place) = self.touch(process, name, at, false)?;
        self.note_inheritance(process, name);
        let places = place..place + count;
        let mapping = self.mapping(process, name)?;
        let file = mapping.file;
        let copy = mapping.slots.get(number).and_then(|slot| slot.as_ref()?.copy.clone());
        let Some((file, first)) = file else {
            if let Some(copy) = copy {
                self.because(Rule::PrivateStoresStayPrivate);
                bytes.extend_from_slice(copy.piece(places));
            } else {
                let fresh = if self.applies(Rule::FreshMemoryIsZeros) { 0 } else { b'?' };
                bytes.extend(places.map(|_| Byte::Is(fresh)));
            }
            return Ok(());
        };
        let from = (first + number as u64) * u64::from(self.page) + place as u64;
        let in_file = self.get(file, from, from + count as u64);
        let Some(copy) = copy else {
            self.because(Rule::TouchFindsTheFile);
            if self.is_behind(file, from) && in_file.iter().any(|byte| *byte != Byte::Is(0)) {
                self.because(Rule::RestOfThePageIsLeftOpen);
            }
            bytes.extend(in_file);
            return Ok(());
        };
        self.because(Rule::StoringCopiesThePage);
        // Who thinks that only the bytes are copied finds the others in the file.
        let found = |(own, others): (&Byte, Byte)| if *own == Byte::Any { others } else { *own };
        bytes.extend(copy.piece(places).iter().zip(in_file).map(found));
        Ok(())
    }

    pub(super) fn store(&mut self, process: Pid, name: Name, at: u64, bytes: &[u8]) -> Result<(), Refused> {
        let (number, place) = self.touch(process, name, at, true)?;
        self.note_inheritance(process, name);
        let mapping = self.mapping(process, name)?;
        let (file, shared) = (mapping.file, mapping.shared);
        if mapping.slots.get(number).is_none_or(Option::is_none) {
            return Ok(()); // into nothing, for those who think that this can be done
        }
        let reaches_the_file = match shared {
            true => self.applies(Rule::SharedStoresAreTheFile),
            false => !self.applies(Rule::PrivateStoresStayPrivate),
        };
        if let Some((file, first)) = file.filter(|_| reaches_the_file) {
            let at = (first + number as u64) * u64::from(self.page) + place as u64;
            self.store_into_file(process, file, at, bytes);
        } else {
            self.copy_page(process, name, number);
        }
        let believes_in_one_memory = self.denied == Some(Rule::ForkPartsPrivateMappings);
        let Some(slot) = self.mapping(process, name)?.slots[number].as_mut() else { return Ok(()) };
        let Some(copy) = slot.copy.as_mut() else { return Ok(()) };
        let before = believes_in_one_memory.then(|| copy.clone());
        copy.put(place, bytes);
        if let Some(before) = before {
            let after = copy.clone();
            let mappings = self.processes.values_mut().flat_map(|process| process.mappings.values_mut());
            let copies =
                mappings.flat_map(|mapping| mapping.slots.iter_mut().flatten()).filter_map(|slot| slot.copy.as_mut());
            copies.filter(|copy| copy.is_the_same(&before)).for_each(|copy| *copy = after.clone());
        }
        Ok(())
    }

    pub(super) fn store_into_file(&mut self, process: Pid, file: FileId, at: u64, bytes: &[u8]) {
        if self.denied == Some(Rule::StoresOutliveTheirProcess) {
            let before = self.get(file, at, at + bytes.len() as u64);
            self.unsynced.extend((at..).zip(before).map(|(at, before)| (process, file, at, before)));
        }
        self.put(file, at, bytes);
        if self.is_behind(file, at) {
            if self.applies(Rule::RestStaysOutOfTheFile) {
                // The kernel may make it zeros again whenever it writes the page to the disk.
                (at..).zip(bytes).for_each(|(at, byte)| self.set(file, at, Byte::Is(*byte).or_zero()));
            } else {
                self.file(file).size = at + bytes.len() as u64;
            }
        }
    }

    pub(super) fn note_inheritance(&mut self, process: Pid, name: Name) {
        let mapping = self.mapping(process, name).ok().filter(|mapping| mapping.inherited);
        if let Some(shared) = mapping.map(|mapping| mapping.shared) {
            self.because(if shared { Rule::ForkSharesSharedMappings } else { Rule::ForkPartsPrivateMappings });
        }
    }

    /// The copy that a private mapping gets by its first store to a page: of the whole page, as the file has it now.
    pub(super) fn copy_page(&mut self, process: Pid, name: Name, number: usize) {
        let Ok(mapping) = self.mapping(process, name) else { return };
        let file = mapping.file;
        if mapping.slots.get(number).is_none_or(|slot| slot.as_ref().is_none_or(|slot| slot.copy.is_some())) {
            return;
        }
        let copy = match file {
            Some((file, first)) if self.applies(Rule::StoringCopiesThePage) => self.cached(file, first + number as u64),
            Some(_) => Page::all(self.page, Byte::Any),
            None => Page::zeros(self.page),
        };
        let Ok(mapping) = self.mapping(process, name) else { return };
        if let Some(slot) = mapping.slots[number].as_mut() {
            slot.copy = Some(copy);
        }
    }

    /// The process dies here, by this rule; unless it is denied, and it lives on.
    pub(super) fn dies(&mut self, rule: Rule, cause: Cause, at: u64) -> Result<(), Refused> {
        if self.applies(rule) {
            self.why = Some(rule);
            return Err(self.death(cause, at));
        }
        Ok(())
    }

    pub(super) fn death(&self, cause: Cause, at: u64) -> Outcome {
        Outcome::Died(cause, Amount::of(at, self.page))
    }
}
