//! The models that the catalogue knows.

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

/// A model with the folder of its files and its card.
#[derive(Debug, Clone, Serialize)]
pub struct ShownModel {
    /// The model.
    #[serde(flatten)]
    pub model: ListedModel,
    /// Where its files are: a folder, or an address.
    pub folder: String,
    /// The text of its card without what stands before the title, which is for model hubs; none when it has no card.
    #[serde(skip)]
    pub card: Option<String>,
}

impl ShownModel {
    /// A model whose files are in `folder`, with the text of its card as the file has it.
    pub fn new(model: ModelRow, folder: String, card: Option<&str>) -> Self {
        let text = |card: &str| {
            let text = card.rsplit_once("---\n").map_or(card, |(_, text)| text.trim());
            text.to_owned()
        };
        Self {
            model: ListedModel(model),
            folder,
            card: card.map(text),
        }
    }
}

/// All models, oldest first.
///
/// # Errors
/// `Store` when the catalogue cannot be read.
pub async fn models(catalogue: &Catalogue) -> Result<Vec<ListedModel>, Error> {
    Ok(catalogue.models().await?.into_iter().map(ListedModel).collect())
}
