//! One blob in, one verdict out: language, rules, quality, license, secrets.
//!
//! [`Processor::process`] is a pure function of a base name and bytes; [`Processor::path_verdict`] of a path alone.
//! Both give a verdict and never an error: bad input is dropped with a reason (invariant I6 of ARCHITECTURE.md).
//! Nothing here does I/O.

#![forbid(unsafe_code)]

mod characters;
mod config;
pub mod decode;
pub mod encoded;
mod error;
mod fingerprint;
pub mod generated;
mod html;
pub mod language;
mod license;
pub mod lines;
mod minified;
mod path;
mod processor;
mod quality;
mod rules;
mod secrets;
mod signals;
pub mod syntax;
pub mod tokens;
mod view;

pub use config::Config;
pub use error::{Error, ErrorKind};
pub use license::{
    Evidence, LicenseDetector, class_of, is_license_file, is_manifest, parse_expression, repository_license,
};
pub use processor::{Processed, Processor};
pub use secrets::{Redactor, RedactorConfig, kinds};
pub use signals::Signals;
pub use view::View;
