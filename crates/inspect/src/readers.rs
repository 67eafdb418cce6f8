//! Readers of segments for questions that are asked at the same time.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use codelupe_corpus::{DataFolder, SegmentReader};

/// Readers that are kept for the next questions; each caches texts, 32 MB at most.
const KEPT: usize = 4;

/// One reader for each question that is being answered. A reader is taken out of the lock before it is used, so that nobody
/// waits while another one reads.
pub(crate) struct Readers {
    folder: DataFolder,
    /// The linked segments.
    names: HashMap<i64, String>,
    idle: Mutex<Vec<SegmentReader>>,
}

impl Readers {
    pub(crate) fn new(folder: &DataFolder, names: HashMap<i64, String>) -> Self {
        Self {
            folder: folder.clone(),
            names,
            idle: Mutex::default(),
        }
    }

    /// Does something with a reader that nobody else uses.
    pub(crate) fn with<T>(&self, read: impl FnOnce(&mut SegmentReader) -> T) -> T {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = idle().pop();
        let mut reader = taken.unwrap_or_else(|| SegmentReader::new(&self.folder, self.names.clone()));
        let result = read(&mut reader);
        let mut idle = idle();
        if idle.len() < KEPT {
            idle.push(reader);
        }
        result
    }
}
