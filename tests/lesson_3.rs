//! Lesson 3: Shared against private.

mod common;

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use common::{cases, file_with, open, transcript};
use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::lesson_3::*;
use mmap_workbook::observe::page_size;
use mmap_workbook::process::{Child, Line};
use nix::errno::Errno;
use proptest::prelude::*;

#[test]
fn the_matrix_is_what_the_lesson_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let matrix = observe_matrix(folder.path()).expect("observed");
    assert_eq!(
        matrix.to_string(),
        [
            "               same     other    private  private  private",
            "seen from:     mapping  shared   untouch. read     written  read(2)  child    parent",
            "store shared   new      new      new*     new*     old*     new*     new      new",
            "store private  new      old      old      old      old      old      old      old",
            "write(2)       -        new*     new*     new*     old*     new      new*     new*",
            "* what Linux does; POSIX leaves it open",
        ]
        .join("\n")
    );
    assert_eq!(std::fs::read_dir(&folder).expect("the folder").count(), 0, "nothing is left behind");
}

#[test]
fn a_private_mapping_of_a_file_open_for_reading_takes_stores_and_a_shared_one_is_refused() {
    let (_folder, path) = file_with(b"A");
    let file = File::open(&path).expect("the file");
    assert_eq!(private_of_read_only(&file, b'B').expect("stored"), (b'B', b'A'));
    // SAFETY: the file is this test's own, and nobody else changes it.
    assert_eq!(unsafe { private_of_read_only_with_memmap2(&file, b'B') }.expect("stored"), (b'B', b'A'));
    assert_eq!(shared_of(&file), Err(Errno::EACCES));
    assert_eq!(shared_of(&open(&path)), Ok(()));
    assert_eq!(std::fs::read(&path).expect("the file"), b"A");
}

#[test]
fn the_first_store_copies_one_page_and_the_second_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let seen = copy_on_write(folder.path()).expect("observed");
    let page_kib = page_size() as u64 / 1024;
    assert_eq!(seen.loaded.anonymous_kib, 0);
    assert_eq!(seen.stored.anonymous_kib, page_kib);
    assert_eq!(seen.stored_again.anonymous_kib, page_kib);
    assert_eq!(seen.file_written.anonymous_kib, page_kib);
    assert!(seen.loaded.faults >= 1 && seen.stored.faults >= 1, "{seen:?}");
    let all = [seen.loaded, seen.stored, seen.stored_again, seen.file_written];
    assert!(all.iter().all(|account| account.address == seen.loaded.address), "{seen:?}");
    assert_eq!(all.map(|account| account.bytes), [*b"ff", *b"1f", *b"2f", *b"2w"]);
}

/// How many pages the file of the property has.
const PAGES: usize = 3;

/// Where in a page the property looks and stores.
fn places() -> Vec<usize> {
    let page = page_size();
    (0..PAGES).flat_map(|n| [n * page, n * page + 7, (n + 1) * page - 1]).collect()
}

/// The mappings that each process has: two shared ones, two private ones.
const SHARINGS: [Sharing; 4] = [Sharing::Shared, Sharing::Shared, Sharing::Private, Sharing::Private];

#[derive(Debug, Clone)]
enum Step {
    /// A process stores a byte at a place through one of its mappings.
    Store { process: usize, mapping: u8, place: u8, byte: u8 },
    /// A process writes a byte with pwrite(2).
    Write { process: usize, place: u8, byte: u8 },
    /// The first process forks another one.
    Fork,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (processes, mappings, places) = (0..3_usize, 0..4_u8, 0..9_u8);
    let step = prop_oneof![
        6 => (processes.clone(), mappings, places.clone(), 1..=255_u8)
            .prop_map(|(process, mapping, place, byte)| Step::Store { process, mapping, place, byte }),
        2 => (processes, places, 1..=255_u8).prop_map(|(process, place, byte)| Step::Write { process, place, byte }),
        1 => Just(Step::Fork),
    ];
    prop::collection::vec(step, 1..20)
}

/// The rules of the lesson: one file, and for each process and mapping the pages that it has copies of.
#[derive(Default)]
struct Reference {
    file: BTreeMap<usize, u8>,
    /// A process, its mappings, and of each the copied pages: what they hold at the places of the page.
    processes: Vec<[BTreeMap<usize, BTreeMap<usize, u8>>; SHARINGS.len()]>,
}

impl Reference {
    fn store(&mut self, process: usize, mapping: usize, at: usize, byte: u8) {
        match SHARINGS[mapping] {
            Sharing::Shared => _ = self.file.insert(at, byte),
            Sharing::Private => {
                let page = at / page_size();
                let copy = || self.file.clone();
                self.processes[process][mapping].entry(page).or_insert_with(copy).insert(at, byte);
            }
        }
    }

    fn load(&self, process: usize, mapping: usize, at: usize) -> u8 {
        // A page without a copy follows the file: POSIX leaves that open, and Linux does it.
        let shown = self.processes[process][mapping].get(&(at / page_size())).unwrap_or(&self.file);
        shown.get(&at).copied().unwrap_or(0)
    }
}

/// What a process is told over its line: a store, a pwrite, or to look from everywhere.
const STORE: u8 = 0;
const WRITE: u8 = 1;
const LOOK: u8 = 2;

fn obey(order: &[u8], file: &File, mappings: &[Mapping]) -> io::Result<Vec<u8>> {
    match *order {
        [STORE, mapping, place, byte] => mappings[usize::from(mapping)].store(places()[usize::from(place)], byte),
        [WRITE, place, byte] => file.write_all_at(&[byte], places()[usize::from(place)] as u64)?,
        [LOOK] => return Ok(mappings.iter().flat_map(|m| places().into_iter().map(|at| m.load(at))).collect()),
        _ => return Err(io::ErrorKind::InvalidInput.into()),
    }
    Ok(vec![0])
}

fn run(steps: &[Step]) -> Result<(), TestCaseError> {
    let file = tempfile::tempfile()?;
    file.set_len((PAGES * page_size()) as u64)?;
    let map = |sharing| Mapping::of_file(&file, 0, PAGES * page_size(), READ_WRITE, sharing);
    let mappings = SHARINGS.into_iter().map(map).collect::<Result<Vec<_>, _>>().map_err(io::Error::from)?;
    let mut children: Vec<(Child, Line)> = Vec::new();
    let mut reference = Reference { processes: vec![Default::default()], ..Default::default() };
    // Tells a process, which does it before the next one is told.
    let tell = |process: usize, children: &[(Child, Line)], order: &[u8]| match process.checked_sub(1) {
        None => obey(order, &file, &mappings),
        Some(child) => children[child].1.send(order).and_then(|()| children[child].1.receive()),
    };
    for step in steps {
        match *step {
            Step::Store { process, mapping, place, byte } => {
                let process = process % reference.processes.len();
                tell(process, &children, &[STORE, mapping, place, byte])?;
                reference.store(process, mapping.into(), places()[usize::from(place)], byte);
            }
            Step::Write { process, place, byte } => {
                tell(process % reference.processes.len(), &children, &[WRITE, place, byte])?;
                reference.file.insert(places()[usize::from(place)], byte);
            }
            Step::Fork if children.len() < 2 => {
                let body = |line: &Line| loop {
                    match line.receive() {
                        Ok(order) => line.send(&obey(&order, &file, &mappings)?)?,
                        Err(end) if end.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
                        Err(error) => return Err(error),
                    }
                };
                children.push(Child::fork(body)?);
                reference.processes.push(reference.processes[0].clone());
            }
            Step::Fork => {}
        }
        for process in 0..reference.processes.len() {
            let seen = tell(process, &children, &[LOOK])?;
            let mut seen = seen.into_iter();
            for mapping in 0..SHARINGS.len() {
                for at in places() {
                    let (kernel, rule) = (seen.next(), reference.load(process, mapping, at));
                    prop_assert_eq!(kernel, Some(rule), "process {}, mapping {}, byte {}", process, mapping, at);
                }
            }
        }
        for at in places() {
            let mut byte = [0];
            file.read_exact_at(&mut byte, at as u64)?;
            prop_assert_eq!(byte[0], reference.file.get(&at).copied().unwrap_or(0), "read(2) of byte {}", at);
        }
    }
    for (child, line) in children {
        drop(line);
        child.kill()?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn each_view_shows_what_a_small_reference_says(steps in steps()) {
        run(&steps)?;
    }
}

#[test]
fn the_demonstration_shows_what_the_lesson_says() {
    insta::assert_snapshot!(transcript(3));
}
