//! A server under push load: latency of acknowledgements, objects per second, time from an
//! acknowledgement until the movements contain it, and peak memory of the server. The cost of an
//! fsync in the same run is a lower bound of every acknowledgement.
//!
//! `cargo build --release --workspace && ./target/release/load --seconds 10 --invoices 0`

use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use clap::Parser;
use hdrhistogram::Histogram;
use mrrow_benches::{
    Client, Load, Server, Until, peak_memory_of, push_one, run_load, setup_load, sibling_mrrow,
};

/// Connections and objects in a request.
const LOADS: [(usize, usize); 6] = [(1, 1), (16, 1), (64, 1), (4, 100), (4, 1000), (16, 1000)];

/// Number of pushes without load, for the time until a push is visible.
const VISIBLE_PUSHES: u64 = 10;

/// Appended before each fsync: about the size of a small transaction of the catalog.
const FSYNC_BYTES: usize = 8192;
const FSYNCS: u64 = 500;

#[derive(Parser)]
#[command(about = "Acknowledgements, throughput and visibility of pushes over HTTP")]
struct LoadArgs {
    /// Seconds of each load
    #[arg(long, default_value = "10")]
    seconds: u64,
    /// Number of stored invoices before the pushes
    #[arg(long, default_value = "0")]
    invoices: u64,
    /// Only the loads with this number of connections
    #[arg(long)]
    connections: Option<usize>,
    /// Only the loads with this number of objects in a request
    #[arg(long)]
    batch: Option<usize>,
    /// No reads during the loads
    #[arg(long)]
    unread: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = LoadArgs::parse();
    let dir = tempfile::tempdir()?;
    let mut out = std::io::stdout();
    writeln!(out, "fsync of {FSYNC_BYTES} appended bytes: {}", micros(&fsyncs(dir.path())?))?;
    let server = Server::start(&sibling_mrrow()?, &dir.path().join("data"), args.invoices)?;
    let is_chosen = |(connections, batch): &(usize, usize)| {
        args.connections.is_none_or(|only| only == *connections)
            && args.batch.is_none_or(|only| only == *batch)
    };
    let until = Until::Elapsed(Duration::from_secs(args.seconds));
    for (connections, batch) in LOADS.into_iter().filter(is_chosen) {
        let load = Load { connections, batch, until };
        run_one(&server, &load, &args, &mut out).await?;
    }
    let visible = visible_alone(&server).await?;
    writeln!(out, "from acknowledged to visible, without load: {}", micros(&visible))?;
    server.stop()
}

/// Runs one load and prints its result.
async fn run_one(
    server: &Server,
    load: &Load,
    args: &LoadArgs,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let clients = setup_load(server, load).await?;
    let reads = async {
        if args.unread {
            return Ok(None);
        }
        visible_under_load(server, load, Duration::from_secs(args.seconds)).await.map(Some)
    };
    let (result, visible) = tokio::try_join!(run_load(clients, load), reads)?;
    let per_second = |count: u64| u128::from(count) * 1000 / result.elapsed.as_millis().max(1);
    writeln!(
        out,
        "{} connections × {} objects: {} requests/s, {} objects/s, {}; {} refused; server {}",
        load.connections,
        load.batch,
        per_second(result.requests),
        per_second(result.objects),
        micros(&result.latency),
        result.refused,
        peak_memory_of(server.pid())?,
    )?;
    if let Some(visible) = visible {
        writeln!(out, "    from acknowledged to visible, under load: {}", micros(&visible))?;
    }
    let started = Instant::now();
    let id = format!("after_{}_{}", load.connections, load.batch);
    time_until_visible(&mut Client::connect(server).await?, &id).await?;
    let waited = started.elapsed().as_millis();
    writeln!(out, "    everything visible {waited} ms after the last acknowledgement")?;
    Ok(())
}

/// Pushes one invoice per second without other load.
async fn visible_alone(server: &Server) -> Result<Histogram<u64>, Box<dyn Error>> {
    let mut client = Client::connect(server).await?;
    let mut times = Histogram::new(3)?;
    for number in 0..VISIBLE_PUSHES {
        times.record(time_until_visible(&mut client, &format!("alone_{number}")).await?)?;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(times)
}

/// Pushes one invoice after the other while a load runs.
async fn visible_under_load(
    server: &Server,
    load: &Load,
    duration: Duration,
) -> Result<Histogram<u64>, Box<dyn Error>> {
    let started = Instant::now();
    let mut client = Client::connect(server).await?;
    let mut times = Histogram::new(3)?;
    while started.elapsed() < duration {
        let id = format!("under_{}_{}_{}", load.connections, load.batch, times.len());
        times.record(time_until_visible(&mut client, &id).await?)?;
    }
    Ok(times)
}

/// Pushes an invoice of a new customer. Returns the microseconds from its acknowledgement until the
/// movements contain it.
async fn time_until_visible(client: &mut Client, id: &str) -> Result<u64, Box<dyn Error>> {
    let sequence = push_one(client, id).await?;
    let started = Instant::now();
    let path = format!("/v1/movements?customer={id}&min_sequence={sequence}");
    loop {
        let (status, body) = client.send("GET", &path, Vec::new().into()).await?;
        match status {
            200 if String::from_utf8_lossy(&body).contains("\"new\"") => {
                return Ok(started.elapsed().as_micros() as u64);
            }
            // The request waits for ten seconds at most.
            503 => {}
            _ => {
                let body = String::from_utf8_lossy(&body);
                return Err(format!("GET {path}: {status} {body}").into());
            }
        }
    }
}

/// The latency of fsync on this disk.
fn fsyncs(dir: &Path) -> Result<Histogram<u64>, Box<dyn Error>> {
    let mut file = File::create(dir.join("fsync"))?;
    let bytes = [7; FSYNC_BYTES];
    let mut times = Histogram::new(3)?;
    for _ in 0..FSYNCS {
        let started = Instant::now();
        file.write_all(&bytes)?;
        file.sync_data()?;
        times.record(started.elapsed().as_micros() as u64)?;
    }
    Ok(times)
}

fn micros(histogram: &Histogram<u64>) -> String {
    let at = |quantile| histogram.value_at_quantile(quantile);
    format!("p50 {} µs, p99 {} µs, max {} µs", at(0.5), at(0.99), histogram.max())
}
