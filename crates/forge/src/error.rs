//! What can go wrong with a whole source or a whole repository. A bad file is never an error: it gets a verdict.

use std::fmt;
use std::io;
use std::path::Path;

use codelupe_core::{error::ErrorCode, text::display_path};
use rustix::io::Errno;

codelupe_core::coded_error! {
    /// Why a source or a repository could not be used.
    pub struct Error;
    /// The kind of an [`Error`].
    pub enum ErrorKind {
        /// An invalid source text or limit.
        Invalid = Validation: "not valid",
        /// The path does not exist.
        NotFound = NotFound: "no such file or folder",
        /// The path is not a folder.
        NotAFolder = Validation: "not a folder",
        /// The operating system refused access to the whole repository.
        Access = Permission: "access refused",
        /// Reading the repository failed for another reason of the operating system.
        Io = CorruptInput: "could not be read",
        /// This machine is in the way: the folder for what is fetched is gone or full, memory or open files are used up.
        /// It is not the fault of the repository, and the next one would fail too.
        Machine = Storage: "this machine is in the way",
        /// More entries, or a larger listing, than [`Limits`](crate::Limits) allow. The whole repository is refused.
        TooManyEntries = CorruptInput: "too many entries",
        /// A format that is not read: SHA-256 object ids or reftable.
        Unsupported = CorruptInput: "unsupported repository format",
        /// The repository wants to read objects or references that lie outside of it: alternates, links, `commondir`.
        OutsideRepository = CorruptInput: "it reaches outside of its folder",
        /// `HEAD`, its commit or its root tree is missing or damaged.
        Corrupt = CorruptInput: "damaged repository",
        /// A forge was not reached, or the connection broke off.
        Network = Network: "the network failed",
        /// A forge was silent, or slow, for too long.
        Timeout = Timeout: "it took too long",
        /// A forge could not answer now (status 5xx).
        Server = Network: "the server cannot answer now",
        /// A forge's limit on requests is reached; [`Error::retry_after`] says for how long.
        RateLimited = RateLimited: "the limit on requests is reached",
        /// A forge wants credentials, or refused those it was given.
        Auth = Auth: "the credentials were refused",
        /// A forge refused the request for good.
        Refused = Auth: "the server refuses it",
        /// There is no such repository, or it is not public.
        Gone = NotFound: "there is no such repository",
        /// The repository was taken down for legal reasons (status 451).
        TakenDown = NotFound: "it was taken down for legal reasons",
        /// An answer is malformed.
        Protocol = CorruptInput: "the answer is not understood",
        /// A redirect leads to another host, or in a circle.
        Redirect = CorruptInput: "the redirect is not followed",
        /// An answer or a repository is larger than its limit.
        TooLarge = PayloadTooLarge: "it is too large",
    }
}

impl Error {
    /// An error of the operating system where a repository was read, at `path`, with `note` on what was wanted there.
    pub(crate) fn at(path: &Path, note: impl fmt::Display, source: io::Error) -> Self {
        let context = format!("{}: {note}", display_path(path));
        let kind = match source.kind() {
            io::ErrorKind::NotFound => ErrorKind::NotFound,
            io::ErrorKind::NotADirectory => ErrorKind::NotAFolder,
            io::ErrorKind::PermissionDenied => ErrorKind::Access,
            _ if is_used_up(&source) => return Self::machine(context, &source).with_source(source),
            _ => ErrorKind::Io,
        };
        Self::new(kind, context).with_source(source)
    }

    /// An error of the operating system while one of our own files was written or read.
    pub(crate) fn machine(context: impl Into<String>, cause: &io::Error) -> Self {
        Self::new(ErrorKind::Machine, context).with_code(ErrorCode::of_own_io(cause))
    }
}

/// Whether reading failed for lack of memory or open files, for which no repository is to blame.
fn is_used_up(error: &io::Error) -> bool {
    let files = [Errno::MFILE, Errno::NFILE];
    error.kind() == io::ErrorKind::OutOfMemory
        || Errno::from_io_error(error).is_some_and(|errno| files.contains(&errno))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_not_blamed_for_this_machine() {
        let check = |errno: Errno, kind, code| {
            let error = Error::at(Path::new("a"), "open", errno.into());
            assert_eq!((error.kind(), error.code()), (kind, code), "{errno}");
        };
        check(Errno::NOENT, ErrorKind::NotFound, ErrorCode::NotFound);
        check(Errno::ACCESS, ErrorKind::Access, ErrorCode::Permission);
        check(Errno::IO, ErrorKind::Io, ErrorCode::CorruptInput);
        check(Errno::MFILE, ErrorKind::Machine, ErrorCode::Storage);
        check(Errno::NOMEM, ErrorKind::Machine, ErrorCode::OutOfMemory);
        let own = |errno: Errno, code| assert_eq!(Error::machine("x", &errno.into()).code(), code, "{errno}");
        own(Errno::NOENT, ErrorCode::Storage);
        own(Errno::NOSPC, ErrorCode::DiskFull);
        own(Errno::DQUOT, ErrorCode::DiskFull);
        own(Errno::ROFS, ErrorCode::Permission);
    }
}
