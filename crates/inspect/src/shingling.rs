//! Which part of a content is shingled: signatures and exact similarities must be made from the same part.

use codelupe_dedup::{Signature, Signer, shingles};

use crate::dedup_config::DedupConfig;
use crate::error::Error;

/// The signature of a text in a language, as configured; `None` when its view has fewer tokens than one shingle. The
/// signer is one for the configured shingle size.
pub fn signature(config: &DedupConfig, signer: &mut Signer, language: Option<&str>, text: &str) -> Option<Signature> {
    signer.sign(config.view.of(language, text).as_bytes())
}

/// The set of shingles that [`signature`] condenses, strictly ascending.
///
/// # Errors
/// `Config` when the shingle size is not valid, which the settings' own check rules out.
pub fn shingle_set(config: &DedupConfig, language: Option<&str>, text: &str) -> Result<Vec<u64>, Error> {
    Ok(shingles(
        config.view.of(language, text).as_bytes(),
        config.shingle_size()?,
    ))
}

#[cfg(test)]
mod tests {
    use codelupe_process::View;

    use super::*;

    #[test]
    fn signature_and_set_see_the_same() {
        let (plain, commented) = ("fn f() -> u8 { 1 }", "// one\nfn f() /* two */ -> u8 { 1 }");
        for (view, alike) in [(View::Text, false), (View::Code, true), (View::Structure, true)] {
            let config = DedupConfig {
                view,
                ..DedupConfig::default()
            };
            let mut signer = Signer::new(config.shingle_size().unwrap());
            let mut seen = [plain, commented].map(|text| {
                let set = shingle_set(&config, Some("Rust"), text).unwrap();
                let signature = signature(&config, &mut signer, Some("Rust"), text);
                assert_eq!(signature, Signature::of_shingles(&set));
                set
            });
            assert_eq!(seen[0] == seen[1], alike, "{view:?}");
            seen[0].clear();
            assert_eq!(
                shingle_set(&config, Some("Rust"), "// nothing but a comment of tokens").unwrap() == seen[0],
                alike
            );
        }
    }
}
