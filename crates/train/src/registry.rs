//! The models of a data folder: their folders, and what the catalogue says of them.

use std::path::Path;

use codelupe_catalogue::{Catalogue, ModelKind, ModelRow, ModelState, NewModel, TrainingRow};
use codelupe_core::{error::ErrorCode, text::display_path};
use codelupe_corpus::{Artifact, DataFolder, Staged};
use codelupe_disk::{make_folder, work_name};
use codelupe_model::{Adapter, Model, ModelConfig, Preset, write_new_model};
use codelupe_samples::{Special, Tokenizer};
use tokio::runtime::Handle;

use crate::documents::{Build, no_build};
use crate::error::{Error, ErrorKind};

/// The longest name of a model.
const MAX_NAME: usize = 100;

/// Text that a tokenizer is learned from, in bytes: more changes little for vocabularies of this size.
const TOKENIZER_BYTES: usize = 64 << 20;

/// The models of a data folder.
#[derive(Debug, Clone)]
pub struct Registry {
    folder: DataFolder,
    catalogue: Catalogue,
    runtime: Handle,
}

impl Registry {
    /// The registry of a data folder. Its calls block.
    pub fn new(folder: DataFolder, catalogue: Catalogue, runtime: Handle) -> Self {
        Self {
            folder,
            catalogue,
            runtime,
        }
    }

    /// All models, oldest first.
    ///
    /// # Errors
    /// `Store` when the catalogue cannot be read.
    pub fn list(&self) -> Result<Vec<ModelRow>, Error> {
        Ok(self.runtime.block_on(self.catalogue.models())?)
    }

    /// A model by name; the empty name is the adapter or model that came into use last.
    ///
    /// # Errors
    /// `Model` when there is none; `Store` when the catalogue cannot be read.
    pub fn find(&self, name: &str) -> Result<ModelRow, Error> {
        let models = self.list()?;
        if name.is_empty() {
            let promoted = models.into_iter().filter(|model| model.state == ModelState::Promoted);
            let latest = promoted.max_by_key(|model| (model.promoted_at, model.id));
            return latest.ok_or_else(|| missing("no model is promoted yet"));
        }
        let found = models.into_iter().find(|model| model.name == name);
        found.ok_or_else(|| missing(format!("there is no model `{name}`")))
    }

    /// How people know the place of a model: a folder, or an address.
    pub fn place_of(&self, name: &str) -> String {
        self.folder.artifact_place(&model_artifact(name))
    }

    /// The folder of a model, for as long as it is used.
    ///
    /// # Errors
    /// `Model` when its files are gone; else `Store`.
    pub fn stage(&self, name: &str) -> Result<Staged, Error> {
        stage(&self.folder, name)
    }

    /// The card of a model, if it has one.
    ///
    /// # Errors
    /// `Store` when the store cannot be asked.
    pub fn card(&self, name: &str) -> Result<Option<String>, Error> {
        match self.folder.read_of(&model_artifact(name), "README.md") {
            Ok(card) => Ok(Some(String::from_utf8_lossy(&card).into_owned())),
            Err(error) if error.kind() == codelupe_corpus::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes a small model with random weights and a tokenizer learned from the latest build.
    ///
    /// # Errors
    /// `Config` for a name that is not valid or is taken; `Nothing` without a build; `Samples`, `Model` or `Store`.
    pub fn init(&self, preset: Preset, name: &str, vocabulary: usize, seed: u64) -> Result<ModelRow, Error> {
        check_name(name)?;
        if self.list()?.iter().any(|model| model.name == name) {
            let context = format!("a model `{name}` exists already; `codelupe models rm {name}` removes it");
            return Err(Error::new(ErrorKind::Config, context).with_code(ErrorCode::Conflict));
        }
        let row = self.runtime.block_on(self.catalogue.latest_build())?;
        let row = row.ok_or_else(|| no_build(self.folder.root()))?;
        let build = Build::open(&self.folder, &row)?;
        let work = self.folder.tmp().join(work_name("model"));
        make_folder(&work)?;
        let tokenizer = learn_tokenizer(&build, vocabulary, &work)?;
        let mut config = ModelConfig::preset(preset, tokenizer.vocabulary_size())?;
        config.eos_token_ids = vec![tokenizer.require(Special::EndOfText)?];
        write_new_model(&work, &config, seed)?;
        self.folder.publish_artifact(&model_artifact(name), &work)?;
        let model = NewModel {
            name: name.to_owned(),
            kind: ModelKind::Base,
            line: name.to_owned(),
            base: None,
            parent: None,
            loss: None,
            evaluation: None,
            promote: true,
        };
        self.runtime.block_on(self.catalogue.register_model(&model))?;
        self.find(name)
    }

    /// Brings a model into use.
    ///
    /// # Errors
    /// `Model` when there is none of that name, or its files are gone; `Store` when the catalogue fails.
    pub fn promote(&self, name: &str) -> Result<ModelRow, Error> {
        let model = self.find(name)?;
        self.must_have_files(&model.name)?;
        self.runtime.block_on(self.catalogue.promote_model(&model.name))?;
        self.find(&model.name)
    }

    /// Brings the model into use that was before the promoted one of a line; the empty line is that of the model that came
    /// into use last.
    ///
    /// # Errors
    /// `Model` when there is none that was in use before; `Store` when the catalogue fails.
    pub fn rollback(&self, line: &str) -> Result<ModelRow, Error> {
        let line = if line.is_empty() {
            self.find("")?.line
        } else {
            line.to_owned()
        };
        let retired = self
            .list()?
            .into_iter()
            .filter(|model| model.line == line && model.state == ModelState::Retired);
        let before = retired.max_by_key(|model| (model.promoted_at, model.id));
        match before {
            Some(model) => self.promote(&model.name),
            None => Err(missing(format!("in the line `{line}` no model was in use before"))),
        }
    }

    /// Removes a model that no other needs.
    ///
    /// # Errors
    /// `Config` for one that is in use, that others or an open training need; `Model` when there is none; `Store` when it cannot be removed.
    pub fn remove(&self, name: &str) -> Result<(), Error> {
        let model = self.find(name)?;
        let models = self.list()?;
        if let Some(needing) = models.iter().find(|other| other.base.as_deref() == Some(&model.name)) {
            let context = format!("`{}` is the base of `{}`", model.name, needing.name);
            return Err(Error::new(ErrorKind::Config, context).with_code(ErrorCode::Conflict));
        }
        let open = self.runtime.block_on(self.catalogue.open_training())?;
        let needs = |training: &TrainingRow| training.base == name || training.parent.as_deref() == Some(name);
        if let Some(training) = open.filter(needs) {
            let context = format!("`{name}` is what the open training `{}` starts from", training.name);
            return Err(Error::new(ErrorKind::Config, context).with_code(ErrorCode::Conflict));
        }
        let in_line = |other: &&ModelRow| other.line == model.line && other.name != model.name;
        if let Some(other) = models.iter().find(in_line).filter(|_| model.kind == ModelKind::Base) {
            let context = format!("`{name}` is where the line of `{}` began", other.name);
            return Err(Error::new(ErrorKind::Config, context).with_code(ErrorCode::Conflict));
        }
        if model.state == ModelState::Promoted && model.kind != ModelKind::Base {
            let context = format!("`{}` is in use; promote another one first", model.name);
            return Err(Error::new(ErrorKind::Config, context).with_code(ErrorCode::Conflict));
        }
        self.runtime.block_on(self.catalogue.remove_model(&model.name))?;
        Ok(self.folder.remove_artifact(&model_artifact(&model.name))?)
    }

    /// Removes the oldest models of a line that are not in use, until so many are left.
    ///
    /// # Errors
    /// Those of [`Self::remove`].
    pub fn retain(&self, line: &str, keep: u32) -> Result<u64, Error> {
        let models = self.list()?;
        let is_needed = |name: &str| models.iter().any(|other| other.base.as_deref() == Some(name));
        let spare: Vec<&ModelRow> = models
            .iter()
            .filter(|model| model.line == line && model.kind != ModelKind::Base && model.state != ModelState::Promoted)
            .filter(|model| !is_needed(&model.name))
            .collect();
        let surplus = spare.len().saturating_sub(keep as usize);
        for model in &spare[..surplus] {
            self.remove(&model.name)?;
        }
        Ok(surplus as u64)
    }

    /// Opens a model to work with: its weights, its adapter, its tokenizer.
    ///
    /// # Errors
    /// `Model` or `Samples` when its files cannot be used.
    pub fn open(&self, model: &ModelRow) -> Result<Opened, Error> {
        let folder = self.stage(&model.name)?;
        let tokenizer = Tokenizer::open(folder.path())?;
        let (weights, adapter, base) = match (model.kind, &model.base) {
            (ModelKind::Adapter, Some(base)) => {
                let base = stage_base(&self.folder, base, Path::new(base))?;
                let weights = Model::open(base.path())?;
                let adapter = Adapter::read(folder.path(), &weights)?;
                (weights, Some(adapter), Some(base))
            }
            _ => (Model::open(folder.path())?, None, None),
        };
        Ok(Opened {
            weights,
            adapter,
            tokenizer,
            _staged: (folder, base),
        })
    }

    /// Writes an adapter and its base as one model that needs no adapter.
    ///
    /// # Errors
    /// `Model` when its files cannot be used; `Store` when the folder cannot be written.
    pub fn merge(&self, model: &ModelRow, target: &Path) -> Result<(), Error> {
        let opened = self.open(model)?;
        let adapter = opened
            .adapter
            .ok_or_else(|| missing(format!("`{}` is no adapter", model.name)))?;
        codelupe_model::merge(&opened.weights, &adapter, target)?;
        crate::card::copy_tokenizer(self.stage(&model.name)?.path(), target)
    }

    fn must_have_files(&self, name: &str) -> Result<(), Error> {
        if self.folder.has(&model_artifact(name))? {
            return Ok(());
        }
        Err(gone(name))
    }
}

/// The artifact that a model is.
pub(crate) fn model_artifact(name: &str) -> Artifact {
    Artifact::Model(name.to_owned())
}

/// The folder of a model of the store.
pub(crate) fn stage(folder: &DataFolder, name: &str) -> Result<Staged, Error> {
    folder.stage(&model_artifact(name)).map_err(|error| match error.kind() {
        codelupe_corpus::ErrorKind::NotFound => gone(name),
        _ => error.into(),
    })
}

/// The folder of a base: a model of the store, or of somebody else at that path.
pub(crate) fn stage_base(folder: &DataFolder, name: &str, elsewhere: &Path) -> Result<Staged, Error> {
    if check_name(name).is_ok() && folder.has(&model_artifact(name))? {
        return stage(folder, name);
    }
    Ok(Staged::here(elsewhere))
}

fn gone(name: &str) -> Error {
    missing(format!("the files of the model `{name}` are gone"))
}

/// A model to work with.
#[derive(Debug)]
pub struct Opened {
    /// The weights of it or of its base.
    pub weights: Model,
    /// What they are adapted by.
    pub adapter: Option<Adapter>,
    /// How text becomes tokens.
    pub tokenizer: Tokenizer,
    /// The files that the weights are mapped from.
    _staged: (Staged, Option<Staged>),
}

fn missing(context: impl Into<String>) -> Error {
    Error::new(ErrorKind::Model, context)
}

fn learn_tokenizer(build: &Build, vocabulary: usize, folder: &Path) -> Result<Tokenizer, Error> {
    let mut texts = Vec::new();
    let mut bytes = 0;
    build.documents(
        codelupe_core::Split::Train,
        |_| true,
        |documents| {
            for document in documents {
                let document = document?;
                bytes += document.text.len();
                texts.push(document.text);
                if bytes > TOKENIZER_BYTES {
                    break;
                }
            }
            Ok(())
        },
    )?;
    if texts.is_empty() {
        return Err(Error::new(
            ErrorKind::Nothing,
            "the build has no file to learn a tokenizer from",
        ));
    }
    Ok(Tokenizer::train_bpe(texts.into_iter(), vocabulary, folder)?)
}

/// A name of a model is the name of a folder.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if (1..=MAX_NAME).contains(&name.len()) && name.chars().all(fits) && !name.starts_with('.') && name != "trainings" {
        return Ok(());
    }
    Err(Error::config(format!(
        "`{name}` is no name for a model: up to {MAX_NAME} letters, digits, `-`, `_` and `.`"
    )))
}

/// A name for what a training makes of a base.
pub(crate) fn name_of_result(base: &Path, kind: &str, training: i64) -> String {
    let stem: String = name_of(base)
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        .take(MAX_NAME / 2)
        .collect();
    let stem = stem.trim_start_matches('.');
    let stem = if stem.is_empty() { "model" } else { stem };
    format!("{stem}-{kind}-{training}")
}

/// The last part of a path, for a user.
fn name_of(path: &Path) -> String {
    path.file_name()
        .map_or_else(|| display_path(path), |name| display_path(Path::new(name)))
}
