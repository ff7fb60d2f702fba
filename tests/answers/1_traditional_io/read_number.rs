use std::cell::RefCell;
use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind::{Interrupted, InvalidData, InvalidInput, NotADirectory, NotFound, PermissionDenied};
use std::io::{self, BufReader, Read};
use std::mem::ManuallyDrop;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

use mmap_workbook::lesson_1::leftovers;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag, open};
use nix::libc;
use nix::sys::stat::Mode;
use nix::sys::uio::pread;

/// The number of these digits.
fn digits(all: &[u8]) -> io::Result<u64> {
    let text = str::from_utf8(all).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    text.and_then(|text| text.parse().ok()).ok_or(InvalidData.into())
}

/// The number of these digits, and perhaps a newline.
fn number(text: &[u8]) -> io::Result<u64> {
    digits(text.strip_suffix(b"\n").unwrap_or(text))
}

/// Where the file goes on.
fn offset(text: &[u8]) -> i64 {
    text.len().try_into().expect("it fits in memory")
}

/// The bytes of the file, or None if it does not exist.
fn bytes_of(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Err(error) if error.kind() == NotFound => Ok(None),
        bytes => bytes.map(Some),
    }
}

/// The opened file, or None if it does not exist.
fn opened(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Err(error) if error.kind() == NotFound => Ok(None),
        file => file.map(Some),
    }
}

/// The digits before the newline, if there is nothing else.
fn only_digits(text: &[u8]) -> io::Result<&[u8]> {
    let digits = text.strip_suffix(b"\n").unwrap_or(text);
    let all = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    all.then_some(digits).ok_or(InvalidData.into())
}

/// The number in the file, unless a call is interrupted.
fn once(path: &Path) -> io::Result<u64> {
    let file = match open(path, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()) {
        Err(Errno::ENOENT) => return Ok(0),
        file => File::from(file?),
    };
    let (mut text, mut buffer) = (Vec::new(), [0; 1 << 17]);
    loop {
        match pread(&file, &mut buffer, offset(&text))? {
            0 => return number(&text),
            read => text.extend_from_slice(&buffer[..read]),
        }
    }
}

/// Trims spaces, and lets `parse` take a sign.
///
/// fails: read_number::refuses_what_is_no_number failed
mod trims_of_a_number {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            text => text?,
        };
        text.trim().parse().map_err(|_| InvalidData.into())
    }
}

/// Lets `parse` take a `+`.
///
/// fails: read_number::refuses_what_is_no_number failed
mod takes_a_plus {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            text => text?,
        };
        text.strip_suffix('\n').unwrap_or(&text).parse().map_err(|_| InvalidData.into())
    }
}

/// Takes no newline.
///
/// fails: read_number::reads_the_number failed
mod no_newline_of_a_number {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let text = match fs::read(path) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            text => text?,
        };
        digits(&text)
    }
}

/// Takes any number of newlines.
///
/// fails: read_number::refuses_what_is_no_number failed
mod any_number_of_newlines {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            text => text?,
        };
        digits(text.trim_end_matches('\n').as_bytes())
    }
}

/// Takes `\r\n`, too.
///
/// fails: read_number::refuses_what_is_no_number failed
mod windows_line_end {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            text => text?,
        };
        digits(text.strip_suffix("\r\n").or(text.strip_suffix('\n')).unwrap_or(&text).as_bytes())
    }
}

/// Takes the first line, whatever follows.
///
/// fails: read_number::refuses_what_is_no_number failed
mod first_line {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            text => text?,
        };
        digits(text.lines().next().unwrap_or_default().as_bytes())
    }
}

/// Takes the last line, whatever is before.
///
/// fails: read_number::refuses_what_is_no_number failed
mod last_line {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            text => text?,
        };
        digits(text.lines().last().unwrap_or_default().as_bytes())
    }
}

/// Takes the digits at the beginning, as atoi(3) does.
///
/// fails: read_number::refuses_what_is_no_number failed
mod digits_at_the_beginning {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            text => text?,
        };
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        digits(&text.as_bytes()[..end])
    }
}

/// Takes underscores between the digits, as Rust does.
///
/// fails: read_number::refuses_what_is_no_number failed
mod underscores {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            text => text?,
        };
        number(text.replace('_', "").as_bytes())
    }
}

/// Takes hexadecimal numbers after `0x`.
///
/// fails: read_number::refuses_what_is_no_number failed
mod hexadecimal {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            text => text?,
        };
        match text.trim_end().strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16).map_err(|_| InvalidData.into()),
            None => number(text.as_bytes()),
        }
    }
}

/// Returns ENOENT where there is no file.
///
/// fails: read_number::reads_the_number failed
mod missing_is_an_error {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        number(&fs::read(path)?)
    }
}

/// Takes any error for a missing file.
///
/// fails: read_number::returns_the_error_of_a_read failed
/// fails: read_number::takes_no_other_error_for_a_file_that_is_not_there failed no-answer-is-nothing-there
mod any_error_is_zero {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        match fs::read(path) {
            Ok(text) => number(&text),
            Err(_) => Ok(0),
        }
    }
}

/// Takes a file that it may not read for a missing one.
///
/// fails: read_number::takes_no_other_error_for_a_file_that_is_not_there failed no-answer-is-nothing-there
mod unreadable_is_zero_of_a_number {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let text = match fs::read(path) {
            Err(error) if [NotFound, PermissionDenied].contains(&error.kind()) => return Ok(0),
            text => text?,
        };
        number(&text)
    }
}

/// Takes ENOTDIR for a missing file.
///
/// fails: read_number::takes_no_other_error_for_a_file_that_is_not_there failed no-answer-is-nothing-there
mod not_a_directory_is_zero {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let text = match fs::read(path) {
            Err(error) if [NotFound, NotADirectory].contains(&error.kind()) => return Ok(0),
            text => text?,
        };
        number(&text)
    }
}

/// Asks `exists`, which says no after any error.
///
/// fails: read_number::takes_no_other_error_for_a_file_that_is_not_there failed no-answer-is-nothing-there
/// fails: read_number::takes_what_open_has_found failed
mod asks_whether_it_exists {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        if !path.exists() {
            return Ok(0);
        }
        number(&fs::read(path)?)
    }
}

/// Reads regular files only, and takes anything else for a missing one.
///
/// fails: read_number::takes_no_other_error_for_a_file_that_is_not_there failed no-answer-is-nothing-there
/// fails: read_number::takes_what_open_has_found failed
mod a_directory_is_zero {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        if !path.is_file() {
            return Ok(0);
        }
        number(&fs::read(path)?)
    }
}

/// Takes what is no number for 0.
///
/// fails: read_number::refuses_what_is_no_number failed
mod nonsense_is_zero {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let text = match fs::read(path) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            text => text?,
        };
        Ok(number(&text).unwrap_or(0))
    }
}

/// Takes an empty file for 0.
///
/// fails: read_number::refuses_what_is_no_number failed
mod empty_is_zero_of_a_number {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let text = match fs::read(path) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            text => text?,
        };
        if text.is_empty() { Ok(0) } else { number(&text) }
    }
}

/// Takes a lone newline for 0: it multiplies and adds, and never asks for a digit.
///
/// fails: read_number::refuses_what_is_no_number failed
mod only_a_newline_is_zero {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let text = match fs::read(path) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            text => text?,
        };
        let all = text.strip_suffix(b"\n").unwrap_or(&text);
        if text.is_empty() {
            return Err(InvalidData.into());
        }
        all.iter()
            .try_fold(0_u64, |number, byte| {
                let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
                number.checked_mul(10)?.checked_add(digit?)
            })
            .ok_or(InvalidData.into())
    }
}

/// Wraps around where the number is too large.
///
/// fails: read_number::refuses_what_is_no_number failed
mod wraps {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let text = match fs::read(path) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            text => text?,
        };
        let all = text.strip_suffix(b"\n").unwrap_or(&text);
        if all.is_empty() || !all.iter().all(u8::is_ascii_digit) {
            return Err(InvalidData.into());
        }
        Ok(all.iter().fold(0_u64, |number, byte| number.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'))))
    }
}

/// Takes the largest number where the number is too large.
///
/// fails: read_number::refuses_what_is_no_number failed
mod saturates_of_a_number {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let text = match fs::read(path) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            text => text?,
        };
        let all = text.strip_suffix(b"\n").unwrap_or(&text);
        if all.is_empty() || !all.iter().all(u8::is_ascii_digit) {
            return Err(InvalidData.into());
        }
        Ok(all.iter().fold(0_u64, |number, byte| number.saturating_mul(10).saturating_add(u64::from(byte - b'0'))))
    }
}

/// Parses a signed number.
///
/// fails: read_number::reads_the_number failed
/// fails: read_number::refuses_what_is_no_number failed
mod signed {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            text => text?,
        };
        let number: i64 = text.strip_suffix('\n').unwrap_or(&text).parse().map_err(|_| io::Error::from(InvalidData))?;
        u64::try_from(number).map_err(|_| InvalidData.into())
    }
}

/// Parses a floating-point number.
///
/// fails: read_number::reads_the_number failed
mod floating {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let text = match fs::read(path) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            text => text?,
        };
        number(&text)?;
        let text = String::from_utf8_lossy(&text);
        let number: f64 = text.trim_end().parse().map_err(|_| io::Error::from(InvalidData))?;
        format!("{number}").parse().map_err(|_| InvalidData.into())
    }
}

/// Refuses the largest number, since it has no next one.
///
/// fails: read_number::reads_the_number failed
mod the_largest_is_reserved {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let text = match fs::read(path) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            text => text?,
        };
        number(&text).and_then(|number| if number == u64::MAX { Err(InvalidData.into()) } else { Ok(number) })
    }
}

/// Refuses leading zeros.
///
/// fails: read_number::reads_the_number failed
mod refuses_leading_zeros {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let text = match fs::read(path) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            text => text?,
        };
        if text.len() > 1 && text[0] == b'0' && text != b"0\n" {
            return Err(InvalidData.into());
        }
        number(&text)
    }
}

/// Has a buffer for the longest number without leading zeros, and a newline.
///
/// fails: read_number::reads_the_number failed
/// fails: read_number::refuses_what_is_no_number failed
mod twenty_one_bytes {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let mut file = match File::open(path) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            file => file?,
        };
        let mut buffer = Vec::new();
        (&mut file).take(21).read_to_end(&mut buffer)?;
        number(&buffer)
    }
}

/// Reads once, up to 4000 bytes.
///
/// fails: read_number::reads_the_number failed
/// fails: read_number::refuses_what_is_no_number failed
mod one_read_of_a_number {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let mut file = match File::open(path) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            file => file?,
        };
        let mut buffer = [0; 4000];
        let length = loop {
            match file.read(&mut buffer) {
                Err(error) if error.kind() == Interrupted => {}
                read => break read?,
            }
        };
        number(&buffer[..length])
    }
}

/// Returns it when a read is interrupted.
///
/// fails: read_number::goes_on_after_interrupted_calls failed eintr-is-an-error
mod bare_read {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let mut file = match File::open(path) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            file => file?,
        };
        let mut text = Vec::new();
        let mut buffer = [0; 4000];
        loop {
            match file.read(&mut buffer)? {
                0 => return number(&text),
                read => text.extend_from_slice(&buffer[..read]),
            }
        }
    }
}

/// Opens it with nix, which does not retry.
///
/// fails: read_number::goes_on_after_interrupted_calls failed eintr-is-an-error
mod bare_open {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let file = match open(path, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()) {
            Err(Errno::ENOENT) => return Ok(0),
            file => file?,
        };
        let mut text = Vec::new();
        File::from(file).read_to_end(&mut text)?;
        number(&text)
    }
}

/// Begins again when it is interrupted, five times at most.
///
/// fails: read_number::goes_on_after_interrupted_calls failed
mod five_attempts {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        for _ in 0..5 {
            match once(path) {
                Err(error) if error.kind() == Interrupted => {}
                answer => return answer,
            }
        }
        Err(Interrupted.into())
    }
}

/// Creates the file where there is none.
///
/// fails: read_number::reads_the_number failed
mod creates_it {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let mut text = Vec::new();
        File::options().read(true).append(true).create(true).open(path)?.read_to_end(&mut text)?;
        if text.is_empty() { Ok(0) } else { number(&text) }
    }
}

/// Opens it for reading and writing.
///
/// fails: read_number::only_reads failed
mod opens_for_writing {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let text = match File::options().read(true).write(true).open(path).and_then(|mut file| {
            let mut text = Vec::new();
            file.read_to_end(&mut text)?;
            Ok(text)
        }) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            text => text?,
        };
        number(&text)
    }
}

/// Writes the number back as it should be.
///
/// fails: read_number::reads_the_number failed
mod writes_it_without_zeros {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let text = match fs::read(path) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            text => text?,
        };
        let number = number(&text)?;
        let right = format!("{number}\n");
        if text != right.as_bytes() {
            fs::write(path, right)?;
        }
        Ok(number)
    }
}

/// Locks the directory, and does not wait for it.
///
/// fails: read_number::only_reads failed
mod locks_the_directory {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let directory = match File::open(directory) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            directory => directory?,
        };
        let _locked = Flock::lock(directory, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| errno)?;
        let text = match fs::read(path) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            text => text?,
        };
        number(&text)
    }
}

/// Opens the parent of a bare file name, which is the empty path.
///
/// fails: read_number::only_reads failed
/// fails: read_number::reads_the_number failed
/// fails: read_number::takes_no_other_error_for_a_file_that_is_not_there failed no-answer-is-nothing-there
mod opens_the_directory {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let directory = match File::open(path.parent().unwrap_or(path)) {
            Err(_) => return Ok(0),
            directory => directory?,
        };
        drop(directory);
        let text = match fs::read(path) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            text => text?,
        };
        number(&text)
    }
}

/// Leaves the file open.
///
/// fails: read_number::reads_the_number failed
mod leaves_it_open {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let mut file = match File::open(path) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            file => ManuallyDrop::new(file?),
        };
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        number(&text)
    }
}

/// Takes what it has read when a read fails.
///
/// fails: read_number::returns_the_error_of_a_read failed
/// fails: read_number::takes_no_other_error_for_a_file_that_is_not_there failed
mod a_failed_read_is_the_end {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let mut file = match File::open(path) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            file => file?,
        };
        let mut text = Vec::new();
        let _ = file.read_to_end(&mut text);
        number(&text)
    }
}

/// Refuses symbolic links.
///
/// fails: read_number::only_reads failed
/// fails: read_number::reads_the_number failed
mod follows_no_link {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let file = File::options().read(true).custom_flags(libc::O_NOFOLLOW).open(path);
        let mut file = match file {
            Err(error) if error.kind() == NotFound => return Ok(0),
            file => file?,
        };
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        number(&text)
    }
}

/// Returns `InvalidInput` for what is no number.
///
/// fails: read_number::refuses_what_is_no_number failed
mod invalid_input {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let text = match fs::read(path) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            text => text?,
        };
        number(&text).map_err(|_| InvalidInput.into())
    }
}

/// Wraps each error in another one.
///
/// fails: read_number::returns_the_error_of_a_read failed
/// fails: read_number::takes_no_other_error_for_a_file_that_is_not_there failed
mod adds_words_to_the_error_of_a_number {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let text = match fs::read(path) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            text => text.map_err(|error| io::Error::other(format!("{}: {error}", path.display())))?,
        };
        number(&text)
    }
}

/// Panics where the bytes are no text.
///
/// fails: read_number::refuses_what_is_no_number panicked
mod panics_without_utf8 {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let text = match fs::read(path) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            text => text?,
        };
        number(str::from_utf8(&text).expect("text").trim_end_matches('x').as_bytes())
    }
}

/// Adds the digits up, and looks for what is too large.
///
/// passes
mod adds_up {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let text = match fs::read(path) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            text => text?,
        };
        let all = text.strip_suffix(b"\n").unwrap_or(&text);
        if all.is_empty() {
            return Err(InvalidData.into());
        }
        all.iter()
            .try_fold(0_u64, |number, byte| {
                let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
                number.checked_mul(10)?.checked_add(digit?)
            })
            .ok_or(InvalidData.into())
    }
}

/// Reads text, whose error is `InvalidData` where it is none.
///
/// passes
mod as_text_of_a_number {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            text => text?,
        };
        number(text.as_bytes())
    }
}

/// Reads byte by byte through a buffer, and stops at what is no digit.
///
/// passes
mod byte_by_byte_of_a_number {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let file = match File::open(path) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            file => file?,
        };
        let mut all = Vec::new();
        for byte in BufReader::new(file).bytes() {
            let byte = byte?;
            if all.last() == Some(&b'\n') || !(byte.is_ascii_digit() || byte == b'\n') {
                return Err(InvalidData.into());
            }
            all.push(byte);
        }
        number(&all)
    }
}

/// Opens it with nix and reads with pread(2), and retries both.
///
/// passes
mod with_nix {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let file = loop {
            match open(path, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()) {
                Err(Errno::EINTR) => {}
                Err(Errno::ENOENT) => return Ok(0),
                file => break File::from(file?),
            }
        };
        let mut text = vec![0; 1 << 17];
        let mut length = 0;
        loop {
            text.resize(text.len().max(length + 1), 0);
            let at = offset(&text[..length]);
            match pread(&file, &mut text[length..], at) {
                Err(Errno::EINTR) => {}
                Ok(0) => return number(&text[..length]),
                read => length += read?,
            }
        }
    }
}

/// Asks for the metadata first: the file may be gone when it is to be read.
///
/// fails: read_number::takes_what_open_has_found failed
mod asks_for_metadata_first {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        match fs::metadata(path) {
            Err(error) if error.kind() == NotFound => Ok(0),
            metadata => metadata.and_then(|_| number(&fs::read(path)?)),
        }
    }
}

/// Begins again from the beginning whenever it is interrupted.
///
/// passes
mod begins_again {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        loop {
            match once(path) {
                Err(error) if error.kind() == Interrupted => {}
                answer => return answer,
            }
        }
    }
}

/// Follows the last hint, line by line.
///
/// passes
mod read_number_as_the_hint_says {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let text = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            text => text?,
        };
        let digits = text.strip_suffix(b"\n").unwrap_or(&text);
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(InvalidData.into());
        }
        let digits = str::from_utf8(digits).map_err(|_| InvalidData)?;
        digits.parse().map_err(|_| InvalidData.into())
    }
}

/// A number that begins with a zero is octal, as in C.
///
/// fails: read_number::reads_the_number failed
mod octal {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let decimal = adds_up::read_number(path)?;
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let is_octal = text.starts_with('0');
        Ok(if is_octal { u64::from_str_radix(text.trim_end(), 8).unwrap_or(decimal) } else { decimal })
    }
}

/// Takes a byte order mark away.
///
/// fails: read_number::refuses_what_is_no_number failed
mod takes_a_byte_order_mark_away {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        match std::fs::read(path).ok().and_then(|bytes| Some(bytes.strip_prefix("\u{feff}".as_bytes())?.to_vec())) {
            Some(rest) => {
                String::from_utf8_lossy(&rest).trim_end().parse().map_err(|_| io::ErrorKind::InvalidData.into())
            }
            None => adds_up::read_number(path),
        }
    }
}

/// Opens the path as it is displayed, without spaces at its ends.
///
/// fails: read_number::reads_the_number failed
mod opens_the_path_as_displayed {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        adds_up::read_number(Path::new(path.to_string_lossy().trim()))
    }
}

/// Remembers the number of each path.
///
/// fails: read_number::reads_the_number failed
mod remembers_by_path {
    use std::collections::BTreeMap;
    use std::path::PathBuf;
    use std::sync::Mutex;

    use super::*;

    static KNOWN: Mutex<BTreeMap<PathBuf, u64>> = Mutex::new(BTreeMap::new());

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let mut known = KNOWN.lock().expect("no panic");
        if let Some(number) = known.get(path) {
            return Ok(*number);
        }
        let number = adds_up::read_number(path)?;
        known.insert(path.to_owned(), number);
        Ok(number)
    }
}

/// Reads the directory to find out whether the file is there.
///
/// fails: read_number::only_reads failed
mod opens_the_directory_to_look {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let _directory = match File::open(parent) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            directory => directory?,
        };
        begins_again::read_number(path)
    }
}

/// Leaves the time of the last access alone.
///
/// fails: read_number::only_reads failed
mod no_atime {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let mut file = match OpenOptions::new().read(true).custom_flags(libc::O_NOATIME).open(path) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            file => file?,
        };
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        number(&text)
    }
}

/// Locks the file, as all who read do.
///
/// fails: read_number::only_reads failed
mod locks_the_file_to_read {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let file = match File::open(path) {
            Err(error) if error.kind() == NotFound => return Ok(0),
            file => file?,
        };
        let locked = Flock::lock(file, FlockArg::LockShared).map_err(|(_, errno)| errno)?;
        let mut text = Vec::new();
        (&*locked).read_to_end(&mut text)?;
        number(&text)
    }
}

/// Removes the temporary files that others have left.
///
/// fails: read_number::only_reads failed
mod removes_what_is_left {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        for left in leftovers(parent).unwrap_or_default() {
            let _ = fs::remove_file(left);
        }
        begins_again::read_number(path)
    }
}

/// Takes a sum that is not smaller than before for proof that nothing overflowed.
///
/// fails: read_number::refuses_what_is_no_number failed
mod overflow_by_comparison_of_the_number {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let Some(bytes) = bytes_of(path)? else { return Ok(0) };
        let mut value = 0_u64;
        for &digit in only_digits(&bytes)? {
            let next = value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            if next < value {
                return Err(InvalidData.into());
            }
            value = next;
        }
        Ok(value)
    }
}

/// Compares with u64::MAX after a u128 that may have wrapped itself, at 2^128.
///
/// fails: read_number::refuses_what_is_no_number failed
mod u128_wraps_of_the_number {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let Some(bytes) = bytes_of(path)? else { return Ok(0) };
        let wide = only_digits(&bytes)?
            .iter()
            .fold(0_u128, |wide, &digit| wide.wrapping_mul(10).wrapping_add(u128::from(digit - b'0')));
        u64::try_from(wide).map_err(|_| InvalidData.into())
    }
}

/// Tests the upper four bits only, as fast parsers do, and so accepts `:;<=>?`.
///
/// fails: read_number::refuses_what_is_no_number failed
mod by_mask_of_the_number {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let Some(bytes) = bytes_of(path)? else { return Ok(0) };
        let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        if text.is_empty() || text.iter().any(|digit| digit & 0xf0 != 0x30) {
            return Err(InvalidData.into());
        }
        {
            let mut value = 0_u64;
            for digit in text {
                value = value
                    .checked_mul(10)
                    .and_then(|tens| tens.checked_add(u64::from(digit & 0xf)))
                    .ok_or(InvalidData)?;
            }
            Ok(value)
        }
    }
}

/// Accepts a newline at the end of each chunk, not only at that of the file.
///
/// fails: read_number::refuses_what_is_no_number failed
mod newline_after_each_chunk_of_the_number {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let Some(bytes) = bytes_of(path)? else { return Ok(0) };
        let mut all = Vec::new();
        for chunk in bytes.chunks(1 << 10) {
            all.extend_from_slice(chunk.strip_suffix(b"\n").unwrap_or(chunk));
        }
        if bytes.ends_with(b"\n\n") { Err(InvalidData.into()) } else { number(&all) }
    }
}

/// Refuses a chunk without digits, although the newline may be alone in the last one.
///
/// fails: read_number::reads_the_number failed
mod newline_alone_in_chunk_of_the_number {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let Some(bytes) = bytes_of(path)? else { return Ok(0) };
        for chunk in bytes.chunks(1 << 10) {
            only_digits(chunk)?;
        }
        number(&bytes)
    }
}

/// Begins at 0 again in each chunk.
///
/// fails: read_number::reads_the_number failed
mod of_last_chunk_of_the_number {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let Some(bytes) = bytes_of(path)? else { return Ok(0) };
        let mut last = 0;
        for chunk in only_digits(&bytes)?.chunks(1 << 16) {
            last = digits(chunk)?;
        }
        Ok(last)
    }
}

/// Compares with the size that the name has afterwards, when another file may have been renamed to it.
///
/// fails: read_number::takes_what_open_has_found failed
mod size_by_name_after_reading_of_the_number {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let Some(bytes) = bytes_of(path)? else { return Ok(0) };
        let number = number(&bytes)?;
        let metadata = fs::metadata(path)?;
        if metadata.is_file() && metadata.len() != 0 && metadata.len() != bytes.len() as u64 {
            return Err(InvalidData.into());
        }
        Ok(number)
    }
}

/// Opens the file again after an interruption, and appends its bytes to those it has already.
///
/// fails: read_number::goes_on_after_interrupted_calls failed
mod begins_again_without_clearing_of_the_number {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let mut bytes = Vec::new();
        'again: loop {
            let Some(mut file) = opened(path)? else { return Ok(0) };
            let mut buffer = [0; 16];
            loop {
                match file.read(&mut buffer) {
                    Ok(0) => return number(&bytes),
                    Ok(got) => bytes.extend_from_slice(&buffer[..got]),
                    Err(error) if error.kind() == Interrupted => continue 'again,
                    Err(error) => return Err(error),
                }
            }
        }
    }
}

/// The file may vanish between the question and open(2), and the error is ENOENT then.
///
/// fails: read_number::takes_what_open_has_found failed
mod vanishes_between_of_the_number {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        if path.try_exists()? { number(&fs::read(path)?) } else { Ok(0) }
    }
}

/// Takes `..` away together with the name before it, which is another directory if that is a link.
///
/// fails: read_number::reads_the_number failed
/// fails: read_number::takes_no_other_error_for_a_file_that_is_not_there failed
mod lexical_parent_of_the_number {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let mut clean = PathBuf::new();
        for part in path.components() {
            match part {
                Component::ParentDir if matches!(clean.components().next_back(), Some(Component::Normal(_))) => {
                    clean.pop();
                }
                part => clean.push(part),
            }
        }
        let clean = if clean.as_os_str().is_empty() { Path::new(".") } else { &clean };
        bytes_of(clean)?.map_or(Ok(0), |bytes| number(&bytes))
    }
}

/// Puts the path together again from its components, without the slash at the end that makes a file ENOTDIR.
///
/// fails: read_number::takes_no_other_error_for_a_file_that_is_not_there failed
mod loses_trailing_slash_of_the_number {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let path: PathBuf = path.components().collect();
        bytes_of(&path)?.map_or(Ok(0), |bytes| number(&bytes))
    }
}

/// Panics over a path without a last name, such as `/` or `..`.
///
/// fails: read_number::takes_no_other_error_for_a_file_that_is_not_there failed
mod panics_without_name_of_the_number {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let directory = path.parent().unwrap_or(Path::new(""));
        let name = path.file_name().expect("a path ends in a name");
        bytes_of(&directory.join(name))?.map_or(Ok(0), |bytes| number(&bytes))
    }
}

/// Confuses NAME_MAX with PATH_MAX.
///
/// fails: read_number::reads_the_number failed
mod short_paths_only_of_the_number {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        if path.as_os_str().len() > 255 {
            return Err(Errno::ENAMETOOLONG.into());
        }
        bytes_of(path)?.map_or(Ok(0), |bytes| number(&bytes))
    }
}

/// Goes to the directory and stays there, so that a second call with a relative path finds nothing.
///
/// fails: read_number::reads_the_number failed
/// fails: read_number::takes_no_other_error_for_a_file_that_is_not_there failed
mod changes_directory_of_the_number {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        match (path.parent(), path.file_name()) {
            (Some(directory), Some(name)) if !directory.as_os_str().is_empty() => {
                match env::set_current_dir(directory) {
                    Err(error) if error.kind() == NotFound => return Ok(0),
                    result => result?,
                }
                bytes_of(Path::new(name))?.map_or(Ok(0), |bytes| number(&bytes))
            }
            _ => bytes_of(path)?.map_or(Ok(0), |bytes| number(&bytes)),
        }
    }
}

/// Asks for the true name first, which a deleted file in /proc/self/fd no longer has.
///
/// fails: read_number::reads_the_number failed
mod canonical_of_the_number {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        match path.canonicalize() {
            Err(error) if error.kind() == NotFound => Ok(0),
            path => bytes_of(&path?)?.map_or(Ok(0), |bytes| number(&bytes)),
        }
    }
}

/// Reads the standard input where the file is called `-`.
///
/// fails: read_number::reads_the_number failed
mod dash_is_standard_input_of_the_number {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let path = if path == Path::new("-") { Path::new("/dev/stdin") } else { path };
        bytes_of(path)?.map_or(Ok(0), |bytes| number(&bytes))
    }
}

/// Keeps its buffer for the next call, and does not clear it after an error.
///
/// fails: read_number::reads_the_number failed
mod keeps_bytes_after_error_of_the_number {
    use super::*;

    thread_local! {
        static BYTES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let Some(mut file) = opened(path)? else { return Ok(0) };
        BYTES.with_borrow_mut(|bytes| {
            file.read_to_end(bytes)?;
            let number = number(bytes)?;
            bytes.clear();
            Ok(number)
        })
    }
}

/// Believes that st_size is how much there is to read, which is 0 for a file in /proc.
///
/// fails: read_number::reads_the_number failed
mod believes_st_size_of_the_number {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        opened(path)?.map_or(Ok(0), |mut file| {
            let metadata = file.metadata()?;
            if metadata.is_dir() {
                return Err(Errno::EISDIR.into());
            }
            let mut bytes = vec![0; metadata.len().try_into().expect("it fits in memory")];
            file.read_exact(&mut bytes)?;
            number(&bytes)
        })
    }
}

/// Keeps the number in memory as long as the modification time and the size are the same, as after a quick write.
///
/// fails: read_number::reads_the_number failed
mod cached_by_mtime {
    use super::*;

    static CACHE: std::sync::Mutex<Option<(PathBuf, std::time::SystemTime, u64, u64)>> = std::sync::Mutex::new(None);

    pub fn read_number(path: &Path) -> io::Result<u64> {
        opened(path)?.map_or(Ok(0), |mut file| {
            let (time, size) = (file.metadata()?.modified()?, file.metadata()?.len());
            let mut cache = CACHE.lock().expect("no panic");
            if let Some((of, at, long, number)) = &*cache
                && (of.as_path(), *at, *long) == (path, time, size)
            {
                return Ok(*number);
            }
            let mut text = Vec::new();
            file.read_to_end(&mut text)?;
            let number = super::number(&text)?;
            *cache = Some((path.to_owned(), time, size, number));
            Ok(number)
        })
    }
}

/// Parses it as a signed number, and refuses the negative ones.
///
/// fails: read_number::refuses_what_is_no_number failed
mod minus_zero {
    use super::*;

    pub fn read_number(path: &Path) -> io::Result<u64> {
        let Some(bytes) = bytes_of(path)? else { return Ok(0) };
        let text = str::from_utf8(bytes.strip_suffix(b"\n").unwrap_or(&bytes)).map_err(|_| InvalidData)?;
        let number = text.parse::<i128>().ok().filter(|_| !text.starts_with('+'));
        number.and_then(|number| u64::try_from(number).ok()).ok_or(InvalidData.into())
    }
}

one_of! {
    pub fn read_number(path: &Path) -> io::Result<u64>;
    trims_of_a_number takes_a_plus no_newline_of_a_number any_number_of_newlines windows_line_end first_line last_line digits_at_the_beginning
    underscores hexadecimal missing_is_an_error any_error_is_zero unreadable_is_zero_of_a_number not_a_directory_is_zero
    asks_whether_it_exists a_directory_is_zero nonsense_is_zero empty_is_zero_of_a_number only_a_newline_is_zero wraps saturates_of_a_number
    signed floating the_largest_is_reserved refuses_leading_zeros twenty_one_bytes one_read_of_a_number bare_read bare_open
    five_attempts creates_it opens_for_writing writes_it_without_zeros locks_the_directory opens_the_directory
    leaves_it_open a_failed_read_is_the_end follows_no_link invalid_input adds_words_to_the_error_of_a_number panics_without_utf8
    adds_up as_text_of_a_number byte_by_byte_of_a_number with_nix asks_for_metadata_first begins_again
    read_number_as_the_hint_says
    opens_the_directory_to_look no_atime locks_the_file_to_read removes_what_is_left
    octal takes_a_byte_order_mark_away opens_the_path_as_displayed remembers_by_path
    overflow_by_comparison_of_the_number u128_wraps_of_the_number by_mask_of_the_number
    newline_after_each_chunk_of_the_number newline_alone_in_chunk_of_the_number of_last_chunk_of_the_number
    size_by_name_after_reading_of_the_number begins_again_without_clearing_of_the_number
    vanishes_between_of_the_number lexical_parent_of_the_number loses_trailing_slash_of_the_number
    panics_without_name_of_the_number short_paths_only_of_the_number changes_directory_of_the_number
    canonical_of_the_number dash_is_standard_input_of_the_number keeps_bytes_after_error_of_the_number
    believes_st_size_of_the_number cached_by_mtime minus_zero
}
