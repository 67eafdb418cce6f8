//! Progress: a live line on terminals, plain log lines otherwise.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use codelupe_worker::{Progress, Step};
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
    let mut speed = Speedometer::new();
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
        bar.set_message(message(progress, &mut speed));
        tokio::time::sleep(DRAW_EVERY).await;
    }
}

fn message(progress: &Progress, speed: &mut Speedometer) -> String {
    if progress.step() != Step::Process {
        return progress.current();
    }
    let rate = speed.look(progress);
    let received = match read(&progress.received) {
        0 => String::new(),
        _ => format!(" {}/s received", HumanBytes(rate.received)),
    };
    format!(
        "{}/min{received} {} files/s {}/s │ kept {} dropped {} known {} │ {}",
        rate.done_per_minute,
        rate.files,
        HumanBytes(rate.bytes),
        HumanCount(read(&progress.kept)),
        HumanCount(read(&progress.dropped)),
        HumanCount(read(&progress.known)),
        progress.current()
    )
}

async fn log(progress: &Progress) {
    let mut speed = Speedometer::new();
    loop {
        tokio::time::sleep(LOG_EVERY).await;
        if progress.step() == Step::Train {
            // Its steps are told one by one.
            continue;
        }
        let rate = speed.look(progress);
        tracing::info!(
            step = progress.step().as_str(),
            done = read(&progress.done),
            total = read(&progress.total),
            done_per_minute = rate.done_per_minute,
            received_per_second = rate.received,
            files_per_second = rate.files,
            bytes_per_second = rate.bytes,
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

/// How fast it goes, smoothed.
#[derive(Clone, Copy, Default)]
struct Rate {
    /// Units of the step, repositories at first, per minute.
    done_per_minute: u64,
    /// Bytes from forges per second.
    received: u64,
    /// Files per second.
    files: u64,
    /// Bytes processed per second.
    bytes: u64,
}

/// Looks at the counters from time to time.
struct Speedometer {
    at: Instant,
    counts: [u64; 4],
    smooth: Option<[f64; 4]>,
}

impl Speedometer {
    /// The weight of the newest value in the exponential moving average.
    const WEIGHT: f64 = 0.2;

    fn new() -> Self {
        Self {
            at: Instant::now(),
            counts: [0; 4],
            smooth: None,
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rates are positive and far below 2^63"
    )]
    fn look(&mut self, progress: &Progress) -> Rate {
        let counters = [&progress.done, &progress.received, &progress.files, &progress.bytes];
        let counts = counters.map(read);
        let seconds = self.at.elapsed().as_secs_f64().max(0.001);
        let mut smooth = self.smooth.unwrap_or_default();
        for ((smooth, now), before) in smooth.iter_mut().zip(counts).zip(self.counts) {
            let rate = now.saturating_sub(before) as f64 / seconds;
            *smooth = match self.smooth {
                Some(_) => *smooth + Self::WEIGHT * (rate - *smooth),
                None => rate,
            };
        }
        (self.at, self.counts, self.smooth) = (Instant::now(), counts, Some(smooth));
        let [done, received, files, bytes] = smooth;
        Rate {
            done_per_minute: (done * 60.0) as u64,
            received: received as u64,
            files: files as u64,
            bytes: bytes as u64,
        }
    }
}
