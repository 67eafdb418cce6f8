//! What answers look like: their JSON is what the commands print and a server will promise.

use codelupe_catalogue::{JobFilter, NewJob};
use codelupe_core::BlobId;
use codelupe_core::error::{ErrorCode, ErrorContext, ErrorOccurrence};
use codelupe_inspect::{
    DedupConfig, ErrorKind, cluster, dedup_report, error, errors, explain, job, jobs, models, stats,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::world::World;

const TEXT: &str = "fn answer() -> u8 {\n    // Six by nine.\n    42\n}\n";

fn world() -> World {
    World::of(&[TEXT.to_owned()], DedupConfig::default())
}

/// The names of the fields of an object, ascending.
fn fields(value: &impl Serialize) -> Vec<String> {
    let Value::Object(fields) = json!(value) else {
        panic!("no object")
    };
    fields.keys().cloned().collect()
}

#[test]
fn a_file_is_explained_with_all_that_is_known_of_it() {
    let world = world();
    let ask = |name: &str| {
        let answer = explain(&world.catalogue, &world.folder, &world.rules.recipe, name.as_bytes());
        world.runtime.block_on(answer)
    };
    let explanation = ask("here/all/0.rs").unwrap();
    let blob = BlobId::of(TEXT.as_bytes());
    assert_eq!(
        json!(explanation),
        json!({
            "repository": "here/all", "path": "0.rs", "verdict": "kept, not in a build yet", "reason": null,
            "reason_text": null, "detail": null, "kept_twin": null, "candidate": null, "build": null, "forge": "folder",
            "origin": "/here/all", "commit": null, "unfaithful": null, "license": null, "license_class": "none",
            "license_evidence": [], "bytes": TEXT.len(), "blob": blob.to_string(), "swhid": blob.swhid().to_string(),
            "language": "Rust", "quality": 80, "signals": {}, "redactions": [],
        })
    );
    assert_eq!(ask("here/all/1.rs").unwrap_err().kind(), ErrorKind::Unknown);
    assert_eq!(ask("nowhere").unwrap_err().code(), ErrorCode::NotFound);
}

#[test]
fn a_job_is_listed_without_its_payload_and_shown_with_it_as_a_value() {
    let world = world();
    let new = NewJob {
        key: "key".to_owned(),
        name: "index".to_owned(),
        run: "run".to_owned(),
        step: 3,
        priority: 0,
        version: 1,
        payload: r#"{"of":{"a":[1]}}"#.to_owned(),
        trace_parent: None,
    };
    world.runtime.block_on(world.catalogue.enqueue(&[new])).unwrap();
    let filter = JobFilter {
        limit: 10,
        ..JobFilter::default()
    };
    let list = world.runtime.block_on(jobs(&world.catalogue, &filter)).unwrap();
    assert_eq!(
        json!(list)["counts"],
        json!([{ "name": "index", "state": "queued", "count": 1 }])
    );
    let id = list.jobs[0].0.id;
    let shown = world.runtime.block_on(job(&world.catalogue, id)).unwrap().unwrap();
    let mut listed = fields(&list.jobs[0]);
    assert!(!listed.contains(&"payload".to_owned()));
    listed.push("payload".to_owned());
    listed.sort();
    assert_eq!(fields(&shown), listed);
    let shown = json!(shown);
    assert_eq!(
        (&shown["payload"], &shown["result"]),
        (&json!({ "of": { "a": [1] } }), &Value::Null)
    );
    assert!(world.runtime.block_on(job(&world.catalogue, id + 1)).unwrap().is_none());
}

#[test]
fn an_error_is_shown_with_what_its_code_means() {
    let world = world();
    let met = ErrorOccurrence::new("store", ErrorCode::DiskFull, "no space", ErrorContext::new());
    let fingerprint = met.fingerprint();
    assert!(
        world
            .runtime
            .block_on(error(&world.catalogue, fingerprint))
            .unwrap()
            .is_none()
    );
    world
        .runtime
        .block_on(world.catalogue.record_errors(&[(met, 2)]))
        .unwrap();
    let list = world.runtime.block_on(errors(&world.catalogue, None, 10)).unwrap();
    let shown = world
        .runtime
        .block_on(error(&world.catalogue, fingerprint))
        .unwrap()
        .unwrap();
    let mut listed = fields(&list.errors[0]);
    assert!(json!(list.errors[0])["context"].is_object());
    listed.extend(["describe".to_owned(), "policy".to_owned()]);
    listed.sort();
    assert_eq!(fields(&shown), listed);
    assert_eq!(json!(shown)["describe"], ErrorCode::DiskFull.describe());
}

#[test]
fn a_corpus_without_duplicates_and_models_has_answers_too() {
    let world = world();
    assert!(
        world
            .runtime
            .block_on(stats(&world.catalogue))
            .unwrap()
            .funnel
            .adds_up()
    );
    let report = world.runtime.block_on(dedup_report(&world.catalogue)).unwrap();
    assert_eq!((report.giant_clusters, report.last_run), (0, None));
    let unknown = world.runtime.block_on(cluster(&world.catalogue, 1, 10)).unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::Unknown);
    assert!(world.runtime.block_on(models(&world.catalogue)).unwrap().is_empty());
}
