//! What programs have printed: `{{#transcript ...}}`, `{{#output ...}}`, `{{#scenario ...}}`, `{{#play ...}}` and
//! `{{#file_systems}}`.

use mmap_workbook::play;
use mmap_workbook::scenario::Scenario;
use mmap_workbook::text::Language;
use serde_json::json;

use super::markup::{escape, play_link, printed};
use super::words;
use crate::evidence::{PAGE_SIZE, section, snapshot};
use crate::sources::{ORIGINAL, Sources};

/// A section of a demonstration's output in this language, from the snapshot of the lesson's test; where the numbers are
/// what matters, from what was printed on one machine.
pub fn transcript(sources: &Sources, language: Language, arguments: &str) -> Result<String, String> {
    let (n, title) =
        arguments.split_once(' ').ok_or("{{#transcript N Title}} needs the number of a lesson and a title")?;
    let read = |language: Language| {
        let code = language.code();
        let file = format!("tests/snapshots/lesson_{n}__demonstration_{code}.snap");
        let measured = sources.read(&format!("book/measured/lesson_{n}.{code}.txt"));
        measured.or_else(|_| sources.read(&file)).map_err(|_| format!("lesson {n} has no transcript {file}"))
    };
    let (original, text) = (read(ORIGINAL)?, read(language)?);
    let section = section(snapshot(&original), snapshot(&text), title.trim())?;
    Ok(printed(&format!("<code>cargo run -- run {n}</code>"), &section))
}

/// The output of one of the book's C programs, from its snapshot.
pub fn output(sources: &Sources, language: Language, program: &str) -> Result<String, String> {
    let prints = words::PRINTS.in_language(language);
    let text = printed_by(sources, program)?;
    // What the test says of its end, not the program itself.
    let text = match language {
        Language::English => text,
        Language::Chinese => text.replace("killed by SIG", "死于 SIG"),
    };
    Ok(printed(&format!("<code>{program}.c</code> {prints}"), &text))
}

/// What one of the book's C programs has printed.
pub fn printed_by(sources: &Sources, program: &str) -> Result<String, String> {
    let file = format!("book/tests/snapshots/programs__{program}.snap");
    let text = sources.read(&file).map_err(|_| format!("there is no output {file}"))?;
    Ok(snapshot(&text).trim_end().to_owned())
}

/// A scenario: what each line gives, and why. A test shows that the kernel gives the same.
pub fn scenario(sources: &Sources, language: Language, name: &str) -> Result<String, String> {
    let (text, command, played) = explained(sources, language, name)?;
    Ok(printed(&format!("<code>{command}</code> {}", play_link(language, &text)), &played))
}

/// A simulator with a scenario; where there is no JavaScript, what each line gives, and why. After the scenario's name may
/// stand `open`: it is there at once, and what the model says of it is on the page.
pub fn play(sources: &Sources, language: Language, arguments: &str) -> Result<String, String> {
    let (name, is_open) = match arguments.split_once(' ') {
        Some((name, "open")) => (name, true),
        Some(_) => return Err("after the name of a scenario only `open` may stand".into()),
        None => (arguments, false),
    };
    let (text, command, played) = explained(sources, language, name)?;
    let text = text.trim_end();
    let (open, unfolded, reply) = match is_open {
        true => {
            let request = json!({
                "scenario": text, "page_size": PAGE_SIZE, "language": language.code(), "without": null,
            });
            // No text in it can end the script.
            let reply = simulator::simulate(&request.to_string()).replace('<', "\\u003c");
            (" data-open", " open", format!("<script type=\"application/json\">{}</script>\n", reply.trim_end()))
        }
        false => ("", "", String::new()),
    };
    // A line's end in an attribute would end the HTML at an empty line.
    let text = escape(text).replace('\n', "&#10;");
    let file = scenario_file(name);
    let as_text = words::EACH_STEP.in_language(language);
    let printed = printed(&format!("<code>{command}</code>"), &played);
    Ok(format!(
        "<div class=\"simulator\" data-file=\"{file}\" data-scenario=\"{text}\"{open}>\n\
         {reply}<details{unfolded}><summary>{as_text}</summary>\n\n{printed}\n</details>\n</div>\n"
    ))
}

/// The text of a scenario, the command that plays it, and what each line gives.
fn explained(sources: &Sources, language: Language, name: &str) -> Result<(String, String, String), String> {
    let file = scenario_file(name);
    let text = sources.read(&file).map_err(|mistake| mistake.to_string())?;
    let scenario = Scenario::parse(&text).map_err(|problem| format!("{file}: {problem}"))?;
    let played = play::explained(&scenario, PAGE_SIZE, language).trim_end().to_owned();
    Ok((text, format!("cargo run -- play {file} --trace"), played))
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
