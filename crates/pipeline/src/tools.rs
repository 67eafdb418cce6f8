//! What processing needs and is slow to make.

use codelupe_process::LicenseDetector;
use codelupe_process::Processor;

use crate::config::Config;
use crate::error::Error;

/// Made once for each recipe and shared by the jobs of a worker.
pub(crate) struct Tools {
    recipe: String,
    pub(crate) processor: Processor,
    pub(crate) detector: LicenseDetector,
}

impl Tools {
    /// # Errors
    /// `Config` when a setting is not valid.
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        Ok(Self {
            recipe: config.recipe(),
            processor: Processor::new(config.process.clone())?,
            detector: LicenseDetector::new()?,
        })
    }

    /// Whether they process by the recipe of `config`.
    pub(crate) fn are_for(&self, config: &Config) -> bool {
        self.recipe == config.recipe()
    }
}
