//! One blob in, one verdict out: language, rules, quality, license, secrets.
//!
//! [`Processor::process`] is a pure function of a base name and bytes; [`Processor::path_verdict`] of a path alone.
//! Both give a verdict and never an error: bad input is dropped with a reason (invariant I6 of ARCHITECTURE.md).
//! Nothing here does I/O.

#![forbid(unsafe_code)]

mod characters;
pub mod config;
pub mod decode;
pub mod encoded;
pub mod error;
mod fingerprint;
pub mod generated;
pub mod html;
pub mod language;
pub mod license;
pub mod lines;
pub mod minified;
pub mod path;
pub mod processor;
pub mod quality;
pub mod rules;
pub mod secrets;
pub mod signals;
pub mod syntax;
pub mod tokens;
pub mod view;

pub use config::Config;
pub use error::{Error, ErrorKind};
pub use processor::{Processed, Processor};
pub use signals::Signals;
pub use view::View;
