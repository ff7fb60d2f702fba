//! What marks st_mtime.

use super::*;

/// Whether a file's st_mtime has moved since somebody asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) enum Mtime {
    #[default]
    Unmoved,
    /// By this rule.
    Moved(Rule),
    Perhaps,
    /// A store may be written, and the time marked, at any moment from now on.
    Never,
}

/// What is known of the entry of a page in the page table: a store marks st_mtime where it needs a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum TableEntry {
    /// There is none: no page of the mapping has been accessed.
    Absent,
    /// There is one, and no store has been made through it.
    Loaded,
    /// A store has been made through it.
    Stored,
    Unknown,
}

impl Model {
    pub(super) fn mtime(&mut self, process: Pid, name: Name) -> Result<Outcome, Outcome> {
        let Open { file, .. } = self.opened(process, name)?;
        let mtime = self.file(file).mtime;
        if mtime != Mtime::Never {
            self.file(file).mtime = Mtime::Unmoved;
        }
        match mtime {
            Mtime::Unmoved => Ok(Outcome::Moved(!self.applies(Rule::ReadingLeavesMtime))),
            Mtime::Moved(rule) => {
                self.because(rule);
                Ok(Outcome::Moved(true))
            }
            Mtime::Perhaps | Mtime::Never => {
                let outcomes = [true, false].map(Outcome::Moved);
                Ok(self.leave_open(Rule::MtimeVaries, outcomes).unwrap_or(Outcome::Moved(true)))
            }
        }
    }

    /// A call has changed the file.
    pub(super) fn mark(&mut self, file: FileId) {
        if self.file(file).mtime != Mtime::Never && self.denied != Some(Rule::ChangesMarkMtime) {
            self.file(file).mtime = Mtime::Moved(Rule::ChangesMarkMtime);
        }
    }

    /// Something may have marked its time.
    pub(super) fn perhaps_mark(&mut self, file: FileId) {
        if self.file(file).mtime == Mtime::Unmoved {
            self.file(file).mtime = Mtime::Perhaps;
        }
    }

    /// A page has been accessed, and has an entry from now on.
    pub(super) fn note_touch(&mut self, process: Pid, name: Name, number: usize, touch: Touch) {
        self.note_fault(process, name, Some(number));
        let Some(mapping) = self.process(process).mappings.get_mut(&name) else { return };
        let Some(slot) = mapping.slots.get_mut(number).and_then(Option::as_mut) else { return };
        let before = slot.table;
        slot.table = match (before, touch) {
            (TableEntry::Absent | TableEntry::Loaded, Touch::Store) => TableEntry::Stored,
            (TableEntry::Absent, _) => TableEntry::Loaded,
            (other, _) => other,
        };
        if let Some((file, _)) = slot.file.filter(|_| slot.area.shared && touch == Touch::Store)
            && self.denied != Some(Rule::StoresMarkMtime)
        {
            self.mark_by_store(file, before);
        }
    }

    /// The first fault in a mapping: the kernel may add the entries of pages around it.
    pub(super) fn note_fault(&mut self, process: Pid, name: Name, at: Option<usize>) {
        let Some(mapping) = self.process(process).mappings.get_mut(&name).filter(|mapping| !mapping.touched) else {
            return;
        };
        mapping.touched = true;
        let others = mapping.slots.iter_mut().enumerate().filter(|(other, _)| Some(*other) != at);
        others.filter_map(|(_, slot)| slot.as_mut()).for_each(|slot| slot.table = TableEntry::Unknown);
    }

    fn mark_by_store(&mut self, file: FileId, before: TableEntry) {
        use TableEntry::{Absent, Loaded, Stored};
        match (self.file_system(file).marking, before) {
            (Marking::Open, _) => self.file(file).mtime = Mtime::Never,
            (Marking::EachPage, Absent | Loaded) | (Marking::FirstTouch, Absent) => {
                self.file(file).mtime = Mtime::Moved(Rule::StoresMarkMtime);
            }
            (Marking::FirstTouch, Loaded | Stored) => {}
            _ => self.perhaps_mark(file),
        }
    }

    /// Page table entries of the file's pages may have gone.
    pub(super) fn lose_entries(&mut self, file: FileId) {
        self.change_slots_of(file, |_, slot| (slot.table, slot.pinned) = (TableEntry::Unknown, false));
    }
}
