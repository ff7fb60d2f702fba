//! The same, whose `#` separates what a macro repeats.
//! refused: `#`
macro_rules! glue {
    ($({ $($name:ident)* })*) => { $($([path = "../checks/byte_at.rs"] mod $name;)*)#* };
}
glue!({} { inner });
