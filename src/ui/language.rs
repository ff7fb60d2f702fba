//! The language that the reader wants, and texts as JSON.

use std::env;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text::{Language, Text};

impl Language {
    /// The first of these variables that is set: `WORKBOOK_LANG` (`en` or `zh`), then LC_ALL, LC_MESSAGES and LANG, as
    /// for messages (locale(7)). English if none is, or if it names another language.
    pub fn of_environment() -> Language {
        Language::from(|name| env::var(name).ok())
    }

    fn from(variable: impl Fn(&str) -> Option<String>) -> Language {
        let names = ["WORKBOOK_LANG", "LC_ALL", "LC_MESSAGES", "LANG"];
        let set = names.iter().filter_map(|name| variable(name)).find(|value| !value.is_empty());
        let is_set = |language: &Language| set.as_ref().is_some_and(|value| value.starts_with(language.code()));
        Language::ALL.into_iter().find(is_set).unwrap_or(Language::English)
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(Language::ALL.map(|language| (language.code(), self.in_language(language))))
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
        #[derive(Deserialize)]
        struct Fields {
            en: String,
            zh: String,
        }
        Fields::deserialize(deserializer).map(|Fields { en, zh }| Text::new(en, zh))
    }
}

#[cfg(test)]
mod tests {
    use crate::text::Language::{self, Chinese, English};

    #[test]
    fn the_first_variable_that_is_set_decides() {
        let language = |set: &[(&str, &str)]| {
            Language::from(|name| set.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(language(&[]), English);
        assert_eq!(language(&[("LANG", "zh_CN.UTF-8")]), Chinese);
        assert_eq!(language(&[("LANG", "zh_CN.UTF-8"), ("LC_ALL", "C")]), English);
        assert_eq!(language(&[("LANG", "zh_CN.UTF-8"), ("LC_ALL", "")]), Chinese);
        assert_eq!(language(&[("LANG", "de_DE"), ("WORKBOOK_LANG", "zh")]), Chinese);
        assert_eq!(language(&[("LC_MESSAGES", "zh_TW"), ("WORKBOOK_LANG", "en")]), English);
    }
}
