//! `codelupe db rollback`: asks, says what is lost, and loses nothing without being told to.

use std::io::{BufRead, IsTerminal, Write};

use codelupe_catalogue::{MigrationState, RollbackStep, Schema};
use codelupe_core::error::ErrorCode;
use serde_json::json;

use crate::cli::RollbackArguments;
use crate::failure::{Failure, Result};
use crate::output::print;
use crate::settings::Settings;

pub(super) async fn run(settings: &Settings, arguments: &RollbackArguments) -> Result<()> {
    let mut schema = Schema::connect_existing(&settings.catalogue).await?;
    let to = match arguments.to {
        Some(to) => to,
        None => one_back(&mut schema).await?,
    };
    let steps = schema.rollback_steps(to).await?;
    if !steps.is_empty() && !arguments.yes {
        agree(settings, &steps)?;
    }
    let undone = schema.rollback(to).await?;
    schema.close().await;
    print(settings.json, &json!({ "undone": undone }), || {
        match undone.as_slice() {
            [] => format!("{}: nothing to undo", settings.catalogue),
            undone => format!("{}: undone\n{}", settings.catalogue, describe(undone)),
        }
    })
}

/// The migration before the latest one that is applied.
async fn one_back(schema: &mut Schema) -> Result<i64> {
    let status = schema.status().await?;
    let applied = status.iter().filter(|status| status.state == MigrationState::Applied);
    let mut versions: Vec<i64> = applied.map(|status| status.version).collect();
    versions.pop();
    Ok(versions.pop().unwrap_or(0))
}

/// Going back needs a yes on the terminal; a step that destroys rows needs `--yes`.
fn agree(settings: &Settings, steps: &[RollbackStep]) -> Result<()> {
    let lost: i64 = steps.iter().flat_map(|step| &step.losses).map(|loss| loss.rows).sum();
    let text = describe(steps);
    if lost > 0 {
        let refusal = format!(
            "this would destroy {lost} rows of `{}`, and --yes was not given:\n{text}",
            settings.catalogue
        );
        return Err(Failure::new(ErrorCode::Validation, refusal));
    }
    let (stdin, mut stderr) = (std::io::stdin(), std::io::stderr());
    if !stdin.is_terminal() {
        let refusal = format!("nobody is here to be asked, and --yes was not given:\n{text}");
        return Err(Failure::new(ErrorCode::Validation, refusal));
    }
    write!(stderr, "{}: undo\n{text}\nGo on? [y/N] ", settings.catalogue)?;
    stderr.flush()?;
    let mut answer = String::new();
    stdin.lock().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(Failure::new(ErrorCode::Canceled, "not undone"))
}

fn describe(steps: &[RollbackStep]) -> String {
    let step = |step: &RollbackStep| {
        let losses: Vec<String> = step
            .losses
            .iter()
            .map(|loss| format!("{} ({} rows)", loss.table, loss.rows))
            .collect();
        let losses = if losses.is_empty() {
            "loses nothing".to_owned()
        } else {
            format!("loses {}", losses.join(", "))
        };
        format!("  {:04} {}: {losses}", step.version, step.name)
    };
    steps.iter().map(step).collect::<Vec<_>>().join("\n")
}
