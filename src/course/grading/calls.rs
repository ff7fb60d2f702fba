//! Which functions of an exercise call which: a function fails when one that it calls is wrong.

use std::collections::{BTreeMap, BTreeSet};

use ra_ap_rustc_lexer::TokenKind;

use crate::course::tokens::tokens;

/// Which functions of a source call which.
pub(super) struct Calls<'a>(BTreeMap<&'a str, BTreeSet<&'a str>>);

/// For each function that is not inside another item: the names in it that are functions of the source, too.
pub(super) fn calls(source: &str) -> Calls<'_> {
    let mut names: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let (mut function, mut after_fn, mut depth) = (None, false, 0_usize);
    for (kind, text) in tokens(source) {
        match kind {
            TokenKind::OpenBrace => depth += 1,
            TokenKind::CloseBrace => {
                depth = depth.saturating_sub(1);
                // The body ends, and what follows is no part of the function.
                function = function.filter(|_| depth > 0);
            }
            TokenKind::Ident if depth == 0 && text == "fn" => after_fn = true,
            TokenKind::Ident if after_fn => {
                names.insert(text, BTreeSet::new());
                (function, after_fn) = (Some(text), false);
            }
            TokenKind::Ident => {
                if let Some(names) = function.and_then(|function| names.get_mut(function)) {
                    names.insert(text);
                }
            }
            _ => {}
        }
    }
    let known: BTreeSet<&str> = names.keys().copied().collect();
    names.values_mut().for_each(|called| called.retain(|name| known.contains(name)));
    Calls(names)
}

impl<'a> Calls<'a> {
    /// The functions that this one calls, and those that these call. For one at a time: of all together, a text of
    /// thousands would have millions.
    pub(super) fn by(&self, function: &str) -> BTreeSet<&'a str> {
        let (mut found, mut next) = (BTreeSet::new(), vec![function]);
        while let Some(caller) = next.pop() {
            for called in self.0.get(caller).into_iter().flatten() {
                if found.insert(*called) {
                    next.push(called);
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::calls;

    #[test]
    fn what_a_function_calls_is_found_through_others() {
        let source = "/// a\npub fn a() { helper(1) }\nfn helper(x: u8) { { b(x) } }\npub fn b() {}\n\
                      // b\nunsafe fn c() { \"a\"; /* a */ }\nimpl T { fn a(&self) { c() } }\n";
        let calls = calls(source);
        let of = |name| calls.by(name).into_iter().collect::<Vec<_>>();
        assert_eq!((of("a"), of("helper"), of("b"), of("c")), (vec!["b", "helper"], vec!["b"], vec![], vec![]));
    }

    /// If what is found grew with the square of the number of functions, this would take hours, or all memory.
    #[test]
    fn a_text_of_thousands_of_functions_that_call_each_other_is_read_in_one_go() {
        let functions: String = (0..50_000).map(|n| format!("fn f{n}() {{ f{} }}\n", (n + 1) % 50_000)).collect();
        assert_eq!(calls(&functions).by("f7").len(), 50_000);
    }
}
