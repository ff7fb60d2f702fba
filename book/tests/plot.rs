//! What lesson 7 has measured, drawn.

use std::fs;
use std::process::Command;

use book::evidence::snapshot;
use book::plot::{drawn, write};
use mmap_workbook::lesson_7::Ratio;
use mmap_workbook::lesson_7::figures::{Comparison, Figures, Machine, Subject};
use mmap_workbook::text::Language;

fn figures(ways: &[(&str, Option<f64>)]) -> Figures {
    let ratio = |median: f64| Ratio { median, least: median / 2.0, most: median * 2.0 };
    let ways = ways.iter().map(|(name, median)| ((*name).to_owned(), median.map(ratio))).collect();
    Figures {
        machine: Machine {
            kernel: "6.1 & <later>".to_owned(),
            architecture: "x86_64".to_owned(),
            processors: 2,
            page_size: 16384,
            file_system: None,
            read_ahead: Some(128),
            huge_pages: None,
            around: 4,
        },
        rounds: 3,
        advice: Vec::new(),
        comparisons: vec![Comparison { subject: Subject::Scan { bytes: 1 << 20, cold: true }, folio: None, ways }],
        written: Vec::new(),
    }
}

/// Where the medians are, from the left, and all texts.
fn seen(svg: &str) -> (Vec<f64>, String) {
    let document = roxmltree::Document::parse(svg).expect("XML");
    let medians = document.descendants().filter(|node| node.attribute("class") == Some("median"));
    let places = medians.map(|node| node.attribute("x").expect("a place").parse().expect("a number")).collect();
    let texts: Vec<_> = document.descendants().filter_map(|node| node.text()).collect();
    (places, texts.join("\n"))
}

#[test]
fn a_larger_ratio_is_farther_right_and_what_was_not_measured_is_not_drawn() {
    let figures = figures(&[("read", Some(1.0)), ("mmap", Some(0.5)), ("fs::read", Some(4.0)), ("none", None)]);
    for language in [Some(Language::English), Some(Language::Chinese), None] {
        let (places, texts) = seen(&drawn(&figures, language));
        let [one, half, four] = places[..] else { panic!("{places:?}") };
        assert!(half < one && one < four, "{places:?}");
        assert!((four - one - 2.0 * (one - half)).abs() < 0.3, "each power of two is as wide: {places:?}");
        for text in ["fs::read", "0.50", "4.00", "?", "6.1 & <later>", "16384"] {
            assert!(texts.contains(text), "{text} is not in {texts}");
        }
    }
    let (_, both) = seen(&drawn(&figures, None));
    assert!(both.contains("[[each byte of 1 MiB, cold|"), "{both}");
}

#[test]
fn what_is_beyond_the_scale_stays_in_the_figure() {
    let (places, texts) = seen(&drawn(&figures(&[("a", Some(1e9)), ("b", Some(0.0))]), Some(Language::English)));
    assert!(places.iter().all(|place| (0.0..340.0).contains(place)), "{places:?}");
    assert!(texts.contains("1000000000"), "{texts}");
}

#[test]
fn the_figure_of_the_chapter_is_what_the_command_draws() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let directory = tempfile::tempdir().expect("a directory");
    let drawing = directory.path().join("cost.svg");
    let mut command = Command::new(env!("CARGO_BIN_EXE_book"));
    command.arg("plot").arg(root.join("measured/cost.json")).arg(&drawing);
    assert!(command.status().expect("it runs").success());
    assert!(fs::read_to_string(&drawing).expect("a drawing").contains("<style>"), "it has colours of its own");
    assert!(command.arg("--for-book").status().expect("it runs").success());
    let expected = fs::read_to_string(root.join("figures/cost.svg")).expect("the figure");
    assert_eq!(
        fs::read_to_string(&drawing).expect("a drawing"),
        expected,
        "plot --for-book draws it from measured/cost.json"
    );
}

/// Whether a line of the demonstration says this, whatever stands in place of `‹...›` and whatever the numbers are.
fn says(pattern: &str, line: &str) -> bool {
    let without_digits = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "");
    let (pattern, line) = (without_digits(pattern), without_digits(line));
    let mut fragments = pattern.split(['‹', '›']).step_by(2);
    let Some(mut rest) = fragments.next().and_then(|first| line.strip_prefix(first)) else { return false };
    for fragment in fragments {
        let Some(at) = rest.find(fragment) else { return false };
        rest = &rest[at + fragment.len()..];
    }
    rest.is_empty() || pattern.ends_with('›')
}

#[test]
fn what_the_chapter_shows_of_one_machine_is_what_the_demonstration_prints_today() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for (lesson, language) in [7, 8].into_iter().flat_map(|lesson| Language::ALL.map(|language| (lesson, language))) {
        let code = language.code();
        let printed = fs::read_to_string(root.join(format!("measured/lesson_{lesson}.{code}.txt"))).expect("a text");
        let expected = root.join(format!("../tests/snapshots/lesson_{lesson}__demonstration_{code}.snap"));
        let expected = fs::read_to_string(expected).expect("a snapshot");
        // A snapshot has no heading.
        let body = |text: &str| -> Vec<String> {
            let lines = text.lines().skip_while(|line| !line.starts_with(' '));
            lines.filter(|line| !line.is_empty()).map(str::to_owned).collect()
        };
        let [printed, expected] = [&*printed, snapshot(&expected)].map(body);
        // A run measures one more size, with lines that say the same.
        for line in &printed {
            assert!(expected.iter().any(|pattern| says(pattern, line)), "{code}: no longer printed: {line}");
        }
        for pattern in &expected {
            assert!(printed.iter().any(|line| says(pattern, line)), "{code}: not in measured/: {pattern}");
        }
    }
}

#[test]
fn a_file_without_figures_is_named_with_the_cause_and_nothing_is_written() {
    let directory = tempfile::tempdir().expect("a directory");
    let (from, to) = (directory.path().join("figures.json"), directory.path().join("plot.svg"));
    fs::write(&to, "mine").expect("a file");
    let complaint = write(&from, &to, None).expect_err("there is no such file");
    assert!(complaint.contains("figures.json: ") && complaint.contains("No such file"), "{complaint}");
    fs::write(&from, "{\"machine\": 5}").expect("a file");
    let complaint = write(&from, &to, None).expect_err("it has no figures");
    assert!(complaint.contains("figures.json: not what `run 7 --format json` prints"), "{complaint}");
    assert_eq!(fs::read(&to).expect("the file"), b"mine");
    fs::write(&from, serde_json::to_string(&figures(&[])).expect("JSON")).expect("a file");
    let complaint = write(&from, directory.path(), None).expect_err("a directory");
    assert!(complaint.contains(&directory.path().display().to_string()), "{complaint}");
    write(&from, &to, None).expect("the plot");
    assert!(fs::read_to_string(&to).expect("the plot").starts_with("<svg"));
}
