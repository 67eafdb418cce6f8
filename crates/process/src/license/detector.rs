//! Identifying the license of one text.

use std::sync::OnceLock;

use codelupe_core::SpdxExpression;

use super::expression::Term;
use super::index::{Index, Kind, Reference};
use super::notice::{named_copyleft, notice_term, says_choice, start_of};
use super::words::{for_each_word, hash_word, pair_key, pairs, word_hashes};
use crate::Error;

/// How much of a text is looked at, in bytes. The longest SPDX text that is in wide use, the GPL-3.0, has 35 KB.
pub(super) const MAX_TEXT_BYTES: usize = 64 * 1024;

/// A Dice coefficient at or over this is the same text (the default threshold of askalono).
const SAME: f32 = 0.90;

/// The part of a reference that must be in a longer text to be found there.
const CONTAINED: f32 = 0.92;

/// The part of a text that the references found in it must cover: below, the text is about something else.
const COVERED: f32 = 0.40;

/// A text covered that much says nothing else; below, it is searched for names of copyleft licenses.
const COMPLETE: f32 = 0.90;

/// The part of a short text that must be in one reference for the text to be a cut copy of it.
const CUT: f32 = 0.97;

/// The least number of word pairs of a cut copy.
const MIN_CUT_PAIRS: u32 = 60;

/// What a text may add to a license, in word pairs, as its title or holder.
const MAX_TITLE_PAIRS: u32 = 8;

/// What a missing word pair of a reference costs, in found pairs, when candidates within a text are ranked.
const MISSING_COST: u32 = 4;

/// The score of a license that is named but whose text is not there.
const NOTICE_SCORE: f32 = 0.75;

/// The most licenses that are looked for in one text.
const MAX_CONTAINED: usize = 12;

/// What [`LicenseDetector::identify`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct Identified {
    /// The licenses of the text.
    pub expression: SpdxExpression,
    /// How much of the license and the text agree, 0 to 1: 1 for the same words, the Dice coefficient of word pairs for
    /// a whole text, the part found for a contained or cut one, 0.75 for a license that is only named.
    pub score: f32,
}

/// Knows the SPDX license texts. One is enough for the process: it can be shared between threads.
///
/// Cheap to make: the texts are read on the first use that needs them (55 ms and 10 MB at its peak, measured; askalono: 480 ms and 54 MB).
#[derive(Debug, Default)]
pub struct LicenseDetector {
    index: OnceLock<Index>,
}

impl LicenseDetector {
    /// A detector with the SPDX texts that were compiled in.
    ///
    /// # Errors
    ///
    /// None today; a detector that reads patterns may fail to build.
    pub fn new() -> Result<Self, Error> {
        Ok(Self::default())
    }

    /// The license of a text, such as a `LICENSE` file or the head of a source file. `None` when no license is in it.
    ///
    /// Looks at the first `MAX_TEXT_BYTES`.
    pub fn identify(&self, text: &str) -> Option<Identified> {
        self.identify_term(text).map(|(term, score)| Identified {
            expression: SpdxExpression::new(term.render()),
            score,
        })
    }

    pub(super) fn identify_term(&self, text: &str) -> Option<(Term, f32)> {
        let text = start_of(text, MAX_TEXT_BYTES);
        let words = word_hashes(text);
        if words.is_empty() {
            return None;
        }
        let index = self.index.get_or_init(Index::of_spdx_texts);
        if let Some(exact) = index.exact(&words).filter(|exact| exact.kind == Kind::License) {
            return Some((Term::One(exact.id.to_owned()), 1.0));
        }
        let text = Text::new(text, &words);
        let shared = index.shared_pairs(&text.pairs);
        let found = whole(index, &shared, text.total)
            .and_then(|best| with_the_rest(index, &text, best, shared[best.0]))
            .or_else(|| contained(index, &text))
            .or_else(|| cut(index, &shared, text.total));
        match found {
            Some((term, score)) => with_riders(term, &words).map(|term| (term, score)),
            None => notice_term(text.content).map(|term| (term, NOTICE_SCORE)),
        }
    }
}

/// A text and its word pairs.
struct Text<'a> {
    content: &'a str,
    pairs: Vec<(u32, u16)>,
    total: u32,
}

impl<'a> Text<'a> {
    fn new(content: &'a str, words: &[u64]) -> Self {
        let pairs = pairs(words);
        let total = pairs.iter().map(|(_, count)| u32::from(*count)).sum();
        Self { content, pairs, total }
    }
}

/// The one license that the whole text is, by its place in the index.
fn whole(index: &Index, shared: &[u32], total: u32) -> Option<(usize, f32)> {
    let (best, _) = best_by(index, shared, |reference, shared| {
        f_measure(ratio(shared, total), ratio(shared, reference.pairs))
    })?;
    let score = ratio(2 * shared[best], total + index.references()[best].pairs);
    (score >= SAME).then_some((best, score))
}

/// What else stands beside the best match: a long license hides a short one behind it, and a short text can name the
/// licenses of some files.
fn with_the_rest(index: &Index, text: &Text<'_>, (at, score): (usize, f32), shared: u32) -> Option<(Term, f32)> {
    let reference = &index.references()[at];
    let longer = text.total > reference.pairs + MIN_CUT_PAIRS;
    let more = longer.then(|| contained(index, text)).flatten();
    more.or_else(|| {
        let covered = if text.total > shared + MAX_TITLE_PAIRS {
            0.0
        } else {
            1.0
        };
        join(text.content, &[(reference, score)], covered).map(|term| (term, score))
    })
}

/// The licenses within a longer text: the one that explains most, then the next in what is left.
fn contained(index: &Index, text: &Text<'_>) -> Option<(Term, f32)> {
    let mut left = text.pairs.clone();
    let mut found: Vec<(&Reference, f32)> = Vec::new();
    let mut covered = 0;
    while found.len() < MAX_CONTAINED {
        let shared = index.shared_pairs(&left);
        let Some((at, score)) = best_contained(index, &shared) else {
            break;
        };
        covered += shared[at];
        left = index.without(&left, at);
        found.push((&index.references()[at], score));
    }
    let covered = ratio(covered, text.total);
    if covered < COVERED {
        return None;
    }
    let score = found.iter().map(|(_, score)| *score).fold(1.0, f32::min);
    join(text.content, &found, covered).map(|term| (term, score))
}

/// Joins what was found in a text, with the exceptions, and with the copyleft licenses that the rest of it names.
fn join(text: &str, found: &[(&Reference, f32)], covered: f32) -> Option<Term> {
    let exceptions: Vec<&str> = ids(found, Kind::Exception);
    let licenses = ids(found, Kind::License);
    let mut terms: Vec<Term> = licenses.iter().map(|id| attach(id, &exceptions)).collect();
    if covered < COMPLETE && !terms.is_empty() && !licenses.into_iter().any(speaks_of_gnu) {
        terms.extend(named_copyleft(text));
    }
    if says_choice_before_the_text(text) {
        Term::any(terms)
    } else {
        Term::all(terms)
    }
}

/// Whether the text of a license itself names the GPL.
fn speaks_of_gnu(id: &str) -> bool {
    spdx::license_id(id).is_some_and(|id| id.text().contains("General Public") || id.text().contains("GENERAL PUBLIC"))
}

fn ids<'a>(found: &[(&'a Reference, f32)], kind: Kind) -> Vec<&'a str> {
    found
        .iter()
        .filter(|(reference, _)| reference.kind == kind)
        .map(|(reference, _)| reference.id)
        .collect()
}

/// The reference that is nearly all in the text and explains most of it.
fn best_contained(index: &Index, shared: &[u32]) -> Option<(usize, f32)> {
    let candidates = index
        .references()
        .iter()
        .zip(shared)
        .enumerate()
        .filter_map(|(at, (reference, &shared))| {
            let part = ratio(shared, reference.pairs);
            let missing = reference.pairs.saturating_sub(shared);
            let gain = shared.checked_sub(MISSING_COST * missing)?;
            (part >= CONTAINED).then_some((gain, at, part))
        });
    candidates
        .max_by_key(|(gain, at, _)| (*gain, usize::MAX - at))
        .map(|(_, at, part)| (at, part))
}

/// The license of which the text is a part: a copy that was cut off, or the head of a source file.
fn cut(index: &Index, shared: &[u32], total: u32) -> Option<(Term, f32)> {
    if total < MIN_CUT_PAIRS {
        return None;
    }
    let (best, score) = best_by(index, shared, |_, shared| ratio(shared, total))?;
    // Licenses that were copied from others share their start with them: then the approved one is meant.
    let approved = best_by(index, shared, |reference, shared| {
        let approved = spdx::license_id(reference.id).is_some_and(spdx::LicenseId::is_osi_approved);
        if approved { ratio(shared, total) } else { 0.0 }
    });
    let (best, score) = approved
        .filter(|(_, approved)| *approved >= score - 0.02)
        .unwrap_or((best, score));
    (score >= CUT).then(|| (Term::One(index.references()[best].id.to_owned()), score))
}

/// The F-measure with beta = 1/4 (van Rijsbergen): that the license explains the text counts more than that the text has
/// all of the license. So the Apache license without its appendix is not taken for the shorter Pixar license.
fn f_measure(precision: f32, recall: f32) -> f32 {
    const BETA_SQUARED: f32 = 1.0 / 16.0;
    let sum = BETA_SQUARED * precision + recall;
    if sum == 0.0 {
        0.0
    } else {
        (1.0 + BETA_SQUARED) * precision * recall / sum
    }
}

/// The license with the highest value, by its place in the index; the first of equals.
fn best_by(index: &Index, shared: &[u32], value: impl Fn(&Reference, u32) -> f32) -> Option<(usize, f32)> {
    let mut best: Option<(usize, f32)> = None;
    for (at, (reference, &shared)) in index.references().iter().zip(shared).enumerate() {
        let value = value(reference, shared);
        if reference.kind == Kind::License && best.is_none_or(|(_, known)| value > known) {
            best = Some((at, value));
        }
    }
    best
}

/// A license with the exception that is written for it.
fn attach(id: &str, exceptions: &[&str]) -> Term {
    match exceptions.first() {
        Some(exception) if takes_exceptions(id) => Term::One(format!("{id} WITH {exception}")),
        _ => Term::One(id.to_owned()),
    }
}

fn takes_exceptions(id: &str) -> bool {
    ["GPL-", "LGPL-", "AGPL-", "Apache-2.0"]
        .iter()
        .any(|family| id.starts_with(family))
}

/// Whether the first lines, before any license text, offer a choice.
fn says_choice_before_the_text(text: &str) -> bool {
    let mut words = Vec::new();
    for_each_word(start_of(text, 600), |word| words.push(word.to_owned()));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    // A license text that starts within these lines may itself say "or the"; its first sentences do not speak of a choice
    // of licenses, so the phrase must come with the word `license` in the plural or twice.
    let licenses = words.iter().filter(|word| word.starts_with("licens")).count();
    licenses >= 2 && says_choice(&words[..words.len().min(80)])
}

/// Adds what a text takes back from a permissive license. `None` when what it adds is not known to be a license.
fn with_riders(term: Term, words: &[u64]) -> Option<Term> {
    let has = |first: &str, second: &str| {
        let key = pair_key(hash_word(first), hash_word(second));
        words.windows(2).any(|pair| pair_key(pair[0], pair[1]) == key)
    };
    if has("commons", "clause") {
        return Term::all(vec![term, Term::One("LicenseRef-Commons-Clause".to_owned())]);
    }
    let restricted = words.contains(&hash_word("noncommercial")) || has("non", "commercial");
    let known = term.licenses().iter().any(|id| {
        let id = id.split(" WITH ").next().unwrap_or(id);
        let own = spdx::license_id(id).map_or(String::new(), |id| id.text().to_lowercase());
        own.contains("noncommercial") || own.contains("non-commercial")
    });
    (!restricted || known).then_some(term)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a ratio of counts needs no more than f32"
)]
fn ratio(part: u32, whole: u32) -> f32 {
    if whole == 0 {
        0.0
    } else {
        (f64::from(part) / f64::from(whole)) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(id: &str) -> &'static str {
        spdx::license_id(id).unwrap().text()
    }

    fn check(detector: &LicenseDetector, text: &str, expected: Option<&str>) {
        let found = detector.identify(text);
        let start = &text[..text.floor_char_boundary(60)];
        assert_eq!(
            found.as_ref().map(|found| found.expression.as_str()),
            expected,
            "{start:?} {found:?}"
        );
    }

    #[test]
    fn texts_of_common_licenses_in_many_shapes() {
        let detector = LicenseDetector::new().unwrap();
        for id in [
            "MIT",
            "Apache-2.0",
            "BSD-2-Clause",
            "BSD-3-Clause",
            "ISC",
            "GPL-2.0-only",
            "GPL-3.0-only",
            "LGPL-2.1-only",
            "LGPL-3.0-only",
            "AGPL-3.0-only",
            "MPL-2.0",
            "Unlicense",
            "Zlib",
            "BSL-1.0",
            "CC0-1.0",
            "EPL-2.0",
            "0BSD",
            "MIT-0",
            "WTFPL",
            "X11",
            "BSD-4-Clause",
            "PostgreSQL",
            "NCSA",
            "Artistic-2.0",
            "OFL-1.1",
            "JSON",
        ] {
            let text = text_of(id);
            check(&detector, text, Some(id));
            check(
                &detector,
                &format!("My project\n==========\n\nCopyright (c) 2019 Ann and others\n\n{text}"),
                Some(id),
            );
            check(
                &detector,
                &text.split_whitespace().collect::<Vec<_>>().join(" "),
                Some(id),
            );
            check(
                &detector,
                &text.lines().flat_map(|line| [" * ", line, "\r\n"]).collect::<String>(),
                Some(id),
            );
            check(&detector, &text.to_uppercase(), Some(id));
        }
    }

    #[test]
    fn several_licenses_in_one_file() {
        let detector = LicenseDetector::new().unwrap();
        let both = format!("{}\n\n---\n\n{}", text_of("MIT"), text_of("Apache-2.0"));
        check(&detector, &both, Some("Apache-2.0 AND MIT"));
        let choice = format!(
            "This project is dual-licensed: take the MIT license or the Apache license, at your option.\n\n{both}"
        );
        check(&detector, &choice, Some("Apache-2.0 OR MIT"));
        let parts = format!(
            "The file b.c is under the GNU General Public License version 2. The rest:\n{}",
            text_of("MIT")
        );
        check(&detector, &parts, Some("MIT AND GPL-2.0-only"));
        let choice = format!(
            "Dual licensed under the MIT license or the GNU General Public License version 2.\n{}",
            text_of("MIT")
        );
        check(&detector, &choice, Some("MIT OR GPL-2.0-only"));
        let with = format!(
            "{}\n{}",
            text_of("Apache-2.0"),
            spdx::exception_id("LLVM-exception").unwrap().text()
        );
        check(&detector, &with, Some("Apache-2.0 WITH LLVM-exception"));
    }

    #[test]
    fn a_restriction_is_not_lost() {
        let detector = LicenseDetector::new().unwrap();
        let clause = "\"Commons Clause\" License Condition v1.0\nThe Software is provided to you by the Licensor under the License, as defined \
                      below, subject to the following condition.";
        check(
            &detector,
            &format!("{clause}\n{}", text_of("Apache-2.0")),
            Some("Apache-2.0 AND LicenseRef-Commons-Clause"),
        );
        let limited = text_of("MIT").replace("to deal in", "to deal for non-commercial purposes in");
        check(&detector, &limited, None);
    }

    #[test]
    fn cut_copies_and_notices() {
        let detector = LicenseDetector::new().unwrap();
        let apache = text_of("Apache-2.0");
        check(&detector, &apache[..apache.len() / 2], Some("Apache-2.0"));
        check(&detector, "Licensed under the MIT license.", Some("MIT"));
        for nothing in [
            "",
            "hello",
            "fn main() { println!(\"MIT\"); }",
            "\u{0}\u{1}\u{fffd}",
            "Copyright 2020 Ann",
        ] {
            check(&detector, nothing, None);
        }
    }

    #[test]
    fn long_texts_are_read_up_to_the_limit() {
        let detector = LicenseDetector::new().unwrap();
        let late = format!("{}{}", "ä ".repeat(MAX_TEXT_BYTES), text_of("MIT"));
        check(&detector, &late, None);
    }
}
