//! Which functions of an exercise call which: a function fails when one that it calls is wrong.

use std::collections::{BTreeMap, BTreeSet};

use ra_ap_rustc_lexer::TokenKind;

use crate::course::tokens::tokens;

/// For each function that is not inside another item: the names in it that are functions of the source, too, and those
/// that these call.
pub(super) fn calls(source: &str) -> BTreeMap<&str, BTreeSet<&str>> {
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
    // What is called by what is called, until nothing is new.
    loop {
        let mut grown = names.clone();
        for called in grown.values_mut() {
            let more: Vec<_> = called.iter().flat_map(|name| &names[name]).copied().collect();
            called.extend(more);
        }
        if grown == names {
            return names;
        }
        names = grown;
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
        let of = |name| calls[name].iter().copied().collect::<Vec<_>>();
        assert_eq!((of("a"), of("helper"), of("b"), of("c")), (vec!["b", "helper"], vec!["b"], vec![], vec![]));
    }
}
