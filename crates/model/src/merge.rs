//! An adapter merged into the weights of its base.

use std::borrow::Cow;
use std::path::Path;

use codelupe_disk::replace_folder;
use safetensors::tensor::{Dtype, View};

use crate::adapter::Adapter;
use crate::config::in_layer;
use crate::error::Result;
use crate::init::{torch_metadata, write_configs};
use crate::lora::tensor_names;
use crate::model::Model;
use crate::ops::{Cpu, Ops};
use crate::persist::write_tensors;
use crate::target::Target;
use crate::tensor::{Mat, MatMut, Weight};
use crate::weights::WEIGHTS_FILE;

/// Writes `W + alpha / rank * B A` for every adapted projection, and all other weights as they are, in single
/// precision, as a model folder that `transformers` reads too. One tensor at a time is held. An older folder at that
/// place is replaced.
///
/// # Errors
/// [`crate::ErrorKind::Mismatch`] for an adapter of another base; kinds of I/O.
pub fn merge(model: &Model, adapter: &Adapter, folder: &Path) -> Result<()> {
    adapter.check_base(model)?;
    let config = model.config();
    let mut tensors = Vec::new();
    for spec in config.tensors() {
        let content = if spec.shape.len() == 1 {
            Content::Vector(model.vector(&spec.name)?)
        } else {
            Content::Matrix(model.matrix(&spec.name)?, update(adapter, config.layers, &spec.name))
        };
        let shape = spec.shape;
        tensors.push((spec.name, Merged { shape, content }));
    }
    replace_folder(folder, |folder| {
        write_configs(folder, config)?;
        write_tensors(&folder.join(WEIGHTS_FILE), tensors, torch_metadata())
    })
}

/// A and B of the tensor of this name, if it is adapted, and their scale.
fn update<'a>(adapter: &'a Adapter, layers: usize, name: &str) -> Option<Update<'a>> {
    let view = adapter.view();
    let adapted = |layer: usize| view.config.targets.iter().map(move |&target| (layer, target));
    let is_this = |&(layer, target): &(usize, Target)| name == in_layer(layer, &format!("{}.weight", target.module()));
    let (layer, target) = (0..layers).flat_map(adapted).find(is_this)?;
    let (a, b) = tensor_names(layer, target);
    let slice = |name: &str| Some(&view.values[view.layout.range(name)?]);
    Some(Update {
        a: slice(&a)?,
        b: slice(&b)?,
        rank: view.config.rank,
        scale: view.config.scale(),
    })
}

struct Update<'a> {
    a: &'a [f32],
    b: &'a [f32],
    rank: usize,
    scale: f32,
}

enum Content<'a> {
    Vector(&'a [f32]),
    Matrix(Weight<'a>, Option<Update<'a>>),
}

/// A tensor that is computed when it is written.
struct Merged<'a> {
    shape: Vec<usize>,
    content: Content<'a>,
}

impl Content<'_> {
    fn values(&self) -> Vec<f32> {
        match self {
            Self::Vector(values) => values.to_vec(),
            Self::Matrix(weight, update) => {
                let mut values = vec![0.0; weight.rows() * weight.columns()];
                weight.widen(0, &mut values);
                if let Some(update) = update {
                    let (a, b) = (Mat::new(update.a, weight.columns()), Mat::new(update.b, update.rank));
                    Cpu.matmul(update.scale, b, a, true, MatMut::new(&mut values, weight.columns()));
                }
                values
            }
        }
    }
}

impl View for Merged<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Owned(
            self.content
                .values()
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect(),
        )
    }

    fn data_len(&self) -> usize {
        self.shape.iter().product::<usize>() * 4
    }
}
