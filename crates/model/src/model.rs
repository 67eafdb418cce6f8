//! A model that is only read: its shape and its mapped weights.

use std::collections::HashMap;
use std::path::Path;

use codelupe_core::text::display_path;

use crate::config::ModelConfig;
use crate::error::{Error, Result};
use crate::tensor::Weight;
use crate::weights::Weights;

/// The frozen weights of a model folder and its shape.
#[derive(Debug)]
pub struct Model {
    config: ModelConfig,
    name: String,
    fingerprint: u64,
    weights: Weights,
    /// Norms and biases, which are small, as floats.
    vectors: HashMap<String, Vec<f32>>,
}

impl Model {
    /// Opens a Hugging Face folder: `config.json` and `model.safetensors`, or its index and shards. The weights are
    /// mapped, not read.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unsupported`] for another architecture; [`crate::ErrorKind::Corrupt`] for a file that is
    /// truncated, or lacks a tensor, or has it in another shape or number format, naming file and tensor; kinds of I/O.
    pub fn open(folder: &Path) -> Result<Self> {
        let config = ModelConfig::read(folder)?;
        let weights = Weights::open(folder, &config)?;
        let is_vector = |shape: &[usize]| shape.len() == 1;
        let vectors = config
            .tensors()
            .into_iter()
            .filter(|spec| is_vector(&spec.shape))
            .filter_map(|spec| Some((weights.floats(&spec.name)?, spec.name)))
            .map(|(values, name)| (name, values))
            .collect();
        Ok(Self {
            fingerprint: weights.fingerprint(&config),
            config,
            name: display_path(folder),
            weights,
            vectors,
        })
    }

    /// The shape.
    pub const fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// The folder, as adapters name their base unless another name is set.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sets the name that adapters of this model record as their base.
    #[must_use]
    pub fn with_name(self, name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..self
        }
    }

    pub(crate) fn matrix(&self, name: &str) -> Result<Weight<'_>> {
        self.weights.matrix(name).ok_or_else(|| self.missing(name))
    }

    pub(crate) fn vector(&self, name: &str) -> Result<&[f32]> {
        let values = self.vectors.get(name).map(Vec::as_slice);
        values.ok_or_else(|| self.missing(name))
    }

    /// A number that identifies this base, as 16 hexadecimal digits: over the shape and a sample of the bytes of
    /// every tensor.
    pub fn fingerprint(&self) -> String {
        format!("{:016x}", self.fingerprint)
    }

    /// All values of a tensor, as floats.
    pub(crate) fn floats(&self, name: &str) -> Result<Vec<f32>> {
        self.weights.floats(name).ok_or_else(|| self.missing(name))
    }

    fn missing(&self, name: &str) -> Error {
        Error::corrupt(Path::new(&self.name), format!("the tensor `{name}` is missing"))
    }
}
