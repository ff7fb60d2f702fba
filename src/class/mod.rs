//! The course for a class: handed out without its answers, and updated while learners work in it.

mod git;
pub mod handout;
pub mod update;
