//! The misconceptions about memory mapping that the course knows, each with a sentence against it.
//!
//! Their slugs are stable: checks name them in feedback, wrong answers demand them, hints refer to them.

use super::Words;

/// Something about files and memory that people believe and that isn't so.
#[derive(Debug, PartialEq, Eq)]
pub struct Misconception {
    /// Its name for ever, in kebab case.
    pub slug: &'static str,
    belief: (&'static str, &'static str),
    against: (&'static str, &'static str),
}

impl Misconception {
    /// The belief, in a sentence.
    pub fn belief(&self) -> Words {
        words(self.belief)
    }

    /// The sentence against it.
    pub fn against(&self) -> Words {
        words(self.against)
    }

    /// The misconception of that slug.
    pub fn of_slug(slug: &str) -> Option<&'static Misconception> {
        ALL.iter().find(|misconception| misconception.slug == slug).copied()
    }
}

fn words((en, zh): (&str, &str)) -> Words {
    Words { en: en.to_owned(), zh: zh.to_owned() }
}

macro_rules! misconceptions {
    ($($name:ident = $slug:literal, $belief:expr, $against:expr;)*) => {
        $(
            #[doc = $slug]
            pub const $name: Misconception = Misconception { slug: $slug, belief: $belief, against: $against };
        )*
        /// All of them.
        pub const ALL: &[&Misconception] = &[$(&$name),*];
    };
}

misconceptions! {
    // ---- Lesson 1: traditional I/O ----


    // ---- Lesson 2: mmap and munmap ----


    // ---- Lesson 3: shared against private ----

    PRIVATE_IS_A_SNAPSHOT = "private-is-a-snapshot",
        ("A private mapping is a snapshot of the file, taken when it is mapped.",
         "私有映射是文件在映射那一刻的快照。"),
        ("A page that this mapping has not stored to is still the file's page, and shows what others write there; only the \
          first store makes a copy of that one page.",
         "没有被该映射写过的页，仍然就是文件的那一页，别人写入的内容照样看得到；只有第一次写入才会复制，而且只复制那一页。");


    // ---- Lesson 4: processes that talk through a mapped file ----


    // ---- Lesson 5: unlinked temporary files ----


    // ---- Lesson 6: the bus error ----

}
