//! The page cache: the files' bytes, page by page.

use super::*;

impl Model {
    pub(super) fn new_file(&mut self, size: u64, seals: Option<BTreeSet<Seal>>) -> Result<FileId, Outcome> {
        self.forget_files();
        self.room(Limit::Files, self.files.len() < Model::MOST_FILES)?;
        self.refuse_too_many_pages(0, size)?;
        let file = self.next_file;
        self.next_file = self.next_file.wrapping_add(1);
        self.files.insert(
            file,
            File { size, pages: BTreeMap::new(), seals, mtime: Mtime::Unmoved, anonymous: false, held: false },
        );
        Ok(file)
    }

    /// A file without a name, a descriptor or a mapping is gone.
    fn forget_files(&mut self) {
        let gone: Vec<FileId> = self.files.keys().copied().filter(|file| !self.is_held(*file)).collect();
        gone.iter().for_each(|file| drop(self.files.remove(file)));
    }

    /// Whether there is room for the pages of a file whose size changes.
    pub(super) fn refuse_too_many_pages(&mut self, before: u64, after: u64) -> Result<(), Outcome> {
        if !self.has_room(before, after) {
            self.forget_files();
        }
        let has_room = self.has_room(before, after);
        self.room(Limit::Pages, has_room)
    }

    fn has_room(&self, before: u64, after: u64) -> bool {
        let pages = |size: u64| size.div_ceil(u64::from(self.page_size));
        let others = self.files.values().map(|file| pages(file.size)).sum::<u64>() - pages(before);
        after <= before || others + pages(after) <= Model::MOST_PAGES
    }

    /// Refuses the line if there is no room: a scenario's memory is limited.
    pub(super) fn room(&mut self, limit: Limit, there_is: bool) -> Result<(), Outcome> {
        if there_is {
            return Ok(());
        }
        self.passed = Some(limit);
        Err(Outcome::NotApplicable)
    }

    /// The number of the page, and the offset in it.
    pub(super) fn split(&self, at: u64) -> (usize, usize) {
        let page_size = u64::from(self.page_size);
        (index(at / page_size), index(at % page_size))
    }

    /// Where a page begins in its file, or in its mapping.
    pub(super) fn start_of(&self, number: u64) -> u64 {
        number * u64::from(self.page_size)
    }

    pub(super) fn is_past_the_end(&self, file: FileId, at: u64) -> bool {
        at >= self.files[&file].size
    }

    pub(super) fn cached(&self, file: FileId, number: u64) -> Page {
        self.files[&file].pages.get(&number).cloned().unwrap_or_else(|| Page::zeros(self.page_size))
    }

    /// A private copy of a page.
    pub(super) fn copied(&mut self, file: FileId, number: u64) -> Page {
        let page = self.cached(file, number);
        self.copies.copy_of(page)
    }

    pub(super) fn set(&mut self, file: FileId, at: u64, byte: Byte) {
        let (number, place) = self.split(at);
        let (page_size, number) = (self.page_size, number as u64);
        self.file(file).pages.entry(number).or_insert_with(|| Page::zeros(page_size)).set(place, byte);
        self.note_change_before_the_end(file, at, at + 1);
    }

    /// The bytes of a file in this range, chunk by chunk from its pages.
    pub(super) fn get(&self, file: FileId, from: u64, to: u64) -> Vec<Byte> {
        let mut bytes = Vec::new();
        for (number, places) in self.chunks(from, to) {
            match self.files[&file].pages.get(&number) {
                Some(page) => bytes.extend_from_slice(page.bytes(places)),
                None => bytes.resize(bytes.len() + places.len(), Byte::Is(0)),
            }
        }
        bytes
    }

    pub(super) fn put(&mut self, file: FileId, at: u64, mut bytes: &[u8]) {
        let end = at + bytes.len() as u64;
        for (number, places) in self.chunks(at, end) {
            let (here, rest) = bytes.split_at(places.len());
            bytes = rest;
            let page_size = self.page_size;
            self.file(file).pages.entry(number).or_insert_with(|| Page::zeros(page_size)).put(places.start, here);
        }
        self.note_change_before_the_end(file, at, end);
    }

    pub(super) fn set_all(&mut self, file: FileId, from: u64, to: u64, byte: Byte) {
        for (number, places) in self.chunks(from, to) {
            // A page that was never stored to is zeros already.
            if let Some(page) = self.file(file).pages.get_mut(&number) {
                page.fill(places, byte);
            }
        }
        self.note_change_before_the_end(file, from, to);
    }

    /// What is past the end of a file is no change of it.
    fn note_change_before_the_end(&mut self, file: FileId, from: u64, to: u64) {
        self.note_change(file, from, to.min(self.files[&file].size));
    }

    /// Page by page: its number, and the range of bytes in it.
    pub(super) fn chunks(&self, from: u64, to: u64) -> impl Iterator<Item = (u64, core::ops::Range<usize>)> + use<> {
        let page_size = u64::from(self.page_size);
        let place = move |at: u64, number: u64| index((at - number * page_size).min(page_size));
        let numbers = if from < to { from / page_size..to.div_ceil(page_size) } else { 0..0 };
        numbers.map(move |number| (number, place(from.max(number * page_size), number)..place(to, number)))
    }

    /// Writes a private copy to its file, for a denied rule. Bytes past the file's end stay out.
    pub(super) fn put_page(&mut self, file: FileId, number: u64, copy: Page) {
        let start = number * u64::from(self.page_size);
        for place in 0..u64::from(self.page_size) {
            let byte = copy.get(index(place));
            if self.files.contains_key(&file) && !self.is_past_the_end(file, start + place) && byte != Byte::Any {
                self.set(file, start + place, byte);
            }
        }
    }
}
