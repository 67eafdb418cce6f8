//! Who gets which job, and until when.

use std::collections::BTreeSet;
use std::time::Duration;

use codelupe_catalogue::{Batch, ErrorKind, JobState, LeaseRequest, NewJob, RepositoryRow};
use codelupe_core::{LicenseClass, Repository};

use crate::{HOUR, failure, job, keys, request, worlds};

#[tokio::test]
async fn higher_priority_goes_first_then_the_older_job() {
    for world in worlds().await {
        let of = |key: &str, priority| NewJob { priority, ..job(key) };
        world
            .enqueue(&[of("c", 0), of("d", -3), of("a", 7), of("b", 7), of("e", i64::MIN)])
            .await;
        assert!(world.lease("w", 0).await.is_empty());
        assert_eq!(keys(&world.lease("w", 3).await), ["a", "b", "c"]);
        assert_eq!(keys(&world.lease("v", 3).await), ["d", "e"]);
        assert!(world.lease("u", 3).await.is_empty());
    }
}

#[tokio::test]
async fn a_leased_job_says_who_has_it() {
    for world in worlds().await {
        let id = world.enqueue_one(job("a")).await;
        let row = world.lease_one("w").await;
        assert_eq!(
            (row.id, row.state, row.worker.as_deref()),
            (id, JobState::Running, Some("w"))
        );
        assert_eq!((row.attempts, row.lease, row.vanished), (1, 1, 0));
        assert_eq!(row.lease_until, Some(row.started_at.unwrap() + 3_600_000));
        assert!(row.started_at >= Some(row.enqueued_at));
        assert_eq!(row.payload, r#"{"of":"a"}"#);
    }
}

#[tokio::test]
async fn only_jobs_of_the_names_and_ids_that_are_asked_for() {
    for world in worlds().await {
        let other = NewJob {
            name: "other".to_owned(),
            ..job("b")
        };
        let ids: Vec<i64> = world
            .enqueue(&[job("a"), other, job("c")])
            .await
            .iter()
            .map(|row| row.id)
            .collect();
        let check = async |names: &[&str], ids: Option<&[i64]>, expected: &[&str]| {
            let leased = world
                .catalogue
                .lease(&LeaseRequest {
                    names,
                    ids,
                    ..request("w", 9)
                })
                .await
                .unwrap();
            assert_eq!(keys(&leased), expected, "{names:?} {ids:?}");
            for job in leased {
                assert!(world.catalogue.release(job.fence()).await.unwrap());
            }
        };
        check(&[], None, &[]).await;
        check(&["none"], None, &[]).await;
        check(&["other"], None, &["b"]).await;
        check(&["work", "other"], None, &["a", "b", "c"]).await;
        check(&["work"], Some(&ids[1..]), &["c"]).await;
        check(&["work"], Some(&[]), &[]).await;
        check(&["work"], Some(&[-1]), &[]).await;
    }
}

#[tokio::test]
async fn a_step_waits_for_the_lower_ones_of_its_run() {
    let check = async |state: JobState, run: &str, step: i64, waits: bool| {
        for world in worlds().await {
            let lower = NewJob {
                step: 1,
                name: "lower".to_owned(),
                ..job("lower")
            };
            world.enqueue_in(lower, state).await;
            world
                .enqueue_one(NewJob {
                    step,
                    run: run.to_owned(),
                    ..job("higher")
                })
                .await;
            assert_eq!(world.lease("w", 9).await.is_empty(), waits, "{state} {run} {step}");
        }
    };
    for state in [JobState::Queued, JobState::Running, JobState::Dead] {
        check(state, "run", 2, true).await;
        check(state, "run", i64::MAX, true).await;
        check(state, "run", 1, false).await;
        check(state, "run", 0, false).await;
        check(state, "another", 2, false).await;
    }
    check(JobState::Done, "run", 2, false).await;
    check(JobState::Canceled, "run", 2, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_workers_share_the_jobs_and_none_is_leased_twice() {
    const JOBS: usize = 300;
    for world in worlds().await {
        let jobs: Vec<NewJob> = (0..JOBS).map(|key| job(&key.to_string())).collect();
        world.enqueue(&jobs).await;
        let mut tasks = Vec::new();
        for _ in 0..8 {
            let catalogue = world.another().await;
            tasks.push(tokio::spawn(async move {
                let mut ids = Vec::new();
                loop {
                    let leased = catalogue.lease(&request("w", 7)).await.unwrap();
                    assert!(leased.len() <= 7);
                    if leased.is_empty() {
                        return ids;
                    }
                    ids.extend(leased.iter().map(|job| job.id));
                }
            }));
        }
        let mut ids = Vec::new();
        for task in tasks {
            ids.extend(task.await.unwrap());
        }
        // On PostgreSQL a worker may find all that is left locked by others, whose jobs they are.
        assert_eq!(ids.len(), JOBS);
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), JOBS);
    }
}

#[tokio::test]
async fn a_heartbeat_extends_a_lease() {
    for world in worlds().await {
        world.enqueue_one(job("a")).await;
        let short = LeaseRequest {
            lease: Duration::from_millis(200),
            ..request("w", 1)
        };
        let leased = world.catalogue.lease(&short).await.unwrap().remove(0);
        assert!(world.catalogue.extend(leased.fence(), HOUR).await.unwrap());
        tokio::time::sleep(Duration::from_millis(250)).await;
        assert!(world.lease("v", 1).await.is_empty());
        assert!(world.catalogue.extend(leased.fence(), HOUR).await.unwrap());
    }
}

#[tokio::test]
async fn a_lease_that_ran_out_goes_to_another_and_the_first_holder_changes_nothing() {
    for world in worlds().await {
        let id = world.enqueue_one(job("a")).await;
        let short = LeaseRequest {
            lease: Duration::from_millis(200),
            ..request("w", 1)
        };
        let stale = world.catalogue.lease(&short).await.unwrap().remove(0).fence();
        tokio::time::sleep(Duration::from_millis(250)).await;
        let taken = world.lease_one("v").await;
        assert_eq!((taken.id, taken.attempts, taken.vanished), (id, 2, 1));
        assert!(taken.fence().lease > stale.lease);
        assert_eq!(
            taken.error_message.as_deref(),
            Some("the worker w vanished in attempt 1")
        );

        let catalogue = &world.catalogue;
        assert!(!catalogue.extend(stale, HOUR).await.unwrap());
        assert!(catalogue.complete(&[(stale, "1".to_owned())]).await.unwrap().is_empty());
        assert!(!catalogue.fail(stale, &failure(None)).await.unwrap());
        assert!(!catalogue.release(stale).await.unwrap());
        let error = catalogue
            .commit(&batch("late"), "recipe", Some(stale))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LeaseLost);
        assert!(catalogue.repository_locations().await.unwrap().is_empty());
        assert_eq!(format!("{:?}", world.job(id).await), format!("{taken:?}"));

        catalogue
            .commit(&batch("in time"), "recipe", Some(taken.fence()))
            .await
            .unwrap();
        assert_eq!(
            catalogue.complete(&[(taken.fence(), "1".to_owned())]).await.unwrap(),
            [id]
        );
        let error = catalogue
            .commit(&batch("after"), "recipe", Some(taken.fence()))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LeaseLost);
        assert_eq!(catalogue.repository_locations().await.unwrap().len(), 1);
    }
}

/// A repository without files.
fn batch(name: &str) -> Batch {
    let repository = Repository {
        name: name.parse().unwrap(),
        forge: "git".to_owned(),
        origin: name.to_owned(),
        family: name.to_owned(),
        commit: None,
        revision: "1".to_owned(),
        stars: None,
        fork: false,
        committed_at: None,
    };
    let row = RepositoryRow {
        repository,
        location: name.to_owned(),
        license: None,
        license_class: LicenseClass::None,
        license_evidence: "[]".to_owned(),
        error: None,
        files: Vec::new(),
    };
    Batch {
        repositories: vec![row],
        ..Batch::default()
    }
}
