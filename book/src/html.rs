//! As much HTML as it takes to look over the pages that mdBook has written.

/// A piece of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Text between two tags, with its entities as they are.
    Text(&'a str),
    /// `<name ...>`.
    Open(Tag<'a>),
    /// `</name>`.
    Close(&'a str),
}

/// An opening tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag<'a> {
    /// The element's name.
    pub name: &'a str,
    /// Everything behind the name.
    rest: &'a str,
}

impl<'a> Tag<'a> {
    /// The value of an attribute, with its entities as they are.
    pub fn attribute(&self, name: &str) -> Option<&'a str> {
        let mut rest = self.rest;
        loop {
            rest = rest.trim_start_matches([' ', '\n', '/']);
            let end = rest.find(['=', ' ', '\n']).unwrap_or(rest.len());
            let (found, after) = rest.split_at(end);
            if found.is_empty() {
                return None;
            }
            let Some(value) = after.strip_prefix("=\"") else {
                rest = after;
                continue;
            };
            let (value, after) = value.split_once('"')?;
            if found == name {
                return Some(value);
            }
            rest = after;
        }
    }

    /// Whether it is of this class.
    pub fn is_of_class(&self, class: &str) -> bool {
        self.attribute("class").is_some_and(|classes| classes.split_whitespace().any(|found| found == class))
    }
}

/// The pieces of a page, without comments and without what stands in scripts and styles.
pub fn pieces(html: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        if start > 0 {
            pieces.push(Piece::Text(&rest[..start]));
        }
        rest = &rest[start..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let Some(end) = end_of_tag(rest) else { break };
        let inner = &rest[1..end];
        rest = &rest[end + 1..];
        if let Some(name) = inner.strip_prefix('/') {
            pieces.push(Piece::Close(name.trim()));
        } else if !inner.starts_with('!') {
            let (name, attributes) = inner.split_at(inner.find([' ', '\n', '/']).unwrap_or(inner.len()));
            pieces.push(Piece::Open(Tag { name, rest: attributes }));
            if matches!(name, "script" | "style") {
                rest = rest.find(&format!("</{name}")).map_or("", |end| &rest[end..]);
            }
        }
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

/// The pieces of a page, each with the number of the line where it begins.
pub fn numbered(html: &str) -> Vec<(usize, Piece<'_>)> {
    let mut line = 1;
    let mut at = 0;
    let place = |piece: &Piece<'_>| match piece {
        Piece::Text(text) | Piece::Close(text) => text.as_ptr(),
        Piece::Open(tag) => tag.name.as_ptr(),
    };
    let numbered = pieces(html).into_iter().map(|piece| {
        let now = place(&piece) as usize - html.as_ptr() as usize;
        line += html[at..now].matches('\n').count();
        at = now;
        (line, piece)
    });
    numbered.collect()
}

/// Where the `>` of a tag is, which may have others in its attributes.
fn end_of_tag(text: &str) -> Option<usize> {
    let mut quoted = false;
    text.bytes().position(|byte| {
        quoted ^= byte == b'"';
        byte == b'>' && !quoted
    })
}

/// A text without entities.
pub fn unescape(text: &str) -> String {
    let pairs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#x27;", "'"), ("&nbsp;", " ")];
    let text = pairs.iter().fold(text.to_owned(), |text, (entity, plain)| text.replace(entity, plain));
    text.replace("&amp;", "&")
}

/// A section of a page, for the search: from one heading to the next.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Section {
    /// The heading's id; empty before the first one.
    pub id: String,
    /// The heading.
    pub title: String,
    /// Everything that a reader reads in it, in a line.
    pub body: String,
}

/// The sections of a page's `<main>`.
pub fn sections(html: &str) -> Vec<Section> {
    let main = html.split_once("<main").and_then(|(_, rest)| rest.split_once("</main>")).map_or("", |(main, _)| main);
    let mut sections = vec![Section::default()];
    let mut in_heading = false;
    // The name of an element that is left out, and how deep in it this is.
    let mut skipped: Option<(&str, usize)> = None;
    for piece in pieces(main.split_once('>').map_or("", |(_, rest)| rest)) {
        if let Some((name, depth)) = skipped {
            let depth = match piece {
                Piece::Open(tag) if tag.name == name => depth + 1,
                Piece::Close(closed) if closed == name => depth - 1,
                _ => depth,
            };
            skipped = (depth > 0).then_some((name, depth));
            continue;
        }
        match piece {
            Piece::Open(tag) if matches!(tag.name, "svg" | "script" | "style" | "button") => {
                skipped = Some((tag.name, 1))
            }
            Piece::Open(tag) if tag.is_of_class("held-by") => skipped = Some((tag.name, 1)),
            Piece::Open(tag) if matches!(tag.name, "h1" | "h2" | "h3" | "h4") => {
                let id = tag.attribute("id").unwrap_or_default().to_owned();
                sections.push(Section { id, ..Section::default() });
                in_heading = true;
            }
            Piece::Close("h1" | "h2" | "h3" | "h4") => in_heading = false,
            Piece::Text(text) => {
                if let Some(section) = sections.last_mut() {
                    let into = if in_heading { &mut section.title } else { &mut section.body };
                    into.push_str(&unescape(text));
                }
            }
            // Where a line or a block ends, so does a word.
            Piece::Open(tag) if !is_inline(tag.name) => end_word(&mut sections),
            Piece::Close(name) if !is_inline(name) => end_word(&mut sections),
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

fn is_inline(name: &str) -> bool {
    matches!(name, "a" | "code" | "em" | "strong" | "span" | "kbd" | "sup" | "sub" | "del" | "abbr" | "cite" | "q")
}

fn end_word(sections: &mut [Section]) {
    if let Some(section) = sections.last_mut() {
        section.body.push(' ');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_its_pieces() {
        let html = "a<!-- <b> --><p class=\"x y\" hidden id=\"&gt;>\">b</p><script>1 < 2</script>";
        let pieces = pieces(html);
        assert_eq!(pieces.iter().filter(|piece| matches!(piece, Piece::Open(_))).count(), 2);
        let Piece::Open(tag) = pieces[1] else { panic!("{pieces:?}") };
        assert_eq!((tag.name, tag.attribute("id"), tag.attribute("no")), ("p", Some("&gt;>"), None));
        assert!(tag.is_of_class("y") && !tag.is_of_class("z"));
    }

    #[test]
    fn sections_are_what_is_read() {
        let html = "<main id=\"x\"><h1 id=\"top\"><a href=\"#top\">One <code>&amp;</code></a></h1><p>a<em>b</em></p><p>c</p>\
                    <svg><text>no</text></svg><h2 id=\"two\">Two</h2><p>d<span class=\"held-by\"><code>no</code></span></p></main>";
        let section =
            |id: &str, title: &str, body: &str| Section { id: id.into(), title: title.into(), body: body.into() };
        assert_eq!(sections(html), [section("top", "One &", "ab c"), section("two", "Two", "d")]);
    }
}
