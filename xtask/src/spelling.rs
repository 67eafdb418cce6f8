//! Words that are always misspelled, by a committed list: works without any installed tool.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context;

use crate::cargo::output;

/// The list: the wrong word, a space, the right one.
const LIST: &str = "xtask/misspellings.txt";

/// Endings of the names of files that are read.
const ENDINGS: [&str; 12] = [
    ".rs", ".md", ".toml", ".txt", ".yml", ".yaml", ".sql", ".sh", ".json", ".html", ".py", ".ci/run",
];

/// Folders whose text is not ours.
const FOREIGN: [&str; 3] = ["data", "fixtures", "testdata"];

/// Files that name British spellings since they look for them, or since they were released with them.
const NAMED_THERE: [&str; 5] = [
    "crates/process/src/license/names.rs",
    "crates/process/src/license/notice.rs",
    "crates/process/src/license/path.rs",
    "crates/process/src/license/words.rs",
    "crates/codelupe/src/settings/renamed.rs",
];

/// Migrations, which never change once they are released.
const MIGRATIONS: &str = "crates/catalogue/migrations/";

/// Checks every file that git tracks or would track.
pub(crate) fn check(root: &Path) -> anyhow::Result<Vec<String>> {
    let list = fs::read_to_string(root.join(LIST)).context(LIST)?;
    let wrong = parse(&list);
    let mut findings = Vec::new();
    let mut ls_files = Command::new("git");
    ls_files
        .current_dir(root)
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    for path in output(&mut ls_files)?
        .split_terminator('\0')
        .filter(|path| is_ours(path))
    {
        // A file that is gone but still tracked, or is not UTF-8, has no words for us.
        if let Ok(text) = fs::read_to_string(root.join(path)) {
            findings.extend(
                misspelled(&text, &wrong)
                    .into_iter()
                    .map(|finding| format!("{path}:{finding}")),
            );
        }
    }
    Ok(findings)
}

fn is_ours(path: &str) -> bool {
    path != LIST
        && !NAMED_THERE.contains(&path)
        && !path.starts_with(MIGRATIONS)
        && ENDINGS.iter().any(|end| path.ends_with(end))
        && !path.split('/').any(|part| FOREIGN.contains(&part))
}

fn parse(list: &str) -> HashMap<&str, &str> {
    let lines = list.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(' ')).collect()
}

/// `LINE: word -> right word` for every misspelled word.
fn misspelled(text: &str, wrong: &HashMap<&str, &str>) -> Vec<String> {
    let mut findings = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        for word in words(line) {
            if let Some(right) = wrong.get(word.to_lowercase().as_str()) {
                findings.push(format!("{number}: {word} -> {right}"));
            }
        }
    }
    findings
}

/// Runs of letters, split before the capitals of camelCase.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphabetic()).flat_map(|run| {
        let mut humps = Vec::new();
        let mut start = 0;
        let mut before_is_lower = false;
        for (at, c) in run.char_indices() {
            if before_is_lower && c.is_uppercase() {
                humps.push(&run[start..at]);
                start = at;
            }
            before_is_lower = c.is_lowercase();
        }
        humps.push(&run[start..]);
        humps
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_words_are_found_in_prose_and_in_identifiers() {
        let wrong = parse("# comment\nwrogn wrong\nfayld failed\n");
        let found = misspelled("all right\nis Wrogn, fayld_to_open\nopenFayld fayldness WROGN", &wrong);
        let expected = [
            "2: Wrogn -> wrong",
            "2: fayld -> failed",
            "3: Fayld -> failed",
            "3: WROGN -> wrong",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn the_committed_list_is_sorted_lower_case_and_never_maps_to_a_wrong_word() {
        let list = include_str!("../misspellings.txt");
        let lines: Vec<&str> = list.lines().filter(|line| !line.starts_with('#')).collect();
        let wrong = parse(list);
        assert_eq!(wrong.len(), lines.len(), "a line without a space, or a word twice");
        assert!(lines.is_sorted());
        for (word, right) in &wrong {
            assert_eq!(words(word).collect::<Vec<_>>(), [*word]);
            assert_eq!(*word, word.to_lowercase());
            assert!(!right.split(' ').any(|right| wrong.contains_key(right)), "{word}");
        }
    }

    #[test]
    fn foreign_and_binary_files_are_left_out() {
        for (path, expected) in [
            ("a/b.rs", true),
            ("x.png", false),
            ("crates/x/tests/fixtures/a.md", false),
            (LIST, false),
        ] {
            assert_eq!(is_ours(path), expected, "{path}");
        }
    }
}
