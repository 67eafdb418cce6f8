use codelupe_testkit::postgres::{Server, install_from_wheel};

#[test]
fn the_wheel_brings_postgresql_18() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::with_binaries(&install_from_wheel(folder.path()), &[("fsync", "off")]);
    let version = server.psql("postgres", "SHOW server_version_num");
    assert!(version.starts_with("18"), "{version}");
    server.psql("postgres", "CREATE TABLE t (x int); INSERT INTO t VALUES (1)");
    server.kill();
    server.start_again();
    assert_eq!(server.psql("postgres", "SELECT x FROM t"), "1");
}
