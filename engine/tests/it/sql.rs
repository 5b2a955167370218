//! Ad-hoc SQL: queries run, every other statement is refused with a reason.

use mrrow_engine::{Error, public_tables};
use serde_json::json;

use crate::ledger::Ledger;

#[tokio::test(flavor = "multi_thread")]
async fn only_queries_of_the_public_tables_run() {
    let ledger = Ledger::open("2024-03-01".parse().unwrap()).await;
    ledger
        .import(&json!({"customers": [{"id": "a", "name": "A", "metadata": {"industry": "art"}}]}))
        .await;
    let mut files = ledger.dir.path().join("data/customers").read_dir().unwrap();
    let file = files.next().unwrap().unwrap().path();
    let snapshot = ledger.engine.snapshot(None).await.unwrap();
    for refused in [
        "create table t as select 1".to_string(),
        "create view v as select 1".to_string(),
        "drop table customers".to_string(),
        "insert into customers select * from customers".to_string(),
        "delete from customers".to_string(),
        "update customers set name = 'x'".to_string(),
        "copy (select 1) to 'out.csv'".to_string(),
        "copy customers to 'out.parquet'".to_string(),
        "set datafusion.execution.batch_size = 1".to_string(),
        "create external table t stored as parquet location '/etc'".to_string(),
        format!("select * from '{}'", file.display()),
        format!("select * from read_parquet('{}')", file.display()),
        format!("select * from parquet_metadata('{}')", file.display()),
        "select _sequence from customers".to_string(),
        "select * from refreshes".to_string(),
        "select 1; select 2".to_string(),
        "prepare p as select 1".to_string(),
        "begin".to_string(),
        "selec 1".to_string(),
        String::new(),
    ] {
        let error = snapshot.sql(&refused).await.err();
        assert!(
            matches!(error, Some(Error::Sql(_) | Error::SqlNotAllowed(_))),
            "{refused}: {error:?}"
        );
    }
    for (query, expected) in [
        ("select id from customers", "a"),
        ("select metadata->>'industry' from customers", "art"),
        ("select sum(0.1 + 0.2) = 0.3", "true"),
        ("with x as (select 1 as y) select y from x", "1"),
    ] {
        assert_eq!(ledger.sql(query).await, [[expected]], "{query}");
    }
    assert_eq!(
        ledger
            .sql("select table_name from information_schema.tables where table_schema = 'public'")
            .await
            .len(),
        6
    );
}

/// The pages that list the public tables for readers.
#[test]
fn pages_name_every_public_table() {
    let page = include_str!("../../../cli/README.md");
    for table in public_tables() {
        assert!(page.contains(&format!("`{}`", table.name)), "cli/README.md lacks {}", table.name);
    }
}
