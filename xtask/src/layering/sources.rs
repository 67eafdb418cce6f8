//! What the sources of a crate must not name: I/O, threads and clocks where it is pure (I1), the environment where it is a
//! library (I2), and renaming, metrics and names of spans in all but one. Tests may.

use std::fs;
use std::path::Path;

use anyhow::Context;

use super::PURE;
use crate::source::{Outline, outline};

/// Modules of `std` that a pure crate must not name; `core::net` has the types of addresses.
const IMPURE_STD: [&str; 5] = ["fs", "env", "net", "process", "thread"];

/// The programs, and what only tests and checks use: they read the environment and hand it in.
const PROGRAMS: [&str; 5] = [
    "codelupe",
    "codelupe-bench",
    "codelupe-components",
    "codelupe-testkit",
    "xtask",
];

/// Files of libraries that read the environment all the same, each with the reason.
const READING_ENVIRONMENT: [(&str, &str); 1] = [(
    "crates/forge/src/git_command/environment.rs",
    "PATH alone, without which the git program does not find its own programs",
)];

/// Crates that may rename files: the one that does so for all, and what only tests and checks use.
const RENAMING: [&str; 4] = ["codelupe-disk", "codelupe-components", "codelupe-testkit", "xtask"];

/// The one crate that declares metrics and names spans.
const TELEMETRY: &str = "codelupe-telemetry";

/// Checks one file of a crate.
pub(super) fn check(root: &Path, path: &Path, crate_name: &str) -> anyhow::Result<Vec<String>> {
    let shown = path.strip_prefix(root).unwrap_or(path).display().to_string();
    let text = fs::read_to_string(path).with_context(|| shown.clone())?;
    Ok(findings(
        &outline(&text).with_context(|| shown.clone())?,
        &shown,
        crate_name,
    ))
}

fn findings(outline: &Outline, shown: &str, crate_name: &str) -> Vec<String> {
    let pure = PURE.contains(&crate_name);
    let may_read = PROGRAMS.contains(&crate_name) || READING_ENVIRONMENT.iter().any(|(file, _)| *file == shown);
    let mut findings = Vec::new();
    for (line, module) in &outline.std_modules {
        if pure && IMPURE_STD.contains(&module.as_str()) {
            findings.push(format!("{shown}:{line}: must do no I/O but names std::{module}"));
        } else if module == "env" && !may_read {
            findings.push(format!(
                "{shown}:{line}: must be handed what it needs but names std::env"
            ));
        }
    }
    if crate_name != TELEMETRY {
        let named =
            |(line, what): &(usize, String)| format!("{shown}:{line}: {what} belongs into codelupe-telemetry's table");
        findings.extend(outline.telemetry.iter().map(named));
    }
    if !RENAMING.contains(&crate_name) {
        let renamed = |line: &usize| format!("{shown}:{line}: must leave renaming to codelupe-disk");
        findings.extend(outline.renames.iter().map(renamed));
    }
    if pure {
        let read = |(line, clock): &(usize, String)| format!("{shown}:{line}: must read no clock but calls {clock}");
        findings.extend(outline.clocks.iter().map(read));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(crate_name: &str, text: &str, expected: &[&str]) {
        assert_eq!(
            findings(&outline(text).unwrap(), "a.rs", crate_name),
            expected,
            "{text}"
        );
    }

    #[test]
    fn pure_crates_do_no_io_and_read_no_clock() {
        let text = "use std::time::Instant;\nfn a(now: Instant) {}\n";
        check("codelupe-core", text, &[]);
        let text = "use std::fs;\nfn a() {\n std::thread::yield_now(); Instant::now(); start.elapsed() }\n";
        check(
            "codelupe-dedup",
            text,
            &[
                "a.rs:1: must do no I/O but names std::fs",
                "a.rs:3: must do no I/O but names std::thread",
                "a.rs:3: must read no clock but calls Instant::now",
                "a.rs:3: must read no clock but calls elapsed",
            ],
        );
        check("codelupe-search", text, &[]);
        check(
            "codelupe-dedup",
            "#[cfg(test)]\nmod tests { use std::fs; fn a() { SystemTime::now() } }",
            &[],
        );
    }

    #[test]
    fn only_disk_renames() {
        let text = "fn a() { std::fs::rename(a, b); }";
        check("codelupe-disk", text, &[]);
        check(
            "codelupe-train",
            text,
            &["a.rs:1: must leave renaming to codelupe-disk"],
        );
    }

    #[test]
    fn only_the_table_names_metrics_and_spans() {
        let text =
            "use prometheus_client::metrics::counter::Counter;\nfn a() {\n tracing::info_span!(\"job\", id = 1); }";
        check("codelupe-telemetry", text, &[]);
        check(
            "codelupe",
            text,
            &[
                "a.rs:1: a metric belongs into codelupe-telemetry's table",
                "a.rs:3: the name of a span belongs into codelupe-telemetry's table",
            ],
        );
    }

    #[test]
    fn only_programs_read_the_environment() {
        let text = "fn a() { std::env::var(\"X\") }";
        check("codelupe", text, &[]);
        check(
            "codelupe-train",
            text,
            &["a.rs:1: must be handed what it needs but names std::env"],
        );
        let allowed = READING_ENVIRONMENT[0].0;
        assert!(findings(&outline(text).unwrap(), allowed, "codelupe-forge").is_empty());
        check(
            "codelupe-train",
            "fn a() -> &'static str { env!(\"CARGO_PKG_VERSION\") }",
            &[],
        );
    }
}
