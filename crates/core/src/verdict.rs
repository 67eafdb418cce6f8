//! Verdicts: every file is kept, or dropped for one stated reason.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The step of the funnel at which a file can be dropped, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Listing and reading a repository: decided by name, mode and size, before or instead of reading.
    Fetch,
    /// Looking at one content: language, rules, quality.
    Process,
    /// Comparing contents with each other.
    Dedup,
    /// Choosing what goes into one build: policy and filters.
    Build,
}

impl Stage {
    /// All stages, in funnel order.
    pub const ALL: [Self; 4] = [Self::Fetch, Self::Process, Self::Dedup, Self::Build];

    /// The stable name in tables, metrics and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Process => "process",
            Self::Dedup => "dedup",
            Self::Build => "build",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What was decided about a file or a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It goes on to the next stage.
    Kept,
    /// It goes no further.
    Dropped(Reason),
}

impl Verdict {
    /// The reason, when dropped.
    pub const fn reason(self) -> Option<Reason> {
        match self {
            Self::Kept => None,
            Self::Dropped(reason) => Some(reason),
        }
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $code:literal @ $stage:ident : $text:literal,)*) => {
        /// Why a file was dropped. The code is stable: it is a column value, a metric label and a word in reports.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $(#[doc = $text] $variant,)*
        }

        impl Reason {
            /// Every reason, in funnel order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable code.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The stage that gives this reason.
            pub const fn stage(self) -> Stage {
                match self { $(Self::$variant => Stage::$stage,)* }
            }

            /// One sentence for a reader of a report.
            pub const fn describe(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

reasons! {
    Symlink = "symlink" @ Fetch: "A symbolic link; links are recorded and never followed.",
    Submodule = "submodule" @ Fetch: "A submodule entry; the other repository is not fetched.",
    SpecialFile = "special_file" @ Fetch: "A FIFO, socket or device; it is never opened.",
    Unreadable = "unreadable" @ Fetch: "The file or folder could not be read: permissions, a missing or broken object, or a read error.",
    BadPath = "bad_path" @ Fetch: "The path is absolute, longer or deeper than the limits, or holds NUL or an empty, `.`, `..` or `.git` segment.",
    TooLarge = "too_large" @ Fetch: "Larger than the limit for one file; not read.",
    Empty = "empty" @ Fetch: "Zero bytes.",
    Vendored = "vendored" @ Fetch: "The path is that of third-party code (linguist's vendor list).",
    LockFile = "lock_file" @ Fetch: "A dependency lock file.",
    Binary = "binary" @ Process: "Holds a NUL byte or too many control bytes.",
    BadEncoding = "bad_encoding" @ Process: "Not UTF-8 and not convertible to it without loss.",
    LfsPointer = "lfs_pointer" @ Process: "A Git LFS pointer, not the content.",
    UnknownLanguage = "unknown_language" @ Process: "No language could be told from name and content.",
    ExcludedLanguage = "excluded_language" @ Process: "A language that is not in the list of wanted languages.",
    Generated = "generated" @ Process: "Written by a tool, by its name or its own words.",
    Minified = "minified" @ Process: "Minified code.",
    TooManyLines = "too_many_lines" @ Process: "More than 100,000 lines (StarCoder2).",
    LongLines = "long_lines" @ Process: "Average line over 100 or longest over 1,000 characters (StarCoder2; 100,000 for some languages).",
    LowAlphabetic = "low_alphabetic" @ Process: "Under a quarter of the characters are letters (StarCoder2).",
    EncodedData = "encoded_data" @ Process: "Holds long base64, hexadecimal or escaped data (StarCoder2).",
    DataTooLong = "data_too_long" @ Process: "A data file of more than 512 lines (StarCoder2: Text, JSON, YAML, OWL, Graphviz).",
    NotProse = "not_prose" @ Process: "Plain text that is neither a readme nor notes nor requirements (StarCoder2).",
    LowVisibleText = "low_visible_text" @ Process: "HTML with under 100 characters, or under a fifth, of visible text (StarCoder2).",
    Repetitive = "repetitive" @ Process: "Mostly the same lines or words again and again.",
    LowQuality = "low_quality" @ Process: "The quality score is under the limit.",
    ExactDuplicate = "exact_duplicate" @ Dedup: "Byte for byte the same as a kept file.",
    NearDuplicate = "near_duplicate" @ Dedup: "Verified Jaccard similarity to a kept file at or over the threshold.",
    LicenseNotAllowed = "license_not_allowed" @ Build: "The license of the repository is not in the build's policy.",
    LanguageNotWanted = "language_not_wanted" @ Build: "The language is not in the build's filter.",
    QualityUnderFilter = "quality_under_filter" @ Build: "The quality score is under the build's filter.",
    RepositoryCopy = "repository_copy" @ Build: "Only repositories that are near-copies of others have it.",
    SplitLeak = "split_leak" @ Build: "A file of another split is a near-duplicate of it.",
}

stable_text!(Reason by code, or ParseReasonError: "a reason code");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_parse_back() {
        for reason in Reason::ALL {
            assert_eq!(reason.code().parse(), Ok(*reason));
        }
    }

    #[test]
    fn reasons_are_listed_in_funnel_order() {
        assert!(Reason::ALL.is_sorted_by_key(|reason| reason.stage()));
    }
}
