use super::*;

/// The same in memory.
fn reference(bytes: &[u8], byte: u8) -> u64 {
    wide(bytes.iter().filter(|other| **other == byte).count())
}

fn describe(bytes: &[u8], byte: u8) -> Text {
    let Text { en, zh } = bytes_in_words(bytes.len());
    let (bytes, byte) = (shown(bytes), shown(&[byte]));
    text!("a file of {bytes} ({en}), count {byte}", "文件内容为 {bytes}（{zh}），数 {byte}")
}

fn counted(file: impl FnOnce() -> Scripted, bytes: &[u8], byte: u8) -> Result<Seen, Failure> {
    on(file, bytes, |file| super::count_byte(file, byte))
}

/// Whether it counts in a file that is larger than one buffer. Where it doesn't, the check of that says so.
fn counts() -> Result<bool, Failure> {
    let bytes = vec![b'a'; 1_200 * KIB + 7];
    let seen = counted(|| Scripted::new(&bytes, &[], None), &bytes, b'a');
    knows_the_basics(seen.and_then(|seen| compare(&seen, wide(bytes.len()))))
}

/// Sizes that no size of a chunk divides evenly all of, with the byte everywhere, or only at the end, or nowhere.
fn files() -> impl Iterator<Item = (Vec<u8>, u8)> {
    let sizes = [0, 1, 3, 5_000, 16_383, 16_384, 16_385, 65_535, 65_536, 65_537, 140_000, 1_200 * KIB + 7];
    sizes.into_iter().flat_map(|size| {
        let full = vec![b'a'; size];
        let mut last = vec![b'.'; size];
        last[size.saturating_sub(1)..].fill(b'a');
        // A buffer is longer than the file, or than its rest: what else is in it may be zeros, or bytes of the file.
        [(full.clone(), b'a'), (full, 0), (last, b'a')]
    })
}

fn contents_and_byte() -> impl Strategy<Value = (Vec<u8>, u8)> {
    let byte = prop_oneof![Just(0), Just(b'a'), Just(b'\n'), Just(0xff)];
    (prop::collection::vec(byte.clone(), 0..60), byte)
}

#[test]
fn counts_every_byte_once() {
    let rule = text!(
        "pread(2) returns how many bytes of the buffer are the file's, and the next ones follow at the offset after them.",
        "pread(2) 的返回值说明缓冲区里有多少字节来自文件；接下来的内容，从它们之后的偏移量读起。"
    );
    check("loops", rule, || {
        for_each(
            files().chain((0..=255).map(|byte| ((0..=255).collect(), byte))).chain([(b"\xef\xbb\xbf.".into(), 0xef)]),
            |(bytes, byte)| describe(bytes, *byte),
            |(bytes, byte)| {
                let seen = counted(|| Scripted::new(bytes, &[], None), bytes, *byte)?;
                compare(&seen, reference(bytes, *byte))
            },
        )?;
        for_all(
            contents_and_byte(),
            |(bytes, byte)| describe(bytes, *byte),
            |(bytes, byte)| {
                let seen = counted(|| Scripted::new(bytes, &[], None), bytes, *byte)?;
                compare(&seen, reference(bytes, *byte))
            },
        )?;
        // The same file may have other bytes at the next call, or the call before may have failed.
        let file = unnamed_file(b"banana")?;
        let [first, failed, second] = ask(|| {
            let count = |file: &dyn Calls| super::count_byte(file, b'a').map_err(kind);
            let fails = Scripted::new(&[b'a'; 600 * KIB], &[], None);
            fails.failing.after.set(Some((1, Errno::EIO)));
            let (first, failed) = (count(&file), count(&fails));
            [first, failed, file.write_all_at(b"orange", 0).map_err(kind).and_then(|()| count(&file))]
        })?;
        returns(&first, 3).map_err(|failure| failure.given(describe(b"banana", b'a')))?;
        returns(&second, 1).map_err(|failure| {
            let (en, zh) = if failed.is_err() { (", a call for another file fails", "，数另一个文件时出错") } else { ("", "") };
            failure.given(text!(
                "\"a\" was counted in a file of \"banana\"{en}, another process writes \"orange\", and it is counted again",
                "文件内容为“banana”时数过一次“a”{zh}，另一个进程写入“orange”，再数一次"
            ))
        })
    });
}

#[test]
fn goes_on_after_short_and_interrupted_calls() {
    let rule = text!(
        "read(2): a short count is neither an error nor the end of the file; only 0 is the end. EINTR means that nothing \
         was done.",
        "read(2)：传输的字节数少于要求，既不是错误，也不是文件末尾，返回 0 才是末尾。EINTR 表示什么都没做。"
    );
    check("loops", rule, || {
        let long: Vec<u8> = b"a short text, ".iter().copied().cycle().take(150 * KIB).collect();
        let worst_of_all = WORST.map(|(most, times)| (most, times, describe_worst(most, times)));
        let alone = [
            (1, 0, text!("each call moves at most 1 byte", "每次调用最多传 1 字节")),
            (4_999, 0, text!("each call moves at most 4999 bytes", "每次调用最多传 4999 字节")),
            (usize::MAX, 1, text!("each call is interrupted once (EINTR)", "每次调用都先被打断一次（EINTR）")),
        ];
        for (most, times, how) in alone.into_iter().chain(worst_of_all) {
            let bytes = if most > 100 { long.as_slice() } else { &long[..if times > 1 { 40 } else { 300 }] };
            // An answer that fails without a script fails another check.
            let smooth = counted(|| Scripted::new(bytes, &[], None), bytes, b't');
            if !knows_the_basics(smooth.and_then(|smooth| compare(&smooth, reference(bytes, b't'))))? {
                continue;
            }
            let rough = || Scripted { worst: Some((most, times)), ..Scripted::new(bytes, &[], None) };
            let seen = counted(rough, bytes, b't')?;
            compare(&seen, reference(bytes, b't')).map_err(|mut failure| {
                if times > 1 {
                    failure.misconception = None; // it goes on, but not often enough
                }
                let what = describe(bytes, b't');
                let failure = if times == 0 { explained(failure, &belief::SHORT_IS_THE_END) } else { failure };
                failure.given(Text::new(format!("{}; {}", what.en, how.en), format!("{}；{}", what.zh, how.zh)))
            })?;
        }
        for_all(
            (contents_and_byte(), script()),
            |((bytes, byte), script)| {
                let (what, how) = (describe(bytes, *byte), describe_script(script));
                Text::new(format!("{}; {}", what.en, how.en), format!("{}；{}", what.zh, how.zh))
            },
            |((bytes, byte), script)| {
                let smooth = counted(|| Scripted::new(bytes, &[], None), bytes, *byte)?;
                let seen = counted(|| Scripted::new(bytes, script, None), bytes, *byte)?;
                if smooth.answer.is_ok() && seen.answer == smooth.answer {
                    return Ok(());
                }
                compare(&seen, reference(bytes, *byte)).map_err(|failure| explained(failure, &belief::SHORT_IS_THE_END))
            },
        )
    });
}

/// Expects no more calls than the contract allows, short and interrupted ones left out.
fn few(reads: u64, bytes: &[u8]) -> Result<(), Failure> {
    let most = wide(bytes.len().div_ceil(16 * KIB)) + 5;
    ensure(reads <= most, || {
        Failure::new(
            text!("at most {most} calls of pread(2)", "最多调用 pread(2) {most} 次"),
            text!("there were {reads}", "有 {reads} 次"),
        )
        .shows(&belief::A_CALL_COSTS_NOTHING)
    })
}

#[test]
fn makes_few_calls_and_no_writes() {
    let rule = text!(
        "A call by itself costs about as much as copying a few thousand bytes: with 16 KiB or more in each, that hardly \
         counts.",
        "一次系统调用的固定开销，大约抵得上复制几千字节：每次读 16 KiB 以上，这份开销才不算什么。"
    );
    check("kernels_account", rule, || {
        if !counts()? {
            return Ok(());
        }
        for_each(
            files(),
            |(bytes, byte)| describe(bytes, *byte),
            |(bytes, byte)| {
                let seen = counted(|| Scripted::new(bytes, &[], None), bytes, *byte)?;
                ensure(seen.log.writes.is_empty() && seen.log.others == 0, || {
                    let wanted = text!("it calls only pread(2) and size()", "只调用 pread(2) 和 size()");
                    Failure::new(wanted, text!("it makes another call", "还做了别的调用"))
                })?;
                few(seen.log.preads, bytes)
            },
        )?;
        // An answer that asks for less after such a call has to ask for more again.
        let bytes = vec![b'a'; 140_000];
        let turns = [
            (Turn::Interrupted, text!("the first 12 calls are interrupted (EINTR)", "前 12 次调用都被打断（EINTR）")),
            (Turn::AtMost(1), text!("the first 12 calls move 1 byte each", "前 12 次调用每次只传 1 字节")),
        ];
        for (turn, how) in turns {
            let seen = counted(|| Scripted::new(&bytes, &[turn; 12], None), &bytes, b'a')?;
            let what = describe(&bytes, b'a');
            let given = Text::new(format!("{}; {}", what.en, how.en), format!("{}；{}", what.zh, how.zh));
            few(seen.log.preads.saturating_sub(12), &bytes).map_err(|failure| failure.given(given))?;
        }
        no_way_but_pread()
    });
}

/// A real file, in place of a simulated one, could be reached in other ways: its type says nothing of where it comes from.
fn no_way_but_pread() -> Result<(), Failure> {
    let file = unnamed_file(b"banana")?;
    let id = FileId::of(&file)?;
    let watched = watch(|| super::count_byte(&file, b'a').map_err(kind), |_| false)?;
    returns(&watched.answer, 3)?;
    let allowed = [libc::SYS_pread64, libc::SYS_fstat, libc::SYS_newfstatat, libc::SYS_statx];
    let of_the_file = |step: &FileCall| {
        let descriptor = if step.call.number == libc::SYS_mmap { 4 } else { 0 };
        step.names(descriptor, id) && !allowed.contains(&step.call.number)
    };
    ensure(!watched.calls.iter().any(of_the_file), || {
        let wanted = text!("it calls only pread(2) and size()", "只调用 pread(2) 和 size()");
        Failure::new(wanted, text!("it makes another call", "还做了别的调用"))
            .given(text!("a `File` with \"banana\"", "内容为“banana”的 `File`"))
    })
}

#[test]
fn takes_little_memory_however_large_the_file_is() {
    let rule = text!(
        "A file may be larger than memory. The buffer through which its bytes pass has a fixed size.",
        "文件可能比整个内存还大。要让它流过缓冲区，缓冲区的大小就必须固定。"
    );
    check("through_memory", rule, || {
        let file = unnamed_file(b"told")?;
        if !counts()? {
            return Ok(());
        }
        let size = 6 * KIB * KIB;
        file.set_len(wide(size))?;
        file.write_all_at(b"o", wide(size - 1))?;
        let most = wide(size / (16 * KIB)) + 5;
        let given = text!("a file of 6 MiB, nearly all zeros, count \"\\0\"", "6 MiB 的文件，几乎全是零，数 \"\\0\"");
        with_little_memory(&file, (most, most), wide(size - 5), given, |file| super::count_byte(file, 0))?;
        // A buffer that is a sixteenth of the file.
        let size = 20 * KIB * KIB;
        file.set_len(wide(size))?;
        let most = wide(size / (16 * KIB)) + 5;
        let given = text!("a file of 20 MiB, count \"o\"", "20 MiB 的文件，数 \"o\"");
        with_little_memory(&file, (most, most), 2, given, |file| super::count_byte(file, b'o'))?;
        // In a size of 32 bits only the 5 bytes would be left.
        let huge = Huge { readable: Cell::new(2) };
        let (got, most) = ask(|| most_allocated(|| super::count_byte(&huge, b'o').map_err(kind))).map_err(too_large)?;
        refused(&got, &["EIO"]).and_then(|()| little(most)).map_err(|failure| {
            failure.given(text!(
                "a file of 4 GiB and 5 bytes, where the third call of pread(2) and each after it fails with EIO",
                "4 GiB 又 5 字节的文件，从第三次起，pread(2) 都以 EIO 失败"
            ))
        })
    });
}

#[test]
fn returns_the_error_of_a_call() {
    check("loops", errno_rule(), || {
        let returned = |bytes: &[u8], calls: usize, errors: &[Errno]| {
            each_error_of_the_first(calls, errors, |failing| {
                let file = Scripted { failing, ..Scripted::new(bytes, &[], None) };
                let answer = super::count_byte(&file, b'o').map(drop).map_err(kind);
                (file.failing, answer)
            })
        };
        returned(b"a word or two", usize::MAX, &ERRORS)?;
        returned(b"", usize::MAX, &ERRORS[..1])?;
        // Larger than any buffer that is allowed: more is read after the first one.
        returned(&vec![b'o'; 1_200 * KIB], 4, &ERRORS)
    });
}

/// A simulated file of 4 GiB and 5 bytes, of which a few reads are all that works.
struct Huge {
    readable: Cell<u8>,
}

impl Calls for Huge {
    fn pread(&self, into: &mut [u8], _: u64) -> Result<usize, Errno> {
        self.readable.set(self.readable.get().checked_sub(1).ok_or(Errno::EIO)?);
        into.fill(0);
        Ok(into.len())
    }

    fn pwrite(&self, _: &[u8], _: u64) -> Result<usize, Errno> {
        Err(Errno::EROFS)
    }

    fn ftruncate(&self, _: u64) -> Result<(), Errno> {
        Err(Errno::EROFS)
    }

    fn fsync(&self) -> Result<(), Errno> {
        Ok(())
    }

    fn size(&self) -> Result<u64, Errno> {
        Ok((1 << 32) + 5)
    }
}
