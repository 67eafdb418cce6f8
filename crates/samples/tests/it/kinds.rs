//! Each kind of sample, decoded, against the text that it was made of.

use codelupe_samples::{Document, FileOutcome, FimLoss, Sample, SampleConfig, SampleKind, Sampler, Special};
use proptest::prelude::*;

use crate::fixture::{document, documents, hard_text, tokenizer};

/// A sample cut at its special tokens: each with the text after it, and whether that text is learned.
fn parts(sample: &Sample) -> Vec<(Option<Special>, String)> {
    let mut parts: Vec<(Option<Special>, Vec<u32>)> = vec![(None, vec![])];
    for &token in &sample.tokens {
        match Special::ALL
            .into_iter()
            .find(|&special| tokenizer().special(special) == Some(token))
        {
            Some(special) => parts.push((Some(special), vec![])),
            None => parts.last_mut().unwrap().1.push(token),
        }
    }
    parts
        .into_iter()
        .map(|(special, tokens)| (special, tokenizer().decode(&tokens)))
        .collect()
}

/// The text of a continuation or of a window with its hole filled, and whether the file ends with it.
fn reassembled(sample: &Sample) -> String {
    use Special::{EndOfText, FimMiddle, FimPrefix, FimSuffix};

    let parts = parts(sample);
    let special: Vec<_> = parts.iter().map(|(special, _)| *special).collect();
    let text = |part: usize| parts[part].1.as_str();
    match sample.kind {
        SampleKind::Continuation => {
            assert!(special == [None] || special == [None, Some(EndOfText)], "{special:?}");
            text(0).to_owned()
        }
        SampleKind::FimPsm | SampleKind::FimSpm => {
            assert_eq!(
                special,
                [None, Some(FimPrefix), Some(FimSuffix), Some(FimMiddle), Some(EndOfText)]
            );
            assert_eq!((text(0), text(4)), ("", ""));
            if sample.kind == SampleKind::FimSpm {
                assert_eq!(text(1), "");
            }
            // In the one order the middle follows its mark, in the other the prefix does, right before the middle.
            let (before, after) = learned_text(sample);
            match sample.kind {
                SampleKind::FimPsm => {
                    assert_eq!(before, "");
                    text(1).to_owned() + &after + text(2)
                }
                _ => before + &after + text(2),
            }
        }
        kind => panic!("{kind:?}"),
    }
}

/// What follows the mark of the middle: what is not learned, and what is.
fn learned_text(sample: &Sample) -> (String, String) {
    let middle = tokenizer().special(Special::FimMiddle).unwrap();
    let mark = sample.tokens.iter().position(|&token| token == middle).unwrap() + 1;
    let [learn] = sample.learn.as_slice() else {
        panic!("{:?}", sample.learn)
    };
    // The end of the text is learned with the middle.
    assert_eq!(learn.end, sample.tokens.len());
    let before = tokenizer().decode(&sample.tokens[mark..learn.start]);
    (before, tokenizer().decode(&sample.tokens[learn.start..learn.end - 1]))
}

fn file_config(fim_rate: f64, sequence_length: usize) -> SampleConfig {
    SampleConfig {
        fim_rate,
        sequence_length,
        repository_share: 0.0,
        instruction_share: 0.0,
        min_tokens: 1,
        ..SampleConfig::default()
    }
}

/// Checks the samples of a file by itself: they fit, and together they are the text.
fn check_file(document: &Document, config: &SampleConfig) -> Vec<Sample> {
    let (samples, outcome) = Sampler::new(tokenizer(), config).unwrap().file(document).unwrap();
    if document.text.is_empty() {
        assert_eq!((samples.len(), outcome), (0, FileOutcome::TooShort));
        return samples;
    }
    assert_eq!(outcome, FileOutcome::File);
    assert!(
        samples
            .iter()
            .all(|sample| sample.tokens.len() <= config.sequence_length)
    );
    assert!(
        samples
            .iter()
            .all(|sample| sample.learn.iter().all(|range| range.start > 0 && !range.is_empty()))
    );
    let text: String = samples.iter().map(reassembled).collect();
    assert_eq!(text, document.text);
    samples
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_samples_of_any_file_are_its_text(text in hard_text(), rust in any::<bool>(), number in 0_u32..1000) {
        let language = if rust { "Rust" } else { "Python" };
        let document = document("r", &number.to_string(), language, &text);
        check_file(&document, &file_config(0.7, 64));
    }

    #[test]
    fn the_files_of_any_repository_are_in_its_samples(texts in prop::collection::vec(hard_text(), 2..5)) {
        check_repository(&texts);
    }
}

#[test]
fn the_samples_of_real_files_are_their_texts() {
    let mut kinds = std::collections::BTreeMap::new();
    for document in documents() {
        for sample in check_file(&document, &file_config(0.5, 512)) {
            *kinds.entry(sample.kind).or_insert(0) += 1;
        }
    }
    // Half of the windows get a hole, half of those in either order; a few have no place for one, hence 0.24. The windows are
    // those of this repository's own files, which change, so that a share is held against five standard deviations.
    let all = f64::from(kinds.values().sum::<i32>());
    let deviation = (0.24 * 0.76 / all).sqrt();
    for kind in [SampleKind::FimPsm, SampleKind::FimSpm] {
        let share = f64::from(kinds[&kind]) / all;
        assert!((share - 0.24).abs() < 5.0 * deviation, "{kinds:?}");
    }
}

#[test]
fn a_window_ends_with_a_line_where_it_can() {
    let text = "let x = 1; // a line\n".repeat(200);
    let samples = check_file(&document("r", "p", "Rust", &text), &file_config(0.0, 64));
    assert!(samples.len() > 10);
    for sample in &samples {
        assert!(reassembled(sample).ends_with('\n'));
    }
    let ends = |sample: &&Sample| parts(sample).len() == 2;
    assert_eq!(samples.iter().filter(ends).count(), 1, "the end of the text comes once");
    assert!(ends(&samples.last().unwrap()));
}

#[test]
fn a_window_has_the_tokens_that_its_text_has_by_itself() {
    let (mut same, mut all) = (0, 0);
    for document in documents() {
        for sample in check_file(&document, &file_config(0.0, 128)) {
            let mut tokens = Vec::new();
            tokenizer().encode_text(&reassembled(&sample), &mut tokens).unwrap();
            same += usize::from(sample.tokens.starts_with(&tokens));
            all += 1;
        }
    }
    // A cut between two blank lines may change how they are put together.
    assert!(all > 2000 && same * 1000 >= all * 999, "{same} of {all}");
}

#[test]
fn the_last_window_of_a_file_is_no_crumb() {
    let config = file_config(0.0, 128);
    for lines in 20..60 {
        let text = "let x = 1;\n".repeat(lines);
        let samples = check_file(&document("r", "p", "Rust", &text), &config);
        let shortest = samples.iter().map(|sample| sample.tokens.len()).min().unwrap();
        assert!(samples.len() == 1 || shortest >= 116 / 16, "{lines} lines: {shortest}");
    }
}

#[test]
fn a_line_longer_than_a_row_is_cut_between_characters() {
    let text = "\u{1f980}\u{65e5}\u{672c}".repeat(100);
    let samples = check_file(&document("r", "p", "Text", &text), &file_config(0.0, 64));
    assert!(samples.iter().all(|sample| !reassembled(sample).contains('\u{fffd}')));
}

#[test]
fn all_of_a_sample_with_a_hole_is_learned_where_the_loss_is_on_all() {
    let config = SampleConfig {
        fim_loss: FimLoss::All,
        ..file_config(1.0, 512)
    };
    let document = &documents()[3];
    let (samples, _) = Sampler::new(tokenizer(), &config).unwrap().file(document).unwrap();
    for sample in samples {
        assert_eq!(sample.learn, vec![1..sample.tokens.len()]);
    }
}

#[test]
fn an_instruction_has_the_question_given_and_the_answer_learned() {
    let config = SampleConfig {
        instruction_share: 1.0,
        repository_share: 0.0,
        ..SampleConfig::default()
    };
    let sampler = Sampler::new(tokenizer(), &config).unwrap();
    let mut found = 0;
    for document in documents() {
        let (samples, outcome) = sampler.file(&document).unwrap();
        if outcome != FileOutcome::Instructions {
            continue;
        }
        assert!(samples.len() <= config.instructions_per_file);
        for sample in samples {
            check_instruction(&sample, &document);
            found += 1;
        }
    }
    assert!(found > 100, "{found}");
}

fn check_instruction(sample: &Sample, document: &Document) {
    let [learn] = sample.learn.as_slice() else {
        panic!("{:?}", sample.learn)
    };
    let end = tokenizer().special(Special::ImEnd).unwrap();
    assert_eq!(sample.tokens[learn.end - 1], end);
    let before = tokenizer().decode(&sample.tokens[..learn.start]);
    let system = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n";
    assert!(
        before.starts_with(system) && before.ends_with("<|im_end|>\n<|im_start|>assistant\n"),
        "{before}"
    );
    let answer = tokenizer().decode(&sample.tokens[learn.start..learn.end - 1]);
    let code = answer
        .strip_prefix("```rust\n")
        .and_then(|rest| rest.strip_suffix("\n```"))
        .unwrap();
    assert!(code.contains("fn "), "{code}");
    for line in code.lines() {
        assert!(document.text.contains(line.trim()), "{line}");
    }
    assert_eq!(tokenizer().decode(&sample.tokens[learn.end..]), "\n");
}

#[test]
fn a_repository_is_shown_with_what_is_used_before_what_uses_it() {
    let files = vec![
        document("github.com/o/n", "src/lib.rs", "Rust", "mod z;\nfn main() {}\n"),
        document("github.com/o/n", "src/z.rs", "Rust", "pub fn z() {}\n"),
    ];
    let config = SampleConfig {
        repository_share: 1.0,
        ..SampleConfig::default()
    };
    let (samples, taken) = Sampler::new(tokenizer(), &config).unwrap().repository(files).unwrap();
    assert_eq!((samples.len(), taken), (1, 2));
    let expected = "<|repo_name|>github.com/o/n\n<|file_sep|>src/z.rs\npub fn z() {}\n\n\
                    <|file_sep|>src/lib.rs\nmod z;\nfn main() {}\n\n<|endoftext|>";
    assert_eq!(tokenizer().decode(&samples[0].tokens), expected);
    assert_eq!(samples[0].learn, vec![1..samples[0].tokens.len()]);
}

/// Checks that every file is in the samples of its repository, in parts one after the other under its path.
fn check_repository(texts: &[String]) {
    let files: Vec<Document> = texts
        .iter()
        .enumerate()
        .map(|(n, text)| document("some/repository", &format!("src/{n}.py"), "Python", text))
        .collect();
    let config = SampleConfig {
        repository_share: 1.0,
        sequence_length: 64,
        ..SampleConfig::default()
    };
    let (samples, taken) = Sampler::new(tokenizer(), &config)
        .unwrap()
        .repository(files.clone())
        .unwrap();
    assert_eq!(taken, files.len());
    let mut read = std::collections::BTreeMap::<String, String>::new();
    for sample in &samples {
        assert!(sample.tokens.len() <= 64);
        let parts = parts(sample);
        // The end of a long name is shown.
        assert_eq!(parts[1], (Some(Special::RepoName), "pository\n".to_owned()));
        for (special, text) in &parts[2..] {
            if *special == Some(Special::FileSep) {
                let (path, content) = text.split_once('\n').unwrap();
                read.entry(path.to_owned()).or_default().push_str(content);
            }
        }
        let ended = parts.last().unwrap().0 == Some(Special::EndOfText);
        assert_eq!(ended, sample == samples.last().unwrap());
    }
    for file in &files {
        let shown = &file.path[file.path.len() - 8..];
        assert_eq!(read[shown], format!("{}\n", file.text));
    }
}

#[test]
fn what_becomes_of_a_file_is_told() {
    let config = SampleConfig {
        max_file_bytes: 1000,
        min_tokens: 5,
        ..file_config(0.0, 64)
    };
    let sampler = Sampler::new(tokenizer(), &config).unwrap();
    let outcome = |text: &str| sampler.file(&document("r", "p", "C", text)).unwrap().1;
    assert_eq!(outcome(""), FileOutcome::TooShort);
    assert_eq!(outcome("int"), FileOutcome::TooShort);
    assert_eq!(outcome("int main(void) { return 0; }"), FileOutcome::File);
    assert_eq!(outcome(&" ".repeat(1001)), FileOutcome::TooLarge);
}
