//! The model as others use it: against torch, transformers and peft (`tests/golden`), against finite differences, and
//! against itself.

#![expect(clippy::unwrap_used, reason = "a test ends where its setup fails")]
#![expect(clippy::float_cmp, reason = "exact on purpose")]

mod completion;
mod files;
mod fixture;
mod full_disk;
mod golden;
mod hostile;
mod kernels;
mod training;
