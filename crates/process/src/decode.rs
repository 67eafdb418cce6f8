//! Bytes to text: LFS pointers, binary content, encodings.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use codelupe_core::Reason;
use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use memchr::memmem;

/// The first line of a Git LFS pointer (Git LFS specification).
const LFS_VERSION: &[u8] = b"version https://git-lfs.github.com/spec/v1";
/// Pointers are smaller than this, in bytes (Git LFS specification).
const LFS_MAX_BYTES: usize = 1024;
/// How much of a file the encoding is guessed from, in bytes.
const GUESS_SCOPE: usize = 256 * 1024;
/// Largest share of characters that are U+FFFD, the mark of an earlier lossy conversion (`RefineCode`).
const MAX_REPLACEMENT_SHARE: f64 = 0.01;

/// Content as text, with how it was encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded<'c> {
    /// The text without byte order mark; borrowed when the content was UTF-8.
    pub text: Cow<'c, str>,
    /// The name of the encoding in the WHATWG Encoding Standard.
    pub encoding: &'static str,
}

/// Turns content into text without loss.
///
/// UTF-8 is taken as it is, UTF-16 by its byte order mark, anything else by a guess that must survive the way back.
/// More than `max_control_share` of control bytes, or any NUL outside UTF-16, is binary.
///
/// # Errors
/// The reason to drop the file: empty, LFS pointer, binary or bad encoding.
pub fn decode(content: &[u8], max_control_share: f64) -> Result<Decoded<'_>, Reason> {
    if content.is_empty() {
        return Err(Reason::Empty);
    }
    if content.len() < LFS_MAX_BYTES && content.starts_with(LFS_VERSION) {
        return Err(Reason::LfsPointer);
    }
    let decoded = match content {
        [0xff, 0xfe, 0, 0, ..] => return Err(Reason::BadEncoding), // UTF-32
        [0xff, 0xfe, rest @ ..] => utf16(UTF_16LE, rest)?,
        [0xfe, 0xff, rest @ ..] => utf16(UTF_16BE, rest)?,
        _ => single_byte_units(content, max_control_share)?,
    };
    if decoded.text.is_empty() {
        return Err(Reason::Empty);
    }
    if has_many_replacements(&decoded.text) {
        return Err(Reason::BadEncoding);
    }
    Ok(decoded)
}

fn utf16<'c>(encoding: &'static Encoding, rest: &'c [u8]) -> Result<Decoded<'c>, Reason> {
    let text = encoding
        .decode_without_bom_handling_and_without_replacement(rest)
        .ok_or(Reason::BadEncoding)?;
    if memchr::memchr(0, text.as_bytes()).is_some() {
        return Err(Reason::Binary);
    }
    Ok(Decoded {
        text,
        encoding: encoding.name(),
    })
}

fn single_byte_units(content: &[u8], max_control_share: f64) -> Result<Decoded<'_>, Reason> {
    // git looks for NUL in the first 8,000 bytes only; a later one is no more text than an early one.
    if memchr::memchr(0, content).is_some() || control_bytes(content) as f64 > max_control_share * content.len() as f64
    {
        return Err(Reason::Binary);
    }
    let rest = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    match std::str::from_utf8(rest) {
        Ok(text) => Ok(Decoded {
            text: Cow::Borrowed(text),
            encoding: "UTF-8",
        }),
        Err(_) => guess(content),
    }
}

/// Control bytes other than tab, line feed, vertical tab, form feed, carriage return.
fn control_bytes(content: &[u8]) -> usize {
    // Sums of 255 bytes fit a byte, which lets the compiler count many at once.
    let is_control = |byte: u8| u8::from((byte < 0x20 && byte.wrapping_sub(0x09) > 0x04) || byte == 0x7f);
    content
        .chunks(255)
        .map(|chunk| usize::from(chunk.iter().map(|byte| is_control(*byte)).sum::<u8>()))
        .sum()
}

fn guess(content: &[u8]) -> Result<Decoded<'_>, Reason> {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(&content[..content.len().min(GUESS_SCOPE)], true);
    let encoding = detector.guess(None, Utf8Detection::Deny);
    let text = encoding
        .decode_without_bom_handling_and_without_replacement(content)
        .ok_or(Reason::BadEncoding)?;
    // No text holds C1 controls; windows-1252 maps bytes that it does not define to them.
    if text.chars().any(|c| ('\u{80}'..='\u{9f}').contains(&c)) {
        return Err(Reason::BadEncoding);
    }
    let (back, _, lossy) = encoding.encode(&text);
    if lossy || *back != *content {
        return Err(Reason::BadEncoding);
    }
    Ok(Decoded {
        text,
        encoding: encoding.name(),
    })
}

fn has_many_replacements(text: &str) -> bool {
    let mut replacements = memmem::find_iter(text.as_bytes(), "\u{fffd}".as_bytes()).peekable();
    replacements.peek().is_some() && replacements.count() as f64 > MAX_REPLACEMENT_SHARE * text.chars().count() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(content: &[u8], expected: Result<(&str, &str), Reason>) {
        let decoded = decode(content, 0.01);
        let shown = decoded
            .as_ref()
            .map(|decoded| (decoded.text.as_ref(), decoded.encoding))
            .map_err(|reason| *reason);
        assert_eq!(shown, expected, "{}", String::from_utf8_lossy(content));
    }

    #[test]
    fn contents_that_are_text() {
        check(b"fn main() {}\n", Ok(("fn main() {}\n", "UTF-8")));
        check("\u{feff}größe\n".as_bytes(), Ok(("größe\n", "UTF-8")));
        check(b"\xff\xfea\0\xe4\0\n\0", Ok(("aä\n", "UTF-16LE")));
        check(b"\xfe\xff\0a\0\xe4", Ok(("aä", "UTF-16BE")));
        check(
            b"// Gr\xf6\xdfe und L\xe4nge, f\xfcr alle\n",
            Ok(("// Größe und Länge, für alle\n", "windows-1252")),
        );
        // "Привет, мир" and "こんにちは世界" in legacy encodings.
        check(
            b"\xcf\xf0\xe8\xe2\xe5\xf2, \xec\xe8\xf0, \xfd\xf2\xee \xf2\xe5\xea\xf1\xf2",
            Ok(("Привет, мир, это текст", "windows-1251")),
        );
        check(
            b"\x82\xb1\x82\xf1\x82\xc9\x82\xbf\x82\xcd\x90\xa2\x8a\x45",
            Ok(("こんにちは世界", "Shift_JIS")),
        );
    }

    #[test]
    fn contents_that_are_not() {
        check(b"", Err(Reason::Empty));
        check(b"\xef\xbb\xbf", Err(Reason::Empty));
        check(b"\xff\xfe", Err(Reason::Empty));
        check(
            b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 1\n",
            Err(Reason::LfsPointer),
        );
        check(b"int main\0", Err(Reason::Binary));
        let mut late = vec![b'x'; 20_000];
        late.push(0);
        check(&late, Err(Reason::Binary));
        check(b"\x01\x02\x03\x04 abc", Err(Reason::Binary));
        check(b"\xff\xfea\0b", Err(Reason::BadEncoding));
        check(b"\xff\xfe\0\xd8a\0", Err(Reason::BadEncoding));
        check(b"\xff\xfe\0\0a\0\0\0", Err(Reason::BadEncoding));
        check("\u{fffd}\u{fffd}abc".as_bytes(), Err(Reason::BadEncoding));
    }

    #[test]
    fn a_few_escapes_do_not_make_a_file_binary() {
        let text = format!("{}\x1b[0m", "printf 'hello'\n".repeat(20));
        check(text.as_bytes(), Ok((&text, "UTF-8")));
    }
}
