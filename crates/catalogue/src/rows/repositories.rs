//! Repositories as a whole.

use std::collections::HashMap;

use async_trait::async_trait;

use crate::error::Error;

/// What is known of repositories as a whole.
#[async_trait]
pub trait Repositories {
    /// Of those repositories in `names` that were processed without error by `recipe`: name and revision.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn finished_repositories(&self, recipe: &str, names: &[&str]) -> Result<HashMap<String, String>, Error>;

    /// Of each repository: its name and the folder it was found in.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn repository_locations(&self) -> Result<HashMap<String, String>, Error>;

    /// How many repositories were processed by another recipe, and the name of one.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn other_recipes(&self, recipe: &str) -> Result<(u64, Option<String>), Error>;
}
