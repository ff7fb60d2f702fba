use super::*;

fn rule() -> Text {
    text!(
        "fcntl(2), record locks: they belong to the process, are not inherited by fork(2), and end with it. flock(2) \
         and OFD locks belong to the open file description, which a child shares. A process id may be reused.",
        "fcntl(2) 的记录锁属于进程，不会被 fork(2) 继承，随进程结束而释放。flock(2) 和 OFD 锁属于打开文件描述，子进程同样持有。进程号则可能被重新使用。"
    )
}

/// A process that opens the file, and in each of its turns claims it and sends the result.
fn claimer(path: &Path) -> Result<Player, Failure> {
    let path = path.to_owned();
    start(move |peer| {
        let file = File::options().read(true).write(true).open(&path).map_err(error_text)?;
        claim_in_turns(peer, &file)
    })
}

fn claim_in_turns(peer: &Peer, file: &File) -> Result<(), String> {
    // Until the check drops its end.
    while peer.await_turn().is_ok() {
        let claimed = super::claim(file).map_err(kind);
        let claimed = claimed.map_or_else(|error| error, |pid| pid.to_string());
        peer.send(claimed.as_bytes()).map_err(error_text)?;
    }
    Ok(())
}

fn claims(player: &mut Player) -> Result<String, Failure> {
    player.give_turn()?;
    Ok(String::from_utf8_lossy(&player.receive()?).into_owned())
}

fn is(pid: Pid, got: &str, who: Text) -> Result<(), Failure> {
    ensure(got == pid.to_string(), || {
        let expected = Text::new(format!("the writer is {} ({pid})", who.en), format!("写者是{}（{pid}）", who.zh));
        Failure::new(expected, text!("{got}", "{got}"))
    })
}

fn file() -> Result<(tempfile::TempDir, std::path::PathBuf), Failure> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("channel");
    fs::write(&path, b"the channel")?;
    Ok((directory, path))
}

#[test]
fn one_process_is_the_writer_and_the_others_learn_who() {
    check("lock", rule(), || {
        let (_directory, path) = file()?;
        let (mut a, mut b) = (claimer(&path)?, claimer(&path)?);
        let first = || text!("the first process", "第一个进程");
        is(a.pid(), &claims(&mut a)?, first())?;
        is(a.pid(), &claims(&mut b)?, first())?;
        is(a.pid(), &claims(&mut a)?, first())?;
        is(a.pid(), &claims(&mut b)?, first())?;
        let bytes = fs::read(&path)?;
        ensure(bytes == b"the channel", || {
            Failure::new(text!("the file is as before", "文件保持原样"), text!("it has changed", "文件被改动了"))
        })
    });
}

#[test]
fn the_role_is_free_when_the_writer_is_killed() {
    check("lock", rule(), || {
        let (_directory, path) = file()?;
        let (mut a, mut b, mut c) = (claimer(&path)?, claimer(&path)?, claimer(&path)?);
        claims(&mut a)?;
        claims(&mut b)?;
        a.kill()?;
        is(b.pid(), &claims(&mut b)?, text!("the second process", "第二个进程"))
            .map_err(|failure| failure.shows(&belief::A_PID_IS_A_PROCESS))?;
        is(b.pid(), &claims(&mut c)?, text!("the second process", "第二个进程"))?;
        b.end()?;
        is(c.pid(), &claims(&mut c)?, text!("the third process", "第三个进程"))
    });
}

#[test]
fn a_child_of_the_writer_does_not_keep_the_role() {
    check("lock", rule(), || {
        let (_directory, path) = file()?;
        let mut b = claimer(&path)?;
        let mut a = start(|peer| {
            let file = File::options().read(true).write(true).open(&path).map_err(error_text)?;
            super::claim(&file).map_err(kind)?;
            // SAFETY: this process has no other thread; the child makes raw calls only.
            match unsafe { fork() }.map_err(error_text)? {
                ForkResult::Child => loop {
                    pause();
                },
                ForkResult::Parent { child } => {
                    // Out of the process group that is killed with its parent, before the check learns its id.
                    setpgid(child, child).map_err(error_text)?;
                    peer.send(child.to_string().as_bytes()).map_err(error_text)?;
                }
            }
            peer.await_turn().map_err(error_text)
        })?;
        let child = String::from_utf8_lossy(&a.receive()?).parse().map(Pid::from_raw).map_err(std::io::Error::other)?;
        let there = is(a.pid(), &claims(&mut b)?, text!("the parent", "父进程"));
        a.kill()?;
        let got = claims(&mut b);
        // It became a child of ours when its parent died.
        kill(child, Signal::SIGKILL)?;
        waitpid(child, None)?;
        there?;
        is(
            b.pid(),
            &got?,
            text!(
                "the other process, since the writer is dead and only its child lives",
                "另一个进程：写者已死，它的子进程还活着"
            ),
        )
        .map_err(|failure| failure.shows(&belief::FLOCK_IS_THE_PROCESSES))
    });
}

#[test]
fn the_child_is_not_the_writer_itself() {
    check("lock", rule(), || {
        let (_directory, path) = file()?;
        let (parent, child) = ask(|| {
            let file = File::options().read(true).write(true).open(&path).map_err(kind)?;
            let parent = super::claim(&file).map_err(kind)?;
            let child = ask(|| super::claim(&file).map_err(kind)).map_err(|failure| failure.happened.en)??;
            Ok::<_, String>((parent, child))
        })?
        .map_err(|error| Failure::new(text!("a process id", "一个进程号"), text!("{error}", "{error}")))?;
        ensure(parent == child, || {
            Failure::new(
                text!(
                    "to the child, too, the writer is the parent: {parent}",
                    "在子进程看来，写者也是父进程：{parent}"
                ),
                text!("{child}", "{child}"),
            )
            .shows(&belief::FLOCK_IS_THE_PROCESSES)
        })
    });
}
