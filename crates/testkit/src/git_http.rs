//! Git's own HTTP server (`git http-backend`) over the bare repositories of a folder.

use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::http::{Request, Server, respond, respond_head};

/// Serves every bare repository below `folder` at its relative path. With a token, `Basic` credentials with that password
/// are asked for.
pub fn serve(folder: &Path, token: Option<&str>) -> Server {
    let (folder, expected) = (folder.to_owned(), token.map(basic));
    Server::start(move |request, stream| {
        if expected.is_some() && request.header("authorization") != expected.as_deref() {
            return respond(stream, 401, &[("www-authenticate", "Basic")], b"");
        }
        ask(&folder, request, |answer| relay(answer, stream))
    })
}

/// The header that a user `x-access-token` with that password sends.
fn basic(token: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("x-access-token:{token}")))
}

/// What git's server answers.
#[derive(Debug)]
pub struct Answer<R> {
    /// The status of HTTP.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: R,
}

/// Asks `git http-backend`, a CGI program (RFC 3875), about the repositories of a folder, and hands its answer to `take`.
///
/// # Errors
/// Those of `take`.
pub fn ask<T>(
    folder: &Path,
    request: &Request,
    take: impl FnOnce(Answer<BufReader<ChildStdout>>) -> io::Result<T>,
) -> io::Result<T> {
    let mut child = backend(folder, request).spawn().expect("git http-backend");
    let mut stdin = child.stdin.take().expect("a pipe");
    let body = request.body.clone();
    let writing = thread::spawn(move || stdin.write_all(&body));
    let taken = read_head(BufReader::new(child.stdout.take().expect("a pipe"))).and_then(take);
    if taken.is_err() {
        let _ = child.kill();
    }
    let _ = child.wait();
    let _ = writing.join();
    taken
}

fn backend(folder: &Path, request: &Request) -> Command {
    let mut command = Command::new("git");
    command
        .arg("http-backend")
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_COUNT", "2")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*")
        .env("GIT_CONFIG_KEY_1", "uploadpack.allowFilter")
        .env("GIT_CONFIG_VALUE_1", "true")
        .env("GIT_PROJECT_ROOT", folder)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", &request.method)
        .env("PATH_INFO", request.path())
        .env("QUERY_STRING", request.query())
        .env("CONTENT_TYPE", request.header("content-type").unwrap_or_default())
        .env("CONTENT_LENGTH", request.body.len().to_string())
        .env("GIT_PROTOCOL", request.header("git-protocol").unwrap_or_default())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

fn read_head<R: BufRead>(mut output: R) -> io::Result<Answer<R>> {
    let (mut status, mut headers) = (200, Vec::new());
    loop {
        let mut line = String::new();
        output.read_line(&mut line)?;
        match line.trim_end().split_once(": ") {
            Some(("Status", text)) => status = text.get(..3).and_then(|code| code.parse().ok()).unwrap_or(500),
            Some((name, value)) => headers.push((name.to_owned(), value.to_owned())),
            None => break,
        }
    }
    Ok(Answer {
        status,
        headers,
        body: output,
    })
}

/// Hands an answer on in chunks (RFC 9112, 7.1): libgit2 reads none whose end is the end of the connection.
fn relay(mut answer: Answer<impl BufRead>, stream: &mut TcpStream) -> io::Result<()> {
    let mut headers: Vec<(&str, &str)> = answer.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
    headers.push(("transfer-encoding", "chunked"));
    respond_head(stream, answer.status, &headers)?;
    loop {
        let piece = answer.body.fill_buf()?;
        let length = piece.len();
        write!(stream, "{length:x}\r\n")?;
        stream.write_all(piece)?;
        stream.write_all(b"\r\n")?;
        answer.body.consume(length);
        if length == 0 {
            return Ok(());
        }
    }
}
