//! A page's bytes.

use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use crate::scenario::Byte;

/// The bytes of a page. A clone is the same page until either is changed, as after fork(2): that is `Rc::make_mut`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Page(Rc<Vec<Byte>>);

impl Page {
    pub(super) fn zeros(page: u32) -> Page {
        Page::all(page, Byte::Is(0))
    }

    pub(super) fn all(page: u32, byte: Byte) -> Page {
        // By doubling, which copies whole pieces: without optimisation, one byte after the other takes most of the model's time.
        let (mut bytes, page) = (vec![byte], page as usize);
        while bytes.len() < page {
            bytes.extend_from_within(..bytes.len().min(page - bytes.len()));
        }
        Page(Rc::new(bytes))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn get(&self, place: usize) -> Byte {
        self.0[place]
    }

    pub(super) fn piece(&self, places: Range<usize>) -> &[Byte] {
        &self.0[places]
    }

    pub(super) fn set(&mut self, place: usize, byte: Byte) {
        Rc::make_mut(&mut self.0)[place] = byte;
    }

    pub(super) fn put(&mut self, place: usize, bytes: &[u8]) {
        let page = &mut Rc::make_mut(&mut self.0)[place..place + bytes.len()];
        page.iter_mut().zip(bytes).for_each(|(to, byte)| *to = Byte::Is(*byte));
    }

    pub(super) fn fill(&mut self, places: Range<usize>, byte: Byte) {
        Rc::make_mut(&mut self.0)[places].fill(byte);
    }

    /// Whether the two are one page still, and not only equal.
    pub(super) fn is_the_same(&self, other: &Page) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}
