//! A constant that the compiler computes without end.
//! does not compile
#[allow(long_running_const_eval)]
const ENDLESS: u64 = {
    let mut n = 0_u64;
    while n < u64::MAX {
        n += 1;
    }
    n
};
pub static USED: u64 = ENDLESS;
