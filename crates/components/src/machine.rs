//! What this machine has and allows.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::catalog::PYTHON;
use crate::command::output;

/// Where Debian and Ubuntu put the versions of PostgreSQL, each in a folder with its number.
const DEBIAN_POSTGRESQL: &str = "/usr/lib/postgresql";

/// A machine as the search for components sees it.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Variables of the environment, by name.
    pub(crate) variable: fn(&str) -> Option<OsString>,
    /// The folders of `PATH`.
    pub(crate) path: Vec<PathBuf>,
    /// [`DEBIAN_POSTGRESQL`].
    pub(crate) versions: PathBuf,
    /// Where wheels are unpacked: outside of any clone, readable by every user.
    pub(crate) cache: PathBuf,
}

/// How this user may become root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Root {
    /// He is.
    Is,
    /// `sudo` asks him nothing.
    BySudo,
}

/// By what means components can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Means {
    /// `apt-get`, where this user may use it.
    pub(crate) apt: Option<Root>,
    /// A Python that makes environments with pip.
    pub(crate) python: bool,
}

impl Machine {
    /// This machine.
    pub fn this() -> Self {
        let path = env::var_os("PATH").unwrap_or_default();
        Self {
            variable: |name| env::var_os(name),
            path: env::split_paths(&path).collect(),
            versions: PathBuf::from(DEBIAN_POSTGRESQL),
            cache: cache(is_root(), env::var_os("XDG_CACHE_HOME"), env::var_os("HOME")),
        }
    }

    /// The folder where wheels are unpacked.
    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// The means that this machine has now.
    pub(crate) fn means(&self) -> Means {
        let root = if is_root() {
            Some(Root::Is)
        } else {
            let sudo = output(Command::new("sudo").args(["-n", "true"]));
            sudo.is_ok().then_some(Root::BySudo)
        };
        Means {
            apt: root.filter(|_| self.has("apt-get")),
            python: PYTHON.find(self).is_ok(),
        }
    }

    fn has(&self, program: &str) -> bool {
        self.path.iter().any(|folder| folder.join(program).is_file())
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// PostgreSQL refuses to run as root, and no other user may look into root's home.
fn cache(is_root: bool, xdg: Option<OsString>, home: Option<OsString>) -> PathBuf {
    if is_root {
        return PathBuf::from("/var/cache/codelupe");
    }
    let set = |variable: Option<OsString>| variable.filter(|value| !value.is_empty()).map(PathBuf::from);
    set(xdg)
        .or_else(|| set(home).map(|home| home.join(OsStr::new(".cache"))))
        .unwrap_or_else(env::temp_dir)
        .join("codelupe")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_one_that_the_servers_user_may_read() {
        let check = |is_root, xdg: Option<&str>, home: Option<&str>, expected: &str| {
            let found = cache(is_root, xdg.map(OsString::from), home.map(OsString::from));
            assert_eq!(found, Path::new(expected));
        };
        check(true, Some("/root/.cache"), Some("/root"), "/var/cache/codelupe");
        check(false, Some("/c"), Some("/home/a"), "/c/codelupe");
        check(false, Some(""), Some("/home/a"), "/home/a/.cache/codelupe");
        check(
            false,
            None,
            None,
            &env::temp_dir().join("codelupe").display().to_string(),
        );
    }
}
