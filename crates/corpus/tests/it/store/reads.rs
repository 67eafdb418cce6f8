//! How many requests reading takes, and how many bytes.

use std::fs::File;
use std::path::Path;

use codelupe_core::Location;
use codelupe_core::Split;
use codelupe_corpus::{BuildRecord, BuildWriter, ContentRecord, SegmentReader, SegmentWriter, read_blobs, read_shard};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};

use super::Cloud;
use super::faults::noise;
use crate::builds::{build_record, description};
use crate::record;

/// Bytes of one text: some sixteen of them end a row group.
const TEXT_BYTES: usize = 1 << 20;

/// Rows of a file, in several row groups.
const ROWS: u32 = 72;

/// What was asked of a bucket since the last time, but for how large an object is.
struct Asked {
    gets: usize,
    bytes: u64,
}

fn asked(cloud: &Cloud) -> Asked {
    let exchanges = cloud.s3.take_exchanges();
    Asked {
        gets: exchanges.iter().filter(|exchange| exchange.method == "GET").count(),
        bytes: exchanges.iter().map(|exchange| exchange.sent_bytes).sum(),
    }
}

impl Asked {
    /// One request for the footer, and some for each row group that was touched; bytes by what the columns have.
    fn is_bounded(&self, groups: usize, gets_a_group: usize, column_bytes: u64) {
        let gets = 1 + groups * gets_a_group;
        assert!(self.gets <= gets, "{} GETs, {gets} are enough", self.gets);
        assert!(
            self.bytes * 10 <= column_bytes * 12,
            "{} bytes of {column_bytes}",
            self.bytes
        );
        assert!(self.bytes >= column_bytes, "{} bytes of {column_bytes}", self.bytes);
    }
}

/// The row groups of a file: rows, and bytes of some columns (none named: all).
fn groups(path: &Path, columns: &[&str]) -> Vec<(u32, u64)> {
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let groups = reader.metadata().row_groups().iter();
    groups
        .map(|group| {
            let wanted = |name: &str| columns.is_empty() || columns.contains(&name);
            let chunks = group
                .columns()
                .iter()
                .filter(|chunk| wanted(&chunk.column_path().string()));
            let bytes: i64 = chunks.map(ColumnChunkMetaData::compressed_size).sum();
            (u32::try_from(group.num_rows()).unwrap(), u64::try_from(bytes).unwrap())
        })
        .collect()
}

#[test]
fn a_segment_is_read_by_its_footer_and_the_columns_of_the_row_groups_that_are_touched() {
    let cloud = Cloud::new();
    let folder = cloud.folder(0);
    let _lock = folder.lock().unwrap();
    let mut writer = SegmentWriter::create(&folder, "recipe", 1024).unwrap();
    for n in 0..u64::from(ROWS) {
        // What lies between language and text has some size too.
        let content = ContentRecord {
            signals: noise(n + 1000, 100_000),
            ..record(&noise(n, TEXT_BYTES))
        };
        writer.append(&content).unwrap();
    }
    let name = writer.finish().unwrap().name;
    let path = cloud.bucket.join(format!("team/rust/segments/{name}.parquet"));
    let texts = groups(&path, &["language", "text"]);
    assert!(texts.len() > 3, "{texts:?}");
    asked(&cloud);

    let mut reader = SegmentReader::new(&folder, [(1, name)].into());
    let mut text = |row| reader.text(Location { segment: 1, row }).unwrap();
    // The 32 rows of a read lie in the first groups.
    assert!(text(5) == noise(5, TEXT_BYTES));
    let ends = texts.iter().scan(0, |end, (rows, _)| {
        *end += rows;
        Some(*end)
    });
    let touched = 1 + ends.take_while(|end| *end < 32).count();
    let bytes = texts[..touched].iter().map(|(_, bytes)| bytes).sum();
    asked(&cloud).is_bounded(touched, 2, bytes);
    // What came is kept for the next reads.
    for row in [0, 17, 31] {
        text(row);
    }
    assert_eq!(asked(&cloud).gets, 0);
    // The last rows are one group more.
    assert!(text(ROWS - 1) == noise(u64::from(ROWS - 1), TEXT_BYTES));
    assert!((1..=4).contains(&asked(&cloud).gets));

    let signatures = groups(&path, &["signature"]);
    reader.signatures(1, |_, _| ()).unwrap();
    asked(&cloud).is_bounded(signatures.len(), 1, signatures.iter().map(|(_, bytes)| bytes).sum());
}

#[test]
fn a_shard_is_read_by_its_footer_and_its_row_groups() {
    let cloud = Cloud::new();
    let folder = cloud.folder(0);
    let _lock = folder.lock().unwrap();
    let mut writer = BuildWriter::create(&folder).unwrap();
    for n in 0..ROWS {
        let content = noise(n.into(), TEXT_BYTES);
        let record = BuildRecord {
            content,
            ..build_record(1)
        };
        writer.append(Split::Train, &record).unwrap();
    }
    let build = writer.finish("one", description()).unwrap();
    let shard = &build.manifest.splits[0].shards[0];
    let path = cloud.bucket.join("team/rust/builds/one").join(&shard.path);
    asked(&cloud);

    let mut rows = 0;
    let count = |_| {
        rows += 1;
        Ok::<_, codelupe_corpus::Error>(())
    };
    read_shard(folder.objects(), "one", shard, count).unwrap();
    assert_eq!(rows, ROWS);
    let whole = groups(&path, &[]);
    assert!(whole.len() > 3, "{whole:?}");
    asked(&cloud).is_bounded(whole.len(), 1, whole.iter().map(|(_, bytes)| bytes).sum());

    read_blobs(folder.objects(), "one", shard, |_, _| ()).unwrap();
    let ids = asked(&cloud);
    assert!(ids.gets <= 1 + 2 * whole.len(), "{}", ids.gets);
    // The footer is most of it.
    assert!(ids.bytes < 100_000, "{}", ids.bytes);
}
