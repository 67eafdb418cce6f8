//! Whether the license of every dependency lets us use it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::Context;
use spdx::{Expression, ParseMode};

use crate::cargo::Workspace;

/// One SPDX id a line; and `package: EXPRESSION` for a package that states none that can be read.
const ALLOWED: &str = "xtask/allow-licenses.txt";

/// What may be used.
#[derive(Debug, Default, PartialEq, Eq)]
struct Allowed<'a> {
    licenses: BTreeSet<&'a str>,
    stated: BTreeMap<&'a str, &'a str>,
}

/// Checks every dependency of the workspace that this platform needs.
pub(crate) fn check(workspace: &Workspace) -> anyhow::Result<Vec<String>> {
    let text = fs::read_to_string(workspace.root.join(ALLOWED)).context(ALLOWED)?;
    let allowed = parse(&text);
    let findings = workspace.others.iter().filter_map(|package| {
        let why = refusal(&allowed, &package.name, package.license.as_deref())?;
        Some(format!("{} {}: {why}", package.name, package.version))
    });
    println!("{} dependencies", workspace.others.len());
    Ok(findings.collect())
}

fn parse(text: &str) -> Allowed<'_> {
    let mut allowed = Allowed::default();
    let lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim());
    for line in lines.filter(|line| !line.is_empty()) {
        match line.split_once(": ") {
            Some((package, expression)) => {
                allowed.stated.insert(package, expression.trim());
            }
            None => {
                allowed.licenses.insert(line);
            }
        }
    }
    allowed
}

/// Why a package may not be used.
fn refusal(allowed: &Allowed<'_>, name: &str, license: Option<&str>) -> Option<String> {
    let Some(text) = allowed.stated.get(name).copied().or(license) else {
        return Some(format!(
            "states no license: read it and add `{name}: EXPRESSION` to {ALLOWED}"
        ));
    };
    match Expression::parse_mode(text, ParseMode::LAX) {
        Err(_) => Some(format!(
            "`{text}` is not an SPDX expression: add `{name}: EXPRESSION` to {ALLOWED}"
        )),
        Ok(expression) => {
            let satisfied = expression.evaluate(|license| allowed.licenses.contains(license.to_string().as_str()));
            (!satisfied).then(|| format!("`{text}` is not satisfied by the licenses in {ALLOWED}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(license: Option<&str>, expected: &str) {
        let text = "# list\nMIT\nApache-2.0 # comment\nApache-2.0 WITH LLVM-exception\nodd: MIT\n";
        let found = refusal(&parse(text), "plain", license).unwrap_or_default();
        assert!(
            found.contains(expected) && found.is_empty() == expected.is_empty(),
            "{license:?}: {found}"
        );
    }

    #[test]
    fn an_expression_needs_a_choice_that_is_allowed() {
        check(Some("MIT"), "");
        check(Some("MIT/Apache-2.0"), "");
        check(Some("GPL-3.0-only OR MIT"), "");
        check(Some("Apache-2.0 WITH LLVM-exception OR GPL-2.0-only"), "");
        check(Some("MIT AND GPL-3.0-only"), "not satisfied");
        check(Some("GPL-3.0-only WITH Classpath-exception-2.0"), "not satisfied");
        check(Some("free as in beer"), "not an SPDX expression");
        check(None, "states no license");
    }

    #[test]
    fn a_stated_license_stands_for_the_package() {
        let allowed = parse("MIT\nodd: MIT");
        assert_eq!(refusal(&allowed, "odd", None), None);
        assert_eq!(refusal(&allowed, "odd", Some("Odd")), None);
    }
}
