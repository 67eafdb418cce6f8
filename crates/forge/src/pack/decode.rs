//! Decoding entries that were spooled, along their chains of deltas.

use std::sync::Arc;

use flate2::{Decompress, FlushDecompress, Status};
use quick_cache::unsync::Cache;

use super::spool::Spool;
use super::{Broken, Data, Entry, PackLimits, Piece, delta, spool_for};

/// Bytes of decoded bases that are remembered between reads.
const CACHE_BYTES: u64 = 8 << 20;

/// Decodes spooled entries and counts what that costs.
pub(super) struct Decoder {
    pub(super) spool: Spool,
    cache: Cache<u32, Arc<Vec<u8>>, Bytes>,
    inflate: Decompress,
    inflated: u64,
    limits: PackLimits,
}

#[derive(Clone)]
struct Bytes;

impl quick_cache::Weighter<u32, Arc<Vec<u8>>> for Bytes {
    fn weight(&self, _: &u32, data: &Arc<Vec<u8>>) -> u64 {
        data.len() as u64 + 64
    }
}

impl Decoder {
    pub(super) fn new(limits: &PackLimits) -> Self {
        Self {
            spool: spool_for(limits),
            cache: Cache::with_weighter(1000, CACHE_BYTES, Bytes),
            inflate: Decompress::new(true),
            inflated: 0,
            limits: limits.clone(),
        }
    }

    /// Counts bytes that are about to be made.
    pub(super) fn account(&mut self, bytes: u64) -> Result<(), Broken> {
        self.inflated = self.inflated.saturating_add(bytes);
        if self.inflated > self.limits.inflated_bytes {
            return Err(Broken::InflatesTooMuch(self.limits.inflated_bytes));
        }
        Ok(())
    }

    /// The object of an entry.
    pub(super) fn decode(&mut self, entries: &[Entry], index: u32) -> Result<Arc<Vec<u8>>, Broken> {
        let mut deltas = Vec::new();
        let mut at = index;
        let mut object = loop {
            if let Some(known) = self.cache.get(&at) {
                break Arc::clone(known);
            }
            match &entries.get(at as usize).map(|entry| &entry.data) {
                Some(Data::Kept(data)) => break Arc::clone(data),
                Some(Data::Whole(piece)) => break self.remember(at, self.limits.object_bytes, *piece, None)?,
                Some(Data::Delta { base, piece }) if deltas.len() < self.limits.delta_chain => {
                    deltas.push((at, *piece));
                    at = *base;
                }
                Some(Data::Delta { .. }) => return Err(Broken::malformed("a chain of deltas is too long")),
                Some(Data::Orphan { .. }) => return Err(Broken::malformed("the base of a delta is missing")),
                Some(Data::Gone) | None => return Err(Broken::malformed("the base of a delta is too large")),
            }
        };
        while let Some((at, piece)) = deltas.pop() {
            object = self.remember(at, self.limits.object_bytes, piece, Some(&object))?;
        }
        Ok(object)
    }

    /// Inflates a piece, applies it to its base if it is a delta, and puts the object into the cache.
    fn remember(&mut self, at: u32, limit: usize, piece: Piece, base: Option<&[u8]>) -> Result<Arc<Vec<u8>>, Broken> {
        let data = self.inflate(piece)?;
        let object = match base {
            None => data,
            Some(base) => {
                self.account(delta::object_size(&data)?)?;
                delta::apply(base, &data, limit)?
            }
        };
        let object = Arc::new(object);
        self.cache.insert(at, Arc::clone(&object));
        Ok(object)
    }

    fn inflate(&mut self, piece: Piece) -> Result<Vec<u8>, Broken> {
        self.account(piece.size as u64)?;
        let compressed = self.spool.read(piece.at, piece.length).map_err(Broken::Spool)?;
        let mut data = Vec::with_capacity(piece.size + 1);
        self.inflate.reset(true);
        let status = self
            .inflate
            .decompress_vec(&compressed, &mut data, FlushDecompress::Finish);
        match status {
            Ok(Status::StreamEnd) if data.len() == piece.size => Ok(data),
            _ => Err(Broken::malformed("a piece of the spool does not inflate again")),
        }
    }
}
