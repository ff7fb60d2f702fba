//! Which English page a Chinese page was written from: the first line of the Chinese one carries its hash.

use std::fs;

use crate::sources::{Language, Problem, Sources};

/// A text's hash, in 16 digits: 64-bit FNV-1a.
pub fn hash(text: &str) -> String {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{hash:016x}")
}

/// The hash that a Chinese page carries.
pub fn of_page(text: &str) -> Option<&str> {
    text.lines().next()?.strip_prefix("<!-- en: ")?.strip_suffix(" -->")
}

/// Writes the hash of each English page into the Chinese one; the names of those that have changed.
///
/// # Errors
/// When a page can't be read or written.
pub fn stamp(sources: &Sources) -> Result<Vec<String>, Problem> {
    let mut changed = Vec::new();
    for name in sources.pages(Language::Chinese) {
        let english = sources.read(&sources.page(Language::English, &name))?;
        let file = sources.page(Language::Chinese, &name);
        let chinese = sources.read(&file)?;
        let body = match of_page(&chinese) {
            Some(_) => chinese.split_once('\n').map_or("", |(_, body)| body),
            None => &chinese,
        };
        let stamped = format!("<!-- en: {} -->\n{body}", hash(&english));
        if stamped != chinese {
            fs::write(sources.root().join(&file), stamped)
                .map_err(|error| Problem::new(&file, 0, error.to_string()))?;
            changed.push(file);
        }
    }
    Ok(changed)
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
    fn the_first_line_carries_the_hash() {
        assert_eq!(of_page("<!-- en: 12 -->\n# x"), Some("12"));
        assert_eq!(of_page("# x\n<!-- en: 12 -->"), None);
    }
}
