//! Disks without room, and folders of ours that are gone, when the state of a training is kept.

use std::path::Path;

use codelupe_core::error::{Class, ErrorCode};
use codelupe_model::{OptimConfig, Recompute, Trainable, Trainer};
use codelupe_testkit::small_disk::{fill, small_disk};

use crate::fixture::random_model;

fn check(path: &Path, code: ErrorCode) {
    let (_folder, model) = random_model();
    let trainer = Trainer::new(&model, Trainable::Full, OptimConfig::default(), Recompute::None, 0).unwrap();
    let error = trainer.save_state(path).unwrap_err();
    assert_eq!((error.code(), error.code().class()), (code, Class::System), "{error}");
    assert!(!path.exists());
}

#[test]
fn a_checkpoint_that_finds_no_room() {
    let Some(disk) = small_disk("full_disk::a_checkpoint_that_finds_no_room", 1) else {
        return;
    };
    fill(&disk);
    check(&disk.join("state.safetensors"), ErrorCode::DiskFull);
}

#[test]
fn a_folder_of_checkpoints_that_is_gone() {
    check(Path::new("/no/such/folder/state.safetensors"), ErrorCode::Storage);
}
