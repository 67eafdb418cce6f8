//! Completion and merging.

use codelupe_model::{Batch, Completion, ErrorKind, GenerateConfig, Model, generate, logits, merge};

use crate::fixture::{MODELS, adapter, difference, model, tokens};

/// The likeliest token after a text, by reading all of it anew.
fn next(model: &Model, name: &str, text: &[u32]) -> u32 {
    let logits = logits(model, Some(&adapter(name, model)), &Batch::of_text(text).unwrap()).unwrap();
    let last = &logits[logits.len() - model.config().vocab_size..];
    let best = (0..last.len()).max_by(|&a, &b| last[a].total_cmp(&last[b])).unwrap();
    u32::try_from(best).unwrap()
}

#[test]
fn the_cache_gives_what_reading_everything_anew_gives() {
    for name in MODELS {
        let model = model(name);
        let prompt = tokens(9, model.config().vocab_size);
        let mut text = prompt.clone();
        for _ in 0..12 {
            text.push(next(&model, name, &text));
        }
        let config = GenerateConfig {
            max_new_tokens: 12,
            ..GenerateConfig::default()
        };
        let completion = generate(&model, Some(&adapter(name, &model)), &prompt, &config).unwrap();
        assert_eq!(completion.tokens, text[9..], "{name}");
        assert!(!completion.ended);
    }
}

#[test]
fn a_stop_token_ends_a_completion_and_is_not_part_of_it() {
    let model = model("qwen");
    let prompt = tokens(5, 512);
    let all = generate(&model, None, &prompt, &GenerateConfig::default())
        .unwrap()
        .tokens;
    let stop = all[3];
    let place = all.iter().position(|&token| token == stop).unwrap();
    let config = GenerateConfig {
        stop_ids: vec![stop],
        ..GenerateConfig::default()
    };
    let expected = Completion {
        tokens: all[..place].to_vec(),
        ended: true,
    };
    assert_eq!(generate(&model, None, &prompt, &config).unwrap(), expected);
}

#[test]
fn a_completion_ends_where_the_model_can_read_no_further() {
    let model = model("qwen");
    let most = model.config().max_position_embeddings;
    let config = GenerateConfig {
        max_new_tokens: 1000,
        ..GenerateConfig::default()
    };
    let completion = generate(&model, None, &tokens(most - 3, 512), &config).unwrap();
    assert_eq!(completion.tokens.len(), 3);
    assert!(
        generate(&model, None, &tokens(most, 512), &config)
            .unwrap()
            .tokens
            .is_empty()
    );
    for prompt in [vec![], vec![512], tokens(most + 1, 512)] {
        assert_eq!(
            generate(&model, None, &prompt, &config).unwrap_err().kind(),
            ErrorKind::Invalid
        );
    }
}

#[test]
fn drawn_completions_depend_on_the_seed_alone() {
    let model = model("llama");
    let draw = |seed| {
        let config = GenerateConfig {
            max_new_tokens: 20,
            temperature: 1.0,
            top_p: 0.95,
            seed,
            ..GenerateConfig::default()
        };
        generate(&model, None, &[1, 2, 3], &config).unwrap().tokens
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
}

#[test]
fn a_merged_model_is_the_base_with_its_adapter() {
    for name in MODELS {
        let base = model(name);
        let adapter = adapter(name, &base);
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("merged");
        merge(&base, &adapter, &folder).unwrap();
        let merged = Model::open(&folder).unwrap();
        assert_eq!(merged.config(), base.config());
        let batch = Batch::of_text(&tokens(30, base.config().vocab_size)).unwrap();
        let with_adapter = logits(&base, Some(&adapter), &batch).unwrap();
        let worst = difference(&logits(&merged, None, &batch).unwrap(), &with_adapter);
        assert!(worst < 1e-5, "{name}: {worst}");
        assert!(difference(&logits(&base, None, &batch).unwrap(), &with_adapter) > 0.01);
        let error = merge(&merged, &adapter, &root.path().join("twice")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Mismatch);
    }
}
