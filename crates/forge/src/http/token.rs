//! Tokens: each belongs to one origin and is never shown.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;
use url::{Origin, Url};

use crate::error::{Error, ErrorKind};

/// A secret that authenticates a user to a forge.
#[derive(Clone)]
pub struct Token {
    secret: String,
    origin: Origin,
}

impl Token {
    /// A token for the forge at `site`; it is sent nowhere else.
    ///
    /// # Errors
    /// `Invalid` when it is empty or could not stand in a header.
    pub fn new(secret: &str, site: &Url) -> Result<Self, Error> {
        let secret = secret.trim();
        if secret.is_empty() || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            let why = "a token is empty or holds other characters than letters, digits and signs";
            return Err(Error::new(ErrorKind::Invalid, why));
        }
        Ok(Self {
            secret: secret.to_owned(),
            origin: site.origin(),
        })
    }

    /// Whether it is sent to `url`.
    pub fn is_for(&self, url: &Url) -> bool {
        url.origin() == self.origin
    }

    /// `Authorization` for an API at `url`; nothing when that is not where the token belongs.
    pub(crate) fn bearer(&self, url: &Url) -> Option<HeaderValue> {
        self.header(url, format!("Bearer {}", self.secret))
    }

    /// `Authorization` for git at `url`; nothing when that is not where the token belongs.
    ///
    /// The user `x-access-token` is that of GitHub's documentation on tokens for git; GitLab and Gitea take any name.
    pub(crate) fn basic(&self, url: &Url) -> Option<HeaderValue> {
        self.header(
            url,
            format!("Basic {}", STANDARD.encode(format!("x-access-token:{}", self.secret))),
        )
    }

    fn header(&self, url: &Url, text: String) -> Option<HeaderValue> {
        let mut value = (url.origin() == self.origin).then(|| HeaderValue::try_from(text).ok())??;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_belongs_to_one_origin_and_is_not_shown() {
        let site = Url::parse("https://example.org/").unwrap();
        let token = Token::new(" SECRET\n", &site).unwrap();
        assert!(!format!("{token:?}").contains("SECRET"));
        let value = token.basic(&site.join("/a/b").unwrap()).unwrap();
        assert_eq!(value, "Basic eC1hY2Nlc3MtdG9rZW46U0VDUkVU");
        assert!(format!("{:?}", token.basic(&site)).contains("Sensitive"));
        for other in [
            "http://example.org/",
            "https://example.org:444/",
            "https://api.example.org/",
        ] {
            assert!(token.basic(&Url::parse(other).unwrap()).is_none(), "{other}");
        }
        assert!(Token::new("", &site).is_err() && Token::new("a\nb", &site).is_err());
    }
}
