//! Counters and gauges for an operator, in Prometheus' text format.

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use axum::http::Method;
use mrrow_engine::import::Counts;
use mrrow_engine::model::ObjectType;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Metric, Registry, Unit};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResponseLabels {
    method: String,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabel {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RowLabels {
    object: &'static str,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabel {
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ObjectLabel {
    object: &'static str,
}

/// The counters, and the gauges that [`Metrics::render`] sets.
pub(crate) struct Metrics {
    registry: Registry,
    started_at: Instant,
    requests: Family<ResponseLabels, Counter>,
    request_seconds: Family<RouteLabel, Histogram>,
    requests_in_progress: Gauge,
    pushed_objects: Family<RowLabels, Counter>,
    pulled_pages: Family<ObjectLabel, Counter>,
    syncs: Family<StateLabel, Counter>,
    imports: Family<StateLabel, Counter>,
    import_bytes: Counter,
    imported_rows: Family<RowLabels, Counter>,
    snapshot: Gauge,
    last_sequence: Gauge,
    inbox_rows: Gauge,
    snapshot_age: Gauge<f64, AtomicU64>,
    open_imports: Gauge,
    body_bytes: Gauge,
    resident_bytes: Gauge,
    up_seconds: Gauge<f64, AtomicU64>,
}

/// The values of the gauges.
pub(crate) struct GaugeValues {
    pub(crate) snapshot: i64,
    pub(crate) last_sequence: i64,
    pub(crate) inbox_rows: u64,
    pub(crate) snapshot_age: Duration,
    pub(crate) open_imports: usize,
    pub(crate) body_bytes: u64,
}

/// A request in progress, until this is dropped.
pub(crate) struct RequestInProgress(Gauge);

impl Drop for RequestInProgress {
    fn drop(&mut self) {
        self.0.dec();
    }
}

const KNOWN_METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

impl Metrics {
    pub(crate) fn new() -> Metrics {
        let mut registry = Registry::with_prefix("mrrow");
        let to = &mut registry;
        // From half a millisecond to about 16 seconds.
        let buckets = || Histogram::new(exponential_buckets(0.0005, 2.0, 16));
        let request_seconds = Family::new_with_constructor(buckets as fn() -> Histogram);
        let seconds = Unit::Seconds;
        Metrics {
            started_at: Instant::now(),
            requests: add(to, "http_requests", "Finished requests"),
            request_seconds: add_unit(
                to,
                "http_request_duration",
                "Time until the response began",
                seconds.clone(),
                request_seconds,
            ),
            requests_in_progress: add(to, "http_requests_at_work", "Requests in progress"),
            pushed_objects: add(to, "pushed_objects", "Pushed objects by status"),
            pulled_pages: add(to, "pull_pages", "Pages fetched and stored"),
            syncs: add(to, "pull_syncs", "Finished syncs by final state"),
            imports: add(to, "imports", "Finished imports by final state"),
            import_bytes: add_unit(
                to,
                "import_received",
                "Bytes received for imports",
                Unit::Bytes,
                Counter::default(),
            ),
            imported_rows: add(to, "imported_rows", "Rows of imports by status"),
            snapshot: add(to, "snapshot", "The newest snapshot"),
            last_sequence: add(to, "snapshot_last_sequence", "The last published sequence"),
            inbox_rows: add(to, "inbox_rows", "Acknowledged rows that are not yet published"),
            snapshot_age: add_unit(
                to,
                "snapshot_age",
                "Time since the newest snapshot was published",
                seconds.clone(),
                Gauge::default(),
            ),
            open_imports: add(to, "imports_open", "Imports that are received, wait or run"),
            body_bytes: add_unit(
                to,
                "bodies_held",
                "Memory of request bodies",
                Unit::Bytes,
                Gauge::default(),
            ),
            resident_bytes: add_unit(
                to,
                "process_resident_memory",
                "Resident memory",
                Unit::Bytes,
                Gauge::default(),
            ),
            up_seconds: add_unit(to, "up", "Time since the start", seconds, Gauge::default()),
            registry,
        }
    }

    pub(crate) fn request_started(&self) -> RequestInProgress {
        self.requests_in_progress.inc();
        RequestInProgress(self.requests_in_progress.clone())
    }

    /// Counts a response under its route's pattern, because paths are unbounded.
    pub(crate) fn request_finished(
        &self,
        method: &Method,
        route: &str,
        status: u16,
        took: Duration,
    ) {
        let method =
            if KNOWN_METHODS.contains(&method.as_str()) { method.as_str() } else { "other" };
        let (method, route) = (method.to_string(), route.to_string());
        self.requests.get_or_create(&ResponseLabels { method, route: route.clone(), status }).inc();
        self.request_seconds.get_or_create(&RouteLabel { route }).observe(took.as_secs_f64());
    }

    pub(crate) fn import_finished(&self, state: &'static str) {
        self.imports.get_or_create(&StateLabel { state }).inc();
    }

    pub(crate) fn import_received(&self, bytes: u64) {
        self.import_bytes.inc_by(bytes);
    }

    pub(crate) fn imported(&self, object: ObjectType, counts: &Counts) {
        let counts = [
            ("created", counts.created),
            ("updated", counts.updated),
            ("unchanged", counts.unchanged),
            ("rejected", counts.rejected),
        ];
        for (status, rows) in counts {
            let labels = RowLabels { object: object.name(), status };
            self.imported_rows.get_or_create(&labels).inc_by(rows);
        }
    }

    pub(crate) fn pushed(&self, object: &'static str, status: &'static str, count: u64) {
        self.pushed_objects.get_or_create(&RowLabels { object, status }).inc_by(count);
    }

    pub(crate) fn pulled_page(&self, object: &'static str) {
        self.pulled_pages.get_or_create(&ObjectLabel { object }).inc();
    }

    pub(crate) fn synced(&self, state: &'static str) {
        self.syncs.get_or_create(&StateLabel { state }).inc();
    }

    /// All metrics as text.
    pub(crate) fn render(&self, values: &GaugeValues) -> Result<String, fmt::Error> {
        self.snapshot.set(values.snapshot);
        self.last_sequence.set(values.last_sequence);
        self.inbox_rows.set(i64::try_from(values.inbox_rows).unwrap_or(i64::MAX));
        self.snapshot_age.set(values.snapshot_age.as_secs_f64());
        self.open_imports.set(i64::try_from(values.open_imports).unwrap_or(i64::MAX));
        self.body_bytes.set(i64::try_from(values.body_bytes).unwrap_or(i64::MAX));
        self.resident_bytes.set(resident_bytes().unwrap_or(0));
        self.up_seconds.set(self.started_at.elapsed().as_secs_f64());
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

fn add<M: Metric + Clone + Default>(registry: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}

fn add_unit<M: Metric + Clone>(
    registry: &mut Registry,
    name: &str,
    help: &str,
    unit: Unit,
    metric: M,
) -> M {
    registry.register_with_unit(name, help, unit, metric.clone());
    metric
}

/// Resident memory in bytes, where the system has it (proc(5), `VmRSS` in KiB).
fn resident_bytes() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}
