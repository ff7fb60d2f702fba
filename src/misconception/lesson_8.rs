//! Lesson 8: What survives.

use super::Misconception;

misconceptions! {}
