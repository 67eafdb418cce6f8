//! Private keys in PEM and PGP armor.

/// The kind of every private key block.
pub(super) const KIND: &str = "private_key";

/// The anchor.
pub(super) const ANCHOR: &str = "-----BEGIN ";

/// The longest body that is overwritten, in bytes: an RSA key of 16,384 bits has 12.6 KB.
const MAX_BODY_BYTES: usize = 32 * 1024;

/// A body with fewer base64 characters is a fragment in a test or a document.
const MIN_BODY_CHARACTERS: usize = 32;

/// The body of the private key block whose header starts at the anchor: the range after `-----` of the header up to the
/// `-----END`, or as far as the body goes. `None` for certificates and public keys.
///
/// Lines may be joined by `\n` escapes or by quotes and plus signs, as in source code.
pub(super) fn body(text: &str, at: usize) -> Option<(usize, usize)> {
    let rest = &text[at + ANCHOR.len()..];
    let label_end = rest.bytes().take(64).position(|byte| byte == b'-')?;
    let label = &rest[..label_end];
    let is_private = label.ends_with("PRIVATE KEY") || label.ends_with("PRIVATE KEY BLOCK");
    if !is_private || !rest[label_end..].starts_with("-----") {
        return None;
    }
    let start = at + ANCHOR.len() + label_end + 5;
    let length = body_length(&text.as_bytes()[start..]);
    let end = start + length;
    let characters = text.as_bytes()[start..end]
        .iter()
        .filter(|byte| byte.is_ascii_alphanumeric());
    (characters.count() >= MIN_BODY_CHARACTERS).then_some((start, end))
}

fn body_length(bytes: &[u8]) -> usize {
    let limit = bytes.len().min(MAX_BODY_BYTES);
    let is_body = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'+' | b'/'
                    | b'='
                    | b'\r'
                    | b'\n'
                    | b' '
                    | b'\t'
                    | b'\\'
                    | b'"'
                    | b'\''
                    | b','
                    | b':'
                    | b'-'
                    | b'.'
                    | b'*'
                    | b'#'
                    | b'('
                    | b')'
                    | b'@'
                    | b'<'
                    | b'>'
            )
    };
    let mut at = 0;
    while at < limit && is_body(bytes[at]) && !bytes[at..].starts_with(b"-----") {
        at += 1;
    }
    if at < limit && bytes[at..].starts_with(b"-----") {
        return at;
    }
    // No end in sight: only the lines that are pure base64.
    let is_base64 =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'\r' | b'\n' | b'\\');
    bytes[..at].iter().position(|byte| !is_base64(byte)).unwrap_or(at)
}
