//! Text for a reader, in each language of the workbook.
//!
//! A [`Text`] keeps all languages until it is shown; [`Text::in_language`] chooses one there. No decision depends on
//! the language.

use alloc::borrow::Cow;

/// A language that the workbook is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Chinese.
    Chinese,
}

impl Language {
    /// All of them.
    pub const ALL: [Language; 2] = [Language::English, Language::Chinese];

    /// Its code (ISO 639-1), as in the names of files and in `WORKBOOK_LANG`.
    pub const fn code(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Chinese => "zh",
        }
    }

    /// Its tag in HTML (BCP 47).
    pub const fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Chinese => "zh-CN",
        }
    }

    /// Its name in the language itself.
    pub const fn name(self) -> &'static str {
        match self {
            Language::English => "English",
            Language::Chinese => "中文",
        }
    }

    /// What separates words: it also joins the lines of a paragraph.
    pub const fn space(self) -> &'static str {
        match self {
            Language::English => " ",
            Language::Chinese => "",
        }
    }
}

/// The hash of a text, in 16 hexadecimal digits, the same on each machine: 64-bit FNV-1a.
pub fn hash(text: &str) -> alloc::string::String {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    alloc::format!("{hash:016x}")
}

/// A text in each language. [`text!`](crate::text!) formats one with values, [`Text::fixed`] makes a constant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// English.
    pub en: Cow<'static, str>,
    /// Chinese.
    pub zh: Cow<'static, str>,
}

impl Text {
    /// A constant text.
    pub const fn fixed(en: &'static str, zh: &'static str) -> Text {
        Text { en: Cow::Borrowed(en), zh: Cow::Borrowed(zh) }
    }

    /// A text that is made at run time.
    pub fn new(en: impl Into<Cow<'static, str>>, zh: impl Into<Cow<'static, str>>) -> Text {
        Text { en: en.into(), zh: zh.into() }
    }

    /// The text in this language.
    pub fn in_language(&self, language: Language) -> &str {
        match language {
            Language::English => &self.en,
            Language::Chinese => &self.zh,
        }
    }
}

/// A [`Text`] from an English and a Chinese format string, as `format!` takes them. Variables after a semicolon are
/// themselves [`Text`]s: each is inserted in the language of the string.
#[macro_export]
macro_rules! text {
    ($en:literal, $zh:literal $(, $argument:expr)* $(,)?) => {
        $crate::text::Text::new(format!($en $(, $argument)*), format!($zh $(, $argument)*))
    };
    ($en:literal, $zh:literal; $($part:ident),+ $(,)?) => {
        $crate::text::Text::new(
            {
                $(let $part = $part.in_language($crate::text::Language::English);)+
                format!($en)
            },
            {
                $(let $part = $part.in_language($crate::text::Language::Chinese);)+
                format!($zh)
            },
        )
    };
}
