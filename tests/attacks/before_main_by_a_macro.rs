//! The same, with the attribute's words put together by a macro.
//! refused: attribute made by a macro
macro_rules! place {
    ($name:ident, $value:literal, $item:item) => {
        #[unsafe($name = $value)]
        $item
    };
}
