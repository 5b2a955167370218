//! One customer with very many invoices, alone and among others. The time must grow linearly with
//! its invoices, and memory must stay within the budget.
//!
//! `cargo build --release --workspace && ./target/release/one_customer 500000 1000000`: the number
//! of invoices of the one customer, and of all others.

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::TryStreamExt;
use mrrow_benches::{peak_memory, sibling_mrrow, write_demo};
use mrrow_engine::import::{ImportOptions, inputs_of_path};
use mrrow_engine::reports::ReportRequest;
use mrrow_engine::{Config, Engine};

/// Subscriptions of the one customer. Each is billed every month; some are upgraded, refunded and
/// cancelled.
const SUBSCRIPTIONS: u64 = 5_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let number =
        |at, default| std::env::args().nth(at).map_or(Ok(default), |text| text.parse::<u64>());
    let (of_one, of_others) = (number(1, 500_000)?, number(2, 1_000_000)?);
    let mut out = std::io::stdout();
    let quarter = alone(of_one / 4).await?;
    let whole = alone(of_one).await?;
    writeln!(out, "one customer, {} invoices   {quarter:>8.2?}", of_one / 4)?;
    let ratio = whole.as_millis() * 100 / quarter.as_millis().max(1);
    writeln!(
        out,
        "one customer, {of_one} invoices   {whole:>8.2?}  {}.{:02} times as long",
        ratio / 100,
        ratio % 100
    )?;

    let dir = tempfile::tempdir()?;
    let books = dir.path().join("books");
    write_demo(&sibling_mrrow()?, &books, of_others)?;
    add_one(&books, of_one)?;
    let among_others = import(&books, &dir.path().join("data")).await?;
    writeln!(out, "among about {of_others} of others   {among_others:>8.2?}")?;
    writeln!(out, "peak memory {}", peak_memory()?)?;
    Ok(())
}

async fn alone(invoices: u64) -> Result<Duration, Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let books = dir.path().join("books");
    std::fs::create_dir(&books)?;
    add_one(&books, invoices)?;
    import(&books, &dir.path().join("data")).await
}

async fn import(books: &Path, data: &Path) -> Result<Duration, Box<dyn Error>> {
    let now = chrono::DateTime::from_timestamp(1_767_182_400, 0).ok_or("a time out of range")?;
    let engine = Engine::open(Config::new(data, Arc::new(move || now))).await?;
    let started = Instant::now();
    let summary = engine.import(inputs_of_path(books)?, &ImportOptions::default()).await?;
    let taken = started.elapsed();
    if summary.total().rejected > 0 {
        return Err(format!("rows were rejected: {:?}", summary.rejections).into());
    }
    let request = ReportRequest::new("movements", &[("customer", "the_one")])?;
    let movements: Vec<_> =
        engine.snapshot(None).await?.report(&request).await?.try_collect().await?;
    if movements.iter().all(|batch| batch.num_rows() == 0) {
        return Err("the one customer has no movements".into());
    }
    engine.close().await?;
    Ok(taken)
}

/// Appends the one customer, its plan and its invoices to the files.
fn add_one(books: &Path, invoices: u64) -> Result<(), Box<dyn Error>> {
    append(books, "customers")?.write_all(b"{\"id\":\"the_one\",\"name\":\"The One\"}\n")?;
    append(books, "plans")?.write_all(
        b"{\"id\":\"the_plan\",\"name\":\"The Plan\",\"interval\":\"month\",\"interval_count\":1,\
             \"currency\":\"USD\"}\n",
    )?;
    let mut file = BufWriter::new(append(books, "invoices")?);
    for number in 0..invoices {
        invoice(&mut file, number)?;
    }
    Ok(file.flush()?)
}

fn append(books: &Path, name: &str) -> std::io::Result<File> {
    OpenOptions::new().create(true).append(true).open(books.join(format!("{name}.ndjson")))
}

/// Bills the subscriptions in turn, month by month, from 2010 on.
fn invoice(file: &mut impl Write, number: u64) -> std::io::Result<()> {
    let (subscription, month) = (number % SUBSCRIPTIONS, number / SUBSCRIPTIONS);
    let (year, month, day) = (2010 + month / 12, month % 12 + 1, subscription % 28 + 1);
    let head = format!(
        "{{\"id\":\"one_{number:07}\",\"customer_id\":\"the_one\",\"currency\":\"USD\",\
         \"invoice_date\":\"{year}-{month:02}-{day:02}\""
    );
    let of = format!(r#""subscription_id":"s{subscription}""#);
    let amount = 1_000 + number / 7 % 5 * 500;
    match number % 97 {
        1 => writeln!(file, r#"{head},"type":"refund","amount":{},{of}}}"#, amount / 4),
        2 => writeln!(file, r#"{head},"type":"refund","amount":{}}}"#, amount / 4),
        3 => writeln!(file, r#"{head},"type":"cancellation","amount":0,{of}}}"#),
        4 => writeln!(
            file,
            "{head},\"type\":\"subscription\",\"amount\":{},\"plan_id\":\"the_plan\",{of},\
             \"period_start\":\"{year}-{month:02}-{day:02}\",\
             \"period_end\":\"{year}-{month:02}-28T23:59:59\",\"proration\":true}}",
            amount / 3
        ),
        _ => writeln!(
            file,
            r#"{head},"type":"subscription","amount":{amount},"plan_id":"the_plan",{of}}}"#
        ),
    }
}
