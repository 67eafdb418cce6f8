//! What this crate does with 3,000 real files, for `benches/peers.py` to compare with.
//!
//! `real_files list` prints the paths of the files, one a line; their numbers are those of the lines, from 0.
//! `real_files candidates` prints the pairs that share a band: two numbers and their exact Jaccard similarity.
//! `real_files sign TIMES` makes all signatures so many times; the caller takes the CPU time.

#![expect(clippy::print_stdout, reason = "a command line tool")]

#[path = "../benches/corpus/whole_crates.rs"]
mod whole_crates;

use std::error::Error;
use std::io::Write;

use codelupe_dedup::{BandIndex, Banding, ShingleSize, Signer, jaccard, shingles};

fn main() -> Result<(), Box<dyn Error>> {
    let files = whole_crates::whole_crates(3000);
    let texts = || files.iter().map(|(_, text)| text.as_slice());
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["list"] => {
            let mut out = std::io::stdout().lock();
            for (path, _) in &files {
                writeln!(out, "{}", path.display())?;
            }
        }
        ["candidates"] => candidates(&texts().collect::<Vec<_>>()),
        ["sign", times] => sign(&texts().collect::<Vec<_>>(), times.parse()?),
        _ => return Err("usage: real_files list | candidates | sign TIMES".into()),
    }
    Ok(())
}

fn candidates(texts: &[&[u8]]) {
    let (size, banding) = (ShingleSize::default(), Banding::default());
    let sets: Vec<Vec<u64>> = texts.iter().map(|text| shingles(text, size)).collect();
    let mut signer = Signer::new(size);
    let mut index = BandIndex::new();
    for (doc, text) in (0_u32..).zip(texts) {
        let Some(signature) = signer.sign(text) else { continue };
        for of in index.candidates(banding.keys(&signature)) {
            println!("{of} {doc} {}", jaccard(&sets[of as usize], &sets[doc as usize]));
        }
        index.insert(doc, banding.keys(&signature));
    }
}

fn sign(texts: &[&[u8]], times: u32) {
    let mut signer = Signer::new(ShingleSize::default());
    let mut sum = 0_u32;
    for text in (0..times).flat_map(|_| texts) {
        sum = signer
            .sign(text)
            .map_or(sum, |signature| sum.wrapping_add(signature.values()[0]));
    }
    // Printed so that no work can be left out.
    println!("{sum}");
}
