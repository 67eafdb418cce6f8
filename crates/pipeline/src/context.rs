//! What the stages of the pipeline work with.

use std::ops::Deref;
use std::sync::Arc;

use codelupe_forge::Token;

use crate::config::Config;
use crate::error::{Error, ErrorKind};
use crate::tools::Tools;

/// What a worker gives every stage, with the settings, tools and tokens of the stages here.
pub struct Context {
    work: codelupe_worker::Context,
    /// The configuration; valid.
    pub config: Config,
    pub(crate) tools: Arc<Tools>,
    /// The tokens for forges; each is sent to its own forge alone.
    pub(crate) tokens: Vec<Token>,
}

/// Gives access to what the worker provides: folder, catalogue, progress, fence.
impl Deref for Context {
    type Target = codelupe_worker::Context;

    fn deref(&self) -> &Self::Target {
        &self.work
    }
}

impl Context {
    pub(crate) const fn new(
        work: codelupe_worker::Context,
        config: Config,
        tools: Arc<Tools>,
        tokens: Vec<Token>,
    ) -> Self {
        Self {
            work,
            config,
            tools,
            tokens,
        }
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
}
