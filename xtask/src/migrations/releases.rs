//! Whether everything that the latest release had is still there, unchanged: `checksums.txt` could be rewritten together
//! with a migration, a release cannot.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::Files;
use super::checksums::LIST;
use crate::cargo::output;

/// Compares with the latest tag `v…`; `folder` is that of the migrations, relative to the root.
pub(super) fn check(root: &Path, folder: &str, files: &Files) -> anyhow::Result<Vec<String>> {
    if !root.join(".git").exists() {
        println!("not a git clone: no release to compare with");
        return Ok(Vec::new());
    }
    let Some(tag) = latest_tag(root)? else {
        return Ok(Vec::new());
    };
    let mut findings = Vec::new();
    let list = git(root, &["ls-tree", "-r", "-z", "--name-only", &tag, "--", folder])?;
    for path in list.split_terminator('\0') {
        let key = path.strip_prefix(folder).unwrap_or(path).trim_start_matches('/');
        let released = || git(root, &["show", &format!("{tag}:{path}")]);
        if key == LIST {
            let now = fs::read_to_string(root.join(path)).unwrap_or_default();
            findings.extend(lost_lines(&released()?, &now, &tag));
        } else if key.ends_with(".sql") {
            match files.get(key) {
                None => findings.push(format!("{key}: gone, but released in {tag}")),
                Some(text) if *text != released()? => {
                    findings.push(format!(
                        "{key}: changed after it was released in {tag}: write a new migration"
                    ));
                }
                Some(_) => {}
            }
        }
    }
    Ok(findings)
}

/// The highest version among the tags; one such as `v1.0.0-rc.1` comes before `v1.0.0`.
fn latest_tag(root: &Path) -> anyhow::Result<Option<String>> {
    let order = [
        "-c",
        "versionsort.suffix=-",
        "tag",
        "--list",
        "--sort=-version:refname",
        "v*",
    ];
    Ok(git(root, &order)?.lines().next().map(str::to_owned))
}

fn lost_lines(released: &str, now: &str, tag: &str) -> Vec<String> {
    let lost = released.lines().filter(|line| !now.lines().any(|other| other == *line));
    lost.map(|line| format!("{LIST}: the line `{line}` is gone, but released in {tag}"))
        .collect()
}

fn git(root: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    output(Command::new("git").current_dir(root).args(arguments))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes a file below `root`.
    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Commits everything and tags it.
    fn release(root: &Path, tag: &str) {
        let identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
        git(root, &["add", "--all"]).unwrap();
        git(
            root,
            &[&identity[..], &["commit", "--quiet", "--allow-empty", "--message", "a"]].concat(),
        )
        .unwrap();
        git(root, &["tag", tag]).unwrap();
    }

    #[test]
    fn what_the_latest_release_had_stays() {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path();
        let now = |texts: &[(&str, &str)]| {
            let files = texts.iter().map(|&(path, text)| (path.to_owned(), text.to_owned()));
            super::check(root, "m", &files.collect()).unwrap()
        };
        assert!(now(&[]).is_empty(), "not a clone");
        git(root, &["init", "--quiet"]).unwrap();
        write(root, "m/sqlite/0001_a.up.sql", "one");
        write(root, "m/schema/sqlite.txt", "one");
        assert!(now(&[]).is_empty(), "not released");
        release(root, "v0.9.0");
        write(root, "m/sqlite/0002_b.up.sql", "two");
        write(root, "m/checksums.txt", "1  a\n2  b\n");
        release(root, "v0.10.0");
        git(root, &["tag", "v0.10.0-rc.1"]).unwrap();
        git(root, &["tag", "x9"]).unwrap();

        let (one, two) = (("sqlite/0001_a.up.sql", "one"), ("sqlite/0002_b.up.sql", "two"));
        write(root, "m/checksums.txt", "0  new\n1  a\n2  b\n");
        assert!(now(&[one, two, ("sqlite/0003_c.up.sql", "three")]).is_empty());
        write(root, "m/checksums.txt", "1  a\n3  b\n");
        write(root, "m/schema/sqlite.txt", "two");
        assert_eq!(
            now(&[("sqlite/0002_b.up.sql", "two\n")]),
            [
                "checksums.txt: the line `2  b` is gone, but released in v0.10.0",
                "sqlite/0001_a.up.sql: gone, but released in v0.10.0",
                "sqlite/0002_b.up.sql: changed after it was released in v0.10.0: write a new migration",
            ]
        );
    }
}
