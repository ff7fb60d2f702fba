//! An attribute whose `#` is that of a comment and whose brackets are elsewhere: a file of the checks as a module.
//! refused: `tt`
macro_rules! glue {
    ($sign:tt $comment:tt $brackets:tt $name:ident) => {
        $sign $brackets
        mod $name;
    };
}
glue!(/** It begins with a sign. */ [path = "../checks/byte_at.rs"] inner);
