//! Pages that are the same on every forge: a list with a link to the next one, and a single repository.

use codelupe_core::HostedRepository;
use serde_json::Value;
use url::Url;

use super::api::{Answer, Api};
use super::{Listing, decode, links};
use crate::budget::Resource;
use crate::error::Error;

/// The page at `cursor`, the first one at `first`; links are followed as long as `counter` goes up.
///
/// The list is the answer itself, or its member `data`.
pub(super) async fn list(api: &Api, first: Url, cursor: Option<&str>, counter: &str) -> Result<Listing, Error> {
    let asked = cursor.map_or(Ok(first), |cursor| links::cursor(api, cursor))?;
    let answer = api.ask(Resource::Core, asked.clone()).await?;
    let body = answer.json()?;
    let list = body
        .get("data")
        .unwrap_or(&body)
        .as_array()
        .ok_or_else(|| answer.misshapen("list"))?;
    let (repositories, skipped) = entries(api, list);
    let total = ["x-total", "x-total-count"]
        .iter()
        .find_map(|name| answer.header(name)?.parse().ok());
    Ok(Listing::Page {
        repositories,
        skipped,
        total,
        incomplete: false,
        next: links::next(api, &answer, &asked, counter),
    })
}

/// A page with the one repository that is at `url`.
pub(super) async fn single(api: &Api, url: Url) -> Result<Listing, Error> {
    let answer: Answer = api.ask(Resource::Core, url).await?;
    let repository = decode::repository(api.site(), &answer.json()?).ok_or_else(|| answer.misshapen("repository"))?;
    Ok(Listing::Page {
        repositories: vec![repository],
        skipped: 0,
        total: Some(1),
        incomplete: false,
        next: None,
    })
}

/// The repositories of a list, and how many entries were not understood.
pub(super) fn entries(api: &Api, list: &[Value]) -> (Vec<HostedRepository>, u64) {
    let found: Vec<_> = list
        .iter()
        .filter_map(|entry| decode::repository(api.site(), entry))
        .collect();
    let skipped = (list.len() - found.len()) as u64;
    (found, skipped)
}
