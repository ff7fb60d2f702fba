//! mlock(2), and what is in memory.

use super::*;

impl Model {
    pub(super) fn lock(&mut self, process: Pid, name: Name, part: Option<Range>) -> Result<Outcome, Outcome> {
        let (first, count) = self.set_lock(process, name, part, true)?;
        for number in first..first + count {
            self.because(Rule::LockingTouchesEachPage);
            if self.touch_page(process, name, number, Rule::LockingTouchesEachPage).is_err()
                && self.applies(Rule::LockingNeedsEachPage)
            {
                return Err(self.refuse(Rule::LockingNeedsEachPage, "ENOMEM"));
            }
            if let Some(slot) = self.slot(process, name, number) {
                slot.pinned = true;
            }
        }
        self.why = Some(Rule::LockingTouchesEachPage);
        Ok(Outcome::Done)
    }

    pub(super) fn unlock(&mut self, process: Pid, name: Name, part: Option<Range>) -> Result<Outcome, Outcome> {
        self.set_lock(process, name, part, false)?;
        Ok(Outcome::Done)
    }

    /// Locks or unlocks the pages up to the first that is not mapped: an error, if there is one.
    fn set_lock(
        &mut self,
        process: Pid,
        name: Name,
        part: Option<Range>,
        locked: bool,
    ) -> Result<(usize, usize), Outcome> {
        let all = self.mapping(process, name)?.slots.len();
        let (first, count) = match part {
            None => (0, all),
            // It takes each page that has a byte of the part.
            Some(Range { place, length }) => {
                let (at, page_size) = (self.size(place)?, u64::from(self.page_size));
                let past = (at + self.size(length)?).div_ceil(page_size);
                (index(at / page_size), index(past.saturating_sub(at / page_size)))
            }
        };
        if locked {
            let slots = self.mapping(process, name)?.slots.iter().skip(first).take(count).flatten();
            let new = count - slots.filter(|slot| slot.area.locked).count();
            self.refuse_over_limit(process, new, "ENOMEM")?;
        }
        let hole = self.hole(process, name, (first, count))?;
        self.because(Rule::LockedPagesStay);
        self.note_part(process, name, part);
        self.change_areas(process, name, (first, hole.unwrap_or(count)), |area| area.locked = locked);
        for number in first..first + hole.unwrap_or(count) {
            if let Some(slot) = self.slot(process, name, number).filter(|_| !locked) {
                slot.pinned = false;
            }
        }
        match hole {
            Some(_) if self.applies(Rule::LockingNeedsEachPage) => {
                Err(self.refuse(Rule::LockingNeedsEachPage, "ENOMEM"))
            }
            hole => Ok((first, hole.unwrap_or(count))),
        }
    }

    /// Whether the process may lock this number of pages more.
    pub(super) fn refuse_over_limit(&mut self, process: Pid, more: usize, errno: &'static str) -> Result<(), Outcome> {
        let slots = self.process(process).mappings.values().flat_map(|mapping| mapping.slots.iter().flatten());
        let locked = slots.filter(|slot| slot.area.locked).count() + more;
        let may_lock = locked as u64 <= self.lockable / u64::from(self.page_size) && self.lockable > 0;
        if may_lock == (self.denied != Some(Rule::LockingIsLimited)) {
            return Ok(());
        }
        Err(self.refuse(Rule::LockingIsLimited, if self.lockable == 0 && errno == "ENOMEM" { "EPERM" } else { errno }))
    }

    /// Touches these pages up to one that can't be accessed, of which nobody is told.
    pub(super) fn touch_pages(&mut self, process: Pid, name: Name, mut pages: core::ops::Range<usize>, rule: Rule) {
        let _ = pages.try_for_each(|number| self.touch_page(process, name, number, rule));
    }

    /// Touches a page as the kernel does that brings it into memory: by this rule a private page that can be stored to is
    /// copied.
    fn touch_page(&mut self, process: Pid, name: Name, number: usize, rule: Rule) -> Result<(), Outcome> {
        let area = self.slot(process, name, number).map(|slot| slot.area);
        let stores = area.is_some_and(|area| !area.shared && writes(area.protection));
        let touch = if stores { Touch::Store } else { Touch::Load };
        self.access(process, name, self.start_of(number as u64), touch)?;
        if stores && self.applies(rule) {
            self.copy_page(process, name, number);
        }
        if let Some(slot) = self.slot(process, name, number) {
            slot.table = TableEntry::Unknown;
        }
        Ok(())
    }

    pub(super) fn resident(&mut self, process: Pid, name: Name, part: Option<Range>) -> Result<Outcome, Outcome> {
        let (first, count) = self.pages(process, name, part)?;
        if self.hole(process, name, (first, count))?.is_some() {
            let refused = self.refuse(Rule::ResidencyNeedsMappedPages, "ENOMEM");
            if self.applies(Rule::ResidencyNeedsMappedPages) {
                return Err(refused);
            }
        }
        let mut bytes = Vec::new();
        for number in first..first + count {
            let touched = self.mapping(process, name)?.touched;
            let Some(slot) = self.slot(process, name, number) else { continue };
            let (pinned, is_new) = (slot.pinned, slot.file.is_none() && slot.copy.is_none() && !touched);
            bytes.push(match () {
                () if pinned => Byte::Is(u8::from(self.applies(Rule::LockedPagesAreResident))),
                () if is_new => Byte::Is(u8::from(!self.applies(Rule::MappingTakesNoMemory))),
                // Even past the end of a file: the kernel may have read ahead.
                () => Byte::Either(1, 0),
            });
        }
        let outcome = Outcome::Bytes(bytes);
        self.because(Rule::ResidencyNeedsMappedPages);
        if outcome.is_open() {
            self.why = Some(Rule::ResidencyVaries);
        }
        Ok(outcome)
    }
}
