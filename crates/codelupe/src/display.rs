//! Progress: a live line on terminals, plain log lines otherwise.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use codelupe_pipeline::{Progress, Step};
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::task::JoinHandle;

/// How often a terminal is drawn.
const DRAW_EVERY: Duration = Duration::from_millis(200);

/// How often a log line is written where there is no terminal.
const LOG_EVERY: Duration = Duration::from_secs(5);

/// Shows progress until dropped.
pub(crate) struct Display {
    task: JoinHandle<()>,
    bar: Option<ProgressBar>,
}

impl Display {
    pub(crate) fn start(progress: &Arc<Progress>, quiet: bool) -> Self {
        let progress = Arc::clone(progress);
        let bar = (!quiet && std::io::stderr().is_terminal()).then(bar);
        let shown = bar.clone();
        let task = tokio::spawn(async move {
            if let Some(bar) = shown {
                draw(&progress, &bar).await;
            } else if !quiet {
                log(&progress).await;
            }
        });
        Self { task, bar }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        self.task.abort();
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{prefix:>8} {bar:24} {pos}/{len} {eta:>4}  {wide_msg}");
    bar.set_style(
        style
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("━╸ "),
    );
    bar
}

async fn draw(progress: &Progress, bar: &ProgressBar) {
    let mut rate = Rate::new();
    let mut step = None;
    loop {
        if read(&progress.total) == 0 {
            // Nothing to show yet; log lines come out undisturbed.
            tokio::time::sleep(DRAW_EVERY).await;
            continue;
        }
        if step != Some(progress.step()) {
            step = Some(progress.step());
            bar.reset();
            bar.set_prefix(progress.step().as_str());
        }
        bar.set_length(read(&progress.total));
        bar.set_position(read(&progress.done));
        bar.set_message(message(progress, &mut rate));
        tokio::time::sleep(DRAW_EVERY).await;
    }
}

fn message(progress: &Progress, rate: &mut Rate) -> String {
    if progress.step() != Step::Process {
        return progress.current();
    }
    let (files, bytes) = rate.per_second(progress);
    format!(
        "{files} files/s {}/s │ kept {} dropped {} known {} │ {}",
        HumanBytes(bytes),
        HumanCount(read(&progress.kept)),
        HumanCount(read(&progress.dropped)),
        HumanCount(read(&progress.known)),
        progress.current()
    )
}

async fn log(progress: &Progress) {
    let mut rate = Rate::new();
    loop {
        tokio::time::sleep(LOG_EVERY).await;
        let (files_per_second, bytes_per_second) = rate.per_second(progress);
        tracing::info!(
            step = progress.step().as_str(),
            done = read(&progress.done),
            total = read(&progress.total),
            files_per_second,
            bytes_per_second,
            kept = read(&progress.kept),
            dropped = read(&progress.dropped),
            known = read(&progress.known),
            "progress"
        );
    }
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// Files and bytes per second since the last look, smoothed.
struct Rate {
    at: Instant,
    files: u64,
    bytes: u64,
    smooth: Option<(f64, f64)>,
}

impl Rate {
    /// The weight of the newest value in the exponential moving average.
    const WEIGHT: f64 = 0.2;

    fn new() -> Self {
        Self {
            at: Instant::now(),
            files: 0,
            bytes: 0,
            smooth: None,
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rates are positive and far below 2^63"
    )]
    fn per_second(&mut self, progress: &Progress) -> (u64, u64) {
        let (files, bytes) = (read(&progress.files), read(&progress.bytes));
        let seconds = self.at.elapsed().as_secs_f64().max(0.001);
        let now = (
            files.saturating_sub(self.files) as f64 / seconds,
            bytes.saturating_sub(self.bytes) as f64 / seconds,
        );
        (self.at, self.files, self.bytes) = (Instant::now(), files, bytes);
        let (old_files, old_bytes) = self.smooth.unwrap_or(now);
        let smooth = (
            old_files + Self::WEIGHT * (now.0 - old_files),
            old_bytes + Self::WEIGHT * (now.1 - old_bytes),
        );
        self.smooth = Some(smooth);
        (smooth.0 as u64, smooth.1 as u64)
    }
}
