//! How attempts end.

use std::time::Duration;

use codelupe_catalogue::{JobState, MAX_VANISHED, NewJob};

use crate::{HOUR, failure, job, keys, worlds};

fn result(of: &str) -> String {
    format!("{{\"files\":\"{of}\"}}")
}

#[tokio::test]
async fn a_completed_job_is_done_with_its_result_and_may_be_completed_again_by_the_same_lease() {
    for world in worlds().await {
        world.enqueue(&[job("a"), job("b"), job("c")]).await;
        let leased = world.lease("w", 3).await;
        assert!(world.catalogue.release(leased[1].fence()).await.unwrap());
        let done: Vec<_> = leased.iter().map(|job| (job.fence(), result(&job.key))).collect();
        for _ in 0..2 {
            let mut completed = world.catalogue.complete(&done).await.unwrap();
            completed.sort_unstable();
            assert_eq!(completed, [leased[0].id, leased[2].id]);
        }
        let row = world.job(leased[2].id).await;
        assert_eq!((row.state, row.result), (JobState::Done, Some(result("c"))));
        assert_eq!((row.lease_until, row.error_code, row.error_message), (None, None, None));
        assert!(row.finished_at >= row.started_at);
        assert_eq!(world.job(leased[1].id).await.state, JobState::Queued);
        assert!(world.catalogue.complete(&[]).await.unwrap().is_empty());

        // What is done stays done.
        let fence = leased[0].fence();
        assert!(!world.catalogue.extend(fence, HOUR).await.unwrap());
        assert!(!world.catalogue.fail(fence, &failure(None)).await.unwrap());
        assert!(!world.catalogue.release(fence).await.unwrap());
        assert!(!world.catalogue.cancel(fence.job).await.unwrap());
        assert_eq!(world.catalogue.retry(Some(fence.job)).await.unwrap(), 0);
        assert_eq!(world.job(fence.job).await.state, JobState::Done);
    }
}

#[tokio::test]
async fn a_job_that_failed_for_now_is_not_begun_before_its_time() {
    for world in worlds().await {
        let id = world.enqueue_one(job("a")).await;
        let leased = world.lease_one("w").await;
        assert!(
            world
                .catalogue
                .fail(leased.fence(), &failure(Some(HOUR)))
                .await
                .unwrap()
        );
        let row = world.job(id).await;
        assert_eq!(
            (row.state, row.attempts, row.finished_at, row.lease_until),
            (JobState::Queued, 1, None, None)
        );
        assert!(row.run_at >= leased.started_at.unwrap() + 3_600_000);
        assert_eq!(row.error_code.as_deref(), Some("network"));
        assert!(world.lease("w", 1).await.is_empty());
        // An hour later.
        world.execute("UPDATE jobs SET run_at = run_at - 3600000").await;
        let again = world.lease_one("v").await;
        assert_eq!((again.id, again.attempts), (id, 2));
        assert!(
            world
                .catalogue
                .fail(again.fence(), &failure(Some(Duration::ZERO)))
                .await
                .unwrap()
        );
        assert_eq!(world.lease_one("v").await.attempts, 3);
    }
}

#[tokio::test]
async fn a_job_that_failed_for_good_is_dead_with_its_error() {
    for world in worlds().await {
        let id = world.enqueue_one(job("a")).await;
        let leased = world.lease_one("w").await;
        assert!(world.catalogue.fail(leased.fence(), &failure(None)).await.unwrap());
        let row = world.job(id).await;
        assert_eq!((row.state, row.attempts, row.lease_until), (JobState::Dead, 1, None));
        assert_eq!(row.error_code.as_deref(), Some("network"));
        assert_eq!(row.error_message.as_deref(), Some("the line was cut: by a digger"));
        assert!(row.finished_at >= row.started_at);
        assert!(world.lease("w", 1).await.is_empty());
    }
}

#[tokio::test]
async fn a_job_whose_workers_keep_vanishing_is_dead() {
    for world in worlds().await {
        let id = world.enqueue_one(job("a")).await;
        for vanished in 0..MAX_VANISHED {
            assert_eq!(world.lease_one("w").await.vanished, vanished);
            world.expire_leases().await;
        }
        assert!(world.lease("w", 1).await.is_empty());
        let row = world.job(id).await;
        assert_eq!(
            (row.state, row.attempts, row.vanished),
            (JobState::Dead, MAX_VANISHED, MAX_VANISHED)
        );
        assert_eq!(row.error_code.as_deref(), Some("lease_lost"));
        assert!(row.error_message.unwrap().contains("w vanished in attempt 5"));
        assert!(row.finished_at >= row.started_at);

        assert_eq!(world.catalogue.retry(Some(id)).await.unwrap(), 1);
        assert_eq!(world.lease_one("w").await.vanished, 0);
    }
}

#[tokio::test]
async fn workers_that_fail_or_give_back_have_not_vanished() {
    for world in worlds().await {
        world.enqueue_one(job("a")).await;
        let mut attempts = 0;
        for round in 0..3 {
            for vanished in 0..MAX_VANISHED - 1 {
                assert_eq!(world.lease_one("w").await.vanished, vanished);
                world.expire_leases().await;
                attempts += 1;
            }
            let leased = world.lease_one("w").await;
            attempts += 1;
            assert_eq!((leased.vanished, leased.attempts), (MAX_VANISHED - 1, attempts));
            if round % 2 == 0 {
                assert!(
                    world
                        .catalogue
                        .fail(leased.fence(), &failure(Some(Duration::ZERO)))
                        .await
                        .unwrap()
                );
            } else {
                assert!(world.catalogue.release(leased.fence()).await.unwrap());
                attempts -= 1;
            }
        }
    }
}

#[tokio::test]
async fn a_job_that_is_given_back_was_not_begun() {
    for world in worlds().await {
        world.enqueue(&[job("a"), job("b")]).await;
        let leased = world.lease_one("w").await;
        assert!(world.catalogue.release(leased.fence()).await.unwrap());
        assert!(!world.catalogue.release(leased.fence()).await.unwrap());
        let row = world.job(leased.id).await;
        assert_eq!((row.state, row.attempts, row.lease_until), (JobState::Queued, 0, None));
        let again = world.lease_one("v").await;
        assert_eq!((again.key.as_str(), again.attempts), ("a", 1));
        assert!(again.lease > leased.lease);
    }
}

#[tokio::test]
async fn dead_jobs_are_queued_again_one_or_all() {
    for world in worlds().await {
        let mut dead = Vec::new();
        for key in ["a", "b", "c"] {
            dead.push(world.enqueue_in(job(key), JobState::Dead).await);
        }
        let canceled = world.enqueue_in(job("d"), JobState::Canceled).await;
        assert_eq!(world.catalogue.retry(Some(dead[1])).await.unwrap(), 1);
        assert_eq!(
            world.catalogue.retry(Some(dead[1])).await.unwrap(),
            0,
            "it is queued already"
        );
        assert_eq!(world.catalogue.retry(Some(-1)).await.unwrap(), 0);
        let row = world.lease_one("w").await;
        assert_eq!((row.id, row.attempts, row.finished_at), (dead[1], 1, None));
        assert_eq!(world.catalogue.retry(None).await.unwrap(), 2);
        assert_eq!(keys(&world.lease("w", 9).await), ["a", "c"]);
        assert_eq!(
            world.job(canceled).await.state,
            JobState::Canceled,
            "it was meant to be"
        );
        assert_eq!(world.catalogue.retry(Some(canceled)).await.unwrap(), 1);
        assert_eq!(keys(&world.lease("w", 9).await), ["d"]);
    }
}

#[tokio::test]
async fn a_canceled_job_is_not_queued_again_beside_another_of_its_key() {
    for state in [JobState::Queued, JobState::Running, JobState::Dead] {
        for world in worlds().await {
            let canceled = world.enqueue_in(job("a"), JobState::Canceled).await;
            let twin = world.enqueue_in(job("a"), state).await;
            assert_eq!(world.catalogue.retry(Some(canceled)).await.unwrap(), 0);
            assert_eq!(world.job(canceled).await.state, JobState::Canceled);
            if state != JobState::Running {
                assert!(world.catalogue.cancel(twin).await.unwrap());
                assert_eq!(world.catalogue.retry(Some(canceled)).await.unwrap(), 1);
            }
        }
    }
}

#[tokio::test]
async fn canceling_takes_a_job_out_and_voids_its_lease() {
    for world in worlds().await {
        for state in [JobState::Queued, JobState::Running, JobState::Dead] {
            let id = world.enqueue_in(job(state.as_str()), state).await;
            let fence = world.job(id).await.fence();
            assert!(world.catalogue.cancel(id).await.unwrap());
            assert!(!world.catalogue.cancel(id).await.unwrap());
            let row = world.job(id).await;
            assert_eq!((row.state, row.lease_until), (JobState::Canceled, None));
            assert!(row.finished_at >= Some(row.enqueued_at));
            assert!(!world.catalogue.extend(fence, HOUR).await.unwrap());
            assert!(
                world
                    .catalogue
                    .complete(&[(fence, result("a"))])
                    .await
                    .unwrap()
                    .is_empty()
            );
            assert!(!world.catalogue.fail(fence, &failure(None)).await.unwrap());
            assert!(!world.catalogue.release(fence).await.unwrap());
            assert_eq!(world.job(id).await.state, JobState::Canceled);
        }
        assert!(!world.catalogue.cancel(-1).await.unwrap());
        assert!(world.lease("w", 9).await.is_empty());
    }
}

#[tokio::test]
async fn a_step_goes_on_when_what_it_waits_for_is_retried_or_canceled() {
    for world in worlds().await {
        let dead = world.enqueue_in(job("lower"), JobState::Dead).await;
        world
            .enqueue_one(NewJob {
                step: 1,
                ..job("higher")
            })
            .await;
        assert!(world.lease("w", 9).await.is_empty());
        world.catalogue.retry(Some(dead)).await.unwrap();
        assert_eq!(keys(&world.lease("w", 9).await), ["lower"]);
        assert!(world.catalogue.cancel(dead).await.unwrap());
        assert_eq!(keys(&world.lease("w", 9).await), ["higher"]);
    }
}
