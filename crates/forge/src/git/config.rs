//! The repository's own `config`: its format and the address of `origin`. Nothing else in it has any effect,
//! and files that it includes are not read.

use gix_config::File;
use gix_config::file::{Metadata, init::Options};

use crate::error::{Error, ErrorKind};
use crate::git::layout::GitFolder;
use crate::public_url::public_url;

/// The largest `config` that is read, in bytes.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// The parts of `config` that matter.
pub(crate) struct Config {
    /// The address of the remote `origin` without credentials, when it is one that can be shown.
    pub(crate) origin: Option<String>,
}

impl Config {
    /// Reads the configuration; a missing or malformed one counts as empty.
    ///
    /// # Errors
    /// The repository has SHA-256 object ids or keeps its references in a reftable.
    pub(crate) fn read(folder: &GitFolder) -> Result<Self, Error> {
        let content = folder.read_small("config", MAX_CONFIG_BYTES)?.unwrap_or_default();
        let options = Options {
            lossy: true,
            ..Options::default()
        };
        let Ok(file) = File::from_bytes_no_includes(&content, Metadata::api(), options) else {
            return Ok(Self { origin: None });
        };
        let is = |key: &str, expected: &[u8]| {
            file.string(key)
                .is_some_and(|value| !value.eq_ignore_ascii_case(expected))
        };
        if is("extensions.objectFormat", b"sha1") {
            return Err(folder.error(ErrorKind::Unsupported, "SHA-256 object ids (extensions.objectFormat)"));
        }
        if is("extensions.refStorage", b"files") {
            return Err(folder.error(ErrorKind::Unsupported, "reftable (extensions.refStorage)"));
        }
        let origin = file.string("remote.origin.url").and_then(|url| public_url(&url));
        Ok(Self { origin })
    }
}
