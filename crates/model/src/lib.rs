//! A causal language model on the CPU: weights, LoRA, forward and backward, AdamW, adapters, completion.
//!
//! How a model is trained:
//!
//! 1. [`init_model`] makes a model with random weights, or there is one as a Hugging Face folder. [`Model::open`] maps it.
//! 2. [`Trainer::new`] trains an adapter ([`Trainable::Lora`]) or, for small models, all weights
//!    ([`Trainable::Full`]).
//! 3. [`Trainer::accumulate`] reads a [`Batch`] and gathers gradients; [`Trainer::step`] takes a step with the rate of a
//!    [`Schedule`]; [`Trainer::save_state`] and [`Trainer::restore`] resume a training, bit for bit.
//! 4. [`Trainer::adapter`] gives an [`Adapter`], which is kept as PEFT keeps it, merged into the weights by [`merge()`],
//!    or used by [`generate()`].
//!
//! The graph is written once, forward and backward, over the operations of [`ops::Ops`]; [`ops::Cpu`] does them here. Sync,
//! and without a clock; only the folders that it is given are read and written.

// Not `forbid`: mapping files, the matrix product and seeing bytes as floats take one `unsafe` each.
#![deny(unsafe_code)]

mod adapter;
mod batch;
mod config;
mod error;
mod evaluate;
mod generate;
mod graph;
mod init;
mod layout;
mod lora;
mod memory;
mod merge;
mod model;
mod ops;
mod optimizer;
mod persist;
mod random;
mod schedule;
mod state;
mod target;
mod tensor;
mod trainer;
mod weights;

pub use adapter::Adapter;
pub use batch::Batch;
pub use config::{Architecture, ModelConfig, Preset};
pub use error::{Error, ErrorKind, Result};
pub use evaluate::evaluate;
pub use generate::{Completion, GenerateConfig, generate, logits};
pub use graph::pass::{Loss, Recompute};
pub use init::{init_model, write_new_model};
pub use lora::LoraConfig;
pub use memory::{MemoryEstimate, estimate};
pub use merge::merge;
pub use model::Model;
pub use ops::{AttentionBack, AttentionShape, Cpu, DropoutMask, Norm, Ops, Qkv, QkvMut, Rotation};
pub use optimizer::OptimConfig;
pub use schedule::Schedule;
pub use target::Target;
pub use tensor::{Dtype, Mat, MatMut, Weight};
pub use trainer::{StepStats, Trainable, Trainer};
