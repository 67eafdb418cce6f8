//! The committed list of what migrations contain: an applied migration is never applied again, so a change of its file
//! would reach new catalogues only.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, bail};
use sha2::{Digest, Sha256};

use super::Files;

/// The list in the folder of the migrations; `sha256sum --check` reads it.
pub(super) const LIST: &str = "checksums.txt";

/// Compares files with the list; with `fix`, adds those that are not listed to it and changes nothing else.
pub(super) fn check(folder: &Path, files: &Files, fix: bool) -> anyhow::Result<Vec<String>> {
    let path = folder.join(LIST);
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        text => text.with_context(|| path.display().to_string())?,
    };
    if fix {
        let fixed = with_new(&text, files)?;
        if fixed != text {
            fs::write(&path, &fixed).with_context(|| path.display().to_string())?;
            println!("added to {}", path.display());
        }
        return findings(&fixed, files);
    }
    findings(&text, files)
}

/// What is wrong with files or list.
fn findings(text: &str, files: &Files) -> anyhow::Result<Vec<String>> {
    let listed = parse(text)?;
    let mut findings = Vec::new();
    if !text.lines().map(path_of).is_sorted() {
        findings.push(format!("{LIST}: sort the lines by path"));
    }
    for (path, sum) in &listed {
        match files.get(*path) {
            None => findings.push(format!("{path}: gone, but in {LIST}: a migration stays for ever")),
            Some(text) if sha256(text) != *sum => {
                findings.push(format!("{path}: changed after it was released: write a new migration"));
            }
            Some(_) => {}
        }
    }
    let unlisted = files.iter().filter(|(path, _)| !listed.contains_key(path.as_str()));
    findings.extend(unlisted.map(|(path, text)| {
        let line = line_of(path, text);
        format!("{path}: not in {LIST}: add this line, or run `cargo xtask check --only migrations --fix`\n{line}")
    }));
    Ok(findings)
}

/// The list with a line for every file that it lacks, sorted by path.
fn with_new(text: &str, files: &Files) -> anyhow::Result<String> {
    let listed = parse(text)?;
    let unlisted = files.iter().filter(|(path, _)| !listed.contains_key(path.as_str()));
    let new: Vec<String> = unlisted.map(|(path, text)| line_of(path, text)).collect();
    let mut lines: Vec<&str> = text.lines().chain(new.iter().map(String::as_str)).collect();
    lines.sort_by_key(|line| path_of(line));
    Ok(lines.iter().map(|line| format!("{line}\n")).collect())
}

/// From path to checksum.
fn parse(text: &str) -> anyhow::Result<BTreeMap<&str, &str>> {
    let mut listed = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        let Some((sum, path)) = line.split_once("  ") else {
            bail!("{LIST}:{number}: `{line}` is not a checksum, two spaces and a path");
        };
        if listed.insert(path, sum).is_some() {
            bail!("{LIST}:{number}: {path} is listed twice");
        }
    }
    Ok(listed)
}

fn path_of(line: &str) -> &str {
    line.split_once("  ").map_or(line, |(_, path)| path)
}

fn line_of(path: &str, text: &str) -> String {
    format!("{}  {path}", sha256(text))
}

fn sha256(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SHA-256 of `abc`, example of FIPS 180-2.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    /// SHA-256 of the empty text.
    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn files(texts: &[(&str, &str)]) -> Files {
        texts
            .iter()
            .map(|&(path, text)| (path.to_owned(), text.to_owned()))
            .collect()
    }

    fn check(list: &str, texts: &[(&str, &str)], expected: &[&str]) {
        assert_eq!(findings(list, &files(texts)).unwrap(), expected, "{list}");
    }

    #[test]
    fn listed_files_stay_as_they_are() {
        let list = format!("{EMPTY}  a/1\n{ABC}  a/2\n");
        check(&list, &[("a/1", ""), ("a/2", "abc")], &[]);
        let changed = "a/2: changed after it was released: write a new migration";
        check(&list, &[("a/1", ""), ("a/2", "abcd")], &[changed]);
        let gone = "a/1: gone, but in checksums.txt: a migration stays for ever";
        check(&list, &[("a/2", "abc")], &[gone]);
    }

    #[test]
    fn every_file_is_listed_once_in_order() {
        let unlisted = format!(
            "a/2: not in checksums.txt: add this line, or run `cargo xtask check --only migrations --fix`\n{ABC}  a/2"
        );
        check(&format!("{EMPTY}  a/1\n"), &[("a/1", ""), ("a/2", "abc")], &[&unlisted]);
        check(
            &format!("{ABC}  a/2\n{EMPTY}  a/1\n"),
            &[("a/1", ""), ("a/2", "abc")],
            &["checksums.txt: sort the lines by path"],
        );
        let twice = findings(&format!("{ABC}  a/2\n{ABC}  a/2\n"), &files(&[("a/2", "abc")]));
        assert_eq!(twice.unwrap_err().to_string(), "checksums.txt:2: a/2 is listed twice");
        let odd = findings(&format!("{ABC} a/2\n"), &files(&[])).unwrap_err();
        assert!(odd.to_string().starts_with("checksums.txt:1: "), "{odd}");
    }

    #[test]
    fn a_fix_adds_lines_and_changes_none() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path();
        let list = || fs::read_to_string(folder.join(LIST)).unwrap();
        let fix = |texts: &[(&str, &str)]| super::check(folder, &files(texts), true).unwrap();
        assert_eq!(fix(&[("a/2", "abc")]), Vec::<String>::new());
        assert_eq!(list(), format!("{ABC}  a/2\n"));
        let changed = "a/2: changed after it was released: write a new migration";
        assert_eq!(fix(&[("a/1", ""), ("a/2", "other"), ("b/1", "")]), [changed]);
        assert_eq!(list(), format!("{EMPTY}  a/1\n{ABC}  a/2\n{EMPTY}  b/1\n"));
    }
}
