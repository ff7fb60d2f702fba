//! fork(2), and the end of a process.

use super::*;

impl Model {
    pub(super) fn fork(&mut self, parent: Pid, child: Pid) -> Result<Outcome, Outcome> {
        if self.has(child) {
            return Err(Outcome::NotApplicable);
        }
        let mut copy = self.process(parent).clone();
        if !self.applies(Rule::ForkInheritsMappings) {
            copy.mappings.clear();
        }
        for mapping in copy.mappings.values_mut() {
            mapping.inherited = true;
            if mapping.shared && !self.applies(Rule::ForkSharesSharedMappings) {
                mapping.shared = false;
                let Some((file, first)) = mapping.file else { continue };
                for (number, slot) in (first..).zip(&mut mapping.slots) {
                    let there = number * u64::from(self.page_size) < self.files[&file].size;
                    let Some(slot) = slot.as_mut().filter(|_| there) else { continue };
                    slot.copy = Some(self.cached(file, number));
                }
            }
        }
        self.why = Some(Rule::ForkInheritsMappings);
        self.processes.insert(child, copy);
        Ok(Outcome::Done)
    }

    pub(super) fn end(&mut self, process: Pid, killed: bool) {
        let outlive = self.applies(Rule::StoresOutliveTheirProcess);
        if killed && !outlive {
            // The earlier bytes come back, those of the last store first.
            for (_, file, at, before) in
                core::mem::take(&mut self.unsynced).into_iter().rev().filter(|(by, ..)| *by == process)
            {
                if self.files.contains_key(&file) {
                    self.set(file, at, before);
                }
            }
        }
        self.unsynced.retain(|(by, ..)| *by != process);
        self.processes.remove(&process);
    }
}
