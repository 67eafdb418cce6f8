//! The commands about signatures.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

pub(super) const SIGNATURES: &str = "\
A file has one row a content: its blob id, its signature (4 bytes a value, little endian) and, for
our own scheme, one key a band. docs/dedup.md has the SQL that joins them.

Examples:
  codelupe signatures export signatures.parquet
  codelupe signatures export --scheme datasketch-affine32 --num-perm 128 for-python.parquet
  codelupe signatures import signatures.parquet";

#[derive(Debug, Subcommand)]
pub(crate) enum SignaturesCommand {
    /// Write the signatures of all contents to a Parquet file.
    Export(ExportSignaturesArguments),
    /// Put signatures that were made elsewhere into the index; those of contents that are not in the corpus are left out.
    Import(ImportSignaturesArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ExportSignaturesArguments {
    /// The file to write; it must not exist.
    #[arg(value_name = "FILE")]
    pub(crate) target: PathBuf,
    /// How the signatures are made.
    #[arg(long, value_enum, default_value_t = SignatureScheme::Codelupe)]
    pub(crate) scheme: SignatureScheme,
    /// Values in a signature of datasketch; ours have as many as `dedup.permutations` says.
    #[arg(long, value_name = "N", default_value_t = 256)]
    pub(crate) num_perm: u32,
}

#[derive(Debug, Args)]
pub(crate) struct ImportSignaturesArguments {
    /// The file to read.
    #[arg(value_name = "FILE")]
    pub(crate) source: PathBuf,
}

/// How signatures are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SignatureScheme {
    /// As for the corpus.
    Codelupe,
    /// As datasketch before 2.0.0, and `BigCode`, made them; anew from the texts, slowly.
    DatasketchLegacy,
    /// As datasketch makes them from 2.0.0 on; anew from the texts, slowly.
    DatasketchAffine32,
}
