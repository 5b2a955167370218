//! Processor time of pushes, of two `mrrow` binaries side by side.
//!
//! In each round both binaries run in alternation, each on a new data directory. For every load
//! the bench measures the processor time of the threads that answer requests, the processor time of
//! the background threads until all pushes are published, and the latency of acknowledgements. It
//! prints medians over the rounds, and the ratio a/b.
//!
//! `cargo run --release -p mrrow-benches --bin push_cost -- --a OLD --b NEW --rounds 5`

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Parser;
use mrrow_benches::{
    Client, Load, LoadResult, ProcessorClock, Server, Until, run_load, setup_load,
};

/// Connections, objects in a request, and requests on each connection.
const LOADS: [(usize, usize, u64); 3] = [(1, 1, 2_000), (16, 1, 500), (1, 1_000, 60)];

/// More often than an idle thread ends.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(200);

#[derive(Parser)]
#[command(about = "Processor time of pushes, of two mrrow binaries side by side")]
struct PushCostArgs {
    /// The first binary, usually the older version
    #[arg(long, value_name = "PATH")]
    a: PathBuf,
    /// The second binary; without it only the first is measured
    #[arg(long, value_name = "PATH")]
    b: Option<PathBuf>,
    /// Number of rounds
    #[arg(long, default_value = "5")]
    rounds: usize,
    /// Number of stored invoices before the pushes
    #[arg(long, default_value = "0")]
    invoices: u64,
    /// Divide the number of requests by this, for a quick try
    #[arg(long, value_name = "N", default_value = "1",
          value_parser = clap::value_parser!(u64).range(1..))]
    shorter: u64,
    /// Print the process id and wait before and after each load, to trace it by hand
    #[arg(long, value_name = "SECONDS", default_value = "0")]
    attach: u64,
}

/// The measured values of one load, each in microseconds per request.
#[derive(Debug, Clone, Copy)]
struct PushCost {
    foreground: u128,
    background: u128,
    latency_p50: u128,
    wall: u128,
}

/// A row of the table: its name, and the value that it prints.
type TableRow = (&'static str, fn(&PushCost) -> u128);

/// The values that the table prints.
const VALUES: [TableRow; 5] = [
    ("processor, foreground threads", |cost| cost.foreground),
    ("processor, background threads", |cost| cost.background),
    ("processor, all threads", |cost| cost.foreground + cost.background),
    ("acknowledged, p50", |cost| cost.latency_p50),
    ("wall time until published", |cost| cost.wall),
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = PushCostArgs::parse();
    let binaries: Vec<&Path> = std::iter::once(args.a.as_path()).chain(args.b.as_deref()).collect();
    // By load and binary, one value per round.
    let mut costs = vec![vec![Vec::new(); binaries.len()]; LOADS.len()];
    for round in 0..args.rounds {
        let mut order: Vec<usize> = (0..binaries.len()).collect();
        // Alternate the order too, so that neither binary always follows the other.
        order.rotate_left(round % binaries.len());
        for binary in order {
            let measured = measure(binaries[binary], &args).await?;
            for (load, cost) in measured.into_iter().enumerate() {
                costs[load][binary].push(cost);
            }
        }
        writeln!(std::io::stderr(), "round {} of {} done", round + 1, args.rounds)?;
    }
    print(&costs)
}

/// Measures all loads on a new data directory.
async fn measure(mrrow: &Path, args: &PushCostArgs) -> Result<Vec<PushCost>, Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let server = Server::start(mrrow, &dir.path().join("data"), args.invoices)?;
    let mut costs = Vec::with_capacity(LOADS.len());
    for (connections, batch, requests) in LOADS {
        let until = Until::Requests((requests / args.shorter).max(1));
        let load = Load { connections, batch, until };
        let clients = setup_load(&server, &load).await?;
        pause(&server, &load, "starts", args.attach).await?;
        costs.push(measure_load(&server, clients, &load).await?);
        pause(&server, &load, "is over", args.attach).await?;
    }
    server.stop()?;
    Ok(costs)
}

/// Prints the process id and waits, to attach and detach a tracer by hand.
async fn pause(
    server: &Server,
    load: &Load,
    event: &str,
    seconds: u64,
) -> Result<(), Box<dyn Error>> {
    if seconds > 0 {
        let (pid, connections, batch) = (server.pid(), load.connections, load.batch);
        writeln!(std::io::stderr(), "process {pid}: {connections} × {batch} {event}")?;
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }
    Ok(())
}

async fn measure_load(
    server: &Server,
    clients: Vec<Client>,
    load: &Load,
) -> Result<PushCost, Box<dyn Error>> {
    let mut reader = Client::connect(server).await?;
    wait_until_published(&mut reader, 0).await?;
    let mut clock = ProcessorClock::new(server.pid());
    let started = Instant::now();
    let before = clock.sample()?;
    let result = sample_during(&mut clock, run_load(clients, load)).await?;
    // After the last acknowledgement the foreground threads serve only the reader.
    let foreground = (clock.sample()? - before).foreground;
    sample_during(&mut clock, wait_until_published(&mut reader, result.last_sequence)).await?;
    let wall = started.elapsed();
    let background = (clock.sample()? - before).background;
    Ok(push_cost(&result, foreground, background, wall))
}

/// Runs a future, and samples the clock meanwhile, so that ended threads are counted.
async fn sample_during<T>(
    clock: &mut ProcessorClock,
    future: impl Future<Output = Result<T, Box<dyn Error>>>,
) -> Result<T, Box<dyn Error>> {
    tokio::pin!(future);
    let mut interval = tokio::time::interval(SAMPLE_INTERVAL);
    loop {
        tokio::select! {
            done = &mut future => return done,
            _ = interval.tick() => {
                clock.sample()?;
            }
        }
    }
}

/// Waits until a snapshot contains this sequence.
async fn wait_until_published(reader: &mut Client, sequence: i64) -> Result<(), Box<dyn Error>> {
    let path = format!("/v1/movements?customer=none&min_sequence={sequence}");
    loop {
        let (status, body) = reader.send("GET", &path, Vec::new().into()).await?;
        match status {
            200 => return Ok(()),
            // The request waits for ten seconds at most.
            503 => {}
            _ => {
                let body = String::from_utf8_lossy(&body);
                return Err(format!("GET {path}: {status} {body}").into());
            }
        }
    }
}

fn push_cost(
    result: &LoadResult,
    foreground: Duration,
    background: Duration,
    wall: Duration,
) -> PushCost {
    let per_request = |time: Duration| time.as_micros() / u128::from(result.requests.max(1));
    PushCost {
        foreground: per_request(foreground),
        background: per_request(background),
        latency_p50: result.latency.value_at_quantile(0.5).into(),
        wall: per_request(wall),
    }
}

/// Prints a table of medians, as Markdown.
fn print(costs: &[Vec<Vec<PushCost>>]) -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout();
    writeln!(out, "| connections × objects | µs per request | a | b | a/b |")?;
    writeln!(out, "|---|---|---|---|---|")?;
    for ((connections, batch, _), of_load) in LOADS.iter().zip(costs) {
        for (name, value) in VALUES {
            let medians: Vec<u128> =
                of_load.iter().map(|rounds| median(rounds.iter().map(value).collect())).collect();
            let (b, ratio) = match medians[..] {
                [a, b] => (b.to_string(), ratio(a, b)),
                _ => (String::new(), String::new()),
            };
            writeln!(out, "| {connections} × {batch} | {name} | {} | {b} | {ratio} |", medians[0])?;
        }
    }
    Ok(())
}

fn median(mut values: Vec<u128>) -> u128 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// A ratio with two decimal places.
fn ratio(a: u128, b: u128) -> String {
    let hundredths = a * 100 / b.max(1);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}
