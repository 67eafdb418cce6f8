//! Trainings, the trainer's cursor, and the registry of models.

use std::collections::HashSet;

use async_trait::async_trait;
use codelupe_core::BlobId;
use codelupe_telemetry::Operation;
use sqlx::QueryBuilder;

use super::{Connection, Database, Store, now};
use crate::error::{Error, ErrorKind};
use crate::rows::{
    Fence, ModelRow, NewModel, NewTraining, TrainingEnd, TrainingProgress, TrainingRow, TrainingState, Trainings,
    storable,
};

/// Rows in one statement: three parameters each stay below the limits of both databases.
const ROWS_PER_STATEMENT: usize = 5000;

const TRAININGS: &str = "SELECT id, name, state, base, parent, build, data, engine, config, figures, error_code, error,
    started_at, finished_at FROM trainings";

const MODELS: &str = "SELECT id, name, kind, line, base, parent, training_id, state, loss, evaluation, created_at,
    promoted_at FROM models";

#[async_trait]
impl Trainings for Store {
    async fn start_training(&self, fence: Option<Fence>, training: &NewTraining) -> Result<i64, Error> {
        let doing = Operation::StartTraining;
        self.guard
            .run_store(doing, || self.try_start_training(doing, fence, training))
            .await
    }

    async fn open_training(&self) -> Result<Option<TrainingRow>, Error> {
        let sql = format!("{TRAININGS} WHERE finished_at IS NULL");
        let read = || async {
            sqlx::query_as(sqlx::AssertSqlSafe(sql.clone()))
                .fetch_optional(&self.pool)
                .await
        };
        self.guard.run(Operation::ReadOpenTraining, read).await
    }

    async fn trainings(&self, limit: u32) -> Result<Vec<TrainingRow>, Error> {
        let sql = format!("{TRAININGS} ORDER BY id DESC LIMIT $1");
        let read = || async {
            let query = sqlx::query_as(sqlx::AssertSqlSafe(sql.clone())).bind(i64::from(limit));
            query.fetch_all(&self.pool).await
        };
        self.guard.run(Operation::ReadTrainings, read).await
    }

    async fn advance_training(
        &self,
        fence: Option<Fence>,
        training: i64,
        state: TrainingState,
        progress: &TrainingProgress,
    ) -> Result<(), Error> {
        let doing = Operation::NoteProgressOfTraining;
        let sql = "UPDATE trainings SET state = $1, data = coalesce($2, data), engine = coalesce($3, engine),
                   figures = coalesce($4, figures) WHERE id = $5 AND finished_at IS NULL";
        let work = || async {
            let fail = |error| Error::database(doing, error);
            let mut transaction = self.begin(fence).await?;
            let query = sqlx::query(sql)
                .bind(state.as_str())
                .bind(&progress.data)
                .bind(&progress.engine)
                .bind(&progress.figures)
                .bind(training);
            if query.execute(&mut *transaction).await.map_err(fail)?.rows_affected() == 0 {
                return Err(not_open(training));
            }
            transaction.commit().await.map_err(fail)
        };
        self.guard.run_store(doing, work).await
    }

    async fn end_training(
        &self,
        fence: Option<Fence>,
        training: i64,
        end: &TrainingEnd,
        made: Option<&NewModel>,
        learned: &[BlobId],
    ) -> Result<(), Error> {
        let doing = Operation::EndTraining;
        let result = TrainingResult { end, made, learned };
        let work = || self.try_end_training(doing, fence, training, &result);
        self.guard.run_store(doing, work).await
    }

    async fn trained_contents(&self, line: &str) -> Result<HashSet<BlobId>, Error> {
        let read = || async {
            sqlx::query_scalar::<_, Vec<u8>>("SELECT blob_id FROM trained_contents WHERE line = $1")
                .bind(storable(line))
                .fetch_all(&self.pool)
                .await
        };
        let rows = self.guard.run(Operation::ReadWhatWasLearned, read).await?;
        let blobs = rows.into_iter().map(|blob| {
            BlobId::try_from(blob).map_err(|_| Error::new(ErrorKind::Corrupt, "a learned content has no valid id"))
        });
        blobs.collect()
    }

    async fn register_model(&self, model: &NewModel) -> Result<(), Error> {
        let doing = Operation::RegisterModel;
        let work = || async {
            let mut transaction = self.begin(None).await?;
            insert_model(&mut transaction, doing, model, None).await?;
            transaction
                .commit()
                .await
                .map_err(|error| Error::database(doing, error))
        };
        self.guard.run_store(doing, work).await
    }

    async fn models(&self) -> Result<Vec<ModelRow>, Error> {
        let sql = format!("{MODELS} ORDER BY id");
        let read = || async {
            sqlx::query_as(sqlx::AssertSqlSafe(sql.clone()))
                .fetch_all(&self.pool)
                .await
        };
        self.guard.run(Operation::ReadModels, read).await
    }

    async fn promote_model(&self, name: &str) -> Result<(), Error> {
        let doing = Operation::PromoteModel;
        let work = || async {
            let mut transaction = self.begin(None).await?;
            promote(&mut transaction, doing, name).await?;
            transaction
                .commit()
                .await
                .map_err(|error| Error::database(doing, error))
        };
        self.guard.run_store(doing, work).await
    }

    async fn remove_model(&self, name: &str) -> Result<(), Error> {
        let remove = || async {
            let query = sqlx::query("DELETE FROM models WHERE name = $1").bind(storable(name));
            Ok(query.execute(&self.pool).await?.rows_affected())
        };
        match self.guard.run(Operation::RemoveModel, remove).await? {
            0 => Err(no_model(name)),
            _ => Ok(()),
        }
    }

    async fn cancel_training(&self, job: &str) -> Result<bool, Error> {
        let doing = Operation::CancelTraining;
        let work = || async {
            let fail = |error| Error::database(doing, error);
            let mut transaction = self.begin(None).await?;
            let now = now(&mut transaction).await?;
            let sql = "UPDATE trainings SET state = 'canceled', finished_at = $1 WHERE finished_at IS NULL";
            let training = sqlx::query(sql)
                .bind(now)
                .execute(&mut *transaction)
                .await
                .map_err(fail)?;
            let sql = "UPDATE jobs SET state = 'canceled', lease_until = NULL, finished_at = $1
                       WHERE name = $2 AND state IN ('queued', 'running')";
            let query = sqlx::query(sql).bind(now).bind(storable(job));
            let jobs = query.execute(&mut *transaction).await.map_err(fail)?;
            transaction.commit().await.map_err(fail)?;
            Ok(training.rows_affected() + jobs.rows_affected() > 0)
        };
        self.guard.run_store(doing, work).await
    }
}

impl Store {
    async fn try_start_training(
        &self,
        doing: Operation,
        fence: Option<Fence>,
        training: &NewTraining,
    ) -> Result<i64, Error> {
        let fail = |error| Error::database(doing, error);
        let mut transaction = self.begin(fence).await?;
        let open: Option<String> = sqlx::query_scalar("SELECT name FROM trainings WHERE finished_at IS NULL")
            .fetch_optional(&mut *transaction)
            .await
            .map_err(fail)?;
        if let Some(open) = open {
            return Err(Error::new(
                ErrorKind::Conflict,
                format!("the training `{open}` is open"),
            ));
        }
        let now = now(&mut transaction).await?;
        let sql = "INSERT INTO trainings (name, state, base, parent, build, config, started_at)
                   VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id";
        let id = sqlx::query_scalar(sql)
            .bind(storable(&training.name))
            .bind(TrainingState::Formatting.as_str())
            .bind(storable(&training.base))
            .bind(training.parent.as_deref().map(storable))
            .bind(&training.build)
            .bind(storable(&training.config))
            .bind(now)
            .fetch_one(&mut *transaction)
            .await
            .map_err(fail)?;
        transaction.commit().await.map_err(fail)?;
        Ok(id)
    }

    async fn try_end_training(
        &self,
        doing: Operation,
        fence: Option<Fence>,
        training: i64,
        result: &TrainingResult<'_>,
    ) -> Result<(), Error> {
        let TrainingResult { end, made, learned } = *result;
        let fail = |error| Error::database(doing, error);
        let mut transaction = self.begin(fence).await?;
        let now = now(&mut transaction).await?;
        let (code, message) = end.error.as_ref().map(|(code, message)| (code, message)).unzip();
        let sql = "UPDATE trainings SET state = $1, figures = coalesce($2, figures), error_code = $3, error = $4,
                   finished_at = $5 WHERE id = $6 AND finished_at IS NULL";
        let ended = sqlx::query(sql)
            .bind(end.state.as_str())
            .bind(&end.figures)
            .bind(code)
            .bind(message.map(|message| storable(message)))
            .bind(now)
            .bind(training)
            .execute(&mut *transaction)
            .await
            .map_err(fail)?;
        if ended.rows_affected() == 0 {
            return Err(not_open(training));
        }
        if let Some(model) = made {
            insert_model(&mut transaction, doing, model, Some(training)).await?;
            for blobs in learned.chunks(ROWS_PER_STATEMENT) {
                let mut query =
                    QueryBuilder::<Database>::new("INSERT INTO trained_contents (line, blob_id, training_id) ");
                query.push_values(blobs, |mut tuple, blob| {
                    tuple
                        .push_bind(storable(&model.line).into_owned())
                        .push_bind(blob.as_bytes().to_vec())
                        .push_bind(training);
                });
                query.push(" ON CONFLICT (line, blob_id) DO NOTHING");
                let query = query.build().persistent(false);
                query.execute(&mut *transaction).await.map_err(fail)?;
            }
        }
        transaction.commit().await.map_err(fail)
    }
}

/// What is stored when a training ends.
struct TrainingResult<'a> {
    end: &'a TrainingEnd,
    /// The model that it made.
    made: Option<&'a NewModel>,
    /// The contents that the model has learned.
    learned: &'a [BlobId],
}

async fn insert_model(
    connection: &mut Connection,
    doing: Operation,
    model: &NewModel,
    training: Option<i64>,
) -> Result<(), Error> {
    let fail = |error| Error::database(doing, error);
    let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM models WHERE name = $1)")
        .bind(storable(&model.name))
        .fetch_one(&mut *connection)
        .await
        .map_err(fail)?;
    if exists {
        return Err(Error::new(
            ErrorKind::Conflict,
            format!("a model `{}` exists already", model.name),
        ));
    }
    let now = now(connection).await?;
    let sql = "INSERT INTO models (name, kind, line, base, parent, training_id, state, loss, evaluation, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, 'candidate', $7, $8, $9)";
    sqlx::query(sql)
        .bind(storable(&model.name))
        .bind(model.kind.as_str())
        .bind(storable(&model.line))
        .bind(model.base.as_deref().map(storable))
        .bind(model.parent.as_deref().map(storable))
        .bind(training)
        .bind(model.loss)
        .bind(&model.evaluation)
        .bind(now)
        .execute(&mut *connection)
        .await
        .map_err(fail)?;
    if model.promote {
        promote(connection, doing, &model.name).await?;
    }
    Ok(())
}

async fn promote(connection: &mut Connection, doing: Operation, name: &str) -> Result<(), Error> {
    let fail = |error| Error::database(doing, error);
    let now = now(connection).await?;
    let retire = "UPDATE models SET state = 'retired' WHERE state = 'promoted' AND name <> $1
                  AND line = (SELECT line FROM models WHERE name = $1)";
    let query = sqlx::query(retire).bind(storable(name));
    query.execute(&mut *connection).await.map_err(fail)?;
    let query = sqlx::query("UPDATE models SET state = 'promoted', promoted_at = $1 WHERE name = $2");
    let promoted = query
        .bind(now)
        .bind(storable(name))
        .execute(connection)
        .await
        .map_err(fail)?;
    match promoted.rows_affected() {
        0 => Err(no_model(name)),
        _ => Ok(()),
    }
}

fn no_model(name: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no model `{name}`"))
}

fn not_open(training: i64) -> Error {
    Error::new(
        ErrorKind::Conflict,
        format!("the training {training} is not open any more"),
    )
}
