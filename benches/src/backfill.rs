//! The whole job at size: N invoices in NDJSON are imported, computed and read; seconds of each stage and peak memory.
//!
//! `cargo build --release && ./target/release/backfill 1000000`

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use futures::TryStreamExt;
use mrrow_engine::import::{ImportOptions, Progress, inputs_of_path};
use mrrow_engine::reports::MrrQuery;
use mrrow_engine::{Config, Engine};

const INVOICES_DEFAULT: u64 = 1_000_000;

/// Invoices of ten customers in the 24 months of a demo, on average; so many customers are asked for.
const INVOICES_OF_TEN: u64 = 56;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let about: u64 = std::env::args().nth(1).map_or(Ok(INVOICES_DEFAULT), |text| text.parse())?;
    let dir = tempfile::tempdir()?;
    let (books, data) = (dir.path().join("books"), dir.path().join("data"));
    write_demo(&books, about)?;
    let bytes: u64 = inputs_of_path(&books)?
        .iter()
        .filter_map(|input| Path::new(&input.name).metadata().ok())
        .map(|file| file.len())
        .sum();
    let mut out = std::io::stdout();

    // The last day of the demo: nothing depends on today.
    let now = chrono::DateTime::from_timestamp(1_767_182_400, 0).ok_or("a time out of range")?;
    let engine = Engine::open(Config::new(&data, Arc::new(move || now))).await?;
    let started = Instant::now();
    let stages: Arc<Mutex<Vec<(&'static str, Instant)>>> = Arc::new(Mutex::new(vec![("read", started)]));
    let options = ImportOptions { progress: Some(stage_listener(&stages)), ..ImportOptions::default() };
    let summary = engine.import(inputs_of_path(&books)?, &options).await?;
    let ended = Instant::now();
    if summary.total().rejected > 0 {
        return Err(format!("rows were rejected: {:?}", summary.rejections).into());
    }
    let invoices = summary.counts.get("invoices").map_or(0, |counts| counts.read);
    writeln!(out, "{invoices} invoices, {} MiB of NDJSON", bytes >> 20)?;

    let mut stages = stages.lock().map_err(|_| "a stage was not noted")?.clone();
    stages.push(("done", ended));
    for pair in stages.windows(2) {
        let seconds = pair[1].1 - pair[0].1;
        writeln!(out, "{:<8} {:>8.2?}", pair[0].0, seconds)?;
    }
    let total = ended - started;
    let rows_per_second = u128::from(invoices) * 1000 / total.as_millis().max(1);
    writeln!(out, "import   {total:>8.2?}  {rows_per_second} invoices/s")?;

    let started = Instant::now();
    let report: Vec<_> = engine.snapshot(None).await?.mrr(&MrrQuery::default()).await?.try_collect().await?;
    let periods: usize = report.iter().map(|batch| batch.num_rows()).sum();
    writeln!(out, "mrr      {:>8.2?}  {periods} periods", started.elapsed())?;
    writeln!(out, "memory   {} at its peak", peak_memory()?)?;
    engine.close().await?;
    Ok(())
}

/// Has the `mrrow` beside this program write a company with about so many invoices.
fn write_demo(dir: &Path, invoices: u64) -> Result<(), Box<dyn Error>> {
    let mrrow = std::env::current_exe()?.with_file_name("mrrow").with_extension(std::env::consts::EXE_EXTENSION);
    let customers = (invoices * 10).div_ceil(INVOICES_OF_TEN).to_string();
    let mut command = Command::new(&mrrow);
    command.arg("demo").arg(dir).args(["--customers", &customers, "--months", "24", "--until", "2025-12"]);
    let output = command.output().map_err(|error| format!("run \"{}\": {error}", mrrow.display()))?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into()) }
}

fn stage_listener(stages: &Arc<Mutex<Vec<(&'static str, Instant)>>>) -> Arc<dyn Fn(Progress) + Send + Sync> {
    let stages = Arc::clone(stages);
    Arc::new(move |progress| {
        let name = match progress {
            Progress::Reading { .. } => return,
            Progress::Comparing => "compare",
            Progress::Computing => "compute",
        };
        if let Ok(mut stages) = stages.lock() {
            stages.push((name, Instant::now()));
        }
    })
}

/// The most memory this process has held, as Linux counts it.
fn peak_memory() -> Result<String, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    Ok(line.ok_or("the system does not tell peak memory")?.trim().to_string())
}
