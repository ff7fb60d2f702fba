//! Lesson 4: torn messages, lost increments, orderings, locks, futex(2).

use std::fmt::Debug;
use std::fs::{self, File};
use std::io::{self, Write};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::vocabulary::{
    die, futex_wait, futex_wake, in_a_child, shared_words, try_fcntl_lock, try_flock, try_ofd_lock,
    values_that_a_reader_may_find,
};

pub(super) fn lost_increment() -> io::Result<impl Debug> {
    let [count, _] = shared_words([0, 0])?;
    let n = count.load(Relaxed);
    in_a_child(|| {
        let n = count.load(Relaxed);
        count.store(n + 1, Relaxed);
        Ok(())
    })?;
    count.store(n + 1, Relaxed);
    Ok(count.load(Relaxed))
}

pub(super) fn one_step() -> io::Result<impl Debug> {
    let [count, _] = shared_words([0, 0])?;
    count.fetch_add(1, Relaxed);
    let in_the_child = in_a_child(|| Ok(count.fetch_add(1, Relaxed)))?;
    Ok((in_the_child, count.load(Relaxed)))
}

pub(super) fn compare_and_swap() -> io::Result<impl Debug> {
    let [count, _] = shared_words([5, 0])?;
    let n = count.load(Relaxed);
    in_a_child(|| {
        count.store(7, Relaxed);
        Ok(())
    })?;
    Ok((count.compare_exchange(n, n * 3, Relaxed, Relaxed), count.load(Relaxed)))
}

pub(super) fn torn() -> io::Result<impl Debug> {
    let [first, second] = shared_words([1, 1])?; // a message of two words
    first.store(2, Relaxed);
    let seen = in_a_child(|| Ok((first.load(Relaxed), second.load(Relaxed))))?;
    second.store(2, Relaxed);
    Ok(seen)
}

pub(super) fn the_flag_of_the_dead() -> io::Result<impl Debug> {
    let [busy, text] = shared_words([0, 0])?;
    in_a_child(|| {
        busy.store(1, Release);
        text.store(7, Relaxed);
        die()?; // SIGKILL
        busy.store(0, Release);
        Ok(())
    })?;
    Ok(busy.load(Acquire))
}

pub(super) fn created_and_killed() -> io::Result<impl Debug> {
    in_a_child(|| {
        let mut file = File::create_new("f")?; // open(2) with O_CREAT | O_EXCL
        die()?; // SIGKILL
        file.write_all(b"ready")
    })?;
    fs::read_to_string("f")
}

pub(super) fn nobody_sleeps() -> io::Result<impl Debug> {
    let [bell, _] = shared_words([0, 0])?;
    futex_wake(bell) // how many processes it wakes
}

pub(super) fn the_word_has_changed() -> io::Result<impl Debug> {
    let [bell, _] = shared_words([0, 0])?;
    let heard = bell.load(Acquire);
    in_a_child(|| {
        bell.store(1, Release);
        futex_wake(bell)
    })?;
    futex_wait(bell, heard)
}

pub(super) fn ready_too_early() -> io::Result<impl Debug> {
    let [data, ready] = shared_words([0, 0])?;
    let writer = || {
        ready.store(1, Release);
        data.store(1, Relaxed);
    };
    let reader = || (ready.load(Acquire) == 1).then(|| data.load(Relaxed));
    values_that_a_reader_may_find(writer, reader) // who has seen that it is ready
}

pub(super) fn relaxed() -> io::Result<impl Debug> {
    let [data, ready] = shared_words([0, 0])?;
    let writer = || {
        data.store(1, Relaxed);
        ready.store(1, Relaxed);
    };
    let reader = || (ready.load(Relaxed) == 1).then(|| data.load(Relaxed));
    values_that_a_reader_may_find(writer, reader) // who has seen that it is ready
}

pub(super) fn half_a_pair() -> io::Result<impl Debug> {
    let [data, ready] = shared_words([0, 0])?;
    let writer = || {
        data.store(1, Relaxed);
        ready.store(1, Release);
    };
    let reader = || (ready.load(Relaxed) == 1).then(|| data.load(Relaxed));
    values_that_a_reader_may_find(writer, reader) // who has seen that it is ready
}

pub(super) fn release_and_acquire() -> io::Result<impl Debug> {
    let [data, ready] = shared_words([0, 0])?;
    let writer = || {
        data.store(1, Relaxed);
        ready.store(1, Release);
    };
    let reader = || (ready.load(Acquire) == 1).then(|| data.load(Relaxed));
    values_that_a_reader_may_find(writer, reader) // who has seen that it is ready
}

pub(super) fn lock_of_the_dead() -> io::Result<impl Debug> {
    let file = File::create("f")?;
    in_a_child(|| {
        try_fcntl_lock(&file)?; // F_SETLK
        die() // SIGKILL
    })?;
    try_fcntl_lock(&file)
}

pub(super) fn flock_in_one_process() -> io::Result<impl Debug> {
    let (one, other) = (File::create("f")?, File::create("f")?);
    try_flock(&one)?; // flock(2)
    try_flock(&other)
}

pub(super) fn flock_over_fork() -> io::Result<impl Debug> {
    let file = File::create("f")?;
    try_flock(&file)?; // flock(2)
    in_a_child(|| try_flock(&file))
}

pub(super) fn record_lock_over_fork() -> io::Result<impl Debug> {
    let file = File::create("f")?;
    try_fcntl_lock(&file)?; // F_SETLK
    in_a_child(|| try_fcntl_lock(&file))
}

pub(super) fn any_close() -> io::Result<impl Debug> {
    let file = File::create("f")?;
    try_fcntl_lock(&file)?; // F_SETLK
    drop(File::open("f")?); // open(2), close(2)
    in_a_child(|| try_fcntl_lock(&file))
}

pub(super) fn any_close_of_ofd() -> io::Result<impl Debug> {
    let file = File::create("f")?;
    try_ofd_lock(&file)?; // F_OFD_SETLK
    drop(File::open("f")?); // open(2), close(2)
    in_a_child(|| try_ofd_lock(&File::create("f")?))
}
