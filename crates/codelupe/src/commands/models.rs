//! `codelupe models`.

use codelupe_catalogue::{ModelKind, ModelRow};
use codelupe_core::error::ErrorCode;
use codelupe_inspect::{self as inspect, ListedModel, ShownModel};
use codelupe_model::{GenerateConfig, Preset, generate};
use codelupe_samples::Special;
use codelupe_train::Opened;
use codelupe_train::{Error, Registry};
use serde_json::json;
use tokio::runtime::Handle;

use crate::app::App;
use crate::cli::{GenerateArguments, InitArguments, MergeArguments, ModelsCommand, PresetArgument};
use crate::failure::{Context as _, Failure, Result};
use crate::output::print;
use crate::report::tables;

pub(crate) async fn run(app: &App, command: ModelsCommand) -> Result<()> {
    match command {
        ModelsCommand::Init(arguments) => init(app, arguments).await,
        ModelsCommand::List => list(app).await,
        ModelsCommand::Show(model) => show(app, model.name).await,
        ModelsCommand::Promote(model) => {
            let promoted = with_registry(app, move |registry| registry.promote(&model.name)).await?;
            in_use(app, promoted)
        }
        ModelsCommand::Rollback { line } => {
            let promoted = with_registry(app, move |registry| registry.rollback(&line)).await?;
            in_use(app, promoted)
        }
        ModelsCommand::Rm(model) => {
            let name = model.name.clone();
            with_registry(app, move |registry| registry.remove(&name)).await?;
            print(app.settings.json, &json!({ "removed": model.name }), || {
                format!("{} is gone", model.name)
            })
        }
        ModelsCommand::Merge(arguments) => merged(app, arguments).await,
        ModelsCommand::Generate(arguments) => completed(app, arguments).await,
    }
}

/// Does blocking work on the registry of the data folder.
pub(crate) async fn with_registry<T: Send + 'static>(
    app: &App,
    work: impl FnOnce(&Registry) -> Result<T, Error> + Send + 'static,
) -> Result<T> {
    let (lock, catalogue) = app.locked().await?;
    let registry = Registry::new(app.settings.folder.clone(), catalogue.clone(), Handle::current());
    let result = tokio::task::spawn_blocking(move || work(&registry))
        .await
        .map_err(Failure::defect)?;
    drop(lock);
    Ok(result?)
}

/// Asks the registry, which needs no lock: a data folder that cannot be written answers too.
async fn ask_registry<T: Send + 'static>(
    app: &App,
    question: impl FnOnce(&Registry) -> Result<T, Error> + Send + 'static,
) -> Result<T> {
    let catalogue = app.catalogue().await?.clone();
    let registry = Registry::new(app.settings.folder.clone(), catalogue, Handle::current());
    let answer = tokio::task::spawn_blocking(move || question(&registry));
    Ok(answer.await.map_err(Failure::defect)??)
}

async fn init(app: &App, arguments: InitArguments) -> Result<()> {
    let (preset, word) = match arguments.preset {
        PresetArgument::Tiny => (Preset::Tiny, "tiny"),
        PresetArgument::Small => (Preset::Small, "small"),
    };
    let name = arguments.name.unwrap_or_else(|| word.to_owned());
    let made = with_registry(app, move |registry| {
        let model = registry.init(preset, &name, arguments.vocabulary, arguments.seed)?;
        let opened = registry.open(&model)?;
        let config = opened.weights.config();
        Ok((model.name, config.parameters(), config.vocab_size))
    })
    .await?;
    let (name, parameters, vocabulary) = made;
    let value = json!({ "model": name, "parameters": parameters, "vocabulary": vocabulary });
    print(app.settings.json, &value, || {
        format!("{name}: {parameters} random parameters, {vocabulary} tokens. Next: codelupe train --full")
    })
}

async fn list(app: &App) -> Result<()> {
    let models = inspect::models(app.catalogue().await?).await?;
    print(app.settings.json, &json!(models), || {
        if models.is_empty() {
            return "There is no model yet: codelupe models init, or codelupe train --base FOLDER".to_owned();
        }
        let mut table = tables::table(&["model", "kind", "state", "line", "base", "held-out loss"], &[5]);
        for ListedModel(model) in &models {
            table.add_row([
                model.name.clone(),
                model.kind.to_string(),
                model.state.to_string(),
                model.line.clone(),
                model.base.clone().unwrap_or_default(),
                model.loss.map_or_else(|| "-".to_owned(), |loss| format!("{loss:.4}")),
            ]);
        }
        table.to_string()
    })
}

async fn show(app: &App, name: String) -> Result<()> {
    let shown = ask_registry(app, move |registry| {
        let model = registry.find(&name)?;
        let (place, card) = (registry.place_of(&model.name), registry.card(&model.name)?);
        Ok(ShownModel::new(model, place, card.as_deref()))
    })
    .await?;
    print(app.settings.json, &json!(shown), || {
        let (ListedModel(model), folder) = (&shown.model, &shown.folder);
        let head = format!("{} ({}, {}) in {folder}", model.name, model.kind, model.state);
        match &shown.card {
            Some(card) => format!("{head}\n\n{card}"),
            None => head,
        }
    })
}

fn in_use(app: &App, model: ModelRow) -> Result<()> {
    let name = model.name.clone();
    print(app.settings.json, &json!(ListedModel(model)), || {
        format!("{name} is in use")
    })
}

async fn merged(app: &App, arguments: MergeArguments) -> Result<()> {
    let target = arguments.target.clone();
    if target.to_str().is_some_and(|target| target.contains("://")) {
        let text = "a merged model is written into a folder of this machine, not to an address";
        return Err(Failure::new(ErrorCode::Validation, text));
    }
    if target.exists() {
        let text = format!("`{}` exists already", target.display());
        let failure = Failure::new(ErrorCode::Conflict, text);
        return Err(failure.with_hint("name a target that is not there yet"));
    }
    let (name, is_adapter) = ask_registry(app, move |registry| {
        let model = registry.find(&arguments.name)?;
        let is_adapter = model.kind == ModelKind::Adapter;
        if is_adapter {
            registry.merge(&model, &arguments.target)?;
        }
        Ok((model.name, is_adapter))
    })
    .await?;
    if !is_adapter {
        let text = format!("`{name}` is no adapter: its folder is a whole model already");
        let failure = Failure::new(ErrorCode::Validation, text);
        return Err(failure.with_hint("`codelupe models list` shows the kind of each model"));
    }
    print(app.settings.json, &json!({ "model": name, "folder": target }), || {
        format!("{name} and its base are in {}", target.display())
    })
}

async fn completed(app: &App, arguments: GenerateArguments) -> Result<()> {
    let name = arguments.name.clone();
    let (model, opened) = ask_registry(app, move |registry| {
        let model = registry.find(&name)?;
        let opened = registry.open(&model)?;
        Ok((model.name, opened))
    })
    .await?;
    let text = complete(&opened, &arguments)
        .with_context(|| Failure::new(ErrorCode::Validation, format!("`{model}` cannot go on with this")))?;
    let value = json!({ "model": model, "prompt": arguments.prompt, "completion": text });
    print(app.settings.json, &value, || match &arguments.suffix {
        Some(suffix) => format!("{}{text}{suffix}", arguments.prompt),
        None => format!("{}{text}", arguments.prompt),
    })
}

/// What the model says after the prompt, or between prompt and suffix.
fn complete(opened: &Opened, arguments: &GenerateArguments) -> Result<String> {
    let tokenizer = &opened.tokenizer;
    let mut tokens = Vec::new();
    if let Some(suffix) = &arguments.suffix {
        tokens.push(tokenizer.require(Special::FimPrefix)?);
        tokenizer.encode_text(&arguments.prompt, &mut tokens)?;
        tokens.push(tokenizer.require(Special::FimSuffix)?);
        tokenizer.encode_text(suffix, &mut tokens)?;
        tokens.push(tokenizer.require(Special::FimMiddle)?);
    } else {
        tokenizer.encode_text(&arguments.prompt, &mut tokens)?;
    }
    let config = GenerateConfig {
        max_new_tokens: arguments.tokens,
        temperature: arguments.temperature,
        seed: arguments.seed,
        stop_ids: [Special::EndOfText, Special::FileSep]
            .into_iter()
            .filter_map(|special| tokenizer.require(special).ok())
            .collect(),
        ..GenerateConfig::default()
    };
    let completion = generate(&opened.weights, opened.adapter.as_ref(), &tokens, &config)?;
    Ok(tokenizer.decode(&completion.tokens))
}
