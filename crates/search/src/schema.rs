//! The fields of the index: part of the index format.

use tantivy::Index;
use tantivy::schema::{Field, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions};

use crate::tokenizer::CodeTokenizer;

/// The name under which the engine finds the tokenizer.
const CODE_TOKENIZER: &str = "code";

/// The name of the sort key's field.
pub(crate) const KEY: &str = "key";

/// The fields, by what they hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields {
    /// `file` or `repository`: a filter.
    pub(crate) kind: Field,
    /// The repository name as it is: a filter.
    pub(crate) repository: Field,
    /// The languages in lower case: a filter.
    pub(crate) language: Field,
    /// Repository name and path, split by a NUL: the order of equal scores.
    pub(crate) key: Field,
    /// The words of the repository name.
    pub(crate) repository_words: Field,
    /// The words of the whole path.
    pub(crate) path_words: Field,
    /// The words of the last path segment; of a repository, those of its name.
    pub(crate) name_words: Field,
    /// The words of the content, and the content itself for snippets.
    pub(crate) text: Field,
    /// What a hit shows, as JSON.
    pub(crate) record: Field,
}

/// The schema with its fields.
pub(crate) fn schema() -> (Schema, Fields) {
    let words = TextOptions::default().set_indexing_options(
        TextFieldIndexing::default()
            .set_tokenizer(CODE_TOKENIZER)
            .set_index_option(IndexRecordOption::WithFreqsAndPositions),
    );
    let mut builder = Schema::builder();
    let fields = Fields {
        kind: builder.add_text_field("kind", STRING),
        repository: builder.add_text_field("repository", STRING),
        language: builder.add_text_field("language", STRING),
        key: builder.add_text_field(KEY, TextOptions::default().set_fast("raw")),
        repository_words: builder.add_text_field("repository_words", words.clone()),
        path_words: builder.add_text_field("path_words", words.clone()),
        name_words: builder.add_text_field("name_words", words.clone()),
        text: builder.add_text_field("text", words | STORED),
        record: builder.add_bytes_field("record", STORED),
    };
    (builder.build(), fields)
}

/// Makes the tokenizer known to an index that was created or opened.
pub(crate) fn register_tokenizer(index: &Index) {
    index.tokenizers().register(CODE_TOKENIZER, CodeTokenizer);
}
