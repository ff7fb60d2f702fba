//! The book keeps to its rules, and whatever breaks one of them is found, with its file and line.

mod small;

use std::fs;

use book::check::{COMMANDS, check, check_site};
use book::sources::{LANGUAGES, Language, Problem, Sources, directory};
use book::{page, render, site, stamp};
use mmap_workbook::course::listed;
use small::{QUESTIONS, Small};

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("\n{problem}")).collect()
}

#[test]
fn the_sources_keep_to_the_rules() {
    let problems = check(&Sources::of_program());
    assert!(problems.is_empty(), "{}", lines(&problems));
}

#[test]
fn both_languages_become_a_site() {
    let directory = tempfile::tempdir().expect("a directory");
    let problems = match site::build(&Sources::of_program(), directory.path()) {
        Ok(()) => check_site(directory.path()).expect("a site"),
        Err(problems) => problems,
    };
    assert!(problems.is_empty(), "{}", lines(&problems));
}

/// A chapter is called what its lesson is called, wherever that is said.
#[test]
fn the_chapters_are_the_lessons_of_the_readme() {
    let sources = Sources::of_program();
    for (language, readme) in LANGUAGES.into_iter().zip(["README.md", "README.zh-CN.md"]) {
        let readme = sources.read(readme).expect("a readme");
        for lesson in listed() {
            let file = sources.page(language, &lesson.directory());
            let text = sources.read(&file).map_err(|problem| problem.to_string()).expect("a chapter");
            let title = page::lines(&text).iter().find_map(page::heading).map(|heading| heading.text.to_owned());
            let title = title.unwrap_or_default();
            assert!(readme.contains(&format!("| {title} |")), "{file}: the readme's table doesn't have {title:?}");
            let name = lesson.title.in_language(Language::English);
            let named = language == Language::Chinese || title == format!("{}. {name}", lesson.number);
            assert!(named, "{file}: {title:?} is not {name:?}");
        }
    }
}

/// A first visit loads a page with its styles and scripts, and nothing from elsewhere.
#[test]
fn a_page_is_light_and_asks_nobody_else() {
    let there = tempfile::tempdir().expect("a directory");
    site::build(&Sources::of_program(), there.path()).map_err(|problems| lines(&problems)).expect("a site");
    for language in LANGUAGES {
        let there = there.path().join(directory(language));
        for (name, html) in site::written(&there).expect("pages") {
            let mut bytes = html.len();
            for attribute in ["src=\"", "<link rel=\"stylesheet\" href=\"", "<link rel=\"icon\" href=\""] {
                for target in html.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()) {
                    assert!(!target.contains("://"), "{name}.html loads {target}");
                    bytes +=
                        fs::read(there.join(target)).unwrap_or_else(|error| panic!("{name}: {target}: {error}")).len();
                }
            }
            // The whole book on one page is for the printer.
            assert!(
                bytes < 500_000 || name == "print",
                "{}/{name}.html is {bytes} bytes with what it loads",
                directory(language)
            );
        }
    }
}

#[test]
fn each_command_of_the_book_is_run_by_a_test() {
    for (command, test) in COMMANDS {
        render::test_of(&Sources::of_program(), test).unwrap_or_else(|what| panic!("{command}: {what}"));
    }
}

/// Everything that is found, by whichever of the two ways.
fn problems(small: &Small) -> Vec<Problem> {
    let mut problems = check(&small.sources());
    let there = small.directory.path().join("site");
    match site::build(&small.sources(), &there) {
        Ok(()) => problems.extend(check_site(&there).expect("a site")),
        Err(found) => problems.extend(found),
    }
    problems
}

#[test]
fn a_small_book_that_keeps_to_the_rules_is_fine() {
    let problems = problems(&Small::new());
    assert!(problems.is_empty(), "{}", lines(&problems));
}

/// In which file what is replaced by what, and what is said of it then, from the file's name on.
const BROKEN: &[(&str, &str, &str, &str)] = &[
    // What a page includes.
    (
        "book/en/1_one.md",
        "lesson.rs:map",
        "lesson.rs:no",
        "book/en/1_one.md:12: lessons/1_one/lesson.rs has no ANCHOR: no",
    ),
    (
        "book/en/1_one.md",
        "lesson.rs:map",
        "lesson.rs:empty",
        "1_one.md:12: ../../lessons/1_one/lesson.rs:empty includes nothing",
    ),
    ("book/zh/1_one.md", "lesson.rs:map", "no.rs:map", "book/zh/1_one.md:13: there is no file lessons/1_one/no.rs"),
    (
        "book/en/1_one.md",
        "1 Second",
        "1 Third",
        "book/en/1_one.md:19: no section of the transcript begins with \"Third\"",
    ),
    ("book/en/1_one.md", "1 Second", "7 Second", "book/en/1_one.md:19: lesson 7 has no transcript"),
    ("book/en/1_one.md", "{{#output one}}", "{{#output two}}", "1_one.md:21: there is no output"),
    (
        "book/en/1_one.md",
        "{{#figure map}}",
        "{{#figure no}}",
        "book/en/1_one.md:7: there is no figure book/figures/no.svg",
    ),
    (
        "book/en/1_one.md",
        "{{#figure map}}",
        "See {{#figure map}}",
        "1_one.md:7: {{#figure}} is not on a line of its own",
    ),
    (
        "book/en/1_one.md",
        "{{#belief close-unmaps}}",
        "{{#belief no}}",
        "book/en/1_one.md:25: there is no misconception no",
    ),
    (
        "book/en/1_one.md",
        "{{#belief close-unmaps}}",
        "{{#relief}}",
        "book/en/1_one.md:25: there is no directive {{#relief}}",
    ),
    (
        "book/en/1_one.md",
        "{{#belief close-unmaps}}",
        "{{#belief close",
        "book/en/1_one.md:25: {{#belief close has no }}",
    ),
    (
        "book/en/1_one.md",
        "lesson_1::it_holds",
        "lesson_1::no",
        "1_one.md:15: lesson_1::no: tests/lesson_1.rs has no such test",
    ),
    ("book/en/1_one.md", "lesson_1::it_holds", "lesson_1::not_a_test", "1_one.md:15: lesson_1::not_a_test: not_a_test"),
    (
        "book/en/1_one.md",
        "lesson_1::it_holds",
        "lesson_9::x",
        "1_one.md:15: lesson_9::x: there is no tests/lesson_9.rs",
    ),
    ("tests/lesson_1.rs", "fn it_holds", "fn it_held", "book/zh/1_one.md:16: lesson_1::it_holds"),
    ("tests/snapshots/lesson_1__x.snap", "Second", "Last", "book/zh/1_one.md:20: no section of the transcript begins"),
    // Links.
    (
        "book/en/index.md",
        "1_one.md#window",
        "1_one.md#door",
        "book/en/index.md:3: the link to 1_one.md#door leads nowhere",
    ),
    ("book/zh/index.md", "1_one.md#window", "2_two.md", "book/zh/index.md:4: the link to 2_two.md leads nowhere"),
    ("book/en/SUMMARY.md", "1_one.md", "2_two.md", "book/en/SUMMARY.md:5: there is no page 2_two.md"),
    ("book/zh/SUMMARY.md", "1_one.md", "2_two.md", "book/zh/SUMMARY.md:5: there is no page 2_two.md"),
    ("book/zh/SUMMARY.md", "- [1. 一](1_one.md)\n", "", "book/zh/SUMMARY.md: 1_one.md is not in it"),
    ("book/en/SUMMARY.md", "1. One", "1. Two", "book/en/SUMMARY.md:5: the chapter's own title is \"1. One\""),
    // Commands and output.
    ("book/en/index.md", "cargo run", "cargo walk", "book/en/index.md:6: no test runs `cargo walk`"),
    ("book/zh/index.md", "请看", "`cargo walk`，", "book/zh/index.md:4: no test runs `cargo walk`"),
    ("book/en/index.md", "```sh", "```console", "book/en/index.md:5: output that is typed by hand"),
    // Headings.
    ("book/en/1_one.md", " {#answer}", "", "book/en/1_one.md:31: the heading has no {#id}"),
    ("book/en/1_one.md", "{#answer}", "{#top}", "book/en/1_one.md:31: {#top} is there twice"),
    ("book/en/1_one.md", "{#answer}", "{#reply}", "book/en/1_one.md: the chapter has no section {#answer}"),
    ("book/en/1_one.md", "## Answer", "#### Answer", "1_one.md:31: the heading is of a level that doesn't follow"),
    (
        "book/zh/1_one.md",
        "{#window}",
        "{#door}",
        "book/zh/1_one.md: no heading has the id {#window}, where lessons/1_one/checks/a.rs:2",
    ),
    ("lessons/1_one/checks/a.rs", "window", "door", "book/en/1_one.md: no heading has the id {#door}"),
    // Both languages.
    ("book/en/index.md", "Go to", "Now go to", "book/zh/index.md:1: the English page has changed since"),
    (
        "book/zh/1_one.md",
        "## 窗口 {#window}",
        "### 窗口 {#window}",
        "1_one.md:10: the heading ### {#window} stands where",
    ),
    (
        "book/zh/1_one.md",
        "{{#output one}}\n",
        "",
        "book/zh/1_one.md:23: the heading ## {#wrong} stands where book/en/1_one.md:21",
    ),
    (
        "book/zh/1_one.md",
        "{{#held lesson_1::it_holds}}",
        "",
        "book/zh/1_one.md:18: the heading ## {#kernel} stands where",
    ),
    ("book/zh/1_one.md", "{{#questions}}\n", "", "book/zh/1_one.md: {{#questions }} of book/en/1_one.md:35 is missing"),
    ("book/zh/1_one.md", "```rust,ignore", "```c", "book/zh/1_one.md:12: the listing ```c stands where"),
    // Questions.
    ("book/questions/1_one.toml", "id = \"two\"", "id = \"one\"", "the id one is in book/questions/1_one.toml, too"),
    ("book/questions/1_one.toml", "id = \"two\"", "id = \"Two!\"", "question Two!: its id is no slug"),
    ("book/questions/1_one.toml", "lesson_1::it_holds", "lesson_1::no", "1_one.toml:2: question one: lesson_1::no"),
    ("book/questions/1_one.toml", "right = true", "right = false", "question one: 0 of its options are right"),
    ("book/questions/1_one.toml", "why.zh = \"如此。\"", "why.zh = \"\"", "question one: a text is empty"),
    (
        "book/questions/1_one.toml",
        "ask.zh = \"什么？\"",
        "ask.zh = \"什么?\"",
        "question one: a half-width ? in Chinese",
    ),
    ("book/questions/1_one.toml", "text.en", "misconception = \"no\"\ntext.en", "there is no misconception no"),
    ("book/questions/1_one.toml", "held =", "holds =", "book/questions/1_one.toml:3: unknown field"),
    // Figures.
    ("book/figures/map.svg", "class=\"page\"", "class=\"paper\"", "book/figures/map.svg:4: there is no class paper"),
    ("book/figures/map.svg", "[[One.|一个。]]", "[[One.]]", "book/figures/map.svg:3: [[One.]] has no |"),
    ("book/figures/map.svg", "<rect", "\n<rect", "book/figures/map.svg:4: an empty line"),
    ("book/figures/map.svg", "x=\"0\"", "fill=\"red\"", "book/figures/map.svg:4: fill is the theme's to say"),
    // Chinese typesetting, and what Markdown makes of a text.
    ("book/zh/1_one.md", "什么？", "什么?", "book/zh/1_one.md:6: a half-width ? in Chinese"),
    ("book/zh/1_one.md", "什么？", "映射mmap", "book/zh/1_one.md:6: no space between Chinese and Latin"),
    ("book/zh/1_one.md", "什么？", "这是**“映射”**吗？", "zh/1_one.html"),
];

#[test]
fn what_breaks_a_rule_is_found_with_its_file_and_line() {
    let mut missed = Vec::new();
    for (file, from, to, said) in BROKEN {
        let small = Small::new();
        let text = small.sources().read(file).expect("a file of the small book");
        assert!(text.contains(from), "{file} has no {from}");
        small.write(file, &text.replacen(from, to, 1));
        if file.starts_with("book/en/") && !said.contains("has changed since") {
            small.stamp();
        }
        let problems = problems(&small);
        if !problems.iter().any(|problem| problem.to_string().contains(said)) {
            missed.push(format!("{file}: {from:?} -> {to:?}: {said} isn't among{}", lines(&problems)));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n\n"));
}

#[test]
fn a_page_or_a_picture_too_many_is_found() {
    let cases = [
        (
            "book/zh/more.md",
            "<!-- en: 0 -->\n# 更多 {#top}\n",
            "book/en/more.md: the page is in the other language only",
        ),
        (
            "book/figures/other.svg",
            "<svg viewBox=\"0 0 340 1\" role=\"img\"/>",
            "book/figures/other.svg: no page shows it",
        ),
        ("book/programs/other.c", "int main(void) { return 0; }\n", "book/programs/other.c: no page shows it"),
        ("book/questions/index.toml", QUESTIONS, "book/questions/index.toml: index.md doesn't ask them"),
    ];
    for (file, text, said) in cases {
        let small = Small::new();
        small.write(file, text);
        let problems = check(&small.sources());
        assert!(problems.iter().any(|problem| problem.to_string().contains(said)), "{said}: {}", lines(&problems));
    }
}

#[test]
fn a_stamp_is_set_once_and_keeps_the_rest_of_the_page() {
    let small = Small::new();
    assert_eq!(stamp::stamp(&small.sources()), Ok(vec![]));
    small.write("book/zh/index.md", "# 开始 {#top}\n");
    assert_eq!(stamp::stamp(&small.sources()), Ok(vec!["book/zh/index.md".to_owned()]));
    let text = small.sources().read("book/zh/index.md").expect("a page");
    let english = small.sources().read("book/en/index.md").expect("a page");
    assert_eq!(text, format!("<!-- en: {} -->\n# 开始 {{#top}}\n", stamp::hash(&english)));
}
