//! A server under load: `mrrow serve` on a directory of its own, pushed to over HTTP from this
//! process. Latency of acknowledgements and objects a second for single objects and batches, the
//! time from an acknowledgement until it can be read, and the server's memory; beside them what an
//! fsync costs in the same run, which no acknowledgement can go below.
//!
//! `cargo build --release && ./target/release/load --seconds 10 --invoices 0`

mod demo;
mod load {
    pub(crate) mod client;
    pub(crate) mod pushes;
    pub(crate) mod server;
}
mod memory;

use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use clap::Parser;
use hdrhistogram::Histogram;

use load::client::Client;
use load::pushes::{self, Load};
use load::server::Server;

/// Connections × objects in a request.
const LOADS: [(usize, usize); 6] = [(1, 1), (16, 1), (64, 1), (4, 100), (4, 1000), (16, 1000)];

/// How often it is measured how long a push takes to be read.
const VISIBLE_PUSHES: u64 = 10;

/// What is appended before each fsync: about what a small transaction of the catalog writes.
const FSYNC_BYTES: usize = 8192;
const FSYNCS: u64 = 500;

#[derive(Parser)]
struct Args {
    /// Seconds of each load
    #[arg(long, default_value = "10")]
    seconds: u64,
    /// Invoices that are stored before
    #[arg(long, default_value = "0")]
    invoices: u64,
    /// Only the load of so many connections
    #[arg(long)]
    connections: Option<usize>,
    /// Only the load of so many objects in a request
    #[arg(long)]
    batch: Option<usize>,
    /// Nobody reads while the loads go on
    #[arg(long)]
    unread: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let dir = tempfile::tempdir()?;
    let mut out = std::io::stdout();
    writeln!(out, "fsync of {FSYNC_BYTES} appended bytes: {}", micros(&fsyncs(dir.path())?))?;
    let server = Server::start(&dir.path().join("data"), args.invoices)?;
    let chosen = |(connections, batch): &(usize, usize)| {
        args.connections.is_none_or(|only| only == *connections)
            && args.batch.is_none_or(|only| only == *batch)
    };
    for (connections, batch) in LOADS.into_iter().filter(chosen) {
        let load = Load { connections, batch, seconds: args.seconds };
        let begun = Instant::now();
        let reading = async {
            if args.unread {
                Ok(None)
            } else {
                readable_under(&server, &load, begun).await.map(Some)
            }
        };
        let (done, readable) = tokio::try_join!(pushes::run(&server, &load), reading)?;
        let a_second = |count: u64| u128::from(count) * 1000 / done.took.as_millis().max(1);
        writeln!(
            out,
            "{connections} connections × {batch} objects: {} requests/s, {} objects/s, {}; {} told to come again; server {}",
            a_second(done.requests),
            a_second(done.objects),
            micros(&done.latency),
            done.refused,
            server.memory()?,
        )?;
        if let Some(readable) = readable {
            writeln!(out, "    from acknowledged to readable meanwhile: {}", micros(&readable))?;
        }
        let begun = Instant::now();
        probe(&mut Client::connect(&server).await?, &format!("after_{connections}_{batch}"))
            .await?;
        writeln!(out, "    everything readable {} ms after the last", begun.elapsed().as_millis())?;
    }
    writeln!(out, "from acknowledged to readable: {}", micros(&readable_alone(&server).await?))?;
    server.stop()
}

/// How long pushes take to be in the movements while nobody else pushes; one after the other, a
/// second apart.
async fn readable_alone(server: &Server) -> Result<Histogram<u64>, Box<dyn Error>> {
    let mut client = Client::connect(server).await?;
    let mut took = Histogram::new(3)?;
    for number in 0..VISIBLE_PUSHES {
        took.record(probe(&mut client, &format!("alone_{number}")).await?)?;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(took)
}

/// The same while a load goes on.
async fn readable_under(
    server: &Server,
    load: &Load,
    begun: Instant,
) -> Result<Histogram<u64>, Box<dyn Error>> {
    let mut client = Client::connect(server).await?;
    let mut took = Histogram::new(3)?;
    while begun.elapsed() < Duration::from_secs(load.seconds) {
        let id = format!("under_{}_{}_{}", load.connections, load.batch, took.len());
        took.record(probe(&mut client, &id).await?)?;
    }
    Ok(took)
}

/// Pushes an invoice of a new customer; the microseconds from its acknowledgement until it is in
/// the movements.
async fn probe(client: &mut Client, id: &str) -> Result<u64, Box<dyn Error>> {
    let sequence = pushes::push_one(client, id).await?;
    let begun = Instant::now();
    let path = format!("/v1/movements?customer={id}&min_sequence={sequence}");
    loop {
        let (status, body) =
            client.send("GET", &path, "application/json", Vec::new().into()).await?;
        match status {
            200 if String::from_utf8_lossy(&body).contains("\"new\"") => {
                return Ok(begun.elapsed().as_micros() as u64);
            }
            // It waits for ten seconds at most.
            503 => {}
            _ => {
                return Err(
                    format!("GET {path}: {status} {}", String::from_utf8_lossy(&body)).into()
                );
            }
        }
    }
}

fn fsyncs(dir: &Path) -> Result<Histogram<u64>, Box<dyn Error>> {
    let mut file = File::create(dir.join("fsync"))?;
    let bytes = [7; FSYNC_BYTES];
    let mut took = Histogram::new(3)?;
    for _ in 0..FSYNCS {
        let begun = Instant::now();
        file.write_all(&bytes)?;
        file.sync_data()?;
        took.record(begun.elapsed().as_micros() as u64)?;
    }
    Ok(took)
}

fn micros(histogram: &Histogram<u64>) -> String {
    let at = |quantile| histogram.value_at_quantile(quantile);
    format!("p50 {} µs, p99 {} µs, max {} µs", at(0.5), at(0.99), histogram.max())
}
