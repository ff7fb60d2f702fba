//! What the laboratory's tests share.

// Each test is a crate of its own with a copy of this, and need not use all of it.
#![allow(dead_code)]

use std::path::Path;

use laboratory::stage::{Setup, Stage};
use laboratory::{Kind, is_asked_for};

/// The laboratory's program.
pub fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_laboratory"))
}

/// Whether the laboratory is asked for; says that these file systems are skipped if it isn't.
pub fn asked_for(kinds: &[Kind]) -> bool {
    if !is_asked_for() {
        eprintln!("skipped: {} of {} file systems: LABORATORY=1 is not set", kinds.len(), kinds.len());
    }
    is_asked_for()
}

/// The stages of these kinds that can be had here. What is missing is printed and counted.
pub fn stages(kinds: &[Kind]) -> Vec<Stage> {
    let (mut ready, mut missing) = (Vec::new(), 0);
    for kind in kinds {
        match Stage::set_up(program(), *kind).expect("the laboratory's program") {
            Setup::Ready(stage) => ready.push(*stage),
            Setup::Missing(kind, reason) => {
                missing += 1;
                eprintln!("skipped: {}: {reason}", kind.name());
            }
        }
    }
    if missing > 0 {
        eprintln!("skipped: {missing} of {} file systems", kinds.len());
    }
    ready
}
