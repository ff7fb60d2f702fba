//! The misconceptions about memory mapping that the course knows, each with a sentence against it. Each lesson has a
//! file, and so have those that only predictions show.
//!
//! A slug never changes: feedback, the headers of wrong answers and the book refer to it.

pub mod denial;

use crate::text::Text;

/// A wrong belief about files and memory.
#[derive(Debug, PartialEq, Eq)]
pub struct Misconception {
    /// Its permanent name, in kebab case.
    pub slug: &'static str,
    /// The belief, in a sentence.
    pub belief: Text,
    /// The sentence against it.
    pub against: Text,
}

impl Misconception {
    /// All of them: lesson by lesson, then those of predictions.
    pub fn all() -> impl Iterator<Item = &'static Misconception> {
        FILES.iter().copied().flatten().copied()
    }

    /// The misconception with this slug.
    pub fn of_slug(slug: &str) -> Option<&'static Misconception> {
        Misconception::all().find(|misconception| misconception.slug == slug)
    }
}

/// Makes a static of each misconception, and a list of all in the file. An entry has its name, its slug, the belief and
/// the sentence against it, both in each language.
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

/// Declares each file, re-exports its misconceptions, and puts its list into [`FILES`].
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

files! { lesson_1 lesson_2 lesson_3 lesson_4 lesson_5 lesson_6 lesson_7 lesson_8 predictions }
