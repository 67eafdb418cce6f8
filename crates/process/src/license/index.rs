//! The SPDX texts as an inverted index from word pairs to licenses.

use std::collections::HashMap;

use super::words::{fingerprint, pairs, word_hashes};

/// What a reference text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The text of a license.
    License,
    /// The text of an exception that follows a license (`WITH`).
    Exception,
}

/// One reference text; several SPDX ids with the same words are one reference.
#[derive(Debug)]
pub(super) struct Reference {
    /// Its SPDX id.
    pub(super) id: &'static str,
    /// License or exception.
    pub(super) kind: Kind,
    /// How many word pairs it has.
    pub(super) pairs: u32,
}

/// All reference texts.
#[derive(Debug)]
pub(super) struct Index {
    references: Vec<Reference>,
    exact: HashMap<u64, usize>,
    /// Ordered keys of word pairs; `starts[i]..starts[i + 1]` are the postings of `keys[i]`.
    keys: Vec<u32>,
    starts: Vec<u32>,
    /// Reference and how often the pair stands in it.
    postings: Vec<(u16, u16)>,
}

/// References with fewer word pairs are left out: they would be found in any text.
const MIN_REFERENCE_PAIRS: usize = 12;

impl Index {
    /// Reads all SPDX texts (4.2 MB, about 700 licenses and 80 exceptions).
    pub(super) fn of_spdx_texts() -> Self {
        let mut index = Self {
            references: Vec::new(),
            exact: HashMap::new(),
            keys: Vec::new(),
            starts: Vec::new(),
            postings: Vec::new(),
        };
        let mut entries: Vec<(u32, u16, u16)> = Vec::new();
        let licenses = spdx::text::LICENSE_TEXTS.iter().map(|text| (Kind::License, text));
        let exceptions = spdx::text::EXCEPTION_TEXTS.iter().map(|text| (Kind::Exception, text));
        for (kind, (id, text)) in licenses.chain(exceptions) {
            if is_wanted(kind, id) {
                index.add(kind, id, text, &mut entries);
            }
        }
        index.fill(entries);
        index
    }

    /// The reference with exactly these words.
    pub(super) fn exact(&self, words: &[u64]) -> Option<&Reference> {
        self.exact.get(&fingerprint(words)).map(|&at| &self.references[at])
    }

    /// All references, in the order of [`Self::shared_pairs`].
    pub(super) fn references(&self) -> &[Reference] {
        &self.references
    }

    /// For every reference, how many word pairs (as multisets) it shares with `text`.
    pub(super) fn shared_pairs(&self, text: &[(u32, u16)]) -> Vec<u32> {
        let mut shared = vec![0; self.references.len()];
        for &(key, count) in text {
            for &(reference, there) in self.postings_of(key) {
                shared[usize::from(reference)] += u32::from(count.min(there));
            }
        }
        shared
    }

    /// Takes the word pairs of one reference out of `text`, as far as they are there.
    pub(super) fn without(&self, text: &[(u32, u16)], reference: usize) -> Vec<(u32, u16)> {
        let left = text.iter().map(|&(key, count)| {
            let postings = self.postings_of(key);
            let there = postings.iter().find(|(at, _)| usize::from(*at) == reference);
            (key, count.saturating_sub(there.map_or(0, |(_, there)| *there)))
        });
        left.filter(|(_, count)| *count > 0).collect()
    }

    fn postings_of(&self, key: u32) -> &[(u16, u16)] {
        match self.keys.binary_search(&key) {
            Ok(at) => &self.postings[self.starts[at] as usize..self.starts[at + 1] as usize],
            Err(_) => &[],
        }
    }

    fn add(&mut self, kind: Kind, id: &'static str, text: &str, entries: &mut Vec<(u32, u16, u16)>) {
        let words = word_hashes(text);
        let print = fingerprint(&words);
        if words.len() <= MIN_REFERENCE_PAIRS {
            return;
        }
        if let Some(&at) = self.exact.get(&print) {
            let known = &mut self.references[at];
            if is_better_name(id, known.id) {
                known.id = id;
            }
            return;
        }
        let at = self.references.len();
        let Ok(number) = u16::try_from(at) else {
            return;
        };
        let pairs = pairs(&words);
        let total = pairs.iter().map(|(_, count)| u32::from(*count)).sum();
        entries.extend(pairs.iter().map(|&(key, count)| (key, number, count)));
        self.exact.insert(print, at);
        self.references.push(Reference { id, kind, pairs: total });
    }

    fn fill(&mut self, mut entries: Vec<(u32, u16, u16)>) {
        entries.sort_unstable();
        for (key, reference, count) in entries {
            if self.keys.last() != Some(&key) {
                self.keys.push(key);
                self.starts.push(u32::try_from(self.postings.len()).unwrap_or(u32::MAX));
            }
            self.postings.push((reference, count));
        }
        self.starts.push(u32::try_from(self.postings.len()).unwrap_or(u32::MAX));
    }
}

/// Deprecated ids that stand for an id and an exception, or for an id and later ones, are left out: the parts are there.
fn is_wanted(kind: Kind, id: &str) -> bool {
    kind == Kind::Exception || !(id.ends_with('+') || id.contains("-with-") && is_deprecated(id))
}

/// Of ids with the same words, the one that is not deprecated, then `-only` (a text alone grants no later version),
/// then the shorter.
fn is_better_name(id: &str, than: &str) -> bool {
    let rank = |id: &str| (is_deprecated(id), id.ends_with("-or-later"), id.len());
    rank(id) < rank(than)
}

fn is_deprecated(id: &str) -> bool {
    spdx::license_id(id).is_some_and(spdx::LicenseId::is_deprecated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_finds_itself() {
        let index = Index::of_spdx_texts();
        assert!(index.references().len() > 700);
        let texts = spdx::text::LICENSE_TEXTS.iter().chain(spdx::text::EXCEPTION_TEXTS);
        for (id, text) in texts.filter(|(id, _)| !id.ends_with('+')) {
            let words = word_hashes(text);
            if words.len() <= MIN_REFERENCE_PAIRS || id.contains("-with-") {
                continue;
            }
            let found = index.exact(&words).unwrap();
            let at = index
                .references()
                .iter()
                .position(|reference| reference.id == found.id)
                .unwrap();
            assert_eq!(index.shared_pairs(&pairs(&words))[at], found.pairs, "{id}");
        }
    }

    #[test]
    fn taking_a_reference_out_leaves_the_rest() {
        let index = Index::of_spdx_texts();
        let at = index.references().iter().position(|r| r.id == "MIT").unwrap();
        let text = format!(
            "{}\nseven other words stand here after it",
            spdx::license_id("MIT").unwrap().text()
        );
        let left = index.without(&pairs(&word_hashes(&text)), at);
        assert_eq!(left.len(), 7);
    }

    #[test]
    fn a_text_without_its_version_is_called_only() {
        assert!(is_better_name("GPL-2.0-only", "GPL-2.0"));
        assert!(!is_better_name("GPL-2.0-or-later", "GPL-2.0-only"));
    }
}
