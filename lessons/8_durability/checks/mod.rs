//! The checks of exercise 8. Each function has a file of its own; here is what they share.

use mmap_workbook::grade::{Failure, ask, check, ensure, error_text, for_all};
use mmap_workbook::observe::page_size_u64;
use mmap_workbook::text;
use nix::sys::memfd::{MFdFlags, memfd_create};
use proptest::prelude::*;

use crate::exercise::whole_pages;

mod whole_pages;
