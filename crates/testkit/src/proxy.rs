//! A TCP proxy on the loopback interface: the network between a client and a server, which can be slow and can fail.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use rustix::net::connect_unspec;

use crate::port;

/// How long the server may take to accept a connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// The most bytes that are passed on at once.
const PIECE_BYTES: usize = 16 * 1024;

/// The most pieces on their way in one direction of a connection.
const PIECES: usize = 64;

/// A proxy before one port; dropped, its connections are closed.
///
/// A connection that the server refuses is taken and closed at once: the proxy is asked before the server is.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    network: Arc<Network>,
    /// The thread that accepts connections; none while they are refused.
    accepting: Mutex<Option<JoinHandle<()>>>,
}

impl Proxy {
    /// Starts a proxy before a port of the loopback interface.
    pub fn start(upstream: u16) -> Self {
        let proxy = Self {
            port: port::unused(),
            network: Arc::new(Network {
                upstream,
                latency: Mutex::new(Duration::ZERO),
                is_cut: AtomicBool::new(false),
                connections: Mutex::new(Vec::new()),
            }),
            accepting: Mutex::new(None),
        };
        proxy.restore();
        proxy
    }

    /// The port to connect to; it stays the same.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How long every byte that is read from now on travels, in each of the two directions. Nothing at the start.
    pub fn set_latency(&self, latency: Duration) {
        *lock(&self.network.latency) = latency;
    }

    /// Closes all connections, and refuses new ones until [`Proxy::restore`]. What is on its way is lost.
    pub fn cut(&self) {
        let Some(accepting) = lock(&self.accepting).take() else {
            return;
        };
        self.network.is_cut.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts, which then closes its port.
        let woken = TcpStream::connect(address(self.port));
        accepting.join().expect("the accepting thread does not panic");
        drop(woken);
        for connection in lock(&self.network.connections).drain(..) {
            connection.close();
        }
    }

    /// Takes connections again after [`Proxy::cut`].
    ///
    /// # Panics
    /// When another program took the port.
    pub fn restore(&self) {
        let mut accepting = lock(&self.accepting);
        if accepting.is_none() {
            let listener = TcpListener::bind(address(self.port)).expect("the proxy's port is free");
            self.network.is_cut.store(false, Ordering::SeqCst);
            let network = Arc::clone(&self.network);
            *accepting = Some(thread::spawn(move || network.accept(&listener)));
        }
    }

    /// Resets all connections (TCP's RST): both ends get an error instead of an end. New ones are taken as before.
    pub fn reset(&self) {
        for connection in lock(&self.network.connections).drain(..) {
            connection.reset();
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
    }
}

/// What the proxy and its threads share.
#[derive(Debug)]
struct Network {
    upstream: u16,
    latency: Mutex<Duration>,
    is_cut: AtomicBool,
    /// Every connection that may still be open.
    connections: Mutex<Vec<Arc<Connection>>>,
}

impl Network {
    /// Takes connections until the network is cut. One is listed before the next one is accepted, so that [`Proxy::cut`]
    /// finds all of them when this has returned.
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        loop {
            let accepted = listener.accept();
            if self.is_cut.load(Ordering::SeqCst) {
                return;
            }
            let (client, _) = accepted.expect("the process has files to spare");
            let Ok(upstream) = TcpStream::connect_timeout(&address(self.upstream), PATIENCE) else {
                continue;
            };
            for end in [&client, &upstream] {
                end.set_nodelay(true).expect("a socket takes this option");
            }
            let connection = Arc::new(Connection { client, upstream });
            lock(&self.connections).push(Arc::clone(&connection));
            let network = Arc::clone(self);
            thread::spawn(move || network.serve(&connection));
        }
    }

    fn serve(&self, connection: &Arc<Connection>) {
        let Connection { client, upstream } = connection.as_ref();
        thread::scope(|scope| {
            scope.spawn(|| self.pass_on(client, upstream));
            self.pass_on(upstream, client);
        });
        lock(&self.connections).retain(|other| !Arc::ptr_eq(other, connection));
    }

    /// Passes on what `from` sends until it ends. One thread reads and one writes, so that a latency delays what is sent
    /// without limiting how much is.
    fn pass_on(&self, mut from: &TcpStream, to: &TcpStream) {
        let (sender, receiver) = sync_channel(PIECES);
        thread::scope(|scope| {
            scope.spawn(move || write_when_due(&receiver, to));
            let mut buffer = vec![0; PIECE_BYTES];
            while let Ok(length @ 1..) = from.read(&mut buffer) {
                let due = Instant::now() + *lock(&self.latency);
                if sender.send((due, buffer[..length].to_vec())).is_err() {
                    break;
                }
            }
            drop(sender);
        });
    }
}

/// One client's connection and ours to the server for it.
#[derive(Debug)]
struct Connection {
    client: TcpStream,
    upstream: TcpStream,
}

impl Connection {
    fn close(&self) {
        for end in [&self.client, &self.upstream] {
            // It fails when the other side has closed already.
            drop(end.shutdown(Shutdown::Both));
        }
    }

    /// Dissolving the association of a TCP socket sends RST at once (Linux, connect(2)), whatever the threads do that use it.
    fn reset(&self) {
        for end in [&self.client, &self.upstream] {
            connect_unspec(end).expect("Linux dissolves a connection");
        }
    }
}

/// Writes every piece at its time, and the end after the last one.
fn write_when_due(pieces: &Receiver<(Instant, Vec<u8>)>, mut to: &TcpStream) {
    for (due, bytes) in pieces {
        sleep(due.saturating_duration_since(Instant::now()));
        if to.write_all(&bytes).is_err() {
            return;
        }
    }
    // It fails when the other side has closed already.
    drop(to.shutdown(Shutdown::Write));
}

fn address(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
