//! fallocate(2): what happens to a part of a file.

use core::ops::Range as Bounds;

use super::*;

impl Model {
    /// The file of a descriptor, and the part of it: fallocate(2) needs a length, and a descriptor that is open for writing.
    fn part_of_file(
        &mut self,
        process: Pid,
        name: Name,
        at: Amount,
        length: Amount,
    ) -> Result<(FileId, Bounds<u64>), Outcome> {
        self.opened(process, name)?;
        let (at, length) = (self.size(at)?, self.size(length)?);
        if length == 0 && self.applies(Rule::HolesHaveALength) {
            return Err(self.refuse(Rule::HolesHaveALength, "EINVAL"));
        }
        let Open { file, .. } = self.opened_for_writing(process, name)?;
        self.perhaps_mark(file);
        Ok((file, at..at + length))
    }

    pub(super) fn punch(&mut self, process: Pid, name: Name, at: Amount, length: Amount) -> Result<Outcome, Outcome> {
        let (file, part) = self.part_of_file(process, name, at, length)?;
        self.punch_bytes(file, part)?;
        Ok(Outcome::Done)
    }

    pub(super) fn punch_bytes(&mut self, file: FileId, part: Bounds<u64>) -> Result<(), Outcome> {
        self.refuse_when_sealed(file, &[Seal::Write, Seal::FutureWrite], Rule::SealWriteForbidsWriting)?;
        if self.applies(Rule::HolesReadAsZeros) {
            // Past the end it takes effect only where what is stored there stays.
            let end = if self.keeps_stores(file) { part.end } else { part.end.min(self.files[&file].size) };
            self.set_all(file, part.start, end, Byte::Is(0));
        }
        self.leave_copies(file, &part);
        Ok(())
    }

    /// What becomes of the private copies of pages whose bytes the file has lost: nothing.
    fn leave_copies(&mut self, file: FileId, part: &Bounds<u64>) {
        let page_size = u64::from(self.page_size);
        let whole = part.start.div_ceil(page_size)..part.end / page_size;
        if self.has_copies(file, whole.clone()) && !self.applies(Rule::HolesLeaveCopies) {
            self.change_slots_of(file, |number, slot| {
                slot.copy = slot.copy.take().filter(|_| !whole.contains(&number))
            });
        }
        self.lose_entries(file);
        self.perhaps_mark(file);
    }

    pub(super) fn reserve(&mut self, process: Pid, name: Name, at: Amount, length: Amount) -> Result<Outcome, Outcome> {
        let (file, part) = self.part_of_file(process, name, at, length)?;
        self.grow_to(file, part.end, Rule::ReservingExtendsTheFile)?;
        self.why = Some(Rule::ReservingExtendsTheFile);
        Ok(Outcome::Done)
    }

    /// Unlike ftruncate(2) and write(2) it need not clear what is stored past the end: this stays open on a disk.
    fn grow_to(&mut self, file: FileId, end: u64, rule: Rule) -> Result<(), Outcome> {
        let size = self.files[&file].size;
        if end > size {
            self.refuse_when_sealed(file, &[Seal::Grow], Rule::SealGrowForbidsGrowing)?;
            self.refuse_too_many_pages(size, end)?;
            if self.applies(rule) {
                self.because(Rule::GrowingAddsPages);
                if self.keeps_stores(file) {
                    self.uncover(file, end);
                }
                self.set_size(file, end);
            }
        }
        self.because(rule);
        Ok(())
    }

    pub(super) fn zero(&mut self, process: Pid, name: Name, at: Amount, length: Amount) -> Result<Outcome, Outcome> {
        let (file, part) = self.part_of_file(process, name, at, length)?;
        if self.file_system(file).zeroes != self.applies(Rule::ZeroingZeroes) {
            return Err(self.refuse(Rule::ZeroingZeroes, "EOPNOTSUPP"));
        }
        self.grow_to(file, part.end, Rule::ReservingExtendsTheFile)?;
        self.set_all(file, part.start, part.end, Byte::Is(0));
        self.leave_copies(file, &part);
        self.because(Rule::ZeroingZeroes);
        Ok(Outcome::Done)
    }

    pub(super) fn collapse(
        &mut self,
        process: Pid,
        name: Name,
        at: Amount,
        length: Amount,
    ) -> Result<Outcome, Outcome> {
        const SECTOR: u64 = 512;
        let (file, part) = self.part_of_file(process, name, at, length)?;
        let collapsing = self.file_system(file).collapsing;
        if (collapsing != Collapsing::Refused) != self.applies(Rule::CollapsingMovesTheRest) {
            return Err(self.refuse(Rule::CollapsingMovesTheRest, "EOPNOTSUPP"));
        }
        let page_size = u64::from(self.page_size);
        let (size, aligned) = (self.files[&file].size, |unit| part.start % unit == 0 && part.end % unit == 0);
        let takes = aligned(page_size) && part.end < size;
        if !takes && self.applies(Rule::CollapsingTakesWholeBlocks) {
            // How large a block is the file system decides.
            let is_known = !aligned(SECTOR) || aligned(page_size);
            let refused = self.refuse(Rule::CollapsingTakesWholeBlocks, "EINVAL");
            return Err(if is_known { refused } else { Outcome::NotApplicable });
        }
        if takes {
            let (first, taken) = (part.start / page_size, (part.end - part.start) / page_size);
            let rest = self.file(file).pages.split_off(&first);
            let moved = rest.into_iter().filter(|(number, _)| *number >= first + taken);
            let moved: Vec<_> = moved.map(|(number, page)| (number - taken, page)).collect();
            self.file(file).pages.extend(moved);
            self.set_size(file, size - (part.end - part.start));
            let size = self.files[&file].size;
            self.note_change(file, part.start, size);
            self.set_all(file, size, size.next_multiple_of(page_size), Byte::Is(0));
            let kept = if collapsing == Collapsing::DropsCopies { first } else { size.div_ceil(page_size) };
            self.change_slots_of(file, |number, slot| slot.copy = slot.copy.take().filter(|_| number < kept));
        }
        self.lose_entries(file);
        Ok(Outcome::Done)
    }
}
