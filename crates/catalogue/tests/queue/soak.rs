//! The queue while workers are killed and stopped and their server goes down, over and over: every job is done, and what it
//! came to is stored by the lease that completed it.

mod outcome;
mod workers;

use std::time::{Duration, Instant};

use codelupe_catalogue::{Catalogue, JobState, Migrate, NewJob};
use codelupe_testkit::postgres::Server;
use tokio::runtime::Runtime;

use outcome::Outcome;
use workers::Workers;

use crate::job;

/// Workers at any time.
const WORKERS: usize = 6;

/// Workers that are killed (`SIGKILL`).
const KILLS: usize = 100;

/// After so many kills the server is restarted: 20 times, in turn killed and shut down in order.
const KILLS_PER_RESTART: usize = 5;

/// After so many kills a worker is stopped for longer than its leases last.
const KILLS_PER_PAUSE: usize = 7;

/// How long a worker is stopped; its leases last two seconds.
const PAUSE: Duration = Duration::from_secs(3);

/// Between two kills.
const PERIOD: Duration = Duration::from_secs(1);

/// Jobs that are enqueued at a time, and between two such times.
const JOBS_AT_A_TIME: usize = 20;
const ENQUEUE_PERIOD: Duration = Duration::from_millis(400);

/// Jobs in all.
const JOBS: usize = 5000;

/// How long the last jobs may take when nothing disturbs them any more.
const PATIENCE: Duration = Duration::from_secs(90);

/// What was done to workers and server.
#[derive(Debug, Default)]
struct Disturbances {
    kills: usize,
    pauses: usize,
    restarts: usize,
}

#[test]
fn every_job_is_done_whatever_is_killed() {
    let runtime = Runtime::new().unwrap();
    let server = Server::start();
    let url = server.database();
    let catalogue = runtime
        .block_on(Catalogue::open(&url.parse().unwrap(), Migrate::Allowed))
        .unwrap();
    runtime.block_on(outcome::watch(&url));
    let started = Instant::now();
    let enqueuing = runtime.spawn(enqueue(catalogue.clone()));
    let mut workers = Workers::start(&url, WORKERS);
    let disturbances = disturb(&server, &mut workers);
    let disturbed = started.elapsed().as_secs();
    runtime.block_on(enqueuing).unwrap();
    let dead = runtime.block_on(finish(&catalogue));
    drop(workers);
    let outcome = runtime.block_on(Outcome::read(&url));
    outcome.check(JOBS);
    let Outcome {
        rows,
        leases,
        effects,
        refused,
        ..
    } = &outcome;
    let (jobs, takeovers, again) = (rows.len(), leases - rows.len(), effects.len() - rows.len());
    println!(
        "{JOBS} keys, {jobs} jobs, all done; {disturbances:?} in {disturbed} s, {} s in all",
        started.elapsed().as_secs()
    );
    println!(
        "{takeovers} take-overs, {again} effects stored again, {refused} refused, {dead} jobs dead and queued again"
    );
    assert_eq!(disturbances.kills, KILLS);
    assert_eq!(disturbances.restarts, KILLS / KILLS_PER_RESTART);
}

/// Enqueues all jobs, little by little.
async fn enqueue(catalogue: Catalogue) {
    let keys: Vec<usize> = (0..JOBS).collect();
    for keys in keys.chunks(JOBS_AT_A_TIME) {
        let named = |key: &usize| NewJob {
            name: "soak".to_owned(),
            ..job(&format!("soak/{key}"))
        };
        let jobs: Vec<NewJob> = keys.iter().map(named).collect();
        catalogue.enqueue(&jobs).await.unwrap();
        tokio::time::sleep(ENQUEUE_PERIOD).await;
    }
}

fn disturb(server: &Server, workers: &mut Workers) -> Disturbances {
    let mut done = Disturbances::default();
    while done.kills < KILLS {
        std::thread::sleep(PERIOD);
        workers.resume_after(PAUSE);
        workers.kill_one();
        done.kills += 1;
        if done.kills % KILLS_PER_PAUSE == 0 {
            workers.pause_one();
            done.pauses += 1;
        }
        if done.kills % KILLS_PER_RESTART == 0 {
            if done.restarts % 2 == 0 {
                server.kill();
            } else {
                server.stop();
            }
            server.start_again();
            done.restarts += 1;
        }
    }
    std::thread::sleep(PAUSE);
    workers.resume_after(PAUSE);
    done
}

/// Waits until all jobs are done. Those whose workers vanished too often are queued again, as an operator would do; returns
/// how many that were.
async fn finish(catalogue: &Catalogue) -> u64 {
    let deadline = Instant::now() + PATIENCE;
    let mut dead = 0;
    loop {
        let counts = catalogue.job_counts().await.unwrap();
        if counts.iter().all(|(_, state, _)| state == JobState::Done.as_str()) {
            return dead;
        }
        assert!(Instant::now() < deadline, "{counts:?}");
        dead += catalogue.retry(None).await.unwrap();
        tokio::time::sleep(ENQUEUE_PERIOD).await;
    }
}
