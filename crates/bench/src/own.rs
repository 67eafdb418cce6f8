//! What this program finds.

use std::collections::BTreeSet;
use std::convert::Infallible;

use codelupe_dedup::{BINS, Pairs, bin_name, binomial_band, families, one_of_each_family, within};
use codelupe_dedup::{
    BandIndex, BandTable, Banding, ElectionConfig, ElectionOutcome, ShingleSize, Signature, Signer, Threshold, elect,
    jaccard, shingles,
};
use serde::Serialize;

use crate::contestant::Run;
use crate::meter::{cpu_seconds, peak_bytes};

/// One run: signatures, bands, exact verification, election. The pairs are counted afterwards.
pub(crate) fn run(texts: &[Vec<u8>]) -> anyhow::Result<Run> {
    let size = ShingleSize::default();
    let start = cpu_seconds();
    let signatures = sign(texts);
    let signed = cpu_seconds();
    let mut table = BandTable::new(Banding::default());
    for signature in &signatures {
        table.push(signature.as_ref())?;
    }
    let mut source = |doc: u32| Ok::<_, Infallible>(shingles(&texts[doc as usize], size));
    let Ok(election) = elect(table.groups(), &ElectionConfig::default(), &mut source);
    let total_seconds = cpu_seconds() - start;
    let peak_bytes = peak_bytes();
    let outcomes = (0..).zip(&election.outcomes);
    let removed = outcomes
        .filter(|(_, outcome)| **outcome != ElectionOutcome::Kept)
        .map(|(doc, _)| doc);
    let near = |&(a, b): &(u32, u32)| {
        let [a, b] = [a, b].map(|doc| shingles(&texts[doc as usize], size));
        jaccard(&a, &b) >= Threshold::default().get()
    };
    Ok(Run {
        sign_seconds: signed - start,
        total_seconds,
        peak_bytes,
        removed: removed.collect(),
        pairs: candidates(&signatures).into_iter().filter(near).collect(),
    })
}

/// How many pairs of one bin of similarity share a band, of all and of one of each family.
#[derive(Debug, Serialize)]
pub(crate) struct Bin {
    /// From, below.
    pub(crate) jaccard: String,
    /// All pairs.
    pub(crate) pairs: Recall,
    /// One of each family: these are nearly independent.
    pub(crate) families: Recall,
    /// How many of the families may be found, with a probability of 99.9 %.
    pub(crate) band: (usize, usize),
}

/// How many of some pairs share a band.
#[derive(Debug, Serialize)]
pub(crate) struct Recall {
    /// Pairs by brute force.
    pub(crate) there: usize,
    /// Of these, as many as the curve of the banding expects to share a band.
    pub(crate) expected: f64,
    /// Of these, as many as do.
    pub(crate) found: usize,
}

/// The recall of candidates by similarity.
pub(crate) fn bins(texts: &[Vec<u8>], truth: &Pairs) -> Vec<Bin> {
    let candidates = candidates(&sign(texts));
    let family = families(truth);
    let bin = |(from, below): (f64, f64)| {
        let pairs: Pairs = within(truth, from, below).collect();
        let one_each = one_of_each_family(&pairs, &family);
        Bin {
            jaccard: bin_name((from, below)),
            pairs: Recall::of(&pairs, &candidates),
            families: Recall::of(&one_each, &candidates),
            band: binomial_band(&probabilities(&one_each)),
        }
    };
    BINS.map(bin).into()
}

impl Recall {
    fn of(pairs: &Pairs, candidates: &BTreeSet<(u32, u32)>) -> Self {
        Self {
            there: pairs.len(),
            expected: probabilities(pairs).iter().sum(),
            found: pairs.keys().filter(|pair| candidates.contains(pair)).count(),
        }
    }
}

/// The probability of each pair to share a band.
fn probabilities(pairs: &Pairs) -> Vec<f64> {
    pairs
        .values()
        .map(|jaccard| Banding::default().candidate_probability(*jaccard))
        .collect()
}

fn sign(texts: &[Vec<u8>]) -> Vec<Option<Signature>> {
    let mut signer = Signer::new(ShingleSize::default());
    texts.iter().map(|text| signer.sign(text)).collect()
}

/// All pairs that share a band.
fn candidates(signatures: &[Option<Signature>]) -> BTreeSet<(u32, u32)> {
    let banding = Banding::default();
    let mut index = BandIndex::new();
    let mut pairs = BTreeSet::new();
    for (doc, signature) in (0..).zip(signatures) {
        let Some(signature) = signature else { continue };
        let found = index.candidates(banding.keys(signature));
        pairs.extend(found.into_iter().map(|of| (of, doc)));
        index.insert(doc, banding.keys(signature));
    }
    pairs
}
