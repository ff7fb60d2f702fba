//! Whether each unsafe block says why it is sound: what clippy's `undocumented_unsafe_blocks` asks for, without clippy.

use ra_ap_rustc_lexer::TokenKind;

use super::tokens::tokens;

/// The `unsafe` blocks and impls of a source: the line (from 1 on) of each, and whether a comment with `SAFETY:` stands
/// between it and the end of the statement before.
pub fn unsafe_blocks(source: &str) -> Vec<(usize, bool)> {
    let mut found = Vec::new();
    let (mut explained, mut unsafe_at) = (false, None);
    let mut line = 1;
    for (kind, text) in tokens(source) {
        let begins = line;
        line += text.matches('\n').count();
        match kind {
            TokenKind::LineComment { .. } | TokenKind::BlockComment { .. } => explained |= text.contains("SAFETY:"),
            TokenKind::Whitespace => {}
            TokenKind::Ident if text == "unsafe" => unsafe_at = Some(begins),
            kind => {
                let asks = kind == TokenKind::OpenBrace || (kind == TokenKind::Ident && text == "impl");
                if let Some(line) = unsafe_at.take().filter(|_| asks) {
                    found.push((line, explained));
                }
                if matches!(kind, TokenKind::Semi | TokenKind::OpenBrace | TokenKind::CloseBrace) {
                    explained = false;
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::unsafe_blocks;

    fn unexplained(source: &str) -> Vec<usize> {
        unsafe_blocks(source).into_iter().filter(|(_, explained)| !explained).map(|(line, _)| line).collect()
    }

    #[test]
    fn a_comment_before_the_statement_or_the_block_explains_it() {
        let explained = [
            "fn f() {\n    // SAFETY: so.\n    let x = unsafe { g() };\n}",
            "fn f() {\n    let x =\n        // SAFETY: so.\n        unsafe { g() };\n}",
            "fn f() {\n    /* SAFETY: so. */ unsafe { g() }\n}",
            "// SAFETY: so.\nunsafe impl Send for T {}",
            "unsafe fn f() {}",
            "unsafe extern \"C\" fn f() {}",
            "fn f() { \"unsafe { }\"; /* unsafe { } */ }",
            "fn f() -> &'static str { r#\"unsafe { \"#\n}",
        ];
        for source in explained {
            assert_eq!(unexplained(source), [0; 0], "{source}");
        }
        assert_eq!(unsafe_blocks(explained[0]), [(3, true)]);
        assert_eq!(unsafe_blocks(explained[4]), []);
    }

    #[test]
    fn one_without_a_comment_of_its_own_is_found() {
        assert_eq!(unexplained("fn f() {\n    unsafe { g() }\n}"), [2]);
        assert_eq!(unexplained("// SAFETY: so.\nlet x = unsafe { g() };\nlet y = unsafe { g() };"), [3]);
        assert_eq!(unexplained("// It is safe.\nunsafe impl Send for T {}"), [2]);
        assert_eq!(unexplained("// SAFETY: so.\nlet a = '{';\nlet x = unsafe { g() };"), [3]);
        assert_eq!(unexplained("fn f() { unsafe /* really */\n{ g() } }"), [1]);
    }

    /// If the time grew with the square of the length, this would take minutes.
    #[test]
    fn a_text_of_megabytes_is_read_in_one_go() {
        let found = unsafe_blocks(&"// SAFETY: so.\nunsafe {}\n".repeat(100_000));
        assert_eq!(found.len(), 100_000);
        assert_eq!(found.last(), Some(&(200_000, true)));
    }
}
