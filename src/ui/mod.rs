//! What the program shows: in which language, in lines that fit, and where it goes.

mod language;
mod output;
mod terminal;

pub use output::{StandardOutput, complain, fail_at_the_file_size_limit, is_of_unread_output};
pub(crate) use output::{harmless, harmless_in_colour};
pub(crate) use terminal::visible;
pub use terminal::{BAD, BOLD, DIM, GOOD, NAME, Terminal, WARNING, wrap};
