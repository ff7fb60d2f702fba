//! The tokens of a text in Rust.

use ra_ap_rustc_lexer::{FrontmatterAllowed, TokenKind, strip_shebang, tokenize};

/// The tokens of a source in Rust, comments and white space included, each with its text. What the compiler takes off the
/// beginning, a byte order mark and a line for the shell (`#!/bin/sh`), is none of them: a quotation mark in it begins no
/// string.
pub fn tokens(source: &str) -> impl Iterator<Item = (TokenKind, &str)> {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    let mut rest = &source[strip_shebang(source).unwrap_or(0)..];
    tokenize(rest, FrontmatterAllowed::No).map(move |token| {
        let (text, after) = rest.split_at(usize::try_from(token.len).unwrap_or(rest.len()));
        rest = after;
        (token.kind, text)
    })
}
