//! `codelupe run`: the whole way.

use std::time::Instant;

use codelupe_forge::{Located, Source};
use codelupe_pipeline::build::Built;
use codelupe_pipeline::dedup::Deduplicated;
use codelupe_pipeline::ingest::{self, Ingested};
use codelupe_pipeline::{Context, Error, build, dedup, index};
use codelupe_store::catalogue::Stats;

use super::with_context;
use crate::cli::SourceArguments;
use crate::report;
use crate::settings::Settings;

pub(crate) async fn run(settings: &Settings, arguments: &SourceArguments) -> anyhow::Result<()> {
    let sources = arguments.sources.clone();
    let outcome = whole_way(settings, move |context| ingest::find(context, &sources)).await?;
    report::outcome(settings, &outcome)
}

/// What the whole way came to.
pub(crate) struct Outcome {
    pub(crate) ingested: Ingested,
    pub(crate) deduplicated: Deduplicated,
    pub(crate) built: Built,
    pub(crate) stats: Stats,
    /// A file, `REPO/PATH`, with a story to explain.
    pub(crate) example: Option<String>,
    pub(crate) seconds: f64,
}

/// Runs every stage over the repositories that `find` gives.
pub(crate) async fn whole_way(
    settings: &Settings,
    find: impl FnOnce(&Context) -> Result<Vec<Located>, Error> + Send + 'static,
) -> anyhow::Result<Outcome> {
    with_context(settings, move |context| {
        let start = Instant::now();
        let repositories = find(context)?;
        tracing::info!(repositories = repositories.len(), "found");
        let ingested = ingest::ingest(context, repositories)?;
        let deduplicated = dedup::dedup(context)?;
        let built = build::build(context, None)?;
        index::index(context)?;
        let stats = context.stats()?;
        let example = context.example_file()?;
        Ok(Outcome {
            ingested,
            deduplicated,
            built,
            stats,
            example,
            seconds: start.elapsed().as_secs_f64(),
        })
    })
    .await
}

/// All repositories of one source, up to a number.
pub(crate) fn first(context: &Context, source: Source, limit: usize) -> Result<Vec<Located>, Error> {
    let mut found = ingest::find(context, &[source])?;
    found.truncate(limit);
    Ok(found)
}
