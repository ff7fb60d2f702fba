//! Errors of the compiler's with a text of its own in each, megabytes in all.
//! does not compile
//! times 2000: SUBMISSION
macro_rules! error {
    () => {
        compile_error!("@");
    };
}
macro_rules! errors {
    ($($error:ident)*) => { $($error!();)* };
}
errors!(error error error error error error error error error error error error error error error error error error);
errors!(error error error error error error error error error error error error error error error error error error);
errors!(error error error error error error error error error error error error error error error error error error);
errors!(error error error error error error error error error error error error error error error error error error);
