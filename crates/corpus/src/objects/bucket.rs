//! Objects in a bucket, by the crate `object_store`.

mod client;
mod failure;
mod upload;

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};

use bytes::Bytes;
use codelupe_core::error::ErrorCode;
use codelupe_disk::{files, remove};
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::path::Path as Location;
use object_store::{Error as StoreError, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode};
use tokio::runtime::Handle;

use super::{Head, Listed, Objects, Provider, StoreUrl};
use crate::error::{Error, ErrorKind};
use crate::key::{Key, Prefix};

/// Requests of one call that are under way at a time.
const AT_ONCE: usize = 8;

/// Opens the store at an address, by what the variables of its provider say ([`Provider::variables`]): those that it does not
/// know are skipped. Nothing is asked of the store yet.
///
/// Answers are waited for on `runtime`, by its own threads: none of these may call the store.
///
/// # Errors
/// `Invalid` when a variable has a value that cannot be, or one is missing without which the provider cannot be asked.
pub fn open_store(
    url: &StoreUrl,
    variables: impl IntoIterator<Item = (String, String)>,
    runtime: Handle,
) -> Result<Arc<dyn Objects>, Error> {
    // One process has one provider of cryptography; whoever comes first has chosen it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(Arc::new(Bucket {
        url: url.clone(),
        store: client::client(url, variables.into_iter().collect())?,
        runtime,
    }))
}

/// A prefix of a bucket.
struct Bucket {
    url: StoreUrl,
    store: Arc<dyn ObjectStore>,
    runtime: Handle,
}

/// The client holds credentials, and is not shown.
impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Bucket").field(&self.url).finish()
    }
}

impl Bucket {
    fn location(&self, name: &str) -> Location {
        let parts = self.url.prefix().split('/').chain(name.split('/'));
        parts.filter(|part| !part.is_empty()).collect()
    }

    /// Waits for an answer, which the threads of the runtime see to: this one may be any other, of the runtime's blocking
    /// pool for instance.
    fn wait<T: Send + 'static>(
        &self,
        doing: &str,
        name: &str,
        answer: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, Error> {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.runtime.spawn(async move {
            // Nobody waits for it any longer if the process is ending.
            let _ = sender.send(answer.await);
        });
        let failed = |error| failure::of_request(&self.url, doing, &self.place(name), &error);
        receiver.recv().map_or_else(
            |_| {
                let context = format!("asking the store to {doing} `{}` ended by a defect", self.place(name));
                Err(Error::new(ErrorKind::Io, context).with_code(ErrorCode::Internal))
            },
            |answer| answer.map_err(failed),
        )
    }

    fn all(&self, prefix: &Prefix) -> Result<Vec<ObjectMeta>, Error> {
        let name = prefix.to_string();
        let (store, location) = (Arc::clone(&self.store), self.location(&name));
        let listing = async move { store.list(Some(&location)).try_collect().await };
        self.wait("list", &name, listing)
    }
}

impl Objects for Bucket {
    fn place(&self, name: &str) -> String {
        match name {
            "" => self.url.to_string(),
            name => format!("{}/{name}", self.url),
        }
    }

    fn file(&self, _key: &Key) -> Option<PathBuf> {
        None
    }

    fn prepare(&self) -> Result<(), Error> {
        Ok(())
    }

    fn get(&self, key: &Key) -> Result<Bytes, Error> {
        let name = key.to_string();
        let (store, location) = (Arc::clone(&self.store), self.location(&name));
        let answer = async move { store.get(&location).await?.bytes().await };
        self.wait("read", &name, answer)
    }

    fn get_ranges(&self, key: &Key, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Error> {
        let name = key.to_string();
        let (store, location) = (Arc::clone(&self.store), self.location(&name));
        let ranges = ranges.to_vec();
        let answers = async move {
            let get = |range| {
                let (store, location) = (Arc::clone(&store), location.clone());
                async move { store.get_range(&location, range).await }
            };
            stream::iter(ranges.into_iter().map(get))
                .buffered(AT_ONCE)
                .try_collect()
                .await
        };
        self.wait("read", &name, answers)
    }

    fn head(&self, key: &Key) -> Result<Head, Error> {
        let name = key.to_string();
        let (store, location) = (Arc::clone(&self.store), self.location(&name));
        let answer = async move { store.head(&location).await };
        self.wait("look at", &name, answer).map(|meta| head(&meta))
    }

    fn put_if_absent(&self, key: &Key, content: &[u8]) -> Result<bool, Error> {
        let name = key.to_string();
        let (store, location) = (Arc::clone(&self.store), self.location(&name));
        let content = Bytes::copy_from_slice(content);
        let answer = async move {
            match store.put_opts(&location, content.into(), PutMode::Create.into()).await {
                Ok(_) => Ok(true),
                Err(StoreError::AlreadyExists { .. } | StoreError::Precondition { .. }) => Ok(false),
                Err(error) => Err(error),
            }
        };
        self.wait("write", &name, answer)
    }

    fn put_file(&self, key: &Key, file: &Path) -> Result<(), Error> {
        self.upload(&key.to_string(), file)?;
        Ok(remove(file)?)
    }

    fn put_folder(&self, prefix: &Prefix, folder: &Path, last: &str) -> Result<(), Error> {
        let mut names = files(folder)?;
        names.sort_by_key(|name| name == last);
        for name in &names {
            self.upload(&format!("{prefix}/{name}"), &folder.join(name))?;
        }
        // Whoever writes the same again, as a worker that was thought dead, changes nothing at any moment.
        for old in self.list(prefix)?.iter().filter(|old| !names.contains(&old.name)) {
            self.remove(&format!("{prefix}/{}", old.name))?;
        }
        Ok(remove(folder)?)
    }

    fn list(&self, prefix: &Prefix) -> Result<Vec<Listed>, Error> {
        let root = self.location(&prefix.to_string());
        let listed = |meta: ObjectMeta| {
            let name = meta.location.prefix_match(&root)?;
            let name = name.map(|part| part.as_ref().to_owned()).collect::<Vec<_>>().join("/");
            Some(Listed {
                name,
                head: head(&meta),
            })
        };
        Ok(self.all(prefix)?.into_iter().filter_map(listed).collect())
    }

    fn delete(&self, key: &Key) -> Result<(), Error> {
        self.remove(&key.to_string())
    }
}

impl Bucket {
    fn remove(&self, name: &str) -> Result<(), Error> {
        let (store, location) = (Arc::clone(&self.store), self.location(name));
        let answer = async move {
            match store.delete(&location).await {
                Err(StoreError::NotFound { .. }) => Ok(()),
                answer => answer,
            }
        };
        self.wait("remove", name, answer)
    }
}

fn head(meta: &ObjectMeta) -> Head {
    Head {
        bytes: meta.size,
        put_at: meta.last_modified.into(),
    }
}
