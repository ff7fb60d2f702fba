//! The site on this machine: built again when a source changes, while the last good build is served.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::body::Bytes;

use crate::site;
use crate::sources::{Mistake, Sources};

mod http;
mod watch;

use watch::Watch;

/// The site as it was built last, in memory: a build that fails, or that is not finished, changes nothing of it.
#[derive(Default)]
struct Built {
    /// The number of successful builds so far.
    number: usize,
    /// Pages with the script that loads them again.
    files: HashMap<String, Bytes>,
    /// What is wrong with the sources as they are now.
    problems: Vec<String>,
}

/// Serves the book on 127.0.0.1 until the program is ended. A client may take the time `patience` for a request.
///
/// # Errors
/// When the port is in use; when the directories can't be watched.
pub fn serve(sources: &Sources, port: u16, patience: Duration, open: bool) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            io::Error::other(format!("port {port} is in use; another one is taken with --port N"))
        }
        io::ErrorKind::PermissionDenied => {
            io::Error::other(format!("port {port} is not allowed to this user; another one is taken with --port N"))
        }
        _ => error,
    })?;
    let address = format!("http://{}/", listener.local_addr()?);
    let watch = Watch::of(sources)?;
    let built = Arc::new(Mutex::new(Built::default()));
    rebuild(sources, &built);

    http::start(listener, patience, Arc::clone(&built))?;
    println!("{address}");
    io::stdout().flush()?;
    if open {
        open_browser(&address);
    }
    loop {
        watch.wait(sources)?;
        rebuild(sources, &built);
    }
}

fn open_browser(address: &str) {
    let opened = Command::new("xdg-open").arg(address).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !opened.is_ok_and(|status| status.success()) {
        eprintln!("no browser could be opened (xdg-open): open {address} yourself");
    }
}

/// Builds the site. What is wrong with the sources is printed, and the site stays as it was.
fn rebuild(sources: &Sources, built: &Mutex<Built>) {
    // The lock is never held while something is built or printed: no request waits for a terminal.
    let lock = || built.lock().unwrap_or_else(PoisonError::into_inner);
    let number = lock().number + 1;
    match files_of_a_build(sources, number) {
        Ok(files) => {
            *lock() = Built { number, files, problems: Vec::new() };
            if number > 1 {
                println!("built again");
            }
        }
        Err(problems) => {
            let problems: Vec<_> = problems.iter().map(Mistake::to_string).collect();
            lock().problems.clone_from(&problems);
            problems.iter().for_each(|problem| eprintln!("{problem}"));
        }
    }
}

fn files_of_a_build(sources: &Sources, number: usize) -> Result<HashMap<String, Bytes>, Vec<Mistake>> {
    let failed = |error: io::Error| vec![Mistake::new("the temporary directory", 0, error.to_string())];
    let directory = tempfile::tempdir().map_err(failed)?;
    site::build(sources, directory.path())?;
    let mut files = HashMap::new();
    collect(directory.path(), "", number, &mut files).map_err(failed)?;
    Ok(files)
}

fn collect(directory: &Path, name: &str, number: usize, files: &mut HashMap<String, Bytes>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = format!("{name}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &name, number, files)?;
        } else if name.ends_with(".html") {
            let html = fs::read_to_string(entry.path())?;
            files.insert(name, http::reloading(&html, number).into());
        } else {
            files.insert(name, fs::read(entry.path())?.into());
        }
    }
    Ok(())
}
