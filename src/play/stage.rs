//! Where scenarios are played: a kernel, and what its file system does where file systems differ.

use std::io;
use std::path::{Path, PathBuf};

use nix::sys::resource::{Resource, getrlimit};
use nix::sys::statfs::{self, statfs};

use super::page_size;
use super::random::{self, Dice, Files};
use crate::error::{named, other};
use crate::kernel::Kernel;
use crate::model::{Collapsing, FileSystem, Guards, Marking, PastTheEnd, Setting};
use crate::scenario::{Backend, Byte, Outcome, Scenario};
use crate::text;
use crate::text::Text;

/// A place for the files of scenarios.
#[derive(Debug, Clone)]
pub struct Place {
    /// The name of its file system, or memfd.
    pub name: Text,
    directory: PathBuf,
    files: Files,
    /// What is known of its file system; None if it isn't known, or another one below it decides.
    expected: Option<FileSystem>,
}

impl Place {
    /// A directory.
    ///
    /// # Errors
    /// Those of statfs(2).
    pub fn of_directory(directory: &Path) -> io::Result<Place> {
        let stat = statfs(directory).map_err(|error| named(directory.display(), &error.into()))?;
        let known = [
            (statfs::EXT4_SUPER_MAGIC, "ext4", Some(FileSystem::DISK)),
            (statfs::XFS_SUPER_MAGIC, "xfs", Some(FileSystem::XFS)),
            (statfs::BTRFS_SUPER_MAGIC, "btrfs", Some(FileSystem::BTRFS)),
            (statfs::TMPFS_MAGIC, "tmpfs", Some(FileSystem::MEMORY)),
            (statfs::OVERLAYFS_SUPER_MAGIC, "overlayfs", None),
            (statfs::FUSE_SUPER_MAGIC, "FUSE", None),
            (statfs::NFS_SUPER_MAGIC, "NFS", None),
        ];
        let (name, expected) = match known.iter().find(|(magic, ..)| *magic == stat.filesystem_type()) {
            Some((_, name, expected)) => (Text::fixed(name, name), *expected),
            None => (text!("another file system", "另一种文件系统"), None),
        };
        Ok(Place { name, directory: directory.to_owned(), files: Files::All, expected })
    }

    /// The places at hand: the temporary directories (a disk and a tmpfs, on most machines), and files in memory.
    ///
    /// # Errors
    /// As [`Place::of_directory`].
    pub fn at_hand() -> io::Result<Vec<Place>> {
        let temporary = Place::of_directory(&std::env::temp_dir())?;
        let memory = Place { name: Text::fixed("memfd", "memfd"), files: Files::InMemory, ..temporary.clone() };
        let mut found = vec![temporary];
        for directory in ["/var/tmp", "/dev/shm"].map(Path::new) {
            if let Ok(other) = Place::of_directory(directory)
                && found.iter().all(|place| place.name != other.name)
                && tempfile::tempfile_in(directory).is_ok()
            {
                found.push(other);
            }
        }
        found.push(memory);
        Ok(found)
    }

    /// Sets up a stage here.
    ///
    /// # Errors
    /// As [`Kernel::in_dir`].
    pub fn stage(&self) -> io::Result<Stage> {
        let mut kernel = Kernel::in_dir(&self.directory)?;
        let (new, mut differences) = (Setting::new(page_size()?), Vec::new());
        let named = probed(&mut kernel, "A create f 10\nA open d f rw\n", self.expected.unwrap_or(new.named))?;
        let memory = probed(&mut kernel, "A memfd d 10\n", new.memory)?;
        if let Some(expected) = self.expected {
            differences.extend(difference(&self.name, &expected, &named));
        }
        differences.extend(difference(&Text::fixed("memfd", "memfd"), &new.memory, &memory));
        let (lockable, guards) = (lockable(&mut kernel)?, guards(&mut kernel)?);
        // Only the model plays a power cut, and what there is to see of it is on a disk.
        let named = FileSystem { on_disk: true, ..named };
        let setting = Setting { named, memory, lockable, guards, ..new };
        Ok(Stage { kernel, name: self.name.clone(), files: self.files, setting, differences })
    }
}

/// A kernel that plays scenarios in a place, and what was found out about the place.
///
/// File systems differ, kernels too, and overlayfs does what the one below it does: so its name doesn't decide. A few
/// small scenarios ask the kernel.
#[derive(Debug)]
pub struct Stage {
    kernel: Kernel,
    /// The name of its file system, or memfd.
    pub name: Text,
    files: Files,
    /// What it does where file systems differ.
    pub setting: Setting,
    /// What it does otherwise than its file system is known to, each in a line.
    pub differences: Vec<Text>,
}

impl Stage {
    /// A stage in the temporary directory (TMPDIR).
    ///
    /// # Errors
    /// As [`Stage::in_dir`].
    pub fn new() -> io::Result<Stage> {
        Stage::in_dir(&std::env::temp_dir())
    }

    /// A stage in this directory.
    ///
    /// # Errors
    /// As [`Place::of_directory`] and [`Place::stage`].
    pub fn in_dir(directory: &Path) -> io::Result<Stage> {
        Place::of_directory(directory)?.stage()
    }

    /// A random scenario of up to `lines` lines for this stage.
    pub fn scenario(&self, lines: usize, dice: &mut Dice) -> Scenario {
        random::scenario(self.files, &self.setting, lines, dice)
    }
}

impl Backend for Stage {
    type Error = io::Error;

    fn play(&mut self, scenario: &Scenario) -> io::Result<Vec<Outcome>> {
        self.kernel.play(scenario)
    }
}

/// The outcome of the last line of a scenario.
fn last(kernel: &mut Kernel, lines: &str) -> io::Result<Option<Outcome>> {
    let scenario = Scenario::parse(lines).map_err(|problem| other(problem.in_words()))?;
    Ok(kernel.play(&scenario)?.pop())
}

/// How many bytes a process may lock: no limit holds for one that may lock all that it can map.
fn lockable(kernel: &mut Kernel) -> io::Result<u64> {
    let (limit, _) = getrlimit(Resource::RLIMIT_MEMLOCK)?;
    let lines = ["m", "n", "o", "p"].map(|name| format!("A map {name} anon private rw 256p\nA lock {name}\n"));
    let has_limit = last(kernel, &lines.concat())? != Some(Outcome::Done);
    Ok(if has_limit { limit } else { u64::MAX })
}

fn guards(kernel: &mut Kernel) -> io::Result<Guards> {
    let mut are_known = |what: &str| {
        let lines = format!("A memfd d 1p\nA map m {what} 1p\nA advise m guard_install");
        Ok::<_, io::Error>(last(kernel, &lines)? == Some(Outcome::Done))
    };
    Ok(match () {
        () if are_known("d shared rw 0")? => Guards::All,
        () if are_known("anon private rw")? => Guards::AnonymousMemory,
        () => Guards::None,
    })
}

/// What a file system does, asked from the kernel. `file` makes a file of ten bytes with the descriptor d; what can't
/// be found out is as expected.
fn probed(kernel: &mut Kernel, file: &str, expected: FileSystem) -> io::Result<FileSystem> {
    let mut last = |lines: &str| last(kernel, &format!("{file}{lines}"));
    let is_errno =
        |outcome: &Option<Outcome>, name: &str| matches!(outcome, Some(Outcome::Errno(errno)) if errno == name);
    let shared_mappings = !is_errno(&last("A map m d shared r 0 1p")?, "ENODEV");
    let executable = !is_errno(&last("A map m d private rx 0 1p")?, "EPERM");
    let zeroes = !is_errno(&last("A zero d 0 1")?, "EOPNOTSUPP");
    let has_x = |outcome| match outcome {
        Some(Outcome::Bytes(bytes)) if bytes == [Byte::Is(b'x')] => Some(true),
        Some(Outcome::Bytes(bytes)) if bytes == [Byte::Is(0)] => Some(false),
        _ => None,
    };
    let copy = "A truncate d 3p\nA map m d private rw 1p 1p\nA store m 0 \"x\"\nA collapse d 0 1p\nA load m 0 1";
    let collapsing = match (last("A truncate d 2p\nA collapse d 0 1p")?, has_x(last(copy)?)) {
        (Some(Outcome::Done), Some(true)) => Collapsing::KeepsCopies,
        (Some(Outcome::Done), Some(false)) => Collapsing::DropsCopies,
        _ => Collapsing::Refused,
    };
    let map = "A map m d shared rw 0 1p\n";
    let first = last(&format!("{map}A store m 0 \"x\"\nA mtime d"))?;
    let later = last(&format!("{map}A load m 0 1\nA store m 0 \"x\"\nA mtime d"))?;
    let marking = match (first, later) {
        (Some(Outcome::Moved(true)), Some(Outcome::Moved(true))) => Marking::EachPage,
        (Some(Outcome::Moved(true)), Some(Outcome::Moved(false))) => Marking::FirstTouch,
        _ => Marking::Open,
    };
    let mut kept = |before: &str| {
        let lines = format!("{map}A store m 20 \"x\"\n{before}A truncate d 30\nA read d 20 1");
        last(&lines).map(has_x)
    };
    let past_the_end = match kept("")? {
        None => expected.past_the_end,
        Some(false) => PastTheEnd::Zeroed,
        // The page may not have been written yet.
        Some(true) if kept("A sync m\n")? == Some(true) => PastTheEnd::Kept,
        Some(true) => PastTheEnd::Open,
    };
    let refuses_seals_with = match last("A seal d shrink")? {
        Some(Outcome::Errno(name)) => ["EINVAL", "EPERM"].into_iter().find(|known| *known == name),
        _ => None,
    };
    let refuses_seals_with = refuses_seals_with.unwrap_or(expected.refuses_seals_with);
    let FileSystem { on_disk, .. } = expected;
    Ok(FileSystem {
        past_the_end,
        shared_mappings,
        refuses_seals_with,
        executable,
        zeroes,
        collapsing,
        marking,
        on_disk,
    })
}

/// What a file system does otherwise than expected; None if nothing.
fn difference(name: &Text, expected: &FileSystem, probed: &FileSystem) -> Option<Text> {
    let past = |kind: &FileSystem| match kind.past_the_end {
        PastTheEnd::Zeroed => {
            text!("a file that grows zeroes what was stored past its end", "文件变长时，写在末尾之后的内容变成零")
        }
        PastTheEnd::Kept => text!(
            "a file that grows shows what was stored past its end",
            "文件变长时，写在末尾之后的内容成为文件的内容"
        ),
        PastTheEnd::Open => text!(
            "a file that grows shows what was stored past its end, unless it was written to the disk before",
            "文件变长时，写在末尾之后的内容只要还没有写回磁盘，就成为文件的内容"
        ),
    };
    let sharing = |kind: &FileSystem| match kind.shared_mappings {
        true => text!("files can be mapped shared", "文件可以建立共享映射"),
        false => text!("files can't be mapped shared (ENODEV)", "文件不能建立共享映射（ENODEV）"),
    };
    let seals = |kind: &FileSystem| {
        let errno = kind.refuses_seals_with;
        text!("a seal on a file with a name fails with {errno}", "给有名字的文件加密封，返回 {errno}")
    };
    let executing = |kind: &FileSystem| match kind.executable {
        true => text!("files can be executed", "文件可以执行"),
        false => text!("files can't be executed (noexec)", "文件不能执行（noexec）"),
    };
    let zeroing = |kind: &FileSystem| match kind.zeroes {
        true => text!("it zeroes ranges", "可以把一段范围清零"),
        false => text!("it zeroes no ranges (EOPNOTSUPP)", "不能把一段范围清零（EOPNOTSUPP）"),
    };
    let collapsing = |kind: &FileSystem| match kind.collapsing {
        Collapsing::Refused => {
            text!("it takes no ranges out of files (EOPNOTSUPP)", "不能从文件中去掉一段范围（EOPNOTSUPP）")
        }
        Collapsing::DropsCopies => {
            text!(
                "a range that is taken out of a file takes private copies with it",
                "从文件中去掉一段范围，私有副本也一起丢失"
            )
        }
        Collapsing::KeepsCopies => {
            text!("a range that is taken out of a file leaves private copies", "从文件中去掉一段范围，私有副本还在")
        }
    };
    let marking = |kind: &FileSystem| match kind.marking {
        Marking::EachPage => text!("the first store to each page marks st_mtime", "每一页的第一次写会更新 st_mtime"),
        Marking::FirstTouch => {
            text!(
                "a store marks st_mtime only where the page was not accessed",
                "只有页从未访问过时，写才更新 st_mtime"
            )
        }
        Marking::Open => text!("a store marks st_mtime at some time", "写之后的某个时候才更新 st_mtime"),
    };
    let all = |kind: &FileSystem| {
        [past(kind), sharing(kind), seals(kind), executing(kind), zeroing(kind), collapsing(kind), marking(kind)]
    };
    let (found, known) = (all(probed), all(expected));
    let new: Vec<_> =
        found.into_iter().zip(known).filter(|(found, known)| found != known).map(|(found, _)| found).collect();
    let [first, rest @ ..] = &new[..] else { return None };
    let what = rest.iter().fold(first.clone(), |what, next| text!("{what}, and {next}", "{what}；{next}"; what, next));
    Some(text!(
        "This kernel's {name} is not as others: {what}.",
        "这个内核的 {name} 与众不同：{what}。";
        name, what
    ))
}

#[cfg(test)]
mod tests {
    use super::{FileSystem, PastTheEnd, Text, difference};

    #[test]
    fn what_a_kernel_does_otherwise_is_one_line() {
        let name = Text::fixed("tmpfs", "tmpfs");
        assert_eq!(difference(&name, &FileSystem::MEMORY, &FileSystem::MEMORY), None);
        let odd = FileSystem {
            past_the_end: PastTheEnd::Zeroed,
            shared_mappings: false,
            refuses_seals_with: "EINVAL",
            ..FileSystem::MEMORY
        };
        let found = difference(&name, &FileSystem::MEMORY, &odd);
        assert_eq!(
            found.expect("a difference").en,
            "This kernel's tmpfs is not as others: a file that grows zeroes what was stored past its end, and files can't \
             be mapped shared (ENODEV), and a seal on a file with a name fails with EINVAL."
        );
    }
}
