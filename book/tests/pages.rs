//! The book keeps its rules, and a mistake is found with its file and line.

mod small;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use book::check::{COMMANDS, check, check_site};
use book::evidence::Test;
use book::sources::{Mistake, ORIGINAL, Sources};
use book::{page, site, stamp};
use clap::Parser;
use clap::error::ErrorKind;
use mmap_workbook::arguments as workbook;
use mmap_workbook::course::{LESSONS, Lesson, listed};
use mmap_workbook::text::{Language, Text};
use small::{QUESTIONS, Small};

fn lines(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(|mistake| format!("\n{mistake}")).collect()
}

#[test]
fn the_sources_keep_the_rules() {
    let mistakes = check(&Sources::of_program(), LESSONS);
    assert!(mistakes.is_empty(), "{}", lines(&mistakes));
}

/// All languages become a site. A first visit loads a page, its styles and its scripts, and nothing from another site.
#[test]
fn the_site_has_no_mistakes_and_its_pages_are_light() {
    let there = tempfile::tempdir().expect("a directory");
    let mistakes = match site::build(&Sources::of_program(), there.path()) {
        Ok(()) => check_site(there.path()).expect("a site"),
        Err(mistakes) => mistakes,
    };
    assert!(mistakes.is_empty(), "{}", lines(&mistakes));
    for language in Language::ALL {
        let there = there.path().join(language.code());
        let mut descriptions = BTreeSet::new();
        for (name, html) in site::written(&there).expect("pages") {
            let description =
                html.split("<meta name=\"description\" content=\"").nth(1).and_then(|rest| rest.split('"').next());
            let description = description.unwrap_or_default().to_owned();
            assert!(
                description.chars().count() > 10 && html.contains(&format!("og:description\" content=\"{description}"))
            );
            assert!(
                descriptions.insert(description) || name == "print",
                "{name}.html has the description of another page"
            );
            let mut bytes = html.len();
            for attribute in ["src=\"", "<link rel=\"stylesheet\" href=\"", "<link rel=\"icon\" href=\""] {
                for target in html.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()) {
                    assert!(!target.contains("://"), "{name}.html loads {target}");
                    bytes +=
                        fs::read(there.join(target)).unwrap_or_else(|error| panic!("{name}: {target}: {error}")).len();
                }
            }
            if name == "simulator" {
                facts_lead_somewhere(&there, &html);
            }
            // The page with the whole book is for printing.
            assert!(
                bytes < 500_000 || name == "print",
                "{}/{name}.html is {bytes} bytes with what it loads",
                language.code()
            );
        }
    }
}

/// What the simulator knows of the book names sections that are there.
fn facts_lead_somewhere(there: &Path, html: &str) {
    let file = html.split("data-facts=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a script with facts");
    let script = fs::read_to_string(there.join(file)).expect("facts");
    let json = script.split_once(" = ").map(|(_, value)| value.trim().trim_end_matches(';')).expect("a value");
    let facts: serde_json::Value = serde_json::from_str(json).expect("JSON");
    let beliefs = facts["beliefs"].as_object().expect("beliefs");
    assert!(beliefs.len() > 40);
    for (slug, belief) in beliefs {
        let (page, id) = belief["place"].as_str().and_then(|place| place.split_once('#')).expect("a place");
        let html = fs::read_to_string(there.join(page)).unwrap_or_else(|error| panic!("{slug}: {page}: {error}"));
        assert!(html.contains(&format!("id=\"{id}\"")), "{slug}: {page} has no #{id}");
        assert!(belief["heading"].is_string(), "{slug}: #{id} is no heading");
    }
}

#[test]
fn a_page_links_to_its_sources_and_says_where_it_is_where_the_addresses_are_configured() {
    let small = Small::new();
    let there = small.directory.path().join("site");
    let page = || {
        site::build(&small.sources(), &there).unwrap_or_else(|mistakes| panic!("{}", lines(&mistakes)));
        fs::read_to_string(there.join("zh/1_one.html")).expect("a page")
    };
    let without = page();
    assert!(!without.contains("编辑本页") && !without.contains("og:url") && !without.contains("lesson.rs#"));
    let config = small.sources().read("book/zh/book.toml").expect("a configuration");
    let with = config.replace(
        "[output.html]",
        "[output.html]\nedit-url-template = \"https://example.org/{language}/{path}\"\nsite-url = \"https://example.org/x/{language}/\"",
    );
    let with = with.replace(
        "[preprocessor.workbook]",
        "[preprocessor.workbook]\nsource-url-template = \"https://example.org/at/{path}\"",
    );
    small.write("book/zh/book.toml", &with);
    let page = page();
    for wanted in [
        "<a href=\"https://example.org/zh/./1_one.md\">编辑本页</a>",
        "<a href=\"https://example.org/at/lessons/1_one/lesson.rs#L2\"><code>lessons/1_one/lesson.rs</code></a>",
        "<a href=\"https://example.org/at/tests/lesson_1.rs#L2\"><code>cargo test ",
        "<meta property=\"og:url\" content=\"https://example.org/x/zh/1_one.html\">",
        "<meta property=\"og:image\" content=\"https://example.org/x/card.png\">",
    ] {
        assert!(page.contains(wanted), "{wanted}: {page}");
    }
    assert!(there.join("card.png").is_file());
}

/// A chapter has the title of its lesson, here and in the table of the readme.
#[test]
fn the_chapters_are_the_lessons_of_the_readme() {
    let sources = Sources::of_program();
    for language in Language::ALL {
        let readme = if language == ORIGINAL { "README.md".into() } else { format!("README.{}.md", language.tag()) };
        let readme = sources.read(&readme).expect("a readme");
        for lesson in listed() {
            let file = sources.page(language, &lesson.directory());
            let text = sources.read(&file).map_err(|mistake| mistake.to_string()).expect("a chapter");
            let title = page::lines(&text).iter().find_map(page::heading).map(|heading| heading.text.to_owned());
            let title = title.unwrap_or_default();
            assert!(readme.contains(&format!("| {title} |")), "{file}: the readme's table doesn't have {title:?}");
            let name = lesson.title.in_language(language);
            assert_eq!(title, format!("{}. {name}", lesson.number), "{file} has another title than its lesson");
        }
    }
}

#[test]
fn a_test_runs_each_command_of_the_book_and_the_program_takes_its_arguments() {
    for (command, test) in COMMANDS {
        if let Err(what) = Test::named(&Sources::of_program(), test) {
            panic!("{command}: {what}");
        }
        let (cargo, arguments) = command.split_once(" -- ").unwrap_or((command, ""));
        let arguments = arguments.split(" > ").next().unwrap_or_default();
        for lesson in listed() {
            let arguments = arguments.split(' ').filter(|word| !word.is_empty()).map(|word| match word {
                "N" => lesson.number.to_string(),
                word => word.to_owned(),
            });
            let arguments = [cargo.to_owned()].into_iter().chain(arguments);
            let taken = match cargo {
                "cargo run" | "cargo run --release" => workbook::Arguments::try_parse_from(arguments).map(drop),
                "cargo run -p book" => book::arguments::Arguments::try_parse_from(arguments).map(drop),
                _ => continue,
            };
            let help = taken.as_ref().is_err_and(|error| error.kind() == ErrorKind::DisplayHelp);
            assert!(taken.is_ok() || help, "{command}: {}", taken.err().map(|e| e.to_string()).unwrap_or_default());
        }
    }
}

/// The mistakes in the sources, and in the site if it can be built.
fn mistakes(small: &Small) -> Vec<Mistake> {
    let mut mistakes = check(&small.sources(), LESSONS);
    let there = small.directory.path().join("site");
    match site::build(&small.sources(), &there) {
        Ok(()) => mistakes.extend(check_site(&there).expect("a site")),
        Err(found) => mistakes.extend(found),
    }
    mistakes
}

#[test]
fn a_small_book_that_keeps_the_rules_has_no_mistakes() {
    let mistakes = mistakes(&Small::new());
    assert!(mistakes.is_empty(), "{}", lines(&mistakes));
}

/// A file, a text in it, what replaces the text, and a part of the message that this gives.
const MISTAKES: &[(&str, &str, &str, &str)] = &[
    // What a page includes or refers to.
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
    ("lessons/1_one/lesson.rs", "at once", "soon", "book/zh/1_one.md:13: book/zh/comments.toml lacks comments of this"),
    (
        "lessons/1_one/lesson.rs",
        "fn map",
        "fn a_name_that_is_far_too_long_for_a_page_and_has_no_place_where_one_could_break_the_line_that_it_is_in",
        "more than 90 columns of code: \"fn a_name_that_is",
    ),
    ("lessons/1_one/lesson.rs", " // at once", "", "book/zh/comments.toml: no listing has the comment \"at once\""),
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
    (
        "tests/lesson_1.rs",
        "fn it_holds() {}",
        "fn it_holds() {\n    eprintln!(\"skipped: x\");\n}",
        "1_one.md:15: lesson_1::it_holds skips on some machines: book/conditions.toml has to say where it holds",
    ),
    (
        "tests/snapshots/lesson_1__demonstration_en.snap",
        "Second",
        "Last",
        "book/zh/1_one.md:20: no section of the transcript begins",
    ),
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
    // Commands.
    ("book/en/index.md", "cargo run", "cargo walk", "book/en/index.md:6: no test runs `cargo walk`"),
    ("book/zh/index.md", "请看", "`cargo walk`，", "book/zh/index.md:4: no test runs `cargo walk`"),
    ("book/en/index.md", "cargo run", "cargo run -- run 42", "book/en/index.md:6: no test runs `cargo run -- run 42`"),
    (
        "book/en/index.md",
        "cargo run",
        "cargo test --test lesson_42",
        "book/en/index.md:6: no test runs `cargo test --test lesson_42`",
    ),
    // Code and output that are typed by hand.
    ("book/en/index.md", "```sh", "```console", "book/en/index.md:5: output that is typed by hand"),
    ("book/en/index.md", "```sh", "```text", "book/en/index.md:5: output that is typed by hand"),
    ("book/en/index.md", "```sh", "```", "book/en/index.md:5: output that is typed by hand"),
    ("book/en/index.md", "```sh", "```rust,ignore", "book/en/index.md:5: code that is typed by hand"),
    ("book/en/index.md", "```sh", "```bash", "book/en/index.md:5: code that is typed by hand"),
    ("book/en/1_one.md", "lesson.rs:map}}\n", "lesson.rs:map}}\nlet x;\n", "1_one.md:11: code that is typed by hand"),
    ("book/en/1_one.md", "What?", "    let x;", "book/en/1_one.md:5: code without a fence"),
    ("book/en/1_one.md", "What?", "<pre>let x;</pre>", "book/en/1_one.md:5: <pre>: use a fence"),
    (
        "book/en/1_one.md",
        "../lessons/1_one/lesson.rs:map",
        "questions/1_one.toml",
        "book/en/1_one.md:11: no test compiles book/questions/1_one.toml: code is included from lessons/",
    ),
    (
        "book/en/1_one.md",
        "What?",
        "{{#include ../../lessons/1_one/lesson.rs:map}}",
        "book/en/1_one.md:5: {{#include}} is outside",
    ),
    (
        "book/en/1_one.md",
        "../../lessons/1_one/lesson.rs:map",
        "/etc/passwd",
        "12: no test compiles book/en//etc/passwd",
    ),
    (
        "book/en/1_one.md",
        "../../lessons/1_one/",
        "../../../",
        "1_one.md:12: ../../../lesson.rs leads out of the checkout",
    ),
    ("book/en/1_one.md", "What?", "{{ #include ../../tests/lesson_1.rs}}", "en/1_one.html:"),
    (
        "lessons/1_one/lesson.rs",
        "fn map() {}",
        "fn map() {",
        "book/en/1_one.md:11: ../../lessons/1_one/lesson.rs:map leaves a",
    ),
    // Headings.
    ("book/en/1_one.md", " {#answer}", "", "book/en/1_one.md:29: the heading has no id: write {#id} after it"),
    ("book/en/1_one.md", "{#answer}", "{#top}", "book/en/1_one.md:29: {#top} is there twice"),
    ("book/en/1_one.md", "{#answer}", "{#reply}", "book/en/1_one.md: the chapter has no section {#answer}"),
    ("book/en/1_one.md", "## Answer", "#### Answer", "1_one.md:29: the heading is of a level that doesn't follow"),
    (
        "book/zh/1_one.md",
        "{#window}",
        "{#door}",
        "book/zh/1_one.md: no heading has the id {#window}, where lessons/1_one/checks/a.rs:2",
    ),
    ("lessons/1_one/checks/a.rs", "window", "door", "book/en/1_one.md: no heading has the id {#door}"),
    // Both languages.
    ("book/en/index.md", "Go to", "Now go to", "book/zh/index.md:1: book/en/index.md has changed since"),
    (
        "book/zh/1_one.md",
        "## 窗口 {#window}",
        "### 窗口 {#window}",
        "1_one.md:10: the heading ### {#window} is here, where",
    ),
    (
        "book/zh/1_one.md",
        "{{#output one}}\n",
        "",
        "book/zh/1_one.md:23: the heading ## {#wrong} is here, where book/en/1_one.md:21",
    ),
    (
        "book/zh/1_one.md",
        "{{#held lesson_1::it_holds}}",
        "",
        "book/zh/1_one.md:18: the heading ## {#kernel} is here, where",
    ),
    (
        "book/zh/1_one.md",
        "{{#questions}}\n",
        "",
        "book/zh/1_one.md:35: the heading ## {#exercise} is here, where book/en/1_one.md:33 has {{#questions }}",
    ),
    ("book/zh/1_one.md", "```rust,ignore", "```c", "book/zh/1_one.md:12: the listing ```c is here, where"),
    // Questions.
    ("book/questions/1_one.toml", "id = \"two\"", "id = \"one\"", "the id one is in book/questions/1_one.toml, too"),
    ("book/questions/1_one.toml", "id = \"two\"", "id = \"Two!\"", "question Two!: its id may only have"),
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
    // Predictions.
    ("book/questions/1_one.toml", "line = \"hel\"", "line = \"help\"", "one prints no line that begins with \"help\""),
    ("book/questions/1_one.toml", "program = \"one\"", "program = \"two\"", "1_one.toml: there is no output"),
    (
        "book/questions/1_one.toml",
        "en = \"yes\", zh",
        "en = \"Yes\", zh",
        "the answer \"yes\" is not among its options",
    ),
    (
        "book/questions/1_one.toml",
        "ask.zh = \"会吗？\"",
        "ask.zh = \"会吗?\"",
        "a prediction: a half-width ? in Chinese",
    ),
    // Figures.
    ("book/figures/map.svg", "class=\"page\"", "class=\"paper\"", "book/figures/map.svg:4: there is no class paper"),
    (
        "book/figures/map.svg",
        "[[One.|一个。]]",
        "[[One.]]",
        "book/figures/map.svg:3: [[One.]] does not have a text for each language",
    ),
    ("book/figures/map.svg", "<rect", "\n<rect", "book/figures/map.svg:4: an empty line"),
    ("book/figures/map.svg", "x=\"0\"", "fill=\"red\"", "book/figures/map.svg:4: fill is left to the theme"),
    // Words for the search.
    ("book/search.toml", "1_one#window", "1_one#door", "book/search.toml: there is no section 1_one#door"),
    // Chinese typesetting, and Markdown's idea of it.
    ("book/zh/1_one.md", "什么？", "什么?", "book/zh/1_one.md:6: a half-width ? in Chinese"),
    ("book/zh/1_one.md", "什么？", "映射mmap", "book/zh/1_one.md:6: no space between Chinese and Latin"),
    ("book/zh/1_one.md", "什么？", "这是**“映射”**吗？", "zh/1_one.html"),
    ("book/en/1_one.md", "What?", "What is 映射?", "words in another language: \"What is 映射?\""),
];

#[test]
fn a_mistake_is_found_with_its_file_and_line() {
    let mut missed = Vec::new();
    for (file, from, to, said) in MISTAKES {
        let small = Small::new();
        let text = small.sources().read(file).expect("a file of the small book");
        assert!(text.contains(from), "{file} has no {from}");
        small.write(file, &text.replacen(from, to, 1));
        if file.starts_with("book/en/") && !said.contains("has changed since") {
            small.stamp();
        }
        let is_said = |mistakes: &[Mistake]| mistakes.iter().any(|mistake| mistake.to_string().contains(said));
        // Only what the sources don't show is worth the time of a build.
        if is_said(&check(&small.sources(), LESSONS)) {
            continue;
        }
        let mistakes = mistakes(&small);
        if !is_said(&mistakes) {
            missed.push(format!("{file}: {from:?} -> {to:?}: {said} isn't among{}", lines(&mistakes)));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n\n"));
}

#[test]
fn what_a_link_reaches_outside_the_checkout_is_not_included() {
    let small = Small::new();
    let outside = tempfile::NamedTempFile::new().expect("a file");
    std::os::unix::fs::symlink(outside.path(), small.directory.path().join("lessons/1_one/out.rs")).expect("a link");
    let page = small.sources().read("book/en/1_one.md").expect("a page");
    small.write("book/en/1_one.md", &page.replace("lesson.rs:map", "out.rs"));
    let wanted = "book/en/1_one.md:12: lessons/1_one/out.rs is a link that leads out of the checkout";
    let mistakes = mistakes(&small);
    assert!(mistakes.iter().any(|mistake| mistake.to_string() == wanted), "{}", lines(&mistakes));
}

#[test]
fn code_that_is_marked_as_made_up_may_be_typed() {
    let small = Small::new();
    for language in Language::ALL {
        let file = small.sources().page(language, "index");
        let text = small.sources().read(&file).expect("a page");
        small.write(&file, &format!("{text}\n```rust,ignore,sketch\nlet x;\n```\n"));
    }
    small.stamp();
    let mistakes = mistakes(&small);
    assert!(mistakes.is_empty(), "{}", lines(&mistakes));
}

#[test]
fn a_page_or_a_figure_too_many_is_found() {
    let cases = [
        (
            "book/zh/more.md",
            "<!-- en: 0 -->\n# 更多 {#top}\n",
            "book/en/more.md: the page exists in another language only",
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
        let mistakes = check(&small.sources(), LESSONS);
        assert!(mistakes.iter().any(|mistake| mistake.to_string().contains(said)), "{said}: {}", lines(&mistakes));
    }
}

#[test]
fn a_draft_is_listed_nowhere_and_need_not_be_complete() {
    let lesson = |draft| Lesson {
        number: 7,
        slug: "more",
        title: Text::fixed("More", "更多"),
        question: Text::fixed("What more?", "还有什么？"),
        demonstrate: mmap_workbook::lesson_1::demonstrate,
        copy_only: None,
        further: &[],
        needs_a_disk: false,
        draft,
    };
    let small = Small::new();
    small.write("book/en/7_more.md", "# 7. More {#top}\n\n```sh\ncargo run -- run 7\n```\n");
    let one = QUESTIONS.split("[[question]]").nth(1).expect("a question").replace("\"one\"", "\"more\"");
    small.write("book/questions/7_more.toml", &format!("[[question]]{one}"));
    small.write("lessons/7_more/checks/a.rs", "check(\"window\", || {});\n");
    let mistakes = check(&small.sources(), &[lesson(true)]);
    assert!(mistakes.is_empty(), "{}", lines(&mistakes));

    let wanted = [
        "book/en/7_more.md: no heading has the id {#window}",
        "book/en/7_more.md: the chapter has no section {#answer}",
        "book/en/SUMMARY.md: 7_more.md is not in it",
        "book/questions/7_more.toml: 1 questions: a chapter has at least 5",
        "book/questions/7_more.toml: 7_more.md doesn't ask them",
        "book/questions/7_more.toml: nothing is to be predicted: a chapter begins with a prediction",
        "book/zh/7_more.md: the page exists in another language only",
    ];
    let mistakes = check(&small.sources(), &[lesson(false)]);
    for wanted in wanted {
        let found = mistakes.iter().any(|mistake| mistake.to_string().starts_with(wanted));
        assert!(found, "{wanted} isn't among{}", lines(&mistakes));
    }

    let contents = small.sources().read("book/en/SUMMARY.md").expect("contents");
    small.write("book/en/SUMMARY.md", &format!("{contents}- [7. More](7_more.md)\n"));
    let mistakes = check(&small.sources(), &[lesson(true)]);
    let wanted = "book/en/SUMMARY.md:7: the lesson of the page is a draft, which is listed nowhere";
    assert!(mistakes.iter().any(|mistake| mistake.to_string() == wanted), "{}", lines(&mistakes));
}

#[test]
fn a_stamp_is_set_once_and_keeps_the_rest_of_the_page() {
    let small = Small::new();
    assert_eq!(stamp::stamp(&small.sources()), Ok(vec![]));
    small.write("book/zh/index.md", "# 开始 {#top}\n");
    assert_eq!(stamp::stamp(&small.sources()), Ok(vec!["book/zh/index.md".to_owned()]));
    let text = small.sources().read("book/zh/index.md").expect("a page");
    let english = small.sources().read("book/en/index.md").expect("a page");
    assert_eq!(text, format!("<!-- en: {} -->\n# 开始 {{#top}}\n", mmap_workbook::text::hash(&english)));
}
