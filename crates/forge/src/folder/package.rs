//! What an unpacked crate says about itself.

use std::os::fd::OwnedFd;

use codelupe_core::RepoName;
use serde::Deserialize;

use crate::beneath;
use crate::public_url::public_url;

/// The largest `Cargo.toml` or `.cargo_vcs_info.json` that is read, in bytes.
const MAX_MANIFEST_BYTES: u64 = 1 << 20;

/// What is known about an unpacked crate. Whatever its files do not say, or say wrongly, is `None`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Package {
    /// The name without the version.
    pub(crate) name: Option<String>,
    /// The address of its repository, without credentials.
    pub(crate) origin: Option<String>,
    /// The commit that it was packed from.
    pub(crate) commit: Option<String>,
}

impl Package {
    /// Reads `Cargo.toml` and `.cargo_vcs_info.json` in `root`; `folder` helps out with the name.
    pub(crate) fn read(root: &OwnedFd, folder: &RepoName) -> Self {
        let manifest = text(root, b"Cargo.toml").and_then(|text| toml::from_str::<Manifest>(&text).ok());
        let info = text(root, b".cargo_vcs_info.json").and_then(|text| serde_json::from_str::<VcsInfo>(&text).ok());
        let (name, repository) = manifest
            .map(|manifest| (manifest.package.name, manifest.package.repository))
            .unwrap_or_default();
        Self {
            name: name
                .filter(|name| is_crate_name(name))
                .or_else(|| Some(name_without_version(folder.as_str()).to_owned())),
            origin: repository.and_then(|url| public_url(url.as_bytes())),
            commit: info.map(|info| info.git.sha1).filter(|id| is_commit(id)),
        }
    }
}

#[derive(Deserialize)]
struct Manifest {
    package: ManifestPackage,
}

#[derive(Deserialize)]
struct ManifestPackage {
    #[serde(default)]
    name: Option<String>,
    #[serde(default, deserialize_with = "string_or_nothing")]
    repository: Option<String>,
}

/// A manifest from before normalization may say `repository.workspace = true`.
fn string_or_nothing<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(toml::Value::deserialize(deserializer)?.as_str().map(str::to_owned))
}

/// The file that `cargo package` writes.
#[derive(Deserialize)]
struct VcsInfo {
    git: VcsGit,
}

#[derive(Deserialize)]
struct VcsGit {
    sha1: String,
}

fn text(root: &OwnedFd, name: &[u8]) -> Option<String> {
    let content = beneath::read_small(root, name, MAX_MANIFEST_BYTES).ok()??;
    String::from_utf8(content).ok()
}

/// The rule of cargo for package names, as far as it keeps a name printable.
fn is_crate_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

fn is_commit(id: &str) -> bool {
    id.len() == 40 && id.bytes().all(|b| b.is_ascii_hexdigit())
}

/// `serde` of `owner/serde-1.0.229`: the last segment up to the first `-` that a digit and a dot-separated rest follow.
fn name_without_version(folder: &str) -> &str {
    let name = folder.rsplit('/').next().unwrap_or(folder);
    let starts_version = |rest: &str| {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        digits > 0 && rest[digits..].starts_with('.')
    };
    name.match_indices('-')
        .find(|(dash, _)| *dash > 0 && starts_version(&name[dash + 1..]))
        .map_or(name, |(dash, _)| &name[..dash])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_names_lose_their_version() {
        let check = |folder: &str, expected: &str| assert_eq!(name_without_version(folder), expected);
        check("serde-1.0.229", "serde");
        check("index/serde-1.0.229", "serde");
        check("sha-1-0.10.1", "sha-1");
        check("arrow-60.1.0", "arrow");
        check("zstd-sys-2.1.3+zstd.1.5.7", "zstd-sys");
        check("libc-1.0.0-alpha.5", "libc");
        check("x86-64", "x86-64");
        check("-1.0", "-1.0");
        check("plain", "plain");
    }

    #[test]
    fn files_that_lie_or_break_say_nothing() {
        let check = |manifest: &str, info: &str, expected: Package| {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
            std::fs::write(folder.path().join(".cargo_vcs_info.json"), info).unwrap();
            let root = beneath::open_root(folder.path()).unwrap();
            assert_eq!(Package::read(&root, &"a-1.0.0".parse().unwrap()), expected);
        };
        let commit = "0123456789abcdef0123456789abcdef01234567";
        check(
            "[package]\nname = \"real_name\"\nrepository = \"https://u:p@example.org/a/b\"",
            &format!("{{\"git\":{{\"sha1\":\"{commit}\"}},\"path_in_vcs\":\"\"}}"),
            Package {
                name: Some("real_name".into()),
                origin: Some("https://example.org/a/b".into()),
                commit: Some(commit.into()),
            },
        );
        let nothing = || Package {
            name: Some("a".into()),
            origin: None,
            commit: None,
        };
        check("not toml", "not json", nothing());
        check(
            "[package]\nname = \"a\\u001b\"\nrepository.workspace = true",
            "{}",
            nothing(),
        );
        check("[package]", "{\"git\":{\"sha1\":\"xyz\"}}", nothing());
        check(&"[".repeat(100_000), &"[".repeat(100_000), nothing());
    }
}
