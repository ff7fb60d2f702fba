//! The modules of the book use each other in one direction, and the table in `src/lib.rs` says how.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The modules in the order of the table, each with those that it uses.
fn table(lib: &str) -> Vec<(String, BTreeSet<String>)> {
    let rows = lib.lines().filter_map(|line| line.strip_prefix("//! | [`"));
    let cells = rows.map(|row| row.split('|').map(str::trim).collect::<Vec<_>>());
    let names =
        |cell: &str| cell.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect();
    cells.map(|cells| (cells[0].trim_end_matches("`]").to_owned(), names(cells[2]))).collect()
}

/// The modules that a text names after `crate::`, or in braces after it.
fn used(text: &str) -> BTreeSet<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut found = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let (inside, is_list) = match rest.strip_prefix('{') {
            Some(rest) => (rest.split("};").next().unwrap_or_default(), true),
            None => (rest, false),
        };
        for path in inside.split(',').take(if is_list { usize::MAX } else { 1 }) {
            let name: String = path.trim().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            found.insert(name);
        }
    }
    found.remove("");
    found
}

/// The text of a module: of its file, or of all files in its directory.
fn text_of(module: &str) -> String {
    let file = source().join(format!("{module}.rs"));
    if file.is_file() {
        return fs::read_to_string(file).expect("a module");
    }
    let entries = fs::read_dir(source().join(module)).expect("a directory of a module");
    let texts = entries.map(|entry| fs::read_to_string(entry.expect("an entry").path()).expect("a file"));
    texts.collect::<Vec<_>>().join("\n")
}

/// What is wrong with a table, where each module uses these modules.
fn violations(table: &[(String, BTreeSet<String>)], used: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let mut found = Vec::new();
    let place = |name: &str| table.iter().position(|(module, _)| module == name);
    for module in used.keys().filter(|module| place(module).is_none()) {
        found.push(format!(
            "{module} is not in the table of src/lib.rs: add a row for it, above all modules that it uses"
        ));
    }
    for (n, (module, named)) in table.iter().enumerate() {
        let Some(used) = used.get(module) else {
            found.push(format!("{module} is in the table of src/lib.rs, and is no module: remove its row"));
            continue;
        };
        for other in used.difference(named).filter(|other| *other != module) {
            found.push(format!("{module} uses {other}, which its row in src/lib.rs doesn't name: add it there"));
        }
        for other in named.difference(used) {
            found.push(format!("{module} doesn't use {other}, which its row in src/lib.rs names: remove it there"));
        }
        for other in used.iter().filter(|other| place(other).is_some_and(|other| other < n)) {
            found.push(format!(
                "{module} uses {other}, which is above it in src/lib.rs: move what they share into a module below both"
            ));
        }
    }
    found
}

#[test]
fn the_modules_use_each_other_as_the_table_says() {
    let table = table(&fs::read_to_string(source().join("lib.rs")).expect("lib.rs"));
    let mut modules = BTreeMap::new();
    for entry in fs::read_dir(source()).expect("the sources") {
        let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
        let name = name.trim_end_matches(".rs");
        if !matches!(name, "lib" | "main") {
            modules.insert(name.to_owned(), used(&text_of(name)));
        }
    }
    assert!(table.len() > 5, "the table is found");
    let found = violations(&table, &modules);
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn each_way_to_leave_the_table_is_found() {
    let row = |module: &str, used: &str| format!("//! | [`{module}`] | words | {used} |\n");
    let table = table(&[row("site", "page, text"), row("page", ""), row("text", ""), row("gone", "")].concat());
    let uses = |module: &str, text: &str| (module.to_owned(), used(text));
    let modules = BTreeMap::from([
        uses("site", "use crate::{page::Line, site};\nuse crate::text::{Text, Other};\n"),
        uses("page", "/// As crate::nothing.\nfn f() { crate::site::build() }"),
        uses("text", ""),
        uses("more", "use crate::page;"),
    ]);
    let found = violations(&table, &modules);
    let wanted =
        ["more is not in the table", "page uses site, which its row", "page uses site, which is above", "gone is in"];
    assert_eq!(found.len(), wanted.len(), "{found:?}");
    for (found, wanted) in found.iter().zip(wanted) {
        assert!(found.starts_with(wanted), "{found}");
    }
}
