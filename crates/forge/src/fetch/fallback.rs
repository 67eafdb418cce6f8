//! Other ways to a repository, where the server does not speak version 2 of git's protocol or is closed to git.

use super::visit::Visit;
use super::{Fetched, Remote};
use crate::error::{Error, ErrorKind};
use crate::limits::Limits;
use crate::site::Site;

impl Visit<'_> {
    /// Fetches in another way after `error`, where there is one that the settings let through.
    pub(super) fn otherwise(
        &self,
        error: Error,
        remote: &Remote,
        limits: &Limits,
        known: Option<&str>,
    ) -> Result<Fetched, Error> {
        let closed = matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::Refused);
        match self.site() {
            Some((site, name)) if closed && self.fetcher.settings.archive => {
                tracing::info!(repository = %remote.name, %error, "reading the archive of its forge");
                self.fetch_archive((site, &name), remote, limits, known)
            }
            _ => Err(error),
        }
    }

    /// The forge that the repository is on, where it is known, and its name there.
    fn site(&self) -> Option<(&Site, String)> {
        let mut sites = self.fetcher.sites.iter();
        sites.find_map(|site| Some((site, site.full_name_of(&self.url)?)))
    }
}
