//! Listing hosted repositories.

use sqlx::QueryBuilder;

use super::Database;
use crate::rows::{COLUMNS, HostedFilter, HostedOrder, key_of, storable, storable_size, stored_id};

/// What an order looks at, highest first; the same as `HostedRow::position`.
const fn value_of(order: HostedOrder) -> &'static str {
    match order {
        HostedOrder::Score => "coalesce(CAST(round(score * 1000) AS BIGINT), -1)",
        HostedOrder::Stars => "coalesce(stars, -1)",
        // The least that the column holds, written so that no dialect takes it for a decimal.
        HostedOrder::Pushed => "coalesce(pushed_at, -9223372036854775807 - 1)",
        HostedOrder::Id => "0",
    }
}

/// The statement of a filter.
pub(super) fn statement(filter: &HostedFilter) -> QueryBuilder<Database> {
    let mut query = QueryBuilder::<Database>::new(format!("SELECT {COLUMNS} FROM hosted_repositories WHERE true"));
    if let Some(crawl) = filter.crawl {
        query.push(" AND id IN (SELECT repository_id FROM crawl_repositories WHERE crawl_id = ");
        query.push_bind(crawl.0).push(")");
    }
    if let Some(forge) = &filter.forge {
        query.push(" AND forge = ").push_bind(storable(forge).into_owned());
    }
    for (column, value) in [("language", &filter.language), ("license", &filter.license)] {
        if let Some(value) = value {
            let value = storable(value).to_ascii_lowercase();
            query.push(format!(" AND lower({column}) = ")).push_bind(value);
        }
    }
    for (column, range) in [("stars", filter.stars), ("size_kib", filter.size_kib)] {
        if let Some((low, high)) = range {
            query
                .push(format!(" AND {column} BETWEEN "))
                .push_bind(storable_size(low));
            query.push(" AND ").push_bind(storable_size(high));
        }
    }
    for (column, wanted) in [("fork", filter.fork), ("archived", filter.archived)] {
        if let Some(wanted) = wanted {
            query.push(format!(" AND {column} = ")).push_bind(wanted);
        }
    }
    if let Some(state) = filter.state {
        query.push(" AND state = ").push_bind(state.as_str());
    }
    if let Some(text) = &filter.text {
        query
            .push(" AND name_key LIKE ")
            .push_bind(containing(text))
            .push(" ESCAPE '!'");
    }
    order(&mut query, filter);
    query
}

fn order(query: &mut QueryBuilder<Database>, filter: &HostedFilter) {
    let value = value_of(filter.order);
    if let Some(after) = &filter.after {
        query.push(format!(" AND ({value} < ")).push_bind(after.value);
        query.push(format!(" OR ({value} = ")).push_bind(after.value);
        query
            .push(" AND (forge, id) > (")
            .push_bind(storable(&after.forge).into_owned());
        query.push(", ").push_bind(stored_id(after.id)).push(")))");
    }
    let by_value = if filter.order == HostedOrder::Id {
        String::new()
    } else {
        format!("{value} DESC, ")
    };
    query.push(format!(" ORDER BY {by_value}forge, id LIMIT "));
    query.push_bind(i64::from(filter.limit));
}

/// A pattern for names that contain the text; no character of it is a wildcard.
fn containing(text: &str) -> String {
    /// Longer than any name of a forge, and below what a pattern may be.
    const MAX_CHARS: usize = 1024;
    let mut pattern = String::from("%");
    for c in key_of(text).chars().take(MAX_CHARS) {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
