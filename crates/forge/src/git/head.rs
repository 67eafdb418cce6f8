//! Finding the object that `HEAD` names.

use crate::error::{Error, ErrorKind};
use crate::git::layout::GitFolder;

/// The largest `HEAD` or loose reference in bytes; a reference name has at most 4096.
const MAX_REFERENCE_BYTES: u64 = 8192;

/// The largest `packed-refs` in bytes, room for some million references.
const MAX_PACKED_REFS_BYTES: u64 = 128 << 20;

/// The most references that name another one; git's `SYMREF_MAXDEPTH` is 5.
const MAX_SYMBOLIC: usize = 5;

/// Follows `HEAD` to an object id; `None` when its branch has no commit yet.
///
/// # Errors
/// `HEAD` is missing or malformed, a reference lies behind a link, or ids are SHA-256.
pub(crate) fn resolve(folder: &GitFolder) -> Result<Option<[u8; 20]>, Error> {
    let mut content = folder
        .read_small("HEAD", MAX_REFERENCE_BYTES)?
        .ok_or_else(|| folder.error(ErrorKind::Corrupt, "HEAD is missing"))?;
    for _ in 0..=MAX_SYMBOLIC {
        let text = content.trim_ascii();
        let Some(name) = text.strip_prefix(b"ref:").map(<[u8]>::trim_ascii) else {
            return match parse_id(text) {
                Some(id) => Ok(Some(id)),
                None if text.len() == 64 => Err(folder.error(ErrorKind::Unsupported, "SHA-256 object ids")),
                None => Err(folder.error(ErrorKind::Corrupt, "HEAD or its branch is not well-formed")),
            };
        };
        let name = reference_name(name)
            .ok_or_else(|| folder.error(ErrorKind::Corrupt, "HEAD does not name a branch below refs/"))?;
        content = match folder.read_reference(name, MAX_REFERENCE_BYTES)? {
            Some(content) => content,
            None => match find_packed(folder, name.as_bytes())? {
                Some(content) => content,
                None => return Ok(None),
            },
        };
    }
    Err(folder.error(ErrorKind::Corrupt, "references go in a circle"))
}

/// An id from forty hexadecimal digits.
pub(crate) fn parse_id(text: &[u8]) -> Option<[u8; 20]> {
    let mut id = [0; 20];
    hex::decode_to_slice(text, &mut id).ok().map(|()| id)
}

/// A name below `refs/` that cannot leave it.
fn reference_name(name: &[u8]) -> Option<&str> {
    let name = std::str::from_utf8(name).ok()?;
    let inside = name.starts_with("refs/") && !name.contains('\0');
    (inside && name.split('/').all(|segment| !matches!(segment, "" | "." | ".."))).then_some(name)
}

/// The id in the line `id name` of `packed-refs`.
fn find_packed(folder: &GitFolder, name: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    let packed = folder
        .read_small("packed-refs", MAX_PACKED_REFS_BYTES)?
        .unwrap_or_default();
    let mut lines = packed.split(|byte| *byte == b'\n');
    Ok(lines.find_map(|line| {
        let id = line.strip_suffix(name)?.strip_suffix(b" ")?;
        Some(id.to_vec())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reference_names_stay_below_refs() {
        assert_eq!(reference_name(b"refs/heads/main"), Some("refs/heads/main"));
        for bad in [
            &b"HEAD"[..],
            b"/etc/passwd",
            b"refs/../config",
            b"refs//x",
            b"refs/",
            b"refs/\xff",
        ] {
            assert_eq!(reference_name(bad), None, "{}", bad.escape_ascii());
        }
    }

    #[test]
    fn ids_are_forty_digits() {
        assert!(parse_id(&[b'a'; 40]).is_some());
        assert!(parse_id(&[b'a'; 39]).is_none() && parse_id(&[b'a'; 64]).is_none() && parse_id(&[b'g'; 40]).is_none());
    }
}
