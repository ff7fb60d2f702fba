//! A macro at the root of the crate.
//! refused: macro_export
#[macro_export]
macro_rules! check {
    ($($all:tt)*) => {};
}
