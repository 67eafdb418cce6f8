//! Learning a tokenizer from texts.

use std::path::Path;

use codelupe_disk::make_folder;
use serde_json::{Value, json};
use tokenizers::Trainer;
use tokenizers::from_json;
use tokenizers::pipeline::{PipelineTokenizer, PreTokenizer, PreTokenizerScratch};
use tokenizers::trainers::BpeTrainer;

use crate::error::{Error, ErrorKind};
use crate::pieces::Alphabet;
use crate::special::Special;
use crate::tokenizer::{TOKENIZER_CONFIG_FILE, TOKENIZER_FILE, Tokenizer};

/// How Qwen2 and Qwen2.5 cut a text before they merge (`pre_tokenizer` of their tokenizer.json).
const SPLIT: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// The smallest vocabulary: every byte and every special token.
pub(crate) const MIN_VOCABULARY: usize = 256 + Special::ALL.len();

/// The most bytes that are learned from. The trainer counts pairs in 32 bits, and a pair takes two bytes.
pub(crate) const MAX_TRAINING_BYTES: usize = 1 << 30;

impl Tokenizer {
    /// Learns a byte-level BPE tokenizer with Qwen2's way to cut text and the special tokens of Qwen2.5-Coder, which have
    /// the last ids, and writes `tokenizer.json` and `tokenizer_config.json` to `folder`.
    ///
    /// `vocab_size` is the number of ids with the special ones; there are less where the texts have not enough in
    /// common. The same texts give the same file. Texts after the first GiB are not read.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] where `vocab_size` is under `MIN_VOCABULARY`; the kinds of input and output.
    pub fn train_bpe<I>(texts: I, vocab_size: usize, folder: &Path) -> Result<Self, Error>
    where
        I: Iterator<Item: AsRef<str> + Send> + Send,
    {
        if vocab_size < MIN_VOCABULARY {
            let context = format!("a vocabulary has at least {MIN_VOCABULARY} ids, not {vocab_size}");
            return Err(Error::new(ErrorKind::Config, context));
        }
        let (vocabulary, merges) = learn(texts, vocab_size - Special::ALL.len())
            .map_err(|error| Error::new(ErrorKind::Tokenizer, "cannot learn a vocabulary").with_source(error))?;
        make_folder(folder)?;
        write(&folder.join(TOKENIZER_FILE), &tokenizer_file(vocabulary, &merges))?;
        write(&folder.join(TOKENIZER_CONFIG_FILE), &config_file())?;
        Self::open(folder)
    }
}

/// A vocabulary, by id, and its merges, first the one to be made first.
type Learned = (Vec<String>, Vec<(String, String)>);

fn learn<I>(texts: I, size: usize) -> tokenizers::Result<Learned>
where
    I: Iterator<Item: AsRef<str> + Send> + Send,
{
    let alphabet = Alphabet::new();
    let splitter = splitter(&alphabet)?;
    let mut trainer = BpeTrainer::builder()
        .vocab_size(size)
        .min_frequency(2)
        .show_progress(false)
        .initial_alphabet(alphabet.characters().into_iter().collect())
        .build();
    let mut bytes = 0;
    let texts = texts.take_while(|text| {
        bytes += text.as_ref().len();
        bytes <= MAX_TRAINING_BYTES
    });
    trainer.feed(texts, |text| {
        let mut spans = Vec::new();
        splitter
            .get_pre_tokenizer()
            .pre_tokenize(text, &mut PreTokenizerScratch::default(), &mut spans)?;
        let words = spans.iter().map(|span| &text.as_bytes()[span.range()]);
        Ok(words.map(|word| alphabet.encode(word)).collect())
    })?;
    let (vocabulary, merges, _) = trainer.train_vocab()?;
    let mut by_id: Vec<(u32, String)> = vocabulary.into_iter().map(|(text, id)| (id, text)).collect();
    by_id.sort_unstable();
    Ok((by_id.into_iter().map(|(_, text)| text).collect(), merges))
}

/// A tokenizer that knows single bytes only, for its way to cut text.
fn splitter(alphabet: &Alphabet) -> tokenizers::Result<PipelineTokenizer> {
    let bytes = alphabet.characters().iter().map(char::to_string).collect();
    let mut config = tokenizer_file(bytes, &[]);
    tokenizers::canonicalize_value(&mut config)?;
    from_json(&config.to_string())
}

/// A tokenizer.json, in the form that every version of the library reads.
fn tokenizer_file(vocabulary: Vec<String>, merges: &[(String, String)]) -> Value {
    let first_special = vocabulary.len();
    let added: Vec<Value> = (first_special..)
        .zip(Special::ALL)
        .map(|(id, special)| added(id, special))
        .collect();
    let vocabulary: serde_json::Map<String, Value> = vocabulary
        .into_iter()
        .zip(0_u32..)
        .map(|(text, id)| (text, id.into()))
        .collect();
    let byte_level = json!({
        "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false,
    });
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added,
        "normalizer": null,
        "pre_tokenizer": { "type": "Sequence", "pretokenizers": [
            { "type": "Split", "pattern": { "Regex": SPLIT }, "behavior": "Isolated", "invert": false },
            byte_level.clone(),
        ]},
        "post_processor": byte_level.clone(),
        "decoder": byte_level,
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": "",
            "end_of_word_suffix": "", "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": vocabulary, "merges": merges,
        },
    })
}

fn added(id: usize, special: Special) -> Value {
    json!({
        "id": id, "content": special.text(), "single_word": false, "lstrip": false, "rstrip": false,
        "normalized": false, "special": true,
    })
}

/// A `tokenizer_config.json`: the plain class of transformers that takes everything from tokenizer.json, and the chat
/// template (`ChatML`) that instruction samples follow.
fn config_file() -> Value {
    let template = "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + \
                    '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}\
                    {% endif %}";
    json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": null,
        "eos_token": Special::EndOfText.text(),
        "pad_token": Special::EndOfText.text(),
        "unk_token": null,
        "add_prefix_space": false,
        "clean_up_tokenization_spaces": false,
        "model_max_length": 32768,
        "chat_template": template,
    })
}

fn write(path: &Path, value: &Value) -> Result<(), Error> {
    Ok(codelupe_disk::write(path, format!("{value}\n").as_bytes())?)
}
