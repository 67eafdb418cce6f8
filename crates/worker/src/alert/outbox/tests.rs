use std::sync::Mutex;

use async_trait::async_trait;

use super::*;

/// A receiver that takes, or refuses for good, what it is sent.
#[derive(Debug, Default)]
struct Receiver {
    refuses: bool,
    /// The counts of the alerts.
    sent: Mutex<Vec<u64>>,
}

#[async_trait]
impl AlertSink for Receiver {
    async fn send(&self, alert: &Alert) -> Result<(), SendError> {
        self.sent.lock().unwrap().push(alert.count);
        if self.refuses {
            Err(SendError::new(ErrorCode::Validation, "no"))
        } else {
            Ok(())
        }
    }
}

/// Puts alerts with the counts 0, 1, … before delivery can begin, and waits for its end.
async fn delivered(refuses: bool, alerts: u64) -> (Vec<u64>, u64) {
    let receiver = Arc::new(Receiver {
        refuses,
        ..Receiver::default()
    });
    let (outbox, delivery) = Outbox::start(Arc::clone(&receiver) as _);
    for count in 0..alerts {
        outbox.put(Alert { count, ..Alert::test() });
    }
    let refused = outbox.refused.load(Ordering::Relaxed);
    drop(outbox);
    delivery.await.unwrap();
    let sent = receiver.sent.lock().unwrap().clone();
    (sent, refused)
}

#[tokio::test]
async fn alerts_arrive_once_and_in_order() {
    assert_eq!(delivered(false, 3).await, (vec![0, 1, 2], 0));
}

#[tokio::test]
async fn what_is_refused_for_good_is_not_sent_again() {
    assert_eq!(delivered(true, 3).await, (vec![0, 1, 2], 0));
}

#[tokio::test]
async fn a_full_queue_loses_alerts_and_counts_them() {
    let waiting = WAITING as u64;
    assert_eq!(delivered(false, 100).await, ((0..waiting).collect(), 100 - waiting));
}

#[test]
fn the_policy_says_when_to_send_again_within_two_minutes() {
    let check = |code: ErrorCode, told: Option<u64>, attempt, elapsed, expected: Option<u64>| {
        let error = SendError::new(code, "no").with_retry_after(told.map(Duration::from_secs));
        // The part of a delay that is random is less than the delay.
        let wait = delay(&error, attempt, Duration::from_secs(elapsed), 7);
        let wait = wait.map(|wait| {
            if told.is_some() {
                wait.as_secs()
            } else {
                1 << wait.as_secs().ilog2()
            }
        });
        assert_eq!(wait, expected, "{code} {told:?} {attempt} {elapsed}");
    };
    check(ErrorCode::Network, None, 1, 0, Some(1));
    check(ErrorCode::Network, None, 5, 60, Some(16));
    check(ErrorCode::Network, None, 6, 60, None);
    check(ErrorCode::Network, None, 1, 120, None);
    check(ErrorCode::Timeout, None, 3, 30, Some(4));
    check(ErrorCode::Timeout, None, 4, 40, None);
    check(ErrorCode::RateLimited, Some(30), 1, 0, Some(30));
    check(ErrorCode::RateLimited, Some(30), 1, 90, Some(30));
    check(ErrorCode::RateLimited, Some(30), 1, 91, None);
    check(ErrorCode::RateLimited, Some(86_400), 1, 0, None);
    check(ErrorCode::Validation, None, 1, 0, None);
}

#[test]
fn losses_are_logged_once_a_minute_at_most() {
    let start = Instant::now();
    let mut losses = Losses::default();
    let mut lose = |second, unlogged| {
        losses.add(&SendError::new(ErrorCode::Network, "no"));
        losses.log_now_and_then(start + Duration::from_secs(second));
        assert_eq!(losses.count, unlogged, "{second}");
    };
    lose(0, 0);
    lose(1, 1);
    lose(59, 2);
    lose(60, 0);
    lose(61, 1);
}
