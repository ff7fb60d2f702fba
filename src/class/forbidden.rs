//! What no exercise has a use for, and a submission may not have: words by which code runs before the check does, stands in
//! for a function of the system, or brings in another file.
//!
//! This is a filter on tokens: no compiler can be tricked by what it never gets to see, but nobody can list all tricks. The
//! binary is looked at as well.

use ra_ap_rustc_lexer::TokenKind;

use crate::course::tokens;
use crate::text;
use crate::text::Text;

/// Words that a submission may not have anywhere outside comments and strings.
const WORDS: &[&str] = &[
    "asm",
    "debugger_visualizer",
    "export_name",
    "global_allocator",
    "global_asm",
    "include",
    "include_bytes",
    "include_str",
    "link_name",
    "link_section",
    "linkage",
    "macro_export",
    "naked",
    "naked_asm",
    "no_main",
    "no_mangle",
    "panic_handler",
    // With such a part a macro takes an attribute's `#` from one place and its brackets from another.
    "tt",
];

/// Words that an attribute may not begin with or contain; elsewhere they are ordinary names.
const IN_ATTRIBUTES: &[&str] = &["link", "path", "used", "macro_use"];

/// Macros whose names a macro of a submission may not have: what it means by them is to be what everybody does.
const MACROS: &[&str] = &[
    "assert",
    "assert_eq",
    "assert_ne",
    "cfg",
    "column",
    "compile_error",
    "concat",
    "dbg",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "env",
    "eprint",
    "eprintln",
    "file",
    "format",
    "format_args",
    "line",
    "matches",
    "module_path",
    "option_env",
    "panic",
    "print",
    "println",
    "stringify",
    "text",
    "thread_local",
    "todo",
    "try",
    "unimplemented",
    "unreachable",
    "vec",
    "write",
    "writeln",
];

/// The first thing in a submission that it may not have, with its line (from 1 on); None when there is nothing.
pub fn forbidden(source: &str) -> Option<(usize, Text)> {
    let mut line = 1;
    // The last three tokens that are neither comments nor white space.
    let mut before = ["", "", ""];
    // How many brackets are open since the `#` of an attribute; 0 outside attributes.
    let (mut depth, mut is_doc) = (0, false);
    for (kind, token) in tokens(source) {
        let here = line;
        line += token.matches('\n').count();
        let text = token.strip_prefix("r#").filter(|_| kind == TokenKind::RawIdent).unwrap_or(token);
        match kind {
            TokenKind::LineComment { .. } | TokenKind::BlockComment { .. } | TokenKind::Whitespace => continue,
            _ => {}
        }
        let begins = matches!(before, [.., "#"] | [_, "#", "!"]) && kind == TokenKind::OpenBracket;
        if begins || depth > 0 {
            match kind {
                TokenKind::OpenBracket => depth += 1,
                TokenKind::CloseBracket => depth -= 1,
                _ => {}
            }
        }
        if matches!(before[2], "[") && depth == 1 {
            is_doc = text == "doc";
        }
        let found = match kind {
            // A macro could put it before brackets that are elsewhere.
            _ if is_half(before, kind) => {
                Some(text!("a `#` that begins no attribute is not allowed", "`#` 只能用作属性的开头"))
            }
            TokenKind::Ident | TokenKind::RawIdent => {
                let previous = before[2];
                if WORDS.contains(&text) || (depth > 0 && IN_ATTRIBUTES.contains(&text)) {
                    Some(text!("`{text}` is not allowed", "不允许使用 `{text}`"))
                } else if text == "crate" && previous == "extern" {
                    Some(text!("`extern crate` is not allowed", "不允许使用 `extern crate`"))
                } else if previous == "mod" && text == "checks" {
                    Some(text!("a module `checks` is not allowed", "不允许有名为 `checks` 的模块"))
                } else if before[1..] == ["macro_rules", "!"] && MACROS.contains(&text) {
                    Some(text!("a macro may not have the name of the macro `{text}!`", "自己的宏不能和 `{text}!` 同名"))
                } else {
                    None
                }
            }
            // `mod name;`
            TokenKind::Semi if before[1] == "mod" => {
                Some(text!("a module in another file is not allowed", "不允许使用写在别的文件里的模块"))
            }
            // A macro could put any word there, and the string of some attributes is code.
            TokenKind::Dollar if depth > 0 => {
                Some(text!("an attribute made by a macro is not allowed", "不允许由宏生成属性"))
            }
            TokenKind::Literal { .. } if depth > 0 && !is_doc && may_be_code(text) => {
                Some(text!("this string in an attribute is not allowed", "属性里不允许出现这个字符串"))
            }
            _ => None,
        };
        if found.is_some() {
            return found.map(|text| (here, text));
        }
        before = [before[1], before[2], text];
    }
    None
}

/// Whether a `#` has come that begins no attribute: raw names and raw strings are tokens with theirs.
fn is_half(before: [&str; 3], kind: TokenKind) -> bool {
    match before {
        [.., "#"] => !matches!(kind, TokenKind::OpenBracket | TokenKind::Bang),
        [_, "#", "!"] => kind != TokenKind::OpenBracket,
        _ => false,
    }
}

/// Whether a literal may be code that has more than a path in it.
fn may_be_code(literal: &str) -> bool {
    literal.contains(['\\', '{', '[', '!'])
}

#[cfg(test)]
mod tests {
    use super::forbidden;

    fn line(source: &str) -> Option<usize> {
        forbidden(source).map(|(line, _)| line)
    }

    #[test]
    fn what_runs_before_main_or_stands_in_for_others_is_found() {
        let found = [
            "#[link_section = \".init_array\"] static X: u8 = 0;",
            "#[unsafe(link_section = \".init_array\")]\nstatic X: u8 = 0;",
            "#[cfg_attr(all(), link_section = \".init_array\")] static X: u8 = 0;",
            "# /* so */ [ /* it */ r#link_section = \".init_array\"] static X: u8 = 0;",
            "m! { link_section }",
            "#[used] static X: u8 = 0;",
            "#[unsafe(no_mangle)] pub extern \"C\" fn memcmp() {}",
            "#[unsafe(export_name = \"memcmp\")] pub extern \"C\" fn f() {}",
            "#[global_allocator] static A: A = A;",
            "core::arch::global_asm!(\"\");",
            "use core::arch::asm as a;",
            "extern crate self as mmap_workbook;",
            "extern /* a */ crate self as mmap_workbook;",
            "#[path = \"x.rs\"] mod solution;",
            "#![path = \"x.rs\"]",
            "include!(\"x.rs\");",
            "const X: &str = include_str!(\"/etc/passwd\");",
            "use std::include_bytes as bytes;",
            "#[debugger_visualizer(gdb_script_file = \"x\")] mod x {}",
            "#[macro_export] macro_rules! check { () => {} }",
            "mod checks { }",
            "mod solution;",
            "macro_rules! todo { () => {} }",
            "macro_rules! m { ($a:ident) => { #[$a = \".init_array\"] static X: u8 = 0; } }",
            "#[serde(default = \"f::<{ 1 }>\")] struct S;",
            "#[serde(default = \"f::<\\x7b 1 \\x7d>\")] struct S;",
            "#[link(name = \"m\")] unsafe extern \"C\" {}",
            "macro_rules! m { ($a:tt $b:tt) => { $a $b mod x; } } m!(/** it */ [path = \"x.rs\"]);",
            "macro_rules! m { ($($($a:ident)*)*) => { $($([path = \"x.rs\"] mod $a; )*)#* } }",
            "macro_rules! m { ($a:meta) => { #! x } }",
        ];
        for source in found {
            assert_eq!(line(&format!("fn f() {{}}\n{source}")).map(|line| line.min(2)), Some(2), "{source}");
        }
        for before in ["#!/bin/sh \"", "\u{feff}#!/bin/sh '\"'"] {
            assert_eq!(
                line(&format!("{before}\nglobal_asm!()\n// \"")),
                Some(2),
                "the compiler doesn't read that line"
            );
        }
        assert_eq!(line("fn f() {}\n\n#[unsafe(\n  no_mangle\n)] fn g() {}"), Some(4));
    }

    #[test]
    fn ordinary_code_has_nothing_of_it() {
        let allowed = [
            "/// include!(\"x\") and #[no_mangle]\n// link_section\nfn f() { \"link_section\"; }",
            "#[doc = \"a {b} \\n\"] fn f(path: &Path) { let used = path[used]; link(path); }",
            "unsafe extern \"C\" { fn getpid() -> i32; }",
            "pub(crate) fn f() { self::f(); } mod inner { use super::f; }",
            "macro_rules! twice { ($a:expr) => { $a + $a } }",
            "#[derive(Debug)] struct S { checks: u8 }",
            "#![allow(unused)] fn r#f() { r##\"a \"# b\"##; }",
            "\u{feff}#!/usr/bin/env link_section\nfn f() {}",
        ];
        for source in allowed {
            assert_eq!(forbidden(source), None, "{source}");
        }
    }

    #[test]
    #[cfg_attr(feature = "handout", ignore = "the solutions are with the teacher")]
    fn the_solutions_have_nothing_of_it() {
        let course = crate::course::Course::at(env!("CARGO_MANIFEST_DIR"));
        for lesson in crate::course::listed() {
            let solution = course.exercise(lesson).solution().expect("a solution");
            assert_eq!(forbidden(&solution), None, "lesson {}", lesson.number);
        }
    }
}
