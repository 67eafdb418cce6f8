//! What is in the database at the end, and what went through it on the way.

use std::collections::{BTreeMap, BTreeSet};

use codelupe_core::BlobId;
use sqlx::{Connection, PgConnection};

/// Notes each repository that is stored, those of one job in order: a lease is kept until its transaction has ended.
const WATCH: &str = "
    CREATE TABLE effects (place BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name TEXT, revision TEXT);
    CREATE FUNCTION note_effect() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO effects (name, revision) VALUES (NEW.name, NEW.revision); RETURN NEW; END
    $$;
    CREATE TRIGGER note_effect AFTER INSERT OR UPDATE ON repositories FOR EACH ROW EXECUTE FUNCTION note_effect();";

/// Repositories with their files: name, revision, paths, the blob of the one that has a content.
const STORED: &str = "
    SELECT r.name, r.revision, string_agg(convert_from(f.path, 'UTF8'), ',' ORDER BY f.path), max(encode(c.blob_id, 'hex'))
    FROM repositories r JOIN files f ON f.repository_id = r.id LEFT JOIN contents c ON c.id = f.content_id
    GROUP BY r.id";

const REFUSED: &str = "SELECT coalesce(sum(count), 0)::bigint FROM errors WHERE code = 'lease_lost'";

/// A job: id, key, state, lease, result.
type Row = (i64, String, String, i64, Option<String>);

/// All that is left.
pub(super) struct Outcome {
    pub(super) rows: Vec<Row>,
    /// How often a job was leased.
    pub(super) leases: usize,
    /// What was stored on the way: name and revision (job and lease), in order.
    pub(super) effects: Vec<(String, String)>,
    /// Stores that were refused since another worker had the job by then.
    pub(super) refused: i64,
    stored: Vec<(String, String, String, Option<String>)>,
    contents: i64,
}

/// Has the database note what is stored.
pub(super) async fn watch(url: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(WATCH).execute(&mut connection).await.unwrap();
}

impl Outcome {
    pub(super) async fn read(url: &str) -> Self {
        let connection = &mut PgConnection::connect(url).await.unwrap();
        let rows: Vec<Row> = sqlx::query_as("SELECT id, key, state, lease, result FROM jobs ORDER BY id")
            .fetch_all(&mut *connection)
            .await
            .unwrap();
        let effects = sqlx::query_as("SELECT name, revision FROM effects ORDER BY place").fetch_all(&mut *connection);
        Self {
            leases: rows.iter().map(|row| usize::try_from(row.3).unwrap()).sum(),
            rows,
            effects: effects.await.unwrap(),
            stored: sqlx::query_as(STORED).fetch_all(&mut *connection).await.unwrap(),
            refused: sqlx::query_scalar(REFUSED).fetch_one(&mut *connection).await.unwrap(),
            contents: sqlx::query_scalar("SELECT count(*) FROM contents")
                .fetch_one(connection)
                .await
                .unwrap(),
        }
    }

    /// Every job is done, its effect is there once, with the right content, and stored last by the lease that completed it.
    pub(super) fn check(&self, jobs: usize) {
        // A key may be there twice: its job was enqueued and done, the server went down before it could say so, and it was
        // enqueued again. The later one counts then.
        let mut last = BTreeMap::new();
        for (id, key, state, lease, result) in &self.rows {
            assert_eq!(
                (state.as_str(), result),
                ("done", &Some(format!("\"{key}\""))),
                "{id} {key}"
            );
            last.insert(key.as_str(), (*id, *lease));
        }
        let keys: BTreeSet<String> = (0..jobs).map(|key| format!("soak/{key}")).collect();
        assert!(
            last.keys().copied().eq(keys.iter().map(String::as_str)),
            "{} of {jobs} keys",
            last.len()
        );

        assert_eq!((self.stored.len(), self.contents), (jobs, i64::try_from(jobs).unwrap()));
        for (name, revision, paths, blob) in &self.stored {
            assert_eq!(
                parse(revision),
                last[name.as_str()],
                "{name} was stored by another lease than completed it"
            );
            assert_eq!(
                (paths.as_str(), blob),
                ("a.rs,link", &Some(BlobId::of(name.as_bytes()).to_string()))
            );
        }
        assert!(self.refused > 0, "no worker came too late");
        let mut so_far = BTreeMap::new();
        for (name, revision) in &self.effects {
            let earlier = so_far.insert(name, parse(revision));
            assert!(
                earlier <= Some(parse(revision)),
                "{name}: {revision} was stored after {earlier:?}"
            );
        }
    }
}

/// Job and lease.
fn parse(revision: &str) -> (i64, i64) {
    let (job, lease) = revision.split_once('/').unwrap();
    (job.parse().unwrap(), lease.parse().unwrap())
}
