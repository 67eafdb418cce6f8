//! Error codes: one closed set, each with its exit status, HTTP status and retry policy.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Who can do something about an error, and whether waiting helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// It may pass if tried again.
    Transient,
    /// Trying again gives the same.
    Permanent,
    /// The user asked for something that cannot be.
    User,
    /// The machine is in the way: disk, memory, permissions.
    System,
}

/// What to do with the work that met the error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// Do not try again.
    Never,
    /// Try again with exponential backoff and jitter.
    Backoff,
    /// Stop this run; the next run goes on from here.
    NextRun,
}

macro_rules! error_codes {
    ($($variant:ident = $code:literal, class $class:ident, exit $exit:literal, http $http:literal, retry $retry:ident : $text:literal;)*) => {
        /// The stable code of an error: exit status, metric label and API code hang on it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ErrorCode {
            $(#[doc = $text] $variant,)*
        }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable text.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// Who can help.
            pub const fn class(self) -> Class {
                match self { $(Self::$variant => Class::$class,)* }
            }

            /// The exit status of the program (after sysexits.h where it has a fitting one).
            pub const fn exit_status(self) -> u8 {
                match self { $(Self::$variant => $exit,)* }
            }

            /// The HTTP status of an API answer (RFC 9110).
            pub const fn http_status(self) -> u16 {
                match self { $(Self::$variant => $http,)* }
            }

            /// What to do with the work.
            pub const fn retry(self) -> Retry {
                match self { $(Self::$variant => Retry::$retry,)* }
            }

            /// One sentence for a reader.
            pub const fn describe(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

error_codes! {
    Validation = "validation", class User, exit 64, http 422, retry Never: "An argument, a config value or a request is not valid.";
    NotFound = "not_found", class User, exit 66, http 404, retry Never: "The named thing does not exist.";
    Conflict = "conflict", class User, exit 75, http 409, retry NextRun: "Another process holds the data folder, or the thing exists already.";
    CorruptInput = "corrupt_input", class Permanent, exit 65, http 422, retry Never: "A repository or file that was read is damaged.";
    CorruptStore = "corrupt_store", class Permanent, exit 70, http 500, retry Never: "Stored data is damaged or of another version.";
    Storage = "storage", class System, exit 74, http 507, retry NextRun: "Reading or writing the data folder failed.";
    DiskFull = "disk_full", class System, exit 74, http 507, retry NextRun: "No space is left for the data folder.";
    Permission = "permission", class System, exit 77, http 403, retry Never: "The operating system refused access.";
    Database = "database", class Transient, exit 75, http 503, retry Backoff: "The catalogue did not answer as it should.";
    Cancelled = "cancelled", class User, exit 130, http 499, retry NextRun: "The user stopped the work.";
    Internal = "internal", class Permanent, exit 70, http 500, retry Never: "A defect in CodeLupe.";
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_codes_share_a_text_and_none_exits_as_success() {
        for (i, code) in ErrorCode::ALL.iter().enumerate() {
            assert_ne!(code.exit_status(), 0, "{code}");
            assert!((400..600).contains(&code.http_status()), "{code}");
            assert!(
                ErrorCode::ALL[i + 1..].iter().all(|other| other.code() != code.code()),
                "{code}"
            );
        }
    }
}
