//! Lesson NUMBER: TITLE.

mod common;

use common::{cases, contents, file_with, open, transcript};
use mmap_workbook::lesson_NUMBER::*;
use mmap_workbook::text::Language;
use proptest::prelude::*;

proptest! {
    #![proptest_config(cases(16))]

    #[test]
    fn the_size_is_that_of_the_bytes(bytes in contents()) {
        let (_directory, path) = file_with(&bytes);
        prop_assert_eq!(size(&open(&path)).expect("the size"), bytes.len() as u64);
    }
}

#[test]
fn the_demonstration_shows_what_the_lesson_says() {
    for language in Language::ALL {
        insta::assert_snapshot!(format!("demonstration_{}", language.code()), transcript(NUMBER, language));
    }
}
