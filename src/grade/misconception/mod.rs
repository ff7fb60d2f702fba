//! The misconceptions about memory mapping that the course knows, each with a sentence against it: a file a lesson.
//!
//! Their slugs are stable: checks name them in feedback, wrong answers demand them, hints refer to them.

use crate::text::Text;

/// Something about files and memory that people believe and that isn't so.
#[derive(Debug, PartialEq, Eq)]
pub struct Misconception {
    /// Its name for ever, in kebab case.
    pub slug: &'static str,
    /// The belief, in a sentence.
    pub belief: Text,
    /// The sentence against it.
    pub against: Text,
}

impl Misconception {
    /// All of them, in the order of the lessons.
    pub fn all() -> impl Iterator<Item = &'static Misconception> {
        FILES.iter().copied().flatten().copied()
    }

    /// The misconception of that slug.
    pub fn of_slug(slug: &str) -> Option<&'static Misconception> {
        Misconception::all().find(|misconception| misconception.slug == slug)
    }
}

/// Makes a static of each misconception, and a list of them: the name, the slug, the belief and the sentence against it, both in
/// each language.
macro_rules! misconceptions {
    ($($name:ident = $slug:literal, ($($belief:literal),*), ($($against:literal),*);)*) => {
        $(
            #[doc = $slug]
            pub static $name: Misconception = Misconception {
                slug: $slug,
                belief: $crate::text::Text::fixed($($belief),*),
                against: $crate::text::Text::fixed($($against),*),
            };
        )*

        pub(super) static ALL: &[&Misconception] = &[$(&$name),*];
    };
}

/// Each file, once: its misconceptions are found here, and its list is in [`FILES`].
macro_rules! files {
    ($($file:ident)*) => {
        $(mod $file;)*
        $(
            #[allow(unused_imports, reason = "a draft lesson may have none yet")]
            pub use $file::*;
        )*
        static FILES: &[&[&Misconception]] = &[$($file::ALL),*];
    };
}

files! { lesson_1 lesson_2 lesson_3 lesson_4 lesson_5 lesson_6 predictions }
