//! Packs from servers, decoded while they come in.
//!
//! A pack is a row of objects, whole or as deltas to others, each compressed on its own; an entry does not say how long its
//! compressed form is, so every one is inflated as it passes. What fits into [`PackLimits::keep_bytes`] stays in memory,
//! decoded. Of the rest only the compressed form is kept, in memory at first and then in a file without a name, and is
//! decoded again when it is read. An object's id is computed from its content, never trusted.
//!
//! gix-pack does the same with 1.9 to 2.5 times the CPU time, since it inflates everything twice and its SHA-1 looks for
//! collisions (measured over five repositories of 0.2 to 54 MB); it also holds the whole pack.

mod decode;
mod delta;
mod entry;
mod receive;
mod spool;
mod stream;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use sha1::{Digest, Sha1};

use crate::git::objects::{Failure, ObjectDatabase, ObjectKind};
use decode::Decoder;
pub(crate) use spool::Spool;

/// Bounds on what a pack may cost.
#[derive(Debug, Clone)]
pub(crate) struct PackLimits {
    /// Bytes of the pack itself.
    pub(crate) pack_bytes: u64,
    /// Bytes that everything in it inflates to, results of deltas included, and decoding again counted again.
    pub(crate) inflated_bytes: u64,
    /// Bytes of one object that is decoded; a larger one is hashed while it comes in, and its content dropped.
    pub(crate) object_bytes: usize,
    /// Objects.
    pub(crate) objects: usize,
    /// Deltas that are applied for one read; what is in memory or was decoded a moment ago needs none.
    pub(crate) delta_chain: usize,
    /// Bytes of decoded objects that stay in memory.
    pub(crate) keep_bytes: usize,
    /// Where the file without a name is made.
    pub(crate) spool_folder: PathBuf,
}

/// Why a pack is not used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    /// The bytes stopped coming.
    #[error("the pack did not come in whole")]
    Stream(#[source] io::Error),
    /// The bytes are not a pack.
    #[error("the pack is damaged: {0}")]
    Malformed(String),
    /// The pack is larger than this bound in bytes.
    #[error("the pack has more than {0} bytes")]
    PackTooLarge(u64),
    /// The pack inflates to more than this bound in bytes.
    #[error("the pack inflates to more than {0} bytes")]
    InflatesTooMuch(u64),
    /// The pack has this number of objects, more than allowed.
    #[error("the pack has {0} objects")]
    TooManyObjects(u64),
    /// One object has, or says it has, this size in bytes, more than allowed.
    #[error("an object has {0} bytes")]
    TooLarge(u64),
    /// The spool file failed.
    #[error("the temporary file of the pack failed")]
    Spool(#[source] io::Error),
}

impl Broken {
    fn malformed(why: impl Into<String>) -> Self {
        Self::Malformed(why.into())
    }
}

/// The objects of a pack, all of it received and checked.
pub(crate) struct Pack {
    entries: Vec<Entry>,
    ids: HashMap<[u8; 20], u32>,
    decoder: Decoder,
}

/// One object.
struct Entry {
    /// What it is; `None` while it is a delta whose base is not known.
    kind: Option<ObjectKind>,
    /// Bytes of the object, where they are known.
    size: u64,
    data: Data,
}

/// Where the content of an entry is.
enum Data {
    /// In memory, decoded.
    Kept(Arc<Vec<u8>>),
    /// In the spool, whole and compressed.
    Whole(Piece),
    /// In the spool, as a compressed delta to another entry.
    Delta { base: u32, piece: Piece },
    /// In the spool, as a compressed delta to an object that was not met yet.
    Orphan { base: [u8; 20], piece: Piece },
    /// Not kept: it was too large.
    Gone,
}

/// A compressed stretch of the spool.
#[derive(Clone, Copy)]
struct Piece {
    at: u64,
    length: usize,
    /// Bytes that it inflates to.
    size: usize,
}

#[cfg(feature = "fuzzing")]
impl Pack {
    /// The ids of all objects that are known.
    pub(crate) fn ids(&self) -> Vec<[u8; 20]> {
        self.ids.keys().copied().collect()
    }
}

/// The object of a delta.
#[cfg(feature = "fuzzing")]
pub(crate) fn apply_delta(base: &[u8], delta: &[u8], limit: usize) -> Option<Vec<u8>> {
    delta::apply(base, delta, limit).ok()
}

impl Pack {
    /// Whether it has the object `id`.
    pub(crate) fn has(&self, id: &[u8; 20]) -> bool {
        self.ids.contains_key(id)
    }

    fn entry(&self, id: &[u8; 20]) -> Result<(u32, &Entry), Failure> {
        let index = *self.ids.get(id).ok_or(Failure::Missing)?;
        let entry = self.entries.get(index as usize).ok_or(Failure::Missing)?;
        Ok((index, entry))
    }
}

impl ObjectDatabase for Pack {
    fn kind(&mut self, id: &[u8; 20]) -> Result<ObjectKind, Failure> {
        self.entry(id)?.1.kind.ok_or(Failure::Missing)
    }

    fn read(&mut self, id: &[u8; 20], kind: ObjectKind, limit: u64, buffer: &mut Vec<u8>) -> Result<(), Failure> {
        let (index, entry) = self.entry(id)?;
        match entry.kind {
            Some(found) if found == kind => {}
            Some(found) => return Err(Failure::WrongKind(found)),
            None => return Err(Failure::Missing),
        }
        if entry.size > limit || matches!(entry.data, Data::Gone) {
            return Err(Failure::TooLarge(entry.size));
        }
        buffer.clear();
        if let Data::Kept(data) = &entry.data {
            buffer.extend_from_slice(data);
            return Ok(());
        }
        let data = self
            .decoder
            .decode(&self.entries, index)
            .map_err(|error| Failure::Broken(error.to_string()))?;
        buffer.extend_from_slice(&data);
        Ok(())
    }
}

/// The id of an object: SHA-1 over `kind size\0content`.
pub(crate) fn id_of(kind: ObjectKind, content: &[u8]) -> [u8; 20] {
    let mut hasher = start_id(kind, content.len() as u64);
    hasher.update(content);
    hasher.finalize().into()
}

/// A hasher that waits for the content of an object.
fn start_id(kind: ObjectKind, size: u64) -> Sha1 {
    let mut hasher = Sha1::new();
    hasher.update(format!("{kind} {size}\0"));
    hasher
}

fn spool_for(limits: &PackLimits) -> Spool {
    Spool::new(limits.spool_folder.clone())
}
