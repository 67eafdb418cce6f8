//! A worker of the soak test (`tests/queue/soak.rs`): takes jobs, stores what each comes to under its lease, completes them.
//!
//! `soak_worker URL NAME`; it ends when its standard input does.

use std::error::Error;
use std::io::Read;
use std::time::Duration;

use codelupe_catalogue::{
    Batch, Catalogue, ContentKey, ContentRow, ErrorKind, Failure, Fence, FileRow, FileState, JobRow, LeaseRequest,
    Migrate, RepositoryRow,
};
use codelupe_core::error::{ErrorContext, ErrorOccurrence};
use codelupe_core::{BlobId, Language, LicenseClass, ParseRepoNameError, Reason, Repository, SegmentInfo, Verdict};
use tokio::time::sleep;

/// How long a lease holds: a worker that is stopped for longer loses its jobs.
const LEASE: Duration = Duration::from_secs(2);

/// Jobs that are taken together.
const JOBS: u32 = 4;

/// How long the work of one job takes.
const WORK: Duration = Duration::from_millis(50);

/// How long to wait when there is nothing to do.
const IDLE: Duration = Duration::from_millis(100);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(worker)) = (arguments.next(), arguments.next()) else {
        return Err("usage: soak_worker URL NAME".into());
    };
    let url = url.parse()?;
    let catalogue = loop {
        match Catalogue::open(&url, Migrate::Refused).await {
            Ok(catalogue) => break catalogue,
            // A server that is away comes back.
            Err(error) if error.kind() == ErrorKind::Unavailable => sleep(IDLE).await,
            Err(error) => return Err(error.into()),
        }
    };
    let (closed, mut until_closed) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        // Whether it ended or failed, nobody is there any more.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        closed.send(())
    });
    while until_closed.try_recv().is_err() {
        let request = LeaseRequest {
            worker: &worker,
            names: &["soak"],
            ids: None,
            limit: JOBS,
            lease: LEASE,
        };
        match catalogue.lease(&request).await {
            Ok(jobs) if !jobs.is_empty() => work(&catalogue, jobs).await,
            Ok(_) | Err(_) => sleep(IDLE).await,
        }
    }
    Ok(())
}

/// Does jobs one after the other, and completes those that could be stored.
async fn work(catalogue: &Catalogue, jobs: Vec<JobRow>) {
    let mut done = Vec::new();
    for job in jobs {
        // The heartbeat: the jobs before this one took their time.
        if !catalogue.extend(job.fence(), LEASE).await.unwrap_or(false) {
            continue;
        }
        sleep(WORK).await;
        let Ok(batch) = effect(&job) else { continue };
        match catalogue.commit(&batch, "soak", Some(job.fence())).await {
            Ok(()) => done.push((job.fence(), format!("\"{}\"", job.key))),
            Err(error) => give_up(catalogue, job.fence(), &error).await,
        }
    }
    // What cannot be completed now is done again by whoever takes it over.
    let _ = catalogue.complete(&done).await;
}

/// Records why a job could not be stored, and gives it back if it is still ours.
async fn give_up(catalogue: &Catalogue, fence: Fence, error: &codelupe_catalogue::Error) {
    let occurrence = ErrorOccurrence::from_chain("soak", error.code(), error, ErrorContext::new());
    // What cannot be recorded now is missing in the count; when the failure cannot be noted, the lease runs out.
    let _ = catalogue.record_errors(&[(occurrence, 1)]).await;
    let failure = Failure {
        code: error.code().to_string(),
        message: error.to_string(),
        retry_after: Some(IDLE),
    };
    let _ = catalogue.fail(fence, &failure).await;
}

/// A repository named by the job's key, with a content of that text and a link; its revision names the lease.
fn effect(job: &JobRow) -> Result<Batch, ParseRepoNameError> {
    let text = job.key.as_str();
    let key = ContentKey {
        blob: BlobId::of(text.as_bytes()),
        file_name: "a.rs".to_owned(),
    };
    let file = |path: &str, state| FileRow {
        path: path.as_bytes().to_vec(),
        bytes: None,
        state,
    };
    let repository = Repository {
        name: text.parse()?,
        forge: "git".to_owned(),
        origin: text.to_owned(),
        family: text.to_owned(),
        commit: None,
        revision: format!("{}/{}", job.id, job.lease),
        stars: None,
        fork: false,
        committed_at: None,
    };
    Ok(Batch {
        segment: Some(SegmentInfo {
            name: text.replace('/', "-"),
            bytes: 1,
            rows: 1,
        }),
        contents: vec![content(key.clone(), text)],
        repositories: vec![RepositoryRow {
            repository,
            location: text.to_owned(),
            license: None,
            license_class: LicenseClass::None,
            license_evidence: "[]".to_owned(),
            error: None,
            files: vec![
                file("a.rs", FileState::Content(key)),
                file("link", FileState::Dropped(Reason::Symlink, None)),
            ],
        }],
    })
}

fn content(key: ContentKey, text: &str) -> ContentRow {
    ContentRow {
        key,
        bytes: text.len() as u64,
        language: Some(Language::known("Rust")),
        verdict: Verdict::Kept,
        quality: 50,
        text_bytes: text.len() as u64,
        redactions: 0,
        segment_row: 0,
    }
}
