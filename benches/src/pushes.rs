//! Push load: connections that push invoices without a pause, each for its own customers.

use std::error::Error;
use std::fmt::Write;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::try_join_all;
use hdrhistogram::Histogram;

use super::client::Client;
use super::server::{SOURCE, Server};

/// Number of customers of a connection that pushes single invoices, and of one setup request.
const CUSTOMERS: u64 = 1_000;

/// Number of customers of a connection that pushes batches: a backfill by push has many.
const CUSTOMERS_OF_BATCHES: u64 = 20_000;

/// The back-off after a 429 or 503 response.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// One load: connections that send requests of a size, until a time or a number of requests.
pub struct Load {
    /// Number of connections.
    pub connections: usize,
    /// Objects in a request.
    pub batch: usize,
    /// End of the load.
    pub until: Until,
}

/// The end of a load.
#[derive(Debug, Clone, Copy)]
pub enum Until {
    /// After a duration.
    Elapsed(Duration),
    /// After a number of acknowledged requests on each connection.
    Requests(u64),
}

impl Load {
    /// The prefix of all ids, so that two loads on one store share no record.
    fn prefix(&self) -> String {
        format!("{}x{}", self.connections, self.batch)
    }

    fn customers(&self) -> u64 {
        if self.batch == 1 { CUSTOMERS } else { CUSTOMERS_OF_BATCHES }
    }
}

/// The result of a load.
pub struct LoadResult {
    /// Acknowledged requests.
    pub requests: u64,
    /// Acknowledged objects.
    pub objects: u64,
    /// Responses with 429 or 503, which were retried.
    pub refused: u64,
    /// Microseconds until an acknowledgement.
    pub latency: Histogram<u64>,
    /// Duration of the load.
    pub elapsed: Duration,
    /// The largest acknowledged sequence.
    pub last_sequence: i64,
}

impl LoadResult {
    fn new() -> Result<LoadResult, Box<dyn Error>> {
        Ok(LoadResult {
            requests: 0,
            objects: 0,
            refused: 0,
            latency: Histogram::new(3)?,
            elapsed: Duration::ZERO,
            last_sequence: 0,
        })
    }
}

/// Opens the connections of a load, and pushes the plan and the customers.
pub async fn setup_load(server: &Server, load: &Load) -> Result<Vec<Client>, Box<dyn Error>> {
    let mut clients = Vec::with_capacity(load.connections);
    for number in 0..load.connections {
        let mut client = Client::connect(server).await?;
        push(&mut client, "plans", plan()).await?;
        for first in (0..load.customers()).step_by(CUSTOMERS as usize) {
            push(&mut client, "customers", customers(load, number, first)).await?;
        }
        clients.push(client);
    }
    Ok(clients)
}

/// Runs a load on its connections.
pub async fn run_load(clients: Vec<Client>, load: &Load) -> Result<LoadResult, Box<dyn Error>> {
    let started = Instant::now();
    let connections = clients
        .into_iter()
        .enumerate()
        .map(|(number, client)| run_connection(client, number, load, started));
    let mut result = LoadResult::new()?;
    for each in try_join_all(connections).await? {
        result.requests += each.requests;
        result.objects += each.objects;
        result.refused += each.refused;
        result.latency.add(each.latency)?;
        result.last_sequence = result.last_sequence.max(each.last_sequence);
    }
    result.elapsed = started.elapsed();
    Ok(result)
}

async fn run_connection(
    mut client: Client,
    number: usize,
    load: &Load,
    started: Instant,
) -> Result<LoadResult, Box<dyn Error>> {
    let mut result = LoadResult::new()?;
    let mut next_invoice = 0;
    let path = path("invoices");
    let is_over = |result: &LoadResult| match load.until {
        Until::Elapsed(duration) => started.elapsed() >= duration,
        Until::Requests(requests) => result.requests >= requests,
    };
    while !is_over(&result) {
        let body = invoices(number, load, &mut next_invoice);
        let sent = Instant::now();
        let (status, response) = client.send("POST", &path, body).await?;
        match status {
            200 => {
                result.latency.record(sent.elapsed().as_micros() as u64)?;
                result.requests += 1;
                result.objects += load.batch as u64;
                result.last_sequence = sequence(&response)?;
            }
            429 | 503 => {
                result.refused += 1;
                tokio::time::sleep(RETRY_AFTER).await;
            }
            _ => return Err(format!("{status} {}", String::from_utf8_lossy(&response)).into()),
        }
    }
    Ok(result)
}

/// Pushes an invoice of a new customer, both with this id. Returns the acknowledged sequence.
pub async fn push_one(client: &mut Client, id: &str) -> Result<i64, Box<dyn Error>> {
    push(client, "plans", plan()).await?;
    push(client, "customers", format!(r#"{{"id":"{id}","name":"Visible"}}"#).into()).await?;
    let invoice = format!(
        "{{\"id\":\"{id}\",\"customer_id\":\"{id}\",\"type\":\"subscription\",\
         \"invoice_date\":\"2025-03-01\",\"amount\":9900,\"currency\":\"USD\",\
         \"plan_id\":\"pro\",\"subscription_id\":\"s\"}}"
    );
    let response = push(client, "invoices", invoice.into()).await?;
    sequence(&response)
}

/// Pushes, and retries after 429 and 503.
async fn push(client: &mut Client, object: &str, body: Bytes) -> Result<Bytes, Box<dyn Error>> {
    loop {
        let (status, response) = client.send("POST", &path(object), body.clone()).await?;
        match status {
            200 => return Ok(response),
            429 | 503 => tokio::time::sleep(RETRY_AFTER).await,
            _ => {
                let body = String::from_utf8_lossy(&response);
                return Err(format!("push {object}: {status} {body}").into());
            }
        }
    }
}

fn sequence(response: &Bytes) -> Result<i64, Box<dyn Error>> {
    let response: serde_json::Value = serde_json::from_slice(response)?;
    Ok(response["sequence"].as_i64().ok_or("the acknowledgement has no sequence")?)
}

fn path(object: &str) -> String {
    format!("/v1/data-sources/{SOURCE}/{object}")
}

fn plan() -> Bytes {
    r#"{"id":"pro","name":"Pro","interval":"month","interval_count":1,"currency":"USD"}"#.into()
}

fn customers(load: &Load, connection: usize, first: u64) -> Bytes {
    let prefix = load.prefix();
    let customer = |number| {
        format!(r#"{{"id":"c{prefix}_{connection}_{number}","name":"Customer {number}"}}"#)
    };
    format!("[{}]", (first..first + CUSTOMERS).map(customer).collect::<Vec<_>>().join(",")).into()
}

/// The next invoices of a connection, one customer after the other.
fn invoices(connection: usize, load: &Load, next: &mut u64) -> Bytes {
    let (count, customers, prefix) = (load.batch, load.customers(), load.prefix());
    let mut body = String::with_capacity(count * 260);
    body.push('[');
    for index in 0..count {
        let (number, customer) = (*next, *next % customers);
        let month = *next / customers % 12 + 1;
        *next += 1;
        if index > 0 {
            body.push(',');
        }
        // Writing to a string does not fail.
        let _ = write!(
            body,
            "{{\"id\":\"i{prefix}_{connection}_{number}\",\
             \"customer_id\":\"c{prefix}_{connection}_{customer}\",\"type\":\"subscription\",\
             \"invoice_date\":\"2025-{month:02}-01T00:00:00Z\",\"amount\":9900,\
             \"currency\":\"USD\",\"plan_id\":\"pro\",\"subscription_id\":\"s{customer}\"}}"
        );
    }
    body.push(']');
    body.into()
}
