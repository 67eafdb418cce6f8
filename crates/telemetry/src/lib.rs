//! The table of metrics ([`TABLE`]) and of spans ([`SPANS`]): what CodeLupe tells about itself while it works.
//!
//! A library records through the handles of the table, such as [`CATALOGUE_CALLS`]. A handle takes typed labels, whose values
//! are closed sets, so no text of the corpus can become a label. Nothing is recorded, and no clock is read, until the binary
//! has called [`register`]: it owns the registry, and decides where the figures go. There is no exporter here.
//!
//! Names follow Prometheus: `codelupe_WHAT_UNIT`, base units (seconds, bytes), counters end in `_total`, labels in snake case.
//! They are what an operator types into a query, and what every tool around Prometheus expects; the dotted names of
//! OpenTelemetry's semantic conventions would be turned into these on the way and be found under neither name in this tree.
//!
//! Below the handles is `prometheus-client`, the Prometheus project's own library: label sets are types there, and it has
//! exemplars and native histograms for later. The facade `metrics` has neither, and its labels are strings.

#![forbid(unsafe_code)]

mod handle;
mod label;
mod labels;
mod operation;
mod spans;
mod table;

pub use handle::{Counter, Declared, Gauge, Handle, Histogram, Kind, Metric, Started, Unit};
pub use label::{Label, LabelValue, Labels, Meaning};
pub use labels::{
    Answer, BreakerLabels, CallLabels, CallOutcome, Forge, ForgeLabels, JobLabels, JobOutcome, Method, NoLabels,
    OperationLabels, QueryLabels, QueryOutcome, RequestLabels, Stage, StageLabels,
};
pub use operation::Operation;
pub use spans::{Attribute, SPANS, Span, span};
pub use table::*;

/// The registry that the binary owns.
pub use prometheus_client::registry::Registry;

/// Puts every metric of the table into `registry`. From then on they are recorded, in this process, for good.
pub fn register(registry: &mut Registry) {
    for metric in TABLE {
        metric.register(registry);
    }
}
