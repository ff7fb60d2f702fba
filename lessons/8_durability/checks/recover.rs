use super::*;

#[test]
fn there_is_none_before_the_first_commit() {
    let rule = text!(
        "A file that has only been made longer is zeros: nothing was committed. A mapping that was made for reading only can't be \
         stored to (SIGSEGV).",
        "只设定了长度的文件全是零：什么也没有提交过。只读的映射不能写入（SIGSEGV）。"
    );
    check("recover", rule, || {
        for_each(
            [4, 5, 7, 16],
            |pages| text!("a file of {pages} pages of zeros", "{pages} 页的文件，全是零"),
            |pages| {
                let mapping = to_read(&vec![0; pages * page_size()])?;
                equal(&ask(|| super::recover(&mapping))?, &None)
            },
        )
    });
}

#[test]
fn it_returns_whatever_the_file_has() {
    let rule = text!(
        "What a cut has left is input like any other: a length may be anything until something has shown that it is one.",
        "断电留下的内容和其他输入一样不可信：在验证之前，长度可能是任何值。"
    );
    check("recover", rule, || {
        let mut history = zeros(4);
        for record in all_of(&[20, 700, 20]) {
            no_error(history.call(Follow::Calls, |mapping| super::commit(mapping, &record).map_err(kind))?)?;
        }
        let files = garbage(5).into_iter().chain(damaged(history.now()));
        returns(files.collect(), |mapping| drop(super::recover(mapping))).map_err(stores_nothing("recover"))
    });
}

/// Expects that `call` returns, whatever the file has.
pub(super) fn returns(files: Vec<(Text, Vec<u8>)>, call: impl Fn(&Mapping)) -> Result<(), Failure> {
    // Where the child is.
    let progress = Mapping::anonymous(4, READ_WRITE, Sharing::Shared)?;
    let tried = in_child(|| {
        for (n, (_, bytes)) in (0..).zip(&files) {
            progress.word(0).store(n, Ordering::Relaxed);
            call(&to_read(bytes)?);
        }
        Ok(())
    });
    tried.map_err(|failure| {
        let at = usize::try_from(progress.word(0).load(Ordering::Relaxed)).unwrap_or_default();
        match files.get(at) {
            Some((words, _)) if failure.verdict != Verdict::Todo => failure.given(words.clone()),
            _ => failure,
        }
    })
}
