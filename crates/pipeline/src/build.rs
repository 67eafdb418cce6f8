//! The build stage: from survivors to a named, immutable corpus.

mod decide;
mod leak;

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use codelupe_catalogue::{BuildCandidate, BuildDecision, BuildRow};
use codelupe_core::{Reason, Split, Stage, error::ErrorCode, text::display_name};
use codelupe_corpus::{BuildRecord, BuildWriter, Description, Tally, is_whole};
use codelupe_inspect::only_in_copies;
use serde::{Deserialize, Serialize};

use crate::config::{CopyPolicy, digest};
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use codelupe_worker::{Step, raise};

/// What building did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Built {
    /// The build's name.
    pub name: String,
    /// Files and bytes of content by split.
    pub splits: BTreeMap<Split, Tally>,
    /// The same build was there already; nothing was written.
    pub existed: bool,
}

/// Makes a build of all survivors that policy and filters let in. Without a name it is called after its content.
///
/// # Errors
/// `Conflict` when another build has that name; `Nothing` when no file is let in; `Canceled` after a stop; `Store` when
/// the data folder fails. No build is made then.
pub(crate) fn build(context: &Context, name: Option<&str>) -> Result<Built, Error> {
    context.require_one_recipe()?;
    let (candidates, generation) = context.wait(context.catalogue.build_candidates())?;
    context.progress.begin(Step::Build, candidates.len() as u64);
    let mut outcomes = decide::decide(&context.config.build, &candidates);
    drop_copies(context, &candidates, &mut outcomes)?;
    leak::drop_leaks(context, &candidates, &mut outcomes)?;
    let splits = tally(&candidates, &outcomes);
    if splits.is_empty() {
        return Err(nothing(context, &outcomes)?);
    }
    let identity = identity(context, &candidates, &outcomes)?;
    let name = name.map_or_else(|| format!("corpus-{}", &identity[..12]), str::to_owned);
    check_name(&name)?;
    let existing = context.wait(context.catalogue.build(&name))?;
    if existing.as_ref().is_some_and(|build| !is_same(build, &identity)) {
        let context = format!("there is another build called `{name}`; builds are immutable, choose another name");
        return Err(Error::new(ErrorKind::Store, context).with_code(ErrorCode::Conflict));
    }
    // A build that lost a file is written again: it is the same.
    let existing = match existing {
        Some(build) if is_whole(&**context.folder.objects(), &name, &build.digest)? => Some(build),
        _ => None,
    };
    let existed = existing.is_some();
    let row = match existing {
        Some(build) => build,
        None => write(context, &name, &identity, &candidates, &outcomes)?,
    };
    let decisions: Vec<BuildDecision> = candidates
        .iter()
        .zip(&outcomes)
        .map(|(candidate, outcome)| BuildDecision {
            file_id: candidate.file_id,
            outcome: *outcome,
        })
        .collect();
    let linked = context
        .catalogue
        .link_build(&row, &decisions, generation, context.fence);
    context.wait(linked)?;
    Ok(Built { name, splits, existed })
}

/// Drops what only near-copies of other repositories have, if the policy says so.
fn drop_copies(context: &Context, candidates: &[BuildCandidate], outcomes: &mut [Decided]) -> Result<(), Error> {
    if context.config.build.repository_copies == CopyPolicy::Keep {
        return Ok(());
    }
    let copies = context.config.dedup.copies()?;
    let dropped = context.wait(only_in_copies(&context.catalogue, &copies))?;
    for (candidate, outcome) in candidates.iter().zip(outcomes) {
        if outcome.is_ok() && dropped.contains(&candidate.file_id) {
            *outcome = Err(Reason::RepositoryCopy);
        }
    }
    Ok(())
}

/// What a decision about one candidate is: its split, or why it is in none.
type Decided = Result<Split, Reason>;

/// The error that says why nothing is in a build.
fn nothing(context: &Context, outcomes: &[Decided]) -> Result<Error, Error> {
    let funnel = funnel(context, outcomes)?;
    let reasons: Vec<String> = funnel
        .iter()
        .map(|(reason, files)| format!("{files} {reason}"))
        .collect();
    let text = format!("no file is let into the build: {}", reasons.join(", "));
    Ok(Error::new(ErrorKind::Nothing, text))
}

fn write(
    context: &Context,
    name: &str,
    identity: &str,
    candidates: &[BuildCandidate],
    outcomes: &[Decided],
) -> Result<BuildRow, Error> {
    let mut writer = BuildWriter::create(&context.folder)?;
    let mut reader = context.segment_reader()?;
    for (candidate, outcome) in candidates.iter().zip(outcomes) {
        context.progress.check()?;
        raise(&context.progress.done, 1);
        if let Ok(split) = outcome {
            let content = reader.text(candidate.location)?;
            writer.append(*split, &record(candidate, content))?;
        }
    }
    let finished = writer.finish(name, describe(context, identity, outcomes)?)?;
    let created_at = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |age| age.as_secs().cast_signed());
    Ok(BuildRow {
        name: name.to_owned(),
        digest: finished.digest,
        created_at,
        manifest: finished.text,
    })
}

fn record(candidate: &BuildCandidate, content: String) -> BuildRecord {
    BuildRecord {
        repository: candidate.repository.clone(),
        path: display_name(&candidate.path),
        forge: candidate.forge.clone(),
        // A path says nothing on another machine, and much about this one.
        origin: (!candidate.origin.starts_with('/')).then(|| candidate.origin.clone()),
        commit: candidate.commit.clone(),
        blob: candidate.blob.to_string(),
        swhid: candidate.blob.swhid().to_string(),
        language: candidate.language.clone().unwrap_or_default(),
        license: candidate.license.clone(),
        license_class: candidate.license_class.clone(),
        quality: candidate.quality,
        redactions: candidate.redactions,
        content,
    }
}

fn describe(context: &Context, identity: &str, outcomes: &[Decided]) -> Result<Description, Error> {
    let config = serde_json::json!({
        "identity": identity,
        "dedup": context.config.dedup,
        "build": context.config.build,
    });
    let program = concat!("codelupe ", env!("CARGO_PKG_VERSION")).to_owned();
    Ok(Description {
        program,
        recipe: context.config.recipe(),
        config,
        funnel: funnel(context, outcomes)?,
    })
}

/// Where every file went, if these decisions hold.
fn funnel(context: &Context, outcomes: &[Decided]) -> Result<BTreeMap<String, u64>, Error> {
    let stats = context.wait(context.catalogue.stats())?;
    let mut funnel = BTreeMap::from([("found".to_owned(), stats.funnel.found.files)]);
    for step in stats
        .funnel
        .dropped
        .iter()
        .filter(|step| step.reason.stage() != Stage::Build)
    {
        funnel.insert(step.reason.code().to_owned(), step.count.files);
    }
    for outcome in outcomes {
        let key = outcome.map_or_else(Reason::code, |_| "in_build");
        *funnel.entry(key.to_owned()).or_default() += 1;
    }
    Ok(funnel)
}

/// What tells one build from another: the configuration, the funnel, and everything that is written of every file.
fn identity(context: &Context, candidates: &[BuildCandidate], outcomes: &[Decided]) -> Result<String, Error> {
    let settings = (context.config.recipe(), &context.config.dedup, &context.config.build);
    // File by file, so that memory does not grow with the build.
    let mut identity = digest(&(settings, funnel(context, outcomes)?));
    for (candidate, outcome) in candidates.iter().zip(outcomes) {
        if let Ok(split) = outcome {
            let written = record(candidate, String::new());
            identity = digest(&(identity, split, written, candidate.text_bytes));
        }
    }
    Ok(identity.to_string())
}

fn is_same(build: &BuildRow, identity: &str) -> bool {
    let manifest: serde_json::Value = serde_json::from_str(&build.manifest).unwrap_or_default();
    manifest["config"]["identity"] == identity
}

fn tally(candidates: &[BuildCandidate], outcomes: &[Decided]) -> BTreeMap<Split, Tally> {
    let mut splits: BTreeMap<Split, Tally> = BTreeMap::new();
    for (candidate, outcome) in candidates.iter().zip(outcomes) {
        if let Ok(split) = outcome {
            let tally = splits.entry(*split).or_default();
            tally.files += 1;
            tally.bytes += candidate.text_bytes;
        }
    }
    splits
}

/// A build's name is the name of a folder.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if (1..=100).contains(&name.len()) && name.chars().all(good) && !name.starts_with('.') {
        return Ok(());
    }
    let context = format!(
        "`{}` cannot name a build: use 1 to 100 of a-z, A-Z, 0-9, `-`, `_` and `.`, not starting with `.`",
        display_name(name.as_bytes())
    );
    Err(Error::new(ErrorKind::Config, context))
}
