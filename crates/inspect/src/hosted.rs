//! Repositories that forges listed.

use codelupe_catalogue::{Catalogue, HostedCounts, HostedFilter, HostedRow, NameRow};
use codelupe_core::SelectionRules;
use serde::{Serialize, Serializer, ser::Error as _};
use serde_json::Value;

use crate::error::Error;
use crate::json::{parsed, serialize_changed};
use crate::selection::selected;

/// Some repositories, and how many there are.
#[derive(Debug, Clone, Serialize)]
pub struct HostedList {
    /// Those that were asked for.
    pub repositories: Vec<HostedRow>,
    /// All that the catalogue has.
    pub counts: HostedCounts,
}

/// A repository with everything that is known of it; the forge's own answer is serialized as the object that it is.
#[derive(Debug, Clone)]
pub struct ShownRepository {
    /// The repository.
    pub row: HostedRow,
    /// The names that it has and had.
    pub names: Vec<NameRow>,
}

impl Serialize for ShownRepository {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = serde_json::to_value(&self.names).map_err(S::Error::custom)?;
        serialize_changed(&self.row, serializer, |fields| {
            if let Some(Value::Object(repository)) = fields.get_mut("repository") {
                repository.insert("raw".to_owned(), parsed(&self.row.repository.raw));
            }
            fields.insert("names".to_owned(), names);
        })
    }
}

/// The repositories that pass a filter; with rules, only those that the rules select.
///
/// # Errors
/// `Store` when the catalogue cannot be read.
pub async fn hosted(
    catalogue: &Catalogue,
    filter: HostedFilter,
    rules: Option<&SelectionRules>,
) -> Result<HostedList, Error> {
    let repositories = match rules {
        Some(rules) => selected_rows(catalogue, filter, rules).await?,
        None => catalogue.hosted_repositories(&filter).await?,
    };
    Ok(HostedList {
        repositories,
        counts: catalogue.hosted_counts().await?,
    })
}

async fn selected_rows(
    catalogue: &Catalogue,
    filter: HostedFilter,
    rules: &SelectionRules,
) -> Result<Vec<HostedRow>, Error> {
    let limit = filter.limit as usize;
    let mut rows = Vec::new();
    for repository in selected(catalogue, rules, filter, limit).await? {
        rows.extend(catalogue.hosted_repository(&repository.forge, repository.id).await?);
    }
    Ok(rows)
}

/// A repository by a name that it has or had; none when no listing has found it.
///
/// # Errors
/// `Store` when the catalogue cannot be read.
pub async fn hosted_repository(
    catalogue: &Catalogue,
    forge: &str,
    full_name: &str,
) -> Result<Option<ShownRepository>, Error> {
    let Some(row) = catalogue.hosted_by_name(forge, full_name).await? else {
        return Ok(None);
    };
    let names = catalogue.hosted_names(forge, row.repository.id).await?;
    Ok(Some(ShownRepository { row, names }))
}
