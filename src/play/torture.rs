//! Plays random scenarios for as long as one likes, on every file system at hand.

use std::cell::RefCell;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::statfs::{self, statfs};

use super::first_divergence;
use super::random::{self, Dice, Files};
use crate::error::named;
use crate::kernel::Kernel;
use crate::model::Model;
use crate::scenario::Scenario;
use crate::text;
use crate::text::Text;
use crate::ui::Terminal;

/// Where scenarios are played.
#[derive(Debug, Clone)]
pub struct FileSystem {
    /// Its name: that of a file system, or memfd.
    pub name: Text,
    directory: PathBuf,
    files: Files,
}

impl FileSystem {
    /// The file system of a directory.
    ///
    /// # Errors
    /// Those of statfs(2).
    pub fn of_directory(directory: &Path) -> io::Result<FileSystem> {
        let stat = statfs(directory).map_err(|error| named(directory.display(), &error.into()))?;
        let known = [
            (statfs::EXT4_SUPER_MAGIC, "ext4"),
            (statfs::TMPFS_MAGIC, "tmpfs"),
            (statfs::XFS_SUPER_MAGIC, "xfs"),
            (statfs::BTRFS_SUPER_MAGIC, "btrfs"),
            (statfs::OVERLAYFS_SUPER_MAGIC, "overlayfs"),
        ];
        let name = known.iter().find(|(magic, _)| *magic == stat.filesystem_type());
        let name =
            name.map_or(text!("another file system", "另一种文件系统"), |(_, name)| Text::fixed(name, name));
        Ok(FileSystem { name, directory: directory.to_owned(), files: Files::All })
    }

    /// All that are at hand: those of the temporary directories (a disk and a tmpfs, on most machines), and files in
    /// memory.
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
        found.push(FileSystem { name: Text::fixed("memfd", "memfd"), directory: temporary, files: Files::InMemory });
        Ok(found)
    }

    /// A kernel that plays scenarios here.
    ///
    /// # Errors
    /// As [`Kernel::in_dir`].
    pub fn kernel(&self) -> io::Result<Kernel> {
        Kernel::in_dir(&self.directory)
    }

    /// A random scenario of up to `lines` lines for this file system.
    pub fn scenario(&self, lines: usize, dice: &mut Dice) -> Scenario {
        random::scenario(self.files, lines, dice)
    }
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
    let kernel = RefCell::new(file_system.kernel()?);
    let compare = |scenario: &Scenario| first_divergence(scenario, model, &mut kernel.borrow_mut());
    let diverges = |scenario: &Scenario| {
        super::check(scenario, &mut kernel.borrow_mut()).is_ok() && compare(scenario).is_ok_and(|line| line.is_some())
    };
    let (mut dice, mut done, mut told) = (Dice::new(seed), 0, Instant::now());
    while done < operations {
        let mut scenario = file_system.scenario(LINES, &mut dice);
        if let Some(line) = compare(&scenario)? {
            scenario.0.truncate(line + 1);
            return Ok(Comparison::Diverges(Box::new(random::shrunk(scenario, diverges)), done));
        }
        done += scenario.0.len() as u64;
        if told.elapsed() > Duration::from_millis(200) {
            progress(done)?;
            told = Instant::now();
        }
    }
    progress(done)?;
    Ok(Comparison::Same(done))
}

/// Compares on each file system, and prints a line for each; a progress bar on standard error, if that is a
/// terminal. Returns true if there was no divergence.
///
/// # Errors
/// As [`torture`], and those of writing.
pub fn run(
    terminal: &mut Terminal,
    file_systems: &[FileSystem],
    model: &Model,
    operations: u64,
    seed: u64,
) -> io::Result<bool> {
    let (bar, language) = (io::stderr().is_terminal(), terminal.language());
    let mut same = true;
    for file_system in file_systems {
        let start = Instant::now();
        let comparison = torture(file_system, model, operations, seed, |done| {
            if !bar {
                return Ok(());
            }
            let parts = usize::try_from(done.min(operations) * 30 / operations.max(1)).unwrap_or(30);
            let rate = per_second(done, start.elapsed());
            let (hashes, dashes) = ("#".repeat(parts), "-".repeat(30 - parts));
            let text = text!(
                "[{hashes}{dashes}] {done} of {operations}, {rate}/s",
                "[{hashes}{dashes}] {done}/{operations}，每秒 {rate} 次"
            );
            let mut stderr = io::stderr();
            write!(stderr, "\r{:9} {} ", file_system.name.in_language(language), text.in_language(language))?;
            stderr.flush()
        })?;
        if bar {
            eprint!("\r\x1b[K");
        }
        let Text { en, zh } = &file_system.name;
        match comparison {
            Comparison::Same(done) => {
                let (rate, seconds) = (per_second(done, start.elapsed()), start.elapsed().as_secs());
                terminal.say(&text!(
                    "{en}: {done} operations, no divergence (seed {seed}, {seconds} s, {rate} a second)",
                    "{zh}：{done} 次操作，没有分歧（种子 {seed}，{seconds} 秒，每秒 {rate} 次）"
                ))?;
            }
            Comparison::Diverges(scenario, done) => {
                same = false;
                terminal.say(&text!(
                    "{en}: a divergence after {done} operations (seed {seed}); for `workbook play`:",
                    "{zh}：{done} 次操作之后出现分歧（种子 {seed}）；可用 `workbook play` 重放："
                ))?;
                writeln!(terminal.out(), "\n{scenario}")?;
                let rows = super::both(&scenario, &mut file_system.kernel()?)?;
                super::print(terminal.out(), &rows, false, language)?;
            }
        }
        terminal.out().flush()?;
    }
    Ok(same)
}

fn per_second(done: u64, elapsed: Duration) -> u64 {
    done * 1000 / u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1)
}
