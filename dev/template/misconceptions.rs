//! Lesson NUMBER: TITLE.

use super::Misconception;

misconceptions! {}
