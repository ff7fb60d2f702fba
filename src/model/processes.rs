//! fork(2), and the end of a process.

use super::*;

impl Model {
    pub(super) fn fork(&mut self, parent: Pid, child: Pid) -> Result<Outcome, Outcome> {
        if self.has(child) {
            return Err(Outcome::NotApplicable);
        }
        let mut copy = self.process(parent).clone();
        copy.has_stored = false;
        if !self.applies(Rule::ForkInheritsMappings) {
            copy.mappings.clear();
        }
        for slot in copy.mappings.values_mut().flat_map(|mapping| &mut mapping.slots) {
            self.inherit(slot);
        }
        self.why = Some(Rule::ForkInheritsMappings);
        self.processes.insert(child, copy);
        Ok(Outcome::Done)
    }

    /// Makes a parent's page that of its child.
    fn inherit(&mut self, slot: &mut Option<PageEntry>) {
        let Some(page) = slot else { return };
        page.inherited = true;
        (page.table, page.pinned) = (TableEntry::Unknown, false);
        if page.area.locked {
            page.area.locked = !self.applies(Rule::LocksAreNotInherited);
        }
        if page.area.shared && !self.applies(Rule::ForkSharesSharedMappings) {
            page.area.shared = false;
            let there = page.file.filter(|(file, number)| !self.is_past_the_end(*file, self.start_of(*number)));
            page.copy = there.map(|(file, number)| self.copied(file, number));
        }
        if page.area.wiped_at_fork && self.applies(Rule::WipeonforkGivesZeros) {
            (page.copy, page.guarded) = (None, false);
        }
        if page.area.left_at_fork && self.applies(Rule::DontforkLeavesPagesOut) {
            *slot = None;
        }
    }

    pub(super) fn end(&mut self, process: Pid, killed: bool) {
        let unmaps = self.applies(Rule::EndingClosesAndUnmaps);
        if self.process(process).has_stored && !self.applies(Rule::StoresOutliveTheirProcess) && killed {
            self.lose_stores(process, |_, _| true);
        }
        self.unsynced.retain(|(by, ..)| *by != process);
        let mappings = self.processes.remove(&process).map(|ended| ended.mappings).unwrap_or_default();
        for slot in mappings.values().flat_map(|mapping| mapping.slots.iter().flatten()).filter(|_| !unmaps) {
            if let Some((file, _)) = slot.file.filter(|_| slot.area.shared && slot.area.may_write) {
                self.file(file).held = true;
            }
        }
    }

    /// For the denied rules under which stores can be lost: takes these back that the process has made since msync(2).
    pub(super) fn lose_stores(&mut self, process: Pid, lost: impl Fn(FileId, u64) -> bool) {
        let stores = core::mem::take(&mut self.unsynced);
        let (taken, kept) =
            stores.into_iter().partition::<Vec<_>, _>(|(by, file, at, _)| *by == process && lost(*file, *at));
        self.unsynced = kept;
        // The earlier bytes come back, those of the last store first.
        for (_, file, at, before) in taken.into_iter().rev() {
            if self.files.contains_key(&file) {
                self.set(file, at, before);
            }
        }
    }
}
