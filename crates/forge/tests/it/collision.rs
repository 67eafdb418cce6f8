//! Two contents with one SHA-1.

use std::fs;
use std::path::PathBuf;

use sha1::{Digest, Sha1};

use crate::fetching::fetch;
use crate::fixture::{Bare, git, read};
use codelupe_testkit::git_http;

/// The pair of "SHA-1 is a Shambles" (Leurent, Peyrin, 2020), which a crate that this workspace is built from tests with.
fn pair() -> [Vec<u8>; 2] {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.unwrap_or_else(|| std::env::home_dir().unwrap().join(".cargo"));
    let registries = fs::read_dir(home.join("registry/src")).unwrap();
    let crates = registries.flat_map(|registry| fs::read_dir(registry.unwrap().path()).unwrap());
    let folder = crates
        .map(|entry| entry.unwrap().path())
        .find(|path| path.file_name().unwrap().as_encoded_bytes().starts_with(b"sha1dc-"))
        .unwrap();
    let content = |name| fs::read(folder.join("tests/data").join(name)).unwrap();
    ["sha-mbles-1.bin", "sha-mbles-2.bin"].map(content)
}

/// Git's header comes before the content, so that contents which collide without it are two blobs.
#[test]
fn contents_with_one_hash_are_two_blobs() {
    let [one, two] = pair();
    assert_ne!(one, two);
    assert_eq!(Sha1::digest(&one), Sha1::digest(&two));
    let bare = Bare::new();
    let tree = bare.tree(&[
        ("100644", b"one", &bare.blob(&one)),
        ("100644", b"two", &bare.blob(&two)),
    ]);
    let commit = bare.commit(&tree);
    git(bare.path(), &["update-ref", "HEAD", &commit]);
    git(bare.path(), &["repack", "-adq"]);
    let server = git_http::serve(bare.path().parent().unwrap(), None);
    let name = bare.path().file_name().unwrap().to_str().unwrap();
    let mut snapshot = fetch(&server.url(&format!("/{name}"))).unwrap();
    assert_ne!(snapshot.entries()[0].blob, snapshot.entries()[1].blob);
    assert_eq!(read(&mut *snapshot, "one").unwrap(), one);
    assert_eq!(read(&mut *snapshot, "two").unwrap(), two);
}
