//! Mrrow inside another program: open, push, read movements and MRR, run SQL, close.
//!
//! `cargo build --workspace --examples && ./target/debug/examples/embed`

use std::sync::Arc;

use chrono::Utc;
use futures::TryStreamExt;
use mrrow_engine::arrow::util::pretty::pretty_format_batches;
use mrrow_engine::model::ObjectType;
use mrrow_engine::push::PushOptions;
use mrrow_engine::reports::ReportRequest;
use mrrow_engine::{Config, Engine, SendableRecordBatchStream};

const CUSTOMERS: &str = r#"[{"id": "acme", "name": "Acme"}]"#;
const PLANS: &str = r#"[
    {"id": "pro", "name": "Pro", "interval": "month", "interval_count": 1, "currency": "USD"}
]"#;
const INVOICES: &str = r#"[
    {"id": "1", "customer_id": "acme", "type": "subscription", "plan_id": "pro",
     "invoice_date": "2024-01-01", "amount": 9900, "currency": "USD"},
    {"id": "2", "customer_id": "acme", "type": "subscription", "plan_id": "pro",
     "invoice_date": "2024-02-01", "amount": 19900, "currency": "USD"},
    {"id": "3", "customer_id": "acme", "type": "cancellation",
     "invoice_date": "2024-02-20", "amount": 0, "currency": "USD"}
]"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let engine = Engine::open(Config::new(dir.path(), Arc::new(Utc::now))).await?;

    for (object, rows) in [
        (ObjectType::Customers, CUSTOMERS),
        (ObjectType::Plans, PLANS),
        (ObjectType::Invoices, INVOICES),
    ] {
        let pushed =
            engine.push("my-billing", Some(object), rows.into(), &PushOptions::default()).await?;
        for row in &pushed.result {
            println!("{} {}: {}", row.object, row.id, row.status.as_str());
        }
        for rejected in &pushed.rejections {
            println!("rejected: {:?}", rejected.errors);
        }
    }
    // A push is durable when it is acknowledged; this waits until it is in the movements.
    engine.flush().await?;

    let snapshot = engine.snapshot(Some("2024-04-01".parse()?)).await?;
    let movements = ReportRequest::new("movements", &[])?;
    print("movements", snapshot.report(&movements).await?).await?;
    let mrr = ReportRequest::new("mrr", &[("interval", "month")])?;
    print("MRR by month", snapshot.report(&mrr).await?).await?;
    print(
        "lines",
        snapshot.sql("select invoice_id, rule, start_on, until_on, mrr from mrr_lines").await?,
    )
    .await?;

    engine.close().await?;
    Ok(())
}

async fn print(
    title: &str,
    rows: SendableRecordBatchStream,
) -> Result<(), Box<dyn std::error::Error>> {
    let batches: Vec<_> = rows.try_collect().await?;
    println!("\n{title}\n{}", pretty_format_batches(&batches)?);
    Ok(())
}
