//! `cargo xtask test` and `cargo xtask bench`.

use std::io::{BufRead, BufReader};
use std::ops::AddAssign;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, ensure};

use crate::Selection;
use crate::cargo::{Package, Workspace, choosing, command, run as run_command};
use crate::services;
use crate::steps::{Step, run_all};

/// The feature behind which a crate keeps its slow tests.
const SLOW: &str = "slow";

/// Runs the tests of the chosen members on real components, which it sets up first.
pub(crate) fn run(workspace: &Workspace, selection: &Selection, all: bool) -> anyhow::Result<()> {
    let members = workspace.select(selection)?;
    let path = services::prepare(&members, all)?;
    let mut arguments = vec!["test".to_owned()];
    arguments.extend(choosing(selection));
    arguments.extend(["--locked", "--no-fail-fast"].map(str::to_owned));
    let slow: Vec<String> = members
        .iter()
        .filter(|m| m.features.contains_key(SLOW))
        .map(|m| format!("{}/{SLOW}", m.name))
        .collect();
    if all && !slow.is_empty() {
        arguments.extend(["--features".to_owned(), slow.join(",")]);
    }
    let mut steps = vec![Step {
        name: "tests",
        repeat: format!("cargo {}", arguments.join(" ")),
        run: Box::new(move || counted(command().args(arguments).env("PATH", path))),
    }];
    if all && let Some(arguments) = bench_arguments(&members, &["--no-run"]) {
        steps.push(Step {
            name: "benches",
            repeat: format!("cargo {}", arguments.join(" ")),
            run: Box::new(move || run_command(command().args(arguments))),
        });
    }
    run_all(steps)
}

/// Runs the benchmarks of the chosen members.
pub(crate) fn bench(workspace: &Workspace, selection: &Selection, passed_on: &[String]) -> anyhow::Result<()> {
    let members = workspace.select(selection)?;
    let mut arguments = bench_arguments(&members, &[]).context("none of the chosen crates has a benchmark")?;
    arguments.push("--".to_owned());
    arguments.extend(passed_on.iter().cloned());
    run_command(command().args(arguments))
}

/// The call of cargo for every benchmark of `members`; none without any.
fn bench_arguments(members: &[&Package], options: &[&str]) -> Option<Vec<String>> {
    let mut arguments = vec!["bench".to_owned(), "--locked".to_owned()];
    arguments.extend(options.iter().map(|&option| option.to_owned()));
    let fixed = arguments.len();
    for member in members {
        let mut benches = member
            .targets
            .iter()
            .filter(|target| target.kind.iter().any(|kind| kind == "bench"))
            .peekable();
        if benches.peek().is_some() {
            arguments.extend(["-p".to_owned(), member.name.clone()]);
            arguments.extend(benches.flat_map(|target| ["--bench".to_owned(), target.name.clone()]));
        }
    }
    (arguments.len() > fixed).then_some(arguments)
}

/// Runs a test command, shows what it prints, and counts.
fn counted(command: &mut Command) -> anyhow::Result<()> {
    let start = Instant::now();
    let mut child = command.stdout(Stdio::piped()).spawn().context("cannot start cargo")?;
    let mut count = Count::default();
    let mut printed = BufReader::new(child.stdout.take().context("cargo has no output")?);
    let mut line = Vec::new();
    while printed.read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(&line);
        print!("{text}");
        if let Some(one) = Count::parse(&text) {
            count += one;
        }
        line.clear();
    }
    let status = child.wait()?;
    let Count {
        passed,
        failed,
        ignored,
    } = count;
    println!(
        "total: {passed} passed, {failed} failed, {ignored} ignored in {:.1} s",
        start.elapsed().as_secs_f64()
    );
    ensure!(status.success(), "{status}");
    ensure!(passed > 0, "no test ran");
    Ok(())
}

/// What the test harness counted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Count {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Count {
    /// Reads `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    fn parse(line: &str) -> Option<Self> {
        let (_, counts) = line.trim().strip_prefix("test result: ")?.split_once(". ")?;
        let number = |what: &str| {
            let of_what = |part: &str| part.trim().strip_suffix(what)?.trim().parse().ok();
            counts.split(';').find_map(of_what)
        };
        Some(Self {
            passed: number("passed")?,
            failed: number("failed")?,
            ignored: number("ignored")?,
        })
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_are_counted_and_others_are_not() {
        let check = |line: &str, expected: Option<(u64, u64, u64)>| {
            assert_eq!(
                Count::parse(line).map(|c| (c.passed, c.failed, c.ignored)),
                expected,
                "{line}"
            );
        };
        let good = "test result: ok. 18 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.31s\n";
        check(good, Some((18, 0, 2)));
        check(
            "test result: FAILED. 13 passed; 1 failed; 0 ignored; 0 measured\n",
            Some((13, 1, 0)),
        );
        check("test golden::golden_searches ... ok\n", None);
        check("test result: odd", None);
    }
}
