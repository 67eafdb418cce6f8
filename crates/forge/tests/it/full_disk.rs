//! Disks without room, and folders of ours that are gone, while a repository is fetched: faults of this machine, which must
//! not make the repository one that is damaged.

use std::path::Path;

use codelupe_core::error::{Class, ErrorCode};
use codelupe_forge::{Error, FetchSettings, Fetcher, HttpSettings, Limits, Remote, Site, SiteKind};
use codelupe_testkit::git_http;
use codelupe_testkit::http::Server;
use codelupe_testkit::small_disk::{fill, small_disk};

use crate::archives;
use crate::fetching::handle;
use crate::fixture::Bare;
use crate::git_program::old_server;

/// More than a spool holds in memory, in files that do not compress.
fn large() -> Bare {
    let bare = Bare::new();
    let mut state = 1_u64;
    let mut noise = |bytes: usize| -> Vec<u8> {
        let word = |_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        (0..bytes).map(word).collect()
    };
    let blobs: Vec<(String, String)> = (0..6).map(|n| (format!("f{n}"), bare.blob(&noise(2 << 20)))).collect();
    let entries: Vec<_> = blobs
        .iter()
        .map(|(name, blob)| ("100644", name.as_bytes(), blob.as_str()))
        .collect();
    bare.commit(&bare.tree(&entries));
    bare
}

fn served(bare: &Bare) -> (&Path, String) {
    let name = bare.path().file_name().unwrap().to_str().unwrap();
    (bare.path().parent().unwrap(), format!("/{name}"))
}

fn fetch(url: &str, spool: &Path, sites: Option<Site>) -> Error {
    let settings = FetchSettings {
        keep_bytes: 0,
        tries: 1,
        archive: sites.is_some(),
        ..FetchSettings::default()
    };
    let fetcher = Fetcher::new(
        &HttpSettings::default(),
        &settings,
        Vec::new(),
        spool.to_owned(),
        handle(),
    )
    .unwrap();
    let fetched = fetcher
        .with_sites(sites)
        .fetch(&Remote::at(url).unwrap(), &Limits::default(), None, None);
    match fetched {
        Ok(_) => panic!("it was fetched"),
        Err(error) => error,
    }
}

fn by_pack(spool: &Path) -> Error {
    let bare = large();
    let (folder, path) = served(&bare);
    let server = git_http::serve(folder, None);
    fetch(&server.url(&path), spool, None)
}

fn by_git(spool: &Path) -> Error {
    let bare = large();
    let (folder, path) = served(&bare);
    let server = old_server(folder);
    fetch(&server.url(&path), spool, None)
}

fn by_archive(spool: &Path) -> Error {
    let bare = large();
    let server: Server = archives::forge(bare.path());
    let site = Site::new(SiteKind::GitHub, &server.url("/")).unwrap();
    fetch(&server.url("/owner/name.git"), spool, Some(site))
}

fn check(error: &Error, code: ErrorCode) {
    assert_eq!((error.code(), error.code().class()), (code, Class::System), "{error}");
}

#[test]
fn a_pack_that_finds_no_room() {
    if let Some(disk) = small_disk("full_disk::a_pack_that_finds_no_room", 1) {
        fill(&disk);
        check(&by_pack(&disk), ErrorCode::DiskFull);
    }
}

#[test]
fn the_git_program_that_finds_no_room() {
    if let Some(disk) = small_disk("full_disk::the_git_program_that_finds_no_room", 4) {
        check(&by_git(&disk), ErrorCode::DiskFull);
    }
}

#[test]
fn an_archive_that_finds_no_room() {
    if let Some(disk) = small_disk("full_disk::an_archive_that_finds_no_room", 1) {
        fill(&disk);
        check(&by_archive(&disk), ErrorCode::DiskFull);
    }
}

#[test]
fn a_folder_of_ours_that_is_gone() {
    let gone = Path::new("/no/such/folder");
    for error in [by_pack(gone), by_git(gone), by_archive(gone)] {
        check(&error, ErrorCode::Storage);
    }
}
