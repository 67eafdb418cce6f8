//! Tripwires on the length of functions and files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use crate::cargo::Package;
use crate::source::{Outline, outline};

/// The most lines of a function, from `fn` to its closing brace.
const MAX_FUNCTION_LINES: usize = 100;

/// The most lines of a file, without its test code.
const MAX_FILE_LINES: usize = 800;

/// What may be longer: a file or `file::function`, white space, the reason.
const ALLOWED: &str = "xtask/allow-sizes.txt";

/// Checks the sources of the chosen members and prints how long functions are.
pub(crate) fn check(root: &Path, members: &[&Package]) -> anyhow::Result<Vec<String>> {
    let mut outlines = BTreeMap::new();
    for member in members {
        for path in rust_files(&member.folder().join("src"))? {
            let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            let text = fs::read_to_string(&path).with_context(|| shown.clone())?;
            let outline = outline(&text).with_context(|| shown.clone())?;
            outlines.insert(shown, outline);
        }
    }
    println!("{}", summary(&outlines));
    let allowed = parse_allowed(&fs::read_to_string(root.join(ALLOWED)).with_context(|| ALLOWED)?)?;
    Ok(findings(&outlines, &allowed))
}

/// Every Rust file below a folder that holds no test code only, sorted.
pub(crate) fn rust_files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            let is_test = path.file_stem().is_some_and(|stem| stem == "tests");
            if path.is_dir() && !is_test {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// What is too long without leave, and leave that nothing needs.
fn findings(outlines: &BTreeMap<String, Outline>, allowed: &BTreeMap<String, String>) -> Vec<String> {
    let mut too_long: BTreeMap<String, String> = BTreeMap::new();
    for (path, outline) in outlines {
        if outline.lines > MAX_FILE_LINES {
            let lines = outline.lines;
            let text = format!(
                "{path}: {lines} lines without tests, over {MAX_FILE_LINES}: split it, or add `{path} REASON` to {ALLOWED}"
            );
            too_long.insert(path.clone(), text);
        }
        for function in outline
            .functions
            .iter()
            .filter(|function| function.lines > MAX_FUNCTION_LINES)
        {
            let key = format!("{path}::{}", function.name);
            let text = format!(
                "{path}:{}: `{}` has {} lines, over {MAX_FUNCTION_LINES}: split it, or add `{key} REASON` to {ALLOWED}",
                function.line, function.name, function.lines
            );
            too_long.insert(key, text);
        }
    }
    let file_of = |key: &str| key.split("::").next().unwrap_or(key).to_owned();
    let stale = allowed
        .keys()
        .filter(|key| outlines.contains_key(&file_of(key)) && !too_long.contains_key(*key));
    let stale: Vec<String> = stale
        .map(|key| format!("{ALLOWED}: `{key}` is not too long: remove the line"))
        .collect();
    let unallowed = too_long.into_iter().filter(|(key, _)| !allowed.contains_key(key));
    unallowed.map(|(_, text)| text).chain(stale).collect()
}

fn parse_allowed(text: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let mut allowed = BTreeMap::new();
    for line in text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let (key, reason) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        ensure!(!reason.trim().is_empty(), "{ALLOWED}: `{key}` has no reason");
        allowed.insert(key.to_owned(), reason.trim().to_owned());
    }
    Ok(allowed)
}

fn summary(outlines: &BTreeMap<String, Outline>) -> String {
    let mut lengths: Vec<(usize, String)> = outlines
        .iter()
        .flat_map(|(path, outline)| {
            outline
                .functions
                .iter()
                .map(move |f| (f.lines, format!("{} in {path}", f.name)))
        })
        .collect();
    lengths.sort();
    let Some((longest, name)) = lengths.last() else {
        return "no functions".to_owned();
    };
    let p99 = percentile(&lengths, 99);
    format!(
        "{} functions in {} files: p99 {p99} lines, longest {longest} ({name})",
        lengths.len(),
        outlines.len()
    )
}

/// The nearest-rank percentile of a sorted list.
fn percentile(sorted: &[(usize, String)], percent: usize) -> usize {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).map_or(0, |entry| entry.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(lines: usize, function_lines: usize) -> BTreeMap<String, Outline> {
        let body = "\n".repeat(function_lines - 1);
        let text = format!("fn long() {{{body}}}\n{}", "\n".repeat(lines - function_lines));
        BTreeMap::from([("a.rs".to_owned(), outline(&text).unwrap())])
    }

    fn check(lines: usize, function_lines: usize, allowed: &str, expected: &[&str]) {
        let found = findings(&file(lines, function_lines), &parse_allowed(allowed).unwrap());
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, start) in found.iter().zip(expected) {
            assert!(found.starts_with(start), "{found}");
        }
    }

    #[test]
    fn what_is_too_long_needs_a_reason() {
        check(800, 100, "", &[]);
        check(801, 100, "", &["a.rs: 801 lines"]);
        check(200, 101, "", &["a.rs:1: `long` has 101 lines"]);
        check(801, 101, "# why\na.rs one table\n\na.rs::long one match\n", &[]);
        check(801, 101, "a.rs one table", &["a.rs:1:"]);
    }

    #[test]
    fn leave_that_nothing_needs_is_a_finding_but_not_for_files_out_of_sight() {
        check(
            10,
            10,
            "a.rs::long a reason",
            &["xtask/allow-sizes.txt: `a.rs::long` is not too long"],
        );
        check(10, 10, "b.rs::long a reason", &[]);
    }

    #[test]
    fn a_line_without_a_reason_is_refused() {
        assert!(parse_allowed("a.rs::long").is_err());
    }

    #[test]
    fn percentiles_by_nearest_rank() {
        let sorted: Vec<(usize, String)> = (1..=200).map(|n| (n, String::new())).collect();
        assert_eq!(percentile(&sorted, 99), 198);
        assert_eq!(percentile(&sorted[..1], 99), 1);
    }
}
