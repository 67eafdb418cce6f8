//! Runs of the trainer, its cursor, and the registry of models, on both databases.

use std::collections::HashSet;

use codelupe_core::BlobId;
use codelupe_store::catalogue::{ModelKind, ModelState, NewModel, NewRun, RunEnd, RunProgress, RunState, Signal};
use codelupe_store::{Catalogue, ErrorKind};

use crate::world::{World, on_both};

on_both!(
    one_run_at_a_time_goes_through_its_states,
    what_a_run_learnt_is_known_to_its_line_together_with_its_model,
    a_line_has_one_promoted_model,
    a_signal_is_taken_once,
);

fn run(name: &str) -> NewRun {
    NewRun {
        name: name.to_owned(),
        base: "tiny".to_owned(),
        parent: None,
        build: "ab".repeat(32),
        config: "{}".to_owned(),
    }
}

fn model(name: &str, promote: bool) -> NewModel {
    NewModel {
        name: name.to_owned(),
        kind: ModelKind::Adapter,
        line: "tiny+lora".to_owned(),
        base: Some("tiny".to_owned()),
        parent: None,
        loss: Some(2.5),
        evaluation: Some("{}".to_owned()),
        promote,
    }
}

fn finished() -> RunEnd {
    RunEnd {
        state: RunState::Finished,
        figures: Some("{\"steps\":3}".to_owned()),
        error: None,
    }
}

/// A run that made a model, and a signal: rows in all tables of the trainer.
pub(crate) async fn fill(catalogue: &Catalogue) {
    let id = catalogue.start_run(&run("run-1")).await.unwrap();
    let learnt = [BlobId::of(b"one")];
    catalogue
        .end_run(id, &finished(), Some(&model("first", true)), &learnt)
        .await
        .unwrap();
    catalogue.send_signal(Signal::Start).await.unwrap();
}

async fn one_run_at_a_time_goes_through_its_states(world: World) {
    let catalogue = world.catalogue().await;
    assert_eq!(catalogue.open_run().await.unwrap(), None);
    let id = catalogue.start_run(&run("run-1")).await.unwrap();
    let error = catalogue.start_run(&run("run-2")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("run-1"), "{error}");

    let progress = RunProgress {
        data: Some("d1".to_owned()),
        ..RunProgress::default()
    };
    catalogue.advance_run(id, RunState::Training, &progress).await.unwrap();
    catalogue
        .advance_run(id, RunState::Evaluating, &RunProgress::default())
        .await
        .unwrap();
    let open = catalogue.open_run().await.unwrap().unwrap();
    assert_eq!((open.state, open.data.as_deref()), (RunState::Evaluating, Some("d1")));

    let end = RunEnd {
        state: RunState::Failed,
        figures: None,
        error: Some(("disk_full".to_owned(), "no room".to_owned())),
    };
    catalogue.end_run(id, &end, None, &[]).await.unwrap();
    assert_eq!(catalogue.open_run().await.unwrap(), None);
    let again = catalogue.end_run(id, &finished(), None, &[]).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Conflict);
    let late = catalogue
        .advance_run(id, RunState::Training, &RunProgress::default())
        .await;
    assert_eq!(late.unwrap_err().kind(), ErrorKind::Conflict);

    catalogue.start_run(&run("run-2")).await.unwrap();
    let runs = catalogue.runs(10).await.unwrap();
    let seen: Vec<_> = runs.iter().map(|run| (run.name.as_str(), run.state)).collect();
    assert_eq!(seen, [("run-2", RunState::Formatting), ("run-1", RunState::Failed)]);
    assert_eq!(runs[1].error.as_deref(), Some("no room"));
    assert!(runs[1].finished_at >= Some(runs[1].started_at));
}

async fn what_a_run_learnt_is_known_to_its_line_together_with_its_model(world: World) {
    let catalogue = world.catalogue().await;
    let (one, two) = (BlobId::of(b"one"), BlobId::of(b"two"));
    let first = catalogue.start_run(&run("run-1")).await.unwrap();
    catalogue
        .end_run(first, &finished(), Some(&model("first", true)), &[one])
        .await
        .unwrap();
    // A model whose name is taken: nothing of the end is done.
    let second = catalogue.start_run(&run("run-2")).await.unwrap();
    let taken = catalogue
        .end_run(second, &finished(), Some(&model("first", true)), &[two])
        .await
        .unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::Conflict);
    assert_eq!(catalogue.open_run().await.unwrap().unwrap().id, second);
    assert_eq!(
        catalogue.trained_contents("tiny+lora").await.unwrap(),
        HashSet::from([one])
    );

    catalogue
        .end_run(second, &finished(), Some(&model("second", false)), &[one, two])
        .await
        .unwrap();
    assert_eq!(
        catalogue.trained_contents("tiny+lora").await.unwrap(),
        HashSet::from([one, two])
    );
    assert_eq!(catalogue.trained_contents("other").await.unwrap(), HashSet::new());
}

async fn a_line_has_one_promoted_model(world: World) {
    let catalogue = world.catalogue().await;
    catalogue.register_model(&model("first", true)).await.unwrap();
    catalogue.register_model(&model("second", false)).await.unwrap();
    let other = NewModel {
        line: "other".to_owned(),
        ..model("third", true)
    };
    catalogue.register_model(&other).await.unwrap();
    catalogue.promote_model("second").await.unwrap();
    let states = async || -> Vec<ModelState> {
        let models = catalogue.models().await.unwrap();
        models.iter().map(|model| model.state).collect()
    };
    assert_eq!(
        states().await,
        [ModelState::Retired, ModelState::Promoted, ModelState::Promoted]
    );
    // Rolled back.
    catalogue.promote_model("first").await.unwrap();
    assert_eq!(
        states().await,
        [ModelState::Promoted, ModelState::Retired, ModelState::Promoted]
    );
    let missing = catalogue.promote_model("none").await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert_eq!(states().await.len(), 3);
    catalogue.remove_model("second").await.unwrap();
    let gone = catalogue.remove_model("second").await.unwrap_err();
    assert!(gone.to_string().contains("second"), "{gone}");
    assert_eq!(states().await.len(), 2);
}

async fn a_signal_is_taken_once(world: World) {
    let catalogue = world.catalogue().await;
    assert!(!catalogue.take_signal(Signal::Cancel).await.unwrap());
    catalogue.send_signal(Signal::Cancel).await.unwrap();
    catalogue.send_signal(Signal::Cancel).await.unwrap();
    assert!(!catalogue.take_signal(Signal::Start).await.unwrap());
    assert!(catalogue.take_signal(Signal::Cancel).await.unwrap());
    assert!(!catalogue.take_signal(Signal::Cancel).await.unwrap());
}
