//! The markup that several directives share.

/// A text as HTML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A sentence as HTML, with the text between backticks as code. Markdown does not look into HTML.
pub fn with_code(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts.map(|(n, part)| if n % 2 == 1 { format!("<code>{}</code>", escape(part)) } else { escape(part) }).collect()
}

/// A block of output, with its source as a heading.
pub fn printed(source: &str, text: &str) -> String {
    format!("<div class=\"printed\">\n<p class=\"source\">{source}</p>\n\n```console\n{text}\n```\n\n</div>\n")
}
