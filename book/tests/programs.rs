//! Compiles and runs each C program of the book. A snapshot has the diagnostics of the compiler and the output of the
//! program.
//!
//! A program compiles without warnings and exits with status 0, unless comments at its top say otherwise:
//!
//! - `// flags: -O0 -Wconversion`: flags for the compiler besides `-std=gnu17 -O2 -Wall -Wextra`
//! - `// warns: yes`: the compiler warns; the warnings are in the snapshot
//! - `// compiles: no`: the compiler rejects the program; the errors are in the snapshot
//! - `// ends: killed by SIGSEGV`, or `exited with status 1`: how the program ends
//! - `// arguments: a b`: the arguments of the program
//! - `// shows: TEXT`: the snapshot keeps only the lines of the output that contain TEXT, or another TEXT of such a
//!   comment
//!
//! A program runs in an empty directory, for at most a minute. Its output goes to a file, so it must flush what it
//! prints before a signal kills it. `INSTA_UPDATE=always cargo test -p book --test programs` accepts new and changed
//! snapshots.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use mmap_workbook::process::{Child, Ended};

const FLAGS: [&str; 4] = ["-std=gnu17", "-O2", "-Wall", "-Wextra"];

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The programs, by name.
fn programs() -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    for directory in ["programs", "programs/notes"] {
        let Ok(entries) = fs::read_dir(package().join(directory)) else { continue };
        for path in entries.map(|entry| entry.expect("an entry").path()) {
            if path.extension().is_some_and(|extension| extension == "c") {
                let name = path.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();
                assert!(found.insert(name.clone(), path).is_none(), "two programs are called {name}");
            }
        }
    }
    found
}

/// The comments at the top of a program.
#[derive(Debug, Default, PartialEq, Eq)]
struct Header {
    flags: Vec<String>,
    warns: bool,
    refused: bool,
    ends: Option<String>,
    arguments: Vec<String>,
    shows: Vec<String>,
}

impl Header {
    fn of(source: &str) -> Header {
        let mut header = Header::default();
        for line in source.lines().map_while(|line| line.strip_prefix("//")) {
            let Some((name, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            match name.trim() {
                "flags" => header.flags.extend(value.split(' ').map(str::to_owned)),
                "warns" => header.warns = value == "yes",
                "compiles" => header.refused = value == "no",
                "ends" => header.ends = Some(value.to_owned()),
                "arguments" => header.arguments.extend(value.split(' ').map(str::to_owned)),
                "shows" => header.shows.push(value.to_owned()),
                _ => {}
            }
        }
        header
    }
}

/// Runs a command in a directory. Returns how it ended, and what it wrote to standard output and standard error.
fn run(command: &mut Command, directory: &Path, output: &Path) -> io::Result<(Ended, String)> {
    let file = File::options().append(true).create_new(true).open(output)?;
    command.current_dir(directory).stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    let (child, _) = Child::spawn(command)?;
    let ended = child.wait()?;
    Ok((ended, String::from_utf8_lossy(&fs::read(output)?).into_owned()))
}

/// The snapshot of compiling and running a program.
fn evidence(name: &str, path: &Path) -> Result<String, String> {
    let source = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let header = Header::of(&source);
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (program, inside) = (directory.path().join(name), directory.path().join("inside"));
    fs::create_dir(&inside).map_err(|error| error.to_string())?;

    let mut compiler = Command::new("cc");
    // The diagnostics are in English whatever the locale.
    compiler.env("LC_ALL", "C").args(FLAGS).args(&header.flags).arg("-o").arg(&program).arg(path);
    let (ended, said) =
        run(&mut compiler, &inside, &directory.path().join("compiler")).map_err(|e| format!("cc: {e}"))?;
    let compiled = ended == Ended::Exited(0);
    let mut kept = diagnostics(name, &said);
    if compiled && header.refused {
        return Err("it compiles, but the comments at its top say that it doesn't".into());
    }
    if !compiled && !header.refused {
        return Err(format!("it doesn't compile:\n{said}"));
    }
    if compiled && header.warns == kept.is_empty() {
        let expected = if header.warns { "the compiler must warn" } else { "the compiler must not warn" };
        return Err(format!("{expected}, by the comments at its top:\n{said}"));
    }
    if header.refused {
        return Ok(kept.join("\n"));
    }

    let output = directory.path().join("output");
    let mut command = Command::new(&program);
    let ran = match run(command.args(&header.arguments), &inside, &output) {
        // A file system may be mounted with noexec.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let elsewhere = tempfile::tempdir_in("/var/tmp").map_err(|error| error.to_string())?;
            let program = elsewhere.path().join(name);
            fs::copy(directory.path().join(name), &program).map_err(|error| error.to_string())?;
            fs::remove_file(&output).map_err(|error| error.to_string())?;
            run(Command::new(&program).args(&header.arguments), &inside, &output)
        }
        ran => ran,
    };
    let (ended, said) = ran.map_err(|error| error.to_string())?;
    let ended = ended.to_string();
    let expected = header.ends.as_deref().unwrap_or("exited with status 0");
    if ended != expected {
        return Err(format!("it {ended}, not {expected}; it printed:\n{said}"));
    }
    let shown =
        said.lines().filter(|line| header.shows.is_empty() || header.shows.iter().any(|text| line.contains(text)));
    let shown: Vec<_> = shown.map(without_addresses).collect();
    if !kept.is_empty() && !shown.is_empty() {
        kept.push(String::new());
    }
    kept.extend(shown);
    if header.ends.is_some() {
        kept.push(ended);
    }
    Ok(kept.join("\n"))
}

/// The warnings and errors of a compiler, with file and line, but without directories and columns.
fn diagnostics(name: &str, said: &str) -> Vec<String> {
    let diagnostic = |line: &str| {
        let (place, text) = line
            .split_once(": warning: ")
            .map(|(place, text)| (place, format!("warning: {text}")))
            .or_else(|| line.split_once(": error: ").map(|(place, text)| (place, format!("error: {text}"))))?;
        let number = place.rsplit(':').nth(1).filter(|number| number.parse::<usize>().is_ok())?;
        Some(format!("{name}.c:{number}: {text}"))
    };
    said.lines().filter_map(diagnostic).collect()
}

/// A line in which `‹address›` replaces each address, because addresses differ from run to run.
fn without_addresses(line: &str) -> String {
    let mut parts = line.split("0x");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_hexdigit).count();
        if digits > 8 {
            out.push_str("‹address›");
        } else {
            out.push_str("0x");
            out.push_str(&part[..digits]);
        }
        out.push_str(&part[digits..]);
    }
    out
}

#[test]
fn each_program_does_what_the_book_shows() {
    let mut settings = insta::Settings::clone_current();
    settings.set_omit_expression(true);
    let _settings = settings.bind_to_scope();
    let mut failed = Vec::new();
    for (name, path) in programs() {
        match evidence(&name, &path) {
            Err(what) => failed.push(format!("{}: {what}", path.display())),
            Ok(text) => {
                let held = catch_unwind(AssertUnwindSafe(|| insta::assert_snapshot!(name.as_str(), text)));
                if held.is_err() {
                    failed.push(format!("{}: its output differs from the snapshot", path.display()));
                }
            }
        }
    }
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
}

#[test]
fn each_snapshot_belongs_to_a_program() {
    let programs = programs();
    let Ok(snapshots) = fs::read_dir(package().join("tests/snapshots")) else { return };
    for snapshot in snapshots {
        let file = snapshot.expect("an entry").file_name().into_string().expect("UTF-8");
        let Some(name) = file.strip_prefix("programs__").and_then(|name| name.strip_suffix(".snap")) else {
            panic!("book/tests/snapshots/{file} is not the snapshot of a program");
        };
        assert!(programs.contains_key(name), "book/tests/snapshots/{file} has no program");
    }
}

#[test]
fn the_comments_at_the_top_of_a_program_are_read() {
    let header =
        Header::of("// A bug.\n// flags: -O0 -g\n// warns: yes\n// ends: killed by SIGSEGV\n\n// compiles: no\n");
    let wanted = Header {
        flags: vec!["-O0".into(), "-g".into()],
        warns: true,
        ends: Some("killed by SIGSEGV".into()),
        ..Header::default()
    };
    assert_eq!(header, wanted);
}

#[test]
fn a_program_that_differs_from_the_comments_at_its_top_is_found() {
    let directory = tempfile::tempdir().expect("a directory");
    let verdict = |source: &str| {
        let path = directory.path().join("x.c");
        fs::write(&path, source).expect("a source");
        evidence("x", &path)
    };
    let prints = "#include <stdio.h>\nint main(void) { puts(\"hello\"); return 0; }\n";
    assert_eq!(verdict(prints).as_deref(), Ok("hello"));
    assert!(verdict(&format!("// warns: yes\n{prints}")).is_err());
    assert!(verdict(&format!("// compiles: no\n{prints}")).is_err());
    assert!(verdict(&format!("// ends: exited with status 1\n{prints}")).is_err());
    assert_eq!(verdict(&format!("// shows: x\n{prints}")).as_deref(), Ok(""));
    assert!(verdict("int main(void) { return 3; }\n").is_err_and(|what| what.contains("exited with status 3")));
    assert!(verdict("int main(void) { int i; return 0; }\n").is_err_and(|what| what.contains("unused variable")));
    assert!(verdict("int main(void) { return }\n").is_err_and(|what| what.contains("doesn't compile")));
    let warned = verdict("// warns: yes\nint main(void) { int i; return 0; }\n").expect("evidence");
    assert!(warned.starts_with("x.c:2: warning: unused variable 'i' [-Wunused-variable]"), "{warned}");
    let dead = verdict("// ends: killed by SIGABRT\n#include <stdlib.h>\nint main(void) { abort(); }\n");
    assert_eq!(dead.as_deref(), Ok("killed by SIGABRT"));
}

#[test]
fn addresses_are_replaced() {
    assert_eq!(without_addresses("at 0x7ffe12345678, 0x34 and 0x"), "at ‹address›, 0x34 and 0x");
}
