//! The current records and settings of a book: of each id, the last version pushed (§1, §2).

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;
use serde_json::Value;

use super::calendar::{Cycle, Day, Interval};
use super::moments::{Moment, moment};

pub struct Book {
    pub settings: Settings,
    pub as_of: Day,
    pub customers: BTreeSet<String>,
    pub plans: BTreeMap<String, Cycle>,
    /// By id.
    pub invoices: BTreeMap<String, Invoice>,
}

pub struct Settings {
    pub timezone: Tz,
    pub churns_immediately: bool,
    /// None is `never`.
    pub grace_days: Option<i64>,
    pub refunds_reduce: bool,
    pub prorations: Prorations,
    pub discounts_gross: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prorations {
    Add,
    Replace,
    Ignore,
}

#[derive(Debug, Clone)]
pub struct Invoice {
    pub id: String,
    pub customer_id: String,
    pub kind: InvoiceKind,
    pub amount: i128,
    pub discount: i128,
    pub currency: String,
    /// Empty is the implicit subscription.
    pub subscription_id: String,
    pub plan_id: String,
    pub is_proration: bool,
    pub invoice_date: Moment,
    pub period_start: Option<Moment>,
    pub period_end: Option<Moment>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvoiceKind {
    Subscription,
    OneTime,
    Refund,
    Cancellation,
}

pub fn read_book(book: &Value) -> Book {
    let settings = read_settings(&book["settings"]);
    let invoices =
        list(book, "invoices").iter().map(|invoice| read_invoice(invoice, settings.timezone));
    Book {
        as_of: moment(&text(book, "as_of"), settings.timezone).day,
        customers: list(book, "customers").iter().map(|customer| text(customer, "id")).collect(),
        plans: list(book, "plans")
            .iter()
            .map(|plan| (text(plan, "id"), read_cycle(plan)))
            .collect(),
        invoices: invoices.map(|invoice| (invoice.id.clone(), invoice)).collect(),
        settings,
    }
}

fn read_settings(settings: &Value) -> Settings {
    let chosen = |name: &str| settings[name].as_str().unwrap_or_default();
    Settings {
        timezone: settings["timezone"].as_str().unwrap_or("UTC").parse().expect("an IANA zone"),
        churns_immediately: chosen("churn_recognition") == "immediate",
        grace_days: match chosen("grace_days") {
            "never" => None,
            _ => Some(settings["grace_days"].as_i64().unwrap_or(14)),
        },
        refunds_reduce: chosen("refunds") != "ignore",
        prorations: match chosen("prorations") {
            "replace" => Prorations::Replace,
            "ignore" => Prorations::Ignore,
            _ => Prorations::Add,
        },
        discounts_gross: chosen("discounts") == "gross",
    }
}

fn read_cycle(plan: &Value) -> Cycle {
    let interval = match text(plan, "interval").as_str() {
        "day" => Interval::Day,
        "week" => Interval::Week,
        "month" => Interval::Month,
        "year" => Interval::Year,
        other => unreachable!("interval {other:?} is not one of day, week, month, year"),
    };
    Cycle {
        interval,
        count: plan["interval_count"].as_i64().expect("a plan has an interval_count"),
    }
}

fn read_invoice(invoice: &Value, zone: Tz) -> Invoice {
    let date = |name: &str| invoice[name].as_str().map(|written| moment(written, zone));
    Invoice {
        id: text(invoice, "id"),
        customer_id: text(invoice, "customer_id"),
        kind: read_kind(&text(invoice, "type")),
        amount: i128::from(invoice["amount"].as_i64().expect("an invoice has an amount")),
        discount: i128::from(invoice["discount"].as_i64().unwrap_or(0)),
        currency: text(invoice, "currency"),
        subscription_id: text(invoice, "subscription_id"),
        plan_id: text(invoice, "plan_id"),
        is_proration: invoice["proration"].as_bool().unwrap_or(false),
        invoice_date: date("invoice_date").expect("an invoice has an invoice_date"),
        period_start: date("period_start"),
        period_end: date("period_end"),
    }
}

fn read_kind(name: &str) -> InvoiceKind {
    match name {
        "subscription" => InvoiceKind::Subscription,
        "one-time" => InvoiceKind::OneTime,
        "refund" => InvoiceKind::Refund,
        "cancellation" => InvoiceKind::Cancellation,
        other => unreachable!("type {other:?} is not an invoice type"),
    }
}

/// A missing text is an empty one.
fn text(record: &Value, name: &str) -> String {
    record[name].as_str().unwrap_or_default().to_string()
}

fn list<'a>(book: &'a Value, name: &str) -> &'a [Value] {
    book[name].as_array().map(Vec::as_slice).unwrap_or_default()
}
