//! Imports: counts, rejections with their codes, and no other row is lost.

use std::io::Write;

use mrrow_engine::import::{ImportOptions, ImportSummary, Input, OnError};
use mrrow_engine::model::ObjectType;
use serde_json::json;

use crate::ledger::Ledger;

const CUSTOMER: &str = r#"{"id":"ok","name":"Okay"}"#;

async fn import(
    ledger: &Ledger,
    object: ObjectType,
    bytes: &[u8],
    on_error: OnError,
) -> ImportSummary {
    let options = ImportOptions { on_error, ..ImportOptions::default() };
    let input = Input::bytes("input", Some(object), bytes.to_vec());
    ledger.engine.import(vec![input], &options).await.unwrap()
}

async fn empty() -> Ledger {
    Ledger::open("2024-06-15".parse().unwrap()).await
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Each class of malformed input beside one good customer: under abort nothing is stored, under
/// skip the good one is, and the refused row has these codes.
#[tokio::test(flavor = "multi_thread")]
async fn malformed_rows_are_rejected_and_no_other_row_is_lost() {
    let deep = format!(
        "{{\"id\":\"d\",\"name\":\"D\",\"metadata\":{}1{}}}",
        "[".repeat(50_000),
        "]".repeat(50_000)
    );
    let rows: Vec<(&str, Vec<u8>, &[&str])> = vec![
        ("wrong type", br#"{"id":1,"name":"A"}"#.to_vec(), &["wrong_type"]),
        ("missing", br#"{"id":"a"}"#.to_vec(), &["required"]),
        (
            "all errors of a row",
            br#"{"name":"","country":"USA","created":"soon"}"#.to_vec(),
            &["required", "required", "bad_country", "bad_date"],
        ),
        ("bad date", br#"{"id":"a","name":"A","created":"2024-02-30"}"#.to_vec(), &["bad_date"]),
        ("duplicate key", br#"{"id":"a","id":"b","name":"A"}"#.to_vec(), &["duplicate_key"]),
        ("deep nesting", deep.into_bytes(), &["wrong_type"]),
        ("invalid UTF-8", b"{\"id\":\"a\",\"name\":\"\xff\"}".to_vec(), &["malformed"]),
        ("not JSON", b"{id:1}".to_vec(), &["malformed"]),
        ("half an object", br#"{"id":"a","#.to_vec(), &["malformed"]),
    ];
    for (name, row, codes) in rows {
        let file = [CUSTOMER.as_bytes(), b"\n", &row, b"\n"].concat();
        let ledger = empty().await;
        let aborted = import(&ledger, ObjectType::Customers, &file, OnError::Abort).await;
        assert!(!aborted.stored && aborted.snapshot.is_none(), "{name}");
        assert_eq!(ledger.sql("select count(*) from customers").await, [["0"]], "{name}");
        let mut found: Vec<_> = aborted.rejections[0]
            .rejection
            .errors
            .iter()
            .map(|error| error.code.as_str())
            .collect();
        let mut expected = codes.to_vec();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{name}: {:?}", aborted.rejections);
        assert_eq!(aborted.rejections[0].rejection.line, Some(2), "{name}");

        let skipped = import(&ledger, ObjectType::Customers, &file, OnError::Skip).await;
        assert!(skipped.stored, "{name}");
        assert_eq!(skipped.total().rejected, 1, "{name}");
        assert_eq!(ledger.sql("select id from customers").await, [["ok"]], "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invoices_are_rejected_with_the_code_of_their_error() {
    let ledger = empty().await;
    ledger.import(&json!({"customers": [{"id": "c", "name": "C"}]})).await;
    let with = |fields: serde_json::Value| {
        let mut invoice = json!({
            "id": "i", "customer_id": "c", "type": "subscription", "invoice_date": "2024-01-01",
            "amount": 100,
            "currency": "USD", "plan_id": "p", "period_start": "2024-01-01",
            "period_end": "2024-02-01",
        });
        invoice.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        invoice
    };
    for (fields, code, pointer) in [
        (json!({"amount": "100"}), "wrong_type", "/amount"),
        (json!({"amount": 99.5}), "wrong_type", "/amount"),
        (json!({"amount": 10_000_000_000_001_i64}), "out_of_range", "/amount"),
        (json!({"quantity": -1}), "out_of_range", "/quantity"),
        (json!({"type": "bill"}), "unknown_value", "/type"),
        (json!({"currency": "XYZ"}), "bad_currency", "/currency"),
        (json!({"period_end": "2024-01-01"}), "bad_period", "/period_end"),
        (json!({"plan_id": null}), "plan_required", "/plan_id"),
        (json!({"amount": -1}), "negative_amount", "/amount"),
        (json!({"customer_id": "nobody"}), "customer_not_found", "/customer_id"),
    ] {
        let bytes = with(fields.clone()).to_string().into_bytes();
        let summary = import(&ledger, ObjectType::Invoices, &bytes, OnError::Abort).await;
        let errors: Vec<_> =
            summary.rejections.iter().flat_map(|row| &row.rejection.errors).collect();
        assert_eq!(errors.len(), 1, "{fields}: {errors:?}");
        assert_eq!(
            (errors[0].code.as_str(), errors[0].pointer.as_str()),
            (code, pointer),
            "{fields}"
        );
        assert_eq!(summary.rejections[0].rejection.id.as_deref(), Some("i"), "{fields}");
    }
    assert_eq!(ledger.sql("select count(*) from invoices").await, [["0"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn unreadable_inputs_are_refused() {
    let compressed = gzip(format!("{CUSTOMER}\n").repeat(5000).as_bytes());
    let cut = compressed[..compressed.len() / 2].to_vec();
    for (name, bytes) in [
        ("empty file", Vec::new()),
        ("blank file", b" \n\n".to_vec()),
        ("truncated gzip", cut),
        ("wrong CSV header", b"identifier,title\n1,2\n".to_vec()),
        ("broken Parquet", b"PAR1 and then nothing PAR1".to_vec()),
    ] {
        let ledger = empty().await;
        let summary = import(&ledger, ObjectType::Customers, &bytes, OnError::Abort).await;
        assert!(summary.total().rejected > 0, "{name}");
        assert!(!summary.stored, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_import_changes_nothing() {
    let ledger = empty().await;
    let book = json!({"customers": [{"id": "a", "name": "A"}, {"id": "b", "name": "B"}, {"id": "a",
        "name": "AA"}]});
    let first = ledger.import(&book).await.total();
    assert_eq!(
        (first.read, first.accepted, first.created, first.updated, first.unchanged),
        (3, 3, 2, 1, 0)
    );
    let again = ledger
        .import(&json!({"customers": [{"id": "a", "name": "AA"}, {"id": "b", "name": "B"}]}))
        .await;
    assert!(again.stored && again.snapshot.is_none());
    assert_eq!(again.total().unchanged, 2);
    // The file has two versions of one id: the first differs from the stored one, the second
    // equals it.
    let whole = ledger.import(&book).await;
    assert!(whole.snapshot.is_none(), "{whole:?}");
    assert_eq!(
        ledger.sql("select id, name from customers order by id").await,
        [["a", "AA"], ["b", "B"]]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn invoice_that_moves_to_another_customer_leaves_the_first() {
    let ledger = empty().await;
    let invoice = |customer: &str| {
        json!({
            "id": "i", "customer_id": customer, "type": "subscription",
            "invoice_date": "2024-06-01", "amount": 100,
            "currency": "USD", "plan_id": "p", "period_start": "2024-06-01",
            "period_end": "2024-07-01",
        })
    };
    let plans = json!([{"id": "p", "name": "P", "interval": "month", "interval_count": 1,
        "currency": "USD"}]);
    let customers = json!([{"id": "a", "name": "A"}, {"id": "b", "name": "B"}]);
    ledger
        .import(&json!({"customers": customers, "plans": plans, "invoices": [invoice("a")]}))
        .await;
    ledger.import(&json!({"invoices": [invoice("b")]})).await;
    assert_eq!(ledger.sql("select customer_id, type from movements").await, [["b", "new"]]);
    ledger.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn order_of_types_in_an_import_does_not_matter() {
    let ledger = empty().await;
    let document = json!({
        "invoices": [{
            "id": "i", "customer_id": "a", "type": "subscription", "invoice_date": "2024-06-01",
            "amount": 100,
            "currency": "USD", "plan_id": "p", "period_start": "2024-06-01",
            "period_end": "2024-07-01", "memo": "x",
        }],
        "plans": [{"id": "p", "name": "P", "interval": "month", "interval_count": 1,
        "currency": "EUR"}],
        "customers": [{"id": "a", "name": "A"}],
    });
    let input = Input::bytes("book", None, document.to_string().into_bytes());
    let summary = ledger.engine.import(vec![input], &ImportOptions::default()).await.unwrap();
    assert_eq!(summary.total().created, 3, "{summary:?}");
    assert_eq!(summary.ignored_fields["memo"], 1);
    assert_eq!(
        (summary.warnings[0].code.as_str(), summary.warnings[0].rows),
        ("currency_differs", 1)
    );
    assert_eq!(ledger.sql("select currency, type from movements").await, [["USD", "new"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_are_unique_in_their_data_source_only() {
    let ledger = empty().await;
    for (source, name) in [("one", "A"), ("two", "B")] {
        let options = ImportOptions { data_source: source.to_string(), ..ImportOptions::default() };
        let bytes = json!([{"id": "a", "name": name}]).to_string().into_bytes();
        let input = Input::bytes("input", Some(ObjectType::Customers), bytes);
        ledger.engine.import(vec![input], &options).await.unwrap();
    }
    let rows = ledger.sql("select data_source, id, name from customers order by data_source").await;
    assert_eq!(rows, [["one", "a", "A"], ["two", "a", "B"]]);
}
