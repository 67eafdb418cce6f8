//! From the files of a build to packed rows of tokens: what a model is trained on.
//!
//! What happens to a file:
//!
//! 1. [`Tokenizer`] encodes it; what comes out decodes to the same text, and names of special tokens in it stay text.
//! 2. [`Sampler`] makes samples of it, by chances that depend on its name and the seed alone: windows to continue,
//!    windows with a hole at a boundary of the syntax, pairs of a description and a function, or, with the other files
//!    of its repository, samples in the order of their imports. [`SampleConfig`] says how many of which.
//! 3. [`pack()`] puts samples into rows of equal length; attention stays inside each sample.
//! 4. [`write_dataset()`] does all of it, on all threads, and writes a folder of memory-mapped shards that
//!    [`Dataset`] reads. A dataset is written once; its name appears when it is whole.
//!
//! [`passages()`] shows a sample as text, with what of it is learned.

// Not `forbid`: `shard` maps a file to memory.
#![deny(unsafe_code)]

mod boundary;
mod config;
mod dataset;
mod document;
mod error;
mod file;
mod fim;
mod imports;
mod instruction;
mod lexis;
mod pack;
mod pieces;
mod random;
mod repository;
mod rows;
mod sample;
mod sampler;
mod shard;
mod show;
mod special;
mod summary;
mod syntax;
mod tokenizer;
mod train_bpe;
mod window;
mod write;

pub use config::{FimLoss, SampleConfig};
pub use dataset::{Dataset, read_summary};
pub use document::Document;
pub use error::{Error, ErrorKind};
pub use pack::pack;
pub use sample::{Sample, SampleKind};
pub use sampler::{FileOutcome, Sampler};
pub use shard::{Row, SampleSpan, ShardEntry};
pub use show::{Passage, passages};
pub use special::Special;
pub use summary::{Count, DatasetSummary, Provenance, inputs_digest};
pub use tokenizer::Tokenizer;
pub use write::write_dataset;
