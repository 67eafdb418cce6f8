//! E-mail addresses and public IPv4 addresses.

use core::net::Ipv4Addr;

use super::url;

/// The kind of an e-mail address.
pub(super) const EMAIL: &str = "email";

/// The kind of an IPv4 address.
pub(super) const IP_ADDRESS: &str = "ip_address";

/// The longest local part and the longest domain (RFC 5321, section 4.5.3.1).
const MAX_LOCAL_BYTES: usize = 64;
const MAX_DOMAIN_BYTES: usize = 255;

/// Last labels that are file endings, not top-level domains: `icon@2x.png`, `pkg@file.js`.
const FILE_ENDINGS: [&str; 40] = [
    "png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "js", "mjs", "cjs", "ts", "tsx", "jsx", "css", "scss", "less",
    "html", "json", "yml", "yaml", "toml", "xml", "txt", "lock", "py", "rb", "go", "java", "cpp", "hpp", "cc", "php",
    "dll", "exe", "jar", "zip", "service", "conf", "log", "vue",
];

/// Domains and last labels that are reserved or stand for anyone (RFC 2606, RFC 6761), and local ones.
const RESERVED_DOMAINS: [&str; 20] = [
    "example.com",
    "example.org",
    "example.net",
    "example.edu",
    "test.com",
    "domain.com",
    "email.com",
    "company.com",
    "yourdomain.com",
    "mydomain.com",
    "foo.com",
    "bar.com",
    "acme.com",
    "acme.org",
    "foo.bar",
    "localhost",
    "a.com",
    "b.com",
    "x.com",
    "corp.com",
];
const RESERVED_ENDINGS: [&str; 10] = [
    ".example",
    ".test",
    ".invalid",
    ".localhost",
    ".local",
    ".example.com",
    ".example.org",
    ".example.net",
    ".internal",
    ".lan",
];

/// Local parts that name no person.
const NOBODY: [&str; 12] = [
    "git",
    "noreply",
    "no-reply",
    "donotreply",
    "do-not-reply",
    "hg",
    "svn",
    "user",
    "username",
    "example",
    "test",
    "postmaster",
];

/// Calls `each` with the range of every e-mail address in `text`.
///
/// The `@` of a URL with a user (`postgres://app:x@host`) does not make one.
pub(super) fn for_each_email(text: &str, mut each: impl FnMut(usize, usize)) {
    for at in memchr::memchr_iter(b'@', text.as_bytes()) {
        if let Some((start, end)) = email(text, at)
            && !url::is_userinfo(text, start)
        {
            each(start, end);
        }
    }
}

/// The range of the address around the `@` at `at`.
///
/// Reserved and local domains, addresses of nobody (`git@`, `noreply@`), versions (`pkg@1.2.3`) and file names are none.
fn email(text: &str, at: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let is_local = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-');
    let local = bytes[..at]
        .iter()
        .rev()
        .take(MAX_LOCAL_BYTES + 1)
        .take_while(|byte| is_local(byte))
        .count();
    let is_domain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let domain = bytes[at + 1..]
        .iter()
        .take(MAX_DOMAIN_BYTES)
        .take_while(|byte| is_domain(byte))
        .count();
    if local == 0 || local > MAX_LOCAL_BYTES || domain < 4 {
        return None;
    }
    let mut start = at - local;
    // `\n` before an address in a string: the letter belongs to the escape.
    if start > 0 && bytes[start - 1] == b'\\' {
        start += 1;
    }
    let local = text[start..at].trim_start_matches(['.', '-', '%', '+']);
    let domain = text[at + 1..at + 1 + domain].trim_end_matches(['.', '-']);
    let is_address = !local.is_empty()
        && !local.ends_with('.')
        && is_public_domain(domain)
        && !NOBODY.contains(&local.to_ascii_lowercase().as_str());
    is_address.then(|| (at - local.len(), at + 1 + domain.len()))
}

fn is_public_domain(domain: &str) -> bool {
    let lower = domain.to_ascii_lowercase();
    let Some((_, last)) = lower.rsplit_once('.') else {
        return false;
    };
    let is_top_level = (2..=18).contains(&last.len())
        && last.bytes().all(|byte| byte.is_ascii_lowercase())
        && !FILE_ENDINGS.contains(&last);
    is_top_level
        && lower
            .split('.')
            .all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'))
        && !RESERVED_DOMAINS.contains(&lower.as_str())
        && !RESERVED_ENDINGS.iter().any(|ending| lower.ends_with(ending))
}

/// Addresses of public name servers, which say nothing about anybody.
const NAME_SERVERS: [Ipv4Addr; 12] = [
    Ipv4Addr::new(8, 8, 8, 8),
    Ipv4Addr::new(8, 8, 4, 4),
    Ipv4Addr::new(1, 1, 1, 1),
    Ipv4Addr::new(1, 0, 0, 1),
    Ipv4Addr::new(9, 9, 9, 9),
    Ipv4Addr::new(149, 112, 112, 112),
    Ipv4Addr::new(208, 67, 222, 222),
    Ipv4Addr::new(208, 67, 220, 220),
    Ipv4Addr::new(4, 2, 2, 1),
    Ipv4Addr::new(4, 2, 2, 2),
    Ipv4Addr::new(114, 114, 114, 114),
    Ipv4Addr::new(223, 5, 5, 5),
];

/// Numbers under this in all four places are a version (`4.0.30.1`), and not an address: 1 in 4,096 addresses is like that.
const VERSION_LIMIT: u8 = 32;

/// Calls `each` with the range of every public IPv4 address in `text`.
///
/// Private, local, shared, reserved, documentation and multicast ranges, name servers and version numbers are none.
pub(super) fn for_each_ip_address(text: &str, mut each: impl FnMut(usize, usize)) {
    let bytes = text.as_bytes();
    let mut free_from = 0;
    for dot in memchr::memchr_iter(b'.', bytes) {
        let is_inner = dot > 0 && bytes[dot - 1].is_ascii_digit() && bytes.get(dot + 1).is_some_and(u8::is_ascii_digit);
        if !is_inner || dot < free_from {
            continue;
        }
        let start = dot
            - bytes[..dot]
                .iter()
                .rev()
                .take(4)
                .take_while(|byte| byte.is_ascii_digit())
                .count();
        let length = bytes[start..]
            .iter()
            .take(32)
            .take_while(|byte| byte.is_ascii_digit() || **byte == b'.')
            .count();
        free_from = start + length;
        if is_free_standing(bytes, start, free_from)
            && let Some(address) = parse(text[start..free_from].trim_end_matches('.'))
            && is_public(address)
            && !follows_version(&text[..start])
        {
            let end = start + text[start..free_from].trim_end_matches('.').len();
            each(start, end);
        }
    }
}

fn is_free_standing(bytes: &[u8], start: usize, end: usize) -> bool {
    let joins = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let before = start == 0 || !joins(&bytes[start - 1]);
    let after = bytes
        .get(end)
        .is_none_or(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')));
    before && after
}

fn parse(text: &str) -> Option<Ipv4Addr> {
    if !(7..=15).contains(&text.len()) {
        return None;
    }
    text.parse().ok()
}

fn is_public(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || a == 100 && (64..128).contains(&b)
        || a == 198 && matches!(b, 18 | 19)
        || a == 192 && b == 0 && c == 0
        || a == 255;
    let version = address.octets().iter().all(|octet| *octet < VERSION_LIMIT);
    !special && !version && !NAME_SERVERS.contains(&address)
}

/// Whether `version` stands shortly before.
fn follows_version(before: &str) -> bool {
    let window = &before[before.ceil_char_boundary(before.len().saturating_sub(24))..];
    window.to_ascii_lowercase().contains("version")
}
