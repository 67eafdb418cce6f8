//! `codelupe doctor`: what is configured, and whether it works.

use std::path::Path;

use codelupe_catalogue::{Catalogue, CatalogueUrl, JobState};
use codelupe_core::error::{Coded as _, ErrorCode, chain_text};
use serde::Serialize;

use crate::app::App;
use crate::failure::{Failure, Result};
use crate::output::print;
use crate::settings::{ONE_MACHINE, Settings};

/// One thing that was looked at.
#[derive(Serialize)]
struct Check {
    what: &'static str,
    ok: bool,
    says: String,
}

pub(crate) async fn run(app: &App) -> Result<()> {
    let settings = &app.settings;
    let mut checks = vec![
        check("config", Ok(config(settings))),
        check("data folder", writable(settings.folder.root())),
    ];
    if !settings.folder.is_own_store() {
        checks.push(check("store", store(settings)));
    }
    match app.catalogue().await {
        Ok(catalogue) => checks.extend([
            check("catalogue", figures(settings, catalogue).await),
            check("queue", queue(catalogue).await),
            check("latest build", latest_build(settings, catalogue).await),
        ]),
        Err(error) if error.code() == ErrorCode::NotFound => {
            checks.push(check("catalogue", Ok(format!("none yet in {}", settings.catalogue))));
        }
        Err(error) => checks.push(check("catalogue", Err(error))),
    }
    checks.push(check("search index", search(app).await));
    print(settings.json, &checks, || {
        let lines = checks.iter().map(|check| {
            format!(
                "{} {:<13} {}",
                if check.ok { "ok  " } else { "FAIL" },
                check.what,
                check.says
            )
        });
        lines.collect::<Vec<_>>().join("\n")
    })?;
    let failed: Vec<&str> = checks
        .iter()
        .filter(|check| !check.ok)
        .map(|check| check.what)
        .collect();
    if failed.is_empty() {
        Ok(())
    } else {
        Err(broken(format!("not in order: {}", failed.join(", "))))
    }
}

fn check(what: &'static str, result: Result<String>) -> Check {
    match result {
        Ok(says) => Check { what, ok: true, says },
        Err(error) => Check {
            what,
            ok: false,
            says: chain_text(&error),
        },
    }
}

/// Something that does not work.
fn broken(says: impl Into<String>) -> Failure {
    Failure::new(ErrorCode::Internal, says)
}

fn config(settings: &Settings) -> String {
    match &settings.config_file {
        Some(path) => format!("{}, recipe {}", path.display(), settings.config.recipe()),
        None => format!("defaults, recipe {}", settings.config.recipe()),
    }
}

/// The folder, or the nearest parent that exists, takes a file.
fn writable(folder: &Path) -> Result<String> {
    let absolute = std::path::absolute(folder)?;
    let existing = absolute
        .ancestors()
        .find(|path| path.is_dir())
        .unwrap_or(Path::new("/"));
    let probe = existing.join(format!(".codelupe-doctor-{}", std::process::id()));
    // Never through a link, never over a file.
    std::fs::File::create_new(&probe)
        .map_err(|error| Failure::new(error.code(), format!("{}: {error}", existing.display())))?;
    std::fs::remove_file(&probe)?;
    let state = if existing == absolute {
        "writable"
    } else {
        "not made yet; its parent is writable"
    };
    Ok(format!("{}: {state}", absolute.display()))
}

fn store(settings: &Settings) -> Result<String> {
    let objects = settings.folder.objects();
    let segments = codelupe_corpus::list_segments(&**objects)?.len();
    let shared = match settings.catalogue {
        CatalogueUrl::Sqlite(_) => format!("; {ONE_MACHINE}"),
        CatalogueUrl::Postgres(_) => String::new(),
    };
    Ok(format!("{}: {segments} segments{shared}", objects.place("")))
}

async fn figures(settings: &Settings, catalogue: &Catalogue) -> Result<String> {
    let (database, stats) = (catalogue.describe().await?, catalogue.stats().await?);
    if !stats.funnel.adds_up() {
        return Err(broken(
            "the funnel does not add up: run `codelupe dedup` and `codelupe build`",
        ));
    }
    Ok(format!(
        "{database}, {} repositories, {} files, in {}",
        stats.repositories, stats.funnel.found.files, settings.catalogue
    ))
}

async fn queue(catalogue: &Catalogue) -> Result<String> {
    let counts = catalogue.job_counts().await?;
    let of = |state: JobState| -> i64 {
        counts
            .iter()
            .filter(|(_, known, _)| known == state.as_str())
            .map(|(.., count)| count)
            .sum()
    };
    let dead = of(JobState::Dead);
    if dead > 0 {
        return Err(broken(format!(
            "{dead} jobs are dead: `codelupe jobs list --state dead` shows why"
        )));
    }
    Ok(format!(
        "{} jobs waiting, {} running",
        of(JobState::Queued),
        of(JobState::Running)
    ))
}

async fn latest_build(settings: &Settings, catalogue: &Catalogue) -> Result<String> {
    let Some(build) = catalogue.latest_build().await? else {
        return Ok("none yet".to_owned());
    };
    let (objects, place) = (settings.folder.objects(), settings.folder.build_place(&build.name));
    let manifest = codelupe_corpus::read_manifest(&**objects, &build.name)?;
    if !codelupe_corpus::is_whole(&**objects, &build.name, &build.digest)? {
        return Err(broken(format!(
            "{place} has lost or changed files: `codelupe build` writes it again"
        )));
    }
    Ok(format!("{place}: {} files", manifest.total().files))
}

async fn search(app: &App) -> Result<String> {
    let folder = app.settings.folder.search();
    if !folder.exists() {
        return Ok("none yet".to_owned());
    }
    app.search().await?;
    Ok(format!("Tantivy in {}", folder.display()))
}
