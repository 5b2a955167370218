//! The loads: connections that push without a pause, each request an invoice or a batch of invoices
//! of its own customers.

use std::error::Error;
use std::fmt::Write;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::try_join_all;
use hdrhistogram::Histogram;

use super::client::Client;
use super::server::{SOURCE, Server};

/// Customers in one request, and of each connection that pushes single invoices.
const CUSTOMERS: u64 = 1000;

/// Customers of each connection that pushes batches: a backfill by push names many.
const CUSTOMERS_OF_BATCHES: u64 = 20_000;

/// How long who is told to come again waits.
const COME_AGAIN: Duration = Duration::from_millis(100);

pub(crate) struct Load {
    pub(crate) connections: usize,
    /// Objects in a request.
    pub(crate) batch: usize,
    pub(crate) seconds: u64,
}

impl Load {
    fn customers(&self) -> u64 {
        if self.batch == 1 { CUSTOMERS } else { CUSTOMERS_OF_BATCHES }
    }
}

/// What a load has done.
pub(crate) struct Done {
    pub(crate) requests: u64,
    pub(crate) objects: u64,
    /// Requests that were told to come again.
    pub(crate) refused: u64,
    /// Microseconds until an acknowledgement.
    pub(crate) latency: Histogram<u64>,
    pub(crate) took: Duration,
}

pub(crate) async fn run(server: &Server, load: &Load) -> Result<Done, Box<dyn Error>> {
    let mut clients = Vec::with_capacity(load.connections);
    for number in 0..load.connections {
        let mut client = Client::connect(server).await?;
        push(&mut client, "plans", plan()).await?;
        for first in (0..load.customers()).step_by(CUSTOMERS as usize) {
            push(&mut client, "customers", customers(number, first)).await?;
        }
        clients.push(client);
    }
    let begun = Instant::now();
    let until = begun + Duration::from_secs(load.seconds);
    let pushing =
        clients.into_iter().enumerate().map(|(number, client)| one(client, number, load, until));
    let mut done = Done {
        requests: 0,
        objects: 0,
        refused: 0,
        latency: Histogram::new(3)?,
        took: Duration::default(),
    };
    for each in try_join_all(pushing).await? {
        done.requests += each.requests;
        done.objects += each.objects;
        done.refused += each.refused;
        done.latency.add(each.latency)?;
    }
    done.took = begun.elapsed();
    Ok(done)
}

async fn one(
    mut client: Client,
    number: usize,
    load: &Load,
    until: Instant,
) -> Result<Done, Box<dyn Error>> {
    let mut done = Done {
        requests: 0,
        objects: 0,
        refused: 0,
        latency: Histogram::new(3)?,
        took: Duration::default(),
    };
    let run = std::process::id();
    let mut invoice = 0;
    let path = path("invoices");
    while Instant::now() < until {
        let body = invoices(number, run, load, &mut invoice);
        let begun = Instant::now();
        let (status, answer) = client.send("POST", &path, "application/json", body).await?;
        match status {
            200 => {
                done.latency.record(begun.elapsed().as_micros() as u64)?;
                done.requests += 1;
                done.objects += load.batch as u64;
            }
            429 | 503 => {
                done.refused += 1;
                tokio::time::sleep(COME_AGAIN).await;
            }
            _ => return Err(format!("{status} {}", String::from_utf8_lossy(&answer)).into()),
        }
    }
    Ok(done)
}

/// Pushes an invoice of a new customer, both with this id, and returns the sequence it was
/// acknowledged with.
pub(crate) async fn push_one(client: &mut Client, id: &str) -> Result<i64, Box<dyn Error>> {
    push(client, "plans", plan()).await?;
    push(client, "customers", format!(r#"{{"id":"{id}","name":"Visible"}}"#).into()).await?;
    let invoice = format!(
        r#"{{"id":"{id}","customer_id":"{id}","type":"subscription","invoice_date":"2025-03-01","amount":9900,"currency":"USD","plan_id":"pro","subscription_id":"s"}}"#
    );
    let answer = push(client, "invoices", invoice.into()).await?;
    Ok(serde_json::from_slice::<serde_json::Value>(&answer)?["sequence"]
        .as_i64()
        .ok_or("no sequence")?)
}

/// Pushes, again when it is told to come again.
async fn push(client: &mut Client, object: &str, body: Bytes) -> Result<Bytes, Box<dyn Error>> {
    loop {
        let (status, answer) =
            client.send("POST", &path(object), "application/json", body.clone()).await?;
        match status {
            200 => return Ok(answer),
            429 | 503 => tokio::time::sleep(COME_AGAIN).await,
            _ => {
                return Err(format!(
                    "push {object}: {status} {}",
                    String::from_utf8_lossy(&answer)
                )
                .into());
            }
        }
    }
}

fn path(object: &str) -> String {
    format!("/v1/data-sources/{SOURCE}/{object}")
}

fn plan() -> Bytes {
    r#"{"id":"pro","name":"Pro","interval":"month","interval_count":1,"currency":"USD"}"#.into()
}

fn customers(connection: usize, first: u64) -> Bytes {
    let customer =
        |number| format!(r#"{{"id":"c{connection}_{number}","name":"Customer {number}"}}"#);
    format!("[{}]", (first..first + CUSTOMERS).map(customer).collect::<Vec<_>>().join(",")).into()
}

/// The next invoices of a connection, of one customer after the other.
fn invoices(connection: usize, run: u32, load: &Load, next: &mut u64) -> Bytes {
    let (count, customers) = (load.batch, load.customers());
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
            r#"{{"id":"i{run}_{count}_{connection}_{number}","customer_id":"c{connection}_{customer}","type":"subscription","invoice_date":"2025-{month:02}-01T00:00:00Z","amount":9900,"currency":"USD","plan_id":"pro","subscription_id":"s{customer}"}}"#
        );
    }
    body.push(']');
    body.into()
}
