//! A page's bytes.

use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use crate::scenario::Byte;

/// The bytes of a page. A clone is the same page until one of the two is changed, as after fork(2): `Rc::make_mut`
/// copies then.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Page(Rc<Vec<Byte>>);

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
        Page(Rc::new(bytes))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn get(&self, place: usize) -> Byte {
        self.0[place]
    }

    pub(super) fn bytes(&self, places: Range<usize>) -> &[Byte] {
        &self.0[places]
    }

    pub(super) fn set(&mut self, place: usize, byte: Byte) {
        Rc::make_mut(&mut self.0)[place] = byte;
    }

    pub(super) fn put(&mut self, place: usize, bytes: &[u8]) {
        let page = &mut Rc::make_mut(&mut self.0)[place..place + bytes.len()];
        match bytes {
            [first, rest @ ..] if *rest == bytes[..rest.len()] => fill(page, Byte::Is(*first)),
            _ => page.iter_mut().zip(bytes).for_each(|(to, byte)| *to = Byte::Is(*byte)),
        }
    }

    pub(super) fn fill(&mut self, places: Range<usize>, byte: Byte) {
        fill(&mut Rc::make_mut(&mut self.0)[places], byte);
    }

    /// Leaves each byte open: it or a zero.
    pub(super) fn or_zeros(&mut self) {
        Rc::make_mut(&mut self.0).iter_mut().for_each(|byte| *byte = byte.or_zero());
    }

    /// Whether the two are still one page, and not only equal.
    pub(super) fn is_the_same(&self, other: &Page) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
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
