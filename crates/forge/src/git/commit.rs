//! The commit that a head names.

use crate::error::{Error, ErrorKind};
use crate::git::head::parse_id;
use crate::git::objects::{Failure, ObjectDatabase, ObjectKind};
use crate::limits::Limits;

/// What is read of a commit.
pub(super) struct Commit {
    pub(super) id: [u8; 20],
    pub(super) tree: [u8; 20],
    /// Seconds since the Unix epoch.
    pub(super) committed_at: Option<i64>,
}

/// The most tags that `HEAD` may go through to its commit.
const MAX_TAGS: usize = 5;

/// Reads the commit `head`, or the one that the tag `head` names, of the repository at `place`.
pub(super) fn read(
    objects: &mut dyn ObjectDatabase,
    head: [u8; 20],
    limits: &Limits,
    place: &str,
) -> Result<Commit, Error> {
    let corrupt = |id: &[u8; 20], why: &str| {
        let context = format!("{place}: commit {}: {why}", hex::encode(id));
        Err(Error::new(ErrorKind::Corrupt, context))
    };
    let mut id = head;
    let mut buffer = Vec::new();
    for _ in 0..=MAX_TAGS {
        let read = read_commit_or_tag(objects, &id, limits.max_tree_bytes, &mut buffer);
        let kind = match read {
            Ok(kind) => kind,
            Err(failure) => return corrupt(&id, &failure.to_string()),
        };
        let wanted: &[u8] = if kind == ObjectKind::Tag { b"object " } else { b"tree " };
        let Some(target) = header(&buffer, wanted).and_then(parse_id) else {
            return corrupt(&id, "its first header is not well-formed");
        };
        if kind == ObjectKind::Commit {
            let committed_at = header(&buffer, b"committer ").and_then(parse_time);
            return Ok(Commit {
                id,
                tree: target,
                committed_at,
            });
        }
        id = target;
    }
    corrupt(&head, "too many tags on the way to it")
}

fn read_commit_or_tag(
    objects: &mut dyn ObjectDatabase,
    id: &[u8; 20],
    limit: u64,
    buffer: &mut Vec<u8>,
) -> Result<ObjectKind, Failure> {
    match objects.kind(id)? {
        kind @ (ObjectKind::Commit | ObjectKind::Tag) => objects.read(id, kind, limit, buffer).map(|()| kind),
        other => Err(Failure::WrongKind(other)),
    }
}

/// The rest of the first header line that starts with `name`; headers end at the first empty line.
fn header<'a>(object: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let lines = object.split(|byte| *byte == b'\n').take_while(|line| !line.is_empty());
    lines.into_iter().find_map(|line| line.strip_prefix(name))
}

/// The seconds in `Name <mail> 1700000000 +0000`.
fn parse_time(person: &[u8]) -> Option<i64> {
    let mut words = person.rsplit(|byte| *byte == b' ');
    words.next()?;
    std::str::from_utf8(words.next()?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_end_at_the_empty_line() {
        let commit = b"tree aa\ncommitter A <a b@c> 1700000000 +0200\n\ntree bb\n";
        assert_eq!(header(commit, b"tree "), Some(&b"aa"[..]));
        assert_eq!(header(commit, b"committer ").and_then(parse_time), Some(1_700_000_000));
        assert_eq!(header(b"x\n\ntree bb\n", b"tree "), None);
        assert_eq!(parse_time(b"A <a@b> x +0000"), None);
        assert_eq!(parse_time(b""), None);
    }
}
