//! Rows to link: contents, repositories and batches of them.

use codelupe_catalogue::{Batch, BuildRow, ContentKey, ContentRow, FileRow, FileState, RepositoryRow};
use codelupe_core::{
    BlobId, HostedRepository, Language, LicenseClass, Reason, Repository, SegmentInfo, SpdxExpression, Verdict,
};

/// The rules that the contents here were processed by.
pub(crate) const RECIPE: &str = "recipe";

pub(crate) fn key(content: &str) -> ContentKey {
    named_key(content, "a.rs")
}

pub(crate) fn named_key(content: &str, file_name: &str) -> ContentKey {
    ContentKey {
        blob: BlobId::of(content.as_bytes()),
        file_name: file_name.to_owned(),
    }
}

pub(crate) fn content(text: &str, segment_row: u32) -> ContentRow {
    ContentRow {
        key: key(text),
        bytes: text.len() as u64,
        language: Some(Language::known("Rust")),
        verdict: Verdict::Kept,
        quality: 50,
        text_bytes: text.len() as u64,
        redactions: 0,
        segment_row,
    }
}

pub(crate) fn file(path: &[u8], key: ContentKey) -> FileRow {
    FileRow {
        path: path.to_vec(),
        bytes: None,
        state: FileState::Content(key),
    }
}

pub(crate) fn dropped(path: &[u8], reason: Reason, detail: Option<&str>) -> FileRow {
    FileRow {
        path: path.to_vec(),
        bytes: None,
        state: FileState::Dropped(reason, detail.map(str::to_owned)),
    }
}

/// A repository in the folder `/src/NAME` with these files, and a link.
pub(crate) fn repository(name: &str, files: &[(&str, &str)]) -> RepositoryRow {
    let files = files.iter().map(|(path, text)| file(path.as_bytes(), key(text)));
    RepositoryRow {
        repository: Repository {
            name: name.parse().unwrap(),
            forge: "git".to_owned(),
            origin: format!("/src/{name}"),
            family: name.to_owned(),
            commit: None,
            revision: "r1".to_owned(),
            stars: None,
            fork: false,
            committed_at: None,
        },
        location: format!("/src/{name}"),
        license: Some(SpdxExpression::new("MIT")),
        license_class: LicenseClass::Permissive,
        license_evidence: "[]".to_owned(),
        error: None,
        files: files.chain([dropped(b"link", Reason::Symlink, None)]).collect(),
    }
}

/// A repository that could not be processed.
pub(crate) fn failed(name: &str) -> RepositoryRow {
    RepositoryRow {
        error: Some(("corrupt_input".to_owned(), "the pack is cut off".to_owned())),
        files: Vec::new(),
        ..repository(name, &[])
    }
}

/// Contents as one segment, named by them, and repositories.
pub(crate) fn batch(texts: &[&str], repositories: Vec<RepositoryRow>) -> Batch {
    let contents: Vec<ContentRow> = (0..).zip(texts).map(|(row, text)| content(text, row)).collect();
    Batch {
        segment: (!texts.is_empty()).then(|| segment(&texts.join(" "), contents.len())),
        contents,
        repositories,
    }
}

/// A segment that nobody reads.
pub(crate) fn segment(name: &str, rows: usize) -> SegmentInfo {
    SegmentInfo {
        name: name.to_owned(),
        bytes: 1,
        rows: rows.try_into().unwrap(),
    }
}

pub(crate) fn build(name: &str) -> BuildRow {
    BuildRow {
        name: name.to_owned(),
        digest: format!("digest of {name}"),
        created_at: 1,
        manifest: "{}".to_owned(),
    }
}

/// A repository on a forge of which little is known.
pub(crate) fn hosted(id: u64, full_name: &str) -> HostedRepository {
    HostedRepository {
        forge: "github.com".to_owned(),
        id,
        full_name: full_name.to_owned(),
        clone_url: format!("https://github.com/{full_name}.git"),
        stars: Some(10),
        ..HostedRepository::default()
    }
}
