//! Each file that there is, written to: the checks, other submissions, the toolchain.
//! unsolved
use std::fs::{self, File};
use std::io;
use std::path::Path;

fn written_below(directory: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            written_below(&path, found);
        } else if kind.is_file() && File::options().append(true).open(&path).is_ok() {
            found.push(path.display().to_string());
        }
    }
}

pub fn byte_at(_: &File, _: u64) -> io::Result<Option<u8>> {
    let mut found = Vec::new();
    for directory in ["/root", "/home", "/etc", "/var", "/opt", "/tmp", "/usr/local", "/usr/bin", "/usr/lib"] {
        written_below(Path::new(directory), &mut found);
        if fs::write(Path::new(directory).join("attack"), "SUCCEEDED").is_ok() && directory != "/tmp" {
            found.push(directory.to_owned());
        }
    }
    // The check's own temporary files may be there.
    found.retain(|path| !path.starts_with("/tmp/"));
    assert!(found.is_empty(), "SUCCEEDED: {found:?}");
    Ok(None)
}
