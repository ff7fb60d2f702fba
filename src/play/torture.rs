//! Random scenarios for as long as one likes, on every file system at hand.

use std::cell::{Cell, RefCell};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::statfs::{self, statfs};
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use super::difference;
use super::random::{self, Files};
use crate::kernel::Kernel;
use crate::model::Model;
use crate::scenario::Scenario;

/// Where scenarios are played.
#[derive(Debug, Clone)]
pub struct FileSystem {
    /// What it is called: a file system, or memfd.
    pub name: String,
    directory: PathBuf,
    files: Files,
}

impl FileSystem {
    /// The file system of a directory.
    ///
    /// # Errors
    /// Those of statfs(2).
    pub fn of_directory(directory: &Path) -> io::Result<FileSystem> {
        let stat = statfs(directory).map_err(|error| io::Error::other(format!("{}: {error}", directory.display())))?;
        let known = [
            (statfs::EXT4_SUPER_MAGIC, "ext4"),
            (statfs::TMPFS_MAGIC, "tmpfs"),
            (statfs::XFS_SUPER_MAGIC, "xfs"),
            (statfs::BTRFS_SUPER_MAGIC, "btrfs"),
            (statfs::OVERLAYFS_SUPER_MAGIC, "overlayfs"),
        ];
        let name = known.iter().find(|(magic, _)| *magic == stat.filesystem_type());
        let name = name.map_or_else(|| "another file system".to_owned(), |(_, name)| (*name).to_owned());
        Ok(FileSystem { name, directory: directory.to_owned(), files: Files::All })
    }

    /// All that are at hand: those of the temporary directories (a disk and a tmpfs, on most machines), and memory files.
    ///
    /// # Errors
    /// As [`FileSystem::of_directory`].
    pub fn at_hand() -> io::Result<Vec<FileSystem>> {
        let temporary = std::env::temp_dir();
        let mut media = vec![FileSystem::of_directory(&temporary)?];
        for directory in ["/var/tmp", "/dev/shm"].map(Path::new) {
            if let Ok(other) = FileSystem::of_directory(directory)
                && media.iter().all(|medium| medium.name != other.name)
                && tempfile::tempfile_in(directory).is_ok()
            {
                media.push(other);
            }
        }
        media.push(FileSystem { name: "memfd".to_owned(), directory: temporary, files: Files::InMemory });
        Ok(media)
    }

    /// A kernel for scenarios of this medium.
    ///
    /// # Errors
    /// As [`Kernel::in_dir`].
    pub fn kernel(&self) -> io::Result<Kernel> {
        Kernel::in_dir(&self.directory)
    }

    /// Random scenarios of this medium.
    pub fn scenarios(&self, lines: usize) -> impl Strategy<Value = Scenario> + use<> {
        random::scenario(self.files, lines)
    }
}

/// Random numbers that are the same again with the same seed.
pub fn runner(seed: u64) -> TestRunner {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { failure_persistence: None, max_shrink_iters: 100_000, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// The most lines that are drawn for a scenario: with many more it takes long to find out which of them matter.
const LINES: usize = 200;

/// What came of it.
#[derive(Debug)]
pub enum Verdict {
    /// The two worlds were the same in so many operations.
    Same(u64),
    /// This shrunk scenario is one in which they differ; so many operations had gone well before.
    Differs(Box<Scenario>, u64),
}

/// Plays random scenarios until so many operations are done, and tells `progress` how many there are, now and then.
///
/// # Errors
/// As [`Kernel`], and those of `progress`.
pub fn torture(
    medium: &FileSystem,
    model: &Model,
    operations: u64,
    seed: u64,
    mut progress: impl FnMut(u64) -> io::Result<()>,
) -> io::Result<Verdict> {
    let (kernel, model) = (RefCell::new(medium.kernel()?), RefCell::new(model.clone()));
    let look = |scenario: &Scenario| difference(scenario, &mut model.borrow_mut(), &mut kernel.borrow_mut());
    let trouble = RefCell::new(None);
    let mut runner = runner(seed);
    let scenarios = medium.scenarios(LINES);
    let (mut done, mut told) = (0, Instant::now());
    while done < operations {
        let tree = scenarios.new_tree(&mut runner).map_err(|reason| io::Error::other(reason.to_string()))?;
        let lines = Cell::new(0);
        let result = runner.run_one(tree, |scenario| {
            lines.set(scenario.0.len() as u64);
            match look(&scenario) {
                Ok(None) => Ok(()),
                Ok(Some(line)) => Err(TestCaseError::fail(format!("line {}", line + 1))),
                Err(error) => {
                    trouble.borrow_mut().get_or_insert(error);
                    Ok(()) // shrinking needs a kernel
                }
            }
        });
        if let Some(error) = trouble.take() {
            return Err(error);
        }
        if let Err(TestError::Fail(_, scenario)) = result {
            let differs =
                |scenario: &Scenario| super::check(scenario).is_ok() && look(scenario).is_ok_and(|line| line.is_some());
            return Ok(Verdict::Differs(Box::new(random::without_idle_lines(scenario, differs)), done));
        }
        done += lines.get();
        if told.elapsed() > Duration::from_millis(200) {
            progress(done)?;
            told = Instant::now();
        }
    }
    progress(done)?;
    Ok(Verdict::Same(done))
}

/// A bar on standard error while it runs, on a terminal; a line for each medium on `out`.
///
/// # Errors
/// As [`torture`], and those of writing.
pub fn run(out: &mut dyn Write, media: &[FileSystem], model: &Model, operations: u64, seed: u64) -> io::Result<bool> {
    let bar = io::stderr().is_terminal();
    let mut same = true;
    for medium in media {
        let start = Instant::now();
        let verdict = torture(medium, model, operations, seed, |done| {
            if !bar {
                return Ok(());
            }
            let parts = usize::try_from(done.min(operations) * 30 / operations.max(1)).unwrap_or(30);
            let rate = per_second(done, start.elapsed());
            let mut stderr = io::stderr();
            write!(
                stderr,
                "\r{:9} [{}{}] {done} of {operations}, {rate}/s ",
                medium.name,
                "#".repeat(parts),
                "-".repeat(30 - parts)
            )?;
            stderr.flush()
        })?;
        if bar {
            eprint!("\r\x1b[K");
        }
        match verdict {
            Verdict::Same(done) => {
                let (rate, seconds) = (per_second(done, start.elapsed()), start.elapsed().as_secs());
                writeln!(
                    out,
                    "{}: {done} operations, no difference (seed {seed}, {seconds} s, {rate} a second)",
                    medium.name
                )?;
            }
            Verdict::Differs(scenario, done) => {
                same = false;
                writeln!(
                    out,
                    "{}: a difference after {done} operations (seed {seed}); for `workbook play`:\n",
                    medium.name
                )?;
                writeln!(out, "{scenario}")?;
                let rows = super::both(&scenario, &mut medium.kernel()?)?;
                super::print(out, &rows, false, crate::text::Language::of_environment())?;
            }
        }
        out.flush()?;
    }
    Ok(same)
}

fn per_second(done: u64, elapsed: Duration) -> u64 {
    done * 1000 / u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1)
}
