//! The READMEs have the same lessons, commands and links, and what they and CONTRIBUTING.md refer to exists.

use mmap_workbook::class::handout::is_left_out;
use mmap_workbook::course::listed;

use super::{Findings, files, names, read, root};

const READMES: [&str; 2] = ["README.md", "README.zh-CN.md"];

#[test]
fn both_readmes_have_the_lessons_and_the_same_commands() {
    let mut wrong = Findings::default();
    for (readme, exercise) in
        READMES.into_iter().zip(["[exercise](tests/answers/SLUG/stub.en.rs)", "[练习](tests/answers/SLUG/stub.zh.rs)"])
    {
        let text = read(readme);
        for lesson in listed() {
            let (n, directory) = (lesson.number, lesson.directory());
            let Some(row) = text.lines().find(|line| line.starts_with(&format!("| {n}. "))) else {
                wrong.add(readme, format!("lesson {n} has no row in the table"), "copy the row before it");
                continue;
            };
            let cells = [
                format!("| `cargo run -- run {n}` | `cargo test --test lesson_{n}` |"),
                format!("](lessons/{directory}/lesson.rs)"),
                format!("{}, `cargo run -- check {n}` |", exercise.replace("SLUG", &directory)),
                format!("](book/en/{directory}.md)"),
                format!("](book/zh/{directory}.md)"),
            ];
            for cell in cells {
                wrong.unless(row.contains(&cell), readme, format!("lesson {n}'s row lacks `{cell}`"), "add it");
            }
        }
        let wanted = "cargo test --workspace";
        let there = commands(&text).iter().any(|command| command == wanted);
        wrong.unless(there, readme, "the test command is missing", format!("`{wanted}`"));
    }
    for lesson in listed() {
        let (n, title) = (lesson.number, &lesson.title.en);
        let there = read("README.md").contains(&format!("| {n}. {title} |"));
        wrong.unless(there, "README.md", format!("lesson {n} has another title"), format!("`| {n}. {title} |`"));
    }
    let [english, chinese] = READMES.map(read);
    for (what, both) in
        [("commands", [commands(&english), commands(&chinese)]), ("links", [links(&english), links(&chinese)])]
    {
        let [english, chinese] = both;
        let missing: Vec<_> = english.iter().filter(|one| !chinese.contains(one)).collect();
        let more: Vec<_> = chinese.iter().filter(|one| !english.contains(one)).collect();
        let differ = format!("its {what} lack {missing:?} and have {more:?} besides, or are in another order");
        wrong.unless(english == chinese, "README.zh-CN.md", differ, "bring it in step with README.md");
    }
    wrong.report();
}

/// The commands in a text: code that begins with `cargo`, without its comment.
fn commands(text: &str) -> Vec<String> {
    let in_code = text.split('`').skip(1).step_by(2).flat_map(str::lines);
    let commands = in_code.map(|line| line.split(" #").next().unwrap_or_default().trim());
    commands.filter(|line| line.starts_with("cargo ")).map(str::to_owned).collect()
}

/// The targets of the links in a text, without the link to the other README. A stub is the same in either language.
fn links(text: &str) -> Vec<String> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets
        .filter(|target| !target.starts_with("README"))
        .map(|target| target.replace("/stub.zh.rs", "/stub.en.rs"))
        .collect()
}

#[test]
fn the_links_of_readme_and_contributing_lead_somewhere() {
    let mut wrong = Findings::default();
    for page in ["README.md", "CONTRIBUTING.md"] {
        for target in links(&read(page)) {
            let path = target.split('#').next().unwrap_or_default();
            let there = path.contains("://") || root().join(path).exists();
            wrong.unless(there, page, format!("{target} isn't there"), "correct the link");
        }
    }
    wrong.report();
}

/// A path in backquotes exists if it begins with a directory of the project. One with a placeholder, such as `N` or
/// `SLUG`, isn't checked, nor is a pattern.
#[test]
fn the_paths_that_readme_and_contributing_name_are_there() {
    let mut wrong = Findings::default();
    let tops = ["src/", "lessons/", "tests/", "book/", "dev/", ".ci/"];
    for page in ["README.md", "CONTRIBUTING.md"] {
        let text = read(page);
        for path in text.split('`').skip(1).step_by(2).filter(|code| tops.iter().any(|top| code.starts_with(top))) {
            let stands_for = path.contains(|c: char| c.is_ascii_uppercase() || " *{:".contains(c));
            let left_out = cfg!(feature = "handout") && is_left_out(path);
            let there = stands_for || left_out || root().join(path).exists();
            wrong.unless(there, page, format!("{path} isn't there"), "name what is there");
        }
    }
    wrong.report();
}

#[test]
fn the_readme_says_what_is_in_each_directory() {
    let mut wrong = Findings::default();
    let modules = names("src").into_iter().filter(|name| root().join("src").join(name).is_dir());
    let directories = modules.map(|name| format!("src/{name}/"));
    for directory in directories.chain(["lessons/", "tests/", "book/"].map(str::to_owned)) {
        for readme in READMES {
            let there = read(readme).contains(&format!("| `{directory}` |"));
            wrong.unless(there, readme, format!("no row for {directory}"), format!("add `| `{directory}` | ... |`"));
        }
    }
    assert!(files(&["src"], &[".rs"]).len() > 10, "the sources are found");
    wrong.report();
}
