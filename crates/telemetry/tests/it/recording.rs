//! What handles record comes out of the registry under the names of the table.

use codelupe_telemetry::{
    Answer, CATALOGUE_CALL_DURATION, FORGE_RECEIVED, FORGE_REQUESTS, Forge, ForgeLabels, Method, NoLabels, Operation,
    OperationLabels, Registry, RequestLabels, SEARCH_HITS, register,
};
use prometheus_client::encoding::prometheus_text;

#[test]
fn handles_record_once_someone_listens() {
    let labels = ForgeLabels { forge: Forge::Gitea };
    FORGE_RECEIVED.add(labels, 1);
    assert!(!FORGE_RECEIVED.is_recorded());

    let mut registry = Registry::default();
    register(&mut registry);
    FORGE_RECEIVED.add(labels, 20);
    FORGE_RECEIVED.add(labels, 3);
    let request = RequestLabels {
        forge: Forge::GitHub,
        method: Method::Get,
        status: Answer::of_status(404),
    };
    FORGE_REQUESTS.add(request, 1);
    SEARCH_HITS.observe(NoLabels {}, 7.0);
    let started = CATALOGUE_CALL_DURATION.start();
    let operation = Operation::LinkBatch;
    CATALOGUE_CALL_DURATION.stop(started, OperationLabels { operation });

    let mut text = String::new();
    prometheus_text::encode(&mut text, &registry).unwrap();
    for line in [
        "codelupe_forge_received_bytes_total{forge=\"gitea\"} 23",
        "codelupe_forge_requests_total{forge=\"github\",method=\"get\",status=\"4xx\"} 1",
        "codelupe_search_hits_bucket{le=\"10\"} 1",
        "codelupe_search_hits_count 1",
        "codelupe_catalogue_call_duration_seconds_count{operation=\"link_batch\"} 1",
        "# TYPE codelupe_forge_received_bytes_total counter",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }

    // Another registry shows the same, and nothing begins anew.
    let mut other = Registry::default();
    register(&mut other);
    let mut again = String::new();
    prometheus_text::encode(&mut again, &other).unwrap();
    assert_eq!(again.lines().count(), text.lines().count());
}
