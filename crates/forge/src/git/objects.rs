//! Objects by id, with a bound on every read; those on this machine through gix.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use codelupe_core::text::display_path;
use gix_hash::{Kind as HashKind, ObjectId};
use gix_object::Find as _;
use gix_odb::{HandleArc, Header as _, Store};
use gix_pack::cache::lru::MemoryCappedHashmap;
use sha1::{Digest, Sha1};

use crate::error::{Error, ErrorKind};
use crate::git::layout::GitFolder;
use crate::limits::Limits;

pub(crate) use gix_object::Kind as ObjectKind;

/// The memory for decoded delta bases in bytes, kept between reads.
const DELTA_CACHE_BYTES: usize = 16 << 20;

/// Objects by id.
pub(crate) trait ObjectDatabase: Send {
    /// What the object `id` is.
    fn kind(&mut self, id: &[u8; 20]) -> Result<ObjectKind, Failure>;

    /// Reads the object `id` into `buffer` when it is of `kind` and has at most `limit` bytes. Its hash is `id`.
    fn read(&mut self, id: &[u8; 20], kind: ObjectKind, limit: u64, buffer: &mut Vec<u8>) -> Result<(), Failure>;
}

/// The object database of a repository on this machine.
pub(crate) struct LocalObjects {
    handle: HandleArc,
    max_delta_chain: u32,
}

/// Why an object could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It is in no pack and not loose.
    Missing,
    /// It has this many bytes, more than was asked for.
    TooLarge(u64),
    /// It is not of the kind that was asked for.
    WrongKind(ObjectKind),
    /// It, or an object it is a delta of, is damaged or too costly to decode.
    Broken(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("the object is missing"),
            Self::TooLarge(size) => write!(f, "the object has {size} bytes"),
            Self::WrongKind(kind) => write!(f, "the object is a {kind}"),
            Self::Broken(why) => write!(f, "the object is damaged: {why}"),
        }
    }
}

impl LocalObjects {
    /// Opens the database; packs are opened when first needed, the multi-pack index is not used.
    pub(crate) fn open(folder: &GitFolder, limits: &Limits) -> Result<Self, Error> {
        let path = folder.objects()?;
        let options = gix_odb::store::init::Options {
            use_multi_pack_index: false,
            alloc_limit_bytes: Some(limits.max_decode_bytes),
            current_dir: Some(path.clone()),
            ..Default::default()
        };
        let open = || Store::at_opts(path.clone(), HashKind::Sha1, &mut std::iter::empty(), options);
        let store = catch_unwind(AssertUnwindSafe(open))
            .map_err(|_| folder.error(ErrorKind::Corrupt, "the object database could not be opened"))?
            .map_err(|error| Error::new(ErrorKind::Corrupt, display_path(&path)).with_source(error))?;
        let mut handle = Arc::new(store).to_cache_arc();
        handle.refresh_never();
        handle.set_pack_cache(|| Box::new(MemoryCappedHashmap::new(DELTA_CACHE_BYTES)));
        Ok(Self {
            handle,
            max_delta_chain: limits.max_delta_chain,
        })
    }

    fn header(&self, id: &[u8; 20]) -> Result<gix_odb::find::Header, Failure> {
        guarded(|| self.handle.try_header(&ObjectId::Sha1(*id)))?.ok_or(Failure::Missing)
    }

    fn decode(
        &self,
        id: &[u8; 20],
        found: gix_odb::find::Header,
        limit: u64,
        buffer: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        if found.size() > limit {
            return Err(Failure::TooLarge(found.size()));
        }
        let deltas = found.num_deltas().unwrap_or(0);
        if deltas > self.max_delta_chain {
            return Err(Failure::Broken(format!("its delta chain has {deltas} links")));
        }
        let kind = guarded(|| {
            let object = self.handle.try_find(&ObjectId::Sha1(*id), buffer);
            object.map(|object| object.map(|object| object.kind))
        })?
        .ok_or(Failure::Missing)?;
        if git_id(kind, buffer) == *id {
            Ok(())
        } else {
            Err(Failure::Broken("its content has another hash".to_owned()))
        }
    }
}

impl ObjectDatabase for LocalObjects {
    fn kind(&mut self, id: &[u8; 20]) -> Result<ObjectKind, Failure> {
        Ok(self.header(id)?.kind())
    }

    /// Size and kind are looked up before anything is decoded.
    fn read(&mut self, id: &[u8; 20], kind: ObjectKind, limit: u64, buffer: &mut Vec<u8>) -> Result<(), Failure> {
        let found = self.header(id)?;
        if found.kind() != kind {
            return Err(Failure::WrongKind(found.kind()));
        }
        self.decode(id, found, limit, buffer)
    }
}

/// Runs a lookup; an error, and a panic over hostile bytes, becomes a failure of this one object.
fn guarded<T, E: fmt::Display>(lookup: impl FnOnce() -> Result<T, E>) -> Result<T, Failure> {
    match catch_unwind(AssertUnwindSafe(lookup)) {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => Err(Failure::Broken(codelupe_core::text::display_name(
            error.to_string().as_bytes(),
        ))),
        Err(_) => Err(Failure::Broken("it could not be decoded".to_owned())),
    }
}

/// The id that `content` really has: SHA-1 over `kind size\0content`.
fn git_id(kind: ObjectKind, content: &[u8]) -> [u8; 20] {
    let mut hasher = Sha1::new();
    hasher.update(format!("{kind} {}\0", content.len()));
    hasher.update(content);
    hasher.finalize().into()
}
