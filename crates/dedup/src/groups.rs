//! Groups: documents that have the same key in one band.

use crate::error::{Error, ErrorKind};

/// The groups among documents in rank order: document 0 is the best. They come from a [`crate::BandTable`], or from an index
/// that others keep.
///
/// Memory: 8 bytes for each document of each group, and 4 a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups {
    documents: u32,
    /// Document and group.
    memberships: Vec<(u32, u32)>,
    count: u32,
    largest: usize,
    overflown: bool,
}

impl Groups {
    /// No groups among this many documents.
    pub const fn new(documents: u32) -> Self {
        Self {
            documents,
            memberships: Vec::new(),
            count: 0,
            largest: 0,
            overflown: false,
        }
    }

    /// Adds a group: documents that have the same key in the same band, in any order, each once. Fewer than two are none.
    ///
    /// There is room for `u32::MAX` groups; [`Self::complete`] tells when they were more.
    ///
    /// # Panics
    /// When a document is named that is not there.
    pub fn push(&mut self, docs: &[u32]) {
        if docs.len() < 2 {
            return;
        }
        if self.count == u32::MAX {
            self.overflown = true;
            return;
        }
        assert!(
            docs.iter().all(|doc| *doc < self.documents),
            "a group names a document that is not there"
        );
        self.memberships.extend(docs.iter().map(|&doc| (doc, self.count)));
        self.count += 1;
        self.largest = self.largest.max(docs.len());
    }

    /// The groups, if there was room for all that were pushed.
    ///
    /// # Errors
    /// [`ErrorKind::TooManyDocuments`] when there was not.
    pub fn complete(self) -> Result<Self, Error> {
        if self.overflown {
            return Err(Error::new(
                ErrorKind::TooManyDocuments,
                "more groups than a 32-bit number can name",
            ));
        }
        Ok(self)
    }

    /// The number of documents, in groups or not.
    pub const fn documents(&self) -> u32 {
        self.documents
    }

    /// The number of groups.
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// The number of documents in the largest group.
    pub const fn largest(&self) -> usize {
        self.largest
    }

    /// Makes ready for [`Self::by_document`].
    pub(crate) fn sort(&mut self) {
        self.memberships.sort_unstable();
    }

    /// Every document that is in a group, ascending, with its memberships. The groups must be sorted.
    pub(crate) fn by_document(&self) -> impl Iterator<Item = (u32, &[(u32, u32)])> {
        self.memberships.chunk_by(|a, b| a.0 == b.0).map(|all| (all[0].0, all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_come_with_their_groups() {
        let mut groups = Groups::new(6);
        groups.push(&[4, 0]);
        groups.push(&[3]);
        groups.push(&[]);
        groups.push(&[0, 5, 4]);
        groups.sort();
        let shown: Vec<(u32, usize)> = groups.by_document().map(|(doc, all)| (doc, all.len())).collect();
        assert_eq!(shown, [(0, 2), (4, 2), (5, 1)]);
        assert_eq!((groups.count(), groups.largest(), groups.documents()), (2, 3, 6));
    }

    #[test]
    fn a_group_too_many_is_told() {
        let mut groups = Groups::new(2);
        groups.count = u32::MAX - 1;
        groups.push(&[0, 1]);
        assert_eq!(groups.clone().complete().unwrap(), groups);
        groups.push(&[0, 1]);
        assert_eq!(groups.complete().unwrap_err().kind(), ErrorKind::TooManyDocuments);
    }

    #[test]
    #[should_panic(expected = "not there")]
    fn a_group_of_unknown_documents_is_a_mistake_of_the_caller() {
        Groups::new(2).push(&[1, 2]);
    }
}
