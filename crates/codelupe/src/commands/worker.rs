//! `codelupe worker`.

use codelupe_worker::{JobName, Until, Workplace};
use serde_json::json;

use crate::app::App;
use crate::cli::WorkerArguments;
use crate::failure::Result;
use crate::output::print;

pub(crate) async fn run(app: &App, arguments: &WorkerArguments) -> Result<()> {
    let names: Vec<JobName> = arguments.stages.iter().map(|stage| stage.job_name()).collect();
    let until = if arguments.until_idle {
        Until::Idle
    } else {
        Until::Stopped
    };
    let place = Workplace {
        lease: arguments.lease(),
        ..app.settings.workplace()
    };
    let stages: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
    tracing::info!(stages = stages.join(","), catalogue = %app.settings.catalogue, "waiting for jobs");
    let served = app.work(place, move |worker, _| worker.serve(&names, until)).await?;
    let value = json!({ "done": served.done, "again": served.again, "dead": served.dead });
    print(app.settings.json, &value, || {
        format!(
            "{} jobs done, {} attempts to be made again, {} jobs dead",
            served.done, served.again, served.dead
        )
    })
}
