//! Plays random scenarios for as long as one likes, on every file system at hand.

use std::cell::{Cell, RefCell};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::statfs::{self, statfs};
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use super::first_divergence;
use super::random::{self, Files};
use crate::kernel::Kernel;
use crate::model::Model;
use crate::scenario::Scenario;

/// Where scenarios are played.
#[derive(Debug, Clone)]
pub struct FileSystem {
    /// Its name: that of a file system, or memfd.
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

    /// All that are at hand: those of the temporary directories (a disk and a tmpfs, on most machines), and files in memory.
    ///
    /// # Errors
    /// As [`FileSystem::of_directory`].
    pub fn at_hand() -> io::Result<Vec<FileSystem>> {
        let temporary = std::env::temp_dir();
        let mut found = vec![FileSystem::of_directory(&temporary)?];
        for directory in ["/var/tmp", "/dev/shm"].map(Path::new) {
            if let Ok(other) = FileSystem::of_directory(directory)
                && found.iter().all(|file_system| file_system.name != other.name)
                && tempfile::tempfile_in(directory).is_ok()
            {
                found.push(other);
            }
        }
        found.push(FileSystem { name: "memfd".to_owned(), directory: temporary, files: Files::InMemory });
        Ok(found)
    }

    /// A kernel that plays scenarios here.
    ///
    /// # Errors
    /// As [`Kernel::in_dir`].
    pub fn kernel(&self) -> io::Result<Kernel> {
        Kernel::in_dir(&self.directory)
    }

    /// Random scenarios for this file system.
    pub fn scenarios(&self, lines: usize) -> impl Strategy<Value = Scenario> + use<> {
        random::scenario(self.files, lines)
    }
}

/// A generator of random values: the same seed gives the same ones.
pub fn runner(seed: u64) -> TestRunner {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { failure_persistence: None, max_shrink_iters: 100_000, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// The most lines that are drawn for a scenario. Longer ones take long to shrink.
const LINES: usize = 200;

/// What comparing the model with the kernel found.
#[derive(Debug)]
pub enum Comparison {
    /// No divergence in this number of operations.
    Same(u64),
    /// A shrunk scenario in which they diverge, and the number of operations before it in which they did not.
    Diverges(Box<Scenario>, u64),
}

/// Plays random scenarios until `operations` are done, and now and then tells `progress` how many are.
///
/// # Errors
/// As [`Kernel`], and those of `progress`.
pub fn torture(
    file_system: &FileSystem,
    model: &Model,
    operations: u64,
    seed: u64,
    mut progress: impl FnMut(u64) -> io::Result<()>,
) -> io::Result<Comparison> {
    let (kernel, model) = (RefCell::new(file_system.kernel()?), RefCell::new(model.clone()));
    let compare = |scenario: &Scenario| first_divergence(scenario, &mut model.borrow_mut(), &mut kernel.borrow_mut());
    let trouble = RefCell::new(None);
    let mut runner = runner(seed);
    let scenarios = file_system.scenarios(LINES);
    let (mut done, mut told) = (0, Instant::now());
    while done < operations {
        let tree = scenarios.new_tree(&mut runner).map_err(|reason| io::Error::other(reason.to_string()))?;
        let lines = Cell::new(0);
        let result = runner.run_one(tree, |scenario| {
            lines.set(scenario.0.len() as u64);
            match compare(&scenario) {
                Ok(None) => Ok(()),
                Ok(Some(line)) => Err(TestCaseError::fail(format!("line {}", line + 1))),
                Err(error) => {
                    trouble.borrow_mut().get_or_insert(error);
                    Ok(()) // no shrinking: it needs the kernel
                }
            }
        });
        if let Some(error) = trouble.take() {
            return Err(error);
        }
        if let Err(TestError::Fail(_, scenario)) = result {
            let diverges = |scenario: &Scenario| {
                super::check(scenario).is_ok() && compare(scenario).is_ok_and(|line| line.is_some())
            };
            return Ok(Comparison::Diverges(Box::new(random::without_idle_lines(scenario, diverges)), done));
        }
        done += lines.get();
        if told.elapsed() > Duration::from_millis(200) {
            progress(done)?;
            told = Instant::now();
        }
    }
    progress(done)?;
    Ok(Comparison::Same(done))
}

/// Compares on each file system, and prints a line for each on `out`; a progress bar on standard error, if that is a terminal.
/// Whether there was no divergence.
///
/// # Errors
/// As [`torture`], and those of writing.
pub fn run(
    out: &mut dyn Write,
    file_systems: &[FileSystem],
    model: &Model,
    operations: u64,
    seed: u64,
) -> io::Result<bool> {
    let bar = io::stderr().is_terminal();
    let mut same = true;
    for file_system in file_systems {
        let start = Instant::now();
        let comparison = torture(file_system, model, operations, seed, |done| {
            if !bar {
                return Ok(());
            }
            let parts = usize::try_from(done.min(operations) * 30 / operations.max(1)).unwrap_or(30);
            let rate = per_second(done, start.elapsed());
            let mut stderr = io::stderr();
            write!(
                stderr,
                "\r{:9} [{}{}] {done} of {operations}, {rate}/s ",
                file_system.name,
                "#".repeat(parts),
                "-".repeat(30 - parts)
            )?;
            stderr.flush()
        })?;
        if bar {
            eprint!("\r\x1b[K");
        }
        match comparison {
            Comparison::Same(done) => {
                let (rate, seconds) = (per_second(done, start.elapsed()), start.elapsed().as_secs());
                writeln!(
                    out,
                    "{}: {done} operations, no divergence (seed {seed}, {seconds} s, {rate} a second)",
                    file_system.name
                )?;
            }
            Comparison::Diverges(scenario, done) => {
                same = false;
                writeln!(
                    out,
                    "{}: a divergence after {done} operations (seed {seed}); for `workbook play`:\n",
                    file_system.name
                )?;
                writeln!(out, "{scenario}")?;
                let rows = super::both(&scenario, &mut file_system.kernel()?)?;
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
