//! No main of the test harness's, but its own.
//! refused: no_main
#![no_main]
