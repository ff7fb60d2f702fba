use super::append::{appends, found, one_of};
use super::*;

fn rule() -> Text {
    text!(
        "Zeros in many sectors don't arrive at once. What empties a log in one step is one store to one sector, after which all that \
         was there counts no more: since each entry says to which time it belongs.",
        "写到许多扇区的零，不会同时到达磁盘。要一步清空日志，就往一个扇区写入一次，使此前的一切都不再算数：因为每个条目都说明自己属于哪一代。"
    )
}

/// What is done to a log.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Act {
    /// An entry of this length is appended.
    Append(usize),
    Checkpoint,
}

use Act::{Append, Checkpoint};

/// The entries, and for each act the numbers of the entries that are there after it; first those before all.
struct Plan {
    acts: Vec<Act>,
    entries: Vec<Vec<u8>>,
    lists: Vec<Vec<usize>>,
    /// What is called for each act, and what it is given.
    functions: Vec<&'static str>,
    given: Vec<Vec<u8>>,
}

impl Plan {
    fn new(acts: &[Act]) -> Plan {
        let functions = acts.iter().map(|act| if *act == Checkpoint { "checkpoint" } else { "append" }).collect();
        let mut plan =
            Plan { acts: acts.to_vec(), entries: Vec::new(), lists: Vec::new(), functions, given: Vec::new() };
        for act in acts {
            plan.given.push(match act {
                Append(length) => bytes(plan.entries.len() + 1, *length),
                Checkpoint => Vec::new(),
            });
            if *act != Checkpoint {
                plan.entries.extend(plan.given.last().cloned());
            }
        }
        plan.lists = plan.lists_from(0, Vec::new());
        plan
    }

    fn words(&self) -> Text {
        let acts: Vec<_> = self
            .acts
            .iter()
            .map(|act| match act {
                Append(length) => format!("append ({length})"),
                Checkpoint => "checkpoint".to_owned(),
            })
            .collect();
        let (acts, zh) = (acts.join(", "), acts.join("、"));
        Text::new(
            format!("4 pages; one after the other: {acts}, each with the bytes of its entry"),
            format!("共 4 页；依次是：{zh}（括号里是条目的字节数）"),
        )
    }

    fn story(&self) -> Story<'_> {
        Story { functions: &self.functions, given: &self.given, before: 0 }
    }

    /// Does the `n`-th.
    fn act(&self, n: usize, mapping: &Mapping) -> std::io::Result<()> {
        match self.acts[n] {
            Append(_) => super::append(mapping, &self.given[n]),
            Checkpoint => super::checkpoint(mapping),
        }
    }

    /// Does these, one after the other, each in a process of its own.
    fn does(&self, numbers: Range<usize>, history: &mut History, follow: Follow) -> Result<(), Failure> {
        for n in numbers {
            no_error(history.call(follow, |mapping| self.act(n, mapping).map_err(kind))?)?;
        }
        Ok(())
    }

    /// The numbers of the entries before this act and after each from it on, where these are there before.
    fn lists_from(&self, from: usize, base: Vec<usize>) -> Vec<Vec<usize>> {
        let mut next = self.acts[..from].iter().filter(|act| **act != Checkpoint).count();
        let mut lists = vec![base];
        for act in &self.acts[from..] {
            let mut list = lists.last().cloned().unwrap_or_default();
            match act {
                Append(_) => list.push(next),
                Checkpoint => list.clear(),
            }
            next += usize::from(*act != Checkpoint);
            lists.push(list);
        }
        lists
    }

    /// What may be found after this cut, where each call returns.
    fn wanted(&self, cut: Cut) -> Vec<Vec<usize>> {
        lists_after(cut, &self.lists)
    }

    /// Cuts the power at each moment.
    fn is_cut(&self, follow: Follow, most: usize) -> Result<(), Failure> {
        let mut history = zeros(4);
        self.does(0..self.acts.len(), &mut history, follow)?;
        let look = |mapping: &Mapping, cut: Cut| {
            one_of(&self.wanted(cut), mapping, &self.entries).map_err(|failure| {
                let appends = cut.under_way && self.acts.get(cut.returned).is_some_and(|act| *act != Checkpoint);
                let rule = text!(
                    "What says to which time an entry belongs is covered by its checksum, like its length and its bytes: half of \
                     a header may be that of an older entry.",
                    "说明条目属于哪一代的内容，也要由它的校验和包括在内，与长度和内容一样：半个头部可能是旧条目的。"
                );
                if appends { failure.breaks("log", rule) } else { failure }
            })
        };
        history.try_each(most, self.story(), look).map(drop).map_err(after(self.words()))
    }
}

/// Those of the lists before the first act and after each that may be found after this cut.
fn lists_after(cut: Cut, lists: &[Vec<usize>]) -> Vec<Vec<usize>> {
    numbers_after(cut).into_iter().map(|n| lists[n].clone()).collect()
}

/// Does all of this, and reads back each time, without a cut.
fn reads_back(acts: &[Act]) -> Result<(), Failure> {
    let plan = Plan::new(acts);
    let mapping = mapped(&vec![0; 4 * page_size()])?;
    for n in 0..acts.len() {
        no_error(ask(|| plan.act(n, &mapping).map_err(kind))?).map_err(|failure| {
            after(plan.words())(failure).breaks(
                "log",
                text!(
                    "An empty log has as much room as at first: its first entry goes where the first one was.",
                    "清空之后的日志，空间与起初一样大：第一个条目写在最初第一个条目的位置。"
                ),
            )
        })?;
        let left = to_read(&loaded(&mapping))?;
        ask(|| one_of(&plan.lists[n + 1..n + 2], &left, &plan.entries))?.map_err(after(plan.words()))?;
    }
    Ok(())
}

/// The entries after a checkpoint are as long as those before it.
const SIMPLEST: &[Act] = &[Append(30), Append(700), Checkpoint, Append(30), Checkpoint];

fn works() -> Result<bool, Failure> {
    knows_the_basics(reads_back(SIMPLEST))
}

fn survives() -> Result<bool, Failure> {
    Ok(works()? && knows_the_basics(Plan::new(SIMPLEST).is_cut(Follow::Calls, MOST))?)
}

#[test]
fn the_log_is_empty_and_has_room_again() {
    check("log", rule(), || {
        reads_back(SIMPLEST)?;
        reads_back(&[Checkpoint, Append(0), Checkpoint, Checkpoint, Append(700), Append(0), Checkpoint, Append(0)])?;
        let most = 2 * page_size();
        reads_back(&[Append(most), Checkpoint, Append(most), Checkpoint, Append(10), Append(most), Checkpoint])
    });
}

#[test]
fn however_many_came_before() {
    let rule = text!(
        "A number that says to which time an entry belongs has to be wide enough never to go round: else what is left from long ago \
         belongs to this time again.",
        "说明条目属于哪一代的编号，必须宽到不会回绕：否则很久以前留下的条目又会成为这一代的。"
    );
    check("log", rule, || {
        if !works()? {
            return Ok(());
        }
        let wrong = in_child(|| {
            let mapping = mapped(&vec![0; 4 * page_size()])?;
            let all = all_of(&[30; 5]);
            for entry in &all[..4] {
                super::append(&mapping, entry)?;
            }
            for n in 1..=3000_u32 {
                super::checkpoint(&mapping)?;
                // As long as the first of the old ones, which is what is before the others.
                if [1, 2, 127, 128, 255, 256, 1023, 1024, 2047, 2048, 3000].contains(&n) {
                    super::append(&mapping, &all[4])?;
                    let got = crate::exercise::replay(&mapping);
                    if got != all[4..] {
                        return Ok(Some((n, got)));
                    }
                }
            }
            Ok(None)
        })?;
        wrong.map_or(Ok(()), |(n, got)| {
            let got = found(&got, &all_of(&[30; 5]));
            Err(Failure::new(
                text!("replay gives the entry 5 alone", "replay 只给出条目 5"),
                text!("it gives {got}", "给出{got}"; got),
            )
            .given(text!(
                "four entries of 30 bytes, {n} checkpoints, and entry 5, of 30 bytes",
                "先有四个 30 字节的条目，经过 {n} 次 checkpoint，再追加 30 字节的条目 5"
            )))
        })
    });
}

#[test]
fn a_cut_leaves_all_entries_or_none() {
    check("log", rule(), || {
        if !works()? {
            return Ok(());
        }
        Plan::new(SIMPLEST).is_cut(Follow::Calls, MOST)?;
        Plan::new(&[Append(700), Append(700), Append(700), Checkpoint, Append(700), Append(700)])
            .is_cut(Follow::Calls, MOST)?;
        Plan::new(&[Append(30), Append(1300), Append(5), Checkpoint, Append(20), Append(5), Checkpoint, Append(9)])
            .is_cut(Follow::Calls, MOST)
    });
}

#[test]
fn so_does_a_cut_between_two_stores() {
    let rule = text!(
        "A page may be written to the disk at any moment: also while a number is stored to it byte by byte (`write`), when it is neither \
         the old one nor the new one. One store (`long_word`) changes all of it.",
        "一页随时可能被写到磁盘上：哪怕一个数正逐字节写入（`write`），这时它既不是旧的，也不是新的。一次写入（`long_word`）改变整个数。"
    );
    check("log", rule, || {
        if !survives()? {
            return Ok(());
        }
        let acts = [Append(20), Append(13), Checkpoint, Append(20), Append(13), Checkpoint, Append(24)];
        unless_too_many_accesses(Plan::new(&acts).is_cut(Follow::Accesses, MOST_VERSIONS))?;
        // A number that began at 0 or at 1 goes from 255 to 256, so two of its bytes change, and the entries are of its first time.
        let (plan, many) = (Plan::new(&[Append(20), Append(13), Checkpoint, Checkpoint, Checkpoint]), 254);
        let before = in_child(|| {
            let (file, mapping) = mapped_file(&vec![0; 4 * page_size()])?;
            (0..2).try_for_each(|n| plan.act(n, &mapping))?;
            (0..many).try_for_each(|_| super::checkpoint(&mapping))?;
            contents(&file)
        })?;
        let mut history = History::of(before);
        let words = text!("two entries and {many} checkpoints", "先有两个条目，再有 {many} 次 checkpoint");
        let cut = plan.does(2..5, &mut history, Follow::Accesses).and_then(|()| {
            let story = Story { functions: &["checkpoint"], given: &[], before: many };
            history.try_each(MOST_VERSIONS, story, |mapping, _| one_of(&[Vec::new()], mapping, &plan.entries))
        });
        unless_too_many_accesses(cut.map(drop)).map_err(after(words))
    });
}

/// Does the rest of the plan, from this act on, with what was left: nothing comes back.
fn goes_on(plan: &Plan, from: usize, left: Vec<u8>, words: &Text) -> Result<(), Failure> {
    let mapping = to_read(&left)?;
    let base = ask(|| crate::exercise::replay(&mapping))?;
    // That these are some of those that are known, another check says.
    let position = |entry: &Vec<u8>| plan.entries.iter().position(|other| other == entry);
    let lists = plan.lists_from(from, base.iter().filter_map(position).collect());
    let mut history = History::of(left);
    plan.does(from..plan.acts.len(), &mut history, Follow::Calls).map_err(after(words.clone()))?;
    let look = |mapping: &Mapping, cut: Cut| one_of(&lists_after(cut, &lists), mapping, &plan.entries);
    let story = Story { functions: &plan.functions[from..], given: &plan.given[from..], before: from };
    history.try_each(24, story, look).map(drop).map_err(after(words.clone()))
}

#[test]
fn after_a_cut_nothing_comes_back() {
    let rule = text!(
        "After a cut the entries of before may still be in the file, although the log is empty. The first that is appended takes the \
         place of one of them, and the next one of them follows it.",
        "断电之后，日志虽然是空的，以前的条目却可能还在文件里。新追加的条目占了其中一个的位置，后面紧跟着的就是下一个旧条目。"
    );
    check("log", rule, || {
        if !survives()? {
            return Ok(());
        }
        let plan = Plan::new(&[Append(30), Append(30), Append(700), Checkpoint, Append(30), Append(30), Append(700)]);
        let mut history = zeros(4);
        plan.does(0..4, &mut history, Follow::Calls)?;
        for (left, words) in history.left_during(3, 8, plan.story()) {
            goes_on(&plan, 4, left, &words)?;
        }
        // And what an append after it has left.
        plan.does(4..5, &mut history, Follow::Calls)?;
        for (left, words) in history.left_during(4, 6, plan.story()) {
            goes_on(&plan, 5, left, &words)?;
        }
        Ok(())
    });
}

#[test]
fn after_a_killed_process_too() {
    let rule = text!(
        "A process that is killed leaves its stores to the page cache, not to the disk: the next one finds an empty log there, and a cut \
         may bring the entries back. So that has to be synced before anything is stored in their place.",
        "被杀死的进程，写入的内容留在页缓存里，不在磁盘上：下一个进程读到的是空日志，断电之后条目却可能又回来。所以在它们的位置写入之前，\
         必须先同步。"
    );
    check("killed", rule, || {
        if !survives()? {
            return Ok(());
        }
        // A checkpoint that is killed, and an append or another one after it; and an append that is killed, and a checkpoint
        // after it.
        for (acts, killed) in [
            (vec![Append(30), Append(700), Checkpoint, Append(30), Append(20)], 2),
            (vec![Append(30), Append(30), Checkpoint, Append(30), Append(30)], 2),
            // The second entry begins where a sector ends, if a header has at most 64 bytes: the first may be there without it.
            (vec![Append(436), Append(30), Checkpoint, Append(436), Append(20)], 2),
            (vec![Append(460), Append(30), Checkpoint, Append(460), Append(20)], 2),
            (vec![Append(484), Append(30), Checkpoint, Append(484), Append(20)], 2),
            (vec![Append(30), Append(700), Checkpoint, Checkpoint, Append(30)], 2),
            (vec![Append(30), Append(700), Checkpoint, Append(30), Append(700)], 3),
            (vec![Append(30), Append(700), Checkpoint, Append(30)], 1),
        ] {
            let plan = Plan::new(&acts);
            let mut before = zeros(4);
            plan.does(0..killed, &mut before, Follow::Calls)?;
            for sync in 1.. {
                let mut history = before.clone();
                if !history.kill(sync, |mapping| plan.act(killed, mapping).map_err(kind))? {
                    break;
                }
                let mapping = to_read(history.now())?;
                let is_done = ask(|| crate::exercise::replay(&mapping))?.len() == plan.lists[killed + 1].len();
                plan.does(killed + 1..acts.len(), &mut history, Follow::Calls)?;
                // What is there after each, where the one that was killed is done, and where it isn't.
                let lists = plan.lists_from(killed + 1, plan.lists[killed + usize::from(is_done)].clone());
                let look = |mapping: &Mapping, cut: Cut| {
                    let wanted = match cut.returned.checked_sub(killed + 1) {
                        None => plan.wanted(cut),
                        // The next one may not yet have begun.
                        Some(0) => [&plan.lists[killed..killed + 2], &lists[..2]].concat(),
                        Some(n) => lists[n..=n + usize::from(cut.under_way)].to_vec(),
                    };
                    one_of(&wanted, mapping, &plan.entries)
                };
                history.try_each(MOST, plan.story(), look).map_err(after(plan.words()))?;
                // A cut during the next one, and it goes on.
                for (left, words) in
                    history.left_during(killed + 1, if acts.len() == killed + 3 { 4 } else { 0 }, plan.story())
                {
                    goes_on(&plan, killed + 2, left, &words)?;
                }
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
        // What is appended afterwards is in another page than the log's beginning.
        let plan = Plan::new(&[Append(page_size() + 100), Append(30), Checkpoint]);
        let mut history = zeros(4);
        (0..2).try_for_each(|n| appends(&mut history, Follow::Calls, &plan.given[n]))?;
        each_error_is_told(history.now(), super::checkpoint, |mapping| {
            one_of(&plan.lists[2..4], mapping, &plan.entries)
        })?;
        if !survives()? {
            return Ok(());
        }
        // Another entry afterwards: the others are there, or they aren't.
        let entries = [&plan.entries[..], &[bytes(3, 30)]].concat();
        let call = |n: usize, mapping: &Mapping| match n {
            0 => super::checkpoint(mapping),
            _ => super::append(mapping, &entries[2]),
        };
        let look = |mapping: &Mapping, cut: Cut| {
            let (before, now) = ([vec![0, 1], Vec::new()], [vec![0, 1, 2], vec![2]]);
            let lists = if cut.under_way { [before, now].concat() } else { now.to_vec() };
            one_of(&lists, mapping, &entries)
        };
        let story = Story { functions: &["append"], given: &entries[2..], before: 2 };
        goes_on_after_an_error(history.now(), story, call, look)
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
        let plan = Plan::new(&[Append(page_size()), Append(2 * page_size()), Append(30), Checkpoint]);
        let mut history = zeros(8);
        plan.does(0..3, &mut history, Follow::Calls)?;
        // What the appends have done, other checks say.
        let mut history = History::of(history.now().to_vec());
        plan.does(3..4, &mut history, Follow::Calls)?;
        syncs_are_few(&history)
    });
}
