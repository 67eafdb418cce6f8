//! Asking a forge for an archive of a repository.

use serde::Deserialize;
use url::Url;

use super::Fetched;
use super::packs::Counted;
use super::visit::Visit;
use crate::archive::{ArchiveLimits, ArchiveSnapshot};
use crate::error::{Error, ErrorKind};
use crate::http::{Request, Response};
use crate::limits::Limits;
use crate::remote::Remote;
use crate::site::{Site, SiteKind};
use crate::wire;

impl Visit<'_> {
    /// Fetches the repository `name` of `site` as the archive of its newest commit.
    pub(super) fn fetch_archive(
        &self,
        site: &Site,
        name: &str,
        remote: &Remote,
        limits: &Limits,
        known: Option<&str>,
    ) -> Result<Fetched, Error> {
        let mut request = Request::get(self.archive_url(site, name)?, &[]);
        request.also = site.download();
        let response = self.ask(request)?;
        let body = Counted {
            source: response.body.reader(self.fetcher.runtime.clone(), self.deadline),
            count: &self.fetcher.received,
        };
        let settings = &self.fetcher.settings;
        let costs = ArchiveLimits {
            packed_bytes: settings.max_pack_bytes,
            inflated_bytes: settings.max_inflated_bytes,
            deadline: self.deadline,
            spool_folder: self.fetcher.spool_folder.clone(),
        };
        let read = ArchiveSnapshot::read(body, remote.describe(String::new()), known, limits, &costs)?;
        Ok(match read {
            None => Fetched::Unchanged,
            Some(snapshot) => Fetched::Snapshot(Box::new(snapshot)),
        })
    }

    /// Where the archive of the default branch is. GitHub and GitLab have an address for that; Gitea wants its name.
    ///
    /// Sources: GitHub's "Download a repository archive (tar)", GitLab's "Get file archive", Gitea's `repoGetArchive`.
    fn archive_url(&self, site: &Site, name: &str) -> Result<Url, Error> {
        let below = |path: &str| {
            let url = site.api().join(path);
            url.map_err(|error| self.error(ErrorKind::Invalid, "no such address").with_source(error))
        };
        match site.kind() {
            SiteKind::GitHub => below(&format!("repos/{name}/tarball")),
            SiteKind::GitLab => below(&format!(
                "projects/{}/repository/archive.tar.gz",
                name.replace('/', "%2F")
            )),
            SiteKind::Gitea => {
                let response = self.ask(Request::get(below(&format!("repos/{name}"))?, &[]))?;
                let branch = self.default_branch(response)?;
                let mut url = below(&format!("repos/{name}/archive"))?;
                if let Ok(mut path) = url.path_segments_mut() {
                    path.extend(format!("{branch}.tar.gz").split('/'));
                }
                Ok(url)
            }
        }
    }

    fn default_branch(&self, response: Response) -> Result<String, Error> {
        #[derive(Deserialize)]
        struct Described {
            default_branch: String,
        }
        let body = response.body.bytes(wire::MAX_ANSWER_BYTES);
        let described = serde_json::from_slice::<Described>(&self.fetcher.runtime.block_on(body)?);
        described.map(|described| described.default_branch).map_err(|error| {
            self.error(ErrorKind::Protocol, "its forge does not name its branch")
                .with_source(error)
        })
    }

    /// Sends a request to the API of the forge; an answer that does not report success is an error.
    fn ask(&self, mut request: Request<'_>) -> Result<Response, Error> {
        let mut tokens = self.fetcher.tokens.iter();
        request.authorization = tokens.find_map(|token| token.bearer(&request.url));
        request.forge = self.forge();
        let response = self.fetcher.runtime.block_on(self.fetcher.http.send(request))?;
        match response.status {
            200 => Ok(response),
            // GitHub's way to say that nothing is left of the hour.
            403 if response.header("x-ratelimit-remaining") == Some("0") => {
                Err(self.error(ErrorKind::RateLimited, "status 403"))
            }
            _ => Err(self.refused(&response)),
        }
    }
}
