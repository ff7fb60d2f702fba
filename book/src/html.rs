//! The HTML that mdBook has written, as tokens, and the sections of a page for the search.

use std::cell::RefCell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token as RawToken, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

/// A text as HTML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A sentence as HTML, with the text between backticks as code. Markdown does not look into HTML.
pub fn with_code(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts.map(|(n, part)| if n % 2 == 1 { format!("<code>{}</code>", escape(part)) } else { escape(part) }).collect()
}

/// A part of a page: comments, and the content of scripts and styles, are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// The text between two tags, without entities.
    Text(String),
    /// `<name ...>`.
    Start(StartTag),
    /// `</name>`.
    End(String),
}

/// The start tag of an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartTag {
    /// The name of the element.
    pub name: String,
    attributes: Vec<(String, String)>,
}

impl StartTag {
    /// The value of an attribute, without entities.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The names and values of all attributes.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether the element has this class.
    pub fn has_class(&self, class: &str) -> bool {
        self.attribute("class").is_some_and(|classes| classes.split_whitespace().any(|found| found == class))
    }
}

/// The tokens of a page, each with the number of the line where it ends.
pub fn tokens(html: &str) -> Vec<(usize, Token)> {
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(html));
    let tokenizer = Tokenizer::new(Collector::default(), TokenizerOpts::default());
    // The collector never asks for a pause, so all of the input is read.
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.0.take().tokens
}

#[derive(Default)]
struct Collector(RefCell<Collected>);

#[derive(Default)]
struct Collected {
    tokens: Vec<(usize, Token)>,
    in_raw_text: bool,
}

impl TokenSink for Collector {
    type Handle = ();

    fn process_token(&self, token: RawToken, line: u64) -> TokenSinkResult<()> {
        let mut collected = self.0.borrow_mut();
        let line = usize::try_from(line).unwrap_or_default();
        match token {
            RawToken::CharacterTokens(text) if !collected.in_raw_text => match collected.tokens.last_mut() {
                // html5ever splits a text at its entities.
                Some((_, Token::Text(before))) => before.push_str(&text),
                _ => collected.tokens.push((line, Token::Text(text.to_string()))),
            },
            RawToken::TagToken(Tag { kind: TagKind::StartTag, name, attrs, .. }) => {
                let attribute =
                    |attribute: &html5ever::Attribute| (attribute.name.local.to_string(), attribute.value.to_string());
                let attributes = attrs.iter().map(attribute).collect();
                collected.tokens.push((line, Token::Start(StartTag { name: name.to_string(), attributes })));
                let raw = match &*name {
                    "script" => RawKind::ScriptData,
                    "style" => RawKind::Rawtext,
                    _ => return TokenSinkResult::Continue,
                };
                collected.in_raw_text = true;
                return TokenSinkResult::RawData(raw);
            }
            RawToken::TagToken(Tag { kind: TagKind::EndTag, name, .. }) => {
                collected.in_raw_text = false;
                collected.tokens.push((line, Token::End(name.to_string())));
            }
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

/// A section of a page, for the search: from one heading to the next.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Section {
    /// The id of the heading. It is empty before the first one.
    pub id: String,
    /// The heading.
    pub title: String,
    /// Everything that can be read in the section, in one line.
    pub body: String,
}

/// The sections of a page's `<main>`.
pub fn sections(tokens: &[(usize, Token)]) -> Vec<Section> {
    let tokens = tokens.iter().map(|(_, token)| token);
    let tokens = tokens.skip_while(|token| !matches!(token, Token::Start(tag) if tag.name == "main"));
    let tokens = tokens.take_while(|token| !matches!(token, Token::End(name) if name == "main"));
    let mut sections = vec![Section::default()];
    let mut in_heading = false;
    // The element that is left out, and the number of elements of its name that are open.
    let mut skipped: Option<(&str, usize)> = None;
    for token in tokens {
        if let Some((name, depth)) = &mut skipped {
            match token {
                Token::Start(tag) if tag.name == *name => *depth += 1,
                Token::End(end) if end == name => *depth -= 1,
                _ => {}
            }
            if *depth == 0 {
                skipped = None;
            }
            continue;
        }
        match token {
            Token::Start(tag) if is_left_out(tag) => skipped = Some((&tag.name, 1)),
            Token::Start(tag) if is_heading(&tag.name) => {
                let id = tag.attribute("id").unwrap_or_default().to_owned();
                sections.push(Section { id, ..Section::default() });
                in_heading = true;
            }
            Token::End(name) if is_heading(name) => in_heading = false,
            Token::Text(text) if !names_a_test(text) => {
                if let Some(section) = sections.last_mut() {
                    let into = if in_heading { &mut section.title } else { &mut section.body };
                    into.push_str(text);
                }
            }
            // A word ends where a line or a block does.
            Token::Start(StartTag { name, .. }) | Token::End(name) if !is_inline(name) => {
                if let Some(section) = sections.last_mut() {
                    section.body.push(' ');
                }
            }
            _ => {}
        }
    }
    for section in &mut sections {
        for text in [&mut section.title, &mut section.body] {
            *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        }
    }
    sections.retain(|section| !section.title.is_empty() || !section.body.is_empty());
    sections
}

fn is_left_out(tag: &StartTag) -> bool {
    matches!(tag.name.as_str(), "svg" | "script" | "style" | "button")
        || tag.attribute("hidden").is_some()
        || ["held-by", "source", "by"].iter().any(|class| tag.has_class(class))
}

fn names_a_test(text: &str) -> bool {
    text.starts_with("cargo test ") && text.contains("--test ")
}

fn is_heading(name: &str) -> bool {
    matches!(name, "h1" | "h2" | "h3" | "h4")
}

fn is_inline(name: &str) -> bool {
    matches!(name, "a" | "code" | "em" | "strong" | "span" | "kbd" | "sup" | "sub" | "del" | "abbr" | "cite" | "q")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_its_tokens() {
        let html = "a &amp; b<!-- <b> -->\n<p class=\"x y\" hidden id=\"&gt;>\">b</p>\n<script>1 < 2</script><br/>c";
        let tokens = tokens(html);
        let text = |text: &str| Token::Text(text.into());
        assert_eq!(tokens[0], (1, text("a & b\n")));
        let (2, Token::Start(tag)) = &tokens[1] else { panic!("{tokens:?}") };
        assert_eq!((tag.name.as_str(), tag.attribute("id"), tag.attribute("no")), ("p", Some(">>"), None));
        assert!(tag.has_class("y") && !tag.has_class("z"));
        let rest: Vec<_> = tokens[2..].iter().map(|(_, token)| token).collect();
        let start = |name: &str| Token::Start(StartTag { name: name.into(), attributes: vec![] });
        let end = |name: &str| Token::End(name.into());
        assert_eq!(
            rest,
            [&text("b"), &end("p"), &text("\n"), &start("script"), &end("script"), &start("br"), &text("c")]
        );
    }

    #[test]
    fn sections_are_what_is_read() {
        let html = "<main id=\"x\"><h1 id=\"top\"><a href=\"#top\">One <code>&amp;</code></a></h1><p>a<em>b</em></p><p>c</p>\
                    <svg><text>no</text></svg><h2 id=\"two\">Two</h2><p class=\"source\">no</p><p>d<span class=\"held-by\"><code>no</code></span> \
                    <code>cargo test --test no no</code></p></main>";
        let section =
            |id: &str, title: &str, body: &str| Section { id: id.into(), title: title.into(), body: body.into() };
        assert_eq!(sections(&tokens(html)), [section("top", "One &", "ab c"), section("two", "Two", "d")]);
    }
}
