//! Files of this machine, sent to a bucket.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use futures_util::future::try_join_all;
use object_store::{ObjectStoreExt, PutPayload};

use super::Bucket;
use crate::error::Error;

/// Bytes of one request: a file that has more is sent in parts. All providers take so large ones, and 10,000 of them.
const PART_BYTES: u64 = 8 << 20;

/// Parts under way at a time, and in memory.
const PARTS_AT_ONCE: usize = 4;

impl Bucket {
    /// Sends a file, which is there under its name when this returns, and not in part before.
    pub(super) fn upload(&self, name: &str, path: &Path) -> Result<(), Error> {
        let mut file = File::open(path).map_err(|error| Error::own_io("open", path, error))?;
        let bytes = file
            .metadata()
            .map_err(|error| Error::own_io("look at", path, error))?
            .len();
        if bytes > PART_BYTES {
            return self.upload_parts(name, path, file);
        }
        let content = part(&mut file, path)?;
        let (store, location) = (Arc::clone(&self.store), self.location(name));
        let answer = async move { store.put(&location, content).await };
        self.wait("write", name, answer).map(drop)
    }

    fn upload_parts(&self, name: &str, path: &Path, mut file: File) -> Result<(), Error> {
        let (store, location) = (Arc::clone(&self.store), self.location(name));
        let begun = async move { store.put_multipart(&location).await };
        let mut upload = self.wait("write", name, begun)?;
        loop {
            let parts = parts(&mut file, path)?;
            if parts.is_empty() {
                return self
                    .wait("write", name, async move { upload.complete().await })
                    .map(drop);
            }
            let sent = try_join_all(parts.into_iter().map(|part| upload.put_part(part)));
            if let Err(error) = self.wait("write", name, sent) {
                // The bucket's own rules remove what is left of an upload that nobody ends.
                let _ = self.wait("give up", name, async move { upload.abort().await });
                return Err(error);
            }
        }
    }
}

/// The next parts of a file; none at its end.
fn parts(file: &mut File, path: &Path) -> Result<Vec<PutPayload>, Error> {
    let mut parts = Vec::new();
    while parts.len() < PARTS_AT_ONCE {
        let part = part(file, path)?;
        if part.content_length() == 0 {
            break;
        }
        parts.push(part);
    }
    Ok(parts)
}

fn part(file: &mut File, path: &Path) -> Result<PutPayload, Error> {
    let mut content = Vec::new();
    let read = file.by_ref().take(PART_BYTES).read_to_end(&mut content);
    read.map_err(|error| Error::own_io("read", path, error))?;
    Ok(content.into())
}
