//! What is put beside the files of a model: the tokenizer, `training.json` and a card.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use codelupe_disk::{write, write_json};
use serde::{Deserialize, Serialize};

use crate::config::TrainConfig;
use crate::error::Error;
use crate::evaluate::Evaluation;
use crate::events::Figures;
use crate::format::Material;

/// The files of a tokenizer, as far as a model has them.
const TOKENIZER_FILES: [&str; 6] = [
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
];

/// Where a model comes from: `training.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingRecord {
    /// Program and version.
    pub program: String,
    /// The model.
    pub name: String,
    /// The model whose weights it started from or needs.
    pub base: String,
    /// The model that it continues.
    pub parent: Option<String>,
    /// The training.
    pub training: String,
    /// The engine.
    pub engine: String,
    /// The settings.
    pub config: TrainConfig,
    /// What it learned from.
    pub material: Material,
    /// What it took.
    pub figures: Figures,
    /// How it did on held-out files.
    pub evaluation: Option<Evaluation>,
    /// How what it was compared with did.
    pub compared: Option<Evaluation>,
}

/// Puts everything beside the files of a model that makes it usable alone.
pub(crate) fn complete(folder: &Path, base: &Path, training: &TrainingRecord) -> Result<(), Error> {
    copy_tokenizer(base, folder)?;
    write_json(&folder.join("training.json"), training)?;
    Ok(write(&folder.join("README.md"), card(training).as_bytes())?)
}

/// Copies the files of a tokenizer that are there.
pub(crate) fn copy_tokenizer(from: &Path, to: &Path) -> Result<(), Error> {
    for name in TOKENIZER_FILES {
        let (source, target) = (from.join(name), to.join(name));
        if source.is_file() {
            fs::copy(&source, &target).map_err(|error| Error::own_io("copy to", &target, error))?;
        }
    }
    Ok(())
}

/// The model card, with the header that model hubs read.
fn card(training: &TrainingRecord) -> String {
    let mut text = String::new();
    let TrainingRecord {
        name,
        base,
        material,
        figures,
        ..
    } = training;
    let kind = if figures.is_adapter {
        "A LoRA adapter"
    } else {
        "A model"
    };
    let library = if figures.is_adapter { "peft" } else { "transformers" };
    let _ = write!(
        text,
        "---\nlibrary_name: {library}\nbase_model: {}\ntags:\n- code\n---\n\n# {name}\n\n\
         {kind} trained by {} from `{base}` on {} files of the build `{}` ({} tokens, {} of them learned).\n\n",
        serde_json::Value::from(base.as_str()),
        training.program,
        material.languages.values().sum::<u64>(),
        material.build,
        material.tokens,
        material.learned,
    );
    if let Some(evaluation) = &training.evaluation {
        text.push_str("## Held-out files\n\n");
        text.push_str(&evaluation_table(evaluation, training.compared.as_ref()));
    }
    let _ = writeln!(
        text,
        "\n## Training\n\n{} steps of {} rows of {} tokens by the engine `{}`; {:.0} tokens/s, at most {} MB of memory, \
         {:.0} s. Settings, figures and the build's digest are in `training.json`.\n",
        figures.steps,
        training.config.rows_per_step,
        training.config.samples.sequence_length,
        training.engine,
        figures.tokens_per_second,
        figures.peak_memory / 1_000_000,
        figures.seconds,
    );
    text.push_str("## Licenses of the files\n\n| license | files |\n|---|---:|\n");
    for (license, files) in &material.licenses {
        let _ = writeln!(text, "| {} | {files} |", license.replace('|', "\\|"));
    }
    text
}

/// Losses by language, beside those of what it was compared with.
fn evaluation_table(evaluation: &Evaluation, compared: Option<&Evaluation>) -> String {
    let mut text = "| language | loss | bits per byte | before | tokens |\n|---|---:|---:|---:|---:|\n".to_owned();
    let before = |language: &str| compared.and_then(|compared| compared.languages.get(language));
    let rows = std::iter::once(("all", evaluation.total, compared.map(|compared| compared.total))).chain(
        evaluation
            .languages
            .iter()
            .map(|(language, score)| (language.as_str(), *score, before(language).copied())),
    );
    for (language, score, before) in rows {
        let before = before.map_or_else(|| "-".to_owned(), |before| format!("{:.3}", before.loss));
        let _ = writeln!(
            text,
            "| {language} | {:.3} | {:.3} | {before} | {} |",
            score.loss, score.bits_per_byte, score.tokens
        );
    }
    let holes = evaluation.holes;
    let _ = writeln!(
        text,
        "\n{} holes filled in: {:.1} % exactly, similarity {:.3}.",
        holes.count,
        100.0 * holes.exact,
        holes.similarity
    );
    text
}
