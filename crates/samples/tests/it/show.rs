//! Samples shown as text.

use std::convert::Infallible;

use codelupe_samples::{Dataset, SampleKind, passages, write_dataset};

use crate::fixture::{config, documents, provenance, tokenizer};

#[test]
fn the_parts_of_a_sample_are_its_text_with_special_tokens_apart() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("set");
    let documents = documents().into_iter().map(Ok::<_, Infallible>);
    write_dataset(documents, tokenizer(), &config(), &out, &provenance()).unwrap();
    let dataset = Dataset::open(&out).unwrap();
    let mut shown = 0;
    for row in dataset.rows() {
        for span in &row.samples {
            let parts = passages(&row, span.range(), tokenizer());
            let text: String = parts.iter().map(|part| part.text.as_str()).collect();
            if parts.iter().all(|part| !part.text.contains('\u{fffd}')) {
                assert_eq!(text, tokenizer().decode(&row.tokens[span.range()]));
            }
            assert!(parts.iter().any(|part| part.learned));
            if span.kind == SampleKind::FimPsm {
                let special: Vec<&str> = parts
                    .iter()
                    .filter(|part| part.special)
                    .map(|part| part.text.as_str())
                    .collect();
                assert_eq!(
                    special,
                    ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|endoftext|>"]
                );
                let last = &parts[parts.len() - 2..];
                assert!(last.iter().all(|part| part.learned) && parts.iter().filter(|part| part.learned).count() == 2);
                shown += 1;
            }
        }
    }
    assert!(shown > 10, "{shown}");
}

#[test]
fn positions_after_the_row_are_left_out() {
    let row = codelupe_samples::Row {
        tokens: &[0, 1],
        samples: vec![],
        learn: &[0b10],
    };
    let parts = passages(&row, 0..9, tokenizer());
    assert_eq!(parts.iter().map(|part| part.learned).collect::<Vec<_>>(), [false, true]);
}
