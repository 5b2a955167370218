//! What an operator watches, in Prometheus' text format.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::extract::State;
use axum::http::Method;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use mrrow_engine::import::Counts;
use mrrow_engine::model::ObjectType;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::app::App;
use crate::error::{ApiError, Result};
use crate::http::caller::Caller;

/// A kind of answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    method: String,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

/// What became of pushed objects.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    object: &'static str,
    status: &'static str,
}

/// How an import or a sync ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    state: &'static str,
}

/// Fetched pages of a type.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Pages {
    object: &'static str,
}

/// The counters, and the gauges that are read when they are asked for.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Answer, Counter>,
    seconds: Family<Route, Histogram>,
    at_work: Gauge,
    objects: Family<Outcome, Counter>,
    pulled_pages: Family<Pages, Counter>,
    syncs: Family<Ended, Counter>,
    snapshot: Gauge,
    last_sequence: Gauge,
    waiting_rows: Gauge,
    snapshot_age: Gauge<f64, AtomicU64>,
    held_bytes: Gauge,
    resident_bytes: Gauge,
    up_seconds: Gauge<f64, AtomicU64>,
    imports: Family<Ended, Counter>,
    imports_open: Gauge,
    import_bytes: Counter,
    imported: Family<Outcome, Counter>,
}

/// Counts a request that is being answered, until it is dropped.
pub(crate) struct AtWork(Gauge);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    pub(crate) fn new() -> Metrics {
        let mut registry = Registry::with_prefix("mrrow");
        let requests = Family::default();
        registry.register("http_requests", "Answered requests", requests.clone());
        // From half a millisecond to about 16 seconds.
        let seconds = Family::<Route, Histogram>::new_with_constructor(|| {
            Histogram::new(exponential_buckets(0.0005, 2.0, 16))
        });
        registry.register_with_unit(
            "http_request_duration",
            "Time until an answer began",
            Unit::Seconds,
            seconds.clone(),
        );
        let at_work = Gauge::default();
        registry.register("http_requests_at_work", "Requests being answered", at_work.clone());
        let objects = Family::default();
        registry.register(
            "pushed_objects",
            "Pushed objects by what became of them",
            objects.clone(),
        );
        let pulled_pages = Family::default();
        registry.register("pull_pages", "Pages fetched and stored", pulled_pages.clone());
        let syncs = Family::default();
        registry.register("pull_syncs", "Ended syncs by how they ended", syncs.clone());
        let snapshot = Gauge::default();
        registry.register("snapshot", "The newest snapshot", snapshot.clone());
        let last_sequence = Gauge::default();
        registry.register(
            "snapshot_last_sequence",
            "The last sequence that is published",
            last_sequence.clone(),
        );
        let waiting_rows = Gauge::default();
        registry.register(
            "inbox_rows",
            "Acknowledged rows that are not yet published",
            waiting_rows.clone(),
        );
        let snapshot_age = Gauge::default();
        registry.register_with_unit(
            "snapshot_age",
            "Since the newest snapshot was published",
            Unit::Seconds,
            snapshot_age.clone(),
        );
        let held_bytes = Gauge::default();
        registry.register_with_unit(
            "bodies_held",
            "Memory of request bodies",
            Unit::Bytes,
            held_bytes.clone(),
        );
        let resident_bytes = Gauge::default();
        registry.register_with_unit(
            "process_resident_memory",
            "Resident memory",
            Unit::Bytes,
            resident_bytes.clone(),
        );
        let up_seconds = Gauge::default();
        registry.register_with_unit(
            "up",
            "Since the server was started",
            Unit::Seconds,
            up_seconds.clone(),
        );
        let imports = Family::default();
        registry.register("imports", "Imports that are over, by how they ended", imports.clone());
        let imports_open = Gauge::default();
        registry.register(
            "imports_open",
            "Imports that are received, wait or are at work",
            imports_open.clone(),
        );
        let import_bytes = Counter::default();
        registry.register_with_unit(
            "import_received",
            "Bytes received for imports",
            Unit::Bytes,
            import_bytes.clone(),
        );
        let imported = Family::default();
        registry.register(
            "imported_rows",
            "Rows of imports by what became of them",
            imported.clone(),
        );
        Metrics {
            registry,
            requests,
            seconds,
            at_work,
            objects,
            pulled_pages,
            syncs,
            snapshot,
            last_sequence,
            waiting_rows,
            snapshot_age,
            held_bytes,
            resident_bytes,
            up_seconds,
            imports,
            imports_open,
            import_bytes,
            imported,
        }
    }

    pub(crate) fn at_work(&self) -> AtWork {
        self.at_work.inc();
        AtWork(self.at_work.clone())
    }

    /// Counts an answer under its route's pattern: a path as it was sent could be anything.
    pub(crate) fn answered(&self, method: &Method, route: &str, status: u16, took: Duration) {
        let method =
            if KNOWN_METHODS.contains(&method.as_str()) { method.as_str() } else { "other" };
        let route = route.to_string();
        self.requests
            .get_or_create(&Answer { method: method.to_string(), route: route.clone(), status })
            .inc();
        self.seconds.get_or_create(&Route { route }).observe(took.as_secs_f64());
    }

    /// Counts an import that is over.
    pub(crate) fn import_ended(&self, state: &'static str) {
        self.imports.get_or_create(&Ended { state }).inc();
    }

    /// Counts what was received for an import.
    pub(crate) fn import_received(&self, bytes: u64) {
        self.import_bytes.inc_by(bytes);
    }

    /// Counts the rows of an import.
    pub(crate) fn imported(&self, object: ObjectType, counts: &Counts) {
        let outcomes = [
            ("created", counts.created),
            ("updated", counts.updated),
            ("unchanged", counts.unchanged),
            ("rejected", counts.rejected),
        ];
        for (status, rows) in outcomes {
            self.imported.get_or_create(&Outcome { object: object.name(), status }).inc_by(rows);
        }
    }

    /// Counts pushed objects.
    pub(crate) fn pushed(&self, object: &'static str, status: &'static str, count: u64) {
        self.objects.get_or_create(&Outcome { object, status }).inc_by(count);
    }

    /// Counts a page that was fetched and stored.
    pub(crate) fn pulled_page(&self, object: &'static str) {
        self.pulled_pages.get_or_create(&Pages { object }).inc();
    }

    /// Counts a sync that has ended.
    pub(crate) fn synced(&self, state: &'static str) {
        self.syncs.get_or_create(&Ended { state }).inc();
    }
}

const KNOWN_METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Everything that is counted and measured.
#[utoipa::path(get, path = "/metrics", tag = "server",
    responses((status = 200, description = "metrics in Prometheus' text format", body = String, content_type = "application/openmetrics-text")))]
pub(crate) async fn metrics(State(app): State<App>, _caller: Caller) -> Result<impl IntoResponse> {
    let status = app.engine.status().await?;
    let metrics = &app.metrics;
    metrics.snapshot.set(status.snapshot);
    metrics.last_sequence.set(status.last_sequence);
    metrics.waiting_rows.set(i64::try_from(status.waiting_rows).unwrap_or(i64::MAX));
    let age = status.committed_at.map_or(0, |at| (app.now() - at).num_milliseconds());
    metrics.snapshot_age.set(seconds_of(age));
    metrics.imports_open.set(i64::try_from(app.imports.open()).unwrap_or(i64::MAX));
    metrics.held_bytes.set(i64::try_from(app.bodies.bytes()).unwrap_or(i64::MAX));
    metrics.resident_bytes.set(resident_bytes().unwrap_or(0));
    metrics.up_seconds.set(app.started.elapsed().as_secs_f64());
    let mut text = String::new();
    encode(&mut text, &metrics.registry)
        .map_err(|error| ApiError::internal(format!("write metrics: {error}")))?;
    Ok(([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text))
}

fn seconds_of(millis: i64) -> f64 {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0)).as_secs_f64()
}

/// Resident memory in bytes, where the system tells it (proc(5), `VmRSS` in KiB).
fn resident_bytes() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}
