//! One random world, built on both databases: everything that can be asked gives the same answer.

use codelupe_catalogue::{Batch, BuildDecision, Catalogue, ContentRow, Duplicate, RepositoryRow};
use codelupe_core::{Language, LicenseClass, Reason, SpdxExpression, Split, Stage, Verdict};
use serde_json::{Value, json};

use crate::rows::{build, content, dropped, failed, file, named_key, repository, segment};
use crate::world::World;

#[tokio::test]
async fn the_same_world_has_the_same_figures_orders_and_stories() {
    for seed in 1..=4 {
        let sqlite = live(&World::sqlite(), seed).await;
        let postgres = live(&World::postgres(), seed).await;
        for (n, (sqlite, postgres)) in sqlite.iter().zip(&postgres).enumerate() {
            assert_eq!(sqlite, postgres, "seed {seed}, view {n}");
        }
        assert_eq!(sqlite.len(), postgres.len());
    }
}

/// Lets a world grow by random steps, and says what it looked like after each.
async fn live(world: &World, seed: u64) -> Vec<Value> {
    let catalogue = world.catalogue().await;
    let mut random = Random(seed);
    let mut views = Vec::new();
    for step in 0..8 {
        let recipe = random.of(&["older", "newer"]);
        catalogue
            .commit(&random_batch(&mut random, step), recipe, None)
            .await
            .unwrap();
        if random.below(4) == 0 {
            catalogue.forget_unused_contents("newer").await.unwrap();
        }
        if random.below(2) == 0 {
            deduplicate(&catalogue, &mut random).await;
        }
        if random.below(2) == 0 {
            link(&catalogue, &mut random, step).await;
        }
        views.push(view(&catalogue).await);
    }
    views
}

fn random_batch(random: &mut Random, step: u32) -> Batch {
    let contents: Vec<ContentRow> = (0..20).map(|n| random_content(random, step, n)).collect();
    let repositories = (0..5).map(|_| random_repository(random, &contents)).collect();
    Batch {
        segment: Some(segment(&format!("s{step}"), 20)),
        contents,
        repositories,
    }
}

/// A content whose every property follows from its text and name, as it does from blob, name and recipe.
fn random_content(random: &mut Random, step: u32, row: u32) -> ContentRow {
    const LANGUAGES: [Option<&str>; 6] = [None, Some("Rust"), Some("C"), Some("c"), Some("Ä"), Some("C++")];
    let process: Vec<Reason> = Reason::ALL
        .iter()
        .copied()
        .filter(|reason| reason.stage() == Stage::Process)
        .collect();
    let kind = random.below(30);
    let text = format!("{} {kind}", if random.below(3) == 0 { 0 } else { step });
    let mut fixed = Random(kind + 1);
    let mut content = content(&text, row);
    content.key = named_key(&text, random.of(&["a.rs", "b.c", "ä"]));
    content.language = fixed.of(&LANGUAGES).map(|name| Language::named(name.to_owned()));
    content.verdict = if fixed.below(4) == 0 {
        Verdict::Dropped(fixed.of(&process))
    } else {
        Verdict::Kept
    };
    content.quality = u8::try_from(fixed.below(101)).unwrap();
    content.redactions = u32::try_from(fixed.below(3)).unwrap();
    content
}

fn random_repository(random: &mut Random, contents: &[ContentRow]) -> RepositoryRow {
    let name = random.of(&["a", "B", "b", "a/b", "a-b", "ä", "z", "Z/9", "a.b", "10", "9"]);
    if random.below(6) == 0 {
        return failed(name);
    }
    let fetch: Vec<Reason> = Reason::ALL
        .iter()
        .copied()
        .filter(|reason| reason.stage() == Stage::Fetch)
        .collect();
    let mut row = repository(name, &[]);
    if random.below(4) == 0 {
        row.location = format!("/src/{}", random.of(&["a", "b", "z"]));
    }
    row.repository.stars = random.of(&[None, Some(0), Some(5), Some(u64::from(u32::MAX))]);
    row.repository.fork = random.below(3) == 0;
    row.repository.committed_at = random.of(&[None, Some(-1), Some(0), Some(1_700_000_000)]);
    row.license_class = random.of(&LicenseClass::ALL);
    row.license = random
        .of(&[None, Some("MIT"), Some("mit"), Some("GPL-3.0-only")])
        .map(SpdxExpression::new);
    let keys: Vec<_> = contents.iter().map(|content| &content.key).collect();
    for n in 0..random.below(20) {
        let path = format!("{}{n}", random.of(&["a/", "A/", "ä/", "a", ""]));
        let mut row_file = match random.below(3) {
            0 => dropped(path.as_bytes(), random.of(&fetch), random.of(&[None, Some("detail")])),
            _ => file(path.as_bytes(), random.of(&keys).clone()),
        };
        row_file.bytes = random.of(&[None, Some(7), Some(1000)]);
        row.files.push(row_file);
    }
    row
}

async fn deduplicate(catalogue: &Catalogue, random: &mut Random) {
    let input = catalogue.dedup_input().await.unwrap();
    let Some(first) = input.candidates.first() else { return };
    let duplicates: Vec<Duplicate> = input.candidates[1..]
        .iter()
        .filter(|_| random.below(3) == 0)
        .map(|candidate| Duplicate {
            file_id: candidate.file_id,
            reason: if candidate.blob == first.blob {
                Reason::ExactDuplicate
            } else {
                Reason::NearDuplicate
            },
            kept_file_id: first.file_id,
            jaccard: 0.875,
        })
        .collect();
    catalogue
        .replace_duplicates(&duplicates, "state", input.generation, None)
        .await
        .unwrap();
}

async fn link(catalogue: &Catalogue, random: &mut Random, step: u32) {
    let (candidates, generation) = catalogue.build_candidates().await.unwrap();
    let decisions: Vec<BuildDecision> = candidates
        .iter()
        .map(|file| BuildDecision {
            file_id: file.file_id,
            outcome: random.of(&[
                Ok(Split::Train),
                Ok(Split::Validation),
                Ok(Split::HeldOut),
                Err(Reason::LicenseNotAllowed),
            ]),
        })
        .collect();
    let name = format!("build-{}", step % 3);
    catalogue
        .link_build(&build(&name), &decisions, generation, None)
        .await
        .unwrap();
}

/// All that can be asked, without ids of rows.
async fn view(catalogue: &Catalogue) -> Value {
    let stats = catalogue.stats().await.unwrap();
    assert!(stats.funnel.adds_up(), "{:?}", stats.funnel);
    let segments = catalogue.segments().await.unwrap();
    let input = catalogue.dedup_input().await.unwrap();
    let ranked: Vec<Value> = input
        .candidates
        .iter()
        .map(|file| {
            json!([
                file.blob.to_string(),
                segments[&file.location.segment],
                file.location.row
            ])
        })
        .collect();
    let (survivors, generation) = catalogue.build_candidates().await.unwrap();
    let mut stories = Vec::new();
    for file in &survivors {
        let name = [file.repository.as_bytes(), b"/", &file.path].concat();
        let story = catalogue.file_story(&name).await.unwrap();
        let content = story
            .content
            .map(|content| (content.blob.to_string(), content.quality, content.language));
        let build = story
            .build
            .map(|build| (build.build, build.outcome.clone().ok(), build.outcome.err()));
        stories.push(json!([
            file.repository,
            file.path,
            story.bytes,
            content,
            build,
            file.text_bytes,
            file.license
        ]));
    }
    let mut names: Vec<String> = segments.into_values().collect();
    names.sort();
    let removed = catalogue.removed_by_language().await.unwrap();
    let sizes = catalogue.cluster_sizes().await.unwrap();
    let ranked_repositories: Vec<String> = catalogue
        .ranked_repositories()
        .await
        .unwrap()
        .into_iter()
        .map(|repository| repository.name)
        .collect();
    let example = catalogue.example_file().await.unwrap().is_some();
    let others = catalogue.other_recipes("newer").await.unwrap();
    let stages = (
        catalogue.stage_state("dedup").await.unwrap(),
        catalogue.stage_state("build").await.unwrap(),
    );
    json!([
        removed,
        sizes,
        ranked_repositories,
        stats,
        ranked,
        generation,
        input.generation,
        stories,
        names,
        example,
        others,
        stages
    ])
}

/// Marsaglia's xorshift ("Xorshift RNGs", 2003), 64 bits, shifts 13, 7, 17.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % limit
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }
}
