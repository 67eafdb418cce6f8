//! How contents are compared: the settings of `[dedup]`.

use codelupe_catalogue::{Catalogue, lsh::LshKind};
use codelupe_core::LshParameters;
use codelupe_dedup::{Banding, CopyConfig, MAX_PERMUTATIONS, Permutations, ShingleSize, Signer, Threshold};
use codelupe_process::View;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// When a file counts as a near-duplicate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DedupConfig {
    /// Exact Jaccard similarity of the shingle sets from which a file is a near-duplicate. Default 0.7 (BigCode).
    pub threshold: f64,
    /// What of a text is compared: `text`, `code` (without comments) or `structure` (without names and values either).
    /// Default `code`: text alone takes small files under one license header for copies (docs/dedup.md).
    pub view: View,
    /// Tokens in a shingle. Default 5 (BigCode).
    pub shingle_tokens: usize,
    /// MinHash permutations, the values in a signature: 64, 128, 192 or 256. Default 256 (BigCode). Fewer make smaller segments,
    /// and need bands that fit: `codelupe dedup tune --permutations 128`.
    pub permutations: usize,
    /// LSH bands. Default 25, with 10 rows: `optimal_param(0.7, 256)` of BigCode.
    pub bands: usize,
    /// Rows in a band. Default 10.
    pub rows: usize,
    /// Where the LSH index is kept. Default `auto`.
    pub lsh: LshChoice,
    /// Whether processing asks the LSH index about every new content, and records what it may be a near-duplicate of, for
    /// `codelupe explain` to tell before deduplication has run. It costs time. Default false.
    pub inline: bool,
    /// Share of a repository's files that must have a duplicate in a better-ranked repository for it to count as a near-copy
    /// of that one. Default 0.8.
    pub repository_share: f64,
}

/// Where the LSH index is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LshChoice {
    /// In PostgreSQL when the catalogue is there, else in files.
    #[default]
    Auto,
    /// Made anew each time and forgotten: for small corpora, and where nothing may be written beside the catalogue.
    Memory,
    /// In files of the data folder.
    Disk,
    /// In the catalogue's PostgreSQL database, shared by all workers.
    Postgres,
}

impl Default for DedupConfig {
    fn default() -> Self {
        Self {
            threshold: 0.7,
            view: View::default(),
            shingle_tokens: 5,
            permutations: MAX_PERMUTATIONS,
            bands: 25,
            rows: 10,
            lsh: LshChoice::Auto,
            inline: false,
            repository_share: 0.8,
        }
    }
}

impl DedupConfig {
    /// The size of a shingle.
    ///
    /// # Errors
    /// `Config` when it is 0 or too large.
    pub fn shingle_size(&self) -> Result<ShingleSize, Error> {
        Ok(ShingleSize::new(self.shingle_tokens)?)
    }

    /// The bands of a signature.
    ///
    /// # Errors
    /// `Config` when they do not fit into a signature.
    pub fn banding(&self) -> Result<Banding, Error> {
        Ok(Banding::new(self.bands, self.rows)?.within(self.signature_size()?)?)
    }

    /// The permutations of a signature.
    ///
    /// # Errors
    /// `Config` when it is not one of the supported sizes.
    pub fn signature_size(&self) -> Result<Permutations, Error> {
        Ok(Permutations::new(self.permutations)?)
    }

    /// What makes signatures as configured.
    ///
    /// # Errors
    /// `Config` when shingle or signature size is not valid.
    pub fn signer(&self) -> Result<Signer, Error> {
        Ok(Signer::with_permutations(self.shingle_size()?, self.signature_size()?))
    }

    /// The similarity from which files are near-duplicates.
    ///
    /// # Errors
    /// `Config` when it is not over 0 and at most 1.
    pub fn threshold(&self) -> Result<Threshold, Error> {
        Ok(Threshold::new(self.threshold)?)
    }

    /// When a repository is a near-copy of another.
    ///
    /// # Errors
    /// `Config` when the share is not over 0 and at most 1.
    pub fn copies(&self) -> Result<CopyConfig, Error> {
        Ok(CopyConfig::with_share(self.repository_share)?)
    }

    /// The parameters of an LSH index of contents of this recipe.
    ///
    /// # Errors
    /// `Config` when a value is not valid.
    pub fn lsh_parameters(&self, recipe: &str) -> Result<LshParameters, Error> {
        let banding = self.banding()?;
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Ok(LshParameters {
            scheme: codelupe_dedup::SCHEME.to_owned(),
            recipe: recipe.to_owned(),
            shingle_tokens: count(self.shingle_size()?.get()),
            permutations: count(self.signature_size()?.get()),
            bands: count(banding.bands()),
            rows: count(banding.rows()),
        })
    }

    /// Where the LSH index of a catalogue is kept.
    pub fn lsh_kind(&self, catalogue: &Catalogue) -> LshKind {
        match self.lsh {
            LshChoice::Memory => LshKind::Memory,
            LshChoice::Postgres => LshKind::Postgres,
            LshChoice::Auto if catalogue.is_shared() => LshKind::Postgres,
            LshChoice::Auto | LshChoice::Disk => LshKind::Disk,
        }
    }
}
