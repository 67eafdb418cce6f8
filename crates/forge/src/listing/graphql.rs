//! GitHub's GraphQL: a hundred repositories by their node ids for one point.

use codelupe_core::HostedRepository;
use serde_json::{Value, json};

use super::api::Api;
use super::decode;
use crate::error::Error;

/// The most ids of one query.
pub(super) const MAX_NODES: usize = 100;

/// What is asked of every repository. Nested connections are counted as requests: 100 ids with two of them are 2 points.
const QUERY: &str = "query($ids:[ID!]!){nodes(ids:$ids){... on Repository{id databaseId nameWithOwner description homepageUrl \
isFork isArchived isDisabled isMirror isTemplate isPrivate isEmpty stargazerCount forkCount diskUsage createdAt pushedAt \
updatedAt licenseInfo{spdxId} primaryLanguage{name} defaultBranchRef{name} parent{databaseId} watchers{totalCount} \
issues(states:OPEN){totalCount} languages(first:50,orderBy:{field:SIZE,direction:DESC}){edges{size node{name}}} \
repositoryTopics(first:50){nodes{topic{name}}}}}}";

/// The repositories of `ids`, in any order, without those that are not there or were not understood.
///
/// GraphQL answers in part: ids that it cannot resolve are null, with an error for each beside the data.
///
/// # Errors
/// As [`Api::ask`]; `Protocol` when there is no data at all.
pub(super) async fn nodes<'a>(api: &Api, ids: impl Iterator<Item = &'a str>) -> Result<Vec<HostedRepository>, Error> {
    let ids: Vec<_> = ids.collect();
    let answer = api.graphql(&json!({"query": QUERY, "variables": {"ids": ids}})).await?;
    let body = answer.json()?;
    let list = body
        .pointer("/data/nodes")
        .and_then(Value::as_array)
        .ok_or_else(|| answer.misshapen("nodes"))?;
    Ok(list
        .iter()
        .take(MAX_NODES)
        .filter_map(|entry| decode::node(api.site(), entry))
        .collect())
}
