//! What goes wrong between here and a bucket.

use std::error::Error as _;
use std::time::Duration;

use codelupe_core::error::ErrorCode;
use codelupe_corpus::{ErrorKind, Key, SegmentWriter};

use super::{Cloud, write_segment};
use crate::record;

#[test]
fn wrong_credentials_and_missing_buckets_are_told_without_a_secret() {
    let cloud = Cloud::new();
    for wrong in [("AWS_SECRET_ACCESS_KEY", "hush"), ("AWS_ACCESS_KEY_ID", "hush")] {
        let store = cloud.objects("s3://corpus/a", &[wrong]);
        let errors = [
            store.get(&Key::Identity).map(drop).unwrap_err(),
            store.put_if_absent(&Key::Identity, b"a").map(drop).unwrap_err(),
        ];
        for error in errors {
            assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, ErrorCode::Auth));
            let shown = format!("{error} {} {error:?} {store:?}", error.source().unwrap());
            assert!(
                shown.contains("403") && shown.contains("s3://corpus/a/catalogue-id"),
                "{shown}"
            );
            let secrets = ["hush", cloud.s3.secret_key(), cloud.s3.access_key()];
            assert!(secrets.iter().all(|secret| !shown.contains(secret)), "{shown}");
        }
    }
    let store = cloud.objects("s3://nowhere", &[]);
    let error = store.put_if_absent(&Key::Identity, b"a").unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::NoBucket, ErrorCode::NotFound));
    assert!(error.to_string().contains("`nowhere`"), "{error}");
}

#[test]
fn a_variable_that_cannot_be_is_named_without_its_value() {
    let cloud = Cloud::new();
    let variables = [("AWS_ALLOW_HTTP".to_owned(), "hush".to_owned())];
    let url = "s3://corpus".parse().unwrap();
    let opened = codelupe_corpus::open_store(&url, variables, cloud.runtime.handle().clone());
    let error = opened.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(
        error.to_string().contains("AWS_ALLOW_HTTP") && !format!("{error:?}").contains("hush"),
        "{error:?}"
    );
}

#[test]
fn a_store_that_is_asked_too_much_is_asked_again_but_not_for_ever() {
    let cloud = Cloud::new();
    let store = cloud.store();
    cloud.s3.refuse_next(2);
    assert!(store.put_if_absent(&Key::Identity, b"a").unwrap());
    cloud.s3.take_exchanges();
    cloud.s3.refuse_next(1000);
    let error = store.get(&Key::Identity).unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Unavailable, ErrorCode::Unavailable)
    );
    assert!(error.source().unwrap().to_string().contains("503"), "{error:?}");
    assert!((2..=8).contains(&cloud.s3.take_exchanges().len()));
}

#[test]
fn a_slow_store_is_waited_for() {
    let cloud = Cloud::new();
    let folder = cloud.folder(0);
    let _lock = folder.lock().unwrap();
    cloud.s3.set_delay(Duration::from_millis(300));
    folder.claim("a").unwrap();
    write_segment(&folder, &["one"]);
    folder.claim("a").unwrap();
}

#[test]
fn a_store_that_is_not_there_is_a_fault_of_the_network() {
    let cloud = Cloud::new();
    let store = cloud.objects("s3://corpus", &[("AWS_ENDPOINT_URL", "http://127.0.0.1:1")]);
    let error = store.get(&Key::Identity).unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Network, ErrorCode::Network),
        "{error:?}"
    );
}

#[test]
fn an_upload_that_is_cut_is_sent_again_and_never_there_in_part() {
    let cloud = Cloud::new();
    let folder = cloud.folder(0);
    let _lock = folder.lock().unwrap();
    // Over the size of one request, so that it goes in parts.
    let mut writer = SegmentWriter::create(&folder, "recipe", 1024).unwrap();
    for n in 0..20_u64 {
        writer.append(&record(&noise(n, 1 << 20))).unwrap();
    }
    cloud.s3.cut_next_upload(200_000);
    let info = writer.finish().unwrap();
    let path = cloud.bucket.join(format!("team/rust/segments/{}.parquet", info.name));
    assert_eq!(path.metadata().unwrap().len(), info.bytes);
    assert!(info.bytes > 8 << 20, "{}", info.bytes);
    let exchanges = cloud.s3.take_exchanges();
    assert!(
        exchanges.iter().any(|exchange| exchange.status.is_none()),
        "{exchanges:?}"
    );

    let small = SegmentWriter::create(&folder, "recipe", 1024).unwrap();
    cloud.s3.cut_next_upload(10);
    let small = small.finish().unwrap();
    assert!(
        cloud
            .bucket
            .join(format!("team/rust/segments/{}.parquet", small.name))
            .is_file()
    );
}

/// Text that does not compress well, the same for the same number.
pub(super) fn noise(seed: u64, bytes: usize) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'!' + u8::try_from(state >> 58).unwrap())
    };
    (0..bytes).map(|_| next()).collect()
}
