//! The environment that the process of an engine starts with.

use std::ffi::OsString;
use std::fmt;

/// Variables of a process, without secrets. The default is empty.
#[derive(Clone, Default)]
pub struct Environment(Vec<(OsString, OsString)>);

impl Environment {
    /// Those of `variables` that hold no secret, by their names.
    pub fn without_secrets(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let variables = variables.into_iter();
        Self(
            variables
                .filter(|(name, _)| !name.to_str().is_none_or(is_secret))
                .collect(),
        )
    }

    pub(crate) fn variables(&self) -> impl Iterator<Item = (&OsString, &OsString)> {
        self.0.iter().map(|(name, value)| (name, value))
    }
}

/// Names alone: a value may be a secret under a name that does not say so.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// Whether a variable may hold what the process has no business with: the settings of this program, those of PostgreSQL's
/// client, keys and tokens.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let ours = name.starts_with("CODELUPE_") || (name.starts_with("PG") && !name.contains('_'));
    let ends = ["TOKEN", "SECRET", "PASSWORD", "_KEY", "DATABASE_URL", "CREDENTIALS"];
    ours || ends.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_stay_here() {
        for name in [
            "CODELUPE_DB",
            "PGPASSWORD",
            "pgpassfile",
            "GITHUB_TOKEN",
            "AWS_SECRET_ACCESS_KEY",
            "DATABASE_URL",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "PATH",
            "HOME",
            "CUDA_VISIBLE_DEVICES",
            "LD_LIBRARY_PATH",
            "OMP_NUM_THREADS",
            "NCCL_DEBUG",
            "PG_ENV",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn values_are_not_shown() {
        let variables = [("HOME", "/home/a"), ("API_TOKEN", "SECRET")].map(|(name, value)| (name.into(), value.into()));
        let environment = Environment::without_secrets(variables);
        assert_eq!(format!("{environment:?}"), "[\"HOME\"]");
        assert_eq!(environment.variables().count(), 1);
    }
}
