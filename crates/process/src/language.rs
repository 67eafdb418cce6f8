//! Which language a file is in, by linguist's facts and strategies.
//!
//! The strategies, in linguist's order: Emacs or Vim modeline, file name, shebang, extension (the longest that is
//! known), XML declaration, manual-page extension, heuristics over the first 50 KiB. Each may leave several
//! candidates to the next. Where linguist then asks a Bayesian classifier, we take the candidate that lists the
//! extension as its first (its primary one), then the first in `popularity`, then the first by name, so that the
//! same file always gets the same language.

mod facts;
mod heuristics;
mod modeline;
mod pattern;
pub(crate) mod popularity;
mod shebang;

use codelupe_core::Language;

pub use self::facts::{Facts, Kind, LanguageId, load};

/// Extensions that are too common to tell a language alone: a heuristic has to confirm it (linguist's `generic.yml`).
const GENERIC: &[&str] = &[
    ".1",
    ".2",
    ".3",
    ".4",
    ".5",
    ".6",
    ".7",
    ".8",
    ".9",
    ".action",
    ".alg",
    ".app",
    ".cmp",
    ".msg",
    ".network",
    ".resource",
    ".sol",
    ".srv",
    ".stl",
    ".tag",
    ".target",
    ".url",
];

/// How much of the start of a file the XML declaration is looked for in, in bytes.
const XML_SCOPE: usize = 512;

/// The language of a file with this base name and content; `None` when nothing tells it.
pub fn detect(facts: &Facts, file_name: &str, text: &str) -> Option<LanguageId> {
    let mut candidates = Candidates::default();
    modeline::alias(text)
        .and_then(|alias| facts.by_alias(&alias))
        .or_else(|| candidates.narrow(facts.by_file_name(file_name)))
        .or_else(|| candidates.narrow(facts.by_interpreter(shebang::interpreter(text).as_deref().unwrap_or(""))))
        .or_else(|| {
            let lower = file_name.to_lowercase();
            let known = facts.by_extension(&lower);
            by_extension(facts, &mut candidates, &lower, known.map(|(_, ids)| ids), text)
                .or_else(|| most_likely(facts, candidates.ids(), known.map_or("", |(extension, _)| extension)))
        })
}

/// Whether linguist knows a language of this name.
pub(crate) fn is_known(language: &Language) -> bool {
    load().is_ok_and(|facts| facts.by_name(language.as_str()).is_some())
}

/// The strategies that need the extension or, without one, the content.
fn by_extension<'f>(
    facts: &'f Facts,
    candidates: &mut Candidates<'f>,
    lower: &str,
    known: Option<&'f [LanguageId]>,
    text: &str,
) -> Option<LanguageId> {
    let is_generic = GENERIC.iter().any(|extension| lower.ends_with(extension));
    if !is_generic && let Some(found) = candidates.narrow(known.unwrap_or(&[])) {
        return Some(found);
    }
    if candidates.ids().is_empty() && is_xml(text) {
        return facts.by_name("XML");
    }
    if candidates.ids().is_empty() && is_manual_page(lower) {
        candidates.narrow(facts.manual_pages());
    }
    heuristics::decide(facts, lower, text)
}

/// The languages that are still possible; empty means all.
#[derive(Default)]
struct Candidates<'f> {
    whole: &'f [LanguageId],
    picked: Vec<LanguageId>,
}

impl<'f> Candidates<'f> {
    fn ids(&self) -> &[LanguageId] {
        if self.picked.is_empty() {
            self.whole
        } else {
            &self.picked
        }
    }

    /// Keeps what is also in `ids`; gives the language when only one is left. Without any in common nothing changes.
    fn narrow(&mut self, ids: &'f [LanguageId]) -> Option<LanguageId> {
        if self.ids().is_empty() {
            self.whole = ids;
        } else {
            let both: Vec<_> = self.ids().iter().copied().filter(|id| ids.contains(id)).collect();
            if both.is_empty() {
                return None;
            }
            self.picked = both;
        }
        match self.ids() {
            [only] => Some(*only),
            _ => None,
        }
    }
}

/// The candidate with this primary extension, else the most popular, else the first by name.
fn most_likely(facts: &Facts, candidates: &[LanguageId], extension: &str) -> Option<LanguageId> {
    candidates.iter().copied().min_by_key(|id| {
        (
            !facts.is_primary(*id, extension),
            popularity::rank(facts.name(*id)),
            *id,
        )
    })
}

fn is_xml(text: &str) -> bool {
    let head = &text.as_bytes()[..text.len().min(XML_SCOPE)];
    let second_line = memchr::memchr(b'\n', head).map_or(0, |end| end + 1);
    let end = memchr::memchr(b'\n', &head[second_line..]).map_or(head.len(), |end| second_line + end);
    memchr::memmem::find(&head[..end], b"<?xml version=").is_some()
}

/// A name such as `git.1`, `printf.3p` or `tar.1.in`.
fn is_manual_page(lower: &str) -> bool {
    let stem = lower.strip_suffix(".in").unwrap_or(lower);
    let Some((_, section)) = stem.rsplit_once('.') else {
        return false;
    };
    let mut chars = section.chars();
    match chars.next() {
        Some('1'..='9') => {
            !chars.clone().next().is_some_and(|c| c.is_ascii_digit())
                && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
        }
        _ => matches!(section, "0p" | "n" | "man" | "mdoc"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manual_pages_are_told_by_their_section() {
        for name in ["git.1", "printf.3p", "tar.1.in", "x.n", "socket.0p"] {
            assert!(is_manual_page(name), "{name}");
        }
        for name in ["git", "a.10", "a.0", "a.c", "v1.2.x-y"] {
            assert!(!is_manual_page(name), "{name}");
        }
    }

    #[test]
    fn a_strategy_with_nothing_in_common_changes_nothing() {
        let facts = load().unwrap();
        let mut candidates = Candidates::default();
        assert_eq!(candidates.narrow(facts.by_extension(".h").unwrap().1), None);
        let before = candidates.ids().to_vec();
        assert_eq!(candidates.narrow(facts.by_interpreter("python3")), None);
        assert_eq!(candidates.ids(), before);
    }
}
