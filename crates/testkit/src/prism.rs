//! Prism, which answers by an OpenAPI description and says where a request does not keep to it.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::http::{Request, Server};
use crate::watched::Watched;
use crate::{npm, port, process};

/// Prism, and GitHub's own descriptions of its API.
const PACKAGES: [&str; 2] = ["@stoplight/prism-cli@5.16.0", "@octokit/openapi@23.0.2"];

/// How long it may take to read a description: GitHub's took 12 s on two cores.
const PATIENCE: Duration = Duration::from_mins(3);

/// How long to wait before it is looked at again.
const POLL: Duration = Duration::from_millis(50);

/// Where the description's paths lie in front of Prism, as on an instance of one's own.
const BELOW: &str = "/api/v3";

/// A request, and what Prism thought of it.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The request.
    pub request: Request,
    /// The status of the answer.
    pub status: u16,
    /// Where the request does not keep to the description: the header `sl-violations`, without what is said of Prism's own
    /// answer.
    pub violations: Vec<Value>,
    /// The body of the answer.
    pub body: Vec<u8>,
}

/// Prism over the description of `api.github.com`, its paths below `/api/v3`; dropped, it ends.
#[derive(Debug)]
pub struct Prism {
    front: Server,
    exchanges: Arc<Mutex<Vec<Exchange>>>,
    _running: Watched,
    _folder: TempDir,
}

impl Prism {
    /// Installs it below `cache`, unless it is there, and starts it.
    ///
    /// # Panics
    /// Without Node.js, without the network where it is not installed, or when it does not come up within three minutes.
    pub fn start(cache: &Path) -> Self {
        let modules = npm::install(cache, &PACKAGES);
        let folder = tempfile::Builder::new()
            .prefix("codelupe-prism-")
            .tempdir()
            .expect("a temporary folder");
        let port = port::unused();
        let running = launch(&modules, folder.path(), port);
        let exchanges = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&exchanges);
        let front = Server::start(move |request, stream| {
            let answer = ask(port, request)?;
            // Before the client has its answer and asks what was said of it.
            let exchange = Exchange::new(request, &answer);
            log.lock().unwrap_or_else(PoisonError::into_inner).push(exchange);
            stream.write_all(&answer)
        });
        Self {
            front,
            exchanges,
            _running: running,
            _folder: folder,
        }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.front.url("")
    }

    /// What was asked since the last call, in order.
    pub fn take_exchanges(&self) -> Vec<Exchange> {
        std::mem::take(&mut self.exchanges.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Exchange {
    fn new(request: &Request, answer: &[u8]) -> Self {
        let end = answer
            .windows(4)
            .position(|bytes| bytes == b"\r\n\r\n")
            .expect("a whole head");
        let head = String::from_utf8_lossy(&answer[..end]);
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let violations = lines
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("sl-violations"))
            .map_or(Vec::new(), |(_, text)| {
                serde_json::from_str(text).expect("a list of violations")
            });
        Self {
            request: request.clone(),
            status: status.expect("a status"),
            violations: violations.into_iter().filter(is_of_request).collect(),
            body: answer[end + 4..].to_vec(),
        }
    }
}

/// Whether a violation is one of the request.
fn is_of_request(violation: &Value) -> bool {
    violation.pointer("/location/0").is_none_or(|part| part != "response")
}

fn launch(modules: &Path, folder: &Path, port: u16) -> Watched {
    let description = modules.join("@octokit/openapi/generated/api.github.com.json");
    let arguments = [
        modules.join(".bin/prism").display().to_string(),
        "mock".to_owned(),
        "--host=127.0.0.1".to_owned(),
        format!("--port={port}"),
        description.display().to_string(),
    ];
    let running = Watched::start(Command::new("sh"), folder, Path::new("node"), &arguments);
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        let log = || String::from_utf8_lossy(&std::fs::read(folder.join("log")).unwrap_or_default()).into_owned();
        assert!(!process::has_ended(running.server()), "Prism did not start:\n{}", log());
        assert!(Instant::now() < deadline, "Prism did not come up:\n{}", log());
        sleep(POLL);
    }
    running
}

/// Passes a request on as it is, its path as in the description, and gives the whole answer.
fn ask(port: u16, request: &Request) -> io::Result<Vec<u8>> {
    let target = request.target.strip_prefix(BELOW).unwrap_or(&request.target);
    let headers: Vec<String> = request
        .headers
        .iter()
        .filter(|(name, _)| name != "connection")
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let (method, headers) = (&request.method, headers.concat());
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    write!(
        stream,
        "{method} {target} HTTP/1.1\r\nconnection: close\r\n{headers}\r\n"
    )?;
    stream.write_all(&request.body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}
