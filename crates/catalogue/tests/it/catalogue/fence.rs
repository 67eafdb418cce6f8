//! What the holder of a lease may store, and nobody else.

use std::time::Duration;

use codelupe_catalogue::{BuildDecision, Catalogue, Duplicate, ErrorKind, Fence, LeaseRequest, NewJob};
use codelupe_core::{Reason, Split};

use crate::rows::{RECIPE, batch, build, repository};
use crate::world::{World, on_both};

on_both!(
    the_holder_of_a_lease_may_store,
    a_lost_lease_stores_nothing,
    a_job_that_is_over_stores_nothing,
    a_lease_is_kept_while_something_is_stored,
);

async fn leased(catalogue: &Catalogue) -> Fence {
    let job = NewJob {
        key: "key".to_owned(),
        name: "work".to_owned(),
        run: "run".to_owned(),
        step: 0,
        priority: 0,
        version: 1,
        payload: "{}".to_owned(),
        trace_parent: None,
    };
    catalogue.enqueue(&[job]).await.unwrap();
    let request = LeaseRequest {
        worker: "me",
        names: &["work"],
        ids: None,
        limit: 1,
        lease: Duration::from_mins(1),
    };
    catalogue.lease(&request).await.unwrap()[0].fence()
}

/// A catalogue with two files, as its holder stores them.
async fn prepared(world: &World) -> (Catalogue, Fence) {
    let catalogue = world.catalogue().await;
    let fence = leased(&catalogue).await;
    let rows = vec![repository("a", &[("x.rs", "one"), ("y.rs", "one")])];
    catalogue
        .commit(&batch(&["one"], rows), RECIPE, Some(fence))
        .await
        .unwrap();
    (catalogue, fence)
}

async fn the_holder_of_a_lease_may_store(world: World) {
    let (catalogue, fence) = prepared(&world).await;
    let input = catalogue.dedup_input().await.unwrap();
    let [kept, twin] = [input.candidates[0].file_id, input.candidates[1].file_id];
    let duplicate = Duplicate {
        file_id: twin,
        reason: Reason::ExactDuplicate,
        kept_file_id: kept,
        jaccard: 1.0,
    };
    catalogue
        .replace_duplicates(&[duplicate], "state", input.generation, Some(fence))
        .await
        .unwrap();
    let decision = BuildDecision {
        file_id: kept,
        outcome: Ok(Split::Train),
    };
    catalogue
        .link_build(&build("b"), &[decision], input.generation, Some(fence))
        .await
        .unwrap();
    let stats = catalogue.stats().await.unwrap();
    assert!(stats.funnel.adds_up() && stats.build_is_current);
    assert_eq!(
        catalogue.complete(&[(fence, "{}".to_owned())]).await.unwrap(),
        [fence.job]
    );
}

async fn refuses_all(catalogue: &Catalogue, fence: Fence) {
    let before = serde_json::to_value(catalogue.stats().await.unwrap()).unwrap();
    let generation = catalogue.dedup_input().await.unwrap().generation;
    let rows = vec![repository("a", &[]), repository("b", &[("two.rs", "two")])];
    for error in [
        catalogue.commit(&batch(&["two"], rows), RECIPE, Some(fence)).await,
        catalogue
            .replace_duplicates(&[], "state", generation, Some(fence))
            .await,
        catalogue.link_build(&build("b"), &[], generation, Some(fence)).await,
    ] {
        assert_eq!(error.unwrap_err().kind(), ErrorKind::LeaseLost);
    }
    assert_eq!(serde_json::to_value(catalogue.stats().await.unwrap()).unwrap(), before);
    assert_eq!(catalogue.dedup_input().await.unwrap().generation, generation);
    assert_eq!(catalogue.segments().await.unwrap().len(), 1);
    assert_eq!(catalogue.stage_state("dedup").await.unwrap(), None);
}

async fn a_lost_lease_stores_nothing(world: World) {
    let (catalogue, fence) = prepared(&world).await;
    assert!(catalogue.release(fence).await.unwrap());
    refuses_all(&catalogue, fence).await;
    let again = leased(&catalogue).await;
    assert!(again.job == fence.job && again.lease > fence.lease);
    refuses_all(&catalogue, fence).await;
    refuses_all(&catalogue, Fence { job: 999, lease: 1 }).await;
    catalogue
        .commit(&batch(&["two"], Vec::new()), RECIPE, Some(again))
        .await
        .unwrap();
}

async fn a_job_that_is_over_stores_nothing(world: World) {
    let (catalogue, fence) = prepared(&world).await;
    catalogue.complete(&[(fence, "{}".to_owned())]).await.unwrap();
    refuses_all(&catalogue, fence).await;
}

/// Whoever takes the job over comes either before all that is stored, or after it.
async fn a_lease_is_kept_while_something_is_stored(world: World) {
    let (catalogue, fence) = prepared(&world).await;
    let rows: Vec<_> = (0..50)
        .map(|n| repository(&format!("r{n}"), &[("x.rs", "one")]))
        .collect();
    let batch = batch(&[], rows);
    let (stored, released) = tokio::join!(catalogue.commit(&batch, RECIPE, Some(fence)), catalogue.release(fence));
    assert!(released.unwrap());
    let repositories = catalogue.stats().await.unwrap().repositories;
    match stored {
        Ok(()) => assert_eq!(repositories, 51),
        Err(error) => assert_eq!((error.kind(), repositories), (ErrorKind::LeaseLost, 1), "{error}"),
    }
}
