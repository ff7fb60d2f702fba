//! The state after a line, drawn in characters and as JSON, and what the line has changed.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use serde_json::{Value, json};

use crate::model::{Backing, DiskState, FileOnDisk, PageState, State};
use crate::scenario::{Byte, Line, Name, Operation, Outcome, Pid};
use crate::text;
use crate::text::{Language, Text};

/// The name of a file; without one, its number.
fn file_name(state: &State, file: usize) -> String {
    let of = state.files.get(file);
    match of.and_then(|file| file.names.first()) {
        Some(name) => name.to_string(),
        None => format!("#{}", of.map_or(0, |file| file.number)),
    }
}

/// The files with their pages in the page cache, then each process's mappings, page by page: `f.0` is the file's page,
/// `copy 1` a private copy (the same number is the same page), `zeros`, `-` no page, past the end of the file (SIGBUS),
/// `guard` a guard page, `.` unmapped (both SIGSEGV). Then, if that is asked for, what the disk may have of the names and of the
/// files, which have their numbers there.
pub fn draw(state: &State, with_disk: bool, language: Language) -> Vec<String> {
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
        let nameless = match (file.names.is_empty(), file.anonymous) {
            (false, _) => String::new(),
            (true, false) => words(&text!(" (no name)", "（没有名字）")),
            (true, true) => words(&text!(" (anonymous memory)", "（匿名内存）")),
        };
        let (name, size) = (file_name(state, number), file.size);
        let bytes = if size == 1 { "byte" } else { "bytes" };
        let size = words(&text!(", {size} {bytes}", "，{size} 字节"));
        let line = format!("{name}{nameless}{size}{seals}: {pages}");
        lines.push(line.trim_end().to_owned());
    }
    for process in &state.processes {
        for mapping in &process.mappings {
            let Some(first) = mapping.pages.iter().flatten().next() else {
                let cells = vec!["[.]"; mapping.pages.len()].join(" ");
                lines.push(format!("{} {}: {cells}", process.process, mapping.name));
                continue;
            };
            let sharing = if first.shared { "shared" } else { "private" };
            let of = first.file.map_or("anon".to_owned(), |(file, _)| file_name(state, file));
            let cells = mapping.pages.iter().map(|page| cell(state, first, page.as_ref(), language));
            let cells: Vec<String> = cells.collect();
            lines.push(format!("{} {} {sharing} {of}: {}", process.process, mapping.name, cells.join(" ")));
        }
    }
    if with_disk {
        lines.extend(draw_disk(&state.disk).iter().map(words));
    }
    lines
}

fn draw_disk(disk: &DiskState) -> Vec<Text> {
    let or = |choices: Vec<Text>| {
        choices.into_iter().reduce(|all, next| text!("{all} or {next}", "{all} 或 {next}"; all, next))
    };
    let mut lines = Vec::new();
    for (name, may_lead) in &disk.names {
        let file = |file: &Option<u32>| match file {
            Some(number) => text!("#{number}", "#{number}"),
            None => text!("nothing", "无"),
        };
        let Some(leads) = or(may_lead.iter().map(file).collect()) else { continue };
        lines.push(text!("on the disk: {name} is {leads}", "磁盘上：{name} 是 {leads}"; leads));
    }
    for FileOnDisk { number, sizes, pages } in &disk.files {
        let Some(sizes) = or(sizes.iter().map(|size| text!("{size}", "{size}")).collect()) else { continue };
        let cells = (0..).zip(pages).map(|(n, page): (u64, _)| match page {
            Some(bytes) => {
                let bytes = beginning(bytes);
                text!("[{n} {bytes}]", "[{n} {bytes}]")
            }
            None => {
                let zeros = ZEROS;
                text!("[{n} {zeros}]", "[{n} {zeros}]"; zeros)
            }
        });
        let cells = cells.reduce(|all, next| text!("{all} {next}", "{all} {next}"; all, next));
        let cells = cells.map_or(text!("", ""), |cells| text!(": {cells}", "：{cells}"; cells));
        lines.push(text!("on the disk: #{number}, {sizes} bytes{cells}", "磁盘上：#{number}，{sizes} 字节{cells}"; sizes, cells));
    }
    lines
}

/// A page that was never stored to.
const ZEROS: Text = Text::fixed("zeros", "零");

fn list(items: &[impl ToString]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// A page; what is said of the whole mapping holds for the first one.
fn cell(state: &State, first: &PageState, page: Option<&PageState>, language: Language) -> String {
    let Some(page) = page else { return "[.]".to_owned() };
    let backing = match &page.backing {
        Backing::File => {
            page.file.map_or(String::new(), |(file, number)| format!("{}.{number}", file_name(state, file)))
        }
        Backing::PastTheEnd => "-".to_owned(),
        Backing::Copy(number, bytes) => {
            let bytes = beginning(bytes);
            text!("copy {number} {bytes}", "副本 {number} {bytes}").in_language(language).to_owned()
        }
        Backing::Zeros => ZEROS.in_language(language).to_owned(),
        Backing::Guard => "guard".to_owned(),
    };
    let mut cell = format!("{} {backing}", page.protection);
    if first.shared != page.shared {
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
    let files = state.files.iter().map(|file| {
        json!({
            "number": file.number,
            "names": file.names.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "size": file.size,
            "pages": file.pages.iter().map(|page| page.as_deref().map(runs)).collect::<Vec<_>>(),
            "seals": file.seals.iter().map(|seal| seal.to_string()).collect::<Vec<_>>(),
            "anonymous": file.anonymous,
        })
    });
    let page = |page: &Option<PageState>| {
        let Some(page) = page else { return Value::Null };
        let backing = match &page.backing {
            Backing::File => json!("file"),
            Backing::PastTheEnd => json!("past_the_end"),
            Backing::Copy(number, bytes) => json!({ "copy": number, "bytes": runs(bytes) }),
            Backing::Zeros => json!("zeros"),
            Backing::Guard => json!("guard"),
        };
        json!({
            "protection": page.protection.to_string(),
            "shared": page.shared,
            "file": page.file.map(|(file, page)| json!({ "index": file, "page": page })),
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
                    "length": mapping.length,
                    "pages": mapping.pages.iter().map(page).collect::<Vec<_>>(),
                }))
                .collect::<Vec<_>>(),
        })
    });
    let on_disk = state.disk.files.iter().map(|file| {
        json!({
            "number": file.number,
            "sizes": file.sizes,
            "pages": file.pages.iter().map(|page| page.as_deref().map(runs)).collect::<Vec<_>>(),
        })
    });
    let names = state.disk.names.iter().map(|(name, files)| json!({ "name": name.to_string(), "files": files }));
    let disk = json!({
        "names": names.collect::<Vec<_>>(),
        "files": on_disk.collect::<Vec<_>>(),
        "disks": state.disk.disks,
    });
    json!({ "files": files.collect::<Vec<_>>(), "processes": processes.collect::<Vec<_>>(), "disk": disk })
}

/// Runs of bytes: each the byte and how often. A byte is its number, a list of two where either may be there, or null.
fn runs(bytes: &[Byte]) -> Value {
    let byte = |byte| match byte {
        Byte::Is(byte) => json!(byte),
        Byte::Either(one, other) => json!([one, other]),
        Byte::Any => Value::Null,
    };
    bytes.chunk_by(|one, other| one == other).map(|run| json!([byte(run[0]), run.len()])).collect()
}

/// What a line has changed, from the state before it and the one after it.
pub(super) fn events(before: &State, line: &Line, outcome: &Outcome, after: &State, page_size: u32) -> Vec<Value> {
    let mut events: Vec<Value> = accessed(line, page_size).into_iter().collect();
    if line.operation == Operation::Cut {
        events.push(json!({ "kind": "power_cut" }));
    }
    let files = |state: &State| state.files.iter().map(|file| (file.number, file.pages.len())).collect::<Vec<_>>();
    for (number, pages) in files(before) {
        match files(after).into_iter().find(|(other, _)| *other == number) {
            None => events.push(json!({ "kind": "file_gone", "file": number })),
            Some((_, left)) if left < pages => {
                events.push(json!({ "kind": "pages_cut_off", "file": number, "first": left, "count": pages - left }));
            }
            Some(_) => {}
        }
    }
    let (had, has) = (copies(before), copies(after));
    let copy = |kind: &str, ((process, mapping, page), number): (&Place, &u32)| {
        let (process, mapping) = (process.to_string(), mapping.to_string());
        json!({ "kind": kind, "process": process, "mapping": mapping, "page": page, "copy": number })
    };
    let lives = |process: &Pid| after.processes.iter().any(|other| other.process == *process);
    let lost = had.iter().filter(|(place, number)| lives(&place.0) && has.get(place) != Some(number));
    events.extend(lost.map(|lost| copy("copy_dropped", lost)));
    let made =
        has.iter().filter(|(place, number)| had.get(place) != Some(number) && !had.values().any(|n| n == *number));
    events.extend(made.map(|made| copy("copy_made", made)));
    for process in before.processes.iter().map(|process| process.process).filter(|process| !lives(process)) {
        let how = match (outcome, &line.operation) {
            (Outcome::Died(cause, _), _) if process == line.process => cause.to_string(),
            (_, Operation::Exit) => "exit".to_owned(),
            (_, Operation::Cut) => "power cut".to_owned(),
            _ => "SIGKILL".to_owned(),
        };
        events.push(json!({ "kind": "process_gone", "process": process.to_string(), "how": how }));
    }
    events
}

/// A page of a mapping.
type Place = (Pid, Name, usize);

/// Which private copies there are, and where.
fn copies(state: &State) -> BTreeMap<Place, u32> {
    let mut copies = BTreeMap::new();
    for process in &state.processes {
        for mapping in &process.mappings {
            for (number, page) in mapping.pages.iter().enumerate() {
                if let Some(PageState { backing: Backing::Copy(copy, _), .. }) = page {
                    copies.insert((process.process, mapping.name, number), *copy);
                }
            }
        }
    }
    copies
}

/// Which pages of a mapping a line accesses, if it gets so far.
fn accessed(line: &Line, page_size: u32) -> Option<Value> {
    let (mapping, place, length, access) = match &line.operation {
        Operation::Load(mapping, place, length) | Operation::WriteFrom(_, _, mapping, place, length) => {
            (mapping, place, length.at(page_size)?, "load")
        }
        Operation::ReadInto(_, _, mapping, place, length) => (mapping, place, length.at(page_size)?, "store"),
        Operation::Store(mapping, place, bytes) => (mapping, place, bytes.length(page_size)?, "store"),
        Operation::Call(mapping, place) => (mapping, place, 1, "call"),
        _ => return None,
    };
    let (first, page_size) = (place.at(page_size)?, u64::from(page_size));
    let past = (first + length).div_ceil(page_size);
    Some(json!({
        "kind": access,
        "process": line.process.to_string(),
        "mapping": mapping.to_string(),
        "page": first / page_size,
        "count": past.saturating_sub(first / page_size),
    }))
}
