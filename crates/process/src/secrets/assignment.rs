//! Values given to names such as `password`, `api_key` or `AWS_SECRET_ACCESS_KEY`.

use super::plausible::{entropy, is_placeholder, is_secret_value};

/// A quoted value after a telling name.
pub(super) const GENERIC: &str = "generic_secret";

/// The secret half of an AWS access key.
pub(super) const AWS: &str = "aws_secret_access_key";

/// Words in a name, in any case, that say its value is secret.
pub(super) const ANCHORS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "api_key",
    "apikey",
    "api-key",
    "access_key",
    "accesskey",
    "auth_key",
    "authkey",
    "private_key",
    "privatekey",
    "credential",
    "_pwd",
    "encryption_key",
];

/// The longest name, in bytes, before and after the word.
const MAX_NAME_BYTES: usize = 48;

/// What may stand between a name and its value at most, in bytes: spaces, a type, an operator.
const MAX_GAP_BYTES: usize = 40;

/// The longest value, in bytes.
const MAX_VALUE_BYTES: usize = 256;

/// Ends or parts of names whose value is not the secret but says something about it.
const ABOUT: [&str; 40] = [
    "hash",
    "checksum",
    "digest",
    "integrity",
    "sha1",
    "sha2",
    "sha5",
    "md5",
    "fingerprint",
    "public",
    "_name",
    "_type",
    "_id",
    "_file",
    "_path",
    "_url",
    "_uri",
    "_env",
    "_field",
    "_header",
    "_param",
    "_label",
    "_prefix",
    "_suffix",
    "_regex",
    "_pattern",
    "_length",
    "_format",
    "_text",
    "_hint",
    "_error",
    "_message",
    "_class",
    "tokenizer",
    "tokens",
    "_kind",
    "_arn",
    "_version",
    "_symbol",
    "_contract",
];

/// A value and what it is.
pub(super) struct Assigned {
    /// The kind.
    pub(super) kind: &'static str,
    /// Where the value starts.
    pub(super) start: usize,
    /// Where it ends.
    pub(super) end: usize,
}

/// The secret value that is given to the name around the word at `start..end`.
///
/// Accepts `name = "value"`, `"name": "value"`, `name: &str = "value"`, `name => 'value'`, `name := …`, `name == …`, and
/// without quotes `NAME=value` as in environment files, and `aws_secret_access_key = value`.
pub(super) fn secret(text: &str, start: usize, end: usize) -> Option<Assigned> {
    let bytes = text.as_bytes();
    let name_end = end + name_length(bytes[end..].iter());
    let gap = gap(&bytes[name_end..])?;
    let name_start = start - name_length(bytes[..start].iter().rev());
    let name = text[name_start..name_end].to_ascii_lowercase();
    // `AWS::ApiGateway::ApiKey` and `alias/aws/secret` name a kind of thing.
    let is_path = text[..name_start].ends_with([':', '/']);
    if is_path || ABOUT.iter().any(|part| name.contains(part)) {
        return None;
    }
    let value_start = name_end + gap.length;
    let value_end = value_start + value_length(&bytes[value_start..], gap.quote)?;
    let value = text.get(value_start..value_end)?;
    let kind = kind(&name, value);
    let found = Assigned {
        kind,
        start: value_start,
        end: value_end,
    };
    let is_constant = gap.tight
        && text[name_start..name_end]
            .bytes()
            .all(|byte| !byte.is_ascii_lowercase());
    let is_secret = match gap.quote {
        _ if kind == AWS => entropy(value) >= 3.3 && !is_placeholder(value),
        Some(_) => is_secret_value(value, is_password(&name)),
        None => is_constant && is_bare_secret(value),
    };
    is_secret.then_some(found)
}

fn kind(name: &str, value: &str) -> &'static str {
    let aws = name.contains("secret_access_key")
        || name.contains("secretaccesskey")
        || name.contains("aws") && name.contains("secret");
    let shape = value.len() == 40
        && value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'+'));
    if aws && shape { AWS } else { GENERIC }
}

fn is_password(name: &str) -> bool {
    ["passw", "passphrase", "_pwd"].iter().any(|word| name.contains(word))
}

/// Without quotes a value could be code: it must be long and look random.
fn is_bare_secret(value: &str) -> bool {
    let plain = value
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'_' | b'-'));
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    plain
        && value.len() >= 16
        && digits >= 2
        && entropy(value) >= 3.3
        && !is_placeholder(value)
        && is_secret_value(value, false)
}

fn name_length<'a>(bytes: impl Iterator<Item = &'a u8>) -> usize {
    bytes
        .take(MAX_NAME_BYTES)
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        .count()
}

struct Gap {
    length: usize,
    quote: Option<u8>,
    /// The operator follows the name and the value follows the operator, without blanks.
    tight: bool,
}

/// What stands between a name and its value: an optional closing quote or bracket, blanks, an optional type, an operator,
/// blanks, an optional string prefix and a quote.
fn gap(bytes: &[u8]) -> Option<Gap> {
    let window = &bytes[..bytes.len().min(MAX_GAP_BYTES)];
    let mut at = window
        .iter()
        .take_while(|byte| matches!(byte, b'"' | b'\'' | b']' | b'`'))
        .count()
        .min(2);
    let name_closed = at;
    at += blanks(&window[at..]);
    let operator = at;
    at += match window.get(at)? {
        b':' => 1 + usize::from(window.get(at + 1) == Some(&b'=')),
        b'=' => window[at..]
            .iter()
            .take(3)
            .take_while(|byte| matches!(byte, b'=' | b'>'))
            .count(),
        b'!' if window.get(at + 1) == Some(&b'=') => 2,
        _ => return None,
    };
    let after_operator = at;
    at += blanks(&window[at..]);
    at += annotation(&window[at..], window[operator]);
    let tight = name_closed == 0 && operator == 0 && at == after_operator;
    let prefix = window[at..]
        .iter()
        .take(2)
        .take_while(|byte| matches!(byte.to_ascii_lowercase(), b'r' | b'b' | b'f' | b'u' | b'@' | b'l'))
        .count();
    match window.get(at + prefix) {
        Some(&quote @ (b'"' | b'\'' | b'`')) => Some(Gap {
            length: at + prefix + 1,
            quote: Some(quote),
            tight,
        }),
        _ => Some(Gap {
            length: at,
            quote: None,
            tight,
        }),
    }
}

fn blanks(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

/// The length of a type and its `=` after a colon: `&str = `, `string = `, `Option<String> = `.
fn annotation(bytes: &[u8], operator: u8) -> usize {
    if operator != b':' {
        return 0;
    }
    let is_type = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'&' | b'_' | b'<' | b'>' | b' ' | b':' | b'?' | b'*')
    };
    let length = bytes.iter().take_while(|byte| is_type(byte)).count();
    // The lifetime quote of `&'static str`.
    let lifetime = bytes[length..]
        .strip_prefix(b"'static str")
        .map_or(length, |_| length + 11);
    let end = lifetime + blanks(&bytes[lifetime..]);
    if bytes.get(end) == Some(&b'=') {
        end + 1 + blanks(&bytes[end + 1..])
    } else {
        0
    }
}

/// The length of a quoted value up to its quote on the same line, or of a bare one.
fn value_length(bytes: &[u8], quote: Option<u8>) -> Option<usize> {
    let window = &bytes[..bytes.len().min(MAX_VALUE_BYTES)];
    let Some(quote) = quote else {
        let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b';' | b',' | b'#' | b'`');
        return Some(window.iter().position(ends).unwrap_or(window.len()));
    };
    let end = window
        .iter()
        .position(|byte| *byte == quote || matches!(byte, b'\n' | b'\r'))?;
    (window[end] == quote).then_some(end)
}
