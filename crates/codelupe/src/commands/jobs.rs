//! `codelupe jobs`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use codelupe_catalogue::JobFilter;
use codelupe_core::error::ErrorCode;
use codelupe_inspect::{self as inspect, JobCount, ListedJob};
use comfy_table::Table;
use indicatif::HumanDuration;
use serde_json::json;

use crate::app::App;
use crate::cli::{JobsCommand, ListArguments, RetryArguments};
use crate::failure::{Failure, Result};
use crate::output::print;
use crate::report::tables;

const LIST: &str = "`codelupe jobs list` shows what there is";

pub(crate) async fn run(app: &App, command: &JobsCommand) -> Result<()> {
    match command {
        JobsCommand::List(arguments) => list(app, arguments).await,
        JobsCommand::Show { id } => show(app, *id).await,
        JobsCommand::Retry(arguments) => retry(app, arguments).await,
        JobsCommand::Cancel { id } => cancel(app, *id).await,
        JobsCommand::Prune { older_than } => prune(app, *older_than).await,
    }
}

async fn list(app: &App, arguments: &ListArguments) -> Result<()> {
    let filter = JobFilter {
        state: arguments.state,
        name: arguments.stage.map(|stage| stage.job_name().as_str().to_owned()),
        limit: arguments.limit,
    };
    let list = inspect::jobs(app.catalogue().await?, &filter).await?;
    print(app.settings.json, &json!(list), || {
        let totals: Vec<String> = list
            .counts
            .iter()
            .map(|JobCount { name, state, count }| format!("{count} {name} {state}"))
            .collect();
        if totals.is_empty() {
            "There are no jobs. `codelupe run SOURCE` makes some.".to_owned()
        } else {
            format!("{}\n{}", table(&list.jobs), totals.join(", "))
        }
    })
}

fn table(jobs: &[ListedJob]) -> Table {
    let mut table = tables::table(&["id", "job", "state", "attempts", "since", "worker", "error"], &[0, 3]);
    for ListedJob(job) in jobs {
        let since = job.finished_at.or(job.started_at).unwrap_or(job.enqueued_at);
        table.add_row([
            job.id.to_string(),
            job.name.clone(),
            job.state.to_string(),
            job.attempts.to_string(),
            age(since),
            job.worker.clone().unwrap_or_default(),
            job.error_code.clone().unwrap_or_default(),
        ]);
    }
    table
}

/// How long ago a time in milliseconds since the Unix epoch was.
pub(crate) fn age(at: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let then = Duration::from_millis(u64::try_from(at).unwrap_or_default());
    HumanDuration(now.saturating_sub(then)).to_string()
}

async fn show(app: &App, id: i64) -> Result<()> {
    let Some(job) = inspect::job(app.catalogue().await?, id).await? else {
        let failure = Failure::new(ErrorCode::NotFound, format!("there is no job {id}"));
        return Err(failure.with_hint(LIST));
    };
    let value = json!(job);
    print(app.settings.json, &value, || {
        serde_json::to_string_pretty(&value).unwrap_or_default()
    })
}

async fn retry(app: &App, arguments: &RetryArguments) -> Result<()> {
    let catalogue = app.writable_catalogue().await?;
    let queued = catalogue.retry(arguments.id).await?;
    if let (Some(id), 0) = (arguments.id, queued) {
        let text = format!("job {id} is not there, is not dead or canceled, or another of its key is open");
        return Err(Failure::new(ErrorCode::NotFound, text).with_hint(LIST));
    }
    print(app.settings.json, &json!({ "queued": queued }), || {
        format!("{queued} jobs queued again")
    })
}

async fn cancel(app: &App, id: i64) -> Result<()> {
    let catalogue = app.writable_catalogue().await?;
    let canceled = catalogue.cancel(id).await?;
    if !canceled {
        let failure = Failure::new(ErrorCode::NotFound, format!("job {id} is not there, or is over"));
        return Err(failure.with_hint(LIST));
    }
    print(app.settings.json, &json!({ "canceled": id }), || {
        format!("job {id} is canceled")
    })
}

async fn prune(app: &App, hours: u64) -> Result<()> {
    let catalogue = app.writable_catalogue().await?;
    let forgotten = catalogue
        .prune_jobs(Duration::from_secs(hours.saturating_mul(3600)))
        .await?;
    print(app.settings.json, &json!({ "forgotten": forgotten }), || {
        format!("{forgotten} jobs forgotten")
    })
}
