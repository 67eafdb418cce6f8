//! `Link: <…>; rel="next"` (RFC 8288), followed only where it leads on.

use url::Url;

use super::api::{Answer, Api};
use crate::error::{Error, ErrorKind};
use crate::http::shown;

/// The most links that are looked at.
const MAX_LINKS: usize = 16;

/// The address of the page after `answer`, which was asked for at `asked`.
///
/// It has to lie within the API, and the number of `counter` in its query has to be higher than that of this page, so that
/// a listing ends. A link that does neither is the end of it.
pub(super) fn next(api: &Api, answer: &Answer, asked: &Url, counter: &str) -> Option<String> {
    let text = answer.header("link")?;
    let next = asked.join(target(text)?).ok()?;
    if is_within(api, &next) && number(&next, counter) > number(asked, counter) {
        return Some(next.into());
    }
    tracing::warn!(
        from = shown(asked),
        to = shown(&next),
        "a link to the next page is not followed"
    );
    None
}

/// The address that a cursor is.
///
/// # Errors
/// `Invalid` when it does not lie within the API.
pub(super) fn cursor(api: &Api, cursor: &str) -> Result<Url, Error> {
    match Url::parse(cursor) {
        Ok(url) if is_within(api, &url) => Ok(url),
        _ => Err(Error::new(ErrorKind::Invalid, "a cursor of another listing")),
    }
}

fn is_within(api: &Api, url: &Url) -> bool {
    let base = api.site().api();
    let is_clean = url.username().is_empty() && url.password().is_none() && url.as_str().len() <= 4096;
    is_clean && url.origin() == base.origin() && url.path().starts_with(base.path())
}

fn number(url: &Url, name: &str) -> Option<u64> {
    url.query_pairs().find(|(key, _)| key == name)?.1.parse().ok()
}

fn target(text: &str) -> Option<&str> {
    text.split(',').take(MAX_LINKS).find_map(|link| {
        let (address, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = parameters
            .split(';')
            .any(|parameter| matches!(parameter.trim(), "rel=\"next\"" | "rel=next"));
        is_next.then_some(address)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_link_of_several() {
        let text =
            r#"<https://x/?page=1>; rel="prev", <https://x/?page=3>; rel="next", <https://x/?page=9>; rel="last""#;
        assert_eq!(target(text), Some("https://x/?page=3"));
        assert_eq!(target("<a>;title=x; rel=next"), Some("a"));
        for none in ["", "<", "<a>", "a; rel=\"next\"", "<a>; rel=\"last\"", ">;<rel=next"] {
            assert_eq!(target(none), None, "{none}");
        }
    }
}
