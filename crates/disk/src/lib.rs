//! CodeLupe's own files and folders: written, published, locked and removed, each whole or not at all.
//!
//! Everything is written under `.NAME.partial` beside its place, synced and renamed, and then its folder is synced. A crash or
//! power loss in between leaves the old content and at most one partial, which the next writer of that place overwrites.
//! This is the only crate that renames.

#![forbid(unsafe_code)]

mod error;
mod file;
mod folder;
mod json;
mod lock;
mod publish;
mod replace;
mod work;

pub use error::{Error, ErrorKind};
pub use file::{replace_file, write, write_new};
pub use folder::{children, files, make_folder};
pub use json::{read_json, write_json};
pub use lock::Lock;
pub use publish::{is_partial, partial, publish, publish_folder, remove, sync, sync_all};
pub use replace::replace_folder;
pub use work::{is_work_name, work_name};
