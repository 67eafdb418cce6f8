//! `codelupe dedup` and what it came to.

mod clusters;
mod report;
mod repositories;
mod tune;

use codelupe_pipeline::Plan;
use serde_json::json;

use super::stages;
use crate::app::App;
use crate::cli::{DedupArguments, DedupCommand, QueueArguments};
use crate::failure::Result;
use crate::output::print;

pub(crate) async fn run(app: &App, arguments: DedupArguments) -> Result<()> {
    match arguments.command {
        None => find(app, arguments.queue, arguments.rebuild).await,
        Some(DedupCommand::Tune(arguments)) => tune::run(&app.settings, &arguments),
        Some(DedupCommand::Report) => report::run(app).await,
        Some(DedupCommand::Clusters(arguments)) => clusters::run(app, &arguments).await,
        Some(DedupCommand::Repositories(arguments)) => repositories::run(app, &arguments).await,
    }
}

async fn find(app: &App, queue: QueueArguments, rebuild: bool) -> Result<()> {
    let plan = Plan {
        dedup: true,
        rebuild,
        ..Plan::default()
    };
    let Some(done) = stages::go(app, queue, Vec::new(), plan)
        .await?
        .and_then(|outcome| outcome.deduplicated)
    else {
        return Ok(());
    };
    print(app.settings.json, &json!(done), || {
        if done.was_current {
            return "Nothing has changed since the last time. Next: codelupe build".to_owned();
        }
        format!(
            "{} files: {} exact and {} near duplicates; {} pairs compared ({} of them earlier), {} verified. \
             Next: codelupe dedup report, codelupe build",
            done.files, done.exact, done.near, done.compared, done.remembered, done.verified
        )
    })
}
