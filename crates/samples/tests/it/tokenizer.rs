//! Text to tokens and back, and learning a tokenizer.

use std::fs;

use codelupe_samples::{ErrorKind, Special, Tokenizer};
use proptest::prelude::*;

use crate::fixture::{VOCABULARY, hard_text, sources, tokenizer, tokenizer_folder};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn every_text_comes_back_and_none_of_its_tokens_is_special(text in hard_text()) {
        let mut ids = Vec::new();
        tokenizer().encode_text(&text, &mut ids).unwrap();
        prop_assert_eq!(tokenizer().decode(&ids), text);
        prop_assert!(ids.iter().all(|&id| !tokenizer().is_special(id)));
    }
}

#[test]
fn every_file_of_this_repository_comes_back() {
    for (path, text) in sources() {
        let mut ids = Vec::new();
        tokenizer().encode_text(text, &mut ids).unwrap();
        assert!(tokenizer().decode(&ids) == *text, "{path}");
    }
}

#[test]
fn a_learned_vocabulary_has_the_size_that_was_asked_for_and_the_special_tokens_last() {
    assert_eq!(tokenizer().vocabulary_size(), VOCABULARY);
    let ids = Special::ALL.map(|special| tokenizer().require(special).unwrap() as usize);
    assert_eq!(
        ids.to_vec(),
        (VOCABULARY - Special::ALL.len()..VOCABULARY).collect::<Vec<_>>()
    );
    assert_eq!(tokenizer().padding(), tokenizer().require(Special::EndOfText).unwrap());
}

#[test]
fn the_same_texts_teach_the_same_file() {
    let again = tempfile::tempdir().unwrap();
    let texts = sources().iter().step_by(4).map(|(_, text)| text);
    Tokenizer::train_bpe(texts, VOCABULARY, again.path()).unwrap();
    for file in ["tokenizer.json", "tokenizer_config.json"] {
        let read = |folder: &std::path::Path| fs::read(folder.join(file)).unwrap();
        assert!(read(again.path()) == read(tokenizer_folder()), "{file} differs");
    }
}

#[test]
fn texts_with_nothing_in_common_teach_the_bytes_alone() {
    let folder = tempfile::tempdir().unwrap();
    let tokenizer = Tokenizer::train_bpe(["ab"].iter(), 5000, folder.path()).unwrap();
    assert_eq!(tokenizer.vocabulary_size(), 256 + Special::ALL.len());
}

#[test]
fn a_vocabulary_too_small_for_the_bytes_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error = Tokenizer::train_bpe(["ab"].iter(), 256, folder.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
}

#[test]
fn a_model_for_another_vocabulary_is_refused_with_both_sizes() {
    tokenizer().check_vocabulary(VOCABULARY).unwrap();
    // Models are padded to a round number of rows.
    tokenizer().check_vocabulary(VOCABULARY + 512).unwrap();
    for other in [VOCABULARY - 1, 151_936] {
        let error = tokenizer().check_vocabulary(other).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Vocabulary);
        let told = error.to_string();
        assert!(
            told.contains(&other.to_string()) && told.contains(&VOCABULARY.to_string()),
            "{told}"
        );
    }
}
