//! Documents and their band entries by COPY, in the order that the indexes like.

use sqlx::PgConnection;

use super::stored_key;
use crate::lsh::SignedDocument;
use crate::postgres::copy::CopyRows;

const DOCUMENTS: &str = "COPY lsh_documents (number, blob_id, signature, keys) FROM STDIN (FORMAT binary)";

const BANDS: &str = "COPY lsh_bands (key, document, band) FROM STDIN (FORMAT binary)";

/// Sends documents with their numbers, in order of blob id: so workers with the same documents wait for each other in the
/// same order and never deadlock.
pub(super) async fn documents(
    connection: &mut PgConnection,
    documents: &[&SignedDocument],
    numbers: &[i32],
) -> Result<(), sqlx::Error> {
    let mut numbered: Vec<_> = numbers.iter().zip(documents).collect();
    numbered.sort_unstable_by_key(|(_, document)| document.blob);
    let mut rows = CopyRows::new(DOCUMENTS, 4);
    for (number, document) in numbered {
        rows.begin_row();
        rows.integer(*number);
        rows.bytes(document.blob.as_bytes());
        rows.bytes(&document.signature);
        rows.bigints(document.keys.iter().map(|key| stored_key(*key)));
    }
    rows.send(connection).await
}

/// Sends the band entries of documents, sorted by band and key; those that are too short to compare have none.
pub(super) async fn bands(
    connection: &mut PgConnection,
    documents: &[&SignedDocument],
    numbers: &[i32],
) -> Result<(), sqlx::Error> {
    let bands = documents.iter().map(|document| document.keys.len()).max().unwrap_or(0);
    let mut rows = CopyRows::new(BANDS, 3);
    let mut entries: Vec<(i64, i32)> = Vec::with_capacity(documents.len());
    for (band, name) in (0..bands).zip(0_i16..) {
        entries.clear();
        let numbered = documents.iter().zip(numbers);
        entries
            .extend(numbered.filter_map(|(document, number)| Some((stored_key(*document.keys.get(band)?), *number))));
        entries.sort_unstable();
        for (key, number) in &entries {
            rows.begin_row();
            rows.bigint(Some(*key));
            rows.integer(*number);
            rows.smallint(name);
        }
    }
    rows.send(connection).await
}
