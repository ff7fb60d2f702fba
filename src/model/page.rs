//! A page's bytes.

use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::hash::{Hash, Hasher};
use core::ops::Range;

use crate::scenario::Byte;

/// The bytes of a page. A clone shares them until one of the two is changed: `Rc::make_mut` copies then.
#[derive(Debug, Clone)]
pub(super) struct Page {
    bytes: Rc<Vec<Byte>>,
    /// Of a private copy: which one it is, counted from 1.
    number: u32,
}

/// Pages are equal that have the same bytes.
impl PartialEq for Page {
    fn eq(&self, other: &Page) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Page {}

impl Hash for Page {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

/// How many private copies have been made, for their numbers. It is no part of what a model is.
#[derive(Debug, Clone, Default)]
pub(super) struct Births(u32);

impl PartialEq for Births {
    fn eq(&self, _: &Births) -> bool {
        true
    }
}

impl Eq for Births {}

impl Hash for Births {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl Births {
    /// The page as a new private copy.
    pub(super) fn copy_of(&mut self, page: Page) -> Page {
        self.0 += 1;
        Page { number: self.0, ..page }
    }
}

impl Page {
    pub(super) fn zeros(page_size: u32) -> Page {
        Page::all(page_size, Byte::Is(0))
    }

    pub(super) fn all(page_size: u32, byte: Byte) -> Page {
        // By doubling, as in `fill`.
        let (mut bytes, page_size) = (vec![byte], page_size as usize);
        while bytes.len() < page_size {
            bytes.extend_from_within(..bytes.len().min(page_size - bytes.len()));
        }
        Page { bytes: Rc::new(bytes), number: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn get(&self, place: usize) -> Byte {
        self.bytes[place]
    }

    pub(super) fn bytes(&self, places: Range<usize>) -> &[Byte] {
        &self.bytes[places]
    }

    pub(super) fn set(&mut self, place: usize, byte: Byte) {
        Rc::make_mut(&mut self.bytes)[place] = byte;
    }

    pub(super) fn put(&mut self, place: usize, bytes: &[u8]) {
        let page = &mut Rc::make_mut(&mut self.bytes)[place..place + bytes.len()];
        match bytes {
            [first, rest @ ..] if *rest == bytes[..rest.len()] => fill(page, Byte::Is(*first)),
            _ => page.iter_mut().zip(bytes).for_each(|(to, byte)| *to = Byte::Is(*byte)),
        }
    }

    pub(super) fn fill(&mut self, places: Range<usize>, byte: Byte) {
        fill(&mut Rc::make_mut(&mut self.bytes)[places], byte);
    }

    /// Each of these bytes may also be that of the other page.
    pub(super) fn may_be(&mut self, places: Range<usize>, other: &Page) {
        if self.bytes[places.clone()] != other.bytes[places.clone()] {
            let bytes = Rc::make_mut(&mut self.bytes)[places.clone()].iter_mut();
            bytes.zip(&other.bytes[places]).for_each(|(byte, other)| *byte = byte.or(*other));
        }
    }

    /// Each of these bytes may also be a zero.
    pub(super) fn may_be_zeros(&mut self, places: Range<usize>) {
        if self.bytes[places.clone()].iter().any(|byte| *byte != Byte::Is(0)) {
            Rc::make_mut(&mut self.bytes)[places].iter_mut().for_each(|byte| *byte = byte.or(Byte::Is(0)));
        }
    }

    /// Leaves each byte open: it or a zero.
    pub(super) fn or_zeros(&mut self) {
        Rc::make_mut(&mut self.bytes).iter_mut().for_each(|byte| *byte = byte.or_zero());
    }

    /// Which private copy it is.
    pub(super) fn number(&self) -> u32 {
        self.number
    }
}

/// By doubling, which copies whole chunks: without optimisation, byte by byte takes most of the model's time.
fn fill(bytes: &mut [Byte], byte: Byte) {
    let Some(first) = bytes.first_mut() else { return };
    *first = byte;
    let mut done = 1;
    while done < bytes.len() {
        let more = done.min(bytes.len() - done);
        bytes.copy_within(..more, done);
        done += more;
    }
}
