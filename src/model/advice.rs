//! madvise(2).

use super::*;

impl Model {
    pub(super) fn advise(
        &mut self,
        process: Pid,
        name: Name,
        advice: Advice,
        part: Option<Range>,
    ) -> Result<Outcome, Outcome> {
        match advice {
            Advice::DontNeed => self.each_page(process, name, part, Model::dont_need),
            Advice::WillNeed => self.each_page(process, name, part, Model::will_need),
            Advice::PopulateRead => self.populate(process, name, part, Touch::Load),
            Advice::PopulateWrite => self.populate(process, name, part, Touch::Store),
            Advice::Free => self.each_page(process, name, part, Model::free),
            Advice::Remove => self.each_page(process, name, part, Model::remove),
            Advice::DontFork => self.at_fork(process, name, part, advice, |area| area.left_at_fork = true),
            Advice::DoFork => self.at_fork(process, name, part, advice, |area| area.left_at_fork = false),
            Advice::WipeOnFork => self.at_fork(process, name, part, advice, |area| area.wiped_at_fork = true),
            Advice::KeepOnFork => self.at_fork(process, name, part, advice, |area| area.wiped_at_fork = false),
            Advice::GuardInstall | Advice::GuardRemove => {
                self.mapping(process, name)?;
                let possible = self.guards != Guards::None;
                if possible != self.applies(Rule::GuardsNeedNewKernels) {
                    return Err(self.refuse(Rule::GuardsNeedNewKernels, "EINVAL"));
                }
                self.because(Rule::GuardPagesFault);
                self.each_page(process, name, part, |model, process, name, number| {
                    let install = advice == Advice::GuardInstall;
                    if model.guards == Guards::AnonymousMemory && !model.is_anonymous(process, name, number) {
                        return Err(model.refuse(Rule::GuardsNeedNewKernels, "EINVAL"));
                    }
                    if install {
                        model.refuse_locked(process, name, number)?;
                    }
                    if let Some(slot) = model.slot(process, name, number) {
                        slot.copy = slot.copy.take().filter(|_| !install);
                        (slot.guarded, slot.table) = (install, TableEntry::Unknown);
                    }
                    Ok(())
                })
            }
        }
    }

    /// Decides what children get of these pages.
    fn at_fork(
        &mut self,
        process: Pid,
        name: Name,
        part: Option<Range>,
        advice: Advice,
        change: fn(&mut Area),
    ) -> Result<Outcome, Outcome> {
        self.mapping(process, name)?;
        let leaves_out = matches!(advice, Advice::DontFork | Advice::DoFork);
        self.because(if leaves_out { Rule::DontforkLeavesPagesOut } else { Rule::WipeonforkGivesZeros });
        self.note_part(process, name, part);
        self.each_page(process, name, part, |model, process, name, number| {
            let wipes = advice == Advice::WipeOnFork;
            if wipes && !model.is_anonymous(process, name, number) && model.applies(Rule::AnonymousMemoryOnly) {
                return Err(model.refuse(Rule::AnonymousMemoryOnly, "EINVAL"));
            }
            model.change_areas(process, name, (number, 1), change);
            Ok(())
        })
    }

    /// Does something with each page that is mapped, and reports afterwards that some were not.
    fn each_page(
        &mut self,
        process: Pid,
        name: Name,
        part: Option<Range>,
        mut what: impl FnMut(&mut Model, Pid, Name, usize) -> Result<(), Outcome>,
    ) -> Result<Outcome, Outcome> {
        let (first, count) = self.pages(process, name, part)?;
        let mut has_hole = false;
        self.because(Rule::AdviceSkipsHoles);
        for number in first..first + count {
            if self.slot(process, name, number).is_some() {
                what(self, process, name, number)?;
                continue;
            }
            has_hole = true;
            if !self.applies(Rule::AdviceSkipsHoles) {
                break;
            }
        }
        match has_hole {
            true => Err(self.refuse(Rule::AdviceSkipsHoles, "ENOMEM")),
            false => Ok(Outcome::Done),
        }
    }

    fn is_anonymous(&mut self, process: Pid, name: Name, number: usize) -> bool {
        self.slot(process, name, number).is_some_and(|slot| slot.file.is_none())
    }

    fn refuse_locked(&mut self, process: Pid, name: Name, number: usize) -> Result<(), Outcome> {
        let locked = self.slot(process, name, number).is_some_and(|slot| slot.area.locked);
        if locked && self.applies(Rule::LockedPagesStay) {
            return Err(self.refuse(Rule::LockedPagesStay, "EINVAL"));
        }
        Ok(())
    }

    fn dont_need(&mut self, process: Pid, name: Name, number: usize) -> Result<(), Outcome> {
        self.refuse_locked(process, name, number)?;
        let rule = match self.slot(process, name, number) {
            Some(slot) if slot.area.shared => Rule::DontneedKeepsTheFile,
            _ => Rule::DontneedDropsCopies,
        };
        let applies = self.applies(rule);
        let Some(slot) = self.slot(process, name, number) else { return Ok(()) };
        slot.table = TableEntry::Unknown;
        let file = slot.file;
        match rule {
            Rule::DontneedDropsCopies if applies => slot.copy = None,
            Rule::DontneedKeepsTheFile if !applies => {
                if let Some((file, page)) = file {
                    self.file(file).pages.remove(&page);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn will_need(&mut self, process: Pid, name: Name, number: usize) -> Result<(), Outcome> {
        let private = self.slot(process, name, number).is_some_and(|slot| !slot.area.shared);
        if !self.applies(Rule::WillneedChangesNothing) && private {
            self.copy_page(process, name, number);
        }
        Ok(())
    }

    fn free(&mut self, process: Pid, name: Name, number: usize) -> Result<(), Outcome> {
        self.refuse_locked(process, name, number)?;
        if !self.is_anonymous(process, name, number) && self.applies(Rule::AnonymousMemoryOnly) {
            return Err(self.refuse(Rule::AnonymousMemoryOnly, "EINVAL"));
        }
        self.because(Rule::FreedPagesVary);
        if let Some(slot) = self.slot(process, name, number).filter(|slot| slot.file.is_none()) {
            slot.copy.iter_mut().for_each(Page::or_zeros);
        }
        Ok(())
    }

    fn remove(&mut self, process: Pid, name: Name, number: usize) -> Result<(), Outcome> {
        self.refuse_locked(process, name, number)?;
        let Some(slot) = self.slot(process, name, number) else { return Ok(()) };
        let (file, area) = (slot.file, slot.area);
        let Some((file, page)) = file else {
            return Err(self.refuse(Rule::RemovingNeedsWritableSharing, "EINVAL"));
        };
        if !(area.shared && area.may_write) && self.applies(Rule::RemovingNeedsWritableSharing) {
            return Err(self.refuse(Rule::RemovingNeedsWritableSharing, "EACCES"));
        }
        self.because(Rule::RemovingPunches);
        if self.denied != Some(Rule::RemovingPunches) {
            self.punch_bytes(file, self.start_of(page)..self.start_of(page + 1))?;
        }
        Ok(())
    }

    /// Accesses each page, in the order of their addresses, up to the first that can't be accessed.
    fn populate(&mut self, process: Pid, name: Name, part: Option<Range>, touch: Touch) -> Result<Outcome, Outcome> {
        let (first, count) = self.pages(process, name, part)?;
        self.because(Rule::PopulatingTouchesEachPage);
        let mut outcome = Ok(Outcome::Done);
        for number in first..first + count {
            let Some(area) = self.slot(process, name, number).map(|slot| slot.area) else {
                let stops = self.applies(Rule::PopulatingStopsAtAHole);
                outcome = Err(self.refuse(Rule::PopulatingStopsAtAHole, "ENOMEM"));
                if stops {
                    break;
                }
                continue;
            };
            // Unlike a load, it does not take a page that can be stored to for one that can be loaded from.
            let stores = touch == Touch::Store;
            let allowed = if stores { writes(area.protection) } else { reads(area.protection) };
            if !allowed && self.applies(Rule::PopulatingNeedsTheProtection) {
                return Err(self.refuse(Rule::PopulatingNeedsTheProtection, "EINVAL"));
            }
            let at = self.start_of(number as u64);
            if self.access(process, name, at, touch).is_err() && self.applies(Rule::PopulatingKillsNobody) {
                return Err(self.refuse(Rule::PopulatingKillsNobody, "EFAULT"));
            }
            if stores && !area.shared && self.applies(Rule::PopulatingTouchesEachPage) {
                self.copy_page(process, name, number);
            }
        }
        outcome
    }
}
