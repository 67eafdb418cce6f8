//! Names, labels and their values.

use std::collections::BTreeSet;

use codelupe_telemetry::{Kind, SPANS, TABLE, Unit};

/// The most series of one metric that its labels allow: what one scrape of one process may hold.
const MAX_SERIES: usize = 2500;

fn is_snake_case(text: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    !text.is_empty() && text.bytes().all(good) && !text.starts_with('_') && !text.ends_with('_') && !text.contains("__")
}

#[test]
fn names_are_unique_and_say_kind_and_unit() {
    let mut names = BTreeSet::new();
    for metric in TABLE {
        let declared = metric.declared();
        let name = declared.name;
        assert!(names.insert(name), "{name} is there twice");
        assert!(is_snake_case(name) && name.starts_with("codelupe_"), "{name}");
        assert_eq!(declared.kind == Kind::Counter, name.ends_with("_total"), "{name}");
        let base = name.strip_suffix("_total").unwrap_or(name);
        assert_eq!(declared.unit == Unit::Seconds, base.ends_with("_seconds"), "{name}");
        assert_eq!(declared.unit == Unit::Bytes, base.ends_with("_bytes"), "{name}");
        assert!(!declared.help.is_empty() && !declared.help.ends_with('.'), "{name}");
    }
}

#[test]
fn labels_are_of_closed_sets() {
    for metric in TABLE {
        let declared = metric.declared();
        let mut names = BTreeSet::new();
        let mut series = 1;
        for label in declared.labels {
            assert!(
                is_snake_case(label.name) && names.insert(label.name),
                "{}",
                declared.name
            );
            let meanings = (label.meanings)();
            let values: BTreeSet<&str> = meanings.iter().map(|(value, _)| *value).collect();
            assert_eq!(values.len(), meanings.len(), "{}: {}", declared.name, label.name);
            assert!(values.iter().all(|value| is_snake_case(value)), "{values:?}");
            assert!(
                meanings
                    .iter()
                    .all(|(_, meaning)| !meaning.is_empty() && !meaning.ends_with('.'))
            );
            series *= values.len();
        }
        assert!(series <= MAX_SERIES, "{}: {series}", declared.name);
    }
}

#[test]
fn spans_are_well_formed() {
    let names: BTreeSet<&str> = SPANS.iter().map(|span| span.name).collect();
    assert_eq!(names.len(), SPANS.len());
    for span in SPANS {
        assert!(is_snake_case(span.name) && !span.help.is_empty(), "{}", span.name);
        let attributes: BTreeSet<&str> = span.attributes.iter().map(|attribute| attribute.name).collect();
        assert_eq!(attributes.len(), span.attributes.len(), "{}", span.name);
        assert!(attributes.iter().all(|name| is_snake_case(name)), "{attributes:?}");
    }
}
