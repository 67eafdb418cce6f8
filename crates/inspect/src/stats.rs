//! Figures over everything.

use codelupe_catalogue::{Catalogue, Stats};

use crate::error::Error;

/// Where every file went, and what is left.
///
/// # Errors
/// `Store` when the catalogue cannot be read.
pub async fn stats(catalogue: &Catalogue) -> Result<Stats, Error> {
    Ok(catalogue.stats().await?)
}
