//! The WebAssembly that is committed is this package's code, and says what it says.

use std::fs;
use std::io::Read;
use std::path::PathBuf;

use flate2::read::GzDecoder;
use mmap_workbook::misconception::denial::DENIALS;
use mmap_workbook::model::{Rule, Setting};
use mmap_workbook::play::random::{self, Dice, Files};
use mmap_workbook::scenario::{Line, Scenario, TOUR};
use serde_json::{Value, json};
use simulator::{SOURCES, simulate};
use wasmi::{Engine, Instance, Linker, Memory, Module, Store, TypedFunc};

const REPAIR: &str = "book/simulator/build makes it anew";

/// The most bytes that a page loads of it: it is sent as base64.
const MOST_BYTES: usize = 260_000;

/// The file that is committed, or the one that this variable names.
fn packed() -> Vec<u8> {
    let committed = || directory().join("simulator.wasm.gz");
    fs::read(std::env::var_os("SIMULATOR").map_or_else(committed, PathBuf::from)).expect(REPAIR)
}

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The WebAssembly as a page uses it.
struct Page {
    store: Store<()>,
    instance: Instance,
    memory: Memory,
}

impl Page {
    fn open() -> Page {
        let (engine, mut wasm) = (Engine::default(), Vec::new());
        GzDecoder::new(&packed()[..]).read_to_end(&mut wasm).expect("gzip");
        let module = Module::new(&engine, wasm).expect("WebAssembly");
        assert_eq!(module.imports().len(), 0, "it needs nothing of the page");
        let mut store = Store::new(&engine, ());
        let instance = Linker::new(&engine).instantiate_and_start(&mut store, &module).expect("an instance");
        let memory = instance.get_memory(&store, "memory").expect("it exports its memory");
        Page { store, instance, memory }
    }

    /// The text to which the function returns a pointer.
    fn text_of(&mut self, function: &str) -> Result<String, wasmi::Error> {
        let function: TypedFunc<(), u32> = self.instance.get_typed_func(&self.store, function)?;
        let at = usize::try_from(function.call(&mut self.store, ())?).expect("an address");
        let mut length = [0; 4];
        self.memory.read(&self.store, at, &mut length).expect("in the memory");
        let mut text = vec![0; usize::try_from(u32::from_le_bytes(length)).expect("a length")];
        self.memory.read(&self.store, at + 4, &mut text).expect("in the memory");
        Ok(String::from_utf8(text).expect("UTF-8"))
    }

    fn simulate(&mut self, request: &str) -> Result<String, wasmi::Error> {
        let length = u32::try_from(request.len()).expect("a length");
        let allocate: TypedFunc<u32, u32> = self.instance.get_typed_func(&self.store, "allocate")?;
        let at = usize::try_from(allocate.call(&mut self.store, length)?).expect("an address");
        self.memory.write(&mut self.store, at, request.as_bytes()).expect("in the memory");
        self.text_of("simulate")
    }

    /// Demands the same answer as that of the native code, and returns it.
    fn same(&mut self, request: &Value) -> Value {
        let request = request.to_string();
        let (native, wasm) = (simulate(&request), self.simulate(&request).expect("an answer"));
        assert!(native == wasm, "{request}: natively\n{native}\nas WebAssembly\n{wasm}");
        serde_json::from_str(&native).expect("JSON")
    }
}

fn request(scenario: &str) -> Value {
    json!({ "scenario": scenario, "page_size": 1 << 12, "language": "en", "without": null })
}

fn play(scenario: &str) -> Value {
    serde_json::from_str(&simulate(&request(scenario).to_string())).expect("JSON")
}

#[test]
fn it_is_built_from_these_sources() {
    let built_from = Page::open().text_of("sources").expect("an answer");
    assert_eq!(built_from, SOURCES, "the sources have changed since simulator.wasm.gz was built: {REPAIR}");
}

#[test]
fn it_is_small_enough_for_a_page() {
    let as_base64 = packed().len().div_ceil(3) * 4;
    assert!(as_base64 <= MOST_BYTES, "{as_base64} bytes are sent");
}

/// The scenarios of the book, with the last line asked: what each belief expects there is compared, too.
#[test]
fn it_says_of_the_scenarios_of_the_book_what_the_native_code_says() {
    let mut texts = vec![TOUR.to_owned()];
    let directory = directory().join("../scenarios");
    for entry in fs::read_dir(directory).expect("scenarios") {
        texts.push(fs::read_to_string(entry.expect("an entry").path()).expect("a text"));
    }
    texts.extend(DENIALS.iter().map(|denial| denial.shown_wrong_by().to_string()));
    let mut page = Page::open();
    for text in &texts {
        assert_eq!(page.same(&request(text))["error"], Value::Null, "{text}");
        assert_eq!(page.same(&request(&asking(Scenario::parse(text).expect("a scenario"))))["error"], Value::Null);
    }
}

/// The scenario with its last line as a question.
fn asking(mut scenario: Scenario) -> String {
    for (n, line) in scenario.0.iter_mut().rev().enumerate() {
        *line = Line { outcome: None, asked: n == 0, ..line.clone() };
    }
    scenario.to_string()
}

#[test]
fn it_says_of_random_scenarios_what_the_native_code_says() {
    says_the_same_of_random_scenarios(200, 1);
}

#[test]
#[ignore = "it takes minutes"]
fn it_says_of_ten_thousand_random_scenarios_what_the_native_code_says() {
    says_the_same_of_random_scenarios(10_000, 2);
}

fn says_the_same_of_random_scenarios(count: usize, seed: u64) {
    let (setting, mut dice, mut page) = (Setting::new(1 << 12), Dice::new(seed), Page::open());
    for n in 0..count {
        let scenario = random::scenario(Files::All, &setting, 20, &mut dice);
        let without = (n % 4 == 0).then(|| format!("{:?}", Rule::ALL[dice.below(Rule::ALL.len())]));
        let language = if n % 2 == 0 { "en" } else { "zh" };
        let text = asking(scenario);
        page.same(&json!({ "scenario": text, "page_size": 1 << 12, "language": language, "without": without }));
    }
}

/// A mistake has its place and its words, and the lines before it are there.
#[test]
fn a_mistake_is_said_with_its_place() {
    let mut page = Page::open();
    for (text, line, column) in [
        ("A create f 1\nA opne d f rw", 2, json!(3)),
        ("A create f 1\n\nB exit", 3, Value::Null),
        ("A map m anon private rw 256p\nA load m 0 300p", 2, Value::Null),
    ] {
        let answer = page.same(&request(text));
        assert_eq!((&answer["error"]["line"], &answer["error"]["column"]), (&json!(line), &column), "{answer}");
        assert_eq!(answer["lines"].as_array().map(Vec::len), Some(1), "{answer}");
    }
    for odd in [
        "",
        "{",
        "[]",
        "null",
        "\"\\ud800\"",
        "{\"scenario\": 1}",
        r#"{"scenario":"A exit","page_size":4095,"language":"en","without":null}"#,
        r#"{"scenario":"A exit","page_size":4096,"language":"fr","without":null}"#,
        r#"{"scenario":"A exit","page_size":4096,"language":"en","without":"NoSuchRule"}"#,
        r#"{"scenario":"A exit","page_size":4096,"language":"en","without":7}"#,
    ] {
        let answer = page.simulate(odd).expect("an answer");
        assert_eq!(answer, simulate(odd));
        assert!(answer.starts_with("{\"error\":{") && !answer.contains("\"lines\""), "{odd}: {answer}");
    }
}

/// What is too much for the browser ends this instance, and no other.
#[test]
fn what_is_too_large_is_an_error_or_a_trap() {
    let many: String = (0..26).map(|n| format!("A map m{n} anon private rw 39p\nA store m{n} 0 'x'*39p\n")).collect();
    let lines = "A load m0 0 1\n".repeat(3000);
    let mut page = Page::open();
    let outcome = page.simulate(&request(&(many + &lines)).to_string());
    assert!(outcome.is_err(), "{} bytes", outcome.unwrap_or_default().len());
    assert_eq!(Page::open().same(&request("A exit"))["error"], Value::Null);
}

/// In a world without a rule, the line that the rule explains gives what those expect who deny it.
#[test]
fn a_world_without_a_rule_is_that_of_the_misconception() {
    for denial in DENIALS {
        let text = asking(denial.shown_wrong_by());
        let mut request = request(&text);
        let here = play(&text);
        request["without"] = json!(format!("{:?}", denial.rule));
        let there: Value = serde_json::from_str(&simulate(&request.to_string())).expect("JSON");
        let last =
            |answer: &Value| answer["lines"].as_array().and_then(|lines| lines.last()).cloned().unwrap_or_default();
        let (here, there) = (last(&here), last(&there));
        assert_ne!(here["model"], there["model"], "{text}");
        let options = here["options"].as_array().expect("options");
        let its = options.iter().find(|option| option["outcome"] == there["model"]).expect("one of the options");
        let slugs = its["beliefs"].as_array().expect("slugs");
        assert!(slugs.contains(&json!(denial.misconception.slug)), "{text}: {slugs:?}");
        let truth = options.iter().find(|option| option["outcome"] == here["model"]).expect("one of the options");
        assert_eq!(truth["beliefs"], json!([]));
        assert_eq!(there["options"], json!([]), "nobody is asked there");
    }
}

/// The page shows it to those who can't see the drawing.
#[test]
fn each_line_has_its_state_in_characters() {
    let text = "A create f \"a\"\nA open d f rw\nA map m d private rw 0 1p\nA store m 0 \"x\"";
    let mut request = request(text);
    request["language"] = "zh".into();
    let answer: Value = serde_json::from_str(&simulate(&request.to_string())).expect("JSON");
    let drawn = answer["lines"][3]["drawn"].as_array().expect("lines");
    assert!(drawn[0].as_str().is_some_and(|line| line.starts_with("f，1 字节")), "{drawn:?}");
    assert!(drawn[1].as_str().is_some_and(|line| line.contains("副本 1 \"x\"")), "{drawn:?}");
}
