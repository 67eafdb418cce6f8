//! Files and folders of ours: written, published, locked and removed, each whole or not at all.
//!
//! Whatever is written is written beside its place, under `.NAME.partial`, synced, renamed, and its folder synced; whoever is
//! killed or cut from power in between leaves what was there before, and at most one such partial, which the next writer of
//! that place writes over. This is the only crate that renames.

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
pub use folder::{children, make_folder};
pub use json::{read_json, write_json};
pub use lock::Lock;
pub use publish::{is_partial, partial, publish, publish_folder, remove, sync, sync_all};
pub use replace::replace_folder;
pub use work::{is_work_name, work_name};
