//! SPDX license expressions: parsing what people write, and writing it down in one form.

use codelupe_core::SpdxExpression;
use spdx::expression::{ExprNode, Operator};
use spdx::{Expression, LicenseReq, ParseMode};

use super::names::license_named;

/// The longest expression that is read, in bytes. The longest in use have a few hundred.
const MAX_EXPRESSION_BYTES: usize = 1024;

/// What manifests write beyond the specification: `MIT/Apache-2.0`, `GPL-2.0+`, deprecated ids.
const LENIENT: ParseMode = ParseMode {
    allow_slash_as_or_operator: true,
    allow_imprecise_license_names: false,
    allow_postfix_plus_on_gpl: true,
    allow_deprecated: true,
    allow_unknown: false,
};

/// Reads a license expression as manifests write it and returns it in SPDX form.
///
/// Accepts SPDX expressions, `/` for `OR`, `GPL-2.0+`, deprecated ids, and single or listed names such as
/// `Apache License, Version 2.0`. `None` when some part of it names no license.
pub fn parse_expression(text: &str) -> Option<SpdxExpression> {
    parse(text).map(|term| SpdxExpression::new(term.render()))
}

/// An expression as a tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Term {
    /// One license, with its exception if any.
    One(String),
    /// All of them apply.
    All(Vec<Term>),
    /// One of them may be chosen.
    Any(Vec<Term>),
}

impl Term {
    /// All of `terms`, each once, flat; `None` for no terms.
    pub(super) fn all(terms: Vec<Self>) -> Option<Self> {
        Self::join(terms, true)
    }

    /// Any of `terms`, each once, flat; `None` for no terms.
    pub(super) fn any(terms: Vec<Self>) -> Option<Self> {
        Self::join(terms, false)
    }

    /// The expression as text, with the parentheses that it needs.
    pub(super) fn render(&self) -> String {
        match self {
            Self::One(id) => id.clone(),
            Self::Any(terms) => terms.iter().map(Self::render).collect::<Vec<_>>().join(" OR "),
            Self::All(terms) => {
                let parts = terms.iter().map(|term| match term {
                    Self::Any(_) => format!("({})", term.render()),
                    _ => term.render(),
                });
                parts.collect::<Vec<_>>().join(" AND ")
            }
        }
    }

    /// The licenses in it, from left to right.
    pub(super) fn licenses(&self) -> Vec<&str> {
        match self {
            Self::One(id) => vec![id],
            Self::All(terms) | Self::Any(terms) => terms.iter().flat_map(Self::licenses).collect(),
        }
    }

    /// Whether both say the same, in any order.
    fn means(&self, other: &Self) -> bool {
        self.sorted() == other.sorted()
    }

    fn sorted(&self) -> Self {
        let sort = |terms: &[Self]| {
            let mut terms: Vec<Self> = terms.iter().map(Self::sorted).collect();
            terms.sort();
            terms
        };
        match self {
            Self::One(id) => Self::One(id.clone()),
            Self::All(terms) => Self::All(sort(terms)),
            Self::Any(terms) => Self::Any(sort(terms)),
        }
    }

    fn join(terms: Vec<Self>, all: bool) -> Option<Self> {
        let mut flat: Vec<Self> = Vec::new();
        for term in terms {
            let parts = match (term, all) {
                (Self::All(inner), true) | (Self::Any(inner), false) => inner,
                (other, _) => vec![other],
            };
            for part in parts {
                if !flat.iter().any(|known| known.means(&part)) {
                    flat.push(part);
                }
            }
        }
        match flat.len() {
            0 | 1 => flat.pop(),
            _ if all => Some(Self::All(flat)),
            _ => Some(Self::Any(flat)),
        }
    }
}

/// Reads an expression into a tree.
pub(super) fn parse(text: &str) -> Option<Term> {
    let text = text.trim();
    if text.is_empty() || text.len() > MAX_EXPRESSION_BYTES {
        return None;
    }
    if let Ok(expression) = Expression::parse_mode(text, LENIENT) {
        return tree(&expression);
    }
    parse_list(text).or_else(|| license_named(text).map(Term::One))
}

/// A license id in the form of this project: GNU ids say `-only` or `-or-later`.
pub(super) fn canonical_id(id: &str) -> String {
    let bare_gnu = spdx::license_id(id).is_some_and(|id| id.is_gnu() && id.is_deprecated());
    match id.strip_suffix('+') {
        Some(base) if bare_gnu => format!("{base}-or-later"),
        None if bare_gnu && !id.contains("-with-") => format!("{id}-only"),
        _ => id.to_owned(),
    }
}

/// The postfix nodes of an expression as a tree.
fn tree(expression: &Expression) -> Option<Term> {
    let mut stack: Vec<Term> = Vec::new();
    for node in expression.iter() {
        let term = match node {
            ExprNode::Req(requirement) => requirement_term(&requirement.req),
            ExprNode::Op(operator) => {
                let right = stack.pop()?;
                let left = stack.pop()?;
                match operator {
                    Operator::And => Term::all(vec![left, right])?,
                    Operator::Or => Term::any(vec![left, right])?,
                }
            }
        };
        stack.push(term);
    }
    let root = stack.pop()?;
    stack.is_empty().then_some(root)
}

fn requirement_term(requirement: &LicenseReq) -> Term {
    let text = requirement.to_string();
    let (license, exception) = match text.split_once(" WITH ") {
        Some((license, exception)) => (license, Some(exception)),
        None => (text.as_str(), None),
    };
    let license = canonical_id(license);
    if let Some((base, alias)) = DEPRECATED_WITH
        .iter()
        .find(|(old, _)| *old == license)
        .map(|(_, new)| *new)
    {
        return Term::One(format!("{base} WITH {alias}"));
    }
    match exception {
        Some(exception) => Term::One(format!("{license} WITH {exception}")),
        None => Term::One(license),
    }
}

/// Deprecated ids that hold an exception (SPDX license list, deprecated section).
const DEPRECATED_WITH: [(&str, (&str, &str)); 8] = [
    ("GPL-2.0-with-GCC-exception", ("GPL-2.0-only", "GCC-exception-2.0")),
    (
        "GPL-2.0-with-autoconf-exception",
        ("GPL-2.0-only", "Autoconf-exception-2.0"),
    ),
    ("GPL-2.0-with-bison-exception", ("GPL-2.0-only", "Bison-exception-2.2")),
    (
        "GPL-2.0-with-classpath-exception",
        ("GPL-2.0-only", "Classpath-exception-2.0"),
    ),
    ("GPL-2.0-with-font-exception", ("GPL-2.0-only", "Font-exception-2.0")),
    ("GPL-3.0-with-GCC-exception", ("GPL-3.0-only", "GCC-exception-3.1")),
    (
        "GPL-3.0-with-autoconf-exception",
        ("GPL-3.0-only", "Autoconf-exception-3.0"),
    ),
    ("eCos-2.0", ("GPL-2.0-or-later", "eCos-exception-2.0")),
];

/// `MIT, Apache 2.0`, `MIT or GPLv3`, `BSD | MIT`: a list of names. A comma, `or`, `/` or `|` is a choice.
fn parse_list(text: &str) -> Option<Term> {
    let lower = text.to_ascii_lowercase();
    let conjunction = lower.contains(" and ") || lower.contains('&');
    let separators: &[&str] = if conjunction {
        &[" and ", "&", ","]
    } else {
        &[" or ", "/", "|", ";", ","]
    };
    let mut parts = vec![text];
    for separator in separators {
        parts = parts
            .into_iter()
            .flat_map(|part| split_ignoring_case(part, separator))
            .collect();
    }
    if parts.len() < 2 {
        return None;
    }
    let terms: Option<Vec<Term>> = parts.into_iter().map(one_of_list).collect();
    if conjunction {
        Term::all(terms?)
    } else {
        Term::any(terms?)
    }
}

fn one_of_list(part: &str) -> Option<Term> {
    let part = part.trim().trim_matches(['(', ')']);
    match Expression::parse_mode(part, LENIENT) {
        Ok(expression) => tree(&expression),
        Err(_) => license_named(part).map(Term::One),
    }
}

/// Splits at an ASCII separator in any case; positions are the same in the lower-case copy.
fn split_ignoring_case<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let lower = text.to_ascii_lowercase();
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, _) in lower.match_indices(separator) {
        parts.push(&text[start..at]);
        start = at + separator.len();
    }
    parts.push(&text[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_manifests_write_becomes_spdx() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(
                parse_expression(text).as_ref().map(SpdxExpression::as_str),
                expected,
                "{text:?}"
            );
        };
        check("MIT", Some("MIT"));
        check("MIT/Apache-2.0", Some("MIT OR Apache-2.0"));
        check("Apache-2.0 / MIT", Some("Apache-2.0 OR MIT"));
        check("MIT OR Apache-2.0 OR MIT", Some("MIT OR Apache-2.0"));
        check(
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            Some("(MIT OR Apache-2.0) AND Unicode-3.0"),
        );
        check(
            "Apache-2.0 WITH LLVM-exception OR MIT",
            Some("Apache-2.0 WITH LLVM-exception OR MIT"),
        );
        check("GPL-2.0+", Some("GPL-2.0-or-later"));
        check("GPL-3.0", Some("GPL-3.0-only"));
        check(
            "GPL-2.0-with-classpath-exception",
            Some("GPL-2.0-only WITH Classpath-exception-2.0"),
        );
        check("MPL-1.1+", Some("MPL-1.1+"));
        check("The MIT License (MIT)", Some("MIT"));
        check("Apache License, Version 2.0", Some("Apache-2.0"));
        check("GNU GPL v2", Some("GPL-2.0-only"));
        check("GPLv3+", Some("GPL-3.0-or-later"));
        check("BSD 3-Clause, MIT", Some("BSD-3-Clause OR MIT"));
        check("LicenseRef-mine", Some("LicenseRef-mine"));
        for none in [
            "",
            "proprietary",
            "MIT AND",
            "((((",
            "SEE LICENSE IN LICENSE.md",
            &"(".repeat(5000),
        ] {
            check(none, None);
        }
    }

    #[test]
    fn a_rendered_expression_reads_back() {
        for text in [
            "(MIT OR ISC) AND (Zlib OR 0BSD)",
            "MIT OR Apache-2.0 AND ISC",
            "GPL-2.0-only WITH Linux-syscall-note",
        ] {
            let term = parse(text).unwrap();
            assert_eq!(parse(&term.render()), Some(term), "{text}");
        }
    }
}
