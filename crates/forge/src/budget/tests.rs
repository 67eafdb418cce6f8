//! The table of limits, and a simulated day.

use proptest::prelude::*;
use reqwest::header::{HeaderName, HeaderValue};

use super::ruling::MAX_WAIT;
use super::*;
use crate::site::SiteKind;

/// 2026-11-25 08:00:00 UTC.
const NOW: i64 = 1_795_593_600;

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
        .collect()
}

fn ruling(kind: SiteKind, status: u16, pairs: &[(&'static str, &str)], body: &str, strikes: u32) -> Ruling {
    let headers = headers(pairs);
    let answer = Answer {
        status,
        headers: &headers,
        body: body.as_bytes(),
    };
    judge(kind, &answer, NOW, strikes)
}

fn github(status: u16, pairs: &[(&'static str, &str)], body: &str) -> Ruling {
    ruling(SiteKind::GitHub, status, pairs, body, 0)
}

const fn all(seconds: u64) -> Ruling {
    Ruling::Wait {
        scope: Scope::Identity,
        wait: Duration::from_secs(seconds),
    }
}

const fn one(seconds: u64) -> Ruling {
    Ruling::Wait {
        scope: Scope::Resource,
        wait: Duration::from_secs(seconds),
    }
}

fn budget() -> Budget {
    let site = Site::new(SiteKind::GitHub, "https://github.com").unwrap();
    // The public instance is asked politely whatever is wished for.
    Budget::new(&site, true, Pace::Unspaced)
}

#[test]
fn retry_after_comes_first_in_both_forms() {
    assert_eq!(github(429, &[("retry-after", "30")], ""), all(30));
    assert_eq!(
        github(403, &[("retry-after", "7"), ("x-ratelimit-remaining", "0")], ""),
        all(7)
    );
    let date = "Wed, 25 Nov 2026 08:02:00 GMT";
    assert_eq!(github(429, &[("retry-after", date)], ""), all(120));
    // The server's clock is an hour behind: its date counts from its own now.
    let behind = [
        ("retry-after", "Wed, 25 Nov 2026 07:02:00 GMT"),
        ("date", "Wed, 25 Nov 2026 07:00:00 GMT"),
    ];
    assert_eq!(github(429, &behind, ""), all(120));
    assert_eq!(
        github(429, &[("retry-after", "Wed, 25 Nov 2026 07:59:00 GMT")], ""),
        all(1)
    );
    assert_eq!(
        github(429, &[("retry-after", "99999999999999")], ""),
        all(MAX_WAIT.as_secs())
    );
    assert_eq!(github(429, &[("retry-after", "soon")], ""), all(60));
    assert_eq!(github(503, &[("retry-after", "5")], ""), all(5));
    assert_eq!(github(503, &[], ""), Ruling::Fine);
}

#[test]
fn an_empty_window_is_waited_for() {
    let reset = (NOW + 100).to_string();
    let empty = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", reset.as_str())];
    assert_eq!(github(403, &empty, ""), one(101));
    assert_eq!(github(429, &empty, ""), one(101));
    let skewed = [empty[0], empty[1], ("date", "Wed, 25 Nov 2026 08:01:00 GMT")];
    assert_eq!(github(403, &skewed, ""), one(41));
    let past = (NOW - 5).to_string();
    assert_eq!(github(403, &[empty[0], ("x-ratelimit-reset", &past)], ""), one(60));
    assert_eq!(
        github(403, &[empty[0], ("x-ratelimit-reset", "1507651200000")], ""),
        one(MAX_WAIT.as_secs())
    );
}

#[test]
fn a_secondary_limit_doubles_and_is_bounded() {
    let left = [("x-ratelimit-remaining", "4000")];
    let body = r#"{"message":"You have exceeded a secondary rate limit."}"#;
    assert_eq!(github(403, &left, body), all(60));
    assert_eq!(github(403, &[], ""), all(60));
    assert_eq!(github(429, &left, ""), all(60));
    for (strikes, seconds) in [(1, 120), (2, 240), (3, 480), (4, 900), (5, 900), (u32::MAX, 900)] {
        assert_eq!(ruling(SiteKind::GitHub, 403, &[], "", strikes), all(seconds));
    }
}

#[test]
fn a_refusal_is_not_a_limit() {
    let left = [("x-ratelimit-remaining", "4000")];
    assert_eq!(
        github(403, &left, r#"{"message":"Repository access blocked"}"#),
        Ruling::Refused
    );
    assert_eq!(ruling(SiteKind::Gitea, 403, &[], "", 0), Ruling::Refused);
    assert_eq!(github(404, &[], ""), Ruling::Fine);
    assert_eq!(github(451, &left, ""), Ruling::Fine);
}

#[test]
fn graphql_reports_its_limit_with_status_200() {
    let reset = (NOW + 9).to_string();
    let empty = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", reset.as_str())];
    let body = r#"{"errors":[{"type":"RATE_LIMITED","message":"API rate limit exceeded"}]}"#;
    assert_eq!(github(200, &empty, body), one(10));
    assert_eq!(github(200, &empty, r#"{"data":{}}"#), Ruling::Fine);
}

#[test]
fn other_forges_have_other_headers() {
    let reset = (NOW + 20).to_string();
    let empty = [("ratelimit-remaining", "0"), ("ratelimit-reset", reset.as_str())];
    assert_eq!(ruling(SiteKind::GitLab, 429, &empty, "", 0), one(21));
    assert_eq!(ruling(SiteKind::Gitea, 429, &[], "", 0), all(60));
}

#[tokio::test(start_paused = true)]
async fn the_forge_books_on_the_resource_that_it_names() {
    let budget = budget();
    let turn = budget.acquire(Resource::Core).await.unwrap();
    let said = headers(&[
        ("x-ratelimit-resource", "search"),
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-reset", "1795593700"),
        ("date", "Wed, 25 Nov 2026 08:00:00 GMT"),
    ]);
    turn.settle(200, &said, b"{}").unwrap();
    assert_eq!(budget.wait(Resource::Search), Duration::from_secs(101));
    assert!(budget.wait(Resource::Core) < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn an_impatient_caller_is_told_how_long() {
    let budget = budget();
    let turn = budget.acquire(Resource::Graphql).await.unwrap();
    let limited = turn.settle(429, &headers(&[("retry-after", "300")]), b"").unwrap_err();
    assert_eq!(limited.retry_after(), Some(Duration::from_mins(5)));
    let impatient = budget.with_patience(Duration::from_mins(1));
    let refused = impatient.acquire(Resource::Core).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::RateLimited);
    assert!(refused.retry_after().unwrap() > Duration::from_secs(299), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn waiting_for_one_resource_leaves_the_others_free() {
    let budget = budget();
    let turn = budget.acquire(Resource::Search).await.unwrap();
    let said = headers(&[
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-reset", "1795593700"),
        ("date", "Wed, 25 Nov 2026 08:00:00 GMT"),
    ]);
    turn.settle(200, &said, b"{}").unwrap();
    let start = Instant::now();
    let other = budget.clone();
    let search = tokio::spawn(async move { other.acquire(Resource::Search).await.map(|_| start.elapsed()) });
    tokio::task::yield_now().await;
    drop(budget.acquire(Resource::Core).await.unwrap());
    assert!(start.elapsed() < Duration::from_secs(1));
    assert!(search.await.unwrap().unwrap() >= Duration::from_secs(101));
}

#[tokio::test(start_paused = true)]
async fn a_forge_that_states_nothing_is_asked_as_its_documentation_allows() {
    for (resource, limit, window) in [(Resource::Search, 30, 60), (Resource::Graphql, 5000, 3600)] {
        let budget = budget();
        let mut asked: std::collections::VecDeque<Instant> = std::collections::VecDeque::new();
        let start = Instant::now();
        while start.elapsed() < Duration::from_hours(3) {
            let turn = budget.acquire(resource).await.unwrap();
            turn.settle(200, &HeaderMap::new(), b"{}").unwrap();
            asked.push_back(Instant::now());
            while asked
                .front()
                .is_some_and(|first| first.elapsed() >= Duration::from_secs(window))
            {
                asked.pop_front();
            }
            assert!(asked.len() <= limit, "{} in one window", asked.len());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_request_is_under_way_at_a_time() {
    let budget = budget();
    let turn = budget.acquire(Resource::Core).await.unwrap();
    let other = tokio::time::timeout(Duration::from_mins(10), budget.acquire(Resource::Core)).await;
    assert!(other.is_err());
    drop(turn);
    assert!(budget.acquire(Resource::Core).await.is_ok());
}

/// A forge with a window of fixed ends, as GitHub has.
struct Window {
    limit: u64,
    length: u64,
    start: Instant,
    used: (u64, u64),
}

impl Window {
    /// Counts a request; the headers of its answer, and whether it was within the limit.
    fn take(&mut self) -> (HeaderMap, bool) {
        let passed = self.start.elapsed().as_secs();
        let number = passed / self.length;
        if self.used.0 != number {
            self.used = (number, 0);
        }
        self.used.1 += 1;
        let reset = NOW + i64::try_from((number + 1) * self.length).unwrap();
        let date = jiff::Timestamp::from_second(NOW + i64::try_from(passed).unwrap()).unwrap();
        let date = date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let said = headers(&[
            ("x-ratelimit-limit", &self.limit.to_string()),
            (
                "x-ratelimit-remaining",
                &self.limit.saturating_sub(self.used.1).to_string(),
            ),
            ("x-ratelimit-reset", &reset.to_string()),
            ("date", &date),
        ]);
        (said, self.used.1 <= self.limit)
    }
}

/// Asks all day long, and finds no request beyond the limit.
async fn a_day(resource: Resource, limit: u64, length: u64, spacing: Duration) {
    let budget = budget();
    let start = Instant::now();
    let mut window = Window {
        limit,
        length,
        start,
        used: (0, 0),
    };
    let mut last: Option<Instant> = None;
    while start.elapsed() < Duration::from_hours(24) {
        let turn = budget.acquire(resource).await.unwrap();
        assert!(last.is_none_or(|last| last.elapsed() >= spacing), "asked too soon");
        last = Some(Instant::now());
        let (said, within) = window.take();
        assert!(
            within,
            "request {} of {limit} after {:?}",
            window.used.1,
            start.elapsed()
        );
        turn.settle(200, &said, b"{}").unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_simulated_day_stays_within_every_window() {
    a_day(Resource::Search, 30, 60, Duration::from_secs(2)).await;
    a_day(Resource::Graphql, 500, 3600, Duration::from_secs(1)).await;
    a_day(Resource::Core, 1000, 3600, Duration::from_millis(67)).await;
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic_or_wait_for_ever(
        status in prop::sample::select(vec![200_u16, 403, 429, 503]),
        retry in "[ -~]{0,30}", remaining in "[0-9-]{0,24}", reset in "[0-9-]{0,24}", date in "[ -~]{0,30}",
        body in "[ -~]{0,60}", strikes in any::<u32>(),
    ) {
        let pairs = [("retry-after", retry.as_str()), ("x-ratelimit-remaining", &remaining),
            ("x-ratelimit-reset", &reset), ("date", &date)];
        if let Ruling::Wait { wait, .. } = ruling(SiteKind::GitHub, status, &pairs, &body, strikes) {
            prop_assert!(wait >= Duration::from_secs(1) && wait <= MAX_WAIT);
        }
    }
}
