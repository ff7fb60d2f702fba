//! The verdict on a check, from how its process ended, what it printed and what it reported.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::grade::{Failure, Limit, Report};
use crate::process::Ended;
use crate::text;

/// The report of a check, with the failure that its process and its output show. `ended` is None when it was killed for
/// taking longer than `limit`.
pub(super) fn verdict(ended: Option<Ended>, limit: Duration, printed: &str, report: Option<Report>) -> Report {
    let failure = match (&ended, &report) {
        (_, Some(Report { failure: Some(failure), .. })) => Some(failure.clone()),
        (None, _) => Some(Failure::timed_out(Limit::Check(limit))),
        (Some(Ended::Exited(0)), Some(_)) if says_that_one_test_passed(printed) => None,
        (Some(Ended::Exited(101)), None) => Some(Failure::of_broken_check(printed)),
        (Some(ended), _) => Some(Failure::of_end(ended.clone())),
    };
    let failure = failure.map(|failure| match failure.signal.as_deref() {
        // std prints these words and aborts when an allocation fails.
        Some(signal) if signal == Signal::SIGABRT.as_str() && printed.contains("memory allocation of ") => {
            failure.out_of_memory()
        }
        _ => failure,
    });
    let nothing = || Report { section: String::new(), rule: text!("", ""), failure: None, left: None, told: None };
    Report { failure, ..report.unwrap_or_else(nothing) }
}

pub(super) fn says_that_one_test_passed(printed: &str) -> bool {
    printed.lines().any(|line| line.starts_with("test result: ok. 1 passed; 0 failed;"))
}

/// A check's output without libtest's own lines.
pub(super) fn what_the_learner_printed(printed: &str, test: &str) -> String {
    let begin = format!("test {test} ... ");
    let printed = printed.split_once(&begin).map_or(printed, |(_, rest)| rest);
    let ends = ["FAILED\n\nfailures:\n", "ok\n\ntest result: "];
    let printed = ends.iter().find_map(|end| printed.rsplit_once(end)).map_or(printed, |(printed, _)| printed);
    printed.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{says_that_one_test_passed, what_the_learner_printed};

    #[test]
    fn the_learners_output_is_kept_and_libtests_is_not() {
        let passed =
            "\nrunning 1 test\ntest checks::f::g ... hello\nyou\nok\n\ntest result: ok. 1 passed; 0 failed; 0\n";
        assert_eq!(what_the_learner_printed(passed, "checks::f::g"), "hello\nyou");
        assert!(says_that_one_test_passed(passed));
        let failed = "\nrunning 1 test\ntest checks::f::g ... FAILED\n\nfailures:\n\nfailures:\n    checks::f::g\n\ntest \
                      result: FAILED. 0 passed; 1 failed; 0\n";
        assert_eq!(what_the_learner_printed(failed, "checks::f::g"), "");
        assert!(!says_that_one_test_passed(failed));
    }
}
