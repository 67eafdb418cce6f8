//! The present state of known repositories.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use codelupe_core::HostedRepository;

use super::api::{Answer, Api};
use super::{decode, graphql};
use crate::budget::Resource;
use crate::error::Error;
use crate::site::{SiteKind, is_full_name};

/// A repository as it was last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The forge's number.
    pub id: u64,
    /// The id that GitHub's GraphQL asks by.
    pub node_id: Option<String>,
    /// The name that it had.
    pub full_name: String,
    /// The `ETag` of the last answer about it.
    pub etag: Option<String>,
}

/// The present state of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refreshed {
    /// The forge says that nothing changed since the `ETag`.
    Unchanged,
    /// As it is now; renamed or transferred, it has another name.
    Changed {
        /// The repository.
        repository: Box<HostedRepository>,
        /// The `ETag` to ask with next time, where the forge gave one.
        etag: Option<String>,
    },
    /// It is gone, or not accessible to us.
    Gone(GoneReason),
}

/// Why a repository is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum GoneReason {
    /// Deleted, or no longer public (status 404 or 410).
    NotFound,
    /// Taken down for legal reasons (status 451).
    Dmca,
    /// Locked by the forge (status 403).
    Blocked,
}

/// Asks for all of `known`: GitHub with a token a hundred at a time, others one by one.
pub(super) async fn refresh(api: &Api, known: &[Known]) -> Result<Vec<(u64, Refreshed)>, Error> {
    let mut found = BTreeMap::new();
    if api.site().kind() == SiteKind::GitHub && api.has_token() {
        let nodes: Vec<_> = known
            .iter()
            .filter_map(|known| Some((known.id, known.node_id.as_deref()?)))
            .collect();
        for batch in nodes.chunks(graphql::MAX_NODES) {
            let wanted: BTreeSet<_> = batch.iter().map(|(id, _)| *id).collect();
            let answer = graphql::nodes(api, batch.iter().map(|(_, node)| *node)).await?;
            // Another repository than one that was asked for is no answer.
            let good = answer.into_iter().filter(|repository| wanted.contains(&repository.id));
            found.extend(good.map(|repository| {
                let repository = Box::new(repository);
                (repository.id, Refreshed::Changed { repository, etag: None })
            }));
        }
    }
    for known in known {
        // What is not among the nodes is asked for by itself: only that answer says why.
        if let Entry::Vacant(place) = found.entry(known.id) {
            place.insert(one(api, known).await?);
        }
    }
    Ok(found.into_iter().collect())
}

/// Gitea and Forgejo find by number only for those who sign in (status 401 else). By name they lead a renamed repository's
/// old name to the new one until another repository takes it: then the earlier one cannot be found.
fn must_ask_by_name(api: &Api, known: &Known) -> bool {
    api.site().kind() == SiteKind::Gitea && !api.has_token() && is_full_name(SiteKind::Gitea, &known.full_name)
}

async fn one(api: &Api, known: &Known) -> Result<Refreshed, Error> {
    let by_name = must_ask_by_name(api, known);
    let path = match api.site().kind() {
        SiteKind::Gitea if by_name => format!("repos/{}", known.full_name),
        SiteKind::GitHub | SiteKind::Gitea => format!("repositories/{}", known.id),
        SiteKind::GitLab => format!("projects/{}", known.id),
    };
    let answer = api
        .get(Resource::Core, api.url(&path, &[])?, known.etag.as_deref())
        .await?;
    let reason = match answer.status {
        304 if known.etag.is_some() => return Ok(Refreshed::Unchanged),
        200 => match decode::repository(api.site(), &answer.json()?) {
            Some(repository) if repository.id == known.id => return Ok(changed(repository, &answer)),
            Some(_) if by_name => GoneReason::NotFound,
            _ => return Err(answer.misshapen("repository of that id")),
        },
        404 | 410 => GoneReason::NotFound,
        451 => GoneReason::Dmca,
        403 => GoneReason::Blocked,
        _ => return Err(answer.error()),
    };
    Ok(Refreshed::Gone(reason))
}

fn changed(repository: HostedRepository, answer: &Answer) -> Refreshed {
    let etag = answer.header("etag").filter(|etag| etag.len() <= 256);
    Refreshed::Changed {
        repository: Box::new(repository),
        etag: etag.map(str::to_owned),
    }
}
