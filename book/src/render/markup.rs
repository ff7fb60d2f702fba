//! The markup that several directives share.

use mmap_workbook::text;
use mmap_workbook::text::Language;

use super::words;
use crate::evidence::Test;
pub use crate::html::{escape, with_code};

/// The command that runs a test, as HTML, and where it holds.
pub fn test(test: &Test, language: Language) -> String {
    format!("{}{}", linked(&test.command, test.address.as_deref()), where_it_holds(test, language))
}

/// A command or a file, as HTML, with a link to where it can be read, if anywhere.
pub fn linked(code: &str, address: Option<&str>) -> String {
    match address {
        Some(address) => format!("<a href=\"{}\"><code>{code}</code></a>", escape(address)),
        None => format!("<code>{code}</code>"),
    }
}

/// Where a test holds, if it skips elsewhere, to go on after its command.
pub fn where_it_holds(test: &Test, language: Language) -> String {
    let Some(holds) = &test.holds else { return String::new() };
    let [en, zh] = [&holds.en, &holds.zh].map(|text| escape(text));
    text!(", {en}", "（{zh}）").in_language(language).to_owned()
}

/// A link that opens a scenario in the simulator.
pub fn play_link(language: Language, scenario: &str) -> String {
    // As encodeURIComponent() does it.
    let encoded: String = scenario.trim_end().bytes().fold(String::new(), |mut all, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => all.push(char::from(byte)),
            byte => all += &format!("%{byte:02X}"),
        }
        all
    });
    let words = words::PLAY_IT.in_language(language);
    format!("<a class=\"needs-js play\" href=\"simulator.html#s={encoded}\">{words}</a>")
}

/// A block of output, with its source as a heading.
pub fn printed(source: &str, text: &str) -> String {
    format!("<div class=\"printed\">\n<p class=\"source\">{source}</p>\n\n```console\n{text}\n```\n\n</div>\n")
}
