//! A real S3 server on a port of the loopback interface: `s3s-fs`, which keeps each object as a file, with what it lacks beside
//! Amazon's (writes on a condition that exclude each other, buckets that are missing) and faults at the wish of a test.
//!
//! It runs in a thread of the test. It lists an object only by its file: a key cannot be both an object and the prefix of
//! others, and an empty folder is no object. The requests of one [`S3`] that write are served one after another.

mod exchange;
mod faults;
mod gate;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::oneshot;

use self::gate::Gate;

pub use self::exchange::Exchange;

/// The one who may do everything; all others are refused.
const ACCESS_KEY: &str = "testkit";

/// What that one signs with.
const SECRET_KEY: &str = "testkit-secret";

/// An S3 server without buckets; dropped, it stops and its objects are gone.
#[derive(Debug)]
pub struct S3 {
    address: SocketAddr,
    gate: Arc<Gate>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    folder: TempDir,
}

impl S3 {
    /// Starts a server. Its requests name a bucket in the path, not in the host; any region will do.
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        let address = listener.local_addr().expect("a bound socket");
        let folder = tempfile::Builder::new()
            .prefix("codelupe-s3-")
            .tempdir()
            .expect("a temporary folder");
        let gate = Arc::new(Gate::new(folder.path(), ACCESS_KEY, SECRET_KEY));
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(&gate);
        let thread = thread::spawn(move || serve(listener, served, stopped));
        Self {
            address,
            gate,
            stop: Some(stop),
            thread: Some(thread),
            folder,
        }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The port, for a proxy before it.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The access key whose requests are served.
    pub fn access_key(&self) -> &'static str {
        ACCESS_KEY
    }

    /// Its secret.
    pub fn secret_key(&self) -> &'static str {
        SECRET_KEY
    }

    /// Creates a bucket and gives the folder where its objects will lie, each a file under its key.
    pub fn bucket(&self, name: &str) -> PathBuf {
        let folder = self.folder.path().join(name);
        fs::create_dir(&folder).expect("a bucket that is not there yet");
        folder
    }

    /// Answers the next `count` requests with 503, `SlowDown`; their bodies are read and forgotten.
    pub fn refuse_next(&self, count: u32) {
        self.gate.faults().refused = count;
    }

    /// How long every request from now on waits before it is served. Nothing at the start.
    pub fn set_delay(&self, delay: Duration) {
        self.gate.faults().delay = delay;
    }

    /// Closes the connection of the next request with a body when that many bytes of it have come, or all that it has, and
    /// forgets them.
    pub fn cut_next_upload(&self, after_bytes: u64) {
        self.gate.faults().cut_upload = Some(after_bytes);
    }

    /// Closes the connection of the next `GET` after that many bytes of the answer's body; an answer that is shorter is whole.
    pub fn cut_next_download(&self, after_bytes: u64) {
        self.gate.faults().cut_download = Some(after_bytes);
    }

    /// What was asked since the last call, in the order of arrival.
    pub fn take_exchanges(&self) -> Vec<Exchange> {
        self.gate.take_exchanges()
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let joined = thread.join();
            assert!(joined.is_ok() || thread::panicking(), "the S3 server panicked");
        }
    }
}

fn serve(listener: TcpListener, gate: Arc<Gate>, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
        tokio::select! {
            () = gate.accept(&listener) => {}
            _ = stopped => {}
        }
    });
}
