//! Checks of whether everything that a corpus needs works.

use std::error::Error as StdError;
use std::fmt::Display;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use codelupe_catalogue::{BuildRow, Catalogue, JobState};
use codelupe_core::error::chain_text;
use codelupe_corpus::{DataFolder, Objects};
use serde::Serialize;

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was checked.
    pub what: &'static str,
    /// Whether it works.
    pub ok: bool,
    /// What there is, or what is wrong, in one line.
    pub says: String,
}

impl Check {
    /// From the result of looking: what it says, or the error with its causes.
    pub fn of<E: StdError + 'static>(what: &'static str, result: Result<String, E>) -> Self {
        Self::found(what, result.map_err(Fault::from))
    }

    fn found(what: &'static str, result: Result<String, Fault>) -> Self {
        let (ok, says) = match result {
            Ok(says) => (true, says),
            Err(Fault(says)) => (false, says),
        };
        Self { what, ok, says }
    }
}

/// What is wrong with something, in one line. It is no error itself, so that any error becomes one by `?`.
struct Fault(String);

impl<E: StdError + 'static> From<E> for Fault {
    fn from(error: E) -> Self {
        Self(chain_text(&error))
    }
}

/// Whether the data folder, or the nearest parent that exists, takes a file.
pub fn check_folder(folder: &DataFolder) -> Check {
    Check::found("data folder", writable(folder.root()))
}

fn writable(folder: &Path) -> Result<String, Fault> {
    let absolute = std::path::absolute(folder)?;
    let existing = absolute
        .ancestors()
        .find(|path| path.is_dir())
        .unwrap_or(Path::new("/"));
    let probe = existing.join(format!(".codelupe-doctor-{}", std::process::id()));
    let refused = |error: io::Error| Fault(format!("{}: {error}", existing.display()));
    // Never through a link, never over a file.
    fs::File::create_new(&probe).map_err(refused)?;
    fs::remove_file(&probe)?;
    let state = if existing == absolute {
        "writable"
    } else {
        "not made yet; its parent is writable"
    };
    Ok(format!("{}: {state}", absolute.display()))
}

/// Whether the store of a data folder answers, and belongs to the catalogue of that identity, if there is one; `remark` is said
/// when it does.
pub async fn check_store(folder: &DataFolder, identity: Option<String>, remark: Option<&str>) -> Check {
    Check::found("store", store(folder, identity, remark).await)
}

async fn store(folder: &DataFolder, identity: Option<String>, remark: Option<&str>) -> Result<String, Fault> {
    let looked_at = folder.clone();
    let look = move || {
        identity.map_or(Ok(()), |identity| looked_at.check_owner(&identity))?;
        codelupe_corpus::list_segments(&**looked_at.objects())
    };
    let segments = tokio::task::spawn_blocking(look).await??;
    let remark = remark.map(|remark| format!("; {remark}")).unwrap_or_default();
    Ok(format!(
        "{}: {} segments{remark}",
        folder.objects().place(""),
        segments.len()
    ))
}

/// Whether the catalogue at `place` answers and its figures add up, its queue has no dead jobs, and the latest build is whole.
pub async fn check_catalogue(catalogue: &Catalogue, place: &impl Display, folder: &DataFolder) -> [Check; 3] {
    [
        Check::found("catalogue", figures(catalogue, place).await),
        Check::found("queue", queue(catalogue).await),
        Check::found("latest build", latest_build(catalogue, folder).await),
    ]
}

async fn figures(catalogue: &Catalogue, place: &impl Display) -> Result<String, Fault> {
    let (database, stats) = (catalogue.describe().await?, catalogue.stats().await?);
    if !stats.funnel.adds_up() {
        let fault = "the funnel does not add up: run `codelupe dedup` and `codelupe build`";
        return Err(Fault(fault.to_owned()));
    }
    let (repositories, files) = (stats.repositories, stats.funnel.found.files);
    Ok(format!(
        "{database}, {repositories} repositories, {files} files, in {place}"
    ))
}

async fn queue(catalogue: &Catalogue) -> Result<String, Fault> {
    let counts = catalogue.job_counts().await?;
    let of = |state: JobState| -> i64 {
        let of_state = counts.iter().filter(|(_, known, _)| known == state.as_str());
        of_state.map(|(.., count)| count).sum()
    };
    let dead = of(JobState::Dead);
    if dead > 0 {
        let fault = format!("{dead} jobs are dead: `codelupe jobs list --state dead` shows why");
        return Err(Fault(fault));
    }
    let (waiting, running) = (of(JobState::Queued), of(JobState::Running));
    Ok(format!("{waiting} jobs waiting, {running} running"))
}

async fn latest_build(catalogue: &Catalogue, folder: &DataFolder) -> Result<String, Fault> {
    let Some(build) = catalogue.latest_build().await? else {
        return Ok("none yet".to_owned());
    };
    let (objects, place) = (Arc::clone(folder.objects()), folder.build_place(&build.name));
    tokio::task::spawn_blocking(move || whole(&*objects, &build, &place)).await?
}

/// Looks at the files of a build. It blocks.
fn whole(objects: &dyn Objects, build: &BuildRow, place: &str) -> Result<String, Fault> {
    let manifest = codelupe_corpus::read_manifest(objects, &build.name)?;
    if !codelupe_corpus::is_whole(objects, &build.name, &build.digest)? {
        let fault = format!("{place} has lost or changed files: `codelupe build` writes it again");
        return Err(Fault(fault));
    }
    Ok(format!("{place}: {} files", manifest.total().files))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_there_or_can_be_made_takes_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let check = |path: &Path, expected: &str| {
            let found = check_folder(&DataFolder::new(path));
            assert_eq!(
                (found.ok, found.says),
                (true, format!("{}: {expected}", path.display()))
            );
        };
        check(dir.path(), "writable");
        check(&dir.path().join("a/b"), "not made yet; its parent is writable");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left");
    }

    #[test]
    fn an_error_says_its_causes() {
        let missing = io::Error::from(io::ErrorKind::NotFound);
        let says = missing.to_string();
        assert_eq!(
            Check::of("store", Err::<String, _>(missing)),
            Check {
                what: "store",
                ok: false,
                says
            }
        );
    }
}
