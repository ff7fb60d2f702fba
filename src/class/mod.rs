//! The course for a class: handed out without its answers, updated while learners work in it, and what comes back graded,
//! each answer in a sandbox, on one machine or on many.
//!
//! A submission is somebody else's code. The compiler runs in a sandbox of its own, and so does each check: without the
//! network, without any file of the machine but the system's programs, the toolchain, the compiled library and the
//! submission's own copy, and with limits. The crate that is compiled is the course's own; a submission is one module
//! of it. What that doesn't stop is said where it is: [`forbidden()`] looks at the text, `shape.rs` at the binary, and
//! [`grade::check`](crate::grade::check()) hides the report and itself from the code that it runs.

mod archive;
mod cgroup;
mod forbidden;
mod git;
mod grading;
pub mod handout;
mod pages;
mod places;
mod points;
mod results;
mod run;
mod sandbox;
mod shape;
mod submissions;
pub mod update;
mod workshop;

pub use archive::pack;
pub use forbidden::forbidden;
pub use grading::Grader;
pub use points::Points;
pub use results::{Line, Standing, merge};
pub use run::{Shard, Wanted, grade};
pub use sandbox::Sandbox;
pub use submissions::{Submission, Unread, submissions};
