//! Reports of grades: as text, as JSON and as JUnit's XML. Also the list of lessons, with the status of each.
//!
//! What the learner's code has printed, named or said in a panic may be anything: no terminal gets it as it is.

mod json;
mod junit;
mod text;

use super::grading::Grade;
use crate::text::Text;

pub use json::{CheckLine, json};
pub use junit::junit;
pub(crate) use junit::{Suite, document, escape};

/// A grade, or why there is none, in one line.
pub type Outcome = Result<Grade, Text>;
