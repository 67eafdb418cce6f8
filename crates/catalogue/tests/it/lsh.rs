//! What an LSH index does, wherever it is kept.

mod behavior;
mod bounds;
mod disk;
mod model;
mod parameters;
mod workers;

use std::sync::Arc;

use codelupe_catalogue::{
    Catalogue, Error, lsh, lsh::LshIndex, lsh::LshKind, lsh::NeighborLimits, lsh::SignedDocument,
};
use codelupe_core::{BlobId, LshParameters};
use codelupe_corpus::DataFolder;

use crate::world::World;

/// Bands of the indexes here, but where a test says otherwise.
const BANDS: u32 = 3;

/// Bounds that nothing here meets.
const WIDE: NeighborLimits = NeighborLimits {
    bucket: 1000,
    neighbors: 1000,
};

/// Makes a test of each behavior on each kind of index: `memory::NAME` and so on.
macro_rules! on_all {
    (@ $module:ident, $kind:ident, $($behavior:ident),*) => {
        mod $module {
            $(#[tokio::test]
            async fn $behavior() {
                let kind = codelupe_catalogue::lsh::LshKind::$kind;
                super::$behavior(crate::lsh::Place::new(kind).await).await;
            })*
        }
    };
    ($($behavior:ident),* $(,)?) => {
        on_all!(@ memory, Memory, $($behavior),*);
        on_all!(@ disk, Disk, $($behavior),*);
        on_all!(@ postgres, Postgres, $($behavior),*);
    };
}
use on_all;

/// Where an index of one kind may be.
struct Place {
    kind: LshKind,
    folder: DataFolder,
    catalogue: Catalogue,
    _world: World,
}

impl Place {
    async fn new(kind: LshKind) -> Self {
        let world = match kind {
            LshKind::Memory | LshKind::Disk => World::sqlite(),
            LshKind::Postgres => World::postgres(),
        };
        Self {
            kind,
            folder: DataFolder::new(world.folder().join("data")),
            catalogue: world.catalogue().await,
            _world: world,
        }
    }

    async fn open(&self) -> Arc<dyn LshIndex> {
        self.open_with(&parameters()).await.unwrap()
    }

    async fn open_with(&self, parameters: &LshParameters) -> Result<Arc<dyn LshIndex>, Error> {
        lsh::open(self.kind, &self.folder.lsh(), &self.catalogue, parameters).await
    }

    async fn reset(&self) {
        lsh::reset(self.kind, &self.folder.lsh(), &self.catalogue)
            .await
            .unwrap();
    }

    async fn stored_parameters(&self) -> Option<LshParameters> {
        lsh::stored_parameters(self.kind, &self.folder.lsh(), &self.catalogue)
            .await
            .unwrap()
    }

    /// Whether what is in it is still there when it is opened again.
    fn persists(&self) -> bool {
        self.kind != LshKind::Memory
    }
}

pub(crate) fn parameters() -> LshParameters {
    LshParameters {
        scheme: "scheme-1".to_owned(),
        recipe: "recipe".to_owned(),
        shingle_tokens: 5,
        permutations: 6,
        bands: BANDS,
        rows: 2,
    }
}

fn blob(n: u64) -> BlobId {
    BlobId::of(&n.to_le_bytes())
}

pub(crate) fn document(n: u64, keys: &[u64]) -> SignedDocument {
    SignedDocument {
        blob: blob(n),
        signature: vec![7; 24],
        keys: keys.to_vec(),
    }
}

/// The blobs of all documents, in order of number, which must ascend.
async fn blobs(index: &dyn LshIndex) -> Vec<BlobId> {
    let documents = index.documents().await.unwrap();
    assert!(documents.is_sorted_by(|a, b| a.0 < b.0), "{documents:?}");
    documents.into_iter().map(|(_, blob)| blob).collect()
}

/// The blobs of each group of a band.
async fn groups(index: &dyn LshIndex, band: u32) -> Vec<Vec<BlobId>> {
    let blobs: std::collections::HashMap<u32, BlobId> = index.documents().await.unwrap().into_iter().collect();
    let mut groups = Vec::new();
    let mut each = |group: &[u32]| {
        assert!(group.is_sorted_by(|a, b| a < b), "{group:?}");
        groups.push(group.iter().map(|number| blobs[number]).collect());
    };
    index.groups(band, &mut each).await.unwrap();
    groups
}

/// The neighbors with the number of bands they share, and whether a bound left some out.
async fn neighbors(index: &dyn LshIndex, keys: &[u64], limits: NeighborLimits) -> (Vec<(BlobId, u32)>, bool) {
    let neighbors = index.neighbors(keys, limits).await.unwrap();
    let found = neighbors.found.iter().map(|found| (found.blob, found.shared));
    (found.collect(), neighbors.capped)
}
