//! The model on scenarios whose outcomes the lessons' tests have from the kernel.

use mmap_workbook::model::Model;
use mmap_workbook::scenario::{Amount, Byte, Death, Outcome, Scenario};

/// The outcome of the last line, where a page has 4 KiB.
fn last(text: &str) -> Outcome {
    let scenario = Scenario::parse(text).unwrap_or_else(|problem| panic!("{problem}"));
    let mut model = Model::new(1 << 12);
    let mut outcomes = scenario.0.iter().map(|line| model.step(line.process, &line.operation).0).collect::<Vec<_>>();
    outcomes.pop().expect("a line")
}

fn bytes(text: &str) -> Outcome {
    Outcome::Bytes(text.bytes().map(Byte::Is).collect())
}

#[test]
fn a_shared_store_is_a_change_of_the_file_and_a_private_one_is_not() {
    let begin = "A create f \"ab\"\nA open d f rw\n";
    assert_eq!(last(&format!("{begin}A map m d shared rw 0 2\nA store m 0 \"X\"\nA read d 0 2")), bytes("Xb"));
    assert_eq!(last(&format!("{begin}A map m d private rw 0 2\nA store m 0 \"X\"\nA read d 0 2")), bytes("ab"));
}

#[test]
fn a_private_mapping_is_a_snapshot_of_the_pages_it_has_written_only() {
    let text = "A create f 'a'*3p\nA open d f rw\nA map m d private rw 0 3p\nA load m 0 1\nA store m 2p-1 \"x\"\n\
                A write d 0 \"1\"\nA write d 1p \"2\"\nA write d 2p \"3\"\n";
    for (at, seen) in [("0", "1"), ("1p", "a"), ("2p", "3")] {
        assert_eq!(last(&format!("{text}A load m {at} 1")), bytes(seen));
    }
}

#[test]
fn a_touch_faults_where_the_file_has_no_page() {
    let begin = "A create f 10\nA open d f rw\nA map m d shared rw 0 3p\n";
    assert_eq!(last(&format!("{begin}A load m 1p-1 1")), Outcome::Bytes(vec![Byte::Is(0)]));
    assert_eq!(last(&format!("{begin}A load m 1p 1")), Outcome::Died(Death::NoPage, Amount { pages: 1, bytes: 0 }));
    assert_eq!(last(&format!("{begin}A load m 3p 1")), Outcome::Died(Death::NotMapped, Amount { pages: 3, bytes: 0 }));
    assert_eq!(
        last(&format!("{begin}A protect m r\nA store m 1p \"x\"")),
        Outcome::Died(Death::NotAllowed, Amount { pages: 1, bytes: 0 })
    );
}

#[test]
fn a_truncation_takes_private_copies_too() {
    let text = "A create f 2p\nA open d f rw\nA map m d private rw 0 2p\nA store m 1p \"x\"\nA truncate d 1p\n";
    assert_eq!(last(&format!("{text}A load m 1p 1")), Outcome::Died(Death::NoPage, Amount { pages: 1, bytes: 0 }));
    assert_eq!(last(&format!("{text}A truncate d 2p\nA load m 1p 1")), Outcome::Bytes(vec![Byte::Is(0)]));
}

#[test]
fn a_child_has_its_parents_copies_until_either_stores() {
    let text = "A map m anon private rw 1p\nA store m 0 \"1\"\nA fork B\nA store m 0 \"2\"\n";
    assert_eq!(last(&format!("{text}B load m 0 1")), bytes("1"));
    assert_eq!(last("A map m anon shared rw 1p\nA fork B\nB store m 0 \"c\"\nA load m 0 1"), bytes("c"));
}

#[test]
fn what_is_stored_behind_the_end_and_uncovered_later_is_left_open() {
    let text =
        "A create f 10\nA open d f rw\nA map m d shared rw 0 1p\nA store m 20 \"x\"\nA truncate d 30\nA read d 20 2";
    assert_eq!(last(text), Outcome::Bytes(vec![Byte::Either(b'x', 0), Byte::Is(0)]));
}
