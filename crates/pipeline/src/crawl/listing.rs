//! What the crawl stage asks of a forge.

use async_trait::async_trait;
use codelupe_catalogue::{DueRepository, HostedState};
use codelupe_core::{HostedRepository, Slice};
use codelupe_forge::Listing as Listed;

use crate::error::Error;

/// A forge's answer to a question for one repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refreshed {
    /// It is unchanged.
    Unchanged,
    /// It is like this now, with the tag of the answer.
    Changed(Box<HostedRepository>, Option<String>),
    /// It is gone, in this way.
    Gone(HostedState),
}

/// One query of one forge. It observes the waits that the forge asks for, and returns when there is an answer.
#[async_trait]
pub trait Listing: Send + Sync {
    /// The forge, as in [`HostedRepository::forge`].
    fn forge(&self) -> &str;

    /// The query in its one canonical form: the same text is the same crawl.
    fn query(&self) -> String;

    /// The slice that holds everything, made between `since` and `now`, in seconds since the Unix epoch.
    fn first_slice(&self, since: Option<i64>, now: i64) -> Slice;

    /// A page of a slice. A slice that cannot be halved should be listed as far as the forge does, as incomplete.
    ///
    /// # Errors
    /// `Source`, with the code of what happened.
    async fn page(&self, slice: Slice, cursor: Option<&str>) -> Result<Listed, Error>;
}

/// One forge that is asked again for what it listed.
#[async_trait]
pub trait Refresher: Send + Sync {
    /// The forge, as in [`HostedRepository::forge`].
    fn forge(&self) -> &str;

    /// What became of up to a hundred repositories, by their number.
    ///
    /// # Errors
    /// `Source`, with the code of what happened.
    async fn refresh(&self, known: &[DueRepository]) -> Result<Vec<(u64, Refreshed)>, Error>;
}
