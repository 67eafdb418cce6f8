//! Whether the migrations of the catalogue are whole, the same in number for every dialect, and never change once they are
//! listed (`checksums.txt`) or released (a tag `v…`).

mod checksums;
mod losses;
mod releases;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::Context;

/// The folder of the migrations, one folder for each dialect inside.
const FOLDER: &str = "crates/catalogue/migrations";

const DIALECTS: [&str; 2] = ["postgres", "sqlite"];

/// From `DIALECT/NNNN_NAME.up.sql` or `.down.sql` to the text.
type Files = BTreeMap<String, String>;

/// Checks the migrations; with `fix`, new ones are added to the checksums first.
pub(crate) fn check(root: &Path, fix: bool) -> anyhow::Result<Vec<String>> {
    let files = read(&root.join(FOLDER))?;
    let (migrations, mut findings) = parse_all(&files);
    findings.extend(gaps(&migrations));
    findings.extend(checksums::check(&root.join(FOLDER), &files, fix)?);
    findings.extend(releases::check(root, FOLDER, &files)?);
    findings.extend(losses::check(&files));
    println!("{} migrations", migrations.len());
    Ok(findings)
}

/// Every file of the dialects.
fn read(folder: &Path) -> anyhow::Result<Files> {
    let mut files = Files::new();
    for dialect in DIALECTS {
        let folder = folder.join(dialect);
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let entry = entry?;
            let key = format!("{dialect}/{}", entry.file_name().display());
            let text = fs::read_to_string(entry.path()).with_context(|| key.clone())?;
            files.insert(key, text);
        }
    }
    Ok(files)
}

/// Number and name of a migration, and the files of it: `DIALECT/` and `up` or `down`.
type Migrations<'a> = BTreeMap<(u32, &'a str), BTreeSet<(&'a str, &'a str)>>;

/// The migrations, and what is wrong with the names of the files.
fn parse_all(files: &Files) -> (Migrations<'_>, Vec<String>) {
    let mut migrations = Migrations::new();
    let mut findings = Vec::new();
    for key in files.keys() {
        match parse(key) {
            Some((dialect, number, name, way)) => {
                migrations.entry((number, name)).or_default().insert((dialect, way));
            }
            None => findings.push(format!("{key}: the name is not NNNN_name.up.sql or NNNN_name.down.sql")),
        }
    }
    (migrations, findings)
}

/// Takes `DIALECT/NNNN_NAME.WAY.sql` apart.
fn parse(key: &str) -> Option<(&str, u32, &str, &str)> {
    let (dialect, file) = key.split_once('/')?;
    let (stem, way) = file.strip_suffix(".sql")?.rsplit_once('.')?;
    let (number, name) = stem.split_once('_')?;
    let is_number = number.len() == 4 && number.bytes().all(|b| b.is_ascii_digit());
    let is_name = !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    let is_way = ["up", "down"].contains(&way);
    (is_number && is_name && is_way).then(|| Some((dialect, number.parse().ok()?, name, way)))?
}

/// Files that a migration lacks, and numbers that are left out or taken twice.
fn gaps(migrations: &Migrations<'_>) -> Vec<String> {
    let mut findings = Vec::new();
    for (&(number, name), files) in migrations {
        for dialect in DIALECTS {
            for way in ["up", "down"] {
                if !files.contains(&(dialect, way)) {
                    findings.push(format!("{dialect}/{number:04}_{name}.{way}.sql: missing"));
                }
            }
        }
    }
    let odd = (1..)
        .zip(migrations.keys())
        .find(|(expected, (number, _))| expected != number);
    if let Some((expected, (number, name))) = odd {
        findings.push(format!(
            "{number:04}_{name}: the number must be {expected:04}: 0001, 0002, 0003 and so on, each once"
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files without text, from their names.
    fn files(names: &[&str]) -> Files {
        names.iter().map(|&name| (name.to_owned(), String::new())).collect()
    }

    /// All four files of each migration.
    fn whole(stems: &[&str]) -> Files {
        let mut all = Files::new();
        for stem in stems {
            for dialect in DIALECTS {
                for way in ["up", "down"] {
                    all.insert(format!("{dialect}/{stem}.{way}.sql"), String::new());
                }
            }
        }
        all
    }

    fn check(files: &Files, expected: &[&str]) {
        let (migrations, mut findings) = parse_all(files);
        findings.extend(gaps(&migrations));
        assert_eq!(findings, expected);
    }

    #[test]
    fn every_migration_has_both_ways_in_both_dialects() {
        check(&whole(&[]), &[]);
        check(&whole(&["0001_a", "0002_b_2"]), &[]);
        let mut without = whole(&["0001_a", "0002_b"]);
        without.remove("sqlite/0002_b.down.sql");
        without.remove("postgres/0001_a.up.sql");
        check(
            &without,
            &["postgres/0001_a.up.sql: missing", "sqlite/0002_b.down.sql: missing"],
        );
        let mut other_name = whole(&["0001_a"]);
        other_name.remove("sqlite/0001_a.up.sql");
        other_name.insert("sqlite/0001_b.up.sql".to_owned(), String::new());
        check(
            &other_name,
            &[
                "sqlite/0001_a.up.sql: missing",
                "postgres/0001_b.up.sql: missing",
                "postgres/0001_b.down.sql: missing",
                "sqlite/0001_b.down.sql: missing",
                "0001_b: the number must be 0002: 0001, 0002, 0003 and so on, each once",
            ],
        );
    }

    #[test]
    fn numbers_have_no_gap() {
        let rule = "0001, 0002, 0003 and so on, each once";
        check(
            &whole(&["0001_a", "0003_b", "0004_c"]),
            &[&format!("0003_b: the number must be 0002: {rule}")],
        );
        check(
            &whole(&["0000_a"]),
            &[&format!("0000_a: the number must be 0001: {rule}")],
        );
    }

    #[test]
    fn names_have_one_form() {
        for name in [
            "sqlite/001_a.up.sql",
            "sqlite/00001_a.up.sql",
            "sqlite/0001_A.up.sql",
            "sqlite/0001_.up.sql",
            "sqlite/0001a.up.sql",
            "sqlite/0001_a.sideways.sql",
            "sqlite/0001_a.sql",
            "sqlite/+001_a.up.sql",
            "sqlite/notes.md",
        ] {
            let finding = format!("{name}: the name is not NNNN_name.up.sql or NNNN_name.down.sql");
            check(&files(&[name]), &[&finding]);
        }
    }
}
