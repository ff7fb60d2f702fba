//! A binary of a terabyte.
//! does not compile
pub static HUGE: [u8; 1 << 40] = [1; 1 << 40];
