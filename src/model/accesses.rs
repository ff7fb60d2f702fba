//! What an access to memory finds: a page of the file, a private copy, or death.

use super::*;

impl Model {
    /// How many bytes from this offset in a mapping follow the same rules: up to the end of the page, of the file, or
    /// of the requested length.
    pub(super) fn alike(&mut self, process: Pid, name: Name, at: u64, end: u64) -> Result<usize, Outcome> {
        let page_size = u64::from(self.page_size);
        let mapping = self.mapping(process, name)?;
        let (file, length) = (mapping.file, mapping.length);
        let file_end = file.and_then(|(file, first)| self.files[&file].size.checked_sub(first * page_size));
        let edges = [(at / page_size + 1) * page_size, length, file_end.unwrap_or(0)];
        let next = edges.into_iter().filter(|edge| *edge > at).fold(end, u64::min);
        Ok(usize::try_from(next - at).unwrap_or(usize::MAX))
    }

    /// What an access reaches: the number of the page in the mapping, and the offset in the page. Or the process dies.
    pub(super) fn access(&mut self, process: Pid, name: Name, at: u64, store: bool) -> Result<(usize, usize), Outcome> {
        let page_size = u64::from(self.page_size);
        let (number, place) = self.split(at);
        let mapping = self.mapping(process, name)?;
        let (length, size_then, shared, file) = (mapping.length, mapping.size_then, mapping.shared, mapping.file);
        let slot = mapping.slots.get(number).and_then(Option::as_ref);
        let Some((protection, has_copy)) = slot.map(|slot| (slot.protection, slot.copy.is_some())) else {
            self.dies(Rule::NothingIsMapped, Cause::NotMapped, at)?;
            return Ok((number, place));
        };
        let allowed = match protection {
            Protection::None => false,
            Protection::Read => !store,
            Protection::Write => store || self.applies(Rule::WritableImpliesReadable),
            Protection::ReadWrite => true,
        };
        let (size, start) = file.map_or((u64::MAX, 0), |(file, first)| (self.files[&file].size, first * page_size));
        let page_start = start + number as u64 * page_size;
        let is_there = has_copy || page_start < size;
        if !allowed
            && (is_there || self.applies(Rule::ProtectionIsCheckedFirst))
            && self.applies(Rule::ProtectionIsEnforced)
        {
            return Err(self.death(Cause::NotAllowed, at));
        }
        if at >= length && !self.applies(Rule::WholePagesAreMapped) {
            return Err(self.death(Cause::NotMapped, at));
        }
        if !is_there {
            self.dies(Rule::NoPagePastTheEnd, Cause::NoPage, at)?;
        } else if file.is_some() && !has_copy {
            let grown = page_start >= size_then && !self.applies(Rule::GrowingAddsPages);
            if grown || start + at >= size && !self.applies(Rule::LastPageIsWhole) {
                return Err(self.death(Cause::NoPage, at));
            }
            if !shared && !store && !self.applies(Rule::LoadingCopiesNothing) {
                self.copy_page(process, name, number);
            }
        }
        Ok((number, place))
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
        let (number, place) = self.access(process, name, at, false)?;
        self.note_inheritance(process, name);
        let places = place..place + count;
        let mapping = self.mapping(process, name)?;
        let file = mapping.file;
        let copy = mapping.slots.get(number).and_then(|slot| slot.as_ref()?.copy.clone());
        let Some((file, first)) = file else {
            if let Some(copy) = copy {
                self.because(Rule::PrivateStoresStayPrivate);
                bytes.extend_from_slice(copy.bytes(places));
            } else {
                let fresh = if self.applies(Rule::NewMemoryIsZeros) { 0 } else { b'?' };
                bytes.resize(bytes.len() + places.len(), Byte::Is(fresh));
            }
            return Ok(());
        };
        let from = (first + number as u64) * u64::from(self.page_size) + place as u64;
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
        let (number, place) = self.access(process, name, at, true)?;
        self.note_inheritance(process, name);
        let mapping = self.mapping(process, name)?;
        let (file, shared) = (mapping.file, mapping.shared);
        if mapping.slots.get(number).is_none_or(Option::is_none) {
            return Ok(()); // the denied rule lets the store succeed, and nothing is mapped to take it
        }
        let reaches_the_file = match shared {
            true => self.applies(Rule::SharedStoresChangeTheFile),
            false => !self.applies(Rule::PrivateStoresStayPrivate),
        };
        if let Some((file, first)) = file.filter(|_| reaches_the_file) {
            let at = (first + number as u64) * u64::from(self.page_size) + place as u64;
            self.store_into_file(process, file, at, bytes);
        } else {
            self.copy_page(process, name, number);
        }
        let shares_private_memory = self.denied == Some(Rule::ForkSeparatesPrivateMappings);
        let Some(slot) = self.mapping(process, name)?.slots[number].as_mut() else { return Ok(()) };
        let Some(copy) = slot.copy.as_mut() else { return Ok(()) };
        let before = shares_private_memory.then(|| copy.clone());
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
        if self.is_past_the_end(file, at) {
            if self.applies(Rule::StoresDoNotExtendTheFile) {
                if !self.keeps_stores(file) {
                    // The kernel may zero it whenever it writes the page to the disk.
                    (at..).zip(bytes).for_each(|(at, byte)| self.set(file, at, Byte::Is(*byte).or_zero()));
                }
            } else {
                self.file(file).size = at + bytes.len() as u64;
            }
        }
    }

    pub(super) fn note_inheritance(&mut self, process: Pid, name: Name) {
        let mapping = self.mapping(process, name).ok().filter(|mapping| mapping.inherited);
        if let Some(shared) = mapping.map(|mapping| mapping.shared) {
            self.because(if shared { Rule::ForkSharesSharedMappings } else { Rule::ForkSeparatesPrivateMappings });
        }
    }

    /// Makes the copy that a private mapping gets at its first store to a page: of the whole page, as the file has it
    /// now.
    pub(super) fn copy_page(&mut self, process: Pid, name: Name, number: usize) {
        let Ok(mapping) = self.mapping(process, name) else { return };
        let file = mapping.file;
        if mapping.slots.get(number).is_none_or(|slot| slot.as_ref().is_none_or(|slot| slot.copy.is_some())) {
            return;
        }
        let copy = match file {
            Some((file, first)) if self.applies(Rule::StoringCopiesThePage) => self.cached(file, first + number as u64),
            Some(_) => Page::all(self.page_size, Byte::Any),
            None => Page::zeros(self.page_size),
        };
        let Ok(mapping) = self.mapping(process, name) else { return };
        if let Some(slot) = mapping.slots[number].as_mut() {
            slot.copy = Some(copy);
        }
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
