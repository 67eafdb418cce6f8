//! Databases that cannot be opened.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;

use codelupe_catalogue::{Catalogue, CatalogueUrl, Error, ErrorKind, Migrate, Schema};
use codelupe_testkit::postgres::{self, Server};

use super::shown;
use crate::world::World;

/// Opens it in each way; all fail in the same way, and never show a password.
async fn fails(url: &CatalogueUrl, expected: ErrorKind) -> String {
    let errors: [Error; 3] = [
        Catalogue::open(url, Migrate::Allowed).await.unwrap_err(),
        Catalogue::open_read_only(url).await.unwrap_err(),
        Schema::connect(url).await.err().unwrap(),
    ];
    for error in &errors {
        let shown = shown(error);
        assert_eq!(error.kind(), expected, "{shown}");
        assert!(!shown.contains("hush"), "{shown}");
    }
    shown(&errors[0])
}

fn at(url: &str) -> CatalogueUrl {
    url.parse().unwrap()
}

#[tokio::test]
async fn nobody_listens() {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let shown = fails(
        &at(&format!("postgres://me:hush@127.0.0.1:{port}/x")),
        ErrorKind::Unavailable,
    )
    .await;
    assert!(
        shown.contains(&format!("`postgres://me@127.0.0.1:{port}/x`")),
        "{shown}"
    );
    fails(&at("postgres://me:hush@no-such-host.invalid/x"), ErrorKind::Unavailable).await;
    fails(
        &at("postgres://me:hush@127.0.0.1:1/x?sslmode=require"),
        ErrorKind::Unavailable,
    )
    .await;
}

#[tokio::test]
async fn somebody_else_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = std::thread::spawn(move || {
        for client in listener.incoming().take(3) {
            std::io::Write::write_all(&mut client.unwrap(), b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        }
    });
    fails(
        &at(&format!("postgres://me:hush@127.0.0.1:{port}/x")),
        ErrorKind::Unavailable,
    )
    .await;
    serving.join().unwrap();
}

#[tokio::test]
async fn there_is_no_such_database() {
    let shown = fails(&at(&postgres::shared().url("nothing")), ErrorKind::NoDatabase).await;
    assert!(
        shown.contains("/nothing`") && shown.contains("does not exist"),
        "{shown}"
    );
}

#[tokio::test]
async fn the_password_is_wrong() {
    let server = Server::with_settings(&[("fsync", "off")]);
    let hba = PathBuf::from(server.psql("postgres", "SHOW hba_file"));
    let rules = fs::read_to_string(&hba).unwrap();
    let scram = "host all me 127.0.0.1/32 scram-sha-256\nhost all plain 127.0.0.1/32 password\nhost all shut 127.0.0.1/32 reject\n";
    fs::write(&hba, format!("{scram}{rules}")).unwrap();
    for user in ["me", "plain", "shut"] {
        server.psql(
            "postgres",
            &format!("CREATE ROLE {user} LOGIN SUPERUSER PASSWORD 'right'"),
        );
    }
    server.psql("postgres", "SELECT pg_reload_conf()");
    let world = World::at(&server.database());
    world.catalogue().await.close().await;
    let database = world.text().rsplit('/').next().unwrap().to_owned();
    let url = |user: &str| at(&format!("postgres://{user}@127.0.0.1:{}/{database}", server.port()));
    for user in ["me:hush", "plain:hush", "shut:hush", "nobody:hush", "me", "me:"] {
        // Nobody of that name is trusted.
        let shown = fails(&url(user), ErrorKind::Auth).await;
        assert!(shown.contains("cannot connect"), "{shown}");
    }
    for user in ["me:right", "plain:right"] {
        Catalogue::open_read_only(&url(user))
            .await
            .unwrap()
            .stats()
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn no_connection_is_left() {
    // Autovacuum and the like count apart.
    let server = Server::with_settings(&[
        ("fsync", "off"),
        ("max_connections", "5"),
        ("superuser_reserved_connections", "0"),
        ("max_wal_senders", "0"),
    ]);
    let world = World::at(&server.database());
    let catalogue = world.catalogue().await;
    catalogue.close().await;
    let waiting = Catalogue::open_read_only(&world.url).await.unwrap();
    let mut taken = Vec::new();
    while let Ok(schema) = Schema::connect(&world.url).await {
        taken.push(schema);
        assert!(taken.len() <= 5);
    }
    let shown = fails(&world.url, ErrorKind::Unavailable).await;
    assert!(shown.contains("too many clients"), "{shown}");
    let (stats, ()) = tokio::join!(waiting.stats(), async {
        tokio::task::yield_now().await;
        for schema in taken {
            schema.close().await;
        }
    });
    assert_eq!(stats.unwrap().repositories, 0, "it waited for a connection");
}

#[tokio::test]
async fn a_file_is_no_database() {
    let check = async |bytes: &[u8]| {
        let world = World::sqlite();
        let path = world.folder().join("catalogue.sqlite");
        fs::write(&path, bytes).unwrap();
        for error in [
            Catalogue::open(&world.url, Migrate::Allowed).await.unwrap_err(),
            Catalogue::open_read_only(&world.url).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{}", shown(&error));
        }
        assert!(fs::read(&path).unwrap() == bytes, "it is not overwritten");
    };
    check(
        "this is not a database, and it is long enough to be one"
            .repeat(100)
            .as_bytes(),
    )
    .await;
    check(b"short").await;
    check(&[0xff; 5000]).await;
    check(b"SQLite format 3\0and then nothing of the kind").await;
}

#[tokio::test]
async fn a_database_is_cut_off() {
    let world = World::sqlite();
    world.catalogue().await.close().await;
    let path = world.folder().join("catalogue.sqlite");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let error = match Catalogue::open(&world.url, Migrate::Refused).await {
        Ok(catalogue) => catalogue.stats().await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{}", shown(&error));
}

#[tokio::test]
async fn an_empty_file_becomes_a_catalogue() {
    let world = World::sqlite();
    fs::write(world.folder().join("catalogue.sqlite"), "").unwrap();
    assert_eq!(world.catalogue().await.stats().await.unwrap().repositories, 0);
}

#[tokio::test]
async fn a_path_is_no_place_for_a_file() {
    let world = World::sqlite();
    let check = async |path: PathBuf, expected: &[ErrorKind]| {
        let error = Catalogue::open(&CatalogueUrl::Sqlite(path), Migrate::Allowed)
            .await
            .unwrap_err();
        assert!(
            expected.contains(&error.kind()),
            "{:?}: {}",
            error.kind(),
            shown(&error)
        );
    };
    fs::create_dir(world.folder().join("folder.sqlite")).unwrap();
    check(world.folder().join("folder.sqlite"), &[ErrorKind::Io]).await;
    check(world.folder().join("nowhere/catalogue.sqlite"), &[ErrorKind::NotFound]).await;
    let bytes: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"\xff.sqlite");
    check(world.folder().join(bytes), &[ErrorKind::Invalid]).await;
}

/// A path is no URL: what means something in one is a character like others.
#[tokio::test]
async fn a_path_may_have_any_character() {
    for name in ["with space", "a?mode=memory", "a#b", "100%", "%41", "ü'\"", "file:x"] {
        let world = World::sqlite();
        let folder = world.folder().join(name);
        fs::create_dir(&folder).unwrap();
        let url = CatalogueUrl::Sqlite(folder.join("catalogue.sqlite"));
        Catalogue::open(&url, Migrate::Refused).await.unwrap().close().await;
        Catalogue::open_read_only(&url).await.unwrap().stats().await.unwrap();
        assert!(folder.join("catalogue.sqlite").is_file(), "{name}");
    }
}

/// A server that takes connections and says nothing.
#[cfg(feature = "slow")]
#[tokio::test]
async fn a_server_says_nothing() {
    let server = Server::with_settings(&[("fsync", "off")]);
    let url = at(&server.url("postgres"));
    server.pause();
    let shown = fails(&url, ErrorKind::Unavailable).await;
    server.resume();
    assert!(shown.contains("did not answer within"), "{shown}");
    Catalogue::open(&url, Migrate::Allowed).await.unwrap();
}
