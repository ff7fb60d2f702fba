//! The tokens of a text in Rust.

use ra_ap_rustc_lexer::{FrontmatterAllowed, TokenKind, tokenize};

/// The tokens of a source in Rust, comments and white space included, each with its text.
pub fn tokens(source: &str) -> impl Iterator<Item = (TokenKind, &str)> {
    let mut rest = source;
    tokenize(source, FrontmatterAllowed::No).map(move |token| {
        let (text, after) = rest.split_at(usize::try_from(token.len).unwrap_or(rest.len()));
        rest = after;
        (token.kind, text)
    })
}
