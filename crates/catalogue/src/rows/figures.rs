//! Figures over the whole catalogue: the funnel that adds up, languages, licenses, quality.

use async_trait::async_trait;
use codelupe_core::Reason;
use serde::Serialize;
use sqlx::FromRow;

use crate::error::{Error, ErrorKind};

/// A number of files and the sum of their sizes in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, FromRow)]
pub struct Count {
    /// Files.
    #[sqlx(try_from = "i64")]
    pub files: u64,
    /// Bytes, of the files as found; a file of unknown size counts none.
    #[sqlx(try_from = "i64")]
    pub bytes: u64,
}

/// One way out of the funnel.
#[derive(Debug, Clone, Serialize)]
pub struct FunnelStep {
    /// The stage that drops.
    pub stage: &'static str,
    /// The reason's code.
    pub reason: Reason,
    /// How much left here.
    #[serde(flatten)]
    pub count: Count,
}

/// Where every file went: `found = in_build + sum of dropped` when there is a build, else `found = survivors + sum of dropped`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Funnel {
    /// Every path that was listed.
    pub found: Count,
    /// Every way out, in funnel order, without the empty ones.
    pub dropped: Vec<FunnelStep>,
    /// What survived deduplication.
    pub survivors: Count,
    /// What is in the latest build, by split name; empty without a build.
    pub splits: Vec<(String, Count)>,
}

impl Funnel {
    /// Whether every file is accounted for exactly once.
    pub fn adds_up(&self) -> bool {
        let dropped = |build: bool| -> u64 {
            let steps = self
                .dropped
                .iter()
                .filter(|step| build || step.reason.stage() != codelupe_core::Stage::Build);
            steps.map(|step| step.count.files).sum()
        };
        let in_build: u64 = self.splits.iter().map(|(_, count)| count.files).sum();
        let before_build = self.found.files == self.survivors.files + dropped(false);
        before_build && (self.splits.is_empty() || self.found.files == in_build + dropped(true))
    }
}

/// One row of the language table.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
pub struct LanguageRow {
    /// Linguist's name.
    pub language: String,
    /// Files that processing kept.
    pub processed_files: i64,
    /// Files that survived deduplication.
    pub survivor_files: i64,
    /// Text bytes that survived deduplication.
    pub survivor_bytes: i64,
    /// Files in the latest build.
    pub build_files: i64,
    /// Mean quality of the survivors.
    pub mean_quality: f64,
}

/// One row of the license table.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
pub struct LicenseRow {
    /// The expression, or `none`.
    pub license: String,
    /// Its class.
    pub class: String,
    /// Repositories under it.
    pub repositories: i64,
    /// Files in the latest build.
    pub build_files: i64,
}

/// A repository that could not be processed.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
pub struct FailedRepository {
    /// Its name.
    pub name: String,
    /// The error's stable code.
    pub error_code: String,
    /// What happened.
    pub error_message: String,
}

/// All figures.
#[derive(Debug, Clone, Serialize)]
pub struct Stats {
    /// Repositories without error.
    pub repositories: u64,
    /// Repositories with one.
    pub failed: Vec<FailedRepository>,
    /// Where every file went.
    pub funnel: Funnel,
    /// By language, most text first.
    pub languages: Vec<LanguageRow>,
    /// By license, most repositories first.
    pub licenses: Vec<LicenseRow>,
    /// Survivors by quality: 0-9, 10-19, ..., 90-100.
    pub quality_histogram: [u64; 10],
    /// Secrets and personal data replaced in survivors.
    pub redactions: u64,
    /// The latest build.
    pub build: Option<String>,
    /// Whether deduplication saw everything that processing found.
    pub dedup_is_current: bool,
    /// Whether the latest build was made from the latest deduplication; else the funnel leaves it out.
    pub build_is_current: bool,
}

/// Figures over the whole catalogue.
#[async_trait]
pub trait Figures {
    /// Computes all figures, as of one moment.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn stats(&self) -> Result<Stats, Error>;
}

/// What was dropped for one reason, by its code.
#[derive(Debug, FromRow)]
pub(crate) struct FunnelCount {
    reason: String,
    #[sqlx(flatten)]
    count: Count,
}

/// What is in one split of the latest build.
#[derive(Debug, FromRow)]
pub(crate) struct SplitCount {
    split: String,
    #[sqlx(flatten)]
    count: Count,
}

/// # Errors
/// `Corrupt` when the catalogue holds a reason that this program does not know.
pub(crate) fn assemble_funnel(
    found: Count,
    survivors: Count,
    dropped: Vec<FunnelCount>,
    splits: Vec<SplitCount>,
) -> Result<Funnel, Error> {
    let step = |row: FunnelCount| {
        let reason: Reason = row.reason.parse().map_err(|error| {
            Error::new(ErrorKind::Corrupt, "the catalogue holds an unknown reason").with_source(error)
        })?;
        Ok(FunnelStep {
            stage: reason.stage().as_str(),
            reason,
            count: row.count,
        })
    };
    let mut dropped: Vec<FunnelStep> = dropped.into_iter().map(step).collect::<Result<_, Error>>()?;
    dropped.sort_by_key(|step| step.reason);
    Ok(Funnel {
        found,
        dropped,
        survivors,
        splits: splits.into_iter().map(|row| (row.split, row.count)).collect(),
    })
}

/// Survivors of one decile of quality.
#[derive(Debug, FromRow)]
pub(crate) struct SurvivorRow {
    decile: i64,
    #[sqlx(flatten)]
    count: Count,
    #[sqlx(try_from = "i64")]
    redactions: u64,
}

/// Survivors of all deciles.
#[derive(Debug, Default)]
pub(crate) struct Survivors {
    pub(crate) count: Count,
    pub(crate) by_quality: [u64; 10],
    pub(crate) redactions: u64,
}

impl FromIterator<SurvivorRow> for Survivors {
    fn from_iter<I: IntoIterator<Item = SurvivorRow>>(rows: I) -> Self {
        let mut survivors = Self::default();
        for row in rows {
            survivors.count.files += row.count.files;
            survivors.count.bytes = survivors.count.bytes.saturating_add(row.count.bytes);
            survivors.redactions += row.redactions;
            let bar = usize::try_from(row.decile)
                .ok()
                .and_then(|decile| survivors.by_quality.get_mut(decile));
            if let Some(bar) = bar {
                *bar = row.count.files;
            }
        }
        survivors
    }
}
