//! Repositories fetched by the git program, for servers that our own client does not speak to: those with protocol 0 or 1
//! only, and those that serve plain files.
//!
//! The newest commit goes, bare, into a folder for temporary files, which is read like any repository on this machine and
//! removed with its snapshot. The program runs without a shell, without any configuration but ours, without a terminal,
//! hooks, templates, helpers, submodules or redirects, over HTTP alone. It is killed, with all that it started, when it takes
//! too long or too much. A token goes through its environment, bound to its origin, never through its arguments, the
//! address or a file.

mod environment;
mod run;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use codelupe_core::{Repository, error::ErrorCode, text::display_name};
use reqwest::header::HeaderValue;
use tempfile::TempDir;
use url::Url;

use crate::error::{Error, ErrorKind};
use crate::git::head::parse_id;
use crate::git::{GitSnapshot, UNBORN};
use crate::http::{HttpSettings, shown, user_agent};
use crate::limits::Limits;
use crate::snapshot::{Entry, ReadFailure, Snapshot};
use environment::Environment;
use run::{Bounds, Ended, run};

/// How the program begins the names of its folders, which are removed at the next start when it was killed with us.
const FOLDER_PREFIX: &str = "clone-";

/// The git program as this crate runs it.
pub(crate) struct GitCommand {
    user_agent: String,
    ca_file: Option<PathBuf>,
    tmp: PathBuf,
}

/// One repository to fetch.
pub(crate) struct Order<'a> {
    /// Its address, without credentials.
    pub(crate) url: &'a Url,
    /// The value of `Authorization` for its origin.
    pub(crate) authorization: Option<HeaderValue>,
    /// The revision that need not be fetched again.
    pub(crate) known: Option<&'a str>,
    /// The most bytes that its folder may take while it is fetched.
    pub(crate) max_bytes: u64,
    /// When to give up.
    pub(crate) deadline: Instant,
}

impl GitCommand {
    /// The program, which works in folders of its own below `tmp`.
    ///
    /// # Errors
    /// `Invalid` when a setting is not usable.
    pub(crate) fn new(http: &HttpSettings, tmp: PathBuf) -> Result<Self, Error> {
        Ok(Self {
            user_agent: user_agent(http)?.to_str().unwrap_or_default().to_owned(),
            ca_file: http.ca_file.clone(),
            tmp,
        })
    }

    /// Fetches a repository, which `describe` describes at a revision; `None` when that is the known one.
    ///
    /// # Errors
    /// `Unsupported` without a git program, and when git cannot read what the server says; `Auth`, `Refused`, `Gone`,
    /// `Redirect`, `RateLimited`, `Server` and `Network` by what git says; `Timeout` and `TooLarge` when it was killed for
    /// that; `Machine` when its folder cannot be made or written; those of opening a repository on this machine.
    pub(crate) fn fetch(
        &self,
        order: &Order<'_>,
        limits: &Limits,
        describe: impl Fn(String) -> Repository,
    ) -> Result<Option<Box<dyn Snapshot>>, Error> {
        let folder = self.folder(order.url)?;
        let git = Program {
            order,
            folder: folder.path(),
            environment: Environment {
                user_agent: &self.user_agent,
                ca_file: self.ca_file.as_deref(),
                folder: folder.path(),
                url: order.url,
                authorization: order.authorization.as_ref(),
                max_object_bytes: limits.max_decode_bytes,
            },
        };
        let head = git.head()?;
        if order.known == Some(&head) {
            return Ok(None);
        }
        if head == UNBORN {
            return Ok(Some(Box::new(GitSnapshot::unborn(describe(head), limits))));
        }
        let path = git.clone_repository()?;
        let snapshot = GitSnapshot::open_as(&path, describe, limits).map_err(|error| unopened(order.url, error))?;
        Ok(Some(Box::new(Cloned {
            snapshot,
            _folder: folder,
        })))
    }

    fn folder(&self, url: &Url) -> Result<TempDir, Error> {
        // Without links, so that git knows it for the place above which it looks for no repository.
        let tmp = fs::canonicalize(&self.tmp);
        let made = tmp.and_then(|tmp| tempfile::Builder::new().prefix(FOLDER_PREFIX).tempdir_in(tmp));
        made.map_err(|error| {
            let context = format!("{}: a folder for git", shown(url));
            Error::machine(context, &error).with_source(error)
        })
    }
}

/// A snapshot that removes its folder when it is dropped.
struct Cloned {
    snapshot: GitSnapshot,
    _folder: TempDir,
}

impl Snapshot for Cloned {
    fn repository(&self) -> &Repository {
        self.snapshot.repository()
    }

    fn entries(&self) -> &[Entry] {
        self.snapshot.entries()
    }

    fn read(&mut self, entry: usize, buffer: &mut Vec<u8>) -> Result<(), ReadFailure> {
        self.snapshot.read(entry, buffer)
    }
}

/// The program for one repository.
struct Program<'a> {
    order: &'a Order<'a>,
    folder: &'a Path,
    environment: Environment<'a>,
}

impl Program<'_> {
    /// Where `HEAD` is: an id, or [`UNBORN`].
    fn head(&self) -> Result<String, Error> {
        /// The most of the answer that is looked at: one line, and some room for a server that shows more of the name.
        const MAX_BYTES: usize = 64 << 10;
        self.succeed(&["ls-remote", "--quiet", "--", self.order.url.as_str(), "HEAD"])?;
        let answer = run::read_output(self.folder, MAX_BYTES).map_err(|error| self.io(error))?;
        let mut lines = answer.split(|byte| *byte == b'\n');
        let Some(id) = lines.find_map(|line| line.strip_suffix(b"\tHEAD")) else {
            return Ok(UNBORN.to_owned());
        };
        match parse_id(id) {
            Some(id) => Ok(hex::encode(id)),
            None if id.len() == 64 => Err(self.error(ErrorKind::Unsupported, "SHA-256 object ids")),
            None => Err(self.error(ErrorKind::Protocol, "git shows no object id")),
        }
    }

    /// Fetches the newest commit into a folder, with its history where the server gives none without it.
    fn clone_repository(&self) -> Result<PathBuf, Error> {
        const WITHOUT: [&str; 6] = [
            "clone",
            "--quiet",
            "--bare",
            "--single-branch",
            "--no-tags",
            "--template=",
        ];
        const NAME: &str = "repository";
        let path = self.folder.join(NAME);
        let place = ["--", self.order.url.as_str(), NAME];
        let shallow = [&WITHOUT[..], &["--depth=1"], &place].concat();
        match self.run(&shallow)? {
            Ok(()) => return Ok(path),
            Err(words) if knows_no_depth(&words) => {
                tracing::debug!(url = %shown(self.order.url), "the server gives no commit without its history");
            }
            Err(words) => return Err(self.failed(&words)),
        }
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(self.io(error)),
            _ => {}
        }
        self.succeed(&[&WITHOUT[..], &place].concat())?;
        Ok(path)
    }

    fn succeed(&self, arguments: &[&str]) -> Result<(), Error> {
        self.run(arguments)?.map_err(|words| self.failed(&words))
    }

    /// Runs git; the inner error is what it said when it failed.
    fn run(&self, arguments: &[&str]) -> Result<Result<(), String>, Error> {
        let bounds = Bounds {
            max_bytes: self.order.max_bytes,
            deadline: self.order.deadline,
        };
        let ended = run(self.environment.command(arguments), self.folder, &bounds);
        match ended.map_err(|error| self.not_run(error))? {
            Ended::Well => Ok(Ok(())),
            Ended::Badly(words) => Ok(Err(words)),
            Ended::NoRoom(words) => {
                let why = format!("the disk is full, and git says: {}", display_name(words.as_bytes()));
                Err(self.error(ErrorKind::Machine, &why).with_code(ErrorCode::DiskFull))
            }
            Ended::TooLate => Err(self.error(ErrorKind::Timeout, "git takes too long")),
            Ended::TooLarge => {
                let why = format!("git has fetched more than {} bytes", self.order.max_bytes);
                Err(self.error(ErrorKind::TooLarge, &why))
            }
        }
    }

    fn not_run(&self, error: io::Error) -> Error {
        if error.kind() != io::ErrorKind::NotFound || !self.folder.is_dir() {
            return self.io(error);
        }
        let why = "the server does not speak version 2 of git's protocol, and there is no git program in PATH";
        self.error(ErrorKind::Unsupported, why)
    }

    fn failed(&self, words: &str) -> Error {
        self.error(kind_of(words), &format!("git says: {}", display_name(words.as_bytes())))
    }

    fn io(&self, error: io::Error) -> Error {
        let code = ErrorCode::of_own_io(&error);
        self.error(ErrorKind::Machine, "running git")
            .with_code(code)
            .with_source(error)
    }

    fn error(&self, kind: ErrorKind, why: &str) -> Error {
        Error::new(kind, format!("{}: {why}", shown(self.order.url)))
    }
}

/// The error of a repository that git has fetched and that cannot be opened. Where its folder is gone, which is ours, that is
/// no fault of the repository.
fn unopened(url: &Url, error: Error) -> Error {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotAFolder | ErrorKind::Access => {
            Error::new(ErrorKind::Machine, shown(url)).with_source(error)
        }
        kind => Error::caused_by(kind, shown(url), error),
    }
}

/// Whether git failed because it asked for no history: what `transport-helper.c` and `fetch-pack.c` of git 2 say.
fn knows_no_depth(words: &str) -> bool {
    [
        "does not support shallow capabilities",
        "does not support shallow clients",
        "does not support --depth",
    ]
    .iter()
    .any(|said| words.contains(said))
}

/// What a failure of git means. What is not known is that git does not understand the server either.
fn kind_of(words: &str) -> ErrorKind {
    let status = words
        .split("returned error: ")
        .nth(1)
        .or_else(|| words.split("HTTP ").nth(1))
        .and_then(|rest| rest.get(..3)?.parse().ok());
    let says = |any: &[&str]| any.iter().any(|said| words.contains(said));
    match status {
        Some(300..=399) => ErrorKind::Redirect,
        Some(401) => ErrorKind::Auth,
        Some(403) => ErrorKind::Refused,
        Some(404 | 410) => ErrorKind::Gone,
        Some(429) => ErrorKind::RateLimited,
        Some(451) => ErrorKind::TakenDown,
        Some(500..=599) => ErrorKind::Server,
        _ if says(&["could not read Username", "Authentication failed"]) => ErrorKind::Auth,
        _ if says(&["ut of memory"]) => ErrorKind::TooLarge,
        _ if says(&["Operation too slow", "timed out"]) => ErrorKind::Timeout,
        _ if says(&[
            "Could not resolve",
            "Failed to connect",
            "early EOF",
            "hung up",
            "RPC failed",
        ]) =>
        {
            ErrorKind::Network
        }
        _ => ErrorKind::Unsupported,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_says_has_a_kind() {
        let check = |words: &str, kind: ErrorKind| assert_eq!(kind_of(words), kind, "{words}");
        let access =
            |status: u16| format!("fatal: unable to access 'http://x/': The requested URL returned error: {status}");
        check(&access(302), ErrorKind::Redirect);
        check(&access(403), ErrorKind::Refused);
        check(&access(429), ErrorKind::RateLimited);
        check(&access(503), ErrorKind::Server);
        check("error: RPC failed; HTTP 500 curl 22 The requested", ErrorKind::Server);
        check(
            "fatal: could not read Username for 'http://x': terminal prompts disabled",
            ErrorKind::Auth,
        );
        check(
            "error: RPC failed; curl 28 Operation too slow. Less than 1000",
            ErrorKind::Timeout,
        );
        check("fatal: the remote end hung up unexpectedly", ErrorKind::Network);
        check("fatal: Out of memory, malloc failed", ErrorKind::TooLarge);
        check(
            "fatal: http://x/info/refs not valid: is this a git repository?",
            ErrorKind::Unsupported,
        );
        assert!(knows_no_depth(
            "fatal: dumb http transport does not support shallow capabilities"
        ));
        assert!(!knows_no_depth("fatal: not valid"));
    }
}
