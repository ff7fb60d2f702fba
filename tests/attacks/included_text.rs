//! A file of the machine in the binary.
//! refused: include_str
const SECRET: &str = include_str!("/etc/passwd");
