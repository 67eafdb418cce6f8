//! What stands between the network and the server.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body as _, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::SimpleAuth;
use s3s::path::S3Path;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3Result, s3_error};
use s3s_fs::FileSystem;
use tokio::net::TcpListener;
use tokio::time::sleep;

use super::exchange::{BodyError, Counted, Exchange, Record};
use super::faults::Faults;

/// What Amazon answers to one who asks too much.
const SLOW_DOWN: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
     <Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";

/// The server and what is done to its requests.
pub(super) struct Gate {
    service: S3Service,
    faults: Mutex<Faults>,
    records: Mutex<Vec<Arc<Record>>>,
    /// Held while a request writes: the server looks whether an object exists first and writes it then.
    writing: tokio::sync::Mutex<()>,
}

impl Gate {
    /// A server over the buckets in `folder`, for clients that have the access key and its secret.
    pub(super) fn new(folder: &Path, access_key: &str, secret: &str) -> Self {
        let files = FileSystem::new(folder).expect("a folder of our own");
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single(access_key, secret));
        builder.set_access(Buckets(folder.to_owned()));
        Self {
            service: builder.build(),
            faults: Mutex::default(),
            records: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.faults)
    }

    pub(super) fn take_exchanges(&self) -> Vec<Exchange> {
        let records = std::mem::take(&mut *lock(&self.records));
        records.iter().map(|record| record.exchange()).collect()
    }

    /// Takes connections for ever.
    pub(super) async fn accept(self: Arc<Self>, listener: &TcpListener) {
        loop {
            let (stream, _) = listener.accept().await.expect("the process has files to spare");
            let gate = Arc::clone(&self);
            let service = service_fn(move |request| Arc::clone(&gate).answer(request));
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            // Its error is that of a client that went away, or of a connection that a test wanted to be cut.
            tokio::spawn(async move { connection.await.unwrap_or_default() });
        }
    }

    /// Answers one request.
    ///
    /// # Errors
    /// When the connection is to be closed.
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Counted>, BodyError> {
        let (parts, body) = request.into_parts();
        let record = Arc::new(Record::new(&parts));
        lock(&self.records).push(Arc::clone(&record));
        let fate = self.faults().next(!body.is_end_stream(), parts.method == Method::GET);
        let body = receive(body, &record, fate.cut_upload).await?;
        sleep(fate.delay).await;
        let response = if fate.is_refused {
            refusal()?
        } else {
            self.serve(Request::from_parts(parts, body)).await?
        };
        record.status.store(response.status().as_u16(), Ordering::SeqCst);
        Ok(response.map(|body| Counted {
            body: body.map_err(Into::into).boxed_unsync(),
            record,
            cut_after: fate.cut_download,
        }))
    }

    async fn serve(&self, request: Request<Bytes>) -> Result<Response<s3s::Body>, BodyError> {
        let writes = ![Method::GET, Method::HEAD].contains(request.method());
        let _alone = if writes { Some(self.writing.lock().await) } else { None };
        Ok(self.service.call(request.map(s3s::Body::from)).await?)
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Gate").finish_non_exhaustive()
    }
}

/// Reads the body of a request, at most to where it is to be cut.
async fn receive(mut body: Incoming, record: &Record, cut_after: Option<u64>) -> Result<Bytes, BodyError> {
    let mut received = BytesMut::new();
    while cut_after.is_none_or(|limit| (received.len() as u64) < limit)
        && let Some(frame) = body.frame().await
    {
        if let Ok(data) = frame?.into_data() {
            record.received.fetch_add(data.len() as u64, Ordering::SeqCst);
            received.extend_from_slice(&data);
        }
    }
    match cut_after {
        None => Ok(received.freeze()),
        Some(_) => Err("cut off".into()),
    }
}

fn refusal() -> Result<Response<s3s::Body>, BodyError> {
    Ok(Response::builder()
        .status(StatusCode::SERVICE_UNAVAILABLE)
        .header(CONTENT_TYPE, "application/xml")
        .body(s3s::Body::http_body(Full::from(SLOW_DOWN)))?)
}

/// Refuses what is not signed, and buckets that are missing: the server would make them.
struct Buckets(PathBuf);

#[async_trait::async_trait]
impl S3Access for Buckets {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        if context.credentials().is_none() {
            return Err(s3_error!(AccessDenied, "Signature is required"));
        }
        match context.s3_path() {
            S3Path::Bucket { bucket } | S3Path::Object { bucket, .. }
                if context.s3_op().name() != "CreateBucket" && !self.0.join(&**bucket).is_dir() =>
            {
                Err(s3_error!(NoSuchBucket))
            }
            _ => Ok(()),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
