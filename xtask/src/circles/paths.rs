//! The paths that a piece of Rust names.

use proc_macro2::{Delimiter, Group, TokenTree};

/// The segments of a path: `crate`, `error`, `Error`.
pub(super) type Path = Vec<String>;

/// One name that a `use` brings in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Import {
    pub(super) path: Path,
    /// The name that it gets; none for `*`.
    pub(super) name: Option<String>,
}

/// What a `use` brings in, from the tokens after the word to the semicolon, and how many tokens those are.
pub(super) fn imports(trees: &[TokenTree]) -> (Vec<Import>, usize) {
    let end = trees.iter().position(|tree| is(tree, ';')).unwrap_or(trees.len());
    let mut found = Vec::new();
    // A path from the root of all crates leads out of this one.
    if !is_separator(trees, 0) {
        branch(&trees[..end], &Vec::new(), &mut found);
    }
    (found, end)
}

/// One branch of a `use`, `a::b`, `a::{…}`, `a as b` or `a::*`, below `before`.
fn branch(trees: &[TokenTree], before: &Path, found: &mut Vec<Import>) {
    let mut path = before.clone();
    let mut renamed = None;
    let mut at = 0;
    while let Some(tree) = trees.get(at) {
        match tree {
            TokenTree::Group(group) => {
                for part in group_branches(group) {
                    branch(&part, &path, found);
                }
                return;
            }
            TokenTree::Ident(word) if word == "as" => {
                renamed = trees.get(at + 1).map(ToString::to_string);
                break;
            }
            TokenTree::Ident(word) => path.push(word.to_string()),
            TokenTree::Punct(punct) if punct.as_char() == '*' => {
                found.push(Import { path, name: None });
                return;
            }
            _ => {}
        }
        at += 1;
    }
    // `a::{self}` brings in `a`.
    if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    let name = renamed.or_else(|| path.last().cloned());
    if name.is_some() {
        found.push(Import { path, name });
    }
}

fn group_branches(group: &Group) -> Vec<Vec<TokenTree>> {
    let trees: Vec<TokenTree> = group.stream().into_iter().collect();
    trees.split(|tree| is(tree, ',')).map(<[_]>::to_vec).collect()
}

/// The path that starts at `at` with a name, and how many tokens it has. `<T as a::B>::c` and `::a` start with none.
pub(super) fn path(trees: &[TokenTree], at: usize) -> Option<(Path, usize)> {
    let follows = at >= 2 && is_separator(trees, at - 2);
    let TokenTree::Ident(first) = &trees[at] else {
        return None;
    };
    if follows {
        return None;
    }
    let mut path = vec![first.to_string()];
    let mut end = at + 1;
    while is_separator(trees, end)
        && let Some(TokenTree::Ident(word)) = trees.get(end + 2)
    {
        path.push(word.to_string());
        end += 3;
    }
    Some((path, end - at))
}

/// Whether a group only says for whom something is visible: `(crate)`, `(super)`, `(in crate::a)`.
pub(super) fn is_visibility(group: &Group) -> bool {
    let words = ["crate", "super", "self", "in"];
    group.delimiter() == Delimiter::Parenthesis
        && matches!(group.stream().into_iter().next(), Some(TokenTree::Ident(word)) if words.iter().any(|known| word == known))
}

/// Whether there is `::` at `at`.
fn is_separator(trees: &[TokenTree], at: usize) -> bool {
    trees.get(at).is_some_and(|tree| is(tree, ':')) && trees.get(at + 1).is_some_and(|tree| is(tree, ':'))
}

/// Whether a token is this sign.
pub(super) fn is(tree: &TokenTree, sign: char) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_is_taken_apart() {
        let check = |text: &str, expected: &[&str]| {
            let trees: Vec<TokenTree> = text.parse::<proc_macro2::TokenStream>().unwrap().into_iter().collect();
            let shown = |import: Import| {
                format!(
                    "{} as {}",
                    import.path.join("::"),
                    import.name.as_deref().unwrap_or("*")
                )
            };
            let found: Vec<String> = imports(&trees).0.into_iter().map(shown).collect();
            assert_eq!(found, expected, "{text}");
        };
        check("a::b;", &["a::b as b"]);
        check(
            "crate::{a::{self, B}, c as d, e::*};",
            &["crate::a as a", "crate::a::B as B", "crate::c as d", "crate::e as *"],
        );
        check("super::super::a::T as _; use b::c;", &["super::super::a::T as _"]);
        check("self::a;", &["self::a as a"]);
        check("::a::b;", &[]);
    }
}
