//! Qualifiers that say from where to where, in GitHub's spelling: `5`, `>5`, `>=5`, `<5`, `<=5`, `1..5`, `1..*`.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The first and the last number that `text` means, of all from 0; `None` when it means none.
pub(super) fn numbers(text: &str, most: u64) -> Option<(u64, u64)> {
    let number = |text: &str| text.parse::<u64>().ok().map(|number| number.min(most));
    let (low, high) = if let Some((low, high)) = text.split_once("..") {
        (open(low, 0, number)?, open(high, most, number)?)
    } else if let Some(text) = text.strip_prefix(">=") {
        (number(text)?, most)
    } else if let Some(text) = text.strip_prefix("<=") {
        (0, number(text)?)
    } else if let Some(text) = text.strip_prefix('>') {
        (number(text)?.checked_add(1)?, most)
    } else if let Some(text) = text.strip_prefix('<') {
        (0, number(text)?.checked_sub(1)?)
    } else {
        (number(text)?, number(text)?)
    };
    (low <= high).then_some((low, high))
}

/// The first and the last second that `text` means, within `(first, last)`. A date is all its seconds.
pub(super) fn seconds(text: &str, (first, last): (i64, i64)) -> Option<(i64, i64)> {
    let (low, high) = if let Some((low, high)) = text.split_once("..") {
        let low = open(low, (first, first), moment)?;
        (low.0, open(high, (last, last), moment)?.1)
    } else if let Some(text) = text.strip_prefix(">=") {
        (moment(text)?.0, last)
    } else if let Some(text) = text.strip_prefix("<=") {
        (first, moment(text)?.1)
    } else if let Some(text) = text.strip_prefix('>') {
        (moment(text)?.1 + 1, last)
    } else if let Some(text) = text.strip_prefix('<') {
        (first, moment(text)?.0 - 1)
    } else {
        moment(text)?
    };
    (low <= high).then_some((low, high))
}

fn open<T>(text: &str, end: T, read: impl Fn(&str) -> Option<T>) -> Option<T> {
    if text == "*" { Some(end) } else { read(text) }
}

/// The first and the last second of a date or a time.
fn moment(text: &str) -> Option<(i64, i64)> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some((time.as_second(), time.as_second()));
    }
    let date: Date = if text.len() == 10 {
        text.parse().ok()?
    } else {
        return None;
    };
    let start = date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second();
    Some((start, start + 86_399))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_every_spelling() {
        let check = |text, expected| assert_eq!(numbers(text, 100), expected, "{text}");
        check("5", Some((5, 5)));
        check(">5", Some((6, 100)));
        check(">=5", Some((5, 100)));
        check("<5", Some((0, 4)));
        check("<=5", Some((0, 5)));
        check("5..7", Some((5, 7)));
        check("5..*", Some((5, 100)));
        check("*..7", Some((0, 7)));
        for bad in [
            "",
            ">",
            "7..5",
            "<0",
            "x",
            "-1",
            ">100",
            "1..2..3",
            "99999999999999999999",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn seconds_in_every_spelling() {
        let day = 1_577_836_800; // 2020-01-01
        let check = |text, expected| assert_eq!(seconds(text, (0, 2_000_000_000)), expected, "{text}");
        check("2020-01-01", Some((day, day + 86_399)));
        check(">2020-01-01", Some((day + 86_400, 2_000_000_000)));
        check(">=2020-01-01T00:00:05Z", Some((day + 5, 2_000_000_000)));
        check("<2020-01-01", Some((0, day - 1)));
        check("2019-12-31..2020-01-01T00:00:00+00:00", Some((day - 86_400, day)));
        check("*..2020-01-01", Some((0, day + 86_399)));
        for bad in ["", "2020", "2020-13-01", "soon", "2020-01-02..2020-01-01"] {
            check(bad, None);
        }
    }
}
