//! The patterns of linguist's heuristics.

use std::borrow::Cow;
use std::sync::OnceLock;

/// Steps after which a look-around pattern counts as not matching.
const BACKTRACK_LIMIT: usize = 200_000;

/// A pattern that is compiled when it is first needed.
#[derive(Debug)]
pub(super) struct Pattern {
    text: Cow<'static, str>,
    fancy: bool,
    compiled: OnceLock<Matcher>,
}

#[derive(Debug)]
enum Matcher {
    Plain(regex::bytes::Regex),
    LookAround(Box<fancy_regex::Regex>),
    /// The pattern does not compile; a test rules this out for the embedded ones.
    Never,
}

impl Pattern {
    pub(super) fn new(text: Cow<'static, str>, fancy: bool) -> Self {
        Self {
            text,
            fancy,
            compiled: OnceLock::new(),
        }
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        match self.compiled.get_or_init(|| self.compile()) {
            Matcher::Plain(regex) => regex.is_match(text.as_bytes()),
            Matcher::LookAround(regex) => regex.is_match(text).unwrap_or(false),
            Matcher::Never => false,
        }
    }

    fn compile(&self) -> Matcher {
        if self.fancy {
            return fancy_regex::RegexBuilder::new(&format!("(?m){}", self.text))
                .backtrack_limit(BACKTRACK_LIMIT)
                .build()
                .map_or(Matcher::Never, |regex| Matcher::LookAround(Box::new(regex)));
        }
        // Ruby's classes are ASCII, and its `^` and `$` match at every line.
        regex::bytes::RegexBuilder::new(&self.text)
            .multi_line(true)
            .unicode(false)
            .build()
            .map_or(Matcher::Never, Matcher::Plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::load;

    #[test]
    fn every_embedded_pattern_compiles() {
        for pattern in &load().unwrap().patterns {
            assert!(!matches!(pattern.compile(), Matcher::Never), "{}", pattern.text);
        }
    }
}
