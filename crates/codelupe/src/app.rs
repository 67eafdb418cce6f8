//! What the commands work with: opened when it is first asked for, closed in one place.

mod search;
mod work;

use std::sync::Arc;

use codelupe_catalogue::Catalogue;
use codelupe_core::text::display_path;
use codelupe_corpus::{Artifact, WriteLock};
use codelupe_inspect::Finder;
use tokio::runtime::Handle;
use tokio::sync::OnceCell;

use crate::failure::{Failure, Result};
use crate::settings::Settings;
use search::Search;

/// The program behind its commands: the one place where a catalogue, a search index, an LSH index or a worker with its stages
/// is opened. What nobody asks for stays closed.
pub(crate) struct App {
    pub(crate) settings: Settings,
    reading: OnceCell<Catalogue>,
    writing: OnceCell<Catalogue>,
    search: OnceCell<Search>,
    finder: OnceCell<Arc<Finder>>,
}

impl App {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            reading: OnceCell::new(),
            writing: OnceCell::new(),
            search: OnceCell::new(),
            finder: OnceCell::new(),
        }
    }

    /// The catalogue, for reading.
    ///
    /// # Errors
    /// Those of [`Catalogue::open_read_only`].
    pub(crate) async fn catalogue(&self) -> Result<&Catalogue> {
        let open = || Catalogue::open_read_only(&self.settings.catalogue);
        Ok(self.reading.get_or_try_init(open).await?)
    }

    /// The catalogue, for changes that need no lock on the data folder.
    ///
    /// # Errors
    /// Those of [`Catalogue::open_existing`].
    pub(crate) async fn writable_catalogue(&self) -> Result<&Catalogue> {
        let open = || Catalogue::open_existing(&self.settings.catalogue);
        Ok(self.writing.get_or_try_init(open).await?)
    }

    /// The catalogue for changes, and a shared lock on the data folder, under which its models may be changed.
    ///
    /// # Errors
    /// Those of [`Catalogue::open_existing`] and of locking.
    pub(crate) async fn locked(&self) -> Result<(WriteLock, &Catalogue)> {
        let catalogue = self.writable_catalogue().await?;
        let mut lock = self.settings.folder.lock()?;
        lock.share()?;
        Ok((lock, catalogue))
    }

    /// The search index of the latest build that was made searchable.
    ///
    /// # Errors
    /// Those of [`Search::open`].
    pub(crate) async fn search(&self) -> Result<&Search> {
        self.search.get_or_try_init(|| self.open_search()).await
    }

    /// How people know the place of the search index, if there is one.
    ///
    /// # Errors
    /// Those of opening the catalogue.
    pub(crate) async fn search_place(&self) -> Result<Option<String>> {
        let folder = &self.settings.folder;
        if folder.is_own_store() {
            let own = folder.search();
            return Ok(own.exists().then(|| display_path(&own)));
        }
        let indexed = self.indexed().await?;
        Ok(indexed.map(|digest| folder.artifact_place(&Artifact::Search(digest))))
    }

    /// The build whose search index is in the store; none where the index is in the data folder.
    async fn indexed(&self) -> Result<Option<String>> {
        if self.settings.folder.is_own_store() {
            return Ok(None);
        }
        Ok(self.catalogue().await?.stage_state("index").await?)
    }

    async fn open_search(&self) -> Result<Search> {
        let (folder, indexed) = (self.settings.folder.clone(), self.indexed().await?);
        let open = move || Search::open(&folder, indexed);
        tokio::task::spawn_blocking(open).await.map_err(Failure::defect)?
    }

    /// What answers questions about likeness, from the LSH index and the segments. Its answers block.
    ///
    /// # Errors
    /// Those of [`Finder::open`].
    pub(crate) async fn finder(&self) -> Result<Arc<Finder>> {
        let finder = self.finder.get_or_try_init(|| self.open_finder()).await?;
        Ok(Arc::clone(finder))
    }

    async fn open_finder(&self) -> Result<Arc<Finder>> {
        let (rules, folder) = (self.settings.config.rules(), self.settings.folder.clone());
        let (catalogue, runtime) = (self.catalogue().await?.clone(), Handle::current());
        let open = move || Finder::open(rules, &folder, &catalogue, &runtime);
        let finder = tokio::task::spawn_blocking(open).await.map_err(Failure::defect)??;
        Ok(Arc::new(finder))
    }

    /// Closes what was opened.
    pub(crate) async fn close(self) {
        let opened = [self.reading, self.writing]
            .into_iter()
            .filter_map(OnceCell::into_inner);
        for catalogue in opened {
            catalogue.close().await;
        }
    }
}
