use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use codelupe_testkit::postgres;
use codelupe_testkit::proxy::Proxy;

use crate::{SSL_REQUEST, connect};

/// A server that sends back what it gets, on a port of its own until the tests end.
fn echo() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            thread::spawn(move || std::io::copy(&mut &client, &mut &client));
        }
    });
    port
}

/// What comes back for one byte.
fn exchange(client: &mut TcpStream, sent: u8) -> u8 {
    client.write_all(&[sent]).unwrap();
    let mut answer = [0];
    client.read_exact(&mut answer).unwrap();
    answer[0]
}

#[test]
fn everything_is_passed_on_and_so_is_the_end() {
    let proxy = Proxy::start(echo());
    for bytes in [0, 1, 3_000_000] {
        let sent: Vec<u8> = (0..251).cycle().take(bytes).collect();
        let client = connect(proxy.port()).unwrap();
        let received = thread::scope(|scope| {
            scope.spawn(|| {
                (&client).write_all(&sent).unwrap();
                client.shutdown(Shutdown::Write).unwrap();
            });
            let mut received = Vec::new();
            (&client).read_to_end(&mut received).unwrap();
            received
        });
        assert!(received == sent, "{bytes} bytes became {}", received.len());
    }
}

#[test]
fn a_latency_delays_each_way() {
    let proxy = Proxy::start(echo());
    let latency = Duration::from_millis(60);
    proxy.set_latency(latency);
    let mut client = connect(proxy.port()).unwrap();
    let start = Instant::now();
    assert_eq!(exchange(&mut client, 7), 7);
    assert!(start.elapsed() >= 2 * latency);
}

#[test]
fn a_cut_network_is_closed_until_it_is_restored() {
    let proxy = Proxy::start(echo());
    let mut clients = [connect(proxy.port()).unwrap(), connect(proxy.port()).unwrap()];
    for client in &mut clients {
        assert_eq!(exchange(client, 1), 1);
    }
    for _ in 0..2 {
        proxy.cut();
        proxy.cut();
        for client in &mut clients {
            assert_eq!(client.read(&mut [0]).unwrap(), 0);
        }
        let refused = connect(proxy.port()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        proxy.restore();
        proxy.restore();
        assert_eq!(exchange(&mut connect(proxy.port()).unwrap(), 2), 2);
    }
}

#[test]
fn a_reset_connection_is_an_error_and_the_next_one_is_not() {
    let proxy = Proxy::start(echo());
    let mut client = connect(proxy.port()).unwrap();
    assert_eq!(exchange(&mut client, 1), 1);
    proxy.reset();
    let error = client.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(exchange(&mut connect(proxy.port()).unwrap(), 2), 2);
}

#[test]
fn without_a_server_a_connection_ends_at_once() {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let proxy = Proxy::start(port);
    let mut client = connect(proxy.port()).unwrap();
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
}

#[test]
fn postgres_answers_through_it() {
    let proxy = Proxy::start(postgres::shared().port());
    let mut client = connect(proxy.port()).unwrap();
    client.write_all(&SSL_REQUEST).unwrap();
    let mut answer = [0];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(answer, *b"N");
    assert_eq!(
        postgres::url(proxy.port(), "x"),
        format!("postgres://postgres@127.0.0.1:{}/x", proxy.port())
    );
}
