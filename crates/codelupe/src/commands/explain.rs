//! `codelupe explain`: the story of one file.

use std::fmt::Write;

use codelupe_core::error::ErrorCode;
use codelupe_inspect::explain;
use serde_json::{Value, json};

use crate::app::App;
use crate::cli::ExplainArguments;
use crate::failure::{Failure, Result};
use crate::output::print;

pub(crate) async fn run(app: &App, arguments: &ExplainArguments) -> Result<()> {
    let (catalogue, settings) = (app.catalogue().await?, &app.settings);
    let name = arguments.file.as_encoded_bytes();
    let unknown = |error| {
        Failure::from(error).hint_for(
            ErrorCode::NotFound,
            "`codelupe search` shows files as they are named here",
        )
    };
    let explained = explain(catalogue, &settings.folder, &settings.config.recipe(), name).await;
    let explanation = explained.map_err(unknown)?;
    let value = json!(explanation);
    print(settings.json, &value, || text(&value))
}

fn text(value: &Value) -> String {
    let mut text = String::new();
    let fields = value
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, value)| !is_nothing(value));
    // serde_json keeps the order only with a feature; people read the story in one of its own.
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
