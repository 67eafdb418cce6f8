//! What a job's payload says: the work, and the settings it is done by.
//!
//! The form is versioned: a worker refuses a payload of another version, and the job waits in the dead letters for one that
//! knows it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use codelupe_catalogue::JobRow;
use codelupe_core::RepoName;
use codelupe_forge::{Found, Kind, Located, Remote};
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::error::{Error, ErrorKind};

/// Version of the payload below.
pub(crate) const PAYLOAD_VERSION: i64 = 4;

/// A kind of work. A job waits for the jobs of its run that come before it here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JobName {
    /// Read and process some repositories.
    Process,
    /// Find the duplicates among everything that was processed.
    Dedup,
    /// Make a build of the survivors.
    Build,
    /// Make the latest build searchable.
    Index,
}

impl JobName {
    /// All kinds, in the order of the work.
    pub const ALL: [Self; 4] = [Self::Process, Self::Dedup, Self::Build, Self::Index];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Dedup => "dedup",
            Self::Build => "build",
            Self::Index => "index",
        }
    }

    /// The step of a run that it belongs to.
    pub(crate) const fn step(self) -> i64 {
        self as i64
    }
}

/// What a job carries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Payload {
    /// The settings of whoever enqueued it: all workers do the same.
    pub(crate) config: Config,
    /// The work.
    pub(crate) work: Work,
}

/// The work of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Work {
    Process { repositories: Vec<RepositoryPlace> },
    Dedup { rebuild: bool },
    Build { name: Option<String> },
    Index,
}

impl Work {
    pub(crate) const fn name(&self) -> JobName {
        match self {
            Self::Process { .. } => JobName::Process,
            Self::Dedup { .. } => JobName::Dedup,
            Self::Build { .. } => JobName::Build,
            Self::Index => JobName::Index,
        }
    }
}

/// A repository that was found, in a form that JSON can hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum RepositoryPlace {
    Local {
        name: RepoName,
        kind: Kind,
        path: PlacePath,
    },
    Remote(Remote),
}

/// A path, as text where it is text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum PlacePath {
    Text(String),
    Bytes(Vec<u8>),
}

impl From<&Found> for RepositoryPlace {
    fn from(found: &Found) -> Self {
        let located = match found {
            Found::Remote(remote) => return Self::Remote(remote.clone()),
            Found::Local(located) => located,
        };
        Self::Local {
            name: located.name.clone(),
            kind: located.kind,
            path: match located.path.to_str() {
                Some(text) => PlacePath::Text(text.to_owned()),
                None => PlacePath::Bytes(located.path.as_os_str().as_bytes().to_vec()),
            },
        }
    }
}

impl From<RepositoryPlace> for Found {
    fn from(place: RepositoryPlace) -> Self {
        match place {
            RepositoryPlace::Remote(remote) => Self::Remote(remote),
            RepositoryPlace::Local { name, kind, path } => {
                let path = match path {
                    PlacePath::Text(text) => PathBuf::from(text),
                    PlacePath::Bytes(bytes) => PathBuf::from(OsStr::from_bytes(&bytes)),
                };
                Self::Local(Located { name, path, kind })
            }
        }
    }
}

/// Reads the payload of a job.
///
/// # Errors
/// `Config` when it is of another version, or is none.
pub(crate) fn read(job: &JobRow) -> Result<Payload, Error> {
    let (id, name) = (job.id, &job.name);
    if job.version != PAYLOAD_VERSION {
        let context = format!(
            "job {id} ({name}) has a payload of version {}, this program reads {PAYLOAD_VERSION}",
            job.version
        );
        return Err(Error::new(ErrorKind::Config, context));
    }
    let payload: Payload = serde_json::from_str(&job.payload).map_err(|error| {
        let context = format!("job {id} ({name}) has a payload that cannot be read: {error}");
        Error::new(ErrorKind::Config, context)
    })?;
    payload.config.validate()?;
    Ok(payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_path_survives_the_payload() {
        let check = |path: &[u8]| {
            let found = Found::Local(Located {
                name: "a/b".parse().unwrap(),
                path: PathBuf::from(OsStr::from_bytes(path)),
                kind: Kind::Git,
            });
            let text = serde_json::to_string(&RepositoryPlace::from(&found)).unwrap();
            let place: RepositoryPlace = serde_json::from_str(&text).unwrap();
            assert_eq!(Found::from(place), found);
        };
        check(b"/plain/path");
        check(b"/not \xff utf-8\n");
        check("/größe".as_bytes());
    }
}
