//! A file of the machine in a message of the compiler's.
//! refused: include
const _: () = include!("/etc/passwd");
