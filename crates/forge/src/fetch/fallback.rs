//! Other ways to a repository, where the server does not speak version 2 of git's protocol or is closed to git.

use url::Url;

use super::Fetched;
use super::visit::{Visit, moved_to};
use crate::error::{Error, ErrorKind};
use crate::git_command::Order;
use crate::http::Request;
use crate::limits::Limits;
use crate::remote::Remote;
use crate::wire;

/// Bytes at the start of `info/refs` that tell what a server speaks.
const START_BYTES: usize = 64;

impl Visit<'_> {
    /// Fetches in another way after `error`, if the settings allow one.
    pub(super) fn otherwise(
        &self,
        error: Error,
        remote: &Remote,
        limits: &Limits,
        known: Option<&str>,
    ) -> Result<Fetched, Error> {
        let error = match self.by_git(error, remote, limits, known) {
            Err(error) => error,
            fetched => return fetched,
        };
        let closed = matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::Refused);
        match self.site() {
            Some((site, name)) if closed && self.fetcher.settings.archive => {
                tracing::info!(repository = %remote.name, %error, "reading the archive of its forge");
                self.fetch_archive(site, &name, remote, limits, known)
            }
            _ => Err(error),
        }
    }

    /// Fetches by the git program, if the server turns out to be an old one; otherwise it was `error`. That is too large an
    /// answer where an old server has many references.
    fn by_git(&self, error: Error, remote: &Remote, limits: &Limits, known: Option<&str>) -> Result<Fetched, Error> {
        let maybe_old = matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::TooLarge);
        if !(maybe_old && self.fetcher.settings.git_command) {
            return Err(error);
        }
        let Some(url) = self.old_address()? else {
            return Err(error);
        };
        tracing::debug!(repository = %remote.name, %error, "asking git");
        let order = Order {
            url: &url,
            authorization: self.fetcher.tokens.iter().find_map(|token| token.basic(&url)),
            known,
            max_bytes: self.fetcher.settings.max_pack_bytes,
            deadline: self.deadline,
        };
        let fetched = self
            .fetcher
            .git
            .fetch(&order, limits, |revision| remote.describe(revision))?;
        Ok(fetched.map_or(Fetched::Unchanged, Fetched::Snapshot))
    }

    /// Where the repository is now, after redirects, which git is not let follow; `None` when it is not on an old server.
    fn old_address(&self) -> Result<Option<Url>, Error> {
        let mut response = self.send(Request::get(
            self.join(wire::CAPABILITIES_PATH)?,
            &[wire::VERSION_HEADER],
        ))?;
        let url = moved_to(&self.url, &response);
        let mut start = Vec::new();
        while start.len() < START_BYTES {
            match self.fetcher.runtime.block_on(response.body.chunk())? {
                Some(chunk) => start.extend_from_slice(&chunk),
                None => break,
            }
        }
        start.truncate(START_BYTES);
        Ok(is_old(&start).then_some(url))
    }
}

/// Whether an answer begins as that of a server of protocol 0 or 1 (gitprotocol-http(5)), or as the file that lists the
/// references where plain files are served: an id, a tab.
fn is_old(start: &[u8]) -> bool {
    const SERVICE: &[u8] = b"001e# service=git-upload-pack\n0000";
    const NEWER: &[u8] = b"000eversion 2";
    let lists = |digits: usize| start.get(digits) == Some(&b'\t') && start[..digits].iter().all(u8::is_ascii_hexdigit);
    let served = start.strip_prefix(SERVICE);
    served.is_some_and(|first| !first.starts_with(NEWER)) || lists(40) || lists(64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_server_is_known_by_its_first_words() {
        let id = "0123456789abcdef".repeat(4);
        for old in [
            "001e# service=git-upload-pack\n00000155".to_owned() + &id[..40],
            "001e# service=git-upload-pack\n0000000eversion 1\n".to_owned(),
            id[..40].to_owned() + "\trefs/heads/main",
            id.clone() + "\trefs/heads/main",
        ] {
            assert!(is_old(old.as_bytes()), "{old}");
        }
        for other in [
            "",
            "000eversion 2\n",
            "001e# service=git-upload-pack\n0000000eversion 2\n",
            "<!DOCTYPE html>",
            &id,
            &id[..40],
        ] {
            assert!(!is_old(other.as_bytes()), "{other}");
        }
    }
}
