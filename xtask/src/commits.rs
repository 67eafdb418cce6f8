//! Whether the titles of the latest commits are Conventional Commits (specification 1.0.0).

use std::path::Path;
use std::process::Command;

use crate::cargo::output;

/// How many commits are looked at.
const COMMITS: &str = "50";

/// The most characters of a title; git and forges cut longer ones.
const MAX_TITLE_CHARS: usize = 100;

const TYPES: [&str; 11] = [
    "feat", "fix", "perf", "refactor", "docs", "test", "build", "ci", "chore", "style", "revert",
];

/// Checks the latest commits, without merges.
pub(crate) fn check(root: &Path) -> anyhow::Result<Vec<String>> {
    if !root.join(".git").exists() {
        println!("not a git clone: nothing to check");
        return Ok(Vec::new());
    }
    let mut log = Command::new("git");
    log.current_dir(root)
        .args(["log", "--no-merges", "--format=%h %s", "-n", COMMITS]);
    let titles = output(&mut log)?;
    let wrong = titles.lines().filter_map(|line| {
        let (commit, title) = line.split_once(' ').unwrap_or((line, ""));
        Some(format!("{commit} `{title}`: {}", fault(title)?))
    });
    Ok(wrong.collect())
}

/// What is wrong with a title.
fn fault(title: &str) -> Option<String> {
    let Some((head, description)) = title.split_once(": ") else {
        return Some("expected `TYPE(SCOPE): DESCRIPTION`".to_owned());
    };
    let head = head.strip_suffix('!').unwrap_or(head);
    let (kind, scope) = match head.split_once('(') {
        None => (head, None),
        Some((kind, scope)) => (kind, Some(scope.strip_suffix(')').unwrap_or_default())),
    };
    let is_scope_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_,/".contains(c);
    if !TYPES.contains(&kind) {
        Some(format!("`{kind}` is none of the types {}", TYPES.join(", ")))
    } else if scope.is_some_and(|scope| scope.is_empty() || !scope.chars().all(is_scope_letter)) {
        Some("the scope is not lower-case words in round brackets".to_owned())
    } else if description.trim().is_empty() || description.starts_with(' ') || description.ends_with('.') {
        Some("the description is empty, starts with a space or ends with a full stop".to_owned())
    } else if title.chars().count() > MAX_TITLE_CHARS {
        Some(format!("longer than {MAX_TITLE_CHARS} characters"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles() {
        let check = |title: &str, expected: &str| {
            let found = fault(title).unwrap_or_default();
            assert!(
                found.contains(expected) && found.is_empty() == expected.is_empty(),
                "{title}: {found}"
            );
        };
        check("feat(core): workspace with ids, verdicts, reasons and error codes", "");
        check("fix: a: b", "");
        check("perf(dedup)!: half the memory", "");
        check("Add things", "expected");
        check("feat:no space", "expected");
        check("feature: x", "none of the types");
        check("Feat: x", "none of the types");
        check("feat(): x", "scope");
        check("feat(core: x", "scope");
        check("feat(Core): x", "scope");
        check("feat: ", "description");
        check("feat:  x", "description");
        check("feat: x.", "description");
        check(&format!("feat: {}", "x".repeat(95)), "longer");
    }
}
