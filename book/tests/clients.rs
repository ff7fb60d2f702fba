//! The program `book` serves the book whatever its clients do. Some of them are only careless.

mod small;

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{ChildStderr, ChildStdout};
use std::thread;
use std::time::{Duration, Instant};

use mmap_workbook::process::{Child, DEADLINE};
use nix::libc;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use small::{Small, line, program};

/// A small book that is served. The program is killed when this is dropped.
struct Server {
    small: Small,
    child: Child,
    out: BufReader<ChildStdout>,
    err: BufReader<ChildStderr>,
    /// Where it listens.
    host: String,
}

impl Server {
    fn new(small: Small) -> Server {
        Server::with(small, &[])
    }

    fn with(small: Small, arguments: &[&str]) -> Server {
        let arguments = [&["--port", "0"], arguments].concat();
        let (child, pipes) = Child::spawn(&mut program(&small, &arguments)).expect("the program");
        let mut out = BufReader::new(pipes.stdout.expect("a pipe"));
        let err = BufReader::new(pipes.stderr.expect("a pipe"));
        let address = line(&mut out);
        let host = address.strip_prefix("http://").and_then(|host| host.strip_suffix('/')).expect("an address");
        Server { host: host.to_owned(), small, child, out, err }
    }

    /// A program that may have 64 descriptors.
    fn with_few_descriptors(small: Small, arguments: &[&str]) -> Server {
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("the limits");
        setrlimit(Resource::RLIMIT_NOFILE, 64, hard).expect("a limit");
        let server = Server::with(small, arguments);
        setrlimit(Resource::RLIMIT_NOFILE, soft, hard).expect("the limit as it was");
        server
    }

    fn client(&self) -> Client {
        let stream = TcpStream::connect(&self.host).expect("a connection");
        stream.set_read_timeout(Some(DEADLINE)).expect("a limit");
        stream.set_write_timeout(Some(DEADLINE)).expect("a limit");
        Client(BufReader::new(stream))
    }

    /// A client that has asked for `path`, with more headers if need be.
    fn asked(&self, path: &str, headers: &str) -> Client {
        let mut client = self.client();
        client.send(&self.request(path, headers)).expect("a request");
        client
    }

    fn request(&self, path: &str, headers: &str) -> String {
        format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", self.host)
    }

    fn serves(&self) {
        assert_eq!(self.asked("/en/1_one.html", "").answer().0, 200);
    }
}

/// One connection.
struct Client(BufReader<TcpStream>);

impl Client {
    fn send(&mut self, text: &str) -> io::Result<()> {
        self.0.get_mut().write_all(text.as_bytes())
    }

    /// The status and the body of the next answer.
    fn answer(&mut self) -> (u16, Vec<u8>) {
        let head: Vec<String> =
            self.0.by_ref().lines().map(|line| line.expect("a line")).take_while(|line| !line.is_empty()).collect();
        let status = head.first().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let length = head.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or_default()];
        self.0.read_exact(&mut body).expect("a body");
        (status.unwrap_or_else(|| panic!("no status: {head:?}")), body)
    }

    /// Waits until the program has ended the connection.
    fn ended(mut self) {
        match self.0.read_to_end(&mut Vec::new()) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
        }
    }
}

#[test]
fn a_request_that_announces_a_body_is_refused() {
    let server = Server::new(Small::new());
    for body in ["Content-Length: 9000000000000", "Content-Length: 1", "Transfer-Encoding: chunked"] {
        for more in ["", "Expect: 100-continue\r\n"] {
            let mut client = server.asked("/en/1_one.html", &format!("{body}\r\n{more}"));
            assert_eq!(client.answer().0, 413, "{body}");
            client.ended();
        }
    }
    // These go on sending.
    let mut clients: Vec<_> = (0..20).map(|_| server.asked("/", "Content-Length: 9000000000000\r\n")).collect();
    for client in &mut clients {
        // The connection may have been ended by now.
        let _ = client.send(&"x".repeat(10_000));
    }
    server.serves();
}

#[test]
fn a_client_that_sends_400_requests_at_once_holds_up_nobody() {
    let small = Small::new();
    // The answers don't fit into the buffers of the connection.
    let page = "x".repeat(100_000);
    small.write("book/en/large.txt", &page);
    let server = Server::new(small);
    let mut hasty = server.client();
    hasty.send(&server.request("/en/large.txt", "").repeat(400)).expect("requests");
    assert_eq!(hasty.answer().0, 200);
    server.serves();
    for n in 1..400 {
        assert!(hasty.answer() == (200, page.clone().into_bytes()), "answer {n}");
    }
}

#[test]
fn more_headers_than_any_browser_sends_are_refused() {
    let server = Server::new(Small::new());
    let many: String = (0..200).map(|n| format!("X-{n}: x\r\n")).collect();
    let large = format!("Cookie: {}\r\n", "x".repeat(64 * 1024));
    for headers in [many, large] {
        let mut client = server.asked("/", &headers);
        assert_eq!(client.answer().0, 431);
        client.ended();
    }
    let mut client = server.asked(&format!("/{}", "x".repeat(64 * 1024)), "");
    assert!([414, 431].contains(&client.answer().0));
    assert_eq!(server.asked("/en/", &format!("Cookie: {}\r\n", "x".repeat(16 * 1024))).answer().0, 200);
}

#[test]
fn only_requests_that_name_this_machine_are_answered() {
    let server = Server::new(Small::new());
    let status = |request: &str| {
        let mut client = server.client();
        client.send(request).expect("a request");
        client.answer().0
    };
    for host in [&server.host, "localhost:3000", "[::1]"] {
        assert_eq!(status(&format!("GET /en/ HTTP/1.1\r\nHost: {host}\r\n\r\n")), 200, "{host}");
    }
    for path in ["/en/", "/-/newest", "/no"] {
        assert_eq!(status(&format!("GET {path} HTTP/1.1\r\nHost: example.org\r\n\r\n")), 403, "{path}");
    }
    assert_eq!(status("GET /en/ HTTP/1.1\r\n\r\n"), 403);
    assert_eq!(status("GET /en/ HTTP/1.0\r\n\r\n"), 403);
    assert_eq!(status(&format!("GET http://example.org/en/ HTTP/1.1\r\nHost: {}\r\n\r\n", server.host)), 403);
    assert_eq!(status(&format!("DELETE /en/ HTTP/1.1\r\nHost: {}\r\n\r\n", server.host)), 405);
    assert_eq!(status("what?\r\n\r\n"), 400);
}

#[test]
fn a_client_that_says_nothing_is_cut_off() {
    let server = Server::with(Small::new(), &["--patience", "2"]);
    let start = Instant::now();
    let silent = server.client();
    let mut slow = server.client();
    slow.send("GET / HTTP/1.1\r\nHost: ").expect("the beginning of a request");
    silent.ended();
    slow.ended();
    // Before every connection ends.
    assert!(start.elapsed() < Duration::from_millis(3900), "{:?}", start.elapsed());
}

#[test]
fn a_client_that_reads_nothing_is_cut_off() {
    let small = Small::new();
    small.write("book/en/large.txt", &"x".repeat(1_000_000));
    let server = Server::with_few_descriptors(small, &["--patience", "1"]);
    // They have all the places, and more than fits into the buffers of their connections is under way.
    let _greedy: Vec<_> = (0..40)
        .map(|_| {
            let mut client = server.client();
            client.send(&server.request("/en/large.txt", "").repeat(20)).expect("requests");
            client
        })
        .collect();
    server.serves();
}

#[test]
fn a_lack_of_descriptors_passes() {
    let mut server = Server::with_few_descriptors(Small::new(), &[]);
    let silent: Vec<_> = (0..80).map(|_| server.client()).collect();
    // A build needs descriptors, too, and gets them.
    server.small.write("book/en/index.md", "# New start {#top}\n");
    assert_eq!(line(&mut server.out), "built again");
    drop(silent);
    server.serves();

    limit_descriptors(&server.child, 3);
    let mut client = server.asked("/en/", "");
    assert_eq!(line(&mut server.err), "no connection can be accepted now: Too many open files (os error 24)");
    limit_descriptors(&server.child, 64);
    let (status, page) = client.answer();
    assert!(status == 200 && String::from_utf8_lossy(&page).contains("New start"));
}

fn limit_descriptors(child: &Child, most: libc::rlim_t) {
    let limit = libc::rlimit { rlim_cur: most, rlim_max: 64 };
    // SAFETY: prlimit(2) reads the new limit, and writes nothing, for the old one isn't asked for.
    let done =
        unsafe { libc::prlimit(child.pid().as_raw(), libc::RLIMIT_NOFILE, &raw const limit, std::ptr::null_mut()) };
    assert_eq!(done, 0, "{}", io::Error::last_os_error());
}

#[test]
fn what_a_link_reaches_outside_the_book_is_not_served() {
    let elsewhere = tempfile::tempdir().expect("a directory");
    let outside = elsewhere.path().canonicalize().expect("a path");
    fs::write(outside.join("secret.txt"), "secret").expect("a file");
    let small = Small::new();
    let link = |small: &Small, to: &Path, name| symlink(to, small.directory.path().join(name)).expect("a link");
    small.write("book/figures/known.txt", "known");
    link(&small, Path::new("../figures/known.txt"), "book/en/inside.txt");
    let mut server = Server::new(small);
    assert_eq!(server.asked("/en/inside.txt", "").answer(), (200, b"known".to_vec()));

    // A link is looked at when it is made.
    link(&server.small, &outside, "book/en/directory");
    let said = format!("book/en/directory: it is a link to {}, which is not in book/", outside.display());
    assert_eq!(line(&mut server.err), said);
    link(&server.small, &outside.join("secret.txt"), "book/en/file.txt");
    assert_eq!(line(&mut server.err), said);
    let said = format!("book/en/file.txt: it is a link to {}/secret.txt, which is not in book/", outside.display());
    assert_eq!(line(&mut server.err), said);
    for path in ["/en/file.txt", "/en/directory/secret.txt", "/en/directory/"] {
        assert_eq!(server.asked(path, "").answer().0, 404, "{path}");
    }
    server.serves();
}

/// A client acknowledges what it has received after 40 ms unless it has something to say.
#[test]
fn no_answer_waits_until_its_beginning_is_acknowledged() {
    let server = Server::new(Small::new());
    let mut client = server.client();
    let start = Instant::now();
    for _ in 0..100 {
        client.send(&server.request("/en/1_one.html", "")).expect("a request");
        assert_eq!(client.answer().0, 200);
    }
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

/// `cargo test -p book --test clients requests_a_second -- --nocapture` prints the number. With 40 ms for each answer it
/// would be 500. That it is 1,000 here is for a machine that does something else, too.
#[test]
fn requests_a_second() {
    const CONNECTIONS: u32 = 20;
    const REQUESTS: u32 = 500;
    let small = Small::new();
    small.write("book/en/index.md", &format!("# Start {{#top}}\n\n{}\n", "page ".repeat(1500)));
    let server = Server::new(small);
    let size = server.asked("/en/", "").answer().1.len();
    assert!((11_000..13_000).contains(&size), "{size} bytes");
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| {
                let mut client = server.client();
                for _ in 0..REQUESTS {
                    client.send(&server.request("/en/", "")).expect("a request");
                    assert_eq!(client.answer().1.len(), size);
                }
            });
        }
    });
    let rate = f64::from(CONNECTIONS * REQUESTS) / start.elapsed().as_secs_f64();
    println!("{CONNECTIONS} connections, a page of {size} bytes: {rate:.0} requests a second");
    assert!(rate > 1000.0, "{rate:.0} requests a second");
}
