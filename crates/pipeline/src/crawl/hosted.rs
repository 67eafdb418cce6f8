//! A query of a real forge, and the forge as a whole.

use async_trait::async_trait;
use codelupe_catalogue::{DueRepository, HostedState};
use codelupe_core::Slice;
use codelupe_forge::{ErrorKind as ForgeErrorKind, Estimate, GoneReason, Known, Lister, Listing as Listed, Query};

use super::{Listing, Refreshed, Refresher, now};
use crate::error::Error;

/// A query, and who asks it.
#[derive(Debug, Clone)]
pub struct HostedQuery {
    lister: Lister,
    query: Query,
    first: Slice,
}

impl HostedQuery {
    /// What `lister` is to list: everything that `query` asks for, made until now.
    ///
    /// # Errors
    /// `Source` when the query is for another forge, or leaves nothing.
    pub fn new(lister: Lister, query: Query) -> Result<Self, Error> {
        let first = lister.first_slice(&query, now())?;
        Ok(Self { lister, query, first })
    }

    /// What listing it would cost; asks the forge once.
    ///
    /// # Errors
    /// `Source`, with the code of what happened.
    pub async fn estimate(&self) -> Result<Estimate, Error> {
        Ok(self.lister.estimate(&self.query, now()).await?)
    }
}

/// A forge, and who asks it.
#[derive(Debug, Clone)]
pub struct HostedForge {
    lister: Lister,
    host: String,
}

impl HostedForge {
    /// The forge that `lister` asks.
    pub fn new(lister: Lister) -> Self {
        let host = lister.site().host();
        Self { lister, host }
    }
}

#[async_trait]
impl Listing for HostedQuery {
    fn forge(&self) -> &str {
        self.query.host()
    }

    fn query(&self) -> String {
        self.query.to_string()
    }

    fn first_slice(&self, since: Option<i64>, _now: i64) -> Slice {
        let created = match (self.first.created, since) {
            (Some((from, to)), Some(since)) => Some((from.max(since).min(to), to)),
            (created, _) => created,
        };
        Slice { created, ..self.first }
    }

    async fn page(&self, slice: Slice, cursor: Option<&str>) -> Result<Listed, Error> {
        let mut answer = self.lister.page(&self.query, slice, cursor).await;
        // A page of HTML or half of one, in place of an answer, may be a proxy's; twice it is the forge's.
        if answer
            .as_ref()
            .is_err_and(|error| error.kind() == ForgeErrorKind::Protocol)
        {
            answer = self.lister.page(&self.query, slice, cursor).await;
        }
        Ok(answer?)
    }
}

#[async_trait]
impl Refresher for HostedForge {
    fn forge(&self) -> &str {
        &self.host
    }

    async fn refresh(&self, known: &[DueRepository]) -> Result<Vec<(u64, Refreshed)>, Error> {
        let known: Vec<Known> = known.iter().cloned().map(known_to_forge).collect();
        let answers = self.lister.refresh(&known).await?;
        Ok(answers
            .into_iter()
            .map(|(id, answer)| (id, refreshed(answer)))
            .collect())
    }
}

fn known_to_forge(due: DueRepository) -> Known {
    Known {
        id: due.id,
        node_id: due.node_id,
        full_name: due.full_name,
        etag: due.etag,
    }
}

fn refreshed(answer: codelupe_forge::Refreshed) -> Refreshed {
    match answer {
        codelupe_forge::Refreshed::Unchanged => Refreshed::Unchanged,
        codelupe_forge::Refreshed::Changed { repository, etag } => Refreshed::Changed(repository, etag),
        codelupe_forge::Refreshed::Gone(GoneReason::Dmca) => Refreshed::Gone(HostedState::GoneDmca),
        codelupe_forge::Refreshed::Gone(GoneReason::Blocked) => Refreshed::Gone(HostedState::GoneBlocked),
        codelupe_forge::Refreshed::Gone(_) => Refreshed::Gone(HostedState::GoneNotFound),
    }
}
