//! Real file systems, to see what differs between them.
//!
//! A [`stage::Stage`] is a directory on one of them. A process of its own, the holder ([`hold`]), mounts it in a mount
//! namespace of its own, on images that have no name; others reach it through `/proc/PID/root`. When the holder ends,
//! however it does, the kernel takes down all of it, and the holder ends when its owner does.
//!
//! [`facts`] are what programs find different there, and [`table`] shows them. The FUSE server ([`fuse`], [`memory`]) does what no disk does.

pub mod facts;
pub mod fuse;
pub mod hold;
pub mod loops;
pub mod memory;
pub mod stage;
pub mod table;

use clap::ValueEnum;

/// A file system of the laboratory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Kind {
    /// ext4 with blocks of 4 KiB
    Ext4,
    /// ext4 with blocks of 1 KiB, smaller than a page
    #[value(name = "ext4-1k")]
    Ext4Small,
    /// XFS
    Xfs,
    /// btrfs
    Btrfs,
    /// tmpfs
    Tmpfs,
    /// overlayfs, both layers on ext4
    OverlayExt4,
    /// overlayfs, both layers on tmpfs
    OverlayTmpfs,
    /// FUSE, cached and written back by the kernel
    Fuse,
    /// FUSE with direct I/O, and without hard links
    FuseDirect,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 9] = [
        Kind::Ext4,
        Kind::Ext4Small,
        Kind::Xfs,
        Kind::Btrfs,
        Kind::Tmpfs,
        Kind::OverlayExt4,
        Kind::OverlayTmpfs,
        Kind::Fuse,
        Kind::FuseDirect,
    ];

    /// Those that do what the model says. With direct I/O, a write from a buffer that may only be stored to is EFAULT.
    pub fn modelled() -> Vec<Kind> {
        Kind::ALL.into_iter().filter(|kind| *kind != Kind::FuseDirect).collect()
    }

    /// Its name, as the program takes it.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// Whether the laboratory is asked for: LABORATORY=1 in the environment.
pub fn is_asked_for() -> bool {
    std::env::var_os("LABORATORY").is_some_and(|value| value == "1")
}
