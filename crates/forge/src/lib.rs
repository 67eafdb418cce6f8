//! The outside world in: repositories elsewhere, local ones, unpacked crates and plain folders as snapshots of files.
//!
//! [`discover`] finds the repositories of a [`Source`]. Of one on this machine [`revision`] tells cheaply whether it has
//! changed and [`open`] lists it; a [`Fetcher`] does both for one elsewhere, by git's protocol over HTTP. Either way
//! [`Snapshot::read`] reads one file at a time into a buffer of the caller's. A bad file gets a verdict; only a repository
//! that cannot be used at all is an [`Error`].
//!
//! [`Lister`] lists what forges have, within the [`Budget`] of one identity: a [`Query`] is cut into slices that the forge
//! lists whole.
//!
//! Everything here is read as if an attacker wrote it. Nothing is executed and no configuration but the repository's own
//! is read, of which only the address of `origin` and the object format are used. Links are never followed. FIFOs, sockets
//! and devices are never opened. Paths are bytes. [`Limits`] bound time and memory.
//!
//! ```no_run
//! use codelupe_forge::{Found, Limits, discover, open};
//!
//! let limits = Limits::default();
//! let mut buffer = Vec::new();
//! for found in discover(&"repos:checkouts".parse()?)? {
//!     let Found::Local(located) = found else { continue };
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

mod archive;
mod beneath;
mod budget;
mod discover;
mod error;
mod fetch;
mod folder;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod git;
mod git_command;
mod http;
mod limits;
mod listing;
mod located;
mod open;
mod pack;
mod path;
mod public_url;
mod remote;
mod site;
mod snapshot;
mod source;
mod wire;

pub use budget::{Budget, Pace, Resource};
pub use discover::discover;
pub use error::{Error, ErrorKind};
pub use fetch::{FetchSettings, Fetched, Fetcher, Wanted};
pub use http::{HttpSettings, Token, Url};
pub use limits::Limits;
pub use listing::{Estimate, GoneReason, Known, Lister, Listing, Qualifier, Query, Refreshed, Target};
pub use located::{Found, Kind, Located};
pub use open::{open, revision};
pub use path::is_good_path;
pub use remote::Remote;
pub use site::{Site, SiteKind};
pub use snapshot::{Entry, ReadFailure, Snapshot};
pub use source::Source;
