//! Token ids against those of the last release of the library, which encodes in another way.

use codelupe_samples::Tokenizer;
use tokenizers_reference::Tokenizer as Reference;

use crate::fixture::{sources, tokenizer, tokenizer_folder};

fn reference() -> Reference {
    Reference::from_file(tokenizer_folder().join("tokenizer.json")).unwrap()
}

#[test]
fn ids_are_those_of_the_reference_on_every_file_of_this_repository() {
    let reference = reference();
    assert!(sources().len() >= 500, "{} files", sources().len());
    let mut differing = Vec::new();
    for (path, text) in sources() {
        // A text with the name of a special token in it is where the two differ on purpose.
        if text.contains("<|") {
            continue;
        }
        let mut ids = Vec::new();
        tokenizer().encode_text(text, &mut ids).unwrap();
        if reference.encode_fast(text.as_str(), false).unwrap().get_ids() != ids {
            differing.push(path);
        }
    }
    assert!(differing.is_empty(), "{differing:?}");
}

#[test]
fn the_reference_decodes_to_the_same_text() {
    let reference = reference();
    for (path, text) in sources().iter().step_by(10) {
        let mut ids = Vec::new();
        tokenizer().encode_text(text, &mut ids).unwrap();
        assert_eq!(&reference.decode(&ids, false).unwrap(), text, "{path}");
    }
}

#[test]
fn special_tokens_have_the_ids_that_the_reference_gives_them() {
    let reference = reference();
    for special in codelupe_samples::Special::ALL {
        assert_eq!(tokenizer().special(special), reference.token_to_id(special.text()));
    }
    assert_eq!(reference.get_vocab_size(true), tokenizer().vocabulary_size());
}

#[test]
fn a_tokenizer_with_the_parts_of_qwen_gives_the_ids_of_the_reference() {
    // Qwen2.5's file differs from a learned one in its normalizer and in added tokens that are not special.
    let text = std::fs::read_to_string(tokenizer_folder().join("tokenizer.json")).unwrap();
    let mut config: serde_json::Value = serde_json::from_str(&text).unwrap();
    config["normalizer"] = serde_json::json!({ "type": "NFC" });
    for added in config["added_tokens"].as_array_mut().unwrap().iter_mut().skip(3) {
        added["special"] = false.into();
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tokenizer.json"), config.to_string()).unwrap();
    let tokenizer = Tokenizer::open(folder.path()).unwrap();
    let reference = Reference::from_file(folder.path().join("tokenizer.json")).unwrap();
    for (path, text) in sources().iter().filter(|(_, text)| !text.contains("<|")).step_by(20) {
        let mut ids = Vec::new();
        tokenizer.encode_text(text, &mut ids).unwrap();
        assert_eq!(
            reference.encode_fast(text.as_str(), false).unwrap().get_ids(),
            ids,
            "{path}"
        );
    }
    // A text that NFC would change is kept as it is.
    let mut ids = Vec::new();
    tokenizer.encode_text("e\u{301}", &mut ids).unwrap();
    assert_eq!(tokenizer.decode(&ids), "e\u{301}");
}
