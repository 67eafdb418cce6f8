//! The API of GitHub Enterprise Server: search, the repositories of an owner, single ones, `nodes` of GraphQL.

use serde_json::{Value, json};

use super::search::finds;
use super::{Asked, Fault, Hosted, Reply, World};

/// The most results of a search.
const MAX_RESULTS: usize = 1000;

pub(super) fn answer(world: &World, asked: &Asked, base: &str, fault: Option<Fault>) -> Reply {
    let segments: Vec<_> = asked.path.trim_matches('/').split('/').collect();
    match (asked.method.as_str(), segments.as_slice()) {
        ("GET", ["api", "v3", "search", "repositories"]) => search(world, asked, base, fault),
        ("GET", ["api", "v3", "users" | "orgs", owner, "repos"]) => owned(world, asked, owner, base, fault),
        ("GET", ["api", "v3", "repos", owner, name]) => by_name(world, &format!("{owner}/{name}"), base),
        ("GET", ["api", "v3", "repositories", id]) => by_id(world, id, base),
        ("POST", ["api", "graphql"]) => nodes(world, asked),
        _ => Reply::error(404, "Not Found"),
    }
}

fn search(world: &World, asked: &Asked, base: &str, fault: Option<Fault>) -> Reply {
    let Some(text) = asked.query.get("q").filter(|text| !text.is_empty()) else {
        return Reply::error(422, "Validation Failed: q");
    };
    let mut found = Vec::new();
    for hosted in world.repositories.values() {
        match finds(text, hosted) {
            Ok(true) => found.push(hosted),
            Ok(false) => {}
            Err(why) => return Reply::error(422, &format!("Validation Failed: {why}")),
        }
    }
    found.sort_by_key(|hosted| (std::cmp::Reverse(hosted.stars), hosted.id));
    let (page, size) = asked.page("per_page", 30, 100);
    let start = (page - 1) * size;
    if start >= MAX_RESULTS {
        return Reply::error(422, "Only the first 1000 search results are available");
    }
    let total = found.len();
    let items = entries(found.into_iter().take(MAX_RESULTS).skip(start).take(size), base, fault);
    Reply::json(&json!({
        "total_count": total,
        "incomplete_results": fault == Some(Fault::Incomplete),
        "items": items,
    }))
}

fn owned(world: &World, asked: &Asked, owner: &str, base: &str, fault: Option<Fault>) -> Reply {
    let all: Vec<_> = world
        .repositories
        .values()
        .filter(|hosted| hosted.owner() == owner)
        .collect();
    if all.is_empty() {
        return Reply::error(404, "Not Found");
    }
    let (page, size) = asked.page("per_page", 30, 100);
    let list = entries(all.iter().copied().skip((page - 1) * size).take(size), base, fault);
    let reply = Reply::json(&Value::from(list));
    match fault {
        Some(Fault::ForeignLink) => reply.with("link", asked.link("http://127.0.0.1:9", "page", page as u64 + 1)),
        Some(Fault::LoopedLink) => reply.with("link", asked.link(base, "page", page as u64)),
        _ if page * size < all.len() => reply.with("link", asked.link(base, "page", page as u64 + 1)),
        _ => reply,
    }
}

fn by_name(world: &World, full_name: &str, base: &str) -> Reply {
    match (world.named(full_name), world.renamed.get(full_name)) {
        (Some(hosted), _) => Reply::json(&entry(hosted, base, true)),
        (None, Some(id)) => Reply::moved(format!("{base}/api/v3/repositories/{id}")),
        (None, None) => Reply::error(404, "Not Found"),
    }
}

fn by_id(world: &World, id: &str, base: &str) -> Reply {
    let id = id.parse().unwrap_or(0);
    match (world.repositories.get(&id), world.gone.get(&id)) {
        (Some(hosted), _) => Reply::json(&entry(hosted, base, true)),
        (None, Some(403)) => Reply::error(403, "Repository access blocked").with("x-ratelimit-remaining", "4000"),
        (None, Some(status)) => Reply::error(*status, "It is gone"),
        (None, None) => Reply::error(404, "Not Found"),
    }
}

fn nodes(world: &World, asked: &Asked) -> Reply {
    if !asked.headers.contains_key("authorization") {
        return Reply::error(401, "Requires authentication");
    }
    let body: Value = serde_json::from_str(&asked.body).unwrap_or_default();
    let ids = body
        .pointer("/variables/ids")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    if ids.len() > 100 {
        return Reply::json(&json!({"errors": [{"message": "You may not provide more than 100 node ids"}]}));
    }
    let mut errors = Vec::new();
    let found: Vec<_> = ids
        .iter()
        .map(|id| {
            let hosted = world
                .repositories
                .values()
                .find(|hosted| id == hosted.node_id().as_str());
            if hosted.is_none() {
                errors.push(json!({"type": "NOT_FOUND", "message": "Could not resolve to a node"}));
            }
            hosted.map_or(Value::Null, node)
        })
        .collect();
    let mut reply = json!({"data": {"nodes": found}});
    if !errors.is_empty() {
        reply["errors"] = Value::from(errors);
    }
    Reply::json(&reply)
}

fn entries<'a>(list: impl Iterator<Item = &'a Hosted>, base: &str, fault: Option<Fault>) -> Vec<Value> {
    let mut list: Vec<_> = list.map(|hosted| entry(hosted, base, false)).collect();
    if fault == Some(Fault::Malformed) {
        list.insert(0, json!({"id": {"high": 1}, "full_name": ["broken"]}));
        list.insert(0, Value::Null);
    }
    list
}

/// An entry; a single repository is told more of than one of a list.
fn entry(hosted: &Hosted, base: &str, is_full: bool) -> Value {
    let mut entry = json!({
        "id": hosted.id,
        "node_id": hosted.node_id(),
        "name": hosted.full_name.rsplit('/').next(),
        "full_name": hosted.full_name,
        "owner": {"login": hosted.owner(), "id": 1},
        "private": false,
        "html_url": format!("{base}/{}", hosted.full_name),
        "clone_url": format!("{base}/{}.git", hosted.full_name),
        "description": hosted.description,
        "fork": hosted.parent.is_some(),
        "created_at": time(hosted.created),
        "updated_at": time(hosted.created + 60),
        "pushed_at": time(hosted.created + 30),
        "homepage": null,
        "size": hosted.id * 3,
        "stargazers_count": hosted.stars,
        "watchers_count": hosted.stars,
        "language": hosted.language,
        "forks_count": 1,
        "archived": hosted.archived,
        "disabled": false,
        "open_issues_count": 2,
        "license": hosted.license.map(|id| json!({"key": id.to_lowercase(), "spdx_id": id})),
        "topics": hosted.topics,
        "default_branch": "main",
        "score": 1.0,
    });
    if is_full {
        entry["subscribers_count"] = json!(3);
        entry["parent"] = hosted.parent.map_or(Value::Null, |id| json!({ "id": id }));
    }
    entry
}

fn node(hosted: &Hosted) -> Value {
    let language = |name| json!({"size": 1000, "node": {"name": name}});
    json!({
        "id": hosted.node_id(),
        "databaseId": hosted.id,
        "nameWithOwner": hosted.full_name,
        "description": hosted.description,
        "isFork": hosted.parent.is_some(),
        "isArchived": hosted.archived,
        "stargazerCount": hosted.stars,
        "forkCount": 1,
        "createdAt": time(hosted.created),
        "pushedAt": time(hosted.created + 30),
        "licenseInfo": hosted.license.map(|id| json!({"spdxId": id})),
        "primaryLanguage": hosted.language.map(|name| json!({"name": name})),
        "languages": {"edges": hosted.language.map(language).into_iter().collect::<Vec<_>>()},
        "repositoryTopics": {"nodes": hosted.topics.iter().map(|name| json!({"topic": {"name": name}})).collect::<Vec<_>>()},
        "parent": hosted.parent.map(|id| json!({"databaseId": id})),
        "watchers": {"totalCount": 3},
        "defaultBranchRef": {"name": "main"},
    })
}

pub(super) fn time(second: i64) -> String {
    jiff::Timestamp::from_second(second).expect("a time").to_string()
}
