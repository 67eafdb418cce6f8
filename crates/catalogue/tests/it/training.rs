//! Trainings of the trainer, its cursor, and the registry of models, on both databases.

use std::collections::HashSet;
use std::time::Duration;

use codelupe_catalogue::{
    Catalogue, ErrorKind, JobRow, JobState, LeaseRequest, ModelKind, ModelState, NewJob, NewModel, NewTraining,
    TrainingEnd, TrainingProgress, TrainingState,
};
use codelupe_core::BlobId;

use crate::world::{World, on_both};

on_both!(
    one_run_at_a_time_goes_through_its_states,
    what_a_run_learned_is_known_to_its_line_together_with_its_model,
    a_line_has_one_promoted_model,
    a_training_and_its_job_are_canceled_together,
    a_worker_that_lost_its_lease_stores_nothing_of_a_training,
);

fn run(name: &str) -> NewTraining {
    NewTraining {
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

fn finished() -> TrainingEnd {
    TrainingEnd {
        state: TrainingState::Finished,
        figures: Some("{\"steps\":3}".to_owned()),
        error: None,
    }
}

/// A training that made a model: rows in all tables of the trainer.
pub(crate) async fn fill(catalogue: &Catalogue) {
    let id = catalogue.start_training(None, &run("training-1")).await.unwrap();
    let learned = [BlobId::of(b"one")];
    catalogue
        .end_training(None, id, &finished(), Some(&model("first", true)), &learned)
        .await
        .unwrap();
}

async fn one_run_at_a_time_goes_through_its_states(world: World) {
    let catalogue = world.catalogue().await;
    assert_eq!(catalogue.open_training().await.unwrap(), None);
    let id = catalogue.start_training(None, &run("training-1")).await.unwrap();
    let error = catalogue.start_training(None, &run("training-2")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("training-1"), "{error}");

    let progress = TrainingProgress {
        data: Some("d1".to_owned()),
        ..TrainingProgress::default()
    };
    catalogue
        .advance_training(None, id, TrainingState::Training, &progress)
        .await
        .unwrap();
    catalogue
        .advance_training(None, id, TrainingState::Evaluating, &TrainingProgress::default())
        .await
        .unwrap();
    let open = catalogue.open_training().await.unwrap().unwrap();
    assert_eq!(
        (open.state, open.data.as_deref()),
        (TrainingState::Evaluating, Some("d1"))
    );

    let end = TrainingEnd {
        state: TrainingState::Failed,
        figures: None,
        error: Some(("disk_full".to_owned(), "no room".to_owned())),
    };
    catalogue.end_training(None, id, &end, None, &[]).await.unwrap();
    assert_eq!(catalogue.open_training().await.unwrap(), None);
    let again = catalogue
        .end_training(None, id, &finished(), None, &[])
        .await
        .unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Conflict);
    let late = catalogue
        .advance_training(None, id, TrainingState::Training, &TrainingProgress::default())
        .await;
    assert_eq!(late.unwrap_err().kind(), ErrorKind::Conflict);

    catalogue.start_training(None, &run("training-2")).await.unwrap();
    let trainings = catalogue.trainings(10).await.unwrap();
    let seen: Vec<_> = trainings
        .iter()
        .map(|training| (training.name.as_str(), training.state))
        .collect();
    assert_eq!(
        seen,
        [
            ("training-2", TrainingState::Formatting),
            ("training-1", TrainingState::Failed)
        ]
    );
    assert_eq!(trainings[1].error.as_deref(), Some("no room"));
    assert!(trainings[1].finished_at >= Some(trainings[1].started_at));
}

async fn what_a_run_learned_is_known_to_its_line_together_with_its_model(world: World) {
    let catalogue = world.catalogue().await;
    let (one, two) = (BlobId::of(b"one"), BlobId::of(b"two"));
    let first = catalogue.start_training(None, &run("training-1")).await.unwrap();
    catalogue
        .end_training(None, first, &finished(), Some(&model("first", true)), &[one])
        .await
        .unwrap();
    // A model whose name is taken: nothing of the end is done.
    let second = catalogue.start_training(None, &run("training-2")).await.unwrap();
    let taken = catalogue
        .end_training(None, second, &finished(), Some(&model("first", true)), &[two])
        .await
        .unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::Conflict);
    assert_eq!(catalogue.open_training().await.unwrap().unwrap().id, second);
    assert_eq!(
        catalogue.trained_contents("tiny+lora").await.unwrap(),
        HashSet::from([one])
    );

    catalogue
        .end_training(None, second, &finished(), Some(&model("second", false)), &[one, two])
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

async fn a_training_and_its_job_are_canceled_together(world: World) {
    let catalogue = world.catalogue().await;
    assert!(!catalogue.cancel_training("train").await.unwrap());
    let job = lease_job(&catalogue).await;
    let id = catalogue
        .start_training(Some(job.fence()), &run("training-1"))
        .await
        .unwrap();
    assert!(catalogue.cancel_training("train").await.unwrap());

    let rows = catalogue.trainings(1).await.unwrap();
    assert_eq!(rows[0].state, TrainingState::Canceled);
    assert!(rows[0].finished_at.is_some());
    let jobs = catalogue.jobs_by_id(&[job.id]).await.unwrap();
    assert_eq!(jobs[0].state, JobState::Canceled);
    // What the trainer would still store is refused.
    let (end, made) = (finished(), model("first", true));
    let ended = catalogue.end_training(Some(job.fence()), id, &end, Some(&made), &[]);
    assert_eq!(ended.await.unwrap_err().kind(), ErrorKind::LeaseLost);
    assert!(catalogue.models().await.unwrap().is_empty());
    assert!(!catalogue.cancel_training("train").await.unwrap());
}

async fn a_worker_that_lost_its_lease_stores_nothing_of_a_training(world: World) {
    let catalogue = world.catalogue().await;
    let job = lease_job(&catalogue).await;
    let fence = Some(job.fence());
    let id = catalogue.start_training(fence, &run("training-1")).await.unwrap();
    assert!(catalogue.release(job.fence()).await.unwrap());

    let lost = |result: Result<(), codelupe_catalogue::Error>| {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::LeaseLost);
    };
    let progress = TrainingProgress::default();
    lost(
        catalogue
            .advance_training(fence, id, TrainingState::Training, &progress)
            .await,
    );
    lost(catalogue.end_training(fence, id, &finished(), None, &[]).await);
    lost(catalogue.start_training(fence, &run("training-2")).await.map(|_| ()));
    let open = catalogue.open_training().await.unwrap().unwrap();
    assert_eq!(
        (open.name.as_str(), open.state),
        ("training-1", TrainingState::Formatting)
    );
}

/// A job of the kind `train`, leased.
async fn lease_job(catalogue: &Catalogue) -> JobRow {
    let job = NewJob {
        key: "train".to_owned(),
        name: "train".to_owned(),
        run: "run".to_owned(),
        step: 4,
        priority: 0,
        version: 1,
        payload: "{}".to_owned(),
        trace_parent: None,
    };
    catalogue.enqueue(&[job]).await.unwrap();
    let request = LeaseRequest {
        worker: "here/1",
        names: &["train"],
        ids: None,
        limit: 1,
        lease: Duration::from_mins(1),
    };
    catalogue.lease(&request).await.unwrap().pop().unwrap()
}
