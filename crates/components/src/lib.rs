//! The real components that tests use: where they lie on this machine, and how it gets those that it lacks.
//!
//! `cargo xtask test` sets them up and `cargo xtask services` lists them; the testkit starts PostgreSQL from where this crate
//! finds it. Nothing here is part of the product.

#![forbid(unsafe_code)]

mod apt;
mod catalog;
mod command;
mod find;
mod machine;
mod set_up;
mod version;
mod wheel;
mod whole_crates;

pub use catalog::{C_COMPILER, COMPONENTS, Component, GIT, GO, NODE, POSTGRESQL, PYTHON, Suite, TORCH, Wheel};
pub use find::{Found, Origin};
pub use machine::Machine;
pub use set_up::{Lookup, set_up};
pub use wheel::unpack;
pub use whole_crates::whole_crates;
