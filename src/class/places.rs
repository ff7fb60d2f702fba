//! Work that is shared out among places: the threads that grade, each in its place of the sandbox.

use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{SendError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Does all of the work, as much at once as there are places, and takes what comes of it, in the order in which it comes.
/// After an error of `take` no other one is begun.
///
/// # Errors
/// That of `take`.
pub(super) fn in_places<Work: Send, Done: Send>(
    places: usize,
    work: impl IntoIterator<Item = Work>,
    each: impl Fn(usize, Work, &Sender<Done>) -> Result<(), SendError<Done>> + Sync,
    mut take: impl FnMut(Done) -> io::Result<()>,
) -> io::Result<()> {
    let queue: Mutex<VecDeque<Work>> = Mutex::new(work.into_iter().collect());
    thread::scope(|scope| {
        let (sender, receiver) = channel();
        for place in 0..places {
            let (sender, queue, each) = (sender.clone(), &queue, &each);
            scope.spawn(move || {
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                    // Nobody listens any more after an error.
                    if next.is_none_or(|work| each(place, work, &sender).is_err()) {
                        break;
                    }
                }
            });
        }
        drop(sender);
        receiver.into_iter().try_for_each(&mut take)
    })
}
