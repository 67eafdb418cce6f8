//! What an index was made by.

use crate::error::{Error, ErrorKind};
use crate::postgres::Postgres;
use codelupe_core::LshParameters;
use codelupe_telemetry::Operation;

const PARAMETERS: &str = "SELECT parameters FROM lsh_index";

const MAKE: &str = "INSERT INTO lsh_index (parameters) VALUES ($1) ON CONFLICT DO NOTHING";

const EMPTY: &str = "TRUNCATE lsh_index, lsh_documents, lsh_bands, lsh_comparisons RESTART IDENTITY";

/// What the index of a database was made by.
pub(crate) async fn stored_parameters(database: &Postgres) -> Result<Option<LshParameters>, Error> {
    let text: Option<String> = database
        .guard
        .run(Operation::LookAtLshIndex, || {
            sqlx::query_scalar(PARAMETERS).fetch_optional(&database.pool)
        })
        .await?;
    text.as_deref().map(parse).transpose()
}

/// Empties the index of a database.
pub(crate) async fn reset(database: &Postgres) -> Result<(), Error> {
    let emptied = database
        .guard
        .run(Operation::EmptyLshIndex, || sqlx::query(EMPTY).execute(&database.pool));
    emptied.await.map(drop)
}

/// Makes the index, unless another does; returns what it was made by.
pub(super) async fn make(database: &Postgres, parameters: &LshParameters) -> Result<LshParameters, Error> {
    let text = serde_json::to_string(parameters)
        .map_err(|error| Error::new(ErrorKind::Invalid, "cannot write parameters as JSON").with_source(error))?;
    database
        .guard
        .run(Operation::MakeLshIndex, || {
            sqlx::query(MAKE).bind(&text).execute(&database.pool)
        })
        .await?;
    let stored = stored_parameters(database).await?;
    stored.ok_or_else(|| Error::new(ErrorKind::Conflict, "the LSH index was emptied while it was made"))
}

pub(super) fn parse(text: &str) -> Result<LshParameters, Error> {
    serde_json::from_str(text).map_err(|error| {
        let context = "the parameters of the LSH index in the catalogue are damaged";
        Error::new(ErrorKind::LshCorrupt, context).with_source(error)
    })
}
