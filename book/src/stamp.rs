//! The stamp of a translated page: its first line has the hash of the original page that it was translated from.

use std::fs;

use mmap_workbook::text::{Language, hash};

use crate::sources::{Mistake, ORIGINAL, Sources, translations};

/// The hash in the stamp of a page.
pub fn of_page(text: &str) -> Option<&str> {
    let comment = text.lines().next()?.strip_prefix("<!-- ")?.strip_suffix(" -->")?;
    comment.strip_prefix(ORIGINAL.code())?.strip_prefix(": ")
}

/// Writes the hash of each original page into its translations. Returns the files that have changed.
///
/// # Errors
/// When a page can't be read or written.
pub fn stamp(sources: &Sources) -> Result<Vec<String>, Mistake> {
    let mut changed = Vec::new();
    for language in translations() {
        for name in sources.pages(language) {
            changed.extend(stamp_page(sources, language, &name)?);
        }
    }
    Ok(changed)
}

fn stamp_page(sources: &Sources, language: Language, name: &str) -> Result<Option<String>, Mistake> {
    let original = sources.read(&sources.page(ORIGINAL, name))?;
    let file = sources.page(language, name);
    let translation = sources.read(&file)?;
    let body = match of_page(&translation) {
        Some(_) => translation.split_once('\n').map_or("", |(_, body)| body),
        None => &translation,
    };
    let stamped = format!("<!-- {}: {} -->\n{body}", ORIGINAL.code(), hash(&original));
    if stamped == translation {
        return Ok(None);
    }
    fs::write(sources.root().join(&file), stamped).map_err(|error| Mistake::in_file(&file, error.to_string()))?;
    Ok(Some(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(hash(""), "cbf29ce484222325");
        assert_eq!(hash("a"), "af63dc4c8601ec8c");
    }

    #[test]
    fn the_first_line_has_the_hash() {
        assert_eq!(of_page("<!-- en: 12 -->\n# x"), Some("12"));
        assert_eq!(of_page("# x\n<!-- en: 12 -->"), None);
    }
}
