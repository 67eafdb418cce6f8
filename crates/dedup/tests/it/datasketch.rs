//! Signatures made by datasketch 2.0.0 with numpy 2.4.6 (`MinHash(num_perm, seed, scheme=…)`, `update` for each word).

use codelupe_dedup::datasketch::{MinHash, Scheme};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    scheme: String,
    num_perm: usize,
    seed: u32,
    words: Vec<String>,
    hashvalues: Vec<u32>,
}

#[test]
fn signatures_equal_those_of_the_python_library() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../golden/datasketch-2.0.0.json")).unwrap();
    assert_eq!(cases.len(), 48);
    for case in cases {
        let scheme = match case.scheme.as_str() {
            "legacy" => Scheme::Legacy,
            "affine32" => Scheme::Affine32,
            other => panic!("unknown scheme {other}"),
        };
        let mut minhash = MinHash::new(scheme, case.num_perm, case.seed).unwrap();
        for word in &case.words {
            minhash.update(word.as_bytes());
        }
        assert_eq!(
            minhash.hashvalues(),
            case.hashvalues,
            "{scheme:?} {} {:?}",
            case.seed,
            case.words
        );
    }
}
