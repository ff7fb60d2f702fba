//! The program `book`: what it serves and builds, and its messages.

mod small;

use std::fs;
use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{ChildStdout, Command, Stdio};

use mdbook_driver::book::{Book, BookItem, Chapter};
use mdbook_driver::config::Config;
use mdbook_preprocessor::PreprocessorContext;
use mmap_workbook::process::{Child, DEADLINE, Ended};
use nix::sys::signal::Signal;
use small::{Small, line, program};

/// How a command ends, and its standard output and standard error.
fn run(command: &mut Command) -> (Ended, String, String) {
    let (child, pipes) = Child::spawn(command).expect("the program");
    let (mut out, mut err) = (String::new(), String::new());
    pipes.stdout.expect("a pipe").read_to_string(&mut out).expect("text");
    pipes.stderr.expect("a pipe").read_to_string(&mut err).expect("text");
    (child.wait().expect("an end"), out, err)
}

/// The status of a response, and the whole response.
fn get(address: &str, path: &str) -> (u16, String) {
    let host = address.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(host).expect("a connection");
    stream.set_read_timeout(Some(DEADLINE)).expect("a limit");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, answer)
}

#[test]
fn the_book_is_served_and_built_again_when_a_source_changes() {
    let small = Small::new();
    let (child, pipes) = Child::spawn(&mut program(&small, &["--port", "0"])).expect("the program");
    let mut out: BufReader<ChildStdout> = BufReader::new(pipes.stdout.expect("a pipe"));
    let mut err = BufReader::new(pipes.stderr.expect("a pipe"));
    let address = line(&mut out);
    assert!(address.starts_with("http://127.0.0.1:"), "{address}");

    assert!(get(&address, "/").1.contains("href=\"zh/index.html\""));
    let (status, page) = get(&address, "/en/1_one.html");
    assert!(status == 200 && page.contains("text/html; charset=utf-8") && page.contains("map</span>() {}"), "{page}");
    assert_eq!(get(&address, "/zh/").0, 200);
    assert_eq!(get(&address, "/en/no.html").0, 404);
    assert_eq!(get(&address, "/../../../etc/passwd").0, 404);

    // When a listing changes, the program says so once the new page is there.
    let lesson = small.sources().read("lessons/1_one/lesson.rs").expect("a lesson");
    small.write("lessons/1_one/lesson.rs", &lesson.replace("fn map", "fn mmap"));
    assert_eq!(line(&mut out), "built again");
    assert!(get(&address, "/en/1_one.html").1.contains("mmap</span>() {}"));
    assert!(get(&address, "/-/newest").1.contains("\"number\":2,\"problems\":[]"));

    // A mistake is reported, and the last good page stays.
    let page = small.sources().read("book/en/1_one.md").expect("a page");
    small.write("book/en/1_one.md", &page.replace("{{#figure map}}", "{{#figure no}}"));
    assert_eq!(line(&mut err), "book/en/1_one.md:7: there is no figure book/figures/no.svg");
    assert!(get(&address, "/-/newest").1.contains("there is no figure"));
    assert!(get(&address, "/en/1_one.html").1.contains("mmap</span>() {}"));

    small.write("book/en/1_one.md", &page.replace("What?", "What now?"));
    assert_eq!(line(&mut out), "built again");
    assert!(get(&address, "/en/1_one.html").1.contains("What now?"));
    assert_eq!(child.kill().expect("an end"), Ended::Killed(Signal::SIGKILL));
}

#[test]
fn the_browser_is_opened_at_the_address() {
    let small = Small::new();
    let (bin, opened) = (small.directory.path().join("bin"), small.directory.path().join("opened"));
    // This one fails, so the program's message tells that it has run.
    small.write("bin/xdg-open", &format!("#!/bin/sh\necho \"$1\" > {}\nexit 1\n", opened.display()));
    fs::set_permissions(bin.join("xdg-open"), fs::Permissions::from_mode(0o755)).expect("a program");
    let mut command = program(&small, &["--port", "0", "--open"]);
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").expect("a path"));
    let (_child, pipes) = Child::spawn(command.env("PATH", path)).expect("the program");
    let address = line(&mut BufReader::new(pipes.stdout.expect("a pipe")));
    let said = line(&mut BufReader::new(pipes.stderr.expect("a pipe")));
    assert_eq!(said, format!("no browser could be opened (xdg-open): open {address} yourself"));
    assert_eq!(fs::read_to_string(opened).expect("an address"), format!("{address}\n"));
}

#[test]
fn a_port_in_use_gets_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let (ended, out, err) = run(&mut program(&Small::new(), &["--port", &port]));
    assert_eq!((ended, out.as_str()), (Ended::Exited(1), ""));
    assert_eq!(err, format!("port {port} is in use; another one is taken with --port N\n"));
}

#[test]
fn the_site_is_written_to_a_directory() {
    let small = Small::new();
    let (ended, out, err) = run(&mut program(&small, &["build", "--to", "out/site"]));
    assert_eq!((ended, out.as_str(), err.as_str()), (Ended::Exited(0), "out/site/index.html\n", ""));
    let there = small.directory.path().join("out/site");
    for file in [
        "index.html",
        "404.html",
        "en/index.html",
        "en/1_one.html",
        "zh/1_one.html",
        "zh/searchindex.js",
        "en/print.html",
    ] {
        assert!(there.join(file).is_file(), "{file}");
    }
    let chinese = fs::read_to_string(there.join("zh/1_one.html")).expect("a page");
    assert!(chinese.contains("<html lang=\"zh-CN\""));
    assert!(chinese.contains("href=\"../en/1_one.html\" hreflang=\"en\""), "the other language");
    assert!(chinese.contains("<a href=\"1_one.html\" aria-current=\"page\">"), "the place in the contents");
    // No address starts at the root, so the site works below any path, and from a file.
    assert!(!chinese.contains("href=\"/") && !chinese.contains("src=\"/"));
}

#[test]
fn the_mistakes_in_the_sources_are_printed_one_a_line() {
    let small = Small::new();
    small.write("book/zh/index.md", "# 开始 {#top}\n\n{{#belief no}}\n\n{{#held lesson_1::no}}\n");
    let (ended, out, err) = run(&mut program(&small, &["build", "--to", "site"]));
    assert_eq!((ended, out.as_str()), (Ended::Exited(1), ""));
    let said = "book/zh/index.md:3: there is no misconception no\nbook/zh/index.md:5: lesson_1::no: tests/lesson_1.rs has no such test\n";
    assert_eq!(err, said);
    // Other files in a directory of that name, such as the sources themselves, are not removed.
    let small = Small::new();
    let (ended, _, err) = run(&mut program(&small, &["build", "--to", "book"]));
    assert!(ended == Ended::Exited(1) && err.starts_with("book/en: it holds files that are not a site"), "{err}");
    assert!(small.sources().read("book/en/1_one.md").is_ok());
    let nowhere = small.directory.path().join("file");
    fs::write(&nowhere, "").expect("a file");
    let (ended, _, err) =
        run(&mut program(&Small::new(), &["build", "--to", nowhere.join("site").to_str().expect("a path")]));
    assert!(ended == Ended::Exited(1) && err.contains("file/site") && err.contains("Not a directory"), "{err}");
}

#[test]
fn stamp_prints_the_files_that_it_has_changed() {
    let small = Small::new();
    assert_eq!(run(&mut program(&small, &["stamp"])).1, "");
    small.write("book/en/index.md", "# Start {#top}\n");
    assert_eq!(run(&mut program(&small, &["stamp"])).1, "book/zh/index.md\n");
}

/// What a stock mdBook sends to a preprocessor, and the answer that it expects.
#[test]
fn a_stock_mdbook_is_answered() {
    let small = Small::new();
    assert_eq!(run(&mut program(&small, &["preprocess", "supports", "html"])).0, Ended::Exited(0));
    let ask = |name: &str, text: &str| {
        let root = small.directory.path().join("book/en");
        let config = Config::from_disk(root.join("book.toml")).expect("book.toml");
        let context = PreprocessorContext::new(root, config, "html".into());
        let book = Book::new_with_items(vec![BookItem::Chapter(Chapter::new("One", text.into(), name, vec![]))]);
        let (child, pipes) = Child::spawn(program(&small, &["preprocess"]).stdin(Stdio::piped())).expect("the program");
        serde_json::to_writer(pipes.stdin.expect("a pipe"), &(context, book)).expect("sent");
        let (mut out, mut err) = (String::new(), String::new());
        pipes.stdout.expect("a pipe").read_to_string(&mut out).expect("text");
        pipes.stderr.expect("a pipe").read_to_string(&mut err).expect("text");
        (child.wait().expect("an end"), out, err)
    };
    let (ended, out, err) =
        ask("1_one.md", "# One\n\n{{#belief close-unmaps}}\n\n{{#include ../../lessons/1_one/lesson.rs:map}}\n");
    assert_eq!((ended, err.as_str()), (Ended::Exited(0), ""));
    let book: Book = serde_json::from_str(&out).expect("a book");
    let BookItem::Chapter(chapter) = &book.items[0] else { panic!("{out}") };
    assert!(
        chapter.content.contains("class=\"belief\"") && chapter.content.contains("\nfn map() {} // at once\n"),
        "{}",
        chapter.content
    );
    let (ended, out, err) = ask("1_one.md", "{{#belief no}}\n");
    assert_eq!((ended, out.as_str()), (Ended::Exited(1), ""));
    assert_eq!(err, "book/en/1_one.md:1: there is no misconception no\n");
}
