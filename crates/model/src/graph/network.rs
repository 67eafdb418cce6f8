//! Everything that a pass reads, in one place: the weights, frozen or trained, the updates of LoRA, and where in the
//! flat gradient each of them gathers its own.

use std::ops::Range;

use crate::config::{EMBEDDING, FINAL_NORM, HEAD, ModelConfig, in_layer};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{GROUPS, Layout};
use crate::lora::{LoraConfig, tensor_names};
use crate::model::Model;
use crate::tensor::Weight;

/// The model as one pass sees it.
pub(crate) struct Network<'a> {
    pub(crate) config: &'a ModelConfig,
    pub(crate) embedding: Table<'a>,
    pub(crate) blocks: Vec<Block<'a>>,
    pub(crate) norm: Vector<'a>,
    pub(crate) head: Table<'a>,
}

/// A matrix, with the place of its gradient if it is trained.
#[derive(Clone)]
pub(crate) struct Table<'a> {
    pub(crate) weight: Weight<'a>,
    pub(crate) gradient: Option<Range<usize>>,
}

/// A vector, with the place of its gradient if it is trained.
#[derive(Clone)]
pub(crate) struct Vector<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) gradient: Option<Range<usize>>,
}

/// A decoder layer.
pub(crate) struct Block<'a> {
    pub(crate) input_norm: Vector<'a>,
    pub(crate) qkv: Projection<'a>,
    pub(crate) out: Projection<'a>,
    pub(crate) post_norm: Vector<'a>,
    pub(crate) gate_up: Projection<'a>,
    pub(crate) down: Projection<'a>,
}

/// Linear projections that read the same input; their outputs lie side by side.
pub(crate) struct Projection<'a> {
    pub(crate) linears: Vec<Linear<'a>>,
    pub(crate) lora: Option<LoraGroup<'a>>,
}

/// One of these projections.
pub(crate) struct Linear<'a> {
    pub(crate) table: Table<'a>,
    pub(crate) bias: Option<Vector<'a>>,
    /// Its first column in the outputs.
    pub(crate) start: usize,
}

/// The updates of those that are adapted.
pub(crate) struct LoraGroup<'a> {
    pub(crate) rank: usize,
    pub(crate) scale: f32,
    pub(crate) dropout: f32,
    /// All A, one below the other: [adapted projections times rank, inputs].
    pub(crate) a: Vector<'a>,
    /// Of each adapted projection its first column in the outputs and its B, [outputs, rank].
    pub(crate) b: Vec<(usize, Vector<'a>)>,
    /// A number of its own for the masks of dropout.
    pub(crate) key: u64,
}

/// Where the weights come from.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    /// The frozen weights of a model, with the updates of an adapter if there is one.
    Frozen(&'a Model, Option<AdapterView<'a>>),
    /// Trained weights in one buffer.
    Trained(&'a ModelConfig, &'a Layout, &'a [f32]),
}

/// An adapter's values.
#[derive(Clone, Copy)]
pub(crate) struct AdapterView<'a> {
    pub(crate) config: &'a LoraConfig,
    pub(crate) layout: &'a Layout,
    pub(crate) values: &'a [f32],
}

impl<'a> Network<'a> {
    /// Looks up every tensor.
    pub(crate) fn assemble(source: Source<'a>) -> Result<Self> {
        let config = source.config();
        let embedding = source.table(EMBEDDING)?;
        let head = if config.tie_word_embeddings {
            embedding.clone()
        } else {
            source.table(HEAD)?
        };
        let blocks: Result<_> = (0..config.layers).map(|layer| Block::assemble(source, layer)).collect();
        Ok(Self {
            config,
            embedding,
            blocks: blocks?,
            norm: source.vector(FINAL_NORM)?,
            head,
        })
    }
}

impl<'a> Block<'a> {
    fn assemble(source: Source<'a>, layer: usize) -> Result<Self> {
        let projection = |group: usize| Projection::assemble(source, layer, group);
        Ok(Self {
            input_norm: source.vector(&in_layer(layer, "input_layernorm.weight"))?,
            qkv: projection(0)?,
            out: projection(1)?,
            post_norm: source.vector(&in_layer(layer, "post_attention_layernorm.weight"))?,
            gate_up: projection(2)?,
            down: projection(3)?,
        })
    }
}

impl<'a> Projection<'a> {
    fn assemble(source: Source<'a>, layer: usize, group: usize) -> Result<Self> {
        let targets = GROUPS[group];
        let mut linears = Vec::with_capacity(targets.len());
        let mut start = 0;
        for &target in targets {
            let table = source.table(&in_layer(layer, &format!("{}.weight", target.module())))?;
            let bias = if source.config().has_bias(target) {
                Some(source.vector(&in_layer(layer, &format!("{}.bias", target.module())))?)
            } else {
                None
            };
            let outputs = table.weight.rows();
            linears.push(Linear { table, bias, start });
            start += outputs;
        }
        let lora = match source {
            Source::Frozen(_, Some(adapter)) => LoraGroup::assemble(adapter, layer, group, &linears)?,
            _ => None,
        };
        Ok(Self { linears, lora })
    }

    /// The width of all outputs.
    pub(crate) fn outputs(&self) -> usize {
        self.linears.iter().map(|linear| linear.table.weight.rows()).sum()
    }

    /// The width of the input.
    pub(crate) fn inputs(&self) -> usize {
        self.linears.first().map_or(0, |linear| linear.table.weight.columns())
    }

    /// The width of what all A make of the input.
    pub(crate) fn reduced(&self) -> usize {
        self.lora.as_ref().map_or(0, |lora| lora.b.len() * lora.rank)
    }
}

impl<'a> LoraGroup<'a> {
    fn assemble(adapter: AdapterView<'a>, layer: usize, group: usize, linears: &[Linear<'_>]) -> Result<Option<Self>> {
        let lookup = |name: &str| {
            let missing = || Error::new(ErrorKind::Mismatch, format!("the adapter lacks `{name}`"));
            adapter.layout.range(name).ok_or_else(missing)
        };
        let vector = |range: Range<usize>| Vector {
            values: &adapter.values[range.clone()],
            gradient: Some(range),
        };
        let (mut all_a, mut b) = (None::<Range<usize>>, Vec::new());
        for (&target, linear) in GROUPS[group].iter().zip(linears) {
            if adapter.config.targets.contains(&target) {
                let (name_a, name_b) = tensor_names(layer, target);
                let range = lookup(&name_a)?;
                // Neighbors, by the layout.
                all_a = Some(all_a.map_or(range.start, |all| all.start)..range.end);
                b.push((linear.start, vector(lookup(&name_b)?)));
            }
        }
        let (rank, scale, dropout) = (adapter.config.rank, adapter.config.scale(), adapter.config.dropout);
        let key = (layer * GROUPS.len() + group) as u64;
        Ok(all_a.map(|a| Self {
            rank,
            scale,
            dropout,
            a: vector(a),
            b,
            key,
        }))
    }
}

impl<'a> Source<'a> {
    fn config(self) -> &'a ModelConfig {
        match self {
            Self::Frozen(model, _) => model.config(),
            Self::Trained(config, ..) => config,
        }
    }

    fn table(self, name: &str) -> Result<Table<'a>> {
        match self {
            Self::Frozen(model, _) => Ok(Table {
                weight: model.matrix(name)?,
                gradient: None,
            }),
            Self::Trained(_, layout, values) => {
                let slot = layout.slot(name).ok_or_else(|| unknown(name))?;
                let (rows, columns) = (slot.shape[0], slot.shape[1]);
                Ok(Table {
                    weight: Weight::floats(&values[slot.range.clone()], rows, columns),
                    gradient: Some(slot.range.clone()),
                })
            }
        }
    }

    fn vector(self, name: &str) -> Result<Vector<'a>> {
        match self {
            Self::Frozen(model, _) => Ok(Vector {
                values: model.vector(name)?,
                gradient: None,
            }),
            Self::Trained(_, layout, values) => {
                let slot = layout.slot(name).ok_or_else(|| unknown(name))?;
                Ok(Vector {
                    values: &values[slot.range.clone()],
                    gradient: Some(slot.range.clone()),
                })
            }
        }
    }
}

fn unknown(name: &str) -> Error {
    Error::new(ErrorKind::Mismatch, format!("the trained weights lack `{name}`"))
}
