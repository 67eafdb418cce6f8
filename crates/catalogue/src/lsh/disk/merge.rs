//! Several sorted columns as one, and which sorted files become one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::column::{Column, Scan};
use super::entry::Entry;
use crate::error::Error;

/// Sorted files that an index has at most. A question looks into each.
pub(super) const MAX_SORTED_FILES: usize = 8;

/// The entries of several columns in order, without those of removed documents. It holds a buffer of each column.
pub(super) struct Merged<'a, E> {
    scans: Vec<Scan<'a, E>>,
    /// The next entry of each column that has one.
    heads: BinaryHeap<Reverse<(E, usize)>>,
    /// A column that is to be asked for its next entry.
    asked: Vec<usize>,
    removed: &'a [u32],
}

impl<'a, E: Entry> Merged<'a, E> {
    /// `removed` is sorted.
    pub(super) fn new(columns: impl Iterator<Item = &'a Column<E>>, removed: &'a [u32]) -> Self {
        let scans: Vec<_> = columns.map(Column::scan).collect();
        Self {
            heads: BinaryHeap::with_capacity(scans.len()),
            asked: (0..scans.len()).collect(),
            scans,
            removed,
        }
    }

    fn next_of_all(&mut self) -> Option<Result<E, Error>> {
        while let Some(column) = self.asked.pop() {
            match self.scans[column].next() {
                Some(Ok(entry)) => self.heads.push(Reverse((entry, column))),
                Some(Err(error)) => return Some(Err(error)),
                None => (),
            }
        }
        let Reverse((entry, column)) = self.heads.pop()?;
        self.asked.push(column);
        Some(Ok(entry))
    }
}

impl<E: Entry> Iterator for Merged<'_, E> {
    type Item = Result<E, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let entry = self.next_of_all()?;
            match &entry {
                Ok(entry) if self.removed.binary_search(&entry.number()).is_ok() => (),
                _ => return Some(entry),
            }
        }
    }
}

/// The first of the last sorted files that become one, by their sizes: at least two, and each further one that is no larger than all
/// that come after it together. In a hundred inserts a document is written about three times, in a thousand six.
pub(super) fn first_to_merge(sizes: &[u32]) -> usize {
    let mut first = sizes.len().saturating_sub(2);
    let mut together: u64 = sizes[first..].iter().copied().map(u64::from).sum();
    while first > 0 && u64::from(sizes[first - 1]) <= together {
        first -= 1;
        together += u64::from(sizes[first]);
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_files_are_merged_and_large_ones_are_left() {
        for (sizes, first) in [
            (&[1, 1, 1, 1, 1, 1, 1, 1][..], 0),
            (&[9, 1, 1, 1, 1, 1, 1, 1], 1),
            (&[900, 90, 9, 1], 2),
            (&[80, 40, 20, 10, 9, 5, 2, 1], 6),
            (&[8, 4, 2, 1, 1], 0),
            (&[5], 0),
        ] {
            assert_eq!(first_to_merge(sizes), first, "{sizes:?}");
        }
    }

    #[test]
    fn a_document_is_written_a_few_times() {
        let (mut sorted_files, mut written) = (Vec::new(), 0);
        for _ in 0..1000 {
            if sorted_files.len() == MAX_SORTED_FILES {
                let merged: u32 = sorted_files.drain(first_to_merge(&sorted_files)..).sum();
                written += merged;
                sorted_files.push(merged);
            }
            sorted_files.push(1);
            written += 1;
        }
        assert!(written < 7 * 1000, "{written}");
    }
}
