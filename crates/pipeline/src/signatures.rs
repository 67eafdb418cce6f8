//! Signatures of the corpus, to files and from files.

use std::collections::HashSet;
use std::path::Path;

use codelupe_catalogue::{Catalogue, DedupCandidate, lsh::SignedDocument};
use codelupe_core::BlobId;
use codelupe_corpus::{DataFolder, FileParameters, SegmentReader, SignatureWriter, read_parameters, read_signatures};
use codelupe_dedup::Signature;
use codelupe_dedup::datasketch::{self, Scheme};
use codelupe_inspect::{INSERTED_AT_ONCE, distinct, signatures, signed};
use serde::Serialize;
use tokio::runtime::Handle;

use crate::config::Config;
use crate::context::Context;
use crate::dedup::lsh;
use crate::error::{Error, ErrorKind};

/// The seed that datasketch takes by default.
const SEED: u32 = 1;

/// What signatures to export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportScheme {
    /// Those of the corpus, with their band keys.
    Codelupe,
    /// Made anew from the texts as datasketch makes them, with this many values; slow.
    Datasketch(Scheme, u32),
}

/// Writes the signatures of all contents that processing kept to the new file `target`, each content once, and returns how
/// many there are. Contents of fewer tokens than a shingle have none.
///
/// # Errors
/// `Config` for a scheme that is not valid; `Store` when catalogue or segments cannot be read, or the file exists or cannot be
/// written.
pub fn export(
    config: &Config,
    folder: &DataFolder,
    catalogue: &Catalogue,
    runtime: &Handle,
    scheme: ExportScheme,
    target: &Path,
) -> Result<u64, Error> {
    let documents = distinct(&runtime.block_on(catalogue.dedup_input())?.candidates);
    let mut reader = SegmentReader::new(folder, runtime.block_on(catalogue.segments())?);
    let mut writer = SignatureWriter::create(target, &parameters(config, scheme)?)?;
    match scheme {
        ExportScheme::Codelupe => export_own(config, &mut reader, &documents, &mut writer)?,
        ExportScheme::Datasketch(scheme, num_perm) => {
            export_datasketch(config, &mut reader, &documents, &mut writer, scheme, num_perm)?;
        }
    }
    Ok(writer.finish()?)
}

fn parameters(config: &Config, scheme: ExportScheme) -> Result<FileParameters, Error> {
    let own = config.dedup.lsh_parameters(&config.recipe())?;
    Ok(match scheme {
        ExportScheme::Codelupe => FileParameters::Codelupe(own),
        ExportScheme::Datasketch(scheme, num_perm) => FileParameters::Datasketch {
            scheme: scheme.as_str().to_owned(),
            num_perm,
            seed: SEED,
            shingle_tokens: own.shingle_tokens,
        },
    })
}

fn export_own(
    config: &Config,
    reader: &mut SegmentReader,
    documents: &[DedupCandidate],
    writer: &mut SignatureWriter,
) -> Result<(), Error> {
    let banding = config.dedup.banding()?;
    let locations = documents.iter().map(|document| document.location);
    signatures(reader, locations, |place, signature| {
        let Some(signature) = signature else { return Ok(()) };
        let keys: Vec<u64> = banding.keys(signature).collect();
        Ok(writer.append(documents[place].blob, &signature.to_le_bytes(), &keys)?)
    })
}

fn export_datasketch(
    config: &Config,
    reader: &mut SegmentReader,
    documents: &[DedupCandidate],
    writer: &mut SignatureWriter,
    scheme: Scheme,
    num_perm: u32,
) -> Result<(), Error> {
    let size = config.dedup.shingle_size()?;
    for document in documents {
        let content = reader.content(document.location)?;
        let text = config.dedup.view.of(content.language.as_deref(), &content.text);
        if let Some(values) = datasketch::sign(text.as_bytes(), size, scheme, num_perm as usize, SEED)? {
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            writer.append(document.blob, &bytes, &[])?;
        }
    }
    Ok(())
}

/// What an import did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Signatures in the file.
    pub read: u64,
    /// Those that the LSH index took.
    pub inserted: u64,
    /// Those of contents that it had already.
    pub known: u64,
    /// Those of contents that the corpus does not have.
    pub unknown: u64,
}

/// Puts the signatures of a file, made elsewhere from the same contents by the same rules, into the LSH index.
///
/// # Errors
/// `Config` when they were made by other parameters than those of the LSH index; `Store` when the file does not hold signatures, or
/// catalogue or index cannot be read or written.
pub fn import(context: &Context, source: &Path) -> Result<Imported, Error> {
    let found = read_parameters(source)?;
    let config = &context.config;
    let own = FileParameters::Codelupe(config.dedup.lsh_parameters(&config.recipe())?);
    if found != own {
        let shown = |parameters: &FileParameters| serde_json::to_string(parameters).unwrap_or_default();
        let context = format!(
            "the signatures were made by {}, those of the index by {}",
            shown(&found),
            shown(&own)
        );
        return Err(Error::new(ErrorKind::Config, context));
    }
    let candidates = context.wait(context.catalogue.dedup_input())?.candidates;
    let corpus: HashSet<BlobId> = candidates.iter().map(|candidate| candidate.blob).collect();
    let lsh = lsh::open(context, false)?;
    let banding = config.dedup.banding()?;
    let mut imported = Imported::default();
    let mut waiting: Vec<SignedDocument> = Vec::new();
    let insert = |waiting: &mut Vec<SignedDocument>, imported: &mut Imported| -> Result<(), Error> {
        context.progress.check()?;
        let new = context.wait(lsh.insert(waiting)).map_err(Error::lsh)?;
        imported.inserted += new;
        imported.known += waiting.len() as u64 - new;
        waiting.clear();
        Ok(())
    };
    read_signatures(source, &found, |blob, bytes| -> Result<(), Error> {
        imported.read += 1;
        let signature = Signature::try_from(bytes)?;
        // The index may hold nothing that the corpus lacks: the next deduplication would remove it again.
        if !corpus.contains(&blob) {
            imported.unknown += 1;
            return Ok(());
        }
        waiting.push(signed(banding, blob, Some(&signature)));
        if waiting.len() >= INSERTED_AT_ONCE {
            insert(&mut waiting, &mut imported)?;
        }
        Ok(())
    })?;
    insert(&mut waiting, &mut imported)?;
    Ok(imported)
}
