//! The site on this machine: built again when a source changes, while the last good build is served.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use serde_json::json;
use tiny_http::{Header, Method, Request, Response, Server};

use crate::site;
use crate::sources::{Mistake, Sources};

/// Where a page asks whether it is still the newest.
const NEWEST: &str = "/-/newest";

/// How long, in milliseconds, it has to be quiet after a change: an editor makes several of one save.
const QUIET: u16 = 50;

/// The site as it was built last, in memory: a build that fails, or that is not finished, changes nothing of it.
#[derive(Default)]
struct Built {
    /// The number of successful builds so far.
    number: usize,
    files: HashMap<String, Vec<u8>>,
    /// What is wrong with the sources as they are now.
    problems: Vec<String>,
}

/// Serves the book on 127.0.0.1 until the program is ended.
///
/// # Errors
/// When the port is in use; when the directories can't be watched.
pub fn serve(sources: &Sources, port: u16, open: bool) -> io::Result<()> {
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

    let server = Arc::new(Server::from_listener(listener, None).map_err(io::Error::other)?);
    for _ in 0..4 {
        let (server, built) = (Arc::clone(&server), Arc::clone(&built));
        thread::spawn(move || {
            for request in server.incoming_requests() {
                // An error means that the client is gone.
                let _ = answer(request, &built);
            }
        });
    }
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
    let made = files_of_a_build(sources);
    let mut built = built.lock().unwrap_or_else(PoisonError::into_inner);
    match made {
        Ok(files) => {
            if built.number > 0 {
                println!("built again");
            }
            *built = Built { number: built.number + 1, files, problems: Vec::new() };
        }
        Err(problems) => {
            built.problems = problems.iter().map(Mistake::to_string).collect();
            built.problems.iter().for_each(|problem| eprintln!("{problem}"));
        }
    }
}

fn files_of_a_build(sources: &Sources) -> Result<HashMap<String, Vec<u8>>, Vec<Mistake>> {
    let failed = |error: io::Error| vec![Mistake::new("the temporary directory", 0, error.to_string())];
    let directory = tempfile::tempdir().map_err(failed)?;
    site::build(sources, directory.path())?;
    let mut files = HashMap::new();
    collect(directory.path(), "", &mut files).map_err(failed)?;
    Ok(files)
}

fn collect(directory: &Path, name: &str, files: &mut HashMap<String, Vec<u8>>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = format!("{name}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &name, files)?;
        } else {
            files.insert(name, fs::read(entry.path())?);
        }
    }
    Ok(())
}

fn answer(request: Request, built: &Mutex<Built>) -> io::Result<()> {
    if !matches!(request.method(), Method::Get | Method::Head) {
        return request.respond(Response::from_string("only GET and HEAD").with_status_code(405));
    }
    let path = decoded(request.url().split(['?', '#']).next().unwrap_or_default());
    let (status, kind, body) = {
        let built = built.lock().unwrap_or_else(PoisonError::into_inner);
        page(&path, &built)
    };
    let header = |name: &str, value: &str| {
        Header::from_bytes(name, value).map_err(|()| io::Error::other(format!("no header {name}: {value}")))
    };
    let mut response = Response::from_data(body).with_status_code(status);
    if status == 301 {
        response.add_header(header("Location", kind)?);
    } else {
        response.add_header(header("Content-Type", kind)?);
    }
    response.add_header(header("Cache-Control", "no-store")?);
    request.respond(response)
}

/// The status, the kind (the new place, for 301) and the bytes of an answer.
fn page<'a>(path: &'a str, built: &Built) -> (u16, &'a str, Vec<u8>) {
    if path == NEWEST {
        let state = json!({ "number": built.number, "problems": built.problems });
        return (200, "application/json", state.to_string().into_bytes());
    }
    let file = if path.ends_with('/') { format!("{path}index.html") } else { path.to_owned() };
    if let Some(body) = built.files.get(&file) {
        let kind = kind_of(&file);
        let body = if kind.starts_with("text/html") { reloading(body, built) } else { body.clone() };
        return (200, kind, body);
    }
    match path {
        "/en" => (301, "/en/", Vec::new()),
        "/zh" => (301, "/zh/", Vec::new()),
        _ if built.files.is_empty() => {
            let html = b"<!DOCTYPE html><meta charset=\"UTF-8\"><title>...</title><body></body>";
            (503, "text/html; charset=utf-8", reloading(html, built))
        }
        _ => {
            let html = built.files.get("/404.html").map(Vec::as_slice).unwrap_or_default();
            (404, "text/html; charset=utf-8", reloading(html, built))
        }
    }
}

fn kind_of(file: &str) -> &'static str {
    match file.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

/// A page that loads itself again when there is a newer one, and shows what is wrong with the sources meanwhile.
fn reloading(html: &[u8], built: &Built) -> Vec<u8> {
    let script = format!(
        r#"<script>
(() => {{
    const box = Object.assign(document.createElement("pre"), {{ hidden: true }});
    box.style.cssText = "position:fixed;inset:auto 0 0;z-index:99;margin:0;padding:1em;background:#7a1010;color:#fff;white-space:pre-wrap";
    document.body.append(box);
    const look = async () => {{
        try {{
            const state = await (await fetch("{NEWEST}")).json();
            if (state.number !== {}) {{ location.reload(); return; }}
            box.textContent = state.problems.join("\n");
            box.hidden = state.problems.length === 0;
        }} catch (e) {{ /* the server is gone, perhaps for a moment */ }}
        setTimeout(look, 500);
    }};
    look();
}})();
</script>
"#,
        built.number
    );
    let html = String::from_utf8_lossy(html);
    match html.rsplit_once("</body>") {
        Some((before, after)) => format!("{before}{script}</body>{after}").into_bytes(),
        None => format!("{html}{script}").into_bytes(),
    }
}

/// A path without `%20` and the like.
fn decoded(path: &str) -> String {
    let mut parts = path.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        match part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend(&part.as_bytes()[2..]);
            }
            None => {
                bytes.push(b'%');
                bytes.extend(part.as_bytes());
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Watches the directories that the book is made of.
struct Watch(Inotify);

impl Watch {
    fn of(sources: &Sources) -> io::Result<Watch> {
        let watch = Watch(Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?);
        watch.watch_all(sources)?;
        Ok(watch)
    }

    /// Watches all directories, also those that are new.
    fn watch_all(&self, sources: &Sources) -> io::Result<()> {
        let book = [
            "en",
            "zh",
            "figures",
            "questions",
            "programs",
            "programs/notes",
            "tests/snapshots",
            "theme",
            "theme/css",
            "theme/site",
        ];
        let mut directories: Vec<_> = book.iter().map(|directory| format!("book/{directory}")).collect();
        directories.extend(["book", "lessons", "tests", "tests/snapshots"].map(str::to_owned));
        directories.extend(sources.names("lessons").into_iter().map(|lesson| format!("lessons/{lesson}")));
        let changes = AddWatchFlags::IN_CLOSE_WRITE
            | AddWatchFlags::IN_MOVED_TO
            | AddWatchFlags::IN_MOVED_FROM
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_ONLYDIR;
        for directory in directories {
            match self.0.add_watch(&sources.root().join(&directory), changes) {
                Ok(_) | Err(Errno::ENOENT | Errno::ENOTDIR) => {}
                Err(errno) => return Err(io::Error::other(format!("{directory} can't be watched: {errno}"))),
            }
        }
        Ok(())
    }

    /// Waits until something has changed, and it is quiet again.
    fn wait(&self, sources: &Sources) -> io::Result<()> {
        let mut changed = false;
        loop {
            let limit = if changed { PollTimeout::from(QUIET) } else { PollTimeout::NONE };
            match poll(&mut [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)], limit) {
                Ok(0) => return self.watch_all(sources),
                Ok(_) | Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
            while let Ok(events) = self.0.read_events() {
                changed |= events.iter().any(|event| {
                    let name = event.name.as_deref().map(std::ffi::OsStr::to_string_lossy).unwrap_or_default();
                    // What editors and insta put beside a file for a moment.
                    !name.starts_with('.') && !name.ends_with(['~', '#']) && !name.ends_with(".new")
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_decoded() {
        assert_eq!(decoded("/a%20b/%E9%A1%B5%zz%"), "/a b/页%zz%");
    }

    #[test]
    fn a_page_is_found_and_loads_itself_again() {
        let files = [("/en/index.html", "<body>x</body>"), ("/en/a.css", "y"), ("/404.html", "no")];
        let files = files.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()));
        let built = Built { number: 7, files: files.into(), problems: vec!["file:1: wrong".into()] };
        let (status, kind, body) = page("/en/", &built);
        assert_eq!((status, kind), (200, "text/html; charset=utf-8"));
        assert!(String::from_utf8_lossy(&body).contains("!== 7"));
        assert_eq!(page("/en/a.css", &built), (200, "text/css; charset=utf-8", b"y".to_vec()));
        assert_eq!(page("/en", &built).0, 301);
        assert_eq!(page("/etc/passwd", &built).0, 404);
        assert_eq!(page("/en/../../etc/passwd", &built).0, 404);
        assert!(String::from_utf8_lossy(&page(NEWEST, &built).2).contains("file:1: wrong"));
        assert_eq!(page("/", &Built::default()).0, 503);
    }
}
