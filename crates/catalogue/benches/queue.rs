//! Jobs through the queue: enqueued, leased, completed by eight workers with connections of their own, on both databases.
//!
//! `cargo bench -p codelupe-catalogue --bench queue`

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::error::Error;
use std::time::{Duration, Instant};

use codelupe_catalogue::{Catalogue, CatalogueUrl, LeaseRequest, Migrate, NewJob};
use codelupe_testkit::postgres::Server;

const WORKERS: usize = 8;

/// How often each worker enqueues, leases and completes a batch.
const CYCLES: usize = 100;

/// Rounds; the median counts.
const ROUNDS: usize = 5;

type Failed = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failed> {
    let server = Server::start();
    let folder = tempfile::tempdir()?;
    println!("{WORKERS} workers; enqueue, lease and complete in batches; medians of {ROUNDS} rounds; fsync on");
    for batch in [1, 10, 50] {
        let (mut postgres, mut sqlite) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            postgres.push(run(&server.database().parse()?, batch).await?);
            let file = folder.path().join(format!("{batch}-{round}.sqlite"));
            sqlite.push(run(&CatalogueUrl::Sqlite(file), batch).await?);
        }
        for (name, times) in [("PostgreSQL", &mut postgres), ("SQLite", &mut sqlite)] {
            times.sort_unstable();
            let jobs = (WORKERS * CYCLES * batch) as f64;
            let rate = |time: Duration| jobs / time.as_secs_f64();
            let (best, median, worst) = (rate(times[0]), rate(times[ROUNDS / 2]), rate(times[ROUNDS - 1]));
            println!("{name:<10} batches of {batch:>2} {median:>8.0} jobs/s ({worst:.0} to {best:.0})");
        }
    }
    Ok(())
}

async fn run(url: &CatalogueUrl, batch: usize) -> Result<Duration, Failed> {
    let mut workers = Vec::new();
    for worker in 0..WORKERS {
        let catalogue = Catalogue::open(url, Migrate::Allowed).await?;
        catalogue.identity().await?;
        workers.push((worker, catalogue));
    }
    let started = Instant::now();
    let tasks: Vec<_> = workers
        .into_iter()
        .map(|(worker, catalogue)| tokio::spawn(work(catalogue, worker, batch)))
        .collect();
    let mut completed = 0;
    for task in tasks {
        completed += task.await??;
    }
    let elapsed = started.elapsed();
    assert_eq!(completed, WORKERS * CYCLES * batch, "every job is done");
    Ok(elapsed)
}

/// Returns how many jobs it completed, some of others among them.
async fn work(catalogue: Catalogue, worker: usize, batch: usize) -> Result<usize, Failed> {
    let mut completed = 0;
    for cycle in 0..CYCLES {
        let jobs: Vec<NewJob> = (0..batch)
            .map(|place| job(format!("{worker}/{cycle}/{place}")))
            .collect();
        catalogue.enqueue(&jobs).await?;
        completed += lease_and_complete(&catalogue, batch).await?;
    }
    // What others have left over, such as jobs that were locked when their turn was.
    loop {
        match lease_and_complete(&catalogue, batch).await? {
            0 => return Ok(completed),
            more => completed += more,
        }
    }
}

async fn lease_and_complete(catalogue: &Catalogue, batch: usize) -> Result<usize, Failed> {
    let request = LeaseRequest {
        worker: "worker",
        names: &["work"],
        ids: None,
        limit: u32::try_from(batch)?,
        lease: Duration::from_mins(1),
    };
    let leased = catalogue.lease(&request).await?;
    let done: Vec<_> = leased.iter().map(|job| (job.fence(), "{}".to_owned())).collect();
    if done.is_empty() {
        return Ok(0);
    }
    Ok(catalogue.complete(&done).await?.len())
}

fn job(key: String) -> NewJob {
    NewJob {
        payload: format!("{{\"repository\":\"{key}\"}}"),
        key,
        name: "work".to_owned(),
        run: "run".to_owned(),
        step: 0,
        priority: 0,
        version: 1,
        trace_parent: None,
    }
}
