use std::env;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use codelupe_testkit::postgres::{self, Server};

use crate::{SSL_REQUEST, connect};

fn exists(pid: u32) -> bool {
    Path::new("/proc").join(pid.to_string()).exists()
}

/// The name of the database in a URL.
fn name(url: &str) -> &str {
    url.rsplit('/').next().unwrap()
}

#[test]
fn the_shared_server_is_one_and_its_databases_are_many() {
    let server = postgres::shared();
    assert!(std::ptr::eq(server, postgres::shared()));
    let (a, b) = (server.database(), server.database());
    assert_ne!(a, b);
    assert_eq!(
        a,
        format!("postgres://postgres@127.0.0.1:{}/{}", server.port(), name(&a))
    );
    server.psql(name(&a), "CREATE TABLE t (x text); INSERT INTO t VALUES ('ä'), (NULL)");
    assert_eq!(server.psql(name(&a), "SELECT x, 1 FROM t ORDER BY x"), "ä|1\n|1");
    assert_eq!(
        server.psql(name(&b), "SELECT count(*) FROM pg_class WHERE relname = 't'"),
        "0"
    );
    assert_eq!(server.psql("postgres", "SHOW fsync"), "off");
}

#[test]
#[should_panic(expected = "relation \"absent\" does not exist")]
fn a_statement_that_fails_says_why() {
    postgres::shared().psql("postgres", "SELECT * FROM absent");
}

#[test]
fn what_was_committed_survives_a_kill_and_a_stop() {
    let server = Server::with_settings(&[("fsync", "off")]);
    let (port, url) = (server.port(), server.database());
    server.psql(name(&url), "CREATE TABLE t (x int); INSERT INTO t VALUES (1)");
    for (end, value) in [(Server::kill as fn(&Server), 2), (Server::stop, 3)] {
        let before = server.pid();
        end(&server);
        assert!(!exists(before));
        assert_eq!(connect(port).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        end(&server);
        server.start_again();
        assert_eq!(server.port(), port);
        server.psql(name(&url), &format!("INSERT INTO t VALUES ({value})"));
    }
    assert_eq!(server.psql(name(&url), "SELECT x FROM t ORDER BY x"), "1\n2\n3");
}

#[test]
fn a_paused_server_takes_connections_and_answers_when_it_is_resumed() {
    let server = Server::with_settings(&[("fsync", "off")]);
    server.pause();
    let mut client = connect(server.port()).unwrap();
    client.write_all(&SSL_REQUEST).unwrap();
    client.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let mut answer = [0];
    assert_eq!(client.read(&mut answer).unwrap_err().kind(), ErrorKind::WouldBlock);
    server.resume();
    client.set_read_timeout(None).unwrap();
    client.read_exact(&mut answer).unwrap();
    assert_eq!(answer, *b"N");

    // Neither a kill nor a drop waits for what is paused.
    server.pause();
    server.kill();
    server.start_again();
    assert_eq!(server.psql("postgres", "SELECT 1"), "1");
    server.pause();
}

#[test]
fn two_servers_run_side_by_side_and_end_when_they_are_dropped() {
    let (a, b) = (Server::start(), Server::with_settings(&[("work_mem", "1234kB")]));
    assert_ne!(a.port(), b.port());
    assert_eq!(b.psql("postgres", "SHOW work_mem"), "1234kB");
    assert_eq!(a.psql("postgres", "SHOW fsync"), "on");
    let folder = a.psql("postgres", "SHOW data_directory");
    let (port, pid) = (a.port(), a.pid());
    assert!(exists(pid) && Path::new(&folder).exists());
    drop(a);
    assert!(!exists(pid), "the process is gone");
    assert_eq!(connect(port).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    assert!(!Path::new(&folder).parent().unwrap().exists(), "the folder is gone");
    assert_eq!(b.psql("postgres", "SELECT 1"), "1");
}

#[test]
#[should_panic(expected = "unrecognized configuration parameter \"no_such_setting\"")]
fn a_server_that_does_not_start_shows_its_log() {
    Server::with_settings(&[("no_such_setting", "1")]);
}

/// Runs itself as another process, which holds a server until it is killed.
#[test]
fn a_server_ends_with_a_killed_process() {
    const HOLDS: &str = "CODELUPE_TESTKIT_HOLDS_A_SERVER";
    const MARK: &str = "data folder: ";
    if env::var_os(HOLDS).is_some() {
        let server = Server::with_settings(&[("fsync", "off")]);
        println!("{MARK}{}", server.psql("postgres", "SHOW data_directory"));
        std::io::stdin().read_line(&mut String::new()).unwrap();
        return;
    }
    let mut child = Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "postgres::a_server_ends_with_a_killed_process",
            "--nocapture",
        ])
        .env(HOLDS, "")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let data = lines
        .map_while(Result::ok)
        .find_map(|line| line.split_once(MARK).map(|(_, data)| data.to_owned()));
    let data = data.unwrap();
    let folder = Path::new(&data).parent().unwrap();
    let state = std::fs::read_to_string(folder.join("data/postmaster.pid")).unwrap();
    let server = state.lines().next().unwrap().parse().unwrap();
    assert!(exists(server));
    child.kill().unwrap();
    child.wait().unwrap();
    let deadline = Instant::now() + Duration::from_mins(1);
    while exists(server) || folder.exists() {
        assert!(Instant::now() < deadline, "the server outlives its test");
        sleep(Duration::from_millis(10));
    }
}
