//! What was asked of the server.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::RANGE;
use hyper::http::request::Parts;

/// A request and the size of what went to and fro; heads and signatures are not counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// `GET`, `PUT`.
    pub method: String,
    /// Path, which begins with the bucket, and query.
    pub target: String,
    /// The header `Range`.
    pub range: Option<String>,
    /// The status of the answer; none where the connection was closed before it, or there is no answer yet.
    pub status: Option<u16>,
    /// The bytes of the request's body.
    pub received_bytes: u64,
    /// The bytes of the answer's body that were on their way; nearly all of them may be lost when the connection is closed.
    pub sent_bytes: u64,
}

/// An exchange that may still go on.
#[derive(Debug)]
pub(super) struct Record {
    method: String,
    target: String,
    range: Option<String>,
    /// 0 until there is one.
    pub(super) status: AtomicU16,
    pub(super) received: AtomicU64,
    pub(super) sent: AtomicU64,
}

impl Record {
    pub(super) fn new(request: &Parts) -> Self {
        let range = request.headers.get(RANGE);
        Self {
            method: request.method.to_string(),
            target: request.uri.to_string(),
            range: range.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
            status: AtomicU16::new(0),
            received: AtomicU64::new(0),
            sent: AtomicU64::new(0),
        }
    }

    pub(super) fn exchange(&self) -> Exchange {
        let status = self.status.load(Ordering::SeqCst);
        Exchange {
            method: self.method.clone(),
            target: self.target.clone(),
            range: self.range.clone(),
            status: (status != 0).then_some(status),
            received_bytes: self.received.load(Ordering::SeqCst),
            sent_bytes: self.sent.load(Ordering::SeqCst),
        }
    }
}

/// The error of the answers' bodies.
pub(super) type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// The body of an answer, counted before it is sent, and cut off where a test wants that.
pub(super) struct Counted {
    pub(super) body: UnsyncBoxBody<Bytes, BodyError>,
    pub(super) record: Arc<Record>,
    pub(super) cut_after: Option<u64>,
}

impl Body for Counted {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let sent = self.record.sent.load(Ordering::SeqCst);
        if self.cut_after.is_some_and(|limit| sent >= limit) {
            return Poll::Ready(Some(Err("cut off".into())));
        }
        let limit = self.cut_after.map_or(u64::MAX, |limit| limit - sent);
        let polled = Pin::new(&mut self.body).poll_frame(context);
        polled.map_ok(|frame| {
            frame.map_data(|data| {
                let kept = data.len().min(usize::try_from(limit).unwrap_or(usize::MAX));
                let kept = data.slice(..kept);
                self.record.sent.fetch_add(kept.len() as u64, Ordering::SeqCst);
                kept
            })
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
