//! A causal language model on the CPU: weights, LoRA, forward and backward, AdamW, adapters, completion.
//!
//! The way of a training:
//!
//! 1. [`init_model`] makes a model from nothing, or there is one as a Hugging Face folder. [`Model::open`] maps it.
//! 2. [`Trainer::new`] trains an adapter ([`Trainable::Lora`]) or, for small models, all weights
//!    ([`Trainable::Full`]).
//! 3. [`Trainer::accumulate`] reads a [`Batch`] and gathers gradients; [`Trainer::step`] takes a step with the rate of a
//!    [`Schedule`]; [`Trainer::save_state`] and [`Trainer::restore`] go on after a break, bit for bit.
//! 4. [`Trainer::adapter`] gives an [`Adapter`], which is kept as PEFT keeps it, merged into the weights by [`merge()`],
//!    or used by [`generate()`].
//!
//! The graph is written once, there and back, over the operations of [`ops::Ops`]; [`ops::Cpu`] does them here. Sync,
//! and without a clock; only the folders that it is given are read and written.

// Not `forbid`: mapping files, the matrix product and seeing bytes as floats take one `unsafe` each.
#![deny(unsafe_code)]

pub mod adapter;
pub mod batch;
pub mod config;
pub mod error;
pub mod evaluate;
pub mod generate;
mod graph;
pub mod init;
mod layout;
pub mod lora;
pub mod memory;
pub mod merge;
pub mod model;
pub mod ops;
pub mod optimizer;
mod persist;
mod random;
pub mod schedule;
mod state;
mod target;
pub mod tensor;
pub mod trainer;
pub mod weights;

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
pub use optimizer::OptimConfig;
pub use schedule::Schedule;
pub use target::Target;
pub use trainer::{StepStats, Trainable, Trainer};
