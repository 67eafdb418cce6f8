//! A change of the index: new files are written beside those that count, and one renaming makes them count.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use codelupe_core::BlobId;
use codelupe_disk::Lock;

use super::entry::{Document, Posting};
use super::list::{self, Row};
use super::manifest::{self, ComparisonsEntry, Manifest};
use super::merge::{MAX_SORTED_FILES, Merged, first_to_merge};
use super::snapshot::Snapshot;
use super::sorted::{SortedEntry, SortedFile, SortedWriter};
use crate::error::Error;
use crate::lsh::{Comparison, number_after};

/// Waits for the right to change the index, which one has at a time. A folder that is gone is not made anew: what was there
/// is gone with it.
pub(super) fn lock(folder: &Path) -> Result<Lock, Error> {
    Ok(Lock::alone(&folder.join("lock"))?)
}

/// Removes what is the index's own and not named by the manifest: what a writer left that was interrupted, and what was
/// merged. Readers that have it open go on.
pub(super) fn remove_orphans(folder: &Path, manifest: Option<&Manifest>, _lock: &Lock) -> Result<(), Error> {
    let named = manifest.map(Manifest::files).unwrap_or_default();
    let failed = |error| Error::own_io("read the folder", folder, error);
    for file in fs::read_dir(folder).map_err(failed)? {
        let name = file.map_err(failed)?.file_name().to_string_lossy().into_owned();
        if manifest::is_ours(&name) && !named.contains(name.as_str()) {
            codelupe_disk::remove(&folder.join(name))?;
        }
    }
    Ok(())
}

/// What the index is to be.
#[derive(Debug)]
pub(super) struct Change<'a> {
    folder: &'a Path,
    before: &'a Snapshot,
    after: Manifest,
}

impl<'a> Change<'a> {
    pub(super) fn of(folder: &'a Path, before: &'a Snapshot) -> Self {
        let after = before.manifest.clone();
        Self { folder, before, after }
    }

    /// Makes it so; if it cannot be, nothing changes.
    pub(super) fn commit(
        mut self,
        lock: &Lock,
        work: impl FnOnce(&mut Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        // What cannot be removed here, the next writer removes.
        if let Err(error) = work(&mut self).and_then(|()| self.after.prepare(self.folder)) {
            let _ = remove_orphans(self.folder, Some(&self.before.manifest), lock);
            return Err(error);
        }
        manifest::commit(self.folder)?;
        let _ = remove_orphans(self.folder, Some(&self.after), lock);
        Ok(())
    }

    /// A file name that no file of the index ever had.
    fn new_name(&mut self, kind: &str) -> String {
        let number = self.after.next_file;
        self.after.next_file += 1;
        format!("{kind}-{number}")
    }

    fn write_list<R: Row>(&mut self, kind: &str, rows: &[R]) -> Result<list::ListEntry, Error> {
        let name = self.new_name(kind);
        list::write(self.folder, name, rows)
    }

    /// Adds documents with their keys as a sorted file. Where there are too many sorted files, some become one first.
    pub(super) fn insert(&mut self, documents: &[&(BlobId, Vec<u64>)]) -> Result<(), Error> {
        if self.before.sorted_files.len() >= MAX_SORTED_FILES {
            let sizes: Vec<u32> = self
                .before
                .sorted_files
                .iter()
                .map(|sorted| sorted.entry.documents)
                .collect();
            self.merge(first_to_merge(&sizes))?;
        }
        let numbers = self.after.next..number_after(self.after.next, documents.len())?;
        let sorted = self.write_sorted(numbers.clone(), documents)?;
        self.after.sorted_files.push(sorted);
        self.after.next = numbers.end;
        Ok(())
    }

    fn write_sorted(&mut self, numbers: Range<u32>, documents: &[&(BlobId, Vec<u64>)]) -> Result<SortedEntry, Error> {
        let name = self.new_name("sorted");
        let mut sorted = SortedWriter::create(self.folder.join(&name))?;
        let numbered = || numbers.clone().zip(documents);
        sorted.column(numbered().map(|(number, (blob, _))| Ok(Document { number, blob: *blob })))?;
        let mut postings: Vec<Posting> = numbered()
            .map(|(number, (blob, _))| Posting::of_blob(blob, number))
            .collect();
        postings.sort_unstable();
        sorted.column(postings.iter().copied().map(Ok))?;
        let bands = self.after.parameters.bands as usize;
        for band in 0..bands {
            postings = numbered()
                .filter_map(|(number, (_, keys))| {
                    Some(Posting {
                        key: *keys.get(band)?,
                        number,
                    })
                })
                .collect();
            postings.sort_unstable();
            sorted.column(postings.iter().copied().map(Ok))?;
        }
        sorted.finish(name, numbers)
    }

    /// Makes one sorted file of those from `first` on, without the documents that were removed.
    pub(super) fn merge(&mut self, first: usize) -> Result<(), Error> {
        let before = self.before;
        let sorted_files = &before.sorted_files[first..];
        let (Some(from), Some(to)) = (sorted_files.first(), sorted_files.last()) else {
            return Ok(());
        };
        let numbers = from.entry.numbers.start..to.entry.numbers.end;
        let (dropped, removed): (Vec<u32>, Vec<u32>) = before
            .removed
            .iter()
            .copied()
            .partition(|number| numbers.contains(number));
        self.after.sorted_files.truncate(first);
        let stored: usize = sorted_files.iter().map(|sorted| sorted.entry.documents as usize).sum();
        if stored > dropped.len() {
            let sorted = self.write_merged(numbers, sorted_files)?;
            self.after.sorted_files.push(sorted);
        }
        if !dropped.is_empty() {
            self.forget_comparisons(&dropped)?;
            self.set_removed(&removed)?;
        }
        Ok(())
    }

    fn write_merged(&mut self, numbers: Range<u32>, sorted_files: &[Arc<SortedFile>]) -> Result<SortedEntry, Error> {
        let removed = &self.before.removed;
        let name = self.new_name("sorted");
        let mut sorted = SortedWriter::create(self.folder.join(&name))?;
        sorted.column(Merged::new(
            sorted_files.iter().map(|sorted| &sorted.documents),
            removed,
        ))?;
        sorted.column(Merged::new(sorted_files.iter().map(|sorted| &sorted.blobs), removed))?;
        for band in 0..self.after.parameters.bands as usize {
            sorted.column(Merged::new(
                sorted_files.iter().map(|sorted| &sorted.bands[band]),
                removed,
            ))?;
        }
        sorted.finish(name, numbers)
    }

    fn set_removed(&mut self, removed: &[u32]) -> Result<(), Error> {
        self.after.removed = match removed {
            [] => None,
            removed => Some(self.write_list("removed", removed)?),
        };
        Ok(())
    }

    /// Notes documents as removed.
    pub(super) fn remove(&mut self, numbers: impl Iterator<Item = u32>) -> Result<(), Error> {
        let mut removed = self.before.removed.clone();
        removed.extend(numbers);
        removed.sort_unstable();
        self.set_removed(&removed)
    }

    fn forget_comparisons(&mut self, numbers: &[u32]) -> Result<(), Error> {
        let (threshold, mut rows) = self.before.comparisons()?;
        let before = rows.len();
        retain_known(&mut rows, numbers);
        if rows.len() == before {
            return Ok(());
        }
        self.set_comparisons(threshold, &rows)
    }

    /// Remembers comparisons beside those of the same threshold; of the same documents, the newer.
    pub(super) fn remember(&mut self, threshold: f64, comparisons: &[Comparison]) -> Result<(), Error> {
        let mut rows = self.before.comparisons_for(threshold)?;
        rows.extend_from_slice(comparisons);
        rows.sort_by_key(|row| (row.low, row.high));
        rows.dedup_by(|later, earlier| {
            let same = (later.low, later.high) == (earlier.low, earlier.high);
            if same {
                *earlier = *later;
            }
            same
        });
        retain_known(&mut rows, &self.before.removed);
        self.set_comparisons(threshold.to_bits(), &rows)
    }

    fn set_comparisons(&mut self, threshold: u64, rows: &[Comparison]) -> Result<(), Error> {
        let list = self.write_list("comparisons", rows)?;
        self.after.comparisons = Some(ComparisonsEntry { threshold, list });
        Ok(())
    }
}

/// Keeps those that name none of these documents.
fn retain_known(rows: &mut Vec<Comparison>, removed: &[u32]) {
    let is_gone = |number: &u32| removed.binary_search(number).is_ok();
    rows.retain(|row| !is_gone(&row.low) && !is_gone(&row.high));
}
