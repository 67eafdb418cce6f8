//! A small corpus, made without the stages.

use codelupe_catalogue::{
    Batch, Catalogue, CatalogueUrl, ContentKey, ContentRow, FileRow, FileState, Migrate, RepositoryRow,
};
use codelupe_core::{BlobId, Language, LicenseClass, Repository, Verdict};
use codelupe_corpus::{ContentRecord, DataFolder, SegmentReader, SegmentWriter};
use codelupe_inspect::{DedupConfig, Error, LshPlace, Rules, distinct, insert, signature};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const RECIPE: &str = "recipe";

pub(crate) struct World {
    pub(crate) folder: DataFolder,
    pub(crate) catalogue: Catalogue,
    pub(crate) rules: Rules,
    pub(crate) runtime: Runtime,
    _place: TempDir,
}

impl World {
    /// A corpus of one repository, `here/all`, that holds these texts as `0.rs`, `1.rs` and so on.
    pub(crate) fn of(texts: &[String], dedup: DedupConfig) -> Self {
        let place = tempfile::tempdir().unwrap();
        let folder = DataFolder::new(place.path().join("data"));
        drop(folder.lock().unwrap());
        let runtime = Runtime::new().unwrap();
        let url = CatalogueUrl::Sqlite(folder.catalogue());
        let catalogue = runtime.block_on(Catalogue::open(&url, Migrate::Refused)).unwrap();
        let rules = Rules {
            process: codelupe_process::Config::default(),
            dedup,
            recipe: RECIPE.to_owned(),
        };
        let world = Self {
            folder,
            catalogue,
            rules,
            runtime,
            _place: place,
        };
        world.fill(texts);
        world
    }

    fn fill(&self, texts: &[String]) {
        let mut signer = self.rules.dedup.signer().unwrap();
        let mut writer = SegmentWriter::create(&self.folder, RECIPE, 1024).unwrap();
        let (mut contents, mut files) = (Vec::new(), Vec::new());
        for (n, text) in texts.iter().enumerate() {
            let key = ContentKey {
                blob: BlobId::of(text.as_bytes()),
                file_name: format!("{n}.rs"),
            };
            let signature = signature(&self.rules.dedup, &mut signer, Some("Rust"), text);
            let row = writer
                .append(&record(&key, text, signature.map(|signature| signature.to_le_bytes())))
                .unwrap();
            files.push(FileRow {
                path: key.file_name.clone().into_bytes(),
                bytes: Some(text.len() as u64),
                state: FileState::Content(key.clone()),
            });
            contents.push(content(key, text, row));
        }
        let batch = Batch {
            segment: Some(writer.finish().unwrap()),
            contents,
            repositories: vec![repository(files)],
        };
        self.runtime
            .block_on(self.catalogue.commit(&batch, RECIPE, None))
            .unwrap();
    }

    /// Puts all contents into the LSH index of the data folder.
    pub(crate) fn compare(&self) {
        let lsh_folder = self.folder.lsh();
        let place = LshPlace {
            dedup: &self.rules.dedup,
            recipe: RECIPE,
            folder: &lsh_folder,
            catalogue: &self.catalogue,
        };
        let lsh = self.runtime.block_on(place.open(false)).unwrap();
        let names = self.runtime.block_on(self.catalogue.segments()).unwrap();
        let mut reader = SegmentReader::new(&self.folder, names);
        let input = self.runtime.block_on(self.catalogue.dedup_input()).unwrap();
        let documents = distinct(&input.candidates);
        let go_on = || Ok::<_, Error>(());
        insert(
            &self.rules.dedup,
            self.runtime.handle(),
            lsh.as_ref(),
            &mut reader,
            &documents,
            &go_on,
        )
        .unwrap();
    }
}

fn record(key: &ContentKey, text: &str, signature: Option<Vec<u8>>) -> ContentRecord {
    ContentRecord {
        blob: key.blob.to_string(),
        file_name: key.file_name.clone(),
        language: Some("Rust".to_owned()),
        reason: None,
        quality: 80,
        signals: "{}".to_owned(),
        redactions: "[]".to_owned(),
        signature,
        text: Some(text.to_owned()),
    }
}

fn content(key: ContentKey, text: &str, segment_row: u32) -> ContentRow {
    ContentRow {
        key,
        bytes: text.len() as u64,
        language: Some(Language::named("Rust")),
        verdict: Verdict::Kept,
        quality: 80,
        text_bytes: text.len() as u64,
        redactions: 0,
        segment_row,
    }
}

fn repository(files: Vec<FileRow>) -> RepositoryRow {
    RepositoryRow {
        repository: Repository {
            name: "here/all".parse().unwrap(),
            forge: "folder".to_owned(),
            origin: "/here/all".to_owned(),
            family: "all".to_owned(),
            commit: None,
            revision: "1".to_owned(),
            stars: None,
            fork: false,
            committed_at: None,
        },
        location: "/here/all".to_owned(),
        license: None,
        license_class: LicenseClass::None,
        license_evidence: "[]".to_owned(),
        error: None,
        files,
    }
}
