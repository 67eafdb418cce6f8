//! Tokenizers that cannot be used, tokens that are missing, and texts made to do harm.

use std::fs;

use codelupe_samples::{ErrorKind, SampleConfig, Sampler, Tokenizer};
use serde_json::{Value, json};

use crate::fixture::{document, tokenizer, tokenizer_folder};

/// Opens the learned tokenizer after a change to its file.
fn changed(change: impl FnOnce(&mut Value)) -> Result<Tokenizer, codelupe_samples::Error> {
    let mut config =
        serde_json::from_str(&fs::read_to_string(tokenizer_folder().join("tokenizer.json")).unwrap()).unwrap();
    change(&mut config);
    written(&config.to_string())
}

fn written(text: &str) -> Result<Tokenizer, codelupe_samples::Error> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tokenizer.json"), text).unwrap();
    Tokenizer::open(folder.path())
}

/// All that an error says, with what caused it.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

fn check(change: impl FnOnce(&mut Value), expected: &str) {
    let error = changed(change).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tokenizer, "{error}");
    assert!(told(&error).contains(expected), "{}", told(&error));
}

#[test]
fn a_tokenizer_that_would_change_texts_is_refused() {
    check(
        |config| config["normalizer"] = json!({ "type": "Lowercase" }),
        "Lowercase",
    );
    check(
        |config| config["pre_tokenizer"] = json!({ "type": "Whitespace" }),
        "tokenizer",
    );
    check(
        |config| config["pre_tokenizer"]["pretokenizers"][1]["add_prefix_space"] = true.into(),
        "tokenizer",
    );
    check(
        |config| config["model"] = json!({ "type": "WordPiece", "vocab": {} }),
        "byte 0 has no token",
    );
    check(|config| config["model"]["vocab"] = json!([]), "model.vocab");
    check(|config| config["added_tokens"] = json!([]), "<|endoftext|>");
    check(
        |config| config["model"]["merges"] = json!([["never", "seen"]]),
        "not supported",
    );
}

#[test]
fn a_file_that_is_cut_short_or_missing_is_told_by_name() {
    let whole = fs::read_to_string(tokenizer_folder().join("tokenizer.json")).unwrap();
    let error = written(&whole[..whole.len() / 2]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tokenizer);
    assert!(error.to_string().contains("tokenizer.json"), "{error}");
    let error = Tokenizer::open(std::path::Path::new("/nowhere")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Missing);
}

#[test]
fn samples_whose_tokens_are_missing_are_refused_with_the_name_of_the_token() {
    let tokenizer = changed(|config| {
        config["added_tokens"].as_array_mut().unwrap().truncate(1);
    })
    .unwrap();
    let check = |config: SampleConfig, expected: &str| {
        let error = Sampler::new(&tokenizer, &config).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(expected), "{error}");
    };
    let plain = SampleConfig {
        fim_rate: 0.0,
        repository_share: 0.0,
        instruction_share: 0.0,
        ..SampleConfig::default()
    };
    Sampler::new(&tokenizer, &plain).unwrap();
    check(
        SampleConfig {
            fim_rate: 0.1,
            ..plain.clone()
        },
        "<|fim_prefix|>",
    );
    check(
        SampleConfig {
            repository_share: 0.1,
            ..plain.clone()
        },
        "<|repo_name|>",
    );
    check(
        SampleConfig {
            instruction_share: 0.1,
            ..plain.clone()
        },
        "<|im_start|>",
    );
    check(
        SampleConfig {
            sequence_length: 1,
            ..plain
        },
        "sequence_length",
    );
}

#[test]
fn the_token_that_pads_is_the_one_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(
        tokenizer_folder().join("tokenizer.json"),
        folder.path().join("tokenizer.json"),
    )
    .unwrap();
    for pad in [json!("<|fim_pad|>"), json!({ "content": "<|fim_pad|>" })] {
        fs::write(
            folder.path().join("tokenizer_config.json"),
            json!({ "pad_token": pad }).to_string(),
        )
        .unwrap();
        let tokenizer = Tokenizer::open(folder.path()).unwrap();
        assert_eq!(tokenizer.decode(&[tokenizer.padding()]), "<|fim_pad|>");
    }
    fs::write(folder.path().join("tokenizer_config.json"), "{").unwrap();
    assert_eq!(Tokenizer::open(folder.path()).unwrap_err().kind(), ErrorKind::Tokenizer);
}

/// Texts on which careless searching takes the square of their length.
fn slow_texts() -> Vec<(&'static str, String)> {
    let bytes = 1 << 18;
    let repeated = |part: &str| part.repeat(bytes / part.len());
    vec![
        ("Rust", repeated("a")),
        ("Rust", repeated(" ")),
        ("Rust", repeated("\n")),
        ("Rust", repeated("r#\" ")),
        ("Rust", format!("\"{}", repeated("\\\""))),
        ("C", "(".repeat(bytes / 2) + &"]".repeat(bytes / 2)),
        ("C", repeated("'/*")),
        ("Python", repeated("''' \"\"\" ")),
        ("Python", repeated("import a\n")),
        ("Python", (0..700).map(|depth| " ".repeat(depth) + "if x:\n").collect()),
        // Short enough to be parsed.
        ("Rust", "///\nfn a(){}\n".repeat(9_000)),
        ("Rust", "fn a(){".repeat(18_000)),
        ("C++", "({[<\"'".repeat(20_000)),
        ("TSX", "<a".repeat(60_000)),
    ]
}

#[test]
fn texts_made_to_be_slow_are_not() {
    let started = std::time::Instant::now();
    let config = SampleConfig {
        fim_rate: 1.0,
        instruction_share: 1.0,
        sequence_length: 1 << 20,
        ..SampleConfig::default()
    };
    let sampler = Sampler::new(tokenizer(), &config).unwrap();
    for (language, text) in slow_texts() {
        let file = document("r", "p", language, &text);
        assert!(!sampler.file(&file).unwrap().0.is_empty());
        sampler.repository(vec![file]).unwrap();
    }
    // About two seconds; the square of their length would take hours.
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}
