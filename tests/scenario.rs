//! The language of scenarios: what is printed is read back, and a text that is not a scenario is refused with the
//! place.

use mmap_workbook::fault::Cause;
use mmap_workbook::scenario::*;
use proptest::prelude::*;
use proptest::sample::select;

fn name() -> impl Strategy<Value = Name> {
    "[a-z][a-z0-9]{0,7}".prop_filter_map("anon is taken", |text| Name::new(&text))
}

fn pid() -> impl Strategy<Value = Pid> {
    prop::char::range('A', 'Z').prop_filter_map("a letter", Pid::new)
}

fn amount() -> impl Strategy<Value = Amount> {
    let with_pages = (1..100_u32, -5000..5000_i32).prop_map(|(pages, bytes)| Amount { pages, bytes });
    prop_oneof![(0..10_000_i32).prop_map(|bytes| Amount { pages: 0, bytes }), with_pages]
}

fn bytes() -> impl Strategy<Value = Bytes> {
    let fill = (prop::char::range('a', 'z'), amount()).prop_map(|(letter, amount)| Bytes::Fill(letter, amount));
    let text = r"[!$-&(-\[\]-{}~]{1,8}( [!$-&(-\[\]-{}~]{1,7})?".prop_map(Bytes::Text);
    prop_oneof![8 => text, 8 => fill, 1 => Just(Bytes::Code)]
}

fn request() -> impl Strategy<Value = String> {
    let source = prop_oneof![Just(None), (name(), amount()).prop_map(Some)];
    let parts = (source, select(Sharing::ALL), select(Protection::ALL), amount());
    parts.prop_map(|(source, sharing, protection, length)| match source {
        None => format!("anon {sharing} {protection} {length}"),
        Some((file, offset)) => format!("{file} {sharing} {protection} {offset} {length}"),
    })
}

/// A part of an operation as it is written, by its type in the table of the operations.
fn part(of_type: &str) -> BoxedStrategy<String> {
    fn printed<T: std::fmt::Display + std::fmt::Debug>(
        part: impl Strategy<Value = T> + 'static,
    ) -> BoxedStrategy<String> {
        part.prop_map(|part| part.to_string()).boxed()
    }
    match of_type.replace(' ', "").as_str() {
        "Name" => printed(name()),
        "Pid" => printed(pid()),
        "Amount" => printed(amount()),
        "Bytes" => printed(bytes()),
        "Contents" => prop_oneof![printed(amount()), printed(bytes())].boxed(),
        "Range" => (amount(), amount()).prop_map(|(place, length)| format!("{place} {length}")).boxed(),
        "Request" => request().boxed(),
        "Access" => printed(select(Access::ALL)),
        "Flag" => printed(select(Flag::ALL)),
        "Seal" => printed(select(Seal::ALL)),
        "Extent" => printed(select(Extent::ALL)),
        "Protection" => printed(select(Protection::ALL)),
        "Advice" => printed(select(Advice::ALL)),
        "Placing" => printed(select(Placing::ALL)),
        "Syncing" => select(vec!["", "async", "invalidate"]).prop_map(str::to_owned).boxed(),
        other => match other.strip_prefix("Option<").and_then(|rest| rest.strip_suffix('>')) {
            Some(inner) => prop::option::of(part(inner)).prop_map(Option::unwrap_or_default).boxed(),
            None => panic!("the table of the operations has a new type of parts, {other}: say here how one is drawn"),
        },
    }
}

/// Any operation of the table, as it is written.
fn operation() -> impl Strategy<Value = String> {
    let operations = Operation::VERBS.iter().zip(Operation::PARTS).map(|(verb, parts)| {
        let parts: Vec<_> = parts.iter().map(|(_, of_type)| part(of_type)).collect();
        parts.prop_map(move |parts| format!("{verb} {}", parts.join(" "))).boxed()
    });
    prop::strategy::Union::new(operations)
}

fn byte() -> impl Strategy<Value = Byte> {
    prop_oneof![
        6 => any::<u8>().prop_map(Byte::Is),
        6 => select(b"ax0? ".to_vec()).prop_map(Byte::Is),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(one, other)| Byte::Either(one, other)),
        1 => Just(Byte::Any),
    ]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let run = (byte(), 1..20_usize).prop_map(|(byte, times)| vec![byte; times]);
    let cause = select(Cause::ALL.to_vec());
    let one = prop_oneof![
        Just(Outcome::Done),
        Just(Outcome::NotApplicable),
        any::<u32>().prop_map(|count| Outcome::Count(count.into())),
        any::<bool>().prop_map(Outcome::Moved),
        prop::collection::btree_set(select(Seal::ALL), 0..4).prop_map(Outcome::Sealed),
        prop::collection::vec(run, 0..6).prop_map(|runs| Outcome::Bytes(runs.concat())),
        select(vec!["EINVAL", "E2BIG"]).prop_map(|name| Outcome::errno(name).expect("an errno")),
        (cause, amount()).prop_map(|(cause, at)| Outcome::Died(cause, at)),
        // As a claim has them.
        (1..100_u32, -5000..5000_i32).prop_map(|(pages, bytes)| Outcome::CountInPages(Amount { pages, bytes })),
        (prop::collection::vec(byte(), 1..9), byte(), 1..100_u32).prop_map(|(bytes, byte, pages)| {
            let run = || Run::Pages(byte, Amount { pages, bytes: 0 });
            Outcome::BytesInPages(vec![run(), Run::Bytes(bytes), run(), run()])
        }),
    ];
    prop_oneof![
        4 => one.clone(),
        1 => prop::collection::vec(one, 2..4).prop_map(Outcome::OneOf),
    ]
}

fn line() -> impl Strategy<Value = Line> {
    // There is one way to write each: what is read prints as what was drawn.
    let read = |text: String| {
        let scenario = Scenario::parse(&text).unwrap_or_else(|problem| panic!("{text}: {problem}"));
        let line = scenario.0.into_iter().next().expect("a line");
        assert_eq!(line.to_string(), text.split_whitespace().collect::<Vec<_>>().join(" "));
        line
    };
    let parts = (pid(), operation(), prop::option::of(outcome()));
    parts.prop_map(move |(process, operation, outcome)| Line { outcome, ..read(format!("{process} {operation}")) })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_is_read_back(lines in prop::collection::vec(line(), 0..20)) {
        let scenario = Scenario(lines);
        prop_assert_eq!(Scenario::parse(&scenario.to_string()).expect("it is one"), scenario);
    }

    #[test]
    fn any_text_is_a_scenario_or_is_refused_at_a_place_in_it(text in "[ -~\n]{0,80}|[A-Z] [a-z]{1,9} [a-z0-9p+' *\"-]{0,20}") {
        match Scenario::parse(&text) {
            Ok(scenario) => prop_assert_eq!(Scenario::parse(&scenario.to_string()), Ok(scenario)),
            Err(problem) => {
                let line = text.lines().nth(problem.line - 1).expect("a line");
                prop_assert!((1..=line.chars().count() + 1).contains(&problem.column), "{problem}: {line:?}");
            }
        }
    }
}

#[test]
fn the_tour_has_each_operation_and_the_documentation_each_outcome() {
    let tour = Scenario::parse(TOUR).unwrap_or_else(|problem| panic!("{problem}"));
    for verb in Operation::VERBS {
        let of_verb = |line: &Line| line.operation.to_string().split(' ').next() == Some(*verb);
        assert!(tour.0.iter().any(of_verb), "src/scenario/tour.scenario has no line with `{verb}`");
    }
    let source = include_str!("../src/scenario/mod.rs");
    let outcomes =
        source.split("//! ```text\n").nth(1).and_then(|rest| rest.split("//! ```").next()).expect("outcomes");
    let text: String = outcomes.lines().map(|line| line.trim_start_matches("//!").to_owned() + "\n").collect();
    let scenario = Scenario::parse(&text).unwrap_or_else(|problem| panic!("{problem}"));
    assert_eq!(scenario.0.len(), outcomes.lines().count());
}

#[test]
fn an_error_says_its_line_and_column() {
    for (text, place, word) in [
        ("A open d f rw\nA clos d", (2, 3), "\"clos\""),
        ("a exit", (1, 1), "process"),
        ("A fly d", (1, 3), "unknown operation \"fly\" (known: create, memfd, open, reopen, close, "),
        ("A clos d", (1, 3), "unknown operation \"clos\"; did you mean `close`?"),
        ("A laod m 0 1", (1, 3), "`load`"),
        ("A mmap m d shared rw 0 1p", (1, 3), "`map`"),
        ("A ftruncate d 0", (1, 3), "`truncate`"),
        ("A truncate d", (1, 13), "size: expected a number of bytes (10, 1p, 2p-1), found the end of the line"),
        ("A truncate d 1q", (1, 14), "size: expected a number of bytes (10, 1p, 2p-1), found \"1q\""),
        ("A open d f rx", (1, 12), "access: expected an access mode (ro, wo, rw), found \"rx\""),
        (
            "A open d f rw tranc",
            (1, 15),
            "flag: expected the end of the line, or a flag (trunc, append), found \"tranc\"",
        ),
        ("A map m d shared x 0 1p", (1, 18), "protection: expected a protection (none, r, w, rw, rx), found \"x\""),
        ("A unmap m 1p", (1, 13), "length: expected a number of bytes (10, 1p, 2p-1), found the end of the line"),
        ("A truncate d 007", (1, 14), "number of bytes"),
        ("A truncate d 9999999999p", (1, 14), "number of bytes"),
        ("A map m d shared rw 0", (1, 22), "found the end of the line"),
        ("A map anon d shared rw 0 1p", (1, 7), "name"),
        ("A write d 0 \"no end", (1, 13), "no closing quotation mark"),
        ("A exit now", (1, 8), "=>"),
        ("A exit => fine", (1, 11), "outcome"),
        ("A map m anon private rw 0 2p", (1, 27), "anonymous memory has no offset"),
        ("A load m 0 1 => SIGBUS/BUS_ADRERR", (1, 34), "expected `at`, found the end of the line"),
        ("A load m 0 1 => 0*99999999", (1, 17), "bytes"),
        ("AB exit", (1, 1), "process"),
    ] {
        let problem = Scenario::parse(text).expect_err(text);
        assert_eq!((problem.line, problem.column), place, "{text}: {problem}");
        assert!(problem.to_string().contains(word), "{text}: {problem}");
    }
}

#[test]
fn what_can_be_said_in_more_than_one_way_is_the_same() {
    for (text, printed) in [
        ("A truncate d 0p", "A truncate d 0"),
        ("A read d 0p+3 1p => nothing", "A read d 3 1p => nothing"),
        ("A write d 0 \" a  b \"   # two blanks", "A write d 0 \" a  b \""),
        ("A read d 0 9 => \"a b\" 32*2", "A read d 0 9 => \"a b  \""),
        ("A read d 0 9 => \"    \"", "A read d 0 9 => 32*4"),
        ("A write d 0 'x'*9 => 0p+9", "A write d 0 'x'*9 => 9"),
        ("A read d 0 1p => 'x'*0p+3 \"xx\" 0*1p", "A read d 0 1p => 'x'*5 0*1p"),
    ] {
        let scenario = Scenario::parse(text).unwrap_or_else(|problem| panic!("{text}: {problem}"));
        assert_eq!(scenario.to_string().trim_end(), printed);
        assert_eq!(Scenario::parse(printed), Ok(scenario));
    }
}

#[test]
fn an_endless_text_is_refused() {
    let problem = Scenario::parse(&"A exit\n".repeat(Scenario::MOST_LINES + 1)).expect_err("too long");
    assert_eq!(problem.line, Scenario::MOST_LINES + 1);
}

#[test]
fn a_long_line_takes_as_long_as_many_short_ones() {
    let began = std::time::Instant::now();
    let line = "A unmap m 0 1p => ok".to_owned() + &" or EINVAL".repeat(100_000);
    let Some(Outcome::OneOf(outcomes)) = Scenario::parse(&line).expect("a scenario").0.remove(0).outcome else {
        panic!("it claims several outcomes")
    };
    assert_eq!(outcomes.len(), 100_001);
    // Counting the rest of the line at each word takes forty seconds.
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
}
