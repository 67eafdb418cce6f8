//! Work of a worker on the data folder: opened with the stages that there are, shown, stopped cleanly.

use std::sync::Arc;

use codelupe_core::error::{Coded, ErrorCode};
use codelupe_pipeline::Pipeline;
use codelupe_train::{Environment, TrainStage};
use codelupe_worker::{Progress, Worker, Workplace};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::App;
use crate::display::Display;
use crate::failure::{self, Failure, Result};
use crate::report;

impl App {
    /// Opens the data folder, runs blocking work on it with progress shown, and stops it cleanly on Ctrl-C or SIGTERM.
    pub(crate) async fn work<T: Send + 'static, E: Coded>(
        &self,
        place: Workplace,
        work: impl FnOnce(&Worker, &Pipeline) -> Result<T, E> + Send + 'static,
    ) -> Result<T> {
        let mut signals = StopSignals::install()?;
        let progress = Arc::new(Progress::default());
        let pipeline = Pipeline::new(self.settings.tokens.clone());
        let environment = Environment::without_secrets(std::env::vars_os());
        let stages = pipeline
            .stages()
            .with(TrainStage::new(environment, report::train_event));
        let worker = Worker::open(place, stages, Arc::clone(&progress)).await?;
        let display = Display::start(&progress, self.settings.quiet);
        let mut work = tokio::task::spawn_blocking(move || {
            let result = work(&worker, &pipeline);
            (worker, result)
        });
        let finished = tokio::select! {
            finished = &mut work => finished,
            () = signals.next() => {
                tracing::info!("stopping: finished work is being stored; once more to stop at once");
                progress.stop();
                tokio::select! {
                    finished = work => finished,
                    // Whatever is not linked yet is done again by the next run; nothing is half-written.
                    () = signals.next() => stop_at_once(),
                }
            }
        };
        drop(display);
        let (worker, result) = finished.map_err(Failure::defect)?;
        worker.close().await;
        Ok(result?)
    }
}

#[expect(
    clippy::exit,
    reason = "the user asked twice, and the blocking work cannot be waited for"
)]
fn stop_at_once() -> ! {
    let code = failure::report(&Failure::new(ErrorCode::Canceled, "stopped at once"));
    std::process::exit(code.into());
}

/// Ctrl-C and SIGTERM, caught from the moment of installing on.
struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    fn install() -> std::io::Result<Self> {
        let interrupt = signal(SignalKind::interrupt())?;
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self { interrupt, terminate })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
