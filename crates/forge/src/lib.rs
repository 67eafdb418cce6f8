//! The outside world in: local git repositories, unpacked crates and plain folders as snapshots of files.
//!
//! [`discover`] finds repositories under a [`Source`], [`revision`] tells cheaply whether one has changed, [`open`] lists
//! it, and [`Snapshot::read`] reads one file at a time into a buffer of the caller's. A bad file gets a verdict; only a
//! repository that cannot be used at all is an [`Error`].
//!
//! Everything here is read as if an attacker wrote it. Nothing is executed and no configuration but the repository's own
//! is read, of which only the address of `origin` and the object format are used. Links are never followed. FIFOs, sockets
//! and devices are never opened. Paths are bytes. [`Limits`] bound time and memory.
//!
//! ```no_run
//! use codelupe_forge::{Limits, discover, open};
//!
//! let limits = Limits::default();
//! let mut buffer = Vec::new();
//! for located in discover(&"repos:checkouts".parse()?)? {
//!     let mut snapshot = open(&located, &limits)?;
//!     for entry in 0..snapshot.entries().len() {
//!         match snapshot.read(entry, &mut buffer) {
//!             Ok(()) => println!("{} bytes", buffer.len()),
//!             Err(failure) => println!("{failure}"),
//!         }
//!     }
//! }
//! # Ok::<(), codelupe_forge::Error>(())
//! ```

#![forbid(unsafe_code)]

mod beneath;
mod discover;
mod error;
mod folder;
mod git;
mod limits;
mod path;
mod snapshot;
mod source;

pub use discover::{Kind, Located, discover};
pub use error::{Error, ErrorKind};
pub use limits::Limits;
pub use path::is_good_path;
pub use snapshot::{Entry, ReadFailure, Snapshot, open, revision};
pub use source::Source;
