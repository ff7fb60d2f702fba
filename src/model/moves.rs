//! mremap(2).

use super::*;

impl Model {
    pub(super) fn remap(&mut self, process: Pid, name: Name, length: Amount) -> Result<Outcome, Outcome> {
        let (length, page_size) = (self.size(length)?, u64::from(self.page_size));
        let mapping = self.mapping(process, name)?;
        let (parted, touched, before) = (mapping.parted, mapping.touched, mapping.slots.len());
        let (is_one, last) = (is_one_area(&mapping.slots), mapping.slots.last().cloned().flatten());
        let is_there = mapping.slots.first().is_some_and(Option::is_some);
        let count = index(length.div_ceil(page_size));
        self.room_for_pages(process, before, count)?;
        if length == 0 && self.applies(Rule::MappingsHaveALength) {
            return Err(self.refuse(Rule::MappingsHaveALength, "EINVAL"));
        }
        if !is_there {
            return Err(self.refuse(Rule::RemapNeedsOneArea, "EFAULT"));
        }
        if count > before {
            if !is_one && self.applies(Rule::RemapNeedsOneArea) {
                return Err(self.refuse(Rule::RemapNeedsOneArea, "EFAULT"));
            }
            if is_one && parted {
                self.may_be_refused(Rule::PartsMayBecomeOneArea)?;
            }
        }
        let locked = last.as_ref().is_some_and(|last| last.area.locked);
        if locked && count > before {
            self.refuse_over_limit(process, count - before, "EAGAIN")?;
        }
        if self.applies(Rule::RemapChangesTheLength) {
            let next = |n: usize| {
                let last = last.clone()?;
                let file = last.file.map(|(file, number)| (file, number + 1 + n as u64));
                let table = if touched { TableEntry::Unknown } else { TableEntry::Absent };
                Some(PageEntry { file, table, copy: None, guarded: false, pinned: false, ..last })
            };
            let more: Vec<_> = (0..count.saturating_sub(before)).map(next).collect();
            let mapping = self.mapping(process, name)?;
            mapping.slots.truncate(count);
            mapping.slots.extend(more);
            mapping.length = length;
            if locked {
                self.touch_pages(process, name, before..count, Rule::LockingTouchesEachPage);
            }
        }
        if let Some((file, number)) = last.and_then(|last| last.file)
            && !self.applies(Rule::RemapChangesNoFile)
        {
            let end = (number + 1) * page_size + length.saturating_sub(before as u64 * page_size);
            let size = self.files[&file].size.max(end);
            self.set_size(file, size);
        }
        Ok(Outcome::Done)
    }

    pub(super) fn move_to(&mut self, process: Pid, name: Name, to: Name) -> Result<Outcome, Outcome> {
        let mapping = self.mapping(process, name)?;
        let (is_one, count) = (is_one_area(&mapping.slots) && !mapping.parted, mapping.slots.len());
        let is_there = mapping.slots.first().is_some_and(Option::is_some);
        let replaces = |mapping: &Region| mapping.slots.iter().take(count).any(Option::is_some);
        let replaces = self.process(process).mappings.get(&to).is_some_and(replaces);
        // Older kernels unmap what is there first, and then find out that they can't move.
        if name == to || !is_one && replaces {
            return Err(Outcome::NotApplicable);
        }
        self.room_for_mapping(process, to)?;
        if !is_there {
            return Err(self.refuse(Rule::RemapNeedsOneArea, "EFAULT"));
        }
        if !is_one {
            self.may_be_refused(Rule::MovingSeveralAreas)?;
        }
        if replaces && !self.applies(Rule::MovingReplaces) {
            return Err(self.refuse(Rule::MovingReplaces, "EEXIST"));
        }
        let unmaps = self.applies(Rule::MovingUnmapsTheOldPlace);
        let mapping = self.mapping(process, name)?;
        let mut moved = mapping.clone();
        moved.slots.iter_mut().flatten().for_each(|slot| slot.table = TableEntry::Unknown);
        if unmaps {
            mapping.slots.fill(None);
            mapping.gone = true;
        }
        match self.process(process).mappings.get_mut(&to).filter(|there| !there.gone) {
            Some(there) => there.put(0, 0, moved),
            None => drop(self.process(process).mappings.insert(to, moved)),
        }
        Ok(Outcome::Done)
    }

    pub(super) fn duplicate(&mut self, process: Pid, name: Name, to: Name) -> Result<Outcome, Outcome> {
        let mapping = self.mapping(process, name)?;
        let (mut other, count) = (mapping.clone(), mapping.slots.len());
        if self.process(process).mappings.get(&to).is_some_and(|there| !there.gone) || name == to {
            return Err(Outcome::NotApplicable);
        }
        self.room_for_mapping(process, to)?;
        self.room_for_pages(process, 0, count)?;
        let Some(Some(first)) = other.slots.first().cloned() else {
            return Err(self.refuse(Rule::RemapNeedsOneArea, "EFAULT"));
        };
        let locked = first.area.locked;
        if !first.area.shared && self.applies(Rule::DuplicatingNeedsSharing) {
            return Err(self.refuse(Rule::DuplicatingNeedsSharing, "EINVAL"));
        }
        if locked {
            self.refuse_over_limit(process, count, "EAGAIN")?;
        }
        if let Some((file, start)) = first.file {
            self.because(Rule::DuplicatingNeedsSharing);
            let size_then = self.files[&file].size;
            let page = |n: usize| PageEntry {
                file: Some((file, start + n as u64)),
                copy: first.copy.clone(),
                guarded: false,
                table: TableEntry::Absent,
                pinned: false,
                size_then,
                ..first
            };
            other = Region { parted: false, touched: false, slots: (0..count).map(page).map(Some).collect(), ..other };
        }
        self.process(process).mappings.insert(to, other);
        if locked {
            self.touch_pages(process, to, 0..count, Rule::LockingTouchesEachPage);
        }
        Ok(Outcome::Done)
    }

    /// EFAULT, unless it is known that it happened otherwise.
    fn may_be_refused(&mut self, rule: Rule) -> Result<(), Outcome> {
        let refused = self.refuse(rule, "EFAULT");
        match self.leave_open(rule, [refused.clone(), Outcome::Done]) {
            Some(Outcome::Done) => Ok(()),
            _ => Err(refused),
        }
    }
}

/// Whether nothing tells the kernel to have several areas for these pages.
fn is_one_area(slots: &[Option<PageEntry>]) -> bool {
    slots.windows(2).all(|pair| match pair {
        [Some(one), Some(next)] => {
            one.area == next.area && one.file.map(|(file, number)| (file, number + 1)) == next.file
        }
        _ => false,
    })
}
