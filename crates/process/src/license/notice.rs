//! Short notices that name a license instead of holding its text.

use super::expression::{Term, parse};
use super::names::{name_words, names_in};

/// How much of a text is searched for a notice, in bytes.
const MAX_NOTICE_BYTES: usize = 8 * 1024;

/// A text that is nothing but an expression or a name is shorter, in bytes.
const MAX_BARE_BYTES: usize = 128;

/// A text of more words is no notice: it would name licenses by the way.
const MAX_NOTICE_WORDS: usize = 600;

/// The most licenses that a notice offers as a choice.
const MAX_CHOICE: usize = 3;

/// Words that say that the named licenses are a choice.
const CHOICE: [&[&str]; 9] = [
    &["either"],
    &["at", "your", "option"],
    &["at", "your", "choice"],
    &["dual"],
    &["your", "choice", "of"],
    &["or", "the"],
    &["one", "of"],
    &["alternatively"],
    &["any", "of", "the", "following"],
];

/// Words of which one stands in a notice that grants or names a license.
const GRANT: [&str; 12] = [
    "license",
    "licensed",
    "licenses",
    "licence",
    "licences",
    "released",
    "distributed",
    "dedicated",
    "terms",
    "redistribute",
    "domain",
    "copying",
];

/// The licenses that a short text names, joined by `OR` when it speaks of a choice, otherwise by `AND`.
///
/// An `SPDX-License-Identifier:` line decides alone.
pub(super) fn notice_term(text: &str) -> Option<Term> {
    let text = start_of(text, MAX_NOTICE_BYTES);
    if let Some(tagged) = tagged_term(text) {
        return Some(tagged);
    }
    // The whole text is an expression, as `MIT OR Apache-2.0`.
    if text.len() < MAX_BARE_BYTES
        && let Some(term) = parse(text)
    {
        return Some(term);
    }
    let words = name_words(text);
    if words.len() > MAX_NOTICE_WORDS {
        return None;
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if !words.iter().any(|word| GRANT.contains(word)) {
        return None;
    }
    let mut names: Vec<String> = names_in(&words).into_iter().map(|name| name.id).collect();
    drop_vague(&mut names);
    let mut distinct = names.clone();
    distinct.sort();
    distinct.dedup();
    let terms: Vec<Term> = names.into_iter().map(Term::One).collect();
    // A notice of many parts says `or` about one of them.
    if distinct.len() <= MAX_CHOICE && says_choice(&words) {
        Term::any(terms)
    } else {
        Term::all(terms)
    }
}

/// The copyleft licenses that a text names beside the license texts it holds; they apply as well.
pub(super) fn named_copyleft(text: &str) -> Vec<Term> {
    let words = name_words(start_of(text, MAX_NOTICE_BYTES));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut names: Vec<String> = names_in(&words).into_iter().map(|name| name.id).collect();
    names.retain(|id| {
        ["GPL-", "LGPL-", "AGPL-", "MPL-"]
            .iter()
            .any(|family| id.starts_with(family))
    });
    drop_vague(&mut names);
    names.into_iter().map(Term::One).collect()
}

/// Whether the words speak of a choice between licenses.
pub(super) fn says_choice(words: &[&str]) -> bool {
    CHOICE
        .iter()
        .any(|phrase| words.windows(phrase.len()).any(|window| window == *phrase))
}

/// The longest start of `text` of at most `limit` bytes.
pub(super) fn start_of(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}

/// The expressions of all `SPDX-License-Identifier:` lines, joined by `AND`.
fn tagged_term(text: &str) -> Option<Term> {
    let terms = text.lines().filter_map(|line| {
        let (_, stated) = line.split_once("SPDX-License-Identifier:")?;
        let stated = stated.trim().trim_end_matches("*/").trim_end_matches("-->").trim();
        parse(stated)
    });
    Term::all(terms.collect())
}

/// `GPL` without a version beside `GPL-3.0-only` says nothing more: a text names its license in short after
/// naming it in full.
fn drop_vague(names: &mut Vec<String>) {
    let families = [
        ("GPL-1.0-or-later", "GPL-"),
        ("LGPL-2.0-or-later", "LGPL-"),
        ("AGPL-3.0-or-later", "AGPL-"),
    ];
    for (vague, family) in families {
        if names.iter().any(|name| name.starts_with(family) && name != vague) {
            names.retain(|name| name != vague);
        }
    }
    let only: Vec<String> = names
        .iter()
        .filter_map(|name| name.strip_suffix("-or-later").map(|base| format!("{base}-only")))
        .collect();
    names.retain(|name| !only.contains(name));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_name_their_licenses() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(
                notice_term(text).map(|term| term.render()).as_deref(),
                expected,
                "{text:?}"
            );
        };
        check(
            "// SPDX-License-Identifier: MIT OR Apache-2.0",
            Some("MIT OR Apache-2.0"),
        );
        check("/* SPDX-License-Identifier: GPL-2.0+ */", Some("GPL-2.0-or-later"));
        check(
            "Licensed under either of\n * Apache License, Version 2.0\n * MIT license\nat your option.",
            Some("Apache-2.0 OR MIT"),
        );
        check(
            "Licensed under the Apache License, Version 2.0 (the \"License\");",
            Some("Apache-2.0"),
        );
        check(
            "This program is free software; you can redistribute it and/or modify it under the terms of the GNU \
             General Public License as published by the Free Software Foundation; either version 2 of the License, or \
             (at your option) any later version.",
            Some("GPL-2.0-or-later"),
        );
        check(
            "This file is licensed under the MIT and the Zlib licenses",
            Some("MIT AND Zlib"),
        );
        check("MIT OR Apache-2.0\n", Some("MIT OR Apache-2.0"));
        check("All rights reserved.", None);
        check("Go to mit.edu", None);
        check("", None);
    }
}
