//! The form of a contract, the doc comment of an exercise's function: a paragraph on what it does, then a list of
//! conditions.

use mmap_workbook::course::{LESSONS, Lesson};

use super::{Findings, names, read, root};

/// The most words in the first paragraph, which says what the function does.
const SUMMARY: usize = 60;
/// The most words in a condition.
const CONDITION: usize = 20;

/// The directories of the lessons that have an exercise; a draft may have none yet.
fn with_exercise() -> impl Iterator<Item = String> {
    LESSONS.iter().map(Lesson::directory).filter(|lesson| root().join("tests/answers").join(lesson).exists())
}

/// The documented items of a file, in order: the number and the text of the item's first line, and its doc comment.
pub(super) fn documented(text: &str) -> Vec<(usize, &str, Vec<&str>)> {
    let mut found = Vec::new();
    let mut comment = Vec::new();
    for (n, line) in (1..).zip(text.lines()) {
        match line.strip_prefix("///") {
            Some(text) => comment.push(text.strip_prefix(' ').unwrap_or(text)),
            None if line.starts_with("#[") => {}
            None => {
                if !comment.is_empty() {
                    found.push((n, line, std::mem::take(&mut comment)));
                }
            }
        }
    }
    found
}

/// The items of the lists in a comment, each as one text; and the first line after the first paragraph that belongs to
/// no heading, list or example.
fn conditions(comment: &[&str]) -> (Vec<String>, Option<String>) {
    let (mut items, mut stray, mut fenced, mut example) = (Vec::<String>::new(), None, false, false);
    let mut in_item = false;
    for line in comment.iter().skip_while(|line| !line.is_empty()) {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if fenced || line.is_empty() {
            in_item &= !line.is_empty();
        } else if let Some(heading) = line.strip_prefix("# ") {
            (example, in_item) = (heading == "Example", false);
        } else if let Some(item) = line.strip_prefix("- ") {
            items.push(item.to_owned());
            in_item = true;
        } else if in_item {
            let item = items.last_mut().expect("an item");
            item.push(' ');
            item.push_str(line.trim());
        } else if !example {
            stray.get_or_insert_with(|| (*line).to_owned());
        }
    }
    (items, stray)
}

/// The documented public functions of a file: the line and the name of each, and its doc comment.
pub(super) fn functions(text: &str) -> Vec<(usize, &str, Vec<&str>)> {
    let functions = documented(text).into_iter().filter_map(|(n, item, comment)| {
        let (before, rest) = item.split_once("fn ")?;
        let name = rest.split(['(', '<']).next()?;
        before.starts_with("pub ").then_some((n, name, comment))
    });
    functions.collect()
}

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

#[test]
fn a_contract_says_what_the_function_does_and_then_one_condition_a_line() {
    let mut wrong = Findings::default();
    for lesson in with_exercise() {
        let file = format!("tests/answers/{lesson}/stub.en.rs");
        let text = read(&file);
        let functions = functions(&text);
        wrong.unless(
            !functions.is_empty(),
            &file,
            "no documented function",
            "each function of the exercise has its contract",
        );
        for (n, name, comment) in functions {
            let place = format!("{file}:{n}");
            let summary: Vec<_> = comment.iter().take_while(|line| !line.is_empty()).copied().collect();
            let length = words(&summary.join(" "));
            let what = format!("{name}: the first paragraph has {length} words");
            wrong.unless(length <= SUMMARY, &place, what, format!("at most {SUMMARY}; conditions go into the list"));
            let (items, stray) = conditions(&comment);
            wrong.unless(!items.is_empty(), &place, format!("{name}: no condition"), "list them, a line `- ` each");
            for item in items {
                let length = words(&item);
                let what = format!("{name}: a condition has {length} words: {item}");
                wrong.unless(length <= CONDITION, &place, what, format!("at most {CONDITION}: take it apart"));
            }
            if let Some(stray) = stray {
                wrong.add(&place, format!("{name}: prose after the first paragraph: {stray}"), "make it a condition");
            }
            let example = comment.contains(&"# Example");
            wrong.unless(example, &place, format!("{name}: no example"), "`# Example`, with values");
        }
    }
    wrong.report();
}

/// The checks of a function are in a file of its own, whose name a learner can guess.
#[test]
fn each_function_of_an_exercise_has_its_file_of_checks() {
    let mut wrong = Findings::default();
    for lesson in with_exercise() {
        let directory = format!("lessons/{lesson}/checks");
        let shared = read(format!("{directory}/mod.rs"));
        let stub = format!("tests/answers/{lesson}/stub.en.rs");
        let text = read(&stub);
        let functions = functions(&text);
        for (n, function, comment) in &functions {
            // A pair of functions may be graded by one's checks, and says so.
            let together = comment.iter().any(|line| line.contains("graded together with"));
            let there = names(&directory).contains(&format!("{function}.rs"));
            let repair = format!("write {directory}/{function}.rs, with `mod {function};` in mod.rs");
            wrong.unless(there || together, format!("{stub}:{n}"), format!("{function} has no checks"), repair);
        }
        // A trait of that name in the exercise would come with the function, and its methods be there in all checks. The
        // module of that name is why it can't: E0255.
        let imported = shared.split_once("use crate::exercise::{").and_then(|(_, rest)| rest.split_once('}'));
        let imported = imported.map_or("", |(imported, _)| imported).split(',').map(str::trim);
        for name in imported.filter(|name| name.starts_with(char::is_lowercase)) {
            let there = names(&directory).contains(&format!("{name}.rs"));
            let repair = format!("write `crate::exercise::{name}(` where it is called");
            wrong.unless(there, format!("{directory}/mod.rs"), format!("{name} is imported, and is no module"), repair);
        }
        for name in names(&directory).into_iter().filter(|name| name != "mod.rs") {
            let function = name.trim_end_matches(".rs");
            let used = shared.lines().any(|line| line == format!("mod {function};"));
            let repair = format!("`mod {function};` in {directory}/mod.rs");
            wrong.unless(used, format!("{directory}/{name}"), "nothing uses it", repair);
            let there = functions.iter().any(|(_, name, _)| *name == function);
            let repair = "name the file after the function that it checks";
            wrong.unless(there, format!("{directory}/{name}"), "the exercise has no such function", repair);
        }
    }
    wrong.report();
}
