//! Steps with a name, a time, and a way to repeat each.

use std::time::Instant;

use anyhow::bail;

/// One step of a longer run.
pub(crate) struct Step<'a> {
    /// One word.
    pub(crate) name: &'static str,
    /// The command that repeats it alone.
    pub(crate) repeat: String,
    /// What it does; it prints its findings itself or returns them as the error.
    pub(crate) run: Box<dyn FnOnce() -> anyhow::Result<()> + 'a>,
}

impl<'a> Step<'a> {
    /// A step of `cargo xtask check`, which repeats it with `--only`.
    pub(crate) fn of_check(name: &'static str, run: impl FnOnce() -> anyhow::Result<()> + 'a) -> Self {
        let repeat = format!("cargo xtask check --only {name}");
        Self {
            name,
            repeat,
            run: Box::new(run),
        }
    }
}

/// Runs all steps, also after a failure.
///
/// # Errors
/// With the names of the steps that failed.
pub(crate) fn run_all(steps: Vec<Step<'_>>) -> anyhow::Result<()> {
    let count = steps.len();
    let mut failed = Vec::new();
    for step in steps {
        println!("---- {}", step.name);
        let start = Instant::now();
        let result = (step.run)();
        let seconds = start.elapsed().as_secs_f64();
        match result {
            Ok(()) => println!("ok {} in {seconds:.1} s", step.name),
            Err(error) => {
                println!("{error:#}");
                println!("FAILED {} in {seconds:.1} s; repeat with: {}", step.name, step.repeat);
                failed.push(step.name);
            }
        }
    }
    if !failed.is_empty() {
        bail!("{} of {count} steps failed: {}", failed.len(), failed.join(", "));
    }
    println!("all {count} steps passed");
    Ok(())
}

/// Nothing, or all findings as one error.
pub(crate) fn none_of(findings: &[String]) -> anyhow::Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    bail!("{}", findings.join("\n"))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn a_failure_does_not_stop_the_steps_after_it() {
        let ran = RefCell::new(Vec::new());
        let step = |name, good| {
            let ran = &ran;
            Step::of_check(name, move || {
                ran.borrow_mut().push(name);
                if good { Ok(()) } else { none_of(&[name.to_owned()]) }
            })
        };
        let error = run_all(vec![
            step("a", true),
            step("b", false),
            step("c", true),
            step("d", false),
        ])
        .unwrap_err();
        assert_eq!(error.to_string(), "2 of 4 steps failed: b, d");
        assert_eq!(ran.take(), ["a", "b", "c", "d"]);
        assert!(run_all(vec![step("a", true)]).is_ok());
    }
}
