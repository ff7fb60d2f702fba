//! Whether each unsafe block says why it is sound: what clippy's `undocumented_unsafe_blocks` asks for, without clippy, and
//! in a few words.

use ra_ap_rustc_lexer::TokenKind;

use super::exercise::hints_of;
use super::tokens::tokens;
use crate::text::Language;

/// The name that the check of them goes by, in place of a function's.
pub const UNSAFE: &str = "unsafe";

/// The hints for what this asks for.
pub fn hint(language: Language) -> (String, Vec<String>) {
    let text = match language {
        Language::English => include_str!("safety.en.md"),
        Language::Chinese => include_str!("safety.zh.md"),
    };
    hints_of(text).pop().unwrap_or_else(|| (UNSAFE.to_owned(), vec![String::new()]))
}

/// What stands between brackets of one kind, up to now: its statements, arms, fields or arguments, one after the other.
#[derive(Default)]
struct Inside {
    /// Whether the statement around it is explained, and it is a part of that: arguments, or the fields of a struct.
    explained_outside: bool,
    /// Whether a comment explains the statement that is being read.
    explained: bool,
    /// The first word of that statement, empty before it.
    first: String,
    /// Whether the statement is over with the block that ends next, as in an item or an arm of a match.
    ends_with_block: bool,
    /// Whether braces after a name begin a block in it, as after an `if`, and not the fields of a struct.
    has_blocks: bool,
    /// Which of those that were found is the block that this is the inside of, as long as a comment in it may explain it.
    of: Option<usize>,
}

impl Inside {
    /// A new statement begins.
    fn next(&mut self) {
        *self = Inside { explained_outside: self.explained_outside, ..Inside::default() };
    }
}

/// The `unsafe` blocks and impls of a source: the line (from 1 on) of each, and whether a comment with `SAFETY:` and at
/// least a few words stands above it or above the statement that it is a part of, or at its beginning.
pub fn unsafe_blocks(source: &str) -> Vec<(usize, bool)> {
    let mut found = Vec::new();
    let mut around = Vec::new();
    let mut here = Inside::default();
    // The comments since the last token, and the line in which they end.
    let (mut said, mut said_until) = (String::new(), 0);
    let (mut unsafe_at, mut before, mut line) = (None, TokenKind::Semi, 1);
    // Whether the name before begins like that of a type.
    let (mut after_type, mut attribute) = (false, 0);
    for (kind, text) in tokens(source) {
        let begins = line;
        line += text.matches('\n').count();
        match kind {
            TokenKind::LineComment { .. } | TokenKind::BlockComment { .. } => {
                said += text;
                said.push('\n');
                said_until = line;
                continue;
            }
            TokenKind::Whitespace => continue,
            _ => {}
        }
        // As in clippy, one that is in front in the same line doesn't count.
        if said_until < begins && explains(&said) {
            here.explained = true;
            if let Some(of) = here.of.filter(|_| kind != TokenKind::CloseBrace) {
                let (_, explained): &mut (usize, bool) = &mut found[of];
                *explained = true;
            }
        }
        said.clear();
        here.of = None;
        // An attribute is no part of the statement's words.
        if attribute > 0 || (kind == TokenKind::Pound && here.first.is_empty()) {
            attribute = match kind {
                TokenKind::Pound => 1,
                TokenKind::OpenBracket => attribute + 1,
                TokenKind::CloseBracket if attribute == 2 => 0,
                TokenKind::CloseBracket => attribute - 1,
                _ => attribute,
            };
            continue;
        }
        let asks = kind == TokenKind::OpenBrace || (kind == TokenKind::Ident && text == "impl");
        let block = unsafe_at.take().filter(|_| asks).map(|line| {
            found.push((line, here.explained || here.explained_outside));
            found.len() - 1
        });
        if here.first.is_empty() && kind != TokenKind::CloseBrace {
            here.first = text.to_owned();
        }
        match kind {
            TokenKind::Ident if text == "unsafe" => unsafe_at = Some(begins),
            TokenKind::Ident if matches!(text, "if" | "while" | "match" | "for" | "loop") => here.has_blocks = true,
            TokenKind::Ident if matches!(text, "fn" | "impl" | "trait" | "struct" | "enum" | "mod") => {
                (here.has_blocks, here.ends_with_block) = (true, true);
            }
            TokenKind::Gt if before == TokenKind::Eq => here.ends_with_block = true,
            TokenKind::OpenParen | TokenKind::OpenBracket => {
                let explained_outside = here.explained || here.explained_outside;
                around.push(std::mem::replace(&mut here, Inside { explained_outside, ..Inside::default() }));
            }
            TokenKind::OpenBrace => {
                let are_fields = after_type && !here.has_blocks && block.is_none();
                let explained_outside = are_fields && (here.explained || here.explained_outside);
                let inside = Inside { explained_outside, of: block, ..Inside::default() };
                around.push(std::mem::replace(&mut here, inside));
            }
            TokenKind::CloseParen | TokenKind::CloseBracket => here = around.pop().unwrap_or_default(),
            TokenKind::CloseBrace => {
                here = around.pop().unwrap_or_default();
                let block_like = ["unsafe", "if", "while", "match", "for", "loop", "extern", "macro_rules", "{"];
                if here.ends_with_block || block_like.contains(&&*here.first) {
                    here.next();
                }
            }
            TokenKind::Semi | TokenKind::Comma => here.next(),
            _ => {}
        }
        after_type = kind == TokenKind::Ident && text.starts_with(char::is_uppercase);
        before = kind;
    }
    found
}

/// The fewest words that explain anything.
const WORDS: usize = 3;
/// The same in Chinese, which has no spaces: characters.
const CHARACTERS: usize = 6;

/// Whether comments have a `SAFETY:`, and after it at least a few words.
fn explains(comments: &str) -> bool {
    let Some(at) = comments.to_ascii_uppercase().find("SAFETY:") else { return false };
    let why = &comments[at + "SAFETY:".len()..];
    let words = why.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count();
    let characters = why.chars().filter(|c| ('\u{4e00}'..='\u{9fff}').contains(c)).count();
    words >= WORDS || characters >= CHARACTERS
}

#[cfg(test)]
mod tests {
    use super::unsafe_blocks;

    fn unexplained(source: &str) -> Vec<usize> {
        unsafe_blocks(source).into_iter().filter(|(_, explained)| !explained).map(|(line, _)| line).collect()
    }

    #[test]
    fn a_comment_above_the_statement_or_the_block_explains_it() {
        let explained = [
            "fn f() {\n    // SAFETY: it is mapped.\n    let x = unsafe { g() };\n}",
            "fn f() {\n    let x =\n        // Safety: it is mapped.\n        unsafe { g() };\n}",
            "fn f() {\n    /* SAFETY: it is\n     * mapped. */\n\n    unsafe { g() }\n}",
            "fn f() {\n    // SAFETY: 这个地址一直处于映射之中。\n    unsafe { g() }\n}",
            "fn f() {\n    // SAFETY:\n    // the page is mapped, as\n    // above.\n    unsafe { g() }\n}",
            "// The next one is fine. SAFETY: it is mapped.\nunsafe impl Send for T {}",
            "mod m {\n    // SAFETY: it has no data.\n    #[allow(unused)]\n    unsafe impl Send for T {}\n}",
            "unsafe fn f() {}",
            "unsafe extern \"C\" fn f() {}",
            "fn f() { \"unsafe { }\"; /* unsafe { } */ }",
            "fn f() -> &'static str { r#\"unsafe { \"#\n}",
            // All blocks of a statement.
            "fn f() {\n    // SAFETY: both are mapped.\n    let x = [unsafe { 1 }, unsafe { 2 }, 3, unsafe { 4 }];\n}",
            "fn f() {\n    // SAFETY: both are mapped.\n    g(unsafe { *p }, (1, unsafe { *q }));\n}",
            "fn f() {\n    // SAFETY: both are mapped.\n    let x = S { a: unsafe { *p }, b: unsafe { *q } };\n}",
            "fn f() {\n    // SAFETY: both are mapped.\n    let S { a, b } = unsafe { g() };\n}",
            "fn f() {\n    // SAFETY: both are mapped.\n    x =\n        unsafe { g() };\n}",
            "fn f() {\n    // SAFETY: both are mapped.\n    let g = || unsafe { *p };\n}",
            "fn f() {\n    // SAFETY: both are mapped.\n    let g = *&unsafe { [*p; 5] };\n}",
            "fn f() {\n    // SAFETY: both are mapped.\n    if unsafe { *p } { g() }\n}",
            "fn f() {\n    // SAFETY: both are mapped.\n    match unsafe { *p } { _ => {} }\n}",
            "// SAFETY: it is a constant.\nconst X: u8 = unsafe { 1 };\n// SAFETY: it is a static.\nstatic Y: u8 =\n    \
             unsafe { 1 };",
            "trait T {\n    // SAFETY: it is a constant.\n    const X: u8 = unsafe { 1 };\n}",
            // In front of an argument, an arm, a field.
            "fn f() {\n    println!(\n        \"{}\",\n        // SAFETY: it is mapped.\n        unsafe { *p },\n    );\n}",
            "fn f() {\n    match x {\n        1 => {}\n        // SAFETY: it is mapped.\n        _ => unsafe { *p },\n    }\n}",
            "fn f() {\n    S {\n        // SAFETY: it is mapped.\n        a: unsafe { *p },\n    }\n}",
            "macro_rules! t {\n    () => {\n        let x =// SAFETY: it is mapped.\n        unsafe { 1 };\n    };\n}",
            // At its beginning.
            "fn f() {\n    unsafe {\n        // SAFETY: it is mapped.\n        *p\n    }\n}",
        ];
        for source in explained {
            assert_eq!(unexplained(source), [0; 0], "{source}");
        }
        assert_eq!(unsafe_blocks(explained[0]), [(3, true)]);
        assert_eq!(unsafe_blocks(explained[7]), []);
    }

    #[test]
    fn one_without_a_comment_of_its_own_is_found() {
        assert_eq!(unexplained("fn f() {\n    unsafe { g() }\n}"), [2]);
        let two = "// SAFETY: it is mapped.\nlet x = unsafe { g() };\nlet y = unsafe { g() };";
        assert_eq!(unexplained(two), [3]);
        assert_eq!(unexplained("// It is safe, really.\nunsafe impl Send for T {}"), [2]);
        assert_eq!(unexplained("// SAFETY: it is mapped.\nlet a = '{';\nlet x = unsafe { g() };"), [3]);
        assert_eq!(unexplained("fn f() { unsafe /* really */\n{ g() } }"), [1]);
        assert_eq!(unexplained("fn f() {\n    /* SAFETY: it is mapped. */ unsafe { g() }\n}"), [2]);
        assert_eq!(unexplained("fn f() {\n    unsafe { g() } // SAFETY: it is mapped.\n}"), [2]);
        assert_eq!(unexplained("fn f() {\n    unsafe {\n        // SAFETY: it is empty, even.\n    }\n}"), [2]);
        // Each statement has its own, also without semicolons between them.
        let blocks = "fn f() {\n    // SAFETY: it is mapped.\n    unsafe { g() }\n    unsafe { g() }\n}";
        assert_eq!(unexplained(blocks), [4]);
        let arms = "match x {\n    // SAFETY: it is mapped.\n    1 => unsafe { *p },\n    _ => unsafe { *q },\n}";
        assert_eq!(unexplained(arms), [4]);
        let items = "// SAFETY: it is mapped.\nunsafe fn f() {}\nconst X: u8 = unsafe { 1 };";
        assert_eq!(unexplained(items), [3]);
        // What is a statement's block inside another one has its own statements.
        let deeper = "// SAFETY: it is mapped.\nlet x = {\n    if unsafe { *p } {}\n    let y = unsafe { *p };\n};";
        assert_eq!(unexplained(deeper), [3, 4]);
    }

    #[test]
    fn a_few_words_are_asked_for() {
        for comment in
            ["// SAFETY:", "// SAFETY: ok", "// SAFETY: so it", "// SAFETY: 安全。", "// SAFETY: - - -", "// SAFETY"]
        {
            assert_eq!(unexplained(&format!("{comment}\nunsafe {{ g() }}")), [2], "{comment}");
        }
    }

    #[test]
    #[cfg_attr(feature = "handout", ignore = "the solutions are with the teacher")]
    fn the_solutions_explain_theirs() {
        for lesson in crate::course::listed() {
            let course = crate::course::Course::at(env!("CARGO_MANIFEST_DIR"));
            let solution = course.exercise(lesson).solution().expect("a solution");
            assert_eq!(unexplained(&solution), [0; 0], "lesson {}", lesson.number);
        }
    }

    /// If the time grew with the square of the length, this would take minutes.
    #[test]
    fn a_text_of_megabytes_is_read_in_one_go() {
        let found = unsafe_blocks(&"// SAFETY: it is mapped.\nunsafe {}\n".repeat(100_000));
        assert_eq!(found.len(), 100_000);
        assert_eq!(found.last(), Some(&(200_000, true)));
    }
}
