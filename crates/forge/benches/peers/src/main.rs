//! Every blob of HEAD over HTTP by gix or libgit2: a bare repository of depth 1 in a temporary folder, then each file.
//!
//! `PROGRAM gix|git2 URL MAX_BYTES` prints what the bench `fetch` compares.

#[path = "../../fetch/files.rs"]
mod files;

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use files::Files;
use gix::prelude::FindExt;

/// The one reference that is fetched, and where it goes.
const REFSPEC: &str = "+HEAD:refs/heads/fetched";

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [way, url, max_bytes] = arguments.as_slice() else {
        return Err("usage: gix|git2 URL MAX_BYTES".into());
    };
    let mut files = Files::new(max_bytes.parse()?);
    let folder = tempfile::tempdir()?;
    match way.as_str() {
        "gix" => by_gix(url, folder.path(), &mut files)?,
        "git2" => by_git2(url, folder.path(), &mut files)?,
        _ => return Err("neither gix nor git2".into()),
    }
    files.print();
    Ok(())
}

fn by_gix(url: &str, folder: &Path, files: &mut Files) -> Result<(), Failure> {
    let depth = gix::remote::fetch::Shallow::DepthAtRemote(NonZeroU32::MIN);
    let (repository, _) = gix::prepare_clone_bare(url, folder)?
        .with_shallow(depth)
        .configure_remote(|remote| {
            let remote = remote.with_fetch_tags(gix::remote::fetch::Tags::None);
            Ok(remote.with_refspecs([REFSPEC], gix::remote::Direction::Fetch)?)
        })
        .fetch_only(gix::progress::Discard, &AtomicBool::new(false))?;
    let tree = repository.find_reference("refs/heads/fetched")?.peel_to_tree()?;
    let mut content = Vec::new();
    for entry in tree.traverse().breadthfirst.files()? {
        if entry.mode.is_blob() {
            repository.objects.find(&entry.oid, &mut content)?;
            files.add(&entry.filepath, &content);
        }
    }
    Ok(())
}

fn by_git2(url: &str, folder: &Path, files: &mut Files) -> Result<(), Failure> {
    let repository = git2::Repository::init_bare(folder)?;
    let mut options = git2::FetchOptions::new();
    options.depth(1).download_tags(git2::AutotagOption::None);
    repository
        .remote_anonymous(url)?
        .fetch(&[REFSPEC], Some(&mut options), None)?;
    let tree = repository.find_reference("refs/heads/fetched")?.peel_to_tree()?;
    let mut found = Vec::new();
    tree.walk(git2::TreeWalkMode::PreOrder, |folder, entry| {
        // Regular files alone, no links.
        if entry.filemode() & 0o170_000 == 0o100_000 {
            found.push(([folder.as_bytes(), entry.name_bytes()].concat(), entry.id()));
        }
        git2::TreeWalkResult::Ok
    })?;
    for (path, id) in found {
        files.add(&path, repository.find_blob(id)?.content());
    }
    Ok(())
}
