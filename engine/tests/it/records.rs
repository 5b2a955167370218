//! Records are read in the order of their ids, page by page; one is found by its id.

use mrrow_engine::model::ObjectType;
use mrrow_engine::{Past, RecordsQuery, Snapshot};
use serde_json::{Value, json};

use crate::ledger::{Ledger, rows, texts};

fn customer(id: &str, name: &str) -> Value {
    json!({"id": id, "name": name})
}

fn invoice(id: &str, customer: &str) -> Value {
    json!({"id": id, "customer_id": customer, "type": "one-time", "invoice_date": "2024-01-02",
        "amount": 5, "currency": "USD"})
}

async fn ids(snapshot: &Snapshot, query: &RecordsQuery) -> Vec<String> {
    let found = texts(&rows(snapshot.records(query).await.unwrap()).await);
    found.into_iter().map(|mut row| row.swap_remove(1)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_listed_page_by_page_in_the_order_of_their_ids() {
    let ledger = Ledger::open("2024-03-01".parse().unwrap()).await;
    ledger
        .import(&json!({"customers": [customer("b", "B"), customer("d", "D"), customer("a", "A")]}))
        .await;
    ledger.push(ObjectType::Customers, &[customer("c", "C"), customer("b", "B2")]).await;
    ledger.engine.flush().await.unwrap();
    let snapshot = ledger.engine.snapshot(None).await.unwrap();
    let mut page = RecordsQuery { limit: Some(3), ..RecordsQuery::of(ObjectType::Customers) };
    assert_eq!(ids(&snapshot, &page).await, ["a", "b", "c"]);
    page.after = Some(("default".to_string(), "c".to_string()));
    assert_eq!(ids(&snapshot, &page).await, ["d"]);
    page.data_source = Some("other".to_string());
    assert!(ids(&snapshot, &page).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn current_record_is_found_by_its_id_in_every_layer() {
    let ledger = Ledger::open("2024-03-01".parse().unwrap()).await;
    ledger
        .import(&json!({"customers": [customer("a", "A"), customer("b", "B")],
            "invoices": [invoice("i", "a")]}))
        .await;
    let one =
        |object, id: &str| RecordsQuery { id: Some(id.to_string()), ..RecordsQuery::of(object) };
    let check = async |expected: &str| {
        ledger.engine.flush().await.unwrap();
        let snapshot = ledger.engine.snapshot(None).await.unwrap();
        let found =
            texts(&rows(snapshot.records(&one(ObjectType::Invoices, "i")).await.unwrap()).await);
        let customers: Vec<_> = found.iter().map(|row| row[2].as_str()).collect();
        assert_eq!(customers.join(","), expected);
        let from_all = texts(
            &rows(snapshot.records(&RecordsQuery::of(ObjectType::Invoices)).await.unwrap()).await,
        );
        assert_eq!(found, from_all);
        assert_eq!(
            snapshot.sources_of(ObjectType::Invoices, "i").await.unwrap().len(),
            found.len()
        );
    };
    check("a").await;
    ledger.push(ObjectType::Invoices, &[invoice("i", "b")]).await;
    check("b").await;
    ledger.engine.compact().await.unwrap();
    check("b").await;
    ledger.engine.delete("default", ObjectType::Invoices, &["i".to_string()]).await.unwrap();
    check("").await;
    let first = ledger.engine.snapshot_of(Past::Snapshot(1), None).await.unwrap();
    assert_eq!(ids(&first, &one(ObjectType::Invoices, "i")).await, ["i"]);
    assert!(ids(&first, &one(ObjectType::Invoices, "j")).await.is_empty());
    assert_eq!(ids(&first, &one(ObjectType::Customers, "b")).await, ["b"]);
}
