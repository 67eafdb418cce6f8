//! Which paths inside a repository are accepted.

use crate::Limits;

/// Whether `path`, relative to its repository and with `/` between segments, may go into the corpus.
///
/// Refused are absolute paths, paths of more than [`Limits::max_path_bytes`] bytes or more than [`Limits::max_depth`]
/// segments, and empty, `.`, `..` or `.git` segments (in any case, as git's own check has it: CVE-2014-9390).
/// Everything else is kept as the bytes it is, newlines and invalid UTF-8 among it: a path is never used as a file name
/// outside its repository.
pub fn is_good_path(path: &[u8], limits: &Limits) -> bool {
    path.len() <= limits.max_path_bytes
        && path.split(|byte| *byte == b'/').take(limits.max_depth + 1).count() <= limits.max_depth
        && path.split(|byte| *byte == b'/').all(is_good_segment)
}

/// Whether names inside the folder `path` would be deeper than [`Limits::max_depth`].
pub(crate) fn is_deepest(path: &[u8], limits: &Limits) -> bool {
    path.split(|byte| *byte == b'/').count() >= limits.max_depth
}

/// Whether `name` may be one segment of a path.
pub(crate) fn is_good_segment(name: &[u8]) -> bool {
    !matches!(name, b"" | b"." | b"..") && !name.eq_ignore_ascii_case(b".git") && !name.contains(&0)
}

/// `folder/name`, or `name` at the root, cut off after `limit` bytes so that a hostile name cannot fill the memory.
pub(crate) fn join(folder: &[u8], name: &[u8], limit: usize) -> Vec<u8> {
    let mut path = Vec::with_capacity((folder.len() + 1 + name.len()).min(limit));
    path.extend_from_slice(folder);
    if !folder.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(&name[..name.len().min(limit)]);
    path.truncate(limit);
    path
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_bad_ones_are_refused_and_the_odd_ones_kept() {
        let limits = Limits::default();
        for good in [
            &b"src/lib.rs"[..],
            b"a",
            b".gitignore",
            b".github/x",
            b"a\nb",
            b"esc\x1b]0;t\x07",
            b"\xff",
            b"back\\slash",
            b"C:\\x",
            b"...",
            b"-rf",
            b"CON",
            b"a/..b",
        ] {
            assert!(is_good_path(good, &limits), "{}", good.escape_ascii());
        }
        for bad in [
            &b""[..],
            b"/abs",
            b"a/",
            b"a//b",
            b".",
            b"..",
            b"a/../../x",
            b"./a",
            b".git",
            b"a/.GIT/hooks/x",
            b"a\0b",
        ] {
            assert!(!is_good_path(bad, &limits), "{}", bad.escape_ascii());
        }
        assert!(is_good_path(&[b'x'; 4096], &limits));
        assert!(!is_good_path(&[b'x'; 4097], &limits));
        assert!(is_good_path(
            "d/".repeat(63).as_bytes().strip_suffix(b"/").unwrap(),
            &limits
        ));
        assert!(is_good_path(format!("{}f", "d/".repeat(63)).as_bytes(), &limits));
        assert!(!is_good_path(format!("{}f", "d/".repeat(64)).as_bytes(), &limits));
    }

    proptest! {
        /// A good path, resolved segment by segment as a file system would, never leaves the folder it starts in.
        #[test]
        fn a_good_path_stays_inside(path in "[a./\\\\gitGIT\0-]{0,24}") {
            let limits = Limits::default();
            let mut depth = 0_i64;
            let mut lowest = 0;
            for segment in path.split('/') {
                depth += match segment { ".." => -1, "" | "." => 0, _ => 1 };
                lowest = lowest.min(depth);
            }
            let touches_git = path.split('/').any(|s| s.eq_ignore_ascii_case(".git"));
            let plain = !path.is_empty() && path.split('/').all(|s| !matches!(s, "" | "." | ".."));
            let expected = plain && !touches_git && !path.contains('\0');
            prop_assert_eq!(is_good_path(path.as_bytes(), &limits), expected);
            if expected {
                prop_assert!(lowest == 0 && !path.starts_with('/'));
            }
        }

        /// Joining segment by segment gives the path again, and never more than the limit.
        #[test]
        fn join_is_bounded(names in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..9), 1..6), limit in 1_usize..40) {
            let whole: Vec<u8> = names.join(&b'/');
            let joined = names.iter().fold(Vec::new(), |path, name| join(&path, name, limit));
            prop_assert_eq!(joined, &whole[..whole.len().min(limit)]);
        }
    }
}
