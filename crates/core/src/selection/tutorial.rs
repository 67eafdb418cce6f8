//! How much a repository looks like a lesson, a list or somebody's settings, by the words about it.

use std::collections::BTreeSet;

use super::{ScorePart, shown};
use crate::HostedRepository;

/// Words that speak of lessons, exercises, lists and settings; in lower case, compared as whole words.
const WORDS: [&str; 44] = [
    "algorithms",
    "assignment",
    "assignments",
    "awesome",
    "beginner",
    "beginners",
    "boilerplate",
    "bootcamp",
    "cheatsheet",
    "codelab",
    "course",
    "courses",
    "coursework",
    "curriculum",
    "demo",
    "demos",
    "dotfiles",
    "example",
    "examples",
    "exercise",
    "exercises",
    "homework",
    "interview",
    "interviews",
    "kata",
    "katas",
    "learn",
    "learning",
    "leetcode",
    "lesson",
    "lessons",
    "playground",
    "practice",
    "roadmap",
    "sample",
    "samples",
    "solutions",
    "starter",
    "tutorial",
    "tutorials",
    "udemy",
    "university",
    "workshop",
    "workshops",
];

/// The name and the topics are chosen; a description may well mention its examples.
const CHOSEN: i32 = 2;
const MENTIONED: i32 = 1;

/// Less than this says nothing: a word in the name and another sign, or three in the description.
const ENOUGH: i32 = 3;

/// What each sign costs, and the most that all of them do: never enough to hide a repository that all else speaks for.
const POINTS: i32 = 4;
const MOST_POINTS: i32 = 24;

/// Bytes of a text that are looked at.
const MAX_TEXT_BYTES: usize = 4096;

/// The points against it, if several words say so.
pub(super) fn part(repository: &HostedRepository) -> Option<ScorePart> {
    let name = found(&repository.full_name);
    let mut topics = BTreeSet::new();
    for topic in repository.topics.iter().take(100) {
        topics.extend(found(topic));
    }
    let description = found(repository.description.as_deref().unwrap_or_default());
    let count = |words: &BTreeSet<_>, weight: i32| i32::try_from(words.len()).unwrap_or(0) * weight;
    let weight = count(&name, CHOSEN) + count(&topics, CHOSEN) + count(&description, MENTIONED);
    if weight < ENOUGH {
        return None;
    }
    let words: BTreeSet<_> = name.into_iter().chain(topics).chain(description).collect();
    let words: Vec<_> = words.into_iter().collect();
    Some(ScorePart {
        points: -(weight * POINTS).min(MOST_POINTS),
        reason: format!("words of lessons, lists or settings: {}", shown(&words.join(", "))),
    })
}

/// Which of the words are in a text.
fn found(text: &str) -> BTreeSet<&'static str> {
    let text = &text[..text.floor_char_boundary(MAX_TEXT_BYTES)];
    let text = text.to_lowercase();
    let words = text.split(|c: char| !c.is_alphanumeric());
    words
        .filter_map(|word| WORDS.binary_search(&word).ok().map(|place| WORDS[place]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_sorted() {
        assert!(WORDS.is_sorted());
    }

    fn points(name: &str, description: &str, topics: &[&str]) -> i32 {
        let repository = HostedRepository {
            full_name: name.to_owned(),
            description: Some(description.to_owned()),
            topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
            ..HostedRepository::default()
        };
        part(&repository).map_or(0, |part| part.points)
    }

    #[test]
    fn several_whole_words_are_needed() {
        let check = |name, description, topics: &[&str], expected| {
            assert_eq!(
                points(name, description, topics),
                expected,
                "{name} {description} {topics:?}"
            );
        };
        check("serde-rs/serde", "Serialization framework, with examples", &[], 0);
        check("o/tutorial", "", &[], 0);
        check("o/x", "an example of a demo", &[], 0);
        check("o/learner", "discourse of exampled demonstrations", &["awesomeness"], 0);
        check("o/rust-tutorial", "A course", &[], -12);
        check("o/Tutorial", "", &["learn"], -16);
        check("o/x", "tutorial tutorial tutorial", &[], 0);
        check(
            "o/awesome-course",
            "homework for a bootcamp",
            &["learning", "tutorial", "kata"],
            -24,
        );
    }
}
