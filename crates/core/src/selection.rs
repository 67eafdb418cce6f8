//! Which repositories of a forge are fetched, and why: the rules, each with its outcome.

mod candidate;
mod score;
mod tutorial;

use serde::{Deserialize, Serialize};

pub use candidate::Candidate;
pub use score::Score;

use crate::LicenseClass;
use crate::text::display_bounded;

/// Seconds in a day.
const DAY: i64 = 24 * 60 * 60;

/// The most bytes of a foreign text in a reason.
const SHOWN_BYTES: usize = 80;

/// Points with their reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScorePart {
    /// How many, less than zero where it speaks against.
    pub points: i32,
    /// Why, in one line.
    pub reason: String,
}

/// Which repositories are fetched. A rule about something that the forge does not tell is not met, unless it says otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct SelectionRules {
    /// The fewest stars. Ten by default: below that most are exercises and copies, as SEART's GitHub Search has it too.
    pub min_stars: u64,
    /// The largest size on the server, in KiB; a size that is not known is no obstacle, since fetching has limits of its own.
    /// 2 GiB by default: beyond that data outweighs code.
    pub max_size_kib: u64,
    /// The classes of license as the forge detected it. Permissive by default; `other` and `none` also let in
    /// repositories whose license shows only in their files.
    pub licenses: Vec<LicenseClass>,
    /// The main languages, in linguist's spelling and any case; all when empty, the default.
    pub languages: Vec<String>,
    /// The least age in days; none by default.
    pub min_age_days: Option<u32>,
    /// The greatest age in days; none by default.
    pub max_age_days: Option<u32>,
    /// The most days since the latest push; none by default: old code is code.
    pub pushed_within_days: Option<u32>,
    /// Whether forks may be fetched. Not by default: nearly all of a fork is its parent's.
    pub forks: bool,
    /// Whether archived ones may. They may by default: what is finished is often good.
    pub archived: bool,
    /// Whether mirrors may. Not by default: their origin is the better place.
    pub mirrors: bool,
    /// Whether templates may. Not by default: what they hold is in all that was made of them.
    pub templates: bool,
    /// The lowest score, 0 to 100. None by default: 0.
    pub min_score: u8,
    /// Owners, groups (`owner`, `group/inner`) and repositories (`owner/name`) that are never fetched, in any case.
    pub exclude: Vec<String>,
}

impl Default for SelectionRules {
    fn default() -> Self {
        Self {
            min_stars: 10,
            max_size_kib: 2 << 20,
            licenses: vec![LicenseClass::Permissive],
            languages: Vec::new(),
            min_age_days: None,
            max_age_days: None,
            pushed_within_days: None,
            forks: false,
            archived: true,
            mirrors: false,
            templates: false,
            min_score: 0,
            exclude: Vec::new(),
        }
    }
}

/// The outcome of one rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleOutcome {
    /// The rule, as it is called in the settings.
    pub rule: &'static str,
    /// Whether the repository meets it.
    pub met: bool,
    /// What was found and what is asked for, in one line.
    pub text: String,
}

/// Whether a repository is fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Selection {
    /// Every rule is met.
    pub selected: bool,
    /// Every rule with its outcome.
    pub outcomes: Vec<RuleOutcome>,
}

impl Selection {
    /// The outcomes as lines: `yes` or `no`, the rule, and what was found.
    pub fn reasons(&self) -> impl Iterator<Item = String> {
        self.outcomes.iter().map(|outcome| {
            let answer = if outcome.met { "yes" } else { "no" };
            format!("{answer} {}: {}", outcome.rule, outcome.text)
        })
    }
}

impl SelectionRules {
    /// Judges a repository at the time `now`, in seconds since the Unix epoch.
    pub fn verdict(&self, candidate: &Candidate<'_>, now: i64) -> Selection {
        let mut outcomes = self.about_kind(candidate);
        outcomes.extend(self.about_numbers(candidate));
        outcomes.extend(self.about_times(candidate, now));
        outcomes.extend([self.about_license(candidate), self.about_language(candidate)]);
        let score = Score::of(candidate, now).value;
        outcomes.push(RuleOutcome {
            rule: "min_score",
            met: score >= self.min_score,
            text: format!("{score}, at least {}", self.min_score),
        });
        Selection {
            selected: outcomes.iter().all(|outcome| outcome.met),
            outcomes,
        }
    }

    fn about_kind(&self, candidate: &Candidate<'_>) -> Vec<RuleOutcome> {
        let repository = candidate.repository;
        let kind = |rule, is: bool, allowed: bool, what: &str| RuleOutcome {
            rule,
            met: !is || allowed,
            text: if is {
                format!("it is {what}")
            } else {
                format!("it is not {what}")
            },
        };
        let opted_out = candidate
            .opt_out
            .map(|reason| format!("not to be used: {}", shown(reason)));
        let excluded = self.exclude.iter().find(|entry| covers(entry, &repository.full_name));
        vec![
            RuleOutcome {
                rule: "opt_out",
                met: opted_out.is_none(),
                text: opted_out.unwrap_or_else(|| "nobody asked to leave it out".to_owned()),
            },
            RuleOutcome {
                rule: "exclude",
                met: excluded.is_none(),
                text: excluded.map_or("not in the list".to_owned(), |entry| {
                    format!("`{}` is in the list", shown(entry))
                }),
            },
            kind("private", repository.private, false, "private"),
            kind("disabled", repository.disabled, false, "disabled"),
            kind("empty", repository.empty, false, "empty"),
            kind("forks", repository.fork, self.forks, "a fork"),
            kind("archived", repository.archived, self.archived, "archived"),
            kind("mirrors", repository.mirror, self.mirrors, "a mirror"),
            kind("templates", repository.template, self.templates, "a template"),
        ]
    }

    fn about_numbers(&self, candidate: &Candidate<'_>) -> [RuleOutcome; 2] {
        let (stars, size) = (candidate.repository.stars, candidate.repository.size_kib);
        [
            RuleOutcome {
                rule: "min_stars",
                met: stars.unwrap_or(0) >= self.min_stars,
                text: format!("{}, at least {}", known(stars), self.min_stars),
            },
            RuleOutcome {
                rule: "max_size_kib",
                met: size.is_none_or(|size| size <= self.max_size_kib),
                text: format!("{}, at most {}", known(size), self.max_size_kib),
            },
        ]
    }

    fn about_times(&self, candidate: &Candidate<'_>, now: i64) -> Vec<RuleOutcome> {
        let repository = candidate.repository;
        let days = |time: Option<i64>| time.map(|time| now.saturating_sub(time).div_euclid(DAY));
        let (age, pushed) = (days(repository.created_at), days(repository.pushed_at));
        let at_least = |rule, days: Option<i64>, limit: u32| RuleOutcome {
            rule,
            met: days.is_some_and(|days| days >= i64::from(limit)),
            text: format!("{} days, at least {limit}", known(days)),
        };
        let at_most = |rule, days: Option<i64>, limit: u32| RuleOutcome {
            rule,
            met: days.is_some_and(|days| days <= i64::from(limit)),
            text: format!("{} days, at most {limit}", known(days)),
        };
        let outcomes = [
            self.min_age_days.map(|limit| at_least("min_age_days", age, limit)),
            self.max_age_days.map(|limit| at_most("max_age_days", age, limit)),
            self.pushed_within_days
                .map(|limit| at_most("pushed_within_days", pushed, limit)),
        ];
        outcomes.into_iter().flatten().collect()
    }

    fn about_license(&self, candidate: &Candidate<'_>) -> RuleOutcome {
        let license = candidate.repository.license.as_deref();
        let class = candidate.license_class;
        RuleOutcome {
            rule: "licenses",
            met: self.licenses.contains(&class),
            text: format!(
                "{} ({class}), allowed are {}",
                license.map_or("no license".to_owned(), shown),
                list(&self.licenses)
            ),
        }
    }

    fn about_language(&self, candidate: &Candidate<'_>) -> RuleOutcome {
        let language = candidate.repository.language.as_deref();
        let wanted = |language: &str| {
            self.languages
                .iter()
                .any(|wanted| wanted.eq_ignore_ascii_case(language))
        };
        let asked = if self.languages.is_empty() {
            "any is allowed".to_owned()
        } else {
            format!("allowed are {}", list(&self.languages))
        };
        RuleOutcome {
            rule: "languages",
            met: self.languages.is_empty() || language.is_some_and(wanted),
            text: format!("{}, {asked}", language.map_or("no language".to_owned(), shown)),
        }
    }
}

/// Whether an entry of the list names the repository, or an owner or group that it is in.
fn covers(entry: &str, full_name: &str) -> bool {
    let (entry, name) = (entry.trim_matches('/').to_lowercase(), full_name.to_lowercase());
    let rest = name.strip_prefix(&entry);
    !entry.is_empty() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn shown(text: &str) -> String {
    display_bounded(text.as_bytes(), SHOWN_BYTES)
}

fn known<T: ToString>(value: Option<T>) -> String {
    value.map_or("unknown".to_owned(), |value| value.to_string())
}

fn list<T: ToString>(values: &[T]) -> String {
    let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

#[cfg(test)]
mod tests;
