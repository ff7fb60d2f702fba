//! `workbook play`, `predict` and `torture`, run as a learner runs them.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use mmap_workbook::fault::Cause;
use mmap_workbook::kernel::Kernel;
use mmap_workbook::model::{Other, PastTheEnd, Setting};
use mmap_workbook::play::random::{self, Dice, Files};
use mmap_workbook::play::{self, Place};
use mmap_workbook::process::{Child, Ended};
use mmap_workbook::scenario::{Amount, Backend, Byte, Operation, Outcome, Scenario, TOUR};
use mmap_workbook::text::Language;
use nix::sys::resource::{Resource, setrlimit};
use serde_json::json;
use tempfile::tempdir;

/// The program with these arguments and this on its standard input.
fn workbook(language: &str, arguments: &[&str], input: &str) -> Output {
    output_of(&mut workbook_command(language, arguments), input)
}

fn workbook_command(language: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_workbook"));
    command.args(arguments).env("WORKBOOK_LANG", language).env("NO_COLOR", "1");
    command
}

fn output_of(command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // A program that refuses its arguments reads nothing.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    child.wait_with_output().expect("it ends")
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

const COPIES: &str = "
A create f \"ab\"            # a file of two bytes
A open d f rw
A map m d private rw 0 1p
A store m 0 \"x\"
A fork B
B store m 1 \"y\"  => ok
A load m 0 2 => \"xb\"
B load m 0 2 => \"xy\"
A read d 0 5 => \"ab\"
A load m 1p 1 => SIGSEGV/SEGV_MAPERR at 1p
";

#[test]
fn a_scenario_is_played_side_by_side() {
    let output = workbook("en", &["play", "-"], COPIES);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = out(&output);
    let row = text.lines().find(|line| line.contains("B load m 0 2")).expect("a row");
    assert_eq!(row.matches("\"xy\"").count(), 2, "{row}");
    assert_eq!(text.lines().count(), 11, "a head, and a row for each line:\n{text}");
}

/// Its claims hold on the kernel.
#[test]
fn the_tour_can_be_played_and_is_in_the_help() {
    let output = workbook("en", &["play", "-"], TOUR);
    assert!(output.status.success() && !out(&output).contains("\n!"), "{}", out(&output));
    let help = out(&workbook("en", &["play", "--help"], ""));
    assert!(TOUR.lines().all(|line| help.contains(line)), "{help}");
}

#[test]
fn a_wrong_claim_is_pointed_at() {
    for (language, says) in
        [("en", "line 10: it claims \"xb\", the kernel gives \"ab\"."), ("zh", "第 10 行：脚本声称 \"xb\"")]
    {
        let output = workbook(language, &["play", "-"], &COPIES.replace("0 5 => \"ab\"", "0 5 => \"xb\""));
        assert_eq!(output.status.code(), Some(1));
        let text = out(&output);
        assert!(text.contains(says), "{text}");
        let marked: Vec<_> = text.lines().filter(|line| line.starts_with('!')).collect();
        assert!(marked.len() == 1 && marked[0].starts_with("! 10  A read d 0 5"), "the file's lines: {text}");
    }
}

/// A claim in pages is the number that it is on this machine, and what it can't be is refused.
#[test]
fn a_claim_may_be_in_pages() {
    let text = "A create f 1p\nA open d f rw\nA write d 0 'x'*2p-1 => 2p-1\nA read d 0 2p => 'x'*1p-1 \"x\" 'x'*1p-1\n\
                A truncate d 1p\nA truncate d 2p\nA read d 1p-1 1p => \"x\" 0*1p-1 or 0*1p\nA read d 0 3 => 'x'*3";
    let output = workbook("en", &["play", "-"], text);
    assert!(output.status.success(), "{}{}", out(&output), String::from_utf8_lossy(&output.stderr));
    let wrong = workbook("en", &["play", "-"], &text.replace("=> 2p-1", "=> 2p"));
    let (claimed, size) = (2 * mmap_workbook::observe::page_size(), mmap_workbook::observe::page_size() * 2 - 1);
    let says = format!("line 3: it claims {claimed}, the kernel gives {size}.");
    assert!(wrong.status.code() == Some(1) && out(&wrong).contains(&says), "{}", out(&wrong));
    for (claim, says) in [("1p-99999", "1p-99999 is negative"), ("0*257p", "257p is more than 256 pages")] {
        let refused = workbook("en", &["play", "-"], &text.replace("=> 2p-1", &format!("=> {claim}")));
        let errors = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.status.code() == Some(2) && errors.contains(says), "{claim}: {errors}");
    }
}

#[test]
fn a_trace_draws_whose_copy_a_page_is() {
    let text = out(&workbook("en", &["play", "-", "--trace"], COPIES));
    let after_fork: Vec<_> = text.lines().skip_while(|line| !line.contains("A fork B")).skip(1).take(4).collect();
    assert_eq!(after_fork[0].trim(), "A child has its parent's descriptors and mappings, at the same addresses.");
    assert_eq!(after_fork[1].trim(), "f, 2 bytes: [f.0 \"ab\" 0*4094]".replace("4094", &page_minus(2)));
    for (line, process) in after_fork[2..].iter().zip(["A", "B"]) {
        assert!(line.contains(&format!("{process} m private f: [rw copy 1 \"xb\"")), "{line}");
    }
    let mapped = text.lines().skip_while(|line| !line.contains("A store m 0")).skip(1).take(2).collect::<String>();
    assert!(
        mapped.contains(" no longer follows the file. [Linux; POSIX leaves"),
        "the basis, where it isn't POSIX: {mapped}"
    );
    let last = text.lines().rev().find(|line| line.contains("B m private")).expect("B's mapping");
    assert!(last.contains("\"xy\""), "{last}");
}

fn page_minus(bytes: usize) -> String {
    (mmap_workbook::observe::page_size() - bytes).to_string()
}

#[test]
fn what_posix_leaves_unspecified_has_a_column() {
    let text = "A create f \"a\"\nA open d f rw\nA map m d private r 0 1\nA write d 0 \"w\"\nA load m 0 1 => \"w\"";
    for (language, or) in [("en", "or \"a\""), ("zh", "或 \"a\"")] {
        let output = workbook(language, &["play", "-"], text);
        assert!(output.status.success());
        let rows = out(&output);
        assert!(rows.lines().next().is_some_and(|head| head.ends_with("POSIX")), "{rows}");
        assert!(rows.lines().last().is_some_and(|row| row.ends_with(or)), "{rows}");
        assert_eq!(rows.matches(or).count(), 1, "{rows}");
    }
    let plain = out(&workbook("en", &["play", "-"], "A create f \"a\""));
    assert!(!plain.contains("POSIX"), "{plain}");
    let json = workbook("en", &["play", "-", "--format", "json"], text).stdout;
    let value: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    let other = json!([{ "outcome": "\"a\"", "rule": "MappingCopiesNothing" }]);
    assert_eq!(value["lines"][4]["posix"], other);
    assert_eq!(value["lines"][3]["posix"], json!([]));
    assert_eq!(value["lines"][4]["rule"]["basis"], "Unspecified");
}

/// What a stage finds out decides what the columns say: a growing file shows on tmpfs what was stored past its end.
#[test]
fn what_other_file_systems_do_has_a_column() {
    let text =
        "A create f 10\nA open d f rw\nA map m d shared rw 0 1p\nA store m 20 \"x\"\nA truncate d 30\nA read d 20 1";
    for place in Place::at_hand().expect("places") {
        let mut stage = place.stage().expect("a stage");
        let Setting { named, .. } = stage.setting;
        if !named.shared_mappings {
            continue;
        }
        let rows = play::both(&Scenario::parse(text).expect("a scenario"), &mut stage).expect("both can");
        let last = rows.last().expect("a line");
        let (others, kinds) = (&last.step.file_systems, [("ext4, xfs and btrfs", "0*1"), ("tmpfs", "\"x\"")]);
        assert!(others.iter().all(|one| kinds.contains(&(&one.names.en, &one.outcome.to_string()))), "{others:?}");
        assert!(others.iter().all(|one| one.outcome != last.step.model), "only what differs: {others:?}");
        assert!(named.past_the_end == PastTheEnd::Open || others.len() == 1, "{named:?}: {others:?}");
        for (language, head, on) in [
            (
                Language::English,
                "other file systems",
                others.iter().map(|one| format!("{}: {}", one.names.en, one.outcome)).collect(),
            ),
            (
                Language::Chinese,
                "其他文件系统",
                others.iter().map(|one| format!("{}：{}", one.names.zh, one.outcome)).collect::<Vec<_>>(),
            ),
        ] {
            let mut table = Vec::new();
            play::print(&mut table, &rows, &stage, false, language).expect("printed");
            let table = String::from_utf8(table).expect("text");
            assert_eq!(table.lines().next().is_some_and(|line| line.ends_with(head)), !on.is_empty(), "{table}");
            assert!(table.lines().nth(6).is_some_and(|line| line.ends_with(&on.join("; "))), "{table}");
        }
        let mut json = Vec::new();
        play::json(&mut json, &rows, &stage, text, serde_json::Value::Null, true).expect("printed");
        let value: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
        assert_eq!(value["file_system"]["past_the_end"], format!("{:?}", named.past_the_end));
        assert_eq!(value["file_system"]["name"]["en"], *place.name.en);
        assert_eq!(value["memory"]["shared_mappings"], true);
        assert_eq!(value["differences"].as_array().map(Vec::len), Some(stage.differences.len()));
        let listed = value["lines"][5]["file_systems"].as_array().expect("a list");
        let same = |(one, Other { names, outcome, rule }): (&serde_json::Value, &Other)| {
            one["names"]["en"] == *names.en
                && one["outcome"] == outcome.to_string()
                && one["rule"] == format!("{rule:?}")
        };
        assert!(listed.len() == others.len() && listed.iter().zip(others).all(same), "{listed:?}");
        assert_eq!(value["lines"][0]["file_systems"], serde_json::json!([]));
    }
    let traced = play::explained(&Scenario::parse(text).expect("a scenario"), 1 << 12, Language::English);
    assert!(traced.contains("On tmpfs it is \"x\".\n"), "{traced}");
    assert!(traced.contains("[Linux; depends on the file"), "{traced}");
}

#[test]
fn json_has_what_the_table_has() {
    let output = workbook("en", &["play", "-", "--trace", "--format", "json"], COPIES);
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(value["format"], mmap_workbook::trace::JSON_FORMAT);
    assert_eq!(value["page_size"], mmap_workbook::observe::page_size());
    let lines = value["lines"].as_array().expect("lines");
    assert_eq!(lines.len(), 10);
    assert_eq!(lines[7]["number"], 9);
    assert_eq!(lines[7]["kernel"], "\"xy\"");
    assert_eq!(lines[7]["model"], "\"xy\"");
    assert_eq!(lines[7]["claim"], "\"xy\"");
    assert_eq!(lines[7]["agrees"], true);
    assert_eq!(lines[7]["rule"]["name"], "ForkSeparatesPrivateMappings");
    let mappings = &lines[7]["state"]["processes"][1]["mappings"][0];
    assert_eq!(mappings["pages"][0]["protection"], "rw");
    let bytes = mappings["pages"][0]["backing"]["bytes"].as_array().expect("runs");
    assert_eq!(bytes[..2], [json!([b'x', 1]), json!([b'y', 1])]);
    assert_eq!(lines[7]["state"]["files"][0]["size"], 2);
}

/// What a program draws that shows a line happen: each event, and numbers that stay.
#[test]
fn json_tells_what_each_line_changes() {
    let text = "A create f 2p\nA open d f rw\nA map m d private rw 0 2p\nA store m 0 \"x\"\nA fork B\nB store m 1p-1 \"yy\"\n\
                A truncate d 1p\nA advise m dontneed\nB load m 1p 1\nA fork C\nC exit\nA unmap m\nA unlink f\nA close d";
    let output = workbook("en", &["play", "-", "--trace", "--format", "json"], text);
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let events = |line: usize| value["lines"][line - 1]["events"].clone();
    let copy = |kind: &str, process: &str, page: usize, copy: usize| json!({ "kind": kind, "process": process, "mapping": "m", "page": page, "copy": copy });
    let access = |kind: &str, process: &str, page: usize, count: usize| json!({ "kind": kind, "process": process, "mapping": "m", "page": page, "count": count });
    assert_eq!(events(3), json!([]));
    assert_eq!(events(4), json!([access("store", "A", 0, 1), copy("copy_made", "A", 0, 1)]));
    assert_eq!(events(5), json!([]), "the child has its parent's copy");
    let stored = [access("store", "B", 0, 2), copy("copy_dropped", "B", 0, 1)];
    let made = [copy("copy_made", "B", 0, 2), copy("copy_made", "B", 1, 3)];
    assert_eq!(events(6), json!([stored, made].concat()));
    let cut = json!({ "kind": "pages_cut_off", "file": 1, "first": 1, "count": 1 });
    assert_eq!(events(7), json!([cut, copy("copy_dropped", "B", 1, 3)]));
    assert_eq!(events(8), json!([copy("copy_dropped", "A", 0, 1)]));
    let gone = |process: &str, how: &str| json!({ "kind": "process_gone", "process": process, "how": how });
    assert_eq!(events(9), json!([access("load", "B", 1, 1), gone("B", "SIGBUS/BUS_ADRERR")]));
    assert_eq!(events(11), json!([gone("C", "exit")]));
    assert_eq!(events(14), json!([json!({ "kind": "file_gone", "file": 1 })]));
    let page = &value["lines"][5]["state"]["processes"][1]["mappings"][0]["pages"][1];
    assert_eq!((&page["file"], &page["backing"]["copy"]), (&json!({ "index": 0, "page": 1 }), &json!(3)));
}

/// A line that asks has the answers that one might give, each with the beliefs that lead to it, and none for what happens.
#[test]
fn json_has_the_options_of_a_line_that_asks() {
    let text = "A create f \"a\"\nA open d f rw\nA map m d private rw 0 1p => ok\nA store m 0 \"x\"  # a copy\nA read d 0 1 => ?";
    let output = workbook("en", &["play", "-", "--format", "json"], text);
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let lines = value["lines"].as_array().expect("lines");
    assert!(lines[..4].iter().all(|line| line["options"] == json!([]) && line["asked"] == false));
    assert_eq!((&lines[4]["asked"], &lines[4]["claim"]), (&json!(true), &json!(null)));
    assert_eq!(lines[3]["text"], "A store m 0 \"x\"  # a copy");
    assert_eq!(lines[3]["rule"]["read"], "model.html#rule-StoringCopiesThePage");
    let options = lines[4]["options"].as_array().expect("options");
    let beliefs = |outcome: &str| options.iter().find(|option| option["outcome"] == outcome).map(|one| &one["beliefs"]);
    assert_eq!(beliefs("\"a\""), Some(&json!([])), "{options:?}");
    assert_eq!(beliefs("\"x\""), Some(&json!(["private-reaches-the-file"])), "{options:?}");
}

/// Who draws shows the lines before a mistake, and points at it. What people read and the status are as without JSON.
#[test]
fn json_has_the_lines_before_a_mistake_and_where_it_is() {
    let forks = "A create f 1\nA fork B\n";
    for (text, line, column, says) in [
        (forks.to_owned() + "A opne d f rw", 3, json!(3), "opne"),
        (forks.to_owned() + "C exit", 3, json!(null), "no line has forked C"),
        ("A fork B fast".to_owned(), 1, json!(10), "=>"),
        ("A load m 0 1 => ? ?".to_owned(), 1, json!(19), "must end here"),
    ] {
        let output = workbook("en", &["play", "-", "--trace", "--format", "json"], &text);
        let value: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let error = &value["error"];
        assert_eq!((&error["line"], &error["column"]), (&json!(line), &column), "{text}");
        assert!(error["en"].as_str().is_some_and(|en| en.contains(says)), "{error}");
        assert!(error["zh"].as_str().is_some_and(|zh| !zh.is_ascii()), "{error}");
        assert_eq!(value["lines"].as_array().map(Vec::len), Some(line - 1), "{text}");
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(output.stderr, workbook("en", &["play", "-"], &text).stderr);
    }
    let output = workbook("en", &["play", "-", "--format", "json"], forks);
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(value["error"], json!(null));
}

const DIED: &str = "A map m anon private none 1p\nA load m 0 1\nA exit";

#[test]
fn what_is_not_a_scenario_is_refused_in_one_line_and_nothing_is_run() {
    let directory = tempdir().expect("a directory");
    let path = directory.path().join("odd");
    fs::write(&path, b"A create \xff 1p").expect("written");
    let many = "A exit\n".repeat(Scenario::MOST_LINES + 1);
    let forks: String = (0..40).map(|n| format!("A map m{n} anon private rw 200p\n")).collect();
    let flood = "A map m anon private rw 256p\n".to_owned() + &"A load m 0 256p\n".repeat(5000);
    let deluge = "A map m anon private rw 256p\n".to_owned() + &"A store m 0 'x'*256p\n".repeat(5000);
    let odd = path.to_str().expect("text");
    for (arguments, input, says) in [
        (
            vec!["play", "-"],
            "A map m anon private rw 1152921504606846976",
            "line 1, column 25: length: expected a number of bytes (10, 1p, 2p-1), found \"1152921504606846976\"",
        ),
        (vec!["play", "-"], "A map m anon private rw 4000000000p", ": 4000000000p is more than 256 pages"),
        (vec!["play", "-"], "A create f 1p-999999", "line 1, `A create f 1p-999999`: 1p-999999 is negative"),
        (vec!["play", "-"], forks.as_str(), "line 6, `A map m5 anon private rw 200p`: A maps more than 1024 pages"),
        (vec!["play", "-"], flood.as_str(), "the lines up to here copy more than"),
        (vec!["play", "-"], deluge.as_str(), "the lines up to here copy more than"),
        (vec!["play", "-"], "A load missing 0 1", "line 1, `A load missing 0 1`: A has no mapping `missing`"),
        (
            vec!["play", "-"],
            "A create f 1\nA open d f ro\nA open d f ro",
            "line 3, `A open d f ro`: A already has a descriptor `d`",
        ),
        (vec!["play", "-"], "A exit\nA exit", "line 2, `A exit`: A exited in line 1"),
        (vec!["play", "-"], "A fork B\nB kill A\nB sync m\nA exit", "line 3, `B sync m`: B has no mapping `m`"),
        (vec!["play", "-"], "# one process\nA fork B\n\nB kill A\nA exit", "line 5, `A exit`: line 4 killed A"),
        (vec!["play", "-"], DIED, "line 3, `A exit`: A died of SIGSEGV/SEGV_ACCERR in line 2"),
        (vec!["play", "-"], "A kill C", "line 1, `A kill C`: no line has forked C"),
        (vec!["play", "-"], "A fork B\nB fork A", "line 2, `B fork A`: there is already a process A"),
        (vec!["play", "-"], "A kill A", "line 1, `A kill A`: a process can't kill itself; use `exit`"),
        (vec!["play", "-"], "A fork PROCESS1000000", "line 1, column 8"),
        (vec!["play", "-"], "A open d ../etc/passwd rw", "line 1, column 10"),
        (vec!["play", "-"], "A create f 1p\nA opne d f rw", "line 2, column 3: unknown operation \"opne\""),
        (vec!["play", "-"], "# nothing\n", "the scenario has no lines"),
        (vec!["play", "-"], many.as_str(), "more than 100000 lines"),
        (vec!["play", odd], "", "UTF-8"),
        (vec!["play", "/nowhere/at/all"], "", "/nowhere/at/all: No such file"),
        (vec!["play", "/"], "", "Is a directory"),
        (vec!["play", "/dev/zero"], "", "longer than"),
        (vec!["play", "-", "--on", "/nowhere"], "A exit", "/nowhere"),
        (vec!["torture", "--on", "/nowhere"], "", "/nowhere"),
    ] {
        let output = workbook("en", &arguments, input);
        let errors = String::from_utf8(output.stderr.clone()).expect("text");
        // Status 1 is a difference; this was not played.
        let failed = if arguments[0] == "play" { 2 } else { 1 };
        assert_eq!(output.status.code(), Some(failed), "{arguments:?}: {errors}");
        assert!(errors.starts_with("workbook: ") && errors.lines().count() == 1, "{arguments:?}: {errors}");
        assert!(errors.contains(says), "{arguments:?}: {errors}");
        assert_eq!(out(&output), "", "{arguments:?}");
    }
}

/// Since Linux 6.7 a sealed file can be mapped, and before that it can't: the next lines follow from what this kernel does.
#[test]
fn play_goes_on_from_what_the_kernel_did() {
    let sealed = "A memfd e 2p\nA seal e write\nA map r e shared r 0 2p\n";
    let (again, protect) = (format!("{sealed}A map r e private r 0 2p"), format!("{sealed}A protect r rw => EACCES"));
    let played = workbook("en", &["play", "-", "--trace", "--format", "json"], sealed).stdout;
    let value: serde_json::Value = serde_json::from_slice(&played).expect("JSON");
    assert_eq!(value["lines"][2]["model"], "EPERM or ok");
    let (right, wrong, says) = match value["lines"][2]["kernel"].as_str() {
        Some("ok") => (protect, again, "line 4, `A map r e private r 0 2p`: A already has a mapping `r`"),
        _ => (again, protect, "line 4, `A protect r rw`: A has no mapping `r`"),
    };
    assert_eq!(value["lines"][2]["state"]["processes"][0]["mappings"][0].is_object(), says.contains("already"));
    let output = workbook("en", &["play", "-"], &right);
    assert!(output.status.success(), "{}{}", out(&output), String::from_utf8_lossy(&output.stderr));
    let refused = workbook("en", &["play", "-"], &wrong);
    assert!(String::from_utf8_lossy(&refused.stderr).contains(says), "{}", String::from_utf8_lossy(&refused.stderr));
}

/// On a full disk a store may kill the process, where the model says ok. What the dead don't do is no other difference.
#[test]
fn what_follows_from_an_unexpected_death_is_no_difference_of_its_own() {
    let text = "A create f 1p\nA open d f rw\nA map m d shared rw 0 1p\nA fork B\nA store m 0 \"x\"\n\
                A load m 0 1 => \"x\"\nA fork C\nC exit => ok\nB kill A\nB load m 0 1 => 0*1";
    let scenario = Scenario::parse(text).expect("a scenario");
    let died = Outcome::Died(Cause::NoPage, Amount { pages: 0, bytes: 0 });
    let mut happened = vec![Outcome::Done; 4];
    happened.push(died);
    happened.extend(vec![Outcome::NotApplicable; 4]);
    happened.push(Outcome::Bytes(vec![Byte::Is(0)]));
    let rows = play::rows(&scenario, &Setting::new(1 << 12), happened);
    let differ: Vec<_> = rows.iter().filter(|row| !row.agrees()).map(|row| row.step.line.number).collect();
    assert_eq!(differ, [5, 10], "the store, and what somebody alive sees of it");
}

/// The names of a scenario are names in its own directory, even if a file of that name exists elsewhere.
#[test]
fn a_scenario_reaches_nothing_but_its_own_directory() {
    let directory = tempdir().expect("a directory");
    fs::write(directory.path().join("f"), "mine").expect("written");
    let text = "A create f \"x\" => ok\nA open d f rw trunc\nA rename f g\nA unlink g\nA create f 1p";
    let on = directory.path().to_str().expect("text");
    let output = workbook("en", &["play", "-", "--on", on], text);
    assert!(output.status.success(), "{}", out(&output));
    assert_eq!(fs::read_to_string(directory.path().join("f")).expect("read"), "mine");
    assert_eq!(fs::read_dir(directory.path()).expect("read").count(), 1, "nothing else is there");
}

#[test]
fn predictions_are_asked_for_and_answered() {
    let output = workbook("en", &["predict", "6"], "z\na\nq\n");
    let text = out(&output);
    assert!(output.status.success() && text.contains("=> ?") && text.contains("One of the letters"), "{text}");
    assert!(text.contains(" of 1 predicted."), "{text}");
    let text = out(&workbook("zh", &["predict", "--seed", "3", "--level", "2"], ""));
    // Who leaves at once has nothing to sum up.
    assert!(text.contains("最后一行的结果是什么？") && !text.contains("猜对"), "{text}");
    let refused = workbook("en", &["predict", "--seed", "3", "--level", "4"], "");
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(workbook("en", &["predict", "99"], "").status.code(), Some(2));
}

#[test]
fn random_scenarios_have_every_operation() {
    let mut missing: BTreeSet<&str> = Operation::VERBS.iter().copied().collect();
    let mut dice = Dice::new(1);
    // The kernel plays them.
    missing.retain(|verb| !["cut", "fail"].contains(verb));
    for _ in 0..100 {
        for line in &random::scenario(Files::All, &Setting::new(1 << 12), 200, &mut dice).0 {
            missing.remove(line.operation.to_string().split(' ').next().expect("a verb"));
        }
    }
    assert!(missing.is_empty(), "the tables of src/play/random.rs draw none of these: {missing:?}");
}

#[test]
fn torture_says_what_it_has_done() {
    let output = workbook("en", &["torture", "--ops", "500", "--seed", "5"], "");
    let text = out(&output);
    assert!(output.status.success(), "{text}");
    assert!(text.lines().count() >= 2 && text.lines().last().expect("a line").starts_with("memfd: "), "{text}");
    assert!(text.lines().all(|line| line.contains(" operations, no divergence (seed 5, ")), "{text}");
}

/// When the program is killed, at any moment, all processes of its scenario die, and the scenario's directory is
/// removed.
#[test]
fn processes_of_a_scenario_die_with_the_program() {
    let directory = tempdir().expect("a directory");
    let long = "A fork B\nB exit\n".repeat(Scenario::MOST_LINES / 2);
    let began = Instant::now();
    let scenario = Scenario::parse(&long).expect("a scenario");
    // To play it takes far longer than to parse it, which the processes do first.
    let parsing = began.elapsed();
    for round in 0..10 {
        // Each process of the scenario holds the other end of the pipe while it lives.
        let (reader, writer) = std::io::pipe().expect("a pipe");
        let (mut child, _line) = Child::fork(|_| {
            Kernel::in_dir(directory.path())?.play(&scenario)?;
            Err(std::io::Error::other("it should have been killed"))
        })
        .expect("a child");
        drop(writer);
        assert_eq!(child.ended_within(parsing * round / 4).expect("waited"), None);
        assert!(matches!(child.kill().expect("killed"), Ended::Killed(_)));
        let ready = nix::poll::PollFd::new(std::os::fd::AsFd::as_fd(&reader), nix::poll::PollFlags::POLLIN);
        let limit = nix::poll::PollTimeout::try_from(parsing * 10 + Duration::from_secs(1)).expect("short");
        let ended = nix::poll::poll(&mut [ready], limit).expect("polled");
        assert_eq!(ended, 1, "killed in round {round}: a process of the scenario lives on");
        assert_eq!(fs::read_dir(directory.path()).expect("read").count(), 0, "its directory is still there");
    }
}

#[test]
fn a_limit_that_is_too_low_gets_one_line_and_leaves_nothing() {
    let directory = tempdir().expect("a directory");
    for (resource, limit, arguments, says) in [
        (Resource::RLIMIT_FSIZE, 0, &["play", "-"][..], "`ulimit -f`"),
        (Resource::RLIMIT_FSIZE, 4 << 10, &["play", "-"], "`ulimit -f`"),
        (Resource::RLIMIT_FSIZE, 0, &["torture"], "`ulimit -f`"),
        (Resource::RLIMIT_FSIZE, 0, &["run", "4"], "File too large"),
        (Resource::RLIMIT_NOFILE, 40, &["predict", "2"], "`ulimit -n`"),
        (Resource::RLIMIT_AS, 64 << 20, &["play", "-"], "/dev/zero"),
        (Resource::RLIMIT_AS, 2_000_000 << 10, &["play", "-"], "`ulimit -v`"),
    ] {
        let mut command = workbook_command("en", arguments);
        command.env("TMPDIR", directory.path());
        // SAFETY: setrlimit(2) is a raw call that allocates nothing and takes no lock.
        unsafe { command.pre_exec(move || Ok(setrlimit(resource, limit, limit)?)) };
        let output = output_of(&mut command, "A exit");
        let errors = String::from_utf8(output.stderr).expect("text");
        let failed = if arguments[0] == "play" { 2 } else { 1 };
        assert_eq!(output.status.code(), Some(failed), "{arguments:?}: {errors}");
        assert!(errors.lines().count() == 1 && errors.contains(says), "{arguments:?}: {errors}");
        assert_eq!(fs::read_dir(directory.path()).expect("read").count(), 0, "{arguments:?} leaves something");
    }
}

const A_CUT: &str = "
A create f \"a\"
A open d f rw
A fsync d
A fsync_dir   => ok
A map m d shared rw 0 1p
A store m 0 \"x\"
A cut
A open d f rw => ok
A read d 0 9  => ('a'|'x')*1
";

/// The kernel plays up to a power cut; from there on there is only the model, and nothing that anybody could disagree with.
#[test]
fn from_a_power_cut_on_only_the_model_plays() {
    for (language, says) in [
        (
            "en",
            "From line 8 on only the model plays: no kernel can be asked for a power cut, or for a disk that fails.",
        ),
        ("zh", "从第 8 行起只有模型：断电和磁盘出错，都无法让内核来演示。"),
    ] {
        let output = workbook(language, &["play", "-", "--trace"], A_CUT);
        let text = out(&output);
        assert!(output.status.success() && text.contains(says), "{text}{}", String::from_utf8_lossy(&output.stderr));
        let row = text.lines().find(|line| line.contains("A read d 0 9")).expect("a row");
        assert!(row.contains("('a'|'x')*1  -"), "{row}");
        let on_the_disk = if language == "en" {
            "on the disk: #1, 1 bytes: [0 ('a'|'x')*1"
        } else {
            "磁盘上：#1，1 字节：[0 ('a'|'x')*1"
        };
        assert!(text.contains(on_the_disk), "{text}");
    }
    let json: serde_json::Value =
        serde_json::from_slice(&workbook("en", &["play", "-", "--trace", "--format", "json"], A_CUT).stdout)
            .expect("JSON");
    let lines = json["lines"].as_array().expect("lines");
    assert!(lines[5]["kernel"] == "ok" && lines[6]["kernel"].is_null() && lines[8]["agrees"] == true, "{lines:?}");
    assert_eq!(lines[5]["state"]["disk"]["files"][0]["pages"][0][0], json!([[97, 120], 1]));
    let wrong = workbook("en", &["play", "-"], &A_CUT.replace("('a'|'x')*1", "\"x\""));
    let says = "line 10: it claims \"x\", the model says ('a'|'x')*1.";
    assert!(wrong.status.code() == Some(1) && out(&wrong).contains(says), "{}", out(&wrong));
}
