//! A table of a catalogue in PostgreSQL that nobody may change for a while.

use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use codelupe_testkit::postgres;

/// Bars a table until a table `released` is made.
const BAR: &str = "DO $$ BEGIN LOCK TABLE NAME IN EXCLUSIVE MODE; \
                   WHILE NOT EXISTS (SELECT 1 FROM pg_class WHERE relname = 'released') LOOP \
                   PERFORM pg_sleep(0.05); END LOOP; END $$";

const IS_BARRED: &str = "SELECT count(*) FROM pg_locks WHERE granted AND mode = 'ExclusiveLock' \
                         AND relation = 'NAME'::regclass";

/// Ends the connections that wait for the table.
const CUT: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";

/// A table that is barred until it is released.
pub(crate) struct Barred {
    database: String,
    barring: JoinHandle<String>,
}

impl Barred {
    /// Bars a table of the catalogue at an address of the shared server.
    pub(crate) fn start(url: &str, table: &str) -> Self {
        let database = url.rsplit('/').next().unwrap().to_owned();
        let (there, bar) = (database.clone(), BAR.replace("NAME", table));
        let barring = spawn(move || postgres::shared().psql(&there, &bar));
        let barred = Self { database, barring };
        let is_barred = IS_BARRED.replace("NAME", table);
        wait_until("it is not barred", || barred.psql(&is_barred).trim() == "1");
        barred
    }

    pub(crate) fn psql(&self, sql: &str) -> String {
        postgres::shared().psql(&self.database, sql)
    }

    /// Cuts the connection of somebody who waits for the table, as soon as there is one.
    pub(crate) fn cut_who_waits(&self) {
        wait_until("nobody waits", || self.psql(CUT).trim() != "0");
    }

    /// Lets others change the table.
    pub(crate) fn release(self) {
        self.psql("CREATE TABLE released ()");
        self.barring.join().unwrap();
    }
}

/// Waits until something is so, two minutes at most.
pub(crate) fn wait_until(what: &str, mut so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_mins(2);
    while !so() {
        assert!(Instant::now() < end, "{what}");
        sleep(Duration::from_millis(20));
    }
}
