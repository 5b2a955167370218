//! The current records of a book (§1): which version of each id holds, and what is deleted.
//!
//! A book is JSON like a case: `settings`, `as_of`, `customers`, `plans`, `invoices` in push
//! order. It may also have `deleted` (a list of `{type, id}`) and `pushed_again` (an object of
//! `customers`, `plans`, `invoices`), which come after. Every record may name a `data_source`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::calendar::{Cycle, Day, Interval, Moment, Zone};
use super::dates::read_moment;
use super::settings::Settings;

/// The identity of a record inside its type (§1.1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    pub data_source: String,
    pub id: String,
}

#[derive(Clone, Debug)]
pub struct Plan {
    pub id: String,
    pub cycle: Cycle,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Subscription,
    OneTime,
    Refund,
    Cancellation,
}

#[derive(Clone, Debug)]
pub struct Invoice {
    pub id: String,
    pub customer_id: String,
    pub kind: Kind,
    pub invoice_date: Moment,
    /// In minor units, as sent: the *field amount* of §4.
    pub amount: i64,
    pub discount: i64,
    pub currency: String,
    pub plan_id: Option<String>,
    pub subscription_id: Option<String>,
    pub period_start: Option<Moment>,
    pub period_end: Option<Moment>,
    pub is_proration: bool,
}

impl Invoice {
    /// The moment of `period_start`, else of `invoice_date`.
    pub fn start_moment(&self) -> Moment {
        self.period_start.unwrap_or(self.invoice_date)
    }
}

/// The records that hold after all versions and deletions, and what to compute them with.
#[derive(Clone, Debug)]
pub struct Book {
    pub settings: Settings,
    pub as_of: Day,
    pub customers: BTreeMap<Identity, ()>,
    pub plans: BTreeMap<Identity, Plan>,
    pub invoices: BTreeMap<Identity, Invoice>,
}

impl Book {
    pub fn from_json(json: &Value) -> Result<Book, String> {
        let settings = Settings::from_json(&json["settings"])?;
        let as_of = text(json, "as_of")?.parse().map_err(|_| "\"as_of\" is not a day")?;
        let zone = settings.timezone;
        let mut customers = Versions::default();
        let mut plans = Versions::default();
        let mut invoices = Versions::default();
        let mut push = |part: &Value| -> Result<(), String> {
            for record in list(part, "customers") {
                customers.put(record, (), zone)?;
            }
            for record in list(part, "plans") {
                plans.put(record, read_plan(record)?, zone)?;
            }
            for record in list(part, "invoices") {
                invoices.put(record, read_invoice(record, zone)?, zone)?;
            }
            for deletion in list(part, "deleted") {
                let identity = read_identity(deletion)?;
                match text(deletion, "type")?.as_str() {
                    "customer" => customers.delete(&identity),
                    "plan" => plans.delete(&identity),
                    "invoice" => invoices.delete(&identity),
                    other => return Err(format!("cannot delete a \"{other}\"")),
                }
            }
            Ok(())
        };
        push(json)?;
        push(&json["pushed_again"])?;
        let (customers, plans) = (customers.current(), plans.current());
        Ok(Book { settings, as_of, customers, plans, invoices: invoices.current() })
    }
}

/// The current version of each id, with its `updated_at`.
struct Versions<T>(BTreeMap<Identity, (Option<i64>, T)>);

impl<T> Default for Versions<T> {
    fn default() -> Versions<T> {
        Versions(BTreeMap::new())
    }
}

impl<T> Versions<T> {
    /// Stores a version, unless its `updated_at` is earlier than that of the current one.
    fn put(&mut self, record: &Value, content: T, zone: Zone) -> Result<(), String> {
        let identity = read_identity(record)?;
        let updated_at = moment(record, "updated_at", zone)?.map(|moment| moment.instant);
        let current = self.0.get(&identity).and_then(|(updated_at, _)| *updated_at);
        let is_stale = matches!((updated_at, current), (Some(new), Some(old)) if new < old);
        if !is_stale {
            self.0.insert(identity, (updated_at, content));
        }
        Ok(())
    }

    fn delete(&mut self, identity: &Identity) {
        self.0.remove(identity);
    }

    fn current(self) -> BTreeMap<Identity, T> {
        self.0.into_iter().map(|(identity, (_, content))| (identity, content)).collect()
    }
}

fn read_plan(record: &Value) -> Result<Plan, String> {
    let interval = match text(record, "interval")?.as_str() {
        "day" => Interval::Day,
        "week" => Interval::Week,
        "month" => Interval::Month,
        "year" => Interval::Year,
        other => return Err(format!("unknown interval \"{other}\"")),
    };
    let cycle = Cycle::new(interval, whole(record, "interval_count")?);
    Ok(Plan { id: text(record, "id")?, cycle })
}

fn read_invoice(record: &Value, zone: Zone) -> Result<Invoice, String> {
    let kind = match text(record, "type")?.as_str() {
        "subscription" => Kind::Subscription,
        "one-time" => Kind::OneTime,
        "refund" => Kind::Refund,
        "cancellation" => Kind::Cancellation,
        other => return Err(format!("unknown type \"{other}\"")),
    };
    Ok(Invoice {
        id: text(record, "id")?,
        customer_id: text(record, "customer_id")?,
        kind,
        invoice_date: moment(record, "invoice_date", zone)?.ok_or("\"invoice_date\" is missing")?,
        amount: whole(record, "amount")?,
        discount: whole(record, "discount")?,
        currency: text(record, "currency")?,
        plan_id: optional_text(record, "plan_id"),
        subscription_id: optional_text(record, "subscription_id"),
        period_start: moment(record, "period_start", zone)?,
        period_end: moment(record, "period_end", zone)?,
        is_proration: record["proration"].as_bool().unwrap_or(false),
    })
}

fn read_identity(record: &Value) -> Result<Identity, String> {
    let data_source = optional_text(record, "data_source").unwrap_or_default();
    Ok(Identity { data_source, id: text(record, "id")? })
}

fn list<'a>(part: &'a Value, name: &str) -> &'a [Value] {
    part[name].as_array().map_or(&[], |records| records.as_slice())
}

/// A text; an empty one is missing.
fn optional_text(record: &Value, name: &str) -> Option<String> {
    record[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn text(record: &Value, name: &str) -> Result<String, String> {
    optional_text(record, name).ok_or_else(|| format!("\"{name}\" is missing"))
}

/// A whole number; a missing one is 0.
fn whole(record: &Value, name: &str) -> Result<i64, String> {
    match &record[name] {
        Value::Null => Ok(0),
        found => found.as_i64().ok_or_else(|| format!("\"{name}\" is not a whole number")),
    }
}

fn moment(record: &Value, name: &str, zone: Zone) -> Result<Option<Moment>, String> {
    optional_text(record, name).map(|text| read_moment(&text, zone)).transpose()
}
