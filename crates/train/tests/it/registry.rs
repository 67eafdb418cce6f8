//! The registry of models: which are in use, which may go, which stay.

use std::fs;
use std::path::Path;

use codelupe_catalogue::{Catalogue, CatalogueUrl, Migrate, ModelKind, ModelState, NewModel};
use codelupe_corpus::DataFolder;
use codelupe_train::{ErrorKind, Registry};
use tempfile::TempDir;
use tokio::runtime::Runtime;

struct Place {
    registry: Registry,
    catalogue: Catalogue,
    runtime: Runtime,
    _root: TempDir,
}

impl Place {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let folder = DataFolder::new(root.path().join("data"));
        fs::create_dir_all(folder.models()).unwrap();
        let runtime = Runtime::new().unwrap();
        let url = CatalogueUrl::Sqlite(folder.catalogue());
        let catalogue = runtime.block_on(Catalogue::open(&url, Migrate::Refused)).unwrap();
        let registry = Registry::new(folder, catalogue.clone(), runtime.handle().clone());
        Self {
            registry,
            catalogue,
            runtime,
            _root: root,
        }
    }

    fn register(&self, name: &str, kind: ModelKind, line: &str, promote: bool) {
        let model = NewModel {
            name: name.to_owned(),
            kind,
            line: line.to_owned(),
            base: (kind == ModelKind::Adapter).then(|| "tiny".to_owned()),
            parent: None,
            loss: None,
            evaluation: None,
            promote,
        };
        self.runtime.block_on(self.catalogue.register_model(&model)).unwrap();
        fs::create_dir_all(self.registry.place_of(name)).unwrap();
    }

    fn has(&self, name: &str) -> bool {
        Path::new(&self.registry.place_of(name)).exists()
    }

    fn names(&self) -> Vec<String> {
        self.registry
            .list()
            .unwrap()
            .into_iter()
            .map(|model| model.name)
            .collect()
    }
}

#[test]
fn old_models_go_and_those_in_use_and_bases_stay() {
    let place = Place::new();
    place.register("tiny", ModelKind::Base, "tiny", true);
    for (number, promote) in [(1, true), (2, false), (3, true), (4, false), (5, false)] {
        place.register(&format!("lora-{number}"), ModelKind::Adapter, "tiny+lora", promote);
    }
    assert_eq!(place.registry.retain("tiny+lora", 2).unwrap(), 2);
    assert_eq!(place.names(), ["tiny", "lora-3", "lora-4", "lora-5"]);
    assert!(!place.has("lora-1") && place.has("lora-4"));
    assert_eq!(place.registry.retain("tiny+lora", 2).unwrap(), 0);
    assert_eq!(place.registry.retain("tiny", 0).unwrap(), 0);
}

#[test]
fn going_back_is_to_the_one_that_was_in_use_last_and_needs_its_files() {
    let place = Place::new();
    place.register("tiny", ModelKind::Base, "tiny", true);
    let error = place.registry.rollback("tiny+lora").unwrap_err();
    assert!(error.to_string().contains("tiny+lora"), "{error}");
    for number in 1..=3 {
        place.register(&format!("lora-{number}"), ModelKind::Adapter, "tiny+lora", true);
        std::thread::sleep(std::time::Duration::from_millis(3));
    }
    assert_eq!(place.registry.find("").unwrap().name, "lora-3");
    assert_eq!(place.registry.rollback("").unwrap().name, "lora-2");
    let states: Vec<ModelState> = place.registry.list().unwrap().iter().map(|model| model.state).collect();
    assert_eq!(
        states,
        [
            ModelState::Promoted,
            ModelState::Retired,
            ModelState::Promoted,
            ModelState::Retired
        ]
    );
    fs::remove_dir(place.registry.place_of("lora-1")).unwrap();
    let error = place.registry.promote("lora-1").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Model);
    assert!(error.to_string().contains("are gone"), "{error}");
    assert!(
        place
            .registry
            .remove("lora-2")
            .unwrap_err()
            .to_string()
            .contains("in use")
    );
    assert!(
        place
            .registry
            .remove("tiny")
            .unwrap_err()
            .to_string()
            .contains("is the base of")
    );
}
