//! Which model is trained.

use std::path::{Path, PathBuf};

use codelupe_catalogue::{ModelKind, ModelRow, ModelState};
use codelupe_core::{error::ErrorCode, text::display_path};
use codelupe_corpus::{DataFolder, Staged};

use crate::config::{ContinueFrom, Mode, TrainConfig};
use crate::error::{Error, ErrorKind};
use crate::registry::{model_artifact, stage_base};

/// The weights that a training starts from, and the line of models it adds to.
#[derive(Debug, Clone, PartialEq)]
pub struct Base {
    /// Its name: of a model in the data folder, or the path of a folder elsewhere.
    pub name: String,
    /// Where it is, as people know it: a folder, absolute, or an address.
    pub place: PathBuf,
    /// The models that compete with what is made of it.
    pub line: String,
    /// The model that training goes on from, if any: an adapter of this base, or this base itself.
    pub parent: Option<ModelRow>,
}

impl Base {
    /// Its folder, for as long as it is used.
    ///
    /// # Errors
    /// `Model` when its files are gone; else `Store`.
    pub(crate) fn stage(&self, folder: &DataFolder) -> Result<Staged, Error> {
        stage_base(folder, &self.name, &self.place)
    }
}

/// The base that the settings name, among the models of the data folder and folders elsewhere.
///
/// A fully trained model takes the place of the base that its line began with: an adapter is made for the promoted one.
///
/// # Errors
/// `Model` when there is none of that name, or several where none is named.
pub fn find_base(config: &TrainConfig, folder: &DataFolder, models: &[ModelRow]) -> Result<Base, Error> {
    let (name, place) = if let Some(line) = own_line(config, models)? {
        let promoted = models.iter().find(|model| {
            model.line == line && model.kind != ModelKind::Adapter && model.state == ModelState::Promoted
        });
        let afresh = config.continue_from == ContinueFrom::Afresh && config.mode == Mode::Full;
        let name = promoted.filter(|_| !afresh).map_or(line, |model| model.name.clone());
        let place = own_place(folder, &name)?;
        (name, place)
    } else {
        elsewhere(&config.base)?
    };
    let line_of = |name: &str| {
        models
            .iter()
            .find(|model| model.name == name)
            .map(|model| model.line.clone())
    };
    let line = match config.mode {
        Mode::Full => line_of(&name).unwrap_or_else(|| name.clone()),
        Mode::Lora => format!("{name}+lora"),
    };
    let parent = (config.continue_from == ContinueFrom::Promoted)
        .then(|| {
            models
                .iter()
                .find(|model| model.line == line && model.state == ModelState::Promoted)
        })
        .flatten();
    Ok(Base {
        parent: parent.cloned(),
        name,
        place,
        line,
    })
}

/// The line in the data folder that the settings name; none if they name a folder elsewhere.
fn own_line(config: &TrainConfig, models: &[ModelRow]) -> Result<Option<String>, Error> {
    let lines: Vec<&str> = models
        .iter()
        .filter(|model| model.kind == ModelKind::Base)
        .map(|model| model.line.as_str())
        .collect();
    if !config.base.is_empty() {
        let named = models
            .iter()
            .find(|model| model.name == config.base && model.kind != ModelKind::Adapter);
        return Ok(named.map(|model| model.line.clone()));
    }
    match lines.as_slice() {
        [line] => Ok(Some((*line).to_owned())),
        [] => Err(Error::new(
            ErrorKind::Model,
            "there is no model to train; `codelupe models init` makes a small one, or train.base names a Hugging Face folder",
        )),
        several => Err(Error::new(
            ErrorKind::Model,
            format!(
                "there are several models to train; train.base must name one of {}",
                several.join(", ")
            ),
        )
        .with_code(ErrorCode::Validation)),
    }
}

fn own_place(folder: &DataFolder, name: &str) -> Result<PathBuf, Error> {
    if !folder.is_own_store() {
        return Ok(folder.artifact_place(&model_artifact(name)).into());
    }
    let path = folder.models().join(name);
    std::path::absolute(&path).map_err(|error| Error::own_io("find", &path, error))
}

fn elsewhere(base: &str) -> Result<(String, PathBuf), Error> {
    let path = Path::new(base);
    if path.join("config.json").is_file() {
        let path = path.canonicalize().map_err(|error| Error::io("find", path, error))?;
        return Ok((display_path(&path), path));
    }
    Err(Error::new(
        ErrorKind::Model,
        format!("`{base}` is no model of the data folder, and no folder with a config.json"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(name: &str, kind: ModelKind, line: &str, state: ModelState) -> ModelRow {
        ModelRow {
            id: 1,
            name: name.to_owned(),
            kind,
            line: line.to_owned(),
            base: None,
            parent: None,
            training_id: None,
            state,
            loss: None,
            evaluation: None,
            created_at: 0,
            promoted_at: None,
        }
    }

    fn find(mode: Mode, base: &str, models: &[ModelRow]) -> Result<Base, Error> {
        let config = TrainConfig {
            mode,
            base: base.to_owned(),
            ..TrainConfig::default()
        };
        find_base(&config, &DataFolder::new("data"), models)
    }

    #[test]
    fn adapters_are_made_for_the_promoted_weights_of_a_line() {
        let mut models = vec![model("tiny", ModelKind::Base, "tiny", ModelState::Promoted)];
        let base = find(Mode::Full, "", &models).unwrap();
        assert_eq!((base.name.as_str(), base.line.as_str()), ("tiny", "tiny"));
        assert_eq!(base.parent.unwrap().name, "tiny");
        models[0].state = ModelState::Retired;
        models.push(model("tiny-1", ModelKind::Full, "tiny", ModelState::Promoted));
        models.push(model(
            "tiny-1-lora-1",
            ModelKind::Adapter,
            "tiny-1+lora",
            ModelState::Promoted,
        ));
        for named in ["", "tiny", "tiny-1"] {
            let base = find(Mode::Lora, named, &models).unwrap();
            assert_eq!((base.name.as_str(), base.line.as_str()), ("tiny-1", "tiny-1+lora"));
            assert_eq!(base.parent.unwrap().name, "tiny-1-lora-1");
            assert!(base.place.is_absolute() && base.place.ends_with("data/models/tiny-1"));
        }
    }

    #[test]
    fn what_is_not_there_or_not_named_is_said() {
        let error = find(Mode::Lora, "", &[]).unwrap_err();
        assert!(error.to_string().contains("models init"), "{error}");
        let error = find(Mode::Lora, "nowhere", &[]).unwrap_err();
        assert!(error.to_string().contains("`nowhere`"), "{error}");
        let two = ["a", "b"].map(|name| model(name, ModelKind::Base, name, ModelState::Promoted));
        let error = find(Mode::Lora, "", &two).unwrap_err();
        assert!(error.to_string().contains("a, b"), "{error}");
    }
}
