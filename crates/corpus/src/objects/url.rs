//! The address of a bucket.

use std::fmt;
use std::str::FromStr;

use codelupe_core::text::display_name;

use crate::error::{Error, ErrorKind};

/// Who keeps a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// Amazon S3, or whoever speaks its protocol.
    S3,
    /// Google Cloud Storage.
    Google,
    /// Azure Blob Storage.
    Azure,
}

impl Provider {
    const ALL: [Self; 3] = [Self::S3, Self::Google, Self::Azure];

    const fn scheme(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Google => "gs",
            Self::Azure => "az",
        }
    }

    /// What the names of its usual environment variables begin with.
    pub const fn variables(self) -> &'static str {
        match self {
            Self::S3 => "AWS_",
            Self::Google => "GOOGLE_",
            Self::Azure => "AZURE_",
        }
    }
}

/// Where a store is: `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX` or `az://CONTAINER/PREFIX`; the prefix may be missing. It
/// never holds credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreUrl {
    provider: Provider,
    bucket: String,
    prefix: String,
}

impl StoreUrl {
    /// Who keeps it.
    pub const fn provider(&self) -> Provider {
        self.provider
    }

    /// The bucket, which Azure calls a container.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// What the path of every object in it begins with; no slash at either end.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
}

impl FromStr for StoreUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = |what: &str| Error::new(ErrorKind::Invalid, format!("this is no address of a store: {what}"));
        let wanted = "`s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX` or `az://CONTAINER/PREFIX` is wanted";
        let (scheme, rest) = text.split_once("://").ok_or_else(|| invalid(wanted))?;
        let provider = Provider::ALL.into_iter().find(|provider| provider.scheme() == scheme);
        let provider = provider.ok_or_else(|| invalid(wanted))?;
        // The text may hold a secret, and is not repeated.
        if rest.contains(['@', '?', '#']) {
            return Err(invalid("credentials and options belong into the environment"));
        }
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.trim_end_matches('/');
        let plain = |part: &str| {
            let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '=');
            !part.is_empty() && part.chars().all(good) && part != "." && part != ".."
        };
        let parts = prefix.split('/').filter(|_| !prefix.is_empty());
        if let Some(part) = std::iter::once(bucket).chain(parts).find(|part| !plain(part)) {
            let part = display_name(part.as_bytes());
            return Err(invalid(&format!(
                "`{part}` is no name of a bucket or of a part of a prefix"
            )));
        }
        Ok(Self {
            provider,
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
        })
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.provider.scheme(), self.bucket)?;
        if self.prefix.is_empty() {
            return Ok(());
        }
        write!(f, "/{}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_printed() {
        for (text, expected, prefix) in [
            ("s3://corpus", "s3://corpus", ""),
            ("s3://corpus/", "s3://corpus", ""),
            ("s3://corpus/a/b/", "s3://corpus/a/b", "a/b"),
            (
                "gs://c.example/rust-2026_11",
                "gs://c.example/rust-2026_11",
                "rust-2026_11",
            ),
            ("az://container/x=1", "az://container/x=1", "x=1"),
        ] {
            let url: StoreUrl = text.parse().unwrap();
            assert_eq!((url.to_string().as_str(), url.prefix()), (expected, prefix));
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_repeating_a_secret() {
        for (text, word) in [
            ("corpus", "s3://BUCKET"),
            ("http://host/bucket", "s3://BUCKET"),
            ("s3://", "name of a bucket"),
            ("s3://a//b", "name of a bucket"),
            ("s3://a/../b", "name of a bucket"),
            ("s3://key:hush@a/b", "environment"),
            ("s3://a/b?secret=hush", "environment"),
        ] {
            let error = text.parse::<StoreUrl>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            let shown = error.to_string();
            assert!(shown.contains(word) && !shown.contains("hush"), "{text}: {shown}");
        }
    }
}
