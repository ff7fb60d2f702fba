//! Files, their names and their descriptors: what changes a file, and what that does to its mappings.

use super::*;

impl Model {
    pub(super) fn create(&mut self, name: Name, contents: &Contents) -> Result<Outcome, Outcome> {
        if self.names.contains_key(&name) && self.applies(Rule::NamesAreUnique) {
            return Err(self.refuse(Rule::NamesAreUnique, "EEXIST"));
        }
        let (size, bytes) = match contents {
            Contents::Zeros(size) => (self.size(*size)?, Cow::Borrowed(&[][..])),
            Contents::Bytes(bytes) => (0, self.bytes(bytes)?),
        };
        self.because(Rule::NamesAreUnique);
        let size = size.max(bytes.len() as u64);
        self.refuse_too_many_pages(0, size)?;
        let file = self.new_file(0, None)?;
        self.set_name(name, Some(file));
        self.set_size(file, size);
        self.put(file, 0, &bytes);
        Ok(Outcome::Done)
    }

    pub(super) fn memfd(&mut self, process: Pid, name: Name, size: Amount) -> Result<Outcome, Outcome> {
        let size = self.size(size)?;
        self.free_descriptor(process, name)?;
        let file = self.new_file(size, Some(BTreeSet::new()))?;
        let description = self.descriptions.next();
        self.process(process)
            .descriptors
            .insert(name, Open { file, access: Access::ReadWrite, appends: false, description });
        self.because(Rule::WritesExtendTheFile);
        Ok(Outcome::Done)
    }

    pub(super) fn open(
        &mut self,
        process: Pid,
        descriptor: Name,
        name: Name,
        access: Access,
        flag: Option<Flag>,
    ) -> Result<Outcome, Outcome> {
        self.free_descriptor(process, descriptor)?;
        let mut file = self.named(name)?;
        let empties = match flag {
            Some(Flag::Truncate) => access != Access::ReadOnly || self.applies(Rule::TruncatingOpenNeedsNoWriteAccess),
            Some(Flag::Append) | None => false,
        };
        if empties {
            if self.applies(Rule::TruncatingOpenKeepsTheFile) {
                self.resize(file, 0);
            } else {
                file = self.new_file(0, None)?;
                self.set_name(name, Some(file));
            }
        }
        self.because(Rule::NamesLeadToFiles);
        let description = self.descriptions.next();
        self.process(process)
            .descriptors
            .insert(descriptor, Open { file, access, appends: flag == Some(Flag::Append), description });
        Ok(Outcome::Done)
    }

    pub(super) fn reopen(
        &mut self,
        process: Pid,
        descriptor: Name,
        of: Name,
        access: Access,
    ) -> Result<Outcome, Outcome> {
        let open = self.opened(process, of)?;
        self.free_descriptor(process, descriptor)?;
        let anew = Open { file: open.file, access, appends: false, description: self.descriptions.next() };
        let open = if self.applies(Rule::ReopeningIsOpening) { anew } else { open };
        self.process(process).descriptors.insert(descriptor, open);
        Ok(Outcome::Done)
    }

    pub(super) fn close(&mut self, process: Pid, name: Name) -> Result<Outcome, Outcome> {
        let open = self.opened(process, name)?;
        self.process(process).descriptors.remove(&name);
        if !self.applies(Rule::MappingsOutliveDescriptors) {
            let of_file = |slot: &PageEntry| slot.file.is_some_and(|(file, _)| file == open.file);
            for slot in self.process(process).mappings.values_mut().flat_map(|mapping| &mut mapping.slots) {
                *slot = slot.take().filter(|slot| !of_file(slot));
            }
        }
        if self.denied == Some(Rule::ClosingPromisesNothing) {
            self.write_file(open.file);
        }
        if !self.is_held(open.file) {
            // What keeps a file without a name has gone.
            self.why = Some(Rule::UnlinkRemovesTheName);
        }
        Ok(Outcome::Done)
    }

    pub(super) fn read(&mut self, process: Pid, name: Name, at: Amount, length: Amount) -> Result<Outcome, Outcome> {
        let open = self.opened(process, name)?;
        let (at, length) = (self.size(at)?, self.size(length)?);
        let outcome = Outcome::Bytes(self.read_bytes(open, at, length)?);
        self.explain_open(&outcome);
        Ok(outcome)
    }

    pub(super) fn read_bytes(&mut self, open: Open, at: u64, length: u64) -> Result<Vec<Byte>, Outcome> {
        if open.access == Access::WriteOnly && self.applies(Rule::ReadingNeedsReadAccess) {
            return Err(self.refuse(Rule::ReadingNeedsReadAccess, "EBADF"));
        }
        let end = match self.applies(Rule::ReadsStopAtTheEnd) {
            true => (at + length).min(self.files[&open.file].size),
            false => at + length,
        };
        Ok(self.get(open.file, at, end))
    }

    pub(super) fn write(&mut self, process: Pid, name: Name, at: Amount, bytes: &Bytes) -> Result<Outcome, Outcome> {
        let open = self.opened_for_writing(process, name)?;
        let (at, bytes) = (self.size(at)?, self.bytes(bytes)?);
        let to = self.written_at(open, at);
        let outcome = self.write_bytes(open.file, to, &bytes)?;
        if to != at {
            self.why = Some(Rule::AppendingIgnoresTheOffset);
        }
        Ok(outcome)
    }

    /// Where pwrite(2) writes that is told to write there.
    pub(super) fn written_at(&mut self, Open { file, appends, .. }: Open, at: u64) -> u64 {
        if appends && self.applies(Rule::AppendingIgnoresTheOffset) { self.files[&file].size } else { at }
    }

    pub(super) fn write_bytes(&mut self, file: FileId, at: u64, bytes: &[u8]) -> Result<Outcome, Outcome> {
        let (mut end, size) = (at + bytes.len() as u64, self.files[&file].size);
        if bytes.is_empty() {
            return Ok(Outcome::Count(0));
        }
        self.perhaps_mark(file); // even if it is refused
        self.refuse_when_sealed(file, &[Seal::Write, Seal::FutureWrite], Rule::SealWriteForbidsWriting)?;
        if end > size {
            if at < size && self.is_sealed(file, &[Seal::Grow]) && self.applies(Rule::SealGrowMayAllowAPart) {
                // The kernel writes page by page, and refuses the one that would be beyond the end.
                let (refused, page_size) =
                    (self.refuse(Rule::SealGrowMayAllowAPart, "EPERM"), u64::from(self.page_size));
                let whole_pages = (size / page_size * page_size).saturating_sub(at);
                let mut outcomes = vec![refused.clone(), Outcome::Count(size - at)];
                if whole_pages > 0 {
                    outcomes.push(Outcome::Count(whole_pages));
                }
                match self.leave_open(Rule::SealGrowMayAllowAPart, outcomes) {
                    // The bytes before the end may be the new ones or the old ones.
                    None => (at..size).for_each(|at| self.set(file, at, Byte::Any)),
                    Some(Outcome::Count(count)) => {
                        (at..at + count).zip(bytes).for_each(|(at, byte)| self.set(file, at, Byte::Is(*byte)));
                    }
                    Some(_) => {}
                }
                return Err(refused);
            }
            self.refuse_when_sealed(file, &[Seal::Grow], Rule::SealGrowForbidsGrowing)?;
            if self.applies(Rule::WritesExtendTheFile) {
                self.refuse_too_many_pages(size, end)?;
                if self.resize(file, end) {
                    self.why = Some(Rule::GrowingUncoversStores);
                } else {
                    self.why = Some(Rule::WritesExtendTheFile);
                }
            } else {
                end = size.max(at);
            }
        }
        if end <= size {
            // Whoever looks at a copy doesn't see what is written.
            let page_size = u64::from(self.page_size);
            self.because(match self.has_copies(file, at / page_size..end.div_ceil(page_size)) {
                true => Rule::StoringCopiesThePage,
                false => Rule::MappingsShowTheFile,
            });
        }
        let count = usize::try_from(end - at).map_or(bytes.len(), |count| count.min(bytes.len()));
        self.put(file, at, &bytes[..count]);
        self.mark(file);
        Ok(Outcome::Count(count as u64))
    }

    pub(super) fn truncate(&mut self, process: Pid, name: Name, size: Amount) -> Result<Outcome, Outcome> {
        let Open { file, access, .. } = self.opened(process, name)?;
        let is_einval = self.applies(Rule::TruncatingNeedsWriteAccess);
        if access == Access::ReadOnly {
            let errno = if is_einval { "EINVAL" } else { "EBADF" };
            return Err(self.refuse(Rule::TruncatingNeedsWriteAccess, errno));
        }
        let (size, before) = (self.size(size)?, self.files[&file].size);
        match () {
            () if size < before => self.refuse_when_sealed(file, &[Seal::Shrink], Rule::SealShrinkForbidsShrinking)?,
            () if size > before => self.refuse_when_sealed(file, &[Seal::Grow], Rule::SealGrowForbidsGrowing)?,
            () => {}
        }
        self.refuse_too_many_pages(before, size)?;
        self.resize(file, size);
        Ok(Outcome::Done)
    }

    /// Changes the size of a file. Returns whether that uncovers bytes that were stored past its end.
    pub(super) fn resize(&mut self, file: FileId, size: u64) -> bool {
        let page_size = u64::from(self.page_size);
        let before = self.files[&file].size;
        let (kept, kept_before) = (size.div_ceil(page_size), before.div_ceil(page_size));
        let mut uncovers = false;
        self.mark(file);
        if size <= before {
            self.lose_entries(file);
        } else {
            // FUSE takes the file's pages out of the cache then, too, locked or not.
            self.change_slots_of(file, |_, slot| slot.pinned = false);
        }
        if size < before {
            // The rest of the last page becomes zeros; what else it loses may be found on the disk with the old size.
            self.set_size(file, size);
            self.note_change(file, size, before.min(kept * page_size));
            let cut_pages = self.pages_of(file).any(|(_, number)| number >= kept);
            let take_pages = !cut_pages || self.applies(Rule::TruncationRemovesPages);
            if !take_pages {
                // With the rule denied, mappings keep the old pages.
                let old: Vec<Page> = (kept..kept_before).map(|number| self.copied(file, number)).collect();
                self.change_slots_of(file, |number, slot| {
                    let old = number.checked_sub(kept).and_then(|n| old.get(usize::try_from(n).ok()?));
                    slot.copy = slot.copy.take().or_else(|| old.cloned());
                });
            } else if self.has_copies(file, kept..u64::MAX) && self.applies(Rule::TruncationRemovesCopies) {
                self.change_slots_of(file, |number, slot| slot.copy = slot.copy.take().filter(|_| number < kept));
            }
            if self.applies(Rule::TruncationZeroesTheRest) {
                self.file(file).pages.split_off(&kept);
                self.set_all(file, size, kept * page_size, Byte::Is(0));
            }
        } else if size > before {
            self.because(Rule::GrowingAddsPages);
            uncovers = self.uncover(file, size);
        } else if self.keeps_stores(file) && self.applies(Rule::TruncationZeroesTheRest) {
            self.set_all(file, size, kept * page_size, Byte::Is(0));
        }
        if size >= before {
            self.set_size(file, size);
        }
        uncovers
    }

    pub(super) fn rename(&mut self, from: Name, to: Name) -> Result<Outcome, Outcome> {
        let file = self.named(from)?;
        self.set_name(from, None);
        let replaced = self.set_name(to, Some(file));
        if !self.applies(Rule::RenameReplacesTheName)
            && let Some(old) = replaced
        {
            for process in self.processes.values_mut() {
                process.descriptors.values_mut().filter(|open| open.file == old).for_each(|open| open.file = file);
                let slots = process.mappings.values_mut().flat_map(|mapping| mapping.slots.iter_mut().flatten());
                for (mapped, _) in slots.filter_map(|slot| slot.file.as_mut()) {
                    *mapped = if *mapped == old { file } else { *mapped };
                }
            }
        }
        Ok(Outcome::Done)
    }

    pub(super) fn unlink(&mut self, name: Name) -> Result<Outcome, Outcome> {
        let file = self.named(name)?;
        self.set_name(name, None);
        if !self.applies(Rule::UnlinkRemovesTheName) {
            self.resize(file, 0);
        }
        Ok(Outcome::Done)
    }

    /// F_GET_SEALS. A file with a name on tmpfs has F_SEAL_SEAL: it can't be sealed.
    pub(super) fn seals(&mut self, process: Pid, name: Name) -> Result<Outcome, Outcome> {
        let Open { file, .. } = self.opened(process, name)?;
        self.because(Rule::EachSealForbidsOneThing);
        if let Some(seals) = &self.files[&file].seals {
            return Ok(Outcome::Sealed(seals.clone()));
        }
        let has_seals = self.named.refuses_seals_with == "EPERM";
        if has_seals != self.applies(Rule::SealsAreOfMemoryFiles) {
            return Err(self.refuse(Rule::SealsAreOfMemoryFiles, "EINVAL"));
        }
        Ok(Outcome::Sealed(BTreeSet::from([Seal::Seal])))
    }

    pub(super) fn seal(&mut self, process: Pid, name: Name, seal: Seal) -> Result<Outcome, Outcome> {
        let Open { file, access, .. } = self.opened(process, name)?;
        if self.files[&file].seals.is_none() && self.applies(Rule::OnlyMemoryFilesTakeSeals) {
            let errno = if access == Access::ReadOnly { "EPERM" } else { self.named.refuses_seals_with };
            return Err(self.refuse(Rule::OnlyMemoryFilesTakeSeals, errno));
        }
        if access == Access::ReadOnly && self.applies(Rule::SealingNeedsWriteAccess) {
            return Err(self.refuse(Rule::SealingNeedsWriteAccess, "EPERM"));
        }
        if self.is_sealed(file, &[Seal::Seal]) && self.applies(Rule::SealSealForbidsSeals) {
            return Err(self.refuse(Rule::SealSealForbidsSeals, "EPERM"));
        }
        let is_new = !self.is_sealed(file, &[seal]);
        let mapped = self.pages_of(file).any(|(slot, _)| slot.area.shared && slot.area.may_write);
        let written_to = mapped || self.files[&file].held;
        self.because(Rule::EachSealForbidsOneThing);
        if is_new && written_to {
            let refused = match seal {
                Seal::Write => self.applies(Rule::SealWriteNeedsNoWritableMapping),
                Seal::FutureWrite => !self.applies(Rule::FutureWriteKeepsMappings),
                Seal::Shrink | Seal::Grow | Seal::Seal => false,
            };
            if refused {
                return Err(self.refuse(Rule::SealWriteNeedsNoWritableMapping, "EBUSY"));
            }
        }
        self.file(file).seals.get_or_insert_default().insert(seal);
        Ok(Outcome::Done)
    }
}
