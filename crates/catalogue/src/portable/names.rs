//! The history of names: one repository has a name at a time.

use std::collections::HashMap;

use sqlx::QueryBuilder;

use super::{Connection, Database};
use crate::rows::HostedRecord;

/// Records the names of repositories that are new or renamed. Any other repository that had such a name loses it.
pub(super) async fn record(connection: &mut Connection, rows: &[&HostedRecord], now: i64) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut ended = QueryBuilder::<Database>::new("UPDATE repository_names SET seen_to = ");
    ended.push_bind(now).push(" WHERE seen_to IS NULL AND (forge, id) IN (");
    ended.push_values(rows, |mut tuple, row| {
        tuple.push_bind(&row.forge).push_bind(row.id);
    });
    ended
        .push(")")
        .build()
        .persistent(false)
        .execute(&mut *connection)
        .await?;

    let mut taken = QueryBuilder::<Database>::new("UPDATE repository_names SET seen_to = ");
    taken
        .push_bind(now)
        .push(" WHERE seen_to IS NULL AND (forge, name_key) IN (");
    taken.push_values(rows, |mut tuple, row| {
        tuple.push_bind(&row.forge).push_bind(&row.name_key);
    });
    taken
        .push(")")
        .build()
        .persistent(false)
        .execute(&mut *connection)
        .await?;

    // A page that was listed while a name changed hands holds it twice: the last one has it.
    let holders: HashMap<_, _> = rows.iter().map(|row| ((&row.forge, &row.name_key), row.id)).collect();
    let mut begun = QueryBuilder::<Database>::new(
        "INSERT INTO repository_names (forge, id, full_name, name_key, seen_from, seen_to) ",
    );
    begun.push_values(rows, |mut tuple, row| {
        let holds = holders.get(&(&row.forge, &row.name_key)) == Some(&row.id);
        tuple
            .push_bind(&row.forge)
            .push_bind(row.id)
            .push_bind(&row.full_name)
            .push_bind(&row.name_key)
            .push_bind(now)
            .push_bind((!holds).then_some(now));
    });
    begun.push(
        " ON CONFLICT (forge, id, name_key) DO UPDATE SET
            full_name = excluded.full_name, seen_to = excluded.seen_to",
    );
    begun.build().persistent(false).execute(connection).await.map(drop)
}
