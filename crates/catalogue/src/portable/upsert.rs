//! Storing what a forge says of repositories.

use std::collections::{BTreeMap, HashMap};

use codelupe_core::HostedRepository;
use codelupe_telemetry::Operation;
use sqlx::QueryBuilder;

use super::{Connection, Database, names};
use crate::error::Error;
use crate::rows::{COLUMNS, HostedRecord, Seen, Upserted, keep_untold, stored_id};

/// Rows in one statement: 39 columns x 500 rows stays below SQLite's limit of 32,766 parameters and PostgreSQL's of 65,535.
const ROWS_PER_STATEMENT: usize = 500;

const UPDATE: &str = " ON CONFLICT (forge, id) DO UPDATE SET
    node_id = excluded.node_id, full_name = excluded.full_name, name_key = excluded.name_key,
    clone_url = excluded.clone_url, description = excluded.description, homepage = excluded.homepage,
    topics = excluded.topics, license = excluded.license, language = excluded.language, languages = excluded.languages,
    stars = excluded.stars, forks = excluded.forks, watchers = excluded.watchers, open_issues = excluded.open_issues,
    size_kib = excluded.size_kib, fork = excluded.fork, parent = excluded.parent, archived = excluded.archived,
    disabled = excluded.disabled, mirror = excluded.mirror, template = excluded.template, private = excluded.private,
    empty = excluded.empty, default_branch = excluded.default_branch, created_at = excluded.created_at,
    pushed_at = excluded.pushed_at, updated_at = excluded.updated_at, raw = excluded.raw,
    last_listed = excluded.last_listed, last_refreshed = excluded.last_refreshed, checked_at = excluded.checked_at,
    state = excluded.state, gone_at = excluded.gone_at, score = excluded.score";

/// Stores repositories. The transaction keeps other writers of repositories out, so that what is read here stays so.
pub(super) async fn upsert(
    connection: &mut Connection,
    repositories: &[HostedRepository],
    seen: Seen,
    now: i64,
) -> Result<Upserted, Error> {
    let latest: BTreeMap<_, _> = repositories
        .iter()
        .map(|repository| ((repository.forge.as_str(), repository.id), repository))
        .collect();
    let latest: Vec<&HostedRepository> = latest.into_values().collect();
    let mut upserted = Upserted::default();
    for chunk in latest.chunks(ROWS_PER_STATEMENT) {
        upserted += upsert_chunk(connection, chunk, seen, now).await?;
    }
    Ok(upserted)
}

async fn upsert_chunk(
    connection: &mut Connection,
    repositories: &[&HostedRepository],
    seen: Seen,
    now: i64,
) -> Result<Upserted, Error> {
    let failed = |error| Error::database(Operation::StoreRepositories, error);
    let mut known = read_known(connection, repositories).await.map_err(failed)?;
    let mut upserted = Upserted::default();
    let mut rows = Vec::with_capacity(repositories.len());
    let mut named = Vec::new();
    for repository in repositories {
        let mut row = HostedRecord::new(repository, now)?;
        let old = known.remove(&(row.forge.clone(), row.id));
        if let Some(old) = &old {
            row = after(old, repository, now)?;
        }
        match seen {
            Seen::Listed => row.last_listed = Some(now),
            Seen::Refreshed => row.last_refreshed = Some(now),
        }
        // A new repository has a name to record, too.
        let renamed = old.as_ref().is_none_or(|old| old.full_name != row.full_name);
        match &old {
            None => upserted.new += 1,
            Some(_) if renamed => upserted.renamed += 1,
            Some(old) if !row.describes_as(old) => upserted.changed += 1,
            Some(_) => upserted.unchanged += 1,
        }
        if renamed {
            named.push(rows.len());
        }
        rows.push(row);
    }
    write(connection, &rows).await.map_err(failed)?;
    let named: Vec<&HostedRecord> = named.iter().filter_map(|place| rows.get(*place)).collect();
    names::record(connection, &named, now).await.map_err(failed)?;
    Ok(upserted)
}

/// A known row with what its forge says now.
fn after(old: &HostedRecord, repository: &HostedRepository, now: i64) -> Result<HostedRecord, Error> {
    let mut merged = repository.clone();
    keep_untold(&mut merged, old.repository()?);
    Ok(HostedRecord {
        etag: old.etag.clone(),
        first_seen: old.first_seen,
        last_listed: old.last_listed,
        last_refreshed: old.last_refreshed,
        score: old.score,
        opt_out: old.opt_out.clone(),
        ..HostedRecord::new(&merged, now)?
    })
}

async fn read_known(
    connection: &mut Connection,
    repositories: &[&HostedRepository],
) -> Result<HashMap<(String, i64), HostedRecord>, sqlx::Error> {
    let mut query = QueryBuilder::<Database>::new(format!(
        "SELECT {COLUMNS} FROM hosted_repositories WHERE (forge, id) IN ("
    ));
    query.push_values(repositories, |mut tuple, repository| {
        tuple
            .push_bind(crate::rows::storable(&repository.forge).into_owned())
            .push_bind(stored_id(repository.id));
    });
    query.push(")");
    let rows: Vec<HostedRecord> = query.build_query_as().persistent(false).fetch_all(connection).await?;
    Ok(rows.into_iter().map(|row| ((row.forge.clone(), row.id), row)).collect())
}

async fn write(connection: &mut Connection, rows: &[HostedRecord]) -> Result<(), sqlx::Error> {
    let mut query = QueryBuilder::<Database>::new(format!("INSERT INTO hosted_repositories ({COLUMNS}) "));
    query.push_values(rows, |mut tuple, row| {
        tuple
            .push_bind(&row.forge)
            .push_bind(row.id)
            .push_bind(&row.node_id)
            .push_bind(&row.full_name)
            .push_bind(&row.name_key)
            .push_bind(&row.clone_url)
            .push_bind(&row.description)
            .push_bind(&row.homepage)
            .push_bind(&row.topics)
            .push_bind(&row.license)
            .push_bind(&row.language)
            .push_bind(&row.languages)
            .push_bind(row.stars)
            .push_bind(row.forks)
            .push_bind(row.watchers)
            .push_bind(row.open_issues)
            .push_bind(row.size_kib)
            .push_bind(row.fork)
            .push_bind(row.parent)
            .push_bind(row.archived)
            .push_bind(row.disabled)
            .push_bind(row.mirror)
            .push_bind(row.template)
            .push_bind(row.private)
            .push_bind(row.empty)
            .push_bind(&row.default_branch)
            .push_bind(row.created_at)
            .push_bind(row.pushed_at)
            .push_bind(row.updated_at)
            .push_bind(&row.raw)
            .push_bind(&row.etag)
            .push_bind(row.first_seen)
            .push_bind(row.last_listed)
            .push_bind(row.last_refreshed)
            .push_bind(row.checked_at)
            .push_bind(&row.state)
            .push_bind(row.gone_at)
            .push_bind(row.score)
            .push_bind(&row.opt_out);
    });
    query
        .push(UPDATE)
        .build()
        .persistent(false)
        .execute(connection)
        .await
        .map(drop)
}
