//! A company of any size: monthly and yearly subscriptions with upgrades, prorations, refunds, cancellations and late renewals.

use std::fs::File;
use std::io::{BufWriter, Result, Write};
use std::path::Path;

/// Invoices of one customer: two years of months.
const INVOICES_EACH: u64 = 24;
const PRICES: [u64; 3] = [2_900, 9_900, 29_900];

/// Writes `customers.ndjson`, `plans.ndjson` and `invoices.ndjson` with about so many invoices, month by month.
pub(crate) fn write(dir: &Path, invoices: u64) -> Result<()> {
    let customers = invoices.div_ceil(INVOICES_EACH);
    let mut file = BufWriter::new(File::create(dir.join("customers.ndjson"))?);
    for customer in 0..customers {
        writeln!(
            file,
            r#"{{"id":"cus_{customer:08}","name":"Customer {customer}","created":"2023-01-01T00:00:00Z"}}"#
        )?;
    }
    file.flush()?;
    let mut file = BufWriter::new(File::create(dir.join("plans.ndjson"))?);
    for plan in 0..PRICES.len() {
        writeln!(
            file,
            r#"{{"id":"plan_{plan}","name":"Plan {plan}","interval":"month","interval_count":1,"currency":"USD"}}"#
        )?;
    }
    file.flush()?;
    let mut file = BufWriter::new(File::create(dir.join("invoices.ndjson"))?);
    let mut left = invoices;
    for month in 0..INVOICES_EACH {
        for customer in 0..customers.min(left) {
            invoice(&mut file, customer, month)?;
        }
        left = left.saturating_sub(customers);
    }
    file.flush()
}

/// What a customer is billed in a month; a fixed hash of both decides.
fn invoice(file: &mut impl Write, customer: u64, month: u64) -> Result<()> {
    let fate = fate(customer, month);
    let day = 1 + customer % 28;
    let plan = (customer + u64::from(month > customer % 24)) % 3;
    let (year, number) = (2023 + month / 12, month % 12 + 1);
    let (end_year, end_number) = (2023 + (month + 1) / 12, (month + 1) % 12 + 1);
    let date = format!("{year}-{number:02}-{day:02}T08:00:00Z");
    let end = format!("{end_year}-{end_number:02}-{day:02}T08:00:00Z");
    let id = format!(r#""id":"in_{customer:08}_{month:02}","customer_id":"cus_{customer:08}","currency":"USD""#);
    let subscription = format!(r#""subscription_id":"sub_{customer:08}""#);
    let amount = PRICES[plan as usize];
    match fate {
        0 => writeln!(file, r#"{{{id},"type":"cancellation","invoice_date":"{date}","amount":0,{subscription}}}"#),
        1 => {
            writeln!(file, r#"{{{id},"type":"refund","invoice_date":"{date}","amount":{},{subscription}}}"#, amount / 3)
        }
        2 => writeln!(
            file,
            r#"{{{id},"type":"subscription","invoice_date":"{date}","amount":{},"plan_id":"plan_{plan}",{subscription},"period_start":"{date}","period_end":"{end}","proration":true}}"#,
            amount / 4
        ),
        _ => writeln!(
            file,
            r#"{{{id},"type":"subscription","invoice_date":"{date}","amount":{amount},"plan_id":"plan_{plan}",{subscription},"period_start":"{date}","period_end":"{end}"}}"#
        ),
    }
}

fn fate(customer: u64, month: u64) -> u64 {
    let mixed = (customer * 31 + month).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 40) % 60
}
