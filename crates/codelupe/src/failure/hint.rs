//! What may help against an error, by what failed and how.

use std::error::Error as StdError;

use codelupe_catalogue as catalogue;
use codelupe_core::error::ErrorCode;
use codelupe_corpus as corpus;
use codelupe_forge as forge;
use codelupe_pipeline as pipeline;
use codelupe_search as search;
use codelupe_train as train;
use codelupe_worker::SendError;

use super::Failure;

/// Stored data is beyond repair.
pub(crate) const BEGIN_ANEW: &str =
    "the sources are not touched: `codelupe run SOURCE` with another --data folder (and --db) makes the corpus anew";

const TOKENS: &str = "check the forge's token: `codelupe help run` says which variables and file hold tokens";

/// What the command says of its own situation; or else what the deepest cause that knows something does; or else what the
/// code alone tells. A hint that might not fit is none.
pub(super) fn hint(failure: &Failure) -> Option<&'static str> {
    let by_cause = || deepest(failure.cause.as_deref()?);
    failure.hint.or_else(by_cause).or_else(|| of_code(failure.code))
}

/// What the deepest cause that knows something says.
fn deepest(cause: &(dyn StdError + 'static)) -> Option<&'static str> {
    cause.source().and_then(deepest).or_else(|| of_cause(cause))
}

/// What a code means wherever it comes from.
const fn of_code(code: ErrorCode) -> Option<&'static str> {
    Some(match code {
        ErrorCode::DiskFull => "free some space, then give the same command again",
        ErrorCode::Permission => "check the owner and the mode of the path",
        ErrorCode::Validation => "`codelupe help COMMAND` shows what it takes; `codelupe config` shows all settings",
        ErrorCode::SchemaOutdated => "`codelupe db migrate` brings the schema up to date; --migrate does so at start",
        ErrorCode::SchemaNewer => {
            "a newer codelupe wrote this catalogue: use that one; `codelupe db status` shows more"
        }
        ErrorCode::Unavailable => "check that the server runs and can be reached, then give the same command again",
        ErrorCode::LeaseLost => "`codelupe jobs list` shows who has the job now",
        _ => return None,
    })
}

fn of_cause(cause: &(dyn StdError + 'static)) -> Option<&'static str> {
    let catalogue = || cause.downcast_ref().and_then(of_catalogue);
    let corpus = || cause.downcast_ref().and_then(of_corpus);
    let search = || cause.downcast_ref().and_then(of_search);
    let forge = || cause.downcast_ref().and_then(of_forge);
    let train = || cause.downcast_ref().and_then(of_train);
    let alert = || {
        cause
            .is::<SendError>()
            .then_some("check the address of the webhook, and what its server says")
    };
    let pipeline = || cause.downcast_ref().and_then(of_pipeline);
    let stored = catalogue().or_else(corpus).or_else(search);
    stored.or_else(forge).or_else(train).or_else(alert).or_else(pipeline)
}

fn of_catalogue(error: &catalogue::Error) -> Option<&'static str> {
    use catalogue::ErrorKind as Kind;
    Some(match error.kind() {
        Kind::NoCatalogue => "`codelupe run SOURCE` makes a corpus; `codelupe doctor` says what is there",
        Kind::NoDatabase => "make the database on the server, or check --db and CODELUPE_DB",
        Kind::Permission => "check the owner and the mode of the path, or what the database lets its user do",
        Kind::Auth => "check user and database; the password comes from PGPASSWORD, the password file, or CODELUPE_DB",
        Kind::Corrupt => BEGIN_ANEW,
        Kind::LshCorrupt | Kind::LshParameters => "`codelupe dedup --rebuild` makes the LSH index anew",
        _ => return None,
    })
}

fn of_corpus(error: &corpus::Error) -> Option<&'static str> {
    use corpus::ErrorKind as Kind;
    Some(match error.kind() {
        Kind::Conflict => "a data folder or store belongs to one catalogue: check --data, --store and --db",
        Kind::Target => "name a target that is not there yet",
        Kind::Foreign => "name a file that `codelupe signatures export` wrote",
        Kind::NotFound => "`codelupe db verify` names what is missing",
        Kind::Corrupt => BEGIN_ANEW,
        Kind::Invalid | Kind::Auth => {
            "check --store and the variables of its provider (AWS_…, GOOGLE_…, AZURE_…): docs/stores.md lists them"
        }
        Kind::CacheFull => "`codelupe config` shows the bound of the cache: raise it, or wait until others are done",
        Kind::NoBucket => "make the bucket, or name another one with --store",
        Kind::Network | Kind::Timeout | Kind::Unavailable => {
            "check that the store can be reached (docs/stores.md), then give the same command again"
        }
        _ => return None,
    })
}

fn of_search(error: &search::Error) -> Option<&'static str> {
    use search::ErrorKind as Kind;
    Some(match error.kind() {
        Kind::Missing | Kind::UnknownFormat | Kind::Corrupt => "`codelupe index` makes the latest build searchable",
        Kind::Permission => "check the owner and the mode of that folder: a search reads it, and locks a file in it",
        Kind::Locked => "wait until the other `codelupe index` is done",
        _ => return None,
    })
}

fn of_forge(error: &forge::Error) -> Option<&'static str> {
    use forge::ErrorKind as Kind;
    match error.kind() {
        Kind::NotFound | Kind::NotAFolder | Kind::Invalid => Some("`codelupe help run` shows what a SOURCE can be"),
        Kind::Auth | Kind::Refused => Some(TOKENS),
        _ => None,
    }
}

/// By the code, since a training is a job, and what it ended by comes back as the code alone.
fn of_train(error: &train::Error) -> Option<&'static str> {
    Some(match error.code() {
        ErrorCode::CorruptStore => {
            "that training is over: `codelupe train` begins a new one, `codelupe errors` tells more"
        }
        ErrorCode::NotFound => {
            "`codelupe models list` shows which models there are, `codelupe stats` what is in the build"
        }
        ErrorCode::Conflict => "`codelupe train status` and `codelupe models list` show what is under way and in use",
        _ => return None,
    })
}

fn of_pipeline(error: &pipeline::Error) -> Option<&'static str> {
    use pipeline::ErrorKind as Kind;
    match (error.kind(), error.code()) {
        (Kind::Nothing, _) => {
            Some("`codelupe stats` shows where every file went; policy and filters are in the [build] settings")
        }
        (Kind::Source, ErrorCode::Auth) => Some(TOKENS),
        (Kind::Job, ErrorCode::CorruptStore | ErrorCode::CorruptInput | ErrorCode::Internal) => {
            Some("`codelupe errors` tells more; `codelupe jobs retry` queues jobs that are dead again")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_hint_belongs_to_what_failed_and_how() {
        let check = |failure: Failure, expected: Option<&str>| {
            let hint = hint(&failure);
            match expected {
                Some(words) => assert!(hint.is_some_and(|hint| hint.contains(words)), "{failure}: {hint:?}"),
                None => assert_eq!(hint, None, "{failure}"),
            }
        };
        let io = |kind| Failure::from(io::Error::from(kind));
        check(io(io::ErrorKind::StorageFull), Some("free some space"));
        check(io(io::ErrorKind::PermissionDenied), Some("owner and the mode"));
        // What was named and is not there may be anything.
        check(io(io::ErrorKind::NotFound), None);
        check(Failure::new(ErrorCode::Conflict, "taken"), None);
        check(Failure::new(ErrorCode::CorruptStore, "damaged"), None);

        let refused = || pipeline::Error::forge(ErrorCode::Auth, "no");
        check(refused().into(), Some("token"));
        check(pipeline::Error::forge(ErrorCode::NotFound, "no").into(), None);
        check(SendError::new(ErrorCode::Auth, "no").into(), Some("webhook"));
        let nothing = search::SearchIndex::open(std::path::Path::new("/nope")).map(drop);
        check(nothing.unwrap_err().into(), Some("codelupe index"));
        let bad = "ftp://corpus".parse::<corpus::StoreUrl>().map(drop);
        check(bad.unwrap_err().into(), Some("--store"));

        // The cause counts, however much is said before it; a command knows its own situation best.
        check(
            Failure::new(ErrorCode::Auth, "outer").caused_by(refused()),
            Some("token"),
        );
        let own = |code| Failure::from(refused()).hint_for(code, "mine");
        check(own(ErrorCode::Auth), Some("mine"));
        check(own(ErrorCode::Conflict), Some("token"));
    }
}
