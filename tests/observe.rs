//! What `observe` and `narrate` promise: the kernel's own lines and figures, and a transcript without what varies.

mod common;

use std::os::unix::fs::FileExt;
use std::path::Path;

use common::{file_with, open};
use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::narrate::{Narrator, answer};
use mmap_workbook::observe::*;
use mmap_workbook::text::Language;
use nix::errno::Errno;
use nix::sys::mman::ProtFlags;

fn two_pages() -> Mapping {
    Mapping::anonymous(2 * page_size(), READ_WRITE, Sharing::Private).expect("mapped")
}

#[test]
fn a_line_of_maps_is_the_kernels_own() {
    let (_directory, path) = file_with(&vec![1; 3 * page_size()]);
    let mapping =
        Mapping::of_file(open(&path), page_size_u64(), 2 * page_size(), ProtFlags::PROT_READ, Sharing::Private)
            .expect("mapped");
    let areas = maps_of(mapping.range()).expect("maps");
    let text = std::fs::read_to_string("/proc/self/maps").expect("maps");
    // The kernel pads the name to a column.
    let kernels: Vec<String> = text.lines().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(areas.len(), 1);
    assert!(kernels.contains(&areas[0].to_string()), "{} is not in {text}", areas[0]);
    assert_eq!(areas[0].range(), mapping.range());
    assert_eq!(areas[0].offset(), page_size_u64());
    assert_eq!(Path::new(&areas[0].name()), path);
    for area in maps_of(0..usize::MAX).expect("maps") {
        if area.name().starts_with('[') {
            assert!(text.contains(&area.name()), "{area}");
        }
    }
    let own = nix::unistd::getpid();
    assert!(maps_of_process(own).expect("maps").iter().any(|area| area.range() == mapping.range()));
}

#[test]
fn only_areas_that_share_a_byte_are_shown() {
    let mapping = two_pages();
    let (start, end) = (mapping.range().start, mapping.range().end);
    let shown = |range| maps_of(range).expect("maps").iter().any(|a| a.range().contains(&start));
    assert!(shown(start..start + 1));
    assert!(shown(end - 1..end));
    let area = maps_of(start..end).expect("maps").remove(0).range();
    assert!(!shown(area.end..area.end + 1));
    assert!(!shown(area.start - 1..area.start));
    assert!(!shown(start..start), "an empty range shares no byte");
}

#[test]
fn smaps_counts_the_pages_that_were_stored_to() {
    let mapping = two_pages();
    let kib = |field: &str| smaps_of(mapping.range()).expect("smaps")[0].kib(field).expect("a field");
    let before = kib("Anonymous");
    mapping.store(0, 1);
    mapping.store(page_size(), 1);
    // The kernel may have merged the area with a neighbour, which nothing accesses meanwhile.
    assert_eq!(kib("Anonymous") - before, 2 * page_size_u64() / 1024);
    let unknown = smaps_of(mapping.range()).expect("smaps")[0].kib("No_Such_Field");
    assert_eq!(unknown.expect_err("unknown").kind(), std::io::ErrorKind::NotFound);
}

#[test]
fn a_first_touch_is_a_fault() {
    let mapping = two_pages();
    let before = minor_faults().expect("a count");
    mapping.store(0, 1);
    assert!(minor_faults().expect("a count") > before);
}

#[test]
fn rss_leaves_out_anonymous_pages_that_were_only_loaded_from() {
    let mapping = two_pages();
    let is_present = || {
        let mut entry = [0; 8];
        let pagemap = std::fs::File::open("/proc/self/pagemap").expect("it opens");
        pagemap.read_exact_at(&mut entry, (mapping.address() / page_size() * 8) as u64).expect("an entry");
        u64::from_ne_bytes(entry) >> 63 == 1
    };
    let resident = || smaps_of(mapping.range()).expect("smaps")[0].kib("Rss").expect("a field");
    let before = (is_present(), resident());
    mapping.load(0);
    assert_eq!((before, is_present(), resident()), ((false, before.1), true, before.1), "an entry: the page of zeros");
    mapping.store(0, 1);
    assert!(resident() > before.1);
}

#[test]
fn a_page_that_is_mapped_twice_counts_twice_in_rss_and_once_in_pss() {
    let (_directory, path) = file_with(&[1]);
    let map = || Mapping::of_file(open(&path), 0, 1, ProtFlags::PROT_READ, Sharing::Shared).expect("mapped");
    let twice = [map(), map()];
    let sum = |field: &str| -> u64 {
        let areas = twice.iter().map(|mapping| smaps_of(mapping.range()).expect("smaps").remove(0));
        areas.map(|area| area.kib(field).expect("a field")).sum()
    };
    twice.iter().for_each(|mapping| _ = mapping.load(0));
    let page = page_size_u64() / 1024;
    assert_eq!((sum("Rss"), sum("Pss")), (2 * page, page));
}

#[test]
fn a_page_that_was_written_is_in_the_page_cache_and_one_in_a_hole_is_not() {
    let (_directory, path) = file_with(&[1]);
    let file = open(&path);
    file.set_len(2 * page_size_u64()).expect("a size");
    let mapping = Mapping::of_file(&file, 0, 2 * page_size(), ProtFlags::PROT_READ, Sharing::Shared).expect("mapped");
    assert_eq!(in_page_cache(mapping.range()).expect("mincore"), [true, false]);
    let unaligned = in_page_cache(mapping.address() + 1..mapping.address() + 2);
    assert_eq!(unaligned.expect_err("refused").raw_os_error(), Some(Errno::EINVAL as i32));
}

#[test]
fn bytes_are_shown_as_digits_and_as_text() {
    assert_eq!(hex(b"hi\n\x7f ~"), "68 69 0a 7f 20 7e  |hi.. ~|");
    assert_eq!(hex(b""), "  ||");
}

#[test]
fn lengths_are_rounded_up_to_whole_pages() {
    let page = page_size();
    assert!(page.is_power_of_two());
    assert_eq!([0, 1, page, page + 1].map(whole_pages), [0, page, page, 2 * page]);
}

#[test]
fn a_transcript_leaves_out_what_varies_and_the_terminal_shows_it() {
    let (directory, path) = file_with(b"x");
    let mapping = Mapping::of_file(open(&path), 0, 1, ProtFlags::PROT_READ, Sharing::Shared).expect("mapped");
    let areas = maps_of(mapping.range()).expect("maps");
    let print = |narrator: fn(&mut Vec<u8>, &Path, &[Area])| {
        let mut text = Vec::new();
        narrator(&mut text, directory.path(), &areas);
        String::from_utf8(text).expect("text")
    };
    fn tell(mut out: Narrator, areas: &[Area]) -> std::io::Result<()> {
        assert!(out.directory().is_dir());
        out.part("A part")?;
        out.tell("two\nlines")?;
        out.evidence("count", out.varying("count", 17))?;
        out.maps(areas)?;
        out.maps(&[])?;
        out.shows("that")
    }
    let transcript = print(|text, directory, areas| {
        tell(Narrator::transcript(text, directory, Language::English), areas).expect("written")
    });
    assert_eq!(
        transcript,
        "\nA part\n  two\n  lines\n    count:                       ‹count›\n    maps:                        \
         ‹address›-‹address› r--s 00000000 ‹device› ‹inode› file\n    maps:                        no line\n  => that\n"
    );
    let live = print(|text, directory, areas| {
        tell(Narrator::live(text, directory, Language::English), areas).expect("written")
    });
    let plain = anstream::adapter::strip_str(&live).to_string();
    let line = areas[0].to_string().replace(&format!("{}/", directory.path().display()), "");
    assert_ne!(live, plain, "coloured");
    assert!(plain.contains(&line) && plain.contains("17") && !plain.contains('‹'), "{plain}");
}

#[test]
fn an_answer_is_ok_or_the_name_of_the_errno() {
    assert_eq!(answer(&Ok(1)), "ok");
    assert_eq!(answer::<()>(&Err(Errno::EINVAL)), "EINVAL");
}

#[test]
fn shared_anonymous_memory_is_a_nameless_file_and_private_is_none() {
    let seen = |sharing| {
        let mapping = Mapping::anonymous(2 * page_size(), READ_WRITE, sharing).expect("mapped");
        let area = || smaps_of(mapping.range()).expect("smaps").remove(0);
        let anonymous = || area().kib("Anonymous").expect("a field");
        let before = anonymous();
        mapping.store(0, 1);
        // The kernel may have merged the area with a neighbour, which nothing accesses meanwhile.
        (area().name(), anonymous() - before)
    };
    assert_eq!(seen(Sharing::Shared), ("/dev/zero (deleted)".to_owned(), 0));
    assert_eq!(seen(Sharing::Private), (String::new(), page_size_u64() / 1024));
}
