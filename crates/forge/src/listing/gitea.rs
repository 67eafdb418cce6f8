//! Gitea and Forgejo: searches, the repositories of an owner, single ones.

use super::api::Api;
use super::query::{Qualifier, Target};
use super::{Listing, pages};
use crate::error::{Error, ErrorKind};

/// The largest page that an instance gives unless it is set up otherwise (`MAX_RESPONSE_ITEMS`).
const PER_PAGE: &str = "50";

/// A page of what `target` is.
pub(super) async fn page(api: &Api, target: &Target, cursor: Option<&str>) -> Result<Listing, Error> {
    match target {
        Target::Search(qualifiers) => search(api, qualifiers, cursor).await,
        Target::Owner(owner) => {
            let first = api.url(&format!("users/{owner}/repos"), &[("limit", PER_PAGE), ("page", "1")])?;
            pages::list(api, first, cursor, "page").await
        }
        Target::Repository(name) => pages::single(api, api.url(&format!("repos/{name}"), &[])?).await,
    }
}

/// Without forks there are no mirrors either: Gitea has one word, `source`, for both.
async fn search(api: &Api, qualifiers: &[(Qualifier, String)], cursor: Option<&str>) -> Result<Listing, Error> {
    let mut pairs = vec![
        ("limit", PER_PAGE),
        ("page", "1"),
        ("sort", "id"),
        ("order", "asc"),
        ("is_private", "false"),
    ];
    let mut has_words = false;
    for (qualifier, value) in qualifiers {
        match (qualifier, value.as_str()) {
            (Qualifier::Topic | Qualifier::Q, _) if has_words => {
                let why = "a search of Gitea is for one topic or for free text, not for both";
                return Err(Error::new(ErrorKind::Invalid, why));
            }
            (Qualifier::Topic, topic) => {
                pairs.extend([("q", topic), ("topic", "true")]);
                has_words = true;
            }
            (Qualifier::Q, text) => {
                pairs.push(("q", text));
                has_words = true;
            }
            (Qualifier::Archived, value) => pairs.push(("archived", value)),
            (Qualifier::Fork, "only") => pairs.push(("mode", "fork")),
            (Qualifier::Fork, "false") => pairs.push(("mode", "source")),
            _ => {}
        }
    }
    pages::list(api, api.url("repos/search", &pairs)?, cursor, "page").await
}
