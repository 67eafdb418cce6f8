//! Joining the evidence of one repository.

use codelupe_core::{LicenseClass, SpdxExpression};
use serde::{Deserialize, Serialize};

use super::class::class_of_term;
use super::detector::LicenseDetector;
use super::expression::{Term, parse};
use super::manifest::manifest_term;
use super::path::{choice_suffix, is_license_file, is_manifest, promises_license, reuse_id};

/// What a license file counts as when its text is not known.
pub(super) const UNKNOWN_LICENSE: &str = "LicenseRef-unknown";

/// The least number of words of a text that can be a license.
const MIN_LICENSE_WORDS: usize = 5;

/// A file that may speak about the license of its repository.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// Its path from the root, with `/`.
    pub path: &'a str,
    /// Its content.
    pub text: &'a str,
}

/// What one file said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvidenceRecord {
    /// Its path from the root.
    pub path: String,
    /// The license; [`UNKNOWN_LICENSE`] for a license file with a text that is not known.
    pub expression: SpdxExpression,
    /// As in [`super::Identified::score`]; 1 for a manifest, 0 for an unknown text.
    pub score: f32,
    /// `license_file` or `manifest`.
    pub source: String,
}

/// The license of a repository and where it was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RepositoryLicense {
    /// The license; `None` when nothing was found.
    pub expression: Option<SpdxExpression>,
    /// Its class; [`LicenseClass::None`] when nothing was found.
    pub class: LicenseClass,
    /// Every file that spoke, in the order given.
    pub evidence: Vec<EvidenceRecord>,
}

struct Found {
    path: String,
    term: Term,
    score: f32,
    is_file: bool,
}

/// The license of a repository from its license files and manifests; other paths are passed over.
///
/// - License files of which every one is named after its license (`LICENSE-MIT`, `LICENSE-APACHE`) are a choice (`OR`).
///   Otherwise all of them apply (`AND`). `COPYING` beside `COPYING.LESSER` is the LGPL alone, which builds on the GPL.
/// - `COPYRIGHT` and `PATENTS` count only where no other license file stands.
/// - Manifests: all apply.
/// - When the manifest names every license of the files, its expression stands: it says how they are joined.
/// - When they disagree, the one with the stricter class stands; in the same class, the files.
pub fn repository_license(detector: &LicenseDetector, evidence: &[Evidence<'_>]) -> RepositoryLicense {
    let found: Vec<Found> = evidence.iter().filter_map(|file| look_at(detector, file)).collect();
    let files = join_files(&found);
    let manifests = Term::all(
        found
            .iter()
            .filter(|found| !found.is_file)
            .map(|found| found.term.clone())
            .collect(),
    );
    let term = match (files, manifests) {
        (Some(files), Some(manifest)) => Some(agree(files, manifest)),
        (files, manifest) => files.or(manifest),
    };
    RepositoryLicense {
        class: term.as_ref().map_or(LicenseClass::None, class_of_term),
        expression: term.map(|term| SpdxExpression::new(term.render())),
        evidence: found.into_iter().map(record).collect(),
    }
}

fn record(found: Found) -> EvidenceRecord {
    EvidenceRecord {
        path: found.path,
        expression: SpdxExpression::new(found.term.render()),
        score: found.score,
        source: if found.is_file { "license_file" } else { "manifest" }.to_owned(),
    }
}

fn look_at(detector: &LicenseDetector, file: &Evidence<'_>) -> Option<Found> {
    let is_file = is_license_file(file.path.as_bytes());
    let (term, score) = if is_file {
        look_at_license_file(detector, file)?
    } else if is_manifest(file.path.as_bytes()) {
        (manifest_term(file.path, file.text)?, 1.0)
    } else {
        return None;
    };
    Some(Found {
        path: file.path.to_owned(),
        term,
        score,
        is_file,
    })
}

fn look_at_license_file(detector: &LicenseDetector, file: &Evidence<'_>) -> Option<(Term, f32)> {
    if let Some(id) = reuse_id(file.path) {
        if spdx::exception_id(id).is_some() {
            return None;
        }
        if let Some(term) = parse(id) {
            return Some((term, 1.0));
        }
    }
    let identified = detector.identify_term(file.text);
    let unknown = || (Term::One(UNKNOWN_LICENSE.to_owned()), 0.0);
    // Fewer words are a link that was checked out as text (`../LICENSE`), or a heading.
    let says_something = file.text.split_whitespace().take(MIN_LICENSE_WORDS).count() == MIN_LICENSE_WORDS;
    identified.or_else(|| (says_something && promises_license(file.path)).then(unknown))
}

fn join_files(found: &[Found]) -> Option<Term> {
    let mut files: Vec<&Found> = found.iter().filter(|found| found.is_file).collect();
    if files.iter().any(|file| promises_license(&file.path)) {
        files.retain(|file| promises_license(&file.path));
    }
    let mut terms: Vec<Term> = files.iter().map(|file| file.term.clone()).collect();
    drop_gpl_below_lgpl(&mut terms);
    let named = files.iter().filter(|file| reuse_id(&file.path).is_none());
    let is_choice = files.len() > 1
        && named.clone().count() == files.len()
        && files.iter().all(|file| is_named_choice(file, &files));
    if is_choice { Term::any(terms) } else { Term::all(terms) }
}

/// Whether a file is one of a choice: named after a license, or a pointer (`COPYRIGHT`, `LICENSE`) that names only licenses of
/// which the others have the texts.
fn is_named_choice(file: &Found, files: &[&Found]) -> bool {
    if choice_suffix(&file.path).is_some() {
        return true;
    }
    let others: Vec<&str> = files
        .iter()
        .filter(|other| choice_suffix(&other.path).is_some())
        .flat_map(|other| other.term.licenses())
        .collect();
    others.len() > 1 && file.term.licenses().iter().all(|license| others.contains(license))
}

/// The LGPL-3.0 is written as permissions on top of the GPL-3.0, so its users ship both texts.
fn drop_gpl_below_lgpl(terms: &mut Vec<Term>) {
    let is = |term: &Term, family: &str| matches!(term, Term::One(id) if id.starts_with(family));
    if terms.iter().any(|term| is(term, "LGPL-")) {
        terms.retain(|term| !is(term, "GPL-"));
    }
}

fn agree(files: Term, manifest: Term) -> Term {
    let stated: Vec<&str> = manifest.licenses().into_iter().map(family).collect();
    if files
        .licenses()
        .into_iter()
        .all(|license| stated.contains(&family(license)))
    {
        return manifest;
    }
    if class_of_term(&manifest) > class_of_term(&files) {
        manifest
    } else {
        files
    }
}

/// An id without what a license text alone does not say: `-only`, `-or-later`, `+`, an exception.
fn family(license: &str) -> &str {
    let id = license.split(" WITH ").next().unwrap_or(license);
    let id = id.trim_end_matches('+');
    id.strip_suffix("-only")
        .or_else(|| id.strip_suffix("-or-later"))
        .unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(id: &str) -> &'static str {
        spdx::license_id(id).unwrap().text()
    }

    fn check(files: &[(&str, &str)], expected: &str, class: LicenseClass) {
        static DETECTOR: std::sync::OnceLock<LicenseDetector> = std::sync::OnceLock::new();
        let evidence: Vec<Evidence<'_>> = files.iter().map(|&(path, text)| Evidence { path, text }).collect();
        let found = repository_license(DETECTOR.get_or_init(LicenseDetector::default), &evidence);
        let expression = found.expression.as_ref().map_or("", SpdxExpression::as_str);
        assert_eq!(expression, expected, "{:?}", found.evidence);
        assert_eq!(found.class, class, "{expected:?}");
    }

    fn cargo(license: &str) -> String {
        format!("[package]\nlicense = \"{license}\"\n")
    }

    #[test]
    fn files_are_joined() {
        use LicenseClass::{Copyleft, None as NoLicense, Other, Permissive, WeakCopyleft};
        let (mit, apache) = (text_of("MIT"), text_of("Apache-2.0"));
        let (gpl, lgpl) = (text_of("GPL-3.0-only"), text_of("LGPL-3.0-only"));
        let odd = "You may look at this code on Mondays.";
        check(&[], "", NoLicense);
        check(&[("src/LICENSE", mit), ("main.rs", mit)], "", NoLicense);
        check(&[("LICENSE", mit)], "MIT", Permissive);
        let both = [("LICENSE-MIT", mit), ("LICENSE-APACHE", apache)];
        check(&both, "MIT OR Apache-2.0", Permissive);
        let with_gpl = [("LICENSE-MIT", mit), ("LICENSE-GPL", gpl)];
        check(&with_gpl, "MIT OR GPL-3.0-only", Permissive);
        check(&[("LICENSE", mit), ("COPYING", gpl)], "MIT AND GPL-3.0-only", Copyleft);
        let one_plain = [("LICENSE", mit), ("LICENSE-APACHE", apache)];
        check(&one_plain, "MIT AND Apache-2.0", Permissive);
        let lesser = [("COPYING", gpl), ("COPYING.LESSER", lgpl)];
        check(&lesser, "LGPL-3.0-only", WeakCopyleft);
        let reuse = [("LICENSES/MIT.txt", mit), ("LICENSES/GPL-2.0-or-later.txt", "")];
        check(&reuse, "MIT AND GPL-2.0-or-later", Copyleft);
        check(&[("LICENSE", odd)], UNKNOWN_LICENSE, Other);
        check(
            &[("COPYRIGHT", "Copyright 2020 Ann"), ("LICENSE", mit)],
            "MIT",
            Permissive,
        );
        let parts = [("COPYRIGHT", "Parts are under the GPL version 2"), ("LICENSE", mit)];
        check(&parts, "MIT", Permissive);
        let pointer = [("LICENSE", "MIT OR Apache-2.0"), both[0], both[1]];
        check(&pointer, "MIT OR Apache-2.0", Permissive);
    }

    #[test]
    fn files_and_manifests_are_joined() {
        use LicenseClass::{Copyleft, Other, Permissive, WeakCopyleft};
        let (mit, apache, gpl) = (text_of("MIT"), text_of("Apache-2.0"), text_of("GPL-3.0-only"));
        let odd = "You may look at this code on Mondays.";
        let with = |name: &str, text: &str, stated: &str, expected: &str, class| {
            check(&[(name, text), ("Cargo.toml", &cargo(stated))], expected, class);
        };
        let manifest = cargo("Apache-2.0 OR MIT");
        let all = [
            ("LICENSE-MIT", mit),
            ("LICENSE-APACHE", apache),
            ("Cargo.toml", manifest.as_str()),
        ];
        check(&all, "Apache-2.0 OR MIT", Permissive);
        with("LICENSE", gpl, "MIT", "GPL-3.0-only", Copyleft);
        with("LICENSE", mit, "GPL-3.0-only", "GPL-3.0-only", Copyleft);
        with("COPYING", gpl, "GPL-3.0-or-later", "GPL-3.0-or-later", Copyleft);
        with(
            "LICENSE-MIT",
            mit,
            "MIT OR GPL-2.0-only",
            "MIT OR GPL-2.0-only",
            Permissive,
        );
        with("LICENSE", odd, "MIT", UNKNOWN_LICENSE, Other);
        with("LICENSE", "../LICENSE", "ISC", "ISC", Permissive);
        with("LICENSE", "  \n", "ISC", "ISC", Permissive);
        check(&[("Cargo.toml", &cargo("MPL-2.0"))], "MPL-2.0", WeakCopyleft);
    }

    #[test]
    fn both_sides_of_a_conflict_are_kept_as_evidence() {
        let detector = LicenseDetector::new().unwrap();
        let evidence = [
            Evidence {
                path: "COPYING",
                text: text_of("GPL-2.0-only"),
            },
            Evidence {
                path: "package.json",
                text: r#"{"license": "MIT"}"#,
            },
        ];
        let found = repository_license(&detector, &evidence);
        let kept: Vec<(&str, &str)> = found
            .evidence
            .iter()
            .map(|record| (record.source.as_str(), record.expression.as_str()))
            .collect();
        assert_eq!(kept, [("license_file", "GPL-2.0-only"), ("manifest", "MIT")]);
    }
}
