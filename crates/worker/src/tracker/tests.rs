use std::sync::Mutex;

use async_trait::async_trait;
use codelupe_catalogue::{CatalogueUrl, Migrate};
use codelupe_core::error::{ErrorCode, ErrorContext};
use codelupe_testkit::postgres;
use codelupe_testkit::proxy::Proxy;

use super::*;
use crate::alert::{Alert, AlertRule, AlertRules, AlertSink, SendError};

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_mins(2);

/// Keeps the alerts that it is sent.
#[derive(Debug, Default)]
struct Mailbox(Mutex<Vec<Alert>>);

#[async_trait]
impl AlertSink for Mailbox {
    async fn send(&self, alert: &Alert) -> Result<(), SendError> {
        self.0.lock().unwrap().push(alert.clone());
        Ok(())
    }
}

impl Mailbox {
    fn alerts(&self) -> Vec<(AlertRule, String, u64)> {
        let alerts = self.0.lock().unwrap();
        alerts
            .iter()
            .map(|alert| (alert.rule, alert.occurrence.message.clone(), alert.count))
            .collect()
    }
}

fn report(message: &str, repository: &str) -> ErrorOccurrence {
    ErrorOccurrence::new(
        "test",
        ErrorCode::Network,
        message,
        ErrorContext::new().with_repository(repository),
    )
}

fn alerts() -> (Arc<Mailbox>, Option<Alerts>) {
    let mailbox = Arc::new(Mailbox::default());
    let alerts = Alerts {
        rules: AlertRules::default(),
        sink: Arc::clone(&mailbox) as _,
    };
    (mailbox, Some(alerts))
}

/// Message, context and count of every error, in order of messages.
async fn stored(catalogue: &Catalogue) -> Vec<(String, String, i64)> {
    let rows = catalogue.errors(None, 100).await.unwrap();
    let mut rows: Vec<_> = rows
        .into_iter()
        .map(|row| (row.message, row.context, row.count))
        .collect();
    rows.sort();
    rows
}

#[tokio::test]
async fn errors_are_folded_stored_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let url = CatalogueUrl::Sqlite(folder.path().join("catalogue.sqlite"));
    let catalogue = Catalogue::open(&url, Migrate::Refused).await.unwrap();
    for round in 1..=2 {
        let (mailbox, alerts) = alerts();
        let tracker = Tracker::start(catalogue.clone(), alerts);
        for n in 0..100 {
            tracker
                .reporter()
                .report(report(&format!("no answer from {n}"), &format!("r{n}")));
        }
        tracker.reporter().report(report("odd", "z"));
        tracker.close().await;
        let expected = [
            (
                "no answer from 99".to_owned(),
                r#"{"repository":"r99"}"#.to_owned(),
                100 * round,
            ),
            ("odd".to_owned(), r#"{"repository":"z"}"#.to_owned(), round),
        ];
        assert_eq!(stored(&catalogue).await, expected);
        let mut told = mailbox.alerts();
        told.sort();
        let frequent = (AlertRule::Rate, "no answer from 99".to_owned(), 100);
        let new = |message: &str, count| (AlertRule::NewFingerprint, message.to_owned(), count);
        match round {
            1 => assert_eq!(told, [new("no answer from 99", 100), new("odd", 1), frequent]),
            _ => assert_eq!(told, [frequent]),
        }
    }
    catalogue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_taken_in_while_the_catalogue_is_away() {
    let server = postgres::Server::with_settings(&[("fsync", "off")]);
    let url: CatalogueUrl = server.database().parse().unwrap();
    let catalogue = Catalogue::open(&url, Migrate::Refused).await.unwrap();
    let (mailbox, alerts) = alerts();
    let tracker = Tracker::start(catalogue.clone(), alerts);
    server.pause();
    // The first is on its way to the server, which does not answer, while the others come: many more than can wait unfolded.
    tracker.reporter().report(report("no answer from 0", "a"));
    tokio::time::sleep(TICK * 2).await;
    let taken = async {
        for n in 0..10 * WAITING {
            tracker.reporter().report(report(&format!("no answer from {n}"), "b"));
            while tracker.reporter.sender.capacity() == 0 {
                tokio::task::yield_now().await;
            }
        }
    };
    timeout(PATIENCE, taken).await.unwrap();
    server.resume();
    let dropped = Arc::clone(&tracker.reporter.dropped);
    tracker.close().await;
    let all = 10 * WAITING + 1;
    assert_eq!(dropped.load(Ordering::Relaxed), 0);
    let latest = (
        format!("no answer from {}", all - 2),
        r#"{"repository":"b"}"#.to_owned(),
        i64::try_from(all).unwrap(),
    );
    assert_eq!(stored(&catalogue).await, [latest]);
    let told: Vec<AlertRule> = mailbox.alerts().into_iter().map(|(rule, ..)| rule).collect();
    assert!(
        told.contains(&AlertRule::NewFingerprint) && told.contains(&AlertRule::Rate),
        "{told:?}"
    );
    catalogue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalogue_that_is_gone_is_told_by_its_breaker_and_holds_nothing_up() {
    let server = postgres::Server::with_settings(&[("fsync", "off")]);
    let proxy = Proxy::start(server.port());
    let database = server.database();
    let (_, name) = database.rsplit_once('/').unwrap();
    let url: CatalogueUrl = postgres::url(proxy.port(), name).parse().unwrap();
    let catalogue = Catalogue::open(&url, Migrate::Refused).await.unwrap();
    let (mailbox, alerts) = alerts();
    let tracker = Tracker::start(catalogue.clone(), alerts);
    // Where a server refuses connections, some time is spent on hoping; the proxy takes and closes them.
    server.kill();
    tracker.reporter().report(report("no answer", "a"));
    let told = async {
        while mailbox.alerts().is_empty() {
            tokio::time::sleep(TICK / 10).await;
        }
    };
    timeout(PATIENCE, told).await.unwrap();
    tracker.close().await;
    let told: Vec<AlertRule> = mailbox.alerts().into_iter().map(|(rule, ..)| rule).collect();
    assert_eq!(told, [AlertRule::BreakerOpen]);
    catalogue.close().await;
}
