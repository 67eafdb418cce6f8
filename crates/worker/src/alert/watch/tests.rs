use AlertRule::{BreakerOpen, NewFingerprint, Rate};

use super::*;

/// One look: at which second, what was met and what of it was new (word and count), and how the breaker stands.
type Look<'a> = (u64, &'a [(&'a str, u64)], &'a [(&'a str, u64)], State);

fn folded(errors: &[(&str, u64)]) -> Folded {
    let mut folded = Folded::default();
    for (word, count) in errors {
        assert_eq!(folded.add(report(word), *count), 0);
    }
    folded
}

fn report(word: &str) -> ErrorOccurrence {
    ErrorOccurrence::new("test", ErrorCode::Network, word, ErrorContext::new())
}

/// Runs looks one after another; `expected` is at which second which alert with which count is raised.
fn check(rules: AlertRules, looks: &[Look], expected: &[(u64, AlertRule, &str, u64)]) {
    let start = Instant::now();
    let mut watch = Watch::new(rules);
    let mut raised = Vec::new();
    for (second, met, new, breaker) in looks {
        let seen = Seen {
            met: &folded(met),
            new: &folded(new),
            breaker: *breaker,
        };
        let now = Moment {
            instant: start + Duration::from_secs(*second),
            at: i64::try_from(*second).unwrap() * 1000,
        };
        for alert in watch.look(&seen, now) {
            assert_eq!(alert.at, now.at);
            raised.push((*second, alert.rule, alert.occurrence.message, alert.count));
        }
    }
    let expected = expected.iter();
    let mut expected: Vec<_> = expected
        .map(|(second, rule, word, count)| (*second, *rule, (*word).to_owned(), *count))
        .collect();
    // Those of one look come in order of fingerprints.
    raised.sort();
    expected.sort();
    assert_eq!(raised, expected, "{looks:?}");
}

fn rules(change: fn(&mut AlertRules)) -> AlertRules {
    let mut rules = AlertRules::default();
    change(&mut rules);
    rules
}

const CLOSED: State = State::Closed;

#[test]
fn a_new_error_is_told_and_a_known_one_is_not() {
    let all = rules(|_| ());
    check(all.clone(), &[(0, &[("a", 2), ("b", 1)], &[], CLOSED)], &[]);
    check(
        all.clone(),
        &[
            (0, &[("a", 2), ("b", 1)], &[("b", 1)], CLOSED),
            (1, &[("b", 1)], &[], CLOSED),
        ],
        &[(0, NewFingerprint, "b", 1)],
    );
    check(
        rules(|rules| rules.new_fingerprint = false),
        &[(0, &[], &[("a", 1)], CLOSED)],
        &[],
    );
}

#[test]
fn a_frequent_error_is_told_when_a_minute_holds_enough_of_it() {
    let all = rules(|_| ());
    check(all.clone(), &[(0, &[("a", 59)], &[], CLOSED)], &[]);
    check(all.clone(), &[(0, &[("a", 60)], &[], CLOSED)], &[(0, Rate, "a", 60)]);
    check(
        all.clone(),
        &[(0, &[("a", 59)], &[], CLOSED), (59, &[("a", 1)], &[], CLOSED)],
        &[(59, Rate, "a", 60)],
    );
    check(
        all.clone(),
        &[(0, &[("a", 59)], &[], CLOSED), (60, &[("a", 1)], &[], CLOSED)],
        &[],
    );
    check(
        all.clone(),
        &[
            (0, &[("a", 30), ("b", 30)], &[], CLOSED),
            (1, &[("b", 30)], &[], CLOSED),
        ],
        &[(1, Rate, "b", 60)],
    );
    check(
        all.clone(),
        &[(0, &[("a", u64::MAX)], &[], CLOSED), (1, &[("a", 9)], &[], CLOSED)],
        &[(0, Rate, "a", u64::MAX)],
    );
    check(
        all,
        &[(0, &[("a", 70)], &[("a", 70)], CLOSED)],
        &[(0, NewFingerprint, "a", 70), (0, Rate, "a", 70)],
    );
    check(
        rules(|rules| rules.rate_per_minute = 0),
        &[(0, &[("a", 9999)], &[], CLOSED)],
        &[],
    );
    check(
        rules(|rules| rules.rate_per_minute = 1),
        &[(0, &[("a", 1)], &[], CLOSED)],
        &[(0, Rate, "a", 1)],
    );
}

#[test]
fn the_breaker_is_told_when_it_opens() {
    let message = breaker_report().message;
    let all = rules(|_| ());
    let look = |second, state| -> Look { (second, &[], &[], state) };
    let opened = |second| (second, BreakerOpen, message.as_str(), 1);
    check(
        all.clone(),
        &[look(0, CLOSED), look(1, State::HalfOpen), look(2, CLOSED)],
        &[],
    );
    check(all.clone(), &[look(0, State::Open)], &[opened(0)]);
    check(
        all.clone(),
        &[look(0, State::Open), look(400, State::Open)],
        &[opened(0)],
    );
    check(
        all.clone(),
        &[look(0, State::Open), look(11, State::HalfOpen), look(12, State::Open)],
        &[opened(0)],
    );
    check(
        all,
        &[look(0, State::Open), look(1, CLOSED), look(300, State::Open)],
        &[opened(0), opened(300)],
    );
    check(rules(|rules| rules.breaker_open = false), &[look(0, State::Open)], &[]);
}

#[test]
fn the_same_alert_comes_once_in_the_quiet_time() {
    let storm: &[Look] = &[
        (0, &[("a", 60)], &[], CLOSED),
        (1, &[("a", 60)], &[], CLOSED),
        (299, &[("a", 60), ("b", 60)], &[], CLOSED),
        (300, &[("a", 60)], &[], CLOSED),
    ];
    check(
        rules(|_| ()),
        storm,
        &[(0, Rate, "a", 60), (299, Rate, "b", 60), (300, Rate, "a", 120)],
    );
    let always = [
        (0, Rate, "a", 60),
        (1, Rate, "a", 120),
        (299, Rate, "a", 60),
        (299, Rate, "b", 60),
        (300, Rate, "a", 120),
    ];
    check(rules(|rules| rules.quiet_seconds = 0), storm, &always);
}

#[test]
fn memory_is_bounded_whatever_comes() {
    let mut watch = Watch::new(rules(|rules| rules.rate_per_minute = 1));
    let now = Moment::now();
    let mut raised = 0;
    for batch in 0_u32..30 {
        let words: Vec<String> = (0_u32..500).map(|n| letters(batch * 500 + n)).collect();
        let errors: Vec<(&str, u64)> = words.iter().map(|word| (word.as_str(), 1)).collect();
        let seen = Seen {
            met: &folded(&errors),
            new: &Folded::default(),
            breaker: CLOSED,
        };
        raised += watch.look(&seen, now).len();
    }
    assert_eq!(
        (raised, watch.met.len(), watch.raised.len()),
        (WATCHED, WATCHED, WATCHED)
    );
}

/// A word of its own for each number: digits would be folded.
fn letters(number: u32) -> String {
    number
        .to_string()
        .bytes()
        .map(|digit| char::from(digit - b'0' + b'g'))
        .collect()
}
