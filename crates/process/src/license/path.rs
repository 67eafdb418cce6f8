//! Which files of a repository speak about its license.

/// Base names, in lower case, that name a license file on their own or before a `-`, `_` or `.`.
///
/// The union of what GitHub's licensee and go-license-detector look for, without `README` and `NOTICE`:
/// those speak about licenses and are none.
const STEMS: [&str; 9] = [
    "license",
    "licence",
    "licenses",
    "licences",
    "copying",
    "unlicense",
    "unlicence",
    "copyright",
    "patents",
];

/// Endings of names such as `MIT-LICENSE` or `apache_license.txt`.
const TAILS: [&str; 6] = ["-license", "-licence", "_license", "_licence", ".license", "-copying"];

/// Extensions of license files that are texts. Anything else after the last dot, such as `LICENSE.rs`, is code,
/// unless it names a license (`COPYING.LESSER`, `LICENSE.MIT`).
const CODE_EXTENSIONS: [&str; 24] = [
    "rs", "py", "js", "ts", "go", "c", "h", "cc", "cpp", "java", "rb", "php", "sh", "json", "yml", "yaml", "toml",
    "xml", "png", "svg", "pdf", "jsx", "tsx", "cs",
];

/// Words in the name that say the file is about other people's code, which does not decide this repository's license.
const FOREIGN: [&str; 6] = ["third", "3rd", "vendor", "dependenc", "bundled", "header"];

/// Base names of manifests, in lower case, at the root of a repository.
const MANIFESTS: [&str; 8] = [
    "cargo.toml",
    "package.json",
    "pyproject.toml",
    "setup.cfg",
    "composer.json",
    "bower.json",
    "pom.xml",
    "description",
];

/// Endings of manifest names.
const MANIFEST_ENDINGS: [&str; 3] = [".gemspec", ".cabal", ".podspec"];

/// Whether `path` (relative to the root, `/` between segments) is a file that decides the repository's license.
///
/// At the root: `LICENSE`, `LICENCE`, `LICENSES`, `COPYING`, `COPYRIGHT`, `UNLICENSE` or `PATENTS` in any case, alone
/// or followed by `-`, `_` or `.` and more (`LICENSE-MIT`, `LICENSE.md`, `COPYING.LESSER`), and `MIT-LICENSE` or
/// `MIT_LICENSE.txt`. Under `LICENSES/`: `*.txt` and `*.md` (REUSE). Names with a source-code extension and names about third
/// parties (`LICENSE-3RD-PARTY`) are none.
pub fn is_license_file(path: &[u8]) -> bool {
    let Ok(path) = std::str::from_utf8(path) else {
        return false;
    };
    match path.split_once('/') {
        None => is_license_name(&path.to_ascii_lowercase()),
        Some((folder, name)) => folder.eq_ignore_ascii_case("licenses") && is_reuse_name(name),
    }
}

/// Whether `path` is a package manifest at the root that may state a license: `Cargo.toml`, `package.json`,
/// `pyproject.toml`, `setup.cfg`, `composer.json`, `bower.json`, `pom.xml`, `DESCRIPTION` (R), `*.gemspec`, `*.cabal`,
/// `*.podspec`.
pub fn is_manifest(path: &[u8]) -> bool {
    let Ok(path) = std::str::from_utf8(path) else {
        return false;
    };
    let name = path.to_ascii_lowercase();
    !name.contains('/')
        && (MANIFESTS.contains(&name.as_str()) || MANIFEST_ENDINGS.iter().any(|ending| name.ends_with(ending)))
}

/// The SPDX id that a file of a REUSE folder is named after, such as `MIT` for `LICENSES/MIT.txt`.
pub(super) fn reuse_id(path: &str) -> Option<&str> {
    let (folder, name) = path.split_once('/')?;
    let (stem, _) = name.rsplit_once('.')?;
    folder.eq_ignore_ascii_case("licenses").then_some(stem)
}

/// Whether the name promises a license text, so that not knowing the text means an unknown license.
/// `COPYRIGHT` and `PATENTS` often hold only names or grants.
pub(super) fn promises_license(path: &str) -> bool {
    let name = path.to_ascii_lowercase();
    !name.starts_with("copyright") && !name.starts_with("patents")
}

/// What follows the stem in `LICENSE-MIT`, or stands before it in `MIT-LICENSE`: the choice that the file is one of.
pub(super) fn choice_suffix(path: &str) -> Option<String> {
    let name = path.to_ascii_lowercase();
    let name = ["txt", "md", "rst", "html"]
        .iter()
        .find_map(|extension| name.strip_suffix(extension)?.strip_suffix('.'))
        .unwrap_or(&name);
    let after = STEMS
        .iter()
        .find_map(|stem| name.strip_prefix(stem)?.strip_prefix(['-', '_', '.']));
    let before = || TAILS.iter().find_map(|tail| name.strip_suffix(tail));
    after.or_else(before).filter(|rest| !rest.is_empty()).map(str::to_owned)
}

fn is_license_name(name: &str) -> bool {
    if FOREIGN.iter().any(|word| name.contains(word)) {
        return false;
    }
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    if CODE_EXTENSIONS.contains(&extension) {
        return false;
    }
    let starts = STEMS.iter().any(|stem| {
        name.strip_prefix(stem)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_', '.']))
    });
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    starts || TAILS.iter().any(|tail| name.ends_with(tail) || stem.ends_with(tail))
}

fn is_reuse_name(name: &str) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    !name.contains('/') && extension.is_some_and(|e| e.eq_ignore_ascii_case("txt") || e.eq_ignore_ascii_case("md"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn license_files_are_told_by_name_and_place() {
        let check = |path: &str, expected: bool| assert_eq!(is_license_file(path.as_bytes()), expected, "{path}");
        for yes in [
            "LICENSE",
            "licence",
            "License.txt",
            "LICENSE.md",
            "LICENSE-MIT",
            "LICENSE_APACHE",
            "COPYING",
            "COPYING.LESSER",
            "COPYING.LIB",
            "UNLICENSE",
            "COPYRIGHT",
            "MIT-LICENSE",
            "MIT-LICENSE.txt",
            "LICENSES/MIT.txt",
            "LICENSE.Apache-2.0",
            "LICENSE-2.0.txt",
        ] {
            check(yes, true);
        }
        for no in [
            "src/LICENSE",
            "vendor/x/LICENSE",
            "license.rs",
            "LICENSE.json",
            "LICENSE-3RD-PARTY",
            "LICENSE-THIRD-PARTY.md",
            "README.md",
            "NOTICE",
            "LICENSES/a/MIT.txt",
            "LICENSES/readme",
            "licensed",
            "",
            "licenseplate.txt",
        ] {
            check(no, false);
        }
        assert!(!is_license_file(b"LICENSE\xff"));
    }

    #[test]
    fn manifests_are_told_by_name_at_the_root_only() {
        for yes in [
            "Cargo.toml",
            "package.json",
            "pyproject.toml",
            "composer.json",
            "x.gemspec",
            "pom.xml",
            "a.cabal",
        ] {
            assert!(is_manifest(yes.as_bytes()), "{yes}");
        }
        for no in ["crates/a/Cargo.toml", "package-lock.json", "main.rs", "gemspec"] {
            assert!(!is_manifest(no.as_bytes()), "{no}");
        }
    }

    #[test]
    fn the_suffix_of_a_choice() {
        let check = |path: &str, expected: Option<&str>| assert_eq!(choice_suffix(path).as_deref(), expected, "{path}");
        check("LICENSE-MIT", Some("mit"));
        check("LICENSE-APACHE.txt", Some("apache"));
        check("LICENSE.Apache-2.0", Some("apache-2.0"));
        check("MIT-LICENSE.md", Some("mit"));
        check("LICENSE", None);
        check("LICENSE.md", None);
    }
}
