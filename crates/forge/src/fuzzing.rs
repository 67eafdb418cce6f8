//! Entry points for the fuzz targets in `fuzz/`: each reads foreign bytes and must neither panic nor give a wrong result.

use std::path::Path;

use crate::git::objects::{ObjectDatabase, ObjectKind};
use crate::limits::Limits;
use crate::pack::{Pack, PackLimits, apply_delta};
use crate::wire::{Capabilities, read_head, read_to_pack};
use crate::{Remote, archive, git, listing};

/// Answers of git's protocol.
pub fn pkt_line(bytes: &[u8]) {
    let _ = Capabilities::read(bytes);
    let _ = read_head(bytes);
    if let Ok(mut pack) = read_to_pack(bytes) {
        let _ = std::io::copy(&mut pack, &mut std::io::sink());
    }
}

/// A pack. What can be read of it has the id that it is read by.
///
/// # Panics
/// When it does not: that is the bug to find.
pub fn pack(bytes: &[u8], spool_folder: &Path) {
    let limits = PackLimits {
        pack_bytes: 1 << 20,
        inflated_bytes: 64 << 20,
        object_bytes: 1 << 20,
        objects: 1000,
        delta_chain: 50,
        // The first byte decides how much stays in memory.
        keep_bytes: if bytes.first().is_some_and(|byte| byte & 1 == 1) {
            0
        } else {
            1 << 20
        },
        spool_folder: spool_folder.to_owned(),
    };
    let Ok(mut pack) = Pack::receive(bytes.get(1..).unwrap_or_default(), &limits) else {
        return;
    };
    let mut buffer = Vec::new();
    for id in pack.ids() {
        for kind in [ObjectKind::Blob, ObjectKind::Tree, ObjectKind::Commit, ObjectKind::Tag] {
            if pack.read(&id, kind, 1 << 20, &mut buffer).is_ok() {
                assert_eq!(crate::pack::id_of(kind, &buffer), id, "an object of another id");
            }
        }
    }
}

/// A delta, to a base that is the first half of the bytes.
///
/// # Panics
/// When it makes more than the limit: that is the bug to find.
pub fn delta(bytes: &[u8]) {
    let (base, delta) = bytes.split_at(bytes.len() / 2);
    if let Some(object) = apply_delta(base, delta, 1 << 16) {
        assert!(object.len() <= 1 << 16, "an object over the limit");
    }
}

/// A tree object.
pub fn tree(bytes: &[u8]) {
    git::read_tree(bytes, &Limits::default());
}

/// A page of a listing.
pub fn listing(bytes: &[u8]) {
    listing::read_any(bytes);
}

/// A compressed tar archive. What is kept of it has the id that it is listed with.
///
/// # Panics
/// When it does not: that is the bug to find.
pub fn archive(bytes: &[u8], spool_folder: &Path) {
    if let Ok(remote) = Remote::at("https://example.org/owner/name") {
        archive::read_any(bytes, remote.describe(String::new()), spool_folder);
    }
}
