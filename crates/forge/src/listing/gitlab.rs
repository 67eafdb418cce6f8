//! GitLab: all public projects by id, those of a group or a user, single ones.

use super::api::Api;
use super::query::{Qualifier, Target};
use super::{Listing, pages};
use crate::error::{Error, ErrorKind};

/// What every list of projects is asked with.
const LIST: [(&str, &str); 5] = [
    ("order_by", "id"),
    ("sort", "asc"),
    ("per_page", "100"),
    ("simple", "false"),
    ("visibility", "public"),
];

/// A page of what `target` is.
pub(super) async fn page(api: &Api, target: &Target, cursor: Option<&str>) -> Result<Listing, Error> {
    match target {
        Target::Search(qualifiers) => search(api, qualifiers, cursor).await,
        Target::Owner(owner) => owned(api, owner, cursor).await,
        Target::Repository(name) => {
            let path = format!("projects/{}", name.replace('/', "%2F"));
            pages::single(api, api.url(&path, &[("license", "true")])?).await
        }
    }
}

/// Keyset pages have no end, unlike numbered ones, which stop at 50,000 projects.
async fn search(api: &Api, qualifiers: &[(Qualifier, String)], cursor: Option<&str>) -> Result<Listing, Error> {
    let topics: Vec<_> = qualifiers
        .iter()
        .filter(|(qualifier, _)| *qualifier == Qualifier::Topic)
        .map(|(_, topic)| topic.as_str())
        .collect();
    let topics = topics.join(",");
    let mut pairs = vec![("pagination", "keyset")];
    pairs.extend(LIST);
    if !topics.is_empty() {
        pairs.push(("topic", &topics));
    }
    for (qualifier, value) in qualifiers {
        match qualifier {
            Qualifier::Language => pairs.push(("with_programming_language", value)),
            Qualifier::Archived => pairs.push(("archived", value)),
            Qualifier::Q => pairs.push(("search", value)),
            _ => {}
        }
    }
    pages::list(api, api.url("projects", &pairs)?, cursor, "id_after").await
}

/// The projects of a group and of those within it; where there is no such group, those of a user.
async fn owned(api: &Api, owner: &str, cursor: Option<&str>) -> Result<Listing, Error> {
    let mut pairs = vec![("include_subgroups", "true"), ("page", "1")];
    pairs.extend(LIST);
    let of_group = api.url(&format!("groups/{owner}/projects"), &pairs)?;
    match pages::list(api, of_group, cursor, "page").await {
        Err(error) if cursor.is_none() && error.kind() == ErrorKind::Gone => {
            let of_user = api.url(&format!("users/{owner}/projects"), &pairs[1..])?;
            pages::list(api, of_user, None, "page").await
        }
        found => found,
    }
}
