//! Limits on what is read of one repository.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};

/// Bounds on what one repository may cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The largest file that is read, in bytes; a larger one is dropped unread. Default 10 MiB: StarCoder2 drops files
    /// over 10 MB.
    pub max_blob_bytes: u64,
    /// The most files, links and folders in one repository; a repository with more is refused. Default 200,000, twice
    /// the Linux kernel's 93,000 files of 2025.
    pub max_entries: usize,
    /// The most segments in a path; a deeper folder is recorded and not entered. Default 64.
    pub max_depth: usize,
    /// The longest path in bytes; default 4096, `PATH_MAX` of Linux.
    pub max_path_bytes: usize,
    /// The largest tree, commit or tag object of git in bytes. Default 32 MiB, some 700,000 names in one folder.
    pub max_tree_bytes: u64,
    /// The most bytes that listing one repository may handle: decoded tree objects, paths and ignore rules together.
    /// Default 256 MiB, over 1 KiB for each of [`max_entries`](Self::max_entries).
    pub max_listing_bytes: u64,
    /// The most memory for decoding one git object, in bytes: two working buffers as large as the largest version in
    /// its delta chain, and the deltas. Default 64 MiB.
    pub max_decode_bytes: usize,
    /// The longest delta chain of a packed object; each link may copy an object of up to half of
    /// [`max_decode_bytes`](Self::max_decode_bytes). Default 1000: `git gc` writes 50, `--aggressive` once wrote 250.
    pub max_delta_chain: u32,
    /// The most bytes of `.gitignore` and `.ignore` files that are honored in one folder repository; later ones count
    /// as absent. Default 1 MiB.
    pub max_ignore_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_blob_bytes: 10 << 20,
            max_entries: 200_000,
            max_depth: 64,
            max_path_bytes: 4096,
            max_tree_bytes: 32 << 20,
            max_listing_bytes: 256 << 20,
            max_decode_bytes: 64 << 20,
            max_delta_chain: 1000,
            max_ignore_bytes: 1 << 20,
        }
    }
}

impl Limits {
    /// Checks that the limits can be met together.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] names the first limit that cannot be met.
    pub fn validate(&self) -> Result<(), Error> {
        let decode = self.max_decode_bytes as u64;
        let why = if self.max_blob_bytes == 0 {
            "max_blob_bytes must be at least 1"
        } else if self.max_entries == 0 {
            "max_entries must be at least 1"
        } else if self.max_depth == 0 || self.max_depth > 1024 {
            "max_depth must be 1 to 1024 (one open folder per level)"
        } else if self.max_path_bytes == 0 {
            "max_path_bytes must be at least 1"
        } else if self.max_listing_bytes < self.max_tree_bytes {
            "max_listing_bytes must be at least max_tree_bytes"
        } else if decode < self.max_blob_bytes.max(self.max_tree_bytes) {
            "max_decode_bytes must be at least max_blob_bytes and max_tree_bytes"
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::Invalid, format!("limits: {why}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_each_bad_value_is_named() {
        assert!(Limits::default().validate().is_ok());
        let check = |change: fn(&mut Limits), expected: &str| {
            let mut limits = Limits::default();
            change(&mut limits);
            let error = limits.validate().unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert_eq!(error.kind(), ErrorKind::Invalid);
        };
        check(|l| l.max_blob_bytes = 0, "max_blob_bytes");
        check(|l| l.max_entries = 0, "max_entries");
        check(|l| l.max_depth = 5000, "max_depth");
        check(|l| l.max_path_bytes = 0, "max_path_bytes");
        check(|l| l.max_listing_bytes = 1, "max_listing_bytes");
        check(|l| l.max_blob_bytes = 1 << 40, "max_decode_bytes");
    }
}
