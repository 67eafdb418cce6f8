//! `codelupe worker`.

use codelupe_pipeline::Pipeline;
use codelupe_worker::{JobName, Until, Worker, Workplace};
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
    let (stages, catalogue) = (stages.join(","), app.settings.catalogue.to_string());
    let serve = move |worker: &Worker, _: &Pipeline| {
        tracing::info!(stages, catalogue, "waiting for jobs");
        worker.serve(&names, until)
    };
    let served = app.work(place, serve).await?;
    let value = json!({ "done": served.done, "again": served.again, "dead": served.dead });
    print(app.settings.json, &value, || {
        format!(
            "{} jobs done, {} attempts to be made again, {} jobs dead",
            served.done, served.again, served.dead
        )
    })
}
