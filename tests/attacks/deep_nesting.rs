//! A hundred thousand open brackets, for which the compiler has not enough stack.
//! does not compile
//! times 100000: (
const DEEP: u8 = @;
