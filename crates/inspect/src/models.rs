//! The models that the catalogue knows.

use std::path::PathBuf;

use codelupe_catalogue::{Catalogue, ModelRow};
use serde::{Serialize, Serializer};

use crate::error::Error;
use crate::json::{parsed, serialize_changed};

/// A model; its evaluation is serialized as the object that it is.
#[derive(Debug, Clone)]
pub struct ListedModel(pub ModelRow);

impl Serialize for ListedModel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_changed(&self.0, serializer, |fields| {
            if let Some(evaluation) = &self.0.evaluation {
                fields.insert("evaluation".to_owned(), parsed(evaluation));
            }
        })
    }
}

/// A model, and where its files are.
#[derive(Debug, Clone, Serialize)]
pub struct ShownModel {
    /// The model.
    #[serde(flatten)]
    pub model: ListedModel,
    /// The folder of its files.
    pub folder: PathBuf,
}

/// All models, oldest first.
///
/// # Errors
/// `Store` when the catalogue cannot be read.
pub async fn models(catalogue: &Catalogue) -> Result<Vec<ListedModel>, Error> {
    Ok(catalogue.models().await?.into_iter().map(ListedModel).collect())
}
