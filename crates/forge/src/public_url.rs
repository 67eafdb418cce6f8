//! The address of a repository as its own files give it, made fit to be stored and printed.

/// The longest address that is taken over, in bytes.
const MAX_URL_BYTES: usize = 2048;

/// The address without user, password, query and fragment; `None` when it is a path, has a form in which credentials
/// could hide, or could not be printed safely.
pub(crate) fn public_url(url: &[u8]) -> Option<String> {
    let url = std::str::from_utf8(url).ok()?;
    if url.len() > MAX_URL_BYTES || url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return None;
    }
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest.split(['?', '#']).next()?),
        None => (None, url),
    };
    let end = if scheme.is_some() {
        rest.find('/')
    } else {
        rest.find(':')
    }?;
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit('@').next()?;
    let host_is_plain = match (scheme, host.split_once(':')) {
        (Some("https" | "http" | "ssh" | "git"), Some((host, port))) => {
            is_host(host) && port.bytes().all(|b| b.is_ascii_digit())
        }
        (Some("https" | "http" | "ssh" | "git") | None, None) => is_host(host),
        _ => false,
    };
    // An `@` or `:` behind the host may be the rest of a password that holds a slash.
    let path_is_plain = !path.contains('@') && !path[1..].contains(':');
    (host_is_plain && path_is_plain && path.len() > 1).then(|| match scheme {
        Some(scheme) => format!("{scheme}://{host}{path}"),
        None => format!("{host}{path}"),
    })
}

fn is_host(host: &str) -> bool {
    host.len() > 1
        && host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_lose_their_credentials() {
        let check =
            |url: &str, expected: Option<&str>| assert_eq!(public_url(url.as_bytes()).as_deref(), expected, "{url}");
        check("https://example.org/a/b.git", Some("https://example.org/a/b.git"));
        check("https://user:TOKEN@example.org/a/b", Some("https://example.org/a/b"));
        check(
            "https://TOKEN@example.org:8443/a/b",
            Some("https://example.org:8443/a/b"),
        );
        check("https://u:p@TOKEN@example.org/a", Some("https://example.org/a"));
        check("https://example.org/a?token=TOKEN#TOKEN", Some("https://example.org/a"));
        check("git@example.org:a/b.git", Some("example.org:a/b.git"));
        check("ssh://git@example.org/a/b", Some("ssh://example.org/a/b"));
        // A slash in a password, unescaped.
        check("https://user:TO/KEN@example.org/a", None);
        check("https://user:12/KEN@example.org/a", None);
        check("https://example.org", None);
        check("/srv/git/a.git", None);
        check("../a", None);
        check("file:///srv/a", None);
        check("ext::sh -c TOKEN", None);
        check("ext::TOKEN", None);
        check("https://example.org/\u{1b}[0m", None);
        check("", None);
        check("x", None);
        check("C:\\a", None);
    }

    proptest! {
        #[test]
        fn no_user_part_survives(user in "[A-Za-z0-9:@/?#%.]{0,12}", path in "[a-z/]{1,8}") {
            let url = format!("https://{user}SECRET@example.org/{path}");
            if let Some(shown) = public_url(url.as_bytes()) {
                prop_assert!(!shown.contains("SECRET"), "{} -> {}", url, shown);
            }
        }
    }
}
