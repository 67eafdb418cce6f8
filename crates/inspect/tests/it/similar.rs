//! Lookups, one by one and beside each other.

use std::thread;

use codelupe_dedup::Threshold;
use codelupe_inspect::{Answer, DedupConfig, ErrorKind, Finder, LshChoice, Question};

use crate::world::World;

/// Functions in families of five that differ in one line each: a question finds its own family and no other.
fn texts() -> Vec<String> {
    let line = |family: usize, line: usize| format!("    total_{family} += weight_{family}_{line} * input[{line}];\n");
    let text = |n: usize| {
        let (family, member) = (n / 5, n % 5);
        let body: String = (0..60).map(|number| line(family, number)).collect();
        format!("fn family_{family}() {{\n{body}    member_{member}(total_{family});\n}}\n")
    };
    (0..60).map(text).collect()
}

fn ask(finder: &Finder, text: &str) -> Answer {
    let question = Question {
        name: "question.rs",
        bytes: text.as_bytes(),
        threshold: Threshold::default(),
        limit: 20,
    };
    finder.find(&question).unwrap()
}

fn shown(answer: &Answer) -> String {
    serde_json::to_string(answer).unwrap()
}

#[test]
fn questions_beside_each_other_have_the_answers_of_questions_one_by_one() {
    fn shared<T: Send + Sync>(value: &T) -> &T {
        value
    }
    for lsh in [LshChoice::Memory, LshChoice::Disk] {
        let texts = texts();
        let dedup = DedupConfig {
            lsh,
            ..DedupConfig::default()
        };
        let world = World::of(&texts, dedup);
        world.compare();
        let finder = Finder::open(
            world.rules.clone(),
            &world.folder,
            &world.catalogue,
            world.runtime.handle(),
        )
        .unwrap();
        let one_by_one: Vec<String> = texts.iter().map(|text| shown(&ask(&finder, text))).collect();
        let first = ask(&finder, &texts[0]);
        assert_eq!(first.matches.len(), 5, "{lsh:?} {first:?}");
        assert_eq!(first.matches[0].files[0].name, "here/all/0.rs");
        let (finder, texts) = (shared(&finder), &texts);
        thread::scope(|scope| {
            let askers: Vec<_> = (0..8)
                .map(|asker| {
                    // Each begins elsewhere, so that different questions meet.
                    let order = (0..texts.len()).map(move |n| (n + asker * 7) % texts.len());
                    scope.spawn(move || order.map(|n| (n, shown(&ask(finder, &texts[n])))).collect::<Vec<_>>())
                })
                .collect();
            for asker in askers {
                for (n, answer) in asker.join().unwrap() {
                    assert_eq!(answer, one_by_one[n], "{lsh:?} {n}");
                }
            }
        });
    }
}

#[test]
fn before_anything_was_compared_there_is_nothing_to_ask() {
    let world = World::of(&texts(), DedupConfig::default());
    let opened = Finder::open(
        world.rules.clone(),
        &world.folder,
        &world.catalogue,
        world.runtime.handle(),
    );
    assert_eq!(opened.err().unwrap().kind(), ErrorKind::Nothing);
}
