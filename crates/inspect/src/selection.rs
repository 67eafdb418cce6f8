//! Which of the repositories in the catalogue are fetched.

use std::time::{SystemTime, UNIX_EPOCH};

use codelupe_catalogue::{Catalogue, HostedFilter, HostedRow, HostedState};
use codelupe_core::{Candidate, HostedRepository, LicenseClass, Score, Selection, SelectionRules, SpdxExpression};
use codelupe_process::class_of;
use serde::Serialize;

use crate::error::Error;

/// Rows per read.
const PAGE: u32 = 1000;

/// The class of the license that a forge detected. What it does not know (`NOASSERTION`) is another one.
pub fn license_class(repository: &HostedRepository) -> LicenseClass {
    let license = repository.license.as_deref();
    license.map_or(LicenseClass::None, |license| class_of(&SpdxExpression::new(license)))
}

fn candidate(row: &HostedRow) -> Candidate<'_> {
    Candidate {
        repository: &row.repository,
        license_class: license_class(&row.repository),
        opt_out: row.opt_out.as_deref(),
    }
}

/// The repositories to fetch: those that pass the filter, still exist on their forge and meet the
/// rules; in the filter's order, at most `limit`. They come without the forge's raw answer.
///
/// # Errors
/// `Store` when the catalogue cannot be read.
pub async fn selected(
    catalogue: &Catalogue,
    rules: &SelectionRules,
    filter: HostedFilter,
    limit: usize,
) -> Result<Vec<HostedRepository>, Error> {
    let now = now();
    let mut filter = HostedFilter {
        state: Some(HostedState::Listed),
        limit: PAGE,
        ..filter
    };
    let mut selected = Vec::new();
    loop {
        let rows = catalogue.hosted_repositories(&filter).await?;
        let Some(last) = rows.last() else {
            return Ok(selected);
        };
        filter.after = Some(last.position(filter.order));
        for mut row in rows {
            if selected.len() >= limit {
                return Ok(selected);
            }
            if rules.verdict(&candidate(&row), now).selected {
                row.repository.raw = String::new();
                selected.push(row.repository);
            }
        }
    }
}

/// Why a repository is fetched or not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Why {
    /// The repository.
    pub row: HostedRow,
    /// Its score, with its parts.
    pub score: Score,
    /// The rules, each with its outcome.
    pub selection: Selection,
}

/// Says of a repository, by a name that it has or had, why it is fetched or not; none when it is not known.
///
/// # Errors
/// `Store` when the catalogue cannot be read.
pub async fn why(
    catalogue: &Catalogue,
    rules: &SelectionRules,
    forge: &str,
    full_name: &str,
) -> Result<Option<Why>, Error> {
    let Some(row) = catalogue.hosted_by_name(forge, full_name).await? else {
        return Ok(None);
    };
    let now = now();
    let score = Score::of(&candidate(&row), now);
    let selection = rules.verdict(&candidate(&row), now);
    Ok(Some(Why { row, score, selection }))
}

/// Seconds since the Unix epoch.
fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}
