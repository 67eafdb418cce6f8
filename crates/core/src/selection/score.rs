//! How well a repository suits a corpus: a sum of points, each with its reason.
//!
//! The points are our own judgment, not measured. They add up to 100 for a repository with everything in its favor.

use serde::Serialize;

use super::{Candidate, DAY, ScorePart, tutorial};
use crate::LicenseClass;

/// How well a repository suits a corpus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Score {
    /// 0 to 100.
    pub value: u8,
    /// What it is the sum of, held within its bounds.
    pub parts: Vec<ScorePart>,
}

impl Score {
    /// The score at the time `now`, in seconds since the Unix epoch. More stars never make it lower.
    pub fn of(candidate: &Candidate<'_>, now: i64) -> Self {
        let mut parts = vec![
            stars(candidate.repository.stars),
            forks(candidate.repository.forks),
            pushed(candidate.repository.pushed_at, now),
            license(candidate.license_class),
            size(candidate.repository.size_kib),
        ];
        parts.extend(words(candidate));
        parts.extend(kind(candidate));
        parts.extend(tutorial::part(candidate.repository));
        let sum: i32 = parts.iter().map(|part| part.points).sum();
        Self {
            value: u8::try_from(sum.clamp(0, 100)).unwrap_or(100),
            parts,
        }
    }
}

fn part(points: i32, reason: impl Into<String>) -> ScorePart {
    ScorePart {
        points,
        reason: reason.into(),
    }
}

/// The decimal digits of a number, counted in halves: 0 for 0, 2 for 1, 3 for 3, 4 for 10, 5 for 32 and so on.
fn half_digits(number: u64) -> i32 {
    let Some(whole) = number.checked_ilog10() else {
        return 0;
    };
    // The square root of ten, to four digits.
    let half = u128::from(number) * 1000 >= u128::from(10u64.pow(whole)) * 3163;
    i32::try_from(whole).unwrap_or(19) * 2 + 2 + i32::from(half)
}

/// Up to 40: four for each half digit, all of them at 10,000.
fn stars(stars: Option<u64>) -> ScorePart {
    match stars {
        Some(stars) => part((half_digits(stars) * 4).min(40), format!("stars: {stars}")),
        None => part(0, "stars: unknown"),
    }
}

/// Up to 12: all of them at 1,000.
fn forks(forks: Option<u64>) -> ScorePart {
    match forks {
        Some(forks) => part((half_digits(forks) * 3 / 2).min(12), format!("forks: {forks}")),
        None => part(0, "forks: unknown"),
    }
}

/// Up to 12, by the years since.
fn pushed(pushed: Option<i64>, now: i64) -> ScorePart {
    let Some(pushed) = pushed else {
        return part(0, "latest push: unknown");
    };
    let days = now.saturating_sub(pushed).max(0) / DAY;
    let points = match days {
        0..=365 => 12,
        366..=1095 => 8,
        1096..=1825 => 4,
        _ => 0,
    };
    part(points, format!("latest push: {days} days ago"))
}

/// Up to 12.
fn license(class: LicenseClass) -> ScorePart {
    let points = match class {
        LicenseClass::Permissive => 12,
        LicenseClass::WeakCopyleft => 8,
        LicenseClass::Copyleft => 6,
        LicenseClass::Other => 2,
        LicenseClass::None => 0,
    };
    part(points, format!("license: {class}"))
}

/// 6 for what is more than a note and less than a heap of data: 16 KiB to 1 GiB.
fn size(kib: Option<u64>) -> ScorePart {
    match kib {
        Some(kib @ 16..=1_048_576) => part(6, format!("size: {kib} KiB")),
        Some(kib) => part(0, format!("size: {kib} KiB")),
        None => part(0, "size: unknown"),
    }
}

/// Up to 8 for those who say what it is.
fn words(candidate: &Candidate<'_>) -> [ScorePart; 3] {
    let repository = candidate.repository;
    let has = |text: Option<&String>| text.is_some_and(|text| !text.trim().is_empty());
    let about = |there: bool, points, what: &str| {
        if there {
            part(points, format!("{what}: there"))
        } else {
            part(0, format!("{what}: none"))
        }
    };
    [
        about(has(repository.description.as_ref()), 3, "description"),
        about(!repository.topics.is_empty(), 3, "topics"),
        about(has(repository.homepage.as_ref()), 2, "home page"),
    ]
}

/// 10 for an original; negative for a copy, or one that is not in use.
fn kind(candidate: &Candidate<'_>) -> Vec<ScorePart> {
    let repository = candidate.repository;
    let against = [
        (repository.fork, -30, "a fork"),
        (repository.mirror, -20, "a mirror"),
        (repository.template, -15, "a template"),
        (repository.archived, -3, "archived"),
        (repository.disabled, -40, "disabled"),
        (repository.empty, -60, "empty"),
    ];
    let mut parts: Vec<_> = against
        .into_iter()
        .filter(|(is, ..)| *is)
        .map(|(_, points, what)| part(points, what))
        .collect();
    if !(repository.fork || repository.mirror || repository.template) {
        parts.push(part(10, "an original"));
    }
    parts
}
