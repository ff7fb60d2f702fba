//! Calls whose buffer is in a mapping: where it can't be accessed, nobody dies.

use super::*;

impl Model {
    pub(super) fn read_into(
        &mut self,
        process: Pid,
        (descriptor, offset): (Name, Amount),
        (name, place): (Name, Amount),
        length: Amount,
    ) -> Result<Outcome, Outcome> {
        self.mapping(process, name)?;
        let open = self.opened(process, descriptor)?;
        let (offset, place, length) = (self.size(offset)?, self.size(place)?, self.size(length)?);
        self.refuse_same_file(process, name, open.file)?;
        let bytes = known(&self.read_bytes(open, offset, length)?)?;
        if bytes.is_empty() && length > 0 && self.clone().access(process, name, place, Touch::Store).is_err() {
            let (end, fault) = (Outcome::Count(0), self.refuse(Rule::EndOrBufferComesFirst, "EFAULT"));
            let outcomes = [end.clone(), fault];
            return Ok(self.leave_open(Rule::EndOrBufferComesFirst, outcomes).unwrap_or(end));
        }
        let mut done = 0;
        let fault = self.store_all(process, name, place, &bytes, &mut done).err();
        self.moved(done, fault)
    }

    pub(super) fn write_from(
        &mut self,
        process: Pid,
        (descriptor, offset): (Name, Amount),
        (name, place): (Name, Amount),
        length: Amount,
    ) -> Result<Outcome, Outcome> {
        self.mapping(process, name)?;
        let open @ Open { file, .. } = self.opened_for_writing(process, descriptor)?;
        let (offset, place, length) = (self.size(offset)?, self.size(place)?, self.size(length)?);
        let offset = self.written_at(open, offset);
        self.refuse_same_file(process, name, file)?;
        let mut bytes = Vec::new();
        let fault = self.load_all(process, name, place..place + length, &mut bytes).err();
        // Whether the kernel looks at the buffer first or at the seals depends on its version; and on the tmpfs of some
        // versions a write past the end extends the file before it fails.
        let sealed = self.has_seals(file);
        let past_the_end = bytes.is_empty() && offset > self.files[&file].size;
        if fault.is_some() && (sealed || past_the_end) {
            return Err(Outcome::NotApplicable);
        }
        let bytes = known(&bytes)?;
        let Some(died) = fault else { return self.write_bytes(file, offset, &bytes) };
        self.perhaps_mark(file);
        if bytes.is_empty() || !self.applies(Rule::CallsReportBadBuffers) {
            return self.moved(0, Some(died));
        }
        let (part, refused) = (Outcome::Count(bytes.len() as u64), self.refuse(Rule::ShortBuffersVary, "EFAULT"));
        match self.leave_open(Rule::ShortBuffersVary, [part.clone(), refused.clone()]) {
            Some(happened) if happened == refused => Err(refused),
            Some(_) => self.write_bytes(file, offset, &bytes),
            None => {
                self.write_bytes(file, offset, &bytes)?;
                (offset..offset + bytes.len() as u64).for_each(|at| self.set(file, at, Byte::Any));
                Ok(part)
            }
        }
    }

    /// A buffer that shows the file itself changes while it is copied.
    fn refuse_same_file(&mut self, process: Pid, name: Name, file: FileId) -> Result<(), Outcome> {
        let mut slots = self.mapping(process, name)?.slots.iter().flatten();
        let shows = slots.any(|slot| slot.file.is_some_and(|(other, _)| other == file));
        if shows { Err(Outcome::NotApplicable) } else { Ok(()) }
    }

    /// What a call returns that has moved `done` bytes, up to a place that can't be accessed, if any.
    fn moved(&mut self, done: usize, fault: Option<Outcome>) -> Result<Outcome, Outcome> {
        let Some(died) = fault else { return Ok(Outcome::Count(done as u64)) };
        if !self.applies(Rule::CallsReportBadBuffers) {
            return Err(died);
        }
        if done == 0 || !self.applies(Rule::CallsReturnWhatFitted) {
            return Err(self.refuse(Rule::CallsReportBadBuffers, "EFAULT"));
        }
        self.why = Some(Rule::CallsReturnWhatFitted);
        Ok(Outcome::Count(done as u64))
    }
}

/// These bytes; where one is left open, what follows can't be known.
fn known(bytes: &[Byte]) -> Result<Vec<u8>, Outcome> {
    let one = |byte: &Byte| if let Byte::Is(byte) = byte { Ok(*byte) } else { Err(Outcome::NotApplicable) };
    bytes.iter().map(one).collect()
}
