//! What a compiled submission may not have, whatever words it was written with: functions that run before or after the
//! test harness, and functions in the place of the system's.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use elf::ElfBytes;
use elf::abi::{SHN_UNDEF, STB_LOCAL};
use elf::endian::NativeEndian;

use crate::error::named;
use crate::text;
use crate::text::Text;

/// What is compared of a binary.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// The names and sizes of the sections that list functions for the start and the end of a process.
    started: BTreeSet<(String, u64)>,
    /// What it takes from shared libraries.
    imports: BTreeSet<String>,
    /// The names that it has for others.
    defines: BTreeSet<String>,
}

/// What the names of such sections begin with.
const STARTED: [&str; 6] = [".init", ".preinit", ".fini", ".ctors", ".dtors", ".CRT"];

impl Shape {
    /// The shape of a binary.
    ///
    /// # Errors
    /// When it can't be read or is no binary; the error names it.
    pub(super) fn of(path: &Path) -> io::Result<Shape> {
        Shape::read(path).map_err(|error| named(path.display(), &error))
    }

    fn read(path: &Path) -> io::Result<Shape> {
        let bytes = fs::read(path)?;
        let invalid = |error: elf::ParseError| io::Error::new(io::ErrorKind::InvalidData, error);
        let file = ElfBytes::<NativeEndian>::minimal_parse(&bytes).map_err(invalid)?;
        let mut shape = Shape { started: BTreeSet::new(), imports: BTreeSet::new(), defines: BTreeSet::new() };
        if let (Some(headers), Some(names)) = file.section_headers_with_strtab().map_err(invalid)? {
            for header in headers.iter() {
                let name = names.get(header.sh_name.try_into().map_err(io::Error::other)?).map_err(invalid)?;
                if STARTED.iter().any(|prefix| name.starts_with(prefix)) {
                    shape.started.insert((name.to_owned(), header.sh_size));
                }
            }
        }
        if let Some((symbols, names)) = file.dynamic_symbol_table().map_err(invalid)? {
            for symbol in symbols.iter().filter(|symbol| symbol.st_shndx == SHN_UNDEF) {
                shape.imports.insert(name(&names, symbol.st_name).map_err(invalid)?);
            }
        }
        if let Some((symbols, names)) = file.symbol_table().map_err(invalid)? {
            for symbol in symbols.iter().filter(|one| one.st_shndx != SHN_UNDEF && one.st_bind() != STB_LOCAL) {
                shape.defines.insert(name(&names, symbol.st_name).map_err(invalid)?);
            }
        }
        Ok(shape)
    }

    /// What this binary, of the submission, has and the `stub`'s binary does not; None when there is nothing.
    pub(super) fn beyond(&self, stub: &Shape) -> Option<Text> {
        if self.started != stub.started {
            return Some(text!(
                "the compiled program has a function that runs before or after the checks",
                "编译出的程序里有在检查之前或之后运行的函数"
            ));
        }
        let instead = stub.imports.iter().find(|name| self.defines.contains(*name) && !stub.defines.contains(*name))?;
        Some(text!(
            "the compiled program has a function `{instead}` in place of the system's",
            "编译出的程序用自己的 `{instead}` 取代了系统的函数"
        ))
    }
}

/// A name without the version that may follow it.
fn name(names: &elf::string_table::StringTable, at: u32) -> Result<String, elf::ParseError> {
    let at = usize::try_from(at).map_err(|_| elf::ParseError::IntegerOverflow)?;
    Ok(names.get(at)?.split('@').next().unwrap_or_default().to_owned())
}
