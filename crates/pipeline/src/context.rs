//! What every stage works with.

use std::sync::Arc;

use codelupe_catalogue::{Catalogue, Fence, Stats};
use codelupe_corpus::{DataFolder, SegmentReader};
use codelupe_forge::Token;
use tokio::runtime::Handle;

use crate::config::Config;
use crate::error::{Error, ErrorKind};
use crate::progress::Progress;
use crate::tools::Tools;
use crate::tracker::Reporter;

/// A data folder opened for writing, with the configuration and the progress of the work on it.
pub struct Context {
    /// The data folder.
    pub folder: DataFolder,
    /// Its catalogue.
    pub catalogue: Catalogue,
    /// The configuration; valid.
    pub config: Config,
    /// What a display reads and how to stop.
    pub progress: Arc<Progress>,
    /// The lease under which things are stored, inside of a job.
    pub(crate) fence: Option<Fence>,
    /// Where errors that do not end the work go.
    pub(crate) errors: Reporter,
    pub(crate) tools: Arc<Tools>,
    /// What forges know us by.
    pub(crate) tokens: Vec<Token>,
    pub(crate) runtime: Handle,
}

impl Context {
    /// Waits for a store call; stages are blocking functions and must not run on a runtime's own thread.
    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// All figures of the catalogue.
    ///
    /// # Errors
    /// `Store` when the catalogue cannot be read.
    pub fn stats(&self) -> Result<Stats, Error> {
        Ok(self.wait(self.catalogue.stats())?)
    }

    /// The name, `REPO/PATH`, of a file with a story, a near-duplicate if there is one.
    ///
    /// # Errors
    /// `Store` when the catalogue cannot be read.
    pub fn example_file(&self) -> Result<Option<String>, Error> {
        Ok(self.wait(self.catalogue.example_file())?)
    }

    /// Derived stages work on contents of one recipe only: others were judged by other rules.
    pub(crate) fn require_one_recipe(&self) -> Result<(), Error> {
        let (others, name) = self.wait(self.catalogue.other_recipes(&self.config.recipe()))?;
        let Some(name) = name.filter(|_| others > 0) else {
            return Ok(());
        };
        let context = format!(
            "{others} repositories, `{name}` among them, were processed by other settings; process them again with these \
             settings, or use the settings of then"
        );
        Err(Error::new(ErrorKind::Config, context))
    }

    /// A reader over all linked segments.
    pub(crate) fn segment_reader(&self) -> Result<SegmentReader, Error> {
        let names = self.wait(self.catalogue.segments())?;
        Ok(SegmentReader::new(&self.folder, names))
    }
}
