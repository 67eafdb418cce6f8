//! Receiving a pack.

use std::collections::HashMap;
use std::io::BufRead;
use std::sync::Arc;

use sha1::Digest;

use super::decode::Decoder;
use super::entry::{Body, Header};
use super::stream::PackStream;
use super::{Broken, Data, Entry, ObjectKind, Pack, PackLimits, Piece, delta, id_of, start_id};

impl Pack {
    /// Reads a whole pack of version 2 or 3 from `source` and checks its checksum; nothing may follow it.
    ///
    /// # Errors
    /// The stream ends or fails, the bytes are no pack, or a limit is passed. An object that alone is broken or too large
    /// is no error: it is missing, or reading it says so.
    pub(crate) fn receive(source: impl BufRead, limits: &PackLimits) -> Result<Self, Broken> {
        let mut stream = PackStream::new(source, limits.pack_bytes);
        let count = read_count(&mut stream)?;
        if usize::try_from(count).map_or(true, |count| count > limits.objects) {
            return Err(Broken::TooManyObjects(u64::from(count)));
        }
        let mut receiver = Receiver {
            stream,
            limits,
            offsets: Vec::new(),
            kept_bytes: 0,
            pack: Self {
                entries: Vec::new(),
                ids: HashMap::new(),
                decoder: Decoder::new(limits),
            },
        };
        for _ in 0..count {
            receiver.receive_entry()?;
        }
        receiver.stream.finish()?;
        receiver.pack.resolve_rest()?;
        Ok(receiver.pack)
    }
}

/// The number of objects that a pack states.
fn read_count<R: BufRead>(stream: &mut PackStream<R>) -> Result<u32, Broken> {
    if stream.array()? != *b"PACK" {
        return Err(Broken::malformed("it does not begin like one"));
    }
    match u32::from_be_bytes(stream.array()?) {
        2 | 3 => Ok(u32::from_be_bytes(stream.array()?)),
        version => Err(Broken::malformed(format!("it has version {version}"))),
    }
}

struct Receiver<'a, R> {
    stream: PackStream<R>,
    limits: &'a PackLimits,
    /// Where each entry begins.
    offsets: Vec<u64>,
    kept_bytes: usize,
    pack: Pack,
}

impl<R: BufRead> Receiver<'_, R> {
    fn receive_entry(&mut self) -> Result<(), Broken> {
        let offset = self.stream.position();
        let header = Header::read(&mut self.stream)?;
        self.pack.decoder.account(header.size)?;
        let size = usize::try_from(header.size)
            .ok()
            .filter(|size| *size <= self.limits.object_bytes);
        let (entry, id) = match (header.body, size) {
            (Body::Whole(kind), None) => self.pass_by(kind, header.size)?,
            (Body::Whole(kind), Some(size)) => self.receive_whole(kind, size)?,
            (Body::OffsetDelta(_) | Body::IdDelta(_), None) => {
                self.stream.inflate_through(header.size, |_| ())?;
                (Entry::gone(None, header.size), None)
            }
            (Body::OffsetDelta(distance), Some(size)) => {
                let base = offset
                    .checked_sub(distance)
                    .and_then(|base| self.offsets.binary_search(&base).ok());
                let base =
                    base.ok_or_else(|| Broken::malformed("the base of a delta is not where it is said to be"))?;
                self.receive_delta(index_of(base)?, size)?
            }
            (Body::IdDelta(id), Some(size)) => match self.pack.ids.get(&id) {
                Some(base) => self.receive_delta(*base, size)?,
                None => self.receive_orphan(id, size)?,
            },
        };
        self.offsets.push(offset);
        self.pack.add(entry, id)
    }

    /// An object that is too large: its id is computed, its content dropped.
    fn pass_by(&mut self, kind: ObjectKind, size: u64) -> Result<Received, Broken> {
        let mut hasher = start_id(kind, size);
        self.stream.inflate_through(size, |piece| hasher.update(piece))?;
        Ok((Entry::gone(Some(kind), size), Some(hasher.finalize().into())))
    }

    fn receive_whole(&mut self, kind: ObjectKind, size: usize) -> Result<Received, Broken> {
        let keep = self.may_keep(size);
        if !keep {
            self.stream.start_copy();
        }
        let object = self.stream.inflate(size)?;
        let id = id_of(kind, &object);
        let data = if keep {
            self.keep(object)
        } else {
            Data::Whole(self.spool(size)?)
        };
        Ok((Entry::of(kind, size, data), Some(id)))
    }

    /// A delta is resolved immediately when its base is in memory.
    fn receive_delta(&mut self, base: u32, size: usize) -> Result<Received, Broken> {
        self.stream.start_copy();
        let delta = self.stream.inflate(size)?;
        let found = self.pack.entries.get(base as usize);
        let Some(Entry {
            kind: Some(kind),
            data: Data::Kept(object),
            ..
        }) = found
        else {
            // The base comes later, or was not kept: the delta waits on disk.
            let piece = self.spool(size)?;
            return Ok((
                Entry {
                    kind: None,
                    size: 0,
                    data: Data::Delta { base, piece },
                },
                None,
            ));
        };
        let (kind, object) = (*kind, Arc::clone(object));
        // Before the object is made: a small delta may make a large one.
        self.pack.decoder.account(delta::object_size(&delta).unwrap_or(0))?;
        // A broken delta costs its own object, not the pack.
        let Ok(object) = delta::apply(&object, &delta, self.limits.object_bytes) else {
            return Ok((Entry::gone(None, 0), None));
        };
        let (id, bytes) = (id_of(kind, &object), object.len());
        let data = if self.may_keep(bytes) {
            self.stream.take_copy();
            self.keep(object)
        } else {
            let piece = self.spool(size)?;
            Data::Delta { base, piece }
        };
        Ok((Entry::of(kind, bytes, data), Some(id)))
    }

    fn receive_orphan(&mut self, base: [u8; 20], size: usize) -> Result<Received, Broken> {
        self.stream.start_copy();
        self.stream.inflate(size)?;
        let piece = self.spool(size)?;
        Ok((
            Entry {
                kind: None,
                size: 0,
                data: Data::Orphan { base, piece },
            },
            None,
        ))
    }

    fn may_keep(&self, size: usize) -> bool {
        self.kept_bytes + size <= self.limits.keep_bytes
    }

    fn keep(&mut self, object: Vec<u8>) -> Data {
        self.kept_bytes += object.len();
        Data::Kept(Arc::new(object))
    }

    /// Puts what was copied since the entry began into the spool.
    fn spool(&mut self, size: usize) -> Result<Piece, Broken> {
        let compressed = self.stream.take_copy();
        let at = self.pack.decoder.spool.append(&compressed).map_err(Broken::Spool)?;
        let length = compressed.len();
        Ok(Piece { at, length, size })
    }
}

/// An entry, and its id where it is known.
type Received = (Entry, Option<[u8; 20]>);

impl Entry {
    fn of(kind: ObjectKind, size: usize, data: Data) -> Self {
        Self {
            kind: Some(kind),
            size: size as u64,
            data,
        }
    }

    fn gone(kind: Option<ObjectKind>, size: u64) -> Self {
        Self {
            kind,
            size,
            data: Data::Gone,
        }
    }
}

impl Pack {
    /// Adds an entry; of two objects with one id the first stands.
    fn add(&mut self, entry: Entry, id: Option<[u8; 20]>) -> Result<(), Broken> {
        let index = index_of(self.entries.len())?;
        if let Some(id) = id {
            self.ids.entry(id).or_insert(index);
        }
        self.entries.push(entry);
        Ok(())
    }

    /// Resolves the deltas whose base was not in memory, or came after them. A base comes before all that is made from it,
    /// and what is made from one base follows directly, while that is in the cache. Deltas in a circle, or without a base,
    /// are never reached: their objects are missing.
    fn resolve_rest(&mut self) -> Result<(), Broken> {
        let mut by_entry: HashMap<u32, Vec<u32>> = HashMap::new();
        let mut by_id: HashMap<[u8; 20], Vec<u32>> = HashMap::new();
        let mut ready = Vec::new();
        // Backwards, so that they are taken from the end of `ready` in the order of the pack.
        for index in (0..index_of(self.entries.len())?).rev() {
            match &self.entries[index as usize] {
                Entry {
                    kind: None,
                    data: Data::Delta { base, .. },
                    ..
                } => match self.entries[*base as usize].kind {
                    Some(_) => ready.push(index),
                    None => by_entry.entry(*base).or_default().push(index),
                },
                Entry {
                    data: Data::Orphan { base, .. },
                    ..
                } if self.ids.contains_key(base) => ready.push(index),
                Entry {
                    data: Data::Orphan { base, .. },
                    ..
                } => by_id.entry(*base).or_default().push(index),
                _ => {}
            }
        }
        while let Some(index) = ready.pop() {
            if let Some(id) = self.resolve(index)? {
                ready.extend(by_entry.remove(&index).unwrap_or_default());
                ready.extend(by_id.remove(&id).unwrap_or_default());
            }
        }
        Ok(())
    }

    /// Decodes a delta whose base is known; `None` when it alone is broken.
    fn resolve(&mut self, index: u32) -> Result<Option<[u8; 20]>, Broken> {
        let Some(base) = self.adopt(index) else { return Ok(None) };
        let Some(kind) = self.entries[base as usize].kind else {
            return Ok(None);
        };
        let object = match self.decoder.decode(&self.entries, index) {
            Ok(object) => object,
            Err(Broken::Malformed(_) | Broken::TooLarge(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let id = id_of(kind, &object);
        let entry = &mut self.entries[index as usize];
        entry.kind = Some(kind);
        entry.size = object.len() as u64;
        self.ids.entry(id).or_insert(index);
        Ok(Some(id))
    }

    /// The base of a delta; one that was known by its id only is known by its entry from now on.
    fn adopt(&mut self, index: u32) -> Option<u32> {
        let data = &mut self.entries.get_mut(index as usize)?.data;
        match data {
            Data::Delta { base, .. } => Some(*base),
            Data::Orphan { base, piece } => {
                let (base, piece) = (*self.ids.get(base)?, *piece);
                *data = Data::Delta { base, piece };
                Some(base)
            }
            Data::Kept(_) | Data::Whole(_) | Data::Gone => None,
        }
    }
}

fn index_of(index: usize) -> Result<u32, Broken> {
    u32::try_from(index).map_err(|_| Broken::TooManyObjects(index as u64))
}
