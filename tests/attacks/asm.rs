//! Machine instructions in the text of the program, at the place of another function.
//! refused: global_asm
core::arch::global_asm!(".section .init_array", ".quad 0");
