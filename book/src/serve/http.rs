//! The site over HTTP: which requests are answered, and how much of this program a client can use up.

use std::convert::Infallible;
use std::future::ready;
use std::io;
use std::net::TcpListener as StdListener;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Body, Bytes};
use hyper::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, LOCATION};
use hyper::http::uri::Authority;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use nix::sys::resource::{Resource, getrlimit};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::Built;

/// Where a page asks whether it is still the newest.
const NEWEST: &str = "/-/newest";

/// How many headers a request may have, and how many bytes with its first line. A browser also sends the cookies that
/// other programs on this machine have set: a port has none of its own.
const MOST_HEADERS: usize = 100;
const MOST_BYTES: usize = 32 * 1024;

const HTML: &str = "text/html; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// Answers the listener's clients, on a thread of its own, until the program ends.
///
/// A client may take the time `patience` for the headers of a request, also for those of its next one over the same
/// connection. A connection lives for twice that time: a browser opens another one, and a client that reads no answers has
/// held this one long enough.
pub fn start(listener: StdListener, patience: Duration, built: Arc<Mutex<Built>>) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = {
        let _inside = runtime.enter();
        TcpListener::from_std(listener)?
    };
    let places = Arc::new(Semaphore::new(places()?));
    thread::spawn(move || runtime.block_on(accept_all(listener, patience, &places, &built)));
    Ok(())
}

/// How many connections there may be at a time: a build needs descriptors, too.
fn places() -> io::Result<usize> {
    let (descriptors, _) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(usize::try_from(descriptors / 2).map_or(256, |half| half.clamp(1, 256)))
}

async fn accept_all(listener: TcpListener, patience: Duration, places: &Arc<Semaphore>, built: &Arc<Mutex<Built>>) {
    let mut said = false;
    while let Ok(place) = Arc::clone(places).acquire_owned().await {
        match accept(&listener).await {
            Ok(stream) => {
                said = false;
                let built = Arc::clone(built);
                tokio::spawn(async move {
                    talk(stream, patience, &built).await;
                    drop(place);
                });
            }
            // No descriptor is left, or no memory: there may be some in a moment.
            Err(error) => {
                if !said {
                    eprintln!("no connection can be accepted now: {error}");
                }
                said = true;
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
    let (stream, _) = listener.accept().await?;
    // Otherwise the end of an answer may wait until the client has acknowledged its beginning: 40 ms.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Answers the requests of one connection.
async fn talk(stream: TcpStream, patience: Duration, built: &Mutex<Built>) {
    let service = service_fn(|request| {
        let built = built.lock().unwrap_or_else(PoisonError::into_inner);
        ready(Ok::<_, Infallible>(answer(&request, &built)))
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(patience).max_headers(MOST_HEADERS).max_buf_size(MOST_BYTES);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    // An error means that the client is gone, or that it doesn't speak HTTP: hyper has said so to it.
    if timeout(2 * patience, connection.as_mut()).await.is_err() {
        // The answer that is being sent may still arrive.
        connection.as_mut().graceful_shutdown();
        let _ = timeout(patience, connection).await;
    }
}

fn answer(request: &Request<impl Body>, built: &Built) -> Response<Full<Bytes>> {
    if !is_for_this_machine(request) {
        return response(StatusCode::FORBIDDEN, TEXT, "only http://127.0.0.1, http://localhost and http://[::1]\n");
    }
    if !request.body().is_end_stream() {
        // Its body is never read, so no other request can follow it.
        let refusal = response(StatusCode::PAYLOAD_TOO_LARGE, TEXT, "no request here has a body\n");
        return with(refusal, CONNECTION, "close");
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let refusal = response(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET and HEAD\n");
        return with(refusal, ALLOW, "GET, HEAD");
    }
    page(&decoded(request.uri().path()), built)
}

/// Whether a request names this machine. A page from elsewhere whose own name leads to this machine (DNS rebinding) would
/// otherwise get whatever is served here.
fn is_for_this_machine(request: &Request<impl Body>) -> bool {
    let named = |authority: &Authority| {
        ["127.0.0.1", "localhost", "[::1]"].iter().any(|name| authority.host().eq_ignore_ascii_case(name))
    };
    let mut hosts = request.headers().get_all(HOST).into_iter();
    let (host, another) = (hosts.next(), hosts.next());
    host.and_then(|host| Authority::try_from(host.as_bytes()).ok()).is_some_and(|host| named(&host))
        && another.is_none()
        && request.uri().authority().is_none_or(named)
}

fn page(path: &str, built: &Built) -> Response<Full<Bytes>> {
    if path == NEWEST {
        let state = json!({ "number": built.number, "problems": built.problems });
        return response(StatusCode::OK, "application/json", state.to_string());
    }
    let file = if path.ends_with('/') { format!("{path}index.html") } else { path.to_owned() };
    match (built.files.get(&file), path) {
        (Some(body), _) => response(StatusCode::OK, kind_of(&file), body.clone()),
        (None, "/en" | "/zh") => {
            let moved = response(StatusCode::MOVED_PERMANENTLY, TEXT, "");
            with(moved, LOCATION, if path == "/en" { "/en/" } else { "/zh/" })
        }
        _ if built.files.is_empty() => {
            let html = "<!DOCTYPE html><meta charset=\"UTF-8\"><title>...</title><body></body>";
            response(StatusCode::SERVICE_UNAVAILABLE, HTML, reloading(html, built.number))
        }
        _ => response(StatusCode::NOT_FOUND, HTML, built.files.get("/404.html").cloned().unwrap_or_default()),
    }
}

fn response(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    with(with(response, CONTENT_TYPE, kind), CACHE_CONTROL, "no-store")
}

fn with<B>(mut response: Response<B>, name: HeaderName, value: &'static str) -> Response<B> {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
    response
}

fn kind_of(file: &str) -> &'static str {
    match file.rsplit('.').next() {
        Some("html") => HTML,
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}
/// A page that loads itself again when there is a newer one, and shows what is wrong with the sources meanwhile.
pub fn reloading(html: &str, number: usize) -> String {
    let script = format!(
        r#"<script>
(() => {{
    const box = Object.assign(document.createElement("pre"), {{ hidden: true }});
    box.style.cssText = "position:fixed;inset:auto 0 0;z-index:99;margin:0;padding:1em;background:#7a1010;color:#fff;white-space:pre-wrap";
    document.body.append(box);
    const look = async () => {{
        try {{
            const state = await (await fetch("{NEWEST}")).json();
            if (state.number !== {number}) {{ location.reload(); return; }}
            box.textContent = state.problems.join("\n");
            box.hidden = state.problems.length === 0;
        }} catch (e) {{ /* the server is gone, perhaps for a moment */ }}
        setTimeout(look, 500);
    }};
    look();
}})();
</script>
"#
    );
    match html.rsplit_once("</body>") {
        Some((before, after)) => format!("{before}{script}</body>{after}"),
        None => format!("{html}{script}"),
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

#[cfg(test)]
mod tests {
    use http_body_util::Empty;

    use super::*;

    #[test]
    fn a_path_is_decoded() {
        assert_eq!(decoded("/a%20b/%E9%A1%B5%zz%"), "/a b/页%zz%");
    }

    #[test]
    fn a_page_is_found() {
        let files = [("/en/index.html", "<body>x</body>"), ("/en/a.css", "y"), ("/404.html", "no")];
        let files = files.map(|(name, text)| (name.to_owned(), text.into()));
        let built = Built { number: 7, files: files.into(), problems: vec!["file:1: wrong".into()] };
        let page = |path| page(path, &built);
        let status = |path| page(path).status().as_u16();
        assert_eq!((status("/en/"), &page("/en/").headers()[CONTENT_TYPE]), (200, &HeaderValue::from_static(HTML)));
        assert_eq!(status("/en/a.css"), 200);
        assert_eq!(page("/en/a.css").headers()[CONTENT_TYPE], "text/css; charset=utf-8");
        assert_eq!((status("/en"), &page("/en").headers()[LOCATION]), (301, &HeaderValue::from_static("/en/")));
        assert_eq!(status("/etc/passwd"), 404);
        assert_eq!(status("/en/../../etc/passwd"), 404);
        assert!(format!("{:?}", page(NEWEST).body()).contains("file:1: wrong"));
        assert_eq!(super::page("/", &Built::default()).status(), 503);
    }

    #[test]
    fn a_page_loads_itself_again() {
        let html = reloading("<body>x</body></html>", 7);
        assert!(html.starts_with("<body>x<script>") && html.contains("!== 7"), "{html}");
        assert!(html.ends_with("</body></html>"), "{html}");
    }

    #[test]
    fn only_requests_to_this_machine_are_for_it() {
        let asked = |uri: &str, hosts: &[&str]| {
            let mut request = Request::get(uri);
            for host in hosts {
                request = request.header(HOST, *host);
            }
            is_for_this_machine(&request.body(Empty::<Bytes>::new()).expect("a request"))
        };
        for host in ["127.0.0.1:3000", "127.0.0.1", "localhost:8080", "LocalHost", "[::1]:3000", "[::1]"] {
            assert!(asked("/", &[host]), "{host}");
        }
        let strange = [
            "",
            "example.org",
            "example.org:3000",
            "127.0.0.1.example.org",
            "localhost.example.org",
            "localhost@example.org",
            "example.org#localhost",
            "0.0.0.0",
            "127.0.0.2",
            "[::2]",
            "::1",
        ];
        for host in strange {
            assert!(!asked("/", &[host]), "{host}");
        }
        assert!(!asked("/", &[]) && !asked("/", &["localhost", "example.org"]));
        assert!(asked("http://localhost/", &["localhost"]) && !asked("http://example.org/", &["localhost"]));
    }

    #[test]
    fn no_answer_waits_for_an_acknowledgement() {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let _client = std::net::TcpStream::connect(listener.local_addr().expect("an address")).expect("a client");
            let accepted = timeout(Duration::from_secs(60), accept(&listener)).await.expect("in time");
            assert!(accepted.expect("a connection").nodelay().expect("an option"));
        });
    }
}
