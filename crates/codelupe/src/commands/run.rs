//! `codelupe run`: the whole way.

use std::time::Instant;

use codelupe_forge::{Found, Source};
use codelupe_pipeline::{self as pipeline, Context, Error, Plan, ingest};
use codelupe_worker::{Enqueued, Worker};

use crate::app::App;
use crate::cli::{QueueArguments, SourceArguments};
use crate::failure::Result;
use crate::report::{self, RunReport};

pub(crate) async fn run(app: &App, arguments: &SourceArguments) -> Result<()> {
    let sources = arguments.sources.clone();
    let done = go(app, arguments.queue, move |context| ingest::find(context, &sources)).await?;
    done.map_or(Ok(()), |outcome| report::outcome(&app.settings, &outcome, None))
}

/// What became of the work: it was done, or it waits for workers.
pub(crate) enum Either<T> {
    Done(T),
    Enqueued(Enqueued),
}

/// Takes the repositories that `find` gives the whole way; nothing when they were enqueued, which is reported.
pub(crate) async fn go(
    app: &App,
    queue: QueueArguments,
    find: impl FnOnce(&Context) -> Result<Vec<Found>, Error> + Send + 'static,
) -> Result<Option<RunReport>> {
    let config = app.settings.config.clone();
    let done = app
        .work(app.settings.workplace(), move |worker, pipeline| -> Result<_, Error> {
            let start = Instant::now();
            let context = pipeline.context(worker.context(), &config)?;
            let repositories = find(&context)?;
            tracing::info!(repositories = repositories.len(), "found");
            let plan = Plan {
                repositories,
                dedup: true,
                rebuild: false,
                build: Some(None),
                index: true,
                priority: queue.priority,
            };
            let run = plan.enqueue(worker, &config)?;
            if queue.enqueue {
                return Ok(Either::Enqueued(run));
            }
            Ok(Either::Done(outcome(worker, &context, &run, start)?))
        })
        .await?;
    match done {
        Either::Done(outcome) => Ok(Some(outcome)),
        Either::Enqueued(run) => report::enqueued(&app.settings, &run).map(|()| None),
    }
}

fn outcome(worker: &Worker, context: &Context, run: &Enqueued, start: Instant) -> Result<RunReport, Error> {
    let done = pipeline::RunOutcome::of(&worker.drive(run)?)?;
    Ok(RunReport {
        ingested: done.ingested,
        deduplicated: done.deduplicated.unwrap_or_default(),
        built: done.built.unwrap_or_default(),
        stats: context.wait(context.catalogue.stats())?,
        example: context.wait(context.catalogue.example_file())?,
        seconds: start.elapsed().as_secs_f64(),
    })
}

/// All repositories of one source, up to a number.
pub(crate) fn first(context: &Context, source: Source, limit: usize) -> Result<Vec<Found>, Error> {
    let mut found = ingest::find(context, &[source])?;
    found.truncate(limit);
    Ok(found)
}
