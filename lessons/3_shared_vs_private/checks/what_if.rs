use super::*;

fn rule() -> Text {
    text!(
        "fork(2): a private mapping is private between parent and child, too: the stores of each make copies of its \
         own. An exit status has 8 bits, and any code may call exit(0).",
        "fork(2)：私有映射在父子进程之间也是私有的，各自的写入产生各自的副本。退出状态只有 8 位，而且任何代码都可以调用 exit(0)。"
    )
}

#[test]
fn brings_back_any_number_and_leaves_the_draft_alone() {
    check("observe", rule(), || {
        for_all(
            prop_oneof![any::<u64>(), 0..300_u64],
            |number| {
                text!("explore stores 254 to each page and returns {number}", "explore 在每页写入 254，返回 {number}")
            },
            |&number| {
                judged(|| {
                    let file = unnamed_file(&original())?;
                    let draft = draft_of(&file)?;
                    draft.store(1, STORED - 1);
                    let answer = super::what_if(&draft, |draft| {
                        // It loads what the draft shows, and then its own stores.
                        let seen = draft.load(1) == STORED - 1;
                        (0..PAGES).for_each(|page| draft.store(page * page_size(), STORED));
                        number.wrapping_add(u64::from(!seen || draft.load(0) != STORED))
                    });
                    let answer = answer.map_err(error_text);
                    equal(&answer, &Ok(number)).map_err(|failure| {
                        if answer == Ok(number & 0xff) {
                            failure.shows(&belief::STATUS_HOLDS_A_NUMBER)
                        } else {
                            failure
                        }
                    })?;
                    let mut wanted = original();
                    same_bytes(text!("the file is as it was", "文件保持原样"), &contents(&file)?, &wanted)?;
                    wanted[1] = STORED - 1;
                    same_bytes(text!("the draft is as it was", "草稿保持原样"), &loaded(&draft), &wanted)
                })
            },
        )
    });
}

#[test]
fn a_child_that_ends_early_is_an_error() {
    check("observe", rule(), || {
        type Explore = fn(&Mapping) -> u64;
        let ends: [(&str, &str, Explore); 4] = [
            ("panics", "发生 panic", |_| panic!("explore panics")),
            ("calls exit(0)", "调用 exit(0)", |_| std::process::exit(0)),
            ("aborts", "调用 abort", |_| std::process::abort()),
            ("loads from address 8", "读地址 8", |_| {
                // SAFETY: nothing is mapped there, and SIGSEGV kills the child.
                u64::from(unsafe { load_at(8) })
            }),
        ];
        for_each(
            ends,
            |(en, zh, _)| Text::new(format!("explore {en}"), format!("explore {zh}")),
            |&(_, _, explore)| {
                let answer = in_child(|| {
                    let file = unnamed_file(&original())?;
                    let draft = draft_of(&file)?;
                    Ok(super::what_if(&draft, explore).map_err(error_text))
                })?;
                ensure(answer.is_err(), || {
                    Failure::new(text!("an error", "一个错误"), text!("{answer:?}", "{answer:?}"))
                        .shows(&belief::STATUS_HOLDS_A_NUMBER)
                })
            },
        )
    });
}

/// The address of the counter in which [`at_the_end`] counts its runs, in a page that the processes share.
static END: AtomicUsize = AtomicUsize::new(0);

extern "C" fn at_the_end() {
    // SAFETY: the address is that of a shared mapping that is never unmapped.
    unsafe { &*std::ptr::with_exposed_provenance::<AtomicUsize>(END.load(Ordering::Relaxed)) }
        .fetch_add(1, Ordering::Relaxed);
}

#[test]
fn the_child_runs_no_exit_handlers() {
    let rule = text!(
        "_exit(2) ends a process at once; exit(3) first runs the functions that the parent has registered with \
         atexit(3), and writes out a second time the buffers that were copied from the parent.",
        "_exit(2) 立即结束进程；exit(3) 会先运行父进程用 atexit(3) 注册的函数，还会把从父进程复制来的缓冲区再写出一遍。"
    );
    check("observe", rule, || {
        let (runs, explored) = in_child(|| {
            let shared = Mapping::anonymous(page_size(), READ_WRITE, Sharing::Shared)?;
            END.store(shared.address(), Ordering::Relaxed);
            // SAFETY: the function is static and takes no argument.
            unsafe { libc::atexit(at_the_end) };
            let file = unnamed_file(&original())?;
            let draft = draft_of(&file)?;
            let explored = shared.long_word(8);
            super::what_if(&draft, |_| explored.fetch_add(1, Ordering::Relaxed))?;
            let (runs, explored) = (shared.long_word(0).load(Ordering::Relaxed), explored.load(Ordering::Relaxed));
            std::mem::forget(shared);
            Ok((runs, explored))
        })?;
        ensure(explored == 1, || {
            Failure::new(text!("explore runs once", "explore 运行一次"), text!("{explored} times", "{explored} 次"))
        })?;
        ensure(runs == 0, || {
            Failure::new(
                text!("the function that atexit(3) registered has not run", "atexit(3) 注册的函数没有运行"),
                text!("the child ran it", "子进程运行了它"),
            )
        })
    });
}

/// Counts in shared memory how often it is dropped.
struct Frame<'a>(&'a Mapping);

impl Drop for Frame<'_> {
    fn drop(&mut self) {
        self.0.long_word(0).fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_panic_ends_in_the_child() {
    let rule = text!(
        "After fork(2) the child has a copy of its parent's stack. A panic that is not caught there unwinds the \
         parent's frames a second time: it removes temporary files that the parent still uses, and may end up in a \
         catch_unwind of the parent.",
        "fork(2) 之后，子进程也有父进程的栈。panic 若无人捕获，就会在子进程里把父进程的栈帧再展开一遍：父进程还在用的临时文件会被删掉，甚至会落进父进程的 catch_unwind。"
    );
    check("observe", rule, || {
        let (explored, drops): (u64, u64) = in_child(|| {
            let shared = Mapping::anonymous(page_size(), READ_WRITE, Sharing::Shared)?;
            let file = unnamed_file(&original())?;
            let draft = draft_of(&file)?;
            let frame = Frame(&shared);
            // Another check expects the error.
            let _ = super::what_if(&draft, |_| {
                shared.long_word(8).fetch_add(1, Ordering::Relaxed);
                panic!("explore panics")
            });
            drop(frame);
            Ok([8, 0].map(|at| shared.long_word(at).load(Ordering::Relaxed)).into())
        })?;
        ensure((explored, drops) == (1, 1), || {
            Failure::new(
                text!(
                    "explore runs once, and the caller's value is dropped once, by the caller",
                    "explore 运行一次；调用者持有的值只析构一次，由调用者自己析构"
                ),
                text!(
                    "explore ran {explored} times, and the value was dropped {drops} times",
                    "explore 运行了 {explored} 次，值析构了 {drops} 次"
                ),
            )
        })
    });
}

#[test]
fn it_is_a_process_of_its_own() {
    check("observe", rule(), || {
        let (parent, child) = in_child(|| {
            let file = File::from(memfd_create(c"draft", MFdFlags::MFD_CLOEXEC)?);
            file.set_len(page_size_u64())?;
            let draft = draft_of(&file)?;
            let child = super::what_if(&draft, |_| u64::from(std::process::id()))?;
            Ok((u64::from(std::process::id()), child))
        })?;
        ensure(parent != child, || {
            Failure::new(
                text!("explore runs in a child", "explore 在子进程中运行"),
                text!("it ran in the same process, {parent}", "它就在本进程 {parent} 中运行"),
            )
        })
    });
}
