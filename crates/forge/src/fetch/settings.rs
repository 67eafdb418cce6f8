//! How repositories are fetched.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};

/// How repositories are fetched, and what one may cost. None of it changes what is made of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FetchSettings {
    /// Repositories that are fetched at the same time by one process. Default 4.
    pub parallel: usize,
    /// Of these, from one host. Default 4: forges slow down those who ask for more.
    pub per_host: usize,
    /// The largest pack in bytes; a repository with a larger one is refused. Default 2 GiB.
    pub max_pack_bytes: u64,
    /// The most bytes that the objects of one repository may inflate to, deltas included. Default 8 GiB.
    pub max_inflated_bytes: u64,
    /// Bytes of decoded objects that one repository keeps in memory; the rest waits, compressed, in a temporary file.
    /// Default 40 MiB: with all else a fetch then takes some 100 MB and the largest object, whatever the repository has.
    pub keep_bytes: usize,
    /// The most seconds that fetching one repository may take. Default 900.
    pub max_seconds: u64,
    /// Whether the server is asked to leave files over `limits.max_blob_bytes` out. It saves bytes where there are such,
    /// and costs the server much: it can no longer send parts of its own packs. Default false.
    pub filter: bool,
    /// How often one repository is tried when the network or the server fails. Default 3.
    pub tries: u32,
    /// Whether the git program fetches a repository whose server does not speak version 2 of git's protocol, where there is
    /// such a program. Its bytes and its time have the same bounds. Default true.
    pub git_command: bool,
    /// Whether a repository whose server is closed to git is read from an archive that its forge makes, where the forge is
    /// known. An archive is not faithful: attributes of the repository leave files out of it and change others. Its
    /// revision begins with `archive:`. Default false.
    pub archive: bool,
}

impl Default for FetchSettings {
    fn default() -> Self {
        Self {
            parallel: 4,
            per_host: 4,
            max_pack_bytes: 2 << 30,
            max_inflated_bytes: 8 << 30,
            keep_bytes: 40 << 20,
            max_seconds: 900,
            filter: false,
            tries: 3,
            git_command: true,
            archive: false,
        }
    }
}

impl FetchSettings {
    /// Checks every value.
    ///
    /// # Errors
    /// `Invalid` names the first that is not valid.
    pub fn validate(&self) -> Result<(), Error> {
        let why = if !(1..=64).contains(&self.parallel) {
            "parallel must be 1 to 64"
        } else if !(1..=64).contains(&self.per_host) {
            "per_host must be 1 to 64"
        } else if self.max_pack_bytes < 1 << 10 {
            "max_pack_bytes must be at least 1024"
        } else if self.max_inflated_bytes < self.max_pack_bytes {
            "max_inflated_bytes must be at least max_pack_bytes"
        } else if self.max_seconds == 0 || self.max_seconds > 86_400 {
            "max_seconds must be 1 to 86400"
        } else if !(1..=10).contains(&self.tries) {
            "tries must be 1 to 10"
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::Invalid, format!("fetch: {why}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bad_value_is_named() {
        assert!(FetchSettings::default().validate().is_ok());
        let check = |change: fn(&mut FetchSettings), expected: &str| {
            let mut settings = FetchSettings::default();
            change(&mut settings);
            let error = settings.validate().unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        };
        check(|s| s.parallel = 0, "parallel");
        check(|s| s.per_host = 65, "per_host");
        check(|s| s.max_pack_bytes = 1, "max_pack_bytes");
        check(|s| s.max_inflated_bytes = 1, "max_inflated_bytes");
        check(|s| s.max_seconds = 0, "max_seconds");
        check(|s| s.tries = 0, "tries");
    }
}
