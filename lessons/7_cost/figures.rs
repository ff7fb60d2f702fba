//! What lesson 7 measures on this machine, as data: the demonstration prints it, `run 7 --format json` writes it, the book's
//! `plot` draws it.
//!
//! A figure without what it depends on says nothing, so that each carries what can't be seen in it: the kernel, the file
//! system, the size of the folios that the page cache happens to have for this file.

use std::fs::{self, File};
use std::io;
use std::num::NonZero;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nix::sys::mman::{MmapAdvise, ProtFlags};
use nix::sys::utsname::uname;
use procfs::process::Process;
use serde::{Deserialize, Serialize};

use super::{
    AccessKind, Advised, Order, Ratio, RecordWay, UPDATE, UpdateWay, Way, advised, compare, io_counter, length_of,
    make_cold, sectors_written, time_of, touch, whole,
};
use crate::lesson_2::{Mapping, READ_WRITE, Sharing};
use crate::observe::{page_size, page_size_u64, smaps_of};
use crate::text;
use crate::text::Text;

// ANCHOR: machine
/// What decides about the figures, and isn't seen in them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The kernel's release.
    pub kernel: String,
    /// The processor's architecture.
    pub architecture: String,
    /// The number of processors for this process.
    pub processors: usize,
    /// The size of a page in bytes.
    pub page_size: usize,
    /// The file system that the files are on, by its name in /proc/self/mountinfo; None for files in memory that are nowhere.
    pub file_system: Option<String>,
    /// How far the kernel reads ahead on that device, in KiB, where it has one.
    pub read_ahead: Option<u64>,
    /// When the kernel uses huge pages for anonymous memory: `always`, `madvise` or `never`; None without them.
    pub huge_pages: Option<String>,
    /// Pages that a single load of a cached file maps (fault-around).
    pub around: usize,
}

impl Machine {
    /// This machine, and the file system of this file, whose pages are in the page cache.
    ///
    /// # Errors
    /// When the system doesn't say.
    pub fn of(file: &File) -> io::Result<Machine> {
        let name = uname()?;
        let device = file.metadata()?.dev();
        let device = format!("/sys/class/bdi/{}:{}/read_ahead_kb", libc::major(device), libc::minor(device));
        let huge = fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled").ok();
        Ok(Machine {
            kernel: name.release().to_string_lossy().into_owned(),
            architecture: name.machine().to_string_lossy().into_owned(),
            processors: std::thread::available_parallelism().map_or(1, NonZero::get),
            page_size: page_size(),
            file_system: file_system_of(file)?,
            read_ahead: fs::read_to_string(device).ok().and_then(|kib| kib.trim().parse().ok()),
            huge_pages: huge.and_then(|words| Some(words.split_once('[')?.1.split_once(']')?.0.to_owned())),
            around: mapped_by_one_load(file)?,
        })
    }

    /// Each with what it is called.
    pub fn in_words(&self) -> [(Text, String); 7] {
        let known = |word: &Option<String>| word.clone().unwrap_or("?".to_owned());
        [
            (text!("kernel", "内核"), format!("Linux {}, {}", self.kernel, self.architecture)),
            (text!("processors", "处理器"), self.processors.to_string()),
            (text!("size of a page", "页大小"), self.page_size.to_string()),
            (text!("file system", "文件系统"), known(&self.file_system)),
            (text!("read-ahead, KiB", "预读，KiB"), known(&self.read_ahead.map(|kib| kib.to_string()))),
            (text!("huge pages", "大页"), known(&self.huge_pages)),
            (text!("pages mapped by a load", "一次读取映射的页数"), self.around.to_string()),
        ]
    }
}

/// By the mount that the descriptor came through, since a file's device number says less on btrfs and overlayfs.
fn file_system_of(file: &File) -> io::Result<Option<String>> {
    let about = fs::read_to_string(format!("/proc/self/fdinfo/{}", file.as_raw_fd()))?;
    let mount = about.lines().find_map(|line| line.strip_prefix("mnt_id:")?.trim().parse().ok());
    let mounts = Process::myself().and_then(|process| process.mountinfo()).map_err(io::Error::other)?;
    Ok(mounts.0.into_iter().find(|known| Some(known.mnt_id) == mount).map(|known| known.fs_type))
}

fn mapped_by_one_load(file: &File) -> io::Result<usize> {
    let mapping = whole(file, length_of(file)?, ProtFlags::PROT_READ, Sharing::Shared)?;
    let middle = mapping.length().div_ceil(page_size()) / 2;
    touch(&mapping, &[middle], AccessKind::Load);
    pages_in(&mapping, "Rss")
}

/// The pages that a field of /proc/self/smaps, such as Rss, counts for a mapping.
///
/// # Errors
/// When /proc can't be read, or has no such field.
pub fn pages_in(mapping: &Mapping, field: &str) -> io::Result<usize> {
    let kib = smaps_of(mapping.range())?.iter().map(|area| area.kib(field)).sum::<io::Result<u64>>()?;
    usize::try_from((kib << 10) / page_size_u64()).map_err(io::Error::other)
}

/// The pages that the page cache keeps together (a folio) in the middle of this file: a store makes all of them dirty. The file
/// is written to. None where clean pages can't be told, as on tmpfs.
///
/// # Errors
/// Those of fsync(2), mmap(2), and when /proc can't be read.
pub fn folio_of(file: &File) -> io::Result<Option<usize>> {
    file.sync_all()?;
    let mapping = match Mapping::populated(file, length_of(file)?, READ_WRITE, Sharing::Shared) {
        Err(Errno::EINVAL) => return Ok(None), // an empty file
        mapping => mapping?,
    };
    let dirty = || Ok::<_, io::Error>(pages_in(&mapping, "Private_Dirty")? + pages_in(&mapping, "Shared_Dirty")?);
    if dirty()? > 0 {
        return Ok(None);
    }
    let middle = mapping.length() / 2;
    mapping.store(middle, mapping.load(middle));
    Ok(Some(dirty()?))
}
// ANCHOR_END: machine

// ANCHOR: figures
/// What a comparison is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum Subject {
    /// Ways to look at each byte of a file.
    Scan {
        /// Its length.
        bytes: usize,
        /// Whether its pages were on the disk only.
        cold: bool,
    },
    /// Ways to look at some pages in random order.
    Records {
        /// The file's length.
        bytes: usize,
        /// Whether they were on the disk only.
        cold: bool,
    },
    /// Ways to change some bytes.
    Update {
        /// The file's length.
        bytes: usize,
    },
}

impl Subject {
    fn is_cold(self) -> bool {
        matches!(self, Subject::Scan { cold: true, .. } | Subject::Records { cold: true, .. })
    }

    /// What it is called.
    pub fn in_words(self) -> Text {
        let (Subject::Scan { bytes, .. } | Subject::Records { bytes, .. } | Subject::Update { bytes }) = self;
        let size = if bytes < 1 << 20 { format!("{} KiB", bytes >> 10) } else { format!("{} MiB", bytes >> 20) };
        let Text { en, zh } = if self.is_cold() {
            text!("cold", "不在页缓存里")
        } else {
            text!("in the page cache", "在页缓存里")
        };
        match self {
            Subject::Scan { .. } => text!("each byte of {size}, {en}", "{size} 的每个字节，{zh}"),
            Subject::Records { .. } => {
                text!("random pages of {size}, {en}", "{size} 里随机的一些页，{zh}")
            }
            Subject::Update { .. } => text!("a change of {UPDATE} bytes in {size}", "在 {size} 里改 {UPDATE} 字节"),
        }
    }
}

/// Ways that do the same, against the first of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// What was done.
    #[serde(flatten)]
    pub subject: Subject,
    /// The pages of a folio in the middle of the file, as the page cache has it; None where that can't be seen.
    pub folio: Option<usize>,
    /// Each way with its ratio to the first; None where the file is never cold.
    pub ways: Vec<(String, Option<Ratio>)>,
}

/// The faults and the bytes read of loading some pages of a cold file after an advice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advice {
    /// The advice.
    pub advice: String,
    /// For all pages in order; None where the file is never cold, or this kernel doesn't know the advice.
    pub in_order: Option<Advised>,
    /// For a few pages far from one another.
    pub scattered: Option<Advised>,
}

/// What a durable change of a few bytes made the disk write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// The way.
    pub way: String,
    /// The bytes that the device was given, by whomever; None where the file system has no device of its own.
    pub device: Option<u64>,
    /// The bytes that became dirty in the page cache; None where they aren't counted.
    pub dirty: Option<u64>,
}

/// All that is measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Where.
    pub machine: Machine,
    /// Rounds of each comparison.
    pub rounds: usize,
    /// The counts of section "advice".
    pub advice: Vec<Advice>,
    /// The ratios.
    pub comparisons: Vec<Comparison>,
    /// The bytes of durable changes.
    pub written: Vec<Written>,
}

impl Figures {
    /// Measures on an unnamed file in this directory, which gets each of these lengths, and tells each comparison to `progress`
    /// when it is there. Cold are only those of at least `cold_from` bytes.
    ///
    /// # Errors
    /// When the file can't be written or mapped.
    pub fn measure(
        directory: &Path,
        sizes: &[usize],
        cold_from: usize,
        rounds: usize,
        mut progress: impl FnMut(&Comparison) -> io::Result<()>,
    ) -> io::Result<Figures> {
        let subject = Measured::in_directory(directory)?;
        subject.fill(*sizes.iter().max().ok_or(io::ErrorKind::InvalidInput)?)?;
        let machine = Machine::of(&subject.file)?;
        let (advice, mut comparisons) = (subject.advice()?, Vec::new());
        let mut done = |comparison: Comparison| {
            progress(&comparison)?;
            comparisons.push(comparison);
            Ok::<_, io::Error>(())
        };
        for &size in sizes {
            subject.fill(size)?;
            done(subject.scan(&Way::ALL, rounds, false)?)?;
            if size >= cold_from {
                done(subject.scan(&COLD, rounds, true)?)?;
            }
        }
        for cold in [false, true] {
            done(subject.records(rounds, cold)?)?;
        }
        subject.fill(UPDATED)?;
        done(subject.updates(rounds)?)?;
        Ok(Figures { machine, rounds, advice, comparisons, written: subject.written()? })
    }
}
// ANCHOR_END: figures

/// To thousandths, which is more than a machine repeats.
fn rounded(Ratio { median, least, most }: Ratio) -> Ratio {
    let [median, least, most] = [median, least, most].map(|ratio| (ratio * 1000.0).round() / 1000.0);
    Ratio { median, least, most }
}

/// The ways that are compared on a cold file, where the size of the buffer counts for little. The first is that of [`Way::ALL`].
pub const COLD: [Way; 4] = [Way::Read(64 << 10), Way::WholeFile, Way::Mapped, Way::Populated];
/// How many records are read in random order, and how many small changes are made.
const RECORDS: usize = 512;
const UPDATES: usize = 16;
/// The length of the file in which small changes are made.
pub const UPDATED: usize = 1 << 20;
/// What is read of a small file at least before the clock is looked at.
const AT_LEAST: usize = 8 << 20;
/// One page in this number is far from its neighbours: more than one read-ahead reads.
const FAR: usize = 256;

/// The file on which everything is measured. It has no name, so that nothing is left of it however the program ends.
pub struct Measured {
    file: File,
}

impl Measured {
    /// An empty one.
    ///
    /// # Errors
    /// Those of open(2).
    pub fn in_directory(directory: &Path) -> io::Result<Measured> {
        Ok(Measured { file: tempfile::tempfile_in(directory)? })
    }

    /// The file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Its path, of which there is no other.
    fn path(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.file.as_raw_fd()).into()
    }

    /// Gives it this length, by writes of the usual size: how large they are decides how large its folios are.
    ///
    /// # Errors
    /// Those of ftruncate(2) and write(2): ENOSPC when the file system is full.
    pub fn fill(&self, size: usize) -> io::Result<()> {
        self.file.set_len(0)?;
        let bytes = [b'c'; 64 << 10];
        let mut at = 0;
        while at < size {
            let length = bytes.len().min(size - at);
            self.file.write_all_at(&bytes[..length], u64::try_from(at).map_err(io::Error::other)?)?;
            at += length;
        }
        Ok(())
    }

    /// How long `body` takes with the file cold or in the page cache; `times` of it if it is in the cache.
    fn time(&self, cold: bool, times: usize, body: impl FnMut() -> io::Result<()>) -> io::Result<Duration> {
        if cold {
            make_cold(&self.file)?;
            return time_of(1, body);
        }
        time_of(times, body)
    }

    fn compared<W: Copy>(
        &self,
        subject: Subject,
        ways: &[(String, W)],
        rounds: usize,
        time: impl Fn(W) -> io::Result<Duration>,
    ) -> io::Result<Comparison> {
        // Those of a file that was read differ from those of one that was written.
        let can_be = !subject.is_cold() || make_cold(&self.file)?;
        let folio = folio_of(&self.file)?;
        let (names, ways): (Vec<String>, Vec<W>) = ways.iter().cloned().unzip();
        let ratios = if can_be {
            compare(&ways, rounds, time)?.into_iter().map(|ratio| Some(rounded(ratio))).collect()
        } else {
            vec![None; ways.len()]
        };
        Ok(Comparison { subject, folio, ways: names.into_iter().zip(ratios).collect() })
    }

    /// Compares these ways to look at each byte.
    ///
    /// # Errors
    /// Those of [`Way::finds`] and [`compare`].
    pub fn scan(&self, ways: &[Way], rounds: usize, cold: bool) -> io::Result<Comparison> {
        let bytes = length_of(&self.file)?;
        let (path, times) = (self.path(), AT_LEAST.div_ceil(bytes));
        let time = |way: Way| self.time(cold, times, || way.finds(&path, b'x').map(drop));
        let ways: Vec<_> = ways.iter().map(|&way| (way.name(), way)).collect();
        self.compared(Subject::Scan { bytes, cold }, &ways, rounds, time)
    }

    /// Compares the ways to look at some pages in random order.
    ///
    /// # Errors
    /// Those of [`RecordWay::finds`] and [`compare`].
    pub fn records(&self, rounds: usize, cold: bool) -> io::Result<Comparison> {
        let bytes = length_of(&self.file)?;
        let pages: Vec<usize> = Order::Random.of(bytes.div_ceil(page_size())).into_iter().take(RECORDS).collect();
        let time = |way: RecordWay| self.time(cold, 16, || way.finds(&self.file, &pages, b'x').map(drop));
        let ways = RecordWay::ALL.map(|way| (way.name().to_owned(), way));
        self.compared(Subject::Records { bytes, cold }, &ways, rounds, time)
    }

    /// Compares the ways to change a few bytes, at places where they were changed before.
    ///
    /// # Errors
    /// Those of [`UpdateWay::update`] and [`compare`].
    pub fn updates(&self, rounds: usize) -> io::Result<Comparison> {
        let bytes = length_of(&self.file)?;
        let time = |way: UpdateWay| {
            let mapping = whole(&self.file, bytes, READ_WRITE, Sharing::Shared)?;
            let through = || {
                (0..UPDATES).try_for_each(|n| way.update(&self.file, &mapping, n * (bytes / UPDATES), &[b'u'; UPDATE]))
            };
            // Whoever makes one change makes many: the first ones' faults are not counted.
            through()?;
            time_of(1, through)
        };
        let ways = UpdateWay::ALL.map(|way| (way.name().to_owned(), way));
        self.compared(Subject::Update { bytes }, &ways, rounds, time)
    }

    /// What the durable ways write.
    ///
    /// # Errors
    /// Those of [`UpdateWay::update`], and when the device's counter can't be read.
    pub fn written(&self) -> io::Result<Vec<Written>> {
        let mapping = whole(&self.file, length_of(&self.file)?, READ_WRITE, Sharing::Shared)?;
        let written = |way: UpdateWay| {
            self.file.sync_all()?;
            let dirty = || io_counter("write_bytes").ok();
            let (sectors_before, dirty_before) = (sectors_written(&self.file)?, dirty());
            way.update(&self.file, &mapping, mapping.length() / 2, &[b'v'; UPDATE])?;
            let sectors = sectors_written(&self.file)?.zip(sectors_before);
            let (device, dirty) = (sectors.map(|(after, before)| (after - before) << 9), dirty().zip(dirty_before));
            Ok(Written { way: way.name().to_owned(), device, dirty: dirty.map(|(after, before)| after - before) })
        };
        [UpdateWay::DurablePwrite, UpdateWay::DurableStore].into_iter().map(written).collect()
    }

    /// What each advice changes, in counts.
    ///
    /// # Errors
    /// Those of [`advised`].
    pub fn advice(&self) -> io::Result<Vec<Advice>> {
        let pages = length_of(&self.file)?.div_ceil(page_size());
        let scattered: Vec<usize> = (0..pages).step_by(FAR).collect();
        let counted = |advice, pages: &[usize]| match advised(&self.file, advice, pages) {
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => Ok(None),
            counted => counted,
        };
        let of = |(name, advice): (&str, MmapAdvise)| {
            let (in_order, scattered) = (counted(advice, &Order::Forward.of(pages))?, counted(advice, &scattered)?);
            Ok(Advice { advice: name.to_owned(), in_order, scattered })
        };
        let all = [
            ("MADV_NORMAL", MmapAdvise::MADV_NORMAL),
            ("MADV_SEQUENTIAL", MmapAdvise::MADV_SEQUENTIAL),
            ("MADV_RANDOM", MmapAdvise::MADV_RANDOM),
            ("MADV_WILLNEED", MmapAdvise::MADV_WILLNEED),
            ("MADV_POPULATE_READ", MmapAdvise::MADV_POPULATE_READ),
        ];
        all.into_iter().map(of).collect()
    }
}
