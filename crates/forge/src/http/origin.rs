//! Addresses: which are accepted, how they are shown, where a redirect may lead.

use codelupe_core::text::display_name;
use url::{Origin, Url};

use crate::error::{Error, ErrorKind};

/// The longest address in bytes.
const MAX_URL_BYTES: usize = 4096;

/// Reads an address of a forge or a repository: `http` or `https`, a host, no user, no password.
///
/// # Errors
/// `Invalid`, with the reason and without the address where it may hold a secret.
pub(crate) fn parse_url(text: &str) -> Result<Url, Error> {
    let invalid = |why: String| Err(Error::new(ErrorKind::Invalid, why));
    if text.len() > MAX_URL_BYTES {
        return invalid(format!("an address of {} bytes", text.len()));
    }
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => return invalid(format!("not a valid address: {error}")),
    };
    if !url.username().is_empty() || url.password().is_some() {
        let host = display_name(url.host_str().unwrap_or_default().as_bytes());
        return invalid(format!(
            "the address at {host} holds a user or a password; a token comes from the environment or a file"
        ));
    }
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return invalid(format!("{}: only http:// and https:// are fetched", shown(&url)));
    }
    Ok(url)
}

/// An address without user, query and fragment, on one line that is safe to print.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Addresses that cannot have a user have none.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    display_name(url.as_str().as_bytes())
}

/// Where a redirect from `from` leads: within the same origin, from http to https of the same host, or to the origin `also`.
///
/// # Errors
/// `Redirect` when it leads elsewhere or nowhere.
pub(super) fn redirect(from: &Url, location: &[u8], also: Option<&Origin>) -> Result<Url, Error> {
    let refused = |to: &str| {
        let why = format!("{} redirects to {to}", shown(from));
        Err(Error::new(ErrorKind::Redirect, why))
    };
    let Some(to) = std::str::from_utf8(location).ok().and_then(|text| from.join(text).ok()) else {
        return refused("nowhere");
    };
    let clean = to.username().is_empty() && to.password().is_none() && to.as_str().len() <= MAX_URL_BYTES;
    let upgraded = from.scheme() == "http"
        && to.scheme() == "https"
        && from.host() == to.host()
        && from.port().is_none()
        && to.port().is_none();
    if clean && (from.origin() == to.origin() || upgraded || also == Some(&to.origin())) {
        Ok(to)
    } else {
        refused(&shown(&to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_http_addresses_are_taken() {
        for good in [
            "https://example.org/a/b.git",
            "http://127.0.0.1:8080/x",
            "https://[::1]/x",
        ] {
            assert!(parse_url(good).is_ok(), "{good}");
        }
        for bad in [
            "ftp://example.org",
            "file:///etc/passwd",
            "https://",
            "x",
            "ext::sh -c id",
        ] {
            assert_eq!(parse_url(bad).unwrap_err().kind(), ErrorKind::Invalid, "{bad}");
        }
        let secret = parse_url("https://user:SECRET@example.org/a").unwrap_err();
        assert!(!format!("{secret:?}").contains("SECRET"), "{secret}");
    }

    #[test]
    fn redirects_stay_where_they_are() {
        let from = Url::parse("https://example.org/a/b?x=1").unwrap();
        let to = |location: &str| redirect(&from, location.as_bytes(), None).map(|url| url.to_string());
        assert_eq!(to("/c/d").unwrap(), "https://example.org/c/d");
        assert_eq!(to("https://example.org:443/c").unwrap(), "https://example.org/c");
        for bad in [
            "http://example.org/c",
            "https://example.com/",
            "https://example.org:444/",
            "http://169.254.169.254/latest/meta-data",
            "file:///etc/passwd",
            "//other.example/",
            "https://user@example.org/",
            "",
        ] {
            let refused = to(bad);
            assert!(
                bad.is_empty() || refused.unwrap_err().kind() == ErrorKind::Redirect,
                "{bad}"
            );
        }
        let plain = Url::parse("http://example.org/a").unwrap();
        assert!(redirect(&plain, b"https://example.org/a", None).is_ok());
        assert!(redirect(&plain, b"https://example.org:8443/a", None).is_err());
        assert!(redirect(&plain, b"\xff", None).is_err());
    }
}
