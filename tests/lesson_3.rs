//! Lesson 3: shared against private.

mod common;

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::Ordering;

use common::{cases, file_with, open, transcript};
use memmap2::{MmapOptions, MmapRaw};
use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::lesson_3::*;
use mmap_workbook::narrate::{Narrator, Words};
use mmap_workbook::observe::{maps_of, page_size, page_size_u64, smaps_of};
use mmap_workbook::process::{Child, Peer};
use mmap_workbook::text::Language;
use nix::errno::Errno;
use nix::libc;
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::statfs::{TMPFS_MAGIC, fstatfs};
use proptest::prelude::*;

/// The pages of the file in the random histories.
const PAGES: usize = 3;
/// The mappings that the first process makes, and that its children inherit.
const MAPPINGS: [Sharing; 4] = [Sharing::Shared, Sharing::Shared, Sharing::Private, Sharing::Private];
/// A view is a mapping, by its index, or read(2), which is this number.
const READ_CALL: usize = MAPPINGS.len();
/// The first process and its children.
const PROCESSES: usize = 3;

/// One step of a random history. `at` is the offset of a byte. The first process forks, whichever process the step
/// names.
#[derive(Debug, Clone, Copy)]
enum Step {
    Store { mapping: usize, at: usize, byte: u8 },
    Write { at: usize, byte: u8 },
    Look { view: usize, page: usize },
    Fork,
}

/// What each view must show: the file, and for each process and mapping the pages of which it has a copy.
///
/// That a page without a copy follows the file is Linux's rule. POSIX leaves it unspecified.
#[derive(Clone)]
struct Reference {
    file: Vec<Vec<u8>>,
    copies: Vec<[[Option<Vec<u8>>; PAGES]; MAPPINGS.len()]>,
}

impl Reference {
    fn page(&self, process: usize, view: usize, page: usize) -> &Vec<u8> {
        let copy = self.copies[process].get(view).and_then(|pages| pages[page].as_ref());
        copy.unwrap_or(&self.file[page])
    }

    fn write(&mut self, at: usize, byte: u8) {
        self.file[at / page_size()][at % page_size()] = byte;
    }

    fn store(&mut self, process: usize, mapping: usize, at: usize, byte: u8) {
        if MAPPINGS[mapping] == Sharing::Shared {
            return self.write(at, byte);
        }
        let page = at / page_size();
        let copy = self.copies[process][mapping][page].get_or_insert(self.file[page].clone());
        copy[at % page_size()] = byte;
    }

    fn fork(&mut self) {
        self.copies.push(self.copies[0].clone());
    }
}

/// Does the step in the process that calls it. The answer to a look is the whole page.
fn perform(file: &File, mappings: &[Mapping], step: Step) -> io::Result<Vec<u8>> {
    let mut answer = b".".to_vec();
    match step {
        Step::Store { mapping, at, byte } => mappings[mapping].store(at, byte),
        Step::Write { at, byte } => file.write_all_at(&[byte], at as u64)?,
        Step::Look { view, page } => {
            answer = vec![0; page_size()];
            let from = page * page_size();
            match mappings.get(view) {
                Some(mapping) => {
                    for (n, word) in answer.chunks_exact_mut(8).enumerate() {
                        word.copy_from_slice(&mapping.long_word(from + 8 * n).load(Ordering::Relaxed).to_ne_bytes());
                    }
                }
                None => file.read_exact_at(&mut answer, from as u64)?,
            }
        }
        Step::Fork => {}
    }
    Ok(answer)
}

/// Runs a history, each step in its process, and compares each look with the reference.
fn follows_the_reference(history: &[(usize, Step)]) -> Result<(), TestCaseError> {
    // Each page has contents of its own.
    let pages: Vec<Vec<u8>> = (b'a'..).take(PAGES).map(|byte| vec![byte; page_size()]).collect();
    let file = tempfile::tempfile()?;
    file.write_all_at(&pages.concat(), 0)?;
    let map = |sharing| Mapping::of_file(&file, 0, PAGES * page_size(), READ_WRITE, sharing);
    let mappings: Vec<Mapping> = MAPPINGS.into_iter().map(map).collect::<Result<_, _>>().expect("mapped");
    let mut reference = Reference { file: pages, copies: vec![Default::default()] };
    let mut children: Vec<(Child, Peer)> = Vec::new();
    for (n, &(process, step)) in history.iter().enumerate() {
        let process = process % reference.copies.len();
        let answer = match process {
            0 => perform(&file, &mappings, step)?,
            child => {
                // A child has the history, too: it needs only the number of the step.
                children[child - 1].1.send(&n.to_ne_bytes())?;
                children[child - 1].1.receive()?
            }
        };
        match step {
            Step::Store { mapping, at, byte } => reference.store(process, mapping, at, byte),
            Step::Write { at, byte } => reference.write(at, byte),
            Step::Look { view, page } => {
                let differs = answer.iter().zip(reference.page(process, view, page)).position(|(a, b)| a != b);
                prop_assert!(differs.is_none(), "step {n}, process {process}, {step:?}: byte {differs:?} differs");
            }
            Step::Fork if reference.copies.len() < PROCESSES => {
                reference.fork();
                children.push(Child::fork(|peer| {
                    loop {
                        match peer.receive()?.try_into().map(usize::from_ne_bytes) {
                            Ok(n) => peer.send(&perform(&file, &mappings, history[n].1)?)?,
                            Err(_) => return Ok(()), // not a step's number: the end
                        }
                    }
                })?);
            }
            Step::Fork => {}
        }
    }
    for (child, peer) in children {
        peer.give_turn()?;
        child.wait()?.success()?;
    }
    Ok(())
}

/// The offset of a byte: next to page boundaries and in the middle of a page, so that steps meet.
fn place() -> impl Strategy<Value = usize> {
    let page = page_size();
    (0..PAGES, prop::sample::select(vec![0, 1, page / 2, page - 1])).prop_map(move |(n, at)| n * page + at)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..MAPPINGS.len(), place(), 0..=255_u8).prop_map(|(mapping, at, byte)| Step::Store { mapping, at, byte }),
        2 => (place(), 0..=255_u8).prop_map(|(at, byte)| Step::Write { at, byte }),
        2 => (0..=READ_CALL, 0..PAGES).prop_map(|(view, page)| Step::Look { view, page }),
        1 => Just(Step::Fork),
    ]
}

proptest! {
    #![proptest_config(cases(32))]

    #[test]
    fn what_each_view_reads_is_what_a_small_reference_says(
        steps in prop::collection::vec((0..PROCESSES, step()), 1..20),
    ) {
        // In the end each process looks at everything; another process does so for one that was never forked.
        let mut history = steps;
        for process in 0..PROCESSES {
            for view in 0..=READ_CALL {
                history.extend((0..PAGES).map(|page| (process, Step::Look { view, page })));
            }
        }
        follows_the_reference(&history)?;
    }
}

#[test]
fn a_child_begins_with_its_parents_copies_and_goes_on_without_it() {
    let store = |process, at, byte| (process, Step::Store { mapping: 2, at, byte });
    let look = |process| (process, Step::Look { view: 2, page: 0 });
    let history = [store(0, 0, b'1'), (0, Step::Fork), look(1), store(0, 0, b'2'), store(1, 1, b'3'), look(0), look(1)];
    follows_the_reference(&history).expect("as the reference says");
}

#[test]
fn a_private_page_is_one_for_parent_and_child_until_one_of_them_stores_to_it() {
    let (_directory, path) = file_with(b"old");
    let mapping = Mapping::of_file(open(&path), 0, 3, READ_WRITE, Sharing::Private).expect("mapped");
    // What the page is in smaps: of this process alone, or of several.
    let dirty = || -> io::Result<[bool; 2]> {
        let area = smaps_of(mapping.range())?.remove(0);
        Ok([area.kib("Private_Dirty")? > 0, area.kib("Shared_Dirty")? > 0])
    };
    let (alone, shared) = ([true, false], [false, true]);
    mapping.store(0, b'1');
    assert_eq!(dirty().expect("smaps"), alone);
    let (child, peer) = Child::fork(|peer| {
        assert_eq!(dirty()?, shared);
        peer.give_turn()?;
        peer.await_turn()?;
        mapping.store(1, b'2');
        assert_eq!(dirty()?, alone);
        peer.give_turn()?;
        peer.await_turn()
    })
    .expect("a child");
    peer.await_turn().expect("its turn");
    assert_eq!(dirty().expect("smaps"), shared);
    peer.give_turn().expect("it is there");
    peer.await_turn().expect("its turn");
    assert_eq!(dirty().expect("smaps"), alone);
    peer.give_turn().expect("it is there");
    child.wait().and_then(|ended| ended.success()).expect("it ends well");
}

#[test]
fn a_socket_ends_like_a_pipe_but_not_if_the_child_left_something_unread() {
    let socket = || UnixStream::pair().expect("sockets");
    let read = |mut ours: &UnixStream| ours.read(&mut [0]).map_err(|error| error.kind());
    for (sent, end) in [("a", Ok(0)), ("ab", Err(io::ErrorKind::ConnectionReset))] {
        let (ours, theirs) = socket();
        (&ours).write_all(sent.as_bytes()).expect("sent");
        let (child, _peer) = Child::fork(|_| (&theirs).read_exact(&mut [0])).expect("a child");
        drop(theirs);
        child.wait().and_then(|ended| ended.success()).expect("it ends well");
        assert_eq!(read(&ours), end, "it has read one byte of {sent:?}");
    }
    // A pipe simply ends, whatever was left in the other one.
    let ((mut ours, theirs), (rest, mut to_child)) = (io::pipe().expect("a pipe"), io::pipe().expect("a pipe"));
    to_child.write_all(b"ab").expect("sent");
    let (child, _peer) = Child::fork(|_| (&rest).read_exact(&mut [0])).expect("a child");
    drop((theirs, rest));
    child.wait().and_then(|ended| ended.success()).expect("it ends well");
    assert_eq!(ours.read(&mut [0]).expect("the end"), 0);
    // While this process has the other end as well, shutdown(2) in the child ends a socket all the same.
    let (ours, theirs) = socket();
    let (child, _peer) = Child::fork(|_| theirs.shutdown(Shutdown::Write)).expect("a child");
    child.wait().and_then(|ended| ended.success()).expect("it ends well");
    assert_eq!(read(&ours), Ok(0));
}

/// Who sees a change. A cell with a + or * says what Linux does: POSIX promises neither.
const MATRIX: &str = "
                                        store shared  store private write(2)
the same mapping                        seen          seen          -
another shared mapping                  seen          no            seen +
another private mapping, not accessed   seen *        no            seen *
another private mapping, loaded before  seen *        no            seen *
another private mapping, stored before  no *          no            no *
read(2)                                 seen +        no            seen
a forked child, shared                  seen          no            seen +
a forked child, private, not accessed   seen *        no            seen *
the parent, shared                      seen          no            seen +
the parent, private, not accessed       seen *        no            seen *
-  write(2) goes through no mapping.
*  POSIX leaves it unspecified; this is what Linux does.
+  POSIX requires synchronisation between mappings and read(2), write(2); Linux does not.
";

#[test]
fn who_sees_a_change_is_what_the_matrix_says() {
    let directory = tempfile::tempdir().expect("a directory");
    let matrix = observe_matrix(directory.path()).expect("observed");
    assert_eq!(format!("\n{}\n", matrix.words(Language::English)), MATRIX);
    assert_eq!(std::fs::read_dir(directory.path()).expect("the directory").count(), 0, "no file is left");
}

#[test]
fn a_file_opened_for_reading_is_mapped_for_stores_private_and_not_shared() {
    for byte in [0, b'T', 0xff] {
        let (_directory, path) = file_with(&[byte, b'x']);
        let opened = opened_for_reading(&path).expect("mapped");
        let expected = OpenedForReading { shared: Err(Errno::EACCES), before: byte, mapped: !byte, in_file: byte };
        assert_eq!(opened, expected);
        assert_eq!(std::fs::read(&path).expect("the file"), [byte, b'x']);
    }
}

#[test]
fn the_first_store_copies_one_page_at_the_same_address() {
    let mut faults_of_second_stores = Vec::new();
    for pages in 1..=PAGES {
        let (_directory, path) = file_with(&vec![b'A'; pages * page_size()]);
        let copied = copy_on_write(&open(&path), pages * page_size()).expect("mapped");
        let CopyOnWrite { loaded, stored, stored_again, in_file } = copied;
        for (state, anonymous, byte) in [(&loaded, 0, b'A'), (&stored, 1, !b'A'), (&stored_again, 1, b'A' ^ 1)] {
            assert_eq!(state.pages("Anonymous").expect("a field"), anonymous, "{pages}");
            assert!(state.pages("Rss").expect("a field") >= 1, "{pages}");
            assert_eq!(state.byte, byte, "{pages}");
            assert_eq!(state.area.range(), loaded.area.range());
            assert_eq!(state.area.range().len(), pages * page_size());
            assert_eq!(state.area.permissions(), "rw-p");
        }
        assert!(loaded.faults >= 1 && stored.faults >= 1, "the load and the store each fault: {loaded:?} {stored:?}");
        faults_of_second_stores.push(stored_again.faults);
        assert_eq!(in_file, b'A');
        assert!(std::fs::read(&path).expect("the file").iter().all(|&byte| byte == b'A'));
        assert_eq!(loaded.pages("Copied").expect_err("no such field").kind(), io::ErrorKind::NotFound);
    }
    // One of them may fault all the same: the kernel write-protects pages for reasons of its own.
    assert!(faults_of_second_stores.contains(&0), "a store to the copy takes no fault: {faults_of_second_stores:?}");
}

#[test]
fn private_dirty_is_also_the_files_page_if_one_mapping_has_it_and_no_disk() {
    let (_directory, path) = file_with(b"old");
    let file = open(&path);
    let map = |sharing| Mapping::of_file(&file, 0, 3, READ_WRITE, sharing).expect("mapped");
    file.write_all_at(b"N", 0).expect("written");
    let seen = |mapping: &Mapping| {
        let area = smaps_of(mapping.range()).expect("smaps").remove(0);
        ["Private_Dirty", "Shared_Dirty", "Anonymous"].map(|field| area.kib(field).expect("a field") > 0)
    };
    let private = map(Sharing::Private);
    private.load(0);
    assert_eq!(seen(&private), [true, false, false], "not on the disk yet");
    let another = map(Sharing::Shared);
    another.load(0);
    assert_eq!(seen(&private), [false, true, false], "another mapping has it, too");
    drop(another);
    file.sync_all().expect("written");
    if fstatfs(&file).expect("its file system").filesystem_type() != TMPFS_MAGIC {
        assert_eq!(seen(&private), [false, false, false], "on the disk");
    }
}

#[test]
fn a_private_mapping_is_a_snapshot_of_the_pages_it_has_written_only() {
    let directory = tempfile::tempdir().expect("a directory");
    // Linux's behaviour: POSIX leaves all three unspecified.
    assert_eq!(half_a_snapshot(directory.path()).expect("mapped"), *b"aBc");
    assert_eq!(std::fs::read_dir(directory.path()).expect("the directory").count(), 0, "no file is left");
}

/// A file of three pages of `o`.
fn three_pages() -> File {
    let file = tempfile::tempfile().expect("a file");
    file.write_all_at(&vec![b'o'; 3 * page_size()], 0).expect("written");
    file
}

/// How many of the three pages from this address on are copies, and whether the first shows what is written to the file.
fn copies_of(file: &File, start: usize, first: impl Fn() -> u8) -> (u64, bool) {
    let anonymous = smaps_of(start..start + 3 * page_size()).expect("smaps")[0].kib("Anonymous").expect("a field");
    file.write_all_at(b"N", 0).expect("written");
    (anonymous * 1024 / page_size_u64(), first() == b'N')
}

#[test]
fn populating_a_private_mapping_copies_its_pages_if_they_may_be_stored_to() {
    let file = three_pages();
    let options = MmapOptions::new().populate().to_owned();
    // SAFETY: the file is this test's own, and the changes of it are through this process's descriptor.
    let map = unsafe { options.map_copy(&file) }.expect("mapped");
    assert_eq!(copies_of(&file, map.as_ptr().addr(), || map[0]), (3, false));
    let file = three_pages();
    // SAFETY: as above.
    let map = unsafe { options.map_copy_read_only(&file) }.expect("mapped");
    assert_eq!(copies_of(&file, map.as_ptr().addr(), || map[0]), (0, true));
}

#[test]
fn locking_a_private_mapping_copies_its_pages_and_so_does_populating_it_later() {
    let copies_after = |name: &str, call: fn(*mut libc::c_void, usize) -> i32| {
        let file = three_pages();
        let draft = Mapping::of_file(&file, 0, 3 * page_size(), READ_WRITE, Sharing::Private).expect("mapped");
        match Errno::result(call(std::ptr::with_exposed_provenance_mut(draft.address()), draft.length())) {
            Ok(_) => Some(copies_of(&file, draft.address(), || draft.load(0))),
            Err(errno) => {
                eprintln!("skipped: {name}: {errno}");
                None
            }
        }
    };
    // SAFETY: it changes no byte of the mapping.
    let locked = copies_after("mlock(2)", |start, length| unsafe { libc::mlock(start, length) });
    assert!(locked.is_none_or(|copies| copies == (3, false)), "{locked:?}");
    let populated = copies_after("MADV_POPULATE_WRITE", |start, length| {
        // SAFETY: it changes no byte of the mapping.
        unsafe { libc::madvise(start, length, libc::MADV_POPULATE_WRITE) }
    });
    assert!(populated.is_none_or(|copies| copies == (3, false)), "{populated:?}");
}

/// Linux limits what is counted only where vm.overcommit_memory is 2.
#[test]
fn memory_for_all_copies_of_a_private_writable_mapping_is_counted_at_once() {
    let file = tempfile::tempfile().expect("a file");
    file.set_len(1 << 30).expect("a size");
    let committed = || {
        let text = std::fs::read_to_string("/proc/meminfo").expect("read");
        let line = text.lines().find_map(|line| line.strip_prefix("Committed_AS:")).expect("a line");
        line.trim_end_matches("kB").trim().parse::<i64>().expect("a number") << 10
    };
    // Other processes map and unmap memory meanwhile, but hardly half a gibibyte five times.
    let is_counted = |map: &dyn Fn() -> Option<MmapRaw>| {
        let counted = || {
            let before = committed();
            let map = map()?;
            let after = committed();
            drop(map);
            Some(after - before > 1 << 29)
        };
        let answers: Option<Vec<_>> = (0..9).map(|_| counted()).collect();
        Some(answers?.into_iter().filter(|&counted| counted).count() > 4)
    };
    let (plain, no_reserve) = (MmapOptions::new(), MmapOptions::new().no_reserve_swap().to_owned());
    // SAFETY: no reference to its bytes is used.
    let private = |options: &MmapOptions| unsafe { options.map_copy(&file) }.ok().map(MmapRaw::from);
    match is_counted(&|| private(&plain)) {
        None => eprintln!("skipped: no gibibyte of memory for copies"),
        counted => assert_eq!(counted, Some(true)),
    }
    assert_eq!(is_counted(&|| plain.map_raw(&file).ok()), Some(false), "shared");
    // SAFETY: as above.
    let read_only = || unsafe { plain.map_copy_read_only(&file) }.ok().map(MmapRaw::from);
    assert_eq!(is_counted(&read_only), Some(false), "without PROT_WRITE");
    // MAP_NORESERVE is ignored where memory is accounted strictly.
    if std::fs::read_to_string("/proc/sys/vm/overcommit_memory").expect("read").trim() != "2" {
        assert_eq!(is_counted(&|| private(&no_reserve)), Some(false), "MAP_NORESERVE");
    }
}

/// The heuristic of vm.overcommit_memory = 0.
#[test]
fn by_default_more_than_all_memory_is_refused_in_one_request_and_not_in_two() {
    let read = |path: &str| std::fs::read_to_string(path).expect("read");
    if read("/proc/sys/vm/overcommit_memory").trim() != "0" {
        return eprintln!("skipped: vm.overcommit_memory isn't 0");
    }
    if getrlimit(Resource::RLIMIT_AS) != Ok((libc::RLIM_INFINITY, libc::RLIM_INFINITY)) {
        return eprintln!("skipped: the process's address space is limited");
    }
    // Not /proc/meminfo, which some containers imitate.
    let mut info = std::mem::MaybeUninit::<libc::sysinfo>::uninit();
    // SAFETY: the pointer is valid for a write.
    Errno::result(unsafe { libc::sysinfo(info.as_mut_ptr()) }).expect("sysinfo(2)");
    // SAFETY: the call has filled it in.
    let info = unsafe { info.assume_init() };
    let all = usize::try_from((info.totalram + info.totalswap) * u64::from(info.mem_unit)).expect("64 bits");
    let map = |length| Mapping::anonymous(length, READ_WRITE, Sharing::Private);
    assert_eq!(map(all + (1 << 30)).err(), Some(Errno::ENOMEM));
    let halves = [map(all / 2 + (1 << 29)), map(all / 2 + (1 << 29))];
    assert!(halves.iter().all(Result::is_ok), "{halves:?}");
}

#[test]
fn posix_madvise_loses_nothing() {
    let anonymous = Mapping::anonymous(1, READ_WRITE, Sharing::Private).expect("mapped");
    anonymous.store(0, b'x');
    let start = std::ptr::with_exposed_provenance_mut(anonymous.address());
    // SAFETY: the page is this mapping's own, and no reference to its bytes exists.
    assert_eq!(unsafe { libc::posix_madvise(start, page_size(), libc::POSIX_MADV_DONTNEED) }, 0);
    assert_eq!(anonymous.load(0), b'x');
}

#[test]
fn a_program_has_its_data_in_a_private_writable_mapping_of_its_executable() {
    let executable = std::env::current_exe().expect("a path");
    let areas = maps_of(0..usize::MAX).expect("maps");
    let of_executable = areas.iter().filter(|area| Path::new(&area.name()) == executable);
    assert!(of_executable.clone().any(|area| area.permissions() == "rw-p"));
    assert!(of_executable.clone().all(|area| area.permissions().ends_with('p')), "none is shared");
}

#[test]
fn a_dropped_copy_leaves_nothing_and_the_next_access_brings_the_files_page() {
    let (_directory, path) = file_with(b"old");
    let copy = drop_the_copy(&open(&path)).expect("mapped");
    let CopyDropped { mapped, loaded, stored, dropped, loaded_again, byte } = copy;
    let entries = [mapped, loaded, stored, dropped, loaded_again].map(|entry| entry >> 61);
    assert_eq!(entries, [0b000, 0b101, 0b100, 0b000, 0b101]);
    assert_eq!(byte, b'o');
    assert_eq!(std::fs::read(&path).expect("the file"), b"old");
    let anonymous = Mapping::anonymous(page_size(), READ_WRITE, Sharing::Private).expect("mapped");
    let before = anonymous.load(0);
    anonymous.store(0, 1);
    let start = std::ptr::with_exposed_provenance_mut(anonymous.address());
    // SAFETY: the page is this mapping's own, and no reference to its bytes exists. One byte stands for the whole page.
    Errno::result(unsafe { libc::madvise(start, 1, libc::MADV_DONTNEED) }).expect("dropped");
    assert_eq!((before, anonymous.load(0)), (0, 0));
}

#[test]
fn a_flush_changes_nothing_that_is_seen() {
    let (_directory, path) = file_with(b"old");
    for (sharing, seen) in [(Sharing::Private, b'o'), (Sharing::Shared, b'N')] {
        // SAFETY: the file is this test's own, and has three bytes.
        let flushed = unsafe { store_and_flush_with_memmap2(&open(&path), sharing, b'N') }.expect("mapped");
        assert_eq!(flushed, Flushed { before: seen, after: seen });
        assert_eq!(std::fs::read(&path).expect("the file"), [seen, b'l', b'd']);
    }
    let file = open(&path);
    let copy = Mapping::of_file(&file, 0, 3, READ_WRITE, Sharing::Private).expect("mapped");
    copy.store(1, b'C');
    file.write_all_at(b"W", 0).expect("written");
    let start = std::ptr::with_exposed_provenance_mut(copy.address());
    // SAFETY: no reference to the bytes exists.
    Errno::result(unsafe { libc::msync(start, 3, libc::MS_SYNC | libc::MS_INVALIDATE) }).expect("no error");
    assert_eq!(([copy.load(0), copy.load(1)], std::fs::read(&path).expect("the file")), (*b"NC", b"Wld".to_vec()));
}

#[test]
fn memmap2_maps_a_file_opened_for_reading_private_and_not_shared() {
    let (_directory, path) = file_with(b"old");
    let file = File::open(&path).expect("the file opens");
    // SAFETY: the file is this test's own, and has three bytes.
    let private = unsafe { store_and_flush_with_memmap2(&file, Sharing::Private, b'N') };
    assert_eq!(private.expect("mapped"), Flushed { before: b'o', after: b'o' });
    // SAFETY: as above.
    let shared = unsafe { store_and_flush_with_memmap2(&file, Sharing::Shared, b'N') };
    assert_eq!(shared.expect_err("refused").raw_os_error(), Some(Errno::EACCES as i32));
    assert_eq!(std::fs::read(&path).expect("the file"), b"old");
}

#[test]
fn the_demonstration_changes_the_first_byte_and_no_other() {
    for bytes in [&[0xff_u8][..], b"\0", b"hello, mmap\n"] {
        let (directory, path) = file_with(bytes);
        let before = std::fs::metadata(&path).expect("the file");
        let mut out = Vec::new();
        demonstrate(&mut Narrator::live(&mut out, directory.path(), Language::English), &path).expect("it runs");
        let after = std::fs::metadata(&path).expect("the file");
        assert_eq!((after.ino(), after.len()), (before.ino(), before.len()));
        let now = std::fs::read(&path).expect("the file");
        assert_eq!(now[0], !bytes[0]);
        assert_eq!(now[1..], bytes[1..]);
    }
}

#[test]
fn the_demonstration_shows_what_the_lesson_says() {
    for language in Language::ALL {
        insta::assert_snapshot!(format!("demonstration_{}", language.code()), transcript(3, language));
    }
}
