//! linguist's patterns over the content, for extensions that several languages share.

use super::facts::{Facts, LanguageId};

/// How much of a file the patterns see, in bytes (linguist's `HEURISTICS_CONSIDER_BYTES`).
const SCOPE: usize = 50 * 1024;

/// The language that the rules of the name's extension give, or none when there are no rules or none holds.
pub(super) fn decide(facts: &Facts, lower: &str, text: &str) -> Option<LanguageId> {
    let block = facts.disambiguation(lower)?;
    let scope = &text[..text.floor_char_boundary(SCOPE)];
    let rule = block.rules.iter().find(|rule| {
        rule.conditions
            .iter()
            .all(|condition| facts.patterns[condition.pattern].is_match(scope) != condition.negative)
    })?;
    facts.by_name(rule.language)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::load;

    #[test]
    fn a_pattern_never_sees_half_a_character() {
        let text = "ä".repeat(SCOPE);
        assert_eq!(decide(load().unwrap(), "a.h", &text), load().unwrap().by_name("C"));
    }
}
