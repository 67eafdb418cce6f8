//! Once per key.

use codelupe_catalogue::{Enqueued, JobFilter, JobState, NewJob};

use crate::{HOUR, failure, job, worlds};

#[tokio::test]
async fn a_key_is_there_once_however_often_it_is_enqueued() {
    for world in worlds().await {
        let first = world.enqueue(&[job("a"), job("b"), job("a")]).await;
        let [a, b, again] = first[..] else { panic!("{first:?}") };
        assert!(a.new && b.new && a.id < b.id);
        assert_eq!(again, Enqueued { id: a.id, new: false });
        assert_eq!(world.enqueue(&[job("b")]).await, [Enqueued { id: b.id, new: false }]);
        assert_eq!(
            world
                .catalogue
                .jobs(&JobFilter {
                    limit: 9,
                    ..JobFilter::default()
                })
                .await
                .unwrap()
                .len(),
            2
        );
        assert!(world.enqueue(&[]).await.is_empty());
    }
}

/// Each of eight takes the same keys in another order: they may have to wait for each other in a circle.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_at_once_make_one_job_of_each_key() {
    const KEYS: usize = 30;
    for world in worlds().await {
        let mut tasks = Vec::new();
        for task in 0..8 {
            let catalogue = world.another().await;
            let mut jobs: Vec<NewJob> = (0..KEYS).map(|key| job(&format!("key {key}"))).collect();
            jobs.rotate_left(task * KEYS / 8);
            if task % 2 == 1 {
                jobs.reverse();
            }
            tasks.push(tokio::spawn(async move {
                let enqueued = catalogue.enqueue(&jobs).await.unwrap();
                jobs.into_iter().map(|job| job.key).zip(enqueued).collect::<Vec<_>>()
            }));
        }
        let mut all = Vec::new();
        for task in tasks {
            all.extend(task.await.unwrap());
        }
        assert_eq!(all.iter().filter(|(_, enqueued)| enqueued.new).count(), KEYS);
        let rows = world
            .catalogue
            .jobs(&JobFilter {
                limit: 1000,
                ..JobFilter::default()
            })
            .await
            .unwrap();
        assert_eq!(rows.len(), KEYS);
        for (key, enqueued) in all {
            assert!(rows.iter().any(|row| row.key == key && row.id == enqueued.id));
        }
    }
}

#[tokio::test]
async fn a_job_that_is_over_does_not_bar_another_of_its_key() {
    for world in worlds().await {
        let done = world.enqueue_one(job("a")).await;
        let leased = world.lease_one("w").await;
        world
            .catalogue
            .complete(&[(leased.fence(), "{}".to_owned())])
            .await
            .unwrap();
        let canceled = world.enqueue_one(job("a")).await;
        assert_ne!(done, canceled);
        assert!(world.catalogue.cancel(canceled).await.unwrap());
        let third = world.enqueue(&[job("a")]).await[0];
        assert!(third.new && ![done, canceled].contains(&third.id));
    }
}

fn newer(key: &str) -> NewJob {
    NewJob {
        run: "newer".to_owned(),
        step: 2,
        priority: -1,
        version: 2,
        payload: "[2]".to_owned(),
        trace_parent: Some("00-1-2-01".to_owned()),
        ..job(key)
    }
}

#[tokio::test]
async fn a_queued_job_moves_to_the_newer_run_and_need_not_wait() {
    for world in worlds().await {
        let id = world
            .enqueue_one(NewJob {
                priority: 5,
                ..job("a")
            })
            .await;
        let leased = world.lease_one("w").await;
        assert!(
            world
                .catalogue
                .fail(leased.fence(), &failure(Some(HOUR)))
                .await
                .unwrap()
        );
        assert_eq!(world.enqueue(&[newer("a")]).await, [Enqueued { id, new: false }]);
        let row = world.lease_one("w").await;
        assert_eq!((row.id, row.run.as_str(), row.step, row.version), (id, "newer", 2, 2));
        assert_eq!(
            (row.payload.as_str(), row.trace_parent.as_deref()),
            ("[2]", Some("00-1-2-01"))
        );
        assert_eq!(
            (row.priority, row.attempts),
            (5, 2),
            "the higher priority and the attempts stay"
        );
    }
}

#[tokio::test]
async fn a_running_job_moves_to_the_newer_run_and_keeps_its_work() {
    for world in worlds().await {
        let id = world.enqueue_one(job("a")).await;
        let leased = world.lease_one("w").await;
        assert_eq!(world.enqueue(&[newer("a")]).await, [Enqueued { id, new: false }]);
        let row = world.job(id).await;
        assert_eq!((row.state, row.run.as_str(), row.step), (JobState::Running, "newer", 2));
        assert_eq!(
            (row.version, &row.payload, &row.trace_parent),
            (1, &leased.payload, &None)
        );
        assert_eq!((row.lease_until, row.run_at), (leased.lease_until, leased.run_at));
        assert_eq!(
            world
                .catalogue
                .complete(&[(leased.fence(), "1".to_owned())])
                .await
                .unwrap(),
            [id]
        );
    }
}

#[tokio::test]
async fn a_dead_job_starts_afresh_with_the_newer_work() {
    for world in worlds().await {
        let id = world.enqueue_one(job("a")).await;
        let leased = world.lease_one("w").await;
        assert!(world.catalogue.fail(leased.fence(), &failure(None)).await.unwrap());
        assert_eq!(world.enqueue(&[newer("a")]).await, [Enqueued { id, new: false }]);
        let row = world.job(id).await;
        assert_eq!((row.state, row.attempts, row.finished_at), (JobState::Queued, 0, None));
        assert_eq!((row.version, row.payload.as_str()), (2, "[2]"));
        let again = world.lease_one("w").await;
        assert!(
            again.id == id && again.lease > leased.lease,
            "the earlier lease stays void"
        );
    }
}
