//! The holder: a process that mounts a file system where only it sees it, and keeps it until its standard input ends.

use std::fs;
use std::io::{self, BufRead};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::Command;

use mmap_workbook::process::own_mounts;
use nix::mount::{MsFlags, mount};
use nix::sys::prctl;

use crate::Kind;
use crate::fuse::{Server, Switches};
use crate::loops::{self, LoopDevice};

/// Files that are there before the file system is mounted: on overlayfs they are in the lower layer.
pub const BEFORE: [&str; 2] = ["before-1", "before-2"];

/// What each of [`BEFORE`] holds, as often as fits in [`BEFORE_SIZE`].
pub const OLD: u8 = b'o';

/// The size of each of [`BEFORE`].
pub const BEFORE_SIZE: usize = 64 << 10;

/// The size of a tmpfs and of most images. The smallest of XFS and btrfs are larger.
const SIZE: u64 = 32 << 20;

/// Mounts a file system, prints `loop DEVICE` for each loop device and then `stage DIRECTORY`, or `missing` with the
/// reason. Then it reads commands, and answers each with a line: `vanish NAME`.
///
/// # Errors
/// Those of standard input.
pub fn hold(kind: Kind) -> io::Result<()> {
    let server = match set_up(kind) {
        Ok((stage, server)) => {
            println!("stage {}", stage.display());
            server
        }
        Err(reason) => {
            println!("missing {}", reason.replace('\n', " "));
            return Ok(());
        }
    };
    for line in io::stdin().lock().lines() {
        let line = line?;
        match (line.split_once(' '), &server) {
            (Some(("vanish", name)), Some(server)) => match server.vanish(name) {
                Ok(()) => println!("done"),
                Err(errno) => println!("failed {errno}"),
            },
            _ => println!("failed {line}"),
        }
    }
    Ok(())
}

fn set_up(kind: Kind) -> Result<(PathBuf, Option<Server>), String> {
    own_mounts()?;
    // A new user namespace makes this process unreadable for others, and its directories with it.
    prctl::set_dumpable(true).map_err(|errno| format!("PR_SET_DUMPABLE: {errno}"))?;
    // The owner is a process, and need not be the thread that started this one; when it ends, standard input does.
    prctl::set_pdeathsig(None).map_err(|errno| format!("PR_SET_PDEATHSIG: {errno}"))?;
    // What is in the temporary directory stays there, unseen by this process.
    let base = fs::canonicalize(std::env::temp_dir()).map_err(|error| format!("the temporary directory: {error}"))?;
    tmpfs(&base)?;
    let stage = directory(&base, "stage")?;
    let mut server = None;
    match kind {
        Kind::Ext4 => ext4(&stage, "4096")?,
        Kind::Ext4Small => ext4(&stage, "1024")?,
        Kind::Xfs => disk(&stage, "xfs", 300 << 20, &["-q", "-f"])?,
        // Mixed: a small disk has no room for its own notes where data and metadata are kept apart.
        Kind::Btrfs => disk(&stage, "btrfs", 128 << 20, &["-q", "-f", "--mixed"])?,
        Kind::Tmpfs => tmpfs(&stage)?,
        Kind::OverlayExt4 | Kind::OverlayTmpfs => {
            let layers = directory(&base, "layers")?;
            if kind == Kind::OverlayExt4 { ext4(&layers, "4096") } else { tmpfs(&layers) }?;
            overlay(&stage, &layers)?;
        }
        Kind::Fuse => server = Some(Server::mount(&stage, Switches::default())?),
        Kind::FuseDirect => server = Some(Server::mount(&stage, Switches { direct: true, one_name: true })?),
    }
    if server.is_none() && !matches!(kind, Kind::OverlayExt4 | Kind::OverlayTmpfs) {
        files_before(&stage)?;
    }
    let seen = Path::new("/proc").join(std::process::id().to_string()).join("root");
    Ok((seen.join(stage.strip_prefix("/").unwrap_or(&stage)), server))
}

fn directory(base: &Path, name: &str) -> Result<PathBuf, String> {
    let path = base.join(name);
    fs::create_dir(&path).map_err(|error| format!("mkdir(2), {name}: {error}"))?;
    Ok(path)
}

fn files_before(directory: &Path) -> Result<(), String> {
    let write = |name| fs::write(directory.join(name), [OLD; BEFORE_SIZE]);
    BEFORE.iter().try_for_each(write).map_err(|error| format!("a file before: {error}"))
}

fn mounted(source: &str, at: &Path, kind: &str, options: &str) -> Result<(), String> {
    mount(Some(source), at, Some(kind), MsFlags::MS_NOSUID | MsFlags::MS_NODEV, Some(options))
        .map_err(|errno| format!("mount(2), {kind}: {errno}"))
}

fn tmpfs(at: &Path) -> Result<(), String> {
    mounted("tmpfs", at, "tmpfs", &format!("size={SIZE},mode=0777"))
}

fn ext4(at: &Path, block: &str) -> Result<(), String> {
    // All of it is written now, and nothing by a thread of the kernel later; nothing is kept for root.
    let now = "lazy_itable_init=0,lazy_journal_init=0";
    disk(at, "ext4", SIZE, &["-q", "-F", "-b", block, "-m", "0", "-E", now])
}

/// Mounts a new file system of this kind, on a disk in memory.
fn disk(at: &Path, kind: &str, size: u64, options: &[&str]) -> Result<(), String> {
    let (control, image) = (loops::control()?, loops::image(size)?);
    let tool = format!("mkfs.{kind}");
    let path = std::env::var("PATH").unwrap_or_default();
    let made = Command::new(&tool)
        .args(options)
        .arg(format!("/proc/{}/fd/{}", std::process::id(), image.as_raw_fd()))
        .env("PATH", format!("{path}:/usr/sbin:/sbin"))
        .output()
        .map_err(|error| format!("{tool}: {error}"))?;
    if !made.status.success() {
        return Err(format!("{tool}: {}: {}", made.status, String::from_utf8_lossy(&made.stderr)));
    }
    let device = LoopDevice::of(&image, &control)?;
    println!("loop {}", device.path.display());
    mounted(&device.path.to_string_lossy(), at, kind, "")
}

/// Mounts an overlayfs whose layers are in the directory `layers`: the files before are in the lower one.
fn overlay(at: &Path, layers: &Path) -> Result<(), String> {
    let [lower, upper, work] = ["lower", "upper", "work"].map(|name| directory(layers, name));
    let (lower, upper, work) = (lower?, upper?, work?);
    files_before(&lower)?;
    let paths = [("lowerdir", &lower), ("upperdir", &upper), ("workdir", &work)];
    let options = paths.map(|(option, path)| format!("{option}={}", path.display())).join(",");
    // In a user namespace its notes are attributes that an ordinary user may set.
    mounted("overlay", at, "overlay", &options)
        .or_else(|_| mounted("overlay", at, "overlay", &format!("{options},userxattr")))
}
