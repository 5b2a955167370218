//! Single rules, each alone: precision, causes, subtypes.

use serde_json::{Value, json};

use crate::ledger::Ledger;

fn book(plans: Value, invoices: Value) -> Value {
    let mut customers: Vec<String> = invoices
        .as_array()
        .unwrap()
        .iter()
        .map(|invoice| invoice["customer_id"].as_str().unwrap().to_string())
        .collect();
    customers.dedup();
    let customers: Vec<Value> = customers.iter().map(|id| json!({"id": id, "name": id})).collect();
    json!({"settings": {}, "as_of": "2024-06-15", "customers": customers, "plans": plans,
        "invoices": invoices})
}

fn plan(id: &str, interval: &str) -> Value {
    json!({"id": id, "name": id, "interval": interval, "interval_count": 1, "currency": "USD"})
}

fn invoice(id: &str, plan: &str, start: &str, end: &str, amount: i64) -> Value {
    json!({
        "id": id, "customer_id": "c", "type": "subscription", "invoice_date": start,
        "amount": amount, "currency": "USD",
        "plan_id": plan, "subscription_id": "s", "period_start": start, "period_end": end,
    })
}

async fn check(book: Value, sql: &str, expected: &[&[&str]]) {
    let ledger = Ledger::for_book(&book).await;
    ledger.import(&book).await;
    assert_eq!(ledger.sql(sql).await, expected, "{sql}");
    ledger.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn yearly_prices_keep_four_decimals_of_a_cent() {
    let invoices: Vec<Value> = [("a", 59_995), ("b", 1_829), ("c", 18_329)]
        .into_iter()
        .map(|(id, amount)| {
            let mut invoice = invoice(id, "y", "2024-01-01", "2025-01-01", amount);
            invoice["customer_id"] = json!(id);
            invoice
        })
        .collect();
    check(
        book(json!([plan("y", "year")]), json!(invoices)),
        "select customer_id, mrr_after from movements order by customer_id",
        &[&["a", "4999.5833"], &["b", "152.4167"], &["c", "1527.4167"]],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn movement_names_its_cause() {
    let with = |mut invoice: Value, field: &str, value: Value| {
        invoice[field] = value;
        invoice
    };
    let invoices = json!([
        invoice("i1", "basic", "2024-01-01", "2024-02-01", 1000),
        with(invoice("i2", "basic", "2024-02-01", "2024-03-01", 2000), "quantity", json!(2)),
        with(invoice("i3", "pro", "2024-03-01", "2024-04-01", 5000), "quantity", json!(2)),
        with(invoice("i4", "pro", "2024-04-01", "2024-05-01", 4000), "discount", json!(1000)),
        {"id": "r", "customer_id": "c", "type": "refund", "invoice_date": "2024-04-10",
            "amount": 1000, "currency": "USD"},
        with(invoice("i5", "pro", "2024-05-01", "2024-06-01", 4000), "discount", json!(1000)),
        {"id": "x", "customer_id": "c", "type": "cancellation", "invoice_date": "2024-05-10",
            "amount": 0, "currency": "USD"},
    ]);
    check(
        book(json!([plan("basic", "month"), plan("pro", "month")]), invoices),
        "select date, type, amount, cause, subtype, voluntary, array_to_string(invoice_ids, ' ') \
         from movements order by date",
        &[
            &["2024-01-01", "new", "1000.0000", "invoice", "", "", "i1"],
            &["2024-02-01", "expansion", "1000.0000", "replaced", "quantity", "", "i1 i2"],
            &["2024-03-01", "expansion", "3000.0000", "replaced", "plan", "", "i2 i3"],
            &["2024-04-01", "contraction", "-1000.0000", "replaced", "quantity", "", "i3 i4"],
            &["2024-04-10", "contraction", "-1000.0000", "refund", "refund", "", "r"],
            &["2024-05-01", "expansion", "1000.0000", "replaced", "refund", "", "i4 i5 r"],
            &["2024-06-01", "churn", "-4000.0000", "cancellation", "voluntary", "true", "i5"],
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_names_its_rule_its_invoice_and_its_end() {
    let mut change = invoice("p", "basic", "2024-01-16", "2024-02-01", 2581);
    change["proration"] = json!(true);
    let invoices = json!([
        invoice("i1", "basic", "2024-01-01", "2024-02-01", 10_000),
        change,
        invoice("i2", "basic", "2024-02-01", "2024-03-01", 15_000),
    ]);
    check(
        book(json!([plan("basic", "month")]), invoices),
        "select invoice_id, rule, start_on, until_on, mrr, ended_by from mrr_lines \
         order by start_on",
        &[
            &["i1", "invoice", "2024-01-01", "2024-02-01", "10000.0000", "replaced"],
            &["p", "proration", "2024-01-16", "2024-02-01", "5000.0000", "replaced"],
            &["i2", "invoice", "2024-02-01", "2024-03-01", "15000.0000", "lapse"],
        ],
    )
    .await;
}
