//! Forges on the loopback interface that keep to what the documentation of GitHub, GitLab and Gitea says of listing:
//! totals, caps, orders, links, limits, and the ways in which they fail.
//!
//! They have state: a test edits the [`World`] between two requests, or lets it change by itself while it is listed.

mod asked;
mod git;
mod gitea;
mod github;
mod gitlab;
mod limits;
mod reply;
mod search;
mod world;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use tokio::sync::oneshot;

pub use asked::Asked;
pub use limits::{Limit, Limits};
pub use reply::Reply;
pub use world::{Fault, Hosted, World, generate};

/// The largest request in bytes.
const MAX_REQUEST_BYTES: usize = 4 * 1024 * 1024;

/// The software of a forge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// GitHub Enterprise Server: the API of GitHub below `/api/v3` and `/api/graphql`.
    GitHub,
    /// GitLab.
    GitLab,
    /// Gitea.
    Gitea,
}

/// A forge; dropped, it stops.
#[derive(Debug)]
pub struct ForgeServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    kind: Kind,
    base: String,
    world: Mutex<World>,
    requests: Mutex<Vec<Asked>>,
}

impl ForgeServer {
    /// Starts a forge that has `repositories`.
    pub fn start(kind: Kind, repositories: Vec<Hosted>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        let address = listener.local_addr().expect("a bound socket");
        let shared = Arc::new(Shared {
            kind,
            base: format!("http://{address}"),
            world: Mutex::new(World::new(repositories)),
            requests: Mutex::default(),
        });
        let (stop, stopped) = oneshot::channel();
        let router = Router::new().fallback(handle).with_state(Arc::clone(&shared));
        let thread = thread::spawn(move || serve(listener, router, stopped));
        Self {
            address,
            shared,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.shared.base
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Looks at the world, or changes it.
    pub fn edit<T>(&self, edit: impl FnOnce(&mut World) -> T) -> T {
        edit(&mut lock(&self.shared.world))
    }

    /// What it was asked since the last call, in order.
    pub fn take_requests(&self) -> Vec<Asked> {
        std::mem::take(&mut lock(&self.shared.requests))
    }
}

impl Drop for ForgeServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let joined = thread.join();
            assert!(joined.is_ok() || thread::panicking(), "the forge panicked");
        }
    }
}

fn serve(listener: TcpListener, router: Router, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
        tokio::select! {
            served = axum::serve(listener, router) => served.expect("serving"),
            _ = stopped => {}
        }
    });
}

async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MAX_REQUEST_BYTES).await.expect("a small request");
    let asked = Asked::new(&parts, &body);
    let folder = lock(&shared.world).git.clone();
    let reply = match folder.filter(|_| asked.path.contains(".git/")) {
        Some(folder) => git::answer(folder, asked.clone()).await,
        None => shared.answer(&asked),
    };
    lock(&shared.requests).push(asked);
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(*name, value);
    }
    response.body(Body::from(reply.body)).expect("good headers")
}

impl Shared {
    fn answer(&self, asked: &Asked) -> Reply {
        let mut world = lock(&self.world);
        let resource = limits::resource(asked);
        if let Err(reply) = world.limits.take(resource) {
            return reply;
        }
        let fault = world.faults.pop_front().flatten();
        if let Some(reply) = fault.and_then(Fault::instead) {
            return reply;
        }
        let mut reply = match self.kind {
            Kind::GitHub => github::answer(&world, asked, &self.base, fault),
            Kind::GitLab => gitlab::answer(&world, asked, &self.base, fault),
            Kind::Gitea => gitea::answer(&world, asked, &self.base, fault),
        };
        if fault == Some(Fault::Truncated) {
            reply.body.truncate(reply.body.len() / 2);
        }
        reply.headers.extend(world.limits.headers(resource));
        if let Some(drift) = world.drift {
            drift(&mut world);
        }
        reply.not_modified_if(asked)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
