//! A backfill: imports N invoices in NDJSON, reads a report, and pushes single invoices. Prints the
//! time of each stage and peak memory.
//!
//! `cargo build --release --workspace && ./target/release/backfill 1000000`

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::TryStreamExt;
use mrrow_benches::{peak_memory, sibling_mrrow, write_demo};
use mrrow_engine::arrow::array::AsArray;
use mrrow_engine::import::{ImportOptions, Progress, inputs_of_path};
use mrrow_engine::model::ObjectType;
use mrrow_engine::push::PushOptions;
use mrrow_engine::reports::ReportRequest;
use mrrow_engine::{Config, Engine};

const INVOICES_DEFAULT: u64 = 1_000_000;

/// Number of single pushes after the import.
const PUSHES: u64 = 3;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let about: u64 = std::env::args().nth(1).map_or(Ok(INVOICES_DEFAULT), |text| text.parse())?;
    let dir = tempfile::tempdir()?;
    let (books, data) = (dir.path().join("books"), dir.path().join("data"));
    write_demo(&sibling_mrrow()?, &books, about)?;
    let bytes: u64 = inputs_of_path(&books)?
        .iter()
        .filter_map(|input| Path::new(&input.name).metadata().ok())
        .map(|file| file.len())
        .sum();
    let mut out = std::io::stdout();

    // The last day of the demo, so that the result does not depend on today.
    let now = chrono::DateTime::from_timestamp(1_767_182_400, 0).ok_or("a time out of range")?;
    let engine = Engine::open(Config::new(&data, Arc::new(move || now))).await?;
    let started = Instant::now();
    let stages: Stages = Arc::new(Mutex::new(vec![("read", started, String::new())]));
    let options =
        ImportOptions { progress: Some(stage_listener(&stages)), ..ImportOptions::default() };
    let summary = engine.import(inputs_of_path(&books)?, &options).await?;
    let ended = Instant::now();
    if summary.total().rejected > 0 {
        return Err(format!("rows were rejected: {:?}", summary.rejections).into());
    }
    let invoices = summary.counts.get("invoices").map_or(0, |counts| counts.read);
    writeln!(out, "{invoices} invoices, {} MiB of NDJSON", bytes >> 20)?;

    let mut stages = stages.lock().map_err(|_| "the stages are poisoned")?.clone();
    stages.push(("done", ended, peak_memory()?));
    for pair in stages.windows(2) {
        let [(name, begun, _), (_, ended, peak)] = pair else { continue };
        let seconds = *ended - *begun;
        let rows_per_second = u128::from(invoices) * 1000 / seconds.as_millis().max(1);
        writeln!(
            out,
            "{name:<8} {seconds:>8.2?}  {rows_per_second} invoices/s, peak memory so far {peak}"
        )?;
    }
    let total = ended - started;
    let rows_per_second = u128::from(invoices) * 1000 / total.as_millis().max(1);
    writeln!(out, "import   {total:>8.2?}  {rows_per_second} invoices/s")?;

    let started = Instant::now();
    let request = ReportRequest::new("mrr", &[])?;
    let report: Vec<_> = engine.snapshot(None).await?.report(&request).await?.try_collect().await?;
    let periods: usize = report.iter().map(|batch| batch.num_rows()).sum();
    writeln!(out, "mrr      {:>8.2?}  {periods} periods", started.elapsed())?;
    writeln!(out, "peak memory {}", peak_memory()?)?;

    // Single pushes on the full store. The first one opens the id index, so it is slower.
    for number in 1..=PUSHES {
        let (acknowledged, visible) = push(&engine, number).await?;
        writeln!(
            out,
            "push {number}   {acknowledged:>8.2?} until acknowledged, {visible:>8.2?} until visible"
        )?;
    }
    writeln!(out, "peak memory {}", peak_memory()?)?;
    engine.close().await?;
    Ok(())
}

/// Pushes one invoice of a stored customer, flushes at once, and reads the movements of the
/// customer.
async fn push(engine: &Engine, number: u64) -> Result<(Duration, Duration), Box<dyn Error>> {
    let snapshot = engine.snapshot(None).await?;
    let any = "select customer_id, plan_id, currency from invoices where type = 'subscription' \
         and amount > 0 limit 1";
    let rows: Vec<_> = snapshot.sql(any).await?.try_collect().await?;
    let rows = rows.first().ok_or("there is no invoice")?;
    let text = |column: usize| rows.column(column).as_string::<i32>().value(0).to_string();
    let (customer, plan, currency) = (text(0), text(1), text(2));
    let invoice = format!(
        "{{\"id\":\"pushed_{number}\",\"customer_id\":\"{customer}\",\"type\":\"subscription\",\
         \"invoice_date\":\"2025-12-30\",\"amount\":9900,\"currency\":\"{currency}\",\
         \"plan_id\":\"{plan}\",\"subscription_id\":\"pushed_{number}\"}}"
    );
    let started = Instant::now();
    let options = PushOptions::default();
    let pushed =
        engine.push("default", Some(ObjectType::Invoices), invoice.into_bytes(), &options).await?;
    let acknowledged = started.elapsed();
    if !pushed.stored {
        return Err(format!("the push was refused: {:?}", pushed.rejections).into());
    }
    engine.flush().await?;
    let request = ReportRequest::new("movements", &[("customer", &customer)])?;
    let movements: Vec<_> =
        engine.snapshot(None).await?.report(&request).await?.try_collect().await?;
    let visible = started.elapsed();
    if movements.iter().all(|batch| batch.num_rows() == 0) {
        return Err("the movements lack the invoice".into());
    }
    Ok((acknowledged, visible))
}

/// The start of each stage, and the peak memory at that time.
type Stages = Arc<Mutex<Vec<(&'static str, Instant, String)>>>;

fn stage_listener(stages: &Stages) -> Arc<dyn Fn(Progress) + Send + Sync> {
    let stages = Arc::clone(stages);
    Arc::new(move |progress| {
        let name = match progress {
            Progress::Reading { .. } => return,
            Progress::Comparing => "compare",
            Progress::Writing => "write",
            Progress::Computing => "compute",
        };
        if let Ok(mut stages) = stages.lock() {
            stages.push((name, Instant::now(), peak_memory().unwrap_or_default()));
        }
    })
}
