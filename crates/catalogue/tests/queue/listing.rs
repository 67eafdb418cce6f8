//! What people and metrics see, and what is forgotten.

use std::time::Duration;

use codelupe_catalogue::{JobFilter, JobState, NewJob};

use crate::{HOUR, job, keys, worlds};

fn other(key: &str) -> NewJob {
    NewJob {
        name: "other".to_owned(),
        ..job(key)
    }
}

#[tokio::test]
async fn jobs_are_listed_newest_first_by_state_and_kind() {
    for world in worlds().await {
        for state in JobState::ALL {
            world.enqueue_in(job(state.as_str()), state).await;
        }
        world.enqueue_in(other("other"), JobState::Dead).await;
        let check = async |state: Option<JobState>, name: Option<&str>, limit: u32, expected: &[&str]| {
            let filter = JobFilter {
                state,
                name: name.map(str::to_owned),
                limit,
            };
            assert_eq!(
                keys(&world.catalogue.jobs(&filter).await.unwrap()),
                expected,
                "{filter:?}"
            );
        };
        check(
            None,
            None,
            100,
            &["other", "canceled", "dead", "done", "running", "queued"],
        )
        .await;
        check(
            None,
            None,
            u32::MAX,
            &["other", "canceled", "dead", "done", "running", "queued"],
        )
        .await;
        check(None, None, 2, &["other", "canceled"]).await;
        check(None, None, 0, &[]).await;
        check(Some(JobState::Dead), None, 100, &["other", "dead"]).await;
        check(Some(JobState::Dead), Some("work"), 100, &["dead"]).await;
        check(None, Some("other"), 100, &["other"]).await;
        check(None, Some("o%"), 100, &[]).await;
        check(Some(JobState::Running), Some("other"), 100, &[]).await;
        for state in [JobState::Queued, JobState::Running, JobState::Done, JobState::Canceled] {
            check(Some(state), None, 100, &[state.as_str()]).await;
        }
    }
}

#[tokio::test]
async fn jobs_are_found_by_id() {
    for world in worlds().await {
        let ids: Vec<i64> = world
            .enqueue(&[job("a"), job("b"), job("c")])
            .await
            .iter()
            .map(|row| row.id)
            .collect();
        let wanted = [ids[2], -7, ids[0], ids[0]];
        let mut found = world.catalogue.jobs_by_id(&wanted).await.unwrap();
        found.sort_by_key(|row| row.id);
        assert_eq!(keys(&found), ["a", "c"]);
        assert!(world.catalogue.jobs_by_id(&[]).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn jobs_are_counted_by_kind_and_state() {
    for world in worlds().await {
        assert!(world.catalogue.job_counts().await.unwrap().is_empty());
        for (key, state) in [("a", JobState::Dead), ("b", JobState::Dead), ("c", JobState::Done)] {
            world.enqueue_in(job(key), state).await;
        }
        world.enqueue_one(other("d")).await;
        let counts = world.catalogue.job_counts().await.unwrap();
        let counts: Vec<_> = counts
            .iter()
            .map(|(name, state, count)| (name.as_str(), state.as_str(), *count))
            .collect();
        assert_eq!(
            counts,
            [("other", "queued", 1), ("work", "dead", 2), ("work", "done", 1)]
        );
    }
}

#[tokio::test]
async fn what_has_been_done_or_canceled_for_long_is_forgotten() {
    for world in worlds().await {
        for state in JobState::ALL {
            world.enqueue_in(job(state.as_str()), state).await;
        }
        assert_eq!(world.catalogue.prune_jobs(HOUR).await.unwrap(), 0);
        assert_eq!(world.catalogue.prune_jobs(Duration::MAX).await.unwrap(), 0);
        // Two hours later.
        world
            .execute("UPDATE jobs SET finished_at = finished_at - 7200000")
            .await;
        let recent = world.enqueue_in(job("recent"), JobState::Done).await;
        assert_eq!(world.catalogue.prune_jobs(HOUR).await.unwrap(), 2);
        let left = world
            .catalogue
            .jobs(&JobFilter {
                limit: 9,
                ..JobFilter::default()
            })
            .await
            .unwrap();
        assert_eq!(keys(&left), ["recent", "dead", "running", "queued"]);
        // The number of a forgotten job is not given again: a fence that somebody still holds would fit it.
        world.execute("UPDATE jobs SET finished_at = 1").await;
        assert_eq!(world.catalogue.prune_jobs(HOUR).await.unwrap(), 1);
        assert!(world.enqueue_one(job("new")).await > recent);
    }
}
