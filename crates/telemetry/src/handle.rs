//! What a library holds of a metric.

use std::fmt;
use std::sync::OnceLock;
use std::time::Instant;

use prometheus_client::encoding::EncodeMetric;
use prometheus_client::metrics::TypedMetric;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::{counter, gauge, histogram};
use prometheus_client::registry::{self, Registry};

use crate::label::{Label, Labels};

/// What a metric does with what it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts values by size.
    Histogram,
}

/// What a value is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// How many.
    Number,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
}

impl Unit {
    /// As it stands in a name; nothing for a number.
    const fn suffix(self) -> &'static str {
        match self {
            Self::Number => "",
            Self::Seconds => "_seconds",
            Self::Bytes => "_bytes",
        }
    }
}

/// A line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Declared {
    /// The full name, as it is asked for.
    pub name: &'static str,
    /// What it does with what it is told.
    pub kind: Kind,
    /// What its values are measured in.
    pub unit: Unit,
    /// The labels.
    pub labels: &'static [Label],
    /// One sentence for a reader, without its full stop.
    pub help: &'static str,
}

impl Declared {
    /// The name without what the registry puts behind it.
    fn stem(&self) -> &'static str {
        let name = self.name.strip_suffix("_total").unwrap_or(self.name);
        name.strip_suffix(self.unit.suffix()).unwrap_or(name)
    }
}

/// Any metric of the table.
pub trait Metric: Sync {
    /// Its line of the table.
    fn declared(&self) -> &Declared;

    /// Puts it into a registry, and records it from then on.
    fn register(&self, registry: &mut Registry);
}

/// One metric for each set of labels, made when it is first recorded.
type Series<L, M> = Family<L, M, fn() -> M>;

/// A metric that a library records; it costs one load while nobody listens.
pub struct Handle<L, M> {
    declared: Declared,
    make: fn() -> M,
    family: OnceLock<Series<L, M>>,
}

/// A metric that only grows.
pub type Counter<L> = Handle<L, counter::Counter>;

/// A metric that goes up and down.
pub type Gauge<L> = Handle<L, gauge::Gauge>;

/// A metric that counts values by size.
pub type Histogram<L> = Handle<L, histogram::Histogram>;

/// When something began; nothing while nobody listens, and then the clock is not read.
#[derive(Debug, Clone, Copy)]
#[must_use = "a duration is recorded by `Histogram::stop`"]
pub struct Started(Option<Instant>);

impl<L: Labels, M> Handle<L, M> {
    pub(crate) const fn new(declared: Declared, make: fn() -> M) -> Self {
        Self {
            declared,
            make,
            family: OnceLock::new(),
        }
    }

    /// Whether it is recorded.
    pub fn is_recorded(&self) -> bool {
        self.family.get().is_some()
    }
}

impl<L: Labels> Counter<L> {
    /// Counts `more`.
    pub fn add(&self, labels: L, more: u64) {
        if let Some(family) = self.family.get() {
            family.get_or_create(&labels).inc_by(more);
        }
    }
}

impl<L: Labels> Gauge<L> {
    /// Says how much it is now.
    pub fn set(&self, labels: L, value: i64) {
        if let Some(family) = self.family.get() {
            family.get_or_create(&labels).set(value);
        }
    }
}

impl<L: Labels> Histogram<L> {
    /// Notes one value.
    pub fn observe(&self, labels: L, value: f64) {
        if let Some(family) = self.family.get() {
            family.get_or_create(&labels).observe(value);
        }
    }

    /// Begins to measure a duration.
    pub fn start(&self) -> Started {
        Started(self.is_recorded().then(Instant::now))
    }

    /// Notes how long it took.
    pub fn stop(&self, started: Started, labels: L) {
        if let Some(started) = started.0 {
            self.observe(labels, started.elapsed().as_secs_f64());
        }
    }
}

impl<L, M> Metric for Handle<L, M>
where
    L: Labels,
    M: EncodeMetric + TypedMetric + fmt::Debug + Send + Sync + 'static,
{
    fn declared(&self) -> &Declared {
        &self.declared
    }

    fn register(&self, registry: &mut Registry) {
        let family = self
            .family
            .get_or_init(|| Family::new_with_constructor(self.make))
            .clone();
        let (name, help) = (self.declared.stem(), self.declared.help);
        match self.declared.unit {
            Unit::Number => registry.register(name, help, family),
            Unit::Seconds => registry.register_with_unit(name, help, registry::Unit::Seconds, family),
            Unit::Bytes => registry.register_with_unit(name, help, registry::Unit::Bytes, family),
        }
    }
}

impl<L, M> fmt::Debug for Handle<L, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handle").field(&self.declared.name).finish()
    }
}
