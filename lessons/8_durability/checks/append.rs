use super::*;

fn rule() -> Text {
    text!(
        "What was stored since the last sync reaches the disk in any order, sector by sector, or not at all. So an entry has to be \
         synced before the call returns; and the bytes of one that is torn have to show that: by a checksum of all that counts \
         (FNV-1a or a CRC: a sum or an XOR is too weak), also where a header lies in two sectors, of which one may be missing; \
         or since the log's end is stored only once a sync of the entry has returned.",
        "上次同步之后写入的内容，逐个扇区以任意顺序到达磁盘，也可能到不了。所以调用返回之前必须同步条目；而不完整的条目，要能从字节本身\
         看出来：用一个包括所有要紧内容的校验和（FNV-1a 或 CRC；求和、异或太弱），头部跨两个扇区、只到了一个时也要看得出来；或者等条目的同步返回之后，才写入日志的末尾。"
    )
}

fn story(entries: &[Vec<u8>]) -> Story<'_> {
    Story { functions: &["append"], given: entries, before: 0 }
}

/// Entries in words: which of these they are.
pub(super) fn found(got: &[Vec<u8>], entries: &[Vec<u8>]) -> Text {
    let numbers: Vec<String> = got
        .iter()
        .map(|entry| match entries.iter().position(|other| other == entry) {
            Some(n) => (n + 1).to_string(),
            None => "?".to_owned(),
        })
        .collect();
    let (list, count) = (numbers.join("、"), got.len());
    let numbers = numbers.join(", ");
    let strange = got.iter().find(|entry| !entries.contains(entry));
    let words = match count {
        0 => text!("no entries", "没有条目"),
        1 => text!("the entry {list} alone", "仅条目 {list}"),
        2..=12 => Text::new(format!("the entries {numbers}"), format!("条目 {list}")),
        _ => text!("{count} entries", "{count} 个条目"),
    };
    strange.map_or(words.clone(), |entry| {
        let length = bytes_in_words(entry.len());
        text!(
            "{words}, where ? is one of {length} that was never appended",
            "{words}（? 是从未追加过的，有 {length}）";
            words,
            length
        )
    })
}

/// Expects one of these lists of entries, given by their numbers, from 0 on.
pub(super) fn one_of(lists: &[Vec<usize>], mapping: &Mapping, entries: &[Vec<u8>]) -> Result<(), Failure> {
    let got = crate::exercise::replay(mapping);
    let of = |list: &Vec<usize>| -> Vec<Vec<u8>> { list.iter().map(|n| entries[*n].clone()).collect() };
    ensure(lists.iter().any(|list| of(list) == got), || {
        let names = lists.iter().map(|list| found(&of(list), entries));
        let names = names.reduce(|one, other| text!("{one}, or {other}", "{one}，或{other}"; one, other));
        let (names, got) = (names.unwrap_or(text!("", "")), found(&got, entries));
        Failure::new(
            text!("replay gives {names}", "replay 给出{names}"; names),
            text!("it gives {got}", "给出{got}"; got),
        )
    })
}

/// What may be found after this cut, where each call returns.
pub(super) fn wanted(cut: Cut) -> Vec<Vec<usize>> {
    numbers_after(cut).into_iter().map(|last| (0..last).collect()).collect()
}

pub(super) fn appends(history: &mut History, follow: Follow, entry: &[u8]) -> Result<(), Failure> {
    no_error(history.call(follow, |mapping| super::append(mapping, entry).map_err(kind))?)
}

/// Appends entries of these lengths, one after the other, each in a process of its own.
fn history_of(lengths: &[usize], pages: usize, follow: Follow) -> Result<(History, Vec<Vec<u8>>), Failure> {
    let (mut history, entries) = (zeros(pages), all_of(lengths));
    entries.iter().try_for_each(|entry| appends(&mut history, follow, entry))?;
    Ok((history, entries))
}

/// Appends, and reads back, without a cut.
fn reads_back(entries: &[Vec<u8>], pages: usize) -> Result<(), Failure> {
    let mapping = mapped(&vec![0; pages * page_size()])?;
    for (n, entry) in (1..).zip(entries) {
        no_error(ask(|| super::append(&mapping, entry).map_err(kind))?)?;
        let left = to_read(&loaded(&mapping))?;
        let got = ask(|| crate::exercise::replay(&left))?;
        ensure(got == entries[..n], || {
            let (wanted, got) = (found(&entries[..n], entries), found(&got, entries));
            Failure::new(
                text!("replay gives {wanted}", "replay 给出{wanted}"; wanted),
                text!("it gives {got}", "给出{got}"; got),
            )
        })?;
    }
    Ok(())
}

fn works() -> Result<bool, Failure> {
    knows_the_basics(reads_back(&all_of(&[3, 5, 0, 700, 2]), 4))
}

/// Cuts the power at each moment of appends of these lengths.
fn is_cut(lengths: &[usize], pages: usize, follow: Follow, most: usize) -> Result<(), Failure> {
    are_cut(&all_of(lengths), pages, follow, most)
}

/// Cuts the power at each moment of appends of these entries.
fn are_cut(entries: &[Vec<u8>], pages: usize, follow: Follow, most: usize) -> Result<(), Failure> {
    let mut history = zeros(pages);
    entries.iter().try_for_each(|entry| appends(&mut history, follow, entry))?;
    let is_mixed = |got: Vec<Vec<u8>>| got.iter().any(|got| !got.is_empty() && !entries.contains(got));
    let look = |mapping: &Mapping, cut| {
        one_of(&wanted(cut), mapping, entries)
            .map_err(mixed(follow, || is_mixed(crate::exercise::replay(mapping))))
            .map_err(lost(cut, "log"))
    };
    let tried = history.try_each(most, story(entries), look).map(drop);
    let is_read = |mapping: &Mapping, bytes: &[u8]| crate::exercise::replay(mapping).iter().any(|got| got == bytes);
    let last = entries.last().map_or(&[][..], Vec::as_slice);
    tried
        .map_err(believed(&history))
        .map_err(unless_there_is_a_checksum(&history, last, "log", is_read))
        .map_err(stores_nothing("replay"))
        .map_err(after(lengths_in_words(&entries.iter().map(Vec::len).collect::<Vec<_>>(), pages)))
}

/// Where an append has changed a number in place, of which two bytes are new: it went from 255 to 256, or from 760 to 772. The words
/// that hold such numbers.
fn carries(before: &[u8], now: &[u8]) -> Vec<usize> {
    let words = before.chunks(8).zip(now.chunks(8)).enumerate();
    let is_carried = |(before, now): (&[u8], &[u8])| {
        let changed = || before.iter().zip(now).filter(|(before, now)| before != now);
        changed().count() > 1 && changed().any(|(before, _)| *before != 0)
    };
    words.filter(|(_, pair)| pair.0 != pair.1 && is_carried(*pair)).map(|(n, _)| n).collect()
}

/// Cuts the power at each store of the append after which there are 256 entries: a count of them has two bytes then. And of
/// the first one that changes two bytes of a number in its place: for the log's end it is an earlier one.
fn is_cut_after_many() -> Result<(), Failure> {
    let (most, pages) = (255, 8);
    let moments = in_child(|| {
        let (file, mapping) = mapped_file(&vec![0; pages * page_size()])?;
        let (mut moments, mut known, mut before) = (Vec::new(), Vec::new(), contents(&file)?);
        for many in 0..most {
            super::append(&mapping, &[])?;
            let now = contents(&file)?;
            let new: Vec<_> = carries(&before, &now).into_iter().filter(|word| !known.contains(word)).collect();
            if !new.is_empty() && moments.len() < 2 {
                moments.push((many, before));
            }
            known.extend(new);
            before = now;
        }
        moments.push((most, before));
        Ok(moments)
    });
    let all = text!("{pages} pages; {most} empty entries", "共 {pages} 页；{most} 个空条目");
    let moments = moments.map_err(|failure| failure.given(all))?;
    moments.into_iter().try_for_each(|(many, before)| {
        // The one that had the number change is empty like the others.
        let last = vec![if many == most { bytes(1, 20) } else { Vec::new() }];
        let mut history = History::of(before);
        appends(&mut history, Follow::Accesses, &last[0])?;
        let entries = [vec![Vec::new(); many], last.clone()].concat();
        let look = |mapping: &Mapping, cut: Cut| {
            let most = many + cut.returned + usize::from(cut.under_way);
            one_of(&(many + cut.returned..=most).map(|last| (0..last).collect()).collect::<Vec<_>>(), mapping, &entries)
        };
        let story = Story { before: many, ..story(&last) };
        let words = text!("{many} empty entries", "已有 {many} 个空条目");
        history.try_each(MOST_VERSIONS, story, look).map(drop).map_err(after(words))
    })
}

/// Where an entry of 30 bytes ends that is the first, and how much longer it is than these bytes, as far as the file shows it.
fn end_and_header() -> Result<(usize, usize), Failure> {
    in_child(|| {
        let (file, mapping) = mapped_file(&vec![0; 4 * page_size()])?;
        let end = || {
            super::append(&mapping, &bytes(1, 30))?;
            Ok::<_, std::io::Error>(contents(&file)?.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1))
        };
        let [first, second] = [end()?, end()?];
        Ok((first, second.saturating_sub(first).saturating_sub(30)))
    })
}

/// The simplest of the histories that are cut.
const SIMPLEST: ([usize; 3], usize) = ([30, 700, 700], 4);

/// Whether it survives a cut.
fn survives() -> Result<bool, Failure> {
    let (lengths, pages) = SIMPLEST;
    Ok(works()? && knows_the_basics(is_cut(&lengths, pages, Follow::Calls, MOST))?)
}

#[test]
fn replay_gives_what_was_appended() {
    let rule = text!(
        "An entry has any bytes, zeros too, and any length, 0 too. So neither its bytes nor its length can say by themselves that the \
         log ends here, and the length needs more than two bytes.",
        "条目可以是任何字节，全零也算；可以是任何长度，0 也算。所以单凭内容或长度都不能说明日志到此为止，长度也不能只占两个字节。"
    );
    check("log", rule, || {
        let page = page_size();
        by_two_processes()?;
        for_each(
            [
                (vec![3, 5, 0, 1, 0, 700], 4),
                (vec![(1 << 16) + 1, 5], ((1 << 16) / page + 2).max(4)),
                (vec![page, page + 1, 7], 4),
                (vec![2 * page + page / 2], 4),
                (vec![0, 0, 0], 5),
            ],
            |(lengths, pages)| lengths_in_words(lengths, *pages),
            |(lengths, pages)| reads_back(&all_of(lengths), *pages),
        )?;
        // Zeros are bytes like others.
        let entries = [vec![0; 5], vec![0; 6], vec![0xff; 6], vec![0; 700], vec![0]];
        reads_back(&entries, 4).map_err(|failure| {
            failure.given(text!("entries of zeros, and one of 0xff", "条目全是零，有一个全是 0xff"))
        })?;
        however_many_there_are()
    });
}

/// What works in one process works where another one goes on.
fn by_two_processes() -> Result<(), Failure> {
    let entries = all_of(&[30; 3]);
    let appended = |mapping: &Mapping, entries: &[Vec<u8>]| {
        entries.iter().try_for_each(|entry| super::append(mapping, entry)).map_err(kind)
    };
    let by_one = in_child(|| {
        let mapping = mapped(&vec![0; 4 * page_size()])?;
        Ok(appended(&mapping, &entries).is_ok() && crate::exercise::replay(&mapping) == entries)
    })?;
    if !by_one {
        return Ok(());
    }
    let mapping = mapped(&vec![0; 4 * page_size()])?;
    let (first, second) = entries.split_at(2);
    no_error(ask(|| appended(&mapping, first))?)?;
    no_error(ask(|| appended(&mapping, second))?)?;
    ask(|| one_of(&[vec![0, 1, 2]], &mapping, &entries))?.map_err(|failure| {
        failure
            .given(text!(
                "one process appends the entries 1 and 2, another one the entry 3; each has 30 bytes",
                "一个进程追加条目 1、2，另一个进程追加条目 3，各 30 字节"
            ))
            .breaks("log", of_memory())
    })
}

/// More entries than a byte can count.
fn however_many_there_are() -> Result<(), Failure> {
    let (most, pages) = (300, 8);
    let wrong = in_child(|| {
        let mapping = mapped(&vec![0; pages * page_size()])?;
        for n in 1..=most {
            super::append(&mapping, &[])?;
            let got = if [255, 256, 257, most].contains(&n) { crate::exercise::replay(&mapping).len() } else { n };
            if got != n {
                return Ok(Some((n, got)));
            }
        }
        Ok(None)
    });
    let given = text!("{pages} pages; empty entries, {most} in all", "共 {pages} 页；空条目，共 {most} 个");
    wrong.map_err(|failure| failure.given(given))?.map_or(Ok(()), |(n, got)| {
        Err(Failure::new(
            text!("replay gives {n} entries", "replay 给出 {n} 个条目"),
            text!("it gives {got}", "给出 {got} 个"),
        )
        .given(text!("{n} empty entries are appended", "追加了 {n} 个空条目"))
        .breaks(
            "log",
            text!(
                "There may be any number of entries: a number of one byte goes round after 255.",
                "条目可以有任意多个：一个字节的编号到 255 之后就回绕了。"
            ),
        ))
    })
}

/// The file that is filled has this many pages.
const FILLED: usize = 4;

/// The first entry there.
fn first() -> usize {
    2 * page_size() + page_size() / 2
}

fn filling(length: usize) -> Text {
    let first = first();
    text!(
        "{FILLED} pages; an entry of {first} bytes, entries of {length} bytes until one fails, then empty ones until one fails",
        "共 {FILLED} 页；先追加一个 {first} 字节的条目，再不断追加 {length} 字节的条目直到出错，然后不断追加空条目直到出错"
    )
}

/// What came of filling a log.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Filled {
    /// How many entries there were when the first call failed, and in the end.
    counts: Vec<usize>,
    /// The errors, and what they have changed.
    errors: Vec<(String, Option<Difference>)>,
    /// How many entries are replayed, and whether these are those that were appended.
    replayed: usize,
    as_appended: bool,
}

fn filled(length: usize) -> std::io::Result<Filled> {
    let (file, mapping) = mapped_file(&vec![0; FILLED * page_size()])?;
    let (mut entries, mut filled) = (Vec::new(), Filled::default());
    // More than there can be after the first: of the empty ones, if each takes a byte at least.
    let most = 1 + 2 * page_size() / length + length + 64;
    for length in [first(), length, 0] {
        while entries.len() < most {
            let (before, entry) = (contents(&file)?, bytes(entries.len(), length));
            if let Err(error) = super::append(&mapping, &entry) {
                filled.errors.push((kind(error), difference(&contents(&file)?, &before)));
                break;
            }
            entries.push(entry);
            if length == first() {
                break;
            }
        }
        filled.counts.push(entries.len());
    }
    let replayed = crate::exercise::replay(&mapping);
    Ok(Filled { replayed: replayed.len(), as_appended: replayed == entries, ..filled })
}

fn unchanged() -> Text {
    text!("the file is as it was before the call that failed", "出错的那次调用之后，文件没有变")
}

fn just_fits() -> Text {
    text!(
        "There is room if all entries, 64 bytes for each of them, and one page fit: also where they are just as long as the file.",
        "所有条目、每个另加 64 字节、再加一页，放得下就有空间：正好与文件一样长时也算。"
    )
}

fn full_rule() -> Text {
    text!(
        "What doesn't fit has to be refused before the first store: afterwards a part of it is there.",
        "放不下的内容要在第一次写入之前拒绝：写了再拒绝，就已经写进去一部分了。"
    )
}

fn is_filled(length: usize) -> Result<(), Failure> {
    let Filled { counts, errors, replayed, as_appended } = in_child(|| filled(length))?;
    let least = 1 + (page_size() / 2 - 64) / (length + 64);
    let (count, all) = (counts[1], counts[2]);
    ensure(count >= least, || too_few(least, count))?;
    ensure(errors.len() == 2, || {
        Failure::new(
            text!("an error when the file is full", "文件满了之后会出错"),
            text!(
                "append returned Ok {all} times, and replay gives {replayed} entries",
                "append 返回了 {all} 次 Ok，replay 给出 {replayed} 个条目"
            ),
        )
    })?;
    for (error, difference) in errors {
        refused::<()>(&Err(error), &["ENOSPC"])?;
        no_difference(unchanged(), difference)?;
    }
    ensure(as_appended, || {
        Failure::new(
            text!("replay gives the {all} entries", "replay 给出这 {all} 个条目"),
            text!("it gives {replayed}, or others", "给出了 {replayed} 个，或者内容不同"),
        )
    })
}

/// As many entries of this length fit as there has to be room for.
fn takes_little(length: usize) -> Result<(), Failure> {
    let pages = 10;
    let least = (pages - 1) * page_size() / (length + 64);
    let count = in_child(|| {
        let mapping = mapped(&vec![0; pages * page_size()])?;
        Ok((0..least).take_while(|n| super::append(&mapping, &bytes(*n, length)).is_ok()).count())
    })?;
    ensure(count == least, || too_few(least, count))
}

fn too_few(least: usize, count: usize) -> Failure {
    Failure::new(
        text!(
            "{least} entries that aren't empty fit: each takes at most 64 bytes more than its own, and a page is left",
            "放得下 {least} 个非空条目：每个至多比自身多占 64 字节，另外留出一页"
        ),
        text!("append returned Ok for {count} of them", "append 只对其中 {count} 个返回了 Ok"),
    )
    .breaks(
        "log",
        text!(
            "Where each entry begins in a sector or a page of its own, or is rounded up, much of the file is lost: it follows the one \
             before at once.",
            "如果每个条目都从新的扇区或新的页开始，或者向上取整，文件的许多空间就浪费了：条目要紧接着前一个写。"
        ),
    )
}

#[test]
fn it_is_full_only_when_there_is_no_room() {
    check("log", full_rule(), || {
        if !works()? {
            return Ok(());
        }
        let page = page_size();
        // With 64 bytes for each, and a page, these are as long as the file.
        for_each(
            [vec![3 * page - 64], vec![0, 700, 3 * page - 3 * 64 - 700]],
            |lengths| lengths_in_words(lengths, FILLED),
            |lengths| reads_back(&all_of(lengths), FILLED).map_err(|failure| failure.breaks("log", just_fits())),
        )?;
        for_each([40, 1000], |length| filling(*length), |length| is_filled(*length))?;
        // Rounded up to 64 bytes with a header, these take more than 64 of their own.
        let words = |length: &usize| {
            let length = bytes_in_words(*length);
            text!("10 pages; entries of {length}", "共 10 页；每个条目 {length}"; length)
        };
        for_each([33, 49], words, |length| takes_little(*length))?;
        let huge = in_child(|| Ok(super::append(&mapped(&vec![0; 4 * page])?, &vec![1; 5 * page]).map_err(kind)))?;
        refused(&huge, &["ENOSPC"])
            .map_err(|failure| failure.given(text!("an entry larger than the file", "比文件还大的条目")))
    });
}

#[test]
fn a_cut_leaves_an_entry_whole_or_none() {
    check("log", rule(), || {
        if !works()? {
            return Ok(());
        }
        let page = page_size();
        let (lengths, pages) = SIMPLEST;
        is_cut(&lengths, pages, Follow::Calls, MOST)?;
        is_cut(&[700, 700, 480, 493, 1, 0, 1300], 4, Follow::Calls, MOST)?;
        is_cut(&[30, 450, 471, 10, 485, 509, 3], 4, Follow::Calls, MOST)?;
        is_cut(&[page + 600, 100, page + 600, 5], 8, Follow::Calls, MOST_OF_MANY)?;
        let (end, header) = end_and_header()?;
        // The third begins this number of bytes before a page's end, or ends a few after one.
        for before in [1, 4, 9, 12, header + 1, header + 12, header + 19] {
            if let Some(second) = (4 * page).checked_sub(end + header + before) {
                is_cut(&[30, second % page, 20], 4, Follow::Calls, MOST)?;
            }
        }
        // An XOR of words is the same for each sector of one byte repeated, and for one of zeros; so is IP's sum for 0xff.
        are_cut(&[1, 2, 0xff].map(|byte| vec![byte; 2000]), 4, Follow::Calls, MOST_OF_MANY)
    });
}

#[test]
fn so_does_a_cut_between_two_stores() {
    let rule = text!(
        "A page may be written to the disk at any moment: also while a number is stored to it byte by byte, or after a length and \
         before the bytes that it counts. What says that an entry is whole comes last, in one store (`long_word`; `write` stores byte by \
         byte), or is a checksum.",
        "一页随时可能被写到磁盘上：哪怕一个数正逐字节写入，或者长度已经写好、而它所计的字节还没有写。说明条目完整的标记要最后写、一步写完\
         （`long_word`；`write` 是逐字节写入的），或者用校验和。"
    );
    check("log", rule, || {
        if !survives()? {
            return Ok(());
        }
        let cuts = [is_cut(&[20, 13, 0, 24, 300, 6], 4, Follow::Accesses, MOST_VERSIONS), is_cut_after_many()];
        cuts.into_iter().try_for_each(unless_too_many_accesses)
    });
}

/// Appends two more to what was left, of which the first may be as long as the one that was lost: it is right at each moment, and
/// nothing comes back that was lost.
fn goes_on(left: Vec<u8>, known: &[Vec<u8>], words: &Text) -> Result<(), Failure> {
    let mapping = to_read(&left)?;
    let base = ask(|| crate::exercise::replay(&mapping))?;
    // That these are some of those that are known, another check says.
    let base: Vec<usize> = base.iter().filter_map(|entry| known.iter().position(|other| other == entry)).collect();
    for lengths in [[700, 20], [20, 700]] {
        let more: Vec<_> = (known.len() + 1..).zip(lengths).map(|(number, length)| bytes(number, length)).collect();
        let mut history = History::of(left.clone());
        more.iter().try_for_each(|entry| appends(&mut history, Follow::Calls, entry)).map_err(after(words.clone()))?;
        let entries = [known, &more].concat();
        let look = |mapping: &Mapping, cut| {
            let with =
                |more: Vec<usize>| [&base[..], &more.iter().map(|n| known.len() + n).collect::<Vec<_>>()].concat();
            let lists: Vec<_> = wanted(cut).into_iter().map(with).collect();
            one_of(&lists, mapping, &entries)
        };
        let story = Story { before: known.len(), ..story(&more) };
        history.try_each(20, story, look).map_err(after(words.clone()))?;
    }
    Ok(())
}

#[test]
fn after_a_cut_it_goes_on() {
    let rule = text!(
        "An entry that was torn leaves bytes after the log's end, and the next entry may be shorter than those: they must not be taken \
         for an entry.",
        "撕裂的条目会在日志末尾之后留下字节，下一个条目可能比它们短：不能把这些字节当作条目。"
    );
    check("log", rule, || {
        if !survives()? {
            return Ok(());
        }
        let (mut history, mut entries) = history_of(&[30, 700], 4, Follow::Calls)?;
        // Whatever is left of it may look like a length.
        entries.push([3, 0, 0, 0, 0, 0, 0, 0].into_iter().cycle().take(700).collect());
        appends(&mut history, Follow::Calls, &entries[2])?;
        for (left, words) in history.left_during(2, 6, story(&entries)) {
            shorter_ones(&left).map_err(after(words.clone()))?;
            goes_on(left, &entries, &words)?;
        }
        // And between two stores: of two numbers one may be the new one.
        let (mut history, entries) = (history_of(&[30, 20], 4, Follow::Calls)?.0, all_of(&[30, 20, 24]));
        unless_too_many_accesses(appends(&mut history, Follow::Accesses, &entries[2]))?;
        for (left, words) in history.left_during(2, 6, story(&entries)) {
            goes_on(left, &entries, &words)?;
        }
        what_is_torn_takes_no_room()
    });
}

/// Appends an entry that takes nearly all the room. A cut tears it, and it is appended again.
fn what_is_torn_takes_no_room() -> Result<(), Failure> {
    let (pages, length) = (4, 3 * page_size() - 100);
    let (history, entries) = history_of(&[length], pages, Follow::Calls)?;
    // Nothing, all, and one sector after the other. What says how long it is comes first.
    let mut left = history.left_during(0, 4 + length / SECTOR, story(&entries));
    let begins = |left: &[u8]| left.iter().position(|byte| *byte != 0).unwrap_or(usize::MAX);
    let first = left.iter().map(|(left, _)| begins(left)).min();
    left.retain(|(left, _)| Some(begins(left)) == first);
    for (left, words) in left {
        let again = in_child(|| {
            let mapping = mapped(&left)?;
            let is_torn = crate::exercise::replay(&mapping).is_empty();
            let answer = is_torn.then(|| super::append(&mapping, &entries[0]).map_err(kind));
            Ok((answer.unwrap_or(Ok(())), crate::exercise::replay(&mapping) == entries))
        });
        again
            .and_then(|(answer, is_there)| {
                no_error(answer)?;
                ensure(is_there, || {
                    Failure::new(
                        text!("replay gives the entry", "replay 给出这个条目"),
                        text!("it doesn't", "没有给出"),
                    )
                })
            })
            .map_err(|failure| {
                let again = text!("the same entry is appended once more", "再追加一次同样的条目");
                after(words)(failure.given(again)).breaks(
                    "log",
                    text!(
                        "There is room if what replay gives leaves it: what a cut has torn is overwritten by the next entry.",
                        "有没有空间，只看 replay 给出的条目：断电撕裂的内容，由下一个条目覆盖。"
                    ),
                )
            })?;
    }
    Ok(())
}

/// Appends an entry that is too long to what was left, which changes nothing. Then one shorter entry, and reads back: of each of
/// several lengths, which end at different places.
fn shorter_ones(left: &[u8]) -> Result<(), Failure> {
    let difference = in_child(|| {
        let mapping = mapped(left)?;
        // With which error, another check says.
        let _ = super::append(&mapping, &vec![1; 5 * page_size()]);
        Ok(difference(&loaded(&mapping), left))
    })?;
    no_difference(unchanged(), difference).map_err(|failure| {
        let huge = text!("an entry larger than the file is appended", "追加一个比文件还大的条目");
        failure.given(huge).breaks("log", full_rule())
    })?;
    let seen = in_child(|| {
        let base = crate::exercise::replay(&to_read(left)?);
        let mut seen = Vec::new();
        for entry in (13..21).map(|length| bytes(9, length)) {
            let mapping = mapped(left)?;
            super::append(&mapping, &entry)?;
            seen.push(([&base[..], &[entry]].concat(), crate::exercise::replay(&mapping)));
        }
        Ok(seen)
    })?;
    for (wanted, got) in seen {
        let length = wanted.last().map_or(0, Vec::len);
        ensure(wanted == got, || {
            let (expected, happened) = (found(&wanted, &wanted), found(&got, &wanted));
            Failure::new(
                text!("replay gives {expected}", "replay 给出{expected}"; expected),
                text!("it gives {happened}", "给出{happened}"; happened),
            )
            .given(text!("an entry of {length} bytes is appended", "追加一个 {length} 字节的条目"))
        })?;
    }
    Ok(())
}

#[test]
fn after_a_killed_process_too() {
    let rule = text!(
        "A process that is killed leaves its stores to the page cache, not to the disk: the next one finds an entry there that a cut \
         may still take away. What follows it in the log is worth nothing without it, so it has to be synced first.",
        "被杀死的进程，写入的内容留在页缓存里，不在磁盘上：下一个进程读到的条目，断电之后可能就没有了。日志里在它之后的条目离不开它，\
         所以必须先同步它。"
    );
    check("killed", rule, || {
        if !survives()? {
            return Ok(());
        }
        is_killed(20, 700)?;
        // The page where it begins isn't the one where it ends.
        is_killed(20, page_size() + 600)?;
        // A page ends where its header does.
        let (end, header) = end_and_header()?;
        (2 * page_size()).checked_sub(end + 2 * header).map_or(Ok(()), |second| is_killed(second % page_size(), 30))
    });
}

/// Kills an append of this length, after one of `second`, before each of its syncs, and appends another entry, with a cut at each
/// moment.
fn is_killed(second: usize, length: usize) -> Result<(), Failure> {
    let (before, entries) = history_of(&[30, second], 4, Follow::Calls)?;
    let entries = [entries, all_of(&[1, 2, length, 20])[2..].to_vec()].concat();
    for sync in 1.. {
        let mut history = before.clone();
        if !history.kill(sync, |mapping| super::append(mapping, &entries[2]).map_err(kind))? {
            break;
        }
        let mapping = to_read(history.now())?;
        let is_there = ask(|| crate::exercise::replay(&mapping))?.len() == 3;
        appends(&mut history, Follow::Calls, &entries[3])?;
        let last = if is_there { vec![0, 1, 2, 3] } else { vec![0, 1, 3] };
        let look = |mapping: &Mapping, cut: Cut| {
            let lists = match cut {
                Cut { returned: 3, under_way: true, .. } => vec![vec![0, 1], vec![0, 1, 2], last.clone()],
                Cut { returned: 4, .. } => vec![last.clone()],
                cut => wanted(cut),
            };
            one_of(&lists, mapping, &entries)
        };
        let is_short = length < page_size();
        history.try_each(if is_short { MOST } else { MOST_OF_MANY }, story(&entries), look)?;
        // A cut while the two are on their way, and it goes on.
        for (left, words) in history.left_during(3, if is_short { 4 } else { 0 }, story(&entries)) {
            goes_on(left, &entries, &words)?;
        }
    }
    Ok(())
}

#[test]
fn an_error_of_a_sync_is_returned() {
    check("errors", error_rule(), || {
        if !works()? {
            return Ok(());
        }
        let (history, entries) = history_of(&[700, 30], 8, Follow::Calls)?;
        // It has three pages; the next one begins in the last of them.
        let entries = [entries, vec![bytes(3, 2 * page_size())]].concat();
        let call = |mapping: &Mapping| super::append(mapping, &entries[2]);
        each_error_is_told(history.now(), call, |mapping| one_of(&[vec![0, 1], vec![0, 1, 2]], mapping, &entries))?;
        if !survives()? {
            return Ok(());
        }
        // Another one afterwards, and the same one again.
        for last in [bytes(4, 690), entries[2].clone()] {
            let entries = [&entries[..], &[last]].concat();
            let call = |n: usize, mapping: &Mapping| super::append(mapping, &entries[2 + n]);
            let look = |mapping: &Mapping, cut: Cut| {
                let before = [vec![0, 1], vec![0, 1, 2]];
                let now = [vec![0, 1, 3], vec![0, 1, 2, 3]];
                let lists = if cut.under_way { [before, now].concat() } else { now.to_vec() };
                one_of(&lists, mapping, &entries)
            };
            goes_on_after_an_error(history.now(), Story { before: 3, ..story(&entries[3..]) }, call, look)?;
        }
        Ok(())
    });
}

#[test]
fn it_makes_few_syncs() {
    let rule = text!(
        "Each sync waits for the disk, which takes longer than all else.",
        "每次同步都要等磁盘，比其他一切都慢。"
    );
    check("log", rule, || {
        if !works()? {
            return Ok(());
        }
        let (mut history, entries) = (zeros(16), all_of(&[700, 3 * page_size(), 4 * page_size(), 0, 1]));
        for (n, entry) in (1..).zip(&entries) {
            let length = bytes_in_words(entry.len());
            appends(&mut history, Follow::Calls, entry).and_then(|()| syncs_are_few(&history)).map_err(|failure| {
                failure.given(text!("16 pages; entry {n}, of {length}", "共 16 页；第 {n} 个条目，{length}"; length))
            })?;
        }
        Ok(())
    });
}
