//! Input and clocks as they should not be.

use std::time::Duration;

use codelupe_catalogue::{ErrorKind, Failure, JobFilter, JobState, LeaseRequest, MAX_PAYLOAD_BYTES, NewJob};

use crate::{HOUR, World, failure, job, keys, request, worlds};

/// The longest that is ever set ahead.
const DAY_MS: i64 = 86_400_000;

async fn count(world: &World) -> usize {
    world
        .catalogue
        .jobs(&JobFilter {
            limit: u32::MAX,
            ..JobFilter::default()
        })
        .await
        .unwrap()
        .len()
}

#[tokio::test]
async fn a_payload_over_the_limit_is_refused_with_all_that_came_with_it() {
    for world in worlds().await {
        let check = async |bytes: usize, fits: bool| {
            let large = NewJob {
                payload: "x".repeat(bytes),
                ..job("large")
            };
            let enqueued = world.catalogue.enqueue(&[job("a"), large]).await;
            match enqueued {
                Ok(rows) => assert!(fits && rows.len() == 2, "{bytes}"),
                Err(error) => {
                    assert!(!fits && error.kind() == ErrorKind::PayloadTooLarge, "{error}");
                    assert_eq!(
                        error.to_string(),
                        format!("the payload of a job `work` has {bytes} bytes, the limit is 1048576")
                    );
                    assert_eq!(count(&world).await, 0);
                }
            }
        };
        check(1_000_000_000, false).await;
        check(MAX_PAYLOAD_BYTES + 1, false).await;
        check(MAX_PAYLOAD_BYTES, true).await;
        assert_eq!(count(&world).await, 2);
    }
}

#[tokio::test]
async fn nul_in_any_text_is_kept_or_replaced() {
    let kept = |text: &str| [text.to_owned(), text.replace('\0', "\u{fffd}")];
    for world in worlds().await {
        let odd = NewJob {
            run: "r\0".to_owned(),
            payload: "\"\0\"".to_owned(),
            trace_parent: Some("t\0".to_owned()),
            ..job("k\0")
        };
        let enqueued = world.enqueue(&[odd.clone(), job("k\u{fffd}"), odd]).await;
        assert_eq!((enqueued.len(), enqueued[0].id), (3, enqueued[2].id));
        let leased = world.lease_one("w\0").await;
        assert!(kept("k\0").contains(&leased.key) && kept("r\0").contains(&leased.run));
        assert!(kept("\"\0\"").contains(&leased.payload));
        assert!(kept("t\0").contains(&leased.trace_parent.unwrap()));
        assert!(kept("w\0").contains(&leased.worker.unwrap()));
        let odd = Failure {
            code: "c\0".to_owned(),
            message: "m\0".to_owned(),
            retry_after: Some(Duration::ZERO),
        };
        let fence = leased.id;
        assert!(
            world
                .catalogue
                .fail(world.job(fence).await.fence(), &odd)
                .await
                .unwrap()
        );
        let row = world.job(leased.id).await;
        assert!(kept("c\0").contains(&row.error_code.unwrap()) && kept("m\0").contains(&row.error_message.unwrap()));
        let again = LeaseRequest {
            ids: Some(&[row.id]),
            ..request("w\0", 1)
        };
        let again = world.catalogue.lease(&again).await.unwrap().remove(0);
        world
            .catalogue
            .complete(&[(again.fence(), "\"\0\"".to_owned())])
            .await
            .unwrap();
        assert!(kept("\"\0\"").contains(&world.job(row.id).await.result.unwrap()));

        let names = LeaseRequest {
            names: &["none\0"],
            ..request("w", 1)
        };
        assert!(world.catalogue.lease(&names).await.unwrap().is_empty());
        let filter = JobFilter {
            name: Some("none\0".to_owned()),
            limit: 1,
            state: None,
        };
        assert!(world.catalogue.jobs(&filter).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn text_that_looks_like_sql_or_json_is_text() {
    let odd = "'); DROP TABLE jobs; -- \" \\ $1 ?1 \u{202e} 🦀";
    for world in worlds().await {
        let id = world
            .enqueue_one(NewJob {
                name: odd.to_owned(),
                payload: odd.to_owned(),
                ..job(odd)
            })
            .await;
        let names = LeaseRequest {
            names: &[odd],
            ..request(odd, 1)
        };
        let leased = world.catalogue.lease(&names).await.unwrap().remove(0);
        assert_eq!(
            (leased.id, leased.key.as_str(), leased.payload.as_str()),
            (id, odd, odd)
        );
        let wrong = Failure {
            code: odd.to_owned(),
            message: odd.to_owned(),
            retry_after: None,
        };
        assert!(world.catalogue.fail(leased.fence(), &wrong).await.unwrap());
        assert_eq!(world.job(id).await.error_message.as_deref(), Some(odd));
    }
}

#[tokio::test]
async fn no_time_is_set_further_ahead_than_a_day() {
    for world in worlds().await {
        for endless in [Duration::MAX, Duration::from_secs(u64::MAX / 1000), HOUR * 25] {
            let id = world.enqueue_one(job("a")).await;
            let request = LeaseRequest {
                lease: endless,
                ..request("w", 1)
            };
            let leased = world.catalogue.lease(&request).await.unwrap().remove(0);
            let now = leased.started_at.unwrap();
            assert_eq!(leased.lease_until, Some(now + DAY_MS));
            assert!(world.catalogue.extend(leased.fence(), endless).await.unwrap());
            assert!(world.job(id).await.lease_until >= Some(now + DAY_MS));
            assert!(world.lease("v", 1).await.is_empty(), "it counts as held");
            assert!(
                world
                    .catalogue
                    .fail(leased.fence(), &failure(Some(endless)))
                    .await
                    .unwrap()
            );
            let row = world.job(id).await;
            assert!(row.run_at >= now + DAY_MS && row.run_at < now + 2 * DAY_MS);
            assert!(world.lease("v", 1).await.is_empty(), "it counts as waiting");
            assert!(world.catalogue.cancel(id).await.unwrap());
        }
    }
}

#[tokio::test]
async fn a_lease_of_no_time_runs_out_at_once() {
    for world in worlds().await {
        world.enqueue_one(job("a")).await;
        let request = LeaseRequest {
            lease: Duration::ZERO,
            ..request("w", 1)
        };
        let leased = world.catalogue.lease(&request).await.unwrap().remove(0);
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert!(world.lease_one("v").await.lease > leased.lease);
    }
}

#[tokio::test]
async fn times_of_a_clock_that_was_set_back_count_as_now() {
    const YEAR_MS: i64 = 365 * DAY_MS;
    for world in worlds().await {
        let held = world.enqueue_in(job("held"), JobState::Running).await;
        let waiting = world.enqueue_one(job("waiting")).await;
        world
            .execute(format!(
                "UPDATE jobs SET lease_until = lease_until + {YEAR_MS} WHERE id = {held}"
            ))
            .await;
        world
            .execute(format!(
                "UPDATE jobs SET run_at = run_at + {YEAR_MS} WHERE id = {waiting}"
            ))
            .await;
        assert_eq!(keys(&world.lease("v", 9).await), ["held", "waiting"]);
        // The furthest that a right clock ever sets.
        world
            .execute(format!("UPDATE jobs SET lease_until = started_at + {DAY_MS}"))
            .await;
        assert!(world.lease("u", 9).await.is_empty());
    }
}

#[tokio::test]
async fn numbers_at_the_ends_of_their_range() {
    for world in worlds().await {
        let of = |key: &str, number: i64| NewJob {
            step: 0,
            priority: number,
            version: number,
            ..job(key)
        };
        world.enqueue(&[of("low", i64::MIN), of("high", i64::MAX)]).await;
        let leased = world.lease("w", u32::MAX).await;
        assert_eq!(keys(&leased), ["high", "low"]);
        assert_eq!((leased[0].version, leased[1].version), (i64::MAX, i64::MIN));
    }
}
