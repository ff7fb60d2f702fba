//! What exercise 6 is graded by. Each check runs the learner's function in a child, so a bus error there is an answer
//! that can be reported, and no end of the checks.

use std::fs::{self, File};
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::ops::Range;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI32, Ordering};

use mmap_workbook::grade::misconception as belief;
use mmap_workbook::grade::{
    Failure, Verdict, Words, after_each_instruction, ask, ask_with_memory, calls_of, check, ensure, for_all, for_each,
    kind, moved, start, text,
};
use mmap_workbook::lesson_2::{Mapping, READ_WRITE, Sharing};
use mmap_workbook::lesson_6::{GuardError, Guarded, rule};
use mmap_workbook::observe::{maps_of, page_size, page_size_u64};
use mmap_workbook::process::{Cause, OnSmallDisk, on_a_small_disk};
use mmap_workbook::say;
use nix::errno::Errno;
use nix::libc;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use proptest::prelude::*;
use tempfile::TempDir;

use super::{parts, put, sum_of, survive, zeros_over};

/// Lengths and places of up to four pages, most of them next to a page's edge.
fn near_edges() -> impl Strategy<Value = usize> {
    let page = page_size();
    let edge = (0..4_usize, 0..5_usize).prop_map(move |(n, d)| (n * page + d).saturating_sub(2));
    prop_oneof![3 => edge, 1 => 0..3 * page]
}

/// So many bytes, none of them zero: what a hole or a page's rest shows can't be taken for one of them. 251 is prime:
/// bytes one page apart differ.
fn bytes(count: usize) -> Vec<u8> {
    (1..=251).cycle().take(count).collect()
}

/// A folder of a check's own, and in it a file with these bytes.
fn file_with(bytes: &[u8]) -> Result<(TempDir, PathBuf, File), Failure> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("file");
    fs::write(&path, bytes)?;
    let file = File::options().read(true).write(true).open(&path)?;
    Ok((folder, path, file))
}

/// A `usize` as the kernel's sizes are.
fn wide(n: usize) -> u64 {
    u64::try_from(n).expect("no machine has addresses beyond 64 bits")
}

/// How many mappings of files and how many descriptors this process has.
fn held() -> io::Result<[usize; 2]> {
    let maps = fs::read_to_string("/proc/self/maps")?;
    let of_files = maps.lines().filter(|line| line.split_whitespace().nth(4).is_some_and(|inode| inode != "0")).count();
    Ok([of_files, fs::read_dir("/proc/self/fd")?.count()])
}

/// Runs `body` in this process, and says how many mappings of files and descriptors there were before and after.
fn counting<T>(body: impl FnOnce() -> T) -> Result<(T, [[usize; 2]; 2]), String> {
    let before = held().map_err(text)?;
    let answer = body();
    Ok((answer, [before, held().map_err(text)?]))
}

/// Whatever it mapped or opened is gone again.
fn nothing_left([before, after]: [[usize; 2]; 2]) -> Result<(), Failure> {
    ensure(before == after, || {
        let ([maps, files], [more_maps, more_files]) = (before, after);
        let failure = Failure::new(
            say!(
                "{maps} mappings of files and {files} descriptors, as before",
                "与之前一样，有 {maps} 个文件映射、{files} 个描述符"
            ),
            say!(
                "{more_maps} mappings of files and {more_files} descriptors",
                "有 {more_maps} 个文件映射、{more_files} 个描述符"
            ),
        );
        if more_maps > maps && files == more_files { failure.shows(&belief::CLOSE_UNMAPS) } else { failure }
    })
}

/// The first byte in which two files differ.
fn first_difference(a: &[u8], b: &[u8]) -> Option<usize> {
    (0..a.len().max(b.len())).find(|&at| a.get(at) != b.get(at))
}

mod parts {
    use super::*;

    type Ranges = (Range<usize>, Range<usize>, Range<usize>);

    fn answer(size: u64, offset: u64, length: usize) -> Result<Result<Ranges, String>, Failure> {
        ask(|| super::parts(size, offset, length).map(|p| (p.file, p.rest, p.no_page)).map_err(|e| kind(e.into())))
    }

    fn in_words(parts: &Result<Ranges, String>) -> String {
        match parts {
            Ok((file, rest, no_page)) => format!("file {file:?}, rest {rest:?}, no_page {no_page:?}"),
            Err(error) => error.clone(),
        }
    }

    fn differs(expected: &Result<Ranges, String>, got: &Result<Ranges, String>, length: usize) -> Failure {
        let (wanted, had) = (in_words(expected), in_words(got));
        let failure = Failure::new(say!("{wanted}", "{wanted}"), say!("{had}", "{had}"));
        match (expected, got) {
            (Ok((file, rest, _)), Ok((had, _, no_page)))
                if had == file && !rest.is_empty() && no_page.start == file.end =>
            {
                failure.shows(&belief::BUS_ERROR_BEHIND_THE_LAST_BYTE)
            }
            (Ok((_, _, no_page)), Ok((_, _, had))) if had.end == length && no_page.end != length => {
                failure.shows(&belief::MAPPING_ENDS_AT_ITS_LENGTH)
            }
            _ => failure,
        }
    }

    /// What the kernel makes of it: how far the mapping reaches, as /proc/self/maps has it, and for each of its pages
    /// whether it is there, asked for in the way of lesson 6, with no signal. The file's bytes are not zero; the rest
    /// is.
    fn of_the_kernel(size: usize, offset: u64, length: usize) -> Result<Ranges, Failure> {
        let file = tempfile::tempfile()?;
        file.write_all_at(&bytes(size), 0)?;
        let mapping = Mapping::of_file(&file, offset, length, READ_WRITE, Sharing::Shared)?;
        let areas = maps_of(mapping.address()..mapping.address() + 1)?;
        let mapped = areas.first().map_or(0, |area| area.range().end - mapping.address());
        drop(mapping);
        let guarded = Guarded::new(file, offset, mapped)?;
        let (mut seen, mut in_pages) = (Vec::new(), 0);
        for at in (0..mapped).step_by(page_size()) {
            let mut page = vec![0; page_size()];
            match guarded.read(at, &mut page) {
                Ok(()) => in_pages = at + page_size(),
                Err(GuardError::NoPage { .. }) => break,
                Err(error) => return Err(io::Error::other(error).into()),
            }
            seen.extend(page);
        }
        let of_file = seen.iter().position(|&byte| byte == 0).unwrap_or(seen.len());
        Ok((0..of_file, of_file..in_pages, in_pages..mapped))
    }

    #[test]
    fn says_what_the_kernel_says() {
        let law = say!(
            "mmap(2): whole pages are mapped; the rest of the file's last page is zero; POSIX: beyond it is SIGBUS",
            "mmap(2)：映射以整页为单位；文件最后一页的剩余部分为零；POSIX：再往后的页触发 SIGBUS"
        );
        check("rule", law, || {
            for_all(
                (near_edges(), 0..3_u64, near_edges()),
                |(size, first_page, length)| {
                    let length = length.max(&1);
                    say!(
                        "a file of {size} bytes, {length} bytes mapped from its page {first_page} on",
                        "{size} 字节的文件，从第 {first_page} 页起映射 {length} 字节"
                    )
                },
                |&(size, first_page, length)| {
                    let (offset, length) = (first_page * page_size_u64(), length.max(1));
                    let got = answer(wide(size), offset, length)?;
                    let expected = Ok(of_the_kernel(size, offset, length)?);
                    ensure(got == expected, || differs(&expected, &got, length))
                },
            )
        });
    }

    #[test]
    fn has_room_for_large_numbers() {
        let law = say!(
            "off_t has 64 bits: a file may be longer than any mapping, and an `int` holds neither",
            "off_t 有 64 位：文件可以比任何映射都长，而 int 两者都装不下"
        );
        check("rule", law, || {
            let page = page_size();
            let last_page = u64::MAX - (page_size_u64() - 1);
            let gib = |n: usize| n << 30;
            for_each(
                [
                    (wide(gib(3)), 0, gib(3), (0..gib(3), gib(3)..gib(3), gib(3)..gib(3))),
                    (wide(gib(5)), 0, gib(8), (0..gib(5), gib(5)..gib(5), gib(5)..gib(8))),
                    (wide(gib(1 << 10)) + 1, wide(gib(1 << 10)), 2 * page, (0..1, 1..page, page..2 * page)),
                    (u64::MAX, 0, 1, (0..page, page..page, page..page)),
                    (u64::MAX, last_page, 1, (0..page - 1, page - 1..page, page..page)),
                    (0, last_page, usize::MAX - page + 1, (0..0, 0..0, 0..usize::MAX - page + 1)),
                ],
                |(size, offset, length, _)| {
                    say!(
                        "a file of {size} bytes, {length} bytes mapped from {offset} on",
                        "{size} 字节的文件，从偏移 {offset} 起映射 {length} 字节"
                    )
                },
                |(size, offset, length, expected)| {
                    let got = answer(*size, *offset, *length)?;
                    let expected = Ok(expected.clone());
                    ensure(got == expected, || {
                        let failure = differs(&expected, &got, *length);
                        // What an `int` makes of the size, or nothing where that is negative.
                        let low = usize::try_from(size & u64::from(u32::MAX)).unwrap_or(0);
                        let int = if low >> 31 == 0 { low } else { 0 };
                        let narrow = match (&got, &expected) {
                            (Ok((had, ..)), Ok((file, ..))) => had != file && [low, int].contains(&had.end),
                            _ => false,
                        };
                        if narrow { failure.shows(&belief::INT_HOLDS_A_SIZE) } else { failure }
                    })
                },
            )
        });
    }

    #[test]
    fn refuses_what_mmap_refuses() {
        let law = say!(
            "mmap(2): EINVAL for a length of 0 or an offset inside a page; ENOMEM for more than there are addresses",
            "mmap(2)：长度为 0 或偏移量不在页边界上是 EINVAL；超出地址空间是 ENOMEM"
        );
        check("no_bus_errors", law, || {
            let page = page_size();
            for_each(
                [
                    (0, 0),
                    (1, 1),
                    (512, 1),
                    (page_size_u64() - 1, page),
                    (0, usize::MAX),
                    (0, usize::MAX - page + 2),
                    (1, 0),
                ],
                |(offset, length)| {
                    say!("{length} bytes mapped from {offset} on", "从偏移 {offset} 起映射 {length} 字节")
                },
                |&(offset, length)| {
                    let got = answer(1, offset, length)?;
                    let mapped = Mapping::of_file(tempfile::tempfile()?, offset, length, READ_WRITE, Sharing::Shared);
                    let errno = mapped.map(drop).expect_err("what the table has is refused");
                    ensure(got == Err(kind(errno.into())), || differs(&Err(kind(errno.into())), &got, length))
                },
            )
        });
    }
}

mod sum_of {
    use super::*;

    fn answer(path: &Path) -> Result<Result<u64, String>, Failure> {
        ask(|| super::sum_of(path).map_err(kind))
    }

    fn sum(bytes: &[u8]) -> u64 {
        bytes.iter().map(|&byte| u64::from(byte)).sum()
    }

    fn differs(expected: u64, got: &Result<u64, String>) -> Failure {
        Failure::new(say!("the sum {expected}", "和为 {expected}"), say!("{got:?}", "{got:?}"))
    }

    #[test]
    fn adds_up_every_byte() {
        let law = say!(
            "mmap(2): a length of 0 is EINVAL, so an empty file can't be mapped",
            "mmap(2)：长度为 0 是 EINVAL，空文件不能映射"
        );
        check("no_bus_errors", law, || {
            let test = |size: &usize| {
                let (_folder, path, _) = file_with(&bytes(*size))?;
                let got = answer(&path)?;
                let expected = sum(&bytes(*size));
                ensure(got == Ok(expected), || differs(expected, &got))
            };
            let describe = |size: &usize| say!("a file of {size} bytes", "{size} 字节的文件");
            for_each([1, 0, page_size() - 1, page_size(), page_size() + 1], describe, test)?;
            for_all(near_edges(), describe, test)
        });
    }

    #[test]
    fn leaves_out_what_stands_behind_the_end() {
        let law = say!(
            "mmap(2), BUGS: what is stored behind the file's end stays in its last page, and other mappings may see it",
            "mmap(2) 的 BUGS 一节：写到文件末尾之后的内容留在最后一页里，别的映射可能看得到"
        );
        check("no_bus_errors", law, || {
            for_each(
                [1, page_size() - 1, page_size() + 10],
                |size| {
                    say!(
                        "a file of {size} bytes, and stores of another process to the rest of its last page",
                        "{size} 字节的文件，另有进程往最后一页的剩余部分写过内容"
                    )
                },
                |&size| {
                    // A file in memory: a disk's file system clears the rest of the page when it writes the page out.
                    let file = File::from(memfd_create(c"exercise-6", MFdFlags::MFD_CLOEXEC)?);
                    file.write_all_at(&bytes(size), 0)?;
                    let mapping = Mapping::of_file(&file, 0, size, READ_WRITE, Sharing::Shared)?;
                    (size..mapping.range().len()).for_each(|at| mapping.store(at, b'!'));
                    let got = answer(&PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd())))?;
                    let (expected, whole) = (sum(&bytes(size)), mapping.range().len());
                    let behind = u64::from(b'!') * wide(whole - size);
                    ensure(got == Ok(expected), || match got {
                        Ok(sum) if sum == expected + behind => {
                            differs(expected, &got).shows(&belief::REST_OF_THE_PAGE_IS_ZERO)
                        }
                        _ => differs(expected, &got),
                    })
                },
            )
        });
    }

    #[test]
    fn maps_what_can_be_mapped() {
        let law = say!(
            "mmap(2): PROT_READ wants a descriptor that is open for reading, and no more",
            "mmap(2)：PROT_READ 只要求文件描述符可读，不要求更多"
        );
        check("2:mapping", law, || {
            let (_folder, path, _) = file_with(&bytes(3 * page_size()))?;
            let ((got, moved), kept) =
                ask(|| counting(|| moved(|| super::sum_of(&path).map_err(kind))))?.map_err(io::Error::other)?;
            let expected = sum(&bytes(3 * page_size()));
            ensure(got == Ok(expected), || differs(expected, &got))?;
            let read = moved.map_or(0, |moved| moved.read);
            let described = || say!("a file of {} bytes", "{} 字节的文件", 3 * page_size());
            ensure(read == 0, || {
                Failure::new(
                    say!("none of its bytes goes through read(2)", "没有一个字节经过 read(2)"),
                    say!("{read} bytes went through it", "有 {read} 字节经过了它"),
                )
                .given(described())
            })?;
            nothing_left(kept).map_err(|failure| failure.given(described()))?;
            // How it was opened is asked of the calls: root may open every file for writing.
            let calls = calls_of(|| Ok(()), |()| super::sum_of(&path).map(drop).map_err(text))?;
            let mapped = calls.iter().any(|call| {
                // Without a file the descriptor is -1; it has 32 bits, whatever is above them.
                let descriptor = call.arguments[4] & u64::from(u32::MAX);
                call.number == libc::SYS_mmap && call.answer >= 0 && descriptor != u64::from(u32::MAX)
            });
            ensure(mapped, || {
                Failure::new(
                    say!("mmap(2) of the file", "用 mmap(2) 映射该文件"),
                    say!("no file was mapped", "没有映射任何文件"),
                )
            })?;
            let modes = u64::from(libc::O_ACCMODE.cast_unsigned());
            let writable = calls.iter().find(|call| call.number == libc::SYS_openat && call.arguments[2] & modes != 0);
            ensure(writable.is_none(), || {
                let flags = writable.map_or(0, |call| call.arguments[2]);
                Failure::new(
                    say!("open(2) with O_RDONLY", "以 O_RDONLY 调用 open(2)"),
                    say!("the flags were {flags:#o}", "标志是 {flags:#o}"),
                )
            })
        });
    }

    #[test]
    fn reads_what_cannot_be_mapped() {
        let law = say!(
            "proc(5): most files have a size of 0; mmap(2): ENODEV where the file system has no mappings",
            "proc(5)：大多数文件的大小为 0；mmap(2)：文件系统不支持映射时返回 ENODEV"
        );
        check("ways_out", law, || {
            let candidates = ["/proc/version", "/proc/sys/kernel/ostype", "/sys/devices/system/cpu/online"];
            // Not every container has /sys.
            let there = candidates.map(PathBuf::from).into_iter().filter(|path| path.is_file());
            for_each(
                there,
                |path| {
                    let size = path.metadata().map_or(0, |metadata| metadata.len());
                    say!("{}, whose size is {size} bytes", "{}，其大小显示为 {size} 字节", path.display())
                },
                |path| {
                    let got = answer(path)?;
                    let expected = sum(&fs::read(path)?);
                    ensure(got == Ok(expected), || {
                        let failure = differs(expected, &got);
                        // 0: believed a size of 0. EINVAL: mapped it. EOF: believed a size that is too large.
                        match got.as_ref().map_err(String::as_str) {
                            Ok(0) => failure.shows(&belief::SIZE_TELLS_WHAT_IS_THERE),
                            Err("EINVAL" | "UnexpectedEof") => failure.shows(&belief::SIZE_TELLS_WHAT_IS_THERE),
                            _ => failure,
                        }
                    })
                },
            )
        });
    }

    #[test]
    fn refuses_what_is_no_regular_file_and_never_waits() {
        let law = say!(
            "fifo(7): open(2) for reading waits for a writer, unless O_NONBLOCK is given",
            "fifo(7)：以只读方式打开 FIFO 会等待写者出现，除非带 O_NONBLOCK"
        );
        check("ways_out", law, || {
            let folder = tempfile::tempdir()?;
            let refused =
                |path: &Path, expected: &[&str]| {
                    let got = answer(path)?;
                    ensure(matches!(&got, Err(error) if expected.contains(&error.as_str())), || {
                        let wanted = expected[0];
                        Failure::new(say!("the error {wanted}", "错误 {wanted}"), say!("{got:?}", "{got:?}"))
                            .given(say!("{}", "{}", path.display()))
                    })
                };
            refused(folder.path(), &["EISDIR", "IsADirectory"])?;
            refused(&folder.path().join("nobody"), &["ENOENT"])?;
            let invalid = ["EINVAL", "InvalidInput"];
            refused(Path::new("/dev/null"), &invalid)?;
            let path = folder.path().join("fifo");
            mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR)?;
            // Linux opens a FIFO for both at once without waiting (fifo(7)).
            let mut fifo = File::options().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(&path)?;
            fifo.write_all(b"for somebody else")?;
            refused(&path, &invalid)?;
            let mut left = [0; 64];
            let count = fifo.read(&mut left).unwrap_or(0);
            ensure(&left[..count] == b"for somebody else", || {
                Failure::new(
                    say!("what is in the FIFO stays there", "FIFO 里的内容原样留着"),
                    say!("{count} of 17 bytes were left", "17 字节只剩 {count} 字节"),
                )
            })?;
            // And now nobody has it open for writing.
            drop(fifo);
            refused(&path, &invalid).map_err(|failure| {
                let waits = failure.verdict == Verdict::TimedOut;
                let failure =
                    failure.given(say!("a FIFO that nobody has open for writing", "没有任何进程以写方式打开的 FIFO"));
                if waits { failure.shows(&belief::OPEN_NEVER_WAITS) } else { failure }
            })
        });
    }
}

/// A file on a disk that has room for a few pages, and another one there to fill it with.
struct SmallDisk {
    file: File,
    filler: File,
}

impl SmallDisk {
    /// Mounts one and opens both files there; a child has to do it, which hands over the descriptors (SCM_RIGHTS,
    /// unix(7)). The disk lives as long as they do. The inner `Err` is why this machine lets us mount none.
    fn new(pages: u64) -> Result<Result<SmallDisk, String>, Failure> {
        let mut received = Vec::new();
        let ran = on_a_small_disk(
            pages * page_size_u64(),
            |disk, line| {
                let create = |name| File::options().read(true).write(true).create_new(true).open(disk.join(name));
                let files = [create("file-on-a-small-disk")?, create("filler")?];
                let descriptors = files.each_ref().map(AsRawFd::as_raw_fd);
                let rights = [ControlMessage::ScmRights(&descriptors)];
                let line = std::os::fd::AsFd::as_fd(line).as_raw_fd();
                sendmsg::<()>(line, &[IoSlice::new(b".")], &rights, MsgFlags::MSG_NOSIGNAL, None)?;
                Ok(())
            },
            |line| {
                let (mut space, mut byte) = (nix::cmsg_space!([i32; 2]), [0]);
                let mut parts = [IoSliceMut::new(&mut byte)];
                let line = std::os::fd::AsFd::as_fd(line).as_raw_fd();
                let message = recvmsg::<()>(line, &mut parts, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC)?;
                for part in message.cmsgs()? {
                    if let ControlMessageOwned::ScmRights(descriptors) = part {
                        // SAFETY: recvmsg(2) has just made these descriptors, and nobody else owns them.
                        received
                            .extend(descriptors.into_iter().map(|fd| File::from(unsafe { OwnedFd::from_raw_fd(fd) })));
                    }
                }
                Ok(())
            },
        )?;
        match ran {
            OnSmallDisk::Skipped(reason) => Ok(Err(reason)),
            OnSmallDisk::Ran(ended) => {
                ended.success()?;
                let [file, filler] = received.try_into().map_err(|_| io::Error::other("no descriptors came"))?;
                Ok(Ok(SmallDisk { file, filler }))
            }
        }
    }

    /// Writes until there is no room left.
    fn fill(&mut self) -> io::Result<()> {
        loop {
            match self.filler.write(&vec![b'f'; page_size()]) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}

mod put {
    use super::*;

    fn answer(file: &File, offset: u64, bytes: &[u8]) -> Result<Result<(), String>, Failure> {
        ask(|| super::put(file, offset, bytes).map_err(kind))
    }

    /// What the file has now.
    fn content(file: &File) -> io::Result<Vec<u8>> {
        let size = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        let mut bytes = vec![0; size];
        file.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    }

    /// Holds the answer and the file against what they should be.
    fn hold(
        got: &Result<(), String>,
        expected: &Result<(), String>,
        file: &File,
        before: &[u8],
        wanted: &[u8],
    ) -> Result<(), Failure> {
        ensure(got == expected, || Failure::new(say!("{expected:?}", "{expected:?}"), say!("{got:?}", "{got:?}")))?;
        let after = file.metadata()?.len();
        let size = wide(wanted.len());
        ensure(after == size, || {
            let had = before.len();
            Failure::new(
                say!("a size of {size} bytes (before: {had})", "大小为 {size} 字节（之前是 {had}）"),
                say!("a size of {after} bytes", "大小为 {after} 字节"),
            )
        })?;
        let now = content(file)?;
        match first_difference(&now, wanted) {
            None => Ok(()),
            Some(at) => Err(Failure::new(
                say!("byte {at} of the file is {:#04x}", "文件第 {at} 字节是 {:#04x}", wanted[at]),
                say!("it is {:#04x}", "实际是 {:#04x}", now[at]),
            )),
        }
    }

    /// What the file should have afterwards.
    fn with(before: &[u8], offset: usize, bytes: &[u8]) -> Vec<u8> {
        let mut wanted = before.to_vec();
        if !bytes.is_empty() {
            wanted.resize(before.len().max(offset + bytes.len()), 0);
            wanted[offset..offset + bytes.len()].copy_from_slice(bytes);
        }
        wanted
    }

    #[test]
    fn puts_the_bytes_and_changes_no_other() {
        let law = say!(
            "mmap(2): the offset is a multiple of the page size; a store behind the file's end does not make it longer",
            "mmap(2)：偏移量必须是页大小的整数倍；写到文件末尾之后并不会让文件变长"
        );
        check("2:window", law, || {
            let test = |&(size, offset, count): &(usize, usize, usize)| {
                let (_folder, _, file) = file_with(&bytes(size))?;
                let new = vec![b'!'; count];
                let got = answer(&file, wide(offset), &new)?;
                hold(&got, &Ok(()), &file, &bytes(size), &with(&bytes(size), offset, &new))
            };
            let describe = |(size, offset, count): &(usize, usize, usize)| {
                say!(
                    "a file of {size} bytes, {count} bytes to put at {offset}",
                    "{size} 字节的文件，在 {offset} 处放入 {count} 字节"
                )
            };
            let page = page_size();
            for_each([(100, 10, 5), (0, 0, 1), (page, page - 1, 2), (10, 3 * page + 7, page)], describe, test)?;
            for_all((near_edges(), near_edges(), near_edges()), describe, test)
        });
    }

    #[test]
    fn changes_nothing_for_no_bytes_and_for_what_it_refuses() {
        let law = say!(
            "posix_fallocate(3): EINVAL for a length of 0; off_t ends at 2^63 - 1; mmap(2): ENOMEM at RLIMIT_AS",
            "posix_fallocate(3)：长度为 0 返回 EINVAL；off_t 的上限是 2^63 - 1；mmap(2)：地址空间到达 RLIMIT_AS 时返回 ENOMEM"
        );
        check("ways_out", law, || {
            let most = i64::MAX.cast_unsigned();
            let too_large = || Err("EFBIG".to_owned());
            let cases: [(u64, &[u8], _); 7] = [
                (0, b"", Ok(())),
                (10, b"", Ok(())),
                (page_size_u64() + 5, b"", Ok(())),
                (u64::MAX, b"", Ok(())),
                (most, b"x", too_large()),
                (most - 2, b"four", too_large()),
                (u64::MAX, b"x", too_large()),
            ];
            for_each(
                cases,
                |(offset, new, _)| {
                    let count = new.len();
                    say!("{count} bytes to put at {offset}", "在 {offset} 处放入 {count} 字节")
                },
                |(offset, new, expected)| {
                    let (_folder, _, file) = file_with(&bytes(10))?;
                    let got = answer(&file, *offset, new)?;
                    hold(&got, expected, &file, &bytes(10), &bytes(10))
                },
            )?;
            let (before, new) = (bytes(10), vec![b'!'; 8 << 20]);
            let (_folder, _, file) = file_with(&before)?;
            let got = ask_with_memory(1 << 20, || super::put(&file, 10, &new).map_err(kind))?;
            // Who maps piece after piece needs no more, and then has to put them all.
            let wanted = if got.is_ok() { with(&before, 10, &new) } else { before.clone() };
            hold(&got, &got, &file, &before, &wanted).map_err(|failure| {
                let failure = failure.given(say!(
                    "8 MiB to put, in a process that may have 1 MiB more of addresses; the answer was {got:?}",
                    "要放入 8 MiB，而进程只能再增加 1 MiB 地址空间；返回的是 {got:?}"
                ));
                if got.is_err() { failure.shows(&belief::AN_ERROR_UNDOES) } else { failure }
            })
        });
    }

    #[test]
    fn a_full_disk_is_an_error_and_changes_nothing() {
        let law = say!(
            "posix_fallocate(3): after success, stores to the range don't fail for lack of disk space",
            "posix_fallocate(3)：成功之后，对该范围的写入不会因磁盘空间不足而失败"
        );
        check("ways_out", law, || {
            // On a disk with room first: also where no small one can be mounted, there is something to check.
            let (_folder, _, file) = file_with(&bytes(10))?;
            hold(&answer(&file, 10, b"x")?, &Ok(()), &file, &bytes(10), &with(&bytes(10), 10, b"x"))?;
            let page = page_size();
            for_each(
                [
                    (0..1, 4 * page, 2 * page + 5, 8),
                    (0..1, page, page, 1),
                    (0..1, 100, 3 * page, 2 * page),
                    (0..2, 2 * page, 2 * page - 4, 8),
                    // The last page that the bytes need is there, the first one is not; then all there is is a hole.
                    (1..2, 2 * page, page - 4, 8),
                    (0..0, page, 0, 5),
                ],
                |(there, size, offset, count)| {
                    say!(
                        "a full disk, and on it a file of {size} bytes, of which pages {there:?} have their place; \
                         {count} bytes to put at {offset}",
                        "磁盘已满，上面有一个 {size} 字节的文件，其中第 {there:?} 页占有空间；在 {offset} 处放入 {count} 字节"
                    )
                },
                |(there, size, offset, count)| {
                    let mut disk = match SmallDisk::new(16)? {
                        Ok(disk) => disk,
                        Err(reason) => {
                            eprintln!("skipped: {reason}");
                            return Ok(());
                        }
                    };
                    let mut before = bytes(there.end * page);
                    before[..there.start * page].fill(0);
                    disk.file.write_all_at(&before[there.start * page..], wide(there.start * page))?;
                    disk.file.set_len(wide(*size))?;
                    before.resize(*size, 0);
                    disk.fill()?;
                    let got =
                        answer(&disk.file, wide(*offset), &vec![b'!'; *count]).map_err(|failure| {
                            match failure.died_of() {
                                Some(Cause::NoPage) => failure.shows(&belief::SIZE_RESERVES_ROOM),
                                _ => failure,
                            }
                        })?;
                    let refused = got == Err("ENOSPC".to_owned());
                    hold(&got, &Err("ENOSPC".to_owned()), &disk.file, &before, &before)
                        .map_err(|failure| if refused { failure.shows(&belief::AN_ERROR_UNDOES) } else { failure })
                },
            )
        });
    }

    #[test]
    fn takes_no_more_room_than_it_needs() {
        let law = say!(
            "posix_fallocate(3) reserves the range that it is given; what is there already needs nothing",
            "posix_fallocate(3) 只为给定的范围预留空间；已经占有空间的页不再需要新空间"
        );
        check("ways_out", law, || {
            let (_folder, _, file) = file_with(&bytes(10))?;
            hold(&answer(&file, 9, b"x")?, &Ok(()), &file, &bytes(10), &with(&bytes(10), 9, b"x"))?;
            let (Ok(mut full), Ok(empty)) = (SmallDisk::new(16)?, SmallDisk::new(16)?) else {
                eprintln!("skipped: no small disk can be mounted here");
                return Ok(());
            };
            let before = bytes(2 * page_size());
            full.file.write_all_at(&before, 0)?;
            full.fill()?;
            let (offset, new) = (page_size() - 4, b"replaced");
            let got = answer(&full.file, wide(offset), new)?;
            hold(&got, &Ok(()), &full.file, &before, &with(&before, offset, new)).map_err(|failure| {
                failure.given(say!(
                    "a full disk, and bytes to put where the file has its pages",
                    "磁盘已满，放入的位置文件已有页"
                ))
            })?;
            let far = 1 << 40;
            let got = answer(&empty.file, far, b"far away")?;
            let mut read = [0; 8];
            let taken = empty.file.metadata()?.blocks() * 512;
            let size = empty.file.metadata()?.len();
            let there = empty.file.read_exact_at(&mut read, far).is_ok() && &read == b"far away";
            ensure(got.is_ok() && there && size == far + 8 && taken <= 2 * page_size_u64(), || {
                Failure::new(
                    say!(
                        "the bytes are there, and the gap before them takes no room",
                        "字节已放好，之前的空洞不占空间"
                    ),
                    say!(
                        "{got:?}; the size is {size}, and {taken} bytes are taken",
                        "{got:?}；大小为 {size}，占用 {taken} 字节"
                    ),
                )
                .given(say!(
                    "an empty file on a disk of 16 pages, 8 bytes to put at 2^40",
                    "16 页的磁盘上的空文件，在 2^40 处放入 8 字节"
                ))
            })
        });
    }

    #[test]
    fn goes_through_a_mapping_and_leaves_none() {
        let law = say!(
            "munmap(2): a mapping outlives the descriptor, and stays until somebody unmaps it",
            "munmap(2)：映射不随文件描述符关闭而消失，直到有人解除映射"
        );
        check("2:mapping", law, || {
            let (_folder, _, file) = file_with(&bytes(2 * page_size()))?;
            let new = vec![b'!'; page_size()];
            let ((got, moved), kept) =
                ask(|| counting(|| moved(|| super::put(&file, 100, &new).map_err(kind))))?.map_err(io::Error::other)?;
            hold(&got, &Ok(()), &file, &bytes(2 * page_size()), &with(&bytes(2 * page_size()), 100, &new))?;
            let written = moved.map_or(0, |moved| moved.written);
            // Where a file system can't reserve blocks, posix_fallocate(3) writes a byte to each instead.
            ensure(written < wide(new.len()), || {
                let count = new.len();
                Failure::new(
                    say!("the {count} bytes do not go through write(2)", "这 {count} 字节不经过 write(2)"),
                    say!("{written} bytes went through it", "有 {written} 字节经过了它"),
                )
            })?;
            nothing_left(kept)
        });
    }
}

mod zeros_over {
    use super::*;

    /// Three pages of a file, and in the second of them the byte that is named.
    fn mapped(file: &File) -> Result<Mapping, Errno> {
        Mapping::of_file(file, 0, 3 * page_size(), READ_WRITE, Sharing::Shared)
    }

    #[test]
    fn replaces_the_page_and_no_other() {
        let law = say!(
            "mmap(2): MAP_FIXED replaces what is mapped at that address, which is a multiple of the page size",
            "mmap(2)：MAP_FIXED 替换该地址上原有的映射，地址必须是页大小的整数倍"
        );
        check("guarded", law, || {
            let page = page_size();
            for_each(
                [page, page + 1, page + 77, 2 * page - 1],
                |at| say!("the byte at {at} of a mapping of three pages", "三页映射中第 {at} 字节处的地址"),
                |&at| {
                    let before = bytes(3 * page);
                    let (_folder, path, file) = file_with(&before)?;
                    let (done, shown) = ask(|| -> Result<_, String> {
                        let mapping = mapped(&file).map_err(text)?;
                        // SAFETY: the page is in our mapping, which hands out no reference to its bytes.
                        let done = unsafe { super::zeros_over(mapping.address() + at) };
                        let mut shown = vec![0; 3 * page];
                        mapping.read(0, &mut shown);
                        // To whom does what is stored there go?
                        (0..3).for_each(|n| mapping.store(n * page + 9, b'!'));
                        Ok((done.map_err(|errno| kind(errno.into())), shown))
                    })?
                    .map_err(io::Error::other)?;
                    ensure(done.is_ok(), || Failure::new(say!("Ok", "Ok"), say!("{done:?}", "{done:?}")))?;
                    let mut wanted = before.clone();
                    wanted[page..2 * page].fill(0);
                    if let Some(n) = first_difference(&shown, &wanted) {
                        let failure = Failure::new(
                            say!("byte {n} of the mapping is {:#04x}", "映射的第 {n} 字节是 {:#04x}", wanted[n]),
                            say!("it is {:#04x}", "实际是 {:#04x}", shown[n]),
                        );
                        // Nothing has changed: the page of zeros is somewhere else.
                        let elsewhere = shown == before;
                        return Err(if elsewhere { failure.shows(&belief::ADDRESS_IS_AN_ORDER) } else { failure });
                    }
                    let mut stored = before.clone();
                    [9, 2 * page + 9].into_iter().for_each(|n| stored[n] = b'!');
                    let after = fs::read(&path)?;
                    ensure(after == stored, || {
                        let at = first_difference(&after, &stored).unwrap_or(0);
                        Failure::new(
                            say!(
                                "stores reach the file from the pages beside it, and not from the page of zeros",
                                "写相邻两页会进入文件，写这个零页不会"
                            ),
                            say!("the file differs from that at byte {at}", "文件在第 {at} 字节处与此不符"),
                        )
                    })
                },
            )
        });
    }

    #[test]
    fn helps_where_the_file_has_no_page() {
        let law = say!(
            "POSIX, mmap(): whole pages behind the end of the object are SIGBUS, for loads and for stores",
            "POSIX mmap()：对象末尾之后的整页，无论读写都触发 SIGBUS"
        );
        check("deaths", law, || {
            for_each(
                [0, 1, page_size()],
                |size| {
                    say!("a file of {size} bytes, and its page 1 of three", "{size} 字节的文件，三页映射中的第 1 页")
                },
                |&size| {
                    let (_folder, _, file) = file_with(&bytes(size))?;
                    let (done, shown, kind) = ask(|| -> Result<_, String> {
                        let mapping = mapped(&file).map_err(text)?;
                        // SAFETY: the page is in our mapping, which hands out no reference to its bytes.
                        let done = unsafe { super::zeros_over(mapping.address() + page_size() + 3) };
                        let there = mapping.address() + page_size();
                        let kind = maps_of(there..there + 1).map_err(text)?.first().map(|area| area.permissions());
                        Ok((done.map_err(text), done.is_ok().then(|| mapping.load(page_size() + 3)), kind))
                    })?
                    .map_err(io::Error::other)?;
                    ensure((&done, shown) == (&Ok(()), Some(0)), || {
                        Failure::new(
                            say!("a load gives 0", "读出 0"),
                            say!("{done:?}, {shown:?}", "{done:?}，{shown:?}"),
                        )
                    })?;
                    ensure(kind.as_deref() == Some("rw-p"), || {
                        Failure::new(
                            say!("the page is private, to read and to write: rw-p", "该页私有、可读可写：rw-p"),
                            say!("/proc/self/maps has {kind:?}", "/proc/self/maps 里是 {kind:?}"),
                        )
                    })?;
                    let now = file.metadata()?.len();
                    ensure(now == wide(size), || {
                        Failure::new(
                            say!("the file still has {size} bytes", "文件仍是 {size} 字节"),
                            say!("it has {now}", "变成了 {now} 字节"),
                        )
                    })
                },
            )
        });
    }

    #[test]
    fn is_one_call_of_mmap() {
        let law = say!(
            "mmap(2): with MAP_FIXED the old pages go in the same call; between munmap(2) and mmap(2) another thread \
             may take the addresses",
            "mmap(2)：带 MAP_FIXED 时旧页在同一次调用中被替换；先 munmap(2) 再 mmap(2)，中间地址可能被别的线程占走"
        );
        check("guarded", law, || {
            let (_folder, _, file) = file_with(&bytes(3 * page_size()))?;
            let calls = calls_of(
                || mapped(&file).map_err(io::Error::from),
                |mapping| {
                    let address = mapping.address() + page_size();
                    // To unmap it would be one more call.
                    std::mem::forget(mapping);
                    // SAFETY: the page is in a mapping of ours, to which nobody refers any more.
                    unsafe { super::zeros_over(address) }.map_err(text)
                },
            )?;
            let numbers: Vec<i64> = calls.iter().map(|call| call.number).collect();
            ensure(numbers == [libc::SYS_mmap], || {
                let failure = Failure::new(
                    say!("one system call: mmap (number {})", "只有一次系统调用：mmap（编号 {}）", libc::SYS_mmap),
                    say!("calls with the numbers {numbers:?}", "调用编号依次为 {numbers:?}"),
                );
                if numbers.contains(&libc::SYS_munmap) {
                    failure.shows(&belief::ADDRESSES_WAIT_FOR_ME)
                } else if numbers.contains(&libc::SYS_write) {
                    failure.shows(&belief::HANDLER_IS_LIKE_ANY_FUNCTION)
                } else {
                    failure
                }
            })
        });
    }
}

mod survive {
    use super::*;

    /// What a body does with a byte of the mapping.
    #[derive(Debug, Clone, Copy)]
    enum Touch {
        /// Loads it, right after write(2) has put a new value there if the file has that byte.
        Load(usize),
        /// Stores a new value, and looks whether the file has it, or the mapping where the file ends before.
        Store(usize),
    }

    impl Touch {
        fn at(self) -> usize {
            match self {
                Touch::Load(at) | Touch::Store(at) => at,
            }
        }
    }

    #[derive(Debug, Clone)]
    struct Game {
        size: usize,
        length: usize,
        touches: Vec<Touch>,
        blocked: bool,
    }

    impl Game {
        fn in_words(&self) -> Words {
            let Game { size, length, touches, blocked } = self;
            let (en, zh) = if *blocked { (", with SIGBUS blocked", "，SIGBUS 被阻塞") } else { ("", "") };
            say!(
                "a file of {size} bytes, {length} bytes mapped, {touches:?}{en}",
                "{size} 字节的文件，映射 {length} 字节，依次访问 {touches:?}{zh}"
            )
        }

        /// Plays it in this process: the answer, and what the body saw.
        fn play(&self, file: &File) -> Result<(String, Vec<u8>), String> {
            if self.blocked {
                SigSet::from(Signal::SIGBUS).thread_block().map_err(text)?;
            }
            let mut seen = Vec::new();
            let answer = super::survive(file, self.length, |mapping| {
                seen = self.touch(mapping, file);
                "the body's answer"
            });
            Ok((format!("{answer:?}"), seen))
        }

        /// The touches, and what they show.
        fn touch(&self, mapping: &Mapping, file: &File) -> Vec<u8> {
            let seen = (1..).zip(&self.touches).map(|(value, touch)| {
                let (at, in_file) = (touch.at(), touch.at() < self.size);
                let byte = match touch {
                    Touch::Load(_) if in_file => file.write_all_at(&[value], wide(at)).map(|()| mapping.load(at)),
                    Touch::Load(_) => Ok(mapping.load(at)),
                    Touch::Store(_) => {
                        mapping.store(at, value);
                        let mut byte = [mapping.load(at)];
                        if in_file { file.read_exact_at(&mut byte, wide(at)).map(|()| byte[0]) } else { Ok(byte[0]) }
                    }
                };
                byte.unwrap_or(u8::MAX)
            });
            seen.collect()
        }

        /// What is right: the answer, what the body sees, and what the file has afterwards.
        fn expected(&self) -> (String, Vec<u8>, Vec<u8>) {
            let Game { size, length, touches, .. } = self;
            let missed = touches.iter().find(|touch| rule(wide(*size), 0, *length, touch.at()) == Some(Cause::NoPage));
            let answer = match missed {
                Some(touch) => format!("Err(Page({}))", touch.at() / page_size()),
                None => "Ok(\"the body's answer\")".to_owned(),
            };
            let (mut file, mut behind) = (bytes(*size), std::collections::BTreeMap::new());
            let mut seen = Vec::new();
            for (value, touch) in (1..).zip(touches) {
                match (touch, file.get_mut(touch.at())) {
                    (_, Some(byte)) => *byte = value,
                    (Touch::Store(at), None) => _ = behind.insert(at, value),
                    (Touch::Load(_), None) => {}
                }
                let at = touch.at();
                seen.push(file.get(at).copied().unwrap_or_else(|| behind.get(&at).copied().unwrap_or(0)));
            }
            (answer, seen, file)
        }
    }

    fn games() -> impl Strategy<Value = Game> {
        let touches = proptest::collection::vec((near_edges(), any::<bool>()), 1..5);
        (near_edges(), near_edges(), touches, any::<bool>()).prop_map(|(size, length, touches, blocked)| {
            let length = length.max(1);
            let mapped = length.next_multiple_of(page_size());
            let touch = |(at, store): (usize, bool)| {
                if store { Touch::Store(at % mapped) } else { Touch::Load(at % mapped) }
            };
            Game { size, length, touches: touches.into_iter().map(touch).collect(), blocked }
        })
    }

    /// How it died tells what it relied on: a SIGBUS that is ignored or blocked kills without asking the handler which
    /// writes down the fault, and a panic that leaves a handler is SIGABRT.
    fn and_why(failure: Failure) -> Failure {
        match (failure.died_of(), failure.signal.as_deref()) {
            (Some(Cause::NoPage), _) => failure.shows(&belief::FAULT_CAN_BE_CAUGHT),
            (None, Some("SIGBUS")) => failure.shows(&belief::SIGBUS_CAN_BE_IGNORED),
            (None, Some("SIGABRT")) => failure.shows(&belief::HANDLER_IS_LIKE_ANY_FUNCTION),
            _ => failure,
        }
    }

    #[test]
    fn answers_or_names_the_first_page_that_was_missed() {
        let law = say!(
            "sigaction(2): the handler of a fault gets si_addr; when it returns, the same instruction runs again",
            "sigaction(2)：访问出错时，处理函数能从 si_addr 得到地址；处理函数返回后，同一条指令重新执行"
        );
        check("guarded", law, || {
            let page = page_size();
            let test = |game: &Game| {
                let (_folder, path, file) = file_with(&bytes(game.size))?;
                let (got, saw) = ask(|| game.play(&file)).map_err(and_why)?.map_err(io::Error::other)?;
                let (answer, seen, content) = game.expected();
                ensure(got == answer, || Failure::new(say!("{answer}", "{answer}"), say!("{got}", "{got}")))?;
                ensure(saw == seen, || {
                    Failure::new(
                        say!("its body sees {seen:?}", "body 依次看到 {seen:?}"),
                        say!("it saw {saw:?}", "实际看到 {saw:?}"),
                    )
                })?;
                let after = fs::read(&path)?;
                ensure(after == content, || {
                    let (had, has) = (content.len(), after.len());
                    Failure::new(
                        say!(
                            "{had} bytes in the file, changed by the stores alone",
                            "文件有 {had} 字节，只有这些写入改动了它"
                        ),
                        say!(
                            "it has {has} bytes, and the first that differs is {:?}",
                            "文件有 {has} 字节，第一个不符的字节位于 {:?}",
                            first_difference(&after, &content)
                        ),
                    )
                })
            };
            let game =
                |size, length, touches: &[Touch]| Game { size, length, touches: touches.to_vec(), blocked: false };
            let edges = [
                game(page, page, &[Touch::Load(0), Touch::Store(page - 1)]),
                game(0, 1, &[Touch::Load(0)]),
                game(10, page, &[Touch::Store(page - 1), Touch::Load(page - 1)]),
                game(10, 3 * page, &[Touch::Store(2 * page + 5), Touch::Load(page), Touch::Store(9), Touch::Load(0)]),
                // No touch finds its page missing, though the mapping is longer than the file.
                game(1, 3 * page, &[Touch::Load(0), Touch::Load(page - 1)]),
                Game { blocked: true, ..game(page + 1, 2 * page + 1, &[Touch::Load(page), Touch::Load(2 * page)]) },
            ];
            for_each(edges, Game::in_words, test)?;
            for_all(games(), Game::in_words, test)
        });
    }

    /// What happens while the body runs.
    #[derive(Debug, Clone, Copy)]
    enum Step {
        /// The body loads this byte.
        Load(usize),
        /// Another process gives the file this size, with its bytes.
        Size(usize),
    }

    #[test]
    fn notices_a_page_that_was_gone_for_a_moment() {
        let law = say!(
            "the size counts at the moment of the touch: fstat(2) before or after it tells of another moment",
            "决定一次访问成败的是那一刻的文件大小：之前或之后的 fstat(2) 说的都是别的时刻"
        );
        check("deaths", law, || {
            use Step::{Load, Size};
            let page = page_size();
            let two = 2 * page;
            let there = |at: usize| bytes(two)[at];
            let missed = |page: usize| format!("Err(Page({page}))");
            let cases: [(usize, &[Step], String); 6] = [
                (two, &[Load(0), Size(0), Load(page), Size(two), Load(0)], missed(1)),
                (two, &[Load(page), Size(page), Load(page), Size(two)], missed(1)),
                (two, &[Size(0), Load(page + 7), Load(0), Size(two)], missed(1)),
                (two, &[Load(page), Size(0), Size(two), Load(page)], format!("Ok({:?})", [there(page); 2])),
                (0, &[Size(two), Load(page), Load(0), Size(0)], format!("Ok({:?})", [there(page), there(0)])),
                (two, &[Load(page), Size(page), Load(0)], format!("Ok({:?})", [there(page), there(0)])),
            ];
            for_each(
                cases,
                |(size, steps, _)| {
                    say!(
                        "a file of {size} bytes, {two} bytes mapped; the body's loads, and the sizes that another \
                         process gives the file meanwhile: {steps:?}",
                        "{size} 字节的文件，映射 {two} 字节；body 的读取与另一进程同时设置的文件大小依次为：{steps:?}"
                    )
                },
                |(size, steps, expected)| {
                    let (_folder, _, file) = file_with(&bytes(*size))?;
                    let mut player = start(|line| {
                        let body = |mapping: &Mapping| -> io::Result<Vec<u8>> {
                            let mut seen = Vec::new();
                            for step in *steps {
                                match step {
                                    Load(at) => seen.push(mapping.load(*at)),
                                    Size(_) => {
                                        line.give_turn()?;
                                        line.await_turn()?;
                                    }
                                }
                            }
                            Ok(seen)
                        };
                        let answer = match super::survive(&file, two, body) {
                            Ok(seen) => format!("Ok({:?})", seen.map_err(text)?),
                            Err(missed) => format!("Err({missed:?})"),
                        };
                        line.send(answer.as_bytes()).map_err(text)
                    })?;
                    let why = |failure: Failure| match failure.died_of() {
                        Some(Cause::NoPage) => failure.shows(&belief::SIZE_COUNTS_WHEN_MAPPED),
                        _ => failure,
                    };
                    for step in *steps {
                        if let Size(size) = step {
                            let message = player.receive().map_err(why)?;
                            if message != b"." {
                                let got = String::from_utf8_lossy(&message).into_owned();
                                return Err(Failure::new(
                                    say!("{expected}", "{expected}"),
                                    say!("{got}, and the body did not run to its end", "{got}，而且 body 没有执行完"),
                                ));
                            }
                            file.set_len(wide(*size))?;
                            file.write_all_at(&bytes(*size), 0)?;
                            player.give_turn()?;
                        }
                    }
                    let got = String::from_utf8_lossy(&player.receive().map_err(why)?).into_owned();
                    player.end()?;
                    ensure(got == *expected, || {
                        let failure = Failure::new(say!("{expected}", "{expected}"), say!("{got}", "{got}"));
                        // Where a page was missed and is back, an Ok has zeros in it.
                        if expected.starts_with("Err") && got.starts_with("Ok") {
                            failure.shows(&belief::SIZE_AFTERWARDS_TELLS)
                        } else {
                            failure
                        }
                    })
                },
            )?;
            // And at every moment: the file is gone before every other instruction, then before those in between.
            for_each(
                [0, 1],
                |parity| {
                    let (en, zh) = if *parity == 0 { ("even", "偶数") } else { ("odd", "奇数") };
                    say!(
                        "a file of a page that is truncated to 0 bytes before each instruction with an {en} number, \
                         and has its page again before the next one",
                        "一页大小的文件，在每条编号为{zh}的指令之前被截断为 0 字节，在下一条指令之前又恢复"
                    )
                },
                |parity| flicker(*parity),
            )
        });
    }

    /// Runs it one instruction at a time on a file that comes and goes. Whatever the moment: it says that a page was
    /// missed, or gives the file's bytes, never zeros.
    fn flicker(parity: u64) -> Result<(), Failure> {
        let page = page_size();
        let content = bytes(page);
        let (_folder, _, file) = file_with(&content)?;
        // What came of it, from another process: how it ended, and the bytes it had.
        let came = Mapping::anonymous(3, READ_WRITE, Sharing::Shared)?;
        let (missed, had, other) = (1, 2, 3);
        let act = |()| {
            match super::survive(&file, page, |mapping| [mapping.load(0), mapping.load(page - 1)]) {
                Ok(seen) => {
                    came.store(0, had);
                    came.write(1, &seen);
                }
                Err(error) => came.store(0, if format!("{error:?}") == "Page(0)" { missed } else { other }),
            }
            Ok(())
        };
        let stepped = after_each_instruction(
            || Ok(()),
            act,
            |step| {
                // Not for ever: who waits for the page gets it in the end.
                if step % 2 == parity && step < 50_000 {
                    file.set_len(0)?;
                } else {
                    file.write_all_at(&content, 0)?;
                }
                Ok(())
            },
        )?;
        if stepped.is_none() {
            eprintln!("skipped: this machine can't go in single steps");
            return Ok(());
        }
        let mut seen = [0; 2];
        came.read(1, &mut seen);
        let right = [content[0], content[page - 1]];
        let expected = say!("Err(Page(0)), or the bytes {right:?}", "Err(Page(0))，或者字节 {right:?}");
        match came.load(0) {
            came if came == missed || came == had && seen == right => Ok(()),
            came if came == had => {
                let failure = Failure::new(expected, say!("Ok with the bytes {seen:?}", "Ok，字节为 {seen:?}"));
                Err(failure.shows(&belief::SIZE_AFTERWARDS_TELLS))
            }
            _ => Err(Failure::new(expected, say!("another error", "别的错误"))),
        }
    }

    /// The descriptor of a file that [`make_longer`] makes longer.
    static SHORT: AtomicI32 = AtomicI32::new(-1);

    /// A handler of the check's own: makes a page of a file, so that the touch which called it can go on.
    extern "C" fn make_longer(_: i32) {
        // SAFETY: ftruncate(2) is async-signal-safe and touches no memory of ours.
        unsafe { libc::ftruncate(SHORT.load(Ordering::Relaxed), 1) };
    }

    /// Sets the action for SIGBUS to a handler without SA_SIGINFO, to SIG_IGN or to SIG_DFL.
    fn set_action(handler: libc::sighandler_t) {
        // SAFETY: whoever calls it passes `make_longer`, which does only what is async-signal-safe, or no handler at
        // all.
        unsafe { libc::signal(libc::SIGBUS, handler) };
    }

    /// A SIGBUS that has nothing to do with the mapping.
    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Other {
        Touch,
        Sent,
        SentWithAddress,
        TouchWithHandler,
        SentAndIgnored,
    }

    /// The beginning of a siginfo_t as the kernel lays it out, with room for the rest.
    #[repr(C)]
    struct Sent {
        signal: i32,
        errno: i32,
        code: i32,
        address: usize,
        rest: [usize; 16],
    }

    /// Sends this thread a SIGBUS as sigqueue(3) does, in whose siginfo there is an address: where the kernel would put
    /// it for a fault, a sender may put what he likes. Only si_code tells the two apart.
    fn send_with(address: usize) {
        let info = Sent { signal: libc::SIGBUS, errno: 0, code: libc::SI_QUEUE, address, rest: [0; 16] };
        let (process, thread) = (nix::unistd::getpid().as_raw(), nix::unistd::gettid().as_raw());
        // SAFETY: the kernel reads as many bytes as a siginfo_t has (128), and `info` has more.
        unsafe { libc::syscall(libc::SYS_rt_tgsigqueueinfo, process, thread, libc::SIGBUS, &raw const info) };
    }

    impl Other {
        fn in_words(&self) -> Words {
            match self {
                Other::Touch => say!(
                    "the body touches another mapping, where its file has no page",
                    "body 访问另一个映射，而那里的文件没有对应的页"
                ),
                Other::Sent => say!("somebody sends the process a SIGBUS", "有人向进程发送 SIGBUS"),
                Other::SentWithAddress => say!(
                    "somebody sends the process a SIGBUS (sigqueue(3)) with an address of the mapping in its siginfo",
                    "有人用 sigqueue(3) 向进程发送 SIGBUS，其 siginfo 里恰有该映射中的一个地址"
                ),
                Other::TouchWithHandler => say!(
                    "the body touches another mapping, for which the program has set a handler before",
                    "body 访问另一个映射，而程序此前已为此设置了处理函数"
                ),
                Other::SentAndIgnored => {
                    say!("somebody sends a SIGBUS to a process that ignores it", "有人向忽略 SIGBUS 的进程发送 SIGBUS")
                }
            }
        }

        fn happen(self, mapping: &Mapping, other: &Mapping) {
            match self {
                Other::SentWithAddress => send_with(mapping.address()),
                Other::Touch | Other::TouchWithHandler => _ = other.load(0),
                // SAFETY: raise(3) touches no memory of ours.
                Other::Sent | Other::SentAndIgnored => _ = unsafe { libc::raise(libc::SIGBUS) },
            }
        }
    }

    /// How far a body came that misses a page of its own and then meets a SIGBUS of another kind.
    const SURVIVED_ITS_OWN: u8 = 1;
    const CAME_TO_ITS_END: u8 = 2;

    /// Where the action from before lets the process live: with a handler that helps, or where SIGBUS is ignored.
    fn lives(got: &str, reached: u8, handled: bool) -> Result<(), Failure> {
        ensure(got == "Err(Page(0))" && reached == CAME_TO_ITS_END && handled, || {
            let ended = reached == CAME_TO_ITS_END;
            Failure::new(
                say!(
                    "the action from before is in force, the body goes on, and the answer is Err(Page(0))",
                    "先前的处置方式照常生效，body 继续执行，得到 Err(Page(0))"
                ),
                say!(
                    "{got}; the action from before was in force: {handled}; the body came to its end: {ended}",
                    "{got}；先前的处置方式是否生效：{handled}；body 是否执行完：{ended}"
                ),
            )
        })
    }

    /// Where the action from before is to die.
    fn dies(answered: Result<String, Failure>, reached: u8) -> Result<(), Failure> {
        match answered {
            Err(failure) if reached == SURVIVED_ITS_OWN && failure.signal.as_deref() == Some("SIGBUS") => Ok(()),
            Err(failure) => Err(failure),
            Ok(got) => {
                let ended = reached == CAME_TO_ITS_END;
                let lived = Failure::new(
                    say!(
                        "SIGBUS kills the process, as it does without `survive`",
                        "进程被 SIGBUS 杀死，与没有 `survive` 时一样"
                    ),
                    say!(
                        "the process lived on, and the answer was {got}; the body came to its end: {ended}",
                        "进程继续运行，得到 {got}；body 是否执行完：{ended}"
                    ),
                );
                Err(if ended { lived.shows(&belief::HANDLER_IS_FOR_ONE_MAPPING) } else { lived })
            }
        }
    }

    #[test]
    fn leaves_every_other_bus_error_to_the_action_from_before() {
        let law = say!(
            "signal(7): the action for a signal belongs to the whole process, not to a mapping",
            "signal(7)：信号的处置方式属于整个进程，不属于某个映射"
        );
        check("guarded", law, || {
            use Other::{Sent, SentAndIgnored, SentWithAddress, Touch, TouchWithHandler};
            let all = [Touch, Sent, SentWithAddress, TouchWithHandler, SentAndIgnored];
            for_each(all, Other::in_words, |&what| {
                let (_folder, _, file) = file_with(b"")?;
                let (_other_folder, _, other_file) = file_with(b"")?;
                let other = Mapping::of_file(&other_file, 0, 1, READ_WRITE, Sharing::Shared)?;
                // Where the child writes down how far it came: what it has in memory of its own dies with it.
                let reached = Mapping::anonymous(1, READ_WRITE, Sharing::Shared)?;
                let answered = ask(|| {
                    SHORT.store(other_file.as_raw_fd(), Ordering::Relaxed);
                    match what {
                        Other::Touch | Other::Sent | Other::SentWithAddress => set_action(libc::SIG_DFL),
                        Other::TouchWithHandler => set_action(make_longer as *const () as libc::sighandler_t),
                        Other::SentAndIgnored => set_action(libc::SIG_IGN),
                    }
                    let answer = super::survive(&file, 1, |mapping| {
                        mapping.load(0);
                        reached.store(0, SURVIVED_ITS_OWN);
                        what.happen(mapping, &other);
                        reached.store(0, CAME_TO_ITS_END);
                    });
                    format!("{answer:?}")
                });
                let reached = reached.load(0);
                let answered = answered.map_err(|failure| match reached {
                    0 => failure.given(say!(
                        "the body's first touch, of a page of its own mapping that the file has not got",
                        "body 的第一次访问：它自己的映射中，文件没有的那一页"
                    )),
                    _ => failure,
                });
                match what {
                    Other::Touch | Other::Sent | Other::SentWithAddress => dies(answered, reached),
                    Other::TouchWithHandler => lives(&answered?, reached, other_file.metadata()?.len() == 1),
                    Other::SentAndIgnored => lives(&answered?, reached, true),
                }
            })
        });
    }

    #[test]
    fn lets_only_one_run_at_a_time() {
        let law = say!(
            "what a handler knows is static: two that run at once would share it",
            "处理函数能用的状态都是静态的：两个同时运行就会共用它"
        );
        check("guarded", law, || {
            let (_folder, _, file) = file_with(&bytes(10))?;
            let two = 2 * page_size();
            let (outer, inner, ran, next) = ask(|| {
                let (mut inner, mut ran) = (String::new(), false);
                let outer = super::survive(&file, two, |mapping| {
                    let answer = super::survive(&file, two, |_| ran = true);
                    inner = format!("{answer:?}");
                    mapping.load(page_size())
                });
                let next = super::survive(&file, two, |mapping| mapping.load(9));
                (format!("{outer:?}"), inner, ran, format!("{next:?}"))
            })
            .map_err(|failure| {
                and_why(failure)
                    .given(say!("a `survive` in the body of another", "在一个 `survive` 的 body 里再调用 `survive`"))
            })?;
            let expected = ("Err(Page(1))", "Err(Call(EBUSY))", false, "Ok(10)");
            ensure((outer.as_str(), inner.as_str(), ran, next.as_str()) == expected, || {
                Failure::new(
                    say!(
                        "Err(Page(1)) outside, Err(Call(EBUSY)) inside without running its body, then Ok(10)",
                        "外层 Err(Page(1))，内层 Err(Call(EBUSY)) 且不运行其 body，随后再调用得到 Ok(10)"
                    ),
                    say!(
                        "{outer} outside, {inner} inside (its body ran: {ran}), then {next}",
                        "外层 {outer}，内层 {inner}（其 body 是否运行：{ran}），随后 {next}"
                    ),
                )
            })
        });
    }

    /// How a call of `survive` ends.
    #[derive(Debug, Clone, Copy)]
    enum End {
        Answer,
        Missed,
        Panic,
        MissedAndPanic,
        Refused,
    }

    impl End {
        fn in_words(&self) -> Words {
            let first = match self {
                End::Answer => {
                    say!("a body that misses no page; SIGBUS is blocked", "body 访问的页都在；SIGBUS 被阻塞")
                }
                End::Missed => say!("a body that misses pages", "body 访问了不存在的页"),
                End::Panic => say!("a body that panics; SIGBUS is blocked", "body 发生 panic；SIGBUS 被阻塞"),
                End::MissedAndPanic => {
                    say!("a body that misses a page and panics", "body 访问不存在的页之后发生 panic")
                }
                End::Refused => say!("a length of 0; SIGBUS is blocked", "长度为 0；SIGBUS 被阻塞"),
            };
            let Words { en, zh } = first;
            say!(
                "{en}; then a second call, with a body that misses pages",
                "{zh}；随后第二次调用，body 访问了不存在的页"
            )
        }

        /// Whether it is tried with SIGBUS blocked: where no page is missed, so that this is about the mask alone.
        fn blocks(self) -> bool {
            matches!(self, End::Answer | End::Panic | End::Refused)
        }

        /// What comes of it, as text.
        fn reach(self, file: &File) -> String {
            let page = page_size();
            let length = if matches!(self, End::Refused) { 0 } else { 4 * page };
            // No text of a panic: that would be taken for the check's.
            let panic = || resume_unwind(Box::new(TheBodys));
            let call = || {
                super::survive(file, length, |mapping| match self {
                    End::Answer | End::Refused => mapping.load(0),
                    End::Missed => mapping.load(3 * page).wrapping_add(mapping.load(page)),
                    End::Panic => panic(),
                    End::MissedAndPanic => {
                        mapping.load(2 * page);
                        panic()
                    }
                })
            };
            match catch_unwind(AssertUnwindSafe(call)) {
                Ok(answer) => format!("{answer:?}"),
                // The body's own panic has gone through; any other one is the answer's.
                Err(panic) if panic.is::<TheBodys>() => "the body's panic".to_owned(),
                Err(panic) => resume_unwind(panic),
            }
        }
    }

    /// What the body panics with, and nobody else.
    struct TheBodys;

    /// The action for SIGBUS: the handler's address and its flags.
    fn action() -> io::Result<(usize, i32)> {
        let mut action = MaybeUninit::<libc::sigaction>::uninit();
        // SAFETY: sets nothing, and writes what is set into `action`.
        Errno::result(unsafe { libc::sigaction(libc::SIGBUS, std::ptr::null(), action.as_mut_ptr()) })?;
        // SAFETY: filled in by the call, which has succeeded.
        let action = unsafe { action.assume_init() };
        Ok((action.sa_sigaction, action.sa_flags))
    }

    #[test]
    fn leaves_the_process_as_it_was() {
        let law = say!(
            "sigaction(2), pthread_sigmask(3) and munmap(2): what a function sets it puts back, also in a panic",
            "sigaction(2)、pthread_sigmask(3)、munmap(2)：函数设置过的要恢复原样，panic 经过时也不例外"
        );
        check("2:mapping", law, || {
            let all = [End::Answer, End::Missed, End::Panic, End::MissedAndPanic, End::Refused];
            for_each(all, End::in_words, |&end| {
                let (_folder, _, file) = file_with(&bytes(10))?;
                let (got, same, kept, next) = ask(|| -> Result<_, String> {
                    let sigbus = SigSet::from(Signal::SIGBUS);
                    SigSet::from(Signal::SIGUSR1).thread_block().map_err(text)?;
                    if end.blocks() {
                        sigbus.thread_block().map_err(text)?;
                    }
                    let before = (action().map_err(text)?, SigSet::thread_get_mask().map_err(text)?);
                    let (got, kept) = counting(|| end.reach(&file))?;
                    let after = (action().map_err(text)?, SigSet::thread_get_mask().map_err(text)?);
                    sigbus.thread_unblock().map_err(text)?;
                    let next = End::Missed.reach(&file);
                    Ok((got, [before.0 == after.0, before.1 == after.1], kept, next))
                })
                .map_err(and_why)?
                .map_err(io::Error::other)?;
                let expected = match end {
                    End::Answer => "Ok(1)",
                    End::Missed => "Err(Page(3))",
                    End::Panic | End::MissedAndPanic => "the body's panic",
                    End::Refused => "Err(Call(EINVAL))",
                };
                ensure(got == expected, || Failure::new(say!("{expected}", "{expected}"), say!("{got}", "{got}")))?;
                // Where the same without a panic was right, it is the panic that did it.
                let by_panic = |failure: Failure| match end {
                    End::Panic | End::MissedAndPanic => failure.shows(&belief::WHAT_FOLLOWS_ALWAYS_RUNS),
                    _ => failure,
                };
                let [action, mask] = same;
                ensure(action, || {
                    Failure::new(
                        say!("the action for SIGBUS is the one from before", "SIGBUS 的处置方式与之前相同"),
                        say!("it is another one", "它变了"),
                    )
                })
                .map_err(by_panic)?;
                ensure(mask, || {
                    Failure::new(
                        say!("the thread's signal mask is the one from before", "线程的信号掩码与之前相同"),
                        say!("it is another one", "它变了"),
                    )
                })
                .map_err(by_panic)?;
                nothing_left(kept).map_err(by_panic)?;
                ensure(next == "Err(Page(3))", || {
                    Failure::new(
                        say!("the next `survive` names page 3", "下一次 `survive` 给出第 3 页"),
                        say!("{next}", "{next}"),
                    )
                })
                .map_err(by_panic)
            })
        });
    }
}
