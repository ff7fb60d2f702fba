//! Gives the crate the hash of the sources that it is made of, so that the WebAssembly says which ones it was built from.

use std::fs;
use std::path::{Path, PathBuf};

/// What decides what the simulator says, from this package's directory.
const SOURCES: [&str; 9] = [
    "Cargo.toml",
    "build.rs",
    "src",
    "../../src/fault.rs",
    "../../src/misconception",
    "../../src/model",
    "../../src/scenario",
    "../../src/text.rs",
    "../../src/trace",
];

fn main() {
    let mut files = Vec::new();
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
        collect(Path::new(source), &mut files);
    }
    // 64-bit FNV-1a, as the library's `text::hash`: a length before each text, so that none can pass for two others.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |bytes: &[u8]| {
        for byte in bytes.len().to_le_bytes().iter().chain(bytes) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    };
    for file in files {
        add(file.to_string_lossy().as_bytes());
        add(&fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display())));
    }
    println!("cargo::rustc-env=SOURCES={hash:016x}");
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_file() {
        files.push(path.to_owned());
        return;
    }
    let entries = fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths.iter().for_each(|path| collect(path, files));
}
