//! Lesson 7: What it costs.

use super::Misconception;

misconceptions! {}
