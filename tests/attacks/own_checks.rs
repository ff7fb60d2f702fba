//! A module of checks of its own, in which everything passes.
//! refused: `checks`
mod checks {
    #[test]
    fn byte_at() {}
}
