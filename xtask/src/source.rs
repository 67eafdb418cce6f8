//! What the checks need to know of one Rust source file: its functions, its test code, what it names of `std`.

use std::ops::RangeInclusive;

use anyhow::anyhow;
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// One source file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outline {
    /// How many lines it has without those of `#[cfg(test)]` items.
    pub(crate) lines: usize,
    /// The functions outside of `#[cfg(test)]` items, also those inside of others.
    pub(crate) functions: Vec<Function>,
    /// The modules of `std` that are named outside of `#[cfg(test)]` items, with the line.
    pub(crate) std_modules: Vec<(usize, String)>,
    /// Where a clock is read outside of `#[cfg(test)]` items, with the line: `Instant::now`, `SystemTime::now`, `elapsed`.
    pub(crate) clocks: Vec<(usize, String)>,
    /// The lines that name a function of some `fs` that renames, outside of `#[cfg(test)]` items.
    pub(crate) renames: Vec<usize>,
    /// Where a metric is made or a span is named by a text, outside of `#[cfg(test)]` items, with the line.
    pub(crate) telemetry: Vec<(usize, String)>,
}

/// One function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// The line of its `fn`.
    pub(crate) line: usize,
    /// How many lines there are from `fn` to the closing brace.
    pub(crate) lines: usize,
}

/// Reads one file.
///
/// # Errors
/// When the text is not made of Rust tokens.
pub(crate) fn outline(text: &str) -> anyhow::Result<Outline> {
    let mut outline = Outline {
        lines: text.lines().count(),
        ..Outline::default()
    };
    walk(tokens(text)?, &mut outline);
    Ok(outline)
}

/// The tokens of a file.
///
/// # Errors
/// When the text is not made of Rust tokens.
pub(crate) fn tokens(text: &str) -> anyhow::Result<TokenStream> {
    text.parse()
        .map_err(|error: proc_macro2::LexError| anyhow!("line {}: {error}", error.span().start().line))
}

/// The tokens at this level without those of `#[cfg(test)]` items.
pub(crate) fn without_tests(tokens: TokenStream) -> Vec<TokenTree> {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let mut kept = Vec::with_capacity(trees.len());
    let mut at = 0;
    while at < trees.len() {
        match test_item(&trees, at) {
            Some(end) => at = end,
            None => kept.push(trees[at].clone()),
        }
        at += 1;
    }
    kept
}

fn walk(tokens: TokenStream, outline: &mut Outline) {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while at < trees.len() {
        if let Some(end) = test_item(&trees, at) {
            outline.lines -= lines_of(&trees, at..=end).min(outline.lines);
            at = end + 1;
            continue;
        }
        match &trees[at] {
            TokenTree::Group(group) => walk(group.stream(), outline),
            TokenTree::Ident(word) if word == "fn" => outline.functions.extend(function(&trees, at)),
            TokenTree::Ident(word) if word == "std" => std_modules(&trees[at + 1..], outline),
            TokenTree::Ident(word) if word == "fs" => renames(&trees[at + 1..], outline),
            TokenTree::Ident(word) => {
                let named = telemetry(&trees, at).map(|what| (word.span().start().line, what.to_owned()));
                outline.telemetry.extend(named);
                let clock = clock(&trees, at).map(|clock| (word.span().start().line, clock));
                outline.clocks.extend(clock);
            }
            _ => {}
        }
        at += 1;
    }
}

/// When an item under `#[cfg(test)]` starts at `at`: where it ends.
fn test_item(trees: &[TokenTree], at: usize) -> Option<usize> {
    let attribute = attribute(trees, at)?;
    if !is_cfg_test(attribute) {
        return None;
    }
    let mut start = at;
    while self::attribute(trees, start).is_some() {
        start += 2;
    }
    Some(body(trees, start).unwrap_or(trees.len() - 1))
}

fn attribute(trees: &[TokenTree], at: usize) -> Option<&Group> {
    match (trees.get(at)?, trees.get(at + 1)?) {
        (TokenTree::Punct(hash), TokenTree::Group(group))
            if hash.as_char() == '#' && group.delimiter() == Delimiter::Bracket =>
        {
            Some(group)
        }
        _ => None,
    }
}

/// `cfg(test)` or `cfg(all(test, …))`.
fn is_cfg_test(attribute: &Group) -> bool {
    let text: String = attribute.stream().to_string().split_whitespace().collect();
    text == "cfg(test)" || text.starts_with("cfg(all(test,")
}

/// Where the item whose tokens start at `start` ends: at its braces, or at its semicolon when it has none.
fn body(trees: &[TokenTree], start: usize) -> Option<usize> {
    let mut angles = 0_usize;
    let mut before = ' ';
    for (at, tree) in trees.iter().enumerate().skip(start) {
        let mut here = ' ';
        match tree {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace && angles == 0 => return Some(at),
            TokenTree::Punct(punct) => {
                here = punct.as_char();
                match here {
                    ';' => return Some(at),
                    '<' => angles += 1,
                    '>' if !matches!(before, '-' | '=') => angles = angles.saturating_sub(1),
                    _ => {}
                }
            }
            _ => {}
        }
        before = here;
    }
    None
}

/// The function whose `fn` is at `at`; none for a type such as `fn(u8)` and for one without a body.
fn function(trees: &[TokenTree], at: usize) -> Option<Function> {
    let TokenTree::Ident(name) = trees.get(at + 1)? else {
        return None;
    };
    let end = body(trees, at)?;
    matches!(trees[end], TokenTree::Group(_)).then(|| Function {
        name: name.to_string(),
        line: trees[at].span().start().line,
        lines: lines_of(trees, at..=end),
    })
}

/// Notes what renames after an `fs`: `::rename` or `::{File, rename}`.
fn renames(after: &[TokenTree], outline: &mut Outline) {
    let note = |tree: &TokenTree| match tree {
        TokenTree::Ident(name) => name.to_string().starts_with("rename").then(|| name.span().start().line),
        _ => None,
    };
    match path_after(after) {
        Some(TokenTree::Group(group)) => outline
            .renames
            .extend(group.stream().into_iter().filter_map(|tree| note(&tree))),
        Some(tree) => outline.renames.extend(note(tree)),
        None => {}
    }
}

/// What comes after `::`.
fn path_after(after: &[TokenTree]) -> Option<&TokenTree> {
    let is_colon = |tree: &TokenTree| matches!(tree, TokenTree::Punct(punct) if punct.as_char() == ':');
    match after {
        [first, second, third, ..] if is_colon(first) && is_colon(second) => Some(third),
        _ => None,
    }
}

/// Notes the modules after a `std`: `::fs` or `::{fs, io::Read}`.
fn std_modules(after: &[TokenTree], outline: &mut Outline) {
    match path_after(after) {
        Some(TokenTree::Ident(module)) => note(module, outline),
        Some(TokenTree::Group(group)) => {
            let mut begins = true;
            for tree in group.stream() {
                match &tree {
                    TokenTree::Ident(module) if begins => note(module, outline),
                    _ => {}
                }
                begins = matches!(&tree, TokenTree::Punct(punct) if punct.as_char() == ',');
            }
        }
        _ => {}
    }
}

/// The clock that is read at `at`.
fn clock(trees: &[TokenTree], at: usize) -> Option<String> {
    let word = trees[at].to_string();
    let text = |at: usize| trees.get(at).map(ToString::to_string).unwrap_or_default();
    match word.as_str() {
        "Instant" | "SystemTime" if text(at + 1) == ":" && text(at + 3) == "now" => Some(format!("{word}::now")),
        "elapsed" if at > 0 && text(at - 1) == "." => Some(word),
        _ => None,
    }
}

/// What belongs into the telemetry table and stands at `at`: `prometheus_client::metrics`, `info_span!("…"`, `#[instrument`.
fn telemetry(trees: &[TokenTree], at: usize) -> Option<&'static str> {
    let TokenTree::Ident(word) = &trees[at] else {
        return None;
    };
    let word = word.to_string();
    let next = |at: usize| trees.get(at).map(ToString::to_string).unwrap_or_default();
    if word == "prometheus_client" {
        let path = path_after(&trees[at + 1..])?.to_string();
        return (path == "metrics").then_some("a metric");
    }
    let is_span = (word == "span" || word.ends_with("_span")) && next(at + 1) == "!";
    // The name stands alone: a literal after `=` or `:` is the value of a field or a target.
    let names_it = || match trees.get(at + 2) {
        Some(TokenTree::Group(group)) => {
            let mut begins = true;
            group.stream().into_iter().any(|tree| {
                let named = begins && matches!(tree, TokenTree::Literal(_));
                begins = matches!(&tree, TokenTree::Punct(punct) if punct.as_char() == ',');
                named
            })
        }
        _ => false,
    };
    ((is_span && names_it()) || word == "instrument").then_some("the name of a span")
}

fn note(module: &proc_macro2::Ident, outline: &mut Outline) {
    outline
        .std_modules
        .push((module.span().start().line, module.to_string()));
}

fn lines_of(trees: &[TokenTree], range: RangeInclusive<usize>) -> usize {
    let first = trees[*range.start()].span().start().line;
    let last = trees[*range.end()].span().end().line;
    (last + 1).saturating_sub(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn functions(text: &str) -> Vec<(String, usize, usize)> {
        let functions = outline(text).unwrap().functions;
        functions.into_iter().map(|f| (f.name, f.line, f.lines)).collect()
    }

    fn check(text: &str, expected: &[(&str, usize, usize)]) {
        let expected: Vec<_> = expected
            .iter()
            .map(|&(name, line, lines)| (name.to_owned(), line, lines))
            .collect();
        assert_eq!(functions(text), expected, "{text}");
    }

    #[test]
    fn what_renames_is_found() {
        let check = |text: &str, expected: &[usize]| assert_eq!(outline(text).unwrap().renames, expected, "{text}");
        check("fn a() {\n fs::rename(a, b);\n std::fs::rename(c, d) }", &[2, 3]);
        check("use std::{fs::{self, File,\n rename}};", &[2]);
        check("fn a() { rustix::fs::renameat(a); }", &[1]);
        check(
            "#[sqlx(rename = \"x\")] struct A; fn b() { fs::read(a); disk::rename(b); }",
            &[],
        );
        check("#[cfg(test)] mod tests { fn a() { fs::rename(a, b) } }", &[]);
    }

    #[test]
    fn metrics_and_names_of_spans_are_found() {
        let check = |text: &str, expected: &[(usize, &str)]| {
            let found = outline(text).unwrap().telemetry;
            let found: Vec<_> = found.iter().map(|(line, what)| (*line, what.as_str())).collect();
            assert_eq!(found, expected, "{text}");
        };
        check("use prometheus_client::metrics::gauge::Gauge;", &[(1, "a metric")]);
        check("use prometheus_client::encoding::text;", &[]);
        check("fn a() {\n info_span!(\"job\", id = 1) }", &[(2, "the name of a span")]);
        check("#[tracing::instrument] fn a() {}", &[(1, "the name of a span")]);
        check("fn a() { info_span!(span::JOB, id = 1); error.span() }", &[]);
    }

    #[test]
    fn functions_are_measured_from_fn_to_brace() {
        check("fn a() {}", &[("a", 1, 1)]);
        check(
            "/// Doc\n#[inline]\npub fn a<T>(\n    x: T,\n) -> Vec<T>\nwhere\n    T: Fn(u8) -> u8,\n{\n    f(\"}\")\n}\n",
            &[("a", 3, 8)],
        );
        check(
            "impl X {\n fn a(&self) {\n  fn b() {\n  }\n }\n}",
            &[("a", 2, 4), ("b", 3, 2)],
        );
        check("trait X { fn a(&self); fn b() {} }", &[("b", 1, 1)]);
        check("fn a() -> [u8; 2] {\n}", &[("a", 1, 2)]);
        check("fn a() -> Foo<{ 1 + 2 }> {\n\n}", &[("a", 1, 3)]);
        check("type F = fn(u8) -> u8; struct S { f: fn() }", &[]);
        check("// fn a() {\nconst S: &str = r#\"fn b() {}\"#;", &[]);
    }

    #[test]
    fn test_items_do_not_count() {
        let text = "fn a() {}\n\n#[cfg(test)]\nmod tests {\n    use std::fs;\n    fn long() {\n    }\n}\n";
        let found = outline(text).unwrap();
        assert_eq!((found.lines, found.functions.len(), found.std_modules.len()), (2, 1, 0));
        let helper = "#[cfg(test)]\n#[must_use]\nfn b() -> u8 {\n    1\n}\nfn c() {}\n";
        assert_eq!(outline(helper).unwrap().lines, 1);
        assert_eq!(functions(helper), [("c".to_owned(), 6, 1)]);
        assert_eq!(outline("#[cfg(test)]\nuse a::b;\nfn c() {}\n").unwrap().lines, 1);
        assert_eq!(functions("#[cfg(not(test))]\nfn c() {}").len(), 1);
    }

    #[test]
    fn modules_of_std_are_found_in_uses_paths_and_macros() {
        let check = |text: &str, expected: &[&str]| {
            let found: Vec<String> = outline(text).unwrap().std_modules.into_iter().map(|m| m.1).collect();
            assert_eq!(found, expected, "{text}");
        };
        check("use std::fs;", &["fs"]);
        check(
            "use std::{collections::HashMap, fs::{self, File}, env};",
            &["collections", "fs", "env"],
        );
        check("fn a() { ::std::env::var(\"X\"); }", &["env"]);
        check("vec![std::net::Ipv4Addr::LOCALHOST]", &["net"]);
        check("/// Like `std::fs::read`.\nfn a() { x(\"std::fs\") }", &[]);
        check("use crate::fs; use my_std::fs;", &[]);
    }

    #[test]
    fn what_is_not_rust_is_an_error() {
        assert!(outline("fn a( {").is_err());
    }
}
