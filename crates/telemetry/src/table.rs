//! The table: every metric that CodeLupe has, each with its name, kind, unit, labels and help.

use prometheus_client::metrics::{counter, gauge, histogram};

use crate::handle::{Counter, Declared, Gauge, Handle, Histogram, Kind, Metric, Unit};
use crate::label::Labels;
use crate::labels::{
    BreakerLabels, CallLabels, ForgeLabels, JobLabels, NoLabels, OperationLabels, QueryLabels, RequestLabels,
    StageLabels,
};

/// `HANDLE = kind "name" in unit, by labels: "help";`; a histogram says its buckets behind the labels.
macro_rules! metrics {
    ($($handle:ident = $kind:ident $name:literal in $unit:ident, by $labels:ty $(, buckets $buckets:ident)?: $help:literal;)*) => {
        $(
            #[doc = concat!("`", $name, "`: ", $help, ".")]
            pub static $handle: $kind<$labels> = Handle::new(
                Declared {
                    name: $name,
                    kind: Kind::$kind,
                    unit: Unit::$unit,
                    labels: <$labels>::LABELS,
                    help: $help,
                },
                metrics!(@make $kind $($buckets)?),
            );
        )*

        /// Every metric.
        pub static TABLE: &[&dyn Metric] = &[$(&$handle,)*];
    };
    (@make Counter) => { counter::Counter::default };
    (@make Gauge) => { gauge::Gauge::default };
    (@make Histogram $buckets:ident) => { || histogram::Histogram::new($buckets) };
}

metrics! {
    CATALOGUE_CALLS = Counter "codelupe_catalogue_calls_total" in Number, by CallLabels:
        "Calls of the catalogue that are over, each counted once however often it was tried";
    CATALOGUE_CALL_DURATION = Histogram "codelupe_catalogue_call_duration_seconds" in Seconds, by OperationLabels, buckets DECADES:
        "How long calls of the catalogue took, tries and waits together";
    CATALOGUE_RETRIES = Counter "codelupe_catalogue_retries_total" in Number, by OperationLabels:
        "Calls of the catalogue that were tried again after an error that may pass";
    CATALOGUE_BREAKER_STATE = Gauge "codelupe_catalogue_breaker_state" in Number, by BreakerLabels:
        "1 for the state that the circuit breaker around the catalogue is in, 0 for the others";
    JOB_ATTEMPTS = Counter "codelupe_job_attempts_total" in Number, by JobLabels:
        "Attempts at jobs that are over";
    JOB_ATTEMPT_DURATION = Histogram "codelupe_job_attempt_duration_seconds" in Seconds, by StageLabels, buckets LONG:
        "How long attempts at jobs took";
    FORGE_REQUESTS = Counter "codelupe_forge_requests_total" in Number, by RequestLabels:
        "HTTP requests to forges and git servers, those that a redirect caused among them";
    FORGE_REQUEST_DURATION = Histogram "codelupe_forge_request_duration_seconds" in Seconds, by ForgeLabels, buckets HTTP:
        "How long it took from a request to the head of its answer";
    FORGE_RECEIVED = Counter "codelupe_forge_received_bytes_total" in Bytes, by ForgeLabels:
        "Bytes of answers' bodies, as they came over the wire";
    SEARCH_QUERIES = Counter "codelupe_search_queries_total" in Number, by QueryLabels:
        "Searches";
    SEARCH_QUERY_DURATION = Histogram "codelupe_search_query_duration_seconds" in Seconds, by NoLabels, buckets SHORT:
        "How long searches took";
    SEARCH_HITS = Histogram "codelupe_search_hits" in Number, by NoLabels, buckets COUNTS:
        "How many documents matched a search";
}

/// From a lookup in a file to figures over a hundred million files.
const DECADES: [f64; 7] = [0.0001, 0.001, 0.01, 0.1, 1.0, 10.0, 100.0];

/// From a job of one small repository to a training over night.
const LONG: [f64; 8] = [0.1, 1.0, 10.0, 60.0, 300.0, 1800.0, 7200.0, 43_200.0];

/// The boundaries that OpenTelemetry's semantic conventions give for `http.client.request.duration`.
const HTTP: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// Around the 10 ms that a search may take.
const SHORT: [f64; 9] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 1.0];

/// From nothing found to everything.
const COUNTS: [f64; 7] = [0.0, 1.0, 10.0, 100.0, 1000.0, 10_000.0, 100_000.0];
