//! Where the programs of PostgreSQL lie.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder that is looked at first, from the environment.
pub(super) const VARIABLE: &str = "CODELUPE_TEST_PG_BIN";

/// The oldest version that the catalogue supports.
const OLDEST: u32 = 15;

/// Where the packages of Debian and Ubuntu put their versions, each in a folder with its number.
const DEBIAN: &str = "/usr/lib/postgresql";

/// The folder with `initdb`, `postgres` and `psql`: the one that `CODELUPE_TEST_PG_BIN` names, else the highest version
/// below `/usr/lib/postgresql`, else the one on the `PATH`.
pub(super) fn find() -> PathBuf {
    let folder = match env::var_os(VARIABLE) {
        Some(folder) => PathBuf::from(folder),
        None => installed(Path::new(DEBIAN), env::var_os("PATH").as_deref()).unwrap_or_else(|| {
            panic!(
                "PostgreSQL is not installed: these tests run a real server. Install the package `postgresql` \
                 (version {OLDEST} or newer), or name the folder of its programs in {VARIABLE}"
            )
        }),
    };
    let version = version(&folder);
    assert!(
        version >= OLDEST,
        "{} has PostgreSQL {version}: version {OLDEST} or newer is needed. Install one, or name the folder of its \
         programs in {VARIABLE}",
        folder.display()
    );
    folder
}

fn installed(debian: &Path, path: Option<&OsStr>) -> Option<PathBuf> {
    let versions = fs::read_dir(debian).into_iter().flatten().filter_map(|entry| {
        let entry = entry.ok()?;
        let version: u32 = entry.file_name().to_str()?.parse().ok()?;
        Some((version, entry.path().join("bin")))
    });
    let newest = versions.filter(|(_, folder)| is_complete(folder)).max();
    let on_path = || env::split_paths(path?).find(|folder| is_complete(folder));
    newest.map(|(_, folder)| folder).or_else(on_path)
}

/// A client alone brings `psql` but no server.
fn is_complete(folder: &Path) -> bool {
    ["initdb", "postgres", "psql"]
        .iter()
        .all(|program| folder.join(program).is_file())
}

/// The major version of the server in a folder.
fn version(folder: &Path) -> u32 {
    let program = folder.join("postgres");
    let output = Command::new(&program).arg("--version").output();
    let output = output.unwrap_or_else(|error| panic!("cannot run {}: {error}", program.display()));
    let text = String::from_utf8_lossy(&output.stdout);
    parse_version(&text).unwrap_or_else(|| panic!("{} --version printed {text:?}", program.display()))
}

/// Reads `postgres (PostgreSQL) 15.14 (Debian …)`, also `18beta1`.
fn parse_version(text: &str) -> Option<u32> {
    let number = text.strip_prefix("postgres (PostgreSQL) ")?;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_version_of_the_packages_comes_before_the_path() {
        let root = tempfile::tempdir().unwrap();
        let debian = root.path().join("debian");
        let elsewhere = root.path().join("elsewhere");
        let fill = |folder: &Path, programs: &[&str]| {
            fs::create_dir_all(folder).unwrap();
            for program in programs {
                fs::write(folder.join(program), "").unwrap();
            }
        };
        let find = || installed(&debian, Some(elsewhere.as_os_str()));
        assert_eq!(find(), None);
        fill(&elsewhere, &["psql"]);
        assert_eq!(find(), None, "a client is no server");
        fill(&elsewhere, &["postgres", "initdb"]);
        assert_eq!(find(), Some(elsewhere.clone()));
        for version in ["9", "15", "16"] {
            fill(&debian.join(version).join("bin"), &["psql", "postgres", "initdb"]);
        }
        fill(&debian.join("17/bin"), &["psql"]);
        fill(&debian.join("common/bin"), &["psql", "postgres", "initdb"]);
        assert_eq!(find(), Some(debian.join("16/bin")));
    }

    #[test]
    fn versions() {
        for (text, expected) in [
            ("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n", Some(15)),
            ("postgres (PostgreSQL) 18beta1\n", Some(18)),
            ("postgres (PostgreSQL) devel\n", None),
            ("psql (PostgreSQL) 15.1\n", None),
        ] {
            assert_eq!(parse_version(text), expected, "{text}");
        }
    }
}
