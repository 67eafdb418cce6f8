//! The API of GitLab: keyset pages of projects and groups, single projects.

use serde_json::{Value, json};

use super::github::time;
use super::{Asked, Fault, Hosted, Reply, World};

pub(super) fn answer(world: &World, asked: &Asked, base: &str, fault: Option<Fault>) -> Reply {
    let path = asked.path.trim_matches('/').replace("%2F", "%2f");
    let segments: Vec<_> = path.split('/').collect();
    match segments.as_slice() {
        ["api", "v4", "projects"] => list(world, asked, None, base, fault),
        ["api", "v4", "groups", group, "projects"] => list(world, asked, Some(&group.replace("%2f", "/")), base, fault),
        ["api", "v4", "projects", name] => project(world, &name.replace("%2f", "/"), base),
        _ => Reply::error(404, "404 Not Found"),
    }
}

fn list(world: &World, asked: &Asked, group: Option<&str>, base: &str, fault: Option<Fault>) -> Reply {
    let after = asked.number("id_after").unwrap_or(0);
    let (page, size) = asked.page("per_page", 20, 100);
    let is_keyset = asked.query.get("pagination").is_some_and(|kind| kind == "keyset");
    let is_sorted = asked.query.get("order_by").is_some_and(|by| by == "id")
        && asked.query.get("sort").is_some_and(|way| way == "asc");
    if group.is_none() && !(is_keyset && is_sorted) {
        return Reply::error(405, "only keyset pages here");
    }
    let wanted = |name: &str, test: &dyn Fn(&str) -> bool| asked.query.get(name).is_none_or(|value| test(value));
    let mut found: Vec<_> = world
        .repositories
        .values()
        .filter(|hosted| group.is_none_or(|group| hosted.full_name.starts_with(&format!("{group}/"))))
        .filter(|hosted| {
            wanted("topic", &|value| {
                value.split(',').all(|topic| hosted.topics.contains(&topic))
            })
        })
        .filter(|hosted| wanted("archived", &|value| hosted.archived.to_string() == value))
        .filter(|hosted| wanted("search", &|value| hosted.full_name.contains(value)))
        .filter(|hosted| {
            let is = |value: &str| {
                hosted
                    .language
                    .is_some_and(|language| language.eq_ignore_ascii_case(value))
            };
            wanted("with_programming_language", &is)
        })
        .collect();
    if found.is_empty() && group.is_some() {
        return Reply::error(404, "404 Group Not Found");
    }
    let total = found.len();
    if is_keyset {
        found.retain(|hosted| hosted.id > after);
    } else {
        found = found.into_iter().skip((page - 1) * size).collect();
    }
    let has_more = found.len() > size;
    found.truncate(size);
    let mut entries: Vec<_> = found.iter().map(|hosted| entry(hosted, base)).collect();
    if fault == Some(Fault::Malformed) {
        entries.insert(0, Value::Null);
    }
    let reply = Reply::json(&Value::from(entries));
    match found.last() {
        _ if !is_keyset => {
            let reply = reply.with("x-total", total.to_string());
            if has_more {
                reply.with("link", asked.link(base, "page", page as u64 + 1))
            } else {
                reply
            }
        }
        Some(last) if has_more => reply.with("link", asked.link(base, "id_after", last.id)),
        _ => reply,
    }
}

fn project(world: &World, name: &str, base: &str) -> Reply {
    let by_id = name.parse::<u64>().ok().and_then(|id| world.repositories.get(&id));
    match by_id.or_else(|| world.named(name)) {
        Some(hosted) => Reply::json(&entry(hosted, base)),
        None => Reply::error(404, "404 Project Not Found"),
    }
}

fn entry(hosted: &Hosted, base: &str) -> Value {
    json!({
        "id": hosted.id,
        "path_with_namespace": hosted.full_name,
        "description": hosted.description,
        "http_url_to_repo": format!("{base}/{}.git", hosted.full_name),
        "visibility": "public",
        "topics": hosted.topics,
        "star_count": hosted.stars,
        "forks_count": 1,
        "created_at": time(hosted.created),
        "last_activity_at": time(hosted.created + 30),
        "archived": hosted.archived,
        "default_branch": "main",
        "forked_from_project": hosted.parent.map(|id| json!({ "id": id })),
    })
}
