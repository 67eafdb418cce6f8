//! Handing a training over to another machine: what that needs to go on, in the store that both share.
//!
//! The plan is put there when it is made, and a checkpoint with the events so far whenever the engine has saved one. The samples
//! are made again from the same build by the same plan. A data folder that is its own store needs none of this: whoever goes on
//! works in the same folder.

use std::fs;
use std::io;
use std::path::Path;

use codelupe_catalogue::TrainingRow;
use codelupe_corpus::{Artifact, DataFolder, ErrorKind as Damage, TrainingPart};
use codelupe_disk::{files, make_folder, read_json, remove, work_name, write_json};
use codelupe_samples::Tokenizer;
use codelupe_worker::Context;

use crate::documents::Build;
use crate::error::Error;
use crate::format::format;
use crate::registry::stage_base;
use crate::training::{Plan, TrainingFolder};

/// Puts the plan of a training into a shared store.
pub(crate) fn share_plan(folder: &DataFolder, training: &TrainingFolder) -> Result<(), Error> {
    share(folder, training, TrainingPart::Plan, &[&training.plan()])
}

/// Puts what was saved after a step into a shared store, in place of what was saved before.
pub(crate) fn share_checkpoint(folder: &DataFolder, training: &TrainingFolder, step: u64) -> Result<(), Error> {
    let part = TrainingPart::Checkpoint(step);
    share(folder, training, part, &[&training.checkpoint(), &training.events()])?;
    remove_parts(
        folder,
        &training.name(),
        |part| matches!(part, TrainingPart::Checkpoint(older) if older < step),
    )
}

/// Puts events and report of a training that is over into a shared store, where nobody can go on with it any longer.
pub(crate) fn end(folder: &DataFolder, training: &TrainingFolder) -> Result<(), Error> {
    let record = [training.plan(), training.events(), training.report()];
    share(
        folder,
        training,
        TrainingPart::Record,
        &record.each_ref().map(|path| &**path),
    )?;
    remove_parts(folder, &training.name(), |part| part != TrainingPart::Record)
}

/// Removes what a shared store has of the oldest trainings, until so many are left.
pub(crate) fn retain(folder: &DataFolder, keep: usize) -> Result<(), Error> {
    let stored = folder.stored_trainings()?;
    let number = |name: &str| name.strip_prefix("training-")?.parse::<u64>().ok();
    let mut numbers: Vec<u64> = stored.iter().filter_map(|(name, _)| number(name)).collect();
    numbers.sort_unstable();
    numbers.dedup();
    for old in &numbers[..numbers.len().saturating_sub(keep)] {
        remove_parts(folder, &format!("training-{old}"), |_| true)?;
    }
    Ok(())
}

/// Makes the folder of a training that another machine began, as far as a shared store has it; false where it has no plan.
pub(crate) fn take_over(context: &Context, row: &TrainingRow, training: &TrainingFolder) -> Result<bool, Error> {
    let shared = &context.folder;
    let artifact = |part| Artifact::Training(row.name.clone(), part);
    if shared.is_own_store() || !shared.has(&artifact(TrainingPart::Plan))? {
        return Ok(false);
    }
    let staged = shared.stage(&artifact(TrainingPart::Plan))?;
    let plan: Plan = read_json(&staged.path().join("plan.json"))?
        .ok_or_else(|| Error::damaged(staged.path(), "it has no plan.json"))?;
    tracing::info!(
        training = row.name,
        "another machine began it: making its samples again"
    );
    remove(training.path())?;
    make_folder(training.path())?;
    make_samples(context, row, &plan, training)?;
    let saved = shared
        .stored_trainings()?
        .into_iter()
        .filter_map(|(name, part)| match part {
            TrainingPart::Checkpoint(step) if name == row.name => Some(step),
            _ => None,
        });
    if let Some(step) = saved.max() {
        match shared.stage(&artifact(TrainingPart::Checkpoint(step))) {
            Ok(staged) => {
                copy(staged.path(), training.path())
                    .map_err(|error| Error::own_io("copy to", training.path(), error))?;
            }
            // The plan and the samples are all that it needs to come to the same end.
            Err(error) if matches!(error.kind(), Damage::Corrupt | Damage::NotFound) => {
                tracing::warn!(training = row.name, %error, "its checkpoint cannot be used: it begins again");
            }
            Err(error) => return Err(error.into()),
        }
    }
    // The last: with its plan a training can go on.
    write_json(&training.plan(), &plan)?;
    Ok(true)
}

/// The samples of a plan, which must be the very same.
fn make_samples(context: &Context, row: &TrainingRow, plan: &Plan, training: &TrainingFolder) -> Result<(), Error> {
    let config = serde_json::from_str(&row.config).map_err(|error| Error::damaged(training.path(), error))?;
    let build = context.wait(context.catalogue.build(&plan.material.build))?;
    let build = build.ok_or_else(|| Error::damaged(training.path(), "its build is gone"))?;
    let base = stage_base(&context.folder, &plan.base, &plan.base_folder)?;
    let tokenizer = Tokenizer::open(base.path())?;
    let build = Build::open(&context.folder, &build)?;
    if format(&build, &tokenizer, &config, &plan.choice, training.path())? == plan.material {
        return Ok(());
    }
    Err(Error::damaged(
        training.path(),
        "its samples came out differently on this machine",
    ))
}

/// Puts files and folders of a training, as far as they are there, into a shared store. Engines that are processes of their own
/// go on meanwhile: if one removes a checkpoint while it is read, the next one is shared.
fn share(folder: &DataFolder, training: &TrainingFolder, part: TrainingPart, paths: &[&Path]) -> Result<(), Error> {
    if folder.is_own_store() {
        return Ok(());
    }
    let work = folder.tmp().join(work_name("training"));
    make_folder(&work)?;
    for path in paths.iter().filter(|path| path.exists()) {
        let to = work.join(path.file_name().unwrap_or_default());
        match copy(path, &to) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                tracing::debug!(training = training.name(), "a checkpoint went while it was read");
                return Ok(remove(&work)?);
            }
            Err(error) => return Err(Error::own_io("copy to", &to, error)),
        }
    }
    Ok(folder.publish_artifact(&Artifact::Training(training.name(), part), &work)?)
}

/// Copies a file, or all files of a folder.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if from.is_file() {
        return fs::copy(from, to).map(drop);
    }
    for name in files(from).map_err(|error| io::Error::new(io::ErrorKind::NotFound, error))? {
        let to = to.join(&name);
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::copy(from.join(&name), to)?;
    }
    Ok(())
}

fn remove_parts(folder: &DataFolder, training: &str, is_spare: impl Fn(TrainingPart) -> bool) -> Result<(), Error> {
    for (name, part) in folder.stored_trainings()? {
        if name == training && is_spare(part) {
            folder.remove_artifact(&Artifact::Training(name, part))?;
        }
    }
    Ok(())
}
