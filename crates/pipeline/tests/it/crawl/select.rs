//! Which of the known repositories are fetched.

use codelupe_catalogue::{HostedFilter, HostedOrder, HostedState};
use codelupe_core::SelectionRules;
use codelupe_inspect::{selected, why};

use super::forge::Forge;
use super::{World, run};

#[tokio::test]
async fn those_that_meet_the_rules_and_are_there_are_selected() {
    let world = World::new();
    let catalogue = world.catalogue().await;
    let forge = Forge::new(2100);
    run(&catalogue, &forge).await;
    catalogue
        .mark_gone("github.com", 99, HostedState::GoneDmca)
        .await
        .unwrap();
    catalogue.set_opt_out("github.com", 98, Some("asked")).await.unwrap();
    let rules = SelectionRules {
        min_stars: 95,
        ..SelectionRules::default()
    };
    let by_stars = HostedFilter {
        order: HostedOrder::Stars,
        ..HostedFilter::default()
    };
    let found = selected(&catalogue, &rules, by_stars.clone(), usize::MAX)
        .await
        .unwrap();
    // Stars are the number modulo 100: five of each hundred, without the two.
    assert_eq!(found.len(), 21 * 5 - 2);
    assert!(
        found
            .iter()
            .all(|found| found.stars >= Some(95) && ![98, 99].contains(&found.id))
    );
    let three = selected(&catalogue, &rules, by_stars, 3).await.unwrap();
    assert_eq!(three, found[..3]);

    let asked = why(&catalogue, &rules, "github.com", "O/98").await.unwrap().unwrap();
    assert!(!asked.selection.selected);
    let reasons: Vec<_> = asked
        .selection
        .reasons()
        .filter(|reason| reason.starts_with("no"))
        .collect();
    assert_eq!(reasons, ["no opt_out: not to be used: asked"]);
    assert_eq!(
        asked.row.score,
        Some(f64::from(asked.score.value)),
        "the crawl stored the same score"
    );
    assert!(why(&catalogue, &rules, "github.com", "o/none").await.unwrap().is_none());
}
