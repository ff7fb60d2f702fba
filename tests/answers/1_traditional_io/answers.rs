//! Lesson 1's answers: the right one and the wrong ones, each with the checks that grade the learner.

mod solution;
