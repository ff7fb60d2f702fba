//! How text is set in each language: punctuation, spaces, the length of lines.
//!
//! Each function takes the language, so a further language adds its own rules here and nowhere else.

use mmap_workbook::text::Language;

/// What is wrong with a line of Markdown by the rules of its language.
pub fn mistakes(language: Language, line: &str) -> Vec<String> {
    match language {
        Language::English => Vec::new(),
        Language::Chinese => mistakes_in_chinese(line),
    }
}

/// The number of characters that a line of a page may have, for the languages in which that is a matter of taste.
pub fn longest_line(language: Language) -> Option<usize> {
    match language {
        Language::English => Some(120),
        Language::Chinese => None,
    }
}

/// Whether a paragraph continues in its next line without a space, where `end` ends one line and `start` starts the
/// next. Markdown itself puts a space there.
pub fn joins_lines(language: Language, end: &str, start: &str) -> bool {
    match language {
        Language::English => false,
        Language::Chinese => chinese_joins_lines(end, start),
    }
}

/// Whether a text is visibly in another language than the one of its page: it has no character of the page's script,
/// and words that are not the names of things.
pub fn is_foreign(language: Language, text: &str) -> bool {
    match language {
        Language::English => false,
        Language::Chinese => {
            let mut words = text.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| word.len() > 1);
            !text.chars().any(is_chinese) && words.any(|word| !NAMES.contains(&word))
        }
    }
}

/// Words that are the same in all languages: the functions, and the name of a language in that language.
const NAMES: [&str; 3] = ["mmap", "munmap", "English"];

/// The start of the last word of a text, where a mark can be attached to it: at most 16 letters, or two Chinese
/// characters. Markup ends a word.
pub fn start_of_last_word(text: &str) -> usize {
    let markup = |c: char| c.is_whitespace() || "`*_[]()<>{}\\|".contains(c);
    let mut start = text.len();
    for (n, (at, c)) in text.char_indices().rev().enumerate() {
        if markup(c) || n >= 16 || n >= 2 && is_chinese(c) {
            break;
        }
        start = at;
    }
    start
}

fn chinese_joins_lines(end: &str, start: &str) -> bool {
    let (Some(last), Some(first)) = (end.chars().next_back(), start.chars().next()) else { return false };
    let begins_a_block = start.starts_with("* ")
        || start.split_once(['.', ')']).is_some_and(|(n, _)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    let inline = first.is_ascii_alphanumeric() || start.starts_with(['`', '[', '*', '{']);
    (is_chinese(last) && is_chinese(first)) || (is_wide_mark(last) && inline && !begins_a_block)
}

/// Whether a character is Chinese: of a word, or a mark of Chinese punctuation.
pub fn is_chinese(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}') || is_wide_mark(c)
}

/// Whether a character is a mark of Chinese punctuation.
fn is_wide_mark(c: char) -> bool {
    matches!(c, '\u{3001}'..='\u{303f}' | '\u{ff01}'..='\u{ff0f}' | '\u{ff1a}'..='\u{ff20}' | '“' | '”' | '‘' | '’' | '…')
}

fn mistakes_in_chinese(line: &str) -> Vec<String> {
    let text: Vec<char> = plain(line).chars().collect();
    let mut wrong = Vec::new();
    let near = |n: usize| text[n.saturating_sub(6)..(n + 7).min(text.len())].iter().collect::<String>();
    let is_word = |c: char| is_chinese(c) && !is_wide_mark(c);
    for (n, &c) in text.iter().enumerate() {
        let before = n.checked_sub(1).map(|n| text[n]);
        let after = text.get(n + 1).copied();
        let chinese = |c: Option<char>| c.is_some_and(is_chinese);
        let word = |c: Option<char>| c.is_some_and(is_word);
        let latin = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == CODE);
        match c {
            ',' | ';' | ':' | '?' | '!'
                if word(before) || (before == Some(CODE) || before == Some(')')) && chinese(after) =>
            {
                wrong.push(format!("a half-width {c} in Chinese: {:?}", near(n)));
            }
            '.' if word(before) && !latin(after) => wrong.push(format!("a half-width . in Chinese: {:?}", near(n))),
            '(' if word(before) || word(after) => wrong.push(format!("a half-width ( in Chinese: {:?}", near(n))),
            '"' | '\'' if word(before) || word(after) => {
                wrong.push(format!("straight quotes in Chinese: {:?}", near(n)))
            }
            ' ' if is_space_around_a_mark(before, after) => {
                wrong.push(format!("a space beside a full-width mark: {:?}", near(n)));
            }
            ' ' if word(before) && word(after) => wrong.push(format!("a space within Chinese: {:?}", near(n))),
            _ if is_word(c) && latin(after) || latin(Some(c)) && word(after) => {
                wrong.push(format!("no space between Chinese and Latin: {:?}", near(n)));
            }
            _ => {}
        }
    }
    wrong
}

/// Both scripts use the quotation marks and the ellipsis: a space beside them may be right.
fn is_space_around_a_mark(before: Option<char>, after: Option<char>) -> bool {
    let mark = |c: char| is_wide_mark(c) && !matches!(c, '“' | '”' | '‘' | '’' | '…');
    before.is_some_and(mark) && after.is_some_and(|c| c != '|') || after.is_some_and(mark)
}

/// The character that represents code in a line.
const CODE: char = '\u{fffc}';

/// The character that represents the edge of a link or of emphasised words: a space beside it is a matter of taste.
const EDGE: char = '\u{fffb}';

/// A line without its markup: code becomes [`CODE`], a link its words; directives and HTML are left out.
fn plain(line: &str) -> String {
    let mut text = line.trim().trim_start_matches(['#', '>', '-', '*', ' ', '|']).to_owned();
    if text.starts_with("<!--") {
        return String::new();
    }
    while let Some((before, rest)) = text.split_once("{{#") {
        text = format!("{before}{}", rest.split_once("}}").map_or("", |(_, after)| after));
    }
    if let Some((before, _)) = text.split_once("{#") {
        text = before.trim_end().to_owned();
    }
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(c) = rest.chars().next() {
        let ticks = rest.bytes().take_while(|byte| *byte == b'`').count();
        if ticks > 0 {
            let fence = &rest[..ticks];
            out.push(CODE);
            rest = rest[ticks..].split_once(fence).map_or("", |(_, after)| after);
            continue;
        }
        if let Some((_, after)) = rest.strip_prefix("](").and_then(|after| after.split_once(')')) {
            out.push(EDGE);
            rest = after;
            continue;
        }
        if rest.starts_with('<') && rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/') {
            rest = rest.split_once('>').map_or("", |(_, after)| after);
            continue;
        }
        out.push(if matches!(c, '*' | '[' | ']') { EDGE } else { c });
        rest = &rest[c.len_utf8()..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_has_rules() {
        let good = [
            "写入映射后，`pread(2)` 会读到什么？",
            "## 2. mmap 与 munmap {#top}",
            "见 [第 3 章](3_shared_vs_private.md#observe)：**私有映射**不会写回。{{#held lesson_3::x}}",
            "“页缓存”里有 4 页；SIGBUS（总线错误）",
            "| `mmap(2)` | 建立映射 |",
            "映射长度为 `len` 时：第 `n` 个字节。",
            "他说“no”，没有别的……",
            "<!-- en: 0 -->",
        ];
        for line in good {
            assert_eq!(mistakes(Language::Chinese, line), Vec::<String>::new(), "{line}");
        }
        let bad = [
            "写入映射后,读到什么",
            "读到什么?",
            "映射mmap",
            "`mmap`映射",
            "第3章",
            "映射 （共享）",
            "映射， 共享",
            "总线错误(SIGBUS)",
            "一句.",
            "\"页缓存\"",
            "页缓存 与磁盘",
        ];
        for line in bad {
            assert!(!mistakes(Language::Chinese, line).is_empty(), "{line}");
        }
    }

    #[test]
    fn a_mark_stays_with_the_end_of_a_word() {
        let split = |text: &'static str| text.split_at(start_of_last_word(text));
        assert_eq!(split("So it is."), ("So it ", "is."));
        assert_eq!(split("it is `so`."), ("it is `so`", "."));
        assert_eq!(split("内核如此说。"), ("内核如此", "说。"));
        assert_eq!(split("**so**"), ("**so**", ""));
    }

    #[test]
    fn an_english_word_is_foreign_to_a_chinese_page() {
        for text in ["Contents", "in words: mmap"] {
            assert!(is_foreign(Language::Chinese, text), "{text}");
            assert!(!is_foreign(Language::English, text), "{text}");
        }
        for text in ["目录", "目录 Contents", "mmap", "English", "3", ""] {
            assert!(!is_foreign(Language::Chinese, text), "{text}");
        }
    }
}
