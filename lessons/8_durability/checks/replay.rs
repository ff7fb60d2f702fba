use super::*;

#[test]
fn there_is_none_before_the_first_append() {
    let rule = text!(
        "A file that has only been made longer is zeros: nothing was added to it. A mapping that was made for reading only can't be \
         stored to (SIGSEGV).",
        "只设定了长度的文件全是零：什么也没有追加过。只读的映射不能写入（SIGSEGV）。"
    );
    check("log", rule, || {
        for_each(
            [4, 5, 7, 16],
            |pages| text!("a file of {pages} pages of zeros", "{pages} 页的文件，全是零"),
            |pages| {
                let mapping = to_read(&vec![0; pages * page_size()])?;
                equal(&ask(|| super::replay(&mapping))?, &Vec::new())
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
    check("log", rule, || {
        let mut history = zeros(4);
        for entry in all_of(&[20, 700, 0, 20]) {
            no_error(history.call(Follow::Calls, |mapping| super::append(mapping, &entry).map_err(kind))?)?;
        }
        let files = garbage(5).into_iter().chain(damaged(history.now()));
        super::recover::returns(files.collect(), |mapping| drop(super::replay(mapping)))
            .map_err(stores_nothing("replay"))
    });
}
