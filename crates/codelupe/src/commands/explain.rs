//! `codelupe explain`: the story of one file.

use std::fmt::Write;

use codelupe_catalogue::{Catalogue, FileStory};
use codelupe_core::{ARCHIVE_REVISION, Reason, text::display_name};
use codelupe_corpus::{ContentRecord, SegmentReader};
use serde_json::{Value, json};

use crate::app::App;
use crate::failure::Result;
use crate::output::print;

use crate::cli::ExplainArguments;

pub(crate) async fn run(app: &App, arguments: &ExplainArguments) -> Result<()> {
    let catalogue = app.catalogue().await?;
    let story = catalogue.file_story(arguments.file.as_encoded_bytes()).await?;
    let record = match &story.content {
        Some(content) => {
            let mut reader = SegmentReader::new(&app.settings.folder, catalogue.segments().await?);
            Some(reader.record(content.location)?)
        }
        None => None,
    };
    let mut value = value(&story, record.as_ref());
    value["candidate"] = candidate(catalogue, &story, &app.settings.config.recipe()).await?;
    print(app.settings.json, &value, || text(&value))
}

/// What processing took it for a near-duplicate of, where deduplication has not looked yet.
async fn candidate(catalogue: &Catalogue, story: &FileStory, recipe: &str) -> Result<Value> {
    let Some(content) = &story.content else {
        return Ok(Value::Null);
    };
    let Some(row) = catalogue.candidate_of(content.blob).await? else {
        return Ok(Value::Null);
    };
    let holders = catalogue.holders(&[row.candidate], recipe).await?;
    let names = holders
        .iter()
        .map(|file| format!("{}/{}", file.repository, display_name(&file.path)));
    Ok(json!({ "file": names.into_iter().next(), "blob": row.candidate.to_string(), "shared_bands": row.shared }))
}

/// What is said of a file that a forge packed up.
const UNFAITHFUL: &str = "read from an archive of its forge; attributes of the repository may have changed it";

fn value(story: &FileStory, record: Option<&ContentRecord>) -> Value {
    let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap_or(Value::Null);
    let (verdict, reason) = verdict(story);
    json!({
        "repository": story.repository,
        "path": display_name(&story.path),
        "verdict": verdict,
        "reason": reason,
        "reason_text": reason.as_ref().and_then(|code| code.parse::<Reason>().ok()).map(Reason::describe),
        "detail": story.detail,
        "kept_twin": story.twin.as_ref().map(|twin| json!({
            "file": format!("{}/{}", twin.repository, display_name(&twin.path)),
            "jaccard": twin.jaccard,
        })),
        "build": story.build.as_ref().map(|story| json!({
            "name": story.build,
            "split": story.outcome.as_ref().ok(),
            "reason": story.outcome.as_ref().err(),
        })),
        "forge": story.forge,
        "origin": story.origin,
        "commit": story.commit,
        "unfaithful": story.revision.starts_with(ARCHIVE_REVISION).then_some(UNFAITHFUL),
        "license": story.license,
        "license_class": story.license_class,
        "license_evidence": parsed(&story.license_evidence),
        "bytes": story.bytes,
        "blob": story.content.as_ref().map(|content| content.blob.to_string()),
        "swhid": story.content.as_ref().map(|content| content.blob.swhid().to_string()),
        "language": story.content.as_ref().and_then(|content| content.language.clone()),
        "quality": story.content.as_ref().map(|content| content.quality),
        "signals": record.map(|record| parsed(&record.signals)),
        "redactions": record.map(|record| parsed(&record.redactions)),
    })
}

/// The last word on a file: the first reason that stopped it, or how far it came.
fn verdict(story: &FileStory) -> (&'static str, Option<String>) {
    let content = story.content.as_ref().and_then(|content| content.reason.clone());
    let twin = story.twin.as_ref().map(|twin| twin.reason.clone());
    let build = story
        .build
        .as_ref()
        .and_then(|story| story.outcome.as_ref().err().cloned());
    match story.fetch_reason.clone().or(content).or(twin).or(build) {
        Some(reason) => ("dropped", Some(reason)),
        None if story.build.is_some() => ("in the latest build", None),
        None => ("kept, not in a build yet", None),
    }
}

fn text(value: &Value) -> String {
    let mut text = String::new();
    let fields = value
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, value)| !is_nothing(value));
    // serde_json keeps the order only with a feature; the story has one of its own.
    let mut fields: Vec<(&String, &Value)> = fields.collect();
    fields.sort_by_key(|(name, _)| {
        ORDER
            .iter()
            .position(|known| known == &name.as_str())
            .unwrap_or(ORDER.len())
    });
    for (name, value) in fields {
        let _ = writeln!(text, "{:>16}  {}", name.replace('_', " "), inline(value));
    }
    text.trim_end().to_owned()
}

const ORDER: [&str; 23] = [
    "repository",
    "path",
    "verdict",
    "reason",
    "reason_text",
    "detail",
    "kept_twin",
    "candidate",
    "build",
    "language",
    "quality",
    "license",
    "license_class",
    "license_evidence",
    "bytes",
    "blob",
    "swhid",
    "forge",
    "origin",
    "commit",
    "unfaithful",
    "redactions",
    "signals",
];

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number
            .as_f64()
            .filter(|_| number.is_f64())
            .map_or(number.to_string(), |float| {
                format!("{float:.4}")
                    .trim_end_matches('0')
                    .trim_end_matches('.')
                    .to_owned()
            }),
        Value::Array(items) => items.iter().map(inline).collect::<Vec<_>>().join("; "),
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(_, value)| !is_nothing(value));
            fields
                .map(|(name, value)| format!("{name} {}", inline(value)))
                .collect::<Vec<_>>()
                .join(", ")
        }
        other => other.to_string(),
    }
}
