//! Code whose lines are too wide for a page, in narrower lines. The sources may have 120 columns; a page has room for
//! fewer, and what is beyond its edge nobody reads.
//!
//! rustfmt is no library, takes no fragment, and a reader's toolchain may lack it.

use mmap_workbook::ui::wrap;
use unicode_width::UnicodeWidthStr;

/// The most columns of code that is shown.
pub const WIDTH: usize = 90;

/// The code, with its wide lines broken about as rustfmt would.
pub fn folded(code: &str) -> String {
    code.lines().flat_map(line).collect::<Vec<_>>().join("\n")
}

/// A line of code, in as many lines as it takes. What has no place to break stays wide.
fn line(text: &str) -> Vec<String> {
    if text.width() <= WIDTH {
        return vec![text.to_owned()];
    }
    let code = text.trim_start();
    let indent = &text[..text.len() - code.len()];
    let inner = format!("{indent}    ");
    let places = places(code);
    // A comment at the end of a line goes above it.
    let comment = places.iter().find(|(at, ..)| code[..*at].ends_with(' ') && code[*at..].starts_with("// "));
    if let Some((at, ..)) = comment {
        let (code, comment) = code.split_at(*at);
        let comment = wrap(&comment["// ".len()..], WIDTH.saturating_sub(indent.len() + "// ".len()));
        let comment = comment.iter().map(|line| format!("{indent}// {line}"));
        return comment.chain(line(&format!("{indent}{}", code.trim_end()))).collect();
    }
    let parts = if let Some(parts) = after_equals(code, &places, inner.len()) {
        parts
    } else if let Some(parts) = chain(code, &places) {
        parts
    } else if let Some((at, ..)) = places.iter().find(|(at, _, depth)| *depth == 0 && code[*at..].starts_with(" | ")) {
        // The patterns of a match.
        vec![(false, code[..*at].trim_end().to_owned()), (false, code[at + 1..].to_owned())]
    } else if let Some(parts) = within_brackets(code, &places) {
        parts
    } else {
        return vec![text.to_owned()];
    };
    let parts = parts.into_iter().map(|(is_inner, part)| format!("{}{part}", if is_inner { &inner } else { indent }));
    parts.flat_map(|part| line(&part)).collect()
}

/// The parts of a line, each with whether it is indented further.
type Parts = Vec<(bool, String)>;

/// The characters of a line outside its strings, each with its place and how many brackets it is in.
fn places(code: &str) -> Vec<(usize, char, usize)> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let mut places = Vec::new();
    for (at, c) in code.char_indices() {
        let is_mark = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        in_string ^= is_mark;
        if in_string || is_mark {
            continue;
        }
        match c {
            '(' | '[' | '{' => {
                places.push((at, c, depth));
                depth += 1;
            }
            ')' | ']' | '}' => {
                depth = depth.saturating_sub(1);
                places.push((at, c, depth));
            }
            _ => places.push((at, c, depth)),
        }
    }
    places
}

/// `let x =`, and the value in the next line, if that has room for it.
fn after_equals(code: &str, places: &[(usize, char, usize)], indent: usize) -> Option<Parts> {
    let is_place = |at: usize| code[..at].ends_with(' ') && code[at..].starts_with("= ");
    let (at, ..) = places.iter().find(|(at, c, depth)| *depth == 0 && *c == '=' && is_place(*at))?;
    let (name, value) = code.split_at(at + 1);
    (indent + value.trim().width() <= WIDTH).then(|| vec![(false, name.to_owned()), (true, value.trim().to_owned())])
}

/// A value, and each call of a method on what the call before it gives.
fn chain(code: &str, places: &[(usize, char, usize)]) -> Option<Parts> {
    let is_call = |at: usize| code[..at].ends_with([')', '?']) && !code[at..].starts_with("..");
    let dots: Vec<_> =
        places.iter().filter(|(at, c, depth)| *depth == 0 && *c == '.' && is_call(*at)).map(|(at, ..)| *at).collect();
    let ends = dots.iter().skip(1).copied().chain([code.len()]);
    let calls = dots.iter().zip(ends).map(|(start, end)| (true, code[*start..end].to_owned()));
    let first = *dots.first()?;
    Some([(false, code[..first].to_owned())].into_iter().chain(calls).collect())
}

/// What is before the widest brackets, each part of what is in them, and what is after them.
fn within_brackets(code: &str, places: &[(usize, char, usize)]) -> Option<Parts> {
    let outer =
        |marks: [char; 3]| places.iter().filter(move |(_, c, depth)| *depth == 0 && marks.contains(c)).map(|p| p.0);
    let pairs = outer(['(', '[', '{']).zip(outer([')', ']', '}']));
    let (start, end) = pairs.filter(|(start, end)| end - start > 1).max_by_key(|(start, end)| end - start)?;
    let is_block = code[start..].starts_with('{');
    let commas =
        places.iter().filter(|(at, c, depth)| *depth == 1 && *c == ',' && (start..end).contains(at) && !is_block);
    let mut parts = Vec::new();
    let mut from = start + 1;
    for (at, ..) in commas {
        parts.push((true, code[from..=*at].trim().to_owned()));
        from = at + 1;
    }
    let last = code[from..end].trim();
    if !last.is_empty() {
        parts.push((true, last.to_owned()));
    }
    Some(
        [(false, code[..=start].to_owned())]
            .into_iter()
            .chain(parts)
            .chain([(false, code[end..].to_owned())])
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_line_is_broken_and_says_the_same() {
        let cases = [
            (
                "    pub fn read_at(file: &dyn Calls, into: &mut [u8], offset: u64, account: &mut Account) -> io::Result<usize> {",
                "    pub fn read_at(\n        file: &dyn Calls,\n        into: &mut [u8],\n        offset: u64,\n        \
                 account: &mut Account\n    ) -> io::Result<usize> {",
            ),
            (
                "    let mapping = Mapping::of_file(&file, 0, the_length(&file)?, READ_WRITE, Sharing::Shared)?;",
                "    let mapping =\n        Mapping::of_file(&file, 0, the_length(&file)?, READ_WRITE, Sharing::Shared)?;",
            ),
            (
                "let page = NonNull::new(std::ptr::with_provenance_mut(mapping.address(page))).ok_or(Errno::EINVAL)?;",
                "let page = NonNull::new(std::ptr::with_provenance_mut(mapping.address(page)))\n    .ok_or(Errno::EINVAL)?;",
            ),
            (
                "f(b).and_then(|number| number.parse::<u64>().ok()).ok_or(io::Error::from(io::ErrorKind::InvalidData))",
                "f(b)\n    .and_then(|number| number.parse::<u64>().ok())\n    .ok_or(io::Error::from(io::ErrorKind::InvalidData))",
            ),
            (
                "f(\"a, (b // is none\", \"a long text that takes up most of the columns of a line, up to its end\"); // so",
                "// so\nf(\n    \"a, (b // is none\",\n    \"a long text that takes up most of the columns of a line, up to its \
                 end\"\n);",
            ),
            (
                "            ThisOne::IsLongEnough(_) | ThatOne::IsNotShorter | AndThis::OneTakesTheRest | Of::TheLine => A,",
                "            ThisOne::IsLongEnough(_)\n            | ThatOne::IsNotShorter | AndThis::OneTakesTheRest | Of::TheLine => A,",
            ),
            (
                "break; // Only 0 is the end of the file: after a short read the next call may bring more than one expects.",
                "// Only 0 is the end of the file: after a short read the next call may bring more than one\n// expects.\nbreak;",
            ),
        ];
        for (wide, narrow) in cases {
            assert_eq!(folded(wide), narrow);
        }
        let narrow = "fn f() {\n    g(); // so\n}";
        assert_eq!(folded(narrow), narrow);
    }
}
