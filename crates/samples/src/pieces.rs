//! What each token id stands for, in bytes.

use std::collections::BTreeMap;

use serde_json::Value;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;

use crate::error::{Error, ErrorKind};

/// The most ids that a vocabulary may have; the largest known has 262,144.
const MAX_VOCABULARY: usize = 1 << 22;

/// The bytes of every token, by id.
#[derive(Debug)]
pub(crate) struct Pieces {
    bytes: Vec<u8>,
    /// Where the bytes of an id start; those of the last end with the table.
    starts: Vec<u32>,
    added: Vec<bool>,
    by_text: BTreeMap<String, u32>,
}

impl Pieces {
    /// Reads `model.vocab` and `added_tokens` of a tokenizer.json.
    ///
    /// # Errors
    /// [`ErrorKind::Tokenizer`] where one of them is not of the known shape, or a byte has no token.
    pub(crate) fn read(config: &Value) -> Result<Self, Error> {
        let vocabulary = config["model"]["vocab"]
            .as_object()
            .ok_or_else(|| malformed("has no `model.vocab` that maps tokens to ids"))?;
        let alphabet = Alphabet::new();
        let mut pieces: BTreeMap<u32, (Vec<u8>, bool)> = BTreeMap::new();
        for (text, id) in vocabulary {
            pieces.insert(id_of(id)?, (alphabet.decode(text), false));
        }
        for byte in 0..=u8::MAX {
            if !vocabulary.contains_key(alphabet.encode(&[byte]).as_str()) {
                return Err(malformed(&format!("is not byte-level: byte {byte} has no token")));
            }
        }
        let mut by_text = BTreeMap::new();
        for added in config["added_tokens"].as_array().into_iter().flatten() {
            let id = id_of(&added["id"])?;
            let text = added["content"]
                .as_str()
                .ok_or_else(|| malformed("has an added token without `content`"))?;
            pieces.insert(id, (text.as_bytes().to_vec(), true));
            by_text.insert(text.to_owned(), id);
        }
        Self::laid_out(&pieces, by_text)
    }

    fn laid_out(pieces: &BTreeMap<u32, (Vec<u8>, bool)>, by_text: BTreeMap<String, u32>) -> Result<Self, Error> {
        let size = pieces.last_key_value().map_or(0, |(&last, _)| last as usize + 1);
        let mut table = Self {
            bytes: Vec::new(),
            starts: Vec::with_capacity(size + 1),
            added: vec![false; size],
            by_text,
        };
        for (&id, (bytes, added)) in pieces {
            let start = u32::try_from(table.bytes.len()).map_err(|_| malformed("has over 4 GiB of tokens"))?;
            table.starts.resize(id as usize + 1, start);
            table.bytes.extend_from_slice(bytes);
            table.added[id as usize] = *added;
        }
        let end = u32::try_from(table.bytes.len()).map_err(|_| malformed("has over 4 GiB of tokens"))?;
        table.starts.push(end);
        Ok(table)
    }

    /// One more than the largest id.
    pub(crate) fn len(&self) -> usize {
        self.added.len()
    }

    /// The bytes of a token; none of an id that stands for nothing.
    pub(crate) fn bytes(&self, id: u32) -> &[u8] {
        let id = id as usize;
        match (self.starts.get(id), self.starts.get(id + 1)) {
            (Some(&start), Some(&end)) => &self.bytes[start as usize..end as usize],
            _ => &[],
        }
    }

    /// Whether a token is one of `added_tokens`, which no text is encoded as.
    pub(crate) fn is_added(&self, id: u32) -> bool {
        self.added.get(id as usize).copied().unwrap_or(false)
    }

    /// The id of one of `added_tokens`.
    pub(crate) fn added(&self, text: &str) -> Option<u32> {
        self.by_text.get(text).copied()
    }
}

/// The characters that stand for bytes in a byte-level vocabulary (GPT-2, `bytes_to_unicode`).
pub(crate) struct Alphabet {
    characters: [char; 256],
    bytes: BTreeMap<char, u8>,
}

impl Alphabet {
    pub(crate) fn new() -> Self {
        let characters = ByteLevel::alphabet();
        Self {
            characters,
            bytes: characters.into_iter().zip(0..=u8::MAX).collect(),
        }
    }

    /// The characters, by byte.
    pub(crate) fn characters(&self) -> [char; 256] {
        self.characters
    }

    /// Bytes as they are written in the vocabulary.
    pub(crate) fn encode(&self, bytes: &[u8]) -> String {
        bytes.iter().map(|&byte| self.characters[usize::from(byte)]).collect()
    }

    /// The bytes of an entry of the vocabulary. A character outside of the alphabet, as special tokens may have, stands
    /// for itself.
    fn decode(&self, text: &str) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(text.len());
        for character in text.chars() {
            match self.bytes.get(&character) {
                Some(&byte) => bytes.push(byte),
                None => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        bytes
    }
}

fn id_of(value: &Value) -> Result<u32, Error> {
    value
        .as_u64()
        .filter(|&id| id < MAX_VOCABULARY as u64)
        .and_then(|id| u32::try_from(id).ok())
        .ok_or_else(|| malformed(&format!("has an id that is not a number under {MAX_VOCABULARY}")))
}

fn malformed(what: &str) -> Error {
    Error::new(ErrorKind::Tokenizer, format!("the tokenizer {what}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn byte_level() -> serde_json::Map<String, Value> {
        let alphabet = Alphabet::new();
        (0..=u8::MAX)
            .map(|byte| (alphabet.encode(&[byte]), json!(byte)))
            .collect()
    }

    #[test]
    fn an_id_leads_to_its_bytes_across_gaps() {
        let mut vocabulary = byte_level();
        vocabulary.insert(Alphabet::new().encode(b" \n"), json!(300));
        let config = json!({ "model": { "vocab": vocabulary }, "added_tokens": [{ "id": 310, "content": "<|x|>" }] });
        let pieces = Pieces::read(&config).unwrap();
        assert_eq!(pieces.len(), 311);
        assert_eq!(pieces.bytes(0xff), [0xff]);
        assert_eq!(pieces.bytes(299), b"");
        assert_eq!(pieces.bytes(300), b" \n");
        assert_eq!(pieces.bytes(310), b"<|x|>");
        assert_eq!(pieces.bytes(9999), b"");
        assert_eq!(pieces.added("<|x|>"), Some(310));
        assert!(pieces.is_added(310) && !pieces.is_added(300) && !pieces.is_added(9999));
    }

    #[test]
    fn a_vocabulary_without_a_byte_is_refused() {
        let mut vocabulary = byte_level();
        vocabulary.remove("a");
        let error = Pieces::read(&json!({ "model": { "vocab": vocabulary } })).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Tokenizer);
        assert!(error.to_string().contains("byte 97"), "{error}");
    }

    #[test]
    fn an_id_out_of_all_measure_is_refused() {
        let mut vocabulary = byte_level();
        vocabulary.insert("zz".to_owned(), json!(u32::MAX));
        let error = Pieces::read(&json!({ "model": { "vocab": vocabulary } })).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Tokenizer);
    }
}
