//! `codelupe samples`.

use std::fmt::Write as _;
use std::io::IsTerminal;

use codelupe_core::error::ErrorCode;
use codelupe_samples::{Passage, SampleKind, passages};
use codelupe_train::{Chooser, Error, Preview};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use crate::app::App;
use crate::cli::{SamplesCommand, ShowSamplesArguments};
use crate::failure::{Failure, Result};
use crate::output::print;

pub(crate) async fn run(app: &App, command: SamplesCommand) -> Result<()> {
    match command {
        SamplesCommand::Show(arguments) => show(app, arguments).await,
    }
}

async fn show(app: &App, arguments: ShowSamplesArguments) -> Result<()> {
    let mut config = app.settings.train.clone();
    if let Some(base) = &arguments.base {
        config.base.clone_from(base);
    }
    let kind = arguments.kind.as_deref().map(kind).transpose()?;
    let (lock, catalogue) = app.locked().await?;
    let chooser = Chooser::new(
        config,
        app.settings.folder.clone(),
        catalogue.clone(),
        Handle::current(),
    )?;
    let samples = spawn_blocking(move || {
        let preview = chooser.preview()?;
        Ok::<_, Error>(chosen(&preview, kind, &arguments))
    })
    .await
    .map_err(Failure::defect)?;
    drop(lock);
    let samples = samples?;
    let colored = std::io::stdout().is_terminal();
    let value: Vec<Value> = samples.iter().map(value).collect();
    print(app.settings.json, &value, || {
        let shown: Vec<String> = samples.iter().map(|sample| text(sample, colored)).collect();
        let legend = if colored {
            "green is learned, blue is special"
        } else {
            "[[ learned ]]"
        };
        format!("{}\n{} samples; {legend}", shown.join("\n"), samples.len())
    })
}

fn kind(name: &str) -> Result<SampleKind> {
    let known = SampleKind::ALL.into_iter().find(|kind| kind.name() == name);
    known.ok_or_else(|| {
        let names: Vec<&str> = SampleKind::ALL.into_iter().map(SampleKind::name).collect();
        let text = format!("`{name}` is no kind of sample: {}", names.join(", "));
        Failure::new(ErrorCode::Validation, text)
    })
}

/// A sample as it is shown.
struct Shown {
    kind: SampleKind,
    language: String,
    tokens: usize,
    learned: usize,
    passages: Vec<Passage>,
}

fn chosen(preview: &Preview, kind: Option<SampleKind>, arguments: &ShowSamplesArguments) -> Vec<Shown> {
    let dataset = &preview.dataset;
    let mut shown = Vec::new();
    for row in dataset.rows() {
        for span in &row.samples {
            let language = dataset.summary().languages[usize::from(span.language)].to_string();
            let wanted = kind.is_none_or(|kind| kind == span.kind)
                && arguments
                    .language
                    .as_ref()
                    .is_none_or(|wanted| wanted.eq_ignore_ascii_case(&language));
            if wanted && shown.len() < arguments.count {
                shown.push(Shown {
                    kind: span.kind,
                    language,
                    tokens: span.range().len(),
                    learned: span.range().filter(|position| row.learned(*position)).count(),
                    passages: passages(&row, span.range(), &preview.tokenizer),
                });
            }
        }
    }
    shown
}

fn value(sample: &Shown) -> Value {
    let parts: Vec<Value> = sample
        .passages
        .iter()
        .map(|passage| json!({ "text": passage.text, "learned": passage.learned, "special": passage.special }))
        .collect();
    json!({
        "kind": sample.kind.name(),
        "language": sample.language,
        "tokens": sample.tokens,
        "learned": sample.learned,
        "passages": parts,
    })
}

fn text(sample: &Shown, colored: bool) -> String {
    let mut text = format!(
        "── {}, {}: {} tokens, {} of them learned\n",
        sample.kind.name(),
        sample.language,
        sample.tokens,
        sample.learned
    );
    for passage in &sample.passages {
        // Writing to a text cannot fail. Escape sequences of the code itself would change the terminal.
        let part = passage.text.replace('\u{1b}', "\u{241b}");
        let _ = match (colored, passage.special, passage.learned) {
            (true, true, _) => write!(text, "\u{1b}[34m{part}\u{1b}[0m"),
            (true, false, true) => write!(text, "\u{1b}[32m{part}\u{1b}[0m"),
            (false, false, true) => write!(text, "[[{part}]]"),
            _ => write!(text, "{part}"),
        };
    }
    text
}
