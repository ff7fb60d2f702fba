//! A machine with one writer at a time and readers, whose loads find whatever the memory model allows.
//!
//! It follows the model of C++20, which is Rust's, with the view-based rules of Kang et al. ("A promising semantics for
//! relaxed-memory concurrency", POPL 2017), without promises: a load never finds a value that is stored after it. A word
//! keeps all its values. A thread has a view: the oldest value of each word that it may still find. A store with Release
//! takes the view of its thread along, and a load with Acquire that finds its value adds that view to its own; Relaxed
//! accesses do the same through fences.
//!
//! Readers never store, so they don't influence the writers: the writers run first, one after the other, and then a
//! reader runs once for each choice of values. What SeqCst has beyond Acquire and Release orders the stores of one thread
//! before its own loads, and so matters only to threads that do both while others do.

use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Whether words are played. Each access asks this first.
static ON: AtomicBool = AtomicBool::new(false);
static MACHINE: Mutex<Option<Machine>> = Mutex::new(None);

thread_local! {
    /// What happens before each access of this thread. Nothing is played then.
    static MEANWHILE: RefCell<Option<Meanwhile>> = const { RefCell::new(None) };
}

struct Meanwhile {
    act: Box<dyn FnMut()>,
    /// How often it still happens.
    times: usize,
}

/// The most accesses of one call: one that makes more waits for something.
const LONGEST: usize = 1_000;

/// After this number of loads a call finds only the newest values.
const PATIENCE: usize = 40;

/// The index of the oldest value that may be found, for each word that has one beyond its first.
type View = Vec<usize>;

/// The value of a word, with the view that whoever finds it gets.
#[derive(Debug)]
struct Value {
    value: u64,
    published: View,
}

/// What a thread knows.
#[derive(Debug, Clone, Default)]
struct Thread {
    now: View,
    /// What the next Acquire fence adds.
    found: View,
    /// What the last Release fence has published.
    released: View,
}

#[derive(Debug, Default)]
struct Machine {
    /// The number of each word, by its address.
    numbers: HashMap<usize, usize>,
    words: Vec<Vec<Value>>,
    thread: Thread,
    /// The accesses and fences of this call so far.
    steps: usize,
    role: Role,
    /// What a writer that was killed has stored since, by the number of the word: nobody else sees it.
    after_death: Option<HashMap<usize, u64>>,
    fences: usize,
    /// The ordering of everything, if not the one that is asked for.
    order: Option<Ordering>,
    /// How many weak exchanges are still to fail without a reason.
    weak_failures: usize,
}

#[derive(Debug, Default)]
enum Role {
    /// Killed at this step, if there is one.
    Writer(Option<usize>),
    /// With the choices for its loads.
    Reader(Choices),
    #[default]
    Nobody,
}

/// For each load that could find several values: the number of values, and which one it finds, from the first that is
/// tried on (0).
#[derive(Debug, Default)]
struct Choices {
    made: Vec<(usize, usize)>,
    at: usize,
    /// Whether the newest value is tried first, or the oldest.
    newest_first: bool,
    /// How many loads may find another than the first that is tried.
    others: usize,
    log: Vec<Load>,
}

/// A load of a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// The address of the word.
    pub address: usize,
    /// What it found.
    pub value: u64,
    /// The newer values of the word, from the oldest on.
    pub newer: Vec<u64>,
}

/// Unwinds a call that ends early.
struct Ended(End);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// It has made [`LONGEST`] accesses.
    Waits,
    /// A reader stores.
    Stores,
}

/// Whether words are played.
#[inline(always)]
pub fn is_on() -> bool {
    ON.load(Ordering::Relaxed)
}

fn machine() -> MutexGuard<'static, Option<Machine>> {
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a step of the machine. None while a call unwinds: it has ended.
fn step<T>(act: impl FnOnce(&mut Machine) -> Result<T, End>) -> Option<T> {
    if std::thread::panicking() {
        return None;
    }
    let mut guard = machine();
    let machine = guard.as_mut()?;
    machine.steps += 1;
    // A writer that is killed goes on, with effects that nobody sees: what it has locked in its process, it releases.
    if matches!(machine.role, Role::Writer(Some(killed)) if machine.steps > killed) {
        machine.after_death.get_or_insert_default();
    }
    let done = if machine.steps > LONGEST { Err(End::Waits) } else { act(machine) };
    drop(guard);
    done.map_err(|end| resume_unwind(Box::new(Ended(end)))).ok()
}

fn acquires(order: Ordering) -> bool {
    matches!(order, Ordering::Acquire | Ordering::AcqRel | Ordering::SeqCst)
}

fn releases(order: Ordering) -> bool {
    matches!(order, Ordering::Release | Ordering::AcqRel | Ordering::SeqCst)
}

fn join(view: &mut View, other: &View) {
    view.resize(view.len().max(other.len()), 0);
    for (mine, theirs) in view.iter_mut().zip(other) {
        *mine = (*mine).max(*theirs);
    }
}

/// Raises the view of one word.
fn raise(view: &mut View, word: usize, to: usize) {
    view.resize(view.len().max(word + 1), 0);
    view[word] = view[word].max(to);
}

/// For a reader that is played: the number of its loads so far.
pub fn loads_so_far() -> usize {
    with(|machine| if let Role::Reader(choices) = &machine.role { choices.log.len() } else { 0 })
}

/// The number of fences that were played so far.
pub fn fences_so_far() -> usize {
    with(|machine| machine.fences)
}

/// Runs `body`, and `act` before each access to a word, `times` times at most; this process has one thread.
pub fn before_each_access<T>(times: usize, act: impl FnMut() + 'static, body: impl FnOnce() -> T) -> T {
    MEANWHILE.set(Some(Meanwhile { act: Box::new(act), times }));
    ON.store(true, Ordering::Relaxed);
    let returned = body();
    ON.store(false, Ordering::Relaxed);
    MEANWHILE.set(None);
    returned
}

/// Does what is to happen before an access. Returns whether there is anything of that kind.
fn acts_meanwhile() -> bool {
    MEANWHILE.with_borrow_mut(|meanwhile| {
        let Some(Meanwhile { act, times }) = meanwhile else { return false };
        if *times > 0 {
            *times -= 1;
            ON.store(false, Ordering::Relaxed);
            act();
            ON.store(true, Ordering::Relaxed);
        }
        true
    })
}

pub(super) fn load(word: &AtomicU64, order: Ordering) -> u64 {
    if acts_meanwhile() {
        return word.load(order);
    }
    step(|machine| Ok(machine.load(word, order))).unwrap_or_default()
}

pub(super) fn store(word: &AtomicU64, value: u64, order: Ordering) {
    if acts_meanwhile() {
        return word.store(value, order);
    }
    step(|machine| machine.store(word, value, order, View::default()));
}

pub(super) fn update(
    word: &AtomicU64,
    success: Ordering,
    failure: Ordering,
    mut next: impl FnMut(u64) -> Option<u64>,
) -> Result<u64, u64> {
    if acts_meanwhile() {
        return word.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next);
    }
    // The learner's closure runs while the machine is free. Nobody else stores meanwhile.
    let old = step(|machine| Ok(machine.newest(word))).ok_or(0_u64)?;
    let Some(new) = next(old) else {
        step(|machine| Ok(machine.load(word, failure)));
        return Err(old);
    };
    step(|machine| {
        let number = machine.number(word);
        if let Some(stored) = &mut machine.after_death {
            stored.insert(number, new);
            return Ok(());
        }
        // A release sequence goes on: who finds the new value gets what the old one published, too.
        let published = machine.words[number].last().map(|value| value.published.clone()).unwrap_or_default();
        machine.find(number, machine.words[number].len() - 1, success);
        machine.store(word, new, success, published)
    });
    Ok(old)
}

/// A compare_exchange_weak, which may fail though the word is as expected.
pub(super) fn exchange_weakly(
    word: &AtomicU64,
    current: u64,
    new: u64,
    success: Ordering,
    failure: Ordering,
) -> Result<u64, u64> {
    let fails = |machine: &mut Machine| {
        let fails = machine.weak_failures > 0 && machine.newest(word) == current;
        machine.weak_failures -= usize::from(fails);
        fails
    };
    if machine().as_mut().is_some_and(fails) {
        return Err(load(word, failure));
    }
    update(word, success, failure, |old| (old == current).then_some(new))
}

pub(super) fn fence(order: Ordering) {
    step(|machine| {
        if machine.after_death.is_some() {
            return Ok(());
        }
        machine.fences += 1;
        let order = machine.order.unwrap_or(order);
        let thread = &mut machine.thread;
        if acquires(order) {
            join(&mut thread.now, &thread.found);
        }
        if releases(order) {
            thread.released.clone_from(&thread.now);
        }
        Ok(())
    });
}

impl Machine {
    fn number(&mut self, word: &AtomicU64) -> usize {
        let next = self.words.len();
        let number = *self.numbers.entry(word.as_ptr().addr()).or_insert(next);
        if number == next {
            let first = Value { value: word.load(Ordering::Relaxed), published: View::default() };
            self.words.push(vec![first]);
        }
        number
    }

    fn newest(&mut self, word: &AtomicU64) -> u64 {
        let number = self.number(word);
        if let Some(value) = self.after_death.as_ref().and_then(|stored| stored.get(&number)) {
            return *value;
        }
        self.words[number].last().map_or(0, |value| value.value)
    }

    /// The value with this index is found.
    fn find(&mut self, number: usize, index: usize, order: Ordering) {
        let order = self.order.unwrap_or(order);
        raise(&mut self.thread.now, number, index);
        let published = &self.words[number][index].published;
        join(if acquires(order) { &mut self.thread.now } else { &mut self.thread.found }, published);
    }

    fn load(&mut self, word: &AtomicU64, order: Ordering) -> u64 {
        if self.after_death.is_some() {
            return self.newest(word);
        }
        let number = self.number(word);
        let newest = self.words[number].len() - 1;
        let oldest = self.thread.now.get(number).copied().unwrap_or_default();
        // A writer finds what it or the writer before it has stored.
        let index = match &mut self.role {
            Role::Reader(choices) => choices.next(oldest, newest),
            _ => newest,
        };
        self.find(number, index, order);
        let value = self.words[number][index].value;
        if let Role::Reader(choices) = &mut self.role {
            let newer = self.words[number][index + 1..].iter().map(|value| value.value).collect();
            choices.log.push(Load { address: word.as_ptr().addr(), value, newer });
        }
        value
    }

    fn store(&mut self, word: &AtomicU64, value: u64, order: Ordering, mut published: View) -> Result<(), End> {
        if let Role::Reader(_) = self.role {
            return Err(End::Stores);
        }
        let order = self.order.unwrap_or(order);
        let number = self.number(word);
        if let Some(stored) = &mut self.after_death {
            stored.insert(number, value);
            return Ok(());
        }
        let index = self.words[number].len();
        raise(&mut self.thread.now, number, index);
        join(&mut published, if releases(order) { &self.thread.now } else { &self.thread.released });
        raise(&mut published, number, index);
        self.words[number].push(Value { value, published });
        // What accesses it otherwise finds the newest value.
        word.store(value, Ordering::Relaxed);
        Ok(())
    }
}

impl Choices {
    /// The index of the value that the next load finds.
    fn next(&mut self, oldest: usize, newest: usize) -> usize {
        let of = newest - oldest + 1;
        // A value is found at last: a loop that waits for it ends.
        if of == 1 || self.log.len() >= PATIENCE {
            return newest;
        }
        if self.at == self.made.len() {
            self.made.push((of, 0));
        }
        // A reader that remembers what it found may load other words the next time.
        let choice = self.made[self.at].1.min(of - 1);
        self.at += 1;
        if self.newest_first { newest - choice } else { oldest + choice }
    }

    /// The next choices after these; false when there are none.
    fn advance(&mut self) -> bool {
        self.at = 0;
        self.log.clear();
        while let Some((of, choice)) = self.made.pop() {
            let others = self.made.iter().filter(|(_, choice)| *choice > 0).count();
            if choice + 1 < of && others < self.others {
                self.made.push((of, choice + 1));
                return true;
            }
        }
        false
    }
}

/// The words while they are played, in this process, which runs one thread. Dropping it ends the play.
#[derive(Debug)]
pub struct Play {
    /// What is known to a thread that begins after each of the writers so far.
    after: Vec<Thread>,
}

/// How a writer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrote {
    /// It returned.
    All,
    /// It was killed.
    Killed,
    /// It made more accesses than any writer needs.
    Waits,
}

/// A reader's calls that were explored.
#[derive(Debug, Clone, Copy, Default)]
pub struct Explored {
    /// The number of calls.
    pub runs: usize,
    /// Whether every choice within the limits was tried.
    pub all: bool,
}

impl Play {
    /// Begins to play the words. Each has the value that is in memory when it is first accessed.
    pub fn begin() -> Play {
        *machine() = Some(Machine::default());
        ON.store(true, Ordering::Relaxed);
        Play { after: Vec::new() }
    }

    /// From now on, each access and fence has this ordering, whatever it asks for; with None, the one that it asks for.
    pub fn order_all(&mut self, order: Option<Ordering>) {
        with(|machine| machine.order = order);
    }

    /// From now on, the next `times` weak exchanges fail that find what they expect. No x86-64 does that, but others do.
    pub fn fail_weakly(&mut self, times: usize) {
        with(|machine| machine.weak_failures = times);
    }

    /// Runs a writer, a process of its own that begins after all before it, and kills it before the access or fence with
    /// this index, from 0 on: nobody sees what it does from there on.
    pub fn write(&mut self, killed: Option<usize>, body: impl FnOnce()) -> Wrote {
        let known = self.after.last().map(|thread| thread.now.clone()).unwrap_or_default();
        let end = self.run(Thread { now: known, ..Thread::default() }, Role::Writer(killed), body).err();
        let (thread, killed) =
            with(|machine| (std::mem::take(&mut machine.thread), machine.after_death.take().is_some()));
        self.after.push(Thread { now: thread.now, ..Thread::default() });
        match end {
            _ if killed => Wrote::Killed,
            None => Wrote::All,
            Some(_) => Wrote::Waits,
        }
    }

    /// Whether the words that were played are all that the writers have changed in this memory, which was all zeros.
    pub fn knows<'a>(&self, words: impl IntoIterator<Item = &'a super::AtomicU64>) -> bool {
        with(|machine| {
            words.into_iter().all(|word| {
                let number = machine.numbers.get(&word.address());
                let newest = number.and_then(|number| machine.words[*number].last()).map_or(0, |newest| newest.value);
                word.0.load(Ordering::Relaxed) == newest
            })
        })
    }

    /// Runs a reader that begins after the first `writers` writers, for each choice of values that its loads may find:
    /// first the newest ones, or the oldest ones, then with one other load, with two, with three; each of these at most `most` times.
    /// `look` gets what it returns with its loads.
    ///
    /// # Errors
    /// The first error of `look`.
    pub fn read<T, E>(
        &mut self,
        writers: usize,
        most: usize,
        body: impl Fn() -> T,
        mut look: impl FnMut(T, &[Load]) -> Result<(), E>,
    ) -> Result<Explored, E> {
        let thread = writers.checked_sub(1).map(|last| self.after[last].clone()).unwrap_or_default();
        let mut explored = Explored { runs: 0, all: true };
        for (newest_first, others) in [0, 1, 2, 3].into_iter().flat_map(|others| [(true, others), (false, others)]) {
            let mut choices = Choices { newest_first, others, ..Choices::default() };
            let until = explored.runs + most;
            loop {
                if explored.runs == until {
                    explored.all = false;
                    break;
                }
                explored.runs += 1;
                let mut returned = None;
                let end = self.run(thread.clone(), Role::Reader(choices), || returned = Some(body()));
                let role = with(|machine| std::mem::take(&mut machine.role));
                let Role::Reader(now) = role else { unreachable!("the reader's role") };
                choices = now;
                if let (Ok(()), Some(returned)) = (end, returned) {
                    look(returned, &choices.log)?;
                }
                // It would wait for the same thing again and again.
                if end == Err(End::Waits) {
                    explored.all = false;
                    break;
                }
                if !choices.advance() {
                    break;
                }
            }
        }
        Ok(explored)
    }

    fn run(&mut self, thread: Thread, role: Role, body: impl FnOnce()) -> Result<(), End> {
        with(|machine| (machine.thread, machine.role, machine.steps) = (thread, role, 0));
        catch_unwind(AssertUnwindSafe(body)).map_err(|payload| match payload.downcast::<Ended>() {
            Ok(ended) => ended.0,
            Err(payload) => resume_unwind(payload),
        })
    }
}

fn with<T>(act: impl FnOnce(&mut Machine) -> T) -> T {
    act(machine().as_mut().expect("words are played until `Play` is dropped"))
}

impl Drop for Play {
    fn drop(&mut self) {
        ON.store(false, Ordering::Relaxed);
        *machine() = None;
    }
}
