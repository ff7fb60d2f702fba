//! Checks which module uses which against the table in CONTRIBUTING.md.

use std::collections::{BTreeMap, BTreeSet};

use super::{Findings, files, read};

const TABLE: &str = "CONTRIBUTING.md, \"Which module uses which\"";

/// The rows of the table, in order: a module, and the modules that it may use.
fn table() -> Vec<(String, BTreeSet<String>)> {
    let text = read("CONTRIBUTING.md");
    let section =
        text.split("\n## ").find(|section| section.starts_with("Which module uses which\n")).unwrap_or_default();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let in_code = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    rows.filter_map(|row| row.split_once('`'))
        .map(|(module, rest)| (module.to_owned(), in_code(rest.rsplit(" | ").next().unwrap_or_default())))
        .collect()
}

/// The module that a file belongs to; all lessons are `lesson_N`.
fn module_of(path: &str) -> String {
    if path.starts_with("lessons/") {
        return "lesson_N".to_owned();
    }
    let path = path.strip_prefix("src/").unwrap_or(path);
    path.split('/').next().unwrap_or_default().trim_end_matches(".rs").to_owned()
}

/// For each module, those that its code names after `crate::`, each with the first line that does.
fn used() -> BTreeMap<String, BTreeMap<String, String>> {
    let mut used: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let lessons = files(&["lessons"], &["lesson.rs"]);
    let library =
        files(&["src"], &[".rs"]).into_iter().filter(|path| !path.ends_with("lib.rs") && !path.ends_with("main.rs"));
    for path in library.chain(lessons) {
        let path = path.to_str().expect("UTF-8").to_owned();
        let module = module_of(&path);
        let arrows = used.entry(module.clone()).or_default();
        for (n, line) in (1..).zip(read(&path).lines()) {
            // A name in a comment is no use of the module.
            let code = line.split("//").next().unwrap_or_default();
            // In a group the names could be on lines of their own.
            assert!(
                !code.contains("crate::{"),
                "{path}:{n}: import from each module of the crate on a line of its own"
            );
            for rest in code.split("crate::").skip(1) {
                let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let other = if name.starts_with("lesson_") { "lesson_N".to_owned() } else { name };
                // `crate::text!` is a macro at the root of the crate, and not the module of that name.
                if other != module && !rest.starts_with(&format!("{other}!")) && !other.is_empty() {
                    arrows.entry(other).or_insert_with(|| format!("{path}:{n}"));
                }
            }
        }
    }
    used
}

#[test]
fn the_arrows_are_those_of_the_table_and_point_up() {
    let mut wrong = Findings::default();
    let (table, used) = (table(), used());
    let rows: BTreeSet<_> = table.iter().map(|(module, _)| module.as_str()).collect();
    for module in used.keys() {
        wrong.unless(rows.contains(module.as_str()), TABLE, format!("no row for `{module}`"), "add one");
    }
    let mut above = BTreeSet::new();
    for (module, listed) in &table {
        let Some(arrows) = used.get(module) else {
            wrong.add(TABLE, format!("`{module}` is no module"), "remove the row");
            continue;
        };
        for (other, place) in arrows {
            let repair = format!("add `{other}` to the row of `{module}`, if the arrow is meant; else do without it");
            wrong.unless(listed.contains(other), place, format!("`{module}` uses `{other}`"), repair);
            let what = format!("`{module}` uses `{other}`, which isn't above it in the table");
            wrong.unless(above.contains(other), place, what, "what both need belongs in a module above both");
        }
        for other in listed.iter().filter(|other| !arrows.contains_key(*other)) {
            wrong.add(TABLE, format!("`{module}` doesn't use `{other}`"), "take it out of the row");
        }
        above.insert(module.clone());
    }
    wrong.report();
}
