//! An HTTP server on the loopback interface that answers what a test wants, well-formed or not.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use crate::port;

/// Ports that are tried.
const MAX_PORTS: usize = 100;

/// The largest request body that is read, in bytes.
const MAX_BODY_BYTES: u64 = 64 << 20;

/// A request as it was received.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET`, `POST`.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The target without its query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The query, without `?`.
    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }
}

/// A server; each connection carries one request. Dropped, it accepts no more.
#[derive(Debug)]
pub struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
    stopping: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server; `answer` writes the whole answer, head and all, for instance by [`respond`].
    pub fn start(answer: impl Fn(&Request, &mut TcpStream) -> io::Result<()> + Send + Sync + 'static) -> Self {
        // Another test may take a port between the look at it and its use.
        let (port, listener) = (0..MAX_PORTS)
            .map(|_| port::unused())
            .find_map(|port| Some((port, TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()?)))
            .expect("a port to listen on");
        let (requests, stopping) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (log, stop, answer) = (Arc::clone(&requests), Arc::clone(&stopping), Arc::new(answer));
        let accepting = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                thread::spawn(move || serve(stream, &log, &*answer));
            }
        });
        Self {
            port,
            requests,
            stopping,
            accepting: Some(accepting),
        }
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of a path, which begins with `/`.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, self.port)));
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

fn serve(stream: TcpStream, log: &Mutex<Vec<Request>>, answer: &dyn Fn(&Request, &mut TcpStream) -> io::Result<()>) {
    let mut reader = BufReader::new(stream);
    // A client that goes away in the middle is part of some tests.
    if let Ok(request) = read_request(&mut reader) {
        log.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
        let mut stream = reader.into_inner();
        let _ = answer(&request, &mut stream);
        let _ = stream.shutdown(Shutdown::Write);
        let _ = io::copy(&mut stream.take(MAX_BODY_BYTES), &mut io::sink());
    }
}

fn read_request(reader: &mut BufReader<TcpStream>) -> io::Result<Request> {
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut words = first.split_whitespace().map(str::to_owned);
    let missing = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let (method, target) = (words.next().ok_or_else(missing)?, words.next().ok_or_else(missing)?);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end().split_once(':') {
            Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.trim().to_owned())),
            None => break,
        }
    }
    let mut request = Request {
        method,
        target,
        headers,
        body: Vec::new(),
    };
    let length = request
        .header("content-length")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    reader
        .take(u64::min(length, MAX_BODY_BYTES))
        .read_to_end(&mut request.body)?;
    Ok(request)
}

/// Writes an answer.
///
/// # Errors
/// The client went away.
pub fn respond(stream: &mut TcpStream, status: u16, headers: &[(&str, &str)], body: &[u8]) -> io::Result<()> {
    let mut head = format!(
        "HTTP/1.1 {status} status\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    head += &lines(headers);
    stream.write_all((head + "\r\n").as_bytes())?;
    stream.write_all(body)
}

/// Writes the head of an answer whose end is the end of the connection.
///
/// # Errors
/// The client went away.
pub fn respond_head(stream: &mut TcpStream, status: u16, headers: &[(&str, &str)]) -> io::Result<()> {
    let head = format!("HTTP/1.1 {status} status\r\nconnection: close\r\n");
    stream.write_all((head + &lines(headers) + "\r\n").as_bytes())
}

fn lines(headers: &[(&str, &str)]) -> String {
    let lines: Vec<String> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    lines.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_answered_and_remembered() {
        let server = Server::start(|request, stream| respond(stream, 200, &[("x-a", "b")], &request.body));
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())).unwrap();
        stream
            .write_all(b"POST /a?b=c HTTP/1.1\r\nContent-Length: 2\r\nX-Y: z\r\n\r\nhi")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.ends_with("x-a: b\r\n\r\nhi"),
            "{answer}"
        );
        let request = server.requests().remove(0);
        assert_eq!(
            (request.path(), request.query(), request.header("x-y")),
            ("/a", "b=c", Some("z"))
        );
    }
}
