//! The colours of code, put in when the site is built: no reader has to load a program for them. With them come the numbers
//! of lines that a message of the compiler names, and no line ends within an option of a command.
//!
//! syntect 5.3 was tried: 38 kB of Rust become 377 kB of HTML, where a page may have 500 kB with all that it loads, and a build
//! without optimisation takes 2.3 s for it. It has no TOML by itself, and brings nine packages that nothing else here needs.

use crate::html::escape;

/// What a language has besides what all of them have.
struct Syntax {
    /// What starts a comment that ends with its line.
    comment: &'static str,
    keywords: &'static [&'static str],
    /// Words in small letters that are types. In Rust a word with a capital is one, too.
    types: &'static [&'static str],
    is_rust: bool,
}

const RUST: Syntax = Syntax {
    comment: "//",
    keywords: &[
        "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum", "extern", "false", "fn",
        "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref", "return", "self",
        "Self", "static", "struct", "super", "trait", "true", "type", "unsafe", "use", "where", "while",
    ],
    types: &[
        "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "isize", "str", "u8", "u16", "u32", "u64", "u128",
        "usize",
    ],
    is_rust: true,
};

const C: Syntax = Syntax {
    comment: "//",
    keywords: &[
        "break", "case", "const", "continue", "default", "do", "else", "enum", "extern", "for", "goto", "if", "return",
        "sizeof", "static", "struct", "switch", "typedef", "union", "volatile", "while",
    ],
    types: &["char", "double", "float", "int", "long", "off_t", "short", "size_t", "ssize_t", "unsigned", "void"],
    is_rust: false,
};

const TOML: Syntax = Syntax { comment: "#", keywords: &["true", "false"], types: &[], is_rust: false };

fn syntax(language: &str) -> Option<&'static Syntax> {
    match language {
        "rust" => Some(&RUST),
        "c" => Some(&C),
        "toml" => Some(&TOML),
        _ => None,
    }
}

/// A page with the colours of its code.
pub fn page(html: &str) -> String {
    numbered(&with_whole_options(&coloured_blocks(html)))
}

fn coloured_blocks(html: &str) -> String {
    const START: &str = "<code class=\"language-";
    let mut out = String::with_capacity(html.len() * 2);
    let mut rest = html;
    while let Some(start) = rest.find(START) {
        let Some(end) = rest[start..].find("</code>").map(|end| start + end) else { break };
        let block = &rest[start..end];
        let (tag, code) = block.split_once('>').unwrap_or((block, ""));
        let language = tag[START.len()..].split([' ', '"']).next();
        out.push_str(&rest[..start]);
        match language.and_then(syntax) {
            // Markup within code would be mdBook's.
            Some(syntax) if !code.contains('<') => out += &format!("{tag}>{}", coloured(&plain(code), syntax)),
            _ => out.push_str(block),
        }
        rest = &rest[end..];
    }
    out + rest
}

/// Inline code in which an option stays in one line: `-` is where a browser likes to end one.
fn with_whole_options(html: &str) -> String {
    let mut parts = html.split("<code>");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_block = out.ends_with("<pre>");
        out += "<code>";
        let (code, after) = part.split_once("</code>").unwrap_or(("", part));
        let is_option = |word: &str| word.starts_with('-') && word.len() > 1;
        if is_block || !code.split(' ').any(is_option) {
            out += part;
            continue;
        }
        let words = code.split(' ').map(|word| match is_option(word) {
            true => format!("<span class=\"kept\">{word}</span>"),
            false => word.to_owned(),
        });
        out += &format!("{}</code>{after}", words.collect::<Vec<_>>().join(" "));
    }
    out
}

/// What a listing has whose lines are numbered: the number of its first line.
pub const FIRST_LINE: &str = "data-first-line";

/// A page whose listings with [`FIRST_LINE`] have a number before each line, which the theme shows.
fn numbered(html: &str) -> String {
    let mut parts = html.split(FIRST_LINE);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let first = part.split('"').nth(1).and_then(|number| number.parse::<usize>().ok()).unwrap_or(1);
        let (before, listing) = part.split_once("<code class").unwrap_or((part, ""));
        let (tag, listing) = listing.split_once('>').unwrap_or(("", listing));
        let (code, after) = listing.split_once("</code>").unwrap_or((listing, ""));
        let lines = (first..)
            .zip(code.lines())
            .map(|(n, line)| format!("<span class=\"line\" data-line=\"{n}\"></span>{line}"));
        let lines = lines.collect::<Vec<_>>().join("\n");
        out += &format!("{FIRST_LINE}{before}<code class{tag}>{lines}</code>{after}");
    }
    out
}

/// Whether code closes all brackets that it opens, and no others.
pub fn is_closed(code: &str, language: &str) -> bool {
    let Some(syntax) = syntax(language) else { return true };
    let (mut depth, mut rest, mut lowest) = (0_i32, code, 0);
    while !rest.is_empty() {
        let (length, class) = token(rest, "", rest.len() == code.len(), syntax);
        match &rest[..length] {
            "{" | "(" | "[" if class.is_empty() => depth += 1,
            "}" | ")" | "]" if class.is_empty() => depth -= 1,
            _ => {}
        }
        lowest = lowest.min(depth);
        rest = &rest[length..];
    }
    depth == 0 && lowest == 0
}

/// A text without mdBook's entities.
fn plain(html: &str) -> String {
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#x27;", "'"), ("&amp;", "&")];
    entities.iter().fold(html.to_owned(), |text, (entity, character)| text.replace(entity, character))
}

/// Code as HTML, each token with the class of its kind.
fn coloured(code: &str, syntax: &Syntax) -> String {
    let mut out = String::new();
    let mut rest = code;
    let mut before = "";
    while !rest.is_empty() {
        let starts_line = out.is_empty() || out.ends_with('\n');
        let (length, class) = token(rest, before, starts_line, syntax);
        let (text, after) = rest.split_at(length);
        match class {
            "" => out += &escape(text),
            class => out += &format!("<span class=\"{class}\">{}</span>", escape(text)),
        }
        if !text.trim().is_empty() {
            before = text;
        }
        rest = after;
    }
    out
}

/// The length of the token that a text starts with, and its class. `before` is the token before it.
fn token(text: &str, before: &str, starts_line: bool, syntax: &Syntax) -> (usize, &'static str) {
    let first = text.chars().next().unwrap_or_default();
    let is_in_word = |c: char| c.is_alphanumeric() || c == '_';
    let until = |end: &str| text.find(end).unwrap_or(text.len());
    if text.starts_with(syntax.comment) {
        return (until("\n"), "comment");
    }
    if text.starts_with("/*") {
        return (text.find("*/").map_or(text.len(), |end| end + 2), "comment");
    }
    if starts_line && text.starts_with('#') {
        return (until("\n"), "attribute");
    }
    if syntax.is_rust && (text.starts_with("#[") || text.starts_with("#![")) {
        return (text.find(']').map_or(text.len(), |end| end + 1), "attribute");
    }
    // A letter may stand before the quotation marks: b"...".
    let start = usize::from(matches!(first, 'b' | 'c'));
    if text[start..].starts_with('"') {
        return (start + quoted(&text[start..], '"'), "string");
    }
    if let Some(inside) = text[start..].strip_prefix('\'') {
        let is_character = inside.starts_with('\\') || inside.chars().nth(1) == Some('\'');
        // In Rust the mark may also start the name of a lifetime.
        return if is_character { (start + quoted(&text[start..], '\''), "string") } else { (start + 1, "") };
    }
    let word = &text[..text.find(|c| !is_in_word(c)).unwrap_or(text.len())];
    if word.is_empty() {
        return (first.len_utf8(), "");
    }
    let class = if first.is_ascii_digit() {
        "number"
    } else if syntax.keywords.contains(&word) {
        "keyword"
    } else if before == "fn" {
        "name"
    } else if syntax.types.contains(&word)
        || syntax.is_rust && first.is_uppercase() && (word.len() == 1 || word.contains(char::is_lowercase))
    {
        "type"
    } else {
        ""
    };
    (word.len(), class)
}

/// The length of a text between two quotation marks, with them.
fn quoted(text: &str, mark: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if c == mark && !escaped {
            return at + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_gets_its_colours_and_keeps_its_text() {
        let coloured = |language: &str, code: &str| {
            let html = page(&format!("<p><pre><code class=\"language-{language} x\">{}</code></pre>", escape(code)));
            let (before, code) = html.split_once(" x\">").expect("the tag stays");
            assert_eq!(before, format!("<p><pre><code class=\"language-{language}"));
            code.strip_suffix("</code></pre>").expect("the end stays").to_owned()
        };
        let rust = "#[test]\nfn f<'a>(x: &'a str) { let y = Errno::A; g(b\"a\\\"b\", 'c', '\\'', 0x1f); } // é <";
        let wanted = "<span class=\"attribute\">#[test]</span>\n<span class=\"keyword\">fn</span> <span class=\"name\">f</span>\
                      &lt;'a&gt;(x: &amp;'a <span class=\"type\">str</span>) { <span class=\"keyword\">let</span> y = \
                      <span class=\"type\">Errno</span>::<span class=\"type\">A</span>; g(<span class=\"string\">b&quot;a\\&quot;b&quot;</span>, \
                      <span class=\"string\">'c'</span>, <span class=\"string\">'\\''</span>, <span class=\"number\">0x1f</span>); } \
                      <span class=\"comment\">// é &lt;</span>";
        assert_eq!(coloured("rust", rust), wanted);
        let c = "#include <x.h>\nint a; /* b\n */ must('\\n', MAP)";
        let wanted = "<span class=\"attribute\">#include &lt;x.h&gt;</span>\n<span class=\"type\">int</span> a; \
                      <span class=\"comment\">/* b\n */</span> must(<span class=\"string\">'\\n'</span>, MAP)";
        assert_eq!(coloured("c", c), wanted);
        assert_eq!(coloured("console", "let \"x\""), "let &quot;x&quot;");
        assert_eq!(page("no code <code class=\"language-rust\">"), "no code <code class=\"language-rust\">");
    }

    #[test]
    fn an_option_stays_whole_and_a_line_has_its_number() {
        let html = "<code>cargo run -- check - 2</code> <pre><code>a --b</code></pre>";
        assert_eq!(page(html), html.replacen("--", "<span class=\"kept\">--</span>", 1));
        let html = "<div data-first-line=\"9\"><p><code>x</code></p><pre><code class=\"language-text\">a\nb\n</code></pre></div><pre>c\n</pre>";
        let line = |n| format!("<span class=\"line\" data-line=\"{n}\"></span>");
        assert_eq!(page(html), html.replace("a\nb\n", &format!("{}a\n{}b", line(9), line(10))));
    }

    #[test]
    fn a_bracket_that_is_open_is_seen() {
        for code in ["f(a[0], { '{' }); // (", "\"{\" /* ( */", "#[a(b)]\nfn f() {}"] {
            assert!(is_closed(code, "rust"), "{code}");
        }
        for code in ["impl X {\n    fn f() {}", "} else {", "f("] {
            assert!(!is_closed(code, "rust"), "{code}");
        }
        assert!(is_closed("f(", "text"));
    }
}
