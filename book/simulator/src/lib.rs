//! The model and the language of scenarios for a web page: a request in, what the page draws out, both as JSON.
//!
//! The book contains it as WebAssembly, `simulator.wasm`, which `book/simulator/build` makes. A test runs that and this
//! code on the same requests, and demands the same answers.

#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;

#[cfg(target_family = "wasm")]
mod exports;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use mmap_workbook::model::{Rule, Setting};
use mmap_workbook::scenario::Scenario;
use mmap_workbook::text::{Language, Text};
use mmap_workbook::trace::{self, Changes, Checker, Tracer};
use serde_json::{Value, json};

/// The hash of the sources that this was built from.
pub const SOURCES: &str = env!("SOURCES");

/// Plays a scenario on the model.
///
/// The request is an object:
/// - `scenario`: its text;
/// - `page_size` in bytes: a power of two from 512 to 65536;
/// - `language` of the drawing: `"en"` or `"zh"`;
/// - `without`: the name of a rule that the model doesn't keep ([`Rule`]), or null.
///
/// The answer is what `workbook play --trace --format json` prints, without what the kernel gave, and each line has
/// also `drawn`: the state after it in characters, line by line. A request that isn't one has an answer with only an
/// `error`.
pub fn simulate(request: &str) -> String {
    let Some(request) = Request::read(request) else {
        let why = Text::fixed("this is no request", "请求格式不对");
        return json!({ "error": trace::problem(0, None, &why) }).to_string();
    };
    let setting = &Setting::new(request.page_size);
    let (scenario, problem) = Scenario::parse_beginning(&request.scenario);
    let mut error =
        problem.map_or(Value::Null, |problem| trace::problem(problem.line, Some(problem.column), &problem.text));
    let mut tracer = match request.without {
        Some(rule) => Tracer::without(setting, rule),
        None => Tracer::on(setting),
    };
    let with_disk = scenario.0.iter().any(|line| line.operation.is_about_the_disk());
    let source: Vec<_> = request.scenario.lines().collect();
    let (mut checker, mut changes, mut lines) = (Checker::on(setting), Changes::on(setting), Vec::new());
    for line in &scenario.0 {
        if let Err(why) = checker.step(line, None) {
            error = trace::problem(line.number, None, &why);
            break;
        }
        let step = tracer.step(line, None);
        let mut value = trace::json(&step, &source);
        let state = tracer.state();
        value["drawn"] = trace::draw(&state, with_disk, request.language).into();
        changes.add(&mut value, &step, state);
        lines.push(value);
    }
    trace::document(trace::setting(setting), lines.into_iter(), error).collect()
}

struct Request {
    scenario: String,
    page_size: u32,
    language: Language,
    without: Option<Rule>,
}

impl Request {
    fn read(text: &str) -> Option<Request> {
        let value: Value = serde_json::from_str(text).ok()?;
        let page_size = value["page_size"].as_u64().and_then(|bytes| u32::try_from(bytes).ok())?;
        let code = value["language"].as_str()?;
        let without = match &value["without"] {
            Value::Null => None,
            Value::String(name) => Some(Rule::ALL.iter().copied().find(|rule| format!("{rule:?}") == *name)?),
            _ => return None,
        };
        Some(Request {
            scenario: value["scenario"].as_str()?.into(),
            page_size: Some(page_size).filter(|size| size.is_power_of_two() && (512..=65536).contains(size))?,
            language: Language::ALL.into_iter().find(|language| language.code() == code)?,
            without,
        })
    }
}
