//! A statement on threads of its own, so that Ctrl-C works even while a step blocks its thread.

use futures::TryStreamExt;
use mrrow_engine::Snapshot;
use mrrow_engine::arrow::array::RecordBatch;
use mrrow_engine::arrow::datatypes::SchemaRef;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::exit::Failure;

/// Capacity of the channel of results, in batches.
const BATCHES_MAX: usize = 2;

/// A part of a result; the columns come first.
pub(super) enum ResultPart {
    Columns(SchemaRef),
    Rows(RecordBatch),
}

/// A running statement.
pub(super) struct StatementTask {
    parts: Receiver<Result<ResultPart, Failure>>,
    threads: Option<Runtime>,
}

impl StatementTask {
    pub(super) fn start(snapshot: Snapshot, sql: &str) -> Result<StatementTask, Failure> {
        let threads = crate::threads::foreground()?;
        let (sender, parts) = channel(BATCHES_MAX);
        threads.spawn(run(snapshot, sql.to_string(), sender));
        Ok(StatementTask { parts, threads: Some(threads) })
    }

    /// Waits for the next part; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<ResultPart>, Failure> {
        self.parts.recv().await.transpose()
    }
}

impl Drop for StatementTask {
    /// Cancels the statement without waiting: a step of a huge join may not yield for minutes.
    fn drop(&mut self) {
        if let Some(threads) = self.threads.take() {
            threads.shutdown_background();
        }
    }
}

async fn run(snapshot: Snapshot, sql: String, parts: Sender<Result<ResultPart, Failure>>) {
    if let Err(failure) = send(&snapshot, &sql, &parts).await {
        // A closed channel means that the statement was cancelled.
        let _ = parts.send(Err(failure)).await;
    }
}

async fn send(
    snapshot: &Snapshot,
    sql: &str,
    parts: &Sender<Result<ResultPart, Failure>>,
) -> Result<(), Failure> {
    let mut rows = snapshot.sql(sql).await?;
    let mut part = Some(ResultPart::Columns(rows.schema()));
    while let Some(next) = part {
        if parts.send(Ok(next)).await.is_err() {
            return Ok(());
        }
        let batch =
            rows.try_next().await.map_err(|error| Failure::other(error.strip_backtrace()))?;
        part = batch.map(ResultPart::Rows);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::DateTime;
    use mrrow_engine::{Config, Engine};

    use super::*;

    async fn start(engine: &Engine, sql: &str) -> Result<StatementTask, Failure> {
        StatementTask::start(engine.snapshot(None).await?, sql)
    }

    async fn rows(mut task: StatementTask) -> Result<usize, Failure> {
        let mut rows = 0;
        while let Some(part) = task.next().await? {
            rows += if let ResultPart::Rows(batch) = part { batch.num_rows() } else { 0 };
        }
        Ok(rows)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn dropped_statement_does_not_block_the_next() -> Result<(), Failure> {
        let dir = tempfile::tempdir()?;
        let engine =
            Engine::open(Config::new(dir.path(), Arc::new(|| DateTime::UNIX_EPOCH))).await?;
        let join = "select count(*) from generate_series(1, 1000000) a, \
                    generate_series(1, 1000000) b where a.value <> b.value";
        let mut endless = start(&engine, join).await?;
        assert!(matches!(endless.next().await?, Some(ResultPart::Columns(_))));
        drop(endless);
        assert_eq!(
            rows(start(&engine, "select value from generate_series(1, 10000)").await?).await?,
            10_000
        );
        Ok(())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn errors_come_instead_of_columns_or_after_rows() -> Result<(), Failure> {
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
