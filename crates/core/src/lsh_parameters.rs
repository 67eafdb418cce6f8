//! What an LSH index, or a file of signatures, was made by.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What an index was made by. Keys made by others mean nothing in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LshParameters {
    /// The way shingles, signatures and band keys are made.
    pub scheme: String,
    /// The recipe of the texts.
    pub recipe: String,
    /// Tokens in a shingle.
    pub shingle_tokens: u32,
    /// Values in a signature.
    pub permutations: u32,
    /// Bands, which is the number of keys of a document.
    pub bands: u32,
    /// Values in a band.
    pub rows: u32,
}

impl fmt::Display for LshParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            scheme,
            recipe,
            shingle_tokens,
            permutations,
            bands,
            rows,
        } = self;
        write!(
            f,
            "scheme {scheme}, recipe {recipe}, shingles of {shingle_tokens} tokens, {permutations} permutations, {bands} \
             bands of {rows} rows"
        )
    }
}
