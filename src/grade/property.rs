//! Properties: the same test on many values, and the simplest value that fails.

use std::cell::RefCell;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};

use super::Failure;
use super::failure::Verdict;
use crate::text::Text;

/// The name of the environment variable with the seed of the random values, if others than the usual ones are wanted.
pub const SEED_VARIABLE: &str = "PROPTEST_RNG_SEED";

/// The number of random values that a property is tried on.
const CASES: u32 = 48;
/// The time for shrinking in milliseconds: the simplest value found by then is reported.
const SHRINKING: u32 = 2_000;

/// Tries `test` on 48 random values. When it fails, looks for a simpler value that fails too; `describe` names it.
///
/// # Errors
/// The failure with the simplest value found.
pub fn for_all<S: Strategy>(
    strategy: S,
    describe: impl Fn(&S::Value) -> Text,
    test: impl Fn(&S::Value) -> Result<(), Failure>,
) -> Result<(), Failure> {
    for_all_n(CASES, strategy, describe, test)
}

/// [`for_all`] on `cases` random values.
///
/// # Errors
/// The failure with the simplest value found.
pub fn for_all_n<S: Strategy>(
    cases: u32,
    strategy: S,
    describe: impl Fn(&S::Value) -> Text,
    test: impl Fn(&S::Value) -> Result<(), Failure>,
) -> Result<(), Failure> {
    // The same values on every run: the same answer gets the same verdict.
    let seed = std::env::var(SEED_VARIABLE).ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    // A learner's run writes no regression file, and shrinking has a limit.
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_time: SHRINKING,
        rng_seed: RngSeed::Fixed(seed),
        ..Config::default()
    };
    let simplest: RefCell<Option<Failure>> = RefCell::new(None);
    // `simplest` holds all that the result says: each failing value that shrinking finds is simpler than the last one.
    let _ = TestRunner::new(config).run(&strategy, |value| {
        if simplest.borrow().as_ref().is_some_and(|failure| !worth_shrinking(failure)) {
            return Ok(());
        }
        test(&value).map_err(|failure| {
            let failure = if failure.verdict == Verdict::Todo { failure } else { failure.given(describe(&value)) };
            simplest.replace(Some(failure));
            TestCaseError::fail("")
        })
    });
    simplest.into_inner().map_or(Ok(()), Err)
}

/// Whether a simpler value is worth the time: not where no value matters, or where each try waits for a deadline.
fn worth_shrinking(failure: &Failure) -> bool {
    !matches!(failure.verdict, Verdict::Todo | Verdict::TimedOut | Verdict::Broken | Verdict::Skipped)
}

/// Tries `test` on each of these values, in their order.
///
/// # Errors
/// The first failure, with its value.
pub fn for_each<T>(
    values: impl IntoIterator<Item = T>,
    describe: impl Fn(&T) -> Text,
    test: impl Fn(&T) -> Result<(), Failure>,
) -> Result<(), Failure> {
    values.into_iter().try_for_each(|value| test(&value).map_err(|failure| failure.given(describe(&value))))
}
