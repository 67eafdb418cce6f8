//! Errors: one closed set of codes, each with its class, category, exit status and HTTP status; what to do about each
//! ([`Policy`]); and one occurrence as it is tracked ([`ErrorOccurrence`]).

mod category;
mod class;
mod coded;
mod context;
mod fingerprint;
mod occurrence;
mod policy;

pub use category::{Category, ParseCategoryError};
pub use class::{Class, ParseClassError};
pub use coded::{Cause, Coded};
pub use context::ErrorContext;
pub use fingerprint::{Fingerprint, ParseFingerprintError};
pub use occurrence::{ErrorOccurrence, chain_text};
pub use policy::{Action, Policy};

macro_rules! error_codes {
    ($($variant:ident = $code:literal, class $class:ident, category $category:ident, exit $exit:literal, http $http:literal: $text:literal;)*) => {
        /// The stable code of an error: exit status, metric label, API code and fingerprint depend on it.
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

            /// Who can act on it.
            pub const fn class(self) -> Class {
                match self { $(Self::$variant => Class::$class,)* }
            }

            /// What it is about.
            pub const fn category(self) -> Category {
                match self { $(Self::$variant => Category::$category,)* }
            }

            /// The exit status of the program (after sysexits.h where it has a fitting one).
            pub const fn exit_status(self) -> u8 {
                match self { $(Self::$variant => $exit,)* }
            }

            /// The HTTP status of an API answer (RFC 9110; 429 of RFC 6585, 507 of RFC 4918, 499 as nginx uses it).
            pub const fn http_status(self) -> u16 {
                match self { $(Self::$variant => $http,)* }
            }

            /// One sentence for a reader.
            pub const fn describe(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

error_codes! {
    Validation = "validation", class User, category Validation, exit 64, http 422: "An argument, a config value or a request is not valid.";
    PayloadTooLarge = "payload_too_large", class User, category Validation, exit 65, http 413: "A request, a record or a job is larger than its limit.";
    NotFound = "not_found", class User, category Validation, exit 66, http 404: "The named thing does not exist.";
    Conflict = "conflict", class User, category Storage, exit 75, http 409: "Another process holds the data folder, or the thing exists already.";
    Auth = "auth", class User, category Auth, exit 77, http 401: "A server refused the credentials, or there were none.";
    SchemaOutdated = "schema_outdated", class User, category Database, exit 78, http 503: "The catalogue's schema is older than the program; it must be migrated first.";
    SchemaNewer = "schema_newer", class User, category Database, exit 78, http 503: "The catalogue's schema is newer than the program; a newer program is needed.";
    Canceled = "canceled", class User, category Internal, exit 130, http 499: "The user stopped the work.";
    CorruptInput = "corrupt_input", class Permanent, category CorruptInput, exit 65, http 422: "A repository or file that was read is damaged.";
    CorruptStore = "corrupt_store", class Permanent, category Storage, exit 70, http 500: "Stored data is damaged or of another version.";
    Internal = "internal", class Permanent, category Internal, exit 70, http 500: "A defect in CodeLupe.";
    Storage = "storage", class System, category Storage, exit 74, http 507: "Reading or writing the data folder failed.";
    DiskFull = "disk_full", class System, category Disk, exit 74, http 507: "No space is left for the data folder.";
    Permission = "permission", class System, category Storage, exit 77, http 403: "The operating system refused access.";
    OutOfMemory = "out_of_memory", class System, category Memory, exit 71, http 503: "The machine's memory, or the limit on it, is used up.";
    GpuOutOfMemory = "gpu_out_of_memory", class System, category GpuMemory, exit 71, http 503: "The accelerator's memory is used up.";
    Network = "network", class Transient, category Network, exit 69, http 502: "Another machine was not reached, or the connection broke off.";
    RateLimited = "rate_limited", class Transient, category RateLimit, exit 75, http 429: "There were too many requests; the limit resets later.";
    Timeout = "timeout", class Transient, category Timeout, exit 75, http 504: "It took longer than the time given to it.";
    Database = "database", class Transient, category Database, exit 75, http 503: "The catalogue did not answer as it should.";
    Unavailable = "unavailable", class Transient, category Database, exit 69, http 503: "A server that keeps data is not reachable, or is left alone for a while since it kept failing.";
    Stale = "stale", class Transient, category Database, exit 75, http 409: "What was computed is out of date: the files have changed since.";
    LeaseLost = "lease_lost", class Transient, category Timeout, exit 75, http 409: "A lease ran out and another worker took the job over.";
}

impl ErrorCode {
    /// What to do with the work that met the error.
    pub const fn policy(self) -> Policy {
        Policy::of(self.class(), self.category())
    }

    /// Whether it counts as a failure of a server's circuit breaker: the server was not reached, or did not answer. One
    /// that refuses a statement, or whose transactions were in each other's way, is well.
    pub const fn counts_for_breaker(self) -> bool {
        matches!(self, Self::Network | Self::Timeout | Self::Unavailable)
    }
}

stable_text!(ErrorCode by code, or ParseErrorCodeError: "an error code");

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::{Debug, Display};
    use std::str::FromStr;

    use serde::Serialize;
    use serde::de::DeserializeOwned;

    use super::*;

    fn texts_are_stable<T>(all: &[T])
    where
        T: Copy + PartialEq + Debug + Display + FromStr<Err: Debug + Display> + Serialize + DeserializeOwned,
    {
        for member in all {
            let text = member.to_string();
            assert!(text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{text}");
            assert_eq!(text.parse::<T>().unwrap(), *member);
            let json = serde_json::to_string(member).unwrap();
            assert_eq!(json, format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<T>(&json).unwrap(), *member);
        }
        for bad in ["", "Internal", "internal ", "no\u{1b}such"] {
            let error = bad.parse::<T>().unwrap_err().to_string();
            assert!(!error.chars().any(char::is_control), "{error:?}");
            assert!(serde_json::from_value::<T>(bad.into()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn every_text_parses_back_and_nothing_else_does() {
        texts_are_stable(ErrorCode::ALL);
        texts_are_stable(&Class::ALL);
        texts_are_stable(&Category::ALL);
    }

    #[test]
    fn no_two_codes_share_a_text_and_none_exits_as_success() {
        let texts: BTreeSet<_> = ErrorCode::ALL.iter().map(|code| code.code()).collect();
        assert_eq!(texts.len(), ErrorCode::ALL.len());
        for code in ErrorCode::ALL {
            assert_ne!(code.exit_status(), 0, "{code}");
            assert!((400..600).contains(&code.http_status()), "{code}");
        }
    }

    #[test]
    fn every_class_and_category_has_a_code() {
        let classes: BTreeSet<_> = ErrorCode::ALL.iter().map(|code| code.class()).collect();
        assert!(classes.into_iter().eq(Class::ALL));
        let categories: BTreeSet<_> = ErrorCode::ALL.iter().map(|code| code.category()).collect();
        assert!(categories.into_iter().eq(Category::ALL));
    }

    #[test]
    fn class_and_category_of_every_code_fit_together() {
        for code in ErrorCode::ALL {
            let classes: &[Class] = match code.category() {
                Category::Network | Category::RateLimit | Category::Timeout => &[Class::Transient],
                Category::Memory | Category::Disk | Category::GpuMemory => &[Class::System],
                Category::Validation | Category::Auth => &[Class::User],
                Category::CorruptInput => &[Class::Permanent],
                // The server may come back; its schema changes by a user's hand alone.
                Category::Database => &[Class::Transient, Class::User],
                Category::Storage => &[Class::System, Class::Permanent, Class::User],
                Category::Internal => &[Class::Permanent, Class::User],
            };
            assert!(classes.contains(&code.class()), "{code}");
        }
    }

    #[test]
    fn who_is_to_blame_shows_in_the_statuses() {
        const UNAVAILABLE_OR_TEMPFAIL: [u8; 2] = [69, 75];
        for code in ErrorCode::ALL {
            let schema = code.exit_status() == 78;
            match code.class() {
                Class::Transient => assert!(UNAVAILABLE_OR_TEMPFAIL.contains(&code.exit_status()), "{code}"),
                Class::User => assert_eq!(code.http_status() < 500, !schema, "{code}"),
                Class::Permanent => assert!(matches!(code.exit_status(), 65 | 70), "{code}"),
                Class::System => assert!(matches!(code.exit_status(), 71 | 74 | 77), "{code}"),
            }
        }
    }
}
