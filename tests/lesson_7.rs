//! Lesson 7: What it costs.

mod common;

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use common::{cases, contents, file_with, open, transcript};
use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::lesson_7::figures::{COLD, Figures, Subject, folio_of};
use mmap_workbook::lesson_7::*;
use mmap_workbook::observe::page_size;
use mmap_workbook::process::Child;
use mmap_workbook::text::Language;
use nix::errno::Errno;
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::{MmapAdvise, MsFlags, msync};
use proptest::prelude::*;
use tempfile::TempDir;

/// Enough for an ordinary read-ahead to bring many pages at once, and many times.
const PAGES: usize = 1024;
const NONE: Faults = Faults { minor: 0, major: 0 };

/// A file of [`PAGES`] pages, all in the page cache.
fn cached() -> (TempDir, File) {
    let (directory, path) = file_with(&vec![b'c'; PAGES * page_size()]);
    let file = open(&path);
    (directory, file)
}

/// The same, and out of the page cache; None where it can't be.
fn cold() -> Option<(TempDir, File)> {
    let (directory, file) = cached();
    if make_cold(&file).expect("the advice") {
        return Some((directory, file));
    }
    eprintln!("skipped: a file in the directory for temporary files stays in the page cache");
    None
}

fn memory() -> File {
    memfd_create(c"lesson 7", MFdFlags::MFD_CLOEXEC).expect("a file in memory").into()
}

fn pages() -> i64 {
    PAGES.try_into().expect("it is small")
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn each_order_has_each_page_once(pages in 0..500_usize, order in prop_oneof![
        Just(Order::Forward), Just(Order::Backward), Just(Order::Random)
    ]) {
        let mut of = order.of(pages);
        of.sort_unstable();
        prop_assert_eq!(of, (0..pages).collect::<Vec<_>>());
    }
}

proptest! {
    #![proptest_config(cases(32))]

    #[test]
    fn each_way_finds_what_is_in_the_file_and_nothing_else(bytes in contents(), byte: u8) {
        let (_directory, path) = file_with(&bytes);
        for way in Way::ALL {
            prop_assert_eq!(way.finds(&path, byte).expect("the file is read"), bytes.contains(&byte), "{:?}", way);
        }
    }
}

#[test]
fn a_ratio_is_of_one_round_and_every_second_round_is_reversed() {
    // The machine is ten times as slow in the second round. The last way takes four times as long in the first, and twice in the
    // last.
    let order = memory();
    let time = |way: u8| {
        (&order).write_all(&[way])?;
        let slow = match (order.metadata()?.len(), way) {
            (..=3, 5) => 4,
            (7.., 5) => 2,
            (4..=6, _) => 10,
            _ => 1,
        };
        Ok(Duration::from_millis(u64::from(way) * slow))
    };
    let ratios = compare(&[2, 3, 5], 3, time).expect("the ratios");
    let always = |ratio| Ratio { median: ratio, least: ratio, most: ratio };
    assert_eq!(ratios[0], always(1.0));
    assert_eq!(ratios[1], always(1.5));
    assert_eq!(ratios[2], Ratio { median: 5.0, least: 2.5, most: 10.0 });
    let mut seen = [0; 9];
    order.read_exact_at(&mut seen, 0).expect("the order");
    assert_eq!(seen, [2, 3, 5, 5, 3, 2, 2, 3, 5]);
}

#[test]
fn what_fails_in_a_round_is_an_error() {
    let error =
        compare(&[1, 2], 3, |way| if way == 2 { Err(Errno::ENOSPC.into()) } else { Ok(Duration::from_secs(1)) });
    assert!(error.expect_err("an error").to_string().contains("No space left"));
}

#[test]
fn each_way_to_records_finds_each_of_them() {
    let (_directory, file) = cached();
    let marked = 77;
    file.write_all_at(b"x", marked * page_size() as u64 + 5).expect("a byte");
    for way in RecordWay::ALL {
        assert!(!way.finds(&file, &[0, 1, PAGES - 1], b'x').expect("the records"), "{way:?}");
        assert!(
            way.finds(&file, &[3, usize::try_from(marked).expect("it is small")], b'x').expect("the records"),
            "{way:?}"
        );
    }
}

#[test]
fn each_update_is_in_the_file_and_a_durable_one_is_written() {
    let (_directory, file) = cached();
    let mapping = Mapping::of_file(&file, 0, PAGES * page_size(), READ_WRITE, Sharing::Shared).expect("a mapping");
    for (n, way) in (1..).zip(UpdateWay::ALL) {
        let at = 3 * page_size() + 64;
        way.update(&file, &mapping, at, &[n; UPDATE]).expect("the update");
        let mut bytes = [0; UPDATE];
        file.read_exact_at(&mut bytes, at as u64).expect("the bytes");
        assert_eq!(bytes, [n; UPDATE], "{way:?}");
    }
}

#[test]
fn a_file_in_memory_is_on_no_device() {
    assert_eq!(sectors_written(&memory()).expect("the counter"), None);
}

#[test]
fn a_mapping_takes_memory_when_it_is_touched_and_the_cache_keeps_the_pages() {
    let (_directory, file) = cached();
    let all = (PAGES * page_size()) as u64;
    let map = |sharing| Mapping::of_file(&file, 0, PAGES * page_size(), READ_WRITE, sharing).expect("a mapping");
    let memory = |mapping: &Mapping| {
        let Memory { resident, anonymous, cached, .. } = memory_of(mapping, &file).expect("its memory");
        [resident, anonymous, cached]
    };
    let shared = map(Sharing::Shared);
    assert_eq!(memory(&shared), [0, 0, all]);
    touch(&shared, &Order::Forward.of(PAGES), AccessKind::Load);
    assert_eq!(memory(&shared), [all, 0, all]);
    drop(shared);
    let private = map(Sharing::Private);
    assert_eq!(memory(&private), [0, 0, all], "munmap(2) leaves the cache");
    touch(&private, &Order::Forward.of(PAGES), AccessKind::Store);
    assert_eq!(memory(&private), [all, all, all], "twice in memory");
}

#[test]
fn a_page_that_two_processes_map_counts_for_a_half_in_each() {
    let (_directory, file) = cached();
    let map = || {
        let mapping = Mapping::of_file(&file, 0, PAGES * page_size(), READ_WRITE, Sharing::Shared).expect("a mapping");
        touch(&mapping, &Order::Forward.of(PAGES), AccessKind::Load);
        mapping
    };
    let mapping = map();
    let alone = memory_of(&mapping, &file).expect("its memory");
    assert_eq!(alone.proportional, alone.resident);
    let (child, peer) = Child::fork(|peer| {
        let _mapping = map();
        peer.give_turn()?;
        peer.await_turn()
    })
    .expect("a child");
    peer.await_turn().expect("it has mapped the pages");
    let both = memory_of(&mapping, &file).expect("its memory");
    peer.give_turn().expect("the child goes on");
    child.wait().expect("it ends").success().expect("no error");
    assert_eq!(both.resident, alone.resident);
    // The child has inherited the parent's mapping, too, whose pages it may or may not have entries for.
    let expected = alone.resident / 3..=alone.resident / 2;
    assert!(expected.contains(&both.proportional), "{both:?}");
}

#[test]
fn pages_that_are_brought_are_charged_until_they_leave_the_cache() {
    let cache = || charge().expect("the charge").map(|charge| charge.cache);
    if cache().is_none() {
        eprintln!("skipped: no control group counts memory here");
        return;
    }
    let Some((_directory, file)) = cold() else { return };
    let round = || {
        let mut caches = [0; 3];
        make_cold(&file).expect("the advice");
        caches[0] = cache()?;
        let mapping = Mapping::of_file(&file, 0, PAGES * page_size(), READ_WRITE, Sharing::Shared).expect("a mapping");
        touch(&mapping, &Order::Forward.of(PAGES), AccessKind::Load);
        drop(mapping);
        caches[1] = cache()?;
        make_cold(&file).expect("the advice");
        caches[2] = cache()?;
        Some([caches[0], caches[2]].map(|cold| caches[1].saturating_sub(cold)))
    };
    // Pages of others in the same group come and go meanwhile, so that not each round shows it.
    let rounds: Vec<_> = (0..20).map_while(|_| round()).collect();
    assert!(
        rounds.iter().any(|changes| changes.iter().all(|&change| change > (PAGES * page_size()) as u64 / 4 * 3)),
        "{rounds:?}"
    );
}

#[test]
fn what_is_locked_costs_no_fault_later() {
    let (_directory, file) = cached();
    let plan = Plan { before: Before::Lock, order: Order::Random, ..Plan::SIMPLEST };
    match count(&file, plan) {
        Ok(cost) => assert_eq!((cost.first, cost.again), (NONE, NONE)),
        Err(error) if [nix::libc::ENOMEM, nix::libc::EPERM].map(Some).contains(&error.raw_os_error()) => {
            eprintln!("skipped: {error}");
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn an_ordinary_user_locks_no_more_than_the_limit() {
    assert_eq!(locked_beyond_the_limit().expect("the answers"), [Err(Errno::ENOMEM), Err(Errno::EPERM)]);
}

#[test]
fn more_memory_than_there_is_is_promised_as_the_kernel_is_set() {
    let setting = std::fs::read_to_string("/proc/sys/vm/overcommit_memory").expect("the setting");
    let expected = match setting.trim() {
        "0" => [Err(Errno::ENOMEM), Ok(())],
        "1" => [Ok(()), Ok(())],
        "2" => [Err(Errno::ENOMEM), Err(Errno::ENOMEM)],
        other => panic!("overcommit_memory is {other}"),
    };
    assert_eq!(more_than_there_is().expect("the answers"), expected);
}

#[test]
fn without_huge_pages_each_page_of_anonymous_memory_costs_a_fault() {
    let length = 16 << 20;
    match with_and_without_huge_pages(length) {
        Ok([with, without]) => {
            let pages = i64::try_from(length / page_size()).expect("it is small");
            assert_eq!(without, Faults { minor: pages, major: 0 });
            assert!((1..=pages).contains(&with.minor), "{with:?}");
        }
        Err(error) if error.raw_os_error() == Some(nix::libc::EINVAL) => {
            eprintln!("skipped: a kernel without transparent huge pages");
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn after_the_advice_random_each_page_that_is_loaded_is_read_and_no_other() {
    let Some((_directory, file)) = cold() else { return };
    let far: Vec<usize> = (0..PAGES).step_by(256).collect();
    for pages in [far, Order::Random.of(PAGES)] {
        let it = advised(&file, MmapAdvise::MADV_RANDOM, &pages).expect("the counts").expect("it is cold");
        assert_eq!(it.faults.major, i64::try_from(pages.len()).expect("few"));
        // What a file system reads about the file (where its pages are) may be among the bytes.
        let least = (pages.len() * page_size()) as u64;
        assert!(it.read == 0 || (least..=2 * least + (64 << 10)).contains(&it.read), "{it:?} for {least}");
    }
    let far: Vec<usize> = (0..PAGES).step_by(256).collect();
    let normal = advised(&file, MmapAdvise::MADV_NORMAL, &far).expect("the counts").expect("it is cold");
    let around = 2 * (far.len() * page_size()) as u64;
    assert!(normal.read == 0 || normal.read > around, "{normal:?}: what is around is read, too");
}

#[test]
fn scattered_records_read_by_pread_are_read_alone() {
    let Some((_directory, file)) = cold() else { return };
    let far: Vec<usize> = (0..PAGES).step_by(256).collect();
    RecordWay::Pread.finds(&file, &far, b'x').expect("the records");
    let cached = cached_pages(&file).expect("the pages").into_iter().filter(|cached| *cached).count();
    assert!((far.len()..=2 * far.len()).contains(&cached), "{cached} pages for {}", far.len());
}

#[test]
fn neighbours_are_read_alone_after_the_advice() {
    let Some((_directory, file)) = cold() else { return };
    let near = [0, 1, 2, 3];
    let read = || io_counter("read_bytes").map_or(0, |bytes| usize::try_from(bytes).expect("bytes") / page_size());
    let cached = || {
        RecordWay::Pread.finds(&file, &near, b'x').expect("the records");
        cached_pages(&file).expect("the pages").into_iter().filter(|cached| *cached).count()
    };
    // What is read in advance may still be on its way, and not in the page cache yet.
    let before = read();
    let without = cached().max(read() - before);
    assert!(make_cold(&file).expect("the advice"), "it was cold before");
    posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_RANDOM).expect("the advice");
    let with = cached();
    assert!((near.len()..=2 * near.len()).contains(&with) && without > with, "{with} pages, {without} without");
}

#[test]
fn a_page_that_was_taken_back_is_paid_for_again() {
    let (_directory, file) = cached();
    match paid_again(&file) {
        // The kernel need not take any.
        Ok(faults) if faults == Faults::default() => eprintln!("skipped: no page was taken back here"),
        Ok(faults) => assert!((1..=pages()).contains(&(faults.minor + faults.major)), "{faults:?}"),
        Err(error) if error.raw_os_error() == Some(nix::libc::EINVAL) => {
            eprintln!("skipped: MADV_PAGEOUT came with Linux 5.4");
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn the_figures_are_the_same_after_json_and_each_way_is_there() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut seen = Vec::new();
    let figures = Figures::measure(directory.path(), &[4 << 10, 1 << 20], 1 << 20, 1, |comparison| {
        seen.push(comparison.clone());
        Ok(())
    })
    .expect("the figures");
    assert_eq!(seen, figures.comparisons);
    let json = serde_json::to_string(&figures).expect("JSON");
    assert_eq!(serde_json::from_str::<Figures>(&json).expect("the same"), figures);
    let scans = figures.comparisons.iter().filter(|comparison| matches!(comparison.subject, Subject::Scan { .. }));
    let ways: Vec<usize> = scans.map(|scan| scan.ways.len()).collect();
    assert_eq!(ways, [Way::ALL.len(), Way::ALL.len(), COLD.len()]);
    let cold = make_cold(&tempfile::tempfile().expect("a file")).expect("the advice");
    assert!(cold, "an empty file has no page");
    assert_eq!(std::fs::read_dir(directory.path()).expect("the directory").count(), 0, "nothing is left");
}

#[test]
fn a_folio_is_seen_by_what_a_store_makes_dirty() {
    let (_directory, file) = cached();
    match folio_of(&file).expect("the pages") {
        Some(pages) => assert!((1..=PAGES).contains(&pages), "{pages}"),
        None => eprintln!("skipped: clean pages can't be told here"),
    }
    assert_eq!(folio_of(&memory()).expect("the pages"), None, "an empty file");
    let in_memory = memory();
    (&in_memory).write_all(&vec![b'c'; page_size()]).expect("its bytes");
    assert_eq!(folio_of(&in_memory).expect("the pages"), None, "in memory, no page is ever clean");
}

#[test]
fn page_tables_are_made_at_the_first_access() {
    let (mapped, loaded) = cost_in_page_tables(64).expect("the cost");
    let tables = 64 * page_size() as u64;
    assert_eq!(mapped, 0);
    // And perhaps one of the level above.
    assert!((tables..=2 * tables).contains(&loaded), "{loaded} bytes for {tables}");
}

#[test]
fn other_protections_split_an_area_and_the_same_ones_merge_it() {
    let [one, split, merged] = split_and_merged(64).expect("the areas");
    assert_eq!((split, merged), (one + 63, one));
}

#[test]
fn the_random_order_is_no_other_and_the_same_each_time() {
    let random = Order::Random.of(PAGES);
    assert_eq!(random, Order::Random.of(PAGES));
    let neighbours = random.windows(2).filter(|two| two[0].abs_diff(two[1]) == 1).count();
    assert!(neighbours < PAGES / 100, "{neighbours} of {PAGES} pages follow a neighbour");
}

#[test]
fn a_page_of_the_cache_costs_at_most_a_minor_fault_and_once() {
    let (_directory, file) = cached();
    for order in [Order::Forward, Order::Backward, Order::Random] {
        for sharing in [Sharing::Shared, Sharing::Private] {
            for access in [AccessKind::Load, AccessKind::Store] {
                let plan = Plan { sharing, order, access, ..Plan::SIMPLEST };
                let Cost { first, again, .. } = count(&file, plan).expect("the counts");
                assert!((1..=pages()).contains(&first.minor) && first.major == 0, "{plan:?}: {first:?}");
                assert_eq!(again, NONE, "{plan:?}");
            }
        }
    }
}

#[test]
fn each_private_copy_costs_a_fault_of_its_own() {
    let (_directory, file) = cached();
    let plan = Plan { sharing: Sharing::Private, access: AccessKind::Store, ..Plan::SIMPLEST };
    assert_eq!(count(&file, plan).expect("the counts").first, Faults { minor: pages(), major: 0 });
}

#[test]
fn after_msync_a_store_is_paid_for_again_where_pages_are_written_back() {
    let (_directory, file) = cached();
    let written_back = folio_of(&file).expect("the pages").is_some();
    let mapping = Mapping::of_file(&file, 0, PAGES * page_size(), READ_WRITE, Sharing::Shared).expect("a mapping");
    let stores = || {
        let stores = || {
            touch(&mapping, &Order::Forward.of(PAGES), AccessKind::Store);
            Ok(())
        };
        faults_of(stores).expect("the counts").minor
    };
    stores();
    assert_eq!(stores(), 0);
    // SAFETY: the range is that of the mapping; msync(2) changes no byte of it.
    unsafe { msync(mapping.pointer_to(0), mapping.length(), MsFlags::MS_SYNC) }.expect("msync");
    let again = stores();
    let expected = if written_back { 1..=pages() } else { 0..=0 };
    assert!(expected.contains(&again), "{again} faults");
}

#[test]
fn cold_pages_in_random_order_cost_a_major_fault_each_and_in_order_few() {
    let Some((_directory, file)) = cold() else { return };
    let simplest = count(&file, Plan::SIMPLEST).expect("the counts").first;
    assert!(make_cold(&file).expect("the advice"));
    let before = Before::Advise(MmapAdvise::MADV_RANDOM);
    let random = count(&file, Plan { before, order: Order::Random, ..Plan::SIMPLEST }).expect("the counts");
    assert_eq!(random.first.major, pages(), "{random:?}");
    assert_eq!(random.again, NONE);
    assert!((1..pages() / 10).contains(&simplest.major), "{simplest:?}");
}

#[test]
fn what_is_populated_costs_no_fault_later() {
    let (_directory, file) = cached();
    for before in [Before::Populate, Before::Advise(MmapAdvise::MADV_POPULATE_READ)] {
        match count(&file, Plan { before, order: Order::Random, ..Plan::SIMPLEST }) {
            Ok(cost) => assert_eq!((cost.first, cost.again), (NONE, NONE), "{before:?}"),
            Err(error) if error.raw_os_error() == Some(nix::libc::EINVAL) => {
                eprintln!("skipped: {before:?} came with Linux 5.14");
            }
            Err(error) => panic!("{before:?}: {error}"),
        }
    }
}

#[test]
fn what_is_cold_is_in_no_page_of_the_cache() {
    let Some((_directory, file)) = cold() else { return };
    assert_eq!(cached_pages(&file).expect("the pages"), vec![false; PAGES]);
    count(&file, Plan::SIMPLEST).expect("the counts");
    assert_eq!(cached_pages(&file).expect("the pages"), vec![true; PAGES]);
}

#[test]
fn a_file_in_memory_is_never_cold() {
    let file = memory();
    (&file).write_all(&vec![b'c'; PAGES * page_size()]).expect("its bytes");
    assert!(!make_cold(&file).expect("the advice"));
    assert_eq!(cached_pages(&file).expect("the pages"), vec![true; PAGES]);
}

#[test]
fn faults_of_another_thread_are_not_counted() {
    let (_directory, file) = cached();
    let plan = Plan { sharing: Sharing::Private, access: AccessKind::Store, ..Plan::SIMPLEST };
    let faults =
        faults_of(|| std::thread::scope(|scope| scope.spawn(|| count(&file, plan)).join().expect("it ends").map(drop)));
    let minor = faults.expect("the counts").minor;
    assert!(minor < pages() / 4, "{minor} faults of the thread that waits for one with {PAGES}");
}

#[test]
fn the_demonstration_shows_what_the_lesson_says() {
    for language in Language::ALL {
        insta::assert_snapshot!(format!("demonstration_{}", language.code()), transcript(7, language));
    }
}
