//! Repositories from JSON. Forges change their answers: whatever is missing or has another form is left out, and only an
//! entry without id or name is skipped.

use std::collections::BTreeMap;

use codelupe_core::HostedRepository;
use jiff::Timestamp;
use serde_json::Value;

use crate::site::{Site, SiteKind, is_full_name};

/// The longest answer about one repository that is kept, in bytes.
const MAX_RAW_BYTES: usize = 256 * 1024;

/// The longest text of a field in bytes.
const MAX_TEXT_BYTES: usize = 64 * 1024;

/// The most topics and languages; GitHub allows 20 topics.
const MAX_ITEMS: usize = 500;

/// An entry of a forge's REST listing; `None` when it has no id or no name.
pub(super) fn repository(site: &Site, entry: &Value) -> Option<HostedRepository> {
    let mut repository = match site.kind() {
        SiteKind::GitHub => github(entry),
        SiteKind::GitLab => gitlab(entry),
        SiteKind::Gitea => gitea(entry),
    };
    finish(site, entry, &mut repository).then_some(repository)
}

/// A node of GitHub's GraphQL; `None` as for [`repository`].
pub(super) fn node(site: &Site, entry: &Value) -> Option<HostedRepository> {
    let mut repository = graphql(entry);
    finish(site, entry, &mut repository).then_some(repository)
}

/// Sets what is the same everywhere; false when the entry is no repository.
fn finish(site: &Site, entry: &Value, repository: &mut HostedRepository) -> bool {
    if repository.id == 0 || !is_full_name(site.kind(), &repository.full_name) {
        return false;
    }
    repository.forge = site.host();
    repository.clone_url = site.clone_url(&repository.full_name);
    repository.topics.sort_unstable();
    repository.topics.dedup();
    let raw = entry.to_string();
    if raw.len() <= MAX_RAW_BYTES {
        repository.raw = raw;
    }
    true
}

fn github(entry: &Value) -> HostedRepository {
    HostedRepository {
        node_id: text(entry, "/node_id"),
        license: text(entry, "/license/spdx_id"),
        language: text(entry, "/language"),
        stars: number(entry, "/stargazers_count"),
        watchers: number(entry, "/subscribers_count"),
        parent: number(entry, "/parent/id"),
        disabled: flag(entry, "/disabled"),
        template: flag(entry, "/is_template"),
        pushed_at: time(entry, "/pushed_at"),
        ..alike(entry)
    }
}

fn gitea(entry: &Value) -> HostedRepository {
    HostedRepository {
        description: text(entry, "/description"),
        homepage: text(entry, "/website"),
        license: entry.pointer("/licenses/0").and_then(Value::as_str).and_then(bounded),
        language: text(entry, "/language"),
        stars: number(entry, "/stars_count"),
        watchers: number(entry, "/watchers_count"),
        parent: number(entry, "/parent/id"),
        mirror: flag(entry, "/mirror"),
        template: flag(entry, "/template"),
        empty: flag(entry, "/empty"),
        ..alike(entry)
    }
}

/// The fields that GitHub and Gitea call the same.
fn alike(entry: &Value) -> HostedRepository {
    HostedRepository {
        id: number(entry, "/id").unwrap_or(0),
        full_name: text(entry, "/full_name").unwrap_or_default(),
        description: text(entry, "/description"),
        homepage: text(entry, "/homepage"),
        topics: texts(entry.pointer("/topics")),
        forks: number(entry, "/forks_count"),
        open_issues: number(entry, "/open_issues_count"),
        size_kib: number(entry, "/size"),
        fork: flag(entry, "/fork"),
        archived: flag(entry, "/archived"),
        mirror: text(entry, "/mirror_url").is_some(),
        private: flag(entry, "/private"),
        default_branch: text(entry, "/default_branch"),
        created_at: time(entry, "/created_at"),
        updated_at: time(entry, "/updated_at"),
        ..HostedRepository::default()
    }
}

fn gitlab(entry: &Value) -> HostedRepository {
    let topics = texts(entry.pointer("/topics"));
    HostedRepository {
        id: number(entry, "/id").unwrap_or(0),
        full_name: text(entry, "/path_with_namespace").unwrap_or_default(),
        description: text(entry, "/description"),
        // Before GitLab 14 topics were called tags.
        topics: if topics.is_empty() {
            texts(entry.pointer("/tag_list"))
        } else {
            topics
        },
        // GitLab's keys are those of choosealicense.com, in lower case; the SPDX id is not told.
        license: text(entry, "/license/key"),
        stars: number(entry, "/star_count"),
        forks: number(entry, "/forks_count"),
        open_issues: number(entry, "/open_issues_count"),
        size_kib: number(entry, "/statistics/repository_size").map(|bytes| bytes / 1024),
        fork: entry.pointer("/forked_from_project").is_some_and(Value::is_object),
        parent: number(entry, "/forked_from_project/id"),
        archived: flag(entry, "/archived"),
        mirror: flag(entry, "/mirror"),
        private: text(entry, "/visibility").is_some_and(|visibility| visibility != "public"),
        empty: flag(entry, "/empty_repo"),
        default_branch: text(entry, "/default_branch"),
        created_at: time(entry, "/created_at"),
        pushed_at: time(entry, "/last_activity_at"),
        updated_at: time(entry, "/updated_at"),
        ..HostedRepository::default()
    }
}

fn graphql(entry: &Value) -> HostedRepository {
    let edges = entry.pointer("/languages/edges").and_then(Value::as_array);
    let languages: BTreeMap<_, _> = edges
        .into_iter()
        .flatten()
        .take(MAX_ITEMS)
        .filter_map(|edge| Some((text(edge, "/node/name")?, number(edge, "/size")?)))
        .collect();
    let topics = entry.pointer("/repositoryTopics/nodes").and_then(Value::as_array);
    HostedRepository {
        id: number(entry, "/databaseId").unwrap_or(0),
        node_id: text(entry, "/id"),
        full_name: text(entry, "/nameWithOwner").unwrap_or_default(),
        description: text(entry, "/description"),
        homepage: text(entry, "/homepageUrl"),
        topics: topics
            .into_iter()
            .flatten()
            .take(MAX_ITEMS)
            .filter_map(|node| text(node, "/topic/name"))
            .collect(),
        license: text(entry, "/licenseInfo/spdxId"),
        language: text(entry, "/primaryLanguage/name"),
        languages,
        stars: number(entry, "/stargazerCount"),
        forks: number(entry, "/forkCount"),
        watchers: number(entry, "/watchers/totalCount"),
        open_issues: number(entry, "/issues/totalCount"),
        size_kib: number(entry, "/diskUsage"),
        fork: flag(entry, "/isFork"),
        parent: number(entry, "/parent/databaseId"),
        archived: flag(entry, "/isArchived"),
        disabled: flag(entry, "/isDisabled"),
        mirror: flag(entry, "/isMirror"),
        template: flag(entry, "/isTemplate"),
        private: flag(entry, "/isPrivate"),
        empty: flag(entry, "/isEmpty"),
        default_branch: text(entry, "/defaultBranchRef/name"),
        created_at: time(entry, "/createdAt"),
        pushed_at: time(entry, "/pushedAt"),
        updated_at: time(entry, "/updatedAt"),
        ..HostedRepository::default()
    }
}

fn text(entry: &Value, pointer: &str) -> Option<String> {
    bounded(entry.pointer(pointer)?.as_str()?)
}

/// A text that is not empty and not too long, without NUL, which databases do not take.
fn bounded(text: &str) -> Option<String> {
    let is_good = !text.is_empty() && text.len() <= MAX_TEXT_BYTES;
    is_good.then(|| text.replace('\0', "\u{fffd}"))
}

fn texts(list: Option<&Value>) -> Vec<String> {
    let list = list.and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .take(MAX_ITEMS)
        .filter_map(|item| bounded(item.as_str()?))
        .collect()
}

/// A number from 0, or a text that is one. Stored numbers are signed, so a larger one is ignored.
pub(super) fn number(entry: &Value, pointer: &str) -> Option<u64> {
    let value = entry.pointer(pointer)?;
    let number = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())?;
    i64::try_from(number).is_ok().then_some(number)
}

fn flag(entry: &Value, pointer: &str) -> bool {
    match entry.pointer(pointer) {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(text)) => text == "true",
        _ => false,
    }
}

/// A time (RFC 3339), or a number of seconds since the Unix epoch.
fn time(entry: &Value, pointer: &str) -> Option<i64> {
    let value = entry.pointer(pointer)?;
    value
        .as_i64()
        .or_else(|| value.as_str()?.parse::<Timestamp>().ok().map(Timestamp::as_second))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn site(kind: SiteKind) -> Site {
        Site::new(kind, "https://x.org").unwrap()
    }

    #[test]
    fn a_repository_of_github() {
        let entry = json!({
            "id": 7, "node_id": "R_7", "full_name": "a/b", "private": false, "fork": true, "parent": {"id": 3},
            "clone_url": "https://evil.example/x.git", "license": {"key": "mit", "spdx_id": "MIT"}, "language": "Rust",
            "topics": ["z", "a", "a", null, 5], "stargazers_count": "12", "watchers_count": 12, "subscribers_count": 2,
            "size": 10, "created_at": "2020-01-01T00:00:00Z", "pushed_at": null, "homepage": "", "archived": "true",
            "new_field": [1]
        });
        let found = repository(&site(SiteKind::GitHub), &entry).unwrap();
        assert_eq!(
            (found.id, found.full_name.as_str(), found.forge.as_str()),
            (7, "a/b", "x.org")
        );
        assert_eq!(found.clone_url, "https://x.org/a/b.git");
        assert_eq!(found.topics, ["a", "z"]);
        assert_eq!(
            (found.stars, found.watchers, found.parent),
            (Some(12), Some(2), Some(3))
        );
        assert_eq!(
            (found.created_at, found.pushed_at, found.homepage),
            (Some(1_577_836_800), None, None)
        );
        assert!(found.fork && found.archived && !found.private);
        assert_eq!(serde_json::from_str::<Value>(&found.raw).unwrap(), entry);
    }

    #[test]
    fn what_github_really_answers() {
        let site = Site::new(SiteKind::GitHub, "https://github.com").unwrap();
        let entry = serde_json::from_str(include_str!("../../tests/recorded/github-repository.json")).unwrap();
        let found = repository(&site, &entry).unwrap();
        assert_eq!(
            (found.id, found.full_name.as_str()),
            (1000, "octokit-fixture-org/hello-world")
        );
        assert_eq!(
            found.clone_url,
            "https://github.com/octokit-fixture-org/hello-world.git"
        );
        assert!(found.created_at.is_some() && found.pushed_at.is_some() && found.watchers.is_some());

        let body: Value = serde_json::from_str(include_str!("../../tests/recorded/github-search.json")).unwrap();
        let found = repository(&site, &body["items"][0]).unwrap();
        assert_eq!((found.id, found.full_name.as_str()), (3_081_286, "dtrupenn/Tetris"));
        assert_eq!(
            (found.license.as_deref(), found.language.as_deref()),
            (Some("MIT"), Some("Assembly"))
        );
        assert_eq!((found.created_at, found.size_kib), (Some(1_325_377_910), Some(524)));
    }

    #[test]
    fn repositories_of_gitlab_and_gitea() {
        let entry = json!({
            "id": 8, "path_with_namespace": "g/h/p", "star_count": 3, "visibility": "public", "tag_list": ["t"],
            "forked_from_project": {"id": 2}, "last_activity_at": "2020-01-01T00:00:00.123+01:00",
        });
        let found = repository(&site(SiteKind::GitLab), &entry).unwrap();
        assert_eq!(
            (found.full_name.as_str(), found.parent, found.fork),
            ("g/h/p", Some(2), true)
        );
        assert_eq!(
            (found.pushed_at, found.topics),
            (Some(1_577_833_200), vec!["t".to_owned()])
        );
        let entry =
            json!({"id": 9, "full_name": "a/b", "stars_count": 4, "website": "w", "empty": true, "licenses": ["MIT"]});
        let found = repository(&site(SiteKind::Gitea), &entry).unwrap();
        assert_eq!(
            (found.stars, found.homepage.as_deref(), found.empty),
            (Some(4), Some("w"), true)
        );
        assert_eq!(found.license.as_deref(), Some("MIT"));
    }

    #[test]
    fn an_entry_without_id_or_name_is_none() {
        for entry in [
            json!(null),
            json!([]),
            json!({"id": 1}),
            json!({"full_name": "a/b"}),
            json!({"id": -1, "full_name": "a/b"}),
            json!({"id": u64::MAX, "full_name": "a/b"}),
            json!({"id": 1, "full_name": "../etc/passwd"}),
            json!({"id": 1, "full_name": "a/b?x"}),
        ] {
            assert_eq!(repository(&site(SiteKind::GitHub), &entry), None, "{entry}");
        }
    }

    #[test]
    fn what_is_too_large_is_left_out() {
        let entry = json!({"id": 1, "full_name": "a/b", "description": "x".repeat(MAX_RAW_BYTES)});
        let found = repository(&site(SiteKind::GitHub), &entry).unwrap();
        assert_eq!((found.description, found.raw.as_str()), (None, ""));
    }

    const FIELDS: [&str; 12] = [
        "id",
        "full_name",
        "license",
        "topics",
        "stargazers_count",
        "parent",
        "created_at",
        "private",
        "languages",
        "path_with_namespace",
        "databaseId",
        "nameWithOwner",
    ];

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[a-z0-9/\u{0}:TZ-]{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec((prop::sample::select(&FIELDS[..]), inner), 0..8).prop_map(|pairs| {
                    Value::Object(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_json_is_decoded_or_skipped(entry in any_value()) {
            for kind in [SiteKind::GitHub, SiteKind::GitLab, SiteKind::Gitea] {
                if let Some(found) = repository(&site(kind), &entry) {
                    prop_assert!(found.id > 0 && !found.full_name.contains('\0'));
                }
            }
            let _ = node(&site(SiteKind::GitHub), &entry);
        }
    }
}
