//! The files that the book is made of, and what is wrong in them.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use mmap_workbook::text::Language;

/// Both languages, in the order in which pages are written.
pub const LANGUAGES: [Language; 2] = [Language::English, Language::Chinese];

/// The name of a language's directory, and of its part of the site.
pub fn directory(language: Language) -> &'static str {
    match language {
        Language::English => "en",
        Language::Chinese => "zh",
    }
}

/// One of two texts.
pub fn either<T>(language: Language, english: T, chinese: T) -> T {
    match language {
        Language::English => english,
        Language::Chinese => chinese,
    }
}

/// Something that is wrong in a source file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, from the checkout's root.
    pub file: String,
    /// The line, from 1; 0 when it is about the whole file.
    pub line: usize,
    /// What is wrong, in a line.
    pub text: String,
}

impl Problem {
    /// A problem in a line of a file.
    pub fn new(file: impl Into<String>, line: usize, text: impl Into<String>) -> Problem {
        Problem { file: file.into(), line, text: text.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.text),
            line => write!(f, "{}:{line}: {}", self.file, self.text),
        }
    }
}

/// A checkout of the workbook.
#[derive(Debug, Clone)]
pub struct Sources {
    root: PathBuf,
}

impl Sources {
    /// The checkout that this program belongs to: where cargo runs it from, else where it was built.
    pub fn of_program() -> Sources {
        let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let package = package.filter(|package| package.join("en").is_dir());
        let package = package.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        Sources::at(package.parent().unwrap_or(&package))
    }

    /// The checkout at `root`.
    pub fn at(root: impl Into<PathBuf>) -> Sources {
        Sources { root: root.into() }
    }

    /// The directory of the checkout.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The text of a file, named from the checkout's root.
    ///
    /// # Errors
    /// A problem that names the file.
    pub fn read(&self, file: &str) -> Result<String, Problem> {
        fs::read_to_string(self.root.join(file)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Problem::new(file, 0, "there is no such file"),
            _ => Problem::new(file, 0, error.to_string()),
        })
    }

    /// The names in a directory, sorted; none when there is no such directory.
    pub fn names(&self, directory: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.root.join(directory)) else { return Vec::new() };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    /// The pages of a language: their names without the directory and `.md`, the table of contents left out.
    pub fn pages(&self, language: Language) -> Vec<String> {
        let names = self.names(&format!("book/{}", directory(language)));
        let pages = names.iter().filter_map(|name| name.strip_suffix(".md"));
        pages.filter(|name| *name != "SUMMARY").map(str::to_owned).collect()
    }

    /// The file of a page.
    pub fn page(&self, language: Language, name: &str) -> String {
        format!("book/{}/{name}.md", directory(language))
    }
}
