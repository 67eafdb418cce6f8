//! Single stages: `process`, `build`, `index`; `dedup` is beside.

use codelupe_core::error::ErrorCode;
use codelupe_pipeline::{Error, Plan, RunOutcome, ingest};
use serde_json::json;

use super::run::Either;
use crate::app::App;
use crate::cli::{BuildArguments, QueueArguments, SourceArguments};
use crate::failure::{Failure, Result};
use crate::output::print;
use crate::report;

/// Does what a plan says, or only enqueues it; nothing when it was enqueued, which is reported.
pub(super) async fn go(
    app: &App,
    queue: QueueArguments,
    sources: Vec<codelupe_forge::Source>,
    plan: Plan,
) -> Result<Option<RunOutcome>> {
    let config = app.settings.config.clone();
    let done = app
        .work(app.settings.workplace(), move |worker, pipeline| -> Result<_, Error> {
            let repositories = match sources.as_slice() {
                [] => Vec::new(),
                sources => ingest::find(&pipeline.context(worker.context(), &config)?, sources)?,
            };
            let priority = queue.priority;
            let plan = Plan {
                repositories,
                priority,
                ..plan
            };
            let run = plan.enqueue(worker, &config)?;
            if queue.enqueue {
                return Ok(Either::Enqueued(run));
            }
            Ok(Either::Done(RunOutcome::of(&worker.drive(&run)?)?))
        })
        .await?;
    match done {
        Either::Done(outcome) => Ok(Some(outcome)),
        Either::Enqueued(run) => report::enqueued(&app.settings, &run).map(|()| None),
    }
}

pub(crate) async fn process(app: &App, arguments: &SourceArguments) -> Result<()> {
    let sources = arguments.sources.clone();
    let Some(outcome) = go(app, arguments.queue, sources, Plan::default()).await? else {
        return Ok(());
    };
    let done = outcome.ingested;
    let value = json!({
        "repositories": done.repositories,
        "unchanged": done.unchanged,
        "failed": done.failed,
        "bytes_processed": done.bytes,
    });
    print(app.settings.json, &value, || {
        format!(
            "{} repositories: {} unchanged, {} failed; {} bytes processed. Next: codelupe dedup",
            done.repositories, done.unchanged, done.failed, done.bytes
        )
    })
}

pub(crate) async fn build(app: &App, arguments: BuildArguments) -> Result<()> {
    let plan = Plan {
        build: Some(arguments.name),
        ..Plan::default()
    };
    let outcome = go(app, arguments.queue, Vec::new(), plan).await?;
    let Some(done) = outcome.and_then(|outcome| outcome.built) else {
        return Ok(());
    };
    let folder = app.settings.folder.build_place(&done.name);
    let value = json!({ "name": done.name, "folder": folder, "existed": done.existed, "splits": done.splits });
    print(app.settings.json, &value, || {
        let state = if done.existed { "was there already" } else { "is ready" };
        let splits: Vec<String> = done
            .splits
            .iter()
            .map(|(split, tally)| format!("{split} {} files", tally.files))
            .collect();
        format!("{folder} {state}: {}. Next: codelupe index", splits.join(", "))
    })
}

pub(crate) async fn index(app: &App, queue: QueueArguments) -> Result<()> {
    let plan = Plan {
        index: true,
        ..Plan::default()
    };
    let no_build = |failure: Failure| failure.hint_for(ErrorCode::NotFound, "`codelupe build` makes a build");
    if go(app, queue, Vec::new(), plan).await.map_err(no_build)?.is_none() {
        return Ok(());
    }
    let place = app.search_place().await?;
    print(app.settings.json, &json!({ "folder": place }), || {
        format!(
            "{} is ready. Next: codelupe search WORDS",
            place.as_deref().unwrap_or("the index")
        )
    })
}
