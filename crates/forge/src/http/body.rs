//! The body of an answer as it comes in.

use std::io::{self, BufRead, Read};
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use codelupe_telemetry::{FORGE_RECEIVED, Forge, ForgeLabels};
use flate2::write::GzDecoder;
use tokio::runtime::Handle;

use super::shown;
use crate::error::{Error, ErrorKind};

/// The slowest that an answer may come, in bytes per second, once it has had [`SLOW_AFTER`]. The same as a low-speed limit
/// for git (`http.lowSpeedLimit`) that its documentation gives as an example.
const LOW_SPEED: u64 = 1000;

/// How long an answer may be slow.
const SLOW_AFTER: Duration = Duration::from_secs(30);

/// An answer's body.
#[derive(Debug)]
pub(crate) struct Body {
    response: reqwest::Response,
    forge: Forge,
    started: Instant,
    received: u64,
}

impl Body {
    pub(super) fn new(response: reqwest::Response, forge: Forge) -> Self {
        Self {
            response,
            forge,
            started: Instant::now(),
            received: 0,
        }
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// `Network` when the connection breaks off, `Timeout` when it is silent or slow.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let chunk = self.response.chunk().await.map_err(|error| {
            let kind = if error.is_timeout() {
                ErrorKind::Timeout
            } else {
                ErrorKind::Network
            };
            Error::new(kind, shown(self.response.url())).with_source(error.without_url())
        })?;
        let more = chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
        self.received += more;
        FORGE_RECEIVED.add(ForgeLabels { forge: self.forge }, more);
        let elapsed = self.started.elapsed();
        if chunk.is_some() && elapsed > SLOW_AFTER && self.received < LOW_SPEED * elapsed.as_secs() {
            let why = format!(
                "{}: {} bytes in {} s",
                shown(self.response.url()),
                self.received,
                elapsed.as_secs()
            );
            return Err(Error::new(ErrorKind::Timeout, why));
        }
        Ok(chunk)
    }

    /// The whole body, unpacked if it says that it is gzip.
    ///
    /// # Errors
    /// As [`Self::chunk`]; `TooLarge` when it has, unpacked, more than `limit` bytes; `Protocol` when it does not unpack.
    pub(crate) async fn bytes(mut self, limit: usize) -> Result<Vec<u8>, Error> {
        let gzip = self
            .response
            .headers()
            .get("content-encoding")
            .is_some_and(|encoding| encoding == "gzip");
        let place = shown(self.response.url());
        let mut sink = Capped {
            bytes: Vec::new(),
            limit,
        };
        let full = |error: io::Error| match error.kind() {
            io::ErrorKind::FileTooLarge => Error::new(ErrorKind::TooLarge, format!("{place}: more than {limit} bytes")),
            _ => Error::new(ErrorKind::Protocol, place.clone()).with_source(error),
        };
        if gzip {
            let mut decoder = GzDecoder::new(&mut sink);
            while let Some(chunk) = self.chunk().await? {
                io::Write::write_all(&mut decoder, &chunk).map_err(&full)?;
            }
            decoder.finish().map_err(&full)?;
        } else {
            while let Some(chunk) = self.chunk().await? {
                io::Write::write_all(&mut sink, &chunk).map_err(&full)?;
            }
        }
        Ok(sink.bytes)
    }

    /// The body as a blocking reader.
    pub(crate) fn reader(self, runtime: Handle, deadline: Instant) -> BodyReader {
        BodyReader {
            body: self,
            runtime,
            deadline,
            chunk: Bytes::new(),
        }
    }
}

/// A buffer with a maximum size in bytes.
struct Capped {
    bytes: Vec<u8>,
    limit: usize,
}

impl io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A body, read by a thread that waits for it. An error of this crate travels inside of its errors.
#[derive(Debug)]
pub(crate) struct BodyReader {
    body: Body,
    runtime: Handle,
    deadline: Instant,
    chunk: Bytes,
}

impl BufRead for BodyReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.chunk.is_empty() {
            if Instant::now() > self.deadline {
                let why = format!("{}: it takes too long", shown(self.body.response.url()));
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    Error::new(ErrorKind::Timeout, why),
                ));
            }
            match self.runtime.block_on(self.body.chunk()).map_err(io::Error::other)? {
                Some(chunk) => self.chunk = chunk,
                None => break,
            }
        }
        Ok(&self.chunk)
    }

    fn consume(&mut self, amount: usize) {
        self.chunk.advance(amount.min(self.chunk.len()));
    }
}

impl Read for BodyReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let buffer = self.fill_buf()?;
        let length = buffer.len().min(into.len());
        into[..length].copy_from_slice(&buffer[..length]);
        self.consume(length);
        Ok(length)
    }
}
