use super::*;

fn rule() -> Text {
    text!(
        "What was stored since the last sync reaches the disk in any order, sector by sector, or not at all. Until the new record is \
         whole there, the one before has to be; and which of them is whole the bytes have to say themselves: by a checksum of \
         all that counts (FNV-1a or a CRC: a sum or an XOR is too weak), or by a mark that is only stored once a sync has returned, in \
         a place where no older one was.",
        "上次同步之后写入的内容，逐个扇区以任意顺序到达磁盘，也可能到不了。新记录在磁盘上完整之前，旧记录必须完整；哪一份完整，要由字节\
         本身来说明：用一个包括所有要紧内容的校验和（FNV-1a 或 CRC；求和、异或太弱），或者用同步返回之后才写入的标记，而且那里没有更早的标记。"
    )
}

fn story(records: &[Vec<u8>]) -> Story<'_> {
    Story { functions: &["commit"], given: records, before: 0 }
}

/// A record in words: which one it is of these.
fn found(got: &Option<Vec<u8>>, records: &[Vec<u8>]) -> Text {
    let Some(got) = got else { return text!("None", "“没有”（None）") };
    let length = bytes_in_words(got.len());
    match records.iter().rposition(|record| record == got) {
        Some(n) => {
            let n = n + 1;
            text!("record {n} ({length})", "第 {n} 条记录（{length}）"; length)
        }
        None => {
            let same = |record: &Vec<u8>| record.iter().zip(got).take_while(|(a, b)| a == b).count();
            let (n, same) = (1..).zip(records.iter().map(same)).max_by_key(|(_, same)| *same).unwrap_or_default();
            if same == 0 {
                return text!("{length} that are no record", "{length}，不是任何一条记录"; length);
            }
            text!(
                "{length} that are no record: the first {same} are those of record {n}, the next isn't",
                "{length}，不是任何一条记录：前 {same} 字节与第 {n} 条记录相同，下一个字节不同";
                length
            )
        }
    }
}

/// Expects one of the records with these numbers, from 1 on; 0 is None.
fn one_of(numbers: &[usize], mapping: &Mapping, records: &[Vec<u8>]) -> Result<(), Failure> {
    let got = crate::exercise::recover(mapping);
    let is = |n: &usize| n.checked_sub(1).map(|n| &records[n]) == got.as_ref();
    ensure(numbers.iter().any(is), || {
        let names = numbers.iter().map(|n| found(&n.checked_sub(1).map(|n| records[n].clone()), records));
        let names = names.reduce(|one, other| text!("{one} or {other}", "{one}或{other}"; one, other));
        let is_none = got.is_none();
        let (names, got) = (names.unwrap_or(text!("", "")), found(&got, records));
        let got = if is_none {
            text!("{got}: it takes no record for whole", "{got}：哪一条都不算完整"; got)
        } else {
            got
        };
        Failure::new(
            text!("recover gives {names}", "recover 给出{names}"; names),
            text!("it gives {got}", "给出{got}"; got),
        )
    })
}

fn commits(history: &mut History, follow: Follow, record: &[u8]) -> Result<(), Failure> {
    no_error(history.call(follow, |mapping| super::commit(mapping, record).map_err(kind))?)
}

/// Commits records of these lengths, one after the other, each in a process of its own.
fn history_of(lengths: &[usize], pages: usize) -> Result<(History, Vec<Vec<u8>>), Failure> {
    let (mut history, records) = (zeros(pages), all_of(lengths));
    records.iter().try_for_each(|record| commits(&mut history, Follow::Calls, record))?;
    Ok((history, records))
}

/// Commits, and reads back, without a cut.
fn reads_back(lengths: &[usize], pages: usize) -> Result<(), Failure> {
    let records = all_of(lengths);
    let mapping = mapped(&vec![0; pages * page_size()])?;
    for (n, record) in (1..).zip(&records) {
        no_error(ask(|| super::commit(&mapping, record).map_err(kind))?)?;
        let left = to_read(&loaded(&mapping))?;
        ask(|| one_of(&[n], &left, &records))??;
    }
    Ok(())
}

fn plain() -> Vec<(Vec<usize>, usize)> {
    let page = page_size();
    vec![
        (vec![3, 5, 0, 1, 0, 700], 4),
        (vec![page, page, page - 1, 1, page], 4),
        (vec![5 * page / 4, 5 * page / 4 - 3, 10], 5),
        (vec![2 * page, 9, 2 * page], 8),
        // More than two bytes can count.
        (vec![(1 << 16) + 1, 3], (4 * ((1 << 16) + 1_usize)).div_ceil(page)),
    ]
}

fn works() -> Result<bool, Failure> {
    knows_the_basics(reads_back(&[3, 5, 0, 700, 2], 4))
}

/// Cuts the power at each moment of commits of these lengths.
fn is_cut(lengths: &[usize], pages: usize, follow: Follow, most: usize) -> Result<(), Failure> {
    are_cut(&all_of(lengths), pages, follow, most)
}

/// Cuts the power at each moment of commits of these records.
fn are_cut(records: &[Vec<u8>], pages: usize, follow: Follow, most: usize) -> Result<(), Failure> {
    let mut history = zeros(pages);
    records.iter().try_for_each(|record| commits(&mut history, follow, record))?;
    let is_mixed = |got: Option<Vec<u8>>| got.is_some_and(|got| !got.is_empty() && !records.contains(&got));
    let look = |mapping: &Mapping, cut| {
        one_of(&numbers_after(cut), mapping, records)
            .map_err(mixed(follow, || is_mixed(crate::exercise::recover(mapping))))
            .map_err(lost(cut, "commit"))
    };
    let tried = history.try_each(most, story(records), look).map(drop);
    tried
        .map_err(believed(&history))
        .map_err(unless_there_is_a_checksum(
            &history,
            records.last().map_or(&[], Vec::as_slice),
            "commit",
            |mapping, bytes| crate::exercise::recover(mapping).is_some_and(|got| got == bytes),
        ))
        .map_err(stores_nothing("recover"))
        .map_err(after(lengths_in_words(&records.iter().map(Vec::len).collect::<Vec<_>>(), pages)))
}

/// Cuts the power at each store of commits in which a number that began at 0 or at 1, of each commit or of each second one, goes from
/// 255 to 256: two of its bytes change.
fn is_cut_after_many() -> Result<(), Failure> {
    let many = 254;
    let before = in_child(|| {
        let (file, mapping) = mapped_file(&vec![0; 4 * page_size()])?;
        (0..many).try_for_each(|_| super::commit(&mapping, b"one"))?;
        contents(&file)
    })?;
    let records = [vec![b"one".to_vec()], all_of(&[20; 3])].concat();
    let mut history = History::of(before);
    records[1..].iter().try_for_each(|record| commits(&mut history, Follow::Accesses, record))?;
    let look = |mapping: &Mapping, cut| {
        let numbers: Vec<_> = numbers_after(cut).into_iter().map(|n| n + 1).collect();
        one_of(&numbers, mapping, &records)
    };
    let words = text!("{many} commits of 3 bytes", "已有 {many} 次提交，每次 3 字节");
    let story = Story { before: many, ..story(&records[1..]) };
    history.try_each(MOST_VERSIONS, story, look).map(drop).map_err(after(words))
}

/// The simplest of the histories that are cut.
const SIMPLEST: ([usize; 3], usize) = ([700; 3], 4);

/// Whether it survives a cut.
fn survives() -> Result<bool, Failure> {
    let (lengths, pages) = SIMPLEST;
    Ok(works()? && knows_the_basics(is_cut(&lengths, pages, Follow::Calls, MOST))?)
}

/// One process commits two records; another one commits two; the first goes on.
fn by_two_processes() -> Result<(), Failure> {
    let (mapping, records) = (mapped(&vec![0; 4 * page_size()])?, all_of(&[30; 5]));
    let commits = |numbers: Range<usize>| {
        records[numbers].iter().try_for_each(|record| super::commit(&mapping, record)).map_err(kind)
    };
    no_error(ask(|| -> Result<_, Failure> {
        let first = commits(0..2);
        Ok(first.and(ask(|| commits(2..4))?).and(commits(4..5)))
    })??)?;
    let left = to_read(&loaded(&mapping))?;
    ask(|| one_of(&[5], &left, &records))?.map_err(|failure| {
        failure
            .given(text!(
                "one process commits records 1 and 2, another one 3 and 4, then the first one 5; each has 30 bytes",
                "一个进程提交第 1、2 条记录，另一个进程提交第 3、4 条，然后前一个进程提交第 5 条，各 30 字节"
            ))
            .breaks("commit", of_memory())
    })
}

#[test]
fn recover_gives_what_was_committed_last() {
    let rule = text!(
        "A record has any bytes, zeros too, and any length from 0 to a quarter of the mapping's.",
        "记录可以是任何字节，全零也算；长度从 0 到映射的四分之一，两端都算。"
    );
    check("commit", rule, || {
        for_each(
            plain(),
            |(lengths, pages)| lengths_in_words(lengths, *pages),
            |(lengths, pages)| reads_back(lengths, *pages),
        )?;
        // Zeros are bytes like others.
        let mapping = mapped(&vec![0; 4 * page_size()])?;
        for record in [vec![0; 5], vec![0; 6], vec![0xff; 6], vec![0; 2]] {
            no_error(ask(|| super::commit(&mapping, &record).map_err(kind))?)?;
            let got = ask(|| crate::exercise::recover(&mapping))?;
            equal(&got, &Some(record))
                .map_err(|failure| failure.given(text!("records of zeros, or of 0xff", "全是零或全是 0xff 的记录")))?;
        }
        by_two_processes()
    });
}

#[test]
fn however_many_came_before() {
    let rule = text!(
        "A number that says which record is newer has to be wide enough never to go round: of 255 and 0 the greater is the older.",
        "用来判断哪条记录更新的编号，必须宽到不会回绕：255 与 0 相比，大的反而更旧。"
    );
    check("commit", rule, || {
        if !works()? {
            return Ok(());
        }
        let wrong = in_child(|| {
            let mapping = mapped(&vec![0; 4 * page_size()])?;
            for n in 1..=3000_u32 {
                super::commit(&mapping, &n.to_le_bytes())?;
                let got = crate::exercise::recover(&mapping);
                if got.as_deref() != Some(&n.to_le_bytes()[..]) {
                    return Ok(Some((n, got)));
                }
            }
            Ok(None)
        })?;
        wrong.map_or(Ok(()), |(n, got)| {
            Err(Failure::new(
                text!("recover gives {:?}", "recover 给出 {:?}", n.to_le_bytes()),
                text!("it gives {got:?}", "给出 {got:?}"),
            )
            .given(text!("after {n} commits of 4 bytes", "{n} 次提交之后，每次 4 字节")))
        })
    });
}

#[test]
fn a_cut_leaves_the_old_record_or_the_new_one() {
    check("commit", rule(), || {
        if !works()? {
            return Ok(());
        }
        let page = page_size();
        let (lengths, pages) = SIMPLEST;
        is_cut(&lengths, pages, Follow::Calls, MOST)?;
        is_cut(&[700, 700, 700, 690, 1300], 4, Follow::Calls, MOST)?;
        is_cut(&[30, 700, 30, 0, 700, 1], 5, Follow::Calls, MOST)?;
        is_cut(&[page + 600, page + 600, page + 600, 100], 8, Follow::Calls, MOST_OF_MANY)?;
        // The longest there may be: with their headers they don't fit into quarters.
        is_cut(&[10, page, page, page], 4, Follow::Calls, MOST_OF_MANY)?;
        is_cut(&[5 * page / 4; 3], 5, Follow::Calls, MOST_OF_MANY)?;
        // An XOR of words is the same for each sector of one byte repeated, and so is IP's sum for zeros and 0xff.
        are_cut(&[1, 0xff, 2, 0].map(|byte| vec![byte; 2000]), 4, Follow::Calls, MOST_OF_MANY)
    });
}

#[test]
fn so_does_a_cut_between_two_stores() {
    let rule = text!(
        "A page may be written to the disk at any moment: also while a number is stored to it byte by byte, or after the number and \
         before what it stands for. What says that a record is whole comes last, in one store, or is a checksum.",
        "一页随时可能被写到磁盘上：哪怕一个数正逐字节写入，或者编号已经写好、而它所指的内容还没有写。说明记录完整的标记要最后写、一步写完，\
         或者用校验和。"
    );
    check("commit", rule, || {
        if !survives()? {
            return Ok(());
        }
        // The last one is the first but for zeros after it, which a checksum of whole words doesn't see.
        let zeros = [&b"abc"[..], b"x", b"ab\0\0\0"].map(<[u8]>::to_vec);
        let cuts = [
            is_cut(&[20, 20, 20, 13, 24, 0, 7], 4, Follow::Accesses, MOST_VERSIONS),
            are_cut(&zeros, 4, Follow::Accesses, MOST_VERSIONS),
            is_cut_after_many(),
        ];
        cuts.into_iter().try_for_each(unless_too_many_accesses)
    });
}

#[test]
fn after_a_cut_it_goes_on() {
    let rule = text!(
        "A commit begins with what the last cut has left: the slot of a torn record is free, and that of the last whole one is not.",
        "提交从上次断电留下的内容开始：记录不完整的槽可以用，最后一条完整记录所在的槽不能用。"
    );
    check("recover", rule, || {
        if !survives()? {
            return Ok(());
        }
        let (history, records) = history_of(&[700, 700, 700], 4)?;
        goes_on(&history, &records)?;
        // And between two stores: of two numbers one may be the new one.
        let (mut history, records) = (history_of(&[20, 13], 4)?.0, all_of(&[20, 13, 24]));
        unless_too_many_accesses(commits(&mut history, Follow::Accesses, &records[2]))?;
        goes_on(&history, &records)
    });
}

/// Goes on with what a cut during the third of these commits may have left, with a cut at each moment.
fn goes_on(history: &History, records: &[Vec<u8>]) -> Result<(), Failure> {
    let more = all_of(&[1, 2, 3, 700, 300])[3..].to_vec();
    let known = [records, &more].concat();
    for (left, words) in history.left_during(2, 6, story(records)) {
        let mapping = to_read(&left)?;
        let base = ask(|| crate::exercise::recover(&mapping))?;
        // That this is one of the first three, another check says.
        let base = records.iter().position(|record| Some(record) == base.as_ref()).map_or(0, |n| n + 1);
        let mut history = History::of(left);
        more.iter()
            .try_for_each(|record| commits(&mut history, Follow::Calls, record))
            .map_err(after(words.clone()))?;
        let look = |mapping: &Mapping, cut: Cut| {
            let number = |n: usize| if n == 0 { base } else { records.len() + n };
            let wanted: Vec<_> = numbers_after(cut).into_iter().map(number).collect();
            one_of(&wanted, mapping, &known)
        };
        let story = Story { before: records.len(), ..story(&more) };
        history.try_each(20, story, look).map_err(after(words))?;
    }
    Ok(())
}

#[test]
fn after_a_killed_process_too() {
    let rule = text!(
        "A process that is killed leaves its stores to the page cache, not to the disk: the next one finds a record there that a cut \
         may still take away. So before the only other whole one is overwritten, that record has to be synced.",
        "被杀死的进程，写入的内容留在页缓存里，不在磁盘上：下一个进程读到的记录，断电之后可能就没有了。所以在覆盖另一条完整记录之前，\
         必须先同步它。"
    );
    check("killed", rule, || {
        if !survives()? {
            return Ok(());
        }
        let (before, records) = history_of(&[700, 700], 8)?;
        let [third, fourth] = [3, 4].map(|number| bytes(number, 700));
        // Another record afterwards, and the same one again; one that has no bytes, and one that has two pages of them.
        let pairs = [
            [third.clone(), fourth.clone()],
            [third.clone(), third],
            [Vec::new(), fourth.clone()],
            [bytes(3, page_size() + 600), fourth],
        ];
        for pair in pairs {
            let records = [&records[..], &pair].concat();
            for sync in 1.. {
                let mut history = before.clone();
                if !history.kill(sync, |mapping| super::commit(mapping, &records[2]).map_err(kind))? {
                    break;
                }
                commits(&mut history, Follow::Calls, &records[3])?;
                let look = |mapping: &Mapping, cut: Cut| one_of(&numbers_after_a_kill(cut), mapping, &records);
                history.try_each(MOST_OF_MANY, story(&records), look)?;
            }
        }
        Ok(())
    });
}

#[test]
fn an_error_of_a_sync_is_returned() {
    check("errors", error_rule(), || {
        if !works()? {
            return Ok(());
        }
        let (history, records) = history_of(&[700, 30], 4)?;
        let records = [records, vec![bytes(3, 700)]].concat();
        let call = |mapping: &Mapping| super::commit(mapping, &records[2]);
        each_error_is_told(history.now(), call, |mapping| one_of(&[2, 3], mapping, &records))?;
        if !survives()? {
            return Ok(());
        }
        // One in several pages, of which the next one stores to none; and the same record again.
        let long = bytes(3, page_size() + 600);
        for (third, fourth) in [(long, bytes(4, 690)), (records[2].clone(), records[2].clone())] {
            let (before, records) = history_of(&[700, 30], 8)?;
            let records = [&records[..], &[third, fourth]].concat();
            let call = |n: usize, mapping: &Mapping| super::commit(mapping, &records[2 + n]);
            let look = |mapping: &Mapping, cut: Cut| {
                let numbers: &[usize] = if cut.under_way { &[2, 3, 4] } else { &[4] };
                one_of(numbers, mapping, &records)
            };
            goes_on_after_an_error(before.now(), Story { before: 3, ..story(&records[3..]) }, call, look)?;
        }
        Ok(())
    });
}

#[test]
fn a_record_that_is_too_long_changes_nothing() {
    let rule = text!(
        "What doesn't fit has to be refused before the first store: afterwards a part of it is there.",
        "放不下的内容要在第一次写入之前拒绝：写了再拒绝，就已经写进去一部分了。"
    );
    check("commit", rule, || {
        if !works()? {
            return Ok(());
        }
        let (history, records) = history_of(&[700, 30], 5)?;
        let most = 5 * page_size() / 4;
        for_each(
            [most + 1, 2 * page_size(), 5 * page_size(), 6 * page_size()],
            |length| text!("5 pages; a record of {length} bytes", "共 5 页；记录有 {length} 字节"),
            |length| {
                let (answer, difference) = in_child(|| {
                    let mapping = mapped(history.now())?;
                    let answer = super::commit(&mapping, &vec![b'x'; *length]).map_err(kind);
                    Ok((answer, difference(&loaded(&mapping), history.now())))
                })?;
                refused(&answer, &["EFBIG"])?;
                no_difference(text!("the file is as it was", "文件没有变"), difference)?;
                let mapping = to_read(history.now())?;
                ask(|| one_of(&[2], &mapping, &records))?
            },
        )
    });
}

#[test]
fn it_makes_few_syncs() {
    let rule = text!(
        "Each sync waits for the disk, which takes longer than all else.",
        "每次同步都要等磁盘，比其他一切都慢。"
    );
    check("commit", rule, || {
        if !works()? {
            return Ok(());
        }
        let (mut history, records) = (zeros(16), all_of(&[700, 3 * page_size(), 4 * page_size(), 0, 1]));
        for record in &records {
            let length = bytes_in_words(record.len());
            commits(&mut history, Follow::Calls, record).and_then(|()| syncs_are_few(&history)).map_err(|failure| {
                failure.given(text!("16 pages; a record of {length}", "共 16 页；记录有 {length}"; length))
            })?;
        }
        Ok(())
    });
}
