//! Verdicts on a file by its path, before its content is read.

use codelupe_core::{Reason, Verdict};
use regex::bytes::{Regex, RegexBuilder};

use crate::error::{Error, ErrorKind};
use crate::language::Facts;

/// Dependency lock files by their whole name: linguist's generated names, and those of other package managers.
const LOCK_FILES: &[&str] = &[
    ".terraform.lock.hcl",
    "Berksfile.lock",
    "Cargo.lock",
    "Cartfile.resolved",
    "Chart.lock",
    "Gemfile.lock",
    "Gopkg.lock",
    "JuliaManifest.toml",
    "MODULE.bazel.lock",
    "Manifest.toml",
    "Package.resolved",
    "Pipfile.lock",
    "Podfile.lock",
    "Puppetfile.lock",
    "buildscript-gradle.lockfile",
    "bun.lock",
    "bun.lockb",
    "cabal.project.freeze",
    "composer.lock",
    "conan.lock",
    "conda-lock.yml",
    "deno.lock",
    "esy.lock",
    "flake.lock",
    "glide.lock",
    "go.sum",
    "go.work.sum",
    "gradle.lockfile",
    "lake-manifest.json",
    "mise.lock",
    "mix.lock",
    "npm-shrinkwrap.json",
    "package-lock.json",
    "packages.lock.json",
    "paket.lock",
    "pdm.lock",
    "pixi.lock",
    "pnpm-lock.yaml",
    "poetry.lock",
    "pubspec.lock",
    "rebar.lock",
    "renv.lock",
    "shard.lock",
    "spago.lock",
    "stack.yaml.lock",
    "uv.lock",
    "yarn.lock",
];

/// Folders whose files a tool wrote, wherever they stand (linguist's generated paths).
const GENERATED_FOLDERS: &[&str] = &[".idea", "__generated__", "htmlcov"];

/// Folders of third-party code that linguist's generated rules name and its vendor list does not.
const VENDORED_FOLDERS: &[&str] = &["Godeps", "Pods", "node_modules"];

/// Whether a base name is that of a dependency lock file.
pub(crate) fn is_lock_file(file_name: &str) -> bool {
    LOCK_FILES.binary_search(&file_name).is_ok()
        || file_name.ends_with(".esy.lock")
        || file_name
            .strip_prefix("mise.")
            .is_some_and(|rest| rest.strip_suffix(".lock").is_some())
        || is_versioned_manifest(file_name)
}

/// Julia's `Manifest-v1.11.toml`.
fn is_versioned_manifest(file_name: &str) -> bool {
    let name = file_name.strip_prefix("Julia").unwrap_or(file_name);
    let version = name
        .strip_prefix("Manifest-v")
        .and_then(|rest| rest.strip_suffix(".toml"));
    version.is_some_and(|version| !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
}

/// Rules over whole paths inside a repository, `/` between segments.
#[derive(Debug)]
pub(crate) struct PathRules {
    /// linguist's vendor list as one pattern.
    vendor: Regex,
}

impl PathRules {
    /// Takes linguist's vendor list and checks that it compiles.
    ///
    /// # Errors
    /// [`ErrorKind::EmbeddedData`] when a pattern is not valid, which a test of this crate rules out.
    pub(crate) fn new(facts: &Facts) -> Result<Self, Error> {
        let source = facts
            .vendor_patterns()
            .map(|one| format!("(?:{one})"))
            .collect::<Vec<_>>()
            .join("|");
        let vendor = compile(&source).map_err(|error| {
            Error::new(ErrorKind::EmbeddedData, "the list of vendored paths is not valid").with_source(error)
        })?;
        Ok(Self { vendor })
    }

    /// Dropped as vendored, as a lock file or as generated; else kept. The content is not needed.
    pub(crate) fn verdict(&self, path: &[u8]) -> Verdict {
        let (folders, name) = match memchr::memrchr(b'/', path) {
            Some(slash) => (&path[..slash], &path[slash + 1..]),
            None => (&path[..0], path),
        };
        let is_in = |names: &[&str]| {
            folders
                .split(|byte| *byte == b'/')
                .any(|f| names.iter().any(|n| n.as_bytes() == f))
        };
        let vendored = self.vendor.is_match(path) || is_in(VENDORED_FOLDERS);
        if vendored {
            return Verdict::Dropped(Reason::Vendored);
        }
        if std::str::from_utf8(name).is_ok_and(is_lock_file) {
            return Verdict::Dropped(Reason::LockFile);
        }
        if is_in(GENERATED_FOLDERS) || is_sqlx_query(folders, name) {
            return Verdict::Dropped(Reason::Generated);
        }
        Verdict::Kept
    }
}

/// `.sqlx/query-<hash>.json`, which sqlx writes for offline builds.
fn is_sqlx_query(folders: &[u8], name: &[u8]) -> bool {
    let in_folder = folders == b".sqlx" || folders.ends_with(b"/.sqlx");
    in_folder && name.starts_with(b"query-") && name.ends_with(b".json")
}

fn compile(source: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(source)
        .unicode(false)
        .dot_matches_new_line(true)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::load;

    #[test]
    fn the_list_is_sorted_for_its_search() {
        assert!(LOCK_FILES.is_sorted());
    }

    #[test]
    fn paths() {
        let rules = PathRules::new(load().unwrap()).unwrap();
        let check = |path: &[u8], expected: Option<Reason>| {
            assert_eq!(
                rules.verdict(path).reason(),
                expected,
                "{}",
                String::from_utf8_lossy(path)
            );
        };
        for path in [
            "src/main.rs",
            "lib/vendoring.py",
            "src/lock.rs",
            "docs/guide.md",
            "a",
            "",
            "Cargo.lock.rs",
            "x/Manifest-vx.toml",
        ] {
            check(path.as_bytes(), None);
        }
        for path in [
            "vendor/a.go",
            "x/vendors/a.go",
            "node_modules/a/index.js",
            "third_party/x.c",
            "a/3rd-party/x.c",
            "configure",
            "js/jquery-3.1.js",
            "types/index.d.ts",
            "a/testdata/x.go",
            ".github/workflows/ci.yml",
            "gradlew",
            "Pods/A/a.m",
            "node_modules/a/package-lock.json",
            "dist/app.js",
            "css/bootstrap.min.css",
        ] {
            check(path.as_bytes(), Some(Reason::Vendored));
        }
        for path in [
            "Cargo.lock",
            "a/b/package-lock.json",
            "go.sum",
            "Manifest-v1.11.toml",
            "mise.dev.lock",
            "x.esy.lock",
        ] {
            check(path.as_bytes(), Some(Reason::LockFile));
        }
        for path in [
            "src/__generated__/q.graphql.ts",
            ".idea/workspace.xml",
            ".sqlx/query-1f.json",
        ] {
            check(path.as_bytes(), Some(Reason::Generated));
        }
        check(b"src/\xff\xfe.rs", None);
        check(b"vendor/\xff.rs", Some(Reason::Vendored));
    }
}
