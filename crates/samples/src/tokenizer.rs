//! Text to token ids and back.

use std::fs;
use std::path::Path;

use codelupe_core::{error::Cause, text::display_path};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokenizers::pipeline::{EncodeOptions, PipelineToken, PipelineTokenizer};
use tokenizers::{canonicalize_value, from_json};

use crate::error::{Error, ErrorKind};
use crate::pieces::Pieces;
use crate::special::Special;

/// The file that describes a tokenizer.
pub(crate) const TOKENIZER_FILE: &str = "tokenizer.json";
/// The file beside it that says which tokens begin, end and pad a text.
pub(crate) const TOKENIZER_CONFIG_FILE: &str = "tokenizer_config.json";

/// The most bytes of a tokenizer.json that are read; those of 262,144 tokens have about 35 MB.
const MAX_FILE_BYTES: u64 = 256 << 20;

/// The most rows of a model's embedding that may have no token: Qwen2.5 has 151,665 tokens and up to 152,064 rows.
const MAX_SPARE_ROWS: usize = 1024;

/// A text that shows whether a tokenizer gives back what it got: blanks at both ends, decomposed and joined characters.
const PROBE: &str = " \u{65}\u{301} a  b\tc\r\n\n\u{1f468}\u{200d}\u{1f469} 12345 \u{fb01}<|endoftext|> ";

/// A byte-level BPE tokenizer, such as Qwen2.5's.
///
/// What it is given comes back: `decode(encode_text(x)) == x` for every text. So a normalizer of the file (Qwen's is NFC)
/// is not applied, and the names of special tokens in a text are encoded as the plain text that they are there.
pub struct Tokenizer {
    pipeline: PipelineTokenizer,
    options: EncodeOptions,
    pieces: Pieces,
    special: [Option<u32>; Special::ALL.len()],
    padding: u32,
    digest: String,
}

impl Tokenizer {
    /// Reads `tokenizer.json` of a folder, and `tokenizer_config.json` for the token that pads, where there is one.
    ///
    /// # Errors
    /// [`ErrorKind::Missing`] and the other kinds of input and output; [`ErrorKind::Tokenizer`] where it is not a
    /// byte-level BPE tokenizer or does not have `<|endoftext|>`.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(TOKENIZER_FILE);
        let text = read(&path)?;
        let named =
            |error: Error| Error::caused_by(error.kind(), format!("cannot use `{}`", display_path(&path)), error);
        let pad = padding_token(&folder.join(TOKENIZER_CONFIG_FILE))?;
        Self::parse(&text, pad.as_deref()).map_err(named)
    }

    fn parse(text: &str, pad: Option<&str>) -> Result<Self, Error> {
        let mut config: Value =
            serde_json::from_str(text).map_err(|error| refused("the tokenizer is not JSON", error))?;
        let pieces = Pieces::read(&config)?;
        let special = Special::ALL.map(|special| pieces.added(special.text()));
        let end = special[Special::EndOfText as usize]
            .ok_or_else(|| Error::new(ErrorKind::Tokenizer, "the tokenizer has no `<|endoftext|>`"))?;
        let padding = pad.and_then(|pad| pieces.added(pad)).unwrap_or(end);
        leave_only_text(&mut config)?;
        canonicalize_value(&mut config).map_err(|error| refused("the tokenizer has an unknown form", error))?;
        let pipeline = from_json(&config.to_string())
            .map_err(|error| refused("the tokenizer has parts that are not supported", error))?;
        let tokenizer = Self {
            pipeline,
            options: EncodeOptions::no_specials(),
            pieces,
            special,
            padding,
            digest: hex::encode(Sha256::digest(text)),
        };
        tokenizer.probe()?;
        Ok(tokenizer)
    }

    /// Checks on a text of many traps that what goes in comes out.
    fn probe(&self) -> Result<(), Error> {
        let mut tokens = Vec::new();
        self.encode_text(PROBE, &mut tokens)?;
        if self.decode(&tokens) != PROBE || tokens.iter().any(|&id| self.is_special(id)) {
            return Err(Error::new(
                ErrorKind::Tokenizer,
                "the tokenizer changes the text that it is given",
            ));
        }
        Ok(())
    }

    /// Appends the tokens of a text; none of them is special, whatever the text.
    ///
    /// # Errors
    /// [`ErrorKind::Tokenizer`] where the text is over 4 GiB.
    pub fn encode_text(&self, text: &str, out: &mut Vec<u32>) -> Result<(), Error> {
        // Code has three to four bytes in a token; the vector grows where it has less.
        let mut tokens = Vec::with_capacity(text.len() / 3 + 1);
        self.pipeline
            .encode_into(text, &self.options, &mut tokens)
            .map_err(|error| refused("cannot encode a text", error))?;
        out.extend_from_slice(PipelineToken::cast_slice(&tokens));
        Ok(())
    }

    /// The text of some tokens, special ones by their names. Bytes that are not UTF-8, as at the edge of a part, become
    /// U+FFFD; ids without a token become nothing.
    pub fn decode(&self, tokens: &[u32]) -> String {
        let bytes: Vec<u8> = tokens.iter().flat_map(|&id| self.pieces.bytes(id)).copied().collect();
        String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }

    /// The bytes of one token.
    pub fn piece(&self, token: u32) -> &[u8] {
        self.pieces.bytes(token)
    }

    /// The id of a special token, where the tokenizer has it.
    pub const fn special(&self, special: Special) -> Option<u32> {
        self.special[special as usize]
    }

    /// The id of a special token.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] that names a token the tokenizer lacks.
    pub fn require(&self, special: Special) -> Result<u32, Error> {
        self.special(special).ok_or_else(|| {
            let name = special.text();
            Error::new(
                ErrorKind::Config,
                format!("the tokenizer has no `{name}`, which such samples need"),
            )
        })
    }

    /// Whether a token is one that no text is encoded as.
    pub fn is_special(&self, token: u32) -> bool {
        self.pieces.is_added(token)
    }

    /// The token that fills the end of a row: `pad_token` of the configuration, else `<|endoftext|>`.
    pub const fn padding(&self) -> u32 {
        self.padding
    }

    /// One more than its largest id.
    pub fn vocabulary_size(&self) -> usize {
        self.pieces.len()
    }

    /// The SHA-256 of its `tokenizer.json`, in hexadecimal.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Checks that a model with `vocab_size` rows in its embedding can have been made for it: no token without a row,
    /// and no more spare rows than models are padded with.
    ///
    /// # Errors
    /// [`ErrorKind::Vocabulary`] with both sizes.
    pub fn check_vocabulary(&self, vocab_size: usize) -> Result<(), Error> {
        let size = self.vocabulary_size();
        if (size..=size + MAX_SPARE_ROWS).contains(&vocab_size) {
            return Ok(());
        }
        let context = format!("the tokenizer has {size} ids, but the model is made for {vocab_size}");
        Err(Error::new(ErrorKind::Vocabulary, context))
    }
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokenizer")
            .field("vocabulary_size", &self.vocabulary_size())
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}

/// Takes out of a configuration what is not about encoding plain text: special tokens, what is put around a text, what
/// is cut off, and the normalizer where it is one of those that keep the meaning.
fn leave_only_text(config: &mut Value) -> Result<(), Error> {
    let normalizer = config["normalizer"]["type"].as_str().unwrap_or("none");
    if !matches!(normalizer, "none" | "NFC") {
        let context = format!("the tokenizer normalizes with {normalizer}; only NFC or nothing is supported");
        return Err(Error::new(ErrorKind::Tokenizer, context));
    }
    for left_out in ["normalizer", "post_processor", "padding", "truncation"] {
        config[left_out] = Value::Null;
    }
    config["added_tokens"] = json!([]);
    Ok(())
}

/// The `pad_token` of a `tokenizer_config.json`, which is a text or an object with `content`.
fn padding_token(path: &Path) -> Result<Option<String>, Error> {
    let text = match read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::Missing => return Ok(None),
        Err(error) => return Err(error),
    };
    let config: Value = serde_json::from_str(&text).map_err(|error| {
        Error::new(ErrorKind::Tokenizer, format!("`{}` is not JSON", display_path(path))).with_source(error)
    })?;
    let pad = &config["pad_token"];
    Ok(pad.as_str().or_else(|| pad["content"].as_str()).map(str::to_owned))
}

fn read(path: &Path) -> Result<String, Error> {
    let size = fs::metadata(path)
        .map_err(|error| Error::io("read", path, error))?
        .len();
    if size > MAX_FILE_BYTES {
        let context = format!(
            "`{}` has {size} bytes; at most {MAX_FILE_BYTES} are read",
            display_path(path)
        );
        return Err(Error::new(ErrorKind::Tokenizer, context));
    }
    fs::read_to_string(path).map_err(|error| Error::io("read", path, error))
}

fn refused(context: &str, source: impl Into<Cause>) -> Error {
    Error::new(ErrorKind::Tokenizer, context).with_source(source)
}
