//! A folder of the index that is gone.

use std::fs;

use codelupe_core::error::{Class, ErrorCode};

use super::{documents, place};

#[tokio::test]
async fn an_index_whose_folder_goes_is_a_fault_of_the_machine() {
    let place = place().await;
    let index = place.open().await;
    index.insert(&documents(0..10)).await.unwrap();
    fs::remove_dir_all(place.folder.lsh()).unwrap();
    let error = index.insert(&documents(10..20)).await.unwrap_err();
    assert_eq!(
        (error.code(), error.code().class()),
        (ErrorCode::Storage, Class::System),
        "{error}"
    );
}
