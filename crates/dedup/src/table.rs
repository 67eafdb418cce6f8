//! The band keys of many documents, and which of them share a band.

use crate::bands::Banding;
use crate::error::{Error, ErrorKind};
use crate::groups::Groups;
use crate::minhash::Signature;

/// The band keys of documents in rank order: document 0 is the best.
///
/// Memory: [`BandTable::bytes_per_document`] for each document with a signature, nothing for the others.
#[derive(Debug, Clone)]
pub struct BandTable {
    banding: Banding,
    documents: u32,
    /// The documents that have a signature, ascending; the rows of `columns`.
    signed: Vec<u32>,
    /// One column of keys a band.
    columns: Vec<Vec<u64>>,
}

impl BandTable {
    /// The bytes that a document with a signature takes: 8 a band and 4 more (204 at 25 bands).
    pub const fn bytes_per_document(banding: Banding) -> usize {
        8 * banding.bands() + 4
    }

    /// An empty table.
    pub fn new(banding: Banding) -> Self {
        Self {
            banding,
            documents: 0,
            signed: Vec::new(),
            columns: vec![Vec::new(); banding.bands()],
        }
    }

    /// Adds the next document in rank order and gives its number. Without a signature it is never compared.
    ///
    /// # Errors
    /// [`ErrorKind::TooManyDocuments`] when the table holds `u32::MAX` documents.
    pub fn push(&mut self, signature: Option<&Signature>) -> Result<u32, Error> {
        let doc = self.next()?;
        if let Some(signature) = signature {
            self.signed.push(doc);
            for (column, key) in self.columns.iter_mut().zip(self.banding.keys(signature)) {
                column.push(key);
            }
        }
        Ok(doc)
    }

    /// Adds the next document by band keys that were stored earlier, one a band in band order.
    ///
    /// # Errors
    /// [`ErrorKind::Banding`] when the number of keys is not the number of bands;
    /// [`ErrorKind::TooManyDocuments`] as in [`Self::push`].
    pub fn push_keys(&mut self, keys: &[u64]) -> Result<u32, Error> {
        if keys.len() != self.banding.bands() {
            return Err(Error::new(
                ErrorKind::Banding,
                format!("{} keys for {} bands", keys.len(), self.banding.bands()),
            ));
        }
        let doc = self.next()?;
        self.signed.push(doc);
        for (column, &key) in self.columns.iter_mut().zip(keys) {
            column.push(key);
        }
        Ok(doc)
    }

    /// The number of documents.
    pub const fn documents(&self) -> u32 {
        self.documents
    }

    /// The number of documents without a signature.
    pub fn without_signature(&self) -> u64 {
        u64::from(self.documents) - self.signed.len() as u64
    }

    fn next(&mut self) -> Result<u32, Error> {
        let doc = self.documents;
        self.documents = doc
            .checked_add(1)
            .ok_or_else(|| Error::new(ErrorKind::TooManyDocuments, "band table"))?;
        Ok(doc)
    }

    /// The documents that share a band with another.
    pub fn groups(&self) -> Groups {
        let mut groups = Groups::new(self.documents);
        let mut pairs = Vec::with_capacity(self.signed.len());
        let mut docs = Vec::new();
        for column in &self.columns {
            pairs.clear();
            pairs.extend(column.iter().copied().zip(self.signed.iter().copied()));
            pairs.sort_unstable();
            for group in pairs.chunk_by(|a, b| a.0 == b.0).filter(|group| group.len() > 1) {
                docs.clear();
                docs.extend(group.iter().map(|&(_, doc)| doc));
                groups.push(&docs);
            }
        }
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_documents_that_share_a_band_are_in_groups() {
        let mut table = BandTable::new(Banding::new(2, 1).unwrap());
        table.push_keys(&[1, 2]).unwrap();
        table.push(None).unwrap();
        table.push_keys(&[3, 4]).unwrap();
        table.push_keys(&[1, 5]).unwrap();
        table.push_keys(&[1, 4]).unwrap();
        let mut groups = table.groups();
        groups.sort();
        let shown: Vec<(u32, usize)> = groups.by_document().map(|(doc, all)| (doc, all.len())).collect();
        assert_eq!(shown, [(0, 1), (2, 1), (3, 1), (4, 2)]);
        assert_eq!(
            (groups.count(), table.documents(), table.without_signature()),
            (2, 5, 1)
        );
    }

    #[test]
    fn a_wrong_number_of_keys_is_refused_and_adds_nothing() {
        let mut table = BandTable::new(Banding::new(2, 1).unwrap());
        assert_eq!(table.push_keys(&[1]).unwrap_err().kind(), ErrorKind::Banding);
        assert_eq!(table.documents(), 0);
    }
}
