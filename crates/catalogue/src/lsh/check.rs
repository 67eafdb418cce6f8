//! Whether what is handed to an LSH index fits its parameters.

use codelupe_core::LshParameters;

use super::{SignedDocument, invalid};
use crate::error::Error;

/// Bytes of a value of a signature.
const VALUE_BYTES: usize = size_of::<u32>();

pub(crate) fn documents(parameters: &LshParameters, documents: &[SignedDocument]) -> Result<(), Error> {
    let bytes = parameters.permutations as usize * VALUE_BYTES;
    let comparable = |document: &&SignedDocument| !(document.signature.is_empty() && document.keys.is_empty());
    for document in documents.iter().filter(comparable) {
        if document.signature.len() != bytes {
            let (blob, found) = (document.blob, document.signature.len());
            return Err(invalid(format!(
                "the signature of {blob} has {found} bytes, not {bytes}"
            )));
        }
        keys(parameters, &document.keys)?;
    }
    Ok(())
}

pub(crate) fn keys(parameters: &LshParameters, given: &[u64]) -> Result<(), Error> {
    if given.len() == parameters.bands as usize {
        return Ok(());
    }
    let context = format!(
        "a document has {} keys, one for each band, not {}",
        parameters.bands,
        given.len()
    );
    Err(invalid(context))
}

pub(crate) fn band(parameters: &LshParameters, band: u32) -> Result<(), Error> {
    if band < parameters.bands {
        return Ok(());
    }
    Err(invalid(format!(
        "there is no band {band}: the index has {}",
        parameters.bands
    )))
}
