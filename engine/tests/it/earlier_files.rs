//! A directory that an earlier version wrote: its files lack the columns that were added since.

use std::fs::{self, File};
use std::path::Path;

use mrrow_engine::model::ObjectType;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::json;

use crate::ledger::{Clock, Ledger, config};

/// Rewrites every file of a table without a column, as a version without that column wrote it.
fn forget(dir: &Path, table: &str, column: &str) {
    let catalog = rusqlite::Connection::open(dir.join("catalog.db")).unwrap();
    let folder = dir.join("data").join(table);
    let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!files.is_empty());
    for path in files {
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap())
            .unwrap()
            .build()
            .unwrap();
        let batches: Vec<_> = reader.map(|batch| batch.unwrap()).collect();
        let others: Vec<usize> = (0..batches[0].num_columns())
            .filter(|at| batches[0].schema().field(*at).name() != column)
            .collect();
        assert_eq!(others.len() + 1, batches[0].num_columns());
        let schema = batches[0].schema().project(&others).unwrap();
        let mut writer =
            ArrowWriter::try_new(File::create(&path).unwrap(), schema.into(), None).unwrap();
        batches.iter().for_each(|batch| writer.write(&batch.project(&others).unwrap()).unwrap());
        writer.close().unwrap();
        let bytes = fs::metadata(&path).unwrap().len() as i64;
        let name = format!("%{}", path.file_name().unwrap().display());
        let sql = "update data_file set bytes = ?1 where path like ?2";
        catalog.execute(sql, (bytes, name)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn added_columns_are_empty_in_earlier_files() {
    let today = "2024-03-01".parse().unwrap();
    let ledger = Ledger::open(today).await;
    let customers = [json!({"id": "a", "name": "A"}), json!({"id": "b", "name": "B"})];
    let plans = json!([{"id": "p", "name": "P", "interval": "month", "interval_count": 1,
        "currency": "USD"}]);
    ledger.import(&json!({"customers": customers, "plans": plans})).await;
    ledger.push(ObjectType::Customers, &[json!({"id": "b", "name": "Bee"})]).await;
    let Ledger { engine, dir } = ledger;
    engine.close().await.unwrap();
    forget(dir.path(), "customers", "state");
    forget(dir.path(), "plans", "product_name");
    let engine = mrrow_engine::Engine::open(config(dir.path(), &Clock::on(today))).await.unwrap();
    let ledger = Ledger { engine, dir };
    let named = "select id, name, coalesce(state, '-') from customers order by id";
    assert_eq!(ledger.sql(named).await, [["a", "A", "-"], ["b", "Bee", "-"]]);
    assert_eq!(ledger.sql("select id, coalesce(product_name, '-') from plans").await, [["p", "-"]]);
    // The same record is unchanged; a value in an added column is stored.
    let again = ledger.push(ObjectType::Customers, &[customers[0].clone()]).await;
    assert_eq!(again.result[0].status, mrrow_engine::RowStatus::Unchanged);
    ledger.push(ObjectType::Customers, &[json!({"id": "b", "name": "Bee", "state": "ca"})]).await;
    ledger.engine.flush().await.unwrap();
    ledger.engine.compact().await.unwrap();
    assert_eq!(ledger.sql(named).await, [["a", "A", "-"], ["b", "Bee", "ca"]]);
    ledger.verify().await;
}
