//! A file of the machine in the binary, as a script that a debugger would run.
//! refused: debugger_visualizer
#[debugger_visualizer(gdb_script_file = "/usr/bin/env")]
mod script {}
