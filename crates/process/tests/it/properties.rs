//! What holds for any bytes under any name.

use std::sync::LazyLock;

use codelupe_core::Verdict;
use codelupe_process::{Config, Processor};
use proptest::prelude::*;

static PROCESSOR: LazyLock<Processor> = LazyLock::new(|| Processor::new(Config::default()).unwrap());
static LENIENT: LazyLock<Processor> = LazyLock::new(|| {
    let config = Config {
        min_quality: 0,
        min_alphabetic: 0.0,
        max_duplicate_lines: 1.0,
        max_duplicate_tokens: 1.0,
        max_top_token: 1.0,
        max_control_share: 1.0,
        ..Config::default()
    };
    Processor::new(config).unwrap()
});

fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z._-]{0,12}",
        prop::sample::select(vec![
            "a.rs",
            "a.h",
            "a.html",
            "a.js",
            "a.md",
            "a.txt",
            "README",
            "a.yml",
            "a.sql",
            "a.1",
            "a.svg",
            "a.m",
            "a.pl",
            "Cargo.lock",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ]
}

fn contents() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        any::<String>().prop_map(String::into_bytes),
        "([a-z]{1,8}[ (){};=.,\n\"<>/]{1,3}){0,60}".prop_map(String::into_bytes),
        "(fn|let|<p>|<script>|-->|# vim: ft=|-\\*-|\\\\x12|\\\\u0041|[a-zäö]{1,9}|0x[0-9a-f]{2}|\n| ){0,80}"
            .prop_map(String::into_bytes),
    ]
}

fn check(processor: &Processor, name: &str, content: &[u8]) {
    let first = processor.process(name, content);
    assert_eq!(first, processor.process(name, content));
    assert!(first.quality <= 100);
    assert_eq!(first.signals.bytes, content.len() as u64);
    match first.verdict {
        Verdict::Kept => {
            assert!(
                first
                    .text
                    .is_some_and(|text| !text.is_empty() && !text.starts_with('\u{feff}'))
            );
            assert!(first.language.is_some());
        }
        Verdict::Dropped(_) => assert_eq!(first.text, None),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_under_any_name_get_a_verdict(name in names(), content in contents()) {
        check(&PROCESSOR, &name, &content);
        check(&LENIENT, &name, &content);
    }

    #[test]
    fn any_path_gets_a_verdict(path in prop::collection::vec(any::<u8>(), 0..80)) {
        prop_assert_eq!(PROCESSOR.path_verdict(&path), PROCESSOR.path_verdict(&path));
    }
}
