//! Names for what is being written in a folder that many processes share.

use std::sync::atomic::{AtomicU64, Ordering};

/// A name that no other writer uses: `KIND-PROCESS-NUMBER`.
pub fn work_name(kind: &str) -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("{kind}-{}-{number}", std::process::id())
}

/// Whether a name is one of [`work_name`], of one of these kinds.
pub fn is_work_name(name: &str, kinds: &[&str]) -> bool {
    let is_of = |kind: &&str| name.strip_prefix(*kind).is_some_and(|rest| rest.starts_with('-'));
    kinds.iter().any(is_of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_by_their_kind() {
        let name = work_name("segment");
        assert_ne!(name, work_name("segment"));
        assert!(is_work_name(&name, &["build", "segment"]));
        assert!(!is_work_name(&name, &["build"]));
        assert!(!is_work_name("segments", &["segment"]));
    }
}
