//! Headers that change the member after them: pax records and GNU long names.

use std::io::BufRead;

use super::failure::Failure;
use super::stream::TarStream;

/// The longest key of a pax record that is looked at, in bytes; those that matter have at most 18.
const MAX_KEY_BYTES: u64 = 64;

/// The most digits that the length of a record may have: those of the largest `u64`.
const MAX_DIGITS: usize = 20;

/// What overrides the header of the next member.
#[derive(Debug, Default)]
pub(super) struct Overrides {
    /// `path` of pax.
    pub(super) path: Option<Vec<u8>>,
    /// The long name of GNU.
    pub(super) long_name: Option<Vec<u8>>,
    /// `size` of pax.
    pub(super) size: Option<u64>,
    /// The name of a sparse file of GNU in pax form, whose path is that of a file for programs that do not know it.
    pub(super) sparse_name: Option<Vec<u8>>,
    /// Whether it is a sparse file in pax form.
    pub(super) sparse: bool,
}

impl Overrides {
    /// Takes over one record of pax.
    fn take(&mut self, key: &[u8], value: Vec<u8>) -> Result<(), Failure> {
        match key {
            b"path" => self.path = Some(value),
            b"size" => {
                let size = std::str::from_utf8(&value).ok().filter(|text| is_number(text));
                let size = size.and_then(|text| text.parse().ok());
                self.size = Some(size.ok_or_else(|| Failure::malformed("a pax size is no number"))?);
            }
            b"GNU.sparse.name" => self.sparse_name = Some(value),
            _ => {}
        }
        self.sparse |= key.starts_with(b"GNU.sparse.");
        Ok(())
    }
}

/// Reads the `size` bytes of a pax header about the next member. Of values that are wanted `keep` bytes are held.
pub(super) fn read_pax<R: BufRead>(
    stream: &mut TarStream<R>,
    size: u64,
    keep: usize,
    overrides: &mut Overrides,
) -> Result<(), Failure> {
    let wanted = |key: &[u8]| matches!(key, b"path" | b"size" | b"GNU.sparse.name");
    read_records(stream, size, keep, wanted, |key, value| overrides.take(key, value))
}

/// Reads the `size` bytes of a pax header about all that follows, of which `comment` alone is wanted: git's commit.
pub(super) fn read_comment<R: BufRead>(stream: &mut TarStream<R>, size: u64) -> Result<Option<Vec<u8>>, Failure> {
    /// An id of forty digits, and one that says that it is longer.
    const KEEP: usize = 41;
    let mut comment = None;
    read_records(
        stream,
        size,
        KEEP,
        |key| key == b"comment",
        |key, value| {
            if key == b"comment" {
                comment = Some(value);
            }
            // Others that read the archive would apply these to every member.
            if matches!(key, b"path" | b"size") || key.starts_with(b"GNU.sparse.") {
                return Err(Failure::malformed("a pax header gives all members one path or size"));
            }
            Ok(())
        },
    )?;
    Ok(comment)
}

/// Reads the `size` bytes of a long name of GNU, of which `keep` bytes are held.
pub(super) fn read_long_name<R: BufRead>(
    stream: &mut TarStream<R>,
    size: u64,
    keep: usize,
) -> Result<Vec<u8>, Failure> {
    let mut name = read_value(stream, size, keep)?;
    stream.pad(size)?;
    name.truncate(name.iter().position(|byte| *byte == 0).unwrap_or(name.len()));
    Ok(name)
}

/// Reads records `LENGTH KEY=VALUE\n`, where `LENGTH` counts the whole record (POSIX.1-2017, pax, "pax Header Block"), and
/// hands them to `take`: the key, cut off after some bytes, and the first `keep` bytes of the value, if `wanted`.
fn read_records<R: BufRead>(
    stream: &mut TarStream<R>,
    size: u64,
    keep: usize,
    wanted: impl Fn(&[u8]) -> bool,
    mut take: impl FnMut(&[u8], Vec<u8>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    stream.expect(size)?;
    let mut left = size;
    while left > 0 {
        let (length, digits) = read_length(stream, left)?;
        let mut rest = length - digits;
        left -= length;
        let mut key = Vec::new();
        loop {
            let byte = next_byte(stream, &mut rest)?;
            if byte == b'=' {
                break;
            }
            if (key.len() as u64) < MAX_KEY_BYTES {
                key.push(byte);
            }
        }
        let value = rest.checked_sub(1).ok_or_else(bad_record)?;
        let kept = if wanted(&key) { keep } else { 0 };
        take(&key, read_value(stream, value, kept)?)?;
        if stream.byte()? != b'\n' {
            return Err(bad_record());
        }
    }
    stream.pad(size)
}

/// The length of a record, and the bytes that stating it took, the space after it included.
fn read_length<R: BufRead>(stream: &mut TarStream<R>, left: u64) -> Result<(u64, u64), Failure> {
    let (mut text, mut unread) = (String::new(), left);
    loop {
        match next_byte(stream, &mut unread)? {
            b' ' => break,
            digit @ b'0'..=b'9' if text.len() < MAX_DIGITS => text.push(char::from(digit)),
            _ => return Err(bad_record()),
        }
    }
    let (length, digits) = (text.parse::<u64>(), left - unread);
    match length {
        Ok(length) if length > digits && length <= left => Ok((length, digits)),
        _ => Err(bad_record()),
    }
}

fn next_byte<R: BufRead>(stream: &mut TarStream<R>, left: &mut u64) -> Result<u8, Failure> {
    *left = left.checked_sub(1).ok_or_else(bad_record)?;
    stream.byte()
}

fn read_value<R: BufRead>(stream: &mut TarStream<R>, size: u64, keep: usize) -> Result<Vec<u8>, Failure> {
    let mut value = Vec::new();
    stream.pass(size, |piece| {
        let room = keep - value.len();
        value.extend_from_slice(&piece[..piece.len().min(room)]);
    })?;
    Ok(value)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn bad_record() -> Failure {
    Failure::malformed("a pax record is not well-formed")
}
