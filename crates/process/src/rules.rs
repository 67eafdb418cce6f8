//! The rules of StarCoder2 over one text, and ours against repetition.

use codelupe_core::Reason;

use crate::config::Config;
use crate::signals::Signals;

/// Languages whose long lines are natural (StarCoder2).
const LONG_LINES: &[&str] = &[
    "HTML",
    "JSON",
    "Markdown",
    "Roff",
    "Roff Manpage",
    "SMT",
    "TeX",
    "Text",
    "XML",
];
/// Languages that are judged by letters and digits instead of letters (StarCoder2).
const NUMERIC: &[&str] = &["Motorola 68K Assembly", "WebAssembly"];
/// Languages that are data when they are long (StarCoder2; linguist's names of OWL and Graphviz).
const DATA: &[&str] = &["Graphviz (DOT)", "JSON", "Text", "Web Ontology Language", "YAML"];
/// What a plain text is called when people wrote it for people (StarCoder2).
const PROSE_STEMS: &[&str] = &["cmakelists", "description", "notes", "readme", "todo"];
/// Fewer words than this say nothing about their variety.
const MIN_TOKENS: u64 = 20;

/// By lines alone: too many, or too long.
pub(crate) fn lines(config: &Config, language: &str, signals: &Signals) -> Option<Reason> {
    let is_exempt = LONG_LINES.contains(&language);
    let too_long = if is_exempt {
        signals.longest_line > config.max_line_exempt
    } else {
        signals.longest_line > config.max_line || signals.average_line > config.max_average_line
    };
    if signals.lines > config.max_lines {
        return Some(Reason::TooManyLines);
    }
    if too_long {
        return Some(Reason::LongLines);
    }
    (DATA.contains(&language) && signals.lines > config.max_data_lines).then_some(Reason::DataTooLong)
}

/// By the name of a plain text: only requirements, readmes, notes, to-do lists and descriptions stay.
pub(crate) fn prose(language: &str, file_name: &str) -> Option<Reason> {
    if language != "Text" {
        return None;
    }
    let lower = file_name.to_lowercase();
    let stem = lower.rsplit_once('.').map_or(lower.as_str(), |(stem, _)| stem);
    let is_prose = lower.contains("requirement") || PROSE_STEMS.contains(&stem);
    (!is_prose).then_some(Reason::NotProse)
}

/// By the kinds of characters.
pub(crate) fn alphabetic(config: &Config, language: &str, signals: &Signals) -> Option<Reason> {
    let share = if NUMERIC.contains(&language) {
        signals.alphanumeric
    } else {
        signals.alphabetic
    };
    (share < config.min_alphabetic).then_some(Reason::LowAlphabetic)
}

/// By encoded data.
pub(crate) fn encoded(config: &Config, signals: &Signals) -> Option<Reason> {
    let too_much = signals.encoded_longest > config.max_encoded_run || signals.encoded_share > config.max_encoded_share;
    too_much.then_some(Reason::EncodedData)
}

/// By the visible text of HTML.
pub(crate) fn visible_text(config: &Config, language: &str, signals: &Signals) -> Option<Reason> {
    if language != "HTML" {
        return None;
    }
    let share = signals.visible_text as f64 / signals.characters.max(1) as f64;
    (signals.visible_text < config.min_visible_text || share < config.min_visible_share)
        .then_some(Reason::LowVisibleText)
}

/// By lines or words that repeat.
pub(crate) fn repetition(config: &Config, signals: &Signals) -> Option<Reason> {
    let by_tokens = signals.tokens >= MIN_TOKENS
        && (signals.duplicate_tokens > config.max_duplicate_tokens || signals.top_token > config.max_top_token);
    (signals.duplicate_lines > config.max_duplicate_lines || by_tokens).then_some(Reason::Repetitive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_judged_by_its_name() {
        for name in [
            "requirements.txt",
            "dev-requirements-3.txt",
            "README",
            "readme.txt",
            "TODO",
            "CMakeLists.txt",
        ] {
            assert_eq!(prose("Text", name), None, "{name}");
        }
        for name in ["words.txt", "LICENSE", "readme.old.txt", "a.readme"] {
            assert_eq!(prose("Text", name), Some(Reason::NotProse), "{name}");
        }
        assert_eq!(prose("Rust", "a.rs"), None);
    }

    #[test]
    fn limits_are_the_last_value_that_passes() {
        let config = Config::default();
        let at = |count, average_line, longest_line| Signals {
            lines: count,
            average_line,
            longest_line,
            ..Signals::default()
        };
        let cases = [
            ("Rust", at(100_000, 100.0, 1_000), None),
            ("Rust", at(100_001, 1.0, 1), Some(Reason::TooManyLines)),
            ("Rust", at(1, 100.1, 1_000), Some(Reason::LongLines)),
            ("Rust", at(1, 100.0, 1_001), Some(Reason::LongLines)),
            ("Markdown", at(1, 5_000.0, 100_000), None),
            ("Markdown", at(1, 5_000.0, 100_001), Some(Reason::LongLines)),
            ("YAML", at(512, 10.0, 10), None),
            ("YAML", at(513, 10.0, 10), Some(Reason::DataTooLong)),
            ("YAML", at(1, 101.0, 101), Some(Reason::LongLines)),
            ("Markdown", at(513, 10.0, 10), None),
        ];
        for (language, signals, expected) in cases {
            assert_eq!(lines(&config, language, &signals), expected, "{language} {signals:?}");
        }
    }
}
