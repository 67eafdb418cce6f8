use proptest::prelude::*;

use super::*;
use crate::HostedRepository;

const NOW: i64 = 1_800_000_000;

fn famous() -> HostedRepository {
    HostedRepository {
        full_name: "Owner/Name".to_owned(),
        description: Some("A fast thing".to_owned()),
        homepage: Some("https://example.org".to_owned()),
        topics: vec!["cli".to_owned()],
        license: Some("MIT".to_owned()),
        language: Some("Rust".to_owned()),
        stars: Some(20_000),
        forks: Some(1000),
        size_kib: Some(5000),
        created_at: Some(NOW - 1000 * DAY),
        pushed_at: Some(NOW - DAY),
        ..HostedRepository::default()
    }
}

fn candidate(repository: &HostedRepository) -> Candidate<'_> {
    Candidate {
        repository,
        license_class: LicenseClass::Permissive,
        opt_out: None,
    }
}

fn value(repository: &HostedRepository) -> u8 {
    Score::of(&candidate(repository), NOW).value
}

/// The rules that the repository does not meet.
fn failed(rules: &SelectionRules, repository: &HostedRepository) -> Vec<&'static str> {
    let selection = rules.verdict(&candidate(repository), NOW);
    let failed: Vec<_> = selection.outcomes.iter().filter(|outcome| !outcome.met).collect();
    assert_eq!(selection.selected, failed.is_empty());
    assert_eq!(selection.reasons().count(), selection.outcomes.len());
    failed.into_iter().map(|outcome| outcome.rule).collect()
}

#[test]
fn a_repository_with_all_in_its_favor_has_a_hundred() {
    assert_eq!(value(&famous()), 100);
    assert_eq!(
        value(&HostedRepository::default()),
        22,
        "a license and being an original"
    );
}

#[test]
fn a_single_word_moves_nobody() {
    for description in ["an example", "with examples", "a tutorial, too"] {
        let repository = HostedRepository {
            description: Some(description.to_owned()),
            ..famous()
        };
        assert_eq!(value(&repository), 100, "{description}");
        assert_eq!(failed(&SelectionRules::default(), &repository), [""; 0]);
    }
}

#[test]
fn each_kind_costs_its_points() {
    let check = |change: fn(&mut HostedRepository), expected: u8| {
        let mut repository = famous();
        change(&mut repository);
        assert_eq!(value(&repository), expected, "{repository:?}");
    };
    check(|repository| repository.fork = true, 60);
    check(|repository| repository.mirror = true, 70);
    check(|repository| repository.template = true, 75);
    check(|repository| repository.archived = true, 97);
    check(|repository| repository.disabled = true, 60);
    check(|repository| repository.empty = true, 40);
    check(|repository| repository.size_kib = Some(0), 94);
    check(|repository| repository.pushed_at = Some(0), 88);
    check(|repository| repository.stars = None, 60);
    check(|repository| repository.stars = Some(1), 68);
    check(|repository| repository.stars = Some(3), 68);
    check(|repository| repository.stars = Some(4), 72);
    check(|repository| repository.stars = Some(100), 84);
}

#[test]
fn every_rule_can_fail_alone() {
    let check = |change: fn(&mut SelectionRules, &mut HostedRepository), expected: &str| {
        let (mut rules, mut repository) = (SelectionRules::default(), famous());
        change(&mut rules, &mut repository);
        assert_eq!(failed(&rules, &repository), [expected]);
    };
    check(|_, repository| repository.stars = Some(9), "min_stars");
    check(|_, repository| repository.stars = None, "min_stars");
    check(
        |_, repository| repository.size_kib = Some((2 << 20) + 1),
        "max_size_kib",
    );
    check(|_, repository| repository.fork = true, "forks");
    check(|_, repository| repository.mirror = true, "mirrors");
    check(|_, repository| repository.template = true, "templates");
    check(|_, repository| repository.private = true, "private");
    check(|_, repository| repository.disabled = true, "disabled");
    check(|_, repository| repository.empty = true, "empty");
    check(
        |rules, repository| {
            rules.archived = false;
            repository.archived = true;
        },
        "archived",
    );
    check(|rules, _| rules.licenses = vec![LicenseClass::Copyleft], "licenses");
    check(|rules, _| rules.languages = vec!["Go".to_owned()], "languages");
    check(|rules, _| rules.min_age_days = Some(1001), "min_age_days");
    check(|rules, _| rules.max_age_days = Some(999), "max_age_days");
    check(|rules, _| rules.pushed_within_days = Some(0), "pushed_within_days");
    check(
        |rules, repository| {
            rules.pushed_within_days = Some(9);
            repository.pushed_at = None;
        },
        "pushed_within_days",
    );
    check(|rules, _| rules.min_score = 101, "min_score");
    check(|rules, _| rules.exclude = vec!["OWNER".to_owned()], "exclude");
}

#[test]
fn what_is_allowed_passes() {
    let check = |change: fn(&mut SelectionRules, &mut HostedRepository)| {
        let (mut rules, mut repository) = (SelectionRules::default(), famous());
        change(&mut rules, &mut repository);
        assert_eq!(failed(&rules, &repository), [""; 0]);
    };
    check(|_, repository| repository.archived = true);
    check(|_, repository| repository.size_kib = None);
    check(|rules, repository| {
        rules.forks = true;
        repository.fork = true;
    });
    check(|rules, _| rules.languages = vec!["Go".to_owned(), "rust".to_owned()]);
    check(|rules, _| {
        rules.min_age_days = Some(1000);
        rules.max_age_days = Some(1000);
        rules.pushed_within_days = Some(1);
    });
    check(|rules, _| rules.exclude = vec!["own".to_owned(), "owner/nam".to_owned(), String::new(), "/".to_owned()]);
}

#[test]
fn an_opt_out_is_final_and_says_why() {
    let repository = famous();
    let asked = Candidate {
        opt_out: Some("asked\n\u{1b}[31m"),
        ..candidate(&repository)
    };
    let selection = SelectionRules::default().verdict(&asked, NOW);
    assert!(!selection.selected);
    let reason = selection.reasons().next().unwrap();
    assert_eq!(reason, "no opt_out: not to be used: asked\\u{a}\\u{1b}[31m");
}

#[test]
fn an_entry_covers_whole_segments() {
    let check = |entry: &str, name: &str, expected| assert_eq!(covers(entry, name), expected, "{entry} {name}");
    check("a", "A/b", true);
    check("a/B", "a/b", true);
    check("a/b", "a/b/c", true);
    check("a/", "a/b", true);
    check("a", "ab/c", false);
    check("b", "a/b", false);
    check("", "a/b", false);
}

#[test]
fn rules_come_from_settings_and_unknown_ones_are_refused() {
    let rules: SelectionRules = serde_json::from_str(r#"{"min_stars": 5, "licenses": ["other", "none"]}"#).unwrap();
    assert_eq!((rules.min_stars, rules.licenses.len(), rules.archived), (5, 2, true));
    assert!(serde_json::from_str::<SelectionRules>(r#"{"min_star": 5}"#).is_err());
}

proptest! {
    #[test]
    fn more_stars_never_make_it_worse(stars in any::<u64>(), more in any::<u64>(), small in 0u64..200_000) {
        let with = |stars| value(&HostedRepository { stars: Some(stars), pushed_at: None, ..famous() });
        let (low, high) = (stars.min(more), stars.max(more));
        prop_assert!(with(low) <= with(high));
        prop_assert!(with(small) <= with(small + 1));
        let unknown = value(&HostedRepository { stars: None, pushed_at: None, ..famous() });
        prop_assert!(with(0) >= unknown);
    }

    #[test]
    fn any_repository_is_judged(
        text in any::<String>(),
        topics in prop::collection::vec(any::<String>(), 0..4),
        number in any::<Option<u64>>(),
        time in any::<Option<i64>>(),
        flags in any::<[bool; 6]>(),
        now in any::<i64>(),
    ) {
        let [fork, archived, disabled, mirror, template, empty] = flags;
        let repository = HostedRepository {
            full_name: text.clone(), description: Some(text.clone()), license: Some(text.clone()), language: Some(text.clone()),
            topics, stars: number, forks: number, size_kib: number, created_at: time, pushed_at: time,
            fork, archived, disabled, mirror, template, empty, ..HostedRepository::default()
        };
        let rules = SelectionRules {
            min_age_days: Some(1), max_age_days: Some(2), pushed_within_days: Some(3), languages: vec![text.clone()],
            exclude: vec![text], ..SelectionRules::default()
        };
        let score = Score::of(&candidate(&repository), now);
        prop_assert!(score.value <= 100);
        prop_assert_eq!(&score, &Score::of(&candidate(&repository), now));
        let selection = rules.verdict(&candidate(&repository), now);
        prop_assert!(!selection.reasons().any(|reason| reason.contains('\n')));
    }
}
