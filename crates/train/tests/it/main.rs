//! The trainer with real files and real processes.

#![expect(clippy::unwrap_used, reason = "a test ends where its setup fails")]

mod fixture;
mod native;
mod registry;
mod torch;
#[cfg(feature = "slow")]
mod torch_real;
