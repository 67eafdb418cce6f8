//! GitHub: searches by slices of creation time, the repositories of an owner, single ones.

use codelupe_core::Slice;
use jiff::Timestamp;
use serde_json::Value;

use super::api::Api;
use super::query::{Qualifier, Target};
use super::{Listing, bounds, decode, pages};
use crate::budget::Resource;
use crate::error::{Error, ErrorKind};

/// The most results that a search lists (GitHub's "REST API endpoints for search").
const MAX_RESULTS: u64 = 1000;

/// The largest page.
const PER_PAGE: u64 = 100;

/// When GitHub began: 2007-10-01. Its first repository is of 2007-10-29.
const FIRST_SECOND: i64 = 1_191_196_800;

/// The highest number of stars that a slice asks for.
const MAX_STARS: u64 = 10_000_000;

/// All seconds and stars that the qualifiers allow until `now`.
pub(super) fn first_slice(qualifiers: &[(Qualifier, String)], now: i64) -> Result<Slice, Error> {
    let value = |wanted| {
        qualifiers
            .iter()
            .find(|(qualifier, _)| *qualifier == wanted)
            .map(|(_, value)| value.as_str())
    };
    let all = (FIRST_SECOND, now.max(FIRST_SECOND));
    let nothing = |name| Error::new(ErrorKind::Invalid, format!("the value of `{name}` leaves nothing"));
    let created = value(Qualifier::Created).map_or(Some(all), |text| {
        let (first, last) = bounds::seconds(text, all)?;
        let slice = (first.max(all.0), last.min(all.1));
        (slice.0 <= slice.1).then_some(slice)
    });
    let stars = value(Qualifier::Stars)
        .map(|text| bounds::numbers(text, MAX_STARS).ok_or_else(|| nothing("stars")))
        .transpose()?;
    Ok(Slice {
        created: Some(created.ok_or_else(|| nothing("created"))?),
        stars,
    })
}

/// A page of what `target` is.
pub(super) async fn page(api: &Api, target: &Target, slice: Slice, cursor: Option<&str>) -> Result<Listing, Error> {
    match target {
        Target::Search(qualifiers) => search(api, qualifiers, slice, cursor).await,
        Target::Owner(owner) => owned(api, owner, cursor).await,
        Target::Repository(name) => pages::single(api, api.url(&format!("repos/{name}"), &[])?).await,
    }
}

async fn search(
    api: &Api,
    qualifiers: &[(Qualifier, String)],
    slice: Slice,
    cursor: Option<&str>,
) -> Result<Listing, Error> {
    let page = match cursor {
        None => 1,
        Some(text) => text
            .parse::<u64>()
            .ok()
            .filter(|page| (2..=MAX_RESULTS / PER_PAGE).contains(page))
            .ok_or_else(|| Error::new(ErrorKind::Invalid, "a cursor of another listing"))?,
    };
    let text = search_text(qualifiers, slice)?;
    let (number, per_page) = (page.to_string(), PER_PAGE.to_string());
    // The order is one that seldom moves: a repository that moved to another page would be missed.
    let pairs = [
        ("q", text.as_str()),
        ("sort", "stars"),
        ("order", "desc"),
        ("per_page", &per_page),
        ("page", &number),
    ];
    let answer = api
        .ask(Resource::Search, api.url("search/repositories", &pairs)?)
        .await?;
    let body = answer.json()?;
    let list = body
        .get("items")
        .and_then(Value::as_array)
        .ok_or_else(|| answer.misshapen("items"))?;
    let total = decode::number(&body, "/total_count");
    let can_be_cut = slice.halves().is_some();
    if let Some(total) = total.filter(|total| *total > MAX_RESULTS && can_be_cut) {
        return Ok(Listing::TooMany { total });
    }
    let said = body.get("incomplete_results").and_then(Value::as_bool).unwrap_or(false);
    let listed = total
        .unwrap_or(if list.is_empty() { 0 } else { MAX_RESULTS })
        .min(MAX_RESULTS);
    let (repositories, skipped) = pages::entries(api, list);
    Ok(Listing::Page {
        repositories,
        skipped,
        total,
        incomplete: said || total.is_some_and(|total| total > MAX_RESULTS),
        next: (page * PER_PAGE < listed).then(|| (page + 1).to_string()),
    })
}

/// The text of a search. The slice has taken over `created` and `stars`.
fn search_text(qualifiers: &[(Qualifier, String)], slice: Slice) -> Result<String, Error> {
    let mut text = String::new();
    let mut add = |part: &str| {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(part);
    };
    let mut fork = "true";
    for (qualifier, value) in qualifiers {
        match qualifier {
            Qualifier::Q => add(value),
            Qualifier::Fork => fork = value,
            Qualifier::Created | Qualifier::Stars => {}
            _ if value.contains(char::is_whitespace) => add(&format!("{}:\"{value}\"", qualifier.name())),
            _ => add(&format!("{}:{value}", qualifier.name())),
        }
    }
    if fork != "false" {
        add(&format!("fork:{fork}"));
    }
    add("is:public");
    if let Some((first, last)) = slice.created {
        add(&format!("created:{}..{}", time(first)?, time(last)?));
    }
    if let Some((low, high)) = slice.stars {
        add(&format!("stars:{low}..{high}"));
    }
    Ok(text)
}

fn time(second: i64) -> Result<Timestamp, Error> {
    Timestamp::from_second(second)
        .map_err(|error| Error::new(ErrorKind::Invalid, "a slice outside of time").with_source(error))
}

/// The public repositories of a user or an organization: this path finds both. Creation is an order that does not move.
async fn owned(api: &Api, owner: &str, cursor: Option<&str>) -> Result<Listing, Error> {
    let pairs = [
        ("per_page", "100"),
        ("sort", "created"),
        ("direction", "asc"),
        ("page", "1"),
    ];
    pages::list(api, api.url(&format!("users/{owner}/repos"), &pairs)?, cursor, "page").await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listing::Query;

    fn text(query: &str) -> String {
        let query: Query = query.parse().unwrap();
        let Target::Search(qualifiers) = query.target() else {
            panic!("a search")
        };
        search_text(qualifiers, first_slice(qualifiers, 1_577_836_800).unwrap()).unwrap()
    }

    #[test]
    fn searches_in_githubs_words() {
        assert_eq!(
            text("github?language=Jupyter Notebook&stars=>500&topic=a&topic=b&q=parser in:name"),
            "language:\"Jupyter Notebook\" topic:a topic:b parser in:name fork:true is:public \
             created:2007-10-01T00:00:00Z..2020-01-01T00:00:00Z stars:501..10000000"
        );
        assert_eq!(
            text("github?fork=false&created=2012-01-01"),
            "is:public created:2012-01-01T00:00:00Z..2012-01-01T23:59:59Z"
        );
    }

    #[test]
    fn a_search_for_the_future_is_refused() {
        let query: Query = "github?created=>2030-01-01".parse().unwrap();
        let Target::Search(qualifiers) = query.target() else {
            panic!("a search")
        };
        assert_eq!(
            first_slice(qualifiers, 1_577_836_800).unwrap_err().kind(),
            ErrorKind::Invalid
        );
    }
}
