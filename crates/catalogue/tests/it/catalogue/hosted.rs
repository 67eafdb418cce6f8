//! Repositories on forges.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use codelupe_catalogue::{Catalogue, ErrorKind, HostedFilter, HostedOrder, HostedState, Seen, Upserted};
use codelupe_core::HostedRepository;

use crate::rows::{RECIPE, batch, hosted, repository};
use crate::world::{World, on_both};

on_both!(
    every_field_comes_back,
    an_upsert_says_what_it_came_to,
    what_a_listing_leaves_out_stays,
    a_renamed_repository_is_found_by_both_names,
    a_name_may_be_taken_over_by_another_id,
    a_name_that_is_listed_twice_has_one_holder,
    a_tombstone_is_lifted_by_a_listing,
    the_filter_lets_through_what_it_says,
    pages_of_a_list_are_the_whole_list,
    the_oldest_and_most_popular_are_due_first,
    an_opt_out_and_a_score_survive_listings,
    an_opt_out_removes_what_was_fetched_under_any_name,
    numbers_are_counted,
    hostile_texts_are_stored,
    ten_thousand_are_stored_quickly,
    writers_at_the_same_time_agree,
);

async fn list(catalogue: &Catalogue, repositories: &[HostedRepository]) -> Upserted {
    catalogue.upsert_repositories(repositories, Seen::Listed).await.unwrap()
}

fn upserted(new: u64, renamed: u64, changed: u64, unchanged: u64) -> Upserted {
    Upserted {
        new,
        renamed,
        changed,
        unchanged,
    }
}

async fn id_of(catalogue: &Catalogue, name: &str) -> Option<u64> {
    let found = catalogue.hosted_by_name("github.com", name).await.unwrap();
    found.map(|row| row.repository.id)
}

fn full() -> HostedRepository {
    HostedRepository {
        forge: "github.com".to_owned(),
        id: u64::MAX,
        node_id: Some("R_x".to_owned()),
        full_name: "Owner/Name".to_owned(),
        clone_url: "https://github.com/Owner/Name.git".to_owned(),
        description: Some("d".to_owned()),
        homepage: Some("h".to_owned()),
        topics: vec!["a".to_owned(), "b".to_owned()],
        license: Some("MIT".to_owned()),
        language: Some("Rust".to_owned()),
        languages: BTreeMap::from([("Rust".to_owned(), 7)]),
        stars: Some(1),
        forks: Some(2),
        watchers: Some(3),
        open_issues: Some(4),
        size_kib: Some(5),
        fork: true,
        parent: Some(u64::MAX - 1),
        archived: true,
        disabled: true,
        mirror: true,
        template: true,
        private: true,
        empty: true,
        default_branch: Some("main".to_owned()),
        created_at: Some(-1),
        pushed_at: Some(2),
        updated_at: Some(3),
        raw: r#"{"id":1}"#.to_owned(),
    }
}

async fn every_field_comes_back(world: World) {
    let catalogue = world.catalogue().await;
    for repository in [full(), hosted(2, "o/plain")] {
        list(&catalogue, std::slice::from_ref(&repository)).await;
        let row = catalogue
            .hosted_repository("github.com", repository.id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(row.repository, repository);
        assert_eq!((row.state, row.gone_at, row.etag), (HostedState::Listed, None, None));
        assert!(row.first_seen > 1_700_000_000_000, "{}", row.first_seen);
        assert_eq!(
            (row.last_listed, row.last_refreshed, row.checked_at),
            (Some(row.first_seen), None, row.first_seen)
        );
    }
    assert!(catalogue.hosted_repository("gitlab.com", 2).await.unwrap().is_none());
}

async fn an_upsert_says_what_it_came_to(world: World) {
    let catalogue = world.catalogue().await;
    let [a, b, c] = [hosted(1, "o/a"), hosted(2, "o/b"), hosted(3, "o/c")];
    assert_eq!(list(&catalogue, &[]).await, Upserted::default());
    assert_eq!(
        list(&catalogue, &[a.clone(), b.clone(), a.clone()]).await,
        upserted(2, 0, 0, 0)
    );
    let raw = HostedRepository {
        raw: "{}".to_owned(),
        ..a.clone()
    };
    let starred = HostedRepository {
        stars: Some(1000),
        ..b.clone()
    };
    assert_eq!(list(&catalogue, &[raw, starred, c]).await, upserted(1, 0, 1, 1));
    let renamed = HostedRepository {
        full_name: "o/z".to_owned(),
        ..a
    };
    assert_eq!(list(&catalogue, &[renamed, b]).await, upserted(0, 1, 1, 0));
}

async fn what_a_listing_leaves_out_stays(world: World) {
    let catalogue = world.catalogue().await;
    let whole = full();
    catalogue
        .upsert_repositories(std::slice::from_ref(&whole), Seen::Refreshed)
        .await
        .unwrap();
    let listed = HostedRepository {
        languages: BTreeMap::new(),
        parent: None,
        watchers: None,
        description: None,
        ..whole.clone()
    };
    assert_eq!(list(&catalogue, &[listed]).await, upserted(0, 0, 1, 0));
    let row = catalogue
        .hosted_repository("github.com", whole.id)
        .await
        .unwrap()
        .unwrap();
    let expected = HostedRepository {
        description: None,
        ..whole
    };
    assert_eq!(row.repository, expected, "a description that is gone is gone");
    assert!(row.last_listed.is_some() && row.last_refreshed.is_some(), "{row:?}");
}

async fn a_renamed_repository_is_found_by_both_names(world: World) {
    let catalogue = world.catalogue().await;
    for name in ["alice/tool", "alice/Tool2", "bob/tool2"] {
        list(&catalogue, &[hosted(1, name)]).await;
    }
    for name in ["alice/tool", "ALICE/TOOL2", "bob/tool2"] {
        assert_eq!(id_of(&catalogue, name).await, Some(1), "{name}");
    }
    assert_eq!(id_of(&catalogue, "bob/tool").await, None);
    let names = catalogue.hosted_names("github.com", 1).await.unwrap();
    let texts: Vec<_> = names
        .iter()
        .map(|row| (row.full_name.as_str(), row.seen_to.is_some()))
        .collect();
    assert_eq!(
        texts,
        [("alice/tool", true), ("alice/Tool2", true), ("bob/tool2", false)]
    );
    // Back to a name that it had.
    list(&catalogue, &[hosted(1, "alice/tool")]).await;
    let names = catalogue.hosted_names("github.com", 1).await.unwrap();
    assert_eq!(names.len(), 3);
    assert_eq!(
        names.last().map(|row| (row.full_name.as_str(), row.seen_to)),
        Some(("alice/tool", None))
    );
}

async fn a_name_may_be_taken_over_by_another_id(world: World) {
    let catalogue = world.catalogue().await;
    list(&catalogue, &[hosted(1, "o/a"), hosted(2, "o/b")]).await;
    list(&catalogue, &[hosted(3, "O/A")]).await;
    assert_eq!(id_of(&catalogue, "o/a").await, Some(3));
    let names = catalogue.hosted_names("github.com", 1).await.unwrap();
    assert!(names.iter().all(|row| row.seen_to.is_some()), "{names:?}");
    // Two that change their names with each other.
    list(&catalogue, &[hosted(2, "o/a"), hosted(3, "o/b")]).await;
    assert_eq!(
        (id_of(&catalogue, "o/a").await, id_of(&catalogue, "o/b").await),
        (Some(2), Some(3))
    );
    // The same name on another forge is another name.
    let elsewhere = HostedRepository {
        forge: "gitlab.com".to_owned(),
        ..hosted(9, "o/a")
    };
    list(&catalogue, &[elsewhere]).await;
    assert_eq!(id_of(&catalogue, "o/a").await, Some(2));
}

async fn a_name_that_is_listed_twice_has_one_holder(world: World) {
    let catalogue = world.catalogue().await;
    list(&catalogue, &[hosted(1, "o/a"), hosted(2, "o/a")]).await;
    let mut held = 0;
    for id in [1, 2] {
        let names = catalogue.hosted_names("github.com", id).await.unwrap();
        held += names.iter().filter(|row| row.seen_to.is_none()).count();
    }
    assert_eq!(held, 1);
    assert!(id_of(&catalogue, "o/a").await.is_some());
}

async fn a_tombstone_is_lifted_by_a_listing(world: World) {
    let catalogue = world.catalogue().await;
    list(&catalogue, &[hosted(1, "o/a")]).await;
    assert!(
        catalogue
            .mark_gone("github.com", 1, HostedState::GoneDmca)
            .await
            .unwrap()
    );
    assert!(
        !catalogue
            .mark_gone("github.com", 2, HostedState::GoneDmca)
            .await
            .unwrap()
    );
    let error = catalogue
        .mark_gone("github.com", 1, HostedState::Listed)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    let gone = catalogue.hosted_repository("github.com", 1).await.unwrap().unwrap();
    assert_eq!(gone.state, HostedState::GoneDmca);
    catalogue
        .mark_gone("github.com", 1, HostedState::GoneNotFound)
        .await
        .unwrap();
    let later = catalogue.hosted_repository("github.com", 1).await.unwrap().unwrap();
    assert_eq!((later.state, later.gone_at), (HostedState::GoneNotFound, gone.gone_at));
    assert!(
        catalogue
            .due_for_refresh("github.com", Duration::ZERO, 9)
            .await
            .unwrap()
            .is_empty()
    );
    list(&catalogue, &[hosted(1, "o/a")]).await;
    let back = catalogue.hosted_repository("github.com", 1).await.unwrap().unwrap();
    assert_eq!((back.state, back.gone_at), (HostedState::Listed, None));
    assert_eq!(back.first_seen, gone.first_seen);
}

/// Numbers 1 to 6 with different stars, languages and so on.
async fn fill(catalogue: &Catalogue) {
    let repositories: Vec<_> = (1..=6u64)
        .map(|id| HostedRepository {
            stars: (id != 6).then_some(id * 10),
            size_kib: Some(id * 100),
            language: Some(if id % 2 == 0 { "Rust" } else { "Go" }.to_owned()),
            license: Some(if id < 3 { "MIT" } else { "GPL-3.0" }.to_owned()),
            fork: id == 4,
            archived: id == 5,
            pushed_at: (id != 1).then_some(1000 - id.cast_signed()),
            ..hosted(id, &format!("owner/Name_{id}%"))
        })
        .collect();
    list(catalogue, &repositories).await;
    catalogue
        .mark_gone("github.com", 3, HostedState::GoneNotFound)
        .await
        .unwrap();
    catalogue
        .set_scores("github.com", &[(2, 100), (5, 100), (4, 0)])
        .await
        .unwrap();
}

async fn the_filter_lets_through_what_it_says(world: World) {
    let catalogue = world.catalogue().await;
    fill(&catalogue).await;
    let check = async |change: fn(&mut HostedFilter), expected: &[u64]| {
        let mut filter = HostedFilter {
            limit: 100,
            ..HostedFilter::default()
        };
        change(&mut filter);
        let rows = catalogue.hosted_repositories(&filter).await.unwrap();
        let ids: Vec<u64> = rows.iter().map(|row| row.repository.id).collect();
        assert_eq!(ids, expected, "{filter:?}");
    };
    check(|_| (), &[1, 2, 3, 4, 5, 6]).await;
    check(|filter| filter.limit = 2, &[1, 2]).await;
    check(|filter| filter.limit = 0, &[]).await;
    check(|filter| filter.forge = Some("x\0".to_owned()), &[]).await;
    check(|filter| filter.language = Some("rust".to_owned()), &[2, 4, 6]).await;
    check(|filter| filter.license = Some("mit".to_owned()), &[1, 2]).await;
    check(|filter| filter.stars = Some((20, 40)), &[2, 3, 4]).await;
    check(|filter| filter.stars = Some((0, u64::MAX)), &[1, 2, 3, 4, 5]).await;
    check(|filter| filter.size_kib = Some((600, 600)), &[6]).await;
    check(|filter| filter.fork = Some(true), &[4]).await;
    check(|filter| filter.archived = Some(false), &[1, 2, 3, 4, 6]).await;
    check(|filter| filter.state = Some(HostedState::GoneNotFound), &[3]).await;
    check(|filter| filter.text = Some("NAME_3%".to_owned()), &[3]).await;
    check(|filter| filter.text = Some("e%3".to_owned()), &[]).await;
    check(|filter| filter.text = Some("e!3'\0".to_owned()), &[]).await;
    check(|filter| filter.order = HostedOrder::Stars, &[5, 4, 3, 2, 1, 6]).await;
    check(|filter| filter.order = HostedOrder::Pushed, &[2, 3, 4, 5, 6, 1]).await;
    check(|filter| filter.order = HostedOrder::Score, &[2, 5, 4, 1, 3, 6]).await;
}

async fn pages_of_a_list_are_the_whole_list(world: World) {
    let catalogue = world.catalogue().await;
    fill(&catalogue).await;
    for order in [
        HostedOrder::Score,
        HostedOrder::Stars,
        HostedOrder::Pushed,
        HostedOrder::Id,
    ] {
        let mut filter = HostedFilter {
            order,
            limit: 100,
            ..HostedFilter::default()
        };
        let whole = catalogue.hosted_repositories(&filter).await.unwrap();
        filter.limit = 1;
        let mut paged = Vec::new();
        while let [row] = catalogue.hosted_repositories(&filter).await.unwrap().as_slice() {
            filter.after = Some(row.position(order));
            paged.push(row.clone());
            assert!(paged.len() <= 6, "{order:?} goes round");
        }
        assert_eq!(paged, whole, "{order:?}");
    }
}

async fn the_oldest_and_most_popular_are_due_first(world: World) {
    let catalogue = world.catalogue().await;
    let starred = |id, stars| HostedRepository {
        stars: Some(stars),
        node_id: Some(format!("R_{id}")),
        ..hosted(id, &format!("o/{id}"))
    };
    list(
        &catalogue,
        &[starred(1, 5), starred(2, 50_000), starred(3, 5), starred(4, 5)],
    )
    .await;
    let hour = 3_600_000;
    for (id, hours) in [(1, 30), (2, 20), (3, 40), (4, 1)] {
        let ago = hours * hour;
        world
            .execute(&format!(
                "UPDATE hosted_repositories SET checked_at = checked_at - {ago} WHERE id = {id}"
            ))
            .await;
    }
    let due = async |hours: u64, limit| {
        let age = Duration::from_hours(hours);
        let due = catalogue.due_for_refresh("github.com", age, limit).await.unwrap();
        due.into_iter().map(|due| due.id).collect::<Vec<_>>()
    };
    assert_eq!(due(10, 10).await, [2, 3, 1]);
    assert_eq!(due(10, 1).await, [2]);
    assert_eq!(due(35, 10).await, [3]);
    assert_eq!(due(u64::MAX / 3600, 10).await, [0; 0]);
    let answers = [(3, Some("W/\"tag\0\"".to_owned())), (1, None), (99, None)];
    catalogue.mark_refreshed("github.com", &answers).await.unwrap();
    assert_eq!(due(10, 10).await, [2]);
    let row = catalogue.hosted_repository("github.com", 3).await.unwrap().unwrap();
    assert!(row.etag.unwrap().starts_with("W/") && row.last_refreshed.is_some());
    catalogue.mark_refreshed("github.com", &[(3, None)]).await.unwrap();
    let row = catalogue.hosted_repository("github.com", 3).await.unwrap().unwrap();
    assert!(row.etag.is_some(), "an answer without a tag leaves the old one");
}

async fn an_opt_out_and_a_score_survive_listings(world: World) {
    let catalogue = world.catalogue().await;
    list(&catalogue, &[hosted(1, "o/a")]).await;
    let opt_out = |id, reason| catalogue.set_opt_out("github.com", id, reason);
    assert_eq!(opt_out(1, Some("asked\0")).await.unwrap(), Some(0));
    assert_eq!(opt_out(2, Some("asked")).await.unwrap(), None);
    catalogue.set_scores("github.com", &[(1, 77), (2, 5)]).await.unwrap();
    list(&catalogue, &[hosted(1, "o/b")]).await;
    let row = catalogue.hosted_repository("github.com", 1).await.unwrap().unwrap();
    assert_eq!(row.opt_out.as_deref(), Some("asked\u{fffd}"));
    assert_eq!(row.score, Some(77.0));
    catalogue.set_opt_out("github.com", 1, None).await.unwrap();
    let row = catalogue.hosted_repository("github.com", 1).await.unwrap().unwrap();
    assert_eq!(row.opt_out, None);
}

async fn an_opt_out_removes_what_was_fetched_under_any_name(world: World) {
    let catalogue = world.catalogue().await;
    list(&catalogue, &[hosted(1, "Owner/Old"), hosted(2, "owner/other")]).await;
    list(&catalogue, &[hosted(1, "owner/new")]).await;
    let fetched = |name: &str| repository(name, &[("a.rs", "one")]);
    let rows = vec![
        fetched("github.com/Owner/Old"),
        fetched("github.com/owner/new"),
        fetched("github.com/owner/other"),
        fetched("owner/old"),
    ];
    catalogue.commit(&batch(&["one"], rows), RECIPE, None).await.unwrap();
    let input = catalogue.dedup_input().await.unwrap();
    catalogue
        .replace_duplicates(&[], "state", input.generation, None)
        .await
        .unwrap();
    assert_eq!(catalogue.opted_out().await.unwrap().len(), 0);

    let removed = catalogue.set_opt_out("github.com", 1, Some("asked")).await.unwrap();
    assert_eq!(removed, Some(2));
    let left = catalogue.repository_locations().await.unwrap();
    let left: BTreeSet<&str> = left.keys().map(String::as_str).collect();
    assert_eq!(left, BTreeSet::from(["github.com/owner/other", "owner/old"]));
    let names = ["github.com/owner/new", "github.com/owner/old"];
    let expected = names.map(str::to_owned).into();
    assert_eq!(catalogue.opted_out().await.unwrap(), expected);
    assert_eq!(
        catalogue.stage_state("dedup").await.unwrap(),
        None,
        "duplicates are sought anew"
    );

    assert_eq!(catalogue.set_opt_out("github.com", 1, None).await.unwrap(), Some(0));
    assert_eq!(catalogue.opted_out().await.unwrap().len(), 0);
}

async fn numbers_are_counted(world: World) {
    let catalogue = world.catalogue().await;
    fill(&catalogue).await;
    list(&catalogue, &[hosted(7, "o/7")]).await;
    catalogue.set_opt_out("github.com", 1, Some("asked")).await.unwrap();
    let counts = catalogue.hosted_counts().await.unwrap();
    assert_eq!((counts.total(), counts.opted_out), (7, 1));
    let number = |name: &str, count| (name.to_owned(), count);
    assert_eq!(counts.by_state, [number("listed", 6), number("gone_not_found", 1)]);
    assert_eq!(counts.by_forge, [number("github.com", 7)]);
}

async fn hostile_texts_are_stored(world: World) {
    let catalogue = world.catalogue().await;
    let odd = "a\0\u{1b}[31m'\"; DROP TABLE hosted_repositories; --\u{10ffff}";
    let repository = HostedRepository {
        forge: odd.to_owned(),
        full_name: odd.to_owned(),
        clone_url: odd.to_owned(),
        node_id: Some(odd.to_owned()),
        description: Some(odd.to_owned()),
        topics: vec![odd.to_owned()],
        language: Some(odd.to_owned()),
        license: Some(odd.to_owned()),
        languages: BTreeMap::from([(odd.to_owned(), u64::MAX)]),
        stars: Some(u64::MAX),
        raw: odd.repeat(100_000),
        created_at: Some(i64::MIN),
        ..hosted(0, "")
    };
    assert_eq!(
        list(&catalogue, std::slice::from_ref(&repository)).await,
        upserted(1, 0, 0, 0)
    );
    assert_eq!(list(&catalogue, &[repository]).await, upserted(0, 0, 0, 1));
    let row = catalogue.hosted_repository(odd, 0).await.unwrap().unwrap();
    let stored = odd.replace('\0', "\u{fffd}");
    assert_eq!(row.repository.description, Some(stored));
    assert_eq!(row.repository.topics, [odd], "JSON has its own escapes");
    assert_eq!(row.repository.stars, Some(i64::MAX.cast_unsigned()));
    assert_eq!(row.repository.raw, "", "too long to keep");
    assert!(catalogue.hosted_by_name(odd, odd).await.unwrap().is_some());
}

async fn ten_thousand_are_stored_quickly(world: World) {
    let catalogue = world.catalogue().await;
    let repositories: Vec<_> = (1..=10_000).map(|id| hosted(id, &format!("o/{id}"))).collect();
    let begun = Instant::now();
    assert_eq!(list(&catalogue, &repositories).await, upserted(10_000, 0, 0, 0));
    assert_eq!(list(&catalogue, &repositories).await, upserted(0, 0, 0, 10_000));
    // A guard against a statement for each row over a network, not a measurement.
    assert!(begun.elapsed() < Duration::from_mins(2), "{:?}", begun.elapsed());
}

async fn writers_at_the_same_time_agree(world: World) {
    let catalogue = world.catalogue().await;
    let writers = (0..8u64).map(|writer| {
        let catalogue = catalogue.clone();
        tokio::spawn(async move {
            let mut repositories: Vec<_> = (1..=200).map(|id| hosted(id, &format!("o/{id}"))).collect();
            if writer % 2 == 0 {
                repositories.reverse();
            }
            list(&catalogue, &repositories).await
        })
    });
    let mut sum = Upserted::default();
    for writer in writers.collect::<Vec<_>>() {
        sum += writer.await.unwrap();
    }
    assert_eq!(sum, upserted(200, 0, 0, 1400));
    let held = world
        .texts("SELECT count(*) || '' FROM repository_names WHERE seen_to IS NULL")
        .await;
    assert_eq!(held, ["200"]);
}
