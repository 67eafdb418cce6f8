//! The license that a package manifest states.

use serde_json::Value;

use super::expression::{Term, parse};
use super::names::license_named;
use super::notice::start_of;

/// How much of a manifest is read, in bytes. A longer one states nothing: a part of it would not parse.
pub(super) const MAX_MANIFEST_BYTES: usize = 1024 * 1024;

/// The license that the manifest `text` at `path` states. `None` when it states none that can be read; also for
/// `SEE LICENSE IN …` and `license-file`, which point to a text.
pub(super) fn manifest_term(path: &str, text: &str) -> Option<Term> {
    if text.len() > MAX_MANIFEST_BYTES {
        return None;
    }
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    match name.as_str() {
        "cargo.toml" => cargo(text),
        "pyproject.toml" => pyproject(text),
        "package.json" | "bower.json" => npm(text),
        "composer.json" => composer(text),
        "pom.xml" => pom(text),
        "setup.cfg" => setup_cfg(text),
        "description" => field(text, &["license:", "license:"]).and_then(r_license),
        _ if extension == "cabal" => field(text, &["license:"]).and_then(parse_name),
        _ if matches!(extension, "gemspec" | "podspec") => gemspec(text),
        _ => None,
    }
}

fn cargo(text: &str) -> Option<Term> {
    let manifest: toml::Table = text.parse().ok()?;
    let stated = |table: Option<&toml::Value>| table?.get("license")?.as_str().and_then(parse);
    stated(manifest.get("package")).or_else(|| stated(manifest.get("workspace")?.get("package")))
}

fn pyproject(text: &str) -> Option<Term> {
    let manifest: toml::Table = text.parse().ok()?;
    let project = manifest.get("project");
    let stated = project
        .and_then(|project| project.get("license"))
        .and_then(|license| match license {
            toml::Value::String(text) => parse_name(text),
            // PEP 621 allowed the whole text here; only a short one can be a name.
            toml::Value::Table(table) => table.get("text")?.as_str().and_then(parse_name),
            _ => None,
        });
    let poetry = || {
        manifest
            .get("tool")?
            .get("poetry")?
            .get("license")?
            .as_str()
            .and_then(parse_name)
    };
    let classified = || {
        let classifiers = project?.get("classifiers")?.as_array()?;
        from_classifiers(classifiers.iter().filter_map(toml::Value::as_str))
    };
    stated.or_else(poetry).or_else(classified)
}

/// Trove classifiers such as `License :: OSI Approved :: MIT License`.
fn from_classifiers<'a>(classifiers: impl Iterator<Item = &'a str>) -> Option<Term> {
    let names = classifiers.filter_map(|classifier| {
        let name = classifier.trim().strip_prefix("License ::")?;
        let name = name.rsplit("::").next().unwrap_or(name).trim();
        license_named(name).map(Term::One)
    });
    Term::all(names.collect())
}

fn npm(text: &str) -> Option<Term> {
    let manifest: Value = serde_json::from_str(text).ok()?;
    let one = |value: &Value| match value {
        Value::String(text) => parse_name(text),
        Value::Object(object) => object.get("type")?.as_str().and_then(parse_name),
        _ => None,
    };
    let listed = |value: &Value| match value {
        Value::Array(values) => all_or_none(values.iter().map(one)).and_then(Term::any),
        other => one(other),
    };
    let license = manifest.get("license").and_then(listed);
    license.or_else(|| manifest.get("licenses").and_then(listed))
}

/// Composer: a list means a choice (composer schema, `license`).
fn composer(text: &str) -> Option<Term> {
    let manifest: Value = serde_json::from_str(text).ok()?;
    match manifest.get("license")? {
        Value::String(text) => parse_name(text),
        Value::Array(values) => {
            let terms = values.iter().map(|value| value.as_str().and_then(parse_name));
            all_or_none(terms).and_then(Term::any)
        }
        _ => None,
    }
}

/// The names of all `<license>` elements of a Maven project; several mean a choice.
fn pom(text: &str) -> Option<Term> {
    let (_, rest) = text.split_once("<licenses>")?;
    let (block, _) = rest.split_once("</licenses>")?;
    let names = block.split("<license>").skip(1).map(|element| {
        let (_, name) = element.split_once("<name>")?;
        parse_name(name.split_once("</name>")?.0)
    });
    all_or_none(names).and_then(Term::any)
}

fn setup_cfg(text: &str) -> Option<Term> {
    let stated = field(text, &["license =", "license=", "license:"]).and_then(parse_name);
    stated.or_else(|| from_classifiers(text.lines()))
}

/// `spec.license = "MIT"`, `spec.licenses = ["MIT", "Ruby"]`, `s.license = { :type => "MIT" }`: the quoted names; a list
/// means a choice (guide of the Ruby gem registry).
fn gemspec(text: &str) -> Option<Term> {
    let line = text.lines().find_map(|line| {
        let line = line.trim();
        let at = line.find(".license")?;
        let (_, value) = line[at..].split_once('=')?;
        (!line.starts_with('#') && !line[..at].contains(' ')).then_some(value)
    })?;
    let (first, _) = line.split_once(":file").unwrap_or((line, ""));
    let names = first.split(['"', '\'']).skip(1).step_by(2).map(parse_name);
    all_or_none(names).and_then(Term::any)
}

/// `GPL (>= 2)`, `MIT + file LICENSE`, `Apache License (>= 2.0)`: the `License:` field of an R package.
fn r_license(stated: &str) -> Option<Term> {
    let choices = stated.split('|').map(|choice| {
        let choice = choice.split("+ file").next().unwrap_or(choice);
        let later = choice.contains(">=");
        let plain = choice.replace(['(', ')', '>', '='], " ");
        let plain = if later { format!("{plain} or later") } else { plain };
        parse_name(&plain)
    });
    all_or_none(choices).and_then(Term::any)
}

/// The value of the first line that starts with one of `keys`, in any case.
fn field<'a>(text: &'a str, keys: &[&str]) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let key = keys.iter().find(|key| {
            line.get(..key.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(key))
        })?;
        Some(line[key.len()..].trim())
    })
}

/// A short name or expression; quotes around it are cut.
fn parse_name(text: &str) -> Option<Term> {
    let text = start_of(text, 512).trim().trim_matches(['"', '\'']);
    parse(text)
}

/// All the terms, or nothing when one of them could not be read: a half-read list would be a wrong license.
fn all_or_none(terms: impl Iterator<Item = Option<Term>>) -> Option<Vec<Term>> {
    terms.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_state_their_license() {
        let check = |path: &str, text: &str, expected: Option<&str>| {
            let found = manifest_term(path, text).map(|term| term.render());
            assert_eq!(found.as_deref(), expected, "{path} {text}");
        };
        check(
            "Cargo.toml",
            "[package]\nname = \"a\"\nlicense = \"MIT/Apache-2.0\"",
            Some("MIT OR Apache-2.0"),
        );
        check(
            "Cargo.toml",
            "[workspace.package]\nlicense = \"MPL-2.0\"",
            Some("MPL-2.0"),
        );
        check(
            "Cargo.toml",
            "[package]\nlicense.workspace = true\n[workspace.package]\nlicense = \"ISC\"",
            Some("ISC"),
        );
        check("Cargo.toml", "[dependencies]\nlicense = \"MIT\"", None);
        check("Cargo.toml", "not toml [", None);
        check(
            "package.json",
            r#"{"license": "(MIT OR Apache-2.0)"}"#,
            Some("MIT OR Apache-2.0"),
        );
        check(
            "package.json",
            r#"{"license": {"type": "BSD-3-Clause", "url": "x"}}"#,
            Some("BSD-3-Clause"),
        );
        check(
            "package.json",
            r#"{"licenses": [{"type": "MIT"}, {"type": "GPL-2.0"}]}"#,
            Some("MIT OR GPL-2.0-only"),
        );
        check("package.json", r#"{"license": "SEE LICENSE IN LICENSE"}"#, None);
        check("package.json", r#"{"license": "UNLICENSED"}"#, None);
        check(
            "composer.json",
            r#"{"license": ["LGPL-2.1-only", "GPL-3.0-or-later"]}"#,
            Some("LGPL-2.1-only OR GPL-3.0-or-later"),
        );
        check(
            "pyproject.toml",
            "[project]\nlicense = \"Apache-2.0\"",
            Some("Apache-2.0"),
        );
        check(
            "pyproject.toml",
            "[project]\nlicense = {text = \"BSD 3-Clause License\"}",
            Some("BSD-3-Clause"),
        );
        check("pyproject.toml", "[tool.poetry]\nlicense = \"MIT\"", Some("MIT"));
        check(
            "pyproject.toml",
            "[project]\nclassifiers = [\"License :: OSI Approved :: MIT License\"]",
            Some("MIT"),
        );
        check(
            "setup.cfg",
            "[metadata]\nname = x\nlicense = BSD 3-Clause",
            Some("BSD-3-Clause"),
        );
        check(
            "x.gemspec",
            "Gem::Specification.new do |s|\n  s.licenses = [\"MIT\", 'Ruby']\nend",
            Some("MIT OR Ruby"),
        );
        check("x.gemspec", "  # s.license = \"MIT\"\n", None);
        check("x.cabal", "name: x\nlicense: BSD-3-Clause\n", Some("BSD-3-Clause"));
        check(
            "pom.xml",
            "<project><licenses><license><name>Apache License, Version 2.0</name></license></licenses></project>",
            Some("Apache-2.0"),
        );
        check(
            "DESCRIPTION",
            "Package: x\nLicense: GPL (>= 2)\n",
            Some("GPL-2.0-or-later"),
        );
        check("DESCRIPTION", "Package: x\nLicense: MIT + file LICENSE\n", Some("MIT"));
        check("other.txt", "license = MIT", None);
        check("package.json", &"[".repeat(100_000), None);
        check("Cargo.toml", &format!("a = {}", "[".repeat(100_000)), None);
    }
}
