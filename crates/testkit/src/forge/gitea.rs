//! The API of Gitea and Forgejo: search, the repositories of an owner, single ones.

use serde_json::{Value, json};

use super::github::time;
use super::{Asked, Fault, Hosted, Reply, World};

pub(super) fn answer(world: &World, asked: &Asked, base: &str, fault: Option<Fault>) -> Reply {
    let segments: Vec<_> = asked.path.trim_matches('/').split('/').collect();
    match segments.as_slice() {
        ["api", "v1", "repos", "search"] => search(world, asked, base, fault),
        ["api", "v1", "users" | "orgs", owner, "repos"] => owned(world, asked, owner, base, fault),
        ["api", "v1", "repos", owner, name] => by_name(world, &format!("{owner}/{name}"), base),
        // A real Gitea 1.26 answers so: by number only to those who sign in.
        ["api", "v1", "repositories", _] if !asked.headers.contains_key("authorization") => {
            Reply::error(401, "token is required")
        }
        ["api", "v1", "repositories", id] => {
            let found = id.parse().ok().and_then(|id| world.repositories.get(&id));
            found.map_or_else(
                || Reply::error(404, "Not Found"),
                |hosted| Reply::json(&entry(hosted, base)),
            )
        }
        _ => Reply::error(404, "Not Found"),
    }
}

fn search(world: &World, asked: &Asked, base: &str, fault: Option<Fault>) -> Reply {
    let text = asked.query.get("q").map_or("", String::as_str);
    let is_topic = asked.query.get("topic").is_some_and(|topic| topic == "true");
    let mode = asked.query.get("mode").map_or("", String::as_str);
    let archived = asked.query.get("archived").map(String::as_str);
    let found: Vec<_> = world
        .repositories
        .values()
        .filter(|hosted| {
            if is_topic {
                hosted.topics.contains(&text)
            } else {
                hosted.full_name.contains(text)
            }
        })
        .filter(|hosted| mode != "fork" || hosted.parent.is_some())
        .filter(|hosted| mode != "source" || hosted.parent.is_none())
        .filter(|hosted| archived.is_none_or(|archived| hosted.archived.to_string() == archived))
        .collect();
    let (list, reply) = page(asked, &found, base, fault);
    reply(Reply::json(&json!({"ok": true, "data": list})))
}

fn owned(world: &World, asked: &Asked, owner: &str, base: &str, fault: Option<Fault>) -> Reply {
    let found: Vec<_> = world
        .repositories
        .values()
        .filter(|hosted| hosted.owner() == owner)
        .collect();
    if found.is_empty() {
        return Reply::error(404, "Not Found");
    }
    let (list, reply) = page(asked, &found, base, fault);
    reply(Reply::json(&Value::from(list)))
}

/// The entries of a page, and what puts the total and the link into the answer.
fn page<'a>(
    asked: &'a Asked,
    found: &[&Hosted],
    base: &'a str,
    fault: Option<Fault>,
) -> (Vec<Value>, impl FnOnce(Reply) -> Reply + use<'a>) {
    let (page, size) = asked.page("limit", 30, 50);
    let total = found.len();
    let mut list: Vec<_> = found
        .iter()
        .skip((page - 1) * size)
        .take(size)
        .map(|hosted| entry(hosted, base))
        .collect();
    if fault == Some(Fault::Malformed) {
        list.insert(0, Value::Null);
    }
    let finish = move |reply: Reply| {
        let reply = reply.with("x-total-count", total.to_string());
        if page * size < total {
            reply.with("link", asked.link(base, "page", page as u64 + 1))
        } else {
            reply
        }
    };
    (list, finish)
}

fn by_name(world: &World, full_name: &str, base: &str) -> Reply {
    match (
        world.named(full_name),
        world.renamed.get(full_name).and_then(|id| world.repositories.get(id)),
    ) {
        (Some(hosted), _) => Reply::json(&entry(hosted, base)),
        (None, Some(hosted)) => Reply::moved(format!("{base}/api/v1/repos/{}", hosted.full_name)),
        (None, None) => Reply::error(404, "Not Found"),
    }
}

fn entry(hosted: &Hosted, base: &str) -> Value {
    json!({
        "id": hosted.id,
        "full_name": hosted.full_name,
        "description": hosted.description,
        "clone_url": format!("{base}/{}.git", hosted.full_name),
        "empty": false,
        "private": false,
        "fork": hosted.parent.is_some(),
        "parent": hosted.parent.map(|id| json!({ "id": id })),
        "mirror": false,
        "size": hosted.id * 3,
        "language": hosted.language.unwrap_or(""),
        "website": "",
        "stars_count": hosted.stars,
        "forks_count": 1,
        "watchers_count": 3,
        "open_issues_count": 2,
        "default_branch": "main",
        "archived": hosted.archived,
        "created_at": time(hosted.created),
        "updated_at": time(hosted.created + 60),
        "topics": hosted.topics,
        "licenses": hosted.license.into_iter().collect::<Vec<_>>(),
    })
}
