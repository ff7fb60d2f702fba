//! What programs have printed: `{{#transcript ...}}`, `{{#output ...}}`, `{{#scenario ...}}` and `{{#file_systems}}`.

use mmap_workbook::play;
use mmap_workbook::scenario::Scenario;
use mmap_workbook::text::Language;

use super::markup::printed;
use super::words;
use crate::evidence::{PAGE_SIZE, section, snapshot};
use crate::sources::{ORIGINAL, Sources};

/// A section of a demonstration's output in this language, from the snapshot of the lesson's test.
pub fn transcript(sources: &Sources, language: Language, arguments: &str) -> Result<String, String> {
    let (n, title) =
        arguments.split_once(' ').ok_or("{{#transcript N Title}} needs the number of a lesson and a title")?;
    let read = |language: Language| {
        let file = format!("tests/snapshots/lesson_{n}__demonstration_{}.snap", language.code());
        sources.read(&file).map_err(|_| format!("lesson {n} has no transcript {file}"))
    };
    let (original, text) = (read(ORIGINAL)?, read(language)?);
    let section = section(snapshot(&original), snapshot(&text), title.trim())?;
    Ok(printed(&format!("<code>cargo run -- run {n}</code>"), &section))
}

/// The output of one of the book's C programs, from its snapshot.
pub fn output(sources: &Sources, language: Language, program: &str) -> Result<String, String> {
    let prints = words::PRINTS.in_language(language);
    Ok(printed(&format!("<code>{program}.c</code> {prints}"), &printed_by(sources, program)?))
}

/// What one of the book's C programs has printed.
pub fn printed_by(sources: &Sources, program: &str) -> Result<String, String> {
    let file = format!("book/tests/snapshots/programs__{program}.snap");
    let text = sources.read(&file).map_err(|_| format!("there is no output {file}"))?;
    Ok(snapshot(&text).trim_end().to_owned())
}

/// A scenario: what each line gives, and why. A test shows that the kernel gives the same.
pub fn scenario(sources: &Sources, language: Language, name: &str) -> Result<String, String> {
    let file = scenario_file(name);
    let text = sources.read(&file).map_err(|mistake| mistake.to_string())?;
    let scenario = Scenario::parse(&text).map_err(|problem| format!("{file}: {problem}"))?;
    let played = play::explained(&scenario, PAGE_SIZE, language);
    Ok(printed(&format!("<code>{file}</code>"), played.trim_end()))
}

/// The table of the facts in which file systems differ. Tests of the laboratory compare it with the kernel.
pub fn file_systems(sources: &Sources, language: Language) -> Result<String, String> {
    let file = format!("book/file_systems.{}.md", language.code());
    sources.read(&file).map_err(|mistake| mistake.to_string())
}

/// The file of one of the book's scenarios.
pub fn scenario_file(name: &str) -> String {
    format!("book/scenarios/{name}.scenario")
}
