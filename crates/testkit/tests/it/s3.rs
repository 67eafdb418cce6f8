//! The S3 server, asked by the crate `object_store`, which we did not write, and by plain HTTP.

use std::fs;
use std::io::{Read, Write};
use std::time::{Duration, Instant};

use codelupe_testkit::proxy::Proxy;
use codelupe_testkit::s3::{Exchange, S3};
use futures_util::TryStreamExt;
use futures_util::future::join_all;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutPayload, RetryConfig};

use crate::connect;

/// The bucket of these tests.
const BUCKET: &str = "corpus";

/// The least that a part of a multipart upload may have, but for the last one (Amazon's limit).
const PART_BYTES: usize = 5 << 20;

/// A client of the server, before it is built.
fn client(s3: &S3) -> AmazonS3Builder {
    // As in the product: one process has one provider of cryptography.
    let _ = rustls::crypto::ring::default_provider().install_default();
    AmazonS3Builder::new()
        .with_endpoint(s3.endpoint())
        .with_allow_http(true)
        .with_region("eu-central-1")
        .with_bucket_name(BUCKET)
        .with_access_key_id(s3.access_key())
        .with_secret_access_key(s3.secret_key())
}

fn store(s3: &S3) -> AmazonS3 {
    client(s3).build().unwrap()
}

/// A client that gives up at once.
fn impatient(s3: &S3) -> AmazonS3 {
    let retry = RetryConfig {
        max_retries: 0,
        ..RetryConfig::default()
    };
    client(s3).with_retry(retry).build().unwrap()
}

fn on_runtime<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(future)
}

fn statuses(exchanges: &[Exchange]) -> Vec<Option<u16>> {
    exchanges.iter().map(|exchange| exchange.status).collect()
}

/// Puts an object that must not be there yet.
async fn create(store: &AmazonS3, key: &str, content: Vec<u8>) -> Result<(), Error> {
    let key = Path::from(key);
    let put = store.put_opts(&key, content.into(), PutMode::Create.into());
    put.await.map(drop)
}

#[test]
fn objects_are_put_read_listed_and_deleted() {
    let s3 = S3::start();
    let folder = s3.bucket(BUCKET);
    let content: Vec<u8> = (0..=250).cycle().take(100_000).collect();
    on_runtime(async {
        let store = store(&s3);
        let (one, two) = (Path::from("builds/a/one.parquet"), Path::from("builds/b"));
        store.put(&one, content.clone().into()).await.unwrap();
        store.put(&two, PutPayload::new()).await.unwrap();
        assert_eq!(fs::read(folder.join("builds/a/one.parquet")).unwrap(), content);

        assert_eq!(store.get_range(&one, 7..17).await.unwrap(), content[7..17]);
        let ranges = [0..3, 50_000..50_002, 99_990..100_000];
        let parts = store.get_ranges(&one, &ranges).await.unwrap();
        assert_eq!(parts[2], content[99_990..]);
        assert_eq!(store.get(&one).await.unwrap().bytes().await.unwrap(), content);
        assert_eq!(store.head(&one).await.unwrap().size, 100_000);

        let prefix = Path::from("builds");
        let listed: Vec<_> = store.list(Some(&prefix)).try_collect().await.unwrap();
        let listed: Vec<_> = listed.into_iter().map(|meta| (meta.location, meta.size)).collect();
        assert_eq!(listed, [(one.clone(), 100_000), (two.clone(), 0)]);
        let level = store.list_with_delimiter(Some(&prefix)).await.unwrap();
        assert_eq!(level.common_prefixes, [Path::from("builds/a")]);

        store.delete(&one).await.unwrap();
        let gone = store.get(&one).await.unwrap_err();
        assert!(matches!(gone, Error::NotFound { .. }), "{gone}");
        let left: Vec<_> = store.list(None).try_collect().await.unwrap();
        assert_eq!(left.len(), 1);
    });
}

#[test]
fn of_many_that_create_an_object_one_does() {
    let s3 = S3::start();
    let folder = s3.bucket(BUCKET);
    on_runtime(async {
        let store = store(&s3);
        create(&store, "identity", b"first".to_vec()).await.unwrap();
        let second = create(&store, "identity", b"second".to_vec()).await.unwrap_err();
        assert!(matches!(second, Error::AlreadyExists { .. }), "{second}");
        assert_eq!(fs::read(folder.join("identity")).unwrap(), b"first");

        for round in 0..10 {
            let key = format!("locks/{round}");
            // Long enough to arrive in pieces, so that they are under way together.
            let puts = (0_u8..8).map(|writer| create(&store, &key, vec![writer; 300_000]));
            let results = join_all(puts).await;
            let winners: Vec<usize> = (0..8).filter(|&writer| results[writer].is_ok()).collect();
            let [winner] = winners[..] else {
                panic!("{} of 8 created it", winners.len())
            };
            let content = fs::read(folder.join(&key)).unwrap();
            assert!(content.len() == 300_000 && content.iter().all(|&byte| usize::from(byte) == winner));
        }
    });
}

#[test]
fn an_object_is_replaced_only_as_the_version_that_was_seen() {
    let s3 = S3::start();
    s3.bucket(BUCKET);
    on_runtime(async {
        let (store, key) = (store(&s3), Path::from("state"));
        let first = store.put(&key, "first".into()).await.unwrap();
        let seen = || PutMode::Update(first.clone().into()).into();
        store.put_opts(&key, "second".into(), seen()).await.unwrap();
        let late = store.put_opts(&key, "third".into(), seen()).await.unwrap_err();
        assert!(matches!(late, Error::Precondition { .. }), "{late}");
    });
}

#[test]
fn a_multipart_upload_is_there_when_it_is_complete() {
    let s3 = S3::start();
    let folder = s3.bucket(BUCKET);
    on_runtime(async {
        let (store, key) = (store(&s3), Path::from("models/weights"));
        let parts = [vec![1; PART_BYTES], vec![2; PART_BYTES], vec![3; 17]];
        let mut upload = store.put_multipart(&key).await.unwrap();
        for part in &parts {
            upload.put_part(part.clone().into()).await.unwrap();
        }
        assert!(!folder.join("models/weights").exists());
        upload.complete().await.unwrap();
        assert_eq!(fs::read(folder.join("models/weights")).unwrap(), parts.concat());

        let mut upload = store.put_multipart(&Path::from("models/other")).await.unwrap();
        upload.put_part(parts[0].clone().into()).await.unwrap();
        upload.abort().await.unwrap();
        assert!(!folder.join("models/other").exists());
    });
}

#[test]
fn wrong_credentials_and_missing_buckets_are_refused() {
    let s3 = S3::start();
    let key = Path::from("x");
    on_runtime(async {
        let absent = store(&s3).put(&key, "x".into()).await.unwrap_err();
        assert!(absent.to_string().contains("NoSuchBucket"), "{absent}");
        let folder = s3.bucket(BUCKET);
        let wrong = [
            client(&s3).with_secret_access_key("wrong"),
            client(&s3).with_access_key_id("wrong"),
            client(&s3).with_skip_signature(true),
        ];
        for wrong in wrong {
            let store = wrong.build().unwrap();
            let error = store.put(&key, "x".into()).await.unwrap_err();
            assert!(matches!(error, Error::PermissionDenied { .. }), "{error}");
            let error = store.get(&key).await.unwrap_err();
            assert!(matches!(error, Error::PermissionDenied { .. }), "{error}");
        }
        assert!(!folder.join("x").exists());
    });
    assert!(
        plain(s3.port(), "GET", "/corpus/x").starts_with("HTTP/1.1 403"),
        "unsigned"
    );
}

/// What the server answers to a request without a signature.
fn plain(port: u16, method: &str, target: &str) -> String {
    let mut stream = connect(port).unwrap();
    write!(
        stream,
        "{method} {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_server_that_is_asked_too_much_says_so_and_is_asked_again() {
    let s3 = S3::start();
    s3.bucket(BUCKET);
    let key = Path::from("x");
    s3.refuse_next(1);
    let answer = plain(s3.port(), "GET", "/corpus/x");
    assert!(
        answer.starts_with("HTTP/1.1 503") && answer.contains("<Code>SlowDown</Code>"),
        "{answer}"
    );
    s3.take_exchanges();
    on_runtime(async {
        s3.refuse_next(2);
        store(&s3).put(&key, "x".into()).await.unwrap();
        assert_eq!(statuses(&s3.take_exchanges()), [Some(503), Some(503), Some(200)]);
        s3.refuse_next(1);
        impatient(&s3).get(&key).await.unwrap_err();
        assert_eq!(statuses(&s3.take_exchanges()), [Some(503)]);
    });
}

#[test]
fn slow_answers_take_their_time() {
    let s3 = S3::start();
    s3.bucket(BUCKET);
    on_runtime(async {
        let store = store(&s3);
        let delay = Duration::from_millis(120);
        s3.set_delay(delay);
        let start = Instant::now();
        store.put(&Path::from("x"), "x".into()).await.unwrap();
        assert!(start.elapsed() >= delay);
        s3.set_delay(Duration::ZERO);
        // Between client and server the network may be slow as well.
        let proxy = Proxy::start(s3.port());
        proxy.set_latency(delay / 2);
        let far = client(&s3).with_endpoint(format!("http://127.0.0.1:{}", proxy.port()));
        let start = Instant::now();
        far.build().unwrap().head(&Path::from("x")).await.unwrap();
        assert!(start.elapsed() >= delay);
    });
}

#[test]
fn an_upload_that_is_cut_leaves_nothing_and_is_sent_again() {
    let s3 = S3::start();
    let folder = s3.bucket(BUCKET);
    let (key, content) = (Path::from("x"), vec![7; 1_000_000]);
    on_runtime(async {
        s3.cut_next_upload(200_000);
        impatient(&s3).put(&key, content.clone().into()).await.unwrap_err();
        let [cut] = &s3.take_exchanges()[..] else {
            panic!("one request")
        };
        assert_eq!((cut.method.as_str(), cut.status), ("PUT", None));
        assert!((200_000..1_000_000).contains(&cut.received_bytes), "{cut:?}");
        assert!(!folder.join("x").exists());

        s3.cut_next_upload(200_000);
        store(&s3).put(&key, content.clone().into()).await.unwrap();
        assert_eq!(statuses(&s3.take_exchanges()), [None, Some(200)]);
        assert_eq!(fs::read(folder.join("x")).unwrap(), content);
    });
}

#[test]
fn a_download_that_is_cut_is_an_error_or_goes_on_where_it_was() {
    let s3 = S3::start();
    s3.bucket(BUCKET);
    let (key, content) = (Path::from("x"), vec![7; 1_000_000]);
    on_runtime(async {
        store(&s3).put(&key, content.clone().into()).await.unwrap();
        s3.take_exchanges();
        s3.cut_next_download(300_000);
        let answer = impatient(&s3).get(&key).await.unwrap();
        answer.bytes().await.unwrap_err();
        assert_eq!(s3.take_exchanges()[0].sent_bytes, 300_000);

        s3.cut_next_download(300_000);
        let answer = store(&s3).get(&key).await.unwrap();
        assert_eq!(answer.bytes().await.unwrap(), content);
    });
}

#[test]
fn requests_and_bytes_are_counted() {
    let s3 = S3::start();
    s3.bucket(BUCKET);
    on_runtime(async {
        let (store, key) = (store(&s3), Path::from("a/x"));
        store.put(&key, vec![7; 50_000].into()).await.unwrap();
        store.get_range(&key, 10..110).await.unwrap();
        store.head(&key).await.unwrap();
        let exchanges = s3.take_exchanges();
        let counted: Vec<_> = exchanges
            .iter()
            .map(|e| (e.method.as_str(), e.received_bytes, e.sent_bytes))
            .collect();
        assert_eq!(counted, [("PUT", 50_000, 0), ("GET", 0, 100), ("HEAD", 0, 0)]);
        assert_eq!(exchanges[1].range.as_deref(), Some("bytes=10-109"));
        assert_eq!(exchanges[1].target, "/corpus/a/x");
        assert!(s3.take_exchanges().is_empty());
    });
}

#[test]
fn two_servers_know_nothing_of_each_other_and_end_when_they_are_dropped() {
    let (a, b) = (S3::start(), S3::start());
    let folder = a.bucket(BUCKET);
    assert_ne!(a.port(), b.port());
    on_runtime(async {
        store(&a).put(&Path::from("x"), "x".into()).await.unwrap();
        store(&b).get(&Path::from("x")).await.unwrap_err();
    });
    let port = a.port();
    drop(a);
    assert!(!folder.exists());
    connect(port).unwrap_err();
}
