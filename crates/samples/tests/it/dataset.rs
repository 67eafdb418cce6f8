//! Datasets: whole, the same each time, and refused where they are damaged.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;
use std::io;
use std::path::Path;

use codelupe_samples::{
    Dataset, DatasetSummary, Document, Error, ErrorKind, FileOutcome, Row, Sample, SampleConfig, SampleKind, Sampler,
    write_dataset,
};

use crate::fixture::{config, document, documents, provenance, tokenizer};

fn written(documents: Vec<Document>, config: &SampleConfig, out: &Path) -> Result<DatasetSummary, Error> {
    let documents = documents.into_iter().map(Ok::<_, Infallible>);
    write_dataset(documents, tokenizer(), config, out, &provenance())
}

/// Every sample that the documents give, made one by one.
fn made_alone(documents: &[Document], config: &SampleConfig) -> Vec<Sample> {
    let sampler = Sampler::new(tokenizer(), config).unwrap();
    let mut samples = Vec::new();
    for files in documents.chunk_by(|one, other| one.repository == other.repository) {
        if sampler.takes_whole(&files[0].repository, files.len()) {
            samples.extend(sampler.repository(files.to_vec()).unwrap().0);
        } else {
            samples.extend(files.iter().flat_map(|file| sampler.file(file).unwrap().0));
        }
    }
    samples
}

/// What is known of a sample in a dataset.
type Read = (SampleKind, String, Vec<u32>, Vec<bool>);

fn samples_of_row(row: &Row<'_>, summary: &DatasetSummary) -> Vec<Read> {
    let read = |span: &codelupe_samples::SampleSpan| {
        let language = summary.languages[usize::from(span.language)].to_string();
        let learn = span.range().map(|position| row.learned(position)).collect();
        (span.kind, language, row.tokens[span.range()].to_vec(), learn)
    };
    row.samples.iter().map(read).collect()
}

fn as_read(sample: Sample) -> Read {
    let learn = (0..sample.tokens.len())
        .map(|at| sample.learn.iter().any(|range| range.contains(&at)))
        .collect();
    (sample.kind, sample.language.to_string(), sample.tokens, learn)
}

#[test]
fn a_dataset_has_every_sample_once_with_its_mask() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("set");
    let summary = written(documents(), &config(), &out).unwrap();
    let dataset = Dataset::open(&out).unwrap();
    assert_eq!(dataset.summary(), &summary);
    let mut found: Vec<Read> = dataset.rows().flat_map(|row| samples_of_row(&row, &summary)).collect();
    let mut expected: Vec<Read> = made_alone(&documents(), &config()).into_iter().map(as_read).collect();
    found.sort();
    expected.sort();
    assert!(found == expected, "{} and {} samples", found.len(), expected.len());
    check_rows(&dataset);
    check_counts(&summary, &expected);
}

/// Rows are filled from the front, and what is left over is padding of which nothing is learned.
fn check_rows(dataset: &Dataset) {
    for row in dataset.rows() {
        assert_eq!(row.tokens.len(), 512);
        let filled = row.samples.last().unwrap().range().end;
        assert!((filled..512).all(|at| row.tokens[at] == tokenizer().padding() && !row.learned(at)));
        let mut ends: Vec<usize> = row.samples.iter().map(|span| span.range().end).collect();
        ends.extend((filled < 512).then_some(512));
        let boundaries: Vec<usize> = row.boundaries().into_iter().map(|at| at as usize).collect();
        assert_eq!((boundaries[0], &boundaries[1..]), (0, ends.as_slice()));
        for span in &row.samples {
            assert!(
                !row.learned(span.range().start),
                "nothing stands before the first token of a sample"
            );
        }
    }
    assert_eq!(dataset.rows().count(), dataset.len());
    assert!(dataset.row(dataset.len()).is_none());
}

fn check_counts(summary: &DatasetSummary, samples: &[Read]) {
    let tokens: u64 = samples.iter().map(|sample| sample.2.len() as u64).sum();
    let learned: u64 = samples
        .iter()
        .map(|sample| sample.3.iter().filter(|&&learned| learned).count() as u64)
        .sum();
    assert_eq!(summary.total.samples, samples.len() as u64);
    assert_eq!((summary.total.tokens, summary.total.learned), (tokens, learned));
    for counts in [
        summary.by_kind.values().collect::<Vec<_>>(),
        summary.by_language.values().collect(),
    ] {
        assert_eq!(counts.iter().map(|count| count.tokens).sum::<u64>(), tokens);
    }
    assert_eq!(summary.by_kind.len(), SampleKind::ALL.len(), "{:?}", summary.by_kind);
    assert_eq!(summary.documents.values().sum::<u64>(), documents().len() as u64);
    assert!(summary.fill() > 0.95, "{}", summary.fill());
}

/// The bytes of each file of a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| {
            (
                path.file_name().unwrap().to_str().unwrap().to_owned(),
                fs::read(&path).unwrap(),
            )
        })
        .collect()
}

#[test]
fn the_bytes_are_the_same_on_one_thread_and_on_three() {
    let folder = tempfile::tempdir().unwrap();
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let out = folder.path().join(threads.to_string());
        pool.install(|| written(documents(), &config(), &out)).unwrap();
    }
    assert!(files(&folder.path().join("1")) == files(&folder.path().join("3")));
}

#[test]
fn the_samples_of_a_file_depend_on_no_other_file_but_on_the_seed() {
    let all = made_alone(&documents(), &config());
    let last = documents().last().unwrap().repository.clone();
    let alone: Vec<Document> = documents().into_iter().filter(|file| file.repository == last).collect();
    let of_last: Vec<Sample> = all.iter().filter(|sample| sample.repository == last).cloned().collect();
    assert!(!of_last.is_empty() && made_alone(&alone, &config()) == of_last);
    let other_seed = SampleConfig { seed: 8, ..config() };
    assert!(made_alone(&documents(), &other_seed) != all);
}

#[test]
fn a_dataset_of_the_same_inputs_is_used_again_and_one_of_others_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("set");
    let first = written(documents(), &config(), &out).unwrap();
    let unread = std::iter::from_fn(|| -> Option<Result<Document, Infallible>> { panic!("documents were read") });
    let again = write_dataset(unread, tokenizer(), &config(), &out, &provenance()).unwrap();
    assert_eq!(again, first);
    let error = written(documents(), &SampleConfig { seed: 8, ..config() }, &out).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OtherDataset);
    fs::create_dir(folder.path().join("other")).unwrap();
    fs::write(folder.path().join("other/file"), "mine").unwrap();
    let error = written(documents(), &config(), &folder.path().join("other")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OtherDataset);
    assert_eq!(fs::read(folder.path().join("other/file")).unwrap(), b"mine");
}

#[test]
fn what_a_killed_writer_left_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(".set.partial")).unwrap();
    fs::write(folder.path().join(".set.partial/shard-00007.rows"), "half").unwrap();
    let out = folder.path().join("set");
    written(documents(), &config(), &out).unwrap();
    assert_eq!(
        files(&out).into_keys().collect::<Vec<_>>(),
        ["dataset.json", "shard-00000.rows"]
    );
    assert!(!folder.path().join(".set.partial").exists());
}

#[test]
fn an_error_of_the_documents_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("set");
    let broken = documents()
        .into_iter()
        .take(3)
        .map(Ok)
        .chain([Err(io::Error::other("the table is gone"))]);
    let error = write_dataset(broken, tokenizer(), &config(), &out, &provenance()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Documents);
    assert_eq!(
        std::error::Error::source(&error).unwrap().to_string(),
        "the table is gone"
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn documents_out_of_order_or_twice_are_refused_with_both_names() {
    let folder = tempfile::tempdir().unwrap();
    let check = |paths: [(&str, &str); 2]| {
        let documents = paths
            .map(|(repository, path)| document(repository, path, "C", "int x;"))
            .to_vec();
        let error = written(documents, &config(), &folder.path().join("set")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsorted);
        assert!(
            error.to_string().contains(paths[0].1) && error.to_string().contains(paths[1].1),
            "{error}"
        );
    };
    check([("r", "two"), ("r", "one")]);
    check([("r", "one"), ("r", "one")]);
    check([("s", "one"), ("r", "two")]);
}

#[test]
fn no_documents_make_an_empty_dataset() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("set");
    let summary = written(vec![], &config(), &out).unwrap();
    assert_eq!((summary.rows, summary.fill()), (0, 0.0));
    let dataset = Dataset::open(&out).unwrap();
    assert!(dataset.is_empty() && dataset.row(0).is_none());
}

#[test]
fn files_that_are_left_out_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let config = SampleConfig {
        max_file_bytes: 100,
        repository_share: 1.0,
        ..config()
    };
    let large = "x".repeat(101);
    let documents = vec![
        document("a", "large", "C", &large),
        document("a", "one", "C", "int one;"),
        document("a", "two", "C", "int two;"),
        document("b", "alone", "C", "int"),
        document("c", "large", "C", &large),
    ];
    let summary = written(documents, &config, &folder.path().join("set")).unwrap();
    let expected = [
        (FileOutcome::Repository, 2),
        (FileOutcome::TooShort, 1),
        (FileOutcome::TooLarge, 2),
    ];
    assert_eq!(summary.documents, BTreeMap::from(expected));
}

#[test]
fn a_repository_larger_than_the_bound_is_taken_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let config = SampleConfig {
        max_file_bytes: 4000,
        max_repository_bytes: 10_000,
        repository_share: 1.0,
        ..config()
    };
    let text = "int x; /* y */\n".repeat(200);
    let documents: Vec<Document> = (0..10).map(|n| document("a", &format!("{n}.c"), "C", &text)).collect();
    let summary = written(documents, &config, &folder.path().join("set")).unwrap();
    // Three files of 3,000 bytes at a time; the last is alone.
    assert_eq!(
        summary.documents,
        BTreeMap::from([(FileOutcome::Repository, 9), (FileOutcome::File, 1)])
    );
}

/// Changes a file of a dataset and opens it.
fn opened_after(change: impl FnOnce(&Path)) -> Result<Dataset, Error> {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("set");
    written(documents().into_iter().take(20).collect(), &config(), &out).unwrap();
    change(&out);
    Dataset::open(&out)
}

fn shard_changed(change: impl FnOnce(&mut Vec<u8>)) -> ErrorKind {
    let opened = opened_after(|out| {
        let path = out.join("shard-00000.rows");
        let mut bytes = fs::read(&path).unwrap();
        change(&mut bytes);
        fs::write(path, bytes).unwrap();
    });
    let error = opened.unwrap_err();
    assert!(error.to_string().contains("shard-00000.rows"), "{error}");
    error.kind()
}

#[test]
fn a_damaged_shard_is_refused_wherever_the_damage_is() {
    for place in [0, 1, 300, 960, 980, 999] {
        let kind = shard_changed(|bytes| {
            let at = bytes.len() * place / 1000;
            bytes[at] ^= 4;
        });
        assert_eq!(kind, ErrorKind::Corrupt, "at {place} of 1000");
    }
    for header_byte in 9..64 {
        let kind = shard_changed(|bytes| bytes[header_byte] ^= 1);
        let expected = if header_byte < 12 {
            ErrorKind::UnknownFormat
        } else {
            ErrorKind::Corrupt
        };
        assert_eq!(kind, expected, "byte {header_byte}");
    }
}

#[test]
fn a_shard_that_is_cut_or_grown_is_refused() {
    assert_eq!(
        shard_changed(|bytes| bytes.truncate(bytes.len() - 1)),
        ErrorKind::Corrupt
    );
    assert_eq!(shard_changed(|bytes| bytes.truncate(20)), ErrorKind::Corrupt);
    assert_eq!(shard_changed(Vec::clear), ErrorKind::Corrupt);
    assert_eq!(shard_changed(|bytes| bytes.push(0)), ErrorKind::Corrupt);
}

#[test]
fn a_folder_without_its_files_or_of_another_format_is_refused() {
    let kind = |change: fn(&Path)| opened_after(change).unwrap_err().kind();
    assert_eq!(
        kind(|out| fs::remove_file(out.join("shard-00000.rows")).unwrap()),
        ErrorKind::Missing
    );
    assert_eq!(
        kind(|out| fs::remove_file(out.join("dataset.json")).unwrap()),
        ErrorKind::Missing
    );
    assert_eq!(
        kind(|out| fs::write(out.join("dataset.json"), "{").unwrap()),
        ErrorKind::Corrupt
    );
    assert_eq!(
        kind(|out| edit(out, "\"format\": 1", "\"format\": 2")),
        ErrorKind::UnknownFormat
    );
    assert_eq!(
        kind(|out| edit(out, "\"file\": \"shard", "\"file\": \"../shard")),
        ErrorKind::Corrupt
    );
    assert_eq!(
        kind(|out| edit(out, "\"languages\": [\n    \"Rust\"\n  ]", "\"languages\": []")),
        ErrorKind::Corrupt
    );
    assert_eq!(
        kind(|out| edit(out, "\"sequence_length\": 512", "\"sequence_length\": 256")),
        ErrorKind::Corrupt
    );
}

fn edit(out: &Path, from: &str, to: &str) {
    let path = out.join("dataset.json");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).unwrap();
}
