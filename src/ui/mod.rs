//! What the learner sees: which language, and lines that fit.

use std::env;

use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use unicode_linebreak::{BreakOpportunity, linebreaks};
use unicode_width::UnicodeWidthStr;

use crate::text::{Language, Text};

/// The number of the JSON that `play` and `check` print, its field `format`: it goes up when a field changes its name or meaning.
pub const JSON_FORMAT: u32 = 1;

impl Language {
    /// `WORKBOOK_LANG` (`en` or `zh`), else the locale of the messages: LC_ALL, LC_MESSAGES, LANG, the first that is set
    /// (locale(7)). Whatever isn't Chinese is English.
    pub fn of_environment() -> Language {
        Language::from(|name| env::var(name).ok())
    }

    fn from(variable: impl Fn(&str) -> Option<String>) -> Language {
        let names = ["WORKBOOK_LANG", "LC_ALL", "LC_MESSAGES", "LANG"];
        let set = names.iter().filter_map(|name| variable(name)).find(|value| !value.is_empty());
        if set.is_some_and(|value| value.starts_with("zh")) { Language::Chinese } else { Language::English }
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Text", 2)?;
        fields.serialize_field("en", &self.en)?;
        fields.serialize_field("zh", &self.zh)?;
        fields.end()
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

/// `text` in lines of at most `width` columns, broken where Unicode allows it (UAX #14): Chinese has no spaces.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let (mut start, mut last) = (0, None);
    for (at, opportunity) in linebreaks(text) {
        if visible(text[start..at].trim_end()).width() > width {
            // This piece does not fit any more: the line ends before it, unless it would be empty.
            if let Some(last) = last.filter(|last| *last > start) {
                lines.push(text[start..last].trim_end().to_owned());
                start = last;
            }
        }
        if opportunity == BreakOpportunity::Mandatory {
            let piece = &text[start..at];
            lines.push(piece.trim_end_matches('\n').trim_end().to_owned());
            start = at;
        }
        last = Some(at);
    }
    lines
}

/// The text without the escape sequences of styles, which take no room.
pub(crate) fn visible(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
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
