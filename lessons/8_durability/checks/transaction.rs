use super::*;

fn rule() -> Text {
    text!(
        "What was stored since the last sync reaches the disk in any order, or not at all. So the new pages go where no page that \
         counts is. What says which ones count is stored once they are synced, and in such a way that half of it is noticed.",
        "上次同步之后写入的内容，以任意顺序到达磁盘，也可能到不了。所以新的页要写到没有有效页的地方；说明哪些页有效的内容，等这些页同步之后才写，\
         而且写了一半要能看出来。"
    )
}

/// Pages to change, with their bytes.
type Changes = Vec<(usize, Vec<u8>)>;

/// Changes of these pages by one transaction after the other.
fn changes_of(transactions: &[&[usize]]) -> Vec<Changes> {
    let page = |number: usize, page: usize| {
        let more = u8::try_from(page).unwrap_or_default();
        (page, bytes(number, page_size()).into_iter().map(|byte| byte.wrapping_add(more)).collect())
    };
    (1..).zip(transactions).map(|(number, pages)| pages.iter().map(|n| page(number, *n)).collect()).collect()
}

/// The bytes of each transaction, one page after the other.
fn given(all: &[Changes]) -> Vec<Vec<u8>> {
    all.iter().map(|changes| changes.iter().flat_map(|(_, bytes)| bytes.clone()).collect()).collect()
}

fn story(given: &[Vec<u8>]) -> Story<'_> {
    Story { functions: &["transaction"], given, before: 0 }
}

/// As many pages as are kept at most.
const MOST_KEPT: usize = 1000;

/// The pages that a mapping of this many keeps.
fn kept(pages: usize) -> usize {
    (pages - 2) / 2
}

/// The pages before the first transaction, and after each.
fn versions(pages: usize, all: &[Changes]) -> Vec<Vec<Vec<u8>>> {
    let mut versions = vec![vec![vec![0; page_size()]; kept(pages)]];
    for changes in all {
        let mut next = versions.last().cloned().unwrap_or_default();
        changes.iter().for_each(|(page, bytes)| next[*page].clone_from(bytes));
        versions.push(next);
    }
    versions
}

/// Pages in words: as which transactions have left them.
fn found(got: &[Vec<u8>], versions: &[Vec<Vec<u8>>]) -> Text {
    let wanted = versions[0].len();
    if got.len() != wanted {
        let count = got.len();
        return text!("{count} pages in place of {wanted}", "{count} 页，应为 {wanted} 页");
    }
    match versions.iter().position(|version| version == got) {
        Some(0) => return text!("as at first", "最初的样子"),
        Some(n) => return text!("as transaction {n} has left them", "第 {n} 次事务之后的样子"),
        None => {}
    }
    let of_page = |(n, page): (usize, &Vec<u8>)| match versions.iter().position(|version| version[n] == *page) {
        Some(version) => format!("{version}"),
        None => "?".to_owned(),
    };
    let each: Vec<String> = got.iter().enumerate().map(of_page).collect();
    let each = each.join(", ");
    text!(
        "a mixture: one page after the other as after transaction {each} (0: as at first; ?: as after none)",
        "混杂的页：各页依次是第 {each} 次事务之后的样子（0 表示最初，? 表示都不是）"
    )
}

/// Expects the pages as after one of these numbers of transactions.
fn one_of(numbers: &[usize], mapping: &Mapping, versions: &[Vec<Vec<u8>>]) -> Result<(), Failure> {
    let got = crate::exercise::pages(mapping);
    ensure(numbers.iter().any(|n| versions[*n] == got), || {
        let names = numbers.iter().map(|n| found(&versions[*n], versions));
        let names = names.reduce(|one, other| text!("{one} or {other}", "{one}或{other}"; one, other));
        let (names, got) = (names.unwrap_or(text!("", "")), found(&got, versions));
        Failure::new(text!("the pages are {names}", "应为{names}"; names), text!("they are {got}", "得到{got}"; got))
    })
}

fn runs(history: &mut History, follow: Follow, changes: &Changes) -> Result<(), Failure> {
    no_error(history.call(follow, |mapping| super::transaction(mapping, changes).map_err(kind))?)
}

fn in_words(transactions: &[&[usize]], pages: usize) -> Text {
    text!(
        "{pages} pages; transactions that change the pages {transactions:?}",
        "共 {pages} 页；各次事务改动的页：{transactions:?}"
    )
}

/// Runs transactions, and reads back, without a cut.
fn reads_back(transactions: &[&[usize]], pages: usize) -> Result<(), Failure> {
    let all = changes_of(transactions);
    let versions = versions(pages, &all);
    let mapping = mapped(&vec![0; pages * page_size()])?;
    let is_read = |n: usize| {
        let left = to_read(&loaded(&mapping))?;
        ask(|| one_of(&[n], &left, &versions))?
    };
    is_read(0)?;
    for (n, changes) in (1..).zip(&all) {
        no_error(ask(|| super::transaction(&mapping, changes).map_err(kind))?)?;
        is_read(n)?;
    }
    Ok(())
}

const SIMPLEST: (&[&[usize]], usize) = (&[&[0, 1], &[0, 1], &[1, 2]], 8);

fn works() -> Result<bool, Failure> {
    knows_the_basics(reads_back(SIMPLEST.0, SIMPLEST.1))
}

fn is_cut(transactions: &[&[usize]], pages: usize, follow: Follow, most: usize) -> Result<(), Failure> {
    let all = changes_of(transactions);
    let (versions, given) = (versions(pages, &all), given(&all));
    let mut history = zeros(pages);
    all.iter().try_for_each(|changes| runs(&mut history, follow, changes))?;
    let look = |mapping: &Mapping, cut| one_of(&numbers_after(cut), mapping, &versions).map_err(lost(cut, "shadow"));
    history.try_each(most, story(&given), look).map(drop).map_err(after(in_words(transactions, pages)))
}

fn survives() -> Result<bool, Failure> {
    Ok(works()? && knows_the_basics(is_cut(SIMPLEST.0, SIMPLEST.1, Follow::Calls, MOST_OF_PAGES))?)
}

/// The most states of one moment: a page has many sectors.
const MOST_OF_PAGES: usize = 36;
/// The same where each store counts: those of the root are few.
const MOST_OF_ROOTS: usize = 60;

#[test]
fn pages_gives_what_was_changed_last() {
    check("shadow", rule(), || {
        let cases: [(&[&[usize]], usize); 4] =
            [SIMPLEST, (&[&[0], &[0], &[0]], 4), (&[&[], &[4, 0, 2], &[1, 2, 3], &[2], &[]], 12), (&[&[1], &[0]], 7)];
        for_each(
            cases,
            |(transactions, pages)| in_words(transactions, *pages),
            |(transactions, pages)| reads_back(transactions, *pages),
        )?;
        in_many_pages()
    });
}

/// More pages than words in a page, and more than are kept.
fn in_many_pages() -> Result<(), Failure> {
    let (transactions, pages): (&[&[usize]], _) = (&[&[0], &[1], &[0]], 2004);
    let all = changes_of(transactions);
    let mut wanted = versions(pages, &all).pop().unwrap_or_default();
    wanted.truncate(MOST_KEPT);
    let got = in_child(|| {
        let mapping = mapped(&vec![0; pages * page_size()])?;
        all.iter().try_for_each(|changes| super::transaction(&mapping, changes))?;
        if super::transaction(&mapping, &[(MOST_KEPT, vec![1; page_size()])]).is_ok() {
            return Ok(Some(MOST_KEPT));
        }
        let got = crate::exercise::pages(&mapping);
        Ok((0..wanted.len().max(got.len())).find(|n| got.get(*n) != wanted.get(*n)))
    });
    let differs = got.map_err(after(in_words(transactions, pages)))?;
    ensure(differs.is_none(), || {
        let n = differs.unwrap_or_default();
        Failure::new(
            text!("pages gives the pages as transaction 3 has left them", "pages 给出第 3 次事务之后的各页"),
            text!(
                "page {n} is another one, or is there and shouldn't, or isn't and should",
                "第 {n} 页不同，或者不该有，或者没有"
            ),
        )
        .given(in_words(transactions, pages))
    })
}

#[test]
fn a_cut_leaves_all_changes_or_none() {
    check("shadow", rule(), || {
        if !works()? {
            return Ok(());
        }
        is_cut(SIMPLEST.0, SIMPLEST.1, Follow::Calls, MOST_OF_PAGES)?;
        is_cut(&[&[0], &[0], &[0], &[0]], 4, Follow::Calls, MOST_OF_PAGES)?;
        is_cut(&[&[4, 0, 2], &[4], &[], &[3, 1, 2, 0, 4], &[2, 1]], 12, Follow::Calls, MOST_OF_PAGES)
    });
}

#[test]
fn so_does_a_cut_between_two_stores() {
    let rule = text!(
        "A page may be written to the disk at any moment: also while what says which pages count is stored to it byte by byte. Half of \
         that has to be noticed, and then the one before has to be there: it is in two slots, each with a checksum of all of it.",
        "一页随时可能被写到磁盘上：哪怕说明哪些页有效的内容正逐字节写入。写了一半要能看出来，这时前一份还得在：所以它有两个槽，各有一个包括\
         全部内容的校验和。"
    );
    check("shadow", rule, || {
        if !survives()? {
            return Ok(());
        }
        // Which pages count may also be said by bits, of more than one word.
        [(&[&[0, 1, 2][..], &[0, 1]], 8), (&[&[0, 70], &[0, 70]], 150)]
            .into_iter()
            .try_for_each(|(transactions, pages)| root_is_cut(transactions, pages))
    });
}

/// Cuts the power at each store of the last of two transactions, once all but its last sync have returned: what is stored then says
/// which pages count.
fn root_is_cut(transactions: &[&[usize]], pages: usize) -> Result<(), Failure> {
    let all = changes_of(transactions);
    let (versions, given) = (versions(pages, &all), given(&all[1..]));
    let mut history = zeros(pages);
    runs(&mut history, Follow::Calls, &all[0])?;
    let mut history = History::of(history.now().to_vec());
    let mut by_calls = history.clone();
    runs(&mut by_calls, Follow::Calls, &all[1])?;
    let follow = Follow::AccessesAfter(by_calls.most_syncs().saturating_sub(1));
    let cut = runs(&mut history, follow, &all[1]).and_then(|()| {
        let look = |mapping: &Mapping, cut| {
            let numbers: Vec<_> = numbers_after(cut).into_iter().map(|n| 1 + n).collect();
            one_of(&numbers, mapping, &versions)
        };
        history.try_each(MOST_OF_ROOTS, Story { before: 1, ..story(&given) }, look).map(drop)
    });
    unless_too_many_accesses(cut).map_err(after(in_words(transactions, pages)))
}

#[test]
fn after_a_cut_it_goes_on() {
    let rule = text!(
        "A transaction begins with what the last cut has left: it must not store to a page that counts.",
        "事务从上次断电留下的内容开始：不能写入有效的页。"
    );
    check("shadow", rule, || {
        if !survives()? {
            return Ok(());
        }
        let (transactions, pages) = (&[&[0, 1][..], &[0, 1], &[1, 2], &[0, 1], &[2]], 8);
        let all = changes_of(transactions);
        let (before, more) = all.split_at(3);
        let mut history = zeros(pages);
        before.iter().try_for_each(|changes| runs(&mut history, Follow::Calls, changes))?;
        for (left, words) in history.left_during(2, 5, story(&given(&all))) {
            let mapping = to_read(&left)?;
            let base = ask(|| crate::exercise::pages(&mapping))?;
            // That these are the pages after two transactions or three, another check says.
            let is_whole = base == versions(pages, before)[3];
            let done = if is_whole { &all[..] } else { &[&all[..2], more].concat()[..] };
            let (versions, first) = (versions(pages, done), done.len() - more.len());
            let mut history = History::of(left);
            more.iter()
                .try_for_each(|changes| runs(&mut history, Follow::Calls, changes))
                .map_err(after(words.clone()))?;
            let look = |mapping: &Mapping, cut| {
                let numbers: Vec<_> = numbers_after(cut).into_iter().map(|n| first + n).collect();
                one_of(&numbers, mapping, &versions)
            };
            let given = given(more);
            let story = Story { before: 3, ..story(&given) };
            history.try_each(20, story, look).map_err(after(words))?;
        }
        Ok(())
    });
}

#[test]
fn after_a_killed_process_too() {
    let rule = text!(
        "A process that is killed leaves its stores to the page cache, not to the disk: what says which pages count there may be taken \
         away by a cut. Before the pages are overwritten that counted until then, it has to be synced.",
        "被杀死的进程，写入的内容留在页缓存里，不在磁盘上：页缓存里说明哪些页有效的内容，断电之后可能就没有了。在覆盖原先有效的页之前，\
         必须先同步它。"
    );
    check("killed", rule, || {
        if !survives()? {
            return Ok(());
        }
        let (transactions, pages) = (&[&[0, 1][..], &[0, 1], &[0, 1], &[1, 0]], 8);
        let all = changes_of(transactions);
        let given = given(&all);
        // The last one changes what the third has changed.
        let versions = versions(pages, &all);
        let mut before = zeros(pages);
        all[..2].iter().try_for_each(|changes| runs(&mut before, Follow::Calls, changes))?;
        for sync in 1.. {
            let mut history = before.clone();
            if !history.kill(sync, |mapping| super::transaction(mapping, &all[2]).map_err(kind))? {
                break;
            }
            runs(&mut history, Follow::Calls, &all[3])?;
            let look = |mapping: &Mapping, cut: Cut| one_of(&numbers_after_a_kill(cut), mapping, &versions);
            history.try_each(MOST_OF_PAGES, story(&given), look)?;
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
        let (transactions, pages) = SIMPLEST;
        let all = changes_of(transactions);
        let versions = versions(pages, &all);
        let mut history = zeros(pages);
        all[..2].iter().try_for_each(|changes| runs(&mut history, Follow::Calls, changes))?;
        let call = |mapping: &Mapping| super::transaction(mapping, &all[2]);
        each_error_is_told(history.now(), call, |mapping| one_of(&[2, 3], mapping, &versions))?;
        if !survives()? {
            return Ok(());
        }
        // One page, which the last one changes again; then to the same bytes.
        let pages = 4;
        for last in [&[&[][..], &[], &[], &[0]], &[&[][..], &[], &[0], &[]]] {
            let mut all = changes_of(&[&[0], &[0], &[0]]);
            all.extend(changes_of(last).into_iter().filter(|changes| !changes.is_empty()));
            let mut history = zeros(pages);
            all[..2].iter().try_for_each(|changes| runs(&mut history, Follow::Calls, changes))?;
            let (versions, given) = (self::versions(pages, &all), given(&all[3..]));
            let call = |n: usize, mapping: &Mapping| super::transaction(mapping, &all[2 + n]);
            let look = |mapping: &Mapping, cut: Cut| {
                let numbers: &[usize] = if cut.under_way { &[2, 3, 4] } else { &[4] };
                one_of(numbers, mapping, &versions)
            };
            goes_on_after_an_error(history.now(), Story { before: 3, ..story(&given) }, call, look)?;
        }
        Ok(())
    });
}

#[test]
fn what_is_no_page_is_refused() {
    let rule = text!(
        "What can't be done as a whole has to be refused before the first store.",
        "不能全部完成的事，要在第一次写入之前拒绝。"
    );
    check("shadow", rule, || {
        if !works()? {
            return Ok(());
        }
        let (transactions, pages) = SIMPLEST;
        let mut history = zeros(pages);
        changes_of(transactions).iter().try_for_each(|changes| runs(&mut history, Follow::Calls, changes))?;
        let page = page_size();
        // Of nine pages three are kept, too.
        let odd = in_child(|| {
            let mapping = mapped(&vec![0; (pages + 1) * page])?;
            Ok(super::transaction(&mapping, &[(kept(pages + 1), vec![b'x'; page])]).map_err(kind))
        });
        let words = text!("9 pages, of which 3 are kept; a change of page 3", "共 9 页，可以保存 3 页；改动第 3 页");
        odd.and_then(|answer| refused(&answer, &["EINVAL"])).map_err(after(words))?;
        let cases: [Vec<(usize, usize)>; 5] = [
            vec![(kept(pages), page)],
            vec![(0, page), (kept(pages) + 7, page)],
            vec![(usize::MAX, page)],
            vec![(0, page), (1, page - 1)],
            vec![(1, page + 1)],
        ];
        for_each(
            cases,
            |case| {
                text!("{pages} pages; changes (page, length): {case:?}", "共 {pages} 页；改动（页号，长度）：{case:?}")
            },
            |case| {
                let changes: Changes = case.iter().map(|(page, length)| (*page, vec![b'x'; *length])).collect();
                let (answer, difference) = in_child(|| {
                    let mapping = mapped(history.now())?;
                    let answer = super::transaction(&mapping, &changes).map_err(kind);
                    Ok((answer, difference(&loaded(&mapping), history.now())))
                })?;
                refused(&answer, &["EINVAL"])?;
                no_difference(text!("the file is as it was", "文件没有变"), difference)
            },
        )
    });
}

#[test]
fn it_stores_and_syncs_little() {
    let rule = text!(
        "Shadow pages write what has changed, and what says where it is. All else stays where it is.",
        "影子页只写改动了的页，以及说明它们在哪里的内容。其余的都留在原处。"
    );
    check("shadow", rule, || {
        if !works()? {
            return Ok(());
        }
        let (transactions, pages) = (&[&[0, 3, 8][..], &[3], &[], &[3, 4]], 24);
        let mut history = zeros(pages);
        for (changes, numbers) in changes_of(transactions).iter().zip(transactions) {
            runs(&mut history, Follow::Calls, changes)?;
            let given =
                || text!("{pages} pages; the pages {numbers:?} are changed", "共 {pages} 页；改动的页：{numbers:?}");
            syncs_are_few(&history).map_err(|failure| failure.given(given()))?;
            let (stored, most) = (history.pages_stored(), changes.len() + 2);
            ensure(stored <= most, || {
                Failure::new(
                    text!("stores to at most {most} pages of the file", "至多写入文件的 {most} 页"),
                    text!("stores to {stored}", "写入了 {stored} 页"),
                )
                .given(given())
            })?;
        }
        Ok(())
    });
}
