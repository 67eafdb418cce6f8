//! `cargo xtask services`, and the real components that the tests of `cargo xtask test` find set up.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use codelupe_components::{COMPONENTS, Component, Found, Lookup, Machine, Origin, Suite, set_up};
use serde::Serialize;

use crate::cargo::{Package, Workspace};

/// The crate through which tests use components.
const TESTKIT: &str = "codelupe-testkit";

/// The S3 server of the tests: a crate that is linked into them.
const S3: &str = "s3s-fs";

/// One line of the list.
#[derive(Debug, Serialize, PartialEq, Eq)]
struct Row {
    name: &'static str,
    /// `default` or `all`.
    suite: &'static str,
    found: bool,
    version: Option<String>,
    /// How it was obtained.
    how: Option<&'static str>,
    #[serde(rename = "where")]
    place: Option<PathBuf>,
    /// What is missing, and what to do about it.
    missing: Option<String>,
}

/// Lists the components as this machine has them; installs nothing.
pub(crate) fn list(workspace: &Workspace, json: bool) -> anyhow::Result<()> {
    let machine = Machine::this();
    let lookups = COMPONENTS.map(|component| Lookup {
        component,
        found: component.require(&machine),
    });
    let mut rows: Vec<Row> = lookups.iter().map(row).collect();
    rows.extend(linked(workspace));
    rows.sort_by_key(|row| row.suite != "default");
    if json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
    } else {
        print!("{}", table(&rows));
    }
    Ok(())
}

/// Sets up what the tests of `members` need, says what is used from where, and gives the `PATH` under which they find it.
///
/// # Errors
/// When something is missing and cannot be had; each with what a person can do about it.
pub(crate) fn prepare(members: &[&Package], all: bool) -> anyhow::Result<OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    if !members.iter().any(|member| uses_components(member)) {
        return Ok(path);
    }
    let wanted: Vec<&'static Component> = COMPONENTS
        .into_iter()
        .filter(|component| all || component.suite == Suite::Default)
        .collect();
    let lookups = set_up(&wanted, &Machine::this(), &|text| println!("{text}"));
    print!("{}", table(&lookups.iter().map(row).collect::<Vec<_>>()));
    let missing: Vec<&str> = lookups.iter().filter_map(needed).collect();
    ensure!(missing.is_empty(), "{}", missing.join("\n"));
    let unpacked = lookups.into_iter().filter_map(|lookup| {
        let found = lookup.found.ok()?;
        (found.origin == Origin::Unpacked).then_some(found.place)
    });
    env::join_paths(unpacked.chain(env::split_paths(&path))).context("a folder of the PATH has a colon in its name")
}

fn uses_components(member: &Package) -> bool {
    member.dependencies.iter().any(|used| used.name == TESTKIT) || member.name == TESTKIT
}

/// What is said of a component without which tests fail.
fn needed(lookup: &Lookup) -> Option<&str> {
    let why = lookup.found.as_ref().err()?;
    (!lookup.component.is_optional).then_some(why.as_str())
}

fn row(lookup: &Lookup) -> Row {
    let component = lookup.component;
    let (found, missing) = match &lookup.found {
        Ok(found) => (Some(found), None),
        Err(why) => (None, Some(why.clone())),
    };
    Row {
        name: component.name,
        suite: match component.suite {
            Suite::Default => "default",
            Suite::All => "all",
        },
        found: found.is_some(),
        version: found.map(|found| found.version.clone()),
        how: found.map(how),
        place: found.map(|found| found.place.clone()),
        missing,
    }
}

fn how(found: &Found) -> &'static str {
    match found.origin {
        Origin::Named => "named by a variable",
        Origin::Installed => "installed",
        Origin::Unpacked => "unpacked from a wheel",
    }
}

/// The server that cargo brings.
fn linked(workspace: &Workspace) -> Option<Row> {
    let package = workspace.others.iter().find(|package| package.name == S3)?;
    Some(Row {
        name: "S3 server",
        suite: "default",
        found: true,
        version: Some(package.version.clone()),
        how: Some("a crate, linked into the tests"),
        place: Some(package.folder().to_owned()),
        missing: None,
    })
}

/// Columns for people.
fn table(rows: &[Row]) -> String {
    let lines: Vec<[String; 4]> = rows.iter().map(cells).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let (first, second, third) = (width(0), width(1), width(2));
    let shown = lines.iter().map(|[name, suite, version, rest]| {
        let line = format!("{name:first$}  {suite:second$}  {version:third$}  {rest}");
        line.trim_end().to_owned() + "\n"
    });
    shown.collect()
}

fn cells(row: &Row) -> [String; 4] {
    let suite = match row.suite {
        "all" => "--all",
        suite => suite,
    };
    let version = row.version.clone().unwrap_or_else(|| "-".to_owned());
    let rest = match (&row.how, &row.place, &row.missing) {
        (Some(how), Some(place), _) => format!("{how}: {}", place.display()),
        (_, _, missing) => missing.clone().unwrap_or_default(),
    };
    [row.name.to_owned(), suite.to_owned(), version, rest]
}

#[cfg(test)]
mod tests {
    use codelupe_components::{POSTGRESQL, TORCH};

    use super::*;

    #[test]
    fn the_table_shows_what_is_there_and_what_to_do_about_the_rest() {
        let found = Found {
            version: "15.14".to_owned(),
            place: PathBuf::from("/usr/lib/postgresql/15/bin"),
            origin: Origin::Installed,
        };
        let lookups = [
            Lookup {
                component: &POSTGRESQL,
                found: Ok(found),
            },
            Lookup {
                component: &TORCH,
                found: Err("torch is missing".to_owned()),
            },
        ];
        let rows: Vec<Row> = lookups.iter().map(row).collect();
        assert_eq!(
            table(&rows),
            "PostgreSQL  default  15.14  installed: /usr/lib/postgresql/15/bin\n\
             torch       --all    -      torch is missing\n"
        );
        let missing: Vec<&str> = lookups.iter().filter_map(needed).collect();
        assert!(missing.is_empty(), "tests pass without torch: {missing:?}");
        let json = serde_json::to_value(&rows[0]).unwrap();
        assert_eq!(json["where"], "/usr/lib/postgresql/15/bin");
    }

    #[test]
    fn only_what_is_needed_fails_the_tests() {
        let lookup = Lookup {
            component: &POSTGRESQL,
            found: Err("no".to_owned()),
        };
        assert_eq!(needed(&lookup), Some("no"));
    }
}
