//! A statement that runs on threads of its own, so that Ctrl-C is heard whatever it does.

use futures::TryStreamExt;
use mrrow_engine::Snapshot;
use mrrow_engine::arrow::array::RecordBatch;
use mrrow_engine::arrow::datatypes::SchemaRef;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::exit::Failure;

/// Batches that wait to be printed.
const BATCHES_MAX: usize = 2;

/// The columns come first.
pub(super) enum Part {
    Columns(SchemaRef),
    Rows(RecordBatch),
}

pub(super) struct Running {
    parts: Receiver<Result<Part, Failure>>,
    threads: Option<Runtime>,
}

impl Running {
    pub(super) fn start(snapshot: Snapshot, sql: &str) -> Result<Running, Failure> {
        let threads = crate::threads::for_calls()?;
        let (sender, parts) = channel(BATCHES_MAX);
        threads.spawn(run(snapshot, sql.to_string(), sender));
        Ok(Running { parts, threads: Some(threads) })
    }

    /// What comes next; nothing at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Part>, Failure> {
        self.parts.recv().await.transpose()
    }
}

impl Drop for Running {
    /// A step that cannot be stopped, such as one of a huge join, ends later by itself; nobody
    /// waits for it.
    fn drop(&mut self) {
        if let Some(threads) = self.threads.take() {
            threads.shutdown_background();
        }
    }
}

async fn run(snapshot: Snapshot, sql: String, parts: Sender<Result<Part, Failure>>) {
    let failed = match send(&snapshot, &sql, &parts).await {
        Ok(()) => return,
        Err(failed) => failed,
    };
    // Where nobody listens any more, nobody wants to know.
    let _ = parts.send(Err(failed)).await;
}

async fn send(
    snapshot: &Snapshot,
    sql: &str,
    parts: &Sender<Result<Part, Failure>>,
) -> Result<(), Failure> {
    let mut rows = snapshot.sql(sql).await?;
    let mut part = Some(Part::Columns(rows.schema()));
    while let Some(next) = part {
        if parts.send(Ok(next)).await.is_err() {
            return Ok(());
        }
        let batch =
            rows.try_next().await.map_err(|error| Failure::other(error.strip_backtrace()))?;
        part = batch.map(Part::Rows);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::DateTime;
    use mrrow_engine::{Config, Engine};

    use super::*;

    async fn start(engine: &Engine, sql: &str) -> Result<Running, Failure> {
        Running::start(engine.snapshot(None).await?, sql)
    }

    async fn rows(mut running: Running) -> Result<usize, Failure> {
        let mut rows = 0;
        while let Some(part) = running.next().await? {
            rows += if let Part::Rows(batch) = part { batch.num_rows() } else { 0 };
        }
        Ok(rows)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_statement_that_is_dropped_holds_up_no_other() -> Result<(), Failure> {
        let dir = tempfile::tempdir()?;
        let engine =
            Engine::open(Config::new(dir.path(), Arc::new(|| DateTime::UNIX_EPOCH))).await?;
        let join = "select count(*) from generate_series(1, 1000000) a, generate_series(1, 1000000) b where a.value <> b.value";
        let mut endless = start(&engine, join).await?;
        assert!(matches!(endless.next().await?, Some(Part::Columns(_))));
        drop(endless);
        assert_eq!(
            rows(start(&engine, "select value from generate_series(1, 10000)").await?).await?,
            10_000
        );
        Ok(())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_error_comes_instead_of_columns_or_after_rows() -> Result<(), Failure> {
        let dir = tempfile::tempdir()?;
        let engine =
            Engine::open(Config::new(dir.path(), Arc::new(|| DateTime::UNIX_EPOCH))).await?;
        let unknown = rows(start(&engine, "select nope").await?).await;
        assert!(matches!(unknown, Err(Failure::Other(message)) if message.contains("nope")));
        let late =
            rows(start(&engine, "select 1 / (value - 5) from generate_series(1, 9)").await?).await;
        assert!(matches!(late, Err(Failure::Other(message)) if message.contains("zero")));
        Ok(())
    }
}
