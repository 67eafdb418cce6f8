//! Occurrences by fingerprint.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use codelupe_core::error::{ErrorOccurrence, Fingerprint};

/// The most different errors.
const DIFFERENT: usize = 1000;

/// Occurrences by fingerprint: the latest occurrence of each, and how many there were.
#[derive(Debug, Default)]
pub(crate) struct Folded(BTreeMap<Fingerprint, (ErrorOccurrence, u64)>);

impl Folded {
    /// Adds later occurrences; returns how many of them found no place.
    #[must_use = "what found no place is counted"]
    pub(crate) fn add(&mut self, occurrence: ErrorOccurrence, count: u64) -> u64 {
        let full = self.0.len() >= DIFFERENT;
        match self.0.entry(occurrence.fingerprint()) {
            Entry::Occupied(mut known) => {
                let sum = known.get().1.saturating_add(count);
                known.insert((occurrence, sum));
                0
            }
            Entry::Vacant(_) if full => count,
            Entry::Vacant(place) => {
                place.insert((occurrence, count));
                0
            }
        }
    }

    /// Adds all of `later`; returns how many of them found no place.
    #[must_use = "what found no place is counted"]
    pub(crate) fn append(&mut self, later: Self) -> u64 {
        let later = later.0.into_values();
        later.fold(0, |lost: u64, (occurrence, count)| {
            lost.saturating_add(self.add(occurrence, count))
        })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Fingerprint, &ErrorOccurrence, u64)> {
        self.0
            .iter()
            .map(|(fingerprint, (occurrence, count))| (*fingerprint, occurrence, *count))
    }

    /// Those with one of these fingerprints.
    pub(crate) fn only(mut self, fingerprints: &[String]) -> Self {
        let wanted: BTreeSet<&str> = fingerprints.iter().map(String::as_str).collect();
        self.0
            .retain(|fingerprint, _| wanted.contains(fingerprint.to_string().as_str()));
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As the catalogue takes it: in order of fingerprints, so that two workers do not wait for each other crosswise.
    pub(crate) fn occurrences(&self) -> Vec<(ErrorOccurrence, u64)> {
        self.0.values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use codelupe_core::error::ErrorCode;
    use codelupe_core::error::ErrorContext;

    use super::*;

    fn report(message: &str, repository: &str) -> ErrorOccurrence {
        ErrorOccurrence::new(
            "test",
            ErrorCode::Network,
            message,
            ErrorContext::new().with_repository(repository),
        )
    }

    /// A word of its own for each number: digits would be folded.
    fn word(number: usize) -> String {
        number
            .to_string()
            .bytes()
            .map(|digit| char::from(digit - b'0' + b'g'))
            .collect()
    }

    #[test]
    fn the_latest_report_counts_for_all() {
        let mut folded = Folded::default();
        assert_eq!(folded.add(report("no 1", "a"), 2), 0);
        assert_eq!(folded.add(report("no 2", "b"), 3), 0);
        assert_eq!(folded.occurrences(), [(report("no 2", "b"), 5)]);
        let mut earlier = Folded::default();
        assert_eq!(earlier.add(report("no 0", "z"), u64::MAX), 0);
        assert_eq!(earlier.append(folded), 0);
        assert_eq!(earlier.occurrences(), [(report("no 2", "b"), u64::MAX)]);
    }

    #[test]
    fn what_finds_no_place_is_counted_and_what_is_known_always_finds_one() {
        let mut folded = Folded::default();
        for number in 0..DIFFERENT {
            assert_eq!(folded.add(report(&word(number), "a"), 1), 0);
        }
        assert_eq!(folded.add(report("too many", "a"), 7), 7);
        assert_eq!(folded.add(report(&word(0), "b"), 7), 0);
        let mut later = Folded::default();
        assert_eq!(
            later.add(report("too many", "a"), 2) + later.add(report(&word(1), "b"), 2),
            0
        );
        assert_eq!(folded.append(later), 2);
        let counts: u64 = folded.iter().map(|(.., count)| count).sum();
        assert_eq!(counts, DIFFERENT as u64 + 7 + 2);
    }
}
