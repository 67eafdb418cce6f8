//! The figures of the telemetry table in a file, as the textfile collector of Prometheus' node exporter reads it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use codelupe_core::error::ErrorCode;
use codelupe_telemetry::Registry;
use prometheus_client::encoding::prometheus_text;

use crate::failure::{Failure, Result};

/// How often the file is written while a command runs: Prometheus' usual time between two scrapes.
const EVERY: Duration = Duration::from_secs(15);

/// What a file of metrics begins with.
const OURS: &[u8; 16] = b"# HELP codelupe_";

/// A file that holds the metrics of this process.
pub(crate) struct MetricsFile {
    path: PathBuf,
    registry: Registry,
}

impl MetricsFile {
    /// Begins to record, and writes the file once, so that a place that cannot be written to is said at the start.
    /// A file that holds anything else is left alone.
    pub(crate) fn begin(path: &Path) -> Result<Arc<Self>> {
        refuse_other(path)?;
        let mut registry = Registry::default();
        codelupe_telemetry::register(&mut registry);
        let file = Self {
            path: path.to_owned(),
            registry,
        };
        file.write()?;
        Ok(Arc::new(file))
    }

    /// Writes the file anew every now and then.
    pub(crate) async fn keep(self: Arc<Self>) {
        loop {
            tokio::time::sleep(EVERY).await;
            let file = Arc::clone(&self);
            // Ends only by a panic, which is said already.
            let _ = tokio::task::spawn_blocking(move || file.write_or_warn()).await;
        }
    }

    /// Writes the file; work goes on without it.
    pub(crate) fn write_or_warn(&self) {
        if let Err(error) = self.write() {
            tracing::warn!(%error, "the metrics could not be written");
        }
    }

    fn write(&self) -> Result<()> {
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry).map_err(Failure::defect)?;
        Ok(codelupe_disk::write(&self.path, text.as_bytes())?)
    }
}

/// # Errors
/// `Conflict` for a file that this program has not written.
fn refuse_other(path: &Path) -> Result<()> {
    let mut start = [0; OURS.len()];
    let Ok(mut file) = File::open(path) else {
        return Ok(());
    };
    match file.read(&mut start) {
        Ok(0) | Err(_) => Ok(()),
        Ok(_) if start == *OURS => Ok(()),
        Ok(_) => {
            let text = format!("`{}` is there, and holds no metrics of ours", path.display());
            Err(Failure::new(ErrorCode::Conflict, text).with_hint("name another file with --metrics"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_somebody_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.prom");
        for text in ["a note", "SQLite format 3\0", "#"] {
            std::fs::write(&path, text).unwrap();
            assert!(refuse_other(&path).is_err(), "{text}");
        }
        std::fs::write(&path, "").unwrap();
        assert!(refuse_other(&path).is_ok());
        std::fs::remove_file(&path).unwrap();
        let file = MetricsFile::begin(&path).unwrap();
        file.write().unwrap();
        assert!(
            refuse_other(&path).is_ok(),
            "{}",
            std::fs::read_to_string(&path).unwrap()
        );
    }
}
