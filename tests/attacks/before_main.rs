//! A function before main that writes a passing report and ends the process.
//! refused: link_section
#[unsafe(link_section = ".init_array")]
static BEFORE: extern "C" fn() = before;
extern "C" fn before() {
    println!("test result: ok. 1 passed; 0 failed; 0 ignored");
    std::process::exit(0);
}
