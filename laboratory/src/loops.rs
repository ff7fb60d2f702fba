//! Disks in memory: an image without a name, and the loop device that shows it as a disk (loop(4)).

use std::fs::{File, OpenOptions};
use std::os::fd::{AsRawFd, RawFd};
use std::path::PathBuf;

use nix::errno::Errno;
use nix::libc;
use nix::sys::memfd::{MFdFlags, memfd_create};

/// What /sys/block/loopN/loop/backing_file shows, before the number of the process that made the image.
pub const IMAGE: &str = "/memfd:laboratory";

/// A loop device. The kernel takes the image from it when nobody has it open or mounted any more (LO_FLAGS_AUTOCLEAR).
pub struct LoopDevice {
    /// The device's file.
    pub path: PathBuf,
    /// Kept open until it is mounted.
    _open: File,
}

/// An image of this size: all zeros, which take no memory.
///
/// # Errors
/// Those of memfd_create(2) and ftruncate(2).
pub fn image(size: u64) -> Result<File, String> {
    let name = format!("laboratory-{}", std::process::id());
    let image = memfd_create(name.as_str(), MFdFlags::MFD_CLOEXEC);
    let image = image.map(File::from).map_err(|errno| format!("memfd_create(2): {errno}"))?;
    image.set_len(size).map_err(|error| format!("ftruncate(2): {error}"))?;
    Ok(image)
}

/// What gives out loop devices.
///
/// # Errors
/// That there are none, or none for this user.
pub fn control() -> Result<File, String> {
    open("/dev/loop-control")
}

fn open(path: &str) -> Result<File, String> {
    OpenOptions::new().read(true).write(true).open(path).map_err(|error| format!("{path}: {error}"))
}

impl LoopDevice {
    /// Gives an image to a free loop device.
    ///
    /// # Errors
    /// What is missing: the device, the permission, or Linux 5.8.
    pub fn of(image: &File, control: &File) -> Result<LoopDevice, String> {
        // Another program may take the device that was free; there are not so many of them.
        for _ in 0..100 {
            let number = free(control).map_err(|errno| format!("LOOP_CTL_GET_FREE: {errno}"))?;
            let path = format!("/dev/loop{number}");
            let device = open(&path)?;
            match configure(&device, image.as_raw_fd()) {
                Ok(()) => return Ok(LoopDevice { path: path.into(), _open: device }),
                Err(Errno::EBUSY) => {}
                Err(errno) => return Err(format!("{path}, LOOP_CONFIGURE: {errno}")),
            }
        }
        Err("no loop device stays free".to_owned())
    }
}

/// LOOP_CTL_GET_FREE: the number of a free device.
fn free(control: &File) -> Result<i32, Errno> {
    // SAFETY: this request takes no argument.
    Errno::result(unsafe { libc::ioctl(control.as_raw_fd(), 0x4C82) })
}

/// LOOP_CONFIGURE with LO_FLAGS_AUTOCLEAR.
fn configure(device: &File, image: RawFd) -> Result<(), Errno> {
    // struct loop_config: the image, the size of a block, struct loop_info64 of 232 bytes, 64 bytes reserved.
    let mut config = [0_u32; 76];
    config[0] = image.cast_unsigned();
    // lo_flags, after 8 bytes of loop_config and 52 of loop_info64.
    config[15] = 4;
    // SAFETY: the request reads a struct of 304 bytes, and `config` has as many.
    Errno::result(unsafe { libc::ioctl(device.as_raw_fd(), 0x4C0A, config.as_ptr()) }).map(drop)
}
