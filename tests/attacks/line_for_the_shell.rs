//! Words that are refused, in what looks like a string that begins in a line for the shell, which no compiler reads.
//! refused: extern crate
#!/bin/sh "
extern crate self as mmap_workbook;
// "
