//! What lesson 7 measures, with all rounds and up to 1 GiB, or what fits: `cargo bench --bench cost`. Beside each ratio is that of
//! the run before, which target/tmp/cost.json keeps, in the form of `run 7 --format json`; the book's `plot` draws that file.

use std::fs;
use std::io;
use std::path::Path;

use mmap_workbook::lesson_7::Ratio;
use mmap_workbook::lesson_7::figures::{Comparison, Figures};

const SIZES: [usize; 6] = [4 << 10, 64 << 10, 1 << 20, 16 << 20, 256 << 20, 1 << 30];
const ROUNDS: usize = 7;

fn main() -> io::Result<()> {
    let directory = std::env::temp_dir();
    // A read of all of it needs its memory twice, besides what others need.
    let room = available()? / 4;
    let sizes: Vec<usize> = SIZES.into_iter().filter(|size| *size <= room).collect();
    if sizes.len() < SIZES.len() {
        println!("left out, for want of memory: what is larger than {} MiB", room >> 20);
    }
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cost.json");
    // One of another version of the course is none.
    let before: Option<Figures> = fs::read(&kept).ok().and_then(|text| serde_json::from_slice(&text).ok());
    let figures = Figures::measure(&directory, &sizes, 0, ROUNDS, |comparison| {
        let before = before.iter().flat_map(|figures| &figures.comparisons);
        print(comparison, before.into_iter().find(|before| before.subject == comparison.subject));
        Ok(())
    })?;
    for advice in &figures.advice {
        println!("{advice:?}");
    }
    for written in &figures.written {
        println!("{written:?}");
    }
    println!("{:?}\nkept in {}", figures.machine, kept.display());
    fs::write(kept, serde_json::to_string(&figures)?)
}

fn print(Comparison { subject, folio, ways }: &Comparison, before: Option<&Comparison>) {
    println!("{}, folios of {folio:?} pages", subject.in_words().en);
    for (name, ratio) in ways {
        let of = |ratio: &Option<Ratio>| match ratio {
            Some(Ratio { median, least, most }) => format!("{median:8.2} ({least:.2} - {most:.2})"),
            None => "       ?".to_owned(),
        };
        let before = before.and_then(|before| before.ways.iter().find(|(known, _)| known == name));
        println!(
            "  {name:20} {:30} {}",
            of(ratio),
            before.map_or(String::new(), |(_, ratio)| format!("before: {}", of(ratio)))
        );
    }
}

/// The memory that nobody needs (MemAvailable), in bytes.
fn available() -> io::Result<usize> {
    let text = fs::read_to_string("/proc/meminfo")?;
    let kib = text.lines().find_map(|line| line.strip_prefix("MemAvailable:")?.trim().strip_suffix(" kB"));
    let kib: usize = kib.and_then(|kib| kib.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
    Ok(kib << 10)
}
