//! The rules of `.gitignore` and `.ignore`, read safely.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::beneath;

/// The files with rules in one folder; a later rule wins.
const RULE_FILES: [&[u8]; 2] = [b".gitignore", b".ignore"];

/// The rules of one folder; `None` when it has none.
///
/// Rules are read through `budget`, the bytes of rules that may still be read in this repository. A rule file that does
/// not fit, that is no regular file, or a line that is no rule, counts as absent.
pub(crate) fn rules_of(folder: &OwnedFd, budget: &mut usize) -> Option<Gitignore> {
    let mut builder = GitignoreBuilder::new("");
    for name in RULE_FILES {
        let Ok(Some(content)) = beneath::read_small(folder, name, *budget as u64) else {
            continue;
        };
        *budget -= content.len();
        let lines = content.split(|byte| *byte == b'\n');
        for line in lines.filter_map(|line| std::str::from_utf8(line.strip_suffix(b"\r").unwrap_or(line)).ok()) {
            // A line that is no glob is skipped, as git does.
            let _ = builder.add_line(None, line);
        }
    }
    builder.build().ok().filter(|rules| !rules.is_empty())
}

/// What the rules of one folder say about `path`, relative to that folder: ignored, wanted, or nothing.
pub(crate) fn verdict(rules: &Gitignore, path: &[u8], is_folder: bool) -> Option<bool> {
    match rules.matched(Path::new(OsStr::from_bytes(path)), is_folder) {
        Match::Ignore(_) => Some(true),
        Match::Whitelist(_) => Some(false),
        Match::None => None,
    }
}
