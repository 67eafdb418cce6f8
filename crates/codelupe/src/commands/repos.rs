//! `codelupe repos`.

use std::fmt::Write as _;

use codelupe_catalogue::{HostedCounts, HostedFilter, HostedOrder, HostedRow};
use codelupe_core::{error::ErrorCode, text::display_bounded};
use codelupe_inspect::{self as inspect, HostedList, Why};
use codelupe_pipeline::crawl::{self, RefreshOptions};
use comfy_table::Table;
use serde_json::json;

use crate::app::App;
use crate::cli::{ListReposArguments, Order, RefreshArguments, ReposCommand};
use crate::failure::{Failure, Result};
use crate::output::print;
use crate::report::tables;

/// Bytes of a description in the list.
const BRIEF_DESCRIPTION: usize = 50;

pub(crate) async fn run(app: &App, command: &ReposCommand) -> Result<()> {
    match command {
        ReposCommand::List(arguments) => list(app, arguments).await,
        ReposCommand::Show { name } => show(app, name).await,
        ReposCommand::Why { name } => why(app, name).await,
        ReposCommand::Refresh(arguments) => refresh(app, arguments).await,
        ReposCommand::OptOut { name, reason, .. } => opt_out(app, name, reason.as_deref()).await,
    }
}

async fn list(app: &App, arguments: &ListReposArguments) -> Result<()> {
    let filter = HostedFilter {
        forge: arguments.forge.clone(),
        language: arguments.language.clone(),
        license: arguments.license.clone(),
        stars: arguments.min_stars.map(|least| (least, u64::MAX)),
        text: arguments.text.clone(),
        order: match arguments.order {
            Order::Score => HostedOrder::Score,
            Order::Stars => HostedOrder::Stars,
            Order::Pushed => HostedOrder::Pushed,
        },
        limit: arguments.limit,
        ..HostedFilter::default()
    };
    let rules = arguments.selected.then_some(&app.settings.config.selection);
    let list = inspect::hosted(app.catalogue().await?, filter, rules).await?;
    let HostedList { repositories, counts } = &list;
    print(app.settings.json, &json!(list), || match repositories.as_slice() {
        [] if counts.total() == 0 => "No repositories. `codelupe crawl` finds some.".to_owned(),
        [] => format!("None like that. {}", totals(counts)),
        rows => format!("{}\n{}", table(rows), totals(counts)),
    })
}

fn table(rows: &[HostedRow]) -> Table {
    let mut table = tables::table(
        &[
            "repository",
            "score",
            "stars",
            "language",
            "license",
            "state",
            "description",
        ],
        &[1, 2],
    );
    for row in rows {
        let repository = &row.repository;
        let text = |text: &Option<String>| {
            text.as_deref()
                .map_or_else(String::new, |text| display_bounded(text.as_bytes(), BRIEF_DESCRIPTION))
        };
        table.add_row([
            format!("{}/{}", repository.forge, repository.full_name),
            row.score.map_or_else(String::new, |score| format!("{score:.0}")),
            repository.stars.map_or_else(String::new, |stars| stars.to_string()),
            text(&repository.language),
            text(&repository.license),
            row.opt_out
                .as_ref()
                .map_or_else(|| row.state.to_string(), |_| "opt_out".to_owned()),
            text(&repository.description),
        ]);
    }
    table
}

/// Under a list: how many there are.
fn totals(counts: &HostedCounts) -> String {
    let states: Vec<_> = counts
        .by_state
        .iter()
        .map(|(state, count)| format!("{count} {state}"))
        .collect();
    let opted_out = match counts.opted_out {
        0 => String::new(),
        count => format!("; {count} opted out"),
    };
    format!("{} in the catalogue: {}{opted_out}", counts.total(), states.join(", "))
}

async fn refresh(app: &App, arguments: &RefreshArguments) -> Result<()> {
    let options = RefreshOptions {
        older_than: arguments.older_than,
        limit: arguments.limit.unwrap_or(u64::MAX),
    };
    let (config, forge) = (app.settings.config.clone(), arguments.forge.clone());
    let crawled = app
        .work(app.settings.workplace(), move |worker, pipeline| {
            crawl::refresh_forges(&pipeline.context(worker.context(), &config)?, forge.as_deref(), options)
        })
        .await
        .map_err(|failure| {
            failure.hint_for(
                ErrorCode::NotFound,
                "`codelupe crawl QUERY` lists repositories of a forge",
            )
        })?;
    print(app.settings.json, &json!(crawled), || {
        let upserted = crawled.upserted;
        format!(
            "{} repositories asked for by {} requests: {} changed, {} renamed, {} unchanged, {} gone. Next: codelupe run QUERY",
            crawled.listed, crawled.requests, upserted.changed, upserted.renamed, upserted.unchanged, crawled.gone
        )
    })
}

/// Splits `HOST/owner/name`.
fn split(name: &str) -> Result<(&str, &str), Failure> {
    let parts = name
        .split_once('/')
        .filter(|(host, rest)| !host.is_empty() && rest.contains('/'));
    parts.ok_or_else(|| Failure::new(ErrorCode::Validation, format!("`{name}` is not HOST/owner/name")))
}

fn unknown(name: &str) -> Failure {
    let why = format!("no crawl has found `{name}`; `codelupe crawl github:owner/name` asks for it");
    Failure::new(ErrorCode::NotFound, why)
}

async fn show(app: &App, name: &str) -> Result<()> {
    let (forge, full_name) = split(name)?;
    let shown = inspect::hosted_repository(app.catalogue().await?, forge, full_name).await?;
    let value = json!(shown.ok_or_else(|| unknown(name))?);
    print(app.settings.json, &value, || {
        let mut shown = value.clone();
        if let Some(repository) = shown["repository"].as_object_mut() {
            repository.remove("raw");
        }
        format!("{shown:#}\n`--json` has the forge's own answer too.")
    })
}

async fn why(app: &App, name: &str) -> Result<()> {
    let (forge, full_name) = split(name)?;
    let catalogue = app.catalogue().await?;
    let why = inspect::why(catalogue, &app.settings.config.selection, forge, full_name).await?;
    let why = why.ok_or_else(|| unknown(name))?;
    print(app.settings.json, &json!(why), || told(name, &why))
}

fn told(name: &str, why: &Why) -> String {
    let mut text = match (why.selection.selected, why.row.state.as_str()) {
        (true, "listed") => format!("{name} is fetched."),
        (true, state) => format!("{name} is not fetched: it is {state}."),
        (false, _) => format!("{name} is not fetched."),
    };
    for line in why.selection.reasons() {
        let _ = write!(text, "\n  {line}");
    }
    let _ = write!(text, "\nScore {}:", why.score.value);
    for part in &why.score.parts {
        let _ = write!(text, "\n  {:+} {}", part.points, part.reason);
    }
    text
}

async fn opt_out(app: &App, name: &str, reason: Option<&str>) -> Result<()> {
    let (forge, full_name) = split(name)?;
    let catalogue = app.writable_catalogue().await?;
    let row = catalogue
        .hosted_by_name(forge, full_name)
        .await?
        .ok_or_else(|| unknown(name))?;
    let removed = catalogue.set_opt_out(forge, row.repository.id, reason).await?;
    let value = json!({ "repository": name, "opt_out": reason, "removed": removed.unwrap_or(0) });
    print(app.settings.json, &value, || match (reason, removed.unwrap_or(0)) {
        (None, _) => format!("{name} may be fetched again."),
        (Some(_), 0) => format!("{name} is never fetched. Nothing of it was in the catalogue."),
        (Some(_), _) => format!(
            "{name} is never fetched again, and later builds do not have it. Builds that were made before still do. Next: \
             codelupe dedup, codelupe build"
        ),
    })
}
