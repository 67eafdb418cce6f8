//! The stages as a worker knows them.

use std::sync::{Arc, Mutex, PoisonError};

use codelupe_forge::Token;
use codelupe_inspect::Deduplicated;
use codelupe_worker::{BuildJob, DedupJob, IndexJob, ProcessJob, Settings, Stage, Stages};

use crate::build::{Built, build};
use crate::config::Config;
use crate::context::Context;
use crate::dedup::dedup;
use crate::error::Error;
use crate::index::index;
use crate::ingest::{Ingested, ingest};
use crate::place;
use crate::tools::Tools;

/// What the stages of the pipeline have in common within a process. Clones share it.
#[derive(Clone, Default)]
pub struct Pipeline {
    tokens: Vec<Token>,
    tools: Arc<Mutex<Option<Arc<Tools>>>>,
}

impl Pipeline {
    /// Sets the tokens for forges; each is sent to its own forge alone.
    pub fn new(tokens: Vec<Token>) -> Self {
        Self {
            tokens,
            ..Self::default()
        }
    }

    /// Its stages.
    pub fn stages(&self) -> Stages {
        Stages::default()
            .with(Process(self.clone()))
            .with(Dedup(self.clone()))
            .with(Build(self.clone()))
            .with(Index(self.clone()))
    }

    /// What the stages work with.
    ///
    /// # Errors
    /// `Config` when a setting is not valid.
    pub fn context(&self, work: codelupe_worker::Context, config: &Config) -> Result<Context, Error> {
        config.validate()?;
        Ok(Context::new(
            work,
            config.clone(),
            self.tools(config)?,
            self.tokens.clone(),
        ))
    }

    fn context_of(&self, work: &codelupe_worker::Context, settings: &Settings) -> Result<Context, Error> {
        self.context(work.clone(), &settings.read()?)
    }

    /// The tools of the recipe that was asked for last.
    fn tools(&self, config: &Config) -> Result<Arc<Tools>, Error> {
        let mut tools = self.tools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tools) = tools.as_ref().filter(|tools| tools.are_for(config)) {
            return Ok(Arc::clone(tools));
        }
        let made = Arc::new(Tools::new(config)?);
        *tools = Some(Arc::clone(&made));
        Ok(made)
    }
}

struct Process(Pipeline);

impl Stage for Process {
    type Input = ProcessJob;
    type Output = Ingested;
    type Error = Error;

    fn run(&self, work: &codelupe_worker::Context, input: ProcessJob) -> Result<Ingested, Error> {
        let found = input.repositories.into_iter().map(place::found).collect();
        ingest(&self.0.context_of(work, &input.settings)?, found)
    }
}

struct Dedup(Pipeline);

impl Stage for Dedup {
    type Input = DedupJob;
    type Output = Deduplicated;
    type Error = Error;

    fn run(&self, work: &codelupe_worker::Context, input: DedupJob) -> Result<Deduplicated, Error> {
        dedup(&self.0.context_of(work, &input.settings)?, input.rebuild)
    }
}

struct Build(Pipeline);

impl Stage for Build {
    type Input = BuildJob;
    type Output = Built;
    type Error = Error;

    fn run(&self, work: &codelupe_worker::Context, input: BuildJob) -> Result<Built, Error> {
        build(&self.0.context_of(work, &input.settings)?, input.name.as_deref())
    }
}

struct Index(Pipeline);

impl Stage for Index {
    type Input = IndexJob;
    type Output = ();
    type Error = Error;

    fn run(&self, work: &codelupe_worker::Context, input: IndexJob) -> Result<(), Error> {
        index(&self.0.context_of(work, &input.settings)?)
    }
}
