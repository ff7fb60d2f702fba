//! The model on scenarios whose outcomes on the kernel the lessons' tests show.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use mmap_workbook::fault::Cause;
use mmap_workbook::model::{Backing, Basis, FileSystem, Limit, Model, PastTheEnd, Posix, Rule, Setting};
use mmap_workbook::scenario::{Amount, Backend, Byte, Outcome, Scenario, TOUR};
use mmap_workbook::text::Text;

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
fn an_access_faults_where_the_file_has_no_page() {
    let begin = "A create f 10\nA open d f rw\nA map m d shared rw 0 3p\n";
    assert_eq!(last(&format!("{begin}A load m 1p-1 1")), Outcome::Bytes(vec![Byte::Is(0)]));
    assert_eq!(last(&format!("{begin}A load m 1p 1")), Outcome::Died(Cause::NoPage, Amount { pages: 1, bytes: 0 }));
    assert_eq!(last(&format!("{begin}A load m 3p 1")), Outcome::Died(Cause::NotMapped, Amount { pages: 3, bytes: 0 }));
    assert_eq!(
        last(&format!("{begin}A protect m r\nA store m 1p \"x\"")),
        Outcome::Died(Cause::NotAllowed, Amount { pages: 1, bytes: 0 })
    );
}

#[test]
fn a_truncation_removes_private_copies_too() {
    let text = "A create f 2p\nA open d f rw\nA map m d private rw 0 2p\nA store m 1p \"x\"\nA truncate d 1p\n";
    assert_eq!(last(&format!("{text}A load m 1p 1")), Outcome::Died(Cause::NoPage, Amount { pages: 1, bytes: 0 }));
    assert_eq!(last(&format!("{text}A truncate d 2p\nA load m 1p 1")), Outcome::Bytes(vec![Byte::Is(0)]));
}

#[test]
fn a_child_has_its_parents_copies_until_either_stores() {
    let text = "A map m anon private rw 1p\nA store m 0 \"1\"\nA fork B\nA store m 0 \"2\"\n";
    assert_eq!(last(&format!("{text}B load m 0 1")), bytes("1"));
    assert_eq!(last("A map m anon shared rw 1p\nA fork B\nB store m 0 \"c\"\nA load m 0 1"), bytes("c"));
}

/// What a mapping shows past the end, before the file grows and after.
#[test]
fn what_is_stored_past_the_end_depends_on_the_file_system() {
    let begin = "A create f 10\nA open d f rw\nA map m d shared rw 0 1p\nA store m 20 \"xy\"\n";
    let (disk, memory) = (FileSystem::DISK, FileSystem::MEMORY);
    let open = FileSystem { past_the_end: PastTheEnd::Open, ..disk };
    for (lines, on_disk, in_memory, is_open) in [
        ("A load m 20 2", "('x'|0)*1 ('y'|0)*1", "\"xy\"", "('x'|0)*1 ('y'|0)*1"),
        ("A truncate d 21\nA load m 20 2", "0*1 ('y'|0)*1", "\"xy\"", "('x'|0)*1 ('y'|0)*1"),
        ("A truncate d 30\nA read d 20 2", "0*2", "\"xy\"", "('x'|0)*1 ('y'|0)*1"),
        ("A write d 30 \"w\"\nA read d 20 2", "0*2", "\"xy\"", "('x'|0)*1 ('y'|0)*1"),
        ("A write d 9 \"0123456789ab\"\nA load m 20 2", "\"b\" ('y'|0)*1", "\"by\"", "\"b\" ('y'|0)*1"),
        ("A truncate d 9\nA truncate d 30\nA read d 20 2", "0*2", "0*2", "0*2"),
        // Without a change of the size, too: where the bytes would stay.
        ("A truncate d 10\nA load m 20 2", "('x'|0)*1 ('y'|0)*1", "0*2", "('x'|0)*1 ('y'|0)*1"),
        ("A punch d 21 7\nA load m 20 2", "('x'|0)*1 ('y'|0)*1", "\"x\" 0*1", "('x'|0)*1 ('y'|0)*1"),
    ] {
        let scenario = Scenario::parse(&format!("{begin}{lines}")).unwrap_or_else(|problem| panic!("{problem}"));
        for (named, expected) in [(disk, on_disk), (memory, in_memory), (open, is_open)] {
            let Ok(outcomes) = Model::on(&Setting { named, ..Setting::new(1 << 12) }).play(&scenario);
            assert_eq!(outcomes.last().expect("a line").to_string(), expected, "{lines}, {named:?}");
        }
        // A file in memory has its own file system.
        let memfd = scenario.to_string().replace("A create f 10\nA open d f rw\n", "A memfd d 10\n");
        assert_eq!(last(&memfd).to_string(), in_memory, "{memfd}");
    }
}

#[test]
fn a_file_system_may_refuse_what_others_allow() {
    let begin = "A create f 10\nA open d f rw\nA open e f ro\n";
    let direct = FileSystem { shared_mappings: false, ..FileSystem::DISK };
    for (line, named, expected) in [
        ("A map m d shared r 0 1p", FileSystem::DISK, "ok"),
        ("A map m d shared r 0 1p", direct, "ENODEV"),
        ("A map m e shared rw 0 1p", direct, "EACCES"),
        ("A map m d private rw 0 1p", direct, "ok"),
        ("A map m anon shared rw 1p", direct, "ok"),
        ("A memfd g 1p\nA map m g shared rw 0 1p", direct, "ok"),
        ("A seal d shrink", FileSystem::DISK, "EINVAL"),
        ("A seal d shrink", FileSystem::MEMORY, "EPERM"),
        ("A seal e shrink", FileSystem::DISK, "EPERM"),
    ] {
        let scenario = Scenario::parse(&format!("{begin}{line}")).unwrap_or_else(|problem| panic!("{problem}"));
        let Ok(outcomes) = Model::on(&Setting { named, ..Setting::new(1 << 12) }).play(&scenario);
        assert_eq!(outcomes.last().expect("a line").to_string(), expected, "{line}, {named:?}");
    }
}

#[test]
fn what_a_file_that_may_not_grow_takes_ends_with_it() {
    let begin = "A memfd d 10\nA seal d grow\n";
    let refused = Outcome::errno("EPERM").expect("an errno");
    assert_eq!(last(&format!("{begin}A write d 5 \"12345\"")), Outcome::Count(5));
    assert_eq!(last(&format!("{begin}A write d 10 \"1\"")), refused);
    assert_eq!(last(&format!("{begin}A write d 6 \"1234567890\"")), Outcome::OneOf(vec![refused, Outcome::Count(4)]));
}

/// Each last line follows from what another system did where the model leaves the outcome open.
#[test]
fn after_an_open_outcome_the_model_goes_on_from_what_happened() {
    let sealed = "A memfd e 10\nA seal e write\nA map r e shared r 0 1p\n";
    let written = "A memfd d 10\nA seal d grow\nA write d 6 \"abcdefgh\"\n";
    let refused = Outcome::errno("EPERM").expect("an errno");
    for (begin, happened, line, expected) in [
        (sealed, Outcome::Done, "A protect r rw", Outcome::errno("EACCES").expect("an errno")),
        (sealed, Outcome::Done, "A map r e private r 0 1p", Outcome::NotApplicable),
        (sealed, refused.clone(), "A map r e private r 0 1p", Outcome::Done),
        (written, Outcome::Count(4), "A read d 6 9", bytes("abcd")),
        (written, refused, "A read d 6 9", Outcome::Bytes(vec![Byte::Is(0); 4])),
    ] {
        let scenario = Scenario::parse(&format!("{begin}{line}")).unwrap_or_else(|problem| panic!("{problem}"));
        let mut model = Model::new(1 << 12);
        let outcomes = scenario.0.iter().map(|line| model.step_as(line.process, &line.operation, &happened).0);
        let outcomes = outcomes.collect::<Vec<_>>();
        assert!(matches!(outcomes[2], Outcome::OneOf(_)), "{begin}{}", outcomes[2]);
        assert_eq!(outcomes[3], expected, "{begin}{line}, after {happened}");
    }
}

/// A scenario at each limit, and one line more.
#[test]
fn there_is_room_up_to_each_limit_and_not_beyond() {
    let many = |count: usize, line: &str| (0..count).map(|n| line.replace('#', &n.to_string())).collect::<String>();
    for (most, more, limit) in [
        (many(4, "A create f# 256p\n"), "A create g 1", Limit::Pages),
        (many(4, "A create f# 256p\n") + "A memfd d 0\n", "A truncate d 1", Limit::Pages),
        (
            many(3, "A create f# 256p\n") + "A memfd d 256p-1\nA write d 0 'x'*256p\n",
            "A write d 256p \"x\"",
            Limit::Pages,
        ),
        (many(4, "A map m# anon private rw 256p\n"), "A map n anon private rw 1", Limit::MappedPages),
        (many(4, "A map m# anon shared rw 256p\n"), "A map n anon shared rw 1", Limit::MappedPages),
        (many(Model::MOST_NAMES, "A map m# anon private r 1\n"), "A map n anon private r 1", Limit::Mappings),
        (many(Model::MOST_NAMES, "A memfd d# 1\n"), "A memfd e 1", Limit::Descriptors),
        (many(Model::MOST_FILES, "A create f# 0\n"), "A create g 0", Limit::Files),
        // A file that nothing refers to makes room, whatever needs it.
        (
            "A memfd d 0\nA fork B\n".to_owned()
                + &many(4, "B map m# anon shared r 256p\n")
                + "B exit\nA truncate d 256p\n"
                + &many(3, "A create f# 256p\n"),
            "A create g 1",
            Limit::Pages,
        ),
        (many(4, "A create f# 256p\n") + "A unlink f0\nA create g 256p\n", "A create h 1", Limit::Pages),
    ] {
        let mut model = Model::new(1 << 12);
        let mut step = |line: &str| {
            let line = &Scenario::parse(line).unwrap_or_else(|problem| panic!("{problem}")).0[0];
            (model.step(line.process, &line.operation).0, model.passed())
        };
        for line in most.lines() {
            let (outcome, passed) = step(line);
            assert!(outcome != Outcome::NotApplicable && passed.is_none(), "{line}: {outcome}");
        }
        assert_eq!(step(more), (Outcome::NotApplicable, Some(limit)), "{more}");
    }
}

#[test]
fn each_rule_is_a_sentence_in_both_languages() {
    let mut seen = BTreeSet::new();
    for rule in Rule::ALL {
        let Text { en, zh } = rule.sentence();
        assert!(en.ends_with('.') && en.is_ascii(), "{rule:?}: {en}");
        assert!(zh.ends_with('。') && !zh.is_ascii(), "{rule:?}: {zh}");
        assert!(seen.insert(en) && seen.insert(zh), "{rule:?}: said twice");
    }
}

#[test]
fn every_outcome_comes_with_the_rule_that_gave_it() {
    let rule = |text: &str| {
        let scenario = Scenario::parse(text).unwrap_or_else(|problem| panic!("{problem}"));
        let mut model = Model::new(1 << 12);
        scenario.0.iter().map(|line| model.step(line.process, &line.operation).1).last().expect("a line")
    };
    let begin = "A create f \"ab\"\nA open d f rw\nA map m d private rw 0 2p\n";
    for (line, expected) in [
        ("A load m 0 1", Rule::LoadingCopiesNothing),
        ("A load m 5 1", Rule::LastPageIsWhole),
        ("A load m 1p 1", Rule::NoPagePastTheEnd),
        ("A load m 2p 1", Rule::NothingIsMapped),
        ("A store m 0 \"x\"", Rule::StoringCopiesThePage),
        ("A store m 0 \"x\"\nA truncate d 0", Rule::TruncationRemovesCopies),
        ("A protect m r\nA store m 0 \"x\"", Rule::ProtectionIsEnforced),
        ("A protect m r\nA store m 1p \"x\"", Rule::ProtectionIsCheckedFirst),
        ("A close d", Rule::MappingsOutliveDescriptors),
        ("A unlink f\nA close d", Rule::MappingsOutliveDescriptors),
        ("A exit", Rule::EndingClosesAndUnmaps),
        ("A store m 0 \"y\"\nA exit", Rule::EndingClosesAndUnmaps),
        ("A map s d shared r 0 1p\nA exit", Rule::EndingClosesAndUnmaps),
        ("A map s d shared rw 0 1p\nA store s 0 \"x\"\nA fork B\nA kill B", Rule::EndingClosesAndUnmaps),
        ("A map s d shared rw 0 1p\nA store s 0 \"x\"\nA fork B\nB kill A", Rule::StoresOutliveTheirProcess),
        ("A unlink f\nA unmap m\nA close d", Rule::UnlinkRemovesTheName),
        ("A write d 0 \"xyz\"", Rule::WritesExtendTheFile),
        ("A write d 0 \"x\"", Rule::MappingsShowTheFile),
        ("A store m 0 \"y\"\nA write d 0 \"x\"", Rule::StoringCopiesThePage),
        ("A truncate d 2", Rule::TruncatingNeedsWriteAccess),
        ("A truncate d 1", Rule::TruncationRemovesPages),
        ("A unmap m\nA map m d private r 0 1p\nA truncate d 1", Rule::TruncationZeroesTheRest),
        ("A open e f rw trunc\nA open g f rw trunc", Rule::TruncatingOpenKeepsTheFile),
        ("A map n anon private rw 1p\nA load n 0 1", Rule::NewMemoryIsZeros),
        ("A map n anon private rw 1p\nA store n 0 \"x\"", Rule::PrivateStoresStayPrivate),
        ("A map n anon private rw 1p\nA store n 0 \"x\"\nA load n 0 1", Rule::PrivateStoresStayPrivate),
        ("A load n 0 1", Rule::NotApplicable),
        ("A map n d shared rw 0 1p\nA store n 0 \"x\"", Rule::SharedStoresChangeTheFile),
        ("A map n d shared rw 0 1p\nA store n 100 \"x\"", Rule::StoresDoNotExtendTheFile),
        ("A map n d shared rw 0 1p\nA fork B\nB store n 1 \"xy\"", Rule::StoresDoNotExtendTheFile),
        ("A map n d shared rw 0 1p\nA store n 100 \"x\"\nA load n 100 1", Rule::BytesPastTheEndVary),
        ("A map n d shared rw 0 1p\nA store n 100 \"x\"\nA truncate d 200", Rule::GrowingUncoversStores),
        ("A map n d shared rw 0 1p\nA store n 100 \"x\"\nA write d 200 \"w\"", Rule::GrowingUncoversStores),
        ("A map n d shared rw 0 1p\nA store n 100 \"x\"\nA write d 2 \"w\"", Rule::WritesExtendTheFile),
        (
            "A map n d shared rw 0 1p\nA store n 100 \"x\"\nA fork B\nA truncate d 80\nB load n 99 2",
            Rule::BytesPastTheEndVary,
        ),
        ("A memfd e 1p\nA map n e shared rw 0 1p\nA seal e future_write", Rule::FutureWriteKeepsMappings),
        ("A memfd e 1p\nA seal e future_write", Rule::EachSealForbidsOneThing),
    ] {
        assert_eq!(rule(&format!("{begin}{line}")), expected, "{line}");
    }
}

/// Where several rules have a part in an outcome, the last one of the table is its reason. A rule that is moved in the
/// table, or put into the middle of it, shows here which lines get another one.
#[test]
fn the_order_of_the_rules_decides_the_reasons() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/misconception/shown");
    let files = fs::read_dir(directory).expect("read").map(|entry| entry.expect("an entry").path());
    let texts = files.collect::<BTreeSet<_>>().into_iter().map(|path| fs::read_to_string(path).expect("read"));
    let mut lines = BTreeSet::new();
    for text in [TOUR.to_owned()].into_iter().chain(texts) {
        let scenario = Scenario::parse(&text).unwrap_or_else(|problem| panic!("{problem}"));
        let mut model = Model::new(1 << 12);
        for line in &scenario.0 {
            let (outcome, rule) = model.step(line.process, &line.operation);
            lines.insert(format!("{:?}: {} {} => {outcome}\n", rule, line.process, line.operation));
        }
    }
    insta::assert_snapshot!(lines.into_iter().collect::<String>());
}

/// For each rule that POSIX leaves unspecified, a last line and what POSIX allows, that of Linux first.
#[test]
fn posix_promises_less_than_linux_does() {
    let begin = "A create f 'a'*2p\nA open d f rw\nA map m d private rw 0 3p\n";
    let cases = [
        (Rule::MappingCopiesNothing, "A write d 0 \"w\"\nA load m 0 1 => \"w\" or \"a\""),
        (Rule::LoadingCopiesNothing, "A load m 0 1\nA write d 0 \"w\"\nA load m 0 1 => \"w\" or \"a\""),
        (Rule::StoringCopiesThePage, "A store m 0 \"x\"\nA write d 1 \"w\"\nA load m 0 2 => \"xa\" or \"xw\""),
        (
            Rule::TruncationRemovesCopies,
            "A store m 1p \"x\"\nA truncate d 1p\nA load m 1p 1 => SIGBUS/BUS_ADRERR at 1p or \"x\"",
        ),
        (Rule::GrowingAddsPages, "A truncate d 3p\nA load m 2p 1 => 0*1 or SIGBUS/BUS_ADRERR at 2p"),
        (
            Rule::ProtectionIsCheckedFirst,
            "A protect m r\nA store m 2p \"x\" => SIGSEGV/SEGV_ACCERR at 2p or SIGBUS/BUS_ADRERR at 2p",
        ),
        (
            Rule::ProtectStopsAtAHole,
            "A unmap m 1p 1p\nA protect m none\nA load m 0 1 => SIGSEGV/SEGV_ACCERR at 0 or \"a\"",
        ),
        (Rule::TruncatingNeedsWriteAccess, "A open e f ro\nA truncate e 0 => EINVAL or EBADF"),
        (Rule::TruncatingOpenNeedsNoWriteAccess, "A open e f ro trunc\nA read e 0 1 => nothing or \"a\""),
        (Rule::OffsetsArePageAligned, "A map n d shared r 1 1p => EINVAL or ok"),
        (Rule::PartsArePageAligned, "A unmap m 1 1p => EINVAL or ok"),
        (Rule::WritableImpliesReadable, "A protect m w\nA load m 0 1 => \"a\" or SIGSEGV/SEGV_ACCERR at 0"),
    ];
    for (rule, text) in cases {
        let scenario = Scenario::parse(&format!("{begin}{text}")).unwrap_or_else(|problem| panic!("{problem}"));
        let Ok(allowed) = Posix::new(1 << 12).play(&scenario);
        assert_eq!(allowed.last(), scenario.0.last().expect("a line").outcome.as_ref(), "{text}");
        let Ok(linux) = Model::new(1 << 12).play(&scenario);
        let Ok(otherwise) = Model::denying(1 << 12, rule).play(&scenario);
        let (Some(Outcome::OneOf(outcomes)), Some(one), Some(other)) = (allowed.last(), linux.last(), otherwise.last())
        else {
            panic!("{text}: {allowed:?}")
        };
        assert!(outcomes[0] == *one && outcomes[1..].contains(other), "{text}");
    }
    let tried = cases.map(|(rule, _)| rule);
    for rule in Rule::ALL {
        assert_eq!(rule.basis() == Basis::Unspecified, tried.contains(rule), "{rule:?}");
    }
    // A system that differs from Linux by a death or an errno is dropped: from then on there is one outcome.
    for parting in ["A truncate d 3p\nA load m 2p 1", "A fork B\nA unmap m 1 1p"] {
        let text = format!("{begin}{parting}\nA read d 0 1\nA load m 0 1");
        let Ok(allowed) = Posix::new(1 << 12).play(&Scenario::parse(&text).expect("a scenario"));
        assert!(matches!(allowed[4], Outcome::OneOf(_)), "{parting}: {}", allowed[4]);
        assert_eq!(allowed[5..], [bytes("a"), bytes("a")], "{parting}");
    }
}

#[test]
fn a_state_tells_whose_copy_a_page_is() {
    let text =
        "A create f 'f'*2p\nA open d f rw\nA map m d private rw 0 3p\nA store m 0 \"x\"\nA fork B\nB store m 1p \"y\"";
    let scenario = Scenario::parse(text).unwrap_or_else(|problem| panic!("{problem}"));
    let mut model = Model::new(4);
    scenario.0.iter().for_each(|line| drop(model.step(line.process, &line.operation)));
    let state = model.state();
    let backing = |process: usize, page: usize| {
        let pages = &state.processes[process].mappings[0].pages;
        pages[page].clone().expect("mapped").backing
    };
    let (Backing::Copy(a, bytes), Backing::Copy(b, _)) = (backing(0, 0), backing(1, 0)) else { panic!("copies") };
    assert_eq!((a, Outcome::Bytes(bytes)), (b, self::bytes("xfff")), "one copy for both, until one of them stores");
    assert_eq!(backing(0, 1), Backing::File);
    assert!(matches!(backing(1, 1), Backing::Copy(other, _) if other != a));
    assert_eq!([backing(0, 2), backing(1, 2)], [Backing::PastTheEnd, Backing::PastTheEnd]);
    assert_eq!(state.files[0].size, 8);
}

/// Each line claims what it gives: an error is told once to each open file description, whoever has it, and what was refused is
/// lost until it is stored again.
#[test]
fn an_error_of_write_back_is_told_once_and_the_pages_count_as_written() {
    let begin = "A create f 'a'*2p\nA open d f rw\nA open e f rw\nA fork B\nA fsync d\nA fsync_dir\nA map m d shared rw 0 2p\n\
                 A store m 0 \"x\"\nA store m 1p \"y\"\nA fail d\n";
    let then = "A sync m async => ok\nA sync m => EIO\nA sync m => ok\nB fsync d => ok\nA fsync e => EIO\nA fsync e => ok\n\
                A open g f rw\nA fsync g => ok\nA store m 1p \"z\"\nA fsync d => ok\n";
    let cut = "A cut\nA open d f rw\nA read d 0 1 => ('a'|'x')*1\nA read d 1p 1 => \"z\"";
    let scenario = Scenario::parse(&format!("{begin}{then}{cut}")).unwrap_or_else(|problem| panic!("{problem}"));
    let Ok(outcomes) = Model::new(1 << 12).play(&scenario);
    for (line, outcome) in scenario.0.iter().zip(&outcomes) {
        assert!(line.outcome.as_ref().is_none_or(|claim| claim == outcome), "{line}: {outcome}");
    }
    let last = |rule: Rule, lines: &str| {
        let scenario = Scenario::parse(&format!("{begin}{lines}")).unwrap_or_else(|problem| panic!("{problem}"));
        let Ok(outcomes) = Model::denying(1 << 12, rule).play(&scenario);
        outcomes.last().expect("a line").to_string()
    };
    assert_eq!(last(Rule::ErrorsAreToldOnce, "A fsync d\nA fsync d"), "EIO");
    let retried = "A fsync d\nA fsync d\nA cut\nA open d f rw\nA read d 0 1";
    assert_eq!(last(Rule::FailedPagesCountAsWritten, retried), "\"x\"");
    assert_eq!(last(Rule::MappingCopiesNothing, retried), "('a'|'x')*1");
}
