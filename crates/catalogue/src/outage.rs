//! Times in which a database does not answer, of which one line says when they begin and one when they are over.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Since when a database does not answer. It is asked every few seconds, from several threads and several times each: every
/// failure would be a line that says nothing new.
#[derive(Debug, Default)]
pub(crate) struct Outage(Mutex<Option<Instant>>);

impl Outage {
    /// Notes a failure; whether the outage begins with it.
    pub(crate) fn begin(&self) -> bool {
        let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let begins = since.is_none();
        since.get_or_insert_with(Instant::now);
        begins
    }

    /// Notes an answer; how long the outage lasted, if it is over with it.
    pub(crate) fn end(&self) -> Option<Duration> {
        let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        since.take().map(|since| since.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_begins_and_ends_once() {
        let outage = Outage::default();
        assert_eq!(outage.end(), None);
        for _ in 0..2 {
            assert!(outage.begin());
            assert!(!outage.begin() && !outage.begin());
            assert!(outage.end().is_some());
            assert_eq!(outage.end(), None);
        }
    }
}
