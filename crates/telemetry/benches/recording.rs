//! What one recording costs, with nobody listening and with somebody.

use std::sync::LazyLock;

use codelupe_telemetry::{
    CATALOGUE_CALL_DURATION, CATALOGUE_CALLS, CallLabels, CallOutcome, Operation, OperationLabels, Registry, register,
};

fn main() {
    divan::main();
}

static LISTENING: LazyLock<Registry> = LazyLock::new(|| {
    let mut registry = Registry::default();
    register(&mut registry);
    registry
});

/// What the guard does around each call of the catalogue.
fn record(operation: Operation) {
    let started = CATALOGUE_CALL_DURATION.start();
    CATALOGUE_CALL_DURATION.stop(started, OperationLabels { operation });
    let outcome = CallOutcome::Done;
    CATALOGUE_CALLS.add(CallLabels { operation, outcome }, 1);
}

/// Named so that it runs first: who listens once, listens for good.
#[divan::bench]
fn a_nobody_listens(bencher: divan::Bencher<'_, '_>) {
    assert!(!CATALOGUE_CALLS.is_recorded());
    bencher.bench(|| record(divan::black_box(Operation::LinkBatch)));
}

#[divan::bench]
fn b_somebody_listens(bencher: divan::Bencher<'_, '_>) {
    LazyLock::force(&LISTENING);
    bencher.bench(|| record(divan::black_box(Operation::LinkBatch)));
}
