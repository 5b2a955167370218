//! A restricted snapshot shows the rows of its data sources only, whatever a statement tries.

use mrrow_engine::import::{ImportOptions, Input};
use mrrow_engine::model::ObjectType;
use mrrow_engine::push::PushOptions;
use mrrow_engine::{RecordsQuery, Snapshot};
use serde_json::{Value, json};

use crate::ledger::{Ledger, movements_request, mrr_request, rows, texts};

/// Two sources with a customer, a plan and an invoice each; the same ids in both.
async fn two_sources() -> Ledger {
    let ledger = Ledger::open("2024-03-20".parse().unwrap()).await;
    import(&ledger, "ours", &book("Open Inc", 1000)).await;
    import(&ledger, "theirs", &book("Secret Ltd", 777_000)).await;
    ledger
}

fn book(name: &str, amount: i64) -> Value {
    json!({
        "customers": [{"id": "c1", "name": name, "email": format!("{}@example.com", &name[..4])}],
        "plans": [{"id": "p1", "name": name, "interval": "month", "interval_count": 1,
        "currency": "USD"}],
        "invoices": [{"id": "i1", "customer_id": "c1", "type": "subscription",
        "invoice_date": "2024-03-01", "amount": amount,
            "currency": "USD", "plan_id": "p1", "subscription_id": "s1",
            "period_start": "2024-03-01", "period_end": "2024-04-01"}],
    })
}

async fn import(ledger: &Ledger, data_source: &str, book: &Value) {
    let inputs = ObjectType::ALL.map(|object| {
        Input::bytes(object.name(), Some(object), book[object.name()].to_string().into_bytes())
    });
    let options =
        ImportOptions { data_source: data_source.to_string(), ..ImportOptions::default() };
    let summary = ledger.engine.import(inputs.into(), &options).await.unwrap();
    assert!(summary.rejections.is_empty(), "{:?}", summary.rejections);
}

async fn ours(ledger: &Ledger) -> Snapshot {
    ledger.engine.snapshot(None).await.unwrap().restricted_to(&["ours".to_string()])
}

async fn answer(snapshot: &Snapshot, sql: &str) -> Result<Vec<Vec<String>>, String> {
    use futures::TryStreamExt;
    let rows = snapshot.sql(sql).await.map_err(|error| error.to_string())?;
    let rows: Vec<_> = rows.try_collect().await.map_err(|error| error.to_string())?;
    Ok(texts(&rows))
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_show_only_the_rows_of_its_sources() {
    let ledger = two_sources().await;
    let snapshot = ours(&ledger).await;
    for table in ["customers", "plans", "invoices", "mrr_lines", "movements", "scheduled_movements"]
    {
        for sql in [
            format!("select distinct data_source from {table}"),
            format!(
                "select data_source from {table} where data_source = 'theirs' or true \
                 group by data_source"
            ),
            format!("select data_source from datafusion.public.{table} group by 1"),
            format!("select data_source from \"datafusion\".\"public\".\"{table}\" group by 1"),
            format!("select t.data_source from {table} t right join {table} u on true group by 1"),
        ] {
            let found = answer(&snapshot, &sql).await.unwrap();
            assert!(found.iter().all(|row| row[0] == "ours"), "{sql}: {found:?}");
        }
        let count = answer(&snapshot, &format!("select count(*) from {table}")).await.unwrap();
        assert_eq!(count, [[if table == "scheduled_movements" { "0" } else { "1" }]], "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_and_records_are_of_its_sources_only() {
    let ledger = two_sources().await;
    let (all, ours) = (ledger.engine.snapshot(None).await.unwrap(), ours(&ledger).await);
    let closing = async |snapshot: &Snapshot| {
        let rows = rows(snapshot.report(&mrr_request()).await.unwrap()).await;
        let at = rows[0].schema().index_of("closing").unwrap();
        texts(&[rows[0].project(&[at]).unwrap()])[0][0].clone()
    };
    assert_eq!(closing(&all).await, "778000.0000");
    assert_eq!(closing(&ours).await, "1000.0000");
    let movements = rows(ours.report(&movements_request()).await.unwrap()).await;
    assert_eq!(texts(&movements).len(), 1);
    for object in ObjectType::ALL {
        let id = ["c1", "p1", "i1"][object as usize].to_string();
        let by_id = RecordsQuery { id: Some(id.clone()), ..RecordsQuery::of(object) };
        let theirs = RecordsQuery { data_source: Some("theirs".to_string()), ..by_id.clone() };
        for (query, seen) in [(RecordsQuery::of(object), 1), (by_id, 1), (theirs, 0)] {
            assert_eq!(
                texts(&rows(ours.records(&query).await.unwrap()).await).len(),
                seen,
                "{query:?}"
            );
        }
        assert_eq!(ours.sources_of(object, &id).await.unwrap(), ["ours"]);
        assert_eq!(all.sources_of(object, &id).await.unwrap(), ["ours", "theirs"]);
    }
    let nothing = ours.restricted_to(&["theirs".to_string()]);
    assert_eq!(answer(&nothing, "select count(*) from customers").await.unwrap(), [["0"]]);
    let none = all.restricted_to(&[]);
    assert_eq!(answer(&none, "select count(*) from invoices").await.unwrap(), [["0"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_statement_reads_other_sources() {
    let ledger = two_sources().await;
    let snapshot = ours(&ledger).await;
    for sql in [
        // A condition that fails on a row would reveal the row, if it were evaluated on it.
        "select id from customers where cast(name as int) > 0",
        "select id from customers where 1 / (case when name = 'Secret Ltd' then 0 else 1 end) = 1",
        "select id from invoices where 1 / (amount - 777000) < 2",
        "select id from customers where arrow_cast(name, 'Date32') is null",
        "select id from customers where regexp_like(name, '^Secret') or cast(id as int) = 1",
        "select c.id from customers c \
         join invoices i on c.id = i.customer_id and 1 / (i.amount - 777000) < 2",
        "select id from (select id, cast(name as int) as n from customers) where n > 0",
        "explain verbose select * from customers",
        "explain analyze select count(*) from customers",
        "select * from information_schema.tables",
        "select * from information_schema.columns",
        "select * from information_schema.views",
        "select * from information_schema.df_settings",
        "show all",
        "with recursive r as (select name, 1 as n from customers \
         union all select c.name, n + 1 from customers c, r where n < 3) \
         select * from r",
        "select min(name), max(name), count(*) from customers",
        "select name from customers order by name desc limit 1",
        "select name, (select max(name) from customers) from plans",
    ] {
        let told = format!("{:?}", answer(&snapshot, sql).await);
        assert!(!told.contains("Secret") && !told.contains("777000"), "{sql}: {told}");
        assert!(!told.contains("data/customers/"), "{sql}: {told}");
    }
    for refused in [
        "select * from refreshes",
        "select * from datafusion.public.invoice_ids",
        "select * from other.public.customers",
        "select * from hidden.customers",
        "select _sequence from customers",
        "select * from read_parquet('/etc/passwd')",
        "select * from '/etc/passwd'",
    ] {
        assert!(answer(&snapshot, refused).await.is_err(), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_delta_and_of_another_day_are_restricted() {
    let ledger = two_sources().await;
    let customer = br#"[{"id": "c2", "name": "Secret GmbH"}]"#.to_vec();
    ledger
        .engine
        .push("theirs", Some(ObjectType::Customers), customer, &PushOptions::default())
        .await
        .unwrap();
    let changed = br#"[{"id": "c1", "name": "Open AG"}]"#.to_vec();
    ledger
        .engine
        .push("ours", Some(ObjectType::Customers), changed, &PushOptions::default())
        .await
        .unwrap();
    ledger.engine.flush().await.unwrap();
    assert_eq!(
        answer(&ours(&ledger).await, "select name from customers").await.unwrap(),
        [["Open AG"]]
    );
    let later = ledger.engine.snapshot(Some("2025-03-20".parse().unwrap())).await.unwrap();
    let later = later.restricted_to(&["ours".to_string()]);
    let found = answer(&later, "select data_source, type, amount from movements order by date")
        .await
        .unwrap();
    assert_eq!(found, [["ours", "new", "1000.0000"], ["ours", "churn", "-1000.0000"]]);
}
