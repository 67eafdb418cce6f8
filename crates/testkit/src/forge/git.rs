//! The repositories themselves, by git's own server.

use std::io::Read;
use std::path::PathBuf;

use super::{Asked, Reply};
use crate::git_http;
use crate::http::Request;

/// What git's server says of a repository in `folder`.
pub(super) async fn answer(folder: PathBuf, asked: Asked) -> Reply {
    let query: Vec<String> = asked
        .query
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let request = Request {
        target: format!("{}?{}", asked.path, query.join("&")),
        method: asked.method,
        headers: asked.headers.into_iter().collect(),
        body: asked.body.into_bytes(),
    };
    let asking = tokio::task::spawn_blocking(move || {
        git_http::ask(&folder, &request, |mut answer| {
            let mut body = Vec::new();
            answer.body.read_to_end(&mut body)?;
            let kind = answer
                .headers
                .into_iter()
                .find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
            Ok(Reply {
                status: answer.status,
                headers: kind.map(|(_, value)| ("content-type", value)).into_iter().collect(),
                body,
            })
        })
    });
    asking.await.expect("a thread").expect("git answers")
}
