//! The files that the book is made of, and the mistakes that are found in them.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use mmap_workbook::text::Language;

/// The language that a page is written in first. The pages in the other languages are translations of it.
pub const ORIGINAL: Language = Language::English;

/// The languages that pages are translated into.
pub fn translations() -> impl Iterator<Item = Language> {
    Language::ALL.into_iter().filter(|language| *language != ORIGINAL)
}

/// A mistake in a source file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// The file, as a path from the root of the checkout.
    pub file: String,
    /// The line, from 1. 0 means that the mistake concerns the whole file.
    pub line: usize,
    /// What is wrong, in one line.
    pub text: String,
}

impl Mistake {
    /// A mistake in a line of a file.
    pub fn new(file: impl Into<String>, line: usize, text: impl Into<String>) -> Mistake {
        Mistake { file: file.into(), line, text: text.into() }
    }

    /// A mistake that concerns a whole file.
    pub fn in_file(file: impl Into<String>, text: impl Into<String>) -> Mistake {
        Mistake::new(file, 0, text)
    }
}

impl fmt::Display for Mistake {
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
    /// Where the files can be read by everybody: an address with `{path}` in it.
    address: Option<String>,
}

impl Sources {
    /// The checkout that this program belongs to: the one that cargo runs it in, or else the one that it was built in.
    pub fn of_program() -> Sources {
        let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let package = package.filter(|package| package.join(ORIGINAL.code()).is_dir());
        let package = package.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        Sources::at(package.parent().unwrap_or(&package))
    }

    /// The checkout at `root`.
    pub fn at(root: impl Into<PathBuf>) -> Sources {
        Sources { root: root.into(), address: None }
    }

    /// The same, where the files can be read at this address, in which `{path}` stands for a file's path.
    #[must_use]
    pub fn readable_at(&self, address: Option<String>) -> Sources {
        Sources { root: self.root.clone(), address }
    }

    /// The address of a line of a file, if the files can be read somewhere.
    pub fn address_of(&self, file: &str, line: usize) -> Option<String> {
        Some(format!("{}#L{line}", self.address.as_ref()?.replace("{path}", file)))
    }

    /// The root directory of the checkout.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The text of a file, whose path starts at the root of the checkout.
    ///
    /// # Errors
    /// A mistake that names the file.
    pub fn read(&self, file: &str) -> Result<String, Mistake> {
        fs::read_to_string(self.root.join(file)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Mistake::in_file(file, "there is no such file"),
            _ => Mistake::in_file(file, error.to_string()),
        })
    }

    /// The symbolic links below `book/` that lead out of it: mdBook would copy what they lead to into the site.
    ///
    /// # Errors
    /// A mistake that names the directory that can't be read.
    pub fn links_out(&self) -> Result<Vec<Mistake>, Mistake> {
        let unread = |name: &str, error: io::Error| Mistake::in_file(name, error.to_string());
        let book = self.root.join("book").canonicalize().map_err(|error| unread("book", error))?;
        let mut links = Vec::new();
        let mut directories = vec!["book".to_owned()];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(self.root.join(&directory)).map_err(|error| unread(&directory, error))? {
                let entry = entry.map_err(|error| unread(&directory, error))?;
                let kind = entry.file_type().map_err(|error| unread(&directory, error))?;
                let name = format!("{directory}/{}", entry.file_name().to_string_lossy());
                // A link that leads nowhere publishes nothing.
                if kind.is_symlink()
                    && let Ok(there) = entry.path().canonicalize()
                    && !there.starts_with(&book)
                {
                    let what = format!("it is a link to {}, which is not in book/", there.display());
                    links.push(Mistake::in_file(name, what));
                } else if kind.is_dir() && entry.file_name() != "node_modules" {
                    directories.push(name);
                }
            }
        }
        Ok(links)
    }

    /// The content of a TOML file.
    ///
    /// # Errors
    /// A mistake that names the file, and the line where the TOML is wrong.
    pub fn read_toml<T: serde::de::DeserializeOwned>(&self, file: &str) -> Result<T, Mistake> {
        let text = self.read(file)?;
        toml::from_str(&text).map_err(|error| {
            let line = error.span().map_or(0, |span| 1 + text[..span.start].matches('\n').count());
            Mistake::new(file, line, error.message())
        })
    }

    /// The names of the files in a directory, sorted. There are none if there is no such directory.
    pub fn names(&self, directory: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.root.join(directory)) else { return Vec::new() };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    /// The names of the files in a directory that have this extension, without it.
    pub fn names_with(&self, directory: &str, extension: &str) -> Vec<String> {
        let names = self.names(directory).into_iter();
        names.filter_map(|name| Some(name.strip_suffix(extension)?.strip_suffix('.')?.to_owned())).collect()
    }

    /// The names of the pages in a language, without the directory and `.md`. The table of contents is not a page.
    pub fn pages(&self, language: Language) -> Vec<String> {
        let mut pages = self.names_with(&format!("book/{}", language.code()), "md");
        pages.retain(|name| name != "SUMMARY");
        pages
    }

    /// The file of a page.
    pub fn page(&self, language: Language, name: &str) -> String {
        format!("book/{}/{name}.md", language.code())
    }

    /// The file of a table of contents.
    pub fn contents(&self, language: Language) -> String {
        self.page(language, "SUMMARY")
    }
}
