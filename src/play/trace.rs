//! The state after a line, drawn in characters and as JSON.

use serde_json::{Value, json};

use crate::model::{Backing, PageState, State};
use crate::scenario::{Byte, Outcome};
use crate::text;
use crate::text::{Language, Text};

/// The name of a file; without one, its number.
fn file_name(state: &State, file: usize) -> String {
    match state.files.get(file).and_then(|file| file.names.first()) {
        Some(name) => name.to_string(),
        None => format!("#{}", file + 1),
    }
}

/// The files with their pages in the page cache, then each process's mappings, page by page: `f.0` is the file's page,
/// `copy 1` a private copy (the same number is the same page), `zeros`, `-` no page, past the end of the file (SIGBUS),
/// `guard` a guard page, `.` unmapped (both SIGSEGV).
pub(super) fn draw(state: &State, language: Language) -> Vec<String> {
    let words = |text: &Text| text.in_language(language).to_owned();
    let mut lines = Vec::new();
    for (number, file) in state.files.iter().enumerate() {
        let pages = (0..).zip(&file.pages).map(|(n, page): (u64, _)| {
            let bytes = page.as_ref().map_or(words(&ZEROS), |bytes| beginning(bytes));
            format!("[{}.{n} {bytes}]", file_name(state, number))
        });
        let list = list(&file.seals);
        let seals = text!(", sealed: {list}", "，密封：{list}");
        let seals = if file.seals.is_empty() { String::new() } else { words(&seals) };
        let pages = pages.collect::<Vec<_>>().join(" ");
        let nameless = text!(" (no name)", "（没有名字）");
        let nameless = if file.names.is_empty() { words(&nameless) } else { String::new() };
        let (name, size) = (file_name(state, number), file.size);
        let bytes = if size == 1 { "byte" } else { "bytes" };
        let size = words(&text!(", {size} {bytes}", "，{size} 字节"));
        let line = format!("{name}{nameless}{size}{seals}: {pages}");
        lines.push(line.trim_end().to_owned());
    }
    for process in &state.processes {
        for mapping in &process.mappings {
            let first = mapping.pages.iter().flatten().next();
            let sharing = if first.is_some_and(|page| page.shared) { "shared" } else { "private" };
            let of = first.and_then(|page| page.file).map_or("anon".to_owned(), |file| file_name(state, file));
            let cells = mapping.pages.iter().map(|page| cell(state, first, page.as_ref(), language));
            let cells: Vec<String> = cells.collect();
            lines.push(format!("{} {} {sharing} {of}: {}", process.process, mapping.name, cells.join(" ")));
        }
    }
    lines
}

/// A page that was never stored to.
const ZEROS: Text = Text::fixed("zeros", "零");

fn list(items: &[impl ToString]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// A page; what is said of the whole mapping holds for the first one.
fn cell(state: &State, first: Option<&PageState>, page: Option<&PageState>, language: Language) -> String {
    let Some(page) = page else { return "[.]".to_owned() };
    let backing = match &page.backing {
        Backing::File(file, page) => format!("{}.{page}", file_name(state, *file)),
        Backing::PastTheEnd => "-".to_owned(),
        Backing::Copy(number, bytes) => {
            let bytes = beginning(bytes);
            text!("copy {number} {bytes}", "副本 {number} {bytes}").in_language(language).to_owned()
        }
        Backing::Zeros => ZEROS.in_language(language).to_owned(),
        Backing::Guard => "guard".to_owned(),
    };
    let mut cell = format!("{} {backing}", page.protection);
    if first.is_some_and(|first| first.shared != page.shared) {
        cell = format!("{} {cell}", if page.shared { "shared" } else { "private" });
    }
    for (is_said, word) in
        [(page.locked, " locked"), (page.left_at_fork, " dontfork"), (page.wiped_at_fork, " wipeonfork")]
    {
        cell += if is_said { word } else { "" };
    }
    format!("[{cell}]")
}

/// The first bytes of a page, as outcomes are printed.
fn beginning(bytes: &[Byte]) -> String {
    let text = Outcome::Bytes(bytes.to_vec()).to_string();
    match text.char_indices().nth(24) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// The same as JSON, for programs that draw.
pub(super) fn json(state: &State) -> Value {
    let whole = |bytes: &Vec<Byte>| Outcome::Bytes(bytes.clone()).to_string();
    let files = state.files.iter().map(|file| {
        json!({
            "names": file.names.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "size": file.size,
            "pages": file.pages.iter().map(|page| page.as_ref().map(whole)).collect::<Vec<_>>(),
            "seals": file.seals.iter().map(|seal| seal.to_string()).collect::<Vec<_>>(),
        })
    });
    let page = |page: &Option<PageState>| {
        let Some(page) = page else { return Value::Null };
        let backing = match &page.backing {
            Backing::File(_, number) => json!({ "file_page": number }),
            Backing::PastTheEnd => json!("past_the_end"),
            Backing::Copy(number, bytes) => json!({ "copy": number, "bytes": whole(bytes) }),
            Backing::Zeros => json!("zeros"),
            Backing::Guard => json!("guard"),
        };
        json!({
            "protection": page.protection.to_string(),
            "shared": page.shared,
            "file": page.file,
            "locked": page.locked,
            "left_at_fork": page.left_at_fork,
            "wiped_at_fork": page.wiped_at_fork,
            "backing": backing,
        })
    };
    let processes = state.processes.iter().map(|process| {
        json!({
            "process": process.process.to_string(),
            "descriptors": process.descriptors.iter()
                .map(|(name, file, access)| json!({ "name": name.to_string(), "file": file, "access": access.to_string() }))
                .collect::<Vec<_>>(),
            "mappings": process.mappings.iter()
                .map(|mapping| json!({
                    "name": mapping.name.to_string(),
                    "pages": mapping.pages.iter().map(page).collect::<Vec<_>>(),
                }))
                .collect::<Vec<_>>(),
        })
    });
    json!({ "files": files.collect::<Vec<_>>(), "processes": processes.collect::<Vec<_>>() })
}
