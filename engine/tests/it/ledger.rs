//! A book of records in an engine of its own; its movements are read back.

use std::sync::{Arc, Mutex};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use futures::TryStreamExt;
use mrrow_engine::import::{ImportOptions, ImportSummary, Input};
use mrrow_engine::model::ObjectType;
use mrrow_engine::push::{PushOptions, PushResult};
use mrrow_engine::reports::ReportRequest;
use mrrow_engine::{Config, Engine, SendableRecordBatchStream};
use serde_json::Value;
use tempfile::TempDir;

use crate::interpreter::Movement;

/// An engine in a temporary directory.
pub(crate) struct Ledger {
    pub(crate) engine: Engine,
    pub(crate) dir: TempDir,
}

/// A clock that stands still until it is set.
#[derive(Clone)]
pub(crate) struct Clock(Arc<Mutex<DateTime<Utc>>>);

impl Clock {
    /// 10:00 UTC of a day, which is that day from Honolulu to Auckland.
    pub(crate) fn on(today: NaiveDate) -> Clock {
        Clock(Arc::new(Mutex::new(
            today.and_time(NaiveTime::from_hms_opt(10, 0, 0).unwrap()).and_utc(),
        )))
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }

    pub(crate) fn advance(&self, by: chrono::Duration) {
        *self.0.lock().unwrap() += by;
    }
}

/// A request for all movements with all columns.
pub(crate) fn movements_request() -> ReportRequest {
    ReportRequest::new("movements", &[("scheduled", "true"), ("causes", "true")]).unwrap()
}

/// A request for the MRR of each month.
pub(crate) fn mrr_request() -> ReportRequest {
    ReportRequest::new("mrr", &[]).unwrap()
}

impl Ledger {
    /// An empty engine whose clock stands at 10:00 UTC of this day, which is that day from Honolulu
    /// to Auckland.
    pub(crate) async fn open(today: NaiveDate) -> Ledger {
        let dir = TempDir::new().unwrap();
        Ledger { engine: open(dir.path(), today).await, dir }
    }

    /// An engine with the settings of a book and, as the clock, its as_of.
    pub(crate) async fn for_book(book: &Value) -> Ledger {
        let ledger = Ledger::open(as_of(book)).await;
        for (name, value) in book["settings"].as_object().unwrap() {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_string);
            ledger.engine.set_setting(name, &text).await.unwrap();
        }
        ledger
    }

    /// Pushes records of one type in one request, all of which must be accepted.
    pub(crate) async fn push(&self, object: ObjectType, rows: &[Value]) -> PushResult {
        let bytes = Value::Array(rows.to_vec()).to_string().into_bytes();
        let pushed = self
            .engine
            .push("default", Some(object), bytes, &PushOptions::default())
            .await
            .unwrap();
        assert!(pushed.stored && pushed.rejections.is_empty(), "{:?}", pushed.rejections);
        pushed
    }

    /// Pushes a document with records of all types in one request.
    pub(crate) async fn push_book(&self, book: &Value) {
        let document: serde_json::Map<_, _> = ObjectType::ALL
            .iter()
            .map(|object| (object.name().to_string(), book[object.name()].clone()))
            .collect();
        let bytes = Value::Object(document).to_string().into_bytes();
        let pushed =
            self.engine.push("default", None, bytes, &PushOptions::default()).await.unwrap();
        assert!(pushed.stored, "{:?}", pushed.rejections);
    }

    /// Closes the engine and opens the directory again.
    pub(crate) async fn reopened(self, config: impl FnOnce(&std::path::Path) -> Config) -> Ledger {
        self.engine.close().await.unwrap();
        let engine = Engine::open(config(self.dir.path())).await.unwrap();
        Ledger { engine, dir: self.dir }
    }

    /// The rows of every public table, sorted.
    pub(crate) async fn tables(&self) -> Vec<(&'static str, Vec<Vec<String>>)> {
        self.engine.flush().await.unwrap();
        let mut tables = Vec::new();
        for table in
            ["customers", "plans", "invoices", "mrr_lines", "movements", "scheduled_movements"]
        {
            let mut rows = self.sql(&format!("select * from {table}")).await;
            rows.sort();
            tables.push((table, rows));
        }
        tables
    }

    /// Imports records of a book's three types in one go.
    pub(crate) async fn import(&self, book: &Value) -> ImportSummary {
        let inputs = ObjectType::ALL
            .into_iter()
            .filter(|object| book[object.name()].as_array().is_some_and(|rows| !rows.is_empty()))
            .map(|object| {
                Input::bytes(
                    object.name(),
                    Some(object),
                    book[object.name()].to_string().into_bytes(),
                )
            })
            .collect();
        let summary = self.engine.import(inputs, &ImportOptions::default()).await.unwrap();
        assert!(summary.rejections.is_empty(), "{:?}", summary.rejections);
        summary
    }

    /// The movements, scheduled ones too, as of the engine's today unless given.
    pub(crate) async fn movements(&self, as_of: Option<NaiveDate>) -> Vec<Movement> {
        let snapshot = self.engine.snapshot(as_of).await.unwrap();
        movements(&rows(snapshot.report(&movements_request()).await.unwrap()).await)
    }

    /// The rows of a query, each as its values in text.
    pub(crate) async fn sql(&self, sql: &str) -> Vec<Vec<String>> {
        let snapshot = self.engine.snapshot(None).await.unwrap();
        texts(&rows(snapshot.sql(sql).await.unwrap()).await)
    }

    /// Asserts that every check holds and a rebuild from nothing gives the same rows.
    pub(crate) async fn verify(&self) {
        let found = self.engine.verify().await.unwrap();
        assert!(found.holds(), "{:?}", found.failures);
    }
}

pub(crate) async fn open(dir: &std::path::Path, today: NaiveDate) -> Engine {
    Engine::open(config(dir, &Clock::on(today))).await.unwrap()
}

/// The defaults with this clock.
pub(crate) fn config(dir: &std::path::Path, clock: &Clock) -> Config {
    let clock = clock.clone();
    Config::new(dir, Arc::new(move || clock.now()))
}

pub(crate) fn as_of(book: &Value) -> NaiveDate {
    book["as_of"].as_str().unwrap().parse().unwrap()
}

pub(crate) async fn rows(stream: SendableRecordBatchStream) -> Vec<RecordBatch> {
    stream.try_collect().await.unwrap()
}

/// Every value in text; null is empty.
pub(crate) fn texts(batches: &[RecordBatch]) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for batch in batches {
        let columns: Vec<_> =
            batch.columns().iter().map(|column| cast(column, &DataType::Utf8).unwrap()).collect();
        for row in 0..batch.num_rows() {
            let text = |column: &Arc<dyn Array>| {
                let column = column.as_string::<i32>();
                if column.is_null(row) { String::new() } else { column.value(row).to_string() }
            };
            rows.push(columns.iter().map(text).collect());
        }
    }
    rows
}

pub(crate) fn movements(batches: &[RecordBatch]) -> Vec<Movement> {
    let mut movements = Vec::new();
    for batch in batches {
        let wanted =
            ["date", "customer_id", "currency", "type", "amount", "mrr_after", "scheduled"];
        let columns: Vec<_> =
            wanted.iter().map(|name| batch.schema().index_of(name).unwrap()).collect();
        for row in texts(&[batch.project(&columns).unwrap()]) {
            let [date, customer_id, currency, kind, amount, mrr_after, scheduled] =
                row.try_into().unwrap();
            let scheduled = scheduled == "true";
            movements.push(Movement {
                date,
                customer_id,
                currency,
                kind,
                amount,
                mrr_after,
                scheduled,
            });
        }
    }
    movements
}
