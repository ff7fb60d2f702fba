//! The page cache: the files' bytes, page by page.

use super::*;

impl Model {
    pub(super) fn new_file(&mut self, size: u64, seals: Option<BTreeSet<Seal>>) -> Result<FileId, Refused> {
        // What nobody has a name, a descriptor or a mapping for is gone.
        let gone: Vec<FileId> = self.files.keys().copied().filter(|file| !self.is_held(*file)).collect();
        gone.iter().for_each(|file| drop(self.files.remove(file)));
        self.room(self.files.len() < Model::MOST_FILES)?;
        self.refuse_too_many_pages(0, size)?;
        let file = self.next_file;
        self.next_file = self.next_file.wrapping_add(1);
        self.files.insert(file, File { size, pages: BTreeMap::new(), seals });
        Ok(file)
    }

    /// A file is to have another size: whether there is room for its pages.
    pub(super) fn refuse_too_many_pages(&mut self, before: u64, after: u64) -> Result<(), Refused> {
        let pages = |size: u64| size.div_ceil(u64::from(self.page));
        let others = self.files.values().map(|file| pages(file.size)).sum::<u64>() - pages(before);
        self.room(after <= before || others + pages(after) <= Model::MOST_PAGES)
    }

    /// Only so much memory is taken, whatever the scenario says.
    pub(super) fn room(&mut self, there_is: bool) -> Result<(), Refused> {
        self.full |= !there_is;
        if there_is { Ok(()) } else { Err(Outcome::NotApplicable) }
    }

    /// The number of the page, and the place in it.
    pub(super) fn split(&self, at: u64) -> (usize, usize) {
        let page = u64::from(self.page);
        (usize::try_from(at / page).unwrap_or(usize::MAX), usize::try_from(at % page).unwrap_or(usize::MAX))
    }

    pub(super) fn is_behind(&self, file: FileId, at: u64) -> bool {
        at >= self.files[&file].size
    }

    pub(super) fn cached(&self, file: FileId, number: u64) -> Page {
        self.files[&file].pages.get(&number).cloned().unwrap_or_else(|| Page::zeros(self.page))
    }

    pub(super) fn set(&mut self, file: FileId, at: u64, byte: Byte) {
        let (number, place) = self.split(at);
        let (page, number) = (self.page, number as u64);
        self.file(file).pages.entry(number).or_insert_with(|| Page::zeros(page)).set(place, byte);
    }

    /// The bytes of a file from a place to another: what lies between them, piece by piece in its pages.
    pub(super) fn get(&self, file: FileId, from: u64, to: u64) -> Vec<Byte> {
        let mut bytes = Vec::new();
        for (number, places) in self.pieces(from, to) {
            match self.files[&file].pages.get(&number) {
                Some(page) => bytes.extend_from_slice(page.piece(places)),
                None => bytes.extend(places.map(|_| Byte::Is(0))),
            }
        }
        bytes
    }

    pub(super) fn put(&mut self, file: FileId, at: u64, mut bytes: &[u8]) {
        for (number, places) in self.pieces(at, at + bytes.len() as u64).collect::<Vec<_>>() {
            let (here, rest) = bytes.split_at(places.len());
            bytes = rest;
            let page = self.page;
            self.file(file).pages.entry(number).or_insert_with(|| Page::zeros(page)).put(places.start, here);
        }
    }

    pub(super) fn set_all(&mut self, file: FileId, from: u64, to: u64, byte: Byte) {
        for (number, places) in self.pieces(from, to).collect::<Vec<_>>() {
            // A page that isn't there is zeros already.
            if let Some(page) = self.file(file).pages.get_mut(&number) {
                page.fill(places, byte);
            }
        }
    }

    /// Page by page: its number, and which places in it.
    pub(super) fn pieces(&self, from: u64, to: u64) -> impl Iterator<Item = (u64, core::ops::Range<usize>)> + use<> {
        let page = u64::from(self.page);
        let place = move |at: u64, number: u64| usize::try_from((at - number * page).min(page)).unwrap_or(usize::MAX);
        let numbers = if from < to { from / page..to.div_ceil(page) } else { 0..0 };
        numbers.map(move |number| (number, place(from.max(number * page), number)..place(to, number)))
    }

    /// A copy gets into the file: for those who think that it does. What lies behind the file's end stays outside.
    pub(super) fn put_page(&mut self, file: FileId, number: u64, copy: Page) {
        let start = number * u64::from(self.page);
        for place in 0..u64::from(self.page) {
            let byte = copy.get(usize::try_from(place).unwrap_or(usize::MAX));
            if self.files.contains_key(&file) && !self.is_behind(file, start + place) && byte != Byte::Any {
                self.set(file, start + place, byte);
            }
        }
    }
}
