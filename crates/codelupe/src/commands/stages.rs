//! Single stages: `process`, `dedup`, `build`, `index`.

use codelupe_pipeline::{build as build_stage, dedup as dedup_stage, index as index_stage, ingest};
use serde_json::json;

use super::with_context;
use crate::cli::{BuildArguments, SourceArguments};
use crate::output::print;
use crate::settings::Settings;

pub(crate) async fn process(settings: &Settings, arguments: &SourceArguments) -> anyhow::Result<()> {
    let sources = arguments.sources.clone();
    let done = with_context(settings, move |context| {
        let found = ingest::find(context, &sources)?;
        ingest::ingest(context, found)
    })
    .await?;
    let value = json!({
        "repositories": done.repositories,
        "unchanged": done.unchanged,
        "failed": done.failed,
        "bytes_processed": done.bytes,
    });
    print(settings.json, &value, || {
        format!(
            "{} repositories: {} unchanged, {} failed; {} bytes processed. Next: codelupe dedup",
            done.repositories, done.unchanged, done.failed, done.bytes
        )
    })
}

pub(crate) async fn dedup(settings: &Settings) -> anyhow::Result<()> {
    let done = with_context(settings, dedup_stage::dedup).await?;
    let value = json!({
        "was_current": done.was_current,
        "files": done.files,
        "exact_duplicates": done.exact,
        "near_duplicates": done.near,
        "compared": done.counts.compared,
        "verified": done.counts.verified,
        "false_candidates": done.counts.false_candidates,
    });
    print(settings.json, &value, || {
        if done.was_current {
            return "Nothing has changed since the last time. Next: codelupe build".to_owned();
        }
        format!(
            "{} files: {} exact and {} near duplicates; {} pairs compared, {} verified. Next: codelupe build",
            done.files, done.exact, done.near, done.counts.compared, done.counts.verified
        )
    })
}

pub(crate) async fn build(settings: &Settings, arguments: BuildArguments) -> anyhow::Result<()> {
    let done = with_context(settings, move |context| {
        build_stage::build(context, arguments.name.as_deref())
    })
    .await?;
    let folder = settings.folder.builds().join(&done.name);
    let value = json!({ "name": done.name, "folder": folder, "existed": done.existed, "splits": done.splits });
    print(settings.json, &value, || {
        let state = if done.existed { "was there already" } else { "is ready" };
        let splits: Vec<String> = done
            .splits
            .iter()
            .map(|(split, tally)| format!("{split} {} files", tally.files))
            .collect();
        format!(
            "{} {state}: {}. Next: codelupe index",
            folder.display(),
            splits.join(", ")
        )
    })
}

pub(crate) async fn index(settings: &Settings) -> anyhow::Result<()> {
    with_context(settings, index_stage::index).await?;
    let folder = settings.folder.search();
    print(settings.json, &json!({ "folder": folder }), || {
        format!("{} is ready. Next: codelupe search WORDS", folder.display())
    })
}
