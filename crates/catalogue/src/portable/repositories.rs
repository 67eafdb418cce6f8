//! Repositories as a whole.

use std::collections::HashMap;

use async_trait::async_trait;
use codelupe_telemetry::Operation;

use super::{Store, bulk};
use crate::error::Error;
use crate::rows::Repositories;

const LOCATIONS: &str = "SELECT name, location FROM repositories";

const OTHER_RECIPES: &str = "
    SELECT count(*), min(r.name) FROM repositories r
    WHERE r.recipe <> $1 AND EXISTS (SELECT 1 FROM files f WHERE f.repository_id = r.id)";

#[async_trait]
impl Repositories for Store {
    async fn finished_repositories(&self, recipe: &str, names: &[&str]) -> Result<HashMap<String, String>, Error> {
        let read = || async { bulk::finished_repositories(&mut *self.pool.acquire().await?, recipe, names).await };
        let rows = self.guard.run(Operation::ReadFinishedRepositories, read).await?;
        Ok(rows.into_iter().collect())
    }

    async fn repository_locations(&self) -> Result<HashMap<String, String>, Error> {
        let query = || sqlx::query_as(LOCATIONS).fetch_all(&self.pool);
        let rows: Vec<(String, String)> = self.guard.run(Operation::ReadRepositories, query).await?;
        Ok(rows.into_iter().collect())
    }

    async fn other_recipes(&self, recipe: &str) -> Result<(u64, Option<String>), Error> {
        let query = || sqlx::query_as(OTHER_RECIPES).bind(recipe).fetch_one(&self.pool);
        let (count, name): (i64, Option<String>) = self.guard.run(Operation::ReadRecipes, query).await?;
        Ok((count.cast_unsigned(), name))
    }
}
