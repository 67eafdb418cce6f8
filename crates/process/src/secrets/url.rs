//! Passwords in URLs: `postgres://user:password@host`.

use super::plausible::is_placeholder;

/// The anchor.
pub(super) const ANCHOR: &str = "://";

/// A URL of a database, queue or cache.
pub(super) const DATABASE: &str = "database_url";

/// Any other URL with a password.
pub(super) const CREDENTIALS: &str = "url_credentials";

const DATABASES: [&str; 14] = [
    "postgres",
    "postgresql",
    "mysql",
    "mariadb",
    "mongodb",
    "mongodb+srv",
    "redis",
    "rediss",
    "amqp",
    "amqps",
    "mssql",
    "sqlserver",
    "clickhouse",
    "cockroachdb",
];

/// The longest part between `://` and `@`, in bytes.
const MAX_USERINFO_BYTES: usize = 256;

/// Words that stand for a password in documentation.
const STAND_INS: [&str; 12] = [
    "password", "passwd", "pass", "pwd", "secret", "user", "postgres", "root", "admin", "guest", "token", "pw",
];

/// Where the `@` of the URL is whose `://` is at `at`, when it names a user.
pub(super) fn userinfo_end(text: &str, at: usize) -> Option<usize> {
    let start = at + ANCHOR.len();
    let bytes = text.as_bytes();
    let window = &bytes[start..bytes.len().min(start + MAX_USERINFO_BYTES)];
    let end = window.iter().position(|byte| ends_userinfo(*byte))?;
    (window[end] == b'@').then_some(start + end)
}

/// Whether the text from a `://` shortly before up to `at` is a part of the userinfo of a URL.
pub(super) fn is_userinfo(text: &str, at: usize) -> bool {
    let before = text[..at]
        .bytes()
        .rev()
        .take(MAX_USERINFO_BYTES)
        .take_while(|byte| !ends_userinfo(*byte))
        .count();
    text[..at - before].ends_with(ANCHOR)
}

fn ends_userinfo(byte: u8) -> bool {
    matches!(
        byte,
        b'@' | b'/' | b'?' | b'#' | b'"' | b'\'' | b'`' | b'<' | b'>' | b'(' | b')'
    ) || byte.is_ascii_whitespace()
}

/// The password between the `://` at `at` and the `@` at `end`: kind and start. It ends at `end`. Placeholders, references and
/// words such as `password` are none.
pub(super) fn password(text: &str, at: usize, end: usize) -> Option<(&'static str, usize)> {
    let userinfo = &text[at + ANCHOR.len()..end];
    let (user, value) = userinfo.split_once(':')?;
    let stands_in = value.len() < 3
        || value == user
        || STAND_INS.iter().any(|word| value.eq_ignore_ascii_case(word))
        || userinfo.contains(['{', '}', '$', '[', ']'])
        || is_placeholder(value);
    (!stands_in).then(|| (kind(&text[..at]), end - value.len()))
}

fn kind(before: &str) -> &'static str {
    let bytes = before.as_bytes();
    let length = bytes
        .iter()
        .rev()
        .take(24)
        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'+')
        .count();
    let scheme = before[before.len() - length..].to_ascii_lowercase();
    if DATABASES.contains(&scheme.as_str()) {
        DATABASE
    } else {
        CREDENTIALS
    }
}
