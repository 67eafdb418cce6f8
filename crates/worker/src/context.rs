//! What every stage works with.

use std::sync::Arc;

use codelupe_catalogue::{Catalogue, Fence};
use codelupe_corpus::{DataFolder, SegmentReader};
use tokio::runtime::Handle;

use crate::error::Error;
use crate::progress::Progress;
use crate::tracker::Reporter;

/// A data folder and its catalogue opened for writing, with the progress of the work on them. It knows nothing about
/// stages: settings come with the job.
#[derive(Clone)]
pub struct Context {
    /// The data folder.
    pub folder: DataFolder,
    /// Its catalogue.
    pub catalogue: Catalogue,
    /// What a display reads, and how the work is stopped.
    pub progress: Arc<Progress>,
    /// The lease under which things are stored; none outside of a job.
    pub fence: Option<Fence>,
    /// Where errors that do not end the work go.
    pub errors: Reporter,
    /// Where calls of the catalogue are driven.
    pub runtime: Handle,
}

impl Context {
    /// Waits for a call of the catalogue; stages are blocking functions and must not run on a runtime's own thread.
    pub fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// A reader over all linked segments.
    ///
    /// # Errors
    /// `Store` when the catalogue cannot be read.
    pub fn segment_reader(&self) -> Result<SegmentReader, Error> {
        let names = self.wait(self.catalogue.segments())?;
        Ok(SegmentReader::new(&self.folder, names))
    }
}
